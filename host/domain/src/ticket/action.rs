//! Actions: everything that can be done to a ticket.

use crate::name::names;

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
});
