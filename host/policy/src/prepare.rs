//! Preparation: a component with its settings and data, ready to be asked.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::artifacts::Kind;
use crate::contract::lifecycle;
use crate::runtime::Workshop;
use crate::sandbox::{Sandbox, Sandboxed};
use crate::settings::SettingsSchema;
use crate::snapshot::{Reason, instrument};
use crate::upload::{Loaded, NO_TIME, code_bytes, seed_of};
use crate::{Description, Digest, Failure, Hook, UploadRefused};

/// A file that belongs to a binding: a table, a model.
#[derive(Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Its name in the binding: `teams.csv`.
    pub name: String,
    /// Its content. Shared, because a model may be large.
    pub content: Arc<[u8]>,
}

impl fmt::Debug for DataFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataFile({}, {} bytes)", self.name, self.content.len())
    }
}

/// Where the bytes of components are kept. Asked only when no artifact is at hand.
pub trait ComponentSource {
    /// The component's bytes.
    fn load(&self, digest: Digest) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>>;
}

impl<F> ComponentSource for F
where
    F: Fn(Digest) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>>,
{
    fn load(&self, digest: Digest) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        self(digest)
    }
}

/// What is wrong with one place of the settings or the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsError {
    /// A JSON pointer into the settings (`/rules/3/team`), empty for the whole, or `data:NAME` for
    /// a data file.
    pub path: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// Why a component, settings and data do not make a policy. Nothing changed.
#[derive(Debug, Error)]
pub enum PrepareRefused {
    /// The settings or the data are not acceptable. At least one error.
    #[error("the settings are not valid: {}", first(.0))]
    Settings(Vec<SettingsError>),
    /// `configure` failed.
    #[error("`configure` failed: {0}")]
    Configure(Failure),
    /// The component itself is not acceptable: this host is stricter than the one that took it in,
    /// or a limit was lowered.
    #[error(transparent)]
    Component(#[from] UploadRefused),
    /// The component's bytes could not be had.
    #[error("the component {digest} cannot be read")]
    Missing {
        /// The component.
        digest: Digest,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The bytes are not those of the digest.
    #[error("the stored bytes of {expected} have the digest {found}")]
    WrongBytes {
        /// What was asked for.
        expected: Digest,
        /// What came.
        found: Digest,
    },
}

fn first(errors: &[SettingsError]) -> String {
    errors.first().map_or_else(String::new, |error| {
        let at = if error.path.is_empty() { "the settings" } else { &error.path };
        format!("{at}: {}", error.message)
    })
}

/// A component with its settings and data, configured and compiled: what
/// [`decide`](crate::PolicyRuntime::decide) asks.
///
/// It is shared: every organization that binds the same component with the same settings and data
/// at the same hooks uses the same one.
pub struct Prepared {
    keys: Keys,
    description: Description,
    hooks: Vec<Hook>,
    pub(crate) start: Start,
}

/// What every decision starts from.
pub(crate) enum Start {
    /// The image of the configured policy.
    Image(Sandbox),
    /// The component as it was uploaded, which is configured in each fresh instance.
    Configure {
        loaded: Arc<Loaded>,
        settings: String,
        data: Vec<lifecycle::DataFile>,
        reason: Reason,
    },
}

/// What a component is configured with.
#[derive(Clone, Copy)]
pub(crate) struct Configuration<'a> {
    settings: &'a str,
    /// In the order of their names.
    data: &'a [DataFile],
    /// In the order of [`Hook::ALL`], each once.
    hooks: &'a [Hook],
}

/// The digests that tell one policy from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Keys {
    component: Digest,
    settings: Digest,
    data: Digest,
    all: Digest,
}

impl Prepared {
    /// The component's digest.
    #[must_use]
    pub const fn component(&self) -> Digest {
        self.keys.component
    }

    /// The digest of the settings' text.
    #[must_use]
    pub const fn settings_digest(&self) -> Digest {
        self.keys.settings
    }

    /// The digest of the data files, names and contents, in the order of their names.
    #[must_use]
    pub const fn data_digest(&self) -> Digest {
        self.keys.data
    }

