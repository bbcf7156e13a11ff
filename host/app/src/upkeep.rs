//! Upkeep: what the desk does by itself as time passes. Tickets that were done some days ago close;
//! those of who has left go back to their team;
//! approvals that wait are looked after, as the organization's policies say (requirement A4); major
//! incidents of which nobody hears escalate.
//!
//! It goes through the same door as everything else: each change is an event with its actor, and is
//! told.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, TimeDelta, Utc};
use waypost_domain::{
    approval::{Approval, SeatRequest, SeatState},
    directory::Lookup,
    ids::{ApprovalId, PersonId, TicketId},
    incident::Major,
    organization::OrgSettings,
    person::Person,
    ticket::{Action, Given, Notice, Ticket, TicketKind, Value, at_work},
};
use waypost_store::{
    ReadTx, StoreError, approval,
    due::{self, Due},
    organization, person, team,
    ticket::{self, Assignee, TicketCursor, TicketFilter, TicketSort},
};

use crate::{
    Caller, CommandError, Desk,
    error::Trouble,
    tickets::{
        decide::{self, Kept, Nudged, TicketDraft},
        facts::Facts,
        scene::{self, Scene},
        timestamp, write,
    },
};

/// What one sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upkept {
    /// Tickets that closed by themselves.
    pub closed: u64,
    /// Tickets that nobody worked on any more, and that went back to a team.
    pub given_back: u64,
    /// Votes that nobody could cast, and that somebody is asked for again.
    pub appointed: u64,
    /// Votes that nobody can cast, and that wait for somebody to be appointed.
    pub vacated: u64,
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
/// The organizations cannot be read. Where a kind of work fails in one of them, that is logged, the
/// rest is done, and the next sweep tries again. What somebody else changes meanwhile is left for
/// the next time too.
pub async fn sweep(desk: &Desk, now: DateTime<Utc>) -> Result<Upkept, CommandError> {
    let mut tx = desk.store.system_read().await?;
    let organizations = organization::list(&mut tx).await?;
    // Of thousands of organizations, few have anything that is due.
    let due = due::of_all(&mut tx, now - PATIENCE, now).await?;
    drop(tx);
    let mut upkept = Upkept::default();
    for organization in organizations {
        let Some(due) = due.get(&organization.id) else { continue };
        let caller = Caller::operator(organization.id, now);
        // Boxed here and below: what may follow makes futures that would fill the stack.
        Box::pin(look_after(desk, &caller, &organization.settings, *due, &mut upkept)).await;
    }
    Ok(upkept)
}

/// Does what is due in one organization. Each kind of work is for itself: where one fails, the
/// others are done all the same.
async fn look_after(
    desk: &Desk,
    caller: &Caller,
    settings: &OrgSettings,
    due: Due,
    upkept: &mut Upkept,
) {
    if due.done {
        upkept.closed += done(caller, "close", Box::pin(close_due(desk, caller, settings)).await);
    }
    if due.open {
        upkept.given_back += done(caller, "give_back", Box::pin(give_back(desk, caller)).await);
    }
    // Before anybody is reminded, and whatever policies there are.
    if due.pending {
        let kept = Box::pin(keep_voters(desk, caller)).await;
        let Kept { appointed, vacated } = done(caller, "keep_voters", kept);
        upkept.appointed += appointed;
        upkept.vacated += vacated;
    }
    if due.stalled {
        let looked_after = Box::pin(look_after_approvals(desk, caller)).await;
        let Nudged { nudged, expired } = done(caller, "approvals", looked_after);
        upkept.nudged += nudged;
        upkept.expired += expired;
    }
    if due.silent {
        upkept.silent += done(caller, "escalate", Box::pin(escalate_silent(desk, caller)).await);
    }
    if due.risks {
        upkept.risk_reviews +=
            done(caller, "risk_reviews", Box::pin(open_risk_reviews(desk, caller)).await);
    }
}

