//! Housekeeping: removes what is past its retention.
//!
//! Receipts and their snapshots are kept for as long as each organization says, answers for
//! repeated requests for as long as the installation says, policies for as long as an organization
//! has them. Everything goes in small portions, so that nobody waits long for the write lock.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use waypost_app::Clock;
use waypost_domain::organization::Organization;
use waypost_store::{Store, StoreError, component, idempotency, organization, receipt};

use crate::every::every;

/// How many records one transaction removes.
const PORTION: u32 = 500;

/// How many policies one transaction removes, of up to tens of megabytes each.
const POLICIES: u32 = 4;

/// Removes what is past its retention, from time to time.
#[derive(Clone)]
pub struct Housekeeping {
    store: Store,
    clock: Arc<dyn Clock>,
    pause: Duration,
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
}

impl Housekeeping {
    /// Housekeeping that has not begun; it sweeps at once, then after each pause.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, pause: Duration) -> Self {
        Self { store, clock, pause }
    }

    /// Works until `stop` is ready.
    ///
    /// A database that fails is not the end: it is logged, and tried again after the pause. A sweep
    /// that is left in the middle loses its last portion, and does it again next time.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        let this = &self;
        every(self.pause, stop, || this.sweep_once()).await;
    }

    async fn sweep_once(&self) {
        match self.sweep().await {
            Ok(Swept { rounds: 0, answers: 0, policies: 0 }) => {}
            Ok(Swept { rounds, answers, policies }) => {
                tracing::info!(
                    swept.rounds = rounds,
                    swept.answers = answers,
                    swept.policies = policies,
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
        drop(tx);
        let mut swept = Swept::default();
        for organization in &organizations {
            swept.rounds += self.sweep_receipts(organization, now).await?;
        }
        swept.answers = self.sweep_answers(now).await?;
        swept.policies = self.sweep_policies().await?;
        Ok(swept)
    }

    async fn sweep_receipts(
        &self,
        organization: &Organization,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let kept = TimeDelta::days(i64::from(organization.settings.receipt_retention_days));
        let mut removed = 0;
        loop {
            let mut tx = self.store.write(organization.id).await?;
            let portion = receipt::purge(&mut tx, now - kept, now, PORTION).await?;
            tx.commit().await?;
            removed += portion;
            if portion < u64::from(PORTION) {
                return Ok(removed);
            }
        }
    }

    async fn sweep_answers(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let mut tx = self.store.system().await?;
            let portion = idempotency::purge(&mut tx, now, PORTION).await?;
            tx.commit().await?;
            removed += portion;
            if portion < u64::from(PORTION) {
                return Ok(removed);
            }
        }
    }

    async fn sweep_policies(&self) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let mut tx = self.store.system().await?;
            let portion = component::purge(&mut tx, POLICIES).await?;
            tx.commit().await?;
            removed += portion;
            if portion < u64::from(POLICIES) {
                return Ok(removed);
            }
        }
    }
}
