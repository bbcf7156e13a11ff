//! Layers: the policies in force for an organization, from its own layer and those above, ready to
//! be asked.

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use waypost_domain::{
    binding::{Hook, LimitChanges, Pause, Revision},
    ids::{BindingId, OrgId},
    resolution::Bound,
};
use waypost_policy::{
    BreakerKey, BreakerOpen, DataFile, Digest, Limits, Need, Patience, PolicyRuntime,
    PrepareRefused, Prepared,
};
use waypost_store::{ReadTx, StoreError, binding_pause};

use crate::{
    Caller, CommandError, Desk,
    configuration::{self, Configuration},
    preparing::{Bytes, Recipe},
    same_cases::same_cases,
};

/// A binding in force, ready to be asked, or the reason why it is not.
pub(crate) struct Asked {
    /// The binding, with its active revision, but without the text of its settings.
    pub(crate) bound: Arc<Bound>,
    /// The configured policy; a broken binding is a fact about that binding, not about the desk.
    pub(crate) prepared: Result<Arc<Prepared>, String>,
    /// The key of the organization that made the binding.
    pub(crate) layer: String,
    /// The installation's wall-clock limit of a decision.
    pub(crate) deadline: Duration,
}

impl Deref for Asked {
    type Target = Bound;

    fn deref(&self) -> &Bound {
        &self.bound
    }
}

impl Asked {
    /// The facts that the policy declared for a hook.
    pub(crate) fn needs(&self, hook: Hook) -> &[Need] {
        self.prepared
            .as_ref()
            .ok()
            .and_then(|prepared| prepared.description().needs(policy_hook(hook)))
            .unwrap_or_default()
    }

    /// The key of its circuit breaker at a hook. A new revision starts with a closed one.
    pub(crate) fn breaker_key(&self, hook: Hook) -> BreakerKey {
        breaker_key(self.binding.id, self.revision.number, hook)
    }

    /// What one decision may use.
    pub(crate) fn limits(&self, hook: Hook) -> Limits {
        limits_of(hook, &self.revision.limits, self.deadline)
    }
}

/// What one decision may use: the installation's limits of the hook, with these changes.
pub(crate) fn limits_of(hook: Hook, changes: &LimitChanges, deadline: Duration) -> Limits {
    let mut limits = Limits { deadline, ..Limits::of(policy_hook(hook)) };
    if let Some(fuel) = changes.fuel {
        limits.fuel = fuel;
    }
    if let Some(deadline_ms) = changes.deadline_ms {
        limits.deadline = Duration::from_millis(deadline_ms.into());
    }
    if let Some(bytes) = changes.memory_bytes {
        limits.memory_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    }
    limits
}

/// The key of a binding's breaker: one for each hook, so that a policy that fails at one of them is
/// asked at the others.
pub(crate) fn breaker_key(binding: BindingId, revision: i64, hook: Hook) -> BreakerKey {
    let revision = u32::try_from(revision).unwrap_or(u32::MAX);
    BreakerKey { binding: binding.0, revision, hook: policy_hook(hook) }
}

same_cases! {
    /// The hook in the runtime's words.
    pub(crate) fn policy_hook(Hook) -> waypost_policy::Hook {
        Categorize, Route, Plan, Stalled, Notify,
    }
}

/// The policies in force for one organization, each hook's in the order in which they are asked.
#[derive(Default)]
pub(crate) struct Layers {
    hooks: HashMap<Hook, Vec<Arc<Asked>>>,
}

impl Layers {
    /// The policies bound to a hook, in the order in which they are asked.
    pub(crate) fn of(&self, hook: Hook) -> &[Arc<Asked>] {
        self.hooks.get(&hook).map_or(&[], Vec::as_slice)
    }

    /// Whether no policy is asked anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.hooks.values().all(Vec::is_empty)
    }

    /// Whether any policy of these hooks declared to need a fact.
    pub(crate) fn need(&self, fact: Need) -> bool {
        self.hooks
            .iter()
            .any(|(hook, asked)| asked.iter().any(|one| one.needs(*hook).contains(&fact)))
    }
}

/// Which configured policy belongs to a revision, so that a ticket needs neither a component's
/// bytes nor a binding's data.
///
/// A revision never changes, so nothing here can be outdated. The policies themselves are kept by
/// the runtime, within its bound; what it has let go of is found again on disk.
#[derive(Default)]
pub(crate) struct PreparedRevisions {
    known: Mutex<HashMap<(BindingId, i64), Digest>>,
    refused: Mutex<HashMap<(BindingId, i64), Refusal>>,
    /// What is being prepared now, for however many tickets.
    making: Mutex<HashMap<(BindingId, i64), watch::Receiver<Outcome>>>,
}

