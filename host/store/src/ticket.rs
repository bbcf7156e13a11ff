//! Tickets of every kind: one table for what they share, and one beside it for what only one kind
//! has.

mod details;
mod filter;
mod known;
mod row;
mod stage;
mod walk;

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    ids::{OrgId, PersonId, TeamId, TicketId},
    task::TaskCount,
    ticket::{ExternalRef, Ticket, TicketKind},
};

pub use self::filter::{
    Assignee, TicketCursor, TicketFilter, TicketSort, count, count_to, counts_to, list,
};
use self::{
    details::{DetailsRows, WholeRow},
    row::TicketRow,
    walk::Index,
};
use crate::{
    ReadTx, Store, StoreError, WriteTx,
    conn::Conn,
    row::guarded_update,
    sql::{Sql, padded},
    unique::{UniqueKey, explain},
    write_set::Inserts,
};

const KEYS: [UniqueKey; 2] = [
    UniqueKey {
        what: "number",
        postgres: "tickets_number_key",
        sqlite: "tickets.org_id, tickets.number",
    },
    UniqueKey {
        what: "external reference",
        postgres: "tickets_external_key",
        sqlite: "tickets.org_id, tickets.external_source, tickets.external_id",
    },
];

/// Adds a ticket. A reference that another ticket of the organization has is `Taken("external
/// reference")`.
pub async fn insert(to: &mut impl Inserts, ticket: &Ticket) -> Result<(), StoreError> {
    insert_many(to, std::slice::from_ref(ticket)).await
}

/// Adds many tickets at once: all or none.
pub async fn insert_many(to: &mut impl Inserts, tickets: &[Ticket]) -> Result<(), StoreError> {
    to.put(tickets.iter().map(TicketRow::from).collect(), "", &KEYS).await?;
    let mut beside = DetailsRows::default();
    tickets.iter().filter(|ticket| DetailsRows::has_any(ticket)).for_each(|it| beside.add(it));
    beside.write(to).await
}

/// Writes a ticket back, provided nobody else has since it was read.
pub async fn update(tx: &mut WriteTx, ticket: &mut Ticket) -> Result<(), StoreError> {
    let mut row = TicketRow::from(&*ticket);
    row.version += 1;
    let mut sql = guarded_update(tx, row, ticket.id.0, ticket.version)?;
    sql.push(details::has_row(ticket.kind()));
    let updated: Vec<(bool,)> =
        sql.fetch_all(&mut tx.conn).await.map_err(|error| explain(error, &KEYS))?;
    let Some((has_row,)) = updated.first() else { return Err(StoreError::Stale) };
    if *has_row || DetailsRows::has_any(ticket) {
        details::rewrite(tx, ticket).await?;
    }
    ticket.version += 1;
    Ok(())
}

/// Reads one ticket.
pub async fn find(tx: &mut ReadTx, id: TicketId) -> Result<Option<Ticket>, StoreError> {
    find_one(tx, None, |sql| {
        sql.push(" and tickets.id = ").bind(id.0);
    })
    .await
}

/// Reads these tickets, by id; what is not there is left out.
pub async fn find_many(tx: &mut ReadTx, ids: &[TicketId]) -> Result<Vec<Ticket>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    select(tx, Some(Index::Key), |sql| {
        sql.push(" and tickets.id in ").bind_list(ids.iter().map(|id| id.0));
        sql.push(" order by tickets.id");
    })
    .await
}

/// Reads these tickets of their organizations; what is not there is left out.
pub async fn find_anywhere(
    store: &Store,
    wanted: &[(OrgId, TicketId)],
) -> Result<Vec<Ticket>, StoreError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let statement = |conn: &Conn| {
        let mut sql = details::begin(conn);
        sql.push("tickets");
        Index::Key.add(&mut sql);
        sql.push(details::JOINS).push(" where (tickets.org_id, tickets.id) in (values ");
        sql.bind_rows(padded(wanted), |row, (org, ticket)| {
            row.add(org.0, "::uuid").add(ticket.0, "::uuid");
        });
        sql.push(")");
        sql
    };
    let rows: Vec<WholeRow> = store.look(statement).await?;
    rows.into_iter().map(Ticket::try_from).collect()
}

