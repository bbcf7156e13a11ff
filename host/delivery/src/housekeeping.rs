//! Housekeeping: removes what is past its retention.
//!
//! Receipts and their snapshots are kept for as long as each organization says, answers for
//! repeated requests and the texts of messages for as long as the installation says, policies for
//! as long as an organization has them. Everything goes in small portions, so that nobody waits
//! long for the write lock; and each kind of work looks first, so that nobody waits for nothing.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use waypost_app::Clock;
use waypost_domain::{ids::OrgId, organization::Organization, password::TRY_WINDOW};
use waypost_store::{
    Store, StoreError, Sweep, SystemReadTx, SystemTx, component, evaluation, idempotency,
    organization, outbox, password, receipt, sign_in, vote_link,
};

use crate::every::every;

/// How many records one transaction removes.
const PORTION: u32 = 500;

/// How many policies one transaction removes, of up to tens of megabytes each.
const POLICIES: u32 = 4;

/// How long a sign-in is kept after it began, and a link after it expired, for whoever asks from
/// where somebody was signed in. No sign-in holds so long.
const SIGN_INS_KEPT: TimeDelta = TimeDelta::days(30);

/// Removes what is past its retention, from time to time.
#[derive(Clone)]
pub struct Housekeeping {
    store: Store,
    clock: Arc<dyn Clock>,
    options: HousekeepingOptions,
}

/// What an operator can set about housekeeping.
#[derive(Debug, Clone)]
pub struct HousekeepingOptions {
    /// How long it waits after a sweep.
    pub pause: Duration,
    /// For how many days messages keep their texts and addresses after they were sent or given up;
    /// for ever if 0.
    pub message_text_days: u32,
}

impl Default for HousekeepingOptions {
    fn default() -> Self {
        Self { pause: Duration::from_hours(1), message_text_days: 30 }
    }
}

/// What one sweep removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Rounds of decisions, each with its snapshot and its receipts.
    pub rounds: u64,
    /// Answers that were kept for repeated requests.
    pub answers: u64,
    /// Policies that no organization has any more.
    pub policies: u64,
    /// Texts of messages that were settled long ago.
    pub texts: u64,
    /// Sign-ins that ended long ago, and links, to sign in or to vote with.
    pub sign_ins: u64,
    /// Tries of passwords that count no more.
    pub tries: u64,
}

impl Housekeeping {
    /// Housekeeping that has not begun; it sweeps at once, then after each pause.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, options: HousekeepingOptions) -> Self {
        Self { store, clock, options }
    }

    /// Works until `stop` is ready.
    ///
    /// A database that fails is not the end: it is logged, and tried again after the pause. A sweep
    /// that is left in the middle loses its last portion, and does it again next time.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        let this = &self;
        every(self.options.pause, stop, || this.sweep_once()).await;
    }

    async fn sweep_once(&self) {
        match self.sweep().await {
            Ok(swept) if swept == Swept::default() => {}
            Ok(Swept { rounds, answers, policies, texts, sign_ins, tries }) => {
                tracing::info!(
                    swept.rounds = rounds,
                    swept.answers = answers,
                    swept.policies = policies,
                    swept.texts = texts,
                    swept.sign_ins = sign_ins,
                    swept.tries = tries,
                    "removed expired records"
                );
            }
            Err(fault) => {
                tracing::error!(error = &fault as &dyn std::error::Error, "housekeeping failed");
            }
        }
    }

    /// Removes everything that is past its retention now.
    ///
    /// # Errors
    /// The database failed. What was removed until then stays removed.
    pub async fn sweep(&self) -> Result<Swept, StoreError> {
        let now = self.clock.now();
        let mut tx = self.store.system_read().await?;
        let organizations = organization::list(&mut tx).await?;
        let oldest = evaluation::oldest(&mut tx).await?;
        drop(tx);
        let mut swept = Swept::default();
        for Organization { id, settings, .. } in &organizations {
            let before = now - TimeDelta::days(settings.receipt_retention_days.into());
            if oldest.get(id).is_some_and(|oldest| oldest.is_before(before)) {
                swept.rounds += self.sweep_receipts(*id, before, now).await?;
            }
        }
        let gone = now - SIGN_INS_KEPT;
        let [sign_ins, links] = sign_in::OLD;
        swept.answers = self.remove(What::Old(idempotency::EXPIRED, now)).await?;
        swept.policies = self.remove(What::Policies).await?;
        let kept = TimeDelta::days(self.options.message_text_days.into());
        if !kept.is_zero() {
            swept.texts = self.remove(What::Texts { before: now - kept, now }).await?;
        }
        for old in [sign_ins, links, vote_link::EXPIRED] {
            swept.sign_ins += self.remove(What::Old(old, gone)).await?;
        }
        swept.tries = self.remove(What::Old(password::TRIES, now - TRY_WINDOW)).await?;
        Ok(swept)
    }

    async fn sweep_receipts(
        &self,
        org: OrgId,
        before: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let mut tx = self.store.write_alone(org).await?;
            let portion = receipt::purge(&mut tx, before, now, PORTION).await?;
            tx.commit().await?;
            removed += portion;
            if portion < u64::from(PORTION) {
                return Ok(removed);
            }
        }
    }

    /// Removes something of all organizations in portions, and says how much, unless there is none.
    async fn remove(&self, what: What) -> Result<u64, StoreError> {
        let mut removed = 0;
        if !what.is_there(&mut self.store.system_read().await?).await? {
            return Ok(removed);
        }
        loop {
            let mut tx = self.store.system_alone().await?;
            let (portion, most) = what.remove(&mut tx).await?;
            tx.commit().await?;
            removed += portion;
            if portion < u64::from(most) {
                return Ok(removed);
            }
        }
    }
}

/// What is removed of all organizations alike.
#[derive(Debug, Clone, Copy)]
enum What {
    /// What is past its time at a moment.
    Old(Sweep, DateTime<Utc>),
    /// Policies that no organization has any more.
    Policies,
    /// Texts of messages that were settled before a moment.
    Texts { before: DateTime<Utc>, now: DateTime<Utc> },
}

impl What {
    async fn is_there(self, tx: &mut SystemReadTx) -> Result<bool, StoreError> {
        match self {
            Self::Old(old, at) => old.has_any(tx, at).await,
            Self::Policies => component::has_unwanted(tx).await,
            Self::Texts { before, .. } => outbox::has_texts_before(tx, before).await,
        }
    }

    /// Removes a portion, and says how much it was and could be.
    async fn remove(self, tx: &mut SystemTx) -> Result<(u64, u32), StoreError> {
        Ok(match self {
            Self::Old(old, at) => (old.remove(tx, at, PORTION).await?, PORTION),
            Self::Policies => (component::purge(tx, POLICIES).await?, POLICIES),
            Self::Texts { before, now } => {
                (outbox::empty_texts(tx, before, now, PORTION).await?, PORTION)
            }
        })
    }
}
