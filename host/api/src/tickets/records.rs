//! Tickets themselves: create, list, read, edit, and what has happened to them.

use axum::{Json, extract::State, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    tickets::{self, Look, TicketView},
};
use waypost_domain::event::{Event, FieldChange};

use super::{
    Collection, Subject, TicketOut, address,
    incoming::{TicketFilter, editing, opening},
};
use crate::{
    ApiState,
    api_error::ApiError,
    extract::{IfMatch, JsonBody, Known, ListOut, Listing, PageParams, Prefer},
    reply,
    wire::{ActionName, ActorOut},
};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(read, edit))
        .routes(routes!(events))
}

/// Open a ticket
///
/// The organization's policies categorize it, route it and decide who is notified before the
/// response is sent. Without a policy, or if one fails, the organization's defaults apply.
#[utoipa::path(
    post,
    path = "/",
    responses((status = 201, description = "The new ticket", body = TicketOut)),
)]
async fn create(
    State(desk): State<Desk>,
    collection: Collection,
    Known(caller): Known,
    prefer: Prefer,
    JsonBody(fields): JsonBody<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let ticket = opening(fields, collection.kind())?;
    // Boxed: what opening may set off makes a future that would fill the stack.
    let view = Box::pin(tickets::open(&desk, &caller, ticket)).await?;
    let address = address(view.ticket.kind(), &view.ticket.number);
    Ok(reply::created(prefer, &address, view.ticket.version, TicketOut::from(view)))
}

/// List tickets
///
/// Requesters see only the tickets that concern them.
#[utoipa::path(
    get,
    path = "/",
    params(PageParams, TicketFilter),
    responses((status = 200, description = "A page of tickets", body = ListOut<TicketOut>)),
)]
async fn list(
    State(desk): State<Desk>,
    collection: Collection,
    Known(caller): Known,
    listing: Listing<TicketFilter>,
) -> Result<Response, ApiError> {
    let query = listing.filter.query(collection.kind())?;
    let page = tickets::list(&desk, &caller, &query, &listing.page).await;
    Ok(listing.reply(page.map_err(ApiError::of_query)?, TicketOut::from))
}

/// Read a ticket
#[utoipa::path(
    get,
    path = "/{id}",
    responses((status = 200, description = "The ticket", body = TicketOut)),
)]
async fn read(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
) -> Result<Response, ApiError> {
    let view = tickets::find(&desk, &caller, &ticket).await?;
    Ok(reply::read(view.ticket.version, TicketOut::from(view)))
}

/// Edit a ticket
///
/// Omitted fields stay unchanged. State, team and assignee are changed by actions.
#[utoipa::path(
    patch,
    path = "/{id}",
    responses((status = 200, description = "The changed ticket", body = TicketOut)),
)]
async fn edit(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
    IfMatch(version): IfMatch,
    prefer: Prefer,
    JsonBody(fields): JsonBody<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let edited = Box::pin(tickets::edit(&desk, &caller, &ticket, editing(fields)?, version));
    Ok(changed(prefer, edited.await?))
}

/// List a ticket's events
///
/// Everything that happened to it, the oldest first.
#[utoipa::path(
    get,
    path = "/{id}/events",
    responses((status = 200, description = "All events", body = EventsOut)),
)]
async fn events(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
) -> Result<Json<EventsOut>, ApiError> {
    let events = Look::at(&desk, &caller, &ticket).await?.events().await?;
    Ok(Json(EventsOut { items: events.into_iter().map(Into::into).collect() }))
}

/// The answer with a ticket that was changed.
pub(super) fn changed(prefer: Prefer, view: TicketView) -> Response {
    reply::changed(prefer, view.ticket.version, TicketOut::from(view))
}

/// Everything that happened to a ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Events)]
pub(super) struct EventsOut {
    /// The events, the oldest first.
    items: Vec<EventOut>,
}

/// One accepted action.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventOut {
    /// Its id.
    id: Uuid,
    /// Number within the ticket: 1, 2, 3, …
    seq: i64,
    /// When it happened.
    at: DateTime<Utc>,
    /// Who or what acted.
    actor: ActorOut,
    /// The id of the event that caused it.
    cause: Option<Uuid>,
    /// What was done.
    action: ActionName,
    /// The fields that changed.
    changes: Vec<FieldChangeOut>,
    /// Digest of the policy that made the decision.
    policy_digest: Option<String>,
    /// The actor's reason.
    reason: Option<String>,
}

/// A changed field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldChange)]
struct FieldChangeOut {
    /// The field.
    field: String,
    /// Value before; null if it was empty.
    before: Option<String>,
    /// Value after; null if it is empty.
    after: Option<String>,
}

impl From<Event> for EventOut {
    fn from(event: Event) -> Self {
        Self {
            id: event.id.0,
            seq: event.seq,
            at: event.at,
            actor: event.actor.into(),
            cause: event.cause.map(|event| event.0),
            action: event.action.into(),
            changes: event.changes.into_iter().map(Into::into).collect(),
            policy_digest: event.policy_digest,
            reason: event.reason,
        }
    }
}

impl From<FieldChange> for FieldChangeOut {
    fn from(change: FieldChange) -> Self {
        Self { field: change.field, before: change.before, after: change.after }
    }
}
