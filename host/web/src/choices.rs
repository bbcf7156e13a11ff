//! Choices: what the inputs of a form offer, of the organization's registers.

use std::collections::{BTreeMap, BTreeSet};

use waypost_app::{
    Caller, CommandError, Desk, PageRequest,
    registers::{self, Kept},
    sign_ins::SignedIn,
};
use waypost_domain::{
    catalog::{CatalogItem, Category},
    ids::{PersonId, ServiceId, TeamId},
    permission,
    service::Service,
    team::Team,
    ticket::{FieldType, TicketKind},
};

use crate::{
    form::Form,
    people::{self, Offer},
};

/// What can be chosen from: values with their labels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choices {
    pub(crate) services: Vec<(String, String)>,
    pub(crate) categories: Vec<(String, String)>,
    pub(crate) teams: Vec<(String, String)>,
    /// The people of the teams, by id.
    pub(crate) people: Vec<(String, String)>,
    pub(crate) items: Vec<(String, String)>,
    pub(crate) codes: Vec<&'static str>,
    /// How many levels of impact and of urgency there are.
    pub(crate) levels: (u8, u8),
    /// The addresses of people who are named.
    pub(crate) addresses: BTreeMap<PersonId, String>,
    /// Whom names in a form that is shown again can mean, by field.
    pub(crate) offers: BTreeMap<String, Vec<Offer>>,
    /// Who works in which team, by its key.
    members: BTreeMap<TeamId, BTreeSet<PersonId>>,
    service_keys: BTreeMap<ServiceId, String>,
    team_keys: BTreeMap<TeamId, String>,
}

/// How many records a list of choices reads at most. Of more, nobody chooses from a list.
const PAGES: usize = 5;
const PAGE: u16 = 200;

impl Choices {
    /// Reads what fields of these types offer.
    pub(crate) async fn of(
        desk: &Desk,
        who: &SignedIn,
        kind: TicketKind,
        types: &[FieldType],
    ) -> Result<Self, CommandError> {
        let caller = &who.caller;
        let mut choices = Self { levels: who.levels, ..Self::default() };
        let takes = |one: FieldType| types.contains(&one);
        choices.codes = kind.rules().codes.iter().map(|code| code.as_str()).collect();
        if takes(FieldType::Service) {
            for service in all::<Service>(desk, caller).await? {
                let service = service.record;
                choices.service_keys.insert(service.id, service.key.to_string());
                if service.active {
                    choices.services.push((service.key.to_string(), service.name));
                }
            }
            choices.services.sort_by(|(_, one), (_, other)| one.cmp(other));
        }
        if takes(FieldType::Category) {
            let known = all::<Category>(desk, caller).await?;
            let names: BTreeMap<String, String> = known
                .iter()
                .map(|view| (view.record.path.to_string(), view.record.name.clone()))
                .collect();
            choices.categories = known
                .iter()
                .filter(|view| view.record.active)
                .map(|view| {
                    let path = view.record.path.to_string();
                    let label = label_of(&path, &names);
                    (path, label)
                })
                .collect();
        }
        let needs_people = takes(FieldType::Person);
        if (takes(FieldType::Team) || takes(FieldType::TeamKey) || needs_people)
            && permission::sees_internals(caller.role)
        {
            let mut people = BTreeMap::new();
            for team in all::<Team>(desk, caller).await? {
                let (team, labels) = (team.record, team.labels);
                choices.team_keys.insert(team.id, team.key.to_string());
                if !team.active {
                    continue;
                }
                people.extend(team.members.iter().map(|id| (*id, labels.person(*id).name)));
                choices.teams.push((team.key.to_string(), team.name));
                choices.members.insert(team.id, team.members);
            }
            let mut people: Vec<(String, String)> =
                people.into_iter().map(|(id, name)| (id.to_string(), name)).collect();
            people.sort_by(|(_, one), (_, other)| one.cmp(other));
            choices.people = people;
        }
        if takes(FieldType::CatalogItem) {
            choices.items = all::<CatalogItem>(desk, caller)
                .await?
                .into_iter()
                .filter(|item| item.record.active)
                .map(|item| (item.record.key.to_string(), item.record.name))
                .collect();
        }
        Ok(choices)
    }

    /// Reads whom the names can mean in a form that is shown again.
    pub(crate) async fn offer(
        &mut self,
        desk: &Desk,
        caller: &Caller,
        form: Option<&Form>,
        fields: &[(&str, FieldType)],
    ) -> Result<(), CommandError> {
        if let Some(form) = form {
            self.offers = people::offers(desk, caller, form, fields).await?;
        }
        Ok(())
    }

    /// Leaves of the people those of a team.
    pub(crate) fn narrow_to_team(&mut self, team: TeamId) {
        let members = self.members.get(&team).into_iter().flatten().map(ToString::to_string);
        let members: Vec<String> = members.collect();
        self.people.retain(|(id, _)| members.contains(id));
    }

    /// The address of a person, where it was looked up.
    pub(crate) fn address_of(&self, id: PersonId) -> String {
        self.addresses.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    /// The key of a service.
    pub(crate) fn service_key(&self, id: ServiceId) -> Option<String> {
        self.service_keys.get(&id).cloned()
    }

    /// The key of a team.
    pub(crate) fn team_key(&self, id: TeamId) -> Option<String> {
        self.team_keys.get(&id).cloned()
    }
}

/// All records of a register, up to as many as anybody chooses from.
pub(crate) async fn all<R: Kept>(
    desk: &Desk,
    caller: &Caller,
) -> Result<Vec<registers::View<R>>, CommandError> {
    let mut found = Vec::new();
    let mut after = None;
    for _ in 0..PAGES {
        let page = registers::list::<R>(desk, caller, &PageRequest { limit: PAGE, after }).await?;
        found.extend(page.rows);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(found)
}

/// The names on the way to a category: `Access › Password`.
fn label_of(path: &str, names: &BTreeMap<String, String>) -> String {
    let mut label = String::new();
    for (place, _) in path.match_indices('/').chain([(path.len(), "")]) {
        let part = &path[..place];
        if !label.is_empty() {
            label.push_str(" › ");
        }
        label.push_str(names.get(part).map_or(part, String::as_str));
    }
    label
}
