//! Receipts: recorded decisions, with all that is needed to make them again.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;
use waypost_domain::{
    binding::Hook,
    ids::{BindingId, EvaluationId, OrgId, ReceiptId},
    receipt::{Evaluation, Outcome, Receipt},
    subject::Subject,
};

use crate::{
    ReadTx, StoreError, WriteTx,
    column::{Table, number},
    conn::on,
    digest, evaluation,
    event::Period,
    moment::{first_id_of, past_ids_of},
    pack::{pack_parts, unpack_parts},
    row::{insert_all, row},
    sql::Sql,
};

const TABLE: Table = Table("receipts");

row! {
    struct ReceiptRow in "receipts", columns receipt_columns {
        id: Uuid,
        org_id: Uuid,
        subject_kind: String,
        subject_id: Uuid,
        evaluation_id: Uuid,
        seq: i64,
        hook: String,
        layer_id: Uuid,
        binding_id: Uuid,
        revision: i64,
        component: Vec<u8>,
        settings_digest: Vec<u8>,
        data_digest: Vec<u8>,
        wit_version: String,
        engine_version: String,
        decision: Vec<u8>,
        fuel: i64,
        duration_us: i64,
        outcome: String,
        outcome_facts: Option<Json<FactsJson>>,
        at: DateTime<Utc>,
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FactsJson {
    Overruled(Vec<String>),
    Failed { code: String, message: String, fallback: String },
}

/// Which receipts; an empty filter leaves all of the organization's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceiptFilter {
    /// About this record.
    pub subject: Option<Subject>,
    /// Of this hook.
    pub hook: Option<Hook>,
    /// Of this binding.
    pub binding: Option<BindingId>,
    /// With this outcome.
    pub outcome: Option<OutcomeKind>,
}

/// What became of a decision, without the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeKind {
    /// Applied as answered.
    Applied,
    /// Applied in part or not at all.
    Overruled,
    /// Kept as a suggestion.
    Suggested,
    /// The policy had no opinion.
    Declined,
    /// The policy failed.
    Failed,
}

impl OutcomeKind {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Self; 5] =
        [Self::Applied, Self::Overruled, Self::Suggested, Self::Declined, Self::Failed];

    /// The kind of an outcome.
    #[must_use]
    pub const fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Applied => Self::Applied,
            Outcome::Overruled(_) => Self::Overruled,
            Outcome::Suggested => Self::Suggested,
            Outcome::Declined => Self::Declined,
            Outcome::Failed { .. } => Self::Failed,
        }
    }

    /// The identifier under which it is stored, sent and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Overruled => "overruled",
            Self::Suggested => "suggested",
            Self::Declined => "declined",
            Self::Failed => "failed",
        }
    }
}

/// A receipt as it is stored: compressed before the transaction begins, because others wait for
/// that to end.
#[derive(Debug, Clone)]
pub struct PackedReceipt(ReceiptRow);

/// Packs a receipt.
pub fn pack(receipt: Receipt) -> Result<PackedReceipt, StoreError> {
    ReceiptRow::try_from(receipt).map(PackedReceipt)
}

/// Adds receipts.
pub async fn insert_many(tx: &mut WriteTx, receipts: Vec<PackedReceipt>) -> Result<(), StoreError> {
    insert_all(tx, receipts.into_iter().map(|receipt| receipt.0).collect(), &[]).await?;
    Ok(())
}

/// Reads one receipt with the evaluation that holds its snapshot.
pub async fn find(
    tx: &mut ReadTx,
    id: ReceiptId,
) -> Result<Option<(Receipt, Evaluation)>, StoreError> {
    const FIND: &str =
        concat!("select ", receipt_columns!(), " from receipts where org_id = $1 and id = $2");
    let row: Option<ReceiptRow> = on!(&mut *tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(id.0).fetch_optional(conn).await?
    });
    let Some(row) = row else { return Ok(None) };
    let receipt = Receipt::try_from(row)?;
    let evaluation = evaluation::find(tx, receipt.evaluation).await?;
    Ok(Some((receipt, evaluation.ok_or_else(|| TABLE.corrupt("evaluation_id"))?)))
}

/// Lists a record's receipts in the order the decisions were made.
pub async fn of(tx: &mut ReadTx, subject: Subject) -> Result<Vec<Receipt>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        receipt_columns!(),
        " from receipts
          where org_id = $1
            and evaluation_id in (select id from evaluations where org_id = $1 and subject_id = $2)
          order by at, evaluation_id, seq"
    );
    let rows: Vec<ReceiptRow> = on!(tx, |conn, org| {
        sqlx::query_as(LIST).bind(org).bind(subject.id()).fetch_all(conn).await?
    });
    rows.into_iter().map(Receipt::try_from).collect()
}

/// Lists the receipts that a filter leaves, the latest id first, starting after one.
pub async fn list(
    tx: &mut ReadTx,
    filter: &ReceiptFilter,
    after: Option<ReceiptId>,
    limit: u32,
) -> Result<Vec<Receipt>, StoreError> {
    const LIST: &str = concat!("select ", receipt_columns!(), " from receipts where org_id = ");
    let org = tx.org.0;
    let mut sql = Sql::new(&tx.conn, LIST);
    sql.bind(org);
    if let Some(subject) = filter.subject {
        sql.push(" and evaluation_id in (select id from evaluations where org_id = ").bind(org);
        sql.push(" and subject_id = ").bind(subject.id()).push(")");
    }
    if let Some(hook) = filter.hook {
        sql.push(" and hook = ").bind(hook.as_str());
    }
    if let Some(binding) = filter.binding {
        sql.push(" and binding_id = ").bind(binding.0);
    }
    match filter.outcome {
        // Spelled out, so that the index of the failed ones serves it.
        Some(OutcomeKind::Failed) => {
            sql.push(" and outcome = 'failed'");
        }
        Some(outcome) => {
            sql.push(" and outcome = ").bind(outcome.as_str());
        }
        None => {}
    }
    if let Some(after) = after {
        sql.push(" and id < ").bind(after.0);
    }
    sql.push(" order by id desc limit ").bind(i64::from(limit));
    let rows: Vec<ReceiptRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(Receipt::try_from).collect()
}

