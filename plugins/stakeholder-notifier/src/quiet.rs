//! Quiet hours: how long a message has to wait.

use waypost_sdk::{Moment, SettingsError};

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
                let message = format!("`{text}` is no time of day; write it as `22:00`");
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
            let message = "some day must not be quiet, or no message ever leaves";
            errors.push(SettingsError::at("/quiet_hours/days", message));
            return None;
        }
        let (from, to) = (from?, to?);
        if from == to {
            let message = "quiet hours end at another time than they begin";
            errors.push(SettingsError::at("/quiet_hours/to", message));
            return None;
        }
        Some(Self { from, to, whole_days, except_priority: hours.except_priority })
    }

    /// Whether a ticket of this priority is told of at any hour.
    pub(crate) fn spares(&self, priority: Option<u8>) -> bool {
        matches!((self.except_priority, priority), (Some(limit), Some(priority)) if priority <= limit)
    }

    /// How many minutes after `now` a message leaves that would like to leave after `delay` minutes.
    ///
    /// Counted on the wall clock: in the two nights in which clocks change, a message leaves an hour early or late.
    pub(crate) fn wait(&self, now: &Moment, delay: u32) -> u32 {
        let mut wait = delay;
        // Each turn leaves a quiet stretch behind; a week has no more than two of them a day.
        for _ in 0..=2 * DAYS_OF_A_WEEK {
            let minute = u32::from(now.minute_of_day) + wait;
            let days = minute / MINUTES_OF_A_DAY;
            let today = (usize::from(now.weekday.max(1)) - 1 + days as usize) % DAYS_OF_A_WEEK;
            let Some(end) = self.end_of_quiet(today, minute % MINUTES_OF_A_DAY) else { break };
            wait += end - minute % MINUTES_OF_A_DAY;
        }
        wait
    }

    /// If a minute of a day is quiet, the minute of the same day at which that ends; midnight may begin another stretch.
    fn end_of_quiet(&self, day: usize, minute: u32) -> Option<u32> {
        if self.whole_days[day] {
            return Some(MINUTES_OF_A_DAY);
        }
        if self.from < self.to {
            return (self.from..self.to).contains(&minute).then_some(self.to);
        }
        if minute >= self.from {
            return Some(MINUTES_OF_A_DAY);
        }
        (minute < self.to).then_some(self.to)
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

    /// How long a message waits that would leave on a weekday (1 is Monday) at an hour.
    fn wait(quiet: &Quiet, weekday: u8, hour: u16, delay: u32) -> u32 {
        let now =
            Moment { weekday, minute_of_day: hour * 60, ..waypost_sdk::testing::context().now };
        quiet.wait(&now, delay)
    }

    #[test]
    fn a_message_waits_until_the_morning() {
        let night = quiet("22:00", "07:30", &[]);
        assert_eq!(wait(&night, 1, 21, 0), 0);
        assert_eq!(wait(&night, 1, 22, 0), 9 * 60 + 30);
        assert_eq!(wait(&night, 1, 0, 0), 7 * 60 + 30);
        assert_eq!(wait(&night, 1, 8, 0), 0);
    }

    #[test]
    fn a_delay_that_ends_in_the_night_is_prolonged() {
        let night = quiet("22:00", "07:30", &[]);
        assert_eq!(wait(&night, 1, 21, 30), 30);
        assert_eq!(wait(&night, 1, 21, 90), 10 * 60 + 30);
        assert_eq!(wait(&night, 1, 12, 24 * 60), 24 * 60);
    }

    #[test]
    fn hours_within_a_day_end_on_that_day() {
        let noon = quiet("12:00", "13:00", &[]);
        assert_eq!(wait(&noon, 3, 12, 0), 60);
        assert_eq!(wait(&noon, 3, 13, 0), 0);
    }

    #[test]
    fn a_quiet_weekend_lasts_until_mondays_morning() {
        let night = quiet("22:00", "07:00", &[Weekday::Saturday, Weekday::Sunday]);
        assert_eq!(wait(&night, 5, 23, 0), (1 + 48 + 7) * 60);
        assert_eq!(wait(&night, 6, 12, 0), (12 + 24 + 7) * 60);
        assert_eq!(wait(&night, 7, 12, 0), (12 + 7) * 60);
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
        assert_eq!(wait(&quiet("22:00", "07:00", &days), 7, 22, 0), (2 + 6 * 24 + 7) * 60);
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
