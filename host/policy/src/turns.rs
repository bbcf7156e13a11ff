//! Turns at the compiler: who may have a component compiled now.
//!
//! Jobs wait in a bounded line and are done by threads of their own. Next is a job of whichever
//! organization was served least lately, so that one with many or costly jobs waits for itself. A
//! job leaves the line when its time for a turn is over, and when nobody waits for it any more.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::RuntimeError;
use crate::compiler::Stop;

/// Whoever wants something compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    /// The organization whose share it is.
    pub org: Uuid,
    /// How long it waits for its turn.
    pub patience: Patience,
}

/// A turn at the compiler.
#[derive(Clone, Copy)]
pub(crate) struct Turn<'s> {
    /// The organization whose it is. What is made belongs to it.
    pub(crate) of: Uuid,
    /// What ends it before its time.
    pub(crate) stop: &'s Stop,
}

/// How long somebody waits for a turn at the compiler. Of one organization's jobs, the earlier in
/// this list go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Patience {
    /// A ticket waits.
    Ticket,
    /// A person waits.
    Request,
    /// Nobody waits: a start makes ready what tickets will need.
    Background,
}

impl Patience {
    const fn wait(self) -> Option<Duration> {
        match self {
            Self::Ticket => Some(Duration::from_secs(10)),
            Self::Request => Some(Duration::from_secs(30)),
            Self::Background => None,
        }
    }
}

/// Something was not compiled, and nothing is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum NotNow {
    /// Too much is waiting already.
    #[error("too much is waiting to be compiled")]
    LineFull,
    /// No turn came in time.
    #[error("other components are being compiled")]
    NoTurn,
    /// It was interrupted: by whoever asked for it, by a stop, or because the compiler could not
    /// work.
    #[error("compiling was interrupted")]
    Interrupted,
}

/// How many jobs may wait, and how many bytes of theirs.
const WAITING: usize = 64;
const WAITING_OF_ORG: usize = 4;
const WAITING_BYTES: usize = 128 * 1024 * 1024;

/// Components of at most so many bytes are small. Those of rules are; interpreters are not.
const SMALL_BYTES: usize = 2 * 1024 * 1024;

/// What was done for an organization counts half after this time.
const HALF: Duration = Duration::from_mins(1);

/// One that was served less than this is one that was not.
const FORGOTTEN_SECONDS: f64 = 0.01;

type Work = Box<dyn FnOnce(Result<&Stop, NotNow>) + Send>;

struct Waiting {
    id: u64,
    by: Asker,
    bytes: usize,
    until: Option<Instant>,
    stop: Arc<Stop>,
    work: Work,
}

struct Running {
    org: Uuid,
    began: Instant,
    stop: Arc<Stop>,
}

/// Seconds of work that were done for an organization, as they counted at a moment.
#[derive(Clone, Copy)]
struct Served {
    seconds: f64,
    at: Instant,
}

impl Served {
    /// As they count now. Next to nothing is nothing.
    fn now(self, now: Instant) -> f64 {
        let halves = now.saturating_duration_since(self.at).as_secs_f64() / HALF.as_secs_f64();
        let seconds = self.seconds * (-halves).exp2();
        if seconds > FORGOTTEN_SECONDS { seconds } else { 0.0 }
    }
}

/// The line: what waits, and what is being done. Time is an argument.
struct Line {
    /// In the order of arrival.
    waiting: Vec<Waiting>,
    running: HashMap<u64, Running>,
    served: HashMap<Uuid, Served>,
    /// How many jobs of one organization may be done at the same moment.
    of_org: usize,
    next_id: u64,
    is_closed: bool,
}

impl Line {
    fn new(threads: usize) -> Self {
        Self {
            waiting: Vec::new(),
            running: HashMap::new(),
            served: HashMap::new(),
            of_org: threads.saturating_sub(1).max(1),
            next_id: 0,
            is_closed: false,
        }
    }

