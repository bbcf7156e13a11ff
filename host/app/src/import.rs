//! Imports: many tickets from a file, through the same door, in batches.
//!
//! A batch is one commit that holds its tickets and the job's progress. So an import that is killed goes on at the row
//! after the last commit, and no row is stored twice.

use std::collections::BTreeMap;

use waypost_domain::{
    refusal::{FieldFault, Refused},
    ticket::ExternalRef,
};
use waypost_store::{import_job, import_job::ImportJob, ticket};

use crate::{
    Caller, CommandError, Desk,
    tickets::{
        OpenTicket,
        decide::{self, Deciding},
        facts::Facts,
        open::LookUps,
        write,
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
    /// How many rows became tickets so far.
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
    /// How many of the rows were tickets of this organization before.
    pub already_there: u64,
    /// The rows that were refused, and why.
    pub refused: Vec<(u64, Vec<FieldFault>)>,
}

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
                    "the import `{}` was begun with another file; give this one another name",
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

/// Stores a batch of rows, which follow the job's last row.
///
/// # Errors
/// [`CommandError::Stale`] when another process has moved the same job on.
pub async fn batch(
    desk: &Desk,
    caller: &Caller,
    name: &str,
    rows: Vec<ImportRow>,
) -> Result<BatchReport, CommandError> {
    caller.must_be_admin()?;
    if rows.is_empty() {
        return Ok(BatchReport::default());
    }
    let mut report = BatchReport::default();
    let (mut tx, facts) = Facts::open(desk, caller.org).await?;
    let mut job = import_job::find(&mut tx, name).await?.ok_or(CommandError::Stale)?;
    // The store counts the rows that were looked at; a file's rows are counted from 1.
    if rows.first().is_some_and(|row| row.row != job.next_row + 1) {
        return Err(CommandError::Stale);
    }
    let mut known = KnownRefs::default();
    known.read(&mut tx, &rows).await?;
    let mut look_ups = LookUps::default();
    let mut opening = Vec::with_capacity(rows.len());
    for ImportRow { row, ticket } in rows {
        let command = match ticket {
            Ok(command) => command,
            Err(faults) => {
                report.refused.push((row, faults));
                continue;
            }
        };
        if !known.is_new(&command) {
            report.already_there += 1;
            continue;
        }
        match look_ups.deciding(&mut tx, desk, caller, &facts, command).await {
            Ok(deciding) => opening.push(deciding),
            Err(error) => report.refused.push((row, faults_of(error)?)),
        }
    }
    drop(tx);
    decide::open(desk, caller, &mut opening, false).await?;
    let mut writes: Vec<_> = opening.into_iter().map(Deciding::finish).collect();
    report.stored = u64::try_from(writes.len()).unwrap_or(u64::MAX);

    let mut tx = desk.store.write(caller.org).await?;
    write::write(desk, &mut tx, &mut writes, caller.now).await?;
    let refused = u64::try_from(report.refused.len()).unwrap_or(u64::MAX);
    let accepted = report.stored + report.already_there;
    import_job::advance(&mut tx, &mut job, accepted, refused, caller.now).await?;
    tx.commit().await?;
    write::tell_administrators(desk, &writes, caller.now).await?;
    Ok(report)
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

/// The external references of a batch that the organization has already, or that stand in it twice.
#[derive(Default)]
struct KnownRefs {
    seen: std::collections::HashSet<ExternalRef>,
}

impl KnownRefs {
    async fn read(
        &mut self,
        tx: &mut waypost_store::ReadTx,
        rows: &[ImportRow],
    ) -> Result<(), CommandError> {
        let mut by_source: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for row in rows {
            if let Ok(OpenTicket { external_ref: Some((source, id)), .. }) = &row.ticket {
                by_source.entry(source).or_default().push(id.clone());
            }
        }
        for (source, ids) in by_source {
            for (id, _) in ticket::known_external_ids(tx, source, &ids).await? {
                self.seen.insert(ExternalRef { source: source.to_owned(), id });
            }
        }
        Ok(())
    }

    fn is_new(&mut self, command: &OpenTicket) -> bool {
        match &command.external_ref {
            Some((source, id)) => {
                self.seen.insert(ExternalRef { source: source.clone(), id: id.clone() })
            }
            None => true,
        }
    }
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
