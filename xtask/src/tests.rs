//! Every test, on both databases, with the policies built.

use std::process::Command;

use anyhow::Result;

use crate::postgres::{Durability, Postgres};
use crate::workspace::root;
use crate::{command, env, plugins, say};

/// The variable that names the server for tests; set by hand, it replaces our own.
const SERVER: &str = "WAYPOST_TEST_POSTGRES";

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
        cargo.args(["--workspace", "--no-fail-fast"]);
    } else {
        cargo.args(arguments);
    }
    cargo.env(SERVER, url).env("WAYPOST_POLICIES", policies);
    say::step("Running the tests", || command::run(&mut cargo))
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
