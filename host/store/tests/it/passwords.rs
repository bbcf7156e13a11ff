//! Passwords: of one person, apart by organization; and tries, counted by address.

use waypost_domain::{
    ids::{OrgId, SignInId, SignInLinkId},
    password::{PasswordHash, TRY_WINDOW, Tries},
    person::Person,
    sign_in::{LinkPurpose, SignIn, SignInLink},
};
use waypost_store::{
    Store, on_both_engines, password, person,
    sign_in::{self, Member},
};

use crate::fixture::{self, Tree, at, tree};

on_both_engines! {
    a_password_is_set_changed_and_removed
    a_password_is_kept_in_another_way_only_while_it_is_still_there
    passwords_are_found_by_an_address_in_all_organizations
    who_leaves_loses_their_password
    another_address_ends_what_the_earlier_one_opened
    tries_are_counted_within_their_window
    tries_that_count_no_more_are_removed
}

async fn person_of(store: &Store, org: OrgId, name: &str, email: &str) -> Person {
    let person = Person { email: Some(email.to_owned()), ..fixture::person(org, name) };
    let mut tx = store.write(org).await.unwrap();
    person::insert(&mut tx, &person).await.unwrap();
    tx.commit().await.unwrap();
    person
}

fn password_of(person: &Person, phc: &str, time: i64) -> PasswordHash {
    PasswordHash { org: person.org, person: person.id, phc: phc.to_owned(), set_at: at(time) }
}

async fn put(store: &Store, password: &PasswordHash) {
    let mut tx = store.write(password.org).await.unwrap();
    password::put(&mut tx, password).await.unwrap();
    tx.commit().await.unwrap();
}

async fn kept(store: &Store, org: OrgId, person: &Person) -> Option<PasswordHash> {
    password::of_person(&mut store.read(org).await.unwrap(), person.id).await.unwrap()
}

async fn a_password_is_set_changed_and_removed(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let ada = person_of(&store, client.id, "Ada", "ada@here.example").await;
    assert_eq!(kept(&store, client.id, &ada).await, None);
    for password in [password_of(&ada, "first", 1), password_of(&ada, "second", 2)] {
        put(&store, &password).await;
        assert_eq!(kept(&store, client.id, &ada).await, Some(password));
    }
    // Another organization sees and removes nothing.
    assert_eq!(kept(&store, other.id, &ada).await, None);
    let mut tx = store.write(other.id).await.unwrap();
    assert!(!password::remove(&mut tx, ada.id).await.unwrap());
    assert!(password::put(&mut tx, &password_of(&ada, "third", 3)).await.is_err());
    drop(tx);
    for expected in [true, false] {
        let mut tx = store.write(client.id).await.unwrap();
        assert_eq!(password::remove(&mut tx, ada.id).await.unwrap(), expected);
        tx.commit().await.unwrap();
    }
    assert_eq!(kept(&store, client.id, &ada).await, None);
}

async fn a_password_is_kept_in_another_way_only_while_it_is_still_there(store: Store) {
    let Tree { client, .. } = tree(&store).await;
    let ada = person_of(&store, client.id, "Ada", "ada@here.example").await;
    let first = password_of(&ada, "first", 1);
    put(&store, &first).await;
    for (phc, expected) in [("first, dearer", true), ("again", false)] {
        let mut tx = store.write(client.id).await.unwrap();
        assert_eq!(password::renew(&mut tx, &first, phc).await.unwrap(), expected);
        tx.commit().await.unwrap();
    }
    let renewed = password_of(&ada, "first, dearer", 1);
    assert_eq!(kept(&store, client.id, &ada).await, Some(renewed));
}

async fn passwords_are_found_by_an_address_in_all_organizations(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let address = "Zo\u{eb}@Everywhere.example";
    let here = person_of(&store, client.id, "Here", address).await;
    let there = person_of(&store, other.id, "There", &address.to_uppercase()).await;
    let ben = person_of(&store, client.id, "Ben", "ben@here.example").await;
    let all = [password_of(&here, "a", 1), password_of(&there, "b", 2)];
    for password in all.iter().chain(&[password_of(&ben, "c", 3)]) {
        put(&store, password).await;
    }
    let found = async |address: &str, asked: Option<&str>, most| {
        let found = password::at_address(&store, address, asked, most).await.unwrap();
        let whose = |(password, member): (PasswordHash, Member)| {
            assert_eq!((member.person.org, member.person.id), (password.org, password.person));
            password
        };
        found.into_iter().map(whose).collect::<Vec<_>>()
    };
    assert_eq!(found(&address.to_lowercase(), None, 3).await, all);
    // That of the oldest account comes first, but for the one that was asked for.
    assert_eq!(found(address, None, 1).await, all[..1]);
    assert_eq!(found(address, Some("nowhere"), 1).await, all[..1]);
    assert_eq!(found(address, Some(other.key.as_str()), 1).await, all[1..]);
    assert_eq!(found("nobody@here.example", None, 3).await, []);
}

