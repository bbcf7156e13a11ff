//! The rules of the actions, one test each.

mod life;
mod traps;

use chrono::Duration;

use crate::{
    event::{Actor, ActorKind},
    fixture::{
        AGENT, CALLER, COLLEAGUE, DESK, DISSOLVED, MANAGER, NETWORK, PAYROLL, PROVIDERS, SERVER,
        STRANGERS, Scene, act, another, blank, edit, fault, guard, holding, hours, in_every_state,
        in_state, make_major_for, monday, nothing, number, open, opened, pointers, resolved_as,
        settings, text, ticket_id, user, why, with, world,
    },
    organization::ResolveDemand,
    permission::Relation,
    priority::{Level, PrioritySource},
    refusal::Refused,
    role::Role,
    ticket::{
        Action, AwaitingKind, CancelOutcome, Code, Given, Hold, Row, Stage, State, Ticket,
        TicketKind, Value, Who, state_change,
    },
};

fn is_guard<T>(refused: &Result<T, Refused>) -> bool {
    matches!(refused, Err(Refused::Guard { .. }))
}

fn is_missing<T>(refused: &Result<T, Refused>) -> bool {
    matches!(refused, Err(Refused::MissingFields(_)))
}

fn named<T: std::fmt::Debug>(refused: Result<T, Refused>) -> Vec<String> {
    pointers(&refused.unwrap_err()).into_iter().map(str::to_owned).collect()
}

fn incident(state: State) -> Ticket {
    in_state(TicketKind::Incident, state, AwaitingKind::Caller)
}

fn request(state: State) -> Ticket {
    in_state(TicketKind::Request, state, AwaitingKind::Caller)
}

fn hold(ticket: &Ticket) -> &Hold {
    ticket.stage.hold().unwrap()
}

fn to_team(team: crate::ids::TeamId, assignee: Option<crate::ids::PersonId>) -> Given {
    let mut given = with("team", Value::Team(team));
    given.put("assignee", assignee.map(Value::Person));
    given
}

fn said(words: &str) -> Given {
    with("text", text(words))
}

/// The kinds that somebody is told about and answers.
const FOR_SOMEBODY: [TicketKind; 2] = [TicketKind::Incident, TicketKind::Request];

#[test]
fn w4_a_new_ticket_belongs_to_the_fallback_team() {
    for kind in TicketKind::ALL {
        assert_eq!(opened(*kind).team, DESK);
    }
}

#[test]
fn every_fault_of_a_new_ticket_is_named_at_once() {
    let faulty = blank(TicketKind::Incident)
        .with("short_description", text(" \n "))
        .with("description", text(&"x".repeat(33_000)))
        .with("tags", Value::Texts(vec!["ok".to_owned(), "y".repeat(51)]))
        .with("impact", number(4))
        .with("opened_at", Value::Time(monday() + hours(1)))
        .with("external_ref", Value::ExternalRef("tickets.csv".to_owned(), String::new()));
    let refused = open(TicketKind::Incident, &faulty, None).unwrap_err();
    let mut named = pointers(&refused);
    named.sort_unstable();
    named.dedup();
    let expected = [
        "/description",
        "/external_ref/id",
        "/impact",
        "/opened_at",
        "/short_description",
        "/tags/1",
    ];
    assert_eq!(named, expected);
    assert_eq!(pointers(&refused).len(), expected.len(), "each fault is named once");
    assert!(matches!(refused, Refused::Invalid(_)));
}

#[test]
fn a_text_without_place_in_a_database_is_refused() {
    let faulty = blank(TicketKind::Incident).with("description", text("a\0b"));
    assert_eq!(named(open(TicketKind::Incident, &faulty, None)), ["/description"]);
}

#[test]
fn r12_resolve_names_every_missing_field() {
    let mut scene = Scene::at(1);
    scene.settings.resolve_demands = ResolveDemand::ALL.to_vec();
    let mut incident = opened(TicketKind::Incident);
    for given in [nothing(), with("resolution_notes", text("  "))] {
        let refused = scene.act(&mut incident, Action::Resolve, given);
        assert!(is_missing(&refused));
        let expected =
            ["/resolution_code", "/resolution_notes", "/category", "/service", "/assignee"];
        assert_eq!(named(refused), expected);
    }
    assert_eq!(incident, opened(TicketKind::Incident));
}

