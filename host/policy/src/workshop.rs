//! The workshop: the engine, what was compiled for it, and the making of what is missing.
//!
//! What comes from the compiler is authenticated and kept before it is loaded, and what is loaded
//! is either that or an artifact that was.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::artifacts::{Artifacts, Authentic, Kind, Room};
use crate::cache::Cache;
use crate::compiler::{self, Compiler, JobLimits, Stop, Unmade};
use crate::contract::lifecycle;
use crate::engine::{self, Ticker};
use crate::making::{BenchConfig, Job, Made, Phase, Ready, Recipe, Refusal, What};
use crate::prepare::{Configuration, Keys, Start, each_once, in_order};
use crate::sandbox::Sandbox;
use crate::snapshot::Reason;
use crate::turns::{NotNow, Turn};
use crate::{
    ComponentSource, DataFile, Description, Digest, Dir, Hook, Inspection, Novelty, PrepareRefused,
    Prepared, RuntimeConfig, RuntimeError, SettingsError, UploadRefused,
};

/// A component that was looked at: compiled, and described by itself.
pub(crate) struct Loaded {
    pub(crate) sandbox: Sandbox,
    pub(crate) inspection: Inspection,
}

/// What an artifact of a policy says about itself.
#[derive(Serialize, Deserialize)]
struct Header {
    description: Description,
    /// Why the artifact has no code, and the component's own is to be used.
    not_snapshotted_because: Option<Reason>,
}

/// Which organizations had which components looked at lately: a second look need not be as costly
/// as the first.
#[derive(Default)]
struct LookedAt(Mutex<VecDeque<(Uuid, Digest)>>);

impl LookedAt {
    const MOST: usize = 1_000;

    fn contains(&self, by: Uuid, digest: Digest) -> bool {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.contains(&(by, digest))
    }

    fn add(&self, by: Uuid, digest: Digest) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !looks.contains(&(by, digest)) {
            looks.truncate(Self::MOST - 1);
            looks.push_front((by, digest));
        }
    }
}

/// The bench of tests, which remembers what it looked at: nobody is to learn from the time that it
/// takes what others have, so an installation compiles the same component again for each
/// organization, and with an organization for each test that is most of what tests would do.
#[cfg(feature = "testing")]
struct InProcess {
    bench: crate::making::Bench,
    inspected: std::collections::BTreeMap<(Digest, usize), (Box<Inspection>, Vec<u8>)>,
}

#[cfg(feature = "testing")]
impl InProcess {
    const fn new(bench: crate::making::Bench) -> Self {
        Self { bench, inspected: std::collections::BTreeMap::new() }
    }

    fn run(&mut self, job: &Job) -> Result<Made, Refusal> {
        if !matches!(job.what, What::Inspect) {
            return self.bench.run(job, &mut |_| {});
        }
        let key = (Digest::of(&job.component), job.code_limit);
        if let Some((inspection, code)) = self.inspected.get(&key) {
            return Ok(Made::Inspected { inspection: inspection.clone(), code: code.clone() });
        }
        let made = self.bench.run(job, &mut |_| {})?;
        if let Made::Inspected { inspection, code } = &made {
            self.inspected.insert(key, (inspection.clone(), code.clone()));
        }
        Ok(made)
    }
}

/// The engine, and what was compiled for it.
pub(crate) struct Workshop {
    pub(crate) config: RuntimeConfig,
    pub(crate) ticker: Arc<Ticker>,
    pub(crate) policies: Cache<Prepared>,
    engine: Engine,
    fingerprint: Digest,
    artifacts: Artifacts,
    components: Cache<Loaded>,
    looked_at: LookedAt,
    /// The machine code of components with the instrumentation that snapshots need, by the digests
    /// of the components. It is never run here.
    instrumented: Cache<[u8]>,
    bench: BenchConfig,
    /// Where [`Compiler::InProcess`] works, one job at a time.
    #[cfg(feature = "testing")]
    in_process: Mutex<InProcess>,
}

