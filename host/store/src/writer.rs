//! The writer of a SQLite database: its one connection that writes, and group commit on it.
//!
//! Whoever writes holds the connection for their statements only, within a savepoint of their own.
//! Who is done hands it on, and hears that their changes are kept once the commit that holds them
//! is durable. Those who were queued meanwhile join the same commit:
//!
//! ```text
//! begin immediate ─ savepoint ─ … ─ release ─ savepoint ─ … ─ release ─ commit ─▶ both are told
//! ```
//!
//! Nobody waits for company: the first one that is done queues the commit behind those who are in
//! the queue already, and commits at once where nobody is.

use std::{
    sync::{
        Arc, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedMutexGuard, mpsc, oneshot},
    task::{JoinError, JoinHandle},
    time::timeout,
};

use crate::{StoreError, stats::Counters};

/// So many transactions share a commit at most, so that a failing one fails few.
const MEMBERS: usize = 64;
/// So long a group takes new members, so that the first one's answer does not wait for many.
const OPEN_FOR: Duration = Duration::from_millis(8);
/// After so much was written, the log is worth a checkpoint; in transactions of ordinary size.
const CHECKPOINT_AFTER: usize = 128;
/// What a transaction that wants its commit for itself is worth of those.
const WEIGHT_ALONE: usize = 32;

/// The writer. Cheap to clone; the clones share the connection.
#[derive(Debug, Clone)]
pub(crate) struct Writer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Handed on in the order of asking.
    line: Arc<Mutex<Line>>,
    /// How many wait for it.
    queued: AtomicUsize,
    /// How many transactions are being undone.
    undoing: AtomicUsize,
    /// What was written since the last checkpoint was asked for.
    written: AtomicUsize,
    /// None for a database in memory, and once the store is closed.
    checkpoints: std::sync::Mutex<Option<Checkpoints>>,
    wait: Duration,
    counters: Arc<Counters>,
}

/// Who copies the log into the file, and how they are asked to.
#[derive(Debug)]
struct Checkpoints {
    ask: mpsc::Sender<()>,
    work: JoinHandle<()>,
}

/// The connection, with what is open on it.
#[derive(Debug)]
pub(crate) struct Line {
    options: SqliteConnectOptions,
    /// None after one was given up whose state nobody knows.
    conn: Option<SqliteConnection>,
    group: Option<Group>,
    is_closed: bool,
}

/// The transactions of one commit.
#[derive(Debug)]
struct Group {
    /// Those that are done, and wait for the commit.
    waiting: Vec<oneshot::Sender<Result<(), StoreError>>>,
    began: Instant,
    /// Whether its only transaction wants the commit for itself.
    is_alone: bool,
    has_closer: bool,
}

impl Group {
    fn is_full(&self) -> bool {
        self.waiting.len() >= MEMBERS || self.began.elapsed() >= OPEN_FOR
    }
}

/// A transaction on the writer. Dropping it undoes what it did, and nothing else.
#[derive(Debug)]
pub(crate) struct Member {
    shared: Arc<Shared>,
    /// There until it is committed or dropped.
    line: Option<OwnedMutexGuard<Line>>,
    /// Whether the transaction is only being begun.
    is_opening: bool,
}

impl Writer {
    /// Opens the connection.
    pub(crate) async fn open(
        options: SqliteConnectOptions,
        wait: Duration,
        counters: Arc<Counters>,
    ) -> Result<Self, StoreError> {
        let conn = Some(options.connect().await?);
        let line = Line { options, conn, group: None, is_closed: false };
        let shared = Shared {
            line: Arc::new(Mutex::new(line)),
            queued: AtomicUsize::new(0),
            undoing: AtomicUsize::new(0),
            written: AtomicUsize::new(0),
            checkpoints: std::sync::Mutex::default(),
            wait,
            counters,
        };
        Ok(Self(Arc::new(shared)))
    }

    /// Has a task copy the log into the file whenever that is worthwhile.
    pub(crate) fn checkpoint_by<W: Future<Output = ()> + Send + 'static>(
        &self,
        work: impl FnOnce(mpsc::Receiver<()>) -> W,
    ) {
        let (ask, asked) = mpsc::channel(1);
        let work = tokio::spawn(work(asked));
        *self.0.checkpoints() = Some(Checkpoints { ask, work });
    }

    /// Begins a transaction. One that is `alone` shares its commit with nobody: it is long, and
    /// nobody's answer is to wait for it.
    pub(crate) async fn begin(&self, is_alone: bool) -> Result<Member, StoreError> {
        let shared = Arc::clone(&self.0);
        let line = shared.lock().await?;
        let mut member = Member { shared, line: Some(line), is_opening: true };
        member.begin(is_alone).await?;
        Ok(member)
    }

    /// Waits until what is being undone is undone, and what it was in conflict with is kept: a
    /// reader sees then what a writer of this process has seen before.
    pub(crate) async fn settled(&self) -> Result<(), StoreError> {
        if self.0.undoing.load(Ordering::Acquire) > 0 {
            drop(self.0.lock().await?);
        }
        Ok(())
    }

    /// The connection without a transaction, for work that begins its own.
    pub(crate) async fn lend(&self) -> Result<OwnedMutexGuard<Line>, StoreError> {
        let line = self.0.lock().await?;
        closed(line, &self.0).await
    }

    /// Commits what is done, and closes the connection: the last one of the file, so that its log
    /// is folded into it.
    pub(crate) async fn close(&self) {
        let checkpoints = self.0.checkpoints().take();
        if let Some(Checkpoints { ask, work }) = checkpoints {
            drop(ask);
            // It has a connection of its own, and closes it.
            let _: Result<(), JoinError> = work.await;
        }
        let line = Arc::clone(&self.0.line).lock_owned().await;
        if let Ok(mut line) = closed(line, &self.0).await {
            line.is_closed = true;
            if let Some(conn) = line.conn.take() {
                // What was committed is in the file or in its log; the next one who opens it finds
                // both.
                let _: Result<(), sqlx::Error> = conn.close().await;
            }
        }
    }

    /// Something that ends with the last clone of the writer.
    pub(crate) fn downgrade(&self) -> WeakWriter {
        WeakWriter(Arc::downgrade(&self.0))
    }
}

