//! What the server takes for each page, for one person alone and for eight clients at once, beside
//! what is accepted.
//!
//! The demo's client has many tickets, imported and aged, and a few that have everything on their
//! pages. Three people are signed in; whoever a page is for looks at it. Pages are asked for as
//! browsers do, compressed; times are those of a client on the same machine.

mod world;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::load::{Load, together};
use super::options::Options;
use super::site::{Built, Engine, Site};
use crate::desks::{self, MARLOW};
use crate::http::{Client, Sent};
use crate::say;
use crate::table::Table;
use crate::waypost;

/// How many tickets are imported. About a twelfth of them stays open.
const TICKETS: usize = 24_000;
/// How often one client asks for each page, and beforehand, with nobody counting.
const ASKED: usize = 200;
const WARM_UP: usize = 20;
/// How often one client asks for a page that it has.
const AGAIN: usize = 50;
/// How many clients ask at once, and for how long.
const MANY: usize = 8;
const TIME: Duration = Duration::from_secs(15);
/// What is accepted in milliseconds: at most the first for half of one client's requests, less than
/// the second for 99 of 100 of them, and less than the third for 99 of 100 of many clients'.
const ACCEPTED: [u64; 3] = [10, 50, 150];

const DATABASE: &str = "web";

/// Measures the databases that are asked for.
pub(super) fn measure(policies: &Path, options: &Options) -> Result<Table> {
    let built = Built::with(policies, options.build, &["age_tickets", "outbox"])?;
    let mut table = Table::new([
        "page",
        "p50 (≤ 10)",
        "p95",
        "p99 (< 50)",
        "bytes",
        "304: p50",
        "8 clients: p50",
        "p99 (< 150)",
        "not as accepted",
    ]);
    for engine in &options.engines {
        super::measured(&mut table, |table| one(*engine, &built, options, table))?;
    }
    Ok(table)
}

fn one(engine: Engine, built: &Built, options: &Options, table: &mut Table) -> Result<()> {
    let tickets = options.tickets.unwrap_or(TICKETS);
    let site = if let Some(folder) = &options.keep {
        let site = Site::kept(engine, built, folder)?;
        fill_once(&site, tickets)?;
        site
    } else {
        let site = Site::new(engine, built)?;
        world::fill(&site, DATABASE, tickets)?;
        site
    };
    let address = waypost::address(0)?;
    // Links begin with it, and forms come from it.
    let waypost = site.installation(DATABASE).with(format!("public_url=http://{address}"));
    let server = waypost.serve(address, &site.path("server.log"))?;
    let mut desk = Client::new(address, &desks::token(&waypost, MARLOW)?);
    let mut pages = site.step("opening tickets to look at", || world::open(&waypost, &mut desk))?;
    pages.retain(|page| options.wants(page.name));
    if pages.is_empty() {
        bail!("no page has this in its name");
    }
    site.drain(DATABASE)?;
    site.tidy(DATABASE)?;
    server.calm()?;
    let open = desk.get("/api/v1/tickets?active=true&count=true&limit=1")?;
    let (times, mut alone) = (options.times.unwrap_or(ASKED), Vec::new());
    for page in &pages {
        say::doing(format_args!("{}: {}", engine.name(), page.name));
        alone.push(page.alone(address, times)?);
    }
    let (seen, seconds) = site.step("all pages, 8 clients", || among_many(address, &pages))?;
    let among = |place: Option<usize>| {
        let wanted = seen.iter().filter(|(of, _)| place.is_none_or(|place| place == *of));
        Load::new(seconds, wanted.map(|(_, time)| *time).collect())
    };
    let all = among(None);
    table.title(format!(
        "{}: {tickets} tickets imported, {} open; {times} requests of 1 client a page; {MANY} \
         clients: {:.0} requests/s for {seconds:.0} s; memory {} MiB. Times in ms.",
        engine.name(),
        open["total"],
        all.rate(),
        server.resident_kib()? / 1024,
    ));
    let taken = alone.iter().flat_map(|seen| seen.taken.clone()).collect();
    let every = Alone { taken, ..Alone::default() };
    for (place, (page, seen)) in pages.iter().zip(alone).enumerate() {
        row(table, page.name, seen, &among(Some(place)));
    }
    row(table, "all of them", every, &all);
    site.stop(server).map(drop)
}

