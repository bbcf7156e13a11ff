//! Links: what one record has to do with another.
//!
//! A link has two ends and is told from either: what blocks another is, seen from there, what that
//! one is blocked by. It moves nothing. What moves tickets together is a parent, a merger or a
//! conversion; and of a ticket that ended for another, the links are told of that one.

use chrono::{DateTime, Utc};

use crate::{
    event::{Actor, FieldChange},
    ids::TicketId,
    name::names,
    refusal::Refused,
    said,
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
    fn new(from: Subject, link_type: LinkType, to: Subject, by: &Actor, at: DateTime<Utc>) -> Self {
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

/// A link of a ticket that ended, and what becomes of it where another goes on instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retold {
    /// The link, which is removed.
    pub was: Link,
    /// The same, told of the ticket that goes on. None where that says nothing, or is said already.
    pub is: Option<Link>,
}

/// What becomes of the links of a ticket that ended, where another goes on instead of it. `links`
/// are those that have either at an end. Who said it, and when, stays.
pub fn retold(links: &[Link], ended: &Ticket, goes_on: &Ticket) -> Result<Vec<Retold>, Refused> {
    let of = |id: TicketId| move |link: &&Link| link.seen_from(id).is_some();
    let mut known: Vec<Link> = links.iter().filter(of(goes_on.id)).cloned().collect();
    let mut retold = Vec::new();
    for was in links.iter().filter(of(ended.id)) {
        let Some((link_type, other)) = was.seen_from(ended.id) else { continue };
        let told = |from, to| Link::new(from, link_type, to, &was.created_by, was.created_at);
        let (is, opposite) = (told(goes_on.id.into(), other), told(other, goes_on.id.into()));
        let says_nothing = other == goes_on.id.into()
            || known.iter().any(|one| one.is_same(&is) || one.is_same(&opposite));
        if !says_nothing {
            known.push(is.clone());
        }
        retold.push(Retold { was: was.clone(), is: (!says_nothing).then_some(is) });
    }
    known.retain(|link| link.seen_from(ended.id).is_none());
    if known.len() > MAX_LINKS && retold.iter().any(|one| one.is.is_some()) {
        return Err(Refused::guard(said!(
            "{number} would have more than {most} links; remove some of either ticket first.",
            number = goes_on.number,
            most = MAX_LINKS
        )));
    }
    Ok(retold)
}

/// What an event says of a link that was made, at one end of it.
#[must_use]
pub fn made_with(link_type: LinkType, other: &Ticket) -> FieldChange {
    let told = format!("{link_type} {}", other.number);
    FieldChange { field: FIELD.to_owned(), before: None, after: Some(told) }
}

/// What an event says of a link that was removed, at one end of it.
#[must_use]
pub fn removed_from(link_type: LinkType, other: &Ticket) -> FieldChange {
    let told = format!("{link_type} {}", other.number);
    FieldChange { field: FIELD.to_owned(), before: Some(told), after: None }
}

/// Says what a ticket has to do with another.
pub(crate) fn link(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let Some((link_type, target)) = told(ticket, turn)? else { return Ok(()) };
    let link = Link::new(ticket.id.into(), link_type, target.id.into(), turn.by, turn.now);
    let opposite = Link::new(target.id.into(), link_type, ticket.id.into(), turn.by, turn.now);
    let links = &turn.beside.links;
    if links.iter().any(|one| one.is_same(&link)) {
        let message = said!(
            "The link `{link_type}` to {number} already exists.",
            link_type,
            number = target.number
        );
        turn.faults.wrong("/target", "repeated", message);
    } else if links.iter().any(|one| one.is_same(&opposite)) {
        let told = link_type.from_the_other_end();
        let message = said!(
            "The link `{told}` to {number} already exists; remove it first.",
            told,
            number = target.number
        );
        turn.faults.wrong("/link_type", "contradiction", message);
    }
    for end in [&*ticket, &target] {
        if links.iter().filter(|one| one.seen_from(end.id).is_some()).count() >= MAX_LINKS {
            let message = said!(
                "{number} has {most} links, the maximum.",
                number = end.number,
                most = MAX_LINKS
            );
            turn.faults.wrong("/target", "too-many", message);
        }
    }
    turn.fields_are_right()?;
    note(ticket, &target, link_type, turn, made_with);
    turn.left.link = Some(LinkChange::Made(link));
    Ok(())
}

/// Removes a link between a ticket and another.
pub(crate) fn unlink(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let Some((link_type, target)) = told(ticket, turn)? else { return Ok(()) };
    let link = Link::new(ticket.id.into(), link_type, target.id.into(), turn.by, turn.now);
    let found = turn.beside.links.iter().find(|one| one.is_same(&link)).cloned();
    if found.is_none() {
        let message =
            said!("There is no link `{link_type}` to {number}.", link_type, number = target.number);
        turn.faults.wrong("/target", "unknown", message);
    }
    turn.fields_are_right()?;
    note(ticket, &target, link_type, turn, removed_from);
    turn.left.link = found.map(LinkChange::Removed);
    Ok(())
}

/// What is said about which other ticket.
fn told(ticket: &Ticket, turn: &mut Turn<'_>) -> Result<Option<(LinkType, Ticket)>, Refused> {
    let target = turn.beside.target.clone();
    if let Some(target) = &target {
        if target.id == ticket.id {
            let message = said!("A ticket cannot be linked to itself; name another one.");
            turn.faults.wrong("/target", "itself", message);
        } else if target.org != ticket.org {
            let message = said!(
                "The ticket belongs to another organization; name one of the same organization."
            );
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
    change: fn(LinkType, &Ticket) -> FieldChange,
) {
    turn.left.changes.push(change(link_type, target));
    turn.left.target_changes.push(change(link_type.from_the_other_end(), ticket));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::ActorKind,
        fixture::{
            STRANGER, Scene, act, fault, hours, in_state, link, made, monday, nothing, opened,
            pointers, ticket_id,
        },
        ticket::{Action, AwaitingKind, Done, State, TicketKind},
    };

    fn two() -> (Ticket, Ticket) {
        let (mut one, mut other) = (opened(TicketKind::Incident), opened(TicketKind::Request));
        (one.id, one.number) = (ticket_id(1), "INC0000001".to_owned());
        (other.id, other.number) = (ticket_id(2), "REQ0000002".to_owned());
        (one, other)
    }

    fn asked(
        action: Action,
        from: &mut Ticket,
        link_type: LinkType,
        to: &Ticket,
        links: &[Link],
    ) -> Result<Done, Refused> {
        let mut scene = Scene::at(1).beside(to.clone());
        scene.beside.links = links.to_vec();
        scene.act(from, action, link(link_type.as_str()))
    }

    fn linked(from: &mut Ticket, link_type: LinkType, to: &Ticket, links: &[Link]) -> Done {
        asked(Action::Link, from, link_type, to, links).unwrap()
    }

    fn link_of(done: Done) -> Link {
        made(done.left.link.unwrap())
    }

    #[test]
    fn every_type_is_told_from_both_ends_and_kept_in_one_form() {
        for link_type in LinkType::ALL {
            let other_end = link_type.from_the_other_end();
            assert_eq!(other_end.from_the_other_end(), *link_type);
            let (mut one, mut other) = two();
            let told = linked(&mut one, *link_type, &other, &[]);
            let told_back = link_of(linked(&mut other, other_end, &one, &[]));
            assert_eq!(told.changes[0].after, Some(format!("{link_type} REQ0000002")));
            assert_eq!(told.left.target_changes[0].after, Some(format!("{other_end} INC0000001")));
            let link = link_of(told);
            assert_eq!(link, told_back);
            assert_eq!(link.seen_from(one.id), Some((*link_type, other.id.into())));
            assert_eq!(link.seen_from(other.id), Some((other_end, one.id.into())));
            assert_eq!(link.seen_from(ticket_id(3)), None);
        }
    }

    #[test]
    fn a_link_is_told_once_and_never_both_ways_round() {
        let (mut one, mut other) = two();
        let blocks = link_of(linked(&mut one, LinkType::Blocks, &other, &[]));
        let links = std::slice::from_ref(&blocks);
        let told = |from: &mut Ticket, link_type, to: &Ticket| {
            fault(asked(Action::Link, from, link_type, to, links))
        };
        let repeated = ("/target".to_owned(), "repeated");
        let contradiction = ("/link_type".to_owned(), "contradiction");
        assert_eq!(told(&mut one, LinkType::Blocks, &other), repeated);
        assert_eq!(told(&mut other, LinkType::BlockedBy, &one), repeated);
        assert_eq!(told(&mut other, LinkType::Blocks, &one), contradiction);
        assert_eq!(told(&mut one, LinkType::BlockedBy, &other), contradiction);
        // Two tickets can have to do with each other in more than one way.
        linked(&mut one, LinkType::RelatedTo, &other, links);
    }

    #[test]
    fn a_link_is_taken_back_from_either_end() {
        let (mut one, mut other) = two();
        let causes = link_of(linked(&mut one, LinkType::Causes, &other, &[]));
        let links = [causes.clone()];
        let back = |from: &mut Ticket, link_type, to: &Ticket| {
            asked(Action::Unlink, from, link_type, to, &links)
        };
        let unknown = ("/target".to_owned(), "unknown");
        assert_eq!(fault(back(&mut one, LinkType::CausedBy, &other)), unknown);
        assert_eq!(link_of(back(&mut one, LinkType::Causes, &other).unwrap()), causes);
        let from_there = back(&mut other, LinkType::CausedBy, &one).unwrap();
        assert_eq!(from_there.changes[0].before.as_deref(), Some("caused_by INC0000001"));
        let target = &from_there.left.target_changes[0];
        assert_eq!(target.before.as_deref(), Some("causes REQ0000002"));
        assert_eq!(from_there.left.link, Some(LinkChange::Removed(causes)));
    }

    #[test]
    fn what_is_missing_or_leads_elsewhere_is_named() {
        let (mut one, mut other) = two();
        let refused = act(&mut one, Action::Link, nothing()).unwrap_err();
        assert!(matches!(refused, Refused::MissingFields(_)));
        assert_eq!(pointers(&refused), ["/link_type", "/target"]);
        let itself = one.clone();
        let refused = fault(asked(Action::Link, &mut one, LinkType::RelatedTo, &itself, &[]));
        assert_eq!(refused, ("/target".to_owned(), "itself"));
        other.org = STRANGER;
        let refused = fault(asked(Action::Link, &mut one, LinkType::RelatedTo, &other, &[]));
        assert_eq!(refused, ("/target".to_owned(), "other-organization"));
    }

    #[test]
    fn neither_end_has_more_links_than_anybody_reads() {
        let (mut one, other) = two();
        let by = Actor { kind: ActorKind::System, person: None };
        let full = |of: &Ticket| -> Vec<Link> {
            let to = |number: usize| ticket_id(10 + u128::try_from(number).unwrap()).into();
            (0..MAX_LINKS)
                .map(|n| Link::new(of.id.into(), LinkType::Blocks, to(n), &by, monday()))
                .collect()
        };
        for links in [full(&one), full(&other)] {
            let refused = fault(asked(Action::Link, &mut one, LinkType::RelatedTo, &other, &links));
            assert_eq!(refused, ("/target".to_owned(), "too-many"));
            linked(&mut one, LinkType::RelatedTo, &other, &links[1..]);
        }
    }

    #[test]
    fn the_links_of_what_ended_are_told_of_what_goes_on() {
        let by = Actor { kind: ActorKind::System, person: None };
        let (ended, goes_on) = two();
        let other = |number: u128| Subject::from(ticket_id(number));
        let link = |from: Subject, link_type, to: Subject| {
            Link::new(from, link_type, to, &by, monday() + hours(3))
        };
        let (old, new) = (Subject::from(ended.id), Subject::from(goes_on.id));
        for link_type in LinkType::ALL {
            let was = link(old, *link_type, other(5));
            let told = retold(std::slice::from_ref(&was), &ended, &goes_on).unwrap();
            assert_eq!(told, [Retold { was, is: Some(link(new, *link_type, other(5))) }]);
        }
        // What is said already, said the other way round, or said of the two, is not said again.
        let links = [
            link(old, LinkType::Blocks, other(5)),
            link(new, LinkType::Blocks, other(5)),
            link(old, LinkType::Causes, other(6)),
            link(new, LinkType::CausedBy, other(6)),
            link(old, LinkType::RelatedTo, new),
            link(other(7), LinkType::Blocks, old),
        ];
        let told = retold(&links, &ended, &goes_on).unwrap();
        let is: Vec<_> = told.iter().map(|one| one.is.clone()).collect();
        assert_eq!(is, [None, None, None, Some(link(other(7), LinkType::Blocks, new))]);
        assert_eq!(retold(&links[1..2], &ended, &goes_on), Ok(Vec::new()));
    }

    #[test]
    fn what_goes_on_has_no_more_links_than_anybody_reads() {
        let by = Actor { kind: ActorKind::System, person: None };
        let (ended, goes_on) = two();
        let link = |from: &Ticket, number: usize| {
            let to = ticket_id(10 + u128::try_from(number).unwrap()).into();
            Link::new(from.id.into(), LinkType::Blocks, to, &by, monday())
        };
        let mut links: Vec<_> = (0..MAX_LINKS).map(|number| link(&goes_on, number)).collect();
        links.push(link(&ended, 0));
        assert_eq!(retold(&links, &ended, &goes_on).unwrap().len(), 1);
        links.push(link(&ended, MAX_LINKS));
        assert!(matches!(retold(&links, &ended, &goes_on), Err(Refused::Guard { .. })));
        assert_eq!(retold(&links[2..], &ended, &goes_on).unwrap().len(), 2);
    }

    #[test]
    fn every_kind_is_linked_and_what_is_over_too() {
        let (_, mut other) = two();
        let mut over = in_state(TicketKind::Incident, State::Closed, AwaitingKind::Caller);
        over.id = ticket_id(9);
        linked(&mut other, LinkType::RecurrenceOf, &over, &[]);
        linked(&mut over, LinkType::RelatedTo, &other, &[]);
        for kind in TicketKind::ALL {
            let mut one = opened(*kind);
            linked(&mut one, LinkType::CausedBy, &other, &[]);
            assert_eq!(one.updated_at, monday() + hours(1));
        }
    }
}
