//! Tickets: every state comes back with its facts, a number and a reference are given once.

use waypost_domain::{
    catalog::Money,
    fields::{FieldValue, Fields, Number},
    ids::{CatalogItemId, CiId, OrderId, PersonId, ServiceId, TicketId},
    incident::{Leadership, Major},
    organization::Organization,
    priority::Level,
    ticket::{
        Awaiting, CancelOutcome, Cancellation, Channel, Closing, Code, Details, ExternalRef, Hold,
        Outcome, Phase, Rejection, Stage, State, Ticket, TicketKind,
    },
};
use waypost_store::{Store, StoreError, on_both_engines, testing, ticket};

use crate::fixture::{self, Tree, at, by, by_policy, ticket_of, tree};

on_both_engines! {
    every_field_comes_back
    every_state_comes_back_with_its_facts
    every_hold_and_every_end_comes_back
    what_only_one_kind_has_comes_back
    what_is_as_at_the_start_has_no_row_beside_it
    a_row_beside_a_ticket_is_there_once_something_differs
    tickets_are_read_together
    relatives_are_found_by_what_they_name
    every_major_state_comes_back_with_its_facts
    many_tickets_are_written_at_once
    a_stale_ticket_is_not_written
    taken_numbers_and_references_are_named
    a_batch_is_written_whole_or_not_at_all
    known_references_are_found_with_their_tickets
    tickets_of_organizations_are_apart
    unreadable_tickets_are_reported
    a_phase_without_its_facts_is_refused_by_the_table
    a_state_that_its_kind_does_not_have_is_refused_by_the_table
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
    let field = |name: &str, value| (name.parse().unwrap(), value);
    ticket.fields = Fields::kept(
        [
            field("vendor-ticket", FieldValue::Text("ünï".to_owned())),
            field("floor", FieldValue::Number(Number::new(-3.0).unwrap())),
            field("badge", FieldValue::Flag(false)),
            field("rooms", FieldValue::Texts(vec!["3.14".to_owned()])),
        ]
        .into(),
    );
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
    ticket.policy_failures = Some("route".to_owned());
    ticket
}

pub(crate) fn cancelled(outcome: CancelOutcome) -> Stage {
    let reason = "sent twice".to_owned();
    Stage::Cancelled(Cancellation { outcome, reason, at: at(9), by: by_policy() })
}

pub(crate) fn outcome(code: Option<Code>) -> Outcome {
    let notes = "a bucket of water".to_owned();
    Outcome { code, notes, at: at(7), by: by(PersonId(fixture::id())) }
}

pub(crate) fn hold(awaiting: Awaiting) -> Stage {
    Stage::OnHold(Hold { awaiting, since: at(6), follow_up_at: Some(at(60)) })
}

/// A stage in this state, with facts of its phase.
pub(crate) fn stage(kind: TicketKind, state: State) -> Stage {
    let code = kind.rules().codes.first().copied();
    match kind.rules().phase(state).unwrap() {
        Phase::Open => Stage::Open(state),
        Phase::OnHold => hold(Awaiting::Caller),
        Phase::Done => Stage::Done(state, outcome(code)),
        Phase::Rejected => Stage::Rejected(Rejection { reason: "too dear".to_owned(), at: at(8) }),
        Phase::Closed => {
            Stage::Closed(state, outcome(code), Closing { at: at(8), by: by_policy() })
        }
        Phase::Cancelled => cancelled(CancelOutcome::Withdrawn),
    }
}

