//! The outbox, as an administrator sees it: which messages left, which wait, which were given up.

use chrono::{DateTime, Utc};
use waypost_domain::{
    ids::MessageId,
    message::{Message, MessageState},
    role::Role,
};
use waypost_store::outbox::{self, Posted};

use crate::{Caller, CommandError, Desk, InvalidCursor, Page, PageRequest, page::ListTag};

/// A message, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageView {
    /// The message.
    pub message: Message,
    /// Where it stands.
    pub state: MessageState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, while it is pending.
    pub next_attempt_at: DateTime<Utc>,
    /// What the last attempt ended with, if it failed.
    pub last_error: Option<String>,
}

/// Lists the organization's messages, the latest first. For administrators and auditors.
///
/// # Errors
/// [`CommandError::Cursor`] for a cursor of another list.
pub async fn list(
    desk: &Desk,
    caller: &Caller,
    request: &PageRequest,
) -> Result<Page<MessageView>, CommandError> {
    caller.must_be(&[Role::Admin, Role::Auditor])?;
    let tag = ListTag::of(caller, "outbox", &());
    let after = tag.place(request.after.as_ref())?;
    let after = after.map(|id| id.parse::<MessageId>().map_err(|_| InvalidCursor)).transpose()?;
    let mut tx = desk.store.read(caller.org).await?;
    let rows = outbox::list(&mut tx, after, request.rows_to_read()).await?;
    let page = Page::cut(rows, request, tag, |posted| posted.message.id.to_string());
    Ok(page.map(view))
}

fn view(posted: Posted) -> MessageView {
    let Posted { message, state, attempts, next_attempt_at, last_error } = posted;
    MessageView { message, state, attempts, next_attempt_at, last_error }
}
