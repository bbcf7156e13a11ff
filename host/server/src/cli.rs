//! The command line: what can be typed.

use std::ffi::OsString;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use waypost_domain::moment::{self, InvalidMoment};

use crate::commands::{
    audit, config, explain, import, org, person, policy, receipts, serve, ticket, token,
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

impl Cli {
    /// Reads what was typed, the program's name first.
    ///
    /// # Errors
    /// What clap cannot read, and settings in two places: of those clap keeps the last place's.
    pub(crate) fn read(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let cli = Self::try_parse_from(arguments)?;
        let is_set = |argument: &&OsString| {
            *argument == "--set" || argument.to_string_lossy().starts_with("--set=")
        };
        if arguments.iter().filter(is_set).count() > cli.global.set.len() {
            let message = "`--set` stands in two places; give every `--set` before the command, \
                           or every one after it";
            return Err(Self::command().error(ErrorKind::ArgumentConflict, message));
        }
        Ok(cli)
    }
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Configuration file; defaults to the one in `WAYPOST_CONFIG`.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder; same as `--set data_folder=DIR`.
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
    /// Migrate the database to this version.
    Migrate,
    /// Manage organizations, their settings and their directory.
    #[command(subcommand)]
    Org(org::Org),
    /// Manage who can sign in.
    #[command(subcommand)]
    Person(person::Person),
    /// Manage API tokens.
    #[command(subcommand)]
    Token(token::Token),
    /// Manage policies and their bindings.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Import records from other systems.
    #[command(subcommand)]
    Import(import::Import),
    /// Open, list, show and change tickets.
    #[command(subcommand)]
    Ticket(ticket::Ticket),
    /// Explain a ticket.
    Explain(explain::Explain),
    /// Show and verify recorded decisions.
    #[command(subcommand)]
    Receipts(receipts::Receipts),
    /// Export and check the audit trail.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Print the effective settings.
    Config(config::Config),
}

impl Global {
    /// Output format.
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

fn environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

/// Splits `KEY=VALUE`.
pub(crate) fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err("use KEY=VALUE".to_owned()),
    }
}

/// Reads a time, or a day, which begins at midnight UTC.
pub(crate) fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let midnight = format!("{text}T00:00:00Z");
    match (moment::parse(text), moment::parse(&midnight)) {
        (Ok(at), _) | (Err(_), Ok(at)) => Ok(at),
        (Err(InvalidMoment::Form), Err(InvalidMoment::Form)) => {
            Err("use a date or a time: 2026-06-01 or 2026-06-01T08:00:00Z".to_owned())
        }
        (Err(InvalidMoment::Form), Err(invalid)) | (Err(invalid), Err(_)) => {
            Err(invalid.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
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
    fn no_setting_is_lost_between_two_places() {
        let read =
            |typed: &str| Cli::read(&typed.split(' ').map(OsString::from).collect::<Vec<_>>());
        for typed in [
            "waypost --set a=1 --set b=2 config",
            "waypost config --set a=1 --set=b=2",
            "waypost org --set a=1 --set b=2 list",
        ] {
            assert_eq!(read(typed).unwrap().global.set.len(), 2, "{typed}");
        }
        for typed in ["waypost --set a=1 config --set b=2", "waypost --set=a=1 org --set b=2 list"]
        {
            assert_eq!(read(typed).unwrap_err().kind(), ErrorKind::ArgumentConflict, "{typed}");
        }
    }

    #[test]
    fn a_setting_has_a_key_and_keeps_what_follows_the_first_sign() {
        assert_eq!(setting("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(setting("=b").is_err());
        assert!(setting("a").is_err());
    }
}
