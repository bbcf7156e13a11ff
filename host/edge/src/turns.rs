//! Turns: how many requests run at the same moment, shared fairly among organizations and callers.
//!
//! Each caller may use an equal part of the turns: all of them who is alone, one who is among many.
//! A request that finds no turn waits. A turn that becomes free goes to the organization that has
//! the fewest running requests, there to the caller who has the fewest, and of their requests to
//! the one that came first. So whoever sends a thousand requests waits for them, and nobody else
//! does.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;
use uuid::Uuid;
use waypost_app::Caller;

/// Who has not asked for this long does not count among those who share the turns.
const LATELY: Duration = Duration::from_secs(1);

/// Whose request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Asker {
    org: Uuid,
    /// The token's id, or the person's.
    caller: Uuid,
}

impl From<&Caller> for Asker {
    fn from(caller: &Caller) -> Self {
        let token = caller.token.map(|token| token.0);
        let who = token.or(caller.person().map(|person| person.0));
        Self { org: caller.org.0, caller: who.unwrap_or_default() }
    }
}

/// How many requests may run and wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TurnLimits {
    /// How many run at the same moment.
    pub(crate) at_once: usize,
    /// How many of one organization do, so that its slow requests never hold all turns.
    pub(crate) per_org: usize,
    /// How many of one caller wait; more are refused.
    pub(crate) waiting_per_caller: usize,
    /// How many wait in all.
    pub(crate) waiting: usize,
}

/// The turns of a group of routes.
#[derive(Debug)]
pub struct Turns {
    limits: TurnLimits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    by_org: HashMap<Uuid, usize>,
    by_asker: HashMap<Asker, usize>,
    /// Who has asked lately, and when last: those among whom the turns are shared.
    lately: HashMap<Asker, Instant>,
    /// In the order in which they came.
    waiting: VecDeque<(Asker, oneshot::Sender<Turn>)>,
}

/// The right to run, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    of: Asker,
}

/// Why a request may not even wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// This caller has too many of them.
    OfCaller,
    /// All callers together have.
    OfAll,
}

impl Turns {
    pub(crate) fn new(limits: TurnLimits) -> Arc<Self> {
        Arc::new(Self { limits, state: Mutex::default() })
    }

    /// Waits for a turn.
    pub(crate) async fn take(self: &Arc<Self>, of: Asker) -> Result<Turn, Full> {
        let mine = {
            let mut state = self.state();
            state.note(of);
            // Whoever waits while a turn is free waits for a turn of their organization.
            if state.may_run(&self.limits, of) {
                state.start(of);
                return Ok(Turn { turns: Arc::clone(self), of });
            }
            state.queue(&self.limits, of)?
        };
        // The sender is kept in the queue until it has sent.
        mine.await.map_err(|_| Full::OfAll)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        state.end(self.of);
        let mut started = Vec::new();
        while let Some(next) = state.next(&self.turns.limits) {
            started.push(next);
        }
        drop(state);
        for (of, waiting) in started {
            // Whoever is gone gives it back at once, and it goes to the next.
            drop(waiting.send(Self { turns: Arc::clone(&self.turns), of }));
        }
    }
}

impl State {
    /// Remembers who asks, for a while.
    fn note(&mut self, of: Asker) {
        let now = Instant::now();
        self.lately.retain(|_, asked| now.duration_since(*asked) < LATELY);
        self.lately.insert(of, now);
    }

    fn may_run(&self, limits: &TurnLimits, of: Asker) -> bool {
        let share = (limits.at_once / self.lately.len().max(1)).max(1);
        self.running < limits.at_once
            && count(&self.by_org, &of.org) < limits.per_org
            && count(&self.by_asker, &of) < share
    }

    fn start(&mut self, of: Asker) {
        self.running += 1;
        *self.by_org.entry(of.org).or_default() += 1;
        *self.by_asker.entry(of).or_default() += 1;
    }

