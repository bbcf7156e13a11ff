//! Unique keys: what the two engines call the one that was violated.

use sqlx::error::DatabaseError;

use crate::StoreError;

/// A unique key that a caller's value can collide with, in both engines' spellings.
#[derive(Debug, Clone, Copy)]
pub struct UniqueKey {
    /// The field, as [`StoreError::Taken`] names it.
    pub(crate) what: &'static str,
    /// The constraint's name.
    pub(crate) postgres: &'static str,
    /// The columns, as SQLite lists them.
    pub(crate) sqlite: &'static str,
}

impl UniqueKey {
    fn is_violated(&self, error: &dyn DatabaseError) -> bool {
        error.is_unique_violation()
            && (error.constraint() == Some(self.postgres) || error.message().ends_with(self.sqlite))
    }
}

/// Turns the violation of one of the keys into [`StoreError::Taken`]; any other error passes
/// through.
pub(crate) fn explain(error: sqlx::Error, keys: &[UniqueKey]) -> StoreError {
    if let sqlx::Error::Database(answer) = &error {
        let violated = keys.iter().find(|key| key.is_violated(answer.as_ref()));
        if let Some(key) = violated {
            return StoreError::Taken(key.what);
        }
    }
    error.into()
}
