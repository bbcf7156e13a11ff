//! The outbox: messages committed with the change they tell of, sent later, at least once.
//!
//! A worker claims what is due for a while (its lease), sends it, and settles what has ended, many
//! messages of an organization at once. A worker that dies leaves its claims to the next one, when
//! the lease has ended; one that stops gives back what it did not begin.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;
use waypost_domain::{
    ids::{MessageId, OrgId, PersonId, TicketId},
    message::{Message, MessageState, ToldAs},
};

use crate::{
    ReadTx, StoreError, SystemReadTx, SystemTx, WriteTx,
    column::Table,
    conn::{Conn, on, on_conn},
    row::{UNLESS_THERE, insert_new, row},
    sql::{Sql, padded},
    write_set::Inserts,
};

const TABLE: Table = Table("outbox");

/// How many messages one statement settles at most.
const SETTLED_AT_ONCE: usize = 64;

row! {
    struct MessageRow in "outbox", columns message_columns {
        id: Uuid,
        org_id: Uuid,
        ticket_id: Option<Uuid>,
        person_id: Uuid,
        told_as: String,
        after_end: bool,
        channel: String,
        address: Option<String>,
        subject: String,
        body: String,
        link: Option<String>,
        dedupe_key: String,
        send_at: DateTime<Utc>,
        created_at: DateTime<Utc>,
        state: String,
        attempts: i64,
        next_attempt_at: DateTime<Utc>,
        last_error: Option<String>,
        settled_at: Option<DateTime<Utc>>,
    }
}

/// A message with where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The message.
    pub message: Message,
    /// Where it stands.
    pub state: MessageState,
    /// How often it was claimed.
    pub attempts: u32,
    /// When it is claimed next, while it is pending.
    pub next_attempt_at: DateTime<Utc>,
    /// What the last attempt ended with, if it failed; why there was none, if it was dropped.
    pub last_error: Option<String>,
}

/// A claimed message whose attempt has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Whose it is.
    pub org: OrgId,
    /// Which.
    pub message: MessageId,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a claimed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It was handed over.
    Sent {
        /// Where it was sent to.
        address: String,
    },
    /// It was not taken, and is tried again.
    PutOff {
        /// Where it was to go.
        address: String,
        /// Why it was not taken.
        error: String,
        /// When it is tried again.
        until: DateTime<Utc>,
    },
    /// It was not taken, and is given up.
    Dead {
        /// Where it was to go.
        address: String,
        /// Why it was not taken.
        error: String,
    },
    /// It was not sent: nobody is to be told any more.
    Dropped {
        /// Why.
        reason: String,
    },
}

impl Fate {
    /// The state, the address it was to go to, and what is noted as its last error.
    fn columns(&self) -> (&'static str, Option<&str>, Option<&str>) {
        match self {
            Self::Sent { address } => ("sent", Some(address), None),
            Self::PutOff { address, error, .. } => ("pending", Some(address), Some(error)),
            Self::Dead { address, error } => ("dead", Some(address), Some(error)),
            Self::Dropped { reason } => ("dropped", None, Some(reason)),
        }
    }
}

/// Adds messages, and says how many: a person who has one with the same key about the same ticket
/// gets no second.
pub async fn enqueue_many(tx: &mut WriteTx, messages: &[Message]) -> Result<u64, StoreError> {
    insert_new(tx, messages.iter().map(MessageRow::from).collect()).await
}

/// Adds messages as [`enqueue_many`] does, which says how many.
pub async fn enqueue_all(to: &mut impl Inserts, messages: &[Message]) -> Result<(), StoreError> {
    to.put(messages.iter().map(MessageRow::from).collect(), UNLESS_THERE, &[]).await
}

