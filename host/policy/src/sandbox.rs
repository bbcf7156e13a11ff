//! Sandboxes: one store and one instance per evaluation, dropped after it.
//!
//! A trap stops a guest without running its clean-up: its locks stay locked and its memory half
//! written. Starting every evaluation from nothing is what makes a trap harmless.
//!
//! A panic of the host while a guest runs ends that run alone, as a failure of the guest's: whoever
//! finds an error of ours gains nothing by it.
//!
//! This is the border at which a guest's words become the desk's: whatever leaves a sandbox holds
//! plain texts only. (Its log is made plain where it is bounded; `description` refuses what is
//! not.)

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentNamedList, Instance, InstancePre, Lift, Lower,
};
use wasmtime::{Engine, PoolConcurrencyLimitError, Store, Trap, UpdateDeadline};

use crate::contract::{hook_export, lifecycle, lifecycle_export, v0_1};
use crate::engine::{Tick, Ticker};
use crate::guest::{Guest, Stopped};
use crate::imports::link;
use crate::plain_text::Plain as _;
use crate::{Answer, Decline, Failure, Hook, Limits, LogLevel, LogLine, Seed};

/// A component that is compiled, linked and typechecked.
pub(crate) struct Sandbox {
    pre: InstancePre<Guest>,
    describe: ComponentExportIndex,
    configure: ComponentExportIndex,
    hooks: v0_1::Hooks,
}

/// Why a component makes no sandbox.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// An export of the contract is missing.
    Missing(String),
    /// An import or export has other types than the contract.
    Shape(String),
}

impl Sandbox {
    pub(crate) fn new(engine: &Engine, component: &Component) -> Result<Self, Unfit> {
        let pre = link(engine, component).map_err(|error| Unfit::Shape(format!("{error:#}")))?;
        let exports = Exports { component, pre: &pre };
        let describe = exports.lifecycle::<lifecycle::Describe>("describe")?;
        let configure = exports.lifecycle::<lifecycle::Configure<'_>>("configure")?;
        let hooks = v0_1::Hooks::find(&exports)?;
        Ok(Self { pre, describe, configure, hooks })
    }

    pub(crate) const fn exports(&self, hook: Hook) -> bool {
        self.hooks.have(hook)
    }

    pub(crate) fn component(&self) -> &Component {
        self.pre.component()
    }

    /// Runs something in a fresh instance, within the limits.
    pub(crate) fn run<T>(
        &self,
        ticker: &Ticker,
        limits: &Limits,
        seed: Seed,
        now: &str,
        work: impl FnOnce(&mut Sandboxed<'_>) -> Result<T, Halt>,
    ) -> Evaluation<T> {
        let guest = Guest::new(limits.memory_bytes, limits.log_bytes, seed, now);
        let mut store = Store::new(self.pre.engine(), guest);
        store.limiter(|guest| &mut guest.memory);
        store.set_hostcall_fuel(limits.answer_bytes.saturating_mul(HANDED_OVER));
        arm(&mut store, ticker.tick, limits);

        let fuel_budget = limits.fuel;
        let ran = catch_unwind(AssertUnwindSafe(|| match self.pre.instantiate(&mut store) {
            Ok(instance) => {
                let mut inside =
                    Sandboxed { sandbox: self, ticker, store: &mut store, instance, fuel_budget };
                let outcome = work(&mut inside);
                (outcome, inside.fuel_budget)
            }
            Err(error) => (Err(Halt::Engine(error)), fuel_budget),
        }));
        let (outcome, budget) =
            ran.unwrap_or_else(|_| (Err(Halt::Failure(Failure::HostPanic)), fuel_budget));

        let fuel = budget.saturating_sub(store.get_fuel().unwrap_or(0));
        let guest = store.into_data();
        let refused_memory = guest.memory.refused;
        let (log, log_truncated) = guest.log.close();
        let outcome = outcome.map_err(|halt| {
            let mut failure = match halt {
                Halt::Failure(failure) => failure,
                Halt::Engine(error) => failure(&error, refused_memory, limits, &log),
            };
            failure.make_plain();
            failure
        });
        Evaluation { outcome, fuel, log, log_truncated }
    }
}

/// What came of running something in a sandbox.
pub(crate) struct Evaluation<T> {
    pub(crate) outcome: Result<T, Failure>,
    pub(crate) fuel: u64,
    pub(crate) log: Vec<LogLine>,
    pub(crate) log_truncated: bool,
}

/// Why work in a sandbox ended early.
pub(crate) enum Halt {
    /// The engine reported it; what it means is found out when the sandbox is taken down.
    Engine(wasmtime::Error),
    /// It is known what it means.
    Failure(Failure),
}

impl From<wasmtime::Error> for Halt {
    fn from(error: wasmtime::Error) -> Self {
        Self::Engine(error)
    }
}

/// The inside of a running sandbox.
pub(crate) struct Sandboxed<'a> {
    sandbox: &'a Sandbox,
    ticker: &'a Ticker,
    pub(crate) store: &'a mut Store<Guest>,
    pub(crate) instance: Instance,
    fuel_budget: u64,
}

