//! Why a ticket is where it is, in sentences.

use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_test_support::{Guest, Org, TestDesk, on_both_engines};

use crate::policies::{asking, by_words, stage, teams_by_words, telling};

on_both_engines! {
    q1_priority_team_category_and_what_it_waits_for_are_explained
    an_explanation_is_facts_and_each_has_its_sentence
    q1_an_explanation_is_never_longer_than_a_screen
    q1_an_approval_is_explained
    explain_lists_the_policies_in_the_order_in_which_they_were_asked
    explain_says_what_failed_and_what_decided_instead
    explain_names_what_came_instead_of_a_failed_policy
    a_fallback_team_that_does_not_serve_is_not_told_as_the_one_that_decided
    what_an_overruled_policy_wanted_and_did_not_get_is_told
    who_was_not_asked_because_a_layer_replaces_them_is_told
    how_many_messages_left_and_wait_is_told
}

async fn sentences(org: &Org<'_>, ticket: &Value) -> Vec<String> {
    let explanation = org.agent.client.of(ticket, "explain").await.ok();
    let facts = explanation["facts"].as_array().unwrap().iter();
    facts.map(|fact| fact["text"].as_str().unwrap().to_owned()).collect()
}

/// The facts of a kind.
async fn facts(org: &Org<'_>, ticket: &Value, kind: &str) -> Vec<Value> {
    let mut explanation = org.agent.client.of(ticket, "explain").await.ok();
    let all = explanation["facts"].as_array_mut().unwrap();
    all.retain(|fact| fact["kind"] == kind);
    std::mem::take(all)
}

async fn q1_priority_team_category_and_what_it_waits_for_are_explained(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let words =
        by_words(&[("wifi", json!({ "category": ["network"], "impact": 2, "urgency": 1 }))]);
    acme.bind("categorize", "keyword-categorizer", words).await;
    acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;

    let incident = acme.report("No wifi").await;

    let told = sentences(&acme, &incident).await.join("\n");
    for expected in [
        "is an incident from requester of acme",
        "It has priority 2",
        "for impact 2 and urgency 1",
        "Its category is network, set by categorize-keyword-categorizer r1 of acme",
        "Its team is Network, set by route-team-router r1 of acme",
        "It has been waiting for the team Network to pick it up",
    ] {
        assert!(told.contains(expected), "{expected} is not in\n{told}");
    }
}

async fn an_explanation_is_facts_and_each_has_its_sentence(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let words = by_words(&[("wifi", json!({ "category": ["network"], "impact": 2 }))]);
    acme.bind("categorize", "keyword-categorizer", words).await;
    let incident = acme.report("No wifi").await;

    let explanation = acme.agent.client.of(&incident, "explain").await.ok();
    let mut facts = explanation["facts"].clone();
    for fact in facts.as_array_mut().unwrap() {
        let text = fact.as_object_mut().unwrap().remove("text").unwrap();
        assert!(text.as_str().unwrap().ends_with('.'), "{text}");
    }
    let policy = json!({
        "name": "categorize-keyword-categorizer of acme",
        "revision": 1,
        "reasons": explanation["decisions"][0]["reasons"],
    });
    let opened = &incident["opened_at"];
    assert_eq!(
        facts,
        json!([
            {
                "kind": "subject", "number": incident["number"], "ticket_kind": "incident",
                "requester": "requester of acme", "state": "new", "since": opened,
                "catalog_item": null, "service": null, "ci": null,
            },
            {
                "kind": "priority", "priority": 4, "set_by": { "kind": "default" }, "matrix": 4,
                "impact": 2, "urgency": null, "rated_by": policy,
            },
            {
                "kind": "category", "category": "network",
                "set_by": { "kind": "policy", "policy": policy },
            },
            {
                "kind": "team", "team": "Service desk", "set_by": { "kind": "default" },
                "assignee": null,
            },
            {
                "kind": "waiting", "on": "team", "names": ["Service desk"], "what": null,
                "closes_at": null, "since": opened,
            },
        ])
    );
}

