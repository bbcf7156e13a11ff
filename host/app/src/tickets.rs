//! Tickets: opening them, reading them, and acting on them.
//!
//! [`open()`], [`edit()`] and [`act()`] are the one door: API, import and command line all come
//! through here, and every command goes one way: read the scene, admit, perform, ask the policies,
//! react, notify, commit (`scene`).

pub mod bulk;
pub(crate) mod content;
pub(crate) mod decide;
pub(crate) mod evaluation;
pub(crate) mod facts;
pub(crate) mod given;
mod history;
pub(crate) mod intake;
mod links;
mod look;
mod messages;
pub(crate) mod names;
pub(crate) mod open;
pub mod preview;
mod reactions;
pub(crate) mod read;
pub(crate) mod scene;
mod snapshot;
mod what_if;
pub(crate) mod write;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use waypost_domain::{
    ids::{OrderId, PersonId, TicketId},
    incident::MajorState,
    priority::{Level, PrioritySource},
    task::TaskCount,
    ticket::{Phase, State, Ticket, TicketKind},
    waiting::{WaitingKind, WaitingOn},
};

pub(crate) use self::{
    evaluation::{question_of, reasons},
    snapshot::{SharedOnce, moment, only, timestamp},
};
pub use self::{
    history::{Added, History, Place, added_since, addresses},
    links::LinkView,
    look::Look,
    open::{check_new_task, open},
    read::{counts, find, list},
    scene::{act, edit},
    what_if::{WhatIf, what_if},
};
pub use waypost_domain::ticket::ActionHint;

/// Names a ticket by its id or its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TicketRef {
    /// By its id.
    Id(TicketId),
    /// By its number: `INC0000042`.
    Number(String),
}

impl TicketRef {
    /// The ticket that a text names: by its id, or else by its number, in whichever case people
    /// write it.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        text.parse().map_or_else(|_| Self::Number(text.to_ascii_uppercase()), Self::Id)
    }
}

/// Names a person by id or by e-mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonRef {
    /// By their id.
    Id(PersonId),
    /// By their e-mail address.
    Email(String),
}

impl PersonRef {
    /// The person that a text names: by their id, or else by their e-mail address.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        text.parse().map_or_else(|_| Self::Email(text.to_owned()), Self::Id)
    }
}

/// A ticket that comes in.
#[derive(Debug, Clone, Default)]
pub struct OpenTicket {
    /// What it is; none lets the policies decide, an incident if they don't.
    pub kind: Option<TicketKind>,
    /// Its fields, by the names of the kind's field table.
    pub fields: Map<String, Value>,
    /// Whether a request is only written down (`new`), to be submitted later.
    pub draft: bool,
}

/// A key and the name people read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The key.
    pub key: String,
    /// The name.
    pub name: String,
}

/// A person, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonName {
    /// Their id.
    pub id: PersonId,
    /// Their name.
    pub name: String,
    /// Whether the organization need not know any more who they are: `name` says so in English
    /// then, for programs.
    pub is_former: bool,
}

/// A ticket as a caller may see it, with the names of what it refers to.
#[derive(Debug, Clone)]
pub struct TicketView {
    /// The ticket.
    pub ticket: Ticket,
    /// The owning team.
    pub team: Named,
    /// The service.
    pub service: Option<Named>,
    /// The configuration item.
    pub ci: Option<Named>,
    /// The catalog item.
    pub catalog_item: Option<Named>,
    /// The configuration items beside it.
    pub cis: Vec<Named>,
    /// The person it is for.
    pub requester: Option<PersonName>,
    /// The assignee.
    pub assignee: Option<PersonName>,
    /// Who decides what is done about a major incident.
    pub manager: Option<PersonName>,
    /// Who tells everybody concerned of a major incident.
    pub communication_owner: Option<PersonName>,
    /// Who answers for the accepted risk of a problem.
    pub risk_owner: Option<PersonName>,
    /// The priority in force and where it comes from.
    pub priority: (Level, PrioritySource),
    /// What it waits for, and since when; none once it is over.
    pub waiting_on: Option<WaitingOn>,
    /// How many tasks it has.
    pub tasks: TaskCount,
    /// The ticket that it is a child of, or that a task belongs to.
    pub parent: Option<TicketName>,
    /// The problem that causes an incident.
    pub problem: Option<ProblemName>,
    /// The numbers of the tasks that come before a task.
    pub depends_on: Vec<String>,
    /// The number of the ticket that goes on instead of one that has ended for it.
    pub goes_on_in: Option<String>,
}

