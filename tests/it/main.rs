//! Stories: what the desk does, told through its real doors, on both databases. A test's name is the rule that it keeps.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod intake;
