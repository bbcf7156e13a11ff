//! Links between tickets: kept once, found from both ends.

use waypost_domain::{
    ids::TicketId,
    link::{Link, LinkType},
    organization::Organization,
};
use waypost_store::{Store, StoreError, link, on_both_engines};

use crate::fixture::{at, by_policy, stored_ticket, tree};

on_both_engines! {
    a_link_is_found_from_both_ends_once
    a_link_is_kept_once
    a_link_is_removed_once
    links_of_organizations_are_apart
}

async fn ticket(store: &Store, org: &Organization) -> TicketId {
    stored_ticket(store, org).await.id
}

fn blocks(from: TicketId, to: TicketId, minutes: i64) -> Link {
    let created_at = at(minutes);
    let (from, to) = (from.into(), to.into());
    Link { from, link_type: LinkType::Blocks, to, created_by: by_policy(), created_at }
}

async fn a_link_is_found_from_both_ends_once(store: Store) {
    let org = tree(&store).await.client;
    let (a, b, c) =
        (ticket(&store, &org).await, ticket(&store, &org).await, ticket(&store, &org).await);
    let (first, second) = (blocks(a, b, 1), blocks(c, a, 2));
    let mut tx = store.write(org.id).await.unwrap();
    link::insert(&mut tx, &second).await.unwrap();
    link::insert(&mut tx, &first).await.unwrap();
    let both = [first.clone(), second.clone()];
    assert_eq!(link::of(&mut tx, &[a.into()]).await.unwrap(), both);
    assert_eq!(link::of(&mut tx, &[a.into(), b.into(), c.into()]).await.unwrap(), both);
    assert_eq!(link::of(&mut tx, &[b.into()]).await.unwrap(), [first]);
    assert_eq!(link::of(&mut tx, &[c.into()]).await.unwrap(), [second]);
    assert_eq!(link::of(&mut tx, &[]).await.unwrap(), []);
}

async fn a_link_is_kept_once(store: Store) {
    let org = tree(&store).await.client;
    let (a, b) = (ticket(&store, &org).await, ticket(&store, &org).await);
    let mut tx = store.write(org.id).await.unwrap();
    link::insert(&mut tx, &blocks(a, b, 1)).await.unwrap();
    let caused = Link { link_type: LinkType::CausedBy, ..blocks(a, b, 1) };
    link::insert(&mut tx, &caused).await.unwrap();
    let again = link::insert(&mut tx, &blocks(a, b, 2)).await;
    assert!(matches!(again, Err(StoreError::Taken("link"))), "{again:?}");
}

async fn a_link_is_removed_once(store: Store) {
    let org = tree(&store).await.client;
    let (a, b) = (ticket(&store, &org).await, ticket(&store, &org).await);
    let mut tx = store.write(org.id).await.unwrap();
    link::insert(&mut tx, &blocks(a, b, 1)).await.unwrap();
    link::remove(&mut tx, &blocks(a, b, 9)).await.unwrap();
    assert_eq!(link::of(&mut tx, &[a.into(), b.into()]).await.unwrap(), []);
    let again = link::remove(&mut tx, &blocks(a, b, 9)).await;
    assert!(matches!(again, Err(StoreError::Stale)), "{again:?}");
}

async fn links_of_organizations_are_apart(store: Store) {
    let tree = tree(&store).await;
    let (one, other) = (ticket(&store, &tree.provider).await, ticket(&store, &tree.provider).await);
    let mut tx = store.write(tree.provider.id).await.unwrap();
    link::insert(&mut tx, &blocks(one, other, 1)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write(tree.client.id).await.unwrap();
    assert_eq!(link::of(&mut tx, &[one.into(), other.into()]).await.unwrap(), []);
    let removed = link::remove(&mut tx, &blocks(one, other, 1)).await;
    assert!(matches!(removed, Err(StoreError::Stale)), "{removed:?}");
}
