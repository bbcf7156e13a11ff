//! Problems: the causes behind incidents, from the first suspicion to the lesson learned.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_test_support::{Client, Org, TestDesk, on_both_engines};

use crate::{
    approvals::decide,
    effects::duplicate_of,
    policies::telling,
    risks::{accepted, risk},
};

on_both_engines! {
    a_problem_goes_through_its_states_from_new_to_closed
    everything_that_is_missing_is_named_at_once
    how_a_problem_can_be_resolved_depends_on_its_state
    a_known_error_is_shown_on_its_incidents_with_its_workaround
    a_known_error_keeps_its_symptom_and_its_workaround
    a_problem_that_is_analyzed_again_counts_as_reopened
    a_major_problem_is_closed_with_its_review
    an_incident_becomes_a_problem_of_the_desk
    a_problem_that_is_none_becomes_an_incident
    a_task_of_a_problem_ends_with_it
    requesters_neither_open_nor_see_nor_change_problems
    problems_of_organizations_are_apart
    policies_hear_of_problems
}

/// The desk writes down a suspicion.
pub(crate) async fn suspect(acme: &Org<'_>, short_description: &str) -> Value {
    let new = json!({ "short_description": short_description });
    acme.agent.client.post("/problems", new).await.created()
}

pub(crate) fn assessor(acme: &Org<'_>) -> Value {
    json!({ "team": "network", "assignee": acme.second_agent.id })
}

fn portal() -> Value {
    json!({ "impact": 2, "urgency": 2, "service": "revenue-portal" })
}

fn cause_and_cure() -> Value {
    json!({ "root_cause": "a leaking pool", "fix_notes": "a new driver" })
}

/// A problem whose cause is looked for.
pub(crate) async fn analyzed(acme: &Org<'_>, short_description: &str) -> Value {
    let problem = suspect(acme, short_description).await;
    let agent = &acme.agent.client;
    let _ = agent.act(&problem, "assess", assessor(acme)).await.ok();
    agent.act(&problem, "confirm", portal()).await.ok()
}

/// A problem whose cause is being removed.
pub(crate) async fn in_repair(acme: &Org<'_>, short_description: &str) -> Value {
    let problem = analyzed(acme, short_description).await;
    acme.agent.client.act(&problem, "start_fix", cause_and_cure()).await.ok()
}

pub(crate) fn fixed() -> Value {
    json!({ "resolution_code": "fix_applied", "resolution_notes": "the driver is replaced" })
}

pub(crate) fn number(ticket: &Value) -> &str {
    ticket["number"].as_str().unwrap()
}

pub(crate) fn path(ticket: &Value) -> String {
    format!("/tickets/{}", number(ticket))
}

pub(crate) async fn edit(client: &Client, ticket: &Value, fields: Value) -> Value {
    let version = client.again(ticket).await["version"].as_i64().unwrap();
    client.patch(&path(ticket), version, fields).await.ok()
}

/// The requester reports what the problem causes, and the desk says so.
pub(crate) async fn effect_of(acme: &Org<'_>, problem: &Value, short_description: &str) -> Value {
    let incident = acme.report(short_description).await;
    edit(&acme.agent.client, &incident, json!({ "problem": problem["number"] })).await
}

/// An incident that waits for its problem.
pub(crate) async fn held_for(acme: &Org<'_>, problem: &Value, short_description: &str) -> Value {
    let incident = acme.report(short_description).await;
    let hold = json!({ "awaiting": "problem", "problem": problem["number"] });
    acme.agent.client.act(&incident, "hold", hold).await.ok()
}

pub(crate) async fn last_event(client: &Client, ticket: &Value) -> Value {
    client.of(ticket, "events").await.items().pop().unwrap()
}

pub(crate) fn change<'a>(event: &'a Value, field: &str) -> &'a Value {
    let changes = event["changes"].as_array().unwrap();
    let found = changes.iter().find(|change| change["field"] == field);
    found.unwrap_or_else(|| panic!("no change of {field} in {event}"))
}

async fn actions(client: &Client, ticket: &Value) -> Vec<(String, Value)> {
    let allowed = client.of(ticket, "actions").await.items();
    let named = |one: Value| (one["action"].as_str().unwrap().to_owned(), one["lacks"].clone());
    allowed.into_iter().map(named).collect()
}

