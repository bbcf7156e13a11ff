//! What an administrator does, on a real store in memory: organizations, their directory, and
//! tokens.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;
use waypost_app::{
    Caller, CommandError, Desk, DeskOptions, Entropy, Missing, PageRequest, Unauthenticated,
    authenticate,
    idempotency::{self, Begun},
    organizations::{self, NewOrganization, OrganizationEdit},
    outbox, policies,
    registers::{self, Applied, View},
    tickets::PersonRef,
    tokens::{self, IssuedToken, NewToken},
};
use waypost_domain::{
    catalog::{CatalogItem, Category},
    ci::Ci,
    key::Key,
    person::Person,
    role::Role,
    service::Service,
    team::Team,
};
use waypost_policy::{PolicyRuntime, RuntimeConfig, open_dir};
use waypost_store::{Store, StoreOptions};

/// Ids and secrets by counting.
#[derive(Default)]
struct Counted(AtomicU64);

impl Entropy for Counted {
    fn id(&self, _now: DateTime<Utc>) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)) + 1)
    }

    fn secret(&self) -> [u8; 32] {
        let mut secret = [7; 32];
        secret[..8].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        secret
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_300_800, 0).unwrap()
}

/// A desk with the platform, its provider `msp`, the provider's clients `acme` and `globex`, and
/// their operators.
struct Tree {
    desk: Desk,
    platform: Caller,
    msp: Caller,
    acme: Caller,
    globex: Caller,
    _artifacts: tempfile::TempDir,
}

async fn empty_desk() -> (Desk, tempfile::TempDir) {
    let store = Store::connect("sqlite::memory:", &StoreOptions::default()).await.unwrap();
    store.migrate().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let artifacts = open_dir(folder.path()).unwrap();
    let runtime = PolicyRuntime::open(RuntimeConfig::default(), artifacts).unwrap();
    (Desk::new(store, runtime, Arc::new(Counted::default()), DeskOptions::default()), folder)
}

fn organization(kind: &str, key: &str) -> NewOrganization {
    NewOrganization {
        kind: kind.to_owned(),
        key: key.to_owned(),
        name: key.to_uppercase(),
        ..NewOrganization::default()
    }
}

async fn tree() -> Tree {
    let (desk, artifacts) = empty_desk().await;
    let root = organizations::bootstrap(&desk, now()).await.unwrap();
    let platform = Caller::operator(root.id, now());
    let msp = organizations::create(&desk, &platform, organization("provider", "msp")).await;
    let msp = Caller::operator(msp.unwrap().organization.id, now());
    let acme = organizations::create(&desk, &msp, organization("client", "acme")).await;
    let acme = Caller::operator(acme.unwrap().organization.id, now());
    let globex =
        NewOrganization { parent: Some("msp".to_owned()), ..organization("client", "globex") };
    let globex = organizations::create(&desk, &platform, globex).await;
    let globex = Caller::operator(globex.unwrap().organization.id, now());
    Tree { desk, platform, msp, acme, globex, _artifacts: artifacts }
}

fn first_page() -> PageRequest {
    PageRequest { limit: 50, after: None }
}

/// The fields of an object.
fn fields(json: Json) -> Map<String, Json> {
    serde_json::from_value(json).unwrap()
}

fn person(name: &str, email: &str) -> Map<String, Json> {
    fields(json!({ "name": name, "email": email }))
}

fn by_email(email: &str) -> PersonRef {
    PersonRef::Email(email.to_owned())
}

/// The pointers of an error about fields.
fn pointers<T: std::fmt::Debug>(result: Result<T, CommandError>) -> Vec<String> {
    match result {
        Err(CommandError::Invalid(faults)) => {
            faults.into_iter().map(|fault| fault.pointer).collect()
        }
        other => panic!("the fields should be refused: {other:?}"),
    }
}

#[tokio::test]
async fn the_platform_is_created_once() {
    let (desk, _artifacts) = empty_desk().await;
    let (one, other) = tokio::join!(
        organizations::bootstrap(&desk, now()),
        organizations::bootstrap(&desk, now())
    );
    let again = organizations::bootstrap(&desk, now()).await.unwrap();
    assert_eq!(one.unwrap(), again);
    assert_eq!(other.unwrap(), again);
}

