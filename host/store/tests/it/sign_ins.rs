//! Sign-ins and their links: found by the hash of their secret, used once, apart by organization.

use chrono::{DateTime, Utc};
use waypost_domain::{
    ids::{OrgId, PersonId, SignInId, SignInLinkId},
    organization::OrgKind,
    password::PasswordHash,
    person::Person,
    role::Role,
    sign_in::{LinkPurpose, SignIn, SignInLink},
};
use waypost_store::{
    Store, StoreError, on_both_engines, password, person,
    sign_in::{self, Member},
    testing,
};

use crate::fixture::{self, Tree, at, tree};

on_both_engines! {
    a_sign_in_is_found_by_its_hash_with_what_its_person_is_now
    a_sign_in_reaches_its_organization_and_those_below
    a_use_is_noted_and_never_taken_back
    who_proves_again_who_they_are_keeps_another_secret
    sign_ins_are_ended_by_whose_they_are
    what_is_done_with_a_sign_in_needs_one_that_was_not_ended
    a_link_is_used_once_and_ends_the_others_of_its_person
    people_are_found_by_their_address_in_all_organizations
    more_accounts_with_an_address_push_nobody_out
    who_leaves_or_gets_another_role_than_requester_is_signed_out
    what_is_old_is_removed
}

async fn person_of(store: &Store, org: OrgId, name: &str) -> Person {
    let person = fixture::person(org, name);
    let mut tx = store.write(org).await.unwrap();
    person::insert(&mut tx, &person).await.unwrap();
    tx.commit().await.unwrap();
    person
}

fn sign_in_of(person: &Person, hash: u8) -> SignIn {
    SignIn {
        id: SignInId(fixture::id()),
        org: person.org,
        person: person.id,
        hash: [hash; 32],
        device: "Firefox".to_owned(),
        created_at: at(i64::from(hash)),
        used_at: at(i64::from(hash)),
        proven_at: at(i64::from(hash)),
        ended_at: None,
    }
}

fn link_of(person: &Person, hash: u8) -> SignInLink {
    SignInLink {
        id: SignInLinkId(fixture::id()),
        org: person.org,
        person: person.id,
        purpose: LinkPurpose::Setup,
        hash: [hash; 32],
        created_at: at(0),
        expires_at: at(i64::from(hash)),
        used_at: None,
    }
}

async fn stored(store: &Store, sign_in: &SignIn) {
    let mut tx = store.write(sign_in.org).await.unwrap();
    sign_in::insert(&mut tx, sign_in).await.unwrap();
    tx.commit().await.unwrap();
}

async fn stored_link(store: &Store, link: &SignInLink) {
    let mut tx = store.write(link.org).await.unwrap();
    sign_in::insert_link(&mut tx, link).await.unwrap();
    tx.commit().await.unwrap();
}

async fn a_sign_in_is_found_by_its_hash_with_what_its_person_is_now(store: Store) {
    let Tree { client, .. } = tree(&store).await;
    let mut ada = person_of(&store, client.id, "Ada").await;
    let sign_in = sign_in_of(&ada, 1);
    stored(&store, &sign_in).await;
    ada.role = Role::Requester;
    let mut tx = store.write(client.id).await.unwrap();
    person::update(&mut tx, &mut ada).await.unwrap();
    tx.commit().await.unwrap();
    let shown = sign_in::shown(&store, &[1; 32], None).await.unwrap().unwrap();
    assert_eq!((shown.sign_in, shown.person), (sign_in, ada));
    assert_eq!((shown.home.as_str(), shown.reached), (client.key.as_str(), None));
    assert_eq!(sign_in::shown(&store, &[2; 32], None).await.unwrap(), None);
}

async fn a_sign_in_reaches_its_organization_and_those_below(store: Store) {
    let Tree { platform, provider, client, .. } = tree(&store).await;
    let tom = person_of(&store, provider.id, "Tom").await;
    stored(&store, &sign_in_of(&tom, 1)).await;
    let reached = async |key: &str| {
        let shown = sign_in::shown(&store, &[1; 32], Some(key)).await.unwrap();
        shown.unwrap().reached
    };
    assert_eq!(reached(client.key.as_str()).await, Some(client.id));
    assert_eq!(reached(provider.key.as_str()).await, Some(provider.id));
    assert_eq!(reached(platform.key.as_str()).await, None);
    assert_eq!(reached("nowhere").await, None);
}

