//! The load driver: tickets per second through import and API, on both databases, beside bare SQL.
//!
//! Bare SQL writes the same rows (the ticket, its events, the snapshot, every receipt) in
//! transactions of the same size, with no policy asked and nothing computed. What Waypost reaches
//! of it is the price of everything that it does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::load::{Load, body, milliseconds, per_second};
use crate::desks::{self, MARLOW, Row};
use crate::http::Client;
use crate::postgres::{Durability, Postgres};
use crate::scratch::Scratch;
use crate::table::Table;
use crate::waypost::{self, Waypost};
use crate::workspace::{Workspace, root};
use crate::{command, say};

/// Enough for some seconds, so that the start of the program, a tenth of one, does not count.
const IMPORTED: usize = 24_000;
/// The batch that `waypost import` uses by itself.
const BATCH: usize = 200;
/// How many tickets go through the API with each number of clients.
const POSTED: usize = 1_500;
/// One client shows what one person waits for; sixteen keep the server busy.
const CLIENTS: [usize; 2] = [1, 16];

/// Measures both databases.
pub(super) fn measure(policies: &Path, is_built: bool) -> Result<Table> {
    let program = super::program(is_built)?;
    let bare = if is_built {
        bare_program()?
    } else {
        say::step("Building the writer of bare SQL", build_bare)?
    };
    let mut table =
        Table::new(["database", "way in", "tickets/s", "bare SQL", "reached", "p50", "p99"]);
    let scratch = Scratch::on_disk("bench")?;
    let rows = tickets()?;
    let file = scratch.path().join("tickets.csv");
    write_csv(&file, &rows)?;

    let sqlite = Sqlite { folder: scratch.path().to_owned() };
    Driver { program: &program, policies, bare: &bare, scratch: scratch.path(), file: &file }
        .measure("SQLite", &sqlite, &rows, &mut table)?;
    let server = Postgres::start(Durability::Full)?;
    server.create_user()?;
    Driver { program: &program, policies, bare: &bare, scratch: scratch.path(), file: &file }
        .measure("PostgreSQL", &server, &rows, &mut table)?;
    Ok(table)
}

/// A place where databases can be made and copied.
trait Databases {
    /// Makes an empty database and returns its URL.
    fn create(&self, name: &str) -> Result<String>;
    /// Copies a database that nobody is connected to.
    fn copy(&self, from: &str, to: &str) -> Result<String>;
}

struct Sqlite {
    folder: PathBuf,
}

impl Sqlite {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.db"))
    }
}

impl Databases for Sqlite {
    fn create(&self, name: &str) -> Result<String> {
        Ok(format!("sqlite:{}", self.file(name).display()))
    }

    fn copy(&self, from: &str, to: &str) -> Result<String> {
        // The last connection that closed has emptied the write-ahead log into the file.
        fs::copy(self.file(from), self.file(to)).context("copying the database")?;
        self.create(to)
    }
}

impl Databases for Postgres {
    fn create(&self, name: &str) -> Result<String> {
        self.create_database(name, None)
    }

    fn copy(&self, from: &str, to: &str) -> Result<String> {
        self.create_database(to, Some(from))
    }
}

struct Driver<'a> {
    program: &'a Path,
    policies: &'a Path,
    bare: &'a Path,
    scratch: &'a Path,
    file: &'a Path,
}

