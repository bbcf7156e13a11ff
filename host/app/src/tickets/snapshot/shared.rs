//! The facts that the snapshots of an organization's tickets share: what it is, its teams and its
//! services. They change only when somebody changes the directory, so they are written down once,
//! and snapshots name them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use waypost_domain::{ids::SnapshotPartId, receipt::SnapshotPart, team::Team};
use waypost_policy::{
    Need,
    form::{self, FormError},
    question,
};

use super::{Snapshot, needs_teams, only, only_of_team, organization_key, service};
use crate::tickets::facts::Facts;

/// The organization, its teams and its services, as they stand.
#[derive(Debug, Default)]
pub(crate) struct SharedFacts {
    facts: Shared,
    /// How evaluations name them; none where no policy is asked.
    pub(crate) part: Option<Arc<SnapshotPart>>,
    /// Whether the part is stored already.
    pub(crate) is_kept: bool,
}

/// The shared facts of a configuration, made once for each month. They follow from the rest of it,
/// so two configurations differ in nothing by them.
#[derive(Debug, Default)]
pub(crate) struct SharedOnce(Mutex<Option<Arc<SharedFacts>>>);

impl PartialEq for SharedOnce {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl SharedOnce {
    /// Those of the month of this moment, if they were made.
    pub(crate) fn at(&self, now: DateTime<Utc>) -> Option<Arc<SharedFacts>> {
        let made = self.made().clone()?;
        let until = made.part.as_ref()?.until;
        (until == next_month(now)).then_some(made)
    }

    pub(crate) fn put(&self, made: &Arc<SharedFacts>) {
        *self.made() = Some(Arc::clone(made));
    }

    fn made(&self) -> MutexGuard<'_, Option<Arc<SharedFacts>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is written down of them. What changes with each ticket and each hour is not there:
/// [`TeamNow`] has it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Shared {
    organization: String,
    lineage: Vec<String>,
    fallback_approver: Option<String>,
    teams: Vec<question::Team>,
    services: Vec<question::Service>,
}

/// How a team stands at a moment: whether it works, and how many open tickets it has. Its load
/// follows from them and its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TeamNow(bool, u32);

impl SharedFacts {
    pub(crate) fn of(facts: &Facts, now: DateTime<Utc>) -> Self {
        let directory = &facts.directory;
        let services = directory.services.iter().filter(|one| one.active);
        let approver = directory.org.settings.fallback_approver;
        let shared = Shared {
            organization: directory.org.key.to_string(),
            lineage: directory.lineage.iter().rev().map(|org| org.key.to_string()).collect(),
            fallback_approver: approver.map(|id| id.to_string()),
            teams: teams(facts).map(|one| team(one, facts)).collect(),
            services: services.filter_map(|one| service(facts, one.id)).collect(),
        };
        let text = form::to_json(&shared);
        let until = next_month(now);
        let digest = Sha256::new_with_prefix(until.to_rfc3339()).chain_update(&text).finalize();
        // As good as unique: half of a digest.
        let id = SnapshotPartId(Uuid::from_u128(u128::from_be_bytes(
            *digest.first_chunk().expect("a digest has 32 bytes"),
        )));
        let part = Some(Arc::new(SnapshotPart { id, text, until }));
        Self { facts: shared, part, is_kept: false }
    }

    /// How its teams stand.
    pub(crate) fn teams_now(&self, facts: &Facts, now: DateTime<Utc>) -> Vec<TeamNow> {
        if self.part.is_none() {
            return Vec::new();
        }
        teams(facts).map(|team| TeamNow::of(team, facts, now)).collect()
    }

    /// What is left of a snapshot to write down.
    pub(crate) fn taken_from(&self, snapshot: &Snapshot) -> Snapshot {
        if self.part.is_none() {
            return snapshot.clone();
        }
        let context = question::Context {
            organization: String::new(),
            layer: String::new(),
            lineage: Vec::new(),
            fallback_approver: None,
            ..snapshot.context.clone()
        };
        Snapshot { ticket: snapshot.ticket.clone(), context, teams_now: snapshot.teams_now.clone() }
    }

