//! What only one kind of ticket has: a table beside `tickets` for each kind.
//!
//! A row is there only where something differs from what a new ticket of the kind starts with. So
//! every column may be missing when it is read, and stands for the start's value then.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;
use waypost_domain::{
    ids::{CatalogItemId, CiId, OrderId, PersonId, TicketId},
    incident::{Incident, Leadership, Major, MajorState},
    problem::Problem,
    request::Request,
    task::Task,
    ticket::{Details, Ticket, TicketKind},
};

use super::row::{TicketRow, ticket_columns};
use crate::{
    StoreError, WriteTx, catalog,
    column::Table,
    conn::{Conn, on},
    row::{Row, row},
    sql::Sql,
    write_set::Inserts,
};

const INCIDENTS: Table = Table("incidents");
const REQUESTS: Table = Table("requests");
const TASKS: Table = Table("tasks");

/// A row beside that of its ticket.
trait DetailsRow: Row {
    /// What makes an insert replace the row that is there.
    const REPLACE: &'static str;
}

/// Declares the row of a kind's table, and a macro of the given name that lists its own columns,
/// each with a comma before.
macro_rules! details_row {
    (
        struct $row:ident in $table:literal, columns $columns:ident {
            $first:ident: $first_type:ty, $($field:ident: $type:ty,)*
        }
    ) => {
        row! {
            #[derive(Default)]
            struct $row in $table, columns all_columns {
                org_id: Uuid,
                ticket_id: Uuid,
                $first: $first_type,
                $($field: $type,)*
            }
        }

        macro_rules! $columns {
            () => {
                concat!(
                    ", ", $table, ".", stringify!($first),
                    $(", ", $table, ".", stringify!($field),)*
                )
            };
        }

        impl DetailsRow for $row {
            const REPLACE: &'static str = concat!(
                " on conflict (org_id, ticket_id) do update set ",
                stringify!($first), " = excluded.", stringify!($first),
                $(", ", stringify!($field), " = excluded.", stringify!($field),)*
            );
        }
    };
}

details_row! {
    struct IncidentRow in "incidents", columns incident_columns {
        sync_with_parent: Option<bool>,
        affected_users: Option<i64>,
        problem_id: Option<Uuid>,
        major_state: Option<String>,
        major_manager_id: Option<Uuid>,
        major_communication_owner_id: Option<Uuid>,
        major_next_update_at: Option<DateTime<Utc>>,
        major_update_missed: Option<bool>,
        major_review_note: Option<String>,
    }
}

details_row! {
    struct RequestRow in "requests", columns request_columns {
        item_id: Option<Uuid>,
        answers: Option<Json<Vec<(String, String)>>>,
        quantity: Option<i64>,
        order_id: Option<Uuid>,
        cost_minor: Option<i64>,
        cost_currency: Option<String>,
        expected_at: Option<DateTime<Utc>>,
    }
}

details_row! {
    struct ProblemRow in "problems", columns problem_columns {
        symptom: Option<String>,
        root_cause: Option<String>,
        workaround: Option<String>,
        fix_notes: Option<String>,
        improvements: Option<String>,
        known_error: Option<bool>,
        major: Option<bool>,
        risk_owner_id: Option<Uuid>,
        risk_review_at: Option<DateTime<Utc>>,
        risk_review_opened: Option<bool>,
        duplicate_of_id: Option<Uuid>,
        converted_to_id: Option<Uuid>,
        no_article_reason: Option<String>,
        review_note: Option<String>,
    }
}

details_row! {
    struct TaskRow in "tasks", columns task_columns {
        position: Option<i64>,
        mandatory: Option<bool>,
        depends_on: Option<Json<Vec<Uuid>>>,
    }
}

row! {
    struct CiRow in "ticket_cis", columns ci_columns {
        org_id: Uuid,
        ticket_id: Uuid,
        ci_id: Uuid,
        role: String,
    }
}

/// How a CI beside the main one is concerned.
const AFFECTED: &str = "affected";

