//! The connections to a PostgreSQL server, and those that read a SQLite file.
//!
//! The last one that was given back is lent first: its statements are prepared, and it has its
//! tables at hand. One that comes back after its transaction was committed, or after its one
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

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, error::Elapsed, sleep, timeout},
};

/// What the two databases' connections have in common, and where they differ.
pub(crate) trait Lendable: Connection + Send + Sync + 'static {
    /// One that was used so short a time ago is there; asking it each time would cost a trip for
    /// each transaction.
    const SURE_FOR: Duration;
    /// One that nobody has needed for so long is closed.
    const IDLE: Duration;
    /// One is closed when it is so old.
    const OLD: Duration;

    /// Runs statements that neither have parameters nor return rows.
    fn run(&mut self, words: String) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Whether it leads to a server that can be written to, or once could: after a failover it may
    /// be a copy that only follows.
    fn leads(&mut self) -> impl Future<Output = bool> + Send;
}

impl Lendable for PgConnection {
    const SURE_FOR: Duration = Duration::from_secs(5);
    const IDLE: Duration = Duration::from_mins(10);
    /// What a server keeps for a connection only grows.
    const OLD: Duration = Duration::from_mins(30);

    async fn run(&mut self, words: String) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(AssertSqlSafe(words)).execute(self).await?;
        Ok(())
    }

    async fn leads(&mut self) -> bool {
        let follows = sqlx::query_scalar("select pg_is_in_recovery()").fetch_one(self).await;
        follows.is_ok_and(|follows: bool| !follows)
    }
}

/// A file does not go away, and has nothing to gain from being opened again.
impl Lendable for SqliteConnection {
    const SURE_FOR: Duration = Duration::MAX;
    const IDLE: Duration = Duration::MAX;
    const OLD: Duration = Duration::MAX;

    async fn run(&mut self, words: String) -> Result<(), sqlx::Error> {
        // Unlike raw text, it stays prepared.
        sqlx::query(AssertSqlSafe(words)).execute(self).await?;
        Ok(())
    }

    async fn leads(&mut self) -> bool {
        true
    }
}

/// How long a connection that was not used for a while is asked whether it is there.
const PATIENCE: Duration = Duration::from_secs(1);

/// Connections that are lent. Clones share them.
#[derive(Debug)]
pub(crate) struct Pool<C: Lendable>(Arc<Shared<C>>);

// By hand, because deriving it would demand that connections can be cloned.
impl<C: Lendable> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Shared<C: Lendable> {
    options: C::Options,
    places: Arc<Semaphore>,
    most: u32,
    /// How long to wait for a place, and for a connection.
    wait: Duration,
    /// The one that was given back last is the last.
    idle: Mutex<Vec<Idle<C>>>,
    /// Raised by each connection that is made.
    made: AtomicU64,
}

#[derive(Debug)]
struct Idle<C> {
    conn: C,
    made: Instant,
    since: Instant,
}

/// A connection that is lent, and given back when it is dropped. A transaction that is open then is
/// undone behind the back of whoever had it.
#[derive(Debug)]
pub(crate) struct Lent<C: Lendable> {
    conn: Option<C>,
    made: Instant,
    /// Whether a transaction is open.
    is_open: bool,
    /// Whether it is one that may change something.
    may_write: bool,
    /// Whether something was asked on it without a transaction, and nobody said that it was
    /// answered.
    is_unsure: bool,
    pool: Pool<C>,
    place: Option<OwnedSemaphorePermit>,
}

