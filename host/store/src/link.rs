//! Links between records, each in the one form that the domain gives it.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{link::Link, subject::Subject};

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
        from_kind: String,
        from_id: Uuid,
        link_type: String,
        to_kind: String,
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
        from_kind: link.from.kind().to_string(),
        from_id: link.from.id(),
        link_type: link.link_type.to_string(),
        to_kind: link.to.kind().to_string(),
        to_id: link.to.id(),
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
            .bind(link.from.id())
            .bind(link.link_type.as_str())
            .bind(link.to.id())
            .execute(conn)
            .await?
            .rows_affected()
    });
    if removed == 0 { Err(StoreError::Stale) } else { Ok(()) }
}

/// Lists the links that have any of these records at either end, the oldest first, each once.
pub async fn of(tx: &mut ReadTx, subjects: &[Subject]) -> Result<Vec<Link>, StoreError> {
    const LIST: &str = concat!("select ", link_columns!(), " from links where org_id = ");
    if subjects.is_empty() {
        return Ok(Vec::new());
    }
    let org = tx.org.0;
    let ids = || subjects.iter().map(|subject| subject.id());
    let mut sql = Sql::new(&tx.conn, LIST);
    // Not as two conditions, for which SQLite would read all links of the organization.
    sql.bind(org).push(" and from_id in ").bind_list(ids());
    sql.push(" union all select ").push(link_columns!());
    sql.push_either(" from links indexed by links_to", " from links");
    sql.push(" where org_id = ").bind(org).push(" and to_id in ").bind_list(ids());
    sql.push(" and from_id not in ").bind_list(ids());
    sql.push(" order by created_at, from_id, to_id, link_type");
    let rows: Vec<LinkRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(Link::try_from).collect()
}

impl TryFrom<LinkRow> for Link {
    type Error = StoreError;

    fn try_from(row: LinkRow) -> Result<Self, StoreError> {
        Ok(Self {
            from: TABLE.subject(&row.from_kind, row.from_id)?,
            link_type: TABLE.parse("link_type", &row.link_type)?,
            to: TABLE.subject(&row.to_kind, row.to_id)?,
            created_by: TABLE.actor("created_by", &row.created_by, row.created_by_id)?,
            created_at: row.created_at,
        })
    }
}
