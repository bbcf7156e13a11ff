//! A ticket arrives.

use axum::http::StatusCode;
use serde_json::{Value, json};
use waypost_test_support::{Org, TestDesk, on_both_engines};

use crate::policies::{by_words, teams_by_words};

on_both_engines! {
    q7_an_organization_without_policies_works
    w4_a_ticket_is_routed_in_the_transaction_that_creates_it
    w4_what_no_rule_takes_belongs_to_the_fallback_team
    w2_the_same_channel_leads_two_inputs_to_two_kinds_and_two_queues
    w3_the_queue_puts_the_payroll_outage_before_the_cosmetic_issue
    w3_each_organization_has_its_own_matrix
    a_category_that_does_not_exist_is_overruled_and_the_rest_applied
    what_an_agent_filled_in_no_policy_changes
    every_wrong_field_of_a_ticket_is_named_at_once_and_nothing_is_stored
    a_ticket_of_another_system_is_opened_once
    a_reference_that_belongs_to_something_else_is_refused_by_its_number
    a_requester_opens_tickets_for_nobody_else
    a_draft_waits_to_be_submitted
    a_request_is_checked_against_its_form
    custom_fields_come_back_as_they_were_written_and_every_change_is_an_event
}

async fn q7_an_organization_without_policies_works(desk: TestDesk) {
    let acme = desk.organization("acme").await;

    let incident = acme.report("The printer is on fire").await;
    let request = acme.ask_for_laptop().await;

    assert_eq!(incident["team"]["key"], "service-desk");
    assert_eq!(incident["priority"]["value"], 5);
    assert_eq!(incident["state"], "new");
    assert_eq!(request["state"], "in_fulfilment");
    assert!(request["number"].as_str().unwrap().starts_with("REQ"));
}

async fn w4_a_ticket_is_routed_in_the_transaction_that_creates_it(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;

    let incident = acme.report("No wifi on the third floor").await;

    assert_eq!(incident["team"]["key"], "network");
    assert_eq!(incident["version"], 1);
    let events = acme.agent.client.of(&incident, "events").await.items();
    assert_eq!(actions(&events), ["create", "assign"]);
    assert!(events.iter().all(|event| event["at"] == incident["created_at"]));
}

async fn w4_what_no_rule_takes_belongs_to_the_fallback_team(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;

    let incident = acme.report("My chair squeaks").await;

    assert_eq!(incident["team"]["key"], "service-desk");
    assert_eq!(incident["policy_failures"], Value::Null);
    let events = acme.agent.client.of(&incident, "events").await.items();
    assert_eq!(events[1]["action"], "assign");
    assert!(events[1]["reason"].as_str().unwrap().contains("fallback team"));
}

async fn w2_the_same_channel_leads_two_inputs_to_two_kinds_and_two_queues(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let kinds = json!({ "rules": [
        { "name": "outage", "when": { "words": { "any": ["printer"] } },
          "set": { "kind": "incident", "category": ["hardware"] } },
        { "name": "wish", "when": { "words": { "any": ["software"] } }, "set": { "kind": "request" } },
    ] });
    acme.bind("categorize", "keyword-categorizer", kinds).await;
    let queues = json!({ "rules": [
        { "name": "wishes", "when": { "kinds": ["request"] }, "to": { "team": "finance" } },
        { "name": "hardware", "when": { "categories": [["hardware"]] }, "to": { "team": "network" } },
    ] });
    acme.bind("route", "team-router", queues).await;

    let outage = mailed(&acme, "The printer prints nothing").await;
    let wish = mailed(&acme, "I would like software for drawings").await;

    assert_eq!((&outage["kind"], &outage["team"]["key"]), (&json!("incident"), &json!("network")));
    assert_eq!((&wish["kind"], &wish["team"]["key"]), (&json!("request"), &json!("finance")));
    assert!(outage["number"].as_str().unwrap().starts_with("INC"));
    assert!(wish["number"].as_str().unwrap().starts_with("REQ"));
    assert_eq!((&outage["channel"], &wish["channel"]), (&json!("mail"), &json!("mail")));
}

async fn mailed(org: &Org<'_>, line: &str) -> Value {
    let ticket = json!({ "short_description": line, "channel": "mail" });
    org.requester.client.post("/tickets", ticket).await.created()
}

