//! What policies suggest: nothing changes until a person takes it.

use serde_json::{Value, json};
use waypost_test_support::{Org, TestDesk, on_both_engines};

use crate::policies::{suggesting, teams_by_words};

on_both_engines! {
    a7_a_suggestion_changes_nothing_until_a_person_accepts_it
    a7_a_dismissed_suggestion_changes_nothing_and_is_counted
    a7_acceptances_and_dismissals_are_counted_for_each_binding
    a7_a_suggestion_is_decided_once
    a7_a_suggestion_about_a_field_that_moved_on_is_outdated
    a7_a_suggested_kind_converts_the_incident
    a7_a_suggested_team_leaves_the_ticket_with_the_fallback
}

async fn suggested(org: &Org<'_>, set: &Value) -> (Value, Value) {
    org.bind("categorize", "keyword-categorizer", suggesting("printer", set)).await;
    let incident = org.report("The printer is on fire").await;
    let mut open = org.agent.client.of(&incident, "suggestions").await.items();
    assert_eq!(open.len(), 1, "{open:?}");
    (incident, open.remove(0))
}

fn choice(suggestion: &Value) -> Value {
    json!({ "suggestion": suggestion["id"] })
}

async fn states(org: &Org<'_>, incident: &Value) -> Vec<Value> {
    let all = org.agent.client.of(incident, "suggestions").await.items();
    all.into_iter().map(|mut one| one["state"].take()).collect()
}

async fn a7_a_suggestion_changes_nothing_until_a_person_accepts_it(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let (incident, suggestion) = suggested(&acme, &json!({ "category": ["hardware"] })).await;
    assert_eq!(incident["category"], Value::Null);
    assert_eq!(
        (&suggestion["field"], &suggestion["value"]),
        (&json!("category"), &json!("hardware"))
    );
    assert_eq!((&suggestion["confidence"], &suggestion["state"]), (&json!(70), &json!("open")));
    assert!(suggestion["reasons"][0].as_str().unwrap().contains("printer"));
    let receipts = acme.agent.client.of(&incident, "receipts").await.items();
    assert_eq!(receipts[0]["outcome"]["kind"], "suggested");

    let agent = &acme.agent.client;
    let accepted = agent.act(&incident, "accept_suggestion", choice(&suggestion)).await.ok();

    assert_eq!(accepted["category"], "hardware");
    assert_eq!(states(&acme, &incident).await, ["accepted"]);
    let events = agent.of(&incident, "events").await.items();
    let event = events.iter().find(|event| event["action"] == "accept_suggestion").unwrap();
    assert_eq!(event["actor"]["person"], acme.agent.id);
}

async fn a7_a_dismissed_suggestion_changes_nothing_and_is_counted(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let (incident, suggestion) = suggested(&acme, &json!({ "impact": 1 })).await;

    let after =
        acme.agent.client.act(&incident, "dismiss_suggestion", choice(&suggestion)).await.ok();

    assert_eq!(after["impact"], Value::Null);
    assert_eq!(after["priority"], incident["priority"]);
    let all = acme.agent.client.of(&incident, "suggestions").await.items();
    assert_eq!(
        (&all[0]["state"], &all[0]["decided_by"]),
        (&json!("dismissed"), &json!(acme.agent.id))
    );
}

async fn a7_acceptances_and_dismissals_are_counted_for_each_binding(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let settings = suggesting("printer", &json!({ "impact": 1 }));
    let binding = acme.bind("categorize", "keyword-categorizer", settings).await;
    let router = acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;
    for action in ["accept_suggestion", "dismiss_suggestion", "dismiss_suggestion", "none"] {
        let incident = acme.report("The printer is on fire").await;
        let open = agent.of(&incident, "suggestions").await.items();
        if action != "none" {
            let _ = agent.act(&incident, action, choice(&open[0])).await.ok();
        }
    }

    let counts = |binding: &Value| format!("/bindings/{}", binding["id"].as_str().unwrap());
    let counted = agent.get(&counts(&binding)).await.ok()["suggestions"].take();
    assert_eq!(counted, json!({ "open": 1, "accepted": 1, "dismissed": 2 }));
    let none = agent.get(&counts(&router)).await.ok()["suggestions"].take();
    assert_eq!(none, json!({ "open": 0, "accepted": 0, "dismissed": 0 }));
}

async fn a7_a_suggestion_is_decided_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let (incident, suggestion) = suggested(&acme, &json!({ "impact": 1 })).await;
    let agent = &acme.agent.client;
    let _ = agent.act(&incident, "dismiss_suggestion", choice(&suggestion)).await.ok();

    let again = agent.act(&incident, "accept_suggestion", choice(&suggestion)).await;

    assert_eq!(again.slug(), "guard-failed", "{}", again.text);
    let unknown = json!({ "suggestion": incident["id"] });
    assert_eq!(agent.act(&incident, "accept_suggestion", unknown).await.slug(), "not-found");
    let unnamed = agent.act(&incident, "accept_suggestion", json!({})).await;
    assert_eq!(unnamed.pointers(), ["/suggestion"]);
}

async fn a7_a_suggestion_about_a_field_that_moved_on_is_outdated(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let (incident, suggestion) = suggested(&acme, &json!({ "category": ["hardware"] })).await;
    let agent = &acme.agent.client;
    let triage = json!({ "category": "network", "impact": 2, "urgency": 2 });
    let _ = agent.act(&incident, "triage", triage).await.ok();

    let outdated = agent.act(&incident, "accept_suggestion", choice(&suggestion)).await;

    assert_eq!(outdated.slug(), "guard-failed", "{}", outdated.text);
    assert_eq!(agent.again(&incident).await["category"], "network");
}

async fn a7_a_suggested_kind_converts_the_incident(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let (incident, suggestion) = suggested(&acme, &json!({ "kind": "request" })).await;
    assert_eq!(incident["kind"], "incident");
    let agent = &acme.agent.client;

    let request = agent.act(&incident, "accept_suggestion", choice(&suggestion)).await.ok();

    assert_eq!(request["kind"], "request");
    let old = agent.again(&incident).await;
    assert_eq!(old["state"], "cancelled");
    assert_eq!(old["cancellation"]["outcome"], "converted_to");
    assert_eq!(old["cancellation"]["ticket"], request["id"]);
}

async fn a7_a_suggested_team_leaves_the_ticket_with_the_fallback(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut settings = teams_by_words(&[("wifi", "network")]);
    settings["rules"][0]["strength"] = json!("suggested");
    acme.bind("route", "team-router", settings).await;

    let incident = acme.report("No wifi").await;
    assert_eq!(incident["team"]["key"], "service-desk");
    let open = acme.agent.client.of(&incident, "suggestions").await.items();
    let accepted =
        acme.agent.client.act(&incident, "accept_suggestion", choice(&open[0])).await.ok();

    assert_eq!(accepted["team"]["key"], "network");
}
