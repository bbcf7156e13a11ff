//! Voters who cannot vote any more: their seats go on, are vacant, and decide nothing.

use super::*;
use crate::{
    approval::{Appointed, NotAppointed, SeatRequest},
    delegation::{Delegation, NewDelegation, Scope, StandIns},
    fixture::{AGENT, opened, user},
    ids::DelegationId,
    ticket::TicketKind,
    waiting::WaitingFor,
};

/// Ids that nothing else has.
struct Ids(u128);

impl Ids {
    fn next(&mut self) -> ApprovalRequestId {
        self.0 += 1;
        ApprovalRequestId(Uuid::from_u128(self.0))
    }
}

/// What the upkeep of a round does, in its order.
fn keep(
    approval: &mut Approval,
    able: &dyn Fn(PersonId) -> bool,
    fallback: Option<PersonId>,
    delegations: &[Delegation],
    ids: &mut Ids,
) {
    let ticket = opened(TicketKind::Request);
    let stand_ins: Vec<_> = delegations.iter().filter(|one| able(one.to)).cloned().collect();
    let stand_ins = StandIns::about(&stand_ins, &ticket, monday());
    let back = approval.take_back(able, &mut || ids.next(), monday());
    let mut away = approval.lost(able);
    away.extend(back.asked);
    approval.stand_in(&away, &stand_ins, DUTIES, &mut || ids.next(), monday());
    approval.vacate(able, monday());
    let Some(fallback) = fallback.filter(|fallback| able(*fallback)) else { return };
    loop {
        let done = approval.appoint(fallback, DUTIES, &mut || ids.next(), monday());
        if done.changes.is_empty() {
            break;
        }
        approval.stand_in(&done.asked, &stand_ins, DUTIES, &mut || ids.next(), monday());
    }
}

fn states(approval: &Approval) -> Vec<(PersonId, SeatState)> {
    approval.requests().map(|seat| (seat.voter, seat.state)).collect()
}

#[test]
fn a_voter_who_left_is_replaced_where_the_others_are_not_enough() {
    use SeatState::{Delegated, Requested, Vacant};
    let left = |person_who: PersonId| move |one: PersonId| one != person_who;
    let after = |quorum: Quorum, voters: u128, fallback: Option<PersonId>| {
        let mut approval = one_step(quorum, voters);
        keep(&mut approval, &left(person(0)), fallback, &[], &mut Ids(500));
        let seats = approval.requests().map(|seat| (seat.seat, seat.voter, seat.state));
        (seats.collect::<Vec<_>>(), approval.wants_voter())
    };
    let (gone, other) = (person(0), person(1));
    // One of one: the fallback approver votes for the same seat.
    let replaced = vec![(gone, gone, Delegated), (gone, OWNER, Requested)];
    for quorum in [Quorum::Any, Quorum::All] {
        assert_eq!(after(quorum, 1, Some(OWNER)), (replaced.clone(), false), "{quorum}");
        // Without one, the vote is vacant until somebody is appointed.
        assert_eq!(after(quorum, 1, None), (vec![(gone, gone, Vacant)], true), "{quorum}");
        // Nobody decides on their own wish.
        assert_eq!(after(quorum, 1, Some(CALLER)), (vec![(gone, gone, Vacant)], true));
    }
    // One of two of whom any is enough: the other decides, and nobody else is asked.
    let vacant = vec![(gone, gone, Vacant), (other, other, Requested)];
    for quorum in [Quorum::Any, Quorum::Count(1), Quorum::Percent(50)] {
        assert_eq!(after(quorum, 2, Some(OWNER)), (vacant.clone(), false), "{quorum}");
    }
    let both = [(gone, gone, Delegated), (other, other, Requested), (gone, OWNER, Requested)];
    for quorum in [Quorum::All, Quorum::Majority, Quorum::Count(2)] {
        assert_eq!(after(quorum, 2, Some(OWNER)), (both.to_vec(), false), "{quorum}");
        // The fallback approver has a vote in the step already.
        assert_eq!(after(quorum, 2, Some(other)), (vacant.clone(), true), "{quorum}");
    }
}

#[test]
fn a_mandatory_seat_whose_voter_left_needs_somebody_else_s_yes() {
    let mut plan_step = step("board", Quorum::Any, people(2));
    plan_step.mandatory.push(vec![person(2)]);
    let stages = vec![stage(StageRule::All, vec![plan_step])];
    let mut approval = plan(stages.clone());
    keep(&mut approval, &|one| one != person(2), None, &[], &mut Ids(500));
    assert!(approval.wants_voter());
    assert_eq!(cast(&mut approval, person(0), Vote::Approve).unwrap().outcome, Outcome::Pending);
    keep(&mut approval, &|one| one != person(2), Some(OWNER), &[], &mut Ids(600));
    assert_eq!(cast(&mut approval, OWNER, Vote::Approve).unwrap().outcome, Outcome::Approved);
}

