//! Whether the server does what its OpenAPI document says, asked by somebody else's program:
//! schemathesis makes requests from the document, sensible and senseless ones, and compares each
//! answer with it.

mod directions;
mod tool;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use self::directions::Directions;
use self::tool::{Found, VERSION};
use crate::desks::{self, MARLOW};
use crate::http::Client;
use crate::scratch::Scratch;
use crate::waypost::{self, Profile, Server, Waypost};
use crate::{command, plugins, say};

/// How long each caller's run takes if nobody says.
const SECONDS: u64 = 300;
/// The same within everything else that a change has to pass.
const SECONDS_IN_CI: u64 = 20;
/// The short runs ask a part of the paths, so that each of these is asked more than once.
const PARTS_IN_CI: u64 = 6;
/// Where the short runs begin.
const SEED_IN_CI: u64 = 1;
/// What comes before the first request and after the last one.
const AROUND: Duration = Duration::from_mins(3);

/// What is compared. Not whether what fits the schema is accepted: a desk's rules refuse much of
/// it. Nor whether an invalid token is refused, which stories try at every route: a server counts
/// such attempts, and soon answers them with 429.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,unsupported_method,\
                      allow_header_conformance,missing_required_header";
/// Its own default does not know that a missing `If-Match` has a status of its own.
const SETTINGS: &str = "[checks.missing_required_header]\n\
                        expected-statuses = [400, 401, 403, 404, 415, 422, 428]\n";
/// It knows no way to send a component; this is one.
const HOOKS: &str = "from schemathesis import serializer\n\n\
                     serializer.alias('application/wasm', 'application/octet-stream')\n";

/// How a run is done.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    /// For each caller.
    seconds: u64,
    seed: u64,
    /// The paths are asked in so many parts; the seed says which one is.
    parts: u64,
}

impl Options {
    fn read(arguments: &[String], seed: u64) -> Result<Self> {
        let mut options = Self { seconds: SECONDS, seed, parts: 1 };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let place = match word.as_str() {
                "--seconds" => &mut options.seconds,
                "--seed" => &mut options.seed,
                "--parts" => &mut options.parts,
                other => bail!(
                    "there is no option `{other}`; usage: cargo xtask conformance [--seconds N] \
                     [--seed N] [--parts N] [--built]"
                ),
            };
            let number = words.next().with_context(|| format!("{word} needs a number"))?;
            *place = number.parse().with_context(|| format!("{word} needs a number"))?;
        }
        if options.parts == 0 || options.seconds == 0 {
            bail!("--seconds and --parts need a number that is at least 1");
        }
        Ok(options)
    }
}

/// Compares the server with its document, as each kind of caller.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (built, arguments): (Vec<_>, Vec<_>) =
        arguments.iter().cloned().partition(|word| word == "--built");
    let options = Options::read(&arguments, new_seed())?;
    let tool = match tool::find()? {
        Found::Ready(program) => program,
        Found::Missing(why) => bail!("schemathesis {VERSION} could not be installed: {why}"),
    };
    let policies = plugins::build()?;
    let program = if built.is_empty() {
        say::step("Building waypost (minutes if its dependencies are not compiled yet)", || {
            Waypost::build(Profile::Dev)
        })?
    } else {
        Waypost::built(Profile::Dev)?
    };
    compare(&tool, &program, &policies, &options)
}

/// The same in short, with what is built already. Where there is no Python or no network it says
/// so, and is no reason to fail.
pub(crate) fn run_in_ci() -> Result<()> {
    let tool = match tool::find()? {
        Found::Ready(program) => program,
        Found::Missing(why) => {
            say::doing("Conformance with the OpenAPI document: SKIPPED, nothing was compared");
            say::note(format_args!("schemathesis {VERSION} could not be installed: {why}"));
            return Ok(());
        }
    };
    let policies = plugins::build()?;
    let program = Waypost::built(Profile::Dev)?;
    // The same requests each time: what passes today is no riddle tomorrow.
    let options = Options { seconds: SECONDS_IN_CI, seed: SEED_IN_CI, parts: PARTS_IN_CI };
    compare(&tool, &program, &policies, &options)
}

/// Another one nearly each time, so that other requests are made; it is shown, to make the same
/// again.
fn new_seed() -> u64 {
    std::process::id().into()
}

/// A caller, and who asks.
struct Role {
    name: &'static str,
    token: String,
}

