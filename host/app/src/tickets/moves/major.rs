//! Moves of major incidents: proposed, accepted or rejected, told of, reviewed.

use waypost_domain::{
    incident::{Acceptance, MajorUpdate},
    refusal::Faults,
    ticket::Action,
};
use waypost_policy::question::EventKind;
use waypost_store::ReadTx;

use super::{Mover, References, active_person};
use crate::{
    CommandError,
    tickets::{TicketAction, decide::Deciding, facts::Facts},
};

impl References {
    /// Looks up who shall lead a major incident.
    pub(super) async fn read_leaders(
        &mut self,
        tx: &mut ReadTx,
        facts: &Facts,
        faults: &mut Faults,
        action: &TicketAction,
    ) -> Result<(), CommandError> {
        let (TicketAction::AcceptMajor { manager, communication_owner, .. }
        | TicketAction::UpdateMajor { manager, communication_owner, .. }) = action
        else {
            return Ok(());
        };
        if let Some(named) = manager {
            self.manager = active_person(tx, facts, faults, "/manager", named).await?;
        }
        if let Some(named) = communication_owner {
            let pointer = "/communication_owner";
            self.communication_owner = active_person(tx, facts, faults, pointer, named).await?;
        }
        Ok(())
    }
}

impl Mover<'_> {
    pub(super) fn major(
        &self,
        it: &mut Deciding,
        action: &TicketAction,
    ) -> Result<(), CommandError> {
        let (now, by) = (self.caller.now, &self.caller.actor);
        let was = it.write.ticket.state();
        match action {
            TicketAction::ProposeMajor { reason } => {
                let changes = it.write.ticket.propose_major(reason.as_deref(), by, now)?;
                it.did_because(Action::ProposeMajor, by, changes, reason.clone());
                it.happened(EventKind::MajorChanged, by, was);
            }
            TicketAction::AcceptMajor { next_update_at, .. } => {
                let acceptance = Acceptance {
                    manager: self.references.manager.as_ref(),
                    communication_owner: self.references.communication_owner.as_ref(),
                    next_update_at: *next_update_at,
                };
                let changes = it.write.ticket.accept_major(acceptance, now)?;
                it.did(Action::AcceptMajor, by, changes);
                it.happened(EventKind::MajorChanged, by, was);
                it.tell_leaders(None, by);
            }
            TicketAction::RejectMajor { reason } => {
                let changes = it.write.ticket.reject_major(reason.as_deref(), now)?;
                it.did_because(Action::RejectMajor, by, changes, reason.clone());
                it.happened(EventKind::MajorChanged, by, was);
            }
            TicketAction::UpdateMajor { text, next_update_at, .. } => {
                let led_before = it.write.ticket.major.led_by();
                let update = MajorUpdate {
                    text: text.as_deref(),
                    next_update_at: *next_update_at,
                    manager: self.references.manager.as_ref(),
                    communication_owner: self.references.communication_owner.as_ref(),
                };
                let changes = it.write.ticket.update_major(update, by, now)?;
                it.did(Action::UpdateMajor, by, changes);
                it.tell_leaders(led_before, by);
                if let Some(text) = text {
                    it.write.comments.push(self.comment(it.write.ticket.id, text));
                }
                it.happened(EventKind::Commented, by, was).text.clone_from(text);
            }
            TicketAction::FinishMajor { review_note } => {
                let changes = it.write.ticket.finish_major(review_note.as_deref(), now)?;
                it.did(Action::FinishMajor, by, changes);
                it.happened(EventKind::MajorChanged, by, was);
            }
            _ => {}
        }
        Ok(())
    }
}
