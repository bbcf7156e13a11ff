//! Uploads: a component is looked at before it is kept.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use wasmtime::component::Component;

use crate::artifacts::Kind;
use crate::contract::{LIFECYCLE_VERSION, WIT_VERSION, hook_export, lifecycle_export};
use crate::imports::{self, Name};
use crate::runtime::Workshop;
use crate::sandbox::{Sandbox, Unfit};
use crate::settings::SettingsSchema;
use crate::shape::{self, Shape};
use crate::{Description, Digest, Failure, Hook, Seed};

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
#[derive(Debug, Clone, PartialEq, Eq, Error)]
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
    #[error("the component was built against {found}; this host supports waypost:policy@{served}")]
    ContractVersion {
        /// What it names.
        found: String,
        /// What is served.
        served: &'static str,
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
    /// It declares more memories, tables or instances than the sandbox has room for.
    #[error("the component needs {what}; the limit is {limit}")]
    TooBig {
        /// What there is too much of.
        what: String,
        /// The limit.
        limit: usize,
    },
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
            Self::Describe(_) => "describe",
            Self::Description { .. } => "description",
            Self::SettingsSchema { .. } => "settings_schema",
            Self::HookNotExported { .. } => "hook_not_exported",
        }
    }
}

/// A component that was looked at: compiled, and described by itself.
pub(crate) struct Loaded {
    pub(crate) sandbox: Sandbox,
    pub(crate) description: Description,
}

/// The time on a policy's clocks while it is described or configured, which happens once for
/// decisions at any time.
pub(crate) const NO_TIME: &str = "1970-01-01T00:00:00Z";

impl Workshop {
    pub(crate) fn inspect(&self, bytes: &[u8]) -> Result<Inspection, UploadRefused> {
        let shape = self.check(bytes)?;
        let digest = Digest::of(bytes);
        let _turn = self.compiles.take_patiently();
        let loaded = self.load(digest, bytes)?;
        let Shape { imports, exports } = shape;
        Ok(Inspection {
            digest,
            size: bytes.len(),
            wit_version: WIT_VERSION.to_owned(),
            imports,
            exports,
            description: loaded.description.clone(),
        })
    }

    /// The component from memory or disk, if it was looked at before.
    pub(crate) fn recall_component(&self, digest: Digest) -> Option<Arc<Loaded>> {
        if let Some(loaded) = self.components.find(digest) {
            return Some(loaded);
        }
        let artifact = self.artifacts.find::<Description>(Kind::Component, digest)?;
        let component = artifact.load(&self.engine)?;
        let sandbox = Sandbox::new(&self.engine, &component).ok()?;
        let loaded = Arc::new(Loaded { sandbox, description: artifact.header });
        self.components.keep(digest, Arc::clone(&loaded), code_bytes(&component));
        Some(loaded)
    }

    /// The component, compiled and asked to describe itself if that was not done before.
    pub(crate) fn load(&self, digest: Digest, bytes: &[u8]) -> Result<Arc<Loaded>, UploadRefused> {
        if let Some(loaded) = self.recall_component(digest) {
            return Ok(loaded);
        }
        let shape = self.check(bytes)?;
        let component = self.compile(bytes)?;
        let sandbox = self.sandbox(&component)?;
        let description = self.describe(&sandbox, digest)?;
        check_hooks(&description, &sandbox, &shape)?;
        match component.serialize() {
            Ok(code) => self.artifacts.keep(Kind::Component, digest, &description, &code),
            Err(error) => tracing::warn!(%error, "a component cannot be serialized"),
        }
        let loaded = Arc::new(Loaded { sandbox, description });
        self.components.keep(digest, Arc::clone(&loaded), code_bytes(&component));
        Ok(loaded)
    }