#[tokio::test]
async fn an_organization_starts_with_a_team_and_sees_what_is_below_it() {
    let tree = tree().await;
    let acme = organizations::find(&tree.desk, &tree.msp, "acme").await.unwrap();
    assert_eq!(acme.fallback_team.key, "service-desk");
    assert_eq!(acme.parent, Some("msp".parse().unwrap()));

    let keys = async |caller: &Caller| {
        let page = organizations::list(&tree.desk, caller, &first_page()).await.unwrap();
        page.rows.into_iter().map(|row| row.organization.key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&tree.platform).await, ["acme", "globex", "msp", "platform"]);
    assert_eq!(keys(&tree.msp).await, ["acme", "globex", "msp"]);
    assert_eq!(keys(&tree.acme).await, ["acme"]);
    for elsewhere in ["globex", "msp", "nowhere"] {
        let found = organizations::find(&tree.desk, &tree.acme, elsewhere).await;
        assert!(matches!(found, Err(CommandError::NotFound(Missing::Organization))), "{elsewhere}");
    }
}

#[tokio::test]
async fn an_organization_has_its_place_and_a_key_of_its_own() {
    let tree = tree().await;
    let taken = organizations::create(&tree.desk, &tree.platform, organization("client", "acme"));
    assert!(matches!(taken.await, Err(CommandError::Taken("key"))));

    let below_a_client = organization("client", "branch");
    assert_eq!(
        pointers(organizations::create(&tree.desk, &tree.acme, below_a_client).await),
        ["/kind"]
    );
    let elsewhere = NewOrganization {
        parent: Some("globex".to_owned()),
        key: "No Key".to_owned(),
        ..organization("client", "")
    };
    assert_eq!(
        pointers(organizations::create(&tree.desk, &tree.acme, elsewhere).await),
        ["/key", "/name", "/parent"]
    );
}

#[tokio::test]
async fn settings_change_under_their_version() {
    let tree = tree().await;
    let edit = |matrix: Vec<Vec<u8>>| OrganizationEdit {
        zone: Some("Europe/Berlin".to_owned()),
        matrix: Some(matrix),
        ..OrganizationEdit::default()
    };
    let edited = organizations::update(
        &tree.desk,
        &tree.acme,
        "acme",
        edit(vec![vec![2, 1], vec![3, 4]]),
        Some(1),
    );
    let edited = edited.await.unwrap();
    assert_eq!(edited.organization.version, 2);
    assert_eq!(edited.matrix_warnings.len(), 1);

    let again = edit(vec![vec![1, 2], vec![2, 3]]);
    let stale = organizations::update(&tree.desk, &tree.acme, "acme", again, Some(1)).await;
    assert!(matches!(stale, Err(CommandError::Stale)));
    let by_neighbour = OrganizationEdit::default();
    let hidden = organizations::update(&tree.desk, &tree.globex, "acme", by_neighbour, None).await;
    assert!(matches!(hidden, Err(CommandError::NotFound(Missing::Organization))));
}

#[tokio::test]
async fn nobody_decides_for_themselves() {
    let tree = tree().await;
    let (desk, acme) = (&tree.desk, &tree.acme);
    let ada = "ada@acme.example";
    registers::create::<Person>(desk, acme, &person("Ada", ada)).await.unwrap();
    let bob = json!({ "name": "Bob", "email": "Bob@acme.example", "manager": ada });
    let bob = registers::create::<Person>(desk, acme, &fields(bob)).await.unwrap();
    assert_eq!(bob.labels.person(bob.record.manager.unwrap()).name, "Ada");

    let circle = fields(json!({ "manager": "bob@acme.example" }));
    let circle = registers::update::<Person>(desk, acme, ada, &circle, None).await;
    assert_eq!(pointers(circle), ["/manager"]);
    let again = registers::create::<Person>(desk, acme, &person("Bob", "BOB@acme.example")).await;
    assert!(matches!(again, Err(CommandError::Taken("email"))));
    let elsewhere = registers::find::<Person>(desk, &tree.globex, ada).await;
    assert!(matches!(elsewhere, Err(CommandError::NotFound(Missing::Person))));
}

#[tokio::test]
async fn every_wrong_field_of_a_team_is_named_at_once() {
    let tree = tree().await;
    let wrong = json!({
        "key": "Network!", "name": " ", "zone": "Mars/Base", "lead": "nobody@acme.example",
        "members": ["nobody@acme.example"], "serves": ["acme"]
    });
    assert_eq!(
        pointers(registers::create::<Team>(&tree.desk, &tree.acme, &fields(wrong)).await),
        ["/key", "/name", "/zone", "/lead", "/members/0", "/serves/0"]
    );
}

