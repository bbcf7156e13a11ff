//! The rules of tasks, one test each.

use std::collections::BTreeSet;

use crate::{
    fixture::{
        AGENT, COLLEAGUE, DESK, NETWORK, ORG, STRANGERS, hours, in_state, key, monday, task,
        task_id, ticket_id, user, world,
    },
    ids::TaskId,
    incident::AwaitingKind,
    permission::{Relation, allows_task, sees_task},
    refusal::{Faults, Refused},
    request::FulfilmentCode,
    role::Role,
    task::{
        MAX_TASKS, NewTask, PlannedTask, Task, TaskAction, TaskEdit, TaskMove, TaskState, Tasks,
        check_plan, planned,
    },
    ticket::{State, TicketKind},
};

fn states(tasks: &Tasks) -> Vec<TaskState> {
    tasks.all().iter().map(Task::state).collect()
}

fn pointers(refused: &Refused) -> Vec<&str> {
    match refused {
        Refused::MissingFields(faults) | Refused::Invalid(faults) => {
            faults.iter().map(|fault| fault.pointer.as_str()).collect()
        }
        other => panic!("{other}"),
    }
}

fn guard(refused: Refused) -> String {
    match refused {
        Refused::Guard { message, .. } => message,
        other => panic!("{other}"),
    }
}

/// 1 and 2 come before 3.
fn chain() -> Tasks {
    let mut third = task(3);
    third.depends_on = [task_id(1), task_id(2)].into();
    third.mandatory = true;
    let mut tasks = Tasks::new(vec![task(1), task(2), third]);
    let before = tasks.clone();
    tasks.settle(&before, None, monday());
    tasks
}

fn carry_out(tasks: &mut Tasks, number: u128, step: TaskMove<'_>) -> Vec<String> {
    let changes = tasks.carry_out(task_id(number), step, &world(), monday() + hours(1)).unwrap();
    changes.into_iter().map(|change| change.field).collect()
}

#[test]
fn a_task_opens_when_all_that_it_depends_on_are_done_or_skipped() {
    let mut tasks = chain();
    assert_eq!(states(&tasks)[2], TaskState::Waiting);
    assert_eq!(carry_out(&mut tasks, 1, TaskMove::Complete), ["task/TASK1/state"]);
    assert_eq!(states(&tasks)[2], TaskState::Waiting);

    let skipped = carry_out(&mut tasks, 2, TaskMove::Skip { reason: Some("there is one") });

    assert_eq!(skipped, ["task/TASK2/state", "task/TASK2/reason", "task/TASK3/state"]);
    assert_eq!(states(&tasks)[2], TaskState::Open);
    assert_eq!(tasks.get(task_id(3)).unwrap().state_since, monday() + hours(1));
}

#[test]
fn what_was_left_incomplete_opens_nothing_and_can_be_tried_again() {
    let mut tasks = chain();
    carry_out(&mut tasks, 1, TaskMove::Complete);
    carry_out(&mut tasks, 2, TaskMove::Incomplete { reason: Some("no stock") });
    assert_eq!(states(&tasks)[2], TaskState::Waiting);

    carry_out(&mut tasks, 2, TaskMove::Start { by: None });
    carry_out(&mut tasks, 2, TaskMove::Complete);

    assert_eq!(states(&tasks)[2], TaskState::Open);
}

#[test]
fn who_starts_an_unassigned_task_of_their_team_gets_it() {
    let mut tasks = chain();
    carry_out(&mut tasks, 1, TaskMove::Start { by: Some(AGENT) });
    carry_out(&mut tasks, 2, TaskMove::Start { by: Some(COLLEAGUE) });
    let assignees: Vec<_> = tasks.all().iter().map(|task| task.assignee).collect();
    assert_eq!(assignees, [Some(AGENT), None, None]);
}

#[test]
fn a_task_goes_to_a_team_that_works_and_to_a_member_of_it() {
    let mut tasks = chain();
    let mut assign = |team, assignee| {
        let step = TaskMove::Assign { team, assignee };
        tasks.carry_out(task_id(1), step, &world(), monday())
    };
    assert_eq!(pointers(&assign(None, None).unwrap_err()), ["/team"]);
    assert_eq!(pointers(&assign(Some(STRANGERS), None).unwrap_err()), ["/team"]);
    assert_eq!(pointers(&assign(Some(DESK), Some(COLLEAGUE)).unwrap_err()), ["/assignee"]);
    assign(Some(NETWORK), Some(COLLEAGUE)).unwrap();
}