impl Workshop {
    pub(crate) fn open(config: RuntimeConfig, artifacts: Dir) -> Result<Self, RuntimeError> {
        let engine = engine::engine(&config)?;
        let ticker = Arc::new(Ticker::start(&engine, config.epoch_tick)?);
        let key = config.artifact_key.clone();
        let fingerprint = engine::fingerprint(&engine);
        let room = Room { all: config.artifact_bytes, each: config.artifact_bytes_per_org };
        let artifacts = Artifacts::new(artifacts, key, fingerprint, room);
        let bench = BenchConfig::of(&config);
        let eighth = config.kept_policy_bytes / 8;
        Ok(Self {
            #[cfg(feature = "testing")]
            in_process: Mutex::new(InProcess::new(crate::making::Bench::of(
                engine.clone(),
                Arc::clone(&ticker),
                bench.clone(),
            ))),
            policies: Cache::new(config.kept_policy_bytes - 2 * eighth),
            components: Cache::new(eighth),
            looked_at: LookedAt::default(),
            instrumented: Cache::new(eighth),
            config,
            engine,
            ticker,
            fingerprint,
            artifacts,
            bench,
        })
    }

    /// Looks at an upload.
    pub(crate) fn inspect(
        &self,
        bytes: &Arc<[u8]>,
        novelty: Novelty,
        turn: Turn<'_>,
    ) -> Result<Inspection, UploadRefused> {
        let digest = self.check_size(bytes)?;
        let loaded = match novelty {
            Novelty::New if !self.looked_at.contains(turn.of, digest) => {
                self.compile(digest, bytes, turn)?
            }
            Novelty::Known | Novelty::New => self.load(digest, bytes, turn)?,
        };
        self.looked_at.add(turn.of, digest);
        Ok(loaded.inspection.clone())
    }

    /// Makes a policy, unless it was made before.
    pub(crate) fn prepare(
        &self,
        source: &dyn ComponentSource,
        component: Digest,
        settings: &str,
        data: &[DataFile],
        hooks: &[Hook],
        turn: Turn<'_>,
    ) -> Result<Arc<Prepared>, PrepareRefused> {
        self.check_sizes(settings, data).map_err(PrepareRefused::Settings)?;
        let data = in_order(data).map_err(PrepareRefused::Settings)?;
        let hooks = each_once(hooks);
        let with = Configuration { settings, data: &data, hooks: &hooks };
        let keys = Keys::of(component, with);
        if let Some(prepared) = self.recall_policy(keys, with) {
            return Ok(prepared);
        }

        let bytes = source
            .load(component)
            .map_err(|source| PrepareRefused::Missing { digest: component, source })?;
        let found = Digest::of(&bytes);
        if found != component {
            return Err(PrepareRefused::WrongBytes { expected: component, found });
        }
        let bytes = Arc::<[u8]>::from(bytes);
        self.check_size(&bytes)?;
        let loaded = self.load(component, &bytes, turn)?;
        let start = self.configure(keys, &loaded, bytes, with, turn)?;
        let description = loaded.inspection.description.clone();
        let prepared = Arc::new(Prepared { keys, description, hooks, start });
        self.policies.keep(keys.all, Arc::clone(&prepared), prepared.kept_bytes());
        Ok(prepared)
    }

    pub(crate) fn recall(
        &self,
        component: Digest,
        settings: &str,
        data: &[DataFile],
        hooks: &[Hook],
    ) -> Option<Arc<Prepared>> {
        let data = in_order(data).ok()?;
        let hooks = each_once(hooks);
        let with = Configuration { settings, data: &data, hooks: &hooks };
        self.recall_policy(Keys::of(component, with), with)
    }

    fn recall_policy(&self, keys: Keys, with: Configuration<'_>) -> Option<Arc<Prepared>> {
        if let Some(prepared) = self.policies.find(keys.all) {
            return Some(prepared);
        }
        let artifact = self.artifacts.find::<Header>(Kind::Policy, keys.all)?;
        let start = match &artifact.header.not_snapshotted_because {
            None => {
                let component = artifact.load(&self.engine)?;
                Start::Image(Sandbox::new(&self.engine, &component).ok()?)
            }
            Some(reason) => {
                let loaded = self.recall_component(keys.component)?;
                configure_each_time(loaded, with, reason.clone())
            }
        };
        let hooks = with.hooks.to_vec();
        let description = artifact.header.description;
        let prepared = Arc::new(Prepared { keys, description, hooks, start });
        self.policies.keep(keys.all, Arc::clone(&prepared), prepared.kept_bytes());
        Some(prepared)
    }

