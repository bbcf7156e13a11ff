//! Confinement: the limits that the compiler gives itself, before it reads anything.

use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, nice, setrlimit};

use crate::open_dir;

/// Memory images of a component's modules are files without a name.
const OPEN_FILES: u64 = 512;

/// Limits this process for good.
///
/// Memory is what can be written (`RLIMIT_DATA`): a pool reserves far more address space than any
/// limit, and uses none of it. Other systems than Linux may count less; there the counts, the limit
/// of computing and the parent's time limit remain.
pub(super) fn confine(memory_bytes: u64, cpu: Duration) -> io::Result<()> {
    let at_most = |limit| Rlimit { current: Some(limit), maximum: Some(limit) };
    setrlimit(Resource::Data, at_most(memory_bytes))?;
    // The first is a signal that tells, the second an end.
    let seconds = cpu.as_secs().max(1);
    setrlimit(Resource::Cpu, Rlimit { current: Some(seconds), maximum: Some(seconds + 2) })?;
    setrlimit(Resource::Core, at_most(0))?;
    // Never more than there were allowed before.
    let open = rustix::process::getrlimit(Resource::Nofile).maximum.unwrap_or(OPEN_FILES);
    setrlimit(Resource::Nofile, at_most(OPEN_FILES.min(open)))?;
    // Tickets come first; and where memory runs out all the same, this is what to end.
    let _niceness = nice(19);
    if cfg!(target_os = "linux") {
        drop(open_dir(Path::new("/proc/self")).and_then(|own| own.write("oom_score_adj", "1000")));
    }
    Ok(())
}
