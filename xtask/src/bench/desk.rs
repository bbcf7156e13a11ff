//! The load driver: tickets per second through import and API, on both databases, beside bare SQL.
//!
//! Bare SQL writes the same rows (the ticket, its events, the snapshot, every receipt, the
//! messages) with the same durability, with no policy asked and nothing computed, and it sends no
//! message. What Waypost reaches of it is the price of everything that it does.
//!
//! Before the clock starts, the server has done what it begins with, and some tickets were sent:
//! artifacts are loaded, statements prepared. Messages leave meanwhile, as on every desk; how many
//! still wait at the end is told, with the time until they left.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use super::load::{Load, Sender, Sending, milliseconds, per_second, seconds};
use super::log::Asked;
use super::options::Options;
use super::orgs;
use super::site::{Built, Drained, Engine, Site};
use crate::command;
use crate::desks::{self, MARLOW, Row};
use crate::table::Table;

/// How many tickets sixteen clients send, and how many are imported: enough for ten seconds and
/// more, so that SQLite's log and the blocks of numbers go round many times.
const TICKETS: usize = 20_000;
/// One client sends this part of them.
const ALONE: usize = 5;
/// So many of them are sent beforehand.
const WARM_UP: usize = 20;
/// Keeps the server busy.
const MANY: usize = 16;
/// Organizations of a large installation, and how many of them send tickets at the same time.
const ORGS: usize = 10_000;
const SENDING_ORGS: usize = 1_000;
/// The batch that `waypost import` uses by itself.
const BATCH: usize = 200;

/// The database that the others are copied from: the demo's organizations, and no ticket.
const EMPTY: &str = "desk_empty";
/// The database that is measured, and the one that bare SQL writes to.
const MEASURED: &str = "desk_measured";
const BARE: &str = "desk_bare";
/// The database with the imported tickets.
const IMPORTED: &str = "desk_imported";

/// Measures the databases that are asked for.
pub(super) fn measure(policies: &Path, options: &Options) -> Result<Table> {
    let built = Built::with(policies, options.build, &["bare_sql", "fill_orgs", "outbox"])?;
    let mut table = Table::new([
        "database",
        "way in",
        "tickets/s",
        "reached",
        "p50",
        "p99",
        "trips",
        "commits",
        "messages: all, waiting at the end",
    ]);
    for engine in &options.engines {
        super::measured(&mut table, |table| Driver::new(*engine, &built, options)?.measure(table))?;
    }
    Ok(table)
}

/// A way for tickets to come in through the API.
struct Case {
    name: String,
    clients: usize,
    world: World,
    is_keyed: bool,
    /// How bare SQL writes the same.
    bare: &'static [Bare],
}

/// What is there before the tickets come.
#[derive(Debug, Clone, Copy)]
enum World {
    /// The demo's organizations, one of which gets the tickets.
    Demo,
    /// The same, with as many tickets open in that one as come.
    Open,
    /// So many organizations alike below the demo's provider, some of which get the tickets.
    Orgs { all: usize, sending: usize },
}

/// How bare SQL writes.
#[derive(Debug, Clone, Copy)]
struct Bare {
    connections: usize,
    /// How many tickets a transaction writes.
    batch: usize,
}

/// What one person waits for is compared with one connection.
const BESIDE_ONE: &[Bare] = &[Bare { connections: 1, batch: 1 }];
/// Several are compared with the faster of the first two: on SQLite that is one connection, because
/// many poll each other's lock, on PostgreSQL many. Tickets that share a commit cannot pass the
/// third.
const BESIDE_MANY: &[Bare] = &[
    Bare { connections: 1, batch: 1 },
    Bare { connections: MANY, batch: 1 },
    Bare { connections: 1, batch: MANY },
];

impl Bare {
    fn name(self) -> String {
        let Self { connections, batch } = self;
        let connections = plural(connections, "connection");
        match batch {
            1 => format!("bare SQL, {connections}"),
            _ => format!("bare SQL, {connections}, {batch} a transaction"),
        }
    }
}

fn cases(orgs: usize, open: usize) -> Vec<Case> {
    let many = |name: String, world| Case {
        name: format!("API, {MANY} clients{name}"),
        clients: MANY,
        world,
        is_keyed: false,
        bare: &[],
    };
    let of = |all: usize, sending: usize| World::Orgs { all, sending: sending.min(all) };
    vec![
        Case {
            name: "API, 1 client".to_owned(),
            clients: 1,
            world: World::Demo,
            is_keyed: false,
            bare: BESIDE_ONE,
        },
        Case { bare: BESIDE_MANY, ..many(String::new(), World::Demo) },
        Case { is_keyed: true, ..many(", Idempotency-Key".to_owned(), World::Demo) },
        many(format!(", {open} open before"), World::Open),
        // What the next ones are compared with: these organizations have fewer policies than the
        // demo's clients.
        many(", a small organization".to_owned(), of(1, 1)),
        many(", 100 small organizations".to_owned(), of(100, 100)),
        many(format!(", {} of {orgs}", SENDING_ORGS.min(orgs)), of(orgs, SENDING_ORGS)),
        many(format!(", one of {orgs}"), of(orgs, 1)),
    ]
}

