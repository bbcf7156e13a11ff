//! What goes wrong by itself when a kind of ticket is added, and must not.

use super::*;
use crate::{
    fixture::{LAPTOP, round, submit},
    request::Submission,
    ticket::{CONVERT, Details, Phase},
    waiting::WaitingFor,
};

fn convert(ticket: &mut Ticket, to: &str) -> crate::ticket::Done {
    let mut scene = Scene::at(24);
    scene.beside.new_id = Some(ticket_id(7));
    let given = with("to", text(to)).with("reason", text("so it is"));
    scene.act(ticket, Action::Convert, given).unwrap()
}

#[test]
fn what_is_converted_becomes_the_kind_that_is_named_and_no_other() {
    let kinds = [TicketKind::Incident, TicketKind::Request, TicketKind::Problem];
    for from in kinds {
        for to in kinds.into_iter().filter(|to| *to != from) {
            let mut source = opened(from);
            let converted = convert(&mut source, to.as_str()).left.opened.unwrap();
            assert_eq!((converted.kind(), converted.state()), (to, State::New));
            assert_eq!(converted.details, Details::of(to));
            assert!(!source.phase().is_active());
        }
    }
    // A task is a piece of another ticket, and becomes nothing else.
    assert!(TicketKind::Task.rules().row(Action::Convert).is_none());
    assert!(
        CONVERT
            .inputs
            .iter()
            .all(|input| { input.takes != crate::ticket::FieldType::Choice(TicketKind::NAMES) })
    );
}

#[test]
fn an_incident_that_becomes_a_problem_is_the_desks_and_what_becomes_an_incident_is_for_somebody() {
    let mut incident = incident(State::InProgress);
    incident.opened_by = Some(MANAGER);
    incident.eta = Some(monday() + hours(30));
    let problem = convert(&mut incident, "problem").left.opened.unwrap();
    assert_eq!(problem.requester, None);
    assert!(!problem.is_of(CALLER) && !problem.is_of(MANAGER));
    assert_eq!(problem.opened_by, Some(AGENT));

    let mut problem = opened(TicketKind::Problem);
    let incident = convert(&mut problem, "incident").left.opened.unwrap();
    assert_eq!(incident.requester, Some(AGENT));
    let mut program = Scene::at(24).by(Actor { kind: ActorKind::Api, person: None });
    program.beside.new_id = Some(ticket_id(7));
    let given = with("to", text("incident")).with("reason", text("so it is"));
    let refused = program.act(&mut opened(TicketKind::Problem), Action::Convert, given);
    assert_eq!(fault(refused), ("/to".to_owned(), "no-requester"));
}

#[test]
fn a_converted_problem_is_settled_and_says_what_it_became() {
    let mut problem = opened(TicketKind::Problem);
    let done = convert(&mut problem, "request");
    let outcome = problem.stage.outcome().unwrap();
    assert_eq!((problem.state(), outcome.code), (State::Resolved, Some(Code::Cancelled)));
    assert_eq!(problem.problem().unwrap().converted_to, Some(ticket_id(7)));
    let told = done.changes.iter().find(|change| change.field == "converted_to").unwrap();
    assert_eq!(told.after, Some(ticket_id(7).to_string()));
}

#[test]
fn a_resolved_problem_is_reanalyzed_and_never_reopened() {
    let mut problem = in_state(TicketKind::Problem, State::Resolved, AwaitingKind::Caller);
    let refused = act(&mut problem, Action::Reopen, why()).unwrap_err();
    assert_eq!(refused.to_string(), "`reopen` is not possible for a problem in state `resolved`");
    act(&mut problem, Action::Reanalyze, why()).unwrap();
    assert_eq!((problem.state(), problem.reopen_count), (State::RootCauseAnalysis, 1));
    // What its caller would write is no objection either: it has none.
    assert!(TicketKind::Problem.rules().row(Action::CallerReply).is_none());
}

#[test]
fn a_problem_is_neither_cancelled_nor_merged_nor_put_on_hold() {
    for action in [Action::Cancel, Action::MergeInto, Action::Hold, Action::SetEta, Action::Reroute]
    {
        assert!(TicketKind::Problem.rules().row(action).is_none(), "{action}");
        for mut problem in in_every_state(TicketKind::Problem) {
            let refused = Scene::with_all(24, action, &problem).act(&mut problem, action, why());
            assert!(matches!(refused, Err(Refused::InvalidTransition { .. })), "{action}");
        }
    }
}

#[test]
fn only_a_new_problem_or_request_is_converted() {
    for kind in [TicketKind::Problem, TicketKind::Request] {
        for ticket in in_every_state(kind) {
            let allowed = kind.rules().allowed(ticket.state()).contains(&Action::Convert);
            assert_eq!(allowed, ticket.state() == State::New, "{kind} {}", ticket.state());
        }
    }
}

