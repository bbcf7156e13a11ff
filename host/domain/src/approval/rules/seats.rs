//! Who holds a seat, who must agree, and seats that nobody answers.

use super::*;
use crate::fixture::{AGENT, opened};
use crate::ticket::TicketKind;

#[test]
fn a3_a_step_is_not_approved_without_its_mandatory_seats() {
    let mut plan_step = step("board", Quorum::Any, people(3));
    plan_step.mandatory.push(vec![person(2)]);
    let stages = vec![stage(StageRule::All, vec![plan_step])];
    let mut approval = plan(stages.clone());
    assert_eq!(cast(&mut approval, person(0), Vote::Approve).unwrap().outcome, Outcome::Pending);
    assert_eq!(cast(&mut approval, person(2), Vote::Approve).unwrap().outcome, Outcome::Approved);
    for vote in [Vote::Reject, Vote::Abstain] {
        let mut approval = plan(stages.clone());
        assert_eq!(cast(&mut approval, person(2), vote).unwrap().outcome, Outcome::Rejected);
    }
}

#[test]
fn a3_a_mandatory_vote_that_expires_rejects_its_step_and_another_one_does_not() {
    let planned = || {
        let mut plan_step = step("board", Quorum::Any, people(2));
        plan_step.mandatory.push(vec![person(2)]);
        let mut approval = plan(vec![stage(StageRule::All, vec![plan_step])]);
        cast(&mut approval, person(0), Vote::Approve).unwrap();
        approval
    };
    let expired = |voter| {
        let mut approval = planned();
        let request = request_of(&approval, voter);
        let voted = approval.expire(request, monday() + hours(40)).unwrap();
        assert_eq!(approval.find(request).unwrap().1.state, SeatState::Expired);
        voted.outcome
    };
    assert_eq!(expired(person(1)), Outcome::Pending);
    assert_eq!(expired(person(2)), Outcome::Rejected);
}

#[test]
fn a3_whoever_must_agree_votes_too_and_counts_once() {
    let mut plan_step = step("board", Quorum::All, people(2));
    plan_step.mandatory = vec![vec![person(1), person(2)], vec![person(2)]];
    let approval = plan(vec![stage(StageRule::All, vec![plan_step])]);
    let seats = approval.requests().map(|request| (request.seat, request.mandatory));
    let expected = [(person(0), false), (person(1), true), (person(2), true)];
    assert_eq!(seats.collect::<Vec<_>>(), expected);
}

#[test]
fn a3_where_nobody_of_those_who_must_agree_is_left_the_fallback_approver_must() {
    let planned = |needed: Vec<PersonId>, fallback| {
        let mut plan_step = step("board", Quorum::Any, people(2));
        plan_step.mandatory.push(needed);
        try_plan(vec![stage(StageRule::All, vec![plan_step])], fallback).unwrap().approval
    };
    for nobody in [Vec::new(), vec![CALLER]] {
        let mut approval = planned(nobody.clone(), Some(OWNER));
        assert!(approval.find(request_of(&approval, OWNER)).unwrap().1.mandatory);
        let others = cast(&mut approval, person(0), Vote::Approve).unwrap();
        assert_eq!(others.outcome, Outcome::Pending);
        assert_eq!(cast(&mut approval, OWNER, Vote::Approve).unwrap().outcome, Outcome::Approved);
        // One of the others is the fallback approver: then it is their yes.
        let approval = planned(nobody.clone(), Some(person(1)));
        let seats = approval.requests().map(|request| (request.seat, request.mandatory));
        assert_eq!(seats.collect::<Vec<_>>(), [(person(0), false), (person(1), true)]);
        // Without one the step waits: what the others say is not enough.
        let approval = planned(nobody, None);
        assert!(approval.wants_voter());
        assert_eq!(approval.requests().count(), 0);
    }
    // The requester is one of several: the others must agree, and that is enough.
    let approval = planned(vec![CALLER, MANAGER], Some(OWNER));
    assert!(approval.requests().all(|request| request.seat != OWNER));
    assert!(approval.find(request_of(&approval, MANAGER)).unwrap().1.mandatory);
}

