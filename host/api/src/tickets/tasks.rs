//! Tasks of a request: planned and listed there; each has an address of its own under `/tasks`.

use axum::{Json, extract::State, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use waypost_app::{
    Desk,
    tasks::{self, NewTask},
};

use super::Subject;
use crate::{
    ApiState,
    extract::{JsonBody, Known, Prefer},
    problem::Problem,
    reply,
    tasks::{TaskOut, address},
    wire::PersonIn,
};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(add_task, list_tasks))
}

/// Add a task to a request
///
/// For the desk, while the request is active. Worked on it is while the request is being fulfilled.
#[utoipa::path(
    post,
    path = "/{id}/tasks",
    request_body = TaskIn,
    responses((status = 201, description = "The new task", body = TaskOut)),
)]
async fn add_task(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
    prefer: Prefer,
    JsonBody(task): JsonBody<TaskIn>,
) -> Result<Response, Problem> {
    let view = tasks::add(&desk, &caller, &ticket, task.into()).await?;
    let address = address(&view.task.number);
    Ok(reply::created(prefer, &address, view.task.version, TaskOut::from(view)))
}

/// List a request's tasks
///
/// By their place. Whoever sees the request sees its tasks.
#[utoipa::path(
    get,
    path = "/{id}/tasks",
    responses((status = 200, description = "All tasks", body = TasksOut)),
)]
async fn list_tasks(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
) -> Result<Json<TasksOut>, Problem> {
    let tasks = tasks::of_ticket(&desk, &caller, &ticket).await?;
    Ok(Json(TasksOut { items: tasks.into_iter().map(Into::into).collect() }))
}

/// A task that is added to a request.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = NewTask)]
struct TaskIn {
    /// What is to be done, in one line.
    #[schema(required = true)]
    short_description: String,
    /// The full text.
    description: String,
    /// The key of the team that gets it; the request's own if left out.
    team: Option<String>,
    /// A member of the team, by id or e-mail address.
    assignee: Option<PersonIn>,
    /// Its place among the tasks of the request; behind all others if left out.
    #[schema(maximum = 1000)]
    position: Option<u16>,
    /// Whether the request can't be fulfilled before it is done or skipped; it is so if left out.
    mandatory: bool,
    /// The tasks of the request that come before it, by id or number.
    depends_on: Vec<String>,
}

impl Default for TaskIn {
    fn default() -> Self {
        Self {
            short_description: String::new(),
            description: String::new(),
            team: None,
            assignee: None,
            position: None,
            // Whoever adds a task wants it done.
            mandatory: true,
            depends_on: Vec::new(),
        }
    }
}

/// The tasks of a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tasks)]
struct TasksOut {
    /// The tasks, by their place.
    items: Vec<TaskOut>,
}

impl From<TaskIn> for NewTask {
    fn from(input: TaskIn) -> Self {
        Self {
            short_description: input.short_description,
            description: input.description,
            team: input.team,
            assignee: input.assignee.map(Into::into),
            position: input.position,
            mandatory: input.mandatory,
            depends_on: input.depends_on,
        }
    }
}
