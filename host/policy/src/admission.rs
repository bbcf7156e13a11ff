//! Turns: who may run a policy now.
//!
//! Two gates, both before the engine's pool, so that a full pool is a wait and never an error.
//! [`Admission`] shares the installation fairly among organizations: a round of decisions takes one
//! permit. [`Slots`] counts running sandboxes, for callers that came without a permit too.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// No turn came within the admission wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("too many policies were running")]
pub struct Busy;

/// The right of one organization to run policies, one after the other, until it is dropped.
#[derive(Debug)]
pub struct Permit {
    _of_org: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
    _preview: Option<OwnedSemaphorePermit>,
}

/// The fair share of each organization, and the whole that they share.
pub(crate) struct Admission {
    all: Arc<Semaphore>,
    orgs: Shares,
    /// What previews of all organizations may take of the whole.
    all_previews: Arc<Semaphore>,
    previews: Shares,
    wait: Duration,
}

/// So many previews of one organization ask policies at the same time. They have no part in the
/// share of its real tickets.
const PREVIEWS_PER_ORG: usize = 2;
/// Previews of all organizations together take one in so many of the whole.
const PREVIEWS_ONE_IN: u32 = 4;

/// Organizations whose last permit is gone are forgotten when this many are remembered.
const REMEMBERED_ORGS: usize = 1024;

impl Admission {
    pub(crate) fn new(instances: u32, per_org: u32, wait: Duration) -> Self {
        Self {
            all: Arc::new(Semaphore::new(instances.max(1) as usize)),
            orgs: Shares::of(per_org.max(1) as usize),
            all_previews: Arc::new(Semaphore::new((instances / PREVIEWS_ONE_IN).max(1) as usize)),
            previews: Shares::of(PREVIEWS_PER_ORG),
            wait,
        }
    }

    pub(crate) async fn admit(&self, org: Uuid) -> Result<Permit, Busy> {
        let share = self.orgs.of_org(org);
        // The organization's own gate comes first: one that has used up its share queues up there,
        // and holds nothing that others wait for.
        let both = async {
            let of_org = share.acquire_owned().await?;
            let of_all = Arc::clone(&self.all).acquire_owned().await?;
            let permit = Permit { _of_org: of_org, _of_all: of_all, _preview: None };
            Ok::<_, tokio::sync::AcquireError>(permit)
        };
        tokio::time::timeout(self.wait, both).await.map_err(|_| Busy)?.map_err(|_| Busy)
    }

    /// A turn of a preview. It does not wait, so that whoever does comes first.
    pub(crate) fn admit_preview(&self, org: Uuid) -> Result<Permit, Busy> {
        let of_org = self.previews.of_org(org).try_acquire_owned().map_err(|_| Busy)?;
        let now = |gate: &Arc<Semaphore>| Arc::clone(gate).try_acquire_owned().map_err(|_| Busy);
        let of_previews = now(&self.all_previews)?;
        let of_all = now(&self.all)?;
        Ok(Permit { _of_org: of_org, _of_all: of_all, _preview: Some(of_previews) })
    }
}

/// The gate of each organization, with the same number of permits for all of them.
struct Shares {
    orgs: Mutex<HashMap<Uuid, Weak<Semaphore>>>,
    each: usize,
}

impl Shares {
    fn of(each: usize) -> Self {
        Self { orgs: Mutex::default(), each }
    }

    fn of_org(&self, org: Uuid) -> Arc<Semaphore> {
        let mut orgs = self.orgs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = orgs.get(&org).and_then(Weak::upgrade) {
            return share;
        }
        if orgs.len() >= REMEMBERED_ORGS {
            orgs.retain(|_, share| share.strong_count() > 0);
        }
        let share = Arc::new(Semaphore::new(self.each));
        orgs.insert(org, Arc::downgrade(&share));
        share
    }
}

/// The places of the engine's pool.
pub(crate) struct Slots {
    free: Mutex<u32>,
    freed: Condvar,
}

/// A place in the pool, until it is dropped.
pub(crate) struct Slot<'a>(&'a Slots);

impl Slots {
    pub(crate) fn new(count: u32) -> Self {
        Self { free: Mutex::new(count.max(1)), freed: Condvar::new() }
    }

    /// Waits for a place, at most so long.
    pub(crate) fn take(&self, wait: Duration) -> Result<Slot<'_>, Busy> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut free, _) = self
            .freed
            .wait_timeout_while(free, wait, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        if *free == 0 {
            return Err(Busy);
        }
        *free -= 1;
        Ok(Slot(self))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_millis(100);

    #[tokio::test(start_paused = true)]
    async fn an_organization_cannot_take_the_share_of_another() {
        let admission = Admission::new(3, 2, WAIT);
        let (greedy, modest) = (Uuid::from_u128(1), Uuid::from_u128(2));

        let _first = admission.admit(greedy).await.unwrap();
        let _second = admission.admit(greedy).await.unwrap();
        assert_eq!(admission.admit(greedy).await.unwrap_err(), Busy);
        admission.admit(modest).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_installation_is_a_wait_then_busy() {
        let admission = Arc::new(Admission::new(1, 1, WAIT));
        let held = admission.admit(Uuid::from_u128(1)).await.unwrap();
        assert_eq!(admission.admit(Uuid::from_u128(2)).await.unwrap_err(), Busy);

        let waiting = tokio::spawn({
            let admission = Arc::clone(&admission);
            async move { admission.admit(Uuid::from_u128(2)).await.map(drop) }
        });
        tokio::time::advance(WAIT / 2).await;
        drop(held);
        assert_eq!(waiting.await.unwrap(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn previews_have_a_small_share_of_their_own_and_are_refused_at_once() {
        let admission = Admission::new(8, 2, WAIT);
        let (org, other, third) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let first = admission.admit_preview(org).unwrap();
        let _second = admission.admit_preview(org).unwrap();
        assert_eq!(admission.admit_preview(org).unwrap_err(), Busy);
        // Two of eight are all that previews have.
        assert_eq!(admission.admit_preview(other).unwrap_err(), Busy);
        // The share of real tickets is whole.
        let _real = [admission.admit(org).await.unwrap(), admission.admit(org).await.unwrap()];
        drop(first);
        let _preview = admission.admit_preview(other).unwrap();
        assert_eq!(admission.admit_preview(third).unwrap_err(), Busy);
    }

    #[tokio::test(start_paused = true)]
    async fn organizations_that_are_gone_are_forgotten() {
        let admission = Admission::new(1, 1, WAIT);
        for org in 0..=REMEMBERED_ORGS as u128 {
            admission.admit(Uuid::from_u128(org)).await.unwrap();
        }
        assert!(admission.orgs.orgs.lock().unwrap().len() < REMEMBERED_ORGS);
    }

    #[test]
    fn a_slot_comes_back_when_it_is_dropped() {
        let slots = Slots::new(1);
        let slot = slots.take(Duration::ZERO).unwrap();
        assert!(slots.take(Duration::ZERO).is_err());
        drop(slot);
        assert!(slots.take(Duration::ZERO).is_ok());
    }
}
