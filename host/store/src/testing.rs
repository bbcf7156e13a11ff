//! Test databases: empty, migrated, one for each test.
//!
//! Where the server's user would bypass row-level security, tests act as a role that does not, and
//! that owns the tables as the host's role does: so every test on PostgreSQL also shows that the
//! second wall lets through what it should.

use std::{fmt::Write as _, path::PathBuf, time::Duration};

use sha2::{Digest, Sha256};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, migrate::Migrator, postgres::PgConnectOptions,
};

use crate::{
    ReadTx, Store, StoreError, StoreOptions, SystemTx, WriteTx,
    conn::{Conn, on_conn},
    store,
};

/// Names the PostgreSQL server to test on; its user may create databases.
pub const POSTGRES_VARIABLE: &str = "WAYPOST_TEST_POSTGRES";

/// The role that tests act as where the server's user would bypass row-level security.
const ROLE: &str = "waypost_test";

/// Any number; all processes that prepare the template take this lock.
const TEMPLATE_LOCK: i64 = 0x7761_7970;

/// Makes `mod sqlite` and `mod postgres`, each calling every body with an empty store of its own.
///
/// SQLite's is in memory and has one connection: a body that holds two transactions at once, or is
/// about durability, is listed after `; in files:`.
#[macro_export]
macro_rules! on_both_engines {
    ($($body:ident)* $(; in files: $($filed:ident)+)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $body() {
                    super::$body($crate::testing::sqlite().await).await;
                }
            )*
            $($(
                #[tokio::test]
                async fn $filed() {
                    let path = concat!(module_path!(), "::", stringify!($filed));
                    super::$filed($crate::testing::sqlite_file(path).await).await;
                }
            )+)?
        }

        mod postgres {
            $(
                #[tokio::test]
                async fn $body() {
                    let path = concat!(module_path!(), "::", stringify!($body));
                    super::$body($crate::testing::postgres(path).await).await;
                }
            )*
            $($(
                #[tokio::test]
                async fn $filed() {
                    let path = concat!(module_path!(), "::", stringify!($filed));
                    super::$filed($crate::testing::postgres(path).await).await;
                }
            )+)?
        }
    };
}

/// An empty SQLite database in memory.
///
/// # Panics
/// When it can't be made.
pub async fn sqlite() -> Store {
    migrated("sqlite::memory:").await
}

/// An empty SQLite database in a file of its own, named for the test's path. It stays there for a
/// look after a failure.
///
/// # Panics
/// When it can't be made.
pub async fn sqlite_file(test: &str) -> Store {
    let folder = sqlite_folder(test);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("the last run's database can be removed");
    }
    std::fs::create_dir_all(&folder).expect("a folder can be made in the temporary folder");
    migrated(&sqlite_url(test)).await
}

/// The URL of the database of [`sqlite_file`]: for tests of several stores on one file.
#[must_use]
pub fn sqlite_url(test: &str) -> String {
    format!("sqlite:{}", sqlite_folder(test).join("waypost.db").display())
}

/// An empty PostgreSQL database, named for the test's path. It stays there for a look after a
/// failure.
///
/// # Panics
/// Without [`POSTGRES_VARIABLE`], or when the server refuses.
pub async fn postgres(test: &str) -> Store {
    Store::connect(&postgres_url(test).await, &options()).await.expect("the test's database opens")
}

/// Makes the database of [`postgres`], and returns its URL: for tests of several stores on one
/// database.
///
/// # Panics
/// As [`postgres`].
pub async fn postgres_url(test: &str) -> String {
    make_postgres(&server(), test)
        .await
        .expect("the PostgreSQL server makes a database for the test")
}

/// Has the server end all connections to the database of a test, as when it is restarted.
///
/// # Panics
/// As [`postgres`].
pub async fn end_connections(test: &str) {
    const END: &str =
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = $1";
    let mut admin = PgConnection::connect(&server()).await.expect("the server is there");
    let ended = sqlx::query(END).bind(database_of(test)).execute(&mut admin).await;
    ended.expect("the server ends connections");
}

fn server() -> String {
    #[expect(clippy::disallowed_methods, reason = "tests are started by cargo, not configured")]
    let server = std::env::var(POSTGRES_VARIABLE);
    server.unwrap_or_else(|_| {
        panic!(
            "set {POSTGRES_VARIABLE} to the URL of a PostgreSQL server whose user may create databases, \
             or run `cargo xtask test`, which starts one"
        )
    })
}

fn database_of(test: &str) -> String {
    format!("waypost_test_{}", hex(test.as_bytes()))
}

/// Runs any statement with the sight of a transaction across organizations, for tests that damage
/// or inspect rows.
pub async fn execute(tx: &mut SystemTx, sql: &'static str) -> Result<u64, StoreError> {
    Ok(on_conn!(&mut tx.conn, |conn| sqlx::query(sql).execute(conn).await?.rows_affected()))
}

