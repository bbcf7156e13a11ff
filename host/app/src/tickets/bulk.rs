//! One action on several tickets, each acted on or refused for itself.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::{Map, Value as Json};
use tokio::time::timeout;
use waypost_domain::{
    refusal::Faults,
    said,
    said::Part,
    ticket::{Action, State, TicketKind},
};

use super::{TicketRef, read, scene};
use crate::{Caller, Clock, CommandError, Committed, Desk, Missing, error::Trouble};

/// How many tickets are acted on at most.
pub const MOST: usize = 100;
/// More inputs than any action has. What is wrong with them is told of each ticket.
const MOST_INPUTS: usize = 32;
/// Longer than any number. It is told again in the answer.
const MOST_NUMBER_BYTES: usize = 64;

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

/// What became of a ticket.
#[derive(Debug)]
pub enum Acted {
    /// It was acted on. With the ticket that goes on from there, unless it could not be read
    /// afterwards: of a conversion that is the new one.
    Done(Option<ActedTicket>),
    /// Nothing that is known now stands against it. With the state it would have, unless policies
    /// decide on that, or it would be a new ticket's.
    Possible(Option<State>),
    /// It was refused.
    Refused(CommandError),
    /// The desk failed at it, and nothing of it was changed.
    Failed(CommandError),
    /// Nobody heard whether the change was kept.
    Unknown,
    /// It was not tried: the time was over, or trouble of the desk ended the list before it.
    NotTried,
}

/// A ticket after it was acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActedTicket {
    /// Its number.
    pub number: String,
    /// Its state.
    pub state: State,
    /// Its version.
    pub version: i64,
}

/// Takes an action on each of several tickets, in their order, and answers what became of each. One
/// that is refused, or at which the desk fails, holds up no other; a database that is away ends the
/// list. The time may be over before all were tried: none is begun after `time`, and none may take
/// longer than that.
///
/// A preview takes each action as far as it goes without policies and without changing anything:
/// what they would decide is not known, nor what follows at other tickets.
///
/// # Errors
/// [`CommandError::Invalid`] if no ticket is named, too many, or one twice. Trouble of the desk
/// that ends the list, as long as nothing is known to be changed.
pub async fn act_on_each(
    desk: &Desk,
    caller: &Caller,
    clock: &dyn Clock,
    bulk: &BulkAction,
    time: Duration,
) -> Result<Vec<Acted>, CommandError> {
    check(bulk)?;
    let (mut caller, began) = (caller.clone(), Instant::now());
    let mut acted = Vec::with_capacity(bulk.tickets.len());
    for ticket in &bulk.tickets {
        if began.elapsed() > time {
            break;
        }
        // Whoever asks what has changed since a moment finds the later ones, too.
        caller.now = caller.now.max(clock.now());
        let kept = caller.commit.kept();
        let one = Box::pin(act_on(desk, &caller, bulk, ticket));
        let (one, is_late) = match timeout(time, one).await {
            Ok(one) => (one, false),
            Err(_) => (Err(CommandError::Busy), true),
        };
        let is_kept = caller.commit.kept() > kept;
        let is_unknown = caller.commit.read() == Committed::Unknown;
        if let Err(trouble) = &one
            && (is_kept || is_unknown || is_late)
        {
            tracing::error!(
                ticket = ticket.number,
                is_kept,
                is_unknown,
                is_late,
                error = trouble as &dyn std::error::Error,
                "bulk action on a ticket failed"
            );
        }
        let (became, ends) = match one {
            Ok(one) => (one, false),
            Err(_) if is_kept => (Acted::Done(None), false),
            Err(trouble) if is_unknown => {
                if caller.commit.kept() == 0 {
                    // A repeat with the same key finds out.
                    return Err(CommandError::OutcomeUnknown(Box::new(trouble)));
                }
                (Acted::Unknown, true)
            }
            // One that takes too long says nothing of the others.
            Err(error) if is_late => (Acted::Failed(error), false),
            Err(error) => match error.trouble() {
                Trouble::None => (Acted::Refused(error), false),
                Trouble::OfOne => (Acted::Failed(error), false),
                Trouble::OfAll if caller.commit.kept() == 0 => return Err(error),
                Trouble::OfAll => (Acted::Failed(error), true),
            },
        };
        acted.push(became);
        if ends {
            break;
        }
        if is_kept {
            // The note that the request was carried out is kept with the first change.
            caller.repeatable = None;
        }
    }
    acted.resize_with(bulk.tickets.len(), || Acted::NotTried);
    Ok(acted)
}

/// Notes at each ticket which version it has now, so that one that changes before it is acted on
/// is refused. What the caller does not see has none.
///
/// # Errors
/// Trouble of the desk.
pub async fn add_versions(
    desk: &Desk,
    caller: &Caller,
    tickets: &mut [BulkTicket],
) -> Result<(), CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    for ticket in tickets {
        let named = TicketRef::parse(&ticket.number);
        ticket.version = match read::seen(&mut tx, caller, &named).await {
            Ok(seen) => Some(seen.ticket.version),
            Err(CommandError::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
    }
    Ok(())
}

async fn act_on(
    desk: &Desk,
    caller: &Caller,
    bulk: &BulkAction,
    named: &BulkTicket,
) -> Result<Acted, CommandError> {
    let TicketRef::Number(number) = TicketRef::parse(&named.number) else {
        return Err(CommandError::NotFound(Missing::Ticket));
    };
    let kind = TicketKind::of_number(&number).ok_or(CommandError::NotFound(Missing::Ticket))?;
    must_have(kind, bulk.action)?;
    let (ticket, action, version) = (TicketRef::Number(number), bulk.action, named.version);
    if bulk.is_preview {
        let state = scene::preview(desk, caller, &ticket, action, &bulk.input, version).await?;
        return Ok(Acted::Possible(state));
    }
    let done = scene::act(desk, caller, &ticket, action, bulk.input.clone(), version).await?;
    let (state, version) = (done.ticket.state(), done.ticket.version);
    Ok(Acted::Done(Some(ActedTicket { number: done.ticket.number, state, version })))
}

fn check(bulk: &BulkAction) -> Result<(), CommandError> {
    let mut faults = Faults::new();
    let tickets = &bulk.tickets;
    if tickets.is_empty() {
        faults.missing("/tickets", said!("Name at least one ticket."));
    }
    if tickets.len() > MOST {
        let message =
            said!("Name at most {most} tickets, and send the others after them.", most = MOST);
        faults.wrong("/tickets", "too-many", message);
    }
    if bulk.input.len() > MOST_INPUTS {
        let message = said!("Give at most {most} inputs; no action has more.", most = MOST_INPUTS);
        faults.wrong("/input", "too-many", message);
    }
    let mut named = BTreeSet::new();
    for (place, ticket) in tickets.iter().enumerate().take(MOST) {
        if ticket.number.len() > MOST_NUMBER_BYTES {
            let pointer = format!("/tickets/{place}/number");
            faults.wrong(
                &pointer,
                "too-long",
                said!("Give the number of a ticket, such as INC0000042."),
            );
        }
        let TicketRef::Number(number) = TicketRef::parse(&ticket.number) else { continue };
        if !named.insert(number) {
            let message = said!("{number} is named twice; name it once.", number = ticket.number);
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
    let names = Part::all(kind.rules().askable().map(|row| row.action));
    Err(CommandError::guard(said!(
        "`{action}` is not an action of {kind}; use one of: {names}.",
        action,
        kind,
        names
    )))
}
