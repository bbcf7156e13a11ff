//! The rules of tasks, one test each.

use crate::{
    event::Actor,
    fields::FieldValue,
    fixture::{
        AGENT, COLLEAGUE, DESK, NETWORK, STRANGERS, Scene, act, fault, guard, hours, in_state, key,
        monday, nothing, number, open, pointers, settings, task, task_id, text, user, why, with,
        world,
    },
    ids::TicketId,
    permission::{Relation, allows, sees},
    refusal::{Faults, Refused},
    role::Role,
    task::{MAX_POSITION, MAX_TASKS, PlannedTask, TaskCount, check_plan, follow_siblings, planned},
    ticket::{
        Action, AwaitingKind, Code, Given, Needed, Notice, Stage, State, Ticket, TicketKind, Value,
        Who,
    },
};

fn states(tasks: &[Ticket]) -> Vec<State> {
    tasks.iter().map(Ticket::state).collect()
}

/// 1 and 2 come before 3, which is mandatory.
fn chain() -> Vec<Ticket> {
    let mut tasks = vec![task(1), task(2), task(3)];
    let third = tasks[2].task_mut().unwrap();
    third.depends_on = [task_id(1), task_id(2)].into();
    third.mandatory = true;
    follow_siblings(&mut tasks, monday());
    tasks
}

/// Takes an action on one of the tasks, and lets the others follow. Returns which of them did.
fn carry_out(tasks: &mut [Ticket], place: usize, action: Action, given: Given) -> Vec<usize> {
    let mut scene = Scene::at(1);
    scene.act(&mut tasks[place], action, given).unwrap();
    follow_siblings(tasks, scene.now).into_iter().map(|(place, _)| place).collect()
}

fn edit(tasks: &mut [Ticket], place: usize, given: &Given) -> Result<Vec<usize>, Refused> {
    let mut scene = Scene::at(1);
    scene.beside.tasks = tasks.to_vec();
    scene.edit(&mut tasks[place], given)?;
    Ok(follow_siblings(tasks, scene.now).into_iter().map(|(place, _)| place).collect())
}

fn after(numbers: &[u128]) -> Given {
    let ids: Vec<TicketId> = numbers.iter().map(|number| task_id(*number)).collect();
    with("depends_on", Value::Tickets(ids))
}

#[test]
fn a_task_opens_when_all_that_it_depends_on_are_done_or_skipped() {
    let mut tasks = chain();
    assert_eq!(states(&tasks)[2], State::Waiting);
    assert_eq!(carry_out(&mut tasks, 0, Action::Complete, nothing()), []);
    assert_eq!(states(&tasks)[2], State::Waiting);

    assert_eq!(carry_out(&mut tasks, 1, Action::Skip, why()), [2]);

    assert_eq!(states(&tasks), [State::Done, State::Skipped, State::Open]);
    assert_eq!(tasks[2].state_since, monday() + hours(1));
    assert_eq!(tasks[1].stage.outcome().unwrap().notes, "because");
}

#[test]
fn what_follows_is_told_in_the_tasks_own_history() {
    let mut tasks = vec![task(1), task(2)];
    tasks[1].task_mut().unwrap().depends_on = [task_id(1)].into();
    let moved = follow_siblings(&mut tasks, monday() + hours(1));
    let told: Vec<_> = moved[0].1.iter().map(|change| change.field.as_str()).collect();
    assert_eq!((moved[0].0, told.as_slice()), (1, &["state"][..]));
    assert!(follow_siblings(&mut tasks, monday() + hours(2)).is_empty());
}

#[test]
fn what_was_left_incomplete_opens_nothing_and_can_be_tried_again() {
    let mut tasks = chain();
    carry_out(&mut tasks, 0, Action::Complete, nothing());
    carry_out(&mut tasks, 1, Action::Incomplete, with("reason", text("no stock")));
    assert_eq!(states(&tasks)[2], State::Waiting);

    carry_out(&mut tasks, 1, Action::Start, nothing());
    carry_out(&mut tasks, 1, Action::Complete, nothing());

    assert_eq!(states(&tasks)[2], State::Open);
}

#[test]
fn who_starts_an_unassigned_task_of_their_team_gets_it() {
    let started_by = |person| {
        let mut task = task(1);
        Scene::at(1).by(user(person)).act(&mut task, Action::Start, nothing()).unwrap();
        task.assignee
    };
    assert_eq!(started_by(AGENT), Some(AGENT));
    assert_eq!(started_by(COLLEAGUE), None);
}

