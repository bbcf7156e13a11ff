//! Lists of tasks: filtered, the oldest first, a page at a time.

use chrono::{DateTime, Utc};
use waypost_domain::{
    ids::{PersonId, TaskId, TeamId, TicketId},
    task::{Task, TaskState},
};

use super::row::{TaskRow, task_columns};
use crate::{ReadTx, StoreError, sql::Sql, ticket};

/// Which tasks; an empty filter leaves all of the organization's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// In one of these states; in any when empty.
    pub states: Vec<TaskState>,
    /// Whether somebody still has to do something.
    pub active: Option<bool>,
    /// Owned by this team.
    pub team: Option<TeamId>,
    /// Worked on by this person.
    pub assignee: Option<PersonId>,
    /// Of this request.
    pub ticket: Option<TicketId>,
    /// Whom it concerns: the assignee, and whom the request concerns. What a person may see at all who isn't of the desk;
    /// `waypost_domain::permission::sees_task` says the same of one task.
    pub concerns: Option<PersonId>,
}

/// The place of a task in a list: where the next page starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskCursor {
    /// When it was planned.
    pub at: DateTime<Utc>,
    /// Its id, which makes the order total.
    pub id: TaskId,
}

impl TaskCursor {
    /// The place of a task.
    #[must_use]
    pub fn of(task: &Task) -> Self {
        Self { at: task.created_at, id: task.id }
    }
}

/// Lists the tasks that a filter leaves, at most `limit`, starting after a place.
pub async fn list(
    tx: &mut ReadTx,
    filter: &TaskFilter,
    after: Option<&TaskCursor>,
    limit: u32,
) -> Result<Vec<Task>, StoreError> {
    const LIST: &str = concat!("select ", task_columns!(), " from tasks where org_id = ");
    let mut sql = Sql::new(&tx.conn, LIST);
    sql.bind(tx.org.0);
    if !filter.states.is_empty() {
        sql.push(" and state in ").bind_list(filter.states.iter().map(|state| state.as_str()));
    }
    if let Some(active) = filter.active {
        sql.push(if active { " and active" } else { " and not active" });
    }
    if let Some(team) = filter.team {
        sql.push(" and team_id = ").bind(team.0);
    }
    if let Some(person) = filter.assignee {
        sql.push(" and assignee_id = ").bind(person.0);
    }
    if let Some(ticket) = filter.ticket {
        sql.push(" and ticket_id = ").bind(ticket.0);
    }
    if let Some(person) = filter.concerns {
        sql.push(" and (assignee_id = ").bind(person.0);
        sql.push(" or ticket_id in (select id from tickets where org_id = ").bind(tx.org.0);
        sql.push(" and ");
        ticket::concerns(&mut sql, person, tx.org);
        sql.push("))");
    }
    if let Some(TaskCursor { at, id }) = after {
        sql.push(" and (created_at, id) > (").bind(*at).push(", ").bind(id.0).push(")");
    }
    sql.push(" order by created_at, id limit ").bind(i64::from(limit));
    let rows: Vec<TaskRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(Task::try_from).collect()
}
