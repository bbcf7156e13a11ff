//! The tree of organizations, and what each sees of the others.

use waypost_domain::{
    calendar::WorkingHours,
    ids::PersonId,
    incident::{Leadership, MajorOutcome, MajorRule, MajorWhen},
    organization::{OrgKind, Organization, ResolveDemand},
    priority::{Level, Matrix},
    service::Criticality,
};
use waypost_store::{ReadTx, Store, StoreError, on_both_engines, organization, team, testing};

use crate::fixture::{self, tree};

on_both_engines! {
    settings_come_back_as_they_were
    settings_of_before_there_were_rules_have_none
    a_new_organization_has_its_fallback_team
    the_lineage_begins_with_the_platform
    organizations_see_those_below_them_and_not_beside_them
    a_taken_key_is_named
    there_is_one_platform
    a_stale_organization_is_not_written
    an_organization_changes_itself_only
    unreadable_settings_are_reported
}

async fn settings_come_back_as_they_were(store: Store) {
    let mut client = tree(&store).await.client;
    client.name = "Acme & Söhne".into();
    client.settings.zone = "Europe/Vienna".parse().unwrap();
    client.settings.working_hours = WorkingHours::weekdays(7, 15).unwrap();
    client.settings.matrix =
        Matrix::new(vec![vec![Level(1), Level(2)], vec![Level(2), Level(4)]]).unwrap();
    client.settings.fallback_approver = Some(PersonId(fixture::id()));
    client.settings.reopen_window_days = 3;
    client.settings.auto_close_days = 0;
    client.settings.caller_reply_reopens = false;
    client.settings.votes_by_mail = false;
    client.settings.receipt_retention_days = 90;
    client.settings.resolve_demands = vec![ResolveDemand::ServiceOrCi, ResolveDemand::Category];
    let led_by = Leadership {
        manager: PersonId(fixture::id()),
        communication_owner: PersonId(fixture::id()),
    };
    client.settings.major_rules = vec![
        MajorRule {
            name: "critical".to_owned(),
            when: MajorWhen {
                priority_at_most: Some(Level(1)),
                criticality_at_least: Some(Criticality::High),
                children_more_than: None,
            },
            then: MajorOutcome::Promote { led_by, update_minutes: 30 },
        },
        MajorRule {
            name: "many".to_owned(),
            when: MajorWhen { children_more_than: Some(20), ..MajorWhen::default() },
            then: MajorOutcome::Propose,
        },
    ];
    let mut tx = store.write(client.id).await.unwrap();
    organization::update(&mut tx, &mut client).await.unwrap();
    assert_eq!(client.version, 2);
    assert_eq!(organization::load(&mut tx).await.unwrap(), client);
}

async fn settings_of_before_there_were_rules_have_none(store: Store) {
    let client = tree(&store).await.client;
    // The one that the engine understands.
    let spellings = [
        "update organizations set settings = json_remove(settings, '$.major_rules')",
        "update organizations set settings = settings - 'major_rules'",
    ];
    let mut earlier = 0;
    for spelling in spellings {
        let mut tx = store.system().await.unwrap();
        if let Ok(changed) = testing::execute(&mut tx, spelling).await
            && earlier == 0
        {
            earlier = changed;
            tx.commit().await.unwrap();
        }
    }
    assert!(earlier > 0);
    let mut tx = store.read(client.id).await.unwrap();
    assert_eq!(organization::load(&mut tx).await.unwrap(), client);
}

async fn a_new_organization_has_its_fallback_team(store: Store) {
    let client = tree(&store).await.client;
    let mut tx = store.read(client.id).await.unwrap();
    let found = team::find(&mut tx, client.settings.fallback_team).await.unwrap().unwrap();
    assert_eq!(found.key.as_str(), "service-desk");
    assert_eq!(found.org, client.id);
}

async fn the_lineage_begins_with_the_platform(store: Store) {
    let tree = tree(&store).await;
    let mut tx = store.read(tree.client.id).await.unwrap();
    let lineage = organization::lineage(&mut tx).await.unwrap();
    assert_eq!(lineage, [tree.platform.clone(), tree.provider, tree.client]);
    drop(tx);
    let mut tx = store.read(tree.platform.id).await.unwrap();
    assert_eq!(organization::lineage(&mut tx).await.unwrap(), [tree.platform]);
}

