//! Events: what happened to a ticket. Appended, never changed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;
use waypost_domain::{
    event::{Change, Event},
    ids::{EventId, TicketId},
};

use crate::{
    ReadTx, StoreError, WriteTx,
    column::Table,
    conn::on,
    digest,
    row::{insert_all, row},
    sql::Sql,
    unique::UniqueKey,
};

const TABLE: Table = Table("events");

const KEYS: [UniqueKey; 1] = [UniqueKey {
    what: "seq",
    postgres: "events_key",
    sqlite: "events.org_id, events.ticket_id, events.seq",
}];

row! {
    struct EventRow in "events", columns event_columns {
        org_id: Uuid,
        ticket_id: Uuid,
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

/// Field, before, after: short, because an event has many and a ticket many events.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ChangeJson(String, Option<String>, Option<String>);

/// Appends events. A number that another event of the ticket has is `Taken("seq")`: somebody else acted first.
pub async fn append_many(tx: &mut WriteTx, events: &[Event]) -> Result<(), StoreError> {
    let org = tx.org.0;
    let rows = events.iter().map(|event| EventRow::new(org, event)).collect::<Result<_, _>>()?;
    insert_all(tx, rows, &KEYS).await?;
    Ok(())
}

/// Lists a ticket's events, the first one first.
pub async fn of_ticket(tx: &mut ReadTx, ticket: TicketId) -> Result<Vec<Event>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        event_columns!(),
        " from events where org_id = $1 and ticket_id = $2 order by seq"
    );
    let rows: Vec<EventRow> = on!(tx, |conn, org| {
        sqlx::query_as(LIST).bind(org).bind(ticket.0).fetch_all(conn).await?
    });
    rows.into_iter().map(Event::try_from).collect()
}

/// The place of an event among all of the organization's: its ticket, its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPlace {
    /// The ticket.
    pub ticket: TicketId,
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
/// Ticket by ticket, in the order they came in, and each ticket's history in its order: that is how they are kept, so a
/// page costs what it holds, however many there are.
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
            and tickets.id = events.ticket_id) as ticket_number, ",
        event_columns!(),
        " from events where org_id = "
    );
    let org = tx.org.0;
    let mut sql = Sql::new(&tx.conn, PAGE);
    sql.bind(org);
    if let Some(EventPlace { ticket, seq }) = after {
        sql.push(" and (ticket_id, seq) > (").bind(ticket.0).push(", ").bind(seq).push(")");
    }
    if let Some(from) = period.from {
        sql.push(" and at >= ").bind(from);
    }
    if let Some(to) = period.to {
        sql.push(" and at < ").bind(to);
    }
    sql.push(" order by ticket_id, seq limit ").bind(i64::from(limit));
    let rows: Vec<NumberedRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(|row| Ok((row.ticket_number, row.event.try_into()?))).collect()
}

/// Reads a ticket's last event: its number and its time bound the next one's.
pub async fn last_of_ticket(
    tx: &mut ReadTx,
    ticket: TicketId,
) -> Result<Option<Event>, StoreError> {
    const LAST: &str = concat!(
        "select ",
        event_columns!(),
        " from events where org_id = $1 and ticket_id = $2 order by seq desc limit 1"
    );
    let row: Option<EventRow> = on!(tx, |conn, org| {
        sqlx::query_as(LAST).bind(org).bind(ticket.0).fetch_optional(conn).await?
    });
    row.map(Event::try_from).transpose()
}

impl EventRow {
    fn new(org_id: Uuid, event: &Event) -> Result<Self, StoreError> {
        let changes = event.changes.iter();
        let digest = event.policy_digest.as_deref();
        Ok(Self {
            org_id,
            ticket_id: event.ticket.0,
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
            ticket: TicketId(row.ticket_id),
            seq: row.seq,
            at: row.at,
            actor: TABLE.actor("actor", &row.actor, row.actor_id)?,
            cause: row.cause_id.map(EventId),
            action: TABLE.parse("action", &row.action)?,
            changes: changes
                .map(|ChangeJson(field, before, after)| Change { field, before, after })
                .collect(),
            policy_digest: row.policy_digest.as_deref().map(digest::to_text),
            reason: row.reason,
        })
    }
}
