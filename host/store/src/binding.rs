//! Bindings and their revisions: which policies an organization asks, in which order.

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use sqlx::types::Json;
use uuid::Uuid;
use waypost_domain::{
    binding::{Binding, Fallback, Hooks, LimitChanges, Revision},
    ids::{BindingId, OrgId, PersonId, TeamId},
};

use crate::{
    ReadTx, StoreError, SystemReadTx, WriteTx,
    column::{Table, number},
    component::{Usage, usage_of},
    conn::{on, on_conn},
    digest,
    row::{insert_all, insert_new, row},
    unique::UniqueKey,
};

const TABLE: Table = Table("bindings");
const REVISIONS: Table = Table("binding_revisions");

const KEYS: [UniqueKey; 1] = [UniqueKey {
    what: "name",
    postgres: "bindings_name_key",
    sqlite: "bindings.org_id, bindings.name",
}];

const PLACE_KEYS: [UniqueKey; 1] = [UniqueKey {
    what: "position",
    postgres: "binding_places_key",
    sqlite: "binding_places.org_id, binding_places.hook, binding_places.position",
}];

const REVISION_KEYS: [UniqueKey; 1] = [UniqueKey {
    what: "revision",
    postgres: "binding_revisions_key",
    sqlite: "binding_revisions.org_id, binding_revisions.binding_id, binding_revisions.number",
}];

row! {
    struct BindingRow in "bindings", columns binding_columns {
        id: Uuid,
        org_id: Uuid,
        name: String,
        enabled: bool,
        active_revision: i64,
        created_at: DateTime<Utc>,
        version: i64,
    }
}

row! {
    struct PlaceRow in "binding_places", columns place_columns {
        org_id: Uuid,
        hook: String,
        position: i64,
        binding_id: Uuid,
    }
}

row! {
    struct RevisionRow in "binding_revisions", columns revision_columns {
        org_id: Uuid,
        binding_id: Uuid,
        number: i64,
        hooks: Json<Vec<String>>,
        position: i64,
        component: Vec<u8>,
        settings: String,
        settings_digest: Vec<u8>,
        data_digest: Vec<u8>,
        limit_fuel: Option<i64>,
        limit_deadline_ms: Option<i64>,
        limit_memory_bytes: Option<i64>,
        fallback: String,
        fallback_team_id: Option<Uuid>,
        locked: bool,
        replaces_above: bool,
        note: Option<String>,
        created_at: DateTime<Utc>,
        created_by_id: Option<Uuid>,
    }
}

row! {
    struct DataRow in "binding_data", columns data_columns {
        org_id: Uuid,
        binding_id: Uuid,
        revision: i64,
        place: i64,
        name: String,
        digest: Vec<u8>,
    }
}

row! {
    struct FileRow in "data_files", columns file_columns {
        org_id: Uuid,
        digest: Vec<u8>,
        content: Vec<u8>,
    }
}

/// The columns of a revision that is joined as `r`.
macro_rules! active_columns {
    () => {
        "r.org_id, r.binding_id, r.number, r.hooks, r.position, r.component, r.settings, r.settings_digest,
        r.data_digest, r.limit_fuel, r.limit_deadline_ms, r.limit_memory_bytes, r.fallback, r.fallback_team_id, r.locked,
        r.replaces_above, r.note, r.created_at, r.created_by_id"
    };
}

/// Selects a binding that is joined as `b` with its active revision, which is joined as `r`.
macro_rules! both_columns {
    () => {
        concat!(
            "select b.id, b.name, b.enabled, b.active_revision, b.created_at as binding_created_at, b.version, ",
            active_columns!()
        )
    };
}

/// A binding with its active revision.
#[derive(sqlx::FromRow)]
struct BothRow {
    id: Uuid,
    name: String,
    enabled: bool,
    active_revision: i64,
    binding_created_at: DateTime<Utc>,
    version: i64,
    #[sqlx(flatten)]
    revision: RevisionRow,
}

