//! Rules that find major incidents by their signs, whichever door shows them.

use axum::http::StatusCode;
use serde_json::{Value, json};
use waypost_test_support::{Org, TestDesk, on_both_engines};

use crate::{
    majors::{events, in_minutes, promoting, set},
    policies::by_words,
};

on_both_engines! {
    a_rule_promotes_in_the_commit_that_opens_the_incident
    a_rule_looks_again_whenever_the_signs_change
    a_rule_counts_the_parts_when_one_is_added
    rules_skip_parts_and_what_was_proposed_before
    a_rule_whose_leader_left_proposes
    wrong_rules_are_named_by_their_place_and_change_nothing
    an_import_triggers_rules_like_any_other_door
}

async fn edit(acme: &Org<'_>, incident: &Value, changes: Value) -> Value {
    let incident = acme.agent.client.again(incident).await;
    let path = format!("/incidents/{}", incident["number"].as_str().unwrap());
    acme.agent.client.patch(&path, incident["version"].as_i64().unwrap(), changes).await.ok()
}

async fn a_rule_promotes_in_the_commit_that_opens_the_incident(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let portal = json!({ "service": "revenue-portal", "impact": 1, "urgency": 1 });
    acme.bind("categorize", "keyword-categorizer", by_words(&[("portal", portal)])).await;
    let rules = json!({ "major_rules": [
        { "name": "core service down", "priority_at_most": 1, "criticality_at_least": "high",
          "promote": promoting(&acme) },
        { "name": "urgent", "priority_at_most": 1 },
    ] });
    let stored = set(&acme, rules).await.ok();
    assert_eq!(stored["major_rules"][0]["promote"]["manager"]["id"], json!(acme.agent.id));
    assert_eq!(stored["major_rules"][1]["promote"], Value::Null);

    let incident = acme.report("The portal is down").await;

    assert_eq!((&incident["major_state"], &incident["version"]), (&json!("accepted"), &json!(1)));
    assert_eq!(incident["major"]["next_update_at"], json!(in_minutes(&desk, 30)));
    let events = events(&acme, &incident).await;
    let found: Vec<_> = events
        .iter()
        .filter(|event| event["action"].as_str().unwrap().ends_with("_major"))
        .collect();
    assert_eq!(found.len(), 2);
    for event in found {
        assert_eq!(event["actor"]["kind"], "system");
        assert_eq!(event["reason"], "rule `core service down`: priority 1, criticality high");
    }
    let number = incident["number"].as_str().unwrap();
    let letters = desk.mailbox().await;
    let you = format!("{number} is a major incident, and you are in charge");
    assert_eq!(
        letters,
        [format!("agent@acme.example: {you}"), format!("second@acme.example: {you}")]
    );

    let urgent = json!({ "short_description": "All phones ring", "impact": 1, "urgency": 1 });
    let urgent = acme.try_report(urgent).await.created();
    assert_eq!(urgent["major_state"], "proposed", "the second rule only proposes");
    assert_eq!(acme.report("A mouse").await["major_state"], "none");
    // Which rule it was is the desk's business.
    let seen = acme.requester.client.of(&incident, "events").await.items();
    assert!(seen.iter().all(|event| event["reason"].is_null()), "{seen:?}");
}

async fn a_rule_looks_again_whenever_the_signs_change(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let rules = json!({ "major_rules": [
        { "name": "core", "priority_at_most": 1, "criticality_at_least": "high" },
        { "name": "top", "priority_at_most": 1 },
    ] });
    let _ = set(&acme, rules).await.ok();
    let state = |ticket: &Value| ticket["major_state"].as_str().unwrap().to_owned();

    let by_priority = acme.report("One").await;
    let top = json!({ "priority": 1, "reason": "the board" });
    assert_eq!(state(&agent.act(&by_priority, "set_priority", top).await.ok()), "proposed");
    let by_triage = acme.report("Two").await;
    let confirmed = json!({ "category": "network", "impact": 1, "urgency": 1 });
    assert_eq!(state(&agent.act(&by_triage, "triage", confirmed).await.ok()), "proposed");
    let by_edit = acme.report("Three").await;
    assert_eq!(state(&edit(&acme, &by_edit, json!({ "ci": "portal-web-1" })).await), "none");
    let edited = edit(&acme, &by_edit, json!({ "impact": 1, "urgency": 1 })).await;
    assert_eq!(state(&edited), "proposed");
    let last = events(&acme, &by_edit).await.pop().unwrap();
    assert_eq!(last["reason"], "rule `core`: priority 1, criticality high");
    assert!(!last["cause"].is_null(), "the edit is its cause");
    let untouched = acme.report("Four").await;
    assert_eq!(state(&edit(&acme, &untouched, json!({ "tags": ["loud"] })).await), "none");
}

