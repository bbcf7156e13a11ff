//! Idempotency keys: a request that is sent twice is carried out once.

use waypost_store::{
    Store, StoreError,
    idempotency::{self, Known, RequestKey},
    on_both_engines,
};

use crate::fixture::{Tree, at, tree};

on_both_engines! {
    a_repeat_is_answered_the_same
    another_body_is_a_mismatch
    a_request_that_is_carried_out_is_not_begun_again
    a_request_that_died_is_taken_over
    a_request_that_died_after_its_changes_is_not_taken_over
    changes_of_a_request_that_was_taken_over_are_refused
    an_abandoned_request_is_begun_again
    expired_requests_are_forgotten
    requests_of_organizations_and_callers_are_apart
}

fn request(key: &str) -> RequestKey {
    RequestKey {
        caller: "token 1".to_owned(),
        method: "POST".to_owned(),
        path: "/api/v1/tickets".to_owned(),
        key: key.to_owned(),
    }
}

const BODY: [u8; 32] = [1; 32];

async fn a_repeat_is_answered_the_same(store: Store) {
    let org = tree(&store).await.client;
    let request = request("k");
    let mut tx = store.write(org.id).await.unwrap();
    let known = idempotency::begin(&mut tx, &request, &BODY, at(1), at(2)).await.unwrap();
    assert_eq!(known, Known::Fresh);
    idempotency::complete(&mut tx, &request, 201, b"created", at(100)).await.unwrap();
    let known = idempotency::begin(&mut tx, &request, &BODY, at(50), at(51)).await.unwrap();
    assert_eq!(known, Known::Replay { status: 201, response: b"created".to_vec() });
}

async fn another_body_is_a_mismatch(store: Store) {
    let org = tree(&store).await.client;
    let request = request("k");
    let mut tx = store.write(org.id).await.unwrap();
    idempotency::begin(&mut tx, &request, &BODY, at(1), at(2)).await.unwrap();
    let known = idempotency::begin(&mut tx, &request, &[2; 32], at(1), at(2)).await.unwrap();
    assert_eq!(known, Known::Mismatch);
    idempotency::complete(&mut tx, &request, 201, b"created", at(100)).await.unwrap();
    let known = idempotency::begin(&mut tx, &request, &[2; 32], at(1), at(2)).await.unwrap();
    assert_eq!(known, Known::Mismatch);
}

