//! What one organization notices while another has compiled whatever it can think of.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};

use super::load::{Load, body, milliseconds};
use super::options::Build;
use crate::desks::{self, FENNEL, MARLOW};
use crate::http::{Answer, Client};
use crate::say;
use crate::scratch::Scratch;
use crate::table::Table;
use crate::waypost::{self, Server, Waypost};

/// How long each case takes.
const TIME: Duration = Duration::from_secs(45);
/// How many of the other organization's programs upload, and how many bind.
const UPLOADING: usize = 6;
const BINDING: usize = 3;
/// How long a person looks at a binding before they change it again.
const THINKING: Duration = Duration::from_millis(500);

/// Measures both cases on SQLite. The hostile components are those of `waypost-policy`'s example,
/// and those of a folder.
pub(super) fn measure(policies: &Path, build: Build, more: Option<&Path>) -> Result<Table> {
    let program = super::program(build)?;
    let scratch = Scratch::on_disk("uploads")?;
    let folder = scratch.path().join("hostile");
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    super::build_hostile(&folder)?;
    let mut hostile = components(&folder)?;
    if let Some(more) = more {
        hostile.extend(components(more)?);
    }
    let waypost =
        Waypost::new(&program, &scratch.path().join("data"), &["log_filter=off".to_owned()]);
    say::step("Setting up the organizations", || {
        desks::set_up(&waypost, policies)?;
        let router = policies.join("team-router.wasm").display().to_string();
        let settings = scratch.path().join("probe.json");
        fs::write(&settings, settings_of(0).to_string()).context("writing settings")?;
        let settings = settings.display().to_string();
        let words = ["policy", "bind", &router, "--org", MARLOW, "--hook", "route"];
        let named = ["--name", "probe", "--position", "900", "--settings", &settings];
        waypost.run(words.into_iter().chain(named))
    })?;
    let mut table = Table::new([
        "the other organization",
        "accepted",
        "refused",
        "sent away",
        "tickets",
        "p50",
        "p99",
        "longest",
        "revisions",
        "p50",
        "longest",
        "server's memory",
    ]);
    for (name, others) in [
        ("does nothing", &[][..]),
        ("uploads and binds what is costly", &hostile[..]),
        ("does nothing, again", &[][..]),
    ] {
        let seen = say::step(format_args!("The other organization {name}"), || {
            let server = waypost.serve(waypost::address(0)?, &scratch.path().join("server.log"))?;
            let seen = beside(&waypost, &server, others)?;
            server.stop()?;
            Ok::<_, anyhow::Error>(seen)
        })?;
        let Seen { answers, tickets, sent, revisions, bound, memory } = seen;
        table.row([
            name.to_owned(),
            answers.accepted.into_inner().to_string(),
            answers.refused.into_inner().to_string(),
            answers.sent_away.into_inner().to_string(),
            sent.to_string(),
            milliseconds(tickets.percentile(50)),
            milliseconds(tickets.percentile(99)),
            milliseconds(tickets.percentile(100)),
            bound.to_string(),
            milliseconds(revisions.percentile(50)),
            milliseconds(revisions.percentile(100)),
            format!("{} MiB", memory / 1024),
        ]);
    }
    Ok(table)
}

/// What became of the other's uploads and bindings.
#[derive(Default)]
struct Answers {
    accepted: AtomicUsize,
    /// For what they are, or for what they cost.
    refused: AtomicUsize,
    /// There was no turn for them: 429 or 503, or the connection was closed.
    sent_away: AtomicUsize,
}

