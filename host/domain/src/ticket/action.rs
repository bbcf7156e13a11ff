//! Actions: everything that can be done to a ticket.

use crate::{
    name::names,
    permission,
    refusal::Refused,
    ticket::{State, Ticket, TicketKind},
};

/// Everything that can be done to a ticket. `Create` is the first event of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It came in.
    Create,
    /// A policy categorized it.
    Categorize,
    /// Another team or person gets it.
    Assign,
    /// A policy is asked again who should get it.
    Reroute,
    /// A person confirms category, impact and urgency.
    Triage,
    /// A person overrides the priority.
    SetPriority,
    /// Fields are edited (PATCH).
    Edit,
    /// The desk says that it has seen it.
    Acknowledge,
    /// A public comment of the desk.
    Comment,
    /// An internal note.
    Note,
    /// A comment by the caller.
    CallerReply,
    /// A step up.
    Escalate,
    /// The expected time of restoration is told.
    SetEta,
    /// Work on an incident starts.
    Start,
    /// It has to wait.
    Hold,
    /// The waiting is over.
    Resume,
    /// Service is restored.
    Resolve,
    /// The requester objects.
    Reopen,
    /// It is over.
    Close,
    /// It is withdrawn.
    Cancel,
    /// It is the same as another.
    MergeInto,
    /// It becomes another kind of ticket.
    Convert,
    /// A request is handed in.
    Submit,
    /// An approval was asked for.
    RequestApproval,
    /// All approvals are there.
    Approve,
    /// An approval was refused.
    Reject,
    /// A rejected or waiting request is written anew.
    Revise,
    /// A request is fulfilled.
    Fulfill,
    /// A policy's suggestion is taken.
    AcceptSuggestion,
    /// A policy's suggestion is turned down.
    DismissSuggestion,
    /// Somebody votes on an approval.
    Vote,
    /// It has to do with another.
    Link,
    /// It has not after all.
    Unlink,
    /// Somebody, or a rule, says that it is a major incident.
    ProposeMajor,
    /// It is accepted as a major incident.
    AcceptMajor,
    /// It is no major incident.
    RejectMajor,
    /// Everybody concerned hears where a major incident stands.
    UpdateMajor,
    /// The review of a major incident is written.
    FinishMajor,
    /// A task is added to a request.
    AddTask,
    /// A task's fields are edited.
    EditTask,
    /// Another team or person gets a task.
    AssignTask,
    /// Work on a task starts.
    StartTask,
    /// A task has to wait.
    HoldTask,
    /// A task's waiting is over.
    ResumeTask,
    /// A task is done.
    CompleteTask,
    /// A task is left incomplete.
    IncompleteTask,
    /// A task is not needed.
    SkipTask,
    /// A task is withdrawn.
    CancelTask,
}

names!("action", Action {
    Create => "create",
    Categorize => "categorize",
    Assign => "assign",
    Reroute => "reroute",
    Triage => "triage",
    SetPriority => "set_priority",
    Edit => "edit",
    Acknowledge => "acknowledge",
    Comment => "comment",
    Note => "note",
    CallerReply => "caller_reply",
    Escalate => "escalate",
    SetEta => "set_eta",
    Start => "start",
    Hold => "hold",
    Resume => "resume",
    Resolve => "resolve",
    Reopen => "reopen",
    Close => "close",
    Cancel => "cancel",
    MergeInto => "merge_into",
    Convert => "convert",
    Submit => "submit",
    RequestApproval => "request_approval",
    Approve => "approve",
    Reject => "reject",
    Revise => "revise",
    Fulfill => "fulfill",
    AcceptSuggestion => "accept_suggestion",
    DismissSuggestion => "dismiss_suggestion",
    Vote => "vote",
    Link => "link",
    Unlink => "unlink",
    ProposeMajor => "propose_major",
    AcceptMajor => "accept_major",
    RejectMajor => "reject_major",
    UpdateMajor => "update_major",
    FinishMajor => "finish_major",
    AddTask => "add_task",
    EditTask => "edit_task",
    AssignTask => "assign_task",
    StartTask => "start_task",
    HoldTask => "hold_task",
    ResumeTask => "resume_task",
    CompleteTask => "complete_task",
    IncompleteTask => "incomplete_task",
    SkipTask => "skip_task",
    CancelTask => "cancel_task",
});

