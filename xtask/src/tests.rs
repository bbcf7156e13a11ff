//! Every test, on both databases, with the policies built.

use std::process::Command;

use anyhow::Result;

use crate::postgres::{Durability, Postgres};
use crate::waypost::{Profile, Waypost};
use crate::workspace::root;
use crate::{command, env, plugins, say};

/// The variable that names the server for tests; set by hand, it replaces our own.
const SERVER: &str = "WAYPOST_TEST_POSTGRES";

/// The selection of crates that every build of a whole run shares.
const WHOLE: [&str; 2] = ["--workspace", "--locked"];

/// Runs `cargo test` with the given arguments, or for the whole workspace without any.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let policies = plugins::build()?;
    let own;
    let url = if let Some(url) = env::read(SERVER) {
        say::doing(format_args!("Using the PostgreSQL server of {SERVER}"));
        url
    } else {
        own = say::step("Starting a temporary PostgreSQL server", || {
            Postgres::start(Durability::None)
        })?;
        own.url()
    };
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root()).arg("test");
    if arguments.is_empty() {
        say::step("Building the tests and the program", build)?;
        cargo.args(WHOLE).arg("--no-fail-fast");
        cargo.env("WAYPOST_TEST_PROGRAM", Waypost::built(Profile::Dev)?);
    } else {
        cargo.args(arguments);
    }
    cargo.env(SERVER, url).env("WAYPOST_TEST_POLICIES", policies);
    say::step("Running the tests", || command::run(&mut cargo))
}

/// Builds the program together with the tests: alone, it would have dependencies with fewer
/// features, and compile them a second time.
fn build() -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root()).arg("build").args(WHOLE).args(["--tests", "--bin", "waypost"]);
    command::run(&mut cargo)
}

/// Keeps a server running for somebody who runs single tests by hand.
pub(crate) fn serve_postgres() -> Result<()> {
    let server = Postgres::start(Durability::None)?;
    say::line(format_args!("export {SERVER}={}", server.url()));
    say::note("Ctrl-C stops it");
    loop {
        std::thread::park();
    }
}