    fn join(
        &mut self,
        by: Asker,
        bytes: usize,
        stop: Arc<Stop>,
        work: Work,
        now: Instant,
    ) -> Result<u64, NotNow> {
        if self.is_closed {
            return Err(NotNow::Interrupted);
        }
        let of_org = self.waiting.iter().filter(|other| other.by.org == by.org).count();
        let waiting: usize = self.waiting.iter().map(|other| other.bytes).sum();
        let is_full = self.waiting.len() >= WAITING
            || of_org >= WAITING_OF_ORG
            || (!self.waiting.is_empty() && waiting.saturating_add(bytes) > WAITING_BYTES);
        if is_full {
            return Err(NotNow::LineFull);
        }
        let id = self.next_id;
        self.next_id += 1;
        let until = by.patience.wait().map(|wait| now + wait);
        self.waiting.push(Waiting { id, by, bytes, until, stop, work });
        Ok(id)
    }

    /// The job that is to be done next, by a thread that may be for small ones only.
    fn next(&mut self, only_small: bool, now: Instant) -> Option<(u64, Arc<Stop>, Work)> {
        let of_org = |org| self.running.values().filter(|running| running.org == org).count();
        let may = |job: &Waiting| {
            !(only_small && job.bytes > SMALL_BYTES) && of_org(job.by.org) < self.of_org
        };
        let place = (0..self.waiting.len()).filter(|place| may(&self.waiting[*place])).min_by(
            |one, other| {
                let key = |place: usize| {
                    let job = &self.waiting[place];
                    (self.served_lately(job.by.org, now), job.by.patience, job.id)
                };
                let (one, other) = (key(*one), key(*other));
                one.0.total_cmp(&other.0).then_with(|| (one.1, one.2).cmp(&(other.1, other.2)))
            },
        )?;
        let Waiting { id, by, stop, work, .. } = self.waiting.remove(place);
        let running = Running { org: by.org, began: now, stop: Arc::clone(&stop) };
        self.running.insert(id, running);
        Some((id, stop, work))
    }

    /// How long was worked for an organization lately, with what is being done for it.
    fn served_lately(&self, org: Uuid, now: Instant) -> f64 {
        let before = self.served.get(&org).map_or(0.0, |served| served.now(now));
        let running = self.running.values().filter(|running| running.org == org);
        let running = running.map(|running| now.saturating_duration_since(running.began));
        before + running.map(|time| time.as_secs_f64()).sum::<f64>()
    }

    fn done(&mut self, id: u64, now: Instant) {
        let Some(running) = self.running.remove(&id) else { return };
        let took = now.saturating_duration_since(running.began).as_secs_f64();
        self.served.retain(|_, served| served.now(now) > 0.0);
        let before = self.served.get(&running.org).map_or(0.0, |served| served.now(now));
        self.served.insert(running.org, Served { seconds: before + took, at: now });
    }

    /// Takes a job out of the line, or asks for its end. Its work is to be dropped where the line
    /// is not held.
    fn leave(&mut self, id: u64) -> Option<Work> {
        if let Some(running) = self.running.get(&id) {
            running.stop.ask();
        }
        let place = self.waiting.iter().position(|job| job.id == id)?;
        Some(self.waiting.remove(place).work)
    }

    /// Takes out the jobs whose time for a turn is over.
    fn late(&mut self, now: Instant) -> Vec<Work> {
        let is_late = |job: &mut Waiting| job.until.is_some_and(|until| until <= now);
        self.waiting.extract_if(.., is_late).map(|job| job.work).collect()
    }

    /// When the next job's time for a turn is over.
    fn first_deadline(&self) -> Option<Instant> {
        self.waiting.iter().filter_map(|job| job.until).min()
    }

    fn close(&mut self) -> Vec<Work> {
        self.is_closed = true;
        self.running.values().for_each(|running| running.stop.ask());
        self.waiting.drain(..).map(|job| job.work).collect()
    }
}

struct Shared {
    line: Mutex<Line>,
    changed: Condvar,
}

impl Shared {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The line with the threads that serve it. They end when it is dropped, and with them what they
/// do.
pub(crate) struct Turns {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Turns {
    pub(crate) fn open(threads: u32) -> Result<Self, RuntimeError> {
        let count = threads.max(1) as usize;
        let shared =
            Arc::new(Shared { line: Mutex::new(Line::new(count)), changed: Condvar::new() });
        let mut turns = Self { shared, threads: Vec::with_capacity(count + 1) };
        for number in 0..count {
            // Of several, one is for small components: nobody's rules wait for interpreters only.
            let only_small = number > 0 && number + 1 == count;
            let name = format!("policy-compile-{number}");
            turns.start(name, move |shared| work(shared, only_small))?;
        }
        turns.start("policy-turns".to_owned(), send_away)?;
        Ok(turns)
    }

