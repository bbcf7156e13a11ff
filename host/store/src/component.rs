//! Components: the bytes of policies, stored once, readable by the organizations they were granted
//! to.
//!
//! A grant reaches down the tree: what a provider was granted, its clients may bind.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    ReadTx, StoreError, SystemReadTx, WriteTx,
    conn::{on, on_conn},
    digest,
};

/// What is known about a component without its bytes, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The digest of its bytes: `sha256:…`.
    pub digest: String,
    /// How many bytes.
    pub size: u64,
    /// What it calls itself.
    pub name: String,
    /// Its version, as it says.
    pub version: String,
    /// The contract's version it was built for.
    pub wit_version: String,
    /// What lists show of what it says about itself, as JSON text.
    pub about: String,
    /// When it was brought to the organization or to one above it. Who else has it, and since when,
    /// is nobody's business.
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, sqlx::FromRow)]
struct ComponentRow {
    digest: Vec<u8>,
    size: i64,
    name: String,
    version: String,
    wit_version: String,
    about: String,
    created_at: DateTime<Utc>,
}

macro_rules! component_columns {
    () => {
        "c.digest, c.size, c.name, c.version, c.wit_version, c.about, (
            select min(g.granted_at) from component_grants g
            join organization_lines l on l.ancestor_id = g.org_id
            where l.org_id = $1 and g.digest = c.digest
        ) as created_at"
    };
}

/// Granted to the organization or to one above it.
macro_rules! visible {
    () => {
        "c.digest in (
            select g.digest from component_grants g
            join organization_lines l on l.ancestor_id = g.org_id
            where l.org_id = $1
        )"
    };
}

/// Stores a component, with all that it says about itself as JSON text. Bringing the same bytes
/// again changes nothing.
pub async fn insert(
    tx: &mut WriteTx,
    component: &Component,
    description: &str,
    bytes: &[u8],
) -> Result<(), StoreError> {
    // Without naming the key: on PostgreSQL that would demand that the caller may read what is
    // there already.
    const INSERT: &str = "
        insert into components (
            digest, bytes, size, name, version, wit_version, about, description, created_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict do nothing";
    let digest = digest::to_bytes("digest", &component.digest)?;
    let size = crate::column::number("size", component.size)?;
    crate::conn::on_conn!(&mut tx.conn, |conn| {
        sqlx::query(INSERT)
            .bind(digest)
            .bind(bytes)
            .bind(size)
            .bind(&component.name)
            .bind(&component.version)
            .bind(&component.wit_version)
            .bind(&component.about)
            .bind(description)
            .bind(component.created_at)
            .execute(conn)
            .await?;
    });
    Ok(())
}

/// Lets the transaction's organization, and those below it, bind a component.
pub async fn grant(
    tx: &mut WriteTx,
    component: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const GRANT: &str = "
        insert into component_grants (org_id, digest, granted_at) values ($1, $2, $3)
        on conflict do nothing";
    let digest = digest::to_bytes("digest", component)?;
    on!(tx, |conn, org| {
        sqlx::query(GRANT).bind(org).bind(digest).bind(now).execute(conn).await?;
    });
    Ok(())
}

/// Reads what is known about a component, if the organization may bind it.
pub async fn find(tx: &mut ReadTx, component: &str) -> Result<Option<Component>, StoreError> {
    const FIND: &str = concat!(
        "select ",
        component_columns!(),
        " from components c where c.digest = $2 and ",
        visible!()
    );
    let Ok(digest) = digest::to_bytes("digest", component) else { return Ok(None) };
    let row: Option<ComponentRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(digest).fetch_optional(conn).await?
    });
    row.map(Component::try_from).transpose()
}

/// Lists the components that the organization may bind, by name, the latest first.
pub async fn list(tx: &mut ReadTx) -> Result<Vec<Component>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        component_columns!(),
        " from components c where ",
        visible!(),
        " order by c.name, created_at desc, c.digest"
    );
    let rows: Vec<ComponentRow> =
        on!(tx, |conn, org| sqlx::query_as(LIST).bind(org).fetch_all(conn).await?);
    rows.into_iter().map(Component::try_from).collect()
}

/// Reads all that a component says about itself, as JSON text, if the organization may bind it.
pub async fn description(tx: &mut ReadTx, component: &str) -> Result<Option<String>, StoreError> {
    const DESCRIPTION: &str =
        concat!("select c.description from components c where c.digest = $2 and ", visible!());
    let Ok(digest) = digest::to_bytes("digest", component) else { return Ok(None) };
    Ok(on!(tx, |conn, org| {
        sqlx::query_scalar(DESCRIPTION).bind(org).bind(digest).fetch_optional(conn).await?
    }))
}

/// Reads the bytes of a component, if the organization may bind it.
pub async fn bytes(tx: &mut ReadTx, component: &str) -> Result<Option<Vec<u8>>, StoreError> {
    const BYTES: &str =
        concat!("select c.bytes from components c where c.digest = $2 and ", visible!());
    let Ok(digest) = digest::to_bytes("digest", component) else { return Ok(None) };
    Ok(on!(tx, |conn, org| {
        sqlx::query_scalar(BYTES).bind(org).bind(digest).fetch_optional(conn).await?
    }))
}

/// Reads the bytes of a component, whoever may bind it: for preparing what is bound already.
pub async fn any_bytes(
    tx: &mut SystemReadTx,
    component: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    const BYTES: &str = "select bytes from components where digest = $1";
    let Ok(digest) = digest::to_bytes("digest", component) else { return Ok(None) };
    Ok(on_conn!(&mut tx.conn, |conn| {
        sqlx::query_scalar(BYTES).bind(digest).fetch_optional(conn).await?
    }))
}

/// Lists the organizations that were granted a component.
pub async fn granted_to(
    tx: &mut SystemReadTx,
    component: &str,
) -> Result<Vec<waypost_domain::ids::OrgId>, StoreError> {
    const GRANTED: &str = "select org_id from component_grants where digest = $1 order by org_id";
    let Ok(digest) = digest::to_bytes("digest", component) else { return Ok(Vec::new()) };
    let ids: Vec<Uuid> = on_conn!(&mut tx.conn, |conn| {
        sqlx::query_scalar(GRANTED).bind(digest).fetch_all(conn).await?
    });
    Ok(ids.into_iter().map(waypost_domain::ids::OrgId).collect())
}

impl TryFrom<ComponentRow> for Component {
    type Error = StoreError;

    fn try_from(row: ComponentRow) -> Result<Self, StoreError> {
        Ok(Self {
            digest: digest::to_text(&row.digest),
            size: crate::column::Table("components").fit("size", row.size)?,
            name: row.name,
            version: row.version,
            wit_version: row.wit_version,
            about: row.about,
            created_at: row.created_at,
        })
    }
}
