//! The directory: people, teams, services, CIs, categories, the catalog.

use waypost_domain::{
    calendar::WorkingHours,
    catalog::{CatalogItem, Category, FieldKind, FormField, Money},
    ci::Ci,
    fields::{FieldValue, Fields, Number},
    ids::{CatalogItemId, CategoryId, CiId, PersonId, ServiceId, TeamId},
    invariant::Invariant,
    organization::Organization,
    person::Person,
    role::Role,
    service::{Criticality, Service},
    task::PlannedTask,
    ticket::{CancelOutcome, State, Ticket, TicketKind},
};
use waypost_store::{
    Store, StoreError, StoreOptions, catalog, category, ci, directory, invariant, on_both_engines,
    person, service, team, testing, ticket,
};

use crate::fixture::{self, Tree, tree};

on_both_engines! {
    people_come_back_as_they_were
    an_address_is_found_in_any_case_and_taken_once
    people_are_listed_page_by_page
    people_of_organizations_are_apart
    teams_come_back_as_they_were
    a_provider_s_team_is_seen_by_the_clients_it_serves
    people_are_found_with_their_managers_as_far_as_those_are_seen
    a_team_changes_its_members
    services_come_back_as_they_were
    cis_come_back_as_they_were
    categories_come_back_as_they_were
    catalog_items_come_back_as_they_were
    stale_directory_entries_are_not_written
    taken_keys_are_named
    directories_of_organizations_are_apart
    the_directory_is_loaded_whole
    loads_count_open_tickets
    loads_follow_tickets_that_move_and_end
    loads_of_what_was_not_committed_are_not_counted
    unreadable_directory_rows_are_reported
}

/// One field of each type, which must come back as they were.
fn fields() -> Fields {
    let values = [
        FieldValue::Flag(true),
        FieldValue::Number(Number::new(2.5).unwrap()),
        FieldValue::Text("4711".to_owned()),
        FieldValue::Texts(vec!["a".to_owned(), "b".to_owned()]),
    ];
    let named = |(place, value)| (format!("field-{place}").parse().unwrap(), value);
    Fields::kept(values.into_iter().enumerate().map(named).collect())
}

pub(crate) fn service_of(org: &Organization, key: &str) -> Service {
    Service {
        id: ServiceId(fixture::id()),
        org: org.id,
        key: key.parse().unwrap(),
        name: key.to_uppercase(),
        criticality: Criticality::High,
        owner: Some(PersonId(fixture::id())),
        support_team: Some(org.settings.fallback_team),
        fields: fields(),
        active: true,
        version: 1,
    }
}

fn ci_of(org: &Organization, key: &str) -> Ci {
    Ci {
        id: CiId(fixture::id()),
        org: org.id,
        key: key.parse().unwrap(),
        name: key.to_uppercase(),
        class: "server".parse().unwrap(),
        criticality: Criticality::Low,
        service: Some(ServiceId(fixture::id())),
        support_team: None,
        fields: fields(),
        active: true,
        version: 1,
    }
}

pub(crate) fn category_of(org: &Organization, path: &str) -> Category {
    Category {
        id: CategoryId(fixture::id()),
        org: org.id,
        path: path.parse().unwrap(),
        name: path.to_uppercase(),
        active: true,
        version: 1,
    }
}

