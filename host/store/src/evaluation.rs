//! Evaluations: the snapshot that the decisions about one event of a record share.
//!
//! An evaluation is packed and added together with its receipts: what they were asked and answered
//! is one text with the snapshot, of which it repeats much.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    ids::{EvaluationId, OrgId, ReceiptId, SnapshotPartId},
    receipt::{Evaluation, Receipt, SnapshotPart},
    subject::Subject,
};

use crate::{
    ReadTx, StoreError, SystemReadTx,
    column::Table,
    conn::{on, on_conn},
    moment::LONGER_THAN_A_COMMAND,
    pack::{pack as packed, unpack},
    receipt::{ReceiptRow, texts_of},
    row::row,
    write_set::Inserts,
};

const TABLE: Table = Table("evaluations");

row! {
    struct EvaluationRow in "evaluations", columns evaluation_columns {
        id: Uuid,
        org_id: Uuid,
        subject_kind: String,
        subject_id: Uuid,
        occasion: String,
        part_id: Option<Uuid>,
        texts: Vec<u8>,
        at: DateTime<Utc>,
    }
}

/// An evaluation with its part.
#[derive(sqlx::FromRow)]
struct KeptRow {
    #[sqlx(flatten)]
    evaluation: EvaluationRow,
    part_content: Option<Vec<u8>>,
    part_until: Option<DateTime<Utc>>,
}

/// An evaluation with its receipts as it is stored: compressed before the transaction begins,
/// because others wait for that to end.
#[derive(Debug, Clone)]
pub struct PackedEvaluation {
    evaluation: EvaluationRow,
    receipts: Vec<ReceiptRow>,
}

/// Packs an evaluation with its receipts, which are numbered from 1 on. Its part is packed by
/// itself.
pub fn pack(evaluation: Evaluation, receipts: &[Receipt]) -> Result<PackedEvaluation, StoreError> {
    let mut texts: Vec<&[u8]> = vec![&evaluation.snapshot];
    let mut rows = Vec::with_capacity(receipts.len());
    for (receipt, seq) in receipts.iter().zip(1..) {
        let expected = (evaluation.id, seq, ReceiptId::of(evaluation.id, seq));
        if (receipt.evaluation, receipt.seq, receipt.id) != expected {
            return Err(StoreError::Unstorable("receipt of another evaluation"));
        }
        texts.extend(texts_of(receipt));
        rows.push(ReceiptRow::try_from(receipt)?);
    }
    let texts = packed(&texts)?;
    let evaluation = EvaluationRow {
        id: evaluation.id.0,
        org_id: evaluation.org.0,
        subject_kind: evaluation.subject.kind().as_str().to_owned(),
        subject_id: evaluation.subject.id(),
        occasion: evaluation.occasion,
        part_id: evaluation.part.map(|part| part.id.0),
        texts,
        at: evaluation.at,
    };
    Ok(PackedEvaluation { evaluation, receipts: rows })
}

/// Adds evaluations with their receipts. Their parts are there already.
pub async fn insert_many(
    to: &mut impl Inserts,
    evaluations: Vec<PackedEvaluation>,
) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(evaluations.len());
    let mut receipts = Vec::new();
    for one in evaluations {
        rows.push(one.evaluation);
        receipts.extend(one.receipts);
    }
    to.put(rows, "", &[]).await?;
    to.put(receipts, "", &[]).await
}

/// Reads one evaluation.
pub async fn find(tx: &mut ReadTx, id: EvaluationId) -> Result<Option<Evaluation>, StoreError> {
    const FIND: &str = concat!(
        "select ",
        evaluation_columns!("e."),
        ", p.content as part_content, p.until as part_until
          from evaluations e left join snapshot_parts p on p.org_id = e.org_id and p.id = e.part_id
          where e.org_id = $1 and e.id = $2"
    );
    let row: Option<KeptRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(id.0).fetch_optional(conn).await?
    });
    row.map(Evaluation::try_from).transpose()
}