async fn q1_an_explanation_is_never_longer_than_a_screen(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let trap = acme.admin.client.upload(Guest::new().before_answer("unreachable").build()).await;
    for position in 1..=12 {
        let name = format!("broken-{position}");
        acme.bind_component(&name, position, "route", &trap, json!({})).await;
    }

    let incident = acme.try_report(json!({
        "short_description": "x".repeat(250), "description": "y".repeat(4000),
    }));
    let incident = incident.await.created();
    for _ in 0..2 {
        let _ = acme.agent.client.act(&incident, "reroute", json!({})).await.ok();
    }

    let told = sentences(&acme, &incident).await;
    assert!(told.len() <= 18, "{told:?}");
    assert!(told.iter().all(|sentence| sentence.chars().count() <= 300), "{told:?}");
    assert!(told.iter().any(|sentence| sentence.contains("more decisions, see the receipts")));
    desk.ignore_mail();
}

async fn q1_an_approval_is_explained(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let stages = json!([stage("budget", &json!(["manager"]))]);
    acme.bind("plan", "approval-chain", asking(&stages)).await;

    let request = acme.ask_for_laptop().await;

    let told = sentences(&acme, &request).await.join("\n");
    assert!(told.contains("step budget has 0 of 1 required approvals"), "{told}");
    assert!(told.contains("It has been waiting for the votes of manager of acme"), "{told}");
}

