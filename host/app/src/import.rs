//! Imports: many tickets from a file, through the same door, in batches.
//!
//! A batch is one commit that holds its tickets and the job's progress. So an import that is killed
//! goes on at the row after the last commit, and no row is stored twice.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use waypost_domain::{
    message::Message,
    refusal::{FieldFault, Refused},
    said::Said,
    ticket::ExternalRef,
};
use waypost_store::{
    ReadTx,
    import_job::{self, ImportJob, NewJob},
    ticket::{self, Heading},
};

use crate::{
    Caller, CommandError, Desk,
    tickets::{
        OpenTicket,
        decide::TicketDraft,
        facts::Facts,
        given::LookUps,
        open,
        scene::Scene,
        write::{self, TicketWrite},
    },
};

/// What is imported.
#[derive(Debug, Clone)]
pub struct ImportStart {
    /// The job's name, unique in the organization. The same name goes on with the same job.
    pub name: String,
    /// The digest of the file, `sha256:…`. A job goes on with the same file only.
    pub file_digest: String,
    /// What the rows become: `tickets`.
    pub kind: &'static str,
    /// The system that the rows come from.
    pub source: String,
    /// How the rows are read, as JSON. With other options the job begins at the first row again.
    pub options: String,
}

/// Where an import stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportState {
    /// The job's name.
    pub name: String,
    /// What the rows become.
    pub kind: String,
    /// The system that the rows come from.
    pub source: String,
    /// How the rows are read, as JSON.
    pub options: String,
    /// How often it began at the first row.
    pub runs: u64,
    /// The first row, counted from 1, that has not been looked at.
    pub next_row: u64,
    /// How many rows are tickets now: stored by this job, or there before.
    pub accepted: u64,
    /// How many rows were refused so far.
    pub refused: u64,
    /// When it moved on last.
    pub updated_at: DateTime<Utc>,
    /// Whether it has reached the end of the file.
    pub finished: bool,
}

/// Where a row stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its number, counted from 1 behind the header.
    pub row: u64,
    /// The line that it begins on, counted from 1.
    pub line: u64,
}

/// A row, as a ticket that comes in.
#[derive(Debug, Clone)]
pub struct ImportRow {
    /// Where it stands.
    pub place: Place,
    /// Its own id, as it stands there, if it has one.
    pub id: Option<String>,
    /// The row before it whose id differs from its own only in upper and lower case.
    pub alike: Option<Alike>,
    /// The ticket; or why the row makes none.
    pub ticket: Result<OpenTicket, Vec<FieldFault>>,
}

/// A row whose id is nearly another one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    /// The row.
    pub row: u64,
    /// Its id.
    pub id: String,
}

/// Whether ids that differ only in upper and lower case may be different tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdCase {
    /// They may: the other system tells ids apart by it.
    Exact,
    /// Nobody has said so: the second one is refused.
    Careful,
}

/// A row that was refused.
#[derive(Debug, Clone)]
pub struct RefusedRow {
    /// Where it stands.
    pub place: Place,
    /// Its own id, as it stands there, if it has one.
    pub id: Option<String>,
    /// Why.
    pub faults: Vec<FieldFault>,
}

/// A row whose ticket was there before. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlreadyThere {
    /// Where it stands.
    pub place: Place,
    /// Its id, which the ticket has too.
    pub origin: ExternalRef,
    /// The ticket's number; none if it is not stored yet, as in a dry run.
    pub number: Option<String>,
    /// The row of this import that the ticket is of, if it is.
    pub repeats: Option<u64>,
    /// What the ticket is about, where the row says otherwise.
    pub differs: Option<String>,
}

/// What became of a batch: every row is counted in one of three ways.
#[derive(Debug, Clone, Default)]
pub struct BatchReport {
    /// How many tickets were stored.
    pub stored: u64,
    /// The rows that were tickets of this organization before, or stand in the file a second time.
    pub already_there: Vec<AlreadyThere>,
    /// The rows that were refused, and why.
    pub refused: Vec<RefusedRow>,
}

/// A batch of rows that was read: what can become tickets, with what stands around each.
#[derive(Default)]
pub struct ReadBatch {
    /// The first row's place in the file; none of an empty batch.
    first_row: Option<u64>,
    opening: Vec<TicketDraft>,
    facts: Option<Facts>,
    report: BatchReport,
    origins: Origins,
}

/// A batch of rows that was decided on and is not stored yet.
pub struct DecidedBatch {
    first_row: Option<u64>,
    writes: Vec<TicketWrite>,
    letters: Vec<Message>,
    report: BatchReport,
}

