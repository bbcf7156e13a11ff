//! Circuit breakers: a binding that fails again and again at a hook is not asked there for a while.
//!
//! Closed ──failures in a row──▶ Open ──cool-down──▶ Trial ──answer──▶ Closed
//!                                 ▲                   │
//!                                 └──────failure──────┘
//!
//! Time is an argument. The table lives in memory; whoever keeps breakers beyond this process says
//! so with [`Breaker::published`], and tells with [`Breaker::adopt`] what others did to them.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use thiserror::Error;
use uuid::Uuid;

use crate::{BreakerConfig, Decision, Failure, Hook};

/// A binding at one of its revisions and one of its hooks. A new revision starts with closed
/// breakers; and what fails at one hook is asked at the others all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BreakerKey {
    /// The binding's id.
    pub binding: Uuid,
    /// The revision's number.
    pub revision: u32,
    /// The hook.
    pub hook: Hook,
}

/// The binding is not asked for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the policy failed too often and is paused until {until}")]
pub struct BreakerOpen {
    /// Since when.
    pub since: DateTime<Utc>,
    /// When a trial is let through.
    pub until: DateTime<Utc>,
}

/// The breaker has just opened. Returned once: whoever gets it tells the organization's
/// administrators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// So many failures in a row.
    pub failures: u32,
    /// When a trial will be let through.
    pub until: DateTime<Utc>,
}

#[derive(Clone, Copy)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    },
    /// One decision is under way. It is given up at `until`, in case its outcome is never recorded.
    Trial {
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    },
}

/// The breakers of all bindings that failed lately.
pub(crate) struct Breakers {
    config: BreakerConfig,
    states: Mutex<HashMap<BreakerKey, State>>,
    /// Those whose pauses others know of, so that they can end them.
    published: Mutex<HashSet<BreakerKey>>,
}

impl Breakers {
    pub(crate) fn new(config: BreakerConfig) -> Self {
        Self { config, states: Mutex::default(), published: Mutex::default() }
    }

    pub(crate) const fn of(&self, key: BreakerKey) -> Breaker<'_> {
        Breaker { table: self, key }
    }
}

/// The circuit breaker of one binding at one hook.
pub struct Breaker<'a> {
    table: &'a Breakers,
    key: BreakerKey,
}

