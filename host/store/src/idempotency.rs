//! Idempotency keys: a request that is sent twice is carried out once, and answered the same.
//!
//! That a request is carried out is noted in the commit of its changes; its answer is kept after
//! it.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::ids::OrgId;

use crate::{
    Store, StoreError, WriteTx,
    column::Table,
    conn::Conn,
    row::{insert_on, row},
    sql::{Sql, padded},
    sweep::{Sweep, sweep},
    together,
};

const TABLE: Table = Table("idempotency_keys");

/// Requests whose answers are kept no more.
pub const EXPIRED: Sweep = sweep!(
    "idempotency_keys" by "org_id, caller, method, path, key" where "expires_at" " <= $1"
);

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

#[derive(Debug, sqlx::FromRow)]
struct PlacedRow {
    place: i64,
    #[sqlx(flatten)]
    key: KeyRow,
}

/// Reads what is kept of a request of the organization, in one statement with those of others that
/// are asked for at the same time.
pub async fn find(
    store: &Store,
    org: OrgId,
    request: &RequestKey,
    now: DateTime<Utc>,
) -> Result<Option<Known>, StoreError> {
    store.keys.ask(store, Question { org, request: request.clone(), now }, find_all).await
}

/// What is known of a request.
#[derive(Debug)]
pub(crate) struct Question {
    org: OrgId,
    request: RequestKey,
    now: DateTime<Utc>,
}

async fn find_all(
    store: Store,
    questions: Vec<Question>,
) -> Result<Vec<Result<Option<Known>, StoreError>>, StoreError> {
    const FIND: &str = concat!(
        ") select v.place, ",
        key_columns!("k."),
        " from v join idempotency_keys k on k.org_id = v.org_id and k.caller = v.caller
            and k.method = v.method and k.path = v.path and k.key = v.key
        where k.expires_at > v.now"
    );
    let placed = together::placed(&questions);
    let statement = |conn: &Conn| {
        let start = "with v (place, org_id, caller, method, path, key, now) as (values ";
        let mut sql = Sql::new(conn, start);
        sql.bind_rows(padded(&placed), |row, (place, Question { org, request, now })| {
            row.add(*place, "::bigint").add(org.0, "::uuid").add(request.caller.clone(), "::text");
            row.add(request.method.clone(), "::text").add(request.path.clone(), "::text");
            row.add(request.key.clone(), "::text").add(*now, "::timestamptz");
        });
        sql.push(FIND);
        sql
    };
    let rows: Vec<PlacedRow> = store.look(statement).await?;
    let digest_of = |place: i64| {
        let question = usize::try_from(place).ok().and_then(|place| questions.get(place));
        question.map(|question| question.request.digest)
    };
    Ok(together::answers(questions.len(), rows, |PlacedRow { place, key }| {
        (place, known(key, digest_of(place).as_ref()))
    }))
}

fn known(row: KeyRow, digest: Option<&[u8; 32]>) -> Result<Known, StoreError> {
    Ok(match row {
        row if digest.is_none_or(|digest| row.request_digest != digest) => Known::Mismatch,
        KeyRow { status: Some(status), response: Some(response), .. } => {
            Known::Replay { status: TABLE.fit("status", status)?, response }
        }
        KeyRow { carried_out_at: Some(at), .. } => Known::CarriedOut(at),
        _ => return Err(TABLE.corrupt("carried_out_at")),
    })
}

/// A request that is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedOut {
    /// The request.
    pub request: RequestKey,
    /// When.
    pub at: DateTime<Utc>,
    /// From when on the key is forgotten.
    pub expires_at: DateTime<Utc>,
}

/// Notes that requests are carried out, in the transaction of their changes, so that a repeat can't
/// find one without the other. [`keep_answers`] adds the answers. `Overtaken` when another server
/// has carried one of them out: then nothing may be changed.
pub async fn carry_out(tx: &mut WriteTx, requests: Vec<CarriedOut>) -> Result<(), StoreError> {
    // An expired key that is still there is as good as none.
    const UNLESS_THERE: &str = "
        on conflict (org_id, caller, method, path, key) do update set
            request_digest = excluded.request_digest, status = null, response = null,
            carried_out_at = excluded.carried_out_at, expires_at = excluded.expires_at
        where idempotency_keys.expires_at <= excluded.carried_out_at";
    let org_id = tx.0.org.0;
    let row = |CarriedOut { request, at, expires_at }: CarriedOut| KeyRow {
        org_id,
        caller: request.caller,
        method: request.method,
        path: request.path,
        key: request.key,
        request_digest: request.digest.to_vec(),
        status: None,
        response: None,
        carried_out_at: Some(at),
        expires_at,
    };
    let rows: Vec<KeyRow> = requests.into_iter().map(row).collect();
    let many = rows.len();
    let noted = insert_on(&mut tx.0.conn, rows, UNLESS_THERE, &[]).await?;
    if usize::try_from(noted).is_ok_and(|noted| noted == many) {
        Ok(())
    } else {
        Err(StoreError::Overtaken)
    }
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
