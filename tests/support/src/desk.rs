//! The desk under test.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::Router;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;
use waypost_api::ApiState;
use waypost_app::{
    Caller, Clock, Desk, DeskOptions, Entropy, Quotas, audit, organizations, outbox::Leaving,
    tokens,
};
use waypost_delivery::{
    Delivered, Housekeeping, HousekeepingOptions, Sink, Swept, Undelivered, Worker, WorkerOptions,
};
use waypost_domain::message::{Message, NotSent};
use waypost_edge::{Edge, RequestOptions};
use waypost_policy::{PolicyRuntime, RuntimeConfig};
use waypost_store::{Store, StoreOptions, organization, outbox, testing};
use waypost_web::{Site, WebState};

use crate::{Client, Org, Proxy, Visitor, policy};

/// Tells the time that the test sets. Starts on Monday 2026-06-01 at 09:00 UTC, in working hours.
#[derive(Clone)]
pub struct TestClock(Arc<Mutex<DateTime<Utc>>>);

impl TestClock {
    fn new() -> Self {
        let start = DateTime::from_timestamp(1_780_304_400, 0).expect("2026-06-01 09:00 is a time");
        Self(Arc::new(Mutex::new(start)))
    }

    /// Lets time pass.
    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ids and secrets by counting: different each time and on each desk, the same in every run.
struct Counted {
    test: [u8; 3],
    count: AtomicU32,
}

impl Counted {
    /// The runtime is one for all desks, and keeps its breakers and fair shares by id: no two desks
    /// may share one.
    fn of(test: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        test.hash(&mut hasher);
        let [a, b, c, ..] = hasher.finish().to_be_bytes();
        Self { test: [a, b, c], count: AtomicU32::new(0) }
    }

    fn next(&self) -> [u8; 4] {
        self.count.fetch_add(1, Ordering::Relaxed).to_be_bytes()
    }
}

impl Entropy for Counted {
    fn id(&self, now: DateTime<Utc>) -> Uuid {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6] = 0x70;
        bytes[8] = 0x80;
        // The last two bytes are not the ones that tell ids apart: evaluations have others there.
        bytes[9..13].copy_from_slice(&self.next());
        bytes[13..].copy_from_slice(&self.test);
        Uuid::from_bytes(bytes)
    }

    fn secret(&self) -> [u8; 32] {
        let mut secret = [0x5a; 32];
        secret[..3].copy_from_slice(&self.test);
        secret[3..7].copy_from_slice(&self.next());
        secret
    }
}

/// Does something else first, once, when a secret is asked for.
struct Meanwhile {
    own: Arc<dyn Entropy>,
    work: Mutex<Option<Work>>,
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Entropy for Meanwhile {
    fn id(&self, now: DateTime<Utc>) -> Uuid {
        self.own.id(now)
    }

    fn secret(&self) -> [u8; 32] {
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(work) = work {
            let handle = tokio::runtime::Handle::current();
            tokio::task::block_in_place(|| handle.block_on(work));
        }
        self.own.secret()
    }
}

/// A whole desk: its doors, its clock, its store, its mailbox.
///
/// A desk that is dropped while there are messages that its test has not looked at fails the test:
/// somebody would have got a mail that nobody thought of.
pub struct TestDesk {
    /// The desk's time.
    pub clock: TestClock,
    /// What every front end calls.
    pub desk: Desk,
    /// Where its records are, for tests that look behind the doors.
    pub store: Store,
    entropy: Arc<dyn Entropy>,
    sink: Sink,
    is_mail_ignored: AtomicBool,
    router: Router,
    /// The whole front: pages and API behind one door.
    front: Router,
    pages: WebState,
    platform: Client,
    uploaded: Mutex<BTreeMap<(String, String), String>>,
}

/// The records of a desk, looked over when its story is told.
pub struct Records {
    desk: Desk,
    store: Store,
    now: DateTime<Utc>,
}

impl Records {
    /// Whatever was done to them, what must be true of all records is.
    ///
    /// # Panics
    /// With the tickets of which it is not.
    pub async fn are_as_they_must_be(self) {
        let mut tx = self.store.system_read().await.expect("the database answers");
        let organizations = organization::list(&mut tx).await.expect("organizations are listed");
        drop(tx);
        for organization in organizations {
            let caller = Caller::operator(organization.id, self.now);
            let broken = audit::check(&self.desk, &caller).await.expect("records are looked over");
            assert!(broken.is_empty(), "{}: {broken:?}", organization.key);
        }
    }
}

impl TestDesk {
    /// Its records, to be looked over at the end.
    #[must_use]
    pub fn records(&self) -> Records {
        Records { desk: self.desk.clone(), store: self.store.clone(), now: self.clock.now() }
    }

