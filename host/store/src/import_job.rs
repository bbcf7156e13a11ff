//! Import jobs: how far a file has been read, so that an import that was stopped goes on where it
//! was.
//!
//! A job moves on in the same transaction as the tickets of the rows it has read.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::ids::OrgId;

use crate::{
    ReadTx, StoreError, WriteTx,
    column::{Table, number},
    conn::on,
    digest,
    row::{insert_all, row},
    unique::UniqueKey,
};

const TABLE: Table = Table("import_jobs");

const KEYS: [UniqueKey; 1] = [UniqueKey {
    what: "name",
    postgres: "import_jobs_key",
    sqlite: "import_jobs.org_id, import_jobs.name",
}];

/// The import of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportJob {
    /// The organization.
    pub org: OrgId,
    /// Its name, unique in the organization.
    pub name: String,
    /// The digest of the file: `sha256:…`.
    pub file_digest: String,
    /// What the rows become: `tickets`.
    pub kind: String,
    /// The system that the rows come from.
    pub source: String,
    /// How the rows are read, as JSON.
    pub options: String,
    /// How often it began at the first row.
    pub runs: u64,
    /// How many rows were looked at, which is the place of the next one, counted from 0.
    pub next_row: u64,
    /// How many rows are tickets now: stored by this job, or there before.
    pub accepted: u64,
    /// How many rows were refused.
    pub refused: u64,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it moved on last.
    pub updated_at: DateTime<Utc>,
    /// When it reached the end of the file.
    pub finished_at: Option<DateTime<Utc>>,
}

row! {
    struct JobRow in "import_jobs", columns job_columns {
        org_id: Uuid,
        name: String,
        file_digest: Vec<u8>,
        kind: String,
        source: String,
        options: String,
        runs: i64,
        next_row: i64,
        accepted: i64,
        refused: i64,
        started_at: DateTime<Utc>,
        updated_at: DateTime<Utc>,
        finished_at: Option<DateTime<Utc>>,
    }
}

/// Reads the job with this name.
pub async fn find(tx: &mut ReadTx, name: &str) -> Result<Option<ImportJob>, StoreError> {
    const FIND: &str =
        concat!("select ", job_columns!(), " from import_jobs where org_id = $1 and name = $2");
    let row: Option<JobRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(name).fetch_optional(conn).await?
    });
    row.map(ImportJob::try_from).transpose()
}

/// Lists the organization's jobs, the latest first.
pub async fn list(tx: &mut ReadTx) -> Result<Vec<ImportJob>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        job_columns!(),
        " from import_jobs where org_id = $1 order by started_at desc, name"
    );
    let rows: Vec<JobRow> =
        on!(tx, |conn, org| sqlx::query_as(LIST).bind(org).fetch_all(conn).await?);
    rows.into_iter().map(ImportJob::try_from).collect()
}

/// What a new job is.
#[derive(Debug, Clone)]
pub struct NewJob<'a> {
    /// Its name, unique in the organization.
    pub name: &'a str,
    /// The digest of the file: `sha256:…`.
    pub file_digest: &'a str,
    /// What the rows become.
    pub kind: &'a str,
    /// The system that the rows come from.
    pub source: &'a str,
    /// How the rows are read, as JSON.
    pub options: &'a str,
}

/// Begins a job at the file's first row (0). A name that another job of the organization has is
/// `Taken("name")`.
pub async fn start(
    tx: &mut WriteTx,
    new: &NewJob<'_>,
    now: DateTime<Utc>,
) -> Result<ImportJob, StoreError> {
    let row = JobRow {
        org_id: tx.org.0,
        name: new.name.to_owned(),
        file_digest: digest::to_bytes("file digest", new.file_digest)?,
        kind: new.kind.to_owned(),
        source: new.source.to_owned(),
        options: new.options.to_owned(),
        runs: 1,
        next_row: 0,
        accepted: 0,
        refused: 0,
        started_at: now,
        updated_at: now,
        finished_at: None,
    };
    insert_all(tx, vec![row.clone()], &KEYS).await?;
    row.try_into()
}