async fn a_request_that_is_carried_out_is_not_begun_again(store: Store) {
    let org = tree(&store).await.client;
    let request = request("k");
    let mut tx = store.write(org.id).await.unwrap();
    idempotency::begin(&mut tx, &request, &BODY, at(1), at(5)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write(org.id).await.unwrap();
    let known = idempotency::begin(&mut tx, &request, &BODY, at(4), at(9)).await.unwrap();
    assert_eq!(known, Known::InProgress);
}

async fn a_request_that_died_is_taken_over(store: Store) {
    let org = tree(&store).await.client;
    let request = request("k");
    let mut tx = store.write(org.id).await.unwrap();
    idempotency::begin(&mut tx, &request, &BODY, at(1), at(5)).await.unwrap();
    let known = idempotency::begin(&mut tx, &request, &BODY, at(5), at(9)).await.unwrap();
    assert_eq!(known, Known::Fresh);
}

async fn a_request_that_died_after_its_changes_is_not_taken_over(store: Store) {
    let org = tree(&store).await.client;
    let request = request("k");
    let mut tx = store.write(org.id).await.unwrap();
    idempotency::begin(&mut tx, &request, &BODY, at(1), at(5)).await.unwrap();
    tx.commit().await.unwrap();
    // Changes that are not kept leave no mark.
    let mut tx = store.write(org.id).await.unwrap();
    idempotency::carry_out(&mut tx, &request, at(2), at(100)).await.unwrap();
    drop(tx);
    let mut tx = store.write(org.id).await.unwrap();
    let known = idempotency::begin(&mut tx, &request, &BODY, at(3), at(9)).await.unwrap();
    assert_eq!(known, Known::InProgress);
    idempotency::carry_out(&mut tx, &request, at(4), at(100)).await.unwrap();
    idempotency::abandon(&mut tx, &request).await.unwrap();
    let known = idempotency::begin(&mut tx, &request, &BODY, at(50), at(55)).await.unwrap();
    assert_eq!(known, Known::CarriedOut(at(4)));
    idempotency::complete(&mut tx, &request, 201, b"created", at(100)).await.unwrap();
    let known = idempotency::begin(&mut tx, &request, &BODY, at(51), at(56)).await.unwrap();
    assert!(matches!(known, Known::Replay { status: 201, .. }));
}

async fn changes_of_a_request_that_was_taken_over_are_refused(store: Store) {
    let org = tree(&store).await.client;
    let request = request("k");
    let mut tx = store.write(org.id).await.unwrap();
    idempotency::begin(&mut tx, &request, &BODY, at(1), at(5)).await.unwrap();
    idempotency::begin(&mut tx, &request, &BODY, at(5), at(9)).await.unwrap();
    idempotency::carry_out(&mut tx, &request, at(6), at(100)).await.unwrap();
    let late = idempotency::carry_out(&mut tx, &request, at(7), at(100)).await;
    assert!(matches!(late, Err(StoreError::Stale)));
}

async fn an_abandoned_request_is_begun_again(store: Store) {
    let org = tree(&store).await.client;
    let request = request("k");
    let mut tx = store.write(org.id).await.unwrap();
    idempotency::begin(&mut tx, &request, &BODY, at(1), at(5)).await.unwrap();
    idempotency::abandon(&mut tx, &request).await.unwrap();
    let known = idempotency::begin(&mut tx, &request, &[9; 32], at(2), at(6)).await.unwrap();
    assert_eq!(known, Known::Fresh);
    // What was carried out is not abandoned any more.
    idempotency::complete(&mut tx, &request, 200, b"", at(100)).await.unwrap();
    idempotency::abandon(&mut tx, &request).await.unwrap();
    let known = idempotency::begin(&mut tx, &request, &[9; 32], at(3), at(7)).await.unwrap();
    assert_eq!(known, Known::Replay { status: 200, response: Vec::new() });
}

async fn expired_requests_are_forgotten(store: Store) {
    let org = tree(&store).await.client;
    let mut tx = store.write(org.id).await.unwrap();
    for key in ["a", "b", "c"] {
        idempotency::begin(&mut tx, &request(key), &BODY, at(1), at(2)).await.unwrap();
        idempotency::complete(&mut tx, &request(key), 200, b"", at(10)).await.unwrap();
    }
    idempotency::complete(&mut tx, &request("c"), 200, b"", at(90)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.system().await.unwrap();
    assert_eq!(idempotency::purge(&mut tx, at(9), 10).await.unwrap(), 0);
    assert_eq!(idempotency::purge(&mut tx, at(10), 1).await.unwrap(), 1);
    assert_eq!(idempotency::purge(&mut tx, at(10), 10).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let mut tx = store.write(org.id).await.unwrap();
    let known = idempotency::begin(&mut tx, &request("c"), &BODY, at(20), at(21)).await.unwrap();
    assert!(matches!(known, Known::Replay { .. }));
    let known = idempotency::begin(&mut tx, &request("c"), &BODY, at(90), at(91)).await.unwrap();
    assert_eq!(known, Known::Fresh);
}

async fn requests_of_organizations_and_callers_are_apart(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let ours = request("k");
    let mut tx = store.write(client.id).await.unwrap();
    idempotency::begin(&mut tx, &ours, &BODY, at(1), at(5)).await.unwrap();
    for another in [
        RequestKey { caller: "token 2".to_owned(), ..ours.clone() },
        RequestKey { method: "PUT".to_owned(), ..ours.clone() },
        RequestKey { path: "/api/v1/people".to_owned(), ..ours.clone() },
    ] {
        let known = idempotency::begin(&mut tx, &another, &BODY, at(1), at(5)).await.unwrap();
        assert_eq!(known, Known::Fresh);
    }
    tx.commit().await.unwrap();
    let mut tx = store.write(other.id).await.unwrap();
    let refused = idempotency::complete(&mut tx, &ours, 200, b"", at(9)).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    let known = idempotency::begin(&mut tx, &ours, &BODY, at(1), at(5)).await.unwrap();
    assert_eq!(known, Known::Fresh);
}