/// Reads the ticket with this number: `INC0000042`.
pub async fn find_by_number(tx: &mut ReadTx, number: &str) -> Result<Option<Ticket>, StoreError> {
    find_one(tx, None, |sql| {
        sql.push(" and number = ").bind(number.to_owned());
    })
    .await
}

/// Reads the ticket that came from there.
pub async fn find_by_external_ref(
    tx: &mut ReadTx,
    from: &ExternalRef,
) -> Result<Option<Ticket>, StoreError> {
    find_one(tx, Some(Index::External), |sql| {
        sql.push(" and external_source = ").bind(from.source.clone());
        sql.push(" and external_id = ").bind(from.id.clone());
    })
    .await
}

/// Lists the tasks of a ticket, by their place.
pub async fn tasks_of(tx: &mut ReadTx, parent: TicketId) -> Result<Vec<Ticket>, StoreError> {
    select(tx, Some(Index::Parent), |sql| {
        sql.push(" and kind = 'task' and parent_id = ").bind(parent.0);
        sql.push(" order by coalesce(position, 0), created_at, number");
    })
    .await
}

/// Lists the tickets that took this one up again, the oldest first.
pub async fn following(tx: &mut ReadTx, earlier: TicketId) -> Result<Vec<Ticket>, StoreError> {
    select(tx, None, |sql| {
        sql.push(" and follows_id = ").bind(earlier.0);
        sql.push(" order by tickets.created_at, tickets.id");
    })
    .await
}

/// Lists the children of an incident that are not over.
pub async fn children_of(tx: &mut ReadTx, parent: TicketId) -> Result<Vec<Ticket>, StoreError> {
    select(tx, Some(Index::Parent), |sql| {
        sql.push(" and kind = 'incident' and parent_id = ").bind(parent.0);
        sql.push(" and phase not in ('closed', 'cancelled') order by tickets.id");
    })
    .await
}

/// Lists the incidents that a problem causes and that are not over.
pub async fn caused_by(tx: &mut ReadTx, problem: TicketId) -> Result<Vec<Ticket>, StoreError> {
    let org = tx.org;
    select(tx, Some(Index::Key), |sql| {
        filter::is_caused_by(sql, problem, org);
        sql.push(" and phase not in ('closed', 'cancelled') order by tickets.id");
    })
    .await
}

/// Counts the tasks of these tickets; one that has none is left out.
pub async fn task_counts(
    tx: &mut ReadTx,
    tickets: &[TicketId],
) -> Result<Vec<(TicketId, TaskCount)>, StoreError> {
    const COUNTS: &str = "
        select parent_id, sum(case when active then 1 else 0 end), count(*) from tickets";
    if tickets.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(&tx.conn, COUNTS);
    Index::Parent.add(&mut sql);
    sql.push(" where kind = 'task' and org_id = ").bind(tx.org.0);
    sql.push(" and parent_id in ").bind_list(tickets.iter().map(|id| id.0));
    sql.push(" group by parent_id");
    let rows: Vec<(Uuid, i64, i64)> = sql.fetch_all(&mut tx.conn).await?;
    let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(rows
        .into_iter()
        .map(|(id, open, total)| {
            (TicketId(id), TaskCount { open: count(open), total: count(total) })
        })
        .collect())
}

/// Who owns tickets about which the desk still has to do something: each team with each assignee.
pub async fn owners(tx: &mut ReadTx) -> Result<Vec<(TeamId, Option<PersonId>)>, StoreError> {
    let mut sql = Sql::new(&tx.conn, "select distinct team_id, assignee_id from tickets");
    Index::Open.add(&mut sql);
    sql.push(" where active and org_id = ").bind(tx.org.0);
    let rows: Vec<(Uuid, Option<Uuid>)> = sql.fetch_all(&mut tx.conn).await?;
    Ok(rows.into_iter().map(|(team, person)| (TeamId(team), person.map(PersonId))).collect())
}

/// A ticket that has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// Which.
    pub id: TicketId,
    /// When it did last.
    pub at: DateTime<Utc>,
    /// Its version since.
    pub version: i64,
}

