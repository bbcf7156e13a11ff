//! Services of the catalog.

use uuid::Uuid;
use waypost_domain::{
    ids::{OrgId, PersonId, ServiceId, TeamId},
    service::Service,
};

use crate::{
    ReadTx, StoreError, WriteTx,
    column::Table,
    conn::on,
    fields,
    row::{insert_all, row, update_guarded},
    unique::UniqueKey,
};

const TABLE: Table = Table("services");

const KEYS: [UniqueKey; 1] = [UniqueKey {
    what: "key",
    postgres: "services_key_key",
    sqlite: "services.org_id, services.key",
}];

row! {
    struct ServiceRow in "services", columns service_columns {
        id: Uuid,
        org_id: Uuid,
        key: String,
        name: String,
        criticality: String,
        owner_id: Option<Uuid>,
        support_team_id: Option<Uuid>,
        fields: String,
        active: bool,
        version: i64,
    }
}

/// Adds a service. A key that another service of the organization has is `Taken("key")`.
pub async fn insert(tx: &mut WriteTx, service: &Service) -> Result<(), StoreError> {
    insert_many(tx, std::slice::from_ref(service)).await
}

/// Adds many services at once.
pub async fn insert_many(tx: &mut WriteTx, services: &[Service]) -> Result<(), StoreError> {
    insert_all(tx, services.iter().map(ServiceRow::from).collect(), &KEYS).await?;
    Ok(())
}

/// Writes a service back, provided nobody else has since it was read.
pub async fn update(tx: &mut WriteTx, service: &mut Service) -> Result<(), StoreError> {
    let mut row = ServiceRow::from(&*service);
    row.version += 1;
    update_guarded(tx, row, service.id.0, service.version, &KEYS).await?;
    service.version += 1;
    Ok(())
}

/// Reads one service.
pub async fn find(tx: &mut ReadTx, id: ServiceId) -> Result<Option<Service>, StoreError> {
    const FIND: &str =
        concat!("select ", service_columns!(), " from services where org_id = $1 and id = $2");
    let row: Option<ServiceRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(id.0).fetch_optional(conn).await?
    });
    row.map(Service::try_from).transpose()
}

/// Reads the service with this key.
pub async fn find_by_key(tx: &mut ReadTx, key: &str) -> Result<Option<Service>, StoreError> {
    const FIND: &str =
        concat!("select ", service_columns!(), " from services where org_id = $1 and key = $2");
    let row: Option<ServiceRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(key).fetch_optional(conn).await?
    });
    row.map(Service::try_from).transpose()
}

/// Lists all services by key, inactive ones too.
pub async fn list(tx: &mut ReadTx) -> Result<Vec<Service>, StoreError> {
    const LIST: &str =
        concat!("select ", service_columns!(), " from services where org_id = $1 order by key");
    let rows: Vec<ServiceRow> =
        on!(tx, |conn, org| sqlx::query_as(LIST).bind(org).fetch_all(conn).await?);
    rows.into_iter().map(Service::try_from).collect()
}

impl From<&Service> for ServiceRow {
    fn from(service: &Service) -> Self {
        Self {
            id: service.id.0,
            org_id: service.org.0,
            key: service.key.to_string(),
            name: service.name.clone(),
            criticality: service.criticality.as_str().to_owned(),
            owner_id: service.owner.map(|owner| owner.0),
            support_team_id: service.support_team.map(|team| team.0),
            fields: fields::to_json(&service.fields),
            active: service.active,
            version: service.version,
        }
    }
}

impl TryFrom<ServiceRow> for Service {
    type Error = StoreError;

    fn try_from(row: ServiceRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: ServiceId(row.id),
            org: OrgId(row.org_id),
            key: TABLE.parse("key", &row.key)?,
            name: row.name,
            criticality: TABLE.parse("criticality", &row.criticality)?,
            owner: row.owner_id.map(PersonId),
            support_team: row.support_team_id.map(TeamId),
            fields: fields::from_json(TABLE.0, &row.fields)?,
            active: row.active,
            version: row.version,
        })
    }
}
