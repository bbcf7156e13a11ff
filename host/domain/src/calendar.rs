//! Working hours: when an organization or a team works, by its own wall clock.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// Minutes of a local day, half open: `from <= t < to`, at most 1440.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// First minute that is worked.
    pub from: u16,
    /// First minute that is not.
    pub to: u16,
}

/// A week of working hours; the first day is Monday. Intervals of a day neither touch nor overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingHours {
    /// The intervals of each day, Monday first.
    pub days: [Vec<Interval>; 7],
}

/// A moment as a wall clock of a zone shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalMoment {
    /// The date: `2026-06-01`.
    pub date: String,
    /// 1 (Monday) to 7 (Sunday).
    pub weekday: u8,
    /// Minutes since local midnight, 0 to 1439.
    pub minute_of_day: u16,
}

/// What a zone's wall clock shows at a moment.
#[must_use]
pub fn local(at: DateTime<Utc>, zone: Tz) -> LocalMoment {
    use chrono::{Datelike, Timelike};
    let local = at.with_timezone(&zone);
    let minute_of_day = u16::try_from(local.hour() * 60 + local.minute()).unwrap_or(0);
    LocalMoment {
        date: local.format("%Y-%m-%d").to_string(),
        weekday: u8::try_from(local.weekday().number_from_monday()).unwrap_or(1),
        minute_of_day,
    }
}