/// Claims the messages of all organizations that are due, the longest due first; nobody else gets
/// them until the lease ends.
pub async fn claim(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    lease: TimeDelta,
    limit: u32,
) -> Result<Vec<Posted>, StoreError> {
    const SQLITE: &str = concat!(
        "update outbox set attempts = attempts + 1, next_attempt_at = $2
         where (org_id, id) in (
            select org_id, id from outbox where state = 'pending' and next_attempt_at <= $1
            order by next_attempt_at, id limit $3
         )
         returning ",
        message_columns!()
    );
    const POSTGRES: &str = concat!(
        "update outbox set attempts = attempts + 1, next_attempt_at = $2
         where (org_id, id) in (
            select org_id, id from outbox where state = 'pending' and next_attempt_at <= $1
            order by next_attempt_at, id limit $3
            for update skip locked
         )
         returning ",
        message_columns!()
    );
    let until = now + lease;
    let mut rows: Vec<MessageRow> = match &mut tx.conn {
        Conn::Sqlite(on) => {
            sqlx::query_as(SQLITE)
                .bind(now)
                .bind(until)
                .bind(i64::from(limit))
                .fetch_all(on.ask()?)
                .await?
        }
        Conn::Postgres(on) => {
            sqlx::query_as(POSTGRES)
                .bind(now)
                .bind(until)
                .bind(i64::from(limit))
                .fetch_all(on.ask()?)
                .await?
        }
    };
    // What `returning` returns is in no order.
    rows.sort_by_key(|row| (row.send_at, row.id));
    rows.into_iter().map(Posted::try_from).collect()
}

/// Notes what became of claimed messages of all organizations, and returns those that were settled
/// before: nothing is noted of them, and everything of the others.
pub async fn settle_many(
    tx: &mut SystemTx,
    ended: &[Ended],
    now: DateTime<Utc>,
) -> Result<BTreeSet<MessageId>, StoreError> {
    // The messages are looked up by their keys. Joined with the values, SQLite would read all there
    // are; named by its state, what waits has an index, and PostgreSQL would read all that waits.
    const SETTLE: &str = ")
        update outbox set (state, address, last_error, next_attempt_at, settled_at) = (
            select v.column3, coalesce(v.column4, outbox.address), coalesce(v.column5, outbox.last_error),
                coalesce(v.column6, outbox.next_attempt_at), v.column7
            from v where v.column1 = outbox.org_id and v.column2 = outbox.id limit 1
        )
        where settled_at is null and (org_id, id) in (select column1, column2 from v)
        returning id";
    let mut before: BTreeSet<MessageId> = ended.iter().map(|one| one.message).collect();
    for part in ended.chunks(SETTLED_AT_ONCE) {
        let mut sql = Sql::new(&tx.conn, "with v as (values ");
        sql.bind_rows(padded(part), |row, one| {
            let (state, address, error) = one.fate.columns();
            let (next, settled_at) = match &one.fate {
                Fate::PutOff { until, .. } => (Some(*until), None),
                Fate::Sent { .. } | Fate::Dead { .. } | Fate::Dropped { .. } => (None, Some(now)),
            };
            row.add(one.org.0, "::uuid").add(one.message.0, "::uuid").add(state, "::text");
            row.add(address.map(str::to_owned), "::text").add(error.map(str::to_owned), "::text");
            row.add(next, "::timestamptz").add(settled_at, "::timestamptz");
        });
        sql.push(SETTLE);
        let settled: Vec<(Uuid,)> = sql.fetch_all(&mut tx.conn).await?;
        for (id,) in settled {
            before.remove(&MessageId(id));
        }
    }
    Ok(before)
}

/// Gives back messages of all organizations that were claimed until then and not tried: they are
/// due again at once, and that claim does not count. Those that were claimed again or settled
/// meanwhile stay as they are.
pub async fn give_back(
    tx: &mut SystemTx,
    messages: &[(OrgId, MessageId)],
    claimed_until: DateTime<Utc>,
) -> Result<(), StoreError> {
    const GIVE_BACK: &str = "
        update outbox set attempts = attempts - 1, next_attempt_at = send_at
        where state = 'pending' and next_attempt_at = ";
    if messages.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new(&tx.conn, GIVE_BACK);
    sql.bind(claimed_until).push(" and (org_id, id) in (values ");
    sql.bind_rows(padded(messages), |row, (org, id)| {
        row.add(org.0, "::uuid").add(id.0, "::uuid");
    });
    sql.push(")");
    sql.execute(&mut tx.conn).await?;
    Ok(())
}

