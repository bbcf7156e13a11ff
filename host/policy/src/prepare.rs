//! Preparation: a component with its settings and data, ready to be asked.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Description, Digest, Failure, UploadRefused};

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
    /// A JSON pointer into the settings (`/rules/3/team`), empty for the whole, or `data:NAME` for a data file.
    pub path: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// Why a component, settings and data do not make a policy. Nothing changed.
#[derive(Debug, Error)]
pub enum PrepareRefused {
    /// The settings or the data are not acceptable. At least one error.
    #[error("the settings are not acceptable: {}", first(.0))]
    Settings(Vec<SettingsError>),
    /// `configure` failed.
    #[error("`configure` failed: {0}")]
    Configure(Failure),
    /// The component itself is not acceptable: this host is stricter than the one that took it in, or a limit was lowered.
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
    #[error("the bytes kept for {expected} are those of {found}")]
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

/// A component with its settings and data, configured and compiled: what [`decide`](crate::PolicyRuntime::decide) asks.
///
/// It is shared: every organization that binds the same component with the same settings and data uses the same one.
#[derive(Debug)]
pub struct Prepared {
    component: Digest,
    settings_digest: Digest,
    data_digest: Digest,
    key: Digest,
    description: Description,
    not_snapshotted_because: Option<String>,
}

impl Prepared {
    /// The component's digest.
    #[must_use]
    pub const fn component(&self) -> Digest {
        self.component
    }

    /// The digest of the settings' text.
    #[must_use]
    pub const fn settings_digest(&self) -> Digest {
        self.settings_digest
    }

    /// The digest of the data files, names and contents, in the order of their names.
    #[must_use]
    pub const fn data_digest(&self) -> Digest {
        self.data_digest
    }

    /// The digest of the three: equal keys decide equally.
    #[must_use]
    pub const fn key(&self) -> Digest {
        self.key
    }

    /// What the policy says about itself.
    #[must_use]
    pub const fn description(&self) -> &Description {
        &self.description
    }

    /// Whether its decisions start from an image of the configured policy. If not, each calls `configure` first.
    #[must_use]
    pub const fn snapshotted(&self) -> bool {
        self.not_snapshotted_because.is_none()
    }

    /// Why there is no such image.
    #[must_use]
    pub fn not_snapshotted_because(&self) -> Option<&str> {
        self.not_snapshotted_because.as_deref()
    }
}
