//! `waypost policy test-run`: asks a policy about a ticket that need not exist.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};
use tempfile::TempDir;
use waypost_app::organizations::PLATFORM_KEY;
use waypost_app::trial::{self, Trial, TrialOutcome, TrialView, TriedPolicy};
use waypost_domain::binding::{Hook, LimitChanges};
use waypost_domain::key::Key;
use waypost_policy::Failure;

use super::bind::{data, settings};
use super::component::{Named, read};
use crate::installation::Installation;
use crate::output::{Output, line};
use crate::terminal::Terminal;

#[derive(Debug, Args)]
pub(crate) struct TestRun {
    /// Component: a .wasm file, or with --org a digest or its beginning, a name, or NAME@VERSION.
    policy: String,
    /// Hook: categorize, route, plan, stalled or notify.
    #[arg(long)]
    hook: Hook,
    /// JSON file with fields of the ticket; other fields get defaults.
    #[arg(long, value_name = "FILE.json")]
    ticket: PathBuf,
    /// JSON file with fields of the context.
    #[arg(long, value_name = "FILE.json")]
    context: Option<PathBuf>,
    /// JSON file with the event (notify) or the approval (stalled).
    #[arg(long, value_name = "FILE.json")]
    part: Option<PathBuf>,
    /// JSON file with the settings.
    #[arg(long, value_name = "FILE.json")]
    settings: Option<PathBuf>,
    /// Data file. Can be repeated.
    #[arg(long = "data-file", value_name = "FILE")]
    data_files: Vec<PathBuf>,
    /// Key of the organization that has the component; if omitted, the component must be a file,
    /// and no database is used.
    #[arg(long, value_name = "KEY")]
    org: Option<Key>,
}

impl TestRun {
    pub(crate) async fn run(self: Box<Self>, mut terminal: Terminal) -> Result<ExitCode> {
        let policy = Named::from(self.policy.clone());
        if let Some(org) = &self.org {
            let installation = terminal.open().await?;
            let done = self.with(&installation, org, policy, &mut terminal.output).await;
            installation.close().await;
            return done;
        }
        let Named::File(_) = policy else {
            bail!("`{}` is not a file; name its organization with --org KEY", self.policy);
        };
        let scratch = scratch()?;
        let installation = Installation::in_memory(&terminal.loaded.config, scratch.path()).await?;
        let platform = PLATFORM_KEY.parse().context("the platform's key")?;
        self.with(&installation, &platform, policy, &mut terminal.output).await
    }

    async fn with(
        &self,
        installation: &Installation,
        org: &Key,
        policy: Named,
        output: &mut Output,
    ) -> Result<ExitCode> {
        let caller = installation.operator(org).await?;
        let policy = match policy {
            Named::File(file) => TriedPolicy::Bytes(read(&file)?),
            named @ (Named::Digest(_) | Named::Words(_)) => {
                let found = named.find(installation, &caller, output).await?;
                TriedPolicy::Uploaded(found.view().digest.clone())
            }
        };
        let trial = Trial {
            policy,
            settings: settings(self.settings.as_deref())?.unwrap_or_else(|| "{}".to_owned()),
            data: data(&self.data_files)?,
            limits: LimitChanges::default(),
            hook: self.hook.to_string(),
            ticket: json_file(&self.ticket)?,
            context: self.context.as_deref().map(json_file).transpose()?,
            part: self.part.as_deref().map(json_file).transpose()?,
        };
        let view = trial::run(&installation.desk, &caller, trial).await?;
        output.tell(|| json(&view), |to| write(to, &view))?;
        Ok(exit_code(&view.outcome).into())
    }
}

/// How a test run ended, for scripts; `docs/policies.md` has the list. 1 and 2 are those of any
/// command that was refused.
fn exit_code(outcome: &TrialOutcome) -> u8 {
    let failure = match outcome {
        TrialOutcome::Answered(_) | TrialOutcome::Declined => return 0,
        TrialOutcome::Failed(failure) => failure,
    };
    match failure {
        Failure::Trap { .. } => 10,
        Failure::OutOfFuel => 11,
        Failure::Deadline => 12,
        Failure::Memory => 13,
        Failure::BadAnswer { .. } => 14,
        Failure::AnswerTooLarge { .. } => 15,
        Failure::InputTooLarge { .. } => 16,
        Failure::Broken { .. } => 17,
        Failure::Configure { .. } => 18,
        // Without a turn it was not asked either; no breaker stands before a test run.
        Failure::Unavailable { .. } | Failure::Busy | Failure::BreakerOpen => 19,
        Failure::HostPanic => 20,
    }
}