#[tokio::test]
async fn a_field_that_no_record_has_is_refused_with_those_that_it_has() {
    let tree = tree().await;
    let (desk, acme) = (&tree.desk, &tree.acme);
    let wrong = fields(json!({ "name": "Portal", "kee": "portal" }));
    let Err(CommandError::Invalid(faults)) = registers::create::<Service>(desk, acme, &wrong).await
    else {
        panic!("the field should be refused");
    };
    let told = faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect::<Vec<_>>();
    assert_eq!(told, [("/kee", "unknown"), ("/key", "missing")]);
    assert!(faults[0].message.ends_with("owner, support_team, fields."), "{}", faults[0].message);

    registers::create::<Service>(desk, acme, &fields(json!({ "key": "a", "name": "A" })))
        .await
        .unwrap();
    let rename = fields(json!({ "key": "b", "name": null, "criticality": "", "owner": null }));
    let refused = registers::update::<Service>(desk, acme, "a", &rename, None).await;
    assert_eq!(pointers(refused), ["/key", "/name", "/criticality"]);

    let wrong = fields(json!({
        "key": "desk", "name": "Desk",
        "form": [{ "field": "", "label": "Why?", "kind": "" }, { "label": "What?", "size": 1 }],
        "tasks": [{ "key": "", "short_description": "Build it", "mandatory": "yes" }, 7],
    }));
    let refused = registers::create::<CatalogItem>(desk, acme, &wrong).await;
    assert_eq!(
        pointers(refused),
        [
            "/form/0/kind",
            "/form/1/size",
            "/form/1/field",
            "/form/1/kind",
            "/form/0/field",
            "/tasks/0/mandatory",
            "/tasks/1",
            "/tasks/0/key"
        ]
    );
}

#[tokio::test]
async fn what_should_be_there_is_created_changed_or_left() {
    let tree = tree().await;
    let (desk, acme) = (&tree.desk, &tree.acme);
    let person = |active: bool| fields(json!({ "active": active }));
    let ada = fields(json!({
        "name": "Ada", "email": "ada@acme.example", "language": "pt-BR", "fields": { "floor": 3 }
    }));
    let apply = async |ada: &Map<String, Json>| {
        registers::apply::<Person>(desk, acme, "ada@acme.example", ada).await.unwrap()
    };
    assert_eq!(apply(&ada).await, Applied::Created);
    assert_eq!(apply(&ada).await, Applied::Unchanged);
    let mut other = ada.clone();
    other.insert("fields".to_owned(), json!({ "floor": 4 }));
    assert_eq!(apply(&other).await, Applied::Changed);

    let portal =
        fields(json!({ "key": "portal", "name": " Portal ", "owner": "ada@acme.example" }));
    let portal = async || registers::apply::<Service>(desk, acme, "portal", &portal).await.unwrap();
    assert_eq!(portal().await, Applied::Created);
    // Who has left may stay the owner, but nobody else gets them.
    registers::update::<Person>(desk, acme, "ada@acme.example", &person(false), None)
        .await
        .unwrap();
    assert_eq!(portal().await, Applied::Unchanged);
    let other = fields(json!({ "key": "shop", "name": "Shop", "owner": "ada@acme.example" }));
    let refused = registers::apply::<Service>(desk, acme, "shop", &other).await;
    assert_eq!(pointers(refused), ["/owner"]);
    assert_eq!(apply(&ada).await, Applied::Changed, "who is named is there again");
}

#[tokio::test]
async fn a_providers_team_serves_a_client_that_learns_nothing_of_the_others() {
    let tree = tree().await;
    let desk = &tree.desk;
    registers::create::<Person>(desk, &tree.msp, &person("Nia", "nia@msp.example")).await.unwrap();
    let network = json!({
        "key": "network", "name": "Network", "members": ["nia@msp.example"],
        "serves": ["acme", "globex"]
    });
    let made = registers::create::<Team>(desk, &tree.msp, &fields(network)).await.unwrap();
    let served = |view: &View<Team>| {
        view.record
            .serves
            .iter()
            .filter_map(|id| view.labels.served(*id).cloned())
            .collect::<Vec<_>>()
    };
    assert_eq!(served(&made).len(), 2);

    let seen = registers::find::<Team>(desk, &tree.acme, "network").await.unwrap();
    assert_eq!(served(&seen), ["acme".parse::<Key>().unwrap()]);
    assert_eq!(seen.labels.organization(seen.record.org), Some(&"msp".parse().unwrap()));
    assert_eq!(seen.labels.person(*seen.record.members.first().unwrap()).name, "Nia");

    let edit = fields(json!({ "active": false }));
    let by_client = registers::update::<Team>(desk, &tree.acme, "network", &edit, None).await;
    assert!(matches!(by_client, Err(CommandError::Forbidden(_))));
    let fallback = registers::update::<Team>(desk, &tree.acme, "service-desk", &edit, None).await;
    assert_eq!(pointers(fallback), ["/active"]);

    // A client may have a team of its own under the same key.
    let own = fields(json!({ "key": "network", "name": "Our network" }));
    let applied = registers::apply::<Team>(desk, &tree.acme, "network", &own).await.unwrap();
    assert_eq!(applied, Applied::Created);
}