async fn a_problem_goes_through_its_states_from_new_to_closed(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = suspect(&acme, "The portal is slow on Mondays").await;
    assert_eq!((number(&problem), &problem["kind"]), ("PRB0000001", &json!("problem")));
    assert_eq!((&problem["state"], &problem["phase"]), (&json!("new"), &json!("open")));
    assert_eq!((&problem["requester"], &problem["incident"]), (&Value::Null, &Value::Null));

    let assessed = agent.act(&problem, "assess", assessor(&acme)).await.ok();
    assert_eq!(assessed["state"], "assess");
    assert_eq!(assessed["team"]["key"], "network");
    assert_eq!(assessed["assignee"]["id"], json!(acme.second_agent.id));
    let confirmed = agent.act(&problem, "confirm", portal()).await.ok();
    assert_eq!(confirmed["state"], "root_cause_analysis");
    assert_eq!(confirmed["service"]["key"], "revenue-portal");
    let repaired = agent.act(&problem, "start_fix", cause_and_cure()).await.ok();
    assert_eq!(repaired["state"], "fix_in_progress");
    assert_eq!(repaired["problem"]["root_cause"], "a leaking pool");
    let resolved = agent.act(&problem, "resolve", fixed()).await.ok();
    assert_eq!((&resolved["state"], &resolved["phase"]), (&json!("resolved"), &json!("done")));
    assert_eq!(resolved["resolution"]["code"], "fix_applied");
    let reason = json!({ "no_article_reason": "nobody else has this driver" });
    let closed = agent.act(&problem, "close", reason).await.ok();

    assert_eq!((&closed["state"], &closed["phase"]), (&json!("closed"), &json!("closed")));
    assert_eq!(closed["problem"]["no_article_reason"], "nobody else has this driver");
    let events = agent.of(&problem, "events").await.items();
    let told: Vec<_> = events.iter().map(|event| event["action"].as_str().unwrap()).collect();
    let moves = ["assess", "confirm", "start_fix", "resolve", "close"];
    assert!(told.ends_with(&moves), "{told:?}");
    let state = change(&events[told.len() - 3], "state");
    assert_eq!(state["before"], "root_cause_analysis");
    assert_eq!(state["after"], "fix_in_progress");
    let late = agent.act(&problem, "assess", assessor(&acme)).await;
    assert_eq!((late.status, late.slug()), (StatusCode::CONFLICT, "invalid-transition"));
    assert_eq!(late.json["state"], "closed");
}

async fn everything_that_is_missing_is_named_at_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = suspect(&acme, "The portal is slow").await;
    let missing = async |action: &str, expected: &[&str]| {
        let refused = agent.act(&problem, action, json!({})).await;
        assert_eq!(refused.slug(), "missing-fields", "{action}: {}", refused.text);
        assert_eq!(refused.pointers(), expected, "{action}");
        // The hint says it beforehand.
        let hints = actions(agent, &problem).await;
        let lacks = hints.iter().find(|(one, _)| one == action).unwrap().1.clone();
        let lacks = lacks.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned());
        let lacks = lacks.collect::<std::collections::BTreeSet<_>>();
        assert!(lacks.iter().all(|one| expected.contains(&one.as_str())), "{action}: {lacks:?}");
    };

    missing("assess", &["/assignee", "/team"]).await;
    missing("resolve", &["/resolution_code", "/resolution_notes"]).await;
    missing("convert", &["/reason", "/to"]).await;
    let _ = agent.act(&problem, "assess", assessor(&acme)).await.ok();
    missing("confirm", &["/impact", "/service", "/urgency"]).await;
    missing("communicate", &["/text"]).await;
    let _ = agent.act(&problem, "confirm", portal()).await.ok();
    missing("start_fix", &["/fix_notes", "/root_cause"]).await;
    missing("publish_known_error", &["/symptom", "/workaround"]).await;
    missing("request_approval", &["/reason", "/risk_owner", "/risk_review_at"]).await;
    let _ = agent.act(&problem, "start_fix", cause_and_cure()).await.ok();
    missing("reanalyze", &["/reason"]).await;
    let _ = agent.act(&problem, "resolve", fixed()).await.ok();
    missing("close", &["/no_article_reason"]).await;
    let version = agent.again(&problem).await["version"].clone();
    // What was refused has changed nothing: one version for each action that was taken.
    assert_eq!(version, json!(problem["version"].as_i64().unwrap() + 4));
}

