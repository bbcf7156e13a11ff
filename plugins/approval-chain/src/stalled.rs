//! What to do about an approval that waits.

use waypost_sdk::{Nudge, SettingsError, WaitingApproval};

use crate::settings::Waiting;

impl Waiting {
    /// Finds a limit that could never be reached.
    pub(crate) fn check(&self, errors: &mut Vec<SettingsError>) {
        if let (Some(delegate), Some(expire)) = (self.delegate_after_hours, self.expire_after_hours)
            && expire <= delegate
        {
            let message = format!(
                "the vote would be given up before the manager is asked, after {delegate} hours; \
                 name more hours, or set `delegate_after_hours` to fewer or to null"
            );
            errors.push(SettingsError::at("/waiting/expire_after_hours", message));
        }
    }

    /// Asking the manager comes before what is due as well. An approval moves on once: whoever was asked instead is
    /// reminded, until the desk does without the vote.
    pub(crate) fn nudge(&self, approval: &WaitingApproval) -> Nudge {
        let waited = approval.waiting_hours;
        if !approval.escalated
            && self.delegate_after_hours.is_some_and(|limit| waited >= limit)
            && let Some(manager) = &approval.approver_manager
        {
            return Nudge::Delegate(manager.clone());
        }
        if self.expire_after_hours.is_some_and(|limit| waited >= limit) {
            return Nudge::Expire;
        }
        let next = u32::from(self.remind_after_hours)
            + u32::from(self.repeat_hours) * u32::from(approval.reminders);
        if u32::from(waited) >= next { Nudge::Remind } else { Nudge::Wait }
    }
}
