//! What only one kind of ticket has, as it is shown.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use waypost_app::tickets::{ProblemName, TicketView};
use waypost_domain::{
    problem::Problem,
    request::Request,
    task::{Task, TaskCount},
    ticket::Details,
};

use super::TicketNameOut;
use crate::wire::{MoneyWire, NamedOut, PersonOut, StateName};

/// Fields of a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RequestDetails)]
pub(super) struct RequestOut {
    /// The catalog item; null for a free-text request.
    catalog_item: Option<NamedOut>,
    /// The answers to its form.
    answers: BTreeMap<String, String>,
    /// Quantity.
    quantity: u16,
    /// Id of the order it belongs to.
    order_id: Option<Uuid>,
    /// The total cost.
    cost: Option<MoneyWire>,
    /// When delivery is expected.
    expected_at: Option<DateTime<Utc>>,
    /// Number of tasks.
    tasks: TaskCountOut,
}

/// Fields of a problem.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProblemDetails)]
pub(super) struct ProblemOut {
    /// The other configuration items concerned.
    cis: Vec<NamedOut>,
    /// Symptom, as users see it.
    symptom: Option<String>,
    /// Root cause.
    root_cause: Option<String>,
    /// Workaround.
    workaround: Option<String>,
    /// How it is fixed.
    fix_notes: Option<String>,
    /// Improvements for the future.
    improvements: Option<String>,
    /// Whether it is a known error: analyzed, with a workaround, and not fixed.
    known_error: bool,
    /// Whether it caused a major incident; it then needs a review before it can be closed.
    major: bool,
    /// The owner of the accepted risk.
    risk_owner: Option<PersonOut>,
    /// When the accepted risk is to be reviewed.
    risk_review_at: Option<DateTime<Utc>>,
    /// The id of the problem that it is a duplicate of.
    duplicate_of: Option<Uuid>,
    /// The id of the ticket that it was converted to.
    converted_to: Option<Uuid>,
    /// Why there is no knowledge article about it.
    no_article_reason: Option<String>,
    /// Lessons learned from a major problem.
    review_note: Option<String>,
    /// Number of tasks.
    tasks: TaskCountOut,
}

/// Fields of a task.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskDetails)]
pub(super) struct TaskOut {
    /// Its position among the tasks of its ticket; the lowest comes first.
    position: u16,
    /// Whether it must be done or skipped before its request can be fulfilled.
    mandatory: bool,
    /// The numbers of the tasks that it depends on.
    depends_on: Vec<String>,
}

/// Numbers of tasks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskCount)]
pub(super) struct TaskCountOut {
    /// Those that are open or on hold.
    open: u32,
    /// All.
    total: u32,
}

/// The problem that causes an incident.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProblemName)]
pub(super) struct ProblemNameOut {
    #[serde(flatten)]
    name: TicketNameOut,
    /// Its state.
    state: StateName,
    /// Whether it is a known error.
    known_error: bool,
    /// Workaround.
    workaround: Option<String>,
}

/// The details of a ticket, under the name of its kind. Those of incidents stand in the ticket
/// itself.
#[derive(Default)]
pub(super) struct DetailsOut {
    pub(super) request: Option<RequestOut>,
    pub(super) problem: Option<ProblemOut>,
    pub(super) task: Option<TaskOut>,
}

impl DetailsOut {
    pub(super) fn of(view: &TicketView) -> Self {
        let none = Self::default();
        match &view.ticket.details {
            Details::Incident(_) => none,
            Details::Request(it) => Self { request: Some(RequestOut::new(it, view)), ..none },
            Details::Problem(it) => Self { problem: Some(ProblemOut::new(it, view)), ..none },
            Details::Task(it) => Self { task: Some(TaskOut::new(it, view)), ..none },
        }
    }
}

impl RequestOut {
    fn new(request: &Request, view: &TicketView) -> Self {
        let Request { item: _, answers, quantity, order, cost, expected_at } = request;
        let answers = answers.iter().map(|(field, text)| (field.to_string(), text.clone()));
        Self {
            catalog_item: view.catalog_item.clone().map(Into::into),
            answers: answers.collect(),
            quantity: *quantity,
            order_id: order.map(|order| order.0),
            cost: cost.clone().map(Into::into),
            expected_at: *expected_at,
            tasks: view.tasks.into(),
        }
    }
}

impl ProblemOut {
    fn new(problem: &Problem, view: &TicketView) -> Self {
        let problem = problem.clone();
        Self {
            cis: view.cis.iter().cloned().map(Into::into).collect(),
            symptom: problem.symptom,
            root_cause: problem.root_cause,
            workaround: problem.workaround,
            fix_notes: problem.fix_notes,
            improvements: problem.improvements,
            known_error: problem.known_error,
            major: problem.major,
            risk_owner: view.risk_owner.clone().map(Into::into),
            risk_review_at: problem.risk_review_at,
            duplicate_of: problem.duplicate_of.map(|id| id.0),
            converted_to: problem.converted_to.map(|id| id.0),
            no_article_reason: problem.no_article_reason,
            review_note: problem.review_note,
            tasks: view.tasks.into(),
        }
    }
}

impl TaskOut {
    fn new(task: &Task, view: &TicketView) -> Self {
        Self {
            position: task.position,
            mandatory: task.mandatory,
            depends_on: view.depends_on.clone(),
        }
    }
}

impl From<TaskCount> for TaskCountOut {
    fn from(count: TaskCount) -> Self {
        Self { open: count.open, total: count.total }
    }
}

impl From<ProblemName> for ProblemNameOut {
    fn from(problem: ProblemName) -> Self {
        Self {
            name: problem.name.into(),
            state: problem.state.into(),
            known_error: problem.known_error,
            workaround: problem.workaround,
        }
    }
}
