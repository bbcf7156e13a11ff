//! What happened: one event for each accepted action, which nobody can take back.

use serde_json::{Value, json};
use waypost_store::{StoreError, testing};
use waypost_test_support::{Org, TestDesk, on_both_engines};

use crate::policies::{by_words, teams_by_words};

on_both_engines! {
    w5_every_verb_is_an_event_with_actor_before_and_after
    w5_an_event_by_a_policy_names_the_policys_digest
    w5_a_repeated_acknowledgement_is_no_event
    p4_what_was_recorded_cannot_be_changed
    events_are_numbered_and_never_go_back_in_time
    what_follows_from_an_event_names_it_as_its_cause
}

async fn w5_every_verb_is_an_event_with_actor_before_and_after(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let incident = acme.report("The portal is slow").await;
    let triage = json!({ "category": "network", "impact": 2, "urgency": 2 });
    let _ = agent.act(&incident, "triage", triage).await.ok();
    let priority = json!({ "priority": 1, "reason": "the mayor waits" });
    let _ = agent.act(&incident, "set_priority", priority).await.ok();
    let _ = agent.act(&incident, "assign", json!({ "team": "network" })).await.ok();
    let _ =
        agent.act(&incident, "escalate", json!({ "level": 1, "reason": "no answer" })).await.ok();
    let _ = agent.act(&incident, "start", json!({})).await.ok();
    let done = json!({ "resolution_code": "fixed", "resolution_notes": "new cable" });
    let _ = agent.act(&incident, "resolve", done).await.ok();

    let events = agent.of(&incident, "events").await.items();

    let by_agent = json!({ "kind": "user", "person": acme.agent.id });
    let expected = [
        ("triage", "category", Value::Null, json!("network")),
        ("set_priority", "priority", json!("3"), json!("1")),
        ("assign", "team", json!("service-desk"), json!("network")),
        ("escalate", "escalation_level", Value::Null, json!("1")),
        ("start", "state", json!("new"), json!("in_progress")),
        ("resolve", "state", json!("in_progress"), json!("resolved")),
    ];
    for (action, field, before, after) in expected {
        let event = one(&events, action);
        assert_eq!(event["actor"], by_agent, "{action}");
        let change = changed(event, field);
        assert_eq!((&change["before"], &change["after"]), (&before, &after), "{action}: {event}");
    }
    assert_eq!(one(&events, "set_priority")["reason"], "the mayor waits");
    assert_eq!(one(&events, "resolve")["reason"], "new cable");
}

/// The last event of an action: the fallback's assignment comes before a person's.
fn one<'a>(events: &'a [Value], action: &str) -> &'a Value {
    let found = events.iter().rfind(|event| event["action"] == action);
    found.unwrap_or_else(|| panic!("no {action} in {events:?}"))
}

fn changed<'a>(event: &'a Value, field: &str) -> &'a Value {
    let changes = event["changes"].as_array().unwrap();
    let found = changes.iter().find(|change| change["field"] == field);
    found.unwrap_or_else(|| panic!("no change of {field} in {event}"))
}

async fn w5_an_event_by_a_policy_names_the_policys_digest(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let words = by_words(&[("wifi", json!({ "category": ["network"], "impact": 2 }))]);
    let categorizer = acme.bind("categorize", "keyword-categorizer", words).await;
    let router = acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;

    let incident = acme.report("No wifi").await;

    let events = acme.agent.client.of(&incident, "events").await.items();
    for (action, binding) in [("categorize", &categorizer), ("assign", &router)] {
        let event = one(&events, action);
        assert_eq!(event["actor"], json!({ "kind": "policy", "person": null }));
        assert_eq!(event["policy_digest"], binding["active"]["component"]);
        assert!(event["reason"].as_str().unwrap().contains("wifi"), "{event}");
    }
    assert_eq!(changed(one(&events, "assign"), "team")["after"], "network");
    let seen = acme.requester.client.of(&incident, "events").await.items();
    assert!(seen.iter().all(|event| event["policy_digest"] == Value::Null));
}

async fn w5_a_repeated_acknowledgement_is_no_event(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let incident = acme.report("The printer is on fire").await;

    let first = agent.act(&incident, "acknowledge", json!({})).await.ok();
    desk.clock.advance(chrono::TimeDelta::minutes(5));
    let again = agent.act(&incident, "acknowledge", json!({})).await.ok();

    assert_eq!(first["acknowledged_at"], again["acknowledged_at"]);
    assert_eq!(first["version"], again["version"]);
    let events = agent.of(&incident, "events").await.items();
    assert_eq!(events.iter().filter(|event| event["action"] == "acknowledge").count(), 1);
}

async fn p4_what_was_recorded_cannot_be_changed(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;
    let _ = acme.report("No wifi").await;

    for statement in [
        "update events set reason = 'it was somebody else'",
        "delete from events",
        "update receipts set fuel = 0",
        "update rounds set occasion = 'nothing'",
        "update binding_revisions set position = 7",
    ] {
        let refused = run(&desk, statement).await;
        assert!(refused.is_err(), "{statement}: {refused:?}");
    }
}

async fn run(desk: &TestDesk, statement: &'static str) -> Result<u64, StoreError> {
    let mut tx = desk.store.system().await?;
    let rows = testing::execute(&mut tx, statement).await?;
    tx.commit().await?;
    Ok(rows)
}

async fn events_are_numbered_and_never_go_back_in_time(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let incident = acme.report("The printer is on fire").await;
    let _ = agent.act(&incident, "start", json!({})).await.ok();
    desk.clock.advance(chrono::TimeDelta::hours(-1));

    let _ = agent.comment(&incident, "public", "We look into it").await.created();

    let events = agent.of(&incident, "events").await.items();
    for (place, pair) in events.windows(2).enumerate() {
        assert_eq!(pair[1]["seq"].as_u64(), Some(place as u64 + 2));
        assert!(time(&pair[0]) <= time(&pair[1]), "{pair:?}");
    }
}

fn time(event: &Value) -> chrono::DateTime<chrono::Utc> {
    event["at"].as_str().unwrap().parse().unwrap()
}

async fn what_follows_from_an_event_names_it_as_its_cause(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = resolved(&acme).await;

    let _ = acme
        .requester
        .client
        .act(&incident, "caller_reply", json!({ "text": "Still broken" }))
        .await
        .ok();

    let events = acme.agent.client.of(&incident, "events").await.items();
    let (reply, reopening) = (one(&events, "caller_reply"), one(&events, "reopen"));
    assert_eq!(reopening["cause"], reply["id"]);
    assert_eq!(reopening["actor"]["kind"], "system");
}

async fn resolved(org: &Org<'_>) -> Value {
    let incident = org.report("The printer is on fire").await;
    let done = json!({ "resolution_code": "fixed", "resolution_notes": "new toner" });
    org.agent.client.act(&incident, "resolve", done).await.ok()
}
