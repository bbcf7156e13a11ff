//! What the tasks of a ticket do because of each other, and because of their ticket.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::{
    event::FieldChange,
    ids::TicketId,
    refusal::Refused,
    said,
    said::Part,
    ticket::{Code, Phase, Stage, State, Ticket},
};

/// How many tasks a ticket has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskCount {
    /// Those about which somebody still has to do something.
    pub open: u32,
    /// All.
    pub total: u32,
}

impl TaskCount {
    /// Counts them.
    #[must_use]
    pub fn of<'a>(tasks: impl Iterator<Item = &'a Ticket>) -> Self {
        tasks.fold(Self::default(), |count, task| Self {
            open: count.open + u32::from(task.phase().is_active()),
            total: count.total + 1,
        })
    }
}

/// Whether a request can be fulfilled as far as a task is concerned.
fn is_settled(task: &Ticket) -> bool {
    matches!(task.state(), State::Done | State::Skipped)
}

/// Whether what depends on a task can begin: nothing will come of it any more.
fn is_past(task: &Ticket) -> bool {
    is_settled(task) || task.state() == State::Cancelled
}

/// Refuses to fulfil a request while a mandatory task is neither done nor skipped.
pub(crate) fn check_fulfilment(tasks: &[Ticket]) -> Result<(), Refused> {
    let holds_up = |task: &&Ticket| task.task().is_some_and(|it| it.mandatory) && !is_settled(task);
    let missing = tasks
        .iter()
        .filter(holds_up)
        .map(|task| said!("{number} ({state})", number = task.number, state = task.state()))
        .collect::<Vec<_>>();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Refused::guard(said!(
        "Mandatory tasks are not finished: {missing}; complete or skip them, starting with those \
         that others depend on.",
        missing = Part::all(&missing)
    )))
}

/// Lets the tasks of one ticket follow each other: one opens when all that it depends on are done,
/// skipped or cancelled, and waits again when it is given something to wait for. Returns those that
/// moved: their place, and what changed.
pub fn follow_siblings(tasks: &mut [Ticket], now: DateTime<Utc>) -> Vec<(usize, Vec<FieldChange>)> {
    let past: BTreeSet<TicketId> =
        tasks.iter().filter(|task| is_past(task)).map(|task| task.id).collect();
    let mut moved = Vec::new();
    for (place, task) in tasks.iter_mut().enumerate() {
        let is_ready = task.task().is_some_and(|it| it.depends_on.is_subset(&past));
        let (from, next) =
            if is_ready { (State::Waiting, State::Open) } else { (State::Open, State::Waiting) };
        if task.state() != from {
            continue;
        }
        let before = task.clone();
        task.stage = Stage::Open(next);
        moved.push((place, task.record_changes(&before, None, now)));
    }
    moved
}

/// Whether a task would, in the end, wait for itself.
pub(super) fn is_circular(
    id: TicketId,
    depends_on: &BTreeSet<TicketId>,
    siblings: &[Ticket],
) -> bool {
    let mut seen = BTreeSet::new();
    let mut next: Vec<TicketId> = depends_on.iter().copied().collect();
    while let Some(at) = next.pop() {
        if at == id {
            return true;
        }
        if seen.insert(at) {
            let of = siblings.iter().filter(|sibling| sibling.id == at);
            next.extend(of.filter_map(Ticket::task).flat_map(|task| task.depends_on.iter()));
        }
    }
    false
}

impl Ticket {
    /// Why what is left of its tasks is cancelled with it; none while it needs them.
    #[must_use]
    pub fn ends_its_tasks(&self) -> Option<String> {
        // The review of an accepted risk is due even if its problem is closed by then.
        let is_risk = self.stage.outcome().is_some_and(|it| it.code == Some(Code::RiskAccepted));
        let number = &self.number;
        let why = match self.phase() {
            Phase::Open | Phase::OnHold => return None,
            Phase::Closed if is_risk => return None,
            Phase::Done => said!("{number} was done without it", number),
            Phase::Rejected => said!("{number} was rejected", number),
            Phase::Closed => said!("{number} was closed", number),
            Phase::Cancelled => said!("{number} was cancelled", number),
        };
        Some(why.into())
    }
}