/// Lists the organization's messages, the latest id first, starting after one.
pub async fn list(
    tx: &mut ReadTx,
    after: Option<MessageId>,
    limit: u32,
) -> Result<Vec<Posted>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        message_columns!(),
        " from outbox where org_id = $1 and id < $2 order by id desc limit $3"
    );
    let after = after.map_or(Uuid::max(), |id| id.0);
    let rows: Vec<MessageRow> = on!(tx, |conn, org| {
        sqlx::query_as(LIST).bind(org).bind(after).bind(i64::from(limit)).fetch_all(conn).await?
    });
    rows.into_iter().map(Posted::try_from).collect()
}

/// Adds the condition that a message is about a ticket, as the key of messages has it.
fn about(sql: &mut Sql, ticket: TicketId) -> &mut Sql {
    sql.push_either(
        " and coalesce(ticket_id, zeroblob(16)) = ",
        " and case when ticket_id is null then '00000000-0000-0000-0000-000000000000'::uuid
            else ticket_id end = ",
    );
    sql.bind(ticket.0)
}

/// Lists the messages about a ticket, the oldest first.
pub async fn of_ticket(tx: &mut ReadTx, ticket: TicketId) -> Result<Vec<Posted>, StoreError> {
    const LIST: &str = concat!("select ", message_columns!(), " from outbox where org_id = ");
    let mut sql = Sql::new(&tx.conn, LIST);
    sql.bind(tx.org.0);
    about(&mut sql, ticket).push(" order by created_at, id");
    let rows: Vec<MessageRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(Posted::try_from).collect()
}

/// How many messages there are about a ticket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessageCounts {
    /// They were handed over.
    pub sent: u64,
    /// They wait for their turn.
    pub waiting: u64,
    /// They wait for a later time.
    pub delayed: u64,
}

/// Counts the messages about a ticket that were or will be sent. Those that were given up or
/// dropped have told nobody.
pub async fn count_of_ticket(
    tx: &mut ReadTx,
    ticket: TicketId,
    now: DateTime<Utc>,
) -> Result<MessageCounts, StoreError> {
    const COUNT: &str = "
        select count(*) filter (where state = 'sent'),
            count(*) filter (where state = 'pending' and send_at <= ";
    let mut sql = Sql::new(&tx.conn, COUNT);
    sql.bind(now).push("), count(*) filter (where state = 'pending' and send_at > ").bind(now);
    sql.push(") from outbox where org_id = ").bind(tx.org.0);
    about(&mut sql, ticket);
    let rows: Vec<(i64, i64, i64)> = sql.fetch_all(&mut tx.conn).await?;
    let count = |count: i64| u64::try_from(count).unwrap_or(0);
    let counts = rows.into_iter().next().map(|(sent, waiting, delayed)| MessageCounts {
        sent: count(sent),
        waiting: count(waiting),
        delayed: count(delayed),
    });
    Ok(counts.unwrap_or_default())
}

/// Whether a message of any organization was settled before a moment and still has its texts.
pub async fn has_texts_before(
    tx: &mut SystemReadTx,
    before: DateTime<Utc>,
) -> Result<bool, StoreError> {
    const FOUND: &str = "select exists (
        select 1 from outbox where emptied_at is null and settled_at < $1
    )";
    Ok(on_conn!(&mut tx.conn, |conn| sqlx::query_scalar(FOUND)
        .bind(before)
        .fetch_one(conn)
        .await?))
}

