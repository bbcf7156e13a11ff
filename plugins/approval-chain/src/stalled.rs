//! What to do about a vote that is awaited.

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

    /// Asking the manager comes before what is due as well. A seat moves on once: whoever was asked
    /// instead is reminded, until the desk does without the vote.
    pub(crate) fn nudge(&self, approval: &WaitingApproval) -> Nudge {
        let waited = approval.waiting_hours;
        let passed = |limit: Option<u16>| limit.is_some_and(|limit| waited >= u32::from(limit));
        if !approval.delegated
            && passed(self.delegate_after_hours)
            && let Some(manager) = &approval.voter_manager
        {
            return Nudge::Delegate(manager.clone());
        }
        if passed(self.expire_after_hours) {
            return Nudge::Expire;
        }
        let next = u32::from(self.remind_after_hours)
            .saturating_add(u32::from(self.repeat_hours).saturating_mul(approval.reminders));
        if waited >= next { Nudge::Remind } else { Nudge::Wait }
    }
}