#[test]
fn r12_a_resolved_incident_keeps_code_notes_time_and_author() {
    let mut incident = incident(State::InProgress);
    let given = resolved_as(Code::HardwareRepair).with("resolution_notes", text(" a new fuser\n"));
    let mut scene = Scene::at(3);
    let done = scene.act(&mut incident, Action::Resolve, given).unwrap();
    assert_eq!(done.reason.as_deref(), Some("a new fuser"));
    let Stage::Done(State::Resolved, outcome) = &incident.stage else { panic!("not resolved") };
    assert_eq!((outcome.code, outcome.notes.as_str()), (Some(Code::HardwareRepair), "a new fuser"));
    assert_eq!((outcome.at, &outcome.by), (scene.now, &user(AGENT)));
}

#[test]
fn r12_an_outcome_has_a_code_of_its_own_kind() {
    let cases = [
        (incident(State::InProgress), Action::Resolve, "resolution", "complete"),
        (request(State::InFulfilment), Action::Fulfill, "fulfillment", "fixed"),
        (opened(TicketKind::Problem), Action::Resolve, "resolution", "fixed"),
        (opened(TicketKind::Incident), Action::Resolve, "resolution", "gone"),
    ];
    for (mut ticket, action, prefix, code) in cases {
        let names = if prefix == "resolution" {
            ["resolution_code", "resolution_notes"]
        } else {
            ["fulfillment_code", "fulfillment_notes"]
        };
        let given = with(names[0], text(code)).with(names[1], text("so it is"));
        let refused = fault(act(&mut ticket, action, given));
        assert_eq!(refused, (format!("/{}", names[0]), "unknown"));
    }
}

#[test]
fn a_choice_is_one_of_those_that_the_action_names() {
    // Only an incident waits for a problem.
    let given = holding(AwaitingKind::Problem);
    let refused = act(&mut request(State::InFulfilment), Action::Hold, given.clone());
    assert_eq!(fault(refused), ("/awaiting".to_owned(), "unknown"));
    let task = with("to", text("task")).with("reason", text("it is one"));
    let refused = act(&mut opened(TicketKind::Incident), Action::Convert, task);
    assert_eq!(fault(refused), ("/to".to_owned(), "unknown"));
}

#[test]
fn a_team_must_serve_the_organization() {
    for kind in TicketKind::ALL {
        let mut ticket = opened(*kind);
        for team in [STRANGERS, DISSOLVED] {
            let refused = act(&mut ticket, Action::Assign, to_team(team, None));
            assert_eq!(named(refused), ["/team"]);
        }
        assert!(is_missing(&act(&mut ticket, Action::Assign, nothing())));
        act(&mut ticket, Action::Assign, to_team(PROVIDERS, Some(COLLEAGUE))).unwrap();
        assert_eq!(ticket.team, PROVIDERS);
    }
}

#[test]
fn only_a_member_of_the_team_works_on_a_ticket() {
    let mut incident = opened(TicketKind::Incident);
    let refused = act(&mut incident, Action::Assign, to_team(DESK, Some(COLLEAGUE)));
    assert_eq!(named(refused), ["/assignee"]);
    let given = with("assignee", Value::Person(COLLEAGUE));
    assert_eq!(named(act(&mut incident, Action::Start, given)), ["/assignee"]);
    // Whoever starts it works on it, if nobody else is named.
    let mut colleague = Scene::at(1).by(user(COLLEAGUE));
    assert_eq!(named(colleague.act(&mut incident, Action::Start, nothing())), ["/assignee"]);
    let mut program = Scene::at(1).by(Actor { kind: ActorKind::Api, person: None });
    assert!(is_missing(&program.act(&mut incident, Action::Start, nothing())));
    act(&mut incident, Action::Start, nothing()).unwrap();
    assert_eq!(incident.assignee, Some(AGENT));
}

