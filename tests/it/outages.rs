//! A database that is away: what is answered meanwhile, and that everything goes on afterwards.

use axum::http::StatusCode;
use serde_json::{Value, json};
use waypost_test_support::{Answer, Client, TestDesk};

async fn report(client: &Client, key: Option<&str>, line: &str) -> Answer {
    let ticket = json!({ "short_description": line });
    let headers = key.map(|key| ("idempotency-key", key));
    client.post_with("/incidents", headers.as_slice(), ticket).await
}

async fn count(client: &Client) -> Value {
    client.get("/tickets?count=true").await.ok()["total"].take()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_commit_answer_is_told_as_unknown_and_the_record_is_there() {
    let (desk, proxy) = TestDesk::postgres_through_proxy(
        "a_lost_commit_answer_is_told_as_unknown_and_the_record_is_there",
    )
    .await;
    let acme = desk.organization("acme").await;
    let client = &acme.agent.client;
    // Numbers are taken in blocks of one, two, four: the next commit is the third ticket's own.
    let _ = report(client, None, "First").await.created();
    let _ = report(client, None, "Second").await.created();

    proxy.cut_at_commit();
    let lost = report(client, None, "Third").await;
    assert_eq!((lost.status.as_u16(), lost.slug()), (500, "outcome-unknown"), "{}", lost.text);
    assert!(lost.header("retry-after").is_none(), "a program would send it again");

    proxy.mend();
    assert_eq!(count(client).await, 3);
    // The next commit takes numbers: nothing of the ticket is in it.
    proxy.cut_at_commit();
    let early = report(client, None, "Fourth").await;
    assert_eq!((early.status.as_u16(), early.slug()), (503, "unavailable"), "{}", early.text);
    proxy.mend();
    assert_eq!(count(client).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_finds_out_what_became_of_a_request_as_soon_as_the_database_is_back() {
    let (desk, proxy) = TestDesk::postgres_through_proxy(
        "a_key_finds_out_what_became_of_a_request_as_soon_as_the_database_is_back",
    )
    .await;
    let acme = desk.organization("acme").await;
    let client = &acme.agent.client;
    let _ = report(client, None, "First").await.created();

    // The first commit takes a block of numbers: nothing was carried out.
    proxy.cut_at_commit();
    let refused = report(client, Some("\"a\""), "Second").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{}", refused.text);
    proxy.mend();
    let _ = report(client, Some("\"a\""), "Second").await.created();
    assert_eq!(count(client).await, 2);
    assert_eq!(
        report(client, Some("\"a\""), "Second").await.header("idempotency-replayed"),
        Some("true")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_is_503_with_retry_after_everywhere_and_heals() {
    let (desk, proxy) = TestDesk::postgres_through_proxy(
        "a_database_that_is_away_is_503_with_retry_after_everywhere_and_heals",
    )
    .await;
    let acme = desk.organization("acme").await;
    let client = &acme.admin.client;
    let _ = report(client, None, "First").await.created();

    proxy.cut();
    let mut answers = Vec::new();
    for path in ["/me", "/incidents", "/tickets?count=true", "/people", "/policies", "/events"] {
        answers.push((path, client.get(path).await));
    }
    answers.push(("POST /incidents", report(client, None, "Second").await));
    answers.push(("/health/ready", client.get_at("/health/ready").await));
    for (what, answer) in answers {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{what}: {}", answer.text);
        assert!(answer.header("retry-after").is_some(), "{what}");
        assert_eq!(answer.slug(), "unavailable", "{what}");
    }
    assert_eq!(client.get_at("/health/live").await.status, StatusCode::OK);

    proxy.mend();
    let _ = report(client, None, "Third").await.created();
    assert_eq!(client.get_at("/health/ready").await.status, StatusCode::OK);
    assert_eq!(count(client).await, 2);
}
