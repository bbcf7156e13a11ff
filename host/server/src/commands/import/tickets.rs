//! `waypost import tickets`: reads a CSV file, and hands its rows to the desk in batches.
//!
//! How far an import is stands in the database, in the same transaction as its tickets. Whoever kills it starts it again
//! with the same words: it goes on behind the last batch, and a row that is there already is not opened twice.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;
use waypost_app::import::{self, BatchReport, ImportRow, ImportStart};
use waypost_app::tickets::PersonRef;
use waypost_app::{Caller, CommandError};
use waypost_domain::key::Key;
use waypost_domain::refusal::FieldFault;
use waypost_domain::ticket::TicketKind;

use super::columns::{Columns, Defaults, Field};
use super::file::{Row, SourceFile};
use super::report::{Refusal, Report};
use crate::cli::setting;
use crate::installation::Installation;
use crate::output::Output;
use crate::progress::Progress;
use crate::stop::Stop;
use crate::terminal::Terminal;

/// A busy database is asked again after these waits.
const RETRIES: [Duration; 4] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

/// Tickets from a CSV file, plain or gzip; the first line names the columns.
///
/// Columns named like a field of a ticket (description, title, impact, ...) are understood by themselves; --map says the
/// rest. Without a short description, a ticket gets the first words of its description. Killed in the middle, the same
/// command goes on where it was: no row is lost, and none becomes two tickets.
#[derive(Debug, Args)]
pub(crate) struct Tickets {
    /// The file.
    file: PathBuf,
    /// The organization's key.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// The column that is a field: `--map description=Document`. Can be repeated.
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = setting)]
    map: Vec<(String, String)>,
    /// The e-mail address of the person that rows without a requester are from.
    #[arg(long, value_name = "EMAIL")]
    requester: Option<String>,
    /// The kind of rows without one: incident or request. Without it, policies decide.
    #[arg(long)]
    kind: Option<TicketKind>,
    /// The name of the system that the rows are from. Together with a row's id it tells whether a ticket is there already.
    /// Without it, the file itself is the source.
    #[arg(long)]
    source: Option<String>,
    /// How many rows are stored at once.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=2000))]
    batch: u16,
    /// A CSV file for the refused rows and the reasons.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// An import on its way.
struct Import<'a> {
    installation: &'a Installation,
    caller: Caller,
    columns: &'a Columns,
    /// The job's name: of this source from this file.
    job: String,
    source: String,
    defaults: Defaults,
    counts: Counts,
    report: Report,
}

/// What came of the rows.
#[derive(Debug, Default)]
struct Counts {
    stored: u64,
    already_there: u64,
    last_row: u64,
}

impl Tickets {
    pub(crate) async fn run(self, mut terminal: Terminal) -> Result<ExitCode> {
        let file = SourceFile::inspect(&self.file)?;
        let columns = Columns::find(&file.header, &self.map)?;
        if self.requester.is_none() && !columns.has(Field::Requester) {
            bail!(
                "nothing says who the tickets are from; name a column with --map requester=COLUMN, or a person with --requester EMAIL"
            );
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
        // An id of their own is the same in tomorrow's export; a row's number means something in this very file only.
        let source = match self.source {
            Some(source) => source,
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
                "Going on at row {first}; before it, {accepted} tickets were stored and {refused} rows refused."
            ))?;
        }
        let defaults =
            Defaults { kind: self.kind, requester: self.requester.map(PersonRef::Email) };
        let mut import = Import {
            installation,
            caller,
            columns,
            job,
            source,
            defaults,
            counts: Counts { last_row: first - 1, ..Counts::default() },
            report: Report::open(self.report.as_deref(), first > 1)?,
        };
        let mut progress = Progress::new(file.rows, "tickets", output.form());
        progress.start_at(first - 1);
        import.rows(file, usize::from(self.batch), &mut progress).await?;
        progress.finish();
        let is_whole = import.counts.last_row == file.rows;
        if is_whole && !state.finished {
            import::finish(&installation.desk, &import.now(), &import.job).await?;
        }
        tell(output, file, &import, progress.elapsed(), is_whole)?;
        Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Import<'_> {
    /// Stores all rows behind the last one, until there are none or somebody asks to stop.
    async fn rows(
        &mut self,
        file: &SourceFile,
        batch: usize,
        progress: &mut Progress,
    ) -> Result<()> {
        let stop = Stop::on_signals()?;
        let done = usize::try_from(self.counts.last_row).context("skipping the rows before")?;
        let mut rows = file.rows()?.skip(done).peekable();
        while rows.peek().is_some() && !stop.is_asked() {
            let mut read = Vec::with_capacity(batch);
            for row in rows.by_ref().take(batch) {
                let (number, row) = row?;
                read.push(ImportRow { row: number, ticket: self.ticket(number, row) });
            }
            let last_row = read.last().map_or(self.counts.last_row, |row| row.row);
            let stored = self.store(read).await?;
            progress.advance(last_row - self.counts.last_row);
            self.counts.last_row = last_row;
            self.counts.stored += stored.stored;
            self.counts.already_there += stored.already_there;
            for (row, faults) in stored.refused {
                self.report.refuse(row, faults)?;
            }
            self.report.flush()?;
        }
        Ok(())
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

    /// Hands a batch to the desk, and again if the database is busy: a batch is stored as a whole or not at all.
    async fn store(&self, batch: Vec<ImportRow>) -> Result<BatchReport> {
        for wait in RETRIES {
            match self.try_to_store(batch.clone()).await {
                Err(CommandError::Busy) => tokio::time::sleep(wait).await,
                done => return done.with_context(|| self.stopped()),
            }
        }
        self.try_to_store(batch).await.with_context(|| self.stopped())
    }

    async fn try_to_store(&self, batch: Vec<ImportRow>) -> Result<BatchReport, CommandError> {
        import::batch(&self.installation.desk, &self.now(), &self.job, batch).await
    }

    fn stopped(&self) -> String {
        format!(
            "the import stopped behind row {}; run the same command again to go on",
            self.counts.last_row
        )
    }

    /// The same caller, now.
    fn now(&self) -> Caller {
        Caller { now: self.installation.clock.now(), ..self.caller.clone() }
    }
}

fn tell(
    output: &mut Output,
    file: &SourceFile,
    import: &Import<'_>,
    elapsed: Duration,
    is_whole: bool,
) -> Result<()> {
    let Import { counts, report, .. } = import;
    let seconds = elapsed.as_secs_f64();
    let refusal = |refused: &Refusal| json!({ "row": refused.row, "field": refused.field, "message": refused.message });
    let json = || {
        json!({
            "job": import.job,
            "source": import.source,
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
            "{stored} tickets stored, {already_there} already there, {refused} rows refused; {seconds:.1} s, {rate:.0} tickets a second."
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
                writeln!(to, "These are the first; --report FILE writes all of them.")?;
            }
            Some(_) | None => {}
        }
        if !is_whole {
            let rows = file.rows;
            writeln!(to, "Stopped behind row {last_row} of {rows}. Run the same command again to go on.")?;
        }
        Ok(())
    })
}