#[test]
fn reassignments_are_counted_after_the_first_assignment_to_a_person() {
    let mut incident = opened(TicketKind::Incident);
    let mut assign = |team, person| {
        act(&mut incident, Action::Assign, to_team(team, person)).unwrap();
        incident.reassignment_count
    };
    assert_eq!(assign(DESK, Some(AGENT)), 0);
    assert_eq!(assign(NETWORK, Some(AGENT)), 1);
    assert_eq!(assign(NETWORK, Some(COLLEAGUE)), 2);
    assert_eq!(assign(NETWORK, Some(COLLEAGUE)), 2);
}

#[test]
fn w5_an_assignment_tells_what_was_before_and_what_is_after() {
    let mut incident = opened(TicketKind::Incident);
    let done = act(&mut incident, Action::Assign, to_team(NETWORK, Some(AGENT))).unwrap();
    let told = done
        .changes
        .iter()
        .map(|c| (c.field.as_str(), c.before.as_deref(), c.after.as_deref()))
        .collect::<Vec<_>>();
    let agent = AGENT.to_string();
    let expected =
        [("team", Some("desk"), Some("network")), ("assignee", None, Some(agent.as_str()))];
    assert_eq!(told, expected);
}

#[test]
fn w5_a_change_of_state_is_among_the_changes() {
    let mut incident = opened(TicketKind::Incident);
    let done = act(&mut incident, Action::Start, nothing()).unwrap();
    assert_eq!(state_change(&done.changes), Some((Some(State::New), State::InProgress)));
    let done = act(&mut incident, Action::Acknowledge, nothing()).unwrap();
    assert_eq!(state_change(&done.changes), None);
}

#[test]
fn w5_the_first_event_holds_the_facts_but_not_the_texts() {
    let changes = opened(TicketKind::Incident).first_changes(&world());
    let after = |field: &str| {
        changes.iter().find(|change| change.field == field).and_then(|c| c.after.as_deref())
    };
    assert_eq!(
        (after("state"), after("team"), after("priority")),
        (Some("new"), Some("desk"), Some("5"))
    );
    assert_eq!((after("short_description"), after("description")), (None, None));
}

#[test]
fn holding_for_the_same_reason_again_is_refused_and_another_reason_starts_a_new_wait() {
    let mut incident = opened(TicketKind::Incident);
    let mut hold_at = |hour, vendor: &str| {
        let given = holding(AwaitingKind::Vendor).with("vendor", text(vendor));
        let held = Scene::at(hour).act(&mut incident, Action::Hold, given);
        (held, hold(&incident).since, incident.state_since)
    };
    hold_at(1, "Dell").0.unwrap();
    let (refused, since, _) = hold_at(2, " Dell ");
    assert!(is_guard(&refused));
    assert_eq!(since, monday() + hours(1));
    let (done, since, state_since) = hold_at(3, "Lenovo");
    assert_eq!(done.unwrap().changes.len(), 1);
    assert_eq!((since, state_since), (monday() + hours(3), monday() + hours(3)));
}

#[test]
fn a_hold_says_what_is_missing_for_its_reason() {
    let mut incident = opened(TicketKind::Incident);
    let awaiting = |kind: AwaitingKind| with("awaiting", text(kind.as_str()));
    let cases = [
        (nothing(), "/awaiting"),
        (awaiting(AwaitingKind::Caller), "/comment"),
        (awaiting(AwaitingKind::Vendor), "/vendor"),
        (awaiting(AwaitingKind::Evidence), "/person"),
        (awaiting(AwaitingKind::Problem), "/problem"),
    ];
    for (given, missing) in cases {
        let refused = act(&mut incident, Action::Hold, given);
        assert!(is_missing(&refused));
        assert_eq!(named(refused), [missing]);
    }
    for blank in ["comment", "vendor"] {
        let kind = if blank == "comment" { AwaitingKind::Caller } else { AwaitingKind::Vendor };
        let refused = act(&mut incident, Action::Hold, holding(kind).with(blank, text(" ")));
        assert_eq!(named(refused), [format!("/{blank}")]);
    }
    let past = holding(AwaitingKind::Evidence).with("follow_up_at", Value::Time(monday()));
    assert_eq!(named(Scene::at(0).act(&mut incident, Action::Hold, past)), ["/follow_up_at"]);
}

