//! Who sees what: a list and its tickets agree, and nobody opens what they may not.

use axum::http::StatusCode;
use serde_json::{Value, json};
use waypost_test_support::{Org, PersonOf, TestDesk, on_both_engines};

use crate::policies::{asking, stage};

on_both_engines! {
    a_requester_reads_no_ticket_by_another_systems_reference
    an_auditor_opens_nothing
    an_auditor_changes_settings_of_their_own_and_nothing_else
    w6_a_watcher_finds_and_reads_what_they_watch_and_no_note_of_the_desk
    w6_who_is_asked_to_vote_finds_the_request_in_the_list_until_they_have_voted
    w6_who_delegated_their_vote_still_finds_the_request
}

fn referring(reference: &str) -> Value {
    json!({ "short_description": "Disk full", "external_ref": { "source": "monitoring", "id": reference } })
}

async fn a_requester_reads_no_ticket_by_another_systems_reference(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let _ = acme.agent.client.post("/incidents", referring("42")).await.created();

    for reference in ["42", "43"] {
        let refused = acme.try_report(referring(reference)).await;

        assert_eq!((refused.status, refused.slug()), (StatusCode::FORBIDDEN, "forbidden"));
        assert!(refused.json["detail"].as_str().unwrap().contains("`external_ref`"));
        assert!(!refused.text.contains("Disk full"), "{}", refused.text);
    }
    assert!(acme.requester.client.get("/tickets").await.items().is_empty());
}

async fn an_auditor_opens_nothing(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let _ = acme.agent.client.post("/incidents", referring("42")).await.created();
    let auditor = json!({ "name": "audit", "role": "auditor", "person": acme.admin.id });
    let issued = acme.admin.client.post("/tokens", auditor).await.created();
    let auditor = desk.client(issued["secret"].as_str().unwrap());

    for ticket in [json!({ "short_description": "Try" }), json!({}), referring("42")] {
        let refused = auditor.post("/tickets", ticket).await;
        assert_eq!((refused.status, refused.slug()), (StatusCode::FORBIDDEN, "forbidden"));
    }
    assert_eq!(auditor.get("/tickets").await.items().len(), 1);
}

async fn an_auditor_changes_settings_of_their_own_and_nothing_else(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let auditor = json!({ "name": "audit", "role": "auditor", "person": acme.admin.id });
    let issued = acme.admin.client.post("/tokens", auditor).await.created();
    let auditor = desk.client(issued["secret"].as_str().unwrap());
    let _browser = desk.signed_in(&acme.admin.email).await;

    let view = json!({ "name": "Urgent", "query": "all?priority=1" });
    let saved = auditor.post("/saved-views", view).await.created();
    let path = format!("/saved-views/{}/remove", saved["id"].as_str().unwrap());
    let _ = auditor.post(&path, json!({})).await.with(StatusCode::NO_CONTENT);
    let _ = auditor.post("/me/sign-ins/end", json!({})).await.with(StatusCode::NO_CONTENT);

    let delegation =
        json!({ "to": acme.manager.email, "ends_at": "2026-07-01T00:00:00Z", "reason": "Away" });
    assert_eq!(auditor.post("/delegations", delegation).await.slug(), "forbidden");
    let category = json!({ "path": "mine", "name": "Mine" });
    assert_eq!(auditor.post("/categories", category).await.slug(), "forbidden");
}

async fn finds_and_reads(person: &PersonOf, ticket: &Value) -> [bool; 2] {
    let path = format!("/tickets/{}", ticket["number"].as_str().unwrap());
    let listed = person.client.get("/tickets?count=true").await.ok();
    let found = listed["items"].as_array().unwrap().iter().any(|one| one["id"] == ticket["id"]);
    assert_eq!(listed["total"], u8::from(found));
    [found, person.client.get(&path).await.status == StatusCode::OK]
}

async fn w6_a_watcher_finds_and_reads_what_they_watch_and_no_note_of_the_desk(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let incident = acme.report("The printer is on fire").await;
    let _ = agent.comment(&incident, "internal", "He smokes").await.created();
    let _ = agent.comment(&incident, "public", "We are coming").await.created();
    assert_eq!(finds_and_reads(&acme.manager, &incident).await, [false, false]);

    // Merging makes the other requester a watcher.
    let same = json!({ "short_description": "Smoke", "requester": acme.manager.id });
    let same = agent.post("/incidents", same).await.created();
    let _ = agent.act(&same, "merge_into", json!({ "target": incident["id"] })).await.ok();

    let watcher = &acme.manager.client;
    let listed = watcher.get("/tickets?active=true").await.items();
    assert_eq!(listed.len(), 1);
    let read = watcher.again(&incident).await;
    assert_eq!(read["id"], listed[0]["id"]);
    let comments = watcher.of(&incident, "comments").await.items();
    let texts: Vec<_> = comments.iter().map(|comment| comment["text"].clone()).collect();
    let merged = format!("{} was merged into it.", same["number"].as_str().unwrap());
    assert_eq!(texts, ["We are coming", merged.as_str()]);
    let refused = watcher.act(&incident, "cancel", json!({ "reason": "Mine" })).await;
    assert_eq!(refused.slug(), "forbidden");
}

async fn waiting_request(acme: &Org<'_>) -> Value {
    acme.bind("plan", "approval-chain", asking(&json!([stage("manager", &json!(["manager"]))])))
        .await;
    acme.ask_for_laptop().await
}

async fn w6_who_is_asked_to_vote_finds_the_request_in_the_list_until_they_have_voted(
    desk: TestDesk,
) {
    let acme = desk.organization("acme").await;
    let request = waiting_request(&acme).await;
    assert_eq!(finds_and_reads(&acme.manager, &request).await, [true, true]);

    let vote = acme.manager.client.get("/approvals/mine").await.items().swap_remove(0);
    let path = format!("/approval-requests/{}/approve", vote["id"].as_str().unwrap());
    let _ = acme
        .manager
        .client
        .post(&path, json!({ "content_digest": vote["content_digest"] }))
        .await
        .ok();

    assert_eq!(finds_and_reads(&acme.manager, &request).await, [false, false]);
}

async fn w6_who_delegated_their_vote_still_finds_the_request(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let request = waiting_request(&acme).await;
    let vote = acme.manager.client.get("/approvals/mine").await.items().swap_remove(0);
    let path = format!("/approval-requests/{}/delegate", vote["id"].as_str().unwrap());
    let other = json!({ "to": acme.second_agent.id, "reason": "I am away" });
    let _ = acme.manager.client.post(&path, other).await.ok();

    assert_eq!(finds_and_reads(&acme.manager, &request).await, [true, true]);
}
