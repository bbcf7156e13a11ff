//! Progress: a bar for people, on the error output so that results stay clean.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::output::Form;

/// How often a line tells of the progress where there is no terminal for a bar.
const QUIET_PAUSE: Duration = Duration::from_secs(10);

/// How far a long piece of work is.
pub(crate) struct Progress {
    bar: ProgressBar,
    what: &'static str,
    /// How many of the steps came to nothing.
    refused: u64,
    /// Where nobody sees a bar: when a line was last written.
    last_line: Option<Duration>,
}

impl Progress {
    /// Progress over so many steps; `what` is their name: `tickets`.
    pub(crate) fn new(total: u64, what: &'static str, form: Form) -> Self {
        let is_seen = std::io::stderr().is_terminal() && form == Form::Human;
        let bar = if is_seen { ProgressBar::new(total) } else { ProgressBar::hidden() };
        if !is_seen {
            bar.set_length(total);
        }
        bar.set_style(style("{wide_bar} {human_pos}/{human_len} {msg}, {per_sec}, {eta} left"));
        bar.set_message(what);
        Self { bar, what, refused: 0, last_line: (!is_seen).then_some(Duration::ZERO) }
    }

    /// Progress over steps that nobody has counted.
    pub(crate) fn without_end(what: &'static str, form: Form) -> Self {
        let progress = Self::new(0, what, form);
        progress.bar.unset_length();
        progress.bar.set_style(style("{spinner} {human_pos} {msg}, {per_sec}"));
        progress
    }

    /// Starts at this step, because those before it were done earlier.
    pub(crate) fn start_at(&self, step: u64) {
        self.bar.set_position(step);
        self.bar.reset_eta();
    }

    /// So many of the steps came to nothing so far.
    pub(crate) fn note_refused(&mut self, refused: u64) {
        self.refused = refused;
        self.bar.set_message(format!("{}{}", self.what, self.shown_refused()));
    }

    fn shown_refused(&self) -> String {
        if self.refused == 0 { String::new() } else { format!(", {} refused", self.refused) }
    }

    /// So many steps are done.
    pub(crate) fn advance(&mut self, steps: u64) {
        self.bar.inc(steps);
        let elapsed = self.bar.elapsed();
        if self.last_line.is_some_and(|last| elapsed >= last + QUIET_PAUSE) {
            self.last_line = Some(elapsed);
            let (done, what) = (self.bar.position(), self.what);
            let total = self.bar.length().map(|total| format!(" of {total}")).unwrap_or_default();
            let refused = self.shown_refused();
            // Where nobody reads it, nothing is lost.
            let _ = writeln!(std::io::stderr(), "{done}{total} {what}{refused}");
        }
    }

    /// How long it has taken so far.
    pub(crate) fn elapsed(&self) -> Duration {
        self.bar.elapsed()
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are fixed, and a test reads each")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_bars_can_be_drawn() {
        let mut progress = Progress::new(10, "tickets", Form::Json);
        progress.start_at(4);
        progress.advance(2);
        progress.note_refused(3);
        assert_eq!(
            (progress.bar.position(), progress.bar.message().as_str()),
            (6, "tickets, 3 refused")
        );
        let mut progress = Progress::without_end("receipts", Form::Json);
        progress.advance(2);
        assert_eq!(progress.bar.position(), 2);
        progress.finish();
    }
}