fn laptop(org: &Organization) -> CatalogItem {
    let field = |key: &str, kind| FormField {
        field: key.parse().unwrap(),
        label: format!("{key}?"),
        kind,
        required: true,
    };
    CatalogItem {
        id: CatalogItemId(fixture::id()),
        org: org.id,
        key: "laptop".parse().unwrap(),
        name: "Laptop".to_owned(),
        description: "A computer to carry around.".to_owned(),
        cost: Some(Money { minor_units: 129_900, currency: "EUR".to_owned() }),
        form: vec![
            field("why", FieldKind::Text),
            field("how-many", FieldKind::Number),
            field("docking", FieldKind::YesNo),
            field("when", FieldKind::Date),
            field("size", FieldKind::Choice(vec!["13".to_owned(), "15".to_owned()])),
        ],
        delivery_hours: Some(40),
        tasks: vec![PlannedTask {
            key: "hand-over".parse().unwrap(),
            short_description: "Hand it over".to_owned(),
            description: "With its bag.".to_owned(),
            team: Some("network".parse().unwrap()),
            position: 2,
            mandatory: true,
            depends_on: ["buy".parse().unwrap()].into(),
        }],
        active: true,
        version: 1,
    }
}

async fn people_come_back_as_they_were(store: Store) {
    let org = tree(&store).await.client;
    let mut anna = fixture::person(org.id, "anna");
    anna.role = Role::Auditor;
    anna.zone = Some("America/Sao_Paulo".parse().unwrap());
    anna.manager = Some(PersonId(fixture::id()));
    anna.location = Some("Wien".to_owned());
    anna.vip = true;
    let mut tx = store.write(org.id).await.unwrap();
    person::insert(&mut tx, &anna).await.unwrap();
    assert_eq!(person::find(&mut tx, anna.id).await.unwrap(), Some(anna.clone()));

    anna.email = None;
    anna.active = false;
    person::update(&mut tx, &mut anna).await.unwrap();
    assert_eq!(anna.version, 2);
    assert_eq!(person::find(&mut tx, anna.id).await.unwrap(), Some(anna));
}

async fn an_address_is_found_in_any_case_and_taken_once(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let anna = fixture::person(client.id, "anna");
    let mut tx = store.write(client.id).await.unwrap();
    person::insert(&mut tx, &anna).await.unwrap();
    let found = person::find_by_email(&mut tx, "ANNA@example.org").await.unwrap();
    assert_eq!(found, Some(anna.clone()));
    let mut jose = fixture::person(client.id, "jose");
    jose.email = Some("jos\u{e9}@example.org".to_owned());
    person::insert(&mut tx, &jose).await.unwrap();
    let found = person::find_by_email(&mut tx, "JOSE\u{301}@example.org").await.unwrap();
    assert_eq!(found, Some(jose));

    let mut twin = fixture::person(client.id, "ANNA");
    let refused = person::insert(&mut tx, &twin).await;
    assert!(matches!(refused, Err(StoreError::Taken("email"))), "{refused:?}");
    drop(tx);

    // In another organization it is another person.
    twin.org = other.id;
    let mut tx = store.write(other.id).await.unwrap();
    person::insert(&mut tx, &twin).await.unwrap();
    // Nobody's address is nobody's twin.
    for name in ["bert", "bill"] {
        let mut nobody = fixture::person(other.id, name);
        nobody.email = None;
        person::insert(&mut tx, &nobody).await.unwrap();
    }
}

async fn people_are_listed_page_by_page(store: Store) {
    let org = tree(&store).await.client;
    let people: Vec<_> = (0..7).map(|n| fixture::person(org.id, &format!("person{n}"))).collect();
    let mut tx = store.write(org.id).await.unwrap();
    person::insert_many(&mut tx, &people).await.unwrap();
    let first = person::list(&mut tx, None, 4).await.unwrap();
    let second = person::list(&mut tx, Some(first[3].id), 4).await.unwrap();
    assert_eq!([first, second].concat(), people);
    let ids: Vec<_> = people.iter().map(|person| person.id).collect();
    assert_eq!(person::find_many(&mut tx, &ids).await.unwrap().len(), 7);
    assert_eq!(person::find_many(&mut tx, &[]).await.unwrap(), []);
}

