//! Links: what one record has to do with another.
//!
//! A link has two ends and is told from either: what blocks another is, seen from there, what that one is blocked by. It
//! moves nothing. What moves tickets together is a parent, a merger or a conversion.

use chrono::{DateTime, Utc};

use crate::{
    event::{Actor, FieldChange},
    name::names,
    refusal::Refused,
    subject::Subject,
    ticket::{Ticket, Turn},
};

/// The field that events name.
const FIELD: &str = "links";

/// A ticket with more links than this is better told as one of them, with children.
pub const MAX_LINKS: usize = 100;

/// What a ticket has to do with another, told from one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkType {
    /// Each helps to understand the other.
    RelatedTo,
    /// The other can't go on before this one is done.
    Blocks,
    /// This one can't go on before the other is done.
    BlockedBy,
    /// The other brought this one about.
    CausedBy,
    /// This one brought the other about.
    Causes,
    /// The other's trouble has come back.
    RecurrenceOf,
    /// This one's trouble came back in the other.
    RecursAs,
}

names!("type of link", LinkType {
    RelatedTo => "related_to",
    Blocks => "blocks",
    BlockedBy => "blocked_by",
    CausedBy => "caused_by",
    Causes => "causes",
    RecurrenceOf => "recurrence_of",
    RecursAs => "recurs_as",
});

impl LinkType {
    /// The same link, told from its other end.
    #[must_use]
    pub const fn from_the_other_end(self) -> Self {
        match self {
            Self::RelatedTo => Self::RelatedTo,
            Self::Blocks => Self::BlockedBy,
            Self::BlockedBy => Self::Blocks,
            Self::CausedBy => Self::Causes,
            Self::Causes => Self::CausedBy,
            Self::RecurrenceOf => Self::RecursAs,
            Self::RecursAs => Self::RecurrenceOf,
        }
    }
}

/// A link between two tickets, in the one form that it is kept in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The ticket that it is told from.
    pub from: Subject,
    /// What that one has to do with the other.
    pub link_type: LinkType,
    /// The other.
    pub to: Subject,
    /// Who made it.
    pub created_by: Actor,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl Link {
    fn new(
        from: Subject,
        link_type: LinkType,
        to: Subject,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Self {
        // Of the two ways to tell a link, one is kept: so it is found again however it was told.
        let is_turned = match link_type {
            LinkType::RelatedTo => to < from,
            LinkType::Blocks | LinkType::CausedBy | LinkType::RecurrenceOf => false,
            LinkType::BlockedBy | LinkType::Causes | LinkType::RecursAs => true,
        };
        let (from, link_type, to) = if is_turned {
            (to, link_type.from_the_other_end(), from)
        } else {
            (from, link_type, to)
        };
        Self { from, link_type, to, created_by: by.clone(), created_at: at }
    }

    /// What this ticket has to do with which other; none if it is at neither end.
    #[must_use]
    pub fn seen_from(&self, end: impl Into<Subject>) -> Option<(LinkType, Subject)> {
        let end = end.into();
        if end == self.from {
            Some((self.link_type, self.to))
        } else if end == self.to {
            Some((self.link_type.from_the_other_end(), self.from))
        } else {
            None
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        (self.from, self.link_type, self.to) == (other.from, other.link_type, other.to)
    }
}

/// A link that was made or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkChange {
    /// It is there from now on.
    Made(Link),
    /// It is there no more.
    Removed(Link),
}

/// Says what a ticket has to do with another.
pub(crate) fn link(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let Some((link_type, target)) = told(ticket, turn)? else { return Ok(()) };
    let link = Link::new(ticket.id.into(), link_type, target.id.into(), turn.by, turn.now);
    let opposite = Link::new(target.id.into(), link_type, ticket.id.into(), turn.by, turn.now);
    let links = &turn.beside.links;
    if links.iter().any(|one| one.is_same(&link)) {
        let message = format!("The link {link_type} {} is there already.", target.number);
        turn.faults.wrong("/target", "repeated", message);
    } else if links.iter().any(|one| one.is_same(&opposite)) {
        let told = link_type.from_the_other_end();
        let message =
            format!("The link {told} {} is there already; unlink that first.", target.number);
        turn.faults.wrong("/link_type", "contradiction", message);
    }
    for end in [&*ticket, &target] {
        if links.iter().filter(|one| one.seen_from(end.id).is_some()).count() >= MAX_LINKS {
            let message = format!("{} has {MAX_LINKS} links, which is the most.", end.number);
            turn.faults.wrong("/target", "too-many", message);
        }
    }
    turn.fields_are_right()?;
    note(ticket, &target, link_type, turn, |told| FieldChange {
        field: FIELD.to_owned(),
        before: None,
        after: Some(told),
    });
    turn.left.link = Some(LinkChange::Made(link));
    Ok(())
}

/// Removes a link between a ticket and another.
pub(crate) fn unlink(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let Some((link_type, target)) = told(ticket, turn)? else { return Ok(()) };
    let link = Link::new(ticket.id.into(), link_type, target.id.into(), turn.by, turn.now);
    let found = turn.beside.links.iter().find(|one| one.is_same(&link)).cloned();
    if found.is_none() {
        let message = format!("There is no link {link_type} {}.", target.number);
        turn.faults.wrong("/target", "unknown", message);
    }
    turn.fields_are_right()?;
    note(ticket, &target, link_type, turn, |told| FieldChange {
        field: FIELD.to_owned(),
        before: Some(told),
        after: None,
    });
    turn.left.link = found.map(LinkChange::Removed);
    Ok(())
}

/// What is said about which other ticket.
fn told(ticket: &Ticket, turn: &mut Turn<'_>) -> Result<Option<(LinkType, Ticket)>, Refused> {
    let target = turn.beside.target.clone();
    if let Some(target) = &target {
        if target.id == ticket.id {
            let message = "A ticket cannot be linked to itself; name another.";
            turn.faults.wrong("/target", "itself", message);
        } else if target.org != ticket.org {
            let message = "The ticket is another organization's; links stay within one.";
            turn.faults.wrong("/target", "other-organization", message);
        }
    }
    turn.fields_are_right()?;
    Ok(turn.given.choice("link_type").zip(target))
}

/// Both tickets have changed; each tells the link from its own end.
fn note(
    ticket: &Ticket,
    target: &Ticket,
    link_type: LinkType,
    turn: &mut Turn<'_>,
    change: impl Fn(String) -> FieldChange,
) {
    turn.left.changes.push(change(format!("{link_type} {}", target.number)));
    let told = format!("{} {}", link_type.from_the_other_end(), ticket.number);
    turn.left.target_changes.push(change(told));
}

