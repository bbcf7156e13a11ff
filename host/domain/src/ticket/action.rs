//! Actions: everything that can be done to a ticket, of whichever kind. What each does is in the
//! rows of the kinds.

use crate::{
    approval::NotAwaited,
    refusal::Refused,
    said,
    said::Said,
    ticket::{Row, Ticket, Who},
};

/// Declares an enum together with its names.
macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $variant:ident => $name:literal,)+) => {
        /// Everything that can be done to a ticket. `Create` is the first event of each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $($(#[doc = $doc])+ $variant,)+
        }

        crate::name::names!("action", Action { $($variant => $name,)+ });
    };
}

actions! {
    /// It came in.
    Create => "create",
    /// A policy categorized it.
    Categorize => "categorize",
    /// Another team or person gets it.
    Assign => "assign",
    /// A policy is asked again who should get it.
    Reroute => "reroute",
    /// A person confirms category, impact and urgency.
    Triage => "triage",
    /// A person overrides the priority.
    SetPriority => "set_priority",
    /// Fields are edited (PATCH).
    Edit => "edit",
    /// The desk says that it has seen it.
    Acknowledge => "acknowledge",
    /// A public comment of the desk.
    Comment => "comment",
    /// An internal note.
    Note => "note",
    /// A comment by the caller.
    CallerReply => "caller_reply",
    /// It is escalated to a higher level.
    Escalate => "escalate",
    /// The expected time of restoration is told.
    SetEta => "set_eta",
    /// Work starts.
    Start => "start",
    /// It is put on hold.
    Hold => "hold",
    /// The hold ends.
    Resume => "resume",
    /// It is resolved.
    Resolve => "resolve",
    /// Whoever it is for objects.
    Reopen => "reopen",
    /// It is over.
    Close => "close",
    /// It is withdrawn.
    Cancel => "cancel",
    /// It is the same as another.
    MergeInto => "merge_into",
    /// It becomes another kind of ticket.
    Convert => "convert",
    /// A request is submitted.
    Submit => "submit",
    /// A rejected or waiting request is revised.
    Revise => "revise",
    /// A request is fulfilled.
    Fulfill => "fulfill",
    /// Somebody decides whether to analyze a problem.
    Assess => "assess",
    /// A problem is worth an analysis of its cause.
    Confirm => "confirm",
    /// The cause of a problem is known, and is being fixed.
    StartFix => "start_fix",
    /// The cause of a problem is looked for again.
    Reanalyze => "reanalyze",
    /// A problem becomes a known error.
    PublishKnownError => "publish_known_error",
    /// Everybody whose incident a problem causes hears how to live with it.
    Communicate => "communicate",
    /// A task that waited can be started.
    Release => "release",
    /// A task is done.
    Complete => "complete",
    /// A task is left incomplete.
    Incomplete => "incomplete",
    /// A task is not needed.
    Skip => "skip",
    /// It is linked to another ticket.
    Link => "link",
    /// A link is removed.
    Unlink => "unlink",
    /// Somebody, or a rule, says that it is a major incident.
    ProposeMajor => "propose_major",
    /// It is accepted as a major incident.
    AcceptMajor => "accept_major",
    /// It is not a major incident.
    RejectMajor => "reject_major",
    /// Everybody concerned hears where a major incident stands.
    UpdateMajor => "update_major",
    /// The review of a major incident is written.
    FinishMajor => "finish_major",
    /// A policy's suggestion is accepted.
    AcceptSuggestion => "accept_suggestion",
    /// A policy's suggestion is dismissed.
    DismissSuggestion => "dismiss_suggestion",
    /// A round of approval was planned and its first votes asked for.
    RequestApproval => "request_approval",
    /// Somebody votes.
    Vote => "vote",
    /// A voter was reminded.
    RemindVoter => "remind_voter",
    /// A vote was passed on: by a policy, or because its voter is away.
    DelegateVote => "delegate_vote",
    /// A vote was given up, because nobody cast it in time.
    ExpireVote => "expire_vote",
    /// Nobody is asked for a vote any more, because whoever was cannot cast it.
    VacateVote => "vacate_vote",
    /// A voter was appointed: where there was none, or by an administrator.
    AppointVoter => "appoint_voter",
    /// The open round of approval was ended from outside.
    VoidApproval => "void_approval",
    /// All approvals are there.
    Approve => "approve",
    /// An approval was refused.
    Reject => "reject",
}

impl Action {
    /// Whether it is asked for by its name. Opening, editing and voting have doors of their own.
    #[must_use]
    pub const fn is_asked_by_name(self) -> bool {
        !matches!(self, Self::Create | Self::Edit | Self::Vote)
    }
}

impl Ticket {
    /// The row of an action; refuses one that the kind or the state does not allow.
    pub fn admit(&self, action: Action) -> Result<&'static Row, Refused> {
        let row = self.rules().row(action);
        match row.filter(|row| row.allows(self.state(), self.phase())) {
            Some(row) => Ok(row),
            None => Err(self.refuse(action, said!("in state `{state}`", state = self.state()))),
        }
    }

    /// The refusal of a vote that is not awaited.
    #[must_use]
    pub fn refuse_vote(&self, why: NotAwaited) -> Refused {
        self.refuse(Action::Vote, why.said())
    }

    /// The refusal of an action that where it stands does not allow.
    pub(crate) fn refuse(&self, action: Action, why: Said) -> Refused {
        let asked = self.rules().rows().filter(|row| row.who != Who::System);
        let is_possible = |row: &&Row| {
            row.allows(self.state(), self.phase())
                && row.against.is_none_or(|it| it(self, row.action).is_none())
        };
        Refused::InvalidTransition {
            action,
            kind: self.kind(),
            why,
            state: self.state(),
            allowed: asked.filter(is_possible).map(|row| row.action).collect(),
        }
    }
}
