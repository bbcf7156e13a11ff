//! Quiet hours: until when a message has to wait.

use chrono::{DateTime, Datelike as _, NaiveDateTime, NaiveTime, TimeDelta, Timelike as _, Utc};
use waypost_sdk::SettingsError;

use crate::clock::Clock;
use crate::settings::{QuietHours, Weekday};

const MINUTES_OF_A_DAY: u32 = 24 * 60;
const DAYS_OF_A_WEEK: usize = 7;

/// Quiet hours in the form in which they are compared.
#[derive(Debug)]
pub(crate) struct Quiet {
    /// Minutes since midnight.
    from: u32,
    to: u32,
    /// Monday first.
    whole_days: [bool; DAYS_OF_A_WEEK],
    except_priority: Option<u8>,
}

impl Quiet {
    /// Reads the settings; what is wrong with them is added to `errors`.
    pub(crate) fn new(hours: &QuietHours, errors: &mut Vec<SettingsError>) -> Option<Self> {
        let mut time = |name: &str, text: &str| {
            let minutes = minutes(text);
            if minutes.is_none() {
                let message = format!("`{text}` is not a valid time of day; write it as `22:00`");
                errors.push(SettingsError::at(format!("/quiet_hours/{name}"), message));
            }
            minutes
        };
        let (from, to) = (time("from", &hours.from), time("to", &hours.to));
        let mut whole_days = [false; DAYS_OF_A_WEEK];
        for day in &hours.days {
            whole_days[number(*day)] = true;
        }
        if whole_days == [true; DAYS_OF_A_WEEK] {
            let message = "leave out at least one day; otherwise no message is ever sent";
            errors.push(SettingsError::at("/quiet_hours/days", message));
            return None;
        }
        let (from, to) = (from?, to?);
        if from == to {
            let message = "write another time than in `from`";
            errors.push(SettingsError::at("/quiet_hours/to", message));
            return None;
        }
        Some(Self { from, to, whole_days, except_priority: hours.except_priority })
    }

    /// Whether a ticket of this priority is told of at any hour.
    pub(crate) fn spares(&self, priority: Option<u8>) -> bool {
        matches!((self.except_priority, priority), (Some(limit), Some(priority)) if priority <= limit)
    }

    /// When a message leaves that would like to leave at a moment: then, or when the quiet hours
    /// by this clock are over.
    pub(crate) fn over(&self, clock: Clock, wish: DateTime<Utc>) -> DateTime<Utc> {
        let mut at = wish;
        // Each turn leaves a quiet stretch behind; a week has no more than two of them a day, and
        // an hour that comes twice may bring one more.
        for _ in 0..=2 * DAYS_OF_A_WEEK + 1 {
            let Some(end) = self.end_of_quiet(clock.shows(at)) else { break };
            let Some(next) = clock.next(end, at) else { break };
            at = next;
        }
        at
    }

    /// If a time is quiet, when that ends on the clock; midnight may begin another stretch.
    fn end_of_quiet(&self, time: NaiveDateTime) -> Option<NaiveDateTime> {
        let minute = time.hour() * 60 + time.minute();
        let end = if self.whole_days[time.weekday().num_days_from_monday() as usize] {
            MINUTES_OF_A_DAY
        } else if self.from < self.to {
            (self.from..self.to).contains(&minute).then_some(self.to)?
        } else if minute >= self.from {
            MINUTES_OF_A_DAY
        } else {
            (minute < self.to).then_some(self.to)?
        };
        time.date().and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::minutes(end.into()))
    }
}

