//! The contract's enumerations as settings write them: `in_person`, `state_changed`.
//!
//! The contract's own types have no JSON form; these have one, and carry a JSON Schema.

use schemars::JsonSchema;
use serde::Deserialize;

/// Declares an enumeration of the contract once more, with the names that settings use.
macro_rules! vocabulary {
    ($($(#[$about:meta])* $name:ident { $($(#[$case_about:meta])* $case:ident),+ $(,)? })+) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$case_about])* $case,)+
        }

        impl From<$name> for crate::$name {
            fn from(named: $name) -> Self {
                match named {
                    $($name::$case => Self::$case,)+
                }
            }
        }

        impl From<crate::$name> for $name {
            fn from(value: crate::$name) -> Self {
                match value {
                    $(crate::$name::$case => Self::$case,)+
                }
            }
        }
    )+};
}

/// What kind of record a ticket is: the case of its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TicketKind {
    /// An unplanned interruption of a service, or a reduction of its quality.
    Incident,
    /// Something a person asks for: access, equipment, advice.
    Request,
    /// A cause, or possible cause, of one or more incidents.
    Problem,
    /// A piece of work that belongs to another ticket.
    Task,
}

vocabulary! {
    /// What kind of record a ticket should be.
    Kind {
        /// An unplanned interruption of a service, or a reduction of its quality.
        Incident,
        /// Something a person asks for: access, equipment, advice.
        Request,
        /// A cause, or possible cause, of one or more incidents.
        Problem,
    }

    /// Where a ticket is in its life cycle, whatever its kind calls the state.
    Phase {
        /// It waits to be worked on, is being worked on, or awaits approval.
        Open,
        /// On hold: it waits for the caller, a vendor, evidence, a problem, or something else.
        OnHold,
        /// Resolved, fulfilled, or (a task) left incomplete; it can still be taken up again.
        Done,
        /// Not approved.
        Rejected,
        /// Closed for good.
        Closed,
        /// Ended without a result: withdrawn, merged, or converted to another kind.
        Cancelled,
    }

    /// How a ticket came in.
    Channel {
        /// The self-service portal.
        Portal,
        /// An e-mail.
        Mail,
        /// A call, logged by an agent.
        Phone,
        /// A chat.
        Chat,
        /// A walk-up.
        InPerson,
        /// A monitoring system's alert.
        Monitoring,
        /// A program, through the API.
        Api,
        /// A bulk import.
        Import,
        /// A recurring schedule.
        Schedule,
    }

    /// How firmly a value is proposed.
    Strength {
        /// The host applies it.
        Set,
        /// The host shows it to a person, who accepts or dismisses it.
        Suggested,
    }

    /// What happened to a ticket.
    EventKind {
        /// The ticket came in and was routed.
        Created,
        /// It was assigned to another team or person.
        Assigned,
        /// Its state changed, and no more specific kind of event applies.
        StateChanged,
        /// Its priority changed.
        PriorityChanged,
        /// A public comment was written.
        Commented,
        /// The promised time changed: of restoration (incident) or of delivery (request).
        EtaChanged,
        /// Votes were requested.
        ApprovalRequested,
        /// An approval was decided.
        ApprovalDecided,
        /// A vote is late and its voter is to be reminded.
        VoteLate,
        /// The ticket was escalated.
        Escalated,
        /// The ticket is resolved, fulfilled or completed.
        Resolved,
        /// The ticket is closed or cancelled.
        Closed,
        /// The incident was proposed, accepted, rejected or reviewed as a major one.
        MajorChanged,
    }
}
