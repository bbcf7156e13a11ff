//! Stages: where a ticket stands, with the facts that are true only there.
//!
//! The shape is the same for every kind; the names of the states belong to the kind.

use chrono::{DateTime, Utc};

use crate::{
    event::Actor,
    ids::{PersonId, TicketId},
    name::names,
};

/// Where a ticket stands, with the facts that are true only there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Somebody has to do something about it.
    Open(State),
    /// It waits for somebody or something outside the desk.
    OnHold(Hold),
    /// Done; whoever it is for can still object, or the desk take it up again.
    Done(State, Outcome),
    /// Not approved; it can be written anew.
    Rejected(Rejection),
    /// Over.
    Closed(State, Outcome, Closing),
    /// Ended without an outcome.
    Cancelled(Cancellation),
}

/// The shape of a stage without its facts, which is the same for every kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Somebody has to do something about it.
    Open,
    /// It waits for somebody or something outside the desk.
    OnHold,
    /// Done; it can be taken up again.
    Done,
    /// Not approved.
    Rejected,
    /// Over.
    Closed,
    /// Ended without an outcome.
    Cancelled,
}

names!("phase", Phase {
    Open => "open",
    OnHold => "on_hold",
    Done => "done",
    Rejected => "rejected",
    Closed => "closed",
    Cancelled => "cancelled",
});

/// The name of a state. Which ones a ticket can have depends on its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Reported or written; nobody has started.
    New,
    /// A task waits for others that come before it.
    Waiting,
    /// A task can be started.
    Open,
    /// A request waits for approval.
    AwaitingApproval,
    /// Somebody works on it.
    InProgress,
    /// A request is being fulfilled.
    InFulfilment,
    /// Somebody finds out whether it is a problem worth an analysis.
    Assess,
    /// The cause of a problem is looked for.
    RootCauseAnalysis,
    /// A problem is being fixed.
    FixInProgress,
    /// Waits for somebody or something outside the desk.
    OnHold,
    /// Service is restored, or a problem is settled.
    Resolved,
    /// A request is fulfilled.
    Fulfilled,
    /// A task was tried, and not brought to its end.
    Incomplete,
    /// A request was not approved.
    Rejected,
    /// A task is done.
    Done,
    /// A task was not needed.
    Skipped,
    /// Over.
    Closed,
    /// Ended without an outcome.
    Cancelled,
}

names!("state", State {
    New => "new",
    Waiting => "waiting",
    Open => "open",
    AwaitingApproval => "awaiting_approval",
    InProgress => "in_progress",
    InFulfilment => "in_fulfilment",
    Assess => "assess",
    RootCauseAnalysis => "root_cause_analysis",
    FixInProgress => "fix_in_progress",
    OnHold => "on_hold",
    Resolved => "resolved",
    Fulfilled => "fulfilled",
    Incomplete => "incomplete",
    Rejected => "rejected",
    Done => "done",
    Skipped => "skipped",
    Closed => "closed",
    Cancelled => "cancelled",
});

/// What a ticket on hold waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Whom or what.
    pub awaiting: Awaiting,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When somebody should look again.
    pub follow_up_at: Option<DateTime<Utc>>,
}

/// Whom or what a ticket on hold waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Awaiting {
    /// The caller's answer.
    Caller,
    /// A vendor, by name.
    Vendor(String),
    /// Evidence from a person.
    Evidence(PersonId),
    /// The fix of a problem.
    Problem(TicketId),
    /// Something else, in a few words: what a task waits for.
    Other(String),
}

/// Whom or what a ticket on hold waits for, without the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AwaitingKind {
    /// The caller's answer.
    Caller,
    /// A vendor.
    Vendor,
    /// Evidence from a person.
    Evidence,
    /// The fix of a problem.
    Problem,
    /// Something else.
    Other,
}

names!("reason to wait", AwaitingKind {
    Caller => "caller",
    Vendor => "vendor",
    Evidence => "evidence",
    Problem => "problem",
    Other => "other",
});

impl Awaiting {
    /// Whom or what, without the name.
    #[must_use]
    pub const fn kind(&self) -> AwaitingKind {
        match self {
            Self::Caller => AwaitingKind::Caller,
            Self::Vendor(_) => AwaitingKind::Vendor,
            Self::Evidence(_) => AwaitingKind::Evidence,
            Self::Problem(_) => AwaitingKind::Problem,
            Self::Other(_) => AwaitingKind::Other,
        }
    }

    /// The problem whose fix it waits for.
    #[must_use]
    pub const fn problem(&self) -> Option<TicketId> {
        if let Self::Problem(problem) = self { Some(*problem) } else { None }
    }

    /// The identifier of whom or what, without the name.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        self.kind().as_str()
    }
}

