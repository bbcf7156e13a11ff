//! The rules of the moves, one test each.

use chrono::Duration;

use crate::{
    fixture::{
        AGENT, CALLER, COLLEAGUE, DESK, DISSOLVED, MANAGER, NETWORK, PAYROLL, PROVIDERS, SERVER,
        STRANGERS, blank, hours, in_state, monday, opened, settings, ticket_id, user, world,
    },
    incident::{AwaitingKind, CancelOutcome, IncidentState, ResolutionCode},
    organization::ResolveDemand,
    priority::{Level, PrioritySource},
    refusal::Refused,
    task::Tasks,
    ticket::{
        Action, Body, Channel, Edit, Holding, NewTicket, Reply, State, Ticket, TicketKind,
        state_change,
    },
};

fn pointers(refused: &Refused) -> Vec<&str> {
    match refused {
        Refused::MissingFields(faults) | Refused::Invalid(faults) => {
            faults.iter().map(|fault| fault.pointer.as_str()).collect()
        }
        Refused::InvalidTransition { .. }
        | Refused::InvalidMajorTransition { .. }
        | Refused::InvalidTaskTransition { .. }
        | Refused::Guard { .. } => panic!("{refused}"),
    }
}

fn is_guard(refused: &Refused) -> bool {
    matches!(refused, Refused::Guard { .. })
}

fn incident(state: State) -> Ticket {
    in_state(TicketKind::Incident, state, AwaitingKind::Caller)
}

fn request(state: State) -> Ticket {
    in_state(TicketKind::Request, state, AwaitingKind::Caller)
}

#[test]
fn w4_a_new_ticket_belongs_to_the_fallback_team() {
    for kind in TicketKind::ALL {
        assert_eq!(opened(*kind).team, DESK);
    }
}

#[test]
fn every_fault_of_a_new_ticket_is_named_at_once() {
    let long = "x".repeat(33_000);
    let tags = vec!["ok".to_owned(), "y".repeat(51)];
    let faulty = NewTicket {
        short_description: " \n ",
        description: &long,
        tags: &tags,
        impact: Some(Level(4)),
        opened_at: Some(monday() + hours(1)),
        external_ref: Some(("tickets.csv", "")),
        ..blank(TicketKind::Incident)
    };
    let refused = Ticket::new(faulty, &settings(), monday()).unwrap_err();
    let expected = [
        "/short_description",
        "/description",
        "/tags/1",
        "/impact",
        "/opened_at",
        "/external_ref/id",
    ];
    assert_eq!(pointers(&refused), expected);
    assert!(matches!(refused, Refused::Invalid(_)));
}

#[test]
fn a_text_without_place_in_a_database_is_refused() {
    let faulty = NewTicket { description: "a\0b", ..blank(TicketKind::Incident) };
    let refused = Ticket::new(faulty, &settings(), monday()).unwrap_err();
    assert_eq!(pointers(&refused), ["/description"]);
}

#[test]
fn r12_resolve_names_every_missing_field() {
    let mut demanding = settings();
    demanding.resolve_demands = ResolveDemand::ALL.to_vec();
    let mut incident = opened(TicketKind::Incident);
    let refused =
        incident.resolve(None, Some("  "), &demanding, &user(AGENT), monday()).unwrap_err();
    assert!(matches!(refused, Refused::MissingFields(_)));
    let expected = ["/resolution_code", "/resolution_notes", "/category", "/service", "/assignee"];
    assert_eq!(pointers(&refused), expected);
    assert_eq!(incident, opened(TicketKind::Incident));
}

#[test]
fn r12_a_resolved_incident_keeps_code_notes_time_and_author() {
    let mut incident = incident(State::InProgress);
    let at = monday() + hours(3);
    let code = Some(ResolutionCode::HardwareRepair);
    incident.resolve(code, Some("a new fuser"), &settings(), &user(AGENT), at).unwrap();
    let Body::Incident(IncidentState::Resolved(resolution)) = &incident.body else {
        panic!("not resolved")
    };
    assert_eq!(resolution.code, ResolutionCode::HardwareRepair);
    assert_eq!(resolution.notes, "a new fuser");
    assert_eq!((resolution.at, &resolution.by), (at, &user(AGENT)));
}

