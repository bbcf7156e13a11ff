//! Imports: many tickets from a file, through the same door, in batches.
//!
//! A batch is one commit that holds its tickets and the job's progress. So an import that is killed
//! goes on at the row after the last commit, and no row is stored twice.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use waypost_domain::{
    message::Message,
    refusal::{FieldFault, Refused},
};
use waypost_store::{ReadTx, import_job, import_job::ImportJob, ticket};

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
}

/// Where an import stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportState {
    /// The job's name.
    pub name: String,
    /// The first row, counted from 1, that has not been looked at.
    pub next_row: u64,
    /// How many rows are tickets now: stored by this job, or there before.
    pub accepted: u64,
    /// How many rows were refused so far.
    pub refused: u64,
    /// Whether it has reached the end of the file before.
    pub finished: bool,
}

/// A row, as a ticket that comes in.
#[derive(Debug, Clone)]
pub struct ImportRow {
    /// Its place in the file, counted from 1.
    pub row: u64,
    /// The ticket; or why the row makes none.
    pub ticket: Result<OpenTicket, Vec<FieldFault>>,
}

/// What became of a batch.
#[derive(Debug, Clone, Default)]
pub struct BatchReport {
    /// How many tickets were stored.
    pub stored: u64,
    /// How many of the rows were tickets of this organization before, or stand in the file a second
    /// time.
    pub already_there: u64,
    /// The rows that were refused, and why.
    pub refused: Vec<(u64, Vec<FieldFault>)>,
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

impl ReadBatch {
    /// Where its tickets come from, for reading the batch behind it.
    #[must_use]
    pub fn origins(&self) -> Origins {
        self.origins.clone()
    }
}

/// Where tickets come from: sources, and their ids in these.
#[derive(Debug, Clone, Default)]
pub struct Origins(Arc<HashSet<(String, String)>>);

/// Begins an import, or goes on with one.
///
/// # Errors
/// A job of this name with another file.
pub async fn start(
    desk: &Desk,
    caller: &Caller,
    start: &ImportStart,
) -> Result<ImportState, CommandError> {
    caller.must_be_admin()?;
    let mut tx = desk.store.write(caller.org).await?;
    let job = match import_job::find(&mut tx, &start.name).await? {
        Some(job) if job.file_digest != start.file_digest => {
            return Err(CommandError::field(
                "/name",
                "other-file",
                format!(
                    "The import `{}` was started with another file; use another name.",
                    start.name
                ),
            ));
        }
        Some(job) => job,
        None => {
            let job =
                import_job::start(&mut tx, &start.name, &start.file_digest, caller.now).await?;
            tx.commit().await?;
            job
        }
    };
    Ok(state(&job))
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
) -> Result<ReadBatch, CommandError> {
    caller.must_be_admin()?;
    let mut batch =
        ReadBatch { first_row: rows.first().map(|row| row.row), ..ReadBatch::default() };
    let (mut tx, facts) = Facts::open(desk, caller).await?;
    let stored = known_origins(&mut tx, &rows).await?;
    let mut own = HashSet::new();
    let mut look_ups = LookUps::default();
    batch.opening.reserve(rows.len());
    batch.facts = Some(facts.clone());
    for ImportRow { row, ticket } in rows {
        let command = match ticket {
            Ok(command) => command,
            Err(faults) => {
                batch.report.refused.push((row, faults));
                continue;
            }
        };
        let origin = origin(&command);
        if let Some(origin) = &origin
            && (stored.contains(origin)
                || own.contains(origin)
                || before.iter().any(|batch| batch.0.contains(origin)))
        {
            batch.report.already_there += 1;
            continue;
        }
        match look_ups.draft(&mut tx, desk, caller, &facts, &command).await {
            Ok(deciding) => {
                batch.opening.push(deciding);
                own.extend(origin);
            }
            Err(error) => batch.report.refused.push((row, faults_of(error)?)),
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
    report.stored = u64::try_from(opening.len()).unwrap_or(u64::MAX);
    let mut scene = Scene::new(desk, caller, facts);
    scene.drafts = opening;
    open::decide_on(&mut scene).await?;
    scene.react().await?;
    let drafts = scene.drafts;
    let finish = move || TicketDraft::finish_all(drafts);
    let mut writes = tokio::task::spawn_blocking(finish)
        .await
        .map_err(|error| CommandError::Internal(Box::new(error)))??;
    let letters = write::letters(desk, caller.org, &mut writes, caller.now).await?;
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
    let DecidedBatch { first_row, mut writes, letters, report } = batch;
    let Some(first_row) = first_row else { return Ok(report) };
    let mut tx = desk.store.write(caller.org).await?;
    let mut job = import_job::find(&mut tx, name).await?.ok_or(CommandError::Stale)?;
    // The store counts the rows that were looked at; a file's rows are counted from 1.
    if first_row != job.next_row + 1 {
        return Err(CommandError::Stale);
    }
    write::write(desk, &mut tx, &mut writes, letters, caller.now).await?;
    let refused = u64::try_from(report.refused.len()).unwrap_or(u64::MAX);
    let accepted = report.stored + report.already_there;
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
) -> Result<BatchReport, CommandError> {
    let read = read(desk, caller, rows, &[]).await?;
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
        next_row: job.next_row + 1,
        accepted: job.accepted,
        refused: job.refused,
        finished: job.finished_at.is_some(),
    }
}

/// Which of the places that rows come from have tickets of the organization already.
async fn known_origins(
    tx: &mut ReadTx,
    rows: &[ImportRow],
) -> Result<HashSet<(String, String)>, CommandError> {
    let mut by_source: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        if let Some((source, id)) = row.ticket.as_ref().ok().and_then(origin) {
            by_source.entry(source).or_default().push(id);
        }
    }
    let mut known = HashSet::new();
    for (source, ids) in by_source {
        let found = ticket::known_external_ids(tx, &source, &ids).await?;
        known.extend(found.into_iter().map(|(id, _)| (source.clone(), id)));
    }
    Ok(known)
}

/// Where a row comes from.
fn origin(command: &OpenTicket) -> Option<(String, String)> {
    open::origin(command).map(|it| (it.source, it.id))
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
            message: refused.to_string(),
        }]),
        other => Err(other),
    }
}