/// Where tickets come from that are not stored yet, with their rows.
#[derive(Debug, Clone, Default)]
pub struct Origins(Arc<HashMap<ExternalRef, Coming>>);

/// A ticket that is on its way.
#[derive(Debug, Clone)]
struct Coming {
    row: u64,
    about: String,
}

impl ReadBatch {
    /// Where its tickets come from, for reading the batch behind it.
    #[must_use]
    pub fn origins(&self) -> Origins {
        self.origins.clone()
    }

    /// What would become of its rows, if it was stored. What was refused is refused here: policies
    /// refuse no ticket.
    #[must_use]
    pub fn into_report(self) -> BatchReport {
        BatchReport { stored: count(&self.opening), ..self.report }
    }
}

impl Origins {
    /// Adds those of another batch.
    pub fn add(&mut self, other: &Self) {
        let own = Arc::make_mut(&mut self.0);
        own.extend(other.0.iter().map(|(origin, coming)| (origin.clone(), coming.clone())));
    }
}

/// Begins an import, goes on with one that was stopped, or begins one anew that is finished or was
/// begun with other options: rows that are tickets are known by their ids, and those that were
/// refused are tried again.
///
/// Answers also how the latest rows of the same source were read, by this job or another.
///
/// # Errors
/// A job of this name with another file.
pub async fn start(
    desk: &Desk,
    caller: &Caller,
    start: &ImportStart,
) -> Result<(ImportState, Option<String>), CommandError> {
    caller.must_be_admin()?;
    let mut tx = desk.store.write(caller.org).await?;
    // The latest first.
    let jobs = import_job::list(&mut tx).await?;
    let latest = jobs.iter().find(|job| job.kind == start.kind && job.source == start.source);
    let before = latest.map(|job| job.options.clone());
    let job = match jobs.into_iter().find(|job| job.name == start.name) {
        Some(job) if job.file_digest != start.file_digest => {
            return Err(CommandError::field(
                "/name",
                "other-file",
                Said::as_is(format!(
                    "The import `{}` was started with another file; use another name.",
                    start.name
                )),
            ));
        }
        Some(job) if job.finished_at.is_none() && job.options == start.options => {
            // Whoever began it may not be committed yet; the answer waits for that.
            tx.commit().await?;
            job
        }
        Some(mut job) => {
            import_job::restart(&mut tx, &mut job, &start.options, caller.now).await?;
            tx.commit().await?;
            job
        }
        None => {
            let new = NewJob {
                name: &start.name,
                file_digest: &start.file_digest,
                kind: start.kind,
                source: &start.source,
                options: &start.options,
            };
            let job = import_job::start(&mut tx, &new, caller.now).await?;
            tx.commit().await?;
            job
        }
    };
    Ok((state(&job), before))
}

/// Lists the organization's imports, the latest first.
///
/// # Errors
/// Only for administrators.
pub async fn list(desk: &Desk, caller: &Caller) -> Result<Vec<ImportState>, CommandError> {
    caller.must_be_admin()?;
    let mut tx = desk.store.read(caller.org).await?;
    Ok(import_job::list(&mut tx).await?.iter().map(state).collect())
}

/// Reads what a batch of rows needs, and decides nothing yet. While batches are decided on and
/// stored, the next ones can be read; `before` tells where the tickets come from that are not
/// stored yet.
///
/// Policies that ask how much a team has to do see what was stored when the batch was read.
///
/// # Errors
/// What is not one row's fault.
pub async fn read(
    desk: &Desk,
    caller: &Caller,
    rows: Vec<ImportRow>,
    before: &[Origins],
    ids: IdCase,
) -> Result<ReadBatch, CommandError> {
    caller.must_be_admin()?;
    let mut batch =
        ReadBatch { first_row: rows.first().map(|row| row.place.row), ..ReadBatch::default() };
    let (mut tx, facts) = Facts::open(desk, caller).await?;
    let stored = known_origins(&mut tx, &rows, ids).await?;
    let mut own = HashMap::new();
    let mut look_ups = LookUps::default();
    batch.opening.reserve(rows.len());
    batch.facts = Some(facts.clone());
    for ImportRow { place, id, alike, ticket } in rows {
        let command = match ticket {
            Ok(command) => command,
            Err(faults) => {
                batch.report.refused.push(RefusedRow { place, id, faults });
                continue;
            }
        };
        let about = about(&command);
        let origin = open::origin(&command);
        if let Some(origin) = &origin {
            let before = before.iter().find_map(|batch| batch.0.get(origin));
            let coming = own.get(origin).or(before);
            if let Some(there) = already_there(place, origin, &about, coming, stored.get(origin)) {
                batch.report.already_there.push(there);
                continue;
            }
            if let Some(fault) = nearly_there(origin, alike, &stored, ids) {
                batch.report.refused.push(RefusedRow { place, id, faults: vec![fault] });
                continue;
            }
        }
        match look_ups.draft(&mut tx, desk, caller, &facts, &command).await {
            Ok(deciding) => {
                batch.opening.push(deciding);
                own.extend(origin.map(|origin| (origin, Coming { row: place.row, about })));
            }
            Err(error) => {
                batch.report.refused.push(RefusedRow { place, id, faults: faults_of(error)? });
            }
        }
    }
    batch.origins = Origins(Arc::new(own));
    Ok(batch)
}

