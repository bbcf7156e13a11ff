//! The outbox: messages that leave the desk, and where they stand.

use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    outbox::{self, MessageView},
};

use crate::{
    ApiState,
    api_error::ApiError,
    extract::{Known, ListOut, Listing, NoFilter, PageParams},
    wire::DeliveryChannelName,
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// List messages
///
/// The latest first. For administrators and auditors.
#[utoipa::path(
    get,
    path = "/",
    params(PageParams),
    responses((status = 200, description = "A page of messages", body = ListOut<MessageOut>)),
)]
async fn list(
    State(desk): State<Desk>,
    Known(caller): Known,
    listing: Listing<NoFilter>,
) -> Result<Response, ApiError> {
    let page = outbox::list(&desk, &caller, &listing.page).await?;
    Ok(listing.reply(page, MessageOut::from))
}

/// A message and its state.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
struct MessageOut {
    /// Its id; the same for all attempts.
    id: Uuid,
    /// The id of the ticket it is about; null for a message to administrators.
    ticket: Option<Uuid>,
    /// The id of the recipient.
    person: Uuid,
    /// Channel through which it is sent.
    channel: DeliveryChannelName,
    /// What the recipient is told it as: `requester`, `assignee`, `watcher`, `approver`, `leader`
    /// (of a major incident), `team:` and the team's id, `administrator`, or `named` by a policy.
    told_as: Vec<String>,
    /// The address it was last sent to; null before the first attempt. It is looked up when the
    /// message leaves. Null again once texts were removed, some weeks after the message was sent.
    address: Option<String>,
    /// The subject, in one line. Empty once texts were removed.
    subject: String,
    /// The body, in plain text. Empty once texts were removed.
    body: String,
    /// `pending`, `sent`, `dead` (given up) or `dropped` (not sent, because the recipient is not to
    /// be told any more).
    #[schema(value_type = String)]
    state: &'static str,
    /// Number of attempts.
    attempts: u32,
    /// When the next attempt is due, while it is pending.
    next_attempt_at: DateTime<Utc>,
    /// The error of the last attempt, if it failed; if the message was dropped, the reason.
    last_error: Option<String>,
    /// Earliest time at which it is sent.
    send_at: DateTime<Utc>,
    /// When it was created.
    created_at: DateTime<Utc>,
}

impl From<MessageView> for MessageOut {
    fn from(view: MessageView) -> Self {
        let message = view.message;
        Self {
            id: message.id.0,
            ticket: message.ticket.map(|ticket| ticket.0),
            person: message.person.0,
            told_as: message.told_as.iter().map(ToString::to_string).collect(),
            channel: message.channel.into(),
            address: message.address,
            subject: message.subject,
            body: message.body,
            state: view.state.as_str(),
            attempts: view.attempts,
            next_attempt_at: view.next_attempt_at,
            last_error: view.last_error,
            send_at: message.send_at,
            created_at: message.created_at,
        }
    }
}
