//! Problems: the causes behind incidents, from the first suspicion to the lesson learned.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_app::{Clock, upkeep::Upkept};
use waypost_test_support::{Client, Org, TestDesk, on_both_engines};

use crate::{
    approvals::{asked, decide},
    policies::{telling, telling_the_requester},
    upkeep::sweep,
};

on_both_engines! {
    a_problem_goes_through_its_states_from_new_to_closed
    everything_that_is_missing_is_named_at_once
    how_a_problem_can_be_resolved_depends_on_its_state
    a_known_error_is_shown_on_its_incidents_with_its_workaround
    what_is_communicated_reaches_the_callers_of_active_incidents
    the_incidents_of_a_duplicate_go_to_the_problem_that_goes_on
    a_duplicate_names_another_problem_that_is_not_closed
    an_incident_on_hold_for_a_duplicate_resumes_with_the_problem_that_goes_on
    incidents_on_hold_for_a_problem_resume_when_it_is_resolved
    incidents_are_resolved_with_their_problem_where_that_is_asked_for
    what_was_no_problem_lets_its_incidents_go_on
    the_parts_of_an_incident_are_resolved_with_its_problem
    a_risk_is_accepted_only_with_the_vote_of_the_service_owner
    a_vote_is_on_the_risk_as_it_was_shown
    a_refused_risk_is_not_accepted
    without_an_owner_of_the_service_the_fallback_approver_votes_on_a_risk
    the_review_of_an_accepted_risk_opens_a_task_once
    the_review_of_an_accepted_risk_is_due_after_its_problem_is_closed
    a_problem_that_is_analyzed_again_counts_as_reopened
    a_major_problem_is_closed_with_its_review
    an_incident_becomes_a_problem_of_the_desk
    a_problem_that_is_none_becomes_an_incident
    incidents_are_listed_by_the_problem_that_causes_them
    a_task_of_a_problem_ends_with_it
    requesters_neither_open_nor_see_nor_change_problems
    problems_of_organizations_are_apart
    policies_hear_of_problems
}

/// The desk writes down a suspicion.
async fn suspect(acme: &Org<'_>, short_description: &str) -> Value {
    let new = json!({ "short_description": short_description });
    acme.agent.client.post("/problems", new).await.created()
}

fn assessor(acme: &Org<'_>) -> Value {
    json!({ "team": "network", "assignee": acme.second_agent.id })
}

fn portal() -> Value {
    json!({ "impact": 2, "urgency": 2, "service": "revenue-portal" })
}

fn cause_and_cure() -> Value {
    json!({ "root_cause": "a leaking pool", "fix_notes": "a new driver" })
}

/// A problem whose cause is looked for.
async fn analyzed(acme: &Org<'_>, short_description: &str) -> Value {
    let problem = suspect(acme, short_description).await;
    let agent = &acme.agent.client;
    let _ = agent.act(&problem, "assess", assessor(acme)).await.ok();
    agent.act(&problem, "confirm", portal()).await.ok()
}

/// A problem whose cause is being removed.
async fn in_repair(acme: &Org<'_>, short_description: &str) -> Value {
    let problem = analyzed(acme, short_description).await;
    acme.agent.client.act(&problem, "start_fix", cause_and_cure()).await.ok()
}

fn fixed() -> Value {
    json!({ "resolution_code": "fix_applied", "resolution_notes": "the driver is replaced" })
}

fn number(ticket: &Value) -> &str {
    ticket["number"].as_str().unwrap()
}

fn path(ticket: &Value) -> String {
    format!("/tickets/{}", number(ticket))
}

async fn edit(client: &Client, ticket: &Value, fields: Value) -> Value {
    let version = client.again(ticket).await["version"].as_i64().unwrap();
    client.patch(&path(ticket), version, fields).await.ok()
}

/// The requester reports what the problem causes, and the desk says so.
async fn effect_of(acme: &Org<'_>, problem: &Value, short_description: &str) -> Value {
    let incident = acme.report(short_description).await;
    edit(&acme.agent.client, &incident, json!({ "problem": problem["number"] })).await
}