async fn how_a_problem_can_be_resolved_depends_on_its_state(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let new = suspect(&acme, "The portal is slow").await;
    let analyzed = analyzed(&acme, "The portal is slower").await;
    for problem in [&new, &analyzed] {
        let mut given = fixed();
        given["root_cause"] = json!("a leaking pool");
        let refused = agent.act(problem, "resolve", given).await;
        assert_eq!((refused.status, refused.slug()), (StatusCode::CONFLICT, "guard-failed"));
        assert!(refused.text.contains("the resolution code must be one of: "), "{}", refused.text);
    }
    let wrong = json!({ "resolution_code": "training", "resolution_notes": "read it" });
    let wrong = agent.act(&new, "resolve", wrong).await;
    assert_eq!(wrong.pointers(), ["/resolution_code"], "{}", wrong.text);

    let cancelled = json!({ "resolution_code": "cancelled", "resolution_notes": "a coincidence" });
    let resolved = agent.act(&new, "resolve", cancelled).await.ok();
    assert_eq!(resolved["resolution"]["code"], "cancelled");
    assert_eq!(resolved["resolution"]["notes"], "a coincidence");
}

async fn a_known_error_is_shown_on_its_incidents_with_its_workaround(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = analyzed(&acme, "The portal is slow").await;
    let incident = effect_of(&acme, &problem, "I wait for minutes").await;
    let cause = &incident["caused_by_problem"];
    assert_eq!((&cause["number"], &cause["known_error"]), (&problem["number"], &json!(false)));
    assert_eq!(cause["workaround"], Value::Null);
    let known = json!({ "symptom": "Pages load for minutes", "workaround": "Sign in again" });

    let published = agent.act(&problem, "publish_known_error", known.clone()).await.ok();

    assert_eq!(published["state"], "root_cause_analysis", "it moves nothing");
    assert_eq!(published["problem"]["known_error"], true);
    let cause = agent.again(&incident).await["caused_by_problem"].take();
    assert_eq!(
        (&cause["known_error"], &cause["workaround"]),
        (&json!(true), &json!("Sign in again"))
    );
    assert_eq!(cause["state"], "root_cause_analysis");
    // Once is enough; what it says is edited.
    let again = agent.act(&problem, "publish_known_error", known).await;
    assert_eq!((again.status, again.slug()), (StatusCode::CONFLICT, "guard-failed"));
    let _ = edit(agent, &problem, json!({ "workaround": "Use the app" })).await;
    assert_eq!(agent.again(&incident).await["caused_by_problem"]["workaround"], "Use the app");
    // It is one until its cause is gone.
    let _ = agent.act(&problem, "start_fix", cause_and_cure()).await.ok();
    let resolved = agent.act(&problem, "resolve", fixed()).await.ok();
    assert_eq!(resolved["problem"]["known_error"], false);
    assert_eq!(agent.again(&incident).await["caused_by_problem"]["known_error"], false);
}

async fn a_problem_that_is_analyzed_again_counts_as_reopened(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = in_repair(&acme, "The portal is slow").await;
    let _ = agent.act(&problem, "resolve", fixed()).await.ok();
    desk.clock.advance(TimeDelta::days(2));

    let again =
        agent.act(&problem, "reanalyze", json!({ "reason": "it is slow again" })).await.ok();

    assert_eq!(again["state"], "root_cause_analysis");
    assert_eq!((&again["reopen_count"], &again["resolution"]), (&json!(1), &Value::Null));
    assert_eq!(again["problem"]["root_cause"], "a leaking pool", "what is known stays");
    assert_eq!(last_event(agent, &problem).await["reason"], "it is slow again");
}

async fn a_major_problem_is_closed_with_its_review(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let new = json!({ "short_description": "The portal is slow", "major": true });
    let problem = agent.post("/problems", new).await.created();
    let cancelled = json!({ "resolution_code": "cancelled", "resolution_notes": "a coincidence" });
    let _ = agent.act(&problem, "resolve", cancelled).await.ok();

    let refused = agent.act(&problem, "close", json!({})).await;
    assert_eq!(refused.pointers(), ["/no_article_reason", "/review_note"]);
    let lesson = json!({ "no_article_reason": "it is none", "review_note": "Look at it first." });
    let closed = agent.act(&problem, "close", lesson).await.ok();
    assert_eq!(closed["problem"]["review_note"], "Look at it first.");
}

