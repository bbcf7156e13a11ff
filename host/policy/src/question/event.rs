//! The event of `notify`.

use serde::{Deserialize, Serialize};

/// One thing that happened to the ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its id in the ticket's history.
    pub id: String,
    /// What happened.
    pub kind: EventKind,
    /// The id of the event that caused it.
    pub cause: Option<String>,
    /// Who or what caused it.
    pub actor: ActorKind,
    /// The person, when it was one.
    pub actor_person: Option<String>,
    /// The fields that changed.
    pub changes: Vec<FieldChange>,
    /// The public text that came with it.
    pub text: Option<String>,
    /// The people whose votes are awaited.
    pub approvers: Vec<String>,
}

/// A field that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field.
    pub field: String,
    /// The value before; none means empty.
    pub before: Option<String>,
    /// The value after; none means empty.
    pub after: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The ticket came in and was routed.
    Created,
    /// It was assigned to another team or person.
    Assigned,
    /// Its state changed, and no other kind says it better.
    StateChanged,
    /// Its priority changed.
    PriorityChanged,
    /// A public comment was written.
    Commented,
    /// The promised time changed.
    EtaChanged,
    /// Votes were asked for.
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

/// Who or what caused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person.
    User,
    /// An e-mail.
    Mail,
    /// A program, through the API.
    Api,
    /// A monitoring system.
    Alert,
    /// A policy's decision.
    Policy,
    /// Waypost itself.
    System,
}
