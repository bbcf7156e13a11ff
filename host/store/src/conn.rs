//! Transactions: whose records they see, and on which engine they run.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU32, Ordering},
    },
};

use sqlx::{PgConnection, SqliteConnection};
use waypost_domain::ids::OrgId;

use crate::{StoreError, pool::Lent, stats::Counters, writer::Member};

/// A consistent view of one organization's records.
///
/// Every query in this crate takes one and binds its organization, so a query that forgets whose
/// data it reads does not pass the lints.
#[derive(Debug)]
pub struct ReadTx {
    pub(crate) org: OrgId,
    /// How many connections had been made when it began; none if one was made meanwhile.
    pub(crate) epoch: Option<u64>,
    pub(crate) conn: Conn,
}

impl ReadTx {
    /// Whose records it sees.
    #[must_use]
    pub fn org(&self) -> OrgId {
        self.org
    }
}

/// A [`ReadTx`] that may also change records. Dropping it without committing undoes the changes.
///
/// On SQLite it holds the database's only write lock: never wait for a policy, a mail server or a
/// webhook while one is open.
#[derive(Debug)]
pub struct WriteTx(pub(crate) ReadTx, pub(crate) Vec<CommitNote>);

impl WriteTx {
    /// The same, whose commit is noted here too.
    #[must_use]
    pub fn noted_in(mut self, note: &CommitNote) -> Self {
        self.1.push(note.clone());
        self
    }

    /// Keeps the changes.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.0.conn.commit(&self.1).await
    }
}

/// How far the commits of a command have come, for whoever has to say so when something fails
/// later.
#[derive(Debug, Clone, Default)]
pub struct CommitNote(Arc<Note>);

#[derive(Debug, Default)]
struct Note {
    committed: AtomicU8,
    kept: AtomicU32,
}

/// Whether changes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// Nothing was changed.
    No,
    /// The last commit was begun, and nobody heard how it ended. Whoever commits again after that
    /// is told of the later one only.
    Unknown,
    /// Those of the last commit that was not refused are.
    Yes,
}

impl CommitNote {
    /// What is known.
    #[must_use]
    pub fn read(&self) -> Committed {
        match self.0.committed.load(Ordering::Acquire) {
            0 => Committed::No,
            1 => Committed::Unknown,
            _ => Committed::Yes,
        }
    }

    fn write(&self, committed: Committed) {
        let number = match committed {
            Committed::No => 0,
            Committed::Unknown => 1,
            Committed::Yes => 2,
        };
        self.0.committed.store(number, Ordering::Release);
    }

    /// How many of its commits are known to be kept.
    #[must_use]
    pub fn kept(&self) -> u32 {
        self.0.kept.load(Ordering::Acquire)
    }
}

impl Deref for WriteTx {
    type Target = ReadTx;

    fn deref(&self) -> &ReadTx {
        &self.0
    }
}

impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut ReadTx {
        &mut self.0
    }
}

/// A consistent view of every organization, for the few questions that are about no one
/// organization: whose token is this, which organizations are there.
#[derive(Debug)]
pub struct SystemReadTx {
    pub(crate) conn: Conn,
}

/// A [`SystemReadTx`] that may also change records. Only work that is claimed and settled,
/// housekeeping, administering organizations and counting the tries of passwords need one.
#[derive(Debug)]
pub struct SystemTx(pub(crate) SystemReadTx, pub(crate) Vec<CommitNote>);

impl SystemTx {
    /// The same, whose commit is noted here too.
    #[must_use]
    pub fn noted_in(mut self, note: &CommitNote) -> Self {
        self.1.push(note.clone());
        self
    }

    /// Keeps the changes.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.0.conn.commit(&self.1).await
    }
}

impl Deref for SystemTx {
    type Target = SystemReadTx;

    fn deref(&self) -> &SystemReadTx {
        &self.0
    }
}

impl DerefMut for SystemTx {
    fn deref_mut(&mut self) -> &mut SystemReadTx {
        &mut self.0
    }
}

/// A transaction of one of the two engines, or a connection without one.
#[derive(Debug)]
pub(crate) enum Conn {
    Sqlite(SqliteConn),
    Postgres(PostgresConn),
}