async fn an_incident_becomes_a_problem_of_the_desk(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let incident = acme.report("The portal is slow on Mondays").await;
    let _ = edit(agent, &incident, json!({ "service": "revenue-portal" })).await;

    let why = json!({ "to": "problem", "reason": "it comes every week" });
    let problem = agent.act(&incident, "convert", why).await.ok();

    assert_eq!((&problem["kind"], &problem["state"]), (&json!("problem"), &json!("new")));
    assert_eq!(number(&problem), "PRB0000001");
    assert_eq!(problem["short_description"], "The portal is slow on Mondays");
    assert_eq!(problem["service"]["key"], "revenue-portal");
    assert_eq!(
        (&problem["requester"], &problem["opened_by"]),
        (&Value::Null, &json!(acme.agent.id))
    );
    let was = acme.requester.client.again(&incident).await;
    assert_eq!(was["state"], "cancelled");
    assert_eq!(was["cancellation"]["reason"], "it comes every week");
    let events = agent.of(&problem, "events").await.items();
    assert_eq!(change(&events[0], "converted_from")["after"], incident["number"]);
    // Its caller keeps what was theirs; the problem is the desk's.
    assert_eq!(acme.requester.client.get(&path(&problem)).await.slug(), "not-found");
}

async fn a_problem_that_is_none_becomes_an_incident(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = suspect(&acme, "The portal is slow").await;
    let cause = analyzed(&acme, "The portal leaks").await;
    let same = agent.act(&problem, "convert", json!({ "to": "problem", "reason": "x" })).await;
    assert_eq!(same.faults(), [("/to", "same-kind")]);

    let why = json!({ "to": "incident", "reason": "it happened once" });
    let incident = agent.act(&problem, "convert", why.clone()).await.ok();

    assert_eq!((&incident["kind"], &incident["state"]), (&json!("incident"), &json!("new")));
    assert_eq!(incident["requester"]["id"], json!(acme.agent.id), "it is for who converted it");
    let was = agent.again(&problem).await;
    assert_eq!(
        (&was["state"], &was["resolution"]["code"]),
        (&json!("resolved"), &json!("cancelled"))
    );
    assert_eq!(was["problem"]["converted_to"], incident["id"]);
    let late = agent.act(&cause, "convert", why).await;
    assert_eq!((late.status, late.slug()), (StatusCode::CONFLICT, "invalid-transition"));
}

async fn a_task_of_a_problem_ends_with_it(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = in_repair(&acme, "The portal is slow").await;
    let tasks = format!("/problems/{}/tasks", number(&problem));
    let mut opened = Vec::new();
    for line in ["Read the logs", "Ask the vendor"] {
        opened.push(agent.post(&tasks, json!({ "short_description": line })).await.created());
    }
    let _ = agent.act(&opened[0], "complete", json!({})).await.ok();
    assert_eq!(agent.again(&problem).await["problem"]["tasks"], json!({ "open": 1, "total": 2 }));

    let resolved = agent.act(&problem, "resolve", fixed()).await.ok();

    assert_eq!(resolved["problem"]["tasks"], json!({ "open": 0, "total": 2 }));
    assert_eq!(agent.again(&opened[0]).await["state"], "done");
    assert_eq!(agent.again(&opened[1]).await["state"], "cancelled");
}

