//! The configuration of an organization: what its tickets are decided by and administrators change,
//! rarely. It is kept in memory, with the versions that it was read with; the transaction that
//! decides reads the versions of the moment, and uses what was kept only if they are the same.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hashlink::LinkedHashMap;
use waypost_domain::{
    binding::Hook,
    ids::{OrgId, PersonId},
    incident::MajorRule,
    person::Person,
    resolution::{self, Bound},
};
use waypost_store::{
    ReadTx, StoreError,
    config_version::{self, ConfigVersions},
    directory::Directory,
};

use crate::{Desk, tickets::SharedOnce};

/// What an organization's tickets are decided by.
#[derive(Debug, PartialEq)]
pub(crate) struct Configuration {
    /// The organization, its lineage, teams, services and categories.
    pub(crate) directory: Arc<Directory>,
    /// People who may get tickets, approvals or messages: members and leads of teams, owners of
    /// services, who leads what a rule makes a major incident.
    pub(crate) desk_people: Arc<BTreeMap<PersonId, Person>>,
    /// The bindings in force, without the texts of their settings.
    pub(crate) bound: Vec<Arc<Bound>>,
    /// Which of them are asked at each hook, in their order.
    pub(crate) order: Vec<(Hook, Vec<usize>)>,
    /// What the snapshots of its tickets share.
    pub(crate) shared: SharedOnce,
}

impl Configuration {
    async fn load(tx: &mut ReadTx) -> Result<Self, StoreError> {
        let directory = waypost_store::directory::load(tx).await?;
        let desk_people = desk_people(tx, &directory).await?;
        let in_force = waypost_store::binding::in_force(tx).await?.into_iter();
        let bound: Vec<Bound> = in_force
            .map(|(binding, mut revision)| {
                // Only who prepares the policy needs it, and it can be a megabyte.
                revision.settings = String::new();
                Bound { binding, revision }
            })
            .collect();
        let lineage: Vec<OrgId> = directory.lineage.iter().map(|org| org.id).collect();
        let place = |one: &Bound| bound.iter().position(|other| other.binding.id == one.binding.id);
        let order = Hook::ALL
            .iter()
            .map(|hook| {
                let asked = resolution::order(*hook, &lineage, &bound);
                (*hook, asked.into_iter().filter_map(place).collect())
            })
            .collect();
        Ok(Self {
            directory: Arc::new(directory),
            desk_people: Arc::new(desk_people),
            order,
            bound: bound.into_iter().map(Arc::new).collect(),
            shared: SharedOnce::default(),
        })
    }

    /// About how much memory it takes, in bytes.
    fn weight(&self) -> usize {
        let Directory { org: _, lineage, teams, services, categories } = &*self.directory;
        let members: usize = teams.iter().map(|team| team.members.len() + team.serves.len()).sum();
        2048 * (1 + lineage.len())
            // Twice: here, and in what snapshots share.
            + 2048 * (teams.len() + services.len())
            + 512 * self.desk_people.len()
            + 256 * categories.len()
            + 1024 * self.bound.len()
            + 256 * members
    }
}

/// Configurations that were read before, those that were not used for longest first.
#[derive(Default)]
pub(crate) struct Configurations(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    by_org: LinkedHashMap<OrgId, (ConfigVersions, Arc<Configuration>)>,
    bytes: usize,
}

impl Configurations {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The configuration that these versions stand for, if it is kept.
    fn find(&self, org: OrgId, now: &ConfigVersions) -> Option<Arc<Configuration>> {
        let mut kept = self.kept();
        let (versions, found) = kept.by_org.to_back(&org)?;
        versions.are(now).then(|| Arc::clone(found))
    }

    /// Keeps one that was read with these versions, and so many bytes of all at most, as they are
    /// estimated.
    pub(crate) fn keep(
        &self,
        org: OrgId,
        versions: ConfigVersions,
        read: &Arc<Configuration>,
        most: usize,
    ) {
        let mut kept = self.kept();
        kept.bytes += read.weight();
        let before = kept.by_org.insert(org, (versions, Arc::clone(read)));
        kept.bytes -= before.map_or(0, |(_, before)| before.weight());
        while kept.bytes > most
            && let Some((_, (_, oldest))) = kept.by_org.pop_front()
        {
            kept.bytes -= oldest.weight();
        }
    }
}

/// The configuration that the transaction sees. One that was read just now comes with its versions:
/// the caller keeps it with [`Configurations::keep`], once they have done what a new one asks for.
pub(crate) async fn of(
    desk: &Desk,
    tx: &mut ReadTx,
) -> Result<(Arc<Configuration>, Option<ConfigVersions>), StoreError> {
    let versions = config_version::read(tx).await?;
    let org = tx.org();
    if let Some(kept) = desk.configurations.find(org, &versions) {
        if desk.options.checks_configurations && *kept != Configuration::load(tx).await? {
            return Err(StoreError::Corrupt { table: "config_versions", column: "version" });
        }
        return Ok((kept, None));
    }
    Ok((Arc::new(Configuration::load(tx).await?), Some(versions)))
}

async fn desk_people(
    tx: &mut ReadTx,
    directory: &Directory,
) -> Result<BTreeMap<PersonId, Person>, StoreError> {
    let mut ids: Vec<PersonId> = directory
        .teams
        .iter()
        .flat_map(|team| team.members.iter().copied().chain(team.lead).chain(team.on_call))
        .chain(directory.services.iter().filter_map(|service| service.owner))
        .chain(directory.org.settings.fallback_approver)
        .chain(MajorRule::leaders(&directory.org.settings.major_rules))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let people = waypost_store::person::find_many(tx, &ids).await?;
    Ok(people.into_iter().map(|person| (person.id, person)).collect())
}
