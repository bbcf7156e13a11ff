//! Links between tickets, each in the one form that the domain gives it.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{ids::TicketId, link::Link};

use crate::{
    ReadTx, StoreError, WriteTx,
    column::Table,
    conn::on,
    row::{insert_all, row},
    sql::Sql,
    unique::UniqueKey,
};

const TABLE: Table = Table("links");

const KEYS: [UniqueKey; 1] = [UniqueKey {
    what: "link",
    postgres: "links_key",
    sqlite: "links.org_id, links.from_id, links.to_id, links.link_type",
}];

row! {
    struct LinkRow in "links", columns link_columns {
        org_id: Uuid,
        from_id: Uuid,
        link_type: String,
        to_id: Uuid,
        created_by: String,
        created_by_id: Option<Uuid>,
        created_at: DateTime<Utc>,
    }
}

/// Adds a link. One that is there already is `Taken("link")`.
pub async fn insert(tx: &mut WriteTx, link: &Link) -> Result<(), StoreError> {
    let row = LinkRow {
        org_id: tx.org.0,
        from_id: link.from.0,
        link_type: link.link_type.to_string(),
        to_id: link.to.0,
        created_by: link.created_by.kind.to_string(),
        created_by_id: link.created_by.person.map(|person| person.0),
        created_at: link.created_at,
    };
    insert_all(tx, vec![row], &KEYS).await?;
    Ok(())
}

/// Removes a link. `Stale` when it is not there any more.
pub async fn remove(tx: &mut WriteTx, link: &Link) -> Result<(), StoreError> {
    const REMOVE: &str = "
        delete from links where org_id = $1 and from_id = $2 and link_type = $3 and to_id = $4";
    let removed = on!(tx, |conn, org| {
        sqlx::query(REMOVE)
            .bind(org)
            .bind(link.from.0)
            .bind(link.link_type.as_str())
            .bind(link.to.0)
            .execute(conn)
            .await?
            .rows_affected()
    });
    if removed == 0 { Err(StoreError::Stale) } else { Ok(()) }
}

/// Lists the links that have any of these tickets at either end, the oldest first, each once.
pub async fn of_tickets(tx: &mut ReadTx, tickets: &[TicketId]) -> Result<Vec<Link>, StoreError> {
    const LIST: &str = concat!("select ", link_columns!(), " from links where org_id = ");
    if tickets.is_empty() {
        return Ok(Vec::new());
    }
    let org = tx.org.0;
    let mut sql = Sql::new(&tx.conn, LIST);
    sql.bind(org);
    sql.push(" and (from_id in ").bind_list(tickets.iter().map(|id| id.0));
    sql.push(" or to_id in ").bind_list(tickets.iter().map(|id| id.0));
    sql.push(") order by created_at, from_id, to_id, link_type");
    let rows: Vec<LinkRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(Link::try_from).collect()
}

impl TryFrom<LinkRow> for Link {
    type Error = StoreError;

    fn try_from(row: LinkRow) -> Result<Self, StoreError> {
        Ok(Self {
            from: TicketId(row.from_id),
            link_type: TABLE.parse("link_type", &row.link_type)?,
            to: TicketId(row.to_id),
            created_by: TABLE.actor("created_by", &row.created_by, row.created_by_id)?,
            created_at: row.created_at,
        })
    }
}
