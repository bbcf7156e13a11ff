//! The runtime: one engine and everything that is kept beside it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cap_std::fs::Dir;
use thiserror::Error;
use uuid::Uuid;
use wasmtime::Engine;

use crate::admission::{Admission, Busy, Permit, Slots};
use crate::artifacts::Artifacts;
use crate::breaker::{Breaker, BreakerKey, Breakers};
use crate::cache::Cache;
use crate::contract::v0_1;
use crate::engine::{self, Ticker};
use crate::prepare::Start;
use crate::sandbox::{Evaluation, Halt, Sandbox, Sandboxed};
use crate::upload::Loaded;
use crate::weight::Weigh as _;
use crate::{
    Answer, ComponentSource, DataFile, Decision, Decline, Digest, Failure, Hook, Inspection,
    Limits, PrepareRefused, Prepared, Question, RuntimeConfig, Seed, UploadRefused,
};

/// The runtime could not be started.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// The engine refuses its configuration, or the machine has too little address space for the
    /// pool.
    #[error("the policy engine cannot be set up: {0}")]
    Engine(String),
    /// The thread that enforces deadlines cannot be started.
    #[error("the thread that enforces deadlines cannot be started")]
    Ticker(#[source] std::io::Error),
}

/// The engine's version, as receipts record it.
pub const ENGINE_VERSION: &str = "wasmtime 48.0.8";

/// Opens a folder for artifacts, and makes it if it is missing.
pub fn open_dir(path: &Path) -> std::io::Result<Dir> {
    Dir::create_ambient_dir_all(path, cap_std::ambient_authority())?;
    Dir::open_ambient_dir(path, cap_std::ambient_authority())
}

/// Evaluates policies. One for the whole process.
pub struct PolicyRuntime {
    workshop: Workshop,
    slots: Slots,
    admission: Admission,
    breakers: Breakers,
}

/// The engine, and what was compiled with it.
pub(crate) struct Workshop {
    pub(crate) config: RuntimeConfig,
    pub(crate) engine: Engine,
    pub(crate) ticker: Ticker,
    pub(crate) artifacts: Artifacts,
    pub(crate) components: Cache<Loaded>,
    pub(crate) policies: Cache<Prepared>,
    /// Components with the instrumentation that snapshots need, by the digests of the components.
    pub(crate) instrumented: Cache<Sandbox>,
    /// Turns at compiling, describing and configuring.
    pub(crate) compiles: Slots,
}

impl PolicyRuntime {
    /// Starts the engine. Artifacts are kept in the folder; see [`RuntimeConfig::artifact_key`].
    pub fn open(config: RuntimeConfig, artifacts: Dir) -> Result<Arc<Self>, RuntimeError> {
        let engine = engine::engine(&config)?;
        let ticker = Ticker::start(&engine, config.epoch_tick)?;
        let key = config.artifact_key.clone();
        let fingerprint = engine::fingerprint(&engine);
        let artifacts = Artifacts::new(artifacts, key, fingerprint, config.artifact_bytes);
        let (share, wait) = (config.instances_per_org, config.admission_wait);
        Ok(Arc::new(Self {
            slots: Slots::new(config.instances),
            admission: Admission::new(config.instances, share, wait),
            breakers: Breakers::new(config.breaker.clone()),
            workshop: Workshop {
                components: Cache::new(config.kept_policy_bytes),
                policies: Cache::new(config.kept_policy_bytes),
                instrumented: Cache::new(config.kept_policy_bytes),
                compiles: Slots::new(config.concurrent_compiles),
                config,
                engine,
                ticker,
                artifacts,
            },
        }))
    }

    /// The sizes it was opened with.
    #[must_use]
    pub const fn config(&self) -> &RuntimeConfig {
        &self.workshop.config
    }

    /// Looks at a component before it is kept. Compiles it, which takes up to half a minute of one
    /// core for an interpreter: never call it on a serving thread.
    pub fn inspect(&self, bytes: &[u8]) -> Result<Inspection, UploadRefused> {
        self.workshop.inspect(bytes)
    }

    /// Checks settings and data, configures the component with them and compiles the result, or
    /// finds it ready from before. May take as long as [`inspect`](Self::inspect) twice.
    ///
    /// The hooks are those that a binding serves with these settings; the policy is told them, and
    /// asked no other.
    pub fn prepare(
        &self,
        source: &dyn ComponentSource,
        component: Digest,
        settings: &str,
        data: &[DataFile],
        hooks: &[Hook],
    ) -> Result<Arc<Prepared>, PrepareRefused> {
        self.workshop.prepare(source, component, settings, data, hooks)
    }

    /// The prepared policy if it is ready in memory or on disk. Quick, and needs no component.
    #[must_use]
    pub fn recall(
        &self,
        component: Digest,
        settings: &str,
        data: &[DataFile],
        hooks: &[Hook],
    ) -> Option<Arc<Prepared>> {
        self.workshop.recall(component, settings, data, hooks)
    }

    /// The prepared policy with this [`Prepared::key`], if it is still in memory, which keeps it
    /// there: the longest unused ones go first.
    #[must_use]
    pub fn at_hand(&self, key: Digest) -> Option<Arc<Prepared>> {
        self.workshop.at_hand(key)
    }

    /// How many policies are kept ready in memory.
    #[must_use]
    pub fn kept_policies(&self) -> usize {
        self.workshop.policies.len()
    }

