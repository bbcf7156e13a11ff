//! Writes the tickets of one database into another by bare SQL, to see what the database alone
//! costs.
//!
//! `cargo xtask bench` runs it beside an import, or beside tickets that came in through the API:
//! the target is a copy of the database from before, and what was written since is written again,
//! the same rows in transactions of a given size with the same durability, but with no policy, no
//! rule and no receipt computed. Everything is read before the clock starts.
//!
//! Usage: `bare_sql SOURCE_URL TARGET_URL TICKETS_PER_TRANSACTION CONNECTIONS`

#![expect(clippy::print_stdout, reason = "its one line of output is its result")]

use std::{
    collections::{HashMap, HashSet},
    str::FromStr,
    sync::Arc,
    time::Instant,
};

use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, Connection, Postgres, QueryBuilder, Row, Sqlite, Type,
    TypeInfo, Value as _, ValueRef,
    encode::{Encode, IsNull},
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgConnectOptions, PgTypeInfo},
    sqlite::{SqliteArgumentsBuffer, SqliteConnectOptions, SqliteTypeInfo},
};

/// What belongs to a ticket that comes in, parents first, with what says which ticket. Approvals
/// are left out: incidents have none.
const TABLES: [(&str, &str); 7] = [
    ("tickets", "id"),
    ("incidents", "ticket_id"),
    ("events", "subject_id"),
    ("evaluations", "subject_id"),
    (
        "receipts",
        "(select subject_id from evaluations e
            where e.org_id = receipts.org_id and e.id = receipts.evaluation_id)",
    ),
    ("suggestions", "ticket_id"),
    ("outbox", "ticket_id"),
];

/// What is not written: what the database makes of the other columns by itself, and whose row it
/// is.
const NOT_WRITTEN: [&str; 2] = ["active", "of_ticket"];

/// How the store opens SQLite for writing, for equal terms. The differences: it waits longer for a
/// turn, and a store may have a
/// connection of its own for checkpoints; here, whoever crosses the bound does them, as SQLite does
/// by itself.
const PRAGMAS: [(&str, &str); 7] = [
    ("journal_mode", "wal"),
    ("synchronous", "full"),
    ("foreign_keys", "on"),
    // Whoever is overtaken again and again by fifteen others still gets its turn.
    ("busy_timeout", "60000"),
    ("cache_size", "-65536"),
    ("temp_store", "memory"),
    ("wal_autocheckpoint", "1000"),
];

/// SQLite takes 32,766 values in a statement, PostgreSQL 65,535.
const MOST_VALUES: usize = 30_000;

