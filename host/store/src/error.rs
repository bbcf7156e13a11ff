//! What a store can answer instead of a record.

use std::sync::Arc;

use sqlx::{error::DatabaseError, sqlite::SqliteError};
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
    /// Another server has carried out the same request.
    #[error("the same request was carried out by another server")]
    Overtaken,
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
    /// The database cannot be reached, or cannot write: it is away, restarting, or its disk is
    /// full. Nothing was changed; the same call may succeed once that is over.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// The answer to a commit was lost: the changes may be kept or not.
    #[error("the answer to the commit was lost, so it is not known whether the changes were kept")]
    OutcomeUnknown(#[source] sqlx::Error),
    /// The URL names neither a SQLite nor a PostgreSQL database.
    #[error("a database URL must start with sqlite: or postgres:")]
    UnknownUrl,
    /// There is no database at the URL, and none was to be made.
    #[error("there is no database")]
    NoDatabase,
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
/// SQLite: the file cannot be written, read or opened, or the disk is full.
const SQLITE_UNAVAILABLE: [i32; 4] = [8, 10, 13, 14];
/// SQLite: reading or writing the file failed.
const SQLITE_IO: i32 = 10;
/// PostgreSQL: serialization failure, deadlock, lock not available, too many connections, a time
/// limit of the server.
const POSTGRES_BUSY: [&str; 5] = ["40001", "40P01", "55P03", "53300", "57014"];
/// PostgreSQL: connection exceptions (08…), it may only be read (25006), a transaction was ended
/// (25P03), resources such as the disk or memory are used up (53…), it was shut down or is starting
/// (57P…), an I/O error (58…).
const POSTGRES_UNAVAILABLE: [&str; 6] = ["08", "25006", "25P03", "53", "57P", "58"];
/// PostgreSQL: U+0000 in a text, and in JSON. SQLite keeps it.
const POSTGRES_NOT_TEXT: [&str; 2] = ["22021", "22P05"];

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match kind(&error) {
            Kind::Busy => Self::Busy,
            Kind::NotText => Self::NotText,
            Kind::Unavailable => Self::Unavailable(error),
            Kind::Other => Self::Database(error),
        }
    }
}

impl StoreError {
    /// What it means where the commit holds nothing of what the caller wants: whatever became of
    /// it, that was not done.
    #[must_use]
    pub fn of_preparation(self) -> Self {
        match self {
            Self::OutcomeUnknown(cause) => Self::Unavailable(cause),
            error => error,
        }
    }

    /// The same failure, for each of those whom it concerns.
    pub(crate) fn shared(error: &Arc<Self>) -> Self {
        let cause = || sqlx::Error::AnyDriverError(Box::new(Arc::clone(error)));
        match **error {
            Self::Busy => Self::Busy,
            Self::Unavailable(_) => Self::Unavailable(cause()),
            Self::OutcomeUnknown(_) => Self::OutcomeUnknown(cause()),
            _ => Self::Database(cause()),
        }
    }

    /// What a failed commit means. A database that said no has undone the changes; from one that
    /// said nothing, nobody knows.
    pub(crate) fn of_commit(error: sqlx::Error) -> Self {
        let is_answer = match &error {
            sqlx::Error::Database(answer) => match (sqlite_code(answer.as_ref()), answer.code()) {
                (Some(code), _) => code != SQLITE_IO,
                (None, code) => code.is_some_and(|code| {
                    !POSTGRES_UNAVAILABLE.iter().any(|class| code.starts_with(class))
                }),
            },
            _ => false,
        };
        if is_answer { error.into() } else { Self::OutcomeUnknown(error) }
    }
}

/// What kind of failure it is.
enum Kind {
    Busy,
    NotText,
    Unavailable,
    Other,
}

fn kind(error: &sqlx::Error) -> Kind {
    let answer = match error {
        // No connection was free, or none could be made in time.
        sqlx::Error::PoolTimedOut => return Kind::Busy,
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => return Kind::Unavailable,
        sqlx::Error::Database(answer) => answer,
        _ => return Kind::Other,
    };
    if let Some(code) = sqlite_code(answer.as_ref()) {
        return match code {
            SQLITE_BUSY | SQLITE_LOCKED => Kind::Busy,
            code if SQLITE_UNAVAILABLE.contains(&code) => Kind::Unavailable,
            _ => Kind::Other,
        };
    }
    match answer.code() {
        Some(code) if POSTGRES_BUSY.contains(&code.as_ref()) => Kind::Busy,
        Some(code) if POSTGRES_NOT_TEXT.contains(&code.as_ref()) => Kind::NotText,
        Some(code) if POSTGRES_UNAVAILABLE.iter().any(|class| code.starts_with(class)) => {
            Kind::Unavailable
        }
        _ => Kind::Other,
    }
}

/// The primary code of an answer by SQLite.
fn sqlite_code(answer: &dyn DatabaseError) -> Option<i32> {
    answer.try_downcast_ref::<SqliteError>()?;
    answer.code()?.parse::<i32>().ok().map(|code| code & 0xff)
}
