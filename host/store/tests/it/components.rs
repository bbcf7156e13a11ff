//! Components: stored once, read by those they were granted to and those below them.

use waypost_domain::binding::Revision;
use waypost_store::{Store, binding, component, component::Usage, on_both_engines, testing};

use crate::fixture::{self, Tree, at, digest, granted_component, tree};

on_both_engines! {
    a_component_comes_back_to_the_byte
    the_same_bytes_are_stored_once
    a_grant_reaches_down_and_not_aside
    who_was_granted_nothing_reads_nothing
    what_nobody_has_any_more_goes_but_for_what_revisions_name
    what_an_organization_has_itself_is_counted
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
    let inherited = component::Component { is_own: false, ..router.clone() };
    for (org, expected) in [
        (&platform, vec![]),
        (&provider, vec![&router]),
        (&client, vec![&inherited, &own]),
        (&other, vec![&inherited]),
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

async fn what_nobody_has_any_more_goes_but_for_what_revisions_name(store: Store) {
    let Tree { provider, client, .. } = tree(&store).await;
    let bound = granted_component(&store, client.id, 1).await;
    let unused = granted_component(&store, client.id, 2).await;
    let shared = granted_component(&store, client.id, 3).await;
    granted_component(&store, provider.id, 3).await;
    let binding = fixture::binding(client.id, "bound");
    let mut tx = store.write(client.id).await.unwrap();
    let first = fixture::revision(&binding, 1, 1, &bound.digest);
    binding::insert(&mut tx, &binding, &first).await.unwrap();
    let in_use = binding::components(&mut tx).await.unwrap();
    let expected = binding::NamedComponent {
        component: bound.digest.clone(),
        binding: binding.id,
        name: "bound".to_owned(),
        revision: 1,
        is_active: true,
    };
    assert_eq!(in_use, [expected]);
    for component in [&bound, &unused, &shared] {
        assert!(component::withdraw(&mut tx, &component.digest).await.unwrap());
        assert!(!component::withdraw(&mut tx, &component.digest).await.unwrap());
    }
    tx.commit().await.unwrap();

    let mut tx = store.system().await.unwrap();
    assert_eq!(component::purge(&mut tx, 10).await.unwrap(), 2, "the provider has one of them");
    assert_eq!(component::purge(&mut tx, 10).await.unwrap(), 0);
    tx.commit().await.unwrap();
    let mut tx = store.system_read().await.unwrap();
    for (component, is_there) in [(&bound, false), (&unused, false), (&shared, true)] {
        let bytes = component::any_bytes(&mut tx, &component.digest).await.unwrap();
        assert_eq!(bytes.is_some(), is_there, "{}", component.name);
    }
    drop(tx);
    let mut tx = store.read(client.id).await.unwrap();
    assert_eq!(component::find(&mut tx, &bound.digest).await.unwrap(), None);
    let names = component::names(&mut tx).await.unwrap();
    let known = names.values().map(|name| name.name.as_str()).collect::<Vec<_>>();
    assert_eq!(known, ["policy-1", "policy-3"], "it decided, and is still called so");
    drop(tx);
    // It comes back as it was.
    granted_component(&store, client.id, 1).await;
    let mut tx = store.read(client.id).await.unwrap();
    assert!(component::bytes(&mut tx, &bound.digest).await.unwrap().is_some());
}

async fn what_an_organization_has_itself_is_counted(store: Store) {
    let Tree { provider, client, .. } = tree(&store).await;
    granted_component(&store, provider.id, 1).await;
    let kept = async |org| {
        let mut tx = store.read(org).await.unwrap();
        let Usage { count, bytes } = component::usage(&mut tx).await.unwrap();
        (count, bytes)
    };
    assert_eq!(kept(client.id).await, (0, 0), "the provider has it, too");
    granted_component(&store, client.id, 1).await;
    assert_eq!(kept(client.id).await, (1, 4));
    let own = granted_component(&store, client.id, 2).await;
    assert_eq!(kept(client.id).await, (2, 8));
    assert_eq!(kept(provider.id).await, (1, 4));

    let binding = fixture::binding(client.id, "bound");
    let data = vec![("a".to_owned(), vec![7; 1000]), ("b".to_owned(), vec![7; 1000])];
    let mut tx = store.write(client.id).await.unwrap();
    let first = fixture::revision(&binding, 1, 1, &own.digest);
    let first = Revision { data: data.clone(), settings: "{\"é\":1}".to_owned(), ..first };
    binding::insert(&mut tx, &binding, &first).await.unwrap();
    let second = Revision { number: 2, settings: "{}".to_owned(), ..first };
    binding::add_revision(&mut tx, &mut binding.clone(), &second).await.unwrap();
    let read = binding::revision_data(&mut tx, binding.id, 2).await.unwrap();
    assert_eq!(read, data);
    // Both files, and those of both revisions, are the same and are kept once.
    let Usage { count, bytes } = binding::usage(&mut tx).await.unwrap();
    let rows = 2 * 1024 + 4 * 128;
    let texts = 8 + 2 + 2 * "because".len() as u64 + 4;
    assert_eq!((count, bytes), (2, rows + texts + 1000));
}

/// On SQLite there is one writer, so nobody brings anything while somebody removes.
#[tokio::test]
async fn what_is_brought_while_it_is_removed_is_there() {
    const WAITING: &str =
        "select count(*) from pg_locks where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database())";
    let store = testing::postgres("what_is_brought_while_it_is_removed_is_there").await;
    let Tree { client, other, .. } = tree(&store).await;
    let router = granted_component(&store, client.id, 1).await;
    let binding = fixture::binding(client.id, "bound");
    let mut tx = store.write(client.id).await.unwrap();
    let first = fixture::revision(&binding, 1, 1, &router.digest);
    binding::insert(&mut tx, &binding, &first).await.unwrap();
    assert!(component::withdraw(&mut tx, &router.digest).await.unwrap());
    tx.commit().await.unwrap();

    // Another organization finds the bytes there, and has not been granted them yet.
    let mut bringing = store.write(other.id).await.unwrap();
    component::insert(&mut bringing, &router, "{}", &[0, 97, 115, 1]).await.unwrap();
    let sweeping = tokio::spawn({
        let store = store.clone();
        async move {
            let mut tx = store.system().await.unwrap();
            component::purge(&mut tx, 10).await.unwrap();
            tx.commit().await.unwrap();
        }
    });
    // Until the sweep waits, or has not waited.
    loop {
        let mut tx = store.write(other.id).await.unwrap();
        if sweeping.is_finished() || testing::number_as(&mut tx, WAITING).await.unwrap() > 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    component::grant(&mut bringing, &router.digest, at(9)).await.unwrap();
    bringing.commit().await.unwrap();
    sweeping.await.unwrap();

    let mut tx = store.read(other.id).await.unwrap();
    assert!(component::bytes(&mut tx, &router.digest).await.unwrap().is_some());
}
