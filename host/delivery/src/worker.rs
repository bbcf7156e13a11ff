//! The worker: claims due messages, has them sent, and settles them.
//!
//! ```text
//! claim, up to 64 ─▶ wait for a place ─▶ look up the receiver ─▶ send ─▶ settle
//! ```
//!
//! A claim is a lease in a committed transaction. Whom a message goes to is looked up when it
//! leaves, at each attempt. Sending happens with no transaction open. Settling follows in one
//! transaction for all messages that have ended since the last one began, whoever's they are:
//! nothing waits for company. So a message whose sender died between the two is claimed again when
//! its lease is over, by whichever copy of the server is alive.
//!
//! A lease is for an attempt as long as it may be. What waits for its place until the lease is too
//! short for one is given back, as is what had not begun when the worker was stopped.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use waypost_app::{Clock, Entropy};
use waypost_app::{
    outbox::{self as app_outbox, Leaving},
    vote_links::{self, VotePath},
};
use waypost_domain::ids::{MessageId, OrgId};
use waypost_domain::message::{LINK_PLACE, Message, NotSent};
use waypost_store::outbox::{self, Ended, Fate, Posted};
use waypost_store::{Store, StoreError};

use crate::retry::{self, Next};
use crate::{Transport, Undelivered};

/// How many messages are claimed at once, and how many at most wait for their place or to be
/// settled. What a crash sends again is no more than these and those on their way.
const CLAIMED: u32 = 64;

/// How long the database is asked for something about messages.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often it is tried again to settle what has ended, once nothing more can end.
const LAST_TRIES: u32 = 3;