#[test]
fn a_stage_wants_a_voter_only_if_its_other_steps_cannot_decide_it() {
    let lost = |rule: StageRule, able: &[u128]| {
        let steps = (0..3).map(|one| step(&one.to_string(), Quorum::Any, [person(one)])).collect();
        let mut approval = plan(vec![stage(rule, steps)]);
        let able: Vec<_> = able.iter().map(|one| person(*one)).collect();
        keep(&mut approval, &|one| able.contains(&one), None, &[], &mut Ids(500));
        approval.wants_voter()
    };
    assert!(lost(StageRule::All, &[0, 1]) && !lost(StageRule::All, &[0, 1, 2]));
    assert!(lost(StageRule::Any, &[]) && !lost(StageRule::Any, &[2]));
    assert!(lost(StageRule::FirstDecided, &[]) && !lost(StageRule::FirstDecided, &[2]));
    assert!(lost(StageRule::Majority, &[0]) && !lost(StageRule::Majority, &[0, 2]));
}

#[test]
fn a_delegate_who_left_gives_the_vote_back_and_its_owner_who_left_does_not_take_it() {
    let mut approval = one_step(Quorum::All, 1);
    cast(&mut approval, person(0), delegate(OWNER, 100)).unwrap();
    let mut untouched = approval.clone();
    keep(&mut untouched, &|one| one != person(0), None, &[], &mut Ids(500));
    assert_eq!(untouched, approval, "the delegate can still vote");

    keep(&mut approval, &|one| one != OWNER, Some(MANAGER), &[], &mut Ids(500));
    let expected = [
        (person(0), SeatState::Delegated),
        (OWNER, SeatState::Delegated),
        (person(0), SeatState::Requested),
    ];
    assert_eq!(states(&approval), expected);
    assert_eq!(cast(&mut approval, person(0), Vote::Approve).unwrap().outcome, Outcome::Approved);
}

#[test]
fn whoever_can_vote_again_is_asked_again() {
    let mut approval = one_step(Quorum::All, 2);
    let before = states(&approval);
    keep(&mut approval, &|one| one != person(0), None, &[], &mut Ids(500));
    let early = cast(&mut approval, person(0), Vote::Approve).unwrap_err();
    assert_eq!(early.to_string().matches("nobody is asked").count(), 1, "{early}");
    keep(&mut approval, &|_| true, None, &[], &mut Ids(600));
    assert_eq!(states(&approval), before);
    assert!(!approval.needs_care(&|_| true));
}

fn delegation(id: u128, from: PersonId, to: PersonId) -> Delegation {
    let new = NewDelegation {
        id: DelegationId(Uuid::from_u128(id)),
        org: ORG,
        from,
        to,
        scope: Scope::Everything,
        starts_at: None,
        ends_at: monday() + hours(1_000),
        reason: "On holiday".to_owned(),
    };
    Delegation::plan(new, &user(from), monday()).unwrap()
}

#[test]
fn the_delegation_of_somebody_who_left_is_followed() {
    let mut approval = one_step(Quorum::All, 1);
    let planned = [delegation(7, person(0), MANAGER)];
    keep(&mut approval, &|one| one != person(0), Some(OWNER), &planned, &mut Ids(500));
    let last = approval.requests().last().unwrap();
    assert_eq!((last.voter, last.delegation), (MANAGER, Some(planned[0].id)));
}

