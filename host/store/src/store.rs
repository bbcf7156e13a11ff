//! The store: an open database, and the transactions that begin from it.

use std::{future::Future, pin::Pin, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Postgres, Sqlite, SqliteConnection,
    migrate::Migrator,
    pool::PoolConnectionMetadata,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use waypost_domain::ids::OrgId;

use crate::{
    CommitNote, ReadTx, StoreError, SystemReadTx, SystemTx, WriteTx,
    conn::{Conn, on_conn},
};

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");
pub(crate) static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/postgres");

/// How long a SQLite writer waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The queries of this crate and every batch size of the bulk inserts, with room.
const CACHED_STATEMENTS: usize = 256;

/// What can be set about the connections.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// How many connections are open at most (PostgreSQL), or how many readers beside the one
    /// writer (SQLite).
    pub connections: u32,
    /// How long a caller waits for a free connection before it hears [`StoreError::Busy`].
    pub wait: Duration,
    /// Whether a SQLite file is made where there is none.
    pub create: bool,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { connections: 8, wait: Duration::from_secs(10), create: true }
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
    pool: Pool,
}

#[derive(Debug, Clone)]
enum Pool {
    /// Writers queue for one connection, in order, instead of polling for SQLite's write lock.
    Sqlite {
        writer: sqlx::Pool<Sqlite>,
        readers: sqlx::Pool<Sqlite>,
    },
    Postgres(sqlx::Pool<Postgres>),
}

impl Store {
    /// Opens the database of a `sqlite:` or `postgres:` URL.
    ///
    /// # Errors
    /// [`StoreError::NoDatabase`] if there is no SQLite file and none is to be made.
    pub async fn connect(url: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let pool = if url.starts_with("sqlite:") {
            connect_sqlite(url, options).await?
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            connect_postgres(url, options).await?
        } else {
            return Err(StoreError::UnknownUrl);
        };
        Ok(Self { pool })
    }

    /// Which database it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match &self.pool {
            Pool::Sqlite { .. } => Engine::Sqlite,
            Pool::Postgres(_) => Engine::Postgres,
        }
    }

    /// Brings the tables to this release. Several processes may call it at once.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match &self.pool {
            Pool::Sqlite { writer, .. } => SQLITE_MIGRATIONS.run(writer).await?,
            Pool::Postgres(pool) => POSTGRES_MIGRATIONS.run(pool).await?,
        }
        Ok(())
    }

    /// How many migrations of this release the database still lacks. Zero means ready.
    pub async fn pending_migrations(&self) -> Result<usize, StoreError> {
        let all = match &self.pool {
            Pool::Sqlite { .. } => &SQLITE_MIGRATIONS,
            Pool::Postgres(_) => &POSTGRES_MIGRATIONS,
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
            Conn::Sqlite(tx) => sqlx::query_scalar(TABLE_SQLITE).fetch_one(&mut **tx).await?,
            Conn::Postgres(tx) => sqlx::query_scalar(TABLE_POSTGRES).fetch_one(&mut **tx).await?,
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
        Ok(ReadTx { org, conn: self.begin_read(Sight::Org(org)).await? })
    }

    /// Begins a change of an organization's records.
    pub async fn write(&self, org: OrgId) -> Result<WriteTx, StoreError> {
        let conn = self.begin_write(Sight::Org(org)).await?;
        Ok(WriteTx(ReadTx { org, conn }, CommitNote::default()))
    }

    /// Begins a view across organizations.
    pub async fn system_read(&self) -> Result<SystemReadTx, StoreError> {
        Ok(SystemReadTx { conn: self.begin_read(Sight::System).await? })
    }

    /// Begins a change across organizations.
    pub async fn system(&self) -> Result<SystemTx, StoreError> {
        let conn = self.begin_write(Sight::System).await?;
        Ok(SystemTx(SystemReadTx { conn }, CommitNote::default()))
    }

    /// Closes the connections after their transactions have ended.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Sqlite { writer, readers } => {
                readers.close().await;
                // Last, because closing the last connection folds the write-ahead log into the
                // file.
                writer.close().await;
            }
            Pool::Postgres(pool) => pool.close().await,
        }
    }

    async fn begin_read(&self, sight: Sight) -> Result<Conn, StoreError> {
        Ok(match &self.pool {
            // Named, it fails inside of another one instead of reading what that one sees.
            Pool::Sqlite { readers, .. } => Conn::Sqlite(readers.begin_with("begin").await?),
            Pool::Postgres(pool) => {
                let begin = sight.begin("begin isolation level repeatable read read only");
                Conn::Postgres(pool.begin_with(AssertSqlSafe(begin)).await?)
            }
        })
    }

    async fn begin_write(&self, sight: Sight) -> Result<Conn, StoreError> {
        Ok(match &self.pool {
            // A SQLite transaction that has read cannot start to write once another writer has
            // committed; it fails at once, whatever the busy timeout. Locking first makes it wait.
            Pool::Sqlite { writer, .. } => {
                Conn::Sqlite(writer.begin_with("begin immediate").await?)
            }
            Pool::Postgres(pool) => {
                Conn::Postgres(pool.begin_with(AssertSqlSafe(sight.begin("begin"))).await?)
            }
        })
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

async fn connect_sqlite(url: &str, options: &StoreOptions) -> Result<Pool, StoreError> {
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
        .statement_cache_capacity(CACHED_STATEMENTS)
        // Statements hold no values, but slow ones would be logged with the text of the query at
        // every import.
        .disable_statement_logging();
    let pool = |connections: u32| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(options.wait)
            // A database in memory ends with its connection, and a file has nothing to gain from
            // reconnecting.
            .idle_timeout(None)
            .max_lifetime(None)
            .before_acquire(has_none_open)
    };
    let writer = pool(1).connect_with(connect.clone()).await?;
    let readers = if in_memory {
        writer.clone()
    } else {
        pool(options.connections.max(1)).connect_with(connect).await?
    };
    Ok(Pool::Sqlite { writer, readers })
}

/// Takes a connection out of the pool only if no transaction is open on it. SQLite itself undoes a
/// transaction that fails on a full disk, and then there is nothing left to roll back: sqlx goes on
/// counting that transaction as open, and would refuse every later one.
fn has_none_open(
    connection: &mut SqliteConnection,
    _: PoolConnectionMetadata,
) -> Pin<Box<dyn Future<Output = Result<bool, sqlx::Error>> + Send + '_>> {
    let is_open = connection.is_in_transaction();
    if is_open {
        tracing::warn!("replaced a database connection whose transaction could not be ended");
    }
    Box::pin(std::future::ready(Ok(!is_open)))
}

async fn connect_postgres(url: &str, options: &StoreOptions) -> Result<Pool, StoreError> {
    const BYPASSES: &str =
        "select rolsuper or rolbypassrls from pg_roles where rolname = current_user";
    let connect: PgConnectOptions = url.parse()?;
    let connect = connect
        .application_name("waypost")
        .statement_cache_capacity(CACHED_STATEMENTS)
        .disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(options.connections.max(1))
        .acquire_timeout(options.wait)
        .connect_with(connect)
        .await?;
    let bypasses: bool = sqlx::query_scalar(BYPASSES).fetch_one(&pool).await?;
    if bypasses {
        tracing::warn!(
            "the database role bypasses row-level security, the second wall between organizations; \
             connect as a role that is neither superuser nor has BYPASSRLS"
        );
    }
    Ok(Pool::Postgres(pool))
}
