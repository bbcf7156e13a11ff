//! `waypost import`: records from elsewhere.

mod columns;
mod file;
mod report;
mod storing;
mod tickets;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use crate::terminal::Terminal;

/// Import records from other systems.
#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// Import tickets from a CSV file.
    Tickets(Box<tickets::Tickets>),
}

impl Import {
    pub(crate) async fn run(self, terminal: Terminal) -> Result<ExitCode> {
        match self {
            Self::Tickets(tickets) => Box::pin(tickets.run(terminal)).await,
        }
    }
}