    fn start(
        &mut self,
        name: String,
        run: impl FnOnce(&Shared) + Send + 'static,
    ) -> Result<(), RuntimeError> {
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name(name).spawn(move || run(&shared));
        self.threads.push(thread.map_err(RuntimeError::Threads)?);
        Ok(())
    }

    /// Has something done in a turn. Dropping the future takes it out of the line, or stops it.
    pub(crate) async fn take<T: Send + 'static>(
        &self,
        by: Asker,
        bytes: usize,
        work: impl FnOnce(&Stop) -> T + Send + 'static,
    ) -> Result<T, NotNow> {
        let (tell, told) = oneshot::channel();
        let work = Box::new(move |turn: Result<&Stop, NotNow>| {
            // Whoever asked may be gone.
            drop(tell.send(turn.map(work)));
        });
        let id = self.shared.line().join(by, bytes, Arc::default(), work, Instant::now())?;
        self.shared.changed.notify_all();
        let _place = Place { shared: &self.shared, id };
        told.await.unwrap_or(Err(NotNow::Interrupted))
    }
}

/// A place in the line, until it is dropped.
struct Place<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let left = self.shared.line().leave(self.id);
        drop(left);
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        let refused = self.shared.line().close();
        self.shared.changed.notify_all();
        for work in refused {
            work(Err(NotNow::Interrupted));
        }
        for thread in self.threads.drain(..) {
            // A thread whose work panicked has said so.
            drop(thread.join());
        }
    }
}

