//! Parts of a larger incident: they follow it, and are closed by their own callers.

use axum::http::StatusCode;
use serde_json::{Value, json};
use waypost_test_support::{Org, TestDesk, on_both_engines};

use crate::policies::telling_the_requester;

on_both_engines! {
    parts_follow_what_concerns_them_with_events_and_messages
    what_cannot_be_a_part_is_refused_by_name
    only_the_desk_says_what_is_a_part_of_what
    parts_are_listed_by_their_parent
}

fn path(ticket: &Value) -> String {
    format!("/incidents/{}", ticket["number"].as_str().unwrap())
}

fn version(ticket: &Value) -> i64 {
    ticket["version"].as_i64().unwrap()
}

async fn part_of(acme: &Org<'_>, parent: &Value, text: &str) -> Value {
    let child = acme.report(text).await;
    acme.agent
        .client
        .patch(&path(&child), version(&child), json!({ "parent": parent["number"] }))
        .await
        .ok()
}

async fn parts_follow_what_concerns_them_with_events_and_messages(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    acme.bind("notify", "stakeholder-notifier", telling_the_requester()).await;
    let agent = &acme.agent.client;
    let parent = acme.report("The network is down").await;
    let child = part_of(&acme, &parent, "No mail").await;
    assert_eq!(child["parent"], parent["id"]);

    let _ = agent.act(&parent, "start", json!({})).await.ok();
    assert_eq!(agent.get(&path(&child)).await.ok()["state"], "in_progress");
    // What is asked of the parent's caller is no business of the child's.
    let asked = json!({ "awaiting": "caller", "comment": "Which floor?" });
    let _ = agent.act(&parent, "hold", asked).await.ok();
    assert_eq!(agent.get(&path(&child)).await.ok()["state"], "in_progress");
    let done = json!({ "resolution_code": "fixed", "resolution_notes": "a new switch" });
    let _ = agent.act(&parent, "resolve", done).await.ok();

    let resolved = agent.get(&path(&child)).await.ok();
    assert_eq!(resolved["state"], "resolved");
    assert_eq!(resolved["resolution"]["notes"], "a new switch");
    let events = agent.of(&child, "events").await.items();
    let last = events.iter().max_by_key(|event| event["seq"].as_i64()).unwrap();
    assert_eq!((&last["action"], &last["actor"]["kind"]), (&json!("resolve"), &json!("system")));
    let reason = last["reason"].as_str().unwrap();
    assert!(reason.contains(parent["number"].as_str().unwrap()), "{reason}");
    let subject = format!("done {}", child["number"].as_str().unwrap());
    let letters = desk.letters().await;
    let told = letters.iter().find(|letter| letter.subject == subject).unwrap();
    assert!(told.body.contains("a new switch"), "{}", told.body);
    let _ = agent.act(&parent, "close", json!({})).await.ok();
    assert_eq!(agent.get(&path(&child)).await.ok()["state"], "resolved");
}

async fn what_cannot_be_a_part_is_refused_by_name(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let parent = acme.report("The network is down").await;
    let child = part_of(&acme, &parent, "No mail").await;
    let other = acme.report("No wifi").await;

    for (ticket, wanted) in [
        (&parent, json!(parent["number"])),
        (&parent, json!(other["number"])),
        (&other, json!(child["number"])),
        (&other, json!("INC9999999")),
    ] {
        let refused =
            agent.patch(&path(ticket), version(ticket), json!({ "parent": wanted })).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        assert_eq!(refused.pointers(), ["/parent"], "{wanted}");
    }
    let free = agent.patch(&path(&child), version(&child), json!({ "parent": null })).await.ok();
    assert_eq!(free["parent"], Value::Null);
}

async fn only_the_desk_says_what_is_a_part_of_what(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let (parent, child) = (acme.report("One").await, acme.report("Two").await);

    let wanted = json!({ "parent": parent["number"] });
    let refused = acme.requester.client.patch(&path(&child), version(&child), wanted).await;

    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
}

async fn parts_are_listed_by_their_parent(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let parent = acme.report("The network is down").await;
    let child = part_of(&acme, &parent, "No mail").await;
    let _ = acme.report("No coffee").await;

    let list = format!("/tickets?parent={}", parent["number"].as_str().unwrap());
    let parts = agent.get(&list).await.items();

    let ids: Vec<_> = parts.iter().map(|part| &part["id"]).collect();
    assert_eq!(ids, [&child["id"]]);
    assert_eq!(agent.get("/tickets?parent=INC9999999").await.items().len(), 0);
}
