//! Zones: how far ahead of UTC their clocks are, and when that changes.
//!
//! The build script takes it from the time zone database, from 2010 to 2050. Before and after that,
//! clocks stand as at its ends.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use self::known::{CHANGES, STARTS, ZONES};

#[expect(clippy::unreadable_literal, reason = "nobody reads what the build script writes")]
mod known {
    include!(concat!(env!("OUT_DIR"), "/zones.rs"));
}

/// 2010-01-01T00:00:00Z, from which minutes are counted, in minutes since 1970.
const FIRST_MINUTE: i64 = 21_038_400;
/// Offsets are counted in quarters of an hour, from so far behind UTC.
const QUARTERS_BEHIND: i64 = 64;
/// No clock is further from UTC.
const FURTHEST: TimeDelta = TimeDelta::hours(16);

/// A zone whose rules are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    /// Each change: the minute, above seven bits of offset.
    changes: &'static [u32],
}

impl Zone {
    /// The zone of a name such as `Europe/Berlin`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let place = ZONES.binary_search_by_key(&name, |(name, _)| name).ok()?;
        let row = usize::from(ZONES.get(place)?.1);
        let (start, end) = (usize::from(*STARTS.get(row)?), usize::from(*STARTS.get(row + 1)?));
        Some(Self { changes: CHANGES.get(start..end)? })
    }

    /// How far ahead of UTC its clock is at a moment.
    pub(crate) fn ahead(self, at: DateTime<Utc>) -> TimeDelta {
        let minute = at.timestamp().div_euclid(60) - FIRST_MINUTE;
        let over = self.changes.partition_point(|change| i64::from(change >> 7) <= minute);
        let change = self.changes.get(over.saturating_sub(1)).copied().unwrap_or_default();
        TimeDelta::minutes((i64::from(change & 0x7f) - QUARTERS_BEHIND) * 15)
    }

    /// The moments at which its clock shows a time: none, one or two, the earlier one first.
    pub(crate) fn moments(self, local: NaiveDateTime) -> impl Iterator<Item = DateTime<Utc>> {
        let near = |by: TimeDelta| local.checked_sub_signed(by).map(|at| self.ahead(at.and_utc()));
        let (more, less) = (near(-FURTHEST), near(FURTHEST));
        let (more, less) = (more.max(less), more.min(less).filter(|_| more != less));
        // Further ahead is earlier.
        [more, less].into_iter().flatten().filter_map(move |ahead| {
            let at = local.checked_sub_signed(ahead)?.and_utc();
            (self.ahead(at) == ahead).then_some(at)
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Offset as _, TimeZone as _};
    use chrono_tz::TZ_VARIANTS;

    use super::*;

    #[test]
    fn every_zone_says_at_every_hour_what_the_database_says() {
        let first = DateTime::from_timestamp(FIRST_MINUTE * 60, 0).unwrap_or_default();
        for known in TZ_VARIANTS {
            let Some(zone) = Zone::named(known.name()) else { panic!("{known} is missing") };
            // An odd number of hours, so that in time all hours of the day are looked at.
            for step in 0..(40 * 365 * 24 / 31) {
                let at = first + TimeDelta::hours(step * 31);
                let ahead = known.offset_from_utc_datetime(&at.naive_utc()).fix();
                assert_eq!(
                    zone.ahead(at).num_seconds(),
                    i64::from(ahead.local_minus_utc()),
                    "{known} {at}"
                );
            }
        }
        assert_eq!(Zone::named("Europe/Atlantis"), None);
    }

    #[test]
    fn a_local_time_is_at_the_moments_that_the_database_says() {
        let step = TimeDelta::minutes(30);
        for known in TZ_VARIANTS.into_iter().step_by(7) {
            let Some(zone) = Zone::named(known.name()) else { panic!("{known} is missing") };
            let mut local =
                DateTime::from_timestamp(1_740_000_000, 0).unwrap_or_default().naive_utc();
            for _ in 0..(366 * 48) {
                local += step;
                let told: Vec<_> = zone.moments(local).collect();
                let expected = match known.from_local_datetime(&local) {
                    chrono::LocalResult::None => Vec::new(),
                    chrono::LocalResult::Single(at) => vec![at.to_utc()],
                    chrono::LocalResult::Ambiguous(one, two) => vec![one.to_utc(), two.to_utc()],
                };
                assert_eq!(told, expected, "{known} {local}");
            }
        }
    }
}
