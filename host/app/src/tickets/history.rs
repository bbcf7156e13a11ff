//! What happened to a ticket and what was said about it, with the names of whom and what that
//! speaks of.

use std::collections::{BTreeMap, BTreeSet};

use waypost_domain::{
    event::Event,
    ids::{CatalogItemId, CommentId, PersonId, TicketId},
    permission,
    ticket::Action,
};
use waypost_store::{ReadTx, StoreError, catalog, comment, event, service, team, ticket};

use super::{Look, PersonName, TicketRef, read};
use crate::{
    Caller, CommandError, Desk,
    comments::CommentView,
    labels::{people_names, person_name},
};

/// The history of a ticket, as far as the caller may see it.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// What happened, the oldest first.
    pub events: Vec<Event>,
    /// What was said, the oldest first.
    pub comments: Vec<CommentView>,
    /// The names of the people that events speak of.
    pub people: BTreeMap<PersonId, String>,
    /// The numbers of the tickets that events speak of; none for who is not of the desk, which sees
    /// every ticket.
    tickets: BTreeMap<TicketId, String>,
    /// The names of the catalog items that events speak of.
    items: BTreeMap<CatalogItemId, String>,
    /// The names of teams by their keys; none for who is not of the desk, or where no event speaks
    /// of any. So are those of services.
    teams: BTreeMap<String, String>,
    services: BTreeMap<String, String>,
}

/// What the ids, or the keys, in a field are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ids {
    People,
    Tickets,
    Items,
    Teams,
    Services,
}

impl Ids {
    /// What a field of a ticket holds ids of; none of one that holds something else.
    fn of(field: &str) -> Option<Self> {
        Some(match field {
            "assignee"
            | "requester"
            | "opened_by"
            | "manager"
            | "communication_owner"
            | "risk_owner"
            | "watchers"
            | "evidence_from" => Self::People,
            "parent" | "problem" | "awaiting_problem" | "merged_into" | "converted_to"
            | "duplicate_of" | "follows" | "depends_on" => Self::Tickets,
            "catalog_item" => Self::Items,
            "team" => Self::Teams,
            "service" => Self::Services,
            _ => return None,
        })
    }
}

/// What parts the ids of a list in an event.
const BETWEEN: &str = ", ";

impl History {
    /// The value of a field that holds ids or keys, as people read it: tickets by their numbers,
    /// all else by its name; `person` says those of people. What has no name stays as it is. None
    /// of a field that holds something else.
    #[must_use]
    pub fn named(
        &self,
        field: &str,
        value: &str,
        person: impl Fn(&PersonName) -> String,
    ) -> Option<String> {
        let ids = Ids::of(field)?;
        let name = |id: &str| match ids {
            Ids::People => {
                let id = id.parse::<PersonId>().ok()?;
                Some(person(&person_name(&self.people, id)))
            }
            Ids::Tickets => self.tickets.get(&id.parse::<TicketId>().ok()?).cloned(),
            Ids::Items => self.items.get(&id.parse::<CatalogItemId>().ok()?).cloned(),
            Ids::Teams => self.teams.get(id).cloned(),
            Ids::Services => self.services.get(id).cloned(),
        };
        let names = value.split(BETWEEN).map(|id| name(id).unwrap_or_else(|| id.to_owned()));
        Some(names.collect::<Vec<_>>().join(BETWEEN))
    }
}

/// What events speak of.
#[derive(Debug, Default)]
struct SpokenOf {
    people: BTreeSet<PersonId>,
    tickets: BTreeSet<TicketId>,
    items: BTreeSet<CatalogItemId>,
    has_teams: bool,
    has_services: bool,
}

impl SpokenOf {
    /// What a ticket began with is left out: it stands on its page, or in a later change.
    fn by(events: &[Event]) -> Self {
        let mut spoken_of = Self::default();
        spoken_of.people.extend(events.iter().filter_map(|event| event.actor.person));
        let later = events.iter().filter(|event| event.action != Action::Create);
        for change in later.flat_map(|event| &event.changes) {
            let values = [&change.before, &change.after].into_iter().flatten();
            let ids = values.flat_map(|value| value.split(BETWEEN));
            match Ids::of(&change.field) {
                Some(Ids::People) => {
                    spoken_of.people.extend(ids.filter_map(|id| id.parse::<PersonId>().ok()));
                }
                Some(Ids::Tickets) => {
                    spoken_of.tickets.extend(ids.filter_map(|id| id.parse::<TicketId>().ok()));
                }
                Some(Ids::Items) => {
                    spoken_of.items.extend(ids.filter_map(|id| id.parse::<CatalogItemId>().ok()));
                }
                Some(Ids::Teams) => spoken_of.has_teams = true,
                Some(Ids::Services) => spoken_of.has_services = true,
                None if change.field.starts_with("approval/") => {
                    let parts = change.field.split('/').chain(change.after.as_deref());
                    spoken_of.people.extend(parts.filter_map(|id| id.parse::<PersonId>().ok()));
                }
                None => {}
            }
        }
        spoken_of
    }
}

impl Look<'_> {
    /// The history of the ticket.
    pub async fn history(&mut self) -> Result<History, CommandError> {
        let events = self.events().await?;
        let comments = self.comments().await?;
        let spoken_of = SpokenOf::by(&events);
        let tx = &mut self.tx;
        let people = people_names(tx, spoken_of.people).await?;
        let mut history = History { events, comments, people, ..History::default() };
        if !permission::sees_internals(self.caller.role) {
            return Ok(history);
        }
        history.tickets = numbers(tx, spoken_of.tickets).await?;
        history.items = item_names(tx, &spoken_of.items).await?;
        if spoken_of.has_teams {
            history.teams = team_names(tx).await?;
        }
        if spoken_of.has_services {
            let services = service::list(tx).await?.into_iter();
            history.services = services.map(|one| (one.key.to_string(), one.name)).collect();
        }
        Ok(history)
    }
}

async fn numbers(
    tx: &mut ReadTx,
    tickets: BTreeSet<TicketId>,
) -> Result<BTreeMap<TicketId, String>, StoreError> {
    let ids: Vec<TicketId> = tickets.into_iter().collect();
    let found = ticket::headings(tx, &ids).await?;
    Ok(found.into_iter().map(|(id, heading)| (id, heading.number)).collect())
}

/// The names of teams by their keys, also of those that work no more. A key that a team of the
/// organization and one of its provider both have tells neither.
async fn team_names(tx: &mut ReadTx) -> Result<BTreeMap<String, String>, StoreError> {
    let (mut names, mut twice) = (BTreeMap::new(), BTreeSet::new());
    for team in team::list(tx).await? {
        let key = team.key.to_string();
        if names.insert(key.clone(), team.name).is_some() {
            twice.insert(key);
        }
    }
    names.retain(|key, _| !twice.contains(key));
    Ok(names)
}

async fn item_names(
    tx: &mut ReadTx,
    items: &BTreeSet<CatalogItemId>,
) -> Result<BTreeMap<CatalogItemId, String>, StoreError> {
    if items.is_empty() {
        return Ok(BTreeMap::new());
    }
    let found = catalog::list(tx).await?.into_iter().filter(|item| items.contains(&item.id));
    Ok(found.map(|item| (item.id, item.name)).collect())
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
