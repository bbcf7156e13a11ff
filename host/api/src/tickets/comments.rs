//! Comments on tickets.

use axum::{Json, extract::State, response::Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    comments::CommentView,
    tickets::{self, Look},
};
use waypost_domain::{comment::Visibility, ticket::Action};

use super::{Subject, TicketOut, address};
use crate::{
    ApiState,
    api_error::ApiError,
    extract::{JsonBody, Known, Prefer},
    reply,
    wire::{ActorOut, PersonOut, VisibilityName},
};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(add_comment, list_comments))
}

/// Comment on a ticket
///
/// A public comment by the requester is a reply: it ends a hold that is waiting for them.
/// Requesters who watch can comment too, which moves nothing. If the ticket was merged or
/// converted, the comment is added where it goes on, and `Location` names that ticket.
#[utoipa::path(
    post,
    path = "/{id}/comments",
    request_body = CommentIn,
    responses((status = 201, description = "The ticket with the comment", body = TicketOut)),
)]
async fn add_comment(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
    prefer: Prefer,
    JsonBody(comment): JsonBody<CommentIn>,
) -> Result<Response, ApiError> {
    let visibility = comment.visibility.map_or(Visibility::Public, |name| name.0);
    let action = match visibility {
        Visibility::Internal => Action::Note,
        Visibility::Public => Action::Comment,
    };
    let input = Map::from_iter([("text".to_owned(), Value::String(comment.text))]);
    // Boxed: what a reply may set off makes a future that would fill the stack.
    let view = Box::pin(tickets::act(&desk, &caller, &ticket, action, input, None)).await?;
    let address = format!("{}/comments", address(view.ticket.kind(), &view.ticket.number));
    Ok(reply::created(prefer, &address, view.ticket.version, TicketOut::from(view)))
}

/// List a ticket's comments
///
/// The oldest first. Requesters see public comments only.
#[utoipa::path(
    get,
    path = "/{id}/comments",
    responses((status = 200, description = "The comments that the caller may read", body = CommentsOut)),
)]
async fn list_comments(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
) -> Result<Json<CommentsOut>, ApiError> {
    let comments = Look::at(&desk, &caller, &ticket).await?.comments().await?;
    Ok(Json(CommentsOut { items: comments.into_iter().map(Into::into).collect() }))
}

/// A comment.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = NewComment)]
struct CommentIn {
    /// The text.
    #[schema(required = true)]
    text: String,
    /// Who may read it: `public` (the default), or `internal` for the desk only.
    visibility: Option<VisibilityName>,
}

/// The comments on a ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Comments)]
struct CommentsOut {
    /// The comments, the oldest first.
    items: Vec<CommentOut>,
}

/// A comment on a ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Comment)]
struct CommentOut {
    /// Its id.
    id: Uuid,
    /// Who may read it.
    visibility: VisibilityName,
    /// Who or what wrote it.
    actor: ActorOut,
    /// The person who wrote it.
    author: Option<PersonOut>,
    /// The text.
    text: String,
    /// When it was written.
    created_at: DateTime<Utc>,
}

impl From<CommentView> for CommentOut {
    fn from(view: CommentView) -> Self {
        Self {
            id: view.comment.id.0,
            visibility: view.comment.visibility.into(),
            actor: view.comment.author.into(),
            author: view.author.map(Into::into),
            text: view.comment.text,
            created_at: view.comment.created_at,
        }
    }
}
