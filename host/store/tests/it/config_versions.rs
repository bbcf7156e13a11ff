//! Versions of configurations: they move with every change that decisions read, and with no other.

use std::collections::BTreeSet;

use waypost_domain::{
    binding::{Hook, Pause},
    ids::OrgId,
    organization::Organization,
};
use waypost_store::{
    Engine, Store, StoreError, WriteTx, binding, binding_pause, category,
    config_version::{self, ConfigVersions},
    on_both_engines, organization, person, service, team, testing, ticket,
};

use crate::{
    directory::{category_of, service_of},
    fixture::{self, Tree, at, granted_component, revision, tree},
};

on_both_engines! {
    what_nobody_changed_has_the_versions_that_it_had
    a_change_moves_the_versions_of_those_below_and_of_nobody_else
    what_is_given_up_moves_nothing
    tickets_and_new_people_move_nothing
    a_team_serves_organizations_below_its_own_only
    the_lines_of_an_organization_stay
    ; in files:
    every_table_that_decisions_read_moves_the_version
    who_changes_several_records_waits_for_nobody_in_a_circle
}

/// Makes all connections that transactions may have: the test's store has three on PostgreSQL.
/// Versions that were read before one was made are worth nothing.
async fn connected(store: &Store, org: &Organization) {
    if store.engine() == Engine::Postgres {
        let read = || store.read(org.id);
        let (first, second, third) = tokio::join!(read(), read(), read());
        drop((first.unwrap(), second.unwrap(), third.unwrap()));
    }
}

async fn versions(store: &Store, org: &Organization) -> ConfigVersions {
    config_version::read(&mut store.read(org.id).await.unwrap()).await.unwrap()
}

async fn add_team(store: &Store, org: OrgId, key: &str) {
    let mut tx = store.write(org).await.unwrap();
    team::insert(&mut tx, &fixture::team(org, key)).await.unwrap();
    tx.commit().await.unwrap();
}

async fn what_nobody_changed_has_the_versions_that_it_had(store: Store) {
    let org = tree(&store).await.client;
    connected(&store, &org).await;
    let before = versions(&store, &org).await;
    assert!(versions(&store, &org).await.are(&before));
}

/// After a failover, or once a backup was put in its place, a database can have the same numbers
/// with other contents. Either ends the connections.
#[tokio::test]
async fn versions_that_were_read_before_the_connections_broke_are_worth_nothing() {
    let test = "versions_that_were_read_before_the_connections_broke_are_worth_nothing";
    let store = testing::postgres(test).await;
    let org = tree(&store).await.client;
    connected(&store, &org).await;
    let before = versions(&store, &org).await;
    assert!(versions(&store, &org).await.are(&before));
    testing::end_connections(test).await;
    assert!(!versions(&store, &org).await.are(&before));
}

async fn a_change_moves_the_versions_of_those_below_and_of_nobody_else(store: Store) {
    let Tree { provider, client, other, .. } = tree(&store).await;
    let read = async || {
        (
            versions(&store, &provider).await,
            versions(&store, &client).await,
            versions(&store, &other).await,
        )
    };
    connected(&store, &client).await;
    let before = read().await;
    add_team(&store, client.id, "desk").await;
    let after = read().await;
    assert!(after.0.are(&before.0) && !after.1.are(&before.1) && after.2.are(&before.2));
    add_team(&store, provider.id, "network").await;
    let last = read().await;
    assert!(!last.0.are(&after.0) && !last.1.are(&after.1) && !last.2.are(&after.2));
}

async fn what_is_given_up_moves_nothing(store: Store) {
    let org = tree(&store).await.client;
    connected(&store, &org).await;
    let before = versions(&store, &org).await;
    let mut tx = store.write(org.id).await.unwrap();
    team::insert(&mut tx, &fixture::team(org.id, "desk")).await.unwrap();
    drop(tx);
    assert!(versions(&store, &org).await.are(&before));
}

async fn tickets_and_new_people_move_nothing(store: Store) {
    let org = tree(&store).await.client;
    connected(&store, &org).await;
    let before = versions(&store, &org).await;
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert(&mut tx, &fixture::ticket(&org)).await.unwrap();
    let mut ada = fixture::person(org.id, "Ada");
    person::insert(&mut tx, &ada).await.unwrap();
    tx.commit().await.unwrap();
    assert!(versions(&store, &org).await.are(&before));
    let mut tx = store.write(org.id).await.unwrap();
    person::update(&mut tx, &mut ada).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!versions(&store, &org).await.are(&before));
}

