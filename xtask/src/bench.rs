//! What Waypost costs, measured on this machine: decisions, imports and the API beside bare SQL,
//! what an organization notices of another one's policies and uploads, and what clients notice of
//! each other.
//!
//! The numbers are only comparable with those of the same run: the machine, its disk and what else
//! it does are in each of them. Durability is an installation's: every acknowledged ticket is on
//! disk.

mod decisions;
mod desk;
mod front;
mod load;
mod neighbours;
mod uploads;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::waypost::{Profile, Waypost};
use crate::workspace::root;
use crate::{command, plugins, say};

/// What can be measured.
const PARTS: [&str; 5] = ["decisions", "desk", "neighbours", "front", "uploads"];

/// Measures everything, or one part; with `--built`, what was built before. `uploads` takes a
/// folder with more components.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (parts, is_built, folder): (&[&str], bool, Option<&Path>) = match words.as_slice() {
        [] => (&PARTS, false, None),
        [part, "--built"] if PARTS.contains(part) && *part != "decisions" => (&[*part], true, None),
        [part] if PARTS.contains(part) => (&[*part], false, None),
        ["uploads", "--built", folder] => (&["uploads"], true, Some(Path::new(*folder))),
        ["uploads", folder] => (&["uploads"], false, Some(Path::new(*folder))),
        _ => bail!(
            "usage: cargo xtask bench [decisions | desk [--built] | neighbours [--built] | front [--built] | \
             uploads [--built] [FOLDER]]"
        ),
    };
    let policies = plugins::build()?;
    let mut tables = Vec::new();
    for part in parts {
        tables.push(match *part {
            "decisions" => decisions::measure(&policies)?,
            "desk" => desk::measure(&policies, is_built)?,
            "front" => front::measure(&policies, is_built)?,
            "uploads" => uploads::measure(&policies, is_built, folder)?,
            _ => neighbours::measure(&policies, is_built)?,
        });
    }
    say::line(machine());
    for table in tables {
        say::line("");
        say::line(table);
    }
    Ok(())
}

/// The program that is measured, built now or before.
fn program(is_built: bool) -> Result<PathBuf> {
    if is_built {
        return Waypost::built(Profile::Release);
    }
    say::step("Building waypost in the release profile", || Waypost::build(Profile::Release))
}

/// Has components that misbehave written into a folder.
fn build_hostile(folder: &Path) -> Result<()> {
    say::step("Building the hostile components", || {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(root()).args(["run", "--quiet", "--release"]);
        cargo.args(["--package", "waypost-policy", "--features", "testing"]);
        cargo.args(["--example", "hostile", "--"]).arg(folder);
        command::run(&mut cargo)
    })
}

/// What the numbers were measured on.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let model = model.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    format!("{cores} cores, {model}, {}", std::env::consts::OS)
}
