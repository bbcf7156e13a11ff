//! Organizations: the tree of platform, providers and clients, and what each of them has set.

mod bootstrap;
mod major_rules;
mod places;
mod settings;

use waypost_domain::{
    ids::{OrgId, TeamId},
    incident::MajorRule,
    key::Key,
    organization::{OrgKind, OrgSettings, Organization},
    priority::MatrixLint,
    refusal::Faults,
    said::Said,
    team::Team,
};
use waypost_store::{ReadTx, organization};

use crate::{
    Caller, CommandError, Desk, Missing, Page, PageRequest,
    input::{Reading, checked},
    labels::Labels,
    page::ListTag,
    tickets::{Named, PersonName},
};

pub use bootstrap::{PLATFORM_KEY, bootstrap};
pub use major_rules::{LeadersView, MajorRuleEdit, PromotionEdit};
pub use places::{Places, places};
pub use settings::{OrganizationEdit, update};

/// An organization to be created.
#[derive(Debug, Clone, Default)]
pub struct NewOrganization {
    /// `provider` or `client`.
    pub kind: String,
    /// Key, unique within the installation. It cannot be changed.
    pub key: String,
    /// The name people read.
    pub name: String,
    /// The key of the organization above: the caller's (the default), or one below it.
    pub parent: Option<String>,
    /// The IANA zone of its days; none for the one of the organization above.
    pub zone: Option<String>,
}

/// An organization, with the names of what its settings refer to.
#[derive(Debug, Clone, PartialEq)]
pub struct OrganizationView {
    /// The organization.
    pub organization: Organization,
    /// The key of the organization above, as far as the caller may know it.
    pub parent: Option<Key>,
    /// Owns what no policy routes.
    pub fallback_team: Named,
    /// Votes where an approval has no voter left.
    pub fallback_approver: Option<PersonName>,
    /// Who leads what each rule accepts at once as a major incident; none of a rule that only
    /// proposes.
    pub major_leaders: Vec<Option<LeadersView>>,
    /// Cells of the priority matrix that are probably slips.
    pub matrix_warnings: Vec<MatrixLint>,
}

/// The team that a new organization gets, so that no ticket is ever without one.
const FIRST_TEAM: (&str, &str) = ("service-desk", "Service desk");

/// Creates an organization below the caller's, with a team `service-desk` that owns what no policy
/// routes. For administrators.
///
/// # Errors
/// [`CommandError::Invalid`] with every wrong field, [`CommandError::Taken`] for a key that is in
/// use.
pub async fn create(
    desk: &Desk,
    caller: &Caller,
    new: NewOrganization,
) -> Result<OrganizationView, CommandError> {
    caller.must_be_admin()?;
    let mut faults = Faults::new();
    let kind = faults.parse::<OrgKind>("/kind", &new.kind);
    let key = faults.parse::<Key>("/key", &new.key);
    let name = faults.name("/name", &new.name);
    let zone = faults.zone_if("/zone", new.zone.as_deref());

    let parent = parent(desk, caller, &mut faults, new.parent.as_deref()).await?;
    if let (Some(kind), Some(parent)) = (kind, &parent) {
        check_place(&mut faults, kind, parent);
    }
    let (kind, key, name, zone, parent) = checked!(faults; kind, key, name, zone, parent);

    let first_team = first_team(OrgId(desk.id(caller)), TeamId(desk.id(caller)));
    let mut settings = OrgSettings::new(first_team.id);
    settings.zone = zone.unwrap_or(parent.settings.zone);
    let organization = Organization {
        id: first_team.org,
        parent: Some(parent.id),
        kind,
        key,
        name,
        settings,
        created_at: caller.now,
        version: 1,
    };
    let mut tx = desk.store.system().await?.noted_in(&caller.commit);
    organization::create(&mut tx, &organization, &first_team).await?;
    tx.commit().await?;
    tracing::info!(org.id = %organization.id, org.key = %organization.key, "organization created");
    Ok(OrganizationView {
        parent: Some(parent.key),
        fallback_team: Named { key: first_team.key.to_string(), name: first_team.name },
        fallback_approver: None,
        major_leaders: Vec::new(),
        matrix_warnings: organization.settings.matrix.lint(),
        organization,
    })
}

/// Reads the caller's organization, or one below it.
///
/// # Errors
/// [`CommandError::NotFound`], also for an organization that is elsewhere in the tree.
pub async fn find(
    desk: &Desk,
    caller: &Caller,
    key: &str,
) -> Result<OrganizationView, CommandError> {
    caller.must_be_desk()?;
    let organization = within_reach(desk, caller, key).await?;
    let mut tx = desk.store.read(organization.id).await?;
    view(&mut tx, organization).await
}

