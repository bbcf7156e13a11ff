//! The pieces of work that fulfil a request: worked on in their order, and over with their request.

use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_test_support::{Client, Org, TestDesk, on_both_engines};

use crate::policies::{asking, stage};

on_both_engines! {
    an_item_s_plan_becomes_tasks_when_fulfilment_begins
    tasks_are_done_in_their_order_and_every_step_is_an_event_of_the_task
    a_request_is_not_fulfilled_before_its_mandatory_tasks
    what_waits_for_a_cancelled_task_waits_no_more
    an_approved_request_gets_its_tasks_once
    what_is_over_with_its_request_is_cancelled_in_the_same_commit
    the_assignee_works_on_a_task_and_the_requester_never_does
    tasks_are_listed_for_teams_and_people_page_by_page
    a_task_s_version_keeps_two_people_from_overwriting_each_other
    actions_on_a_task_are_announced_and_refused_in_their_order
    tasks_of_organizations_are_apart
}

/// Gives the laptop a plan: bought by finance, then installed, then handed over; a bag is optional.
pub(crate) async fn plan(acme: &Org<'_>) {
    let admin = &acme.admin.client;
    let item = admin.get("/catalog-items/laptop").await.ok();
    let tasks = json!([
        { "key": "buy", "short_description": "Buy it", "team": "finance" },
        { "key": "install", "short_description": "Install it", "team": "network", "depends_on": ["buy"] },
        { "key": "hand-over", "short_description": "Hand it over", "depends_on": ["install"] },
        { "key": "bag", "short_description": "Add a bag", "mandatory": false },
    ]);
    let version = item["version"].as_i64().unwrap();
    let edit = json!({ "tasks": tasks });
    let edited = admin.patch("/catalog-items/laptop", version, edit).await.ok();
    assert_eq!(edited["tasks"].as_array().unwrap().len(), 4);
}

pub(crate) async fn tasks_of(client: &Client, request: &Value) -> Vec<Value> {
    client.of(request, "tasks").await.items()
}

pub(crate) fn states(tasks: &[Value]) -> Vec<&str> {
    tasks.iter().map(|task| task["state"].as_str().unwrap()).collect()
}

pub(crate) fn path(task: &Value, action: &str) -> String {
    format!("/tasks/{}{action}", task["number"].as_str().unwrap())
}

pub(crate) async fn step(client: &Client, task: &Value, action: &str, input: Value) -> Value {
    client.post(&path(task, &format!("/actions/{action}")), input).await.ok()
}

pub(crate) fn because() -> Value {
    json!({ "reason": "there is one in the cupboard" })
}

async fn an_item_s_plan_becomes_tasks_when_fulfilment_begins(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    plan(&acme).await;
    let draft = json!({ "short_description": "A laptop", "catalog_item": "laptop",
                        "answers": { "model": "light" }, "draft": true });
    let request = acme.requester.client.post("/requests", draft).await.created();
    assert!(tasks_of(&acme.requester.client, &request).await.is_empty());

    let submitted = acme.requester.client.act(&request, "submit", json!({})).await.ok();

    assert_eq!(submitted["state"], "in_fulfilment");
    assert_eq!(submitted["request"]["tasks"], json!({ "open": 4, "total": 4 }));
    let tasks = tasks_of(&acme.requester.client, &request).await;
    assert_eq!(states(&tasks), ["open", "waiting", "waiting", "open"]);
    let shown: Vec<_> = tasks.iter().map(|task| &task["team"]["key"]).collect();
    assert_eq!(shown, ["finance", "network", "service-desk", "service-desk"]);
    assert_eq!(tasks[0]["number"], "TASK0000001");
    assert_eq!(tasks[1]["task"]["depends_on"], json!(["TASK0000001"]));
    assert_eq!(tasks[3]["task"]["mandatory"], false);
    assert_eq!(tasks[0]["parent"]["number"], request["number"]);
    // Each has a history of its own, which begins with its opening.
    let events = acme.agent.client.of(&tasks[0], "events").await.items();
    assert_eq!((events.len(), &events[0]["action"]), (1, &json!("create")));
    // A request that is handed in at once has them as well, with numbers of their own.
    let second = acme.ask_for_laptop().await;
    assert_eq!(tasks_of(&acme.agent.client, &second).await[0]["number"], "TASK0000005");
}

