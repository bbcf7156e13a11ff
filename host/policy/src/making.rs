//! Making: how bytes become a policy that can be asked. They are checked, compiled, described and
//! configured.
//!
//! All of it is work on what a stranger sent. Counts bound what can be counted (see `shape`); the
//! rest has no bound of its own in memory or time. So it happens in a child process, which can be
//! ended: see [`crate::compiler`].

use std::error::Error;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::artifacts::Authentic;
use crate::contract::{WIT_VERSION, hook_export, lifecycle};
use crate::engine::{self, Ticker};
use crate::prepare::{Configuration, Keys};
use crate::sandbox::{Sandbox, Sandboxed, Unfit};
use crate::settings::SettingsSchema;
use crate::shape::{self, Shape};
use crate::snapshot::{Reason, instrument};
use crate::{
    DataFile, Description, Digest, Failure, Hook, Inspection, Limits, RuntimeConfig, RuntimeError,
    Seed, SettingsError, UploadRefused,
};

/// What there is to make.
pub(crate) struct Job {
    /// The component's bytes.
    pub(crate) component: Arc<[u8]>,
    /// The most bytes of machine code, with the image of the memory in it.
    pub(crate) code_limit: usize,
    pub(crate) what: What,
}

pub(crate) enum What {
    /// A component as it was uploaded: is it a policy, and what does it say about itself?
    Inspect,
    /// A component that was inspected, with settings and data.
    Prepare(Box<Recipe>),
}

/// What a component is prepared with.
pub(crate) struct Recipe {
    /// Its own machine code, from when it was inspected.
    pub(crate) plain: Vec<u8>,
    /// The machine code of the instrumented component, if it was made before.
    pub(crate) instrumented: Option<Arc<[u8]>>,
    pub(crate) description: Description,
    pub(crate) settings: String,
    /// In the order of their names.
    pub(crate) data: Vec<DataFile>,
    /// In the order of [`Hook::ALL`], each once.
    pub(crate) hooks: Vec<Hook>,
}

impl Recipe {
    pub(crate) fn configuration(&self) -> Configuration<'_> {
        Configuration { settings: &self.settings, data: &self.data, hooks: &self.hooks }
    }
}

/// What was made.
pub(crate) enum Made {
    Inspected {
        inspection: Box<Inspection>,
        code: Vec<u8>,
    },
    Prepared {
        ready: Ready,
        /// The machine code of the instrumented component, if it had to be made.
        instrumented: Option<Vec<u8>>,
    },
}

/// What decisions can start from.
pub(crate) enum Ready {
    /// The machine code of the configured policy.
    Image(Vec<u8>),
    /// The component as it is, for this reason.
    Configure(Reason),
}

/// Why nothing was made, as far as the component, the settings and the data are to blame.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Refusal {
    Component(UploadRefused),
    /// At least one error.
    Settings(Vec<SettingsError>),
    Configure(Failure),
}

impl From<UploadRefused> for Refusal {
    fn from(refused: UploadRefused) -> Self {
        Self::Component(refused)
    }
}

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// It is read and its shape is checked.
    Reading,
    /// The component, the instrumented one or the image is compiled.
    Compiling,
    /// The policy says who it is.
    Describing,
    /// Settings are checked against the schema.
    Settings,
    /// The policy takes its settings.
    Configuring,
}

impl Phase {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Compiling => "compiling",
            Self::Describing => "describing",
            Self::Settings => "settings",
            Self::Configuring => "configuring",
        }
    }
}

/// What a bench has to know of the installation, so that what it makes can be used there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BenchConfig {
    /// Machine code depends on it.
    pub(crate) memory_bytes: usize,
    pub(crate) epoch_tick: Duration,
    /// The limits of `describe` and `configure`.
    pub(crate) configure: Limits,
    /// The most memory that making takes in a child, for the words of a refusal.
    pub(crate) compile_memory_bytes: usize,
}

