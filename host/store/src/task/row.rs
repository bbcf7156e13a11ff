//! The row of a task.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;
use waypost_domain::{
    ids::{OrgId, PersonId, TaskId, TeamId, TicketId},
    task::{Standing, Task, TaskState},
};

use crate::{StoreError, column::Table, row::row};

const TABLE: Table = Table("tasks");

row! {
    pub(super) struct TaskRow in "tasks", columns task_columns {
        id: Uuid,
        org_id: Uuid,
        ticket_id: Uuid,
        number: String,
        state: String,
        active: bool,
        reason: Option<String>,
        short_description: String,
        description: String,
        team_id: Uuid,
        assignee_id: Option<Uuid>,
        position: i64,
        mandatory: bool,
        depends_on: Json<Vec<Uuid>>,
        created_at: DateTime<Utc>,
        updated_at: DateTime<Utc>,
        state_since: DateTime<Utc>,
        version: i64,
    }
}

pub(super) use task_columns;

impl From<&Task> for TaskRow {
    fn from(task: &Task) -> Self {
        Self {
            id: task.id.0,
            org_id: task.org.0,
            ticket_id: task.ticket.0,
            number: task.number.clone(),
            state: task.state().as_str().to_owned(),
            active: task.state().is_active(),
            reason: task.standing.reason().map(str::to_owned),
            short_description: task.short_description.clone(),
            description: task.description.clone(),
            team_id: task.team.0,
            assignee_id: task.assignee.map(|person| person.0),
            position: task.position.into(),
            mandatory: task.mandatory,
            depends_on: Json(task.depends_on.iter().map(|id| id.0).collect()),
            created_at: task.created_at,
            updated_at: task.updated_at,
            state_since: task.state_since,
            version: task.version,
        }
    }
}

impl TryFrom<TaskRow> for Task {
    type Error = StoreError;

    fn try_from(row: TaskRow) -> Result<Self, StoreError> {
        let reason = || TABLE.need("reason", row.reason.clone());
        let standing = match TABLE.parse("state", &row.state)? {
            TaskState::Waiting => Standing::Waiting,
            TaskState::Open => Standing::Open,
            TaskState::InProgress => Standing::InProgress,
            TaskState::OnHold => Standing::OnHold { reason: reason()? },
            TaskState::Done => Standing::Done,
            TaskState::Incomplete => Standing::Incomplete { reason: reason()? },
            TaskState::Skipped => Standing::Skipped { reason: reason()? },
            TaskState::Cancelled => Standing::Cancelled { reason: reason()? },
        };
        Ok(Self {
            id: TaskId(row.id),
            org: OrgId(row.org_id),
            ticket: TicketId(row.ticket_id),
            number: row.number,
            short_description: row.short_description,
            description: row.description,
            team: TeamId(row.team_id),
            assignee: row.assignee_id.map(PersonId),
            position: TABLE.fit("position", row.position)?,
            mandatory: row.mandatory,
            depends_on: row.depends_on.0.into_iter().map(TaskId).collect(),
            standing,
            created_at: row.created_at,
            updated_at: row.updated_at,
            state_since: row.state_since,
            version: row.version,
        })
    }
}