async fn tasks_are_done_in_their_order_and_every_step_is_an_event_of_the_task(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    plan(&acme).await;
    let request = acme.ask_for_laptop().await;
    let agent = &acme.agent.client;
    let tasks = tasks_of(agent, &request).await;
    let early = agent.post(&path(&tasks[1], "/actions/start"), json!({})).await;
    assert_eq!((early.status.as_u16(), early.slug()), (409, "invalid-transition"));
    assert_eq!(early.json["state"], "waiting");

    desk.clock.advance(TimeDelta::hours(1));
    let assigned = json!({ "team": "network", "assignee": acme.second_agent.email });
    let bought = step(agent, &tasks[0], "assign", assigned).await;
    assert_eq!(bought["assignee"]["id"], acme.second_agent.id);
    let _ = step(agent, &tasks[0], "start", json!({})).await;
    let held = step(agent, &tasks[0], "hold", json!({ "reason": "no stock" })).await;
    assert_eq!((&held["state"], &held["hold"]["reason"]), (&json!("on_hold"), &json!("no stock")));
    let resumed = step(agent, &tasks[0], "resume", json!({})).await;
    assert_eq!(resumed["hold"], Value::Null);
    let _ = step(agent, &tasks[0], "complete", json!({})).await;
    assert_eq!(states(&tasks_of(agent, &request).await), ["done", "open", "waiting", "open"]);
    // Who starts what nobody has gets it.
    let started = step(agent, &tasks[1], "start", json!({})).await;
    assert_eq!(started["assignee"]["id"], acme.agent.id);
    let left = step(agent, &tasks[1], "incomplete", json!({ "reason": "it burnt" })).await;
    assert_eq!(left["state"], "incomplete");
    let _ = step(agent, &tasks[1], "start", json!({})).await;
    let _ = step(agent, &tasks[1], "complete", json!({})).await;
    let _ = step(agent, &tasks[2], "skip", because()).await;
    let _ = step(agent, &tasks[3], "cancel", json!({ "reason": "no time" })).await;

    assert_eq!(states(&tasks_of(agent, &request).await), ["done", "done", "skipped", "cancelled"]);
    let told = async |task: &Value| -> Vec<(String, Value)> {
        let events = agent.of(task, "events").await.items();
        let action = |event: &Value| event["action"].as_str().unwrap().to_owned();
        events.iter().map(|event| (action(event), event["actor"]["person"].clone())).collect()
    };
    let first = told(&tasks[0]).await;
    let actions: Vec<_> = first.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions, ["create", "assign", "start", "hold", "resume", "complete"]);
    assert!(first[1..].iter().all(|(_, person)| *person == json!(acme.agent.id)));
    // What a step opens is an event of the task that opens, by Waypost itself.
    let second = told(&tasks[1]).await;
    let actions: Vec<_> = second.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions[0], "create");
    assert_eq!(second[1].1, Value::Null, "{second:?}");
    assert_eq!(actions[2..], ["start", "incomplete", "start", "complete"]);
    let now = agent.again(&request).await;
    assert_eq!(now["request"]["tasks"], json!({ "open": 0, "total": 4 }));
    assert_eq!(now["updated_at"], "2026-06-01T10:00:00Z");
}

