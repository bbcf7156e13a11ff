//! Organizations and the tree they form.
//!
//! An organization reads itself, those above it and those below it. Creating one, and looking one
//! up by its key, is about the whole installation, so it takes a system transaction.

mod major_rules;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;
use waypost_domain::{
    ids::{OrgId, PersonId, TeamId},
    organization::{OrgSettings, Organization},
    priority::{Level, Matrix},
    team::Team,
};

use crate::{
    ReadTx, StoreError, SystemReadTx, SystemTx, WriteTx,
    column::Table,
    conn::{Conn, on, on_conn},
    team::{self, HoursJson},
    unique::{UniqueKey, explain},
};

use self::major_rules::MajorRuleJson;

const TABLE: Table = Table("organizations");

const KEYS: [UniqueKey; 2] = [
    UniqueKey { what: "key", postgres: "organizations_key_key", sqlite: "organizations.key" },
    UniqueKey {
        what: "platform",
        postgres: "organizations_platform",
        sqlite: "organizations.kind",
    },
];

#[derive(Debug, sqlx::FromRow)]
struct OrgRow {
    id: Uuid,
    parent_id: Option<Uuid>,
    kind: String,
    key: String,
    name: String,
    settings: Json<SettingsJson>,
    created_at: DateTime<Utc>,
    version: i64,
}

macro_rules! org_columns {
    () => {
        "o.id, o.parent_id, o.kind, o.key, o.name, o.settings, o.created_at, o.version"
    };
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct SettingsJson {
    zone: String,
    working_hours: HoursJson,
    matrix: Vec<Vec<u8>>,
    fallback_team: Uuid,
    fallback_approver: Option<Uuid>,
    reopen_window_days: u16,
    auto_close_days: u16,
    caller_reply_reopens: bool,
    receipt_retention_days: u16,
    resolve_demands: Vec<String>,
    /// Not in the settings of organizations that were written before there were such links.
    #[serde(default = "yes")]
    votes_by_mail: bool,
    /// Not in the settings of organizations that were written before there were rules.
    #[serde(default)]
    major_rules: Vec<MajorRuleJson>,
}

const fn yes() -> bool {
    true
}

/// Creates an organization with the team that owns what no policy routes.
///
/// A key that another organization has is `Taken("key")`; a second platform is `Taken("platform")`.
pub async fn create(
    tx: &mut SystemTx,
    organization: &Organization,
    fallback_team: &Team,
) -> Result<(), StoreError> {
    if fallback_team.org != organization.id
        || fallback_team.id != organization.settings.fallback_team
    {
        return Err(StoreError::WrongOrganization);
    }
    insert(tx, organization).await?;
    team::insert_first(&mut tx.conn, fallback_team).await
}

async fn insert(tx: &mut SystemTx, organization: &Organization) -> Result<(), StoreError> {
    const INSERT: &str = "
        insert into organizations (id, parent_id, kind, key, name, settings, created_at, version)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    const LINES: &str = "
        insert into organization_lines (org_id, ancestor_id, depth)
        select $1, ancestor_id, depth + 1 from organization_lines where org_id = $2";
    const SELF: &str =
        "insert into organization_lines (org_id, ancestor_id, depth) values ($1, $1, 0)";
    let row = OrgRow::from(organization);
    on_conn!(&mut tx.conn, |conn| {
        sqlx::query(INSERT)
            .bind(row.id)
            .bind(row.parent_id)
            .bind(row.kind)
            .bind(row.key)
            .bind(row.name)
            .bind(row.settings)
            .bind(row.created_at)
            .bind(row.version)
            .execute(conn)
            .await
            .map_err(|error| explain(error, &KEYS))?;
    });
    if let Some(parent) = row.parent_id {
        on_conn!(&mut tx.conn, |conn| {
            sqlx::query(LINES).bind(row.id).bind(parent).execute(conn).await?;
        });
    }
    on_conn!(&mut tx.conn, |conn| {
        sqlx::query(SELF).bind(row.id).execute(conn).await?;
    });
    Ok(())
}

/// Writes the transaction's organization back, provided nobody else has since it was read.
///
/// Its key, kind and place in the tree never change.
pub async fn update(tx: &mut WriteTx, organization: &mut Organization) -> Result<(), StoreError> {
    const UPDATE: &str = "
        update organizations set name = $2, settings = $3, version = version + 1
        where id = $1 and version = $4";
    if organization.id != tx.org {
        return Err(StoreError::WrongOrganization);
    }
    let row = OrgRow::from(&*organization);
    let updated = on!(tx, |conn, org| {
        sqlx::query(UPDATE)
            .bind(org)
            .bind(row.name)
            .bind(row.settings)
            .bind(row.version)
            .execute(conn)
            .await?
            .rows_affected()
    });
    if updated == 0 {
        return Err(StoreError::Stale);
    }
    organization.version += 1;
    Ok(())
}

/// Reads the transaction's organization.
pub async fn load(tx: &mut ReadTx) -> Result<Organization, StoreError> {
    let mut lineage = lineage(tx).await?;
    lineage.pop().ok_or_else(|| TABLE.corrupt("id"))
}

/// Reads the transaction's organization and all above it, the platform first.
pub async fn lineage(tx: &mut ReadTx) -> Result<Vec<Organization>, StoreError> {
    const LINEAGE: &str = concat!(
        "select ",
        org_columns!(),
        " from organization_lines l join organizations o on o.id = l.ancestor_id
          where l.org_id = $1 order by l.depth desc"
    );
    let rows: Vec<OrgRow> =
        on!(tx, |conn, org| sqlx::query_as(LINEAGE).bind(org).fetch_all(conn).await?);
    rows.into_iter().map(Organization::try_from).collect()
}

/// Lists the organizations directly below the transaction's, by key.
pub async fn children(tx: &mut ReadTx) -> Result<Vec<Organization>, StoreError> {
    const CHILDREN: &str = concat!(
        "select ",
        org_columns!(),
        " from organizations o where o.parent_id = $1 order by o.key"
    );
    let rows: Vec<OrgRow> =
        on!(tx, |conn, org| sqlx::query_as(CHILDREN).bind(org).fetch_all(conn).await?);
    rows.into_iter().map(Organization::try_from).collect()
}

/// Reads the organization with this key if it is the transaction's or somewhere below it. One that
/// is elsewhere costs what one costs that is nowhere, so the time of an answer tells nothing.
pub async fn find_below(tx: &mut ReadTx, key: &str) -> Result<Option<Organization>, StoreError> {
    const FIND: &str = concat!(
        "select ",
        org_columns!(),
        " from organization_lines l join organizations o on o.id = l.org_id
          where l.ancestor_id = $1 and o.key = $2"
    );
    let row: Option<OrgRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(key).fetch_optional(conn).await?
    });
    row.map(Organization::try_from).transpose()
}

