//! The facts that a ticket has in some of its states only.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use waypost_domain::{
    incident::{Awaiting, CancelOutcome, Cancellation, Hold, IncidentState, Resolution},
    request::{Fulfilment, Request, RequestState},
    ticket::Body,
};

use crate::wire::{ActorOut, FulfilmentCodeName, MoneyWire, NamedOut, ResolutionCodeName};

/// Why a ticket is on hold.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hold)]
pub(super) struct HoldOut {
    /// `caller`, `vendor` or `evidence`.
    #[schema(value_type = String)]
    awaiting: &'static str,
    /// The vendor's name.
    vendor: Option<String>,
    /// The id of the person who must supply the evidence.
    person: Option<Uuid>,
    /// Since when.
    since: DateTime<Utc>,
    /// When somebody should look again.
    follow_up_at: Option<DateTime<Utc>>,
}

/// How an incident was resolved.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Resolution)]
pub(super) struct ResolutionOut {
    /// The outcome.
    code: ResolutionCodeName,
    /// What was done.
    notes: String,
    /// When.
    at: DateTime<Utc>,
    /// By whom.
    by: ActorOut,
}

/// What is asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RequestDetails)]
pub(super) struct RequestOut {
    /// The catalog item; null for a request in free text.
    catalog_item: Option<NamedOut>,
    /// The answers to its form.
    answers: BTreeMap<String, String>,
    /// How many of it.
    quantity: u16,
    /// The id of the order, where it was ordered together with others.
    order_id: Option<Uuid>,
    /// What all of it costs.
    cost: Option<MoneyWire>,
    /// When it should be there.
    expected_at: Option<DateTime<Utc>>,
    /// The pieces of work that fulfil it.
    tasks: TaskCountOut,
}

/// How many tasks a request has.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskCount)]
pub(super) struct TaskCountOut {
    /// Those about which somebody still has to do something.
    pub(super) open: u32,
    /// All.
    pub(super) total: u32,
}

/// How a request was fulfilled.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fulfillment)]
pub(super) struct FulfillmentOut {
    /// The outcome.
    code: FulfilmentCodeName,
    /// What was done.
    notes: String,
    /// When.
    at: DateTime<Utc>,
    /// By whom.
    by: ActorOut,
}

/// Why a request was not approved.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rejection)]
pub(super) struct RejectionOut {
    /// Why.
    reason: String,
    /// When.
    at: DateTime<Utc>,
}

/// The end of a ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Closing)]
pub(super) struct ClosingOut {
    /// When.
    at: DateTime<Utc>,
    /// By whom.
    by: ActorOut,
}

/// Why a ticket ended without a resolution.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cancellation)]
pub(super) struct CancellationOut {
    /// `withdrawn`, `merged_into` or `converted_to`.
    #[schema(value_type = String)]
    outcome: &'static str,
    /// The id of the ticket that goes on instead.
    ticket: Option<Uuid>,
    /// Why.
    reason: String,
    /// When.
    at: DateTime<Utc>,
    /// By whom.
    by: ActorOut,
}

/// The facts of a state, each under its own name.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) hold: Option<HoldOut>,
    pub(super) resolution: Option<ResolutionOut>,
    pub(super) request: Option<RequestOut>,
    pub(super) fulfillment: Option<FulfillmentOut>,
    pub(super) rejection: Option<RejectionOut>,
    pub(super) closing: Option<ClosingOut>,
    pub(super) cancellation: Option<CancellationOut>,
}

impl Facts {
    pub(super) fn of(body: Body, catalog_item: Option<NamedOut>, tasks: TaskCountOut) -> Self {
        match body {
            Body::Incident(state) => Self::of_incident(state),
            Body::Request(request) => {
                let Request { item: _, answers, quantity, order, cost, expected_at, state } =
                    request;
                let answers =
                    answers.into_iter().map(|(field, text)| (field.to_string(), text)).collect();
                let cost = cost.map(Into::into);
                let request = RequestOut {
                    catalog_item,
                    answers,
                    quantity,
                    order_id: order.map(|order| order.0),
                    cost,
                    expected_at,
                    tasks,
                };
                Self { request: Some(request), ..Self::of_request(state) }
            }
        }
    }

    fn of_incident(state: IncidentState) -> Self {
        let none = Self::default();
        match state {
            IncidentState::New | IncidentState::InProgress => none,
            IncidentState::OnHold(hold) => Self { hold: Some(hold.into()), ..none },
            IncidentState::Resolved(resolution) => {
                Self { resolution: Some(resolution.into()), ..none }
            }
            IncidentState::Closed { resolution, at, by } => Self {
                resolution: Some(resolution.into()),
                closing: Some(ClosingOut { at, by: by.into() }),
                ..none
            },
            IncidentState::Cancelled(cancellation) => {
                Self { cancellation: Some(cancellation.into()), ..none }
            }
        }
    }

    fn of_request(state: RequestState) -> Self {
        let none = Self::default();
        match state {
            RequestState::New | RequestState::AwaitingApproval | RequestState::InFulfilment => none,
            RequestState::OnHold(hold) => Self { hold: Some(hold.into()), ..none },
            RequestState::Fulfilled(fulfilment) => {
                Self { fulfillment: Some(fulfilment.into()), ..none }
            }
            RequestState::Rejected { reason, at } => {
                Self { rejection: Some(RejectionOut { reason, at }), ..none }
            }
            RequestState::Closed { fulfilment, at, by } => Self {
                fulfillment: Some(fulfilment.into()),
                closing: Some(ClosingOut { at, by: by.into() }),
                ..none
            },
            RequestState::Cancelled(cancellation) => {
                Self { cancellation: Some(cancellation.into()), ..none }
            }
        }
    }
}

impl From<Hold> for HoldOut {
    fn from(hold: Hold) -> Self {
        let awaiting = hold.awaiting.as_str();
        let (vendor, person) = match hold.awaiting {
            Awaiting::Caller => (None, None),
            Awaiting::Vendor(vendor) => (Some(vendor), None),
            Awaiting::Evidence(person) => (None, Some(person.0)),
        };
        Self { awaiting, vendor, person, since: hold.since, follow_up_at: hold.follow_up_at }
    }
}

impl From<Resolution> for ResolutionOut {
    fn from(resolution: Resolution) -> Self {
        Self {
            code: resolution.code.into(),
            notes: resolution.notes,
            at: resolution.at,
            by: resolution.by.into(),
        }
    }
}

impl From<Fulfilment> for FulfillmentOut {
    fn from(fulfilment: Fulfilment) -> Self {
        Self {
            code: fulfilment.code.into(),
            notes: fulfilment.notes,
            at: fulfilment.at,
            by: fulfilment.by.into(),
        }
    }
}

impl From<Cancellation> for CancellationOut {
    fn from(cancellation: Cancellation) -> Self {
        let outcome = cancellation.outcome.as_str();
        let ticket = match cancellation.outcome {
            CancelOutcome::Withdrawn => None,
            CancelOutcome::MergedInto(ticket) | CancelOutcome::ConvertedTo(ticket) => {
                Some(ticket.0)
            }
        };
        Self {
            outcome,
            ticket,
            reason: cancellation.reason,
            at: cancellation.at,
            by: cancellation.by.into(),
        }
    }
}
