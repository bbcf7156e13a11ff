//! Labels: the names that stand beside ids in a view.

use std::collections::{BTreeMap, BTreeSet};

use waypost_domain::{
    directory::Lookup,
    field::Value,
    ids::{OrgId, PersonId, ServiceId, TeamId},
    key::Key,
};
use waypost_store::{ReadTx, StoreError, organization, person};

use crate::{
    refs::Known,
    tickets::{Named, PersonName},
};

/// The names of the people, teams, services and organizations that some views refer to.
#[derive(Debug)]
pub struct Labels {
    people: BTreeMap<PersonId, String>,
    known: Option<Known>,
    /// The organization and those above it.
    lineage: BTreeMap<OrgId, Key>,
    /// The organizations that teams serve, as far as the caller may know them.
    pub(crate) served: BTreeMap<OrgId, Key>,
}

impl Labels {
    /// Reads the names of these people, and of all teams and services.
    pub(crate) async fn read(
        tx: &mut ReadTx,
        people: impl IntoIterator<Item = PersonId>,
    ) -> Result<Self, StoreError> {
        let (people, known) = (people_names(tx, people).await?, Known::read(tx).await?);
        let (lineage, served) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { people, known: Some(known), lineage, served })
    }

    /// Reads the names of what these values refer to, but for organizations that are served.
    pub(crate) async fn of(
        tx: &mut ReadTx,
        values: impl Iterator<Item = Value>,
    ) -> Result<Self, StoreError> {
        let (mut people, mut knows, mut is_of) = (BTreeSet::new(), false, false);
        for value in values {
            knows |= matches!(value, Value::Team(_) | Value::Service(_));
            is_of |= matches!(value, Value::Organization(_));
            if let Value::Person(id) = value {
                people.insert(id);
            } else if let Value::People(ids) = value {
                people.extend(ids);
            }
        }
        let above = if is_of { organization::lineage(tx).await? } else { Vec::new() };
        Ok(Self {
            people: people_names(tx, people).await?,
            known: if knows { Some(Known::read(tx).await?) } else { None },
            lineage: above.into_iter().map(|layer| (layer.id, layer.key)).collect(),
            served: BTreeMap::new(),
        })
    }

    /// A person's name.
    #[must_use]
    pub fn person(&self, id: PersonId) -> PersonName {
        person_name(&self.people, id)
    }

    /// A team's key and name.
    #[must_use]
    pub fn team(&self, id: TeamId) -> Named {
        self.known.as_ref().and_then(|known| known.team(id)).map_or_else(
            || former_team(id),
            |team| Named { key: team.key.to_string(), name: team.name.clone() },
        )
    }

    /// A service's key and name.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> Named {
        self.known.as_ref().and_then(|known| known.service(id)).map_or_else(
            || Named { key: id.to_string(), name: "a former service".to_owned() },
            |service| Named { key: service.key.to_string(), name: service.name.clone() },
        )
    }

    /// The key of the organization, or of one above it.
    #[must_use]
    pub fn organization(&self, id: OrgId) -> Option<&Key> {
        self.lineage.get(&id)
    }

    /// The key of an organization that a team serves, if the caller may know of it.
    #[must_use]
    pub fn served(&self, id: OrgId) -> Option<&Key> {
        self.served.get(&id)
    }
}

/// What somebody is called of whom the organization need not know any more who they are.
pub const FORMER_MEMBER: &str = "a former member";
/// What a team is called that serves the organization no more.
pub const FORMER_TEAM: &str = "a former team";

/// The names of these people, as far as the organization may know them.
pub(crate) async fn people_names(
    tx: &mut ReadTx,
    people: impl IntoIterator<Item = PersonId>,
) -> Result<BTreeMap<PersonId, String>, StoreError> {
    let people = people.into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>();
    if people.is_empty() {
        return Ok(BTreeMap::new());
    }
    let found = person::find_many(tx, &people).await?;
    Ok(found.into_iter().map(|person| (person.id, person.name)).collect())
}

/// A person's name. Records go on naming people of providers that serve the organization no more;
/// who they are it need not know.
#[must_use]
pub fn person_name(names: &BTreeMap<PersonId, String>, id: PersonId) -> PersonName {
    let known = names.get(&id).cloned();
    let is_former = known.is_none();
    PersonName { id, name: known.unwrap_or_else(|| FORMER_MEMBER.to_owned()), is_former }
}

/// A team that serves the organization no more. Its key is its id, by which it can still be told
/// from others.
pub(crate) fn former_team(id: TeamId) -> Named {
    Named { key: id.to_string(), name: FORMER_TEAM.to_owned() }
}
