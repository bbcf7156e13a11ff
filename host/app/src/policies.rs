//! Policies: components that were brought to the desk, looked at before they are kept.
//!
//! What an organization brings, those below it may bind too. The bytes are kept once, by their
//! digest.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use waypost_domain::{
    binding::{Hook, Switch, Switched, Use},
    ids::SwitchId,
    said::Said,
};
use waypost_policy::{
    Asker, Digest, Inspection, Need, Novelty, Patience, ServedHook, UploadRefused,
};
use waypost_store::{ReadTx, WriteTx, binding, binding_switch, component, component::Component};

use crate::{
    Caller, CommandError, Desk, Missing, Page, PageRequest, page::ListTag, plain,
    same_cases::same_cases,
};

/// A component, and what it says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyView {
    /// The digest of its bytes: `sha256:…`.
    pub digest: String,
    /// What it calls itself.
    pub name: String,
    /// Its version, as it says.
    pub version: String,
    /// Who to ask.
    pub author: String,
    /// What it does, in one sentence.
    pub summary: String,
    /// The hooks it serves.
    pub hooks: Vec<ServedHookView>,
    /// The JSON Schema of its settings.
    pub settings_schema: serde_json::Value,
    /// The version of the contract it was built for.
    pub wit_version: String,
    /// What it imports, by name. The host answers all of it without any authority.
    pub imports: Vec<String>,
    /// What it exports, by name.
    pub exports: Vec<String>,
    /// How many bytes.
    pub size: u64,
    /// When it was brought to the desk first; of one that was only looked at, when that was.
    pub uploaded_at: DateTime<Utc>,
}

/// A component, as lists show it. Its schema may be large, so that is read alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySummary {
    /// The digest of its bytes: `sha256:…`.
    pub digest: String,
    /// What it calls itself.
    pub name: String,
    /// Its version, as it says.
    pub version: String,
    /// Who to ask.
    pub author: String,
    /// What it does, in one sentence.
    pub summary: String,
    /// The hooks it serves.
    pub hooks: Vec<ServedHookView>,
    /// The version of the contract it was built for.
    pub wit_version: String,
    /// How many bytes.
    pub size: u64,
    /// When it was brought to the desk first.
    pub uploaded_at: DateTime<Utc>,
    /// Whether the organization has it only because one above has it, which alone can remove it.
    pub inherited: bool,
    /// Whether the organization's own bindings use it.
    pub used: Use,
}

/// Which policies may be removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Removable {
    /// Those that no revision of a binding uses.
    #[default]
    Unused,
    /// Also those that earlier revisions use, which then cannot be rolled back to, nor their
    /// decisions be repeated.
    Superseded,
}

/// What is kept of a description for lists.
#[derive(Serialize, Deserialize)]
struct About {
    author: String,
    summary: String,
    hooks: Vec<ServedHook>,
}

impl PolicyView {
    /// The hooks that a binding serves that names none: all that the policy serves.
    #[must_use]
    pub fn bindable_hooks(&self) -> Vec<Hook> {
        self.hooks.iter().map(|served| served.hook).collect()
    }
}

/// A hook that a policy serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedHookView {
    /// The hook.
    pub hook: Hook,
    /// The facts that it wants to know, by their names in the contract: `team-loads`.
    pub needs: Vec<&'static str>,
}

/// Takes in a component, after it was looked at. Bringing the same bytes again changes nothing. For
/// administrators.
///
/// # Errors
/// [`CommandError::Invalid`] at `/component`, with the reason why it is refused and what would
/// help; [`CommandError::Busy`] if too much is being compiled.
pub async fn upload(
    desk: &Desk,
    caller: &Caller,
    bytes: Vec<u8>,
) -> Result<PolicyView, CommandError> {
    caller.must_be_admin()?;
    let brought = Brought::inspect(desk, caller, bytes.into(), Purpose::Keep).await?;
    let mut tx = desk.write(caller).await?;
    component::in_turn(&mut tx).await?;
    brought.keep(desk, &mut tx, caller.now).await?;
    let kept = component::find(&mut tx, &brought.component.digest).await?;
    tx.commit().await?;
    brought.log(caller);
    Ok(view(kept.unwrap_or(brought.component), brought.inspection))
}

