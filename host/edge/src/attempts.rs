//! Attempts to authenticate that failed, counted by address.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Utc};

/// So many may fail in a row; a program with an old token tries a few times.
const BURST: f64 = 30.0;
/// So many are forgiven each second.
const FORGIVEN: f64 = 0.5;
/// More addresses, or valid tokens, than this are forgotten all at once.
const REMEMBERED: usize = 10_000;

/// What is remembered of attempts. Tokens that were valid are let through whatever their address
/// did: behind a proxy, everybody has the same.
#[derive(Debug)]
pub struct Attempts {
    burst: f64,
    forgiven: f64,
    hasher: RandomState,
    state: Mutex<State>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self::of(BURST, FORGIVEN)
    }
}

#[derive(Debug, Default)]
struct State {
    failures: HashMap<IpAddr, (f64, DateTime<Utc>)>,
    /// Keyed hashes of tokens that were valid.
    valid: HashSet<u64>,
}

impl Attempts {
    /// Attempts of which so many may fail in a row, and so many are forgiven each second.
    #[must_use]
    pub fn of(burst: f64, forgiven: f64) -> Self {
        Self { burst, forgiven, hasher: RandomState::new(), state: Mutex::default() }
    }

    /// Whether the attempt may be made.
    pub fn allows(&self, from: Option<IpAddr>, secret: &str, now: DateTime<Utc>) -> bool {
        let Some(address) = from else { return true };
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = state.failures.get(&address).map_or(0.0, |counted| self.left(*counted, now));
        failures < self.burst || state.valid.contains(&self.hasher.hash_one(secret))
    }

    /// Notes that one failed.
    pub fn failed(&self, from: Option<IpAddr>, secret: &str, now: DateTime<Utc>) {
        let Some(address) = from else { return };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Revoked or expired, it is a stranger's.
        state.valid.remove(&self.hasher.hash_one(secret));
        if state.failures.len() >= REMEMBERED {
            state.failures.retain(|_, counted| self.left(*counted, now) > 0.0);
            if state.failures.len() >= REMEMBERED {
                state.failures.clear();
            }
        }
        let counted = state.failures.entry(address).or_insert((0.0, now));
        *counted = (self.left(*counted, now) + 1.0, now);
    }

    /// Notes that one succeeded.
    pub fn succeeded(&self, from: Option<IpAddr>, secret: &str) {
        if from.is_none() {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.valid.len() >= REMEMBERED {
            state.valid.clear();
        }
        state.valid.insert(self.hasher.hash_one(secret));
    }

    /// The failures that are not forgiven yet.
    fn left(&self, (failures, at): (f64, DateTime<Utc>), now: DateTime<Utc>) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "of a count of seconds")]
        let seconds = (now - at).num_seconds().max(0) as f64;
        (failures - seconds * self.forgiven).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;

    const FROM: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    #[test]
    fn an_address_that_fails_too_often_is_stopped_for_a_while_and_valid_tokens_are_not() {
        let (attempts, now) = (Attempts::default(), DateTime::UNIX_EPOCH);
        attempts.succeeded(FROM, "good");
        for _ in 0..30 {
            assert!(attempts.allows(FROM, "bad", now));
            attempts.failed(FROM, "bad", now);
        }
        assert!(!attempts.allows(FROM, "bad", now));
        assert!(attempts.allows(FROM, "good", now));
        let elsewhere = Some(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)));
        assert!(attempts.allows(elsewhere, "bad", now));
        assert!(attempts.allows(FROM, "bad", now + Duration::seconds(2)));
    }

    #[test]
    fn a_token_that_was_revoked_is_a_strangers() {
        let (attempts, now) = (Attempts::default(), DateTime::UNIX_EPOCH);
        attempts.succeeded(FROM, "good");
        for _ in 0..30 {
            attempts.failed(FROM, "good", now);
        }
        assert!(!attempts.allows(FROM, "good", now));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (attempts, now) = (Attempts::default(), DateTime::UNIX_EPOCH);
        for number in 0..25_000_u32 {
            attempts.failed(Some(IpAddr::V4(number.into())), "bad", now);
            attempts.succeeded(FROM, &number.to_string());
        }
        let state = attempts.state.lock().unwrap();
        assert!(state.failures.len() <= REMEMBERED && state.valid.len() <= REMEMBERED);
    }
}
