//! Links: what one ticket has to do with another.
//!
//! A link has two ends and is told from either: what blocks another is, seen from there, what that one is blocked by. It
//! moves nothing. What moves tickets together is a parent, a merger or a conversion.

use chrono::{DateTime, Utc};

use crate::{
    event::{Actor, Change},
    ids::TicketId,
    name::names,
    refusal::{Faults, Refused},
    ticket::{Action, Ticket},
};

/// The field that events name.
const FIELD: &str = "links";

/// A ticket with more links than this is told as one of them, with parts.
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
    pub from: TicketId,
    /// What that one has to do with the other.
    pub link_type: LinkType,
    /// The other.
    pub to: TicketId,
    /// Who made it.
    pub created_by: Actor,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl Link {
    fn new(
        from: TicketId,
        link_type: LinkType,
        to: TicketId,
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
    pub fn seen_from(&self, ticket: TicketId) -> Option<(LinkType, TicketId)> {
        if ticket == self.from {
            Some((self.link_type, self.to))
        } else if ticket == self.to {
            Some((self.link_type.from_the_other_end(), self.from))
        } else {
            None
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        (self.from, self.link_type, self.to) == (other.from, other.link_type, other.to)
    }
}

/// A link that was made or removed, and what that changed at both ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The link.
    pub link: Link,
    /// The changes of the ticket that it was told from.
    pub source: Vec<Change>,
    /// The changes of the other.
    pub target: Vec<Change>,
}

impl Ticket {
    /// Says what it has to do with another. `links` are those of both.
    pub fn link(
        &mut self,
        link_type: Option<LinkType>,
        target: Option<&mut Self>,
        links: &[Link],
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Linked, Refused> {
        self.demand(Action::Link)?;
        let (link_type, target) = self.told(link_type, target)?;
        let link = Link::new(self.id, link_type, target.id, by, now);
        let opposite = Link::new(target.id, link_type, self.id, by, now);
        let mut faults = Faults::new();
        if links.iter().any(|one| one.is_same(&link)) {
            let message = format!("{link_type} {} is told already", target.number);
            faults.wrong("/target", "repeated", message);
        } else if links.iter().any(|one| one.is_same(&opposite)) {
            let told = link_type.from_the_other_end();
            let message = format!("{told} {} is told already; unlink that first", target.number);
            faults.wrong("/link_type", "contradiction", message);
        }
        for end in [&*self, &*target] {
            let of_end = links.iter().filter(|one| one.seen_from(end.id).is_some());
            if of_end.count() >= MAX_LINKS {
                let message = format!("{} has {MAX_LINKS} links, which is the most", end.number);
                faults.wrong("/target", "too-many", message);
            }
        }
        faults.finish()?;
        let (source, target) = self.note_link(link_type, target, now, |told| Change {
            field: FIELD.to_owned(),
            before: None,
            after: Some(told),
        });
        Ok(Linked { link, source, target })
    }

    /// Takes back what it was said to have to do with another. `links` are those of both.
    pub fn unlink(
        &mut self,
        link_type: Option<LinkType>,
        target: Option<&mut Self>,
        links: &[Link],
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Linked, Refused> {
        self.demand(Action::Unlink)?;
        let (link_type, target) = self.told(link_type, target)?;
        let told = Link::new(self.id, link_type, target.id, by, now);
        let found = links.iter().find(|one| one.is_same(&told)).cloned();
        let mut faults = Faults::new();
        if found.is_none() {
            let message = format!("there is no link {link_type} {}", target.number);
            faults.wrong("/target", "unknown", message);
        }
        let link = faults.finish_with(found)?;
        let (source, target) = self.note_link(link_type, target, now, |told| Change {
            field: FIELD.to_owned(),
            before: Some(told),
            after: None,
        });
        Ok(Linked { link, source, target })
    }

    /// What is said about which other ticket.
    fn told<'a>(
        &self,
        link_type: Option<LinkType>,
        target: Option<&'a mut Self>,
    ) -> Result<(LinkType, &'a mut Self), Refused> {
        let mut faults = Faults::new();
        if link_type.is_none() {
            let types = LinkType::NAMES.join(", ");
            faults.missing("/link_type", format!("say what it has to do with the other: {types}"));
        }
        match &target {
            None => faults.missing("/target", "name the other ticket, by its id or number"),
            Some(target) if target.id == self.id => {
                faults.wrong("/target", "itself", "a ticket has no link to itself; name another");
            }
            Some(target) if target.org != self.org => {
                let message = "the ticket is another organization's; links stay within one";
                faults.wrong("/target", "other-organization", message);
            }
            Some(_) => {}
        }
        faults.finish_with(link_type.zip(target))
    }

    /// Both tickets have changed; each tells the link from its own end.
    fn note_link(
        &mut self,
        link_type: LinkType,
        target: &mut Self,
        now: DateTime<Utc>,
        change: impl Fn(String) -> Change,
    ) -> (Vec<Change>, Vec<Change>) {
        for end in [&mut *self, &mut *target] {
            let before = end.clone();
            end.settle(&before, None, now);
        }
        let of_source = change(format!("{link_type} {}", target.number));
        let of_target = change(format!("{} {}", link_type.from_the_other_end(), self.number));
        (vec![of_source], vec![of_target])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::ActorKind,
        fixture::{AGENT, STRANGER, hours, in_state, monday, opened, ticket_id, user},
        incident::AwaitingKind,
        ticket::{State, TicketKind},
    };

    fn two() -> (Ticket, Ticket) {
        let (mut one, mut other) = (opened(TicketKind::Incident), opened(TicketKind::Request));
        (one.id, one.number) = (ticket_id(1), "INC0000001".to_owned());
        (other.id, other.number) = (ticket_id(2), "REQ0000002".to_owned());
        (one, other)
    }

    fn linked(from: &mut Ticket, link_type: LinkType, to: &mut Ticket, links: &[Link]) -> Linked {
        from.link(Some(link_type), Some(to), links, &user(AGENT), monday() + hours(1)).unwrap()
    }

    fn fault(refused: Result<Linked, Refused>) -> (String, &'static str) {
        match refused {
            Err(Refused::Invalid(faults) | Refused::MissingFields(faults)) => {
                (faults[0].pointer.clone(), faults[0].code)
            }
            other => panic!("no fault of a field: {other:?}"),
        }
    }

    #[test]
    fn every_type_is_told_from_both_ends_and_kept_in_one_form() {
        for link_type in LinkType::ALL {
            let other_end = link_type.from_the_other_end();
            assert_eq!(other_end.from_the_other_end(), *link_type);
            let (mut one, mut other) = two();
            let told = linked(&mut one, *link_type, &mut other, &[]);
            let told_back = linked(&mut other, other_end, &mut one, &[]);
            assert_eq!(told.link, told_back.link);
            assert_eq!(told.link.seen_from(one.id), Some((*link_type, other.id)));
            assert_eq!(told.link.seen_from(other.id), Some((other_end, one.id)));
            assert_eq!(told.link.seen_from(ticket_id(3)), None);
            assert_eq!(told.source[0].after, Some(format!("{link_type} REQ0000002")));
            assert_eq!(told.target[0].after, Some(format!("{other_end} INC0000001")));
        }
    }

    #[test]
    fn a_link_is_told_once_and_never_both_ways_round() {
        let (mut one, mut other) = two();
        let blocks = linked(&mut one, LinkType::Blocks, &mut other, &[]).link;
        let links = std::slice::from_ref(&blocks);
        let by = user(AGENT);
        let now = monday();
        let told = |from: &mut Ticket, link_type, to: &mut Ticket| {
            fault(from.link(Some(link_type), Some(to), links, &by, now))
        };
        let repeated = ("/target".to_owned(), "repeated");
        let contradiction = ("/link_type".to_owned(), "contradiction");
        assert_eq!(told(&mut one, LinkType::Blocks, &mut other), repeated);
        assert_eq!(told(&mut other, LinkType::BlockedBy, &mut one), repeated);
        assert_eq!(told(&mut other, LinkType::Blocks, &mut one), contradiction);
        assert_eq!(told(&mut one, LinkType::BlockedBy, &mut other), contradiction);
        // Two tickets can have to do with each other in more than one way.
        linked(&mut one, LinkType::RelatedTo, &mut other, links);
    }

    #[test]
    fn a_link_is_taken_back_from_either_end() {
        let (mut one, mut other) = two();
        let causes = linked(&mut one, LinkType::Causes, &mut other, &[]).link;
        let links = [causes.clone()];
        let by = user(AGENT);
        let back = |from: &mut Ticket, link_type, to: &mut Ticket| {
            from.unlink(Some(link_type), Some(to), &links, &by, monday())
        };
        let unknown = ("/target".to_owned(), "unknown");
        assert_eq!(fault(back(&mut one, LinkType::CausedBy, &mut other)), unknown);
        assert_eq!(back(&mut one, LinkType::Causes, &mut other).unwrap().link, causes);
        let from_there = back(&mut other, LinkType::CausedBy, &mut one).unwrap();
        assert_eq!(from_there.link, causes);
        assert_eq!(from_there.source[0].before.as_deref(), Some("caused_by INC0000001"));
        assert_eq!(from_there.target[0].before.as_deref(), Some("causes REQ0000002"));
    }

    #[test]
    fn what_is_missing_or_leads_elsewhere_is_named() {
        let (mut one, mut other) = two();
        let by = user(AGENT);
        let Err(Refused::MissingFields(faults)) = one.link(None, None, &[], &by, monday()) else {
            panic!("nothing is missing")
        };
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/link_type", "/target"]);
        let related = Some(LinkType::RelatedTo);
        let mut itself = one.clone();
        let refused = fault(one.link(related, Some(&mut itself), &[], &by, monday()));
        assert_eq!(refused, ("/target".to_owned(), "itself"));
        other.org = STRANGER;
        let refused = fault(one.link(related, Some(&mut other), &[], &by, monday()));
        assert_eq!(refused, ("/target".to_owned(), "other-organization"));
    }

    #[test]
    fn neither_end_has_more_links_than_anybody_reads() {
        let (mut one, mut other) = two();
        let by = Actor { kind: ActorKind::System, person: None };
        let full = |of: &Ticket| -> Vec<Link> {
            let to = |number: usize| ticket_id(10 + u128::try_from(number).unwrap());
            (0..MAX_LINKS)
                .map(|n| Link::new(of.id, LinkType::Blocks, to(n), &by, monday()))
                .collect()
        };
        for links in [full(&one), full(&other)] {
            let related = Some(LinkType::RelatedTo);
            let refused = fault(one.link(related, Some(&mut other), &links, &by, monday()));
            assert_eq!(refused, ("/target".to_owned(), "too-many"));
            linked(&mut one, LinkType::RelatedTo, &mut other, &links[1..]);
        }
    }

    #[test]
    fn what_is_over_is_linked_too() {
        let (_, mut other) = two();
        let mut over = in_state(TicketKind::Incident, State::Closed, AwaitingKind::Caller);
        over.id = ticket_id(9);
        linked(&mut other, LinkType::RecurrenceOf, &mut over, &[]);
        linked(&mut over, LinkType::RelatedTo, &mut other, &[]);
    }
}
