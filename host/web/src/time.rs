//! Times as people read them: in their zone, in their language.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::words::Words;

/// A time as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct When {
    /// For programs.
    pub(crate) machine: String,
    /// As it is read at a glance: how long ago, or the day.
    pub(crate) short: String,
    /// The whole of it, with its zone.
    pub(crate) full: String,
}

/// What a time is told by: now, and where and how the reader reads it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clockwork {
    pub(crate) now: DateTime<Utc>,
    pub(crate) zone: Tz,
    pub(crate) words: &'static Words,
}

/// How inputs of a time write one.
const INPUT: &str = "%Y-%m-%dT%H:%M";

impl Clockwork {
    /// A time: how long ago or how soon it is, if that is less than a day; its day otherwise.
    pub(crate) fn when(&self, at: DateTime<Utc>) -> When {
        let short = self.near(at).unwrap_or_else(|| self.day_and_time(at));
        When { machine: machine(at), short, full: self.full(at) }
    }

    /// A time by its day and hour, however near it is.
    pub(crate) fn at(&self, at: DateTime<Utc>) -> When {
        When { machine: machine(at), short: self.day_and_time(at), full: self.full(at) }
    }

    /// How long something has lasted.
    pub(crate) fn since(&self, at: DateTime<Utc>) -> When {
        let short = self.words.text.time_since(self.span(self.now - at));
        When { machine: machine(at), short, full: self.full(at) }
    }

    /// A length of time in its largest unit.
    pub(crate) fn span(&self, span: TimeDelta) -> String {
        let text = &self.words.text;
        match (span.num_days(), span.num_hours(), span.num_minutes()) {
            (days @ 2.., ..) => text.span_days(days),
            (_, hours @ 1.., _) => text.span_hours(hours),
            (.., minutes) => text.span_minutes(minutes.max(0)),
        }
    }

    fn near(&self, at: DateTime<Utc>) -> Option<String> {
        let text = &self.words.text;
        let ago = self.now - at;
        if ago.abs() >= TimeDelta::days(1) {
            return None;
        }
        Some(if ago.abs() < TimeDelta::minutes(1) {
            text.time_now()
        } else if ago > TimeDelta::zero() {
            text.time_ago(self.span(ago))
        } else {
            text.time_soon(self.span(-ago))
        })
    }

    fn day_and_time(&self, at: DateTime<Utc>) -> String {
        let local = at.with_timezone(&self.zone);
        let is_this_year = local.year() == self.now.with_timezone(&self.zone).year();
        let form = match (self.words.tag(), is_this_year) {
            ("de", true) => "%-d. %b, %H:%M",
            ("de", false) => "%-d. %b %Y",
            (_, true) => "%-d %b, %H:%M",
            (_, false) => "%-d %b %Y",
        };
        local.format_localized(form, self.words.locale()).to_string()
    }

    fn full(&self, at: DateTime<Utc>) -> String {
        let local = at.with_timezone(&self.zone);
        let form = if self.words.tag() == "de" {
            "%A, %-d. %B %Y, %H:%M:%S"
        } else {
            "%A, %-d %B %Y, %H:%M:%S"
        };
        format!("{} ({})", local.format_localized(form, self.words.locale()), self.zone)
    }

    /// As an input of a time shows it.
    pub(crate) fn input(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format(INPUT).to_string()
    }

    /// What an input of a time was given. A time that the clocks of the zone skip is read as the
    /// first one after the gap; of two, it is the earlier one.
    pub(crate) fn given(&self, text: &str) -> Option<DateTime<Utc>> {
        let local = NaiveDateTime::parse_from_str(text.trim(), INPUT)
            .or_else(|_| NaiveDateTime::parse_from_str(text.trim(), "%Y-%m-%dT%H:%M:%S"))
            .ok()?;
        let read = |local: NaiveDateTime| self.zone.from_local_datetime(&local).earliest();
        let later = || read(local.checked_add_signed(TimeDelta::hours(1))?);
        read(local).or_else(later).map(|at| at.with_timezone(&Utc))
    }
}

fn machine(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clockwork(tag: &str, zone: Tz) -> Clockwork {
        let now = DateTime::parse_from_rfc3339("2026-06-01T09:00:00Z").unwrap().to_utc();
        Clockwork { now, zone, words: Words::of_tag(tag).unwrap() }
    }

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn what_is_near_is_told_by_its_distance_and_the_rest_by_its_day() {
        let en = clockwork("en", Tz::UTC);
        let short = |text| en.when(at(text)).short;
        assert_eq!(short("2026-06-01T09:00:30Z"), "just now");
        assert_eq!(short("2026-06-01T08:36:00Z"), "24 min ago");
        assert_eq!(short("2026-06-01T14:00:00Z"), "in 5 h");
        assert_eq!(short("2026-05-30T15:00:00Z"), "30 May, 15:00");
        assert_eq!(short("2025-05-30T15:00:00Z"), "30 May 2025");
    }

    #[test]
    fn a_time_is_told_in_the_readers_zone_and_language() {
        let de = clockwork("de", Tz::Europe__Berlin);
        let told = de.when(at("2026-05-28T13:00:00Z"));
        assert_eq!(told.machine, "2026-05-28T13:00:00Z");
        assert_eq!(told.short, "28. Mai, 15:00");
        assert_eq!(told.full, "Donnerstag, 28. Mai 2026, 15:00:00 (Europe/Berlin)");
    }

    #[test]
    fn what_an_input_shows_is_what_it_gives() {
        let de = clockwork("de", Tz::Europe__Berlin);
        let moment = at("2026-05-28T13:05:00Z");
        assert_eq!(de.input(moment), "2026-05-28T15:05");
        assert_eq!(de.given("2026-05-28T15:05"), Some(moment));
        assert_eq!(de.given("28.05.2026"), None);
        // Clocks go forward at two.
        assert_eq!(de.given("2026-03-29T02:30"), Some(at("2026-03-29T01:30:00Z")));
        // And back at three: it is half past two twice.
        assert_eq!(de.given("2026-10-25T02:30"), Some(at("2026-10-25T00:30:00Z")));
    }
}