async fn a_use_is_noted_and_never_taken_back(store: Store) {
    let Tree { client, .. } = tree(&store).await;
    let ada = person_of(&store, client.id, "Ada").await;
    let sign_in = sign_in_of(&ada, 1);
    stored(&store, &sign_in).await;
    // Two pages at the same moment may note it in any order.
    for time in [at(500), at(400)] {
        let mut tx = store.write(client.id).await.unwrap();
        sign_in::note_use(&mut tx, sign_in.id, time).await.unwrap();
        tx.commit().await.unwrap();
    }
    let shown = sign_in::shown(&store, &[1; 32], None).await.unwrap().unwrap();
    assert_eq!(shown.sign_in.used_at, at(500));
}

async fn who_proves_again_who_they_are_keeps_another_secret(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let ada = person_of(&store, client.id, "Ada").await;
    let sign_in = sign_in_of(&ada, 1);
    stored(&store, &sign_in).await;
    let prove = async |org, hash: u8| {
        let mut tx = store.write(org).await.unwrap();
        sign_in::prove(&mut tx, sign_in.id, &[hash; 32], at(50)).await?;
        tx.commit().await
    };
    prove(client.id, 2).await.unwrap();
    assert_eq!(sign_in::shown(&store, &[1; 32], None).await.unwrap(), None);
    let shown = sign_in::shown(&store, &[2; 32], None).await.unwrap().unwrap();
    assert_eq!(shown.sign_in, SignIn { hash: [2; 32], proven_at: at(50), ..sign_in.clone() });
    // Not what another organization names, and not what was ended.
    assert!(matches!(prove(other.id, 3).await, Err(StoreError::Stale)));
    let mut tx = store.write(client.id).await.unwrap();
    sign_in::end(&mut tx, ada.id, sign_in.id, at(60)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(prove(client.id, 3).await, Err(StoreError::Stale)));
}

async fn ended(store: &Store, hash: u8) -> Option<DateTime<Utc>> {
    sign_in::shown(store, &[hash; 32], None).await.unwrap().unwrap().sign_in.ended_at
}