/// Looks at a component without taking it in. For administrators.
///
/// # Errors
/// As [`upload`].
pub async fn look_at(
    desk: &Desk,
    caller: &Caller,
    bytes: Arc<[u8]>,
) -> Result<PolicyView, CommandError> {
    caller.must_be_admin()?;
    let brought = Brought::inspect(desk, caller, bytes, Purpose::Look).await?;
    Ok(view(brought.component, brought.inspection))
}

/// Why a component is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be kept if it is accepted. Where there is no room for it, it is not even looked at.
    Keep,
    /// Only to see what it is.
    Look,
}

/// Makes a component that is there the organization's own, unless it is already. The transaction
/// has its turn.
///
/// # Errors
/// [`CommandError::Invalid`] at `/component` if the organization has too much already.
pub(crate) async fn keep(
    desk: &Desk,
    tx: &mut WriteTx,
    digest: &str,
    now: DateTime<Utc>,
) -> Result<(), CommandError> {
    if component::grant(tx, digest, now).await? {
        desk.options.quotas.hold_components(tx).await?;
    }
    Ok(())
}

/// A component that was looked at, and is kept nowhere yet.
pub(crate) struct Brought {
    pub(crate) component: Component,
    pub(crate) inspection: Inspection,
    pub(crate) bytes: Arc<[u8]>,
}

impl Brought {
    /// Looks at it, with no transaction open.
    ///
    /// # Errors
    /// [`CommandError::Invalid`] at `/component`; [`CommandError::Busy`] if no turn came in time.
    pub(crate) async fn inspect(
        desk: &Desk,
        caller: &Caller,
        bytes: Arc<[u8]>,
        purpose: Purpose,
    ) -> Result<Self, CommandError> {
        let (inspection, novelty) = look(desk, caller, Arc::clone(&bytes), purpose).await?;
        let component = Component {
            digest: inspection.digest.to_string(),
            size: u64::try_from(inspection.size).unwrap_or(u64::MAX),
            name: inspection.description.name.clone(),
            version: inspection.description.version.clone(),
            wit_version: inspection.wit_version.clone(),
            about: text(&About {
                author: inspection.description.author.clone(),
                summary: inspection.description.summary.clone(),
                hooks: inspection.description.hooks.clone(),
            }),
            created_at: caller.now,
            is_own: novelty == Novelty::New,
        };
        Ok(Self { component, inspection, bytes })
    }

    /// Keeps it, and lets the transaction's organization bind it.
    ///
    /// # Errors
    /// [`CommandError::Invalid`] at `/component` if the organization has too much already.
    pub(crate) async fn keep(
        &self,
        desk: &Desk,
        tx: &mut WriteTx,
        now: DateTime<Utc>,
    ) -> Result<(), CommandError> {
        component::insert(tx, &self.component, &text(&self.inspection), &self.bytes).await?;
        keep(desk, tx, &self.component.digest, now).await
    }

    /// Says that it was kept.
    pub(crate) fn log(&self, caller: &Caller) {
        tracing::info!(
            org.id = %caller.org,
            component.digest = %self.component.digest,
            component.name = %self.component.name,
            "policy uploaded"
        );
    }
}

fn text(said: &impl Serialize) -> String {
    String::from_utf8_lossy(&plain::json(said)).into_owned()
}

