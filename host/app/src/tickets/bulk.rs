//! One action on several tickets, each acted on or refused for itself.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};
use waypost_domain::{
    refusal::Faults,
    ticket::{Action, State, Ticket, TicketKind},
};

use super::{TicketRef, scene};
use crate::{Caller, CommandError, Committed, Desk, Missing};

/// How many tickets are acted on at most.
pub const MOST: usize = 100;

/// One action on several tickets.
#[derive(Debug, Clone)]
pub struct BulkAction {
    /// The action.
    pub action: Action,
    /// Its inputs, the same for each ticket.
    pub input: Map<String, Json>,
    /// Which tickets.
    pub tickets: Vec<BulkTicket>,
    /// Whether it is only looked at what the action would meet; then nothing is changed.
    pub is_preview: bool,
}

/// A ticket that is to be acted on.
#[derive(Debug, Clone)]
pub struct BulkTicket {
    /// Its number.
    pub number: String,
    /// The version that the caller read; with another one it is refused. None for any.
    pub version: Option<i64>,
}

/// A ticket that was acted on, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acted {
    /// Its state afterwards.
    pub state: State,
    /// Its version afterwards; none in a preview.
    pub version: Option<i64>,
}

/// Takes an action on each of several tickets, in their order, and answers what became of each. One
/// that is refused holds up no other.
///
/// A preview takes each action as far as it goes without policies and without changing anything:
/// what they would decide is not known.
///
/// # Errors
/// [`CommandError::Invalid`] if no ticket is named, too many, or one twice.
pub async fn act_on_each(
    desk: &Desk,
    caller: &Caller,
    bulk: &BulkAction,
) -> Result<Vec<Result<Acted, CommandError>>, CommandError> {
    check(&bulk.tickets)?;
    let mut caller = caller.clone();
    let mut acted = Vec::with_capacity(bulk.tickets.len());
    for ticket in &bulk.tickets {
        acted.push(Box::pin(act_on(desk, &caller, bulk, ticket)).await);
        if caller.commit.read() != Committed::No {
            // The note that the request was carried out is kept with the first change.
            caller.repeatable = None;
        }
    }
    Ok(acted)
}

async fn act_on(
    desk: &Desk,
    caller: &Caller,
    bulk: &BulkAction,
    named: &BulkTicket,
) -> Result<Acted, CommandError> {
    let kind = TicketKind::of_number(&named.number);
    let kind = kind.ok_or(CommandError::NotFound(Missing::Ticket))?;
    must_have(kind, bulk.action)?;
    let (ticket, action) = (TicketRef::parse(&named.number), bulk.action);
    if bulk.is_preview {
        let version = named.version;
        let would_be = scene::preview(desk, caller, &ticket, action, &bulk.input, version).await?;
        return Ok(Acted { state: would_be.state(), version: None });
    }
    let input = bulk.input.clone();
    let done: Ticket =
        scene::act(desk, caller, &ticket, action, input, named.version).await?.ticket;
    Ok(Acted { state: done.state(), version: Some(done.version) })
}

fn check(tickets: &[BulkTicket]) -> Result<(), CommandError> {
    let mut faults = Faults::new();
    if tickets.is_empty() {
        faults.missing("/tickets", "Name at least one ticket.");
    }
    if tickets.len() > MOST {
        let message = format!("Name at most {MOST} tickets, and send the others after them.");
        faults.wrong("/tickets", "out-of-range", message);
        return Ok(faults.finish()?);
    }
    let mut named = BTreeSet::new();
    for (place, ticket) in tickets.iter().enumerate() {
        if !named.insert(&ticket.number) {
            let message = format!("{} is named twice; name it once.", ticket.number);
            faults.wrong(&format!("/tickets/{place}/number"), "duplicate", message);
        }
    }
    Ok(faults.finish()?)
}

/// Refuses an action that tickets of the kind do not have, or that nobody asks for by its name.
fn must_have(kind: TicketKind, action: Action) -> Result<(), CommandError> {
    if kind.rules().askable().any(|row| row.action == action) {
        return Ok(());
    }
    let names: Vec<_> = kind.rules().askable().map(|row| row.action.as_str()).collect();
    let kind = kind.with_article();
    let message =
        format!("`{action}` is not an action of {kind}; use one of: {}.", names.join(", "));
    let mut faults = Faults::new();
    faults.wrong("/action", "not-allowed", message);
    Ok(faults.finish()?)
}
