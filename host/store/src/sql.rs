//! SQL that is put together at run time: optional filters, and statements with a varying number of
//! rows.
//!
//! Only texts of the program are pushed; everything that comes from outside is bound. The type sees
//! to it.

use sqlx::{Database, Encode, FromRow, Postgres, QueryBuilder, Sqlite, Type};

use crate::conn::Conn;

/// How many rows of values a statement takes: few sizes, so that a connection keeps each prepared.
const SIZES: [usize; 4] = [1, 4, 16, 64];

/// The items, and the last one again until there are as many as a statement takes.
pub(crate) fn padded<T>(items: &[T]) -> impl Iterator<Item = &T> {
    let size = SIZES.into_iter().find(|size| *size >= items.len()).unwrap_or(items.len());
    items.iter().chain(items.last().into_iter().cycle()).take(size)
}

/// A value that both engines can hold.
pub(crate) trait Value:
    for<'q> Encode<'q, Sqlite> + Type<Sqlite> + for<'q> Encode<'q, Postgres> + Type<Postgres>
{
}

impl<T> Value for T where
    T: for<'q> Encode<'q, Sqlite> + Type<Sqlite> + for<'q> Encode<'q, Postgres> + Type<Postgres>
{
}

/// A row that can be read from both engines.
pub(crate) trait Readable:
    for<'r> FromRow<'r, <Sqlite as Database>::Row>
    + for<'r> FromRow<'r, <Postgres as Database>::Row>
    + Send
    + Unpin
{
}

impl<T> Readable for T where
    T: for<'r> FromRow<'r, <Sqlite as Database>::Row>
        + for<'r> FromRow<'r, <Postgres as Database>::Row>
        + Send
        + Unpin
{
}

/// A statement in the making, for the engine it will run on.
pub enum Sql {
    Sqlite(QueryBuilder<Sqlite>),
    Postgres(QueryBuilder<Postgres>),
}

impl Sql {
    pub(crate) fn new(conn: &Conn, start: &'static str) -> Self {
        match conn {
            Conn::Sqlite(_) => Self::Sqlite(QueryBuilder::new(start)),
            Conn::Postgres(_) => Self::Postgres(QueryBuilder::new(start)),
        }
    }

    pub(crate) fn push(&mut self, sql: &'static str) -> &mut Self {
        match self {
            Self::Sqlite(builder) => {
                builder.push(sql);
            }
            Self::Postgres(builder) => {
                builder.push(sql);
            }
        }
        self
    }

    /// Pushes the spelling of the engine, where the two have none in common.
    pub(crate) fn push_either(
        &mut self,
        sqlite: &'static str,
        postgres: &'static str,
    ) -> &mut Self {
        let sql = match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
        };
        self.push(sql)
    }

    pub(crate) fn bind(&mut self, value: impl Value) -> &mut Self {
        match self {
            Self::Sqlite(builder) => {
                builder.push_bind(value);
            }
            Self::Postgres(builder) => {
                builder.push_bind(value);
            }
        }
        self
    }

    /// Binds the values as a list in parentheses. There must be at least one: an empty list is no
    /// SQL.
    pub(crate) fn bind_list<V: Value>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Self {
        let mut before = "(";
        for value in values {
            self.push(before).bind(value);
            before = ", ";
        }
        self.push(")")
    }

    /// Binds rows of values, each put together by `fill`, for a `values` list.
    pub(crate) fn bind_rows<T>(
        &mut self,
        rows: impl IntoIterator<Item = T>,
        fill: impl Fn(&mut Values, T),
    ) -> &mut Self {
        let mut before = "(";
        for row in rows {
            let is_first = before == "(";
            fill(&mut Values { sql: self, before, is_first }, row);
            self.push(")");
            before = ", (";
        }
        self
    }

    pub(crate) async fn execute(mut self, conn: &mut Conn) -> Result<u64, sqlx::Error> {
        Ok(match (&mut self, conn) {
            (Self::Sqlite(builder), Conn::Sqlite(on)) => {
                builder.build().execute(on.ask()?).await?.rows_affected()
            }
            (Self::Postgres(builder), Conn::Postgres(on)) => {
                builder.build().execute(on.ask()?).await?.rows_affected()
            }
            (Self::Sqlite(_), Conn::Postgres(_)) | (Self::Postgres(_), Conn::Sqlite(_)) => {
                return Err(other_engine());
            }
        })
    }

    pub(crate) async fn fetch_all<R: Readable>(
        mut self,
        conn: &mut Conn,
    ) -> Result<Vec<R>, sqlx::Error> {
        match (&mut self, conn) {
            (Self::Sqlite(builder), Conn::Sqlite(on)) => {
                builder.build_query_as().fetch_all(on.ask()?).await
            }
            (Self::Postgres(builder), Conn::Postgres(on)) => {
                builder.build_query_as().fetch_all(on.ask()?).await
            }
            (Self::Sqlite(_), Conn::Postgres(_)) | (Self::Postgres(_), Conn::Sqlite(_)) => {
                Err(other_engine())
            }
        }
    }
}

/// One row of a `values` list.
pub(crate) struct Values<'a> {
    sql: &'a mut Sql,
    before: &'static str,
    is_first: bool,
}

impl Values<'_> {
    /// Binds the next value. PostgreSQL has to be told its type, `::uuid`, in the first row, and
    /// takes it for all.
    pub(crate) fn add(&mut self, value: impl Value, cast: &'static str) -> &mut Self {
        self.sql.push(self.before).bind(value);
        if self.is_first {
            self.sql.push_either("", cast);
        }
        self.before = ", ";
        self
    }
}

fn other_engine() -> sqlx::Error {
    sqlx::Error::Protocol("a statement made for one engine was run on the other".into())
}
