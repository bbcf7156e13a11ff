//! Tickets: what incidents and requests have in common, and the actions that change them.
//!
//! A state changes only by an action. Every accepted action returns what it changed, from which the
//! caller makes the event; a refused one says why and changes nothing.

mod action;
mod assign;
mod diff;
mod edit;
mod end;
mod hints;
mod hold;
mod open;
#[cfg(test)]
mod rules;
mod state;
#[cfg(test)]
mod table;
mod talk;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::{
    ids::{CiId, OrgId, PersonId, ServiceId, TeamId, TicketId},
    incident::{IncidentState, Major},
    key::CategoryPath,
    name::names,
    priority::{Level, Priority},
    request::Request,
};

pub(crate) use self::diff::{Fact, differences};
pub use self::{
    action::Action,
    assign::MAX_ESCALATION_LEVEL,
    diff::state_change,
    edit::{Edit, MAX_AFFECTED_USERS, MAX_WATCHERS},
    end::Merged,
    hints::ActionHint,
    hold::Holding,
    open::NewTicket,
    state::State,
    talk::Reply,
};

/// How a ticket came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
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

names!("channel", Channel {
    Portal => "portal",
    Mail => "mail",
    Phone => "phone",
    Chat => "chat",
    InPerson => "in_person",
    Monitoring => "monitoring",
    Api => "api",
    Import => "import",
    Schedule => "schedule",
});

/// Which kind of ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TicketKind {
    /// An unplanned interruption of a service or a drop in its quality.
    Incident,
    /// Something a person asks for.
    Request,
}

names!("kind of ticket", TicketKind {
    Incident => "incident",
    Request => "request",
});

/// What a ticket is, with what is particular to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// An incident.
    Incident(IncidentState),
    /// A service request.
    Request(Request),
}

/// Where a ticket came from, when another system has its own number for it. Unique in the organization: what makes an
/// import idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExternalRef {
    /// The system or file: `tickets.csv`.
    pub source: String,
    /// Its number there.
    pub id: String,
}

/// An incident or a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Its id.
    pub id: TicketId,
    /// The organization it belongs to.
    pub org: OrgId,
    /// The number people use: `INC0000042`, `REQ0000007`.
    pub number: String,
    /// One line, 1 to 250 characters.
    pub short_description: String,
    /// The full text.
    pub description: String,
    /// How it came in.
    pub channel: Channel,
    /// Free labels, lower case.
    pub tags: BTreeSet<String>,
    /// The person with the trouble or the wish (ITIL: caller, requested for).
    pub requester: PersonId,
    /// Who wrote it down, when it was another.
    pub opened_by: Option<PersonId>,
    /// What it is about.
    pub category: Option<CategoryPath>,
    /// The service concerned.
    pub service: Option<ServiceId>,
    /// The configuration item concerned.
    pub ci: Option<CiId>,
    /// How much is affected.
    pub impact: Option<Level>,
    /// How soon it hurts.
    pub urgency: Option<Level>,
    /// How soon it is worked on.
    pub priority: Priority,
    /// The team that owns it (ITIL: assignment group). Never missing.
    pub team: TeamId,
    /// The person who works on it.
    pub assignee: Option<PersonId>,
    /// How often the team or assignee changed after the first assignment.
    pub reassignment_count: i64,
    /// People who hear of every change.
    pub watchers: BTreeSet<PersonId>,
    /// A ticket it is a part of.
    pub parent: Option<TicketId>,
    /// Whether an incident follows the one that it is a part of.
    pub sync_with_parent: bool,
    /// How many people an incident keeps from their work, as far as the desk knows.
    pub affected_users: u32,
    /// Where an incident stands as a major one.
    pub major: Major,
    /// The closed ticket that it takes up again, when its caller answered that one.
    pub follows: Option<TicketId>,
    /// Where it came from.
    pub external_ref: Option<ExternalRef>,
    /// What it is, and its state.
    pub body: Body,
    /// When the trouble began or the wish was told.
    pub opened_at: DateTime<Utc>,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
    /// When anything of it changed last.
    pub updated_at: DateTime<Utc>,
    /// When it entered its state; for a hold or an approval, when the waiting began.
    pub state_since: DateTime<Utc>,
    /// Since when it waits for whom it waits for now (requirement W10).
    pub waiting_since: DateTime<Utc>,
    /// The escalation level reached so far; 0 for none.
    pub escalation_level: u8,
    /// When the desk acknowledged it first.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// When a human of the desk answered publicly first.
    pub first_response_at: Option<DateTime<Utc>>,
    /// When service should be back (an incident), as told to the requester.
    pub eta: Option<DateTime<Utc>>,
    /// When a person confirmed category, impact and urgency.
    pub triaged_at: Option<DateTime<Utc>>,
    /// How often it was reopened.
    pub reopen_count: i64,
    /// When it was reopened last.
    pub last_reopened_at: Option<DateTime<Utc>>,
    /// Set when a policy failed on it and a fallback decided: which hooks, for people to look at.
    pub degraded: Option<String>,
    /// Rises by one with every change.
    pub version: i64,
}