/// A ticket of each kind that has something which only this kind has.
pub(crate) fn one_of_every_kind(org: &Organization) -> Vec<Ticket> {
    TicketKind::ALL
        .iter()
        .map(|kind| {
            let mut ticket = ticket_of(org, *kind);
            let person = || PersonId(fixture::id());
            let other = || TicketId(fixture::id());
            let text = |text: &str| Some(text.to_owned());
            match &mut ticket.details {
                Details::Incident(incident) => {
                    incident.sync_with_parent = false;
                    incident.affected_users = 1_000_000;
                    incident.problem = Some(other());
                }
                Details::Request(request) => {
                    request.item = Some(CatalogItemId(fixture::id()));
                    request.answers = vec![
                        ("why".parse().unwrap(), "the old one burnt".to_owned()),
                        ("a-size".parse().unwrap(), "15".to_owned()),
                    ];
                    request.cost = Some(Money { minor_units: 129_900, currency: "EUR".to_owned() });
                    request.quantity = 3;
                    request.order = Some(OrderId(fixture::id()));
                    request.expected_at = Some(at(99));
                }
                Details::Problem(problem) => {
                    problem.cis = [CiId(fixture::id()), CiId(fixture::id())].into();
                    problem.symptom = text("smoke");
                    problem.root_cause = text("a fan");
                    problem.workaround = text("open the window");
                    problem.fix_notes = text("another fan");
                    problem.improvements = text("clean it");
                    problem.known_error = true;
                    problem.major = true;
                    problem.risk_owner = Some(person());
                    problem.risk_review_at = Some(at(50));
                    problem.risk_review_opened = true;
                    problem.duplicate_of = Some(other());
                    problem.converted_to = Some(other());
                    problem.no_article_reason = text("nobody would look");
                    problem.review_note = text("look at fans");
                }
                Details::Task(task) => {
                    task.position = 7;
                    task.mandatory = false;
                    task.depends_on = [other(), other()].into();
                }
            }
            ticket
        })
        .collect()
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
    let mut tx = store.write(org.id).await.unwrap();
    for kind in TicketKind::ALL {
        let mut ticket = ticket_of(&org, *kind);
        ticket::insert(&mut tx, &ticket).await.unwrap();
        for (state, _) in kind.rules().states {
            ticket.stage = stage(*kind, *state);
            ticket::update(&mut tx, &mut ticket).await.unwrap();
            assert_eq!(ticket::find(&mut tx, ticket.id).await.unwrap(), Some(ticket.clone()));
        }
    }
}

async fn every_hold_and_every_end_comes_back(store: Store) {
    let org = tree(&store).await.client;
    let mut ticket = fixture::ticket(&org);
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert(&mut tx, &ticket).await.unwrap();
    for stage in [
        hold(Awaiting::Caller),
        hold(Awaiting::Vendor("Initech".to_owned())),
        hold(Awaiting::Evidence(PersonId(fixture::id()))),
        hold(Awaiting::Problem(TicketId(fixture::id()))),
        hold(Awaiting::Other("a key".to_owned())),
        cancelled(CancelOutcome::MergedInto(TicketId(fixture::id()))),
        cancelled(CancelOutcome::ConvertedTo(TicketId(fixture::id()))),
    ] {
        ticket.stage = stage;
        ticket::update(&mut tx, &mut ticket).await.unwrap();
        assert_eq!(ticket::find(&mut tx, ticket.id).await.unwrap(), Some(ticket.clone()));
    }
}

async fn what_only_one_kind_has_comes_back(store: Store) {
    let org = tree(&store).await.client;
    let tickets = one_of_every_kind(&org);
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert_many(&mut tx, &tickets).await.unwrap();
    for ticket in tickets {
        assert_eq!(ticket::find(&mut tx, ticket.id).await.unwrap(), Some(ticket.clone()));
        // All of it is taken back, and some of it said anew.
        let mut plain = Ticket { details: Details::of(ticket.kind()), ..ticket.clone() };
        ticket::update(&mut tx, &mut plain).await.unwrap();
        assert_eq!(ticket::find(&mut tx, ticket.id).await.unwrap(), Some(plain.clone()));
        let mut again = Ticket { version: plain.version, ..ticket };
        if let Details::Problem(problem) = &mut again.details {
            problem.cis = [CiId(fixture::id())].into();
        }
        ticket::update(&mut tx, &mut again).await.unwrap();
        assert_eq!(ticket::find(&mut tx, again.id).await.unwrap(), Some(again));
    }
}