async fn w3_the_queue_puts_the_payroll_outage_before_the_cosmetic_issue(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let levels = json!({ "rules": [
        { "name": "payroll", "when": { "words": { "any": ["payroll"] } },
          "set": { "service": "revenue-portal", "impact": 1, "urgency": 1 } },
        { "name": "cosmetic", "when": { "words": { "any": ["colour"] } },
          "set": { "impact": 3, "urgency": 3 } },
    ] });
    acme.bind("categorize", "keyword-categorizer", levels).await;

    let cosmetic = acme.report("Wrong colour on the test system").await;
    let middle =
        acme.try_report(json!({ "short_description": "Slow", "impact": 2, "urgency": 2 })).await;
    let payroll = acme.report("No payroll since 8:00").await;

    assert_eq!(payroll["priority"]["value"], 1);
    assert_eq!(payroll["priority"]["source"], "matrix");
    assert_eq!(cosmetic["priority"]["value"], 5);
    let queue = acme.agent.client.get("/incidents?order=queue&active=true").await.items();
    let numbers: Vec<_> = queue.iter().map(|ticket| ticket["number"].clone()).collect();
    let middle = middle.created();
    assert_eq!(numbers, [&payroll, &middle, &cosmetic].map(|ticket| ticket["number"].clone()));
}

async fn w3_each_organization_has_its_own_matrix(desk: TestDesk) {
    let (acme, bolt) = (desk.organization("acme").await, desk.organization("bolt").await);
    let matrix = json!({ "matrix": [[1, 1, 1], [2, 2, 2], [4, 4, 4]] });
    let version =
        bolt.admin.client.get("/organizations/bolt").await.ok()["version"].as_i64().unwrap();
    let _ = bolt.admin.client.patch("/organizations/bolt", version, matrix).await.ok();

    let ticket = json!({ "short_description": "Slow", "impact": 2, "urgency": 3 });
    let at_acme = acme.try_report(ticket.clone()).await.created();
    let at_bolt = bolt.try_report(ticket).await.created();

    assert_eq!(at_acme["priority"]["value"], 4);
    assert_eq!(at_bolt["priority"]["value"], 2);
}

async fn a_category_that_does_not_exist_is_overruled_and_the_rest_applied(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let settings = json!({ "rules": [
        { "name": "door", "when": { "words": { "any": ["door"] } },
          "set": { "category": ["building", "door"], "urgency": 2, "tags": ["door"] } },
    ] });
    acme.bind("categorize", "keyword-categorizer", settings).await;

    let incident = acme.report("The door is stuck").await;

    assert_eq!(incident["category"], Value::Null);
    assert_eq!(incident["urgency"], 2);
    assert_eq!(incident["tags"], json!(["door"]));
    let receipts = acme.agent.client.of(&incident, "receipts").await.items();
    assert_eq!(receipts[0]["outcome"]["kind"], "overruled");
    let why = receipts[0]["outcome"]["overruled_by"].to_string();
    assert!(why.contains("building/door"), "{why}");
}

async fn what_an_agent_filled_in_no_policy_changes(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let given = json!({ "category": ["access", "password"], "impact": 3 });
    let mut settings = by_words(&[("password", given)]);
    settings["overwrite"] = json!(true);
    acme.bind("categorize", "keyword-categorizer", settings).await;

    let ticket = json!({
        "short_description": "The router forgot its password", "category": "network",
        "requester": acme.requester.email,
    });
    let incident = acme.agent.client.post("/incidents", ticket).await.created();

    assert_eq!((&incident["category"], &incident["impact"]), (&json!("network"), &json!(3)));
    assert_eq!(incident["opened_by"], acme.agent.id);
    assert_eq!(incident["requester"]["id"], acme.requester.id);
}

async fn every_wrong_field_of_a_ticket_is_named_at_once_and_nothing_is_stored(desk: TestDesk) {
    let acme = desk.organization("acme").await;

    let refused = acme
        .try_report(json!({
            "short_description": "", "category": "no/such", "service": "none", "ci": "none", "impact": 9,
        }))
        .await;

    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    assert_eq!(refused.slug(), "validation-failed");
    assert_eq!(
        refused.pointers(),
        ["/category", "/ci", "/impact", "/service", "/short_description"]
    );
    assert!(acme.agent.client.get("/tickets").await.items().is_empty());
}

async fn a_ticket_of_another_system_is_opened_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let ticket = json!({
        "short_description": "Disk full", "external_ref": { "source": "monitoring", "id": "42" },
    });

    let first = acme.agent.client.post("/incidents", ticket.clone()).await.created();
    let again = acme.agent.client.post("/incidents", ticket).await.created();

    assert_eq!(first["id"], again["id"]);
    assert_eq!(acme.agent.client.get("/tickets").await.items().len(), 1);
}

async fn a_requester_opens_tickets_for_nobody_else(desk: TestDesk) {
    let acme = desk.organization("acme").await;

    let refused = acme
        .try_report(json!({ "short_description": "Help him", "requester": acme.manager.id }))
        .await;

    assert_eq!(refused.slug(), "forbidden");
}