/// An incident that waits for its problem.
async fn held_for(acme: &Org<'_>, problem: &Value, short_description: &str) -> Value {
    let incident = acme.report(short_description).await;
    let hold = json!({ "awaiting": "problem", "problem": problem["number"] });
    acme.agent.client.act(&incident, "hold", hold).await.ok()
}

async fn last_event(client: &Client, ticket: &Value) -> Value {
    client.of(ticket, "events").await.items().pop().unwrap()
}

fn change<'a>(event: &'a Value, field: &str) -> &'a Value {
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

async fn what_is_communicated_reaches_the_callers_of_active_incidents(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = analyzed(&acme, "The portal is slow").await;
    let active = effect_of(&acme, &problem, "I wait for minutes").await;
    let again = effect_of(&acme, &problem, "I wait on my phone, too").await;
    let done = effect_of(&acme, &problem, "I waited yesterday").await;
    let outcome = json!({ "resolution_code": "other", "resolution_notes": "it passed" });
    let _ = agent.act(&done, "resolve", outcome).await.ok();
    let other = acme.report("A mouse").await;
    acme.bind("notify", "stakeholder-notifier", telling_the_requester()).await;

    let text = json!({ "text": "Sign in again; we look for the cause." });
    let told = agent.act(&problem, "communicate", text).await.ok();

    assert_eq!(told["state"], "root_cause_analysis");
    let read = acme.requester.client.of(&active, "comments").await.items();
    assert_eq!(read.len(), 1, "{read:?}");
    assert_eq!(read[0]["text"], "Sign in again; we look for the cause.");
    assert_eq!(read[0]["visibility"], "public");
    let read = acme.requester.client.of(&again, "comments").await.items();
    assert_eq!(read.len(), 1, "each of the incidents says it, and its caller is told once");
    for silent in [&done, &other] {
        assert!(acme.requester.client.of(silent, "comments").await.items().is_empty());
    }
    let letters = desk.letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0].address, acme.requester.email);
    assert!(letters[0].subject.ends_with(number(&active)), "{letters:?}");
    assert!(letters[0].body.contains("Sign in again"), "{}", letters[0].body);
    let event = last_event(agent, &active).await;
    assert_eq!((&event["action"], &event["actor"]["kind"]), (&json!("comment"), &json!("system")));
    assert!(event["reason"].as_str().unwrap().contains(number(&problem)), "{event}");
    assert_eq!(last_event(agent, &problem).await["action"], "communicate");

    // The workaround speaks for itself.
    let _ = edit(agent, &problem, json!({ "workaround": "Use the app" })).await;
    let _ = agent.act(&problem, "communicate", json!({})).await.ok();
    let read = acme.requester.client.of(&active, "comments").await.items();
    assert_eq!(read.last().unwrap()["text"], "Use the app");
    assert_eq!(desk.letters().await.len(), 1);
}

fn duplicate_of(problem: &Value) -> Value {
    json!({ "resolution_code": "duplicate", "resolution_notes": "the same driver",
            "duplicate_of": problem["number"] })
}

async fn the_incidents_of_a_duplicate_go_to_the_problem_that_goes_on(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let (goes_on, same) =
        (analyzed(&acme, "The portal is slow").await, suspect(&acme, "Slow pages").await);
    let active = effect_of(&acme, &same, "I wait for minutes").await;
    let done = effect_of(&acme, &same, "I waited yesterday").await;
    let outcome = json!({ "resolution_code": "other", "resolution_notes": "it passed" });
    let _ = agent.act(&done, "resolve", outcome).await.ok();

    let resolved = agent.act(&same, "resolve", duplicate_of(&goes_on)).await.ok();

    assert_eq!(resolved["state"], "resolved");
    assert_eq!(resolved["problem"]["duplicate_of"], goes_on["id"]);
    for (incident, state) in [(&active, "new"), (&done, "resolved")] {
        let now = agent.again(incident).await;
        assert_eq!(now["caused_by_problem"]["number"], goes_on["number"]);
        assert_eq!(now["state"], state, "it is moved to the other problem, and otherwise left");
        let event = last_event(agent, incident).await;
        assert_eq!((&event["action"], &event["actor"]["kind"]), (&json!("edit"), &json!("system")));
        assert_eq!(change(&event, "problem")["after"], goes_on["id"]);
        assert!(event["reason"].as_str().unwrap().contains(number(&same)), "{event}");
    }
    // Looked into again, it is a problem of its own.
    let again = agent.act(&same, "reanalyze", json!({ "reason": "another driver" })).await.ok();
    assert_eq!(again["problem"]["duplicate_of"], Value::Null);
}

