//! The directory, as rules look things up in it: teams, services, configuration items and
//! categories.
//!
//! A key in an input is resolved here, so that an unknown one is refused in the same words
//! everywhere.

use crate::{
    catalog::Category,
    ci::Ci,
    ids::{CiId, OrgId, PersonId, ServiceId, TeamId},
    key::{CategoryPath, Key},
    priority::Level,
    refusal::Faults,
    said,
    said::{Part, Said},
    service::Service,
    team::Team,
};

/// What an organization's tickets can refer to. An implementation may replace the searches by an
/// index.
///
/// Sharable between threads, because whoever holds one may wait for a policy and wake on another
/// thread.
pub trait Lookup: Sync {
    /// The organization's teams, and those of its provider that serve it.
    fn teams(&self) -> &[Team];
    /// The organization's services.
    fn services(&self) -> &[Service];
    /// The organization's configuration items.
    fn cis(&self) -> &[Ci];
    /// The organization's categories.
    fn categories(&self) -> &[Category];

    /// A team by its id.
    fn team(&self, id: TeamId) -> Option<&Team> {
        self.teams().iter().find(|team| team.id == id)
    }

    /// A team by its key; the organization's own before its provider's.
    fn team_named(&self, org: OrgId, key: &str) -> Option<&Team> {
        let named = || self.teams().iter().filter(|team| team.key.as_str() == key);
        named().find(|team| team.org == org).or_else(|| named().next())
    }

    /// A service by its id.
    fn service(&self, id: ServiceId) -> Option<&Service> {
        self.services().iter().find(|service| service.id == id)
    }

    /// A service by its key.
    fn service_named(&self, key: &str) -> Option<&Service> {
        self.services().iter().find(|service| service.key.as_str() == key)
    }

    /// A configuration item by its id.
    fn ci(&self, id: CiId) -> Option<&Ci> {
        self.cis().iter().find(|ci| ci.id == id)
    }

    /// A configuration item by its key.
    fn ci_named(&self, key: &str) -> Option<&Ci> {
        self.cis().iter().find(|ci| ci.key.as_str() == key)
    }

    /// A category by its path.
    fn category(&self, path: &CategoryPath) -> Option<&Category> {
        self.categories().iter().find(|category| category.path == *path)
    }
}

/// Reads the references of an input and notes those that lead nowhere.
pub struct References<'a> {
    /// Where they are looked up.
    pub directory: &'a dyn Lookup,
    /// The organization of the ticket.
    pub org: OrgId,
    /// What is wrong with them.
    pub faults: &'a mut Faults,
}

impl References<'_> {
    /// The team with this key, if tickets of the organization may get it.
    pub fn team(&mut self, pointer: &str, key: &str) -> Option<TeamId> {
        let found = self.directory.team_named(self.org, key);
        let team = found.filter(|team| team.serves(self.org));
        if team.is_none() {
            let keys = self.directory.teams().iter().filter(|team| team.serves(self.org));
            let message = unknown("team", key, keys.map(|team| &team.key));
            self.faults.wrong(pointer, "unknown", message);
        }
        team.map(|team| team.id)
    }

    /// The service with this key, if tickets may name it.
    pub fn service(&mut self, pointer: &str, key: &str) -> Option<ServiceId> {
        let service = self.directory.service_named(key).filter(|service| service.active);
        if service.is_none() {
            let active = self.directory.services().iter().filter(|service| service.active);
            let message = unknown("service", key, active.map(|service| &service.key));
            self.faults.wrong(pointer, "unknown", message);
        }
        service.map(|service| service.id)
    }

    /// The configuration item with this key, if tickets may name it.
    pub fn ci(&mut self, pointer: &str, key: &str) -> Option<CiId> {
        let ci = self.directory.ci_named(key).filter(|ci| ci.active);
        if ci.is_none() {
            let active = self.directory.cis().iter().filter(|ci| ci.active);
            let message = unknown("configuration item", key, active.map(|ci| &ci.key));
            self.faults.wrong(pointer, "unknown", message);
        }
        ci.map(|ci| ci.id)
    }

    /// The category with this path, if tickets may get it.
    pub fn category(&mut self, pointer: &str, path: &str) -> Option<CategoryPath> {
        let category = path
            .parse::<CategoryPath>()
            .ok()
            .filter(|path| self.directory.category(path).is_some_and(|category| category.active));
        if category.is_none() {
            let active = self.directory.categories().iter().filter(|category| category.active);
            let message = unknown("category", path, active.map(|category| &category.path));
            self.faults.wrong(pointer, "unknown", message);
        }
        category
    }

    /// An impact, urgency or priority between 1 and `most`.
    pub fn level(&mut self, pointer: &str, level: u8, most: u8) -> Option<Level> {
        if (1..=most).contains(&level) {
            return Some(Level(level));
        }
        let message =
            said!("{level} is not a valid level; use 1 (highest) to {most} (lowest).", level, most);
        self.faults.wrong(pointer, "out-of-range", message);
        None
    }
}

