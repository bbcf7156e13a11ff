//! What happened to a ticket and what was said about it, with the names of who did and said so.

use std::collections::{BTreeMap, BTreeSet};

use waypost_domain::{
    event::Event,
    ids::{CommentId, PersonId},
};
use waypost_store::{comment, event};

use super::{TicketRef, read};
use crate::{
    Caller, CommandError, Desk,
    comments::{self, CommentView},
    labels::people_names,
};

/// The history of a ticket, as far as the caller may see it.
#[derive(Debug, Clone)]
pub struct History {
    /// What happened, the oldest first.
    pub events: Vec<Event>,
    /// What was said, the oldest first.
    pub comments: Vec<CommentView>,
    /// The names of the people that events speak of.
    pub people: BTreeMap<PersonId, String>,
}

/// Reads the history of a ticket.
///
/// # Errors
/// [`CommandError::NotFound`] for a ticket that the caller may not see.
pub async fn history(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
) -> Result<History, CommandError> {
    let events = read::events(desk, caller, named).await?;
    let comments = comments::list(desk, caller, named).await?;
    let mut spoken_of: BTreeSet<PersonId> =
        events.iter().filter_map(|event| event.actor.person).collect();
    for change in events.iter().flat_map(|event| &event.changes) {
        let ids: Vec<&str> = if is_a_person(&change.field) {
            [&change.before, &change.after].into_iter().flatten().map(String::as_str).collect()
        } else if change.field.starts_with("approval/") {
            change.field.split('/').chain(change.after.as_deref()).collect()
        } else {
            continue;
        };
        spoken_of.extend(ids.into_iter().filter_map(|id| id.parse::<PersonId>().ok()));
    }
    let mut tx = desk.store.read(caller.org).await?;
    let people = people_names(&mut tx, spoken_of).await?;
    Ok(History { events, comments, people })
}

/// How far somebody has read a ticket's history: its last event, and what was said last to all who
/// may see it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    seq: i64,
    said: Option<CommentId>,
}

/// What was added to a ticket's history behind a place.
#[derive(Debug, Clone)]
pub struct Added {
    /// What happened, as far as the caller may read it, the oldest first.
    pub events: Vec<Event>,
    /// Whether something was said to all who may see the ticket.
    pub is_said: bool,
    /// Where the history ends now.
    pub end: Place,
}

impl History {
    /// Where it ends, for somebody who reads no internal notes.
    #[must_use]
    pub fn end(&self) -> Place {
        let seq = self.events.last().map_or(0, |event| event.seq);
        Place { seq, said: self.comments.last().map(|said| said.comment.id) }
    }
}

/// Reads what was added to the history of a ticket behind a place, however long it is before that.
///
/// # Errors
/// [`CommandError::NotFound`] for a ticket that the caller may not see any more.
pub async fn added_since(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
    place: Place,
) -> Result<Added, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    let subject = read::seen(&mut tx, caller, named).await?.ticket.id.into();
    let events = event::after(&mut tx, subject, place.seq).await?;
    let said = comment::last_public(&mut tx, subject, 1).await?.pop().map(|last| last.id);
    // What they may not read is not read again either.
    let seq = events.last().map_or(place.seq, |event| event.seq);
    Ok(Added {
        events: read::readable(caller, events),
        is_said: said != place.said,
        end: Place { seq, said },
    })
}

/// The addresses of people, as far as the organization may know them; the names of those who have
/// none. For the desk.
///
/// # Errors
/// [`CommandError::Forbidden`] for a requester.
pub async fn addresses(
    desk: &Desk,
    caller: &Caller,
    people: &BTreeSet<PersonId>,
) -> Result<BTreeMap<PersonId, String>, CommandError> {
    caller.must_be_desk()?;
    let mut tx = desk.store.read(caller.org).await?;
    let ids = people.iter().copied().collect::<Vec<_>>();
    let found = waypost_store::person::find_many(&mut tx, &ids).await?;
    let address = |person: waypost_domain::person::Person| {
        (person.id, person.email.unwrap_or_else(|| person.id.to_string()))
    };
    Ok(found.into_iter().map(address).collect())
}

/// Whether a field of a ticket holds a person, of whom events keep the id.
#[must_use]
pub fn is_a_person(field: &str) -> bool {
    matches!(
        field,
        "assignee" | "requester" | "opened_by" | "manager" | "communication_owner" | "risk_owner"
    )
}
