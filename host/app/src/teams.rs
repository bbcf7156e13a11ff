//! Teams: who owns tickets. A provider's team may serve client organizations too.

use std::collections::{BTreeMap, BTreeSet};

use waypost_domain::{
    calendar::WorkingHours,
    ids::{OrgId, PersonId, TeamId},
    key::Key,
    refusal::Faults,
    team::Team,
};
use waypost_store::{ReadTx, organization, team};

use crate::{
    Caller, CommandError, Desk, Missing, Page, PageRequest,
    hours::{self, DayHours},
    input::{Reading, checked, must_be_at, set},
    labels::{named, people_names},
    page::ListTag,
    refs,
    tickets::{PersonName, PersonRef},
};

/// A new team.
#[derive(Debug, Clone, Default)]
pub struct NewTeam {
    /// Its key, unique in the organization; it does not change.
    pub key: String,
    /// The name people read.
    pub name: String,
    /// An IANA zone, where it differs from the organization's.
    pub zone: Option<String>,
    /// Its working hours, where they differ from the organization's.
    pub working_hours: Option<Vec<DayHours>>,
    /// Who leads it.
    pub lead: Option<PersonRef>,
    /// Who is on call now.
    pub on_call: Option<PersonRef>,
    /// Who works in it.
    pub members: Vec<PersonRef>,
    /// The keys of the organizations below that it also serves.
    pub serves: Vec<String>,
}

/// Which fields of a team change. None leaves a field; `Some(None)` empties it.
#[derive(Debug, Clone, Default)]
pub struct TeamEdit {
    /// The name people read.
    pub name: Option<String>,
    /// Its zone.
    pub zone: Option<Option<String>>,
    /// Its working hours.
    pub working_hours: Option<Option<Vec<DayHours>>>,
    /// Who leads it.
    pub lead: Option<Option<PersonRef>>,
    /// Who is on call now.
    pub on_call: Option<Option<PersonRef>>,
    /// Who works in it, all of them.
    pub members: Option<Vec<PersonRef>>,
    /// The organizations below that it also serves, all of them.
    pub serves: Option<Vec<String>>,
    /// An inactive team gets no tickets.
    pub active: Option<bool>,
}

/// A team, with the names of what it refers to.
#[derive(Debug, Clone, PartialEq)]
pub struct TeamView {
    /// The team.
    pub team: Team,
    /// The key of the organization it belongs to: the caller's, or one above it.
    pub organization: Option<Key>,
    /// Who leads it.
    pub lead: Option<PersonName>,
    /// Who is on call now.
    pub on_call: Option<PersonName>,
    /// Who works in it, by name.
    pub members: Vec<PersonName>,
    /// The keys of the organizations that it also serves, as far as the caller may know them.
    pub serves: Vec<Key>,
}

/// Adds a team. For administrators.
///
/// # Errors
/// [`CommandError::Invalid`] with every wrong field, [`CommandError::Taken`] for a key that is in use.
pub async fn create(desk: &Desk, caller: &Caller, new: NewTeam) -> Result<TeamView, CommandError> {
    caller.must_be_admin()?;
    let clients = organizations_with(desk, &new.serves).await?;
    let mut faults = Faults::new();
    let key = faults.parse::<Key>("/key", &new.key);
    let name = faults.name("/name", &new.name);
    let zone = faults.zone_if("/zone", new.zone.as_deref());
    let working_hours = working_hours(&mut faults, new.working_hours.as_deref());

    let mut tx = desk.write(caller).await?;
    let lead = refs::person_if(&mut tx, &mut faults, "/lead", new.lead.as_ref()).await?;
    let on_call = refs::person_if(&mut tx, &mut faults, "/on_call", new.on_call.as_ref()).await?;
    let members = members(&mut tx, &mut faults, &new.members).await?;
    let serves = serves(&mut tx, &mut faults, &clients).await?;
    let (key, name, zone, working_hours, serves, lead, on_call, members) =
        checked!(faults; key, name, zone, working_hours, serves, lead, on_call, members);

    let team = Team {
        id: TeamId(desk.id(caller)),
        org: caller.org,
        key,
        name,
        zone,
        working_hours,
        lead,
        on_call,
        members,
        serves,
        active: true,
        version: 1,
    };
    team::insert(&mut tx, &team).await?;
    let names = Names::read(&mut tx, std::slice::from_ref(&team)).await?;
    tx.commit().await?;
    tracing::info!(org.id = %caller.org, team.key = %team.key, "team added");
    let visible = served_keys(desk, caller, std::slice::from_ref(&team)).await?;
    Ok(names.view(team, &visible))
}

