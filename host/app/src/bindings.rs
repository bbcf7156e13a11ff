//! Bindings: which policy an organization asks at which hooks, in which order, with which settings.
//!
//! A revision never changes. [`revise`] makes another and [`roll_back`] makes an earlier one the
//! active one; both take effect for the next ticket. Everything is checked, with the policy itself,
//! before anything changes.

mod bind;
mod changes;
mod order;
mod switch;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use waypost_domain::{
    binding::{Binding, Fallback, Hook, Hooks, LimitChanges, Pause, Revision, Switch},
    ids::{BindingId, OrgId},
    key::Key,
    refusal::FieldFault,
    suggestion::SuggestionCounts,
};
use waypost_store::{
    ReadTx, binding, binding_pause, binding_switch, component, component::ComponentName,
    organization, suggestion,
};

use crate::{
    Caller, CommandError, Desk, Missing,
    labels::Labels,
    tickets::{Named, PersonName},
};

pub use crate::input::without_schema;
pub use crate::layers::{Readiness, prepare_all};
pub use bind::{ComponentChoice, NewBinding, NewRevision, Run, bind, revise};
pub(crate) use bind::{check_data, check_limits, data_files};
pub use order::{HookOrder, InForce, in_force};
pub use switch::{disable, enable, roll_back};

/// A binding, with its active revision.
#[derive(Debug, Clone, PartialEq)]
pub struct BindingView {
    /// The binding.
    pub binding: Binding,
    /// The key of the layer: the organization that made it.
    pub layer: Key,
    /// The revision in force.
    pub active: RevisionView,
    /// The hooks at which it is not asked now, because it failed too often there.
    pub paused: Vec<Paused>,
    /// What the settings name that nobody has. Found when it is bound or revised, and empty at any
    /// other time.
    pub warnings: Vec<FieldFault>,
}

/// A binding's circuit breaker is open at a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paused {
    /// The hook.
    pub hook: Hook,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it is tried again.
    pub until: DateTime<Utc>,
}

/// A revision, with the names of what it refers to.
#[derive(Debug, Clone, PartialEq)]
pub struct RevisionView {
    /// 1, 2, 3, …
    pub number: i64,
    /// The hooks that it serves.
    pub hooks: Hooks,
    /// Lower is asked first within the layer, at each of the hooks.
    pub position: i64,
    /// The component's digest.
    pub component: String,
    /// The component's name and version, where the organization may see it.
    pub policy: Option<PolicyName>,
    /// The settings, as the JSON text that was checked.
    pub settings: String,
    /// The digest of the settings.
    pub settings_digest: String,
    /// The digest of the data files.
    pub data_digest: String,
    /// Limits that differ from the installation's.
    pub limits: LimitChanges,
    /// The team that gets the ticket when the policy fails; none asks the next policy.
    pub fallback_team: Option<Named>,
    /// Whether lower layers can neither replace it nor answer before it.
    pub locked: bool,
    /// Whether the unlocked bindings of the layers above are not asked at its hooks.
    pub replaces_above: bool,
    /// Why it was made.
    pub note: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// By whom; none from the command line or a program.
    pub created_by: Option<PersonName>,
}

/// What a component calls itself, or called itself before it was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyName {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl PolicyName {
    /// The names of all components that decide or decided for the organization, by digest.
    pub(crate) async fn all(tx: &mut ReadTx) -> Result<BTreeMap<String, Self>, CommandError> {
        let named = component::names(tx).await?.into_iter();
        let name = |(digest, ComponentName { name, version })| (digest, Self { name, version });
        Ok(named.map(name).collect())
    }
}