fn compare(tool: &Path, program: &Path, policies: &Path, options: &Options) -> Result<()> {
    let scratch = Scratch::new("conformance")?;
    let data = scratch.path().join("data");
    fs::create_dir(&data).with_context(|| format!("creating {}", data.display()))?;
    let waypost = Waypost::new(program, &data, &["log_filter=warn".to_owned()]);
    say::step("Creating organizations and their policies", || desks::set_up(&waypost, policies))?;
    let log = scratch.path().join("server.log");
    let server = waypost.serve(waypost::address(0)?, &log)?;
    let mut admin = Client::new(server.address(), &desks::token(&waypost, MARLOW)?);
    let roles = say::step("Opening tickets and issuing tokens", || {
        open_tickets(&mut admin)?;
        // What an administrator may break is broken last.
        let roles = ["requester", "agent", "admin"].into_iter();
        roles.map(|role| issue(&mut admin, role)).collect::<Result<Vec<Role>>>()
    })?;
    let directions = Directions::read(&mut admin)?;
    say::note(format_args!("seed {}, one of {} parts of the paths", options.seed, options.parts));

    let mut findings = Vec::new();
    for role in &roles {
        let asked = format!("Comparing answers to {} with the document", role.name);
        let found =
            say::step(asked, || ask(tool, scratch.path(), &server, role, &directions, options))?;
        findings.extend(found);
    }
    server.stop()?;
    let said = fs::read_to_string(&log).context("reading the server's log")?;
    let panics = said.lines().filter(|line| line.contains("panicked")).take(3);
    findings.extend(panics.map(|line| format!("the server's log: {line}")));
    if let Err(error) =
        say::step("Checking all records", || waypost.run(["audit", "check", "--org", MARLOW]))
    {
        findings.push(format!("the records afterwards: {error:#}"));
    }
    if findings.is_empty() {
        return Ok(());
    }
    say::line(findings.join("\n\n"));
    let kept = scratch.hand_over();
    bail!(
        "the server and its OpenAPI document differ in {} ways (seed {}); the reports, the log and \
         the data are in {}",
        findings.len(),
        options.seed,
        kept.display()
    )
}

/// Some tickets of each kind, one with a task, and a request that waits for an approval.
fn open_tickets(admin: &mut Client) -> Result<()> {
    for row in desks::rows(MARLOW)?.into_iter().take(6) {
        let ticket = json!({
            "requester": row.requester,
            "short_description": row.short_description,
            "description": row.description,
        });
        let opened = admin.post("/api/v1/incidents", &ticket)?;
        let number = opened["number"].as_str().context("reading the number of a new ticket")?;
        let comment = json!({ "text": "Seen.", "visibility": "internal" });
        admin.post(&format!("/api/v1/incidents/{number}/comments"), &comment)?;
        let mut request = ticket;
        request["short_description"] = "A second screen".into();
        admin.post("/api/v1/requests", &request)?;
    }
    let problem = json!({ "short_description": "Card readers restart" });
    let problem = admin.post("/api/v1/problems", &problem)?;
    let number = problem["number"].as_str().context("reading the number of a new problem")?;
    for task in ["Ask the vendor", "Measure the voltage"] {
        let task = json!({ "short_description": task });
        admin.post(&format!("/api/v1/problems/{number}/tasks"), &task)?;
    }
    Ok(())
}

/// A token of a person with this role.
fn issue(admin: &mut Client, role: &'static str) -> Result<Role> {
    let people = admin.get("/api/v1/people?limit=200")?;
    let mut people = people["items"].as_array().into_iter().flatten();
    let person = people
        .find(|person| person["role"] == role)
        .with_context(|| format!("finding a person who is {role}"))?;
    let token =
        json!({ "name": format!("conformance {role}"), "role": role, "person": person["id"] });
    let issued = admin.post("/api/v1/tokens", &token)?;
    let token = issued["secret"].as_str().context("reading the new token")?.to_owned();
    Ok(Role { name: role, token })
}

