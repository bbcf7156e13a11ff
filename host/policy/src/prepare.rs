//! Preparation: a component with its settings and data, ready to be asked.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::contract::lifecycle;
use crate::sandbox::Sandbox;
use crate::snapshot::Reason;
use crate::turns::NotNow;
use crate::workshop::{Loaded, code_bytes};
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
    Component(UploadRefused),
    /// The component's bytes could not be had.
    #[error("the component {digest} cannot be read")]
    Missing {
        /// The component.
        digest: Digest,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// It was not tried, which is nobody's fault who could mend it.
    #[error("the policy was not prepared: {0}")]
    NotNow(NotNow),
    /// The bytes are not those of the digest.
    #[error("the stored bytes of {expected} have the digest {found}")]
    WrongBytes {
        /// What was asked for.
        expected: Digest,
        /// What came.
        found: Digest,
    },
}

impl From<UploadRefused> for PrepareRefused {
    fn from(refused: UploadRefused) -> Self {
        match refused {
            UploadRefused::NotNow(why) => Self::NotNow(why),
            refused => Self::Component(refused),
        }
    }
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
    pub(crate) keys: Keys,
    pub(crate) description: Description,
    pub(crate) hooks: Vec<Hook>,
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
    pub(crate) settings: &'a str,
    /// In the order of their names.
    pub(crate) data: &'a [DataFile],
    /// In the order of [`Hook::ALL`], each once.
    pub(crate) hooks: &'a [Hook],
}

/// The digests that tell one policy from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) component: Digest,
    pub(crate) settings: Digest,
    pub(crate) data: Digest,
    pub(crate) all: Digest,
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
    pub(crate) fn of(component: Digest, with: Configuration<'_>) -> Self {
        let settings = Digest::of(with.settings.as_bytes());
        let parts = with.data.iter().flat_map(|file| [file.name.as_bytes(), &file.content]);
        let data = Digest::of_parts(parts);
        let hooks = Digest::of_parts(with.hooks.iter().map(|hook| hook.as_str().as_bytes()));
        let all = [component, settings, data, hooks];
        let all = Digest::of_parts(all.each_ref().map(|digest| &digest.as_bytes()[..]));
        Self { component, settings, data, all }
    }
}

impl Prepared {
    /// What it takes of the memory that the shelf counts. The component that it is configured from
    /// is counted where it is kept.
    pub(crate) fn kept_bytes(&self) -> usize {
        match &self.start {
            Start::Image(_) => self.code_bytes(),
            Start::Configure { settings, data, .. } => {
                settings.len() + data.iter().map(|file| file.content.len()).sum::<usize>()
            }
        }
    }
}

/// The hooks in the order of [`Hook::ALL`], each once.
pub(crate) fn each_once(hooks: &[Hook]) -> Vec<Hook> {
    Hook::ALL.into_iter().filter(|hook| hooks.contains(hook)).collect()
}

/// The data files in the order of their names, which are different.
pub(crate) fn in_order(data: &[DataFile]) -> Result<Vec<DataFile>, Vec<SettingsError>> {
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
