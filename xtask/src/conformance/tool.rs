//! schemathesis from the index of Python packages, in an environment of its own under the target
//! folder.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{command, say};

/// The version that the settings and the reading of reports were written for.
pub(super) const VERSION: &str = "4.32.5";

/// Whether it can be run.
pub(super) enum Found {
    /// This program.
    Ready(PathBuf),
    /// There is no Python, or no network to fetch it from.
    Missing(String),
}

/// Finds it, or installs it.
pub(super) fn find() -> Result<Found> {
    let folder = Workspace::read()?.target()?.join("tools").join(format!("schemathesis-{VERSION}"));
    let program = folder.join("bin/schemathesis");
    let is_there = || command::output(Command::new(&program).arg("--version")).is_ok();
    if is_there() {
        return Ok(Found::Ready(program));
    }
    let installed = say::step(format_args!("Installing schemathesis {VERSION}"), || {
        command::output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let package = format!("schemathesis=={VERSION}");
        let quiet = ["--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "15"];
        let mut pip = Command::new(folder.join("bin/python"));
        command::output(pip.args(["-m", "pip", "install"]).args(quiet).arg(package))
    });
    match installed {
        Err(error) => Ok(Found::Missing(format!("{error:#}"))),
        Ok(_) if is_there() => Ok(Found::Ready(program)),
        Ok(_) => Ok(Found::Missing("it was installed and does not start".to_owned())),
    }
}
