//! `waypost receipts`: recorded decisions, and asking them again.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use waypost_app::receipts::{self, Progress as Verified, ReceiptDetail, ReceiptQuery, Verdict};
use waypost_app::tickets::TicketRef;
use waypost_domain::binding::Hook;
use waypost_domain::ids::ReceiptId;
use waypost_domain::key::Key;

use super::explain::told;
use super::listing;
use crate::installation::Installation;
use crate::output::{Output, line, time};
use crate::progress::Progress;
use crate::terminal::Terminal;

/// So many differences are told; the count is whole.
const TOLD: usize = 20;

/// Show and verify recorded decisions.
#[derive(Debug, Subcommand)]
pub(crate) enum Receipts {
    /// List recorded decisions, the latest first.
    List(List),
    /// Show a recorded decision with its question, answer and log.
    Show(Show),
    /// Re-execute recorded decisions; the answers must be the same.
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    #[command(flatten)]
    which: Which,
    /// Maximum number; 0 for all.
    #[arg(long, default_value_t = 50, value_name = "COUNT")]
    limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Id of the receipt.
    id: ReceiptId,
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    #[command(flatten)]
    which: Which,
}

/// Which receipts are meant; all, if nothing is said.
#[derive(Debug, Args)]
struct Which {
    /// Only for this ticket, such as INC0000042.
    #[arg(long, value_name = "NUMBER")]
    ticket: Option<String>,
    /// Only for this hook.
    #[arg(long)]
    hook: Option<Hook>,
    /// Only with this outcome: applied, overruled, suggested, declined or failed.
    #[arg(long)]
    outcome: Option<String>,
}

impl From<Which> for ReceiptQuery {
    fn from(which: Which) -> Self {
        Self {
            ticket: which.ticket.map(TicketRef::Number),
            hook: which.hook.map(|hook| hook.to_string()),
            binding: None,
            outcome: which.outcome,
        }
    }
}

impl Receipts {
    pub(crate) async fn run(self, mut terminal: Terminal) -> Result<ExitCode> {
        let installation = terminal.open().await?;
        let output = &mut terminal.output;
        let done = match self {
            Self::List(list) => list.run(&installation, output).await.map(|()| ExitCode::SUCCESS),
            Self::Show(show) => show.run(&installation, output).await.map(|()| ExitCode::SUCCESS),
            Self::Verify(verify) => verify.run(&installation, output).await,
        };
        installation.close().await;
        done
    }
}

impl List {
    async fn run(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let (desk, query) = (&installation.desk, self.which.into());
        let (views, _) = listing::rows(self.limit, async |page| {
            receipts::list(desk, &caller, &query, page).await
        })
        .await?;
        output.tell_table(
            || views.iter().map(json).collect(),
            &["receipt", "hook", "binding", "outcome", "fuel", "µs", "at"],
            views.iter().map(|view| {
                vec![
                    view.id.to_string(),
                    view.hook.to_string(),
                    view.binding_name.clone().unwrap_or_else(|| view.binding.to_string()),
                    view.outcome.as_str().to_owned(),
                    view.fuel.to_string(),
                    view.duration_us.to_string(),
                    time(view.at),
                ]
            }),
            "There are no receipts.",
        )
    }
}

impl Show {
    async fn run(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let detail = receipts::find(&installation.desk, &caller, self.id).await?;
        output.tell(
            || detail_json(&detail),
            |to| {
                let view = &detail.view;
                let name = view.binding_name.clone().unwrap_or_else(|| view.binding.to_string());
                writeln!(to, "{} at {}", view.hook, time(view.at))?;
                writeln!(to, "  binding    {name}, revision {}", view.revision)?;
                writeln!(to, "  component  {}", view.component)?;
                writeln!(to, "  outcome    {}", told(&view.outcome))?;
                writeln!(to, "  cost       fuel {}, {} µs", view.fuel, view.duration_us)?;
                for reason in &view.reasons {
                    writeln!(to, "  because    {}", line(reason))?;
                }
                for (level, said) in &detail.log {
                    writeln!(to, "  {level:<10} {}", line(said))?;
                }
                if let Some(question) = &detail.question {
                    writeln!(to, "question {question:#}")?;
                }
                match &detail.answer {
                    Some(answer) => writeln!(to, "answer {answer:#}"),
                    None => writeln!(to, "no answer"),
                }
            },
        )
    }
}

impl Verify {
    async fn run(self, installation: &Installation, output: &mut Output) -> Result<ExitCode> {
        let caller = installation.operator(&self.org).await?;
        let query = self.which.into();
        // How many there are is not known before they were read, so this counts without an end.
        let mut progress = Progress::without_end("receipts", output.form());
        let mut differences = Vec::new();
        let mut each = |done: &receipts::Reexecution, _: Verified| {
            progress.advance(1);
            let what = match &done.verdict {
                Verdict::Same => return,
                Verdict::Different(lines) => lines.join("; "),
                Verdict::NotRepeatable(why) => format!("not repeatable: {why}"),
            };
            if differences.len() < TOLD {
                differences.push((done.receipt, what));
            }
        };
        let verified = receipts::reexecute_all(&installation.desk, &caller, &query, &mut each)
            .await
            .context("re-executing the recorded decisions")?;
        progress.finish();
        let seconds = progress.elapsed().as_secs_f64();
        let Verified { same, different, not_repeatable } = verified;
        output.tell(
            || {
                let difference = |(receipt, what): &(ReceiptId, String)| {
                    json!({ "receipt": receipt.to_string(), "what": what })
                };
                json!({
                    "same": same,
                    "different": different,
                    "not_repeatable": not_repeatable,
                    "first_differences": differences.iter().map(difference).collect::<Vec<_>>(),
                    "seconds": seconds,
                })
            },
            |to| {
                writeln!(
                    to,
                    "{} receipts: {same} the same, {different} different, {not_repeatable} not repeatable; {seconds:.1} s.",
                    verified.done()
                )?;
                for (receipt, what) in &differences {
                    writeln!(to, "  {receipt}: {what}")?;
                }
                Ok(())
            },
        )?;
        Ok(if different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

pub(super) fn json(view: &receipts::ReceiptView) -> Value {
    json!({
        "id": view.id.to_string(),
        "ticket": view.subject.id().to_string(),
        "evaluation": view.evaluation.to_string(),
        "seq": view.seq,
        "hook": view.hook.as_str(),
        "layer": view.layer.as_ref().map(Key::as_str),
        "binding": view.binding.to_string(),
        "binding_name": view.binding_name,
        "revision": view.revision,
        "component": view.component,
        "settings_digest": view.settings_digest,
        "data_digest": view.data_digest,
        "wit_version": view.wit_version,
        "engine_version": view.engine_version,
        "outcome": waypost_api::outcome_json(view.outcome.clone()),
        "reasons": view.reasons,
        "fuel": view.fuel,
        "duration_us": view.duration_us,
        "at": view.at,
    })
}

fn detail_json(detail: &ReceiptDetail) -> Value {
    let mut told = json(&detail.view);
    told["occasion"] = json!(detail.occasion);
    told["question"] = json!(detail.question);
    told["answer"] = json!(detail.answer);
    told["log"] =
        detail.log.iter().map(|(level, line)| json!({ "level": level, "message": line })).collect();
    told["log_truncated"] = json!(detail.log_truncated);
    told
}