/// A binding with its history.
#[derive(Debug, Clone, PartialEq)]
pub struct BindingDetail {
    /// The binding.
    pub view: BindingView,
    /// All its revisions, the first one first.
    pub revisions: Vec<RevisionView>,
    /// What each of them changed of the one before it, a line for each difference; nothing of the
    /// first one.
    pub changes: Vec<Vec<String>>,
    /// The data files of the active revision: name and size in bytes.
    pub data: Vec<(String, usize)>,
    /// Who enabled, disabled or rolled it back, the first one first.
    pub switches: Vec<Switch>,
    /// What became of its suggestions to this organization in the last 90 days, as far as their
    /// receipts are kept.
    pub suggestions: SuggestionCounts,
}

/// Lists the organization's own bindings, of one hook or of all, disabled ones too, in the order
/// they are asked. For the desk.
///
/// # Errors
/// [`CommandError::Forbidden`] for a requester.
pub async fn list(
    desk: &Desk,
    caller: &Caller,
    hook: Option<Hook>,
) -> Result<Vec<BindingView>, CommandError> {
    caller.must_be_desk()?;
    let mut tx = desk.store.read(caller.org).await?;
    let mut bound = binding::list(&mut tx).await?;
    bound.retain(|(_, revision)| hook.is_none_or(|hook| revision.hooks.contains(hook)));
    let names = Names::read(&mut tx, bound.iter().map(|(_, revision)| revision)).await?;
    Ok(bound.into_iter().map(|(binding, revision)| names.view(binding, revision)).collect())
}

/// Reads one of the organization's own bindings with all its revisions. For the desk.
///
/// # Errors
/// [`CommandError::NotFound`].
pub async fn find(
    desk: &Desk,
    caller: &Caller,
    id: BindingId,
) -> Result<BindingDetail, CommandError> {
    caller.must_be_desk()?;
    let mut tx = desk.store.read(caller.org).await?;
    let found = load(&mut tx, id).await?;
    let revisions = binding::revisions(&mut tx, id).await?;
    let data = binding::revision_data(&mut tx, id, found.active_revision).await?;
    let switches = binding_switch::of_binding(&mut tx, id).await?;
    let counts = suggestion::counts(&mut tx, Some(id), caller.now - COUNTED).await?;
    let suggestions = counts.get(&id).copied().unwrap_or_default();
    let names = Names::read(&mut tx, &revisions).await?;
    let active = active(&mut tx, &found).await?;
    let revisions: Vec<RevisionView> =
        revisions.into_iter().map(|revision| names.revision(revision)).collect();
    let later = revisions.windows(2).map(|pair| changes::between(&pair[0], &pair[1]));
    Ok(BindingDetail {
        view: names.view(found, active),
        changes: std::iter::once(Vec::new()).chain(later).collect(),
        revisions,
        data: data.into_iter().map(|(name, content)| (name, content.len())).collect(),
        switches,
        suggestions,
    })
}

/// What a revision was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The settings, as the JSON text that was checked.
    pub settings: String,
    /// The data files: name and content.
    pub data: Vec<(String, Vec<u8>)>,
}

/// Reads what one of the organization's own bindings was given with a revision, or with the one in
/// force. For the desk.
///
/// # Errors
/// [`CommandError::NotFound`].
pub async fn given(
    desk: &Desk,
    caller: &Caller,
    id: BindingId,
    revision: Option<i64>,
) -> Result<Given, CommandError> {
    caller.must_be_desk()?;
    let mut tx = desk.store.read(caller.org).await?;
    let found = load(&mut tx, id).await?;
    let number = revision.unwrap_or(found.active_revision);
    let revision = binding::find_revision(&mut tx, id, number).await?;
    let Revision { settings, .. } = revision.ok_or(CommandError::NotFound(Missing::Revision))?;
    Ok(Given { settings, data: binding::revision_data(&mut tx, id, number).await? })
}

/// Suggestions are counted for so long: how a policy fares is seen from the latest, and an
/// organization may have millions.
const COUNTED: TimeDelta = TimeDelta::days(90);

