//! Saved views belong to a person in an organization; tickets that have changed are found by when.

use waypost_domain::{
    ids::{OrgId, PersonId, SavedViewId},
    saved_view::SavedView,
};
use waypost_store::{Store, StoreError, on_both_engines, saved_view, ticket};

use crate::fixture::{self, at, stored_ticket, tree};

on_both_engines! {
    a_view_comes_back_whole_and_is_removed_by_its_owner
    a_person_has_each_name_once
    who_looks_before_adding_a_view_is_alone_in_that
    views_of_organizations_are_apart
    tickets_that_have_changed_are_found_by_when
}

fn view(org: OrgId, person: PersonId, name: &str) -> SavedView {
    SavedView {
        id: SavedViewId(fixture::id()),
        org,
        person,
        name: name.to_owned(),
        query: "all?priority=1".to_owned(),
        created_at: at(1),
    }
}

async fn put(store: &Store, view: &SavedView) -> Result<(), StoreError> {
    let mut tx = store.write(view.org).await?;
    saved_view::insert(&mut tx, view).await?;
    tx.commit().await
}

async fn a_view_comes_back_whole_and_is_removed_by_its_owner(store: Store) {
    let org = tree(&store).await.client.id;
    let (one, other) = (PersonId(fixture::id()), PersonId(fixture::id()));
    let saved = view(org, one, "Big ones");
    put(&store, &saved).await.unwrap();
    let mut tx = store.write(org).await.unwrap();
    let found = saved_view::of_person(&mut tx, one).await.unwrap();
    assert_eq!(found, std::slice::from_ref(&saved));
    assert_eq!(saved_view::of_person(&mut tx, other).await.unwrap(), []);
    assert!(!saved_view::remove(&mut tx, other, saved.id).await.unwrap());
    assert!(saved_view::remove(&mut tx, one, saved.id).await.unwrap());
    assert_eq!(saved_view::of_person(&mut tx, one).await.unwrap(), []);
}

async fn a_person_has_each_name_once(store: Store) {
    let org = tree(&store).await.client.id;
    let person = PersonId(fixture::id());
    put(&store, &view(org, person, "Mine")).await.unwrap();
    let again = put(&store, &view(org, person, "Mine")).await;
    assert!(matches!(again, Err(StoreError::Taken("name"))), "{again:?}");
    put(&store, &view(org, PersonId(fixture::id()), "Mine")).await.unwrap();
}

async fn who_looks_before_adding_a_view_is_alone_in_that(store: Store) {
    let org = tree(&store).await.client.id;
    let person = PersonId(fixture::id());
    let add_the_first = async |name: &str| {
        let mut tx = store.write(org).await.unwrap();
        saved_view::lock(&mut tx, person).await.unwrap();
        if saved_view::of_person(&mut tx, person).await.unwrap().is_empty() {
            saved_view::insert(&mut tx, &view(org, person, name)).await.unwrap();
        }
        tx.commit().await.unwrap();
    };
    tokio::join!(add_the_first("One"), add_the_first("Two"), add_the_first("Three"));
    let mut tx = store.read(org).await.unwrap();
    assert_eq!(saved_view::of_person(&mut tx, person).await.unwrap().len(), 1);
}

async fn views_of_organizations_are_apart(store: Store) {
    let tree = tree(&store).await;
    let person = PersonId(fixture::id());
    let saved = view(tree.client.id, person, "Mine");
    put(&store, &saved).await.unwrap();
    let mut tx = store.write(tree.provider.id).await.unwrap();
    assert_eq!(saved_view::of_person(&mut tx, person).await.unwrap(), []);
    assert!(!saved_view::remove(&mut tx, person, saved.id).await.unwrap());
}

async fn tickets_that_have_changed_are_found_by_when(store: Store) {
    let tree = tree(&store).await;
    let one = stored_ticket(&store, &tree.client).await;
    let mut tx = store.read(tree.client.id).await.unwrap();
    let since = one.updated_at;
    let found = ticket::changed_since(&mut tx, since, 10).await.unwrap();
    let changed = ticket::Changed { id: one.id, at: one.updated_at, version: one.version };
    assert_eq!(found, [changed]);
    let later = since + chrono::TimeDelta::microseconds(1);
    assert_eq!(ticket::changed_since(&mut tx, later, 10).await.unwrap(), []);
    assert_eq!(ticket::changed_since(&mut tx, since, 0).await.unwrap(), []);
    drop(tx);
    let mut tx = store.read(tree.provider.id).await.unwrap();
    assert_eq!(ticket::changed_since(&mut tx, since, 10).await.unwrap(), []);
}
