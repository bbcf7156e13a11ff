//! Previews: what would come of a request is said before it is sent, and is what then comes of it.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_app::Clock;
use waypost_test_support::{Client, Guest, Org, TestDesk, on_both_engines};

use crate::{
    policies::{asking, by_words, stage},
    tasks::{plan, tasks_of},
    together::join_all,
};

on_both_engines! {
    what_a_preview_says_is_what_happens_then
    a_preview_of_stages_names_who_is_asked_and_how_many_have_to_agree
    a_preview_of_an_order_says_what_it_costs_and_when_the_last_of_it_is_there
    a_preview_of_a_draft_says_what_its_submission_would_do
    a_preview_keeps_nothing
    a_preview_refuses_what_sending_would_refuse
    a_preview_shows_nobody_what_they_may_not_see
    where_a_policy_fails_the_preview_says_who_decides_instead
    a_preview_neither_opens_a_breaker_nor_closes_it
    tickets_are_decided_while_previews_stall
    what_a_stalling_policy_kept_from_being_asked_is_not_foreseen
}

/// A laptop takes twelve working hours, and four tasks.
async fn furnish(acme: &Org<'_>) {
    plan(acme).await;
    let admin = &acme.admin.client;
    let version = admin.get("/catalog-items/laptop").await.ok()["version"].as_i64().unwrap();
    let hours = json!({ "delivery_hours": 12 });
    let _ = admin.patch("/catalog-items/laptop", version, hours).await.ok();
}

fn laptops(quantity: i64) -> Value {
    json!({ "short_description": "Laptops", "catalog_item": "laptop", "quantity": quantity,
            "answers": { "model": "light" } })
}

/// Who is asked, as a preview says it: for each stage its rule and its steps.
fn foreseen(preview: &Value) -> Vec<Value> {
    let stages = preview["approval_stages"].as_array().unwrap();
    stages
        .iter()
        .map(|stage| {
            let steps = stage["steps"].as_array().unwrap().iter().map(|step| {
                let voters = step["voters"].as_array().unwrap().iter().map(|one| {
                    let seat = if one["instead_of"].is_null() {
                        &one["voter"]
                    } else {
                        &one["instead_of"]
                    };
                    json!([one["voter"], seat, one["mandatory"]])
                });
                json!([step["name"], step["quorum"], step["veto"], voters.collect::<Vec<_>>()])
            });
            json!([stage["rule"], steps.collect::<Vec<_>>()])
        })
        .collect()
}

/// Who was asked, as the approval of a request says it.
async fn asked(client: &Client, request: &Value) -> Vec<Value> {
    let rounds = client.of(request, "approvals").await.items();
    let stages = rounds.last().map_or_else(|| json!([]), |round| round["stages"].clone());
    stages
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| {
            let steps = stage["steps"].as_array().unwrap().iter().map(|step| {
                let seats = step["requests"].as_array().unwrap().iter();
                let voters = seats
                    .filter(|seat| seat["state"] != "delegated")
                    .map(|seat| json!([seat["voter"], seat["seat"], seat["mandatory"]]));
                json!([step["name"], step["quorum"], step["veto"], voters.collect::<Vec<_>>()])
            });
            json!([stage["rule"], steps.collect::<Vec<_>>()])
        })
        .collect()
}

/// Sends what was foreseen, and compares the two.
async fn comes_true(acme: &Org<'_>, preview: &Value, request: &Value) {
    let client = &acme.agent.client;
    assert_eq!(preview["kind"], request["kind"]);
    assert_eq!(preview["state"], request["state"]);
    assert_eq!(preview["policy_failures"], request["policy_failures"]);
    let details = &request["request"];
    for field in ["cost", "quantity"] {
        assert_eq!(preview[field], details[field], "{field}");
    }
    if request["state"] != "rejected" {
        assert_eq!(preview["expected_at"], details["expected_at"]);
    }
    assert_eq!(foreseen(preview), asked(client, request).await);
}

async fn tasks_come_true(acme: &Org<'_>, preview: &Value, request: &Value) {
    let made = tasks_of(&acme.agent.client, request).await;
    let numbers: Vec<&Value> = made.iter().map(|task| &task["number"]).collect();
    let made: Vec<Value> = made
        .iter()
        .map(|task| {
            let before = task["task"]["depends_on"].as_array().unwrap().iter();
            let places = before.map(|one| numbers.iter().position(|number| *number == one));
            json!({ "short_description": task["short_description"], "team": task["team"],
                    "mandatory": task["task"]["mandatory"],
                    "depends_on": places.collect::<Vec<_>>() })
        })
        .collect();
    assert_eq!(preview["tasks"].as_array().unwrap(), &made);
}

