//! Configuration items. An organization can have a hundred thousand, so they are looked up one by
//! one.

use uuid::Uuid;
use waypost_domain::{
    ci::Ci,
    ids::{CiId, OrgId, ServiceId, TeamId},
};

use crate::{
    ReadTx, StoreError, WriteTx,
    column::Table,
    conn::on,
    fields,
    row::{insert_all, row, update_guarded},
    unique::UniqueKey,
};

const TABLE: Table = Table("cis");

const KEYS: [UniqueKey; 1] =
    [UniqueKey { what: "key", postgres: "cis_key_key", sqlite: "cis.org_id, cis.key" }];

row! {
    struct CiRow in "cis", columns ci_columns {
        id: Uuid,
        org_id: Uuid,
        key: String,
        name: String,
        class: String,
        criticality: String,
        service_id: Option<Uuid>,
        support_team_id: Option<Uuid>,
        fields: String,
        active: bool,
        version: i64,
    }
}

/// Adds a CI. A key that another CI of the organization has is `Taken("key")`.
pub async fn insert(tx: &mut WriteTx, ci: &Ci) -> Result<(), StoreError> {
    insert_many(tx, std::slice::from_ref(ci)).await
}

/// Adds many CIs at once.
pub async fn insert_many(tx: &mut WriteTx, cis: &[Ci]) -> Result<(), StoreError> {
    insert_all(tx, cis.iter().map(CiRow::from).collect(), &KEYS).await?;
    Ok(())
}

/// Writes a CI back, provided nobody else has since it was read.
pub async fn update(tx: &mut WriteTx, ci: &mut Ci) -> Result<(), StoreError> {
    let mut row = CiRow::from(&*ci);
    row.version += 1;
    update_guarded(tx, row, ci.id.0, ci.version, &KEYS).await?;
    ci.version += 1;
    Ok(())
}

/// Reads one CI.
pub async fn find(tx: &mut ReadTx, id: CiId) -> Result<Option<Ci>, StoreError> {
    const FIND: &str = concat!("select ", ci_columns!(), " from cis where org_id = $1 and id = $2");
    let row: Option<CiRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(id.0).fetch_optional(conn).await?
    });
    row.map(Ci::try_from).transpose()
}

/// Reads the CI with this key.
pub async fn find_by_key(tx: &mut ReadTx, key: &str) -> Result<Option<Ci>, StoreError> {
    const FIND: &str =
        concat!("select ", ci_columns!(), " from cis where org_id = $1 and key = $2");
    let row: Option<CiRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(key).fetch_optional(conn).await?
    });
    row.map(Ci::try_from).transpose()
}

/// Lists CIs by key, starting after one.
pub async fn list(
    tx: &mut ReadTx,
    after_key: Option<&str>,
    limit: u32,
) -> Result<Vec<Ci>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        ci_columns!(),
        " from cis where org_id = $1 and key > $2 order by key limit $3"
    );
    let after = after_key.unwrap_or("");
    let rows: Vec<CiRow> = on!(tx, |conn, org| {
        sqlx::query_as(LIST).bind(org).bind(after).bind(i64::from(limit)).fetch_all(conn).await?
    });
    rows.into_iter().map(Ci::try_from).collect()
}

impl From<&Ci> for CiRow {
    fn from(ci: &Ci) -> Self {
        Self {
            id: ci.id.0,
            org_id: ci.org.0,
            key: ci.key.to_string(),
            name: ci.name.clone(),
            class: ci.class.to_string(),
            criticality: ci.criticality.as_str().to_owned(),
            service_id: ci.service.map(|service| service.0),
            support_team_id: ci.support_team.map(|team| team.0),
            fields: fields::to_json(&ci.fields),
            active: ci.active,
            version: ci.version,
        }
    }
}

impl TryFrom<CiRow> for Ci {
    type Error = StoreError;

    fn try_from(row: CiRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: CiId(row.id),
            org: OrgId(row.org_id),
            key: TABLE.parse("key", &row.key)?,
            name: row.name,
            class: TABLE.parse("class", &row.class)?,
            criticality: TABLE.parse("criticality", &row.criticality)?,
            service: row.service_id.map(ServiceId),
            support_team: row.support_team_id.map(TeamId),
            fields: fields::from_json(TABLE.0, &row.fields)?,
            active: row.active,
            version: row.version,
        })
    }
}
