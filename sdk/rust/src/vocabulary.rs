//! The contract's enumerations as settings write them: `in_person`, `state_changed`.
//!
//! The contract's own types have the form of receipts; these are for people, and carry a JSON Schema.

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

vocabulary! {
    /// What kind of record a ticket is.
    Kind {
        /// An unplanned interruption of a service or a drop in its quality.
        Incident,
        /// Something a person asks for: access, equipment, advice.
        Request,
        /// A cause, or possible cause, of one or more incidents.
        Problem,
        /// An addition, modification or removal that could affect services.
        Change,
    }

    /// How a ticket came in.
    Channel {
        /// The self-service portal.
        Portal,
        /// An e-mail.
        Mail,
        /// A call, noted by an agent.
        Phone,
        /// A chat.
        Chat,
        /// Somebody at the counter.
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

    /// How strongly a value is meant.
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
        /// Another team or person got it.
        Assigned,
        /// Its state changed.
        StateChanged,
        /// Its priority changed.
        PriorityChanged,
        /// A public comment was written.
        Commented,
        /// The expected time of restoration changed.
        EtaChanged,
        /// An approval was asked for.
        ApprovalRequested,
        /// An approval was decided.
        ApprovalDecided,
        /// An approval waits too long; or the ticket escalated.
        Escalated,
        /// The ticket is resolved or fulfilled.
        Resolved,
        /// The ticket is closed or cancelled.
        Closed,
        /// The incident was proposed, accepted, rejected or reviewed as a major one.
        MajorChanged,
    }
}
