//! The ladder: when a message that was not taken is tried again, and when it is given up.

use std::time::Duration;

/// The waits after the first, second, … failed attempt. After the last one the message is dead:
/// three days, long enough for a mail server's weekend.
pub const RETRY_DELAYS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another attempt, after this wait.
    Retry(Duration),
    /// None; it is given up.
    Dead,
}

/// What follows the `attempts`-th failed attempt (the first is 1).
///
/// `jitter` is any number; up to a tenth of the wait is added by it, so that what failed together,
/// because a server was down, does not come back together.
#[must_use]
pub(crate) fn after(attempts: u32, jitter: u8) -> Next {
    let step = usize::try_from(attempts.max(1) - 1).unwrap_or(usize::MAX);
    match RETRY_DELAYS.get(step) {
        Some(wait) => Next::Retry(*wait + *wait * u32::from(jitter) / (10 * u32::from(u8::MAX))),
        None => Next::Dead,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_waits_longer_and_the_last_gives_up() {
        let seconds: Vec<Option<u64>> = (1..=11)
            .map(|attempts| match after(attempts, 0) {
                Next::Retry(wait) => Some(wait.as_secs()),
                Next::Dead => None,
            })
            .collect();
        assert_eq!(
            seconds,
            [
                Some(5),
                Some(300),
                Some(1_800),
                Some(7_200),
                Some(18_000),
                Some(36_000),
                Some(50_400),
                Some(72_000),
                Some(86_400),
                None,
                None
            ]
        );
    }

    #[test]
    fn jitter_adds_at_most_a_tenth() {
        for attempts in 1..=9 {
            let (Next::Retry(least), Next::Retry(most)) =
                (after(attempts, 0), after(attempts, 255))
            else {
                panic!("attempt {attempts} is not the last");
            };
            assert_eq!(most, least + least / 10);
        }
    }
}
