//! `waypost policy bind` and `revise`: which policy is asked, in which place, with which settings.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use waypost_app::Caller;
use waypost_app::bindings::{self, NewBinding, NewRevision};
use waypost_app::policies;
use waypost_domain::binding::{Hook, LimitChanges};
use waypost_domain::key::Key;

use super::bindings::tell;
use super::component::{Named, read};
use crate::installation::Installation;
use crate::output::Output;

/// The step between the places of bindings, so that others fit between them.
const POSITION_STEP: i64 = 10;

/// One mebibyte.
const MIB: u64 = 1024 * 1024;

/// More is no number of bytes; what the installation allows is far less, and the desk says how
/// much.
const MOST_MIB: u64 = u64::MAX / MIB;

#[derive(Debug, Args)]
pub(crate) struct Bind {
    /// The component: a file that ends in .wasm, a digest, or a name.
    policy: String,
    /// The organization's key.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// A hook: categorize, route, plan, stalled or notify. Repeat it for several, which share
    /// settings and data; without it, all that the policy serves.
    #[arg(long = "hook", value_name = "HOOK")]
    hooks: Vec<Hook>,
    /// The binding's name, unique in the organization; without it, the policy's name and the hooks
    /// that are named.
    #[arg(long)]
    name: Option<Key>,
    /// Its place among the organization's bindings of its hooks, lower first; without it, the last.
    #[arg(long, value_name = "NUMBER")]
    position: Option<i64>,
    /// The settings: a JSON file. Without it, none.
    #[arg(long, value_name = "FILE.json")]
    settings: Option<PathBuf>,
    #[command(flatten)]
    shared: Shared,
    /// Not asked until it is enabled.
    #[arg(long)]
    disabled: bool,
    /// Lower layers can neither replace it nor answer before it.
    #[arg(long)]
    locked: bool,
    /// The unlocked bindings of the layers above are not asked at its hooks.
    #[arg(long)]
    replaces_above: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Revise {
    /// The binding's name.
    name: String,
    /// The organization's key.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// Another component: a file that ends in .wasm, a digest, or a name.
    #[arg(long)]
    policy: Option<String>,
    /// Other hooks: all that it serves from then on, one --hook for each.
    #[arg(long = "hook", value_name = "HOOK")]
    hooks: Vec<Hook>,
    /// Another place, lower first.
    #[arg(long, value_name = "NUMBER")]
    position: Option<i64>,
    /// Other settings: a JSON file.
    #[arg(long, value_name = "FILE.json")]
    settings: Option<PathBuf>,
    #[command(flatten)]
    shared: Shared,
    /// When the policy fails at route, the next policy is asked again.
    #[arg(long, conflicts_with = "fallback_team")]
    no_fallback_team: bool,
    /// Whether lower layers can neither replace it nor answer before it: true or false.
    #[arg(long, value_name = "BOOL")]
    locked: Option<bool>,
    /// Whether the unlocked bindings of the layers above are not asked at its hooks: true or false.
    #[arg(long, value_name = "BOOL")]
    replaces_above: Option<bool>,
}

#[derive(Debug, Args)]
struct Shared {
    /// A data file; the policy knows it by its name without the folder. Can be repeated.
    #[arg(long = "data-file", value_name = "FILE")]
    data_files: Vec<PathBuf>,
    /// The key of the team that gets the ticket when the policy fails at route; without it, the
    /// next policy is asked.
    #[arg(long, value_name = "KEY")]
    fallback_team: Option<String>,
    /// The most instructions for one decision.
    #[arg(long, value_name = "NUMBER")]
    fuel: Option<u64>,
    /// The longest that one decision may take, in milliseconds.
    #[arg(long, value_name = "MS")]
    deadline_ms: Option<u32>,
    /// The most memory, in MiB.
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=MOST_MIB))]
    memory_mib: Option<u64>,
    /// Why it is so: a sentence for whoever asks later.
    #[arg(long)]
    note: Option<String>,
}