impl BenchConfig {
    pub(crate) fn of(config: &RuntimeConfig) -> Self {
        Self {
            memory_bytes: config.memory_bytes,
            epoch_tick: config.epoch_tick,
            configure: config.configure.clone(),
            compile_memory_bytes: config.compile_memory_bytes,
        }
    }
}

/// Where policies are made.
pub(crate) struct Bench {
    engine: Engine,
    ticker: Arc<Ticker>,
    config: BenchConfig,
}

/// The time on a policy's clocks while it is described or configured, which happens once for
/// decisions at any time.
const NO_TIME: &str = "1970-01-01T00:00:00Z";

impl Bench {
    /// One with an engine of its own, for one job at a time.
    pub(crate) fn open(config: BenchConfig) -> Result<Self, RuntimeError> {
        let engine = engine::engine(&RuntimeConfig {
            instances: 1,
            concurrent_compiles: 1,
            memory_bytes: config.memory_bytes,
            ..RuntimeConfig::default()
        })?;
        let ticker = Arc::new(Ticker::start(&engine, config.epoch_tick)?);
        Ok(Self { engine, ticker, config })
    }

    /// One that shares an engine.
    #[cfg(feature = "testing")]
    pub(crate) const fn of(engine: Engine, ticker: Arc<Ticker>, config: BenchConfig) -> Self {
        Self { engine, ticker, config }
    }

    /// What its engine makes depends on.
    pub(crate) fn fingerprint(&self) -> Digest {
        engine::fingerprint(&self.engine)
    }

    /// Does a job, and tells each phase as it begins.
    pub(crate) fn run(&self, job: &Job, begin: &mut dyn FnMut(Phase)) -> Result<Made, Refusal> {
        match &job.what {
            What::Inspect => self.inspect(job, begin),
            What::Prepare(recipe) => self.prepare(job, recipe, begin),
        }
    }

    fn inspect(&self, job: &Job, begin: &mut dyn FnMut(Phase)) -> Result<Made, Refusal> {
        let bytes = &job.component;
        begin(Phase::Reading);
        let shape = shape::read(bytes, self.config.memory_bytes)?;
        shape.check_names()?;
        let digest = Digest::of(bytes);
        begin(Phase::Compiling);
        let component = self.compile(bytes)?;
        let sandbox = self.sandbox(&component)?;
        begin(Phase::Describing);
        let description = self.describe(&sandbox, digest)?;
        check_hooks(&description, &sandbox, &shape)?;
        let code = serialized(&component)?;
        if code.len() > job.code_limit {
            let what = format!("{} bytes of machine code", code.len());
            return Err(UploadRefused::TooBig { what, limit: job.code_limit }.into());
        }
        let Shape { imports, exports, .. } = shape;
        let inspection = Box::new(Inspection {
            digest,
            size: bytes.len(),
            wit_version: WIT_VERSION.to_owned(),
            imports,
            exports,
            description,
        });
        Ok(Made::Inspected { inspection, code })
    }

    /// Lets the policy take its settings, and makes an image of what it then is, if that can be
    /// done.
    fn prepare(
        &self,
        job: &Job,
        recipe: &Recipe,
        begin: &mut dyn FnMut(Phase),
    ) -> Result<Made, Refusal> {
        begin(Phase::Settings);
        SettingsSchema::compile(&recipe.description.settings_schema)
            .map_err(|message| UploadRefused::SettingsSchema { message })?
            .check(&recipe.settings)
            .map_err(Refusal::Settings)?;

        begin(Phase::Compiling);
        let component = Digest::of(&job.component);
        let with = recipe.configuration();
        let seed = seed_of(Keys::of(component, with).all);
        let files = lifecycle::lower_files(&recipe.data);
        let mut made = None;
        let shape = shape::read(&job.component, self.config.memory_bytes)?;
        let instrumented = if shape.has_resources {
            let reason = "the component has resources of its own, whose handles no image keeps";
            Err(reason.to_owned())
        } else {
            instrument(&job.component).and_then(|instrumented| {
                let sandbox = self.instrumented(recipe, &instrumented.component, &mut made)?;
                Ok((instrumented, sandbox))
            })
        };
        let ready = match instrumented {
            Ok((instrumented, sandbox)) => {
                begin(Phase::Configuring);
                let taken = self.configured(&sandbox, seed, with, &files, |inside| {
                    instrumented.snapshot(inside)
                })?;
                begin(Phase::Compiling);
                let image = taken.and_then(|image| self.image(job, recipe, component, &image));
                image.map_or_else(Ready::Configure, Ready::Image)
            }
            Err(reason) => {
                let sandbox = self.plain(job, recipe)?;
                begin(Phase::Configuring);
                self.configured(&sandbox, seed, with, &files, |_| ())?;
                Ready::Configure(reason)
            }
        };
        // What is as large as that is made again for other settings.
        let instrumented = made.filter(|code| code.len() <= job.code_limit);
        Ok(Made::Prepared { ready, instrumented })
    }

