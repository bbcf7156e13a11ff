//! Tasks: the pieces of work that fulfil a request.
//!
//! ```text
//! waiting ──all it depends on are done or skipped──▶ open ──start──▶ in_progress ──complete──▶ done
//! open, in_progress ──hold──▶ on_hold ──resume──▶ in_progress
//! open, in_progress, on_hold ──incomplete──▶ incomplete ──start──▶ in_progress
//! what is not over, and incomplete ──skip──▶ skipped      what is not over ──cancel──▶ cancelled
//! ```
//!
//! A task belongs to its request: whatever happens to it is an event of the request, and the two are written together. While
//! the request is not being fulfilled, its tasks can be planned, assigned, skipped and cancelled, and none is worked on.

mod edit;
mod list;
mod moves;
mod plan;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod table;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::{
    ids::{OrgId, PersonId, TaskId, TeamId, TicketId},
    name::names,
    refusal::Refused,
    ticket::Action,
};

pub use self::{
    edit::{NewTask, TaskEdit},
    list::Tasks,
    moves::TaskMove,
    plan::{PlannedTask, check_plan, planned},
};

/// More pieces of work than this are a project, not a request.
pub const MAX_TASKS: usize = 50;
/// Places among the tasks of a request; more are not told apart.
pub const MAX_POSITION: u16 = 1_000;

/// One piece of the work that fulfils a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// The organization.
    pub org: OrgId,
    /// The request.
    pub ticket: TicketId,
    /// The number people use: `TASK0000007`. Empty until it is stored.
    pub number: String,
    /// One line, 1 to 250 characters.
    pub short_description: String,
    /// The full text.
    pub description: String,
    /// The team that owns it (ITIL: assignment group). Never missing.
    pub team: TeamId,
    /// The person who works on it.
    pub assignee: Option<PersonId>,
    /// Its place among the tasks of the request; the lowest is shown first.
    pub position: u16,
    /// Whether the request can't be fulfilled before it is done or skipped.
    pub mandatory: bool,
    /// The tasks of the same request that come before it.
    pub depends_on: BTreeSet<TaskId>,
    /// Where it stands.
    pub standing: Standing,
    /// When it was planned.
    pub created_at: DateTime<Utc>,
    /// When anything of it changed last.
    pub updated_at: DateTime<Utc>,
    /// When it entered its state.
    pub state_since: DateTime<Utc>,
    /// Rises by one with every change.
    pub version: i64,
}

/// A task's state, with the reason that belongs to some of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// What it depends on is neither done nor skipped.
    Waiting,
    /// Can be started.
    Open,
    /// Somebody works on it.
    InProgress,
    /// Can't go on for now.
    OnHold {
        /// Why.
        reason: String,
    },
    /// Done.
    Done,
    /// Tried, and not brought to its end.
    Incomplete {
        /// Why.
        reason: String,
    },
    /// Not needed.
    Skipped {
        /// Why.
        reason: String,
    },
    /// Withdrawn, or ended with its request.
    Cancelled {
        /// Why.
        reason: String,
    },
}

/// The name of a task's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskState {
    /// What it depends on is neither done nor skipped.
    Waiting,
    /// Can be started.
    Open,
    /// Somebody works on it.
    InProgress,
    /// Can't go on for now.
    OnHold,
    /// Done.
    Done,
    /// Tried, and not brought to its end.
    Incomplete,
    /// Not needed.
    Skipped,
    /// Withdrawn, or ended with its request.
    Cancelled,
}

names!("state of a task", TaskState {
    Waiting => "waiting",
    Open => "open",
    InProgress => "in_progress",
    OnHold => "on_hold",
    Done => "done",
    Incomplete => "incomplete",
    Skipped => "skipped",
    Cancelled => "cancelled",
});

/// Everything that can be done to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskAction {
    /// Fields are edited (PATCH).
    Edit,
    /// Another team or person gets it.
    Assign,
    /// Work on it starts, or starts again.
    Start,
    /// It has to wait.
    Hold,
    /// The waiting is over.
    Resume,
    /// It is done.
    Complete,
    /// It is left incomplete.
    Incomplete,
    /// It is not needed.
    Skip,
    /// It is withdrawn.
    Cancel,
}

