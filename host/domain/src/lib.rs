//! The rules of the service desk: records, the states they move through, and the calculations on
//! them.
//!
//! Nothing here reads a clock, makes an id, does I/O or knows how a record is written down. What a
//! rule needs is an argument; what it changes it returns as an event.

pub mod approval;
pub mod binding;
pub mod calendar;
pub mod catalog;
pub mod ci;
pub mod comment;
pub mod delegation;
pub mod directory;
pub mod event;
pub mod explain;
pub mod field;
pub mod fields;
pub mod ids;
pub mod incident;
pub mod invariant;
pub mod key;
pub mod link;
pub mod message;
pub mod moment;
pub mod name;
pub mod organization;
pub mod password;
pub mod permission;
pub mod person;
pub mod priority;
pub mod problem;
pub mod proposal;
pub mod receipt;
pub mod refusal;
pub mod register;
pub mod request;
pub mod resolution;
pub mod role;
pub mod said;
pub mod saved_view;
pub mod service;
pub mod sign_in;
pub mod subject;
pub mod suggestion;
pub mod task;
pub mod team;
pub mod text;
pub mod ticket;
pub mod vote_link;
pub mod waiting;

#[cfg(test)]
mod fixture;
