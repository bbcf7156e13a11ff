//! What Waypost costs, measured on this machine: decisions, imports and the API beside bare SQL,
//! what an organization notices of another one's policies and uploads, and what clients notice of
//! each other; the pages; a million tickets, ten thousand organizations, and a server that is
//! killed.
//!
//! The numbers are only comparable with those of the same run: the machine, its disk and what else
//! it does are in each of them. Durability is an installation's: every acknowledged ticket is on
//! disk.

mod decisions;
mod desk;
mod front;
mod kill;
mod load;
mod log;
mod neighbours;
mod options;
mod orgs;
mod scale;
mod seeded;
mod site;
mod uploads;
mod web;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use self::options::{Build, Part};
use crate::table::Table;
use crate::waypost::Waypost;
use crate::workspace::root;
use crate::{command, plugins, say};

/// Measures everything that does not take hours, or one part; the words behind it say how.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (parts, options) = options::read(arguments)?;
    let policies = if options.build.is_built { plugins::built()? } else { plugins::build()? };
    let mut tables = Vec::new();
    for part in parts {
        tables.push(match part {
            Part::Decisions => decisions::measure(&policies)?,
            Part::Desk => desk::measure(&policies, &options)?,
            Part::Neighbours => neighbours::measure(&policies, options.build)?,
            Part::Front => front::measure(&policies, options.build)?,
            Part::Uploads => uploads::measure(&policies, options.build, options.folder.as_deref())?,
            Part::Web => web::measure(&policies, &options)?,
            Part::Scale => scale::measure(&policies, &options)?,
            Part::Orgs => orgs::measure(&policies, &options)?,
            Part::Kill => kill::measure(&policies, &options)?,
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
fn program(build: Build) -> Result<PathBuf> {
    if build.is_built {
        return Waypost::built(build.profile);
    }
    say::step("Building waypost", || Waypost::build(build.profile))
}

/// Measures a part of a table. Should it fail, what was measured before is not lost.
fn measured(table: &mut Table, measure: impl FnOnce(&mut Table) -> Result<()>) -> Result<()> {
    let done = measure(table);
    if done.is_err() {
        say::line(&*table);
    }
    done
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