#[test]
fn a_vote_names_its_seat_and_its_delegation_where_it_is_cast_for_somebody_else() {
    let mut approval = one_step(Quorum::All, 1);
    let planned = [delegation(7, person(0), MANAGER)];
    let ticket = opened(TicketKind::Request);
    let stand_ins = StandIns::about(&planned, &ticket, monday());
    let request = request_of(&approval, person(0));
    let mut ids = Ids(500);
    let told = approval.stand_in(&[request], &stand_ins, DUTIES, &mut || ids.next(), monday());
    let (place, seat) = (format!("approval/1/1/budget/{MANAGER}"), person(0).to_string());
    let says = |changes: &[crate::event::FieldChange], field: &str, value: &str| {
        let is_it = |one: &&crate::event::FieldChange| one.field == format!("{place}{field}");
        changes.iter().find(is_it).is_some_and(|one| one.after.as_deref() == Some(value))
    };
    let under = planned[0].id.to_string();
    assert!(says(&told.changes, "/seat", &seat) && says(&told.changes, "/delegation", &under));

    let mut own = approval.clone();
    let voted = cast(&mut approval, MANAGER, Vote::Approve).unwrap();
    assert!(says(&voted.changes, "", "approved"), "{:?}", voted.changes);
    assert!(says(&voted.changes, "/seat", &seat) && says(&voted.changes, "/delegation", &under));

    // Whose seat it is votes first: for nobody but themselves.
    let request = request_of(&own, MANAGER);
    let voted = cast_on(&mut own, request, person(0), Vote::Approve).unwrap();
    let told: Vec<_> = voted.changes.iter().map(|change| change.field.as_str()).collect();
    let field = format!("approval/1/1/budget/{}", person(0));
    assert_eq!(told, [field.as_str(), "approval/1/1/budget", "approval/1"]);
    let cast = own.find(request).unwrap().1;
    assert_eq!((cast.voter, cast.delegation), (person(0), None));
}

#[test]
fn an_owner_gets_a_vote_back_from_a_delegate_who_has_not_cast_it() {
    let mut approval = one_step(Quorum::All, 1);
    let request = request_of(&approval, person(0));
    let id = ApprovalRequestId(Uuid::from_u128(200));
    assert_eq!(approval.give_back(request, &|_| true, id, monday()), Appointed::default());
    cast(&mut approval, person(0), delegate(OWNER, 100)).unwrap();
    let request = request_of(&approval, OWNER);
    assert_eq!(approval.give_back(request, &|_| false, id, monday()), Appointed::default());
    assert_eq!(approval.give_back(request, &|_| true, id, monday()).asked, [id]);
    assert_eq!(request_of(&approval, person(0)), id);
}

#[test]
fn an_administrator_reassigns_any_open_vote_and_no_decided_one() {
    let id = |number| ApprovalRequestId(Uuid::from_u128(number));
    let appoint = |approval: &mut Approval, request, to, number| {
        approval.appoint_by_hand(request, to, id(number), monday())
    };
    let mut approval = one_step(Quorum::All, 3);
    let [first, second, third] = [0, 1, 2].map(|one| request_of(&approval, person(one)));
    assert_eq!(appoint(&mut approval, None, OWNER, 100), Err(NotAppointed::NothingVacant));
    let strange = appoint(&mut approval, Some(id(999)), OWNER, 100);
    assert_eq!(strange, Err(NotAppointed::Unknown));
    for taken in [person(0), person(1)] {
        let repeated = appoint(&mut approval, Some(first), taken, 100);
        assert_eq!(repeated, Err(NotAppointed::Repeated));
    }
    assert_eq!(appoint(&mut approval, Some(first), OWNER, 100).unwrap().asked, [id(100)]);
    let handed_on = appoint(&mut approval, Some(first), MANAGER, 101);
    assert!(matches!(handed_on, Err(NotAppointed::NotAwaited(_))), "{handed_on:?}");
    // As often as it takes.
    for (number, to) in (101..).zip([MANAGER, AGENT, person(7), person(8), person(0)]) {
        let again = appoint(&mut approval, Some(id(number - 1)), to, number);
        assert_eq!(again.unwrap().asked, [id(number)]);
    }
    cast(&mut approval, person(1), Vote::Approve).unwrap();
    let decided = appoint(&mut approval, Some(second), MANAGER, 200);
    assert!(matches!(decided, Err(NotAppointed::NotAwaited(_))), "{decided:?}");
    // What is vacant needs no name.
    approval.vacate(&|one| one != person(2), monday());
    assert_eq!(appoint(&mut approval, None, MANAGER, 201).unwrap().asked, [id(201)]);
    let (_, seat) = approval.find(third).unwrap();
    assert_eq!(seat.state, SeatState::Delegated);
    cast(&mut approval, person(0), Vote::Approve).unwrap();
    assert_eq!(cast(&mut approval, MANAGER, Vote::Approve).unwrap().outcome, Outcome::Approved);
}

/// What happens in the life of a round, about a person or a vote by its place.
#[derive(Debug, Clone, Copy)]
enum Event {
    Vote(usize, Vote),
    PassOn(usize, u128),
    Expire(usize),
    Turn(u128),
    Assign(Option<u128>),
    Away(u128, u128),
    Back(u128),
    Fallback(Option<u128>),
    Appoint(Option<usize>, u128),
}

