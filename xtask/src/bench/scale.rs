//! One organization with a million tickets: every list and queue, what is told of a ticket, and the
//! work that the server does by itself.
//!
//! The tickets are imported, then most of them are brought to their end by an example program that
//! acts as agents do: an import knows no states, and through the API it would take hours.

mod questions;
mod town;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use self::questions::{Callers, Question};
use super::load::{INCIDENTS, Load, mebibytes, milliseconds, seconds};
use super::options::Options;
use super::site::{Built, Engine, Site};
use crate::desks::{self, Row};
use crate::http::Client;
use crate::table::Table;
use crate::waypost::{self, Server};
use crate::{command, say};

/// How many tickets there are.
const TICKETS: usize = 1_000_000;
/// How often each question is asked, and how long at most: what takes seconds is known sooner.
const ASKED: usize = 200;
const PATIENCE: Duration = Duration::from_secs(20);
/// How many tickets are opened through the API beside those that are imported: problems, tasks of
/// these, and requests that wait for votes.
const PROBLEMS: usize = 200;
const REQUESTS: usize = 500;
/// For how long tickets are opened while the server does what it begins with, at least.
const SHORTEST: Duration = Duration::from_secs(10);

const DATABASE: &str = "scale";
/// The file that says how many tickets were filled in.
const FILLED: &str = "filled";
/// The name of the system that the rows come from.
const SOURCE: &str = "scale";

/// Measures the databases that are asked for.
pub(super) fn measure(policies: &Path, options: &Options) -> Result<Table> {
    let built = Built::with(policies, options.build, &["age_tickets", "outbox"])?;
    let tickets = options.tickets.unwrap_or(TICKETS);
    let mut table = Table::new(["what", "requests", "p50", "p99", "longest", "answer"]);
    for engine in &options.engines {
        super::measured(&mut table, |table| {
            let site = match &options.keep {
                Some(folder) => Site::kept(*engine, &built, folder)?,
                None => Site::new(*engine, &built)?,
            };
            fill(&site, tickets)?;
            measure_one(*engine, &site, options, table)
        })?;
    }
    Ok(table)
}

/// Fills the database, or goes on where an earlier run was stopped.
fn fill(site: &Site<'_>, tickets: usize) -> Result<()> {
    let (filled, count) = (site.path(FILLED), tickets.to_string());
    if let Ok(before) = fs::read_to_string(&filled) {
        if before != count {
            bail!("{} holds {before} tickets; name another folder", site.path("").display());
        }
        return Ok(());
    }
    site.set_up(DATABASE)?;
    let desk = site.path("town.toml");
    fs::write(&desk, town::desk_file()?).context("writing the desk file")?;
    site.step("making people, teams and services", || site.apply(DATABASE, &[desk]))?;
    let sheet = site.path("town.csv");
    if !sheet.exists() {
        // In one step, because a stopped import goes on with the same file only.
        let draft = sheet.with_extension("draft");
        site.step(format_args!("writing {count} rows"), || town::write_csv(&draft, tickets))?;
        fs::rename(&draft, &sheet).context("naming the file to import")?;
    }
    import(site, &sheet)?;
    site.step("bringing most of them to their end", || {
        let mut age = site.example("age_tickets", &[DATABASE]);
        command::run(age.args([town::KEY, &count]))
    })?;
    settle(site)?;
    let votes = site.path("votes.toml");
    fs::write(&votes, town::votes_file()).context("writing the desk file")?;
    site.apply(DATABASE, &[votes])?;
    site.step("opening problems, tasks and requests", || open_others(site))?;
    site.step("tidying up", || site.tidy(DATABASE))?;
    fs::write(&filled, count).context("noting that it is filled")
}

/// Imports the rows, or those that are left; the command tells how far it is.
fn import(site: &Site<'_>, sheet: &Path) -> Result<()> {
    let waypost = site.installation(DATABASE);
    let jobs = waypost.json(["import", "list", "--org", town::KEY])?;
    let mut jobs = jobs.as_array().into_iter().flatten();
    if jobs.any(|job| job["source"] == SOURCE && job["finished"] == true) {
        return Ok(());
    }
    let sheet = sheet.display().to_string();
    let words = ["import", "tickets", &sheet, "--org", town::KEY, "--source", SOURCE];
    site.step("importing", || {
        command::run(&mut waypost.command(words.into_iter().chain(["--time-format", "%s"])))
    })
}

/// Counts every message as sent: with them, a million letters would leave first.
fn settle(site: &Site<'_>) -> Result<()> {
    site.step("settling the outbox", || {
        command::output(site.example("outbox", &[DATABASE]).arg("settle")).map(drop)
    })
}

/// Opens what cannot be imported. Whoever has the external reference already is not opened twice.
fn open_others(site: &Site<'_>) -> Result<()> {
    let token = desks::token(&site.installation(DATABASE), town::KEY)?;
    let server = site.serve(DATABASE, waypost::address(0)?)?;
    let mut client = Client::new(server.address(), &token);
    for place in 0..PROBLEMS {
        let opening = |what: &str| {
            json!({
                "short_description": format!("{what} {place}"),
                "opened_at": town::opened_rfc3339(place, PROBLEMS),
                "external_ref": { "source": "bench", "id": format!("{what}-{place}") },
            })
        };
        let problem = client.post("/api/v1/problems", &opening("problem"))?;
        let number = problem["number"].as_str().context("reading the problem's number")?;
        client.post(&format!("/api/v1/problems/{number}/tasks"), &opening("task"))?;
    }
    for place in 0..REQUESTS {
        let request = json!({
            "requester": town::person(place),
            "short_description": format!("A second screen, desk {place}"),
            "external_ref": { "source": "bench", "id": format!("request-{place}") },
        });
        client.post("/api/v1/requests", &request)?;
    }
    site.drain(DATABASE)?;
    site.stop(server).map(drop)
}

