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

/// Begins a job at the file's first row (0). A name that another job of the organization has is
/// `Taken("name")`.
pub async fn start(
    tx: &mut WriteTx,
    name: &str,
    file_digest: &str,
    now: DateTime<Utc>,
) -> Result<ImportJob, StoreError> {
    let job = ImportJob {
        org: tx.org,
        name: name.to_owned(),
        file_digest: file_digest.to_owned(),
        next_row: 0,
        accepted: 0,
        refused: 0,
        started_at: now,
        updated_at: now,
        finished_at: None,
    };
    let row = JobRow {
        org_id: job.org.0,
        name: job.name.clone(),
        file_digest: digest::to_bytes("file digest", file_digest)?,
        next_row: 0,
        accepted: 0,
        refused: 0,
        started_at: now,
        updated_at: now,
        finished_at: None,
    };
    insert_all(tx, vec![row], &KEYS).await?;
    Ok(job)
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
            next_row: TABLE.fit("next_row", row.next_row)?,
            accepted: TABLE.fit("accepted", row.accepted)?,
            refused: TABLE.fit("refused", row.refused)?,
            started_at: row.started_at,
            updated_at: row.updated_at,
            finished_at: row.finished_at,
        })
    }
}