/// Begins a job at the first row again, with these options: one that is finished, or that was begun
/// with others. `Stale` when another process has moved it since it was read.
pub async fn restart(
    tx: &mut WriteTx,
    job: &mut ImportJob,
    options: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const RESTART: &str = "
        update import_jobs
        set options = $5, runs = runs + 1, next_row = 0, accepted = 0, refused = 0,
            started_at = $6, updated_at = $6, finished_at = null
        where org_id = $1 and name = $2 and next_row = $3 and runs = $4";
    let (row, runs) = (number("row", job.next_row)?, number("runs", job.runs)?);
    let restarted = on!(tx, |conn, org| {
        sqlx::query(RESTART)
            .bind(org)
            .bind(&job.name)
            .bind(row)
            .bind(runs)
            .bind(options)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
    });
    if restarted == 0 {
        return Err(StoreError::Stale);
    }
    *job = ImportJob {
        options: options.to_owned(),
        runs: job.runs + 1,
        next_row: 0,
        accepted: 0,
        refused: 0,
        started_at: now,
        updated_at: now,
        finished_at: None,
        ..job.clone()
    };
    Ok(())
}

/// Moves a job on past the rows that were looked at. `Stale` when another process has moved it
/// since it was read.
pub async fn advance(
    tx: &mut WriteTx,
    job: &mut ImportJob,
    accepted: u64,
    refused: u64,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const ADVANCE: &str = "
        update import_jobs
        set next_row = $4, accepted = accepted + $5, refused = refused + $6, updated_at = $7
        where org_id = $1 and name = $2 and next_row = $3 and finished_at is null";
    let next = job.next_row + accepted + refused;
    let (from, to) = (number("row", job.next_row)?, number("row", next)?);
    let (more_accepted, more_refused) = (number("row", accepted)?, number("row", refused)?);
    let advanced = on!(tx, |conn, org| {
        sqlx::query(ADVANCE)
            .bind(org)
            .bind(&job.name)
            .bind(from)
            .bind(to)
            .bind(more_accepted)
            .bind(more_refused)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
    });
    if advanced == 0 {
        return Err(StoreError::Stale);
    }
    job.next_row = next;
    job.accepted += accepted;
    job.refused += refused;
    job.updated_at = now;
    Ok(())
}

/// Notes that a job has reached the end of the file. `Stale` when another process has moved it
/// since it was read.
pub async fn finish(
    tx: &mut WriteTx,
    job: &mut ImportJob,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const FINISH: &str = "
        update import_jobs set finished_at = $4, updated_at = $4
        where org_id = $1 and name = $2 and next_row = $3 and finished_at is null";
    let row = number("row", job.next_row)?;
    let finished = on!(tx, |conn, org| {
        sqlx::query(FINISH)
            .bind(org)
            .bind(&job.name)
            .bind(row)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
    });
    if finished == 0 {
        return Err(StoreError::Stale);
    }
    job.finished_at = Some(now);
    job.updated_at = now;
    Ok(())
}

impl TryFrom<JobRow> for ImportJob {
    type Error = StoreError;

    fn try_from(row: JobRow) -> Result<Self, StoreError> {
        Ok(Self {
            org: OrgId(row.org_id),
            name: row.name,
            file_digest: digest::to_text(&row.file_digest),
            kind: row.kind,
            source: row.source,
            options: row.options,
            runs: TABLE.fit("runs", row.runs)?,
            next_row: TABLE.fit("next_row", row.next_row)?,
            accepted: TABLE.fit("accepted", row.accepted)?,
            refused: TABLE.fit("refused", row.refused)?,
            started_at: row.started_at,
            updated_at: row.updated_at,
            finished_at: row.finished_at,
        })
    }
}