#[test]
fn a_task_goes_to_a_team_that_works_and_to_a_member_of_it() {
    let mut task = task(1);
    let mut assign = |given| act(&mut task, Action::Assign, given);
    let team = |team| with("team", Value::Team(team));
    assert_eq!(pointers(&assign(nothing()).unwrap_err()), ["/team"]);
    assert_eq!(pointers(&assign(team(STRANGERS)).unwrap_err()), ["/team"]);
    let colleague = |given: Given| given.with("assignee", Value::Person(COLLEAGUE));
    assert_eq!(pointers(&assign(colleague(team(DESK))).unwrap_err()), ["/assignee"]);
    assign(colleague(team(NETWORK))).unwrap();
    assert_eq!((task.team, task.assignee), (NETWORK, Some(COLLEAGUE)));
}

#[test]
fn a_reason_is_given_where_work_stops_without_being_done() {
    for action in [Action::Hold, Action::Incomplete, Action::Skip, Action::Cancel] {
        for given in [nothing(), with("reason", text("  "))] {
            let refused = act(&mut task(1), action, given).unwrap_err();
            assert_eq!(pointers(&refused), ["/reason"], "{action}");
        }
        let row = TicketKind::Task.rules().row(action).unwrap();
        assert!(
            row.inputs.iter().any(|input| input.name == "reason" && input.needed == Needed::Always)
        );
    }
}

#[test]
fn a_held_task_says_what_it_waits_for() {
    let mut task = task(1);
    act(&mut task, Action::Hold, with("reason", text(" the new plug "))).unwrap();
    let waiting = task.waiting_on(None, &settings()).unwrap();
    assert_eq!(waiting.what, crate::waiting::WaitingFor::Other("the new plug".to_owned()));
}

#[test]
fn a_mandatory_task_is_skipped_not_cancelled() {
    let mut tasks = chain();
    let refused = act(&mut tasks[2], Action::Cancel, why());
    assert!(guard(refused).contains("skip it"));
    edit(&mut tasks, 2, &with("mandatory", Value::Flag(false))).unwrap();
    carry_out(&mut tasks, 2, Action::Cancel, why());
    assert_eq!(states(&tasks)[2], State::Cancelled);
}

#[test]
fn a_request_is_not_fulfilled_before_its_mandatory_tasks() {
    let mut request = in_state(TicketKind::Request, State::InFulfilment, AwaitingKind::Caller);
    let mut tasks = chain();
    let mut fulfill = |tasks: &[Ticket], given: Given| {
        let mut scene = Scene::at(9);
        scene.beside.tasks = tasks.to_vec();
        scene.act(&mut request, Action::Fulfill, given)
    };
    let code = || with("fulfillment_code", text("complete"));
    let all = || code().with("fulfillment_notes", text("handed over"));
    let message = guard(fulfill(&tasks, all()));
    assert!(message.contains("TASK3 (waiting)") && !message.contains("TASK1"), "{message}");
    // Fields come before guards.
    let refused = fault(fulfill(&tasks, code()));
    assert_eq!(refused, ("/fulfillment_notes".to_owned(), "missing"));
    for unfinished in [State::OnHold, State::Incomplete, State::Cancelled] {
        let mut stopped = in_state(TicketKind::Task, unfinished, AwaitingKind::Other);
        stopped.task_mut().unwrap().mandatory = true;
        assert!(guard(fulfill(&[stopped], all())).contains(unfinished.as_str()));
    }
    carry_out(&mut tasks, 2, Action::Skip, with("reason", text("there is one")));
    fulfill(&tasks, all()).unwrap();
}

#[test]
fn what_is_over_with_its_ticket_is_cancelled_and_what_was_done_stays() {
    let mut tasks = chain();
    carry_out(&mut tasks, 0, Action::Complete, nothing());
    let now = monday() + hours(2);
    let mut end = || {
        let open = tasks.iter_mut().filter(|task| task.phase().is_active());
        let ended = open.map(|task| task.cancelled_with_parent("T1 was cancelled", now).len());
        ended.collect::<Vec<_>>()
    };
    // The state and the reason of each; a mandatory one ends too.
    assert_eq!(end(), [2, 2]);
    assert_eq!(end(), []);
    assert_eq!(states(&tasks), [State::Done, State::Cancelled, State::Cancelled]);
    assert_eq!(tasks[2].updated_at, now);
    let crate::ticket::Stage::Cancelled(end) = &tasks[2].stage else { panic!("goes on") };
    assert_eq!((end.reason.as_str(), &end.by), ("T1 was cancelled", &Actor::system()));
}

