//! Writing a change: the ticket, its events, receipts, approvals and messages, in one commit.

mod follow;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use waypost_domain::{
    approval::Approval,
    comment::Comment,
    event::{Actor, Change, Event},
    ids::{EventId, MessageId, PersonId},
    link::Link,
    message::{Message, Way},
    person::Person,
    suggestion::Suggestion,
    task::Task,
    ticket::{Action, Ticket},
};
use waypost_store::{
    ReadTx, StoreError, WriteTx, approval, comment, event, link, outbox, person, receipt, round,
    suggestion, task, ticket,
};

use super::{
    messages::{self, Draft},
    round::{Finished, Tripped, mark},
};
use crate::{CommandError, Desk};

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
    pub(crate) round: Option<Finished>,
    /// What policies suggest.
    pub(crate) suggestions: Vec<Suggestion>,
    /// Suggestions that a person decided.
    pub(crate) decided: Vec<Suggestion>,
    /// A round of approval that begins.
    pub(crate) new_approval: Option<Approval>,
    /// Rounds of approval that moved.
    pub(crate) changed_approvals: Vec<Approval>,
    /// What it has to do with another, as was said now.
    pub(crate) new_link: Option<Link>,
    /// What it was said to have to do with another, and has not.
    pub(crate) removed_link: Option<Link>,
    /// Tasks that are added. They get their numbers when they are stored.
    pub(crate) new_tasks: Vec<Task>,
    /// Tasks that moved.
    pub(crate) changed_tasks: Vec<Task>,
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
    pub(crate) changes: Vec<Change>,
    /// The policy that decided it.
    pub(crate) policy_digest: Option<String>,
    /// Why.
    pub(crate) reason: Option<String>,
}

impl NewEvent {
    /// An event without a reason, by whoever asked.
    pub(crate) fn new(action: Action, actor: &Actor, changes: Vec<Change>) -> Self {
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
            round: None,
            suggestions: Vec::new(),
            decided: Vec::new(),
            new_approval: None,
            changed_approvals: Vec::new(),
            new_link: None,
            removed_link: None,
            new_tasks: Vec::new(),
            changed_tasks: Vec::new(),
            drafts: Vec::new(),
        }
    }

    /// A ticket that is stored for the first time.
    pub(crate) fn new(ticket: Ticket) -> Self {
        Self { is_new: true, ..Self::of(ticket) }
    }
}

/// Keeps what was written. It is done then: whatever fails after it is logged, and is no failure of the command.
pub(crate) async fn commit(
    desk: &Desk,
    tx: WriteTx,
    writes: &[TicketWrite],
    now: DateTime<Utc>,
) -> Result<(), CommandError> {
    tx.commit().await?;
    tell_administrators(desk, writes, now).await;
    Ok(())
}

/// Writes changes of tickets into an open transaction.
pub(crate) async fn write(
    desk: &Desk,
    tx: &mut WriteTx,
    writes: &mut [TicketWrite],
    now: DateTime<Utc>,
) -> Result<(), CommandError> {
    mark_degraded(writes);
    let new: Vec<Ticket> =
        writes.iter().filter(|one| one.is_new).map(|one| one.ticket.clone()).collect();
    ticket::insert_many(tx, &new).await?;
    for one in writes.iter_mut().filter(|one| !one.is_new) {
        ticket::update(tx, &mut one.ticket).await?;
    }
    follow::follow(desk, tx, writes, now).await?;
    let events = placed(desk, tx, writes, now).await?;
    event::append_many(tx, &events).await?;
    let mut rounds = Vec::new();
    let mut receipts = Vec::new();
    for round in writes.iter_mut().filter_map(|one| one.round.as_mut()) {
        rounds.extend(round.record.take());
        receipts.append(&mut round.receipts);
    }
    round::insert_many(tx, rounds).await?;
    receipt::insert_many(tx, receipts).await?;
    for one in writes.iter_mut() {
        for said in &one.comments {
            comment::insert(tx, said).await?;
        }
        for decided in &one.decided {
            suggestion::decide(tx, decided).await?;
        }
        for changed in &mut one.changed_approvals {
            approval::update(tx, changed).await?;
        }
        if let Some(new) = &one.new_approval {
            approval::insert(tx, new).await?;
        }
        for changed in &mut one.changed_tasks {
            task::update(tx, changed).await?;
        }
        task::insert_many(tx, &one.new_tasks).await?;
        if let Some(removed) = &one.removed_link {
            link::remove(tx, removed).await?;
        }
        if let Some(new) = &one.new_link {
            link::insert(tx, new).await?;
        }
    }
    let suggestions: Vec<Suggestion> =
        writes.iter().flat_map(|one| one.suggestions.iter().cloned()).collect();
    suggestion::insert_many(tx, &suggestions).await?;
    let mut messages = addressed(desk, tx, writes, now).await?;
    messages.extend(about_missing_approver(desk, tx, writes, now).await?);
    outbox::enqueue_many(tx, &messages).await?;
    Ok(())
}

/// Marks tickets on which a policy failed, for people to look at. The command's first event tells it: no field changes
/// without an event.
fn mark_degraded(writes: &mut [TicketWrite]) {
    for one in writes {
        let Some(round) = one.round.as_ref().filter(|round| !round.degraded.is_empty()) else {
            continue;
        };
        let Some(event) = one.events.first_mut() else { continue };
        let after = Some(mark(&round.degraded));
        let before = std::mem::replace(&mut one.ticket.degraded, after.clone());
        if before != after {
            event.changes.push(Change { field: "degraded".to_owned(), before, after });
        }
    }
}

