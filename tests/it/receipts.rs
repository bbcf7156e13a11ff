//! Decisions that were recorded, and asking the same again.

use serde_json::{Value, json};
use waypost_store::{evaluation, receipt, testing};
use waypost_test_support::{Guest, Org, TestDesk, on_both_engines};

use crate::policies::{asking, by_words, stage, teams_by_words, telling_the_requester};

on_both_engines! {
    every_receipt_gives_the_same_when_asked_again
    a_receipt_of_a_failure_fails_the_same_way_again
    a_receipt_that_was_tampered_with_is_found_out
    asking_again_changes_nothing
    a_receipt_holds_the_exact_question_and_no_more_than_the_policy_declared
    receipts_are_filtered_by_hook_ticket_binding_and_outcome
    a_receipt_outlives_its_binding
    a_field_that_was_emptied_in_between_is_rebuilt_empty
}

async fn furnish(org: &Org<'_>) {
    let words =
        by_words(&[("wifi", json!({ "category": ["network"], "service": "revenue-portal" }))]);
    org.bind("categorize", "keyword-categorizer", words).await;
    org.bind("route", "team-router", teams_by_words(&[("wifi", "network"), ("lan", "finance")]))
        .await;
    let stages = json!([stage("manager", &json!(["manager"]))]);
    org.bind("plan", "approval-chain", asking(&stages)).await;
    org.bind("notify", "stakeholder-notifier", telling_the_requester()).await;
    org.desk.ignore_mail();
}

async fn all(org: &Org<'_>) -> Vec<Value> {
    org.agent.client.get("/receipts?limit=200").await.items()
}

async fn again(org: &Org<'_>, receipt: &Value) -> Value {
    let path = format!("/receipts/{}/re-execute", receipt["id"].as_str().unwrap());
    org.agent.client.post(&path, json!({})).await.ok()
}

async fn every_receipt_gives_the_same_when_asked_again(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    furnish(&acme).await;
    let incident = acme.report("No wifi").await;
    let _ = acme.report("My chair squeaks").await;
    let _ = acme.ask_for_laptop().await;
    let _ = acme.agent.client.act(&incident, "start", json!({})).await.ok();
    let _ = acme.agent.client.comment(&incident, "public", "On our way").await.created();
    // What the questions were made from has changed since.
    let version = acme.admin.client.get("/teams/network").await.ok()["version"].as_i64().unwrap();
    let rename = json!({ "name": "Renamed", "members": [] });
    let _ = acme.admin.client.patch("/teams/network", version, rename).await.ok();
    desk.clock.advance(chrono::TimeDelta::days(200));

    let receipts = all(&acme).await;

    let hooks: std::collections::BTreeSet<_> =
        receipts.iter().map(|one| one["hook"].as_str().unwrap()).collect();
    assert_eq!(hooks.into_iter().collect::<Vec<_>>(), ["categorize", "notify", "plan", "route"]);
    for receipt in &receipts {
        let again = again(&acme, receipt).await;
        assert_eq!(again["verdict"], "same", "{again}");
        assert_eq!(again["recorded"], again["answer"]);
        assert_eq!(again["fuel_recorded"], again["fuel"]);
    }
}

async fn a_receipt_of_a_failure_fails_the_same_way_again(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let guest = Guest::new().before_answer("unreachable");
    let component = acme.admin.client.upload(guest.build()).await;
    acme.bind_component("broken", 1, "route", &component, json!({})).await;
    let _ = acme.report("No wifi").await;

    let again = again(&acme, &all(&acme).await[0]).await;

    assert_eq!((&again["verdict"], &again["answer"]), (&json!("same"), &Value::Null));
}

async fn damage(desk: &TestDesk, sql: &'static str) {
    let mut tx = desk.store.system().await.unwrap();
    testing::allow_changes(&mut tx).await.unwrap();
    assert!(testing::execute(&mut tx, sql).await.unwrap() > 0);
    tx.commit().await.unwrap();
}

async fn a_receipt_that_was_tampered_with_is_found_out(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    acme.bind("route", "team-router", teams_by_words(&[("wifi", "network"), ("lan", "finance")]))
        .await;
    let (first, second) = (acme.report("No wifi").await, acme.report("No lan").await);
    let _ = (first, second);

    // Somebody with the database's password puts the first answer in the place of the second.
    let receipts = all(&acme).await;
    let id = |receipt: &Value| receipt["id"].as_str().unwrap().parse().unwrap();
    let me = acme.admin.client.get("/me").await.ok();
    let org = me["organization"]["id"].as_str().unwrap().parse().unwrap();
    let mut tx = desk.store.write(org).await.unwrap();
    let (mut second, its) = receipt::find(&mut tx, id(&receipts[0])).await.unwrap().unwrap();
    let (first, evaluation) = receipt::find(&mut tx, id(&receipts[1])).await.unwrap().unwrap();
    second.answer.clone_from(&first.answer);
    let after = second.at + chrono::TimeDelta::seconds(1);
    assert_eq!(receipt::purge(&mut tx, after, after, 10).await.unwrap(), 2);
    let tampered = evaluation::pack(its.clone(), std::slice::from_ref(&second)).unwrap();
    let kept = evaluation::pack(evaluation.clone(), std::slice::from_ref(&first)).unwrap();
    evaluation::insert_many(&mut tx, vec![kept, tampered]).await.unwrap();
    tx.commit().await.unwrap();

    let receipts = all(&acme).await;
    assert_eq!(receipts.len(), 2);
    let tampered = again(&acme, &receipts[0]).await;
    assert_eq!(tampered["verdict"], "different", "{tampered}");
    let findings = tampered["findings"].to_string();
    assert!(findings.contains("network") && findings.contains("finance"), "{findings}");
    assert_eq!(again(&acme, &receipts[1]).await["verdict"], "same");

    // Or the first decision, with its question.
    damage(
        &desk,
        "update evaluations set texts = (select texts from evaluations order by id limit 1)",
    )
    .await;
    let tampered = again(&acme, &receipts[0]).await;
    assert_eq!(tampered["verdict"], "different", "{tampered}");
    assert_eq!(tampered["findings"], json!(["the snapshot is of another record"]));
    assert_eq!(again(&acme, &receipts[1]).await["verdict"], "same");
}

