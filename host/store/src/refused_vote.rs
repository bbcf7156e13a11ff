//! Refused votes: what was tried on approvals and not allowed. Appended, never changed.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    approval::RefusedVote,
    ids::{ApprovalId, ApprovalRequestId, OrgId, PersonId, RefusedVoteId},
};

use crate::{
    ReadTx, StoreError, WriteTx,
    column::Table,
    conn::on,
    event::Period,
    moment::{first_id_of, past_ids_of},
    row::{insert_all, row},
    sql::Sql,
};

const TABLE: Table = Table("refused_votes");

row! {
    struct RefusedRow in "refused_votes", columns refused_columns {
        org_id: Uuid,
        id: Uuid,
        subject_kind: String,
        subject_id: Uuid,
        approval_id: Uuid,
        request_id: Uuid,
        at: DateTime<Utc>,
        actor: String,
        actor_id: Option<Uuid>,
        vote: String,
        code: String,
        message: String,
        comment: Option<String>,
    }
}

/// Appends a refused vote.
pub async fn append(tx: &mut WriteTx, refused: &RefusedVote) -> Result<(), StoreError> {
    let row = RefusedRow {
        org_id: refused.org.0,
        id: refused.id.0,
        subject_kind: refused.subject.kind().as_str().to_owned(),
        subject_id: refused.subject.id(),
        approval_id: refused.approval.0,
        request_id: refused.request.0,
        at: refused.at,
        actor: refused.by.kind.as_str().to_owned(),
        actor_id: refused.by.person.map(|person| person.0),
        vote: refused.vote.as_str().to_owned(),
        code: refused.code.clone(),
        message: refused.message.clone(),
        comment: refused.comment.clone(),
    };
    insert_all(tx, vec![row], &[]).await?;
    Ok(())
}

/// Counts what a person, or whoever is nobody, has tried on a request.
pub async fn count(
    tx: &mut ReadTx,
    request: ApprovalRequestId,
    by: Option<PersonId>,
) -> Result<i64, StoreError> {
    const COUNT: &str = "
        select count(*) from refused_votes
        where org_id = $1 and request_id = $2 and actor_id is not distinct from $3";
    Ok(on!(tx, |conn, org| {
        sqlx::query_scalar(COUNT)
            .bind(org)
            .bind(request.0)
            .bind(by.map(|person| person.0))
            .fetch_one(conn)
            .await?
    }))
}

/// Lists a page of the organization's refused votes in the order in which they were tried, each
/// with its ticket's number, after one.
pub async fn page(
    tx: &mut ReadTx,
    period: Period,
    after: Option<RefusedVoteId>,
    limit: u32,
) -> Result<Vec<(String, RefusedVote)>, StoreError> {
    #[derive(sqlx::FromRow)]
    struct NumberedRow {
        ticket_number: String,
        #[sqlx(flatten)]
        refused: RefusedRow,
    }
    const PAGE: &str = concat!(
        "select (select number from tickets where tickets.org_id = refused_votes.org_id
            and tickets.id = refused_votes.subject_id) as ticket_number, ",
        refused_columns!(),
        " from refused_votes where org_id = "
    );
    let org = tx.org.0;
    let mut sql = Sql::new(&tx.conn, PAGE);
    sql.bind(org);
    if let Some(after) = after {
        sql.push(" and id > ").bind(after.0);
    }
    if let Some(from) = period.from {
        sql.push(" and at >= ").bind(from).push(" and id >= ").bind(first_id_of(from));
    }
    if let Some(to) = period.to {
        sql.push(" and at < ").bind(to).push(" and id < ").bind(past_ids_of(to));
    }
    sql.push(" order by id limit ").bind(i64::from(limit));
    let rows: Vec<NumberedRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(|row| Ok((row.ticket_number, row.refused.try_into()?))).collect()
}

impl TryFrom<RefusedRow> for RefusedVote {
    type Error = StoreError;

    fn try_from(row: RefusedRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: RefusedVoteId(row.id),
            org: OrgId(row.org_id),
            subject: TABLE.subject(&row.subject_kind, row.subject_id)?,
            approval: ApprovalId(row.approval_id),
            request: ApprovalRequestId(row.request_id),
            at: row.at,
            by: TABLE.actor("actor", &row.actor, row.actor_id)?,
            vote: TABLE.parse("vote", &row.vote)?,
            code: row.code,
            message: row.message,
            comment: row.comment,
        })
    }
}