/// Adds a binding with its first revision, which becomes the active one.
///
/// A name that another binding of the layer has is `Taken("name")`; a position that another enabled
/// binding has at one of the hooks is `Taken("position")`.
pub async fn insert(
    tx: &mut WriteTx,
    binding: &Binding,
    first: &Revision,
) -> Result<(), StoreError> {
    if first.binding != binding.id || first.number != binding.active_revision {
        return Err(StoreError::Unstorable("revision"));
    }
    let row = BindingRow {
        id: binding.id.0,
        org_id: binding.org.0,
        name: binding.name.to_string(),
        enabled: binding.enabled,
        active_revision: binding.active_revision,
        created_at: binding.created_at,
        version: binding.version,
    };
    insert_all(tx, vec![row], &KEYS).await?;
    insert_revision(tx, first).await?;
    take_places(tx, binding).await
}

/// Adds the next revision of a binding and makes it the active one, provided nobody else has
/// changed the binding.
pub async fn add_revision(
    tx: &mut WriteTx,
    binding: &mut Binding,
    revision: &Revision,
) -> Result<(), StoreError> {
    if revision.binding != binding.id {
        return Err(StoreError::Unstorable("revision"));
    }
    insert_revision(tx, revision).await?;
    activate_revision(tx, binding, revision.number).await
}

/// Makes one of a binding's revisions the active one: rolling back, or forward again.
///
/// `Stale` when somebody else has changed the binding, or there is no such revision.
pub async fn activate_revision(
    tx: &mut WriteTx,
    binding: &mut Binding,
    revision: i64,
) -> Result<(), StoreError> {
    const ACTIVATE: &str = "
        update bindings
        set active_revision = r.number, version = bindings.version + 1
        from binding_revisions r
        where bindings.org_id = $1 and bindings.id = $2 and bindings.version = $3
            and r.org_id = bindings.org_id and r.binding_id = bindings.id and r.number = $4";
    let activated = on!(tx, |conn, org| {
        sqlx::query(ACTIVATE)
            .bind(org)
            .bind(binding.id.0)
            .bind(binding.version)
            .bind(revision)
            .execute(conn)
            .await?
            .rows_affected()
    });
    if activated == 0 {
        return Err(StoreError::Stale);
    }
    let version = binding.version + 1;
    let changed = Binding { active_revision: revision, version, ..binding.clone() };
    take_places(tx, &changed).await?;
    *binding = changed;
    Ok(())
}

/// Enables or disables a binding, provided nobody else has changed it since it was read.
pub async fn set_enabled(
    tx: &mut WriteTx,
    binding: &mut Binding,
    enabled: bool,
) -> Result<(), StoreError> {
    const SET: &str = "
        update bindings set enabled = $4, version = version + 1
        where org_id = $1 and id = $2 and version = $3";
    let updated = on!(tx, |conn, org| {
        sqlx::query(SET)
            .bind(org)
            .bind(binding.id.0)
            .bind(binding.version)
            .bind(enabled)
            .execute(conn)
            .await?
            .rows_affected()
    });
    if updated == 0 {
        return Err(StoreError::Stale);
    }
    let changed = Binding { enabled, version: binding.version + 1, ..binding.clone() };
    take_places(tx, &changed).await?;
    *binding = changed;
    Ok(())
}

/// Reads one of the organization's own bindings.
pub async fn find(tx: &mut ReadTx, id: BindingId) -> Result<Option<Binding>, StoreError> {
    const FIND: &str =
        concat!("select ", binding_columns!(), " from bindings where org_id = $1 and id = $2");
    let row: Option<BindingRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(id.0).fetch_optional(conn).await?
    });
    row.map(Binding::try_from).transpose()
}

/// Reads the organization's own binding with this name.
pub async fn find_by_name(tx: &mut ReadTx, name: &str) -> Result<Option<Binding>, StoreError> {
    const FIND: &str =
        concat!("select ", binding_columns!(), " from bindings where org_id = $1 and name = $2");
    let row: Option<BindingRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(name).fetch_optional(conn).await?
    });
    row.map(Binding::try_from).transpose()
}