async fn who_leaves_loses_their_password(store: Store) {
    let Tree { client, .. } = tree(&store).await;
    let mut ada = person_of(&store, client.id, "Ada", "ada@here.example").await;
    put(&store, &password_of(&ada, "first", 1)).await;
    for (active, has_one) in [(true, true), (false, false), (true, false)] {
        ada.active = active;
        let mut tx = store.write(client.id).await.unwrap();
        person::update(&mut tx, &mut ada).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(kept(&store, client.id, &ada).await.is_some(), has_one);
    }
}

async fn another_address_ends_what_the_earlier_one_opened(store: Store) {
    let Tree { client, .. } = tree(&store).await;
    let mut ada = person_of(&store, client.id, "Ada", "ada@here.example").await;
    put(&store, &password_of(&ada, "first", 1)).await;
    let mut tx = store.write(client.id).await.unwrap();
    let sign_in = SignIn {
        id: SignInId(fixture::id()),
        org: client.id,
        person: ada.id,
        hash: [7; 32],
        device: String::new(),
        created_at: at(1),
        used_at: at(1),
        proven_at: at(1),
        ended_at: None,
    };
    sign_in::insert(&mut tx, &sign_in).await.unwrap();
    let link = SignInLink {
        id: SignInLinkId(fixture::id()),
        org: client.id,
        person: ada.id,
        purpose: LinkPurpose::Setup,
        hash: [8; 32],
        created_at: at(1),
        expires_at: at(9),
        used_at: None,
    };
    sign_in::insert_link(&mut tx, &link).await.unwrap();
    tx.commit().await.unwrap();
    for (address, stays) in [(Some("ADA@here.example"), true), (Some("ada@there.example"), false)] {
        ada.email = address.map(str::to_owned);
        let mut tx = store.write(client.id).await.unwrap();
        person::update(&mut tx, &mut ada).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(kept(&store, client.id, &ada).await.is_some(), stays);
        assert_eq!(sign_in::shown(&store, &[7; 32], None).await.unwrap().is_some(), stays);
        assert_eq!(sign_in::find_link(&store, &[8; 32]).await.unwrap().is_some(), stays);
    }
}

async fn tries_are_counted_within_their_window(store: Store) {
    let count = async |address: u8, now| {
        let mut tx = store.system().await.unwrap();
        let tries = password::count_try(&mut tx, &[address; 32], now).await.unwrap();
        tx.commit().await.unwrap();
        tries
    };
    assert_eq!(count(1, at(0)).await, Tries { since: at(0), count: 1 });
    assert_eq!(count(1, at(1)).await, Tries { since: at(0), count: 2 });
    assert_eq!(count(2, at(1)).await, Tries { since: at(1), count: 1 });
    let over = at(0) + TRY_WINDOW;
    let before = over - chrono::TimeDelta::seconds(1);
    assert_eq!(count(1, before).await, Tries { since: at(0), count: 3 });
    assert_eq!(count(1, over).await, Tries { since: over, count: 1 });
    assert_eq!(count(1, over).await.count, 2);
    // One is taken back, and the others stay. One of an earlier window is over.
    for since in [over, at(0)] {
        let mut tx = store.system().await.unwrap();
        password::take_try_back(&mut tx, &[1; 32], since).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(count(1, over).await.count, if since == over { 2 } else { 3 });
    }
    assert_eq!(count(2, at(2)).await.count, 2);
}

async fn tries_that_count_no_more_are_removed(store: Store) {
    for address in 1..=4 {
        let mut tx = store.system().await.unwrap();
        let now = at(i64::from(address));
        password::count_try(&mut tx, &[address; 32], now).await.unwrap();
        tx.commit().await.unwrap();
    }
    let has = async |before| {
        let mut tx = store.system_read().await.unwrap();
        password::TRIES.has_any(&mut tx, before).await.unwrap()
    };
    assert!(!has(at(1)).await && has(at(2)).await);
    let mut tx = store.system().await.unwrap();
    assert_eq!(password::TRIES.remove(&mut tx, at(4), 1).await.unwrap(), 1);
    assert_eq!(password::TRIES.remove(&mut tx, at(4), 10).await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert!(!has(at(4)).await && has(at(5)).await);
}