impl Action {
    /// Whether a ticket of this kind allows it in this state, whoever asks.
    #[must_use]
    pub fn is_allowed(self, kind: TicketKind, state: State) -> bool {
        match self {
            // The first event of a ticket; never asked of one that exists.
            Self::Create => false,
            Self::Categorize
            | Self::Assign
            | Self::Reroute
            | Self::SetPriority
            | Self::Acknowledge
            | Self::Escalate
            | Self::SetEta
            | Self::AcceptSuggestion
            | Self::DismissSuggestion
            | Self::Cancel
            | Self::MergeInto => state.is_active(),
            Self::Triage => state == State::New,
            Self::Edit | Self::Comment => !state.is_terminal(),
            // What is over takes an internal note; a reply to it opens another ticket.
            Self::Note | Self::CallerReply | Self::Link | Self::Unlink => true,
            Self::Convert => match kind {
                TicketKind::Incident => state.is_active(),
                TicketKind::Request => state == State::New,
            },
            Self::Start => kind == TicketKind::Incident && state == State::New,
            Self::Resolve => kind == TicketKind::Incident && state.is_active(),
            Self::Hold => match kind {
                TicketKind::Incident => state.is_active(),
                TicketKind::Request => matches!(state, State::InFulfilment | State::OnHold),
            },
            Self::Resume => state == State::OnHold,
            Self::Reopen | Self::Close => matches!(state, State::Resolved | State::Fulfilled),
            Self::Submit => kind == TicketKind::Request && state == State::New,
            Self::RequestApproval | Self::Approve | Self::Reject | Self::Vote => {
                state == State::AwaitingApproval
            }
            Self::Revise => matches!(state, State::AwaitingApproval | State::Rejected),
            Self::Fulfill => state == State::InFulfilment,
            // Where it stands as a major incident counts too: see `MajorState::allows`.
            Self::ProposeMajor | Self::AcceptMajor | Self::UpdateMajor => {
                kind == TicketKind::Incident && state.is_active()
            }
            // A proposal that outlived the trouble can still be turned down.
            Self::RejectMajor => kind == TicketKind::Incident && !state.is_terminal(),
            Self::FinishMajor => state == State::Resolved,
            // Tasks are planned as soon as there is a request, and worked on while it is being fulfilled.
            Self::AddTask
            | Self::EditTask
            | Self::AssignTask
            | Self::SkipTask
            | Self::CancelTask => kind == TicketKind::Request && state.is_active(),
            Self::StartTask
            | Self::HoldTask
            | Self::ResumeTask
            | Self::CompleteTask
            | Self::IncompleteTask => {
                kind == TicketKind::Request && matches!(state, State::InFulfilment | State::OnHold)
            }
        }
    }

    /// Whether it is about a task of the request: asked of the task, not of the ticket.
    #[must_use]
    pub const fn is_about_task(self) -> bool {
        matches!(
            self,
            Self::AddTask
                | Self::EditTask
                | Self::AssignTask
                | Self::StartTask
                | Self::HoldTask
                | Self::ResumeTask
                | Self::CompleteTask
                | Self::IncompleteTask
                | Self::SkipTask
                | Self::CancelTask
        )
    }

    /// Everything that a ticket of this kind allows in this state, whoever asks.
    #[must_use]
    pub fn allowed(kind: TicketKind, state: State) -> Vec<Self> {
        Self::ALL.iter().copied().filter(|action| action.is_allowed(kind, state)).collect()
    }
}

impl Ticket {
    /// Refuses an action that the state does not allow.
    pub fn demand(&self, action: Action) -> Result<(), Refused> {
        let (kind, state, major) = (self.kind(), self.state(), self.major.state());
        let is_allowed = action.is_allowed(kind, state);
        if is_allowed && major.allows(action) {
            return Ok(());
        }
        let mut allowed = Action::allowed(kind, state);
        let is_of_ticket =
            |action: &Action| permission::is_for_callers(*action) && !action.is_about_task();
        allowed.retain(|action| is_of_ticket(action) && major.allows(*action));
        Err(if is_allowed {
            Refused::InvalidMajorTransition { action, major, state, allowed }
        } else {
            Refused::InvalidTransition { action, kind, state, allowed }
        })
    }
}