/// Which tickets have changed at or after a time, the latest first; at most `limit` of each kind.
pub async fn changed_since(
    tx: &mut ReadTx,
    from: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<Changed>, StoreError> {
    let org = tx.org.0;
    let mut sql = Sql::new(&tx.conn, "");
    for (place, kind) in TicketKind::ALL.iter().enumerate() {
        // Along the index, whose order it has.
        sql.push(if place == 0 { "select * from (" } else { " union all select * from (" });
        sql.push("select id, updated_at, version from tickets");
        Index::Updated.add(&mut sql);
        sql.push(" where org_id = ").bind(org);
        sql.push(" and kind = ").bind(kind.as_str());
        sql.push(" and updated_at >= ").bind(from);
        sql.push(" order by updated_at desc, id desc limit ")
            .bind(i64::from(limit))
            .push(") as changed");
    }
    let rows: Vec<(Uuid, DateTime<Utc>, i64)> = sql.fetch_all(&mut tx.conn).await?;
    let changed = |(id, at, version)| Changed { id: TicketId(id), at, version };
    let mut changed: Vec<Changed> = rows.into_iter().map(changed).collect();
    changed.sort_by_key(|one| std::cmp::Reverse(one.at));
    Ok(changed)
}

/// A ticket's number, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The number people use.
    pub number: String,
    /// One line.
    pub short_description: String,
}

/// Says what these tickets are called.
pub async fn headings(
    tx: &mut ReadTx,
    ids: &[TicketId],
) -> Result<Vec<(TicketId, Heading)>, StoreError> {
    const HEADINGS: &str = "select id, number, short_description from tickets where org_id = ";
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(&tx.conn, HEADINGS);
    sql.bind(tx.org.0);
    sql.push(" and id in ").bind_list(ids.iter().map(|id| id.0));
    let rows: Vec<(Uuid, String, String)> = sql.fetch_all(&mut tx.conn).await?;
    Ok(rows
        .into_iter()
        .map(|(id, number, short_description)| {
            (TicketId(id), Heading { number, short_description })
        })
        .collect())
}

/// A ticket that another system's id belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The id in the other system.
    pub external_id: String,
    /// The ticket.
    pub ticket: TicketId,
    /// What it is called.
    pub heading: Heading,
}

/// Says which of a source's ids have a ticket already, with the ticket.
pub async fn known_external_ids(
    tx: &mut ReadTx,
    source: &str,
    ids: &[String],
) -> Result<Vec<Known>, StoreError> {
    /// Below the number of parameters that SQLite takes, with room.
    const AT_ONCE: usize = 1_000;
    const KNOWN: &str =
        "select external_id, id, number, short_description from tickets where org_id = ";
    let org = tx.org.0;
    let mut known = Vec::new();
    for ids in ids.chunks(AT_ONCE) {
        let mut sql = Sql::new(&tx.conn, KNOWN);
        sql.bind(org);
        sql.push(" and external_source = ").bind(source.to_owned());
        sql.push(" and external_id in ").bind_list(ids.iter().cloned());
        let rows: Vec<(String, Uuid, String, String)> = sql.fetch_all(&mut tx.conn).await?;
        known.extend(rows.into_iter().map(|(external_id, id, number, short_description)| Known {
            external_id,
            ticket: TicketId(id),
            heading: Heading { number, short_description },
        }));
    }
    Ok(known)
}

/// Reads the tickets that the condition leaves, in one statement, by the index where SQLite might
/// take another.
async fn select(
    tx: &mut ReadTx,
    index: Option<Index>,
    condition: impl Fn(&mut Sql),
) -> Result<Vec<Ticket>, StoreError> {
    let mut sql = details::begin(&tx.conn);
    sql.push("tickets");
    if let Some(index) = index {
        index.add(&mut sql);
    }
    sql.push(details::JOINS).push(" where tickets.org_id = ").bind(tx.org.0);
    condition(&mut sql);
    let rows: Vec<WholeRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(Ticket::try_from).collect()
}

async fn find_one(
    tx: &mut ReadTx,
    index: Option<Index>,
    condition: impl Fn(&mut Sql),
) -> Result<Option<Ticket>, StoreError> {
    Ok(select(tx, index, condition).await?.pop())
}
