//! Invariants: what is not as it must be is found, and nothing else.

use waypost_domain::{
    event::{ActorKind, Event},
    ids::{EventId, PersonId, TicketId},
    invariant::{Invariant, Violation},
    organization::Organization,
    ticket::{
        Action, CancelOutcome, Cancellation, Closing, Code, Outcome, Stage, State, Ticket,
        TicketKind,
    },
};
use waypost_store::{Store, event, invariant, on_both_engines, testing, ticket};

use crate::fixture::{self, at, by_policy, id, tree};

on_both_engines! {
    a_history_has_every_number_from_one_on
    a_history_never_goes_back
    people_who_acted_are_named
    reopenings_are_counted
    an_awaited_approval_is_open
    what_is_over_has_nothing_left_to_do
    what_was_cancelled_is_nobodys_parent
    changes_are_not_later_than_their_ticket_says
    open_tickets_are_counted_for_their_team
    whom_a_ticket_concerns_is_listed
    a_ticket_is_listed_under_its_tags
    records_of_organizations_are_looked_over_apart
}

fn event_of(ticket: TicketId, seq: i64, minutes: i64, action: Action) -> Event {
    Event {
        id: EventId(id()),
        subject: ticket.into(),
        seq,
        at: at(minutes),
        actor: by_policy(),
        cause: None,
        action,
        changes: Vec::new(),
        policy_digest: None,
        reason: None,
    }
}

/// A ticket whose history are these events.
async fn with_events(
    store: &Store,
    of: &Organization,
    events: impl Fn(TicketId) -> Vec<Event>,
) -> Ticket {
    let mut ticket = fixture::ticket(of);
    let events = events(ticket.id);
    let last = events.iter().map(|event| event.at).max();
    ticket.updated_at = last.unwrap_or(ticket.updated_at);
    let mut tx = store.write(of.id).await.unwrap();
    ticket::insert(&mut tx, &ticket).await.unwrap();
    event::append_many(&mut tx, &events).await.unwrap();
    tx.commit().await.unwrap();
    ticket
}

/// Every invariant that is not true of the organization's records, with the tickets.
async fn broken(store: &Store, of: &Organization) -> Vec<Violation> {
    let mut tx = store.read(of.id).await.unwrap();
    let mut all = Vec::new();
    for one in Invariant::ALL {
        all.extend(invariant::violations(&mut tx, *one, 10).await.unwrap());
    }
    all
}

/// Changes records as no command does.
async fn tamper(store: &Store, sql: &'static str) {
    let mut tx = store.system().await.unwrap();
    testing::execute(&mut tx, sql).await.unwrap();
    tx.commit().await.unwrap();
}

fn only(invariant: Invariant, ticket: &Ticket) -> Vec<Violation> {
    vec![Violation { invariant, record: ticket.number.clone() }]
}

pub(crate) fn whole(ticket: TicketId) -> Vec<Event> {
    vec![event_of(ticket, 1, 1, Action::Create), event_of(ticket, 2, 1, Action::Assign)]
}

async fn a_history_has_every_number_from_one_on(store: Store) {
    let org = tree(&store).await.client;
    let _ = with_events(&store, &org, whole).await;
    assert_eq!(broken(&store, &org).await, []);
    let with_gap = with_events(&store, &org, |ticket| {
        vec![event_of(ticket, 1, 1, Action::Create), event_of(ticket, 3, 2, Action::Assign)]
    });
    let with_gap = with_gap.await;
    assert_eq!(broken(&store, &org).await, only(Invariant::HistoryIsWhole, &with_gap));
    let _ = with_events(&store, &org, |_| Vec::new()).await;
    assert_eq!(broken(&store, &org).await.len(), 2);
}

async fn a_history_never_goes_back(store: Store) {
    let org = tree(&store).await.client;
    let back = with_events(&store, &org, |ticket| {
        vec![event_of(ticket, 1, 5, Action::Create), event_of(ticket, 2, 4, Action::Assign)]
    });
    let back = back.await;
    assert_eq!(broken(&store, &org).await, only(Invariant::HistoryGoesForward, &back));
}

async fn people_who_acted_are_named(store: Store) {
    let org = tree(&store).await.client;
    let nameless = with_events(&store, &org, |ticket| {
        let mut event = event_of(ticket, 1, 1, Action::Create);
        event.actor.kind = ActorKind::User;
        vec![event]
    });
    let nameless = nameless.await;
    assert_eq!(broken(&store, &org).await, only(Invariant::EventsNameTheirActor, &nameless));
}

async fn reopenings_are_counted(store: Store) {
    let org = tree(&store).await.client;
    let uncounted = with_events(&store, &org, |ticket| {
        vec![
            event_of(ticket, 1, 1, Action::Create),
            event_of(ticket, 2, 1, Action::Reopen),
            event_of(ticket, 3, 1, Action::Reanalyze),
        ]
    });
    let uncounted = uncounted.await;
    assert_eq!(broken(&store, &org).await, only(Invariant::ReopeningsAreCounted, &uncounted));
    tamper(&store, "update tickets set reopen_count = 2").await;
    assert_eq!(broken(&store, &org).await, []);
}

async fn an_awaited_approval_is_open(store: Store) {
    let org = tree(&store).await.client;
    let ticket = with_events(&store, &org, whole).await;
    tamper(&store, "update tickets set kind = 'request', state = 'awaiting_approval'").await;
    assert_eq!(broken(&store, &org).await, only(Invariant::OpenApprovalIsAwaited, &ticket));
    // A round beside the work is no request's.
    tamper(&store, "update tickets set kind = 'problem', state = 'root_cause_analysis'").await;
    assert_eq!(broken(&store, &org).await, []);
}