async fn sign_ins_are_ended_by_whose_they_are(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let ada = person_of(&store, client.id, "Ada").await;
    let ben = person_of(&store, client.id, "Ben").await;
    let all: Vec<SignIn> = (1..=3).map(|hash| sign_in_of(&ada, hash)).collect();
    for one in &all {
        stored(&store, one).await;
    }
    stored(&store, &sign_in_of(&ben, 4)).await;
    let mut tx = store.write(client.id).await.unwrap();
    sign_in::end(&mut tx, ben.id, all[0].id, at(9)).await.unwrap();
    sign_in::end(&mut tx, ada.id, all[1].id, at(9)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((ended(&store, 1).await, ended(&store, 2).await), (None, Some(at(9))));
    let mut tx = store.read(client.id).await.unwrap();
    let open = sign_in::of_person(&mut tx, ada.id).await.unwrap();
    assert_eq!(open, [all[2].clone(), all[0].clone()]);
    drop(tx);
    // Another organization ends nothing here.
    let mut tx = store.write(other.id).await.unwrap();
    assert_eq!(sign_in::end_others(&mut tx, ada.id, None, at(10)).await.unwrap(), 0);
    tx.commit().await.unwrap();
    let mut tx = store.write(client.id).await.unwrap();
    assert_eq!(sign_in::end_others(&mut tx, ada.id, Some(all[2].id), at(10)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!((ended(&store, 1).await, ended(&store, 3).await), (Some(at(10)), None));
    assert_eq!(ended(&store, 4).await, None);
}

async fn what_is_done_with_a_sign_in_needs_one_that_was_not_ended(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let ada = person_of(&store, client.id, "Ada").await;
    let ben = person_of(&store, client.id, "Ben").await;
    let sign_in = sign_in_of(&ada, 1);
    stored(&store, &sign_in).await;
    let holds = async |org, person| {
        let mut tx = store.write(org).await.unwrap();
        match sign_in::must_hold(&mut tx, person, sign_in.id).await {
            Err(StoreError::Stale) => false,
            held => held.is_ok(),
        }
    };
    assert!(holds(client.id, ada.id).await);
    assert!(!holds(client.id, ben.id).await && !holds(other.id, ada.id).await);
    let mut tx = store.write(client.id).await.unwrap();
    sign_in::end(&mut tx, ada.id, sign_in.id, at(9)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!holds(client.id, ada.id).await);
}

async fn a_link_is_used_once_and_ends_the_others_of_its_person(store: Store) {
    let Tree { client, .. } = tree(&store).await;
    let ada = person_of(&store, client.id, "Ada").await;
    let ben = person_of(&store, client.id, "Ben").await;
    let (first, second) = (link_of(&ada, 1), link_of(&ada, 2));
    for link in [&first, &second, &link_of(&ben, 3)] {
        stored_link(&store, link).await;
    }
    let (found, member) = sign_in::find_link(&store, &[1; 32]).await.unwrap().unwrap();
    assert_eq!((found, member.person), (first.clone(), ada.clone()));
    let mut tx = store.write(client.id).await.unwrap();
    sign_in::use_link(&mut tx, &first, at(9)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write(client.id).await.unwrap();
    for link in [&first, &second] {
        let refused = sign_in::use_link(&mut tx, link, at(10)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Stale));
    }
    drop(tx);
    let used =
        async |hash| sign_in::find_link(&store, &[hash; 32]).await.unwrap().unwrap().0.used_at;
    assert_eq!((used(1).await, used(2).await, used(3).await), (Some(at(9)), Some(at(9)), None));
    // Whoever ends all sign-ins of a person ends their links, too.
    let mut tx = store.write(client.id).await.unwrap();
    assert_eq!(sign_in::end_all(&mut tx, ben.id, at(11)).await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert_eq!(used(3).await, Some(at(11)));
}

/// Changes a person who has a sign-in and a link, and says whether each of them is gone.
async fn changed(
    store: &Store,
    person: &mut Person,
    hash: u8,
    change: impl FnOnce(&mut Person),
) -> (bool, bool) {
    stored(store, &sign_in_of(person, hash)).await;
    stored_link(store, &link_of(person, hash)).await;
    change(person);
    let mut tx = store.write(person.org).await.unwrap();
    person::update(&mut tx, person).await.unwrap();
    tx.commit().await.unwrap();
    let shown = sign_in::shown(store, &[hash; 32], None).await.unwrap();
    let link = sign_in::find_link(store, &[hash; 32]).await.unwrap();
    (shown.is_none(), link.is_none())
}

async fn who_leaves_or_gets_another_role_than_requester_is_signed_out(store: Store) {
    let Tree { client, .. } = tree(&store).await;
    let mut ada = person_of(&store, client.id, "Ada").await;
    let mut hash = 0;
    for from in Role::ALL {
        for to in Role::ALL {
            hash += 2;
            let _ = changed(&store, &mut ada, hash, |person| person.role = *from).await;
            let ends = changed(&store, &mut ada, hash + 1, |person| person.role = *to).await;
            let expected = from != to && *to != Role::Requester;
            assert_eq!(ends, (expected, expected), "{from} → {to}");
        }
    }
    let renamed = |person: &mut Person| "Ada Abel".clone_into(&mut person.name);
    assert_eq!(changed(&store, &mut ada, 101, renamed).await, (false, false));
    assert_eq!(changed(&store, &mut ada, 102, |person| person.active = false).await, (true, true));
    assert_eq!(changed(&store, &mut ada, 103, |person| person.active = true).await, (false, false));
}

/// On SQLite there is one writer, so nobody begins anything while somebody leaves.
#[tokio::test]
async fn a_sign_in_that_begins_while_its_person_leaves_is_ended() {
    // What others wait for stands in no view that the desk's role may read; their locks do.
    const WAITING: &str = "select count(*) from pg_locks where not granted and pid in (
        select pid from pg_stat_activity where datname = current_database())";
    let store = testing::postgres("a_sign_in_that_begins_while_its_person_leaves_is_ended").await;
    let Tree { client, other, .. } = tree(&store).await;
    let changes: [fn(&mut Person); 2] =
        [|person| person.active = false, |person| person.role = Role::Auditor];
    let mut hash = 0;
    for change in changes {
        for begins_by_link in [true, false] {
            hash += 1;
            let mut ada = person_of(&store, client.id, &format!("ada-{hash}")).await;
            let link = link_of(&ada, hash);
            stored_link(&store, &link).await;
            let kept =
                PasswordHash { org: ada.org, person: ada.id, phc: "a".to_owned(), set_at: at(1) };
            let mut tx = store.write(client.id).await.unwrap();
            password::put(&mut tx, &kept).await.unwrap();
            tx.commit().await.unwrap();

            let mut beginning = store.write(client.id).await.unwrap();
            if begins_by_link {
                sign_in::use_link(&mut beginning, &link, at(2)).await.unwrap();
            } else {
                assert!(password::renew(&mut beginning, &kept, "b").await.unwrap());
            }
            sign_in::insert(&mut beginning, &sign_in_of(&ada, hash)).await.unwrap();
            let leaving = tokio::spawn({
                let store = store.clone();
                async move {
                    change(&mut ada);
                    let mut tx = store.write(ada.org).await.unwrap();
                    person::update(&mut tx, &mut ada).await.unwrap();
                    tx.commit().await.unwrap();
                }
            });
            // Until the change waits, or has not waited.
            loop {
                let mut tx = store.write(other.id).await.unwrap();
                if leaving.is_finished() || testing::number_as(&mut tx, WAITING).await.unwrap() > 0
                {
                    break;
                }
                tokio::task::yield_now().await;
            }
            beginning.commit().await.unwrap();
            leaving.await.unwrap();
            assert_eq!(sign_in::shown(&store, &[hash; 32], None).await.unwrap(), None);
        }
    }
}

async fn people_are_found_by_their_address_in_all_organizations(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let address = "Zo\u{eb}@Everywhere.example";
    let mut here = fixture::person(client.id, "Here");
    let mut there = fixture::person(other.id, "There");
    let mut left = fixture::person(other.id, "Left");
    here.email = Some(address.to_owned());
    there.email = Some(address.to_uppercase());
    left.email = Some("left@everywhere.example".to_owned());
    left.active = false;
    for one in [&here, &there, &left] {
        let mut tx = store.write(one.org).await.unwrap();
        person::insert(&mut tx, one).await.unwrap();
        tx.commit().await.unwrap();
    }
    let found = sign_in::members_at(&store, &address.to_lowercase(), None, 10).await.unwrap();
    let of = |one: &Member| (one.person.id, one.org_key.clone());
    let mut found: Vec<(PersonId, String)> = found.iter().map(of).collect();
    found.sort();
    let mut expected = vec![(here.id, client.key.to_string()), (there.id, other.key.to_string())];
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(sign_in::members_at(&store, address, None, 1).await.unwrap().len(), 1);
    let nobody = sign_in::members_at(&store, "left@everywhere.example", None, 10).await.unwrap();
    assert_eq!(nobody, []);
}

async fn more_accounts_with_an_address_push_nobody_out(store: Store) {
    let Tree { provider, client, other, .. } = tree(&store).await;
    let address = "victim@everywhere.example";
    let added = async |org| {
        let person = Person { email: Some(address.to_owned()), ..fixture::person(org, "Victim") };
        let mut tx = store.write(org).await.unwrap();
        person::insert(&mut tx, &person).await.unwrap();
        tx.commit().await.unwrap();
        person.id
    };
    let oldest = added(client.id).await;
    // Their keys are before all others.
    for key in ["0a", "0b", "0c"] {
        let made = fixture::organization(&store, OrgKind::Client, Some(provider.id), key).await;
        added(made.id).await;
    }
    let latest = added(other.id).await;
    let first = async |asked: Option<&str>| {
        let found = sign_in::members_at(&store, address, asked, 1).await.unwrap();
        found[0].person.id
    };
    assert_eq!(first(None).await, oldest);
    assert_eq!(first(Some("nowhere")).await, oldest);
    assert_eq!(first(Some(other.key.as_str())).await, latest);
}

async fn what_is_old_is_removed(store: Store) {
    let Tree { client, .. } = tree(&store).await;
    let ada = person_of(&store, client.id, "Ada").await;
    for hash in 1..=4 {
        stored(&store, &sign_in_of(&ada, hash)).await;
        stored_link(&store, &link_of(&ada, hash)).await;
    }
    let has = async |before| {
        let mut tx = store.system_read().await.unwrap();
        let [sign_ins, links] = sign_in::OLD;
        let all = [sign_ins.has_any(&mut tx, before).await, links.has_any(&mut tx, before).await];
        all.map(Result::unwrap)
    };
    assert_eq!((has(at(1)).await, has(at(2)).await), ([false; 2], [true; 2]));
    let mut tx = store.system().await.unwrap();
    for old in sign_in::OLD {
        assert_eq!(old.remove(&mut tx, at(3), 1).await.unwrap(), 1);
        assert_eq!(old.remove(&mut tx, at(3), 10).await.unwrap(), 1);
    }
    tx.commit().await.unwrap();
    assert_eq!((has(at(3)).await, has(at(4)).await), ([false; 2], [true; 2]));
    assert!(sign_in::shown(&store, &[2; 32], None).await.unwrap().is_none());
    assert!(sign_in::shown(&store, &[3; 32], None).await.unwrap().is_some());
}
