//! Tasks: each comes back whole, is found by those who work on it, and is written once.

use waypost_domain::{
    ids::{PersonId, TaskId, TeamId, TicketId},
    task::{Standing, Task, TaskCount, TaskState},
    ticket::Ticket,
};
use waypost_store::{
    Store, StoreError, on_both_engines, task,
    task::{TaskCursor, TaskFilter},
    testing, ticket,
};

use crate::fixture::{self, Tree, at, stored_ticket, tree};

on_both_engines! {
    every_state_of_a_task_comes_back
    a_changed_task_is_written_unless_somebody_was_first
    a_task_s_number_is_given_once
    tasks_of_a_request_come_by_their_place
    each_filter_of_tasks_leaves_what_it_says
    who_is_not_of_the_desk_sees_the_tasks_that_concern_them
    a_list_of_tasks_goes_on_where_it_stopped
    tasks_are_counted_by_request
    tasks_of_organizations_are_apart
    unreadable_tasks_are_reported
}

fn task_of(ticket: &Ticket, minutes: i64) -> Task {
    let id = fixture::id();
    Task {
        id: TaskId(id),
        org: ticket.org,
        ticket: ticket.id,
        number: format!("TASK{:07}", id.as_u128() >> 16),
        short_description: "Put it on the desk".to_owned(),
        description: "The one by the window.".to_owned(),
        team: ticket.team,
        assignee: None,
        position: 3,
        mandatory: true,
        depends_on: [TaskId(fixture::id()), TaskId(fixture::id())].into(),
        standing: Standing::Open,
        created_at: at(minutes),
        updated_at: at(minutes + 1),
        state_since: at(minutes + 2),
        version: 1,
    }
}

async fn store_all(store: &Store, tasks: &[Task]) {
    let mut tx = store.write(tasks[0].org).await.unwrap();
    task::insert_many(&mut tx, tasks).await.unwrap();
    tx.commit().await.unwrap();
}

/// A task of the ticket that is stored.
pub(crate) async fn stored_task(store: &Store, ticket: &Ticket) -> Task {
    let new = task_of(ticket, 1);
    store_all(store, std::slice::from_ref(&new)).await;
    new
}

async fn every_state_of_a_task_comes_back(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let reason = || "no stock".to_owned();
    let standings = [
        Standing::Waiting,
        Standing::Open,
        Standing::InProgress,
        Standing::OnHold { reason: reason() },
        Standing::Done,
        Standing::Incomplete { reason: reason() },
        Standing::Skipped { reason: reason() },
        Standing::Cancelled { reason: reason() },
    ];
    assert_eq!(standings.len(), TaskState::ALL.len());
    let tasks = standings.map(|standing| Task {
        standing,
        assignee: Some(PersonId(fixture::id())),
        ..task_of(&ticket, 5)
    });
    store_all(&store, &tasks).await;

    let mut tx = store.read(org.id).await.unwrap();
    for task in &tasks {
        assert_eq!(task::find(&mut tx, task.id).await.unwrap().as_ref(), Some(task));
        let numbered = task::find_by_number(&mut tx, &task.number).await.unwrap();
        assert_eq!(numbered.as_ref(), Some(task));
    }
    assert_eq!(task::find_by_number(&mut tx, "TASK9999999").await.unwrap(), None);
    let numbers = task::numbers(&mut tx, &[tasks[0].id, TaskId(fixture::id())]).await.unwrap();
    assert_eq!(numbers, [(tasks[0].id, tasks[0].number.clone())]);
}

async fn a_changed_task_is_written_unless_somebody_was_first(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let mut one = task_of(&ticket, 1);
    store_all(&store, std::slice::from_ref(&one)).await;
    let mut stale = one.clone();

    let mut tx = store.write(org.id).await.unwrap();
    one.standing = Standing::Skipped { reason: "there is one".to_owned() };
    one.depends_on.clear();
    task::update(&mut tx, &mut one).await.unwrap();
    assert_eq!(one.version, 2);
    assert_eq!(task::find(&mut tx, one.id).await.unwrap(), Some(one));
    let refused = task::update(&mut tx, &mut stale).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
}

async fn a_task_s_number_is_given_once(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let one = task_of(&ticket, 1);
    let other = Task { number: one.number.clone(), ..task_of(&ticket, 1) };
    let mut tx = store.write(org.id).await.unwrap();
    let refused = task::insert_many(&mut tx, &[one, other]).await;
    assert!(matches!(refused, Err(StoreError::Taken("number"))), "{refused:?}");
}

async fn tasks_of_a_request_come_by_their_place(store: Store) {
    let org = tree(&store).await.client;
    let (ticket, other) = (stored_ticket(&store, &org).await, stored_ticket(&store, &org).await);
    let last = Task { position: 9, ..task_of(&ticket, 1) };
    let second = task_of(&ticket, 3);
    let first = task_of(&ticket, 2);
    store_all(&store, &[last.clone(), second.clone(), first.clone(), task_of(&other, 1)]).await;

    let mut tx = store.read(org.id).await.unwrap();
    let found = task::of_ticket(&mut tx, ticket.id).await.unwrap();

    assert_eq!(found, [first, second, last]);
}