/// What came of a case.
struct Seen {
    load: Load,
    /// How many tickets were sent, those before the clock included.
    sent: usize,
    asked: Option<Asked>,
    drained: Drained,
    letters: usize,
}

/// Measures one engine.
struct Driver<'a> {
    site: Site<'a>,
    options: &'a Options,
    rows: Vec<Row>,
    tickets: usize,
    /// The databases that were filled, with who sends tickets there.
    filled: BTreeMap<String, Vec<Sender>>,
    /// How long the import took, if it was done.
    imported: Option<f64>,
}

impl<'a> Driver<'a> {
    fn new(engine: Engine, built: &'a Built, options: &'a Options) -> Result<Self> {
        Ok(Self {
            site: Site::new(engine, built)?,
            options,
            rows: desks::rows(MARLOW)?,
            tickets: options.tickets.unwrap_or(TICKETS),
            filled: BTreeMap::new(),
            imported: None,
        })
    }

    fn measure(mut self, table: &mut Table) -> Result<()> {
        self.site.set_up(EMPTY)?;
        let token = desks::token(&self.site.installation(EMPTY), MARLOW)?;
        self.filled.insert(EMPTY.to_owned(), vec![Sender { token, people: Vec::new() }]);
        let import = format!("import, {BATCH} a transaction");
        if self.options.wants(&import) {
            self.measure_import(&import, table)?;
        }
        for case in cases(self.options.orgs.unwrap_or(ORGS), self.tickets) {
            if self.options.wants(&case.name) {
                self.measure_case(&case, table)?;
            }
        }
        Ok(())
    }

    fn measure_import(&mut self, name: &str, table: &mut Table) -> Result<()> {
        let rate = per_second(self.tickets, self.import()?);
        let bare = Bare { connections: 1, batch: BATCH };
        let reached = self.by_bare_sql(IMPORTED, EMPTY, bare)?;
        let engine = self.site.engine.name();
        table.row(padded([engine.to_owned(), name.to_owned(), whole(rate), part(rate, reached)]));
        table.row(padded([engine.to_owned(), bare.name(), whole(reached)]));
        Ok(())
    }

    fn measure_case(&mut self, case: &Case, table: &mut Table) -> Result<()> {
        let base = self.world(case.world)?;
        self.site.copy(&base, MEASURED)?;
        let seen = self.site.step(&case.name, || self.post(case, &base))?;
        let engine = self.site.engine.name();
        let mut beside = Vec::new();
        for how in case.bare {
            let rate = self.by_bare_sql(MEASURED, &base, *how)?;
            beside.push((*how, rate));
        }
        self.site.remove(MEASURED)?;
        let one_each = beside.iter().filter(|(how, _)| how.batch == 1).map(|(_, rate)| *rate);
        let best = one_each.max_by(f64::total_cmp);
        let each = |count: Option<u64>| count.map_or(String::new(), |count| each(count, seen.sent));
        table.row([
            engine.to_owned(),
            case.name.clone(),
            whole(seen.load.rate()),
            best.map_or(String::new(), |best| part(seen.load.rate(), best)),
            milliseconds(seen.load.percentile(50)),
            milliseconds(seen.load.percentile(99)),
            each(seen.asked.map(|asked| asked.trips)),
            each(seen.asked.map(|asked| asked.commits)),
            format!(
                "{}, {} for {}",
                seen.letters,
                seen.drained.waiting,
                seconds(seen.drained.time)
            ),
        ]);
        for (how, rate) in beside {
            table.row(padded([engine.to_owned(), how.name(), whole(rate)]));
        }
        Ok(())
    }

