//! `waypost policy bind` and `revise`: which policy is asked, in which place, with which settings.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use waypost_app::Caller;
use waypost_app::bindings::{self, NewBinding, NewRevision, Run};
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
    /// Component: a .wasm file, a digest or its beginning, a name, or NAME@VERSION.
    policy: String,
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// Hook: categorize, route, plan, stalled or notify. Can be repeated; defaults to all hooks
    /// that the policy serves.
    #[arg(long = "hook", value_name = "HOOK")]
    hooks: Vec<Hook>,
    /// Name of the binding, unique within the organization; defaults to the given hooks and the
    /// policy's name.
    #[arg(long)]
    name: Option<Key>,
    /// Order of evaluation among the organization's bindings, lowest first; defaults to the last.
    #[arg(long, value_name = "NUMBER")]
    position: Option<i64>,
    /// JSON file with the settings.
    #[arg(long, value_name = "FILE.json")]
    settings: Option<PathBuf>,
    #[command(flatten)]
    shared: Shared,
    /// Create the binding disabled.
    #[arg(long)]
    disabled: bool,
    /// Organizations below cannot override it.
    #[arg(long)]
    locked: bool,
    /// Replace the unlocked bindings of the organizations above at its hooks.
    #[arg(long)]
    replaces_above: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Revise {
    /// Name of the binding.
    name: String,
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// New component: a .wasm file, a digest or its beginning, a name, or NAME@VERSION.
    #[arg(long)]
    policy: Option<String>,
    /// New hooks. Can be repeated; replaces all hooks.
    #[arg(long = "hook", value_name = "HOOK")]
    hooks: Vec<Hook>,
    /// New order of evaluation, lowest first.
    #[arg(long, value_name = "NUMBER")]
    position: Option<i64>,
    /// JSON file with the new settings.
    #[arg(long, value_name = "FILE.json")]
    settings: Option<PathBuf>,
    #[command(flatten)]
    shared: Shared,
    /// Remove the fallback team; if the policy fails at route, the next policy is asked.
    #[arg(long, conflicts_with = "fallback_team")]
    no_fallback_team: bool,
    /// Whether organizations below cannot override it: true or false.
    #[arg(long, value_name = "BOOL")]
    locked: Option<bool>,
    /// Whether it replaces the unlocked bindings of the organizations above: true or false.
    #[arg(long, value_name = "BOOL")]
    replaces_above: Option<bool>,
}

#[derive(Debug, Args)]
struct Shared {
    /// Data file, known to the policy by its file name. Can be repeated.
    #[arg(long = "data-file", value_name = "FILE")]
    data_files: Vec<PathBuf>,
    /// Key of the team that gets the ticket if the policy fails at route; if omitted, the next
    /// policy is asked.
    #[arg(long, value_name = "KEY")]
    fallback_team: Option<String>,
    /// Maximum instructions per decision.
    #[arg(long, value_name = "NUMBER")]
    fuel: Option<u64>,
    /// Maximum duration of a decision, in milliseconds.
    #[arg(long, value_name = "MS")]
    deadline_ms: Option<u32>,
    /// Maximum memory, in MiB.
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=MOST_MIB))]
    memory_mib: Option<u64>,
    /// Reason for the revision.
    #[arg(long)]
    note: Option<String>,
    /// Only check everything, and warn of names in the settings that nobody has; nothing is kept.
    #[arg(long)]
    dry_run: bool,
}

impl Shared {
    fn run(&self) -> Run {
        if self.dry_run { Run::Dry } else { Run::Real }
    }

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
        let (limits, run) = (self.shared.limits(), self.shared.run());
        let policy = Named::from(self.policy);
        let found = policy.find(installation, &caller, output).await?;
        let policy = found.view();
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
            component: found.choice(installation, &caller, output).await?,
            settings: settings(self.settings.as_deref())?.unwrap_or_else(|| "{}".to_owned()),
            data: data(&self.shared.data_files)?,
            limits,
            fallback_team: self.shared.fallback_team,
            locked: self.locked,
            replaces_above: self.replaces_above,
            disabled: self.disabled,
            note: self.shared.note,
            run,
        };
        let view = bindings::bind(&installation.desk, &caller, new).await?;
        tell(output, &view, done(run, "Bound", "Would bind"))
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
        let (limits, run) = (self.shared.limits(), self.shared.run());
        let component = match self.policy {
            Some(policy) => {
                let found = Named::from(policy).find(installation, &caller, output).await?;
                Some(found.choice(installation, &caller, output).await?)
            }
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
            run,
        };
        let view = bindings::revise(&installation.desk, &caller, id, edit, None).await?;
        tell(output, &view, done(run, "Revised", "Would revise"))
    }
}

fn done<'a>(run: Run, real: &'a str, dry: &'a str) -> &'a str {
    match run {
        Run::Real => real,
        Run::Dry => dry,
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
            bail!("{} has no valid file name", file.display());
        };
        Ok((name.to_owned(), read(file)?))
    };
    files.iter().map(one).collect()
}