async fn what_is_over_has_nothing_left_to_do(store: Store) {
    let org = tree(&store).await.client;
    for kind in [TicketKind::Problem, TicketKind::Incident] {
        let mut parent = fixture::ticket_of(&org, kind);
        let mut task = fixture::ticket_of(&org, TicketKind::Task);
        task.parent = Some(parent.id);
        let mut tx = store.write(org.id).await.unwrap();
        ticket::insert_many(&mut tx, &[parent.clone(), task.clone()]).await.unwrap();
        event::append_many(&mut tx, &whole(parent.id)).await.unwrap();
        event::append_many(&mut tx, &whole(task.id)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(broken(&store, &org).await, []);

        let (code, expected) = match kind {
            // The risk that was accepted is looked at again in a task, also of a closed problem.
            TicketKind::Problem => (Code::RiskAccepted, Vec::new()),
            _ => (Code::Fixed, only(Invariant::EndedHasNoOpenTask, &parent)),
        };
        let notes = "rarely".to_owned();
        let outcome = Outcome { code: Some(code), notes, at: at(2), by: by_policy() };
        let closing = Closing { at: at(3), by: by_policy() };
        let done = Stage::Done(State::Resolved, outcome.clone());
        for stage in [done, Stage::Closed(State::Closed, outcome, closing)] {
            parent.stage = stage;
            let mut tx = store.write(org.id).await.unwrap();
            ticket::update(&mut tx, &mut parent).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(broken(&store, &org).await, expected);
        }
    }
}

async fn what_was_cancelled_is_nobodys_parent(store: Store) {
    let org = tree(&store).await.client;
    let mut parent = with_events(&store, &org, whole).await;
    let mut child = fixture::ticket(&org);
    child.parent = Some(parent.id);
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert(&mut tx, &child).await.unwrap();
    event::append_many(&mut tx, &whole(child.id)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(broken(&store, &org).await, []);

    let (outcome, reason) = (CancelOutcome::Withdrawn, "a drill".to_owned());
    let end = Cancellation { outcome, reason, at: at(2), by: by_policy() };
    parent.stage = Stage::Cancelled(end);
    let mut tx = store.write(org.id).await.unwrap();
    ticket::update(&mut tx, &mut parent).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(broken(&store, &org).await, only(Invariant::CancelledHasNoChild, &parent));

    child.stage = parent.stage.clone();
    let mut tx = store.write(org.id).await.unwrap();
    ticket::update(&mut tx, &mut child).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(broken(&store, &org).await, []);
}

async fn changes_are_not_later_than_their_ticket_says(store: Store) {
    let org = tree(&store).await.client;
    let _ = with_events(&store, &org, whole).await;
    let late = with_events(&store, &org, |ticket| {
        vec![event_of(ticket, 1, 1, Action::Create), event_of(ticket, 2, 2, Action::Assign)]
    });
    let late = late.await;
    assert_eq!(broken(&store, &org).await, []);
    tamper(&store, "update tickets set updated_at = created_at").await;
    assert_eq!(broken(&store, &org).await, only(Invariant::ChangesAreDated, &late));
}

async fn open_tickets_are_counted_for_their_team(store: Store) {
    let org = tree(&store).await.client;
    let _ = with_events(&store, &org, whole).await;
    assert_eq!(broken(&store, &org).await, []);
    let team = org.settings.fallback_team.to_string();
    let miscounted = vec![Violation { invariant: Invariant::OpenTicketsAreCounted, record: team }];
    for damage in ["update team_open set open = open + 1", "delete from team_open"] {
        tamper(&store, damage).await;
        assert_eq!(broken(&store, &org).await, miscounted, "{damage}");
    }
}

async fn whom_a_ticket_concerns_is_listed(store: Store) {
    let org = tree(&store).await.client;
    let mut watched = fixture::ticket(&org);
    watched.watchers = [PersonId(id())].into();
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert(&mut tx, &watched).await.unwrap();
    event::append_many(&mut tx, &whole(watched.id)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(broken(&store, &org).await, []);
    for damage in ["update ticket_people set person_id = ticket_id", "delete from ticket_people"] {
        tamper(&store, damage).await;
        let expected = only(Invariant::ConcernedAreListed, &watched);
        assert_eq!(broken(&store, &org).await, expected, "{damage}");
    }
}

async fn a_ticket_is_listed_under_its_tags(store: Store) {
    let org = tree(&store).await.client;
    let mut tagged = fixture::ticket(&org);
    tagged.tags = ["vpn".to_owned(), "it's".to_owned()].into();
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert(&mut tx, &tagged).await.unwrap();
    event::append_many(&mut tx, &whole(tagged.id)).await.unwrap();
    tagged.tags = ["vpn".to_owned(), "printer".to_owned()].into();
    ticket::update(&mut tx, &mut tagged).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(broken(&store, &org).await, []);
    for damage in
        ["update ticket_tags set tag = 'it''s' where tag = 'vpn'", "delete from ticket_tags"]
    {
        tamper(&store, damage).await;
        assert_eq!(
            broken(&store, &org).await,
            only(Invariant::TaggedAreListed, &tagged),
            "{damage}"
        );
    }
}

async fn records_of_organizations_are_looked_over_apart(store: Store) {
    let tree = tree(&store).await;
    let _ = with_events(&store, &tree.provider, |_| Vec::new()).await;
    assert_eq!(broken(&store, &tree.client).await, []);
    assert_eq!(broken(&store, &tree.provider).await.len(), 1);
}