/// A writer that may be gone.
#[derive(Debug)]
pub(crate) struct WeakWriter(std::sync::Weak<Shared>);

impl WeakWriter {
    pub(crate) fn upgrade(&self) -> Option<Writer> {
        self.0.upgrade().map(Writer)
    }
}

impl Shared {
    async fn lock(&self) -> Result<OwnedMutexGuard<Line>, StoreError> {
        let _queued = Queued::new(&self.queued);
        let lock = Arc::clone(&self.line).lock_owned();
        timeout(self.wait, lock).await.map_err(|_| StoreError::Busy)
    }

    /// Notes how much a commit has written.
    fn wrote(&self, transactions: usize) {
        let before = self.written.fetch_add(transactions, Ordering::Relaxed);
        let is_asked = before + transactions >= CHECKPOINT_AFTER
            && self.checkpoints().as_ref().is_some_and(|to| to.ask.try_send(()).is_ok());
        if is_asked {
            self.written.store(0, Ordering::Relaxed);
        }
    }

    fn checkpoints(&self) -> std::sync::MutexGuard<'_, Option<Checkpoints>> {
        self.checkpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts who waits for the connection, for as long as they do.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn new(queued: &'a AtomicUsize) -> Self {
        queued.fetch_add(1, Ordering::AcqRel);
        Self(queued)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Line {
    /// The connection, opened anew where the last one was given up.
    pub(crate) async fn conn(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        if self.is_closed {
            return Err(sqlx::Error::PoolClosed.into());
        }
        if self.conn.is_none() {
            self.conn = Some(self.options.connect().await?);
        }
        self.conn.as_mut().ok_or_else(|| sqlx::Error::PoolClosed.into())
    }

    async fn run(&mut self, words: &'static str, counters: &Counters) -> Result<(), sqlx::Error> {
        counters.trip();
        let Some(conn) = &mut self.conn else { return Err(sqlx::Error::PoolClosed) };
        sqlx::query(words).execute(conn).await?;
        Ok(())
    }

    /// Undoes everything that is open. A connection on which that fails is given up: closing it
    /// undoes it too.
    async fn roll_back(&mut self, counters: &Counters) {
        self.group = None;
        let Err(error) = self.run("rollback", counters).await else { return };
        // SQLite itself undoes a transaction that fails on a full disk.
        let is_over = matches!(&error, sqlx::Error::Database(answer)
            if answer.message().contains("no transaction is active"));
        if !is_over && let Some(conn) = self.conn.take() {
            tracing::warn!("replaced a database connection whose transaction could not be ended");
            let _: Result<(), sqlx::Error> = conn.close().await;
        }
    }

    /// Makes durable what is done, and tells everybody whose it is.
    async fn close_group(&mut self, shared: &Shared) {
        let Some(group) = self.group.take() else { return };
        let committed = self.commit("commit", &shared.counters).await;
        shared.wrote(group.waiting.len());
        tell(group.waiting, committed);
    }

    async fn commit(&mut self, words: &'static str, counters: &Counters) -> Result<(), StoreError> {
        counters.commit();
        match self.run(words, counters).await {
            Ok(()) => Ok(()),
            Err(error) => {
                let error = StoreError::of_commit(error);
                self.roll_back(counters).await;
                Err(error)
            }
        }
    }

    /// Undoes a group whose transaction is gone: none of its members was told that it is kept.
    async fn fail_group(&mut self, why: StoreError, counters: &Counters) {
        let waiting = self.group.take().map(|group| group.waiting).unwrap_or_default();
        self.roll_back(counters).await;
        tell(waiting, Err(why));
    }
}

fn tell(waiting: Vec<oneshot::Sender<Result<(), StoreError>>>, told: Result<(), StoreError>) {
    let failed = told.err().map(Arc::new);
    for one in waiting {
        // Who stopped waiting does not hear it.
        let _: Result<(), _> =
            one.send(failed.as_ref().map_or(Ok(()), |why| Err(StoreError::shared(why))));
    }
}

/// Closes the open group, if there is one, whether or not whoever asks for it stays.
async fn closed(
    mut line: OwnedMutexGuard<Line>,
    shared: &Arc<Shared>,
) -> Result<OwnedMutexGuard<Line>, StoreError> {
    if line.group.is_none() {
        return Ok(line);
    }
    let shared = Arc::clone(shared);
    let closing = tokio::spawn(async move {
        line.close_group(&shared).await;
        line
    });
    closing.await.map_err(|_| StoreError::Busy)
}

impl Member {
    /// The connection, for one statement.
    pub(crate) fn ask(&mut self) -> Option<&mut SqliteConnection> {
        self.shared.counters.trip();
        self.line.as_mut().and_then(|line| line.conn.as_mut())
    }

    async fn begin(&mut self, is_alone: bool) -> Result<(), StoreError> {
        let is_over = |group: &Group| is_alone || group.is_full();
        if let Some(line) = self.line.take_if(|line| line.group.as_ref().is_some_and(is_over)) {
            self.line = Some(closed(line, &self.shared).await?);
        }
        let Some(line) = &mut self.line else { return Err(StoreError::Busy) };
        self.shared.counters.transaction();
        if line.group.is_some() {
            self.is_opening = false;
            return Ok(line.run("savepoint member", &self.shared.counters).await?);
        }
        line.conn().await?;
        // A SQLite transaction that has read cannot start to write once another process has
        // committed; it fails at once, whatever the busy timeout. Locking first makes it wait.
        let words = if is_alone { "begin immediate" } else { "begin immediate; savepoint member" };
        line.run(words, &self.shared.counters).await?;
        let (waiting, began) = (Vec::new(), Instant::now());
        line.group = Some(Group { waiting, began, is_alone, has_closer: false });
        self.is_opening = false;
        Ok(())
    }

    /// Keeps the changes: returns once they are durable.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        let Some(line) = self.line.take() else { return Err(StoreError::Busy) };
        // A task of its own: whoever stops waiting does not stop the commit.
        let commit = tokio::spawn(commit(line, Arc::clone(&self.shared)));
        commit.await.unwrap_or_else(|_| Err(gone()))
    }
}

fn gone() -> StoreError {
    StoreError::OutcomeUnknown(sqlx::Error::WorkerCrashed)
}

async fn commit(mut line: OwnedMutexGuard<Line>, shared: Arc<Shared>) -> Result<(), StoreError> {
    let counters = &shared.counters;
    let Some(group) = &mut line.group else { return Err(gone()) };
    let is_alone = group.is_alone;
    if group.waiting.is_empty() && (is_alone || shared.queued.load(Ordering::Acquire) == 0) {
        let words = if is_alone { "commit" } else { "release member; commit" };
        line.group = None;
        let committed = line.commit(words, counters).await;
        shared.wrote(if is_alone { WEIGHT_ALONE } else { 1 });
        return committed;
    }
    if let Err(error) = line.run("release member", counters).await {
        let error = StoreError::from(error);
        let why = Arc::new(error);
        line.fail_group(StoreError::shared(&why), counters).await;
        return Err(StoreError::shared(&why));
    }
    let Some(group) = &mut line.group else { return Err(gone()) };
    let (tell, told) = oneshot::channel();
    group.waiting.push(tell);
    if !std::mem::replace(&mut group.has_closer, true) {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let mut line = Arc::clone(&shared.line).lock_owned().await;
            line.close_group(&shared).await;
        });
    }
    drop(line);
    told.await.unwrap_or_else(|_| Err(gone()))
}

