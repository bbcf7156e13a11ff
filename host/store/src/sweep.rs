//! Sweeping: what is kept for a while only, of all organizations, and removed in portions.

use chrono::{DateTime, Utc};

use crate::{StoreError, SystemReadTx, SystemTx, conn::on_conn};

/// Rows that are removed when their time is past.
#[derive(Debug, Clone, Copy)]
pub struct Sweep {
    any: &'static str,
    remove: &'static str,
}

/// Declares what rows of a table are told apart by, and how the column with their time compares to
/// `$1` when it is past. The oldest go first: in the order of the index.
macro_rules! sweep {
    ($table:literal by $key:literal where $time:literal $past:literal) => {
        $crate::sweep::Sweep::new(
            concat!("select exists (select 1 from ", $table, " where ", $time, $past, ")"),
            concat!(
                "delete from ",
                $table,
                " where (",
                $key,
                ") in (select ",
                $key,
                " from ",
                $table,
                " where ",
                $time,
                $past,
                " order by ",
                $time,
                " limit $2)"
            ),
        )
    };
}

pub(crate) use sweep;

impl Sweep {
    pub(crate) const fn new(any: &'static str, remove: &'static str) -> Self {
        Self { any, remove }
    }

    /// Whether there is anything to remove at this moment.
    pub async fn has_any(
        self,
        tx: &mut SystemReadTx,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        Ok(on_conn!(&mut tx.conn, |conn| sqlx::query_scalar(self.any)
            .bind(at)
            .fetch_one(conn)
            .await?))
    }

    /// Removes what is past its time at this moment, at most `limit` rows, and says how many.
    pub async fn remove(
        self,
        tx: &mut SystemTx,
        at: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        Ok(on_conn!(&mut tx.conn, |conn| {
            sqlx::query(self.remove)
                .bind(at)
                .bind(i64::from(limit))
                .execute(conn)
                .await?
                .rows_affected()
        }))
    }
}