async fn a_duplicate_names_another_problem_that_is_not_closed(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = suspect(&acme, "Slow pages").await;
    let incident = acme.report("I wait for minutes").await;
    let closed = suspect(&acme, "Slow on Mondays").await;
    let cancelled = json!({ "resolution_code": "cancelled", "resolution_notes": "a coincidence" });
    let _ = agent.act(&closed, "resolve", cancelled).await.ok();
    let _ = agent.act(&closed, "close", json!({ "no_article_reason": "it is none" })).await.ok();

    let nothing = json!({ "resolution_code": "duplicate", "resolution_notes": "the same" });
    let nothing = agent.act(&problem, "resolve", nothing).await;
    assert_eq!(nothing.faults(), [("/duplicate_of", "missing")]);
    for (target, code) in [(&problem, "itself"), (&incident, "other-kind")] {
        let refused = agent.act(&problem, "resolve", duplicate_of(target)).await;
        assert_eq!(refused.faults(), [("/duplicate_of", code)], "{}", refused.text);
    }
    let refused = agent.act(&problem, "resolve", duplicate_of(&closed)).await;
    assert_eq!((refused.status, refused.slug()), (StatusCode::CONFLICT, "guard-failed"));
    let nowhere = agent.act(&problem, "resolve", duplicate_of(&json!({ "number": "PRB9" }))).await;
    assert_eq!(nowhere.faults(), [("/duplicate_of", "unknown")]);
    // An incident is caused by a problem that is not closed, and by nothing else.
    let caused_by = async |target: &Value| {
        let version = agent.again(&incident).await["version"].as_i64().unwrap();
        agent.patch(&path(&incident), version, json!({ "problem": target["number"] })).await
    };
    let refused = caused_by(&incident).await;
    assert_eq!(refused.faults(), [("/problem", "other-kind")], "{}", refused.text);
    let refused = caused_by(&closed).await;
    assert_eq!((refused.status, refused.slug()), (StatusCode::CONFLICT, "guard-failed"));
}

async fn an_incident_on_hold_for_a_duplicate_resumes_with_the_problem_that_goes_on(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let (goes_on, same) =
        (in_repair(&acme, "The portal is slow").await, suspect(&acme, "Slow pages").await);
    let held = held_for(&acme, &same, "I wait for minutes").await;

    let _ = agent.act(&same, "resolve", duplicate_of(&goes_on)).await.ok();

    let waiting = agent.again(&held).await;
    assert_eq!(waiting["state"], "on_hold");
    assert_eq!(waiting["waiting_on"]["problem"], goes_on["id"]);
    // Without its problem, nothing would end the hold.
    let version = waiting["version"].as_i64().unwrap();
    let refused = agent.patch(&path(&held), version, json!({ "problem": null })).await;
    assert_eq!(refused.faults(), [("/problem", "awaited")], "{}", refused.text);
    let _ = agent.act(&goes_on, "resolve", fixed()).await.ok();
    assert_eq!(agent.again(&held).await["state"], "in_progress");
    // Where that one is resolved already, there is nothing to wait for.
    let late = suspect(&acme, "Slower pages").await;
    let held = held_for(&acme, &late, "I wait for hours").await;
    let _ = agent.act(&late, "resolve", duplicate_of(&goes_on)).await.ok();
    let resumed = agent.again(&held).await;
    assert_eq!(resumed["state"], "in_progress");
    assert_eq!(resumed["caused_by_problem"]["number"], goes_on["number"]);
}

