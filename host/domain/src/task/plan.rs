//! Plans of catalog items: the tasks that every request for an item begins with.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::{
    directory::Lookup,
    field::{FieldType, Given, Shape, Value, input, need, text_of},
    ids::TicketId,
    key::{InvalidKey, Key},
    organization::OrgSettings,
    refusal::{Faults, Refused},
    register::Holds,
    said::Said,
    task::{MAX_POSITION, MAX_TASKS, follow_siblings},
    text,
    ticket::{Channel, Opening, Ticket, TicketKind},
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

/// A task of a plan, as it is given.
pub const PLANNED_TASK: Shape = Shape {
    name: "PlannedTask",
    doc: "A task that every request for an item gets.",
    parts: &[
        need("key", FieldType::Key, "Its key in the plan."),
        need("short_description", FieldType::Text, "What is to be done, in one line."),
        input("description", FieldType::Text, "The full text."),
        input(
            "team",
            FieldType::TeamKey,
            "The key of the team that gets it; the request's own if left out.",
        ),
        input(
            "position",
            FieldType::Count { least: 0, most: MAX_POSITION as u32 },
            "Its position; its place in this list if left out.",
        ),
        input(
            "mandatory",
            FieldType::Flag,
            "Whether a request cannot be fulfilled before it is done or skipped; it cannot if left out.",
        ),
        input(
            "depends_on",
            FieldType::Tags,
            "The keys of the tasks of the plan that it depends on.",
        ),
    ],
};

/// The tasks of a plan, in order.
impl Holds for Vec<PlannedTask> {
    fn value(&self) -> Option<Value> {
        Some(Value::Objects(self.iter().map(PlannedTask::given).collect()))
    }

    fn take(&mut self, pointer: &str, value: Option<&Value>, faults: &mut Faults) {
        let given = if let Some(Value::Objects(given)) = value { given.as_slice() } else { &[] };
        self.clear();
        for (place, given) in given.iter().enumerate() {
            self.extend(PlannedTask::read(pointer, place, given, faults));
        }
        // A key that is none leaves a hole in the plan, behind which places would be named wrongly.
        if self.len() == given.len() {
            check_plan(pointer, self, faults);
        }
    }
}

impl PlannedTask {
    fn given(&self) -> Given {
        let depends_on = self.depends_on.iter().map(ToString::to_string).collect();
        let mut given = Given::default()
            .with("key", Value::Text(self.key.to_string()))
            .with("short_description", Value::Text(self.short_description.clone()))
            .with("description", Value::Text(self.description.clone()))
            .with("position", Value::Number(self.position.into()))
            .with("mandatory", Value::Flag(self.mandatory))
            .with("depends_on", Value::Texts(depends_on));
        given.put("team", self.team.as_ref().map(|key| Value::Text(key.to_string())));
        given
    }

    /// The task that was given at this place; none without a key, which is noted.
    fn read(pointer: &str, place: usize, given: &Given, faults: &mut Faults) -> Option<Self> {
        let mut key = |name: &str, text: &str| {
            let noted = |invalid: InvalidKey| {
                faults.wrong(
                    &format!("{pointer}/{place}/{name}"),
                    "invalid",
                    Said::as_is(invalid.to_string()),
                );
            };
            text.parse::<Key>().map_err(noted).ok()
        };
        let name = text_of(given.get("key")).and_then(|text| key("key", text));
        let mut depends_on = BTreeSet::new();
        for (index, text) in given.texts("depends_on").iter().enumerate() {
            depends_on.extend(key(&format!("depends_on/{index}"), text));
        }
        let text = |name| text_of(given.get(name)).unwrap_or_default().to_owned();
        let position = given.count("position").map_or(place, |count| count as usize);
        Some(Self {
            key: name?,
            short_description: text("short_description"),
            description: text("description"),
            team: given.text("team").and_then(|key| key.parse().ok()),
            position: u16::try_from(position).unwrap_or(u16::MAX),
            mandatory: given.flag("mandatory").unwrap_or(true),
            depends_on,
        })
    }
}

/// Notes what is wrong with a plan, each at its place below the pointer: `/tasks/2/depends_on/0`.
/// Texts are kept as they will be stored.
pub fn check_plan(pointer: &str, plan: &mut [PlannedTask], faults: &mut Faults) {
    if plan.len() > MAX_TASKS {
        let message =
            Said::as_is(format!("{} tasks are too many; plan at most {MAX_TASKS}.", plan.len()));
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
            let message = Said::as_is(format!("Give a position from 0 to {MAX_POSITION}."));
            faults.wrong(&format!("{at}/position"), "out-of-range", message);
        }
    }
    for (place, task) in plan.iter().enumerate() {
        let at = format!("{pointer}/{place}");
        if plan[..place].iter().any(|earlier| earlier.key == task.key) {
            let message =
                Said::as_is(format!("`{}` is already the key of an earlier task.", task.key));
            faults.wrong(&format!("{at}/key"), "taken", message);
        }
        for unknown in task.depends_on.iter().filter(|key| !plan.iter().any(|one| one.key == **key))
        {
            let message = Said::as_is(format!(
                "The plan has no task `{unknown}`; use the key of one of its tasks."
            ));
            faults.wrong(&format!("{at}/depends_on"), "unknown", message);
        }
        if waits_for_itself(plan, &task.key) {
            let message = Said::as_is(format!(
                "`{}` would depend on itself; leave out the tasks that depend on it.",
                task.key
            ));
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