/// Reads a team that serves the organization: its own, or its provider's.
///
/// # Errors
/// [`CommandError::NotFound`].
pub async fn find(desk: &Desk, caller: &Caller, key: &str) -> Result<TeamView, CommandError> {
    caller.must_be_desk()?;
    let mut tx = desk.store.read(caller.org).await?;
    let team = load(&mut tx, key).await?;
    let names = Names::read(&mut tx, std::slice::from_ref(&team)).await?;
    drop(tx);
    let visible = served_keys(desk, caller, std::slice::from_ref(&team)).await?;
    Ok(names.view(team, &visible))
}

/// Lists the teams that serve the organization by key. For the desk.
///
/// # Errors
/// [`CommandError::Cursor`] for a cursor of another list.
pub async fn list(
    desk: &Desk,
    caller: &Caller,
    request: &PageRequest,
) -> Result<Page<TeamView>, CommandError> {
    caller.must_be_desk()?;
    let tag = ListTag::of(caller, "teams", &());
    let mut tx = desk.store.read(caller.org).await?;
    let teams = team::list(&mut tx).await?;
    // The provider may have a team with the same key; a space sorts before every character of a key.
    let page = Page::of_all(teams, request, tag, |team| format!("{} {}", team.key, team.id))?;
    let names = Names::read(&mut tx, &page.rows).await?;
    drop(tx);
    let visible = served_keys(desk, caller, &page.rows).await?;
    Ok(page.map(|team| names.view(team, &visible)))
}

/// Changes a team of the organization itself. For administrators.
///
/// # Errors
/// [`CommandError::Stale`] if the team is not at the expected version any more, [`CommandError::Forbidden`] for the
/// provider's team, [`CommandError::Invalid`] with every wrong field.
pub async fn update(
    desk: &Desk,
    caller: &Caller,
    key: &str,
    edit: TeamEdit,
    expected_version: Option<i64>,
) -> Result<TeamView, CommandError> {
    caller.must_be_admin()?;
    let clients = organizations_with(desk, edit.serves.as_deref().unwrap_or_default()).await?;
    let mut tx = desk.write(caller).await?;
    let mut team = load(&mut tx, key).await?;
    if team.org != caller.org {
        return Err(CommandError::Forbidden(format!(
            "the team `{key}` belongs to the provider; only the provider changes it"
        )));
    }
    must_be_at(team.version, expected_version)?;

    let mut faults = Faults::new();
    if let Some(name) = &edit.name {
        set(&mut team.name, faults.name("/name", name));
    }
    if let Some(zone) = &edit.zone {
        set(&mut team.zone, faults.zone_if("/zone", zone.as_deref()));
    }
    if let Some(lines) = &edit.working_hours {
        set(&mut team.working_hours, working_hours(&mut faults, lines.as_deref()));
    }
    if let Some(lead) = &edit.lead {
        let lead = refs::person_if(&mut tx, &mut faults, "/lead", lead.as_ref()).await?;
        set(&mut team.lead, lead);
    }
    if let Some(on_call) = &edit.on_call {
        let on_call = refs::person_if(&mut tx, &mut faults, "/on_call", on_call.as_ref()).await?;
        set(&mut team.on_call, on_call);
    }
    if let Some(people) = &edit.members {
        set(&mut team.members, members(&mut tx, &mut faults, people).await?);
    }
    if edit.serves.is_some() {
        set(&mut team.serves, serves(&mut tx, &mut faults, &clients).await?);
    }
    if let Some(active) = edit.active {
        if !active && organization::load(&mut tx).await?.settings.fallback_team == team.id {
            let message = "it owns what no policy routes; set another fallback team first";
            faults.wrong("/active", "in-use", message);
        }
        team.active = active;
    }
    faults.refuse_any()?;

    team::update(&mut tx, &mut team).await?;
    let names = Names::read(&mut tx, std::slice::from_ref(&team)).await?;
    tx.commit().await?;
    tracing::info!(org.id = %caller.org, team.key = %team.key, "team changed");
    let visible = served_keys(desk, caller, std::slice::from_ref(&team)).await?;
    Ok(names.view(team, &visible))
}

/// The organization's own team before the provider's of the same key.
async fn load(tx: &mut ReadTx, key: &str) -> Result<Team, CommandError> {
    if let Some(own) = team::find_by_key(tx, key).await? {
        return Ok(own);
    }
    let mut all = team::list(tx).await?.into_iter();
    all.find(|team| team.key.as_str() == key).ok_or(CommandError::NotFound(Missing::Team))
}

