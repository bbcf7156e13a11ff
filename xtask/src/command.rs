//! Other programs, run with an error that says which one failed and what it said.

use std::ffi::OsStr;
use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::scratch::Scratch;

/// Enough of a failed program's words to see why; compilers say a lot before that.
const KEPT_LINES: usize = 25;

/// Runs a program that talks to the person itself.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command.status().with_context(|| format!("starting `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Runs a program and returns what it printed; its words appear only if it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("starting `{shown}`"))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("`{shown}` failed ({}):\n{}", output.status, tail(&String::from_utf8_lossy(&said)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program quietly, and ends it if it takes longer than `limit`.
pub(crate) fn run_within(limit: Duration, command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let scratch = Scratch::new("output")?;
    let log = scratch.path().join("log");
    let file = File::create(&log).context("creating a file for the program's output")?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone().context("sharing the program's output file")?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("starting `{shown}`"))?;
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().with_context(|| format!("waiting for `{shown}`"))? {
            if status.success() {
                return Ok(());
            }
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            bail!("`{shown}` failed ({status}):\n{}", tail(&said));
        }
        if began.elapsed() > limit {
            // Both fail only if it has just ended by itself, which is what we want.
            let _ = child.kill();
            let _ = child.wait();
            bail!("`{shown}` was ended: no result within {} s", limit.as_secs());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The command as one would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

fn tail(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    let first = lines.len().saturating_sub(KEPT_LINES);
    lines[first..].iter().flat_map(|line| ["      ", line, "\n"]).collect()
}