#[test]
fn the_question_to_the_caller_is_a_public_comment() {
    let mut incident = opened(TicketKind::Incident);
    let done = act(&mut incident, Action::Hold, holding(AwaitingKind::Caller)).unwrap();
    let said = done.left.said.unwrap();
    assert_eq!(
        (said.visibility, said.text.as_str()),
        (crate::comment::Visibility::Public, "which one?")
    );
    assert_eq!(done.left.text.as_deref(), Some("which one?"));
}

#[test]
fn an_incident_waits_for_a_problem_that_is_worked_on_and_is_linked_to_it() {
    let mut waiting = opened(TicketKind::Incident);
    let given = || holding(AwaitingKind::Problem);
    let problem = another(TicketKind::Problem);
    Scene::at(1).beside(problem.clone()).act(&mut waiting, Action::Hold, given()).unwrap();
    assert_eq!(waiting.incident().unwrap().problem, Some(problem.id));
    assert_eq!(hold(&waiting).awaiting.kind(), AwaitingKind::Problem);
    let again = Scene::at(2).beside(problem.clone()).act(&mut waiting, Action::Hold, given());
    assert!(guard(again).contains("already on hold for this problem"));
    // It waits for the problem that it is linked to, whichever that is.
    let mut unlinked = Given::default();
    unlinked.put("problem", None);
    let refused = edit(&mut waiting, &unlinked);
    assert_eq!(fault(refused), ("/problem".to_owned(), "awaited"));
    let linked = with("problem", Value::Tickets(vec![ticket_id(5)]));
    edit(&mut waiting, &linked).unwrap();
    assert!(waiting.awaits_problem(ticket_id(5)));

    let settled = in_state(TicketKind::Problem, State::Resolved, AwaitingKind::Caller);
    let settled = Ticket { id: problem.id, ..settled };
    let held = |target| {
        let mut incident = opened(TicketKind::Incident);
        Scene::at(1).beside(target).act(&mut incident, Action::Hold, given())
    };
    assert!(guard(held(settled)).contains("name an active ticket"));
    let incident = another(TicketKind::Incident);
    assert_eq!(fault(held(incident)), ("/problem".to_owned(), "other-kind"));
}

#[test]
fn the_question_of_a_hold_is_the_first_response_as_a_comment_is() {
    let mut asked = opened(TicketKind::Incident);
    Scene::at(1).act(&mut asked, Action::Hold, holding(AwaitingKind::Caller)).unwrap();
    assert_eq!(asked.first_response_at, Some(monday() + hours(1)));
    let mut waiting = opened(TicketKind::Incident);
    Scene::at(1).act(&mut waiting, Action::Hold, holding(AwaitingKind::Vendor)).unwrap();
    assert_eq!(waiting.first_response_at, None);
}

#[test]
fn what_is_converted_answers_for_its_own_times_and_tells_no_watcher_of_a_cause() {
    let mut incident = opened(TicketKind::Incident);
    incident.watchers.insert(COLLEAGUE);
    incident.eta = Some(monday() + hours(8));
    Scene::at(1).act(&mut incident, Action::Acknowledge, nothing()).unwrap();
    let mut scene = Scene::at(2);
    scene.beside.new_id = Some(ticket_id(9));
    let to = with("to", text("problem")).with("reason", text("it comes back"));
    let done = scene.act(&mut incident, Action::Convert, to).unwrap();
    let problem = done.left.opened.unwrap();
    assert!(problem.watchers.is_empty());
    assert_eq!((problem.eta, problem.acknowledged_at), (None, None));
}

