//! A small organization for tests: two teams and one that is somebody else's, a service, a server,
//! a few people; and tickets of every kind, brought into every state by actions.

mod states;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use crate::{
    approval::{Approval, Duties, NewRound, Quorum, StagePlan, StageRule, StepPlan},
    catalog::{CatalogItem, Category, FieldKind, FormField, Money},
    ci::Ci,
    directory::Lookup,
    event::{Actor, ActorKind},
    fields::Fields,
    ids::{
        ApprovalId, ApprovalRequestId, CatalogItemId, CategoryId, CiId, OrgId, PersonId, ReceiptId,
        ServiceId, SuggestionId, TeamId, TicketId,
    },
    key::Key,
    link::Link,
    organization::{OrgKind, OrgSettings, Organization},
    person::Person,
    refusal::Refused,
    role::Role,
    service::{Criticality, Service},
    suggestion::{SuggestedField, Suggestion, SuggestionState},
    team::Team,
    ticket::{Action, Beside, Done, Given, Opening, Ticket, TicketKind, Turn, Value},
};

pub(crate) use self::states::{
    all_inputs, holding, in_every_state, in_state, led_by, make_major_for, needed_inputs,
    resolved_as, submit,
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

/// The first request of [`round`].
pub(crate) const FIRST_VOTE: ApprovalRequestId = ApprovalRequestId(Uuid::from_u128(1));

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

/// What a ticket of a kind is opened with; those that are for somebody are for [`CALLER`].
pub(crate) fn blank(kind: TicketKind) -> Given {
    let given = Given::default()
        .with("short_description", text("nothing works"))
        .with("description", text("since this morning"))
        .with("channel", text("portal"));
    if kind.rules().field("requester").is_some() {
        given.with("requester", Value::Person(CALLER))
    } else {
        given
    }
}

/// Opens a ticket with these fields on Monday morning.
pub(crate) fn open(
    kind: TicketKind,
    given: &Given,
    item: Option<&CatalogItem>,
) -> Result<Ticket, Refused> {
    let opening =
        Opening { id: ticket_id(0), org: ORG, kind, opened_by: None, given, item, team: None };
    Ticket::open(opening, &settings(), monday())
}

/// A ticket that was opened on Monday morning.
pub(crate) fn opened(kind: TicketKind) -> Ticket {
    let mut ticket = open(kind, &blank(kind), None).unwrap();
    ticket.number = "T1".to_owned();
    ticket
}

/// A request for the laptop.
pub(crate) fn asked_for(quantity: u32, answers: Vec<(Key, String)>) -> Result<Ticket, Refused> {
    let given = blank(TicketKind::Request)
        .with("catalog_item", Value::CatalogItem(LAPTOP))
        .with("answers", Value::Answers(answers))
        .with("quantity", number(quantity));
    open(TicketKind::Request, &given, Some(&laptop()))
}

/// Another ticket than that of [`opened`].
pub(crate) fn another(kind: TicketKind) -> Ticket {
    Ticket { id: ticket_id(1), number: "T2".to_owned(), ..opened(kind) }
}

/// An open task of the ticket of [`opened`], numbered as its id.
pub(crate) fn task(number: u128) -> Ticket {
    let given = blank(TicketKind::Task)
        .with("parent", Value::Tickets(vec![ticket_id(0)]))
        .with("mandatory", Value::Flag(false));
    let mut task = open(TicketKind::Task, &given, None).unwrap();
    (task.id, task.number) = (task_id(number), format!("TASK{number}"));
    task
}

pub(crate) fn task_id(number: u128) -> TicketId {
    TicketId(Uuid::from_u128(3_000 + number))
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub(crate) fn number(number: u32) -> Value {
    Value::Number(number)
}

/// One thing that is given.
pub(crate) fn with(name: &'static str, value: Value) -> Given {
    Given::default().with(name, value)
}

pub(crate) fn nothing() -> Given {
    Given::default()
}

/// A reason, which is all that many actions need.
pub(crate) fn why() -> Given {
    with("reason", text("because"))
}

/// An agent of the desk, or somebody else by that name.
pub(crate) fn agent(id: PersonId) -> Person {
    Person {
        id,
        org: ORG,
        name: "Ada".to_owned(),
        email: None,
        role: Role::Agent,
        zone: None,
        manager: None,
        location: None,
        vip: false,
        language: None,
        fields: Fields::default(),
        active: true,
        version: 1,
    }
}

/// A round of approval about the ticket of [`opened`], planned at ten o'clock on Monday.
pub(crate) fn round(voters: &[PersonId]) -> Approval {
    let new = NewRound {
        id: ApprovalId(ORG.0),
        org: ORG,
        subject: ticket_id(0).into(),
        round: 1,
        content_digest: String::new(),
        receipt: None,
        duties: Duties { requester: Some(CALLER), implementer: None },
        fallback_approver: None,
    };
    let step = StepPlan {
        name: "budget".to_owned(),
        quorum: Quorum::All,
        veto: false,
        due_hours: None,
        voters: voters.to_vec(),
        mandatory: Vec::new(),
    };
    let mut next = 0;
    let mut next_id = || {
        next += 1;
        ApprovalRequestId(Uuid::from_u128(next))
    };
    let stages = vec![StagePlan { rule: StageRule::All, steps: vec![step] }];
    Approval::plan(new, stages, &mut next_id, monday() + hours(2)).unwrap().approval
}

/// A suggestion for a field, made when the ticket came in.
pub(crate) fn suggestion(field: SuggestedField, seen: Option<&str>, value: &str) -> Suggestion {
    Suggestion {
        id: SuggestionId(DESK.0),
        ticket: ticket_id(0),
        receipt: ReceiptId(LAPTOP.0),
        field,
        seen: seen.map(str::to_owned),
        value: value.to_owned(),
        confidence: 80,
        reasons: Vec::new(),
        state: SuggestionState::Open,
        created_at: monday(),
    }
}

/// Who acts, when, under which settings, and what stands around the ticket.
pub(crate) struct Scene {
    pub(crate) by: Actor,
    pub(crate) now: DateTime<Utc>,
    pub(crate) settings: OrgSettings,
    pub(crate) world: World,
    pub(crate) beside: Beside,
}

impl Scene {
    /// An agent acts, so many hours after Monday morning; nothing stands around the ticket.
    pub(crate) fn at(hour: i64) -> Self {
        Self {
            by: user(AGENT),
            now: monday() + hours(hour),
            settings: settings(),
            world: world(),
            beside: Beside::default(),
        }
    }

    /// Everything stands around the ticket that an action of it can need.
    pub(crate) fn with_all(hour: i64, action: Action, ticket: &Ticket) -> Self {
        let kind = match action {
            Action::Hold | Action::Resolve => TicketKind::Problem,
            _ => ticket.kind(),
        };
        let target = another(kind);
        let links = if action == Action::Unlink {
            let mut scene = Self::at(hour);
            scene.beside.target = Some(target.clone());
            let done = scene.act(&mut ticket.clone(), Action::Link, link("related_to")).unwrap();
            done.left.link.map(made).into_iter().collect()
        } else {
            Vec::new()
        };
        let impact = ticket.impact.map(|level| level.to_string());
        let people = [AGENT, COLLEAGUE].map(|id| (id, agent(id)));
        let beside = Beside {
            tasks: vec![task(7), ticket.clone()],
            target: Some(target),
            links,
            suggestion: Some(suggestion(SuggestedField::Impact, impact.as_deref(), "2")),
            is_approved: true,
            people: BTreeMap::from(people),
            round: (action == Action::AppointVoter).then(|| round(&[MANAGER])),
            new_id: Some(ticket_id(9)),
            new_vote: Some(ApprovalRequestId(Uuid::from_u128(9))),
            ..Beside::default()
        };
        let beside = if ticket.kind() == TicketKind::Task {
            beside
        } else {
            Beside { tasks: Vec::new(), ..beside }
        };
        // A reply is the caller's, whatever the desk does.
        let by = if action == Action::CallerReply { user(CALLER) } else { user(AGENT) };
        Self { by, beside, ..Self::at(hour) }
    }

    pub(crate) fn by(self, by: Actor) -> Self {
        Self { by, ..self }
    }

    pub(crate) fn beside(self, target: Ticket) -> Self {
        Self { beside: Beside { target: Some(target), ..self.beside }, ..self }
    }

    #[expect(clippy::needless_pass_by_value, reason = "what is given is written where it is used")]
    pub(crate) fn act(
        &mut self,
        ticket: &mut Ticket,
        action: Action,
        given: Given,
    ) -> Result<Done, Refused> {
        let mut turn =
            Turn::new(&given, &self.by, self.now, &self.settings, &self.world, &mut self.beside);
        ticket.perform(action, &mut turn)
    }

    pub(crate) fn edit(
        &self,
        ticket: &mut Ticket,
        given: &Given,
    ) -> Result<Vec<crate::event::FieldChange>, Refused> {
        let tasks = &self.beside.tasks;
        ticket.edit(given, tasks, &self.world, &self.settings, self.now)
    }
}

/// An agent takes an action a day after Monday morning.
pub(crate) fn act(ticket: &mut Ticket, action: Action, given: Given) -> Result<Done, Refused> {
    Scene::at(24).act(ticket, action, given)
}

/// An agent edits a ticket a day after Monday morning.
pub(crate) fn edit(
    ticket: &mut Ticket,
    given: &Given,
) -> Result<Vec<crate::event::FieldChange>, Refused> {
    Scene::at(24).edit(ticket, given)
}

/// What a link to the ticket of [`another`] takes.
pub(crate) fn link(link_type: &str) -> Given {
    with("link_type", text(link_type)).with("target", Value::Tickets(vec![ticket_id(1)]))
}

pub(crate) fn made(change: crate::link::LinkChange) -> Link {
    let (crate::link::LinkChange::Made(link) | crate::link::LinkChange::Removed(link)) = change;
    link
}

/// The fields that a refusal names.
pub(crate) fn pointers(refused: &Refused) -> Vec<&str> {
    match refused {
        Refused::MissingFields(faults) | Refused::Invalid(faults) => {
            faults.iter().map(|fault| fault.pointer.as_str()).collect()
        }
        Refused::InvalidTransition { .. } | Refused::Guard { .. } => panic!("{refused}"),
    }
}

/// The field and the code of the first fault.
pub(crate) fn fault<T: std::fmt::Debug>(refused: Result<T, Refused>) -> (String, &'static str) {
    match refused {
        Err(Refused::Invalid(faults) | Refused::MissingFields(faults)) => {
            (faults[0].pointer.clone(), faults[0].code)
        }
        other => panic!("no fault of a field: {other:?}"),
    }
}

/// What stands against a move.
pub(crate) fn guard<T: std::fmt::Debug>(refused: Result<T, Refused>) -> String {
    match refused {
        Err(Refused::Guard { message, .. }) => message.into(),
        other => panic!("nothing stands against it: {other:?}"),
    }
}
