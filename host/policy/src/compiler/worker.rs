//! The worker: the child's side. It limits itself, reads one job, does it, answers and ends.

use std::ffi::OsString;
use std::io::{self, BufReader, Read as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use super::confine::confine;
use super::wire::{Answer, receive_job, send_answer};
use crate::making::Bench;

/// Does one job of a parent, given its arguments. What goes wrong is said on standard error, which
/// the parent reads.
#[must_use]
pub fn work(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match try_work(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where even this cannot be said, the exit code is all that is left.
            drop(writeln!(io::stderr(), "{error}"));
            ExitCode::FAILURE
        }
    }
}

/// The arguments of a child with these limits.
pub(super) fn arguments(memory_bytes: usize, cpu: Duration) -> [String; 2] {
    [memory_bytes.to_string(), cpu.as_secs().max(1).to_string()]
}

fn try_work(arguments: impl IntoIterator<Item = OsString>) -> io::Result<()> {
    let numbers: Option<Vec<u64>> =
        arguments.into_iter().map(|argument| argument.to_str()?.parse().ok()).collect();
    let Some([memory_bytes, cpu]) = numbers.as_deref() else {
        return Err(io::Error::other("this program is started by Waypost, for one policy"));
    };
    confine(*memory_bytes, Duration::from_secs(*cpu))?;

    let (config, job) = receive_job(&mut BufReader::new(io::stdin().lock()))?;
    end_with_parent()?;
    let mut to = io::BufWriter::new(io::stdout().lock());
    let bench = Bench::open(config).map_err(io::Error::other)?;
    send_answer(&mut to, Answer::Fingerprint(bench.fingerprint()))?;
    let mut lost = Ok(());
    let made = bench.run(&job, &mut |phase| {
        if lost.is_ok() {
            lost = send_answer(&mut to, Answer::Began(phase));
        }
    });
    lost?;
    send_answer(&mut to, made.map_or_else(Answer::Refused, Answer::Made))
}

/// The parent keeps standard input open until it has its answer. If that ends before, the parent
/// is gone, and nobody waits for one.
fn end_with_parent() -> io::Result<()> {
    let wait = || {
        // Nothing is sent after a job.
        drop(io::stdin().read_exact(&mut [0]));
        std::process::abort();
    };
    std::thread::Builder::new().name("parent".to_owned()).spawn(wait).map(drop)
}
