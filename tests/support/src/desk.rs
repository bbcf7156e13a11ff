//! The desk under test.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::Router;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;
use waypost_api::{ApiOptions, ApiState};
use waypost_app::{Caller, Clock, Desk, DeskOptions, Entropy, organizations, tokens};
use waypost_policy::{PolicyRuntime, RuntimeConfig};
use waypost_store::{Store, testing};

use crate::{Client, Org, policy};

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

/// Ids and secrets by counting: different each time, the same in every run.
#[derive(Default)]
struct Counted(AtomicU64);

impl Entropy for Counted {
    fn id(&self, now: DateTime<Utc>) -> Uuid {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[8..].copy_from_slice(&count.to_be_bytes());
        bytes[6] = 0x70;
        bytes[8] |= 0x80;
        Uuid::from_bytes(bytes)
    }

    fn secret(&self) -> [u8; 32] {
        let mut secret = [0x5a; 32];
        secret[..8].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        secret
    }
}

/// A whole desk: its doors, its clock, its store.
pub struct TestDesk {
    /// The desk's time.
    pub clock: TestClock,
    /// What every front end calls.
    pub desk: Desk,
    /// Where its records are, for tests that look behind the doors.
    pub store: Store,
    router: Router,
    platform: Client,
    uploaded: Mutex<BTreeMap<(String, String), String>>,
}

impl TestDesk {
    /// An empty desk on SQLite, in a file of its own.
    pub async fn sqlite(test: &str) -> Self {
        Self::over(testing::sqlite_file(test).await).await
    }

    /// An empty desk on PostgreSQL, in a database of its own.
    pub async fn postgres(test: &str) -> Self {
        Self::over(testing::postgres(test).await).await
    }

    async fn over(store: Store) -> Self {
        let clock = TestClock::new();
        let entropy: Arc<dyn Entropy> = Arc::new(Counted::default());
        let desk =
            Desk::new(store.clone(), runtime(), Arc::clone(&entropy), DeskOptions::default());
        let root = organizations::bootstrap(&desk, clock.now()).await.expect("the platform is made");
        let state = ApiState::new(
            desk.clone(),
            Arc::new(clock.clone()),
            entropy,
            ApiOptions::default(),
        );
        let router = waypost_api::router(state);
        let operator = Caller::operator(root.id, clock.now());
        let token = tokens::NewToken {
            name: "platform".to_owned(),
            role: "admin".to_owned(),
            ..tokens::NewToken::default()
        };
        let issued = tokens::issue(&desk, &operator, token).await.expect("a token is issued");
        let platform = Client::new(router.clone(), &issued.secret);
        Self { clock, desk, store, router, platform, uploaded: Mutex::default() }
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

    /// A client organization below the platform, with people, teams, categories and a service: see [`Org`].
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

/// One runtime for all tests of the process: policies are compiled once, however many desks use them.
fn runtime() -> Arc<PolicyRuntime> {
    static RUNTIME: OnceLock<Arc<PolicyRuntime>> = OnceLock::new();
    Arc::clone(RUNTIME.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder can be made in the temporary folder").keep();
        let dir = waypost_policy::open_dir(&folder).expect("the folder opens");
        PolicyRuntime::open(RuntimeConfig::default(), dir).expect("the engine starts")
    }))
}
