//! Delegations: who votes for a person while they are away.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    delegation::{Delegation, Scope},
    ids::{CatalogItemId, DelegationId, OrgId, PersonId, ServiceId},
};

use crate::{
    ReadTx, StoreError, WriteTx,
    column::Table,
    conn::on,
    row::{insert_all, row, update_guarded},
    sql::Sql,
};

const TABLE: Table = Table("delegations");

row! {
    struct DelegationRow in "delegations", columns delegation_columns {
        id: Uuid,
        org_id: Uuid,
        from_id: Uuid,
        to_id: Uuid,
        scope: String,
        category: Option<String>,
        service_id: Option<Uuid>,
        catalog_item_id: Option<Uuid>,
        starts_at: DateTime<Utc>,
        ends_at: DateTime<Utc>,
        reason: String,
        created_at: DateTime<Utc>,
        created_by: String,
        created_by_id: Option<Uuid>,
        ended_at: Option<DateTime<Utc>>,
        ended_by: Option<String>,
        ended_by_id: Option<Uuid>,
        version: i64,
    }
}

/// Adds a delegation.
pub async fn insert(tx: &mut WriteTx, delegation: &Delegation) -> Result<(), StoreError> {
    insert_all(tx, vec![DelegationRow::from(delegation)], &[]).await?;
    Ok(())
}

/// Writes a delegation back, provided nobody else has since it was read.
pub async fn update(tx: &mut WriteTx, delegation: &mut Delegation) -> Result<(), StoreError> {
    let mut row = DelegationRow::from(&*delegation);
    row.version += 1;
    update_guarded(tx, row, delegation.id.0, delegation.version, &[]).await?;
    delegation.version += 1;
    Ok(())
}

/// Reads one delegation.
pub async fn find(tx: &mut ReadTx, id: DelegationId) -> Result<Option<Delegation>, StoreError> {
    const FIND: &str = concat!(
        "select ",
        delegation_columns!(),
        " from delegations where org_id = $1 and id = $2"
    );
    let row: Option<DelegationRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(id.0).fetch_optional(conn).await?
    });
    row.map(Delegation::try_from).transpose()
}

/// Lists delegations in the order in which they were planned: all, or those that a person gave or
/// got.
pub async fn list(
    tx: &mut ReadTx,
    of: Option<PersonId>,
    after: Option<DelegationId>,
    limit: u32,
) -> Result<Vec<Delegation>, StoreError> {
    const LIST: &str =
        concat!("select ", delegation_columns!(), " from delegations where org_id = ");
    let org = tx.org.0;
    let mut sql = Sql::new(&tx.conn, LIST);
    sql.bind(org);
    if let Some(person) = of {
        sql.push(" and (from_id = ").bind(person.0);
        sql.push(" or to_id = ").bind(person.0).push(")");
    }
    if let Some(after) = after {
        sql.push(" and id > ").bind(after.0);
    }
    sql.push(" order by id limit ").bind(i64::from(limit));
    let rows: Vec<DelegationRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(Delegation::try_from).collect()
}

/// Lists the delegations that a person gave or got, at most so many: first those that are in force
/// at a moment or to come, then those that are over; of both, those that were planned last.
pub async fn of_person(
    tx: &mut ReadTx,
    person: PersonId,
    now: DateTime<Utc>,
    most: u32,
) -> Result<Vec<Delegation>, StoreError> {
    const LIST: &str =
        concat!("select ", delegation_columns!(), " from delegations where org_id = ");
    let org = tx.org.0;
    let mut sql = Sql::new(&tx.conn, LIST);
    sql.bind(org);
    sql.push(" and (from_id = ").bind(person.0);
    sql.push(" or to_id = ").bind(person.0).push(")");
    sql.push(" order by case when ended_at is null and ends_at > ").bind(now);
    sql.push(" then 0 else 1 end, id desc limit ").bind(i64::from(most));
    let rows: Vec<DelegationRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(Delegation::try_from).collect()
}

