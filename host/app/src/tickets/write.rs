//! Writing a change: the ticket, its events, receipts, approvals and messages, in one commit.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use waypost_domain::{
    approval::Approval,
    binding::Pause,
    comment::Comment,
    event::{Actor, Event, FieldChange},
    ids::{EventId, MessageId, OrgId},
    link::LinkChange,
    message::{DeliveryChannel, Message, ToldAs},
    person::Person,
    suggestion::Suggestion,
    ticket::{Action, Ticket},
};
use waypost_policy::BreakerOpen;
use waypost_store::{
    Inserts, ReadTx, StoreError, WriteTx, approval, binding_pause, comment, evaluation, event,
    link, organization, outbox, person, snapshot_part, suggestion, ticket,
};

use super::{
    evaluation::{Finished, PauseChange, Tripped, mark},
    messages::{self, Draft},
};
use crate::{CommandError, Desk, layers::breaker_key, vote_links::LinkUse};

/// Everything one command changes about one ticket.
pub(crate) struct TicketWrite {
    /// The ticket as it is afterwards.
    pub(crate) ticket: Ticket,
    /// Whether it is stored for the first time.
    pub(crate) is_new: bool,
    /// What happened, in order.
    pub(crate) events: Vec<NewEvent>,
    /// What was said.
    pub(crate) comments: Vec<Comment>,
    /// Who was asked.
    pub(crate) evaluation: Option<Finished>,
    /// What policies suggest.
    pub(crate) suggestions: Vec<Suggestion>,
    /// Suggestions that a person decided.
    pub(crate) decided: Vec<Suggestion>,
    /// A round of approval that begins.
    pub(crate) new_approval: Option<Approval>,
    /// Rounds of approval that moved.
    pub(crate) changed_approvals: Vec<Approval>,
    /// Links that were made or removed, in order.
    pub(crate) links: Vec<LinkChange>,
    /// The link by which a vote was cast, which is used up with it.
    pub(crate) vote_link: Option<LinkUse>,
    /// Whether only its version moves, because something that belongs to it did.
    pub(crate) is_touched: bool,
    /// Who hears of it.
    pub(crate) drafts: Vec<Draft>,
}

/// An event, before it has its place in the ticket's history.
#[derive(Debug, Clone)]
pub(crate) struct NewEvent {
    /// Its id, where somebody was told of it before it is written.
    pub(crate) id: Option<EventId>,
    /// What was done.
    pub(crate) action: Action,
    /// By whom.
    pub(crate) actor: Actor,
    /// What it changed.
    pub(crate) changes: Vec<FieldChange>,
    /// The policy that decided it.
    pub(crate) policy_digest: Option<String>,
    /// Why.
    pub(crate) reason: Option<String>,
}

impl NewEvent {
    /// An event without a reason, by whoever asked.
    pub(crate) fn new(action: Action, actor: &Actor, changes: Vec<FieldChange>) -> Self {
        let actor = actor.clone();
        Self { id: None, action, actor, changes, policy_digest: None, reason: None }
    }

    /// The same event, with a reason.
    pub(crate) fn because(self, reason: Option<String>) -> Self {
        Self { reason, ..self }
    }
}

impl TicketWrite {
    /// A change of a stored ticket, so far without anything.
    pub(crate) fn of(ticket: Ticket) -> Self {
        Self {
            ticket,
            is_new: false,
            events: Vec::new(),
            comments: Vec::new(),
            evaluation: None,
            suggestions: Vec::new(),
            decided: Vec::new(),
            new_approval: None,
            changed_approvals: Vec::new(),
            links: Vec::new(),
            vote_link: None,
            is_touched: false,
            drafts: Vec::new(),
        }
    }

    /// A ticket that is stored for the first time.
    pub(crate) fn new(ticket: Ticket) -> Self {
        Self { is_new: true, ..Self::of(ticket) }
    }
}

/// Keeps what was written. It is done then: whatever fails after it is logged, and is no failure of
/// the command.
pub(crate) async fn commit(
    desk: &Desk,
    tx: WriteTx,
    writes: &[TicketWrite],
    now: DateTime<Utc>,
) -> Result<(), CommandError> {
    tx.commit().await?;
    tell_administrators(desk, writes, now).await;
    if let Some(one) = writes.iter().find(|one| wants_voter(one)) {
        tell_of_missing_voter(desk, one.ticket.org, &one.ticket.number, now).await;
    }
    Ok(())
}

