//! A ticket as it is shown.

mod details;
mod major;
mod stage;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use waypost_app::tickets::{TicketName, TicketView};
use waypost_domain::{
    priority::{Level, Priority, PrioritySource},
    ticket::TicketKind,
    waiting::{WaitingFor, WaitingOn},
};

use self::{
    details::{DetailsOut, ProblemNameOut, ProblemOut, RequestOut, TaskOut},
    major::MajorOut,
    stage::{CancellationOut, ClosingOut, HoldOut, OutcomeOut, RejectionOut, StageOut},
};
use super::incoming::ExternalRefWire;
use crate::wire::{
    ChannelName, FieldWire, KindName, MajorStateName, NamedOut, PersonOut, PhaseName,
    PrioritySourceName, StateName, WaitingKindName,
};

/// A ticket: an incident, a request, a problem or a task. Fields that its kind or state does not
/// have are null.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ticket)]
pub(crate) struct TicketOut {
    /// Its id.
    id: Uuid,
    /// Ticket number.
    #[schema(example = "INC0000042")]
    number: String,
    /// Its kind.
    kind: KindName,
    /// Its state. Changed by actions only.
    state: StateName,
    /// The phase of its state.
    phase: PhaseName,
    /// Version number; increases by one with every change. Also sent as the `ETag`.
    version: i64,
    /// Summary in one line.
    short_description: String,
    /// Full description.
    description: String,
    /// Channel through which it was reported.
    channel: ChannelName,
    /// Tags.
    tags: Vec<String>,
    /// Custom fields by name: a Boolean, a number, a string or a list of strings.
    fields: BTreeMap<String, FieldWire>,
    /// The person the ticket is for (caller, requested for); null for problems and tasks.
    requester: Option<PersonOut>,
    /// Id of the person who opened it on behalf of the requester.
    opened_by: Option<Uuid>,
    /// The path of its category.
    category: Option<String>,
    /// The service concerned.
    service: Option<NamedOut>,
    /// The configuration item concerned; the main one if there are several.
    ci: Option<NamedOut>,
    /// Impact on the business; 1 is the highest.
    impact: Option<u8>,
    /// Urgency; 1 is the highest.
    urgency: Option<u8>,
    /// Priority.
    priority: PriorityOut,
    /// The team that owns it (assignment group). Never null.
    team: NamedOut,
    /// The assignee.
    assignee: Option<PersonOut>,
    /// How often the team or the assignee changed after the first assignment.
    reassignment_count: i64,
    /// Ids of the watchers.
    watchers: Vec<Uuid>,
    /// The parent: of a child incident, the parent incident; of a task, the ticket it belongs to.
    parent: Option<TicketNameOut>,
    /// Whether an incident follows its parent; null for other kinds.
    sync_with_parent: Option<bool>,
    /// Number of affected users; null for other kinds than incidents.
    affected_users: Option<u32>,
    /// The problem that causes an incident.
    caused_by_problem: Option<ProblemNameOut>,
    /// The state of an incident as a major incident; null for other kinds. Changed by actions only.
    major_state: Option<MajorStateName>,
    /// Fields of an accepted major incident.
    major: Option<MajorOut>,
    /// Fields of a request.
    request: Option<RequestOut>,
    /// Fields of a problem.
    problem: Option<ProblemOut>,
    /// Fields of a task.
    task: Option<TaskOut>,
    /// Id of the closed ticket that it follows up.
    follows: Option<Uuid>,
    /// Number of the ticket that goes on instead, if it was merged, converted, or is a duplicate.
    #[schema(example = "INC0000042")]
    goes_on_in: Option<String>,
    /// Its reference in another system.
    external_ref: Option<ExternalRefWire>,
    /// Whom or what it is waiting for; null once it is over.
    waiting_on: Option<WaitingOut>,
    /// Why it is on hold.
    hold: Option<HoldOut>,
    /// How an incident or a problem was resolved.
    resolution: Option<OutcomeOut>,
    /// How a request was fulfilled.
    fulfillment: Option<OutcomeOut>,
    /// Why a task is on hold, or was left incomplete, skipped or cancelled.
    reason: Option<String>,
    /// Why a request was not approved.
    rejection: Option<RejectionOut>,
    /// Who closed it, and when.
    closing: Option<ClosingOut>,
    /// Why it was cancelled.
    cancellation: Option<CancellationOut>,
    /// When the issue started or the request was made.
    opened_at: DateTime<Utc>,
    /// When it was created.
    created_at: DateTime<Utc>,
    /// When it was last changed.
    updated_at: DateTime<Utc>,
    /// When it entered its state.
    state_since: DateTime<Utc>,
    /// Escalation level; 0 if it was never escalated.
    escalation_level: u8,
    /// When the desk first acknowledged it.
    acknowledged_at: Option<DateTime<Utc>>,
    /// When the desk first replied publicly.
    first_response_at: Option<DateTime<Utc>>,
    /// When service is expected to be restored.
    eta: Option<DateTime<Utc>>,
    /// When a person confirmed category, impact and urgency.
    triaged_at: Option<DateTime<Utc>>,
    /// Number of times it was reopened.
    reopen_count: i64,
    /// When it was last reopened.
    last_reopened_at: Option<DateTime<Utc>>,
    /// Hooks whose policies failed for it, so that a fallback applied.
    policy_failures: Option<String>,
}