    /// The digest of the three and of the hooks: equal keys decide equally.
    #[must_use]
    pub const fn key(&self) -> Digest {
        self.keys.all
    }

    /// What the policy says about itself.
    #[must_use]
    pub const fn description(&self) -> &Description {
        &self.description
    }

    /// The hooks that it was configured for.
    #[must_use]
    pub fn hooks(&self) -> &[Hook] {
        &self.hooks
    }

    /// Whether it was configured for this hook, and serves it.
    #[must_use]
    pub fn serves(&self, hook: Hook) -> bool {
        self.hooks.contains(&hook) && self.description.needs(hook).is_some()
    }

    /// Whether its decisions start from an image of the configured policy. If not, each calls
    /// `configure` first.
    #[must_use]
    pub const fn snapshotted(&self) -> bool {
        matches!(self.start, Start::Image(_))
    }

    /// Why there is no such image, for the policy's author.
    #[must_use]
    pub fn not_snapshotted_because(&self) -> Option<&str> {
        match &self.start {
            Start::Image(_) => None,
            Start::Configure { reason, .. } => Some(reason),
        }
    }

    /// How many bytes its machine code and its image take.
    #[must_use]
    pub fn code_bytes(&self) -> usize {
        match &self.start {
            Start::Image(sandbox) => code_bytes(sandbox.component()),
            Start::Configure { loaded, .. } => code_bytes(loaded.sandbox.component()),
        }
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("name", &self.description.name)
            .field("component", &self.keys.component)
            .field("key", &self.keys.all)
            .field("snapshotted", &self.snapshotted())
            .finish_non_exhaustive()
    }
}

impl Keys {
    fn of(component: Digest, with: Configuration<'_>) -> Self {
        let settings = Digest::of(with.settings.as_bytes());
        let parts = with.data.iter().flat_map(|file| [file.name.as_bytes(), &file.content]);
        let data = Digest::of_parts(parts);
        let hooks = Digest::of_parts(with.hooks.iter().map(|hook| hook.as_str().as_bytes()));
        let all = [component, settings, data, hooks];
        let all = Digest::of_parts(all.each_ref().map(|digest| &digest.as_bytes()[..]));
        Self { component, settings, data, all }
    }
}

/// What an artifact of a policy says about itself.
#[derive(Serialize, Deserialize)]
struct Header {
    description: Description,
    /// Why the artifact has no code, and the component's own is to be used.
    not_snapshotted_because: Option<Reason>,
}

impl Workshop {
    pub(crate) fn prepare(
        &self,
        source: &dyn ComponentSource,
        component: Digest,
        settings: &str,
        data: &[DataFile],
        hooks: &[Hook],
    ) -> Result<Arc<Prepared>, PrepareRefused> {
        self.check_sizes(settings, data).map_err(PrepareRefused::Settings)?;
        let data = in_order(data).map_err(PrepareRefused::Settings)?;
        let hooks = each_once(hooks);
        let with = Configuration { settings, data: &data, hooks: &hooks };
        let keys = Keys::of(component, with);
        if let Some(prepared) = self.policies.find(keys.all) {
            return Ok(prepared);
        }
        let _turn = self.compiles.take_patiently();
        // Whoever had the turn before may have prepared the same.
        if let Some(prepared) = self.recall_policy(keys, with) {
            return Ok(prepared);
        }

        let bytes = source
            .load(component)
            .map_err(|source| PrepareRefused::Missing { digest: component, source })?;
        let found = Digest::of(&bytes);
        if found != component {
            return Err(PrepareRefused::WrongBytes { expected: component, found });
        }
        let loaded = self.load(component, &bytes)?;
        SettingsSchema::compile(&loaded.description.settings_schema)
            .map_err(|message| UploadRefused::SettingsSchema { message })?
            .check(settings)
            .map_err(PrepareRefused::Settings)?;
        let start = self.configure(keys, &loaded, &bytes, with)?;
        let description = loaded.description.clone();
        Ok(self.keep_policy(Prepared { keys, description, hooks, start }))
    }

