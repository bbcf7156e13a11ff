//! Tasks: the pieces of work that fulfil requests, as those who work on them see them.

mod actions;
mod records;

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;
use waypost_app::tasks::{TaskRef, TaskView};
use waypost_domain::ids::TaskId;

use crate::{
    ApiState,
    problem::{Problem, Slug},
    reader::UNKEPT,
    wire::{NamedOut, PersonOut, TaskStateName},
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().merge(records::routes()).merge(actions::routes())
}

/// Where a task is found.
pub(crate) fn address(number: &str) -> String {
    format!("/api/v1/tasks/{number}")
}

/// The task in the path, named by id or by number in whichever case people write it.
#[derive(Debug)]
struct Subject(TaskRef);

impl FromRequestParts<ApiState> for Subject {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let nothing = || Problem::new(Slug::NotFound, "there is no such task");
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| nothing())?;
        if text.contains(UNKEPT) {
            return Err(nothing());
        }
        Ok(Self(match Uuid::try_parse(&text) {
            Ok(id) => TaskRef::Id(TaskId(id)),
            Err(_) => TaskRef::Number(text.trim().to_ascii_uppercase()),
        }))
    }
}

/// One piece of the work that fulfils a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Task)]
pub(crate) struct TaskOut {
    /// Its id.
    id: Uuid,
    /// The number people use.
    #[schema(example = "TASK0000007")]
    number: String,
    /// The request that it belongs to.
    request: TaskRequestOut,
    /// Where it stands. Changed by actions only.
    state: TaskStateName,
    /// Why it is on hold, was left incomplete, skipped or cancelled.
    reason: Option<String>,
    /// Rises by one with every change; the `ETag`.
    version: i64,
    /// What is to be done, in one line.
    short_description: String,
    /// The full text.
    description: String,
    /// The team that owns it. Never missing.
    team: NamedOut,
    /// The person who works on it.
    assignee: Option<PersonOut>,
    /// Its place among the tasks of the request.
    position: u16,
    /// Whether the request can't be fulfilled before it is done or skipped.
    mandatory: bool,
    /// The numbers of the tasks that come before it.
    depends_on: Vec<String>,
    /// When it was planned.
    created_at: DateTime<Utc>,
    /// When anything of it changed last.
    updated_at: DateTime<Utc>,
    /// When it entered its state.
    state_since: DateTime<Utc>,
}

/// The request of a task.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskRequest)]
struct TaskRequestOut {
    /// Its id.
    id: Uuid,
    /// The number people use.
    #[schema(example = "REQ0000042")]
    number: String,
    /// What it is about, in one line.
    short_description: String,
}

impl From<TaskView> for TaskOut {
    fn from(view: TaskView) -> Self {
        let task = view.task;
        Self {
            id: task.id.0,
            state: task.state().into(),
            reason: task.standing.reason().map(str::to_owned),
            number: task.number,
            request: TaskRequestOut {
                id: view.request.id.0,
                number: view.request.number,
                short_description: view.request.short_description,
            },
            version: task.version,
            short_description: task.short_description,
            description: task.description,
            team: view.team.into(),
            assignee: view.assignee.map(Into::into),
            position: task.position,
            mandatory: task.mandatory,
            depends_on: view.depends_on,
            created_at: task.created_at,
            updated_at: task.updated_at,
            state_since: task.state_since,
        }
    }
}
