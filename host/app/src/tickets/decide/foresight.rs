//! Foresight: how long a preview goes on.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// What the drafts of one preview share: whether more policies may be asked for it. No breaker
/// counts what fails in a preview, so one stalling policy would be waited for again and again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Foresight(Arc<AtomicBool>);

impl Foresight {
    /// Asks no more policies: one stalled, or nobody waits for the answer any more.
    pub(crate) fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether no more policies are asked.
    pub(crate) fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Ends a foresight when whoever waits for it goes away.
pub(super) struct Receiver(pub(super) Foresight);

impl Drop for Receiver {
    fn drop(&mut self) {
        self.0.end();
    }
}