impl Driver<'_> {
    fn measure(
        &self,
        database: &str,
        databases: &impl Databases,
        rows: &[Row],
        table: &mut Table,
    ) -> Result<()> {
        let empty = databases.create("empty")?;
        say::step(format_args!("{database}: setting up the organizations"), || {
            desks::set_up(&self.installation(database, &empty), self.policies)
        })?;

        let imported = databases.copy("empty", "imported")?;
        let seconds = say::step(format_args!("{database}: importing {IMPORTED} tickets"), || {
            self.import(&self.installation(database, &imported))
        })?;
        let target = databases.copy("empty", "imported_bare")?;
        let bare = say::step(format_args!("{database}: the same by bare SQL"), || {
            self.bare(&imported, &target, BATCH, 1)
        })?;
        let way = format!("import, {BATCH} a transaction");
        let rate = per_second(IMPORTED, seconds);
        table.row([
            database.to_owned(),
            way,
            format!("{rate:.0}"),
            format!("{bare:.0}"),
            format!("{:.0} %", 100.0 * rate / bare),
            String::new(),
            String::new(),
        ]);

        for clients in CLIENTS {
            let posted = databases.copy("empty", &format!("posted_{clients}"))?;
            let load = say::step(
                format_args!("{database}: {POSTED} tickets, {clients} client(s)"),
                || self.post(&self.installation(database, &posted), rows, clients),
            )?;
            let target = databases.copy("empty", &format!("posted_{clients}_bare"))?;
            let bare = say::step(format_args!("{database}: the same by bare SQL"), || {
                self.bare(&posted, &target, 1, clients)
            })?;
            let rate = per_second(POSTED, load.seconds);
            table.row([
                database.to_owned(),
                format!("API, {clients} client{}", if clients == 1 { "" } else { "s" }),
                format!("{rate:.0}"),
                format!("{bare:.0}"),
                format!("{:.0} %", 100.0 * rate / bare),
                milliseconds(load.percentile(50)),
                milliseconds(load.percentile(99)),
            ]);
        }
        Ok(())
    }

    /// An installation on a database. All on one kind of database share a data folder, and with it
    /// prepared policies.
    fn installation(&self, database: &str, url: &str) -> Waypost {
        let data = self.scratch.join(database.to_lowercase());
        Waypost::new(
            self.program,
            &data,
            &[format!("database_url={url}"), "log_filter=warn".to_owned()],
        )
    }

    /// Seconds that an import takes, the program's start included.
    fn import(&self, installation: &Waypost) -> Result<f64> {
        let began = Instant::now();
        let batch = BATCH.to_string();
        installation.run([
            "import",
            "tickets",
            &self.file.display().to_string(),
            "--org",
            MARLOW,
            "--source",
            "bench",
            "--batch",
            &batch,
        ])?;
        Ok(began.elapsed().as_secs_f64())
    }

    /// Tickets per second by bare SQL.
    fn bare(&self, source: &str, target: &str, batch: usize, connections: usize) -> Result<f64> {
        let printed = command::output(Command::new(self.bare).args([
            source,
            target,
            &batch.to_string(),
            &connections.to_string(),
        ]))?;
        let mut numbers = printed.split(' ').filter_map(|word| word.parse::<f64>().ok());
        let (tickets, seconds) =
            numbers.next().zip(numbers.next()).context("reading its result")?;
        Ok(tickets / seconds)
    }

    /// Sends tickets to the server, a number of clients at once, each waiting for its answer before
    /// the next.
    fn post(&self, installation: &Waypost, rows: &[Row], clients: usize) -> Result<Load> {
        let token = desks::token(installation, MARLOW)?;
        let log = self.scratch.join("server.log");
        let server = installation.serve(waypost::address(0)?, &log)?;
        let next = AtomicUsize::new(0);
        let began = Instant::now();
        let times = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..clients)
                .map(|_| {
                    scope.spawn(|| -> Result<Vec<Duration>> {
                        let mut client = Client::new(server.address(), &token);
                        let mut times = Vec::new();
                        while let Some(row) =
                            rows[..POSTED].get(next.fetch_add(1, Ordering::Relaxed))
                        {
                            let sent = Instant::now();
                            client.post("/api/v1/incidents", &body(row))?;
                            times.push(sent.elapsed());
                        }
                        Ok(times)
                    })
                })
                .collect();
            let mut times = Vec::new();
            for worker in workers {
                times.extend(worker.join().map_err(|_| anyhow!("a client broke"))??);
            }
            Ok::<_, anyhow::Error>(times)
        })?;
        let seconds = began.elapsed().as_secs_f64();
        server.stop()?;
        Ok(Load::new(seconds, times))
    }
}

/// The demo's tickets of one organization, again and again under new numbers.
fn tickets() -> Result<Vec<Row>> {
    let rows = desks::rows(MARLOW)?;
    let numbered =
        |(number, row): (usize, &Row)| Row { number: format!("B-{number}"), ..row.clone() };
    Ok(rows.iter().cycle().take(IMPORTED).enumerate().map(numbered).collect())
}

fn write_csv(path: &Path, rows: &[Row]) -> Result<()> {
    let mut writer = csv::Writer::from_path(path).context("creating the file to import")?;
    writer.write_record([
        "number",
        "opened_at",
        "requester",
        "service",
        "short_description",
        "description",
    ])?;
    for row in rows {
        writer.write_record([
            &row.number,
            &row.opened_at,
            &row.requester,
            &row.service,
            &row.short_description,
            &row.description,
        ])?;
    }
    writer.flush().context("writing the file to import")
}

fn build_bare() -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root()).args(["build", "--release", "--example", "bare_sql"]);
    // Together with the host, whose features of the dependencies it shares, so that they are
    // compiled once.
    cargo.args(["--package", "waypost-store", "--package", "waypost"]);
    command::run(&mut cargo)?;
    bare_program()
}

fn bare_program() -> Result<PathBuf> {
    let folder = Workspace::read()?.target()?.join("release/examples");
    Ok(folder.join(format!("bare_sql{}", std::env::consts::EXE_SUFFIX)))
}
