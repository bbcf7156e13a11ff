//! Bindings: their order, their revisions, and what of the layers above is seen.

use waypost_domain::{
    binding::{Binding, Fallback, Hook, Hooks, Pause, Revision, Switch, Switched},
    ids::{PersonId, SwitchId, TeamId},
};
use waypost_store::{
    Store, StoreError, binding, binding_pause, binding_switch, on_both_engines, testing,
};

use crate::fixture::{self, Tree, at, granted_component, revision, tree};

on_both_engines! {
    bindings_come_back_with_their_revisions
    rolling_back_makes_an_earlier_revision_the_active_one
    switches_come_back_in_order_and_stay
    a_pause_is_seen_from_below_until_it_ends
    a_position_is_taken_by_an_enabled_binding_only
    a_position_is_taken_at_every_hook_of_a_binding
    a_revision_without_a_hook_is_not_stored
    a_taken_name_is_named
    a_stale_binding_is_not_changed
    a_revision_that_is_not_there_is_not_activated
    the_layers_above_are_in_force_too
    bindings_of_organizations_are_apart
    unreadable_bindings_are_reported
}

/// The revision at other hooks.
fn serving(hooks: &[Hook], revision: Revision) -> Revision {
    let hooks = Hooks::new(hooks.iter().copied()).expect("a revision serves a hook");
    Revision { hooks, ..revision }
}

/// As it is read: without its data files.
fn without_data(revision: &Revision) -> Revision {
    Revision { data: Vec::new(), ..revision.clone() }
}

async fn bound(store: &Store, new: &Binding, first: &Revision) {
    let mut tx = store.write(new.org).await.unwrap();
    binding::insert(&mut tx, new, first).await.unwrap();
    tx.commit().await.unwrap();
}

async fn bindings_come_back_with_their_revisions(store: Store) {
    let org = tree(&store).await.client;
    let router = granted_component(&store, org.id, 1).await;
    let mut routing = fixture::binding(org.id, "routing");
    let first = revision(&routing, 1, 10, &router.digest);
    let mut second =
        serving(&[Hook::Notify, Hook::Route], revision(&routing, 2, 20, &router.digest));
    second.fallback = Fallback::Team(TeamId(fixture::id()));
    second.limits.memory_bytes = Some(1 << 40);
    second.limits.fuel = None;
    second.locked = true;
    second.replaces_above = false;
    second.note = None;
    second.created_by = None;
    second.data = Vec::new();
    bound(&store, &routing, &first).await;

    let mut tx = store.write(org.id).await.unwrap();
    assert_eq!(binding::find(&mut tx, routing.id).await.unwrap(), Some(routing.clone()));
    binding::add_revision(&mut tx, &mut routing, &second).await.unwrap();
    assert_eq!((routing.active_revision, routing.version), (2, 2));
    assert_eq!(binding::find(&mut tx, routing.id).await.unwrap(), Some(routing.clone()));
    assert_eq!(binding::find_by_name(&mut tx, "routing").await.unwrap(), Some(routing.clone()));
    assert_eq!(binding::list(&mut tx).await.unwrap(), [(routing.clone(), second.clone())]);
    let revisions = binding::revisions(&mut tx, routing.id).await.unwrap();
    assert_eq!(revisions, [without_data(&first), second.clone()]);
    let found = binding::find_revision(&mut tx, routing.id, 1).await.unwrap();
    assert_eq!(found, Some(without_data(&first)));
    assert_eq!(binding::revision_data(&mut tx, routing.id, 1).await.unwrap(), first.data);
    assert_eq!(binding::revision_data(&mut tx, routing.id, 2).await.unwrap(), []);
    assert_eq!(binding::in_force(&mut tx).await.unwrap(), [(routing, second)]);
}

async fn rolling_back_makes_an_earlier_revision_the_active_one(store: Store) {
    let org = tree(&store).await.client;
    let router = granted_component(&store, org.id, 1).await;
    let mut routing = fixture::binding(org.id, "routing");
    let first = revision(&routing, 1, 10, &router.digest);
    bound(&store, &routing, &first).await;
    let mut tx = store.write(org.id).await.unwrap();
    let second = revision(&routing, 2, 20, &router.digest);
    binding::add_revision(&mut tx, &mut routing, &second).await.unwrap();
    binding::activate_revision(&mut tx, &mut routing, 1).await.unwrap();
    assert_eq!((routing.active_revision, routing.version), (1, 3));
    assert_eq!(
        binding::in_force(&mut tx).await.unwrap(),
        [(routing.clone(), without_data(&first))]
    );
    assert_eq!(binding::find(&mut tx, routing.id).await.unwrap(), Some(routing));
}