/// How many rows there are beside those of the tickets.
async fn rows_beside(store: &Store) -> Vec<String> {
    const ROWS: &str = "
        select 'incident' from incidents union all select 'request' from requests
        union all select 'problem' from problems union all select 'task' from tasks
        union all select 'ci' from ticket_cis";
    testing::texts(&mut store.system().await.unwrap(), ROWS).await.unwrap()
}

/// An ordinary incident costs no second insert.
async fn what_is_as_at_the_start_has_no_row_beside_it(store: Store) {
    let org = tree(&store).await.client;
    let mut tickets = TicketKind::ALL.iter().map(|kind| ticket_of(&org, *kind)).collect::<Vec<_>>();
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert_many(&mut tx, &tickets).await.unwrap();
    for ticket in &mut tickets {
        "Printer smokes".clone_into(&mut ticket.short_description);
        ticket::update(&mut tx, ticket).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(rows_beside(&store).await, Vec::<String>::new());
}

async fn a_row_beside_a_ticket_is_there_once_something_differs(store: Store) {
    let org = tree(&store).await.client;
    let mut ticket = fixture::stored_ticket(&store, &org).await;
    let mut tx = store.write(org.id).await.unwrap();
    for affected_users in [3, 0, 5] {
        let Details::Incident(incident) = &mut ticket.details else { panic!("an incident") };
        incident.affected_users = affected_users;
        ticket::update(&mut tx, &mut ticket).await.unwrap();
        assert_eq!(ticket::find(&mut tx, ticket.id).await.unwrap(), Some(ticket.clone()));
    }
    tx.commit().await.unwrap();
    assert_eq!(rows_beside(&store).await, ["incident"]);
}

async fn tickets_are_read_together(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let foreign = fixture::stored_ticket(&store, &other).await;
    let tickets = one_of_every_kind(&client);
    let mut tx = store.write(client.id).await.unwrap();
    ticket::insert_many(&mut tx, &tickets).await.unwrap();
    let mut ids = tickets.iter().map(|ticket| ticket.id).collect::<Vec<_>>();
    ids.extend([foreign.id, TicketId(fixture::id())]);
    ids.reverse();
    assert_eq!(ticket::find_many(&mut tx, &ids).await.unwrap(), tickets);
    assert_eq!(ticket::find_many(&mut tx, &[]).await.unwrap(), []);
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
        let Details::Incident(incident) = &mut ticket.details else { panic!("an incident") };
        incident.major = major;
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

async fn relatives_are_found_by_what_they_name(store: Store) {
    let Tree { client, provider, .. } = tree(&store).await;
    let earlier = fixture::stored_ticket(&store, &client).await;
    let follower = Ticket { follows: Some(earlier.id), ..fixture::ticket(&client) };
    let child = Ticket { parent: Some(earlier.id), ..fixture::ticket(&client) };
    let mut task = ticket_of(&client, TicketKind::Task);
    task.parent = Some(earlier.id);
    let mut over = Ticket { parent: Some(earlier.id), ..fixture::ticket(&client) };
    over.stage = Stage::Cancelled(Cancellation {
        outcome: CancelOutcome::Withdrawn,
        reason: "a drill".to_owned(),
        at: at(1),
        by: by_policy(),
    });
    let all = [follower.clone(), child.clone(), task, over];
    let mut tx = store.write(client.id).await.unwrap();
    ticket::insert_many(&mut tx, &all).await.unwrap();
    tx.commit().await.unwrap();

    let ids = |found: Vec<Ticket>| found.iter().map(|it| it.id).collect::<Vec<_>>();
    let mut tx = store.read(client.id).await.unwrap();
    let following = ticket::following(&mut tx, earlier.id).await.unwrap();
    assert_eq!(ids(following), [follower.id]);
    assert_eq!(ids(ticket::children_of(&mut tx, earlier.id).await.unwrap()), [child.id]);
    assert_eq!(ids(ticket::following(&mut tx, child.id).await.unwrap()), []);
    drop(tx);
    let mut elsewhere = store.read(provider.id).await.unwrap();
    assert_eq!(ids(ticket::following(&mut elsewhere, earlier.id).await.unwrap()), []);
    assert_eq!(ids(ticket::children_of(&mut elsewhere, earlier.id).await.unwrap()), []);
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

async fn known_references_are_found_with_their_tickets(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let ticket = full(&client);
    let mut tx = store.write(client.id).await.unwrap();
    ticket::insert(&mut tx, &ticket).await.unwrap();
    tx.commit().await.unwrap();
    let asked: Vec<_> = (0..2_500).map(|n| n.to_string()).collect();

    let mut tx = store.read(client.id).await.unwrap();
    let known = ticket::known_external_ids(&mut tx, "tickets.csv", &asked).await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!((known[0].external_id.as_str(), known[0].ticket), ("42", ticket.id));
    let heading = &known[0].heading;
    assert_eq!(
        (&heading.number, &heading.short_description),
        (&ticket.number, &ticket.short_description)
    );
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
        (r#"update tickets set fields = '{"Not a key": 1}'"#, "fields"),
    ] {
        let mut ticket = fixture::ticket(&org);
        ticket.stage = stage(TicketKind::Incident, State::Resolved);
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

async fn a_phase_without_its_facts_is_refused_by_the_table(store: Store) {
    let org = tree(&store).await.client;
    let mut incident = fixture::ticket(&org);
    incident.details = one_of_every_kind(&org).remove(0).details;
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert(&mut tx, &incident).await.unwrap();
    tx.commit().await.unwrap();
    for impossible in [
        "update tickets set state = 'resolved', phase = 'done'",
        "update tickets set state = 'on_hold', phase = 'on_hold'",
        "update tickets set state = 'closed', phase = 'closed'",
        "update tickets set state = 'cancelled', phase = 'cancelled'",
        "update tickets set kind = 'request', state = 'rejected', phase = 'rejected'",
        "update tickets set outcome_code = 'fixed'",
        "update tickets set hold_awaiting = 'godot'",
        "update tickets set hold_other = 'a key'",
        "update tickets set priority_manual = 1",
        "update tickets set external_id = 'x'",
        "update incidents set major_state = 'accepted'",
        "update incidents set major_state = 'huge'",
        "update incidents set major_review_note = 'x'",
        "insert into requests (org_id, ticket_id, answers, quantity) select org_id, id, '[]', 0 from tickets",
        "insert into tasks (org_id, ticket_id, position, mandatory, depends_on)
         select org_id, org_id, 1, active, '[]' from tickets",
    ] {
        let mut tx = store.system().await.unwrap();
        let refused = testing::execute(&mut tx, impossible).await;
        assert!(matches!(refused, Err(StoreError::Database(_))), "{impossible}: {refused:?}");
    }
}

async fn a_state_that_its_kind_does_not_have_is_refused_by_the_table(store: Store) {
    let org = tree(&store).await.client;
    fixture::stored_ticket(&store, &org).await;
    for unknown in [
        "update tickets set state = 'dreaming'",
        "update tickets set state = 'awaiting_approval'",
        "update tickets set kind = 'change'",
        "update tickets set kind = 'task'",
        // Its phase is the state's, and whether it is active is the phase's.
        "update tickets set phase = 'closed'",
        "update tickets set active = (1 = 0)",
        "update states set phase = 'done' where kind = 'incident' and state = 'new'",
        "delete from states where kind = 'incident'",
    ] {
        let mut tx = store.system().await.unwrap();
        let refused = testing::execute(&mut tx, unknown).await;
        assert!(matches!(refused, Err(StoreError::Database(_))), "{unknown}: {refused:?}");
    }
    // A new kind is an insert.
    let mut tx = store.system().await.unwrap();
    for known in [
        "insert into states (kind, state, phase) values ('change', 'new', 'open')",
        "update tickets set kind = 'change'",
    ] {
        testing::execute(&mut tx, known).await.unwrap();
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
