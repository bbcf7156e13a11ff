//! The ticket of a question.

use serde::{Deserialize, Serialize};

/// A ticket as the hook that is asked sees it: what earlier hooks decided is already in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// What tickets of every kind have.
    pub head: Head,
    /// What tickets of its kind have.
    pub details: Details,
}

/// What tickets of every kind have in common.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Opaque id.
    pub id: String,
    /// The number people use; none until a new ticket has one.
    pub number: Option<String>,
    /// The state's name.
    pub state: String,
    /// Where it is in its life.
    pub phase: Phase,
    /// When it entered its state.
    pub state_since: String,
    /// How it ended, once it is done, closed or cancelled.
    pub outcome: Option<String>,
    /// How it came in.
    pub channel: Channel,
    /// One line.
    pub short_description: String,
    /// The full text, cut.
    pub description: String,
    /// The person the ticket is for; a problem has none.
    pub requester: Option<String>,
    /// The person who opened it on the requester's behalf.
    pub opened_by: Option<String>,
    /// When it was opened.
    pub opened_at: String,
    /// From the general to the specific.
    pub category: Vec<String>,
    /// The key of the affected service.
    pub service: Option<String>,
    /// The key of the main configuration item.
    pub ci: Option<String>,
    /// The keys of further configuration items.
    pub cis: Vec<String>,
    /// Impact, 1 is the highest.
    pub impact: Option<u8>,
    /// Urgency, 1 is the highest.
    pub urgency: Option<u8>,
    /// Priority, 1 is the highest.
    pub priority: Option<u8>,
    /// The team that owns it.
    pub team: Option<TeamRef>,
    /// The person who works on it.
    pub assignee: Option<String>,
    /// People who are told of every change, ordered by id.
    pub watchers: Vec<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// The number of the ticket that it is a part of.
    pub parent: Option<String>,
    /// How often it was reopened.
    pub reopen_count: u32,
    /// Whom or what it waits for.
    pub waiting_on: Option<WaitingOn>,
    /// The last public comments, the newest last.
    pub comments: Vec<Comment>,
    /// Fields that the organization defined for its tickets.
    pub fields: Vec<Field>,
}

/// What only tickets of one kind have. The case is the ticket's kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Details {
    /// An incident.
    Incident(IncidentDetails),
    /// A service request.
    Request(RequestDetails),
    /// A problem.
    Problem(ProblemDetails),
    /// A task.
    Task(TaskDetails),
}

/// What only incidents have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct IncidentDetails {
    /// Where it stands as a major incident.
    pub major_state: Option<String>,
    /// How many people it keeps from working, where the desk knows.
    pub affected_users: Option<u32>,
    /// When service should be restored, as promised to the requester.
    pub eta: Option<String>,
}

/// What only requests have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestDetails {
    /// The key of the catalog item; none for a free-text request.
    pub catalog_item: Option<String>,
    /// How many of it.
    pub quantity: u32,
    /// What all of it costs.
    pub cost: Option<Money>,
    /// The form's answers, in the form's order.
    pub answers: Vec<FormAnswer>,
    /// When it should be delivered.
    pub expected_at: Option<String>,
}

/// What only problems have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ProblemDetails {
    /// Whether it is a known error.
    pub known_error: bool,
    /// What people see.
    pub symptom: Option<String>,
    /// What causes it.
    pub root_cause: Option<String>,
    /// What reduces its impact until it is fixed.
    pub workaround: Option<String>,
}

/// What only tasks have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskDetails {
    /// Whether a request cannot be fulfilled before this task is done or skipped.
    pub mandatory: bool,
}

/// Where a ticket is in its life, whatever its kind calls the state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It waits to be worked on, is being worked on, or awaits approval.
    #[default]
    Open,
    /// It waits for somebody or something outside the desk.
    OnHold,
    /// Resolved, fulfilled or completed.
    Done,
    /// Not approved.
    Rejected,
    /// Closed for good.
    Closed,
    /// Ended without a result.
    Cancelled,
}

/// How a ticket came in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
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
    #[default]
    Api,
    /// A bulk import.
    Import,
    /// A recurring schedule.
    Schedule,
}

/// A team as a fact: its key, and whose it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamRef {
    /// The key of the organization that it belongs to.
    pub organization: String,
    /// Its key.
    pub key: String,
}

/// Whom or what a ticket waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingOn {
    /// `team`, `assignee`, `caller`, `vendor`, ...
    pub what: String,
    /// Since when.
    pub since: String,
}

/// A public comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Who wrote it.
    pub author: Option<String>,
    /// When it was written.
    pub at: String,
    /// Plain text, cut.
    pub text: String,
}

/// A field that an organization defined for itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: FieldValue,
}

/// The value of a field that an organization defined for itself. In JSON it stands as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(f64),
    /// Text.
    Text(String),
    /// Several texts.
    Texts(Vec<String>),
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Money {
    /// Whole minor units (cents). Policies get a float, which holds them exactly up to 2^53.
    pub minor_units: f64,
    /// ISO 4217.
    pub currency: String,
}

/// One answer of a request's form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormAnswer {
    /// The field's key in the form.
    pub field: String,
    /// The answer as text.
    pub value: String,
}

impl Details {
    /// The kind's name.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Incident(_) => "incident",
            Self::Request(_) => "request",
            Self::Problem(_) => "problem",
            Self::Task(_) => "task",
        }
    }
}

impl Default for RequestDetails {
    fn default() -> Self {
        Self { catalog_item: None, quantity: 1, cost: None, answers: Vec::new(), expected_at: None }
    }
}