async fn what_a_preview_says_is_what_happens_then(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    furnish(&acme).await;
    let words = [("laptops", json!({ "impact": 1, "urgency": 1 }))];
    acme.bind("categorize", "keyword-categorizer", by_words(&words)).await;
    let client = &acme.requester.client;

    // Nobody has to agree: it is begun at once.
    let preview = client.post("/requests/preview", laptops(2)).await.ok();
    assert_eq!(preview["state"], "in_fulfilment");
    assert_eq!(preview["cost"], json!({ "minor_units": 300_000, "currency": "EUR" }));
    assert_eq!(preview["expected_at"], "2026-06-02T11:00:00Z");
    assert_eq!(preview["tasks"].as_array().unwrap().len(), 4);
    let request = client.post("/requests", laptops(2)).await.created();
    comes_true(&acme, &preview, &request).await;
    tasks_come_true(&acme, &preview, &request).await;

    // The manager has to, and somebody stands in for them.
    acme.bind("plan", "approval-chain", asking(&json!([stage("manager", &json!(["manager"]))])))
        .await;
    let preview = client.post("/requests/preview", laptops(1)).await.ok();
    let voter = &preview["approval_stages"][0]["steps"][0]["voters"][0];
    assert_eq!((&voter["voter"]["id"], &voter["manager"]), (&json!(acme.manager.id), &json!(true)));
    let request = client.post("/requests", laptops(1)).await.created();
    comes_true(&acme, &preview, &request).await;
    let waiting = acme.manager.client.get("/approvals/mine").await.items().remove(0);
    let vote = format!("/approval-requests/{}/approve", waiting["id"].as_str().unwrap());
    let opinion = json!({ "content_digest": waiting["content_digest"] });
    let _ = acme.manager.client.post(&vote, opinion).await.ok();
    tasks_come_true(&acme, &preview, &request).await;

    let ends_at = (desk.clock.now() + TimeDelta::days(7)).to_rfc3339();
    let away = json!({ "to": acme.admin.email, "ends_at": ends_at, "reason": "On holiday" });
    let _ = acme.manager.client.post("/delegations", away).await.created();
    let preview = client.post("/requests/preview", laptops(1)).await.ok();
    let voter = &preview["approval_stages"][0]["steps"][0]["voters"][0];
    assert_eq!(voter["voter"]["id"], json!(acme.admin.id), "{preview}");
    assert_eq!(voter["instead_of"]["id"], json!(acme.manager.id), "{preview}");
    let request = client.post("/requests", laptops(1)).await.created();
    comes_true(&acme, &preview, &request).await;

    // The desk sees what else is decided; and asks for others.
    let mut theirs = laptops(1);
    theirs["requester"] = json!(acme.requester.email);
    let preview = acme.agent.client.post("/requests/preview", theirs.clone()).await.ok();
    let request = acme.agent.client.post("/requests", theirs).await.created();
    comes_true(&acme, &preview, &request).await;
    assert_eq!(preview["internals"]["team"], request["team"]);
    assert_eq!(preview["internals"]["priority"], request["priority"]["value"]);
    assert_eq!(preview["internals"]["priority"], 1);

    // In free text, too.
    let free = json!({ "short_description": "A quiet room" });
    let preview = client.post("/requests/preview", free.clone()).await.ok();
    let request = client.post("/requests", free).await.created();
    comes_true(&acme, &preview, &request).await;
    desk.ignore_mail();
}

async fn a_preview_of_stages_names_who_is_asked_and_how_many_have_to_agree(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let stages = json!([
        { "rule": "any", "steps": [
            { "name": "manager", "approvers": ["manager"], "due_hours": 16 },
            { "name": "network", "approvers": [{ "team": "network" }], "quorum": "all" },
        ] },
        { "steps": [{
            "name": "budget", "approvers": [{ "team": "finance" }, { "person": acme.agent.id }],
            "mandatory": [{ "person": acme.admin.id }], "quorum": { "count": 2 }, "veto": true,
        }] },
    ]);
    acme.bind("plan", "approval-chain", asking(&stages)).await;
    let client = &acme.requester.client;

    let preview = client.post("/requests/preview", laptops(1)).await.ok();

    let steps = &preview["approval_stages"][0]["steps"];
    assert_eq!(preview["approval_stages"][0]["rule"], "any");
    assert_eq!((&steps[0]["due_hours"], &steps[0]["needed"]), (&json!(16), &json!(1)));
    assert_eq!((&steps[1]["quorum"], &steps[1]["needed"]), (&json!("all"), &json!(2)));
    let budget = &preview["approval_stages"][1]["steps"][0];
    assert_eq!((&budget["quorum"], &budget["needed"]), (&json!("count:2"), &json!(2)));
    assert_eq!(budget["voters"].as_array().unwrap().len(), 3);
    let request = client.post("/requests", laptops(1)).await.created();
    comes_true(&acme, &preview, &request).await;
    desk.ignore_mail();
}

