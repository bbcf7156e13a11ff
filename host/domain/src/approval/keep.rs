//! Keeping voters: whoever was asked and cannot vote any more is not waited for.
//!
//! A seat is never lost with its voter, and never decides anything by being empty: it goes back to
//! whose it is, or on to somebody who is appointed, or it is vacant until somebody is. Where the
//! others can still decide, nobody is appointed.

use chrono::{DateTime, Utc};

use crate::{
    approval::{
        Approval, Duties, NotAwaited, Outcome, Quorum, SeatRequest, SeatState, Stage, StageRule,
        Step,
        quorum::Tally,
        vote::{changes, check_open},
    },
    event::FieldChange,
    ids::{ApprovalRequestId, PersonId},
};

/// Whether somebody can be asked for a vote of a round now.
pub type Able<'a> = &'a dyn Fn(PersonId) -> bool;

/// What became of votes that nobody could cast.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appointed {
    /// What changed, for the event; nothing where there was nothing to do.
    pub changes: Vec<FieldChange>,
    /// The requests whose votes are awaited because of it.
    pub asked: Vec<ApprovalRequestId>,
}

/// Why nobody was appointed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAppointed {
    /// There is no such request in this round.
    Unknown,
    /// The vote that is named is not awaited, and nobody can be asked for it.
    NotAwaited(NotAwaited),
    /// Every vote is asked of somebody, and none is named.
    NothingVacant,
    /// The person has a vote in the step already.
    Repeated,
}

/// Where a vote is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A request of a step.
    Request(ApprovalRequestId),
    /// A step without any request, by the places of its stage and itself.
    Step(usize, usize),
}

impl Approval {
    /// Whether it can't be decided, whatever those who are asked say, until somebody is appointed.
    #[must_use]
    pub fn wants_voter(&self) -> bool {
        self.outcome == Outcome::Pending && self.open_stage().is_some_and(Stage::wants_voter)
    }

    /// Whether anything is to be done so that it does not wait for somebody who cannot vote.
    #[must_use]
    pub fn needs_care(&self, able: Able<'_>) -> bool {
        let is_lost = |(_, seat): (&Step, &SeatRequest)| {
            seat.state == SeatState::Requested && !able(seat.voter)
        };
        let is_back = |(step, seat): (&Step, &SeatRequest)| step.takes_up(seat, able).is_some();
        self.outcome == Outcome::Pending
            && (self.open_seats().any(is_lost)
                || self.open_seats().any(is_back)
                || self.wants_voter()
                || self.steps().any(Step::is_unasked))
    }

    /// The requests whose votes are awaited from people who cannot cast them any more.
    #[must_use]
    pub fn lost(&self, able: Able<'_>) -> Vec<ApprovalRequestId> {
        let lost = self
            .open_seats()
            .filter(|(_, seat)| seat.state == SeatState::Requested && !able(seat.voter));
        lost.map(|(_, seat)| seat.id).collect()
    }

    /// Asks those whose seats they are, where their delegates cannot vote any more; and those who
    /// were asked for what is vacant, where they can vote again.
    pub fn take_back(
        &mut self,
        able: Able<'_>,
        next_id: &mut dyn FnMut() -> ApprovalRequestId,
        now: DateTime<Utc>,
    ) -> Appointed {
        let before = self.clone();
        let ids: Vec<_> = self.open_seats().map(|(_, seat)| seat.id).collect();
        let mut asked = Vec::new();
        for id in ids {
            let Some((step, seat)) = self.find(id) else { continue };
            let Some(to) = step.takes_up(seat, able) else { continue };
            if seat.voter != to {
                asked.extend(self.hand_on(id, to, next_id(), now));
            } else if let Some(seat) = self.request_mut(id) {
                seat.ask(now);
                asked.push(id);
            }
        }
        Appointed { changes: changes(&before, self), asked }
    }

