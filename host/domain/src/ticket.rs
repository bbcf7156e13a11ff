//! Tickets: what the desk works on, of every kind, and the actions that change it.
//!
//! What all kinds share is the ticket itself and the shape of where it stands, its [`Stage`]; what
//! only one kind has are its [`Details`]. What can be done to it is data: the rows of its [`Kind`].
//! A state changes only by an action, and [`Ticket::perform`] is the one way to take one: it
//! returns what happened, or refuses and changes nothing.

mod action;
mod assign;
mod common;
mod edit;
mod end;
mod external_ref;
mod facts;
mod hints;
mod hold;
mod kind;
mod open;
mod perform;
#[cfg(test)]
mod rules;
mod stage;
#[cfg(test)]
mod table;
mod talk;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::{
    fields::Fields,
    ids::{CiId, OrgId, PersonId, ServiceId, TeamId, TicketId},
    incident::Incident,
    key::CategoryPath,
    name::names,
    priority::{Level, Priority},
    problem::Problem,
    request::Request,
    task::Task,
};

pub use self::{
    action::Action,
    assign::{MAX_ESCALATION_LEVEL, at_work},
    external_ref::ExternalRef,
    facts::state_change,
    hints::ActionHint,
    kind::{
        Against, Asks, From, Kind, Lack, Lacks, Move, Notice, Obstacle, Row, TicketKind, To, Who,
    },
    open::Opening,
    perform::{Beside, Done, Left, NewComment, Turn},
    stage::{
        Awaiting, AwaitingKind, CancelOutcome, Cancellation, Closing, Code, Hold, Outcome, Phase,
        Rejection, Stage, State,
    },
};
pub(crate) use self::{
    assign::{assign, check_levels},
    common::{
        APPOINT_VOTER, APPROVED, CALLER_REPLY, CANCEL, CLOSE, COMMON, COMMON_FIELDS, CONVERT, EDIT,
        INTAKE, INTAKE_FIELDS, REOPEN, RESUME, SUBJECT_FIELDS, WORKED,
    },
    end::{close, finish},
    facts::Facts,
    hold::{hold, resume},
    kind::row,
    talk::comment,
};
pub use crate::field::{FieldType, Given, Input, MAX_WATCHERS, Needed, Value, Writer};
pub(crate) use crate::field::{choice, count, fill, flag, input, need, own, text_of};

/// A field of a ticket.
pub type Field = crate::field::Field<Ticket>;

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
    /// A recurring schedule, or a plan.
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

/// What only one kind of ticket has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Details {
    /// An incident.
    Incident(Incident),
    /// A service request.
    Request(Request),
    /// A problem.
    Problem(Problem),
    /// A task.
    Task(Task),
}

/// A ticket: a record that the desk works on.
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
    /// The organization's own fields.
    pub fields: Fields,
    /// The person it is for (ITIL: caller, requested for); none of a problem or a task.
    pub requester: Option<PersonId>,
    /// Who wrote it down, when it was another.
    pub opened_by: Option<PersonId>,
    /// What it is about.
    pub category: Option<CategoryPath>,
    /// The service concerned.
    pub service: Option<ServiceId>,
    /// The configuration item concerned; of several, the main one.
    pub ci: Option<CiId>,
    /// Impact: how much of the business is affected; 1 is the most.
    pub impact: Option<Level>,
    /// Urgency: how quickly it must be dealt with; 1 is the most urgent.
    pub urgency: Option<Level>,
    /// In which order it is worked on.
    pub priority: Priority,
    /// The team that owns it (ITIL: assignment group). Never missing.
    pub team: TeamId,
    /// The person who works on it.
    pub assignee: Option<PersonId>,
    /// How often the team or assignee changed after the first assignment.
    pub reassignment_count: i64,
    /// People who hear of every change.
    pub watchers: BTreeSet<PersonId>,
    /// The ticket that it is a child of: a larger incident, or what a task belongs to.
    pub parent: Option<TicketId>,
    /// The closed ticket that it takes up again, when its caller answered that one.
    pub follows: Option<TicketId>,
    /// Where it came from.
    pub external_ref: Option<ExternalRef>,
    /// Where it stands.
    pub stage: Stage,
    /// What only its kind has.
    pub details: Details,
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
    /// When service should be back, as told to the requester.
    pub eta: Option<DateTime<Utc>>,
    /// When a person confirmed category, impact and urgency.
    pub triaged_at: Option<DateTime<Utc>>,
    /// How often it was reopened.
    pub reopen_count: i64,
    /// When it was reopened last.
    pub last_reopened_at: Option<DateTime<Utc>>,
    /// Set when a policy failed on it and a fallback decided: which hooks, for people to look at.
    pub policy_failures: Option<String>,
    /// Rises by one with every change.
    pub version: i64,
}

/// Reads of one kind's details: `ticket.incident()`, `ticket.incident_mut()`, …
macro_rules! details {
    ($($variant:ident, $read:ident, $change:ident;)+) => {
        impl Details {
            /// Which kind of ticket has these.
            #[must_use]
            pub const fn kind(&self) -> TicketKind {
                match self {
                    $(Self::$variant(_) => TicketKind::$variant,)+
                }
            }

            /// What a new ticket of a kind starts with.
            #[must_use]
            pub fn of(kind: TicketKind) -> Self {
                match kind {
                    $(TicketKind::$variant => Self::$variant($variant::default()),)+
                }
            }
        }

        impl Ticket {
            $(
                /// What only this kind has; none of another.
                #[must_use]
                pub fn $read(&self) -> Option<&$variant> {
                    if let Details::$variant(details) = &self.details { Some(details) } else { None }
                }

                pub(crate) fn $change(&mut self) -> Option<&mut $variant> {
                    if let Details::$variant(details) = &mut self.details { Some(details) } else { None }
                }
            )+
        }
    };
}

details! {
    Incident, incident, incident_mut;
    Request, request, request_mut;
    Problem, problem, problem_mut;
    Task, task, task_mut;
}

impl Ticket {
    /// Which kind of ticket it is.
    #[must_use]
    pub const fn kind(&self) -> TicketKind {
        self.details.kind()
    }

    /// The rules of its kind.
    #[must_use]
    pub const fn rules(&self) -> &'static Kind {
        self.kind().rules()
    }

    /// The name of its state.
    #[must_use]
    pub const fn state(&self) -> State {
        self.stage.state()
    }

    /// The phase of its state.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.stage.phase()
    }

    /// Whether the person it is for is this one, or who wrote it down for somebody.
    #[must_use]
    pub fn is_of(&self, person: PersonId) -> bool {
        self.requester == Some(person) || self.opened_by == Some(person)
    }

    /// The ticket whose task it is; none of what is no task.
    #[must_use]
    pub fn task_of(&self) -> Option<TicketId> {
        self.parent.filter(|_| self.task().is_some())
    }

    /// Whether a round of approval can be open in its state.
    #[must_use]
    pub fn can_await_approval(&self) -> bool {
        let row = self.rules().row(Action::Vote);
        row.is_some_and(|row| row.allows(self.state(), self.phase()))
    }
}
