//! The policy runtime: asks sandboxed WebAssembly components what the desk should do.
//!
//! A policy is a component that exports hooks of the contract in `wit/`. It has no authority: it
//! gets a question with everything that it may know, and answers with a proposal. The rest of the
//! desk decides what becomes of that.
//!
//! ```text
//! upload ──inspect──▶ Inspection          is it a policy? what does it say about itself?
//! bind   ──prepare──▶ Prepared            settings accepted, configured, compiled, ready
//! ticket ──decide───▶ Decision            an answer, a decline, or a failure with its code
//! ```
//!
//! # A map of the modules
//!
//! What the desk sees:
//!
//! | module | owns |
//! | --- | --- |
//! | `hook` | hooks, and the facts that a policy may need, by their names |
//! | [`question`], [`answer`] | questions and answers as values of the host's own types |
//! | [`form`] | their JSON, which rounds and receipts keep, with the version of its form |
//! | `decision` | outcome, fuel, time and log of one evaluation; the failures and their codes |
//! | `config` | sizes of the installation, limits of a decision, with their defaults |
//! | `runtime` | [`PolicyRuntime`], the one door |
//! | `admission` | fair shares of organizations; places in the pool |
//! | `breaker` | bindings that failed too often |
//!
//! From bytes to a policy that can be asked. What a stranger sent is worked on in a child process:
//!
//! | module | owns |
//! | --- | --- |
//! | `turns` | who may have something compiled now |
//! | `workshop` | what was compiled, in memory and on disk, and what is to be made |
//! | [`compiler`] | the child process: its limits, its job, its end |
//! | `making` | the order of the checks; compiling, describing, configuring |
//! | `shape` | what can be said about bytes before anything is compiled |
//! | `imports`, `imports::wasi` | which imports are let in, and the answers without authority |
//! | `upload` | what an upload turned out to be, and why a component is refused |
//! | `description` | what a policy says about itself, checked |
//! | `settings`, `schema_bounds` | settings against the policy's JSON Schema, and its bounds |
//! | `prepare` | a policy that can be asked, and why there is none |
//! | `snapshot` | a component whose memory is that of a configured policy |
//! | `artifacts`, `artifacts::room` | compiled components on disk, authenticated; whose give way |
//! | `cache` | compiled components in memory, bounded |
//!
//! Where it runs:
//!
//! | module | owns |
//! | --- | --- |
//! | `contract` | a module for each version of the WIT: generated types, `lower` and `lift` |
//! | `engine` | wasmtime's configuration, and the thread that makes deadlines fire |
//! | `sandbox` | a store and an instance for each evaluation; what an engine's error means |
//! | `guest`, `guest_log` | what a store holds: memory bound, clock, random numbers, log |
//! | `weight` | sizes of questions and answers |
//! | `plain_text` | what a guest says, without the characters that no record keeps |
//!
//! # What holds
//!
//! - **A decision is a pure function** of policy, question, limits and seed: the clock stands at
//!   the decision's time, random numbers follow from the seed, floating point is canonical, fuel is
//!   counted. Only the wall-clock deadline is outside of that, and it has a code of its own.
//! - **Nothing is reused.** Every evaluation has a fresh store and a fresh instance, so a trap
//!   leaves nothing behind, and one organization's ticket is never in the memory that sees the
//!   next.
//! - **Every bound has a test with a guest that exceeds it**: fuel, time, memory, tables, stack,
//!   question, answer, log, calls to the host, size of the upload, of settings and of data.
//! - **Machine code is loaded only if this installation wrote it.** `artifacts` has the only unsafe
//!   block of the crate.
//! - **What a component costs to check, it costs in a process of its own**, with limits on memory
//!   and time: the process that serves compiles nothing.
//! - **Absent on purpose:** WASI with authority, asynchronous host calls, reuse of instances,
//!   WebAssembly threads and relaxed SIMD (their results may differ), text components.

mod admission;
pub mod answer;
mod artifacts;
mod breaker;
mod cache;
pub mod compiler;
mod config;
mod contract;
mod decision;
mod description;
mod digest;
mod engine;
pub mod form;
mod guest;
mod guest_log;
mod hook;
mod imports;
mod making;
mod plain_text;
mod prepare;
pub mod question;
mod runtime;
mod sandbox;
mod settings;
mod shape;
mod snapshot;
#[cfg(feature = "testing")]
pub mod testing;
mod turns;
mod upload;
mod weight;
mod workshop;

pub use cap_std::fs::Dir;
pub use waypost_settings::{Reference, references};

pub use self::admission::{Busy, Permit};
pub use self::answer::{Answer, Decline, Reply};
pub use self::breaker::{Breaker, BreakerKey, BreakerOpen, Opened};
pub use self::compiler::{Compiler, CompilerProgram};
pub use self::config::{ArtifactKey, BreakerConfig, Limits, RuntimeConfig};
pub use self::contract::WIT_VERSION;
pub use self::decision::{Decision, Failure, LogLevel, LogLine, Seed};
pub use self::description::{Description, ServedHook};
pub use self::digest::{Digest, NotADigest};
pub use self::hook::{Hook, Need, NoSuchHook, NoSuchNeed};
pub use self::making::Cost;
pub use self::prepare::{ComponentSource, DataFile, PrepareRefused, Prepared, SettingsError};
pub use self::question::Question;
pub use self::runtime::{ENGINE_VERSION, Making, PolicyRuntime, RuntimeError, open_dir};
pub use self::turns::{Asker, NotNow, Patience};
pub use self::upload::{Inspection, Novelty, UploadRefused};