    /// Sends a case's tickets to the server.
    fn post(&self, case: &Case, base: &str) -> Result<Seen> {
        let senders = self.filled.get(base).context("looking for who sends tickets")?;
        let to = match case.world {
            World::Orgs { sending, .. } => &senders[..sending.min(senders.len())],
            World::Demo | World::Open => senders,
        };
        let tickets = if case.clients == 1 { self.tickets / ALONE } else { self.tickets };
        let warm_up = self.tickets / WARM_UP;
        let server = self.site.serve_calmly(MEASURED)?;
        let before = Sending { to, rows: &self.rows, series: "before", is_keyed: case.is_keyed };
        before.send(server.address(), warm_up, case.clients)?;
        // As PostgreSQL does by itself within a minute.
        self.site.tidy(MEASURED)?;
        let sending = Sending { series: "clocked", ..before };
        let load = sending.send(server.address(), tickets, case.clients)?;
        let drained = self.site.drain(MEASURED)?;
        let letters = self.site.letters_sent();
        let log = self.site.stop(server)?;
        Ok(Seen { load, sent: warm_up + tickets, asked: log.asked(), drained, letters })
    }

    /// The database of a world, filled when it is needed first.
    fn world(&mut self, world: World) -> Result<String> {
        let name = match world {
            World::Demo => EMPTY.to_owned(),
            World::Open => "desk_open".to_owned(),
            World::Orgs { all, .. } => format!("desk_orgs_{all}"),
        };
        if self.filled.contains_key(&name) {
            return Ok(name);
        }
        let senders = match world {
            World::Demo | World::Open => {
                self.import()?;
                self.site.copy(IMPORTED, &name)?;
                // Their messages would leave while others are measured.
                command::output(self.site.example("outbox", &[&name]).arg("settle"))?;
                self.filled.get(EMPTY).cloned().unwrap_or_default()
            }
            World::Orgs { all, .. } => {
                self.site.copy(EMPTY, &name)?;
                orgs::fill(&self.site, &name, all)?
            }
        };
        self.filled.insert(name.clone(), senders);
        Ok(name)
    }

    /// Imports tickets, unless it was done; the seconds include the program's start.
    fn import(&mut self) -> Result<f64> {
        if let Some(seconds) = self.imported {
            return Ok(seconds);
        }
        let file = self.site.path("tickets.csv");
        write_csv(&file, &self.rows, self.tickets)?;
        self.site.copy(EMPTY, IMPORTED)?;
        let (file, batch) = (file.display().to_string(), BATCH.to_string());
        let words = ["import", "tickets", &file, "--org", MARLOW, "--source", "sheet"];
        let tickets = self.tickets;
        let seconds = self.site.step(format_args!("importing {tickets} tickets"), || {
            let began = Instant::now();
            self.site
                .installation(IMPORTED)
                .run(words.into_iter().chain(["--batch", batch.as_str()]))?;
            Ok::<_, anyhow::Error>(began.elapsed().as_secs_f64())
        })?;
        self.imported = Some(seconds);
        Ok(seconds)
    }

    /// Tickets per second that bare SQL writes: those of a database that are not in its base.
    fn by_bare_sql(&self, source: &str, base: &str, how: Bare) -> Result<f64> {
        self.site.copy(base, BARE)?;
        let printed = self.site.step(how.name(), || {
            let mut writer = self.site.example("bare_sql", &[source, BARE]);
            command::output(
                writer.args([how.batch, how.connections].map(|number| number.to_string())),
            )
        })?;
        self.site.remove(BARE)?;
        let mut numbers = printed.split(' ').filter_map(|word| word.parse::<f64>().ok());
        let (tickets, seconds) =
            numbers.next().zip(numbers.next()).context("reading its result")?;
        Ok(tickets / seconds)
    }
}

/// The rows again and again, under new numbers.
fn write_csv(path: &Path, rows: &[Row], count: usize) -> Result<()> {
    let mut writer = csv::Writer::from_path(path).context("creating the file to import")?;
    writer.write_record([
        "number",
        "opened_at",
        "requester",
        "service",
        "short_description",
        "description",
    ])?;
    for (place, row) in rows.iter().cycle().take(count).enumerate() {
        writer.write_record([
            &format!("B-{place}"),
            &row.opened_at,
            &row.requester,
            &row.service,
            &row.short_description,
            &row.description,
        ])?;
    }
    writer.flush().context("writing the file to import")
}

/// A row of the table whose last cells are empty.
fn padded<const N: usize>(cells: [String; N]) -> [String; 9] {
    let mut cells = cells.into_iter();
    std::array::from_fn(|_| cells.next().unwrap_or_default())
}

fn whole(rate: f64) -> String {
    format!("{rate:.0}")
}

fn part(rate: f64, of: f64) -> String {
    format!("{:.0} %", 100.0 * rate / of)
}

/// How many of something each ticket took.
#[expect(clippy::cast_precision_loss, reason = "some million trips")]
fn each(count: u64, tickets: usize) -> String {
    format!("{:.1}", count as f64 / tickets as f64)
}

fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
