//! Refused votes, for whoever audits approvals.

use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    audit::{self, AuditedRefusal, Period},
};

use crate::{
    ApiState,
    api_error::ApiError,
    extract::{Known, ListOut, Listing, PageParams},
    wire::{ActorOut, TimeIn, VoteName},
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// List the organization's refused votes
///
/// The oldest first. Only the first ten per person and approval request are kept. For auditors and
/// administrators.
#[utoipa::path(
    get,
    path = "/",
    params(PageParams, RefusedVoteFilter),
    responses((status = 200, description = "A page of refused votes", body = ListOut<RefusedVoteOut>)),
)]
async fn list(
    State(desk): State<Desk>,
    Known(caller): Known,
    listing: Listing<RefusedVoteFilter>,
) -> Result<Response, ApiError> {
    let RefusedVoteFilter { from, to } = listing.filter;
    let period = Period { from: from.map(Into::into), to: to.map(Into::into) };
    let page = audit::refused_votes(&desk, &caller, period, &listing.page).await;
    Ok(listing.reply(page.map_err(ApiError::of_query)?, RefusedVoteOut::from))
}

/// Filter for refused votes; all conditions must match.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct RefusedVoteFilter {
    /// At or after this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    from: Option<TimeIn>,
    /// Before this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    to: Option<TimeIn>,
}

/// A refused vote.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RefusedVote)]
struct RefusedVoteOut {
    /// Its id.
    id: Uuid,
    /// The ticket's id.
    ticket: Uuid,
    /// The ticket's number.
    number: String,
    /// The id of the round of approval.
    approval: Uuid,
    /// The id of the approval request.
    request: Uuid,
    /// When.
    at: DateTime<Utc>,
    /// The voter.
    actor: ActorOut,
    /// The vote.
    vote: VoteName,
    /// Why it was refused, as a code.
    #[schema(example = "forbidden")]
    code: String,
    /// Why it was refused, as a sentence; truncated if too long.
    message: String,
    /// The comment; truncated if too long.
    comment: Option<String>,
}

impl From<AuditedRefusal> for RefusedVoteOut {
    fn from(audited: AuditedRefusal) -> Self {
        let AuditedRefusal { number, refused } = audited;
        Self {
            id: refused.id.0,
            ticket: refused.subject.id(),
            number,
            approval: refused.approval.0,
            request: refused.request.0,
            at: refused.at,
            actor: refused.by.into(),
            vote: refused.vote.into(),
            code: refused.code,
            message: refused.message,
            comment: refused.comment,
        }
    }
}