/// How a ticket was done. What has codes is never done without one, nor without notes (requirement
/// R12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The outcome code; none of a kind that has none.
    pub code: Option<Code>,
    /// What was done, or why not.
    pub notes: String,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: Actor,
}

/// An outcome code. Which ones are valid depends on the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The cause was repaired.
    Fixed,
    /// The caller can work; the cause remains.
    WorkaroundApplied,
    /// Somebody helped.
    Assistance,
    /// Somebody was taught.
    Training,
    /// Hardware was repaired or replaced.
    HardwareRepair,
    /// Software was patched.
    SoftwarePatch,
    /// A system was updated.
    SystemUpdate,
    /// A problem's fix cured it.
    ResolvedByProblem,
    /// A change cured it.
    ResolvedByChange,
    /// Monitoring reports that it is gone.
    MonitoringCleared,
    /// The caller found the way.
    ResolvedByCaller,
    /// Nothing was wrong.
    NoFaultFound,
    /// Something else; the notes say what.
    Other,
    /// All of what was asked for.
    Complete,
    /// A part of it.
    Partial,
    /// Something else that serves.
    Substituted,
    /// The cause is gone for good.
    FixApplied,
    /// The cause stays, and somebody answers for the risk.
    RiskAccepted,
    /// It is the same as another problem.
    Duplicate,
    /// It was no problem.
    Cancelled,
}

names!("outcome code", Code {
    Fixed => "fixed",
    WorkaroundApplied => "workaround_applied",
    Assistance => "assistance",
    Training => "training",
    HardwareRepair => "hardware_repair",
    SoftwarePatch => "software_patch",
    SystemUpdate => "system_update",
    ResolvedByProblem => "resolved_by_problem",
    ResolvedByChange => "resolved_by_change",
    MonitoringCleared => "monitoring_cleared",
    ResolvedByCaller => "resolved_by_caller",
    NoFaultFound => "no_fault_found",
    Other => "other",
    Complete => "complete",
    Partial => "partial",
    Substituted => "substituted",
    FixApplied => "fix_applied",
    RiskAccepted => "risk_accepted",
    Duplicate => "duplicate",
    Cancelled => "cancelled",
});

/// Why a ticket was not approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Why.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// When a ticket was closed, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: Actor,
}

/// Why a ticket ended without an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    /// In which way it ended.
    pub outcome: CancelOutcome,
    /// Why.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: Actor,
}

/// In which way a cancelled ticket ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CancelOutcome {
    /// Withdrawn.
    Withdrawn,
    /// It is about the same as this ticket, which goes on.
    MergedInto(TicketId),
    /// It became this ticket, of another kind.
    ConvertedTo(TicketId),
}

impl CancelOutcome {
    /// The identifier of the way it ended.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::MergedInto(_) => "merged_into",
            Self::ConvertedTo(_) => "converted_to",
        }
    }

    /// The ticket that goes on instead.
    #[must_use]
    pub const fn ticket(&self) -> Option<TicketId> {
        match self {
            Self::Withdrawn => None,
            Self::MergedInto(ticket) | Self::ConvertedTo(ticket) => Some(*ticket),
        }
    }
}

impl Stage {
    /// The state's name.
    #[must_use]
    pub const fn state(&self) -> State {
        match self {
            Self::Open(state) | Self::Done(state, _) | Self::Closed(state, ..) => *state,
            Self::OnHold(_) => State::OnHold,
            Self::Rejected(_) => State::Rejected,
            Self::Cancelled(_) => State::Cancelled,
        }
    }

    /// Its shape without the facts.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        match self {
            Self::Open(_) => Phase::Open,
            Self::OnHold(_) => Phase::OnHold,
            Self::Done(..) => Phase::Done,
            Self::Rejected(_) => Phase::Rejected,
            Self::Closed(..) => Phase::Closed,
            Self::Cancelled(_) => Phase::Cancelled,
        }
    }

    /// What it waits for, while it is on hold.
    #[must_use]
    pub const fn hold(&self) -> Option<&Hold> {
        if let Self::OnHold(hold) = self { Some(hold) } else { None }
    }

    /// How it was done, also once it is closed.
    #[must_use]
    pub const fn outcome(&self) -> Option<&Outcome> {
        if let Self::Done(_, outcome) | Self::Closed(_, outcome, _) = self {
            Some(outcome)
        } else {
            None
        }
    }
}

impl Phase {
    /// Whether the desk still has to do something about it.
    #[must_use]
    pub const fn is_active(self) -> bool {
        match self {
            Self::Open | Self::OnHold => true,
            Self::Done | Self::Rejected | Self::Closed | Self::Cancelled => false,
        }
    }

    /// Whether nothing leads out of it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        match self {
            Self::Closed | Self::Cancelled => true,
            Self::Open | Self::OnHold | Self::Done | Self::Rejected => false,
        }
    }
}