async fn people_of_organizations_are_apart(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let mut anna = fixture::person(client.id, "anna");
    let mut tx = store.write(client.id).await.unwrap();
    person::insert(&mut tx, &anna).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.write(other.id).await.unwrap();
    assert_eq!(person::find(&mut tx, anna.id).await.unwrap(), None);
    assert_eq!(person::find_by_email(&mut tx, "anna@example.org").await.unwrap(), None);
    assert_eq!(person::list(&mut tx, None, 10).await.unwrap(), []);
    let refused = person::update(&mut tx, &mut anna).await;
    assert!(matches!(refused, Err(StoreError::WrongOrganization)), "{refused:?}");
    let mut disguised = anna.clone();
    disguised.org = other.id;
    let refused = person::update(&mut tx, &mut disguised).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    drop(tx);
    let mut tx = store.write(other.id).await.unwrap();
    let refused = person::insert(&mut tx, &anna).await;
    assert!(matches!(refused, Err(StoreError::WrongOrganization)), "{refused:?}");
}

async fn teams_come_back_as_they_were(store: Store) {
    let org = tree(&store).await.client;
    let mut network = fixture::team(org.id, "network");
    network.zone = Some("Asia/Kolkata".parse().unwrap());
    network.working_hours = Some(WorkingHours::weekdays(9, 17).unwrap());
    network.lead = Some(PersonId(fixture::id()));
    network.on_call = Some(PersonId(fixture::id()));
    network.members = [PersonId(fixture::id()), PersonId(fixture::id())].into();
    let mut tx = store.write(org.id).await.unwrap();
    team::insert(&mut tx, &network).await.unwrap();
    assert_eq!(team::find(&mut tx, network.id).await.unwrap(), Some(network.clone()));
    assert_eq!(team::find_by_key(&mut tx, "network").await.unwrap(), Some(network.clone()));
    let keys: Vec<_> =
        team::list(&mut tx).await.unwrap().into_iter().map(|team| team.key.to_string()).collect();
    assert_eq!(keys, ["network", "service-desk"]);
}

async fn a_provider_s_team_is_seen_by_the_clients_it_serves(store: Store) {
    let Tree { provider, client, other, .. } = tree(&store).await;
    let agent = fixture::person(provider.id, "agent");
    let boss = fixture::person(provider.id, "boss");
    let mut network = fixture::team(provider.id, "network");
    network.members = [agent.id].into();
    network.serves = [client.id].into();
    let mut tx = store.write(provider.id).await.unwrap();
    person::insert_many(&mut tx, &[agent.clone(), boss.clone()]).await.unwrap();
    team::insert(&mut tx, &network).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.read(client.id).await.unwrap();
    let serving = team::serving(&mut tx).await.unwrap();
    assert_eq!(serving.len(), 2);
    assert!(serving.contains(&network));
    assert_eq!(team::find(&mut tx, network.id).await.unwrap(), Some(network.clone()));
    assert_eq!(person::find(&mut tx, agent.id).await.unwrap(), Some(agent.clone()));
    assert_eq!(person::find(&mut tx, boss.id).await.unwrap(), None);
    assert_eq!(team::find_by_key(&mut tx, "network").await.unwrap(), None);
    let named = team::names(&mut tx).await.unwrap();
    assert!(named.contains(&(network.id, network.key.clone(), network.name.clone())), "{named:?}");
    drop(tx);
    // As each organization sees them, all in one statement.
    let receivers = [
        (client.id, agent.id),
        (client.id, boss.id),
        (other.id, agent.id),
        (other.id, boss.id),
        (provider.id, boss.id),
    ];
    let memberships = team::memberships(&store, &receivers).await.unwrap();
    assert_eq!(memberships, [(client.id, agent.id, network.id)]);
    let mut people = person::find_anywhere(&store, &receivers).await.unwrap();
    people.sort_by(|one, other| one.person.name.cmp(&other.person.name));
    people.dedup();
    let seen = |by: &Organization, person: &Person| person::Seen {
        org: by.id,
        org_key: by.key.clone(),
        person: person.clone(),
    };
    assert_eq!(people, [seen(&client, &agent), seen(&provider, &boss)]);

    let mut tx = store.write(other.id).await.unwrap();
    assert_eq!(team::names(&mut tx).await.unwrap().len(), 1);
    assert_eq!(team::find(&mut tx, network.id).await.unwrap(), None);
    assert_eq!(team::serving(&mut tx).await.unwrap().len(), 1);
    assert_eq!(person::find(&mut tx, agent.id).await.unwrap(), None);
    drop(tx);

    // To see is not to change.
    let mut tx = store.write(client.id).await.unwrap();
    let mut disguised = network.clone();
    disguised.org = client.id;
    let refused = team::update(&mut tx, &mut disguised).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
}