/// Writes changes of tickets into an open transaction, with the letters that tell of them.
pub(crate) async fn write(
    desk: &Desk,
    tx: &mut WriteTx,
    writes: &mut [TicketWrite],
    letters: Vec<Message>,
    now: DateTime<Utc>,
) -> Result<(), CommandError> {
    mark_failures(writes);
    // Whatever happens to a ticket changes it: who asks what has changed since a moment hears of
    // every event since.
    for one in writes.iter_mut().filter(|one| !one.events.is_empty()) {
        one.ticket.updated_at = one.ticket.updated_at.max(now);
    }
    change(tx, writes).await?;
    let events = placed(desk, tx, writes, now).await?;
    // Of many tickets, the rows of each table go together. Those of one go with one trip.
    if writes.len() > 1 {
        return insert(tx, writes, &events, &letters).await;
    }
    let mut set = tx.write_set();
    insert(&mut set, writes, &events, &letters).await?;
    Ok(set.send().await?)
}

/// Writes what changes, each row of which must be as it was read.
async fn change(tx: &mut WriteTx, writes: &mut [TicketWrite]) -> Result<(), CommandError> {
    for link in writes.iter().filter_map(|one| one.vote_link.as_ref()) {
        link.carry_out(tx).await?;
    }
    // In the order of their ids, so that those who change the same tickets wait for each other in a
    // line, not in a circle.
    let mut stored: Vec<&mut TicketWrite> = writes.iter_mut().filter(|one| !one.is_new).collect();
    stored.sort_by_key(|one| one.ticket.id);
    for one in stored {
        ticket::update(tx, &mut one.ticket).await?;
    }
    for one in writes.iter_mut() {
        for decided in &one.decided {
            suggestion::decide(tx, decided).await?;
        }
        for changed in &mut one.changed_approvals {
            approval::update(tx, changed).await?;
        }
        for change in &one.links {
            match change {
                LinkChange::Made(link) => link::insert(tx, link).await?,
                LinkChange::Removed(link) => link::remove(tx, link).await?,
            }
        }
    }
    Ok(())
}

/// Writes what is new.
async fn insert(
    to: &mut impl Inserts,
    writes: &mut [TicketWrite],
    events: &[Event],
    letters: &[Message],
) -> Result<(), CommandError> {
    let new: Vec<Ticket> =
        writes.iter().filter(|one| one.is_new).map(|one| one.ticket.clone()).collect();
    ticket::insert_many(to, &new).await?;
    event::append_many(to, events).await?;
    let mut evaluations = Vec::new();
    let mut parts = Vec::new();
    for evaluation in writes.iter_mut().filter_map(|one| one.evaluation.as_mut()) {
        evaluations.extend(evaluation.record.take());
        parts.extend(evaluation.part.take());
    }
    snapshot_part::keep_many(to, parts).await?;
    evaluation::insert_many(to, evaluations).await?;
    let comments: Vec<Comment> =
        writes.iter().flat_map(|one| one.comments.iter().cloned()).collect();
    comment::insert_many(to, &comments).await?;
    for new in writes.iter().filter_map(|one| one.new_approval.as_ref()) {
        approval::insert(to, new).await?;
    }
    let suggestions: Vec<Suggestion> =
        writes.iter().flat_map(|one| one.suggestions.iter().cloned()).collect();
    suggestion::insert_many(to, &suggestions).await?;
    Ok(outbox::enqueue_all(to, letters).await?)
}

/// The letters that tell of these changes.
pub(crate) fn letters(desk: &Desk, writes: &mut [TicketWrite], now: DateTime<Utc>) -> Vec<Message> {
    let mut letters = Vec::new();
    for one in writes.iter_mut() {
        let drafts = std::mem::take(&mut one.drafts);
        letters.extend(messages::letters(drafts, &one.ticket, desk, now));
    }
    letters
}

