//! Tasks: the pieces of work that fulfil a request.

mod filter;
mod row;

use uuid::Uuid;
use waypost_domain::{
    ids::{TaskId, TicketId},
    task::{Task, TaskCount},
};

pub use self::filter::{TaskCursor, TaskFilter, list};
use self::row::{TaskRow, task_columns};
use crate::{
    ReadTx, StoreError, WriteTx,
    conn::on,
    row::{insert_all, update_guarded},
    sql::Sql,
    unique::UniqueKey,
};

const KEYS: [UniqueKey; 1] = [UniqueKey {
    what: "number",
    postgres: "tasks_number_key",
    sqlite: "tasks.org_id, tasks.number",
}];

/// Adds tasks: all or none.
pub async fn insert_many(tx: &mut WriteTx, tasks: &[Task]) -> Result<(), StoreError> {
    insert_all(tx, tasks.iter().map(TaskRow::from).collect(), &KEYS).await?;
    Ok(())
}

/// Writes a task back, provided nobody else has since it was read.
pub async fn update(tx: &mut WriteTx, task: &mut Task) -> Result<(), StoreError> {
    let mut row = TaskRow::from(&*task);
    row.version += 1;
    update_guarded(tx, row, task.id.0, task.version, &KEYS).await?;
    task.version += 1;
    Ok(())
}

/// Reads one task.
pub async fn find(tx: &mut ReadTx, id: TaskId) -> Result<Option<Task>, StoreError> {
    const FIND: &str =
        concat!("select ", task_columns!(), " from tasks where org_id = $1 and id = $2");
    let row: Option<TaskRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(id.0).fetch_optional(conn).await?
    });
    row.map(Task::try_from).transpose()
}

/// Reads the task with this number: `TASK0000007`.
pub async fn find_by_number(tx: &mut ReadTx, number: &str) -> Result<Option<Task>, StoreError> {
    const FIND: &str =
        concat!("select ", task_columns!(), " from tasks where org_id = $1 and number = $2");
    let row: Option<TaskRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(number).fetch_optional(conn).await?
    });
    row.map(Task::try_from).transpose()
}

/// Lists a request's tasks, by their place.
pub async fn of_ticket(tx: &mut ReadTx, ticket: TicketId) -> Result<Vec<Task>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        task_columns!(),
        " from tasks where org_id = $1 and ticket_id = $2 order by position, created_at, number"
    );
    let rows: Vec<TaskRow> = on!(tx, |conn, org| {
        sqlx::query_as(LIST).bind(org).bind(ticket.0).fetch_all(conn).await?
    });
    rows.into_iter().map(Task::try_from).collect()
}

/// Says what the numbers of these tasks are.
pub async fn numbers(tx: &mut ReadTx, ids: &[TaskId]) -> Result<Vec<(TaskId, String)>, StoreError> {
    const NUMBERS: &str = "select id, number from tasks where org_id = ";
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(&tx.conn, NUMBERS);
    sql.bind(tx.org.0);
    sql.push(" and id in ").bind_list(ids.iter().map(|id| id.0));
    let rows: Vec<(Uuid, String)> = sql.fetch_all(&mut tx.conn).await?;
    Ok(rows.into_iter().map(|(id, number)| (TaskId(id), number)).collect())
}

/// Counts the tasks of these requests; one that has none is left out.
pub async fn counts(
    tx: &mut ReadTx,
    tickets: &[TicketId],
) -> Result<Vec<(TicketId, TaskCount)>, StoreError> {
    const COUNTS: &str = "
        select ticket_id, sum(case when active then 1 else 0 end), count(*)
        from tasks where org_id = ";
    if tickets.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(&tx.conn, COUNTS);
    sql.bind(tx.org.0);
    sql.push(" and ticket_id in ").bind_list(tickets.iter().map(|id| id.0));
    sql.push(" group by ticket_id");
    let rows: Vec<(Uuid, i64, i64)> = sql.fetch_all(&mut tx.conn).await?;
    let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(rows
        .into_iter()
        .map(|(id, open, total)| {
            (TicketId(id), TaskCount { open: count(open), total: count(total) })
        })
        .collect())
}