impl<C: Lendable> Pool<C> {
    /// A pool without a connection yet.
    pub(crate) fn new(options: C::Options, most: u32, wait: Duration) -> Self {
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

    /// How long to wait for an answer that takes no time.
    pub(crate) fn wait(&self) -> Duration {
        self.0.wait
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
    pub(crate) async fn lend(&self) -> Result<Lent<C>, sqlx::Error> {
        let wait = self.0.wait;
        timeout(wait, self.lent()).await.map_err(|_| sqlx::Error::PoolTimedOut)?
    }

    async fn lent(&self) -> Result<Lent<C>, sqlx::Error> {
        let place = Arc::clone(&self.0.places).acquire_owned().await;
        let place = place.map_err(|_| sqlx::Error::PoolClosed)?;
        loop {
            let Some(Idle { mut conn, made, since }) = self.idle().pop() else { break };
            if since.elapsed() < C::SURE_FOR
                || matches!(timeout(PATIENCE, conn.ping()).await, Ok(Ok(())))
            {
                return Ok(self.lend_out(conn, made, place));
            }
        }
        let conn = self.connected().await?;
        self.0.made.fetch_add(1, Ordering::AcqRel);
        Ok(self.lend_out(conn, Instant::now(), place))
    }

    /// Connects, and waits for a server that is being started or has no place for a moment. Whoever
    /// asks has a time limit, and half of it is for that: then they hear what stands against it.
    async fn connected(&self) -> Result<C, sqlx::Error> {
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

    fn lend_out(&self, conn: C, made: Instant, place: OwnedSemaphorePermit) -> Lent<C> {
        let pool = self.clone();
        Lent {
            conn: Some(conn),
            made,
            is_open: false,
            may_write: false,
            is_unsure: false,
            pool,
            place: Some(place),
        }
    }

    /// Takes a connection back, and lets go of one that nobody has needed for long.
    fn take_back(&self, conn: C, made: Instant) {
        let now = Instant::now();
        let mut idle = self.idle();
        let unneeded = idle.first().is_some_and(|first| now - first.since > C::IDLE);
        let unneeded = unneeded.then(|| idle.remove(0).conn);
        if now - made > C::OLD || self.0.places.is_closed() {
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
            // Whether anybody hears it or not, it is over.
            let _: Result<Result<(), sqlx::Error>, Elapsed> = timeout(PATIENCE, conn.close()).await;
        }
        drop(all);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle<C>>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Lendable> Lent<C> {
    /// The connection; none once it was given back.
    pub(crate) fn conn(&mut self) -> Result<&mut C, sqlx::Error> {
        self.is_unsure = true;
        self.conn.as_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// Says that what was asked without a transaction was answered.
    pub(crate) fn answered(&mut self) {
        self.is_unsure = false;
    }

    /// Begins a transaction with these words, which may be several statements.
    pub(crate) async fn begin(
        &mut self,
        words: String,
        may_write: bool,
    ) -> Result<(), sqlx::Error> {
        // Also when it fails midway, or nobody waits for the answer.
        self.is_open = true;
        self.may_write = may_write;
        self.conn()?.run(words).await
    }

    /// Keeps what was changed, and gives the connection back.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.conn()?.run("commit".to_owned()).await?;
        self.is_open = false;
        self.is_unsure = false;
        Ok(())
    }
}

impl<C: Lendable> Drop for Lent<C> {
    fn drop(&mut self) {
        let Some(mut conn) = self.conn.take() else { return };
        let (pool, made, place) = (self.pool.clone(), self.made, self.place.take());
        let (is_open, may_write) = (self.is_open, self.may_write);
        if !is_open && !self.is_unsure {
            pool.take_back(conn, made);
            return;
        }
        // Without a runtime the process is ending, which undoes it.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            // A connection that is gone, hangs, or leads to a server that may no longer be written
            // to, is not lent again.
            let is_good = async {
                if !is_open {
                    return conn.ping().await.is_ok();
                }
                conn.run("rollback".to_owned()).await.is_ok() && (!may_write || conn.leads().await)
            };
            if timeout(pool.0.wait, is_good).await.unwrap_or(false) {
                pool.take_back(conn, made);
            }
            drop(place);
        });
    }
}

/// Says that a connection is over, behind the back of whoever gave it up.
fn close<C: Lendable>(conn: C) {
    if let Ok(runtime) = Handle::try_current() {
        // Whether anybody hears it or not, it is over.
        runtime.spawn(async move { conn.close().await });
    }
}
