//! Receipts: recorded decisions, with all that is needed to make them again.
//!
//! What was asked, answered and logged is in the texts of the evaluation, with which receipts are
//! added; component, settings and data are those of the binding's revision, which never changes.

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
    pack::unpack,
    row::row,
    sql::Sql,
};

const TABLE: Table = Table("receipts");

/// How many texts of an evaluation each of its receipts has.
const TEXTS: usize = 5;

row! {
    pub(crate) struct ReceiptRow in "receipts", columns receipt_columns {
        org_id: Uuid,
        evaluation_id: Uuid,
        seq: i64,
        hook: String,
        binding_id: Uuid,
        revision: i64,
        fuel: i64,
        duration_us: i64,
        outcome: String,
        outcome_facts: Option<Json<FactsJson>>,
    }
}

/// A receipt with what its evaluation and its binding's revision have of it.
#[derive(Debug, Clone, sqlx::FromRow)]
struct KeptRow {
    #[sqlx(flatten)]
    receipt: ReceiptRow,
    subject_kind: String,
    subject_id: Uuid,
    texts: Vec<u8>,
    at: DateTime<Utc>,
    layer_id: Option<Uuid>,
    component: Option<Vec<u8>>,
    settings_digest: Option<Vec<u8>>,
    data_digest: Option<Vec<u8>>,
}

/// `select … from …` of receipts with what belongs to them.
macro_rules! select_receipts {
    ($rest:literal) => {
        concat!(from_receipts!(), " join", with_evaluations!(), $rest)
    };
}

macro_rules! from_receipts {
    () => {
        concat!(
            "select ",
            receipt_columns!("r."),
            ", e.subject_kind, e.subject_id, e.texts, e.at, v.org_id as layer_id, v.component,
                v.settings_digest, v.data_digest
             from receipts r"
        )
    };
}

macro_rules! with_evaluations {
    () => {
        " evaluations e on e.org_id = r.org_id and e.id = r.evaluation_id
             left join binding_revisions v on v.binding_id = r.binding_id and v.number = r.revision
                and v.org_id in (select ancestor_id from organization_lines where org_id = r.org_id)
             where r.org_id = "
    };
}

