//! Upkeep: what the desk does by itself as time passes. Tickets that were done some days ago close;
//! approvals that wait are looked after, as the organization's policies say (requirement A4); major
//! incidents of which nobody hears escalate.
//!
//! It goes through the same door as everything else: each change is an event with its actor, and is
//! told.

use chrono::{DateTime, TimeDelta, Utc};
use waypost_domain::{
    approval::Approval,
    incident::Major,
    organization::OrgSettings,
    ticket::{Action, Given, Notice, Phase, Ticket, TicketKind, Value},
};
use waypost_store::{
    ReadTx, approval, organization,
    ticket::{self, TicketCursor, TicketFilter, TicketSort},
};

use crate::{
    Caller, CommandError, Desk,
    tickets::{
        decide::{self, Nudged, TicketDraft},
        facts::{self, Facts},
        scene::{self, Scene},
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
    /// Accepted risks of problems whose review was due, and has a task now.
    pub risk_reviews: u64,
}

/// So many tickets or approvals are looked at in one transaction.
const PORTION: u32 = 200;

/// An approval that was asked for less than this ago bothers nobody yet.
const PATIENCE: TimeDelta = TimeDelta::hours(1);

/// Does what is due in all organizations.
///
/// # Errors
/// The organizations cannot be read. Where the upkeep of one fails, that is logged, the others are
/// looked after, and the next sweep tries again. What somebody else changes meanwhile is left for
/// the next time too.
pub async fn sweep(desk: &Desk, now: DateTime<Utc>) -> Result<Upkept, CommandError> {
    let mut tx = desk.store.system_read().await?;
    let organizations = organization::list(&mut tx).await?;
    drop(tx);
    let mut upkept = Upkept::default();
    for organization in organizations {
        let caller = Caller::operator(organization.id, now);
        // Boxed here and below: what may follow makes futures that would fill the stack.
        let looked_after = look_after(desk, &caller, &organization.settings, &mut upkept);
        if let Err(fault) = Box::pin(looked_after).await {
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
    upkept.appointed += Box::pin(appoint_approvers(desk, caller)).await?;
    let Nudged { nudged, expired } = Box::pin(look_after_approvals(desk, caller)).await?;
    upkept.nudged += nudged;
    upkept.expired += expired;
    upkept.silent += escalate_silent(desk, caller).await?;
    upkept.risk_reviews += open_risk_reviews(desk, caller).await?;
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
    let filter = TicketFilter {
        phases: vec![Phase::Done],
        kinds: TicketKind::intake(),
        ..TicketFilter::default()
    };
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
            let number = due.number.clone();
            closed += u64::from(unless_refused(&number, close(desk, caller, due).await)?);
        }
    }
}

/// Takes major incidents a step up whose promised update was not given, and tells who leads them.
/// Once for each promise.
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
            let number = silent.number.clone();
            escalated += u64::from(unless_refused(&number, escalate(desk, caller, silent).await)?);
        }
    }
}

/// Whether it was escalated; somebody else may have been first.
async fn escalate(desk: &Desk, caller: &Caller, silent: Ticket) -> Result<bool, CommandError> {
    let major = silent.incident().map(|incident| &incident.major);
    let Some(promised) = major.and_then(Major::next_update_at) else { return Ok(false) };
    let mut scene = scene_of(desk, caller, &silent).await?;
    let was = silent.state();
    let draft = scene.add_stored(silent, Action::Escalate.as_str());
    let reason = format!("the update due at {} was missed", timestamp(promised));
    let changes = draft.write.ticket.miss_update(caller.now);
    draft.did_because(Action::Escalate, &caller.actor, changes, Some(reason));
    draft.happened(Notice::Escalated, &caller.actor, was);
    draft.tell_of_silence();
    commit(scene).await
}

/// Whether it was closed; somebody else may have been first.
async fn close(desk: &Desk, caller: &Caller, due: Ticket) -> Result<bool, CommandError> {
    let mut scene = scene_of(desk, caller, &due).await?;
    let reason = Value::Text("closed automatically: no reply in time".to_owned());
    let given = Given::default().with("reason", reason);
    scene.add_stored(due, Action::Close.as_str()).takes(Action::Close, &given)?;
    commit(scene).await
}

