//! Idempotency keys: a request that is sent twice is carried out once, and answered the same.

use chrono::{DateTime, Utc};

use crate::{
    StoreError, SystemTx, WriteTx,
    column::Table,
    conn::{on, on_conn},
};

const TABLE: Table = Table("idempotency_keys");

/// Which request it is. The same key from another caller, or to another path, is another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestKey {
    /// Who asks: the token's or the person's id.
    pub caller: String,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// What the caller gave.
    pub key: String,
}

/// What is known about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Nothing: carry it out, then [`complete`] or [`abandon`] it.
    Fresh,
    /// It was carried out: answer the same.
    Replay {
        /// The status that was answered.
        status: u16,
        /// The headers and body that were answered, as the caller of [`complete`] put them
        /// together.
        response: Vec<u8>,
    },
    /// It is being carried out.
    InProgress,
    /// It was carried out at this time, and its answer was not kept yet.
    CarriedOut(DateTime<Utc>),
    /// The key was used for a request with another body.
    Mismatch,
}

#[derive(Debug, sqlx::FromRow)]
struct KeyRow {
    request_digest: Vec<u8>,
    status: Option<i64>,
    response: Option<Vec<u8>>,
    carried_out_at: Option<DateTime<Utc>>,
}

/// Notes that a request is being carried out, unless it was or is already.
///
/// `request_digest` is of its body. Should the one who carries it out die, a repeat may take over
/// from `lease_until`.
pub async fn begin(
    tx: &mut WriteTx,
    request: &RequestKey,
    request_digest: &[u8; 32],
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
) -> Result<Known, StoreError> {
    const FORGET: &str = "
        delete from idempotency_keys
        where org_id = $1 and caller = $2 and method = $3 and path = $4 and key = $5 and expires_at <= $6";
    const BEGIN: &str = "
        insert into idempotency_keys (org_id, caller, method, path, key, request_digest, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict do nothing";
    const FIND: &str = "
        select request_digest, status, response, carried_out_at from idempotency_keys
        where org_id = $1 and caller = $2 and method = $3 and path = $4 and key = $5";
    on!(&mut *tx, |conn, org| {
        sqlx::query(FORGET)
            .bind(org)
            .bind(&request.caller)
            .bind(&request.method)
            .bind(&request.path)
            .bind(&request.key)
            .bind(now)
            .execute(conn)
            .await?;
    });
    let begun = on!(&mut *tx, |conn, org| {
        sqlx::query(BEGIN)
            .bind(org)
            .bind(&request.caller)
            .bind(&request.method)
            .bind(&request.path)
            .bind(&request.key)
            .bind(request_digest.to_vec())
            .bind(lease_until)
            .execute(conn)
            .await?
            .rows_affected()
    });
    if begun > 0 {
        return Ok(Known::Fresh);
    }
    let row: Option<KeyRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND)
            .bind(org)
            .bind(&request.caller)
            .bind(&request.method)
            .bind(&request.path)
            .bind(&request.key)
            .fetch_optional(conn)
            .await?
    });
    Ok(match row {
        Some(row) if row.request_digest != request_digest => Known::Mismatch,
        Some(KeyRow { status: Some(status), response: Some(response), .. }) => {
            Known::Replay { status: TABLE.fit("status", status)?, response }
        }
        Some(KeyRow { carried_out_at: Some(at), .. }) => Known::CarriedOut(at),
        // It vanished between the two statements: whoever had it gave it up, and the caller may try
        // again.
        Some(_) | None => Known::InProgress,
    })
}

/// Notes that a request is carried out, in the transaction of its changes, so that a repeat can't
/// find one without the other. [`complete`] adds the answer. `Stale` when a repeat has taken over:
/// then nothing may be changed.
pub async fn carry_out(
    tx: &mut WriteTx,
    request: &RequestKey,
    at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    const CARRY_OUT: &str = "
        update idempotency_keys set carried_out_at = $6, expires_at = $7
        where org_id = $1 and caller = $2 and method = $3 and path = $4 and key = $5 and carried_out_at is null";
    let noted = on!(tx, |conn, org| {
        sqlx::query(CARRY_OUT)
            .bind(org)
            .bind(&request.caller)
            .bind(&request.method)
            .bind(&request.path)
            .bind(&request.key)
            .bind(at)
            .bind(expires_at)
            .execute(conn)
            .await?
            .rows_affected()
    });
    if noted == 0 { Err(StoreError::Stale) } else { Ok(()) }
}

/// Keeps the answer of a request that was carried out, until it expires.
pub async fn complete(
    tx: &mut WriteTx,
    request: &RequestKey,
    status: u16,
    response: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    const COMPLETE: &str = "
        update idempotency_keys set status = $6, response = $7, expires_at = $8
        where org_id = $1 and caller = $2 and method = $3 and path = $4 and key = $5";
    let completed = on!(tx, |conn, org| {
        sqlx::query(COMPLETE)
            .bind(org)
            .bind(&request.caller)
            .bind(&request.method)
            .bind(&request.path)
            .bind(&request.key)
            .bind(i64::from(status))
            .bind(response)
            .bind(expires_at)
            .execute(conn)
            .await?
            .rows_affected()
    });
    if completed == 0 { Err(StoreError::Stale) } else { Ok(()) }
}

/// Forgets a request that was not carried out, so that a repeat is.
pub async fn abandon(tx: &mut WriteTx, request: &RequestKey) -> Result<(), StoreError> {
    const ABANDON: &str = "
        delete from idempotency_keys
        where org_id = $1 and caller = $2 and method = $3 and path = $4 and key = $5 and status is null and carried_out_at is null";
    on!(tx, |conn, org| {
        sqlx::query(ABANDON)
            .bind(org)
            .bind(&request.caller)
            .bind(&request.method)
            .bind(&request.path)
            .bind(&request.key)
            .execute(conn)
            .await?;
    });
    Ok(())
}

/// Forgets the requests of all organizations that have expired, at most `limit`, and says how many.
pub async fn purge(tx: &mut SystemTx, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
    const PURGE: &str = "
        delete from idempotency_keys where (org_id, caller, method, path, key) in (
            select org_id, caller, method, path, key from idempotency_keys where expires_at <= $1 limit $2
        )";
    Ok(on_conn!(&mut tx.conn, |conn| {
        sqlx::query(PURGE).bind(now).bind(i64::from(limit)).execute(conn).await?.rows_affected()
    }))
}
