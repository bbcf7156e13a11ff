//! The connections to a PostgreSQL server.
//!
//! The last one that was given back is lent first: its statements are prepared, and the server has
//! its tables at hand. One that comes back after its transaction was committed, or after its one
//! statement was answered, is asked nothing. sqlx's own pool lends them in turn and asks each one
//! that comes back whether it is alive, which costs a ticket three trips.

use std::{
    io::ErrorKind,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout},
};

/// A connection that was used so short a time ago is there; asking it each time would cost a trip
/// for each transaction.
const SURE_FOR: Duration = Duration::from_secs(5);
/// A connection that nobody has needed for so long is closed.
const IDLE: Duration = Duration::from_mins(10);
/// A connection is closed when it is so old: what a server keeps for it only grows.
const OLD: Duration = Duration::from_mins(30);

/// Connections that are lent. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct PgPool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: PgConnectOptions,
    places: Arc<Semaphore>,
    most: u32,
    /// How long to wait for a place, and for a connection.
    wait: Duration,
    /// The one that was given back last is the last.
    idle: Mutex<Vec<Idle>>,
    /// Raised by each connection that is made.
    made: AtomicU64,
}

#[derive(Debug)]
struct Idle {
    conn: PgConnection,
    made: Instant,
    since: Instant,
}

/// A connection that is lent, and given back when it is dropped. A transaction that is open then is
/// undone behind the back of whoever had it.
#[derive(Debug)]
pub(crate) struct Lent {
    conn: Option<PgConnection>,
    made: Instant,
    /// Whether a transaction is open.
    is_open: bool,
    /// Whether something was asked on it without a transaction, and nobody said that it was
    /// answered.
    is_unsure: bool,
    pool: PgPool,
    place: Option<OwnedSemaphorePermit>,
}

impl PgPool {
    /// A pool without a connection yet.
    pub(crate) fn new(options: PgConnectOptions, most: u32, wait: Duration) -> Self {
        Self(Arc::new(Shared {
            options,
            places: Arc::new(Semaphore::new(
                usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS),
            )),
            most,
            wait,
            idle: Mutex::default(),
            made: AtomicU64::new(0),
        }))
    }

    /// How many there are at most.
    pub(crate) fn most(&self) -> u32 {
        self.0.most
    }

    /// How many connections were made so far.
    pub(crate) fn made(&self) -> u64 {
        self.0.made.load(Ordering::Acquire)
    }

    /// Lends a connection without a transaction.
    pub(crate) async fn lend(&self) -> Result<Lent, sqlx::Error> {
        let wait = self.0.wait;
        timeout(wait, self.lent()).await.map_err(|_| sqlx::Error::PoolTimedOut)?
    }

    async fn lent(&self) -> Result<Lent, sqlx::Error> {
        let place = Arc::clone(&self.0.places).acquire_owned().await;
        let place = place.map_err(|_| sqlx::Error::PoolClosed)?;
        loop {
            let Some(Idle { mut conn, made, since }) = self.idle().pop() else { break };
            if since.elapsed() < SURE_FOR || conn.ping().await.is_ok() {
                return Ok(self.lend_out(conn, made, place));
            }
        }
        let conn = self.connected().await?;
        self.0.made.fetch_add(1, Ordering::AcqRel);
        Ok(self.lend_out(conn, Instant::now(), place))
    }

    /// Connects, and waits for a server that is being started or has no place for a moment. Whoever
    /// asks has a time limit, and half of it is for that: then they hear what stands against it.
    async fn connected(&self) -> Result<PgConnection, sqlx::Error> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(20);
        loop {
            let error = match self.0.options.connect().await {
                Ok(conn) => return Ok(conn),
                Err(error) => error,
            };
            let may_pass = match &error {
                sqlx::Error::Io(cause) => cause.kind() == ErrorKind::ConnectionRefused,
                sqlx::Error::Database(answer) => answer.is_transient_in_connect_phase(),
                _ => false,
            };
            if !may_pass || began.elapsed() + pause > self.0.wait / 2 {
                return Err(error);
            }
            sleep(pause).await;
            pause *= 2;
        }
    }

    fn lend_out(&self, conn: PgConnection, made: Instant, place: OwnedSemaphorePermit) -> Lent {
        let pool = self.clone();
        Lent { conn: Some(conn), made, is_open: false, is_unsure: false, pool, place: Some(place) }
    }

    /// Takes a connection back, and lets go of one that nobody has needed for long.
    fn take_back(&self, conn: PgConnection, made: Instant) {
        let now = Instant::now();
        let mut idle = self.idle();
        let unneeded = idle.first().is_some_and(|first| now - first.since > IDLE);
        let unneeded = unneeded.then(|| idle.remove(0).conn);
        if now - made > OLD || self.0.places.is_closed() {
            drop(idle);
            close(conn);
        } else {
            idle.push(Idle { conn, made, since: now });
            drop(idle);
        }
        if let Some(conn) = unneeded {
            close(conn);
        }
    }

    /// Closes the connections, each once it is given back.
    pub(crate) async fn close(&self) {
        let all = self.0.places.acquire_many(self.0.most).await;
        self.0.places.close();
        let idle = std::mem::take(&mut *self.idle());
        for Idle { conn, .. } in idle {
            // Whether the server hears it or not, it is over.
            let _: Result<(), sqlx::Error> = conn.close().await;
        }
        drop(all);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lent {
    /// The connection; none once it was given back.
    pub(crate) fn conn(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.is_unsure = true;
        self.conn.as_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// Says that what was asked without a transaction was answered.
    pub(crate) fn answered(&mut self) {
        self.is_unsure = false;
    }

    /// Begins a transaction with these words, which may be several statements.
    pub(crate) async fn begin(&mut self, words: String) -> Result<(), sqlx::Error> {
        // Also when it fails midway, or nobody waits for the answer.
        self.is_open = true;
        sqlx::raw_sql(AssertSqlSafe(words)).execute(self.conn()?).await?;
        Ok(())
    }

    /// Keeps what was changed, and gives the connection back.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        sqlx::raw_sql("commit").execute(self.conn()?).await?;
        self.is_open = false;
        self.is_unsure = false;
        Ok(())
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(mut conn) = self.conn.take() else { return };
        let (pool, made, place) = (self.pool.clone(), self.made, self.place.take());
        let is_open = self.is_open;
        if !is_open && !self.is_unsure {
            pool.take_back(conn, made);
            return;
        }
        // Without a runtime the process is ending, and the server undoes it.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            // A connection that is gone is not lent again.
            let is_there = if is_open {
                sqlx::raw_sql("rollback").execute(&mut conn).await.is_ok()
            } else {
                conn.ping().await.is_ok()
            };
            if is_there {
                pool.take_back(conn, made);
            }
            drop(place);
        });
    }
}

/// Tells the server that a connection is over, behind the back of whoever gave it up.
fn close(conn: PgConnection) {
    if let Ok(runtime) = Handle::try_current() {
        // Whether the server hears it or not, it is over.
        runtime.spawn(async move { conn.close().await });
    }
}