    /// The component as it is, from the code that was made when it was inspected.
    fn plain(&self, job: &Job, recipe: &Recipe) -> Result<Sandbox, UploadRefused> {
        let component = match Authentic::from_parent(&recipe.plain).load(&self.engine) {
            Some(component) => component,
            None => self.compile(&job.component)?,
        };
        self.sandbox(&component)
    }

    /// The instrumented component, whose code is the same for all settings.
    fn instrumented(
        &self,
        recipe: &Recipe,
        bytes: &[u8],
        made: &mut Option<Vec<u8>>,
    ) -> Result<Sandbox, Reason> {
        let known = recipe.instrumented.as_deref();
        let known = known.and_then(|code| Authentic::from_parent(code).load(&self.engine));
        let component = if let Some(component) = known {
            component
        } else {
            let component = self.compile(bytes).map_err(|error| error.to_string())?;
            *made = component.serialize().ok();
            component
        };
        self.sandbox(&component).map_err(|error| error.to_string())
    }

    fn compile(&self, bytes: &[u8]) -> Result<Component, UploadRefused> {
        // A panic of the compiler is the component's doing, and has its own code.
        match catch_unwind(AssertUnwindSafe(|| Component::from_binary(&self.engine, bytes))) {
            Ok(Ok(component)) => Ok(component),
            Ok(Err(error)) if lacks_memory(&error) => Err(UploadRefused::TooCostly {
                limit: Cost::Memory { bytes: self.config.compile_memory_bytes },
            }),
            Ok(Err(error)) => Err(UploadRefused::invalid(&format!("{error:#}"))),
            Err(_) => {
                let message = "it panicked".to_owned();
                Err(UploadRefused::CompilerFailed { message })
            }
        }
    }

    fn sandbox(&self, component: &Component) -> Result<Sandbox, UploadRefused> {
        Sandbox::new(&self.engine, component).map_err(|unfit| match unfit {
            Unfit::Missing(export) => UploadRefused::MissingExport { export },
            Unfit::Shape(message) => UploadRefused::wrong_shape(&message),
        })
    }