#[test]
fn a_ticket_is_reopened_within_the_window_only() {
    for (kind, done) in
        [(TicketKind::Incident, State::Resolved), (TicketKind::Request, State::Fulfilled)]
    {
        let mut ticket = in_state(kind, done, AwaitingKind::Caller);
        let done_at = ticket.done_at().unwrap();
        let mut scene = Scene::at(0);
        scene.now = done_at + Duration::days(14) + Duration::seconds(1);
        assert!(is_guard(&scene.act(&mut ticket, Action::Reopen, why())));
        scene.now = done_at + Duration::days(14);
        scene.act(&mut ticket, Action::Reopen, why()).unwrap();
        assert_eq!((ticket.reopen_count, ticket.last_reopened_at), (1, Some(scene.now)));
        assert_eq!(ticket.state(), kind.rules().at_work);
    }
}

#[test]
fn a_reopened_incident_keeps_the_old_resolution_in_its_history() {
    let mut incident = incident(State::Resolved);
    let given = with("reason", text("still dark"));
    let done = Scene::at(2).act(&mut incident, Action::Reopen, given).unwrap();
    let notes = done.changes.iter().find(|change| change.field == "resolution_notes").unwrap();
    assert_eq!((notes.before.as_deref(), notes.after.as_deref()), (Some("a new cable"), None));
    assert_eq!(done.reason.as_deref(), Some("still dark"));
}

#[test]
fn a_reply_ends_the_wait_for_the_caller_and_no_other() {
    let reply = |ticket: &mut Ticket| {
        let mut scene = Scene::at(5).by(user(CALLER));
        scene.act(ticket, Action::CallerReply, said("the left one")).unwrap()
    };
    for kind in FOR_SOMEBODY {
        let mut waits_for_caller = in_state(kind, State::OnHold, AwaitingKind::Caller);
        let done = reply(&mut waits_for_caller);
        assert_eq!(waits_for_caller.state(), kind.rules().at_work);
        assert_eq!((done.left.caused, done.left.is_elsewhere), (None, false));
        let mut waits_for_vendor = in_state(kind, State::OnHold, AwaitingKind::Vendor);
        assert_eq!(reply(&mut waits_for_vendor).changes, []);
        assert_eq!(waits_for_vendor.state(), State::OnHold);
    }
}

#[test]
fn a_reply_reopens_a_resolved_incident_unless_that_is_switched_off_or_too_late() {
    let mut objected = incident(State::Resolved);
    let mut scene = Scene::at(5).by(user(CALLER));
    let done = scene.act(&mut objected, Action::CallerReply, said("no")).unwrap();
    assert_eq!(done.left.caused, Some(Action::Reopen));
    assert_eq!((objected.state(), objected.reopen_count), (State::InProgress, 1));

    let mut kept = incident(State::Resolved);
    let mut quiet = Scene::at(5).by(user(CALLER));
    quiet.settings.caller_reply_reopens = false;
    let done = quiet.act(&mut kept, Action::CallerReply, said("thanks")).unwrap();
    assert_eq!((done.left.caused, kept.state()), (None, State::Resolved));

    let mut late = incident(State::Resolved);
    scene.now = monday() + Duration::days(20);
    scene.beside.new_id = Some(ticket_id(9));
    let done = scene.act(&mut late, Action::CallerReply, said("no")).unwrap();
    assert_eq!((done.left.is_elsewhere, late.state()), (true, State::Resolved));
    assert_eq!(late, incident(State::Resolved));
}

#[test]
fn a_reply_to_a_closed_ticket_opens_another_that_follows_it() {
    let mut closed = incident(State::Closed);
    closed.service = Some(PAYROLL);
    closed.ci = Some(SERVER);
    closed.category = "access".parse().ok();
    let before = closed.clone();
    let mut scene = Scene::at(50).by(user(CALLER));
    scene.beside.new_id = Some(ticket_id(9));
    let done = scene.act(&mut closed, Action::CallerReply, said("it is back")).unwrap();
    assert!(done.left.is_elsewhere && done.changes.is_empty());
    assert_eq!(closed, before);
    let next = done.left.opened.unwrap();
    assert_eq!((next.id, next.follows), (ticket_id(9), Some(closed.id)));
    assert_eq!((next.kind(), next.state()), (TicketKind::Incident, State::New));
    assert_eq!(
        (next.requester, next.service, next.ci),
        (Some(CALLER), Some(PAYROLL), Some(SERVER))
    );
    assert_eq!((&next.category, next.description.as_str()), (&closed.category, "it is back"));
}

