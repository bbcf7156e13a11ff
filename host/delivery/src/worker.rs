//! The worker: claims due messages, has them sent, and settles them.
//!
//! ```text
//! claim, up to 64 ─▶ wait for a place ─▶ look up the receiver ─▶ send ─▶ settle
//! ```
//!
//! A claim is a lease in a committed transaction. Whom a message goes to is looked up when it
//! leaves, at each attempt. Sending happens with no transaction open. Settling follows in one
//! transaction of an organization for all of its messages that have ended since the last one began:
//! nothing waits for company. So a message whose sender died between the two is claimed again when
//! its lease is over, by whichever copy of the server is alive.
//!
//! A lease is for an attempt as long as it may be. What waits for its place until the lease is too
//! short for one is given back, as is what had not begun when the worker was stopped.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use waypost_app::outbox::leaving;
use waypost_app::{Clock, Entropy};
use waypost_domain::ids::{MessageId, OrgId};
use waypost_domain::message::{Message, NotSent};
use waypost_store::outbox::{self, Ended, Fate, Posted};
use waypost_store::{Store, StoreError};

use crate::retry::{self, Next};
use crate::{Transport, Undelivered};

/// How many messages are claimed at once, and how many at most wait for their place or to be
/// settled. What a crash sends again is no more than these and those on their way.
const CLAIMED: u32 = 64;

/// What can be set about a worker.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// How many messages are on their way at the same moment.
    pub at_once: u32,
    /// How often the outbox is looked at when no more is due.
    pub pause: Duration,
    /// How long one attempt may take. A lease is twice as long.
    pub attempt: Duration,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self { at_once: 8, pause: Duration::from_secs(1), attempt: Duration::from_mins(2) }
    }
}

/// What became of the messages of one look into the outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Handed over.
    pub sent: u32,
    /// To be tried again.
    pub put_off: u32,
    /// Given up.
    pub dead: u32,
    /// Not sent: nobody is to be told any more.
    pub dropped: u32,
}

/// Sends what is in the outbox. Several may work on one database, in one process or in many.
pub struct Worker<C> {
    store: Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    transport: Arc<C>,
    options: WorkerOptions,
}

// By hand, because deriving it would demand that couriers can be cloned.
impl<C> Clone for Worker<C> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            transport: Arc::clone(&self.transport),
            options: self.options.clone(),
        }
    }
}

/// A message that this worker has claimed and not settled.
struct Claim {
    posted: Posted,
    /// Held until it is settled; then another one may be claimed.
    _room: Option<OwnedSemaphorePermit>,
}

/// A claim that is to be settled.
struct Settling {
    claim: Claim,
    attempt: Attempt,
}

/// What became of an attempt.
enum Attempt {
    /// It was handed to the transport, for this address.
    Made(String, Result<(), Undelivered>),
    /// Nobody is to be told any more, for this reason.
    NotMade(NotSent),
    /// There was none.
    NotBegun,
}

