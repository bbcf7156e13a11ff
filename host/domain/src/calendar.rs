//! Working hours: when an organization or a team works, by its own wall clock.

pub mod hours;
mod span;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use thiserror::Error;

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

/// Working hours that can't be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CalendarFault {
    /// An interval ends before it begins, or after midnight.
    #[error(
        "minutes {from} to {to} are not a valid interval; a day has minutes 0 to 1440, and an \
         interval ends after it begins"
    )]
    Interval {
        /// Its first minute.
        from: u16,
        /// Its end.
        to: u16,
    },
    /// Two intervals of a day touch, overlap or are out of order.
    #[error(
        "the interval from minute {second} touches or overlaps the one from minute {first} of the \
         same day; combine them"
    )]
    Overlap {
        /// The first minute of the earlier one.
        first: u16,
        /// The first minute of the later one.
        second: u16,
    },
}

impl WorkingHours {
    /// A week of these intervals, Monday first. Each day is put in order.
    pub fn new(mut days: [Vec<Interval>; 7]) -> Result<Self, CalendarFault> {
        for day in &mut days {
            day.sort_by_key(|interval| interval.from);
            for interval in &*day {
                if interval.from >= interval.to || interval.to > MINUTES_OF_DAY {
                    return Err(CalendarFault::Interval { from: interval.from, to: interval.to });
                }
            }
            for pair in day.windows(2) {
                if pair[1].from <= pair[0].to {
                    return Err(CalendarFault::Overlap {
                        first: pair[0].from,
                        second: pair[1].from,
                    });
                }
            }
        }
        Ok(Self { days })
    }

    /// Monday to Friday, between these full hours.
    pub fn weekdays(from_hour: u16, to_hour: u16) -> Result<Self, CalendarFault> {
        let day = vec![Interval { from: from_hour * 60, to: to_hour * 60 }];
        Self::new([day.clone(), day.clone(), day.clone(), day.clone(), day, vec![], vec![]])
    }

    /// Every minute of the week.
    #[must_use]
    pub fn always() -> Self {
        Self { days: std::array::from_fn(|_| vec![Interval { from: 0, to: MINUTES_OF_DAY }]) }
    }
}

/// Monday to Friday, 8 to 18 o'clock.
impl Default for WorkingHours {
    fn default() -> Self {
        let day = || vec![Interval { from: 8 * 60, to: 18 * 60 }];
        Self { days: [day(), day(), day(), day(), day(), vec![], vec![]] }
    }
}

/// Minutes of a day of 24 hours; an interval may end there.
const MINUTES_OF_DAY: u16 = 24 * 60;

pub use self::span::Span;

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
