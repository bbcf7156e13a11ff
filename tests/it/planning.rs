//! Planning the work that fulfils a request: by its item, by hand, and within bounds.

use serde_json::{Value, json};
use waypost_test_support::{Org, TestDesk, on_both_engines};

use crate::{
    policies::{asking, stage},
    tasks::{because, path, states, step, tasks_of},
};

on_both_engines! {
    tasks_are_planned_before_fulfilment_and_not_started
    what_was_planned_for_a_rejected_request_is_cancelled
    what_is_wrong_with_a_task_is_named_and_nothing_is_stored
    a_plan_of_an_item_is_checked_as_a_whole
    a_repeated_request_adds_no_second_task
}

/// The requester's manager decides on every request.
async fn ask_the_manager(acme: &Org<'_>) {
    let stages = json!([stage("manager", &json!(["manager"]))]);
    acme.bind("plan", "approval-chain", asking(&stages)).await;
}

async fn what_was_planned_for_a_rejected_request_is_cancelled(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    ask_the_manager(&acme).await;
    let request = acme.ask_for_laptop().await;
    let agent = &acme.agent.client;
    let place = format!("/requests/{}/tasks", request["number"].as_str().unwrap());
    let _ = agent.post(&place, json!({ "short_description": "Look for one" })).await.created();

    let asked = acme.manager.client.get("/approvals/mine").await.items();
    let vote = format!("/approval-requests/{}/reject", asked[0]["id"].as_str().unwrap());
    let opinion = json!({ "content_digest": asked[0]["content_digest"], "comment": "No" });
    let _ = acme.manager.client.post(&vote, opinion).await.ok();

    let tasks = tasks_of(agent, &request).await;
    assert_eq!(states(&tasks), ["cancelled"]);
    let why = format!("{} was rejected", request["number"].as_str().unwrap());
    assert_eq!(tasks[0]["cancellation"]["reason"], why);
    let refused = agent.post(&place, json!({ "short_description": "Try again" })).await;
    assert_eq!((refused.status.as_u16(), refused.slug()), (409, "guard-failed"));
    // Revised, it can be planned anew.
    let _ = acme.requester.client.act(&request, "revise", json!({})).await.ok();
    let _ = agent.post(&place, json!({ "short_description": "Try again" })).await.created();
}

async fn tasks_are_planned_before_fulfilment_and_not_started(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    ask_the_manager(&acme).await;
    let request = acme.ask_for_laptop().await;
    let agent = &acme.agent.client;
    let place = format!("/requests/{}/tasks", request["number"].as_str().unwrap());

    let first = agent.post(&place, json!({ "short_description": "Look for one" })).await.created();
    let after = json!({ "short_description": "Buy one", "depends_on": [first["number"]],
                        "team": "finance", "assignee": acme.admin.email });
    let second = agent.post(&place, after).await.created();
    assert_eq!((&first["state"], &second["state"]), (&json!("open"), &json!("waiting")));
    assert_eq!(
        (&first["team"]["key"], &second["task"]["position"]),
        (&json!("service-desk"), &json!(1))
    );
    let early = agent.post(&path(&first, "/actions/start"), json!({})).await;
    assert_eq!((early.status.as_u16(), early.slug()), (409, "guard-failed"));
    let skipped = step(agent, &first, "skip", because()).await;
    assert_eq!(skipped["state"], "skipped");
    assert_eq!(agent.get(&path(&second, "")).await.ok()["state"], "open");

    // Written anew, the request keeps what was planned for it.
    let _ = acme.requester.client.act(&request, "revise", json!({})).await.ok();
    assert_eq!(states(&tasks_of(agent, &request).await), ["skipped", "open"]);
    // An incident can have tasks as well.
    let incident = acme.report("No wifi").await;
    let at = format!("/incidents/{}/tasks", incident["number"].as_str().unwrap());
    let _ = agent.post(&at, json!({ "short_description": "x" })).await.created();
}