async fn a_preview_of_an_order_says_what_it_costs_and_when_the_last_of_it_is_there(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    furnish(&acme).await;
    let admin = &acme.admin.client;
    let items = [
        json!({ "key": "desk", "name": "Desk", "delivery_hours": 30,
                "cost": { "minor_units": 40_000, "currency": "USD" } }),
        json!({ "key": "mouse", "name": "Mouse" }),
        json!({ "key": "yacht", "name": "Yacht", "delivery_hours": 2000,
                "cost": { "minor_units": 900_000_000, "currency": "EUR" } }),
    ];
    for item in items {
        let _ = admin.post("/catalog-items", item).await.created();
    }
    let settings = json!({ "rules": [
        { "name": "no", "when": { "catalog_items": ["yacht"] }, "then": { "refuse": "No yachts" } },
        { "name": "yes", "then": "approve" },
    ] });
    acme.bind("plan", "approval-chain", settings).await;
    let item = |key: &str| json!({ "catalog_item": key });
    let laptop =
        json!({ "catalog_item": "laptop", "quantity": 2, "answers": { "model": "light" } });
    let order = json!({ "items": [laptop, item("desk"), item("mouse"), item("yacht")] });
    let client = &acme.requester.client;

    let preview = client.post("/orders/preview", order.clone()).await.ok();

    assert_eq!(
        preview["cost"],
        json!([{ "minor_units": 300_000, "currency": "EUR" },
               { "minor_units": 40_000, "currency": "USD" }])
    );
    let previews = preview["items"].as_array().unwrap();
    assert_eq!(preview["expected_at"], previews[1]["expected_at"]);
    assert_eq!(previews[2]["expected_at"], Value::Null);
    assert_eq!(
        (&previews[3]["state"], &previews[3]["rejection"]),
        (&json!("rejected"), &json!("No yachts"))
    );
    let placed = client.post("/orders", order).await.created();
    for (preview, request) in previews.iter().zip(placed["items"].as_array().unwrap()) {
        if preview["state"] != "rejected" {
            comes_true(&acme, preview, request).await;
        }
        assert_eq!(preview["state"], request["state"]);
        assert_eq!(preview["catalog_item"], request["request"]["catalog_item"]);
    }
    desk.ignore_mail();
}

async fn a_preview_of_a_draft_says_what_its_submission_would_do(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    furnish(&acme).await;
    acme.bind("plan", "approval-chain", asking(&json!([stage("manager", &json!(["manager"]))])))
        .await;
    let client = &acme.requester.client;
    let mut new = laptops(3);
    new["draft"] = json!(true);
    let draft = client.post("/requests", new.clone()).await.created();
    let path = format!("/requests/{}/preview", draft["number"].as_str().unwrap());

    let preview = client.post(&path, json!({})).await.ok();

    assert_eq!(client.again(&draft).await, draft);
    let submitted = client.act(&draft, "submit", json!({})).await.ok();
    comes_true(&acme, &preview, &submitted).await;
    // What was handed in is no draft any more.
    let refused = client.post(&path, json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.slug()), (409, "invalid-transition"));
    // What lacks an answer says so, as submitting it does.
    new["answers"] = json!({});
    let draft = client.post("/requests", new).await.created();
    let path = format!("/requests/{}/preview", draft["number"].as_str().unwrap());
    let (foreseen, sent) =
        (client.post(&path, json!({})).await, client.act(&draft, "submit", json!({})).await);
    assert_eq!(foreseen.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!((foreseen.slug(), foreseen.faults()), (sent.slug(), sent.faults()));
    desk.ignore_mail();
}