/// What people and addresses call an organization.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Called {
    /// Its key.
    pub key: String,
    /// Its name.
    pub name: String,
}

/// Lists the transaction's organization and those below it, at most so many: its own first, each
/// level by key.
pub async fn at_or_below(tx: &mut ReadTx, most: u32) -> Result<Vec<Called>, StoreError> {
    const LIST: &str = "
        select o.key, o.name from organization_lines l join organizations o on o.id = l.org_id
        where l.ancestor_id = $1 order by l.depth, o.key limit $2";
    let found: Vec<Called> = on!(tx, |conn, org| {
        sqlx::query_as(LIST).bind(org).bind(i64::from(most)).fetch_all(conn).await?
    });
    Ok(found)
}

/// Reads any organization.
pub async fn find(tx: &mut SystemReadTx, id: OrgId) -> Result<Option<Organization>, StoreError> {
    const FIND: &str = concat!("select ", org_columns!(), " from organizations o where o.id = $1");
    let row: Option<OrgRow> =
        on_conn!(&mut tx.conn, |conn| sqlx::query_as(FIND).bind(id.0).fetch_optional(conn).await?);
    row.map(Organization::try_from).transpose()
}

/// Reads the organization with this key.
pub async fn find_by_key(
    tx: &mut SystemReadTx,
    key: &str,
) -> Result<Option<Organization>, StoreError> {
    const FIND: &str = concat!("select ", org_columns!(), " from organizations o where o.key = $1");
    let row: Option<OrgRow> =
        on_conn!(&mut tx.conn, |conn| sqlx::query_as(FIND).bind(key).fetch_optional(conn).await?);
    row.map(Organization::try_from).transpose()
}