/// A ticket's row with those beside it, all of one statement.
#[derive(sqlx::FromRow)]
pub(super) struct WholeRow {
    #[sqlx(flatten)]
    ticket: TicketRow,
    #[sqlx(flatten)]
    incident: IncidentRow,
    #[sqlx(flatten)]
    request: RequestRow,
    #[sqlx(flatten)]
    problem: ProblemRow,
    #[sqlx(flatten)]
    task: TaskRow,
    cis: Option<Json<Vec<Uuid>>>,
}

/// The tables beside that of the tickets, from which whole rows come.
pub(super) const JOINS: &str = "
        left join incidents on incidents.org_id = tickets.org_id and incidents.ticket_id = tickets.id
        left join requests on requests.org_id = tickets.org_id and requests.ticket_id = tickets.id
        left join problems on problems.org_id = tickets.org_id and problems.ticket_id = tickets.id
        left join tasks on tasks.org_id = tickets.org_id and tasks.ticket_id = tickets.id";

/// Begins to select whole rows, up to the tables.
pub(super) fn begin(conn: &Conn) -> Sql {
    macro_rules! whole {
        ($cis:literal) => {
            concat!(
                "select ",
                ticket_columns!("tickets."),
                ", tickets.id as ticket_id",
                incident_columns!(),
                request_columns!(),
                problem_columns!(),
                task_columns!(),
                ", (select ",
                $cis,
                " from ticket_cis where org_id = tickets.org_id and ticket_id = tickets.id) as cis
        from "
            )
        };
    }
    let select = match conn {
        Conn::Sqlite(_) => whole!("json_group_array(lower(hex(ci_id)))"),
        Conn::Postgres(_) => whole!("jsonb_agg(ci_id)"),
    };
    Sql::new(conn, select)
}

impl TryFrom<WholeRow> for Ticket {
    type Error = StoreError;

    fn try_from(row: WholeRow) -> Result<Self, StoreError> {
        let details = match row.ticket.kind()? {
            TicketKind::Incident => Details::Incident(row.incident.try_into()?),
            TicketKind::Request => Details::Request(row.request.try_into()?),
            TicketKind::Problem => {
                let cis = row.cis.map(|cis| cis.0).unwrap_or_default();
                let cis = cis.into_iter().map(CiId).collect();
                Details::Problem(Problem { cis, ..row.problem.into() })
            }
            TicketKind::Task => Details::Task(row.task.try_into()?),
        };
        row.ticket.into_ticket(details)
    }
}

/// The rows beside those of some tickets.
#[derive(Default)]
pub(super) struct DetailsRows {
    incidents: Vec<IncidentRow>,
    requests: Vec<RequestRow>,
    problems: Vec<ProblemRow>,
    tasks: Vec<TaskRow>,
    cis: Vec<CiRow>,
}

impl DetailsRows {
    /// Whether something differs from what a new ticket of the kind starts with.
    pub(super) fn has_any(ticket: &Ticket) -> bool {
        ticket.details != Details::of(ticket.kind())
    }

    /// Adds those of a ticket.
    pub(super) fn add(&mut self, ticket: &Ticket) {
        match &ticket.details {
            Details::Incident(incident) => self.incidents.push(IncidentRow::new(ticket, incident)),
            Details::Request(request) => self.requests.push(RequestRow::new(ticket, request)),
            Details::Problem(problem) => {
                self.problems.push(ProblemRow::new(ticket, problem));
                self.cis.extend(problem.cis.iter().map(|ci| CiRow {
                    org_id: ticket.org.0,
                    ticket_id: ticket.id.0,
                    ci_id: ci.0,
                    role: AFFECTED.to_owned(),
                }));
            }
            Details::Task(task) => self.tasks.push(TaskRow::new(ticket, task)),
        }
    }

    /// Writes them, in place of those that are there.
    pub(super) async fn write(self, to: &mut impl Inserts) -> Result<(), StoreError> {
        to.put(self.incidents, IncidentRow::REPLACE, &[]).await?;
        to.put(self.requests, RequestRow::REPLACE, &[]).await?;
        to.put(self.problems, ProblemRow::REPLACE, &[]).await?;
        to.put(self.tasks, TaskRow::REPLACE, &[]).await?;
        to.put(self.cis, "", &[]).await
    }
}