#[tokio::test]
async fn services_cis_categories_and_items_name_each_other() {
    let tree = tree().await;
    let (desk, acme) = (&tree.desk, &tree.acme);
    let portal = json!({
        "key": "revenue-portal", "name": "Revenue portal", "criticality": "high",
        "support_team": "service-desk"
    });
    let portal = registers::create::<Service>(desk, acme, &fields(portal)).await.unwrap();
    assert_eq!(portal.labels.team(portal.record.support_team.unwrap()).name, "Service desk");

    let server = json!({
        "key": "db-1", "name": "Database 1", "class": "database", "service": "revenue-portal"
    });
    let server = registers::create::<Ci>(desk, acme, &fields(server)).await.unwrap();
    assert_eq!(server.labels.service(server.record.service.unwrap()).key, "revenue-portal");

    let category = async |path: &str| {
        let category = fields(json!({ "path": path, "name": "A category" }));
        registers::create::<Category>(desk, acme, &category).await
    };
    assert_eq!(pointers(category("access/password").await), ["/path"]);
    category("access").await.unwrap();
    category("access/password").await.unwrap();

    let laptop = json!({
        "key": "laptop", "name": "Laptop", "cost": { "minor_units": 129_900, "currency": "EUR" }
    });
    registers::create::<CatalogItem>(desk, acme, &fields(laptop)).await.unwrap();

    let one = PageRequest { limit: 1, after: None };
    let first = registers::list::<Category>(desk, acme, &one).await.unwrap();
    let rest = PageRequest { limit: 1, after: first.next };
    let second = registers::list::<Category>(desk, acme, &rest).await.unwrap();
    assert_eq!(second.rows[0].record.path.as_str(), "access/password");
    assert_eq!(second.next, None);
    let of_another_list = registers::list::<CatalogItem>(desk, acme, &rest).await;
    assert!(matches!(of_another_list, Err(CommandError::Cursor(_))));
}

#[tokio::test]
async fn only_administrators_change_the_directory() {
    let tree = tree().await;
    for role in [Role::Requester, Role::Agent, Role::Auditor] {
        let caller = Caller { role, ..tree.acme.clone() };
        let eve = person("Eve", "eve@acme.example");
        let added = registers::create::<Person>(&tree.desk, &caller, &eve).await;
        assert!(matches!(added, Err(CommandError::Forbidden(_))), "{role}");
        let issued = tokens::issue(&tree.desk, &caller, NewToken::default()).await;
        assert!(matches!(issued, Err(CommandError::Forbidden(_))), "{role}");
    }
    let requester = Caller { role: Role::Requester, ..tree.acme.clone() };
    let listed = registers::list::<Person>(&tree.desk, &requester, &first_page()).await;
    assert!(matches!(listed, Err(CommandError::Forbidden(_))));
    let messages = outbox::list(&tree.desk, &tree.acme, &first_page()).await.unwrap();
    assert!(messages.rows.is_empty());
}

async fn token(tree: &Tree, caller: &Caller, role: &str, person: Option<&str>) -> IssuedToken {
    let new = NewToken {
        name: "a token".to_owned(),
        role: role.to_owned(),
        person: person.map(by_email),
        expires_at: Some(now() + TimeDelta::days(1)),
    };
    tokens::issue(&tree.desk, caller, new).await.unwrap()
}

#[tokio::test]
async fn a_token_reaches_its_organization_and_those_below() {
    let tree = tree().await;
    let issued = token(&tree, &tree.msp, "agent", None).await;
    assert!(issued.secret.starts_with("wp_"));
    let reached = async |secret: &str, key: Option<&str>| {
        let key = key.map(|key| key.parse::<Key>().unwrap());
        authenticate(&tree.desk, secret, key.as_ref(), now()).await
    };
    let own = reached(&issued.secret, None).await.unwrap();
    assert_eq!((own.org, own.role), (tree.msp.org, Role::Agent));
    let below = reached(&issued.secret, Some("acme")).await.unwrap();
    assert_eq!(below.org, tree.acme.org);
    let above = reached(&issued.secret, Some("platform")).await;
    assert!(matches!(above, Err(Unauthenticated::OutOfReach)));
    let unknown = reached("wp_unknown", None).await;
    assert!(matches!(unknown, Err(Unauthenticated::Token)));
}