/// Lists every organization, each after the one above it.
pub async fn list(tx: &mut SystemReadTx) -> Result<Vec<Organization>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        org_columns!(),
        " from organizations o
          order by (select max(l.depth) from organization_lines l where l.org_id = o.id), o.key"
    );
    let rows: Vec<OrgRow> = match &mut tx.conn {
        Conn::Sqlite(on) => sqlx::query_as(LIST).fetch_all(on.ask()?).await?,
        Conn::Postgres(on) => sqlx::query_as(LIST).fetch_all(on.ask()?).await?,
    };
    rows.into_iter().map(Organization::try_from).collect()
}

impl From<&Organization> for OrgRow {
    fn from(organization: &Organization) -> Self {
        Self {
            id: organization.id.0,
            parent_id: organization.parent.map(|parent| parent.0),
            kind: organization.kind.as_str().to_owned(),
            key: organization.key.to_string(),
            name: organization.name.clone(),
            settings: Json(SettingsJson::from(&organization.settings)),
            created_at: organization.created_at,
            version: organization.version,
        }
    }
}

impl TryFrom<OrgRow> for Organization {
    type Error = StoreError;

    fn try_from(row: OrgRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: OrgId(row.id),
            parent: row.parent_id.map(OrgId),
            kind: TABLE.parse("kind", &row.kind)?,
            key: TABLE.parse("key", &row.key)?,
            name: row.name,
            settings: row.settings.0.try_into()?,
            created_at: row.created_at,
            version: row.version,
        })
    }
}

impl From<&OrgSettings> for SettingsJson {
    fn from(settings: &OrgSettings) -> Self {
        Self {
            zone: settings.zone.name().to_owned(),
            working_hours: team::hours_to_json(&settings.working_hours),
            matrix: settings
                .matrix
                .rows()
                .iter()
                .map(|row| row.iter().map(|level| level.0).collect())
                .collect(),
            fallback_team: settings.fallback_team.0,
            fallback_approver: settings.fallback_approver.map(|person| person.0),
            reopen_window_days: settings.reopen_window_days,
            auto_close_days: settings.auto_close_days,
            caller_reply_reopens: settings.caller_reply_reopens,
            votes_by_mail: settings.votes_by_mail,
            receipt_retention_days: settings.receipt_retention_days,
            resolve_demands: settings
                .resolve_demands
                .iter()
                .map(|demand| demand.as_str().to_owned())
                .collect(),
            major_rules: major_rules::to_json(&settings.major_rules),
        }
    }
}

impl TryFrom<SettingsJson> for OrgSettings {
    type Error = StoreError;

    fn try_from(json: SettingsJson) -> Result<Self, StoreError> {
        let corrupt = || TABLE.corrupt("settings");
        let rows = json
            .matrix
            .into_iter()
            .map(|row| row.into_iter().map(Level).collect())
            .collect::<Vec<Vec<Level>>>();
        let demands = json.resolve_demands.iter().map(|demand| TABLE.parse("settings", demand));
        Ok(Self {
            zone: TABLE.parse("settings", &json.zone)?,
            working_hours: team::hours_from_json(&json.working_hours).ok_or_else(corrupt)?,
            matrix: Matrix::new(rows).map_err(|_| corrupt())?,
            fallback_team: TeamId(json.fallback_team),
            fallback_approver: json.fallback_approver.map(PersonId),
            reopen_window_days: json.reopen_window_days,
            auto_close_days: json.auto_close_days,
            caller_reply_reopens: json.caller_reply_reopens,
            votes_by_mail: json.votes_by_mail,
            receipt_retention_days: json.receipt_retention_days,
            resolve_demands: demands.collect::<Result<_, _>>()?,
            major_rules: major_rules::from_json(json.major_rules)?,
        })
    }
}