    /// The component from memory or disk, if it was looked at before.
    fn recall_component(&self, digest: Digest) -> Option<Arc<Loaded>> {
        if let Some(loaded) = self.components.find(digest) {
            return Some(loaded);
        }
        let artifact = self.artifacts.find::<Inspection>(Kind::Component, digest)?;
        self.load_component(artifact)
    }

    fn load_component(&self, artifact: Authentic<Inspection>) -> Option<Arc<Loaded>> {
        let component = artifact.load(&self.engine)?;
        let sandbox = Sandbox::new(&self.engine, &component).ok()?;
        let loaded = Arc::new(Loaded { sandbox, inspection: artifact.header });
        let digest = loaded.inspection.digest;
        self.components.keep(digest, Arc::clone(&loaded), code_bytes(&component));
        Some(loaded)
    }

    /// The component, compiled and asked to describe itself if that was not done before.
    fn load(
        &self,
        digest: Digest,
        bytes: &Arc<[u8]>,
        turn: Turn<'_>,
    ) -> Result<Arc<Loaded>, UploadRefused> {
        match self.recall_component(digest) {
            Some(loaded) => Ok(loaded),
            None => self.compile(digest, bytes, turn),
        }
    }

    /// The component, compiled and asked to describe itself now.
    fn compile(
        &self,
        digest: Digest,
        bytes: &Arc<[u8]>,
        turn: Turn<'_>,
    ) -> Result<Arc<Loaded>, UploadRefused> {
        let code_limit = compiler::code_limit(bytes.len(), 0);
        let job = Job { component: Arc::clone(bytes), code_limit, what: What::Inspect };
        let (inspection, code) = match self.make(&job, turn.stop) {
            Ok(Made::Inspected { inspection, code }) => (*inspection, code),
            Ok(Made::Prepared { .. }) => return Err(UploadRefused::NotNow(NotNow::Interrupted)),
            Err(unmade) => return Err(upload_refused(unmade)),
        };
        // Whoever had it made first owns it.
        if self.artifacts.find::<Inspection>(Kind::Component, digest).is_none() {
            self.artifacts.keep(turn.of, Kind::Component, digest, &inspection, &code);
        }
        let artifact = Authentic::from_compiler(inspection, code);
        self.load_component(artifact).ok_or(UploadRefused::NotNow(NotNow::Interrupted))
    }

    /// Has the policy take its settings, and made into what decisions start from.
    fn configure(
        &self,
        keys: Keys,
        loaded: &Arc<Loaded>,
        bytes: Arc<[u8]>,
        with: Configuration<'_>,
        turn: Turn<'_>,
    ) -> Result<Start, PrepareRefused> {
        let description = &loaded.inspection.description;
        let Ok(plain) = loaded.sandbox.component().serialize() else {
            return Err(PrepareRefused::NotNow(NotNow::Interrupted));
        };
        let configured = with.settings.len() + data_bytes(with.data);
        let code_limit = compiler::code_limit(bytes.len(), configured);
        let recipe = Recipe {
            plain,
            instrumented: self.instrumented.find(keys.component),
            description: description.clone(),
            settings: with.settings.to_owned(),
            data: with.data.to_vec(),
            hooks: with.hooks.to_vec(),
        };
        let what = What::Prepare(Box::new(recipe));
        let job = Job { component: bytes, code_limit, what };
        let (ready, instrumented) = match self.make(&job, turn.stop) {
            Ok(Made::Prepared { ready, instrumented }) => (ready, instrumented),
            Ok(Made::Inspected { .. }) => return Err(PrepareRefused::NotNow(NotNow::Interrupted)),
            Err(unmade) => return Err(prepare_refused(unmade)),
        };
        if let Some(code) = instrumented {
            let (bytes, code) = (code.len(), Arc::from(code));
            self.instrumented.keep(keys.component, code, bytes);
        }
        let header = |reason: Option<&Reason>| Header {
            description: description.clone(),
            not_snapshotted_because: reason.cloned(),
        };
        match ready {
            Ready::Image(code) => {
                let header = header(None);
                self.artifacts.keep(turn.of, Kind::Policy, keys.all, &header, &code);
                let component = Authentic::from_compiler(header, code).load(&self.engine);
                let sandbox = component.and_then(|one| Sandbox::new(&self.engine, &one).ok());
                sandbox.map(Start::Image).ok_or(PrepareRefused::NotNow(NotNow::Interrupted))
            }
            Ready::Configure(reason) => {
                tracing::info!(
                    policy.name = description.name,
                    policy.component = %keys.component,
                    reason,
                    "a policy is reconfigured for every decision"
                );
                self.artifacts.keep(turn.of, Kind::Policy, keys.all, &header(Some(&reason)), &[]);
                Ok(configure_each_time(Arc::clone(loaded), with, reason))
            }
        }
    }