impl Drop for Member {
    fn drop(&mut self) {
        let Some(mut line) = self.line.take() else { return };
        let Ok(runtime) = Handle::try_current() else {
            // Closing the connection undoes what is open on it.
            line.conn = None;
            line.group = None;
            return;
        };
        let (shared, is_opening) = (Arc::clone(&self.shared), self.is_opening);
        shared.undoing.fetch_add(1, Ordering::AcqRel);
        runtime.spawn(async move {
            undo(&mut line, &shared, is_opening).await;
            drop(line);
            shared.undoing.fetch_sub(1, Ordering::AcqRel);
        });
    }
}

/// Undoes one transaction. The others of its group are kept at once: the one that is undone may
/// have seen them, and whoever goes by what it saw must find them.
async fn undo(line: &mut Line, shared: &Shared, is_opening: bool) {
    let counters = &shared.counters;
    let is_first = line.group.as_ref().is_none_or(|group| group.waiting.is_empty());
    if is_opening && line.group.is_some() {
        // It was not begun yet, in a group of others.
        return;
    }
    if is_first {
        if line.conn.is_some() {
            line.roll_back(counters).await;
        }
        return;
    }
    match line.run("rollback to member; release member", counters).await {
        Ok(()) => line.close_group(shared).await,
        // SQLite has undone all of it: the disk is full, or does not answer.
        Err(error) => line.fail_group(StoreError::Unavailable(error), counters).await,
    }
}
