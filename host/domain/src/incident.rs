//! Incidents: unplanned interruptions of services, from the report to the restored service.

mod major;
mod sync;

use crate::{
    directory::check_owner,
    field::ticket_of,
    ids::{PersonId, TicketId},
    organization::{OrgSettings, ResolveDemand},
    refusal::Refused,
    said,
    ticket::{
        self, Action, AwaitingKind, CALLER_REPLY, CANCEL, CLOSE, COMMON, COMMON_FIELDS, CONVERT,
        Code, EDIT, Field, FieldType, From, INTAKE, INTAKE_FIELDS, Kind, Lack, Notice, Phase,
        REOPEN, RESUME, Row, SUBJECT_FIELDS, Stage, State, Ticket, TicketKind, Turn, Value, WORKED,
        Who, count, flag, input, need, own, row,
    },
};

pub(crate) use self::major::against_ending;
pub use self::{
    major::{
        Leadership, Major, MajorMove, MajorOutcome, MajorRule, MajorSigns, MajorState, MajorWhen,
        PublicMajor, PublicUpdate,
    },
    sync::{Following, MAX_CHILDREN},
};

/// More people than the largest organizations have are a slip of the keyboard.
pub const MAX_AFFECTED_USERS: u32 = 1_000_000;

/// What only an incident has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Whether it follows its parent.
    pub sync_with_parent: bool,
    /// How many people it keeps from their work, as far as the desk knows.
    pub affected_users: u32,
    /// The problem that causes it, as far as the desk knows.
    pub problem: Option<TicketId>,
    /// Where it stands as a major incident.
    pub major: Major,
}

impl Default for Incident {
    fn default() -> Self {
        Self { sync_with_parent: true, affected_users: 0, problem: None, major: Major::None }
    }
}

/// All rules of incidents.
pub const INCIDENT: Kind = Kind {
    kind: TicketKind::Incident,
    with_article: "an incident",
    prefix: "INC",
    path: "incidents",
    summary: "An unplanned interruption of a service, or a drop in its quality.",
    states: &[
        (State::New, Phase::Open),
        (State::InProgress, Phase::Open),
        (State::OnHold, Phase::OnHold),
        (State::Resolved, Phase::Done),
        (State::Closed, Phase::Closed),
        (State::Cancelled, Phase::Cancelled),
    ],
    at_work: State::InProgress,
    codes: &[
        Code::Fixed,
        Code::WorkaroundApplied,
        Code::Assistance,
        Code::Training,
        Code::HardwareRepair,
        Code::SoftwarePatch,
        Code::SystemUpdate,
        Code::ResolvedByProblem,
        Code::ResolvedByChange,
        Code::MonitoringCleared,
        Code::ResolvedByCaller,
        Code::NoFaultFound,
        Code::Other,
    ],
    outcome: "resolution",
    tasks_worked: From::NotOver,
    opened_by: Who::DeskOrOwner(From::Anywhere),
    rows: &[ROWS, major::ROWS, COMMON, WORKED, INTAKE],
    fields: &[COMMON_FIELDS, INTAKE_FIELDS, SUBJECT_FIELDS, FIELDS],
};

const ROWS: &[Row] = &[
    row(Action::Start, "Start work on it")
        .from(&[State::New])
        .to(State::InProgress)
        .takes(&[own(
            "assignee",
            FieldType::Person,
            "The assignee, a member of the owning team; defaults to you, if you are one, else to \
             whom it is assigned to.",
        )])
        .by(start)
        .tells(Notice::StateChanged),
    row(Action::Hold, "Put it on hold")
        .to(State::OnHold)
        .takes(&[
            need(
                "awaiting",
                FieldType::Choice(&["caller", "vendor", "evidence", "problem"]),
                "What it is waiting for.",
            ),
            input("vendor", FieldType::Line, "The vendor's name; for `vendor`."),
            input(
                "person",
                FieldType::Person,
                "Person who must supply the evidence; for `evidence`.",
            ),
            input(
                "problem",
                FieldType::Ticket,
                "Id or number of the problem to be fixed first; for `problem`.",
            ),
            input(
                "comment",
                FieldType::Text,
                "Question to the requester, posted as a public comment; for `caller`.",
            ),
            input("follow_up_at", FieldType::Time, "When to follow up."),
        ])
        .by(hold)
        .tells(Notice::StateChanged),
    RESUME.to(State::InProgress),
    row(Action::Resolve, "Resolve it")
        .to(State::Resolved)
        .who(Who::DeskOrOwner(From::Anywhere))
        .takes(&[
            need("resolution_code", FieldType::Code, "Resolution code."),
            need("resolution_notes", FieldType::Text, "Resolution notes: what was done."),
        ])
        .lacking(lacks)
        .by(ticket::finish)
        .tells(Notice::Resolved),
    REOPEN.from(&[State::Resolved]).to(State::InProgress),
    CLOSE.from(&[State::Resolved]).who(Who::DeskOrOwner(From::Anywhere)).unless(against_ending),
    CANCEL.who(Who::DeskOrOwner(From::In(&[State::New]))).unless(against_ending),
    CONVERT,
    EDIT,
    CALLER_REPLY.one_of(&[State::InProgress]),
];

