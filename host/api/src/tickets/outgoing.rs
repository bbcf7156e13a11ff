//! A ticket as it is shown.

mod facts;
mod major;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use waypost_app::tickets::TicketView;
use waypost_domain::{
    priority::{Level, Priority, PrioritySource},
    waiting::{WaitingFor, WaitingOn},
};

use self::{
    facts::{
        CancellationOut, ClosingOut, Facts, FulfillmentOut, HoldOut, RejectionOut, RequestOut,
        ResolutionOut, TaskCountOut,
    },
    major::MajorOut,
};
use super::incoming::ExternalRefWire;
use crate::wire::{
    ChannelName, KindName, MajorStateName, NamedOut, PersonOut, PrioritySourceName, StateName,
};

/// An incident or a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ticket)]
pub(crate) struct TicketOut {
    /// Its id.
    id: Uuid,
    /// The number people use.
    #[schema(example = "INC0000042")]
    number: String,
    /// Which kind.
    kind: KindName,
    /// Where it stands. Changed by actions only.
    state: StateName,
    /// Rises by one with every change; the `ETag`.
    version: i64,
    /// What it is about, in one line.
    short_description: String,
    /// The full text.
    description: String,
    /// How it came in.
    channel: ChannelName,
    /// Free labels.
    tags: Vec<String>,
    /// Whose trouble or wish it is.
    requester: PersonOut,
    /// Who wrote it down, when it was another.
    opened_by: Option<Uuid>,
    /// What it is about: the category's path.
    category: Option<String>,
    /// The service concerned.
    service: Option<NamedOut>,
    /// The configuration item concerned.
    ci: Option<NamedOut>,
    /// How much is affected; 1 is the most.
    impact: Option<u8>,
    /// How soon it hurts; 1 is the soonest.
    urgency: Option<u8>,
    /// How soon it is worked on.
    priority: PriorityOut,
    /// The team that owns it. Never missing.
    team: NamedOut,
    /// The person who works on it.
    assignee: Option<PersonOut>,
    /// How often team or assignee changed after the first assignment.
    reassignment_count: i64,
    /// The ids of people who hear of every change.
    watchers: Vec<Uuid>,
    /// The ticket that it is a part of.
    parent: Option<Uuid>,
    /// Whether an incident follows the one that it is a part of.
    sync_with_parent: bool,
    /// How many people an incident keeps from their work, as far as the desk knows.
    affected_users: u32,
    /// Where an incident stands as a major one. Changed by actions only.
    major_state: MajorStateName,
    /// What is particular to a major incident that was accepted; null for all others.
    major: Option<MajorOut>,
    /// The closed ticket that it takes up again.
    follows: Option<Uuid>,
    /// Another system's number for it.
    external_ref: Option<ExternalRefWire>,
    /// Whom or what it waits for; null once it is over.
    waiting_on: Option<WaitingOut>,
    /// Why it is on hold.
    hold: Option<HoldOut>,
    /// How an incident was resolved.
    resolution: Option<ResolutionOut>,
    /// What is asked for, of a request.
    request: Option<RequestOut>,
    /// How a request was fulfilled.
    fulfillment: Option<FulfillmentOut>,
    /// Why a request was not approved.
    rejection: Option<RejectionOut>,
    /// Who closed it, and when.
    closing: Option<ClosingOut>,
    /// Why it ended without a resolution.
    cancellation: Option<CancellationOut>,
    /// When the trouble began or the wish was told.
    opened_at: DateTime<Utc>,
    /// When it was stored.
    created_at: DateTime<Utc>,
    /// When anything of it changed last.
    updated_at: DateTime<Utc>,
    /// When it entered its state.
    state_since: DateTime<Utc>,
    /// The escalation level reached so far; 0 for none.
    escalation_level: u8,
    /// When the desk acknowledged it first.
    acknowledged_at: Option<DateTime<Utc>>,
    /// When a person of the desk answered publicly first.
    first_response_at: Option<DateTime<Utc>>,
    /// When service should be back.
    eta: Option<DateTime<Utc>>,
    /// When a person confirmed category, impact and urgency.
    triaged_at: Option<DateTime<Utc>>,
    /// How often it was reopened.
    reopen_count: i64,
    /// When it was reopened last.
    last_reopened_at: Option<DateTime<Utc>>,
    /// Which hooks failed on it, so that a fallback decided.
    degraded: Option<String>,
}

