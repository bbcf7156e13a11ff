//! The output: everything that a command tells goes through here, for people or as JSON.

use std::borrow::Cow;
use std::io::{self, Write};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use comfy_table::{Table, presets};
use serde_json::Value;

/// Where a command's results go, and in which form.
pub(crate) struct Output {
    to: Box<dyn Write + Send>,
    form: Form,
}

/// Output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Sentences and tables.
    Human,
    /// One JSON document.
    Json,
}

impl Output {
    /// The standard output.
    pub(crate) fn stdout(form: Form) -> Self {
        Self { to: Box::new(io::stdout()), form }
    }

    /// Tells a result: `json` to programs, `human` to people.
    pub(crate) fn tell(
        &mut self,
        json: impl FnOnce() -> Value,
        human: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        match self.form {
            Form::Human => human(&mut self.to).context(WRITING)?,
            Form::Json => {
                serde_json::to_writer_pretty(&mut self.to, &json()).context(WRITING)?;
                writeln!(self.to).context(WRITING)?;
            }
        }
        self.to.flush().context(WRITING)
    }

    /// Tells a list as a table, or says `nothing` of an empty one.
    pub(crate) fn tell_table(
        &mut self,
        json: impl FnOnce() -> Value,
        header: &[&str],
        rows: impl IntoIterator<Item = Vec<String>>,
        nothing: &str,
    ) -> Result<()> {
        self.tell(json, |to| {
            let rows: Vec<Vec<String>> = rows.into_iter().collect();
            if rows.is_empty() {
                return writeln!(to, "{nothing}");
            }
            writeln!(to, "{}", table(header, rows))
        })
    }

    /// Output format.
    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// A step on the way, for people only.
    pub(crate) fn step(&mut self, line: impl std::fmt::Display) -> Result<()> {
        if self.form == Form::Human {
            writeln!(self.to, "{line}").and_then(|()| self.to.flush()).context(WRITING)?;
        }
        Ok(())
    }

    /// A word that is no part of the result, and goes where errors go.
    pub(crate) fn aside(&mut self, line: impl std::fmt::Display) -> Result<()> {
        self.to.flush().context(WRITING)?;
        writeln!(io::stderr(), "{line}").context(WRITING)
    }

    /// A file's content, whatever the form.
    pub(crate) fn verbatim(&mut self, content: impl AsRef<[u8]>) -> Result<()> {
        self.to.write_all(content.as_ref()).and_then(|()| self.to.flush()).context(WRITING)
    }
}

const WRITING: &str = "writing the result";

/// A time for people: to the minute, in UTC.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// What others wrote, on one line: what would begin another, or turn the direction of writing, is a
/// space. So nothing that is quoted looks like what this program says itself.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    let breaks = |c: char| {
        c.is_control()
            || matches!(
                c,
                '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            )
    };
    if !text.contains(breaks) {
        return Cow::Borrowed(text);
    }
    let parts = text.split(breaks).filter(|part| !part.is_empty());
    Cow::Owned(parts.collect::<Vec<_>>().join(" "))
}

/// A table without borders, as wide as its content. A row is a line.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().map(|word| word.to_uppercase()));
    let rows = rows.into_iter().map(|row| row.iter().map(|cell| line(cell).into_owned()).collect());
    table.add_rows(rows.collect::<Vec<Vec<String>>>());
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// Whether an error is only that nobody reads the output any more, as with `| head`.
pub(crate) fn nobody_listens(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json =
            cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_stays_on_its_line() {
        assert_eq!(line("a plain reason"), "a plain reason");
        assert_eq!(line("x\n  route: other\r\n\u{2028}y\u{202e}z\t1"), "x   route: other y z 1");
        let rows = [vec!["a\nb".to_owned(), "c".to_owned()]];
        assert_eq!(table(&["one", "two"], rows).to_string().lines().count(), 2);
    }
}
