//! Upkeep: what the desk does by itself as time passes. Tickets that were done some days ago close; approvals that wait
//! are looked after, as the organization's policies say (requirement A4); major incidents of which nobody hears escalate.
//!
//! It goes through the same door as everything else: each change is an event with its actor, and is told.

use chrono::{DateTime, TimeDelta, Utc};
use waypost_domain::{
    approval::Approval,
    organization::OrgSettings,
    ticket::{Action, State, Ticket},
};
use waypost_policy::question::EventKind;
use waypost_store::{
    ReadTx, approval, organization,
    ticket::{self, TicketCursor, TicketFilter, TicketSort},
};

use crate::{
    Caller, CommandError, Desk,
    tickets::{
        conclude::conclude,
        decide::{self, Deciding, Nudged},
        facts::{self, Facts},
        timestamp, write,
    },
};

/// What one sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upkept {
    /// Tickets that closed by themselves.
    pub closed: u64,
    /// Approvals that had no voter and got one.
    pub appointed: u64,
    /// Voters who were reminded or replaced.
    pub nudged: u64,
    /// Votes that nobody cast in time, and that the desk does without.
    pub expired: u64,
    /// Major incidents whose promised update was not given.
    pub silent: u64,
}

/// So many tickets or approvals are looked at in one transaction.
const PORTION: u32 = 200;

/// An approval that was asked for less than this ago bothers nobody yet.
const PATIENCE: TimeDelta = TimeDelta::hours(1);

/// Does what is due in all organizations.
///
/// # Errors
/// The organizations cannot be read. Where the upkeep of one fails, that is logged, the others are looked after, and the
/// next sweep tries again. What somebody else changes meanwhile is left for the next time too.
pub async fn sweep(desk: &Desk, now: DateTime<Utc>) -> Result<Upkept, CommandError> {
    let mut tx = desk.store.system_read().await?;
    let organizations = organization::list(&mut tx).await?;
    drop(tx);
    let mut upkept = Upkept::default();
    for organization in organizations {
        let caller = Caller::operator(organization.id, now);
        if let Err(fault) = look_after(desk, &caller, &organization.settings, &mut upkept).await {
            // One organization's trouble is not the next one's.
            tracing::error!(
                org.id = %organization.id,
                error = &fault as &dyn std::error::Error,
                "upkeep of an organization failed"
            );
        }
    }
    Ok(upkept)
}

