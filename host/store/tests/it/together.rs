//! Questions that are asked at the same moment go in few statements, and each gets its own answer.

use waypost_domain::{ids::TokenId, role::Role};
use waypost_store::{
    Store, on_both_engines, testing,
    token::{self, Token},
};

use crate::fixture::{at, id, tree};

on_both_engines! {
    tokens_that_are_shown_together_are_each_found
    one_that_cannot_be_read_harms_no_other
    ; in files:
    tokens_that_are_shown_together_are_found_in_few_statements
}

fn hash_of(n: u8) -> [u8; 32] {
    [n; 32]
}

/// Makes tokens of an organization and of the one above it, in turns.
async fn issued(store: &Store, many: u8) {
    let tree = tree(store).await;
    for n in 0..many {
        let org = if n % 2 == 0 { tree.client.id } else { tree.provider.id };
        let token = Token {
            id: TokenId(id()),
            org,
            hash: hash_of(n),
            name: format!("token {n}"),
            role: Role::Agent,
            person: None,
            created_at: at(1),
            expires_at: None,
            revoked_at: None,
        };
        let mut tx = store.write(org).await.unwrap();
        token::insert(&mut tx, &token).await.unwrap();
        tx.commit().await.unwrap();
    }
}

async fn shown(
    store: &Store,
    n: u8,
    asked: Option<&'static str>,
) -> Result<Option<(String, bool)>, waypost_store::StoreError> {
    let shown = token::shown(store, &hash_of(n), asked).await?;
    Ok(shown.map(|shown| (shown.token.name, shown.reached.is_some())))
}

async fn tokens_that_are_shown_together_are_each_found(store: Store) {
    issued(&store, 4).await;
    let all = tokio::join!(
        shown(&store, 0, None),
        shown(&store, 1, Some("acme")),
        shown(&store, 9, None),
        shown(&store, 1, Some("nowhere")),
        shown(&store, 3, None),
    );
    let name = |n: u8, reached| Some((format!("token {n}"), reached));
    assert_eq!(all.0.unwrap(), name(0, false));
    assert_eq!(all.1.unwrap(), name(1, true));
    assert_eq!(all.2.unwrap(), None);
    assert_eq!(all.3.unwrap(), name(1, false));
    assert_eq!(all.4.unwrap(), name(3, false));
}

async fn one_that_cannot_be_read_harms_no_other(store: Store) {
    issued(&store, 3).await;
    let mut tx = store.system().await.unwrap();
    testing::execute(&mut tx, "update tokens set role = 'pope' where name = 'token 1'")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let (a, b, c) =
        tokio::join!(shown(&store, 0, None), shown(&store, 1, None), shown(&store, 2, None));
    assert!(a.is_ok() && b.is_err() && c.is_ok(), "{a:?}, {b:?}, {c:?}");
}

async fn tokens_that_are_shown_together_are_found_in_few_statements(store: Store) {
    issued(&store, 1).await;
    let before = store.stats();
    let all: Vec<_> = (0..200u8)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { shown(&store, n, None).await.unwrap().is_some() })
        })
        .collect();
    let mut found = 0;
    for one in all {
        found += usize::from(one.await.unwrap());
    }
    assert_eq!(found, 1);
    let spent = store.stats().since(before);
    assert!(spent.trips <= 20, "{spent:?} for 200");
}
