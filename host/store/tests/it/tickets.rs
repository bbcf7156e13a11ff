//! Tickets: every state comes back with its facts, a number and a reference are given once.

use waypost_domain::{
    catalog::Money,
    ids::{CatalogItemId, CiId, OrderId, PersonId, ServiceId, TicketId},
    incident::{
        Awaiting, CancelOutcome, Cancellation, Hold, IncidentState, Leadership, Major, Resolution,
        ResolutionCode,
    },
    organization::Organization,
    priority::Level,
    request::{Fulfilment, FulfilmentCode, Request, RequestState},
    ticket::{Body, Channel, ExternalRef, Ticket},
};
use waypost_store::{Store, StoreError, on_both_engines, testing, ticket};

use crate::fixture::{self, Tree, at, by, by_policy, tree};

on_both_engines! {
    every_field_comes_back
    every_state_comes_back_with_its_facts
    every_major_state_comes_back_with_its_facts
    many_tickets_are_written_at_once
    a_stale_ticket_is_not_written
    taken_numbers_and_references_are_named
    a_batch_is_written_whole_or_not_at_all
    known_references_are_found
    tickets_of_organizations_are_apart
    unreadable_tickets_are_reported
    a_state_without_its_facts_is_refused_by_the_table
    a_text_that_no_database_keeps_is_no_failure_of_the_database
}

/// A ticket with every field set.
fn full(org: &Organization) -> Ticket {
    let mut ticket = fixture::ticket(org);
    ticket.short_description = "Ünïcode — “quoted” %_\\ 😀".into();
    ticket.channel = Channel::InPerson;
    ticket.tags = ["vpn".to_owned(), "büro".to_owned()].into();
    ticket.opened_by = Some(PersonId(fixture::id()));
    ticket.category = Some("access/password".parse().unwrap());
    ticket.service = Some(ServiceId(fixture::id()));
    ticket.ci = Some(CiId(fixture::id()));
    ticket.impact = Some(Level(1));
    ticket.urgency = Some(Level(2));
    ticket.priority.policy = Some(Level(2));
    ticket.priority.manual = Some((Level(1), "the boss is here".to_owned()));
    ticket.assignee = Some(PersonId(fixture::id()));
    ticket.reassignment_count = 2;
    ticket.watchers = [PersonId(fixture::id()), PersonId(fixture::id())].into();
    ticket.parent = Some(TicketId(fixture::id()));
    ticket.sync_with_parent = false;
    ticket.affected_users = 1_000_000;
    ticket.follows = Some(TicketId(fixture::id()));
    ticket.external_ref =
        Some(ExternalRef { source: "tickets.csv".to_owned(), id: "42".to_owned() });
    ticket.escalation_level = 2;
    ticket.acknowledged_at = Some(at(2));
    ticket.first_response_at = Some(at(3));
    ticket.eta = Some(at(4));
    ticket.triaged_at = Some(at(5));
    ticket.reopen_count = 1;
    ticket.last_reopened_at = Some(at(6));
    ticket.degraded = Some("route".to_owned());
    ticket
}

pub(crate) fn cancelled() -> Body {
    Body::Incident(IncidentState::Cancelled(cancellation(CancelOutcome::Withdrawn)))
}

fn cancellation(outcome: CancelOutcome) -> Cancellation {
    Cancellation { outcome, reason: "sent twice".to_owned(), at: at(9), by: by_policy() }
}

pub(crate) fn resolution() -> Resolution {
    Resolution {
        code: ResolutionCode::WorkaroundApplied,
        notes: "a bucket of water".to_owned(),
        at: at(7),
        by: by(PersonId(fixture::id())),
    }
}

fn hold(awaiting: Awaiting) -> Hold {
    Hold { awaiting, since: at(6), follow_up_at: Some(at(60)) }
}

