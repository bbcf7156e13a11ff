//! Tasks of requests: reading them, planning them, and working on them.
//!
//! Whatever happens to a task is an event of its request, written through the same door and in the same commit.

mod act;
mod plan;
mod read;

use waypost_domain::{
    ids::{TaskId, TicketId},
    task::{Task, TaskState},
};

use crate::tickets::{Named, PersonName, PersonRef, TicketRef};

pub use self::{
    act::{act, actions},
    plan::{add, edit},
    read::{find, list, of_ticket},
};
pub use waypost_domain::task::TaskHint;

/// Names a task by its id or its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskRef {
    /// By its id.
    Id(TaskId),
    /// By its number: `TASK0000007`.
    Number(String),
}

/// A task that is added to a request. Texts and keys are checked here, not by the front end.
#[derive(Debug, Clone, Default)]
pub struct NewTask {
    /// One line, 1 to 250 characters.
    pub short_description: String,
    /// The full text.
    pub description: String,
    /// The key of the team that gets it; none for the request's own.
    pub team: Option<String>,
    /// A member of the team.
    pub assignee: Option<PersonRef>,
    /// Its place among the tasks of the request; behind all others if none.
    pub position: Option<u16>,
    /// Whether the request can't be fulfilled without it.
    pub mandatory: bool,
    /// The tasks of the request that come before it, by id or number.
    pub depends_on: Vec<String>,
}

/// Which fields of a task change. None leaves a field.
#[derive(Debug, Clone, Default)]
pub struct TaskEdit {
    /// One line.
    pub short_description: Option<String>,
    /// The full text.
    pub description: Option<String>,
    /// Its place.
    pub position: Option<u16>,
    /// Whether the request can't be fulfilled without it.
    pub mandatory: Option<bool>,
    /// The tasks that come before it, all of them, by id or number.
    pub depends_on: Option<Vec<String>>,
}

/// An action on a task, with what it needs. Missing fields are found by the domain.
#[derive(Debug, Clone)]
pub enum TaskStep {
    /// Another team or person gets it.
    Assign {
        /// The team's key.
        team: Option<String>,
        /// A member of it.
        assignee: Option<PersonRef>,
    },
    /// Work on it starts, or starts again.
    Start,
    /// It has to wait.
    Hold {
        /// Why.
        reason: Option<String>,
    },
    /// The waiting is over.
    Resume,
    /// It is done.
    Complete,
    /// It is left incomplete.
    Incomplete {
        /// Why.
        reason: Option<String>,
    },
    /// It is not needed.
    Skip {
        /// Why.
        reason: Option<String>,
    },
    /// It is withdrawn.
    Cancel {
        /// Why.
        reason: Option<String>,
    },
}

/// Which tasks are asked for. Every part that is set must match.
#[derive(Debug, Clone, Default)]
pub struct TaskQuery {
    /// The states.
    pub states: Vec<TaskState>,
    /// Whether somebody still has to do something.
    pub active: Option<bool>,
    /// The owning team's key.
    pub team: Option<String>,
    /// The assignee.
    pub assignee: Option<PersonRef>,
    /// The request.
    pub request: Option<TicketRef>,
}

/// The request of a task, as far as who works on the task has to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestName {
    /// Its id.
    pub id: TicketId,
    /// The number people use.
    pub number: String,
    /// What it is about.
    pub short_description: String,
}

/// A task as a caller may see it, with the names of what it refers to.
#[derive(Debug, Clone)]
pub struct TaskView {
    /// The task.
    pub task: Task,
    /// Its request.
    pub request: RequestName,
    /// The owning team.
    pub team: Named,
    /// The assignee.
    pub assignee: Option<PersonName>,
    /// The numbers of the tasks that come before it.
    pub depends_on: Vec<String>,
}