/// What a statement runs on in a SQLite database.
#[derive(Debug)]
pub(crate) enum SqliteConn {
    Reader(Lent<SqliteConnection>, Arc<Counters>),
    Writer(Member),
    /// For one statement, which is a transaction by itself.
    Plain(Lent<SqliteConnection>, Arc<Counters>),
}

/// What a statement runs on in a PostgreSQL database.
#[derive(Debug)]
pub(crate) enum PostgresConn {
    Transaction(Lent<PgConnection>, Arc<Counters>),
    /// For one statement, which is a transaction by itself.
    Plain(Lent<PgConnection>, Arc<Counters>),
}

impl SqliteConn {
    /// The connection, for one trip to the database.
    pub(crate) fn ask(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        match self {
            Self::Reader(lent, counters) | Self::Plain(lent, counters) => {
                counters.trip();
                lent.conn()
            }
            Self::Writer(member) => member.ask().ok_or(sqlx::Error::PoolClosed),
        }
    }
}

impl PostgresConn {
    /// The connection, for one trip to the database.
    pub(crate) fn ask(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        let (Self::Transaction(lent, counters) | Self::Plain(lent, counters)) = self;
        counters.trip();
        lent.conn()
    }
}

impl Conn {
    /// Says that the one statement of a connection without a transaction was answered.
    pub(crate) fn answered(&mut self) {
        match self {
            Self::Sqlite(SqliteConn::Plain(lent, _)) => lent.answered(),
            Self::Postgres(PostgresConn::Plain(lent, _)) => lent.answered(),
            Self::Sqlite(_) | Self::Postgres(_) => {}
        }
    }

    /// Says that nobody waits until the commit is durable. On SQLite it joins those who do.
    pub(crate) async fn commit_later(&mut self) -> Result<(), sqlx::Error> {
        const LATER: &str = "set local synchronous_commit = off";
        if let Self::Postgres(on) = self {
            sqlx::query(LATER).execute(on.ask()?).await?;
        }
        Ok(())
    }

    async fn commit(self, notes: &[CommitNote]) -> Result<(), StoreError> {
        let before: Vec<Committed> = notes.iter().map(CommitNote::read).collect();
        // Whoever stops waiting here does not know either.
        for note in notes {
            note.write(Committed::Unknown);
        }
        let committed = match self {
            Self::Sqlite(SqliteConn::Writer(member)) => member.commit().await,
            Self::Postgres(PostgresConn::Transaction(lent, counters)) => {
                counters.trip();
                counters.commit();
                lent.commit().await.map_err(StoreError::of_commit)
            }
            // Nothing was changed on these.
            Self::Sqlite(_) | Self::Postgres(PostgresConn::Plain(..)) => Ok(()),
        };
        for (note, before) in notes.iter().zip(before) {
            match &committed {
                Ok(()) => {
                    note.0.kept.fetch_add(1, Ordering::AcqRel);
                    note.write(Committed::Yes);
                }
                Err(StoreError::OutcomeUnknown(_)) => {}
                // A later one that fails takes nothing back.
                Err(_) => note.write(before),
            }
        }
        committed
    }
}

/// Runs one query on whichever engine `$tx` is connected to, for the organization it was begun for.
///
/// The body is compiled once for each engine, so everything it binds or reads must have an encoding
/// in both. A body that does not use `$org` does not pass the lints.
macro_rules! on {
    ($tx:expr, |$conn:ident, $org:ident| $query:expr) => {{
        let tx: &mut $crate::conn::ReadTx = $tx;
        let $org = tx.org.0;
        $crate::conn::on_conn!(&mut tx.conn, |$conn| $query)
    }};
}

/// As [`on!`], for the few queries that are about no one organization.
macro_rules! on_conn {
    ($open:expr, |$conn:ident| $query:expr) => {
        match $open {
            $crate::conn::Conn::Sqlite(on) => {
                let $conn = on.ask()?;
                $query
            }
            $crate::conn::Conn::Postgres(on) => {
                let $conn = on.ask()?;
                $query
            }
        }
    };
}

pub(crate) use {on, on_conn};
