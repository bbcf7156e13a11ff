//! Tokens: found by the hash of their secret, by whoever holds it.

use waypost_domain::{
    ids::{OrgId, PersonId, TokenId},
    role::Role,
};
use waypost_store::{
    Store, StoreError, on_both_engines, person, testing,
    token::{self, Token},
};

use crate::fixture::{self, Tree, at, tree};

on_both_engines! {
    a_token_is_found_by_its_hash
    a_token_comes_with_the_role_that_its_person_has_now
    a_token_reaches_its_organization_and_those_below
    a_token_is_revoked_once
    tokens_of_organizations_are_apart
    unreadable_tokens_are_reported
}

fn token_of(org: OrgId, hash: u8) -> Token {
    Token {
        id: TokenId(fixture::id()),
        org,
        hash: [hash; 32],
        name: "monitoring".to_owned(),
        role: Role::Agent,
        person: Some(PersonId(fixture::id())),
        created_at: at(i64::from(hash)),
        expires_at: Some(at(1_000)),
        revoked_at: None,
    }
}

async fn stored(store: &Store, token: &Token) {
    let mut tx = store.write(token.org).await.unwrap();
    token::insert(&mut tx, token).await.unwrap();
    tx.commit().await.unwrap();
}

async fn a_token_is_found_by_its_hash(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let ours = token_of(client.id, 1);
    let theirs = Token { person: None, expires_at: None, ..token_of(other.id, 2) };
    stored(&store, &ours).await;
    stored(&store, &theirs).await;
    let found = async |hash| {
        let shown = token::shown(&store, &[hash; 32], None).await.unwrap();
        shown.map(|shown| shown.token)
    };
    assert_eq!(found(1).await, Some(ours));
    assert_eq!(found(2).await, Some(theirs));
    assert_eq!(found(3).await, None);
}

async fn a_token_comes_with_the_role_that_its_person_has_now(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let mut own = fixture::person(client.id, "Ada");
    let mut tx = store.write(client.id).await.unwrap();
    person::insert(&mut tx, &own).await.unwrap();
    tx.commit().await.unwrap();
    stored(&store, &Token { person: Some(own.id), ..token_of(client.id, 1) }).await;
    stored(&store, &Token { person: Some(own.id), ..token_of(other.id, 2) }).await;
    stored(&store, &Token { person: None, ..token_of(client.id, 3) }).await;
    let role = async |hash| token::shown(&store, &[hash; 32], None).await.unwrap().unwrap().person;
    assert_eq!(role(1).await, Some(own.role));
    assert_eq!(role(2).await, None, "somebody else's person");
    assert_eq!(role(3).await, None);
    let mut tx = store.write(client.id).await.unwrap();
    own.active = false;
    person::update(&mut tx, &mut own).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(role(1).await, None, "who has left");
}

async fn a_token_reaches_its_organization_and_those_below(store: Store) {
    let Tree { platform, client, other, .. } = tree(&store).await;
    stored(&store, &token_of(platform.id, 1)).await;
    stored(&store, &token_of(client.id, 2)).await;
    let reached = async |hash, key: &str| {
        token::shown(&store, &[hash; 32], Some(key)).await.unwrap().unwrap().reached
    };
    assert_eq!(reached(1, other.key.as_str()).await, Some(other.id));
    assert_eq!(reached(2, client.key.as_str()).await, Some(client.id));
    assert_eq!(reached(2, other.key.as_str()).await, None);
    assert_eq!(reached(2, platform.key.as_str()).await, None);
    assert_eq!(reached(2, "nowhere").await, None);
}

async fn a_token_is_revoked_once(store: Store) {
    let org = tree(&store).await.client;
    let mut token = token_of(org.id, 1);
    stored(&store, &token).await;
    let mut tx = store.write(org.id).await.unwrap();
    token::revoke(&mut tx, token.id, at(9)).await.unwrap();
    token.revoked_at = Some(at(9));
    assert_eq!(token::list(&mut tx).await.unwrap(), [token.clone()]);
    let refused = token::revoke(&mut tx, token.id, at(10)).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
}

async fn tokens_of_organizations_are_apart(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let token = token_of(client.id, 1);
    stored(&store, &token).await;
    let mut tx = store.write(other.id).await.unwrap();
    assert_eq!(token::list(&mut tx).await.unwrap(), []);
    let refused = token::revoke(&mut tx, token.id, at(10)).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    let refused = token::insert(&mut tx, &token_of(client.id, 2)).await;
    assert!(matches!(refused, Err(StoreError::WrongOrganization)), "{refused:?}");
}

async fn unreadable_tokens_are_reported(store: Store) {
    let org = tree(&store).await.client;
    stored(&store, &token_of(org.id, 1)).await;
    let mut tx = store.system().await.unwrap();
    testing::execute(&mut tx, "update tokens set role = 'root'").await.unwrap();
    tx.commit().await.unwrap();
    let report = token::shown(&store, &[1; 32], None).await.unwrap_err();
    assert!(matches!(report, StoreError::Corrupt { table: "tokens", column: "role" }));
}