/// The fields that only some kinds have; in tickets of the others they are null.
pub(super) const OF_SOME_KINDS: &[(&str, &[TicketKind])] = &[
    ("requester", &[TicketKind::Incident, TicketKind::Request]),
    ("sync_with_parent", &[TicketKind::Incident]),
    ("affected_users", &[TicketKind::Incident]),
    ("caused_by_problem", &[TicketKind::Incident]),
    ("major_state", &[TicketKind::Incident]),
    ("major", &[TicketKind::Incident]),
    ("request", &[TicketKind::Request]),
    ("problem", &[TicketKind::Problem]),
    ("task", &[TicketKind::Task]),
    ("resolution", &[TicketKind::Incident, TicketKind::Problem]),
    ("fulfillment", &[TicketKind::Request]),
    ("rejection", &[TicketKind::Request]),
    ("reason", &[TicketKind::Task]),
];

/// A reference to a ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TicketName)]
pub(crate) struct TicketNameOut {
    /// Its id.
    id: Uuid,
    /// Ticket number.
    #[schema(example = "REQ0000042")]
    number: String,
    /// Summary in one line.
    short_description: String,
}

/// The priority of a ticket: the effective value and those it results from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Priority)]
pub(crate) struct PriorityOut {
    /// Effective priority; 1 is the highest.
    value: u8,
    /// Where it comes from.
    source: PrioritySourceName,
    /// Value of the organization's matrix for its impact and urgency.
    matrix: u8,
    /// Value set by a policy.
    policy: Option<u8>,
    /// Value set by a person.
    #[serde(rename = "override")]
    manual: Option<OverrideOut>,
}

/// A priority set by a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PriorityOverride)]
pub(crate) struct OverrideOut {
    /// The priority.
    value: u8,
    /// Why.
    reason: String,
}

/// Whom or what a ticket is waiting for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WaitingOn)]
pub(crate) struct WaitingOut {
    /// Whom or what.
    what: WaitingKindName,
    /// Since when.
    since: DateTime<Utc>,
    /// Ids of the people, if it is waiting for people.
    people: Vec<Uuid>,
    /// The team, if it is waiting for one.
    team: Option<NamedOut>,
    /// Name of the vendor, if it is waiting for one.
    vendor: Option<String>,
    /// Id of the problem, if it is waiting for one.
    problem: Option<Uuid>,
    /// What it is waiting for in a few words, if it is something else.
    reason: Option<String>,
    /// When it is closed automatically, while it is waiting for the requester's confirmation.
    closes_at: Option<DateTime<Utc>>,
}

/// A ticket as the API tells it, for front ends that print JSON.
#[must_use]
pub fn ticket_json(view: TicketView) -> serde_json::Value {
    // Every name is a text and every number finite, so that nothing here can fail.
    serde_json::to_value(TicketOut::from(view)).unwrap_or_default()
}

