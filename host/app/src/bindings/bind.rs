//! Binding a policy, and revising a binding: every check first, then one write.

mod draft;
mod named;

use std::sync::Arc;

use waypost_domain::{
    binding::{Binding, LimitChanges, Revision},
    ids::BindingId,
    key::Key,
    refusal::Faults,
    said::Said,
};
use waypost_policy::{DataFile, Digest, NotADigest, Patience, Prepared};
use waypost_store::{ReadTx, StoreError, WriteTx, binding, binding_pause, component};

use self::draft::{Draft, FallbackChoice, HooksChoice};
pub(crate) use self::draft::{check_data, check_limits};
use super::{BindingView, active, load, view};
use crate::{
    Caller, CommandError, Desk,
    input::{Reading, checked, must_be_at},
    policies::{self, Brought, Purpose},
    preparing::{Bytes, Recipe, note_refusal},
};

/// The component that a binding or a revision should have.
#[derive(Clone)]
pub enum ComponentChoice {
    /// One that the organization may bind, by its digest: `sha256:…`.
    Uploaded(String),
    /// One that comes with the command, and is kept if the command is carried out.
    Brought(Arc<[u8]>),
}

impl Default for ComponentChoice {
    fn default() -> Self {
        Self::Uploaded(String::new())
    }
}

impl From<String> for ComponentChoice {
    fn from(digest: String) -> Self {
        Self::Uploaded(digest)
    }
}

/// Without the bytes.
impl std::fmt::Debug for ComponentChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Uploaded(digest) => f.debug_tuple("Uploaded").field(digest).finish(),
            Self::Brought(bytes) => write!(f, "Brought({} bytes)", bytes.len()),
        }
    }
}

/// Whether a command is carried out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Run {
    /// It is.
    #[default]
    Real,
    /// Everything is checked, and nothing is kept.
    Dry,
}

/// A binding to be made.
#[derive(Debug, Clone, Default)]
pub struct NewBinding {
    /// The hooks that it serves: `categorize`, `route`, `plan`, `stalled`, `notify`; none for all
    /// that the component serves.
    pub hooks: Option<Vec<String>>,
    /// Its name, unique at the layer; it does not change.
    pub name: String,
    /// Lower is asked first within the layer, at each of the hooks. Two enabled bindings that share
    /// a hook never share one.
    pub position: i64,
    /// The component.
    pub component: ComponentChoice,
    /// The settings, as JSON text.
    pub settings: String,
    /// The data files: name and content.
    pub data: Vec<(String, Vec<u8>)>,
    /// Limits that differ from the installation's.
    pub limits: LimitChanges,
    /// The key of the team that gets the ticket when the policy fails at `route`; none asks the
    /// next policy, as at the other hooks.
    pub fallback_team: Option<String>,
    /// Whether lower layers can neither replace it nor answer before it.
    pub locked: bool,
    /// Whether the unlocked bindings of the layers above are not asked at its hooks.
    pub replaces_above: bool,
    /// Whether it starts disabled.
    pub disabled: bool,
    /// Why it is made.
    pub note: Option<String>,
    /// Whether it is carried out.
    pub run: Run,
}

/// What changes with a revision. None leaves a part as it is in the active one; `Some(None)`
/// empties it.
#[derive(Debug, Clone, Default)]
pub struct NewRevision {
    /// The hooks that it serves, all of them.
    pub hooks: Option<Vec<String>>,
    /// Lower is asked first within the layer.
    pub position: Option<i64>,
    /// The component.
    pub component: Option<ComponentChoice>,
    /// The settings, as JSON text.
    pub settings: Option<String>,
    /// The data files, all of them.
    pub data: Option<Vec<(String, Vec<u8>)>>,
    /// Limits that differ from the installation's, all of them.
    pub limits: Option<LimitChanges>,
    /// The team that gets the ticket when the policy fails.
    pub fallback_team: Option<Option<String>>,
    /// Whether lower layers can neither replace it nor answer before it.
    pub locked: Option<bool>,
    /// Whether the unlocked bindings of the layers above are not asked at its hooks.
    pub replaces_above: Option<bool>,
    /// Why it is made.
    pub note: Option<String>,
    /// Whether it is carried out.
    pub run: Run,
}