/// How soon a ticket is worked on: every value that was given, and the one that won.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Priority)]
pub(crate) struct PriorityOut {
    /// The one in force; 1 is the highest.
    value: u8,
    /// Where it comes from.
    source: PrioritySourceName,
    /// What the organization's matrix says.
    matrix: u8,
    /// What a policy says.
    policy: Option<u8>,
    /// What a person says.
    #[serde(rename = "override")]
    manual: Option<OverrideOut>,
}

/// A person's word on a priority.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PriorityOverride)]
pub(crate) struct OverrideOut {
    /// The priority.
    value: u8,
    /// Why.
    reason: String,
}

/// Whom or what a ticket waits for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WaitingOn)]
pub(crate) struct WaitingOut {
    /// `approvers`, `approver_missing`, `caller`, `vendor`, `evidence`, `assignee`, `team` or `confirmation`.
    #[schema(value_type = String)]
    what: &'static str,
    /// Since when.
    since: DateTime<Utc>,
    /// The ids of the people, where it is people.
    people: Vec<Uuid>,
    /// The team, where it is one.
    team: Option<NamedOut>,
    /// The vendor's name, where it is one.
    vendor: Option<String>,
    /// When it closes by itself, while it waits for the requester's word that all is well.
    closes_at: Option<DateTime<Utc>>,
}

impl From<TicketView> for TicketOut {
    fn from(view: TicketView) -> Self {
        let ticket = view.ticket;
        let (kind, state) = (ticket.kind(), ticket.state());
        let team = NamedOut::from(view.team);
        let tasks = TaskCountOut { open: view.tasks.open, total: view.tasks.total };
        let facts = Facts::of(ticket.body, view.catalog_item.map(Into::into), tasks);
        Self {
            id: ticket.id.0,
            number: ticket.number,
            kind: kind.into(),
            state: state.into(),
            version: ticket.version,
            short_description: ticket.short_description,
            description: ticket.description,
            channel: ticket.channel.into(),
            tags: ticket.tags.into_iter().collect(),
            requester: view.requester.into(),
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
            parent: ticket.parent.map(|id| id.0),
            sync_with_parent: ticket.sync_with_parent,
            affected_users: ticket.affected_users,
            major_state: ticket.major.state().into(),
            major: MajorOut::of(ticket.major, view.manager, view.communication_owner),
            follows: ticket.follows.map(|id| id.0),
            external_ref: ticket
                .external_ref
                .map(|other| ExternalRefWire { source: other.source, id: other.id }),
            hold: facts.hold,
            resolution: facts.resolution,
            request: facts.request,
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
            degraded: ticket.degraded,
        }
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
            what: on.what.as_str(),
            since: on.since,
            people: Vec::new(),
            team: None,
            vendor: None,
            closes_at: None,
        };
        match on.what {
            WaitingFor::Approvers(people) => {
                Self { people: people.into_iter().map(|person| person.0).collect(), ..none }
            }
            WaitingFor::ApproverMissing | WaitingFor::Caller => none,
            WaitingFor::Vendor(vendor) => Self { vendor: Some(vendor), ..none },
            WaitingFor::Evidence(person) | WaitingFor::Assignee(person) => {
                Self { people: vec![person.0], ..none }
            }
            // Only the owning team is ever waited for.
            WaitingFor::Team(_) => Self { team: Some(owner.clone()), ..none },
            WaitingFor::Confirmation { closes_at } => Self { closes_at, ..none },
        }
    }
}
