//! Services of the catalog: what people use, who answers for it, who supports it.

use std::collections::BTreeMap;

use waypost_domain::{
    fields::{FieldValue, Fields},
    ids::ServiceId,
    key::Key,
    refusal::Faults,
    service::{Criticality, Service},
};
use waypost_store::{ReadTx, service};

use crate::{
    Caller, CommandError, Desk, Missing, Page, PageRequest,
    input::{Reading, checked, must_be_at, set},
    labels::Labels,
    page::ListTag,
    refs::{self, Known},
    tickets::{Named, PersonName, PersonRef},
};

/// A new service.
#[derive(Debug, Clone, Default)]
pub struct NewService {
    /// Its key, unique in the organization; it does not change.
    pub key: String,
    /// The name people read.
    pub name: String,
    /// `low`, `medium` or `high`; none for medium.
    pub criticality: Option<String>,
    /// Who answers for it.
    pub owner: Option<PersonRef>,
    /// The key of the team that supports it.
    pub support_team: Option<String>,
    /// Facts that the organization defined for itself, by their names.
    pub fields: BTreeMap<String, FieldValue>,
}

/// Which fields of a service change. None leaves a field; `Some(None)` empties it.
#[derive(Debug, Clone, Default)]
pub struct ServiceEdit {
    /// The name people read.
    pub name: Option<String>,
    /// How much depends on it.
    pub criticality: Option<String>,
    /// Who answers for it.
    pub owner: Option<Option<PersonRef>>,
    /// The team that supports it.
    pub support_team: Option<Option<String>>,
    /// Whether tickets may name it.
    pub active: Option<bool>,
    /// Takes the place of all fields.
    pub fields: Option<BTreeMap<String, FieldValue>>,
}

/// A service, with the names of what it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceView {
    /// The service.
    pub service: Service,
    /// Who answers for it.
    pub owner: Option<PersonName>,
    /// The team that supports it.
    pub support_team: Option<Named>,
}

/// Adds a service. For administrators.
///
/// # Errors
/// [`CommandError::Invalid`] with every wrong field, [`CommandError::Taken`] for a key that is in use.
pub async fn create(
    desk: &Desk,
    caller: &Caller,
    new: NewService,
) -> Result<ServiceView, CommandError> {
    caller.must_be_admin()?;
    let mut faults = Faults::new();
    let key = faults.parse::<Key>("/key", &new.key);
    let name = faults.name("/name", &new.name);
    let criticality = criticality(&mut faults, new.criticality.as_deref());
    let fields = Fields::checked(new.fields, &mut faults);

    let mut tx = desk.write(caller).await?;
    let known = Known::read(&mut tx).await?;
    let owner = refs::person_if(&mut tx, &mut faults, "/owner", new.owner.as_ref()).await?;
    let team = new.support_team.as_deref();
    let support_team = known.team_if(&mut faults, "/support_team", team);
    let (key, name, criticality, owner, support_team) =
        checked!(faults; key, name, criticality, owner, support_team);

    let service = Service {
        id: ServiceId(desk.id(caller)),
        org: caller.org,
        key,
        name,
        criticality,
        owner,
        support_team,
        fields,
        active: true,
        version: 1,
    };
    service::insert(&mut tx, &service).await?;
    let view = view(&mut tx, service).await?;
    tx.commit().await?;
    tracing::info!(org.id = %caller.org, service.key = %view.service.key, "service added");
    Ok(view)
}

/// Reads a service.
///
/// # Errors
/// [`CommandError::NotFound`].
pub async fn find(desk: &Desk, caller: &Caller, key: &str) -> Result<ServiceView, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    let service = load(&mut tx, key).await?;
    view(&mut tx, service).await
}

/// Lists services by key.
///
/// # Errors
/// [`CommandError::Cursor`] for a cursor of another list.
pub async fn list(
    desk: &Desk,
    caller: &Caller,
    request: &PageRequest,
) -> Result<Page<ServiceView>, CommandError> {
    let tag = ListTag::of(caller, "services", &());
    let mut tx = desk.store.read(caller.org).await?;
    let services = service::list(&mut tx).await?;
    let page = Page::of_all(services, request, tag, |service| service.key.to_string())?;
    let labels = Labels::read(&mut tx, page.rows.iter().filter_map(|row| row.owner)).await?;
    Ok(page.map(|service| labelled(&labels, service)))
}

/// Changes a service. For administrators.
///
/// # Errors
/// [`CommandError::Stale`] if the service is not at the expected version any more, [`CommandError::Invalid`] with
/// every wrong field.
pub async fn update(
    desk: &Desk,
    caller: &Caller,
    key: &str,
    edit: ServiceEdit,
    expected_version: Option<i64>,
) -> Result<ServiceView, CommandError> {
    caller.must_be_admin()?;
    let mut tx = desk.write(caller).await?;
    let mut service = load(&mut tx, key).await?;
    must_be_at(service.version, expected_version)?;

    let mut faults = Faults::new();
    if let Some(name) = &edit.name {
        set(&mut service.name, faults.name("/name", name));
    }
    if let Some(given) = &edit.criticality {
        set(&mut service.criticality, criticality(&mut faults, Some(given)));
    }
    if let Some(owner) = &edit.owner {
        let owner = refs::person_if(&mut tx, &mut faults, "/owner", owner.as_ref()).await?;
        set(&mut service.owner, owner);
    }
    if let Some(team) = &edit.support_team {
        let known = Known::read(&mut tx).await?;
        let team = known.team_if(&mut faults, "/support_team", team.as_deref());
        set(&mut service.support_team, team);
    }
    if let Some(given) = edit.fields {
        service.fields = Fields::checked(given, &mut faults);
    }
    service.active = edit.active.unwrap_or(service.active);
    faults.refuse_any()?;

    service::update(&mut tx, &mut service).await?;
    let view = view(&mut tx, service).await?;
    tx.commit().await?;
    tracing::info!(org.id = %caller.org, service.key = %view.service.key, "service changed");
    Ok(view)
}

async fn load(tx: &mut ReadTx, key: &str) -> Result<Service, CommandError> {
    service::find_by_key(tx, key).await?.ok_or(CommandError::NotFound(Missing::Service))
}

async fn view(tx: &mut ReadTx, service: Service) -> Result<ServiceView, CommandError> {
    let labels = Labels::read(tx, service.owner).await?;
    Ok(labelled(&labels, service))
}

fn labelled(labels: &Labels, service: Service) -> ServiceView {
    ServiceView {
        owner: service.owner.map(|id| labels.person(id)),
        support_team: service.support_team.map(|id| labels.team(id)),
        service,
    }
}

/// How much depends on a service or configuration item; medium if nobody says.
pub(crate) fn criticality(faults: &mut Faults, given: Option<&str>) -> Option<Criticality> {
    given.map_or(Some(Criticality::Medium), |given| faults.parse("/criticality", given))
}