async fn organizations_see_those_below_them_and_not_beside_them(store: Store) {
    let tree = tree(&store).await;
    let mut tx = store.read(tree.provider.id).await.unwrap();
    let children = organization::children(&mut tx).await.unwrap();
    assert_eq!(children, [tree.client.clone(), tree.other.clone()]);
    let below = async |tx: &mut ReadTx, sought: &Organization| {
        let found = organization::find_below(tx, sought.key.as_str()).await.unwrap();
        assert!(found.as_ref().is_none_or(|found| found == sought));
        found.is_some()
    };
    assert!(below(&mut tx, &tree.client).await);
    assert!(below(&mut tx, &tree.provider).await);
    assert!(!below(&mut tx, &tree.platform).await);
    let called = async |tx: &mut ReadTx, most: u32| {
        let found = organization::at_or_below(tx, most).await.unwrap();
        found.into_iter().map(|one| one.key).collect::<Vec<_>>()
    };
    let keys = |all: &[&Organization]| -> Vec<String> {
        all.iter().map(|one| one.key.to_string()).collect()
    };
    let own = [&tree.provider, &tree.client, &tree.other];
    assert_eq!(called(&mut tx, 9).await, keys(&own));
    assert_eq!(called(&mut tx, 2).await, keys(&own[..2]));
    drop(tx);

    let mut tx = store.read(tree.client.id).await.unwrap();
    assert_eq!(called(&mut tx, 9).await, keys(&[&tree.client]));
    assert_eq!(organization::children(&mut tx).await.unwrap(), []);
    assert!(!below(&mut tx, &tree.other).await);
    drop(tx);

    let mut tx = store.system_read().await.unwrap();
    let all = organization::list(&mut tx).await.unwrap();
    assert_eq!(all, [tree.platform, tree.provider, tree.client.clone(), tree.other.clone()]);
    assert_eq!(organization::find(&mut tx, tree.other.id).await.unwrap(), Some(tree.other));
    assert_eq!(organization::find_by_key(&mut tx, "acme").await.unwrap(), Some(tree.client));
    assert_eq!(organization::find_by_key(&mut tx, "ACME").await.unwrap(), None);
}

async fn a_taken_key_is_named(store: Store) {
    let tree = tree(&store).await;
    let mut twin = tree.client.clone();
    twin.id = waypost_domain::ids::OrgId(fixture::id());
    let desk = fixture::team(twin.id, "service-desk");
    twin.settings.fallback_team = desk.id;
    let mut tx = store.system().await.unwrap();
    let refused = organization::create(&mut tx, &twin, &desk).await;
    assert!(matches!(refused, Err(StoreError::Taken("key"))), "{refused:?}");
}

async fn there_is_one_platform(store: Store) {
    let tree = tree(&store).await;
    let mut second = tree.platform.clone();
    second.id = waypost_domain::ids::OrgId(fixture::id());
    second.key = "second".parse().unwrap();
    let desk = fixture::team(second.id, "service-desk");
    second.settings.fallback_team = desk.id;
    let mut tx = store.system().await.unwrap();
    let refused = organization::create(&mut tx, &second, &desk).await;
    assert!(matches!(refused, Err(StoreError::Taken("platform"))), "{refused:?}");
    assert_eq!(tree.platform.kind, OrgKind::Platform);
}

async fn a_stale_organization_is_not_written(store: Store) {
    let mut client = tree(&store).await.client;
    let mut late = client.clone();
    let mut tx = store.write(client.id).await.unwrap();
    organization::update(&mut tx, &mut client).await.unwrap();
    let refused = organization::update(&mut tx, &mut late).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
}

async fn an_organization_changes_itself_only(store: Store) {
    let tree = tree(&store).await;
    let mut client = tree.client;
    let mut tx = store.write(tree.provider.id).await.unwrap();
    let refused = organization::update(&mut tx, &mut client).await;
    assert!(matches!(refused, Err(StoreError::WrongOrganization)), "{refused:?}");
}

async fn unreadable_settings_are_reported(store: Store) {
    let tree = tree(&store).await;
    let mut tx = store.system().await.unwrap();
    testing::allow_changes(&mut tx).await.unwrap();
    testing::execute(&mut tx, "update organizations set kind = 'client' where key = 'msp'")
        .await
        .unwrap();
    testing::execute(&mut tx, "update organizations set key = 'Bad Key' where key = 'acme'")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.read(tree.client.id).await.unwrap();
    let unreadable = organization::load(&mut tx).await;
    assert!(
        matches!(unreadable, Err(StoreError::Corrupt { table: "organizations", column: "key" })),
        "{unreadable:?}"
    );
}
