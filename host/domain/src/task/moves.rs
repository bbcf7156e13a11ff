//! Work on a task: it is assigned, started, put on hold, and comes to one of its ends.

use chrono::{DateTime, Utc};

use crate::{
    directory::{Lookup, check_owner},
    event::Change,
    ids::{PersonId, TaskId, TeamId},
    refusal::{Faults, Refused},
    task::{Standing, Task, TaskAction, Tasks},
    text,
};

/// An action on a task, with what it needs. References are resolved already; what is missing is named here.
#[derive(Debug, Clone, Copy)]
pub enum TaskMove<'a> {
    /// Another team or person gets it.
    Assign {
        /// The team.
        team: Option<TeamId>,
        /// A member of it.
        assignee: Option<PersonId>,
    },
    /// Work on it starts, or starts again.
    Start {
        /// Who starts; they get the task if nobody has it and they are of its team.
        by: Option<PersonId>,
    },
    /// It has to wait.
    Hold {
        /// Why.
        reason: Option<&'a str>,
    },
    /// The waiting is over.
    Resume,
    /// It is done.
    Complete,
    /// It is left incomplete.
    Incomplete {
        /// Why.
        reason: Option<&'a str>,
    },
    /// It is not needed.
    Skip {
        /// Why.
        reason: Option<&'a str>,
    },
    /// It is withdrawn.
    Cancel {
        /// Why.
        reason: Option<&'a str>,
    },
}

impl TaskMove<'_> {
    /// The action's name.
    #[must_use]
    pub const fn action(&self) -> TaskAction {
        match self {
            Self::Assign { .. } => TaskAction::Assign,
            Self::Start { .. } => TaskAction::Start,
            Self::Hold { .. } => TaskAction::Hold,
            Self::Resume => TaskAction::Resume,
            Self::Complete => TaskAction::Complete,
            Self::Incomplete { .. } => TaskAction::Incomplete,
            Self::Skip { .. } => TaskAction::Skip,
            Self::Cancel { .. } => TaskAction::Cancel,
        }
    }
}

impl Tasks {
    /// Carries out an action on one of the tasks. The request's own state is checked by whoever calls this.
    pub fn carry_out(
        &mut self,
        id: TaskId,
        step: TaskMove<'_>,
        directory: &dyn Lookup,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        let before = self.clone();
        let Some(task) = self.get_mut(id) else { return Ok(Vec::new()) };
        task.demand(step.action())?;
        task.take(step, directory)?;
        Ok(self.settle(&before, Some(directory), now))
    }
}

impl Task {
    fn take(&mut self, step: TaskMove<'_>, directory: &dyn Lookup) -> Result<(), Refused> {
        match step {
            TaskMove::Assign { team, assignee } => {
                let mut faults = Faults::new();
                match team {
                    Some(team) => check_owner(self.org, team, assignee, directory, &mut faults),
                    None => faults.missing("/team", "name the team that gets it, by its key"),
                }
                self.team = faults.finish_with(team)?;
                self.assignee = assignee;
            }
            TaskMove::Start { by } => {
                let is_of_team = |person: &PersonId| {
                    directory.team(self.team).is_some_and(|team| team.has_member(*person))
                };
                self.assignee = self.assignee.or(by.filter(is_of_team));
                self.standing = Standing::InProgress;
            }
            TaskMove::Resume => self.standing = Standing::InProgress,
            TaskMove::Complete => self.standing = Standing::Done,
            TaskMove::Hold { reason } => {
                let reason = said(reason, "say what it waits for")?;
                self.standing = Standing::OnHold { reason };
            }
            TaskMove::Incomplete { reason } => {
                let reason = said(reason, "say why it was not brought to its end")?;
                self.standing = Standing::Incomplete { reason };
            }
            TaskMove::Skip { reason } => {
                let reason = said(reason, "say why it is not needed")?;
                self.standing = Standing::Skipped { reason };
            }
            TaskMove::Cancel { reason } => {
                let reason = said(reason, "say why it is withdrawn")?;
                if self.mandatory {
                    return Err(Refused::guard(format!(
                        "{} is mandatory, and the request could never be fulfilled without it; skip it, or make it \
                         optional first",
                        self.number
                    )));
                }
                self.standing = Standing::Cancelled { reason };
            }
        }
        Ok(())
    }
}

fn said(reason: Option<&str>, what: &str) -> Result<String, Refused> {
    let mut faults = Faults::new();
    let reason = text::reason(reason, what, &mut faults);
    faults.finish()?;
    Ok(reason)
}