/// Lists the organization's own bindings, disabled ones too, each with its active revision, without
/// data files.
///
/// In the order of their positions, in which each hook asks those that serve it.
pub async fn list(tx: &mut ReadTx) -> Result<Vec<(Binding, Revision)>, StoreError> {
    const LIST: &str = concat!(
        both_columns!(),
        " from bindings b
        join binding_revisions r
            on r.org_id = b.org_id and r.binding_id = b.id and r.number = b.active_revision
        where b.org_id = $1
        order by r.position, b.name"
    );
    let rows: Vec<BothRow> =
        on!(tx, |conn, org| sqlx::query_as(LIST).bind(org).fetch_all(conn).await?);
    rows.into_iter().map(BothRow::both).collect()
}

/// Lists a binding's revisions, the first one first, without their data files.
///
/// Also those of the layers above: what decides for an organization is not hidden from it.
pub async fn revisions(tx: &mut ReadTx, binding: BindingId) -> Result<Vec<Revision>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        revision_columns!(),
        " from binding_revisions
          where org_id in (select ancestor_id from organization_lines where org_id = $1)
            and binding_id = $2
          order by number"
    );
    let rows: Vec<RevisionRow> = on!(tx, |conn, org| {
        sqlx::query_as(LIST).bind(org).bind(binding.0).fetch_all(conn).await?
    });
    rows.into_iter().map(Revision::try_from).collect()
}

/// Reads one revision of a binding of the organization or of a layer above it, without its data
/// files.
pub async fn find_revision(
    tx: &mut ReadTx,
    binding: BindingId,
    number: i64,
) -> Result<Option<Revision>, StoreError> {
    const FIND: &str = concat!(
        "select ",
        revision_columns!(),
        " from binding_revisions
          where org_id in (select ancestor_id from organization_lines where org_id = $1)
            and binding_id = $2 and number = $3"
    );
    let row: Option<RevisionRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(binding.0).bind(number).fetch_optional(conn).await?
    });
    row.map(Revision::try_from).transpose()
}

/// Reads the data files of a revision, in their order.
pub async fn revision_data(
    tx: &mut ReadTx,
    binding: BindingId,
    number: i64,
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    const DATA: &str = "
        select d.name, f.content
        from binding_data d join data_files f on f.org_id = d.org_id and f.digest = d.digest
        where d.org_id in (select ancestor_id from organization_lines where org_id = $1)
            and d.binding_id = $2 and d.revision = $3
        order by d.place";
    Ok(on!(tx, |conn, org| {
        sqlx::query_as(DATA).bind(org).bind(binding.0).bind(number).fetch_all(conn).await?
    }))
}

/// Reads the enabled bindings of the organization and of all layers above it, each with its active
/// revision, without data files.
///
/// In the order layer (the platform first), position, name. Which of them are asked at which hook,
/// and when, is the domain's to say.
pub async fn in_force(tx: &mut ReadTx) -> Result<Vec<(Binding, Revision)>, StoreError> {
    const IN_FORCE: &str = concat!(
        both_columns!(),
        " from organization_lines l
        join bindings b on b.org_id = l.ancestor_id
        join binding_revisions r
            on r.org_id = b.org_id and r.binding_id = b.id and r.number = b.active_revision
        where l.org_id = $1 and b.enabled
        order by l.depth desc, r.position, b.name"
    );
    let rows: Vec<BothRow> =
        on!(tx, |conn, org| sqlx::query_as(IN_FORCE).bind(org).fetch_all(conn).await?);
    rows.into_iter().map(BothRow::both).collect()
}

/// Reads the active revisions of the enabled bindings of all organizations, the uppermost layers'
/// first, each with the organization that made it, without data files.
pub async fn all_active(tx: &mut SystemReadTx) -> Result<Vec<(OrgId, Revision)>, StoreError> {
    const ALL_ACTIVE: &str = concat!(
        "select ",
        active_columns!(),
        " from bindings b
        join binding_revisions r
            on r.org_id = b.org_id and r.binding_id = b.id and r.number = b.active_revision
        where b.enabled
        order by (select max(l.depth) from organization_lines l where l.org_id = b.org_id), b.org_id, b.id"
    );
    let rows: Vec<RevisionRow> =
        on_conn!(&mut tx.conn, |conn| sqlx::query_as(ALL_ACTIVE).fetch_all(conn).await?);
    rows.into_iter().map(|row| Ok((OrgId(row.org_id), row.try_into()?))).collect()
}

