//! Comments on a record.

use chrono::{DateTime, Utc};

use crate::{event::Actor, ids::CommentId, name::names, subject::Subject};

/// Who may read a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// Everybody who sees the record.
    Public,
    /// The desk only; never a requester, on any path.
    Internal,
}

names!("visibility", Visibility {
    Public => "public",
    Internal => "internal",
});

/// A text about a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// What it is about.
    pub subject: Subject,
    /// Who may read it.
    pub visibility: Visibility,
    /// Who wrote it.
    pub author: Actor,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}
