//! `waypost import tickets`: reads a file, and hands its rows to the desk in batches.
//!
//! How far an import is stands in the database, in the same transaction as its tickets. Whoever
//! kills it starts it again with the same words: it goes on behind the last batch, and a row that
//! is there already is not opened twice. Whoever starts it again when it is finished has the rows
//! tried that were refused.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chrono_tz::Tz;
use clap::{Args, ValueEnum};
use encoding_rs::{Encoding, REPLACEMENT};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use waypost_app::import::{self, IdCase, ImportRow, ImportStart, Origins, Place};
use waypost_domain::key::Key;
use waypost_domain::ticket::{ExternalRef, TicketKind};
use waypost_domain::{
    refusal::{Faults, FieldFault},
    said::Said,
};

use super::columns::{Columns, ID};
use super::identity::Identities;
use super::report::{Refusal, Report, there};
use super::sheet::{Separator, Sheet, SheetOptions, SheetRow};
use super::storing::{Counts, Storing, Writer};
use super::ticket_rows::{self, Defaults, TICKETS};
use super::times::{Format, Times};
use crate::cli::setting;
use crate::installation::Installation;
use crate::output::Output;
use crate::progress::Progress;
use crate::stop::Stop;
use crate::terminal::Terminal;

/// How many batches may wait for being stored, beside the one that is stored and the one that is
/// read: enough to keep the cores and the disk busy.
const AHEAD: usize = 1;

/// The exit code of an import that reached its end, and refused rows.
const SOME_REFUSED: u8 = 3;

/// Import tickets from a CSV file, plain or gzip; the first line must name the columns.
///
/// Columns named like ticket fields (description, title, impact, ...) are mapped automatically; use
/// --map for others. Without a short description, a ticket gets the first words of its description.
///
/// Encoding and separator are recognized; the whole file is checked before anything is stored.
/// Times are read as 2026-06-01T09:30:00+02:00 or, without an offset, as 2026-06-01 09:30 in the
/// zone of --zone.
///
/// If interrupted, run the same command again: it resumes without losing or duplicating rows. If
/// rows were refused, run it again when the reason is gone: rows that are tickets are recognized.
///
/// Exit codes: 0 if every row is a ticket, 3 if rows were refused, 1 if the file was refused or the
/// import stopped, 2 for wrong options.
#[derive(Debug, Args)]
pub(crate) struct Tickets {
    /// CSV file.
    file: PathBuf,
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// Name of the system the rows come from; required. Use the same name for every file of that
    /// system: with the id of a row, it identifies tickets that already exist.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Map a column to a field: `--map description=Document`. Can be repeated.
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = setting)]
    map: Vec<(String, String)>,
    /// Column that identifies a row in its system; several if only together they do. A row without
    /// an id is identified by all of its cells.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    id: Vec<String>,
    /// Whether ids that differ only in upper and lower case are different tickets (exact), or are
    /// refused (careful).
    #[arg(long, value_name = "CASE", value_enum, default_value_t = Ids::Careful)]
    ids: Ids,
    /// E-mail address of the requester for rows without one.
    #[arg(long, value_name = "EMAIL")]
    requester: Option<String>,
    /// Kind for rows without one: incident or request; if omitted, policies decide.
    #[arg(long)]
    kind: Option<TicketKind>,
    /// Encoding of the file, such as windows-1252, if it is not recognized.
    #[arg(long, value_name = "NAME", value_parser = encoding)]
    encoding: Option<&'static Encoding>,
    /// What separates the cells, if it is not recognized: comma, semicolon, tab, pipe or another
    /// character.
    #[arg(long, value_name = "SEPARATOR")]
    separator: Option<Separator>,
    /// Time zone of times without an offset.
    #[arg(long, value_name = "ZONE", value_parser = zone, default_value = "UTC")]
    zone: Tz,
    /// Format of times: `--time-format '%d.%m.%Y %H:%M'`; `%s` for seconds since 1970. Can be
    /// repeated.
    #[arg(long, value_name = "FORMAT")]
    time_format: Vec<Format>,
    /// Accept cells of several lines of which one reads like a row of its own.
    #[arg(long)]
    long_cells: bool,
    /// Number of rows per batch.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=2000))]
    batch: u16,
    /// CSV file to write to what became of each row that is no new ticket: line, row, field, reason
    /// and remedy.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Check everything and store nothing.
    #[arg(long)]
    dry_run: bool,
}