#[test]
fn a_merged_ticket_hands_its_people_to_the_one_that_goes_on() {
    let mut source = opened(TicketKind::Incident);
    source.watchers.insert(COLLEAGUE);
    let target = Ticket { requester: Some(MANAGER), ..another(TicketKind::Incident) };
    let mut scene = Scene::at(1).beside(target);
    let given = with("target", Value::Tickets(vec![ticket_id(1)]));
    let done = scene.act(&mut source, Action::MergeInto, given).unwrap();
    let target = scene.beside.target.unwrap();
    assert!(target.watchers.contains(&COLLEAGUE) && target.watchers.contains(&CALLER));
    assert_eq!(done.left.target_changes.len(), 1);
    let Stage::Cancelled(end) = &source.stage else { panic!("goes on") };
    assert_eq!(end.outcome, CancelOutcome::MergedInto(target.id));
    assert_eq!(end.reason, "duplicate of T2");
}

#[test]
fn a_ticket_is_merged_into_another_open_one_of_its_kind_only() {
    let merge = |target: Ticket| {
        let mut source = opened(TicketKind::Incident);
        let given = with("target", Value::Tickets(vec![target.id]));
        let merged = Scene::at(1).beside(target).act(&mut source, Action::MergeInto, given);
        assert_eq!(source, opened(TicketKind::Incident));
        merged
    };
    assert_eq!(named(merge(opened(TicketKind::Incident))), ["/target"]);
    assert_eq!(named(merge(another(TicketKind::Request))), ["/target"]);
    assert!(is_guard(&merge(Ticket { id: ticket_id(1), ..incident(State::Closed) })));
}

#[test]
fn w1_a_converted_ticket_leads_to_one_of_the_other_kind_with_the_same_facts() {
    let mut source = incident(State::InProgress);
    source.category = "access".parse().ok();
    let mut scene = Scene::at(4);
    scene.beside.new_id = Some(ticket_id(7));
    let given = with("to", text("request")).with("reason", text("nothing is broken"));
    let done = scene.act(&mut source, Action::Convert, given).unwrap();
    let converted = done.left.opened.unwrap();
    assert_eq!((converted.kind(), converted.state()), (TicketKind::Request, State::New));
    assert_eq!((converted.id, converted.number.as_str()), (ticket_id(7), ""));
    assert_eq!(converted.category, source.category);
    assert_eq!((converted.opened_at, converted.requester), (source.opened_at, Some(CALLER)));
    assert_eq!(source.state(), State::Cancelled);
    let link = done.changes.iter().find(|change| change.field == "converted_to").unwrap();
    assert_eq!(link.after, Some(ticket_id(7).to_string()));
    let mut same = opened(TicketKind::Incident);
    let refused = scene.act(&mut same, Action::Convert, with("to", text("incident")));
    let mut named = named(refused);
    named.sort_unstable();
    assert_eq!(named, ["/reason", "/to"]);
}

#[test]
fn nothing_is_converted_while_an_approval_is_open() {
    let mut scene = Scene::at(4);
    scene.beside.new_id = Some(ticket_id(7));
    scene.beside.round = Some(crate::fixture::round(&[MANAGER]));
    let given = with("to", text("incident")).with("reason", text("it is broken"));
    let refused = scene.act(&mut opened(TicketKind::Request), Action::Convert, given);
    assert!(guard(refused).contains("approval"));
}

#[test]
fn w3_changing_impact_or_urgency_recomputes_the_matrix_but_never_an_override() {
    let mut incident = opened(TicketKind::Incident);
    let levels = |impact, urgency| with("impact", number(impact)).with("urgency", number(urgency));
    edit(&mut incident, &levels(1, 2)).unwrap();
    assert_eq!(incident.priority.effective(), (Level(2), PrioritySource::Matrix));
    let given = with("priority", number(4)).with("reason", text("a test system"));
    act(&mut incident, Action::SetPriority, given).unwrap();
    edit(&mut incident, &levels(1, 1)).unwrap();
    assert_eq!(incident.priority.matrix, Level(1));
    assert_eq!(incident.priority.effective(), (Level(4), PrioritySource::Override));
}

