//! The tasks of one request: what one of them becomes can open others.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::{
    directory::{Lookup, team_text},
    event::Change,
    ids::TaskId,
    refusal::{Faults, Refused},
    task::{Standing, Task, TaskState},
    ticket::{Fact, differences},
};

/// All tasks of one request, by their place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tasks(Vec<Task>);

impl Tasks {
    /// The tasks of a request, in whatever order.
    #[must_use]
    pub fn new(mut tasks: Vec<Task>) -> Self {
        tasks.sort_by(|a, b| {
            (a.position, a.created_at, &a.number).cmp(&(b.position, b.created_at, &b.number))
        });
        Self(tasks)
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Task] {
        &self.0
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, id: TaskId) -> Option<&Task> {
        self.0.iter().find(|task| task.id == id)
    }

    /// The tasks that stand in these places of an input, each by its id or number. Those of other requests are as unknown as
    /// those that are not there.
    pub fn named(
        &self,
        pointer: &str,
        given: &[String],
        faults: &mut Faults,
    ) -> Option<BTreeSet<TaskId>> {
        let mut found = BTreeSet::new();
        let mut is_whole = true;
        for (place, text) in given.iter().enumerate() {
            let number = text.trim().to_ascii_uppercase();
            let named = |task: &&Task| {
                task.number == number || text.parse::<TaskId>().is_ok_and(|id| task.id == id)
            };
            if let Some(task) = self.0.iter().find(named) {
                found.insert(task.id);
            } else {
                let message = format!(
                    "the request has no task `{text}`; name another task of the same request"
                );
                faults.wrong(&format!("{pointer}/{place}"), "unknown", message);
                is_whole = false;
            }
        }
        is_whole.then_some(found)
    }

    /// Refuses to fulfil the request while a mandatory task is neither done nor skipped.
    pub fn check_fulfilment(&self) -> Result<(), Refused> {
        let missing = self
            .0
            .iter()
            .filter(|task| task.mandatory && !task.state().is_settled())
            .map(|task| format!("{} ({})", task.number, task.state()))
            .collect::<Vec<_>>();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Refused::guard(format!(
            "mandatory tasks are neither done nor skipped: {}; complete or skip them first",
            missing.join(", ")
        )))
    }

    /// Cancels what nobody needs any more, because the request has ended.
    pub fn end(&mut self, reason: &str, now: DateTime<Utc>) -> Vec<Change> {
        let before = self.clone();
        for task in self.0.iter_mut().filter(|task| task.state().is_active()) {
            task.standing = Standing::Cancelled { reason: reason.to_owned() };
        }
        self.settle(&before, None, now)
    }

    /// Those that are not as they were.
    #[must_use]
    pub fn changed_since(&self, before: &Self) -> Vec<Task> {
        self.0.iter().filter(|task| before.get(task.id) != Some(task)).cloned().collect()
    }

    /// What the event says of tasks that were just added.
    #[must_use]
    pub fn first_changes(&self, added: &[TaskId], directory: &dyn Lookup) -> Vec<Change> {
        let numbers = self.numbers();
        let added = self.0.iter().filter(|task| added.contains(&task.id));
        let mut changes: Vec<Change> = added
            .flat_map(|task| differences(&[], facts(task, &numbers, Some(directory))))
            .collect();
        // The long text stands in the record; a later edit keeps what it was.
        changes.retain(|change| !change.field.ends_with("/description"));
        changes
    }

    pub(super) fn get_mut(&mut self, id: TaskId) -> Option<&mut Task> {
        self.0.iter_mut().find(|task| task.id == id)
    }

    /// Ends a move: opens what waited for nothing else, keeps the times, and returns what changed of all tasks.
    pub(super) fn settle(
        &mut self,
        before: &Self,
        directory: Option<&dyn Lookup>,
        now: DateTime<Utc>,
    ) -> Vec<Change> {
        self.open_ready();
        let numbers = self.numbers();
        let mut changes = Vec::new();
        for task in &mut self.0 {
            let Some(was) = before.get(task.id).filter(|was| was != &task) else { continue };
            task.updated_at = now.max(was.updated_at);
            if task.state() != was.state() {
                task.state_since = now;
            }
            let after = facts(task, &numbers, directory);
            changes.extend(differences(&facts(was, &numbers, directory), after));
        }
        changes
    }

    /// A task opens when all that it depends on are done or skipped, and waits again when it is given something to wait for.
    fn open_ready(&mut self) {
        let settled: BTreeSet<TaskId> =
            self.0.iter().filter(|task| task.state().is_settled()).map(|task| task.id).collect();
        for task in &mut self.0 {
            if matches!(task.state(), TaskState::Waiting | TaskState::Open) {
                task.standing = if task.depends_on.is_subset(&settled) {
                    Standing::Open
                } else {
                    Standing::Waiting
                };
            }
        }
    }

    /// Whether a task would, in the end, wait for itself.
    pub(super) fn is_circular(&self, id: TaskId, depends_on: &BTreeSet<TaskId>) -> bool {
        let mut seen = BTreeSet::new();
        let mut next: Vec<TaskId> = depends_on.iter().copied().collect();
        while let Some(at) = next.pop() {
            if at == id {
                return true;
            }
            if seen.insert(at) {
                next.extend(self.get(at).into_iter().flat_map(|task| task.depends_on.iter()));
            }
        }
        false
    }

    fn numbers(&self) -> BTreeMap<TaskId, String> {
        self.0.iter().map(|task| (task.id, task.number.clone())).collect()
    }
}

/// A task's facts as its request's events tell them: `task/TASK0000007/state`.
fn facts(
    task: &Task,
    numbers: &BTreeMap<TaskId, String>,
    directory: Option<&dyn Lookup>,
) -> Vec<Fact> {
    let mut facts = Vec::with_capacity(9);
    let mut add = |field: &str, value: String| {
        facts.push((format!("task/{}/{field}", task.number), value));
    };
    add("state", task.state().to_string());
    if let Some(reason) = task.standing.reason() {
        add("reason", reason.to_owned());
    }
    add("short_description", task.short_description.clone());
    if !task.description.is_empty() {
        add("description", task.description.clone());
    }
    add("team", team_text(directory, task.team));
    if let Some(assignee) = task.assignee {
        add("assignee", assignee.to_string());
    }
    add("position", task.position.to_string());
    add("mandatory", task.mandatory.to_string());
    if !task.depends_on.is_empty() {
        let named = |id: &TaskId| numbers.get(id).cloned().unwrap_or_else(|| id.to_string());
        add("depends_on", task.depends_on.iter().map(named).collect::<Vec<_>>().join(", "));
    }
    facts
}