async fn people_are_found_with_their_managers_as_far_as_those_are_seen(store: Store) {
    let Tree { provider, client, other, .. } = tree(&store).await;
    let (agent, boss) =
        (fixture::person(provider.id, "agent"), fixture::person(provider.id, "boss"));
    let mut network = fixture::team(provider.id, "network");
    network.members = [agent.id].into();
    network.serves = [client.id].into();
    let mut tx = store.write(provider.id).await.unwrap();
    person::insert_many(&mut tx, &[agent.clone(), boss.clone()]).await.unwrap();
    team::insert(&mut tx, &network).await.unwrap();
    tx.commit().await.unwrap();
    let mut anna = fixture::person(client.id, "anna");
    let mut bert = fixture::person(client.id, "bert");
    let mut cleo = fixture::person(client.id, "cleo");
    anna.manager = Some(agent.id);
    bert.manager = Some(boss.id);
    cleo.manager = Some(anna.id);
    let mut tx = store.write(client.id).await.unwrap();
    person::insert_many(&mut tx, &[anna.clone(), bert.clone(), cleo.clone()]).await.unwrap();
    tx.commit().await.unwrap();

    let email = |person: &Person| person.email.clone().unwrap();
    let (to_anna, to_bert) = (email(&anna).to_uppercase(), email(&bert));
    let mut tx = store.read(client.id).await.unwrap();
    for (emails, ids, expected) in [
        (vec![], vec![], vec![]),
        (vec![to_anna.as_str()], vec![], vec![&agent, &anna]),
        (vec![], vec![cleo.id], vec![&anna, &cleo]),
        // Whom the organization cannot see is nobody's manager to it.
        (vec![to_bert.as_str()], vec![], vec![&bert]),
        (vec![to_anna.as_str(), "nobody@example.org"], vec![cleo.id], vec![&agent, &anna, &cleo]),
        (vec![], vec![agent.id], vec![]),
    ] {
        let mut found = person::find_with_managers(&mut tx, &emails, &ids).await.unwrap();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found.dedup();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{emails:?} {ids:?}");
    }
    drop(tx);
    let mut tx = store.read(other.id).await.unwrap();
    let found = person::find_with_managers(&mut tx, &[&to_anna], &[cleo.id]).await.unwrap();
    assert_eq!(found, []);
}

async fn a_team_changes_its_members(store: Store) {
    let Tree { provider, client, other, .. } = tree(&store).await;
    let mut network = fixture::team(provider.id, "network");
    network.members = [PersonId(fixture::id())].into();
    network.serves = [client.id].into();
    let mut tx = store.write(provider.id).await.unwrap();
    team::insert(&mut tx, &network).await.unwrap();
    network.members = [PersonId(fixture::id()), PersonId(fixture::id())].into();
    network.serves = [other.id].into();
    network.active = false;
    let mut late = network.clone();
    team::update(&mut tx, &mut network).await.unwrap();
    assert_eq!(team::find(&mut tx, network.id).await.unwrap(), Some(network));
    let refused = team::update(&mut tx, &mut late).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
}