impl Shared {
    fn limits(&self) -> LimitChanges {
        LimitChanges {
            fuel: self.fuel,
            deadline_ms: self.deadline_ms,
            memory_bytes: self.memory_mib.map(|mib| mib * MIB),
        }
    }
}

impl Bind {
    pub(crate) async fn run(
        self: Box<Self>,
        installation: &Installation,
        output: &mut Output,
    ) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let limits = self.shared.limits();
        let policy = Named::from(self.policy);
        let component = policy.digest(installation, &caller, output).await?;
        let policy = policies::find(&installation.desk, &caller, &component).await?;
        let named = names(&self.hooks);
        let name = match self.name {
            Some(name) => name.to_string(),
            None => [&[policy.name.clone()][..], &named].concat().join("-"),
        };
        let position = if let Some(position) = self.position {
            position
        } else {
            let all = policy.bindable_hooks();
            let hooks = if self.hooks.is_empty() { &all } else { &self.hooks };
            last_position(installation, &caller, hooks).await? + POSITION_STEP
        };
        let new = NewBinding {
            hooks: (!named.is_empty()).then_some(named),
            name,
            position,
            component,
            settings: settings(self.settings.as_deref())?.unwrap_or_else(|| "{}".to_owned()),
            data: data(&self.shared.data_files)?,
            limits,
            fallback_team: self.shared.fallback_team,
            locked: self.locked,
            replaces_above: self.replaces_above,
            disabled: self.disabled,
            note: self.shared.note,
        };
        let view = bindings::bind(&installation.desk, &caller, new).await?;
        tell(output, &view, "Bound")
    }
}

impl Revise {
    pub(crate) async fn run(
        self: Box<Self>,
        installation: &Installation,
        output: &mut Output,
    ) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let id = bindings::by_name(&installation.desk, &caller, &self.name).await?;
        let limits = self.shared.limits();
        let component = match self.policy {
            Some(policy) => Some(Named::from(policy).digest(installation, &caller, output).await?),
            None => None,
        };
        let hooks = names(&self.hooks);
        let edit = NewRevision {
            hooks: (!hooks.is_empty()).then_some(hooks),
            position: self.position,
            component,
            settings: settings(self.settings.as_deref())?,
            data: (!self.shared.data_files.is_empty())
                .then(|| data(&self.shared.data_files))
                .transpose()?,
            limits: (limits != LimitChanges::default()).then_some(limits),
            fallback_team: match self.shared.fallback_team {
                None => self.no_fallback_team.then_some(None),
                team => Some(team),
            },
            locked: self.locked,
            replaces_above: self.replaces_above,
            note: self.shared.note,
        };
        let view = bindings::revise(&installation.desk, &caller, id, edit, None).await?;
        tell(output, &view, "Revised")
    }
}

fn names(hooks: &[Hook]) -> Vec<String> {
    hooks.iter().map(ToString::to_string).collect()
}

/// The last place at any of the hooks, for a binding has one place for all of its hooks.
async fn last_position(
    installation: &Installation,
    caller: &Caller,
    hooks: &[Hook],
) -> Result<i64> {
    let bound = bindings::list(&installation.desk, caller, None).await?;
    let rivals =
        bound.iter().filter(|view| hooks.iter().any(|hook| view.active.hooks.contains(*hook)));
    Ok(rivals.map(|view| view.active.position).max().unwrap_or(0))
}

/// The settings' text; what is wrong with it the desk says.
pub(crate) fn settings(file: Option<&Path>) -> Result<Option<String>> {
    let read = |file: &Path| {
        std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))
    };
    file.map(read).transpose()
}

/// Data files by their names.
pub(crate) fn data(files: &[PathBuf]) -> Result<Vec<(String, Vec<u8>)>> {
    let one = |file: &PathBuf| {
        let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
            bail!("{} has no name that a policy could read", file.display());
        };
        Ok((name.to_owned(), read(file)?))
    };
    files.iter().map(one).collect()
}
