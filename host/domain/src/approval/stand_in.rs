//! Standing in: a seat whose holder is away is asked of the person whom they named for the time.
//!
//! The vote counts for the same seat, and the seat's holder may still vote first. What stands
//! against passing a vote on by hand stands against it here: the one who is asked already stays
//! asked then.

use chrono::{DateTime, Utc};

use crate::{
    approval::{
        Approval, Duties, SeatState,
        vote::{changes, check_delegate},
    },
    delegation::{Delegation, StandIns},
    event::FieldChange,
    ids::ApprovalRequestId,
    refusal::Faults,
};

/// What became of requests whose voters may be away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoodIn {
    /// What changed, for the event; nothing where nobody is away.
    pub changes: Vec<FieldChange>,
    /// The requests whose votes are awaited now: those that were passed on to stand-ins and those
    /// that were not.
    pub asked: Vec<ApprovalRequestId>,
    /// The delegations that were followed.
    pub followed: Vec<Delegation>,
}

impl Approval {
    /// Asks stand-ins for the votes of these requests, where their voters have named any: when
    /// requests open, and again when they wait.
    pub fn stand_in(
        &mut self,
        requests: &[ApprovalRequestId],
        stand_ins: &StandIns<'_>,
        duties: Duties,
        next_id: &mut dyn FnMut() -> ApprovalRequestId,
        now: DateTime<Utc>,
    ) -> StoodIn {
        let before = self.clone();
        let mut stood_in = StoodIn::default();
        for request in requests {
            let mut asked = *request;
            // Ends, because a seat is passed on only so often.
            while let Some(delegation) = self.stand_in_for(asked, stand_ins, duties) {
                let Some(next) = self.delegate(asked, delegation.to, next_id(), now) else {
                    break;
                };
                if let Some(away) = self.request_mut(asked) {
                    away.comment = Some(delegation.reason.clone());
                    away.end(SeatState::Delegated, now);
                }
                if let Some(standing_in) = self.request_mut(next) {
                    standing_in.delegation = Some(delegation.id);
                }
                stood_in.followed.push(delegation);
                asked = next;
            }
            stood_in.asked.push(asked);
        }
        stood_in.changes = changes(&before, self);
        stood_in
    }

    /// The delegation under which somebody else is to be asked for this request's vote.
    fn stand_in_for(
        &self,
        request: ApprovalRequestId,
        stand_ins: &StandIns<'_>,
        duties: Duties,
    ) -> Option<Delegation> {
        let (step, request) = self.find(request)?;
        if request.state != SeatState::Requested {
            return None;
        }
        let can_be_asked = |delegation: &&Delegation| {
            let mut faults = Faults::new();
            check_delegate(delegation.to, step, request, duties, &mut faults);
            faults.is_empty()
        };
        stand_ins.of(request.voter).find(can_be_asked).cloned()
    }
}