async fn a_preview_keeps_nothing(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    furnish(&acme).await;
    acme.bind("plan", "approval-chain", asking(&json!([stage("manager", &json!(["manager"]))])))
        .await;
    let letters = json!({ "rules": [
        crate::policies::telling("received", "created", &json!(["requester"])),
        crate::policies::telling("please", "approval_requested", &json!(["approvers"])),
    ] });
    acme.bind("notify", "stakeholder-notifier", letters).await;
    let client = &acme.requester.client;
    // The first one prepares the policies.
    let _ = client.post("/requests/preview", laptops(1)).await.ok();
    let before = desk.store.stats();
    let order = json!({ "items": [{ "catalog_item": "laptop", "answers": { "model": "light" } }] });
    for _ in 0..3 {
        let _ = client.post("/requests/preview", laptops(1)).await.ok();
        let _ = client.post("/orders/preview", order.clone()).await.ok();
    }
    assert_eq!(desk.store.stats().since(before).commits, 0);
    assert!(desk.letters().await.is_empty());
    assert!(acme.admin.client.get("/tickets").await.items().is_empty());
    assert!(acme.admin.client.get("/receipts").await.items().is_empty());
    assert!(acme.manager.client.get("/approvals/mine").await.items().is_empty());
    // Nor was a number taken.
    let request = client.post("/requests", laptops(1)).await.created();
    assert_eq!(request["number"], "REQ0000001");
    desk.ignore_mail();
}