/// What came of preparing a revision; none while it is not over.
type Outcome = Option<Result<Arc<Prepared>, String>>;

/// Why a revision could not be prepared. Its component, settings and data never change, but the
/// machine's state does.
struct Refusal {
    at: DateTime<Utc>,
    why: String,
}

/// How long a revision that could not be prepared is left alone: trying costs a turn at compiling,
/// and a broken binding of the platform would cost each organization one for each of its tickets.
const LEFT_ALONE: TimeDelta = TimeDelta::minutes(1);

/// How long a ticket waits for a policy that is being prepared. Preparing goes on; until it is over
/// the policy is not asked, and its fallback decides.
const WAITED_FOR: Duration = Duration::from_secs(10);

/// Enough for hundreds of clients with a handful of bindings each; an entry is a digest.
const KEPT_REVISIONS: usize = 16 * 1024;

impl PreparedRevisions {
    fn find(&self, runtime: &PolicyRuntime, at: (BindingId, i64)) -> Option<Arc<Prepared>> {
        let key = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            *known.get(&at)?
        };
        runtime.at_hand(key)
    }

    fn keep(&self, at: (BindingId, i64), prepared: &Prepared) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT_REVISIONS {
            known.clear();
        }
        known.insert(at, prepared.key());
    }

    /// Why a revision is not to be prepared now.
    fn refusal(&self, at: (BindingId, i64), now: DateTime<Utc>) -> Option<String> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let refusal = refused.get(&at)?;
        // Of callers whose clocks differ a little, the one that is behind leaves it alone too.
        ((now - refusal.at).abs() < LEFT_ALONE).then(|| refusal.why.clone())
    }

    /// Lets the next ticket try again a revision that could not be prepared: somebody has mended
    /// it.
    pub(crate) fn pardon(&self, at: (BindingId, i64)) {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).remove(&at);
    }

    fn refuse(&self, at: (BindingId, i64), why: &str, now: DateTime<Utc>) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() >= KEPT_REVISIONS {
            refused.clear();
        }
        refused.insert(at, Refusal { at: now, why: why.to_owned() });
    }

    /// Where the outcome of preparing a revision is told, and where to tell it, if nobody prepares
    /// it yet.
    fn making(
        &self,
        at: (BindingId, i64),
    ) -> (watch::Receiver<Outcome>, Option<watch::Sender<Outcome>>) {
        let mut making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        // One whose sender is gone was lost.
        if let Some(told) = making.get(&at)
            && told.has_changed().is_ok()
        {
            return (told.clone(), None);
        }
        let (tell, told) = watch::channel(None);
        making.insert(at, told.clone());
        (told, Some(tell))
    }

    fn made(&self, at: (BindingId, i64)) {
        self.making.lock().unwrap_or_else(PoisonError::into_inner).remove(&at);
    }
}

/// Opens a read transaction with the organization's directory and the policies in force for it.
///
/// Policies that are not ready are made ready with no transaction open, which compiles at the first
/// use on a new machine and takes no time later; a ticket waits for that a while, and then goes on
/// without them. Then the read starts over, so that what is returned is one consistent view.
pub(crate) async fn open(
    desk: &Desk,
    caller: &Caller,
    mut begun: Option<ReadTx>,
) -> Result<(ReadTx, Arc<Configuration>, Layers), StoreError> {
    // Held on to until all are ready: together they may be more than the runtime keeps.
    let mut ready = HashMap::new();
    let mut broken = HashMap::new();
    loop {
        let mut tx = match begun.take() {
            Some(begun) => begun,
            None => desk.store.read(caller.org).await?,
        };
        let configuration = configured(desk, &mut tx).await?;
        let mut unprepared = Vec::new();
        for revision in configuration.bound.iter().map(|bound| &bound.revision) {
            let at = (revision.binding, revision.number);
            if ready.contains_key(&at) || broken.contains_key(&at) {
                continue;
            }
            if let Some(prepared) = desk.prepared.find(&desk.runtime, at) {
                ready.insert(at, prepared);
                continue;
            }
            match desk.prepared.refusal(at, caller.now) {
                Some(why) => {
                    broken.insert(at, why);
                }
                None => unprepared.push(Unprepared::load(&mut tx, revision).await?),
            }
        }
        if unprepared.is_empty() {
            let layers = arrange(desk, &configuration, &ready, &broken);
            return Ok((tx, configuration, layers));
        }
        drop(tx);
        for one in unprepared {
            let at = one.at;
            match one.prepare_for_ticket(desk, caller).await {
                Ok(prepared) => {
                    ready.insert(at, prepared);
                }
                Err(why) => {
                    broken.insert(at, why);
                }
            }
        }
    }
}

