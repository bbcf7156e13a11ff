//! The one real clock, and the one source of ids and secrets.

use std::sync::Mutex;

use chrono::{DateTime, Utc};
use uuid::{ContextV7, Timestamp, Uuid};
use waypost_app::{Clock, Entropy, ToMicros};

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one clock that everybody else is handed"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().to_micros()
    }
}

/// The operating system's randomness.
#[derive(Debug)]
pub(crate) struct SystemEntropy {
    /// Counts within a millisecond, so that ids made together still sort as they were made.
    sequence: Mutex<ContextV7>,
}

impl SystemEntropy {
    pub(crate) fn new() -> Self {
        Self { sequence: Mutex::new(ContextV7::new()) }
    }
}

impl Entropy for SystemEntropy {
    fn id(&self, now: DateTime<Utc>) -> Uuid {
        // A clock that stands before 1970 is wrong; ids are still ids.
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        let timestamp = Timestamp::from_unix(&self.sequence, seconds, now.timestamp_subsec_nanos());
        Uuid::new_v7(timestamp)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one source that everybody else is handed"
    )]
    fn secret(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("an operating system without randomness runs no server");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_as_they_were_made() {
        let entropy = SystemEntropy::new();
        let now = SystemClock.now();
        let ids: Vec<Uuid> = (0..10_000).map(|_| entropy.id(now)).collect();
        assert!(ids.is_sorted());
        assert_eq!(ids[0].get_version_num(), 7);
    }

    #[test]
    fn secrets_differ() {
        let entropy = SystemEntropy::new();
        assert_ne!(entropy.secret(), entropy.secret());
    }
}
