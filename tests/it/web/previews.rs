//! What happens next: said at an item and in the basket before anything is sent.

use axum::http::StatusCode;
use serde_json::json;
use waypost_test_support::{Guest, Org, TestDesk, Visitor, on_both_engines};

use crate::{
    policies::{asking, stage},
    tasks::plan,
};

on_both_engines! {
    what_happens_then_is_shown_before_a_request_is_sent
    what_is_wrong_with_a_form_is_said_before_what_happens_then
    the_basket_says_what_happens_then_and_when_the_last_of_it_is_there
    what_happens_then_is_said_in_german
    where_a_rule_fails_the_page_says_that_something_else_decides
    what_all_of_the_basket_costs_leaves_out_what_cannot_be_sent
    where_a_rule_stalls_the_basket_is_there_all_the_same
    after_sending_the_basket_shows_what_is_left_at_once
    pages_say_where_it_cannot_be_found_out_what_would_happen
}

/// A laptop takes twelve working hours and four tasks, and these stages agree.
async fn furnish(acme: &Org<'_>, stages: &serde_json::Value) {
    plan(acme).await;
    let admin = &acme.admin.client;
    let version = admin.get("/catalog-items/laptop").await.ok()["version"].as_i64().unwrap();
    let hours = json!({ "delivery_hours": 12 });
    let _ = admin.patch("/catalog-items/laptop", version, hours).await.ok();
    let _ = acme.bind("plan", "approval-chain", asking(stages)).await;
}

async fn what_happens_then_is_shown_before_a_request_is_sent(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let stages = json!([
        stage("manager", &json!(["manager"])),
        { "steps": [{ "name": "network", "approvers": [{ "team": "network" }], "due_hours": 72 }] },
    ]);
    furnish(&acme, &stages).await;
    let mut ada = desk.signed_in(&acme.requester.email).await;
    ada.visit("/o/acme/catalog/laptop").await.fill("strong", "").fill("Quantity", "2");
    ada.fill("Remarks", "With a <b>bag</b>").press("See what happens next").await;

    assert_eq!(ada.status(), StatusCode::OK, "{}", ada.text());
    let then = ada.part("#then");
    for told in [
        "What happens next",
        "manager of acme (your manager) agrees manager",
        "One of these agrees: agent of acme, second of acme network · due after 3 d",
        "Finance: Buy it",
        "Network: Install it",
        "Expected 2 Jun, 11:00",
        "Cost 3,000.00 EUR",
    ] {
        assert!(then.contains(told), "{told}: {then}");
    }
    assert!(acme.agent.client.get("/requests").await.items().is_empty());
    // What was filled in is still there, and is sent.
    ada.press("Send the request").await;
    assert!(ada.text().contains("Awaiting approval"), "{}", ada.text());
    let request = acme.agent.client.get("/requests").await.items().remove(0);
    assert_eq!(request["request"]["answers"]["model"], "strong");
    assert_eq!(request["request"]["quantity"], 2);
    assert_eq!(request["description"], "With a <b>bag</b>");
    assert_eq!(request["request"]["expected_at"], "2026-06-02T11:00:00Z");

    // For somebody else it is their manager.
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit("/o/acme/catalog/laptop").await.fill("light", "");
    agent.fill("For somebody else", &acme.requester.email).press("See what happens next").await;
    let then = agent.part("#then");
    assert!(then.contains("manager of acme (their manager) agrees"), "{then}");
}

async fn what_is_wrong_with_a_form_is_said_before_what_happens_then(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    furnish(&acme, &json!([stage("manager", &json!(["manager"]))])).await;
    let mut ada = desk.signed_in(&acme.requester.email).await;
    ada.visit("/o/acme/catalog/laptop").await.fill("Remarks", "Soon");
    ada.press("See what happens next").await;

    assert_eq!(ada.status(), StatusCode::UNPROCESSABLE_ENTITY, "{}", ada.text());
    assert!(ada.text().contains("Which model? : Answer"), "{}", ada.text());
    assert!(ada.html().contains("Soon"), "{}", ada.html());
    assert!(!ada.html().contains("id=\"then\""), "{}", ada.html());
    ada.fill("light", "").press("See what happens next").await;
    assert_eq!(ada.status(), StatusCode::OK, "{}", ada.text());
}

