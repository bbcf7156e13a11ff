//! Lists of what is past: by what few tickets have, and by what many have.

use std::cmp::Reverse;

use waypost_domain::{
    ids::{PersonId, ServiceId, TeamId},
    key::CategoryPath,
    organization::Organization,
    priority::Level,
    ticket::{CancelOutcome, State, Ticket, TicketKind},
};
use waypost_store::{
    Store, on_both_engines,
    ticket::{self, Assignee, TicketCursor, TicketFilter, TicketSort},
};

use crate::{
    fixture::{self, at, id, tree},
    tickets::{cancelled, stage},
};

on_both_engines! {
    what_is_past_is_found_by_what_few_have
    what_is_past_is_found_by_what_many_have
    a_tag_that_is_taken_away_is_not_found_and_a_new_one_is
}

/// Whether the filters of this file leave a ticket.
fn is_left(filter: &TicketFilter, ticket: &Ticket) -> bool {
    let is_below = |path: &CategoryPath| {
        ticket.category.as_ref().is_some_and(|category| {
            let (category, path) = (category.to_string(), path.to_string());
            category == path || category.starts_with(&format!("{path}/"))
        })
    };
    (filter.kinds.is_empty() || filter.kinds.contains(&ticket.kind()))
        && filter.active.is_none_or(|active| active == ticket.phase().is_active())
        && filter.team.is_none_or(|team| team == ticket.team)
        && (filter.teams.is_empty() || filter.teams.contains(&ticket.team))
        && filter.service.is_none_or(|service| Some(service) == ticket.service)
        && (filter.assignee != Some(Assignee::Nobody) || ticket.assignee.is_none())
        && (filter.priorities.is_empty()
            || filter.priorities.contains(&ticket.priority.effective().0.0))
        && filter.category.as_ref().is_none_or(is_below)
        && filter.tag.as_ref().is_none_or(|tag| ticket.tags.contains(tag))
}

/// Reads a list a page at a time, in each order, and counts it.
async fn check(store: &Store, org: &Organization, tickets: &[Ticket], filter: &TicketFilter) {
    let mut tx = store.read(org.id).await.unwrap();
    let left = || tickets.iter().filter(|ticket| is_left(filter, ticket));
    for sort in [TicketSort::Opened, TicketSort::Updated, TicketSort::Queue] {
        let mut expected: Vec<_> = left().collect();
        match sort {
            TicketSort::Opened => expected.sort_by_key(|it| Reverse((it.opened_at, it.id))),
            TicketSort::Updated => expected.sort_by_key(|it| Reverse((it.updated_at, it.id))),
            TicketSort::Queue => {
                expected.sort_by_key(|it| (it.priority.effective().0.0, it.opened_at, it.id));
            }
        }
        expected.truncate(60);
        let mut found = Vec::new();
        while found.len() < expected.len() {
            let after = found.last().map(|last| TicketCursor::of(last, sort));
            let page = ticket::list(&mut tx, filter, sort, after.as_ref(), 20).await.unwrap();
            assert!(!page.is_empty(), "{filter:?} in {sort:?}: {} found", found.len());
            found.extend(page);
        }
        let numbers = |tickets: Vec<&Ticket>| {
            tickets.iter().map(|ticket| ticket.number.clone()).collect::<Vec<_>>()
        };
        found.truncate(60);
        assert_eq!(numbers(found.iter().collect()), numbers(expected), "{filter:?} in {sort:?}");
    }
    let count = ticket::count(&mut tx, filter).await.unwrap();
    assert_eq!(usize::try_from(count).unwrap(), left().count(), "{filter:?}");
}

/// Each filter alone, with a kind, with what is past and with what is open.
fn widened(filters: Vec<TicketFilter>) -> Vec<TicketFilter> {
    let mut all = Vec::new();
    for filter in filters {
        for active in [None, Some(false), Some(true)] {
            all.push(TicketFilter { active, ..filter.clone() });
        }
        all.push(TicketFilter { kinds: vec![TicketKind::Request], ..filter.clone() });
    }
    all
}