async fn look_after(
    desk: &Desk,
    caller: &Caller,
    settings: &OrgSettings,
    upkept: &mut Upkept,
) -> Result<(), CommandError> {
    upkept.closed += close_due(desk, caller, settings).await?;
    upkept.appointed += appoint_approvers(desk, caller).await?;
    let Nudged { nudged, expired } = look_after_approvals(desk, caller).await?;
    upkept.nudged += nudged;
    upkept.expired += expired;
    upkept.silent += escalate_silent(desk, caller).await?;
    Ok(())
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

/// Takes major incidents a step up whose promised update was not given, and tells who leads them. Once for each promise.
async fn escalate_silent(desk: &Desk, caller: &Caller) -> Result<u64, CommandError> {
    let filter = TicketFilter { silent_at: Some(caller.now), ..TicketFilter::default() };
    let mut after: Option<TicketCursor> = None;
    let mut escalated = 0;
    loop {
        let mut tx = desk.store.read(caller.org).await?;
        let page =
            ticket::list(&mut tx, &filter, TicketSort::Opened, after.as_ref(), PORTION).await?;
        drop(tx);
        let Some(last) = page.last() else { return Ok(escalated) };
        after = Some(TicketCursor::of(last, TicketSort::Opened));
        for silent in page {
            escalated += u64::from(escalate(desk, caller, silent).await?);
        }
    }
}

/// Whether it was escalated; somebody else may have been first.
async fn escalate(desk: &Desk, caller: &Caller, silent: Ticket) -> Result<bool, CommandError> {
    let Some(promised) = silent.major.next_update_at() else { return Ok(false) };
    let (mut tx, mut facts) = Facts::open(desk, caller).await?;
    facts.around(&mut tx, &silent).await?;
    drop(tx);
    let lookup = facts.clone();
    let mut it = Deciding::of_stored(desk, facts, silent, Action::Escalate.as_str(), caller);
    let was = it.write.ticket.state();
    let reason = format!("the update that was promised for {} was not given", timestamp(promised));
    let changes = it.write.ticket.miss_update(&reason, &lookup, caller.now)?;
    it.did_because(Action::Escalate, &caller.actor, changes, Some(reason));
    it.happened(EventKind::Escalated, &caller.actor, was);
    it.tell_of_silence();
    commit(desk, caller, vec![it]).await
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

/// Lets the fallback approver vote where nobody's vote is awaited.
async fn appoint_approvers(desk: &Desk, caller: &Caller) -> Result<u64, CommandError> {
    let mut after = None;
    let mut appointed = 0;
    loop {
        let (mut tx, mut facts) = Facts::open(desk, caller).await?;
        let Some(approver) = decide::fallback_approver(&facts) else { return Ok(appointed) };
        let waiting = approval::without_voter(&mut tx, after, PORTION).await?;
        let Some(last) = waiting.last() else { return Ok(appointed) };
        after = Some(last.id);
        facts.delegations = facts::delegations(&mut tx, caller.now).await?;
        let mut rounds = Vec::new();
        for round in waiting {
            rounds.extend(about(desk, caller, &mut tx, &facts, "appoint", round).await?);
        }
        drop(tx);
        for (mut it, round) in rounds {
            if decide::appoint(&mut it, round, approver) {
                appointed += u64::from(commit(desk, caller, vec![it]).await?);
            }
        }
    }
}

/// Asks the policies about each vote that waits, and does what they say.
async fn look_after_approvals(desk: &Desk, caller: &Caller) -> Result<Nudged, CommandError> {
    let mut after = None;
    let mut nudged = Nudged::default();
    loop {
        let (mut tx, mut facts) = Facts::open(desk, caller).await?;
        if !decide::looks_after_approvals(&facts) {
            return Ok(nudged);
        }
        let asked_before = caller.now - PATIENCE;
        let waiting = approval::stalled(&mut tx, asked_before, caller.now, after, PORTION).await?;
        let Some(last) = waiting.last() else { return Ok(nudged) };
        after = Some(last.id);
        facts.delegations = facts::delegations(&mut tx, caller.now).await?;
        let mut rounds = Vec::new();
        for round in waiting {
            let looked_up = about(desk, caller, &mut tx, &facts, "stalled", round).await?;
            if let Some((mut it, round)) = looked_up {
                decide::expect_votes(&mut tx, &mut it, round).await?;
                rounds.push(it);
            }
        }
        // No policy runs while a transaction is open.
        drop(tx);
        for it in rounds {
            let done = nudge(desk, caller, it).await?;
            nudged.nudged += done.nudged;
            nudged.expired += done.expired;
        }
    }
}

/// A round with its ticket and what stands around it; none where the ticket is gone.
async fn about(
    desk: &Desk,
    caller: &Caller,
    tx: &mut ReadTx,
    facts: &Facts,
    occasion: &str,
    round: Approval,
) -> Result<Option<(Deciding, Approval)>, CommandError> {
    let Some(subject) = ticket::find(tx, round.ticket).await? else { return Ok(None) };
    let mut facts = facts.clone();
    facts.around(tx, &subject).await?;
    Ok(Some((Deciding::of_stored(desk, facts, subject, occasion, caller), round)))
}

async fn nudge(desk: &Desk, caller: &Caller, it: Deciding) -> Result<Nudged, CommandError> {
    let mut waiting = vec![it];
    let nudged = decide::nudge(desk, caller, &mut waiting).await?;
    if waiting.iter().all(Deciding::is_idle) {
        // Nothing to write, but a breaker that opened is told of in any case.
        let writes = Deciding::finish_all(waiting)?;
        write::tell_administrators(desk, &writes, caller.now).await;
        return Ok(Nudged::default());
    }
    Ok(if commit(desk, caller, waiting).await? { nudged } else { Nudged::default() })
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