impl TicketView {
    /// Whether the owning team serves the organization no more: its key is its id then, and its
    /// name says so in English, for programs.
    #[must_use]
    pub fn has_former_team(&self) -> bool {
        self.team.key == self.ticket.team.to_string()
    }
}

/// A ticket, by number and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketName {
    /// Its id.
    pub id: TicketId,
    /// The number people use.
    pub number: String,
    /// What it is about.
    pub short_description: String,
}

/// A problem, as far as who works on one of its incidents wants to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemName {
    /// Which.
    pub name: TicketName,
    /// Where it stands.
    pub state: State,
    /// Whether it is a known error.
    pub known_error: bool,
    /// How to live with it.
    pub workaround: Option<String>,
}

/// Which tickets are asked for. Every part that is set must match.
#[derive(Debug, Clone, Default)]
pub struct TicketQuery {
    /// Which kinds; any when empty.
    pub kinds: Vec<TicketKind>,
    /// The phases.
    pub phases: Vec<Phase>,
    /// The states, by name.
    pub states: Vec<String>,
    /// Whether it is active (neither resolved, fulfilled, rejected, closed nor cancelled).
    pub active: Option<bool>,
    /// The owning team's key.
    pub team: Option<String>,
    /// The assignee.
    pub assignee: Option<PersonRef>,
    /// Whether somebody is assigned.
    pub assigned: Option<bool>,
    /// What it waits for.
    pub waiting_on: Option<WaitingKind>,
    /// Waiting since before.
    pub waiting_before: Option<DateTime<Utc>>,
    /// The requester.
    pub requester: Option<PersonRef>,
    /// The priorities.
    pub priorities: Vec<u8>,
    /// A category path and everything below it.
    pub category: Option<String>,
    /// The service's key.
    pub service: Option<String>,
    /// The configuration item's key.
    pub ci: Option<String>,
    /// A label.
    pub tag: Option<String>,
    /// Children of this incident, or tasks of this ticket.
    pub parent: Option<TicketRef>,
    /// Incidents of this problem.
    pub problem: Option<TicketRef>,
    /// Whether it is a problem that is published as a known error.
    pub known_error: Option<bool>,
    /// Where it stands as a major incident.
    pub major_states: Vec<MajorState>,
    /// Requests of this order.
    pub ordered: Option<OrderId>,
    /// Words in the short description.
    pub text: Option<String>,
    /// Whether a policy failed on it.
    pub policy_failures: Option<bool>,
    /// Opened at or after.
    pub opened_from: Option<DateTime<Utc>>,
    /// Opened before.
    pub opened_to: Option<DateTime<Utc>>,
    /// Which order.
    pub order: TicketOrder,
    /// Whether the total is counted, up to [`Total::MOST`](crate::Total::MOST).
    pub count: bool,
}

/// The order of a list of tickets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TicketOrder {
    /// The newest first.
    #[default]
    OpenedDesc,
    /// The most recently changed first.
    UpdatedDesc,
    /// The queue: what is active, by priority, then the oldest first. Major incidents in review are
    /// in it, too, where they are asked for without a word on what is active.
    Queue,
}

#[cfg(test)]
mod tests {
    use waypost_domain::ticket::Action;

    use super::*;

    fn moves_between_threads<T: Send>(_: impl FnOnce() -> T) {}

    #[test]
    fn a_use_case_runs_on_whatever_thread_is_free() {
        fn check(desk: &crate::Desk, caller: &crate::Caller, named: &TicketRef) {
            moves_between_threads(|| act(desk, caller, named, Action::Close, Map::new(), None));
            moves_between_threads(|| open(desk, caller, OpenTicket::default()));
            moves_between_threads(|| edit(desk, caller, named, Map::new(), None));
        }
        // It is the compiler that checks this.
        let _: fn(&crate::Desk, &crate::Caller, &TicketRef) = check;
    }

    #[test]
    fn a_ticket_is_named_by_id_or_number() {
        let id = TicketId(uuid::Uuid::from_u128(3));
        assert_eq!(TicketRef::parse(&id.to_string()), TicketRef::Id(id));
        assert_eq!(TicketRef::parse("inc0000042"), TicketRef::Number("INC0000042".to_owned()));
    }
}
