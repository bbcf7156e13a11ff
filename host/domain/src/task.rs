//! Tasks: the pieces of work that belong to another ticket: what fulfils a request, what a problem
//! has left to do.

mod follow;
mod plan;
#[cfg(test)]
mod rules;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::{
    directory::{Lookup, check_owner},
    event::{Actor, FieldChange},
    field::{ticket_of, tickets_of},
    ids::{PersonId, TicketId},
    refusal::{Faults, Refused},
    said,
    said::Part,
    ticket::{
        self, Action, Awaiting, CANCEL, COMMON, COMMON_FIELDS, CancelOutcome, Cancellation,
        Closing, EDIT, Field, FieldType, From, Hold, Kind, Notice, Obstacle, Phase, RESUME, Row,
        Stage, State, Ticket, TicketKind, Turn, Value, Who, count, flag, need, row,
    },
};

pub(crate) use self::follow::check_fulfilment;
pub use self::{
    follow::{TaskCount, follow_siblings},
    plan::{PLANNED_TASK, PlannedTask, check_plan, planned},
};

/// More pieces of work than this are a project, not a ticket.
pub const MAX_TASKS: usize = 50;
/// Places among the tasks of a ticket; more are not told apart.
pub const MAX_POSITION: u16 = 1_000;

/// What only a task has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its place among the tasks of its ticket; the lowest is shown first.
    pub position: u16,
    /// Whether a request can't be fulfilled before it is done or skipped.
    pub mandatory: bool,
    /// The tasks of the same ticket that come before it.
    pub depends_on: BTreeSet<TicketId>,
}

impl Default for Task {
    fn default() -> Self {
        // Whoever adds a task wants it done.
        Self { position: 0, mandatory: true, depends_on: BTreeSet::new() }
    }
}

/// All rules of tasks.
pub const TASK: Kind = Kind {
    kind: TicketKind::Task,
    with_article: "a task",
    prefix: "TASK",
    path: "tasks",
    summary: "A piece of work that belongs to another ticket.",
    states: &[
        (State::Waiting, Phase::Open),
        (State::Open, Phase::Open),
        (State::InProgress, Phase::Open),
        (State::OnHold, Phase::OnHold),
        (State::Incomplete, Phase::Done),
        (State::Done, Phase::Closed),
        (State::Skipped, Phase::Closed),
        (State::Cancelled, Phase::Cancelled),
    ],
    at_work: State::InProgress,
    codes: &[],
    outcome: "outcome",
    tasks_worked: From::Nowhere,
    opened_by: Who::Desk,
    rows: &[ROWS, COMMON],
    fields: &[COMMON_FIELDS, FIELDS],
};

const NOT_DONE: &[State] = &[State::Open, State::InProgress, State::OnHold];

const ROWS: &[Row] = &[
    row(Action::Release, "It becomes ready, because the tasks it depends on are over")
        .from(&[State::Waiting])
        .to(State::Open)
        .who(Who::System),
    row(Action::Start, "Start work on it, or resume an incomplete one")
        .from(&[State::Open, State::Incomplete])
        .to(State::InProgress)
        .who(Who::DeskOrAssignee)
        .by(start)
        .tells(Notice::StateChanged),
    row(Action::Hold, "Put it on hold")
        .from(&[State::Open, State::InProgress])
        .to(State::OnHold)
        .who(Who::DeskOrAssignee)
        .takes(&[need("reason", FieldType::Reason, "What it is waiting for.")])
        .by(hold)
        .tells(Notice::StateChanged),
    RESUME.to(State::InProgress).who(Who::DeskOrAssignee).by(resume),
    row(Action::Complete, "Complete it")
        .from(NOT_DONE)
        .to(State::Done)
        .who(Who::DeskOrAssignee)
        .by(|task, turn| end(task, turn, State::Done))
        .tells(Notice::Resolved),
    row(Action::Incomplete, "Mark it as incomplete")
        .from(NOT_DONE)
        .to(State::Incomplete)
        .who(Who::DeskOrAssignee)
        .takes(&[need("reason", FieldType::Reason, "Why it could not be completed.")])
        .by(|task, turn| end(task, turn, State::Incomplete))
        .tells(Notice::StateChanged),
    row(Action::Skip, "Skip it")
        .from(&[State::Waiting, State::Open, State::InProgress, State::OnHold, State::Incomplete])
        .to(State::Skipped)
        .takes(&[need("reason", FieldType::Reason, "Why it is not needed.")])
        .by(|task, turn| end(task, turn, State::Skipped))
        .tells(Notice::Closed),
    CANCEL.unless(is_mandatory),
    EDIT,
];

