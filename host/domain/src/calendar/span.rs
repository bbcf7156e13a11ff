//! Spans: working hours as real time, through the days on which clocks are changed.
//!
//! An edge that falls into a gap of the clock moves to the end of the gap. Where the clock shows an
//! edge twice, an opening takes the earlier moment and a closing the later one.

use chrono::{
    DateTime, Datelike, Days, Duration, MappedLocalTime, NaiveDate, NaiveDateTime, TimeZone, Utc,
};
use chrono_tz::Tz;

use crate::calendar::{Interval, WorkingHours};

/// Real time that is worked: `from <= t < to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Its first moment.
    pub from: DateTime<Utc>,
    /// The first moment after it.
    pub to: DateTime<Utc>,
}

/// A week of hours shows its first opening within a week; one more day for the edges, one more week
/// because a change of clocks can swallow a short interval.
const DAYS_AHEAD: u64 = 15;

/// Ten years: nobody promises what comes later.
const DAYS_PLANNED: u64 = 3_653;

impl WorkingHours {
    /// Whether a moment is worked.
    #[must_use]
    pub fn contains(&self, at: DateTime<Utc>, zone: Tz) -> bool {
        self.span_at(at, zone).is_some()
    }

    /// The next moment that is worked: this one, if it is. None if nothing is ever worked.
    #[must_use]
    pub fn next_opening(&self, at: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        if self.contains(at, zone) {
            return Some(at);
        }
        self.spans_from(at, zone).map(|span| span.from).find(|from| *from > at)
    }

    /// The next moment that is not worked: this one, if it is not. None if every moment is worked.
    #[must_use]
    pub fn closing(&self, at: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let Some(mut span) = self.span_at(at, zone) else { return Some(at) };
        // Spans of neighbouring days that touch at midnight are one stretch of work.
        for next in self.spans_from(at, zone) {
            if next.from <= span.to {
                span.to = span.to.max(next.to);
            } else {
                return Some(span.to);
            }
        }
        // Days ahead without a break: as far as the week goes, there is none.
        let horizon = at.checked_add_days(Days::new(DAYS_AHEAD - 2))?;
        (span.to < horizon).then_some(span.to)
    }

    /// When so much will have been worked, counted from a moment. None if it is not within the
    /// years that anybody plans.
    #[must_use]
    pub fn worked_by(
        &self,
        from: DateTime<Utc>,
        work: Duration,
        zone: Tz,
    ) -> Option<DateTime<Utc>> {
        // The day before, whose last stretch may reach into this one.
        let first = from.with_timezone(&zone).date_naive().pred_opt()?;
        let mut left = work;
        let mut worked_until = from;
        for days in 0..=DAYS_PLANNED {
            for span in self.spans_on(first.checked_add_days(Days::new(days))?, zone) {
                let begin = span.from.max(worked_until);
                let length = span.to - begin;
                if length <= Duration::zero() {
                    continue;
                }
                if left <= length {
                    return Some(begin + left);
                }
                left -= length;
                worked_until = span.to;
            }
        }
        None
    }

    /// The stretches of work that begin on a local date, as real time. An interval that the clock
    /// skips is left out.
    #[must_use]
    pub fn spans_on(&self, date: NaiveDate, zone: Tz) -> Vec<Span> {
        let spans = self.days[date.weekday() as usize]
            .iter()
            .filter_map(|interval| span(date, *interval, zone));
        spans.filter(|span| span.from < span.to).collect()
    }

    fn span_at(&self, at: DateTime<Utc>, zone: Tz) -> Option<Span> {
        let date = at.with_timezone(&zone).date_naive();
        // A moment shown twice can still belong to the day before, when clocks go back over
        // midnight.
        let days = [date.pred_opt(), Some(date)];
        days.into_iter()
            .flatten()
            .flat_map(|date| self.spans_on(date, zone))
            .find(|span| span.from <= at && at < span.to)
    }

    fn spans_from(&self, at: DateTime<Utc>, zone: Tz) -> impl Iterator<Item = Span> {
        let date = at.with_timezone(&zone).date_naive();
        (0..DAYS_AHEAD)
            .filter_map(move |days| date.checked_add_days(Days::new(days)))
            .flat_map(move |date| self.spans_on(date, zone))
    }
}