    /// The facts that a policy declared, of these and the rest; as [`only()`].
    pub(crate) fn only(
        &self,
        rest: &question::Context,
        teams_now: &[TeamNow],
        layer: &str,
        needs: &[Need],
    ) -> question::Context {
        let Shared { teams, services, .. } = &self.facts;
        let teams = || {
            let each = teams.iter().zip(teams_now);
            each.map(|(team, now)| now.fill(team, needs)).collect()
        };
        question::Context {
            teams: needs_teams(needs).then(teams),
            services: needs.contains(&Need::Services).then(|| services.clone()),
            ..only(rest, layer, needs)
        }
    }
}

/// Puts a kept part back where it was taken from.
pub(crate) fn put_back(
    part: &SnapshotPart,
    teams_now: &[TeamNow],
    context: &mut question::Context,
) -> Result<(), FormError> {
    let Shared { organization, lineage, fallback_approver, teams, services } =
        form::from_json(&part.text)?;
    context.layer.clone_from(&organization);
    context.organization = organization;
    context.lineage = lineage;
    context.fallback_approver = fallback_approver;
    let each = teams.iter().zip(teams_now);
    context.teams = Some(each.map(|(team, now)| now.fill(team, &Need::ALL)).collect());
    context.services = Some(services);
    Ok(())
}

/// Those that serve the organization.
fn teams(facts: &Facts) -> impl Iterator<Item = &Team> {
    let org = facts.directory.org.id;
    facts.directory.teams.iter().filter(move |team| team.serves(org))
}

fn team(team: &Team, facts: &Facts) -> question::Team {
    question::Team {
        organization: organization_key(facts, team.org),
        key: team.key.to_string(),
        name: team.name.clone(),
        open_now: false,
        lead: team.lead.map(|id| id.to_string()),
        load: None,
        open_tickets: None,
        on_call: Some(team.on_call.iter().map(ToString::to_string).collect()),
        members: Some(team.members.iter().map(ToString::to_string).collect()),
    }
}

impl TeamNow {
    fn of(team: &Team, facts: &Facts, now: DateTime<Utc>) -> Self {
        // A provider's team works by its provider's hours, whoever's ticket it is.
        let owner = facts.directory.lineage.iter().find(|org| org.id == team.org);
        let settings = owner.map_or(&facts.directory.org.settings, |org| &org.settings);
        let zone = team.zone.unwrap_or(settings.zone);
        let hours = team.working_hours.as_ref().unwrap_or(&settings.working_hours);
        Self(hours.contains(now, zone), facts.open_of_team(team.id))
    }

    /// What is needed of the team, as it stands.
    fn fill(self, team: &question::Team, needs: &[Need]) -> question::Team {
        let Self(open_now, open_tickets) = self;
        let members = team.members.as_ref().map_or(0, Vec::len).max(1);
        let members = u32::try_from(members).unwrap_or(u32::MAX);
        let needs_load = needs.contains(&Need::TeamLoads);
        question::Team {
            open_now,
            load: needs_load.then(|| open_tickets.saturating_mul(100) / members),
            open_tickets: needs_load.then_some(open_tickets),
            ..only_of_team(team, needs)
        }
    }
}

/// When the month ends. A part is of one month, so that it is known when the last evaluation that
/// has it can go.
fn next_month(now: DateTime<Utc>) -> DateTime<Utc> {
    let month = NaiveDate::from_ymd_opt(now.year(), now.month(), 1);
    let next = month.and_then(|first| first.checked_add_months(Months::new(1)));
    next.map_or(DateTime::<Utc>::MAX_UTC, |next| next.and_time(NaiveTime::MIN).and_utc())
}