async fn each_filter_of_tasks_leaves_what_it_says(store: Store) {
    let org = tree(&store).await.client;
    let (ticket, other) = (stored_ticket(&store, &org).await, stored_ticket(&store, &org).await);
    let (team, anna) = (TeamId(fixture::id()), PersonId(fixture::id()));
    let plain = task_of(&ticket, 1);
    let special = Task { team, assignee: Some(anna), ..task_of(&ticket, 2) };
    let done = Task { standing: Standing::Done, ..task_of(&other, 3) };
    store_all(&store, &[plain.clone(), special.clone(), done.clone()]).await;

    let none = TaskFilter::default;
    let cases = [
        ("nothing", none(), vec![&plain, &special, &done]),
        ("state", TaskFilter { states: vec![TaskState::Done], ..none() }, vec![&done]),
        ("active", TaskFilter { active: Some(true), ..none() }, vec![&plain, &special]),
        ("not active", TaskFilter { active: Some(false), ..none() }, vec![&done]),
        ("team", TaskFilter { team: Some(team), ..none() }, vec![&special]),
        ("assignee", TaskFilter { assignee: Some(anna), ..none() }, vec![&special]),
        ("ticket", TaskFilter { ticket: Some(other.id), ..none() }, vec![&done]),
    ];
    let mut tx = store.read(org.id).await.unwrap();
    for (name, filter, expected) in cases {
        let found = task::list(&mut tx, &filter, None, 10).await.unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{name}");
    }
}

async fn who_is_not_of_the_desk_sees_the_tasks_that_concern_them(store: Store) {
    let org = tree(&store).await.client;
    let (ticket, other) = (stored_ticket(&store, &org).await, stored_ticket(&store, &org).await);
    let mut watched = fixture::ticket(&org);
    watched.watchers = [ticket.requester].into();
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert(&mut tx, &watched).await.unwrap();
    tx.commit().await.unwrap();
    let own = task_of(&ticket, 1);
    let foreign = task_of(&other, 2);
    let seen = task_of(&watched, 3);
    let worked_on = Task { assignee: Some(ticket.requester), ..task_of(&other, 4) };
    store_all(&store, &[own.clone(), foreign, seen.clone(), worked_on.clone()]).await;

    let mut tx = store.read(org.id).await.unwrap();
    let concerns = TaskFilter { concerns: Some(ticket.requester), ..TaskFilter::default() };

    assert_eq!(task::list(&mut tx, &concerns, None, 10).await.unwrap(), [own, seen, worked_on]);
}

async fn a_list_of_tasks_goes_on_where_it_stopped(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let tasks: Vec<Task> = [1, 1, 1, 2].map(|minutes| task_of(&ticket, minutes)).into();
    store_all(&store, &tasks).await;

    let mut tx = store.read(org.id).await.unwrap();
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let filter = TaskFilter::default();
        let page = task::list(&mut tx, &filter, after.as_ref(), 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(TaskCursor::of(last));
        listed.extend(page);
    }

    assert_eq!(listed, tasks);
}

async fn tasks_are_counted_by_request(store: Store) {
    let org = tree(&store).await.client;
    let (ticket, other) = (stored_ticket(&store, &org).await, stored_ticket(&store, &org).await);
    let done = Task { standing: Standing::Done, ..task_of(&ticket, 1) };
    store_all(&store, &[task_of(&ticket, 1), done, task_of(&ticket, 2)]).await;

    let mut tx = store.read(org.id).await.unwrap();
    let counts = task::counts(&mut tx, &[ticket.id, other.id]).await.unwrap();

    assert_eq!(counts, [(ticket.id, TaskCount { open: 2, total: 3 })]);
    assert_eq!(task::counts(&mut tx, &[]).await.unwrap(), []);
    let headings = ticket::headings(&mut tx, &[ticket.id]).await.unwrap();
    assert_eq!(headings[0].1.number, ticket.number);
}

async fn tasks_of_organizations_are_apart(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let ticket = stored_ticket(&store, &client).await;
    let mut ours = task_of(&ticket, 1);
    store_all(&store, std::slice::from_ref(&ours)).await;

    let mut tx = store.write(other.id).await.unwrap();
    assert_eq!(task::find(&mut tx, ours.id).await.unwrap(), None);
    assert_eq!(task::find_by_number(&mut tx, &ours.number).await.unwrap(), None);
    assert_eq!(task::of_ticket(&mut tx, ticket.id).await.unwrap(), []);
    assert_eq!(task::counts(&mut tx, &[ticket.id]).await.unwrap(), []);
    assert_eq!(task::numbers(&mut tx, &[ours.id]).await.unwrap(), []);
    let all = task::list(&mut tx, &TaskFilter::default(), None, 10).await.unwrap();
    assert_eq!(all, []);
    let refused = task::update(&mut tx, &mut ours).await;
    assert!(matches!(refused, Err(StoreError::WrongOrganization)), "{refused:?}");
    // Nor does a task of theirs belong to a request of ours.
    let theirs = Task { org: other.id, ticket: TicketId(ticket.id.0), ..task_of(&ticket, 1) };
    let refused = task::insert_many(&mut tx, &[theirs]).await;
    assert!(matches!(refused, Err(StoreError::Database(_))), "{refused:?}");
}

async fn unreadable_tasks_are_reported(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    store_all(&store, &[task_of(&ticket, 1)]).await;
    let mut tx = store.system().await.unwrap();
    testing::execute(&mut tx, "update tasks set position = -1").await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.read(org.id).await.unwrap();
    let found = task::of_ticket(&mut tx, ticket.id).await;

    assert!(
        matches!(found, Err(StoreError::Corrupt { table: "tasks", column: "position" })),
        "{found:?}"
    );
}