/// What each of the threads does: one job after the other.
fn work(shared: &Shared, only_small: bool) {
    let mut line = shared.line();
    while !line.is_closed {
        let Some((id, stop, work)) = line.next(only_small, Instant::now()) else {
            line = shared.changed.wait(line).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        drop(line);
        // A panic is the end of this job; whoever waits for it is told so.
        drop(catch_unwind(AssertUnwindSafe(|| work(Ok(&stop)))));
        line = shared.line();
        line.done(id, Instant::now());
        // Its organization may have a place again.
        shared.changed.notify_all();
    }
}

/// What the last thread does: it sends away whose time for a turn is over, though all others work.
fn send_away(shared: &Shared) {
    let mut line = shared.line();
    while !line.is_closed {
        let now = Instant::now();
        let late = line.late(now);
        if !late.is_empty() {
            drop(line);
            for work in late {
                work(Err(NotNow::NoTurn));
            }
            line = shared.line();
            continue;
        }
        line = match line.first_deadline() {
            None => shared.changed.wait(line).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let wait = until.saturating_duration_since(now);
                let woken = shared.changed.wait_timeout(line, wait);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn by(org: u128, patience: Patience) -> Asker {
        Asker { org: Uuid::from_u128(org), patience }
    }

    fn join(line: &mut Line, by: Asker, bytes: usize, now: Instant) -> Result<u64, NotNow> {
        line.join(by, bytes, Arc::default(), Box::new(|_| {}), now)
    }

    fn next(line: &mut Line, now: Instant) -> Option<u64> {
        line.next(false, now).map(|(id, ..)| id)
    }

    #[test]
    fn one_organization_never_has_all_turns() {
        let (mut line, now) = (Line::new(2), Instant::now());
        let first = join(&mut line, by(1, Patience::Request), 1, now).unwrap();
        join(&mut line, by(1, Patience::Request), 1, now).unwrap();
        assert_eq!(next(&mut line, now), Some(first));
        assert_eq!(next(&mut line, now), None);
        let other = join(&mut line, by(2, Patience::Request), 1, now).unwrap();
        assert_eq!(next(&mut line, now), Some(other));
    }

    #[test]
    fn the_least_served_is_next_and_what_was_served_is_forgotten() {
        let (mut line, now) = (Line::new(1), Instant::now());
        let costly = join(&mut line, by(1, Patience::Request), 1, now).unwrap();
        assert_eq!(next(&mut line, now), Some(costly));
        let later = now + Duration::from_secs(12);
        line.done(costly, later);

        let again = join(&mut line, by(1, Patience::Ticket), 1, later).unwrap();
        let other = join(&mut line, by(2, Patience::Background), 1, later).unwrap();
        assert_eq!(next(&mut line, later), Some(other));
        line.done(other, later + Duration::from_secs(1));
        assert_eq!(next(&mut line, later), Some(again));
        line.done(again, later);

        let long_after = later + Duration::from_hours(1);
        let first = join(&mut line, by(1, Patience::Request), 1, long_after).unwrap();
        join(&mut line, by(3, Patience::Request), 1, long_after).unwrap();
        assert_eq!(next(&mut line, long_after), Some(first));
    }

    #[test]
    fn of_one_organization_a_ticket_goes_before_a_request() {
        let (mut line, now) = (Line::new(1), Instant::now());
        join(&mut line, by(1, Patience::Background), 1, now).unwrap();
        join(&mut line, by(1, Patience::Request), 1, now).unwrap();
        let ticket = join(&mut line, by(1, Patience::Ticket), 1, now).unwrap();
        assert_eq!(next(&mut line, now), Some(ticket));
    }

    #[test]
    fn small_components_have_a_thread_of_their_own() {
        let (mut line, now) = (Line::new(2), Instant::now());
        join(&mut line, by(1, Patience::Request), SMALL_BYTES + 1, now).unwrap();
        assert!(line.next(true, now).is_none());
        let small = join(&mut line, by(2, Patience::Request), SMALL_BYTES, now).unwrap();
        assert_eq!(line.next(true, now).map(|(id, ..)| id), Some(small));
    }

    #[test]
    fn a_full_line_says_so_at_once() {
        let (mut line, now) = (Line::new(1), Instant::now());
        for _ in 0..WAITING_OF_ORG {
            join(&mut line, by(1, Patience::Request), 1, now).unwrap();
        }
        let more = join(&mut line, by(1, Patience::Request), 1, now);
        assert_eq!(more, Err(NotNow::LineFull));
        let large = join(&mut line, by(2, Patience::Request), WAITING_BYTES, now);
        assert_eq!(large, Err(NotNow::LineFull));
        for org in 2..1000 {
            if join(&mut line, by(org, Patience::Request), 1, now).is_err() {
                break;
            }
        }
        assert_eq!(line.waiting.len(), WAITING);
    }

    #[test]
    fn who_gets_no_turn_in_time_is_sent_away() {
        let (mut line, now) = (Line::new(1), Instant::now());
        join(&mut line, by(1, Patience::Background), 1, now).unwrap();
        join(&mut line, by(1, Patience::Request), 1, now).unwrap();
        assert_eq!(line.first_deadline(), Some(now + Duration::from_secs(30)));
        assert!(line.late(now + Duration::from_secs(29)).is_empty());
        assert_eq!(line.late(now + Duration::from_secs(30)).len(), 1);
        assert_eq!(line.waiting.len(), 1);
    }

    #[tokio::test]
    async fn what_was_done_comes_back() {
        let turns = Turns::open(2).unwrap();
        assert_eq!(turns.take(by(1, Patience::Request), 1, |_| 7).await, Ok(7));
        let lost = turns.take(by(1, Patience::Request), 1, |_| -> u8 { panic!("a test") }).await;
        assert_eq!(lost, Err(NotNow::Interrupted));
        assert_eq!(turns.take(by(1, Patience::Request), 1, |_| 8).await, Ok(8));
    }

    #[tokio::test]
    async fn who_is_gone_is_not_worked_for() {
        let turns = Turns::open(1).unwrap();
        let (tell, told) = mpsc::channel();
        let until_stopped = move |stop: &Stop| {
            tell.send(()).unwrap();
            while !stop.is_asked() {
                thread::sleep(Duration::from_millis(1));
            }
            tell.send(()).unwrap();
        };
        {
            let running = turns.take(by(1, Patience::Request), 1, until_stopped);
            let mut running = std::pin::pin!(running);
            // Its first poll joins the line.
            assert!(futures_now(running.as_mut()).is_none());
            told.recv().unwrap();
            let waiting =
                turns.take(by(2, Patience::Request), 1, |_| -> () { panic!("nobody waits") });
            let mut waiting = std::pin::pin!(waiting);
            assert!(futures_now(waiting.as_mut()).is_none());
        }
        told.recv().unwrap();
        assert!(turns.shared.line().waiting.is_empty());
    }

    /// What a future gives when it is looked at once.
    fn futures_now<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        match future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        }
    }
}
