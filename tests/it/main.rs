//! Stories: what the desk does, told through its real doors, on both databases. A test's name is
//! the rule that it keeps.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod approvals;
mod bindings;
mod budgets;
mod bulk;
mod commands;
mod delegations;
mod disk;
mod doors;
mod effects;
mod events;
mod explaining;
mod front;
mod golden;
mod hanging;
mod hostile;
mod import;
mod intake;
mod keeping;
mod layers;
mod lifecycle;
mod links;
mod logs;
mod major_rules;
mod majors;
mod merging;
mod orders;
mod outages;
mod pages;
mod parts;
mod planning;
mod policies;
mod previews;
mod problems;
mod queues;
mod quotas;
mod receipts;
mod refusals;
mod repeats;
mod risks;
mod rooms;
mod seats;
mod stories;
mod suggestions;
mod tasks;
mod telling;
mod tenancy;
mod texts;
mod together;
mod upkeep;
mod visibility;
mod waiting;
mod web;
