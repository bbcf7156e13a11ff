//! `waypost policy`: policies and their bindings.

mod bind;
mod bindings;
mod component;
mod settings;
mod test_run;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use waypost_app::Caller;
use waypost_app::policies::{self, PolicySummary, PolicyView, Removable, ServedHookView};
use waypost_domain::key::Key;

use self::component::{Found, Named, short_digests};
use super::listing;
use crate::installation::Installation;
use crate::output::{Output, line, time};
use crate::terminal::Terminal;

/// Manage policies and their bindings.
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Upload a component.
    Upload(Upload),
    /// List the components that an organization can bind.
    List(Of),
    /// Show the description of a component.
    Show(Show),
    /// Remove a component that no binding uses.
    Remove(Remove),
    /// Bind a policy to hooks; takes effect with the next ticket.
    Bind(Box<bind::Bind>),
    /// Create a new revision of a binding; takes effect with the next ticket.
    Revise(Box<bind::Revise>),
    /// List an organization's own bindings.
    Bindings(Of),
    /// Show a binding, its revisions, and what each of them changed.
    History(bindings::One),
    /// Print the settings of a binding, or one of its data files.
    Settings(settings::Settings),
    /// Print the JSON Schema of a policy's settings. A component file needs no database.
    Schema(settings::Schema),
    /// Enable a binding.
    Enable(bindings::One),
    /// Disable a binding.
    Disable(bindings::One),
    /// Roll a binding back to an earlier revision.
    Rollback(bindings::Rollback),
    /// Show the evaluation order of policies by hook, across all layers.
    Order(bindings::Order),
    /// Test a policy with a ticket from a file. A component file needs no database.
    TestRun(Box<test_run::TestRun>),
}

#[derive(Debug, Args)]
pub(crate) struct Upload {
    /// The component.
    #[arg(value_name = "FILE.wasm")]
    file: std::path::PathBuf,
    /// Key of the organization; organizations below it can bind the policy too.
    #[arg(long, value_name = "KEY")]
    org: Key,
}

#[derive(Debug, Args)]
pub(crate) struct Of {
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Component: a .wasm file, a digest or its beginning, a name, or NAME@VERSION.
    policy: String,
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Component: a digest or its beginning, a name, or NAME@VERSION.
    policy: String,
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// Also if earlier revisions of bindings use it: they cannot be rolled back to any more, and
    /// their decisions cannot be repeated.
    #[arg(long)]
    superseded: bool,
}

impl Policy {
    pub(crate) async fn run(self, terminal: Terminal) -> Result<ExitCode> {
        match self {
            Self::TestRun(test_run) => test_run.run(terminal).await,
            Self::Schema(schema) => schema.run(terminal).await.map(|()| ExitCode::SUCCESS),
            other => other.with_installation(terminal).await.map(|()| ExitCode::SUCCESS),
        }
    }

    async fn with_installation(self, mut terminal: Terminal) -> Result<()> {
        let installation = terminal.open().await?;
        let output = &mut terminal.output;
        let done = match self {
            Self::Upload(upload) => upload.run(&installation, output).await,
            Self::List(of) => list(&of.org, &installation, output).await,
            Self::Show(show) => show.run(&installation, output).await,
            Self::Remove(remove) => remove.run(&installation, output).await,
            Self::Bind(bind) => bind.run(&installation, output).await,
            Self::Revise(revise) => revise.run(&installation, output).await,
            Self::Bindings(of) => bindings::list(&of.org, &installation, output).await,
            Self::History(one) => one.history(&installation, output).await,
            Self::Enable(one) => one.enable(&installation, output).await,
            Self::Disable(one) => one.disable(&installation, output).await,
            Self::Rollback(rollback) => rollback.run(&installation, output).await,
            Self::Settings(settings) => settings.run(&installation, output).await,
            Self::Order(order) => order.run(&installation, output).await,
            // These need no installation.
            Self::TestRun(_) | Self::Schema(_) => Ok(()),
        };
        installation.close().await;
        done
    }
}

impl Upload {
    async fn run(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let view = component::upload(installation, &caller, &self.file, output).await?;
        let twins = component::twins(installation, &caller, &view, output).await?;
        output.tell(
            || {
                let mut told = json(&view);
                told["same_version_as"] = json!(twins);
                told
            },
            |to| {
                let hooks = hooks(&view.hooks);
                writeln!(to, "Uploaded {} {}, which serves {hooks}.", view.name, view.version)?;
                writeln!(to, "{}", view.digest)
            },
        )
    }
}