/// Marks tickets on which a policy failed, for people to look at. The command's first event tells
/// it: no field changes without an event.
fn mark_failures(writes: &mut [TicketWrite]) {
    for one in writes {
        let Some(evaluation) = one.evaluation.as_ref().filter(|it| !it.policy_failures.is_empty())
        else {
            continue;
        };
        let Some(event) = one.events.first_mut() else { continue };
        let after = Some(mark(&evaluation.policy_failures));
        let before = std::mem::replace(&mut one.ticket.policy_failures, after.clone());
        if before != after {
            event.changes.push(FieldChange { field: "policy_failures".to_owned(), before, after });
        }
    }
}

/// Gives each event its place in its ticket's history. The first event of a command is the cause of
/// those after it.
async fn placed(
    desk: &Desk,
    tx: &mut ReadTx,
    writes: &[TicketWrite],
    now: DateTime<Utc>,
) -> Result<Vec<Event>, StoreError> {
    let mut placed = Vec::new();
    for one in writes {
        if one.events.is_empty() {
            continue;
        }
        let last = if one.is_new { 0 } else { event::last_seq(tx, one.ticket.id.into()).await? };
        let mut cause = None;
        for (event, seq) in one.events.iter().zip(last + 1..) {
            let id = event.id.unwrap_or_else(|| EventId(desk.entropy.id(now)));
            placed.push(Event {
                id,
                subject: one.ticket.id.into(),
                seq,
                // `updated_at` never goes back, so neither do events.
                at: one.ticket.updated_at.max(now),
                actor: event.actor.clone(),
                cause,
                action: event.action,
                changes: event.changes.clone(),
                policy_digest: event.policy_digest.clone(),
                reason: event.reason.clone(),
            });
            cause.get_or_insert(id);
        }
    }
    Ok(placed)
}

/// Whether an approval of it can't be decided until somebody is appointed.
fn wants_voter(one: &TicketWrite) -> bool {
    one.new_approval.iter().chain(&one.changed_approvals).any(Approval::wants_voter)
}

/// Tells administrators that an approval can't be decided until they name somebody: those of the
/// organization, or else of the nearest layer above that has any. In a transaction of that layer's
/// own, as all letters to another layer. One that can't be written is logged; the next upkeep
/// writes it.
pub(crate) async fn tell_of_missing_voter(
    desk: &Desk,
    org: OrgId,
    number: &str,
    now: DateTime<Utc>,
) {
    if let Err(error) = try_tell_of_missing_voter(desk, org, number, now).await {
        tracing::error!(
            org.id = %org,
            ticket = number,
            error = &error as &dyn std::error::Error,
            "could not notify administrators of a missing approver"
        );
    }
}

async fn try_tell_of_missing_voter(
    desk: &Desk,
    org: OrgId,
    number: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut tx = desk.store.read(org).await?;
    let lineage = organization::lineage(&mut tx).await?;
    drop(tx);
    let key = lineage.last().map(|own| own.key.to_string()).unwrap_or_default();
    for layer in lineage.iter().rev() {
        let mut tx = desk.store.read(layer.id).await?;
        let administrators = person::administrators(&mut tx).await?;
        drop(tx);
        let letter = |person: &Person| about_missing_voter(desk, person, &key, number, now);
        let letters: Vec<Message> = administrators.iter().filter_map(letter).collect();
        if !letters.is_empty() {
            let mut tx = desk.store.write(layer.id).await?;
            outbox::enqueue_many(&mut tx, &letters).await?;
            return tx.commit().await;
        }
    }
    tracing::warn!(org.id = %org, ticket = number, "no administrator can name an approver");
    Ok(())
}

fn about_missing_voter(
    desk: &Desk,
    administrator: &Person,
    key: &str,
    number: &str,
    now: DateTime<Utc>,
) -> Option<Message> {
    administrator.email.as_ref()?;
    Some(Message {
        id: MessageId(desk.entropy.id(now)),
        org: administrator.org,
        ticket: None,
        person: administrator.id,
        told_as: BTreeSet::from([ToldAs::Administrator]),
        after_end: false,
        channel: DeliveryChannel::Mail,
        address: None,
        subject: format!("{number} needs an approver, but there is none"),
        body: format!(
            "{number} of the organization `{key}` needs an approval, but those who are asked for \
             it are not enough, or nobody is.\n\n\
             Set the organization's `fallback_approver` to a person other than the requester, who \
             is then asked for the vote; or name a voter for this ticket with the action \
             `appoint_voter`. To list the requests of which nobody at all is asked, filter by \
             `waiting_on` = `approver_missing`."
        ),
        // Often the remedy is one setting, so one letter a day is enough, however many requests
        // come in.
        link: None,
        dedupe_key: format!("approver missing {key} {}", now.format("%Y-%m-%d")),
        send_at: now,
        created_at: now,
    })
}

