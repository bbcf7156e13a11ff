//! `waypost import tickets`: reads a CSV file, and hands its rows to the desk in batches.
//!
//! How far an import is stands in the database, in the same transaction as its tickets. Whoever
//! kills it starts it again with the same words: it goes on behind the last batch, and a row that
//! is there already is not opened twice.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;
use tokio::sync::mpsc;
use waypost_app::import::{self, ImportRow, ImportStart};
use waypost_domain::key::Key;
use waypost_domain::refusal::FieldFault;
use waypost_domain::ticket::TicketKind;

use super::columns::{Columns, Defaults, Field};
use super::file::{Row, SourceFile};
use super::report::{Refusal, Report};
use super::storing::{Counts, Storing, Writer};
use crate::cli::setting;
use crate::installation::Installation;
use crate::output::Output;
use crate::progress::Progress;
use crate::stop::Stop;
use crate::terminal::Terminal;

/// How many batches may wait for being stored, beside the one that is stored and the one that is
/// read: enough to keep the cores and the disk busy.
const AHEAD: usize = 1;

/// Import tickets from a CSV file, plain or gzip; the first line must name the columns.
///
/// Columns named like ticket fields (description, title, impact, ...) are mapped automatically; use
/// --map for others. Without a short description, a ticket gets the first words of its description.
/// If interrupted, run the same command again: it resumes without losing or duplicating rows.
#[derive(Debug, Args)]
pub(crate) struct Tickets {
    /// CSV file.
    file: PathBuf,
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// Map a column to a field: `--map description=Document`. Can be repeated.
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = setting)]
    map: Vec<(String, String)>,
    /// E-mail address of the requester for rows without one.
    #[arg(long, value_name = "EMAIL")]
    requester: Option<String>,
    /// Kind for rows without one: incident or request; if omitted, policies decide.
    #[arg(long)]
    kind: Option<TicketKind>,
    /// Name of the source system. With the id of a row, it identifies tickets that already exist;
    /// defaults to the file itself.
    #[arg(long)]
    source: Option<String>,
    /// Number of rows per batch.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=2000))]
    batch: u16,
    /// CSV file to write refused rows and the reasons to.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// The rows of a file, on their way to becoming tickets.
struct Reading<'a> {
    columns: &'a Columns,
    source: String,
    defaults: Defaults,
    batch: usize,
}

impl Tickets {
    pub(crate) async fn run(self, mut terminal: Terminal) -> Result<ExitCode> {
        let file = SourceFile::inspect(&self.file)?;
        let columns = Columns::find(&file.header, &self.map)?;
        if self.requester.is_none() && !columns.has(Field::Requester) {
            bail!("no requester is given; use --map requester=COLUMN or --requester EMAIL");
        }
        let installation = terminal.open().await?;
        let done = self.import(&installation, &file, &columns, &mut terminal.output).await;
        installation.close().await;
        done
    }