/// Statements that change a row of each table, and one that makes a row and takes it away again.
const CHANGES: [&str; 9] = [
    "update organizations set name = 'Other' where kind = 'client' and key = 'acme'",
    "update teams set name = 'Other'",
    "insert into team_members (org_id, team_id, person_id) select org_id, id, id from teams",
    "delete from team_members",
    "update services set name = 'Other'",
    "update categories set name = 'Other'",
    "update people set name = 'Other'",
    "update bindings set enabled = enabled",
    "delete from binding_pauses",
];

async fn one_of_each(store: &Store, org: &Organization) {
    let policy = granted_component(store, org.id, 1).await;
    let routing = fixture::binding(org.id, "routing");
    let mut tx = store.write(org.id).await.unwrap();
    team::insert(&mut tx, &fixture::team(org.id, "desk")).await.unwrap();
    service::insert_many(&mut tx, &[service_of(org, "mail")]).await.unwrap();
    category::insert_many(&mut tx, &[category_of(org, "network")]).await.unwrap();
    person::insert(&mut tx, &fixture::person(org.id, "Ada")).await.unwrap();
    binding::insert(&mut tx, &routing, &revision(&routing, 1, 10, &policy.digest)).await.unwrap();
    let (binding, hook) = (routing.id, Hook::Route);
    let pause = Pause { binding, revision: 1, hook, since: at(1), until: at(2) };
    binding_pause::put(&mut tx, &pause).await.unwrap();
    tx.commit().await.unwrap();
}

async fn every_table_that_decisions_read_moves_the_version(store: Store) {
    let org = tree(&store).await.client;
    one_of_each(&store, &org).await;
    connected(&store, &org).await;
    for change in CHANGES {
        let before = versions(&store, &org).await;
        let mut tx = store.write(org.id).await.unwrap();
        let changed = testing::execute_as(&mut tx, change).await.unwrap();
        tx.commit().await.unwrap();
        assert!(changed > 0, "{change}");
        assert!(!versions(&store, &org).await.are(&before), "{change}");
    }
}

async fn who_changes_several_records_waits_for_nobody_in_a_circle(store: Store) {
    let org = tree(&store).await.client;
    let (mut first, mut second) = (fixture::team(org.id, "first"), fixture::team(org.id, "second"));
    let mut tx = store.write(org.id).await.unwrap();
    team::insert(&mut tx, &first).await.unwrap();
    team::insert(&mut tx, &second).await.unwrap();
    tx.commit().await.unwrap();
    let before = versions(&store, &org).await;
    if store.engine() == Engine::Sqlite {
        // There is one writer: nobody waits in the middle of a transaction.
        return;
    }
    // Each changes one of the teams, then each adds another: with a version that was locked at the
    // first change, the second one would wait for the first, which ends it at its next change.
    let mut one = store.write(org.id).await.unwrap();
    let mut two = store.write(org.id).await.unwrap();
    team::update(&mut one, &mut first).await.unwrap();
    team::update(&mut two, &mut second).await.unwrap();
    team::insert(&mut two, &fixture::team(org.id, "third")).await.unwrap();
    team::insert(&mut one, &fixture::team(org.id, "fourth")).await.unwrap();
    two.commit().await.unwrap();
    one.commit().await.unwrap();
    assert!(!versions(&store, &org).await.are(&before));
    assert_eq!(team::list(&mut store.read(org.id).await.unwrap()).await.unwrap().len(), 5);
}

async fn serve(tx: &mut WriteTx, org: OrgId, client: OrgId) -> Result<(), StoreError> {
    let mut team = fixture::team(org, "network");
    team.serves = BTreeSet::from([client]);
    team::insert(tx, &team).await
}

async fn a_team_serves_organizations_below_its_own_only(store: Store) {
    let Tree { platform, provider, client, other } = tree(&store).await;
    for (org, served, is_below) in [
        (&provider, &client, true),
        (&platform, &other, true),
        (&client, &other, false),
        (&client, &provider, false),
        (&client, &client, false),
    ] {
        let mut tx = store.write(org.id).await.unwrap();
        let told = serve(&mut tx, org.id, served.id).await;
        assert_eq!(told.is_ok(), is_below, "{} serves {}: {told:?}", org.key, served.key);
    }
}

async fn the_lines_of_an_organization_stay(store: Store) {
    let org = tree(&store).await.client;
    for change in
        ["update organization_lines set depth = depth + 1", "delete from organization_lines"]
    {
        let mut tx = store.system().await.unwrap();
        let told = testing::execute(&mut tx, change).await;
        assert!(matches!(told, Err(StoreError::Database(_))), "{change}: {told:?}");
    }
    assert_eq!(
        organization::lineage(&mut store.read(org.id).await.unwrap()).await.unwrap().len(),
        3
    );
}
