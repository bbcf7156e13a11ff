//! What one organization notices when another one's policy loops, leaks or traps at every ticket.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::load::{Load, body, milliseconds};
use super::options::Build;
use crate::desks::{self, FENNEL, MARLOW, Row};
use crate::http::Client;
use crate::say;
use crate::scratch::Scratch;
use crate::table::Table;
use crate::waypost::{self, Server, Waypost};

/// How many tickets the organization sends whose times are taken.
const POSTED: usize = 1_000;
/// How long the neighbour waits between its tickets.
const PAUSE: Duration = Duration::from_millis(20);

/// What the neighbour does meanwhile. The ordinary ones stand at both ends, so that the table shows
/// how far the same differs from itself.
const NEIGHBOURS: [(&str, Doing); 6] = [
    ("sends nothing", Doing::Nothing),
    ("ordinary policies", Doing::Ordinary),
    ("a policy that loops", Doing::Hostile("loops")),
    ("a policy that leaks", Doing::Hostile("leaks")),
    ("a policy that traps", Doing::Hostile("traps")),
    ("ordinary policies, again", Doing::Ordinary),
];

#[derive(Debug, Clone, Copy)]
enum Doing {
    Nothing,
    Ordinary,
    /// Asked first at `route`, before the policies that the neighbour has anyway.
    Hostile(&'static str),
}

/// Measures each neighbour on a desk of its own, on SQLite.
pub(super) fn measure(policies: &Path, build: Build) -> Result<Table> {
    let program = super::program(build)?;
    let scratch = Scratch::on_disk("neighbours")?;
    super::build_hostile(scratch.path())?;
    let installation = |name: &str| {
        let database = scratch.path().join(format!("{name}.db"));
        let settings =
            [format!("database_url=sqlite:{}", database.display()), "log_filter=error".to_owned()];
        Waypost::new(&program, &scratch.path().join("data"), &settings)
    };
    say::step("Setting up the organizations", || desks::set_up(&installation("empty"), policies))?;

    let mut table =
        Table::new(["the neighbour", "its tickets", "marked", "tickets/s", "p50", "p99"]);
    for (number, (name, doing)) in NEIGHBOURS.into_iter().enumerate() {
        let copy = format!("desk-{number}");
        // The last connection that closed has emptied the write-ahead log into the file.
        let file = |name: &str| scratch.path().join(name).with_extension("db");
        fs::copy(file("empty"), file(&copy)).context("copying the database")?;
        let waypost = installation(&copy);
        if let Doing::Hostile(policy) = doing {
            let component = scratch.path().join(policy).with_extension("wasm");
            let component = component.display().to_string();
            let words = ["policy", "bind", &component, "--org", FENNEL, "--hook", "route"];
            waypost.run(words.into_iter().chain(["--name", "hostile", "--position", "1"]))?;
        }
        let seen = say::step(format_args!("The neighbour: {name}"), || {
            let log = scratch.path().join("server.log");
            let server = waypost.serve(waypost::address(0)?, &log)?;
            let seen = beside(&waypost, &server, !matches!(doing, Doing::Nothing))?;
            server.stop()?;
            Ok::<_, anyhow::Error>(seen)
        })?;
        #[expect(clippy::cast_precision_loss, reason = "a thousand tickets")]
        let rate = POSTED as f64 / seen.load.seconds;
        table.row([
            name.to_owned(),
            seen.sent.to_string(),
            seen.marked.to_string(),
            format!("{rate:.0}"),
            milliseconds(seen.load.percentile(50)),
            milliseconds(seen.load.percentile(99)),
        ]);
    }
    Ok(table)
}

/// What came of one run.
struct Seen {
    load: Load,
    /// How many tickets the neighbour sent, each of which was taken.
    sent: usize,
    /// How many of these carry the mark of a failed policy.
    marked: u64,
}

/// Sends one organization's tickets, one after the other, while its neighbour sends too.
fn beside(waypost: &Waypost, server: &Server, is_neighbour_there: bool) -> Result<Seen> {
    let client =
        |org| Ok::<_, anyhow::Error>(Client::new(server.address(), &desks::token(waypost, org)?));
    let (mut own, mut neighbour) = (client(MARLOW)?, client(FENNEL)?);
    let (rows, theirs) = (desks::rows(MARLOW)?, desks::rows(FENNEL)?);
    let is_over = AtomicBool::new(!is_neighbour_there);
    let (load, sent) = std::thread::scope(|scope| {
        let beside = scope.spawn(|| -> Result<usize> {
            let mut sent = 0;
            for row in numbered(&theirs) {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                neighbour.post("/api/v1/incidents", &body(&row))?;
                sent += 1;
                std::thread::sleep(PAUSE);
            }
            Ok(sent)
        });
        let load = timed(&mut own, &rows);
        is_over.store(true, Ordering::Relaxed);
        let sent = beside.join().map_err(|_| anyhow!("the neighbour broke"))??;
        Ok::<_, anyhow::Error>((load?, sent))
    })?;
    let marked = neighbour.get("/api/v1/tickets?policy_failures=true&count=true&limit=1")?;
    let marked = marked["total"].as_u64().context("reading how many tickets are marked")?;
    Ok(Seen { load, sent, marked })
}

fn timed(client: &mut Client, rows: &[Row]) -> Result<Load> {
    let mut times = Vec::with_capacity(POSTED);
    let began = Instant::now();
    for row in numbered(rows).take(POSTED) {
        let sent = Instant::now();
        client.post("/api/v1/incidents", &body(&row))?;
        times.push(sent.elapsed());
    }
    Ok(Load::new(began.elapsed().as_secs_f64(), times))
}

/// The rows again and again, under new numbers.
fn numbered(rows: &[Row]) -> impl Iterator<Item = Row> {
    let again = rows.iter().cycle().enumerate();
    again.map(|(place, row)| Row { number: format!("N-{place}"), ..row.clone() })
}