#[test]
fn an_override_needs_a_priority_and_a_reason() {
    let mut incident = opened(TicketKind::Incident);
    assert_eq!(named(act(&mut incident, Action::SetPriority, nothing())), ["/priority", "/reason"]);
    for wrong in [0, 6, 300] {
        let given = with("priority", number(wrong)).with("reason", text("x"));
        assert_eq!(named(act(&mut incident, Action::SetPriority, given)), ["/priority"]);
    }
}

#[test]
fn a_ticket_is_triaged_once() {
    for kind in [TicketKind::Incident, TicketKind::Request, TicketKind::Problem] {
        let mut ticket = opened(kind);
        let refused = act(&mut ticket, Action::Triage, nothing());
        assert_eq!(named(refused), ["/category", "/impact", "/urgency"]);
        let given = || {
            with("category", Value::Category("access".parse().unwrap()))
                .with("impact", number(2))
                .with("urgency", number(2))
        };
        let done = act(&mut ticket, Action::Triage, given()).unwrap();
        assert_eq!(done.tells, Some(crate::ticket::Notice::PriorityChanged));
        assert_eq!(ticket.priority.effective().0, Level(3));
        assert!(is_guard(&act(&mut ticket, Action::Triage, given())));
    }
}

#[test]
fn the_first_acknowledgement_is_kept() {
    let mut incident = opened(TicketKind::Incident);
    let mut acknowledge = |hour| {
        let done = Scene::at(hour).act(&mut incident, Action::Acknowledge, nothing()).unwrap();
        (done.changes.len(), incident.acknowledged_at)
    };
    assert_eq!(acknowledge(1), (1, Some(monday() + hours(1))));
    assert_eq!(acknowledge(2), (0, Some(monday() + hours(1))));
}

#[test]
fn the_first_response_is_a_humans_of_the_desk() {
    let mut incident = opened(TicketKind::Incident);
    let mut comment = |by, hour| {
        let mut scene = Scene::at(hour).by(by);
        scene.act(&mut incident, Action::Comment, said("we look")).unwrap();
        incident.first_response_at
    };
    let program = Actor { kind: ActorKind::Policy, person: None };
    assert_eq!(comment(program, 1), None);
    assert_eq!(comment(user(CALLER), 2), None);
    assert_eq!(comment(user(AGENT), 3), Some(monday() + hours(3)));
    assert_eq!(comment(user(AGENT), 4), Some(monday() + hours(3)));
}

#[test]
fn w6_an_eta_lies_ahead_and_can_be_withdrawn() {
    let mut incident = opened(TicketKind::Incident);
    let mut scene = Scene::at(0);
    let past = with("eta", Value::Time(monday()));
    assert_eq!(named(scene.act(&mut incident, Action::SetEta, past)), ["/eta"]);
    let ahead = with("eta", Value::Time(monday() + hours(2)));
    scene.act(&mut incident, Action::SetEta, ahead).unwrap();
    let mut withdrawn = nothing();
    withdrawn.put("eta", None);
    let done = scene.act(&mut incident, Action::SetEta, withdrawn).unwrap();
    assert_eq!(done.changes[0].before.as_deref(), Some("2026-06-01T10:00:00Z"));
}

#[test]
fn an_escalation_goes_up_only() {
    let mut incident = opened(TicketKind::Incident);
    let mut escalate = |level| {
        let given = with("level", number(level)).with("reason", text("stuck"));
        act(&mut incident, Action::Escalate, given).map(|_| incident.escalation_level)
    };
    assert_eq!(escalate(2).unwrap(), 2);
    for level in [0, 1, 2, 10] {
        assert_eq!(named(escalate(level)), ["/level"]);
    }
    assert_eq!(escalate(3).unwrap(), 3);
}

