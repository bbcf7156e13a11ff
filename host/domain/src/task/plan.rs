//! Plans of catalog items: the tasks that every request for an item begins with.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::{
    directory::Lookup,
    ids::TicketId,
    key::Key,
    organization::OrgSettings,
    refusal::{Faults, Refused},
    task::{MAX_POSITION, MAX_TASKS, follow_siblings},
    text,
    ticket::{Channel, Given, Opening, Ticket, TicketKind, Value},
};

/// A task as a catalog item plans it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedTask {
    /// Its key in the plan, which other tasks of the plan name.
    pub key: Key,
    /// One line.
    pub short_description: String,
    /// The full text.
    pub description: String,
    /// The team that gets it, by its key; the request's own if none.
    pub team: Option<Key>,
    /// Its place.
    pub position: u16,
    /// Whether the request can't be fulfilled without it.
    pub mandatory: bool,
    /// The tasks of the plan that come before it.
    pub depends_on: BTreeSet<Key>,
}

/// Notes what is wrong with a plan, each at its place below the pointer: `/tasks/2/depends_on/0`.
/// Texts are kept as they will be stored.
pub fn check_plan(pointer: &str, plan: &mut [PlannedTask], faults: &mut Faults) {
    if plan.len() > MAX_TASKS {
        let message = format!("{} tasks are too many; plan at most {MAX_TASKS}.", plan.len());
        faults.wrong(pointer, "too-many", message);
    }
    for (place, task) in plan.iter_mut().enumerate() {
        let at = format!("{pointer}/{place}");
        let mut texts = Faults::new();
        task.short_description = text::short_description(&task.short_description, &mut texts);
        task.description = text::description(&task.description, &mut texts);
        for fault in texts.into_vec() {
            faults.wrong(&format!("{at}{}", fault.pointer), fault.code, fault.message);
        }
        if task.position > MAX_POSITION {
            let message = format!("Give a position from 0 to {MAX_POSITION}.");
            faults.wrong(&format!("{at}/position"), "out-of-range", message);
        }
    }
    for (place, task) in plan.iter().enumerate() {
        let at = format!("{pointer}/{place}");
        if plan[..place].iter().any(|earlier| earlier.key == task.key) {
            let message = format!("`{}` is already the key of an earlier task.", task.key);
            faults.wrong(&format!("{at}/key"), "taken", message);
        }
        for unknown in task.depends_on.iter().filter(|key| !plan.iter().any(|one| one.key == **key))
        {
            let message =
                format!("The plan has no task `{unknown}`; use the key of one of its tasks.");
            faults.wrong(&format!("{at}/depends_on"), "unknown", message);
        }
        if waits_for_itself(plan, &task.key) {
            let message = format!(
                "`{}` would depend on itself; leave out the tasks that depend on it.",
                task.key
            );
            faults.wrong(&format!("{at}/depends_on"), "circular", message);
        }
    }
}

fn waits_for_itself(plan: &[PlannedTask], key: &Key) -> bool {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&Key> = comes_before(plan, key).collect();
    while let Some(at) = next.pop() {
        if at == key {
            return true;
        }
        if seen.insert(at) {
            next.extend(comes_before(plan, at));
        }
    }
    false
}

fn comes_before<'a>(plan: &'a [PlannedTask], key: &Key) -> impl Iterator<Item = &'a Key> {
    plan.iter().filter(move |task| task.key == *key).flat_map(|task| &task.depends_on)
}

/// The tasks that a request begins with, as its item plans them. A team that does not serve the
/// organization any more is replaced by the request's own: no task is without a team that works.
pub fn planned(
    plan: &[PlannedTask],
    request: &Ticket,
    directory: &dyn Lookup,
    settings: &OrgSettings,
    next_id: &mut dyn FnMut() -> TicketId,
    now: DateTime<Utc>,
) -> Result<Vec<Ticket>, Refused> {
    let ids: BTreeMap<&Key, TicketId> = plan.iter().map(|task| (&task.key, next_id())).collect();
    let team = |key: &Key| {
        let named = directory.team_named(request.org, key.as_str());
        named.filter(|team| team.serves(request.org)).map(|team| team.id)
    };
    let task = |one: &PlannedTask| {
        let before = one.depends_on.iter().filter_map(|key| ids.get(key).copied()).collect();
        let given = Given::default()
            .with("short_description", Value::Text(one.short_description.clone()))
            .with("description", Value::Text(one.description.clone()))
            .with("channel", Value::Text(Channel::Schedule.to_string()))
            .with("parent", Value::Tickets(vec![request.id]))
            .with("position", Value::Number(one.position.into()))
            .with("mandatory", Value::Flag(one.mandatory))
            .with("depends_on", Value::Tickets(before));
        let opening = Opening {
            id: ids[&one.key],
            org: request.org,
            kind: TicketKind::Task,
            opened_by: None,
            given: &given,
            item: None,
            team: Some(one.team.as_ref().and_then(team).unwrap_or(request.team)),
        };
        Ticket::open(opening, settings, now)
    };
    let mut tasks = plan.iter().map(task).collect::<Result<Vec<_>, _>>()?;
    tasks.sort_by_key(|task| task.task().map_or(0, |it| it.position));
    follow_siblings(&mut tasks, now);
    Ok(tasks)
}