/// Lists the policies that the organization may bind: its own, and those of the organizations
/// above. For the desk.
///
/// # Errors
/// [`CommandError::Cursor`] for a cursor of another list.
pub async fn list(
    desk: &Desk,
    caller: &Caller,
    request: &PageRequest,
) -> Result<Page<PolicySummary>, CommandError> {
    caller.must_be_desk()?;
    let tag = ListTag::of(caller, "policies", &());
    let mut tx = desk.store.read(caller.org).await?;
    let all = component::list(&mut tx).await?;
    // A space sorts before every character of a name; the latest of a name comes last.
    let place = |one: &Component| {
        format!("{} {} {}", one.name, one.created_at.timestamp_micros(), one.digest)
    };
    let page = Page::of_all(all, request, tag, place)?;
    let uses = uses(&mut tx).await?;
    let summary = |component: Component| {
        let in_use = uses.get(&component.digest).copied().unwrap_or(Use::Unused);
        summary(component, in_use)
    };
    let rows = page.rows.into_iter().map(summary).collect::<Result<_, _>>()?;
    Ok(Page { rows, next: page.next, total: page.total })
}

/// Reads a policy that the organization may bind. For the desk.
///
/// # Errors
/// [`CommandError::NotFound`].
pub async fn find(desk: &Desk, caller: &Caller, digest: &str) -> Result<PolicyView, CommandError> {
    caller.must_be_desk()?;
    let mut tx = desk.store.read(caller.org).await?;
    let missing = || CommandError::NotFound(Missing::Policy);
    let found = component::find(&mut tx, digest).await?.ok_or_else(missing)?;
    let inspection = inspection(&mut tx, digest).await?.ok_or_else(missing)?;
    Ok(view(found, inspection))
}

/// How much the organization's own bindings use each policy.
async fn uses(tx: &mut ReadTx) -> Result<BTreeMap<String, Use>, CommandError> {
    let mut uses = BTreeMap::new();
    for named in binding::components(tx).await? {
        let of_binding = if named.is_active { Use::Active } else { Use::Superseded };
        let so_far = uses.entry(named.component).or_insert(of_binding);
        *so_far = of_binding.max(*so_far);
    }
    Ok(uses)
}

/// Removes a policy from the organization, which makes room for others. An organization below that
/// bound it keeps it. For administrators.
///
/// # Errors
/// [`CommandError::NotFound`]; [`CommandError::Refused`] if it is an organization's above,
/// or bindings use it.
pub async fn remove(
    desk: &Desk,
    caller: &Caller,
    digest: &str,
    removable: Removable,
) -> Result<(), CommandError> {
    caller.must_be_admin()?;
    let mut tx = desk.write(caller).await?;
    component::in_turn(&mut tx).await?;
    let found = component::find(&mut tx, digest).await?;
    let found = found.ok_or(CommandError::NotFound(Missing::Policy))?;
    if !found.is_own {
        let message =
            Said::as_is("The policy belongs to an organization above, which alone can remove it.");
        return Err(CommandError::guard(message));
    }
    let (active, superseded): (Vec<_>, Vec<_>) = binding::components(&mut tx)
        .await?
        .into_iter()
        .filter(|named| named.component == found.digest)
        .partition(|named| named.is_active);
    let names = |of: &[binding::NamedComponent]| {
        of.iter().map(|named| format!("`{}`", named.name)).collect::<Vec<_>>().join(", ")
    };
    if !active.is_empty() {
        let message = Said::as_is(format!(
            "The active revision of {} has this policy; revise it to another policy first.",
            names(&active)
        ));
        return Err(CommandError::guard(message));
    }
    if !superseded.is_empty() && removable == Removable::Unused {
        let message = Said::as_is(format!(
            "Earlier revisions of {} have this policy. Without it they cannot be rolled back to, nor their decisions be \
             repeated; if that is acceptable, remove it with `superseded`.",
            names(&superseded)
        ));
        return Err(CommandError::guard(message));
    }
    // What decisions cannot be repeated for any more is on record, in the audit too.
    for named in superseded {
        let switch = Switch {
            id: SwitchId(desk.id(caller)),
            binding: named.binding,
            what: Switched::PolicyRemoved,
            revision: named.revision,
            at: caller.now,
            by: caller.actor.clone(),
        };
        binding_switch::append(&mut tx, &switch).await?;
    }
    component::withdraw(&mut tx, digest).await?;
    tx.commit().await?;
    tracing::info!(
        org.id = %caller.org,
        component.digest = %found.digest,
        component.name = %found.name,
        "policy removed"
    );
    Ok(())
}

