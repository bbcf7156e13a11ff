//! The HTTP doors: what a request must look like, and what every answer has.

use axum::{body::Body, http::Method};
use serde_json::{Value, json};
use waypost_test_support::{Answer, Client, TestDesk, on_both_engines};

on_both_engines! {
    a_body_that_is_no_json_is_refused_with_its_place
    a_body_of_another_type_is_refused
    an_unknown_field_is_refused_by_name
    a_body_above_the_limit_is_refused
    every_answer_has_a_request_id
    an_address_that_is_none_is_a_problem_too
    every_problem_is_explained
    every_route_of_the_document_is_there_and_asks_for_a_token
    health_needs_no_token
    a_short_answer_can_be_preferred
    a_short_answer_about_a_new_record_says_where_it_is
    a_created_record_says_where_it_is
}

async fn send(client: &Client, content_type: &str, body: impl Into<Body>) -> Answer {
    client.send(Method::POST, "/incidents", &[("content-type", content_type)], body.into()).await
}

const JSON: &str = "application/json";

async fn a_body_that_is_no_json_is_refused_with_its_place(desk: TestDesk) {
    let acme = desk.organization("acme").await;

    for body in ["{", "{'short_description': 1}", "nothing", "{\"short_description\": \"a\"} extra"]
    {
        let refused = send(&acme.requester.client, JSON, body).await;
        assert_eq!((refused.status.as_u16(), refused.slug()), (400, "malformed-body"), "{body}");
        assert!(refused.json["detail"].as_str().unwrap().contains("line 1"), "{}", refused.text);
    }
    let binary = send(&acme.requester.client, JSON, vec![0xff, 0xfe, 0x00]).await;
    assert_eq!(binary.slug(), "malformed-body");
    let list = send(&acme.requester.client, JSON, "[]").await;
    assert!([400, 422].contains(&list.status.as_u16()), "{}", list.text);
    assert_eq!(acme.agent.client.get("/tickets").await.items().len(), 0);
}

async fn a_body_of_another_type_is_refused(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let body = r#"{"short_description":"No wifi"}"#;

    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    {
        let refused = send(&acme.requester.client, kind, body).await;
        assert_eq!(
            (refused.status.as_u16(), refused.slug()),
            (415, "unsupported-media-type"),
            "{kind}"
        );
    }
    let _ = send(&acme.requester.client, "application/json; charset=utf-8", body).await.created();
}

async fn an_unknown_field_is_refused_by_name(desk: TestDesk) {
    let acme = desk.organization("acme").await;

    let refused = acme
        .try_report(json!({ "short_description": "No wifi", "prioritee": 1, "urgency": "high" }))
        .await;

    assert_eq!(refused.status.as_u16(), 422);
    assert!(refused.pointers().contains(&"/prioritee"), "{}", refused.text);
    let action = acme.report("No wifi").await;
    let refused = acme.agent.client.act(&action, "start", json!({ "who": "me" })).await;
    assert_eq!(refused.pointers(), ["/who"]);
}

async fn a_body_above_the_limit_is_refused(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let large =
        json!({ "short_description": "No wifi", "description": "x".repeat(2 * 1024 * 1024) });

    let refused = acme.try_report(large).await;

    assert_eq!((refused.status.as_u16(), refused.slug()), (413, "too-large"));
    assert!(refused.json["detail"].as_str().unwrap().contains("1048576"), "{}", refused.text);
}

async fn every_answer_has_a_request_id(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let client = &acme.requester.client;

    let own =
        client.send(Method::GET, "/me", &[("x-request-id", "from-me-1")], Body::empty()).await;
    assert_eq!(own.header("x-request-id"), Some("from-me-1"));
    let (one, two) = (client.get("/me").await, client.get("/me").await);
    assert_ne!(one.header("x-request-id").unwrap(), two.header("x-request-id").unwrap());
    let evil = client.send(Method::GET, "/me", &[("x-request-id", "a b\tc")], Body::empty()).await;
    assert_ne!(evil.header("x-request-id"), Some("a b\tc"));
    let lost = client.get("/tickets/INC9999999").await;
    assert_eq!(lost.json["request_id"].as_str(), lost.header("x-request-id"));
}

