//! The policy runtime: asks sandboxed WebAssembly components what the desk should do.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod admission;
mod artifacts;
mod breaker;
mod config;
pub mod contract;
mod decision;
mod description;
mod digest;
mod engine;
mod guest;
mod guest_log;
mod imports;
mod prepare;
mod question;
mod runtime;
mod sandbox;
mod settings;
mod shape;
mod shelf;
mod snapshot;
mod upload;
mod weight;

pub use cap_std::fs::Dir;

pub use self::admission::{Busy, Permit};
pub use self::breaker::{Breaker, BreakerKey, BreakerOpen, Opened};
pub use self::config::{ArtifactKey, BreakerConfig, Limits, RuntimeConfig};
pub use self::contract::{Decline, Need};
pub use self::decision::{Decision, Failure, LogLevel, LogLine, Seed};
pub use self::description::{Description, ServedHook};
pub use self::digest::{Digest, NotADigest};
pub use self::prepare::{ComponentSource, DataFile, PrepareRefused, Prepared, SettingsError};
pub use self::question::{Answer, Hook, NoSuchHook, Question};
pub use self::runtime::{ENGINE_VERSION, PolicyRuntime, RuntimeError, WIT_VERSION, open_dir};
pub use self::upload::{Inspection, UploadRefused};
