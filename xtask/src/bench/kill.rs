//! A server that is killed again and again under load: nothing that it acknowledged is lost, and
//! nothing that was sent again is there twice.
//!
//! Clients send tickets with external references, half of them with idempotency keys, and send
//! again what was not answered, as the documentation tells them to.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use super::load::{INCIDENTS, Opening, Sender, Sending, together};
use super::options::Options;
use super::seeded::Seeded;
use super::site::{Built, Engine, Site};
use crate::desks::{self, MARLOW};
use crate::http::{Answer, Client};
use crate::table::Table;
use crate::waypost::{self, Server};

/// How often the server is killed.
const TIMES: usize = 50;
const CLIENTS: usize = 16;
/// It lives for so long, from when it is ready.
const LIVES_MS: std::ops::Range<u64> = 100..2_000;
/// The moments are the same in every run.
const SEED: u64 = 20_260_601;
/// A client that heard nothing tries again after this.
const PAUSE: Duration = Duration::from_millis(20);
/// No request stays without an answer for longer. A request with a key whose changes were committed
/// when its server died counts as in progress for five minutes.
const PATIENCE: Duration = Duration::from_mins(7);
/// Of the requests with a key, one of so many is sent again though it was answered.
const AGAIN: usize = 10;

const DATABASE: &str = "kill";

/// Measures the databases that are asked for.
pub(super) fn measure(policies: &Path, options: &Options) -> Result<Table> {
    let built = Built::with(policies, options.build, &[])?;
    let mut table = Table::new([
        "database",
        "kills",
        "acknowledged",
        "sent again",
        "lost",
        "doubled",
        "audit check",
        "receipts verify",
    ]);
    for engine in &options.engines {
        super::measured(&mut table, |table| {
            table.row(measure_one(*engine, &built, options.times.unwrap_or(TIMES))?);
            Ok(())
        })?;
    }
    Ok(table)
}

fn measure_one(engine: Engine, built: &Built, times: usize) -> Result<[String; 8]> {
    let site = Site::new(engine, built)?;
    site.set_up(DATABASE)?;
    let waypost = site.installation(DATABASE);
    let token = desks::token(&waypost, MARLOW)?;
    let to = [Sender { token, people: Vec::new() }];
    let rows = desks::rows(MARLOW)?;
    let sending = Sending { to: &to, rows: &rows, series: "k", is_keyed: true };
    let ledger = Ledger::default();

    let server = site.step(format_args!("killing the server {times} times"), || {
        under_load(&site, &sending, &ledger, times)
    })?;
    let mut client = Client::new(server.address(), &to[0].token);
    site.step("sending again what was not answered", || ledger.settle(&mut client, &sending))?;
    let listed = site.step("listing every ticket", || listed(&mut client))?;
    site.stop(server)?;
    let verdict = ledger.compare(&listed)?;
    let audit = site.step("checking the audit trail", || {
        audited(waypost.json(["audit", "check", "--org", MARLOW]))
    });
    let receipts = site.step("asking every recorded question again", || {
        waypost.json(["receipts", "verify", "--org", MARLOW])
    });
    Ok([
        engine.name().to_owned(),
        times.to_string(),
        verdict.acknowledged.to_string(),
        ledger.again.load(Ordering::Relaxed).to_string(),
        verdict.lost.to_string(),
        verdict.doubled.to_string(),
        audit,
        verified(receipts),
    ])
}

/// Kills and starts the server while clients send; returns the last one, which lives.
fn under_load(
    site: &Site<'_>,
    sending: &Sending<'_>,
    ledger: &Ledger,
    times: usize,
) -> Result<Server> {
    let address = waypost::address(0)?;
    let is_over = AtomicBool::new(false);
    let client = || {
        let sent = ledger.send(Client::new(address, ""), sending, &is_over);
        // One that gave up ends the whole.
        is_over.store(true, Ordering::Relaxed);
        sent
    };
    std::thread::scope(|scope| {
        let clients = scope.spawn(|| together(CLIENTS, client));
        let mut moments = Seeded::new(SEED);
        let mut killing = || {
            let mut server = site.serve(DATABASE, address)?;
            for _ in 0..times {
                let life = LIVES_MS.start + moments.below(LIVES_MS.end - LIVES_MS.start);
                std::thread::sleep(Duration::from_millis(life));
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                server.kill()?;
                server = site.serve(DATABASE, address)?;
            }
            Ok::<_, anyhow::Error>(server)
        };
        let server = killing();
        ledger.is_gone.store(server.is_err(), Ordering::Relaxed);
        is_over.store(true, Ordering::Relaxed);
        clients.join().map_err(|_| anyhow!("the clients broke"))??;
        server
    })
}

