//! Wall clocks: the organization's, and that of a person who lives by another one.

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeDelta, Utc};
use waypost_sdk::{Moment, Person};

use crate::zone::Zone;

/// No gap that a clock leaves out is longer: some islands have skipped a day.
const LONGEST_GAP_MINUTES: i64 = 24 * 60;

/// A wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// By the rules of a zone, which say when the clock changes.
    Zone(Zone),
    /// Always this far ahead of UTC.
    Offset(FixedOffset),
}

impl Clock {
    /// The organization's. The host has the last word: where the rules known here say something
    /// else about now, or nothing, its offset counts.
    pub(crate) fn of_organization(now: &Moment, utc: DateTime<Utc>) -> Option<Self> {
        let seconds = i32::from(now.utc_offset).checked_mul(60)?;
        let offset = FixedOffset::east_opt(seconds)?;
        let ahead = TimeDelta::minutes(now.utc_offset.into());
        let agrees = Zone::named(&now.zone).filter(|zone| zone.ahead(utc) == ahead);
        Some(agrees.map_or(Self::Offset(offset), Self::Zone))
    }

    /// A person's, if they have one of their own whose rules are known.
    pub(crate) fn of_person(person: &Person) -> Option<Self> {
        Zone::named(person.zone.as_ref()?).map(Self::Zone)
    }

    /// What it shows at a moment.
    pub(crate) fn shows(self, at: DateTime<Utc>) -> NaiveDateTime {
        match self {
            Self::Zone(zone) => {
                let utc = at.naive_utc();
                utc.checked_add_signed(zone.ahead(at)).unwrap_or(utc)
            }
            Self::Offset(offset) => at.with_timezone(&offset).naive_local(),
        }
    }

    /// The first moment after `after` at which it shows this time, or a later one if it leaves this
    /// one out. A time that it shows twice comes at the first of the two that is not over.
    pub(crate) fn next(self, local: NaiveDateTime, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        (0..=LONGEST_GAP_MINUTES).find_map(|minutes| {
            let local = local.checked_add_signed(TimeDelta::minutes(minutes))?;
            match self {
                Self::Zone(zone) => {
                    let mut moments = zone.moments(local);
                    let first = moments.next()?;
                    Some(if first > after { first } else { moments.next().unwrap_or(first) })
                }
                Self::Offset(offset) => {
                    let ahead = TimeDelta::seconds(offset.local_minus_utc().into());
                    Some(local.checked_sub_signed(ahead)?.and_utc())
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use waypost_sdk::testing::{context, person};

    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().expect("the test writes times")
    }

    fn zone(name: &str) -> Clock {
        Clock::Zone(Zone::named(name).expect("the test names zones"))
    }

    fn local(text: &str) -> NaiveDateTime {
        text.parse().expect("the test writes times")
    }

    #[test]
    fn the_organizations_clock_follows_the_rules_of_its_zone_as_long_as_the_host_agrees() {
        let now = context().now;
        let at = utc(&now.utc);
        let clock = |moment: &Moment| Clock::of_organization(moment, at);
        assert_eq!(clock(&now), Some(zone("Europe/Berlin")));

        let two_hours = FixedOffset::east_opt(2 * 3600).expect("two hours is an offset");
        let unknown = Moment { zone: "Europe/Atlantis".to_owned(), ..now.clone() };
        assert_eq!(clock(&unknown), Some(Clock::Offset(two_hours)));

        let one_hour = FixedOffset::east_opt(3600).expect("an hour is an offset");
        let without_summer_time = Moment { utc_offset: 60, ..now };
        assert_eq!(clock(&without_summer_time), Some(Clock::Offset(one_hour)));
    }

    #[test]
    fn a_person_has_a_clock_only_in_a_zone_of_their_own() {
        let of = |zone: Option<&str>| {
            Clock::of_person(&Person { zone: zone.map(str::to_owned), ..person("ada") })
        };
        assert_eq!(of(None), None);
        assert_eq!(of(Some("Moon/Tycho")), None);
        assert_eq!(of(Some("Asia/Tokyo")), Some(zone("Asia/Tokyo")));
    }

    #[test]
    fn a_time_that_is_left_out_comes_when_the_clock_has_jumped_over_it() {
        let berlin = zone("Europe/Berlin");
        let night = utc("2026-03-29T00:00:00Z");
        for (shown, at) in [
            ("2026-03-29T01:59:00", "2026-03-29T00:59:00Z"),
            ("2026-03-29T02:00:00", "2026-03-29T01:00:00Z"),
            ("2026-03-29T02:30:00", "2026-03-29T01:00:00Z"),
            ("2026-03-29T03:00:00", "2026-03-29T01:00:00Z"),
        ] {
            assert_eq!(berlin.next(local(shown), night), Some(utc(at)), "{shown}");
        }
        // Samoa went from the 29th of December to the 31st.
        let apia = zone("Pacific/Apia");
        assert_eq!(
            apia.next(local("2011-12-30T00:00:00"), utc("2011-12-30T09:00:00Z")),
            Some(utc("2011-12-30T10:00:00Z"))
        );
    }

    #[test]
    fn a_time_that_is_shown_twice_comes_at_the_one_that_is_not_over() {
        let berlin = zone("Europe/Berlin");
        let twice = local("2026-10-25T02:30:00");
        for (after, at) in [
            ("2026-10-25T00:10:00Z", "2026-10-25T00:30:00Z"),
            ("2026-10-25T01:10:00Z", "2026-10-25T01:30:00Z"),
        ] {
            assert_eq!(berlin.next(twice, utc(after)), Some(utc(at)), "{after}");
        }
    }
}
