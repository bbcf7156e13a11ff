//! The three stories of requirement Q11, from the first word to the last.

use chrono::TimeDelta;
use serde_json::json;
use waypost_test_support::{Org, TestDesk, on_both_engines};

use crate::policies::{stage, telling};

on_both_engines! {
    q11_a_user_cannot_reset_a_password
    q11_the_revenue_portal_is_down
    q11_a_laptop_request_does_not_sit_in_somebodys_inbox
}

/// The policies of a small desk.
async fn furnish(org: &Org<'_>) {
    let words = json!({ "rules": [
        { "name": "password", "when": { "words": { "any": ["password"] } },
          "set": { "category": ["access", "password"], "impact": 3, "urgency": 2 } },
        { "name": "portal", "when": { "words": { "all": ["portal", "down"] } },
          "set": { "service": "revenue-portal", "ci": "portal-web-1", "impact": 1, "urgency": 1 } },
    ] });
    org.bind("categorize", "keyword-categorizer", words).await;
    let teams = json!({ "rules": [
        { "name": "service", "when": { "services": ["revenue-portal"] },
          "to": { "support_team_of": "service" } },
        { "name": "access", "when": { "categories": [["access"]] }, "to": { "team": "service-desk" } },
    ] });
    org.bind("route", "team-router", teams).await;
    let approvals = json!({ "rules": [
        { "name": "expensive", "cost": { "currency": "EUR", "at_least": 100_000 },
          "then": { "ask": [
              stage("manager", &json!(["manager"])), stage("budget", &json!([{ "team": "finance" }])),
          ] } },
    ] });
    org.bind("plan", "approval-chain", approvals).await;
    let mut urgent = telling("urgent", "created", &json!(["owning_team"]));
    urgent["when"] = json!({ "priority": { "to": 2 } });
    let rules = json!({ "rules": [
        telling("received", "created", &json!(["requester"])),
        urgent,
        telling("please", "approval_requested", &json!(["approvers"])),
        telling("expected", "eta_changed", &json!(["requester"])),
        telling("done", "resolved", &json!(["requester"])),
    ] });
    org.bind("notify", "stakeholder-notifier", rules).await;
}

async fn q11_a_user_cannot_reset_a_password(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    furnish(&acme).await;

    let incident = acme.report("I can't log in, my password has expired").await;
    let number = incident["number"].as_str().unwrap();
    assert_eq!(incident["category"], "access/password");
    assert_eq!(incident["team"]["key"], "service-desk");
    assert_eq!(desk.mailbox().await, [format!("requester@acme.example: received {number}")]);

    let agent = &acme.agent.client;
    let _ = agent.act(&incident, "start", json!({})).await.ok();
    let done = json!({ "resolution_code": "assistance", "resolution_notes": "reset by telephone" });
    let _ = agent.act(&incident, "resolve", done).await.ok();
    let closed = acme.requester.client.act(&incident, "close", json!({})).await.ok();

    assert_eq!(closed["state"], "closed");
    assert_eq!(closed["resolution"]["code"], "assistance");
    assert_eq!(desk.mailbox().await, [format!("requester@acme.example: done {number}")]);
}

async fn q11_the_revenue_portal_is_down(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    furnish(&acme).await;
    let _ = acme.report("My password has expired").await;

    let incident = acme.report("The revenue portal is down since 8:00").await;

    let number = incident["number"].as_str().unwrap();
    assert_eq!(incident["priority"]["value"], 1);
    assert_eq!(incident["service"]["key"], "revenue-portal");
    assert_eq!(incident["ci"]["key"], "portal-web-1");
    assert_eq!(incident["team"]["key"], "network");
    let queue = acme.agent.client.get("/incidents?order=queue").await.items();
    assert_eq!(queue[0]["number"], incident["number"]);
    let heard = desk.mailbox().await;
    for who in ["agent", "second"] {
        assert!(heard.contains(&format!("{who}@acme.example: urgent {number}")), "{heard:?}");
    }

    let agent = &acme.second_agent.client;
    let _ = agent.act(&incident, "start", json!({})).await.ok();
    let _ = agent.act(&incident, "set_eta", json!({ "eta": "2026-06-01T10:00:00Z" })).await.ok();
    desk.clock.advance(TimeDelta::minutes(40));
    let done =
        json!({ "resolution_code": "fixed", "resolution_notes": "restarted the web server" });
    let resolved = agent.act(&incident, "resolve", done).await.ok();

    assert_eq!(resolved["resolution"]["at"], "2026-06-01T09:40:00Z");
    let expected =
        ["done", "expected"].map(|what| format!("requester@acme.example: {what} {number}"));
    assert_eq!(desk.mailbox().await, expected);
}

async fn q11_a_laptop_request_does_not_sit_in_somebodys_inbox(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    furnish(&acme).await;

    let request = acme.ask_for_laptop().await;
    let number = request["number"].as_str().unwrap();
    assert_eq!(request["state"], "awaiting_approval");
    assert_eq!(request["waiting_on"]["people"], json!([acme.manager.id]));
    let please = |who: &str| format!("{who}@acme.example: please {number}");
    assert!(desk.mailbox().await.contains(&please("manager")));

    // Three days later everybody can see where it waits, and since when.
    desk.clock.advance(TimeDelta::days(3));
    let waiting = acme.requester.client.again(&request).await;
    assert_eq!(waiting["waiting_on"]["what"], "approvers");
    assert_eq!(waiting["waiting_on"]["since"], request["created_at"]);
    let told = acme.agent.client.of(&request, "explain").await.ok()["facts"].to_string();
    assert!(told.contains("the votes of manager of acme") && told.contains("3 days"), "{told}");

    approve(&acme.manager).await;
    let heard = desk.mailbox().await;
    assert!(heard.contains(&please("admin")), "{heard:?}");
    approve(&acme.admin).await;
    let agent = &acme.agent.client;
    assert_eq!(agent.again(&request).await["state"], "in_fulfilment");
    let done = json!({ "fulfillment_code": "complete", "fulfillment_notes": "on your desk" });
    let fulfilled = agent.act(&request, "fulfill", done).await.ok();

    assert_eq!(fulfilled["state"], "fulfilled");
    assert_eq!(desk.mailbox().await, [format!("requester@acme.example: done {number}")]);
}

async fn approve(person: &waypost_test_support::PersonOf) {
    let asked = person.client.get("/approvals/mine").await.items();
    let path = format!("/approval-requests/{}/approve", asked[0]["id"].as_str().unwrap());
    let opinion = json!({ "content_digest": asked[0]["content_digest"] });
    let _ = person.client.post(&path, opinion).await.ok();
}
