//! Labels: the names that stand beside ids in a view.

use std::collections::{BTreeMap, BTreeSet};

use waypost_domain::{
    directory::Lookup,
    ids::{PersonId, ServiceId, TeamId},
};
use waypost_store::{ReadTx, StoreError, person};

use crate::{
    refs::Known,
    tickets::{Named, PersonName},
};

/// The names of the people, teams and services that some views refer to.
pub(crate) struct Labels {
    people: BTreeMap<PersonId, String>,
    known: Known,
}

impl Labels {
    /// Reads the names of these people, and of all teams and services.
    pub(crate) async fn read(
        tx: &mut ReadTx,
        people: impl IntoIterator<Item = PersonId>,
    ) -> Result<Self, StoreError> {
        Ok(Self { people: people_names(tx, people).await?, known: Known::read(tx).await? })
    }

    /// A person's name.
    pub(crate) fn person(&self, id: PersonId) -> PersonName {
        named(&self.people, id)
    }

    /// A team's key and name. A team that does not serve the organization any more is called by its
    /// id.
    pub(crate) fn team(&self, id: TeamId) -> Named {
        self.known.team(id).map_or_else(
            || Named { key: id.to_string(), name: id.to_string() },
            |team| Named { key: team.key.to_string(), name: team.name.clone() },
        )
    }

    /// A service's key and name.
    pub(crate) fn service(&self, id: ServiceId) -> Named {
        self.known.service(id).map_or_else(
            || Named { key: id.to_string(), name: id.to_string() },
            |service| Named { key: service.key.to_string(), name: service.name.clone() },
        )
    }
}

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

/// A person's name. Who can't be read is called by their id: a record still names them.
pub(crate) fn named(names: &BTreeMap<PersonId, String>, id: PersonId) -> PersonName {
    let name = names.get(&id).cloned().unwrap_or_else(|| id.to_string());
    PersonName { id, name }
}