    /// An empty desk on SQLite, in a file of its own.
    pub async fn sqlite(test: &str) -> Self {
        Self::over(testing::sqlite_file(test).await, test, true).await
    }

    /// As [`sqlite`](Self::sqlite), but what is kept of configurations is not compared with what is
    /// stored: for tests that count how often the database is asked.
    pub async fn sqlite_to_count(test: &str) -> Self {
        Self::over(testing::sqlite_file(test).await, test, false).await
    }

    /// An empty desk on PostgreSQL, in a database of its own.
    pub async fn postgres(test: &str) -> Self {
        Self::over(testing::postgres(test).await, test, true).await
    }

    /// As [`sqlite_to_count`](Self::sqlite_to_count), on PostgreSQL.
    pub async fn postgres_to_count(test: &str) -> Self {
        Self::over(testing::postgres(test).await, test, false).await
    }

    /// An empty desk on PostgreSQL whose line to the database can be cut.
    ///
    /// # Panics
    /// When there is no server for tests.
    pub async fn postgres_through_proxy(test: &str) -> (Self, Proxy) {
        let proxy = Proxy::before(&testing::postgres_url(test).await).await;
        // Who waits for a line that is cut shall not wait long.
        let options = StoreOptions {
            connections: 4,
            wait: Duration::from_secs(2),
            ..StoreOptions::default()
        };
        let store = Store::connect(proxy.url(), &options).await.expect("the database opens");
        (Self::over(store, test, true).await, proxy)
    }

    /// The same desk at whose pages people may sign in with passwords. Its clock, store and mailbox
    /// stay what they are.
    #[must_use]
    pub fn with_passwords(self) -> Self {
        self.over_again(DeskOptions { passwords: true, ..options(true) })
    }

    /// The same desk where they may not any more.
    #[must_use]
    pub fn without_passwords(self) -> Self {
        self.over_again(options(true))
    }

    fn over_again(mut self, options: DeskOptions) -> Self {
        let entropy = Arc::clone(&self.entropy);
        self.desk = Desk::new(self.store.clone(), runtime(), Arc::clone(&entropy), options);
        let edge = Edge::new(Arc::new(self.clock.clone()), entropy, RequestOptions::default());
        self.router = waypost_api::router(ApiState { desk: self.desk.clone(), edge: edge.clone() });
        self.pages = WebState::new(self.desk.clone(), edge, site());
        self.front =
            waypost_edge::doors(self.router.clone(), waypost_web::router(self.pages.clone()));
        self
    }

    async fn over(store: Store, test: &str, checks_configurations: bool) -> Self {
        let clock = TestClock::new();
        let entropy: Arc<dyn Entropy> = Arc::new(Counted::of(test));
        let options = options(checks_configurations);
        let desk = Desk::new(store.clone(), runtime(), Arc::clone(&entropy), options);
        let root =
            organizations::bootstrap(&desk, clock.now()).await.expect("the platform is made");
        let edge =
            Edge::new(Arc::new(clock.clone()), Arc::clone(&entropy), RequestOptions::default());
        let router = waypost_api::router(ApiState { desk: desk.clone(), edge: edge.clone() });
        let pages = WebState::new(desk.clone(), edge, site());
        let front = waypost_edge::doors(router.clone(), waypost_web::router(pages.clone()));
        let operator = Caller::operator(root.id, clock.now());
        let token = tokens::NewToken {
            name: "platform".to_owned(),
            role: "admin".to_owned(),
            ..tokens::NewToken::default()
        };
        let issued = tokens::issue(&desk, &operator, token).await.expect("a token is issued");
        let platform = Client::new(router.clone(), &issued.secret);
        Self {
            clock,
            desk,
            store,
            entropy,
            sink: Sink::default(),
            is_mail_ignored: AtomicBool::new(false),
            router,
            front,
            pages,
            platform,
            uploaded: Mutex::default(),
        }
    }