/// What a kind of work did; nothing where it failed, which is logged.
fn done<T: Default>(caller: &Caller, work: &'static str, done: Result<T, CommandError>) -> T {
    done.unwrap_or_else(|fault| {
        tracing::error!(
            org.id = %caller.org,
            upkeep.work = work,
            error = &fault as &dyn std::error::Error,
            "upkeep of an organization failed"
        );
        T::default()
    })
}

/// Closes what was resolved or fulfilled long enough ago.
async fn close_due(
    desk: &Desk,
    caller: &Caller,
    settings: &OrgSettings,
) -> Result<u64, CommandError> {
    let days = Days::new(settings.auto_close_days.into());
    let Some(until) = caller.now.checked_sub_days(days).filter(|_| settings.auto_close_days > 0)
    else {
        return Ok(0);
    };
    let filter = TicketFilter {
        done_until: Some(until),
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
            closed += u64::from(unless_refused(&number, Box::pin(close(desk, caller, due)).await)?);
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
            escalated +=
                u64::from(unless_refused(&number, Box::pin(escalate(desk, caller, silent)).await)?);
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

/// Gives back tickets whose assignee or team does not work any more.
async fn give_back(desk: &Desk, caller: &Caller) -> Result<u64, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    let owners = ticket::owners(&mut tx).await?;
    drop(tx);
    if owners.is_empty() {
        return Ok(0);
    }
    let (mut tx, facts) = Facts::open(desk, caller).await?;
    let assignees: BTreeSet<PersonId> = owners.iter().filter_map(|(_, person)| *person).collect();
    let people = people(&mut tx, assignees).await?;
    drop(tx);
    let active: BTreeSet<PersonId> =
        people.iter().filter(|person| person.active).map(|person| person.id).collect();
    let is_at_work = |person| active.contains(&person);
    let mut given_back = 0;
    for (team, assignee) in owners {
        let (owner, whole) = ((team, assignee), (Some(team), assignee));
        if at_work(caller.org, owner, &is_at_work, &facts) == whole {
            continue;
        }
        let filter = TicketFilter {
            active: Some(true),
            team: Some(team),
            assignee: Some(assignee.map_or(Assignee::Nobody, Assignee::Person)),
            ..TicketFilter::default()
        };
        let mut after: Option<TicketCursor> = None;
        loop {
            let mut tx = desk.store.read(caller.org).await?;
            let page =
                ticket::list(&mut tx, &filter, TicketSort::Opened, after.as_ref(), PORTION).await?;
            drop(tx);
            let Some(last) = page.last() else { break };
            after = Some(TicketCursor::of(last, TicketSort::Opened));
            for left in page {
                let number = left.number.clone();
                let done = Box::pin(take_back(desk, caller, left, &active)).await;
                given_back += u64::from(unless_refused(&number, done)?);
            }
        }
    }
    Ok(given_back)
}

/// Whether a ticket was given back; somebody else may have been first.
async fn take_back(
    desk: &Desk,
    caller: &Caller,
    left: Ticket,
    active: &BTreeSet<PersonId>,
) -> Result<bool, CommandError> {
    let mut scene = scene_of(desk, caller, &left).await?;
    let facts = scene.facts.clone();
    let (was, had) = (left.state(), left.team);
    let draft = scene.add_stored(left, Action::Assign.as_str());
    let settings = &facts.directory.org.settings;
    let is_at_work = |person| active.contains(&person);
    let given_back = draft.write.ticket.give_back(&is_at_work, settings, &facts, caller.now);
    let Some((mut changes, why)) = given_back else { return Ok(false) };
    // The directory knows no team that has ended; the history keeps its key all the same.
    if facts.team(had).is_none() {
        let mut tx = desk.store.read(caller.org).await?;
        let key = team::find(&mut tx, had).await?.map(|team| team.key.to_string());
        for change in changes.iter_mut().filter(|change| change.field == "team") {
            change.before = key.clone().or(change.before.take());
        }
    }
    draft.did_because(Action::Assign, &caller.actor, changes, Some(why.to_owned()));
    draft.happened(Notice::Assigned, &caller.actor, was);
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
        opened +=
            u64::from(unless_refused(&number, Box::pin(review(desk, caller, problem)).await)?);
    }
    Ok(opened)
}