/// So many people there are; the last one is a stranger to every plan.
const PEOPLE: u128 = 8;
const STRANGER: u128 = 100;

fn lives() -> impl Strategy<Value = Vec<Event>> {
    let vote = prop_oneof![Just(Vote::Approve), Just(Vote::Reject), Just(Vote::Abstain)];
    let step = prop_oneof![
        3 => (0_usize..40, vote).prop_map(|(place, vote)| Event::Vote(place, vote)),
        2 => (0_usize..40, 0..PEOPLE).prop_map(|(place, to)| Event::PassOn(place, to)),
        1 => (0_usize..40).prop_map(Event::Expire),
        5 => (0..PEOPLE).prop_map(Event::Turn),
        1 => proptest::option::of(0..PEOPLE).prop_map(Event::Assign),
        2 => (0..PEOPLE, 0..PEOPLE).prop_map(|(from, to)| Event::Away(from, to)),
        1 => (0..PEOPLE).prop_map(Event::Back),
        2 => proptest::option::of(0..PEOPLE).prop_map(Event::Fallback),
        1 => (proptest::option::of(0_usize..40), 0..PEOPLE)
            .prop_map(|(place, to)| Event::Appoint(place, to)),
    ];
    proptest::collection::vec(step, 0..60)
}

fn rules() -> impl Strategy<Value = StageRule> {
    proptest::sample::select(StageRule::ALL)
}

fn plans() -> impl Strategy<Value = Vec<StagePlan>> {
    let voters = proptest::collection::vec(0..PEOPLE, 0..5);
    let mandatory = proptest::collection::vec(0..PEOPLE, 0..2);
    let one = (quorums(), any::<bool>(), voters, mandatory).prop_map(
        |(quorum, veto, voters, mandatory)| StepPlan {
            veto,
            mandatory: mandatory.into_iter().map(|one| vec![person(one)]).collect(),
            ..step("board", quorum, voters.into_iter().map(person))
        },
    );
    let one = (rules(), proptest::collection::vec(one, 1..4));
    let one = one.prop_map(|(rule, steps)| stage(rule, steps));
    proptest::collection::vec(one, 1..4)
}

/// A round, and the world around it.
struct Life {
    approval: Approval,
    /// Who cannot vote: they left, see everything and change nothing, or serve no more.
    unable: Vec<u128>,
    implementer: Option<u128>,
    delegations: Vec<Delegation>,
    fallback: Option<u128>,
    ids: Ids,
}

impl Life {
    fn duties(&self) -> Duties {
        Duties { requester: Some(CALLER), implementer: self.implementer.map(person) }
    }

    /// Who can be asked now.
    fn able(&self) -> impl Fn(PersonId) -> bool + use<> {
        let (duties, unable) = (self.duties(), self.unable.clone());
        move |one| duties.allow(one) && !unable.iter().any(|gone| person(*gone) == one)
    }

    fn nth(&self, place: usize) -> Option<SeatRequest> {
        let requests: Vec<_> = self.approval.requests().collect();
        let count = requests.len().max(1);
        requests.get(place % count).map(|seat| (*seat).clone())
    }

    fn take(&mut self, step: Event) {
        let matter = Matter { duties: self.duties(), content_digest: SHOWN };
        match step {
            Event::Vote(place, vote) => {
                let Some(seat) = self.nth(place) else { return };
                // Who cannot act does not get as far as a vote.
                if self.able()(seat.voter) {
                    let ballot = Ballot {
                        request: seat.id,
                        by: seat.voter,
                        vote,
                        comment: Some("because"),
                        shown: Some(SHOWN),
                    };
                    let _ = self.approval.vote(ballot, matter, monday());
                }
            }
            Event::PassOn(place, to) => {
                let (Some(seat), id) = (self.nth(place), self.ids.next()) else { return };
                let to = person(to);
                if self.able()(to) {
                    let _ = self.approval.pass_on(seat.id, to, id, matter.duties, monday());
                }
            }
            Event::Expire(place) => {
                if let Some(seat) = self.nth(place) {
                    let _ = self.approval.expire(seat.id, monday());
                }
            }
            Event::Turn(who) => match self.unable.iter().position(|one| *one == who) {
                Some(place) => {
                    self.unable.remove(place);
                }
                None => self.unable.push(who),
            },
            Event::Assign(to) => self.implementer = to,
            Event::Away(from, to) if from != to => {
                let id = self.ids.next().0.as_u128();
                self.delegations.push(delegation(id, person(from), person(to)));
            }
            Event::Away(..) => {}
            Event::Back(from) => self.delegations.retain(|one| one.from != person(from)),
            Event::Fallback(to) => self.fallback = to,
            Event::Appoint(place, to) => {
                let named = place.and_then(|place| self.nth(place)).map(|seat| seat.id);
                let (id, to) = (self.ids.next(), person(to));
                if self.able()(to) {
                    let _ = self.approval.appoint_by_hand(named, to, id, monday());
                }
            }
        }
    }