async fn a_position_is_taken_by_an_enabled_binding_only(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let router = granted_component(&store, client.id, 1).await.digest;
    let mut first = fixture::binding(client.id, "first");
    bound(&store, &first, &revision(&first, 1, 10, &router)).await;

    let mut second = fixture::binding(client.id, "second");
    let mut tx = store.write(client.id).await.unwrap();
    let refused = binding::insert(&mut tx, &second, &revision(&second, 1, 10, &router)).await;
    assert!(matches!(refused, Err(StoreError::Taken("position"))), "{refused:?}");
    drop(tx);

    // Another hook, and another organization, have positions of their own.
    let notify = fixture::binding(client.id, "notify");
    bound(&store, &notify, &serving(&[Hook::Notify], revision(&notify, 1, 10, &router))).await;
    let elsewhere = fixture::binding(other.id, "first");
    bound(&store, &elsewhere, &revision(&elsewhere, 1, 10, &router)).await;

    // A disabled one may wait at a taken position, and is not enabled there.
    second.enabled = false;
    bound(&store, &second, &revision(&second, 1, 10, &router)).await;
    let mut tx = store.write(client.id).await.unwrap();
    let refused = binding::set_enabled(&mut tx, &mut second, true).await;
    assert!(matches!(refused, Err(StoreError::Taken("position"))), "{refused:?}");
    drop(tx);

    let mut tx = store.write(client.id).await.unwrap();
    binding::set_enabled(&mut tx, &mut first, false).await.unwrap();
    binding::set_enabled(&mut tx, &mut second, true).await.unwrap();
    tx.commit().await.unwrap();

    // Nor is a revision made active that would stand there.
    let mut tx = store.write(client.id).await.unwrap();
    let aside = revision(&first, 2, 11, &router);
    binding::add_revision(&mut tx, &mut first, &aside).await.unwrap();
    binding::set_enabled(&mut tx, &mut first, true).await.unwrap();
    let refused = binding::activate_revision(&mut tx, &mut first, 1).await;
    assert!(matches!(refused, Err(StoreError::Taken("position"))), "{refused:?}");
}

async fn a_position_is_taken_at_every_hook_of_a_binding(store: Store) {
    const BOTH: [Hook; 2] = [Hook::Categorize, Hook::Route];
    let org = tree(&store).await.client;
    let pack = granted_component(&store, org.id, 1).await.digest;
    let mut first = fixture::binding(org.id, "first");
    bound(&store, &first, &serving(&BOTH, revision(&first, 1, 10, &pack))).await;
    let taken = |refused: Result<(), StoreError>| {
        assert!(matches!(refused, Err(StoreError::Taken("position"))), "{refused:?}");
    };

    let mut second = fixture::binding(org.id, "second");
    for hooks in [&[Hook::Categorize][..], &[Hook::Route, Hook::Notify]] {
        let mut tx = store.write(org.id).await.unwrap();
        let there = serving(hooks, revision(&second, 1, 10, &pack));
        taken(binding::insert(&mut tx, &second, &there).await);
    }
    bound(&store, &second, &serving(&[Hook::Notify], revision(&second, 1, 10, &pack))).await;

    // A revision that gives a hook up leaves its place there, and rolling back wants it again.
    let mut tx = store.write(org.id).await.unwrap();
    let routing = serving(&[Hook::Route], revision(&first, 2, 10, &pack));
    binding::add_revision(&mut tx, &mut first, &routing).await.unwrap();
    let wider = serving(&[Hook::Categorize, Hook::Notify], revision(&second, 2, 10, &pack));
    binding::add_revision(&mut tx, &mut second, &wider).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write(org.id).await.unwrap();
    taken(binding::activate_revision(&mut tx, &mut first.clone(), 1).await);
    drop(tx);

    // Disabling leaves all places at once.
    let mut tx = store.write(org.id).await.unwrap();
    binding::set_enabled(&mut tx, &mut second, false).await.unwrap();
    binding::activate_revision(&mut tx, &mut first, 1).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write(org.id).await.unwrap();
    taken(binding::set_enabled(&mut tx, &mut second, true).await);
}

async fn a_revision_without_a_hook_is_not_stored(store: Store) {
    let org = tree(&store).await.client;
    let router = granted_component(&store, org.id, 1).await.digest;
    let routing = fixture::binding(org.id, "routing");
    bound(&store, &routing, &revision(&routing, 1, 1, &router)).await;
    let mut tx = store.system().await.unwrap();
    testing::allow_changes(&mut tx).await.unwrap();
    let refused = testing::execute(&mut tx, "update binding_revisions set hooks = '[]'").await;
    assert!(matches!(refused, Err(StoreError::Database(_))), "{refused:?}");
}