const FIELDS: &[Field] = &[
    Field::new(
        "parent",
        FieldType::Ticket,
        "Id or number of the ticket it belongs to.",
        |ticket| ticket.parent.map(|id| Value::Tickets(vec![id])),
        |ticket, value, _| {
            ticket.parent = ticket_of(value);
        },
    )
    .of_desk()
    .opening()
    .kept(),
    Field::new(
        "team",
        FieldType::Team,
        "Key of the team to assign it to; defaults to the team of its ticket.",
        |_| None,
        |ticket, value, _| {
            if let Some(Value::Team(team)) = value {
                ticket.team = *team;
            }
        },
    )
    .of_desk()
    .opening(),
    Field::new(
        "assignee",
        FieldType::Person,
        "Id or e-mail address of the assignee, a member of the team.",
        |_| None,
        |ticket, value, _| {
            if let Some(Value::Person(person)) = value {
                ticket.assignee = Some(*person);
            }
        },
    )
    .of_desk()
    .opening(),
    Field::new(
        "position",
        FieldType::Count { least: 0, most: MAX_POSITION as u32 },
        "Position among the tasks of its ticket; defaults to the last.",
        |ticket| ticket.task().map(|task| Value::Number(task.position.into())),
        |ticket, value, _| {
            let position = count(value).and_then(|given| u16::try_from(given).ok());
            if let (Some(task), Some(position)) = (ticket.task_mut(), position) {
                task.position = position;
            }
        },
    )
    .of_desk()
    .kept(),
    Field::new(
        "mandatory",
        FieldType::Flag,
        "Whether it must be done or skipped before its request can be fulfilled; defaults to true.",
        |ticket| ticket.task().map(|task| Value::Flag(task.mandatory)),
        |ticket, value, _| {
            if let Some(task) = ticket.task_mut() {
                task.mandatory = flag(value).unwrap_or(true);
            }
        },
    )
    .of_desk()
    .kept(),
    Field::new(
        "depends_on",
        FieldType::Tickets,
        "Ids or numbers of the tasks of the same ticket that must be done, skipped or cancelled first. \
         Replaces the whole list. Editable until the task is started.",
        |ticket| {
            let before = ticket.task()?.depends_on.iter().copied().collect::<Vec<_>>();
            (!before.is_empty()).then_some(Value::Tickets(before))
        },
        |ticket, value, _| {
            let before = tickets_of(value);
            if let Some(task) = ticket.task_mut() {
                task.depends_on = before.iter().copied().collect();
            }
        },
    )
    .of_desk()
    .kept(),
];

fn is_mandatory(ticket: &Ticket, _: Action) -> Option<Obstacle> {
    ticket.task().filter(|task| task.mandatory).map(|_| {
        Obstacle::Guard(said!(
            "A mandatory task cannot be cancelled, because its request needs it; skip it, or make \
             it optional first."
        ))
    })
}

/// Who starts what nobody has gets it, if they are of its team.
fn start(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    is_at_work(turn)?;
    let is_of_team = |person: &PersonId| {
        turn.directory.team(ticket.team).is_some_and(|team| team.has_member(*person))
    };
    ticket.assignee = ticket.assignee.or(turn.by.person.filter(is_of_team));
    ticket.stage = Stage::Open(State::InProgress);
    Ok(())
}

fn hold(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    turn.fields_are_right()?;
    is_at_work(turn)?;
    let awaiting = Awaiting::Other(turn.given.text("reason").unwrap_or_default().to_owned());
    ticket.stage = Stage::OnHold(Hold { awaiting, since: turn.now, follow_up_at: None });
    Ok(())
}

fn resume(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    is_at_work(turn)?;
    ticket::resume(ticket, turn)
}