    /// Has the compiler do a job.
    fn make(&self, job: &Job, stop: &Stop) -> Result<Made, Unmade> {
        match &self.config.compiler {
            Compiler::Child(program) => {
                let limits = JobLimits::of(job.component.len(), &self.config);
                compiler::run(program, limits, &self.bench, self.fingerprint, job, stop)
            }
            #[cfg(feature = "testing")]
            Compiler::InProcess => {
                let bench = self.in_process.lock();
                let mut bench = bench.unwrap_or_else(PoisonError::into_inner);
                bench.run(job).map_err(Unmade::Refused)
            }
        }
    }

    fn check_size(&self, bytes: &[u8]) -> Result<Digest, UploadRefused> {
        let limit = self.config.component_bytes;
        if bytes.len() > limit {
            return Err(UploadRefused::TooLarge { bytes: bytes.len(), limit });
        }
        Ok(Digest::of(bytes))
    }

    fn check_sizes(&self, settings: &str, data: &[DataFile]) -> Result<(), Vec<SettingsError>> {
        let limit = self.config.settings_bytes;
        if settings.len() > limit {
            let message =
                format!("the settings have {} bytes; the limit is {limit}", settings.len());
            return Err(vec![SettingsError { path: String::new(), message }]);
        }
        let (bytes, limit) = (data_bytes(data), self.config.data_bytes);
        match data.iter().max_by_key(|file| file.content.len()) {
            Some(largest) if bytes > limit => {
                let message =
                    format!("the data files have {bytes} bytes in total; the limit is {limit}");
                Err(vec![SettingsError { path: format!("data:{}", largest.name), message }])
            }
            _ => Ok(()),
        }
    }
}

/// What a compiled component takes of the memory that shelves count.
pub(crate) fn code_bytes(component: &Component) -> usize {
    let image = component.image_range();
    image.end.addr() - image.start.addr()
}

fn data_bytes(data: &[DataFile]) -> usize {
    data.iter().map(|file| file.content.len()).sum()
}

fn configure_each_time(loaded: Arc<Loaded>, with: Configuration<'_>, reason: Reason) -> Start {
    Start::Configure {
        loaded,
        settings: with.settings.to_owned(),
        data: lifecycle::lower_files(with.data),
        reason,
    }
}

fn upload_refused(unmade: Unmade) -> UploadRefused {
    match unmade {
        Unmade::Refused(Refusal::Component(refused)) => refused,
        Unmade::TooCostly { phase: _, limit } => UploadRefused::TooCostly { limit },
        Unmade::Failed { message } => UploadRefused::compiler_failed(&message),
        // An inspection has no settings to refuse.
        Unmade::Refused(Refusal::Settings(_) | Refusal::Configure(_)) | Unmade::Interrupted => {
            UploadRefused::NotNow(NotNow::Interrupted)
        }
    }
}

fn prepare_refused(unmade: Unmade) -> PrepareRefused {
    match unmade {
        Unmade::Refused(Refusal::Settings(errors)) => PrepareRefused::Settings(errors),
        Unmade::Refused(Refusal::Configure(failure)) => PrepareRefused::Configure(failure),
        Unmade::TooCostly { phase: Phase::Settings, limit } => {
            let message = format!(
                "checking these settings against the policy's schema takes more than {limit}; \
                 shorten long texts, or have the schema simplified"
            );
            PrepareRefused::Settings(vec![SettingsError { path: String::new(), message }])
        }
        unmade @ (Unmade::Refused(Refusal::Component(_))
        | Unmade::TooCostly { .. }
        | Unmade::Failed { .. }
        | Unmade::Interrupted) => upload_refused(unmade).into(),
    }
}
