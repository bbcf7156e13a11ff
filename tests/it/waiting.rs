//! What a ticket waits for, and since when: always computed, never guessed.

use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_test_support::{Org, TestDesk, on_both_engines};

use crate::policies::{asking, stage};

on_both_engines! {
    w10_an_active_ticket_waits_for_its_team_then_for_its_assignee
    w10_a_ticket_on_hold_waits_for_whom_it_was_held
    w10_a_resolved_incident_waits_for_the_callers_word_until_it_closes_itself
    w10_a_request_waits_for_its_approvers_by_name
    w10_an_approval_without_a_voter_says_that_one_is_missing
    w10_what_is_over_waits_for_nobody
}

async fn w10_an_active_ticket_waits_for_its_team_then_for_its_assignee(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("The printer is on fire").await;
    assert_eq!(incident["waiting_on"]["what"], "team");
    assert_eq!(incident["waiting_on"]["team"]["key"], "service-desk");
    assert_eq!(incident["waiting_on"]["since"], incident["created_at"]);
    desk.clock.advance(TimeDelta::minutes(20));

    let started = acme.agent.client.act(&incident, "start", json!({})).await.ok();

    assert_eq!(started["waiting_on"]["what"], "assignee");
    assert_eq!(started["waiting_on"]["people"], json!([acme.agent.id]));
    assert_eq!(started["waiting_on"]["since"], "2026-06-01T09:20:00Z");
    let listed = acme.agent.client.get("/tickets").await.items();
    assert_eq!(listed[0]["waiting_on"], started["waiting_on"]);
}

async fn w10_a_ticket_on_hold_waits_for_whom_it_was_held(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let incident = acme.report("The printer is on fire").await;

    let vendor = json!({ "awaiting": "vendor", "vendor": "Toner & Sons" });
    let held = agent.act(&incident, "hold", vendor).await.ok();
    assert_eq!(held["waiting_on"]["what"], "vendor");
    assert_eq!(held["waiting_on"]["vendor"], "Toner & Sons");

    let evidence = json!({ "awaiting": "evidence", "person": acme.manager.id });
    let held = agent.act(&incident, "hold", evidence).await.ok();
    assert_eq!(held["waiting_on"]["what"], "evidence");
    assert_eq!(held["waiting_on"]["people"], json!([acme.manager.id]));

    let caller = json!({ "awaiting": "caller", "comment": "Which printer?" });
    let held = agent.act(&incident, "hold", caller).await.ok();
    assert_eq!(held["waiting_on"]["what"], "caller");
    let asked = acme.requester.client.of(&incident, "comments").await.items();
    assert_eq!(asked[0]["text"], "Which printer?");
}

async fn w10_a_resolved_incident_waits_for_the_callers_word_until_it_closes_itself(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("The printer is on fire").await;
    let done = json!({ "resolution_code": "fixed", "resolution_notes": "new toner" });

    let resolved = acme.agent.client.act(&incident, "resolve", done).await.ok();

    assert_eq!(resolved["waiting_on"]["what"], "confirmation");
    assert_eq!(resolved["waiting_on"]["closes_at"], "2026-06-06T09:00:00Z");
}

async fn w10_a_request_waits_for_its_approvers_by_name(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind_plan(&acme, &json!([stage("manager", &json!(["manager"]))])).await;

    let request = acme.ask_for_laptop().await;

    assert_eq!(request["state"], "awaiting_approval");
    assert_eq!(request["waiting_on"]["what"], "approvers");
    assert_eq!(request["waiting_on"]["people"], json!([acme.manager.id]));
}

async fn w10_an_approval_without_a_voter_says_that_one_is_missing(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let version =
        acme.admin.client.get("/organizations/acme").await.ok()["version"].as_i64().unwrap();
    let nobody = json!({ "fallback_approver": null });
    let _ = acme.admin.client.patch("/organizations/acme", version, nobody).await.ok();
    bind_plan(&acme, &json!([stage("owner", &json!(["service_owner"]))])).await;

    let request = acme.ask_for_laptop().await;

    assert_eq!(request["waiting_on"]["what"], "approver_missing");
    desk.ignore_mail();
}

async fn bind_plan(org: &Org<'_>, stages: &Value) {
    org.bind("plan", "approval-chain", asking(stages)).await;
}

async fn w10_what_is_over_waits_for_nobody(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("The printer is on fire").await;

    let cancelled = acme
        .agent
        .client
        .act(&incident, "cancel", json!({ "reason": "It was a drill" }))
        .await
        .ok();

    assert_eq!(cancelled["waiting_on"], Value::Null);
}