    /// Asks for the description. The seed is the component's own, so that it says the same every
    /// time.
    fn describe(&self, sandbox: &Sandbox, digest: Digest) -> Result<Description, UploadRefused> {
        let limits = &self.config.configure;
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method itself is not general enough over its lifetimes"
        )]
        let described =
            sandbox.run(&self.ticker, limits, seed_of(digest), NO_TIME, |inside| inside.describe());
        let said = described.outcome.map_err(UploadRefused::Describe)?;
        let description = Description::from_guest(said)
            .map_err(|message| UploadRefused::Description { message })?;
        SettingsSchema::compile(&description.settings_schema)
            .map_err(|message| UploadRefused::SettingsSchema { message })?;
        Ok(description)
    }

    /// Runs `configure` and then, inside the configured policy, something else.
    fn configured<T>(
        &self,
        sandbox: &Sandbox,
        seed: Seed,
        with: Configuration<'_>,
        files: &[lifecycle::DataFile],
        then: impl FnOnce(&mut Sandboxed<'_>) -> T,
    ) -> Result<T, Refusal> {
        let limits = &self.config.configure;
        let evaluation = sandbox.run(&self.ticker, limits, seed, NO_TIME, |inside| {
            Ok(match inside.configure(with.settings, files, with.hooks)? {
                Ok(()) => Ok(then(inside)),
                Err(errors) => Err(errors),
            })
        });
        match evaluation.outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(errors)) => Err(Refusal::Settings(said_errors(errors))),
            Err(failure) => Err(Refusal::Configure(failure)),
        }
    }

    /// Compiles a snapshot and makes sure that it still is the same policy.
    fn image(
        &self,
        job: &Job,
        recipe: &Recipe,
        digest: Digest,
        image: &[u8],
    ) -> Result<Vec<u8>, Reason> {
        let component = self.compile(image).map_err(|error| error.to_string())?;
        let sandbox = self.sandbox(&component).map_err(|error| error.to_string())?;
        match self.describe(&sandbox, digest) {
            Ok(description) if description == recipe.description => {}
            Ok(_) => return Err("its image describes itself differently".to_owned()),
            Err(refused) => return Err(format!("its image does not work: {refused}")),
        }
        let code = serialized(&component).map_err(|error| error.to_string())?;
        if code.len() > job.code_limit {
            let limit = job.code_limit;
            return Err(format!("its image has {} bytes; the limit is {limit}", code.len()));
        }
        Ok(code)
    }
}

/// What making was not given more of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cost {
    /// Memory.
    Memory {
        /// The most of it.
        bytes: usize,
    },
    /// Time.
    Time {
        /// The most of it.
        seconds: u64,
    },
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Memory { bytes } => write!(f, "{} MiB of memory", bytes / (1024 * 1024)),
            Self::Time { seconds } => write!(f, "{seconds} s"),
        }
    }
}

/// Whether the system refused memory: not what is wrong with a component, but what it costs.
fn lacks_memory(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause: &(dyn Error + 'static)| {
        let io = cause.downcast_ref::<io::Error>();
        io.is_some_and(|error| error.kind() == io::ErrorKind::OutOfMemory)
            || cause.downcast_ref::<rustix::io::Errno>() == Some(&rustix::io::Errno::NOMEM)
    })
}

fn serialized(component: &Component) -> Result<Vec<u8>, UploadRefused> {
    component.serialize().map_err(|error| UploadRefused::compiler_failed(&format!("{error:#}")))
}

/// The seed for what is done once with a component or a policy.
fn seed_of(digest: Digest) -> Seed {
    let (seed, _) = digest.as_bytes().split_at(16);
    Seed(seed.try_into().expect("a half of 32 bytes has 16"))
}

fn check_hooks(
    description: &Description,
    sandbox: &Sandbox,
    shape: &Shape,
) -> Result<(), UploadRefused> {
    let missing = description.hooks.iter().map(|served| served.hook).find(|hook| {
        !sandbox.exports(*hook) || !shape.exports.contains(&hook_export(hook.interface()))
    });
    match missing {
        None => Ok(()),
        Some(hook) => {
            let export = hook_export(hook.interface());
            Err(UploadRefused::HookNotExported { hook, export })
        }
    }
}

/// The most errors of a policy that are told at once, and the most characters of each.
const TOLD: usize = 20;
const TOLD_CHARS: usize = 500;

/// The policy's own errors, of which there is at least one.
fn said_errors(errors: Vec<lifecycle::SettingsError>) -> Vec<SettingsError> {
    if errors.is_empty() {
        let message = "the policy rejected the settings without a reason".to_owned();
        return vec![SettingsError { path: String::new(), message }];
    }
    let told = |text: String| match text.char_indices().nth(TOLD_CHARS) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    };
    errors
        .into_iter()
        .take(TOLD)
        .map(|error| SettingsError { path: told(error.path), message: told(error.message) })
        .collect()
}