/// Lets schemathesis ask as one caller, and returns what it found.
fn ask(
    tool: &Path,
    folder: &Path,
    server: &Server,
    role: &Role,
    directions: &Directions,
    options: &Options,
) -> Result<Vec<String>> {
    let file = |ending: &str| folder.join(format!("{}{ending}", role.name));
    let (document, settings, report) =
        (file("-openapi.json"), folder.join("schemathesis.toml"), file("-report.json"));
    let share = directions.document(options.seed, options.parts);
    fs::write(&document, share.to_string()).context("writing the document")?;
    let hooks = folder.join("hooks.py");
    fs::write(&settings, SETTINGS).context("writing the settings of schemathesis")?;
    fs::write(&hooks, HOOKS).context("writing the settings of schemathesis")?;
    let mut command = Command::new(tool);
    command.current_dir(folder).env("SCHEMATHESIS_HOOKS", &hooks);
    command.arg("--config-file").arg(&settings).arg("run").arg(&document);
    command.args(["--url", &format!("http://{}", server.address())]);
    command.args(["--header", &format!("Authorization: Bearer {}", role.token)]);
    command.args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--mode", "all"]);
    command.args(["--max-time", &options.seconds.to_string(), "--workers", "2"]);
    command.args(["--seed", &options.seed.to_string(), "--continue-on-failure"]);
    command.args(["--max-failures", "200", "--request-timeout", "35", "--request-retries", "1"]);
    command.args(["--generation-database", "none", "--warnings", "off", "--no-color"]);
    command.args(["--report", "json", "--report-json-path"]).arg(&report);
    let limit = Duration::from_secs(options.seconds) + AROUND;
    // It fails with findings as well as without a report; the report tells the two apart.
    let ran = command::run_within(limit, &mut command);
    let report = fs::read_to_string(&report).ok().and_then(|text| serde_json::from_str(&text).ok());
    let Some(report) = report else {
        ran?;
        bail!("schemathesis left no report");
    };
    let mut found = read_report(role.name, &report);
    let own = own_errors(&report);
    if own > 0 {
        let name = role.name;
        say::note(format_args!("{name}: schemathesis stopped at {own} operations by itself"));
    } else if let (Err(error), true) = (&ran, found.is_empty()) {
        found.push(format!("{}: {error:#}", role.name));
    }
    let (requests, operations) =
        (&report["test_cases"]["generated"], &report["operations"]["tested"]);
    say::note(format_args!(
        "{}: {requests} requests to {operations} operations, {} findings",
        role.name,
        found.len()
    ));
    Ok(found)
}

/// The findings of a report; one without requests is one too.
fn read_report(role: &str, report: &Value) -> Vec<String> {
    let told = |kind: &str| {
        let all = report[kind].as_array().cloned().unwrap_or_default();
        let text = |finding: Value| {
            let words = serde_json::to_string_pretty(&finding).unwrap_or_default();
            format!("{role}: {words}")
        };
        all.into_iter().map(text).collect::<Vec<_>>()
    };
    let mut found = told("failures");
    if report["test_cases"]["generated"].as_u64().unwrap_or(0) == 0 {
        found.push(format!("{role}: no request was made"));
    }
    found
}

/// How often the tool itself failed, which says nothing about the server: it does so now and then
/// when its time is up.
fn own_errors(report: &Value) -> u64 {
    let errors = report["errors"].as_array().into_iter().flatten();
    errors.map(|error| error["count"].as_u64().unwrap_or(1)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_numbers() {
        let read = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            Options::read(&words, 7)
        };
        let (seconds, seed, parts) = (SECONDS, 7, 1);
        assert_eq!(read(&[]).unwrap(), Options { seconds, seed, parts });
        let given = read(&["--seconds", "5", "--seed", "1", "--parts", "3"]).unwrap();
        assert_eq!(given, Options { seconds: 5, seed: 1, parts: 3 });
        for wrong in [&["--seconds"][..], &["--seconds", "x"], &["--parts", "0"], &["--fast"]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_report_without_requests_is_a_finding() {
        let none = json!({ "test_cases": { "generated": 0 }, "failures": [], "errors": [] });
        assert_eq!(read_report("agent", &none), ["agent: no request was made"]);
        let good = json!({ "test_cases": { "generated": 9 }, "failures": [], "errors": [] });
        assert!(read_report("agent", &good).is_empty());
        let bad = json!({ "test_cases": { "generated": 9 }, "failures": [{ "code": "status" }] });
        assert_eq!(read_report("agent", &bad).len(), 1);
        assert_eq!(own_errors(&json!({ "errors": [{ "title": "Runtime Error", "count": 2 }] })), 2);
        assert_eq!(own_errors(&good), 0);
    }
}
