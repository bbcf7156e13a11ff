//! A small organization for tests: two teams and one that is somebody else's, a service, a server, a few people.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use crate::{
    catalog::{CatalogItem, Category, FieldKind, FormField, Money},
    ci::Ci,
    directory::Lookup,
    event::{Actor, ActorKind},
    fields::Fields,
    ids::{CatalogItemId, CategoryId, CiId, OrgId, PersonId, ServiceId, TaskId, TeamId, TicketId},
    incident::{AwaitingKind, ResolutionCode},
    key::Key,
    organization::{OrgKind, OrgSettings, Organization},
    request::{FulfilmentCode, Submission},
    service::{Criticality, Service},
    task::{Standing, Task, Tasks},
    team::Team,
    ticket::{Channel, Holding, NewTicket, State, Ticket, TicketKind},
};

pub(crate) const ORG: OrgId = OrgId(Uuid::from_u128(1));
pub(crate) const PROVIDER: OrgId = OrgId(Uuid::from_u128(2));
pub(crate) const STRANGER: OrgId = OrgId(Uuid::from_u128(3));
pub(crate) const PLATFORM: OrgId = OrgId(Uuid::from_u128(4));

pub(crate) const CALLER: PersonId = PersonId(Uuid::from_u128(10));
pub(crate) const AGENT: PersonId = PersonId(Uuid::from_u128(11));
pub(crate) const COLLEAGUE: PersonId = PersonId(Uuid::from_u128(12));
pub(crate) const MANAGER: PersonId = PersonId(Uuid::from_u128(13));
pub(crate) const OWNER: PersonId = PersonId(Uuid::from_u128(14));

pub(crate) const DESK: TeamId = TeamId(Uuid::from_u128(20));
pub(crate) const NETWORK: TeamId = TeamId(Uuid::from_u128(21));
pub(crate) const PROVIDERS: TeamId = TeamId(Uuid::from_u128(22));
pub(crate) const STRANGERS: TeamId = TeamId(Uuid::from_u128(23));
pub(crate) const DISSOLVED: TeamId = TeamId(Uuid::from_u128(24));

pub(crate) const PAYROLL: ServiceId = ServiceId(Uuid::from_u128(30));
pub(crate) const RETIRED: ServiceId = ServiceId(Uuid::from_u128(31));
pub(crate) const SERVER: CiId = CiId(Uuid::from_u128(40));
pub(crate) const LAPTOP: CatalogItemId = CatalogItemId(Uuid::from_u128(50));

/// Monday, 2026-06-01, 08:00 in UTC.
pub(crate) fn monday() -> DateTime<Utc> {
    "2026-06-01T08:00:00Z".parse().unwrap()
}

pub(crate) fn hours(hours: i64) -> Duration {
    Duration::hours(hours)
}

pub(crate) fn person(number: u128) -> PersonId {
    PersonId(Uuid::from_u128(1_000 + number))
}

pub(crate) fn ticket_id(number: u128) -> TicketId {
    TicketId(Uuid::from_u128(2_000 + number))
}

pub(crate) fn user(person: PersonId) -> Actor {
    Actor { kind: ActorKind::User, person: Some(person) }
}

pub(crate) fn key(text: &str) -> Key {
    text.parse().unwrap()
}

pub(crate) fn settings() -> OrgSettings {
    OrgSettings::new(DESK)
}

/// The platform, the provider and the organization itself.
pub(crate) fn lineage() -> Vec<Organization> {
    let one = |id: OrgId, parent: Option<OrgId>, kind: OrgKind, name: &str| Organization {
        id,
        parent,
        kind,
        key: key(name),
        name: name.to_owned(),
        settings: settings(),
        created_at: monday(),
        version: 1,
    };
    vec![
        one(PLATFORM, None, OrgKind::Platform, "platform"),
        one(PROVIDER, Some(PLATFORM), OrgKind::Provider, "northwind"),
        one(ORG, Some(PROVIDER), OrgKind::Client, "acme"),
    ]
}

