//! Stories: what the desk does, told through its real doors, on both databases. A test's name is the rule that it keeps.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod approvals;
mod bindings;
mod events;
mod explaining;
mod intake;
mod layers;
mod lifecycle;
mod policies;
mod refusals;
mod stories;
mod suggestions;
mod telling;
mod tenancy;
mod waiting;
