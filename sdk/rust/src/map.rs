//! A map that hashes alike in every instance: the standard one would ask the host for randomness.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

pub(crate) type Map<K, V> = HashMap<K, V, BuildHasherDefault<Fnv>>;

/// Fowler, Noll and Vo's hash, 32 bits wide like a sandbox's registers. Its keys come from an
/// administrator, so nobody gains by making them collide.
#[derive(Debug)]
pub(crate) struct Fnv(u32);

impl Default for Fnv {
    fn default() -> Self {
        Self(0x811c_9dc5)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        // The map takes the place from the low bits and a tag from the highest seven.
        let hash = u64::from(self.0);
        hash | (hash.wrapping_mul(0x9e37_79b9) << 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u32(byte.into());
    }

    // What an enumeration's case is hashed as.
    fn write_isize(&mut self, case: isize) {
        self.write_u32(u32::try_from(case).unwrap_or(u32::MAX));
    }

    fn write_usize(&mut self, length: usize) {
        self.write_u32(u32::try_from(length).unwrap_or(u32::MAX));
    }

    fn write_u32(&mut self, number: u32) {
        // Nodes and symbols are small and dense; one multiplication spreads them.
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9);
        self.0 ^= self.0 >> 15;
    }
}