    pub(crate) fn recall(
        &self,
        component: Digest,
        settings: &str,
        data: &[DataFile],
        hooks: &[Hook],
    ) -> Option<Arc<Prepared>> {
        let data = in_order(data).ok()?;
        let hooks = each_once(hooks);
        let with = Configuration { settings, data: &data, hooks: &hooks };
        self.recall_policy(Keys::of(component, with), with)
    }

    /// The policy if it is kept in memory.
    pub(crate) fn at_hand(&self, key: Digest) -> Option<Arc<Prepared>> {
        self.policies.find(key)
    }

    fn recall_policy(&self, keys: Keys, with: Configuration<'_>) -> Option<Arc<Prepared>> {
        if let Some(prepared) = self.policies.find(keys.all) {
            return Some(prepared);
        }
        let artifact = self.artifacts.find::<Header>(Kind::Policy, keys.all)?;
        let start = match &artifact.header.not_snapshotted_because {
            None => {
                let component = artifact.load(&self.engine)?;
                Start::Image(Sandbox::new(&self.engine, &component).ok()?)
            }
            Some(reason) => {
                let loaded = self.recall_component(keys.component)?;
                configure_each_time(loaded, with, reason.clone())
            }
        };
        let hooks = with.hooks.to_vec();
        let description = artifact.header.description;
        let prepared = Arc::new(Prepared { keys, description, hooks, start });
        self.policies.keep(keys.all, Arc::clone(&prepared), prepared.kept_bytes());
        Some(prepared)
    }

    fn keep_policy(&self, prepared: Prepared) -> Arc<Prepared> {
        let keys = prepared.keys;
        let prepared = Arc::new(prepared);
        let code = match &prepared.start {
            Start::Image(sandbox) => sandbox.component().serialize(),
            Start::Configure { .. } => Ok(Vec::new()),
        };
        let header = Header {
            description: prepared.description.clone(),
            not_snapshotted_because: prepared.not_snapshotted_because().map(str::to_owned),
        };
        match code {
            Ok(code) => self.artifacts.keep(Kind::Policy, keys.all, &header, &code),
            Err(error) => tracing::warn!(%error, "a policy cannot be serialized"),
        }
        self.policies.keep(keys.all, Arc::clone(&prepared), prepared.kept_bytes());
        prepared
    }

    /// Lets the policy take its settings, and makes an image of what it then is, if that can be
    /// done.
    fn configure(
        &self,
        keys: Keys,
        loaded: &Arc<Loaded>,
        bytes: &[u8],
        with: Configuration<'_>,
    ) -> Result<Start, PrepareRefused> {
        let files = lifecycle::lower_files(with.data);
        let instrumented = instrument(bytes).and_then(|instrumented| {
            let sandbox = self.instrumented(keys.component, &instrumented.component)?;
            Ok((instrumented, sandbox))
        });
        let reason = match instrumented {
            Ok((instrumented, sandbox)) => {
                let taken = self.configured(keys, &sandbox, with, &files, |inside| {
                    instrumented.snapshot(inside)
                })?;
                match taken.and_then(|image| self.image(keys, loaded, &image)) {
                    Ok(sandbox) => return Ok(Start::Image(sandbox)),
                    Err(reason) => reason,
                }
            }
            Err(reason) => {
                self.configured(keys, &loaded.sandbox, with, &files, |_| ())?;
                reason
            }
        };
        tracing::info!(
            policy.name = loaded.description.name,
            policy.component = %keys.component,
            reason,
            "a policy is reconfigured for every decision"
        );
        Ok(configure_each_time(Arc::clone(loaded), with, reason))
    }

    /// The instrumented component, compiled once for all settings.
    fn instrumented(&self, digest: Digest, bytes: &[u8]) -> Result<Arc<Sandbox>, Reason> {
        if let Some(sandbox) = self.instrumented.find(digest) {
            return Ok(sandbox);
        }
        let component = self.compile(bytes).map_err(|error| error.to_string())?;
        let sandbox = Arc::new(self.sandbox(&component).map_err(|error| error.to_string())?);
        self.instrumented.keep(digest, Arc::clone(&sandbox), code_bytes(&component));
        Ok(sandbox)
    }