/// What clients know of what they sent.
#[derive(Debug, Default)]
struct Ledger {
    next: AtomicUsize,
    /// Requests that were sent more than once.
    again: AtomicUsize,
    answered: Mutex<BTreeMap<usize, Vec<String>>>,
    /// Places of requests that the server says it still carries out.
    aside: Mutex<Vec<usize>>,
    /// Whether the server will not come back.
    is_gone: AtomicBool,
}

/// What an answer says of a ticket that was sent.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// It is there, under this number.
    There(String),
    /// The first request with this key is still running, or its server is gone.
    InProgress,
    /// It is there, and its answer was lost: its external reference finds it.
    AnswerLost,
    /// It may be there or not; send it again.
    Again,
}

impl Told {
    fn read(answer: &Answer) -> Result<Self> {
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let kind = body["type"].as_str().unwrap_or_default();
        Ok(match answer.status {
            200..300 => {
                let number = body["number"].as_str().context("reading the ticket's number")?;
                Self::There(number.to_owned())
            }
            409 if kind.ends_with("idempotency-in-progress") => Self::InProgress,
            409 if kind.ends_with("answer-lost") => Self::AnswerLost,
            429 | 500.. => Self::Again,
            status => bail!("the server answered {status}: {}", answer.body),
        })
    }
}

impl Ledger {
    /// Sends one ticket after the other until it is over.
    fn send(&self, mut client: Client, sending: &Sending<'_>, is_over: &AtomicBool) -> Result<()> {
        while !is_over.load(Ordering::Relaxed) {
            let place = self.next.fetch_add(1, Ordering::Relaxed);
            self.deliver(&mut client, sending, place)?;
            if is_asked_again(place) {
                self.deliver(&mut client, sending, place)?;
            }
        }
        Ok(())
    }

    /// Sends a ticket until it is answered, or put aside.
    fn deliver(&self, client: &mut Client, sending: &Sending<'_>, place: usize) -> Result<()> {
        let Opening { token, key, body } = sending.ticket(place);
        let mut key = key.filter(|_| is_keyed(place));
        client.speak_for(token);
        let began = Instant::now();
        for attempt in 0.. {
            if attempt == 1 {
                self.again.fetch_add(1, Ordering::Relaxed);
            }
            let answer = client.post_keyed(INCIDENTS, key.as_deref(), &body);
            let told = match &answer {
                Ok(answer) => Told::read(answer)?,
                // Whoever carried it out is dead, and the next one is not there yet.
                Err(_) => Told::Again,
            };
            match told {
                Told::There(number) => {
                    let mut answered =
                        self.answered.lock().map_err(|_| anyhow!("a client broke"))?;
                    answered.entry(place).or_default().push(number);
                    return Ok(());
                }
                Told::InProgress => {
                    self.aside.lock().map_err(|_| anyhow!("a client broke"))?.push(place);
                    return Ok(());
                }
                Told::AnswerLost => key = None,
                Told::Again
                    if began.elapsed() > PATIENCE || self.is_gone.load(Ordering::Relaxed) =>
                {
                    bail!("the server stays away; the last that was heard of it: {answer:?}")
                }
                Told::Again => std::thread::sleep(PAUSE),
            }
        }
        Ok(())
    }

    /// Sends what was put aside until it is answered; and once more some of what was.
    fn settle(&self, client: &mut Client, sending: &Sending<'_>) -> Result<()> {
        let began = Instant::now();
        loop {
            let aside =
                std::mem::take(&mut *self.aside.lock().map_err(|_| anyhow!("a client broke"))?);
            if aside.is_empty() {
                break;
            }
            if began.elapsed() > PATIENCE {
                bail!("{} requests are still in progress", aside.len());
            }
            for place in aside {
                self.deliver(client, sending, place)?;
            }
            std::thread::sleep(PAUSE);
        }
        let places = 0..self.next.load(Ordering::Relaxed);
        for place in places.filter(|place| is_asked_again(*place)) {
            self.deliver(client, sending, place)?;
        }
        Ok(())
    }

