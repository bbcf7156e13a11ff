//! Suggestions: what a policy would set, waiting for a person.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;
use waypost_domain::{
    ids::{BindingId, EvaluationId, PersonId, ReceiptId, SuggestionId, TicketId},
    suggestion::{Suggestion, SuggestionCounts, SuggestionState},
};

use crate::{
    ReadTx, StoreError, WriteTx, column::Table, conn::on, moment::first_id_of, row::row, sql::Sql,
    write_set::Inserts,
};

const TABLE: Table = Table("suggestions");

row! {
    struct SuggestionRow in "suggestions", columns suggestion_columns {
        id: Uuid,
        org_id: Uuid,
        ticket_id: Uuid,
        evaluation_id: Uuid,
        receipt_seq: i64,
        field: String,
        seen: Option<String>,
        value: String,
        confidence: i64,
        reasons: Json<Vec<String>>,
        state: String,
        decided_by_id: Option<Uuid>,
        decided_at: Option<DateTime<Utc>>,
        created_at: DateTime<Utc>,
    }
}

/// Adds suggestions.
pub async fn insert_many(
    to: &mut impl Inserts,
    suggestions: &[Suggestion],
) -> Result<(), StoreError> {
    let org = to.org().0;
    let rows = suggestions.iter().map(|suggestion| SuggestionRow::new(org, suggestion)).collect();
    to.put(rows, "", &[]).await
}

/// Lists a ticket's suggestions, the oldest first, decided ones too.
pub async fn of_ticket(tx: &mut ReadTx, ticket: TicketId) -> Result<Vec<Suggestion>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        suggestion_columns!(),
        " from suggestions where org_id = $1 and ticket_id = $2 order by created_at, id"
    );
    let rows: Vec<SuggestionRow> = on!(tx, |conn, org| {
        sqlx::query_as(LIST).bind(org).bind(ticket.0).fetch_all(conn).await?
    });
    rows.into_iter().map(Suggestion::try_from).collect()
}

/// Reads one suggestion of a ticket.
pub async fn find(
    tx: &mut ReadTx,
    ticket: TicketId,
    id: SuggestionId,
) -> Result<Option<Suggestion>, StoreError> {
    const FIND: &str = concat!(
        "select ",
        suggestion_columns!(),
        " from suggestions where org_id = $1 and ticket_id = $2 and id = $3"
    );
    let row: Option<SuggestionRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(ticket.0).bind(id.0).fetch_optional(conn).await?
    });
    row.map(Suggestion::try_from).transpose()
}

/// What became of the suggestions that the organization's bindings have made since a moment, as far
/// as their receipts are kept.
pub async fn counts(
    tx: &mut ReadTx,
    binding: Option<BindingId>,
    since: DateTime<Utc>,
) -> Result<BTreeMap<BindingId, SuggestionCounts>, StoreError> {
    const COUNT: &str = "
        select r.binding_id, s.state, count(*)
        from suggestions s join receipts r on r.org_id = s.org_id
            and r.evaluation_id = s.evaluation_id and r.seq = s.receipt_seq
        where s.org_id = ";
    let org = tx.org.0;
    let mut sql = Sql::new(&tx.conn, COUNT);
    sql.bind(org).push(" and s.evaluation_id >= ").bind(first_id_of(since));
    sql.push(" and s.created_at >= ").bind(since);
    if let Some(binding) = binding {
        sql.push(" and r.binding_id = ").bind(binding.0);
    }
    sql.push(" group by r.binding_id, s.state");
    let rows: Vec<(Uuid, String, i64)> = sql.fetch_all(&mut tx.conn).await?;
    let mut counts: BTreeMap<BindingId, SuggestionCounts> = BTreeMap::new();
    for (binding, state, count) in rows {
        let of_binding = counts.entry(BindingId(binding)).or_default();
        let count: u64 = TABLE.fit("count", count)?;
        match state.as_str() {
            "open" => of_binding.open = count,
            "accepted" => of_binding.accepted = count,
            "dismissed" => of_binding.dismissed = count,
            _ => return Err(TABLE.corrupt("state")),
        }
    }
    Ok(counts)
}

/// Keeps what became of a suggestion. `Stale` when it isn't open any more.
pub async fn decide(tx: &mut WriteTx, suggestion: &Suggestion) -> Result<(), StoreError> {
    const DECIDE: &str = "
        update suggestions set state = $4, decided_by_id = $5, decided_at = $6
        where org_id = $1 and ticket_id = $2 and id = $3 and state = 'open'";
    let row = SuggestionRow::new(tx.org.0, suggestion);
    let decided = on!(tx, |conn, org| {
        sqlx::query(DECIDE)
            .bind(org)
            .bind(row.ticket_id)
            .bind(row.id)
            .bind(row.state)
            .bind(row.decided_by_id)
            .bind(row.decided_at)
            .execute(conn)
            .await?
            .rows_affected()
    });
    if decided == 0 { Err(StoreError::Stale) } else { Ok(()) }
}

impl SuggestionRow {
    fn new(org_id: Uuid, suggestion: &Suggestion) -> Self {
        let (state, decided) = match &suggestion.state {
            SuggestionState::Open => ("open", None),
            SuggestionState::Accepted { by, at } => ("accepted", Some((by.0, *at))),
            SuggestionState::Dismissed { by, at } => ("dismissed", Some((by.0, *at))),
        };
        Self {
            id: suggestion.id.0,
            org_id,
            ticket_id: suggestion.ticket.0,
            evaluation_id: suggestion.receipt.evaluation().0,
            receipt_seq: suggestion.receipt.seq(),
            field: suggestion.field.as_str().to_owned(),
            seen: suggestion.seen.clone(),
            value: suggestion.value.clone(),
            confidence: i64::from(suggestion.confidence),
            reasons: Json(suggestion.reasons.clone()),
            state: state.to_owned(),
            decided_by_id: decided.map(|(by, _)| by),
            decided_at: decided.map(|(_, at)| at),
            created_at: suggestion.created_at,
        }
    }

    fn state(&self) -> Result<SuggestionState, StoreError> {
        if self.state == "open" {
            return Ok(SuggestionState::Open);
        }
        let by = PersonId(TABLE.need("decided_by_id", self.decided_by_id)?);
        let at = TABLE.need("decided_at", self.decided_at)?;
        match self.state.as_str() {
            "accepted" => Ok(SuggestionState::Accepted { by, at }),
            "dismissed" => Ok(SuggestionState::Dismissed { by, at }),
            _ => Err(TABLE.corrupt("state")),
        }
    }
}

impl TryFrom<SuggestionRow> for Suggestion {
    type Error = StoreError;

    fn try_from(row: SuggestionRow) -> Result<Self, StoreError> {
        Ok(Self {
            state: row.state()?,
            id: SuggestionId(row.id),
            ticket: TicketId(row.ticket_id),
            receipt: ReceiptId::of(EvaluationId(row.evaluation_id), row.receipt_seq),
            field: TABLE.parse("field", &row.field)?,
            seen: row.seen,
            value: row.value,
            confidence: TABLE.fit("confidence", row.confidence)?,
            reasons: row.reasons.0,
            created_at: row.created_at,
        })
    }
}
