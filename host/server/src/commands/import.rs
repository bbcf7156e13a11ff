//! `waypost import`: records from elsewhere.
//!
//! A `sheet` is a file of rows, whatever they become. `columns` says which column is which field of
//! a `Target`, `identity` what tells rows apart, `times` which moment is meant. `ticket_rows` holds
//! the target of tickets; another kind of record needs one of its own, and a command.

mod columns;
mod identity;
mod report;
mod sheet;
mod storing;
mod ticket_rows;
mod tickets;
mod times;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use waypost_app::import::{self, ImportState};
use waypost_domain::key::Key;

use crate::output::time;
use crate::terminal::Terminal;

/// Import records from other systems.
#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    // Its help is that of its arguments.
    Tickets(Box<tickets::Tickets>),
    /// List imports, the latest first.
    List(List),
}

/// List imports, the latest first.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
}

impl Import {
    pub(crate) async fn run(self, terminal: Terminal) -> Result<ExitCode> {
        match self {
            Self::Tickets(tickets) => Box::pin(tickets.run(terminal)).await,
            Self::List(list) => list.run(terminal).await,
        }
    }
}

impl List {
    async fn run(self, mut terminal: Terminal) -> Result<ExitCode> {
        let installation = terminal.open().await?;
        let caller = installation.operator(&self.org).await;
        let jobs = match caller {
            Ok(caller) => import::list(&installation.desk, &caller).await.map_err(Into::into),
            Err(error) => Err(error),
        };
        installation.close().await;
        let jobs = jobs?;
        let cells = |job: &ImportState| {
            vec![
                job.source.clone(),
                job.kind.clone(),
                job.accepted.to_string(),
                job.refused.to_string(),
                job.runs.to_string(),
                time(job.updated_at),
                if job.finished {
                    "finished".to_owned()
                } else {
                    format!("not finished; next is row {}", job.next_row)
                },
                job.name.clone(),
            ]
        };
        let json = || Value::from(jobs.iter().map(shown).collect::<Vec<_>>());
        let header =
            ["source", "kind", "accepted", "refused", "runs", "last moved", "state", "name"];
        terminal.output.tell_table(
            json,
            &header,
            jobs.iter().map(cells),
            "Nothing was imported.",
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

fn shown(job: &ImportState) -> Value {
    json!({
        "name": job.name, "source": job.source, "kind": job.kind, "runs": job.runs,
        "accepted": job.accepted, "refused": job.refused, "next_row": job.next_row,
        "updated_at": job.updated_at, "finished": job.finished,
        "options": serde_json::from_str(&job.options).unwrap_or(Value::Null),
    })
}
