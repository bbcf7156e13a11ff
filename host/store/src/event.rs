//! Events: what happened to a record. Appended, never changed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;
use waypost_domain::{
    event::{Event, FieldChange},
    ids::EventId,
    subject::Subject,
    ticket::TicketKind,
};

use crate::{
    ReadTx, StoreError, column::Table, conn::on, digest, moment::past_ids_of, row::row, sql::Sql,
    unique::UniqueKey, write_set::Inserts,
};

const TABLE: Table = Table("events");

const KEYS: [UniqueKey; 1] = [UniqueKey {
    what: "seq",
    postgres: "events_key",
    sqlite: "events.org_id, events.subject_id, events.seq",
}];

row! {
    struct EventRow in "events", columns event_columns {
        org_id: Uuid,
        subject_kind: String,
        subject_id: Uuid,
        seq: i64,
        id: Uuid,
        at: DateTime<Utc>,
        actor: String,
        actor_id: Option<Uuid>,
        cause_id: Option<Uuid>,
        action: String,
        changes: Json<Vec<ChangeJson>>,
        policy_digest: Option<Vec<u8>>,
        reason: Option<String>,
    }
}

/// Field, before, after: short, because an event has many and a record many events.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ChangeJson(String, Option<String>, Option<String>);

/// Appends events. A number that another event of the record has is `Taken("seq")`: somebody else
/// acted first.
pub async fn append_many(to: &mut impl Inserts, events: &[Event]) -> Result<(), StoreError> {
    let org = to.org().0;
    let rows = events.iter().map(|event| EventRow::new(org, event)).collect::<Result<_, _>>()?;
    to.put(rows, "", &KEYS).await
}

/// Lists a record's events, the first one first.
pub async fn of(tx: &mut ReadTx, subject: Subject) -> Result<Vec<Event>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        event_columns!(),
        " from events where org_id = $1 and subject_id = $2 order by seq"
    );
    let rows: Vec<EventRow> = on!(tx, |conn, org| {
        sqlx::query_as(LIST).bind(org).bind(subject.id()).fetch_all(conn).await?
    });
    rows.into_iter().map(Event::try_from).collect()
}

/// Lists a record's events behind the one with this number, the first one first.
pub async fn after(tx: &mut ReadTx, subject: Subject, seq: i64) -> Result<Vec<Event>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        event_columns!(),
        " from events where org_id = $1 and subject_id = $2 and seq > $3 order by seq"
    );
    let rows: Vec<EventRow> = on!(tx, |conn, org| {
        sqlx::query_as(LIST).bind(org).bind(subject.id()).bind(seq).fetch_all(conn).await?
    });
    rows.into_iter().map(Event::try_from).collect()
}

/// The place of an event among all of the organization's: the record's id, the number in its
/// history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPlace {
    /// The id of what it happened to.
    pub subject: Uuid,
    /// The event's number in its history.
    pub seq: i64,
}

/// A span of time; without a bound it is open on that side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    /// From then on.
    pub from: Option<DateTime<Utc>>,
    /// Before then.
    pub to: Option<DateTime<Utc>>,
}

/// Lists a page of all the organization's events, each with its ticket's number, after a place.
///
/// Record by record, in the order they came in, and each record's history in its order: that is how
/// they are kept, so a page costs what it holds, however many there are. Of a period, so do the
/// records that have changed since it began, as long as they are not most of them.
pub async fn page(
    tx: &mut ReadTx,
    period: Period,
    after: Option<EventPlace>,
    limit: u32,
) -> Result<Vec<(String, Event)>, StoreError> {
    #[derive(sqlx::FromRow)]
    struct NumberedRow {
        ticket_number: String,
        #[sqlx(flatten)]
        event: EventRow,
    }
    const PAGE: &str = concat!(
        "select (select number from tickets where tickets.org_id = events.org_id
            and tickets.id = events.subject_id) as ticket_number, ",
        event_columns!(),
        " from events where org_id = "
    );
    let org = tx.org.0;
    let few_since = match period.from {
        Some(from) => few_have_changed_since(tx, from).await?,
        None => false,
    };
    let mut sql = Sql::new(&tx.conn, PAGE);
    sql.bind(org);
    if let Some(EventPlace { subject, seq }) = after {
        sql.push(" and (subject_id, seq) > (").bind(subject).push(", ").bind(seq).push(")");
    }
    if let Some(from) = period.from {
        sql.push(" and at >= ").bind(from);
        if few_since {
            sql.push(" and subject_id in (select id from ");
            changed_since(&mut sql, org, from);
            if let Some(EventPlace { subject, .. }) = after {
                sql.push(" and id >= ").bind(subject);
            }
            sql.push(")");
        }
    }
    if let Some(to) = period.to {
        sql.push(" and at < ").bind(to).push(" and subject_id < ").bind(past_ids_of(to));
    }
    sql.push(" order by subject_id, seq limit ").bind(i64::from(limit));
    let rows: Vec<NumberedRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(|row| Ok((row.ticket_number, row.event.try_into()?))).collect()
}

