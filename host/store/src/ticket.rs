//! Tickets: incidents and requests, in one table.

mod body;
mod filter;
mod major;
mod row;

use waypost_domain::{
    ids::TicketId,
    ticket::{ExternalRef, Ticket},
};

pub(crate) use self::filter::concerns;
pub use self::filter::{Assignee, TicketCursor, TicketFilter, TicketSort, count, list};
use self::row::{TicketRow, ticket_columns};
use crate::{
    ReadTx, StoreError, WriteTx,
    conn::on,
    row::{insert_all, update_guarded},
    sql::Sql,
    unique::UniqueKey,
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

/// Adds a ticket. A reference that another ticket of the organization has is `Taken("external reference")`.
pub async fn insert(tx: &mut WriteTx, ticket: &Ticket) -> Result<(), StoreError> {
    insert_many(tx, std::slice::from_ref(ticket)).await
}

/// Adds many tickets at once: all or none.
pub async fn insert_many(tx: &mut WriteTx, tickets: &[Ticket]) -> Result<(), StoreError> {
    insert_all(tx, tickets.iter().map(TicketRow::from).collect(), &KEYS).await?;
    Ok(())
}

/// Writes a ticket back, provided nobody else has since it was read.
pub async fn update(tx: &mut WriteTx, ticket: &mut Ticket) -> Result<(), StoreError> {
    let mut row = TicketRow::from(&*ticket);
    row.version += 1;
    update_guarded(tx, row, ticket.id.0, ticket.version, &KEYS).await?;
    ticket.version += 1;
    Ok(())
}

/// Reads one ticket.
pub async fn find(tx: &mut ReadTx, id: TicketId) -> Result<Option<Ticket>, StoreError> {
    const FIND: &str =
        concat!("select ", ticket_columns!(), " from tickets where org_id = $1 and id = $2");
    let row: Option<TicketRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(id.0).fetch_optional(conn).await?
    });
    row.map(Ticket::try_from).transpose()
}

/// Reads the ticket with this number: `INC0000042`.
pub async fn find_by_number(tx: &mut ReadTx, number: &str) -> Result<Option<Ticket>, StoreError> {
    const FIND: &str =
        concat!("select ", ticket_columns!(), " from tickets where org_id = $1 and number = $2");
    let row: Option<TicketRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(number).fetch_optional(conn).await?
    });
    row.map(Ticket::try_from).transpose()
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
    let rows: Vec<(uuid::Uuid, String, String)> = sql.fetch_all(&mut tx.conn).await?;
    Ok(rows
        .into_iter()
        .map(|(id, number, short_description)| {
            (TicketId(id), Heading { number, short_description })
        })
        .collect())
}

/// Reads the ticket that came from there.
pub async fn find_by_external_ref(
    tx: &mut ReadTx,
    from: &ExternalRef,
) -> Result<Option<Ticket>, StoreError> {
    const FIND: &str = concat!(
        "select ",
        ticket_columns!(),
        " from tickets where org_id = $1 and external_source = $2 and external_id = $3"
    );
    let row: Option<TicketRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND)
            .bind(org)
            .bind(&from.source)
            .bind(&from.id)
            .fetch_optional(conn)
            .await?
    });
    row.map(Ticket::try_from).transpose()
}

/// Says which of a source's ids have a ticket already, with the ticket.
pub async fn known_external_ids(
    tx: &mut ReadTx,
    source: &str,
    ids: &[String],
) -> Result<Vec<(String, TicketId)>, StoreError> {
    /// Below the number of parameters that SQLite takes, with room.
    const AT_ONCE: usize = 1_000;
    const KNOWN: &str = "select external_id, id from tickets where org_id = ";
    let org = tx.org.0;
    let mut known = Vec::new();
    for ids in ids.chunks(AT_ONCE) {
        let mut sql = Sql::new(&tx.conn, KNOWN);
        sql.bind(org);
        sql.push(" and external_source = ").bind(source.to_owned());
        sql.push(" and external_id in ").bind_list(ids.iter().cloned());
        let rows: Vec<(String, uuid::Uuid)> = sql.fetch_all(&mut tx.conn).await?;
        known.extend(rows.into_iter().map(|(external, id)| (external, TicketId(id))));
    }
    Ok(known)
}