impl Breaker<'_> {
    /// Whether the policy may be asked now. After the cool-down one caller is let through as a
    /// trial; the others wait for what comes of it.
    pub fn check(&self, now: DateTime<Utc>) -> Result<(), BreakerOpen> {
        self.with_states(|states, config| match states.get(&self.key).copied() {
            None | Some(State::Closed { .. }) => Ok(()),
            Some(State::Open { since, until } | State::Trial { since, until }) if now < until => {
                Err(BreakerOpen { since, until })
            }
            Some(State::Open { since, .. } | State::Trial { since, .. }) => {
                let until = now + config.cool_down;
                states.insert(self.key, State::Trial { since, until });
                Ok(())
            }
        })
    }

    /// Counts what came of a decision. What is not the policy's fault changes nothing.
    #[must_use = "whoever sees it open tells the administrators"]
    pub fn record(&self, decision: &Decision, now: DateTime<Utc>) -> Option<Opened> {
        match &decision.outcome {
            Ok(_) => {
                self.record_success();
                None
            }
            Err(failure) if failure.is_the_policys_fault() => self.record_failure(now),
            // Whoever was refused by the open breaker has no trial to give up: it is another's.
            Err(Failure::BreakerOpen) => None,
            Err(_) => {
                self.abandon_trial(now);
                None
            }
        }
    }

    /// Closes the breaker by hand.
    pub fn reset(&self) {
        self.published(false);
        self.with_states(|states, _| states.remove(&self.key));
    }

    /// Says whether others know of its pause.
    pub fn published(&self, is_open: bool) {
        let mut published = self.table.published.lock().unwrap_or_else(PoisonError::into_inner);
        if is_open {
            published.insert(self.key);
        } else {
            published.remove(&self.key);
        }
    }

    /// Takes over what others know: a pause that another process began, or the end of one that
    /// they knew of. What is not published yet stays as it is.
    pub fn adopt(&self, pause: Option<BreakerOpen>) {
        let Some(BreakerOpen { since, until }) = pause else {
            let mut published = self.table.published.lock().unwrap_or_else(PoisonError::into_inner);
            if published.remove(&self.key) {
                self.with_states(|states, _| states.remove(&self.key));
            }
            return;
        };
        self.published(true);
        self.with_states(|states, _| match states.get(&self.key) {
            None | Some(State::Closed { .. }) => {
                states.insert(self.key, State::Open { since, until });
            }
            Some(State::Open { .. } | State::Trial { .. }) => {}
        });
    }

    /// Since when and until when it is open, without letting a trial through.
    #[must_use]
    pub fn open(&self) -> Option<BreakerOpen> {
        self.with_states(|states, _| match states.get(&self.key).copied()? {
            State::Closed { .. } => None,
            State::Open { since, until } | State::Trial { since, until } => {
                Some(BreakerOpen { since, until })
            }
        })
    }

    fn record_success(&self) {
        self.with_states(|states, _| match states.get(&self.key) {
            Some(State::Closed { .. } | State::Trial { .. }) => {
                states.remove(&self.key);
            }
            // Open: a decision that began before, and ended too late to matter.
            None | Some(State::Open { .. }) => {}
        });
    }

    fn record_failure(&self, now: DateTime<Utc>) -> Option<Opened> {
        self.with_states(|states, config| {
            let state = states.entry(self.key).or_insert(State::Closed { failures: 0 });
            let until = now + config.cool_down;
            match *state {
                State::Closed { failures } if failures + 1 < config.failures => {
                    *state = State::Closed { failures: failures + 1 };
                    None
                }
                State::Closed { failures } => {
                    *state = State::Open { since: now, until };
                    Some(Opened { failures: failures + 1, until })
                }
                // Told already, when it opened.
                State::Trial { since, .. } => {
                    *state = State::Open { since, until };
                    None
                }
                State::Open { .. } => None,
            }
        })
    }

    /// Lets the next caller be the trial, for this one never reached the policy.
    fn abandon_trial(&self, now: DateTime<Utc>) {
        self.with_states(|states, _| {
            if let Some(state @ State::Trial { .. }) = states.get_mut(&self.key)
                && let State::Trial { since, .. } = *state
            {
                *state = State::Open { since, until: now };
            }
        });
    }

    fn with_states<T>(
        &self,
        change: impl FnOnce(&mut HashMap<BreakerKey, State>, &BreakerConfig) -> T,
    ) -> T {
        let mut states = self.table.states.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut states, &self.table.config)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Answer, answer::Nudge};

    const KEY: BreakerKey =
        BreakerKey { binding: Uuid::from_u128(1), revision: 1, hook: Hook::Route };

    fn breakers() -> Breakers {
        Breakers::new(BreakerConfig { failures: 3, cool_down: Duration::from_mins(1) })
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn decision(outcome: Result<(), Failure>) -> Decision {
        Decision {
            outcome: outcome.map(|()| Ok(Answer::Nudge(Nudge::Wait))),
            fuel: 0,
            duration: Duration::ZERO,
            log: vec![],
            log_truncated: false,
        }
    }

    fn failed() -> Decision {
        decision(Err(Failure::Deadline))
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_tells_once() {
        let breakers = breakers();
        let breaker = breakers.of(KEY);
        assert_eq!(breaker.record(&failed(), at(0)), None);
        assert_eq!(breaker.record(&failed(), at(1)), None);
        assert_eq!(breaker.record(&decision(Ok(())), at(2)), None);
        assert_eq!(breaker.record(&failed(), at(3)), None);
        assert_eq!(breaker.record(&failed(), at(4)), None);
        assert_eq!(breaker.check(at(4)), Ok(()));

        let until = at(65);
        assert_eq!(breaker.record(&failed(), at(5)), Some(Opened { failures: 3, until }));
        assert_eq!(breaker.record(&failed(), at(6)), None);
        assert_eq!(breaker.check(at(64)), Err(BreakerOpen { since: at(5), until }));
    }

    #[test]
    fn after_the_cool_down_one_trial_decides() {
        let breakers = breakers();
        let breaker = breakers.of(KEY);
        for second in 0..3 {
            let _ = breaker.record(&failed(), at(second));
        }
        assert_eq!(breaker.check(at(62)), Ok(()));
        assert!(breaker.check(at(62)).is_err(), "one trial at a time");
        assert_eq!(breaker.record(&failed(), at(63)), None, "nobody is told twice");
        assert!(breaker.check(at(122)).is_err());
        assert_eq!(breaker.check(at(123)), Ok(()));
        let _ = breaker.record(&decision(Ok(())), at(124));
        assert_eq!(breaker.check(at(124)), Ok(()));
        assert_eq!(breaker.open(), None);
    }

    #[test]
    fn a_trial_that_never_reached_the_policy_is_given_to_the_next() {
        let breakers = breakers();
        let breaker = breakers.of(KEY);
        for second in 0..3 {
            let _ = breaker.record(&failed(), at(second));
        }
        assert_eq!(breaker.check(at(100)), Ok(()));
        let _ = breaker.record(&decision(Err(Failure::Busy)), at(101));
        assert_eq!(breaker.check(at(101)), Ok(()));
    }

    #[test]
    fn whoever_is_refused_during_a_trial_does_not_end_it() {
        let breakers = breakers();
        let (owner, bystander) = (breakers.of(KEY), breakers.of(KEY));
        for second in 0..3 {
            let _ = owner.record(&failed(), at(second));
        }
        assert_eq!(owner.check(at(100)), Ok(()));
        assert!(bystander.check(at(100)).is_err());
        let _ = bystander.record(&decision(Err(Failure::BreakerOpen)), at(100));
        assert!(bystander.check(at(101)).is_err(), "one trial at a time");
        let _ = owner.record(&decision(Ok(())), at(102));
        assert_eq!(bystander.check(at(102)), Ok(()));
    }

    #[test]
    fn what_is_not_the_policys_fault_does_not_count() {
        let breakers = breakers();
        let breaker = breakers.of(KEY);
        for second in 0..9 {
            let _ = breaker.record(&decision(Err(Failure::Busy)), at(second));
        }
        assert_eq!(breaker.check(at(9)), Ok(()));
    }

    #[test]
    fn a_pause_that_others_began_or_ended_is_taken_over() {
        let breakers = breakers();
        let breaker = breakers.of(KEY);
        let pause = BreakerOpen { since: at(0), until: at(60) };
        breaker.adopt(Some(pause));
        assert_eq!(breaker.check(at(1)), Err(pause));
        breaker.adopt(None);
        assert_eq!(breaker.check(at(1)), Ok(()), "somebody has ended it");

        for second in 0..3 {
            let _ = breaker.record(&failed(), at(second));
        }
        breaker.adopt(None);
        assert!(breaker.check(at(3)).is_err(), "nobody else knows of it yet");
        breaker.published(true);
        breaker.adopt(Some(pause));
        assert_eq!(breaker.open(), Some(BreakerOpen { since: at(2), until: at(62) }));
        breaker.adopt(None);
        assert_eq!(breaker.check(at(3)), Ok(()));
    }

    #[test]
    fn revisions_and_hooks_are_apart_and_a_reset_closes() {
        let breakers = breakers();
        for second in 0..3 {
            let _ = breakers.of(KEY).record(&failed(), at(second));
        }
        assert!(breakers.of(KEY).check(at(3)).is_err());
        for other in [BreakerKey { revision: 2, ..KEY }, BreakerKey { hook: Hook::Notify, ..KEY }] {
            assert_eq!(breakers.of(other).check(at(3)), Ok(()));
        }
        breakers.of(KEY).reset();
        assert_eq!(breakers.of(KEY).check(at(3)), Ok(()));
    }
}