/// Takes away the triggers that keep what was recorded as it was, for tests of what becomes of
/// damaged rows.
pub async fn allow_changes(tx: &mut SystemTx) -> Result<(), StoreError> {
    const SQLITE: &str = "
        drop trigger events_are_not_changed;
        drop trigger evaluations_are_not_changed;
        drop trigger receipts_are_not_changed;
        drop trigger binding_revisions_are_not_changed;
        drop trigger organizations_are_not_moved";
    const POSTGRES: &str = "
        drop trigger events_are_not_changed on events;
        drop trigger evaluations_are_not_changed on evaluations;
        drop trigger receipts_are_not_changed on receipts;
        drop trigger binding_revisions_are_not_changed on binding_revisions;
        drop trigger organizations_are_not_moved on organizations";
    match &mut tx.conn {
        Conn::Sqlite(on) => sqlx::raw_sql(SQLITE).execute(on.ask()?).await.map(drop)?,
        Conn::Postgres(on) => sqlx::raw_sql(POSTGRES).execute(on.ask()?).await.map(drop)?,
    }
    Ok(())
}

/// Runs any statement with the sight of an organization.
pub async fn execute_as(tx: &mut WriteTx, sql: &str) -> Result<u64, StoreError> {
    let sql = AssertSqlSafe(sql.to_owned());
    Ok(on_conn!(&mut tx.conn, |conn| sqlx::query(sql).execute(conn).await?.rows_affected()))
}

/// Reads a number with the sight of an organization.
pub async fn number_as(tx: &mut ReadTx, sql: &str) -> Result<i64, StoreError> {
    let sql = AssertSqlSafe(sql.to_owned());
    Ok(on_conn!(&mut tx.conn, |conn| sqlx::query_scalar(sql).fetch_one(conn).await?))
}

/// Reads rows of texts with the sight of a transaction across organizations.
pub async fn texts(tx: &mut SystemTx, sql: &'static str) -> Result<Vec<String>, StoreError> {
    Ok(on_conn!(&mut tx.conn, |conn| sqlx::query_scalar(sql).fetch_all(conn).await?))
}

/// Every text in a database on SQLite, whatever table it is in: what JSON holds, text by text.
///
/// # Panics
/// On another engine.
pub async fn all_texts(tx: &mut SystemTx) -> Result<Vec<String>, StoreError> {
    const COLUMNS: &str = "
        select s.name, c.name from sqlite_schema s join pragma_table_info(s.name) c
        where s.type = 'table' and lower(c.type) = 'text'";
    let Conn::Sqlite(on) = &mut tx.conn else { panic!("tables are listed by SQLite only") };
    let columns: Vec<(String, String)> = sqlx::query_as(COLUMNS).fetch_all(on.ask()?).await?;
    let mut texts = Vec::new();
    for (table, column) in columns {
        let all = AssertSqlSafe(format!("select {column} from {table} where {column} <> ''"));
        let values: Vec<String> = sqlx::query_scalar(all).fetch_all(on.ask()?).await?;
        for value in values {
            match serde_json::from_str(&value) {
                Ok(json) => push_texts(&json, &mut texts),
                Err(_) => texts.push(value),
            }
        }
    }
    Ok(texts)
}

/// The texts of a JSON value. The names of its fields are written by programs.
fn push_texts(json: &serde_json::Value, texts: &mut Vec<String>) {
    match json {
        serde_json::Value::String(text) => texts.push(text.clone()),
        serde_json::Value::Array(all) => all.iter().for_each(|one| push_texts(one, texts)),
        serde_json::Value::Object(all) => all.values().for_each(|one| push_texts(one, texts)),
        _ => {}
    }
}

/// Has the database collect statistics about all tables.
pub async fn analyze(tx: &mut SystemTx) -> Result<(), StoreError> {
    execute(tx, "analyze").await.map(drop)
}

/// How the database would carry out a statement, line by line. On PostgreSQL as it does whatever
/// the values are, and reading a whole table only where nothing else is possible: tables of tests
/// are so small that it would read all of them whole.
pub async fn plan(tx: &mut SystemTx, sql: &str) -> Result<Vec<String>, StoreError> {
    Ok(match &mut tx.conn {
        Conn::Sqlite(on) => {
            let explain = AssertSqlSafe(format!("explain query plan {sql}"));
            let steps: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(explain).fetch_all(on.ask()?).await?;
            steps.into_iter().map(|(.., step)| step).collect()
        }
        Conn::Postgres(on) => {
            const CAREFUL: &str = "
                set local enable_seqscan = off;
                set local plan_cache_mode = force_generic_plan";
            let values = (1..).take_while(|number| sql.contains(&format!("${number}")));
            let values = values.map(|_| "null").collect::<Vec<_>>().join(", ");
            let values = if values.is_empty() { values } else { format!("({values})") };
            let prepare = AssertSqlSafe(format!("prepare explained as {sql}"));
            let explain = AssertSqlSafe(format!("explain (costs off) execute explained {values}"));
            sqlx::raw_sql(CAREFUL).execute(on.ask()?).await?;
            sqlx::raw_sql(prepare).execute(on.ask()?).await?;
            let steps = sqlx::query_scalar(explain).persistent(false).fetch_all(on.ask()?).await?;
            sqlx::raw_sql("deallocate explained").execute(on.ask()?).await?;
            steps
        }
    })
}

