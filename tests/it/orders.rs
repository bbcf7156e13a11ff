//! What is asked for: when it will be there, how many of it, and several things at once.

use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_test_support::{Org, TestDesk, on_both_engines};

use crate::policies::{asking, stage};

on_both_engines! {
    a_request_says_when_it_will_be_there_and_counts_anew_when_it_is_approved
    only_the_desk_says_otherwise_when_it_will_be_there
    several_of_an_item_cost_as_many_times_as_much
    an_order_makes_its_requests_together
    an_order_with_a_fault_stores_nothing_and_names_every_fault
    orders_of_others_are_for_the_desk
    a_repeated_order_is_placed_once
}

/// The laptop is there after twelve working hours; the organization works Monday to Friday, 8 to 18
/// o'clock, in UTC.
async fn promise(acme: &Org<'_>) {
    let admin = &acme.admin.client;
    let version = admin.get("/catalog-items/laptop").await.ok()["version"].as_i64().unwrap();
    let _ =
        admin.patch("/catalog-items/laptop", version, json!({ "delivery_hours": 12 })).await.ok();
}

fn path(request: &Value) -> String {
    format!("/requests/{}", request["number"].as_str().unwrap())
}

fn version(request: &Value) -> i64 {
    request["version"].as_i64().unwrap()
}

async fn a_request_says_when_it_will_be_there_and_counts_anew_when_it_is_approved(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    promise(&acme).await;
    // Nine hours of Monday are left, three of Tuesday follow.
    let at_once = acme.ask_for_laptop().await;
    assert_eq!(at_once["request"]["expected_at"], "2026-06-02T11:00:00Z");

    acme.bind("plan", "approval-chain", asking(&json!([stage("manager", &json!(["manager"]))])))
        .await;
    let asked = acme.ask_for_laptop().await;
    assert_eq!(asked["state"], "awaiting_approval");
    assert_eq!(asked["request"]["expected_at"], "2026-06-02T11:00:00Z");
    desk.clock.advance(TimeDelta::days(4));
    let votes = acme.manager.client.get("/approvals/mine").await.items();
    let vote = format!("/approval-requests/{}/approve", votes[0]["id"].as_str().unwrap());
    let opinion = json!({ "content_digest": votes[0]["content_digest"] });
    let _ = acme.manager.client.post(&vote, opinion).await.ok();

    // Friday at nine: nine hours, and three of Monday.
    let approved = acme.requester.client.again(&asked).await;
    assert_eq!(approved["request"]["expected_at"], "2026-06-08T11:00:00Z");
    let events = acme.agent.client.of(&asked, "events").await.items();
    let approve = events.iter().find(|event| event["action"] == "approve").unwrap();
    assert!(approve["changes"].to_string().contains("expected_at"), "{approve}");
}

async fn only_the_desk_says_otherwise_when_it_will_be_there(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let request = acme.ask_for_laptop().await;
    assert_eq!(request["request"]["expected_at"], Value::Null);
    let told = json!({ "expected_at": "2026-06-12T12:00:00Z" });

    let draft = json!({ "short_description": "A wish", "draft": true });
    let draft = acme.requester.client.post("/requests", draft).await.created();
    let refused = acme.requester.client.patch(&path(&draft), version(&draft), told.clone()).await;
    assert_eq!((refused.status.as_u16(), refused.slug()), (403, "forbidden"));
    let edited =
        acme.agent.client.patch(&path(&request), version(&request), told.clone()).await.ok();
    assert_eq!(edited["request"]["expected_at"], "2026-06-12T12:00:00Z");
    let emptied = json!({ "expected_at": null });
    let edited = acme.agent.client.patch(&path(&request), version(&edited), emptied).await.ok();
    assert_eq!(edited["request"]["expected_at"], Value::Null);
    let incident = acme.report("No wifi").await;
    let incidents = format!("/incidents/{}", incident["number"].as_str().unwrap());
    let refused = acme.agent.client.patch(&incidents, version(&incident), told).await;
    assert_eq!(refused.pointers(), ["/expected_at"]);
}

async fn several_of_an_item_cost_as_many_times_as_much(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let client = &acme.requester.client;
    let new = |quantity: i64, draft: bool| {
        json!({ "short_description": "Laptops", "catalog_item": "laptop", "draft": draft,
                "answers": { "model": "light" }, "quantity": quantity })
    };

    let three = client.post("/requests", new(3, false)).await.created();
    assert_eq!(three["request"]["quantity"], 3);
    assert_eq!(three["request"]["cost"], json!({ "minor_units": 450_000, "currency": "EUR" }));
    for quantity in [0, 1_001] {
        let refused = client.post("/requests", new(quantity, false)).await;
        assert_eq!((refused.status.as_u16(), refused.pointers()), (422, vec!["/quantity"]));
    }
    let free = json!({ "short_description": "Chairs", "kind": "request", "quantity": 4 });
    assert_eq!(client.post("/requests", free).await.pointers(), ["/quantity"]);

    let draft = client.post("/requests", new(2, true)).await.created();
    let fewer = client.patch(&path(&draft), version(&draft), json!({ "quantity": 1 })).await.ok();
    assert_eq!(fewer["request"]["cost"]["minor_units"], 150_000);
    let late =
        acme.agent.client.patch(&path(&three), version(&three), json!({ "quantity": 1 })).await;
    assert_eq!((late.status.as_u16(), late.slug()), (409, "guard-failed"));
}