async fn what_is_wrong_with_a_task_is_named_and_nothing_is_stored(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let (request, other) = (acme.ask_for_laptop().await, acme.ask_for_laptop().await);
    let agent = &acme.agent.client;
    let place = |of: &Value| format!("/requests/{}/tasks", of["number"].as_str().unwrap());
    let foreign = agent.post(&place(&other), json!({ "short_description": "x" })).await.created();

    let wrong = json!({
        "short_description": " ", "team": "nobody", "assignee": "nobody@acme.example",
        "position": 5_000, "depends_on": [foreign["number"]],
    });
    let refused = agent.post(&place(&request), wrong).await;
    assert_eq!(refused.status.as_u16(), 422);
    let expected = ["/assignee", "/position", "/short_description", "/team"];
    assert_eq!(refused.pointers(), expected);
    // What tasks depend on is looked at once the task itself makes sense.
    let after = json!({ "short_description": "x", "depends_on": [foreign["number"]] });
    assert_eq!(agent.post(&place(&request), after).await.pointers(), ["/depends_on/0"]);
    let stranger =
        json!({ "short_description": "x", "team": "finance", "assignee": acme.agent.id });
    assert_eq!(agent.post(&place(&request), stranger).await.pointers(), ["/assignee"]);
    let long = json!({ "short_description": "x".repeat(251), "description": "\u{1}" });
    assert_eq!(
        agent.post(&place(&request), long).await.pointers(),
        ["/description", "/short_description"]
    );
    assert!(tasks_of(agent, &request).await.is_empty());

    let one = agent.post(&place(&request), json!({ "short_description": "one" })).await.created();
    let after = json!({ "short_description": "two", "depends_on": [one["id"]] });
    let two = agent.post(&place(&request), after).await.created();
    let circle = json!({ "depends_on": [two["number"]] });
    let refused = agent.patch(&path(&one, ""), 1, circle).await;
    assert_eq!((refused.status.as_u16(), refused.pointers()), (422, vec!["/depends_on"]));
    let refused = agent.patch(&path(&one, ""), 1, json!({ "state": "done" })).await;
    assert_eq!(refused.slug(), "state-not-patchable");
    assert!(refused.text.contains("actions/{action}"), "{}", refused.text);
    for action in ["hold", "incomplete", "skip", "cancel"] {
        let refused = agent.post(&path(&one, &format!("/actions/{action}")), json!({})).await;
        assert_eq!(
            (refused.slug(), refused.pointers()),
            ("missing-fields", vec!["/reason"]),
            "{action}"
        );
    }
    assert_eq!(agent.get(&path(&one, "")).await.ok()["version"], 1);
}

async fn a_plan_of_an_item_is_checked_as_a_whole(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let admin = &acme.admin.client;
    let version = admin.get("/catalog-items/laptop").await.ok()["version"].as_i64().unwrap();
    let edit = json!({ "delivery_hours": 0, "tasks": [
        { "key": "a", "short_description": "", "depends_on": ["b"], "team": "nobody" },
        { "key": "b", "short_description": "B", "depends_on": ["a", "c"], "position": 2_000 },
    ] });

    let refused = admin.patch("/catalog-items/laptop", version, edit).await;

    assert_eq!(refused.status.as_u16(), 422);
    assert_eq!(
        refused.pointers(),
        [
            "/delivery_hours",
            "/tasks/0/depends_on",
            "/tasks/0/short_description",
            "/tasks/0/team",
            "/tasks/1/depends_on",
            "/tasks/1/depends_on",
            "/tasks/1/position",
        ]
    );
    assert_eq!(admin.get("/catalog-items/laptop").await.ok()["version"], version);
    let new = json!({ "key": "desk", "name": "Desk", "delivery_hours": 40,
                      "tasks": [{ "key": "build", "short_description": "Build it" }] });
    let desk_item = admin.post("/catalog-items", new).await.created();
    assert_eq!(desk_item["delivery_hours"], 40);
    assert_eq!(
        desk_item["tasks"],
        json!([{ "key": "build", "short_description": "Build it", "description": "", "team": null,
                 "position": 0, "mandatory": true, "depends_on": [] }])
    );
}

async fn a_repeated_request_adds_no_second_task(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let request = acme.ask_for_laptop().await;
    let agent = &acme.agent.client;
    let place = format!("/requests/{}/tasks", request["number"].as_str().unwrap());
    let key = [("idempotency-key", "once")];
    let new = json!({ "short_description": "Buy it" });

    let first = agent.post_with(&place, &key, new.clone()).await;
    let again = agent.post_with(&place, &key, new).await;

    assert_eq!(first.header("location"), Some("/api/v1/tasks/TASK0000001"));
    assert_eq!(first.created(), again.created());
    assert_eq!(tasks_of(agent, &request).await.len(), 1);
}