    pub(crate) fn compile(&self, bytes: &[u8]) -> Result<Component, UploadRefused> {
        // A panic of the compiler is the component's doing, and no reason for the host to fall.
        match catch_unwind(AssertUnwindSafe(|| Component::from_binary(&self.engine, bytes))) {
            Ok(Ok(component)) => Ok(component),
            Ok(Err(error)) => Err(UploadRefused::Invalid { message: format!("{error:#}") }),
            Err(_) => {
                let message = "the compiler gave up on it".to_owned();
                Err(UploadRefused::Invalid { message })
            }
        }
    }

    pub(crate) fn sandbox(&self, component: &Component) -> Result<Sandbox, UploadRefused> {
        Sandbox::new(&self.engine, component).map_err(|unfit| match unfit {
            Unfit::Missing(export) => UploadRefused::MissingExport { export },
            Unfit::Shape(message) => UploadRefused::WrongShape { message },
        })
    }

    /// Asks for the description. The seed is the component's own, so that it says the same every
    /// time.
    pub(crate) fn describe(
        &self,
        sandbox: &Sandbox,
        digest: Digest,
    ) -> Result<Description, UploadRefused> {
        let limits = &self.config.configure;
        let seed = seed_of(digest);
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method itself is not general enough over its lifetimes"
        )]
        let described =
            sandbox.run(&self.ticker, limits, seed, NO_TIME, |inside| inside.describe());
        let said = described.outcome.map_err(UploadRefused::Describe)?;
        let description = Description::from_guest(said)
            .map_err(|message| UploadRefused::Description { message })?;
        SettingsSchema::compile(&description.settings_schema)
            .map_err(|message| UploadRefused::SettingsSchema { message })?;
        Ok(description)
    }

    /// What can be checked without compiling.
    fn check(&self, bytes: &[u8]) -> Result<Shape, UploadRefused> {
        let limit = self.config.component_bytes;
        if bytes.len() > limit {
            return Err(UploadRefused::TooLarge { bytes: bytes.len(), limit });
        }
        let shape = shape::read(bytes, self.config.memory_bytes)?;
        shape.imports.iter().try_for_each(|import| imports::check(import))?;
        check_version(&shape)?;
        Ok(shape)
    }
}

/// The seed for what is done once with a component or a policy.
pub(crate) fn seed_of(digest: Digest) -> Seed {
    let (seed, _) = digest.as_bytes().split_at(16);
    Seed(seed.try_into().expect("a half of 32 bytes has 16"))
}

/// What a compiled component takes of the memory that shelves count.
pub(crate) fn code_bytes(component: &Component) -> usize {
    let image = component.image_range();
    image.end.addr() - image.start.addr()
}

/// What is exported of the contract's two packages has the versions that are served, and the
/// lifecycle is among it.
fn check_version(shape: &Shape) -> Result<(), UploadRefused> {
    let is_other = |export: &&String| {
        Name::parse(export).is_some_and(|name| {
            let other_than = |served| name.version.is_some_and(|version| version != served);
            (name.is_of_hooks() && other_than(WIT_VERSION))
                || (name.is_of_lifecycle() && other_than(LIFECYCLE_VERSION))
        })
    };
    if let Some(found) = shape.exports.iter().find(is_other) {
        return Err(UploadRefused::ContractVersion { found: found.clone(), served: WIT_VERSION });
    }
    let export = lifecycle_export();
    if shape.exports.contains(&export) {
        return Ok(());
    }
    Err(UploadRefused::MissingExport { export })
}

fn check_hooks(
    description: &Description,
    sandbox: &Sandbox,
    shape: &Shape,
) -> Result<(), UploadRefused> {
    let missing = description.hooks.iter().map(|served| served.hook).find(|hook| {
        !sandbox.exports(*hook) || !shape.exports.contains(&hook_export(hook.interface()))
    });
    match missing {
        None => Ok(()),
        Some(hook) => {
            let export = hook_export(hook.interface());
            Err(UploadRefused::HookNotExported { hook, export })
        }
    }
}