/// Empties the texts and addresses of messages of all organizations that were settled before a
/// moment, at most `limit`, and says of how many. That they were sent, to whom and about what
/// stays, so that nobody gets one twice. What a mail server answered may name the address of that
/// time, in whatever spelling, and goes too.
pub async fn empty_texts(
    tx: &mut SystemTx,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
    limit: u32,
) -> Result<u64, StoreError> {
    const EMPTY: &str = "
        update outbox set subject = '', body = '', address = null, emptied_at = $2,
            last_error = case state when 'dropped' then last_error when 'dead' then 'no longer kept' end
        where (org_id, id) in (
            select org_id, id from outbox where emptied_at is null and settled_at < $1
            order by settled_at limit $3
        )";
    Ok(on_conn!(&mut tx.conn, |conn| {
        sqlx::query(EMPTY)
            .bind(before)
            .bind(now)
            .bind(i64::from(limit))
            .execute(conn)
            .await?
            .rows_affected()
    }))
}

/// Counts the messages of all organizations that wait to be sent.
pub async fn pending_count(tx: &mut SystemReadTx) -> Result<u64, StoreError> {
    const COUNT: &str = "select count(*) from outbox where state = 'pending'";
    let pending: i64 =
        on_conn!(&mut tx.conn, |conn| sqlx::query_scalar(COUNT).fetch_one(conn).await?);
    Ok(u64::try_from(pending).unwrap_or(0))
}

impl From<&Message> for MessageRow {
    fn from(message: &Message) -> Self {
        Self {
            id: message.id.0,
            org_id: message.org.0,
            ticket_id: message.ticket.map(|ticket| ticket.0),
            person_id: message.person.0,
            told_as: written(&message.told_as),
            after_end: message.after_end,
            channel: message.channel.as_str().to_owned(),
            address: message.address.clone(),
            subject: message.subject.clone(),
            body: message.body.clone(),
            link: message.link.as_ref().map(ToString::to_string),
            dedupe_key: message.dedupe_key.clone(),
            send_at: message.send_at,
            created_at: message.created_at,
            state: "pending".to_owned(),
            attempts: 0,
            next_attempt_at: message.send_at,
            last_error: None,
            settled_at: None,
        }
    }
}

/// As what a person is told something: names with blanks between them.
fn written(told_as: &BTreeSet<ToldAs>) -> String {
    told_as.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

impl TryFrom<MessageRow> for Posted {
    type Error = StoreError;

    fn try_from(row: MessageRow) -> Result<Self, StoreError> {
        let state = match (row.state.as_str(), row.settled_at) {
            ("pending", None) => MessageState::Pending,
            ("sent", Some(at)) => MessageState::Sent { at },
            ("dead", Some(at)) => {
                MessageState::Dead { error: TABLE.need("last_error", row.last_error.clone())?, at }
            }
            ("dropped", Some(at)) => MessageState::Dropped {
                reason: TABLE.need("last_error", row.last_error.clone())?,
                at,
            },
            _ => return Err(TABLE.corrupt("state")),
        };
        let told_as = row.told_as.split_whitespace().map(|one| TABLE.parse("told_as", one));
        Ok(Self {
            state,
            attempts: TABLE.fit("attempts", row.attempts)?,
            next_attempt_at: row.next_attempt_at,
            last_error: row.last_error,
            message: Message {
                id: MessageId(row.id),
                org: OrgId(row.org_id),
                ticket: row.ticket_id.map(TicketId),
                person: PersonId(row.person_id),
                told_as: told_as.collect::<Result<_, _>>()?,
                after_end: row.after_end,
                channel: TABLE.parse("channel", &row.channel)?,
                address: row.address,
                subject: row.subject,
                body: row.body,
                link: TABLE.parse_some("link", row.link.as_deref())?,
                dedupe_key: row.dedupe_key,
                send_at: row.send_at,
                created_at: row.created_at,
            },
        })
    }
}
