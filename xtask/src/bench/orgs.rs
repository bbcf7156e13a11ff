//! A large installation: many organizations alike, what they cost the server, and what the first
//! ticket of one costs.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::load::{INCIDENTS, Load, Opening, Sender, Sending, mebibytes, milliseconds, seconds};
use super::options::Options;
use super::site::{Built, Engine, Site};
use crate::command;
use crate::desks::{self, MARLOW, PROVIDER};
use crate::http::Client;
use crate::table::Table;
use crate::waypost;

/// How many organizations there are.
const ORGS: usize = 10_000;
/// How many of them send tickets here, spread over all.
const ASKED: usize = 200;
/// How many more tickets each of those sends.
const LATER: usize = 5;

const DATABASE: &str = "orgs";

/// Measures the databases that are asked for.
pub(super) fn measure(policies: &Path, options: &Options) -> Result<Table> {
    let built = Built::with(policies, options.build, &["fill_orgs"])?;
    let count = options.orgs.unwrap_or(ORGS);
    let mut table = Table::new([
        "database",
        "organizations",
        "ready",
        "policies prepared",
        "at rest",
        "memory then",
        "first tickets: p50, p99, longest",
        "later ones: p50, p99, longest",
        "memory then, most ever",
    ]);
    for engine in &options.engines {
        super::measured(&mut table, |table| {
            table.row(measure_one(*engine, &built, count)?);
            Ok(())
        })?;
    }
    Ok(table)
}

fn measure_one(engine: Engine, built: &Built, count: usize) -> Result<[String; 9]> {
    let site = Site::new(engine, built)?;
    site.set_up(DATABASE)?;
    let all = fill(&site, DATABASE, count)?;
    let chosen: Vec<Sender> =
        all.iter().step_by((count / ASKED).max(1)).take(ASKED).cloned().collect();
    let rows = desks::rows(MARLOW)?;

    let (server, ready, rest) = site.step("starting the server, until it rests", || {
        let began = Instant::now();
        let server = site.serve(DATABASE, waypost::address(0)?)?;
        let ready = began.elapsed();
        server.calm()?;
        Ok::<_, anyhow::Error>((server, ready, began.elapsed()))
    })?;
    let resting = server.resident_kib()?;
    let mut client = Client::new(server.address(), "");
    let sending = Sending { to: &chosen, rows: &rows, series: "o", is_keyed: false };
    let first = site
        .step(format_args!("the first tickets of {} organizations", chosen.len()), || {
            one_by_one(&mut client, &sending, 0..chosen.len())
        })?;
    let later = site.step("later tickets of them", || {
        one_by_one(&mut client, &sending, chosen.len()..chosen.len() * (1 + LATER))
    })?;
    let (used, most) = (server.resident_kib()?, server.peak_kib()?);
    let log = site.stop(server)?;
    let prepared = log.seconds("serving", "prepared the active policies");
    let spread = |load: &Load| {
        [load.percentile(50), load.percentile(99), load.longest()].map(milliseconds).join(", ")
    };
    Ok([
        engine.name().to_owned(),
        all.len().to_string(),
        milliseconds(ready),
        prepared.map_or(String::new(), |after| format!("{after:.1} s")),
        seconds(rest),
        mebibytes(resting),
        spread(&first),
        spread(&later),
        format!("{}, {}", mebibytes(used), mebibytes(most)),
    ])
}

/// Sends tickets from one client.
fn one_by_one(
    client: &mut Client,
    sending: &Sending<'_>,
    places: std::ops::Range<usize>,
) -> Result<Load> {
    let began = Instant::now();
    let mut times: Vec<Duration> = Vec::with_capacity(places.len());
    for place in places {
        let Opening { token, key: _, body } = sending.ticket(place);
        client.speak_for(token);
        let sent = Instant::now();
        client.post(INCIDENTS, &body)?;
        times.push(sent.elapsed());
    }
    Ok(Load::new(began.elapsed().as_secs_f64(), times))
}

/// Adds so many organizations alike below the demo's provider, whose teams serve them, and returns
/// who can send tickets there.
pub(super) fn fill(site: &Site<'_>, database: &str, count: usize) -> Result<Vec<Sender>> {
    let printed = site.step(format_args!("making {count} organizations"), || {
        let mut fill = site.example("fill_orgs", &[database]);
        command::output(fill.args([PROVIDER, &count.to_string()]))
    })?;
    site.tidy(database)?;
    let senders: Vec<Sender> = printed.lines().filter_map(sender).collect();
    if senders.len() != count {
        bail!("{} organizations were made instead of {count}", senders.len());
    }
    Ok(senders)
}

/// Reads a line of the example program: the token's secret, and who asks.
fn sender(line: &str) -> Option<Sender> {
    let mut words = line.split(' ').map(str::to_owned);
    Some(Sender { token: words.next()?, people: words.collect() })
}