async fn services_come_back_as_they_were(store: Store) {
    let org = tree(&store).await.client;
    let mut portal = service_of(&org, "revenue-portal");
    let mail = service_of(&org, "mail");
    let mut tx = store.write(org.id).await.unwrap();
    service::insert_many(&mut tx, &[portal.clone(), mail.clone()]).await.unwrap();
    portal.criticality = Criticality::Medium;
    portal.owner = None;
    portal.active = false;
    service::update(&mut tx, &mut portal).await.unwrap();
    assert_eq!(service::find(&mut tx, portal.id).await.unwrap(), Some(portal.clone()));
    assert_eq!(service::find_by_key(&mut tx, "mail").await.unwrap(), Some(mail.clone()));
    assert_eq!(service::list(&mut tx).await.unwrap(), [mail, portal]);
}

async fn cis_come_back_as_they_were(store: Store) {
    let org = tree(&store).await.client;
    let cis: Vec<_> = ["a1", "a2", "b.1", "b_1"].map(|key| ci_of(&org, key)).into();
    let mut tx = store.write(org.id).await.unwrap();
    ci::insert_many(&mut tx, &cis).await.unwrap();
    let first = ci::list(&mut tx, None, 3).await.unwrap();
    let second = ci::list(&mut tx, Some(first[2].key.as_str()), 3).await.unwrap();
    assert_eq!([first, second].concat(), cis);

    let mut changed = cis[0].clone();
    changed.active = false;
    changed.support_team = Some(org.settings.fallback_team);
    ci::update(&mut tx, &mut changed).await.unwrap();
    assert_eq!(ci::find(&mut tx, changed.id).await.unwrap(), Some(changed.clone()));
    assert_eq!(ci::find_by_key(&mut tx, "a1").await.unwrap(), Some(changed));
    assert_eq!(ci::find_by_key(&mut tx, "c").await.unwrap(), None);
}

async fn categories_come_back_as_they_were(store: Store) {
    let org = tree(&store).await.client;
    let mut access = category_of(&org, "access");
    let password = category_of(&org, "access/password");
    let mut tx = store.write(org.id).await.unwrap();
    category::insert_many(&mut tx, &[password.clone(), access.clone()]).await.unwrap();
    access.name = "Access and accounts".into();
    access.active = false;
    category::update(&mut tx, &mut access).await.unwrap();
    assert_eq!(category::find(&mut tx, access.id).await.unwrap(), Some(access.clone()));
    assert_eq!(category::list(&mut tx).await.unwrap(), [access, password]);
}

async fn catalog_items_come_back_as_they_were(store: Store) {
    let org = tree(&store).await.client;
    let mut item = laptop(&org);
    let mut tx = store.write(org.id).await.unwrap();
    catalog::insert(&mut tx, &item).await.unwrap();
    assert_eq!(catalog::find(&mut tx, item.id).await.unwrap(), Some(item.clone()));
    item.cost = None;
    item.form.truncate(1);
    catalog::update(&mut tx, &mut item).await.unwrap();
    assert_eq!(catalog::find_by_key(&mut tx, "laptop").await.unwrap(), Some(item.clone()));
    assert_eq!(catalog::list(&mut tx).await.unwrap(), [item]);
}

async fn stale_directory_entries_are_not_written(store: Store) {
    let org = tree(&store).await.client;
    let mut tx = store.write(org.id).await.unwrap();
    let mut anna = fixture::person(org.id, "anna");
    let mut portal = service_of(&org, "portal");
    let mut server = ci_of(&org, "server");
    let mut access = category_of(&org, "access");
    let mut item = laptop(&org);
    person::insert(&mut tx, &anna).await.unwrap();
    service::insert(&mut tx, &portal).await.unwrap();
    ci::insert(&mut tx, &server).await.unwrap();
    category::insert(&mut tx, &access).await.unwrap();
    catalog::insert(&mut tx, &item).await.unwrap();
    anna.version = 0;
    portal.version = 0;
    server.version = 0;
    access.version = 0;
    item.version = 0;
    for refused in [
        person::update(&mut tx, &mut anna).await,
        service::update(&mut tx, &mut portal).await,
        ci::update(&mut tx, &mut server).await,
        category::update(&mut tx, &mut access).await,
        catalog::update(&mut tx, &mut item).await,
    ] {
        assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    }
}