/// A component that revisions of a binding name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedComponent {
    /// The component.
    pub component: String,
    /// The binding.
    pub binding: BindingId,
    /// Its name.
    pub name: String,
    /// The last of the revisions.
    pub revision: i64,
    /// Whether the binding's active revision is among them.
    pub is_active: bool,
}

/// The components that revisions of the organization's own bindings name.
pub async fn components(tx: &mut ReadTx) -> Result<Vec<NamedComponent>, StoreError> {
    const COMPONENTS: &str = "
        select r.component, b.id, b.name, max(r.number),
            cast(max(case when r.number = b.active_revision then 1 else 0 end) as bigint)
        from binding_revisions r join bindings b on b.org_id = r.org_id and b.id = r.binding_id
        where r.org_id = $1
        group by r.component, b.id, b.name
        order by b.name";
    let rows: Vec<(Vec<u8>, Uuid, String, i64, i64)> =
        on!(tx, |conn, org| sqlx::query_as(COMPONENTS).bind(org).fetch_all(conn).await?);
    let named = |(component, binding, name, revision, active): (Vec<u8>, _, _, _, i64)| {
        let (component, binding) = (digest::to_text(&component), BindingId(binding));
        NamedComponent { component, binding, name, revision, is_active: active != 0 }
    };
    Ok(rows.into_iter().map(named).collect())
}

/// Counts the revisions of the organization's own bindings, with the bytes that they take:
/// settings, data files, notes, and what a row takes of its own.
pub async fn usage(tx: &mut ReadTx) -> Result<Usage, StoreError> {
    const USAGE: &str = "
        select count(*), cast(
            coalesce(sum(1024 + octet_length(r.settings) + coalesce(octet_length(r.note), 0)), 0)
            + (select coalesce(sum(octet_length(f.content)), 0) from data_files f where f.org_id = $1)
            + (select coalesce(sum(128 + octet_length(d.name)), 0) from binding_data d where d.org_id = $1)
        as bigint)
        from binding_revisions r where r.org_id = $1";
    let row: (i64, i64) =
        on!(tx, |conn, org| sqlx::query_as(USAGE).bind(org).fetch_one(conn).await?);
    usage_of(row)
}

/// Gives the binding its place at each hook of its active revision, and none if it is disabled.
async fn take_places(tx: &mut WriteTx, binding: &Binding) -> Result<(), StoreError> {
    const LEAVE: &str = "delete from binding_places where org_id = $1 and binding_id = $2";
    on!(tx, |conn, org| {
        sqlx::query(LEAVE).bind(org).bind(binding.id.0).execute(conn).await?;
    });
    if !binding.enabled {
        return Ok(());
    }
    let active = find_revision(tx, binding.id, binding.active_revision).await?;
    let active = active.ok_or_else(|| TABLE.corrupt("active_revision"))?;
    let rows = active.hooks.as_slice().iter().map(|hook| PlaceRow {
        org_id: binding.org.0,
        hook: hook.as_str().to_owned(),
        position: active.position,
        binding_id: binding.id.0,
    });
    insert_all(tx, rows.collect(), &PLACE_KEYS).await?;
    Ok(())
}

async fn insert_revision(tx: &mut WriteTx, revision: &Revision) -> Result<(), StoreError> {
    let org_id = tx.org.0;
    let row = RevisionRow::new(org_id, revision)?;
    insert_all(tx, vec![row], &REVISION_KEYS).await?;
    let (mut rows, mut files) = (Vec::new(), Vec::new());
    for (place, (name, content)) in revision.data.iter().enumerate() {
        let digest = Sha256::digest(content).to_vec();
        files.push(FileRow { org_id, digest: digest.clone(), content: content.clone() });
        rows.push(DataRow {
            org_id,
            binding_id: revision.binding.0,
            revision: revision.number,
            place: number("data file", place)?,
            name: name.clone(),
            digest,
        });
    }
    insert_new(tx, files).await?;
    insert_all(tx, rows, &[]).await?;
    Ok(())
}

