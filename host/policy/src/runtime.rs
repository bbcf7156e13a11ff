//! The runtime: one engine and everything that is kept beside it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cap_std::fs::Dir;
use thiserror::Error;
use uuid::Uuid;

#[cfg(feature = "testing")]
use crate::ComponentSource;
use crate::admission::{Admission, Busy, Permit, Slots};
use crate::breaker::{Breaker, BreakerKey, Breakers};
use crate::compiler::Stop;
use crate::contract::v0_1;
use crate::prepare::Start;
use crate::sandbox::{Evaluation, Halt, Sandboxed};
use crate::turns::{Turn, Turns};
use crate::weight::Weigh as _;
use crate::workshop::Workshop;
use crate::{
    Answer, Asker, DataFile, Decision, Decline, Digest, Failure, Hook, Inspection, Limits, Novelty,
    PrepareRefused, Prepared, Question, RuntimeConfig, Seed, UploadRefused,
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
    /// The threads for compiling cannot be started.
    #[error("the threads for compiling cannot be started")]
    Threads(#[source] std::io::Error),
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
    turns: Turns,
    workshop: Arc<Workshop>,
    slots: Slots,
    admission: Admission,
    breakers: Breakers,
}

/// What a policy is made from.
pub struct Making {
    /// The component.
    pub component: Digest,
    /// Its bytes; none where they are lost.
    pub bytes: Option<Arc<[u8]>>,
    /// The settings, as JSON text.
    pub settings: String,
    /// The data files.
    pub data: Vec<DataFile>,
    /// The hooks that a binding serves with these settings: the policy is told them, and asked no
    /// other.
    pub hooks: Vec<Hook>,
}

impl PolicyRuntime {
    /// Starts the engine. Artifacts are kept in the folder; see [`RuntimeConfig::artifact_key`].
    pub fn open(config: RuntimeConfig, artifacts: Dir) -> Result<Arc<Self>, RuntimeError> {
        let (share, wait) = (config.instances_per_org, config.admission_wait);
        Ok(Arc::new(Self {
            slots: Slots::new(config.instances),
            admission: Admission::new(config.instances, share, wait),
            breakers: Breakers::new(config.breaker.clone()),
            turns: Turns::open(config.concurrent_compiles)?,
            workshop: Arc::new(Workshop::open(config, artifacts)?),
        }))
    }

    /// The sizes it was opened with.
    #[must_use]
    pub fn config(&self) -> &RuntimeConfig {
        &self.workshop.config
    }

    /// Looks at a component before it is kept, when it is its turn. Compiling takes up to a minute
    /// for an interpreter; what the organization knows already is only looked up. Whoever drops
    /// this stops it.
    pub async fn inspect_in_turn(
        &self,
        by: Asker,
        bytes: Arc<[u8]>,
        novelty: Novelty,
    ) -> Result<Inspection, UploadRefused> {
        let workshop = Arc::clone(&self.workshop);
        let size = bytes.len();
        let work = move |stop: &Stop| workshop.inspect(&bytes, novelty, Turn { of: by.org, stop });
        let inspected = self.turns.take(by, size, work).await;
        inspected.unwrap_or_else(|why| Err(UploadRefused::NotNow(why)))
    }

    /// Checks settings and data, configures the component with them and compiles the result, when
    /// it is its turn, or finds it ready from before. May take as long as
    /// [`inspect_in_turn`](Self::inspect_in_turn) twice. Whoever drops this stops it.
    pub async fn prepare_in_turn(
        &self,
        by: Asker,
        making: Making,
    ) -> Result<Arc<Prepared>, PrepareRefused> {
        let workshop = Arc::clone(&self.workshop);
        let size = making.bytes.as_ref().map_or(0, |bytes| bytes.len());
        let work = move |stop: &Stop| {
            let Making { component, bytes, settings, data, hooks } = making;
            let source = |_| match &bytes {
                Some(bytes) => Ok(bytes.to_vec()),
                None => Err("it is not in the database".into()),
            };
            let turn = Turn { of: by.org, stop };
            workshop.prepare(&source, component, &settings, &data, &hooks, turn)
        };
        let prepared = self.turns.take(by, size, work).await;
        prepared.unwrap_or_else(|why| Err(PrepareRefused::NotNow(why)))
    }

    /// [`inspect_in_turn`](Self::inspect_in_turn) without a turn, on the calling thread.
    #[cfg(feature = "testing")]
    pub fn inspect(&self, bytes: &[u8]) -> Result<Inspection, UploadRefused> {
        let turn = Turn { of: Uuid::nil(), stop: &Stop::default() };
        self.workshop.inspect(&bytes.into(), Novelty::Known, turn)
    }

    /// [`prepare_in_turn`](Self::prepare_in_turn) without a turn, on the calling thread.
    #[cfg(feature = "testing")]
    pub fn prepare(
        &self,
        source: &dyn ComponentSource,
        component: Digest,
        settings: &str,
        data: &[DataFile],
        hooks: &[Hook],
    ) -> Result<Arc<Prepared>, PrepareRefused> {
        let turn = Turn { of: Uuid::nil(), stop: &Stop::default() };
        self.workshop.prepare(source, component, settings, data, hooks, turn)
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
        self.workshop.policies.find(key)
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
        let asked = asked.unwrap_or_else(|_| failed(Failure::HostPanic));
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

    /// A turn of a preview, of a small share that previews have for themselves; none at once where
    /// that is used up. One permit is for a round of decisions, as that of [`Self::admit`].
    pub fn admit_preview(&self, org: Uuid) -> Result<Permit, Busy> {
        self.admission.admit_preview(org)
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