pub(crate) struct World {
    pub(crate) teams: Vec<Team>,
    pub(crate) services: Vec<Service>,
    pub(crate) cis: Vec<Ci>,
    pub(crate) categories: Vec<Category>,
}

impl Lookup for World {
    fn teams(&self) -> &[Team] {
        &self.teams
    }

    fn services(&self) -> &[Service] {
        &self.services
    }

    fn cis(&self) -> &[Ci] {
        &self.cis
    }

    fn categories(&self) -> &[Category] {
        &self.categories
    }
}

fn team(id: TeamId, org: OrgId, name: &str, members: &[PersonId]) -> Team {
    Team {
        id,
        org,
        key: key(name),
        name: format!("Team {name}"),
        zone: None,
        working_hours: None,
        lead: members.first().copied(),
        on_call: None,
        members: members.iter().copied().collect(),
        serves: BTreeSet::new(),
        active: true,
        version: 1,
    }
}

fn service(id: ServiceId, name: &str, active: bool) -> Service {
    Service {
        id,
        org: ORG,
        key: key(name),
        name: name.to_owned(),
        criticality: Criticality::High,
        owner: Some(OWNER),
        support_team: Some(NETWORK),
        fields: Fields::default(),
        active,
        version: 1,
    }
}

fn category(number: u128, path: &str) -> Category {
    Category {
        id: CategoryId(Uuid::from_u128(60 + number)),
        org: ORG,
        path: path.parse().unwrap(),
        name: path.to_owned(),
        active: true,
        version: 1,
    }
}

pub(crate) fn world() -> World {
    let mut providers = team(PROVIDERS, PROVIDER, "night-shift", &[COLLEAGUE]);
    providers.serves.insert(ORG);
    let mut dissolved = team(DISSOLVED, ORG, "fax", &[AGENT]);
    dissolved.active = false;
    World {
        teams: vec![
            team(DESK, ORG, "desk", &[AGENT]),
            team(NETWORK, ORG, "network", &[AGENT, COLLEAGUE]),
            providers,
            team(STRANGERS, STRANGER, "elsewhere", &[COLLEAGUE]),
            dissolved,
        ],
        services: vec![service(PAYROLL, "payroll", true), service(RETIRED, "telex", false)],
        cis: vec![Ci {
            id: SERVER,
            org: ORG,
            key: key("srv-1"),
            name: "Server 1".to_owned(),
            class: key("server"),
            criticality: Criticality::High,
            service: Some(PAYROLL),
            support_team: Some(NETWORK),
            fields: Fields::default(),
            active: true,
            version: 1,
        }],
        categories: vec![category(0, "access"), category(1, "access/password")],
    }
}

pub(crate) fn laptop() -> CatalogItem {
    let field = |name: &str, kind: FieldKind, required: bool| FormField {
        field: key(name),
        label: format!("The {name}?"),
        kind,
        required,
    };
    CatalogItem {
        id: LAPTOP,
        org: ORG,
        key: key("laptop"),
        name: "Laptop".to_owned(),
        description: String::new(),
        cost: Some(Money { minor_units: 129_900, currency: "EUR".to_owned() }),
        form: vec![
            field("model", FieldKind::Choice(vec!["light".to_owned(), "strong".to_owned()]), true),
            field("screens", FieldKind::Number, true),
            field("from", FieldKind::Date, false),
            field("remote", FieldKind::YesNo, false),
            field("why", FieldKind::Text, true),
        ],
        delivery_hours: Some(16),
        tasks: Vec::new(),
        active: true,
        version: 1,
    }
}

pub(crate) fn answers() -> Vec<(Key, String)> {
    [("model", "light"), ("screens", "2"), ("why", "the old one broke")]
        .map(|(field, answer)| (key(field), answer.to_owned()))
        .to_vec()
}