#[test]
fn a_note_is_for_the_desk_and_is_written_when_all_is_over_too() {
    for kind in TicketKind::ALL {
        for before in in_every_state(*kind) {
            let mut ticket = before.clone();
            let done = act(&mut ticket, Action::Note, said(" odd ")).unwrap();
            let said = done.left.said.unwrap();
            assert_eq!(
                (said.visibility, said.text.as_str()),
                (crate::comment::Visibility::Internal, "odd")
            );
            assert_eq!((done.left.text, done.tells, done.changes.len()), (None, None, 0));
        }
    }
}

#[test]
fn w6_why_the_desk_weighs_a_ticket_as_it_does_is_told_to_nobody_else() {
    let told = |action, state: State, given: Given| {
        let mut ticket = incident(state);
        make_major_for(action, &mut ticket);
        let done = act(&mut ticket, action, given.with("reason", text("because"))).unwrap();
        assert_eq!(done.reason.as_deref(), Some("because"), "{action}");
        (done.tells.is_some(), done.left.text)
    };
    for (action, given) in [
        (Action::SetPriority, with("priority", number(1))),
        (Action::Escalate, with("level", number(1))),
        (Action::ProposeMajor, nothing()),
        (Action::RejectMajor, nothing()),
    ] {
        assert_eq!(told(action, State::New, given), (true, None), "{action}");
    }
    let public = (true, Some("because".to_owned()));
    assert_eq!(told(Action::Cancel, State::New, nothing()), public);
    assert_eq!(told(Action::Reopen, State::Resolved, nothing()), public);
}

#[test]
fn the_actions_endpoint_names_the_fields_that_are_lacking() {
    let mut demanding = settings();
    demanding.resolve_demands = vec![ResolveDemand::Category];
    let incident = opened(TicketKind::Incident);
    let hints = incident.allowed_actions(Role::Agent, Relation::default(), &demanding);
    let lacks = |action| hints.iter().find(|hint| hint.action == action).map(|h| h.lacks.clone());
    assert_eq!(
        lacks(Action::Resolve).unwrap(),
        ["/resolution_code", "/resolution_notes", "/category"]
    );
    assert_eq!(lacks(Action::Acknowledge), Some(vec![]));
    assert_eq!(lacks(Action::Close), None);
    assert_eq!(lacks(Action::Categorize), None);
}

/// Of every kind, in every state: each action that somebody can ask for, when nothing is given.
fn asked_for_with_nothing(mut told: impl FnMut(&Ticket, &Row, Result<(), Refused>)) {
    for kind in TicketKind::ALL {
        for before in in_every_state(*kind) {
            for row in kind.rules().rows().filter(|row| row.who != Who::System) {
                let mut ticket = before.clone();
                make_major_for(row.action, &mut ticket);
                if row.allows(ticket.state(), ticket.phase()) {
                    let done = act(&mut ticket, row.action, nothing()).map(|_| ());
                    told(&ticket, row, done);
                }
            }
        }
    }
}

#[test]
fn nothing_that_is_announced_as_lacking_is_optional() {
    asked_for_with_nothing(|ticket, row, done| {
        let hints = ticket.allowed_actions(Role::Agent, Relation::default(), &settings());
        let Some(hint) = hints.iter().find(|hint| hint.action == row.action) else { return };
        match done {
            Err(Refused::MissingFields(faults)) => {
                let found: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
                assert_eq!(found, hint.lacks, "{} of {}", row.action, ticket.kind());
            }
            Ok(()) | Err(_) => {
                assert!(hint.lacks.is_empty(), "{} of {}", row.action, ticket.kind());
            }
        }
    });
}

#[test]
fn what_is_missing_is_named_with_a_sentence_that_says_what_belongs_there() {
    asked_for_with_nothing(|ticket, row, done| {
        if let Err(Refused::MissingFields(faults) | Refused::Invalid(faults)) = done {
            for fault in faults {
                let place = format!("{} of {}: {}", row.action, ticket.kind(), fault.message);
                assert!(fault.message.ends_with('.'), "{place}");
                assert!(fault.message.starts_with(char::is_uppercase), "{place}");
            }
        }
    });
}
