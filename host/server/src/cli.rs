//! The command line: what can be typed.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Parser, Subcommand};

use crate::commands::{
    audit, config, explain, import, org, policy, receipts, serve, ticket, token,
};
use crate::config::{Flag, Sources};
use crate::output::Form;

/// A service desk whose behavior is a component.
#[derive(Debug, Parser)]
#[command(name = "waypost", version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The configuration file; without it, the one that `WAYPOST_CONFIG` names.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of everything that Waypost keeps; the same as `--set data_folder=DIR`.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A setting; `waypost config` lists them. Can be repeated.
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
    /// Print results as JSON.
    #[arg(long, global = true)]
    json: bool,
}

/// What `waypost` does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server.
    Serve(serve::Serve),
    /// Bring the database to this release.
    Migrate,
    /// Organizations: their tree, their settings, their directory.
    #[command(subcommand)]
    Org(org::Org),
    /// Bearer tokens for the API.
    #[command(subcommand)]
    Token(token::Token),
    /// Policies and their bindings.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Bring in records from elsewhere.
    #[command(subcommand)]
    Import(import::Import),
    /// Tickets: open, list, show, and act on them.
    #[command(subcommand)]
    Ticket(ticket::Ticket),
    /// Say why a ticket is as it is.
    Explain(explain::Explain),
    /// Recorded decisions.
    #[command(subcommand)]
    Receipts(receipts::Receipts),
    /// The audit trail.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Print the settings in force.
    Config(config::Config),
}

impl Global {
    /// In which form results are told.
    pub(crate) fn form(&self) -> Form {
        if self.json { Form::Json } else { Form::Human }
    }

    /// Where settings are looked for. `more` are those of the command itself.
    pub(crate) fn sources(&self, more: Vec<Flag>) -> Sources {
        let set = self.set.iter().map(|(key, value)| Flag {
            key: key.clone(),
            value: value.clone(),
            given_by: "--set".to_owned(),
        });
        let data = self.data.iter().map(|folder| Flag {
            key: "data_folder".to_owned(),
            value: folder.to_string_lossy().into_owned(),
            given_by: "--data".to_owned(),
        });
        Sources {
            file: self.config.clone(),
            environment: environment(),
            flags: set.chain(data).chain(more).collect(),
        }
    }
}

fn environment() -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    std::env::vars_os().collect()
}

/// Splits `KEY=VALUE`.
pub(crate) fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err("write KEY=VALUE".to_owned()),
    }
}

/// Reads a time, or a day, which begins at midnight UTC.
pub(crate) fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).ok();
    time.or_else(|| day().map(|time| time.and_utc()))
        .ok_or_else(|| "write a day or a time: 2026-06-01 or 2026-06-01T08:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Clap hands a global option's value to whatever option of a command has the same id,
    /// whichever its name is.
    #[test]
    fn no_command_has_an_option_with_the_id_of_a_global_one() {
        fn walk(command: &clap::Command, global: &[String]) {
            for subcommand in command.get_subcommands() {
                for option in subcommand.get_arguments() {
                    let id = option.get_id().to_string();
                    assert!(!global.contains(&id), "{} of {}", id, subcommand.get_name());
                }
                walk(subcommand, global);
            }
        }
        let command = Cli::command();
        let global: Vec<String> =
            command.get_arguments().map(|option| option.get_id().to_string()).collect();
        assert!(global.contains(&"data".to_owned()));
        walk(&command, &global);
    }

    #[test]
    fn a_setting_has_a_key_and_keeps_what_follows_the_first_sign() {
        assert_eq!(setting("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(setting("=b").is_err());
        assert!(setting("a").is_err());
    }
}