async fn a_request_is_not_fulfilled_before_its_mandatory_tasks(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    plan(&acme).await;
    let request = acme.ask_for_laptop().await;
    let agent = &acme.agent.client;
    let tasks = tasks_of(agent, &request).await;
    let done = json!({ "fulfillment_code": "complete", "fulfillment_notes": "on your desk" });

    let refused = agent.act(&request, "fulfill", done.clone()).await;
    assert_eq!((refused.status.as_u16(), refused.slug()), (409, "guard-failed"));
    let detail = refused.json["detail"].as_str().unwrap();
    assert!(detail.contains("TASK0000001 (open), TASK0000002 (waiting), TASK0000003"), "{detail}");
    assert!(!detail.contains("TASK0000004"), "an optional task holds nothing up: {detail}");
    // Fields are asked for before guards.
    assert_eq!(agent.act(&request, "fulfill", json!({})).await.status.as_u16(), 422);
    // A mandatory task is no way out by being withdrawn.
    let withdrawn = agent.post(&path(&tasks[0], "/actions/cancel"), because()).await;
    assert_eq!((withdrawn.status.as_u16(), withdrawn.slug()), (409, "guard-failed"));

    let _ = step(agent, &tasks[0], "complete", json!({})).await;
    let _ = step(agent, &tasks[1], "skip", because()).await;
    let now = agent.get(&path(&tasks[2], "")).await.ok();
    let optional = json!({ "mandatory": false });
    let _ =
        agent.patch(&path(&tasks[2], ""), now["version"].as_i64().unwrap(), optional).await.ok();
    let fulfilled = agent.act(&request, "fulfill", done).await.ok();

    assert_eq!(fulfilled["state"], "fulfilled");
    // What was left of the optional ones nobody needs any more.
    let tasks = tasks_of(agent, &request).await;
    assert_eq!(states(&tasks), ["done", "skipped", "cancelled", "cancelled"]);
    let reason = tasks[3]["cancellation"]["reason"].as_str().unwrap();
    assert!(reason.contains(request["number"].as_str().unwrap()), "{reason}");
    let late = agent.post(&path(&tasks[3], "/actions/start"), json!({})).await;
    assert_eq!((late.status.as_u16(), &late.json["state"]), (409, &json!("cancelled")));
}

async fn an_approved_request_gets_its_tasks_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    plan(&acme).await;
    acme.bind("plan", "approval-chain", asking(&json!([stage("manager", &json!(["manager"]))])))
        .await;
    let request = acme.ask_for_laptop().await;
    let agent = &acme.agent.client;
    assert!(tasks_of(agent, &request).await.is_empty());

    let asked = acme.manager.client.get("/approvals/mine").await.items();
    let vote = format!("/approval-requests/{}/approve", asked[0]["id"].as_str().unwrap());
    let opinion = json!({ "content_digest": asked[0]["content_digest"] });
    let _ = acme.manager.client.post(&vote, opinion).await.ok();

    let tasks = tasks_of(agent, &request).await;
    assert_eq!(tasks.len(), 4);
    // Neither a hold nor a second beginning makes them again.
    let hold = json!({ "awaiting": "vendor", "vendor": "Dell" });
    let _ = agent.act(&request, "hold", hold).await.ok();
    let _ = agent.act(&request, "resume", json!({})).await.ok();
    for task in &tasks {
        let _ = step(agent, task, "skip", because()).await;
    }
    let done = json!({ "fulfillment_code": "complete", "fulfillment_notes": "on your desk" });
    let _ = agent.act(&request, "fulfill", done).await.ok();
    let _ = agent.act(&request, "reopen", json!({ "reason": "it is broken" })).await.ok();
    assert_eq!(tasks_of(agent, &request).await.len(), 4);
}

