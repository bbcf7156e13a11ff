//! The organizations of the demo, and how an installation gets them. `xtask/demo/README.md` says
//! who they are.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::waypost::Waypost;
use crate::workspace::root;

/// The provider, whose teams serve the clients.
pub(crate) const PROVIDER: &str = "harbor-it";
/// A client that asks before it spends.
pub(crate) const MARLOW: &str = "marlow-county";
/// A client that cannot wait.
pub(crate) const FENNEL: &str = "fennel-foods";

/// Creates the organizations with their directories and policies.
pub(crate) fn set_up(waypost: &Waypost, policies: &Path) -> Result<()> {
    waypost.run(["migrate"])?;
    let mut apply = vec!["org".to_owned(), "apply".to_owned()];
    apply.extend([PROVIDER, MARLOW, FENNEL].map(|key| file(key, "toml").display().to_string()));
    apply.extend(["--policies".to_owned(), policies.display().to_string()]);
    waypost.run(apply)
}

/// A token for a program that may do everything in an organization.
pub(crate) fn token(waypost: &Waypost, org: &str) -> Result<String> {
    let made =
        waypost.json(["token", "create", "--org", org, "--role", "admin", "--name", "xtask"])?;
    Ok(made["secret"].as_str().context("reading the new token")?.to_owned())
}

/// The file with an organization's tickets.
pub(crate) fn tickets(org: &str) -> PathBuf {
    file(org, "csv")
}

/// A ticket of such a file.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) number: String,
    pub(crate) opened_at: String,
    pub(crate) requester: String,
    pub(crate) service: String,
    pub(crate) short_description: String,
    pub(crate) description: String,
}

/// Reads an organization's tickets.
pub(crate) fn rows(org: &str) -> Result<Vec<Row>> {
    let path = tickets(org);
    let reading = || format!("reading {}", path.display());
    let text = fs::read_to_string(&path).with_context(reading)?;
    let mut rows = Vec::new();
    for record in csv::Reader::from_reader(text.as_bytes()).records() {
        let record = record.with_context(reading)?;
        let cell = |place: usize| record.get(place).unwrap_or_default().to_owned();
        rows.push(Row {
            number: cell(0),
            opened_at: cell(1),
            requester: cell(3),
            service: cell(4),
            short_description: cell(5),
            description: cell(6),
        });
    }
    Ok(rows)
}

fn file(org: &str, extension: &str) -> PathBuf {
    root().join("xtask/demo").join(org).with_extension(extension)
}
