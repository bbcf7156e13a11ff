//! Who is asked for the votes of people who are away.

use std::collections::BTreeSet;

use super::*;
use crate::{
    delegation::{Delegation, NewDelegation, Scope, StandIns},
    fixture::{opened, user},
    ids::DelegationId,
    ticket::TicketKind,
};

fn delegation(id: u128, from: PersonId, to: PersonId) -> Delegation {
    let new = NewDelegation {
        id: DelegationId(Uuid::from_u128(id)),
        org: ORG,
        from,
        to,
        scope: Scope::Everything,
        starts_at: None,
        ends_at: monday() + hours(100),
        reason: "On holiday".to_owned(),
    };
    Delegation::plan(new, &user(from), monday()).unwrap()
}

/// Asks stand-ins for everything that is open, and says who is asked now.
fn stand_in(approval: &mut Approval, duties: Duties, delegations: &[Delegation]) -> Vec<PersonId> {
    let ticket = opened(TicketKind::Request);
    let open: Vec<_> = approval
        .requests()
        .filter(|request| request.state == SeatState::Requested)
        .map(|request| request.id)
        .collect();
    let mut next = 500;
    let mut next_id = || {
        next += 1;
        ApprovalRequestId(Uuid::from_u128(next))
    };
    let stand_ins = StandIns::about(delegations, &ticket, monday());
    let stood_in = approval.stand_in(&open, &stand_ins, duties, &mut next_id, monday() + hours(1));
    assert_eq!(stood_in.changes.is_empty(), stood_in.followed.is_empty());
    stood_in.asked.iter().map(|id| approval.find(*id).unwrap().1.voter).collect()
}

#[test]
fn a_stand_in_is_asked_and_votes_for_the_seat_of_the_one_who_is_away() {
    let mut approval = one_step(Quorum::All, 2);
    let away = [delegation(7, person(0), OWNER)];
    assert_eq!(stand_in(&mut approval, DUTIES, &away), [OWNER, person(1)]);
    let (_, request) = approval.find(request_of(&approval, OWNER)).unwrap();
    assert_eq!((request.seat, request.delegation), (person(0), Some(away[0].id)));
    let own = approval.requests().find(|request| request.voter == person(0)).unwrap();
    assert_eq!((own.state, own.comment.as_deref()), (SeatState::Delegated, Some("On holiday")));
    cast(&mut approval, person(1), Vote::Approve).unwrap();
    assert_eq!(cast(&mut approval, OWNER, Vote::Approve).unwrap().outcome, Outcome::Approved);
}

#[test]
fn the_one_who_is_away_may_vote_first_all_the_same() {
    let mut approval = one_step(Quorum::All, 1);
    stand_in(&mut approval, DUTIES, &[delegation(7, person(0), OWNER)]);
    let request = request_of(&approval, OWNER);
    let voted = cast_on(&mut approval, request, person(0), Vote::Approve).unwrap();
    assert_eq!(voted.outcome, Outcome::Approved);
}

#[test]
fn a_stand_in_who_is_away_too_has_another_three_times_at_most() {
    let mut approval = one_step(Quorum::All, 1);
    let chain: Vec<_> = (0..5).map(|n| delegation(n, person(n), person(n + 1))).collect();
    assert_eq!(stand_in(&mut approval, DUTIES, &chain), [person(3)]);
    // The last one can't pass it on by hand either.
    let refused = cast(&mut approval, person(3), delegate(OWNER, 900)).unwrap_err();
    assert_eq!(refused_pointers(refused)[0].1, "too-deep");
}

#[test]
fn nobody_stands_in_for_each_other_in_circles() {
    let mut approval = one_step(Quorum::All, 1);
    let circle = [delegation(1, person(0), OWNER), delegation(2, OWNER, person(0))];
    assert_eq!(stand_in(&mut approval, DUTIES, &circle), [OWNER]);
}

#[test]
fn neither_requester_nor_implementer_stands_in_and_the_next_best_delegation_counts() {
    let duties = Duties { requester: Some(CALLER), implementer: Some(MANAGER) };
    for excluded in [CALLER, MANAGER] {
        let mut approval = one_step(Quorum::All, 1);
        let away = [delegation(1, person(0), excluded)];
        assert_eq!(stand_in(&mut approval, duties, &away), [person(0)]);
        let mut approval = one_step(Quorum::All, 1);
        let away = [delegation(1, person(0), OWNER), delegation(2, person(0), excluded)];
        assert_eq!(stand_in(&mut approval, duties, &away), [OWNER]);
    }
}

#[test]
fn whoever_votes_in_the_step_already_stands_in_for_nobody() {
    let mut approval = one_step(Quorum::All, 3);
    let away = [delegation(1, person(0), person(1)), delegation(2, person(2), OWNER)];
    assert_eq!(stand_in(&mut approval, DUTIES, &away), [person(0), person(1), OWNER]);
    let mut approval = one_step(Quorum::All, 2);
    let both = [delegation(1, person(0), OWNER), delegation(2, person(1), OWNER)];
    assert_eq!(stand_in(&mut approval, DUTIES, &both), [OWNER, person(1)]);
}

#[test]
fn a_decided_request_is_nobody_else_s_to_answer() {
    let mut approval = one_step(Quorum::All, 1);
    let request = request_of(&approval, person(0));
    cast(&mut approval, person(0), Vote::Approve).unwrap();
    let before = approval.clone();
    let ticket = opened(TicketKind::Request);
    let away = [delegation(1, person(0), OWNER)];
    let stand_ins = StandIns::about(&away, &ticket, monday());
    let mut next_id = || panic!("nothing is opened");
    approval.stand_in(&[request], &stand_ins, DUTIES, &mut next_id, monday());
    assert_eq!(approval, before);
}

proptest! {
    #[test]
    fn whoever_stands_in_for_whom_each_seat_is_asked_of_one_person_and_each_person_once(
        voters in 1_u128..5,
        away in proptest::collection::vec((0_u128..7, 0_u128..7), 0..12),
    ) {
        let duties = Duties { requester: Some(person(5)), implementer: Some(person(6)) };
        let stages =
            vec![stage(StageRule::All, vec![step("board", Quorum::All, people(voters))])];
        let mut approval = plan_about(duties, stages, None).unwrap().approval;
        let delegations: Vec<_> = (0..)
            .zip(away)
            .filter(|(_, (from, to))| from != to)
            .map(|(id, (from, to))| delegation(id, person(from), person(to)))
            .collect();
        let asked = stand_in(&mut approval, duties, &delegations);
        prop_assert_eq!(asked.len() as u128, voters);
        prop_assert_eq!(asked.iter().collect::<BTreeSet<_>>().len(), asked.len());
        prop_assert!(asked.iter().all(|voter| duties.allow(*voter)));
        let step = &approval.stages[0].steps[0];
        prop_assert_eq!(Tally::of(step).seats as u128, voters);
        for seat in 0..voters {
            let of_seat = step.requests.iter().filter(|request| request.seat == person(seat));
            prop_assert!(of_seat.clone().count() <= 4);
            let open = of_seat.filter(|request| request.state == SeatState::Requested);
            prop_assert_eq!(open.count(), 1);
        }
    }
}
