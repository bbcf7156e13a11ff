//! The desk: everything a use case works with.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;
use waypost_domain::ids::TicketId;
use waypost_policy::PolicyRuntime;
use waypost_store::{Store, WriteTx};

use crate::{
    Caller, CommandError, Entropy,
    configuration::Configurations,
    hashing::Hashing,
    idempotency::{self, Keys},
    layers::PreparedRevisions,
    numbers::Numbers,
    quotas::Quotas,
    tickets::intake::Intake,
};

/// What a use case works with. Cheap to clone; every front end holds one.
#[derive(Clone)]
pub struct Desk {
    /// Where records are kept.
    pub(crate) store: Store,
    /// Where policies run.
    pub(crate) runtime: Arc<PolicyRuntime>,
    /// Where ids and secrets come from.
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Configurations that were read before.
    pub(crate) configurations: Arc<Configurations>,
    /// Policies that were configured before, by revision.
    pub(crate) prepared: Arc<PreparedRevisions>,
    /// Ticket numbers that were taken in advance.
    pub(crate) numbers: Arc<Numbers>,
    /// Where commands wait that start over.
    pub(crate) queues: Arc<Queues>,
    /// Where new tickets wait that are decided on together.
    pub(crate) intake: Arc<Intake>,
    /// Requests with an idempotency key that are under way.
    pub(crate) keys: Arc<Keys>,
    /// Where passwords are hashed.
    pub(crate) hashing: Arc<Hashing>,
    /// When it was found ready.
    ready_at: Arc<Mutex<Option<Instant>>>,
    /// What the operator set.
    pub(crate) options: DeskOptions,
}

/// Queues of commands, in one of which each ticket has its place. There are so many that two
/// tickets which are busy at the same moment hardly share one.
pub(crate) struct Queues([Mutex<()>; QUEUES]);

const QUEUES: usize = 1024;

impl Default for Queues {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl Queues {
    /// Waits until nobody else of this process starts over at the ticket. Whoever has a turn takes
    /// no other.
    pub(crate) async fn turn(&self, ticket: TicketId) -> MutexGuard<'_, ()> {
        // Its last bytes are random.
        let bytes = ticket.0.into_bytes();
        let place = usize::from(u16::from_be_bytes([bytes[14], bytes[15]])) % QUEUES;
        self.0[place].lock().await
    }
}

/// How long the desk counts as ready after it was found so.
const READY_FOR: Duration = Duration::from_secs(1);

/// What an operator can set about the desk.
#[derive(Debug, Clone)]
pub struct DeskOptions {
    /// How long an idempotency key is remembered, in hours.
    pub idempotency_hours: u32,
    /// How often a command starts over when somebody else changed the ticket meanwhile.
    pub stale_retries: u32,
    /// How long a policy may compute for one decision, in milliseconds of wall clock, where its
    /// binding says nothing.
    pub deadline_ms: u32,
    /// The most instructions that a binding may allow its policy for one decision.
    pub max_fuel: u64,
    /// The longest that a binding may let its policy compute, in milliseconds of wall clock.
    pub max_deadline_ms: u32,
    /// What the policies of an organization may take of the database.
    pub quotas: Quotas,
    /// How many bytes of the configurations of organizations are kept in memory.
    pub configuration_kept_bytes: usize,
    /// Whether people may sign in with passwords.
    pub passwords: bool,
    /// Whether a configuration that was kept is compared with what is stored whenever it is used:
    /// for tests.
    pub checks_configurations: bool,
}

impl Default for DeskOptions {
    fn default() -> Self {
        Self {
            idempotency_hours: 24,
            stale_retries: 64,
            deadline_ms: 50,
            max_fuel: 1_000_000_000,
            max_deadline_ms: 1_000,
            quotas: Quotas::default(),
            configuration_kept_bytes: 256 * 1024 * 1024,
            passwords: false,
            checks_configurations: false,
        }
    }
}

impl DeskOptions {
    /// How long a policy may compute for one decision, where its binding says nothing.
    pub(crate) fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms.into())
    }
}

impl Desk {
    /// A desk over an open store and a running policy runtime.
    #[must_use]
    pub fn new(
        store: Store,
        runtime: Arc<PolicyRuntime>,
        entropy: Arc<dyn Entropy>,
        options: DeskOptions,
    ) -> Self {
        Self {
            store,
            runtime,
            entropy,
            configurations: Arc::default(),
            prepared: Arc::default(),
            numbers: Arc::default(),
            queues: Arc::default(),
            intake: Arc::default(),
            keys: Arc::default(),
            hashing: Arc::default(),
            ready_at: Arc::default(),
            options,
        }
    }

    /// Whether people may sign in with passwords.
    #[must_use]
    pub fn takes_passwords(&self) -> bool {
        self.options.passwords
    }

    /// How many passwords this desk has hashed so far, whatever came of it.
    #[must_use]
    pub fn passwords_hashed(&self) -> u64 {
        self.hashing.done()
    }

    /// Whether commands can be carried out: the database answers, can write, and has every table of
    /// this version. Everybody may ask, so a success is remembered for a second.
    ///
    /// # Errors
    /// What the database says instead.
    pub async fn ready(&self) -> Result<bool, CommandError> {
        let mut known = self.ready_at.lock().await;
        if known.is_some_and(|at| at.elapsed() < READY_FOR) {
            return Ok(true);
        }
        *known = None;
        if self.store.pending_migrations().await? > 0 {
            return Ok(false);
        }
        self.store.try_to_write().await?;
        *known = Some(Instant::now());
        Ok(true)
    }

    /// Ends what is under way, before the process ends: keeps the answers that repeats are to get,
    /// and gives back what was taken in advance, ticket numbers that no ticket has got.
    ///
    /// # Errors
    /// What the database says. Those numbers are a gap then, which does no harm.
    pub async fn give_back(&self) -> Result<(), CommandError> {
        self.keys.are_kept().await;
        Ok(self.numbers.give_back(&self.store).await?)
    }

    /// The transaction of a command's changes. A request that may be sent again is noted in it as
    /// carried out: a repeat finds both or neither.
    pub(crate) async fn write(&self, caller: &Caller) -> Result<WriteTx, CommandError> {
        self.write_for(&[caller]).await
    }

    /// As [`Desk::write`], for what several callers of one organization asked for.
    pub(crate) async fn write_for(&self, callers: &[&Caller]) -> Result<WriteTx, CommandError> {
        let Some(first) = callers.first() else { return Err(CommandError::Busy) };
        let mut tx = self.store.write(first.org).await?;
        for caller in callers {
            tx = tx.noted_in(&caller.commit);
        }
        idempotency::carry_out(self, callers, &mut tx).await?;
        Ok(tx)
    }

    /// A new id at the caller's time.
    pub(crate) fn id(&self, caller: &Caller) -> Uuid {
        self.entropy.id(caller.now)
    }
}
