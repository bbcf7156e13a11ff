//! The commands, one file for each group.

pub(crate) mod audit;
pub(crate) mod config;
pub(crate) mod explain;
pub(crate) mod import;
mod listing;
pub(crate) mod migrate;
pub(crate) mod org;
pub(crate) mod person;
pub(crate) mod policy;
pub(crate) mod receipts;
pub(crate) mod serve;
pub(crate) mod ticket;
pub(crate) mod token;

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::cli::{Cli, Command};
use crate::terminal::Terminal;
use crate::{config as settings, telemetry};

/// Reads the settings and does what was typed.
pub(crate) fn run(cli: Cli) -> Result<ExitCode> {
    let flags =
        if let Command::Serve(serve) = &cli.command { serve.settings() } else { Vec::new() };
    let loaded = settings::load(&cli.global.sources(flags))?;
    let terminal = Terminal::new(loaded, cli.global.form());
    if let Command::Config(command) = cli.command {
        return command.run(terminal).map(|()| ExitCode::SUCCESS);
    }
    let filter = log_filter(&cli.command, &terminal);
    let _written_at_the_end = telemetry::start(terminal.config().log_format, filter)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the threads")?;
    runtime.block_on(dispatch(cli.command, terminal))
}

async fn dispatch(command: Command, terminal: Terminal) -> Result<ExitCode> {
    let done = match command {
        Command::Serve(serve) => serve.run(terminal).await,
        Command::Migrate => migrate::run(terminal).await,
        Command::Org(org) => org.run(terminal).await,
        Command::Person(person) => person.run(terminal).await,
        Command::Token(token) => token.run(terminal).await,
        Command::Policy(policy) => return policy.run(terminal).await,
        Command::Import(import) => return Box::pin(import.run(terminal)).await,
        Command::Ticket(ticket) => Box::pin(ticket.run(terminal)).await,
        Command::Explain(explain) => explain.run(terminal).await,
        Command::Receipts(receipts) => return receipts.run(terminal).await,
        Command::Audit(audit) => return audit.run(terminal).await,
        Command::Config(config) => config.run(terminal),
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// A server logs what it does. A command tells what it did, so it logs what is wrong, and the rest
/// only to those who ask.
fn log_filter<'a>(command: &Command, terminal: &'a Terminal) -> &'a str {
    let serves = matches!(command, Command::Serve(_));
    if serves || !terminal.loaded.is_default("log_filter") {
        &terminal.config().log_filter
    } else {
        "warn"
    }
}
