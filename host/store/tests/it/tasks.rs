//! Tasks: tickets that belong to another, by their place and counted, and for whom they are.

use waypost_domain::{
    ids::{PersonId, TicketId},
    invariant::Invariant,
    organization::Organization,
    task::{Task, TaskCount},
    ticket::{CancelOutcome, Details, State, Ticket, TicketKind},
};
use waypost_store::{
    Store, StoreError, approval, invariant, on_both_engines, testing,
    ticket::{self, TicketFilter, TicketSort},
};

use crate::{
    fixture::{self, Tree, at, stored_ticket, ticket_of, tree},
    tickets::{cancelled, stage},
};

on_both_engines! {
    tasks_of_a_ticket_come_by_their_place
    tasks_are_counted_by_ticket
    who_is_not_of_the_desk_sees_the_tasks_that_concern_them
    whom_a_ticket_concerns_changes_with_it
    tasks_of_organizations_are_apart
    unreadable_tasks_are_reported
}

fn task_of(org: &Organization, parent: &Ticket, position: u16) -> Ticket {
    let mut task = ticket_of(org, TicketKind::Task);
    task.parent = Some(parent.id);
    task.details = Details::Task(Task { position, ..Task::default() });
    task
}

async fn store_all(store: &Store, org: &Organization, tickets: &[Ticket]) {
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert_many(&mut tx, tickets).await.unwrap();
    tx.commit().await.unwrap();
}

async fn tasks_of_a_ticket_come_by_their_place(store: Store) {
    let org = tree(&store).await.client;
    let (parent, other) = (stored_ticket(&store, &org).await, stored_ticket(&store, &org).await);
    let last = task_of(&org, &parent, 9);
    let second = Ticket { created_at: at(3), ..task_of(&org, &parent, 3) };
    let first = Ticket { created_at: at(2), ..task_of(&org, &parent, 3) };
    let before_all = task_of(&org, &parent, 0);
    // A child is no task.
    let child = Ticket { parent: Some(parent.id), ..fixture::ticket(&org) };
    let elsewhere = task_of(&org, &other, 1);
    let all = [&last, &second, &first, &before_all, &child, &elsewhere].map(Clone::clone);
    store_all(&store, &org, &all).await;

    let mut tx = store.read(org.id).await.unwrap();
    let found = ticket::tasks_of(&mut tx, parent.id).await.unwrap();

    assert_eq!(found, [before_all, first, second, last]);
}

async fn tasks_are_counted_by_ticket(store: Store) {
    let org = tree(&store).await.client;
    let (parent, other) = (stored_ticket(&store, &org).await, stored_ticket(&store, &org).await);
    let mut done = task_of(&org, &parent, 1);
    done.stage = stage(TicketKind::Task, State::Done);
    let mut withdrawn = task_of(&org, &parent, 2);
    withdrawn.stage = cancelled(CancelOutcome::Withdrawn);
    let child = Ticket { parent: Some(other.id), ..fixture::ticket(&org) };
    store_all(&store, &org, &[task_of(&org, &parent, 1), done, withdrawn, child]).await;

    let mut tx = store.read(org.id).await.unwrap();
    let counts = ticket::task_counts(&mut tx, &[parent.id, other.id]).await.unwrap();

    assert_eq!(counts, [(parent.id, TaskCount { open: 1, total: 3 })]);
    assert_eq!(ticket::task_counts(&mut tx, &[]).await.unwrap(), []);
}

async fn who_is_not_of_the_desk_sees_the_tasks_that_concern_them(store: Store) {
    let org = tree(&store).await.client;
    let (own, foreign) = (stored_ticket(&store, &org).await, stored_ticket(&store, &org).await);
    let person = own.requester.unwrap();
    let mut watched = fixture::ticket(&org);
    watched.watchers = [person].into();
    let voted_on = fixture::ticket(&org);
    // Who is responsible for a child sees that, and not what it is a child of.
    let child = Ticket { parent: Some(own.id), ..fixture::ticket(&org) };
    let mut held = Ticket { requester: Some(person), ..fixture::ticket(&org) };
    held.stage = stage(TicketKind::Incident, State::OnHold);
    let of_held = task_of(&org, &held, 1);
    let of_own = task_of(&org, &own, 1);
    let of_watched = task_of(&org, &watched, 1);
    let of_voted_on = task_of(&org, &voted_on, 1);
    let mut worked_on = task_of(&org, &foreign, 1);
    worked_on.assignee = Some(person);
    // Whoever wrote a task down does not own it; its ticket says whose it is.
    let mut written = task_of(&org, &foreign, 1);
    written.opened_by = Some(person);
    let incident = Ticket { assignee: Some(person), ..fixture::ticket(&org) };
    let seen = [&own, &watched, &voted_on, &held];
    let tasks = [&of_own, &of_watched, &of_voted_on, &of_held, &worked_on];
    let seen: Vec<&Ticket> = seen.into_iter().chain(tasks).collect();
    let seen: Vec<TicketId> = seen.into_iter().map(|ticket| ticket.id).collect();
    let round = crate::approvals::round_of(&voted_on, 1, &[person; 2]);
    let all = [watched, voted_on, held, child, of_own, of_watched, of_voted_on, of_held, worked_on];
    store_all(&store, &org, &all).await;
    store_all(&store, &org, &[written, incident, task_of(&org, &foreign, 2)]).await;
    let mut tx = store.write(org.id).await.unwrap();
    approval::insert(&mut tx, &round).await.unwrap();

    let mut expected = seen;
    expected.sort_unstable();
    // All of it is open, and where only that is asked for, it is found in another way.
    for active in [None, Some(true)] {
        let filter = TicketFilter { concerns: Some(person), active, ..TicketFilter::default() };
        for sort in [TicketSort::Opened, TicketSort::Updated, TicketSort::Queue] {
            let found = ticket::list(&mut tx, &filter, sort, None, 50).await.unwrap();
            let mut found = found.iter().map(|ticket| ticket.id).collect::<Vec<_>>();
            found.sort_unstable();
            assert_eq!(found, expected, "{active:?} in {sort:?}");
        }
        assert_eq!(ticket::count(&mut tx, &filter).await.unwrap(), 9);
    }
}