/// Lists a page of the receipts of a span of time after a receipt, the first one first.
pub async fn page(
    tx: &mut ReadTx,
    period: Period,
    after: Option<ReceiptId>,
    limit: u32,
) -> Result<Vec<Receipt>, StoreError> {
    const PAGE: &str = concat!("select ", receipt_columns!(), " from receipts where org_id = ");
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
    let rows: Vec<ReceiptRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(Receipt::try_from).collect()
}

/// Removes the evaluations taken before a moment with their receipts, at most `limit` evaluations,
/// and says how many. That it was done is recorded: the tables let nothing go otherwise.
pub async fn purge(
    tx: &mut WriteTx,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
    limit: u32,
) -> Result<u64, StoreError> {
    // By id: nothing but what is due is read.
    const CUT: &str = "
        insert into retention_cuts (org_id, cut_before, cut_at)
        select $1, $2, $3
        where exists (select 1 from evaluations where org_id = $1 and id < $4 and at < $2)
        on conflict do nothing";
    const RECEIPTS: &str = "
        delete from receipts where org_id = $1 and evaluation_id in (
            select id from evaluations where org_id = $1 and id < $4 and at < $2 order by id limit $3
        )";
    const ROUNDS: &str = "
        delete from evaluations where org_id = $1 and id in (
            select id from evaluations where org_id = $1 and id < $4 and at < $2 order by id limit $3
        )";
    let until = first_id_of(before);
    on!(&mut *tx, |conn, org| {
        sqlx::query(CUT).bind(org).bind(before).bind(now).bind(until).execute(conn).await?;
    });
    let mut purged = 0;
    for sql in [RECEIPTS, ROUNDS] {
        purged = on!(&mut *tx, |conn, org| {
            sqlx::query(sql)
                .bind(org)
                .bind(before)
                .bind(i64::from(limit))
                .bind(until)
                .execute(conn)
                .await?
                .rows_affected()
        });
    }
    Ok(purged)
}

impl TryFrom<Receipt> for ReceiptRow {
    type Error = StoreError;

    fn try_from(receipt: Receipt) -> Result<Self, StoreError> {
        let outcome = OutcomeKind::of(&receipt.outcome);
        let facts = match receipt.outcome {
            Outcome::Applied | Outcome::Suggested | Outcome::Declined => None,
            Outcome::Overruled(why) => Some(Json(FactsJson::Overruled(why))),
            Outcome::Failed { code, message, fallback } => {
                Some(Json(FactsJson::Failed { code, message, fallback }))
            }
        };
        Ok(Self {
            id: receipt.id.0,
            org_id: receipt.org.0,
            subject_kind: receipt.subject.kind().as_str().to_owned(),
            subject_id: receipt.subject.id(),
            evaluation_id: receipt.evaluation.0,
            seq: receipt.seq,
            hook: receipt.hook.as_str().to_owned(),
            layer_id: receipt.layer.0,
            binding_id: receipt.binding.0,
            revision: receipt.revision,
            component: digest::to_bytes("component", &receipt.component)?,
            settings_digest: digest::to_bytes("settings digest", &receipt.settings_digest)?,
            data_digest: digest::to_bytes("data digest", &receipt.data_digest)?,
            wit_version: receipt.wit_version,
            engine_version: receipt.engine_version,
            decision: pack_parts([&receipt.question, &receipt.answer, &receipt.log])?,
            fuel: number("fuel", receipt.fuel)?,
            duration_us: number("duration", receipt.duration_us)?,
            outcome: outcome.as_str().to_owned(),
            outcome_facts: facts,
            at: receipt.at,
        })
    }
}

impl TryFrom<ReceiptRow> for Receipt {
    type Error = StoreError;

    fn try_from(row: ReceiptRow) -> Result<Self, StoreError> {
        let outcome = match (row.outcome.as_str(), row.outcome_facts.map(|facts| facts.0)) {
            ("applied", None) => Outcome::Applied,
            ("suggested", None) => Outcome::Suggested,
            ("declined", None) => Outcome::Declined,
            ("overruled", Some(FactsJson::Overruled(why))) => Outcome::Overruled(why),
            ("failed", Some(FactsJson::Failed { code, message, fallback })) => {
                Outcome::Failed { code, message, fallback }
            }
            _ => return Err(TABLE.corrupt("outcome")),
        };
        let [question, answer, log] =
            unpack_parts(&row.decision).ok_or_else(|| TABLE.corrupt("decision"))?;
        Ok(Self {
            id: ReceiptId(row.id),
            org: OrgId(row.org_id),
            subject: TABLE.subject(&row.subject_kind, row.subject_id)?,
            evaluation: EvaluationId(row.evaluation_id),
            seq: row.seq,
            hook: TABLE.parse("hook", &row.hook)?,
            layer: OrgId(row.layer_id),
            binding: BindingId(row.binding_id),
            revision: row.revision,
            component: digest::to_text(&row.component),
            settings_digest: digest::to_text(&row.settings_digest),
            data_digest: digest::to_text(&row.data_digest),
            wit_version: row.wit_version,
            engine_version: row.engine_version,
            question,
            answer,
            log,
            fuel: TABLE.fit("fuel", row.fuel)?,
            duration_us: TABLE.fit("duration_us", row.duration_us)?,
            outcome,
            at: row.at,
        })
    }
}