impl Show {
    async fn run(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let found = Named::from(self.policy).find(installation, &caller, output).await?;
        let is_uploaded = matches!(found, Found::Uploaded(_));
        let view = found.view();
        let schema = serde_json::to_string_pretty(&view.settings_schema)
            .context("writing the settings schema")?;
        output.tell(
            || {
                let mut told = json(view);
                if !is_uploaded {
                    told["uploaded_at"] = Value::Null;
                }
                told
            },
            |to| {
                writeln!(to, "{} {}", view.name, view.version)?;
                writeln!(to, "  {}", line(&view.summary))?;
                writeln!(to, "  author     {}", view.author)?;
                writeln!(to, "  digest     {}", view.digest)?;
                writeln!(to, "  size       {} KiB", view.size.div_ceil(1024))?;
                writeln!(to, "  contract   waypost:policy@{}", view.wit_version)?;
                let uploaded = if is_uploaded { time(view.uploaded_at) } else { "no".to_owned() };
                writeln!(to, "  uploaded   {uploaded}")?;
                for hook in &view.hooks {
                    let needs = if hook.needs.is_empty() {
                        "nothing else".to_owned()
                    } else {
                        hook.needs.join(", ")
                    };
                    writeln!(to, "  serves     {}, and requires {needs}", hook.hook)?;
                }
                writeln!(to, "  imports    {}", view.imports.join(", "))?;
                writeln!(to, "  settings   JSON Schema:")?;
                writeln!(to, "{schema}")
            },
        )
    }
}

impl Remove {
    async fn run(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let removable = if self.superseded { Removable::Superseded } else { Removable::Unused };
        let named = Named::from(self.policy);
        if let Named::File(file) = &named {
            bail!(
                "{} is a file; name the policy by its name or digest, as `waypost policy list` does",
                file.display()
            );
        }
        let found = named.find(installation, &caller, output).await?;
        let view = found.view();
        policies::remove(&installation.desk, &caller, &view.digest, removable).await?;
        output.tell(
            || json!({ "removed": view.digest }),
            |to| writeln!(to, "Removed {} {} from {}.", view.name, view.version, self.org),
        )
    }
}

async fn list(org: &Key, installation: &Installation, output: &mut Output) -> Result<()> {
    let caller = installation.operator(org).await?;
    let views = all(installation, &caller).await?;
    let digests = short_digests(&views);
    output.tell_table(
        || Value::Array(views.iter().map(summary_json).collect()),
        &["name", "version", "serves", "used", "uploaded", "digest"],
        views.iter().zip(digests).map(|(view, digest)| {
            vec![
                view.name.clone(),
                view.version.clone(),
                hooks(&view.hooks),
                used(view),
                time(view.uploaded_at),
                digest,
            ]
        }),
        "There are no policies; upload one with `waypost policy upload FILE.wasm`.",
    )
}

/// Every component that the organization may bind.
async fn all(installation: &Installation, caller: &Caller) -> Result<Vec<PolicySummary>> {
    let fetch = async |page: &_| policies::list(&installation.desk, caller, page).await;
    let (views, _) = listing::rows(0, fetch).await?;
    Ok(views)
}

/// Whether its own bindings use it; of one from above, that it is from there.
fn used(view: &PolicySummary) -> String {
    if view.inherited { "inherited".to_owned() } else { view.used.as_str().to_owned() }
}

fn hooks(served: &[ServedHookView]) -> String {
    served.iter().map(|served| served.hook.as_str()).collect::<Vec<_>>().join(", ")
}

fn hooks_json(served: &[ServedHookView]) -> Value {
    let hook = |served: &ServedHookView| {
        json!({
            "hook": served.hook.as_str(),
            "needs": served.needs,
        })
    };
    served.iter().map(hook).collect()
}

fn summary_json(view: &PolicySummary) -> Value {
    json!({
        "digest": view.digest,
        "name": view.name,
        "version": view.version,
        "author": view.author,
        "summary": view.summary,
        "hooks": hooks_json(&view.hooks),
        "wit_version": view.wit_version,
        "size": view.size,
        "uploaded_at": view.uploaded_at,
        "inherited": view.inherited,
        "used": view.used.as_str(),
    })
}

fn json(view: &PolicyView) -> Value {
    json!({
        "digest": view.digest,
        "name": view.name,
        "version": view.version,
        "author": view.author,
        "summary": view.summary,
        "hooks": hooks_json(&view.hooks),
        "settings_schema": view.settings_schema,
        "wit_version": view.wit_version,
        "imports": view.imports,
        "exports": view.exports,
        "size": view.size,
        "uploaded_at": view.uploaded_at,
    })
}