async fn a_rule_counts_the_parts_when_one_is_added(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let rules = json!({ "major_rules": [{ "name": "many", "children_more_than": 1 }] });
    let _ = set(&acme, rules).await.ok();
    let parent = acme.report("The network is down").await;
    for (text, expected) in [("One", "none"), ("Two", "proposed"), ("Three", "proposed")] {
        let child = acme.report(text).await;
        let child = edit(&acme, &child, json!({ "parent": parent["number"] })).await;
        assert_eq!(child["major_state"], "none");
        assert_eq!(acme.agent.client.again(&parent).await["major_state"], expected, "{text}");
    }
    let events = events(&acme, &parent).await;
    let found = events.iter().filter(|event| event["action"] == "propose_major");
    let reasons: Vec<_> = found.map(|event| event["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["rule `many`: 2 children"]);
}

async fn rules_skip_parts_and_what_was_proposed_before(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let (parent, child) = (acme.report("The network is down").await, acme.report("No mail").await);
    let _ = edit(&acme, &child, json!({ "parent": parent["number"] })).await;
    let rejected = acme.report("No phone").await;
    let _ = agent.act(&rejected, "propose_major", json!({ "reason": "all" })).await.ok();
    let _ = agent.act(&rejected, "reject_major", json!({ "reason": "one" })).await.ok();
    let rules = json!({ "major_rules": [{ "name": "top", "priority_at_most": 1 }] });
    let _ = set(&acme, rules).await.ok();
    for (incident, expected) in [(&child, "none"), (&rejected, "rejected"), (&parent, "proposed")] {
        let top = json!({ "priority": 1, "reason": "the board" });
        let set = agent.act(incident, "set_priority", top).await.ok();
        assert_eq!(set["major_state"], expected);
    }
}

async fn a_rule_whose_leader_left_proposes(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let rule = json!({ "name": "top", "priority_at_most": 1, "promote": promoting(&acme) });
    let _ = set(&acme, json!({ "major_rules": [rule] })).await.ok();
    let path = format!("/people/{}", acme.second_agent.id);
    let version = acme.admin.client.get(&path).await.ok()["version"].as_i64().unwrap();
    let _ = acme.admin.client.patch(&path, version, json!({ "active": false })).await.ok();

    let urgent = json!({ "short_description": "All phones ring", "impact": 1, "urgency": 1 });
    let urgent = acme.try_report(urgent).await.created();

    assert_eq!(urgent["major_state"], "proposed");
    let last = events(&acme, &urgent).await.pop().unwrap();
    let reason = last["reason"].as_str().unwrap();
    assert!(reason.contains("is no longer an active agent"), "{reason}");
}

async fn wrong_rules_are_named_by_their_place_and_change_nothing(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let wrong = json!({ "auto_close_days": 9, "major_rules": [
        { "name": "every" },
        { "name": "wild", "priority_at_most": 9, "criticality_at_least": "huge",
          "promote": { "manager": acme.requester.id, "communication_owner": "x@acme.example" } },
        { "name": "wild", "children_more_than": 500,
          "promote": { "manager": acme.agent.id, "communication_owner": acme.agent.id,
                       "update_minutes": 1 } },
    ] });

    let refused = set(&acme, wrong).await;

    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    assert_eq!(
        refused.pointers(),
        [
            "/major_rules/0",
            "/major_rules/1/criticality_at_least",
            "/major_rules/1/priority_at_most",
            "/major_rules/1/promote/communication_owner",
            "/major_rules/1/promote/manager",
            "/major_rules/1/promote/update_minutes",
            "/major_rules/2/children_more_than",
            "/major_rules/2/name",
            "/major_rules/2/promote/update_minutes",
        ]
    );
    let kept = acme.admin.client.get("/organizations/acme").await.ok();
    assert_eq!((&kept["auto_close_days"], &kept["major_rules"]), (&json!(5), &json!([])));
}

async fn an_import_triggers_rules_like_any_other_door(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let down = json!({ "impact": 1, "urgency": 1 });
    acme.bind("categorize", "keyword-categorizer", by_words(&[("wifi", down)])).await;
    let rules = json!({ "major_rules": [
        { "name": "many", "children_more_than": 3 }, { "name": "top", "priority_at_most": 1 },
    ] });
    let _ = set(&acme, rules).await.ok();

    let report = crate::import::import(&acme, "old", 1..=3).await;

    assert_eq!(report.stored, 3);
    let found = acme.agent.client.get("/incidents?major_state=proposed").await.items();
    assert_eq!(found.len(), 3);
    let last = events(&acme, &found[0]).await.pop().unwrap();
    assert_eq!(last["reason"], "rule `top`: priority 1");
}
