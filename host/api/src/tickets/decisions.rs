//! What policies decided about a ticket, and why its state is what it is.

use axum::{Json, extract::State, response::Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    explain::{ExplainedDecision, Explanation, explain as explain_ticket},
    receipts::{self, ReceiptQuery},
};

use super::Subject;
use crate::{
    ApiState,
    api_error::ApiError,
    extract::{Known, ListOut, Listing, NoFilter, PageParams},
    receipts::{OutcomeOut, ReceiptOut},
    wire::HookName,
};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(explain)).routes(routes!(list_receipts))
}

/// Explain a ticket
///
/// In plain sentences, at most one screen: priority, team, approvals, and what the ticket is
/// waiting for.
#[utoipa::path(
    get,
    path = "/{id}/explain",
    responses((status = 200, description = "The explanation", body = ExplanationOut)),
)]
async fn explain(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
) -> Result<Json<ExplanationOut>, ApiError> {
    Ok(Json(explain_ticket(&desk, &caller, &ticket).await?.into()))
}

/// List the receipts of a ticket
///
/// One for each policy that was asked about it, the latest first.
#[utoipa::path(
    get,
    path = "/{id}/receipts",
    params(PageParams),
    responses((status = 200, description = "A page of receipts", body = ListOut<ReceiptOut>)),
)]
async fn list_receipts(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
    listing: Listing<NoFilter>,
) -> Result<Response, ApiError> {
    let query = ReceiptQuery { ticket: Some(ticket), ..ReceiptQuery::default() };
    let page = receipts::list(&desk, &caller, &query, &listing.page).await?;
    Ok(listing.reply(page, ReceiptOut::from))
}

/// Why a ticket has its priority, team and state.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Explanation)]
struct ExplanationOut {
    /// The ticket's number.
    number: String,
    /// Plain sentences, at most one screen.
    sentences: Vec<String>,
    /// What policies decided, in the order in which they were asked.
    decisions: Vec<ExplainedDecisionOut>,
}

/// One decision of a policy.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedDecision)]
struct ExplainedDecisionOut {
    /// The id of the receipt, which holds the rest.
    receipt: Uuid,
    /// What was asked.
    hook: HookName,
    /// The key of the organization whose binding it was.
    layer: String,
    /// The binding's name.
    binding: String,
    /// Its revision.
    revision: i64,
    /// The outcome of the answer.
    outcome: OutcomeOut,
    /// The policy's reasons.
    reasons: Vec<String>,
    /// The instructions used, as wasmtime counts fuel.
    fuel: u64,
    /// Duration in microseconds.
    duration_us: u64,
}

impl From<Explanation> for ExplanationOut {
    fn from(explanation: Explanation) -> Self {
        Self {
            number: explanation.number,
            sentences: explanation.sentences,
            decisions: explanation.decisions.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<ExplainedDecision> for ExplainedDecisionOut {
    fn from(decision: ExplainedDecision) -> Self {
        Self {
            receipt: decision.receipt.0,
            hook: decision.hook.into(),
            layer: decision.layer,
            binding: decision.binding,
            revision: decision.revision,
            outcome: decision.outcome.into(),
            reasons: decision.reasons,
            fuel: decision.fuel,
            duration_us: decision.duration_us,
        }
    }
}