impl Sandboxed<'_> {
    /// Starts counting fuel and time anew.
    pub(crate) fn rearm(&mut self, limits: &Limits) {
        arm(self.store, self.ticker.tick, limits);
        self.fuel_budget = limits.fuel;
    }

    pub(crate) fn describe(&mut self) -> Result<lifecycle::Description, Halt> {
        let (said,) = self.call::<lifecycle::Describe>(&self.sandbox.describe, ())?;
        Ok(said)
    }

    /// The inner error is the policy's own: what it does not like about the settings.
    pub(crate) fn configure(
        &mut self,
        settings: &str,
        data: &[lifecycle::DataFile],
        hooks: &[Hook],
    ) -> Result<Result<(), Vec<lifecycle::SettingsError>>, Halt> {
        let index = &self.sandbox.configure;
        let hooks: Vec<&str> = hooks.iter().map(|hook| hook.as_str()).collect();
        let told = (settings, data, hooks.as_slice());
        let (mut said,) = self.call::<lifecycle::Configure<'_>>(index, told)?;
        if let Err(errors) = &mut said {
            errors.make_plain();
        }
        Ok(said)
    }

    pub(crate) fn ask(
        &mut self,
        question: &v0_1::Question,
    ) -> Result<Result<Answer, Decline>, Halt> {
        let sandbox = self.sandbox;
        let mut said = sandbox.hooks.ask(self, question)?;
        said.make_plain();
        Ok(said)
    }

    pub(crate) fn call<S: Signature>(
        &mut self,
        index: &ComponentExportIndex,
        params: S::Params,
    ) -> wasmtime::Result<S::Results> {
        let function =
            self.instance.get_typed_func::<S::Params, S::Results>(&mut *self.store, index)?;
        function.call(&mut *self.store, params)
    }
}

/// A function's parameters and results, as a pair of tuples.
pub(crate) trait Signature {
    type Params: ComponentNamedList + Lower + Send + Sync;
    type Results: ComponentNamedList + Lift + Send + Sync + 'static;
}

impl<P, R> Signature for (P, R)
where
    P: ComponentNamedList + Lower + Send + Sync,
    R: ComponentNamedList + Lift + Send + Sync + 'static,
{
    type Params = P;
    type Results = R;
}

/// Looks up and typechecks exports once, so that decisions go by index.
pub(crate) struct Exports<'a> {
    component: &'a Component,
    pre: &'a InstancePre<Guest>,
}

impl Exports<'_> {
    fn lifecycle<S: Signature>(&self, function: &str) -> Result<ComponentExportIndex, Unfit> {
        let export = lifecycle_export();
        self.find::<S>(&export, function)?.ok_or(Unfit::Missing(export))
    }

    pub(crate) fn hook<S: Signature>(
        &self,
        hook: Hook,
    ) -> Result<Option<ComponentExportIndex>, Unfit> {
        self.find::<S>(&hook_export(hook.interface()), hook.as_str())
    }

    /// None if the interface is not exported. An interface without its function, or with another,
    /// is no interface of ours.
    fn find<S: Signature>(
        &self,
        export: &str,
        function: &str,
    ) -> Result<Option<ComponentExportIndex>, Unfit> {
        let Some(instance) = self.component.get_export_index(None, export) else {
            return Ok(None);
        };
        let Some((ComponentItem::ComponentFunc(ty), index)) =
            self.component.get_export(Some(&instance), function)
        else {
            return Err(Unfit::Shape(format!("`{export}` has no function `{function}`")));
        };
        ty.typecheck::<S::Params, S::Results>(&self.pre.instance_type())
            .map_err(|error| Unfit::Shape(format!("`{export}`, `{function}`: {error:#}")))?;
        Ok(Some(index))
    }
}

/// How many times its answer's limit a policy may hand over in one call before the copying itself
/// is stopped. Up to here an answer is taken and weighed, which tells exactly how large it is.
const HANDED_OVER: usize = 8;

fn arm(store: &mut Store<Guest>, tick: Tick, limits: &Limits) {
    store.set_fuel(limits.fuel).expect("the engine is configured to count fuel");
    store.set_epoch_deadline(tick.ticks(limits.deadline));
    // Epochs only say when to look at the clock: a ticker that was not scheduled makes up for
    // several ticks at once, which must not shorten the time of a policy that has just begun.
    let (began, deadline) = (Instant::now(), limits.deadline);
    store.epoch_deadline_callback(move |_| {
        Ok(match deadline.saturating_sub(began.elapsed()) {
            Duration::ZERO => UpdateDeadline::Interrupt,
            left => UpdateDeadline::Continue(tick.ticks(left)),
        })
    });
}

