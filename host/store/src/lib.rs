//! Where records are kept: SQLite and PostgreSQL, with one SQL text for both.
//!
//! A transaction belongs to an organization ([`ReadTx`], [`WriteTx`]), and every query binds it.
//! Work across organizations needs a [`SystemReadTx`] or a [`SystemTx`], so a search for those two
//! names lists everything that can see more than one. Each module is named for the record it keeps;
//! its functions take the transaction first.
//!
//! What each organization may read of the others: the organizations above it, their bindings and
//! the components that were granted to them, and the teams (with their members) of a provider that
//! serve it. Nothing else. On PostgreSQL, row-level security says the same a second time.

mod checkpoints;
mod column;
mod conn;
mod digest;
mod error;
mod moment;
mod pack;
mod pool;
mod row;
mod sql;
mod stats;
mod store;
mod sweep;
mod together;
mod unique;
mod write_set;
mod writer;

pub mod approval;
pub mod binding;
pub mod binding_pause;
pub mod binding_switch;
pub mod catalog;
pub mod category;
pub mod ci;
pub mod comment;
pub mod component;
pub mod config_version;
pub mod delegation;
pub mod directory;
pub mod due;
pub mod evaluation;
pub mod event;
mod fields;
pub mod idempotency;
pub mod import_job;
pub mod invariant;
pub mod link;
pub mod major;
pub mod number;
pub mod organization;
pub mod outbox;
pub mod password;
pub mod person;
pub mod receipt;
pub mod refused_vote;
pub mod saved_view;
pub mod service;
pub mod sign_in;
pub mod snapshot_part;
pub mod suggestion;
pub mod team;
#[cfg(feature = "testing")]
pub mod testing;
pub mod ticket;
pub mod token;
pub mod vote_link;

pub use conn::{CommitNote, Committed, ReadTx, SystemReadTx, SystemTx, WriteTx};
pub use error::StoreError;
pub use stats::StoreStats;
pub use store::{Engine, Store, StoreOptions};
pub use sweep::Sweep;
pub use write_set::{Inserts, WriteSet};