    /// Asks whose seat it is for a vote that a delegate has not cast. Nothing happens where it is
    /// not awaited, is their own already, or they cannot vote.
    pub fn give_back(
        &mut self,
        request: ApprovalRequestId,
        able: Able<'_>,
        id: ApprovalRequestId,
        now: DateTime<Utc>,
    ) -> Appointed {
        let owner = self.find(request).filter(|(step, seat)| {
            seat.state == SeatState::Requested
                && seat.voter != seat.seat
                && able(seat.seat)
                && !step.has_other(seat, seat.seat)
        });
        let Some(owner) = owner.map(|(_, seat)| seat.seat) else { return Appointed::default() };
        let before = self.clone();
        let asked = self.hand_on(request, owner, id, now).into_iter().collect();
        Appointed { changes: changes(&before, self), asked }
    }

    /// Waits no longer for whoever cannot vote any more: their votes are vacant. That decides
    /// nothing, because somebody can be appointed to them.
    pub fn vacate(&mut self, able: Able<'_>, now: DateTime<Utc>) -> Vec<FieldChange> {
        let before = self.clone();
        for id in self.lost(able) {
            if let Some(seat) = self.request_mut(id) {
                seat.end(SeatState::Vacant, now);
            }
        }
        changes(&before, self)
    }

    /// Asks an approver wherever the votes of others are not enough: for one vacant seat of each
    /// step, or for a step that has none. Also for steps of later stages that have no seats.
    pub fn appoint(
        &mut self,
        approver: PersonId,
        duties: Duties,
        next_id: &mut dyn FnMut() -> ApprovalRequestId,
        now: DateTime<Utc>,
    ) -> Appointed {
        let before = self.clone();
        let mut asked = Vec::new();
        for place in self.wanting() {
            if duties.allow(approver) && self.is_free(place, approver) {
                asked.extend(self.fill(place, approver, next_id(), now));
            }
        }
        Appointed { changes: changes(&before, self), asked }
    }

    /// Asks somebody for one vote instead of whoever is asked for it, or was; if none is named, for
    /// the first one that nobody is asked for. The vote counts for the same seat, and whose seat it
    /// is may still vote first.
    pub(crate) fn appoint_by_hand(
        &mut self,
        request: Option<ApprovalRequestId>,
        to: PersonId,
        id: ApprovalRequestId,
        now: DateTime<Utc>,
    ) -> Result<Appointed, NotAppointed> {
        let place = match request {
            Some(request) => {
                let (_, seat) = self.find(request).ok_or(NotAppointed::Unknown)?;
                if seat.state != SeatState::Vacant {
                    check_open(seat).map_err(NotAppointed::NotAwaited)?;
                }
                Place::Request(request)
            }
            None => self.vacancy().ok_or(NotAppointed::NothingVacant)?,
        };
        if !self.is_free(place, to) {
            return Err(NotAppointed::Repeated);
        }
        let before = self.clone();
        let asked = self.fill(place, to, id, now).into_iter().collect();
        Ok(Appointed { changes: changes(&before, self), asked })
    }

    /// The seats of the steps whose votes are awaited.
    fn open_seats(&self) -> impl Iterator<Item = (&Step, &SeatRequest)> {
        let open = self.open_stage().into_iter().flat_map(|stage| &stage.steps);
        let open = open.filter(|step| step.outcome == Outcome::Pending);
        open.flat_map(|step| step.requests.iter().map(move |seat| (step, seat)))
    }

    /// Where somebody has to be asked, so that the round can be decided.
    fn wanting(&self) -> Vec<Place> {
        let mut wanting = Vec::new();
        for (stage_place, stage) in self.stages.iter().enumerate() {
            for (place, step) in stage.steps.iter().enumerate() {
                let wants = step.is_unasked() || (stage.wants_voter() && step.wants_voter());
                if let Some(found) = step.vacancy().filter(|_| wants) {
                    wanting.push(found.unwrap_or(Place::Step(stage_place, place)));
                }
            }
        }
        wanting
    }

    /// The first vote that nobody is asked for: first where one is needed.
    fn vacancy(&self) -> Option<Place> {
        let vacant = |(_, seat): &(&Step, &SeatRequest)| seat.state == SeatState::Vacant;
        let vacant = || Some(Place::Request(self.open_seats().find(vacant)?.1.id));
        self.wanting().into_iter().next().or_else(vacant)
    }

    /// Whether somebody has no vote in that step yet, beside one that is vacant.
    fn is_free(&self, place: Place, to: PersonId) -> bool {
        match place {
            Place::Request(id) => self.find(id).is_some_and(|(step, seat)| {
                let is_theirs = seat.state == SeatState::Requested && seat.voter == to;
                !is_theirs && !step.has_other(seat, to)
            }),
            Place::Step(..) => true,
        }
    }