/// Brings it to one of its ends. What is done or skipped is over; what is incomplete can be tried
/// again.
fn end(ticket: &mut Ticket, turn: &mut Turn<'_>, state: State) -> Result<(), Refused> {
    turn.fields_are_right()?;
    if state != State::Skipped {
        is_at_work(turn)?;
    }
    let outcome = turn.outcome(None, turn.given.text("reason").unwrap_or_default().to_owned());
    ticket.stage = if state == State::Incomplete {
        Stage::Done(state, outcome)
    } else {
        Stage::Closed(state, outcome, Closing { at: turn.now, by: turn.by.clone() })
    };
    Ok(())
}

/// Nobody works on what may be refused: a request's tasks wait for its fulfilment. What outlives
/// its ticket, as the review of an accepted risk does, is worked on.
fn is_at_work(turn: &Turn<'_>) -> Result<(), Refused> {
    let Some(parent) = &turn.beside.parent else { return Ok(()) };
    let worked = parent.rules().tasks_worked;
    let outlives = parent.phase().is_over() && parent.ends_its_tasks().is_none();
    if worked.holds(parent.state(), parent.phase()) || outlives {
        return Ok(());
    }
    let (number, state) = (&parent.number, parent.state());
    Err(Refused::guard(if parent.phase().is_over() {
        said!("{number} is {state}, so its tasks can no longer be worked on.", number, state)
    } else {
        let name = |one: &&(State, Phase)| worked.holds(one.0, one.1);
        let states = parent.rules().states.iter().filter(name).map(|(state, _)| state);
        let states = Part::any(states);
        said!(
            "{number} is {state}; its tasks can be worked on only while it is {states}.",
            number,
            state,
            states
        )
    }))
}

impl Ticket {
    /// Refuses one more task of this ticket, which has so many.
    ///
    /// # Errors
    /// [`Refused::Invalid`] for a task, [`Refused::Guard`] for a ticket that takes no more.
    pub fn check_room_for_task(&self, tasks: usize) -> Result<(), Refused> {
        let mut faults = Faults::new();
        if self.kind() == TicketKind::Task {
            faults.wrong(
                "/parent",
                "a-task",
                said!("A task cannot have tasks; name its ticket instead."),
            );
        }
        faults.finish()?;
        let number = &self.number;
        if !self.phase().is_active() {
            let state = self.state();
            return Err(Refused::guard(said!(
                "{number} is {state}, so tasks can no longer be added.",
                number,
                state
            )));
        }
        if tasks >= MAX_TASKS {
            return Err(Refused::guard(said!(
                "{number} has {most} tasks, the maximum; combine several tasks into one.",
                number,
                most = MAX_TASKS
            )));
        }
        Ok(())
    }

    /// Puts a new task behind all others of its ticket.
    pub fn go_behind(&mut self, siblings: &[Self]) {
        let last = siblings.iter().filter_map(Self::task).map(|task| task.position).max();
        if let Some(task) = self.task_mut() {
            task.position = last.map_or(0, |last| last.saturating_add(1)).min(MAX_POSITION);
        }
    }

    /// Cancels a task, because its ticket does not need it any more. Returns what changed.
    pub fn cancelled_with_parent(&mut self, why: &str, now: DateTime<Utc>) -> Vec<FieldChange> {
        let before = self.clone();
        self.stage = Stage::Cancelled(Cancellation {
            outcome: CancelOutcome::Withdrawn,
            reason: why.to_owned(),
            at: now,
            by: Actor::system(),
        });
        self.record_changes(&before, None, now)
    }

    /// Notes what is wrong with a new task: its owner, and what it depends on. `siblings` are the
    /// tasks of the same ticket.
    pub fn check_task(&self, siblings: &[Self], directory: &dyn Lookup, faults: &mut Faults) {
        check_owner(self.org, self.team, self.assignee, directory, faults);
        self.check_dependencies(siblings, faults);
    }

    /// Notes what is wrong with what a task depends on.
    pub(crate) fn check_dependencies(&self, siblings: &[Self], faults: &mut Faults) {
        let Some(task) = self.task() else { return };
        for (place, id) in task.depends_on.iter().enumerate() {
            if !siblings.iter().any(|sibling| sibling.id == *id && *id != self.id) {
                let message = said!("Name another task of the same ticket.");
                faults.wrong(&format!("/depends_on/{place}"), "unknown", message);
            }
        }
        if follow::is_circular(self.id, &task.depends_on, siblings) {
            let message =
                said!("The dependencies are circular; leave out tasks that depend on this one.");
            faults.wrong("/depends_on", "circular", message);
        }
    }
}
