//! The store on both engines: what goes in comes out, to whom it belongs, and once.
#![expect(clippy::unwrap_used, reason = "a test may stop where it fails")]

mod approvals;
mod bindings;
mod commits;
mod components;
mod config_versions;
mod conversations;
mod delegations;
mod directory;
mod fixture;
mod import_jobs;
mod invariants;
mod links;
mod lists;
mod messages;
mod numbers;
mod opening;
mod organizations;
mod passwords;
mod past;
mod receipts;
mod requests;
mod saved_views;
mod sign_ins;
mod tasks;
mod tickets;
mod together;
mod tokens;
mod vote_links;
mod walls;
mod write_sets;