#[test]
fn a_mandatory_seat_stays_so_in_a_delegate_s_hands() {
    let mut plan_step = step("board", Quorum::Any, people(2));
    plan_step.mandatory.push(vec![person(0)]);
    let mut approval = plan(vec![stage(StageRule::All, vec![plan_step])]);
    cast(&mut approval, person(0), delegate(OWNER, 100)).unwrap();
    assert_eq!(cast(&mut approval, person(1), Vote::Approve).unwrap().outcome, Outcome::Pending);
    assert_eq!(cast(&mut approval, OWNER, Vote::Abstain).unwrap().outcome, Outcome::Rejected);
}

#[test]
fn the_requester_holds_no_seat_and_nobody_holds_two_in_a_step() {
    let voters = [CALLER, MANAGER, MANAGER];
    let stages = vec![stage(StageRule::All, vec![step("budget", Quorum::All, voters)])];
    let planned = try_plan(stages, None).unwrap();
    let seats = planned.approval.requests().map(|request| request.seat).collect::<Vec<_>>();
    assert_eq!(seats, [MANAGER]);
    assert_eq!(planned.notes.len(), 1);
}

#[test]
fn nobody_decides_on_work_of_their_own() {
    let mut ticket = opened(TicketKind::Request);
    ticket.assignee = Some(AGENT);
    let duties = Duties::about(&ticket);
    let stages = vec![stage(StageRule::All, vec![step("budget", Quorum::All, [AGENT, MANAGER])])];
    let planned = plan_about(duties, stages, None).unwrap();
    let seats: Vec<_> = planned.approval.requests().map(|request| request.seat).collect();
    assert_eq!(seats, [MANAGER]);
    assert_eq!(planned.notes, ["step `budget`: the implementer's own seat was removed"]);
    // Nor is the fallback approver's own work theirs to approve.
    let stages = vec![stage(StageRule::All, vec![step("budget", Quorum::All, [CALLER])])];
    assert!(plan_about(duties, stages, Some(AGENT)).unwrap().approval.wants_voter());
}

#[test]
fn whoever_gets_the_work_while_asked_passes_the_vote_on() {
    let mut approval = one_step(Quorum::Any, 1);
    let request = request_of(&approval, person(0));
    let duties = Duties { requester: Some(CALLER), implementer: Some(person(0)) };
    let mut cast = |vote| {
        let ballot =
            Ballot { request, by: person(0), vote, comment: Some("mine now"), shown: Some(SHOWN) };
        approval.vote(ballot, Matter { duties, content_digest: SHOWN }, monday())
    };
    for vote in [Vote::Approve, Vote::Reject, Vote::Abstain] {
        let VoteRefused::Forbidden(forbidden) = cast(vote).unwrap_err() else { panic!("{vote:?}") };
        assert_eq!(forbidden.kind, ForbiddenKind::Duties);
    }
    let own = refused_pointers(cast(delegate(person(0), 100)).unwrap_err());
    assert_eq!(own[0].1, "separation-of-duties");
    assert_eq!(cast(delegate(OWNER, 100)).unwrap().opened.len(), 1);
}

#[test]
fn who_wrote_a_request_down_for_somebody_else_may_decide_on_it() {
    let mut ticket = opened(TicketKind::Request);
    ticket.opened_by = Some(MANAGER);
    assert!(Duties::about(&ticket).allow(MANAGER));
}

proptest! {
    #[test]
    fn a_vote_that_is_given_up_never_approves_anything(
        quorum in quorums(),
        votes in votes(),
        silent in 0_usize..10,
        mandatory in proptest::collection::vec(0_usize..10, 0..3),
    ) {
        let silent = silent % votes.len();
        let order: Vec<usize> = (0..votes.len()).filter(|voter| *voter != silent).collect();
        let mut approval =
            cast_all(with_mandatory(quorum, votes.len(), &mandatory), &votes, &order);
        let before = approval.outcome;
        let request = request_of(&approval, person(silent as u128));
        let expired = approval.expire(request, monday() + hours(40));
        prop_assert_eq!(expired.is_ok(), before == Outcome::Pending);
        prop_assert!(expired.is_err() || approval.outcome == Outcome::Rejected);
    }
}
