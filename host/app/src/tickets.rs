//! Tickets: opening them, reading them, and acting on them.
//!
//! [`open()`] and [`act()`] are the one door: API, import and command line all come through here.

pub(crate) mod act;
pub(crate) mod conclude;
pub(crate) mod content;
pub(crate) mod decide;
mod edit;
pub(crate) mod facts;
mod links;
mod messages;
pub(crate) mod moves;
pub(crate) mod names;
pub(crate) mod open;
mod parts;
pub(crate) mod read;
pub(crate) mod round;
mod snapshot;
pub(crate) mod write;

use chrono::{DateTime, Utc};
use waypost_domain::{
    ids::{OrderId, PersonId, TicketId},
    incident::{MajorState, ResolutionCode},
    link::LinkType,
    priority::{Level, PrioritySource},
    request::FulfilmentCode,
    task::TaskCount,
    ticket::{Channel, Ticket, TicketKind},
    waiting::{WaitingKind, WaitingOn},
};

pub use self::{
    act::{ActionHint, act, actions},
    edit::edit,
    links::{LinkView, links},
    open::open,
    read::{events, find, list},
};
pub(crate) use self::{
    round::{question_of, reasons},
    snapshot::{only, timestamp},
};

/// Names a ticket by its id or its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TicketRef {
    /// By its id.
    Id(TicketId),
    /// By its number: `INC0000042`.
    Number(String),
}

/// Names a person by id or by e-mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonRef {
    /// By their id.
    Id(PersonId),
    /// By their e-mail address.
    Email(String),
}

/// A ticket that comes in. Texts and keys are checked here, not by the front end.
#[derive(Debug, Clone, Default)]
pub struct OpenTicket {
    /// What it is; none lets the policies decide, an incident if they don't.
    pub kind: Option<TicketKind>,
    /// One line, 1 to 250 characters.
    pub short_description: String,
    /// The full text.
    pub description: String,
    /// How it came in; none for the API.
    pub channel: Option<Channel>,
    /// The person with the trouble or the wish; none for the caller themselves.
    pub requester: Option<PersonRef>,
    /// The category path, when the sender knows it.
    pub category: Option<String>,
    /// The service's key.
    pub service: Option<String>,
    /// The configuration item's key.
    pub ci: Option<String>,
    /// How much is affected.
    pub impact: Option<u8>,
    /// How soon it hurts.
    pub urgency: Option<u8>,
    /// Free labels.
    pub tags: Vec<String>,
    /// The catalog item's key, for a request.
    pub catalog_item: Option<String>,
    /// The form's answers: field and value.
    pub answers: Vec<(String, String)>,
    /// How many of the item, for a request; none for one.
    pub quantity: Option<u16>,
    /// Another system's name and its number for it; opening the same again returns the first.
    pub external_ref: Option<(String, String)>,
    /// When the trouble began; none for now.
    pub opened_at: Option<DateTime<Utc>>,
    /// Whether a request is only written down (`new`), to be submitted later.
    pub draft: bool,
    /// Whether an incident follows the one that it is a part of; none for yes.
    pub sync_with_parent: Option<bool>,
    /// How many people an incident keeps from their work.
    pub affected_users: Option<u32>,
}

/// Which fields of a ticket change. None leaves a field; `Some(None)` empties it.
#[derive(Debug, Clone, Default)]
pub struct TicketEdit {
    /// One line.
    pub short_description: Option<String>,
    /// The full text.
    pub description: Option<String>,
    /// The category path.
    pub category: Option<Option<String>>,
    /// The service's key.
    pub service: Option<Option<String>>,
    /// The configuration item's key.
    pub ci: Option<Option<String>>,
    /// How much is affected.
    pub impact: Option<Option<u8>>,
    /// How soon it hurts.
    pub urgency: Option<Option<u8>>,
    /// Free labels, all of them.
    pub tags: Option<Vec<String>>,
    /// The form's answers, all of them.
    pub answers: Option<Vec<(String, String)>>,
    /// How many of the item are asked for.
    pub quantity: Option<u16>,
    /// When what is asked for should be there.
    pub expected_at: Option<Option<DateTime<Utc>>>,
    /// The people who hear of every change, all of them.
    pub watchers: Option<Vec<PersonRef>>,
    /// The incident that it is a part of.
    pub parent: Option<Option<TicketRef>>,
    /// Whether an incident follows the one that it is a part of.
    pub sync_with_parent: Option<bool>,
    /// How many people an incident keeps from their work.
    pub affected_users: Option<u32>,
}

