//! Tickets themselves: create, list, read, edit, and what has happened to them.

use axum::{Json, extract::State, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    tickets::{self, TicketView},
};
use waypost_domain::event::{Change, Event};

use super::{
    Collection, Subject, TicketOut, address,
    incoming::{TicketEditIn, TicketFilter, TicketIn},
};
use crate::{
    ApiState,
    extract::{IfMatch, JsonBody, Known, ListOut, Listing, PageParams, Prefer},
    problem::Problem,
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
/// The organization's policies categorize it, route it and say who hears of it, all before the answer. Without a
/// policy, or when one fails, the organization's defaults decide.
#[utoipa::path(
    post,
    path = "/",
    request_body = TicketIn,
    responses((status = 201, description = "Stored, prioritized and routed", body = TicketOut)),
)]
async fn create(
    State(desk): State<Desk>,
    collection: Collection,
    Known(caller): Known,
    prefer: Prefer,
    JsonBody(ticket): JsonBody<TicketIn>,
) -> Result<Response, Problem> {
    let view = tickets::open(&desk, &caller, ticket.command(collection.kind())?).await?;
    let address = address(view.ticket.kind(), &view.ticket.number);
    Ok(reply::created(prefer, &address, view.ticket.version, TicketOut::from(view)))
}

/// List tickets
///
/// A requester gets their own.
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
) -> Result<Response, Problem> {
    let query = listing.filter.query(collection.kind());
    let page = tickets::list(&desk, &caller, &query, &listing.page).await;
    Ok(listing.reply(page.map_err(Problem::of_query)?, TicketOut::from))
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
) -> Result<Response, Problem> {
    let view = tickets::find(&desk, &caller, &ticket).await?;
    Ok(reply::read(view.ticket.version, TicketOut::from(view)))
}

/// Edit a ticket
///
/// States, the team and the assignee are changed by actions.
#[utoipa::path(
    patch,
    path = "/{id}",
    request_body = TicketEditIn,
    responses((status = 200, description = "The changed ticket", body = TicketOut)),
)]
async fn edit(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
    IfMatch(version): IfMatch,
    prefer: Prefer,
    JsonBody(edit): JsonBody<TicketEditIn>,
) -> Result<Response, Problem> {
    let view = tickets::edit(&desk, &caller, &ticket, edit.command()?, version).await?;
    Ok(changed(prefer, view))
}

/// List a ticket's events
///
/// Everything that happened to it, the first first.
#[utoipa::path(
    get,
    path = "/{id}/events",
    responses((status = 200, description = "All events", body = EventsOut)),
)]
async fn events(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
) -> Result<Json<EventsOut>, Problem> {
    let events = tickets::events(&desk, &caller, &ticket).await?;
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
    /// The events, the first first.
    items: Vec<EventOut>,
}

/// One accepted action.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventOut {
    /// Its id.
    id: Uuid,
    /// 1, 2, 3, … for each ticket.
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
    changes: Vec<ChangeOut>,
    /// The digest of the policy that decided it.
    policy_digest: Option<String>,
    /// Why, as the actor put it.
    reason: Option<String>,
}

/// One field, before and after.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
struct ChangeOut {
    /// The field.
    field: String,
    /// Before; null where it was empty.
    before: Option<String>,
    /// After; null where it is empty.
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

impl From<Change> for ChangeOut {
    fn from(change: Change) -> Self {
        Self { field: change.field, before: change.before, after: change.after }
    }
}
