//! Voting: seats decide steps, steps decide stages, stages decide the round.
//!
//! A decision is final. What was still asked when it fell is cancelled at that moment.

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{
    approval::{
        Approval, Duties, Outcome, Quorum, SeatRequest, SeatState, Stage, StageRule, Step,
        quorum::Tally,
    },
    event::FieldChange,
    ids::{ApprovalRequestId, PersonId},
    permission::Forbidden,
    refusal::{Faults, Refused},
    said,
    said::Said,
    text,
};

/// A seat can be passed on this often; further on, nobody knows any more whom they vote for.
pub const MAX_DELEGATIONS: usize = 3;

/// What a voter does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vote {
    /// Agrees.
    Approve,
    /// Does not; the comment says why.
    Reject,
    /// Has no opinion.
    Abstain,
    /// Lets somebody else vote for the same seat; the comment says why.
    Delegate {
        /// Who.
        to: Option<PersonId>,
        /// The id of the delegate's request.
        id: ApprovalRequestId,
    },
}

/// A vote as it is cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ballot<'a> {
    /// The request it answers.
    pub request: ApprovalRequestId,
    /// Who votes.
    pub by: PersonId,
    /// What they do.
    pub vote: Vote,
    /// What they say.
    pub comment: Option<&'a str>,
    /// The digest of what was shown to them.
    pub shown: Option<&'a str>,
}

/// What is voted on, as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matter<'a> {
    /// Who does not decide.
    pub duties: Duties,
    /// The digest of the present content.
    pub content_digest: &'a str,
}

/// What a vote did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voted {
    /// What changed, for the event.
    pub changes: Vec<FieldChange>,
    /// The requests whose votes are awaited because of it: a delegate's, or those of the next
    /// stage.
    pub opened: Vec<ApprovalRequestId>,
    /// Where the round stands now.
    pub outcome: Outcome,
}

