//! Snapshots: a component whose memory is already that of a configured policy.
//!
//! Wizer adds exports to a component that show its memories and globals; the instrumented component
//! is configured; what it then holds is written back as its initial state. It cannot do so for
//! every component, and says why not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use wasmtime::component::{Lift, WasmList};
use wasmtime_wizer::{ComponentContext, ComponentInstanceState, Wizer};

use crate::Limits;
use crate::sandbox::Sandboxed;

/// A component that Wizer can look into.
pub(crate) struct Instrumented<'a> {
    wizer: Wizer,
    context: ComponentContext<'a>,
    pub(crate) component: Vec<u8>,
}

/// Why a policy starts from no snapshot, for its author.
pub(crate) type Reason = String;

/// The instance that Wizer's exports are in.
const ACCESS: &str = "wasmtime:wizer/access";

/// Reading a memory out is work of the host's making, and no hook's; it is bounded all the same.
const READING: Limits = Limits {
    fuel: 100_000_000,
    deadline: Duration::from_secs(10),
    memory_bytes: 0,
    input_bytes: 0,
    answer_bytes: 0,
    log_bytes: 0,
};

/// Adds Wizer's exports to a valid component.
pub(crate) fn instrument(component: &[u8]) -> Result<Instrumented<'_>, Reason> {
    // Wizer panics where it meets what it has no code for.
    let instrumented = catch_unwind(AssertUnwindSafe(|| {
        let mut wizer = Wizer::new();
        wizer.keep_init_func(true);
        let (context, component) = wizer.instrument_component(component)?;
        Ok::<_, wasmtime::Error>(Instrumented { wizer, context, component })
    }));
    match instrumented {
        Ok(Ok(instrumented)) => Ok(instrumented),
        Ok(Err(error)) => Err(format!("{error:#}")),
        Err(_) => Err("the component has a structure that snapshots do not support".to_owned()),
    }
}

impl Instrumented<'_> {
    /// Takes the snapshot of a configured instance of the instrumented component: a component
    /// again.
    pub(crate) fn snapshot(&self, inside: &mut Sandboxed<'_>) -> Result<Vec<u8>, Reason> {
        let handles = inside.store.data().handles;
        if handles > 0 {
            return Err(format!(
                "`configure` leaves {handles} host handles open, such as standard output"
            ));
        }
        inside.rearm(&READING);
        // Each reading of a memory adds a page to it, twice.
        let memory = &mut inside.store.data_mut().memory;
        memory.limit = memory.limit.saturating_add(crate::engine::SNAPSHOT_SLACK);
        // A memory goes through in one piece.
        let whole = memory.limit.saturating_mul(2);
        inside.store.set_hostcall_fuel(whole);

        let mut state = Reader { inside, failed: None };
        let taken = catch_unwind(AssertUnwindSafe(|| {
            let future = pin!(self.wizer.snapshot_component(&self.context, &mut state));
            match future.poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(taken) => taken.map_err(|error| format!("{error:#}")),
                Poll::Pending => Err("reading the memory did not end".to_owned()),
            }
        }));
        if let Some(reason) = state.failed {
            return Err(reason);
        }
        taken.unwrap_or_else(|_| {
            Err("the memory has a structure that snapshots do not support".to_owned())
        })
    }
}

/// Calls Wizer's exports. They cannot report an error, so the first is kept, and what was read
/// after it is thrown away.
struct Reader<'a, 'b> {
    inside: &'a mut Sandboxed<'b>,
    failed: Option<Reason>,
}

impl Reader<'_, '_> {
    fn read<R: Lift + Send + Sync + 'static>(
        &mut self,
        instance: &str,
        function: &str,
    ) -> Option<R> {
        debug_assert_eq!(instance, ACCESS);
        match self.try_read(instance, function) {
            Ok(value) => Some(value),
            Err(error) => {
                self.failed.get_or_insert_with(|| format!("reading the memory: {error:#}"));
                None
            }
        }
    }

    fn try_read<R: Lift + Send + Sync + 'static>(
        &mut self,
        instance: &str,
        function: &str,
    ) -> wasmtime::Result<R> {
        let Sandboxed { store, instance: guest, .. } = &mut *self.inside;
        let missing = || wasmtime::Error::msg("an export of the instrumentation is missing");
        let access = guest.get_export_index(&mut **store, None, instance).ok_or_else(missing)?;
        let index =
            guest.get_export_index(&mut **store, Some(&access), function).ok_or_else(missing)?;
        let function = guest.get_typed_func::<(), (R,)>(&mut **store, &index)?;
        Ok(function.call(&mut **store, ())?.0)
    }
}

impl ComponentInstanceState for Reader<'_, '_> {
    async fn call_func_ret_list_u8(
        &mut self,
        instance: &str,
        func: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        match self.read::<WasmList<u8>>(instance, func) {
            Some(list) => contents(list.as_le_slice(&*self.inside.store)),
            None => contents(&[]),
        }
    }

    async fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> i32 {
        self.read(instance, func).unwrap_or(0)
    }

    async fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> i64 {
        self.read(instance, func).unwrap_or(0)
    }

    async fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> u32 {
        self.read(instance, func).map_or(0, f32::to_bits)
    }

    async fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> u64 {
        self.read(instance, func).map_or(0, f64::to_bits)
    }
}
