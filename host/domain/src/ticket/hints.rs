//! Hints: what a caller can do to a ticket now, and what each action still lacks.

use crate::{
    organization::OrgSettings,
    permission::{Relation, allows},
    role::Role,
    ticket::{Action, Ticket},
};

/// An action that is allowed, with the fields that it needs and that are not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionHint {
    /// The action.
    pub action: Action,
    /// JSON pointers: fields that the action must be given, and fields of the ticket that must be filled before.
    pub lacks: Vec<&'static str>,
}

impl Ticket {
    /// What this caller can do now. Actions that only policies and approvals do are not among them.
    #[must_use]
    pub fn allowed_actions(
        &self,
        role: Role,
        relation: Relation,
        settings: &OrgSettings,
    ) -> Vec<ActionHint> {
        Action::allowed(self.kind(), self.state())
            .into_iter()
            .filter(|action| self.major.state().allows(*action) && !self.is_kept_by_major(*action))
            .filter(|action| !action.is_about_task() && !self.is_done_once(*action))
            .filter(|action| allows(role, relation, *action, self).is_ok())
            .map(|action| ActionHint { action, lacks: self.lacks(action, settings) })
            .collect()
    }

    fn is_done_once(&self, action: Action) -> bool {
        (action == Action::Triage && self.triaged_at.is_some())
            || (action == Action::Acknowledge && self.acknowledged_at.is_some())
    }

    fn lacks(&self, action: Action, settings: &OrgSettings) -> Vec<&'static str> {
        let mut lacks = action.demands().to_vec();
        if action == Action::Resolve {
            let record = self.lacks_for_resolution(settings);
            lacks.extend(record.into_iter().map(|(pointer, _)| pointer));
        }
        lacks
    }
}

impl Action {
    /// The fields that must come with the action, as JSON pointers.
    #[must_use]
    pub const fn demands(self) -> &'static [&'static str] {
        match self {
            Self::Assign | Self::AssignTask => &["/team"],
            Self::Triage => &["/category", "/impact", "/urgency"],
            Self::SetPriority => &["/priority", "/reason"],
            Self::Comment | Self::Note | Self::CallerReply => &["/text"],
            Self::Escalate => &["/level", "/reason"],
            Self::Hold => &["/awaiting"],
            Self::Resolve => &["/resolution_code", "/resolution_notes"],
            Self::AcceptMajor => &["/manager", "/communication_owner", "/next_update_at"],
            Self::UpdateMajor => &["/text", "/next_update_at"],
            Self::FinishMajor => &["/review_note"],
            Self::Reopen
            | Self::Cancel
            | Self::ProposeMajor
            | Self::RejectMajor
            | Self::HoldTask
            | Self::IncompleteTask
            | Self::SkipTask
            | Self::CancelTask => &["/reason"],
            Self::MergeInto => &["/target"],
            Self::Link | Self::Unlink => &["/link_type", "/target"],
            Self::Convert => &["/to", "/reason"],
            Self::Fulfill => &["/fulfillment_code", "/fulfillment_notes"],
            Self::AcceptSuggestion | Self::DismissSuggestion => &["/suggestion"],
            Self::AddTask => &["/short_description"],
            // Whom a start is for is the caller, unless another is named.
            Self::Create
            | Self::Categorize
            | Self::Reroute
            | Self::Edit
            | Self::Acknowledge
            | Self::SetEta
            | Self::Start
            | Self::Resume
            | Self::Close
            | Self::Submit
            | Self::RequestApproval
            | Self::Approve
            | Self::Reject
            | Self::Revise
            | Self::Vote
            | Self::EditTask
            | Self::StartTask
            | Self::ResumeTask
            | Self::CompleteTask => &[],
        }
    }
}