impl From<TicketView> for TicketOut {
    fn from(view: TicketView) -> Self {
        let kind = view.ticket.kind();
        let (state, phase) = (view.ticket.state(), view.ticket.phase());
        let details = DetailsOut::of(&view);
        let ticket = view.ticket;
        let incident = ticket.incident();
        let sync_with_parent = incident.map(|it| it.sync_with_parent);
        let affected_users = incident.map(|it| it.affected_users);
        let major_state = incident.map(|it| it.major.state().into());
        let major =
            incident.and_then(|it| MajorOut::of(&it.major, view.manager, view.communication_owner));
        let fields = ticket.fields.iter().map(|(name, value)| (name.to_string(), value.into()));
        let team = NamedOut::from(view.team);
        let facts = StageOut::of(kind, ticket.stage);
        Self {
            id: ticket.id.0,
            number: ticket.number,
            kind: kind.into(),
            state: state.into(),
            phase: phase.into(),
            version: ticket.version,
            short_description: ticket.short_description,
            description: ticket.description,
            channel: ticket.channel.into(),
            tags: ticket.tags.into_iter().collect(),
            fields: fields.collect(),
            requester: view.requester.map(Into::into),
            opened_by: ticket.opened_by.map(|person| person.0),
            category: ticket.category.map(|path| path.to_string()),
            service: view.service.map(Into::into),
            ci: view.ci.map(Into::into),
            impact: ticket.impact.map(|level| level.0),
            urgency: ticket.urgency.map(|level| level.0),
            priority: PriorityOut::new(ticket.priority, view.priority),
            waiting_on: view.waiting_on.map(|on| WaitingOut::new(on, &team)),
            team,
            assignee: view.assignee.map(Into::into),
            reassignment_count: ticket.reassignment_count,
            watchers: ticket.watchers.into_iter().map(|person| person.0).collect(),
            parent: view.parent.map(Into::into),
            sync_with_parent,
            affected_users,
            caused_by_problem: view.problem.map(Into::into),
            major_state,
            major,
            request: details.request,
            problem: details.problem,
            task: details.task,
            follows: ticket.follows.map(|id| id.0),
            goes_on_in: view.goes_on_in,
            external_ref: ticket
                .external_ref
                .map(|other| ExternalRefWire { source: other.source, id: other.id }),
            hold: facts.hold,
            reason: facts.reason.filter(|_| kind == TicketKind::Task),
            resolution: facts.resolution,
            fulfillment: facts.fulfillment,
            rejection: facts.rejection,
            closing: facts.closing,
            cancellation: facts.cancellation,
            opened_at: ticket.opened_at,
            created_at: ticket.created_at,
            updated_at: ticket.updated_at,
            state_since: ticket.state_since,
            escalation_level: ticket.escalation_level,
            acknowledged_at: ticket.acknowledged_at,
            first_response_at: ticket.first_response_at,
            eta: ticket.eta,
            triaged_at: ticket.triaged_at,
            reopen_count: ticket.reopen_count,
            last_reopened_at: ticket.last_reopened_at,
            policy_failures: ticket.policy_failures,
        }
    }
}

impl From<TicketName> for TicketNameOut {
    fn from(name: TicketName) -> Self {
        Self { id: name.id.0, number: name.number, short_description: name.short_description }
    }
}

impl PriorityOut {
    fn new(given: Priority, (value, source): (Level, PrioritySource)) -> Self {
        Self {
            value: value.0,
            source: source.into(),
            matrix: given.matrix.0,
            policy: given.policy.map(|level| level.0),
            manual: given.manual.map(|(level, reason)| OverrideOut { value: level.0, reason }),
        }
    }
}

impl WaitingOut {
    fn new(on: WaitingOn, owner: &NamedOut) -> Self {
        let none = Self {
            what: on.what.kind().into(),
            since: on.since,
            people: Vec::new(),
            team: None,
            vendor: None,
            problem: None,
            reason: None,
            closes_at: None,
        };
        match on.what {
            WaitingFor::Approvers(people) => {
                Self { people: people.into_iter().map(|person| person.0).collect(), ..none }
            }
            WaitingFor::ApproverMissing | WaitingFor::Caller | WaitingFor::Tasks => none,
            WaitingFor::Vendor(vendor) => Self { vendor: Some(vendor), ..none },
            WaitingFor::Evidence(person) | WaitingFor::Assignee(person) => {
                Self { people: vec![person.0], ..none }
            }
            WaitingFor::Problem(problem) => Self { problem: Some(problem.0), ..none },
            WaitingFor::Other(reason) => Self { reason: Some(reason), ..none },
            // Only the owning team is ever waited for.
            WaitingFor::Team(_) => Self { team: Some(owner.clone()), ..none },
            WaitingFor::Confirmation { closes_at } => Self { closes_at, ..none },
        }
    }
}
