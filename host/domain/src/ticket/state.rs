//! The names of the states of tickets, without the facts that belong to a state.

use crate::{
    incident::IncidentState,
    name::names,
    request::RequestState,
    ticket::{Body, Ticket, TicketKind},
};

/// The name of a state. Which ones a ticket can have depends on its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Reported or written; nobody has started.
    New,
    /// A request waits for approval.
    AwaitingApproval,
    /// Somebody works on an incident.
    InProgress,
    /// A request is being fulfilled.
    InFulfilment,
    /// Waits for somebody or something outside the desk.
    OnHold,
    /// An incident's service is restored.
    Resolved,
    /// A request is fulfilled.
    Fulfilled,
    /// A request was not approved.
    Rejected,
    /// Over.
    Closed,
    /// Ended without a resolution.
    Cancelled,
}

names!("state", State {
    New => "new",
    AwaitingApproval => "awaiting_approval",
    InProgress => "in_progress",
    InFulfilment => "in_fulfilment",
    OnHold => "on_hold",
    Resolved => "resolved",
    Fulfilled => "fulfilled",
    Rejected => "rejected",
    Closed => "closed",
    Cancelled => "cancelled",
});

impl State {
    /// The states that a ticket of this kind can have, in the order of its life.
    #[must_use]
    pub const fn of_kind(kind: TicketKind) -> &'static [Self] {
        match kind {
            TicketKind::Incident => &[
                Self::New,
                Self::InProgress,
                Self::OnHold,
                Self::Resolved,
                Self::Closed,
                Self::Cancelled,
            ],
            TicketKind::Request => &[
                Self::New,
                Self::AwaitingApproval,
                Self::InFulfilment,
                Self::OnHold,
                Self::Fulfilled,
                Self::Rejected,
                Self::Closed,
                Self::Cancelled,
            ],
        }
    }

    /// Whether the desk still has to do something about it.
    #[must_use]
    pub const fn is_active(self) -> bool {
        match self {
            Self::New
            | Self::AwaitingApproval
            | Self::InProgress
            | Self::InFulfilment
            | Self::OnHold => true,
            Self::Resolved | Self::Fulfilled | Self::Rejected | Self::Closed | Self::Cancelled => {
                false
            }
        }
    }

    /// Whether nothing leads out of it.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Closed | Self::Cancelled)
    }
}

impl TicketKind {
    /// The kind as it stands in a sentence.
    #[must_use]
    pub const fn with_article(self) -> &'static str {
        match self {
            Self::Incident => "an incident",
            Self::Request => "a request",
        }
    }
}

impl Ticket {
    /// Which kind of ticket it is.
    #[must_use]
    pub const fn kind(&self) -> TicketKind {
        match self.body {
            Body::Incident(_) => TicketKind::Incident,
            Body::Request(_) => TicketKind::Request,
        }
    }

    /// The name of its state.
    #[must_use]
    pub const fn state(&self) -> State {
        match &self.body {
            Body::Incident(state) => state.name(),
            Body::Request(request) => request.state.name(),
        }
    }
}

impl IncidentState {
    /// The state's name.
    #[must_use]
    pub const fn name(&self) -> State {
        match self {
            Self::New => State::New,
            Self::InProgress => State::InProgress,
            Self::OnHold(_) => State::OnHold,
            Self::Resolved(_) => State::Resolved,
            Self::Closed { .. } => State::Closed,
            Self::Cancelled(_) => State::Cancelled,
        }
    }
}

impl RequestState {
    /// The state's name.
    #[must_use]
    pub const fn name(&self) -> State {
        match self {
            Self::New => State::New,
            Self::AwaitingApproval => State::AwaitingApproval,
            Self::InFulfilment => State::InFulfilment,
            Self::OnHold(_) => State::OnHold,
            Self::Fulfilled(_) => State::Fulfilled,
            Self::Rejected { .. } => State::Rejected,
            Self::Closed { .. } => State::Closed,
            Self::Cancelled(_) => State::Cancelled,
        }
    }
}
