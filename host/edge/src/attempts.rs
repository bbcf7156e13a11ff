//! Attempts to authenticate that failed, counted by network.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Utc};

/// So many may fail in a row; a program with an old token tries a few times.
const BURST: f64 = 30.0;
/// So many are forgiven each second.
const FORGIVEN: f64 = 0.5;
/// Of more networks than this, those that failed longest ago are forgotten; of more valid tokens,
/// all.
const REMEMBERED: usize = 10_000;

/// What is remembered of attempts, by the network that they come from. Tokens that were valid are
/// let through whatever their network did: behind a proxy, everybody has the same.
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
        let Some(address) = from.map(network_of) else { return true };
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = state.failures.get(&address).map_or(0.0, |counted| self.left(*counted, now));
        failures < self.burst || state.valid.contains(&self.hasher.hash_one(secret))
    }

    /// Notes that one failed.
    pub fn failed(&self, from: Option<IpAddr>, secret: &str, now: DateTime<Utc>) {
        let Some(address) = from.map(network_of) else { return };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Revoked or expired, it is a stranger's.
        state.valid.remove(&self.hasher.hash_one(secret));
        if state.failures.len() >= REMEMBERED && !state.failures.contains_key(&address) {
            state.failures.retain(|_, counted| self.left(*counted, now) > 0.0);
            forget_oldest(&mut state.failures);
        }
        let counted = state.failures.entry(address).or_insert((0.0, now));
        *counted = (self.left(*counted, now) + 1.0, now);
    }

    /// Takes back what was noted of one before it was known what came of it.
    pub fn taken_back(&self, from: Option<IpAddr>, now: DateTime<Utc>) {
        let Some(from) = from.map(network_of) else { return };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counted) = state.failures.get_mut(&from) {
            *counted = ((self.left(*counted, now) - 1.0).max(0.0), now);
        }
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

/// Whose an address is: in IPv6, one machine has as many as it likes of a /64; and IPv4 is the same
/// when it is written in IPv6.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// Makes room where there is none: for many at once, so that it is seldom done.
fn forget_oldest(failures: &mut HashMap<IpAddr, (f64, DateTime<Utc>)>) {
    if failures.len() < REMEMBERED {
        return;
    }
    let mut times: Vec<_> = failures.iter().map(|(from, (_, at))| (*at, *from)).collect();
    let (oldest, ..) = times.select_nth_unstable(REMEMBERED / 10);
    for (_, from) in oldest {
        failures.remove(from);
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

    #[test]
    fn when_there_are_too_many_those_that_failed_longest_ago_are_forgotten() {
        let (attempts, now) = (Attempts::default(), DateTime::UNIX_EPOCH);
        let from = |number: u32| Some(IpAddr::V4(number.into()));
        for _ in 0..60 {
            attempts.failed(from(0), "bad", now);
            attempts.failed(from(1), "bad", now + Duration::milliseconds(2));
        }
        for number in 2..=10_000 {
            attempts.failed(from(number), "bad", now + Duration::milliseconds(1));
        }
        assert!(attempts.allows(from(0), "bad", now + Duration::seconds(1)));
        assert!(!attempts.allows(from(1), "bad", now + Duration::seconds(1)));
    }

    #[test]
    fn an_attempt_that_is_taken_back_does_not_count() {
        let (attempts, now) = (Attempts::of(2.0, 0.0), DateTime::UNIX_EPOCH);
        for _ in 0..3 {
            attempts.failed(FROM, "", now);
            attempts.taken_back(FROM, now);
        }
        attempts.failed(FROM, "", now);
        assert!(attempts.allows(FROM, "", now));
        attempts.failed(FROM, "", now);
        assert!(!attempts.allows(FROM, "", now));
    }

    #[test]
    fn addresses_of_one_network_count_as_one() {
        let table = [
            ("2001:db8::1", "2001:db8::ffff:1", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
            ("192.0.2.1", "192.0.2.2", false),
        ];
        for (one, other, is_same) in table {
            let (attempts, now) = (Attempts::of(1.0, 0.0), DateTime::UNIX_EPOCH);
            attempts.failed(Some(one.parse().unwrap()), "", now);
            let other_is_stopped = !attempts.allows(Some(other.parse().unwrap()), "", now);
            assert_eq!(other_is_stopped, is_same, "{one} {other}");
        }
    }
}
