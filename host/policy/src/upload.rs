//! Uploads: a component is looked at before it is kept.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::contract::WIT_VERSION;
use crate::description::shown;
use crate::making::Cost;
use crate::turns::NotNow;
use crate::{Description, Digest, Failure, Hook};

/// Whether an organization has a component already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Novelty {
    /// It has, or one above it: what was found about it before is as good as now.
    Known,
    /// It has not. Then the component is looked at, whoever else has it: how long that takes tells
    /// nobody what others use. What was prepared is shared all the same: who knows a component and
    /// settings to the byte can tell that somebody prepared just these.
    New,
}

/// What an upload turned out to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// The component's digest, by which it is kept.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: usize,
    /// The version of the contract that it was built against: `0.1.0`.
    pub wit_version: String,
    /// What it imports, by name. The host answers all of it without any authority.
    pub imports: Vec<String>,
    /// What it exports, by name.
    pub exports: Vec<String>,
    /// What it says about itself.
    pub description: Description,
}

/// Why a component is not accepted. Nothing of it was kept.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum UploadRefused {
    /// It is larger than the limit.
    #[error("the component has {bytes} bytes; the limit is {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// It is a core module.
    #[error(
        "this is a WebAssembly module; a policy is a component (build for `wasm32-wasip2`, or see `wasm-tools component new`)"
    )]
    NotAComponent,
    /// It is not valid WebAssembly, or uses a feature that is off.
    #[error("this is not a valid WebAssembly component: {message}")]
    Invalid {
        /// The validator's words.
        message: String,
    },
    /// It wants something from its host that a policy may not have.
    #[error("the component imports `{import}`: {why}")]
    ForbiddenImport {
        /// The import's name.
        import: String,
        /// Why it is refused, and what to do instead.
        why: String,
    },
    /// It was built against a contract that this host does not serve.
    #[error(
        "the component was built against {found}; this host supports waypost:policy@{WIT_VERSION}"
    )]
    ContractVersion {
        /// What it names.
        found: String,
    },
    /// It lacks an export of the contract.
    #[error("the component does not export `{export}`")]
    MissingExport {
        /// The export's name.
        export: String,
    },
    /// An interface has the contract's name, but not its types.
    #[error("the component violates the contract: {message}")]
    WrongShape {
        /// What differs.
        message: String,
    },
    /// It declares more than the sandbox has room for, or than is taken in.
    #[error("the component has {what}; the limit is {limit}")]
    TooBig {
        /// What there is too much of.
        what: String,
        /// The limit.
        limit: usize,
    },
    /// Making machine code of it was ended at a limit.
    #[error("checking the component takes more than {limit}; make it smaller or simpler")]
    TooCostly {
        /// The limit.
        limit: Cost,
    },
    /// The compiler has an error, which this component makes it show.
    #[error("the compiler failed on the component: {message}")]
    CompilerFailed {
        /// How it ended.
        message: String,
    },
    /// It was not looked at, which is not its doing.
    #[error("the component was not checked: {0}")]
    NotNow(NotNow),
    /// `describe` failed.
    #[error("`describe` failed: {0}")]
    Describe(Failure),
    /// `describe` answered something that cannot stand.
    #[error("the description is not valid: {message}")]
    Description {
        /// The field and the remedy.
        message: String,
    },
    /// Its settings schema is not a JSON Schema that can be used.
    #[error("the settings schema is not valid: {message}")]
    SettingsSchema {
        /// What is wrong with it.
        message: String,
    },
    /// It describes a hook whose interface it does not export.
    #[error("the description lists `{hook}`, but the component does not export `{export}`")]
    HookNotExported {
        /// The hook.
        hook: Hook,
        /// The missing export.
        export: String,
    },
}

impl UploadRefused {
    // A component can name things as it likes, so what is quoted of it is cut.

    pub(crate) fn invalid(message: &str) -> Self {
        Self::Invalid { message: shown(message) }
    }

    pub(crate) fn wrong_shape(message: &str) -> Self {
        Self::WrongShape { message: shown(message) }
    }

    pub(crate) fn compiler_failed(message: &str) -> Self {
        Self::CompilerFailed { message: shown(message) }
    }

    pub(crate) fn forbidden_import(import: &str, why: &str) -> Self {
        Self::ForbiddenImport { import: shown(import), why: why.to_owned() }
    }

    pub(crate) fn contract_version(found: &str) -> Self {
        Self::ContractVersion { found: shown(found) }
    }

    /// The refusal's name in JSON.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::NotAComponent => "not_a_component",
            Self::Invalid { .. } => "invalid",
            Self::ForbiddenImport { .. } => "forbidden_import",
            Self::ContractVersion { .. } => "contract_version",
            Self::MissingExport { .. } => "missing_export",
            Self::WrongShape { .. } => "wrong_shape",
            Self::TooBig { .. } => "too_big",
            Self::TooCostly { .. } => "too_costly",
            Self::CompilerFailed { .. } => "compiler_failed",
            Self::NotNow(_) => "busy",
            Self::Describe(_) => "describe",
            Self::Description { .. } => "description",
            Self::SettingsSchema { .. } => "settings_schema",
            Self::HookNotExported { .. } => "hook_not_exported",
        }
    }
}
