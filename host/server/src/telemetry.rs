//! Telemetry: log lines on the standard error output, which leaves the standard output to results.
//!
//! A log that cannot be written (a full disk, a closed pipe, a reader that does not read) stops
//! nothing: lines are written by a thread of their own, and those that are lost are counted and
//! told as soon as one can be written again.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::sync::OnceLock;

use anyhow::{Context, Result};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// So many lines wait for a slow reader; more are lost.
const MAX_WAITING_LINES: usize = 10_000;

/// It tells of nothing but the paths of requests, and those of links hold their secrets.
const NO_PATHS: &str = "tower_http::csrf=off";

/// Lines that did not fit among those that wait.
static NOT_QUEUED: OnceLock<ErrorCounter> = OnceLock::new();

/// Starts logging. Only once in a process. The lines that still wait are written when the guard is
/// dropped.
pub(crate) fn start(format: LogFormat, filter: &str) -> Result<WorkerGuard> {
    let filter: EnvFilter = filter.parse().with_context(|| {
        format!(
            "log_filter `{filter}` is not a valid filter; use a level such as info, or \
                 target=level pairs joined by commas"
        )
    })?;
    let filter = filter.add_directive(NO_PATHS.parse().context("reading a filter of our own")?);
    let not_queued = || NOT_QUEUED.get().map_or(0, ErrorCounter::dropped_lines);
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(MAX_WAITING_LINES)
        .thread_name("log")
        .finish(Counting { to: io::stderr(), format, not_queued, told: 0, failed: 0 });
    drop(NOT_QUEUED.set(writer.error_counter()));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        // It would be printed where nothing can be printed, which panics.
        .log_internal_errors(false);
    let started = match format {
        LogFormat::Text => {
            let is_terminal = io::IsTerminal::is_terminal(&io::stderr());
            lines.with_ansi(is_terminal).with_target(false).try_init()
        }
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(guard)
}

/// A panic is a record like any other, whoever catches it.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let backtrace = Backtrace::capture();
    let backtrace =
        (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    tracing::error!(
        panic.message = panic.payload_as_str(),
        panic.location = panic.location().map(ToString::to_string),
        panic.backtrace = backtrace,
        "panicked"
    );
}

/// Writes lines, and counts those that are lost.
struct Counting<W, N> {
    to: W,
    format: LogFormat,
    /// How many lines were lost before they came here, ever.
    not_queued: N,
    /// As many of them were told.
    told: usize,
    /// Lines that could not be written since the last that could.
    failed: usize,
}

impl<W: Write, N: Fn() -> usize> Write for Counting<W, N> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.to.write_all(line).is_err() {
            self.failed += 1;
            return Ok(line.len());
        }
        let not_queued = (self.not_queued)();
        let lost = self.failed + not_queued.saturating_sub(self.told);
        if lost > 0 {
            let told = match self.format {
                LogFormat::Text => format!("WARN {lost} log lines could not be written\n"),
                LogFormat::Json => format!(
                    "{{\"level\":\"WARN\",\"message\":\"log lines could not be written\",\"lost\":{lost}}}\n"
                ),
            };
            if self.to.write_all(told.as_bytes()).is_ok() {
                (self.failed, self.told) = (0, not_queued);
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // What cannot be flushed is lost with its line.
        drop(self.to.flush());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes lines only while there is room.
    struct Disk {
        is_full: bool,
        written: String,
    }

    impl Write for &mut Disk {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            if self.is_full {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.written.push_str(std::str::from_utf8(line).unwrap());
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_were_lost_are_counted_and_told_once() {
        let mut disk = Disk { is_full: false, written: String::new() };
        let (mut failed, mut told) = (0, 0);
        for (is_full, line, not_queued) in [
            (false, "one\n", 0),
            (true, "two\n", 0),
            (true, "three\n", 3),
            (false, "four\n", 3),
            (false, "five\n", 3),
        ] {
            disk.is_full = is_full;
            let format = LogFormat::Text;
            let not_queued = || not_queued;
            let mut lines = Counting { to: &mut disk, format, not_queued, told, failed };
            assert_eq!(lines.write(line.as_bytes()).unwrap(), line.len());
            (failed, told) = (lines.failed, lines.told);
        }
        assert_eq!(disk.written, "one\nfour\nWARN 5 log lines could not be written\nfive\n");
    }
}