impl<C: Transport> Worker<C> {
    /// A worker that has not begun.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        transport: C,
        options: WorkerOptions,
    ) -> Self {
        Self { store, clock, entropy, transport: Arc::new(transport), options }
    }

    /// Works until `stop` is ready, then finishes what is on its way.
    ///
    /// A database that fails is not the end: it is logged, and tried again after a pause.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        let mut stop = std::pin::pin!(stop);
        let (ended, settling) = mpsc::unbounded_channel();
        let settler = tokio::spawn(self.clone().settle_what_ends(settling));
        let places = Arc::new(Semaphore::new(size(self.options.at_once)));
        // Beside those on their way, however many that are: a slow receiver fills no room.
        let room = Arc::new(Semaphore::new(size(CLAIMED.saturating_add(self.options.at_once))));
        let mut claimed = VecDeque::new();
        let mut next_look = Instant::now();
        let mut on_their_way = JoinSet::new();
        loop {
            // Half of them, so that a claim is worth its commit. What has ended is settled in any
            // case, so there is always so much room again.
            let due = async {
                tokio::time::sleep_until(next_look).await;
                room.acquire_many(CLAIMED / 2).await.map(drop)
            };
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some(_) = on_their_way.join_next(), if !on_their_way.is_empty() => {}
                Ok(place) = places.clone().acquire_owned(), if !claimed.is_empty() => {
                    // With all that can leave now, so that they are looked up together.
                    let mut free = vec![place];
                    while free.len() < claimed.len()
                        && let Ok(place) = places.clone().try_acquire_owned()
                    {
                        free.push(place);
                    }
                    let leaving = claimed.drain(..free.len()).collect();
                    for (claim, found) in self.look_up(leaving).await {
                        let (worker, ended, place) = (self.clone(), ended.clone(), free.pop());
                        on_their_way.spawn(async move {
                            let attempt = worker.attempt(&claim.posted, found).await;
                            drop(place);
                            settle_soon(&ended, claim, attempt);
                        });
                    }
                }
                Ok(()) = due, if claimed.is_empty() => {
                    let most = room.available_permits().min(size(CLAIMED));
                    let taken = self.claim(u32::try_from(most).unwrap_or(CLAIMED)).await;
                    let taken = taken.unwrap_or_else(|fault| {
                        log_fault("claiming messages", &fault);
                        Vec::new()
                    });
                    if taken.len() < most {
                        next_look = Instant::now() + self.options.pause;
                    }
                    claimed.extend(taken.into_iter().map(|posted| {
                        Claim { posted, _room: room.clone().try_acquire_owned().ok() }
                    }));
                }
            }
        }
        for claim in claimed {
            settle_soon(&ended, claim, Attempt::NotBegun);
        }
        while on_their_way.join_next().await.is_some() {}
        drop(ended);
        if let Err(fault) = settler.await {
            log_fault("settling messages", &fault);
        }
    }

    /// Sends everything that is due now, once and one after the other, and says what became of it.
    ///
    /// # Errors
    /// The database failed. What was claimed is claimed again when its lease is over.
    pub async fn run_once(&self) -> Result<Delivered, StoreError> {
        let mut delivered = Delivered::default();
        loop {
            let claimed = self.claim(self.options.at_once).await?;
            if claimed.is_empty() {
                return Ok(delivered);
            }
            let claimed = claimed.into_iter().map(|posted| Claim { posted, _room: None });
            let mut settling = Vec::new();
            for (claim, found) in self.look_up(claimed.collect()).await {
                let attempt = self.attempt(&claim.posted, found).await;
                settling.push(Settling { claim, attempt });
            }
            for (org, settling) in by_organization(settling, |one| one.claim.posted.message.org) {
                self.settle(org, settling, &mut delivered).await?;
            }
        }
    }

    async fn claim(&self, most: u32) -> Result<Vec<Posted>, StoreError> {
        // Longer than an attempt, so that nobody else claims what is still on its way.
        let lease = span(self.options.attempt * 2);
        let mut tx = self.store.system().await?;
        let claimed = outbox::claim(&mut tx, self.clock.now(), lease, most).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    /// Looks up whom messages that leave now go to; nothing where there is no time left for it. An
    /// organization's for which the database failed are left out: they are claimed again when their
    /// lease is over.
    async fn look_up(&self, claims: Vec<Claim>) -> Vec<(Claim, Option<Result<String, NotSent>>)> {
        let latest = self.clock.now() + span(self.options.attempt);
        let (in_time, late): (Vec<_>, Vec<_>) =
            claims.into_iter().partition(|claim| claim.posted.next_attempt_at >= latest);
        let mut under_way = JoinSet::new();
        for (org, claims) in by_organization(in_time, |claim| claim.posted.message.org) {
            let store = self.store.clone();
            under_way.spawn(async move {
                let messages: Vec<_> = claims.iter().map(|claim| &claim.posted.message).collect();
                let found = leaving(&store, org, &messages).await;
                found.map(|found| claims.into_iter().zip(found.into_iter().map(Some)))
            });
        }
        let mut leaving: Vec<_> = late.into_iter().map(|claim| (claim, None)).collect();
        while let Some(found) = under_way.join_next().await {
            match found {
                Ok(Ok(found)) => leaving.extend(found),
                Ok(Err(fault)) => log_fault("looking up who gets messages", &fault),
                Err(fault) => log_fault("looking up who gets messages", &fault),
            }
        }
        // The longest due leaves first, whoever's it is.
        leaving.sort_by_key(|(claim, _)| (claim.posted.message.send_at, claim.posted.message.id));
        leaving
    }

    #[tracing::instrument(name = "delivery", skip_all, fields(
        org.id = %posted.message.org, message.id = %posted.message.id, attempt = posted.attempts,
    ))]
    async fn attempt(&self, posted: &Posted, found: Option<Result<String, NotSent>>) -> Attempt {
        match found {
            Some(Ok(address)) => {
                let message = Message { address: Some(address.clone()), ..posted.message.clone() };
                Attempt::Made(address, self.send(&message).await)
            }
            Some(Err(why)) => Attempt::NotMade(why),
            None => Attempt::NotBegun,
        }
    }

    async fn send(&self, message: &Message) -> Result<(), Undelivered> {
        tokio::time::timeout(self.options.attempt, self.transport.send(message))
            .await
            .unwrap_or_else(|_| Err(Undelivered::Temporary("it timed out".to_owned())))
    }

    /// Settles what ends, until nothing more can end: whatever has ended when the transactions
    /// before it are over.
    async fn settle_what_ends(self, mut ending: mpsc::UnboundedReceiver<Settling>) {
        let mut ended = Vec::new();
        let mut under_way = JoinSet::new();
        while ending.recv_many(&mut ended, size(CLAIMED)).await > 0 {
            let ended = std::mem::take(&mut ended);
            for (org, ended) in
                by_organization(ended, |one: &Settling| one.claim.posted.message.org)
            {
                if under_way.len() >= size(self.options.at_once) {
                    under_way.join_next().await;
                }
                let worker = self.clone();
                under_way.spawn(async move {
                    let settled = worker.settle(org, ended, &mut Delivered::default()).await;
                    if let Err(fault) = settled {
                        log_fault("updating messages", &fault);
                    }
                });
            }
            while under_way.join_next().await.is_some() {}
        }
    }

    /// Notes what became of an organization's messages, and counts it.
    async fn settle(
        &self,
        org: OrgId,
        settling: Vec<Settling>,
        delivered: &mut Delivered,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut ended = Vec::new();
        let mut given_back: BTreeMap<DateTime<Utc>, Vec<_>> = BTreeMap::new();
        for Settling { claim: Claim { posted, .. }, attempt } in &settling {
            match self.fate(posted, attempt, now) {
                Some(fate) => ended.push(Ended { message: posted.message.id, fate }),
                None => {
                    given_back.entry(posted.next_attempt_at).or_default().push(posted.message.id);
                }
            }
        }
        let mut tx = self.store.write(org).await?;
        let before = outbox::settle_many(&mut tx, &ended, now).await?;
        for (claimed_until, messages) in given_back {
            outbox::give_back(&mut tx, &messages, claimed_until).await?;
        }
        tx.commit().await?;
        for Ended { message, fate } in ended {
            if before.contains(&message) {
                // Its lease was over before it was sent.
                tracing::info!(
                    org.id = %org, message.id = %message,
                    "message was also settled by another worker"
                );
                delivered.sent += 1;
            } else {
                count(org, message, fate, delivered);
            }
        }
        Ok(())
    }

    /// What becomes of a message by its attempt; nothing where there was none.
    fn fate(&self, posted: &Posted, attempt: &Attempt, now: DateTime<Utc>) -> Option<Fate> {
        Some(match attempt {
            Attempt::NotBegun => return None,
            Attempt::NotMade(why) => Fate::Dropped { reason: why.to_string() },
            Attempt::Made(address, Ok(())) => Fate::Sent { address: address.clone() },
            Attempt::Made(address, Err(refusal)) => {
                let (address, error) = (address.clone(), refusal.to_string());
                match self.next(posted, refusal, now) {
                    Some(until) => Fate::PutOff { address, error, until },
                    None => Fate::Dead { address, error },
                }
            }
        })
    }

    /// When the message is tried again; never, if it is to be given up.
    fn next(
        &self,
        posted: &Posted,
        refusal: &Undelivered,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        match refusal {
            Undelivered::Permanent(_) => None,
            Undelivered::Temporary(_) => {
                let [jitter, ..] = self.entropy.secret();
                match retry::after(posted.attempts, jitter) {
                    Next::Retry(wait) => Some(now + wait),
                    Next::Dead => None,
                }
            }
        }
    }
}

