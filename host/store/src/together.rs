//! Questions of one kind, asked together: what comes in while some are being answered is asked in
//! the next statement, all of it at once. Nobody waits for company.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use crate::{Store, StoreError};

/// How many questions one statement asks at most.
const MOST: usize = 64;

/// Where questions of one kind wait. Clones share it.
pub(crate) struct Together<Q, A>(Arc<Mutex<Line<Q, A>>>);

struct Line<Q, A> {
    waiting: Vec<Asking<Q, A>>,
    /// Whether somebody asks them.
    is_seen_to: bool,
}

struct Asking<Q, A> {
    question: Q,
    tell: oneshot::Sender<Result<A, StoreError>>,
}

impl<Q, A> Clone for Together<Q, A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Q, A> Default for Together<Q, A> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Line { waiting: Vec::new(), is_seen_to: false })))
    }
}

impl<Q, A> fmt::Debug for Together<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Together").finish_non_exhaustive()
    }
}

impl<Q: Send + 'static, A: Send + 'static> Together<Q, A> {
    /// Asks a question, with those that come in at the same time. `answers` has the answers to
    /// questions, in their order.
    pub(crate) async fn ask<F>(
        &self,
        store: &Store,
        question: Q,
        answers: fn(Store, Vec<Q>) -> F,
    ) -> Result<A, StoreError>
    where
        F: Future<Output = Result<Vec<Result<A, StoreError>>, StoreError>> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let is_first = {
            let mut line = self.line();
            line.waiting.push(Asking { question, tell });
            !std::mem::replace(&mut line.is_seen_to, true)
        };
        if is_first {
            // A task of its own: whoever goes away takes nobody else's question along.
            let turn = Turn { of: self.clone(), is_over: false };
            tokio::spawn(see_to(turn, store.clone(), answers));
        }
        told.await.unwrap_or(Err(StoreError::Busy))
    }

    fn line(&self) -> MutexGuard<'_, Line<Q, A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who sees to the line.
struct Turn<Q, A> {
    of: Together<Q, A>,
    is_over: bool,
}

impl<Q: Send + 'static, A: Send + 'static> Turn<Q, A> {
    /// The next questions; none is the end of the turn.
    fn next(&mut self) -> Vec<Asking<Q, A>> {
        let mut line = self.of.line();
        // Whoever has gone away asks nothing any more.
        line.waiting.retain(|one| !one.tell.is_closed());
        let many = line.waiting.len().min(MOST);
        line.is_seen_to = many > 0;
        self.is_over = many == 0;
        line.waiting.drain(..many).collect()
    }
}

impl<Q, A> Drop for Turn<Q, A> {
    fn drop(&mut self) {
        if !self.is_over {
            // It ended before its time: nobody is to wait behind it for ever.
            let mut line = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
            line.waiting.clear();
            line.is_seen_to = false;
        }
    }
}

async fn see_to<Q: Send + 'static, A: Send + 'static, F>(
    mut turn: Turn<Q, A>,
    store: Store,
    answers: fn(Store, Vec<Q>) -> F,
) where
    F: Future<Output = Result<Vec<Result<A, StoreError>>, StoreError>> + Send,
{
    loop {
        let asking = turn.next();
        if asking.is_empty() {
            return;
        }
        let (questions, tell): (Vec<Q>, Vec<_>) =
            asking.into_iter().map(|one| (one.question, one.tell)).unzip();
        match answers(store.clone(), questions).await {
            Ok(answers) => {
                for (tell, answer) in tell.into_iter().zip(answers) {
                    // Who stopped waiting does not hear it.
                    let _: Result<(), _> = tell.send(answer);
                }
            }
            Err(error) => {
                let why = Arc::new(error);
                for tell in tell {
                    let _: Result<(), _> = tell.send(Err(StoreError::shared(&why)));
                }
            }
        }
    }
}

/// The questions, with their places.
pub(crate) fn placed<Q>(questions: &[Q]) -> Vec<(i64, &Q)> {
    (0..).zip(questions).collect()
}

/// The answers to so many questions, from rows that name their places; none where there is no row.
pub(crate) fn answers<R, A>(
    many: usize,
    rows: Vec<R>,
    read: impl Fn(R) -> (i64, Result<A, StoreError>),
) -> Vec<Result<Option<A>, StoreError>> {
    let mut answers: Vec<_> = std::iter::repeat_with(|| Ok(None)).take(many).collect();
    for (place, answer) in rows.into_iter().map(read) {
        if let Some(to) = usize::try_from(place).ok().and_then(|place| answers.get_mut(place)) {
            *to = answer.map(Some);
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoreOptions;

    async fn fail(_: Store, _: Vec<u8>) -> Result<Vec<Result<u8, StoreError>>, StoreError> {
        panic!("as a fault of the program does")
    }

    async fn double(_: Store, all: Vec<u8>) -> Result<Vec<Result<u8, StoreError>>, StoreError> {
        tokio::task::yield_now().await;
        Ok(all.into_iter().map(|one| Ok(one * 2)).collect())
    }

    #[tokio::test]
    async fn nobody_waits_behind_whoever_asked_and_failed() {
        let store = Store::connect("sqlite::memory:", &StoreOptions::default()).await.unwrap();
        let together = Together::default();
        let (a, b) = tokio::join!(together.ask(&store, 1, fail), together.ask(&store, 2, fail));
        assert!(a.is_err() && b.is_err(), "{a:?}, {b:?}");
        let (a, b) = tokio::join!(together.ask(&store, 1, double), together.ask(&store, 2, double));
        assert_eq!((a.unwrap(), b.unwrap()), (2, 4));
    }

    #[tokio::test]
    async fn whoever_has_gone_away_is_not_asked_for() {
        let store = Store::connect("sqlite::memory:", &StoreOptions::default()).await.unwrap();
        let together = Together::default();
        tokio::select! {
            biased;
            _ = together.ask(&store, 1, double) => panic!("nobody has asked yet"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(together.ask(&store, 3, double).await.unwrap(), 6);
        assert!(together.line().waiting.is_empty());
    }
}