/// What the engine's error means. Variants are recognized by their types.
fn failure(
    error: &wasmtime::Error,
    refused_memory: bool,
    limits: &Limits,
    log: &[LogLine],
) -> Failure {
    if let Some(stopped) = error.downcast_ref::<Stopped>() {
        return match stopped {
            Stopped::OutOfFuel => Failure::OutOfFuel,
            Stopped::Refused(why) => trapped(why, log),
        };
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return match trap {
            Trap::OutOfFuel => Failure::OutOfFuel,
            Trap::Interrupt => Failure::Deadline,
            _ if refused_memory => Failure::Memory,
            trap => trapped(&trap.to_string(), log),
        };
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return Failure::Busy;
    }
    if refused_memory {
        return Failure::Memory;
    }
    if is_too_much(error) {
        return Failure::AnswerTooLarge { limit: limits.answer_bytes };
    }
    Failure::BadAnswer { message: shortened(&format!("{error:#}")) }
}

/// Whether the engine stopped copying an answer because it had become too large. Its type is
/// private to the engine, so this is the one place that goes by a text; a test provokes it, so that
/// an engine which words it differently is noticed.
fn is_too_much(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().starts_with("too much data is being copied")
}

/// A crash, with what the policy last said on its standard error: that is where a panic's message
/// is.
fn trapped(trap: &str, log: &[LogLine]) -> Failure {
    let trap = trap.strip_prefix("wasm trap: ").unwrap_or(trap);
    let said = log.iter().filter(|line| line.level == LogLevel::Error);
    let said = said.map(|line| line.message.as_str()).collect::<Vec<_>>().join(" ");
    let message = if said.is_empty() { trap.to_owned() } else { format!("{trap} ({said})") };
    Failure::Trap { message: shortened(&message) }
}

/// As much of a message as a person reads; its text may come from a hostile policy.
fn shortened(message: &str) -> String {
    const MOST: usize = 500;
    let mut kept = message.to_owned();
    if kept.len() > MOST {
        kept.truncate(kept.floor_char_boundary(MOST));
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuntimeConfig;

    /// `(module (func (export "run") (loop (br 0))))`
    const FOREVER: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\
        \x07\x07\x01\x03run\0\0\x0a\x09\x01\x07\0\x03\x40\x0c\0\x0b\x0b";

    #[test]
    fn a_panic_of_the_host_is_the_guests_failure() {
        let config = RuntimeConfig { instances: 1, ..RuntimeConfig::default() };
        let engine = crate::engine::engine(&config).unwrap();
        let ticker = Ticker::start(&engine, Duration::from_millis(1)).unwrap();
        let bytes = crate::testing::Guest::new().build();
        let component = Component::from_binary(&engine, &bytes).unwrap();
        let sandbox = Sandbox::new(&engine, &component).unwrap_or_else(|_| panic!("it fits"));
        let limits = Limits { deadline: Duration::from_secs(30), ..Limits::default() };
        let now = "2026-01-01T00:00:00Z";

        let panicked = sandbox.run(&ticker, &limits, Seed([0; 16]), now, |_| -> Result<(), Halt> {
            panic!("a test")
        });

        assert_eq!(panicked.outcome, Err(Failure::HostPanic));
        assert!(Failure::HostPanic.is_the_policys_fault());
        let after = sandbox.run(&ticker, &limits, Seed([0; 16]), now, |_| Ok(()));
        assert_eq!(after.outcome, Ok(()));
    }

    #[test]
    fn ticks_that_come_in_a_heap_end_no_policy_before_its_deadline() {
        let config = RuntimeConfig { instances: 1, ..RuntimeConfig::default() };
        let engine = crate::engine::engine(&config).unwrap();
        let ticker = Ticker::start(&engine, Duration::from_millis(1)).unwrap();
        let guest = Guest::new(1 << 20, 1 << 10, Seed([0; 16]), "2026-01-01T00:00:00Z");
        let mut store = Store::new(&engine, guest);
        let limits =
            Limits { fuel: u64::MAX / 2, deadline: Duration::from_millis(20), ..Limits::default() };
        let module = wasmtime::Module::new(&engine, FOREVER).unwrap();
        arm(&mut store, ticker.tick, &limits);
        let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
        let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
        let began = Instant::now();
        arm(&mut store, ticker.tick, &limits);
        for _ in 0..1_000 {
            engine.increment_epoch();
        }
        let ended = run.call(&mut store, ()).unwrap_err();
        assert_eq!(ended.downcast_ref(), Some(&Trap::Interrupt));
        assert!(began.elapsed() >= limits.deadline);
    }
}
