//! Rows: what a table holds, column by column, and writing many of them in few statements.

use uuid::Uuid;

use crate::{
    ReadTx, StoreError, WriteTx,
    conn::Conn,
    sql::Sql,
    unique::{UniqueKey, explain},
};

/// A row of a table that has an `org_id`.
pub trait Row: Sized + Send {
    /// `insert into table (columns) values `.
    const INSERT: &'static str;
    /// `update table set `.
    const UPDATE: &'static str;

    /// Whose row it is.
    fn org_id(&self) -> Uuid;

    /// Binds every column, as one parenthesized tuple.
    fn bind_values(self, sql: &mut Sql);

    /// Binds every column but `org_id` and `id`, as assignments.
    fn bind_assignments(self, sql: &mut Sql);
}

/// Declares a row, and a macro of the given name that lists its columns for a `select`.
///
/// The fields are the columns: nothing else names them twice.
macro_rules! row {
    (
        $(#[$meta:meta])*
        $vis:vis struct $row:ident in $table:literal, columns $columns:ident {
            $first:ident: $first_type:ty, $($field:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, sqlx::FromRow)]
        $vis struct $row {
            $vis $first: $first_type,
            $($vis $field: $type,)*
        }

        macro_rules! $columns {
            () => { concat!(stringify!($first), $(", ", stringify!($field),)*) };
            // As above, with a prefix such as `"tickets."`, for a `select` from several tables.
            ($prefix:literal) => {
                concat!($prefix, stringify!($first), $(", ", $prefix, stringify!($field),)*)
            };
        }

        impl $crate::row::Row for $row {
            const INSERT: &'static str =
                concat!("insert into ", $table, " (", $columns!(), ") values ");
            const UPDATE: &'static str = concat!("update ", $table, " set ");

            fn org_id(&self) -> uuid::Uuid {
                self.org_id
            }

            fn bind_values(self, sql: &mut $crate::sql::Sql) {
                sql.push("(").bind(self.$first);
                $(sql.push(", ").bind(self.$field);)*
                sql.push(")");
            }

            fn bind_assignments(self, sql: &mut $crate::sql::Sql) {
                let mut before = "";
                $(
                    if !matches!(stringify!($field), "org_id" | "id") {
                        sql.push(before).push(concat!(stringify!($field), " = ")).bind(self.$field);
                        before = ", ";
                    }
                )*
                let _: &str = before;
            }
        }
    };
}

pub(crate) use row;

/// How many rows go into one statement: up to so many, as many as there are, and otherwise one of
/// few sizes, so that a connection keeps every statement prepared. The largest stays far below
/// SQLite's 32,766 parameters for the widest table.
const EXACT: usize = 16;
const BATCHES: [usize; 3] = [64, 32, EXACT];

/// What ends an insert that leaves out the rows which are there already.
pub(crate) const UNLESS_THERE: &str = " on conflict do nothing";

/// Writes the rows, all of the transaction's organization, and returns how many were written.
///
/// A violation of one of the keys is [`StoreError::Taken`].
pub(crate) async fn insert_all<R: Row>(
    tx: &mut WriteTx,
    rows: Vec<R>,
    keys: &[UniqueKey],
) -> Result<u64, StoreError> {
    insert_in(tx, rows, "", keys).await
}

/// As [`insert_all`], leaving out the rows that are there already.
pub(crate) async fn insert_new<R: Row>(tx: &mut WriteTx, rows: Vec<R>) -> Result<u64, StoreError> {
    insert_in(tx, rows, UNLESS_THERE, &[]).await
}

/// As [`insert_all`], with an end of the insert.
pub(crate) async fn insert_in<R: Row>(
    tx: &mut WriteTx,
    rows: Vec<R>,
    tail: &'static str,
    keys: &[UniqueKey],
) -> Result<u64, StoreError> {
    own(&rows, tx)?;
    insert_on(&mut tx.conn, rows, tail, keys).await
}

/// Refuses rows of another organization than the transaction's.
pub(crate) fn own<R: Row>(rows: &[R], tx: &ReadTx) -> Result<(), StoreError> {
    if rows.iter().any(|row| row.org_id() != tx.org.0) {
        return Err(StoreError::WrongOrganization);
    }
    Ok(())
}

/// Writes the rows of whichever organization: for system transactions.
pub(crate) async fn insert_on<R: Row>(
    conn: &mut Conn,
    rows: Vec<R>,
    tail: &'static str,
    keys: &[UniqueKey],
) -> Result<u64, StoreError> {
    let mut written = 0;
    let mut rows = rows.into_iter();
    while rows.len() > 0 {
        let batch = BATCHES.into_iter().find(|size| *size <= rows.len()).unwrap_or(rows.len());
        let mut sql = Sql::new(conn, "");
        add_insert(&mut sql, rows.by_ref().take(batch), tail);
        written += sql.execute(conn).await.map_err(|error| explain(error, keys))?;
    }
    Ok(written)
}

/// Adds the statement that inserts the rows.
pub(crate) fn add_insert<R: Row>(
    sql: &mut Sql,
    rows: impl IntoIterator<Item = R>,
    tail: &'static str,
) {
    let mut before = R::INSERT;
    for row in rows {
        sql.push(before);
        row.bind_values(sql);
        before = ", ";
    }
    sql.push(tail);
}

/// Writes a whole row back, provided it still has the version that was read.
///
/// The row holds the new version.
pub(crate) async fn update_guarded<R: Row>(
    tx: &mut WriteTx,
    row: R,
    id: Uuid,
    read_version: i64,
    keys: &[UniqueKey],
) -> Result<(), StoreError> {
    let sql = guarded_update(tx, row, id, read_version)?;
    let updated = sql.execute(&mut tx.conn).await.map_err(|error| explain(error, keys))?;
    if updated == 0 { Err(StoreError::Stale) } else { Ok(()) }
}

/// The statement of [`update_guarded`], for a caller who asks it for more.
pub(crate) fn guarded_update<R: Row>(
    tx: &ReadTx,
    row: R,
    id: Uuid,
    read_version: i64,
) -> Result<Sql, StoreError> {
    let org = tx.org.0;
    if row.org_id() != org {
        return Err(StoreError::WrongOrganization);
    }
    let mut sql = Sql::new(&tx.conn, R::UPDATE);
    row.bind_assignments(&mut sql);
    sql.push(" where org_id = ").bind(org);
    sql.push(" and id = ").bind(id);
    sql.push(" and version = ").bind(read_version);
    Ok(sql)
}