impl TryFrom<BindingRow> for Binding {
    type Error = StoreError;

    fn try_from(row: BindingRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: BindingId(row.id),
            org: OrgId(row.org_id),
            name: TABLE.parse("name", &row.name)?,
            enabled: row.enabled,
            active_revision: row.active_revision,
            created_at: row.created_at,
            version: row.version,
        })
    }
}

impl BothRow {
    fn both(self) -> Result<(Binding, Revision), StoreError> {
        let binding = Binding::try_from(BindingRow {
            id: self.id,
            org_id: self.revision.org_id,
            name: self.name,
            enabled: self.enabled,
            active_revision: self.active_revision,
            created_at: self.binding_created_at,
            version: self.version,
        })?;
        Ok((binding, self.revision.try_into()?))
    }
}

impl RevisionRow {
    fn new(org_id: Uuid, revision: &Revision) -> Result<Self, StoreError> {
        let fallback_team_id = match &revision.fallback {
            Fallback::Next => None,
            Fallback::Team(team) => Some(team.0),
        };
        let (hooks, limits) = (revision.hooks.as_slice(), &revision.limits);
        Ok(Self {
            org_id,
            binding_id: revision.binding.0,
            number: revision.number,
            hooks: Json(hooks.iter().map(|hook| hook.as_str().to_owned()).collect()),
            position: revision.position,
            component: digest::to_bytes("component", &revision.component)?,
            settings: revision.settings.clone(),
            settings_digest: digest::to_bytes("settings digest", &revision.settings_digest)?,
            data_digest: digest::to_bytes("data digest", &revision.data_digest)?,
            limit_fuel: limits.fuel.map(|fuel| number("fuel", fuel)).transpose()?,
            limit_deadline_ms: limits.deadline_ms.map(i64::from),
            limit_memory_bytes: limits
                .memory_bytes
                .map(|bytes| number("memory", bytes))
                .transpose()?,
            fallback: revision.fallback.as_str().to_owned(),
            fallback_team_id,
            locked: revision.locked,
            replaces_above: revision.replaces_above,
            note: revision.note.clone(),
            created_at: revision.created_at,
            created_by_id: revision.created_by.map(|person| person.0),
        })
    }
}

impl TryFrom<RevisionRow> for Revision {
    type Error = StoreError;

    fn try_from(row: RevisionRow) -> Result<Self, StoreError> {
        let fallback = match (row.fallback.as_str(), row.fallback_team_id) {
            ("next", None) => Fallback::Next,
            ("team", Some(team)) => Fallback::Team(TeamId(team)),
            _ => return Err(REVISIONS.corrupt("fallback")),
        };
        let hooks = row.hooks.0.iter().map(|hook| REVISIONS.parse("hooks", hook));
        let hooks = Hooks::new(hooks.collect::<Result<Vec<_>, _>>()?);
        Ok(Self {
            binding: BindingId(row.binding_id),
            number: row.number,
            hooks: hooks.ok_or_else(|| REVISIONS.corrupt("hooks"))?,
            position: row.position,
            component: digest::to_text(&row.component),
            settings: row.settings,
            settings_digest: digest::to_text(&row.settings_digest),
            data: Vec::new(),
            data_digest: digest::to_text(&row.data_digest),
            limits: LimitChanges {
                fuel: REVISIONS.fit_some("limit_fuel", row.limit_fuel)?,
                deadline_ms: REVISIONS.fit_some("limit_deadline_ms", row.limit_deadline_ms)?,
                memory_bytes: REVISIONS.fit_some("limit_memory_bytes", row.limit_memory_bytes)?,
            },
            fallback,
            locked: row.locked,
            replaces_above: row.replaces_above,
            note: row.note,
            created_at: row.created_at,
            created_by: row.created_by_id.map(PersonId),
        })
    }
}
