//! Looks after the outbox of a database that a benchmark measures, over a plain connection: a store
//! of its own would also look after the database's log, which is the server's business.
//!
//! Usage: `outbox URL wait` waits until no message is waiting to be sent, and prints how many were
//! at first. `outbox URL settle` counts all of them as sent, so that none is, and prints how many
//! were.

#![expect(clippy::print_stdout, reason = "its one line of output is its result")]

use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, Connection,
    error::BoxDynError,
    postgres::{PgConnectOptions, PgConnection},
    sqlite::{SqliteConnectOptions, SqliteConnection},
};

/// How often the outbox is looked at: rarely enough to cost those who empty it nothing.
const PULSE: Duration = Duration::from_millis(100);

const WAITING: &str = "select count(*) from outbox where state = 'pending'";

/// In portions, which keep the write-ahead log small.
const SETTLE: &str = "
    update outbox set state = 'sent', address = 'nobody@example.org', settled_at = created_at
    where (org_id, id) in (select org_id, id from outbox where state = 'pending' limit 5000)";

/// A connection to one of the engines.
enum Open {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Open {
    async fn connect(url: &str) -> Result<Self, sqlx::Error> {
        Ok(if url.starts_with("sqlite:") {
            Self::Sqlite(SqliteConnectOptions::from_str(url)?.connect().await?)
        } else {
            // Whose messages they are does not matter here.
            let options = PgConnectOptions::from_str(url)?.options([("waypost.system", "on")]);
            Self::Postgres(options.connect().await?)
        })
    }

    /// How many messages wait to be sent.
    async fn waiting(&mut self) -> Result<i64, sqlx::Error> {
        match self {
            Self::Sqlite(open) => sqlx::query_scalar(WAITING).fetch_one(open).await,
            Self::Postgres(open) => sqlx::query_scalar(WAITING).fetch_one(open).await,
        }
    }

    /// Counts some of them as sent; returns how many.
    async fn settle(&mut self) -> Result<u64, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(open) => sqlx::query(SETTLE).execute(open).await?.rows_affected(),
            Self::Postgres(open) => sqlx::query(SETTLE).execute(open).await?.rows_affected(),
        })
    }

    /// Closes it; a SQLite file is whole then, and may be copied.
    async fn close(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(open) => open.close().await,
            Self::Postgres(open) => open.close().await,
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxDynError> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [url, what] = words.as_slice() else {
        return Err("usage: outbox URL wait|settle".into());
    };
    let mut open = Open::connect(url).await?;
    let waiting = open.waiting().await?;
    match what.as_str() {
        "wait" => {
            while open.waiting().await? > 0 {
                tokio::time::sleep(PULSE).await;
            }
        }
        "settle" => while open.settle().await? > 0 {},
        _ => return Err("usage: outbox URL wait|settle".into()),
    }
    open.close().await?;
    println!("{waiting}");
    Ok(())
}
