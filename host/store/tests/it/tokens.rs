//! Tokens: found by the hash of their secret, by whoever holds it.

use waypost_domain::{
    ids::{OrgId, PersonId, TokenId},
    role::Role,
};
use waypost_store::{
    Store, StoreError, on_both_engines, testing,
    token::{self, Token},
};

use crate::fixture::{self, Tree, at, tree};

on_both_engines! {
    a_token_is_found_by_its_hash
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
    let mut tx = store.system_read().await.unwrap();
    assert_eq!(token::find_by_hash(&mut tx, &[1; 32]).await.unwrap(), Some(ours));
    assert_eq!(token::find_by_hash(&mut tx, &[2; 32]).await.unwrap(), Some(theirs));
    assert_eq!(token::find_by_hash(&mut tx, &[3; 32]).await.unwrap(), None);
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
    let report = token::find_by_hash(&mut tx, &[1; 32]).await.unwrap_err();
    assert!(matches!(report, StoreError::Corrupt { table: "tokens", column: "role" }));
}