#[test]
fn a_new_task_goes_behind_the_others() {
    let mut tasks = chain();
    let place = |task: &Ticket| task.task().unwrap().position;
    let mut new = task(4);
    new.go_behind(&[]);
    assert_eq!(place(&new), 0);
    edit(&mut tasks, 1, &with("position", number(7))).unwrap();
    new.go_behind(&tasks);
    assert_eq!(place(&new), 8);
    edit(&mut tasks, 1, &with("position", number(MAX_POSITION.into()))).unwrap();
    new.go_behind(&tasks);
    assert_eq!(place(&new), MAX_POSITION);
}

#[test]
fn a_ticket_takes_so_many_tasks_as_long_as_it_is_worked_on() {
    let at = |state| in_state(TicketKind::Incident, state, AwaitingKind::Caller);
    let open = at(State::InProgress);
    assert!(open.check_room_for_task(MAX_TASKS - 1).is_ok());
    assert!(guard(open.check_room_for_task(MAX_TASKS)).contains("the maximum"));
    let message = guard(at(State::Cancelled).check_room_for_task(0));
    assert!(message.contains("can no longer be added"), "{message}");
    let refused = fault(task(1).check_room_for_task(0));
    assert_eq!(refused, ("/parent".to_owned(), "a-task"));
}

#[test]
fn a_ticket_ends_its_tasks_once_it_needs_them_no_more() {
    for kind in TicketKind::ALL {
        for ticket in crate::fixture::in_every_state(*kind) {
            let ends = ticket.ends_its_tasks();
            assert_eq!(ends.is_none(), ticket.phase().is_active(), "{kind} {}", ticket.state());
        }
    }
    let rejected = in_state(TicketKind::Request, State::Rejected, AwaitingKind::Caller);
    assert_eq!(rejected.ends_its_tasks().as_deref(), Some("T1 was rejected"));
    // The review of an accepted risk outlives its problem.
    let mut closed = in_state(TicketKind::Problem, State::Closed, AwaitingKind::Caller);
    assert_eq!(closed.ends_its_tasks().as_deref(), Some("T1 was closed"));
    let Stage::Closed(_, outcome, _) = &mut closed.stage else { panic!("it is closed") };
    outcome.code = Some(Code::RiskAccepted);
    assert_eq!(closed.ends_its_tasks(), None);
}

#[test]
fn the_tasks_of_a_request_wait_for_its_fulfilment_and_those_of_others_do_not() {
    let works = |kind, state| {
        let mut scene = Scene::at(5);
        scene.beside.parent = Some(in_state(kind, state, AwaitingKind::Vendor));
        scene.act(&mut task(1), Action::Start, nothing()).is_ok()
    };
    let request = [State::New, State::AwaitingApproval, State::InFulfilment, State::OnHold];
    assert_eq!(request.map(|state| works(TicketKind::Request, state)), [false, false, true, true]);
    let problem = [State::New, State::RootCauseAnalysis, State::Resolved, State::Closed];
    assert_eq!(problem.map(|state| works(TicketKind::Problem, state)), [true, true, true, false]);
    assert!(works(TicketKind::Incident, State::New));
    // What nobody needs is skipped all the same.
    let mut scene = Scene::at(5);
    scene.beside.parent = Some(in_state(TicketKind::Request, State::New, AwaitingKind::Caller));
    scene.act(&mut task(1), Action::Skip, why()).unwrap();
}

#[test]
fn no_task_waits_for_itself() {
    let mut tasks = chain();
    for (place, on) in [(0, 3), (1, 3)] {
        let refused = edit(&mut tasks, place, &after(&[on])).unwrap_err();
        assert_eq!(pointers(&refused), ["/depends_on"], "{place} after {on}");
    }
    assert!(edit(&mut tasks, 0, &after(&[1])).is_err());
    assert_eq!(edit(&mut tasks, 1, &after(&[1])).unwrap(), [1]);
    assert_eq!(states(&tasks)[1], State::Waiting);
    assert_eq!(edit(&mut tasks, 1, &after(&[])).unwrap(), [1]);
    assert_eq!(states(&tasks)[1], State::Open);
}

#[test]
fn what_comes_before_a_task_is_settled_once_it_was_started() {
    let mut tasks = chain();
    carry_out(&mut tasks, 0, Action::Start, nothing());
    assert!(guard(edit(&mut tasks, 0, &after(&[2]))).contains("in_progress"));
}

#[test]
fn only_tasks_of_the_same_ticket_are_named() {
    let mut tasks = chain();
    let refused = edit(&mut tasks, 1, &after(&[1, 9])).unwrap_err();
    assert_eq!(pointers(&refused), ["/depends_on/1"]);
}