/// Fills a database that is kept, unless an earlier run did, and has a copy of it measured: what is
/// opened to be looked at would become more with each run.
fn fill_once(site: &Site<'_>, tickets: usize) -> Result<()> {
    let kept = format!("{DATABASE}_{tickets}");
    let filled = site.path(&format!("{kept}.filled"));
    if !filled.exists() {
        if site.has(&kept)? {
            site.remove(&kept)?;
        }
        world::fill(site, &kept, tickets)?;
        fs::write(&filled, "")?;
    }
    if site.has(DATABASE)? {
        site.remove(DATABASE)?;
    }
    site.step("copying it", || site.copy(&kept, DATABASE))
}

fn row(table: &mut Table, name: &str, seen: Alone, many: &Load) {
    let (alone, again) = (Load::new(1.0, seen.taken), Load::new(1.0, seen.again));
    let [p50, p99, p99_of_many] = ACCEPTED.map(Duration::from_millis);
    let missed = [
        ("p50", alone.percentile(50) > p50),
        ("p99", alone.percentile(99) >= p99),
        ("p99 of 8", many.percentile(99) >= p99_of_many),
    ];
    let missed = missed.iter().filter(|(_, is_missed)| *is_missed).map(|(what, _)| *what);
    let time = |of: &Load, percent| match of.count() {
        0 => String::new(),
        _ => format!("{:.1}", of.percentile(percent).as_secs_f64() * 1e3),
    };
    table.row([
        name.to_owned(),
        time(&alone, 50),
        time(&alone, 95),
        time(&alone, 99),
        seen.bytes,
        time(&again, 50),
        time(many, 50),
        time(many, 99),
        missed.collect::<Vec<_>>().join(", "),
    ]);
}

/// A page as somebody looks at it.
struct Page {
    name: &'static str,
    path: String,
    headers: String,
    /// What is posted to get it.
    form: Option<&'static str>,
}

impl Page {
    /// Asks for it, unless it has this tag still. Says what was sent, and how long it took.
    fn ask(&self, client: &mut Client, tag: Option<&str>) -> Result<(Sent, Duration)> {
        let known = tag.map(|tag| format!("if-none-match: {tag}\r\n")).unwrap_or_default();
        let headers = format!("{}{known}", self.headers);
        let began = Instant::now();
        let sent = client.browse(&self.path, &headers, self.form)?;
        let time = began.elapsed();
        if sent.status != 200 && (sent.status != 304 || tag.is_none()) {
            bail!("{} was answered with {}", self.path, sent.status);
        }
        Ok((sent, time))
    }

    /// Asks for it again and again.
    fn alone(&self, address: SocketAddr, times: usize) -> Result<Alone> {
        let mut client = Client::new(address, "");
        for _ in 0..WARM_UP {
            self.ask(&mut client, None)?;
        }
        let (mut seen, mut tag) = (Alone::default(), None);
        for _ in 0..times {
            let (sent, time) = self.ask(&mut client, None)?;
            seen.taken.push(time);
            seen.bytes = sent.body.len().to_string();
            tag = sent.header("etag").map(str::to_owned);
        }
        for _ in 0..times.min(AGAIN) {
            let (sent, time) = self.ask(&mut client, tag.as_deref())?;
            seen.again.extend((sent.status == 304).then_some(time));
            tag = sent.header("etag").map(str::to_owned);
        }
        Ok(seen)
    }
}

/// What one client saw of a page.
#[derive(Default)]
struct Alone {
    taken: Vec<Duration>,
    bytes: String,
    /// What it took when it was known already, which a form that is sent once never is.
    again: Vec<Duration>,
}

/// Asks for all pages in turn, from many clients at once. Says what each request took, by the place
/// of its page, and the seconds of it all.
fn among_many(address: SocketAddr, pages: &[Page]) -> Result<(Vec<(usize, Duration)>, f64)> {
    let (next, began) = (AtomicUsize::new(0), Instant::now());
    let seen = together(MANY, || {
        let mut client = Client::new(address, "");
        let mut seen = Vec::new();
        while began.elapsed() < TIME {
            let place = next.fetch_add(1, Ordering::Relaxed) % pages.len();
            seen.push((place, pages[place].ask(&mut client, None)?.1));
        }
        Ok(seen)
    })?;
    Ok((seen.concat(), began.elapsed().as_secs_f64()))
}