/// Gives each event its place in its ticket's history. The first event of a command is the cause of those after it.
async fn placed(
    desk: &Desk,
    tx: &mut ReadTx,
    writes: &[TicketWrite],
    now: DateTime<Utc>,
) -> Result<Vec<Event>, StoreError> {
    let mut placed = Vec::new();
    for one in writes {
        let last = if one.is_new {
            0
        } else {
            event::last_of_ticket(tx, one.ticket.id).await?.map_or(0, |event| event.seq)
        };
        let mut cause = None;
        for (event, seq) in one.events.iter().zip(last + 1..) {
            let id = event.id.unwrap_or_else(|| EventId(desk.entropy.id(now)));
            placed.push(Event {
                id,
                ticket: one.ticket.id,
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

async fn addressed(
    desk: &Desk,
    tx: &mut ReadTx,
    writes: &mut [TicketWrite],
    now: DateTime<Utc>,
) -> Result<Vec<Message>, StoreError> {
    let mut ids: Vec<PersonId> =
        writes.iter().flat_map(|one| messages::people(&one.drafts)).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    ids.sort_unstable();
    ids.dedup();
    let people: BTreeMap<PersonId, Person> =
        person::find_many(tx, &ids).await?.into_iter().map(|one| (one.id, one)).collect();
    Ok(writes
        .iter_mut()
        .flat_map(|one| {
            let drafts = std::mem::take(&mut one.drafts);
            messages::addressed(drafts, &people, &one.ticket, desk, now)
        })
        .collect())
}

/// The letters to the organization's administrators about an approval that nobody's vote is asked for.
async fn about_missing_approver(
    desk: &Desk,
    tx: &mut ReadTx,
    writes: &[TicketWrite],
    now: DateTime<Utc>,
) -> Result<Vec<Message>, StoreError> {
    let lacks = |one: &&TicketWrite| {
        one.new_approval.iter().chain(&one.changed_approvals).any(Approval::lacks_voter)
    };
    let Some(lacking) = writes.iter().find(lacks) else { return Ok(Vec::new()) };
    let number = &lacking.ticket.number;
    let administrators = person::administrators(tx).await?;
    Ok(administrators
        .into_iter()
        .filter_map(|person| {
            Some(Message {
                id: MessageId(desk.entropy.id(now)),
                org: lacking.ticket.org,
                ticket: None,
                person: person.id,
                way: Way::Mail,
                address: person.email?,
                subject: format!("{number} waits for an approver, and there is none"),
                body: format!(
                    "{number} needs an approval, but nobody is left whose vote it would be: the plan named nobody, \
                     nobody who is active, or the requester alone.\n\n\
                     It waits until the organization's `fallback_approver` is set to somebody else than the requester, \
                     and is then given to them. What else waits so: every request with `waiting_on` = \
                     `approver_missing`."
                ),
                // The remedy is one setting, so one letter a day is enough, however many requests come in.
                dedupe_key: format!("approver missing {}", now.format("%Y-%m-%d")),
                send_at: now,
                created_at: now,
            })
        })
        .collect())
}

/// Tells the administrators of a binding's layer that its circuit breaker opened. In a transaction of that layer's own:
/// a client's ticket never writes into its provider's outbox in passing. A letter that can't be written is logged: the
/// tickets are stored by now.
pub(crate) async fn tell_administrators(desk: &Desk, writes: &[TicketWrite], now: DateTime<Utc>) {
    let tripped =
        writes.iter().filter_map(|one| one.round.as_ref()).flat_map(|round| round.tripped.iter());
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
                "no administrator was told of an open circuit breaker"
            );
        }
    }
}

async fn tell_administrators_of(
    desk: &Desk,
    tripped: &Tripped,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut tx = desk.store.write(tripped.layer).await?;
    let administrators = person::administrators(&mut tx).await?;
    let messages: Vec<Message> = administrators
        .iter()
        .filter_map(|person| about_breaker(desk, tripped, person, now))
        .collect();
    outbox::enqueue_many(&mut tx, &messages).await?;
    tx.commit().await
}

fn about_breaker(
    desk: &Desk,
    tripped: &Tripped,
    person: &Person,
    now: DateTime<Utc>,
) -> Option<Message> {
    let Tripped { binding, hook, failure, until, layer } = tripped;
    let hook = hook.as_str();
    Some(Message {
        id: MessageId(desk.entropy.id(now)),
        org: *layer,
        ticket: None,
        person: person.id,
        way: Way::Mail,
        address: person.email.clone()?,
        subject: format!("Policy {binding} is not asked for now"),
        body: format!(
            "The policy bound as `{binding}` at the hook `{hook}` failed too often in a row: {failure}.\n\n\
             Tickets are decided by the next policy in the order, or by the fallback, and are marked. It is tried again at \
             {until}. To change it, bind a new revision or roll back to an earlier one."
        ),
        // One message for each opening, however many copies of the host see it.
        dedupe_key: format!("breaker {binding} {}", until.format("%Y-%m-%dT%H")),
        send_at: now,
        created_at: now,
    })
}