/// Whether the task was opened; somebody else may have been first.
async fn review(desk: &Desk, caller: &Caller, problem: Ticket) -> Result<bool, CommandError> {
    let mut scene = scene_of(desk, caller, &problem).await?;
    scene.plan_risk_review(problem)?;
    commit(scene).await
}

/// What was done about one ticket. One that is refused or cannot be read keeps no other from its
/// turn; when the database is away, nothing goes on.
fn unless_refused<T: Default>(
    number: &str,
    done: Result<T, CommandError>,
) -> Result<T, CommandError> {
    let error = match done {
        Ok(done) => return Ok(done),
        Err(error) => error,
    };
    match error.trouble() {
        Trouble::OfAll => return Err(error),
        Trouble::OfOne => tracing::error!(
            ticket = number,
            error = &error as &dyn std::error::Error,
            "upkeep of a ticket failed"
        ),
        Trouble::None => {
            tracing::warn!(ticket = number, refused = %error, "upkeep skipped a ticket");
        }
    }
    Ok(T::default())
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

/// Sees to it that no approval waits for somebody who cannot vote, and reminds administrators of
/// those that they have to name somebody for.
async fn keep_voters(desk: &Desk, caller: &Caller) -> Result<Kept, CommandError> {
    let mut after = None;
    let mut kept = Kept::default();
    let mut told = false;
    loop {
        let mut tx = desk.store.read(caller.org).await?;
        let ids = approval::pending(&mut tx, after, PORTION).await?;
        drop(tx);
        let Some(last) = ids.last() else { return Ok(kept) };
        after = Some(*last);
        let (mut tx, mut facts) = Facts::open(desk, caller).await?;
        facts.add_delegations(&mut tx, caller.now).await?;
        let rounds = readable(&mut tx, caller, &ids).await?;
        let able = able(&mut tx, &facts, &rounds).await?;
        let can_vote = |person: PersonId| able.contains(&person);
        let mut cared_for = Vec::new();
        for round in rounds {
            let Some(id) = round.subject.ticket() else { continue };
            let Some(subject) = unless_refused(
                &id.to_string(),
                ticket::find(&mut tx, id).await.map_err(Into::into),
            )?
            else {
                continue;
            };
            if decide::needs_care(&round, &subject, &can_vote) {
                let number = subject.number.clone();
                let found = about(desk, caller, &mut tx, &facts, "keep_voters", subject).await;
                let found = unless_refused(&number, found.map(Some))?;
                cared_for.extend(found.map(|draft| (draft, round)));
            }
        }
        drop(tx);
        for (mut draft, round) in cared_for {
            let number = draft.write.ticket.number.clone();
            let wants_voter = round.wants_voter();
            let done = decide::keep_voters(&mut draft, round, &can_vote);
            if draft.is_idle() {
                if wants_voter && !told {
                    write::tell_of_missing_voter(desk, caller.org, &number, caller.now).await;
                    told = true;
                }
                continue;
            }
            let mut scene = Scene::new(desk, caller, facts.clone());
            scene.drafts.push(draft);
            if unless_refused(&number, commit(scene).await)? {
                kept.appointed += done.appointed;
                kept.vacated += done.vacated;
            }
        }
    }
}

/// So many people are looked up at once: SQLite takes no more than 32,766 values in a query.
const MAX_LOOKED_UP: usize = 5_000;

/// Who of those that rounds ask, or could ask again, can vote.
async fn able(
    tx: &mut ReadTx,
    facts: &Facts,
    rounds: &[Approval],
) -> Result<BTreeSet<PersonId>, CommandError> {
    let can_be_asked =
        |seat: &&SeatRequest| matches!(seat.state, SeatState::Requested | SeatState::Vacant);
    let concerned: BTreeSet<PersonId> = rounds
        .iter()
        .flat_map(Approval::requests)
        .filter(can_be_asked)
        .flat_map(|seat| [seat.voter, seat.seat])
        .chain(facts.delegations.iter().map(|delegation| delegation.to))
        .chain(facts.fallback_approver())
        .collect();
    let people = people(tx, concerned).await?;
    Ok(people.iter().filter(|person| facts.can_vote(person)).map(|person| person.id).collect())
}

/// These people, as far as the organization may know them.
async fn people(tx: &mut ReadTx, wanted: BTreeSet<PersonId>) -> Result<Vec<Person>, CommandError> {
    let wanted: Vec<PersonId> = wanted.into_iter().collect();
    let mut people = Vec::with_capacity(wanted.len());
    for some in wanted.chunks(MAX_LOOKED_UP) {
        people.extend(person::find_many(tx, some).await?);
    }
    Ok(people)
}

/// Reads rounds. One that cannot be read is logged, and keeps no other from its turn.
async fn readable(
    tx: &mut ReadTx,
    caller: &Caller,
    ids: &[ApprovalId],
) -> Result<Vec<Approval>, CommandError> {
    match approval::find_many(tx, ids).await {
        Ok(rounds) => return Ok(rounds),
        Err(StoreError::Corrupt { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let mut rounds = Vec::new();
    for id in ids {
        match approval::find(tx, *id).await {
            Ok(round) => rounds.extend(round),
            Err(error @ StoreError::Corrupt { .. }) => tracing::error!(
                org.id = %caller.org,
                approval.id = %id,
                error = &error as &dyn std::error::Error,
                "upkeep skipped an approval that cannot be read"
            ),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(rounds)
}

/// Asks the policies about each vote that waits, and does what they say.
async fn look_after_approvals(desk: &Desk, caller: &Caller) -> Result<Nudged, CommandError> {
    let mut after = None;
    let mut nudged = Nudged::default();
    loop {
        let mut tx = desk.store.read(caller.org).await?;
        let asked_before = caller.now - PATIENCE;
        let waiting = approval::stalled(&mut tx, asked_before, caller.now, after, PORTION).await?;
        drop(tx);
        let Some(last) = waiting.last() else { return Ok(nudged) };
        after = Some(*last);
        let (mut tx, mut facts) = Facts::open(desk, caller).await?;
        if !decide::looks_after_approvals(&facts) {
            return Ok(nudged);
        }
        facts.add_delegations(&mut tx, caller.now).await?;
        let mut drafts = Vec::new();
        for round in readable(&mut tx, caller, &waiting).await? {
            let Some(id) = round.subject.ticket() else { continue };
            let expected = expect(desk, caller, &mut tx, &facts, id, round).await;
            drafts.extend(unless_refused(&id.to_string(), expected)?);
        }
        // No policy runs while a transaction is open.
        drop(tx);
        for draft in drafts {
            let number = draft.write.ticket.number.clone();
            let mut scene = Scene::new(desk, caller, facts.clone());
            scene.drafts.push(draft);
            let done = unless_refused(&number, Box::pin(nudge(scene)).await)?;
            nudged.nudged += done.nudged;
            nudged.expired += done.expired;
        }
    }
}

/// The draft of the ticket of a round whose votes are waited for; none where it is gone.
async fn expect(
    desk: &Desk,
    caller: &Caller,
    tx: &mut ReadTx,
    facts: &Facts,
    id: TicketId,
    round: Approval,
) -> Result<Option<TicketDraft>, CommandError> {
    let Some(subject) = ticket::find(tx, id).await? else { return Ok(None) };
    let mut draft = about(desk, caller, tx, facts, "stalled", subject).await?;
    decide::expect_votes(tx, &mut draft, round).await?;
    Ok(Some(draft))
}

/// A ticket with what stands around it.
async fn about(
    desk: &Desk,
    caller: &Caller,
    tx: &mut ReadTx,
    facts: &Facts,
    occasion: &str,
    subject: Ticket,
) -> Result<TicketDraft, CommandError> {
    let mut facts = facts.clone();
    facts.around(tx, &subject).await?;
    Ok(TicketDraft::of_stored(desk, facts, subject, occasion, caller))
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
    match scene::commit(desk, &[caller], &mut writes).await {
        Ok(()) => Ok(true),
        Err(CommandError::Stale) => Ok(false),
        Err(error) => Err(error),
    }
}
