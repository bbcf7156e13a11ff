//! Tasks follow their request: a plan's tasks are made when fulfilment begins, and what is left is cancelled when it ends.
//!
//! Whoever moves a request, whether a person, an approval or the clock, comes through the write. So this is done here, once, and no
//! command can forget it. A change of a task moves the version of its request, so what is read here is what the command saw.

use chrono::{DateTime, Utc};
use waypost_domain::{
    ids::TaskId,
    request::Request,
    task::{Tasks, planned},
    ticket::{Body, State, state_change},
};
use waypost_store::{
    StoreError, WriteTx, catalog,
    number::{self, Series},
    task,
};

use super::TicketWrite;
use crate::{Desk, refs::Known};

/// Lets the tasks of these requests follow them. What becomes of the tasks is told by the event that moved the request.
pub(super) async fn follow(
    desk: &Desk,
    tx: &mut WriteTx,
    writes: &mut [TicketWrite],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    for one in writes.iter_mut() {
        let Body::Request(request) = &one.ticket.body else { continue };
        let Some((place, was, is)) = moved(one) else { continue };
        match (was, is) {
            (State::New | State::AwaitingApproval, State::InFulfilment) => {
                let request = request.clone();
                begin(desk, tx, one, &request, now).await?;
            }
            (_, State::Cancelled) => end(tx, one, place, "its request was cancelled", now).await?,
            (_, State::Fulfilled) => {
                end(tx, one, place, "its request was fulfilled without it", now).await?;
            }
            // Nobody works on what was refused. Revised, the request is planned anew.
            (_, State::Rejected) => end(tx, one, place, "its request was rejected", now).await?,
            (
                _,
                State::New
                | State::AwaitingApproval
                | State::InProgress
                | State::InFulfilment
                | State::OnHold
                | State::Resolved
                // Fulfilled before, so nothing is left.
                | State::Closed,
            ) => {}
        }
    }
    number_new(tx, writes).await
}

/// The last move of a ticket in a write: its event's place, and the states.
fn moved(one: &TicketWrite) -> Option<(usize, State, State)> {
    one.events.iter().enumerate().rev().find_map(|(place, event)| {
        let (was, is) = state_change(&event.changes)?;
        Some((place, was?, is))
    })
}

/// Makes the tasks that the request's item plans.
async fn begin(
    desk: &Desk,
    tx: &mut WriteTx,
    one: &mut TicketWrite,
    request: &Request,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(item) = request.item else { return Ok(()) };
    let plan = catalog::find(tx, item).await?.map(|item| item.tasks).unwrap_or_default();
    if plan.is_empty() {
        return Ok(());
    }
    let known = Known::read(tx).await?;
    let mut next_id = || TaskId(desk.entropy.id(now));
    one.new_tasks.extend(planned(&plan, &one.ticket, &known, &mut next_id, now));
    Ok(())
}

/// Cancels what is left of a request's tasks.
async fn end(
    tx: &mut WriteTx,
    one: &mut TicketWrite,
    place: usize,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if one.is_new {
        return Ok(());
    }
    let before = Tasks::new(task::of_ticket(tx, one.ticket.id).await?);
    let mut tasks = before.clone();
    let changes = tasks.end(reason, now);
    one.events[place].changes.extend(changes);
    one.changed_tasks.extend(tasks.changed_since(&before));
    Ok(())
}

/// Gives new tasks their numbers, and tells of them in the event that moved their request, or else in the last one.
///
/// Taken in the commit itself, unlike tickets' numbers: no policy is told of a task, so nobody asks for its number before.
async fn number_new(tx: &mut WriteTx, writes: &mut [TicketWrite]) -> Result<(), StoreError> {
    let count: usize = writes.iter().map(|one| one.new_tasks.len()).sum();
    if count == 0 {
        return Ok(());
    }
    let how_many = u32::try_from(count).map_err(|_| StoreError::Unstorable("tasks"))?;
    let mut next = number::next(tx, Series::Tasks, how_many).await?;
    let known = Known::read(tx).await?;
    for one in writes.iter_mut().filter(|one| !one.new_tasks.is_empty()) {
        for task in &mut one.new_tasks {
            task.number = number::text(Series::Tasks, next);
            next += 1;
        }
        let added: Vec<TaskId> = one.new_tasks.iter().map(|task| task.id).collect();
        let mut all = one.new_tasks.clone();
        if !one.is_new {
            all.extend(task::of_ticket(tx, one.ticket.id).await?);
        }
        let changes = Tasks::new(all).first_changes(&added, &known);
        let place = moved(one).map_or(one.events.len() - 1, |(place, ..)| place);
        one.events[place].changes.extend(changes);
    }
    Ok(())
}