async fn taken_keys_are_named(store: Store) {
    let org = tree(&store).await.client;
    let mut tx = store.write(org.id).await.unwrap();
    let refused = team::insert(&mut tx, &fixture::team(org.id, "service-desk")).await;
    assert!(matches!(refused, Err(StoreError::Taken("key"))), "{refused:?}");
    drop(tx);

    let mut tx = store.write(org.id).await.unwrap();
    let twins = [service_of(&org, "portal"), service_of(&org, "portal")];
    let refused = service::insert_many(&mut tx, &twins).await;
    assert!(matches!(refused, Err(StoreError::Taken("key"))), "{refused:?}");
    drop(tx);

    let mut tx = store.write(org.id).await.unwrap();
    let refused = ci::insert_many(&mut tx, &[ci_of(&org, "a"), ci_of(&org, "a")]).await;
    assert!(matches!(refused, Err(StoreError::Taken("key"))), "{refused:?}");
    drop(tx);

    let mut tx = store.write(org.id).await.unwrap();
    let twins = [category_of(&org, "a/b"), category_of(&org, "a/b")];
    let refused = category::insert_many(&mut tx, &twins).await;
    assert!(matches!(refused, Err(StoreError::Taken("path"))), "{refused:?}");
    drop(tx);

    let mut tx = store.write(org.id).await.unwrap();
    catalog::insert(&mut tx, &laptop(&org)).await.unwrap();
    let refused = catalog::insert(&mut tx, &laptop(&org)).await;
    assert!(matches!(refused, Err(StoreError::Taken("key"))), "{refused:?}");
}

async fn directories_of_organizations_are_apart(store: Store) {
    let Tree { client, other, provider, .. } = tree(&store).await;
    let mut portal = service_of(&client, "portal");
    let mut server = ci_of(&client, "server");
    let mut access = category_of(&client, "access");
    let mut item = laptop(&client);
    let mut tx = store.write(client.id).await.unwrap();
    service::insert(&mut tx, &portal).await.unwrap();
    ci::insert(&mut tx, &server).await.unwrap();
    category::insert(&mut tx, &access).await.unwrap();
    catalog::insert(&mut tx, &item).await.unwrap();
    tx.commit().await.unwrap();

    // Neither beside it nor above it.
    for elsewhere in [&other, &provider] {
        let mut tx = store.write(elsewhere.id).await.unwrap();
        assert_eq!(service::find(&mut tx, portal.id).await.unwrap(), None);
        assert_eq!(service::find_by_key(&mut tx, "portal").await.unwrap(), None);
        assert_eq!(service::list(&mut tx).await.unwrap(), []);
        assert_eq!(ci::find(&mut tx, server.id).await.unwrap(), None);
        assert_eq!(ci::find_by_key(&mut tx, "server").await.unwrap(), None);
        assert_eq!(ci::list(&mut tx, None, 10).await.unwrap(), []);
        assert_eq!(category::find(&mut tx, access.id).await.unwrap(), None);
        assert_eq!(category::list(&mut tx).await.unwrap(), []);
        assert_eq!(catalog::find(&mut tx, item.id).await.unwrap(), None);
        assert_eq!(catalog::find_by_key(&mut tx, "laptop").await.unwrap(), None);
        assert_eq!(catalog::list(&mut tx).await.unwrap(), []);
        portal.org = elsewhere.id;
        server.org = elsewhere.id;
        access.org = elsewhere.id;
        item.org = elsewhere.id;
        for refused in [
            service::update(&mut tx, &mut portal).await,
            ci::update(&mut tx, &mut server).await,
            category::update(&mut tx, &mut access).await,
            catalog::update(&mut tx, &mut item).await,
        ] {
            assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
        }
    }
}

