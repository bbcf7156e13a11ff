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

use waypost_policy::compiler;

/// Much of what a ticket costs is memory that lives for its request only.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A server starts itself under another name for each component that is to be compiled. Before
    // anything else, so that nothing of a server is in that process.
    let mut arguments = std::env::args_os();
    if compiler::is_called_so(arguments.next()) {
        return compiler::work(arguments);
    }
    // Whatever is written (the database, letters, keys) is its user's alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let typed: Vec<_> = std::env::args_os().collect();
    let cli = cli::Cli::read(&typed).unwrap_or_else(|error| error.exit());
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
