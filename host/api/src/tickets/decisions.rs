//! What policies decided about a ticket, and why its state is what it is.

use axum::{Json, extract::State, response::Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use waypost_app::{
    Desk,
    explain::explain as explain_ticket,
    receipts::{self, ReceiptQuery},
    tickets::{self, TicketView, WhatIf},
};

use super::{Subject, explanation::ExplanationOut, incoming::editing, previews::ReasonOut};
use crate::{
    ApiState,
    api_error::ApiError,
    extract::{JsonBody, Known, ListOut, Listing, NoFilter, PageParams},
    receipts::ReceiptOut,
    wire::{NamedOut, PersonOut},
};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(explain))
        .routes(routes!(list_receipts))
        .routes(routes!(what_if))
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

/// Ask what if
///
/// Where the ticket would be with other fields: the same as for an edit. The matrix gives its
/// priority, and the policies are asked who should get it. Nothing is changed.
#[utoipa::path(
    post,
    path = "/{id}/what-if",
    responses((status = 200, description = "Where it is, and where it would be", body = WhatIfOut)),
)]
async fn what_if(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
    JsonBody(fields): JsonBody<Map<String, Value>>,
) -> Result<Json<WhatIfOut>, ApiError> {
    let fields = editing(fields)?;
    let asked = Box::pin(tickets::what_if(&desk, &caller, &ticket, &fields));
    Ok(Json(asked.await?.into()))
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

/// Where a ticket is and where it would be as the API tells it, for front ends that print JSON.
#[must_use]
pub fn what_if_json(told: WhatIf) -> Value {
    // Every name is a text and every number finite, so that nothing here can fail.
    serde_json::to_value(WhatIfOut::from(told)).unwrap_or_default()
}

/// Where a ticket is, and where it would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WhatIf)]
struct WhatIfOut {
    /// Where it is.
    before: WhereOut,
    /// Where it would be.
    after: WhereOut,
    /// Why it would be decided so.
    reasons: Vec<ReasonOut>,
    /// Hooks whose policies failed, so that the team would stay as it is.
    policy_failures: Option<String>,
}

/// Where a ticket is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Whereabouts)]
struct WhereOut {
    /// Its priority; 1 is the highest.
    priority: u8,
    /// Path of its category.
    category: Option<String>,
    /// Its service.
    service: Option<NamedOut>,
    /// Its team.
    team: NamedOut,
    /// Who works on it.
    assignee: Option<PersonOut>,
}

impl From<WhatIf> for WhatIfOut {
    fn from(told: WhatIf) -> Self {
        let WhatIf { before, after, reasons, policy_failures } = told;
        Self {
            before: before.into(),
            after: after.into(),
            reasons: reasons.into_iter().map(ReasonOut::from).collect(),
            policy_failures,
        }
    }
}

impl From<TicketView> for WhereOut {
    fn from(view: TicketView) -> Self {
        Self {
            priority: view.priority.0.0,
            category: view.ticket.category.as_ref().map(ToString::to_string),
            service: view.service.map(Into::into),
            team: view.team.into(),
            assignee: view.assignee.map(Into::into),
        }
    }
}