/// How ids are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ids {
    Careful,
    Exact,
}

/// How the rows of a sheet become tickets.
struct Plan<'s> {
    sheet: &'s Sheet,
    columns: Columns<'s>,
    source: String,
    case: IdCase,
    defaults: Defaults,
    times: Times,
    batch: usize,
}

/// What there is to know of an import before its first row.
struct Beginning {
    first: u64,
    /// How many rows before the first one were refused.
    refused: u64,
    /// What the latest rows of the source were read as, and what is said now.
    mappings: Option<(Value, Value)>,
}

impl Tickets {
    pub(crate) async fn run(self, mut terminal: Terminal) -> Result<ExitCode> {
        let sheet = self.open()?;
        let plan = self.plan(&sheet)?;
        let name = self.name();
        terminal.output.step(format_args!("{name}: {sheet}"))?;
        let installation = terminal.open().await?;
        let done = self.import(&installation, &plan, &mut terminal.output).await;
        installation.close().await;
        done
    }

    fn open(&self) -> Result<Sheet> {
        let options = SheetOptions { encoding: self.encoding, separator: self.separator };
        let is_named = |column: &str| {
            TICKETS.knows(column)
                || self.map.iter().any(|(_, named)| named == column)
                || self.id.iter().any(|named| named == column)
        };
        Sheet::open(&self.file, options, &is_named)
    }

