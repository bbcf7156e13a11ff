//! Components: the bytes of policies, stored once, readable by the organizations they were granted
//! to.
//!
//! A grant reaches down the tree: what a provider was granted, its clients may bind.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::{
    ReadTx, StoreError, SystemReadTx, SystemTx, WriteTx,
    column::{Table, number},
    conn::{Conn, on, on_conn},
    digest,
};

const TABLE: Table = Table("components");

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
    /// Whether the organization itself was granted it, and not only one above it.
    pub is_own: bool,
}

/// What a component calls itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentName {
    /// What it calls itself.
    pub name: String,
    /// Its version, as it says.
    pub version: String,
}

/// What an organization's components, or its revisions, take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many there are.
    pub count: u64,
    /// How many bytes they have.
    pub bytes: u64,
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
    is_own: i64,
}

/// Selects from what was granted to the organization or to one above it. It goes from the grants to
/// the components, so that one of somebody else's costs as much as one that is not there.
macro_rules! from_granted {
    ($columns:literal) => {
        concat!(
            "select ",
            $columns,
            " from organization_lines l cross join component_grants g cross join components c
            where l.org_id = $1 and g.org_id = l.ancestor_id and c.digest = g.digest"
        )
    };
}

macro_rules! granted_components {
    ($condition:literal) => {
        concat!(
            from_granted!(
                "c.digest, c.size, c.name, c.version, c.wit_version, c.about, min(g.granted_at) as created_at,
                cast(max(case when g.org_id = $1 then 1 else 0 end) as bigint) as is_own"
            ),
            $condition,
            " group by c.digest, c.size, c.name, c.version, c.wit_version, c.about"
        )
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
            digest, size, name, version, wit_version, about, description, created_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict do nothing";
    const INSERT_BYTES: &str =
        "insert into component_bytes (digest, bytes) values ($1, $2) on conflict do nothing";
    let digest = digest::to_bytes("digest", &component.digest)?;
    let size = number("size", component.size)?;
    lock(&mut tx.conn, &digest).await?;
    on_conn!(&mut tx.conn, |conn| {
        sqlx::query(INSERT)
            .bind(&digest)
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
    on_conn!(&mut tx.conn, |conn| {
        sqlx::query(INSERT_BYTES).bind(digest).bind(bytes).execute(conn).await?;
    });
    Ok(())
}

/// Lets the transaction's organization, and those below it, bind a component. Says whether it could
/// not before, or only because one above it has it.
pub async fn grant(
    tx: &mut WriteTx,
    component: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    const GRANT: &str = "
        insert into component_grants (org_id, digest, granted_at) values ($1, $2, $3)
        on conflict do nothing";
    let digest = digest::to_bytes("digest", component)?;
    lock(&mut tx.conn, &digest).await?;
    let granted = on!(tx, |conn, org| {
        sqlx::query(GRANT).bind(org).bind(digest).bind(now).execute(conn).await?.rows_affected()
    });
    Ok(granted > 0)
}

/// Takes a component from the transaction's organization; none below it can bind it any more,
/// unless it was granted there too. Says whether the organization had it.
pub async fn withdraw(tx: &mut WriteTx, component: &str) -> Result<bool, StoreError> {
    const WITHDRAW: &str = "delete from component_grants where org_id = $1 and digest = $2";
    let Ok(digest) = digest::to_bytes("digest", component) else { return Ok(false) };
    let withdrawn = on!(tx, |conn, org| {
        sqlx::query(WITHDRAW).bind(org).bind(digest).execute(conn).await?.rows_affected()
    });
    Ok(withdrawn > 0)
}

/// Counts the components that the organization was granted itself.
pub async fn usage(tx: &mut ReadTx) -> Result<Usage, StoreError> {
    const USAGE: &str = "
        select count(*), cast(coalesce(sum(c.size), 0) as bigint)
        from component_grants g join components c on c.digest = g.digest
        where g.org_id = $1";
    let row: (i64, i64) =
        on!(tx, |conn, org| sqlx::query_as(USAGE).bind(org).fetch_one(conn).await?);
    usage_of(row)
}

/// Has other transactions wait that change what the organization has of policies, until this one
/// ends: what one of them looks at, no other changes meanwhile. On SQLite there is one writer
/// anyway.
pub async fn in_turn(tx: &mut WriteTx) -> Result<(), StoreError> {
    let org = tx.org.0;
    lock(&mut tx.conn, org.as_bytes()).await
}

/// Has other transactions wait that lock the same, until this one ends.
async fn lock(conn: &mut Conn, what: &[u8]) -> Result<(), StoreError> {
    const LOCK: &str = "select pg_advisory_xact_lock($1)";
    if let Conn::Postgres(on) = conn {
        // Two that share the first bytes wait for each other, which harms nobody.
        let number = what.first_chunk().copied().map_or(0, i64::from_be_bytes);
        sqlx::query(LOCK).bind(number).execute(on.ask()?).await?;
    }
    Ok(())
}

pub(crate) fn usage_of((count, bytes): (i64, i64)) -> Result<Usage, StoreError> {
    Ok(Usage { count: TABLE.fit("count", count)?, bytes: TABLE.fit("size", bytes)? })
}

/// Whether [`purge`] finds anything to remove.
pub async fn has_unwanted(tx: &mut SystemReadTx) -> Result<bool, StoreError> {
    let found: Vec<Vec<u8>> = on_conn!(&mut tx.conn, |conn| {
        sqlx::query_scalar(UNWANTED).bind(1_i64).fetch_all(conn).await?
    });
    Ok(!found.is_empty())
}

/// The components without a grant of which there is something to remove. Always in the same order,
/// so that two processes do not wait for each other in a circle.
const UNWANTED: &str = "
    select digest from components c
    where not exists (select 1 from component_grants g where g.digest = c.digest)
        and (exists (select 1 from component_bytes b where b.digest = c.digest)
            or not exists (select 1 from binding_revisions r where r.component = c.digest))
    order by digest limit $1";

/// Removes the bytes of components that no organization has any more, and the components that no
/// revision names either. At most `limit` of each; says how many it removed.
///
/// Who brings or is granted one meanwhile waits for the transaction, or this waits for theirs.
pub async fn purge(tx: &mut SystemTx, limit: u32) -> Result<u64, StoreError> {
    const REMOVE_BYTES: &str = "
        delete from component_bytes where digest = $1
            and not exists (select 1 from component_grants g where g.digest = $1)";
    const REMOVE: &str = "
        delete from components where digest = $1
            and not exists (select 1 from component_grants g where g.digest = $1)
            and not exists (select 1 from binding_revisions r where r.component = $1)";
    let candidates: Vec<Vec<u8>> = on_conn!(&mut tx.conn, |conn| {
        sqlx::query_scalar(UNWANTED).bind(i64::from(limit)).fetch_all(conn).await?
    });
    let mut removed = 0;
    for digest in candidates {
        lock(&mut tx.conn, &digest).await?;
        removed += on_conn!(&mut tx.conn, |conn| {
            sqlx::query(REMOVE_BYTES).bind(&digest).execute(conn).await?.rows_affected()
        });
        on_conn!(&mut tx.conn, |conn| {
            sqlx::query(REMOVE).bind(&digest).execute(conn).await?;
        });
    }
    Ok(removed)
}

/// Reads what is known about a component, if the organization may bind it.
pub async fn find(tx: &mut ReadTx, component: &str) -> Result<Option<Component>, StoreError> {
    const FIND: &str = granted_components!(" and g.digest = $2");
    let Ok(digest) = digest::to_bytes("digest", component) else { return Ok(None) };
    let row: Option<ComponentRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(digest).fetch_optional(conn).await?
    });
    row.map(Component::try_from).transpose()
}

/// Lists the components that the organization may bind, by name, the latest first.
pub async fn list(tx: &mut ReadTx) -> Result<Vec<Component>, StoreError> {
    const LIST: &str =
        concat!(granted_components!(""), " order by c.name, created_at desc, c.digest");
    let rows: Vec<ComponentRow> =
        on!(tx, |conn, org| sqlx::query_as(LIST).bind(org).fetch_all(conn).await?);
    rows.into_iter().map(Component::try_from).collect()
}

/// The names of the components that the organization may bind, and of those that revisions name
/// which decide or decided for it, by digest.
pub async fn names(tx: &mut ReadTx) -> Result<BTreeMap<String, ComponentName>, StoreError> {
    const NAMES: &str = "
        select digest, name, version from components
        where digest in (
            select g.digest from component_grants g
            join organization_lines l on l.ancestor_id = g.org_id where l.org_id = $1
        ) or digest in (
            select r.component from binding_revisions r
            join organization_lines l on l.ancestor_id = r.org_id where l.org_id = $1
        )";
    let rows: Vec<(Vec<u8>, String, String)> =
        on!(tx, |conn, org| sqlx::query_as(NAMES).bind(org).fetch_all(conn).await?);
    let named = |(digest, name, version): (Vec<u8>, _, _)| {
        (digest::to_text(&digest), ComponentName { name, version })
    };
    Ok(rows.into_iter().map(named).collect())
}

/// Reads all that a component says about itself, as JSON text, if the organization may bind it.
pub async fn description(tx: &mut ReadTx, component: &str) -> Result<Option<String>, StoreError> {
    const DESCRIPTION: &str = concat!(from_granted!("c.description"), " and g.digest = $2 limit 1");
    let Ok(digest) = digest::to_bytes("digest", component) else { return Ok(None) };
    Ok(on!(tx, |conn, org| {
        sqlx::query_scalar(DESCRIPTION).bind(org).bind(digest).fetch_optional(conn).await?
    }))
}

/// Reads the bytes of a component, if the organization may bind it.
pub async fn bytes(tx: &mut ReadTx, component: &str) -> Result<Option<Vec<u8>>, StoreError> {
    const BYTES: &str = "
        select bytes from component_bytes where digest = $2 and digest in (
            select g.digest from component_grants g
            join organization_lines l on l.ancestor_id = g.org_id where l.org_id = $1
        )";
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
    const BYTES: &str = "select bytes from component_bytes where digest = $1";
    let Ok(digest) = digest::to_bytes("digest", component) else { return Ok(None) };
    Ok(on_conn!(&mut tx.conn, |conn| {
        sqlx::query_scalar(BYTES).bind(digest).fetch_optional(conn).await?
    }))
}

impl TryFrom<ComponentRow> for Component {
    type Error = StoreError;

    fn try_from(row: ComponentRow) -> Result<Self, StoreError> {
        Ok(Self {
            digest: digest::to_text(&row.digest),
            size: TABLE.fit("size", row.size)?,
            name: row.name,
            version: row.version,
            wit_version: row.wit_version,
            about: row.about,
            created_at: row.created_at,
            is_own: row.is_own != 0,
        })
    }
}
