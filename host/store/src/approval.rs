//! Approvals: rounds on a record, and the votes that people are asked for.
//!
//! A round is read and written as a whole, guarded by its version.

mod row;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    approval::Approval,
    ids::{ApprovalId, ApprovalRequestId, PersonId, TicketId},
    subject::Subject,
};

use self::row::{ApprovalRow, RequestRow, approval_columns, request_columns};
use crate::{
    ReadTx, StoreError, WriteTx,
    conn::on,
    row::{insert_all, update_guarded},
    sql::Sql,
    unique::UniqueKey,
    write_set::Inserts,
};

const KEYS: [UniqueKey; 1] = [UniqueKey {
    what: "round",
    postgres: "approvals_round_key",
    sqlite: "approvals.org_id, approvals.subject_id, approvals.round",
}];

/// Adds a round. A number that another round of the record has is `Taken("round")`.
pub async fn insert(to: &mut impl Inserts, approval: &Approval) -> Result<(), StoreError> {
    to.put(vec![ApprovalRow::from(approval)], "", &KEYS).await?;
    to.put(RequestRow::of(approval)?, "", &[]).await
}

/// Writes a round back, provided nobody else has since it was read.
pub async fn update(tx: &mut WriteTx, approval: &mut Approval) -> Result<(), StoreError> {
    const FORGET: &str = "delete from approval_requests where org_id = $1 and approval_id = $2";
    let mut row = ApprovalRow::from(&*approval);
    row.version += 1;
    update_guarded(tx, row, approval.id.0, approval.version, &KEYS).await?;
    on!(&mut *tx, |conn, org| {
        sqlx::query(FORGET).bind(org).bind(approval.id.0).execute(conn).await?;
    });
    insert_all(tx, RequestRow::of(approval)?, &[]).await?;
    approval.version += 1;
    Ok(())
}

/// Reads one round.
pub async fn find(tx: &mut ReadTx, id: ApprovalId) -> Result<Option<Approval>, StoreError> {
    Ok(select(tx, |sql| {
        sql.push(" and id = ").bind(id.0);
    })
    .await?
    .pop())
}

/// Reads the round that a request for a vote belongs to.
pub async fn find_request(
    tx: &mut ReadTx,
    request: ApprovalRequestId,
) -> Result<Option<Approval>, StoreError> {
    let org = tx.org.0;
    Ok(select(tx, |sql| {
        sql.push(" and id = (select approval_id from approval_requests where org_id = ").bind(org);
        sql.push(" and id = ").bind(request.0).push(")");
    })
    .await?
    .pop())
}

/// Lists a record's rounds, the first one first.
pub async fn of(tx: &mut ReadTx, subject: Subject) -> Result<Vec<Approval>, StoreError> {
    select(tx, |sql| {
        sql.push(" and subject_id = ").bind(subject.id());
    })
    .await
}

/// Reads the round of a record that is not decided yet.
pub async fn open_of(tx: &mut ReadTx, subject: Subject) -> Result<Option<Approval>, StoreError> {
    Ok(select(tx, |sql| {
        sql.push(" and subject_id = ").bind(subject.id());
        sql.push(" and outcome in ('waiting', 'pending')");
    })
    .await?
    .pop())
}

/// Reads the rounds of these tickets that are not decided yet: of each at most one.
pub async fn open_of_many(
    tx: &mut ReadTx,
    tickets: &[TicketId],
) -> Result<Vec<Approval>, StoreError> {
    if tickets.is_empty() {
        return Ok(Vec::new());
    }
    select(tx, |sql| {
        sql.push(" and subject_id in ").bind_list(tickets.iter().map(|id| id.0));
        sql.push(" and outcome in ('waiting', 'pending')");
    })
    .await
}

/// Reads the latest round of a record.
pub async fn latest_of(tx: &mut ReadTx, subject: Subject) -> Result<Option<Approval>, StoreError> {
    let org = tx.org.0;
    Ok(select(tx, |sql| {
        sql.push(" and subject_id = ").bind(subject.id());
        sql.push(" and round = (select max(round) from approvals where org_id = ").bind(org);
        sql.push(" and subject_id = ").bind(subject.id()).push(")");
    })
    .await?
    .pop())
}