const FIELDS: &[Field] = &[
    Field::new(
        "parent",
        FieldType::Ticket,
        "Id or number of the parent incident. The child follows when the parent is worked on, \
         waits for a vendor or is resolved. For the desk.",
        |ticket| ticket.parent.map(|id| Value::Tickets(vec![id])),
        |ticket, value, faults| {
            let given = ticket_of(value);
            if given == Some(ticket.id) {
                faults.wrong("/parent", "itself", said!("A ticket cannot be its own parent."));
            }
            ticket.parent = given;
        },
    )
    .of_desk()
    .editing(),
    Field::new(
        "sync_with_parent",
        FieldType::Flag,
        "Whether it follows its parent; defaults to true. For the desk.",
        |ticket| {
            let incident = ticket.incident()?;
            let is_said = ticket.parent.is_some() || !incident.sync_with_parent;
            is_said.then_some(Value::Flag(incident.sync_with_parent))
        },
        |ticket, value, _| {
            if let Some(incident) = ticket.incident_mut() {
                incident.sync_with_parent = flag(value).unwrap_or(true);
            }
        },
    )
    .of_desk()
    .kept(),
    Field::new(
        "affected_users",
        FieldType::Count { least: 0, most: MAX_AFFECTED_USERS },
        "Number of affected users. For the desk.",
        |ticket| {
            ticket.incident().map(|it| it.affected_users).filter(|it| *it > 0).map(Value::Number)
        },
        |ticket, value, _| {
            if let Some(incident) = ticket.incident_mut() {
                incident.affected_users = count(value).unwrap_or(0);
            }
        },
    )
    .of_desk()
    .kept(),
    Field::new(
        "problem",
        FieldType::Ticket,
        "Id or number of the problem that causes it. For the desk.",
        |ticket| ticket.incident()?.problem.map(|id| Value::Tickets(vec![id])),
        |ticket, value, faults| {
            let problem = ticket_of(value);
            ticket.waits_for_its_problem(problem, faults);
            if let Some(incident) = ticket.incident_mut() {
                incident.problem = problem;
            }
        },
    )
    .of_desk()
    .editing(),
];

/// Starts the work: whoever starts it has it from then on, unless they name somebody. What a
/// program starts, or somebody who is not of the team, stays with whom it has. The assignee must be
/// a member of the owning team.
fn start(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let team = turn.directory.team(ticket.team);
    let of_team = |person: &PersonId| team.is_some_and(|team| team.has_member(*person));
    let named = turn.given.person("assignee");
    let assignee = named.or(turn.by.person.filter(of_team)).or(ticket.assignee);
    match assignee {
        Some(_) => check_owner(ticket.org, ticket.team, assignee, turn.directory, &mut turn.faults),
        None => turn
            .faults
            .missing("/assignee", said!("Name an assignee, a member of the owning team.")),
    }
    turn.fields_are_right()?;
    ticket.set_owner(ticket.team, assignee);
    ticket.stage = Stage::Open(State::InProgress);
    Ok(())
}

/// Puts it on hold; one that waits for a problem is linked to it.
fn hold(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    ticket::hold(ticket, turn)?;
    let awaited = turn.given.ticket("problem");
    let is_for_problem =
        ticket.stage.hold().is_some_and(|it| it.awaiting.kind() == AwaitingKind::Problem);
    if let Some(incident) = ticket.incident_mut().filter(|_| is_for_problem) {
        incident.problem = awaited.or(incident.problem);
    }
    Ok(())
}

/// What the organization demands before an incident is resolved, and is empty.
fn lacks(ticket: &Ticket, settings: &OrgSettings) -> Vec<Lack> {
    let lack = |demand: &ResolveDemand| {
        let (is_empty, fields, remedy): (_, &[_], _) = match demand {
            ResolveDemand::Category => (
                ticket.category.is_none(),
                &["category"],
                said!("The organization requires a category; set one first."),
            ),
            ResolveDemand::ServiceOrCi => (
                ticket.service.is_none() && ticket.ci.is_none(),
                &["service", "ci"],
                said!(
                    "The organization requires a service or a configuration item; set one first."
                ),
            ),
            ResolveDemand::Assignee => (
                ticket.assignee.is_none(),
                &["assignee"],
                said!("The organization requires an assignee; assign it first."),
            ),
        };
        is_empty.then_some(Lack { fields, remedy })
    };
    settings.resolve_demands.iter().filter_map(lack).collect()
}
