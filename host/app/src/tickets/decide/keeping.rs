//! Keeping voters: a round waits for nobody who cannot vote on it any more.

use waypost_domain::{
    approval::{Approval, Duties, SeatState},
    ids::{ApprovalRequestId, PersonId},
    said,
    ticket::{Action, Notice, Ticket},
};

use super::{TicketDraft, approving::voters, system};

/// What became of votes that nobody could cast.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Votes that somebody is asked for again.
    pub(crate) appointed: u64,
    /// Votes that nobody is asked for any more.
    pub(crate) vacated: u64,
}

/// Whether anything is to be done about a round, so that it does not wait for somebody who cannot
/// vote, or for a ticket that awaits no approval any more.
pub(crate) fn needs_care(
    round: &Approval,
    ticket: &Ticket,
    can_vote: &dyn Fn(PersonId) -> bool,
) -> bool {
    let duties = Duties::about(ticket);
    !ticket.can_await_approval()
        || round.needs_care(&|person| can_vote(person) && duties.allow(person))
}

/// Sees to it that a round waits for nobody who cannot vote. Each thing that is done is an event of
/// its own; where there is nothing to do, the draft stays idle.
pub(crate) fn keep_voters(
    it: &mut TicketDraft,
    mut round: Approval,
    can_vote: &dyn Fn(PersonId) -> bool,
) -> Kept {
    if !it.write.ticket.can_await_approval() {
        let changes = round.cancel(it.now);
        it.did(Action::VoidApproval, &system(), changes);
        it.write.changed_approvals.push(round);
        return Kept::default();
    }
    let state = it.write.ticket.state();
    let duties = Duties::about(&it.write.ticket);
    let able = |person: PersonId| can_vote(person) && duties.allow(person);
    let (entropy, now) = (it.desk.entropy.clone(), it.now);
    let mut next_id = || ApprovalRequestId(entropy.id(now));
    let before = round.clone();

    let back = round.take_back(&able, &mut next_id, now);
    if !back.changes.is_empty() {
        let reason = said!("a vote is asked again of whoever had it before and can cast it");
        it.did_because(Action::AppointVoter, &system(), back.changes, Some(reason.into()));
    }
    let mut away = round.lost(&able);
    away.extend(back.asked);
    it.stand_in(&mut round, &away);
    let vacated = round.vacate(&able, now);
    if !vacated.is_empty() {
        let reason = said!("a voter cannot vote any more");
        it.did_because(Action::VacateVote, &system(), vacated, Some(reason.into()));
    }
    // Once for each vacant vote of a step: whoever stands in for the approver makes room for them.
    while let Some(approver) = it.facts.fallback_approver() {
        let is_vacant = !in_state(&round, SeatState::Vacant).is_empty();
        let done = round.appoint(approver, duties, &mut next_id, now);
        if done.changes.is_empty() {
            break;
        }
        let reason = if is_vacant {
            said!("a voter cannot vote any more; the fallback approver decides")
        } else {
            said!("no voter was left; the fallback approver decides")
        };
        it.did_because(Action::AppointVoter, &system(), done.changes, Some(reason.into()));
        it.stand_in(&mut round, &done.asked);
    }

    let is_new = |state| {
        let known = in_state(&before, state);
        let mut now = in_state(&round, state);
        now.retain(|id| !known.contains(id));
        now
    };
    let (asked, vacant) = (is_new(SeatState::Requested), is_new(SeatState::Vacant));
    let kept = Kept { appointed: asked.len() as u64, vacated: vacant.len() as u64 };
    let asked = voters(&round, &asked);
    if !asked.is_empty() {
        it.happened(Notice::ApprovalRequested, &system(), state).approvers = asked;
    }
    if !it.is_idle() {
        it.write.changed_approvals.push(round);
    }
    kept
}

/// The requests of a round that stand so.
fn in_state(round: &Approval, state: SeatState) -> Vec<ApprovalRequestId> {
    round.requests().filter(|seat| seat.state == state).map(|seat| seat.id).collect()
}