impl Team {
    /// Whether tickets of this organization may get it.
    #[must_use]
    pub fn serves(&self, org: OrgId) -> bool {
        self.active && (self.org == org || self.serves.contains(&org))
    }

    /// Whether this person works in it.
    #[must_use]
    pub fn has_member(&self, person: PersonId) -> bool {
        self.members.contains(&person)
    }
}

/// Notes what is wrong with an owner of an organization's work: the team, or a person who does not
/// work in it.
pub(crate) fn check_owner(
    org: OrgId,
    team: TeamId,
    assignee: Option<PersonId>,
    directory: &dyn Lookup,
    faults: &mut Faults,
) {
    let Some(found) = directory.team(team).filter(|found| found.serves(org)) else {
        let message =
            said!("The team is inactive or does not serve this organization; name another one.");
        faults.wrong("/team", "not-serving", message);
        return;
    };
    if assignee.is_some_and(|person| !found.has_member(person)) {
        let message = said!(
            "This person is not a member of the team `{key}`; name a member, or one of the person's \
             teams.",
            key = found.key
        );
        faults.wrong("/assignee", "not-a-member", message);
    }
}

/// As many as a reader takes in at a glance; a longer list is looked up elsewhere.
const LISTED: usize = 12;

fn unknown<'a, K: ToString + 'a>(
    what: &'static str,
    given: &str,
    valid: impl Iterator<Item = &'a K>,
) -> Said {
    let what = Part::word("what", what);
    let mut valid = valid.map(ToString::to_string).collect::<Vec<_>>();
    valid.sort_unstable();
    match valid.len() {
        0 => said!("There is no active {what} `{given}`; none is active.", what, given),
        1..=LISTED => {
            let valid = Part::all(&valid);
            said!("There is no active {what} `{given}`; use one of: {valid}.", what, given, valid)
        }
        more => said!(
            "There is no active {what} `{given}` among the {more} in the directory.",
            what,
            given,
            more
        ),
    }
}

/// The key of a team as text, or its id where the directory does not know it any more.
pub(crate) fn team_text(directory: Option<&dyn Lookup>, id: TeamId) -> String {
    text(directory.and_then(|directory| directory.team(id)).map(|team| &team.key), id)
}

/// The key of a service as text, or its id.
pub(crate) fn service_text(directory: Option<&dyn Lookup>, id: ServiceId) -> String {
    text(directory.and_then(|directory| directory.service(id)).map(|service| &service.key), id)
}

/// The key of a configuration item as text, or its id.
pub(crate) fn ci_text(directory: Option<&dyn Lookup>, id: CiId) -> String {
    text(directory.and_then(|directory| directory.ci(id)).map(|ci| &ci.key), id)
}

fn text(key: Option<&Key>, id: impl Copy + ToString) -> String {
    key.map_or_else(|| id.to_string(), |key| key.as_str().to_owned())
}
