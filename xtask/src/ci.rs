//! What a change has to pass: format, lints, docs, dependencies, tests, conformance, the
//! pages in a browser.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::workspace::{Workspace, root};
use crate::{browser, command, conformance, say, tests};

/// The checker of licences and sources, in the version that `deny.toml` was written for.
const DENY_VERSION: &str = "0.20.2";

/// Runs every check; stops at the first that fails.
pub(crate) fn run() -> Result<()> {
    let began = Instant::now();
    say::step("Format", || command::run(cargo("fmt").args(["--all", "--check"])))?;
    let deny = deny_program()?;
    say::step("Licences, duplicates and sources of dependencies", || {
        command::run(
            Command::new(deny)
                .args(["--locked", "check", "licenses", "bans", "sources"])
                .current_dir(root()),
        )
    })?;
    say::step("Lints", || {
        let arguments = ["--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        command::run(cargo("clippy").args(arguments))
    })?;
    say::step("Docs", || {
        command::run(
            cargo("doc")
                .args(["--no-deps", "--workspace", "--document-private-items", "--locked"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    })?;
    tests::run(&[])?;
    conformance::run_in_ci()?;
    browser::run_in_ci()?;
    say::doing(format_args!("Everything passed in {} s", began.elapsed().as_secs()));
    Ok(())
}

fn cargo(subcommand: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root()).arg(subcommand);
    cargo
}

/// Installs cargo-deny into the target folder if it is not there, away from the developer's own.
fn deny_program() -> Result<PathBuf> {
    let folder = Workspace::read()?.target()?.join("tools");
    let program = folder.join("bin/cargo-deny");
    let installed = command::output(Command::new(&program).arg("--version"));
    if installed.is_ok_and(|version| version.trim().ends_with(DENY_VERSION)) {
        return Ok(program);
    }
    say::step(format_args!("Installing cargo-deny {DENY_VERSION}"), || {
        command::run(
            Command::new("cargo")
                // Unoptimized it compiles in half the time, and still checks within seconds.
                .args(["install", "cargo-deny", "--version", DENY_VERSION, "--locked", "--debug"])
                .arg("--quiet")
                .arg("--root")
                .arg(&folder),
        )
    })?;
    Ok(program)
}
