//! One guest: what a store holds for the policy that runs in it, and nothing else.

use chrono::DateTime;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use wasmtime::{ResourceLimiter, StoreContextMut};

use crate::engine::TABLE_ELEMENTS;
use crate::guest_log::GuestLog;
use crate::{LogLevel, Seed};

/// The state behind a policy's imports.
pub(crate) struct Guest {
    pub(crate) log: GuestLog,
    pub(crate) memory: Memory,
    pub(crate) random: Random,
    /// The decision's time, as the context has it.
    now: String,
    /// How many handles of the host's resources the policy holds.
    pub(crate) handles: u32,
}

/// Why the host stopped a policy inside one of its imports.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Stopped {
    /// The call used up the fuel.
    #[error("the fuel was used up by calls to the host")]
    OutOfFuel,
    /// The policy asked to end, or for something that it cannot have.
    #[error("{0}")]
    Refused(String),
}

/// The fuel that a call to the host costs, so that a flood of calls ends as surely as a loop.
const CALL_FUEL: u64 = 200;

impl Guest {
    pub(crate) fn new(memory_limit: usize, log_limit: usize, seed: Seed, now: &str) -> Self {
        Self {
            log: GuestLog::new(log_limit),
            memory: Memory::new(memory_limit),
            random: Random::new(seed),
            now: now.to_owned(),
            handles: 0,
        }
    }

    /// The time that the policy's clocks stand still at.
    pub(crate) fn clock(&self) -> Result<Clock, Stopped> {
        let now = DateTime::parse_from_rfc3339(&self.now)
            .map_err(|_| Stopped::Refused("the decision's time is not RFC 3339".to_owned()))?;
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        Ok(Clock { seconds, nanoseconds: now.timestamp_subsec_nanos() })
    }

    pub(crate) fn write_line(&mut self, level: LogLevel, text: &str) {
        self.log.line(level, text);
    }
}

/// Takes the price of one call to the host, and of the bytes that it moves.
pub(crate) fn charge(store: &mut StoreContextMut<'_, Guest>, bytes: usize) -> wasmtime::Result<()> {
    let price = CALL_FUEL.saturating_add(bytes as u64);
    let left = store.get_fuel()?.saturating_sub(price);
    store.set_fuel(left)?;
    if left == 0 {
        return Err(Stopped::OutOfFuel.into());
    }
    Ok(())
}

/// A moment on the guest's clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    pub(crate) seconds: u64,
    pub(crate) nanoseconds: u32,
}

/// Bounds all linear memories of a guest together, and notes when it was refused more.
pub(crate) struct Memory {
    pub(crate) limit: usize,
    used: usize,
    granted_last: usize,
    /// Whether the guest was ever refused. A trap after that is told as a lack of memory, which is
    /// what its author has to know.
    pub(crate) refused: bool,
}

impl Memory {
    const fn new(limit: usize) -> Self {
        Self { limit, used: 0, granted_last: 0, refused: false }
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let granted = self.used.checked_add(more).is_some_and(|used| used <= self.limit);
        self.granted_last = if granted { more } else { 0 };
        self.used += self.granted_last;
        self.refused |= !granted;
        Ok(granted)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.used -= self.granted_last;
        self.granted_last = 0;
        self.refused = true;
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = desired <= TABLE_ELEMENTS;
        self.refused |= !granted;
        Ok(granted)
    }
}

/// Random numbers that follow from a seed: SHA-256 of the seed and a counter. The definition must
/// not change, or old receipts no longer re-execute.
pub(crate) struct Random {
    seed: Seed,
    block: u64,
    left: Vec<u8>,
}

impl Random {
    const fn new(seed: Seed) -> Self {
        Self { seed, block: 0, left: Vec::new() }
    }

    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.next_byte();
        }
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn next_byte(&mut self) -> u8 {
        loop {
            if let Some(byte) = self.left.pop() {
                return byte;
            }
            let mut hasher = Sha256::new();
            hasher.update(self.seed.0);
            hasher.update(self.block.to_le_bytes());
            self.block += 1;
            self.left.extend_from_slice(&hasher.finalize());
            self.left.reverse();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_numbers_follow_from_the_seed() {
        let numbers = |seed| {
            let mut random = Random::new(Seed([seed; 16]));
            [
                random.next_u64(),
                random.next_u64(),
                random.next_u64(),
                random.next_u64(),
                random.next_u64(),
            ]
        };
        assert_eq!(numbers(1), numbers(1));
        assert_ne!(numbers(1), numbers(2));
        // The definition itself: an old receipt must see the same numbers.
        let block = Sha256::new().chain_update([1; 16]).chain_update([0; 8]).finalize();
        assert_eq!(numbers(1)[0].to_le_bytes(), block[..8]);
    }

    #[test]
    fn memories_are_bounded_together() {
        let mut memory = Memory::new(100);
        assert!(memory.memory_growing(0, 60, None).unwrap());
        assert!(memory.memory_growing(0, 40, None).unwrap());
        assert!(!memory.refused);
        assert!(!memory.memory_growing(40, 41, None).unwrap());
        assert!(memory.refused);
    }

    #[test]
    fn a_growth_that_failed_does_not_count() {
        let mut memory = Memory::new(100);
        assert!(memory.memory_growing(0, 60, None).unwrap());
        memory.memory_grow_failed(wasmtime::Error::msg("no room")).unwrap();
        assert!(memory.memory_growing(0, 100, None).unwrap());
    }

    #[test]
    fn the_clock_stands_at_the_decisions_time() {
        let clock = |now| Guest::new(0, 0, Seed([0; 16]), now).clock();
        let expected = Clock { seconds: 1_780_302_600, nanoseconds: 250_000_000 };
        assert_eq!(clock("2026-06-01T08:30:00.25Z"), Ok(expected));
        assert!(clock("yesterday").is_err());
    }
}
