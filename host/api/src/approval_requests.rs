//! Approval requests: votes that are asked for.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    approvals::{self, Vote, WaitingVote},
};
use waypost_domain::ids::ApprovalRequestId;

use crate::{
    ApiState,
    api_error::ApiError,
    extract::{At, JsonBody, Known},
    tickets::ApprovalOut,
    wire::{PersonIn, PersonOut},
};

/// `/approvals`: what waits for the caller.
pub(crate) fn waiting_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(mine))
}

/// `/approval-requests`: the votes.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(abstain))
        .routes(routes!(delegate))
}

/// List the caller's pending votes
#[utoipa::path(
    get,
    path = "/mine",
    responses((status = 200, description = "All pending votes of the caller", body = WaitingVotesOut)),
)]
async fn mine(
    State(desk): State<Desk>,
    Known(caller): Known,
) -> Result<Json<WaitingVotesOut>, ApiError> {
    let votes = approvals::mine(&desk, &caller).await?;
    Ok(Json(WaitingVotesOut { items: votes.into_iter().map(Into::into).collect() }))
}

/// Approve
///
/// Requires the `content_digest` of the content that was shown, so that nobody approves anything
/// they have not seen.
#[utoipa::path(
    post,
    path = "/{id}/approve",
    request_body = OpinionIn,
    responses((status = 200, description = "The approval after the vote", body = ApprovalOut)),
)]
async fn approve(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(request): At<ApprovalRequestId>,
    JsonBody(opinion): JsonBody<OpinionIn>,
) -> Result<Json<ApprovalOut>, ApiError> {
    let vote = Vote::Approve { comment: opinion.comment };
    Ok(Json(approvals::vote(&desk, &caller, request, vote, opinion.content_digest).await?.into()))
}

/// Reject
///
/// Requires a comment with the reason, and the `content_digest` of the content that was shown.
#[utoipa::path(
    post,
    path = "/{id}/reject",
    request_body = OpinionIn,
    responses((status = 200, description = "The approval after the vote", body = ApprovalOut)),
)]
async fn reject(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(request): At<ApprovalRequestId>,
    JsonBody(opinion): JsonBody<OpinionIn>,
) -> Result<Json<ApprovalOut>, ApiError> {
    let vote = Vote::Reject { comment: opinion.comment };
    Ok(Json(approvals::vote(&desk, &caller, request, vote, opinion.content_digest).await?.into()))
}

/// Abstain
#[utoipa::path(
    post,
    path = "/{id}/abstain",
    request_body = OpinionIn,
    responses((status = 200, description = "The approval after the vote", body = ApprovalOut)),
)]
async fn abstain(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(request): At<ApprovalRequestId>,
    JsonBody(opinion): JsonBody<OpinionIn>,
) -> Result<Json<ApprovalOut>, ApiError> {
    let vote = Vote::Abstain { comment: opinion.comment };
    Ok(Json(approvals::vote(&desk, &caller, request, vote, opinion.content_digest).await?.into()))
}

/// Delegate the vote to somebody else
#[utoipa::path(
    post,
    path = "/{id}/delegate",
    request_body = DelegateIn,
    responses((status = 200, description = "The approval with the delegate's request", body = ApprovalOut)),
)]
async fn delegate(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(request): At<ApprovalRequestId>,
    JsonBody(input): JsonBody<DelegateIn>,
) -> Result<Json<ApprovalOut>, ApiError> {
    let vote = Vote::Delegate { to: input.to.map(Into::into), reason: input.reason };
    Ok(Json(approvals::vote(&desk, &caller, request, vote, None).await?.into()))
}

/// A vote, with the digest of the content that was shown.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = Opinion)]
struct OpinionIn {
    /// Digest of the content that was shown; required to approve or reject.
    content_digest: Option<String>,
    /// Comment; required to reject.
    comment: Option<String>,
}

/// A vote that is delegated to somebody else.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = Delegate)]
struct DelegateIn {
    /// Id or e-mail address of the delegate, who votes instead.
    #[schema(required = true)]
    to: Option<PersonIn>,
    /// Why.
    #[schema(required = true)]
    reason: Option<String>,
}

/// The caller's pending votes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WaitingVotes)]
struct WaitingVotesOut {
    /// The votes.
    items: Vec<WaitingVoteOut>,
}

/// A pending vote of the caller.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WaitingVote)]
struct WaitingVoteOut {
    /// The request's id, for the vote.
    id: Uuid,
    /// The approval's id.
    approval: Uuid,
    /// The ticket's number.
    ticket: String,
    /// Summary of the ticket.
    short_description: String,
    /// What is asked.
    step: String,
    /// Whose vote it is: the caller's own, or that of the person the caller votes for.
    seat: PersonOut,
    /// Who is asked for it now: the caller, or the delegate before whom the caller may still vote.
    voter: PersonOut,
    /// Digest of the content that is shown; required to approve or reject.
    content_digest: String,
    /// When the vote was requested.
    requested_at: Option<DateTime<Utc>>,
    /// When the decision is due.
    due_at: Option<DateTime<Utc>>,
}

impl From<WaitingVote> for WaitingVoteOut {
    fn from(vote: WaitingVote) -> Self {
        Self {
            id: vote.request.0,
            approval: vote.approval.0,
            ticket: vote.number,
            short_description: vote.short_description,
            step: vote.step,
            seat: vote.seat.into(),
            voter: vote.voter.into(),
            content_digest: vote.content_digest,
            requested_at: vote.requested_at,
            due_at: vote.due_at,
        }
    }
}
