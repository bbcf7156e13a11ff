//! What to do about an approval that waits.

use waypost_sdk::{Nudge, WaitingApproval};

use crate::settings::Waiting;

impl Waiting {
    /// Asking the manager comes before a reminder that is due as well. An approval moves on once: whoever was asked
    /// instead is only reminded.
    pub(crate) fn nudge(&self, approval: &WaitingApproval) -> Nudge {
        let waited = approval.waiting_hours;
        if !approval.escalated
            && self.delegate_after_hours.is_some_and(|limit| waited >= limit)
            && let Some(manager) = &approval.approver_manager
        {
            return Nudge::Delegate(manager.clone());
        }
        let next = u32::from(self.remind_after_hours)
            + u32::from(self.repeat_hours) * u32::from(approval.reminders);
        if u32::from(waited) >= next { Nudge::Remind } else { Nudge::Wait }
    }
}
