//! The binary `waypost`: configuration, commands, telemetry, and the one clock.

mod cli;
mod clock;
mod commands;
mod config;
mod desk_file;
mod error_text;
mod installation;
mod output;
mod progress;
mod stop;
mod telemetry;
mod terminal;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Whatever is written (the database, letters, keys) is its user's alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) if output::nobody_listens(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Where even the error output is closed, the exit code is all that is left to say.
            let _ = writeln!(std::io::stderr(), "Error: {}", error_text::of(&error));
            ExitCode::FAILURE
        }
    }
}