/// The configuration that a transaction sees.
pub(crate) async fn configured(
    desk: &Desk,
    tx: &mut ReadTx,
) -> Result<Arc<Configuration>, StoreError> {
    let (configuration, new) = configuration::of(desk, tx).await?;
    if let Some(versions) = new {
        // Before it is kept, or whoever finds it kept would take it that this was done.
        adopt_pauses(desk, tx, &configuration.bound).await?;
        let most = desk.options.configuration_kept_bytes;
        desk.configurations.keep(tx.org(), versions, &configuration, most);
    }
    Ok(configuration)
}

/// Takes over what other processes found out of the bindings in force, or did to them.
async fn adopt_pauses(
    desk: &Desk,
    tx: &mut ReadTx,
    bound: &[Arc<Bound>],
) -> Result<(), StoreError> {
    let pauses = binding_pause::in_force(tx).await?;
    for revision in bound.iter().map(|bound| &bound.revision) {
        for hook in revision.hooks.as_slice() {
            let at = (revision.binding, revision.number, *hook);
            let pause = pauses.iter().find(|one| (one.binding, one.revision, one.hook) == at);
            let pause = pause.map(|&Pause { since, until, .. }| BreakerOpen { since, until });
            desk.runtime.breaker(breaker_key(at.0, at.1, at.2)).adopt(pause);
        }
    }
    Ok(())
}

/// How many of the policies in force are ready to be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Ready.
    pub ready: usize,
    /// Can't be prepared; the log names each.
    pub broken: usize,
}

/// Makes the policies of all organizations ready to be asked, one after the other, so that after a
/// start no ticket waits for a compiler. What was prepared before is found on disk, which takes no
/// time.
///
/// # Errors
/// What the database says. What was made ready until then stays so.
pub async fn prepare_all(desk: &Desk, now: DateTime<Utc>) -> Result<Readiness, CommandError> {
    let mut tx = desk.store.system_read().await?;
    let revisions = waypost_store::binding::all_active(&mut tx).await?;
    drop(tx);
    let mut readiness = Readiness::default();
    for (org, revision) in revisions {
        // A transaction for each: compiling takes long, and no view of the database is kept open
        // for it.
        let mut tx = desk.store.read(org).await?;
        let unprepared = Unprepared::load(&mut tx, &revision).await?;
        drop(tx);
        match unprepared.prepare_or_refuse(desk, org, Patience::Background, now).await {
            Ok(_) => readiness.ready += 1,
            Err(_) => readiness.broken += 1,
        }
    }
    Ok(readiness)
}

fn arrange(
    desk: &Desk,
    configuration: &Configuration,
    ready: &HashMap<(BindingId, i64), Arc<Prepared>>,
    broken: &HashMap<(BindingId, i64), String>,
) -> Layers {
    let Configuration { directory, bound, order, .. } = configuration;
    let asked: Vec<Arc<Asked>> = bound
        .iter()
        .map(|bound| {
            let Bound { binding, revision } = &**bound;
            let at = (revision.binding, revision.number);
            let why =
                || broken.get(&at).cloned().unwrap_or_else(|| "it is being prepared".to_owned());
            let prepared = ready.get(&at).cloned().ok_or_else(why);
            let made_by = directory.lineage.iter().find(|org| org.id == binding.org);
            let layer = made_by.map_or_else(|| binding.org.to_string(), |org| org.key.to_string());
            let deadline = desk.options.deadline();
            Arc::new(Asked { bound: Arc::clone(bound), prepared, layer, deadline })
        })
        .collect();
    let of = |places: &Vec<usize>| {
        places.iter().filter_map(|place| asked.get(*place).map(Arc::clone)).collect()
    };
    Layers { hooks: order.iter().map(|(hook, places)| (*hook, of(places))).collect() }
}

/// The configured policy of one revision, or why there is none. For asking again what was asked
/// before.
pub(crate) async fn prepared(
    desk: &Desk,
    org: OrgId,
    revision: &Revision,
) -> Result<Result<Arc<Prepared>, String>, StoreError> {
    let at = (revision.binding, revision.number);
    if let Some(prepared) = desk.prepared.find(&desk.runtime, at) {
        return Ok(Ok(prepared));
    }
    let mut tx = desk.store.read(org).await?;
    let unprepared = Unprepared::load(&mut tx, revision).await?;
    drop(tx);
    let prepared = unprepared.prepare(desk, org, Patience::Request).await;
    Ok(prepared.map_err(|unready| unready.why))
}

/// A revision with everything that preparing it takes.
struct Unprepared {
    at: (BindingId, i64),
    recipe: Result<Recipe, String>,
}

/// Why a revision is not ready.
struct Unready {
    why: String,
    /// Whether it was tried, so that trying again at once would come to the same.
    is_tried: bool,
}

