//! Times of a file: plain ones are of the zone that is named, and what is no moment, or may be two,
//! is refused.

use std::str::FromStr;

use chrono::format::{Item, Parsed, StrftimeItems};
use chrono::{
    DateTime, Datelike, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone,
    Timelike, Utc,
};
use chrono_tz::Tz;
use waypost_domain::moment::{FIRST_YEAR, LAST_YEAR};

/// How times are written in a file.
#[derive(Debug, Clone)]
pub(crate) struct Times {
    pub(crate) zone: Tz,
    pub(crate) formats: Vec<Format>,
}

/// A way to write times, as `strftime` takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Format(String);

/// A time, as its text says it.
struct Said {
    at: NaiveDateTime,
    offset: Option<FixedOffset>,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut items = StrftimeItems::new(text);
        if text.is_empty() || items.any(|item| item == Item::Error) {
            return Err("use strftime's letters, such as '%d.%m.%Y %H:%M'".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Times {
    /// Reads a time; or says why it is none, and what would be one.
    pub(crate) fn read(&self, text: &str) -> Result<DateTime<Utc>, String> {
        let of_format = self.formats.iter().find_map(|format| format.read(text));
        let said = match of_format.or_else(|| plain(text)) {
            Some(said) => said?,
            None => return Err(format!("`{text}` is not a valid time; {}.", hint(text))),
        };
        let at = said.in_zone(self.zone).map_err(|why| format!("{why}."))?;
        if !(FIRST_YEAR..=LAST_YEAR).contains(&at.year()) {
            return Err(format!(
                "`{text}` is not from {FIRST_YEAR} to {LAST_YEAR}; name a time of those years."
            ));
        }
        Ok(at)
    }
}

impl Format {
    /// The time, if the text is written so.
    fn read(&self, text: &str) -> Option<Result<Said, String>> {
        let mut parsed = Parsed::new();
        chrono::format::parse(&mut parsed, text, StrftimeItems::new(&self.0)).ok()?;
        let at = if let Ok(at) = parsed.to_datetime() {
            Said { at: at.naive_local(), offset: Some(*at.offset()) }
        } else if let Ok(at) = parsed.to_naive_datetime_with_offset(0) {
            Said { at, offset: None }
        } else {
            Said { at: parsed.to_naive_date().ok()?.and_time(NaiveTime::MIN), offset: None }
        };
        Some(if at.at.nanosecond() >= 1_000_000_000 { Err(leap_second(text)) } else { Ok(at) })
    }
}

impl Said {
    /// The moment. A plain time is of this zone, where clocks may skip it or show it twice.
    fn in_zone(&self, zone: Tz) -> Result<DateTime<Utc>, String> {
        if let Some(offset) = self.offset {
            let at = offset.from_local_datetime(&self.at).single();
            return at.map(|at| at.to_utc()).ok_or_else(|| "The time is out of range".to_owned());
        }
        let shown = || {
            let at = self.at;
            format!("{} on {}", at.format("%H:%M"), at.format("%Y-%m-%d"))
        };
        match zone.from_local_datetime(&self.at) {
            LocalResult::Single(at) => Ok(at.to_utc()),
            LocalResult::Ambiguous(..) => {
                Err(format!("{} comes twice in {zone}; add the offset, such as +02:00", shown()))
            }
            LocalResult::None => Err(format!("{} does not exist in {zone}", shown())),
        }
    }
}

/// Reads `2026-06-01`, `2026-06-01 09:30`, `2026-06-01T09:30:00.5`, each also with an offset: `Z`,
/// `UTC`, `+02`, `+0200`, `+02:00`. None of a text of another shape.
fn plain(text: &str) -> Option<Result<Said, String>> {
    let (date, rest) = text.split_at_checked("2026-06-01".len())?;
    let [year, month, day] = numbers(date, [4, 2, 2], '-')?;
    let (time, offset) = if rest.is_empty() {
        (Some(NaiveTime::MIN), None)
    } else {
        let rest = rest.strip_prefix(['T', 't', ' '])?;
        let (clock, rest) = rest.split_at_checked("09:30".len())?;
        let [hour, minute] = numbers(clock, [2, 2], ':')?;
        let (second, rest) = match rest.strip_prefix(':') {
            Some(rest) => {
                let (second, rest) = rest.split_at_checked(2)?;
                (numbers(second, [2], ':')?[0], rest)
            }
            None => (0, rest),
        };
        if second == 60 {
            return Some(Err(leap_second(text)));
        }
        let (nanos, rest) = match rest.strip_prefix(['.', ',']) {
            Some(rest) => fraction(rest)?,
            None => (0, rest),
        };
        (NaiveTime::from_hms_nano_opt(hour, minute, second, nanos), offset(rest.trim_start())?)
    };
    let year = i32::try_from(year).ok()?;
    if year == 0 {
        return None;
    }
    let at =
        NaiveDate::from_ymd_opt(year, month, day).zip(time).map(|(date, time)| date.and_time(time));
    Some(
        at.map(|at| Said { at, offset })
            .ok_or_else(|| format!("`{text}` is no time of the calendar; correct it.")),
    )
}

/// Numbers of exactly so many digits, with a sign between them.
fn numbers<const N: usize>(text: &str, digits: [usize; N], sign: char) -> Option<[u32; N]> {
    let mut parts = text.split(sign);
    let mut read = [0; N];
    for (number, digits) in read.iter_mut().zip(digits) {
        let part = parts.next()?;
        let is_number = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = is_number.then(|| part.parse().ok()).flatten()?;
    }
    parts.next().is_none().then_some(read)
}

/// The nanoseconds of a fraction, and what follows it.
fn fraction(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let kept: String = digits.chars().chain("000000000".chars()).take(9).collect();
    (!digits.is_empty()).then_some((kept.parse().ok()?, rest))
}

/// The offset that a text says, if it says one. The outer none is a text that is no offset.
#[expect(clippy::option_option, reason = "the outer level is a fault, the inner one no offset")]
fn offset(text: &str) -> Option<Option<FixedOffset>> {
    match text {
        "" => return Some(None),
        "Z" | "z" | "UTC" | "GMT" => return Some(FixedOffset::east_opt(0)),
        _ => {}
    }
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let [hours, minutes] = match rest.len() {
        2 => [numbers(rest, [2], ':')?[0], 0],
        4 => {
            let (hours, minutes) = rest.split_at_checked(2)?;
            [numbers(hours, [2], ':')?[0], numbers(minutes, [2], ':')?[0]]
        }
        _ => numbers(rest, [2, 2], ':')?,
    };
    let seconds = i32::try_from(hours * 3_600 + minutes * 60).ok()?;
    (minutes < 60).then(|| FixedOffset::east_opt(sign * seconds)).flatten().map(Some)
}

fn leap_second(text: &str) -> String {
    format!("`{text}`: the second :60 is not kept; use :59 or the next minute.")
}

/// What a text that is no time may be, and what then helps.
fn hint(text: &str) -> String {
    let shape: String =
        text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).take(24).collect();
    let is_number = !shape.is_empty() && shape.chars().all(|c| c == '0');
    match shape.as_str() {
        "0000000000" => "it looks like seconds since 1970: --time-format %s".to_owned(),
        "0000000000000" => {
            "it looks like milliseconds since 1970; export it in seconds, with --time-format %s"
                .to_owned()
        }
        _ if text.starts_with("0000-00-00") => {
            "there is no such day; leave the cell empty".to_owned()
        }
        _ if shape.starts_with("00000.0") || (is_number && shape.len() == 5) => {
            "it looks like a day number of a spreadsheet; export the column as date and time"
                .to_owned()
        }
        _ if shape.starts_with("00-00-00") => {
            "write the year with four digits, or say --time-format '%y-%m-%d %H:%M'".to_owned()
        }
        _ if shape.starts_with("0000.00.00") || shape.starts_with("0000/00/00") => {
            let sign = &shape[4..5];
            format!("say how to read it: --time-format '%Y{sign}%m{sign}%d %H:%M'")
        }
        _ => day_or_month_first(&shape)
            .unwrap_or_else(|| "use 2026-06-01T09:30:00Z or 2026-06-01 09:30".to_owned()),
    }
}

/// `1.7.2022` and `7/1/2022` are written by people of whom each knows what comes first.
fn day_or_month_first(shape: &str) -> Option<String> {
    let date = shape.split(' ').next()?;
    let sign =
        date.trim_start_matches('0').chars().next().filter(|c| matches!(c, '.' | '/' | '-'))?;
    let lengths: Vec<usize> = date.split(sign).map(str::len).collect();
    let [1 | 2, 1 | 2, 4] = lengths[..] else { return None };
    let clock = if shape.ends_with('M') || shape.ends_with('m') { "%I:%M %p" } else { "%H:%M" };
    Some(format!(
        "is the day first or the month? --time-format '%d{sign}%m{sign}%Y {clock}' or '%m{sign}%d{sign}%Y {clock}'"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_in(zone: &str, formats: &[&str], text: &str) -> Result<String, String> {
        let formats = formats.iter().map(|format| format.parse().unwrap()).collect();
        let times = Times { zone: zone.parse().unwrap(), formats };
        times.read(text).map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }

    fn read(text: &str) -> Result<String, String> {
        read_in("UTC", &[], text)
    }

    #[test]
    fn a_time_is_one_moment() {
        for (text, moment) in [
            ("2022-07-01T21:34:00+0200", "2022-07-01T19:34:00Z"),
            ("2022-07-01T21:34:00+02", "2022-07-01T19:34:00Z"),
            ("2022-07-01 21:34 -05:30", "2022-07-02T03:04:00Z"),
            ("2022-07-01 21:34:00.000", "2022-07-01T21:34:00Z"),
            ("2022-07-01 21:34:00 UTC", "2022-07-01T21:34:00Z"),
            ("2022-07-01 00:30", "2022-07-01T00:30:00Z"),
            ("2022-07-01", "2022-07-01T00:00:00Z"),
            ("2022-07-01T21:34:00.123456789Z", "2022-07-01T21:34:00.123456789Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(moment), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_time_is_told_what_it_may_be() {
        for (text, told) in [
            ("2022.07.01 21:34", "--time-format '%Y.%m.%d %H:%M'"),
            ("01.07.2022 12:00", "--time-format '%d.%m.%Y %H:%M' or '%m.%d.%Y %H:%M'"),
            ("7/1/2022 9:05 PM", "'%m/%d/%Y %I:%M %p'"),
            ("22-07-01 21:34", "four digits"),
            ("44743.898611", "spreadsheet"),
            ("44743", "spreadsheet"),
            ("1656711240", "--time-format %s"),
            ("0000-00-00 00:00:00", "leave the cell empty"),
            ("2016-12-31 23:59:60", "the second :60 is not kept"),
            ("2016-12-31T23:59:60Z", "the second :60 is not kept"),
            ("+2022-07-01 21:34", "use 2026-06-01T09:30:00Z"),
            ("-0044-03-15 10:00", "use 2026-06-01T09:30:00Z"),
            ("yesterday", "use 2026-06-01T09:30:00Z or 2026-06-01 09:30"),
            ("2022-02-30", "no time of the calendar"),
            ("2022-07-01 24:30", "no time of the calendar"),
            ("2022-07-01 21:34 CEST", "use 2026-06-01T09:30:00Z"),
            ("0001-01-01", "from 1970 to 9999"),
            ("1900-01-01", "from 1970 to 9999"),
            ("9999-12-31T23:59:59-01:00", "from 1970 to 9999"),
            ("\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", "use 2026-06-01T09:30:00Z"),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains(told) && refused.ends_with('.'), "{text}: {refused}");
        }
    }

    #[test]
    fn plain_times_are_of_the_zone_that_is_named() {
        let read = |text| read_in("Europe/Berlin", &[], text);
        assert_eq!(read("2022-07-01 00:30").as_deref(), Ok("2022-06-30T22:30:00Z"));
        assert_eq!(read("2022-07-01T00:30Z").as_deref(), Ok("2022-07-01T00:30:00Z"));
        let gap = read("2026-03-29 02:30").unwrap_err();
        assert_eq!(gap, "02:30 on 2026-03-29 does not exist in Europe/Berlin.");
        let twice = read("2026-10-25 02:30").unwrap_err();
        assert!(twice.starts_with("02:30 on 2026-10-25 comes twice in Europe/Berlin"), "{twice}");
    }

    #[test]
    fn formats_that_are_told_are_tried_first() {
        let formats = ["%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p", "%s", "%d.%m.%Y"];
        for (text, moment) in [
            ("01.07.2022 12:00", "2022-07-01T10:00:00Z"),
            ("7/1/2022 9:05 PM", "2022-07-01T19:05:00Z"),
            ("1656711240", "2022-07-01T21:34:00Z"),
            ("01.07.2022", "2022-06-30T22:00:00Z"),
            ("2022-07-01T21:34:00Z", "2022-07-01T21:34:00Z"),
        ] {
            assert_eq!(read_in("Europe/Berlin", &formats, text).as_deref(), Ok(moment), "{text}");
        }
        let leap = read_in("UTC", &["%d.%m.%Y %H:%M:%S"], "31.12.2016 23:59:60").unwrap_err();
        assert!(leap.contains(":60 is not kept"), "{leap}");
        assert!("%Q".parse::<Format>().is_err() && "".parse::<Format>().is_err());
    }
}