async fn an_address_that_is_none_is_a_problem_too(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let client = &acme.agent.client;

    let lost = client.get("/nowhere").await;
    assert_eq!((lost.status.as_u16(), lost.slug()), (404, "not-found"));
    let outside = client.get_at("/").await;
    assert_eq!(outside.slug(), "not-found");
    let deleted = client.send(Method::DELETE, "/tickets", &[], Body::empty()).await;
    assert_eq!((deleted.status.as_u16(), deleted.slug()), (405, "method-not-allowed"));
    assert!(deleted.header("allow").unwrap().contains("GET"));
    for answer in [lost, outside, deleted] {
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    }
}

async fn every_problem_is_explained(desk: TestDesk) {
    let nobody = desk.client("");

    let all = nobody.get_at("/errors").await.items();

    assert!(all.len() > 20);
    for kind in all {
        let path = kind["type"].as_str().unwrap();
        let explained = nobody.get_at(path).await.ok();
        assert_eq!(explained, kind);
        assert!(kind["status"].as_u64().unwrap() >= 400);
    }
    assert_eq!(nobody.get_at("/errors/odd").await.slug(), "not-found");
}

async fn every_route_of_the_document_is_there_and_asks_for_a_token(desk: TestDesk) {
    let nobody = desk.client("");
    let document = nobody.get("/openapi.json").await.ok();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();

    let mut operations = 0;
    for (path, methods) in paths {
        let Some(path) = path.strip_prefix("/api/v1") else { continue };
        for method in methods.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let path = path
                .replace("{id}", "00000000-0000-7000-8000-000000000000")
                .replace("{sign_in}", "00000000-0000-7000-8000-000000000000")
                .replace("{key}", "none")
                .replace("{digest}", "sha256:00")
                .replace("{path}", "none");
            assert!(!path.contains('{'), "{path}");
            let json = [("content-type", JSON), ("if-match", "*")];
            let answer = nobody.send(method.clone(), &path, &json, Body::empty()).await;
            let expected = if path.ends_with("openapi.json") { 200 } else { 401 };
            assert_eq!(answer.status.as_u16(), expected, "{method} {path}: {}", answer.text);
            operations += 1;
        }
    }
    assert!(operations > 100, "only {operations}");
}

async fn health_needs_no_token(desk: TestDesk) {
    let nobody = desk.client("");

    assert_eq!(nobody.get_at("/health/live").await.ok(), json!({ "status": "live" }));
    assert_eq!(nobody.get_at("/health/ready").await.ok(), json!({ "status": "ready" }));
}

async fn a_short_answer_can_be_preferred(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("No wifi").await;
    let path = format!("/tickets/{}/actions/start", incident["number"].as_str().unwrap());
    let minimal = [("prefer", "return=minimal")];

    let started = acme.agent.client.post_with(&path, &minimal, json!({})).await;

    assert_eq!((started.status.as_u16(), started.text.as_str()), (204, ""));
    assert_eq!(started.header("etag"), Some("\"2\""));
    assert_eq!(acme.agent.client.again(&incident).await["state"], "in_progress");
}

async fn a_short_answer_about_a_new_record_says_where_it_is(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let client = &acme.requester.client;
    let wishes = [("prefer", "return=minimal"), ("idempotency-key", "\"k-1\"")];
    let ticket = json!({ "short_description": "No wifi" });

    let made = client.post_with("/incidents", &wishes, ticket.clone()).await;

    assert_eq!((made.status.as_u16(), made.text.as_str()), (204, ""));
    let place = made.header("location").unwrap();
    assert_eq!(client.get_at(place).await.ok()["short_description"], "No wifi");
    let again = client.post_with("/incidents", &wishes, ticket).await;
    assert_eq!((again.status.as_u16(), again.header("location")), (204, Some(place)));
    assert_eq!(again.header("preference-applied"), Some("return=minimal"));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
}

async fn a_created_record_says_where_it_is(desk: TestDesk) {
    let acme = desk.organization("acme").await;

    let created = acme.try_report(json!({ "short_description": "No wifi" })).await;

    let (place, tag) = (created.header("location").unwrap(), created.header("etag").unwrap());
    let read = acme.requester.client.get_at(place).await;
    assert_eq!(read.header("etag"), Some(tag));
    assert_eq!(read.ok(), created.json);
    assert_ne!(created.json, Value::Null);
}
