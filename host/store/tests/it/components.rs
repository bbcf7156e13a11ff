//! Components: stored once, read by those they were granted to and those below them.

use waypost_store::{Store, component, on_both_engines};

use crate::fixture::{Tree, at, digest, granted_component, tree};

on_both_engines! {
    a_component_comes_back_to_the_byte
    the_same_bytes_are_stored_once
    a_grant_reaches_down_and_not_aside
    who_was_granted_nothing_reads_nothing
}

async fn a_component_comes_back_to_the_byte(store: Store) {
    let org = tree(&store).await.client;
    let router = granted_component(&store, org.id, 9).await;
    let mut tx = store.read(org.id).await.unwrap();
    assert_eq!(component::find(&mut tx, &router.digest).await.unwrap(), Some(router.clone()));
    assert_eq!(component::list(&mut tx).await.unwrap(), std::slice::from_ref(&router));
    let bytes = component::bytes(&mut tx, &router.digest).await.unwrap();
    assert_eq!(bytes, Some(vec![0, 97, 115, 9]));
    let description = component::description(&mut tx, &router.digest).await.unwrap();
    assert_eq!(description.as_deref(), Some("{}"));
    assert_eq!(component::description(&mut tx, &digest(8)).await.unwrap(), None);
    assert_eq!(component::find(&mut tx, &digest(8)).await.unwrap(), None);
    assert_eq!(component::find(&mut tx, "no digest").await.unwrap(), None);
    drop(tx);
    let mut tx = store.system_read().await.unwrap();
    let bytes = component::any_bytes(&mut tx, &router.digest).await.unwrap();
    assert_eq!(bytes, Some(vec![0, 97, 115, 9]));
    assert_eq!(component::granted_to(&mut tx, &router.digest).await.unwrap(), [org.id]);
}

async fn the_same_bytes_are_stored_once(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let first = granted_component(&store, client.id, 9).await;
    let mut second = first.clone();
    second.created_at = at(500);
    let mut tx = store.write(other.id).await.unwrap();
    component::insert(&mut tx, &second, "{}", &[0, 97, 115, 9]).await.unwrap();
    // Brought is not granted: whoever brings bytes is granted them by a second call.
    assert_eq!(component::find(&mut tx, &first.digest).await.unwrap(), None);
    component::grant(&mut tx, &first.digest, at(501)).await.unwrap();
    component::grant(&mut tx, &first.digest, at(502)).await.unwrap();
    // Since when it has them is its own affair, and tells nothing of who brought them before.
    let known = component::Component { created_at: at(501), ..first };
    assert_eq!(component::find(&mut tx, &known.digest).await.unwrap(), Some(known));
}

async fn a_grant_reaches_down_and_not_aside(store: Store) {
    let Tree { platform, provider, client, other } = tree(&store).await;
    let router = granted_component(&store, provider.id, 1).await;
    let own = granted_component(&store, client.id, 2).await;
    for (org, expected) in [
        (&platform, vec![]),
        (&provider, vec![&router]),
        (&client, vec![&router, &own]),
        (&other, vec![&router]),
    ] {
        let mut tx = store.read(org.id).await.unwrap();
        let found = component::list(&mut tx).await.unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{}", org.key);
    }
}

async fn who_was_granted_nothing_reads_nothing(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let router = granted_component(&store, client.id, 1).await;
    let mut tx = store.read(other.id).await.unwrap();
    assert_eq!(component::find(&mut tx, &router.digest).await.unwrap(), None);
    assert_eq!(component::bytes(&mut tx, &router.digest).await.unwrap(), None);
    assert_eq!(component::description(&mut tx, &router.digest).await.unwrap(), None);
    assert_eq!(component::list(&mut tx).await.unwrap(), []);
}