async fn the_basket_says_what_happens_then_and_when_the_last_of_it_is_there(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    furnish(&acme, &json!([stage("manager", &json!(["manager"]))])).await;
    let admin = &acme.admin.client;
    let mouse = json!({ "key": "mouse", "name": "Mouse", "delivery_hours": 4,
                        "cost": { "minor_units": 2_500, "currency": "EUR" } });
    let _ = admin.post("/catalog-items", mouse).await.created();
    let mut ada = desk.signed_in(&acme.requester.email).await;
    ada.visit("/o/acme/catalog/laptop").await.fill("light", "").press("Put into the basket").await;
    ada.visit("/o/acme/catalog/mouse").await.press("Put into the basket").await;

    let text = ada.text();
    assert_eq!(text.matches("manager of acme (your manager) agrees").count(), 2, "{text}");
    for told in [
        "Finance: Buy it",
        "Expected 1 Jun, 13:00",
        "All together: 1,525.00 EUR",
        "All of it is expected by 2 Jun, 11:00",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    // What cannot be sent as it is says so.
    let laptop = admin.get("/catalog-items/laptop").await.ok();
    let mut form = laptop["form"].clone();
    form.as_array_mut().unwrap().push(json!({
        "field": "why", "label": "What is it for?", "kind": "text", "required": true,
    }));
    let version = laptop["version"].as_i64().unwrap();
    let _ = admin.patch("/catalog-items/laptop", version, json!({ "form": form })).await.ok();
    let text = ada.visit("/o/acme/basket").await.text();
    assert!(text.contains("It cannot be sent as it is: Answer \"What is it for?\""), "{text}");
    assert_eq!(text.matches("manager of acme (your manager) agrees").count(), 1, "{text}");
    let states = acme.agent.client.get("/requests").await.items();
    assert!(states.iter().all(|request| request["state"] == "new"), "{states:?}");

    // A basket may hold more than is foreseen.
    for _ in 0..20 {
        ada.visit("/o/acme/catalog/mouse").await.press("Put into the basket").await;
    }
    let text = ada.text();
    let some = "What happens next is shown for 20 of these requests only.";
    assert!(text.contains(some), "{text}");
    assert_eq!(text.matches("(your manager) agrees").count(), 19, "{text}");
}

async fn what_happens_then_is_said_in_german(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let stages = json!([{ "rule": "any", "steps": [
        { "name": "manager", "approvers": ["manager"] },
        { "name": "network", "approvers": [{ "team": "network" }], "quorum": "all" },
    ] }]);
    furnish(&acme, &stages).await;
    let mut ada = desk.signed_in(&acme.requester.email).await.speaking("de");
    ada.visit("/o/acme/catalog/laptop").await.fill("light", "");
    ada.press("Ansehen, was dann geschieht").await;
    let then = ada.part("#then");
    for told in [
        "Was dann geschieht",
        "Eines davon genügt:",
        "manager of acme (Ihre Führungskraft) stimmt zu",
        "Alle diese Personen stimmen zu: agent of acme, second of acme",
        "Erwartet 2. Jun, 11:00",
        "Kosten 1.500,00 EUR",
    ] {
        assert!(then.contains(told), "{told}: {then}");
    }
    ada.press("In den Warenkorb").await;
    assert!(ada.text().contains("Alles wird erwartet bis 2. Jun, 11:00"), "{}", ada.text());
}

async fn where_a_rule_fails_the_page_says_that_something_else_decides(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let stages = asking(&json!([stage("manager", &json!(["manager"]))]));
    let binding = acme.bind("plan", "approval-chain", stages).await;
    let path = format!("/bindings/{}/revisions", binding["id"].as_str().unwrap());
    let starved = json!({ "limits": { "fuel": 10_000 } });
    let _ = acme.admin.client.post(&path, starved).await.created();
    for (person, is_desk) in [(&acme.requester, false), (&acme.agent, true)] {
        let mut visitor = desk.signed_in(&person.email).await;
        visitor.visit("/o/acme/catalog/laptop").await.fill("light", "");
        visitor.press("See what happens next").await;
        let then = visitor.part("#then");
        assert!(then.contains("admin of acme agrees"), "{then}");
        assert!(then.contains("Some of the rules could not be asked just now."), "{then}");
        assert_eq!(then.contains("it worked too long"), is_desk, "{then}");
    }
}

/// Adds items of the catalog, and puts one of each into a basket.
async fn fill(acme: &Org<'_>, ada: &mut Visitor, items: &[(&str, i64)]) {
    for (key, cents) in items {
        let item = json!({ "key": key, "name": key,
                           "cost": { "minor_units": cents, "currency": "EUR" } });
        let _ = acme.admin.client.post("/catalog-items", item).await.created();
        let path = format!("/o/acme/catalog/{key}");
        ada.visit(&path).await.press("Put into the basket").await;
    }
}

async fn what_all_of_the_basket_costs_leaves_out_what_cannot_be_sent(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let settings = json!({ "rules": [
        { "name": "no", "when": { "catalog_items": ["yacht"] }, "then": { "refuse": "No yachts" } },
        { "name": "yes", "then": "approve" },
    ] });
    let _ = acme.bind("plan", "approval-chain", settings).await;
    let mut ada = desk.signed_in(&acme.requester.email).await;
    let items = [("mouse", 2_500), ("desk", 40_000), ("lamp", 3_000), ("yacht", 900_000_000)];
    fill(&acme, &mut ada, &items).await;
    assert!(ada.text().contains("All together: 455.00 EUR"), "{}", ada.text());
    // One cannot be sent any more.
    let admin = &acme.admin.client;
    let version = admin.get("/catalog-items/desk").await.ok()["version"].as_i64().unwrap();
    let form = json!({ "form": [
        { "field": "why", "label": "What is it for?", "kind": "text", "required": true },
    ] });
    let _ = admin.patch("/catalog-items/desk", version, form).await.ok();
    let text = ada.visit("/o/acme/basket").await.text();
    assert!(text.contains("It cannot be sent as it is"), "{text}");
    // As an order of the others says it.
    let item = |key: &str| json!({ "catalog_item": key });
    let order = json!({ "items": [item("mouse"), item("lamp"), item("yacht")] });
    let preview = acme.requester.client.post("/orders/preview", order).await.ok();
    assert_eq!(preview["cost"], json!([{ "minor_units": 5_500, "currency": "EUR" }]));
    assert!(text.contains("All together: 55.00 EUR"), "{text}");
}

/// Binds a policy that fails by taking too long whenever it is asked who must agree.
async fn starve(acme: &Org<'_>) {
    let stages = asking(&json!([stage("manager", &json!(["manager"]))]));
    let binding = acme.bind("plan", "approval-chain", stages).await;
    let path = format!("/bindings/{}/revisions", binding["id"].as_str().unwrap());
    let starved = json!({ "limits": { "fuel": 10_000 } });
    let _ = acme.admin.client.post(&path, starved).await.created();
}

async fn where_a_rule_stalls_the_basket_is_there_all_the_same(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    starve(&acme).await;
    let mut ada = desk.signed_in(&acme.requester.email).await;
    fill(&acme, &mut ada, &[("mouse", 2_500), ("desk", 40_000), ("lamp", 3_000)]).await;
    let text = ada.text();
    // It is waited for once.
    assert_eq!(text.matches("Some of the rules could not be asked just now.").count(), 1, "{text}");
    let some = "What happens next is shown for 1 of these requests only.";
    assert!(text.contains(some) && text.contains("All together: 455.00 EUR"), "{text}");
    ada.press("Send all requests").await;
    assert_eq!(ada.path(), "/o/acme/my?done=sent", "{}", ada.text());
}

async fn after_sending_the_basket_shows_what_is_left_at_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut ada = desk.signed_in(&acme.requester.email).await;
    fill(&acme, &mut ada, &[("mouse", 2_500), ("desk", 40_000)]).await;
    assert!(ada.text().contains("Nobody has to agree to it first."), "{}", ada.text());
    let admin = &acme.admin.client;
    let version = admin.get("/catalog-items/desk").await.ok()["version"].as_i64().unwrap();
    let form = json!({ "form": [
        { "field": "why", "label": "What is it for?", "kind": "text", "required": true },
    ] });
    let _ = admin.patch("/catalog-items/desk", version, form).await.ok();
    ada.press("Send all requests").await;
    let text = ada.text();
    assert_eq!(ada.status(), StatusCode::UNPROCESSABLE_ENTITY, "{text}");
    assert!(text.contains("Not everything was sent"), "{text}");
    for unsaid in ["Nobody has to agree", "It cannot be sent as it is", "All together", "is shown"]
    {
        assert!(!text.contains(unsaid), "{unsaid}: {text}");
    }
}