    /// Asks somebody there.
    fn fill(
        &mut self,
        place: Place,
        to: PersonId,
        id: ApprovalRequestId,
        now: DateTime<Utc>,
    ) -> Option<ApprovalRequestId> {
        match place {
            Place::Request(request) => self.hand_on(request, to, id, now),
            Place::Step(stage, step) => {
                let step = self.stages.get_mut(stage)?.steps.get_mut(step)?;
                step.requests.push(SeatRequest::waiting(id, to, false));
                let is_open = step.outcome == Outcome::Pending;
                is_open.then(|| step.open(now)).and_then(|opened| opened.first().copied())
            }
        }
    }

    /// Asks somebody else for a seat's vote.
    fn hand_on(
        &mut self,
        request: ApprovalRequestId,
        to: PersonId,
        id: ApprovalRequestId,
        now: DateTime<Utc>,
    ) -> Option<ApprovalRequestId> {
        if let Some(seat) = self.request_mut(request) {
            seat.end(SeatState::Delegated, now);
        }
        self.delegate(request, to, id, now)
    }
}

impl Stage {
    /// Whether it can't be decided, whatever those who are asked say, until somebody is appointed.
    fn wants_voter(&self) -> bool {
        if self.outcome != Outcome::Pending {
            return false;
        }
        let wanting = self.steps.iter().filter(|step| step.wants_voter()).count();
        let of = |outcome| self.steps.iter().filter(|step| step.outcome == outcome).count();
        let deciding = of(Outcome::Pending) - wanting;
        match self.rule {
            StageRule::All => wanting > 0,
            StageRule::Any | StageRule::FirstDecided => deciding == 0,
            StageRule::Majority => {
                let needed = Quorum::Majority.needed(self.steps.len());
                of(Outcome::Approved) + deciding < needed
            }
        }
    }
}

impl Step {
    /// Whether it can't be approved, whatever those who are asked say, until somebody is appointed.
    fn wants_voter(&self) -> bool {
        let tally = Tally::of(self);
        let can_reach = tally.approved + tally.outstanding() - tally.vacant;
        self.outcome == Outcome::Pending
            && (tally.mandatory_vacant > 0 || can_reach < self.quorum.needed(tally.seats))
    }

    /// Whether it is not decided, and nobody ever held a seat of it.
    fn is_unasked(&self) -> bool {
        matches!(self.outcome, Outcome::Waiting | Outcome::Pending) && self.requests.is_empty()
    }

    /// Where nobody is asked: its vacant seat without which it can't be approved, or else another
    /// vacant one; the inner none is a step without seats.
    #[expect(
        clippy::option_option,
        reason = "the outer level is whether anything is vacant, the inner whether it is a seat"
    )]
    fn vacancy(&self) -> Option<Option<Place>> {
        if self.requests.is_empty() {
            return Some(None);
        }
        let vacant = || self.requests.iter().filter(|seat| seat.state == SeatState::Vacant);
        let first = vacant().find(|seat| seat.mandatory).or_else(|| vacant().next());
        first.map(|seat| Some(Place::Request(seat.id)))
    }

    /// Who is to be asked for a seat without having to be appointed, if anybody: whoever was asked
    /// for what is vacant and can vote again, or whose seat it is where its delegate can't vote.
    fn takes_up(&self, seat: &SeatRequest, able: Able<'_>) -> Option<PersonId> {
        let is_vacant = seat.state == SeatState::Vacant;
        let is_lost = seat.state == SeatState::Requested && !able(seat.voter);
        let candidates = [seat.voter, seat.seat].into_iter().skip(usize::from(!is_vacant));
        let mut candidates = candidates.filter(|_| is_vacant || is_lost);
        candidates.find(|person| able(*person) && !self.has_other(seat, *person))
    }

    /// Whether somebody has another vote of the step than this one.
    fn has_other(&self, seat: &SeatRequest, person: PersonId) -> bool {
        self.requests.iter().any(|other| {
            other.id != seat.id
                && other.state != SeatState::Delegated
                && (other.seat == person || other.voter == person)
        })
    }
}