#[expect(
    clippy::option_option,
    reason = "the outer level is a fault, the inner one an empty field"
)]
fn working_hours(faults: &mut Faults, lines: Option<&[DayHours]>) -> Option<Option<WorkingHours>> {
    match lines {
        None => Some(None),
        Some(lines) => hours::week(faults, "/working_hours", lines).map(Some),
    }
}

async fn members(
    tx: &mut ReadTx,
    faults: &mut Faults,
    people: &[PersonRef],
) -> Result<Option<BTreeSet<PersonId>>, CommandError> {
    let mut members = Vec::with_capacity(people.len());
    for (index, named) in people.iter().enumerate() {
        members.push(refs::person(tx, faults, &format!("/members/{index}"), named).await?);
    }
    Ok(members.into_iter().collect())
}

/// The organizations with these keys, in the order named; none where there is no such organization.
async fn organizations_with(
    desk: &Desk,
    keys: &[String],
) -> Result<Vec<(String, Option<OrgId>)>, CommandError> {
    let mut named = Vec::with_capacity(keys.len());
    if keys.is_empty() {
        return Ok(named);
    }
    let mut tx = desk.store.system_read().await?;
    for key in keys {
        let found = organization::find_by_key(&mut tx, key).await?;
        named.push((key.clone(), found.map(|organization| organization.id)));
    }
    Ok(named)
}

/// Only organizations below the team's own can be served by it. One that is elsewhere looks like one that is nowhere.
async fn serves(
    tx: &mut ReadTx,
    faults: &mut Faults,
    named: &[(String, Option<OrgId>)],
) -> Result<Option<BTreeSet<OrgId>>, CommandError> {
    let mut served = BTreeSet::new();
    let mut all_found = true;
    for (index, (key, org)) in named.iter().enumerate() {
        let below = match *org {
            Some(org) if org != tx.org() && organization::is_descendant(tx, org).await? => {
                Some(org)
            }
            Some(_) | None => None,
        };
        if let Some(below) = below {
            served.insert(below);
        } else {
            all_found = false;
            let message = format!("there is no organization `{key}` below this one");
            faults.wrong(&format!("/serves/{index}"), "unknown", message);
        }
    }
    Ok(all_found.then_some(served))
}

/// The keys of the organizations that the teams serve, as far as the caller may know them: a client learns nothing of
/// the other clients of its provider's teams.
async fn served_keys(
    desk: &Desk,
    caller: &Caller,
    teams: &[Team],
) -> Result<BTreeMap<OrgId, Key>, CommandError> {
    let own = teams.iter().filter(|team| team.org == caller.org).flat_map(|team| &team.serves);
    let providers = teams.iter().filter(|team| team.serves.contains(&caller.org));
    let visible = own.copied().chain(providers.map(|_| caller.org)).collect::<BTreeSet<_>>();
    let mut keys = BTreeMap::new();
    if visible.is_empty() {
        return Ok(keys);
    }
    let mut tx = desk.store.system_read().await?;
    for id in visible {
        if let Some(organization) = organization::find(&mut tx, id).await? {
            keys.insert(id, organization.key);
        }
    }
    Ok(keys)
}

/// The names that views of teams show.
struct Names {
    people: BTreeMap<PersonId, String>,
    organizations: BTreeMap<OrgId, Key>,
}

impl Names {
    async fn read(tx: &mut ReadTx, teams: &[Team]) -> Result<Self, CommandError> {
        let people = teams
            .iter()
            .flat_map(|team| team.members.iter().copied().chain(team.lead).chain(team.on_call));
        let people = people_names(tx, people).await?;
        let lineage = organization::lineage(tx).await?;
        let organizations = lineage.into_iter().map(|layer| (layer.id, layer.key)).collect();
        Ok(Self { people, organizations })
    }

    fn view(&self, team: Team, served: &BTreeMap<OrgId, Key>) -> TeamView {
        let person = |id: PersonId| named(&self.people, id);
        let mut members = team.members.iter().copied().map(person).collect::<Vec<_>>();
        members.sort_by(|a, b| a.name.cmp(&b.name).then(a.id.cmp(&b.id)));
        TeamView {
            organization: self.organizations.get(&team.org).cloned(),
            lead: team.lead.map(person),
            on_call: team.on_call.map(person),
            members,
            serves: team.serves.iter().filter_map(|id| served.get(id).cloned()).collect(),
            team,
        }
    }
}
