//! Subjects: the record that an event, a comment, an approval, a link or a decision is about.

use uuid::Uuid;

use crate::{ids::TicketId, name::names};

/// The record that something is about. Every kind of record that has a history can be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A ticket, of whichever kind.
    Ticket(TicketId),
}

/// Which kind of record a subject is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectKind {
    /// A ticket.
    Ticket,
}

names!("kind of subject", SubjectKind {
    Ticket => "ticket",
});

impl Subject {
    /// The subject of a kind with this id.
    #[must_use]
    pub const fn new(kind: SubjectKind, id: Uuid) -> Self {
        match kind {
            SubjectKind::Ticket => Self::Ticket(TicketId(id)),
        }
    }

    /// Which kind of record it is.
    #[must_use]
    pub const fn kind(self) -> SubjectKind {
        match self {
            Self::Ticket(_) => SubjectKind::Ticket,
        }
    }

    /// Its id, without its kind.
    #[must_use]
    pub const fn id(self) -> Uuid {
        match self {
            Self::Ticket(id) => id.0,
        }
    }

    /// The ticket that it is; none of another kind of record.
    #[must_use]
    pub const fn ticket(self) -> Option<TicketId> {
        match self {
            Self::Ticket(id) => Some(id),
        }
    }
}

impl From<TicketId> for Subject {
    fn from(id: TicketId) -> Self {
        Self::Ticket(id)
    }
}