    /// Asks a policy one question in a sandbox of its own. Computes on the calling thread, for at
    /// most the deadline.
    ///
    /// The same policy, question, limits and seed give the same answer, fuel and log, unless the
    /// wall clock ended it.
    #[must_use]
    pub fn decide(
        &self,
        policy: &Prepared,
        question: Question,
        limits: &Limits,
        seed: Seed,
    ) -> Decision {
        let began = Instant::now();
        let asked = catch_unwind(AssertUnwindSafe(|| self.ask(policy, question, limits, seed)));
        let asked = asked.unwrap_or_else(|_| {
            failed(Failure::Unavailable { message: "the engine panicked".to_owned() })
        });
        Decision {
            outcome: asked.outcome.and_then(|answer| accepted(answer, limits)),
            fuel: asked.fuel,
            duration: began.elapsed(),
            log: asked.log,
            log_truncated: asked.log_truncated,
        }
    }

    /// Asks the same question again and again in one instance, and tells how long the asking took.
    /// No decision is made that way: it is the measure of what a sandbox of its own costs.
    pub fn time_reused(
        &self,
        policy: &Prepared,
        question: Question,
        limits: &Limits,
        times: u64,
    ) -> Result<Duration, Failure> {
        let mut took = Duration::ZERO;
        let now = question.context().now.utc.clone();
        let question = v0_1::lower(question);
        let evaluation = self.evaluate(policy, &now, limits, Seed([0; 16]), |inside| {
            let began = Instant::now();
            for _ in 0..times {
                inside.rearm(limits);
                inside.ask(&question)?.ok();
            }
            took = began.elapsed();
            Ok(())
        });
        evaluation.outcome.map(|()| took)
    }

    /// Waits for the organization's turn. A caller takes one permit for a round of decisions, and
    /// then runs them on a thread that may block.
    pub async fn admit(&self, org: Uuid) -> Result<Permit, Busy> {
        self.admission.admit(org).await
    }

    /// The circuit breaker of a binding at a hook.
    #[must_use]
    pub const fn breaker(&self, key: BreakerKey) -> Breaker<'_> {
        self.breakers.of(key)
    }

    fn ask(
        &self,
        policy: &Prepared,
        question: Question,
        limits: &Limits,
        seed: Seed,
    ) -> Evaluation<Result<Answer, Decline>> {
        let hook = question.hook();
        if !policy.serves(hook) {
            let message = format!("the policy does not serve `{hook}`");
            return failed(Failure::Unavailable { message });
        }
        let (bytes, limit) = (question.weight(), limits.input_bytes);
        if bytes > limit {
            return failed(Failure::InputTooLarge { bytes, limit });
        }
        let now = question.context().now.utc.clone();
        let question = v0_1::lower(question);
        self.evaluate(policy, &now, limits, seed, |inside| {
            // What instantiating and configuring cost is not the hook's.
            inside.rearm(limits);
            inside.ask(&question)
        })
    }

    /// Runs something in a fresh instance of the configured policy.
    fn evaluate<T>(
        &self,
        policy: &Prepared,
        now: &str,
        limits: &Limits,
        seed: Seed,
        work: impl FnOnce(&mut Sandboxed<'_>) -> Result<T, Halt>,
    ) -> Evaluation<T> {
        let Ok(_slot) = self.slots.take(self.workshop.config.admission_wait) else {
            return failed(Failure::Busy);
        };
        let ticker = &self.workshop.ticker;
        match &policy.start {
            Start::Image(sandbox) => sandbox.run(ticker, limits, seed, now, work),
            Start::Configure { loaded, settings, data, .. } => {
                let configure = &self.workshop.config.configure;
                let (fuel, deadline) = (configure.fuel, configure.deadline);
                let first = Limits { fuel, deadline, ..limits.clone() };
                loaded.sandbox.run(ticker, &first, seed, now, |inside| {
                    match inside.configure(settings, data, policy.hooks())? {
                        Ok(()) => work(inside),
                        Err(errors) => Err(Halt::Failure(Failure::Configure {
                            message: errors.into_iter().next().map_or_else(
                                || "it rejected its settings".to_owned(),
                                |error| format!("{}: {}", error.path, error.message),
                            ),
                        })),
                    }
                })
            }
        }
    }
}

fn failed<T>(failure: Failure) -> Evaluation<T> {
    Evaluation { outcome: Err(failure), fuel: 0, log: Vec::new(), log_truncated: false }
}

/// Weighs an answer, and takes a policy at its word that it is broken.
fn accepted(
    answer: Result<Answer, Decline>,
    limits: &Limits,
) -> Result<Result<Answer, Decline>, Failure> {
    let limit = limits.answer_bytes;
    let bytes = match &answer {
        Ok(answer) => answer.weight(),
        Err(decline) => decline.weight(),
    };
    match answer {
        _ if bytes > limit => Err(Failure::AnswerTooLarge { limit }),
        Err(Decline::Broken(message)) => Err(Failure::Broken { message }),
        answer => Ok(answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_name_the_engine_that_is_built_in() {
        let lock = include_str!("../../../Cargo.lock");
        let version = ENGINE_VERSION.strip_prefix("wasmtime ").unwrap();
        assert!(lock.contains(&format!("name = \"wasmtime\"\nversion = \"{version}\"\n")));
    }
}