async fn incidents_on_hold_for_a_problem_resume_when_it_is_resolved(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = in_repair(&acme, "The portal is slow").await;
    let held = held_for(&acme, &problem, "I wait for minutes").await;
    assert_eq!(held["state"], "on_hold");
    assert_eq!(held["caused_by_problem"]["number"], problem["number"], "the hold links it");
    assert_eq!(held["waiting_on"]["what"], "problem");
    assert_eq!(held["waiting_on"]["problem"], problem["id"]);
    let elsewhere = effect_of(&acme, &problem, "I wait, too").await;
    let vendor = json!({ "awaiting": "vendor", "vendor": "Dell" });
    let _ = agent.act(&elsewhere, "hold", vendor).await.ok();

    let _ = agent.act(&problem, "resolve", fixed()).await.ok();

    let resumed = agent.again(&held).await;
    assert_eq!((&resumed["state"], &resumed["hold"]), (&json!("in_progress"), &Value::Null));
    let event = last_event(agent, &held).await;
    assert_eq!((&event["action"], &event["actor"]["kind"]), (&json!("resume"), &json!("system")));
    assert!(event["reason"].as_str().unwrap().contains(number(&problem)), "{event}");
    assert_eq!(agent.again(&elsewhere).await["state"], "on_hold", "it waits for somebody else");
}

async fn what_was_no_problem_lets_its_incidents_go_on(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = suspect(&acme, "The portal is slow").await;
    let held = held_for(&acme, &problem, "I wait for minutes").await;

    let wish = json!({ "to": "request", "reason": "a faster portal is wished for" });
    let _ = agent.act(&problem, "convert", wish).await.ok();

    assert_eq!(agent.again(&held).await["state"], "in_progress");
}

async fn incidents_are_resolved_with_their_problem_where_that_is_asked_for(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    // What is demanded of whoever resolves an incident stands against no problem.
    let settings = format!("/organizations/{}", acme.key);
    let version = acme.admin.client.get(&settings).await.ok()["version"].as_i64().unwrap();
    let demands = json!({ "resolve_demands": ["category"] });
    let _ = acme.admin.client.patch(&settings, version, demands).await.ok();
    let problem = in_repair(&acme, "The portal is slow").await;
    let held = held_for(&acme, &problem, "I wait for minutes").await;
    let active = effect_of(&acme, &problem, "I wait, too").await;
    acme.bind("notify", "stakeholder-notifier", telling_the_requester()).await;
    let mut given = fixed();
    given["resolve_incidents"] = json!(true);

    let _ = agent.act(&problem, "resolve", given).await.ok();

    for incident in [&held, &active] {
        let resolved = agent.again(incident).await;
        assert_eq!(resolved["state"], "resolved");
        assert_eq!(resolved["resolution"]["code"], "resolved_by_problem");
        let notes = resolved["resolution"]["notes"].as_str().unwrap();
        assert_eq!(notes, format!("{}: the driver is replaced", number(&problem)));
        let by = last_event(agent, incident).await["actor"]["kind"].take();
        assert_eq!(by, "system");
    }
    let mut told =
        [&held, &active].map(|it| format!("{}: done {}", acme.requester.email, number(it)));
    told.sort();
    assert_eq!(desk.mailbox().await, told);
}

async fn the_parts_of_an_incident_are_resolved_with_its_problem(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = in_repair(&acme, "The portal is slow").await;
    let whole = effect_of(&acme, &problem, "The whole floor waits").await;
    // One of them is known to have the same cause, the other is only a part of the larger one.
    let both = effect_of(&acme, &problem, "I wait for minutes").await;
    let part = acme.report("I wait, too").await;
    for one in [&both, &part] {
        let _ = edit(agent, one, json!({ "parent": whole["number"] })).await;
    }
    let mut given = fixed();
    given["resolve_incidents"] = json!(true);

    let _ = agent.act(&problem, "resolve", given).await.ok();

    for incident in [&whole, &both, &part] {
        let resolved = agent.again(incident).await;
        assert_eq!(resolved["state"], "resolved", "{}", incident["short_description"]);
        assert_eq!(resolved["resolution"]["code"], "resolved_by_problem");
    }
}

