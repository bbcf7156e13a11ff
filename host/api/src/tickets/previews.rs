//! Previews of requests: what would come of one that was sent now.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use waypost_app::{
    CommandError, Desk,
    tickets::preview::{
        self, Internals, RequestPreview, StagePreview, StepPreview, TaskPreview, VoterPreview,
    },
};
use waypost_domain::ticket::{Action, TicketKind};

use super::{Subject, incoming::opening};
use crate::{
    ApiState,
    api_error::ApiError,
    extract::{JsonBody, Known},
    wire::{ActionName, KindName, MoneyWire, NamedOut, PersonOut, StageRuleName, StateName},
};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(preview)).routes(routes!(preview_submission))
}

/// Preview a request
///
/// What would come of it if it was sent now: who has to agree, its tasks, cost and expected time.
/// The organization's policies are asked as they would be. Nothing is stored, no number is used
/// and nobody is told. What is wrong with it is refused as it would be. `draft` makes no
/// difference, nor does a known `external_ref`.
#[utoipa::path(
    post,
    path = "/preview",
    responses((status = 200, description = "What would come of it", body = PreviewOut)),
)]
async fn preview(
    State(desk): State<Desk>,
    Known(caller): Known,
    JsonBody(fields): JsonBody<Map<String, Value>>,
) -> Result<Json<PreviewOut>, ApiError> {
    let new = opening(fields, Some(TicketKind::Request))?;
    // Boxed, as opening is.
    Ok(Json(Box::pin(preview::of_new(&desk, &caller, new)).await?.into()))
}

/// Preview the submission of a draft
///
/// What would come of a stored request if it was submitted now. Nothing is changed.
#[utoipa::path(
    post,
    path = "/{id}/preview",
    responses((status = 200, description = "What would come of it", body = PreviewOut)),
)]
async fn preview_submission(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
) -> Result<Json<PreviewOut>, ApiError> {
    let previews = Box::pin(preview::of_drafts(&desk, &caller, &[ticket])).await?;
    let one = previews.into_iter().next().unwrap_or(Err(CommandError::Busy))?;
    Ok(Json(one.into()))
}

/// What would come of a request as the API tells it, for front ends that print JSON.
#[must_use]
pub fn preview_json(preview: RequestPreview) -> Value {
    // Every name is a text and every number finite, so that nothing here can fail.
    serde_json::to_value(PreviewOut::from(preview)).unwrap_or_default()
}

/// What would come of a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RequestPreview)]
pub(crate) struct PreviewOut {
    /// Its kind: what a requester calls a request, policies may find to be an incident.
    kind: KindName,
    /// Its state: whether it awaits approval, is in fulfilment at once, or is rejected.
    state: StateName,
    /// Why it would be rejected.
    rejection: Option<String>,
    /// The catalog item.
    catalog_item: Option<NamedOut>,
    /// Quantity of the catalog item.
    quantity: u16,
    /// The stages of its approval, in order; empty if nobody has to agree.
    approval_stages: Vec<StagePreviewOut>,
    /// The tasks that its fulfilment begins with, in order.
    tasks: Vec<TaskPreviewOut>,
    /// What all of it costs.
    cost: Option<MoneyWire>,
    /// When it should be there; null if nothing is promised. Each approval counts it anew.
    expected_at: Option<DateTime<Utc>>,
    /// Hooks whose policies failed, so that a fallback decides, as it would for the request.
    policy_failures: Option<String>,
    /// What only the desk sees; null for a requester.
    internals: Option<InternalsOut>,
}

/// What the desk sees of a preview beside what its requester does.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreviewInternals)]
struct InternalsOut {
    /// The team that would own it.
    team: NamedOut,
    /// Its priority; 1 is the highest.
    priority: u8,
    /// Why it is decided so.
    reasons: Vec<ReasonOut>,
}

/// Why something is decided.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreviewReason)]
pub(super) struct ReasonOut {
    /// What is done.
    action: ActionName,
    /// Why.
    reason: String,
}

/// Those who would be asked at the same time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreviewStage)]
struct StagePreviewOut {
    /// When it is approved.
    rule: StageRuleName,
    /// Its steps.
    steps: Vec<StepPreviewOut>,
}

/// A question to a group of voters.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreviewStep)]
struct StepPreviewOut {
    /// What is asked, in a few words.
    name: String,
    /// Required approvals: `any`, `all`, `majority`, `count:N` or `percent:N`.
    #[schema(example = "count:2")]
    quorum: String,
    /// How many approvals those are; 0 if an approver has to be named first.
    needed: usize,
    /// Whether a single rejection rejects the step.
    veto: bool,
    /// Hours until the decision is due, from when it is asked for.
    due_hours: Option<u16>,
    /// Who is asked; empty if an approver has to be named first.
    voters: Vec<VoterPreviewOut>,
}

/// Somebody who would be asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreviewVoter)]
struct VoterPreviewOut {
    /// The voter.
    voter: PersonOut,
    /// The person whom the voter stands in for.
    instead_of: Option<PersonOut>,
    /// Whether the step cannot be approved without this vote.
    mandatory: bool,
    /// Whether it is the vote of the requester's manager.
    manager: bool,
}

/// A task that fulfilment would begin with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreviewTask)]
struct TaskPreviewOut {
    /// What is to be done.
    short_description: String,
    /// The team that gets it.
    team: NamedOut,
    /// Whether the request cannot be fulfilled before it is done or skipped.
    mandatory: bool,
    /// Places in this list, from 0, of the tasks that it depends on.
    depends_on: Vec<usize>,
}

impl From<RequestPreview> for PreviewOut {
    fn from(preview: RequestPreview) -> Self {
        Self {
            kind: preview.kind.into(),
            state: preview.state.into(),
            rejection: preview.rejection,
            catalog_item: preview.item.map(Into::into),
            quantity: preview.quantity,
            approval_stages: preview.stages.into_iter().map(Into::into).collect(),
            tasks: preview.tasks.into_iter().map(Into::into).collect(),
            cost: preview.cost.map(Into::into),
            expected_at: preview.expected_at,
            policy_failures: preview.policy_failures,
            internals: preview.internals.map(Into::into),
        }
    }
}

impl From<Internals> for InternalsOut {
    fn from(internals: Internals) -> Self {
        Self {
            team: internals.team.into(),
            priority: internals.priority.0,
            reasons: internals.reasons.into_iter().map(ReasonOut::from).collect(),
        }
    }
}

impl From<(Action, String)> for ReasonOut {
    fn from((action, reason): (Action, String)) -> Self {
        Self { action: action.into(), reason }
    }
}

impl From<StagePreview> for StagePreviewOut {
    fn from(stage: StagePreview) -> Self {
        let steps = stage.steps.into_iter().map(Into::into).collect();
        Self { rule: stage.rule.into(), steps }
    }
}

impl From<StepPreview> for StepPreviewOut {
    fn from(step: StepPreview) -> Self {
        Self {
            name: step.name,
            quorum: step.quorum.to_string(),
            needed: step.needed,
            veto: step.veto,
            due_hours: step.due_hours,
            voters: step.voters.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<VoterPreview> for VoterPreviewOut {
    fn from(voter: VoterPreview) -> Self {
        Self {
            voter: voter.voter.into(),
            instead_of: voter.instead_of.map(Into::into),
            mandatory: voter.mandatory,
            manager: voter.is_manager,
        }
    }
}

impl From<TaskPreview> for TaskPreviewOut {
    fn from(task: TaskPreview) -> Self {
        Self {
            short_description: task.short_description,
            team: task.team.into(),
            mandatory: task.mandatory,
            depends_on: task.after,
        }
    }
}
