//! Working hours as people write them: a line for each stretch of a day, `mon 08:00 18:00`.

use crate::{
    calendar::{Interval, WorkingHours},
    field::{FieldType, Given, Shape, Value, need},
    refusal::Faults,
    register::Holds,
    said::Said,
};

/// One stretch of a weekday.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayHours {
    /// `mon`, `tue`, `wed`, `thu`, `fri`, `sat` or `sun`.
    pub day: String,
    /// The first minute that is worked: `08:00`.
    pub from: String,
    /// The first minute that is not: `18:00`; `24:00` for the end of the day.
    pub to: String,
}

/// The days of the week by their short names, Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A week has 168 hours; more stretches than that are no working hours.
const MAX_STRETCHES: usize = 168;

/// One stretch of a weekday, as it is given.
pub const HOURS: Shape = Shape {
    name: "DayHours",
    doc: "One stretch of a weekday.",
    parts: &[
        need("day", FieldType::Choice(&DAYS), "The day."),
        need("from", FieldType::Line, "The first minute that is worked, such as 08:00."),
        need(
            "to",
            FieldType::Line,
            "The first minute that is not, such as 18:00; `24:00` for the end of the day.",
        ),
    ],
};

impl Holds for Option<WorkingHours> {
    fn value(&self) -> Option<Value> {
        let line = |line: DayHours| {
            let parts = [("day", line.day), ("from", line.from), ("to", line.to)];
            let put = |given: Given, (name, text)| given.with(name, Value::Text(text));
            parts.into_iter().fold(Given::default(), put)
        };
        self.as_ref().map(|hours| Value::Objects(lines(hours).into_iter().map(line).collect()))
    }

    fn take(&mut self, pointer: &str, value: Option<&Value>, faults: &mut Faults) {
        let Some(Value::Objects(given)) = value else {
            *self = None;
            return;
        };
        let part = |given: &Given, name| given.text(name).unwrap_or_default().to_owned();
        let line = |given: &Given| DayHours {
            day: part(given, "day"),
            from: part(given, "from"),
            to: part(given, "to"),
        };
        if let Some(hours) = week(faults, pointer, &given.iter().map(line).collect::<Vec<_>>()) {
            *self = Some(hours);
        }
    }
}

/// Working hours in lines, Monday first.
#[must_use]
pub fn lines(hours: &WorkingHours) -> Vec<DayHours> {
    let day_lines = |(day, intervals): (&str, &Vec<Interval>)| {
        intervals
            .iter()
            .map(|interval| DayHours {
                day: day.to_owned(),
                from: clock(interval.from),
                to: clock(interval.to),
            })
            .collect::<Vec<_>>()
    };
    DAYS.into_iter().zip(&hours.days).flat_map(day_lines).collect()
}

/// The week that these lines say, or faults below the pointer.
pub fn week(faults: &mut Faults, pointer: &str, lines: &[DayHours]) -> Option<WorkingHours> {
    if lines.len() > MAX_STRETCHES {
        faults.wrong(
            pointer,
            "too-long",
            Said::as_is(format!("Must not have more than {MAX_STRETCHES} lines.")),
        );
        return None;
    }
    let mut days: [Vec<Interval>; 7] = Default::default();
    let mut all_read = true;
    for (index, line) in lines.iter().enumerate() {
        let day = DAYS.iter().position(|day| *day == line.day);
        if day.is_none() {
            let valid = DAYS.join(", ");
            let message =
                Said::as_is(format!("`{}` is not a valid day; use one of: {valid}.", line.day));
            faults.wrong(&format!("{pointer}/{index}/day"), "invalid", message);
        }
        let from = minute(faults, &format!("{pointer}/{index}/from"), &line.from);
        let to = minute(faults, &format!("{pointer}/{index}/to"), &line.to);
        match (day, from, to) {
            (Some(day), Some(from), Some(to)) => days[day].push(Interval { from, to }),
            _ => all_read = false,
        }
    }
    if !all_read {
        return None;
    }
    let week = WorkingHours::new(days);
    week.map_err(|wrong| faults.wrong(pointer, "invalid", Said::as_is(wrong.to_string()))).ok()
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn minute(faults: &mut Faults, pointer: &str, text: &str) -> Option<u16> {
    let read = || {
        let (hour, minute) = text.split_once(':')?;
        let is_two_digits =
            |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        if !is_two_digits(hour) || !is_two_digits(minute) {
            return None;
        }
        let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
        (minute < 60 && hour * 60 + minute <= 24 * 60).then_some(hour * 60 + minute)
    };
    let minute = read();
    if minute.is_none() {
        let message =
            Said::as_is(format!("`{text}` is not a valid time of day; use 00:00 to 24:00."));
        faults.wrong(pointer, "invalid", message);
    }
    minute
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(day: &str, from: &str, to: &str) -> DayHours {
        DayHours { day: day.to_owned(), from: from.to_owned(), to: to.to_owned() }
    }

    #[test]
    fn hours_survive_their_lines() {
        for hours in [WorkingHours::default(), WorkingHours::always()] {
            let mut faults = Faults::new();
            assert_eq!(week(&mut faults, "/hours", &lines(&hours)), Some(hours));
        }
    }

    #[test]
    fn a_wrong_line_is_named() {
        let mut faults = Faults::new();
        let wrong = [line("mon", "8", "18:00"), line("friday", "08:00", "24:01")];
        assert_eq!(week(&mut faults, "/hours", &wrong), None);
        let found = faults.into_vec();
        let pointers = found.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>();
        assert_eq!(pointers, ["/hours/0/from", "/hours/1/day", "/hours/1/to"]);
    }

    #[test]
    fn overlapping_stretches_are_refused() {
        let mut faults = Faults::new();
        let twice = [line("mon", "08:00", "12:00"), line("mon", "11:00", "18:00")];
        assert_eq!(week(&mut faults, "/hours", &twice), None);
        assert!(!faults.is_empty());
    }
}