async fn pages_say_where_it_cannot_be_found_out_what_would_happen(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("No wifi").await;
    let stalling = Guest::new().before_answer("(loop $forever (br $forever))");
    let component = acme.admin.client.upload(stalling.build()).await;
    for (name, position) in [("first", 1), ("second", 2)] {
        let _ = acme.bind_component(name, position, "route", &component, json!({})).await;
    }
    let mut ada = desk.signed_in(&acme.requester.email).await;
    ada.visit("/o/acme/catalog/laptop").await.fill("light", "").fill("Remarks", "Soon");
    ada.press("See what happens next").await;
    assert_eq!(ada.status(), StatusCode::OK, "{}", ada.text());
    assert!(ada.text().contains("What happens next cannot be shown just now."), "{}", ada.text());
    assert!(ada.html().contains("Soon"), "{}", ada.html());
    let mut agent = desk.signed_in(&acme.agent.email).await;
    let number = incident["number"].as_str().unwrap();
    agent.visit(&format!("/o/acme/desk/tickets/{number}/what-if?impact=1&urgency=1")).await;
    assert_eq!(agent.status(), StatusCode::OK, "{}", agent.text());
    let busy = "This cannot be found out just now. Try again in a moment.";
    assert!(agent.text().contains(busy), "{}", agent.text());
}
