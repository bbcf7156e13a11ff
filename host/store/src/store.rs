//! The store: an open database, and the transactions that begin from it.

use std::{sync::Arc, time::Duration};

use sqlx::{
    ConnectOptions, PgConnection, SqliteConnection,
    migrate::Migrator,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::time::timeout;
use waypost_domain::ids::OrgId;

use crate::{
    ReadTx, StoreError, StoreStats, SystemReadTx, SystemTx, WriteTx, checkpoints,
    conn::{Conn, PostgresConn, SqliteConn, on_conn},
    idempotency::{self, Known},
    pool::{Lent, Pool},
    sql::{Readable, Sql},
    stats::Counters,
    together::Together,
    token::{self, Shown},
    writer::Writer,
};

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");
pub(crate) static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/postgres");

/// How long a SQLite writer waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The queries of this crate and every batch size of the bulk inserts, with room.
const CACHED_STATEMENTS: usize = 256;

/// How many connections of a PostgreSQL database are for single statements at most.
const MAX_GLANCES: u32 = 4;

/// What can be set about the connections.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// How many connections are open at most (PostgreSQL; at least 2), or how many readers beside
    /// the one writer (SQLite).
    pub connections: u32,
    /// How long a caller waits for a free connection before it hears [`StoreError::Busy`].
    pub wait: Duration,
    /// Whether a SQLite file is made where there is none.
    pub create: bool,
    /// Whether each statement is told to `tracing`, as `sqlx::query` at the level `DEBUG`: its
    /// text, never its values.
    pub log_statements: bool,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { connections: 16, wait: Duration::from_secs(10), create: true, log_statements: false }
    }
}

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, in a file or in memory.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// An open database. Cheap to clone; the clones share the connections.
#[derive(Debug, Clone)]
pub struct Store {
    connections: Connections,
    counters: Arc<Counters>,
    wait: Duration,
    /// Who shows these tokens.
    pub(crate) shown: Together<token::Question, Option<Shown>>,
    /// What is known of requests with these keys.
    pub(crate) keys: Together<idempotency::Question, Option<Known>>,
}

#[derive(Debug, Clone)]
enum Connections {
    Sqlite {
        writer: Writer,
        /// None for a database in memory, which ends with its one connection.
        readers: Option<Pool<SqliteConnection>>,
    },
    Postgres {
        transactions: Pool<PgConnection>,
        /// For statements that are about no one organization and need no transaction; they can
        /// only read.
        glances: Pool<PgConnection>,
    },
}

impl Store {
    /// Opens the database of a `sqlite:` or `postgres:` URL.
    ///
    /// # Errors
    /// [`StoreError::NoDatabase`] if there is no SQLite file and none is to be made.
    pub async fn connect(url: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let counters = Arc::default();
        let connections = if url.starts_with("sqlite:") {
            connect_sqlite(url, options, &counters).await?
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            connect_postgres(url, options).await?
        } else {
            return Err(StoreError::UnknownUrl);
        };
        Ok(Self {
            connections,
            counters,
            wait: options.wait,
            shown: Together::default(),
            keys: Together::default(),
        })
    }

