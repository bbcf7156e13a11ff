//! Actions on tasks: one address and one schema for each.
//!
//! Every field may be left out here: which ones an action needs the domain knows, which names each missing one.

use axum::{Json, extract::State, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use waypost_app::{
    Desk,
    tasks::{self, TaskStep},
};

use super::{Subject, TaskOut, records::changed};
use crate::{
    ApiState,
    extract::{JsonBody, Known, KnownVersion, Prefer},
    problem::Problem,
    wire::{NothingIn, PersonIn, TaskActionName},
};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(allowed))
        .routes(routes!(assign))
        .routes(routes!(start))
        .routes(routes!(hold))
        .routes(routes!(resume))
        .routes(routes!(complete))
        .routes(routes!(incomplete))
        .routes(routes!(skip))
        .routes(routes!(cancel))
}

/// List what can be done now
///
/// Each action comes with the fields that it must be given.
#[utoipa::path(
    get,
    path = "/{id}/actions",
    responses((status = 200, description = "What the caller can do now", body = TaskActionsOut)),
)]
async fn allowed(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(task): Subject,
) -> Result<Json<TaskActionsOut>, Problem> {
    let hints = tasks::actions(&desk, &caller, &task).await?;
    let items = hints
        .into_iter()
        .map(|hint| TaskHintOut { action: hint.action.into(), lacks: hint.lacks.to_vec() })
        .collect();
    Ok(Json(TaskActionsOut { items }))
}

/// What can be done to a task now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AllowedTaskActions)]
struct TaskActionsOut {
    /// The actions. `edit` is a PATCH.
    items: Vec<TaskHintOut>,
}

/// Something that can be done to a task now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AllowedTaskAction)]
struct TaskHintOut {
    /// The action.
    action: TaskActionName,
    /// JSON pointers to the fields that it must be given.
    #[schema(value_type = Vec<String>)]
    lacks: Vec<&'static str>,
}

/// Another team or person gets a task.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = AssignTask)]
struct AssignIn {
    /// The team's key; needed, also if only the assignee changes.
    team: Option<String>,
    /// A member of it, by id or e-mail address; nobody in particular if left out.
    assignee: Option<PersonIn>,
}

/// An action on a task that needs a reason.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = TaskReason)]
struct ReasonIn {
    /// Why.
    reason: Option<String>,
}

impl From<AssignIn> for TaskStep {
    fn from(input: AssignIn) -> Self {
        Self::Assign { team: input.team, assignee: input.assignee.map(Into::into) }
    }
}

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $name:ident, $path:tt, $input:ident => $step:expr;)+) => {$(
        $(#[doc = $doc])+
        #[utoipa::path(
            post,
            path = $path,
            request_body = $input,
            responses((status = 200, description = "The changed task", body = TaskOut)),
        )]
        async fn $name(
            State(desk): State<Desk>,
            Known(caller): Known,
            Subject(task): Subject,
            KnownVersion(version): KnownVersion,
            prefer: Prefer,
            JsonBody(input): JsonBody<$input>,
        ) -> Result<Response, Problem> {
            let step: fn($input) -> TaskStep = $step;
            let view = tasks::act(&desk, &caller, &task, step(input), version).await?;
            Ok(changed(prefer, view))
        }
    )+};
}

actions! {
    /// Give it to another team or person
    assign, "/{id}/actions/assign", AssignIn => Into::into;
    /// Start work on it, or try it again
    start, "/{id}/actions/start", NothingIn => |NothingIn {}| TaskStep::Start;
    /// Put it on hold
    hold, "/{id}/actions/hold", ReasonIn => |input| TaskStep::Hold { reason: input.reason };
    /// End the hold
    resume, "/{id}/actions/resume", NothingIn => |NothingIn {}| TaskStep::Resume;
    /// Say that it is done
    complete, "/{id}/actions/complete", NothingIn => |NothingIn {}| TaskStep::Complete;
    /// Leave it incomplete
    incomplete, "/{id}/actions/incomplete", ReasonIn =>
        |input| TaskStep::Incomplete { reason: input.reason };
    /// Say that it is not needed
    skip, "/{id}/actions/skip", ReasonIn => |input| TaskStep::Skip { reason: input.reason };
    /// Withdraw it
    cancel, "/{id}/actions/cancel", ReasonIn => |input| TaskStep::Cancel { reason: input.reason };
}