/// Lists the delegations that are in force at a moment.
pub async fn in_force(tx: &mut ReadTx, now: DateTime<Utc>) -> Result<Vec<Delegation>, StoreError> {
    const IN_FORCE: &str = concat!(
        "select ",
        delegation_columns!(),
        " from delegations where org_id = $1 and ended_at is null and ends_at > $2
            and starts_at <= $3 order by id"
    );
    let rows: Vec<DelegationRow> = on!(tx, |conn, org| {
        sqlx::query_as(IN_FORCE).bind(org).bind(now).bind(now).fetch_all(conn).await?
    });
    rows.into_iter().map(Delegation::try_from).collect()
}

/// Counts the delegations of a person's votes that are in force or to come.
pub async fn count_open(
    tx: &mut ReadTx,
    from: PersonId,
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    const COUNT: &str = "
        select count(*) from delegations
        where org_id = $1 and ended_at is null and ends_at > $2 and from_id = $3";
    let open: i64 = on!(tx, |conn, org| {
        sqlx::query_scalar(COUNT).bind(org).bind(now).bind(from.0).fetch_one(conn).await?
    });
    TABLE.fit("id", open)
}

impl From<&Delegation> for DelegationRow {
    fn from(delegation: &Delegation) -> Self {
        let (scope, category, service, item) = match &delegation.scope {
            Scope::Everything => ("everything", None, None, None),
            Scope::Category(path) => ("category", Some(path.to_string()), None, None),
            Scope::Service(service) => ("service", None, Some(service.0), None),
            Scope::CatalogItem(item) => ("catalog_item", None, None, Some(item.0)),
        };
        let ended = delegation.ended.as_ref();
        Self {
            id: delegation.id.0,
            org_id: delegation.org.0,
            from_id: delegation.from.0,
            to_id: delegation.to.0,
            scope: scope.to_owned(),
            category,
            service_id: service,
            catalog_item_id: item,
            starts_at: delegation.starts_at,
            ends_at: delegation.ends_at,
            reason: delegation.reason.clone(),
            created_at: delegation.created_at,
            created_by: delegation.created_by.kind.as_str().to_owned(),
            created_by_id: delegation.created_by.person.map(|person| person.0),
            ended_at: ended.map(|(at, _)| *at),
            ended_by: ended.map(|(_, by)| by.kind.as_str().to_owned()),
            ended_by_id: ended.and_then(|(_, by)| by.person).map(|person| person.0),
            version: delegation.version,
        }
    }
}

impl TryFrom<DelegationRow> for Delegation {
    type Error = StoreError;

    fn try_from(row: DelegationRow) -> Result<Self, StoreError> {
        let scope = match row.scope.as_str() {
            "everything" => Scope::Everything,
            "category" => {
                let path = TABLE.parse_some("category", row.category.as_deref())?;
                Scope::Category(TABLE.need("category", path)?)
            }
            "service" => Scope::Service(ServiceId(TABLE.need("service_id", row.service_id)?)),
            "catalog_item" => {
                let item = TABLE.need("catalog_item_id", row.catalog_item_id)?;
                Scope::CatalogItem(CatalogItemId(item))
            }
            _ => return Err(TABLE.corrupt("scope")),
        };
        let ended = match (row.ended_at, row.ended_by) {
            (Some(at), Some(by)) => Some((at, TABLE.actor("ended_by", &by, row.ended_by_id)?)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(TABLE.corrupt("ended_by")),
        };
        Ok(Self {
            id: DelegationId(row.id),
            org: OrgId(row.org_id),
            from: PersonId(row.from_id),
            to: PersonId(row.to_id),
            scope,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            reason: row.reason,
            created_at: row.created_at,
            created_by: TABLE.actor("created_by", &row.created_by, row.created_by_id)?,
            ended,
            version: row.version,
        })
    }
}