fn in_days(desk: &TestDesk, days: i64) -> String {
    (desk.clock.now() + TimeDelta::days(days)).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn risk(acme: &Org<'_>, days: i64) -> Value {
    json!({ "risk_owner": acme.admin.id, "risk_review_at": in_days(acme.desk, days),
            "reason": "the vendor is gone" })
}

fn accepted() -> Value {
    json!({ "resolution_code": "risk_accepted", "resolution_notes": "we live with it" })
}

async fn a_risk_is_accepted_only_with_the_vote_of_the_service_owner(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = analyzed(&acme, "The portal is slow").await;
    let early = agent.act(&problem, "resolve", accepted()).await;
    assert_eq!((early.status, early.slug()), (StatusCode::CONFLICT, "approval-required"));

    let waiting = agent.act(&problem, "request_approval", risk(&acme, 90)).await.ok();

    assert_eq!(waiting["state"], "root_cause_analysis", "asking moves nothing");
    assert_eq!(waiting["problem"]["risk_owner"]["id"], json!(acme.admin.id));
    assert_eq!(waiting["problem"]["risk_review_at"], json!(in_days(&desk, 90)));
    let early = agent.act(&problem, "resolve", accepted()).await;
    assert_eq!((early.status, early.slug()), (StatusCode::CONFLICT, "approval-required"));
    let twice = agent.act(&problem, "request_approval", risk(&acme, 90)).await;
    assert_eq!((twice.status, twice.slug()), (StatusCode::CONFLICT, "guard-failed"));
    // The owner of the service sees the problem while their vote is awaited.
    let votes = asked(&acme.manager).await;
    assert_eq!((votes.len(), &votes[0]["ticket"]), (1, &problem["number"]));
    assert_eq!(acme.manager.client.again(&problem).await["id"], problem["id"]);

    let round = decide(&acme.manager, "approve", Some("cheaper than a new portal")).await;

    assert_eq!(round["outcome"], "approved");
    let event = last_event(agent, &problem).await;
    assert_eq!(event["action"], "approve", "{event}");
    let now = agent.again(&problem).await;
    assert_eq!(now["state"], "root_cause_analysis", "the vote moves nothing");
    let resolved = agent.act(&problem, "resolve", accepted()).await.ok();
    assert_eq!(resolved["state"], "resolved");
    assert_eq!(resolved["resolution"]["code"], "risk_accepted");
}

async fn a_vote_is_on_the_risk_as_it_was_shown(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = analyzed(&acme, "The portal is slow").await;
    let _ = agent.act(&problem, "request_approval", risk(&acme, 90)).await.ok();
    let _ = decide(&acme.manager, "approve", None).await;

    let _ = edit(agent, &problem, json!({ "root_cause": "It loses orders, too" })).await;

    let refused = agent.act(&problem, "resolve", accepted()).await;
    assert_eq!((refused.status, refused.slug()), (StatusCode::CONFLICT, "approval-required"));
    // What the owner agrees to now counts.
    let _ = agent.act(&problem, "request_approval", risk(&acme, 90)).await.ok();
    let _ = decide(&acme.manager, "approve", None).await;
    let _ = agent.act(&problem, "resolve", accepted()).await.ok();
}

async fn a_refused_risk_is_not_accepted(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = in_repair(&acme, "The portal is slow").await;
    let _ = agent.act(&problem, "request_approval", risk(&acme, 90)).await.ok();

    let round = decide(&acme.manager, "reject", Some("We lose orders")).await;

    assert_eq!(round["outcome"], "rejected");
    assert_eq!(agent.again(&problem).await["state"], "fix_in_progress");
    let refused = agent.act(&problem, "resolve", accepted()).await;
    assert_eq!((refused.status, refused.slug()), (StatusCode::CONFLICT, "approval-required"));
    let rounds = agent.of(&problem, "approvals").await.items();
    assert_eq!((rounds.len(), &rounds[0]["outcome"]), (1, &json!("rejected")));
    // The fix goes on; an approval that is open when it is resolved asks nobody any more.
    let _ = agent.act(&problem, "request_approval", risk(&acme, 90)).await.ok();
    let _ = agent.act(&problem, "resolve", fixed()).await.ok();
    assert!(asked(&acme.manager).await.is_empty());
    assert_eq!(last_event(agent, &problem).await["action"], "void_approval");
}

async fn without_an_owner_of_the_service_the_fallback_approver_votes_on_a_risk(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let plain = json!({ "key": "intranet", "name": "Intranet", "support_team": "network" });
    let _ = acme.admin.client.post("/services", plain).await.created();
    let problem = suspect(&acme, "The intranet is slow").await;
    let _ = agent.act(&problem, "assess", assessor(&acme)).await.ok();
    let unowned = json!({ "impact": 3, "urgency": 3, "service": "intranet" });
    let _ = agent.act(&problem, "confirm", unowned).await.ok();

    let _ = agent.act(&problem, "request_approval", risk(&acme, 90)).await.ok();

    let round = decide(&acme.admin, "approve", None).await;
    assert_eq!(round["outcome"], "approved");
    let _ = agent.act(&problem, "resolve", accepted()).await.ok();
    desk.ignore_mail();
}

/// A problem whose risk is accepted for so many days.
async fn lived_with(acme: &Org<'_>, days: i64) -> Value {
    let problem = analyzed(acme, "The portal is slow").await;
    let agent = &acme.agent.client;
    let _ = agent.act(&problem, "request_approval", risk(acme, days)).await.ok();
    let _ = decide(&acme.manager, "approve", None).await;
    agent.act(&problem, "resolve", accepted()).await.ok()
}

async fn the_review_of_an_accepted_risk_opens_a_task_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = lived_with(&acme, 90).await;
    desk.clock.advance(TimeDelta::days(89));
    assert_eq!(sweep(&desk).await, Upkept::default());
    desk.clock.advance(TimeDelta::days(1));

    assert_eq!(sweep(&desk).await, Upkept { risk_reviews: 1, ..Upkept::default() });
    assert_eq!(sweep(&desk).await, Upkept::default());

    let tasks = agent.of(&problem, "tasks").await.items();
    assert_eq!(tasks.len(), 1);
    let expected = format!("Review the accepted risk of {}", number(&problem));
    assert_eq!(tasks[0]["short_description"], json!(expected));
    assert_eq!((&tasks[0]["state"], &tasks[0]["team"]["key"]), (&json!("open"), &json!("network")));
    assert_eq!(tasks[0]["parent"]["number"], problem["number"]);
    let now = agent.again(&problem).await;
    assert_eq!(now["problem"]["tasks"], json!({ "open": 1, "total": 1 }));
    // A later date is another review.
    let _ = agent.act(&tasks[0], "complete", json!({})).await.ok();
    let _ = edit(agent, &problem, json!({ "risk_review_at": in_days(&desk, 30) })).await;
    desk.clock.advance(TimeDelta::days(30));
    assert_eq!(sweep(&desk).await, Upkept { risk_reviews: 1, ..Upkept::default() });
}

