//! Stalling: approvals that wait, and what the policies want done about them.

use chrono::{DateTime, Duration, Utc};
use waypost_domain::{
    approval::{Approval, Duties, SeatRequest, SeatState, Step, VoteRefused, quorum::Tally},
    binding::Hook,
    ids::{ApprovalRequestId, PersonId},
    proposal::cannot_vote,
    receipt::Outcome,
    said,
    ticket::{Action, Notice},
};
use waypost_policy::{Answer, answer::Nudge, question};
use waypost_store::{ReadTx, person};

use super::{TicketDraft, opening, system};
use crate::{
    Caller, CommandError, Desk,
    tickets::{
        evaluation::{Evaluation, Part, PolicyAnswer, mark},
        facts::Facts,
        snapshot,
    },
};

/// A vote that waits, and what a policy said about it.
pub(super) struct Waiting {
    request: ApprovalRequestId,
    voter: PersonId,
    question: question::WaitingApproval,
    said: Option<(PolicyAnswer, Nudge)>,
}

/// What became of votes that were waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Nudged {
    /// Voters who were reminded or replaced.
    pub(crate) nudged: u64,
    /// Votes that the desk does without from now on.
    pub(crate) expired: u64,
}

/// Why what a policy said was not done.
enum NotDone {
    /// The rules of approvals stand against it.
    Overruled(String),
    /// The ticket's state stands against what follows from it.
    Failed(CommandError),
}

impl From<VoteRefused> for NotDone {
    fn from(refused: VoteRefused) -> Self {
        Self::Overruled(match refused {
            VoteRefused::NotAwaited(why) => {
                said!("the vote is not possible {why}", why = why.said()).into()
            }
            other => other.to_string(),
        })
    }
}

/// Nobody waits longer than this for a reminder, so nothing is lost by not counting further.
const COUNTED_DAYS: i64 = 92;

/// Whether any policy is bound that looks after approvals.
pub(crate) fn looks_after_approvals(facts: &Facts) -> bool {
    !facts.layers.of(Hook::Stalled).is_empty()
}

/// Notes the votes that a round waits for.
pub(crate) async fn expect_votes(
    tx: &mut ReadTx,
    it: &mut TicketDraft,
    round: Approval,
) -> Result<(), CommandError> {
    let waits = |seat: &&SeatRequest| seat.state == SeatState::Requested;
    let asked: Vec<PersonId> = round.requests().filter(waits).map(|seat| seat.voter).collect();
    let seats = round.requests().filter(waits).map(|seat| seat.seat);
    let concerned: Vec<PersonId> = asked.iter().copied().chain(seats).collect();
    let people = person::find_many(tx, &concerned).await?;
    for person in &people {
        it.voters.people.insert(person.id, it.facts.can_vote(person));
    }
    let manager_of = |voter: PersonId| {
        people.iter().find(|person| person.id == voter).and_then(|person| person.manager)
    };
    let managers: Vec<PersonId> = asked.iter().filter_map(|voter| manager_of(*voter)).collect();
    for manager in person::find_many(tx, &managers).await? {
        it.voters.people.insert(manager.id, it.facts.can_vote(&manager));
    }
    for step in round.steps() {
        for seat in step.requests.iter().filter(waits) {
            let since = seat.requested_at.unwrap_or(round.created_at);
            it.waiting.push(Waiting {
                request: seat.id,
                voter: seat.voter,
                question: question::WaitingApproval {
                    step: step.name.clone(),
                    seat: seat.seat.to_string(),
                    voter: seat.voter.to_string(),
                    voter_manager: manager_of(seat.voter).map(|id| id.to_string()),
                    requested_at: snapshot::timestamp(since),
                    due_at: step.due_at.map(snapshot::timestamp),
                    waiting_hours: working_hours(&it.facts, since, it.now),
                    reminders: u32::try_from(seat.reminder_count).unwrap_or(u32::MAX),
                    delegated: was_passed_on(step, seat.seat),
                    mandatory: seat.mandatory,
                    tally: tally(step),
                },
                said: None,
            });
        }
    }
    it.write.changed_approvals.push(round);
    Ok(())
}