async fn asking_again_changes_nothing(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    furnish(&acme).await;
    let incident = acme.report("No wifi").await;
    let before = all(&acme).await;

    for receipt in &before {
        let _ = again(&acme, receipt).await;
    }

    assert_eq!(all(&acme).await, before);
    assert_eq!(acme.agent.client.again(&incident).await, incident);
}

async fn a_receipt_holds_the_exact_question_and_no_more_than_the_policy_declared(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let words = by_words(&[("wifi", json!({ "category": ["network"] }))]);
    acme.bind("categorize", "keyword-categorizer", words).await;
    acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;
    let incident = acme.report("No wifi").await;
    let mut receipts = acme.agent.client.of(&incident, "receipts").await.items();
    receipts.sort_by_key(|one| one["seq"].as_i64());

    let read = async |receipt: &Value| {
        let path = format!("/receipts/{}", receipt["id"].as_str().unwrap());
        acme.agent.client.get(&path).await.ok()
    };
    let (categorize, route) = (read(&receipts[0]).await, read(&receipts[1]).await);

    assert_eq!(categorize["occasion"], "create");
    assert!(categorize["question"].to_string().contains("No wifi"));
    // The router sees what the categorizer gave.
    let category = |receipt: &Value| receipt["question"]["ticket"]["head"]["category"].clone();
    assert_eq!(category(&categorize), json!([]));
    assert_eq!(category(&route), json!(["network"]));
    // Whom a policy does not ask for, it does not get.
    assert!(!categorize["question"].to_string().contains(&acme.manager.email));
    assert_eq!(route["answer"]["assignment"]["team"]["value"], "network", "{}", route["answer"]);
}

async fn receipts_are_filtered_by_hook_ticket_binding_and_outcome(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    furnish(&acme).await;
    let incident = acme.report("No wifi").await;
    let _ = acme.report("My chair squeaks").await;
    let bindings = acme.admin.client.get("/bindings?hook=route").await.items();
    let count = async |query: &str| {
        acme.agent.client.get(&format!("/receipts?{query}")).await.items().len()
    };

    assert_eq!(count("hook=route").await, 2);
    assert_eq!(count("hook=route&outcome=applied").await, 1);
    assert_eq!(count("hook=route&outcome=declined").await, 1);
    let binding = bindings[0]["id"].as_str().unwrap();
    assert_eq!(count(&format!("binding={binding}")).await, 2);
    let number = incident["number"].as_str().unwrap();
    assert_eq!(count(&format!("ticket={number}&hook=categorize")).await, 1);
    assert_eq!(acme.agent.client.get("/receipts?outcome=odd").await.status.as_u16(), 422);
    assert_eq!(acme.agent.client.get("/receipts?ticket=INC9999999").await.slug(), "not-found");
}

async fn a_receipt_outlives_its_binding(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let binding = acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;
    let _ = acme.report("No wifi").await;
    let path = |verb: &str| format!("/bindings/{}/{verb}", binding["id"].as_str().unwrap());
    let change = json!({ "settings": teams_by_words(&[("wifi", "finance")]) });
    let _ = acme.admin.client.post(&path("revisions"), change).await.created();
    let _ = acme.admin.client.post(&path("disable"), json!({})).await.ok();

    let receipts = all(&acme).await;

    assert_eq!(receipts[0]["binding_name"], "route-team-router");
    assert_eq!(again(&acme, &receipts[0]).await["verdict"], "same");
}

async fn a_field_that_was_emptied_in_between_is_rebuilt_empty(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    acme.bind("route", "team-router", teams_by_words(&[("wifi", "finance")])).await;
    let rules =
        json!({ "rules": [crate::policies::telling("moved", "assigned", &json!(["requester"]))] });
    acme.bind("notify", "stakeholder-notifier", rules).await;
    desk.ignore_mail();
    let incident = acme.report("No wifi").await;
    let member = json!({ "team": "network", "assignee": acme.second_agent.id });
    let _ = acme.agent.client.act(&incident, "assign", member).await.ok();

    // The router gives it to another team, which takes it from its assignee; then the notifier is
    // asked.
    let rerouted = acme.agent.client.act(&incident, "reroute", json!({})).await.ok();

    assert_eq!(
        (&rerouted["team"]["key"], &rerouted["assignee"]),
        (&json!("finance"), &Value::Null)
    );
    let told = acme.agent.client.get("/receipts?hook=notify").await.items();
    let path = format!("/receipts/{}", told[0]["id"].as_str().unwrap());
    let told = acme.agent.client.get(&path).await.ok();
    assert_eq!(told["question"]["ticket"]["head"]["assignee"], Value::Null);
    for receipt in all(&acme).await {
        assert_eq!(again(&acme, &receipt).await["verdict"], "same");
    }
}
