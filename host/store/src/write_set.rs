//! Write sets: the new rows of one command, written with one trip to the database.

use waypost_domain::ids::OrgId;

use crate::{
    StoreError, WriteTx,
    row::{Row, add_insert, insert_in, own},
    sql::Sql,
    unique::{UniqueKey, explain},
};

/// Where new rows go: into a transaction at once, or into a [`WriteSet`] beside others.
pub trait Inserts: Send {
    /// Whose rows they are.
    fn org(&self) -> OrgId;

    /// Puts rows there. `tail` ends the insert. A violation of one of the keys is
    /// [`StoreError::Taken`], when they are written.
    fn put<R: Row>(
        &mut self,
        rows: Vec<R>,
        tail: &'static str,
        keys: &'static [UniqueKey],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

impl Inserts for WriteTx {
    fn org(&self) -> OrgId {
        self.0.org
    }

    async fn put<R: Row>(
        &mut self,
        rows: Vec<R>,
        tail: &'static str,
        keys: &'static [UniqueKey],
    ) -> Result<(), StoreError> {
        insert_in(self, rows, tail, keys).await?;
        Ok(())
    }
}

/// So many rows of a table go along at most: every number of rows is a statement of its own, and a
/// connection keeps only so many prepared.
const MOST_ROWS: usize = 4;

/// What names the parts of a statement on PostgreSQL, and so how many there are at most.
const NAMES: [&str; 10] = [
    "with w0 as (",
    ", w1 as (",
    ", w2 as (",
    ", w3 as (",
    ", w4 as (",
    ", w5 as (",
    ", w6 as (",
    ", w7 as (",
    ", w8 as (",
    ", w9 as (",
];

/// New rows of one transaction that are written together. What does not fit is written before the
/// rest.
///
/// On SQLite they are several statements of one text, in the order in which they were put there. On
/// PostgreSQL they are parts of one statement, in no order: it sees none of their rows, and foreign
/// keys are looked at when it ends.
#[must_use = "the rows are written by `send`"]
pub struct WriteSet<'t> {
    tx: &'t mut WriteTx,
    sql: Option<Sql>,
    parts: usize,
    keys: Vec<UniqueKey>,
}

impl WriteTx {
    /// Begins a set of new rows.
    pub fn write_set(&mut self) -> WriteSet<'_> {
        WriteSet { tx: self, sql: None, parts: 0, keys: Vec::new() }
    }
}

impl WriteSet<'_> {
    /// Writes what is left.
    pub async fn send(mut self) -> Result<(), StoreError> {
        self.send_gathered().await
    }

    async fn send_gathered(&mut self) -> Result<(), StoreError> {
        let keys = std::mem::take(&mut self.keys);
        self.parts = 0;
        let Some(mut sql) = self.sql.take() else { return Ok(()) };
        sql.push_either("", " select 1");
        sql.execute(&mut self.tx.0.conn).await.map_err(|error| explain(error, &keys))?;
        Ok(())
    }
}

impl Inserts for WriteSet<'_> {
    fn org(&self) -> OrgId {
        self.tx.0.org
    }

    async fn put<R: Row>(
        &mut self,
        rows: Vec<R>,
        tail: &'static str,
        keys: &'static [UniqueKey],
    ) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        if rows.len() > MOST_ROWS {
            self.send_gathered().await?;
            insert_in(self.tx, rows, tail, keys).await?;
            return Ok(());
        }
        own(&rows, self.tx)?;
        if self.parts == NAMES.len() {
            self.send_gathered().await?;
        }
        let conn = &self.tx.0.conn;
        let sql = self.sql.get_or_insert_with(|| Sql::new(conn, ""));
        sql.push_either(if self.parts == 0 { "" } else { "; " }, NAMES[self.parts]);
        add_insert(sql, rows, tail);
        sql.push_either("", ")");
        self.parts += 1;
        self.keys.extend(keys);
        Ok(())
    }
}
