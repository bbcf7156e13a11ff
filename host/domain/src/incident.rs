//! Incidents and the states they move through.
//!
//! ```text
//! new ──start──▶ in_progress ──hold──▶ on_hold ──resume──▶ in_progress
//! new, in_progress, on_hold ──resolve──▶ resolved ──close──▶ closed
//! resolved ──reopen, caller_reply──▶ in_progress
//! new, in_progress, on_hold ──cancel, merge_into, convert──▶ cancelled
//! ```

mod major;
mod sync;
mod work;

use chrono::{DateTime, Utc};

use crate::{
    event::Actor,
    ids::{PersonId, TicketId},
    name::names,
};

pub use self::{
    major::{
        Acceptance, Leadership, Major, MajorMove, MajorOutcome, MajorRule, MajorSigns, MajorState,
        MajorUpdate, MajorWhen,
    },
    sync::MAX_CHILDREN,
};

/// An incident's state, with the facts that are true only in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncidentState {
    /// Reported; nobody has started.
    New,
    /// Somebody works on it.
    InProgress,
    /// Waits for somebody or something outside the desk.
    OnHold(Hold),
    /// Service is restored; the caller can still object.
    Resolved(Resolution),
    /// Over.
    Closed {
        /// How it was resolved.
        resolution: Resolution,
        /// When it was closed.
        at: DateTime<Utc>,
        /// Who closed it.
        by: Actor,
    },
    /// Ended without a resolution.
    Cancelled(Cancellation),
}

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
}

impl Awaiting {
    /// Whom or what, without the name.
    #[must_use]
    pub const fn kind(&self) -> AwaitingKind {
        match self {
            Self::Caller => AwaitingKind::Caller,
            Self::Vendor(_) => AwaitingKind::Vendor,
            Self::Evidence(_) => AwaitingKind::Evidence,
        }
    }

    /// The identifier of whom or what, without the name.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        self.kind().as_str()
    }
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
}

names!("reason to wait", AwaitingKind {
    Caller => "caller",
    Vendor => "vendor",
    Evidence => "evidence",
});

/// How an incident was resolved. Code and notes are never empty (requirement R12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The outcome.
    pub code: ResolutionCode,
    /// What was done.
    pub notes: String,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: Actor,
}

/// The outcome of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResolutionCode {
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
}

names!("resolution code", ResolutionCode {
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
});

/// Why a ticket ended without a resolution.
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
}