/// Binds a policy, from the next ticket on. For administrators.
///
/// # Errors
/// [`CommandError::Invalid`] with every wrong field; what the policy says of its settings points
/// into `/settings`.
pub async fn bind(
    desk: &Desk,
    caller: &Caller,
    new: NewBinding,
) -> Result<BindingView, CommandError> {
    caller.must_be_admin()?;
    let mut faults = Faults::new();
    let name = faults.parse::<Key>("/name", &new.name);
    let component = Chosen::of(desk, caller, new.component).await?;
    let draft = Draft {
        binding: None,
        is_asked: !new.disabled,
        hooks: new.hooks.map_or(HooksChoice::All, HooksChoice::Named),
        position: new.position,
        component: &component,
        settings: new.settings,
        data: new.data,
        limits: new.limits,
        fallback: new.fallback_team.map_or(FallbackChoice::Next, FallbackChoice::Team),
        locked: new.locked,
        replaces_above: new.replaces_above,
        note: new.note,
    };
    let mut tx = desk.store.read(caller.org).await?;
    if let Some(name) = &name
        && binding::find_by_name(&mut tx, name.as_str()).await?.is_some()
    {
        faults.wrong(
            "/name",
            "taken",
            Said::as_is(format!("`{name}` is already the name of a binding; choose another.")),
        );
    }
    let (draft, recipe) = draft.check(desk, &mut tx, &mut faults).await?;
    drop(tx);
    let prepared = prepare(desk, caller, &mut faults, recipe).await?;
    let (name, mut draft, prepared) = checked!(faults; name, draft, prepared);
    let warnings = std::mem::take(&mut draft.warnings);

    let binding = Binding {
        id: BindingId(desk.id(caller)),
        org: caller.org,
        name,
        enabled: !new.disabled,
        active_revision: 1,
        created_at: caller.now,
        version: 1,
    };
    let revision = draft.into_revision(&prepared, caller, binding.id, 1);
    let mut tx = desk.write(caller).await?;
    component.keep(desk, &mut tx, caller).await?;
    taken_as_fault(binding::insert(&mut tx, &binding, &revision).await)?;
    desk.options.quotas.hold_revisions(&mut tx).await?;
    let view = BindingView { warnings, ..view(&mut tx, binding, revision).await? };
    if new.run == Run::Dry {
        // The transaction ends with what it wrote.
        return Ok(view);
    }
    tx.commit().await?;
    component.log(caller);
    tracing::info!(
        org.id = %caller.org,
        binding.id = %view.binding.id,
        binding.hooks = %view.active.hooks,
        component.digest = %view.active.component,
        "policy bound"
    );
    Ok(view)
}

/// Makes the next revision of a binding, which is in force from the next ticket on. For
/// administrators.
///
/// # Errors
/// [`CommandError::Stale`] if the binding is not at the expected version any more,
/// [`CommandError::Invalid`] with every wrong field.
pub async fn revise(
    desk: &Desk,
    caller: &Caller,
    id: BindingId,
    new: NewRevision,
    expected_version: Option<i64>,
) -> Result<BindingView, CommandError> {
    caller.must_be_admin()?;
    let component = match new.component {
        Some(component) => Some(Chosen::of(desk, caller, component).await?),
        None => None,
    };
    let mut tx = desk.store.read(caller.org).await?;
    let found = load(&mut tx, id).await?;
    must_be_at(found.version, expected_version)?;
    let before = active(&mut tx, &found).await?;
    let data = match new.data {
        Some(data) => data,
        None => binding::revision_data(&mut tx, id, before.number).await?,
    };
    let component = component.unwrap_or(Chosen::Uploaded(before.component));
    let draft = Draft {
        binding: Some(id),
        is_asked: found.enabled,
        hooks: new.hooks.map_or(HooksChoice::Keep(before.hooks), HooksChoice::Named),
        position: new.position.unwrap_or(before.position),
        component: &component,
        settings: new.settings.unwrap_or(before.settings),
        data,
        limits: new.limits.unwrap_or(before.limits),
        fallback: match new.fallback_team {
            None => FallbackChoice::Keep(before.fallback),
            Some(None) => FallbackChoice::Next,
            Some(Some(team)) => FallbackChoice::Team(team),
        },
        locked: new.locked.unwrap_or(before.locked),
        replaces_above: new.replaces_above.unwrap_or(before.replaces_above),
        note: new.note,
    };
    let mut faults = Faults::new();
    let (draft, recipe) = draft.check(desk, &mut tx, &mut faults).await?;
    drop(tx);
    let prepared = prepare(desk, caller, &mut faults, recipe).await?;
    let (mut draft, prepared) = checked!(faults; draft, prepared);
    let warnings = std::mem::take(&mut draft.warnings);

    let mut tx = desk.write(caller).await?;
    let mut binding = load(&mut tx, id).await?;
    must_be_at(binding.version, Some(found.version))?;
    let last = binding::revisions(&mut tx, id).await?.last().map_or(0, |last| last.number);
    let revision = draft.into_revision(&prepared, caller, id, last + 1);
    component.keep(desk, &mut tx, caller).await?;
    taken_as_fault(binding::add_revision(&mut tx, &mut binding, &revision).await)?;
    desk.options.quotas.hold_revisions(&mut tx).await?;
    binding_pause::end_all(&mut tx, id).await?;
    let view = BindingView { warnings, ..view(&mut tx, binding, revision).await? };
    if new.run == Run::Dry {
        return Ok(view);
    }
    tx.commit().await?;
    component.log(caller);
    tracing::info!(
        org.id = %caller.org,
        binding.id = %id,
        binding.revision = view.active.number,
        "binding revised"
    );
    Ok(view)
}

