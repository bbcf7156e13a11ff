//! Load on the API: what clients send, and what they saw.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use serde_json::{Value, json};

use crate::desks::Row;
use crate::http::Client;

/// Where tickets are sent.
pub(super) const INCIDENTS: &str = "/api/v1/incidents";

/// What clients saw.
pub(super) struct Load {
    pub(super) seconds: f64,
    /// From the shortest to the longest.
    times: Vec<Duration>,
}

impl Load {
    pub(super) fn new(seconds: f64, mut times: Vec<Duration>) -> Self {
        times.sort();
        Self { seconds, times }
    }

    /// The time that so many of a hundred requests did not exceed.
    pub(super) fn percentile(&self, percent: usize) -> Duration {
        let place = (self.times.len() * percent / 100).min(self.times.len().saturating_sub(1));
        self.times.get(place).copied().unwrap_or_default()
    }

    pub(super) fn longest(&self) -> Duration {
        self.percentile(100)
    }

    /// How many requests there were.
    pub(super) fn count(&self) -> usize {
        self.times.len()
    }

    pub(super) fn rate(&self) -> f64 {
        per_second(self.count(), self.seconds)
    }
}

/// An organization that tickets are sent to, by a program of its own.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    pub(super) token: String,
    /// Who asks, in turn; if nobody is named, whom the rows name.
    pub(super) people: Vec<String>,
}

/// Tickets that are sent: those of the rows, again and again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sending<'a> {
    /// Each ticket goes to the next of them.
    pub(super) to: &'a [Sender],
    pub(super) rows: &'a [Row],
    /// Tells these tickets' external references from others'.
    pub(super) series: &'a str,
    /// Whether each request can be repeated.
    pub(super) is_keyed: bool,
}

/// A request that opens a ticket.
#[derive(Debug, Clone)]
pub(super) struct Opening<'a> {
    pub(super) token: &'a str,
    pub(super) key: Option<String>,
    pub(super) body: Value,
}

impl Sending<'_> {
    /// The ticket at a place, counted from zero; always the same one.
    pub(super) fn ticket(&self, place: usize) -> Opening<'_> {
        let (turn, of) = (place / self.to.len(), place % self.to.len());
        let sender = &self.to[of];
        let mut row = self.rows[(turn + of) % self.rows.len()].clone();
        row.number = format!("{}-{place}", self.series);
        if !sender.people.is_empty() {
            row.requester.clone_from(&sender.people[turn % sender.people.len()]);
        }
        let key = self.is_keyed.then(|| row.number.clone());
        Opening { token: &sender.token, key, body: body(&row) }
    }

    /// Sends so many tickets, from a number of clients at once, each of which waits for its answer
    /// before the next.
    pub(super) fn send(&self, to: SocketAddr, tickets: usize, clients: usize) -> Result<Load> {
        let next = AtomicUsize::new(0);
        let client = || -> Result<Vec<Duration>> {
            let mut client = Client::new(to, "");
            let mut times = Vec::new();
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                if place >= tickets {
                    return Ok(times);
                }
                let Opening { token, key, body } = self.ticket(place);
                client.speak_for(token);
                let sent = Instant::now();
                let answer = client.post_keyed(INCIDENTS, key.as_deref(), &body)?;
                times.push(sent.elapsed());
                if answer.status != 201 {
                    bail!("a ticket was answered with {}: {}", answer.status, answer.body);
                }
            }
        };
        let began = Instant::now();
        let times = together(clients, client)?.concat();
        Ok(Load::new(began.elapsed().as_secs_f64(), times))
    }
}

/// Does the same work in so many threads at once, and returns what came of each.
pub(super) fn together<T: Send>(
    threads: usize,
    work: impl Fn() -> Result<T> + Sync,
) -> Result<Vec<T>> {
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let joined = threads.into_iter().map(ScopedJoinHandle::join);
        joined.map(|done| done.map_err(|_| anyhow!("a client broke"))?).collect()
    })
}

/// A row as the API takes it.
pub(super) fn body(row: &Row) -> Value {
    json!({
        "requester": row.requester,
        "short_description": row.short_description,
        "description": row.description,
        "external_ref": { "source": "bench", "id": row.number },
    })
}

#[expect(clippy::cast_precision_loss, reason = "some thousand tickets")]
pub(super) fn per_second(tickets: usize, seconds: f64) -> f64 {
    tickets as f64 / seconds
}

pub(super) fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

pub(super) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

pub(super) fn mebibytes(kib: u64) -> String {
    format!("{} MiB", kib / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_time_that_so_many_did_not_exceed() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        let load = Load::new(2.0, times);
        let percentiles = [50, 99].map(|percent| load.percentile(percent).as_millis());
        assert_eq!((percentiles, load.longest().as_millis()), ([101, 199], 200));
        assert_eq!((load.count(), milliseconds(load.longest())), (200, "200.0 ms".to_owned()));
        let nothing = Load::new(1.0, Vec::new());
        assert_eq!((nothing.percentile(99), nothing.count()), (Duration::ZERO, 0));
    }

    #[test]
    fn tickets_go_to_every_sender_in_turn_and_no_two_have_the_same_reference() {
        let row = |text: &str| Row {
            number: text.to_owned(),
            opened_at: String::new(),
            requester: "zoe@example.org".to_owned(),
            service: String::new(),
            short_description: text.to_owned(),
            description: String::new(),
        };
        let rows = [row("printer"), row("vpn")];
        let people = vec!["mo@example.org".to_owned(), "tia@example.org".to_owned()];
        let to = [
            Sender { token: "one".to_owned(), people: Vec::new() },
            Sender { token: "two".to_owned(), people },
        ];
        let sending = Sending { to: &to, rows: &rows, series: "s", is_keyed: true };
        let sent: Vec<_> = (0..4).map(|place| sending.ticket(place)).collect();
        let told = |of: &dyn Fn(&Opening<'_>) -> String| sent.iter().map(of).collect::<Vec<_>>();
        assert_eq!(told(&|one| one.token.to_owned()), ["one", "two", "one", "two"]);
        assert_eq!(told(&|one| one.key.clone().unwrap()), ["s-0", "s-1", "s-2", "s-3"]);
        let requesters = told(&|one| one.body["requester"].as_str().unwrap().to_owned());
        let [zoe, mo, tia] = ["zoe@example.org", "mo@example.org", "tia@example.org"];
        assert_eq!(requesters, [zoe, mo, zoe, tia]);
    }

    #[test]
    fn one_broken_client_breaks_the_load() {
        assert_eq!(together(3, || Ok(1)).unwrap(), [1, 1, 1]);
        let count = AtomicUsize::new(0);
        let broken = || match count.fetch_add(1, Ordering::Relaxed) {
            1 => bail!("no answer"),
            _ => Ok(()),
        };
        assert!(together(3, broken).is_err());
    }
}