#[test]
fn a_reason_is_given_where_work_stops_without_being_done() {
    let mut tasks = chain();
    for step in [
        TaskMove::Hold { reason: None },
        TaskMove::Incomplete { reason: Some("  ") },
        TaskMove::Skip { reason: None },
        TaskMove::Cancel { reason: None },
    ] {
        let refused = tasks.carry_out(task_id(1), step, &world(), monday()).unwrap_err();
        assert_eq!(pointers(&refused), ["/reason"], "{}", step.action());
        assert_eq!(step.action().demands(), ["/reason"]);
    }
}

#[test]
fn a_mandatory_task_is_skipped_not_cancelled() {
    let mut tasks = chain();
    let cancel = TaskMove::Cancel { reason: Some("no") };
    let refused = tasks.carry_out(task_id(3), cancel, &world(), monday()).unwrap_err();
    assert!(guard(refused).contains("skip it"));
    let optional = TaskEdit { mandatory: Some(false), ..TaskEdit::default() };
    tasks.edit(task_id(3), optional, Faults::new(), monday()).unwrap();
    carry_out(&mut tasks, 3, cancel);
}

#[test]
fn a_request_is_not_fulfilled_before_its_mandatory_tasks() {
    let mut request = in_state(TicketKind::Request, State::InFulfilment, AwaitingKind::Caller);
    let mut tasks = chain();
    let mut fulfill = |tasks: &Tasks| {
        let (code, done) = (Some(FulfilmentCode::Complete), Some("handed over"));
        request.fulfill(code, done, tasks, &user(AGENT), monday() + hours(9))
    };
    let message = guard(fulfill(&tasks).unwrap_err());
    assert!(message.contains("TASK3 (waiting)") && !message.contains("TASK1"), "{message}");
    // Fields come before guards.
    carry_out(&mut tasks, 3, TaskMove::Skip { reason: Some("there is one") });
    fulfill(&tasks).unwrap();
}

#[test]
fn what_is_over_with_its_request_is_cancelled_and_what_was_done_stays() {
    let mut tasks = chain();
    carry_out(&mut tasks, 1, TaskMove::Complete);
    let before = tasks.clone();

    let changes = tasks.end("the request was cancelled", monday() + hours(2));

    assert_eq!(states(&tasks), [TaskState::Done, TaskState::Cancelled, TaskState::Cancelled]);
    assert_eq!(changes.len(), 4);
    let moved: Vec<TaskId> = tasks.changed_since(&before).iter().map(|task| task.id).collect();
    assert_eq!(moved, [task_id(2), task_id(3)]);
    assert!(tasks.end("again", monday()).is_empty());
}

#[test]
fn no_task_waits_for_itself() {
    let mut tasks = chain();
    let after =
        |number| TaskEdit { depends_on: Some([task_id(number)].into()), ..TaskEdit::default() };
    for (number, on) in [(1, 1), (1, 3), (2, 3)] {
        let refused = tasks.edit(task_id(number), after(on), Faults::new(), monday()).unwrap_err();
        assert_eq!(pointers(&refused), ["/depends_on"], "{number} after {on}");
    }
    tasks.edit(task_id(2), after(1), Faults::new(), monday()).unwrap();
    assert_eq!(states(&tasks)[1], TaskState::Waiting);
    let nothing = TaskEdit { depends_on: Some(BTreeSet::new()), ..TaskEdit::default() };
    tasks.edit(task_id(2), nothing, Faults::new(), monday()).unwrap();
    assert_eq!(states(&tasks)[1], TaskState::Open);
}

#[test]
fn what_comes_before_a_task_is_settled_once_it_was_started() {
    let mut tasks = chain();
    carry_out(&mut tasks, 1, TaskMove::Start { by: None });
    let edit = TaskEdit { depends_on: Some([task_id(2)].into()), ..TaskEdit::default() };
    assert!(
        guard(tasks.edit(task_id(1), edit, Faults::new(), monday()).unwrap_err())
            .contains("in_progress")
    );
}

#[test]
fn only_tasks_of_the_same_request_are_named() {
    let tasks = chain();
    let mut faults = Faults::new();
    let id = task_id(2).to_string();
    let given = ["task1".to_owned(), "TASK9".to_owned(), id];
    assert_eq!(tasks.named("/depends_on", &given, &mut faults), None);
    assert_eq!(faults.into_vec()[0].pointer, "/depends_on/1");
    let mut faults = Faults::new();
    let found = tasks.named("/depends_on", &[given[0].clone(), given[2].clone()], &mut faults);
    assert_eq!(found, Some([task_id(1), task_id(2)].into()));
}