/// The component of a draft, looked at where the command brought it.
pub(super) enum Chosen {
    Uploaded(String),
    Brought(Box<Brought>),
}

impl Chosen {
    /// Looks at a component that comes with the command, with no transaction open.
    async fn of(
        desk: &Desk,
        caller: &Caller,
        choice: ComponentChoice,
    ) -> Result<Self, CommandError> {
        Ok(match choice {
            ComponentChoice::Uploaded(digest) => Self::Uploaded(digest),
            ComponentChoice::Brought(bytes) => {
                let brought = Brought::inspect(desk, caller, bytes, Purpose::Keep).await?;
                Self::Brought(Box::new(brought))
            }
        })
    }

    /// Keeps the component for the organization, together with what else the command writes. One
    /// that an organization above has becomes this one's too, so that nobody takes away what is in
    /// use.
    async fn keep(
        &self,
        desk: &Desk,
        tx: &mut WriteTx,
        caller: &Caller,
    ) -> Result<(), CommandError> {
        component::in_turn(tx).await?;
        match self {
            Self::Uploaded(digest) => {
                let digest = digest.trim();
                if component::find(tx, digest).await?.is_none() {
                    // It was removed since it was looked for.
                    let message =
                        Said::as_is("This policy was just removed; upload it again first.");
                    return Err(CommandError::field("/component", "unknown", message));
                }
                policies::keep(desk, tx, digest, caller.now).await
            }
            Self::Brought(brought) => brought.keep(desk, tx, caller.now).await,
        }
    }

    fn log(&self, caller: &Caller) {
        match self {
            Self::Uploaded(_) => {}
            Self::Brought(brought) => brought.log(caller),
        }
    }
}

/// What a revision's policy is made from.
pub(super) async fn recipe_of(
    tx: &mut ReadTx,
    revision: &Revision,
) -> Result<Recipe, CommandError> {
    let component: Digest = revision
        .component
        .parse()
        .map_err(|error: NotADigest| CommandError::Internal(Box::new(error)))?;
    let data = binding::revision_data(tx, revision.binding, revision.number).await?;
    Ok(Recipe {
        component,
        bytes: Bytes::Stored,
        settings: revision.settings.clone(),
        data: data_files(&data),
        hooks: revision.hooks.as_slice().to_vec(),
    })
}

/// The data files as the runtime takes them.
pub(crate) fn data_files(data: &[(String, Vec<u8>)]) -> Vec<DataFile> {
    data.iter()
        .map(|(name, content)| DataFile { name: name.clone(), content: content.as_slice().into() })
        .collect()
}

/// Has the policy itself check its settings, with no transaction open.
async fn prepare(
    desk: &Desk,
    caller: &Caller,
    faults: &mut Faults,
    recipe: Option<Recipe>,
) -> Result<Option<Arc<Prepared>>, CommandError> {
    let Some(recipe) = recipe else { return Ok(None) };
    match recipe.prepare(desk, caller.org, Patience::Request).await? {
        Ok(prepared) => Ok(Some(prepared)),
        Err(refused) => {
            note_refusal(faults, refused)?;
            Ok(None)
        }
    }
}

/// A name or position that somebody took between the checks and the write.
fn taken_as_fault(result: Result<(), StoreError>) -> Result<(), CommandError> {
    match result {
        Err(StoreError::Taken(what @ ("name" | "position"))) => {
            let message = Said::as_is(format!(
                "The {what} has just been taken by another binding; choose another."
            ));
            Err(CommandError::field(&format!("/{what}"), "taken", message))
        }
        // Two revisions were made at the same time; the other one came first.
        Err(StoreError::Taken("revision")) => Err(CommandError::Stale),
        other => Ok(other?),
    }
}