/// A folder for one run, gone afterwards. Nobody else can look or write into it: what is prepared
/// there is run.
pub(crate) fn scratch() -> Result<TempDir> {
    let owners = Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new().prefix("waypost-test-run-").permissions(owners).tempdir();
    folder.context("creating a temporary folder")
}

fn json_file(path: &Path) -> Result<Value> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}

fn write(to: &mut dyn Write, view: &TrialView) -> io::Result<()> {
    let (name, version) = &view.policy;
    match &view.outcome {
        TrialOutcome::Answered(answer) => {
            writeln!(to, "{name} {version} answered:")?;
            writeln!(to, "{answer:#}")?;
        }
        TrialOutcome::Declined => writeln!(to, "{name} {version} declined.")?,
        TrialOutcome::Failed(failure) => {
            let (code, message) = (failure.code(), failure.to_string());
            writeln!(to, "{name} {version} failed ({code}): {}", line(&message))?;
        }
    }
    for reason in &view.reasons {
        writeln!(to, "  because: {}", line(reason))?;
    }
    for (level, said) in &view.log {
        writeln!(to, "  {level}: {}", line(said))?;
    }
    if view.log_truncated {
        writeln!(to, "  (log truncated)")?;
    }
    let share = view.fuel.saturating_mul(100) / view.fuel_limit.max(1);
    writeln!(
        to,
        "fuel {} of {} ({share} %), {} µs of {} ms",
        view.fuel,
        view.fuel_limit,
        view.duration.as_micros(),
        view.deadline.as_millis()
    )?;
    if let Some(reason) = &view.not_snapshotted_because {
        writeln!(to, "It is reconfigured for each decision, which is slower: {}", line(reason))?;
    }
    Ok(())
}

fn json(view: &TrialView) -> Value {
    let outcome = match &view.outcome {
        TrialOutcome::Answered(answer) => json!({ "kind": "answered", "answer": answer }),
        TrialOutcome::Declined => json!({ "kind": "declined" }),
        TrialOutcome::Failed(failure) => {
            json!({ "kind": "failed", "code": failure.code(), "message": failure.to_string() })
        }
    };
    json!({
        "component": view.component,
        "policy": { "name": view.policy.0, "version": view.policy.1 },
        "question": view.question,
        "outcome": outcome,
        "reasons": view.reasons,
        "fuel": view.fuel,
        "fuel_limit": view.fuel_limit,
        "duration_us": u64::try_from(view.duration.as_micros()).unwrap_or(u64::MAX),
        "log": view.log.iter().map(|(level, line)| json!({ "level": level, "message": line })).collect::<Vec<_>>(),
        "log_truncated": view.log_truncated,
        "not_snapshotted_because": view.not_snapshotted_because,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_fail_has_the_exit_code_that_the_docs_tell() {
        const DOCS: &str = include_str!("../../../../../docs/policies.md");
        let message = || "why".to_owned();
        let failures = [
            Failure::Trap { message: message() },
            Failure::OutOfFuel,
            Failure::Deadline,
            Failure::Memory,
            Failure::BadAnswer { message: message() },
            Failure::AnswerTooLarge { limit: 1 },
            Failure::InputTooLarge { bytes: 2, limit: 1 },
            Failure::Broken { message: message() },
            Failure::Configure { message: message() },
            Failure::Unavailable { message: message() },
            Failure::HostPanic,
        ];
        let mut exits = Vec::new();
        for failure in failures {
            let code = failure.code();
            let exit = exit_code(&TrialOutcome::Failed(failure));
            let told = format!("| {exit} |");
            let row = DOCS.lines().find(|line| line.starts_with(&told)).unwrap_or_default();
            assert!(row.contains(&format!("(`{code}`)")), "{exit} {code}: {row}");
            assert!(exit > 2 && !exits.contains(&exit), "{code}");
            exits.push(exit);
        }
        assert_eq!(exit_code(&TrialOutcome::Declined), 0);
    }

    #[test]
    fn a_test_run_has_a_fresh_folder_that_nobody_else_can_write_into() {
        let (one, other) = (scratch().unwrap(), scratch().unwrap());
        assert_ne!(one.path(), other.path());
        let mode = one.path().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert_eq!(one.path().read_dir().unwrap().count(), 0);
    }
}
