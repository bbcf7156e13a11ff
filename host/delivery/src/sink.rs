//! The sink: keeps messages in memory, so that a test can look at them.

use std::sync::{Arc, Mutex, PoisonError};

use waypost_domain::message::Message;

use crate::{Transport, Undelivered};

/// Takes every message and remembers it, or refuses as it is told. Clones share what they took.
#[derive(Debug, Clone, Default)]
pub struct Sink {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    taken: Vec<Message>,
    refusals: Vec<Undelivered>,
}

impl Sink {
    /// What it took so far, in order; a repeat is there twice.
    #[must_use]
    pub fn taken(&self) -> Vec<Message> {
        self.inner().taken.clone()
    }

    /// Empties it and returns what was in it.
    #[must_use]
    pub fn empty(&self) -> Vec<Message> {
        std::mem::take(&mut self.inner().taken)
    }

    /// Refuses the next messages, one for each refusal, in this order.
    pub fn refuse_next(&self, mut refusals: Vec<Undelivered>) {
        refusals.reverse();
        self.inner().refusals = refusals;
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        // What is behind the lock is whole between any two statements, whoever panicked.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Sink {
    async fn send(&self, message: &Message) -> Result<(), Undelivered> {
        let mut inner = self.inner();
        if let Some(refusal) = inner.refusals.pop() {
            return Err(refusal);
        }
        inner.taken.push(message.clone());
        Ok(())
    }
}
