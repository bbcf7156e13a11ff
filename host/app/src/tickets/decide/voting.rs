//! Voting: what a round that moved means for its ticket, and who is asked next.

use waypost_domain::{
    approval::{Approval, Duties, Outcome, SeatState, Voted},
    delegation::StandIns,
    ids::{ApprovalRequestId, PersonId},
    said,
    said::Part,
    ticket::{Action, Beside, Given, Notice, Turn, Value},
};

use super::{TicketDraft, approving::voters, system};
use crate::CommandError;

impl TicketDraft {
    /// Moves the ticket when its round is decided, and lets those who are asked next hear of it.
    pub(crate) fn follow_votes(
        &mut self,
        round: &mut Approval,
        voted: &Voted,
    ) -> Result<(), CommandError> {
        let was = self.write.ticket.state();
        match voted.outcome {
            Outcome::Approved => self.decided(Action::Approve, &Given::default())?,
            Outcome::Rejected => {
                let reason = Value::Text(rejection(round));
                self.decided(Action::Reject, &Given::default().with("reason", reason))?;
            }
            Outcome::Waiting | Outcome::Pending | Outcome::Cancelled => {
                // A vote that decides nothing still changes what the ticket waits for.
                let updated_at = &mut self.write.ticket.updated_at;
                *updated_at = (*updated_at).max(self.now);
            }
        }
        let asked = self.stand_in(round, &voted.opened);
        if !asked.is_empty() {
            self.happened(Notice::ApprovalRequested, &system(), was).approvers = asked;
        }
        Ok(())
    }

    /// Keeps a round in which a voter was appointed by hand, and lets whoever is asked then hear of
    /// it.
    pub(crate) fn keep_round(&mut self, mut round: Approval, asked: &[ApprovalRequestId]) {
        let voters = self.stand_in(&mut round, asked);
        if let Some(told) = self.happened.last_mut() {
            told.approvers = voters;
        }
        self.write.changed_approvals.push(round);
    }

    /// Takes the action that a decided round leads to.
    fn decided(&mut self, action: Action, given: &Given) -> Result<(), CommandError> {
        let was = self.write.ticket.state();
        let (by, settings) = (system(), self.settings());
        let mut beside = Beside { item: self.item(), ..Beside::default() };
        let mut turn = Turn::new(given, &by, self.now, &settings, &self.facts, &mut beside);
        let done = self.write.ticket.perform(action, &mut turn)?;
        self.performed(done, &by, was);
        Ok(())
    }

    /// Asks those who stand in for the voters of these requests, where any are away, and says whose
    /// votes are awaited then. That is an event of its own, so that an auditor can tell it from
    /// what a policy or a voter did.
    pub(crate) fn stand_in(
        &mut self,
        round: &mut Approval,
        requests: &[ApprovalRequestId],
    ) -> Vec<PersonId> {
        let (entropy, now) = (self.desk.entropy.clone(), self.now);
        let ticket = &self.write.ticket;
        let stand_ins = StandIns::about(&self.facts.delegations, ticket, now);
        let mut next_id = || ApprovalRequestId(entropy.id(now));
        let stood_in =
            round.stand_in(requests, &stand_ins, Duties::about(ticket), &mut next_id, now);
        if !stood_in.changes.is_empty() {
            let under: Vec<String> =
                stood_in.followed.iter().map(|delegation| delegation.id.to_string()).collect();
            let reason = said!(
                "voters are away; delegations applied: {delegations}",
                delegations = Part::all(under)
            );
            let changes = stood_in.changes;
            self.did_because(Action::DelegateVote, &system(), changes, Some(reason.into()));
        }
        voters(round, &stood_in.asked)
    }
}

/// Why a round was rejected, as the voters put it.
fn rejection(round: &Approval) -> String {
    let said: Vec<String> = round
        .rejections()
        .map(|(step, request)| match &request.comment {
            Some(comment) => format!("{}: {comment}", step.name),
            None => step.name.clone(),
        })
        .collect();
    if !said.is_empty() {
        return said.join("; ");
    }
    let given_up: Vec<String> = round
        .steps()
        .filter(|step| step.outcome == Outcome::Rejected)
        .filter(|step| step.requests.iter().any(|seat| seat.state == SeatState::Expired))
        .map(|step| said!("{step}: too few voted in time", step = step.name).into())
        .collect();
    if given_up.is_empty() {
        said!("the quorum can no longer be reached").into()
    } else {
        given_up.join("; ")
    }
}