impl Answers {
    fn count(&self, answer: &Result<Answer>) {
        let counter = match answer.as_ref().map(|answer| answer.status) {
            Ok(200..300) => &self.accepted,
            Ok(429 | 503) | Err(_) => &self.sent_away,
            Ok(_) => &self.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

struct Seen {
    /// The other's uploads and bindings.
    answers: Answers,
    tickets: Load,
    sent: usize,
    revisions: Load,
    bound: usize,
    /// The most that the server took, in KiB.
    memory: u64,
}

fn beside(waypost: &Waypost, server: &Server, hostile: &[PathBuf]) -> Result<Seen> {
    let (own, other) = (desks::token(waypost, MARLOW)?, desks::token(waypost, FENNEL)?);
    let client = |token: &str| Client::new(server.address(), token);
    let bytes = hostile.iter().map(fs::read).collect::<Result<Vec<_>, _>>();
    let bytes = bytes.context("reading the hostile components")?;
    let (is_over, answers) = (AtomicBool::new(false), Answers::default());
    let rows = desks::rows(MARLOW)?;
    let probe = probe(&mut client(&own))?;
    let began = Instant::now();
    let (tickets, revisions) = std::thread::scope(|scope| {
        if !bytes.is_empty() {
            for number in 0..UPLOADING {
                let (bytes, other, is_over, answers) = (&bytes, &other, &is_over, &answers);
                scope.spawn(move || {
                    let own = bytes.iter().cycle().skip(number * 2);
                    upload(&client(other), own, number, is_over, answers);
                });
            }
            for number in 0..BINDING {
                let (other, is_over, answers) = (&other, &is_over, &answers);
                scope.spawn(move || bind(client(other), number, is_over, answers));
            }
        }
        let tickets = scope.spawn(|| -> Result<Vec<Duration>> {
            let (mut client, mut times) = (client(&own), Vec::new());
            for (place, row) in rows.iter().cycle().enumerate() {
                if began.elapsed() >= TIME {
                    break;
                }
                let mut row = row.clone();
                row.number = format!("U-{}-{place}", server.address().port());
                let sent = Instant::now();
                client.post("/api/v1/incidents", &body(&row))?;
                times.push(sent.elapsed());
            }
            Ok(times)
        });
        let mut person = client(&own);
        let mut revise = || {
            let mut times = Vec::new();
            for number in u32::from(server.address().port()) * 1_000.. {
                if began.elapsed() >= TIME {
                    break;
                }
                let change = json!({ "settings": settings_of(number) });
                let sent = Instant::now();
                person.post(&format!("/api/v1/bindings/{probe}/revisions"), &change)?;
                times.push(sent.elapsed());
                std::thread::sleep(THINKING);
            }
            Ok::<_, anyhow::Error>(times)
        };
        let revised = revise();
        is_over.store(true, Ordering::Relaxed);
        let tickets = tickets.join().map_err(|_| anyhow!("the client broke"))??;
        Ok::<_, anyhow::Error>((tickets, revised?))
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let (sent, bound) = (tickets.len(), revisions.len());
    Ok(Seen {
        answers,
        tickets: Load::new(seconds, tickets),
        sent,
        revisions: Load::new(seconds, revisions),
        bound,
        memory: server.peak_kib()?,
    })
}

fn probe(client: &mut Client) -> Result<String> {
    let bindings = client.get("/api/v1/bindings")?;
    let mut items = bindings["items"].as_array().into_iter().flatten();
    let probe = items.find(|binding| binding["name"] == "probe").context("finding the binding")?;
    Ok(probe["id"].as_str().context("reading the binding's id")?.to_owned())
}

/// Settings of `team-router` that were never compiled before.
fn settings_of(number: u32) -> Value {
    let word = format!("word-{number}");
    json!({ "rules": [{
        "name": "probe", "when": { "words": { "any": [word] } }, "to": { "team": "service-desk" },
    }] })
}

/// Uploads each component again and again, each time as another one.
fn upload<'a>(
    client: &Client,
    components: impl Iterator<Item = &'a Vec<u8>>,
    number: usize,
    is_over: &AtomicBool,
    answers: &Answers,
) {
    for (place, component) in components.enumerate() {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        // What nobody reads makes it different from all before.
        let mark = format!("{number:04}{place:08}");
        let mut bytes = component.clone();
        bytes.extend([0, 1 + 4 + 12, 4]);
        bytes.extend(b"mark");
        bytes.extend(mark.as_bytes());
        // Whoever is sent away too often looks for another connection.
        let mut client = client.anew();
        let answer = client.send("POST", "/api/v1/policies", "application/wasm", &bytes);
        answers.count(&answer);
        if answer.is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Binds policies whose settings take long to check.
fn bind(mut client: Client, number: usize, is_over: &AtomicBool, answers: &Answers) {
    let mut bit = 1_u32;
    let mut place = 0;
    while !is_over.load(Ordering::Relaxed) {
        let Ok(policies) = client.get("/api/v1/policies?limit=100") else {
            client = client.anew();
            continue;
        };
        let names = ["slow-patterns", "many-alternatives"];
        let of_it = policies["items"].as_array().into_iter().flatten().find(|policy| {
            names.iter().any(|name| policy["name"] == *name) && policy["used"] == "unused"
        });
        let Some(component) = of_it.map(|policy| policy["digest"].clone()) else {
            std::thread::sleep(Duration::from_millis(100));
            continue;
        };
        place += 1;
        let settings: String = (0..400_000)
            .map(|_| {
                bit = bit.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if bit >> 31 == 0 { '0' } else { '1' }
            })
            .collect();
        let binding = json!({
            "name": format!("hostile-{number}-{place}"), "position": 10_000 + place * 10 + number,
            "hooks": ["route"], "component": component, "settings": settings,
        });
        let answer = client.exchange("POST", "/api/v1/bindings", Some(&binding));
        answers.count(&answer);
        if answer.is_err() {
            client = client.anew();
        }
    }
}

fn components(folder: &Path) -> Result<Vec<PathBuf>> {
    let reading = || format!("reading {}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(reading)? {
        let path = entry.with_context(reading)?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            found.push(path);
        }
    }
    if found.is_empty() {
        bail!("there is no component in {}", folder.display());
    }
    found.sort();
    Ok(found)
}
