//! The rules of approvals: the algebra for every sequence of votes, and one test for each rule
//! around it.

mod keeping;
mod seats;
mod stages;
mod standing_in;

use proptest::prelude::*;
use uuid::Uuid;

use crate::{
    approval::{
        Approval, Ballot, Duties, Matter, NewRound, Outcome, PlanFault, Planned, Quorum, SeatState,
        StagePlan, StageRule, StepPlan, Vote, VoteRefused, Voted, quorum::Tally,
    },
    fixture::{CALLER, MANAGER, ORG, OWNER, hours, monday, person, ticket_id},
    ids::{ApprovalId, ApprovalRequestId, PersonId},
    permission::ForbiddenKind,
    refusal::Refused,
};

const SHOWN: &str = "sha256:of-what-was-shown";
const DUTIES: Duties = Duties { requester: Some(CALLER), implementer: None };
const MATTER: Matter<'static> = Matter { duties: DUTIES, content_digest: SHOWN };

fn step(name: &str, quorum: Quorum, voters: impl IntoIterator<Item = PersonId>) -> StepPlan {
    StepPlan {
        name: name.to_owned(),
        quorum,
        veto: false,
        due_hours: Some(24),
        voters: voters.into_iter().collect(),
        mandatory: Vec::new(),
    }
}

fn stage(rule: StageRule, steps: Vec<StepPlan>) -> StagePlan {
    StagePlan { rule, steps }
}

fn people(count: u128) -> impl Iterator<Item = PersonId> {
    (0..count).map(person)
}

fn try_plan(
    stages: Vec<StagePlan>,
    fallback_approver: Option<PersonId>,
) -> Result<Planned, PlanFault> {
    plan_about(DUTIES, stages, fallback_approver)
}

fn plan_about(
    duties: Duties,
    stages: Vec<StagePlan>,
    fallback_approver: Option<PersonId>,
) -> Result<Planned, PlanFault> {
    let new = NewRound {
        id: ApprovalId(Uuid::from_u128(1)),
        org: ORG,
        subject: ticket_id(0).into(),
        round: 1,
        content_digest: SHOWN.to_owned(),
        receipt: None,
        duties,
        fallback_approver,
    };
    let mut next = 0;
    let mut next_id = || {
        next += 1;
        ApprovalRequestId(Uuid::from_u128(next))
    };
    Approval::plan(new, stages, &mut next_id, monday())
}

fn plan(stages: Vec<StagePlan>) -> Approval {
    try_plan(stages, None).unwrap().approval
}

fn one_step(quorum: Quorum, voters: u128) -> Approval {
    plan(vec![stage(StageRule::All, vec![step("budget", quorum, people(voters))])])
}

fn request_of(approval: &Approval, voter: PersonId) -> ApprovalRequestId {
    let mut open = approval.requests().filter(|request| request.voter == voter);
    open.find(|request| request.state == SeatState::Requested)
        .or_else(|| approval.requests().find(|request| request.voter == voter))
        .unwrap()
        .id
}

fn cast(approval: &mut Approval, by: PersonId, vote: Vote) -> Result<Voted, VoteRefused> {
    let request = request_of(approval, by);
    cast_on(approval, request, by, vote)
}

fn cast_on(
    approval: &mut Approval,
    request: ApprovalRequestId,
    by: PersonId,
    vote: Vote,
) -> Result<Voted, VoteRefused> {
    let ballot = Ballot { request, by, vote, comment: Some("because"), shown: Some(SHOWN) };
    approval.vote(ballot, MATTER, monday() + hours(1))
}

fn delegate(to: PersonId, id: u128) -> Vote {
    Vote::Delegate { to: Some(to), id: ApprovalRequestId(Uuid::from_u128(id)) }
}