/// Lists the caller's organization and all below it, by key. For the desk.
///
/// # Errors
/// [`CommandError::Cursor`] for a cursor of another list.
pub async fn list(
    desk: &Desk,
    caller: &Caller,
    request: &PageRequest,
) -> Result<Page<OrganizationView>, CommandError> {
    caller.must_be_desk()?;
    let tag = ListTag::of(caller, "organizations", &());
    let mut visible = Vec::<Organization>::new();
    let mut tx = desk.store.system_read().await?;
    // Each comes after the one above it, so one pass finds everything below the caller's.
    for organization in organization::list(&mut tx).await? {
        let below = |parent| visible.iter().any(|above| above.id == parent);
        if organization.id == caller.org || organization.parent.is_some_and(below) {
            visible.push(organization);
        }
    }
    drop(tx);
    let page = Page::of_all(visible, request, tag, |organization| organization.key.to_string())?;
    let mut views = Vec::with_capacity(page.rows.len());
    for organization in page.rows {
        let mut tx = desk.store.read(organization.id).await?;
        views.push(view(&mut tx, organization).await?);
    }
    Ok(Page { rows: views, next: page.next, total: page.total })
}

/// Finds an organization by its key, for the operator at the command line.
///
/// # Errors
/// [`CommandError::NotFound`].
pub async fn by_key(desk: &Desk, key: &Key) -> Result<Organization, CommandError> {
    let mut tx = desk.store.system_read().await?;
    let found = organization::find_by_key(&mut tx, key.as_str()).await?;
    found.ok_or(CommandError::NotFound(Missing::Organization))
}

/// The organization with this key, if it is the caller's or below it.
async fn within_reach(
    desk: &Desk,
    caller: &Caller,
    key: &str,
) -> Result<Organization, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    let found = organization::find_below(&mut tx, key).await?;
    found.ok_or(CommandError::NotFound(Missing::Organization))
}

async fn parent(
    desk: &Desk,
    caller: &Caller,
    faults: &mut Faults,
    key: Option<&str>,
) -> Result<Option<Organization>, CommandError> {
    let Some(key) = key else {
        let mut tx = desk.store.read(caller.org).await?;
        return Ok(Some(organization::load(&mut tx).await?));
    };
    match within_reach(desk, caller, key).await {
        Ok(parent) => Ok(Some(parent)),
        Err(CommandError::NotFound(_)) => {
            let message =
                Said::as_is(format!("There is no organization `{key}` at or below yours."));
            faults.wrong("/parent", "unknown", message);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn check_place(faults: &mut Faults, kind: OrgKind, parent: &Organization) {
    if kind.can_stand_below(Some(parent.kind)) {
        return;
    }
    let message = match kind {
        OrgKind::Platform => "An installation has one platform; create a provider or a client.",
        OrgKind::Provider => "A provider must be below the platform; set `parent` to the platform.",
        OrgKind::Client => {
            "A client must be below the platform or a provider; set `parent` to one of them."
        }
    };
    faults.wrong("/kind", "not-allowed", Said::as_is(message));
}

fn first_team(org: OrgId, id: TeamId) -> Team {
    let (key, name) = FIRST_TEAM;
    Team {
        id,
        org,
        key: key.parse().expect("the first team's key is a key"),
        name: name.to_owned(),
        zone: None,
        working_hours: None,
        lead: None,
        on_call: None,
        members: std::collections::BTreeSet::new(),
        serves: std::collections::BTreeSet::new(),
        active: true,
        version: 1,
    }
}

async fn view(
    tx: &mut ReadTx,
    organization: Organization,
) -> Result<OrganizationView, CommandError> {
    let lineage = organization::lineage(tx).await?;
    let rules = &organization.settings.major_rules;
    let named =
        organization.settings.fallback_approver.into_iter().chain(MajorRule::leaders(rules));
    let labels = Labels::read(tx, named).await?;
    let above = |parent| lineage.iter().find(|layer| layer.id == parent);
    Ok(OrganizationView {
        parent: organization.parent.and_then(above).map(|parent| parent.key.clone()),
        fallback_team: labels.team(organization.settings.fallback_team),
        fallback_approver: organization.settings.fallback_approver.map(|id| labels.person(id)),
        major_leaders: major_rules::leaders(rules, &labels),
        matrix_warnings: organization.settings.matrix.lint(),
        organization,
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    fn organization(kind: OrgKind) -> Organization {
        let team = TeamId(Uuid::from_u128(1));
        Organization {
            id: OrgId(Uuid::from_u128(2)),
            parent: None,
            kind,
            key: "above".parse().unwrap(),
            name: "Above".to_owned(),
            settings: OrgSettings::new(team),
            created_at: DateTime::UNIX_EPOCH,
            version: 1,
        }
    }

    #[test]
    fn clients_stand_below_platform_or_provider_and_providers_below_the_platform() {
        for kind in OrgKind::ALL {
            for above in OrgKind::ALL {
                let mut faults = Faults::new();
                check_place(&mut faults, *kind, &organization(*above));
                let allowed = matches!(
                    (kind, above),
                    (OrgKind::Provider, OrgKind::Platform)
                        | (OrgKind::Client, OrgKind::Platform | OrgKind::Provider)
                );
                assert_eq!(faults.is_empty(), allowed, "{kind} below {above}");
            }
        }
    }

    #[test]
    fn the_first_team_has_a_key() {
        let team = first_team(OrgId(Uuid::nil()), TeamId(Uuid::nil()));
        assert_eq!(team.key.as_str(), "service-desk");
    }
}
