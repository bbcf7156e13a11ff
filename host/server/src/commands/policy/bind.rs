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

/// More is no number of bytes; what the installation allows is far less, and the desk says how much.
const MOST_MIB: u64 = u64::MAX / MIB;

#[derive(Debug, Args)]
pub(crate) struct Bind {
    /// The component: a file that ends in .wasm, a digest, or a name.
    policy: String,
    /// The organization's key.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// The hook: categorize, route, plan, stalled or notify.
    #[arg(long)]
    hook: Hook,
    /// The binding's name, unique in the organization; without it, the policy's name and the hook.
    #[arg(long)]
    name: Option<Key>,
    /// Its place among the organization's bindings of the hook, lower first; without it, the last.
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
    /// The unlocked bindings of the layers above are not asked at this hook.
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
    /// Another place, lower first.
    #[arg(long, value_name = "NUMBER")]
    position: Option<i64>,
    /// Other settings: a JSON file.
    #[arg(long, value_name = "FILE.json")]
    settings: Option<PathBuf>,
    #[command(flatten)]
    shared: Shared,
    /// Whether lower layers can neither replace it nor answer before it: true or false.
    #[arg(long, value_name = "BOOL")]
    locked: Option<bool>,
    /// Whether the unlocked bindings of the layers above are not asked at this hook: true or false.
    #[arg(long, value_name = "BOOL")]
    replaces_above: Option<bool>,
}

#[derive(Debug, Args)]
struct Shared {
    /// A data file; the policy knows it by its name without the folder. Can be repeated.
    #[arg(long = "data-file", value_name = "FILE")]
    data_files: Vec<PathBuf>,
    /// The key of the team that gets the ticket when the policy fails (hook route); without it, the next policy is asked.
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
        let name = if let Some(name) = self.name {
            name.to_string()
        } else {
            let policy = policies::find(&installation.desk, &caller, &component).await?;
            format!("{}-{}", policy.name, self.hook)
        };
        let position = match self.position {
            Some(position) => position,
            None => last_position(installation, &caller, self.hook).await? + POSITION_STEP,
        };
        let new = NewBinding {
            hook: self.hook.to_string(),
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
        let edit = NewRevision {
            position: self.position,
            component,
            settings: settings(self.settings.as_deref())?,
            data: (!self.shared.data_files.is_empty())
                .then(|| data(&self.shared.data_files))
                .transpose()?,
            limits: (limits != LimitChanges::default()).then_some(limits),
            fallback_team: self.shared.fallback_team.map(Some),
            locked: self.locked,
            replaces_above: self.replaces_above,
            note: self.shared.note,
        };
        let view = bindings::revise(&installation.desk, &caller, id, edit, None).await?;
        tell(output, &view, "Revised")
    }
}

async fn last_position(installation: &Installation, caller: &Caller, hook: Hook) -> Result<i64> {
    let bound = bindings::list(&installation.desk, caller, Some(hook)).await?;
    Ok(bound.iter().map(|view| view.active.position).max().unwrap_or(0))
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