    fn end(&mut self, of: Asker) {
        self.running -= 1;
        lower(&mut self.by_org, of.org);
        lower(&mut self.by_asker, of);
    }

    fn queue(&mut self, limits: &TurnLimits, of: Asker) -> Result<oneshot::Receiver<Turn>, Full> {
        let has_room = |state: &Self| {
            let own = state.waiting.iter().filter(|(one, _)| *one == of).count();
            if own >= limits.waiting_per_caller {
                return Err(Full::OfCaller);
            }
            if state.waiting.len() >= limits.waiting { Err(Full::OfAll) } else { Ok(()) }
        };
        if has_room(self).is_err() {
            // Clients that went away keep no place.
            self.waiting.retain(|(_, waiting)| !waiting.is_closed());
            has_room(self)?;
        }
        let (sender, receiver) = oneshot::channel();
        self.waiting.push_back((of, sender));
        Ok(receiver)
    }

    /// Starts the request that is next.
    fn next(&mut self, limits: &TurnLimits) -> Option<(Asker, oneshot::Sender<Turn>)> {
        let rank = |(place, (of, _)): &(usize, &(Asker, oneshot::Sender<Turn>))| {
            (count(&self.by_org, &of.org), count(&self.by_asker, of), *place)
        };
        let waiting = self.waiting.iter().enumerate();
        let (place, _) =
            waiting.filter(|(_, (of, _))| self.may_run(limits, *of)).min_by_key(rank)?;
        let (of, sender) = self.waiting.remove(place)?;
        self.start(of);
        Some((of, sender))
    }
}

fn count<K: Eq + Hash>(of: &HashMap<K, usize>, key: &K) -> usize {
    of.get(key).copied().unwrap_or(0)
}

fn lower<K: Eq + Hash>(of: &mut HashMap<K, usize>, key: K) {
    let left = count(of, &key).saturating_sub(1);
    if left == 0 {
        of.remove(&key);
    } else {
        of.insert(key, left);
    }
}

/// A sum that callers share, such as the bytes of all bodies that are read.
#[derive(Debug)]
pub struct Budget {
    whole: usize,
    /// As much one caller may take.
    per_caller: usize,
    taken: Mutex<HashMap<Asker, usize>>,
}

/// A part of a budget, until it is dropped.
#[derive(Debug)]
pub(crate) struct Part {
    budget: Arc<Budget>,
    of: Asker,
    amount: usize,
}

impl Budget {
    pub(crate) fn new(whole: usize, per_caller: usize) -> Arc<Self> {
        Arc::new(Self { whole, per_caller, taken: Mutex::default() })
    }

