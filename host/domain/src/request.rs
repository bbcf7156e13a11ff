//! Service requests and the states they move through.
//!
//! ```text
//! new ──submit──▶ awaiting_approval ──approved──▶ in_fulfilment ──fulfill──▶ fulfilled ──close──▶ closed
//! new ──submit──▶ in_fulfilment (nobody needs to be asked) or rejected (the policy refuses)
//! awaiting_approval ──rejected──▶ rejected ──revise──▶ new
//! in_fulfilment ──hold──▶ on_hold ──resume──▶ in_fulfilment
//! ```

mod quantity;
#[cfg(test)]
mod rules;
mod work;

use chrono::{DateTime, Utc};

use crate::{
    catalog::Money,
    event::Actor,
    ids::{CatalogItemId, OrderId},
    incident::{Cancellation, Hold},
    key::Key,
    name::names,
};

pub use self::{quantity::MAX_QUANTITY, work::Submission};
pub(crate) use self::{
    quantity::{check_quantity, cost_of},
    work::answers,
};

/// What is particular to a service request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is asked for; none for a free-text request.
    pub item: Option<CatalogItemId>,
    /// The form's answers, in the form's order.
    pub answers: Vec<(Key, String)>,
    /// How many of it, 1 to [`MAX_QUANTITY`].
    pub quantity: u16,
    /// What was ordered together with other requests.
    pub order: Option<OrderId>,
    /// What all of it costs: the item's cost when it was asked for, times the quantity.
    pub cost: Option<Money>,
    /// When it should be there.
    pub expected_at: Option<DateTime<Utc>>,
    /// Where it stands.
    pub state: RequestState,
}

/// A request's state, with the facts that are true only in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestState {
    /// Written, not submitted.
    New,
    /// Approvers are asked.
    AwaitingApproval,
    /// Being fulfilled.
    InFulfilment,
    /// Waits for somebody or something outside the desk.
    OnHold(Hold),
    /// Done; the requester can still object.
    Fulfilled(Fulfilment),
    /// Not approved; can be revised.
    Rejected {
        /// Why.
        reason: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Over.
    Closed {
        /// How it was fulfilled.
        fulfilment: Fulfilment,
        /// When it was closed.
        at: DateTime<Utc>,
        /// Who closed it.
        by: Actor,
    },
    /// Ended without fulfilment.
    Cancelled(Cancellation),
}

/// How a request was fulfilled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fulfilment {
    /// The outcome.
    pub code: FulfilmentCode,
    /// What was done.
    pub notes: String,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: Actor,
}

/// The outcome of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FulfilmentCode {
    /// All of it.
    Complete,
    /// A part.
    Partial,
    /// Something else that serves.
    Substituted,
}

names!("fulfilment code", FulfilmentCode {
    Complete => "complete",
    Partial => "partial",
    Substituted => "substituted",
});
