//! Checkpoints of a SQLite database: copying the write-ahead log into the file, on a connection of
//! its own. SQLite would do it inside of the commit that crosses a limit, while everybody else who
//! writes waits.

use std::time::Duration;

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::mpsc;

use crate::writer::WeakWriter;

/// Where the writer does it itself after all, in pages of 4 KiB: 256 MiB.
pub(crate) const AT_THE_LATEST: &str = "65536";
/// To what the log's file is cut, in bytes, when it begins anew.
pub(crate) const LOG_BYTES: &str = "67108864";
/// From so many pages on the log begins anew, which nobody may write into meanwhile: 64 MiB.
const LONG: i64 = 16 * 1024;
/// How long writers wait for readers of the old log then; if those take longer, the next time.
const PATIENCE: Duration = Duration::from_millis(20);

/// Does it whenever it is asked to, until the last one who could ask is gone.
pub(crate) async fn run(
    options: SqliteConnectOptions,
    writer: WeakWriter,
    mut asked: mpsc::Receiver<()>,
) {
    let options = options.busy_timeout(PATIENCE).pragma("wal_autocheckpoint", "0");
    let mut conn = None;
    while asked.recv().await.is_some() {
        if let Err(error) = checkpoint(&options, &writer, &mut conn).await {
            // Nothing is lost: the log holds everything.
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "could not copy the write-ahead log into the database"
            );
            conn = None;
        }
    }
    if let Some(conn) = conn {
        // The log stays, for whoever closes the last connection.
        let _: Result<(), sqlx::Error> = conn.close().await;
    }
}

async fn checkpoint(
    options: &SqliteConnectOptions,
    writer: &WeakWriter,
    conn: &mut Option<SqliteConnection>,
) -> Result<(), sqlx::Error> {
    const COPY: &str = "pragma wal_checkpoint(passive)";
    const BEGIN_ANEW: &str = "pragma wal_checkpoint(restart)";
    let conn = match conn {
        Some(conn) => conn,
        none => none.insert(options.connect().await?),
    };
    let (_, pages, _): (i64, i64, i64) = sqlx::query_as(COPY).fetch_one(&mut *conn).await?;
    if pages > LONG
        && let Some(writer) = writer.upgrade()
        && let Ok(lent) = writer.lend().await
    {
        // Little is left to copy, and nobody adds to it.
        let _: (i64, i64, i64) = sqlx::query_as(BEGIN_ANEW).fetch_one(conn).await?;
        drop(lent);
    }
    Ok(())
}
