//! The policies that ship with Waypost, built to components.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::{Workspace, root};
use crate::{command, say, wasm_target};

/// Builds every policy and returns the folder with the components.
pub(crate) fn build() -> Result<PathBuf> {
    wasm_target::ensure()?;
    let workspace = Workspace::read()?;
    let names = workspace.plugins()?;
    say::step(format_args!("Building {} policies", names.len()), || compile(&names))?;
    let built = workspace.target()?.join(wasm_target::TARGET).join("policy");
    let folder = workspace.policies()?;
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    for name in &names {
        let component = built.join(format!("{}.wasm", name.replace('-', "_")));
        let bytes = publish(&component, &folder.join(format!("{name}.wasm")))?;
        say::note(format_args!("{name:<24} {:>5} KiB", bytes.div_ceil(1024)));
    }
    Ok(folder)
}

/// The folder with the components that were built before.
pub(crate) fn built() -> Result<PathBuf> {
    let workspace = Workspace::read()?;
    let folder = workspace.policies()?;
    for name in workspace.plugins()? {
        let component = folder.join(format!("{name}.wasm"));
        if !component.is_file() {
            bail!("{} is not there; `cargo xtask plugins` builds it", component.display());
        }
    }
    Ok(folder)
}

fn compile(names: &[String]) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root()).args(["build", "--lib", "--profile", "policy"]);
    cargo.args(["--target", wasm_target::TARGET]);
    for name in names {
        cargo.args(["--package", name]);
    }
    // These would replace the target's own flags in `.cargo/config.toml`, the small stack among
    // them.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    command::run(&mut cargo)
}

/// Copies a component in one step, so that nobody reads half of it. Returns its size.
fn publish(from: &Path, to: &Path) -> Result<u64> {
    let draft = to.with_extension(format!("{}.draft", std::process::id()));
    let bytes = fs::copy(from, &draft)
        .with_context(|| format!("copying {} to {}", from.display(), draft.display()))?;
    fs::rename(&draft, to).with_context(|| format!("moving it to {}", to.display()))?;
    Ok(bytes)
}
