//! Tasks of a ticket: opened and listed there; each is a ticket of its own under `/tasks`.

use axum::{Json, extract::State, response::Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use waypost_app::{
    Desk,
    tickets::{self, Look, OpenTicket},
};
use waypost_domain::ticket::TicketKind;

use super::{Subject, TicketOut, address, incoming::fault};
use crate::{
    ApiState,
    api_error::ApiError,
    extract::{JsonBody, Known, Prefer},
    reply,
};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(add_task, list_tasks))
}

/// Add a task
///
/// For the desk. Tasks of a request can be worked on only while the request is in fulfilment.
#[utoipa::path(
    post,
    path = "/{id}/tasks",
    responses((status = 201, description = "The new task", body = TicketOut)),
)]
async fn add_task(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
    prefer: Prefer,
    JsonBody(mut fields): JsonBody<Map<String, Value>>,
) -> Result<Response, ApiError> {
    if fields.contains_key("parent") {
        let message = "Leave it out; the path names the ticket that the task belongs to.";
        return Err(fault("/parent", message.to_owned()));
    }
    let parent = tickets::find(&desk, &caller, &ticket).await?.ticket.number;
    fields.insert("parent".to_owned(), Value::String(parent));
    let task = OpenTicket { kind: Some(TicketKind::Task), fields, draft: false };
    // Boxed: what opening may set off makes a future that would fill the stack.
    let view = Box::pin(tickets::open(&desk, &caller, task)).await?;
    let address = address(TicketKind::Task, &view.ticket.number);
    Ok(reply::created(prefer, &address, view.ticket.version, TicketOut::from(view)))
}

/// List a ticket's tasks
///
/// In order of position. Everybody who can see the ticket can see its tasks.
#[utoipa::path(
    get,
    path = "/{id}/tasks",
    responses((status = 200, description = "All tasks", body = TasksOut)),
)]
async fn list_tasks(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
) -> Result<Json<TasksOut>, ApiError> {
    let tasks = Look::at(&desk, &caller, &ticket).await?.tasks().await?;
    Ok(Json(TasksOut { items: tasks.into_iter().map(Into::into).collect() }))
}

/// The tasks of a ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tasks)]
struct TasksOut {
    /// The tasks, in their order.
    items: Vec<TicketOut>,
}