/// An interval of a local date as real time; none at the end of all calendars.
fn span(date: NaiveDate, interval: Interval, zone: Tz) -> Option<Span> {
    let midnight = date.and_hms_opt(0, 0, 0)?;
    let edge = |minute: u16| midnight.checked_add_signed(Duration::minutes(minute.into()));
    let from = match at_or_after_gap(edge(interval.from)?, zone)? {
        Edge::Once(moment) => moment,
        Edge::Twice { earlier, .. } => earlier,
    };
    let to = match at_or_after_gap(edge(interval.to)?, zone)? {
        Edge::Once(moment) => moment,
        Edge::Twice { later, .. } => later,
    };
    Some(Span { from, to })
}

/// What a wall clock's time is in real time.
enum Edge {
    Once(DateTime<Utc>),
    Twice { earlier: DateTime<Utc>, later: DateTime<Utc> },
}

/// The real time of a wall clock's time; the end of the gap for a time that the clock skips.
fn at_or_after_gap(local: NaiveDateTime, zone: Tz) -> Option<Edge> {
    // The longest gap is the day that islands skip when they cross the date line.
    for minutes in 0..=25 * 60 {
        let local = local.checked_add_signed(Duration::minutes(minutes))?;
        match zone.from_local_datetime(&local) {
            MappedLocalTime::Single(moment) => return Some(Edge::Once(moment.to_utc())),
            MappedLocalTime::Ambiguous(earlier, later) => {
                let (earlier, later) = (earlier.to_utc(), later.to_utc());
                return Some(Edge::Twice { earlier, later });
            }
            MappedLocalTime::None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use chrono_tz::{Europe::Berlin, Pacific::Apia, Tz};

    use super::*;
    use crate::calendar::CalendarFault;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn daily(from: u16, to: u16) -> WorkingHours {
        WorkingHours::new(std::array::from_fn(|_| vec![Interval { from, to }])).unwrap()
    }

    #[test]
    fn work_is_counted_in_the_hours_that_are_worked() {
        // Monday to Friday, 8 to 18 o'clock; 2026-06-05 is a Friday.
        let week = WorkingHours::default();
        let by = |from: &str, hours| week.worked_by(at(from), Duration::hours(hours), Tz::UTC);
        assert_eq!(by("2026-06-05T09:00:00Z", 4), Some(at("2026-06-05T13:00:00Z")));
        assert_eq!(by("2026-06-05T09:00:00Z", 9), Some(at("2026-06-05T18:00:00Z")));
        assert_eq!(by("2026-06-05T09:00:00Z", 10), Some(at("2026-06-08T09:00:00Z")));
        assert_eq!(by("2026-06-06T12:00:00Z", 1), Some(at("2026-06-08T09:00:00Z")));
        assert_eq!(by("2026-06-05T20:00:00Z", 50), Some(at("2026-06-12T18:00:00Z")));
        // Through the night in which the clock is put forward, an hour of it is missing.
        let always = WorkingHours::always();
        let day = always.worked_by(at("2026-03-28T12:00:00Z"), Duration::hours(24), Berlin);
        assert_eq!(day, Some(at("2026-03-29T12:00:00Z")));
        let never = WorkingHours::new(Default::default()).unwrap();
        assert_eq!(never.worked_by(at("2026-06-05T09:00:00Z"), Duration::hours(1), Berlin), None);
    }

    #[test]
    fn hours_follow_the_wall_clock_of_the_zone() {
        let hours = WorkingHours::weekdays(8, 18).unwrap();
        assert!(hours.contains(at("2026-06-01T06:00:00Z"), Berlin));
        assert!(!hours.contains(at("2026-06-01T05:59:59Z"), Berlin));
        assert!(!hours.contains(at("2026-06-01T16:00:00Z"), Berlin));
        assert!(hours.contains(at("2026-06-01T16:00:00Z"), Tz::UTC));
        assert!(!hours.contains(at("2026-06-06T10:00:00Z"), Berlin));
    }

    #[test]
    fn the_next_opening_after_friday_evening_is_monday_morning() {
        let hours = WorkingHours::weekdays(8, 18).unwrap();
        let friday_evening = at("2026-06-05T16:30:00Z");
        assert_eq!(hours.next_opening(friday_evening, Berlin), Some(at("2026-06-08T06:00:00Z")));
        let monday_noon = at("2026-06-08T10:00:00Z");
        assert_eq!(hours.next_opening(monday_noon, Berlin), Some(monday_noon));
        assert_eq!(hours.closing(monday_noon, Berlin), Some(at("2026-06-08T16:00:00Z")));
        assert_eq!(hours.closing(friday_evening, Berlin), Some(friday_evening));
    }

    #[test]
    fn an_opening_in_the_gap_moves_to_its_end() {
        // On this night the clock goes from 02:00 to 03:00; the interval lasts three hours.
        let spans = daily(2 * 60, 6 * 60).spans_on("2026-03-29".parse().unwrap(), Berlin);
        assert_eq!(
            spans,
            [Span { from: at("2026-03-29T01:00:00Z"), to: at("2026-03-29T04:00:00Z") }]
        );
        assert_eq!(spans[0].to - spans[0].from, Duration::hours(3));
        let half_past = daily(2 * 60 + 30, 6 * 60).spans_on("2026-03-29".parse().unwrap(), Berlin);
        assert_eq!(half_past[0].from, at("2026-03-29T01:00:00Z"));
    }

    #[test]
    fn an_opening_that_is_shown_twice_takes_the_earlier_moment() {
        // On this night the clock goes from 03:00 back to 02:00; the interval lasts five hours.
        let spans = daily(2 * 60, 6 * 60).spans_on("2026-10-25".parse().unwrap(), Berlin);
        assert_eq!(
            spans,
            [Span { from: at("2026-10-25T00:00:00Z"), to: at("2026-10-25T05:00:00Z") }]
        );
    }

    #[test]
    fn a_closing_that_is_shown_twice_takes_the_later_moment() {
        let hours = daily(0, 2 * 60 + 30);
        let second_half_past_two = at("2026-10-25T01:30:00Z");
        assert!(hours.contains(second_half_past_two - Duration::seconds(1), Berlin));
        assert!(!hours.contains(second_half_past_two, Berlin));
        assert_eq!(hours.closing(at("2026-10-25T00:10:00Z"), Berlin), Some(second_half_past_two));
    }

    #[test]
    fn an_interval_inside_the_gap_is_not_worked_that_day() {
        let hours = daily(2 * 60, 3 * 60);
        assert_eq!(hours.spans_on("2026-03-29".parse().unwrap(), Berlin), []);
        let before = at("2026-03-29T00:30:00Z");
        assert_eq!(hours.next_opening(before, Berlin), Some(at("2026-03-30T00:00:00Z")));
    }

    #[test]
    fn a_day_that_a_zone_skips_is_not_worked() {
        // Samoa went from 29 to 31 December 2011.
        let hours = daily(9 * 60, 17 * 60);
        assert_eq!(hours.spans_on("2011-12-30".parse().unwrap(), Apia), []);
        assert_eq!(hours.spans_on("2011-12-31".parse().unwrap(), Apia).len(), 1);
    }

    #[test]
    fn what_is_always_open_never_closes_and_what_is_never_open_never_opens() {
        let always = WorkingHours::always();
        let now = at("2026-03-29T00:30:00Z");
        assert_eq!(always.next_opening(now, Berlin), Some(now));
        assert_eq!(always.closing(now, Berlin), None);
        let never = WorkingHours::new(Default::default()).unwrap();
        assert_eq!(never.next_opening(now, Berlin), None);
        assert_eq!(never.closing(now, Berlin), Some(now));
    }

    #[test]
    fn work_over_midnight_is_one_stretch() {
        let mut days: [Vec<Interval>; 7] = Default::default();
        days[0] = vec![Interval { from: 22 * 60, to: 24 * 60 }];
        days[1] = vec![Interval { from: 0, to: 6 * 60 }];
        let hours = WorkingHours::new(days).unwrap();
        let monday_night = at("2026-06-01T23:00:00Z");
        assert_eq!(hours.closing(monday_night, Tz::UTC), Some(at("2026-06-02T06:00:00Z")));
    }

    #[test]
    fn intervals_that_overlap_or_touch_are_refused() {
        let day = |intervals: &[(u16, u16)]| {
            let mut days: [Vec<Interval>; 7] = Default::default();
            days[2] =
                intervals.iter().map(|(from, to)| Interval { from: *from, to: *to }).collect();
            WorkingHours::new(days)
        };
        assert_eq!(
            day(&[(600, 700), (480, 601)]),
            Err(CalendarFault::Overlap { first: 480, second: 600 })
        );
        assert_eq!(
            day(&[(480, 600), (600, 700)]),
            Err(CalendarFault::Overlap { first: 480, second: 600 })
        );
        assert_eq!(day(&[(700, 600)]), Err(CalendarFault::Interval { from: 700, to: 600 }));
        assert_eq!(day(&[(0, 1441)]), Err(CalendarFault::Interval { from: 0, to: 1441 }));
        assert!(day(&[(780, 1080), (480, 720)]).is_ok());
    }
}