/// A value as the database holds it, to be written back unchanged.
#[derive(Clone)]
enum SqliteCell {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl Type<Sqlite> for SqliteCell {
    fn type_info() -> SqliteTypeInfo {
        <Vec<u8> as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for SqliteCell {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(value) => Encode::<Sqlite>::encode_by_ref(value, buffer),
            Self::Text(value) => Encode::<Sqlite>::encode_by_ref(value, buffer),
            Self::Blob(value) => Encode::<Sqlite>::encode_by_ref(value, buffer),
        }
    }
}

fn sqlite_cell(row: &sqlx::sqlite::SqliteRow, column: usize) -> Result<SqliteCell, BoxDynError> {
    let value = row.try_get_raw(column)?;
    if value.is_null() {
        return Ok(SqliteCell::Null);
    }
    let value = value.to_owned();
    Ok(match value.type_info().name() {
        "INTEGER" => SqliteCell::Integer(value.try_decode_unchecked()?),
        "TEXT" => SqliteCell::Text(value.try_decode_unchecked()?),
        _ => SqliteCell::Blob(value.try_decode_unchecked()?),
    })
}

/// A value in PostgreSQL's binary format, to be written back unchanged.
#[derive(Clone)]
struct PostgresCell {
    kind: PgTypeInfo,
    bytes: Option<Vec<u8>>,
}

impl Type<Postgres> for PostgresCell {
    fn type_info() -> PgTypeInfo {
        <Vec<u8> as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for PostgresCell {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let Some(bytes) = &self.bytes else { return Ok(IsNull::Yes) };
        buffer.extend_from_slice(bytes);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(self.kind.clone())
    }
}

fn postgres_cell(row: &sqlx::postgres::PgRow, column: usize) -> Result<PostgresCell, BoxDynError> {
    let value = row.try_get_raw(column)?;
    let kind = value.type_info().into_owned();
    let bytes = if value.is_null() { None } else { Some(value.as_bytes()?.to_vec()) };
    Ok(PostgresCell { kind, bytes })
}

/// Rows of one table by the ticket that they belong to.
struct Rows<C> {
    table: &'static str,
    columns: Vec<String>,
    of_ticket: HashMap<Vec<u8>, Vec<Vec<C>>>,
}

/// Defines the steps for one engine; the drivers share no trait that could carry them both.
macro_rules! steps {
    ($read:ident, $write:ident, $run:ident, $engine:ty, $cell:ty, $cell_of:path) => {
        /// Reads every row that belongs to a ticket, and the tickets that the target does not have,
        /// in the order of their numbers.
        async fn $read(
            from: &mut <$engine as sqlx::Database>::Connection,
            to: &mut <$engine as sqlx::Database>::Connection,
        ) -> Result<(Vec<Vec<u8>>, Vec<Rows<$cell>>), BoxDynError> {
            const ORDER: &str = "select id from tickets order by org_id, number";
            let mut order: Vec<sqlx::types::Uuid> =
                sqlx::query_scalar(ORDER).fetch_all(&mut *from).await?;
            let there: HashSet<sqlx::types::Uuid> =
                sqlx::query_scalar(ORDER).fetch_all(to).await?.into_iter().collect();
            order.retain(|id| !there.contains(id));
            let mut tables = Vec::new();
            for (table, ticket) in TABLES {
                // Whatever the columns are: they are written back as they come.
                let all = format!(
                    "select *, {ticket} as of_ticket from {table} where {ticket} is not null"
                );
                let mut rows = Rows { table, columns: Vec::new(), of_ticket: HashMap::new() };
                for row in sqlx::query(AssertSqlSafe(all)).fetch_all(&mut *from).await? {
                    let is_written = |name| !NOT_WRITTEN.contains(&name);
                    let written =
                        || row.columns().iter().filter(|column| is_written(column.name()));
                    if rows.columns.is_empty() {
                        rows.columns = written().map(|column| column.name().to_owned()).collect();
                    }
                    let id: sqlx::types::Uuid = row.try_get("of_ticket")?;
                    let cells = written()
                        .map(|column| $cell_of(&row, column.ordinal()))
                        .collect::<Result<_, _>>()?;
                    rows.of_ticket.entry(id.as_bytes().to_vec()).or_default().push(cells);
                }
                tables.push(rows);
            }
            Ok((order.into_iter().map(|id| id.as_bytes().to_vec()).collect(), tables))
        }

        /// Writes what belongs to some tickets in one transaction.
        async fn $write(
            to: &mut <$engine as sqlx::Database>::Connection,
            begin: &'static str,
            tickets: &[Vec<u8>],
            tables: &[Rows<$cell>],
        ) -> Result<(), BoxDynError> {
            let mut tx = to.begin_with(begin).await?;
            for rows in tables {
                let wanted: Vec<&Vec<$cell>> =
                    tickets.iter().filter_map(|id| rows.of_ticket.get(id)).flatten().collect();
                if wanted.is_empty() {
                    continue;
                }
                for part in wanted.chunks(MOST_VALUES / rows.columns.len()) {
                    let mut insert = QueryBuilder::<$engine>::new(format!(
                        "insert into {} ({}) ",
                        rows.table,
                        rows.columns.join(", ")
                    ));
                    insert.push_values(part, |mut tuple, cells| {
                        for cell in *cells {
                            tuple.push_bind(cell.clone());
                        }
                    });
                    insert.build().execute(&mut *tx).await?;
                }
            }
            tx.commit().await?;
            Ok(())
        }

        /// Writes everything, a transaction at a time on each connection. Returns how many tickets,
        /// and the beginning.
        async fn $run(
            connections: Vec<<$engine as sqlx::Database>::Connection>,
            begin: &'static str,
            (order, tables): (Vec<Vec<u8>>, Vec<Rows<$cell>>),
            size: usize,
        ) -> Result<(usize, Instant), BoxDynError> {
            let (order, tables) = (Arc::new(order), Arc::new(tables));
            let (count, writers) = (order.len(), connections.len());
            let began = Instant::now();
            let mut tasks = Vec::new();
            for (place, mut to) in connections.into_iter().enumerate() {
                let (order, tables) = (Arc::clone(&order), Arc::clone(&tables));
                tasks.push(tokio::spawn(async move {
                    for tickets in order.chunks(size).skip(place).step_by(writers) {
                        $write(&mut to, begin, tickets, &tables).await?;
                    }
                    Ok::<(), BoxDynError>(())
                }));
            }
            for task in tasks {
                task.await??;
            }
            Ok((count, began))
        }
    };
}

steps!(read_sqlite, write_sqlite, run_sqlite, Sqlite, SqliteCell, sqlite_cell);
steps!(read_postgres, write_postgres, run_postgres, Postgres, PostgresCell, postgres_cell);

#[tokio::main]
async fn main() -> Result<(), BoxDynError> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [source, target, size, connections] = words.as_slice() else {
        return Err("usage: bare_sql SOURCE TARGET TICKETS_PER_TRANSACTION CONNECTIONS".into());
    };
    let (size, connections) = (size.parse()?, connections.parse()?);
    let (count, began) = if source.starts_with("sqlite:") {
        let mut from = SqliteConnectOptions::from_str(source)?.connect().await?;
        let to = SqliteConnectOptions::from_str(target)?;
        let to = PRAGMAS.into_iter().fold(to, |to, (name, value)| to.pragma(name, value));
        let rows = read_sqlite(&mut from, &mut to.connect().await?).await?;
        let mut open = Vec::new();
        for _ in 0..connections {
            open.push(to.connect().await?);
        }
        run_sqlite(open, "begin immediate", rows, size).await?
    } else {
        // Whose rows they are does not matter here, so the wall between organizations stays open.
        let open_wall = [("waypost.system", "on")];
        let mut from = PgConnectOptions::from_str(source)?.options(open_wall).connect().await?;
        let to = PgConnectOptions::from_str(target)?.options(open_wall);
        let rows = read_postgres(&mut from, &mut to.connect().await?).await?;
        let mut open = Vec::new();
        for _ in 0..connections {
            open.push(to.connect().await?);
        }
        run_postgres(open, "begin", rows, size).await?
    };
    if count == 0 {
        return Err("the source holds no tickets that the target lacks".into());
    }
    println!("{count} tickets in {:.3} s", began.elapsed().as_secs_f64());
    Ok(())
}