fn incident_states() -> Vec<IncidentState> {
    vec![
        IncidentState::New,
        IncidentState::InProgress,
        IncidentState::OnHold(hold(Awaiting::Caller)),
        IncidentState::OnHold(hold(Awaiting::Vendor("Initech".to_owned()))),
        IncidentState::OnHold(hold(Awaiting::Evidence(PersonId(fixture::id())))),
        IncidentState::Resolved(resolution()),
        IncidentState::Closed { resolution: resolution(), at: at(8), by: by_policy() },
        IncidentState::Cancelled(cancellation(CancelOutcome::Withdrawn)),
        IncidentState::Cancelled(cancellation(CancelOutcome::MergedInto(TicketId(fixture::id())))),
        IncidentState::Cancelled(cancellation(CancelOutcome::ConvertedTo(TicketId(fixture::id())))),
    ]
}

fn request_states() -> Vec<RequestState> {
    let fulfilment = || Fulfilment {
        code: FulfilmentCode::Substituted,
        notes: "another model".to_owned(),
        at: at(7),
        by: by_policy(),
    };
    vec![
        RequestState::New,
        RequestState::AwaitingApproval,
        RequestState::InFulfilment,
        RequestState::OnHold(hold(Awaiting::Vendor("Initech".to_owned()))),
        RequestState::Fulfilled(fulfilment()),
        RequestState::Rejected { reason: "too dear".to_owned(), at: at(8) },
        RequestState::Closed {
            fulfilment: fulfilment(),
            at: at(8),
            by: by(PersonId(fixture::id())),
        },
        RequestState::Cancelled(cancellation(CancelOutcome::Withdrawn)),
    ]
}

fn request(state: RequestState) -> Body {
    Body::Request(Request {
        item: Some(CatalogItemId(fixture::id())),
        answers: vec![
            ("why".parse().unwrap(), "the old one burnt".to_owned()),
            ("a-size".parse().unwrap(), "15".to_owned()),
        ],
        cost: Some(Money { minor_units: 129_900, currency: "EUR".to_owned() }),
        quantity: 3,
        order: Some(OrderId(fixture::id())),
        expected_at: Some(at(99)),
        state,
    })
}

async fn every_field_comes_back(store: Store) {
    let org = tree(&store).await.client;
    let ticket = full(&org);
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert(&mut tx, &ticket).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.read(org.id).await.unwrap();
    assert_eq!(ticket::find(&mut tx, ticket.id).await.unwrap(), Some(ticket.clone()));
    let found = ticket::find_by_number(&mut tx, &ticket.number).await.unwrap();
    assert_eq!(found, Some(ticket.clone()));
    let from = ticket.external_ref.clone().unwrap();
    assert_eq!(ticket::find_by_external_ref(&mut tx, &from).await.unwrap(), Some(ticket));
}

async fn every_state_comes_back_with_its_facts(store: Store) {
    let org = tree(&store).await.client;
    let mut ticket = fixture::ticket(&org);
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert(&mut tx, &ticket).await.unwrap();
    let bodies = incident_states().into_iter().map(Body::Incident);
    for body in bodies.chain(request_states().into_iter().map(request)) {
        ticket.body = body;
        ticket::update(&mut tx, &mut ticket).await.unwrap();
        assert_eq!(ticket::find(&mut tx, ticket.id).await.unwrap(), Some(ticket.clone()));
    }
}

async fn every_major_state_comes_back_with_its_facts(store: Store) {
    let org = tree(&store).await.client;
    let mut ticket = fixture::ticket(&org);
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert(&mut tx, &ticket).await.unwrap();
    let led_by = Leadership {
        manager: PersonId(fixture::id()),
        communication_owner: PersonId(fixture::id()),
    };
    let promised = |update_missed| Major::Accepted { led_by, next_update_at: at(7), update_missed };
    for major in [
        Major::Proposed,
        promised(false),
        promised(true),
        Major::Review { led_by },
        Major::Done { led_by, review_note: "two power supplies".to_owned() },
        Major::Rejected,
        Major::None,
    ] {
        ticket.major = major;
        ticket::update(&mut tx, &mut ticket).await.unwrap();
        assert_eq!(ticket::find(&mut tx, ticket.id).await.unwrap(), Some(ticket.clone()));
    }
}

