//! Opening a database, bringing it to this release, and closing it.

use waypost_domain::organization::OrgKind;
use waypost_store::{
    Engine, Store, StoreError, StoreOptions, on_both_engines, organization,
    testing::{self, postgres_url},
};

use crate::fixture;

on_both_engines! {
    a_migrated_database_lacks_nothing
    migrating_twice_changes_nothing
    what_was_not_committed_is_gone
    ; in files:
    writers_wait_for_each_other
    readers_do_not_wait_for_a_writer
    a_closed_store_opens_no_transaction
}

#[tokio::test]
async fn the_server_compiles_no_statement() {
    let store = testing::postgres("the_server_compiles_no_statement").await;
    let mut tx = store.system().await.unwrap();
    let off = "select 1 where current_setting('jit') = 'off'";
    assert_eq!(testing::execute(&mut tx, off).await.unwrap(), 1);
}

async fn a_migrated_database_lacks_nothing(store: Store) {
    assert_eq!(store.pending_migrations().await.unwrap(), 0);
}

async fn migrating_twice_changes_nothing(store: Store) {
    store.migrate().await.unwrap();
    assert_eq!(store.pending_migrations().await.unwrap(), 0);
}

async fn what_was_not_committed_is_gone(store: Store) {
    let tree = fixture::tree(&store).await;
    let ticket = fixture::ticket(&tree.client);
    let mut tx = store.write(tree.client.id).await.unwrap();
    waypost_store::ticket::insert(&mut tx, &ticket).await.unwrap();
    drop(tx);

    let mut tx = store.read(tree.client.id).await.unwrap();
    assert_eq!(waypost_store::ticket::find(&mut tx, ticket.id).await.unwrap(), None);
}

async fn writers_wait_for_each_other(store: Store) {
    let tree = fixture::tree(&store).await;
    let org = tree.client.id;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mut tx = store.write(org).await.unwrap();
            let kind = waypost_domain::ticket::TicketKind::Incident;
            let first = waypost_store::number::next(&mut tx, kind, 10).await.unwrap();
            tx.commit().await.unwrap();
            first
        }));
    }
    let mut firsts = Vec::new();
    for task in tasks {
        firsts.push(task.await.unwrap());
    }
    firsts.sort_unstable();
    assert_eq!(firsts, [1, 11, 21, 31, 41, 51, 61, 71]);
}

async fn readers_do_not_wait_for_a_writer(store: Store) {
    let tree = fixture::tree(&store).await;
    let ticket = fixture::ticket(&tree.client);
    let mut writer = store.write(tree.client.id).await.unwrap();
    waypost_store::ticket::insert(&mut writer, &ticket).await.unwrap();

    let mut reader = store.read(tree.client.id).await.unwrap();
    assert_eq!(waypost_store::ticket::find(&mut reader, ticket.id).await.unwrap(), None);
    writer.commit().await.unwrap();
    // A view is of one moment: its own beginning.
    assert_eq!(waypost_store::ticket::find(&mut reader, ticket.id).await.unwrap(), None);
}

async fn a_closed_store_opens_no_transaction(store: Store) {
    let org = fixture::organization(&store, OrgKind::Platform, None, "platform").await;
    store.close().await;
    assert!(store.read(org.id).await.is_err());
}

#[tokio::test]
async fn a_url_of_another_database_is_refused() {
    for url in ["mysql://localhost/waypost", "waypost.db", ""] {
        let refused = Store::connect(url, &StoreOptions::default()).await;
        assert!(matches!(refused, Err(StoreError::UnknownUrl)), "{url}");
    }
}

#[tokio::test]
async fn an_empty_database_lacks_everything() {
    let store = Store::connect("sqlite::memory:", &StoreOptions::default()).await.unwrap();
    assert_eq!(store.engine(), Engine::Sqlite);
    assert!(store.pending_migrations().await.unwrap() > 0);
    assert!(!store.is_migrated().await.unwrap());
}

#[tokio::test]
async fn a_file_is_made_only_where_one_may_be_made() {
    let name = "a_file_is_made_only_where_one_may_be_made";
    testing::sqlite_file(name).await.close().await;
    let url = testing::sqlite_url(name);
    let looking = StoreOptions { create: false, ..StoreOptions::default() };
    let there = Store::connect(&url, &looking).await.unwrap();
    assert!(there.is_migrated().await.unwrap());
    there.close().await;

    let other = format!("{url}-of-nobody");
    let refused = Store::connect(&other, &looking).await;
    assert!(matches!(refused, Err(StoreError::NoDatabase)), "{refused:?}");
    let file = other.trim_start_matches("sqlite:");
    assert!(!std::path::Path::new(file).exists(), "looking for it makes none");
}

#[tokio::test]
async fn two_stores_share_one_file() {
    let first = testing::sqlite_file("two_stores_share_one_file").await;
    let tree = fixture::tree(&first).await;
    let path = testing::sqlite_url("two_stores_share_one_file");
    let second = Store::connect(&path, &StoreOptions::default()).await.unwrap();
    second.migrate().await.unwrap();

    // The second store's writer waits for the first's, instead of failing.
    let mut tx = first.write(tree.client.id).await.unwrap();
    let ticket = fixture::ticket(&tree.client);
    waypost_store::ticket::insert(&mut tx, &ticket).await.unwrap();
    let org = tree.client.id;
    let other = tokio::spawn(async move {
        let mut tx = second.write(org).await.unwrap();
        waypost_store::ticket::find(&mut tx, ticket.id).await.unwrap().is_some()
    });
    tokio::task::yield_now().await;
    tx.commit().await.unwrap();
    assert!(other.await.unwrap());
}

#[tokio::test]
async fn two_stores_share_one_postgres_database() {
    let url = postgres_url("two_stores_share_one_postgres_database").await;
    let first = Store::connect(&url, &StoreOptions::default()).await.unwrap();
    let second = Store::connect(&url, &StoreOptions::default()).await.unwrap();
    assert_eq!(second.engine(), Engine::Postgres);
    let platform = fixture::organization(&first, OrgKind::Platform, None, "platform").await;
    let mut tx = second.read(platform.id).await.unwrap();
    assert_eq!(organization::load(&mut tx).await.unwrap(), platform);
}
