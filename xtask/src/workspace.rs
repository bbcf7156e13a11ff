//! Where things are in this repository.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command;

/// The repository's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository's folder")
}

/// What cargo says about the workspace.
pub(crate) struct Workspace {
    metadata: Value,
}

impl Workspace {
    pub(crate) fn read() -> Result<Self> {
        let printed = command::output(
            Command::new("cargo")
                .args(["metadata", "--no-deps", "--format-version", "1"])
                .current_dir(root()),
        )?;
        let metadata = serde_json::from_str(&printed).context("reading cargo's metadata")?;
        Ok(Self { metadata })
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target(&self) -> Result<PathBuf> {
        let folder = self.metadata["target_directory"].as_str();
        Ok(PathBuf::from(folder.context("finding the target folder in cargo's metadata")?))
    }

    /// Where built policies lie, as `NAME.wasm`.
    pub(crate) fn policies(&self) -> Result<PathBuf> {
        Ok(self.target()?.join("policies"))
    }

    /// The names of the policies that ship with Waypost: every crate under `plugins/`.
    pub(crate) fn plugins(&self) -> Result<Vec<String>> {
        let folder = root().join("plugins");
        let packages = self.metadata["packages"].as_array().context("reading cargo's metadata")?;
        let mut names: Vec<String> = packages
            .iter()
            .filter(|package| {
                let manifest = package["manifest_path"].as_str().unwrap_or_default();
                Path::new(manifest).starts_with(&folder)
            })
            .filter_map(|package| package["name"].as_str().map(str::to_owned))
            .collect();
        names.sort();
        Ok(names)
    }
}