async fn a_preview_refuses_what_sending_would_refuse(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let other = desk.organization("other").await;
    let client = &acme.requester.client;
    let mut for_others = laptops(1);
    for_others["requester"] = json!(acme.manager.email);
    let mut foreign = laptops(1);
    foreign["requester"] = json!(other.requester.email);
    let wrong = [
        laptops(0),
        json!({ "short_description": "Laptop", "catalog_item": "laptop", "answers": {} }),
        json!({ "short_description": "Laptop", "catalog_item": "laptop",
                "answers": { "model": "heavy", "color": "red" } }),
        json!({ "short_description": "", "catalog_item": "car", "kind": "incident" }),
        json!({ "catalog_item": "laptop", "answers": { "model": "light" } }),
        for_others,
        foreign,
    ];
    for person in [&acme.requester, &acme.agent, &acme.admin] {
        for new in &wrong {
            let foreseen = person.client.post("/requests/preview", new.clone()).await;
            let sent = person.client.post("/requests", new.clone()).await;
            if sent.status == StatusCode::CREATED {
                assert_eq!(foreseen.status, StatusCode::OK, "{new}: {}", foreseen.text);
                continue;
            }
            assert_eq!(foreseen.status, sent.status, "{new}: {}", foreseen.text);
            assert_eq!((foreseen.slug(), foreseen.faults()), (sent.slug(), sent.faults()), "{new}");
        }
    }
    let many = json!({ "items": vec![json!({ "catalog_item": "laptop" }); 21] });
    for order in [json!({ "items": [] }), many, json!({ "items": [{ "catalog_item": "car" }] })] {
        let foreseen = client.post("/orders/preview", order.clone()).await;
        let sent = client.post("/orders", order).await;
        assert_eq!(foreseen.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!((foreseen.slug(), foreseen.faults()), (sent.slug(), sent.faults()));
    }
    desk.ignore_mail();
}

async fn a_preview_shows_nobody_what_they_may_not_see(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let other = desk.organization("other").await;
    let stages = json!([stage("boss", &json!([{ "person": other.manager.id }]))]);
    acme.bind("plan", "approval-chain", asking(&stages)).await;
    let client = &acme.requester.client;

    let answer = client.post("/requests/preview", laptops(1)).await;

    assert!(!answer.text.contains("of other"), "{}", answer.text);
    let preview = answer.ok();
    let voters = &preview["approval_stages"][0]["steps"][0]["voters"];
    assert_eq!(voters[0]["voter"]["id"], json!(acme.admin.id), "{preview}");
    // Why, and who will work on it, is for the desk.
    assert_eq!(preview["internals"], Value::Null);
    let request = client.post("/requests", laptops(1)).await.created();
    comes_true(&acme, &preview, &request).await;

    // A draft of somebody else, or of another organization, is not there.
    let mut new = laptops(1);
    new["draft"] = json!(true);
    let draft = acme.requester.client.post("/requests", new).await.created();
    for id in [&draft["number"], &draft["id"]] {
        let path = format!("/requests/{}/preview", id.as_str().unwrap());
        let stranger = acme.manager.client.post(&path, json!({})).await;
        assert_eq!(stranger.status, StatusCode::NOT_FOUND, "{}", stranger.text);
        let _ = acme.agent.client.post(&path, json!({})).await.ok();
    }
    let path = format!("/requests/{}/preview", draft["id"].as_str().unwrap());
    let foreign = other.admin.client.post(&path, json!({})).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    desk.ignore_mail();
}

async fn where_a_policy_fails_the_preview_says_who_decides_instead(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    starve(&acme).await;
    let client = &acme.requester.client;

    let preview = client.post("/requests/preview", laptops(1)).await.ok();

    assert_eq!(preview["policy_failures"], "plan: out_of_fuel");
    let step = &preview["approval_stages"][0]["steps"][0];
    assert_eq!(step["voters"][0]["voter"]["id"], json!(acme.admin.id));
    let request = client.post("/requests", laptops(1)).await.created();
    comes_true(&acme, &preview, &request).await;
    desk.ignore_mail();
}

/// Binds a policy that fails whenever it is asked who must agree.
async fn starve(acme: &Org<'_>) -> Value {
    let stages = json!([stage("manager", &json!(["manager"]))]);
    let binding = acme.bind("plan", "approval-chain", asking(&stages)).await;
    let path = format!("/bindings/{}/revisions", binding["id"].as_str().unwrap());
    let starved = json!({ "limits": { "fuel": 10_000 } });
    acme.admin.client.post(&path, starved).await.created()
}

async fn a_preview_neither_opens_a_breaker_nor_closes_it(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    starve(&acme).await;
    let client = &acme.requester.client;
    for _ in 0..8 {
        let preview = client.post("/requests/preview", laptops(1)).await.ok();
        assert_eq!(preview["policy_failures"], "plan: out_of_fuel");
    }
    for _ in 0..5 {
        let request = client.post("/requests", laptops(1)).await.created();
        assert_eq!(request["policy_failures"], "plan: out_of_fuel");
    }
    let preview = client.post("/requests/preview", laptops(1)).await.ok();
    assert_eq!(preview["policy_failures"], "plan: breaker_open");
    let request = client.post("/requests", laptops(1)).await.created();
    comes_true(&acme, &preview, &request).await;
    // Once it may be tried again, a preview is not the trial.
    desk.clock.advance(TimeDelta::minutes(6));
    let preview = client.post("/requests/preview", laptops(1)).await.ok();
    assert_eq!(preview["policy_failures"], "plan: out_of_fuel");
    let request = client.post("/requests", laptops(1)).await.created();
    assert_eq!(request["policy_failures"], "plan: out_of_fuel");
    desk.ignore_mail();
}

/// Binds a policy that goes on until it is stopped, whenever it is asked who should work on
/// something.
async fn stall(acme: &Org<'_>) {
    let guest = Guest::new().before_answer("(loop $forever (br $forever))");
    let component = acme.admin.client.upload(guest.build()).await;
    let binding = json!({
        "hooks": ["route"], "name": "stalls", "position": 1, "component": component,
        "settings": {}, "limits": { "deadline_ms": 1_000, "fuel": 1_000_000_000 },
    });
    let _ = acme.admin.client.post("/bindings", binding).await.created();
}

async fn tickets_are_decided_while_previews_stall(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let client = &acme.requester.client;
    let mut new = laptops(1);
    new["draft"] = json!(true);
    let draft = client.post("/requests", new).await.created();
    stall(&acme).await;
    let stages = json!([stage("manager", &json!(["manager"]))]);
    let _ = acme.bind("plan", "approval-chain", asking(&stages)).await;

    // More than an organization has turns for its tickets.
    let previews = join_all((0..20).map(|_| client.post("/requests/preview", laptops(1))));
    let submitted = async {
        // They are under way by then.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        client.act(&draft, "submit", json!({})).await.ok()
    };
    let (previews, submitted) = tokio::join!(previews, submitted);

    assert_eq!(submitted["policy_failures"], Value::Null, "{submitted}");
    assert_eq!(submitted["state"], "awaiting_approval");
    let rounds = client.of(&submitted, "approvals").await.items();
    assert_eq!(rounds[0]["stages"][0]["steps"][0]["name"], "manager", "{rounds:?}");
    // Those that had a turn do not guess what the next policy would have said.
    let statuses: Vec<StatusCode> = previews.iter().map(|it| it.status).collect();
    assert!(statuses.iter().all(|it| *it == StatusCode::SERVICE_UNAVAILABLE), "{statuses:?}");
    desk.ignore_mail();
}

async fn what_a_stalling_policy_kept_from_being_asked_is_not_foreseen(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    stall(&acme).await;
    let client = &acme.requester.client;
    // Nobody else is asked, so the fallback is what would stand.
    let preview = client.post("/requests/preview", laptops(1)).await.ok();
    let mark = preview["policy_failures"].as_str().unwrap();
    assert!(["route: deadline", "route: out_of_fuel"].contains(&mark), "{mark}");
    starve(&acme).await;
    let preview = client.post("/requests/preview", laptops(1)).await;
    assert_eq!(preview.status, StatusCode::SERVICE_UNAVAILABLE, "{}", preview.text);
    desk.ignore_mail();
}
