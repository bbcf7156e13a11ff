//! The compiler: the program in which components are checked, compiled, described and configured.
//!
//! It is a child process for each job, with limits on its memory and its computing that the system
//! enforces, and a time limit that its parent enforces by killing it. What a component costs, it
//! costs in there. The parent only loads what came back.
//!
//! What this buys is resources. It is no wall against an error of the compiler: the machine code
//! that a child made runs in the parent later, as it would if the parent had made it.

mod child;
mod confine;
mod wire;
mod worker;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use self::child::{Stop, Unmade, run};
pub use self::worker::work;
use crate::RuntimeConfig;

/// Where components are compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiler {
    /// In a child process for each job.
    Child(CompilerProgram),
    /// In this process, one at a time, with no limits: for tests with guests that are known.
    #[cfg(feature = "testing")]
    InProcess,
}

impl Default for Compiler {
    #[cfg(feature = "testing")]
    fn default() -> Self {
        Self::InProcess
    }

    #[cfg(not(feature = "testing"))]
    fn default() -> Self {
        Self::Child(CompilerProgram::own())
    }
}

/// The program that is started for a job. It must call [`work`] first thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompilerProgram {
    /// Where it is.
    pub path: PathBuf,
}

/// The name under which the program is started, by which it knows what it is.
const NAME: &str = "waypost-compiler";

/// Whether this process was started to be the compiler: its first argument says so.
#[must_use]
pub fn is_called_so(first_argument: Option<OsString>) -> bool {
    first_argument.is_some_and(|name| Path::new(&name).file_name() == Some(NAME.as_ref()))
}

impl CompilerProgram {
    /// The program of this process, if it [is one](is_called_so).
    #[must_use]
    pub fn own() -> Self {
        // On Linux the release that is running, even if its file was replaced meanwhile.
        let own = Path::new("/proc/self/exe");
        let path = if cfg!(target_os = "linux") { None } else { std::env::current_exe().ok() };
        Self { path: path.unwrap_or_else(|| own.to_owned()) }
    }
}

/// What one job may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JobLimits {
    pub(crate) memory_bytes: usize,
    /// Computing.
    pub(crate) cpu: Duration,
    /// From its start to its end.
    pub(crate) wall: Duration,
    /// A policy says who it is, or takes its settings. The sandbox ends these before.
    pub(crate) asking: Duration,
}

const MIB: usize = 1024 * 1024;

/// What any component may compute for, and what each of its MiB adds. Interpreters of 12 to 18 MiB
/// take some 4 s a MiB on a busy machine.
const CPU: Duration = Duration::from_secs(20);
const CPU_OF_MIB: Duration = Duration::from_secs(8);

/// How long settings may be checked against a schema. Shipped ones take milliseconds.
pub(crate) const CHECKING: Duration = Duration::from_secs(15);

/// How much later than a sandbox's own limit its process is ended.
const GRACE: Duration = Duration::from_secs(15);

/// What decisions of a policy are made of, at most: so many times its bytes.
const CODE_FACTOR: usize = 6;
const CODE_BYTES: usize = 8 * MIB;
const MOST_CODE_BYTES: usize = 96 * MIB;

impl JobLimits {
    /// The limits for a component of so many bytes.
    pub(crate) fn of(component_bytes: usize, config: &RuntimeConfig) -> Self {
        let mebibytes = u32::try_from(component_bytes / MIB).unwrap_or(u32::MAX);
        let most = config.compile_time;
        let cpu = CPU.saturating_add(CPU_OF_MIB.saturating_mul(mebibytes)).min(most);
        Self {
            memory_bytes: config.compile_memory_bytes,
            cpu,
            // What it computes is bounded; how long that takes beside a busy server, the component
            // cannot help.
            wall: most,
            asking: config.configure.deadline.saturating_add(GRACE),
        }
    }
}

/// How many bytes of machine code may come of a component with settings and data.
pub(crate) fn code_limit(component_bytes: usize, configured_bytes: usize) -> usize {
    let bytes = component_bytes.saturating_add(configured_bytes);
    CODE_BYTES.saturating_add(bytes.saturating_mul(CODE_FACTOR)).min(MOST_CODE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_is_known_by_its_name() {
        for name in ["waypost-compiler", "/proc/self/waypost-compiler"] {
            assert!(is_called_so(Some(name.into())), "{name}");
        }
        for name in ["waypost", "/usr/bin/waypost", "waypost-compiler/waypost"] {
            assert!(!is_called_so(Some(name.into())), "{name}");
        }
        assert!(!is_called_so(None));
    }

    #[test]
    fn a_small_component_gets_little_and_no_component_more_than_the_most() {
        let config = RuntimeConfig::default();
        let small = JobLimits::of(38_000, &config);
        assert_eq!(small.cpu, Duration::from_secs(20));
        assert_eq!(small.wall, config.compile_time);
        let large = JobLimits::of(32 * MIB, &config);
        assert_eq!((large.cpu, large.wall), (config.compile_time, config.compile_time));
        assert!(code_limit(9_000, 0) < 9 * MIB);
        assert_eq!(code_limit(usize::MAX, 1), MOST_CODE_BYTES);
    }
}