/// Decides on a batch, and stores nothing. Batches may be decided on at the same time, and are
/// stored in their order.
///
/// # Errors
/// What is not one row's fault.
pub async fn decide(
    desk: &Desk,
    caller: &Caller,
    batch: ReadBatch,
) -> Result<DecidedBatch, CommandError> {
    let ReadBatch { first_row, opening, facts, mut report, origins: _ } = batch;
    let Some(facts) = facts else {
        return Ok(DecidedBatch { first_row, writes: Vec::new(), letters: Vec::new(), report });
    };
    report.stored = count(&opening);
    let mut scene = Scene::new(desk, caller, facts);
    scene.drafts = opening;
    open::decide_on(&mut scene).await?;
    scene.react().await?;
    let drafts = scene.drafts;
    let finish = move || TicketDraft::finish_all(drafts);
    let mut writes = tokio::task::spawn_blocking(finish)
        .await
        .map_err(|error| CommandError::Internal(Box::new(error)))??;
    let letters = write::letters(desk, &mut writes, caller.now);
    Ok(DecidedBatch { first_row, writes, letters, report })
}

/// Stores a batch in one commit, together with how far the job is then.
///
/// # Errors
/// [`CommandError::Stale`] when the rows do not follow the job's last row: another process has
/// moved the same job on.
pub async fn store(
    desk: &Desk,
    caller: &Caller,
    name: &str,
    batch: DecidedBatch,
) -> Result<BatchReport, CommandError> {
    caller.must_be_admin()?;
    let DecidedBatch { first_row, mut writes, letters, mut report } = batch;
    let Some(first_row) = first_row else { return Ok(report) };
    let mut tx = desk.store.write_alone(caller.org).await?;
    let mut job = import_job::find(&mut tx, name).await?.ok_or(CommandError::Stale)?;
    // The store counts the rows that were looked at; a file's rows are counted from 1.
    if first_row != job.next_row + 1 {
        return Err(CommandError::Stale);
    }
    write::write(desk, &mut tx, &mut writes, letters, caller.now).await?;
    name_numbers(&mut tx, &mut report.already_there).await?;
    let refused = count(&report.refused);
    let accepted = report.stored + count(&report.already_there);
    import_job::advance(&mut tx, &mut job, accepted, refused, caller.now).await?;
    write::commit(desk, tx, &writes, caller.now).await?;
    Ok(report)
}

/// Reads a batch of rows, which follow the job's last row, decides on it and stores it.
///
/// # Errors
/// As [`read()`], [`decide()`] and [`store()`].
pub async fn batch(
    desk: &Desk,
    caller: &Caller,
    name: &str,
    rows: Vec<ImportRow>,
    ids: IdCase,
) -> Result<BatchReport, CommandError> {
    let read = read(desk, caller, rows, &[], ids).await?;
    let decided = decide(desk, caller, read).await?;
    store(desk, caller, name, decided).await
}

/// Notes that the file has been read to its end.
pub async fn finish(desk: &Desk, caller: &Caller, name: &str) -> Result<ImportState, CommandError> {
    caller.must_be_admin()?;
    let mut tx = desk.store.write(caller.org).await?;
    let mut job = import_job::find(&mut tx, name).await?.ok_or(CommandError::Stale)?;
    import_job::finish(&mut tx, &mut job, caller.now).await?;
    tx.commit().await?;
    Ok(state(&job))
}

