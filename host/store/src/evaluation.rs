//! Rounds: the snapshot that the decisions about one event of a record share.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    ids::{EvaluationId, OrgId},
    receipt::Evaluation,
    subject::Subject,
};

use crate::{
    ReadTx, StoreError, SystemReadTx, WriteTx,
    column::Table,
    conn::{on, on_conn},
    pack::{pack as packed, unpack},
    row::{insert_all, row},
};

const TABLE: Table = Table("evaluations");

row! {
    struct EvaluationRow in "evaluations", columns evaluation_columns {
        id: Uuid,
        org_id: Uuid,
        subject_kind: String,
        subject_id: Uuid,
        occasion: String,
        snapshot: Vec<u8>,
        at: DateTime<Utc>,
    }
}

/// An evaluation as it is stored: compressed before the transaction begins, because others wait for
/// that to end.
#[derive(Debug, Clone)]
pub struct PackedEvaluation(EvaluationRow);

/// Packs an evaluation.
pub fn pack(evaluation: Evaluation) -> Result<PackedEvaluation, StoreError> {
    Ok(PackedEvaluation(EvaluationRow {
        id: evaluation.id.0,
        org_id: evaluation.org.0,
        subject_kind: evaluation.subject.kind().as_str().to_owned(),
        subject_id: evaluation.subject.id(),
        snapshot: packed(&evaluation.snapshot)?,
        occasion: evaluation.occasion,
        at: evaluation.at,
    }))
}

/// Adds evaluations.
pub async fn insert_many(
    tx: &mut WriteTx,
    evaluations: Vec<PackedEvaluation>,
) -> Result<(), StoreError> {
    insert_all(tx, evaluations.into_iter().map(|evaluation| evaluation.0).collect(), &[]).await?;
    Ok(())
}

/// Reads one evaluation.
pub async fn find(tx: &mut ReadTx, id: EvaluationId) -> Result<Option<Evaluation>, StoreError> {
    const FIND: &str = concat!(
        "select ",
        evaluation_columns!(),
        " from evaluations where org_id = $1 and id = $2"
    );
    let row: Option<EvaluationRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(id.0).fetch_optional(conn).await?
    });
    row.map(Evaluation::try_from).transpose()
}

/// Lists a record's evaluations, the oldest first.
pub async fn of(tx: &mut ReadTx, subject: Subject) -> Result<Vec<Evaluation>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        evaluation_columns!(),
        " from evaluations where org_id = $1 and subject_id = $2 order by at, id"
    );
    let rows: Vec<EvaluationRow> = on!(tx, |conn, org| {
        sqlx::query_as(LIST).bind(org).bind(subject.id()).fetch_all(conn).await?
    });
    rows.into_iter().map(Evaluation::try_from).collect()
}

/// Says when the oldest evaluation of each organization was made: whether any is past its retention.
/// An organization without evaluations is left out.
pub async fn oldest(tx: &mut SystemReadTx) -> Result<BTreeMap<OrgId, DateTime<Utc>>, StoreError> {
    // By id, which goes up with time: the key has it, and nothing else is read.
    const OLDEST: &str = "
        select id, oldest from (
            select o.id, (
                select at from evaluations where org_id = o.id order by evaluations.id limit 1
            ) as oldest
            from organizations o
        ) as organizations_evaluations
        where oldest is not null";
    let rows: Vec<(Uuid, DateTime<Utc>)> =
        on_conn!(&mut tx.conn, |conn| sqlx::query_as(OLDEST).fetch_all(conn).await?);
    Ok(rows.into_iter().map(|(org, at)| (OrgId(org), at)).collect())
}

impl TryFrom<EvaluationRow> for Evaluation {
    type Error = StoreError;

    fn try_from(row: EvaluationRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: EvaluationId(row.id),
            org: OrgId(row.org_id),
            subject: TABLE.subject(&row.subject_kind, row.subject_id)?,
            occasion: row.occasion,
            snapshot: unpack(&row.snapshot).ok_or_else(|| TABLE.corrupt("snapshot"))?,
            at: row.at,
        })
    }
}
