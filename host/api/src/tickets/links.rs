//! Links of tickets to others.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    tickets::{LinkView, Look},
};

use super::Subject;
use crate::{
    ApiState,
    api_error::ApiError,
    extract::Known,
    wire::{ActorOut, KindName, LinkTypeName, StateName},
};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list_links))
}

/// List a ticket's links
///
/// For the desk. The oldest first. Use the actions `link` and `unlink` to change them.
#[utoipa::path(
    get,
    path = "/{id}/links",
    responses((status = 200, description = "All links", body = LinksOut)),
)]
async fn list_links(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
) -> Result<Json<LinksOut>, ApiError> {
    let links = Look::at(&desk, &caller, &ticket).await?.links().await?;
    Ok(Json(LinksOut { items: links.into_iter().map(Into::into).collect() }))
}

/// The links of a ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Links)]
struct LinksOut {
    /// The links.
    items: Vec<LinkOut>,
}

/// A link to another ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Link)]
struct LinkOut {
    /// Type, as seen from this ticket.
    link_type: LinkTypeName,
    /// The other ticket.
    target: LinkedOut,
    /// Who created it.
    created_by: ActorOut,
    /// When.
    created_at: DateTime<Utc>,
}

/// The other ticket of a link.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LinkedTicket)]
struct LinkedOut {
    /// Its id.
    id: Uuid,
    /// Ticket number.
    number: String,
    /// Its kind.
    kind: KindName,
    /// Its state.
    state: StateName,
    /// Summary in one line.
    short_description: String,
}

impl From<LinkView> for LinkOut {
    fn from(LinkView { link_type, other, link }: LinkView) -> Self {
        Self {
            link_type: link_type.into(),
            target: LinkedOut {
                id: other.id.0,
                kind: other.kind().into(),
                state: other.state().into(),
                number: other.number,
                short_description: other.short_description,
            },
            created_by: link.created_by.into(),
            created_at: link.created_at,
        }
    }
}
