//! Secrets of sign-ins that were good lately. Whoever shows one is looked up at once; of all others
//! few are at the same time, so that who makes secrets up takes the database from nobody who is
//! signed in. It is nobody's right that is decided here: each secret is looked up in any case.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Semaphore, SemaphorePermit};

/// So many secrets that nobody knows are looked up at the same time. The smallest pool of
/// connections that look who asks lends one after the other, so nobody waits for many.
const AT_ONCE: usize = 2;
/// So many secrets are known at least, and twice as many at most.
const KEPT: usize = 10_000;

/// The secrets, and the places of those who show others.
#[derive(Debug)]
pub(crate) struct Acquainted {
    hasher: RandomState,
    known: Mutex<Known>,
    places: Semaphore,
}

/// Keyed hashes of secrets that were good: those that were last used longest ago go together.
#[derive(Debug, Default)]
struct Known {
    lately: HashSet<u64>,
    before: HashSet<u64>,
}

impl Default for Acquainted {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            known: Mutex::default(),
            places: Semaphore::new(AT_ONCE),
        }
    }
}

impl Acquainted {
    /// Waits for a place to look a secret up, to be held until it is; one that was good lately
    /// needs none.
    pub(crate) async fn place_for(&self, secret: &str) -> Option<SemaphorePermit<'_>> {
        let is_known = self.known().has(self.hasher.hash_one(secret));
        // Nobody closes it.
        if is_known { None } else { self.places.acquire().await.ok() }
    }

    /// Notes whether a secret is somebody's.
    pub(crate) fn note(&self, secret: &str, is_good: bool) {
        let hash = self.hasher.hash_one(secret);
        let mut known = self.known();
        if is_good {
            known.add(hash);
        } else {
            known.remove(hash);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn has(&self, hash: u64) -> bool {
        self.lately.contains(&hash) || self.before.contains(&hash)
    }

    fn add(&mut self, hash: u64) {
        if self.lately.len() >= KEPT && !self.lately.contains(&hash) {
            self.before = std::mem::take(&mut self.lately);
        }
        self.lately.insert(hash);
    }

    fn remove(&mut self, hash: u64) {
        self.lately.remove(&hash);
        self.before.remove(&hash);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn who_was_known_lately_waits_for_no_stranger() {
        let acquainted = Acquainted::default();
        let place_for = |secret| acquainted.place_for(secret).now_or_never();
        acquainted.note("good", true);
        let strangers: Vec<_> = (0..AT_ONCE).map(|_| place_for("made up").unwrap()).collect();
        assert!(strangers.iter().all(Option::is_some));
        assert!(place_for("made up, too").is_none(), "no more of them at the same time");
        assert!(place_for("good").unwrap().is_none(), "it needs no place");
        // Who has signed out is a stranger.
        acquainted.note("good", false);
        assert!(place_for("good").is_none());
        drop(strangers);
        assert!(place_for("good").unwrap().is_some());
    }

    #[test]
    fn of_very_many_secrets_those_are_known_that_were_used_last() {
        let mut known = Known::default();
        let (old, kept) = (0, 1);
        known.add(old);
        for hash in 2..100_000 {
            known.add(hash);
            known.add(kept);
        }
        assert!(known.has(kept) && known.has(99_999) && !known.has(old));
        assert!(known.lately.len() + known.before.len() <= 2 * KEPT);
    }
}