/// Lists a record's evaluations, the oldest first.
pub async fn of(tx: &mut ReadTx, subject: Subject) -> Result<Vec<Evaluation>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        evaluation_columns!("e."),
        ", p.content as part_content, p.until as part_until
          from evaluations e left join snapshot_parts p on p.org_id = e.org_id and p.id = e.part_id
          where e.org_id = $1 and e.subject_id = $2 order by e.at, e.id"
    );
    let rows: Vec<KeptRow> = on!(tx, |conn, org| {
        sqlx::query_as(LIST).bind(org).bind(subject.id()).fetch_all(conn).await?
    });
    rows.into_iter().map(Evaluation::try_from).collect()
}

/// What an organization's oldest receipts are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oldest {
    /// When the oldest evaluation was made.
    pub evaluation: Option<DateTime<Utc>>,
    /// Until when the oldest part of snapshots may be an evaluation's.
    pub part: Option<DateTime<Utc>>,
}

impl Oldest {
    /// Whether any of it is past its retention, which reaches back to a moment.
    #[must_use]
    pub fn is_before(&self, moment: DateTime<Utc>) -> bool {
        self.evaluation.is_some_and(|at| at < moment)
            || self.part.is_some_and(|until| until <= parts_until(moment))
    }
}

/// Until when a part must have been an evaluation's to go with those that were made before a
/// moment: a long command's evaluation has a later id than its time, and goes a little later.
pub(crate) fn parts_until(moment: DateTime<Utc>) -> DateTime<Utc> {
    moment.checked_sub_signed(LONGER_THAN_A_COMMAND).unwrap_or(moment)
}

/// Says what is oldest of each organization's evaluations. One without any of it is left out.
pub async fn oldest(tx: &mut SystemReadTx) -> Result<BTreeMap<OrgId, Oldest>, StoreError> {
    // By id, which goes up with time: the key has it, and nothing else is read. Parts are few.
    const OLDEST: &str = "
        select id, oldest, oldest_part from (
            select o.id, (
                select at from evaluations where org_id = o.id order by evaluations.id limit 1
            ) as oldest, (
                select min(until) from snapshot_parts where org_id = o.id
            ) as oldest_part
            from organizations o
        ) as organizations_evaluations
        where oldest is not null or oldest_part is not null";
    type Moment = Option<DateTime<Utc>>;
    let rows: Vec<(Uuid, Moment, Moment)> =
        on_conn!(&mut tx.conn, |conn| sqlx::query_as(OLDEST).fetch_all(conn).await?);
    let oldest = |(org, evaluation, part)| (OrgId(org), Oldest { evaluation, part });
    Ok(rows.into_iter().map(oldest).collect())
}

impl TryFrom<KeptRow> for Evaluation {
    type Error = StoreError;

    fn try_from(row: KeptRow) -> Result<Self, StoreError> {
        let KeptRow { evaluation, part_content, part_until } = row;
        let snapshot = unpack(&evaluation.texts).and_then(|texts| texts.into_iter().next());
        let part = match evaluation.part_id {
            None => None,
            Some(id) => {
                let content = TABLE.need("part_id", part_content)?;
                let text = unpack(&content).and_then(|texts| texts.into_iter().next());
                Some(Arc::new(SnapshotPart {
                    id: SnapshotPartId(id),
                    text: text.ok_or_else(|| Table("snapshot_parts").corrupt("content"))?,
                    until: TABLE.need("part_id", part_until)?,
                }))
            }
        };
        Ok(Self {
            id: EvaluationId(evaluation.id),
            org: OrgId(evaluation.org_id),
            subject: TABLE.subject(&evaluation.subject_kind, evaluation.subject_id)?,
            occasion: evaluation.occasion,
            snapshot: snapshot.ok_or_else(|| TABLE.corrupt("texts"))?,
            part,
            at: evaluation.at,
        })
    }
}
