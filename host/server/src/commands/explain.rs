//! `waypost explain`: why a ticket is as it is.

use std::io::{self, Write};

use anyhow::{Context, Result};
use clap::Args;
use waypost_app::explain::{self, ExplainedDecision, Explanation};
use waypost_app::tickets::TicketRef;
use waypost_domain::key::Key;
use waypost_domain::receipt::Outcome;

use crate::installation::Installation;
use crate::output::{Output, line};
use crate::terminal::Terminal;

/// Explain a ticket: in sentences, then decision by decision.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Number of the ticket, such as INC0000042.
    number: String,
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
}

impl Explain {
    pub(crate) async fn run(self, mut terminal: Terminal) -> Result<()> {
        let installation = terminal.open().await?;
        let done = self.explain(&installation, &mut terminal.output).await;
        installation.close().await;
        done
    }

    async fn explain(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let ticket = TicketRef::Number(self.number.clone());
        let explanation = explain::explain(&installation.desk, &caller, &ticket)
            .await
            .with_context(|| format!("explaining {} of {}", self.number, self.org))?;
        let json = || waypost_api::explanation_json(explanation.clone());
        output.tell(json, |to| write(to, &explanation))
    }
}

fn write(to: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    writeln!(to, "{}", explanation.number)?;
    for fact in &explanation.facts {
        writeln!(to, "  {}", fact.sentence(explanation.now))?;
    }
    if !explanation.decisions.is_empty() {
        writeln!(to)?;
        writeln!(to, "Decisions, in order of evaluation")?;
    }
    for decision in &explanation.decisions {
        let ExplainedDecision { hook, binding, layer, revision, fuel, duration_us, .. } = decision;
        writeln!(
            to,
            "  {hook}: {binding} of {layer}, revision {revision}: {}",
            told(&decision.outcome)
        )?;
        for reason in &decision.reasons {
            writeln!(to, "    because: {}", line(reason))?;
        }
        writeln!(to, "    receipt {}, fuel {fuel}, {duration_us} µs", decision.receipt)?;
    }
    Ok(())
}

/// An outcome with its facts.
pub(crate) fn told(outcome: &Outcome) -> String {
    let name = outcome.as_str();
    match outcome {
        Outcome::Applied | Outcome::Suggested | Outcome::Declined => name.to_owned(),
        Outcome::Overruled(why) => format!("{name} ({})", line(&why.join("; "))),
        Outcome::Failed { code, message, fallback } => {
            format!("{name} ({code}: {}); fallback: {}", line(message), line(fallback))
        }
    }
}