    /// What is to be done; or everything that stands against it, at once.
    fn plan<'s>(&self, sheet: &'s Sheet) -> Result<Plan<'s>> {
        let defaults = Defaults { kind: self.kind, requester: self.requester.clone() };
        let mut wrong = sheet.faults.clone();
        let columns = match Columns::find(&sheet.header, &self.map, &self.id, &TICKETS) {
            Ok(columns) => Some(columns),
            Err(mistakes) => {
                wrong.extend(mistakes);
                None
            }
        };
        if let Some(columns) = &columns {
            wrong.extend(ticket_rows::lacking(columns, &defaults));
            if !self.long_cells && sheet.faults.is_empty() {
                wrong.extend(sheet.swallowed(&|cells| ticket_rows::is_row(columns, cells)));
            }
        }
        let source = self.source().map_err(|why| wrong.push(why)).ok();
        if let (Some(columns), Some(source), true) = (columns, source, wrong.is_empty()) {
            let case = match self.ids {
                Ids::Careful => IdCase::Careful,
                Ids::Exact => IdCase::Exact,
            };
            let times = Times { zone: self.zone, formats: self.time_format.clone() };
            let batch = usize::from(self.batch);
            return Ok(Plan { sheet, columns, source, case, defaults, times, batch });
        }
        if sheet.header.len() == 1 {
            wrong.push(
                "there is one column; if there are more, name what separates them with --separator"
                    .to_owned(),
            );
        }
        let (name, has, wrong) = (self.name(), sheet.header.join(", "), wrong.join("\n  "));
        bail!("{name} was not imported, nothing was stored\n  {sheet}: {has}\n  {wrong}")
    }

    /// The system that the rows come from, as it is kept.
    fn source(&self) -> Result<String, String> {
        let org = &self.org;
        let Some(source) = &self.source else {
            return Err(format!(
                "say which system the rows come from with --source NAME, the same name for every file of that system: with \
                 the id of a row, it tells which tickets exist already (`waypost import list --org {org}` shows the \
                 names so far)"
            ));
        };
        let mut faults = Faults::new();
        let kept = ExternalRef::read(source, "1", &mut faults).source;
        match faults.into_vec().pop() {
            None => Ok(kept),
            Some(fault) => Err(format!("--source: {}", fault.message)),
        }
    }

    /// The file's name without its folder.
    fn name(&self) -> String {
        let name = self.file.file_name().map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_default()
    }

    /// How the rows are read, as it is kept with the job.
    fn options(&self, plan: &Plan<'_>) -> Value {
        let columns = plan.columns.told().into_iter();
        let columns = columns.map(|(field, column)| (field.to_owned(), Value::from(column)));
        json!({
            "columns": Value::Object(columns.collect()),
            "kind": self.kind.map(|kind| kind.to_string()),
            "requester": self.requester,
            "encoding": plan.sheet.encoding,
            "separator": plan.sheet.separator.to_string(),
            "zone": self.zone.to_string(),
            "time_formats": self.time_format.iter().map(Format::to_string).collect::<Vec<_>>(),
            "ids": if self.ids == Ids::Exact { "exact" } else { "careful" },
        })
    }

    async fn import(
        &self,
        installation: &Installation,
        plan: &Plan<'_>,
        output: &mut Output,
    ) -> Result<ExitCode> {
        let caller = installation.operator(&self.org).await?;
        let digest = plan.sheet.digest.hex();
        let writer = Writer {
            desk: installation.desk.clone(),
            clock: Arc::clone(&installation.clock),
            caller,
            job: format!("{}: {}#{}", plan.source, self.name(), &digest[..12]),
            ids: plan.case,
        };
        plan.tell(output)?;
        let beginning = self.begin(&writer, plan, output).await?;
        let progress = Progress::new(plan.sheet.rows, TICKETS.noun, output.form());
        progress.start_at(beginning.first - 1);
        let is_resumed = beginning.first > 1;
        let storing = Storing {
            writer: writer.clone(),
            counts: Counts { last_row: beginning.first - 1, ..Counts::default() },
            report: Report::open(self.report.as_deref(), is_resumed, &plan.columns)?,
            progress,
        };
        let stored = if self.dry_run {
            plan.check(&writer, storing).await?
        } else {
            plan.run(&writer, storing).await?
        };
        let is_whole = stored.counts.last_row == plan.sheet.rows;
        if is_whole && !self.dry_run {
            import::finish(&writer.desk, &writer.caller(), &writer.job).await?;
        }
        let code = match (is_whole, stored.report.refused() + beginning.refused) {
            (false, _) => 1,
            (true, 0) => 0,
            (true, _) => SOME_REFUSED,
        };
        self.tell(output, plan, &beginning, &stored, code)?;
        Ok(ExitCode::from(code))
    }

    /// Begins the job, or goes on with it. A dry run has none.
    async fn begin(
        &self,
        writer: &Writer,
        plan: &Plan<'_>,
        output: &mut Output,
    ) -> Result<Beginning> {
        if self.dry_run {
            output.step("Dry run: nothing is stored.")?;
            return Ok(Beginning { first: 1, refused: 0, mappings: None });
        }
        let options = self.options(plan);
        let start = ImportStart {
            name: writer.job.clone(),
            file_digest: plan.sheet.digest.to_string(),
            kind: TICKETS.noun,
            source: plan.source.clone(),
            options: options.to_string(),
        };
        let (state, before) = import::start(&writer.desk, &writer.caller(), &start).await?;
        let first = state.next_row;
        if first > 1 {
            let (accepted, refused) = (state.accepted, state.refused);
            output.step(format_args!(
                "Resuming at row {first}; {accepted} earlier rows were imported and {refused} refused."
            ))?;
        } else if state.runs > 1 {
            output.step(
                "Reading the file again: rows that are tickets are recognized, others are tried.",
            )?;
        }
        let before = before.and_then(|before| serde_json::from_str::<Value>(&before).ok());
        let mappings = before.map(|before| (before["columns"].clone(), options["columns"].clone()));
        Ok(Beginning { first, refused: state.refused, mappings })
    }

    fn tell(
        &self,
        output: &mut Output,
        plan: &Plan<'_>,
        beginning: &Beginning,
        done: &Storing,
        code: u8,
    ) -> Result<()> {
        let Storing { writer, counts, report, progress } = done;
        let Counts { stored, already_there, last_row } = counts;
        let Sheet { rows, .. } = plan.sheet;
        let seconds = progress.elapsed().as_secs_f64();
        let is_whole = last_row == rows;
        let json = || {
            json!({
                "job": if self.dry_run { Value::Null } else { writer.job.as_str().into() },
                "dry_run": self.dry_run,
                "source": plan.source,
                "encoding": plan.sheet.encoding,
                "separator": plan.sheet.separator.to_string(),
                "columns": self.options(plan)["columns"],
                "not_imported": plan.columns.unused(),
                "rows": rows,
                "last_row": last_row,
                "stored": stored,
                "already_there": already_there,
                "refused": report.refused(),
                "refused_before": beginning.refused,
                "first_refusals": report.first_refused().iter().map(refusal).collect::<Vec<_>>(),
                "first_already_there":
                    report.first_notable().iter().map(already).collect::<Vec<_>>(),
                "seconds": seconds,
                "complete": is_whole,
                "exit": code,
            })
        };
        output.tell(json, |to| {
            #[expect(clippy::cast_precision_loss, reason = "people read three digits of a rate")]
            let rate = *stored as f64 / seconds.max(0.001);
            let refused = report.refused();
            let counted = format!(
                "{already_there} were there already, {refused} of {rows} rows refused"
            );
            if self.dry_run {
                writeln!(to, "Dry run: {stored} tickets would be imported, {counted}.")?;
            } else {
                writeln!(
                    to,
                    "{stored} tickets imported, {counted}; {seconds:.1} s, {rate:.0} tickets per second."
                )?;
            }
            for refusal in report.first_refused() {
                writeln!(to, "  {}{}", refusal.shown_place(), refusal.message)?;
            }
            let mut remedies: Vec<_> = report.first_refused().iter().map(|it| it.remedy).collect();
            remedies.sort_unstable();
            remedies.dedup();
            for remedy in remedies {
                writeln!(to, "  → {remedy}")?;
            }
            for row in report.first_notable() {
                let Place { row: number, line } = row.place;
                writeln!(to, "  line {line}, row {number}: {}", there(row))?;
            }
            let shown = report.first_refused().len() + report.first_notable().len();
            match report.path() {
                Some(path) if refused + already_there > 0 => {
                    writeln!(to, "All of these rows are in {}.", path.display())?;
                }
                None if report.reasons() + report.notable() > shown as u64 => {
                    writeln!(to, "Only the first are shown; --report FILE writes all of them.")?;
                }
                Some(_) | None => {}
            }
            if *already_there > 0
                && let Some(changed) = beginning.other_mapping()
            {
                writeln!(
                    to,
                    "Rows that were tickets already were not changed, although other columns were read for them: \
                     {changed}. An import does not change tickets: edit them, or cancel them and import the rows \
                     under another --source."
                )?;
            }
            if beginning.refused > 0 && is_whole {
                let refused = beginning.refused;
                writeln!(
                    to,
                    "{refused} rows were refused before the import was stopped; run the same command once more to \
                     try them."
                )?;
            }
            if !is_whole {
                writeln!(
                    to,
                    "Stopped after row {last_row} of {rows}; run the command again to resume."
                )?;
            }
            Ok(())
        })
    }
}

