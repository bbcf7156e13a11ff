//! Organizations and records to test with. Ids are counted, times are fixed.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;
use waypost_domain::{
    binding::{Binding, Fallback, Hook, LimitChanges, Revision},
    event::{Actor, ActorKind},
    fields::Fields,
    ids::{BindingId, EvaluationId, OrgId, PersonId, SnapshotPartId, TeamId, TicketId},
    organization::{OrgKind, OrgSettings, Organization},
    person::Person,
    priority::{Level, Priority},
    receipt::{Evaluation, Receipt, SnapshotPart},
    role::Role,
    team::Team,
    ticket::{Channel, Details, Stage, State, Ticket, TicketKind},
};
use waypost_store::{Store, component, evaluation, organization, snapshot_part, ticket};

/// An id that no other test of this process has. Later ones sort after earlier ones.
pub(crate) fn id() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)) << 16)
}

/// As [`id`], made for a moment, as the ids of an installation are.
pub(crate) fn id_at(moment: DateTime<Utc>) -> Uuid {
    let millis = u128::try_from(moment.timestamp_millis()).unwrap();
    Uuid::from_u128(millis << 80 | 0x7 << 76 | id().as_u128())
}

/// Minutes after the tests' beginning of time, to the microsecond.
pub(crate) fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_780_000_000_123_456).unwrap() + TimeDelta::minutes(minutes)
}

/// A digest as columns accept it.
pub(crate) fn digest(of: u8) -> String {
    format!("sha256:{}", format!("{of:02x}").repeat(32))
}

pub(crate) fn by_policy() -> Actor {
    Actor { kind: ActorKind::Policy, person: None }
}

pub(crate) fn by(person: PersonId) -> Actor {
    Actor { kind: ActorKind::User, person: Some(person) }
}

pub(crate) fn team(org: OrgId, key: &str) -> Team {
    Team {
        id: TeamId(id()),
        org,
        key: key.parse().unwrap(),
        name: key.to_uppercase(),
        zone: None,
        working_hours: None,
        lead: None,
        on_call: None,
        members: BTreeSet::new(),
        serves: BTreeSet::new(),
        active: true,
        version: 1,
    }
}

