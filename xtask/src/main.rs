//! `cargo xtask`: what a developer asks of this repository beyond `cargo build`.

mod bench;
mod browser;
mod ci;
mod command;
mod conformance;
mod demo;
mod desks;
mod env;
mod http;
mod languages;
mod plugins;
mod postgres;
mod say;
mod scratch;
mod table;
mod tests;
mod wasm_target;
mod waypost;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
Usage: cargo xtask TASK

  demo [--data DIR] [--fresh] [--exit]
                     a provider and two clients with different policies, and a server to try;
                     --fresh removes an earlier demo, --exit stops the server at the end
  test [ARGUMENTS]   builds the policies, then runs every test on SQLite and PostgreSQL;
                     ARGUMENTS go to `cargo test` (`cargo xtask test -p waypost-store`)
  bench [PART [--built] [sqlite | postgres] ...]
                     measures decisions, the desk (imports and the API beside bare SQL), neighbours,
                     front (greedy clients) and uploads; only by name: web (the server's time for each
                     page), scale (a million tickets), orgs (10,000 organizations), kill (kill -9 under
                     load); --built measures what was built before; a wrong word tells what each part takes
  conformance [--seconds N] [--seed N] [--parts N] [--built]
                     compares the server's answers to an administrator, an agent and a requester with
                     its OpenAPI document, N seconds for each; needs Python, and PyPI the first time
  browser [--built] [--pictures] [NAME ...]
                     looks at the pages in Chromium: stories, accessibility, bytes, attacks; NAME is the
                     beginning of a file in tests/browser; needs Node.js with npm, and its registry the
                     first time; WAYPOST_TEST_CHROMIUM names the browser if it is not found; with
                     --pictures it takes the pictures of README.md anew instead
  ci                 everything that a change has to pass: format, lints, docs, dependencies, tests,
                     conformance with the OpenAPI document in short, the pages in a browser
  plugins            builds the policies under plugins/ to target/policies
  languages          builds the example policy in Rust, TypeScript and Python; needs npm and pip
  postgres           runs a temporary PostgreSQL server for tests until Ctrl-C
  wasm-target        installs the wasm32-wasip2 target if it is missing";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::doing(format_args!("Error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<()> {
    let Some((task, arguments)) = words.split_first() else {
        say::line(USAGE);
        return Ok(());
    };
    match (task.as_str(), arguments) {
        ("test", arguments) => tests::run(arguments),
        ("bench", arguments) => bench::run(arguments),
        ("conformance", arguments) => conformance::run(arguments),
        ("browser", arguments) => browser::run(arguments),
        ("ci", []) => ci::run(),
        ("plugins", []) => plugins::build().map(drop),
        ("demo", arguments) => demo::run(arguments),
        ("languages", []) => languages::build(workspace::root()),
        ("postgres", []) => tests::serve_postgres(),
        ("wasm-target", []) => wasm_target::ensure(),
        ("help" | "--help" | "-h", _) => {
            say::line(USAGE);
            Ok(())
        }
        (task, _) => bail!("there is no task `{task}` with these arguments\n\n{USAGE}"),
    }
}