    fn upkeep(&mut self) {
        let (able, fallback) = (self.able(), self.fallback.map(person));
        if self.approval.needs_care(&able) {
            let (ids, delegations) = (&mut self.ids, &self.delegations);
            keep(&mut self.approval, &able, fallback, delegations, ids);
        }
    }
}

/// What is wrong with a round after its upkeep, if anything is.
fn hangs(life: &Life) -> Result<(), String> {
    let must = |holds: bool, what: &str| holds.then_some(()).ok_or_else(|| what.to_owned());
    let (approval, able) = (&life.approval, life.able());
    let asked: Vec<_> =
        approval.requests().filter(|seat| seat.state == SeatState::Requested).collect();
    let is_vacant = approval.requests().any(|seat| seat.state == SeatState::Vacant);
    if approval.outcome != Outcome::Pending {
        return must(asked.is_empty() && !is_vacant, "a decided round asks somebody");
    }
    must(asked.iter().all(|seat| able(seat.voter)), "somebody is asked who cannot vote")?;
    must(!asked.is_empty() || approval.wants_voter(), "nobody is asked, and nobody is told")?;
    let mut submitted = opened(TicketKind::Request);
    crate::fixture::submit(&mut submitted, crate::request::Submission::Asks, 1);
    let waiting = submitted.waiting_on(Some(approval), &crate::fixture::settings());
    match waiting.map(|waiting| waiting.what) {
        Some(WaitingFor::Approvers(people)) => must(
            asked.iter().all(|seat| people.contains(&seat.voter)) && !asked.is_empty(),
            "somebody else is waited for",
        )?,
        Some(WaitingFor::ApproverMissing) => must(asked.is_empty(), "somebody is asked")?,
        other => return Err(format!("it waits for {other:?}")),
    }
    // An administrator can always cure it.
    let mut cured = approval.clone();
    let named = if approval.wants_voter() { None } else { asked.first().map(|seat| seat.id) };
    let id = ApprovalRequestId(Uuid::from_u128(u128::MAX));
    let done = cured.appoint_by_hand(named, person(STRANGER), id, monday());
    must(done.is_ok_and(|done| done.asked == [id]), "nobody can be appointed by hand")
}

proptest! {
    #[test]
    fn a_vote_that_nobody_can_cast_decides_nothing(
        plan_stages in plans(),
        steps in lives(),
        gone in proptest::collection::vec(0..PEOPLE, 0..8),
    ) {
        let mut life = begin(plan_stages, None);
        for step in steps {
            life.take(step);
        }
        let before = life.approval.clone();
        life.approval.vacate(&|one| !gone.iter().any(|who| person(*who) == one), monday());
        prop_assert_eq!(before.outcome, life.approval.outcome);
        for (was, is) in before.stages.iter().zip(&life.approval.stages) {
            prop_assert_eq!(was.outcome, is.outcome);
            for (was, is) in was.steps.iter().zip(&is.steps) {
                prop_assert_eq!(was.outcome, is.outcome);
                let (was, is) = (Tally::of(was), Tally::of(is));
                prop_assert_eq!((was.seats, was.outstanding()), (is.seats, is.outstanding()));
            }
        }
    }

    #[test]
    fn an_approval_never_hangs(
        plan_stages in plans(),
        fallback in proptest::option::of(0..PEOPLE),
        lives in proptest::collection::vec(lives(), 1..4),
    ) {
        let mut life = begin(plan_stages, fallback);
        for steps in lives {
            for step in steps {
                life.take(step);
            }
            life.upkeep();
            let sound = hangs(&life);
            prop_assert!(sound.is_ok(), "{:?}: {:#?}", sound, life.approval);
            let settled = life.approval.clone();
            life.upkeep();
            prop_assert_eq!(&life.approval, &settled, "a second upkeep changes nothing");
        }
    }
}

fn begin(stages: Vec<StagePlan>, fallback: Option<u128>) -> Life {
    let approval = try_plan(stages, fallback.map(person)).unwrap().approval;
    Life {
        approval,
        unable: Vec::new(),
        implementer: None,
        delegations: Vec::new(),
        fallback,
        ids: Ids(10_000),
    }
}