/// What became of the suggestions of each binding that made any in the last 90 days, as far as
/// their receipts are kept. For the desk.
///
/// # Errors
/// [`CommandError::Forbidden`] for a requester.
pub async fn suggestions(
    desk: &Desk,
    caller: &Caller,
) -> Result<BTreeMap<BindingId, SuggestionCounts>, CommandError> {
    caller.must_be_desk()?;
    let mut tx = desk.store.read(caller.org).await?;
    Ok(suggestion::counts(&mut tx, None, caller.now - COUNTED).await?)
}

/// Finds the id of one of the organization's own bindings by its name. For the desk.
///
/// # Errors
/// [`CommandError::NotFound`].
pub async fn by_name(desk: &Desk, caller: &Caller, name: &str) -> Result<BindingId, CommandError> {
    caller.must_be_desk()?;
    let mut tx = desk.store.read(caller.org).await?;
    let found = binding::find_by_name(&mut tx, name).await?;
    Ok(found.ok_or(CommandError::NotFound(Missing::Binding))?.id)
}

async fn load(tx: &mut ReadTx, id: BindingId) -> Result<Binding, CommandError> {
    binding::find(tx, id).await?.ok_or(CommandError::NotFound(Missing::Binding))
}

/// The revision in force.
async fn active(tx: &mut ReadTx, binding: &Binding) -> Result<Revision, CommandError> {
    let revision = binding::find_revision(tx, binding.id, binding.active_revision).await?;
    revision.ok_or(CommandError::NotFound(Missing::Revision))
}

/// The view of one binding.
async fn view(
    tx: &mut ReadTx,
    binding: Binding,
    revision: Revision,
) -> Result<BindingView, CommandError> {
    let names = Names::read(tx, [&revision]).await?;
    Ok(names.view(binding, revision))
}

/// The names that views of bindings show.
struct Names {
    labels: Labels,
    policies: BTreeMap<String, PolicyName>,
    layers: BTreeMap<OrgId, Key>,
    pauses: Vec<Pause>,
}

impl Names {
    async fn read(
        tx: &mut ReadTx,
        revisions: impl IntoIterator<Item = &Revision>,
    ) -> Result<Self, CommandError> {
        let people = revisions.into_iter().filter_map(|revision| revision.created_by);
        let labels = Labels::read(tx, people.collect::<Vec<_>>()).await?;
        let policies = PolicyName::all(tx).await?;
        let lineage = organization::lineage(tx).await?.into_iter();
        Ok(Self {
            labels,
            policies,
            layers: lineage.map(|layer| (layer.id, layer.key)).collect(),
            pauses: binding_pause::in_force(tx).await?,
        })
    }

    fn view(&self, binding: Binding, revision: Revision) -> BindingView {
        let paused = revision.hooks.as_slice().iter().filter_map(|hook| {
            let at = (binding.id, revision.number, *hook);
            let pauses = &mut self.pauses.iter();
            let pause = pauses.find(|one| (one.binding, one.revision, one.hook) == at)?;
            Some(Paused { hook: *hook, since: pause.since, until: pause.until })
        });
        let paused = paused.collect();
        // Bindings are read from the organization's own lineage only.
        let layer = self.layers[&binding.org].clone();
        let active = self.revision(revision);
        BindingView { layer, active, paused, binding, warnings: Vec::new() }
    }

    fn revision(&self, revision: Revision) -> RevisionView {
        RevisionView {
            number: revision.number,
            hooks: revision.hooks,
            position: revision.position,
            policy: self.policies.get(&revision.component).cloned(),
            component: revision.component,
            settings: revision.settings,
            settings_digest: revision.settings_digest,
            data_digest: revision.data_digest,
            limits: revision.limits,
            fallback_team: match revision.fallback {
                Fallback::Next => None,
                Fallback::Team(team) => Some(self.labels.team(team)),
            },
            locked: revision.locked,
            replaces_above: revision.replaces_above,
            note: revision.note,
            created_at: revision.created_at,
            created_by: revision.created_by.map(|id| self.labels.person(id)),
        }
    }
}