fn laptops(quantity: i64) -> Value {
    json!({ "catalog_item": "laptop", "quantity": quantity, "answers": { "model": "light" } })
}

async fn an_order_makes_its_requests_together(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    acme.bind("plan", "approval-chain", asking(&json!([stage("manager", &json!(["manager"]))])))
        .await;
    let admin = &acme.admin.client;
    let _ =
        admin.post("/catalog-items", json!({ "key": "mouse", "name": "Mouse" })).await.created();
    let named = json!({ "catalog_item": "mouse", "short_description": "A mouse for the left hand",
                        "description": "Not for the right one." });

    let placed =
        acme.requester.client.post("/orders", json!({ "items": [laptops(2), named] })).await;

    let order = placed.created();
    let requests = order["items"].as_array().unwrap();
    let shown: Vec<_> =
        requests.iter().map(|one| one["short_description"].as_str().unwrap()).collect();
    assert_eq!(shown, ["Laptop", "A mouse for the left hand"]);
    assert!(requests.iter().all(|one| one["request"]["order_id"] == order["id"]));
    assert!(requests.iter().all(|one| one["state"] == "awaiting_approval"));
    assert_eq!(requests[0]["request"]["cost"]["minor_units"], 300_000);
    assert_ne!(requests[0]["number"], requests[1]["number"]);
    // Each is decided by itself.
    assert_eq!(acme.manager.client.get("/approvals/mine").await.items().len(), 2);
    let again = format!("/requests?order_id={}", order["id"].as_str().unwrap());
    let _ = acme.ask_for_laptop().await;
    assert_eq!(acme.requester.client.get(&again).await.items().len(), 2);
    assert!(acme.manager.client.get(&again).await.items().len() <= 2);
    let events = acme.agent.client.of(&requests[0], "events").await.items();
    let created = events.iter().find(|event| event["action"] == "create").unwrap();
    assert!(created["changes"].to_string().contains(order["id"].as_str().unwrap()), "{created}");
}

async fn an_order_with_a_fault_stores_nothing_and_names_every_fault(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let client = &acme.requester.client;
    let items = json!([
        laptops(1),
        { "catalog_item": "laptop", "quantity": 0, "answers": { "model": "huge" } },
        { "catalog_item": "yacht" },
        { "catalog_item": "laptop", "answers": { "color": "red" } },
    ]);

    let refused = client.post("/orders", json!({ "items": items })).await;

    assert_eq!(refused.status.as_u16(), 422);
    let pointers = refused.pointers();
    for expected in [
        "/items/1/quantity",
        "/items/2/catalog_item",
        "/items/3/answers/color",
        "/items/3/answers/model",
    ] {
        assert!(pointers.contains(&expected), "{expected}: {pointers:?}");
    }
    assert!(!pointers.iter().any(|pointer| pointer.starts_with("/items/0")), "{pointers:?}");
    assert!(client.get("/requests").await.items().is_empty());
    let none = client.post("/orders", json!({ "items": [] })).await;
    assert_eq!((none.slug(), none.pointers()), ("missing-fields", vec!["/items"]));
    let many: Vec<Value> = (0..21).map(|_| laptops(1)).collect();
    assert_eq!(client.post("/orders", json!({ "items": many })).await.pointers(), ["/items"]);
    let nobody = json!({ "items": [laptops(1), laptops(1)], "requester": "nobody@acme.example" });
    assert_eq!(acme.agent.client.post("/orders", nobody).await.pointers(), ["/requester"]);
}

async fn orders_of_others_are_for_the_desk(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let order = |requester: &str| json!({ "items": [laptops(1)], "requester": requester });

    let refused = acme.requester.client.post("/orders", order(&acme.manager.id)).await;
    assert_eq!((refused.status.as_u16(), refused.slug()), (403, "forbidden"));
    let placed = acme.agent.client.post("/orders", order(&acme.requester.email)).await.created();
    assert_eq!(placed["items"][0]["requester"]["id"], acme.requester.id);
    assert_eq!(placed["items"][0]["opened_by"], acme.agent.id);
}

async fn a_repeated_order_is_placed_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let client = &acme.requester.client;
    let key = [("idempotency-key", "cart-1")];
    let order = json!({ "items": [laptops(1), laptops(2)] });

    let first = client.post_with("/orders", &key, order.clone()).await.created();
    let again = client.post_with("/orders", &key, order).await.created();

    assert_eq!(first, again);
    assert_eq!(client.get("/requests").await.items().len(), 2);
}