/// A vote that was not counted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VoteRefused {
    /// There is no such request in this round.
    #[error("there is no such approval request")]
    Unknown,
    /// It is not this person's vote.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Nobody's vote is awaited there: too early, too late, or nobody is asked.
    #[error("the vote is not possible {0}")]
    NotAwaited(#[source] NotAwaited),
    /// What is voted on has changed since it was shown.
    #[error("the content has changed since it was shown; read it again before you vote")]
    ContentChanged,
    /// Its fields are missing or wrong.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Why a vote is not awaited, as it stands after "`vote` is not possible for a request".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{}", self.said())]
pub enum NotAwaited {
    /// Its stage is not open.
    TooEarly,
    /// Whoever was asked cannot vote any more.
    Vacant,
    /// It is decided, handed on or over.
    Over(SeatState),
}

impl NotAwaited {
    /// As it stands after "`vote` is not possible for a request".
    #[must_use]
    pub fn said(self) -> Said {
        match self {
            Self::TooEarly => {
                said!("because this stage is not open yet; earlier stages must be decided first")
            }
            Self::Vacant => said!(
                "because nobody is asked for this vote now; an administrator appoints somebody"
            ),
            Self::Over(state) => said!(
                "because this vote is already {state}; changing the decision requires a new round",
                state
            ),
        }
    }
}

impl From<NotAwaited> for VoteRefused {
    fn from(why: NotAwaited) -> Self {
        Self::NotAwaited(why)
    }
}

impl Approval {
    /// Counts a vote and decides what it decides.
    ///
    /// A seat's holder may still vote while a delegate is asked; then the delegate is not asked any
    /// more.
    pub fn vote(
        &mut self,
        ballot: Ballot<'_>,
        matter: Matter<'_>,
        now: DateTime<Utc>,
    ) -> Result<Voted, VoteRefused> {
        let (step, request) = self.find(ballot.request).ok_or(VoteRefused::Unknown)?;
        check_voter(request, &ballot, matter.duties)?;
        check_open(request)?;
        let comment = check_fields(&ballot, step, request, matter.duties)?;
        let decides = matches!(ballot.vote, Vote::Approve | Vote::Reject);
        let is_current = self.content_digest == matter.content_digest
            && ballot.shown.is_none_or(|shown| shown == matter.content_digest);
        if decides && !is_current {
            return Err(VoteRefused::ContentChanged);
        }
        let before = self.clone();
        let mut opened = Vec::new();
        let state = match ballot.vote {
            Vote::Approve => SeatState::Approved,
            Vote::Reject => SeatState::Rejected,
            Vote::Abstain => SeatState::Abstained,
            Vote::Delegate { .. } => SeatState::Delegated,
        };
        if let Some(request) = self.request_mut(ballot.request) {
            request.voter = ballot.by;
            if request.seat == ballot.by {
                // Nobody stands in for themselves.
                request.delegation = None;
            }
            request.comment = (!comment.is_empty()).then_some(comment);
            request.end(state, now);
        }
        if let Vote::Delegate { to: Some(to), id } = ballot.vote {
            opened.extend(self.delegate(ballot.request, to, id, now));
        }
        Ok(self.decide(&before, opened, now))
    }

    /// Ends a request that nobody answered in time. It counts as an abstention, which never
    /// approves anything.
    pub fn expire(
        &mut self,
        request: ApprovalRequestId,
        now: DateTime<Utc>,
    ) -> Result<Voted, VoteRefused> {
        check_open(self.find(request).ok_or(VoteRefused::Unknown)?.1)?;
        let before = self.clone();
        if let Some(request) = self.request_mut(request) {
            request.end(SeatState::Expired, now);
        }
        Ok(self.decide(&before, Vec::new(), now))
    }

    /// Asks somebody else for a seat's vote, because its holder does not answer. The vote counts
    /// for the same seat.
    pub fn pass_on(
        &mut self,
        request: ApprovalRequestId,
        to: PersonId,
        id: ApprovalRequestId,
        duties: Duties,
        now: DateTime<Utc>,
    ) -> Result<Voted, VoteRefused> {
        let (step, found) = self.find(request).ok_or(VoteRefused::Unknown)?;
        check_open(found)?;
        let mut faults = Faults::new();
        check_delegate(to, step, found, duties, &mut faults);
        faults.finish()?;
        let before = self.clone();
        if let Some(request) = self.request_mut(request) {
            request.escalated_at = Some(now);
            request.end(SeatState::Delegated, now);
        }
        let opened = self.delegate(request, to, id, now).into_iter().collect();
        Ok(self.decide(&before, opened, now))
    }

    /// Notes that a voter was reminded. A decided request is not counted any more.
    pub fn remind(&mut self, request: ApprovalRequestId) -> Result<(), VoteRefused> {
        check_open(self.find(request).ok_or(VoteRefused::Unknown)?.1)?;
        if let Some(request) = self.request_mut(request) {
            request.reminder_count += 1;
        }
        Ok(())
    }

    /// Ends an open round from outside: the ticket was revised, cancelled or merged. Votes stay as
    /// they were cast. A round that was decided before stays as it is, and nothing changes.
    pub fn cancel(&mut self, now: DateTime<Utc>) -> Vec<FieldChange> {
        match self.outcome {
            Outcome::Waiting | Outcome::Pending => self.void(now),
            Outcome::Approved | Outcome::Rejected | Outcome::Cancelled => Vec::new(),
        }
    }

    /// Makes a round void, because what it is about has changed: an approval that was given counts
    /// no more.
    pub fn void(&mut self, now: DateTime<Utc>) -> Vec<FieldChange> {
        let before = self.clone();
        for stage in &mut self.stages {
            stage.cancel(now);
        }
        self.outcome = Outcome::Cancelled;
        self.decided_at = Some(now);
        changes(&before, self)
    }

    /// The requests that were rejected, with their step: why the round was.
    pub fn rejections(&self) -> impl Iterator<Item = (&Step, &SeatRequest)> {
        self.steps().flat_map(|step| {
            let rejected = step.requests.iter().filter(|r| r.state == SeatState::Rejected);
            rejected.map(move |request| (step, request))
        })
    }

    /// A request with its step.
    #[must_use]
    pub fn find(&self, id: ApprovalRequestId) -> Option<(&Step, &SeatRequest)> {
        self.steps().find_map(|step| {
            step.requests.iter().find(|request| request.id == id).map(|request| (step, request))
        })
    }

    pub(super) fn request_mut(&mut self, id: ApprovalRequestId) -> Option<&mut SeatRequest> {
        let steps = self.stages.iter_mut().flat_map(|stage| &mut stage.steps);
        steps.flat_map(|step| &mut step.requests).find(|request| request.id == id)
    }

    /// Adds the request of a delegate for the same seat.
    pub(super) fn delegate(
        &mut self,
        from: ApprovalRequestId,
        to: PersonId,
        id: ApprovalRequestId,
        now: DateTime<Utc>,
    ) -> Option<ApprovalRequestId> {
        let mut steps = self.stages.iter_mut().flat_map(|stage| &mut stage.steps);
        let step = steps.find(|step| step.requests.iter().any(|request| request.id == from))?;
        let given = step.requests.iter().find(|request| request.id == from)?;
        let mut request = SeatRequest::waiting(id, given.seat, given.mandatory);
        request.voter = to;
        request.ask(now);
        step.requests.push(request);
        Some(id)
    }

    /// Decides every step, stage and the round as far as the votes go, and opens the next stage.
    fn decide(
        &mut self,
        before: &Self,
        mut opened: Vec<ApprovalRequestId>,
        now: DateTime<Utc>,
    ) -> Voted {
        if let Some(stage) = self.stages.iter_mut().find(|stage| stage.outcome == Outcome::Pending)
        {
            stage.decide(now);
            match stage.outcome {
                Outcome::Approved => opened.extend(self.open_next(now)),
                Outcome::Rejected => {
                    self.outcome = Outcome::Rejected;
                    for stage in &mut self.stages {
                        stage.cancel(now);
                    }
                }
                Outcome::Waiting | Outcome::Pending | Outcome::Cancelled => {}
            }
        }
        if self.stages.iter().all(|stage| stage.outcome == Outcome::Approved) {
            self.outcome = Outcome::Approved;
        }
        if matches!(self.outcome, Outcome::Approved | Outcome::Rejected) {
            self.decided_at = self.decided_at.or(Some(now));
        }
        // What was opened and ended within the same vote is not awaited by anybody.
        opened.retain(|id| {
            self.find(*id).is_some_and(|(_, request)| request.state == SeatState::Requested)
        });
        Voted { changes: changes(before, self), opened, outcome: self.outcome }
    }
}

impl Stage {
    fn decide(&mut self, now: DateTime<Utc>) {
        for step in &mut self.steps {
            if step.outcome == Outcome::Pending {
                step.outcome = Tally::of(step).judge(step.quorum, step.veto);
                if step.outcome != Outcome::Pending {
                    step.end_requests(now);
                }
            }
        }
        let every = |outcome| self.steps.iter().all(|step| step.outcome == outcome);
        let one = |outcome| self.steps.iter().any(|step| step.outcome == outcome);
        let (approved, rejected) = match self.rule {
            StageRule::All => (every(Outcome::Approved), one(Outcome::Rejected)),
            StageRule::Any => (one(Outcome::Approved), every(Outcome::Rejected)),
            StageRule::Majority => {
                let count = |outcome| self.steps.iter().filter(|s| s.outcome == outcome).count();
                let needed = Quorum::Majority.needed(self.steps.len());
                let can_reach = self.steps.len() - count(Outcome::Rejected) >= needed;
                (count(Outcome::Approved) >= needed, !can_reach)
            }
            // One vote decides one step at most, so there is one first.
            StageRule::FirstDecided => (one(Outcome::Approved), one(Outcome::Rejected)),
        };
        if approved || rejected {
            self.outcome = if approved { Outcome::Approved } else { Outcome::Rejected };
            self.cancel(now);
        }
    }

    /// Ends what is not decided.
    fn cancel(&mut self, now: DateTime<Utc>) {
        for step in &mut self.steps {
            step.end_requests(now);
            if matches!(step.outcome, Outcome::Waiting | Outcome::Pending) {
                step.outcome = Outcome::Cancelled;
            }
        }
        if matches!(self.outcome, Outcome::Waiting | Outcome::Pending) {
            self.outcome = Outcome::Cancelled;
        }
    }
}

impl Step {
    fn end_requests(&mut self, now: DateTime<Utc>) {
        for request in &mut self.requests {
            if matches!(
                request.state,
                SeatState::Waiting | SeatState::Requested | SeatState::Vacant
            ) {
                request.end(SeatState::Cancelled, now);
            }
        }
    }
}

impl SeatRequest {
    /// Asks for the vote.
    pub(super) fn ask(&mut self, now: DateTime<Utc>) {
        self.state = SeatState::Requested;
        self.requested_at = Some(now);
        self.decided_at = None;
    }

    pub(super) fn end(&mut self, state: SeatState, now: DateTime<Utc>) {
        self.state = state;
        self.decided_at = Some(now);
    }
}

fn check_voter(
    request: &SeatRequest,
    ballot: &Ballot<'_>,
    duties: Duties,
) -> Result<(), Forbidden> {
    let by = ballot.by;
    // Whoever was assigned the work since they were asked lets somebody else vote.
    let passes_on = matches!(ballot.vote, Vote::Delegate { .. }) && Some(by) != duties.requester;
    if !passes_on {
        duties.check(by)?;
    }
    if request.voter != by && request.seat != by {
        return Err(Forbidden::because(said!("This vote belongs to another approver.")));
    }
    Ok(())
}

pub(super) fn check_open(request: &SeatRequest) -> Result<(), NotAwaited> {
    match request.state {
        SeatState::Requested => Ok(()),
        SeatState::Waiting => Err(NotAwaited::TooEarly),
        SeatState::Vacant => Err(NotAwaited::Vacant),
        SeatState::Approved
        | SeatState::Rejected
        | SeatState::Abstained
        | SeatState::Delegated
        | SeatState::Expired
        | SeatState::Cancelled => Err(NotAwaited::Over(request.state)),
    }
}

fn check_fields(
    ballot: &Ballot<'_>,
    step: &Step,
    request: &SeatRequest,
    duties: Duties,
) -> Result<String, Refused> {
    let mut faults = Faults::new();
    let said = match ballot.vote {
        Vote::Approve | Vote::Reject | Vote::Abstain => "/comment",
        Vote::Delegate { .. } => "/reason",
    };
    let comment = text::sentence(said, ballot.comment.unwrap_or(""), &mut faults);
    let digest = || said!("Give the `content_digest` of the content that was shown to you.");
    match ballot.vote {
        Vote::Approve => {
            if ballot.shown.is_none() {
                faults.missing("/content_digest", digest());
            }
        }
        Vote::Reject => {
            if ballot.shown.is_none() {
                faults.missing("/content_digest", digest());
            }
            if comment.is_empty() {
                faults.missing("/comment", said!("Give a reason for rejecting it."));
            }
        }
        Vote::Abstain => {}
        Vote::Delegate { to, .. } => {
            if comment.is_empty() {
                faults.missing("/reason", said!("Give a reason for delegating the vote."));
            }
            match to {
                Some(to) => check_delegate(to, step, request, duties, &mut faults),
                None => faults.missing("/to", said!("Name the person to delegate the vote to.")),
            }
        }
    }
    faults.finish()?;
    Ok(comment)
}

pub(super) fn check_delegate(
    to: PersonId,
    step: &Step,
    request: &SeatRequest,
    duties: Duties,
    faults: &mut Faults,
) {
    let pointer = "/to";
    let of_seat = step.requests.iter().filter(|other| other.seat == request.seat);
    let is_in_chain = request.seat == to || of_seat.clone().any(|other| other.voter == to);
    if let Err(forbidden) = duties.check(to) {
        faults.wrong(pointer, forbidden.kind.as_str(), forbidden.message);
    } else if is_in_chain {
        let message = said!("This person has already had this vote; name somebody else.");
        faults.wrong(pointer, "cycle", message);
    } else if step
        .requests
        .iter()
        .any(|other| (other.seat == to || other.voter == to) && other.state != SeatState::Delegated)
    {
        let message = said!("This person already has a vote in this step; name somebody else.");
        faults.wrong(pointer, "repeated", message);
    } else if of_seat.count() > MAX_DELEGATIONS {
        let message = said!(
            "A vote can be delegated at most {most} times; vote yourself.",
            most = MAX_DELEGATIONS
        );
        faults.wrong(pointer, "too-deep", message);
    }
}

/// What became different in a round: seats, then steps, then the round itself. Of a vote that is
/// not asked of whose seat it is: whose it is too, and under which delegation.
pub(super) fn changes(before: &Approval, after: &Approval) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    let mut note = |field: String, before: Option<&str>, after: &str| {
        if before != Some(after) {
            let before = before.map(str::to_owned);
            changes.push(FieldChange { field, before, after: Some(after.to_owned()) });
        }
    };
    for (index, stage) in after.stages.iter().enumerate() {
        let earlier = &before.stages[index];
        for (step, earlier) in stage.steps.iter().zip(&earlier.steps) {
            let place = format!("approval/{}/{}/{}", after.round, index + 1, step.name);
            for request in &step.requests {
                let was = earlier.requests.iter().find(|other| other.id == request.id);
                let was = was.map(|request| request.state);
                let field = format!("{place}/{}", request.voter);
                if was == Some(request.state) {
                    continue;
                }
                note(field.clone(), was.map(SeatState::as_str), request.state.as_str());
                if request.voter != request.seat {
                    note(format!("{field}/seat"), None, &request.seat.to_string());
                    if let Some(delegation) = request.delegation {
                        note(format!("{field}/delegation"), None, &delegation.to_string());
                    }
                }
            }
            note(place, Some(earlier.outcome.as_str()), step.outcome.as_str());
        }
    }
    let field = format!("approval/{}", after.round);
    note(field, Some(before.outcome.as_str()), after.outcome.as_str());
    changes
}