#[test]
fn tasks_are_added_behind_the_others_and_not_without_end() {
    let new = |number: usize| NewTask {
        id: task_id(100 + number as u128),
        org: ORG,
        ticket: ticket_id(0),
        short_description: "one more",
        description: "",
        team: DESK,
        assignee: None,
        position: None,
        mandatory: true,
        depends_on: BTreeSet::new(),
    };
    let mut tasks = chain();
    for number in 3..MAX_TASKS {
        tasks.add(new(number), Faults::new(), &world(), monday()).unwrap();
    }
    let last = tasks.all().last().unwrap();
    assert_eq!((last.id, last.state()), (task_id(149), TaskState::Open));
    assert!(
        guard(tasks.add(new(0), Faults::new(), &world(), monday()).unwrap_err()).contains("50")
    );

    let wrong =
        NewTask { short_description: " ", position: Some(1_001), team: STRANGERS, ..new(0) };
    let refused = Tasks::default().add(wrong, Faults::new(), &world(), monday()).unwrap_err();
    assert_eq!(pointers(&refused), ["/short_description", "/position", "/team"]);
}

fn piece(name: &str, after: &[&str]) -> PlannedTask {
    PlannedTask {
        key: key(name),
        short_description: name.to_owned(),
        description: String::new(),
        team: Some(key("network")),
        position: 1,
        mandatory: true,
        depends_on: after.iter().map(|name| key(name)).collect(),
    }
}

#[test]
fn a_plan_becomes_the_first_tasks_of_a_request() {
    let request = in_state(TicketKind::Request, State::InFulfilment, AwaitingKind::Caller);
    let mut plan = vec![piece("hand-over", &["buy", "install"]), piece("buy", &[])];
    plan.push(PlannedTask { team: Some(key("gone")), position: 0, ..piece("install", &["buy"]) });
    let mut faults = Faults::new();
    check_plan("/tasks", &mut plan, &mut faults);
    assert!(faults.is_empty());

    let mut count = 0;
    let mut next_id = || {
        count += 1;
        task_id(count)
    };
    let tasks = planned(&plan, &request, &world(), &mut next_id, monday());

    let shown: Vec<_> = tasks
        .iter()
        .map(|task| (task.short_description.as_str(), task.state(), task.team))
        .collect();
    assert_eq!(
        shown,
        [
            // A team that is not there is replaced by the request's own.
            ("install", TaskState::Waiting, DESK),
            ("hand-over", TaskState::Waiting, NETWORK),
            ("buy", TaskState::Open, NETWORK),
        ]
    );
    assert_eq!(tasks[0].depends_on, [task_id(2)].into());
}

#[test]
fn every_fault_of_a_plan_is_named_at_its_place() {
    let mut plan = vec![
        PlannedTask { short_description: String::new(), position: 2_000, ..piece("a", &["b"]) },
        piece("b", &["a"]),
        piece("b", &["nowhere"]),
        piece("c", &["c"]),
    ];
    let mut faults = Faults::new();
    check_plan("/tasks", &mut plan, &mut faults);
    let mut found: Vec<_> =
        faults.into_vec().into_iter().map(|fault| (fault.pointer, fault.code)).collect();
    found.sort_unstable();
    let expected = [
        ("/tasks/0/depends_on", "circular"),
        ("/tasks/0/position", "out-of-range"),
        ("/tasks/0/short_description", "missing"),
        ("/tasks/1/depends_on", "circular"),
        ("/tasks/2/depends_on", "circular"),
        ("/tasks/2/depends_on", "unknown"),
        ("/tasks/2/key", "taken"),
        ("/tasks/3/depends_on", "circular"),
    ]
    .map(|(pointer, code)| (pointer.to_owned(), code));
    assert_eq!(found, expected);
}

#[test]
fn the_desk_plans_the_assignee_works_and_the_requester_does_neither() {
    let other = Relation::default();
    let own = Relation { owns: true, ..other };
    let may = |role, relation, is_assignee| -> Vec<&str> {
        let allowed =
            |action: &&TaskAction| allows_task(role, relation, is_assignee, **action).is_ok();
        TaskAction::ALL.iter().filter(allowed).map(|action| action.as_str()).collect()
    };
    assert_eq!(may(Role::Agent, own, false), TaskAction::NAMES);
    assert_eq!(may(Role::Admin, other, false), TaskAction::NAMES);
    assert_eq!(
        may(Role::Requester, other, true),
        ["start", "hold", "resume", "complete", "incomplete"]
    );
    for (role, relation, is_assignee) in [
        (Role::Requester, own, false),
        (Role::Requester, own, true),
        (Role::Requester, other, false),
        (Role::Auditor, other, true),
    ] {
        assert!(may(role, relation, is_assignee).is_empty(), "{role}");
    }
    assert!(sees_task(Role::Requester, other, true) && sees_task(Role::Requester, own, false));
    assert!(!sees_task(Role::Requester, other, false) && sees_task(Role::Auditor, other, false));
}
