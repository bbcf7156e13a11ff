//! What an administrator does, on a real store in memory: organizations, their directory, and
//! tokens.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;
use waypost_app::{
    Caller, CommandError, Desk, DeskOptions, Entropy, Missing, PageRequest, Unauthenticated,
    authenticate, catalog, categories, cis, idempotency,
    organizations::{self, NewOrganization, OrganizationEdit},
    outbox,
    people::{self, NewPerson, PersonEdit},
    policies, services,
    teams::{self, NewTeam, TeamEdit},
    tickets::PersonRef,
    tokens::{self, IssuedToken, NewToken},
};
use waypost_domain::{key::Key, role::Role};
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

fn person(name: &str, email: &str) -> NewPerson {
    NewPerson { name: name.to_owned(), email: Some(email.to_owned()), ..NewPerson::default() }
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
    people::create(&tree.desk, &tree.acme, person("Ada", "ada@acme.example")).await.unwrap();
    let bob = NewPerson {
        manager: Some(by_email("ada@acme.example")),
        ..person("Bob", "Bob@acme.example")
    };
    let bob = people::create(&tree.desk, &tree.acme, bob).await.unwrap();
    assert_eq!(bob.manager.unwrap().name, "Ada");

    let circle =
        PersonEdit { manager: Some(Some(by_email("bob@acme.example"))), ..PersonEdit::default() };
    let ada = by_email("ada@acme.example");
    assert_eq!(
        pointers(people::update(&tree.desk, &tree.acme, &ada, circle, None).await),
        ["/manager"]
    );
    let again = people::create(&tree.desk, &tree.acme, person("Bob", "BOB@acme.example")).await;
    assert!(matches!(again, Err(CommandError::Taken("email"))));
    let elsewhere = people::find(&tree.desk, &tree.globex, &ada).await;
    assert!(matches!(elsewhere, Err(CommandError::NotFound(Missing::Person))));
}

#[tokio::test]
async fn every_wrong_field_of_a_team_is_named_at_once() {
    let tree = tree().await;
    let wrong = NewTeam {
        key: "Network!".to_owned(),
        name: " ".to_owned(),
        zone: Some("Mars/Base".to_owned()),
        lead: Some(by_email("nobody@acme.example")),
        members: vec![by_email("nobody@acme.example")],
        serves: vec!["acme".to_owned()],
        ..NewTeam::default()
    };
    assert_eq!(
        pointers(teams::create(&tree.desk, &tree.acme, wrong).await),
        ["/key", "/name", "/zone", "/lead", "/members/0", "/serves/0"]
    );
}

#[tokio::test]
async fn a_providers_team_serves_a_client_that_learns_nothing_of_the_others() {
    let tree = tree().await;
    people::create(&tree.desk, &tree.msp, person("Nia", "nia@msp.example")).await.unwrap();
    let network = NewTeam {
        key: "network".to_owned(),
        name: "Network".to_owned(),
        members: vec![by_email("nia@msp.example")],
        serves: vec!["acme".to_owned(), "globex".to_owned()],
        ..NewTeam::default()
    };
    let made = teams::create(&tree.desk, &tree.msp, network).await.unwrap();
    assert_eq!(made.serves.len(), 2);

    let seen = teams::find(&tree.desk, &tree.acme, "network").await.unwrap();
    assert_eq!(seen.serves, ["acme".parse::<Key>().unwrap()]);
    assert_eq!(seen.organization, Some("msp".parse().unwrap()));
    assert_eq!(seen.members[0].name, "Nia");

    let edit = TeamEdit { active: Some(false), ..TeamEdit::default() };
    let by_client = teams::update(&tree.desk, &tree.acme, "network", edit, None).await;
    assert!(matches!(by_client, Err(CommandError::Forbidden(_))));
    let edit = TeamEdit { active: Some(false), ..TeamEdit::default() };
    let fallback = teams::update(&tree.desk, &tree.acme, "service-desk", edit, None).await;
    assert_eq!(pointers(fallback), ["/active"]);
}