/// Opens the task of each accepted risk whose review is due.
async fn open_risk_reviews(desk: &Desk, caller: &Caller) -> Result<u64, CommandError> {
    let filter = TicketFilter { risk_review_due: Some(caller.now), ..TicketFilter::default() };
    let mut opened = 0;
    let mut tx = desk.store.read(caller.org).await?;
    let due = ticket::list(&mut tx, &filter, TicketSort::Opened, None, PORTION).await?;
    drop(tx);
    for problem in due.into_iter().filter(|problem| problem.needs_risk_review(caller.now)) {
        let number = problem.number.clone();
        opened += u64::from(unless_refused(&number, review(desk, caller, problem).await)?);
    }
    Ok(opened)
}

/// Whether the task was opened; somebody else may have been first.
async fn review(desk: &Desk, caller: &Caller, problem: Ticket) -> Result<bool, CommandError> {
    let mut scene = scene_of(desk, caller, &problem).await?;
    scene.plan_risk_review(problem)?;
    commit(scene).await
}

/// One ticket that is refused keeps no other from its turn.
fn unless_refused(number: &str, done: Result<bool, CommandError>) -> Result<bool, CommandError> {
    match done {
        Err(CommandError::Refused(refused)) => {
            tracing::warn!(ticket = number, %refused, "upkeep skipped a ticket");
            Ok(false)
        }
        done => done,
    }
}

/// A scene with the facts around one ticket.
async fn scene_of<'a>(
    desk: &'a Desk,
    caller: &'a Caller,
    ticket: &Ticket,
) -> Result<Scene<'a>, CommandError> {
    let (mut tx, mut facts) = Facts::open(desk, caller).await?;
    facts.around(&mut tx, ticket).await?;
    Ok(Scene::new(desk, caller, facts))
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
        for (mut draft, round) in rounds {
            if decide::appoint(&mut draft, round, approver) {
                let mut scene = Scene::new(desk, caller, facts.clone());
                scene.drafts.push(draft);
                appointed += u64::from(commit(scene).await?);
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
            if let Some((mut draft, round)) = looked_up {
                decide::expect_votes(&mut tx, &mut draft, round).await?;
                rounds.push(draft);
            }
        }
        // No policy runs while a transaction is open.
        drop(tx);
        for draft in rounds {
            let mut scene = Scene::new(desk, caller, facts.clone());
            scene.drafts.push(draft);
            let done = nudge(scene).await?;
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
) -> Result<Option<(TicketDraft, Approval)>, CommandError> {
    let Some(id) = round.subject.ticket() else { return Ok(None) };
    let Some(subject) = ticket::find(tx, id).await? else { return Ok(None) };
    let mut facts = facts.clone();
    facts.around(tx, &subject).await?;
    Ok(Some((TicketDraft::of_stored(desk, facts, subject, occasion, caller), round)))
}

async fn nudge(mut scene: Scene<'_>) -> Result<Nudged, CommandError> {
    let (desk, caller) = (scene.desk, scene.caller);
    let nudged = decide::nudge(desk, caller, &mut scene.drafts).await?;
    if scene.drafts.iter().all(TicketDraft::is_idle) {
        // Nothing to write, but a breaker that opened is told of in any case.
        let (writes, ..) = scene.finished()?;
        write::tell_administrators(desk, &writes, caller.now).await;
        return Ok(Nudged::default());
    }
    Ok(if commit(scene).await? { nudged } else { Nudged::default() })
}

/// Whether it was written; somebody else may have been first.
async fn commit(mut scene: Scene<'_>) -> Result<bool, CommandError> {
    scene.react().await?;
    let (mut writes, _, desk, caller) = scene.finished()?;
    match scene::commit(desk, caller, &mut writes).await {
        Ok(()) => Ok(true),
        Err(CommandError::Stale) => Ok(false),
        Err(error) => Err(error),
    }
}
