//! The child, as its parent sees it: started, fed, listened to, and ended.

use std::io::{self, BufReader, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::wire::{Answer, receive_answer, send_job};
use super::{CHECKING, CompilerProgram, JobLimits, NAME, worker};
use crate::Digest;
use crate::making::{BenchConfig, Cost, Job, Made, Phase, Refusal};

/// Asks for the end of a job that nobody waits for any more.
#[derive(Debug, Default)]
pub(crate) struct Stop(AtomicBool);

impl Stop {
    pub(crate) fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why nothing was made.
#[derive(Debug)]
pub(crate) enum Unmade {
    Refused(Refusal),
    /// It was ended at a limit.
    TooCostly {
        phase: Phase,
        limit: Cost,
    },
    /// It ended by itself, and not as it should.
    Failed {
        message: String,
    },
    /// It was stopped, or could not be started.
    Interrupted,
}

/// How often somebody who is gone is noticed.
const TICK: Duration = Duration::from_millis(50);

/// How long a child may take to end after its last word.
const ENDING: Duration = Duration::from_secs(5);

/// As much as is kept of what a child says on standard error.
const SAID_BYTES: u64 = 4 * 1024;

/// Has a child do a job, within its limits.
pub(crate) fn run(
    program: &CompilerProgram,
    limits: JobLimits,
    bench: &BenchConfig,
    fingerprint: Digest,
    job: &Job,
    stop: &Stop,
) -> Result<Made, Unmade> {
    let began = Instant::now();
    let spawned = Command::new(&program.path)
        .arg0(NAME)
        .args(worker::arguments(limits.memory_bytes, limits.cpu))
        .env_clear()
        // The server's allocator takes memory by the gigabyte before it is needed, which would all
        // count against the limit.
        .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
        .env("MIMALLOC_ARENA_RESERVE", "65536")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = spawned.map_err(|error| {
        tracing::error!(program = %program.path.display(), %error, "the compiler cannot be started");
        Unmade::Interrupted
    })?;
    let (Some(mut stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        end(&mut child);
        return Err(Unmade::Interrupted);
    };

    let most = u64::try_from(job.code_limit).unwrap_or(u64::MAX).saturating_mul(2);
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        // It is handed back open: the child takes its end for the end of its parent.
        let fed = scope.spawn(move || {
            // A child that reads no more has ended, which is seen elsewhere.
            drop(send_job(&mut stdin, bench, job));
            stdin
        });
        scope.spawn(move || {
            let mut from = BufReader::new(stdout);
            while let Ok(answer) = receive_answer(&mut from, most) {
                let is_last = matches!(answer, Answer::Made(_) | Answer::Refused(_));
                if tell.send(answer).is_err() || is_last {
                    break;
                }
            }
        });
        let said = scope.spawn(move || said(stderr));

        let mut watch = Watch { began, phase: Phase::Reading, since: began, limits };
        let last = watch.listen(&told, fingerprint, stop);
        let status = match &last {
            Last::Answer(_) | Last::Closed => ended(&mut child),
            Last::Late | Last::Stopped | Last::Stranger => end(&mut child),
        };
        drop(fed.join());
        let said = said.join().unwrap_or_default();
        let made = watch.outcome(last, status, &said);
        if !said.is_empty() || !matches!(made, Ok(_) | Err(Unmade::Refused(_))) {
            tracing::warn!(
                component.digest = %Digest::of(&job.component),
                compiler.phase = watch.phase.as_str(),
                compiler.status = status.map(|status| status.to_string()),
                compiler.said = said,
                "the compiler did not end as it should"
            );
        }
        made
    })
}

/// The last that was heard of a child.
enum Last {
    Answer(Result<Made, Refusal>),
    /// It says nothing more.
    Closed,
    /// It met a time limit.
    Late,
    /// Nobody waits for it.
    Stopped,
    /// It makes what this process cannot use.
    Stranger,
}

/// What is known of a child that works.
struct Watch {
    began: Instant,
    phase: Phase,
    since: Instant,
    limits: JobLimits,
}

impl Watch {
    fn listen(&mut self, told: &mpsc::Receiver<Answer>, own: Digest, stop: &Stop) -> Last {
        let mut is_known = false;
        loop {
            if stop.is_asked() {
                return Last::Stopped;
            }
            let left = self.until().saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Last::Late;
            }
            match told.recv_timeout(left.min(TICK)) {
                Ok(Answer::Fingerprint(found)) if found == own => is_known = true,
                Ok(Answer::Began(phase)) => (self.phase, self.since) = (phase, Instant::now()),
                Ok(Answer::Made(made)) if is_known => return Last::Answer(Ok(made)),
                Ok(Answer::Fingerprint(_) | Answer::Made(_)) => return Last::Stranger,
                Ok(Answer::Refused(refusal)) => return Last::Answer(Err(refusal)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Last::Closed,
            }
        }
    }

    /// When the phase must be over, or all of it.
    fn until(&self) -> Instant {
        (self.since + self.of_phase()).min(self.began + self.limits.wall)
    }

    fn of_phase(&self) -> Duration {
        match self.phase {
            Phase::Reading | Phase::Compiling => self.limits.wall,
            Phase::Describing | Phase::Configuring => self.limits.asking,
            Phase::Settings => CHECKING,
        }
    }

    fn outcome(&self, last: Last, status: Option<ExitStatus>, said: &str) -> Result<Made, Unmade> {
        let time = |limit: Duration| Cost::Time { seconds: limit.as_secs() };
        match last {
            Last::Answer(answer) if status.is_some_and(|status| status.success()) => {
                answer.map_err(Unmade::Refused)
            }
            Last::Answer(_) | Last::Closed => Err(self.fell(status, said)),
            Last::Late => {
                let is_all_over = self.began.elapsed() >= self.limits.wall;
                let limit = if is_all_over { self.limits.wall } else { self.of_phase() };
                Err(Unmade::TooCostly { phase: self.phase, limit: time(limit) })
            }
            Last::Stopped => Err(Unmade::Interrupted),
            Last::Stranger => {
                tracing::error!("the compiler is of another release than the server");
                Err(Unmade::Interrupted)
            }
        }
    }

    /// What it means that a child ended by itself.
    fn fell(&self, status: Option<ExitStatus>, said: &str) -> Unmade {
        let too_costly = |limit| Unmade::TooCostly { phase: self.phase, limit };
        let signal = status.and_then(|status| status.signal());
        let is = |one: Signal| signal == Some(one.as_raw());
        if is(Signal::XCPU) {
            return too_costly(Cost::Time { seconds: self.limits.cpu.as_secs() });
        }
        // How a program of ours ends that gets no memory; and how the system ends one for its own
        // lack of it.
        if is(Signal::ABORT) || is(Signal::KILL) {
            return too_costly(Cost::Memory { bytes: self.limits.memory_bytes });
        }
        let ended = status.map_or_else(|| "it did not end".to_owned(), |status| status.to_string());
        let first = said.lines().next().unwrap_or_default();
        let message = if first.is_empty() { ended } else { format!("{ended}: {first}") };
        Unmade::Failed { message }
    }
}

/// How a child ended that has nothing more to say; it is made to, if it does not.
fn ended(child: &mut Child) -> Option<ExitStatus> {
    let until = Instant::now() + ENDING;
    while Instant::now() < until {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) => thread::sleep(Duration::from_millis(2)),
            Err(_) => break,
        }
    }
    end(child);
    None
}

