//! The incidents that a problem causes: what they learn of it, and what becomes of them with it.

use axum::http::StatusCode;
use serde_json::{Value, json};
use waypost_test_support::{TestDesk, on_both_engines};

use crate::{
    policies::telling_the_requester,
    problems::{
        analyzed, change, edit, effect_of, fixed, held_for, in_repair, last_event, number, path,
        suspect,
    },
};

on_both_engines! {
    what_is_communicated_reaches_the_callers_of_active_incidents
    the_incidents_of_a_duplicate_go_to_the_problem_that_goes_on
    a_duplicate_names_another_problem_that_is_not_closed
    an_incident_on_hold_for_a_duplicate_resumes_with_the_problem_that_goes_on
    incidents_on_hold_for_a_problem_resume_when_it_is_resolved
    incidents_are_resolved_with_their_problem_where_that_is_asked_for
    what_was_no_problem_lets_its_incidents_go_on
    the_parts_of_an_incident_are_resolved_with_its_problem
    incidents_are_listed_by_the_problem_that_causes_them
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
    assert_eq!(letters[0].address.as_deref(), Some(acme.requester.email.as_str()));
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

pub(crate) fn duplicate_of(problem: &Value) -> Value {
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
    // What is demanded of whoever resolves an incident stands against no problem; what the problem
    // lacks too is named.
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
        let event = last_event(agent, incident).await;
        assert_eq!(event["actor"]["kind"], "system");
        let reason = event["reason"].as_str().unwrap();
        assert!(reason.ends_with("demanded and still empty: category"), "{reason}");
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
