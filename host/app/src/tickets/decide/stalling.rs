//! Stalling: approvals that wait, and what the policies want done about them.

use chrono::{DateTime, Duration, Utc};
use waypost_domain::{
    approval::{Approval, SeatRequest, SeatState},
    binding::Hook,
    ids::{ApprovalRequestId, PersonId},
    receipt::Outcome,
    ticket::Action,
};
use waypost_policy::{
    Answer,
    contract::{self, EventKind, Nudge},
};
use waypost_store::{ReadTx, person};

use super::{Deciding, approving::voters, opening, system};
use crate::{
    Caller, CommandError, Desk,
    tickets::{
        facts::Facts,
        round::{Part, Round, Said, mark},
        snapshot,
    },
};

/// A vote that waits, and what a policy said about it.
pub(super) struct Waiting {
    request: ApprovalRequestId,
    voter: PersonId,
    question: contract::WaitingApproval,
    said: Option<(Said, Nudge)>,
}

/// Nobody waits longer than this for a reminder, so nothing is lost by not counting further.
const COUNTED_DAYS: i64 = 92;

/// Whether any policy is bound that looks after approvals.
pub(crate) fn looks_after_approvals(facts: &Facts) -> bool {
    !facts.layers.of(Hook::Stalled).is_empty()
}

/// The organization's fallback approver, while they are active.
pub(crate) fn fallback_approver(facts: &Facts) -> Option<PersonId> {
    let approver = facts.directory.org.settings.fallback_approver?;
    facts.desk_people.get(&approver).filter(|person| person.active).map(|person| person.id)
}

/// Gives a round that waits for nobody its voter. Says whether there was anything to do: nobody decides on their own
/// wish, so a request of the fallback approver's own goes on waiting.
pub(crate) fn appoint(it: &mut Deciding, mut round: Approval, approver: PersonId) -> bool {
    let ticket = &it.write.ticket;
    let state = ticket.state();
    if ticket.requester == approver {
        return false;
    }
    let entropy = it.desk.entropy.clone();
    let voted = round.appoint(approver, &mut || ApprovalRequestId(entropy.id(it.now)), it.now);
    if voted.changes.is_empty() {
        return false;
    }
    let reason = "nobody was left to vote; the fallback approver decides".to_owned();
    it.did_because(Action::RequestApproval, &system(), voted.changes, Some(reason));
    let asked = voters(&round, &voted.opened);
    it.happened(EventKind::ApprovalRequested, &system(), state).approvers = asked;
    it.write.changed_approvals.push(round);
    true
}

/// Notes the votes that a round waits for.
pub(crate) async fn expect_votes(
    tx: &mut ReadTx,
    it: &mut Deciding,
    round: Approval,
) -> Result<(), CommandError> {
    let waits = |seat: &&SeatRequest| seat.state == SeatState::Requested;
    let asked: Vec<PersonId> = round.requests().filter(waits).map(|seat| seat.voter).collect();
    let people = person::find_many(tx, &asked).await?;
    let manager_of = |voter: PersonId| {
        people.iter().find(|person| person.id == voter).and_then(|person| person.manager)
    };
    let managers: Vec<PersonId> = asked.iter().filter_map(|voter| manager_of(*voter)).collect();
    for manager in person::find_many(tx, &managers).await? {
        it.people.insert(manager.id, manager.active);
    }
    for step in round.steps() {
        for seat in step.requests.iter().filter(waits) {
            let since = seat.requested_at.unwrap_or(round.created_at);
            it.waiting.push(Waiting {
                request: seat.id,
                voter: seat.voter,
                question: contract::WaitingApproval {
                    step: step.name.clone(),
                    requested_at: snapshot::timestamp(since),
                    waiting_hours: working_hours(&it.facts, since, it.now),
                    reminders: u16::try_from(seat.reminder_count).unwrap_or(u16::MAX),
                    escalated: seat.escalated_at.is_some(),
                    approver: seat.voter.to_string(),
                    approver_manager: manager_of(seat.voter).map(|id| id.to_string()),
                },
                said: None,
            });
        }
    }
    it.write.changed_approvals.push(round);
    Ok(())
}