#[test]
fn a_problem_in_every_state_of_work_waits_for_whoever_works_on_it() {
    for state in [State::Assess, State::RootCauseAnalysis, State::FixInProgress] {
        let problem = in_state(TicketKind::Problem, state, AwaitingKind::Caller);
        let waiting = problem.waiting_on(None, &settings()).unwrap();
        assert_eq!(waiting.what, WaitingFor::Assignee(AGENT), "{state}");
    }
    // Nobody else has to say that all is well: the desk closes it.
    let resolved = in_state(TicketKind::Problem, State::Resolved, AwaitingKind::Caller);
    let waiting = resolved.waiting_on(None, &settings()).unwrap();
    assert_eq!(waiting.what, WaitingFor::Assignee(AGENT));
    assert_eq!(resolved.closes_at(&settings()), None);
}

#[test]
fn an_open_approval_is_not_read_off_one_state() {
    let can = |ticket: &Ticket| ticket.can_await_approval();
    let in_states = |kind| {
        let tickets = in_every_state(kind);
        tickets.iter().filter(|it| can(it)).map(Ticket::state).collect::<Vec<_>>()
    };
    assert_eq!(in_states(TicketKind::Request), [State::AwaitingApproval]);
    assert_eq!(in_states(TicketKind::Problem), [State::RootCauseAnalysis, State::FixInProgress]);
    assert_eq!(in_states(TicketKind::Incident), []);
    assert_eq!(in_states(TicketKind::Task), []);
    let approval = round(&[MANAGER]);
    for state in [State::RootCauseAnalysis, State::FixInProgress] {
        let problem = in_state(TicketKind::Problem, state, AwaitingKind::Caller);
        let waiting = problem.waiting_on(Some(&approval), &settings()).unwrap();
        assert_eq!(waiting.what, WaitingFor::Approvers(vec![MANAGER]));
        // Its approval moves nothing: what is approved is that the risk is accepted later on.
        let mut approved = problem.clone();
        act(&mut approved, Action::Approve, nothing()).unwrap();
        assert_eq!(approved.state(), state);
    }
}

#[test]
fn a_problem_and_a_task_are_for_nobody_and_incidents_and_requests_for_somebody() {
    for kind in TicketKind::ALL {
        let is_for_somebody = FOR_SOMEBODY.contains(kind);
        assert_eq!(kind.rules().field("requester").is_some(), is_for_somebody);
        let ticket = opened(*kind);
        assert_eq!(ticket.requester, is_for_somebody.then_some(CALLER));
        assert!(crate::approval::Duties::about(&ticket).allow(MANAGER));
    }
}

#[test]
fn a_problem_has_many_configuration_items_and_one_is_the_main_one() {
    let other = crate::ids::CiId(LAPTOP.0);
    let given = blank(TicketKind::Problem)
        .with("ci", Value::Cis(vec![SERVER]))
        .with("cis", Value::Cis(vec![SERVER, other, other]));
    let mut problem = open(TicketKind::Problem, &given, None).unwrap();
    assert_eq!(problem.ci, Some(SERVER));
    assert_eq!(problem.problem().unwrap().cis, [SERVER, other].into());
    let changes = edit(&mut problem, &with("cis", Value::Cis(Vec::new()))).unwrap();
    assert_eq!(changes[0].field, "cis");
    assert_eq!(changes[0].before, Some(format!("srv-1, {other}")));
    assert_eq!(problem.problem().unwrap().cis, [].into());
}

#[test]
fn facts_of_one_kind_are_no_other_kinds() {
    for kind in TicketKind::ALL {
        let ticket = opened(*kind);
        let details = [
            ticket.incident().is_some(),
            ticket.request().is_some(),
            ticket.problem().is_some(),
            ticket.task().is_some(),
        ];
        assert_eq!(details.iter().filter(|it| **it).count(), 1);
        assert_eq!(ticket.details.kind(), *kind);
    }
    assert!(TicketKind::Problem.rules().field("affected_users").is_none());
    assert!(TicketKind::Request.rules().field("parent").is_none());
    assert!(TicketKind::Incident.rules().field("answers").is_none());
}

#[test]
fn every_state_has_a_phase_and_the_phase_is_its_shape() {
    for kind in TicketKind::ALL {
        for ticket in in_every_state(*kind) {
            assert_eq!(kind.rules().phase(ticket.state()), Some(ticket.phase()));
        }
        let phases: Vec<_> = kind.rules().states.iter().map(|(_, phase)| *phase).collect();
        assert_eq!(phases.first(), Some(&Phase::Open));
        assert!(phases.iter().any(|phase| phase.is_over()));
    }
    let mut request = opened(TicketKind::Request);
    submit(&mut request, Submission::Refused { reason: "no budget".to_owned() }, 1);
    let Stage::Rejected(rejection) = &request.stage else { panic!("not rejected") };
    assert_eq!(rejection.reason, "no budget");
}
