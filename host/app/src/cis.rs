//! Configuration items: what services are made of.

use std::collections::BTreeMap;

use waypost_domain::{
    ci::Ci,
    fields::{FieldValue, Fields},
    ids::CiId,
    key::Key,
    refusal::Faults,
};
use waypost_store::{ReadTx, ci};

use crate::{
    Caller, CommandError, Desk, Missing, Page, PageRequest,
    input::{Reading, checked, must_be_at, set},
    labels::Labels,
    page::ListTag,
    refs::Known,
    services::criticality,
    tickets::Named,
};

/// A new configuration item.
#[derive(Debug, Clone, Default)]
pub struct NewCi {
    /// Its key, unique in the organization; it does not change.
    pub key: String,
    /// The name people read.
    pub name: String,
    /// Its class: `server`, `database`, `endpoint`, ...
    pub class: String,
    /// `low`, `medium` or `high`; none for medium.
    pub criticality: Option<String>,
    /// The key of the service it belongs to.
    pub service: Option<String>,
    /// The key of the team that supports it.
    pub support_team: Option<String>,
    /// Facts that the organization defined for itself, by their names.
    pub fields: BTreeMap<String, FieldValue>,
}

/// Which fields of a configuration item change. None leaves a field; `Some(None)` empties it.
#[derive(Debug, Clone, Default)]
pub struct CiEdit {
    /// The name people read.
    pub name: Option<String>,
    /// Its class.
    pub class: Option<String>,
    /// How much depends on it.
    pub criticality: Option<String>,
    /// The service it belongs to.
    pub service: Option<Option<String>>,
    /// The team that supports it.
    pub support_team: Option<Option<String>>,
    /// A retired item is named by no new ticket.
    pub active: Option<bool>,
    /// Takes the place of all fields.
    pub fields: Option<BTreeMap<String, FieldValue>>,
}

/// A configuration item, with the names of what it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CiView {
    /// The configuration item.
    pub ci: Ci,
    /// The service it belongs to.
    pub service: Option<Named>,
    /// The team that supports it.
    pub support_team: Option<Named>,
}

/// Adds a configuration item. For administrators.
///
/// # Errors
/// [`CommandError::Invalid`] with every wrong field, [`CommandError::Taken`] for a key that is in use.
pub async fn create(desk: &Desk, caller: &Caller, new: NewCi) -> Result<CiView, CommandError> {
    caller.must_be_admin()?;
    let mut faults = Faults::new();
    let key = faults.parse::<Key>("/key", &new.key);
    let name = faults.name("/name", &new.name);
    let class = faults.parse::<Key>("/class", &new.class);
    let criticality = criticality(&mut faults, new.criticality.as_deref());
    let fields = Fields::checked(new.fields, &mut faults);

    let mut tx = desk.write(caller).await?;
    let known = Known::read(&mut tx).await?;
    let service = known.service_if(&mut faults, "/service", new.service.as_deref());
    let team = new.support_team.as_deref();
    let support_team = known.team_if(&mut faults, "/support_team", team);
    let (key, name, class, criticality, service, support_team) =
        checked!(faults; key, name, class, criticality, service, support_team);

    let ci = Ci {
        id: CiId(desk.id(caller)),
        org: caller.org,
        key,
        name,
        class,
        criticality,
        service,
        support_team,
        fields,
        active: true,
        version: 1,
    };
    ci::insert(&mut tx, &ci).await?;
    let view = view(&mut tx, ci).await?;
    tx.commit().await?;
    tracing::info!(org.id = %caller.org, ci.key = %view.ci.key, "configuration item added");
    Ok(view)
}

/// Reads a configuration item.
///
/// # Errors
/// [`CommandError::NotFound`].
pub async fn find(desk: &Desk, caller: &Caller, key: &str) -> Result<CiView, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    let ci = load(&mut tx, key).await?;
    view(&mut tx, ci).await
}

/// Lists configuration items by key.
///
/// # Errors
/// [`CommandError::Cursor`] for a cursor of another list.
pub async fn list(
    desk: &Desk,
    caller: &Caller,
    request: &PageRequest,
) -> Result<Page<CiView>, CommandError> {
    let tag = ListTag::of(caller, "cis", &());
    let after = tag.place(request.after.as_ref())?;
    let mut tx = desk.store.read(caller.org).await?;
    let cis = ci::list(&mut tx, after.as_deref(), request.rows_to_read()).await?;
    let page = Page::cut(cis, request, tag, |ci| ci.key.to_string());
    let labels = Labels::read(&mut tx, []).await?;
    Ok(page.map(|ci| labelled(&labels, ci)))
}

/// Changes a configuration item. For administrators.
///
/// # Errors
/// [`CommandError::Stale`] if the item is not at the expected version any more, [`CommandError::Invalid`] with every
/// wrong field.
pub async fn update(
    desk: &Desk,
    caller: &Caller,
    key: &str,
    edit: CiEdit,
    expected_version: Option<i64>,
) -> Result<CiView, CommandError> {
    caller.must_be_admin()?;
    let mut tx = desk.write(caller).await?;
    let mut ci = load(&mut tx, key).await?;
    must_be_at(ci.version, expected_version)?;
    let known = Known::read(&mut tx).await?;

    let mut faults = Faults::new();
    if let Some(name) = &edit.name {
        set(&mut ci.name, faults.name("/name", name));
    }
    if let Some(class) = &edit.class {
        set(&mut ci.class, faults.parse("/class", class));
    }
    if let Some(given) = &edit.criticality {
        set(&mut ci.criticality, criticality(&mut faults, Some(given)));
    }
    if let Some(service) = &edit.service {
        let service = known.service_if(&mut faults, "/service", service.as_deref());
        set(&mut ci.service, service);
    }
    if let Some(team) = &edit.support_team {
        let team = known.team_if(&mut faults, "/support_team", team.as_deref());
        set(&mut ci.support_team, team);
    }
    if let Some(given) = edit.fields {
        ci.fields = Fields::checked(given, &mut faults);
    }
    ci.active = edit.active.unwrap_or(ci.active);
    faults.refuse_any()?;

    ci::update(&mut tx, &mut ci).await?;
    let view = view(&mut tx, ci).await?;
    tx.commit().await?;
    tracing::info!(org.id = %caller.org, ci.key = %view.ci.key, "configuration item changed");
    Ok(view)
}

async fn load(tx: &mut ReadTx, key: &str) -> Result<Ci, CommandError> {
    ci::find_by_key(tx, key).await?.ok_or(CommandError::NotFound(Missing::Ci))
}

async fn view(tx: &mut ReadTx, ci: Ci) -> Result<CiView, CommandError> {
    let labels = Labels::read(tx, []).await?;
    Ok(labelled(&labels, ci))
}

fn labelled(labels: &Labels, ci: Ci) -> CiView {
    CiView {
        service: ci.service.map(|id| labels.service(id)),
        support_team: ci.support_team.map(|id| labels.team(id)),
        ci,
    }
}