fn measure_one(
    engine: Engine,
    site: &Site<'_>,
    options: &Options,
    table: &mut Table,
) -> Result<()> {
    let callers = Callers::new(&site.installation(DATABASE))?;
    let (server, ready, rest) = site.step("starting the server, until it rests", || {
        let began = Instant::now();
        let server = site.serve(DATABASE, waypost::address(0)?)?;
        let ready = began.elapsed();
        server.calm()?;
        Ok::<_, anyhow::Error>((server, ready, began.elapsed()))
    })?;
    let resting = server.resident_kib()?;
    table.title(format!("{}: {}", engine.name(), size(site, options)?));
    for question in questions::all(options.tickets.unwrap_or(TICKETS)) {
        if options.wants(&question.to_string()) {
            ask(&server, &callers, &question, table)?;
        }
    }
    let memory = format!("{}, then {}", mebibytes(resting), mebibytes(server.resident_kib()?));
    let log = site.stop(server)?;

    table.title(format!(
        "The server is ready after {}. Upkeep and housekeeping begin at once, and with them and its policies it rests \
         after {}. Memory: {memory}.",
        milliseconds(ready),
        seconds(rest),
    ));
    for (work, said) in
        [("upkeep", "scheduled work done"), ("housekeeping", "removed expired records")]
    {
        // A sweep that found nothing to do says nothing.
        if let Some(after) = log.seconds("serving", said) {
            table.title(format!("{work} had something to do, and had done it after {after:.1} s"));
        }
    }
    for (name, is_calm) in
        [("POST /incidents, beside them", false), ("POST /incidents, at rest", true)]
    {
        if options.wants(name) {
            let load = site.step(name, || opened(site, &callers, rest.max(SHORTEST), is_calm))?;
            row(table, name, &load, String::new());
        }
    }
    Ok(())
}

/// How large it is.
fn size(site: &Site<'_>, options: &Options) -> Result<String> {
    let (tickets, bytes) = (options.tickets.unwrap_or(TICKETS), site.bytes(DATABASE)?);
    let each = bytes / u64::try_from(tickets)?;
    Ok(format!("{tickets} tickets, {} MiB, {each} bytes each", bytes >> 20))
}

/// Asks a question again and again.
fn ask(server: &Server, callers: &Callers, question: &Question, table: &mut Table) -> Result<()> {
    say::doing(question);
    let mut client = Client::new(server.address(), "");
    let mut times = Vec::new();
    let mut answer = Value::Null;
    let began = Instant::now();
    while times.len() < ASKED && began.elapsed() < PATIENCE {
        client.speak_for(callers.token(question.whose(), times.len()));
        let path = question.path(times.len(), answer["next"].as_str());
        let sent = Instant::now();
        let told = client.exchange("GET", &path, None)?;
        times.push(sent.elapsed());
        // An import that was stopped leaves gaps in the numbers.
        if ![200, 404].contains(&told.status) {
            let load = Load::new(began.elapsed().as_secs_f64(), times);
            row(table, &question.to_string(), &load, format!("refused with {}", told.status));
            return Ok(());
        }
        answer = serde_json::from_str(&told.body).with_context(|| format!("reading {path}"))?;
    }
    let load = Load::new(began.elapsed().as_secs_f64(), times);
    row(table, &question.to_string(), &load, found(&answer));
    Ok(())
}

/// How much an answer holds.
fn found(answer: &Value) -> String {
    let items = answer["items"].as_array().map_or(String::new(), |items| items.len().to_string());
    match &answer["total"] {
        Value::Null => items,
        total => format!("{items} of {total}"),
    }
}

fn row(table: &mut Table, name: &str, load: &Load, answer: String) {
    table.row([
        name.to_owned(),
        load.count().to_string(),
        milliseconds(load.percentile(50)),
        milliseconds(load.percentile(99)),
        milliseconds(load.longest()),
        answer,
    ]);
}

/// Opens tickets one after the other, from when the server is ready or rests.
fn opened(site: &Site<'_>, callers: &Callers, time: Duration, is_calm: bool) -> Result<Load> {
    let server = if is_calm {
        site.serve_calmly(DATABASE)?
    } else {
        site.serve(DATABASE, waypost::address(0)?)?
    };
    let mut client = Client::new(server.address(), callers.admin());
    let rows = desks::rows(desks::MARLOW)?;
    let mut times = Vec::new();
    let began = Instant::now();
    for (place, row) in rows.iter().cycle().enumerate() {
        if began.elapsed() >= time {
            break;
        }
        let number = format!("{}-{place}", server.address().port());
        let row = Row { number, requester: town::person(place), ..row.clone() };
        let sent = Instant::now();
        client.post(INCIDENTS, &super::load::body(&row))?;
        times.push(sent.elapsed());
    }
    let load = Load::new(began.elapsed().as_secs_f64(), times);
    site.stop(server)?;
    Ok(load)
}
