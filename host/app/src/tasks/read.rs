//! Reading tasks.

use std::collections::BTreeMap;

use chrono::DateTime;
use waypost_domain::{
    ids::{PersonId, TaskId},
    permission::{self, Relation},
    role::Role,
    task::Task,
    ticket::Ticket,
};
use waypost_store::{
    ReadTx, task,
    task::{TaskCursor, TaskFilter},
    team, ticket,
};

use super::{RequestName, TaskQuery, TaskRef, TaskView};
use crate::{
    Caller, CommandError, Desk, InvalidCursor, Missing, Page, PageRequest,
    labels::Labels,
    page::ListTag,
    refs,
    tickets::{TicketRef, read},
};

/// A task that the caller may see, with its request.
pub(super) struct Seen {
    /// The task.
    pub(super) task: Task,
    /// Its request.
    pub(super) ticket: Ticket,
    /// How the caller stands to the request.
    pub(super) relation: Relation,
    /// Whether the caller is the one who works on the task.
    pub(super) is_assignee: bool,
}

/// Reads a task, if the caller may see it. What they may not see is not there.
pub(super) async fn seen(
    tx: &mut ReadTx,
    caller: &Caller,
    named: &TaskRef,
) -> Result<Seen, CommandError> {
    let nothing = || CommandError::NotFound(Missing::Task);
    let found = match named {
        TaskRef::Id(id) => task::find(tx, *id).await?,
        TaskRef::Number(number) => task::find_by_number(tx, number).await?,
    };
    let task = found.ok_or_else(nothing)?;
    let ticket = ticket::find(tx, task.ticket).await?.ok_or_else(nothing)?;
    let read::Seen { ticket, relation, .. } = read::beside(tx, caller, ticket).await?;
    let is_assignee = task.assignee.is_some() && task.assignee == caller.person();
    if !permission::sees_task(caller.role, relation, is_assignee) {
        return Err(nothing());
    }
    Ok(Seen { task, ticket, relation, is_assignee })
}

/// One task.
///
/// # Errors
/// [`CommandError::NotFound`].
pub async fn find(desk: &Desk, caller: &Caller, named: &TaskRef) -> Result<TaskView, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    let seen = seen(&mut tx, caller, named).await?;
    view(&mut tx, seen.task).await
}

/// All tasks of a request, by their place.
///
/// # Errors
/// [`CommandError::NotFound`] for a request that the caller may not see.
pub async fn of_ticket(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
) -> Result<Vec<TaskView>, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    let seen = read::seen(&mut tx, caller, named).await?;
    let tasks = task::of_ticket(&mut tx, seen.ticket.id).await?;
    views(&mut tx, tasks).await
}

/// The tasks that the caller may see and the query asks for, the oldest first.
///
/// # Errors
/// A cursor of another list.
pub async fn list(
    desk: &Desk,
    caller: &Caller,
    query: &TaskQuery,
    request: &PageRequest,
) -> Result<Page<TaskView>, CommandError> {
    let tag = ListTag::of(caller, "tasks", query);
    let after = tag.place(request.after.as_ref())?.map(|place| parse_place(&place)).transpose()?;
    let mut tx = desk.store.read(caller.org).await?;
    let Some(filter) = filter(&mut tx, caller, query).await? else {
        // It names something that no task has: nothing is found.
        return Ok(Page { rows: Vec::new(), next: None, total: None });
    };
    let rows = task::list(&mut tx, &filter, after.as_ref(), request.rows_to_read()).await?;
    let page = Page::cut(rows, request, tag, |row| place(&TaskCursor::of(row)));
    let views = views(&mut tx, page.rows).await?;
    Ok(Page { rows: views, next: page.next, total: page.total })
}

/// The store's filter; none when the query names something that no task has.
async fn filter(
    tx: &mut ReadTx,
    caller: &Caller,
    query: &TaskQuery,
) -> Result<Option<TaskFilter>, CommandError> {
    let mut filter = TaskFilter {
        states: query.states.clone(),
        active: query.active,
        // Who is not of the desk sees what concerns them, whatever they ask for.
        concerns: (caller.role == Role::Requester)
            .then(|| caller.person().unwrap_or(PersonId(uuid::Uuid::nil()))),
        ..TaskFilter::default()
    };
    if let Some(key) = &query.team {
        let found = team::serving(tx).await?.into_iter().find(|team| team.key.as_str() == key);
        let Some(found) = found else { return Ok(None) };
        filter.team = Some(found.id);
    }
    if let Some(named) = &query.assignee {
        let Some(found) = refs::find_person(tx, named).await? else { return Ok(None) };
        filter.assignee = Some(found.id);
    }
    if let Some(named) = &query.request {
        match read::seen(tx, caller, named).await {
            Ok(seen) => filter.ticket = Some(seen.ticket.id),
            Err(CommandError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(filter))
}

fn place(cursor: &TaskCursor) -> String {
    format!("{}|{}", cursor.at.timestamp_micros(), cursor.id)
}

fn parse_place(place: &str) -> Result<TaskCursor, InvalidCursor> {
    let (micros, id) = place.split_once('|').ok_or(InvalidCursor)?;
    let micros = micros.parse().map_err(|_| InvalidCursor)?;
    let at = DateTime::from_timestamp_micros(micros).ok_or(InvalidCursor)?;
    Ok(TaskCursor { at, id: id.parse().map_err(|_| InvalidCursor)? })
}

/// Tasks with the names of what they refer to.
pub(super) async fn views(
    tx: &mut ReadTx,
    tasks: Vec<Task>,
) -> Result<Vec<TaskView>, CommandError> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    let mut requests: Vec<_> = tasks.iter().map(|task| task.ticket).collect();
    requests.sort_unstable();
    requests.dedup();
    let headings: BTreeMap<_, _> = ticket::headings(tx, &requests).await?.into_iter().collect();
    let mut before: Vec<TaskId> =
        tasks.iter().flat_map(|task| task.depends_on.iter().copied()).collect();
    before.sort_unstable();
    before.dedup();
    let numbers: BTreeMap<_, _> = task::numbers(tx, &before).await?.into_iter().collect();
    let labels = Labels::read(tx, tasks.iter().filter_map(|task| task.assignee)).await?;
    let view = |task: Task| {
        let heading = headings.get(&task.ticket);
        TaskView {
            request: RequestName {
                id: task.ticket,
                number: heading.map(|it| it.number.clone()).unwrap_or_default(),
                short_description: heading
                    .map(|it| it.short_description.clone())
                    .unwrap_or_default(),
            },
            team: labels.team(task.team),
            assignee: task.assignee.map(|id| labels.person(id)),
            depends_on: task.depends_on.iter().filter_map(|id| numbers.get(id).cloned()).collect(),
            task,
        }
    };
    Ok(tasks.into_iter().map(view).collect())
}

/// One task with the names of what it refers to.
pub(super) async fn view(tx: &mut ReadTx, task: Task) -> Result<TaskView, CommandError> {
    let mut views = views(tx, vec![task]).await?;
    Ok(views.pop().expect("one task makes one view"))
}