/// Tells the administrators of a binding's layer that its circuit breaker opened. In a transaction
/// of that layer's own: a client's ticket never writes into its provider's outbox in passing. A
/// letter that can't be written is logged: the tickets are stored by now.
pub(crate) async fn tell_administrators(desk: &Desk, writes: &[TicketWrite], now: DateTime<Utc>) {
    keep_pauses(desk, writes).await;
    let tripped =
        writes.iter().filter_map(|one| one.evaluation.as_ref()).flat_map(|it| it.tripped.iter());
    for one in tripped {
        tracing::warn!(
            org.id = %one.layer,
            binding.name = %one.binding,
            hook = one.hook.as_str(),
            "circuit breaker opened"
        );
        if let Err(error) = tell_administrators_of(desk, one, now).await {
            tracing::error!(
                org.id = %one.layer,
                binding.name = %one.binding,
                error = &error as &dyn std::error::Error,
                "could not notify administrators of an open circuit breaker"
            );
        }
    }
}

/// Keeps what other processes must know of the breakers. What can't be kept is logged: this process
/// knows it all the same.
async fn keep_pauses(desk: &Desk, writes: &[TicketWrite]) {
    let changes =
        writes.iter().filter_map(|one| one.evaluation.as_ref()).flat_map(|it| it.pauses.iter());
    for change in changes {
        if let Err(error) = keep_pause(desk, change).await {
            tracing::error!(
                org.id = %change.layer,
                binding.id = %change.binding,
                error = &error as &dyn std::error::Error,
                "could not keep whether a binding is paused"
            );
        }
    }
}

async fn keep_pause(desk: &Desk, change: &PauseChange) -> Result<(), StoreError> {
    let PauseChange { layer, binding, revision, hook, pause } = *change;
    let mut tx = desk.store.write(layer).await?;
    match pause {
        Some(BreakerOpen { since, until }) => {
            let pause = Pause { binding, revision, hook, since, until };
            binding_pause::put(&mut tx, &pause).await?;
        }
        None => binding_pause::end(&mut tx, binding, revision, hook).await?,
    }
    tx.commit().await?;
    desk.runtime.breaker(breaker_key(binding, revision, hook)).published(pause.is_some());
    Ok(())
}

async fn tell_administrators_of(
    desk: &Desk,
    tripped: &Tripped,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut tx = desk.store.write(tripped.layer).await?;
    let administrators = person::administrators(&mut tx).await?;
    let messages: Vec<Message> =
        administrators.iter().map(|person| about_breaker(desk, tripped, person, now)).collect();
    outbox::enqueue_many(&mut tx, &messages).await?;
    tx.commit().await
}

fn about_breaker(desk: &Desk, tripped: &Tripped, person: &Person, now: DateTime<Utc>) -> Message {
    let Tripped { binding, hook, failure, until, layer } = tripped;
    let hook = hook.as_str();
    Message {
        id: MessageId(desk.entropy.id(now)),
        org: *layer,
        ticket: None,
        person: person.id,
        told_as: BTreeSet::from([ToldAs::Administrator]),
        after_end: false,
        channel: DeliveryChannel::Mail,
        address: None,
        subject: format!("Policy {binding} is paused"),
        body: format!(
            "The binding `{binding}` failed too often in a row at the hook `{hook}`: {failure}.\n\n\
             Until {until}, the next policy or the fallback decides instead, and the tickets are \
             marked. Then it is tried again. To fix it, create a new revision or roll back to an \
             earlier one."
        ),
        // One message for each opening, however many copies of the host see it.
        link: None,
        dedupe_key: format!("breaker {binding} {}", until.format("%Y-%m-%dT%H")),
        send_at: now,
        created_at: now,
    }
}