async fn whom_a_ticket_concerns_changes_with_it(store: Store) {
    let org = tree(&store).await.client;
    let [anna, bert, cleo] = [(); 3].map(|()| PersonId(fixture::id()));
    let mut incident = Ticket {
        requester: Some(anna),
        opened_by: Some(bert),
        watchers: [bert, cleo].into(),
        ..fixture::ticket(&org)
    };
    let mut task = Ticket { assignee: Some(bert), ..task_of(&org, &incident, 1) };
    store_all(&store, &org, &[incident.clone(), task.clone()]).await;
    let seen_by = async |person| {
        let mut tx = store.read(org.id).await.unwrap();
        let filter = TicketFilter { concerns: Some(person), ..TicketFilter::default() };
        let found = ticket::list(&mut tx, &filter, TicketSort::Opened, None, 9).await.unwrap();
        let listed = invariant::violations(&mut tx, Invariant::ConcernedAreListed, 9).await;
        assert_eq!(listed.unwrap(), []);
        let mut kinds: Vec<TicketKind> = found.iter().map(Ticket::kind).collect();
        kinds.sort_unstable();
        kinds
    };
    let both = [TicketKind::Incident, TicketKind::Task];
    for person in [anna, bert, cleo] {
        assert_eq!(seen_by(person).await, both);
    }
    let changed = async |ticket: &mut Ticket| {
        let mut tx = store.write(org.id).await.unwrap();
        ticket::update(&mut tx, ticket).await.unwrap();
        tx.commit().await.unwrap();
    };
    incident.watchers = [anna].into();
    changed(&mut incident).await;
    assert_eq!(seen_by(bert).await, both, "as its opener");
    assert!(seen_by(cleo).await.is_empty());
    // Who opened it for somebody else now has it for themselves.
    (incident.requester, incident.watchers) = (Some(bert), [].into());
    changed(&mut incident).await;
    assert_eq!(seen_by(bert).await, both);
    assert!(seen_by(anna).await.is_empty());
    task.assignee = Some(cleo);
    changed(&mut task).await;
    assert_eq!(seen_by(cleo).await, [TicketKind::Task]);
    task.assignee = None;
    changed(&mut task).await;
    assert!(seen_by(cleo).await.is_empty());
}

async fn tasks_of_organizations_are_apart(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let parent = stored_ticket(&store, &client).await;
    let ours = task_of(&client, &parent, 1);
    store_all(&store, &client, std::slice::from_ref(&ours)).await;

    let mut tx = store.write(other.id).await.unwrap();
    assert_eq!(ticket::tasks_of(&mut tx, parent.id).await.unwrap(), []);
    assert_eq!(ticket::task_counts(&mut tx, &[parent.id]).await.unwrap(), []);
    let assigned = TicketFilter { parent: Some(parent.id), ..TicketFilter::default() };
    assert_eq!(ticket::count(&mut tx, &assigned).await.unwrap(), 0);
    let refused = ticket::update(&mut tx, &mut ours.clone()).await;
    assert!(matches!(refused, Err(StoreError::WrongOrganization)), "{refused:?}");
}

async fn unreadable_tasks_are_reported(store: Store) {
    let org = tree(&store).await.client;
    let parent = TicketId(fixture::id());
    let mut task = ticket_of(&org, TicketKind::Task);
    task.parent = Some(parent);
    task.assignee = Some(PersonId(fixture::id()));
    task.details = Details::Task(Task { mandatory: false, ..Task::default() });
    store_all(&store, &org, &[task]).await;
    let mut tx = store.system().await.unwrap();
    testing::execute(&mut tx, "update tasks set position = -1").await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.read(org.id).await.unwrap();
    let found = ticket::tasks_of(&mut tx, parent).await;

    assert!(
        matches!(found, Err(StoreError::Corrupt { table: "tasks", column: "position" })),
        "{found:?}"
    );
}