fn sqlite_folder(test: &str) -> PathBuf {
    std::env::temp_dir().join("waypost-test").join(hex(test.as_bytes()))
}

fn options() -> StoreOptions {
    StoreOptions { connections: 4, wait: Duration::from_secs(20), ..StoreOptions::default() }
}

async fn migrated(url: &str) -> Store {
    let store = Store::connect(url, &options()).await.expect("the test's database opens");
    store.migrate().await.expect("the test's database is migrated");
    store
}

async fn make_postgres(server: &str, test: &str) -> Result<String, sqlx::Error> {
    const BYPASSES: &str =
        "select rolsuper or rolbypassrls from pg_roles where rolname = current_user";
    let mut admin = PgConnection::connect(server).await?;
    let bypasses: bool = sqlx::query_scalar(BYPASSES).fetch_one(&mut admin).await?;
    let role = bypasses.then_some(ROLE);

    let template = template(&mut admin, server, role).await?;
    let database = database_of(test);
    // Before and not after the test, so that nothing piles up and a failed test's data can be
    // looked at.
    run(&mut admin, format!("drop database if exists {database} with (force)")).await?;
    run(&mut admin, format!("create database {database} template {template}{}", owner(role)))
        .await?;
    admin.close().await?;
    Ok(url_of(server, &database, role))
}

/// The name of the server's migrated template, which is made if it is missing.
async fn template(
    admin: &mut PgConnection,
    server: &str,
    role: Option<&str>,
) -> Result<String, sqlx::Error> {
    const LOCK: &str = "select pg_advisory_lock($1)";
    const UNLOCK: &str = "select pg_advisory_unlock($1)";
    const EXISTS: &str = "select count(*) from pg_database where datname = $1";
    let template = format!("waypost_template_{}", checksum(&store::POSTGRES_MIGRATIONS));
    sqlx::query(LOCK).bind(TEMPLATE_LOCK).execute(&mut *admin).await?;
    let existing: i64 = sqlx::query_scalar(EXISTS).bind(&template).fetch_one(&mut *admin).await?;
    if existing == 0 {
        let draft = format!("{template}_draft");
        if let Some(role) = role {
            let roles = "select count(*) from pg_roles where rolname = $1";
            let roles: i64 = sqlx::query_scalar(roles).bind(role).fetch_one(&mut *admin).await?;
            if roles == 0 {
                run(admin, format!("create role {role}")).await?;
            }
        }
        run(admin, format!("drop database if exists {draft} with (force)")).await?;
        run(admin, format!("create database {draft}{}", owner(role))).await?;
        let store = Store::connect(&url_of(server, &draft, role), &options()).await;
        let store = store.expect("the template's draft opens");
        store.migrate().await.expect("the template's draft is migrated");
        // PostgreSQL neither renames nor copies a database that somebody is connected to.
        store.close().await;
        run(admin, format!("alter database {draft} rename to {template}")).await?;
    }
    sqlx::query(UNLOCK).bind(TEMPLATE_LOCK).execute(&mut *admin).await?;
    Ok(template)
}

/// Runs a statement about databases, whose names are made of our own words and hexadecimal digits.
async fn run(admin: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(admin).await?;
    Ok(())
}

fn owner(role: Option<&str>) -> String {
    role.map(|role| format!(" owner {role}")).unwrap_or_default()
}

/// The server's URL with another database, acting as the role.
fn url_of(server: &str, database: &str, role: Option<&str>) -> String {
    let options: PgConnectOptions = server.parse().expect("the server's URL was connected to");
    let options = options.database(database);
    let url = sqlx::ConnectOptions::to_url_lossy(&options);
    match role {
        Some(role) => {
            let separator = if url.query().is_some() { '&' } else { '?' };
            format!("{url}{separator}options[role]={role}")
        }
        None => url.to_string(),
    }
}

/// A digest of the migrations: another set of migrations has another template.
fn checksum(migrations: &Migrator) -> String {
    let all: Vec<u8> = migrations.iter().flat_map(|one| one.checksum.iter().copied()).collect();
    hex(&all)
}

/// Half a SHA-256: short enough for the name of a database.
fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().take(16).fold(String::new(), |mut hex, byte| {
        // Writing to a string can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