names!("action on a task", TaskAction {
    Edit => "edit",
    Assign => "assign",
    Start => "start",
    Hold => "hold",
    Resume => "resume",
    Complete => "complete",
    Incomplete => "incomplete",
    Skip => "skip",
    Cancel => "cancel",
});

/// How many tasks a request has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskCount {
    /// Those about which somebody still has to do something.
    pub open: u32,
    /// All.
    pub total: u32,
}

/// An action that is allowed, with the fields that it must be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskHint {
    /// The action.
    pub action: TaskAction,
    /// JSON pointers.
    pub lacks: &'static [&'static str],
}

impl Standing {
    /// The state's name.
    #[must_use]
    pub const fn name(&self) -> TaskState {
        match self {
            Self::Waiting => TaskState::Waiting,
            Self::Open => TaskState::Open,
            Self::InProgress => TaskState::InProgress,
            Self::OnHold { .. } => TaskState::OnHold,
            Self::Done => TaskState::Done,
            Self::Incomplete { .. } => TaskState::Incomplete,
            Self::Skipped { .. } => TaskState::Skipped,
            Self::Cancelled { .. } => TaskState::Cancelled,
        }
    }

    /// Why it stands there, where that has to be said.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Waiting | Self::Open | Self::InProgress | Self::Done => None,
            Self::OnHold { reason }
            | Self::Incomplete { reason }
            | Self::Skipped { reason }
            | Self::Cancelled { reason } => Some(reason),
        }
    }
}

impl TaskState {
    /// Whether somebody still has to do something about it.
    #[must_use]
    pub const fn is_active(self) -> bool {
        match self {
            Self::Waiting | Self::Open | Self::InProgress | Self::OnHold => true,
            Self::Done | Self::Incomplete | Self::Skipped | Self::Cancelled => false,
        }
    }

    /// Whether what depends on it can begin, and the request be fulfilled.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::Skipped)
    }
}

impl TaskAction {
    /// Whether a task allows it in this state, whoever asks.
    #[must_use]
    pub const fn is_allowed(self, state: TaskState) -> bool {
        use TaskState::{InProgress, Incomplete, OnHold, Open};
        match self {
            Self::Edit | Self::Assign | Self::Cancel => state.is_active(),
            Self::Start => matches!(state, Open | Incomplete),
            Self::Hold => matches!(state, Open | InProgress),
            Self::Resume => matches!(state, OnHold),
            Self::Complete | Self::Incomplete => matches!(state, Open | InProgress | OnHold),
            Self::Skip => state.is_active() || matches!(state, Incomplete),
        }
    }

    /// Everything that a task allows in this state, whoever asks.
    #[must_use]
    pub fn allowed(state: TaskState) -> Vec<Self> {
        Self::ALL.iter().copied().filter(|action| action.is_allowed(state)).collect()
    }

    /// The action on the request that it is: what its event says, and what the request's own state must allow.
    #[must_use]
    pub const fn on_request(self) -> Action {
        match self {
            Self::Edit => Action::EditTask,
            Self::Assign => Action::AssignTask,
            Self::Start => Action::StartTask,
            Self::Hold => Action::HoldTask,
            Self::Resume => Action::ResumeTask,
            Self::Complete => Action::CompleteTask,
            Self::Incomplete => Action::IncompleteTask,
            Self::Skip => Action::SkipTask,
            Self::Cancel => Action::CancelTask,
        }
    }

    /// The fields that must come with the action, as JSON pointers.
    #[must_use]
    pub const fn demands(self) -> &'static [&'static str] {
        match self {
            Self::Assign => &["/team"],
            Self::Hold | Self::Incomplete | Self::Skip | Self::Cancel => &["/reason"],
            Self::Edit | Self::Start | Self::Resume | Self::Complete => &[],
        }
    }
}

impl Task {
    /// The name of its state.
    #[must_use]
    pub const fn state(&self) -> TaskState {
        self.standing.name()
    }

    /// Refuses an action that the state does not allow.
    pub fn demand(&self, action: TaskAction) -> Result<(), Refused> {
        let state = self.state();
        if action.is_allowed(state) {
            return Ok(());
        }
        Err(Refused::InvalidTaskTransition { action, state, allowed: TaskAction::allowed(state) })
    }
}