impl Unprepared {
    async fn load(tx: &mut ReadTx, revision: &Revision) -> Result<Self, StoreError> {
        let at = (revision.binding, revision.number);
        let whole = waypost_store::binding::find_revision(tx, at.0, at.1).await?;
        let revision = whole.as_ref().unwrap_or(revision);
        let Ok(component) = revision.component.parse() else {
            return Ok(Self {
                at,
                recipe: Err(format!("`{}` is not a valid digest", revision.component)),
            });
        };
        let data =
            waypost_store::binding::revision_data(tx, revision.binding, revision.number).await?;
        let data = data
            .into_iter()
            .map(|(name, content)| DataFile { name, content: content.into() })
            .collect();
        let settings = revision.settings.clone();
        let hooks = revision.hooks.as_slice().to_vec();
        let recipe = Recipe { component, bytes: Bytes::Stored, settings, data, hooks };
        Ok(Self { at, recipe: Ok(recipe) })
    }

    /// Prepares it, unless that is being done already, and waits a while for what comes of it.
    async fn prepare_for_ticket(
        self,
        desk: &Desk,
        caller: &Caller,
    ) -> Result<Arc<Prepared>, String> {
        let (at, org, now) = (self.at, caller.org, caller.now);
        let (mut told, tell) = desk.prepared.making(at);
        if let Some(tell) = tell {
            let desk = desk.clone();
            // A task of its own, because it is for the next tickets too.
            tokio::spawn(async move {
                let made = self.prepare_or_refuse(&desk, org, Patience::Ticket, now).await;
                tell.send_replace(Some(made));
                desk.prepared.made(at);
            });
        }
        let being_prepared = || Err("it is being prepared".to_owned());
        match tokio::time::timeout(WAITED_FOR, told.wait_for(Option::is_some)).await {
            Ok(Ok(made)) => made.clone().unwrap_or_else(being_prepared),
            Ok(Err(_)) => Err("preparing the policy was interrupted".to_owned()),
            Err(_) => being_prepared(),
        }
    }

    /// Prepares it, or notes why not, so that it is left alone for a while.
    async fn prepare_or_refuse(
        self,
        desk: &Desk,
        org: OrgId,
        patience: Patience,
        now: DateTime<Utc>,
    ) -> Result<Arc<Prepared>, String> {
        let at = self.at;
        self.prepare(desk, org, patience).await.map_err(|unready| {
            let Unready { why, is_tried } = unready;
            tracing::warn!(binding.id = %at.0, revision = at.1, why, "a policy cannot be prepared");
            if is_tried {
                desk.prepared.refuse(at, &why, now);
            }
            why
        })
    }

    /// Prepares it, and keeps in mind that it is.
    async fn prepare(
        self,
        desk: &Desk,
        org: OrgId,
        patience: Patience,
    ) -> Result<Arc<Prepared>, Unready> {
        let at = self.at;
        let tried = |why| Unready { why, is_tried: true };
        let prepared = self.recipe.map_err(tried)?.prepare(desk, org, patience).await;
        let prepared = prepared
            .map_err(|_| tried("preparing the policy was interrupted".to_owned()))?
            .map_err(|refused| Unready {
                is_tried: !matches!(refused, PrepareRefused::NotNow(_)),
                why: refused.to_string(),
            })?;
        desk.prepared.keep(at, &prepared);
        Ok(prepared)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_revision_is_prepared_once_for_all_who_wait_for_it() {
        let revisions = PreparedRevisions::default();
        let at = (BindingId(Uuid::from_u128(1)), 1);
        let (first, tell) = revisions.making(at);
        let (second, nobody) = revisions.making(at);
        assert!(tell.is_some() && nobody.is_none());
        tell.unwrap().send_replace(Some(Err("no such component".to_owned())));
        for told in [first, second] {
            assert!(told.borrow().is_some());
        }
        // Its sender is gone, whether it was over or lost.
        assert!(revisions.making(at).1.is_some());
        revisions.made(at);
        assert!(revisions.making(at).1.is_some());
    }

    #[test]
    fn what_cannot_be_prepared_is_left_alone_for_a_minute() {
        let revisions = PreparedRevisions::default();
        let at = (BindingId(Uuid::from_u128(1)), 1);
        let second = |second: i64| DateTime::from_timestamp(1_000 + second, 0).unwrap();
        assert_eq!(revisions.refusal(at, second(0)), None);

        revisions.refuse(at, "no such component", second(0));

        assert_eq!(revisions.refusal(at, second(0)).as_deref(), Some("no such component"));
        assert!(revisions.refusal(at, second(59)).is_some());
        assert_eq!(revisions.refusal(at, second(60)), None);
        assert_eq!(revisions.refusal((at.0, 2), second(0)), None, "another revision is tried");
    }
}
