//! What nine clients notice of a tenth who is greedy or slow, and whether health still answers.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::Scope;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::load::{Load, body, milliseconds};
use super::options::Build;
use crate::desks::{self, MARLOW, Row};
use crate::http::{self, Client};
use crate::say;
use crate::scratch::Scratch;
use crate::table::Table;
use crate::waypost::{self, Server, Waypost};

/// The clients whose times are taken.
const CLIENTS: usize = 9;
/// How long each case takes.
const TIME: Duration = Duration::from_secs(12);
/// How many requests the greedy one has on the way at the same time.
const GREEDY: usize = 64;
/// How many bodies, and how many heads, the slow one never finishes.
const SLOW: usize = 200;
/// How often health is asked.
const PULSE: Duration = Duration::from_millis(20);

/// What the tenth client does. As the others do stands at both ends, so that the table shows how
/// far the same differs from itself.
const TENTH: [(&str, Tenth); 4] = [
    ("does as the others", Tenth::Same),
    ("sends 64 requests at once", Tenth::Greedy),
    ("never ends 200 bodies and 200 heads", Tenth::Slow),
    ("does as the others, again", Tenth::Same),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tenth {
    Same,
    Greedy,
    Slow,
}

/// Measures each case on SQLite.
pub(super) fn measure(policies: &Path, build: Build) -> Result<Table> {
    let program = super::program(build)?;
    let scratch = Scratch::on_disk("front")?;
    let waypost =
        Waypost::new(&program, &scratch.path().join("data"), &["log_filter=error".to_owned()]);
    say::step("Setting up the organizations", || desks::set_up(&waypost, policies))?;
    let rows = desks::rows(MARLOW)?;
    let mut table = Table::new([
        "the tenth client",
        "requests/s of nine",
        "p50",
        "p99",
        "refused",
        "health, longest",
    ]);
    let run = |tenth: Tenth| -> Result<Seen> {
        let log = scratch.path().join("server.log");
        let server = waypost.serve(waypost::address(0)?, &log)?;
        let seen = beside(&waypost, &server, &rows, tenth)?;
        server.stop()?;
        Ok(seen)
    };
    // Lists are short and the disk's cache is cold at first; nobody counts that.
    say::step("Warming up", || run(Tenth::Same))?;
    for (name, tenth) in TENTH {
        let seen = say::step(format_args!("The tenth client {name}"), || run(tenth))?;
        table.row([
            name.to_owned(),
            format!("{:.0}", seen.rate),
            milliseconds(seen.load.percentile(50)),
            milliseconds(seen.load.percentile(99)),
            seen.refused.to_string(),
            milliseconds(seen.health),
        ]);
    }
    Ok(table)
}

/// What came of one case.
struct Seen {
    load: Load,
    rate: f64,
    /// How many requests of the nine were not carried out.
    refused: usize,
    /// The longest that health took to answer.
    health: Duration,
}

fn beside(waypost: &Waypost, server: &Server, rows: &[Row], tenth: Tenth) -> Result<Seen> {
    let tokens =
        (0..=CLIENTS).map(|_| desks::token(waypost, MARLOW)).collect::<Result<Vec<_>>>()?;
    let (is_over, number, refused) =
        (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let one = |token: &str, is_counted: bool| -> Result<Vec<Duration>> {
        let mut client = Client::new(server.address(), token);
        let mut times = Vec::new();
        while !is_over.load(Ordering::Relaxed) {
            let place = number.fetch_add(1, Ordering::Relaxed);
            let sent = Instant::now();
            // As people work: mostly lists, now and then a new ticket.
            let answer = if place % 5 == 0 {
                let mut row = rows[place % rows.len()].clone();
                row.number = format!("{}-{place}", std::process::id());
                client.exchange("POST", "/api/v1/incidents", Some(&body(&row)))
            } else {
                client.exchange("GET", "/api/v1/incidents?limit=20", None)
            };
            match answer {
                Ok(answer) if (200..300).contains(&answer.status) => times.push(sent.elapsed()),
                Ok(_) if !is_counted => {}
                Ok(_) => {
                    refused.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) if is_counted => return Err(error),
                Err(_) => client = Client::new(server.address(), token),
            }
        }
        Ok(times)
    };
    let began = Instant::now();
    let (times, health) = std::thread::scope(|scope| {
        let (first, others) = tokens.split_first().context("there are ten tokens")?;
        disturb(scope, server, first, tenth, &is_over, &one);
        let health = scope.spawn(|| {
            let mut longest = Duration::ZERO;
            while !is_over.load(Ordering::Relaxed) {
                let asked = Instant::now();
                let answers = http::is_ready(server.address(), "/health/live");
                longest = longest.max(if answers { asked.elapsed() } else { TIME });
                std::thread::sleep(PULSE);
            }
            longest
        });
        let one = &one;
        let clients: Vec<_> =
            others.iter().map(|token| scope.spawn(move || one(token, true))).collect();
        std::thread::sleep(TIME);
        is_over.store(true, Ordering::Relaxed);
        let mut times = Vec::new();
        for client in clients {
            times.extend(client.join().map_err(|_| anyhow!("a client broke"))??);
        }
        let health = health.join().map_err(|_| anyhow!("nobody asked for health"))?;
        Ok::<_, anyhow::Error>((times, health))
    })?;
    let seconds = began.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "some thousand requests")]
    let rate = times.len() as f64 / seconds;
    let refused = refused.load(Ordering::Relaxed);
    Ok(Seen { load: Load::new(seconds, times), rate, refused, health })
}

/// Lets the tenth client do what it does.
fn disturb<'scope>(
    scope: &'scope Scope<'scope, '_>,
    server: &'scope Server,
    token: &'scope str,
    tenth: Tenth,
    is_over: &'scope AtomicBool,
    one: &'scope (impl Fn(&str, bool) -> Result<Vec<Duration>> + Sync),
) {
    match tenth {
        Tenth::Same => {
            scope.spawn(move || one(token, false));
        }
        Tenth::Greedy => {
            for _ in 0..GREEDY {
                scope.spawn(move || one(token, false));
            }
        }
        Tenth::Slow => {
            scope.spawn(move || {
                let head = format!(
                    "POST /api/v1/incidents HTTP/1.1\r\nhost: desk\r\nauthorization: Bearer {token}\r\n\
                     content-type: application/json\r\ncontent-length: 1000\r\n\r\n"
                );
                let starts = [head.as_bytes(), &head.as_bytes()[..40]];
                let mut open = Vec::new();
                for start in starts.iter().cycle().take(2 * SLOW) {
                    if let Ok(mut stream) = TcpStream::connect(server.address())
                        && stream.write_all(start).is_ok()
                    {
                        open.push(stream);
                    }
                }
                while !is_over.load(Ordering::Relaxed) {
                    for stream in &mut open {
                        // One octet now and then; whom the server has given up is gone.
                        drop(stream.write_all(b" "));
                    }
                    std::thread::sleep(Duration::from_millis(500));
                }
            });
        }
    }
}
