//! The worker: claims due messages, has them sent, and settles them.
//!
//! Whom a message goes to is looked up when it leaves, at each attempt. A claim is a lease in a
//! committed transaction. Sending happens with no transaction open,
//! settling in one of the message's organization. So a message whose sender died between the two is
//! claimed again when its lease is over, by whichever copy of the server is alive.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;
use waypost_app::outbox::leaving;
use waypost_app::{Clock, Entropy};
use waypost_domain::message::{Message, NotSent};
use waypost_store::outbox::{self, Posted};
use waypost_store::{Store, StoreError};

use crate::retry::{self, Next};
use crate::{Transport, Undelivered};

/// What can be set about a worker.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// How many messages are on their way at the same moment.
    pub at_once: u32,
    /// How often the outbox is looked at when it was empty.
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

/// What became of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Sent,
    PutOff,
    Dead,
    Dropped,
}

/// What became of an attempt.
enum Attempt {
    /// It was handed to the transport, for this address.
    Made(String, Result<(), Undelivered>),
    /// There was none, for this reason.
    NotMade(NotSent),
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
        let mut on_their_way = JoinSet::new();
        loop {
            let busy = u32::try_from(on_their_way.len()).unwrap_or(u32::MAX);
            match self.claim(self.options.at_once.saturating_sub(busy)).await {
                Ok(claimed) => {
                    for message in claimed {
                        let worker = self.clone();
                        on_their_way.spawn(async move { worker.deliver(message).await });
                    }
                }
                Err(fault) => log_fault("claiming messages", &fault),
            }
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some(_) = on_their_way.join_next(), if !on_their_way.is_empty() => {
                    // Those that ended meanwhile, so that one claim refills all their places.
                    while on_their_way.try_join_next().is_some() {}
                }
                () = tokio::time::sleep(self.options.pause) => {}
            }
        }
        while on_their_way.join_next().await.is_some() {}
    }

    /// Sends everything that is due now, once, and says what became of it.
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
            for message in claimed {
                match self.attempt(message).await? {
                    Fate::Sent => delivered.sent += 1,
                    Fate::PutOff => delivered.put_off += 1,
                    Fate::Dead => delivered.dead += 1,
                    Fate::Dropped => delivered.dropped += 1,
                }
            }
        }
    }

    async fn claim(&self, most: u32) -> Result<Vec<Posted>, StoreError> {
        if most == 0 {
            return Ok(Vec::new());
        }
        // Longer than an attempt, so that nobody else claims what is still on its way.
        let lease = TimeDelta::from_std(self.options.attempt * 2).unwrap_or(TimeDelta::MAX);
        let mut tx = self.store.system().await?;
        let claimed = outbox::claim(&mut tx, self.clock.now(), lease, most).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    async fn deliver(&self, posted: Posted) {
        if let Err(fault) = self.attempt(posted).await {
            log_fault("updating a message", &fault);
        }
    }

    #[tracing::instrument(name = "delivery", skip_all, fields(
        org.id = %posted.message.org, message.id = %posted.message.id, attempt = posted.attempts,
    ))]
    async fn attempt(&self, posted: Posted) -> Result<Fate, StoreError> {
        let attempt = match leaving(&self.store, &posted.message).await? {
            Ok(address) => {
                let message = Message { address: Some(address.clone()), ..posted.message.clone() };
                Attempt::Made(address, self.send(&message).await)
            }
            Err(why) => Attempt::NotMade(why),
        };
        match self.settle(&posted, attempt).await {
            // Its lease was over before it was sent, and another worker has settled it.
            Err(StoreError::Stale) => {
                tracing::info!("message was also settled by another worker");
                Ok(Fate::Sent)
            }
            settled => settled,
        }
    }

    async fn settle(&self, posted: &Posted, attempt: Attempt) -> Result<Fate, StoreError> {
        let now = self.clock.now();
        let id = posted.message.id;
        let mut tx = self.store.write(posted.message.org).await?;
        let fate = match attempt {
            Attempt::NotMade(why) => {
                outbox::drop_unsent(&mut tx, id, &why.to_string(), now).await?;
                tracing::info!(reason = %why, "message dropped");
                Fate::Dropped
            }
            Attempt::Made(address, Ok(())) => {
                outbox::mark_sent(&mut tx, id, &address, now).await?;
                tracing::debug!("message sent");
                Fate::Sent
            }
            Attempt::Made(address, Err(refusal)) => {
                let error = refusal.to_string();
                if let Some(at) = self.next(posted, &refusal, now) {
                    outbox::retry_at(&mut tx, id, &address, &error, at).await?;
                    tracing::info!(next_attempt_at = %at, "message not accepted; it will be retried");
                    Fate::PutOff
                } else {
                    outbox::give_up(&mut tx, id, &address, &error, now).await?;
                    tracing::warn!("message abandoned; see the outbox");
                    Fate::Dead
                }
            }
        };
        tx.commit().await?;
        Ok(fate)
    }

    async fn send(&self, message: &Message) -> Result<(), Undelivered> {
        tokio::time::timeout(self.options.attempt, self.transport.send(message))
            .await
            .unwrap_or_else(|_| Err(Undelivered::Temporary("it timed out".to_owned())))
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

fn log_fault(what: &'static str, fault: &StoreError) {
    tracing::error!(error = fault as &dyn std::error::Error, "{what} failed");
}

#[cfg(test)]
mod tests;