/// Ends a child.
fn end(child: &mut Child) -> Option<ExitStatus> {
    // One that has ended meanwhile cannot be killed, and need not be.
    drop(child.kill());
    child.wait().ok()
}

/// The beginning of what a child says on standard error. The rest is read too, so that it is never
/// kept waiting.
fn said(mut stderr: impl Read) -> String {
    let mut bytes = Vec::new();
    drop((&mut stderr).take(SAID_BYTES).read_to_end(&mut bytes));
    drop(io::copy(&mut stderr, &mut io::sink()));
    String::from_utf8_lossy(&bytes).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> Watch {
        let limits = JobLimits {
            memory_bytes: 64 * 1024 * 1024,
            cpu: Duration::from_secs(7),
            wall: Duration::from_secs(14),
            asking: Duration::from_secs(17),
        };
        let now = Instant::now();
        Watch { began: now, phase: Phase::Compiling, since: now, limits }
    }

    #[test]
    fn the_end_of_a_child_says_what_it_lacked() {
        let ended = |status: i32, said| watch().fell(Some(ExitStatus::from_raw(status)), said);
        let limit_of = |unmade| match unmade {
            Unmade::TooCostly { limit, .. } => Some(limit),
            Unmade::Refused(_) | Unmade::Failed { .. } | Unmade::Interrupted => None,
        };
        let memory = Some(Cost::Memory { bytes: 64 * 1024 * 1024 });
        assert_eq!(limit_of(ended(Signal::ABORT.as_raw(), "")), memory);
        assert_eq!(limit_of(ended(Signal::KILL.as_raw(), "")), memory);
        let time = Some(Cost::Time { seconds: 7 });
        assert_eq!(limit_of(ended(Signal::XCPU.as_raw(), "")), time);
        // An exit with 1, and a crash.
        for status in [1 << 8, Signal::SEGV.as_raw()] {
            match ended(status, "the first line\nand more") {
                Unmade::Failed { message } => {
                    assert!(message.ends_with(": the first line"), "{message}");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_phase_ends_before_all_of_it() {
        let mut watch = watch();
        assert_eq!(watch.until(), watch.began + Duration::from_secs(14));
        watch.phase = Phase::Settings;
        watch.since = watch.began.checked_sub(Duration::from_secs(10)).unwrap();
        assert_eq!(watch.until(), watch.since + CHECKING);
    }

    #[test]
    fn who_asks_to_stop_is_heard_at_once() {
        let (_tell, told) = mpsc::channel();
        let stop = Stop::default();
        stop.ask();
        let last = watch().listen(&told, Digest::of(b"engine"), &stop);
        assert!(matches!(last, Last::Stopped));
    }

    #[test]
    fn a_child_of_another_release_is_a_stranger() {
        let (tell, told) = mpsc::channel();
        tell.send(Answer::Fingerprint(Digest::of(b"another engine"))).unwrap();
        let last = watch().listen(&told, Digest::of(b"engine"), &Stop::default());
        assert!(matches!(last, Last::Stranger));
    }

    #[test]
    fn only_the_beginning_of_what_is_said_is_kept() {
        let long = "a".repeat(1024 * 1024);
        assert_eq!(said(long.as_bytes()).len() as u64, SAID_BYTES);
        assert_eq!(said(&b"one line\n"[..]), "one line");
    }
}