async fn what_is_over_with_its_request_is_cancelled_in_the_same_commit(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    plan(&acme).await;
    let agent = &acme.agent.client;
    let (first, second, third) =
        (acme.ask_for_laptop().await, acme.ask_for_laptop().await, acme.ask_for_laptop().await);
    let tasks = tasks_of(agent, &first).await;
    let _ = step(agent, &tasks[0], "complete", json!({})).await;

    let _ = agent.act(&first, "cancel", json!({ "reason": "not needed" })).await.ok();
    let _ = agent.act(&second, "merge_into", json!({ "target": third["number"] })).await.ok();

    for (request, expected) in [
        (&first, ["done", "cancelled", "cancelled", "cancelled"]),
        (&second, ["cancelled", "cancelled", "cancelled", "cancelled"]),
        (&third, ["open", "waiting", "waiting", "open"]),
    ] {
        assert_eq!(states(&tasks_of(agent, request).await), expected, "{}", request["number"]);
    }
    let events = agent.of(&tasks[1], "events").await.items();
    let cancel = events.iter().find(|event| event["action"] == "cancel").unwrap();
    let change = json!({ "field": "state", "before": "open", "after": "cancelled" });
    assert!(cancel["changes"].as_array().unwrap().contains(&change), "{cancel}");

    // A draft that becomes an incident takes its planned tasks with it.
    let draft = json!({ "short_description": "A wish", "draft": true });
    let draft = agent.post("/requests", draft).await.created();
    let new = json!({ "short_description": "Ask around" });
    let _ = agent
        .post(&format!("/requests/{}/tasks", draft["number"].as_str().unwrap()), new)
        .await
        .created();
    let _ =
        agent.act(&draft, "convert", json!({ "to": "incident", "reason": "it broke" })).await.ok();
    assert_eq!(states(&tasks_of(agent, &draft).await), ["cancelled"]);
}

async fn the_assignee_works_on_a_task_and_the_requester_never_does(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    plan(&acme).await;
    let request = acme.ask_for_laptop().await;
    let agent = &acme.agent.client;
    let tasks = tasks_of(&acme.requester.client, &request).await;
    for (action, input) in [("start", json!({})), ("complete", json!({})), ("skip", because())] {
        let refused = acme
            .requester
            .client
            .post(&path(&tasks[0], &format!("/actions/{action}")), input)
            .await;
        assert_eq!((refused.status.as_u16(), refused.slug()), (403, "forbidden"), "{action}");
    }
    let place = format!("/requests/{}/tasks", request["number"].as_str().unwrap());
    let own = acme.requester.client.post(&place, json!({ "short_description": "Faster" })).await;
    assert_eq!(own.slug(), "forbidden");

    // The manager works in finance, without a role at the desk: not theirs, the task is not there
    // for them.
    let manager = &acme.manager.client;
    assert_eq!(manager.get(&path(&tasks[0], "")).await.slug(), "not-found");
    let assign = json!({ "team": "finance", "assignee": acme.manager.id });
    let _ = step(agent, &tasks[0], "assign", assign).await;

    assert_eq!(manager.get("/tasks").await.items().len(), 1);
    let _ = step(manager, &tasks[0], "start", json!({})).await;
    let skipped = manager.post(&path(&tasks[0], "/actions/skip"), because()).await;
    assert_eq!(skipped.slug(), "forbidden");
    let allowed = manager.get(&path(&tasks[0], "/actions")).await.items();
    let allowed: Vec<_> = allowed.iter().map(|one| one["action"].as_str().unwrap()).collect();
    assert_eq!(allowed, ["hold", "complete", "incomplete"]);
    let done = step(manager, &tasks[0], "complete", json!({})).await;
    assert_eq!(done["state"], "done");
    // The request itself stays the requester's and the desk's.
    assert_eq!(manager.of(&request, "tasks").await.slug(), "not-found");
}