#[tokio::test]
async fn a_token_ends_by_expiry_by_revocation_and_with_its_person() {
    let tree = tree().await;
    let ada = person("Ada", "ada@acme.example");
    registers::create::<Person>(&tree.desk, &tree.acme, &ada).await.unwrap();
    let issued = token(&tree, &tree.acme, "requester", Some("ada@acme.example")).await;
    let shown = async |at: DateTime<Utc>| {
        authenticate(&tree.desk, &issued.secret, None, at).await.map(|caller| caller.person())
    };
    assert!(shown(now()).await.unwrap().is_some());
    assert!(shown(now() + TimeDelta::days(1)).await.is_err());

    let switch = async |active: bool| {
        let edit = fields(json!({ "active": active }));
        let ada = "ada@acme.example";
        registers::update::<Person>(&tree.desk, &tree.acme, ada, &edit, None).await.unwrap()
    };
    switch(false).await;
    assert!(shown(now()).await.is_err());
    switch(true).await;
    assert!(shown(now()).await.is_ok());

    tokens::revoke(&tree.desk, &tree.acme, issued.token.id).await.unwrap();
    tokens::revoke(&tree.desk, &tree.acme, issued.token.id).await.unwrap();
    assert!(shown(now()).await.is_err());
    let elsewhere = tokens::revoke(&tree.desk, &tree.globex, issued.token.id).await;
    assert!(matches!(elsewhere, Err(CommandError::NotFound(Missing::Token))));
}

#[tokio::test]
async fn a_requesters_token_names_a_person() {
    let tree = tree().await;
    let nobody =
        NewToken { name: "portal".to_owned(), role: "requester".to_owned(), ..NewToken::default() };
    let refused = tokens::issue(&tree.desk, &tree.acme, nobody).await;
    assert!(matches!(refused, Err(CommandError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn a_token_is_no_more_than_its_person() {
    let tree = tree().await;
    let mut ada = person("Ada", "ada@acme.example");
    ada.insert("role".to_owned(), json!("agent"));
    registers::create::<Person>(&tree.desk, &tree.acme, &ada).await.unwrap();
    let admin = NewToken {
        name: "too much".to_owned(),
        role: "admin".to_owned(),
        person: Some(by_email("ada@acme.example")),
        expires_at: None,
    };
    assert_eq!(pointers(tokens::issue(&tree.desk, &tree.acme, admin).await), ["/role"]);

    let issued = token(&tree, &tree.acme, "agent", Some("ada@acme.example")).await;
    let less = fields(json!({ "role": "requester" }));
    let named = "ada@acme.example";
    registers::update::<Person>(&tree.desk, &tree.acme, named, &less, None).await.unwrap();
    let caller = authenticate(&tree.desk, &issued.secret, None, now()).await.unwrap();
    assert_eq!(caller.role, Role::Requester);
}

#[tokio::test]
async fn what_is_no_policy_is_refused_with_the_reason() {
    let tree = tree().await;
    let module = b"\0asm\x01\0\0\0".to_vec();
    let refused = policies::upload(&tree.desk, &tree.acme, module).await;
    assert_eq!(pointers(refused), ["/component"]);
    assert!(policies::list(&tree.desk, &tree.acme, &first_page()).await.unwrap().rows.is_empty());
}

#[tokio::test]
async fn a_repeated_request_is_answered_the_same() {
    let tree = tree().await;
    let (desk, acme) = (&tree.desk, &tree.acme);
    let request = idempotency::Request {
        method: "POST".to_owned(),
        path: "/api/v1/tickets".to_owned(),
        key: "k-1".to_owned(),
        body_digest: idempotency::digest(b"{}"),
        at: acme.now,
    };
    let begun = async |request: &idempotency::Request| {
        idempotency::begin(desk, acme, request).await.unwrap()
    };
    let fresh = |begun| match begun {
        Begun::Fresh(carrying) => carrying,
        other => panic!("{other:?}"),
    };
    let first = fresh(begun(&request).await);
    assert!(matches!(begun(&request).await, Begun::InProgress));
    let other_body =
        idempotency::Request { body_digest: idempotency::digest(b"[]"), ..request.clone() };
    assert!(matches!(begun(&other_body).await, Begun::Reused));
    first.answered(201, b"made".to_vec());
    // A repeat waits until the answer is kept.
    match begun(&request).await {
        Begun::Replay { status: 201, response } => assert_eq!(response, b"made"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(begun(&other_body).await, Begun::Reused));

    let second = idempotency::Request { key: "k-2".to_owned(), ..request };
    drop(fresh(begun(&second).await));
    let _given_up = fresh(begun(&second).await);
}
