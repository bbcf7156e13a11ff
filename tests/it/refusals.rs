//! What is refused: with which problem, in which order, and with nothing half done.

use axum::http::StatusCode;
use serde_json::{Value, json};
use waypost_test_support::{Answer, Org, TestDesk, on_both_engines};

on_both_engines! {
    not_there_comes_before_forbidden
    forbidden_comes_before_an_old_version
    an_old_version_comes_before_the_state
    the_state_comes_before_the_fields
    a_refused_move_says_what_is_possible
    an_edit_names_the_version_that_it_changes
    two_who_change_the_same_ticket_do_not_overwrite_each_other
    a_state_is_not_patched
    a_patch_empties_with_null_and_leaves_what_is_left_out
}

const RESOLVE: &str = "resolve";

async fn act_at(org: &Org<'_>, ticket: &Value, version: i64, action: &str, input: Value) -> Answer {
    let path = format!("/tickets/{}/actions/{action}", ticket["number"].as_str().unwrap());
    let tag = format!("\"{version}\"");
    org.agent.client.post_with(&path, &[("if-match", &tag)], input).await
}

async fn not_there_comes_before_forbidden(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("No wifi").await;

    // The manager neither reported it nor votes on it: for them it is not there.
    let hidden = acme.manager.client.act(&incident, "assign", json!({ "team": "network" })).await;
    let own = acme.requester.client.act(&incident, "assign", json!({ "team": "network" })).await;

    assert_eq!((hidden.status, hidden.slug()), (StatusCode::NOT_FOUND, "not-found"));
    assert_eq!((own.status, own.slug()), (StatusCode::FORBIDDEN, "forbidden"));
}

async fn forbidden_comes_before_an_old_version(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("No wifi").await;
    let path = format!("/tickets/{}/actions/triage", incident["number"].as_str().unwrap());

    let refused = acme.requester.client.post_with(&path, &[("if-match", "\"7\"")], json!({})).await;

    assert_eq!(refused.slug(), "forbidden");
}

async fn an_old_version_comes_before_the_state(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("No wifi").await;
    let _ = acme.agent.client.act(&incident, "cancel", json!({ "reason": "A drill" })).await.ok();

    let refused = act_at(&acme, &incident, 1, RESOLVE, json!({})).await;

    assert_eq!(
        (refused.status, refused.slug()),
        (StatusCode::PRECONDITION_FAILED, "stale-version")
    );
}

async fn the_state_comes_before_the_fields(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("No wifi").await;
    let _ = acme.agent.client.act(&incident, "cancel", json!({ "reason": "A drill" })).await.ok();

    let refused = act_at(&acme, &incident, 2, RESOLVE, json!({})).await;

    assert_eq!((refused.status, refused.slug()), (StatusCode::CONFLICT, "invalid-transition"));
}

async fn a_refused_move_says_what_is_possible(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("No wifi").await;

    let refused = acme.agent.client.act(&incident, "reopen", json!({ "reason": "Again" })).await;

    assert_eq!(refused.slug(), "invalid-transition");
    assert_eq!(refused.json["state"], "new");
    let allowed = refused.json["allowed_actions"].as_array().unwrap();
    assert!(allowed.contains(&json!("start")) && !allowed.contains(&json!("reopen")));
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    assert_eq!(refused.json["status"], 409);
    assert!(refused.json["instance"].as_str().unwrap().ends_with("/actions/reopen"));
}

async fn an_edit_names_the_version_that_it_changes(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("No wifi").await;
    let address = format!("/tickets/{}", incident["number"].as_str().unwrap());
    let edit = || axum::body::Body::from(r#"{"urgency":1}"#);
    let json = ("content-type", "application/json");
    let patch = axum::http::Method::PATCH;
    let agent = &acme.agent.client;

    let blind = agent.send(patch.clone(), &address, &[json], edit()).await;
    assert_eq!((blind.status.as_u16(), blind.slug()), (428, "precondition-required"));
    let old = agent.send(patch.clone(), &address, &[json, ("if-match", "\"9\"")], edit()).await;
    assert_eq!((old.status.as_u16(), old.slug()), (412, "stale-version"));
    let weak = agent.send(patch.clone(), &address, &[json, ("if-match", "W/\"1\"")], edit()).await;
    assert_eq!(weak.slug(), "stale-version");
    let known = agent.send(patch, &address, &[json, ("if-match", "\"1\"")], edit()).await;

    assert_eq!(known.header("etag"), Some("\"2\""));
    assert_eq!(known.ok()["urgency"], 1);
}

async fn two_who_change_the_same_ticket_do_not_overwrite_each_other(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("No wifi").await;
    let path = format!("/tickets/{}", incident["number"].as_str().unwrap());
    let (first, second) = (&acme.agent.client, &acme.second_agent.client);

    let (one, other) = tokio::join!(
        first.patch(&path, 1, json!({ "urgency": 1 })),
        second.patch(&path, 1, json!({ "urgency": 2 })),
    );

    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    // An action without a version starts over on what is there.
    let (one, other) = tokio::join!(
        first.comment(&incident, "public", "On our way"),
        second.comment(&incident, "public", "In the lift"),
    );
    let _ = (one.created(), other.created());
    assert_eq!(first.of(&incident, "comments").await.items().len(), 2);
}

async fn a_state_is_not_patched(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("No wifi").await;
    let path = format!("/tickets/{}", incident["number"].as_str().unwrap());

    let refused = acme.agent.client.patch(&path, 1, json!({ "state": "closed" })).await;

    assert_eq!((refused.status.as_u16(), refused.slug()), (422, "state-not-patchable"));
    assert_eq!(refused.pointers(), ["/state"]);
}

async fn a_patch_empties_with_null_and_leaves_what_is_left_out(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let given = json!({ "short_description": "No wifi", "category": "network", "urgency": 1 });
    let incident = acme.try_report(given).await.created();
    let path = format!("/tickets/{}", incident["number"].as_str().unwrap());

    let edited = acme.agent.client.patch(&path, 1, json!({ "category": null })).await.ok();

    assert_eq!((&edited["category"], &edited["urgency"]), (&Value::Null, &json!(1)));
}
