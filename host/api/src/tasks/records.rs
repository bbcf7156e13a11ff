//! Tasks themselves: list, read, edit.

use axum::{extract::State, response::Response};
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use waypost_app::{
    Desk,
    tasks::{self, TaskEdit, TaskQuery, TaskView},
};
use waypost_domain::task::TaskState;

use super::{Subject, TaskOut};
use crate::{
    ApiState,
    extract::{IfMatch, JsonBody, Known, ListOut, Listing, PageParams, Prefer},
    problem::Problem,
    reply,
    tickets::named,
    wire::{
        PersonIn, TaskStateName,
        patch::{nullable, settable},
    },
};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read, edit))
}

/// List tasks
///
/// The oldest first. Who is not of the desk gets those of their own requests, and those that are assigned to them.
#[utoipa::path(
    get,
    path = "/",
    params(PageParams, TaskFilter),
    responses((status = 200, description = "A page of tasks", body = ListOut<TaskOut>)),
)]
async fn list(
    State(desk): State<Desk>,
    Known(caller): Known,
    listing: Listing<TaskFilter>,
) -> Result<Response, Problem> {
    let page = tasks::list(&desk, &caller, &listing.filter.query(), &listing.page).await;
    Ok(listing.reply(page.map_err(Problem::of_query)?, TaskOut::from))
}

/// Read a task
#[utoipa::path(
    get,
    path = "/{id}",
    responses((status = 200, description = "The task", body = TaskOut)),
)]
async fn read(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(task): Subject,
) -> Result<Response, Problem> {
    let view = tasks::find(&desk, &caller, &task).await?;
    Ok(reply::read(view.task.version, TaskOut::from(view)))
}

/// Edit a task
///
/// The state, the team and the assignee are changed by actions.
#[utoipa::path(
    patch,
    path = "/{id}",
    request_body = TaskEditIn,
    responses((status = 200, description = "The changed task", body = TaskOut)),
)]
async fn edit(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(task): Subject,
    IfMatch(version): IfMatch,
    prefer: Prefer,
    JsonBody(edit): JsonBody<TaskEditIn>,
) -> Result<Response, Problem> {
    let view = tasks::edit(&desk, &caller, &task, edit.command()?, version).await?;
    Ok(changed(prefer, view))
}

/// The answer with a task that was changed.
pub(super) fn changed(prefer: Prefer, view: TaskView) -> Response {
    reply::changed(prefer, view.task.version, TaskOut::from(view))
}

/// Which tasks are asked for. Every part that is set must match.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct TaskFilter {
    /// In one of these states.
    #[param(style = Form, explode = false, value_type = Vec<String>)]
    state: Vec<TaskStateName>,
    /// Whether somebody still has to do something.
    active: Option<bool>,
    /// The owning team's key.
    team: Option<String>,
    /// Who works on it, by id or e-mail address.
    #[param(value_type = Option<String>)]
    assignee: Option<PersonIn>,
    /// Of this request, by its id or number.
    request: Option<String>,
}

impl TaskFilter {
    fn query(&self) -> TaskQuery {
        TaskQuery {
            states: self.state.iter().map(|state| state.0).collect(),
            active: self.active,
            team: self.team.clone(),
            assignee: self.assignee.clone().map(Into::into),
            request: self.request.as_deref().map(named),
        }
    }
}

/// Which fields of a task change. What is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = TaskEdit)]
struct TaskEditIn {
    /// What is to be done, in one line.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = String)]
    short_description: Option<String>,
    /// The full text.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = String)]
    description: Option<String>,
    /// Its place among the tasks of the request.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = u16, maximum = 1000)]
    position: Option<u16>,
    /// Whether the request can't be fulfilled before it is done or skipped.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = bool)]
    mandatory: Option<bool>,
    /// The tasks of the request that come before it, all of them, by id or number; while it has not been started.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = Vec<String>)]
    depends_on: Option<Vec<String>>,
    /// Only here to be refused with the remedy: a state is changed by actions.
    #[serde(deserialize_with = "nullable")]
    #[schema(ignore)]
    #[expect(clippy::option_option, reason = "left out and emptied are two different wishes")]
    state: Option<Option<Value>>,
}

impl TaskEditIn {
    fn command(self) -> Result<TaskEdit, Problem> {
        if self.state.is_some() {
            return Err(Problem::state_not_patchable(TaskState::NAMES));
        }
        Ok(TaskEdit {
            short_description: self.short_description,
            description: self.description,
            position: self.position,
            mandatory: self.mandatory,
            depends_on: self.depends_on,
        })
    }
}