    /// Runs `configure` and then, inside the configured policy, something else.
    fn configured<T>(
        &self,
        keys: Keys,
        sandbox: &Sandbox,
        with: Configuration<'_>,
        files: &[lifecycle::DataFile],
        then: impl FnOnce(&mut Sandboxed<'_>) -> T,
    ) -> Result<T, PrepareRefused> {
        let limits = &self.config.configure;
        let seed = seed_of(keys.all);
        let evaluation = sandbox.run(&self.ticker, limits, seed, NO_TIME, |inside| {
            Ok(match inside.configure(with.settings, files, with.hooks)? {
                Ok(()) => Ok(then(inside)),
                Err(errors) => Err(errors),
            })
        });
        match evaluation.outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(errors)) => Err(PrepareRefused::Settings(said_errors(errors))),
            Err(failure) => Err(PrepareRefused::Configure(failure)),
        }
    }

    /// Compiles a snapshot and makes sure that it still is the same policy.
    fn image(&self, keys: Keys, loaded: &Loaded, image: &[u8]) -> Result<Sandbox, Reason> {
        let component = self.compile(image).map_err(|error| error.to_string())?;
        let sandbox = self.sandbox(&component).map_err(|error| error.to_string())?;
        match self.describe(&sandbox, keys.component) {
            Ok(description) if description == loaded.description => Ok(sandbox),
            Ok(_) => Err("its image describes itself differently".to_owned()),
            Err(refused) => Err(format!("its image does not work: {refused}")),
        }
    }

    fn check_sizes(&self, settings: &str, data: &[DataFile]) -> Result<(), Vec<SettingsError>> {
        let limit = self.config.settings_bytes;
        if settings.len() > limit {
            let message =
                format!("the settings have {} bytes; the limit is {limit}", settings.len());
            return Err(vec![SettingsError { path: String::new(), message }]);
        }
        let limit = self.config.data_bytes;
        let bytes: usize = data.iter().map(|file| file.content.len()).sum();
        match data.iter().max_by_key(|file| file.content.len()) {
            Some(largest) if bytes > limit => {
                let message =
                    format!("the data files have {bytes} bytes in total; the limit is {limit}");
                Err(vec![SettingsError { path: format!("data:{}", largest.name), message }])
            }
            _ => Ok(()),
        }
    }
}

impl Prepared {
    /// What it takes of the memory that the shelf counts. The component that it is configured from
    /// is counted where it is kept.
    fn kept_bytes(&self) -> usize {
        match &self.start {
            Start::Image(_) => self.code_bytes(),
            Start::Configure { settings, data, .. } => {
                settings.len() + data.iter().map(|file| file.content.len()).sum::<usize>()
            }
        }
    }
}

fn configure_each_time(loaded: Arc<Loaded>, with: Configuration<'_>, reason: Reason) -> Start {
    Start::Configure {
        loaded,
        settings: with.settings.to_owned(),
        data: lifecycle::lower_files(with.data),
        reason,
    }
}

/// The hooks in the order of [`Hook::ALL`], each once.
fn each_once(hooks: &[Hook]) -> Vec<Hook> {
    Hook::ALL.into_iter().filter(|hook| hooks.contains(hook)).collect()
}

/// The data files in the order of their names, which are different.
fn in_order(data: &[DataFile]) -> Result<Vec<DataFile>, Vec<SettingsError>> {
    let mut data = data.to_vec();
    data.sort_by(|a, b| a.name.cmp(&b.name));
    match data.array_windows().find(|[a, b]| a.name == b.name) {
        None => Ok(data),
        Some([file, _]) => Err(vec![SettingsError {
            path: format!("data:{}", file.name),
            message: "another data file has the same name".to_owned(),
        }]),
    }
}

/// The policy's own errors, of which there is at least one.
fn said_errors(errors: Vec<lifecycle::SettingsError>) -> Vec<SettingsError> {
    if errors.is_empty() {
        let message = "the policy rejected the settings without a reason".to_owned();
        return vec![SettingsError { path: String::new(), message }];
    }
    errors
        .into_iter()
        .map(|error| SettingsError { path: error.path, message: error.message })
        .collect()
}
