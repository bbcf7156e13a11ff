//! What a store can answer instead of a record.

use thiserror::Error;

/// A query was not carried out, or a record can't be read.
///
/// An error ends the transaction it happened in: drop it. On PostgreSQL everything after it fails
/// too.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Somebody else changed the record since it was read, or it isn't there for this organization.
    #[error("the record has been changed since it was read")]
    Stale,
    /// Another record of the organization has this value; the text names the field.
    #[error("the {0} is already taken")]
    Taken(&'static str),
    /// A record was handed to a transaction of another organization.
    #[error("the record belongs to a different organization than the transaction")]
    WrongOrganization,
    /// A value that no column can hold; the text names the field.
    #[error("the {0} cannot be stored")]
    Unstorable(&'static str),
    /// A text holds a character that the database keeps in no text: U+0000.
    #[error("a text contains the character U+0000, which cannot be stored")]
    NotText,
    /// A stored row breaks a rule that the program relies on.
    #[error("the table {table} has an unreadable value in {column}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// Too much is going on at the database; the same call may succeed in a moment.
    #[error("the database is busy")]
    Busy,
    /// The URL names neither a SQLite nor a PostgreSQL database.
    #[error("a database URL must start with sqlite: or postgres:")]
    UnknownUrl,
    /// The database was made by a newer release, or its migrations were edited.
    #[error("the database cannot be migrated")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The database failed.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
}

/// SQLite: another connection holds the lock (the low byte of every such code).
const SQLITE_BUSY: i32 = 5;
/// SQLite: another statement of this connection holds the lock.
const SQLITE_LOCKED: i32 = 6;
/// PostgreSQL: serialization failure, deadlock, lock not available, too many connections, shutting
/// down.
const POSTGRES_BUSY: [&str; 5] = ["40001", "40P01", "55P03", "53300", "57P01"];
/// PostgreSQL: U+0000 in a text, and in JSON. SQLite keeps it.
const POSTGRES_NOT_TEXT: [&str; 2] = ["22021", "22P05"];

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if is_busy(&error) {
            Self::Busy
        } else if is_not_text(&error) {
            Self::NotText
        } else {
            Self::Database(error)
        }
    }
}

fn is_not_text(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(answer) = error else { return false };
    answer.code().is_some_and(|code| POSTGRES_NOT_TEXT.contains(&code.as_ref()))
}

fn is_busy(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(answer) => answer.code().is_some_and(|code| {
            POSTGRES_BUSY.contains(&code.as_ref())
                || code.parse::<i32>().is_ok_and(|code| {
                    // A five-digit SQLSTATE of PostgreSQL can also be a number; SQLite's have at
                    // most four digits.
                    code < 10_000 && matches!(code & 0xff, SQLITE_BUSY | SQLITE_LOCKED)
                })
        }),
        _ => false,
    }
}