/// Looks at a component in a turn of its organization's: a hostile one costs whoever brings it
/// time, nobody else.
///
/// # Errors
/// [`CommandError::Invalid`] at `/component`; [`CommandError::Busy`] if no turn came in time.
pub(crate) async fn inspect(
    desk: &Desk,
    caller: &Caller,
    bytes: Arc<[u8]>,
) -> Result<Inspection, CommandError> {
    Ok(look(desk, caller, bytes, Purpose::Look).await?.0)
}

/// As [`inspect`], and says whether it is new to the organization. One that is new and that may be
/// kept is refused before it costs anything, if the organization has too much already.
async fn look(
    desk: &Desk,
    caller: &Caller,
    bytes: Arc<[u8]>,
    purpose: Purpose,
) -> Result<(Inspection, Novelty), CommandError> {
    let limit = desk.runtime.config().component_bytes;
    if bytes.len() > limit {
        return Err(refused(&UploadRefused::TooLarge { bytes: bytes.len(), limit }));
    }
    let mut tx = desk.store.read(caller.org).await?;
    let known = component::find(&mut tx, &Digest::of(&bytes).to_string()).await?;
    let novelty = if known.is_some() { Novelty::Known } else { Novelty::New };
    if purpose == Purpose::Keep && known.is_none() {
        desk.options.quotas.admit_component(&mut tx, bytes.len()).await?;
    }
    drop(tx);
    let by = Asker { org: caller.org.0, patience: Patience::Request };
    let inspected = desk.runtime.inspect_in_turn(by, bytes, novelty).await;
    Ok((inspected.map_err(|error| refused(&error))?, novelty))
}

/// What is kept of the inspection, read again; none of a component that the organization cannot
/// bind.
pub(crate) async fn inspection(
    tx: &mut ReadTx,
    digest: &str,
) -> Result<Option<Inspection>, CommandError> {
    let description = component::description(tx, digest).await?;
    description.map(|description| read(&description)).transpose()
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T, CommandError> {
    serde_json::from_str(json).map_err(|error| CommandError::Internal(Box::new(error)))
}

fn refused(error: &UploadRefused) -> CommandError {
    if let UploadRefused::NotNow(why) = error {
        tracing::warn!(%why, "a component was not checked");
        return CommandError::Busy;
    }
    CommandError::field("/component", error.code(), Said::as_is(error.to_string()))
}

fn served(hooks: Vec<ServedHook>) -> Vec<ServedHookView> {
    let view = |served: ServedHook| ServedHookView {
        hook: domain_hook(served.hook),
        needs: served.needs.into_iter().map(Need::as_str).collect(),
    };
    hooks.into_iter().map(view).collect()
}

fn summary(component: Component, used: Use) -> Result<PolicySummary, CommandError> {
    let About { author, summary, hooks } = read(&component.about)?;
    Ok(PolicySummary {
        digest: component.digest,
        name: component.name,
        version: component.version,
        author,
        summary,
        hooks: served(hooks),
        wit_version: component.wit_version,
        size: component.size,
        uploaded_at: component.created_at,
        inherited: !component.is_own,
        used,
    })
}

fn view(component: Component, inspection: Inspection) -> PolicyView {
    let Inspection { description, imports, exports, .. } = inspection;
    PolicyView {
        digest: component.digest,
        name: description.name,
        version: description.version,
        author: description.author,
        summary: description.summary,
        hooks: served(description.hooks),
        settings_schema: description.settings_schema,
        wit_version: component.wit_version,
        imports,
        exports,
        size: component.size,
        uploaded_at: component.created_at,
    }
}

same_cases! {
    /// The hook in the domain's words.
    pub(crate) fn domain_hook(waypost_policy::Hook) -> Hook {
        Categorize, Route, Plan, Stalled, Notify,
    }
}
