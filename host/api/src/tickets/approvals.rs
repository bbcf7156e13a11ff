//! Approvals of tickets.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{Desk, approvals::ApprovalView, person_name, tickets::Look};
use waypost_domain::{
    approval::{SeatRequest, Stage, Step},
    ids::PersonId,
};

use super::Subject;
use crate::{
    ApiState,
    api_error::ApiError,
    extract::Known,
    wire::{ApprovalOutcomeName, PersonOut, SeatStateName, StageRuleName},
};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list_approvals))
}

/// List a ticket's approvals
///
/// One for each round, with its stages, steps and votes.
#[utoipa::path(
    get,
    path = "/{id}/approvals",
    responses((status = 200, description = "All rounds", body = ApprovalsOut)),
)]
async fn list_approvals(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
) -> Result<Json<ApprovalsOut>, ApiError> {
    let rounds = Look::at(&desk, &caller, &ticket).await?.rounds().await?;
    Ok(Json(ApprovalsOut { items: rounds.into_iter().map(Into::into).collect() }))
}

/// The rounds of approval of a ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Approvals)]
struct ApprovalsOut {
    /// The rounds.
    items: Vec<ApprovalOut>,
}

/// One round of approval of one ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Approval)]
pub(crate) struct ApprovalOut {
    /// Its id.
    id: Uuid,
    /// The ticket's id.
    ticket: Uuid,
    /// Number within the ticket: 1, 2, 3, …
    round: i64,
    /// Its outcome.
    outcome: ApprovalOutcomeName,
    /// Digest of the ticket's current content, for votes.
    content_digest: String,
    /// The stages, in order.
    stages: Vec<StageOut>,
    /// The id of the receipt of the decision that planned it.
    receipt: Option<Uuid>,
    /// When it began.
    created_at: DateTime<Utc>,
    /// When it was decided.
    decided_at: Option<DateTime<Utc>>,
}

/// Steps that are asked at the same time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApprovalStage)]
struct StageOut {
    /// When it is approved.
    rule: StageRuleName,
    /// Its outcome.
    outcome: ApprovalOutcomeName,
    /// Its steps.
    steps: Vec<StepOut>,
}

/// A question to a group of voters.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApprovalStep)]
struct StepOut {
    /// What is asked, in a few words.
    name: String,
    /// Required approvals: `any`, `all`, `majority`, `count:N` or `percent:N`.
    #[schema(example = "count:2")]
    quorum: String,
    /// Whether a single rejection rejects the step.
    veto: bool,
    /// When the decision is due.
    due_at: Option<DateTime<Utc>>,
    /// Its outcome.
    outcome: ApprovalOutcomeName,
    /// One for each voter's seat, and one more for each delegate.
    requests: Vec<SeatOut>,
}

/// The request for one seat's vote.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApprovalRequest)]
struct SeatOut {
    /// Its id; votes go to `/api/v1/approval-requests/{id}/…`.
    id: Uuid,
    /// The holder of the seat.
    seat: PersonOut,
    /// The voter: the holder of the seat, or a delegate.
    voter: PersonOut,
    /// Whether the step cannot be approved without this seat.
    mandatory: bool,
    /// The id of the delegation under which the voter stands in for the seat's holder.
    delegation: Option<Uuid>,
    /// Its state.
    state: SeatStateName,
    /// When the vote was requested.
    requested_at: Option<DateTime<Utc>>,
    /// When it was decided, delegated or ended.
    decided_at: Option<DateTime<Utc>>,
    /// The voter's comment.
    comment: Option<String>,
    /// Number of reminders.
    reminder_count: i64,
    /// When it was escalated.
    escalated_at: Option<DateTime<Utc>>,
}

impl From<ApprovalView> for ApprovalOut {
    fn from(view: ApprovalView) -> Self {
        let approval = view.approval;
        let stages = approval.stages.into_iter();
        Self {
            id: approval.id.0,
            ticket: approval.subject.id(),
            round: approval.round,
            outcome: approval.outcome.into(),
            content_digest: view.content_digest,
            stages: stages.map(|stage| StageOut::new(stage, &view.names)).collect(),
            receipt: approval.receipt.map(|receipt| receipt.0),
            created_at: approval.created_at,
            decided_at: approval.decided_at,
        }
    }
}

impl StageOut {
    fn new(stage: Stage, names: &BTreeMap<PersonId, String>) -> Self {
        let steps = stage.steps.into_iter().map(|step| StepOut::new(step, names)).collect();
        Self { rule: stage.rule.into(), outcome: stage.outcome.into(), steps }
    }
}

impl StepOut {
    fn new(step: Step, names: &BTreeMap<PersonId, String>) -> Self {
        let requests = step.requests.into_iter();
        Self {
            name: step.name,
            quorum: step.quorum.to_string(),
            veto: step.veto,
            due_at: step.due_at,
            outcome: step.outcome.into(),
            requests: requests.map(|request| SeatOut::new(request, names)).collect(),
        }
    }
}

impl SeatOut {
    fn new(request: SeatRequest, names: &BTreeMap<PersonId, String>) -> Self {
        let person = |id: PersonId| PersonOut::from(person_name(names, id));
        Self {
            id: request.id.0,
            seat: person(request.seat),
            voter: person(request.voter),
            mandatory: request.mandatory,
            delegation: request.delegation.map(|id| id.0),
            state: request.state.into(),
            requested_at: request.requested_at,
            decided_at: request.decided_at,
            comment: request.comment,
            reminder_count: request.reminder_count,
            escalated_at: request.escalated_at,
        }
    }
}
