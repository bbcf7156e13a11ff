//! Looks after the outbox of a database that a benchmark measures.
//!
//! Usage: `outbox URL wait` waits until no message is waiting to be sent, and prints how many were
//! at first. `outbox URL settle` counts all of them as sent, so that none is.

#![expect(clippy::print_stdout, reason = "its one line of output is its result")]

use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, Connection,
    error::BoxDynError,
    postgres::{PgConnectOptions, PgConnection},
    sqlite::{SqliteConnectOptions, SqliteConnection},
};
use waypost_store::{Store, StoreOptions, outbox};

/// How often the outbox is looked at: rarely enough to cost those who empty it nothing.
const PULSE: Duration = Duration::from_millis(100);

/// In portions, which keep the write-ahead log small.
const SETTLE: &str = "
    update outbox set state = 'sent', address = 'nobody@example.org', settled_at = created_at
    where (org_id, id) in (select org_id, id from outbox where state = 'pending' limit 5000)";

#[tokio::main]
async fn main() -> Result<(), BoxDynError> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [url, "wait"] => println!("{}", wait(url).await?),
        [url, "settle"] => println!("{}", settle(url).await?),
        _ => return Err("usage: outbox URL wait|settle".into()),
    }
    Ok(())
}

/// Waits until nothing waits. Returns how many messages did at first.
async fn wait(url: &str) -> Result<u64, BoxDynError> {
    let options = StoreOptions { connections: 1, create: false, ..StoreOptions::default() };
    let store = Store::connect(url, &options).await?;
    let waiting = || async { outbox::pending_count(&mut store.system_read().await?).await };
    let first = waiting().await?;
    let mut left = first;
    while left > 0 {
        tokio::time::sleep(PULSE).await;
        left = waiting().await?;
    }
    store.close().await;
    Ok(first)
}

/// Counts as sent what waits. Returns how many messages did.
async fn settle(url: &str) -> Result<u64, BoxDynError> {
    let mut all = 0;
    if url.starts_with("sqlite:") {
        let mut to: SqliteConnection = SqliteConnectOptions::from_str(url)?.connect().await?;
        loop {
            match sqlx::query(SETTLE).execute(&mut to).await?.rows_affected() {
                0 => break,
                some => all += some,
            }
        }
        // So that the log is folded into the file, which may be copied.
        to.close().await?;
    } else {
        // Whose messages they are does not matter here.
        let options = PgConnectOptions::from_str(url)?.options([("waypost.system", "on")]);
        let mut to: PgConnection = options.connect().await?;
        loop {
            match sqlx::query(SETTLE).execute(&mut to).await?.rows_affected() {
                0 => break,
                some => all += some,
            }
        }
    }
    Ok(all)
}