/// Asks the policies about the votes that are waited for, and does what they say.
pub(crate) async fn nudge(
    desk: &Desk,
    caller: &Caller,
    items: &mut Vec<TicketDraft>,
) -> Result<Nudged, CommandError> {
    opening::run_stage(desk, caller, items, TicketDraft::ask_stalled).await?;
    let mut nudged = Nudged::default();
    for one in items.iter_mut() {
        for waiting in std::mem::take(&mut one.waiting) {
            one.follow_nudge(&waiting, &mut nudged)?;
        }
        one.note_failures();
    }
    Ok(nudged)
}

/// How far the voting in a step is.
fn tally(step: &Step) -> question::Tally {
    let of = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let tally = Tally::of(step);
    question::Tally {
        needed: of(step.quorum.needed(tally.seats)),
        approved: of(tally.approved),
        rejected: of(tally.rejected),
        outstanding: of(tally.outstanding()),
    }
}

/// Whether a policy has had somebody else asked in this person's seat.
fn was_passed_on(step: &Step, seat: PersonId) -> bool {
    step.requests.iter().any(|one| one.seat == seat && one.escalated_at.is_some())
}

/// Whole working hours of the organization between two moments.
fn working_hours(facts: &Facts, from: DateTime<Utc>, to: DateTime<Utc>) -> u32 {
    let settings = &facts.directory.org.settings;
    let from = from.max(to - Duration::days(COUNTED_DAYS));
    let mut day = from.with_timezone(&settings.zone).date_naive();
    let last = to.with_timezone(&settings.zone).date_naive();
    let mut worked = Duration::zero();
    while day <= last {
        for span in settings.working_hours.spans_on(day, settings.zone) {
            let part = span.to.min(to) - span.from.max(from);
            worked += part.max(Duration::zero());
        }
        let Some(next) = day.succ_opt() else { break };
        day = next;
    }
    u32::try_from(worked.num_hours()).unwrap_or(0)
}

impl TicketDraft {
    fn ask_stalled(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        for one in &mut waiting {
            let part = Part::Approval(one.question.clone());
            for said in self.ask(Hook::Stalled, Some(&part), |_, _| true) {
                if let Some(Answer::Nudge(nudge)) = said.answer.clone() {
                    one.said = Some((said, nudge));
                }
            }
        }
        self.waiting = waiting;
    }

    /// Keeps the receipts of policies that failed, as an edit of the ticket's mark, so that it does
    /// not count as a reminder. Once for each kind of failure: approvals are looked after every few
    /// minutes, and what failed will mostly fail again.
    fn note_failures(&mut self) {
        let failures =
            self.asking.evaluation.as_ref().map(Evaluation::failures).unwrap_or_default();
        let known = self.write.ticket.policy_failures.as_deref().unwrap_or_default();
        let is_new = |failure: &String| !known.split(", ").any(|one| one == failure);
        if self.is_idle() && failures.iter().any(is_new) {
            let reason = said!("nobody was reminded: {failures}", failures = mark(&failures));
            self.did_because(Action::Edit, &system(), Vec::new(), Some(reason.into()));
        }
    }

    /// Does what a policy said about a vote that is waited for.
    fn follow_nudge(&mut self, waiting: &Waiting, done: &mut Nudged) -> Result<(), CommandError> {
        let Some((said, nudge)) = &waiting.said else { return Ok(()) };
        let Some(mut round) = self.write.changed_approvals.pop() else { return Ok(()) };
        // What was done about another vote may have decided the step already.
        let is_awaited = round
            .find(waiting.request)
            .is_some_and(|(_, request)| request.state == SeatState::Requested);
        let followed = match nudge {
            _ if !is_awaited => Ok(()),
            Nudge::Wait => Ok(()),
            Nudge::Remind => self.remind(&mut round, waiting, said).map(|()| done.nudged += 1),
            Nudge::Delegate(to) => {
                self.pass_on(&mut round, waiting, said, to).map(|()| done.nudged += 1)
            }
            Nudge::Expire => self.expire(&mut round, waiting, said).map(|()| done.expired += 1),
        };
        self.write.changed_approvals.push(round);
        match followed {
            Ok(()) => Ok(()),
            Err(NotDone::Overruled(why)) => {
                if let Some(asked) = &mut self.asking.evaluation {
                    asked.set_outcome(said.receipt, Outcome::Overruled(vec![why]));
                }
                Ok(())
            }
            Err(NotDone::Failed(error)) => Err(error),
        }
    }