/// Hands a claim over to be settled.
fn settle_soon(ended: &mpsc::UnboundedSender<Settling>, claim: Claim, attempt: Attempt) {
    if ended.send(Settling { claim, attempt }).is_err() {
        tracing::error!("a message cannot be settled; it is sent again when its lease is over");
    }
}

fn count(org: OrgId, message: MessageId, fate: Fate, delivered: &mut Delivered) {
    match fate {
        Fate::Sent { .. } => {
            delivered.sent += 1;
            tracing::debug!(org.id = %org, message.id = %message, "message sent");
        }
        Fate::PutOff { until, .. } => {
            delivered.put_off += 1;
            tracing::info!(
                org.id = %org, message.id = %message, next_attempt_at = %until,
                "message not accepted; it will be retried"
            );
        }
        Fate::Dead { .. } => {
            delivered.dead += 1;
            tracing::warn!(
                org.id = %org, message.id = %message, "message abandoned; see the outbox"
            );
        }
        Fate::Dropped { reason } => {
            delivered.dropped += 1;
            tracing::info!(org.id = %org, message.id = %message, reason, "message dropped");
        }
    }
}

/// Each organization's part, in the order in which it was.
fn by_organization<T>(all: Vec<T>, org: impl Fn(&T) -> OrgId) -> BTreeMap<OrgId, Vec<T>> {
    let mut parts: BTreeMap<OrgId, Vec<T>> = BTreeMap::new();
    for one in all {
        parts.entry(org(&one)).or_default().push(one);
    }
    parts
}

fn span(of: Duration) -> TimeDelta {
    TimeDelta::from_std(of).unwrap_or(TimeDelta::MAX)
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn log_fault(what: &'static str, fault: &(impl std::error::Error + 'static)) {
    tracing::error!(error = fault as &dyn std::error::Error, "{what} failed");
}

#[cfg(test)]
mod tests;
