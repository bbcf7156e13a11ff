//! The policies and bindings of a desk file.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::Value;
use waypost_app::CommandError;
use waypost_app::bindings::{
    self, BindingView, ComponentChoice, NewBinding, NewRevision, Run, without_schema,
};
use waypost_app::policies::{self, PolicyView};
use waypost_domain::binding::{Hooks, LimitChanges};
use waypost_policy::Digest;

use super::{Applying, Outcome};
use crate::desk_file::{Binding, DeskFile};

/// A binding with everything that it is made of.
struct Wanted<'a> {
    binding: &'a Binding,
    hooks: Vec<String>,
    digest: String,
    component: ComponentChoice,
    settings: String,
    data: Vec<(String, Vec<u8>)>,
}

/// A component of the file.
struct Component {
    view: PolicyView,
    /// Its bytes, if the organization does not have it yet.
    new: Option<Arc<[u8]>>,
}

impl Applying<'_> {
    pub(super) async fn bindings(&mut self, file: &DeskFile) -> Result<()> {
        let mut policies = self.policies(file).await?;
        for binding in &file.bindings {
            let what = format!("binding {}", binding.name);
            let told = || format!("{}: {what}", self.org);
            // The file was checked: every binding names a policy of the table.
            let Component { view, new } = &policies[&binding.policy];
            let served = || view.bindable_hooks().iter().map(ToString::to_string).collect();
            let component = match new {
                None => ComponentChoice::Uploaded(view.digest.clone()),
                Some(bytes) => ComponentChoice::Brought(Arc::clone(bytes)),
            };
            let settings = binding.settings_json(&file.folder).with_context(told)?;
            let wanted = Wanted {
                binding,
                hooks: binding.hooks.clone().unwrap_or_else(served),
                digest: view.digest.clone(),
                component,
                // What is no JSON is refused where it is checked.
                settings: without_schema(&settings)
                    .map_or_else(|_| settings.clone(), Cow::into_owned),
                data: data(&file.folder, binding).with_context(told)?,
            };
            let outcome = self.binding(wanted).await;
            if outcome.is_ok()
                && let Some(policy) = policies.get_mut(&binding.policy)
                && policy.new.take().is_some()
            {
                self.note(&format!("policy {}", binding.policy), Ok(Outcome::Created))?;
            }
            self.note(&what, outcome)?;
        }
        Ok(())
    }

    /// Looks at every component; returns what they are by their names in the file. One that is new
    /// and that a binding uses comes with the binding, so that neither is there without the other.
    async fn policies(&mut self, file: &DeskFile) -> Result<BTreeMap<String, Component>> {
        let mut found = BTreeMap::new();
        for (name, component) in &file.policies {
            let path = file.folder.join(component);
            let bytes =
                std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            let is_used = file.bindings.iter().any(|binding| binding.policy == *name);
            let what = format!("policy {name}");
            let component = match self.component(bytes, is_used).await {
                Ok((component, outcome)) => {
                    if let Some(outcome) = outcome {
                        self.note(&what, Ok(outcome))?;
                    }
                    component
                }
                Err(error) => {
                    return Err(error).with_context(|| format!("{}: {what}", self.org));
                }
            };
            found.insert(name.clone(), component);
        }
        Ok(found)
    }

    /// A component, and what became of it; nothing yet where a binding will bring it.
    async fn component(
        &self,
        bytes: Vec<u8>,
        is_used: bool,
    ) -> Result<(Component, Option<Outcome>), CommandError> {
        let digest = Digest::of(&bytes).to_string();
        match policies::find(self.desk, &self.caller, &digest).await {
            Ok(view) => Ok((Component { view, new: None }, Some(Outcome::Unchanged))),
            Err(CommandError::NotFound(_)) if is_used => {
                let bytes = Arc::<[u8]>::from(bytes);
                let view = policies::look_at(self.desk, &self.caller, Arc::clone(&bytes)).await?;
                Ok((Component { view, new: Some(bytes) }, None))
            }
            Err(CommandError::NotFound(_)) => {
                let view = policies::upload(self.desk, &self.caller, bytes).await?;
                Ok((Component { view, new: None }, Some(Outcome::Created)))
            }
            Err(error) => Err(error),
        }
    }

    async fn binding(&self, wanted: Wanted<'_>) -> Result<Outcome, CommandError> {
        let found = match bindings::by_name(self.desk, &self.caller, &wanted.binding.name).await {
            Ok(id) => bindings::find(self.desk, &self.caller, id).await?,
            Err(CommandError::NotFound(_)) => {
                bindings::bind(self.desk, &self.caller, wanted.bind()).await?;
                return Ok(Outcome::Created);
            }
            Err(error) => return Err(error),
        };
        let (id, enabled) = (found.view.binding.id, found.view.binding.enabled);
        let is_to_be_enabled = wanted.binding.enabled;
        let mut outcome = Outcome::Unchanged;
        // Disabled first, so that its place is free for another.
        if enabled && !is_to_be_enabled {
            bindings::disable(self.desk, &self.caller, id, None).await?;
            outcome = Outcome::Changed;
        }
        if wanted.differs(&found.view) {
            bindings::revise(self.desk, &self.caller, id, wanted.revision(), None).await?;
            outcome = Outcome::Changed;
        }
        if !enabled && is_to_be_enabled {
            bindings::enable(self.desk, &self.caller, id, None).await?;
            outcome = Outcome::Changed;
        }
        Ok(outcome)
    }
}