pub(crate) fn blank<'a>(kind: TicketKind) -> NewTicket<'a> {
    NewTicket {
        id: ticket_id(0),
        org: ORG,
        kind,
        short_description: "nothing works",
        description: "since this morning",
        channel: Channel::Portal,
        requester: CALLER,
        opened_by: None,
        category: None,
        service: None,
        ci: None,
        impact: None,
        urgency: None,
        tags: &[],
        item: None,
        answers: &[],
        quantity: 1,
        parent: None,
        sync_with_parent: None,
        affected_users: None,
        external_ref: None,
        opened_at: None,
    }
}

pub(crate) fn task_id(number: u128) -> TaskId {
    TaskId(Uuid::from_u128(3_000 + number))
}

/// An open task of the ticket of [`blank`], numbered as its id.
pub(crate) fn task(number: u128) -> Task {
    Task {
        id: task_id(number),
        org: ORG,
        ticket: ticket_id(0),
        number: format!("TASK{number}"),
        short_description: format!("piece {number}"),
        description: String::new(),
        team: DESK,
        assignee: None,
        position: 0,
        mandatory: false,
        depends_on: BTreeSet::new(),
        standing: Standing::Open,
        created_at: monday(),
        updated_at: monday(),
        state_since: monday(),
        version: 1,
    }
}

/// A ticket that was opened on Monday morning.
pub(crate) fn opened(kind: TicketKind) -> Ticket {
    let mut ticket = Ticket::new(blank(kind), &settings(), monday()).unwrap();
    ticket.number = "T1".to_owned();
    ticket
}

/// A ticket that was brought into a state by moves, one hour each; on hold, it waits for `awaiting`.
pub(crate) fn in_state(kind: TicketKind, state: State, awaiting: AwaitingKind) -> Ticket {
    let mut ticket = opened(kind);
    let world = world();
    let mut now = monday();
    let mut later = || {
        now += hours(1);
        now
    };
    let holding = Holding {
        awaiting: Some(awaiting),
        vendor: Some("Dell"),
        person: Some(MANAGER),
        comment: Some("which one?"),
        follow_up_at: None,
    };
    let by = user(AGENT);
    let submit = |ticket: &mut Ticket, submission: Submission, now| {
        if ticket.kind() == TicketKind::Request {
            ticket.submit(None, submission, &settings(), now).unwrap();
        }
    };
    let done = |ticket: &mut Ticket, now| match kind {
        TicketKind::Incident => {
            ticket.resolve(Some(ResolutionCode::Fixed), Some("a new cable"), &settings(), &by, now)
        }
        TicketKind::Request => {
            let code = Some(FulfilmentCode::Complete);
            ticket.fulfill(code, Some("handed over"), &Tasks::default(), &by, now)
        }
    };
    match state {
        State::New => {}
        State::InProgress => {
            ticket.start(Some(AGENT), &world, later()).unwrap();
        }
        State::AwaitingApproval => submit(&mut ticket, Submission::Asks, later()),
        State::InFulfilment => submit(&mut ticket, Submission::Approved, later()),
        State::Rejected => {
            let reason = "too dear".to_owned();
            submit(&mut ticket, Submission::Refused { reason }, later());
        }
        State::OnHold => {
            submit(&mut ticket, Submission::Approved, later());
            ticket.hold(holding, later()).unwrap();
        }
        State::Resolved | State::Fulfilled => {
            submit(&mut ticket, Submission::Approved, later());
            done(&mut ticket, later()).unwrap();
        }
        State::Closed => {
            submit(&mut ticket, Submission::Approved, later());
            done(&mut ticket, later()).unwrap();
            ticket.close(&by, later()).unwrap();
        }
        State::Cancelled => {
            ticket.cancel(Some("a mistake"), &by, later()).unwrap();
        }
    }
    assert_eq!(ticket.state(), state);
    ticket
}
