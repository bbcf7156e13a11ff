//! JSON over HTTP: what can be asked of the desk, under `/api/v1`.
//!
//! A handler takes a request apart, calls one use case of `waypost_app`, and converts what it
//! returns. What every request goes through is in `middleware`; every error leaves as an
//! `api_error`; the OpenAPI document is made from the routes themselves.

mod api_error;
mod approval_requests;
mod bindings;
mod bulk_actions;
mod delegations;
mod events;
mod explanations;
mod extract;
mod health;
mod major_incidents;
mod me;
mod middleware;
mod openapi;
mod orders;
mod organizations;
mod outbox;
mod policies;
mod reader;
mod receipts;
mod refused_votes;
mod registers;
mod reply;
mod routes;
mod saved_views;
mod schema;
mod sign_ins;
mod state;
mod tickets;
mod tokens;
mod wire;

pub use routes::{document, router};
pub use state::ApiState;
pub use tickets::{explanation_json, outcome_json, preview_json, ticket_json, what_if_json};
