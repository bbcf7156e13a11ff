//! Idempotency keys: a request that is sent twice is carried out once.

use waypost_domain::ids::OrgId;
use waypost_store::{
    Store, StoreError,
    idempotency::{self, Answered, CarriedOut, Known, RequestKey},
    on_both_engines,
};

use crate::fixture::{Tree, at, tree};

on_both_engines! {
    a_repeat_is_answered_the_same
    a_refusal_is_kept_too
    another_body_is_a_mismatch
    a_request_that_was_carried_out_is_known_by_the_commit_of_its_changes
    changes_of_a_request_that_another_server_has_carried_out_are_refused
    an_answer_takes_the_place_of_no_other
    an_expired_key_is_as_good_as_none
    expired_requests_are_forgotten
    requests_of_organizations_and_callers_are_apart
}

fn request(key: &str) -> RequestKey {
    RequestKey {
        caller: "token 1".to_owned(),
        method: "POST".to_owned(),
        path: "/api/v1/tickets".to_owned(),
        key: key.to_owned(),
        digest: [1; 32],
    }
}

/// Carried out at this minute, remembered for a hundred more.
async fn carry_out(
    store: &Store,
    org: OrgId,
    request: &RequestKey,
    minute: i64,
) -> Result<(), StoreError> {
    let mut tx = store.write(org).await?;
    idempotency::carry_out(&mut tx, vec![carried_out(request, minute)]).await?;
    tx.commit().await
}

fn carried_out(request: &RequestKey, minute: i64) -> CarriedOut {
    CarriedOut { request: request.clone(), at: at(minute), expires_at: at(minute + 100) }
}

async fn answer(
    store: &Store,
    org: OrgId,
    request: &RequestKey,
    carried_out: Option<i64>,
    status: u16,
) {
    let answered = Answered {
        request: request.clone(),
        carried_out_at: carried_out.map(at),
        status,
        response: b"answer".to_vec(),
        expires_at: at(100),
    };
    let mut tx = store.write(org).await.unwrap();
    idempotency::keep_answers(&mut tx, vec![answered]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn known(store: &Store, org: OrgId, request: &RequestKey, minute: i64) -> Option<Known> {
    idempotency::find(store, org, request, at(minute)).await.unwrap()
}

fn replay(status: u16) -> Known {
    Known::Replay { status, response: b"answer".to_vec() }
}

async fn a_repeat_is_answered_the_same(store: Store) {
    let org = tree(&store).await.client.id;
    let request = request("k");
    assert_eq!(known(&store, org, &request, 1).await, None);
    carry_out(&store, org, &request, 1).await.unwrap();
    answer(&store, org, &request, Some(1), 201).await;
    assert_eq!(known(&store, org, &request, 50).await, Some(replay(201)));
}

async fn a_refusal_is_kept_too(store: Store) {
    let org = tree(&store).await.client.id;
    answer(&store, org, &request("k"), None, 422).await;
    assert_eq!(known(&store, org, &request("k"), 50).await, Some(replay(422)));
}

async fn another_body_is_a_mismatch(store: Store) {
    let org = tree(&store).await.client.id;
    let (first, other) = (request("k"), RequestKey { digest: [2; 32], ..request("k") });
    carry_out(&store, org, &first, 1).await.unwrap();
    assert_eq!(known(&store, org, &other, 2).await, Some(Known::Mismatch));
    answer(&store, org, &first, Some(1), 201).await;
    assert_eq!(known(&store, org, &other, 2).await, Some(Known::Mismatch));
}

async fn a_request_that_was_carried_out_is_known_by_the_commit_of_its_changes(store: Store) {
    let org = tree(&store).await.client.id;
    let request = request("k");
    // Changes that are not kept leave no mark.
    let mut tx = store.write(org).await.unwrap();
    idempotency::carry_out(&mut tx, vec![carried_out(&request, 2)]).await.unwrap();
    drop(tx);
    assert_eq!(known(&store, org, &request, 3).await, None);
    carry_out(&store, org, &request, 4).await.unwrap();
    assert_eq!(known(&store, org, &request, 50).await, Some(Known::CarriedOut(at(4))));
}

async fn changes_of_a_request_that_another_server_has_carried_out_are_refused(store: Store) {
    let org = tree(&store).await.client.id;
    let request = request("k");
    carry_out(&store, org, &request, 1).await.unwrap();
    let late = carry_out(&store, org, &request, 2).await;
    assert!(matches!(late, Err(StoreError::Overtaken)), "{late:?}");
    assert_eq!(known(&store, org, &request, 3).await, Some(Known::CarriedOut(at(1))));
}

async fn an_answer_takes_the_place_of_no_other(store: Store) {
    let org = tree(&store).await.client.id;
    let request = request("k");
    carry_out(&store, org, &request, 1).await.unwrap();
    // Those of who came too late, on another server.
    answer(&store, org, &request, None, 409).await;
    answer(&store, org, &request, Some(2), 201).await;
    assert_eq!(known(&store, org, &request, 3).await, Some(Known::CarriedOut(at(1))));
    answer(&store, org, &request, Some(1), 201).await;
    answer(&store, org, &request, Some(1), 500).await;
    assert_eq!(known(&store, org, &request, 3).await, Some(replay(201)));
}

async fn an_expired_key_is_as_good_as_none(store: Store) {
    let org = tree(&store).await.client.id;
    let request = request("k");
    carry_out(&store, org, &request, 1).await.unwrap();
    assert_eq!(known(&store, org, &request, 101).await, None);
    carry_out(&store, org, &request, 102).await.unwrap();
    assert_eq!(known(&store, org, &request, 103).await, Some(Known::CarriedOut(at(102))));
}

async fn expired_requests_are_forgotten(store: Store) {
    let org = tree(&store).await.client.id;
    for (key, minute) in [("a", 1), ("b", 2), ("c", 90)] {
        carry_out(&store, org, &request(key), minute).await.unwrap();
    }
    let mut tx = store.system().await.unwrap();
    assert_eq!(idempotency::EXPIRED.remove(&mut tx, at(100), 10).await.unwrap(), 0);
    assert_eq!(idempotency::EXPIRED.remove(&mut tx, at(102), 1).await.unwrap(), 1);
    assert_eq!(idempotency::EXPIRED.remove(&mut tx, at(102), 10).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(known(&store, org, &request("a"), 3).await, None);
    assert_eq!(known(&store, org, &request("c"), 103).await, Some(Known::CarriedOut(at(90))));
}

async fn requests_of_organizations_and_callers_are_apart(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let ours = request("k");
    carry_out(&store, client.id, &ours, 1).await.unwrap();
    for another in [
        RequestKey { caller: "token 2".to_owned(), ..ours.clone() },
        RequestKey { method: "PUT".to_owned(), ..ours.clone() },
        RequestKey { path: "/api/v1/people".to_owned(), ..ours.clone() },
    ] {
        assert_eq!(known(&store, client.id, &another, 2).await, None);
    }
    assert_eq!(known(&store, other.id, &ours, 2).await, None);
    carry_out(&store, other.id, &ours, 3).await.unwrap();
    assert_eq!(known(&store, client.id, &ours, 4).await, Some(Known::CarriedOut(at(1))));
}