/// Asks the policies about the votes that are waited for, and does what they say. Returns how many people hear of it.
pub(crate) async fn nudge(
    desk: &Desk,
    caller: &Caller,
    items: &mut Vec<Deciding>,
) -> Result<u64, CommandError> {
    opening::phase(desk, caller, items, Deciding::ask_stalled).await?;
    let mut nudged = 0;
    for one in items.iter_mut() {
        for waiting in std::mem::take(&mut one.waiting) {
            nudged += u64::from(one.follow_nudge(waiting));
        }
        one.note_failures();
    }
    Ok(nudged)
}

/// Whole working hours of the organization between two moments.
fn working_hours(facts: &Facts, from: DateTime<Utc>, to: DateTime<Utc>) -> u16 {
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
    u16::try_from(worked.num_hours()).unwrap_or(u16::MAX)
}

impl Deciding {
    fn ask_stalled(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        for one in &mut waiting {
            let part = Part::Approval(one.question.clone());
            for said in self.ask(Hook::Stalled, Some(&part), |_| true) {
                if let Some(Answer::Nudge(nudge)) = said.answer.clone() {
                    one.said = Some((said, nudge));
                }
            }
        }
        self.waiting = waiting;
    }

    /// Keeps the receipts of policies that failed. Once for each kind of failure: approvals are looked after every few
    /// minutes, and what failed will mostly fail again.
    fn note_failures(&mut self) {
        let failures = self.round.as_ref().map(Round::failures).unwrap_or_default();
        let known = self.write.ticket.degraded.as_deref().unwrap_or_default();
        let is_new = |failure: &String| !known.split(", ").any(|one| one == failure);
        if self.is_idle() && failures.iter().any(is_new) {
            let reason = format!("nobody was reminded: {}", mark(&failures));
            self.did_because(Action::RequestApproval, &system(), Vec::new(), Some(reason));
        }
    }

    /// Whether somebody hears of it.
    fn follow_nudge(&mut self, waiting: Waiting) -> bool {
        let Some((said, nudge)) = waiting.said else { return false };
        let Some(mut round) = self.write.changed_approvals.pop() else { return false };
        let state = self.write.ticket.state();
        let requester = self.write.ticket.requester;
        let mut changes = Vec::new();
        let followed = match &nudge {
            Nudge::Wait => Ok(None),
            Nudge::Remind => round
                .remind(waiting.request)
                .map(|()| Some((EventKind::Escalated, vec![waiting.voter])))
                .map_err(|refused| refused.to_string()),
            Nudge::Delegate(id) => self.delegate_of(id).and_then(|to| {
                let seat = ApprovalRequestId(self.desk.entropy.id(self.now));
                round
                    .pass_on(waiting.request, to, seat, requester, self.now)
                    .map(|voted| {
                        let asked = voters(&round, &voted.opened);
                        changes = voted.changes;
                        Some((EventKind::ApprovalRequested, asked))
                    })
                    .map_err(|refused| refused.to_string())
            }),
        };
        self.write.changed_approvals.push(round);
        match followed {
            Ok(Some((kind, hear))) => {
                let reason = match nudge {
                    Nudge::Remind => format!("{} reminds a voter", self.name_of(&said)),
                    Nudge::Delegate(_) | Nudge::Wait => {
                        format!("{} asks somebody else for the vote", self.name_of(&said))
                    }
                };
                self.did_because(Action::RequestApproval, &system(), changes, Some(reason));
                self.happened(kind, &system(), state).approvers = hear;
                true
            }
            Ok(None) => false,
            Err(why) => {
                if let Some(asked) = &mut self.round {
                    asked.settle(said.receipt, Outcome::Overruled(vec![why]));
                }
                false
            }
        }
    }

    fn delegate_of(&self, id: &str) -> Result<PersonId, String> {
        let to: PersonId = id.parse().map_err(|_| format!("`{id}` is no person's id"))?;
        if self.people.get(&to).copied().unwrap_or(false) {
            Ok(to)
        } else {
            Err(format!("{to} is not in the directory, or not active any more"))
        }
    }
}
