//! What can be set: the installation's sizes and one decision's limits. Plain values; `server`
//! reads them from its configuration.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Hook;
use crate::compiler::Compiler;

/// One mebibyte.
const MIB: usize = 1024 * 1024;

/// The sizes of a policy runtime.
#[derive(Debug, Clone)]
pub struct RuntimeConfig {
    /// Authenticates the artifacts on disk. Without a key nothing is read from or written to the
    /// folder, and every start compiles anew: see [`ArtifactKey::kept_in`].
    pub artifact_key: Option<ArtifactKey>,
    /// How many policies may be running at the same moment, over all organizations. A policy
    /// computes and never waits, so more than a few per core buys nothing; each may grow to the
    /// memory limit.
    pub instances: u32,
    /// How many of them one organization may have at the same moment, so that a slow policy of one
    /// is not felt by the rest.
    pub instances_per_org: u32,
    /// How long a decision waits for its turn before it is given up as `busy`.
    pub admission_wait: Duration,
    /// How often the clock that enforces deadlines ticks: a deadline is late by at most this.
    pub epoch_tick: Duration,
    /// Where components are compiled, described and configured. [`Default`] takes this program
    /// itself, which must then [know that name](crate::compiler::is_called_so); with the feature
    /// `testing`, this process.
    pub compiler: Compiler,
    /// How many components may be compiled at the same moment. Each takes one core for up to a
    /// minute. With two or more, one organization never has all, and one is for small components.
    pub concurrent_compiles: u32,
    /// The most memory that compiling one component may take.
    pub compile_memory_bytes: usize,
    /// The longest that compiling one component may take. Small ones get less.
    pub compile_time: Duration,
    /// The largest component that is accepted. Python's are 18 MB.
    pub component_bytes: usize,
    /// The largest settings document.
    pub settings_bytes: usize,
    /// The largest sum of data files of one binding.
    pub data_bytes: usize,
    /// How many bytes of machine code are kept in memory when nothing uses them: three quarters for
    /// policies, the rest for components. A rule policy takes about 1.5 MiB, an interpreter's 35.
    pub kept_policy_bytes: usize,
    /// How many bytes of artifacts the folder may hold before the longest unused are removed, of
    /// whoever has most.
    pub artifact_bytes: u64,
    /// How many of them may be one organization's.
    pub artifact_bytes_per_org: u64,
    /// The most memory that any policy can be allowed; a binding's own limit can only be lower.
    pub memory_bytes: usize,
    /// How much of an instance's memory is reset by copying instead of by a system call when a
    /// decision is over. It should hold a rule policy whole: its 64 KiB stack, its data, its heap.
    /// Each place in the pool keeps so much.
    pub resident_bytes: usize,
    /// The limits for `describe` and `configure`.
    pub configure: Limits,
    /// When a binding's failures open its circuit breaker.
    pub breaker: BreakerConfig,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            artifact_key: None,
            instances: 32,
            instances_per_org: 8,
            admission_wait: Duration::from_millis(500),
            epoch_tick: Duration::from_millis(1),
            compiler: Compiler::default(),
            concurrent_compiles: 2,
            compile_memory_bytes: 1024 * MIB,
            compile_time: Duration::from_secs(140),
            component_bytes: 32 * MIB,
            settings_bytes: MIB,
            data_bytes: 16 * MIB,
            kept_policy_bytes: 384 * MIB,
            artifact_bytes: 4 * 1024 * MIB as u64,
            artifact_bytes_per_org: 1024 * MIB as u64,
            memory_bytes: 64 * MIB,
            resident_bytes: 256 * 1024,
            configure: Limits {
                fuel: 4_000_000_000,
                deadline: Duration::from_secs(2),
                ..Limits::default()
            },
            breaker: BreakerConfig::default(),
        }
    }
}

/// What one decision may use. The defaults are listed in `docs/policies.md`; a binding may have its
/// own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Instructions, roughly: the unit that is the same on every machine, every time.
    pub fuel: u64,
    /// Wall-clock time, for what fuel does not see.
    pub deadline: Duration,
    /// All linear memories together.
    pub memory_bytes: usize,
    /// The question's texts and lists, as they are copied into the policy's memory.
    pub input_bytes: usize,
    /// The answer's texts and lists.
    pub answer_bytes: usize,
    /// The log's lines. What is beyond is dropped, and the decision says so.
    pub log_bytes: usize,
}

impl Limits {
    /// The default limits of a hook. Categorizing may run a model over the text, the others apply
    /// rules.
    #[must_use]
    pub fn of(hook: Hook) -> Self {
        let fuel = match hook {
            Hook::Categorize => 100_000_000,
            Hook::Route | Hook::Plan | Hook::Stalled | Hook::Notify => 50_000_000,
        };
        Self { fuel, ..Self::default() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // About 50 ms of straight computation on a slow core, so that fuel, which is the same
            // every time, runs out before the clock does.
            fuel: 50_000_000,
            deadline: Duration::from_millis(50),
            memory_bytes: 64 * MIB,
            input_bytes: 256 * 1024,
            answer_bytes: 64 * 1024,
            log_bytes: 8 * 1024,
        }
    }
}

/// When a binding's failures open its circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerConfig {
    /// This many failures in a row open it.
    pub failures: u32,
    /// How long it stays open before one decision is let through as a trial.
    pub cool_down: Duration,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self { failures: 5, cool_down: Duration::from_mins(5) }
    }
}

/// The secret that authenticates artifacts: machine code that this installation compiled itself.
///
/// Loading an artifact runs it, so one that somebody else wrote would be somebody else's code in
/// our process.
#[derive(Clone, PartialEq, Eq)]
pub struct ArtifactKey(pub(crate) [u8; 32]);

impl From<[u8; 32]> for ArtifactKey {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for ArtifactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ArtifactKey(…)")
    }
}
