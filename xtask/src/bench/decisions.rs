//! The runtime's own benchmarks (criterion, in `host/policy/benches`), gathered into one table.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::table::Table;
use crate::workspace::{Workspace, root};
use crate::{command, say};

/// Runs the benchmarks and reads what criterion wrote down.
pub(super) fn measure(policies: &Path) -> Result<Table> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root()).args(["bench", "--package", "waypost-policy"]);
    cargo.env("WAYPOST_TEST_POLICIES", policies);
    say::step("Measuring decisions (the release profile takes minutes to compile)", || {
        command::run(&mut cargo)
    })?;
    say::step("Measuring what policies take of memory", || {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(root()).args(["run", "--quiet", "--release"]);
        cargo.args(["--package", "waypost-policy", "--example", "memory"]);
        cargo.env("WAYPOST_TEST_POLICIES", policies);
        command::run(&mut cargo)
    })?;
    let mut results = Vec::new();
    collect(&Workspace::read()?.target()?.join("criterion"), &mut results)?;
    results.sort_by(|a, b| a.name.cmp(&b.name));
    let mut table = Table::new(["benchmark", "median", "95 % of the runs' medians lie within"]);
    for result in results {
        let [low, middle, high] = result.nanoseconds;
        let range = format!("{} to {}", duration(low), duration(high));
        table.row([result.name, duration(middle), range]);
    }
    Ok(table)
}

struct Measured {
    name: String,
    /// The median between the ends of its confidence interval.
    nanoseconds: [f64; 3],
}

/// Finds the newest result of every benchmark below a folder.
fn collect(folder: &Path, results: &mut Vec<Measured>) -> Result<()> {
    let newest = folder.join("new");
    if newest.join("estimates.json").is_file() {
        results.push(read(&newest)?);
        return Ok(());
    }
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    let mut folders: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    for folder in folders {
        collect(&folder, results)?;
    }
    Ok(())
}

fn read(folder: &Path) -> Result<Measured> {
    let json = |name: &str| -> Result<Value> {
        let path = folder.join(name);
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))
    };
    let name = json("benchmark.json")?["full_id"].as_str().unwrap_or("unnamed").to_owned();
    let median = &json("estimates.json")?["median"];
    let interval = &median["confidence_interval"];
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let nanoseconds = [
        number(&interval["lower_bound"]),
        number(&median["point_estimate"]),
        number(&interval["upper_bound"]),
    ];
    Ok(Measured { name, nanoseconds })
}

/// A time in the unit that fits it.
fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 1e6 => format!("{:.1} µs", n / 1e3),
        n if n < 1e9 => format!("{:.1} ms", n / 1e6),
        n => format!("{:.2} s", n / 1e9),
    }
}
