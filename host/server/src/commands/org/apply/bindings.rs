//! The policies and bindings of a desk file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;
use waypost_app::CommandError;
use waypost_app::bindings::{self, BindingView, NewBinding, NewRevision};
use waypost_app::policies::{self, PolicyView};
use waypost_domain::binding::{Hooks, LimitChanges};
use waypost_policy::Digest;

use super::{Applying, Outcome};
use crate::desk_file::{Binding, DeskFile};

/// A binding with everything that it is made of.
struct Wanted<'a> {
    binding: &'a Binding,
    hooks: Vec<String>,
    component: String,
    settings: String,
    data: Vec<(String, Vec<u8>)>,
}

impl Applying<'_> {
    pub(super) async fn bindings(&mut self, file: &DeskFile) -> Result<()> {
        let policies = self.upload(file).await?;
        for binding in &file.bindings {
            let what = format!("binding {}", binding.name);
            let told = || format!("{}: {what}", self.org);
            // The file was checked: every binding names a policy of the table.
            let policy = &policies[&binding.policy];
            let served = || policy.bindable_hooks().iter().map(ToString::to_string).collect();
            let wanted = Wanted {
                binding,
                hooks: binding.hooks.clone().unwrap_or_else(served),
                component: policy.digest.clone(),
                settings: binding.settings_json(&file.folder).with_context(told)?,
                data: data(&file.folder, binding).with_context(told)?,
            };
            let outcome = self.binding(wanted).await;
            self.note(&what, outcome)?;
        }
        Ok(())
    }

    /// Brings every component to the organization; returns what they are by their names in the
    /// file.
    async fn upload(&mut self, file: &DeskFile) -> Result<BTreeMap<String, PolicyView>> {
        let mut brought = BTreeMap::new();
        for (name, component) in &file.policies {
            let path = file.folder.join(component);
            let bytes =
                std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            let digest = Digest::of(&bytes).to_string();
            let (policy, outcome) = match policies::find(self.desk, &self.caller, &digest).await {
                Err(CommandError::NotFound(_)) => {
                    let uploaded = policies::upload(self.desk, &self.caller, bytes).await;
                    (uploaded, Outcome::Created)
                }
                found => (found, Outcome::Unchanged),
            };
            let noted = policy.map(|policy| brought.insert(name.clone(), policy));
            self.note(&format!("policy {name}"), noted.map(|_| outcome))?;
        }
        Ok(brought)
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
        }
    }

    /// Whether the active revision is another. Its note alone makes none.
    fn differs(&self, found: &BindingView) -> bool {
        let active = &found.active;
        active.component != self.component
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