/// What can be set about a worker.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// How many messages are on their way at the same moment.
    pub at_once: u32,
    /// How often the outbox is looked at when no more is due.
    pub pause: Duration,
    /// How long one attempt may take. A lease is twice as long.
    pub attempt: Duration,
    /// Where people reach the pages, without a slash at the end: links in letters begin so.
    pub site: String,
    /// Whether letters about tickets end with the address of their page. Others than this machine
    /// must reach it.
    pub names_pages: bool,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            at_once: 8,
            pause: Duration::from_secs(1),
            attempt: Duration::from_mins(2),
            site: "http://localhost:8080".to_owned(),
            names_pages: true,
        }
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
            let settled = self.settle(settling, false, &mut delivered).await;
            settled.map_err(|(fault, _)| fault)?;
        }
    }

    async fn claim(&self, most: u32) -> Result<Vec<Posted>, StoreError> {
        // Longer than an attempt, so that nobody else claims what is still on its way.
        let lease = span(self.options.attempt * 2);
        within(PATIENCE, async {
            let mut tx = self.store.system().await?;
            let claimed = outbox::claim(&mut tx, self.clock.now(), lease, most).await?;
            tx.commit().await?;
            Ok(claimed)
        })
        .await
    }

    /// Looks up whom messages that leave now go to; nothing where there is no time left for it. An
    /// organization's that can't be read are left out: they are claimed again when their lease is
    /// over.
    async fn look_up(&self, claims: Vec<Claim>) -> Vec<(Claim, Option<Result<Leaving, NotSent>>)> {
        let latest = self.clock.now() + span(self.options.attempt);
        let (in_time, late): (Vec<_>, Vec<_>) =
            claims.into_iter().partition(|claim| claim.posted.next_attempt_at >= latest);
        let mut leaving: Vec<_> = late.into_iter().map(|claim| (claim, None)).collect();
        let found = for_all(
            in_time,
            |one| one.posted.message.org,
            |claims: Vec<Claim>| {
                let (store, entropy) = (self.store.clone(), Arc::clone(&self.entropy));
                let (now, names_pages) = (self.clock.now(), self.options.names_pages);
                async move {
                    let messages: Vec<_> =
                        claims.iter().map(|claim| &claim.posted.message).collect();
                    let entropy = entropy.as_ref();
                    let found = within(PATIENCE, async {
                        let mut found =
                            app_outbox::leaving(&store, entropy, &messages, now).await?;
                        if names_pages {
                            vote_links::make(&store, entropy, &messages, &mut found, now).await?;
                        }
                        Ok(found)
                    });
                    let found = found.await;
                    (claims, found)
                }
            },
        );
        for (claims, found) in found.await {
            match found {
                Ok(found) => leaving.extend(claims.into_iter().zip(found.into_iter().map(Some))),
                Err(fault) => log_fault("looking up who gets messages", &fault),
            }
        }
        // Looking up takes time, too.
        let latest = self.clock.now() + span(self.options.attempt);
        for (claim, found) in &mut leaving {
            if claim.posted.next_attempt_at < latest {
                *found = None;
            }
        }
        // The longest due leaves first, whoever's it is.
        leaving.sort_by_key(|(claim, _)| (claim.posted.message.send_at, claim.posted.message.id));
        leaving
    }

    #[tracing::instrument(name = "delivery", skip_all, fields(
        org.id = %posted.message.org, message.id = %posted.message.id, attempt = posted.attempts,
    ))]
    async fn attempt(&self, posted: &Posted, found: Option<Result<Leaving, NotSent>>) -> Attempt {
        match found {
            Some(Ok(Leaving { address, link, page, votes, .. })) => {
                let mut message =
                    Message { address: Some(address.clone()), ..posted.message.clone() };
                if let Some(path) = link {
                    let whole = format!("{}{path}", self.options.site);
                    message.body = message.body.replace(LINK_PLACE, &whole);
                }
                if let Some(path) = page.filter(|_| self.options.names_pages) {
                    let text = message.body.trim_end();
                    message.body = format!("{text}\n\n{}{path}", self.options.site);
                }
                message.body.push_str(&self.ways_to_vote(&votes));
                Attempt::Made(address, self.send(&message).await)
            }
            Some(Err(why)) => Attempt::NotMade(why),
            None => Attempt::NotBegun,
        }
    }

    /// What a letter says of the links with which its receiver votes; nothing where there are none.
    fn ways_to_vote(&self, votes: &[VotePath]) -> String {
        let warning = match votes.len() {
            0 => return String::new(),
            1 => {
                "This link votes in your name: do not pass it on. It works once, for 7 days at most."
            }
            _ => {
                "These links vote in your name: do not pass them on. Each works once, for 7 days at most."
            }
        };
        let line = |VotePath { step, path }: &VotePath| {
            let which = if votes.len() > 1 { format!(" ({step})") } else { String::new() };
            format!("\n\nVote without signing in{which}:\n{}{path}", self.options.site)
        };
        format!("{}\n{warning}", votes.iter().map(line).collect::<String>())
    }

    async fn send(&self, message: &Message) -> Result<(), Undelivered> {
        tokio::time::timeout(self.options.attempt, self.transport.send(message))
            .await
            .unwrap_or_else(|_| Err(Undelivered::Temporary("it timed out".to_owned())))
    }

    /// Settles what ends, until nothing more can end: whatever has ended when the transaction
    /// before it is over. Where the database cannot do it now, it is tried again until the lease is
    /// over: then what was sent and not settled is sent once more.
    async fn settle_what_ends(self, mut ending: mpsc::UnboundedReceiver<Settling>) {
        let mut ended = Vec::new();
        let mut last_tries = LAST_TRIES;
        let mut is_again = false;
        loop {
            if !is_again && ending.recv_many(&mut ended, size(CLAIMED)).await == 0 {
                return;
            }
            while is_again && let Ok(one) = ending.try_recv() {
                ended.push(one);
            }
            let settled = self.settle(ended, is_again, &mut Delivered::default()).await;
            let Err((fault, rest)) = settled else {
                (ended, is_again) = (Vec::new(), false);
                continue;
            };
            log_fault("updating messages", &fault);
            let now = self.clock.now();
            let is_ours = |one: &Settling| one.claim.posted.next_attempt_at > now;
            ended = rest.into_iter().filter(is_ours).collect();
            if ending.is_closed() && !ended.is_empty() {
                // What ended behind these has its turn, too.
                if last_tries == 0 {
                    ended.clear();
                }
                last_tries = last_tries.saturating_sub(1);
            }
            is_again = !ended.is_empty();
            if is_again {
                tokio::time::sleep(self.options.pause).await;
            }
        }
    }

    /// Notes what became of messages, and counts it. What could not be noted now comes back. Where
    /// this is done again, the first time may have been kept without anybody hearing it.
    async fn settle(
        &self,
        settling: Vec<Settling>,
        is_again: bool,
        delivered: &mut Delivered,
    ) -> Result<(), (StoreError, Vec<Settling>)> {
        let org = |one: &Settling| one.claim.posted.message.org;
        let settled = for_all(settling, org, |part: Vec<Settling>| {
            let worker = self.clone();
            async move {
                let settled = worker.settle_together(&part).await;
                (part, settled)
            }
        });
        let mut failed: Option<StoreError> = None;
        let mut rest = Vec::new();
        for (settling, settled) in settled.await {
            match settled {
                Ok((ended, before)) => {
                    for one in ended {
                        if before.contains(&one.message) && !is_again {
                            // Its lease was over before it was sent.
                            tracing::info!(
                                org.id = %one.org, message.id = %one.message,
                                "message was also settled by another worker"
                            );
                            delivered.sent += 1;
                        } else {
                            count(one, delivered);
                        }
                    }
                }
                Err(fault) => {
                    if is_about_all(&fault) {
                        rest.extend(settling);
                    }
                    if let Some(other) = failed.replace(fault) {
                        log_fault("updating messages", &other);
                    }
                }
            }
        }
        failed.map_or(Ok(()), |fault| Err((fault, rest)))
    }

    /// Notes what became of messages; those that were settled before are told apart.
    async fn settle_together(
        &self,
        settling: &[Settling],
    ) -> Result<(Vec<Ended>, BTreeSet<MessageId>), StoreError> {
        let now = self.clock.now();
        let mut ended = Vec::new();
        let mut given_back: BTreeMap<DateTime<Utc>, Vec<_>> = BTreeMap::new();
        for Settling { claim: Claim { posted, .. }, attempt } in settling {
            let (org, message) = (posted.message.org, posted.message.id);
            match self.fate(posted, attempt, now) {
                Some(fate) => ended.push(Ended { org, message, fate }),
                None => {
                    given_back.entry(posted.next_attempt_at).or_default().push((org, message));
                }
            }
        }
        let before = within(PATIENCE, async {
            let mut tx = self.store.system().await?;
            let before = outbox::settle_many(&mut tx, &ended, now).await?;
            for (claimed_until, messages) in given_back {
                outbox::give_back(&mut tx, &messages, claimed_until).await?;
            }
            tx.commit().await?;
            Ok(before)
        })
        .await?;
        Ok((ended, before))
    }

    /// What becomes of a message by its attempt; nothing where there was none.
    fn fate(&self, posted: &Posted, attempt: &Attempt, now: DateTime<Utc>) -> Option<Fate> {
        Some(match attempt {
            Attempt::NotBegun => return None,
            Attempt::NotMade(why) => Fate::Dropped { reason: why.to_string() },
            Attempt::Made(address, Ok(())) => Fate::Sent { address: address.clone() },
            Attempt::Made(address, Err(refusal)) => {
                // What a mail server says may be anything, and not every database keeps anything.
                let error = refusal.to_string().replace(char::is_control, " ");
                let address = address.clone();
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

fn count(ended: Ended, delivered: &mut Delivered) {
    let Ended { org, message, fate } = ended;
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

/// Does something for all organizations together; for each by itself where something of one of them
/// stands against it, so that it harms that one only.
async fn for_all<T, R, F: Future<Output = (Vec<T>, Result<R, StoreError>)>>(
    all: Vec<T>,
    org: fn(&T) -> OrgId,
    act: impl Fn(Vec<T>) -> F,
) -> Vec<(Vec<T>, Result<R, StoreError>)> {
    if all.is_empty() {
        return Vec::new();
    }
    let (all, done) = act(all).await;
    let is_of_several = all.iter().any(|one| org(one) != org(&all[0]));
    if done.as_ref().err().is_none_or(|fault| !is_of_several || is_about_all(fault)) {
        return vec![(all, done)];
    }
    let mut each = Vec::new();
    for part in by_organization(all, org).into_values() {
        each.push(act(part).await);
    }
    each
}

/// Asks the database for no longer than this: a connection may hang without being broken.
async fn within<T>(
    limit: Duration,
    asked: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    tokio::time::timeout(limit, asked).await.unwrap_or(Err(StoreError::Busy))
}

/// Whether a fault is the database's, whatever was asked of it.
fn is_about_all(fault: &StoreError) -> bool {
    matches!(fault, StoreError::Busy | StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_))
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
