//! Suggestions: what a policy would set, waiting for a person (requirement A7).

mod decide;

use chrono::{DateTime, Utc};

use crate::ids::{PersonId, ReceiptId, SuggestionId, TicketId};
use crate::name::names;

pub(crate) use self::decide::{accept, dismiss};

/// A field that a policy can suggest a value for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SuggestedField {
    /// Another kind of record.
    Kind,
    /// The category path.
    Category,
    /// The service's key.
    Service,
    /// The configuration item's key.
    Ci,
    /// The impact.
    Impact,
    /// The urgency.
    Urgency,
    /// The priority.
    Priority,
    /// The team's key.
    Team,
    /// The person's id.
    Assignee,
    /// Labels to add, joined with `, `.
    Tags,
    /// Ids of people to add to the watchers, joined with `, `.
    Watchers,
}

names!("field", SuggestedField {
    Kind => "kind",
    Category => "category",
    Service => "service",
    Ci => "ci",
    Impact => "impact",
    Urgency => "urgency",
    Priority => "priority",
    Team => "team",
    Assignee => "assignee",
    Tags => "tags",
    Watchers => "watchers",
});

/// How many of a policy's suggestions people took: whether it may soon decide by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SuggestionCounts {
    /// Still waiting for a person.
    pub open: u64,
    /// Taken.
    pub accepted: u64,
    /// Turned down.
    pub dismissed: u64,
}

/// What became of a suggestion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SuggestionState {
    /// Nobody has looked at it.
    Open,
    /// Taken.
    Accepted {
        /// By whom.
        by: PersonId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Turned down.
    Dismissed {
        /// By whom.
        by: PersonId,
        /// When.
        at: DateTime<Utc>,
    },
}

impl SuggestionState {
    /// The identifier of the state, without its facts.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted { .. } => "accepted",
            Self::Dismissed { .. } => "dismissed",
        }
    }
}

/// A value that a policy suggests for a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// Its id.
    pub id: SuggestionId,
    /// The ticket.
    pub ticket: TicketId,
    /// The recorded decision it comes from.
    pub receipt: ReceiptId,
    /// Which field.
    pub field: SuggestedField,
    /// The value that the field had when it was suggested; when the field has moved on, the
    /// suggestion is outdated.
    pub seen: Option<String>,
    /// The suggested value, in the words of the contract (keys, paths, levels).
    pub value: String,
    /// In percent.
    pub confidence: u8,
    /// Why.
    pub reasons: Vec<String>,
    /// What became of it.
    pub state: SuggestionState,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}
