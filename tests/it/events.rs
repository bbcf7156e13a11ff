//! What happened: one event for each accepted action, which nobody can take back.

use serde_json::{Value, json};
use waypost_store::{StoreError, testing};
use waypost_test_support::{Org, TestDesk, on_both_engines};

use crate::policies::{by_words, teams_by_words};

on_both_engines! {
    w5_every_verb_is_an_event_with_actor_before_and_after
    w5_an_event_by_a_policy_names_the_policys_digest
    w5_a_repeated_acknowledgement_is_no_event
    p4_the_times_of_a_history_never_decrease
    p4_what_was_recorded_cannot_be_changed
    events_are_numbered_and_never_go_back_in_time
    what_follows_from_an_event_names_it_as_its_cause
    p4_an_auditor_reads_all_events_in_pages
    p4_whoever_switches_a_policy_is_recorded
    a_ticket_that_goes_on_points_back_to_the_one_that_led_to_it
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

async fn p4_the_times_of_a_history_never_decrease(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let incident = acme.report("The printer is on fire").await;
    // Another copy of the host, whose clock is late.
    desk.clock.advance(chrono::TimeDelta::minutes(-5));

    let _ = agent.act(&incident, "acknowledge", json!({})).await.ok();

    let events = agent.of(&incident, "events").await.items();
    let mut by_number = events.clone();
    by_number.sort_by_key(|event| event["seq"].as_i64());
    let times: Vec<_> = by_number.iter().map(|event| event["at"].as_str().unwrap()).collect();
    assert!(times.len() >= 3 && times.is_sorted(), "{times:?}");
}

async fn p4_what_was_recorded_cannot_be_changed(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let router = acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;
    let _ = acme.report("No wifi").await;
    let disable = format!("/bindings/{}/disable", router["id"].as_str().unwrap());
    let _ = acme.admin.client.post(&disable, json!({})).await.ok();

    for statement in [
        "update binding_switches set what = 'enabled'",
        "delete from binding_switches",
        "update events set reason = 'it was somebody else'",
        "delete from events",
        "update receipts set fuel = 0",
        "update evaluations set occasion = 'nothing'",
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

async fn a_ticket_that_goes_on_points_back_to_the_one_that_led_to_it(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let (source, target) = (acme.report("No wifi").await, acme.report("No network").await);
    let into = json!({ "target": target["number"] });
    let _ = agent.act(&source, "merge_into", into).await.ok();
    let events = agent.of(&target, "events").await.items();
    assert_eq!(changed(one(&events, "edit"), "merged_from")["after"], source["number"]);

    let convert = json!({ "to": "request", "reason": "It is a wish" });
    let request = agent.act(&target, "convert", convert).await.ok();
    let events = agent.of(&request, "events").await.items();
    assert_eq!(changed(one(&events, "create"), "converted_from")["after"], target["number"]);
}

async fn p4_an_auditor_reads_all_events_in_pages(desk: TestDesk) {
    let (acme, bolt) = (desk.organization("acme").await, desk.organization("bolt").await);
    let _ = bolt.report("Somebody else's").await;
    let mut expected = Vec::new();
    let mut incidents = Vec::new();
    for _ in 0..3 {
        let incident = acme.report("No wifi").await;
        let _ = acme.agent.client.act(&incident, "start", json!({})).await.ok();
        incidents.push(incident);
    }
    incidents.sort_by_key(|incident| incident["id"].as_str().unwrap().to_owned());
    for incident in &incidents {
        let events = acme.agent.client.of(incident, "events").await.items();
        expected.extend(events.into_iter().map(|event| event["id"].clone()));
    }
    let auditor = json!({ "name": "audit", "role": "auditor" });
    let secret = acme.admin.client.post("/tokens", auditor).await.created()["secret"].take();
    let auditor = desk.client(secret.as_str().unwrap());

    let mut seen = Vec::new();
    let mut path = "/events?limit=2".to_owned();
    loop {
        let page = auditor.get(&path).await.ok();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        assert!(items.iter().all(|event| event["number"].as_str().unwrap().starts_with("INC")));
        seen.extend(items.iter().map(|event| event["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/events?limit=2&after={next}");
    }

    assert_eq!(seen, expected);
    let later = auditor.get("/events?from=2026-06-02T00:00:00Z").await.items();
    assert!(later.is_empty(), "{later:?}");
    for other in [&acme.agent.client, &acme.requester.client] {
        assert_eq!(other.get("/events").await.slug(), "forbidden");
    }
}

async fn p4_whoever_switches_a_policy_is_recorded(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let rules = teams_by_words(&[("wifi", "network")]);
    let binding = acme.bind("route", "team-router", rules.clone()).await;
    let path = format!("/bindings/{}", binding["id"].as_str().unwrap());
    let admin = &acme.admin.client;
    let _ = admin.post(&format!("{path}/revisions"), json!({ "settings": rules })).await.created();
    desk.clock.advance(chrono::TimeDelta::hours(1));

    for action in ["disable", "disable", "enable"] {
        let _ = admin.post(&format!("{path}/{action}"), json!({})).await.ok();
    }
    let _ = admin.post(&format!("{path}/roll-back"), json!({ "to": 1 })).await.ok();

    let mut detail = acme.agent.client.get(&path).await.ok();
    let by = json!({ "kind": "user", "person": acme.admin.id });
    let at = "2026-06-01T10:00:00Z";
    let switch = |what: &str, revision: i64| json!({ "what": what, "revision": revision, "at": at, "by": by });
    // What is disabled already is not switched.
    let expected = [switch("disabled", 2), switch("enabled", 2), switch("rolled_back", 1)];
    assert_eq!(detail["switches"].take(), json!(expected));
}