/// Lists the rounds that wait for a person's vote, the longest waiting first: one that they are
/// asked for, or their own that somebody else is asked for.
pub async fn waiting_for(
    tx: &mut ReadTx,
    voter: PersonId,
    limit: u32,
) -> Result<Vec<Approval>, StoreError> {
    const WAITING: &str = "
        select approval_id from (
            select approval_id, requested_at from approval_requests
            where org_id = $1 and voter_id = $2 and state = 'requested'
            union all
            select approval_id, requested_at from approval_requests
            where org_id = $1 and seat_id = $2 and state = 'requested'
        ) as asked
        group by approval_id
        order by min(requested_at), approval_id
        limit $3";
    let ids: Vec<Uuid> = on!(&mut *tx, |conn, org| {
        sqlx::query_scalar(WAITING)
            .bind(org)
            .bind(voter.0)
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await?
    });
    in_order(tx, ids).await
}

/// Lists a page of the rounds with a vote that was asked for before a moment, or that is due, after
/// a round.
///
/// In the order of their ids, which never change: reminding and passing on between two pages
/// neither skips a round nor repeats it, as it would in the order of waiting.
pub async fn stalled(
    tx: &mut ReadTx,
    asked_before: DateTime<Utc>,
    now: DateTime<Utc>,
    after: Option<ApprovalId>,
    limit: u32,
) -> Result<Vec<ApprovalId>, StoreError> {
    const STALLED: &str = "
        select distinct approval_id from approval_requests
        where org_id = $1 and state = 'requested' and (requested_at < $2 or due_at <= $3)
            and approval_id > $4
        order by approval_id
        limit $5";
    let ids: Vec<Uuid> = on!(&mut *tx, |conn, org| {
        sqlx::query_scalar(STALLED)
            .bind(org)
            .bind(asked_before)
            .bind(now)
            .bind(after.map_or(Uuid::nil(), |id| id.0))
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await?
    });
    Ok(ids.into_iter().map(ApprovalId).collect())
}

/// Lists a page of the rounds that are not decided, after a round, in the order of their ids.
pub async fn pending(
    tx: &mut ReadTx,
    after: Option<ApprovalId>,
    limit: u32,
) -> Result<Vec<ApprovalId>, StoreError> {
    const PENDING: &str = "
        select id from approvals
        where org_id = $1 and outcome = 'pending' and id > $2
        order by id
        limit $3";
    let ids: Vec<Uuid> = on!(&mut *tx, |conn, org| {
        sqlx::query_scalar(PENDING)
            .bind(org)
            .bind(after.map_or(Uuid::nil(), |id| id.0))
            .bind(i64::from(limit))
            .fetch_all(conn)
            .await?
    });
    Ok(ids.into_iter().map(ApprovalId).collect())
}

/// Reads these rounds, in this order.
pub async fn find_many(tx: &mut ReadTx, ids: &[ApprovalId]) -> Result<Vec<Approval>, StoreError> {
    in_order(tx, ids.iter().map(|id| id.0).collect()).await
}

/// Reads these rounds, in this order.
async fn in_order(tx: &mut ReadTx, ids: Vec<Uuid>) -> Result<Vec<Approval>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found = select(tx, |sql| {
        sql.push(" and id in ").bind_list(ids.iter().copied());
    })
    .await?;
    let mut by_id: BTreeMap<Uuid, Approval> =
        found.into_iter().map(|approval| (approval.id.0, approval)).collect();
    Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
}

/// Reads the rounds that the filter leaves, with their requests, in two queries.
async fn select(tx: &mut ReadTx, filter: impl Fn(&mut Sql)) -> Result<Vec<Approval>, StoreError> {
    const ROUNDS: &str = concat!("select ", approval_columns!(), " from approvals where org_id = ");
    const REQUESTS: &str =
        concat!("select ", request_columns!(), " from approval_requests where org_id = ");
    let org = tx.org.0;
    let mut sql = Sql::new(&tx.conn, ROUNDS);
    sql.bind(org);
    filter(&mut sql);
    sql.push(" order by subject_id, round");
    let rows: Vec<ApprovalRow> = sql.fetch_all(&mut tx.conn).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }

    let mut sql = Sql::new(&tx.conn, REQUESTS);
    sql.bind(org);
    sql.push(" and approval_id in ").bind_list(rows.iter().map(|row| row.id));
    sql.push(" order by approval_id, stage, step, place");
    let mut requests: BTreeMap<Uuid, Vec<RequestRow>> = BTreeMap::new();
    for row in sql.fetch_all::<RequestRow>(&mut tx.conn).await? {
        requests.entry(row.approval_id).or_default().push(row);
    }

    rows.into_iter()
        .map(|row| {
            let requests = requests.remove(&row.id).unwrap_or_default();
            row.into_approval(requests)
        })
        .collect()
}