/// Minutes since midnight of `HH:MM`.
fn minutes(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    // `+1` would be read as a number too.
    if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') {
        return None;
    }
    let (hours, minutes) = (hours.parse::<u32>().ok()?, minutes.parse::<u32>().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// The day's number, Monday being 0.
fn number(day: Weekday) -> usize {
    match day {
        Weekday::Monday => 0,
        Weekday::Tuesday => 1,
        Weekday::Wednesday => 2,
        Weekday::Thursday => 3,
        Weekday::Friday => 4,
        Weekday::Saturday => 5,
        Weekday::Sunday => 6,
    }
}

#[cfg(test)]
mod tests {
    use crate::zone::Zone;

    use super::*;

    fn quiet(from: &str, to: &str, days: &[Weekday]) -> Quiet {
        let hours = QuietHours {
            from: from.to_owned(),
            to: to.to_owned(),
            days: days.to_vec(),
            except_priority: Some(2),
        };
        Quiet::new(&hours, &mut Vec::new()).expect("these hours are fine")
    }

    /// When a message leaves that would like to leave at a time of Berlin, in Berlin's time.
    fn leaves(quiet: &Quiet, wish: &str) -> String {
        let berlin = Clock::Zone(Zone::named("Europe/Berlin").expect("it is a zone"));
        let local: NaiveDateTime = format!("{wish}:00").parse().expect("the test writes times");
        let wish = berlin.next(local, DateTime::<Utc>::MIN_UTC).expect("the clock shows this time");
        berlin.shows(quiet.over(berlin, wish)).format("%Y-%m-%dT%H:%M").to_string()
    }

    #[test]
    fn a_message_waits_until_the_morning() {
        let night = quiet("22:00", "07:30", &[]);
        for (wish, leaves_at) in [
            ("2026-06-01T21:59", "2026-06-01T21:59"),
            ("2026-06-01T22:00", "2026-06-02T07:30"),
            ("2026-06-01T00:00", "2026-06-01T07:30"),
            ("2026-06-01T07:29", "2026-06-01T07:30"),
            ("2026-06-01T08:00", "2026-06-01T08:00"),
        ] {
            assert_eq!(leaves(&night, wish), leaves_at, "{wish}");
        }
    }

    #[test]
    fn hours_within_a_day_end_on_that_day() {
        let noon = quiet("12:00", "13:00", &[]);
        assert_eq!(leaves(&noon, "2026-06-03T12:00"), "2026-06-03T13:00");
        assert_eq!(leaves(&noon, "2026-06-03T13:00"), "2026-06-03T13:00");
    }

    #[test]
    fn a_quiet_weekend_lasts_until_mondays_morning() {
        let night = quiet("22:00", "07:00", &[Weekday::Saturday, Weekday::Sunday]);
        for wish in ["2026-06-05T23:00", "2026-06-06T12:00", "2026-06-07T12:00"] {
            assert_eq!(leaves(&night, wish), "2026-06-08T07:00", "{wish}");
        }
    }

    #[test]
    fn six_quiet_days_are_waited_out() {
        let days = [
            Weekday::Monday,
            Weekday::Tuesday,
            Weekday::Wednesday,
            Weekday::Thursday,
            Weekday::Friday,
            Weekday::Saturday,
        ];
        let night = quiet("22:00", "07:00", &days);
        assert_eq!(leaves(&night, "2026-06-07T22:00"), "2026-06-14T07:00");
    }

    #[test]
    fn the_morning_is_the_morning_in_the_nights_in_which_clocks_change() {
        let night = quiet("22:00", "07:00", &[]);
        for (wish, leaves_at) in [
            // Spring: 02:00 is followed by 03:00, so the night has an hour less.
            ("2026-03-28T23:00", "2026-03-29T07:00"),
            // Autumn: 02:00 to 03:00 comes twice, so the night has an hour more.
            ("2026-10-24T23:00", "2026-10-25T07:00"),
        ] {
            assert_eq!(leaves(&night, wish), leaves_at, "{wish}");
        }
        // Hours that end in the hour that is left out are over when the clock has jumped over it.
        let short = quiet("22:00", "02:30", &[]);
        assert_eq!(leaves(&short, "2026-03-28T23:00"), "2026-03-29T03:00");
    }

    #[test]
    fn urgent_tickets_are_spared() {
        let night = quiet("22:00", "07:00", &[]);
        assert!(night.spares(Some(1)) && night.spares(Some(2)));
        assert!(!night.spares(Some(3)) && !night.spares(None));
    }

    #[test]
    fn times_that_are_none_are_refused_where_they_stand() {
        for (from, to, place) in [
            ("24:00", "07:00", "/quiet_hours/from"),
            ("22:00", "7:00", "/quiet_hours/to"),
            ("22:00", "+7:00", "/quiet_hours/to"),
            ("22:00", "07:60", "/quiet_hours/to"),
            ("22:00", "22:00", "/quiet_hours/to"),
        ] {
            let hours = QuietHours {
                from: from.to_owned(),
                to: to.to_owned(),
                days: Vec::new(),
                except_priority: None,
            };
            let mut errors = Vec::new();
            assert!(Quiet::new(&hours, &mut errors).is_none());
            assert_eq!(errors[0].path, place, "{from} to {to}");
        }
    }
}