/// An action on a ticket, with what it needs. Missing fields are found by the domain, which names all of them.
#[derive(Debug, Clone)]
pub enum TicketAction {
    /// Another team or person gets it.
    Assign {
        /// The team's key.
        team: Option<String>,
        /// A member of it.
        assignee: Option<PersonRef>,
    },
    /// The policies are asked again who should get it.
    Reroute,
    /// A person confirms category, impact and urgency.
    Triage {
        /// The category path.
        category: Option<String>,
        /// How much is affected.
        impact: Option<u8>,
        /// How soon it hurts.
        urgency: Option<u8>,
    },
    /// A person overrides the priority.
    SetPriority {
        /// 1 is the highest.
        priority: Option<u8>,
        /// Why.
        reason: Option<String>,
    },
    /// The desk says that it has seen it.
    Acknowledge,
    /// The expected time of restoration is told.
    SetEta {
        /// When; none withdraws it.
        eta: Option<DateTime<Utc>>,
    },
    /// A step up.
    Escalate {
        /// To which level.
        level: Option<u8>,
        /// Why.
        reason: Option<String>,
    },
    /// Work on an incident starts.
    Start {
        /// By whom; none for the caller.
        assignee: Option<PersonRef>,
    },
    /// It has to wait.
    Hold {
        /// `caller`, `vendor` or `evidence`.
        awaiting: Option<String>,
        /// The vendor's name.
        vendor: Option<String>,
        /// Who must supply the evidence.
        person: Option<PersonRef>,
        /// The public question to the caller.
        comment: Option<String>,
        /// When somebody should look again.
        follow_up_at: Option<DateTime<Utc>>,
    },
    /// The waiting is over.
    Resume,
    /// The caller answers.
    CallerReply {
        /// What they say.
        text: Option<String>,
    },
    /// Service is restored.
    Resolve {
        /// The outcome.
        code: Option<ResolutionCode>,
        /// What was done.
        notes: Option<String>,
    },
    /// The requester objects.
    Reopen {
        /// Why.
        reason: Option<String>,
    },
    /// It is over.
    Close,
    /// It is withdrawn.
    Cancel {
        /// Why.
        reason: Option<String>,
    },
    /// It is the same as another.
    MergeInto {
        /// The one that goes on.
        target: Option<TicketRef>,
    },
    /// It becomes another kind of ticket.
    Convert {
        /// Which.
        to: Option<TicketKind>,
        /// Why.
        reason: Option<String>,
    },
    /// A request is handed in.
    Submit,
    /// A rejected or waiting request is written anew.
    Revise,
    /// A request is fulfilled.
    Fulfill {
        /// The outcome.
        code: Option<FulfilmentCode>,
        /// What was done.
        notes: Option<String>,
    },
    /// It has to do with another.
    Link {
        /// What.
        link_type: Option<LinkType>,
        /// With which.
        target: Option<TicketRef>,
    },
    /// It has not after all.
    Unlink {
        /// What it had.
        link_type: Option<LinkType>,
        /// With which.
        target: Option<TicketRef>,
    },
    /// Somebody says that it is a major incident.
    ProposeMajor {
        /// Why.
        reason: Option<String>,
    },
    /// It is accepted as a major incident.
    AcceptMajor {
        /// Who decides what is done.
        manager: Option<PersonRef>,
        /// Who tells everybody concerned.
        communication_owner: Option<PersonRef>,
        /// When everybody concerned hears of it next.
        next_update_at: Option<DateTime<Utc>>,
    },
    /// It is no major incident.
    RejectMajor {
        /// Why.
        reason: Option<String>,
    },
    /// Everybody concerned hears where a major incident stands.
    UpdateMajor {
        /// What they hear, in public.
        text: Option<String>,
        /// When they hear of it next.
        next_update_at: Option<DateTime<Utc>>,
        /// Who decides from now on what is done; none for who does.
        manager: Option<PersonRef>,
        /// Who tells from now on; none for who does.
        communication_owner: Option<PersonRef>,
    },
    /// The review of a major incident is written.
    FinishMajor {
        /// What was learned.
        review_note: Option<String>,
    },
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
    /// The requester.
    pub requester: PersonName,
    /// The assignee.
    pub assignee: Option<PersonName>,
    /// Who decides what is done about a major incident.
    pub manager: Option<PersonName>,
    /// Who tells everybody concerned of a major incident.
    pub communication_owner: Option<PersonName>,
    /// The priority in force and where it comes from.
    pub priority: (Level, PrioritySource),
    /// What it waits for, and since when; none once it is over.
    pub waiting_on: Option<WaitingOn>,
    /// How many tasks it has.
    pub tasks: TaskCount,
}

/// Which tickets are asked for. Every part that is set must match.
#[derive(Debug, Clone, Default)]
pub struct TicketQuery {
    /// Which kind.
    pub kind: Option<TicketKind>,
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
    /// Parts of this incident.
    pub parent: Option<TicketRef>,
    /// Where it stands as a major incident.
    pub major_states: Vec<MajorState>,
    /// Requests of this order.
    pub ordered: Option<OrderId>,
    /// Words in the short description.
    pub text: Option<String>,
    /// Whether a policy failed on it.
    pub degraded: Option<bool>,
    /// Opened at or after.
    pub opened_from: Option<DateTime<Utc>>,
    /// Opened before.
    pub opened_to: Option<DateTime<Utc>>,
    /// Which order.
    pub order: TicketOrder,
    /// Whether the total is counted.
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
    /// The queue: priority, then the oldest first.
    Queue,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moves_between_threads<T: Send>(_: impl FnOnce() -> T) {}

    #[test]
    fn a_use_case_runs_on_whatever_thread_is_free() {
        fn check(desk: &crate::Desk, caller: &crate::Caller, named: &TicketRef) {
            moves_between_threads(|| act(desk, caller, named, TicketAction::Close, None));
            moves_between_threads(|| open(desk, caller, OpenTicket::default()));
            moves_between_threads(|| edit(desk, caller, named, TicketEdit::default(), None));
        }
        // It is the compiler that checks this.
        let _: fn(&crate::Desk, &crate::Caller, &TicketRef) = check;
    }
}
