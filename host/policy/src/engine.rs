//! The engine: how WebAssembly is compiled and where it runs.

use std::hash::{Hash, Hasher};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
};

use crate::contract::WIT_VERSION;
use crate::runtime::ENGINE_VERSION;
use crate::{Digest, RuntimeConfig, RuntimeError};

/// The most linear memories of one component. Toolchains make one; a second leaves room for tricks.
pub(crate) const MEMORIES: u32 = 2;

/// The most tables of one component: the language's own, the adapter's, and those of shared
/// libraries.
pub(crate) const TABLES: u32 = 8;

/// The most elements of one table. An interpreter's has some 15,000.
pub(crate) const TABLE_ELEMENTS: usize = 65_536;

/// The most core instances of one component. Python's has some thirty: interpreter, libraries,
/// shims.
pub(crate) const CORE_INSTANCES: u32 = 128;

/// What the engine keeps about one instance beside its memories.
const INSTANCE_BYTES: usize = 4 * 1024 * 1024;

/// The native stack of a policy. A deeper recursion is a trap.
const STACK_BYTES: usize = 512 * 1024;

/// How much of a table is reset by copying instead of by a system call.
const RESIDENT_TABLE_BYTES: usize = 32 * 1024;

/// Memory that the pool grants above a policy's own limit, for the pages that taking a snapshot
/// adds.
pub(crate) const SNAPSHOT_SLACK: usize = 1024 * 1024;

/// Makes the engine of an installation.
pub(crate) fn engine(config: &RuntimeConfig) -> Result<Engine, RuntimeError> {
    // Places for decisions, and one for each component that is being looked at or configured.
    let places = config.instances.saturating_add(config.concurrent_compiles).max(2);

    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(places)
        .total_core_instances(places.saturating_mul(CORE_INSTANCES))
        .total_memories(places.saturating_mul(MEMORIES))
        .total_tables(places.saturating_mul(TABLES))
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_memories_per_module(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_tables_per_module(TABLES)
        .table_elements(TABLE_ELEMENTS)
        .max_memory_size(config.memory_bytes + SNAPSHOT_SLACK)
        .max_component_instance_size(INSTANCE_BYTES)
        .max_core_instance_size(INSTANCE_BYTES)
        .linear_memory_keep_resident(config.resident_bytes)
        .table_keep_resident(RESIDENT_TABLE_BYTES)
        // Has shown one instance's memory to the next. Memory protection keys, which have too, are
        // not compiled in.
        .pagemap_scan(Enabled::No);

    let mut settings = Config::new();
    settings
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .memory_init_cow(true)
        // The image of a configured policy is sparse. Without this a large one would be written
        // anew for each decision.
        .memory_guaranteed_dense_image_size(config.memory_bytes as u64)
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES)
        // Policies compute and never wait; component async costs every call.
        .concurrency_support(false)
        // The bits of a NaN differ between processors, and a receipt must re-execute to the same
        // bytes on any.
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .cranelift_opt_level(OptLevel::Speed)
        // Traps are told by their code. A backtrace would be walked and allocated for each, and
        // never shown.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false);
    Engine::new(&settings).map_err(|error| RuntimeError::Engine(format!("{error:#}")))
}

/// What an artifact depends on beside its component: engine, configuration, processor, contract.
pub(crate) fn fingerprint(engine: &Engine) -> Digest {
    let mut hasher = Sha256Hasher(Sha256::new());
    ENGINE_VERSION.hash(&mut hasher);
    WIT_VERSION.hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    Digest::from(<[u8; 32]>::from(hasher.0.finalize()))
}

/// Collects what a `Hash` writes: the engine offers its compatibility only as one.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest: [u8; 32] = self.0.clone().finalize().into();
        u64::from_le_bytes(*digest.first_chunk().expect("a SHA-256 has more than eight bytes"))
    }
}

/// The thread that advances the engine's epoch, by which deadlines are enforced. It ends when this
/// is dropped.
pub(crate) struct Ticker {
    pub(crate) tick: Tick,
    _stop: mpsc::Sender<()>,
    #[cfg(test)]
    thread: std::thread::JoinHandle<()>,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine, tick: Duration) -> Result<Self, RuntimeError> {
        let tick = tick.max(Duration::from_micros(100));
        let (stop, stopped) = mpsc::channel();
        // Weak, so that the thread keeps no engine alive, and with it a pool of some hundred
        // gigabytes of address space.
        let engine = engine.weak();
        let run = move || {
            let mut next = Instant::now() + tick;
            loop {
                let wait = next.saturating_duration_since(Instant::now());
                match stopped.recv_timeout(wait) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
                let Some(engine) = engine.upgrade() else { return };
                // A thread that was not scheduled for a while has several ticks to make up for.
                let now = Instant::now();
                while next <= now {
                    engine.increment_epoch();
                    next += tick;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("policy-epoch".to_owned())
            .spawn(run)
            .map_err(RuntimeError::Ticker)?;
        #[cfg(not(test))]
        drop(thread);
        Ok(Self {
            tick: Tick(tick),
            _stop: stop,
            #[cfg(test)]
            thread,
        })
    }
}

/// How often the epoch advances.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tick(Duration);

impl Tick {
    /// How many ticks a duration takes, at least.
    pub(crate) fn ticks(self, duration: Duration) -> u64 {
        let ticks = duration.as_nanos().div_ceil(self.0.as_nanos());
        // One more, because the first tick may come at once.
        u64::try_from(ticks).unwrap_or(u64::MAX / 2).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ticker_ends_when_it_is_dropped() {
        let engine = Engine::default();
        let ticker = Ticker::start(&engine, Duration::from_millis(1)).unwrap();
        let Ticker { _stop: stop, thread, .. } = ticker;
        assert!(!thread.is_finished());
        drop(stop);
        thread.join().unwrap();
    }

    #[test]
    fn the_ticker_ends_when_the_engine_is_gone() {
        let engine = Engine::default();
        let ticker = Ticker::start(&engine, Duration::from_millis(1)).unwrap();
        drop(engine);
        ticker.thread.join().unwrap();
    }

    #[test]
    fn a_duration_is_at_least_so_many_ticks() {
        let tick = Tick(Duration::from_millis(2));
        assert_eq!(tick.ticks(Duration::from_millis(3)), 3);
        assert_eq!(tick.ticks(Duration::ZERO), 1);
    }
}