    /// Sends what is due in the outbox, as the delivery worker does.
    ///
    /// # Panics
    /// When the database fails.
    pub async fn run_outbox(&self) -> Delivered {
        self.deliver(WorkerOptions::default()).await
    }

    /// Sends what is due as a server does that serves no pages, and takes it out of the mailbox.
    ///
    /// # Panics
    /// When the database fails.
    pub async fn letters_without_pages(&self) -> Vec<Message> {
        let _ =
            self.deliver(WorkerOptions { names_pages: false, ..WorkerOptions::default() }).await;
        self.sink.empty()
    }

    async fn deliver(&self, options: WorkerOptions) -> Delivered {
        let worker = Worker::new(
            self.store.clone(),
            Arc::new(self.clock.clone()),
            Arc::clone(&self.entropy),
            self.sink.clone(),
            WorkerOptions { site: "https://desk.test".to_owned(), ..options },
        );
        worker.run_once().await.expect("the outbox can be read and settled")
    }

    /// Whom a message goes to that leaves now, where somebody does this after that was looked up,
    /// and before its link is made.
    ///
    /// # Panics
    /// When the database fails.
    pub async fn leaving_while(
        &self,
        message: &Message,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Leaving, NotSent> {
        let work: Work = Box::pin(work);
        let entropy = Meanwhile { own: Arc::clone(&self.entropy), work: Mutex::new(Some(work)) };
        let found =
            waypost_app::outbox::leaving(&self.store, &entropy, &[message], self.clock.now()).await;
        found.expect("the store can be read").remove(0)
    }

    /// Removes what nobody needs any more, as `serve` does from time to time.
    ///
    /// # Panics
    /// When the database fails.
    pub async fn sweep_housekeeping(&self) -> Swept {
        let clock = Arc::new(self.clock.clone());
        let housekeeping =
            Housekeeping::new(self.store.clone(), clock, HousekeepingOptions::default());
        housekeeping.sweep().await.expect("the store can be swept")
    }

    /// Sends what is due and takes it out of the mailbox, in the order in which it left.
    pub async fn letters(&self) -> Vec<Message> {
        self.pages.settled().await;
        let _ = self.run_outbox().await;
        self.sink.empty()
    }

    /// As [`letters`](Self::letters), each as `who@where: subject`, sorted: messages of one moment
    /// have no order.
    pub async fn mailbox(&self) -> Vec<String> {
        let letters = self.letters().await.into_iter();
        let mut lines: Vec<String> = letters
            .map(|one| format!("{}: {}", one.address.unwrap_or_default(), one.subject))
            .collect();
        lines.sort();
        lines
    }

    /// Refuses the next letters, one for each refusal.
    pub fn refuse_letters(&self, refusals: Vec<Undelivered>) {
        self.sink.refuse_next(refusals);
    }

    /// Says that messages are not what the test is about: some may be left.
    pub fn ignore_mail(&self) {
        self.is_mail_ignored.store(true, Ordering::Relaxed);
    }

    async fn unseen(&self) -> u64 {
        let mut tx = self.store.system_read().await.expect("the store can be read");
        let pending = outbox::pending_count(&mut tx).await.expect("the outbox can be counted");
        pending + u64::try_from(self.sink.taken().len()).unwrap_or(u64::MAX)
    }

    /// Waits until everything is done whose answer the pages gave before.
    pub async fn pages_settle(&self) {
        self.pages.settled().await;
    }

    /// Lets everybody go who waits for hints, as a server does that is about to stop.
    pub fn end_hints(&self) {
        self.pages.end_hints();
    }

    /// Somebody at the pages who is not signed in.
    #[must_use]
    pub fn visitor(&self) -> Visitor {
        Visitor::new(self.front.clone())
    }

    /// Somebody at the pages, signed in as the person with this address by the link that they were
    /// sent.
    ///
    /// # Panics
    /// When they get no link.
    pub async fn signed_in(&self, email: &str) -> Visitor {
        let mut visitor = self.visitor();
        visitor.visit("/sign-in").await.fill("E-mail address", email);
        let button = visitor.buttons().into_iter().find(|it| it.starts_with("Send me a link"));
        visitor.press(&button.expect("a link can be asked for")).await;
        let letters = self.letters().await;
        let letter = letters
            .iter()
            .find(|letter| letter.address.as_deref() == Some(email) && letter.link.is_some());
        let letter = letter.unwrap_or_else(|| panic!("{email} got no link: {letters:?}"));
        visitor.visit(link_in(&letter.body)).await;
        let button = visitor.buttons().into_iter().find(|words| words.starts_with("Sign in as"));
        visitor.press(&button.expect("the page of a link has a button")).await;
        visitor
    }

    /// The platform's administrator.
    #[must_use]
    pub fn platform(&self) -> &Client {
        &self.platform
    }

    /// Somebody with this token.
    #[must_use]
    pub fn client(&self, token: &str) -> Client {
        Client::new(self.router.clone(), token)
    }

    /// A client organization below the platform, with people, teams, categories and a service: see
    /// [`Org`].
    pub async fn organization(&self, key: &str) -> Org<'_> {
        Org::create(self, key, "platform").await
    }