async fn requesters_neither_open_nor_see_nor_change_problems(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let requester = &acme.requester.client;
    let problem = analyzed(&acme, "The portal is slow").await;
    let incident = effect_of(&acme, &problem, "I wait for minutes").await;

    let new = json!({ "short_description": "It is the network" });
    let refused = requester.post("/problems", new).await;
    assert_eq!((refused.status, refused.slug()), (StatusCode::FORBIDDEN, "forbidden"));
    assert_eq!(requester.get(&path(&problem)).await.slug(), "not-found");
    assert!(requester.get("/problems").await.items().is_empty());
    for (action, input) in [("communicate", json!({ "text": "Hello" })), ("resolve", fixed())] {
        let refused = requester.act(&problem, action, input).await;
        assert_eq!(refused.slug(), "not-found", "{action}");
    }
    let wanted = json!({ "problem": null });
    let version = incident["version"].as_i64().unwrap();
    let refused = requester.patch(&path(&incident), version, wanted).await;
    assert_eq!(refused.slug(), "forbidden", "{}", refused.text);
    // Who watches it reads it, and changes nothing.
    let _ = edit(&acme.agent.client, &problem, json!({ "watchers": [acme.requester.id] })).await;
    assert_eq!(requester.again(&problem).await["state"], "root_cause_analysis");
    let refused = requester.act(&problem, "communicate", json!({ "text": "Hello" })).await;
    assert_eq!(refused.slug(), "forbidden", "{}", refused.text);
    let allowed = actions(requester, &problem).await;
    assert!(allowed.is_empty(), "{allowed:?}");
}

async fn problems_of_organizations_are_apart(desk: TestDesk) {
    let (acme, umbrella) = (desk.organization("acme").await, desk.organization("umbrella").await);
    let ours = suspect(&acme, "The portal is slow").await;
    let theirs = suspect(&umbrella, "The portal is slow").await;
    let incident = umbrella.report("I wait for minutes").await;
    let client = &umbrella.agent.client;
    let at = format!("/problems/{}", ours["id"].as_str().unwrap());
    assert_eq!(client.get(&at).await.slug(), "not-found");

    let mut given = duplicate_of(&ours);
    given["duplicate_of"] = ours["id"].clone();
    let refused = client.act(&theirs, "resolve", given).await;
    assert_eq!(refused.faults(), [("/duplicate_of", "unknown")]);
    let wanted = json!({ "problem": ours["id"] });
    let version = incident["version"].as_i64().unwrap();
    let refused = client.patch(&path(&incident), version, wanted).await;
    assert_eq!(refused.faults(), [("/problem", "unknown")], "{}", refused.text);
}

async fn policies_hear_of_problems(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let rules = json!({ "rules": [
        telling("please", "approval_requested", &json!(["approvers"])),
        telling("solved", "resolved", &json!(["assignee"])),
    ] });
    acme.bind("notify", "stakeholder-notifier", rules).await;
    let problem = analyzed(&acme, "The portal is slow").await;
    let agent = &acme.agent.client;

    let _ = agent.act(&problem, "request_approval", risk(&acme, 90)).await.ok();
    let please = format!("{}: please {}", acme.manager.email, number(&problem));
    assert_eq!(desk.mailbox().await, [please]);
    let _ = decide(&acme.manager, "approve", None).await;
    let _ = agent.act(&problem, "resolve", accepted()).await.ok();
    let solved = format!("{}: solved {}", acme.second_agent.email, number(&problem));
    assert_eq!(desk.mailbox().await, [solved]);

    let receipts = agent.get(&format!("/receipts?ticket={}", number(&problem))).await.items();
    assert!(!receipts.is_empty());
    for receipt in receipts {
        let path = format!("/receipts/{}/re-execute", receipt["id"].as_str().unwrap());
        let again = acme.admin.client.post(&path, json!({})).await.ok();
        assert_eq!(again["verdict"], "same", "{again}");
    }
}

async fn a_known_error_keeps_its_symptom_and_its_workaround(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = analyzed(&acme, "The portal is slow").await;
    let known = json!({ "symptom": "Pages take a minute", "workaround": "Use the old one" });
    let _ = agent.act(&problem, "publish_known_error", known).await.ok();
    let version = agent.again(&problem).await["version"].as_i64().unwrap();

    for empty in [json!(null), json!("  ")] {
        let emptied = json!({ "symptom": empty, "workaround": empty });
        let refused = agent.patch(&path(&problem), version, emptied).await;
        assert_eq!(refused.pointers(), ["/symptom", "/workaround"], "{}", refused.text);
    }
    let _ = edit(agent, &problem, json!({ "workaround": "Call the desk" })).await;
    let _ = edit(agent, &problem, json!({ "improvements": null })).await;
    // What is none any more may lose them.
    let duplicate = json!({ "resolution_code": "cancelled", "resolution_notes": "it was a cable" });
    let _ = agent.act(&problem, "resolve", duplicate).await.ok();
    let _ = edit(agent, &problem, json!({ "workaround": null })).await;
}