    async fn import(
        self,
        installation: &Installation,
        file: &SourceFile,
        columns: &Columns,
        output: &mut Output,
    ) -> Result<ExitCode> {
        let caller = installation.operator(&self.org).await?;
        let this_file = format!("{}#{}", file.stem(), &file.digest.hex()[..12]);
        // An id of their own is the same in tomorrow's export; a row's number means something in
        // this very file only.
        let source = match self.source {
            Some(source) => source.trim().to_owned(),
            None if columns.has(Field::ExternalId) => file.stem(),
            None => this_file.clone(),
        };
        let job = if source == this_file { this_file } else { format!("{source}: {this_file}") };
        let start = ImportStart { name: job.clone(), file_digest: file.digest.to_string() };
        let state = import::start(&installation.desk, &caller, &start).await?;
        let first = state.next_row.max(1);
        let shown: Vec<String> =
            columns.told().iter().map(|(field, column)| format!("{field} = {column}")).collect();
        output.step(format_args!("{} rows; {}", file.rows, shown.join(", ")))?;
        if first > 1 {
            let (accepted, refused) = (state.accepted, state.refused);
            output.step(format_args!(
                "Resuming at row {first}; {accepted} earlier rows were imported and {refused} \
                 refused."
            ))?;
        }
        let defaults = Defaults { kind: self.kind, requester: self.requester };
        let writer = Writer {
            desk: installation.desk.clone(),
            clock: Arc::clone(&installation.clock),
            caller,
            job,
        };
        let progress = Progress::new(file.rows, "tickets", output.form());
        progress.start_at(first - 1);
        let storing = Storing {
            writer: writer.clone(),
            counts: Counts { last_row: first - 1, ..Counts::default() },
            report: Report::open(self.report.as_deref(), first > 1)?,
            progress,
        };
        let batch = usize::from(self.batch);
        let reading = Reading { columns, source, defaults, batch };
        let stored = reading.run(file, &writer, storing).await?;
        let is_whole = stored.counts.last_row == file.rows;
        if is_whole && !state.finished {
            import::finish(&installation.desk, &writer.caller(), &writer.job).await?;
        }
        tell(output, file, &reading.source, &stored, is_whole)?;
        Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Reading<'_> {
    /// Reads all rows behind the last one, until there are none or somebody asks to stop, while
    /// other tasks decide on what was read and store it.
    async fn run(&self, file: &SourceFile, writer: &Writer, storing: Storing) -> Result<Storing> {
        let stop = Stop::on_signals()?;
        let done = usize::try_from(storing.counts.last_row).context("skipping earlier rows")?;
        let mut rows = file.rows()?.skip(done);
        let (to_store, waiting) = mpsc::channel(AHEAD);
        let storing = tokio::spawn(storing.run(waiting));
        let begin = async {
            let mut unstored = VecDeque::new();
            while !stop.is_asked() {
                let batch = self.read(&mut rows)?;
                if batch.is_empty() {
                    break;
                }
                let (batch, origins) = writer.begin(batch, unstored.make_contiguous()).await?;
                unstored.push_back(origins);
                // One that is stored, one that is handed over, and those that wait between the two.
                if unstored.len() > AHEAD + 2 {
                    unstored.pop_front();
                }
                if to_store.send(batch).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        let read: Result<()> = begin.await;
        // Without a sender the other task ends, when all that was begun is stored.
        drop(to_store);
        let stored = storing.await.context("storing the tickets")??;
        read.with_context(|| stored.stopped())?;
        Ok(stored)
    }

    /// The next batch; empty behind the last row.
    fn read(&self, rows: &mut impl Iterator<Item = Result<(u64, Row)>>) -> Result<Vec<ImportRow>> {
        rows.take(self.batch)
            .map(|row| {
                let (number, row) = row?;
                Ok(ImportRow { row: number, ticket: self.ticket(number, row) })
            })
            .collect()
    }

    fn ticket(
        &self,
        number: u64,
        row: Row,
    ) -> Result<waypost_app::tickets::OpenTicket, Vec<FieldFault>> {
        let whole =
            |message| vec![FieldFault { pointer: String::new(), code: "malformed", message }];
        let row = row.map_err(whole)?;
        let ticket = self.columns.ticket(&row, &self.source, number, &self.defaults);
        ticket.map_err(|fault| vec![fault])
    }
}

fn tell(
    output: &mut Output,
    file: &SourceFile,
    source: &str,
    stored: &Storing,
    is_whole: bool,
) -> Result<()> {
    let Storing { writer, counts, report, progress } = stored;
    let seconds = progress.elapsed().as_secs_f64();
    let refusal = |refused: &Refusal| json!({ "row": refused.row, "field": refused.field, "message": refused.message });
    let json = || {
        json!({
            "job": writer.job,
            "source": source,
            "rows": file.rows,
            "last_row": counts.last_row,
            "stored": counts.stored,
            "already_there": counts.already_there,
            "refused": report.rows(),
            "first_refusals": report.first().iter().map(refusal).collect::<Vec<_>>(),
            "seconds": seconds,
            "complete": is_whole,
        })
    };
    output.tell(json, |to| {
        #[expect(clippy::cast_precision_loss, reason = "a rate that people read has three digits")]
        let rate = counts.stored as f64 / seconds.max(0.001);
        let Counts { stored, already_there, last_row } = counts;
        let refused = report.rows();
        writeln!(
            to,
            "{stored} tickets imported, {already_there} already existed, {refused} rows refused; \
             {seconds:.1} s, {rate:.0} tickets per second."
        )?;
        for Refusal { row, field, message } in report.first() {
            let colon = if field.is_empty() { "" } else { ": " };
            writeln!(to, "  row {row}: {field}{colon}{message}")?;
        }
        match report.path() {
            Some(path) if refused > 0 => {
                writeln!(to, "All refused rows are in {}.", path.display())?;
            }
            None if refused > report.first().len() as u64 => {
                writeln!(to, "Only the first are shown; use --report FILE to write all of them.")?;
            }
            Some(_) | None => {}
        }
        if !is_whole {
            let rows = file.rows;
            writeln!(
                to,
                "Stopped after row {last_row} of {rows}; run the command again to resume."
            )?;
        }
        Ok(())
    })
}
