//! The rules of the actions, one test each.

mod endings;
mod life;
mod traps;
mod waiting;

use crate::{
    event::{Actor, ActorKind},
    fixture::{
        AGENT, CALLER, COLLEAGUE, DESK, DISSOLVED, MANAGER, NETWORK, PROVIDERS, SERVER, STRANGERS,
        Scene, act, blank, edit, fault, holding, hours, in_every_state, in_state, make_major_for,
        monday, nothing, number, open, opened, pointers, resolved_as, settings, text, ticket_id,
        user, why, with, world,
    },
    organization::ResolveDemand,
    permission::Relation,
    priority::{Level, PrioritySource},
    refusal::Refused,
    role::Role,
    ticket::{
        Action, AwaitingKind, Code, Given, Hold, Row, Stage, State, Ticket, TicketKind, Value, Who,
        state_change,
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