async fn a_taken_name_is_named(store: Store) {
    let org = tree(&store).await.client;
    let router = granted_component(&store, org.id, 1).await.digest;
    let first = fixture::binding(org.id, "same");
    bound(&store, &first, &revision(&first, 1, 1, &router)).await;
    let second = fixture::binding(org.id, "same");
    let mut tx = store.write(org.id).await.unwrap();
    let elsewhere = serving(&[Hook::Notify], revision(&second, 1, 1, &router));
    let refused = binding::insert(&mut tx, &second, &elsewhere).await;
    assert!(matches!(refused, Err(StoreError::Taken("name"))), "{refused:?}");
}

async fn a_stale_binding_is_not_changed(store: Store) {
    let org = tree(&store).await.client;
    let router = granted_component(&store, org.id, 1).await.digest;
    let mut routing = fixture::binding(org.id, "routing");
    bound(&store, &routing, &revision(&routing, 1, 1, &router)).await;
    let mut late = routing.clone();
    let mut tx = store.write(org.id).await.unwrap();
    binding::set_enabled(&mut tx, &mut routing, false).await.unwrap();
    let second = revision(&routing, 2, 2, &router);
    for refused in [
        binding::set_enabled(&mut tx, &mut late, true).await,
        binding::activate_revision(&mut tx, &mut late, 1).await,
        binding::add_revision(&mut tx, &mut late, &second).await,
    ] {
        assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    }
    drop(tx);

    // Two who make the same revision: the second is told.
    let mut tx = store.write(org.id).await.unwrap();
    let mut fresh = binding::find(&mut tx, routing.id).await.unwrap().unwrap();
    let again = revision(&fresh, 1, 3, &router);
    let refused = binding::add_revision(&mut tx, &mut fresh, &again).await;
    assert!(matches!(refused, Err(StoreError::Taken("revision"))), "{refused:?}");
}

async fn a_revision_that_is_not_there_is_not_activated(store: Store) {
    let org = tree(&store).await.client;
    let router = granted_component(&store, org.id, 1).await.digest;
    let mut routing = fixture::binding(org.id, "routing");
    bound(&store, &routing, &revision(&routing, 1, 1, &router)).await;
    let mut tx = store.write(org.id).await.unwrap();
    let refused = binding::activate_revision(&mut tx, &mut routing, 7).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
}

async fn the_layers_above_are_in_force_too(store: Store) {
    let Tree { platform, provider, client, other } = tree(&store).await;
    let router = granted_component(&store, platform.id, 1).await.digest;
    let mut made = Vec::new();
    for (org, name, position) in [
        (&client, "ours-late", 9),
        (&client, "ours-early", 1),
        (&other, "theirs", 1),
        (&provider, "providers", 5),
        (&platform, "platforms", 7),
    ] {
        let binding = fixture::binding(org.id, name);
        let revision = revision(&binding, 1, position, &router);
        bound(&store, &binding, &revision).await;
        made.push((binding, without_data(&revision)));
    }
    let mut off = fixture::binding(provider.id, "off");
    off.enabled = false;
    bound(&store, &off, &revision(&off, 1, 2, &router)).await;

    let mut tx = store.read(client.id).await.unwrap();
    let in_force = binding::in_force(&mut tx).await.unwrap();
    assert_eq!(
        in_force,
        [made[4].clone(), made[3].clone(), made[1].clone(), made[0].clone()],
        "platform, provider, then ours by position"
    );
    // What decides for us can be looked at; it is listed where it was made.
    let data = binding::revision_data(&mut tx, made[4].0.id, 1).await.unwrap();
    assert_eq!(data.len(), 2);
    assert_eq!(binding::revisions(&mut tx, made[3].0.id).await.unwrap(), [made[3].1.clone()]);
    assert_eq!(binding::list(&mut tx).await.unwrap().len(), 2);
}

async fn bindings_of_organizations_are_apart(store: Store) {
    let Tree { client, other, provider, .. } = tree(&store).await;
    let router = granted_component(&store, client.id, 1).await.digest;
    let mut routing = fixture::binding(client.id, "routing");
    bound(&store, &routing, &revision(&routing, 1, 1, &router)).await;
    for elsewhere in [&other, &provider] {
        let mut tx = store.write(elsewhere.id).await.unwrap();
        assert_eq!(binding::find(&mut tx, routing.id).await.unwrap(), None);
        assert_eq!(binding::find_by_name(&mut tx, "routing").await.unwrap(), None);
        assert_eq!(binding::list(&mut tx).await.unwrap(), []);
        assert_eq!(binding::in_force(&mut tx).await.unwrap(), []);
        assert_eq!(binding::revisions(&mut tx, routing.id).await.unwrap(), []);
        assert_eq!(binding::find_revision(&mut tx, routing.id, 1).await.unwrap(), None);
        assert_eq!(binding::revision_data(&mut tx, routing.id, 1).await.unwrap(), []);
        for refused in [
            binding::set_enabled(&mut tx, &mut routing, false).await,
            binding::activate_revision(&mut tx, &mut routing, 1).await,
        ] {
            assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
        }
    }
    // The layer above is seen by the client, and not changed by it.
    let above = fixture::binding(provider.id, "above");
    bound(&store, &above, &revision(&above, 1, 1, &router)).await;
    let mut tx = store.write(client.id).await.unwrap();
    let refused = binding::set_enabled(&mut tx, &mut above.clone(), false).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
}