/// Asks an update of a ticket of this kind whether there is a row beside it.
pub(super) const fn has_row(kind: TicketKind) -> &'static str {
    macro_rules! has_row {
        ($table:literal) => {
            concat!(
                " returning exists (select 1 from ",
                $table,
                " where org_id = tickets.org_id and ticket_id = tickets.id)"
            )
        };
    }
    match kind {
        TicketKind::Incident => has_row!("incidents"),
        TicketKind::Request => has_row!("requests"),
        TicketKind::Problem => has_row!("problems"),
        TicketKind::Task => has_row!("tasks"),
    }
}

/// Writes the rows beside a ticket's, whose CIs may be others than they were.
pub(super) async fn rewrite(tx: &mut WriteTx, ticket: &Ticket) -> Result<(), StoreError> {
    const FORGET: &str = "delete from ticket_cis where org_id = $1 and ticket_id = $2";
    if ticket.problem().is_some() {
        on!(&mut *tx, |conn, org| {
            sqlx::query(FORGET).bind(org).bind(ticket.id.0).execute(conn).await?;
        });
    }
    let mut rows = DetailsRows::default();
    rows.add(ticket);
    rows.write(tx).await
}

impl IncidentRow {
    fn new(ticket: &Ticket, incident: &Incident) -> Self {
        let Incident { sync_with_parent, affected_users, problem, major } = incident;
        let mut row = Self {
            org_id: ticket.org.0,
            ticket_id: ticket.id.0,
            sync_with_parent: Some(*sync_with_parent),
            affected_users: Some(i64::from(*affected_users)),
            problem_id: problem.map(|problem| problem.0),
            major_state: Some(major.state().as_str().to_owned()),
            major_manager_id: major.led_by().map(|led_by| led_by.manager.0),
            major_communication_owner_id: major.led_by().map(|led_by| led_by.communication_owner.0),
            major_next_update_at: major.next_update_at(),
            major_update_missed: Some(false),
            major_review_note: None,
        };
        match major {
            Major::Accepted { update_missed, .. } => row.major_update_missed = Some(*update_missed),
            Major::Done { review_note, .. } => row.major_review_note = Some(review_note.clone()),
            Major::None | Major::Proposed | Major::Rejected | Major::Review { .. } => {}
        }
        row
    }

    /// Where it stands as a major incident; a row whose columns do not fit its state is reported.
    fn major(&self) -> Result<Major, StoreError> {
        let led_by = || {
            let manager = INCIDENTS.need("major_manager_id", self.major_manager_id)?;
            let owner = self.major_communication_owner_id;
            let owner = INCIDENTS.need("major_communication_owner_id", owner)?;
            Ok::<_, StoreError>(Leadership {
                manager: PersonId(manager),
                communication_owner: PersonId(owner),
            })
        };
        let state = INCIDENTS.parse_some("major_state", self.major_state.as_deref())?;
        Ok(match state.unwrap_or_default() {
            MajorState::None => Major::None,
            MajorState::Proposed => Major::Proposed,
            MajorState::Rejected => Major::Rejected,
            MajorState::Accepted => Major::Accepted {
                led_by: led_by()?,
                next_update_at: INCIDENTS
                    .need("major_next_update_at", self.major_next_update_at)?,
                update_missed: self.major_update_missed.unwrap_or(false),
            },
            MajorState::Review => Major::Review { led_by: led_by()? },
            MajorState::Done => Major::Done {
                led_by: led_by()?,
                review_note: INCIDENTS.need("major_review_note", self.major_review_note.clone())?,
            },
        })
    }
}

impl TryFrom<IncidentRow> for Incident {
    type Error = StoreError;

    fn try_from(row: IncidentRow) -> Result<Self, StoreError> {
        Ok(Self {
            sync_with_parent: row.sync_with_parent.unwrap_or(true),
            affected_users: INCIDENTS
                .fit("affected_users", row.affected_users.unwrap_or_default())?,
            problem: row.problem_id.map(TicketId),
            major: row.major()?,
        })
    }
}