pub(crate) fn person(org: OrgId, name: &str) -> Person {
    Person {
        id: PersonId(id()),
        org,
        name: name.to_owned(),
        email: Some(format!("{name}@Example.ORG")),
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

/// An organization with its fallback team.
pub(crate) async fn organization(
    store: &Store,
    kind: OrgKind,
    parent: Option<OrgId>,
    key: &str,
) -> Organization {
    let org = OrgId(id());
    let desk = team(org, "service-desk");
    let organization = Organization {
        id: org,
        parent,
        kind,
        key: key.parse().unwrap(),
        name: key.to_uppercase(),
        settings: OrgSettings::new(desk.id),
        created_at: at(0),
        version: 1,
    };
    let mut tx = store.system().await.unwrap();
    organization::create(&mut tx, &organization, &desk).await.unwrap();
    tx.commit().await.unwrap();
    organization
}

/// A platform, a provider below it, and two clients of the provider.
pub(crate) struct Tree {
    pub(crate) platform: Organization,
    pub(crate) provider: Organization,
    pub(crate) client: Organization,
    pub(crate) other: Organization,
}

pub(crate) async fn tree(store: &Store) -> Tree {
    let platform = organization(store, OrgKind::Platform, None, "platform").await;
    let provider = organization(store, OrgKind::Provider, Some(platform.id), "msp").await;
    let client = organization(store, OrgKind::Client, Some(provider.id), "acme").await;
    let other = organization(store, OrgKind::Client, Some(provider.id), "globex").await;
    Tree { platform, provider, client, other }
}

/// A new incident that nothing is known about, numbered by its id.
pub(crate) fn ticket(org: &Organization) -> Ticket {
    let id = id();
    Ticket {
        id: TicketId(id),
        org: org.id,
        number: format!("INC{:07}", id.as_u128() >> 16),
        short_description: "Printer on fire".to_owned(),
        description: "It burns.".to_owned(),
        channel: Channel::Portal,
        tags: BTreeSet::new(),
        fields: Fields::default(),
        requester: Some(PersonId(self::id())),
        opened_by: None,
        category: None,
        service: None,
        ci: None,
        impact: None,
        urgency: None,
        priority: Priority { matrix: Level(3), policy: None, manual: None },
        team: org.settings.fallback_team,
        assignee: None,
        reassignment_count: 0,
        watchers: BTreeSet::new(),
        parent: None,
        follows: None,
        external_ref: None,
        stage: Stage::Open(State::New),
        details: Details::of(TicketKind::Incident),
        opened_at: at(0),
        created_at: at(1),
        updated_at: at(1),
        state_since: at(1),
        waiting_since: at(1),
        escalation_level: 0,
        acknowledged_at: None,
        first_response_at: None,
        eta: None,
        triaged_at: None,
        reopen_count: 0,
        last_reopened_at: None,
        policy_failures: None,
        version: 1,
    }
}

/// A new ticket of a kind, that nothing is known about.
pub(crate) fn ticket_of(org: &Organization, kind: TicketKind) -> Ticket {
    let new = ticket(org);
    let rules = kind.rules();
    Ticket {
        number: new.number.replace("INC", rules.prefix),
        requester: new
            .requester
            .filter(|_| matches!(kind, TicketKind::Incident | TicketKind::Request)),
        stage: Stage::Open(rules.states[0].0),
        details: Details::of(kind),
        ..new
    }
}

/// A ticket of the organization that is stored.
pub(crate) async fn stored_ticket(store: &Store, org: &Organization) -> Ticket {
    let new = ticket(org);
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    new
}

/// An evaluation about a ticket.
pub(crate) fn evaluation_of(about: &Ticket, minutes: i64) -> Evaluation {
    Evaluation {
        id: EvaluationId::of_new(id_at(at(minutes))),
        org: about.org,
        subject: about.id.into(),
        occasion: "create".to_owned(),
        snapshot: br#"{"ticket":{"text":"Printer on fire"}}"#.to_vec(),
        part: None,
        at: at(minutes),
    }
}

/// Adds an evaluation with its receipts.
pub(crate) async fn evaluated(store: &Store, evaluation: &Evaluation, receipts: &[Receipt]) {
    let packed = evaluation::pack(evaluation.clone(), receipts).unwrap();
    let mut tx = store.write(evaluation.org).await.unwrap();
    evaluation::insert_many(&mut tx, vec![packed]).await.unwrap();
    tx.commit().await.unwrap();
}

/// A part of snapshots that ends then, and that is stored.
pub(crate) async fn stored_part(store: &Store, org: OrgId, until: i64) -> Arc<SnapshotPart> {
    let text = format!(r#"{{"teams":["{until}"]}}"#).into_bytes();
    let part = SnapshotPart { id: SnapshotPartId(id()), text, until: at(until) };
    let mut tx = store.write(org).await.unwrap();
    let packed = snapshot_part::pack(org, &part).unwrap();
    snapshot_part::keep_many(&mut tx, vec![packed]).await.unwrap();
    tx.commit().await.unwrap();
    Arc::new(part)
}

/// A component that is stored and granted to the organization.
pub(crate) async fn granted_component(store: &Store, org: OrgId, of: u8) -> component::Component {
    let new = component::Component {
        digest: digest(of),
        size: 4,
        name: format!("policy-{of}"),
        version: "1.0.0".to_owned(),
        wit_version: "0.1.0".to_owned(),
        about: r#"{ "hooks" : ["route"] }"#.to_owned(),
        created_at: at(i64::from(of)),
        is_own: true,
    };
    let mut tx = store.write(org).await.unwrap();
    component::insert(&mut tx, &new, "{}", &[0, 97, 115, of]).await.unwrap();
    component::grant(&mut tx, &new.digest, new.created_at).await.unwrap();
    tx.commit().await.unwrap();
    new
}

pub(crate) fn binding(org: OrgId, name: &str) -> Binding {
    Binding {
        id: BindingId(id()),
        org,
        name: name.parse().unwrap(),
        enabled: true,
        active_revision: 1,
        created_at: at(0),
        version: 1,
    }
}

/// A revision of the binding that serves `route`, with the settings to the byte.
pub(crate) fn revision(of: &Binding, number: i64, position: i64, component: &str) -> Revision {
    Revision {
        binding: of.id,
        number,
        hooks: Hook::Route.into(),
        position,
        component: component.to_owned(),
        settings: format!("{{ \"z\": 1,  \"a\": {number} }}"),
        settings_digest: digest(21),
        data: vec![("oncall.csv".to_owned(), vec![0, 1, 2, 255]), ("b".to_owned(), vec![])],
        data_digest: digest(22),
        limits: LimitChanges { fuel: Some(5_000_000), deadline_ms: Some(50), memory_bytes: None },
        fallback: Fallback::Next,
        locked: false,
        replaces_above: true,
        note: Some("because".to_owned()),
        created_at: at(number),
        created_by: Some(PersonId(id())),
    }
}
