//! When a stage is approved, and when it is rejected.

use super::*;

#[test]
fn a3_steps_of_a_stage_are_asked_at_the_same_time_and_joined_by_its_rule() {
    let two = |rule| {
        let steps = vec![step("money", Quorum::Any, [MANAGER]), step("data", Quorum::Any, [OWNER])];
        plan(vec![stage(rule, steps)])
    };
    let after = |rule, first: Vote| {
        let mut approval = two(rule);
        assert_eq!(approval.requests().filter(|r| r.state == SeatState::Requested).count(), 2);
        cast(&mut approval, MANAGER, first).unwrap().outcome
    };
    assert_eq!(after(StageRule::Any, Vote::Approve), Outcome::Approved);
    assert_eq!(after(StageRule::Any, Vote::Reject), Outcome::Pending);
    assert_eq!(after(StageRule::All, Vote::Approve), Outcome::Pending);
    assert_eq!(after(StageRule::All, Vote::Reject), Outcome::Rejected);
}

/// What comes of a stage whose steps are decided one after the other, each by its own voter.
fn decided(rule: StageRule, votes: &[Vote], order: &[usize]) -> Approval {
    let steps = (0..votes.len())
        .map(|place| step(&format!("step {place}"), Quorum::Any, [person(place as u128)]))
        .collect();
    cast_all(plan(vec![stage(rule, steps)]), votes, order)
}

fn outcome_of(rule: StageRule, votes: &[Vote]) -> Outcome {
    let mut all: Vec<Vote> = votes.to_vec();
    // Who has not voted yet is at the end, and is not asked.
    all.resize(4, Vote::Abstain);
    let order: Vec<usize> = (0..votes.len()).collect();
    decided(rule, &all, &order).outcome
}

#[test]
fn a3_a_majority_of_four_steps_is_three() {
    let after = |votes: &[Vote]| outcome_of(StageRule::Majority, votes);
    let (yes, no) = (Vote::Approve, Vote::Reject);
    assert_eq!(after(&[yes, yes]), Outcome::Pending);
    assert_eq!(after(&[yes, yes, yes]), Outcome::Approved);
    assert_eq!(after(&[yes, no, yes]), Outcome::Pending);
    assert_eq!(after(&[no, yes, no]), Outcome::Rejected);
    assert_eq!(after(&[no, no]), Outcome::Rejected);
    assert_eq!(after(&[no, yes, yes, yes]), Outcome::Approved);
}

#[test]
fn a3_the_first_decided_step_decides_its_stage() {
    let after = |vote| {
        let steps = vec![
            step("board", Quorum::All, people(2)),
            step("owner", Quorum::Any, [OWNER]),
            step("manager", Quorum::Any, [MANAGER]),
        ];
        let mut approval = plan(vec![stage(StageRule::FirstDecided, steps)]);
        // A vote that decides no step decides no stage.
        let first = cast(&mut approval, person(0), Vote::Approve).unwrap();
        assert_eq!(first.outcome, Outcome::Pending);
        let outcome = cast(&mut approval, OWNER, vote).unwrap().outcome;
        assert_eq!(approval.stages[0].steps[0].outcome, Outcome::Cancelled);
        assert_eq!(approval.stages[0].steps[2].outcome, Outcome::Cancelled);
        outcome
    };
    assert_eq!(after(Vote::Approve), Outcome::Approved);
    assert_eq!(after(Vote::Reject), Outcome::Rejected);
    assert_eq!(after(Vote::Abstain), Outcome::Rejected);
}

fn rules() -> impl Strategy<Value = StageRule> {
    proptest::sample::select(StageRule::ALL)
}

fn shuffled_votes() -> impl Strategy<Value = (Vec<Vote>, Vec<usize>)> {
    votes().prop_flat_map(|votes| {
        let order = Just((0..votes.len()).collect::<Vec<_>>()).prop_shuffle();
        (Just(votes), order)
    })
}

proptest! {
    #[test]
    fn a3_the_order_of_decided_steps_matters_only_where_the_first_one_counts(
        rule in rules().prop_filter("the first decides", |rule| *rule != StageRule::FirstDecided),
        (votes, order) in shuffled_votes(),
    ) {
        let straight = (0..votes.len()).collect::<Vec<_>>();
        let one = decided(rule, &votes, &straight);
        let other = decided(rule, &votes, &order);
        prop_assert_eq!(one.outcome, other.outcome);
    }

    #[test]
    fn a3_the_first_one_counts_whichever_it_is((votes, order) in shuffled_votes()) {
        let outcome = decided(StageRule::FirstDecided, &votes, &order).outcome;
        let first = votes[order[0]] == Vote::Approve;
        prop_assert_eq!(outcome, if first { Outcome::Approved } else { Outcome::Rejected });
    }

    #[test]
    fn a3_a_stage_whose_steps_are_decided_has_one_outcome_and_asks_nobody(
        rule in rules(),
        (votes, order) in shuffled_votes(),
    ) {
        let approval = decided(rule, &votes, &order);
        prop_assert!(matches!(approval.outcome, Outcome::Approved | Outcome::Rejected));
        prop_assert_eq!(approval.stages[0].outcome, approval.outcome);
        prop_assert!(approval.requests().all(|request| request.state != SeatState::Requested));
        prop_assert!(approval.steps().all(|step| step.outcome != Outcome::Pending));
    }

    #[test]
    fn a3_an_added_yes_never_turns_an_approved_stage_into_a_rejected_one(
        rule in rules(),
        (votes, order) in shuffled_votes(),
        changed in 0_usize..10,
    ) {
        let before = decided(rule, &votes, &order).outcome;
        let mut more = votes.clone();
        more[changed % votes.len()] = Vote::Approve;
        let after = decided(rule, &more, &order).outcome;
        prop_assert!(!(before == Outcome::Approved && after == Outcome::Rejected));
    }
}
