//! The organizations of the demo, and how an installation gets them. `xtask/demo/README.md` says
//! who they are.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::waypost::Waypost;
use crate::workspace::root;

/// The provider, whose teams serve the clients.
pub(crate) const PROVIDER: &str = "harbor-it";
/// A client that asks before it spends.
pub(crate) const MARLOW: &str = "marlow-county";
/// A client that cannot wait.
pub(crate) const FENNEL: &str = "fennel-foods";

const ALL: [&str; 3] = [PROVIDER, MARLOW, FENNEL];

/// Creates the organizations with their directories and policies.
pub(crate) fn set_up(waypost: &Waypost, policies: &Path) -> Result<()> {
    waypost.run(["migrate"])?;
    apply(waypost, &ALL.map(|key| file(key, "toml")), policies)
}

/// The same, but for quiet hours: nothing waits for the morning, so what is measured does not
/// depend on when. Puts the files that say so into a folder.
pub(crate) fn set_up_awake(waypost: &Waypost, policies: &Path, folder: &Path) -> Result<()> {
    let settings = folder.join("settings");
    fs::create_dir_all(&settings).with_context(|| format!("creating {}", settings.display()))?;
    for entry in fs::read_dir(demo().join("settings")).context("reading the demo's settings")? {
        let path = entry.context("reading the demo's settings")?.path();
        let copying = || format!("copying {}", path.display());
        let text = fs::read_to_string(&path).with_context(copying)?;
        let mut read: Value = serde_json::from_str(&text).with_context(copying)?;
        if let Some(settings) = read.as_object_mut() {
            settings.remove("quiet_hours");
        }
        let name = path.file_name().with_context(copying)?;
        fs::write(settings.join(name), read.to_string()).with_context(copying)?;
    }
    let mut files = Vec::new();
    for key in ALL {
        let (from, to) = (file(key, "toml"), folder.join(key).with_extension("toml"));
        fs::copy(&from, &to).with_context(|| format!("copying {}", from.display()))?;
        files.push(to);
    }
    waypost.run(["migrate"])?;
    apply(waypost, &files, policies)
}

/// Makes the installation as desk files say.
pub(crate) fn apply(waypost: &Waypost, files: &[PathBuf], policies: &Path) -> Result<()> {
    let mut words = vec!["org".to_owned(), "apply".to_owned()];
    words.extend(files.iter().map(|file| file.display().to_string()));
    words.extend(["--policies".to_owned(), policies.display().to_string()]);
    waypost.run(words)
}

/// A token for a program that may do everything in an organization.
pub(crate) fn token(waypost: &Waypost, org: &str) -> Result<String> {
    issue(waypost, &["--org", org, "--role", "admin"])
}

/// A token for a person of an organization.
pub(crate) fn token_of(waypost: &Waypost, org: &str, role: &str, email: &str) -> Result<String> {
    issue(waypost, &["--org", org, "--role", role, "--person", email])
}

fn issue(waypost: &Waypost, whose: &[&str]) -> Result<String> {
    let words = ["token", "create", "--name", "xtask"];
    let made = waypost.json(words.iter().chain(whose))?;
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

/// The desk file of an organization.
pub(crate) fn desk_file(org: &str) -> PathBuf {
    file(org, "toml")
}

fn file(org: &str, extension: &str) -> PathBuf {
    demo().join(org).with_extension(extension)
}

fn demo() -> PathBuf {
    root().join("xtask/demo")
}