async fn the_review_of_an_accepted_risk_is_due_after_its_problem_is_closed(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = lived_with(&acme, 90).await;
    let reason = json!({ "no_article_reason": "the vendor is gone" });
    let _ = agent.act(&problem, "close", reason).await.ok();
    desk.clock.advance(TimeDelta::days(90));

    assert_eq!(sweep(&desk).await, Upkept { risk_reviews: 1, ..Upkept::default() });
    assert_eq!(sweep(&desk).await, Upkept::default());

    let tasks = agent.of(&problem, "tasks").await.items();
    assert_eq!((tasks.len(), &tasks[0]["state"]), (1, &json!("open")));
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

async fn incidents_are_listed_by_the_problem_that_causes_them(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = suspect(&acme, "The portal is slow").await;
    let incident = effect_of(&acme, &problem, "I wait for minutes").await;
    let _ = acme.report("A mouse").await;
    let listed = async |list: &str| {
        let found = agent.get(list).await.items();
        found.iter().map(|one| number(one).to_owned()).collect::<Vec<_>>()
    };

    assert_eq!(
        listed(&format!("/incidents?problem={}", number(&problem))).await,
        [number(&incident)]
    );
    assert_eq!(listed("/problems").await, [number(&problem)]);
    assert_eq!(listed("/tickets?kind=problem").await, [number(&problem)]);
    // A link goes both ways and moves nothing.
    let link = json!({ "link_type": "caused_by", "target": problem["number"] });
    let _ = agent.act(&incident, "link", link).await.ok();
    let links = agent.of(&problem, "links").await.items();
    assert_eq!(
        (&links[0]["link_type"], &links[0]["target"]["number"]),
        (&json!("causes"), &incident["number"])
    );
    let free = edit(agent, &incident, json!({ "problem": null })).await;
    assert_eq!(free["caused_by_problem"], Value::Null);
    assert!(listed(&format!("/incidents?problem={}", number(&problem))).await.is_empty());
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
