//! What can be asked of the desk: one use case per file.
//!
//! A front end makes a [`Caller`] and a command, and gets a view or a [`CommandError`]. A use case
//! reads in one transaction, asks policies with none open, lets the domain decide, and writes once.

mod caller;
mod clock;
mod configuration;
mod desk;
mod differences;
mod error;
mod hashing;
mod input;
mod json;
mod labels;
mod layers;
mod numbers;
mod page;
mod plain;
mod preparing;
mod quotas;
mod refs;

pub mod approvals;
pub mod audit;
pub mod bindings;
pub mod comments;
pub mod delegations;
pub mod explain;
pub mod idempotency;
pub mod import;
pub mod live;
pub mod majors;
pub mod me;
pub mod orders;
pub mod organizations;
pub mod outbox;
pub mod passwords;
pub mod people;
pub mod policies;
pub mod receipts;
pub mod registers;
mod same_cases;
pub mod saved_views;
pub mod sign_ins;
pub mod suggestions;
pub mod tickets;
pub mod tokens;
pub mod trial;
pub mod upkeep;
pub mod vote_links;

pub use caller::{Caller, Unauthenticated, authenticate};
pub use clock::{Clock, Entropy, ToMicros};
pub use desk::{Desk, DeskOptions};
pub use error::{Code, CommandError, Missing};
pub use labels::{FORMER_MEMBER, FORMER_TEAM, person_name};
pub use page::{Cursor, InvalidCursor, Page, PageRequest, Total};
pub use quotas::Quotas;
pub use waypost_store::{CommitNote, Committed};
