//! Planning: tasks are added to a request by hand, and corrected.

use waypost_domain::{
    directory::References,
    ids::TaskId,
    permission,
    refusal::Faults,
    task::{self as domain, TaskAction, Tasks},
    ticket::Action,
};
use waypost_store::task;

use super::{
    NewTask, TaskEdit, TaskRef, TaskView,
    act::{keep, write_of},
    read::seen,
};
use crate::{
    Caller, CommandError, Desk,
    tickets::{
        TicketRef,
        conclude::start_over_if_stale,
        facts::Facts,
        moves, read,
        write::{NewEvent, TicketWrite},
    },
};

/// Adds a task to a request.
///
/// # Errors
/// In this order: not there or not visible, role, the request's state, every wrong field, too many tasks.
pub async fn add(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
    new: NewTask,
) -> Result<TaskView, CommandError> {
    let attempt = || try_add(desk, caller, named, &new);
    start_over_if_stale(desk.options.stale_retries, attempt).await
}

async fn try_add(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
    new: &NewTask,
) -> Result<TaskView, CommandError> {
    let (mut tx, facts) = Facts::open(desk, caller).await?;
    let read::Seen { mut ticket, relation, .. } = read::seen(&mut tx, caller, named).await?;
    permission::allows(caller.role, relation, Action::AddTask, &ticket)?;
    ticket.demand(Action::AddTask)?;
    let mut tasks = Tasks::new(task::of_ticket(&mut tx, ticket.id).await?);
    let mut faults = Faults::new();
    let mut resolver = References { directory: &facts, org: caller.org, faults: &mut faults };
    let team = new.team.as_deref().map(|key| resolver.team("/team", key));
    let assignee = match &new.assignee {
        Some(named) => moves::person(&mut tx, &facts, &mut faults, "/assignee", named).await?,
        None => None,
    };
    drop(tx);

    let id = TaskId(desk.id(caller));
    let depends_on = tasks.named("/depends_on", &new.depends_on, &mut faults).unwrap_or_default();
    let added = domain::NewTask {
        id,
        org: ticket.org,
        ticket: ticket.id,
        short_description: &new.short_description,
        description: &new.description,
        // A team that was not found is a fault already; the request's own keeps it from being a second one.
        team: team.flatten().unwrap_or(ticket.team),
        assignee: assignee.filter(|_| team != Some(None)),
        position: new.position,
        mandatory: new.mandatory,
        depends_on,
    };
    tasks.add(added, faults, &facts, caller.now)?;
    ticket.updated_at = ticket.updated_at.max(caller.now);
    let mut write = TicketWrite::of(ticket);
    // What the event says of it is known when it has its number.
    write.events.push(NewEvent::new(Action::AddTask, &caller.actor, Vec::new()));
    write.new_tasks.extend(tasks.get(id).cloned());
    keep(desk, caller, write, id).await
}

/// Changes fields of a task. `expected_version` is the version that the caller read.
///
/// # Errors
/// In this order: not there or not visible, role, version, the request's state, the task's state, every wrong field, what stands
/// around it.
pub async fn edit(
    desk: &Desk,
    caller: &Caller,
    named: &TaskRef,
    changes: TaskEdit,
    expected_version: Option<i64>,
) -> Result<TaskView, CommandError> {
    let (mut tx, _) = Facts::open(desk, caller).await?;
    let seen = seen(&mut tx, caller, named).await?;
    let action = TaskAction::Edit;
    permission::allows_task(caller.role, seen.relation, seen.is_assignee, action)?;
    if expected_version.is_some_and(|expected| expected != seen.task.version) {
        return Err(CommandError::Stale);
    }
    seen.ticket.demand(action.on_request())?;
    seen.task.demand(action)?;
    let before = Tasks::new(task::of_ticket(&mut tx, seen.ticket.id).await?);
    drop(tx);

    let mut faults = Faults::new();
    let depends_on = changes
        .depends_on
        .as_deref()
        .and_then(|given| before.named("/depends_on", given, &mut faults));
    let edit = domain::TaskEdit {
        short_description: changes.short_description,
        description: changes.description,
        position: changes.position,
        mandatory: changes.mandatory,
        depends_on,
    };
    let mut tasks = before.clone();
    let done = tasks.edit(seen.task.id, edit, faults, caller.now)?;
    let mut write = write_of(caller, seen.ticket, action, done, None);
    write.changed_tasks = tasks.changed_since(&before);
    keep(desk, caller, write, seen.task.id).await
}