async fn tasks_are_listed_for_teams_and_people_page_by_page(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    plan(&acme).await;
    let first = acme.ask_for_laptop().await;
    desk.clock.advance(TimeDelta::minutes(1));
    let second = acme.ask_for_laptop().await;
    let agent = &acme.agent.client;
    let tasks = tasks_of(agent, &first).await;
    let assign = json!({ "team": "network", "assignee": acme.second_agent.email });
    let _ = step(agent, &tasks[1], "assign", assign).await;
    let _ = step(agent, &tasks[0], "complete", json!({})).await;

    let list = async |query: String| -> Vec<String> {
        let items = agent.get(&format!("/tasks?{query}")).await.items();
        let number = |task: &Value| task["number"].as_str().unwrap().to_owned();
        let mut numbers: Vec<_> = items.iter().map(number).collect();
        numbers.sort_unstable();
        numbers
    };
    let numbers = |numbers: &[u32]| -> Vec<String> {
        numbers.iter().map(|number| format!("TASK{number:07}")).collect()
    };
    assert_eq!(list(String::new()).await.len(), 8);
    assert_eq!(list("team=finance&active=true".to_owned()).await, numbers(&[5]));
    assert_eq!(list("state=done,open&team=network".to_owned()).await, numbers(&[2]));
    assert_eq!(list(format!("assignee={}", acme.second_agent.email)).await, numbers(&[2]));
    let of_second = format!("parent={}", second["number"].as_str().unwrap());
    assert_eq!(list(of_second).await, numbers(&[5, 6, 7, 8]));
    assert!(list("parent=REQ9999999".to_owned()).await.is_empty());
    assert!(list("team=nobody".to_owned()).await.is_empty());
    assert_eq!(acme.requester.client.get("/tasks").await.items().len(), 8);
    assert!(acme.manager.client.get("/tasks").await.items().is_empty());

    let mut seen = Vec::new();
    let mut page = agent.get("/tasks?limit=3").await.ok();
    loop {
        seen.extend(page["items"].as_array().unwrap().iter().map(|task| task["number"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        page = agent.get(&format!("/tasks?limit=3&after={next}")).await.ok();
    }
    seen.sort_by_key(Value::to_string);
    assert_eq!(seen, numbers(&[1, 2, 3, 4, 5, 6, 7, 8]));
    let cursor = agent.get("/tasks?limit=3").await.ok()["next"].as_str().unwrap().to_owned();
    let other = agent.get(&format!("/tasks?active=true&after={cursor}")).await;
    assert_eq!(other.slug(), "cursor-invalid");
    let unknown = agent.get("/tasks?state=finished").await;
    assert_eq!(unknown.status.as_u16(), 422);
}

async fn a_task_s_version_keeps_two_people_from_overwriting_each_other(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    plan(&acme).await;
    let request = acme.ask_for_laptop().await;
    let agent = &acme.agent.client;
    let task = tasks_of(agent, &request).await.swap_remove(0);

    let read = agent.get(&path(&task, "")).await;
    assert_eq!(read.header("etag"), Some("\"1\""));
    let edit = json!({ "short_description": "Buy a light one", "position": 7 });
    let edited = agent.patch(&path(&task, ""), 1, edit).await;
    assert_eq!(edited.header("etag"), Some("\"2\""));
    assert_eq!(edited.ok()["short_description"], "Buy a light one");
    let stale = agent.patch(&path(&task, ""), 1, json!({ "position": 1 })).await;
    assert_eq!((stale.status.as_u16(), stale.slug()), (412, "stale-version"));
    let start = path(&task, "/actions/start");
    let stale = agent.post_with(&start, &[("if-match", "\"1\"")], json!({})).await;
    assert_eq!(stale.slug(), "stale-version");
    let started = agent.post_with(&start, &[("if-match", "\"2\"")], json!({})).await.ok();
    assert_eq!(started["version"], 3);
    // What changes nothing is no event.
    let events = agent.of(&task, "events").await.items().len();
    let same = agent.patch(&path(&task, ""), 3, json!({ "position": 7 })).await.ok();
    assert_eq!(same["version"], 3);
    assert_eq!(agent.of(&task, "events").await.items().len(), events);
    // Whoever read the request before a task moved has not read what is there now.
    let old = format!("/requests/{}/actions/escalate", request["number"].as_str().unwrap());
    let escalate = json!({ "level": 1, "reason": "slow" });
    assert_eq!(
        agent.post_with(&old, &[("if-match", "\"1\"")], escalate).await.slug(),
        "stale-version"
    );
}

async fn actions_on_a_task_are_announced_and_refused_in_their_order(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    plan(&acme).await;
    let request = acme.ask_for_laptop().await;
    let agent = &acme.agent.client;
    let tasks = tasks_of(agent, &request).await;
    let announced = async |client: &Client, task: &Value| -> Vec<String> {
        let items = client.get(&path(task, "/actions")).await.items();
        items.iter().map(|one| one["action"].as_str().unwrap().to_owned()).collect()
    };

    let open = announced(agent, &tasks[0]).await;
    assert_eq!(
        open,
        [
            "start",
            "hold",
            "complete",
            "incomplete",
            "skip",
            "edit",
            "assign",
            "note",
            "link",
            "unlink"
        ]
    );
    let waiting = ["skip", "edit", "assign", "note", "link", "unlink"];
    assert_eq!(announced(agent, &tasks[1]).await, waiting);
    assert!(announced(&acme.requester.client, &tasks[0]).await.is_empty());
    let hints = agent.get(&path(&tasks[0], "/actions")).await.items();
    let hold = hints.iter().find(|one| one["action"] == "hold").unwrap();
    assert_eq!(hold["lacks"], json!(["/reason"]));

    // 403 before 412 before 409 before 422.
    let resume = path(&tasks[0], "/actions/resume");
    let stale = [("if-match", "\"9\"")];
    let refused = acme.requester.client.post_with(&resume, &stale, json!({})).await;
    assert_eq!(refused.status.as_u16(), 403);
    let refused = agent.post_with(&resume, &stale, json!({})).await;
    assert_eq!(refused.status.as_u16(), 412);
    assert_eq!(agent.post(&resume, json!({})).await.status.as_u16(), 409);
    let lost = agent.get("/tasks/TASK9999999").await;
    assert_eq!((lost.status.as_u16(), lost.slug()), (404, "not-found"));
    assert_eq!(agent.get("/tasks/task0000001").await.ok()["id"], tasks[0]["id"]);
    let by_id = format!("/tasks/{}", tasks[0]["id"].as_str().unwrap());
    assert_eq!(agent.get(&by_id).await.ok()["number"], "TASK0000001");
}

async fn tasks_of_organizations_are_apart(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let globex = desk.organization("globex").await;
    plan(&acme).await;
    let request = acme.ask_for_laptop().await;
    let task = tasks_of(&acme.agent.client, &request).await.swap_remove(0);
    let by_id = format!("/tasks/{}", task["id"].as_str().unwrap());

    let stranger = &globex.agent.client;
    for path in [path(&task, ""), by_id.clone()] {
        assert_eq!(stranger.get(&path).await.slug(), "not-found");
    }
    let start = stranger.post(&format!("{by_id}/actions/start"), json!({})).await;
    assert_eq!(start.slug(), "not-found");
    assert_eq!(stranger.patch(&by_id, 1, json!({ "position": 1 })).await.slug(), "not-found");
    assert!(stranger.get("/tasks").await.items().is_empty());
    assert_eq!(acme.agent.client.get(&by_id).await.ok(), task);
}

async fn what_waits_for_a_cancelled_task_waits_no_more(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let incident = acme.report("A broken chair").await;
    let path_of = format!("/tickets/{}/tasks", incident["number"].as_str().unwrap());
    let optional = json!({ "short_description": "Look for another", "mandatory": false });
    let optional = agent.post(&path_of, optional).await.created();
    let after = json!({ "short_description": "Order one", "depends_on": [optional["number"]] });
    let after = agent.post(&path_of, after).await.created();
    assert_eq!(after["state"], "waiting");

    let _ = step(agent, &optional, "cancel", because()).await;

    assert_eq!(agent.get(&path(&after, "")).await.ok()["state"], "open");
    let late = json!({ "short_description": "Pay it", "depends_on": [optional["number"]] });
    assert_eq!(agent.post(&path_of, late).await.created()["state"], "open");
}