async fn what_is_past_is_found_by_what_few_have(store: Store) {
    const CATEGORIES: [&str; 6] =
        ["access", "access/vpn", "access/vpn/token", "access-control", "access0", "network"];
    let org = tree(&store).await.client;
    let teams = [TeamId(id()), TeamId(id()), TeamId(id())];
    let services = [ServiceId(id()), ServiceId(id())];
    let mut tickets: Vec<Ticket> = (0..180)
        .map(|place: usize| {
            let kind =
                [TicketKind::Incident, TicketKind::Request][usize::from(place.is_multiple_of(5))];
            let minutes = i64::try_from(place * 37 % 61).unwrap();
            Ticket {
                team: teams[place % 3],
                service: services.get(place % 4).copied(),
                category: CATEGORIES.get(place % 8).map(|path| path.parse().unwrap()),
                assignee: (!place.is_multiple_of(3)).then(|| PersonId(id())),
                tags: place.is_multiple_of(9).then(|| "vpn".to_owned()).into_iter().collect(),
                priority: fixture::ticket(&org).priority,
                opened_at: at(minutes),
                updated_at: at(200 - minutes * 3 % 50),
                ..fixture::ticket_of(&org, kind)
            }
        })
        .collect();
    for (place, ticket) in tickets.iter_mut().enumerate() {
        ticket.priority.policy = Some(Level(u8::try_from(place % 5 + 1).unwrap()));
    }
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert_many(&mut tx, &tickets).await.unwrap();
    // They were open before they came to their end.
    for ticket in tickets.iter_mut().skip(30) {
        let of_state =
            [State::Resolved, State::Fulfilled][usize::from(ticket.kind() == TicketKind::Request)];
        ticket.stage = match ticket.opened_at.timestamp() / 60 % 3 {
            0 => cancelled(CancelOutcome::Withdrawn),
            1 => stage(ticket.kind(), of_state),
            _ => stage(ticket.kind(), State::Closed),
        };
        ticket::update(&mut tx, ticket).await.unwrap();
    }
    tx.commit().await.unwrap();

    let none = TicketFilter::default;
    let filters = vec![
        TicketFilter { team: Some(teams[0]), ..none() },
        TicketFilter { teams: vec![teams[0], teams[2], teams[0]], ..none() },
        TicketFilter { team: Some(teams[0]), teams: vec![teams[1], teams[0]], ..none() },
        TicketFilter { team: Some(teams[0]), teams: vec![teams[1]], ..none() },
        TicketFilter { service: Some(services[1]), ..none() },
        TicketFilter { service: Some(services[1]), team: Some(teams[1]), ..none() },
        TicketFilter { category: Some("access".parse().unwrap()), ..none() },
        TicketFilter { category: Some("access/vpn".parse().unwrap()), ..none() },
        TicketFilter { category: Some("nowhere".parse().unwrap()), ..none() },
        TicketFilter {
            category: Some("access".parse().unwrap()),
            service: Some(services[0]),
            ..none()
        },
        TicketFilter { assignee: Some(Assignee::Nobody), ..none() },
        TicketFilter { priorities: vec![1, 4, 1], ..none() },
        TicketFilter { priorities: vec![2], team: Some(teams[2]), ..none() },
        TicketFilter { tag: Some("vpn".to_owned()), ..none() },
        TicketFilter { tag: Some("vpn".to_owned()), team: Some(teams[0]), ..none() },
        TicketFilter { tag: Some("nobody".to_owned()), ..none() },
    ];
    for filter in widened(filters) {
        check(&store, &org, &tickets, &filter).await;
    }
}

/// What more tickets have than are sorted is looked for in the order of the list.
async fn what_is_past_is_found_by_what_many_have(store: Store) {
    let org = tree(&store).await.client;
    let (busy, quiet) = (TeamId(id()), TeamId(id()));
    let tickets: Vec<Ticket> = (0..2_100)
        .map(|place: usize| {
            let minutes = i64::try_from(place).unwrap();
            Ticket {
                team: if place % 1_000 == 7 { quiet } else { busy },
                category: Some(format!("access/of-{}", place % 70).parse().unwrap()),
                tags: ["common".to_owned()].into(),
                stage: cancelled(CancelOutcome::Withdrawn),
                opened_at: at(minutes),
                updated_at: at(9_000 - minutes),
                ..fixture::ticket(&org)
            }
        })
        .collect();
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert_many(&mut tx, &tickets).await.unwrap();
    tx.commit().await.unwrap();
    let none = TicketFilter::default;
    for filter in [
        TicketFilter { team: Some(busy), ..none() },
        TicketFilter { team: Some(quiet), ..none() },
        TicketFilter { priorities: vec![3], ..none() },
        TicketFilter { category: Some("access".parse().unwrap()), ..none() },
        TicketFilter { category: Some("access/of-5".parse().unwrap()), ..none() },
        TicketFilter { tag: Some("common".to_owned()), ..none() },
        TicketFilter { tag: Some("common".to_owned()), team: Some(quiet), ..none() },
    ] {
        check(&store, &org, &tickets, &filter).await;
    }
}

async fn a_tag_that_is_taken_away_is_not_found_and_a_new_one_is(store: Store) {
    let org = tree(&store).await.client;
    let mut ticket = fixture::ticket(&org);
    ticket.tags = ["old".to_owned(), "kept".to_owned()].into();
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert(&mut tx, &ticket).await.unwrap();
    ticket.tags = ["kept".to_owned(), "new".to_owned()].into();
    ticket::update(&mut tx, &mut ticket).await.unwrap();
    for (tag, count) in [("old", 0), ("kept", 1), ("new", 1)] {
        let filter = TicketFilter { tag: Some(tag.to_owned()), ..TicketFilter::default() };
        assert_eq!(ticket::count(&mut tx, &filter).await.unwrap(), count, "{tag}");
    }
}