impl Beginning {
    /// Which fields were read from other columns before.
    fn other_mapping(&self) -> Option<String> {
        let (Value::Object(before), Value::Object(now)) = self.mappings.as_ref()? else {
            return None;
        };
        let shown = |column: Option<&Value>| match column.and_then(Value::as_str) {
            Some(column) => format!("`{column}`"),
            None => "no column".to_owned(),
        };
        let mut fields: Vec<&String> = before.keys().chain(now.keys()).collect();
        fields.sort_unstable();
        fields.dedup();
        let changed = fields.into_iter().filter(|field| before.get(*field) != now.get(*field));
        let changed: Vec<_> = changed
            .map(|field| {
                let (was, is) = (shown(before.get(field)), shown(now.get(field)));
                format!("{field} was read from {was}, now from {is}")
            })
            .collect();
        (!changed.is_empty()).then(|| changed.join("; "))
    }
}

impl Plan<'_> {
    /// What is read from where, for people.
    fn tell(&self, output: &mut Output) -> Result<()> {
        let told = self.columns.told();
        let told: Vec<_> =
            told.iter().map(|(field, column)| format!("{field} = {column}")).collect();
        output.step(format_args!("Reading {}", told.join(", ")))?;
        let unused = self.columns.unused();
        if !unused.is_empty() {
            output.step(format_args!("Not imported: {}", unused.join(", ")))?;
        }
        if !self.columns.has(ID) {
            output.step(
                "No column identifies a row, so all of its cells do: a row that was changed is another one (--id).",
            )?;
        }
        if self.columns.has("opened_at") {
            let zone = self.times.zone;
            output.step(format_args!("Times without an offset are read in {zone} (--zone)."))?;
        }
        Ok(())
    }

    /// Reads all rows from the first one that is not stored, until there are none or somebody asks
    /// to stop, while other tasks decide on what was read and store it.
    async fn run(&self, writer: &Writer, storing: Storing) -> Result<Storing> {
        let stop = Stop::on_signals()?;
        let mut rows = self.rows(storing.counts.last_row + 1);
        let (to_store, waiting) = mpsc::channel(AHEAD);
        let storing = tokio::spawn(storing.run(waiting));
        let begin = async {
            let mut unstored = VecDeque::new();
            while !stop.is_asked() {
                let batch: Vec<ImportRow> = rows.by_ref().take(self.batch).collect();
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

    /// Reads all rows as an import does, and stores nothing.
    async fn check(&self, writer: &Writer, mut checking: Storing) -> Result<Storing> {
        let stop = Stop::on_signals()?;
        let mut rows = self.rows(1);
        let mut before = Origins::default();
        while !stop.is_asked() {
            let batch: Vec<ImportRow> = rows.by_ref().take(self.batch).collect();
            let Some(last) = batch.last() else { break };
            let last_row = last.place.row;
            let read = writer.read(&batch, std::slice::from_ref(&before)).await?;
            before.add(&read.origins());
            checking.count(read.into_report(), last_row)?;
        }
        checking.progress.finish();
        Ok(checking)
    }

    /// The rows from this one on, as tickets that come in. Those before it are looked at, because
    /// ids depend on them.
    fn rows(&self, first: u64) -> impl Iterator<Item = ImportRow> {
        let mut identities = Identities::new(self.source.clone(), self.case, &self.sheet.header);
        self.sheet.rows().filter_map(move |SheetRow { row, line, cells }| {
            let place = Place { row, line };
            let cells = match cells {
                Ok(cells) => cells,
                Err(message) => {
                    let (pointer, code) = (String::new(), "malformed");
                    let ticket =
                        Err(vec![FieldFault { pointer, code, message: Said::as_is(message) }]);
                    let (id, alike) = (None, None);
                    return (row >= first).then_some(ImportRow { place, id, alike, ticket });
                }
            };
            let own = self.columns.text(&cells, ID);
            let identity = identities.of(row, own.as_deref(), &cells);
            let named = (self.source.as_str(), identity.id.as_str());
            (row >= first).then(|| ImportRow {
                place,
                id: own.as_deref().map(str::to_owned),
                ticket: ticket_rows::ticket(
                    &self.columns,
                    &cells,
                    &self.times,
                    named,
                    &self.defaults,
                ),
                alike: identity.alike.clone(),
            })
        })
    }
}

fn refusal(refusal: &Refusal) -> Value {
    let Refusal { place, id, field, column, code, message, remedy } = refusal;
    json!({
        "row": place.row, "line": place.line, "id": id, "field": field, "column": column,
        "code": code, "message": message, "remedy": remedy,
    })
}

fn already(row: &import::AlreadyThere) -> Value {
    json!({
        "row": row.place.row, "line": row.place.line, "id": row.origin.id, "ticket": row.number,
        "repeats_row": row.repeats, "another_text": row.differs,
    })
}

/// Reads the name of an encoding.
fn encoding(text: &str) -> Result<&'static Encoding, String> {
    let known = Encoding::for_label(text.as_bytes()).filter(|known| *known != REPLACEMENT);
    known
        .ok_or_else(|| "use a name such as utf-8, utf-16le, windows-1252 or iso-8859-15".to_owned())
}

/// Reads the name of a time zone.
fn zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| "use an IANA name such as Europe/Berlin".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_and_zones_have_names() {
        assert_eq!(encoding("latin1").map(Encoding::name), Ok("windows-1252"));
        assert!(encoding("ebcdic").is_err() && encoding("hz-gb-2312").is_err());
        assert_eq!(zone("Europe/Berlin"), Ok(Tz::Europe__Berlin));
        assert!(zone("Berlin").unwrap_err().contains("IANA"));
    }

    #[test]
    fn another_mapping_is_told_by_field() {
        let mappings = |before: Value, now: Value| {
            Beginning { first: 1, refused: 0, mappings: Some((before, now)) }.other_mapping()
        };
        let text = json!({ "description": "Text", "external_id": "Nr" });
        let body = json!({ "description": "Body", "external_id": "Nr", "impact": "Prio" });
        assert_eq!(mappings(text.clone(), text.clone()), None);
        assert_eq!(
            mappings(text, body).as_deref(),
            Some(
                "description was read from `Text`, now from `Body`; impact was read from no column, now from `Prio`"
            )
        );
    }
}