#[tokio::test]
async fn services_cis_categories_and_items_name_each_other() {
    let tree = tree().await;
    let (desk, acme) = (&tree.desk, &tree.acme);
    let portal = services::NewService {
        key: "revenue-portal".to_owned(),
        name: "Revenue portal".to_owned(),
        criticality: Some("high".to_owned()),
        support_team: Some("service-desk".to_owned()),
        ..services::NewService::default()
    };
    let portal = services::create(desk, acme, portal).await.unwrap();
    assert_eq!(portal.support_team.unwrap().name, "Service desk");

    let server = cis::NewCi {
        key: "db-1".to_owned(),
        name: "Database 1".to_owned(),
        class: "database".to_owned(),
        service: Some("revenue-portal".to_owned()),
        ..cis::NewCi::default()
    };
    let server = cis::create(desk, acme, server).await.unwrap();
    assert_eq!(server.service.unwrap().key, "revenue-portal");

    let category = |path: &str| categories::NewCategory {
        path: path.to_owned(),
        name: "A category".to_owned(),
    };
    let orphan = categories::create(desk, acme, category("access/password")).await;
    assert_eq!(pointers(orphan), ["/path"]);
    categories::create(desk, acme, category("access")).await.unwrap();
    categories::create(desk, acme, category("access/password")).await.unwrap();

    let laptop = catalog::NewCatalogItem {
        key: "laptop".to_owned(),
        name: "Laptop".to_owned(),
        cost: Some((129_900, "EUR".to_owned())),
        ..catalog::NewCatalogItem::default()
    };
    catalog::create(desk, acme, laptop).await.unwrap();

    let one = PageRequest { limit: 1, after: None };
    let first = categories::list(desk, acme, &one).await.unwrap();
    let rest = PageRequest { limit: 1, after: first.next };
    let second = categories::list(desk, acme, &rest).await.unwrap();
    assert_eq!(second.rows[0].path.as_str(), "access/password");
    assert_eq!(second.next, None);
    let of_another_list = catalog::list(desk, acme, &rest).await;
    assert!(matches!(of_another_list, Err(CommandError::Cursor(_))));
}

#[tokio::test]
async fn only_administrators_change_the_directory() {
    let tree = tree().await;
    for role in [Role::Requester, Role::Agent, Role::Auditor] {
        let caller = Caller { role, ..tree.acme.clone() };
        let added = people::create(&tree.desk, &caller, person("Eve", "eve@acme.example")).await;
        assert!(matches!(added, Err(CommandError::Forbidden(_))), "{role}");
        let issued = tokens::issue(&tree.desk, &caller, NewToken::default()).await;
        assert!(matches!(issued, Err(CommandError::Forbidden(_))), "{role}");
    }
    let requester = Caller { role: Role::Requester, ..tree.acme.clone() };
    let listed = people::list(&tree.desk, &requester, &first_page()).await;
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
    people::create(&tree.desk, &tree.acme, person("Ada", "ada@acme.example")).await.unwrap();
    let issued = token(&tree, &tree.acme, "requester", Some("ada@acme.example")).await;
    let shown = async |at: DateTime<Utc>| {
        authenticate(&tree.desk, &issued.secret, None, at).await.map(|caller| caller.person())
    };
    assert!(shown(now()).await.unwrap().is_some());
    assert!(shown(now() + TimeDelta::days(1)).await.is_err());

    let left = PersonEdit { active: Some(false), ..PersonEdit::default() };
    let ada = by_email("ada@acme.example");
    people::update(&tree.desk, &tree.acme, &ada, left, None).await.unwrap();
    assert!(shown(now()).await.is_err());
    let back = PersonEdit { active: Some(true), ..PersonEdit::default() };
    people::update(&tree.desk, &tree.acme, &ada, back, None).await.unwrap();
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
    let ada = NewPerson { role: Some("agent".to_owned()), ..person("Ada", "ada@acme.example") };
    people::create(&tree.desk, &tree.acme, ada).await.unwrap();
    let admin = NewToken {
        name: "too much".to_owned(),
        role: "admin".to_owned(),
        person: Some(by_email("ada@acme.example")),
        expires_at: None,
    };
    assert_eq!(pointers(tokens::issue(&tree.desk, &tree.acme, admin).await), ["/role"]);

    let issued = token(&tree, &tree.acme, "agent", Some("ada@acme.example")).await;
    let less = PersonEdit { role: Some("requester".to_owned()), ..PersonEdit::default() };
    let named = by_email("ada@acme.example");
    people::update(&tree.desk, &tree.acme, &named, less, None).await.unwrap();
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
    };
    let begun = async |request: &idempotency::Request| {
        idempotency::begin(desk, acme, request).await.unwrap()
    };
    assert_eq!(begun(&request).await, idempotency::Begun::Fresh);
    assert_eq!(begun(&request).await, idempotency::Begun::InProgress);
    idempotency::complete(desk, acme, &request, 201, b"made").await.unwrap();
    let replay = idempotency::Begun::Replay { status: 201, response: b"made".to_vec() };
    assert_eq!(begun(&request).await, replay);
    let other_body =
        idempotency::Request { body_digest: idempotency::digest(b"[]"), ..request.clone() };
    assert_eq!(begun(&other_body).await, idempotency::Begun::Reused);

    let second = idempotency::Request { key: "k-2".to_owned(), ..request };
    assert_eq!(begun(&second).await, idempotency::Begun::Fresh);
    idempotency::abandon(desk, acme, &second).await.unwrap();
    assert_eq!(begun(&second).await, idempotency::Begun::Fresh);
}