async fn unreadable_bindings_are_reported(store: Store) {
    let org = tree(&store).await.client;
    let router = granted_component(&store, org.id, 1).await.digest;
    let routing = fixture::binding(org.id, "routing");
    bound(&store, &routing, &revision(&routing, 1, 1, &router)).await;
    let mut tx = store.system().await.unwrap();
    testing::allow_changes(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    for (damage, damaged) in [
        ("update binding_revisions set limit_deadline_ms = -1", "limit_deadline_ms"),
        ("update binding_revisions set hooks = '[\"route\", \"pray\"]'", "hooks"),
    ] {
        let mut tx = store.system().await.unwrap();
        testing::execute(&mut tx, damage).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = store.read(org.id).await.unwrap();
        for report in [
            binding::in_force(&mut tx).await.map(drop).unwrap_err(),
            binding::revisions(&mut tx, routing.id).await.map(drop).unwrap_err(),
        ] {
            let StoreError::Corrupt { table, column } = report else { panic!("{report:?}") };
            assert_eq!((table, column), ("binding_revisions", damaged));
        }
    }
}

async fn a_pause_is_seen_from_below_until_it_ends(store: Store) {
    let Tree { provider, client, other, .. } = tree(&store).await;
    let router = granted_component(&store, provider.id, 1).await;
    let routing = fixture::binding(provider.id, "routing");
    bound(&store, &routing, &revision(&routing, 1, 10, &router.digest)).await;
    let pause = |hook, until| Pause {
        binding: routing.id,
        revision: 1,
        hook,
        since: at(1),
        until: at(until),
    };
    let mut tx = store.write(provider.id).await.unwrap();
    binding_pause::put(&mut tx, &pause(Hook::Route, 5)).await.unwrap();
    binding_pause::put(&mut tx, &pause(Hook::Route, 9)).await.unwrap();
    binding_pause::put(&mut tx, &pause(Hook::Notify, 5)).await.unwrap();
    binding_pause::end(&mut tx, routing.id, 1, Hook::Notify).await.unwrap();
    tx.commit().await.unwrap();

    for (org, seen) in
        [(provider.id, vec![pause(Hook::Route, 9)]), (client.id, vec![pause(Hook::Route, 9)])]
    {
        let mut tx = store.read(org).await.unwrap();
        assert_eq!(binding_pause::in_force(&mut tx).await.unwrap(), seen);
    }
    // An organization below sees it and does not end it.
    let mut tx = store.write(client.id).await.unwrap();
    binding_pause::end_all(&mut tx, routing.id).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write(provider.id).await.unwrap();
    assert_eq!(binding_pause::in_force(&mut tx).await.unwrap().len(), 1);
    binding_pause::end_all(&mut tx, routing.id).await.unwrap();
    assert_eq!(binding_pause::in_force(&mut tx).await.unwrap(), []);
    tx.commit().await.unwrap();
    let mut tx = store.read(other.id).await.unwrap();
    assert_eq!(binding_pause::in_force(&mut tx).await.unwrap(), []);
}

async fn switches_come_back_in_order_and_stay(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let router = granted_component(&store, client.id, 1).await;
    let routing = fixture::binding(client.id, "routing");
    bound(&store, &routing, &revision(&routing, 1, 10, &router.digest)).await;
    let switch = |what, minutes| Switch {
        id: SwitchId(fixture::id()),
        binding: routing.id,
        what,
        revision: 1,
        at: at(minutes),
        by: fixture::by(PersonId(fixture::id())),
    };
    let (off, on) = (switch(Switched::Disabled, 1), switch(Switched::Enabled, 2));
    let mut tx = store.write(client.id).await.unwrap();
    binding_switch::append(&mut tx, &on).await.unwrap();
    binding_switch::append(&mut tx, &off).await.unwrap();
    assert_eq!(binding_switch::of_binding(&mut tx, routing.id).await.unwrap(), [off, on]);
    tx.commit().await.unwrap();

    let mut tx = store.read(other.id).await.unwrap();
    assert_eq!(binding_switch::of_binding(&mut tx, routing.id).await.unwrap(), []);
    drop(tx);
    for change in ["update binding_switches set what = 'enabled'", "delete from binding_switches"] {
        let mut tx = store.system().await.unwrap();
        let refused = testing::execute(&mut tx, change).await;
        assert!(matches!(refused, Err(StoreError::Database(_))), "{change}: {refused:?}");
    }
}
