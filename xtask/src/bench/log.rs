//! The server's log, as benchmarks have it written: an object of JSON a line.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// The settings that make the server write what is read here, and otherwise warnings only.
pub(super) const SETTINGS: [&str; 2] = [
    "log_format=json",
    "log_filter=warn,waypost::store=info,waypost::commands::serve=info,\
     waypost_delivery::upkeep=info,waypost_delivery::housekeeping=info",
];

/// What the server said in one run.
#[derive(Debug)]
pub(super) struct Log(Vec<Value>);

/// What the server asked of its database, from its start to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    /// How often it waited for the database's answer.
    pub(super) trips: u64,
    /// Transactions of its own; several may share a commit.
    pub(super) transactions: u64,
    /// How often the database had to write to the disk.
    pub(super) commits: u64,
}

impl Log {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        Ok(Self::parse(&text))
    }

    /// Lines that are no JSON are what the server tells people.
    fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    fn line(&self, message: &str) -> Option<&Value> {
        self.0.iter().rev().find(|line| line["message"] == message)
    }

    /// What was asked of the database, if the server has counted it.
    pub(super) fn asked(&self) -> Option<Asked> {
        let line = self.line("what the database was asked")?;
        let number = |name: &str| line[name].as_u64();
        Some(Asked {
            trips: number("trips")?,
            transactions: number("transactions")?,
            commits: number("commits")?,
        })
    }

    /// Seconds from one line to another, if both are there.
    pub(super) fn seconds(&self, from: &str, to: &str) -> Option<f64> {
        let at = |message| seconds(self.line(message)?["timestamp"].as_str()?);
        Some(at(to)? - at(from)?)
    }
}

/// A timestamp such as `2026-06-01T09:30:00.25Z`, in seconds since a day of the past.
#[expect(clippy::cast_precision_loss, reason = "days of this century")]
fn seconds(timestamp: &str) -> Option<f64> {
    let (date, time) = timestamp.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.split('-').map(|part| part.parse::<u64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.split(':').map(|part| part.parse::<f64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    // Years begin in March here, so that the day that some have more is their last.
    let (year, month) =
        if month < 3 { (year.checked_sub(1)?, month + 9) } else { (year, month - 3) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    Some(days as f64 * 86_400.0 + hour * 3_600.0 + minute * 60.0 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"{"address":"http://127.0.0.1:8080"}
{"timestamp":"2026-02-28T23:59:59.500000Z","level":"INFO","message":"serving","target":"waypost::commands::serve"}
{"timestamp":"2026-03-01T00:00:01.250000Z","level":"INFO","message":"prepared the active policies","ready":4,"target":"waypost::commands::serve"}
WARN 3 log lines could not be written
{"timestamp":"2026-03-01T00:10:00.000000Z","level":"INFO","message":"what the database was asked","trips":168000,"transactions":63000,"commits":1400,"target":"waypost::store"}
"#;

    #[test]
    fn what_the_database_was_asked_is_read_from_its_line() {
        let asked = Log::parse(LOG).asked();
        let expected = Asked { trips: 168_000, transactions: 63_000, commits: 1_400 };
        assert_eq!(asked, Some(expected));
    }

    #[test]
    fn a_server_that_does_not_count_has_asked_nothing_known() {
        let without = LOG.replace("what the database was asked", "stopped");
        assert_eq!(Log::parse(&without).asked(), None);
        assert_eq!(Log::parse(&LOG.replace("\"trips\":168000,", "")).asked(), None);
    }

    #[test]
    fn lines_are_apart_as_long_as_their_timestamps_say() {
        let log = Log::parse(LOG);
        assert_eq!(log.seconds("serving", "prepared the active policies"), Some(1.75));
        assert_eq!(log.seconds("serving", "scheduled work done"), None);
        let leap = |from: &str, to: &str| Some(seconds(to)? - seconds(from)?);
        let day = leap("2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z");
        assert_eq!((day, seconds("yesterday")), (Some(86_400.0), None));
        assert_eq!(leap("2026-12-31T23:00:00Z", "2027-01-01T00:00:00Z"), Some(3_600.0));
    }
}
