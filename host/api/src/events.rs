//! Events of the whole organization, for whoever audits it.

use axum::{extract::State, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    audit::{self, AuditedEvent, Period},
};

use crate::{
    ApiState,
    api_error::ApiError,
    extract::{Known, ListOut, Listing, PageParams},
    tickets::EventOut,
    wire::TimeIn,
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// List the organization's events
///
/// Ticket by ticket in the order of their arrival, and the events of each ticket in order. For
/// auditors and administrators.
#[utoipa::path(
    get,
    path = "/",
    params(PageParams, EventFilter),
    responses((status = 200, description = "A page of events", body = ListOut<AuditedEventOut>)),
)]
async fn list(
    State(desk): State<Desk>,
    Known(caller): Known,
    listing: Listing<EventFilter>,
) -> Result<Response, ApiError> {
    let EventFilter { from, to } = listing.filter;
    let page = audit::events(
        &desk,
        &caller,
        Period { from: from.map(Into::into), to: to.map(Into::into) },
        &listing.page,
    )
    .await;
    Ok(listing.reply(page.map_err(ApiError::of_query)?, AuditedEventOut::from))
}

/// Filter for events; all conditions must match.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct EventFilter {
    /// At or after this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    from: Option<TimeIn>,
    /// Before this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    to: Option<TimeIn>,
}

/// An event, with its ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditedEvent)]
struct AuditedEventOut {
    /// The ticket's id.
    ticket: Uuid,
    /// The ticket's number.
    number: String,
    #[serde(flatten)]
    event: EventOut,
}

impl From<AuditedEvent> for AuditedEventOut {
    fn from(audited: AuditedEvent) -> Self {
        let AuditedEvent { number, event } = audited;
        Self { ticket: event.subject.id(), number, event: event.into() }
    }
}
