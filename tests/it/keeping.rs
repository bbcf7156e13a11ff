//! What is kept is said to be kept, and what a caller is told of it is true.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_store::testing;
use waypost_test_support::{Guest, Org, TestDesk, on_both_engines};

use crate::policies::telling_the_requester;

on_both_engines! {
    a_ticket_is_stored_and_answered_also_when_no_administrator_can_be_told_of_a_breaker
    an_agent_who_wrote_the_ticket_down_gives_the_first_response
    w6_a_requester_reads_nothing_about_policies_that_failed
    me_tells_a_provider_who_acts_below_where_and_who_they_are
    a_version_is_heeded_where_the_document_says_so
    a_refused_move_offers_only_what_a_caller_can_ask_for
    texts_of_messages_are_emptied_some_weeks_after_they_were_sent
}

async fn failing(acme: &Org<'_>) {
    let component =
        acme.admin.client.upload(Guest::new().before_answer("unreachable").build()).await;
    let binding = json!({
        "hooks": ["route"], "name": "broken", "position": 1, "component": component,
        "fallback_team": "finance",
    });
    let _ = acme.admin.client.post("/bindings", binding).await.created();
}

async fn a_ticket_is_stored_and_answered_also_when_no_administrator_can_be_told_of_a_breaker(
    desk: TestDesk,
) {
    let acme = desk.organization("acme").await;
    failing(&acme).await;
    let mut tx = desk.store.system().await.unwrap();
    let _ = testing::execute(&mut tx, "alter table outbox rename to outbox_away").await.unwrap();
    tx.commit().await.unwrap();

    // The fifth failure opens the breaker, and its letter has nowhere to go.
    for count in 1..=6 {
        let answer = acme.try_report(json!({ "short_description": "No wifi" })).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{count}: {}", answer.text);
    }

    assert_eq!(acme.agent.client.get("/tickets").await.items().len(), 6);
    let mut tx = desk.store.system().await.unwrap();
    let _ = testing::execute(&mut tx, "alter table outbox_away rename to outbox").await.unwrap();
    tx.commit().await.unwrap();
}

async fn an_agent_who_wrote_the_ticket_down_gives_the_first_response(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let call = json!({
        "short_description": "No wifi", "channel": "phone", "requester": acme.requester.id,
    });
    let incident = agent.post("/incidents", call).await.created();
    assert_eq!(incident["first_response_at"], Value::Null);

    let _ = agent.comment(&incident, "public", "Please restart it").await.created();

    assert_eq!(agent.again(&incident).await["first_response_at"], "2026-06-01T09:00:00Z");
    // Who asks for themselves answers nobody.
    let own = agent.post("/incidents", json!({ "short_description": "Mine" })).await.created();
    let _ = agent.comment(&own, "public", "Anybody there?").await.created();
    assert_eq!(agent.again(&own).await["first_response_at"], Value::Null);
}

async fn w6_a_requester_reads_nothing_about_policies_that_failed(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    failing(&acme).await;
    let incident = acme.report("No wifi").await;
    assert_eq!(incident["team"]["key"], "finance");

    let told = acme.agent.client.of(&incident, "events").await.text;
    let shown = acme.requester.client.of(&incident, "events").await.text;

    assert!(told.contains("broken") && told.contains("assigned to its fallback team"));
    assert!(!shown.contains("broken") && !shown.contains("fallback"), "{shown}");
    // What the host does of itself is no secret.
    let done = json!({ "resolution_code": "fixed", "resolution_notes": "again" });
    let _ = acme.agent.client.act(&incident, "resolve", done).await.ok();
    desk.clock.advance(chrono::TimeDelta::days(6));
    let _ = waypost_app::upkeep::sweep(&desk.desk, waypost_app::Clock::now(&desk.clock)).await;
    let shown = acme.requester.client.of(&incident, "events").await.text;
    assert!(shown.contains("closed automatically: no reply in time"), "{shown}");
}

async fn me_tells_a_provider_who_acts_below_where_and_who_they_are(desk: TestDesk) {
    let msp = desk.provider("msp").await;
    let client = desk.client_of("msp", "client").await;

    let me = msp.agent.client.in_organization("client").get("/me").await.ok();
    assert_eq!(me["organization"]["key"], "client");
    assert_eq!(me["organization"]["name"], "client");
    assert!(me["organization"]["id"].is_string());
    assert_eq!(me["person"]["id"], msp.agent.id);
    assert_eq!(me["person"]["name"], "agent of msp");

    let me = client.requester.client.get("/me").await.ok();
    assert_eq!(me["person"]["id"], client.requester.id);
    let platform = desk.platform().in_organization("client").get("/me").await.ok();
    assert_eq!(platform["organization"]["key"], "client");
}

async fn a_version_is_heeded_where_the_document_says_so(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let old = [("if-match", "\"99\"")];
    let binding = acme.bind("route", "team-router", json!({ "rules": [] })).await;
    for action in ["disable", "enable", "revisions", "roll-back"] {
        let path = format!("/bindings/{}/{action}", binding["id"].as_str().unwrap());
        let body = if action == "roll-back" { json!({ "to": 1 }) } else { json!({}) };
        let refused = acme.admin.client.post_with(&path, &old, body).await;
        assert_eq!(refused.status, StatusCode::PRECONDITION_FAILED, "{action}: {}", refused.text);
    }

    let incident = acme.report("No wifi").await;
    let number = incident["number"].as_str().unwrap();
    for action in ["comment", "note"] {
        let path = format!("/tickets/{number}/actions/{action}");
        let said = acme.agent.client.post_with(&path, &old, json!({ "text": "Hello" })).await;
        assert_eq!(said.status, StatusCode::OK, "{action}: {}", said.text);
    }
    let path = format!("/tickets/{number}/actions/start");
    let refused = acme.agent.client.post_with(&path, &old, json!({})).await;
    assert_eq!(refused.status, StatusCode::PRECONDITION_FAILED);
}

async fn a_refused_move_offers_only_what_a_caller_can_ask_for(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("No wifi").await;

    let refused = acme.agent.client.act(&incident, "resume", json!({})).await;

    let allowed = refused.json["allowed_actions"].as_array().unwrap();
    assert!(allowed.contains(&json!("start")) && allowed.contains(&json!("assign")));
    assert!(!allowed.contains(&json!("categorize")), "{allowed:?}");
}

async fn texts_of_messages_are_emptied_some_weeks_after_they_were_sent(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    acme.bind("notify", "stakeholder-notifier", telling_the_requester()).await;
    let _ = acme.report("The printer is on fire").await;
    let sent = desk.letters().await.len();
    assert!(sent > 0);
    let outbox = async || acme.admin.client.get("/outbox").await.items().remove(0);
    let message = outbox().await;

    desk.clock.advance(TimeDelta::days(30));
    assert_eq!(desk.sweep_housekeeping().await.texts, 0);
    assert_eq!(outbox().await, message);
    desk.clock.advance(TimeDelta::seconds(1));
    assert_eq!(desk.sweep_housekeeping().await.texts, u64::try_from(sent).unwrap());

    let emptied = outbox().await;
    assert_eq!((&emptied["subject"], &emptied["body"]), (&json!(""), &json!("")));
    assert_eq!(emptied["address"], Value::Null);
    assert_eq!((&emptied["state"], &emptied["id"]), (&json!("sent"), &message["id"]));
    assert_eq!(emptied["person"], acme.requester.id.as_str());
    assert_eq!(desk.sweep_housekeeping().await.texts, 0);
}
