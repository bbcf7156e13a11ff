//! What tickets wait for, in every state.

use chrono::Duration;

use crate::{
    approval::{Approval, Duties, NewRound, Quorum, StagePlan, StageRule, StepPlan},
    fixture::{
        AGENT, CALLER, DESK, MANAGER, NETWORK, ORG, hours, in_state, monday, opened, settings,
        ticket_id, user, world,
    },
    ids::{ApprovalId, ApprovalRequestId, PersonId},
    incident::{AwaitingKind, ResolutionCode},
    ticket::{Holding, State, TicketKind},
    waiting::{WaitingFor, WaitingOn},
};

fn waits(kind: TicketKind, state: State, awaiting: AwaitingKind) -> Option<WaitingFor> {
    in_state(kind, state, awaiting).waiting_on(None, &settings()).map(|waiting| waiting.what)
}

fn round(voters: &[PersonId]) -> Approval {
    let new = NewRound {
        id: ApprovalId(ORG.0),
        org: ORG,
        ticket: ticket_id(0),
        round: 1,
        content_digest: String::new(),
        receipt: None,
        duties: Duties { requester: CALLER, implementer: None },
        fallback_approver: None,
    };
    let step = StepPlan {
        name: "budget".to_owned(),
        quorum: Quorum::All,
        veto: false,
        due_hours: None,
        voters: voters.to_vec(),
        mandatory: Vec::new(),
    };
    let mut next = 0;
    let mut next_id = || {
        next += 1;
        ApprovalRequestId(uuid::Uuid::from_u128(next))
    };
    let stages = vec![StagePlan { rule: StageRule::All, steps: vec![step] }];
    Approval::plan(new, stages, &mut next_id, monday() + hours(2)).unwrap().approval
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
fn w10_no_active_state_waits_for_nobody() {
    for kind in TicketKind::ALL {
        for state in State::of_kind(*kind).iter().filter(|state| state.is_active()) {
            assert!(waits(*kind, *state, AwaitingKind::Caller).is_some(), "{kind} {state}");
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
    let approval = round(&[CALLER]);
    for approval in [Some(&approval), None] {
        let waiting = request.waiting_on(approval, &settings()).unwrap();
        assert_eq!(waiting.what, WaitingFor::ApproverMissing);
        assert_eq!(waiting.since, monday() + hours(1));
    }
}

#[test]
fn w10_the_wait_is_counted_from_when_it_began() {
    let mut incident = opened(TicketKind::Incident);
    let since = |ticket: &crate::ticket::Ticket| {
        (ticket.waiting_on(None, &settings()).unwrap().since - monday()).num_hours()
    };
    incident.acknowledge(monday() + hours(1)).unwrap();
    assert_eq!(since(&incident), 0);
    incident.assign(Some(NETWORK), Some(AGENT), &world(), monday() + hours(2)).unwrap();
    assert_eq!(since(&incident), 2);
    // The same person starts: they have been waited for since they got it.
    incident.start(Some(AGENT), &world(), monday() + hours(3)).unwrap();
    assert_eq!(since(&incident), 2);
    let holding = Holding {
        awaiting: Some(AwaitingKind::Evidence),
        person: Some(MANAGER),
        ..Holding::default()
    };
    incident.hold(holding, monday() + hours(4)).unwrap();
    assert_eq!(since(&incident), 4);
    incident.resume(monday() + hours(5)).unwrap();
    assert_eq!(since(&incident), 5);
    let code = Some(ResolutionCode::Fixed);
    incident.resolve(code, Some("done"), &settings(), &user(AGENT), monday() + hours(6)).unwrap();
    assert_eq!(since(&incident), 6);
}

#[test]
fn a_ticket_never_closes_by_itself_when_that_is_switched_off() {
    let mut patient = settings();
    patient.auto_close_days = 0;
    let resolved = in_state(TicketKind::Incident, State::Resolved, AwaitingKind::Caller);
    assert_eq!(resolved.closes_at(&patient), None);
}