    /// Compares what was acknowledged with what is there.
    fn compare(&self, listed: &BTreeMap<String, Vec<String>>) -> Result<Verdict> {
        let answered = self.answered.lock().map_err(|_| anyhow!("a client broke"))?;
        let mut verdict = Verdict { acknowledged: answered.len(), ..Verdict::default() };
        for (place, numbers) in answered.iter() {
            let there = listed.get(&format!("k-{place}")).map(Vec::as_slice).unwrap_or_default();
            verdict.lost += usize::from(numbers.iter().any(|number| !there.contains(number)));
            let is_same = numbers.iter().all(|number| number == &numbers[0]);
            verdict.doubled += usize::from(there.len() > 1 || !is_same);
        }
        // What nobody heard of was sent until somebody did.
        if listed.len() > answered.len() {
            bail!("{} tickets are there that nobody heard of", listed.len() - answered.len());
        }
        Ok(verdict)
    }
}

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Verdict {
    acknowledged: usize,
    /// Acknowledged, and not there under the number that was told.
    lost: usize,
    /// There twice, or told under two numbers.
    doubled: usize,
}

fn is_keyed(place: usize) -> bool {
    place.is_multiple_of(2)
}

fn is_asked_again(place: usize) -> bool {
    is_keyed(place) && place.is_multiple_of(2 * AGAIN)
}

/// The numbers of all tickets, by their external references.
fn listed(client: &mut Client) -> Result<BTreeMap<String, Vec<String>>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut after = String::new();
    loop {
        let page = client.get(&format!("{INCIDENTS}?limit=200{after}"))?;
        for ticket in page["items"].as_array().context("reading the list of tickets")? {
            let text =
                |value: &Value| value.as_str().map(str::to_owned).context("reading a ticket");
            found
                .entry(text(&ticket["external_ref"]["id"])?)
                .or_default()
                .push(text(&ticket["number"])?);
        }
        match page["next"].as_str() {
            None => return Ok(found),
            Some(next) => after = format!("&after={next}"),
        }
    }
}

fn audited(checked: Result<Value>) -> String {
    match checked {
        Ok(_) => "clean".to_owned(),
        Err(error) => format!("{error:#}"),
    }
}

fn verified(verified: Result<Value>) -> String {
    match verified {
        Ok(told) => {
            let [same, different, not] =
                ["same", "different", "not_repeatable"].map(|name| told[name].to_string());
            format!("{same} the same, {different} different, {not} not repeatable")
        }
        Err(error) => format!("{error:#}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, body: &str) -> Result<Told> {
        Told::read(&Answer { status, body: body.to_owned() })
    }

    #[test]
    fn an_answer_says_what_becomes_of_the_request() {
        let problem = |slug: &str| format!(r#"{{"type":"/errors/{slug}"}}"#);
        let there = told(201, r#"{"number":"INC0000007"}"#).unwrap();
        assert_eq!(there, Told::There("INC0000007".to_owned()));
        let in_progress = told(409, &problem("idempotency-in-progress")).unwrap();
        assert_eq!(in_progress, Told::InProgress);
        assert_eq!(told(409, &problem("answer-lost")).unwrap(), Told::AnswerLost);
        for status in [429, 500, 503] {
            assert_eq!(told(status, "").unwrap(), Told::Again, "{status}");
        }
        assert!(told(422, &problem("validation-failed")).is_err());
        assert!(told(409, &problem("duplicate")).is_err());
    }

    #[test]
    fn what_is_lost_or_doubled_is_counted_once_each() {
        let listed = |tickets: &[(&str, &[&str])]| {
            let texts = |numbers: &[&str]| numbers.iter().map(|one| (*one).to_owned()).collect();
            tickets.iter().map(|(id, numbers)| ((*id).to_owned(), texts(numbers))).collect()
        };
        let ledger = Ledger::default();
        for (place, number) in [(0, "A"), (0, "A"), (1, "B"), (2, "C"), (3, "D"), (3, "E")] {
            ledger.answered.lock().unwrap().entry(place).or_default().push(number.to_owned());
        }
        let whole =
            listed(&[("k-0", &["A"]), ("k-1", &["B"]), ("k-2", &["C", "F"]), ("k-3", &["D", "E"])]);
        let verdict = ledger.compare(&whole).unwrap();
        assert_eq!(verdict, Verdict { acknowledged: 4, lost: 0, doubled: 2 });
        let holes = listed(&[("k-0", &["A"]), ("k-1", &["G"])]);
        let verdict = ledger.compare(&holes).unwrap();
        assert_eq!(verdict, Verdict { acknowledged: 4, lost: 3, doubled: 1 });
        let more = listed(&[
            ("k-0", &["A"]),
            ("k-1", &["B"]),
            ("k-2", &["C"]),
            ("k-3", &["D"]),
            ("k-9", &["Z"]),
        ]);
        assert!(ledger.compare(&more).is_err());
    }
}