    /// Takes a part if it is left.
    pub(crate) fn take(self: &Arc<Self>, of: Asker, amount: usize) -> Result<Part, Full> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if count(&taken, &of) + amount > self.per_caller {
            return Err(Full::OfCaller);
        }
        if taken.values().sum::<usize>() + amount > self.whole {
            return Err(Full::OfAll);
        }
        *taken.entry(of).or_default() += amount;
        Ok(Part { budget: Arc::clone(self), of, amount })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut taken = self.budget.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let left = count(&taken, &self.of).saturating_sub(self.amount);
        if left == 0 {
            taken.remove(&self.of);
        } else {
            taken.insert(self.of, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::pin, task::Poll};

    use super::*;

    const LIMITS: TurnLimits =
        TurnLimits { at_once: 2, per_org: 2, waiting_per_caller: 3, waiting: 5 };

    fn asker(org: u128, caller: u128) -> Asker {
        Asker { org: Uuid::from_u128(org), caller: Uuid::from_u128(caller) }
    }

    /// Polls once, as far as it goes without waiting.
    async fn poll<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Poll<T> {
        let mut future = pin!(future);
        std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
    }

    #[tokio::test]
    async fn whoever_has_the_fewest_running_is_next() {
        let turns = Turns::new(LIMITS);
        let (greedy, modest) = (asker(1, 1), asker(2, 1));
        let first = turns.take(greedy).await.unwrap();
        let second = turns.take(greedy).await.unwrap();
        let mut third = Box::pin(turns.take(greedy));
        assert!(poll(&mut third).await.is_pending());
        let mut other = Box::pin(turns.take(modest));
        assert!(poll(&mut other).await.is_pending());

        drop(first);
        let Poll::Ready(of_modest) = poll(&mut other).await else { panic!("it is their turn") };
        assert!(poll(&mut third).await.is_pending());
        drop(second);
        let Poll::Ready(third) = poll(&mut third).await else { panic!("a turn is free") };
        drop((of_modest, third));
        assert_eq!(turns.state().running, 0);
        assert!(turns.state().by_org.is_empty() && turns.state().by_asker.is_empty());
    }

    #[tokio::test]
    async fn who_is_alone_may_use_every_turn_and_who_is_among_many_one() {
        let turns = Turns::new(TurnLimits { at_once: 4, per_org: 4, ..LIMITS });
        let alone = asker(1, 1);
        let mut running = Vec::new();
        for _ in 0..4 {
            running.push(turns.take(alone).await.unwrap());
        }
        running.clear();
        for caller in 2..=4 {
            drop(turns.take(asker(1, caller)).await.unwrap());
        }
        let _one = turns.take(alone).await.unwrap();
        assert!(poll(&mut Box::pin(turns.take(alone))).await.is_pending());
    }

    #[tokio::test]
    async fn slow_requests_of_one_organization_leave_turns_to_the_others() {
        let turns = Turns::new(TurnLimits { per_org: 1, ..LIMITS });
        let _slow = turns.take(asker(1, 1)).await.unwrap();
        let mut second = Box::pin(turns.take(asker(1, 2)));
        assert!(poll(&mut second).await.is_pending());
        assert!(turns.take(asker(2, 1)).await.is_ok());
    }

    #[tokio::test]
    async fn a_caller_who_sends_too_many_is_told_and_no_other_is() {
        let turns = Turns::new(LIMITS);
        let (greedy, modest) = (asker(1, 1), asker(1, 2));
        let _running = (turns.take(greedy).await.unwrap(), turns.take(greedy).await.unwrap());
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(turns.take(greedy))).collect();
        for one in &mut waiting {
            assert!(poll(one).await.is_pending());
        }
        assert_eq!(turns.take(greedy).await.unwrap_err(), Full::OfCaller);
        let mut other = Box::pin(turns.take(modest));
        assert!(poll(&mut other).await.is_pending());
        // Whoever went away leaves their place in the queue.
        drop(waiting.pop());
        let mut again = Box::pin(turns.take(greedy));
        assert!(poll(&mut again).await.is_pending());
    }

    #[tokio::test]
    async fn a_turn_of_somebody_who_went_away_goes_to_the_next() {
        let turns = Turns::new(TurnLimits { at_once: 1, per_org: 1, ..LIMITS });
        let running = turns.take(asker(1, 1)).await.unwrap();
        let mut gone = Box::pin(turns.take(asker(1, 1)));
        assert!(poll(&mut gone).await.is_pending());
        let mut next = Box::pin(turns.take(asker(1, 2)));
        assert!(poll(&mut next).await.is_pending());
        drop(gone);
        drop(running);
        assert!(poll(&mut next).await.is_ready());
    }

    #[test]
    fn a_caller_takes_no_more_of_a_budget_than_their_part() {
        let budget = Budget::new(10, 6);
        let first = budget.take(asker(1, 1), 6).unwrap();
        assert_eq!(budget.take(asker(1, 1), 1).unwrap_err(), Full::OfCaller);
        assert_eq!(budget.take(asker(1, 2), 5).unwrap_err(), Full::OfAll);
        let _second = budget.take(asker(1, 2), 4).unwrap();
        drop(first);
        assert!(budget.take(asker(1, 1), 6).is_ok());
    }
}