/// Begins a list of the organization's receipts. On SQLite the index is named and receipts come
/// first: it might read all evaluations to find the few receipts that failed.
fn begin(tx: &ReadTx, index: &'static str) -> Sql {
    let mut sql = Sql::new(&tx.conn, from_receipts!());
    sql.push_either(index, "").push_either(" cross join", " join");
    sql.push(with_evaluations!()).bind(tx.org.0);
    sql
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FactsJson {
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

/// The texts that an evaluation keeps of a receipt.
pub(crate) fn texts_of(receipt: &Receipt) -> [&[u8]; TEXTS] {
    let (wit, engine) = (receipt.wit_version.as_bytes(), receipt.engine_version.as_bytes());
    [&receipt.question, &receipt.answer, &receipt.log, wit, engine]
}

/// Reads one receipt with the evaluation that holds its snapshot.
pub async fn find(
    tx: &mut ReadTx,
    id: ReceiptId,
) -> Result<Option<(Receipt, Evaluation)>, StoreError> {
    const FIND: &str = select_receipts!("$1 and r.evaluation_id = $2 and r.seq = $3");
    let row: Option<KeptRow> = on!(&mut *tx, |conn, org| {
        sqlx::query_as(FIND)
            .bind(org)
            .bind(id.evaluation().0)
            .bind(id.seq())
            .fetch_optional(conn)
            .await?
    });
    let Some(row) = row else { return Ok(None) };
    let receipt = Receipt::try_from(row)?;
    let evaluation = evaluation::find(tx, receipt.evaluation).await?;
    Ok(Some((receipt, evaluation.ok_or_else(|| TABLE.corrupt("evaluation_id"))?)))
}

/// Lists a record's receipts in the order the decisions were made.
pub async fn of(tx: &mut ReadTx, subject: Subject) -> Result<Vec<Receipt>, StoreError> {
    // By the record's evaluations: SQLite would go through all receipts instead.
    const LIST: &str = select_receipts!(
        "$1 and r.evaluation_id in (select id from evaluations where org_id = $1 and subject_id = $2)
            order by e.at, r.evaluation_id, r.seq"
    );
    let rows: Vec<KeptRow> = on!(tx, |conn, org| {
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
    let has_failed = filter.outcome == Some(OutcomeKind::Failed);
    let mut sql = begin(tx, if has_failed { " indexed by receipts_failed" } else { "" });
    if let Some(subject) = filter.subject {
        sql.push(" and r.evaluation_id in (select id from evaluations where org_id = ");
        sql.bind(tx.org.0).push(" and subject_id = ").bind(subject.id()).push(")");
    }
    if let Some(hook) = filter.hook {
        sql.push(" and r.hook = ").bind(hook.as_str());
    }
    if let Some(binding) = filter.binding {
        sql.push(" and r.binding_id = ").bind(binding.0);
    }
    match filter.outcome {
        // Spelled out, so that the index of the failed ones serves it.
        Some(OutcomeKind::Failed) => {
            sql.push(" and r.outcome = 'failed'");
        }
        Some(outcome) => {
            sql.push(" and r.outcome = ").bind(outcome.as_str());
        }
        None => {}
    }
    if let Some(after) = after {
        sql.push(" and (r.evaluation_id, r.seq) < (").bind(after.evaluation().0);
        sql.push(", ").bind(after.seq()).push(")");
    }
    sql.push(" order by r.evaluation_id desc, r.seq desc limit ").bind(i64::from(limit));
    let rows: Vec<KeptRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(Receipt::try_from).collect()
}

/// Lists a page of the receipts of a span of time after a receipt, the first one first.
pub async fn page(
    tx: &mut ReadTx,
    period: Period,
    after: Option<ReceiptId>,
    limit: u32,
) -> Result<Vec<Receipt>, StoreError> {
    let mut sql = begin(tx, "");
    if let Some(after) = after {
        sql.push(" and (r.evaluation_id, r.seq) > (").bind(after.evaluation().0);
        sql.push(", ").bind(after.seq()).push(")");
    }
    if let Some(from) = period.from {
        sql.push(" and e.at >= ").bind(from);
        sql.push(" and r.evaluation_id >= ").bind(first_id_of(from));
    }
    if let Some(to) = period.to {
        sql.push(" and e.at < ").bind(to);
        sql.push(" and r.evaluation_id < ").bind(past_ids_of(to));
    }
    sql.push(" order by r.evaluation_id, r.seq limit ").bind(i64::from(limit));
    let rows: Vec<KeptRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(Receipt::try_from).collect()
}

/// Removes the evaluations taken before a moment with their receipts, at most `limit` evaluations,
/// and says how many. With the last of them go the parts that none can have any more. That it was
/// done is recorded: the tables let nothing go otherwise.
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
            or exists (select 1 from snapshot_parts where org_id = $1 and until <= $5)
        on conflict do nothing";
    const RECEIPTS: &str = "
        delete from receipts where org_id = $1 and evaluation_id in (
            select id from evaluations where org_id = $1 and id < $4 and at < $2 order by id limit $3
        )";
    const ROUNDS: &str = "
        delete from evaluations where org_id = $1 and id in (
            select id from evaluations where org_id = $1 and id < $4 and at < $2 order by id limit $3
        )";
    const PARTS: &str = "delete from snapshot_parts where org_id = $1 and until <= $2";
    let until = first_id_of(before);
    let parts_until = evaluation::parts_until(before);
    on!(&mut *tx, |conn, org| {
        let cut = sqlx::query(CUT).bind(org).bind(before).bind(now).bind(until);
        cut.bind(parts_until).execute(conn).await?;
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
    if purged < u64::from(limit) {
        on!(tx, |conn, org| {
            sqlx::query(PARTS).bind(org).bind(parts_until).execute(conn).await?;
        });
    }
    Ok(purged)
}

impl TryFrom<&Receipt> for ReceiptRow {
    type Error = StoreError;

    fn try_from(receipt: &Receipt) -> Result<Self, StoreError> {
        let facts = match receipt.outcome.clone() {
            Outcome::Applied | Outcome::Suggested | Outcome::Declined => None,
            Outcome::Overruled(why) => Some(Json(FactsJson::Overruled(why))),
            Outcome::Failed { code, message, fallback } => {
                Some(Json(FactsJson::Failed { code, message, fallback }))
            }
        };
        Ok(Self {
            org_id: receipt.org.0,
            evaluation_id: receipt.evaluation.0,
            seq: receipt.seq,
            hook: receipt.hook.as_str().to_owned(),
            binding_id: receipt.binding.0,
            revision: receipt.revision,
            fuel: number("fuel", receipt.fuel)?,
            duration_us: number("duration", receipt.duration_us)?,
            outcome: OutcomeKind::of(&receipt.outcome).as_str().to_owned(),
            outcome_facts: facts,
        })
    }
}

impl TryFrom<KeptRow> for Receipt {
    type Error = StoreError;

    fn try_from(kept: KeptRow) -> Result<Self, StoreError> {
        let row = kept.receipt;
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
        let corrupt = || Table("evaluations").corrupt("texts");
        let before = usize::try_from(row.seq - 1).map_err(|_| TABLE.corrupt("seq"))?;
        // The first text is the snapshot.
        let texts = unpack(&kept.texts).ok_or_else(corrupt)?.into_iter();
        let texts: Vec<_> = texts.skip(1 + before * TEXTS).take(TEXTS).collect();
        let [question, answer, log, wit, engine]: [Vec<u8>; TEXTS] =
            texts.try_into().map_err(|_| corrupt())?;
        let text = |bytes| String::from_utf8(bytes).map_err(|_| corrupt());
        let digest = |bytes| TABLE.need("revision", bytes).map(|it: Vec<u8>| digest::to_text(&it));
        let evaluation = EvaluationId(row.evaluation_id);
        Ok(Self {
            id: ReceiptId::of(evaluation, row.seq),
            org: OrgId(row.org_id),
            subject: TABLE.subject(&kept.subject_kind, kept.subject_id)?,
            evaluation,
            seq: row.seq,
            hook: TABLE.parse("hook", &row.hook)?,
            layer: OrgId(TABLE.need("revision", kept.layer_id)?),
            binding: BindingId(row.binding_id),
            revision: row.revision,
            component: digest(kept.component)?,
            settings_digest: digest(kept.settings_digest)?,
            data_digest: digest(kept.data_digest)?,
            wit_version: text(wit)?,
            engine_version: text(engine)?,
            question,
            answer,
            log,
            fuel: TABLE.fit("fuel", row.fuel)?,
            duration_us: TABLE.fit("duration_us", row.duration_us)?,
            outcome,
            at: kept.at,
        })
    }
}
