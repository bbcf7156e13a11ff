//! Events: what happened to a record. Appended by every accepted action, never changed.

use chrono::{DateTime, Utc};

use crate::ids::{EventId, PersonId};
use crate::{name::names, subject::Subject};

/// Who or what acted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Actor {
    /// What kind of actor.
    pub kind: ActorKind,
    /// The person, where it was one.
    pub person: Option<PersonId>,
}

impl Actor {
    /// Waypost itself.
    #[must_use]
    pub const fn system() -> Self {
        Self { kind: ActorKind::System, person: None }
    }
}

/// What kind of actor acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorKind {
    /// A person at a front end.
    User,
    /// An e-mail, or a link that one carried.
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

names!("kind of actor", ActorKind {
    User => "user",
    Mail => "mail",
    Api => "api",
    Alert => "alert",
    Policy => "policy",
    System => "system",
});

/// One accepted action, with what it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// What it happened to.
    pub subject: Subject,
    /// 1, 2, 3, … for each record.
    pub seq: i64,
    /// When it happened; never before the record's previous event.
    pub at: DateTime<Utc>,
    /// Who or what acted.
    pub actor: Actor,
    /// The event that caused this one.
    pub cause: Option<EventId>,
    /// What was done: `create`, `assign`, `resolve`, ...
    pub action: crate::ticket::Action,
    /// The fields that changed.
    pub changes: Vec<FieldChange>,
    /// The digest of the policy that decided it.
    pub policy_digest: Option<String>,
    /// Why, as the actor put it.
    pub reason: Option<String>,
}

/// One field, before and after. Teams, services and configuration items stand with their keys,
/// which do not change; people stand with their ids, because a name can change or be erased while
/// events stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// The field: `state`, `team`, `priority`, ...
    pub field: String,
    /// Before; none where it was empty.
    pub before: Option<String>,
    /// After; none where it is empty.
    pub after: Option<String>,
}