    /// How often the database was asked since it was opened.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        self.counters.read()
    }

    /// Which database it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match &self.connections {
            Connections::Sqlite { .. } => Engine::Sqlite,
            Connections::Postgres { .. } => Engine::Postgres,
        }
    }

    /// Brings the tables to this release. Several processes may call it at once.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match &self.connections {
            Connections::Sqlite { writer, .. } => {
                let mut lent = writer.lend().await?;
                SQLITE_MIGRATIONS.run(lent.conn().await?).await?;
            }
            Connections::Postgres { transactions, .. } => {
                POSTGRES_MIGRATIONS.run(transactions.lend().await?.conn()?).await?;
            }
        }
        Ok(())
    }

    /// How many migrations of this release the database still lacks. Zero means ready.
    pub async fn pending_migrations(&self) -> Result<usize, StoreError> {
        let all = match &self.connections {
            Connections::Sqlite { .. } => &SQLITE_MIGRATIONS,
            Connections::Postgres { .. } => &POSTGRES_MIGRATIONS,
        };
        let applied = self.applied_migrations().await?;
        Ok(all.iter().filter(|migration| !applied.contains(&migration.version)).count())
    }

    /// Whether the database was ever migrated. One that never was has none of our tables.
    pub async fn is_migrated(&self) -> Result<bool, StoreError> {
        Ok(!self.applied_migrations().await?.is_empty())
    }

    async fn applied_migrations(&self) -> Result<Vec<i64>, StoreError> {
        const TABLE_SQLITE: &str =
            "select count(*) from sqlite_schema where type = 'table' and name = '_sqlx_migrations'";
        const TABLE_POSTGRES: &str =
            "select count(*) from pg_tables where tablename = '_sqlx_migrations'";
        const APPLIED: &str = "select version from _sqlx_migrations where success";
        let mut tx = self.system_read().await?;
        let tables: i64 = match &mut tx.conn {
            Conn::Sqlite(on) => sqlx::query_scalar(TABLE_SQLITE).fetch_one(on.ask()?).await?,
            Conn::Postgres(on) => sqlx::query_scalar(TABLE_POSTGRES).fetch_one(on.ask()?).await?,
        };
        if tables == 0 {
            return Ok(Vec::new());
        }
        Ok(on_conn!(&mut tx.conn, |conn| sqlx::query_scalar(APPLIED).fetch_all(conn).await?))
    }

    /// Writes something of no account: whether the disk takes it, only writing tells.
    pub async fn try_to_write(&self) -> Result<(), StoreError> {
        // A value that stays the same would not be written.
        const TOUCH: &str = "update write_probe set writes = writes + 1";
        let mut tx = self.system().await?;
        on_conn!(&mut tx.conn, |conn| {
            sqlx::query(TOUCH).execute(conn).await?;
        });
        tx.commit().await
    }

    /// Begins a view of an organization's records.
    pub async fn read(&self, org: OrgId) -> Result<ReadTx, StoreError> {
        let before = self.epoch();
        let conn = self.begin_read(Sight::Org(org)).await?;
        Ok(ReadTx { org, epoch: self.still(before), conn })
    }

    /// Begins a change of an organization's records.
    pub async fn write(&self, org: OrgId) -> Result<WriteTx, StoreError> {
        self.begin_change(org, false).await
    }

    /// As [`Store::write`], for what takes long: on SQLite its commit is shared with nobody, so
    /// that nobody's answer waits for it longer than the connection is taken.
    pub async fn write_alone(&self, org: OrgId) -> Result<WriteTx, StoreError> {
        self.begin_change(org, true).await
    }

    async fn begin_change(&self, org: OrgId, is_alone: bool) -> Result<WriteTx, StoreError> {
        let before = self.epoch();
        let conn = self.begin_write(Sight::Org(org), is_alone).await?;
        Ok(WriteTx(ReadTx { org, epoch: self.still(before), conn }, Vec::new()))
    }

    /// Begins a view across organizations.
    pub async fn system_read(&self) -> Result<SystemReadTx, StoreError> {
        Ok(SystemReadTx { conn: self.begin_read(Sight::System).await? })
    }

    /// Begins a change across organizations.
    pub async fn system(&self) -> Result<SystemTx, StoreError> {
        let conn = self.begin_write(Sight::System, false).await?;
        Ok(SystemTx(SystemReadTx { conn }, Vec::new()))
    }

    /// As [`Store::system`], for what takes long: see [`Store::write_alone`].
    pub async fn system_alone(&self) -> Result<SystemTx, StoreError> {
        let conn = self.begin_write(Sight::System, true).await?;
        Ok(SystemTx(SystemReadTx { conn }, Vec::new()))
    }

    fn epoch(&self) -> u64 {
        match &self.connections {
            // Nobody puts another file in the place of one that is open.
            Connections::Sqlite { .. } => 0,
            Connections::Postgres { transactions, .. } => transactions.made(),
        }
    }

    /// The epoch, if it is the one from before.
    fn still(&self, before: u64) -> Option<u64> {
        Some(before).filter(|before| *before == self.epoch())
    }

    /// Reads with one statement and no transaction around it: across organizations, so that it has
    /// to bind whose rows it wants.
    ///
    /// A connection that its server has ended says so at the first statement; reading once more
    /// harms nothing.
    pub(crate) async fn look<R: Readable>(
        &self,
        statement: impl Fn(&Conn) -> Sql,
    ) -> Result<Vec<R>, StoreError> {
        let mut broken = 0;
        loop {
            let mut conn = self.glance().await?;
            // Others wait for the answer, and a connection may hang without being broken.
            let told = timeout(self.wait, statement(&conn).fetch_all(&mut conn)).await;
            match told.map_err(|_| StoreError::Busy)? {
                Ok(rows) => {
                    conn.answered();
                    return Ok(rows);
                }
                Err(error) if broken < MAX_GLANCES && is_broken(&error) => broken += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A connection for one statement that reads.
    async fn glance(&self) -> Result<Conn, StoreError> {
        let counters = Arc::clone(&self.counters);
        Ok(match &self.connections {
            Connections::Sqlite { readers: Some(readers), writer } => {
                writer.settled().await?;
                Conn::Sqlite(SqliteConn::Plain(readers.lend().await?, counters))
            }
            Connections::Sqlite { readers: None, writer } => {
                Conn::Sqlite(SqliteConn::Writer(writer.begin(false).await?))
            }
            Connections::Postgres { glances, .. } => {
                Conn::Postgres(PostgresConn::Plain(glances.lend().await?, counters))
            }
        })
    }

    /// Closes the connections after their transactions have ended.
    pub async fn close(&self) {
        match &self.connections {
            Connections::Sqlite { writer, readers } => {
                if let Some(readers) = readers {
                    readers.close().await;
                }
                // Last, because closing the last connection folds the write-ahead log into the
                // file.
                writer.close().await;
            }
            Connections::Postgres { transactions, glances } => {
                glances.close().await;
                transactions.close().await;
            }
        }
    }

    async fn begin_read(&self, sight: Sight) -> Result<Conn, StoreError> {
        let counters = Arc::clone(&self.counters);
        match &self.connections {
            Connections::Sqlite { readers: None, writer } => {
                Ok(Conn::Sqlite(SqliteConn::Writer(writer.begin(false).await?)))
            }
            Connections::Sqlite { readers: Some(readers), writer } => {
                writer.settled().await?;
                counters.trip();
                counters.transaction();
                let mut lent = readers.lend().await?;
                lent.begin("begin".to_owned(), false).await?;
                Ok(Conn::Sqlite(SqliteConn::Reader(lent, counters)))
            }
            Connections::Postgres { transactions, .. } => {
                let begin = sight.begin("begin isolation level repeatable read read only");
                let lent = begin_postgres(transactions, &begin, false, &counters).await?;
                Ok(Conn::Postgres(PostgresConn::Transaction(lent, counters)))
            }
        }
    }

    async fn begin_write(&self, sight: Sight, is_alone: bool) -> Result<Conn, StoreError> {
        Ok(match &self.connections {
            Connections::Sqlite { writer, .. } => {
                Conn::Sqlite(SqliteConn::Writer(writer.begin(is_alone).await?))
            }
            Connections::Postgres { transactions, .. } => {
                let counters = Arc::clone(&self.counters);
                let begin = sight.begin("begin");
                let lent = begin_postgres(transactions, &begin, true, &counters).await?;
                Conn::Postgres(PostgresConn::Transaction(lent, counters))
            }
        })
    }
}

/// Begins a transaction on a connection that is there. A server that was restarted leaves broken
/// ones behind; nothing was done on them yet, so the next one is taken.
async fn begin_postgres(
    pool: &Pool<PgConnection>,
    begin: &str,
    may_write: bool,
    counters: &Counters,
) -> Result<Lent<PgConnection>, StoreError> {
    let mut broken = 0;
    loop {
        counters.trip();
        let mut lent = pool.lend().await?;
        let told = timeout(pool.wait(), lent.begin(begin.to_owned(), may_write)).await;
        match told.map_err(|_| StoreError::Busy)? {
            Ok(()) => {
                counters.transaction();
                return Ok(lent);
            }
            Err(error) if broken < pool.most() && is_broken(&error) => broken += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether the connection ended, or was ended by its server, whatever was asked on it.
fn is_broken(error: &sqlx::Error) -> bool {
    /// The class of an administrator's intervention: the server ends its connections.
    const ENDED: &str = "57P";
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(answer) => answer.code().is_some_and(|code| code.starts_with(ENDED)),
        _ => false,
    }
}

/// What row-level security lets a PostgreSQL transaction see.
#[derive(Debug, Clone, Copy)]
enum Sight {
    Org(OrgId),
    System,
}

impl Sight {
    /// Begins and sets the sight in one round trip. `set local` takes no parameters; an
    /// organization's id is a uuid, so it can't hold anything but hexadecimal digits and dashes.
    fn begin(self, begin: &str) -> String {
        match self {
            Self::Org(org) => format!("{begin}; set local waypost.org = '{}'", org.0.hyphenated()),
            Self::System => format!("{begin}; set local waypost.system = 'on'"),
        }
    }
}

async fn connect_sqlite(
    url: &str,
    options: &StoreOptions,
    counters: &Arc<Counters>,
) -> Result<Connections, StoreError> {
    let in_memory = url.contains(":memory:") || url.contains("mode=memory");
    let connect: SqliteConnectOptions = url.parse()?;
    if !in_memory && !options.create && !connect.get_filename().exists() {
        return Err(StoreError::NoDatabase);
    }
    let connect = connect
        .create_if_missing(options.create)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(CACHED_STATEMENTS);
    let connect = logging(connect, options);
    let writing = connect
        .clone()
        // A commit touches some twenty b-trees.
        .pragma("cache_size", "-65536")
        // What a savepoint would undo; in a temporary file it would be written at each ticket.
        .pragma("temp_store", "memory")
        // Somebody else does that; this is for when they cannot.
        .pragma("wal_autocheckpoint", checkpoints::AT_THE_LATEST)
        .pragma("journal_size_limit", checkpoints::LOG_BYTES);
    let writer = Writer::open(writing, options.wait, Arc::clone(counters)).await?;
    if in_memory {
        return Ok(Connections::Sqlite { writer, readers: None });
    }
    let reads = connect.clone().pragma("cache_size", "-8192");
    let readers = Pool::new(reads, options.connections.max(1), options.wait);
    writer.checkpoint_by(|asked| checkpoints::run(connect, writer.downgrade(), asked));
    Ok(Connections::Sqlite { writer, readers: Some(readers) })
}

/// Statements hold no values, but slow ones would be logged with the text of the query at every
/// import; so nothing is, unless it is asked for.
fn logging<O: ConnectOptions>(connect: O, options: &StoreOptions) -> O {
    if options.log_statements { connect } else { connect.disable_statement_logging() }
}

async fn connect_postgres(url: &str, options: &StoreOptions) -> Result<Connections, StoreError> {
    const BYPASSES: &str =
        "select rolsuper or rolbypassrls from pg_roles where rolname = current_user";
    let connect: PgConnectOptions = url.parse()?;
    let connect = connect.application_name("waypost").statement_cache_capacity(CACHED_STATEMENTS);
    // Compiling a statement takes longer than ours run: a list of what waits for its caller among a
    // million tickets took 95 ms with it, and takes 5.5 ms without.
    let connect = logging(connect, options).options([("jit", "off")]);
    let glances = (options.connections / 4).clamp(1, MAX_GLANCES);
    let most = options.connections.saturating_sub(glances).max(1);
    let transactions = Pool::new(connect.clone(), most, options.wait);
    let bypasses: bool =
        sqlx::query_scalar(BYPASSES).fetch_one(transactions.lend().await?.conn()?).await?;
    if bypasses {
        tracing::warn!(
            "the database role bypasses row-level security, the second wall between organizations; \
             connect as a role that is neither superuser nor has BYPASSRLS"
        );
    }
    // Their sight is the session's, which saves beginning a transaction to set it.
    let seeing =
        connect.options([("waypost.system", "on"), ("default_transaction_read_only", "on")]);
    let glances = Pool::new(seeing, glances, options.wait);
    Ok(Connections::Postgres { transactions, glances })
}