fn state(job: &ImportJob) -> ImportState {
    ImportState {
        name: job.name.clone(),
        kind: job.kind.clone(),
        source: job.source.clone(),
        options: job.options.clone(),
        runs: job.runs,
        next_row: job.next_row + 1,
        accepted: job.accepted,
        refused: job.refused,
        updated_at: job.updated_at,
        finished: job.finished_at.is_some(),
    }
}

/// Which of the places that rows come from have tickets of the organization already; also those
/// that differ from one only in upper and lower case.
async fn known_origins(
    tx: &mut ReadTx,
    rows: &[ImportRow],
    ids: IdCase,
) -> Result<HashMap<ExternalRef, Heading>, CommandError> {
    let mut by_source: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        if let Some(ExternalRef { source, id }) = row.ticket.as_ref().ok().and_then(open::origin) {
            let asked = by_source.entry(source).or_default();
            if ids == IdCase::Careful {
                asked.extend(ExternalRef::other_cases(&id));
            }
            asked.push(id);
        }
    }
    let mut known = HashMap::new();
    for (source, ids) in by_source {
        for found in ticket::known_external_ids(tx, &source, &ids).await? {
            let origin = ExternalRef { source: source.clone(), id: found.external_id };
            known.insert(origin, found.heading);
        }
    }
    Ok(known)
}

/// What there is of a row's ticket, if it is stored or on its way.
fn already_there(
    place: Place,
    origin: &ExternalRef,
    about: &str,
    coming: Option<&Coming>,
    stored: Option<&Heading>,
) -> Option<AlreadyThere> {
    let known = match (stored, coming) {
        (Some(heading), _) => &heading.short_description,
        (None, Some(coming)) => &coming.about,
        (None, None) => return None,
    };
    Some(AlreadyThere {
        place,
        origin: origin.clone(),
        number: stored.map(|heading| heading.number.clone()),
        repeats: coming.map(|coming| coming.row),
        differs: (known != about).then(|| known.clone()),
    })
}

/// Why a row is refused whose id is another one's but for upper and lower case.
fn nearly_there(
    origin: &ExternalRef,
    alike: Option<Alike>,
    stored: &HashMap<ExternalRef, Heading>,
    ids: IdCase,
) -> Option<FieldFault> {
    if ids == IdCase::Exact {
        return None;
    }
    let stored = || {
        let others = ExternalRef::other_cases(&origin.id).into_iter();
        let mut others = others.map(|id| ExternalRef { source: origin.source.clone(), id });
        others.find_map(|other| {
            let number = &stored.get(&other)?.number;
            Some((other.id, number.clone()))
        })
    };
    let (id, whose) =
        alike.map(|alike| (alike.id, format!("row {}", alike.row))).or_else(stored)?;
    Some(FieldFault {
        pointer: "/external_ref/id".to_owned(),
        code: "similar",
        message: Said::as_is(format!(
            "`{}` differs from `{id}` ({whose}) only in upper and lower case.",
            origin.id
        )),
    })
}

/// Names the tickets of rows that stand twice in the file, which had no number when they were read.
async fn name_numbers(tx: &mut ReadTx, rows: &mut [AlreadyThere]) -> Result<(), CommandError> {
    let mut by_source: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.number.is_none()) {
        by_source.entry(row.origin.source.clone()).or_default().push(row.origin.id.clone());
    }
    for (source, ids) in by_source {
        let found = ticket::known_external_ids(tx, &source, &ids).await?;
        let numbers: HashMap<_, _> =
            found.into_iter().map(|known| (known.external_id, known.heading.number)).collect();
        for row in rows.iter_mut().filter(|row| row.origin.source == source) {
            row.number = row.number.take().or_else(|| numbers.get(&row.origin.id).cloned());
        }
    }
    Ok(())
}

/// What a row's ticket is about, as it is kept.
fn about(command: &OpenTicket) -> String {
    let text = command.fields.get("short_description").and_then(serde_json::Value::as_str);
    text.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn count<T>(rows: &[T]) -> u64 {
    u64::try_from(rows.len()).unwrap_or(u64::MAX)
}

/// Why a row was refused; what is not the row's fault ends the import.
fn faults_of(error: CommandError) -> Result<Vec<FieldFault>, CommandError> {
    match error {
        CommandError::Invalid(faults)
        | CommandError::Refused(Refused::Invalid(faults) | Refused::MissingFields(faults)) => {
            Ok(faults)
        }
        CommandError::Refused(refused) => Ok(vec![FieldFault {
            pointer: String::new(),
            code: "refused",
            message: refused.said(),
        }]),
        other => Err(other),
    }
}
