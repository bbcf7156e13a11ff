//! Questions: what a hook is asked, in the host's own types.
//!
//! They follow the latest contract in names and meaning, and no version of it in their form: a
//! module of `contract` translates them for each version. See [`crate::form`] for their JSON.

mod approval;
mod context;
mod event;
mod ticket;

use serde::{Deserialize, Serialize};

use crate::{Hook, form};

pub use self::approval::{Tally, WaitingApproval};
pub use self::context::{Ci, Context, Criticality, Moment, Person, Service, Team};
pub use self::event::{ActorKind, Event, EventKind, FieldChange};
pub use self::ticket::{
    Channel, Comment, Details, Field, FieldValue, FormAnswer, Head, IncidentDetails, Money, Phase,
    ProblemDetails, RequestDetails, TaskDetails, TeamRef, Ticket, WaitingOn,
};

/// What a hook is asked: the snapshot that a decision is a pure function of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "hook", rename_all = "snake_case")]
pub enum Question {
    /// What kind of work has arrived?
    Categorize {
        /// The ticket.
        ticket: Ticket,
        /// The facts around it.
        context: Context,
    },
    /// Who should work on it?
    Route {
        /// The ticket.
        ticket: Ticket,
        /// The facts around it.
        context: Context,
    },
    /// Who must agree?
    Plan {
        /// The ticket.
        ticket: Ticket,
        /// The facts around it.
        context: Context,
    },
    /// What about a vote that is awaited?
    Stalled {
        /// The ticket.
        ticket: Ticket,
        /// The approval request.
        approval: WaitingApproval,
        /// The facts around it.
        context: Context,
    },
    /// Who should be notified?
    Notify {
        /// What happened.
        event: Event,
        /// The ticket.
        ticket: Ticket,
        /// The facts around it.
        context: Context,
    },
}

impl Question {
    /// The hook that is asked.
    #[must_use]
    pub const fn hook(&self) -> Hook {
        match self {
            Self::Categorize { .. } => Hook::Categorize,
            Self::Route { .. } => Hook::Route,
            Self::Plan { .. } => Hook::Plan,
            Self::Stalled { .. } => Hook::Stalled,
            Self::Notify { .. } => Hook::Notify,
        }
    }

    /// The ticket that is asked about.
    #[must_use]
    pub const fn ticket(&self) -> &Ticket {
        match self {
            Self::Categorize { ticket, .. }
            | Self::Route { ticket, .. }
            | Self::Plan { ticket, .. }
            | Self::Stalled { ticket, .. }
            | Self::Notify { ticket, .. } => ticket,
        }
    }

    /// The facts around the ticket.
    #[must_use]
    pub const fn context(&self) -> &Context {
        match self {
            Self::Categorize { context, .. }
            | Self::Route { context, .. }
            | Self::Plan { context, .. }
            | Self::Stalled { context, .. }
            | Self::Notify { context, .. } => context,
        }
    }

    /// The question as JSON. Equal questions give equal bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        form::to_json(self)
    }
}