    /// Reminds a voter; or asks whoever stands in for them, if they have gone away since they were
    /// asked; or the one for whom they stood in, if that is over.
    fn remind(
        &mut self,
        round: &mut Approval,
        waiting: &Waiting,
        said: &PolicyAnswer,
    ) -> Result<(), NotDone> {
        let state = self.write.ticket.state();
        if self.give_back(round, waiting.request) {
            return Ok(());
        }
        let asked = self.stand_in(round, &[waiting.request]);
        if asked != [waiting.voter] {
            self.happened(Notice::ApprovalRequested, &system(), state).approvers = asked;
            return Ok(());
        }
        round.remind(waiting.request)?;
        let reason = said!("{policy} reminded a voter", policy = self.name_of(said));
        self.did_because(Action::RemindVoter, &system(), Vec::new(), Some(reason.into()));
        self.happened(Notice::VoteLate, &system(), state).approvers = asked;
        Ok(())
    }

    /// Asks whose vote it is, where the delegation under which somebody else was asked has ended.
    /// Says whether it did.
    fn give_back(&mut self, round: &mut Approval, request: ApprovalRequestId) -> bool {
        let state = self.write.ticket.state();
        let under = round.find(request).and_then(|(_, seat)| seat.delegation);
        let in_force = &self.facts.delegations;
        if under.is_none_or(|under| in_force.iter().any(|one| one.id == under)) {
            return false;
        }
        let (duties, people) = (Duties::about(&self.write.ticket), &self.voters.people);
        let able = |id| duties.allow(id) && people.get(&id).copied().unwrap_or(false);
        let id = ApprovalRequestId(self.desk.entropy.id(self.now));
        let back = round.give_back(request, &able, id, self.now);
        if back.changes.is_empty() {
            return false;
        }
        let reason = said!("the delegation has ended; the vote is its owner's again");
        self.did_because(Action::AppointVoter, &system(), back.changes, Some(reason.into()));
        let asked = self.stand_in(round, &back.asked);
        self.happened(Notice::ApprovalRequested, &system(), state).approvers = asked;
        true
    }

    /// Asks somebody else for a vote.
    fn pass_on(
        &mut self,
        round: &mut Approval,
        waiting: &Waiting,
        said: &PolicyAnswer,
        to: &str,
    ) -> Result<(), NotDone> {
        let to = self.delegate_of(to).map_err(NotDone::Overruled)?;
        let state = self.write.ticket.state();
        let duties = Duties::about(&self.write.ticket);
        let seat = ApprovalRequestId(self.desk.entropy.id(self.now));
        let voted = round.pass_on(waiting.request, to, seat, duties, self.now)?;
        let reason = said!("{policy} delegated the vote", policy = self.name_of(said));
        self.did_because(Action::DelegateVote, &system(), voted.changes, Some(reason.into()));
        let asked = self.stand_in(round, &voted.opened);
        self.happened(Notice::ApprovalRequested, &system(), state).approvers = asked;
        Ok(())
    }

    /// Does without a vote, which decides the step if it can't be approved any more.
    fn expire(
        &mut self,
        round: &mut Approval,
        waiting: &Waiting,
        said: &PolicyAnswer,
    ) -> Result<(), NotDone> {
        let voted = round.expire(waiting.request, self.now)?;
        let hours = waiting.question.waiting_hours;
        let policy = self.name_of(said);
        let reason: String =
            said!("{policy} dropped this vote after {hours} working hours", policy, hours).into();
        self.policy_did(Action::ExpireVote, said, voted.changes.clone(), &[reason]);
        self.follow_votes(round, &voted).map_err(NotDone::Failed)
    }

    fn delegate_of(&self, id: &str) -> Result<PersonId, String> {
        let to: PersonId = id.parse().map_err(|_| said!("`{id}` is not a person's id", id))?;
        if self.voters.people.get(&to).copied().unwrap_or(false) {
            Ok(to)
        } else {
            Err(cannot_vote(to))
        }
    }
}
