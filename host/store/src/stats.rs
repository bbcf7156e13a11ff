//! How often the database is asked. Timings on a shared machine prove little; these counts are
//! exact, so tests hold each command to a budget of them.

use std::sync::atomic::{AtomicU64, Ordering};

/// What the database was asked since the store was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Statements, or several of them that were sent together: each is a round trip to a PostgreSQL
    /// server, or a hand-over to the thread of a SQLite connection and back. That a transaction
    /// which has only read is ended is left out: nobody waits for it.
    pub trips: u64,
    /// Transactions that were begun, those of readers too.
    pub transactions: u64,
    /// Commits that the database made durable. On SQLite one may hold several transactions.
    pub commits: u64,
}

impl StoreStats {
    /// What was asked since an earlier moment.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            trips: self.trips.saturating_sub(earlier.trips),
            transactions: self.transactions.saturating_sub(earlier.transactions),
            commits: self.commits.saturating_sub(earlier.commits),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    trips: AtomicU64,
    transactions: AtomicU64,
    commits: AtomicU64,
}

impl Counters {
    pub(crate) fn trip(&self) {
        self.trips.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn transaction(&self) {
        self.transactions.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> StoreStats {
        StoreStats {
            trips: self.trips.load(Ordering::Relaxed),
            transactions: self.transactions.load(Ordering::Relaxed),
            commits: self.commits.load(Ordering::Relaxed),
        }
    }
}
