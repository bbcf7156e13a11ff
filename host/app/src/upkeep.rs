//! Upkeep: what the desk does by itself as time passes. Tickets that were done some days ago close; approvals that wait
//! are looked after, as the organization's policies say (requirement A4).
//!
//! It goes through the same door as everything else: each change is an event with its actor, and is told.

use chrono::{DateTime, TimeDelta, Utc};
use waypost_domain::{
    organization::OrgSettings,
    ticket::{Action, State, Ticket},
};
use waypost_policy::contract::EventKind;
use waypost_store::{
    approval, organization,
    ticket::{self, TicketCursor, TicketFilter, TicketSort},
};

use crate::{
    Caller, CommandError, Desk,
    tickets::{
        conclude::conclude,
        decide::{self, Deciding},
        facts::Facts,
    },
};

/// What one sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upkept {
    /// Tickets that closed by themselves.
    pub closed: u64,
    /// Voters who were reminded or replaced.
    pub nudged: u64,
}

/// So many tickets or approvals are looked at in one transaction.
const PORTION: u32 = 200;

/// An approval that was asked for less than this ago bothers nobody yet.
const PATIENCE: TimeDelta = TimeDelta::hours(1);

/// Does what is due in all organizations.
///
/// # Errors
/// The database failed. What was done until then is done. What somebody else changes meanwhile is left for the next time.
pub async fn sweep(desk: &Desk, now: DateTime<Utc>) -> Result<Upkept, CommandError> {
    let mut tx = desk.store.system_read().await?;
    let organizations = organization::list(&mut tx).await?;
    drop(tx);
    let mut upkept = Upkept::default();
    for organization in organizations {
        let caller = Caller::operator(organization.id, now);
        upkept.closed += close_due(desk, &caller, &organization.settings).await?;
        upkept.nudged += look_after_approvals(desk, &caller).await?;
    }
    Ok(upkept)
}

/// Closes what was resolved or fulfilled long enough ago.
async fn close_due(
    desk: &Desk,
    caller: &Caller,
    settings: &OrgSettings,
) -> Result<u64, CommandError> {
    if settings.auto_close_days == 0 {
        return Ok(0);
    }
    let filter =
        TicketFilter { states: vec![State::Resolved, State::Fulfilled], ..TicketFilter::default() };
    let mut after: Option<TicketCursor> = None;
    let mut closed = 0;
    loop {
        let mut tx = desk.store.read(caller.org).await?;
        let page =
            ticket::list(&mut tx, &filter, TicketSort::Opened, after.as_ref(), PORTION).await?;
        drop(tx);
        let Some(last) = page.last() else { return Ok(closed) };
        after = Some(TicketCursor::of(last, TicketSort::Opened));
        let is_due = |one: &Ticket| one.closes_at(settings).is_some_and(|at| at <= caller.now);
        for due in page.into_iter().filter(is_due) {
            closed += u64::from(close(desk, caller, due).await?);
        }
    }
}

/// Whether it was closed; somebody else may have been first.
async fn close(desk: &Desk, caller: &Caller, due: Ticket) -> Result<bool, CommandError> {
    let (mut tx, mut facts) = Facts::open(desk, caller).await?;
    facts.around(&mut tx, &due).await?;
    drop(tx);
    let mut it = Deciding::of_stored(desk, facts, due, Action::Close.as_str(), caller);
    let was = it.write.ticket.state();
    let changes = it.write.ticket.close(&caller.actor, caller.now)?;
    let reason = "nobody objected in time".to_owned();
    it.did_because(Action::Close, &caller.actor, changes, Some(reason));
    it.happened(EventKind::Closed, &caller.actor, was);
    commit(desk, caller, vec![it]).await
}

/// Asks the policies about each vote that waits, and does what they say.
async fn look_after_approvals(desk: &Desk, caller: &Caller) -> Result<u64, CommandError> {
    let (mut tx, facts) = Facts::open(desk, caller).await?;
    if !decide::looks_after_approvals(&facts) {
        return Ok(0);
    }
    let waiting = approval::stalled(&mut tx, caller.now - PATIENCE, caller.now, PORTION).await?;
    let mut nudged = 0;
    for round in waiting {
        let Some(subject) = ticket::find(&mut tx, round.ticket).await? else { continue };
        let mut facts = facts.clone();
        facts.around(&mut tx, &subject).await?;
        let mut it = Deciding::of_stored(desk, facts, subject, "stalled", caller);
        decide::expect_votes(&mut tx, &mut it, round).await?;
        nudged += nudge(desk, caller, it).await?;
    }
    Ok(nudged)
}

async fn nudge(desk: &Desk, caller: &Caller, it: Deciding) -> Result<u64, CommandError> {
    let mut waiting = vec![it];
    let nudged = decide::nudge(desk, caller, &mut waiting).await?;
    if nudged == 0 || !commit(desk, caller, waiting).await? {
        return Ok(0);
    }
    Ok(nudged)
}

async fn commit(
    desk: &Desk,
    caller: &Caller,
    decided: Vec<Deciding>,
) -> Result<bool, CommandError> {
    match conclude(desk, caller, decided).await {
        Ok(_) => Ok(true),
        Err(CommandError::Stale) => Ok(false),
        Err(error) => Err(error),
    }
}
