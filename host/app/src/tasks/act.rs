//! Working on a task: one command, one move, one event of its request, one commit.

use waypost_domain::{
    directory::References,
    event::Change,
    ids::TaskId,
    permission,
    refusal::Faults,
    task::{TaskAction, TaskHint, TaskMove, Tasks},
    ticket::Ticket,
};
use waypost_store::task;

use super::{
    TaskRef, TaskStep, TaskView,
    read::{seen, view},
};
use crate::{
    Caller, CommandError, Desk, Missing,
    tickets::{
        conclude::start_over_if_stale,
        facts::Facts,
        moves,
        write::{self, NewEvent, TicketWrite},
    },
};

/// Carries out an action on a task.
///
/// With `expected_version`, somebody else's change of the task in between is [`CommandError::Stale`]; without, the action starts
/// over on what is there then.
///
/// # Errors
/// In this order: not there or not visible, role, version, the request's state, the task's state, fields, what stands around it.
pub async fn act(
    desk: &Desk,
    caller: &Caller,
    named: &TaskRef,
    step: TaskStep,
    expected_version: Option<i64>,
) -> Result<TaskView, CommandError> {
    let step = step.tidied();
    let retries = if expected_version.is_none() { desk.options.stale_retries } else { 0 };
    let attempt = || try_act(desk, caller, named, &step, expected_version);
    start_over_if_stale(retries, attempt).await
}

/// The actions that the caller may take now, with the fields that each must be given.
///
/// # Errors
/// [`CommandError::NotFound`].
pub async fn actions(
    desk: &Desk,
    caller: &Caller,
    named: &TaskRef,
) -> Result<Vec<TaskHint>, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    let seen = seen(&mut tx, caller, named).await?;
    let may = |action: &TaskAction| {
        let (role, relation, is_assignee) = (caller.role, seen.relation, seen.is_assignee);
        permission::allows_task(role, relation, is_assignee, *action).is_ok()
            && seen.ticket.demand(action.on_request()).is_ok()
    };
    let allowed = TaskAction::allowed(seen.task.state()).into_iter().filter(may);
    Ok(allowed.map(|action| TaskHint { action, lacks: action.demands() }).collect())
}

async fn try_act(
    desk: &Desk,
    caller: &Caller,
    named: &TaskRef,
    step: &TaskStep,
    expected_version: Option<i64>,
) -> Result<TaskView, CommandError> {
    let (mut tx, facts) = Facts::open(desk, caller).await?;
    let seen = seen(&mut tx, caller, named).await?;
    let action = step.name();
    permission::allows_task(caller.role, seen.relation, seen.is_assignee, action)?;
    if expected_version.is_some_and(|expected| expected != seen.task.version) {
        return Err(CommandError::Stale);
    }
    seen.ticket.demand(action.on_request())?;
    seen.task.demand(action)?;
    let mut faults = Faults::new();
    let (mut team, mut person) = (None, None);
    if let TaskStep::Assign { team: key, assignee } = step {
        let mut resolver = References { directory: &facts, org: caller.org, faults: &mut faults };
        team = key.as_deref().and_then(|key| resolver.team("/team", key));
        if let Some(named) = assignee {
            person = moves::person(&mut tx, &facts, &mut faults, "/assignee", named).await?;
        }
    }
    faults.finish()?;
    let before = Tasks::new(task::of_ticket(&mut tx, seen.ticket.id).await?);
    drop(tx);

    let mut tasks = before.clone();
    let step = match step {
        TaskStep::Assign { .. } => TaskMove::Assign { team, assignee: person },
        TaskStep::Start => TaskMove::Start { by: caller.person() },
        TaskStep::Hold { reason } => TaskMove::Hold { reason: reason.as_deref() },
        TaskStep::Resume => TaskMove::Resume,
        TaskStep::Complete => TaskMove::Complete,
        TaskStep::Incomplete { reason } => TaskMove::Incomplete { reason: reason.as_deref() },
        TaskStep::Skip { reason } => TaskMove::Skip { reason: reason.as_deref() },
        TaskStep::Cancel { reason } => TaskMove::Cancel { reason: reason.as_deref() },
    };
    let changes = tasks.carry_out(seen.task.id, step, &facts, caller.now)?;
    let reason = match step {
        TaskMove::Hold { reason }
        | TaskMove::Incomplete { reason }
        | TaskMove::Skip { reason }
        | TaskMove::Cancel { reason } => reason.map(str::to_owned),
        TaskMove::Assign { .. }
        | TaskMove::Start { .. }
        | TaskMove::Resume
        | TaskMove::Complete => None,
    };
    let mut write = write_of(caller, seen.ticket, action, changes, reason);
    write.changed_tasks = tasks.changed_since(&before);
    keep(desk, caller, write, seen.task.id).await
}

/// What is written of a request when something happens to one of its tasks.
pub(super) fn write_of(
    caller: &Caller,
    mut ticket: Ticket,
    action: TaskAction,
    changes: Vec<Change>,
    reason: Option<String>,
) -> TicketWrite {
    ticket.updated_at = ticket.updated_at.max(caller.now);
    let mut write = TicketWrite::of(ticket);
    write.events.push(NewEvent::new(action.on_request(), &caller.actor, changes).because(reason));
    write
}

/// Writes what happened to a task, unless nothing did, and reads the task before the commit: nothing fails after it.
pub(super) async fn keep(
    desk: &Desk,
    caller: &Caller,
    write: TicketWrite,
    id: TaskId,
) -> Result<TaskView, CommandError> {
    let mut tx = desk.write(caller).await?;
    let mut writes = [write];
    let is_idle = writes[0].changed_tasks.is_empty() && writes[0].new_tasks.is_empty();
    if !is_idle {
        write::write(desk, &mut tx, &mut writes, caller.now).await?;
    }
    let kept = task::find(&mut tx, id).await?.ok_or(CommandError::NotFound(Missing::Task))?;
    let view = view(&mut tx, kept).await?;
    write::commit(desk, tx, &writes, caller.now).await?;
    Ok(view)
}

impl TaskStep {
    /// The same with its texts as they are kept. A text of nothing but spaces is none.
    fn tidied(mut self) -> Self {
        match &mut self {
            Self::Hold { reason }
            | Self::Incomplete { reason }
            | Self::Skip { reason }
            | Self::Cancel { reason } => {
                *reason = reason
                    .take()
                    .map(|text| text.trim().to_owned())
                    .filter(|text| !text.is_empty());
            }
            Self::Assign { .. } | Self::Start | Self::Resume | Self::Complete => {}
        }
        self
    }

    /// The action's name.
    #[must_use]
    pub const fn name(&self) -> TaskAction {
        match self {
            Self::Assign { .. } => TaskAction::Assign,
            Self::Start => TaskAction::Start,
            Self::Hold { .. } => TaskAction::Hold,
            Self::Resume => TaskAction::Resume,
            Self::Complete => TaskAction::Complete,
            Self::Incomplete { .. } => TaskAction::Incomplete,
            Self::Skip { .. } => TaskAction::Skip,
            Self::Cancel { .. } => TaskAction::Cancel,
        }
    }
}