#[test]
fn a_team_must_serve_the_organization() {
    let mut incident = opened(TicketKind::Incident);
    for team in [STRANGERS, DISSOLVED] {
        let refused = incident.assign(Some(team), None, &world(), monday()).unwrap_err();
        assert_eq!(pointers(&refused), ["/team"]);
    }
    let refused = incident.assign(None, None, &world(), monday()).unwrap_err();
    assert!(matches!(refused, Refused::MissingFields(_)));
    incident.assign(Some(PROVIDERS), Some(COLLEAGUE), &world(), monday()).unwrap();
    assert_eq!(incident.team, PROVIDERS);
}

#[test]
fn only_a_member_of_the_team_works_on_a_ticket() {
    let mut incident = opened(TicketKind::Incident);
    let refused = incident.assign(Some(DESK), Some(COLLEAGUE), &world(), monday()).unwrap_err();
    assert_eq!(pointers(&refused), ["/assignee"]);
    let refused = incident.start(Some(COLLEAGUE), &world(), monday()).unwrap_err();
    assert_eq!(pointers(&refused), ["/assignee"]);
}

#[test]
fn reassignments_are_counted_after_the_first_assignment_to_a_person() {
    let mut incident = opened(TicketKind::Incident);
    let mut assign = |team, person| {
        incident.assign(Some(team), person, &world(), monday()).unwrap();
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
    let changes = incident.assign(Some(NETWORK), Some(AGENT), &world(), monday()).unwrap();
    let told = changes
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
    let changes = incident.start(Some(AGENT), &world(), monday()).unwrap();
    assert_eq!(state_change(&changes), Some((Some(State::New), State::InProgress)));
    let changes = incident.acknowledge(monday()).unwrap();
    assert_eq!(state_change(&changes), None);
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
    let dell = Holding {
        awaiting: Some(AwaitingKind::Vendor),
        vendor: Some("Dell"),
        ..Holding::default()
    };
    incident.hold(dell, monday() + hours(1)).unwrap();
    assert!(is_guard(&incident.hold(dell, monday() + hours(2)).unwrap_err()));
    assert_eq!(incident.held().unwrap().since, monday() + hours(1));
    let lenovo = Holding { vendor: Some("Lenovo"), ..dell };
    let changes = incident.hold(lenovo, monday() + hours(3)).unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(incident.held().unwrap().since, monday() + hours(3));
    assert_eq!(incident.state_since, monday() + hours(3));
}

#[test]
fn a_hold_says_what_is_missing_for_its_reason() {
    let mut incident = opened(TicketKind::Incident);
    let cases = [
        (None, "/awaiting"),
        (Some(AwaitingKind::Caller), "/comment"),
        (Some(AwaitingKind::Vendor), "/vendor"),
        (Some(AwaitingKind::Evidence), "/person"),
    ];
    for (awaiting, missing) in cases {
        let holding = Holding { awaiting, ..Holding::default() };
        let refused = incident.hold(holding, monday()).unwrap_err();
        assert!(matches!(refused, Refused::MissingFields(_)));
        assert_eq!(pointers(&refused), [missing]);
    }
    let past = Holding {
        awaiting: Some(AwaitingKind::Evidence),
        person: Some(MANAGER),
        follow_up_at: Some(monday()),
        ..Holding::default()
    };
    assert_eq!(pointers(&incident.hold(past, monday()).unwrap_err()), ["/follow_up_at"]);
}

#[test]
fn a_ticket_is_reopened_within_the_window_only() {
    let done_at = monday() + hours(1);
    for (kind, done) in
        [(TicketKind::Incident, State::Resolved), (TicketKind::Request, State::Fulfilled)]
    {
        let mut ticket = in_state(kind, done, AwaitingKind::Caller);
        let done_at = ticket.done_at().unwrap_or(done_at);
        let late = done_at + Duration::days(14) + Duration::seconds(1);
        assert!(is_guard(&ticket.reopen(Some("again"), &settings(), late).unwrap_err()));
        ticket.reopen(Some("again"), &settings(), done_at + Duration::days(14)).unwrap();
        assert_eq!(ticket.reopen_count, 1);
        assert_eq!(ticket.last_reopened_at, Some(done_at + Duration::days(14)));
    }
}

#[test]
fn a_reopened_incident_keeps_the_old_resolution_in_its_history() {
    let mut incident = incident(State::Resolved);
    let changes = incident.reopen(Some("still dark"), &settings(), monday() + hours(2)).unwrap();
    let notes = changes.iter().find(|change| change.field == "resolution_notes").unwrap();
    assert_eq!((notes.before.as_deref(), notes.after.as_deref()), (Some("a new cable"), None));
}

#[test]
fn a_reply_ends_the_wait_for_the_caller_and_no_other() {
    let reply = |ticket: &mut Ticket| {
        ticket.caller_reply(Some("the left one"), &settings(), monday() + hours(5)).unwrap()
    };
    for kind in TicketKind::ALL {
        let mut waits_for_caller = in_state(*kind, State::OnHold, AwaitingKind::Caller);
        assert!(matches!(reply(&mut waits_for_caller), Reply::Resumed(_)));
        let mut waits_for_vendor = in_state(*kind, State::OnHold, AwaitingKind::Vendor);
        assert_eq!(reply(&mut waits_for_vendor), Reply::Kept);
        assert_eq!(waits_for_vendor.state(), State::OnHold);
    }
}

#[test]
fn a_reply_reopens_a_resolved_incident_unless_that_is_switched_off_or_too_late() {
    let mut objected = incident(State::Resolved);
    let reply = objected.caller_reply(Some("no"), &settings(), monday() + hours(5)).unwrap();
    assert!(matches!(reply, Reply::Reopened(_)));
    assert_eq!((objected.state(), objected.reopen_count), (State::InProgress, 1));

    let mut kept = incident(State::Resolved);
    let mut quiet = settings();
    quiet.caller_reply_reopens = false;
    let reply = kept.caller_reply(Some("thanks"), &quiet, monday() + hours(5)).unwrap();
    assert_eq!((reply, kept.state()), (Reply::Kept, State::Resolved));

    let mut late = incident(State::Resolved);
    let reply = late.caller_reply(Some("no"), &settings(), monday() + Duration::days(20)).unwrap();
    assert_eq!((reply, late.state()), (Reply::OpensAnother, State::Resolved));
}

#[test]
fn a_reply_to_a_closed_ticket_opens_another_that_follows_it() {
    let mut closed = incident(State::Closed);
    closed.service = Some(PAYROLL);
    closed.ci = Some(SERVER);
    closed.category = "access".parse().ok();
    let now = monday() + hours(50);
    let reply = closed.caller_reply(Some("it is back"), &settings(), now).unwrap();
    assert_eq!(reply, Reply::OpensAnother);
    let next =
        closed.following(ticket_id(9), "it is back", Channel::Mail, &settings(), now).unwrap();
    assert_eq!((next.follows, next.state()), (Some(closed.id), State::New));
    assert_eq!((next.requester, next.service, next.ci), (CALLER, Some(PAYROLL), Some(SERVER)));
    assert_eq!((&next.category, next.description.as_str()), (&closed.category, "it is back"));
}

#[test]
fn a_merged_ticket_hands_its_people_to_the_one_that_goes_on() {
    let (mut source, mut target) = (opened(TicketKind::Incident), opened(TicketKind::Incident));
    target.id = ticket_id(1);
    target.number = "INC0000001".to_owned();
    target.requester = MANAGER;
    source.watchers.insert(COLLEAGUE);
    let merged = source.merge_into(&mut target, &user(AGENT), monday()).unwrap();
    assert!(target.watchers.contains(&COLLEAGUE) && target.watchers.contains(&CALLER));
    assert_eq!(merged.target.len(), 1);
    let Body::Incident(IncidentState::Cancelled(end)) = &source.body else { panic!("goes on") };
    assert_eq!(end.outcome, CancelOutcome::MergedInto(target.id));
    assert_eq!(end.reason, "the same as INC0000001");
}

#[test]
fn a_ticket_is_merged_into_another_open_one_of_its_kind_only() {
    let merge = |mut target: Ticket, id| {
        let mut source = opened(TicketKind::Incident);
        target.id = id;
        source.merge_into(&mut target, &user(AGENT), monday()).unwrap_err()
    };
    let itself = merge(opened(TicketKind::Incident), ticket_id(0));
    assert_eq!(pointers(&itself), ["/target"]);
    let other_kind = merge(opened(TicketKind::Request), ticket_id(1));
    assert_eq!(pointers(&other_kind), ["/target"]);
    assert!(is_guard(&merge(incident(State::Closed), ticket_id(1))));
}

#[test]
fn w1_a_converted_ticket_leads_to_one_of_the_other_kind_with_the_same_facts() {
    let mut source = incident(State::InProgress);
    source.category = "access".parse().ok();
    let now = monday() + hours(4);
    let (converted, changes) = source
        .convert(
            Some(TicketKind::Request),
            Some("nothing is broken"),
            ticket_id(7),
            &user(AGENT),
            now,
        )
        .unwrap();
    assert_eq!((converted.kind(), converted.state()), (TicketKind::Request, State::New));
    assert_eq!(converted.category, source.category);
    assert_eq!(converted.opened_at, source.opened_at);
    assert_eq!(source.state(), State::Cancelled);
    let link = changes.iter().find(|change| change.field == "converted_to").unwrap();
    assert_eq!(link.after, Some(ticket_id(7).to_string()));
    let mut same = opened(TicketKind::Incident);
    let refused = same
        .convert(Some(TicketKind::Incident), None, ticket_id(8), &user(AGENT), now)
        .unwrap_err();
    assert_eq!(pointers(&refused), ["/to", "/reason"]);
}

#[test]
fn w3_changing_impact_or_urgency_recomputes_the_matrix_but_never_an_override() {
    let mut incident = opened(TicketKind::Incident);
    let levels = |impact, urgency| Edit {
        impact: Some(Some(Level(impact))),
        urgency: Some(Some(Level(urgency))),
        ..Edit::default()
    };
    incident.edit(levels(1, 2), &world(), &settings(), monday()).unwrap();
    assert_eq!(incident.priority.effective(), (Level(2), PrioritySource::Matrix));
    incident.set_priority(Some(Level(4)), Some("a test system"), monday()).unwrap();
    incident.edit(levels(1, 1), &world(), &settings(), monday()).unwrap();
    assert_eq!(incident.priority.matrix, Level(1));
    assert_eq!(incident.priority.effective(), (Level(4), PrioritySource::Override));
}

#[test]
fn an_override_needs_a_priority_and_a_reason() {
    let mut incident = opened(TicketKind::Incident);
    let refused = incident.set_priority(None, None, monday()).unwrap_err();
    assert_eq!(pointers(&refused), ["/priority", "/reason"]);
    let refused = incident.set_priority(Some(Level(6)), Some("x"), monday()).unwrap_err();
    assert_eq!(pointers(&refused), ["/priority"]);
}

#[test]
fn a_ticket_is_triaged_once() {
    let mut incident = opened(TicketKind::Incident);
    let refused = incident.triage(None, None, None, &settings(), monday()).unwrap_err();
    assert_eq!(pointers(&refused), ["/category", "/impact", "/urgency"]);
    let mut triage = || {
        let category = "access".parse().ok();
        incident.triage(category, Some(Level(2)), Some(Level(2)), &settings(), monday())
    };
    triage().unwrap();
    assert!(is_guard(&triage().unwrap_err()));
}

#[test]
fn the_first_acknowledgement_is_kept() {
    let mut incident = opened(TicketKind::Incident);
    assert_eq!(incident.acknowledge(monday()).unwrap().len(), 1);
    assert_eq!(incident.acknowledge(monday() + hours(1)).unwrap(), []);
    assert_eq!(incident.acknowledged_at, Some(monday()));
}

#[test]
fn the_first_response_is_a_humans_of_the_desk() {
    let mut incident = opened(TicketKind::Incident);
    let program = crate::event::Actor { kind: crate::event::ActorKind::Policy, person: None };
    for (by, after) in [(program, 1), (user(CALLER), 2)] {
        incident.comment(Some("hello"), &by, monday() + hours(after)).unwrap();
        assert_eq!(incident.first_response_at, None);
    }
    incident.comment(Some("we look"), &user(AGENT), monday() + hours(3)).unwrap();
    incident.comment(Some("found it"), &user(AGENT), monday() + hours(4)).unwrap();
    assert_eq!(incident.first_response_at, Some(monday() + hours(3)));
}

#[test]
fn w6_an_eta_lies_ahead_and_can_be_withdrawn() {
    let mut incident = opened(TicketKind::Incident);
    let refused = incident.set_eta(Some(monday()), monday()).unwrap_err();
    assert_eq!(pointers(&refused), ["/eta"]);
    incident.set_eta(Some(monday() + hours(2)), monday()).unwrap();
    let changes = incident.set_eta(None, monday()).unwrap();
    assert_eq!(changes[0].before.as_deref(), Some("2026-06-01T10:00:00Z"));
}

#[test]
fn an_escalation_goes_up_only() {
    let mut incident = opened(TicketKind::Incident);
    let mut escalate =
        |level| incident.escalate(Some(level), Some("stuck"), Some(NETWORK), &world(), monday());
    escalate(2).unwrap();
    for level in [0, 1, 2, 10] {
        assert_eq!(pointers(&escalate(level).unwrap_err()), ["/level"]);
    }
    escalate(3).unwrap();
    assert_eq!(incident.team, NETWORK);
}

#[test]
fn the_actions_endpoint_names_the_fields_that_are_lacking() {
    use crate::{permission::Relation, role::Role};
    let mut demanding = settings();
    demanding.resolve_demands = vec![ResolveDemand::Category];
    let incident = opened(TicketKind::Incident);
    let hints = incident.allowed_actions(Role::Agent, Relation::default(), &demanding);
    let lacks = |action| hints.iter().find(|hint| hint.action == action).map(|h| h.lacks.clone());
    assert_eq!(
        lacks(Action::Resolve),
        Some(vec!["/resolution_code", "/resolution_notes", "/category"])
    );
    assert_eq!(lacks(Action::Acknowledge), Some(vec![]));
    assert_eq!(lacks(Action::Close), None);
    assert_eq!(lacks(Action::Categorize), None);
}

#[test]
fn nothing_that_is_announced_as_lacking_is_optional() {
    let mut incident = opened(TicketKind::Incident);
    let now = monday();
    let refusals = [
        (Action::Assign, incident.assign(None, None, &world(), now).unwrap_err()),
        (Action::Triage, incident.triage(None, None, None, &settings(), now).unwrap_err()),
        (Action::SetPriority, incident.set_priority(None, None, now).unwrap_err()),
        (Action::Comment, incident.comment(None, &user(AGENT), now).unwrap_err()),
        (Action::Note, incident.note(None, now).unwrap_err()),
        (Action::Escalate, incident.escalate(None, None, None, &world(), now).unwrap_err()),
        (Action::Hold, incident.hold(Holding::default(), now).unwrap_err()),
        (
            Action::Resolve,
            incident.resolve(None, None, &settings(), &user(AGENT), now).unwrap_err(),
        ),
        (Action::Cancel, incident.cancel(None, &user(AGENT), now).unwrap_err()),
        (
            Action::Convert,
            incident.convert(None, None, ticket_id(1), &user(AGENT), now).unwrap_err(),
        ),
        (
            Action::Fulfill,
            request(State::InFulfilment)
                .fulfill(None, None, &Tasks::default(), &user(AGENT), now)
                .unwrap_err(),
        ),
    ];
    for (action, refused) in refusals {
        assert_eq!(pointers(&refused), action.demands(), "{action}");
    }
}