async fn the_directory_is_loaded_whole(store: Store) {
    let Tree { platform, provider, client, .. } = tree(&store).await;
    let portal = service_of(&client, "portal");
    let access = category_of(&client, "access");
    let mut closed = fixture::team(client.id, "closed");
    closed.active = false;
    let mut tx = store.write(client.id).await.unwrap();
    service::insert(&mut tx, &portal).await.unwrap();
    category::insert(&mut tx, &access).await.unwrap();
    team::insert(&mut tx, &closed).await.unwrap();
    let loaded = directory::load(&mut tx).await.unwrap();
    assert_eq!(loaded.lineage, [platform, provider, client.clone()]);
    assert_eq!(loaded.org, client);
    assert_eq!(loaded.services, [portal]);
    assert_eq!(loaded.categories, [access]);
    let keys: Vec<_> = loaded.teams.iter().map(|team| team.key.as_str()).collect();
    assert_eq!(keys, ["service-desk"]);
}

async fn loads_count_open_tickets(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let desk = client.settings.fallback_team;
    let server = CiId(fixture::id());
    let mut tickets: Vec<_> = (0..4).map(|_| fixture::ticket(&client)).collect();
    tickets[1].ci = Some(server);
    tickets[3].ci = Some(server);
    tickets[3].stage = crate::tickets::cancelled(CancelOutcome::Withdrawn);
    let mut tx = store.write(client.id).await.unwrap();
    ticket::insert_many(&mut tx, &tickets).await.unwrap();
    let loads = directory::team_loads(&mut tx).await.unwrap();
    assert_eq!(loads, [(desk, 3)].into());
    assert_eq!(directory::open_tickets_on_ci(&mut tx, server).await.unwrap(), 1);
    tx.commit().await.unwrap();

    let mut tx = store.read(other.id).await.unwrap();
    assert_eq!(directory::team_loads(&mut tx).await.unwrap(), [].into());
    assert_eq!(directory::open_tickets_on_ci(&mut tx, server).await.unwrap(), 0);
}

async fn loads_follow_tickets_that_move_and_end(store: Store) {
    let org = tree(&store).await.client;
    let [network, facilities] = [(); 2].map(|()| TeamId(fixture::id()));
    let mut ticket = Ticket { team: network, ..fixture::ticket(&org) };
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert(&mut tx, &ticket).await.unwrap();
    tx.commit().await.unwrap();
    // Each in a transaction of its own, because on PostgreSQL each counts in rows of its own.
    let cancelled = crate::tickets::cancelled(CancelOutcome::Withdrawn);
    let working = crate::tickets::stage(TicketKind::Incident, State::InProgress);
    for (team, stage, expected) in [
        (facilities, ticket.stage.clone(), vec![(facilities, 1)]),
        (facilities, working.clone(), vec![(facilities, 1)]),
        (facilities, cancelled.clone(), vec![]),
        (network, cancelled, vec![]),
        (network, working, vec![(network, 1)]),
    ] {
        (ticket.team, ticket.stage) = (team, stage);
        let mut tx = store.write(org.id).await.unwrap();
        ticket::update(&mut tx, &mut ticket).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = store.read(org.id).await.unwrap();
        let loads = directory::team_loads(&mut tx).await.unwrap();
        assert_eq!(loads, expected.into_iter().collect(), "{:?}", ticket.stage);
    }
}

async fn loads_of_what_was_not_committed_are_not_counted(store: Store) {
    let org = tree(&store).await.client;
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert(&mut tx, &fixture::ticket(&org)).await.unwrap();
    assert_eq!(directory::team_loads(&mut tx).await.unwrap().len(), 1);
    drop(tx);
    let mut tx = store.read(org.id).await.unwrap();
    assert_eq!(directory::team_loads(&mut tx).await.unwrap(), [].into());
}

