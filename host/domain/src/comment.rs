//! Comments on a ticket.

use chrono::{DateTime, Utc};

use crate::{
    event::Actor,
    ids::{CommentId, TicketId},
    name::names,
};

/// Who may read a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// Everybody who sees the ticket.
    Public,
    /// The desk only; never a requester, on any path.
    Internal,
}

names!("visibility", Visibility {
    Public => "public",
    Internal => "internal",
});

/// A text about a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// The ticket.
    pub ticket: TicketId,
    /// Who may read it.
    pub visibility: Visibility,
    /// Who wrote it.
    pub author: Actor,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}