impl RequestRow {
    fn new(ticket: &Ticket, request: &Request) -> Self {
        let Request { item, answers, quantity, order, cost, expected_at } = request;
        let answers = answers.iter().map(|(field, answer)| (field.to_string(), answer.clone()));
        Self {
            org_id: ticket.org.0,
            ticket_id: ticket.id.0,
            item_id: item.map(|item| item.0),
            answers: Some(Json(answers.collect())),
            quantity: Some(i64::from(*quantity)),
            order_id: order.map(|order| order.0),
            cost_minor: cost.as_ref().map(|cost| cost.minor_units),
            cost_currency: cost.as_ref().map(|cost| cost.currency.clone()),
            expected_at: *expected_at,
        }
    }
}

impl TryFrom<RequestRow> for Request {
    type Error = StoreError;

    fn try_from(row: RequestRow) -> Result<Self, StoreError> {
        let answers = row.answers.map(|answers| answers.0).unwrap_or_default().into_iter();
        let answers = answers
            .map(|(field, answer)| Ok((REQUESTS.parse("answers", &field)?, answer)))
            .collect::<Result<_, StoreError>>()?;
        Ok(Self {
            item: row.item_id.map(CatalogItemId),
            answers,
            quantity: REQUESTS.fit("quantity", row.quantity.unwrap_or(1))?,
            order: row.order_id.map(OrderId),
            cost: catalog::money(REQUESTS, row.cost_minor, row.cost_currency)?,
            expected_at: row.expected_at,
        })
    }
}

impl ProblemRow {
    fn new(ticket: &Ticket, problem: &Problem) -> Self {
        let problem = problem.clone();
        Self {
            org_id: ticket.org.0,
            ticket_id: ticket.id.0,
            symptom: problem.symptom,
            root_cause: problem.root_cause,
            workaround: problem.workaround,
            fix_notes: problem.fix_notes,
            improvements: problem.improvements,
            known_error: Some(problem.known_error),
            major: Some(problem.major),
            risk_owner_id: problem.risk_owner.map(|person| person.0),
            risk_review_at: problem.risk_review_at,
            risk_review_opened: Some(problem.risk_review_opened),
            duplicate_of_id: problem.duplicate_of.map(|problem| problem.0),
            converted_to_id: problem.converted_to.map(|ticket| ticket.0),
            no_article_reason: problem.no_article_reason,
            review_note: problem.review_note,
        }
    }
}

impl From<ProblemRow> for Problem {
    /// Its CIs are rows of their own.
    fn from(row: ProblemRow) -> Self {
        Self {
            cis: std::collections::BTreeSet::new(),
            symptom: row.symptom,
            root_cause: row.root_cause,
            workaround: row.workaround,
            fix_notes: row.fix_notes,
            improvements: row.improvements,
            known_error: row.known_error.unwrap_or(false),
            major: row.major.unwrap_or(false),
            risk_owner: row.risk_owner_id.map(PersonId),
            risk_review_at: row.risk_review_at,
            risk_review_opened: row.risk_review_opened.unwrap_or(false),
            duplicate_of: row.duplicate_of_id.map(TicketId),
            converted_to: row.converted_to_id.map(TicketId),
            no_article_reason: row.no_article_reason,
            review_note: row.review_note,
        }
    }
}

impl TaskRow {
    fn new(ticket: &Ticket, task: &Task) -> Self {
        let Task { position, mandatory, depends_on } = task;
        Self {
            org_id: ticket.org.0,
            ticket_id: ticket.id.0,
            position: Some(i64::from(*position)),
            mandatory: Some(*mandatory),
            depends_on: Some(Json(depends_on.iter().map(|task| task.0).collect())),
        }
    }
}

impl TryFrom<TaskRow> for Task {
    type Error = StoreError;

    fn try_from(row: TaskRow) -> Result<Self, StoreError> {
        let depends_on = row.depends_on.map(|before| before.0).unwrap_or_default();
        Ok(Self {
            position: TASKS.fit("position", row.position.unwrap_or_default())?,
            mandatory: row.mandatory.unwrap_or(true),
            depends_on: depends_on.into_iter().map(TicketId).collect(),
        })
    }
}