/// Each opens and moves several tickets in several statements, for the same teams in different
/// orders. SQLite has one writer, so nobody waits there.
#[tokio::test]
async fn transactions_that_count_for_the_same_teams_never_wait_in_a_circle() {
    const AT_ONCE: u32 = 16;
    const ROUNDS: u32 = 8;
    let test = "transactions_that_count_for_the_same_teams_never_wait_in_a_circle";
    let options = StoreOptions { connections: AT_ONCE, ..StoreOptions::default() };
    let store = Store::connect(&testing::postgres_url(test).await, &options).await.unwrap();
    let org = tree(&store).await.client;
    let teams = [(); 4].map(|()| TeamId(fixture::id()));
    let busy = (0..AT_ONCE).map(|turn| {
        let (store, org) = (store.clone(), org.clone());
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                let mut tx = store.write(org.id).await.unwrap();
                for step in 0..4 {
                    let step = if turn % 2 == 0 { step } else { 3 - step };
                    let [team, other] = [step, step + 1].map(|it| teams[it % 4]);
                    let opened = [team, other].map(|team| Ticket { team, ..fixture::ticket(&org) });
                    ticket::insert_many(&mut tx, &opened).await.unwrap();
                    let mut moved = Ticket { team: other, ..opened[0].clone() };
                    ticket::update(&mut tx, &mut moved).await.unwrap();
                }
                tx.commit().await.unwrap();
            }
        })
    });
    for one in busy.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    let mut tx = store.read(org.id).await.unwrap();
    let loads = directory::team_loads(&mut tx).await.unwrap();
    assert_eq!(loads.values().sum::<u32>(), AT_ONCE * ROUNDS * 4 * 2);
    let miscounted = invariant::violations(&mut tx, Invariant::OpenTicketsAreCounted, 9).await;
    assert_eq!(miscounted.unwrap(), []);
}

async fn unreadable_directory_rows_are_reported(store: Store) {
    let org = tree(&store).await.client;
    let mut tx = store.write(org.id).await.unwrap();
    let (anna, portal, server) =
        (fixture::person(org.id, "anna"), service_of(&org, "portal"), ci_of(&org, "server"));
    let (access, item) = (category_of(&org, "access"), laptop(&org));
    person::insert(&mut tx, &anna).await.unwrap();
    service::insert(&mut tx, &portal).await.unwrap();
    ci::insert(&mut tx, &server).await.unwrap();
    category::insert(&mut tx, &access).await.unwrap();
    catalog::insert(&mut tx, &item).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.system().await.unwrap();
    for damage in [
        "update people set role = 'king'",
        "update teams set zone = 'Mars/Olympus'",
        "update services set criticality = 'vast'",
        "update cis set class = '?'",
        "update categories set path = '/'",
        "update catalog_items set key = ''",
    ] {
        testing::execute(&mut tx, damage).await.unwrap();
    }
    tx.commit().await.unwrap();

    let mut tx = store.read(org.id).await.unwrap();
    let reports = [
        person::find(&mut tx, anna.id).await.unwrap_err(),
        team::list(&mut tx).await.unwrap_err(),
        service::list(&mut tx).await.unwrap_err(),
        ci::find(&mut tx, server.id).await.unwrap_err(),
        category::list(&mut tx).await.unwrap_err(),
        catalog::list(&mut tx).await.unwrap_err(),
    ];
    let columns = reports.map(|report| match report {
        StoreError::Corrupt { table, column } => (table, column),
        other => panic!("{other:?}"),
    });
    assert_eq!(
        columns,
        [
            ("people", "role"),
            ("teams", "zone"),
            ("services", "criticality"),
            ("cis", "class"),
            ("categories", "path"),
            ("catalog_items", "key"),
        ]
    );
}
