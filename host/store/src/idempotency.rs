//! Idempotency keys: a request that is sent twice is carried out once, and answered the same.
//!
//! That a request is carried out is noted in the commit of its changes; its answer is kept after
//! it.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::ids::OrgId;

use crate::{
    Store, StoreError, SystemReadTx, SystemTx, WriteTx,
    column::Table,
    conn::{look, on, on_conn},
    row::{insert_on, row},
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
    /// The digest of its body.
    pub digest: [u8; 32],
}

/// What is kept of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// It was answered: answer the same.
    Replay {
        /// The status that was answered.
        status: u16,
        /// The headers and body that were answered, as the caller of [`keep_answers`] put them
        /// together.
        response: Vec<u8>,
    },
    /// It was carried out at this time, and its answer was not kept yet.
    CarriedOut(DateTime<Utc>),
    /// The key was used for a request with another body.
    Mismatch,
}

/// The answer of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The request.
    pub request: RequestKey,
    /// When its changes were committed, as [`carry_out`] was told; none if it changed nothing.
    pub carried_out_at: Option<DateTime<Utc>>,
    /// The status.
    pub status: u16,
    /// What is answered again.
    pub response: Vec<u8>,
    /// From when on the key is forgotten.
    pub expires_at: DateTime<Utc>,
}

row! {
    struct KeyRow in "idempotency_keys", columns key_columns {
        org_id: Uuid,
        caller: String,
        method: String,
        path: String,
        key: String,
        request_digest: Vec<u8>,
        status: Option<i64>,
        response: Option<Vec<u8>>,
        carried_out_at: Option<DateTime<Utc>>,
        expires_at: DateTime<Utc>,
    }
}

/// Reads what is kept of a request of the organization, in one statement.
pub async fn find(
    store: &Store,
    org: OrgId,
    request: &RequestKey,
    now: DateTime<Utc>,
) -> Result<Option<Known>, StoreError> {
    const FIND: &str = concat!(
        "select ",
        key_columns!(),
        " from idempotency_keys
        where org_id = $1 and caller = $2 and method = $3 and path = $4 and key = $5
            and expires_at > $6"
    );
    let row: Option<KeyRow> = look!(store, |conn| {
        sqlx::query_as(FIND)
            .bind(org.0)
            .bind(&request.caller)
            .bind(&request.method)
            .bind(&request.path)
            .bind(&request.key)
            .bind(now)
            .fetch_optional(conn)
            .await?
    });
    let Some(row) = row else { return Ok(None) };
    Ok(Some(match row {
        row if row.request_digest != request.digest => Known::Mismatch,
        KeyRow { status: Some(status), response: Some(response), .. } => {
            Known::Replay { status: TABLE.fit("status", status)?, response }
        }
        KeyRow { carried_out_at: Some(at), .. } => Known::CarriedOut(at),
        _ => return Err(TABLE.corrupt("carried_out_at")),
    }))
}

/// Notes that a request is carried out, in the transaction of its changes, so that a repeat can't
/// find one without the other. [`keep_answers`] adds the answer. `Overtaken` when another server
/// has carried it out: then nothing may be changed.
pub async fn carry_out(
    tx: &mut WriteTx,
    request: &RequestKey,
    at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    // An expired key that is still there is as good as none.
    const CARRY_OUT: &str = "
        insert into idempotency_keys (org_id, caller, method, path, key, request_digest, carried_out_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (org_id, caller, method, path, key) do update set
            request_digest = excluded.request_digest, status = null, response = null,
            carried_out_at = excluded.carried_out_at, expires_at = excluded.expires_at
        where idempotency_keys.expires_at <= $7";
    let noted = on!(tx, |conn, org| {
        sqlx::query(CARRY_OUT)
            .bind(org)
            .bind(&request.caller)
            .bind(&request.method)
            .bind(&request.path)
            .bind(&request.key)
            .bind(request.digest.to_vec())
            .bind(at)
            .bind(expires_at)
            .execute(conn)
            .await?
            .rows_affected()
    });
    if noted == 0 { Err(StoreError::Overtaken) } else { Ok(()) }
}

/// Keeps the answers of requests, until they expire. One that somebody else has carried out, or
/// answered, keeps theirs.
///
/// It need not be durable by itself: that a request was carried out is; only its answer is lost
/// with a server that fails in this moment. So PostgreSQL does not wait for its disk.
pub async fn keep_answers(tx: &mut WriteTx, answers: Vec<Answered>) -> Result<(), StoreError> {
    const UNLESS_THEIRS: &str = "
        on conflict (org_id, caller, method, path, key) do update set
            request_digest = excluded.request_digest, status = excluded.status,
            response = excluded.response, carried_out_at = excluded.carried_out_at,
            expires_at = excluded.expires_at
        where idempotency_keys.status is null
            and idempotency_keys.request_digest = excluded.request_digest
            and idempotency_keys.carried_out_at = excluded.carried_out_at";
    tx.0.conn.commit_later().await?;
    let org_id = tx.0.org.0;
    let rows = answers.into_iter().map(|one| KeyRow {
        org_id,
        caller: one.request.caller,
        method: one.request.method,
        path: one.request.path,
        key: one.request.key,
        request_digest: one.request.digest.to_vec(),
        status: Some(i64::from(one.status)),
        response: Some(one.response),
        carried_out_at: one.carried_out_at,
        expires_at: one.expires_at,
    });
    insert_on(&mut tx.0.conn, rows.collect(), UNLESS_THEIRS, &[]).await?;
    Ok(())
}

/// Whether a request of any organization has expired.
pub async fn has_expired(tx: &mut SystemReadTx, now: DateTime<Utc>) -> Result<bool, StoreError> {
    const EXPIRED: &str = "select exists (select 1 from idempotency_keys where expires_at <= $1)";
    Ok(on_conn!(&mut tx.conn, |conn| sqlx::query_scalar(EXPIRED).bind(now).fetch_one(conn).await?))
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
