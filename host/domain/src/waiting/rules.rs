//! What tickets wait for, in every state.

use chrono::Duration;

use crate::{
    approval::Approval,
    fixture::{
        AGENT, CALLER, DESK, MANAGER, NETWORK, Scene, holding, hours, in_every_state, in_state,
        monday, nothing, opened, resolved_as, round, settings, ticket_id, with,
    },
    ticket::{Action, AwaitingKind, Code, State, TicketKind, Value},
    waiting::{WaitingFor, WaitingOn},
};

fn waits(kind: TicketKind, state: State, awaiting: AwaitingKind) -> Option<WaitingFor> {
    in_state(kind, state, awaiting).waiting_on(None, &settings()).map(|waiting| waiting.what)
}

#[test]
fn w10_every_state_names_whom_it_waits_for() {
    let incident = |state, awaiting| waits(TicketKind::Incident, state, awaiting);
    let caller = AwaitingKind::Caller;
    assert_eq!(incident(State::New, caller), Some(WaitingFor::Team(DESK)));
    assert_eq!(incident(State::InProgress, caller), Some(WaitingFor::Assignee(AGENT)));
    assert_eq!(incident(State::OnHold, caller), Some(WaitingFor::Caller));
    assert_eq!(
        incident(State::OnHold, AwaitingKind::Vendor),
        Some(WaitingFor::Vendor("Dell".to_owned()))
    );
    assert_eq!(
        incident(State::OnHold, AwaitingKind::Evidence),
        Some(WaitingFor::Evidence(MANAGER))
    );
    let resolved = in_state(TicketKind::Incident, State::Resolved, caller);
    let closes_at = resolved.done_at().map(|at| at + Duration::days(5));
    assert_eq!(incident(State::Resolved, caller), Some(WaitingFor::Confirmation { closes_at }));
    assert_eq!(incident(State::Closed, caller), None);
    assert_eq!(incident(State::Cancelled, caller), None);
}

#[test]
fn w10_a_ticket_on_hold_for_a_problem_names_it() {
    let waiting = waits(TicketKind::Incident, State::OnHold, AwaitingKind::Problem);
    assert_eq!(waiting, Some(WaitingFor::Problem(ticket_id(1))));
}

#[test]
fn w10_every_task_names_whom_it_waits_for() {
    let task = |state| waits(TicketKind::Task, state, AwaitingKind::Other);
    assert_eq!(task(State::Waiting), Some(WaitingFor::Tasks));
    assert_eq!(task(State::Open), Some(WaitingFor::Team(DESK)));
    assert_eq!(task(State::InProgress), Some(WaitingFor::Assignee(AGENT)));
    assert_eq!(task(State::OnHold), Some(WaitingFor::Other("because".to_owned())));
    // Somebody tries it again, or skips it.
    assert_eq!(task(State::Incomplete), Some(WaitingFor::Team(DESK)));
    assert_eq!(task(State::Done), None);
}

#[test]
fn w10_no_active_state_waits_for_nobody() {
    for kind in TicketKind::ALL {
        for ticket in in_every_state(*kind) {
            let waits = ticket.waiting_on(None, &settings()).is_some();
            assert!(waits || !ticket.phase().is_active(), "{kind} {}", ticket.state());
        }
    }
}

#[test]
fn w10_an_approval_names_each_approver_who_has_not_voted() {
    let request = in_state(TicketKind::Request, State::AwaitingApproval, AwaitingKind::Caller);
    let approval = round(&[MANAGER, AGENT]);
    let waiting = request.waiting_on(Some(&approval), &settings());
    let what = WaitingFor::Approvers(vec![MANAGER, AGENT]);
    assert_eq!(waiting, Some(WaitingOn { what, since: monday() + hours(2) }));
}

#[test]
fn w10_an_approval_without_voters_says_so() {
    let request = in_state(TicketKind::Request, State::AwaitingApproval, AwaitingKind::Caller);
    let approval: Approval = round(&[CALLER]);
    for approval in [Some(&approval), None] {
        let waiting = request.waiting_on(approval, &settings()).unwrap();
        assert_eq!(waiting.what, WaitingFor::ApproverMissing);
        assert_eq!(waiting.since, monday() + hours(1));
    }
}

#[test]
fn w10_the_wait_is_counted_from_when_it_began() {
    let mut incident = opened(TicketKind::Incident);
    let mut since = |hour, action, given| {
        Scene::at(hour).act(&mut incident, action, given).unwrap();
        (incident.waiting_on(None, &settings()).unwrap().since - monday()).num_hours()
    };
    assert_eq!(since(1, Action::Acknowledge, nothing()), 0);
    let owner = with("team", Value::Team(NETWORK)).with("assignee", Value::Person(AGENT));
    assert_eq!(since(2, Action::Assign, owner), 2);
    // The same person starts: they have been waited for since they got it.
    assert_eq!(since(3, Action::Start, nothing()), 2);
    assert_eq!(since(4, Action::Hold, holding(AwaitingKind::Evidence)), 4);
    assert_eq!(since(5, Action::Resume, nothing()), 5);
    assert_eq!(since(6, Action::Resolve, resolved_as(Code::Fixed)), 6);
}

#[test]
fn a_ticket_never_closes_by_itself_when_that_is_switched_off() {
    let mut patient = settings();
    patient.auto_close_days = 0;
    let resolved = in_state(TicketKind::Incident, State::Resolved, AwaitingKind::Caller);
    assert_eq!(resolved.closes_at(&patient), None);
}