async fn many_tickets_are_written_at_once(store: Store) {
    let org = tree(&store).await.client;
    // Every size of batch, and a rest of each.
    let tickets: Vec<_> = (0..64 + 16 + 4 + 3).map(|_| fixture::ticket(&org)).collect();
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert_many(&mut tx, &[]).await.unwrap();
    ticket::insert_many(&mut tx, &tickets).await.unwrap();
    for ticket in &tickets {
        assert_eq!(ticket::find(&mut tx, ticket.id).await.unwrap().as_ref(), Some(ticket));
    }
}

async fn a_stale_ticket_is_not_written(store: Store) {
    let org = tree(&store).await.client;
    let mut ticket = fixture::stored_ticket(&store, &org).await;
    let mut late = ticket.clone();
    let mut tx = store.write(org.id).await.unwrap();
    ticket.short_description = "Printer smokes".into();
    ticket::update(&mut tx, &mut ticket).await.unwrap();
    assert_eq!(ticket.version, 2);
    let refused = ticket::update(&mut tx, &mut late).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    assert_eq!(late.version, 1);
    assert_eq!(ticket::find(&mut tx, ticket.id).await.unwrap(), Some(ticket));
}

async fn taken_numbers_and_references_are_named(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let first = full(&client);
    let mut tx = store.write(client.id).await.unwrap();
    ticket::insert(&mut tx, &first).await.unwrap();
    tx.commit().await.unwrap();

    let mut same_number = fixture::ticket(&client);
    same_number.number.clone_from(&first.number);
    let mut tx = store.write(client.id).await.unwrap();
    let refused = ticket::insert(&mut tx, &same_number).await;
    assert!(matches!(refused, Err(StoreError::Taken("number"))), "{refused:?}");
    drop(tx);

    let mut same_reference = fixture::ticket(&client);
    same_reference.external_ref.clone_from(&first.external_ref);
    let mut tx = store.write(client.id).await.unwrap();
    let refused = ticket::insert(&mut tx, &same_reference).await;
    assert!(matches!(refused, Err(StoreError::Taken("external reference"))), "{refused:?}");
    drop(tx);

    // In another organization both are free.
    let mut elsewhere = full(&other);
    elsewhere.number = first.number;
    let mut tx = store.write(other.id).await.unwrap();
    ticket::insert(&mut tx, &elsewhere).await.unwrap();
}

async fn a_batch_is_written_whole_or_not_at_all(store: Store) {
    let org = tree(&store).await.client;
    let mut tickets: Vec<_> = (0..20).map(|_| fixture::ticket(&org)).collect();
    let taken = tickets[0].number.clone();
    tickets[19].number = taken;
    let mut tx = store.write(org.id).await.unwrap();
    let refused = ticket::insert_many(&mut tx, &tickets).await;
    assert!(matches!(refused, Err(StoreError::Taken("number"))), "{refused:?}");
    drop(tx);
    let mut tx = store.read(org.id).await.unwrap();
    assert_eq!(ticket::find(&mut tx, tickets[0].id).await.unwrap(), None);
}

async fn known_references_are_found(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let ticket = full(&client);
    let mut tx = store.write(client.id).await.unwrap();
    ticket::insert(&mut tx, &ticket).await.unwrap();
    tx.commit().await.unwrap();
    let asked: Vec<_> = (0..2_500).map(|n| n.to_string()).collect();

    let mut tx = store.read(client.id).await.unwrap();
    let known = ticket::known_external_ids(&mut tx, "tickets.csv", &asked).await.unwrap();
    assert_eq!(known, [("42".to_owned(), ticket.id)]);
    assert_eq!(ticket::known_external_ids(&mut tx, "other.csv", &asked).await.unwrap(), []);
    assert_eq!(ticket::known_external_ids(&mut tx, "tickets.csv", &[]).await.unwrap(), []);
    drop(tx);
    let mut tx = store.read(other.id).await.unwrap();
    assert_eq!(ticket::known_external_ids(&mut tx, "tickets.csv", &asked).await.unwrap(), []);
}