/// Whether those that have changed since then are few enough to be looked up one by one.
async fn few_have_changed_since(tx: &mut ReadTx, from: DateTime<Utc>) -> Result<bool, StoreError> {
    const FEW: i64 = 20_000;
    let mut sql = Sql::new(&tx.conn, "select count(*) from (select 1 as one from ");
    changed_since(&mut sql, tx.org.0, from);
    sql.push(" limit ").bind(FEW).push(") as changed");
    let rows: Vec<(i64,)> = sql.fetch_all(&mut tx.conn).await?;
    Ok(rows.first().is_some_and(|(changed,)| *changed < FEW))
}

/// The tickets that have changed since then: the only records that have events so far, and none of
/// them is later than its ticket's last change (`Invariant::ChangesAreDated`).
fn changed_since(sql: &mut Sql, org: Uuid, from: DateTime<Utc>) {
    sql.push("tickets").push_either(" indexed by tickets_updated", "");
    sql.push(" where org_id = ").bind(org);
    sql.push(" and kind in ").bind_list(TicketKind::ALL.iter().map(|kind| kind.as_str()));
    sql.push(" and updated_at >= ").bind(from);
}

/// Reads the number of a record's last event; 0 for one without a history.
pub async fn last_seq(tx: &mut ReadTx, subject: Subject) -> Result<i64, StoreError> {
    const LAST: &str =
        "select coalesce(max(seq), 0) from events where org_id = $1 and subject_id = $2";
    Ok(on!(tx, |conn, org| {
        sqlx::query_scalar(LAST).bind(org).bind(subject.id()).fetch_one(conn).await?
    }))
}

impl EventRow {
    fn new(org_id: Uuid, event: &Event) -> Result<Self, StoreError> {
        let changes = event.changes.iter();
        let digest = event.policy_digest.as_deref();
        Ok(Self {
            org_id,
            subject_kind: event.subject.kind().as_str().to_owned(),
            subject_id: event.subject.id(),
            seq: event.seq,
            id: event.id.0,
            at: event.at,
            actor: event.actor.kind.as_str().to_owned(),
            actor_id: event.actor.person.map(|person| person.0),
            cause_id: event.cause.map(|cause| cause.0),
            action: event.action.as_str().to_owned(),
            changes: Json(
                changes
                    .map(|change| {
                        ChangeJson(
                            change.field.clone(),
                            change.before.clone(),
                            change.after.clone(),
                        )
                    })
                    .collect(),
            ),
            policy_digest: digest
                .map(|digest| digest::to_bytes("policy digest", digest))
                .transpose()?,
            reason: event.reason.clone(),
        })
    }
}

impl TryFrom<EventRow> for Event {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, StoreError> {
        let changes = row.changes.0.into_iter();
        Ok(Self {
            id: EventId(row.id),
            subject: TABLE.subject(&row.subject_kind, row.subject_id)?,
            seq: row.seq,
            at: row.at,
            actor: TABLE.actor("actor", &row.actor, row.actor_id)?,
            cause: row.cause_id.map(EventId),
            action: TABLE.parse("action", &row.action)?,
            changes: changes
                .map(|ChangeJson(field, before, after)| FieldChange { field, before, after })
                .collect(),
            policy_digest: row.policy_digest.as_deref().map(digest::to_text),
            reason: row.reason,
        })
    }
}
