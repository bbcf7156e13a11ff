//! Moments: the one way in which a time that people or programs write is understood.
//!
//! A moment has its offset from UTC, is cut to microseconds, and lies in a year of four digits, so
//! that every database, calendar and program means the same one. A plain time, without an offset,
//! is none: only an import takes such times, because it knows their zone.

use chrono::{DateTime, Datelike, SubsecRound, Timelike, Utc};
use thiserror::Error;

use crate::{said, said::Said};

/// Times of records are in years that every calendar, program and database agrees on.
pub const FIRST_YEAR: i32 = 1970;
/// See [`FIRST_YEAR`].
pub const LAST_YEAR: i32 = 9999;

/// Digits of a second that are kept: both databases keep as many.
const DIGITS: u16 = 6;

/// A time that is not understood, with the remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{}", self.said())]
pub enum InvalidMoment {
    /// It is not written as one.
    Form,
    /// It is written as one, in a year that is not kept.
    Year,
    /// It is the second `:60`, which is another moment in each database.
    LeapSecond,
}

impl InvalidMoment {
    /// The code under which programs tell the faults apart.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Form | Self::LeapSecond => "invalid",
            Self::Year => "out-of-range",
        }
    }

    /// What would be right.
    #[must_use]
    pub fn said(self) -> Said {
        match self {
            Self::Form => {
                said!("Must be a time such as 2026-06-01T08:00:00Z, with its offset from UTC.")
            }
            Self::Year => said!(
                "Must be a time in a year from {first} to {last}.",
                first = FIRST_YEAR,
                last = LAST_YEAR
            ),
            Self::LeapSecond => {
                said!("The leap second :60 is not kept; give :59 or the next minute.")
            }
        }
    }
}

/// Reads a time as RFC 3339 writes it, and as it is kept.
pub fn parse(text: &str) -> Result<DateTime<Utc>, InvalidMoment> {
    read(text).and_then(kept)
}

/// Reads a time as RFC 3339 writes it, of whatever year: [`kept`] says whether it is kept.
pub fn read(text: &str) -> Result<DateTime<Utc>, InvalidMoment> {
    let given = DateTime::parse_from_rfc3339(text.trim()).map_err(|_| InvalidMoment::Form)?;
    if is_leap_second(given.to_utc()) { Err(InvalidMoment::LeapSecond) } else { Ok(given.to_utc()) }
}

/// A time as it is kept.
pub fn kept(given: DateTime<Utc>) -> Result<DateTime<Utc>, InvalidMoment> {
    if is_leap_second(given) {
        return Err(InvalidMoment::LeapSecond);
    }
    if !(FIRST_YEAR..=LAST_YEAR).contains(&given.year()) {
        return Err(InvalidMoment::Year);
    }
    Ok(given.trunc_subsecs(DIGITS))
}

/// Chrono tells a leap second as more nanoseconds than a second has.
fn is_leap_second(given: DateTime<Utc>) -> bool {
    given.nanosecond() >= 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_an_offset_and_a_year_of_four_digits_and_no_leap_second() {
        let parsed = |text: &str| parse(text).map(|at| at.to_rfc3339());
        for (text, becomes) in [
            ("2026-06-01T08:00:00Z", Ok("2026-06-01T08:00:00+00:00")),
            (" 2026-06-01t10:00:00+02:00 ", Ok("2026-06-01T08:00:00+00:00")),
            ("2026-06-01T08:00:00.123456789Z", Ok("2026-06-01T08:00:00.123456+00:00")),
            ("2026-06-01 08:00:00Z", Ok("2026-06-01T08:00:00+00:00")),
            ("1969-12-31T23:59:59Z", Err(InvalidMoment::Year)),
            ("0044-03-15T12:00:00Z", Err(InvalidMoment::Year)),
            ("9999-12-31T23:59:59-01:00", Err(InvalidMoment::Year)),
            ("2016-12-31T23:59:60Z", Err(InvalidMoment::LeapSecond)),
            ("2022-07-01T12:00:60Z", Err(InvalidMoment::LeapSecond)),
            ("2026-06-01T08:00:00", Err(InvalidMoment::Form)),
            ("2026-06-01", Err(InvalidMoment::Form)),
            ("+2026-06-01T08:00:00Z", Err(InvalidMoment::Form)),
            ("22-06-01T08:00:00Z", Err(InvalidMoment::Form)),
            ("2026-02-30T08:00:00Z", Err(InvalidMoment::Form)),
            ("2026-06-01T25:00:00Z", Err(InvalidMoment::Form)),
            ("tomorrow", Err(InvalidMoment::Form)),
            ("", Err(InvalidMoment::Form)),
        ] {
            assert_eq!(parsed(text), becomes.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn a_moment_that_is_kept_is_the_same_when_it_is_read_again() {
        let at = parse("2026-06-01T08:00:00.123456789+05:45").unwrap();
        assert_eq!(parse(&at.to_rfc3339()), Ok(at));
        assert_eq!(kept(at), Ok(at));
    }
}