async fn tickets_of_organizations_are_apart(store: Store) {
    let Tree { client, other, provider, .. } = tree(&store).await;
    let ticket = full(&client);
    let mut tx = store.write(client.id).await.unwrap();
    ticket::insert(&mut tx, &ticket).await.unwrap();
    tx.commit().await.unwrap();

    for elsewhere in [&other, &provider] {
        let mut tx = store.write(elsewhere.id).await.unwrap();
        assert_eq!(ticket::find(&mut tx, ticket.id).await.unwrap(), None);
        assert_eq!(ticket::find_by_number(&mut tx, &ticket.number).await.unwrap(), None);
        let from = ticket.external_ref.clone().unwrap();
        assert_eq!(ticket::find_by_external_ref(&mut tx, &from).await.unwrap(), None);
        let refused = ticket::insert(&mut tx, &ticket).await;
        assert!(matches!(refused, Err(StoreError::WrongOrganization)), "{refused:?}");
        let refused = ticket::update(&mut tx, &mut ticket.clone()).await;
        assert!(matches!(refused, Err(StoreError::WrongOrganization)), "{refused:?}");
        let mut disguised = ticket.clone();
        disguised.org = elsewhere.id;
        let refused = ticket::update(&mut tx, &mut disguised).await;
        assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    }
    let mut tx = store.read(client.id).await.unwrap();
    assert_eq!(ticket::find(&mut tx, ticket.id).await.unwrap(), Some(ticket));
}

async fn unreadable_tickets_are_reported(store: Store) {
    let org = tree(&store).await.client;
    for (damage, column) in [
        ("update tickets set outcome_code = 'magic'", "outcome_code"),
        ("update tickets set channel = 'fax'", "channel"),
        ("update tickets set impact = 4000", "impact"),
        ("update tickets set category = 'Not a path'", "category"),
    ] {
        let mut ticket = fixture::ticket(&org);
        ticket.body = Body::Incident(IncidentState::Resolved(resolution()));
        let mut tx = store.write(org.id).await.unwrap();
        ticket::insert(&mut tx, &ticket).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = store.system().await.unwrap();
        testing::execute(&mut tx, damage).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = store.read(org.id).await.unwrap();
        match ticket::find(&mut tx, ticket.id).await {
            Err(StoreError::Corrupt { table: "tickets", column: reported }) => {
                assert_eq!(reported, column, "{damage}");
            }
            other => panic!("{damage}: {other:?}"),
        }
    }
}

async fn a_state_without_its_facts_is_refused_by_the_table(store: Store) {
    let org = tree(&store).await.client;
    fixture::stored_ticket(&store, &org).await;
    for impossible in [
        "update tickets set state = 'resolved', active = (1 = 0)",
        "update tickets set state = 'on_hold'",
        "update tickets set state = 'closed', active = (1 = 0)",
        "update tickets set state = 'cancelled', active = (1 = 0)",
        "update tickets set state = 'awaiting_approval'",
        "update tickets set active = (1 = 0)",
        "update tickets set hold_awaiting = 'godot'",
        "update tickets set priority_manual = 1",
        "update tickets set external_id = 'x'",
        "update tickets set major_state = 'accepted'",
        "update tickets set major_state = 'huge'",
        "update tickets set major_review_note = 'x'",
        "update tickets set kind = 'request', answers = '[]', major_state = 'proposed'",
    ] {
        let mut tx = store.system().await.unwrap();
        let refused = testing::execute(&mut tx, impossible).await;
        assert!(matches!(refused, Err(StoreError::Database(_))), "{impossible}: {refused:?}");
    }
}

/// SQLite looks for it and finds nothing; PostgreSQL refuses to take it, in a text as in JSON.
async fn a_text_that_no_database_keeps_is_no_failure_of_the_database(store: Store) {
    let Tree { other, .. } = tree(&store).await;
    let mut tx = store.read(other.id).await.unwrap();
    let found = ticket::find_by_number(&mut tx, "INC\0").await;
    assert!(matches!(found, Ok(None) | Err(StoreError::NotText)), "{found:?}");
    drop(tx);

    let mut ticket = fixture::ticket(&other);
    ticket.tags = ["a\0b".to_owned()].into();
    let mut tx = store.write(other.id).await.unwrap();
    let written = ticket::insert_many(&mut tx, &[ticket]).await;
    assert!(matches!(written, Ok(()) | Err(StoreError::NotText)), "{written:?}");
}
