//! Shelves: compiled policies in memory, the longest unused of which go when there are too many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Digest;

/// A bounded place for shared values.
pub(crate) struct Cache<T: ?Sized> {
    limit: usize,
    kept: Mutex<Kept<T>>,
}

struct Kept<T: ?Sized> {
    items: HashMap<Digest, Item<T>>,
    bytes: usize,
    /// Counts uses: the order of the last ones.
    uses: u64,
}

struct Item<T: ?Sized> {
    value: Arc<T>,
    bytes: usize,
    last_use: u64,
}

impl<T: ?Sized> Cache<T> {
    pub(crate) fn new(limit: usize) -> Self {
        let kept = Kept { items: HashMap::new(), bytes: 0, uses: 0 };
        Self { limit, kept: Mutex::new(kept) }
    }

    pub(crate) fn find(&self, key: Digest) -> Option<Arc<T>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let uses = kept.uses;
        let item = kept.items.get_mut(&key)?;
        item.last_use = uses;
        Some(Arc::clone(&item.value))
    }

    /// Keeps a value. What somebody holds elsewhere stays too: letting go of it would free nothing,
    /// and make a second one.
    pub(crate) fn keep(&self, key: Digest, value: Arc<T>, bytes: usize) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let last_use = kept.uses;
        kept.bytes += bytes;
        if let Some(before) = kept.items.insert(key, Item { value, bytes, last_use }) {
            kept.bytes -= before.bytes;
        }
        while kept.bytes > self.limit {
            let unused = kept
                .items
                .iter()
                .filter(|(other, item)| **other != key && Arc::strong_count(&item.value) == 1)
                .min_by_key(|(_, item)| item.last_use)
                .map(|(key, _)| *key);
            let Some(unused) = unused else { return };
            if let Some(item) = kept.items.remove(&unused) {
                kept.bytes -= item.bytes;
            }
        }
    }

    /// How many values are kept.
    pub(crate) fn len(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).items.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Digest {
        Digest::of(name.as_bytes())
    }

    #[test]
    fn the_longest_unused_goes_first() {
        let cache = Cache::new(20);
        cache.keep(key("a"), Arc::new(1), 10);
        cache.keep(key("b"), Arc::new(2), 10);
        assert!(cache.find(key("a")).is_some());
        cache.keep(key("c"), Arc::new(3), 10);
        assert_eq!(cache.len(), 2);
        assert!(cache.find(key("b")).is_none());
        assert!(cache.find(key("a")).is_some() && cache.find(key("c")).is_some());
    }

    #[test]
    fn what_is_in_use_stays() {
        let cache = Cache::new(10);
        let used = Arc::new(1);
        cache.keep(key("a"), Arc::clone(&used), 10);
        cache.keep(key("b"), Arc::new(2), 10);
        assert!(cache.find(key("a")).is_some());
    }

    #[test]
    fn the_newest_stays_even_if_it_is_too_large() {
        let cache = Cache::new(10);
        cache.keep(key("a"), Arc::new(1), 99);
        assert!(cache.find(key("a")).is_some());
    }
}