async fn explain_lists_the_policies_in_the_order_in_which_they_were_asked(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    acme.bind_as("second", 20, "route", "team-router", teams_by_words(&[("wifi", "network")]))
        .await;
    acme.bind_as("first", 10, "route", "team-router", teams_by_words(&[("lan", "finance")])).await;
    acme.bind("categorize", "keyword-categorizer", by_words(&[("wifi", json!({ "impact": 2 }))]))
        .await;

    let incident = acme.report("No wifi").await;

    let explanation = acme.agent.client.of(&incident, "explain").await.ok();
    let asked: Vec<_> = explanation["decisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["hook"].clone(), one["binding"].clone(), one["outcome"]["kind"].clone()))
        .collect();
    let expected = [
        ("categorize", "categorize-keyword-categorizer", "applied"),
        ("route", "first", "declined"),
        ("route", "second", "applied"),
    ];
    assert_eq!(asked, expected.map(|(hook, name, what)| (json!(hook), json!(name), json!(what))));
    assert_eq!(explanation["decisions"][1]["layer"], "acme");
}

async fn explain_says_what_failed_and_what_decided_instead(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let trap = acme.admin.client.upload(Guest::new().before_answer("unreachable").build()).await;
    acme.bind_component("broken", 1, "route", &trap, json!({})).await;

    let incident = acme.report("No wifi").await;

    let told = sentences(&acme, &incident).await.join("\n");
    assert!(
        told.contains("broken r1 of acme failed (trap) when asked to choose its team"),
        "{told}"
    );
    assert!(told.contains("instead: the organization's fallback team."), "{told}");
}

async fn explain_names_what_came_instead_of_a_failed_policy(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let starve = async |binding: &Value| {
        let path = format!("/bindings/{}/revisions", binding["id"].as_str().unwrap());
        let starved = json!({ "limits": { "fuel": 10_000 } });
        let _ = acme.admin.client.post(&path, starved).await.created();
    };
    let words = by_words(&[("wifi", json!({ "impact": 1 }))]);
    starve(&acme.bind("categorize", "keyword-categorizer", words).await).await;
    let chain = asking(&json!([stage("budget", &json!(["manager"]))]));
    starve(&acme.bind("plan", "approval-chain", chain).await).await;
    let trap = acme.admin.client.upload(Guest::new().before_answer("unreachable").build()).await;
    acme.bind_component("broken", 1, "route", &trap, json!({})).await;
    acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;

    let followed = acme.report("No wifi").await;
    let told = sentences(&acme, &followed).await.join("\n");
    for expected in [
        "when asked to categorize it; instead: it stays as it was submitted.",
        "when asked to choose its team; instead: route-team-router of acme was asked next.",
    ] {
        assert!(told.contains(expected), "{expected} is not in\n{told}");
    }

    let request = acme.ask_for_laptop().await;
    let told = sentences(&acme, &request).await.join("\n");
    let expected =
        "when asked to plan its approval; instead: the organization's fallback approver.";
    assert!(told.contains(expected), "{told}");
    desk.ignore_mail();
}

async fn a_fallback_team_that_does_not_serve_is_not_told_as_the_one_that_decided(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let component =
        acme.admin.client.upload(Guest::new().before_answer("unreachable").build()).await;
    let binding = json!({
        "hooks": ["route"], "name": "broken", "position": 1, "component": component, "settings": {},
        "fallback_team": "finance",
    });
    let _ = acme.admin.client.post("/bindings", binding).await.created();
    let team = acme.admin.client.get("/teams/finance").await.ok();
    let away = json!({ "active": false });
    let version = team["version"].as_i64().unwrap();
    let _ = acme.admin.client.patch("/teams/finance", version, away).await.ok();

    let incident = acme.report("No wifi").await;

    assert_eq!(incident["team"]["key"], "service-desk");
    let told = sentences(&acme, &incident).await.join("\n");
    let expected = "instead: the organization's fallback team; the binding's own fallback team does \
                    not serve the organization.";
    assert!(told.contains(expected), "{told}");
}

async fn what_an_overruled_policy_wanted_and_did_not_get_is_told(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let own = json!({ "name": "Acme Inc." });
    let version = acme.admin.client.get("/organizations/acme").await.ok()["version"].as_i64();
    let _ = acme.admin.client.patch("/organizations/acme", version.unwrap(), own).await.ok();
    for (name, position, set) in [
        ("first", 10, json!({ "category": ["network"] })),
        ("second", 20, json!({ "category": ["access", "password"], "impact": 2 })),
    ] {
        let words = by_words(&[("wifi", set)]);
        acme.bind_as(name, position, "categorize", "keyword-categorizer", words).await;
    }

    let incident = acme.report("No wifi").await;

    let overruled = facts(&acme, &incident, "overruled").await.remove(0);
    let policy = &overruled["policy"];
    assert_eq!((&policy["name"], &policy["revision"]), (&json!("second of Acme Inc."), &json!(1)));
    // Its impact was taken.
    let wanted = json!([{ "field": "category", "value": "access/password" }]);
    assert_eq!(overruled["wanted"], wanted);
    let sentence = "second r1 of Acme Inc. wanted category access/password, and was overruled: \
                    category: policy `first` of acme has given it already.";
    assert_eq!(overruled["text"], sentence);
}

async fn who_was_not_asked_because_a_layer_replaces_them_is_told(desk: TestDesk) {
    let harbor = desk.provider("harbor").await;
    let acme = desk.client_of("harbor", "acme").await;
    harbor.bind("route", "team-router", teams_by_words(&[("wifi", "acme/network")])).await;
    let own = json!({
        "hooks": ["route"], "name": "own", "position": 1, "replaces_above": true,
        "component": desk.upload(&acme.admin.client, "acme", "team-router").await,
        "settings": teams_by_words(&[("lan", "finance")]),
    });
    let _ = acme.admin.client.post("/bindings", own).await.created();

    let incident = acme.report("No wifi").await;
    // What comes later was not there to be asked.
    desk.clock.advance(TimeDelta::hours(1));
    let later = teams_by_words(&[("wifi", "acme/network")]);
    harbor.bind_as("later", 20, "route", "team-router", later).await;

    let told = facts(&acme, &incident, "not_asked").await;
    assert_eq!(
        told,
        [json!({
            "kind": "not_asked", "hook": "route", "replaced_by": "acme",
            "policies": [{ "name": "route-team-router of harbor", "revision": 1 }],
            "text": "Not asked to choose its team: route-team-router r1 of harbor, replaced by \
                     acme.",
        })]
    );
}

async fn how_many_messages_left_and_wait_is_told(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut settings = json!({ "rules": [telling("received", "created", &json!(["requester"]))] });
    settings["quiet_hours"] = json!({ "from": "20:00", "to": "07:00", "except_priority": 1 });
    acme.bind("notify", "stakeholder-notifier", settings).await;
    // 23:00.
    desk.clock.advance(TimeDelta::hours(14));
    let incident = acme.report("My chair squeaks").await;

    let told = async || facts(&acme, &incident, "messages").await.remove(0);
    let counts =
        |fact: &Value| ["sent", "waiting", "delayed"].map(|name| fact[name].as_u64().unwrap());
    assert_eq!(counts(&told().await), [0, 0, 1]);
    desk.clock.advance(TimeDelta::hours(8));
    assert_eq!(counts(&told().await), [0, 1, 0]);
    assert_eq!(desk.mailbox().await.len(), 1);
    let sent = told().await;
    assert_eq!(counts(&sent), [1, 0, 0]);
    assert_eq!(sent["text"], "Messages about it: 1 sent.");
}