fn refused_pointers(refused: VoteRefused) -> Vec<(String, &'static str)> {
    match refused {
        VoteRefused::Refused(Refused::MissingFields(faults) | Refused::Invalid(faults)) => {
            faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a3_a_quorum_never_needs_less_than_it_says() {
    let needed = |quorum: Quorum| [1, 2, 3, 4, 10].map(|seats| quorum.needed(seats));
    assert_eq!(needed(Quorum::Any), [1, 1, 1, 1, 1]);
    assert_eq!(needed(Quorum::All), [1, 2, 3, 4, 10]);
    assert_eq!(needed(Quorum::Count(3)), [1, 2, 3, 3, 3]);
    assert_eq!(needed(Quorum::Count(0)), [1, 1, 1, 1, 1]);
    assert_eq!(needed(Quorum::Majority), [1, 2, 2, 3, 6]);
    assert_eq!(needed(Quorum::Percent(50)), [1, 1, 2, 2, 5]);
    assert_eq!(needed(Quorum::Percent(51)), [1, 2, 2, 3, 6]);
    assert_eq!(needed(Quorum::Percent(0)), [1, 1, 1, 1, 1]);
    assert_eq!(needed(Quorum::Percent(200)), [1, 2, 3, 4, 10]);
}

#[test]
fn a3_of_ten_voters_who_are_all_needed_one_refusal_decides_at_once() {
    let mut approval = one_step(Quorum::All, 10);
    let voted = cast(&mut approval, person(4), Vote::Reject).unwrap();
    assert_eq!(voted.outcome, Outcome::Rejected);
    let cancelled = approval.requests().filter(|r| r.state == SeatState::Cancelled).count();
    assert_eq!(cancelled, 9);
    assert_eq!(approval.decided_at, Some(monday() + hours(1)));
}

#[test]
fn a3_a_rejected_stage_stops_the_chain() {
    let mut approval = plan(vec![
        stage(StageRule::All, vec![step("manager", Quorum::Any, [MANAGER])]),
        stage(StageRule::All, vec![step("owner", Quorum::Any, [OWNER])]),
    ]);
    let voted = cast(&mut approval, MANAGER, Vote::Reject).unwrap();
    assert_eq!((voted.outcome, voted.opened.len()), (Outcome::Rejected, 0));
    assert_eq!(approval.stages[1].outcome, Outcome::Cancelled);
    assert_eq!(approval.find(request_of(&approval, OWNER)).unwrap().1.state, SeatState::Cancelled);
    assert_eq!(approval.rejections().count(), 1);
}

#[test]
fn a3_the_next_stage_opens_when_the_one_before_is_approved() {
    let mut approval = plan(vec![
        stage(StageRule::All, vec![step("manager", Quorum::Any, [MANAGER])]),
        stage(StageRule::All, vec![step("owner", Quorum::Any, [OWNER])]),
    ]);
    let owners = request_of(&approval, OWNER);
    assert_eq!(approval.find(owners).unwrap().1.state, SeatState::Waiting);
    let early = cast(&mut approval, OWNER, Vote::Approve).unwrap_err();
    assert!(matches!(early, VoteRefused::NotAwaited(_)), "{early}");
    let voted = cast(&mut approval, MANAGER, Vote::Approve).unwrap();
    assert_eq!((voted.outcome, voted.opened), (Outcome::Pending, vec![owners]));
    let (step, request) = approval.find(owners).unwrap();
    assert_eq!(request.requested_at, Some(monday() + hours(1)));
    assert_eq!(step.due_at, Some(monday() + hours(25)));
    let voted = cast(&mut approval, OWNER, Vote::Approve).unwrap();
    assert_eq!(voted.outcome, Outcome::Approved);
}

#[test]
fn a_veto_rejects_at_once_where_a_quorum_could_still_be_reached() {
    let mut with_veto = step("board", Quorum::Any, people(3));
    with_veto.veto = true;
    let mut approval = plan(vec![stage(StageRule::All, vec![with_veto])]);
    assert_eq!(cast(&mut approval, person(0), Vote::Reject).unwrap().outcome, Outcome::Rejected);
    let mut approval = one_step(Quorum::Any, 3);
    assert_eq!(cast(&mut approval, person(0), Vote::Reject).unwrap().outcome, Outcome::Pending);
}

#[test]
fn a_step_without_voters_goes_to_the_fallback_approver_and_is_never_approved_silently() {
    let stages = || vec![stage(StageRule::All, vec![step("budget", Quorum::All, [CALLER])])];
    let with = try_plan(stages(), Some(OWNER)).unwrap();
    assert_eq!(with.opened, [request_of(&with.approval, OWNER)]);

    let mut missing = try_plan(stages(), Some(CALLER)).unwrap().approval;
    assert_eq!((missing.outcome, missing.requests().count()), (Outcome::Pending, 0));
    let appointed = ApprovalRequestId(Uuid::from_u128(99));
    assert!(missing.wants_voter());
    let done = missing.appoint(OWNER, DUTIES, &mut || appointed, monday());
    assert!(!missing.wants_voter());
    assert_eq!(done.asked, [appointed]);
    assert_eq!(done.changes.len(), 1, "the seat: {:?}", done.changes);
    assert_eq!(cast(&mut missing, OWNER, Vote::Approve).unwrap().outcome, Outcome::Approved);
}

#[test]
fn an_empty_plan_is_no_plan() {
    assert_eq!(try_plan(Vec::new(), None), Err(PlanFault::Stages(0)));
    let empty = vec![stage(StageRule::All, Vec::new())];
    assert_eq!(try_plan(empty, None), Err(PlanFault::Steps { stage: 1, steps: 0 }));
    let unnamed = vec![stage(StageRule::All, vec![step(" ", Quorum::Any, [OWNER])])];
    assert_eq!(try_plan(unnamed, None), Err(PlanFault::Name { stage: 1, step: 1 }));
}

#[test]
fn only_the_holder_of_a_seat_votes_and_never_the_requester() {
    let mut approval = one_step(Quorum::All, 2);
    let request = request_of(&approval, person(0));
    let stranger = cast_on(&mut approval, request, person(1), Vote::Approve).unwrap_err();
    let VoteRefused::Forbidden(forbidden) = stranger else { panic!("{stranger}") };
    assert_eq!(forbidden.kind, ForbiddenKind::Role);
    let requester = cast_on(&mut approval, request, CALLER, Vote::Approve).unwrap_err();
    let VoteRefused::Forbidden(forbidden) = requester else { panic!("{requester}") };
    assert_eq!(forbidden.kind, ForbiddenKind::Duties);
}

#[test]
fn a_decision_is_final() {
    let mut approval = one_step(Quorum::All, 2);
    cast(&mut approval, person(0), Vote::Approve).unwrap();
    let again = cast(&mut approval, person(0), Vote::Reject).unwrap_err();
    assert!(matches!(again, VoteRefused::NotAwaited(_)), "{again}");
}

#[test]
fn a_vote_is_about_exactly_what_was_shown() {
    let mut approval = one_step(Quorum::Any, 1);
    let request = request_of(&approval, person(0));
    let mut vote = |vote, shown, content_digest, comment| {
        let ballot = Ballot { request, by: person(0), vote, comment, shown };
        let matter = Matter { duties: DUTIES, content_digest };
        approval.vote(ballot, matter, monday()).unwrap_err()
    };
    let missing = vote(Vote::Reject, None, SHOWN, None);
    let pointers = refused_pointers(missing).into_iter().map(|(pointer, _)| pointer);
    assert_eq!(pointers.collect::<Vec<_>>(), ["/content_digest", "/comment"]);
    let old = vote(Vote::Approve, Some("older"), SHOWN, None);
    assert_eq!(old, VoteRefused::ContentChanged);
    let moved_on = vote(Vote::Approve, Some(SHOWN), "newer", None);
    assert_eq!(moved_on, VoteRefused::ContentChanged);
}

#[test]
fn a_delegate_votes_for_the_same_seat() {
    let mut approval = one_step(Quorum::All, 2);
    let voted = cast(&mut approval, person(0), delegate(OWNER, 100)).unwrap();
    assert_eq!(voted.opened, [ApprovalRequestId(Uuid::from_u128(100))]);
    cast(&mut approval, OWNER, Vote::Approve).unwrap();
    let voted = cast(&mut approval, person(1), Vote::Approve).unwrap();
    assert_eq!(voted.outcome, Outcome::Approved);
    let (step, request) = approval.find(ApprovalRequestId(Uuid::from_u128(100))).unwrap();
    assert_eq!((request.seat, request.voter), (person(0), OWNER));
    assert_eq!(Tally::of(step).seats, 2);
}

#[test]
fn the_holder_of_a_seat_may_still_vote_before_the_delegate() {
    let mut approval = one_step(Quorum::Any, 1);
    cast(&mut approval, person(0), delegate(OWNER, 100)).unwrap();
    let request = ApprovalRequestId(Uuid::from_u128(100));
    let voted = cast_on(&mut approval, request, person(0), Vote::Approve).unwrap();
    assert_eq!(voted.outcome, Outcome::Approved);
}

#[test]
fn a_seat_is_not_passed_on_in_circles_nor_to_the_requester_nor_forever() {
    let mut approval = one_step(Quorum::All, 2);
    let mut pass = |from, to, id| cast(&mut approval, from, delegate(to, id));
    let code = |refused: Result<Voted, VoteRefused>| refused_pointers(refused.unwrap_err())[0].1;
    assert_eq!(code(pass(person(0), CALLER, 100)), "separation-of-duties");
    assert_eq!(code(pass(person(0), person(0), 100)), "cycle");
    assert_eq!(code(pass(person(0), person(1), 100)), "repeated");
    pass(person(0), person(10), 100).unwrap();
    assert_eq!(code(pass(person(10), person(0), 101)), "cycle");
    pass(person(10), person(11), 101).unwrap();
    pass(person(11), person(12), 102).unwrap();
    assert_eq!(code(pass(person(12), person(13), 103)), "too-deep");
}

#[test]
fn a_silent_voter_is_reminded_passed_over_or_given_up() {
    let mut approval = one_step(Quorum::All, 1);
    let request = request_of(&approval, person(0));
    approval.remind(request).unwrap();
    assert_eq!(approval.find(request).unwrap().1.reminder_count, 1);
    let id = ApprovalRequestId(Uuid::from_u128(100));
    approval.pass_on(request, OWNER, id, DUTIES, monday() + hours(9)).unwrap();
    assert_eq!(approval.find(request).unwrap().1.escalated_at, Some(monday() + hours(9)));
    let voted = approval.expire(id, monday() + hours(20)).unwrap();
    assert_eq!(voted.outcome, Outcome::Rejected);
}

#[test]
fn a_revised_request_ends_its_open_round_and_keeps_decided_ones() {
    let mut open = one_step(Quorum::All, 2);
    cast(&mut open, person(0), Vote::Approve).unwrap();
    assert!(!open.cancel(monday()).is_empty());
    let states = open.requests().map(|request| request.state).collect::<Vec<_>>();
    assert_eq!(states, [SeatState::Approved, SeatState::Cancelled]);
    assert_eq!(open.outcome, Outcome::Cancelled);

    let mut rejected = one_step(Quorum::Any, 1);
    cast(&mut rejected, person(0), Vote::Reject).unwrap();
    assert_eq!(rejected.cancel(monday()), []);
    assert_eq!(rejected.outcome, Outcome::Rejected);
}

#[test]
fn an_approval_is_void_when_its_content_changed() {
    let mut approved = one_step(Quorum::Any, 1);
    cast(&mut approved, person(0), Vote::Approve).unwrap();
    approved.void(monday());
    assert_eq!(approved.outcome, Outcome::Cancelled);
}

#[test]
fn what_is_for_nobody_keeps_nobody_from_voting_but_whoever_does_the_work() {
    let duties = Duties { requester: None, implementer: Some(person(0)) };
    let stages = vec![stage(StageRule::All, vec![step("risk", Quorum::All, people(2))])];
    let planned = plan_about(duties, stages, None).unwrap();
    let seats = planned.approval.requests().map(|request| request.seat).collect::<Vec<_>>();
    assert_eq!(seats, [person(1)]);
    assert!(duties.allow(CALLER));
}

#[test]
fn p4_a_vote_tells_who_decided_which_step_of_which_round() {
    let mut approval = one_step(Quorum::Any, 1);
    let voted = cast(&mut approval, person(0), Vote::Approve).unwrap();
    let told = voted.changes.iter().map(|change| change.field.clone()).collect::<Vec<_>>();
    let seat = format!("approval/1/1/budget/{}", person(0));
    assert_eq!(told, [seat.as_str(), "approval/1/1/budget", "approval/1"]);
}

fn quorums() -> impl Strategy<Value = Quorum> {
    prop_oneof![
        Just(Quorum::Any),
        Just(Quorum::All),
        Just(Quorum::Majority),
        (0_u16..12).prop_map(Quorum::Count),
        (0_u8..=120).prop_map(Quorum::Percent),
    ]
}

fn votes() -> impl Strategy<Value = Vec<Vote>> {
    let vote = prop_oneof![Just(Vote::Approve), Just(Vote::Reject), Just(Vote::Abstain)];
    proptest::collection::vec(vote, 1..10)
}

/// Casts votes in an order, as far as they are still asked for.
fn cast_all(mut approval: Approval, votes: &[Vote], order: &[usize]) -> Approval {
    for voter in order {
        let by = person(*voter as u128);
        if cast(&mut approval, by, votes[*voter]).is_err() {
            assert_ne!(approval.outcome, Outcome::Pending, "an open vote was refused");
        }
    }
    approval
}

fn with_mandatory(quorum: Quorum, voters: usize, mandatory: &[usize]) -> Approval {
    let mut step = step("board", quorum, people(voters as u128));
    step.mandatory = vec![mandatory.iter().map(|seat| person((*seat % voters) as u128)).collect()];
    step.mandatory.retain(|named: &Vec<PersonId>| !named.is_empty());
    plan(vec![stage(StageRule::All, vec![step])])
}

proptest! {
    #[test]
    fn a3_without_veto_the_order_of_votes_does_not_matter(
        quorum in quorums(),
        (votes, order) in votes().prop_flat_map(|votes| {
            let order = Just((0..votes.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(votes), order)
        }),
        mandatory in proptest::collection::vec(0_usize..10, 0..3),
    ) {
        let approval = with_mandatory(quorum, votes.len(), &mandatory);
        let straight = (0..votes.len()).collect::<Vec<_>>();
        let one = cast_all(approval.clone(), &votes, &straight);
        let other = cast_all(approval, &votes, &order);
        prop_assert_eq!(one.outcome, other.outcome);
    }

    #[test]
    fn a3_an_added_approval_never_turns_approved_into_rejected(
        quorum in quorums(),
        votes in votes(),
        changed in 0_usize..10,
        mandatory in proptest::collection::vec(0_usize..10, 0..3),
    ) {
        let order = (0..votes.len()).collect::<Vec<_>>();
        let approval = with_mandatory(quorum, votes.len(), &mandatory);
        let before = cast_all(approval.clone(), &votes, &order).outcome;
        let mut more = votes.clone();
        more[changed % votes.len()] = Vote::Approve;
        let after = cast_all(approval, &more, &order).outcome;
        prop_assert!(!(before == Outcome::Approved && after == Outcome::Rejected));
    }

    #[test]
    fn a3_when_all_have_voted_there_is_exactly_one_outcome_and_nobody_is_asked_any_more(
        quorum in quorums(),
        votes in votes(),
        veto in any::<bool>(),
    ) {
        let mut step = step("board", quorum, people(votes.len() as u128));
        step.veto = veto;
        let approval = plan(vec![stage(StageRule::All, vec![step])]);
        let order = (0..votes.len()).collect::<Vec<_>>();
        let decided = cast_all(approval, &votes, &order);
        prop_assert!(matches!(decided.outcome, Outcome::Approved | Outcome::Rejected));
        let asked = decided.requests().filter(|request| request.state == SeatState::Requested);
        prop_assert_eq!(asked.count(), 0);
        prop_assert!(decided.decided_at.is_some());
    }

    #[test]
    fn a_quorum_is_written_and_read_again(quorum in quorums()) {
        prop_assert_eq!(quorum.to_string().parse::<Quorum>(), Ok(quorum));
    }
}
