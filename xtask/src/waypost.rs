//! The binary `waypost` as a task drives it: its commands, and its server.

use std::ffi::OsStr;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::workspace::{Workspace, root};
use crate::{command, http};

/// Preparing the policies of a large installation may take a while; the demo's are ready within a
/// second.
const START_LIMIT: Duration = Duration::from_mins(1);
/// How often a server that starts is asked whether it is ready: fine enough to time it.
const START_PULSE: Duration = Duration::from_millis(5);
/// A server that took less of a core than a twentieth within this time has nothing to do.
const CALM: Duration = Duration::from_secs(1);
/// The work that a server begins with ends within this time, however large the installation is.
const CALM_LIMIT: Duration = Duration::from_mins(20);
/// Where the server says that it can serve.
const READY: &str = "/health/ready";

/// How the binary is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Soon.
    Dev,
    /// Fast.
    Release,
}

/// An installation: the binary, and what it is told of its data.
#[derive(Debug, Clone)]
pub(crate) struct Waypost {
    program: PathBuf,
    options: Vec<String>,
}

impl Waypost {
    /// Compiles the binary, with cargo's own progress.
    pub(crate) fn build(profile: Profile) -> Result<PathBuf> {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(root()).args(["build", "--package", "waypost", "--bin", "waypost"]);
        if profile == Profile::Release {
            cargo.arg("--release");
        }
        command::run(&mut cargo)?;
        Self::built(profile)
    }

    /// Where the binary lies once it is compiled.
    pub(crate) fn built(profile: Profile) -> Result<PathBuf> {
        let folder = match profile {
            Profile::Dev => "debug",
            Profile::Release => "release",
        };
        let name = format!("waypost{}", std::env::consts::EXE_SUFFIX);
        Ok(Workspace::read()?.target()?.join(folder).join(name))
    }

    /// An installation with its data in `data`, and further settings as `key=value`.
    pub(crate) fn new(program: &Path, data: &Path, settings: &[String]) -> Self {
        let mut options = vec!["--data".to_owned(), data.display().to_string()];
        options.extend(settings.iter().flat_map(|setting| ["--set".to_owned(), setting.clone()]));
        Self { program: program.to_owned(), options }
    }

    /// The same with one more setting, as `key=value`.
    pub(crate) fn with(mut self, setting: String) -> Self {
        self.options.extend(["--set".to_owned(), setting]);
        self
    }

    /// A command of it, not started yet.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.options).args(words);
        command
    }

    /// Runs a command that is quiet unless it fails.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Result<()> {
        command::output(&mut self.command(words)).map(drop)
    }

    /// Runs a command and reads its result.
    pub(crate) fn json<S: AsRef<OsStr>>(
        &self,
        words: impl IntoIterator<Item = S>,
    ) -> Result<Value> {
        let mut command = self.command(words);
        command.arg("--json");
        let printed = command::output(&mut command)?;
        serde_json::from_str(&printed)
            .with_context(|| format!("reading what it printed: {printed}"))
    }

    /// Starts the server and waits until it can serve. Its log goes to a file.
    pub(crate) fn serve(&self, address: SocketAddr, log: &Path) -> Result<Server> {
        let file = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        let child = self
            .command(["serve", "--listen", &address.to_string()])
            .stdin(Stdio::null())
            .stdout(file.try_clone().context("sharing the server's log")?)
            .stderr(file)
            .spawn()
            .context("starting the server")?;
        let mut server = Server { child, address };
        let began = Instant::now();
        while !http::is_ready(address, READY) {
            if let Some(status) = server.child.try_wait().context("looking at the server")? {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                bail!("the server ended at once ({status}):\n{said}");
            }
            if began.elapsed() > START_LIMIT {
                bail!(
                    "the server is not ready after {} s; see {}",
                    START_LIMIT.as_secs(),
                    log.display()
                );
            }
            std::thread::sleep(START_PULSE);
        }
        Ok(server)
    }
}

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The most memory that it has taken so far, in KiB, as Linux counts it.
    pub(crate) fn peak_kib(&self) -> Result<u64> {
        self.memory_kib("VmHWM:")
    }

    /// The memory that it takes now, in KiB, as Linux counts it.
    pub(crate) fn resident_kib(&self) -> Result<u64> {
        self.memory_kib("VmRSS:")
    }

    fn memory_kib(&self, name: &str) -> Result<u64> {
        let status = self.told("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
        number.with_context(|| format!("reading {name} of the server"))
    }

    /// Waits until it has done what it began with at its start, and says how long that took from
    /// now.
    pub(crate) fn calm(&self) -> Result<Duration> {
        let began = Instant::now();
        let mut before = self.processor_time()?;
        while began.elapsed() < CALM_LIMIT {
            std::thread::sleep(CALM);
            let now = self.processor_time()?;
            if now.saturating_sub(before) < CALM / 20 {
                return Ok(began.elapsed().saturating_sub(CALM));
            }
            before = now;
        }
        bail!("the server is still at work after {} s", CALM_LIMIT.as_secs())
    }

    /// The processor time that it took so far, as Linux counts it.
    fn processor_time(&self) -> Result<Duration> {
        processor_time(&self.told("stat")?).context("reading the server's processor time")
    }

    /// What Linux says of its process.
    fn told(&self, what: &str) -> Result<String> {
        let path = format!("/proc/{}/{what}", self.child.id());
        std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))
    }

    /// Ends it at once, in the middle of whatever it does.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill().context("killing the server")?;
        self.wait()
    }

    /// Asks it to stop, and waits until it has finished what it began.
    pub(crate) fn stop(mut self) -> Result<()> {
        let process = self.child.id().to_string();
        command::output(Command::new("kill").args(["-TERM", &process]))?;
        self.wait()
    }

    /// Waits until somebody else ends it.
    pub(crate) fn wait(&mut self) -> Result<()> {
        self.child.wait().context("waiting for the server")?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// User and system time of a line of `/proc/PID/stat`, which counts hundredths of a second on every
/// architecture.
fn processor_time(stat: &str) -> Option<Duration> {
    // The name in parentheses may hold anything, blanks and parentheses too.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let ticks = |place: usize| fields.get(place)?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks(11)? + ticks(12)?)))
}

/// The port if it is free, else any other.
pub(crate) fn address(port: u16) -> Result<SocketAddr> {
    let wanted = SocketAddr::from(([127, 0, 0, 1], port));
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = TcpListener::bind(wanted).or_else(|_| TcpListener::bind(any));
    listener.and_then(|listener| listener.local_addr()).context("looking for a free port")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_a_name_with_blanks() {
        let stat = "71 (way (po) st) S 1 71 71 0 -1 4194560 9 0 0 0 150 25 7 7 20 0 9 0 88 1 2";
        assert_eq!(processor_time(stat), Some(Duration::from_millis(1_750)));
        assert_eq!(processor_time("71 (waypost) S 1"), None);
    }
}
