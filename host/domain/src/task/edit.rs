//! Planning by hand: a task is added to a request, and its fields are corrected.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::{
    directory::{Lookup, check_owner},
    event::Change,
    ids::{OrgId, PersonId, TaskId, TeamId, TicketId},
    refusal::{Faults, Refused},
    task::{MAX_POSITION, MAX_TASKS, Standing, Task, TaskAction, TaskState, Tasks},
    text,
};

/// A task that a person adds. References are resolved already; texts and counts are checked here.
#[derive(Debug, Clone)]
pub struct NewTask<'a> {
    /// Its id.
    pub id: TaskId,
    /// The organization.
    pub org: OrgId,
    /// The request.
    pub ticket: TicketId,
    /// One line.
    pub short_description: &'a str,
    /// The full text.
    pub description: &'a str,
    /// The team that gets it.
    pub team: TeamId,
    /// A member of it.
    pub assignee: Option<PersonId>,
    /// Its place; behind all others if none.
    pub position: Option<u16>,
    /// Whether the request can't be fulfilled without it.
    pub mandatory: bool,
    /// The tasks that come before it.
    pub depends_on: BTreeSet<TaskId>,
}

/// Which fields of a task change. None leaves a field as it is.
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
    /// The tasks that come before it, all of them.
    pub depends_on: Option<BTreeSet<TaskId>>,
}

impl Tasks {
    /// Adds a task. It gets its number when it is stored, and what the event says of it is known then
    /// ([`Tasks::first_changes`]). What is wrong with its references was found before.
    pub fn add(
        &mut self,
        new: NewTask<'_>,
        mut faults: Faults,
        directory: &dyn Lookup,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        let short_description = text::short_description(new.short_description, &mut faults);
        let description = text::description(new.description, &mut faults);
        check_position(new.position, &mut faults);
        check_owner(new.org, new.team, new.assignee, directory, &mut faults);
        faults.finish()?;
        if self.len() >= MAX_TASKS {
            return Err(Refused::guard(format!(
                "the request has {MAX_TASKS} tasks, which is the most; put several pieces of work into one"
            )));
        }
        let behind = || self.all().iter().map(|task| task.position + 1).max().unwrap_or(0);
        let position = new.position.unwrap_or_else(|| behind().min(MAX_POSITION));
        let mut tasks = self.all().to_vec();
        tasks.push(Task {
            id: new.id,
            org: new.org,
            ticket: new.ticket,
            number: String::new(),
            short_description,
            description,
            team: new.team,
            assignee: new.assignee,
            position,
            mandatory: new.mandatory,
            depends_on: new.depends_on,
            standing: Standing::Waiting,
            created_at: now,
            updated_at: now,
            state_since: now,
            version: 1,
        });
        *self = Self::new(tasks);
        let before = self.clone();
        self.settle(&before, Some(directory), now);
        Ok(())
    }

    /// Changes fields of one of the tasks. What comes before it can't change once it has been started. What is wrong with its
    /// references was found before.
    pub fn edit(
        &mut self,
        id: TaskId,
        edit: TaskEdit,
        mut faults: Faults,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        let before = self.clone();
        let Some(was) = before.get(id) else { return Ok(Vec::new()) };
        was.demand(TaskAction::Edit)?;
        let short_description =
            edit.short_description.map(|text| text::short_description(&text, &mut faults));
        let description = edit.description.map(|text| text::description(&text, &mut faults));
        check_position(edit.position, &mut faults);
        if edit.depends_on.as_ref().is_some_and(|before| self.is_circular(id, before)) {
            let message = "the task would wait for itself; leave out what waits for it";
            faults.wrong("/depends_on", "circular", message);
        }
        faults.finish()?;
        let is_started = !matches!(was.state(), TaskState::Waiting | TaskState::Open);
        let moves = edit.depends_on.as_ref().is_some_and(|before| *before != was.depends_on);
        if is_started && moves {
            return Err(Refused::guard(format!(
                "{} is {}, so what comes before it can't change any more",
                was.number,
                was.state()
            )));
        }
        let Some(task) = self.get_mut(id) else { return Ok(Vec::new()) };
        task.short_description = short_description.unwrap_or_else(|| was.short_description.clone());
        task.description = description.unwrap_or_else(|| was.description.clone());
        task.position = edit.position.unwrap_or(was.position);
        task.mandatory = edit.mandatory.unwrap_or(was.mandatory);
        task.depends_on = edit.depends_on.unwrap_or_else(|| was.depends_on.clone());
        Ok(self.settle(&before, None, now))
    }
}

fn check_position(position: Option<u16>, faults: &mut Faults) {
    if position.is_some_and(|position| position > MAX_POSITION) {
        faults.wrong("/position", "out-of-range", format!("give a place from 0 to {MAX_POSITION}"));
    }
}