async fn a_draft_waits_to_be_submitted(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let draft = json!({
        "short_description": "A laptop", "catalog_item": "laptop", "answers": { "model": "light" },
        "draft": true,
    });
    let request = acme.requester.client.post("/requests", draft).await.created();
    assert_eq!(request["state"], "new");

    let submitted = acme.requester.client.act(&request, "submit", json!({})).await.ok();

    assert_eq!(submitted["state"], "in_fulfilment");
}

async fn a_request_is_checked_against_its_form(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let ask = |answers: Value| {
        let request = json!({ "short_description": "A laptop", "catalog_item": "laptop", "answers": answers });
        let client = acme.requester.client.clone();
        async move { client.post("/requests", request).await }
    };

    let missing = ask(json!({})).await;
    let wrong = ask(json!({ "model": "golden" })).await;
    let unknown = ask(json!({ "model": "light", "colour": "red" })).await;

    assert_eq!((missing.slug(), missing.pointers()), ("missing-fields", vec!["/answers/model"]));
    assert_eq!(wrong.pointers(), ["/answers/model"]);
    assert_eq!(unknown.pointers(), ["/answers/colour"]);
}

fn actions(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["action"].as_str().unwrap()).collect()
}

async fn custom_fields_come_back_as_they_were_written_and_every_change_is_an_event(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let fields = json!({
        "seats": 7, "share": 7.5, "vpn": true, "sites": ["a", "b"], "code": "7", "most": 9_007_199_254_740_992_i64,
    });
    let ticket = acme.report("No wifi").await;
    let path = format!("/incidents/{}", ticket["number"].as_str().unwrap());
    let edited = agent.patch(&path, 1, json!({ "fields": fields })).await.ok();
    assert_eq!(edited["fields"], fields);
    assert_eq!(agent.get(&path).await.ok()["fields"], fields);

    // Values of another type that read alike.
    let others = [
        json!({ "seats": "7" }),
        json!({ "seats": 7 }),
        json!({ "seats": ["7"] }),
        json!({ "seats": [] }),
        json!({ "seats": ["a", "b"] }),
        json!({ "seats": ["a, b"] }),
        json!({ "seats": "a, b" }),
    ];
    let mut version = edited["version"].as_i64().unwrap();
    for other in others {
        let edited = agent.patch(&path, version, json!({ "fields": other })).await.ok();
        assert_eq!(edited["version"], version + 1, "{other}");
        version += 1;
        assert_eq!(agent.get(&path).await.ok()["fields"], other);
    }
    let events = agent.of(&edited, "events").await.items();
    let changes = events.last().unwrap()["changes"].clone();
    let change = json!({ "field": "fields/seats", "before": "[\"a, b\"]", "after": "\"a, b\"" });
    assert_eq!(changes, json!([change]));

    let large = json!({ "fields": { "seats": 9_007_199_254_740_993_i64, "code": "\u{7}" } });
    let refused = agent.patch(&path, version, large).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.pointers(), ["/fields/seats"]);
    let odd = agent.patch(&path, version, json!({ "fields": { "code": "\u{7}" } })).await;
    assert_eq!(odd.pointers(), ["/fields/code"]);
}

async fn a_reference_that_belongs_to_something_else_is_refused_by_its_number(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let new = |id: &str| json!({ "short_description": "Disk full", "external_ref": { "source": "old", "id": id } });
    let first = agent.post("/incidents", new("1")).await.created();
    let other = acme.report("Another disk").await;
    let number = |ticket: &Value| ticket["number"].as_str().unwrap().to_owned();
    let of_first = format!("/tickets/{}/tasks", number(&first));
    let of_other = format!("/tickets/{}/tasks", number(&other));
    let task = agent.post(&of_first, new("2")).await.created();

    for (door, reference, belongs_to) in [
        ("/problems", "1", &first),
        ("/requests", "1", &first),
        (of_first.as_str(), "1", &first),
        (of_other.as_str(), "2", &task),
        ("/incidents", "2", &task),
    ] {
        let refused = agent.post(door, new(reference)).await;
        assert_eq!(refused.slug(), "guard-failed", "{door}: {}", refused.text);
        assert!(refused.text.contains(&number(belongs_to)), "{door}: {}", refused.text);
    }
    // The same again is the same ticket, wherever kind and parent agree or are left open.
    for (door, reference, known) in
        [("/incidents", "1", &first), ("/tickets", "1", &first), (of_first.as_str(), "2", &task)]
    {
        let again = agent.post(door, new(reference)).await;
        let at = again.header("location").unwrap().to_owned();
        assert_eq!(again.created()["id"], known["id"], "{door}");
        assert_eq!(agent.get_at(&at).await.ok()["id"], known["id"], "{door}");
    }
}
