//! Storing: decided batches, one after the other, on a task of its own while the next ones are read
//! and decided on.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use waypost_app::import::{self, BatchReport, DecidedBatch, IdCase, ImportRow, Origins, ReadBatch};
use waypost_app::{Caller, Clock, CommandError, Desk};

use super::report::Report;
use crate::progress::Progress;

/// A busy database is asked again after these waits.
const RETRIES: [Duration; 4] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

/// Who imports, and where to.
#[derive(Clone)]
pub(super) struct Writer {
    pub(super) desk: Desk,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) caller: Caller,
    /// The job's name: of this source from this file.
    pub(super) job: String,
    pub(super) ids: IdCase,
}

/// A batch that is decided on, with its rows, in case that this has to be done again.
pub(super) struct Batch {
    rows: Vec<ImportRow>,
    deciding: JoinHandle<Result<DecidedBatch, CommandError>>,
}

/// What stores batches, and keeps count.
pub(super) struct Storing {
    pub(super) writer: Writer,
    pub(super) counts: Counts,
    pub(super) report: Report,
    pub(super) progress: Progress,
}

/// What came of the rows.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) stored: u64,
    pub(super) already_there: u64,
    pub(super) last_row: u64,
}

impl Writer {
    /// Reads a batch, again if the database is busy.
    pub(super) async fn read(&self, rows: &[ImportRow], before: &[Origins]) -> Result<ReadBatch> {
        let mut waits = RETRIES.into_iter();
        loop {
            let (caller, rows) = (self.caller(), rows.to_vec());
            let read = import::read(&self.desk, &caller, rows, before, self.ids).await;
            match (read, waits.next()) {
                (Err(CommandError::Busy), Some(wait)) => tokio::time::sleep(wait).await,
                (read, _) => return Ok(read?),
            }
        }
    }

    /// Reads a batch, and lets the desk decide on it on a task of its own.
    pub(super) async fn begin(
        &self,
        rows: Vec<ImportRow>,
        before: &[Origins],
    ) -> Result<(Batch, Origins)> {
        let read = self.read(&rows, before).await?;
        let origins = read.origins();
        let (desk, caller) = (self.desk.clone(), self.caller());
        let deciding = tokio::spawn(async move { import::decide(&desk, &caller, read).await });
        Ok((Batch { rows, deciding }, origins))
    }

    /// Stores a batch. If the database is busy, or somebody else opened one of its tickets
    /// meanwhile, the batch is read, decided on and stored again: it is stored as a whole or not at
    /// all.
    async fn store(&self, Batch { rows, deciding }: Batch) -> Result<BatchReport> {
        let mut stored = match deciding.await.context("deciding on the tickets")? {
            Ok(decided) => import::store(&self.desk, &self.caller(), &self.job, decided).await,
            Err(error) => Err(error),
        };
        for wait in RETRIES {
            if !matches!(stored, Err(CommandError::Busy | CommandError::Taken(_))) {
                break;
            }
            tokio::time::sleep(wait).await;
            let (caller, rows) = (self.caller(), rows.clone());
            stored = import::batch(&self.desk, &caller, &self.job, rows, self.ids).await;
        }
        match stored {
            Err(CommandError::Stale) => Err(anyhow!(
                "another process is importing this file; let it finish, or stop it first"
            )),
            stored => Ok(stored?),
        }
    }

    /// The caller, now.
    pub(super) fn caller(&self) -> Caller {
        Caller { now: self.clock.now(), ..self.caller.clone() }
    }
}

impl Storing {
    /// Stores every batch that comes, in order.
    pub(super) async fn run(mut self, mut batches: mpsc::Receiver<Batch>) -> Result<Self> {
        while let Some(batch) = batches.recv().await {
            let last_row = batch.rows.last().map_or(self.counts.last_row, |row| row.place.row);
            let stored = self.writer.store(batch).await.with_context(|| self.stopped())?;
            self.count(stored, last_row)?;
        }
        self.progress.finish();
        Ok(self)
    }

    pub(super) fn stopped(&self) -> String {
        let last_row = self.counts.last_row;
        format!("stopped after row {last_row}; the same command goes on from there")
    }

    /// Counts what became of a batch, and writes it down.
    pub(super) fn count(&mut self, batch: BatchReport, last_row: u64) -> Result<()> {
        let BatchReport { stored, already_there, refused } = batch;
        self.counts.stored += stored;
        self.counts.already_there += u64::try_from(already_there.len()).unwrap_or(u64::MAX);
        for row in already_there {
            self.report.is_there(row)?;
        }
        for row in refused {
            self.report.refuse(row)?;
        }
        self.progress.note_refused(self.report.refused());
        self.progress.advance(last_row - self.counts.last_row);
        self.counts.last_row = last_row;
        self.report.flush()
    }
}
