//! Requests that are sent twice: carried out once, answered the same.

use serde_json::{Value, json};
use waypost_store::testing;
use waypost_test_support::{Answer, Client, TestDesk, on_both_engines};

on_both_engines! {
    a_repeat_gets_the_first_answer_and_changes_nothing
    a_key_that_was_used_for_another_body_is_refused
    a_key_belongs_to_its_caller_and_its_address
    a_refusal_is_repeated_too
    a_key_is_forgotten_after_a_day
    repeats_at_the_same_moment_open_one_ticket
    a_key_that_is_none_is_refused
    a_request_whose_answer_was_lost_is_not_carried_out_again
    the_end_of_a_sign_in_whose_answer_was_lost_is_known_to_be_carried_out
}

async fn report(client: &Client, key: &str, line: &str) -> Answer {
    let ticket = json!({ "short_description": line });
    client.post_with("/incidents", &[("idempotency-key", key)], ticket).await
}

async fn count(client: &Client) -> Value {
    client.get("/tickets?count=true").await.ok()["total"].take()
}

async fn a_repeat_gets_the_first_answer_and_changes_nothing(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let client = &acme.requester.client;

    let first = report(client, "\"a-1\"", "No wifi").await;
    desk.clock.advance(chrono::TimeDelta::minutes(5));
    let again = report(client, "\"a-1\"", "No wifi").await;

    assert_eq!(first.header("idempotency-replayed"), None);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(first.header("etag"), again.header("etag"));
    assert_eq!(count(client).await, 1);
    // A bare token is tolerated, and means the same.
    assert_eq!(report(client, "a-1", "No wifi").await.text, first.text);
}

async fn a_key_that_was_used_for_another_body_is_refused(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let client = &acme.requester.client;
    let _ = report(client, "\"a-1\"", "No wifi").await.created();

    let other = report(client, "\"a-1\"", "No lan").await;

    assert_eq!((other.status.as_u16(), other.slug()), (422, "idempotency-key-reused"));
    assert_eq!(count(client).await, 1);
}

async fn a_key_belongs_to_its_caller_and_its_address(desk: TestDesk) {
    let (acme, bolt) = (desk.organization("acme").await, desk.organization("bolt").await);

    let ours = report(&acme.requester.client, "\"a-1\"", "No wifi").await.created();
    let agents = report(&acme.agent.client, "\"a-1\"", "No wifi").await.created();
    let theirs = report(&bolt.requester.client, "\"a-1\"", "No wifi").await.created();

    assert_ne!(ours["id"], agents["id"]);
    assert_ne!(ours["id"], theirs["id"]);
    let key = [("idempotency-key", "\"a-1\"")];
    let elsewhere = json!({ "short_description": "No wifi" });
    let other = acme.requester.client.post_with("/tickets", &key, elsewhere).await.created();
    assert_ne!(ours["id"], other["id"]);
}

async fn a_refusal_is_repeated_too(desk: TestDesk) {
    let acme = desk.organization("acme").await;

    let first = report(&acme.requester.client, "\"a-1\"", "").await;
    let again = report(&acme.requester.client, "\"a-1\"", "").await;

    assert_eq!(first.slug(), "missing-fields");
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((again.status, again.slug()), (first.status, first.slug()));
}

async fn a_key_is_forgotten_after_a_day(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let client = &acme.requester.client;
    let _ = report(client, "\"a-1\"", "No wifi").await.created();
    desk.clock.advance(chrono::TimeDelta::hours(25));

    let _ = report(client, "\"a-1\"", "No wifi").await.created();

    assert_eq!(count(client).await, 2);
}

async fn repeats_at_the_same_moment_open_one_ticket(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let client = &acme.requester.client;
    let one = || report(client, "\"a-1\"", "No wifi");

    let answers = tokio::join!(one(), one(), one(), one());

    for answer in [answers.0, answers.1, answers.2, answers.3] {
        match answer.status.as_u16() {
            201 => {}
            409 => {
                assert_eq!(answer.slug(), "idempotency-in-progress");
                assert_eq!(answer.header("retry-after"), Some("1"));
            }
            _ => panic!("{}", answer.text),
        }
    }
    assert_eq!(count(client).await, 1);
}

async fn a_key_that_is_none_is_refused(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let long = "x".repeat(300);

    for key in ["", "\"\"", long.as_str(), "\"half"] {
        let refused = report(&acme.requester.client, key, "No wifi").await;
        assert_eq!(refused.status.as_u16(), 422, "{key}: {}", refused.text);
        assert_eq!(refused.json["errors"][0]["header"], "Idempotency-Key", "{}", refused.text);
    }
    assert_eq!(count(&acme.requester.client).await, 0);
}

async fn a_request_whose_answer_was_lost_is_not_carried_out_again(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let client = &acme.agent.client;
    let opened = report(client, "\"a-1\"", "No wifi").await.created();
    let about = format!("/incidents/{}/actions/comment", opened["number"].as_str().unwrap());
    let say = || {
        let body = json!({ "text": "We are looking into it." });
        client.post_with(&about, &[("idempotency-key", "\"a-2\"")], body)
    };
    let _ = say().await.ok();
    // A repeat waits until the answer is kept.
    for again in [report(client, "\"a-1\"", "No wifi").await, say().await] {
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
    }
    // A process that dies between the commit and the answer leaves this behind.
    let mut tx = desk.store.system().await.unwrap();
    let lose = "update idempotency_keys set status = null, response = null";
    testing::execute(&mut tx, lose).await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(report(client, "\"a-1\"", "No wifi").await.slug(), "idempotency-in-progress");
    desk.clock.advance(chrono::TimeDelta::minutes(6));
    let again = report(client, "\"a-1\"", "No wifi").await;

    assert_eq!((again.status.as_u16(), again.slug()), (409, "answer-lost"));
    assert_eq!(count(client).await, 1);
    assert_eq!(say().await.slug(), "answer-lost");
    assert_eq!(client.of(&opened, "comments").await.items().len(), 1);
}

async fn the_end_of_a_sign_in_whose_answer_was_lost_is_known_to_be_carried_out(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let client = &acme.agent.client;
    let _browser = desk.signed_in(&acme.agent.email).await;
    let listed = client.get("/me/sign-ins").await.items();
    let one = format!("/me/sign-ins/{}/end", listed[0]["id"].as_str().unwrap());
    let end = async |path: &str| {
        client.post_with(path, &[("idempotency-key", "\"a-1\"")], json!({})).await
    };
    for path in [one.as_str(), "/me/sign-ins/end"] {
        assert_eq!(end(path).await.status.as_u16(), 204, "{path}");
        // A repeat waits until the answer is kept.
        assert_eq!(end(path).await.header("idempotency-replayed"), Some("true"), "{path}");
    }
    let mut tx = desk.store.system().await.unwrap();
    let lose = "update idempotency_keys set status = null, response = null";
    testing::execute(&mut tx, lose).await.unwrap();
    tx.commit().await.unwrap();
    desk.clock.advance(chrono::TimeDelta::minutes(6));

    for path in [one.as_str(), "/me/sign-ins/end"] {
        assert_eq!(end(path).await.slug(), "answer-lost", "{path}");
    }
}