#[test]
fn every_fault_of_a_new_task_is_named() {
    let given = with("short_description", text(" "))
        .with("position", number(u32::from(MAX_POSITION) + 1))
        .with("team", Value::Team(STRANGERS));
    let refused = open(TicketKind::Task, &given, None).unwrap_err();
    assert_eq!(pointers(&refused), ["/short_description", "/position"]);
    // The team is looked up with the other tasks.
    let mut stray = task(1);
    stray.team = STRANGERS;
    let mut faults = Faults::new();
    stray.check_task(&[], &world(), &mut faults);
    assert_eq!(pointers(&faults.finish().unwrap_err()), ["/team"]);
}

#[test]
fn a_task_is_mandatory_and_has_its_teams_work_unless_that_is_said() {
    let given = with("short_description", text("one more"));
    let task = open(TicketKind::Task, &given, None).unwrap();
    assert!(task.task().unwrap().mandatory);
    assert_eq!((task.team, task.assignee, task.requester), (DESK, None, None));
    assert_eq!(task.state(), State::Open);
    let given = given.with("depends_on", Value::Tickets(vec![task_id(1)]));
    assert_eq!(open(TicketKind::Task, &given, None).unwrap().state(), State::Waiting);
}

#[test]
fn tasks_are_counted_by_whether_somebody_still_has_to_do_something() {
    let mut tasks = chain();
    carry_out(&mut tasks, 0, Action::Complete, nothing());
    carry_out(&mut tasks, 1, Action::Incomplete, why());
    assert_eq!(TaskCount::of(tasks.iter()), TaskCount { open: 1, total: 3 });
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
    let tasks = planned(&plan, &request, &world(), &settings(), &mut next_id, monday()).unwrap();

    let shown: Vec<_> = tasks
        .iter()
        .map(|task| (task.short_description.as_str(), task.state(), task.team))
        .collect();
    assert_eq!(
        shown,
        [
            // A team that is not there is replaced by the request's own.
            ("install", State::Waiting, DESK),
            ("hand-over", State::Waiting, NETWORK),
            ("buy", State::Open, NETWORK),
        ]
    );
    assert_eq!(tasks[0].task().unwrap().depends_on, [task_id(2)].into());
    assert!(tasks.iter().all(|task| task.parent == Some(request.id)));
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
    let works = Relation { works: true, ..other };
    let task = task(1);
    let rows = || TicketKind::Task.rules().rows().filter(|row| row.who != Who::System);
    let may = |role, relation| -> Vec<Action> {
        let allowed = |action: &Action| allows(role, relation, *action, &task).is_ok();
        rows().map(|row| row.action).filter(allowed).collect()
    };
    let all: Vec<Action> = rows().map(|row| row.action).collect();
    assert_eq!(may(Role::Agent, own), all);
    assert_eq!(may(Role::Admin, other), all);
    assert_eq!(
        may(Role::Requester, works),
        [Action::Start, Action::Hold, Action::Resume, Action::Complete, Action::Incomplete]
    );
    for (role, relation) in [
        (Role::Requester, own),
        (Role::Requester, Relation { owns: true, works: true, ..other }),
        (Role::Requester, other),
        (Role::Auditor, works),
    ] {
        assert!(may(role, relation).is_empty(), "{role}");
    }
    assert!(sees(Role::Requester, works) && sees(Role::Requester, own));
    assert!(!sees(Role::Requester, other) && sees(Role::Auditor, other));
}

#[test]
fn each_step_of_a_task_is_told_in_the_words_that_people_subscribe_to() {
    let told = |action, state| {
        let mut task = in_state(TicketKind::Task, state, AwaitingKind::Other);
        act(&mut task, action, why()).unwrap().tells
    };
    assert_eq!(told(Action::Start, State::Open), Some(Notice::StateChanged));
    assert_eq!(told(Action::Complete, State::InProgress), Some(Notice::Resolved));
    assert_eq!(told(Action::Skip, State::Waiting), Some(Notice::Closed));
}

#[test]
fn a_task_has_fields_of_the_organizations_own_as_every_ticket() {
    let own = [("rack".to_owned(), FieldValue::Text("B7".to_owned()))].into();
    let mut tasks = chain();
    edit(&mut tasks, 0, &with("fields", Value::Facts(own))).unwrap();
    let rack = FieldValue::Text("B7".to_owned());
    assert_eq!(tasks[0].fields.iter().collect::<Vec<_>>(), [(&key("rack"), &rack)]);
}