    /// A provider below the platform, furnished as [`organization`](Self::organization).
    pub async fn provider(&self, key: &str) -> Org<'_> {
        Org::create_provider(self, key).await
    }

    /// A client organization below a provider.
    pub async fn client_of(&self, provider: &str, key: &str) -> Org<'_> {
        Org::create(self, key, provider).await
    }

    /// Uploads a shipped policy for an organization, once, and returns its digest.
    pub async fn upload(&self, admin: &Client, org: &str, name: &str) -> String {
        let at = (org.to_owned(), name.to_owned());
        let known = self.uploaded.lock().unwrap_or_else(PoisonError::into_inner).get(&at).cloned();
        if let Some(digest) = known {
            return digest;
        }
        let digest = admin.upload(policy(name)).await;
        let mut uploaded = self.uploaded.lock().unwrap_or_else(PoisonError::into_inner);
        uploaded.insert(at, digest.clone());
        digest
    }
}

impl Drop for TestDesk {
    fn drop(&mut self) {
        if std::thread::panicking() || self.is_mail_ignored.load(Ordering::Relaxed) {
            return;
        }
        let handle = tokio::runtime::Handle::current();
        let unseen = tokio::task::block_in_place(|| handle.block_on(self.unseen()));
        assert_eq!(
            unseen, 0,
            "messages that the test did not look at: see `letters` and `ignore_mail`"
        );
    }
}

fn options(checks_configurations: bool) -> DeskOptions {
    // Fuel ends what loops, the same on every machine; a busy one must not end what only waits for
    // its turn.
    // Quotas are so small that a story reaches them.
    let quotas = Quotas {
        components: 20,
        component_bytes: 8 * 1024 * 1024,
        revision_bytes: 2 * 1024 * 1024,
    };
    DeskOptions { deadline_ms: 30_000, quotas, checks_configurations, ..DeskOptions::default() }
}

fn site() -> Site {
    Site::new("https://desk.test").expect("it is a scheme and a host")
}

/// The path of the link in a letter.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn link_in(body: &str) -> &str {
    let line = body.lines().find_map(|line| line.strip_prefix("https://desk.test"));
    line.unwrap_or_else(|| panic!("no link in {body}"))
}

/// One runtime for all tests of the process: policies are compiled once, however many desks use
/// them.
fn runtime() -> Arc<PolicyRuntime> {
    static RUNTIME: OnceLock<Arc<PolicyRuntime>> = OnceLock::new();
    Arc::clone(RUNTIME.get_or_init(|| {
        let folder =
            tempfile::tempdir().expect("a folder can be made in the temporary folder").keep();
        let dir = waypost_policy::open_dir(&folder).expect("the folder opens");
        PolicyRuntime::open(RuntimeConfig::default(), dir).expect("the engine starts")
    }))
}
