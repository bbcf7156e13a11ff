//! What policies decided about a ticket, and why its state is what it is.

use axum::{Json, extract::State, response::Response};
use utoipa_axum::{router::OpenApiRouter, routes};
use waypost_app::{
    Desk,
    explain::explain as explain_ticket,
    receipts::{self, ReceiptQuery},
};

use super::{Subject, explanation::ExplanationOut};
use crate::{
    ApiState,
    api_error::ApiError,
    extract::{Known, ListOut, Listing, NoFilter, PageParams},
    receipts::ReceiptOut,
};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(explain)).routes(routes!(list_receipts))
}

/// Explain a ticket
///
/// As facts, at most one screen of them: priority, team, approvals, and what the ticket is waiting
/// for. Each is also told as an English sentence.
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