impl Wanted<'_> {
    fn bind(self) -> NewBinding {
        NewBinding {
            hooks: self.binding.hooks.clone(),
            name: self.binding.name.clone(),
            position: self.position(),
            limits: self.limits(),
            component: self.component,
            settings: self.settings,
            data: self.data,
            fallback_team: self.binding.fallback_team.clone(),
            locked: self.binding.locked,
            replaces_above: self.binding.replaces_above,
            disabled: !self.binding.enabled,
            note: self.binding.note.clone(),
            run: Run::Real,
        }
    }

    fn revision(self) -> NewRevision {
        NewRevision {
            position: Some(self.position()),
            limits: Some(self.limits()),
            hooks: Some(self.hooks),
            component: Some(self.component),
            settings: Some(self.settings),
            data: Some(self.data),
            fallback_team: Some(self.binding.fallback_team.clone()),
            locked: Some(self.binding.locked),
            replaces_above: Some(self.binding.replaces_above),
            note: self.binding.note.clone(),
            run: Run::Real,
        }
    }

    /// Whether the active revision is another. Its note alone makes none.
    fn differs(&self, found: &BindingView) -> bool {
        let active = &found.active;
        active.component != self.digest
            || !is_same_set(&active.hooks, &self.hooks)
            || active.position != self.position()
            || !is_same_json(&active.settings, &self.settings)
            || active.data_digest != data_digest(&self.data)
            || active.limits != self.limits()
            || active.fallback_team.as_ref().map(|team| &team.key)
                != self.binding.fallback_team.as_ref()
            || active.locked != self.binding.locked
            || active.replaces_above != self.binding.replaces_above
    }

    fn position(&self) -> i64 {
        // Reading the file has given one to every binding.
        self.binding.position.unwrap_or_default()
    }

    fn limits(&self) -> LimitChanges {
        let limits = self.binding.limits;
        LimitChanges {
            fuel: limits.fuel,
            deadline_ms: limits.deadline_ms,
            memory_bytes: limits.memory_bytes,
        }
    }
}

/// Whether the names are those of the hooks, in whichever order.
fn is_same_set(hooks: &Hooks, names: &[String]) -> bool {
    let hooks = hooks.as_slice().iter().map(|hook| hook.as_str()).collect::<BTreeSet<_>>();
    hooks == names.iter().map(String::as_str).collect()
}

fn is_same_json(one: &str, other: &str) -> bool {
    let value = |text: &str| serde_json::from_str::<Value>(text).ok();
    one == other || value(one).is_some_and(|one| Some(one) == value(other))
}

/// The digest of data files, as revisions have it: of their names and contents, in the order of the
/// names.
fn data_digest(data: &[(String, Vec<u8>)]) -> String {
    let mut data: Vec<_> = data.iter().collect();
    data.sort();
    Digest::of_parts(data.iter().flat_map(|(name, content)| [name.as_bytes(), content])).to_string()
}

fn data(folder: &Path, binding: &Binding) -> Result<Vec<(String, Vec<u8>)>> {
    let one = |file: &std::path::PathBuf| {
        let path = folder.join(file);
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let content =
            std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok((name.unwrap_or_default(), content))
    };
    binding.data.iter().map(one).collect()
}
