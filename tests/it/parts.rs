//! Parts of a larger incident: they follow it, and are closed by their own callers.

use axum::http::StatusCode;
use serde_json::{Value, json};
use waypost_test_support::{Org, TestDesk, on_both_engines};

use crate::{majors::set, policies::telling_the_requester};

on_both_engines! {
    parts_follow_what_concerns_them_with_events_and_messages
    what_cannot_be_a_part_is_refused_by_name
    only_the_desk_says_what_is_a_part_of_what
    parts_are_listed_by_their_parent
    a_part_that_goes_its_own_way_is_left_alone
    the_desk_says_how_many_people_are_affected
    parts_go_on_with_the_ticket_that_goes_on
    parts_of_what_is_cancelled_or_converted_stand_alone
    a_wait_that_was_taken_over_ends_with_the_larger_incident
    a_question_to_the_caller_of_a_part_outlives_what_the_larger_incident_waits_for
    a_resolved_part_has_what_the_organization_demands
}

fn path(ticket: &Value) -> String {
    format!("/incidents/{}", ticket["number"].as_str().unwrap())
}

fn version(ticket: &Value) -> i64 {
    ticket["version"].as_i64().unwrap()
}

async fn part_of(acme: &Org<'_>, parent: &Value, text: &str) -> Value {
    let child = acme.report(text).await;
    acme.agent
        .client
        .patch(&path(&child), version(&child), json!({ "parent": parent["number"] }))
        .await
        .ok()
}

async fn parts_follow_what_concerns_them_with_events_and_messages(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    acme.bind("notify", "stakeholder-notifier", telling_the_requester()).await;
    let agent = &acme.agent.client;
    let parent = acme.report("The network is down").await;
    let child = part_of(&acme, &parent, "No mail").await;
    assert_eq!(child["parent"]["id"], parent["id"]);

    let _ = agent.act(&parent, "start", json!({})).await.ok();
    assert_eq!(agent.get(&path(&child)).await.ok()["state"], "in_progress");
    // What is asked of the parent's caller is no business of the child's.
    let asked = json!({ "awaiting": "caller", "comment": "Which floor?" });
    let _ = agent.act(&parent, "hold", asked).await.ok();
    assert_eq!(agent.get(&path(&child)).await.ok()["state"], "in_progress");
    let done = json!({ "resolution_code": "fixed", "resolution_notes": "a new switch" });
    let _ = agent.act(&parent, "resolve", done).await.ok();

    let resolved = agent.get(&path(&child)).await.ok();
    assert_eq!(resolved["state"], "resolved");
    assert_eq!(resolved["resolution"]["notes"], "a new switch");
    let events = agent.of(&child, "events").await.items();
    let last = events.iter().max_by_key(|event| event["seq"].as_i64()).unwrap();
    assert_eq!((&last["action"], &last["actor"]["kind"]), (&json!("resolve"), &json!("system")));
    let reason = last["reason"].as_str().unwrap();
    assert!(reason.contains(parent["number"].as_str().unwrap()), "{reason}");
    let subject = format!("done {}", child["number"].as_str().unwrap());
    let letters = desk.letters().await;
    let told = letters.iter().find(|letter| letter.subject == subject).unwrap();
    assert!(told.body.contains("a new switch"), "{}", told.body);
    let _ = agent.act(&parent, "close", json!({})).await.ok();
    assert_eq!(agent.get(&path(&child)).await.ok()["state"], "resolved");
}

async fn what_cannot_be_a_part_is_refused_by_name(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let parent = acme.report("The network is down").await;
    let child = part_of(&acme, &parent, "No mail").await;
    let other = acme.report("No wifi").await;

    for (ticket, wanted) in [
        (&parent, json!(parent["number"])),
        (&parent, json!(other["number"])),
        (&other, json!(child["number"])),
        (&other, json!("INC9999999")),
    ] {
        let refused =
            agent.patch(&path(ticket), version(ticket), json!({ "parent": wanted })).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        assert_eq!(refused.pointers(), ["/parent"], "{wanted}");
    }
    let free = agent.patch(&path(&child), version(&child), json!({ "parent": null })).await.ok();
    assert_eq!(free["parent"], Value::Null);
}

async fn only_the_desk_says_what_is_a_part_of_what(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let (parent, child) = (acme.report("One").await, acme.report("Two").await);

    let wanted = json!({ "parent": parent["number"] });
    let refused = acme.requester.client.patch(&path(&child), version(&child), wanted).await;

    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
}

async fn parts_are_listed_by_their_parent(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let parent = acme.report("The network is down").await;
    let child = part_of(&acme, &parent, "No mail").await;
    let _ = acme.report("No coffee").await;

    let list = format!("/tickets?parent={}", parent["number"].as_str().unwrap());
    let parts = agent.get(&list).await.items();

    let ids: Vec<_> = parts.iter().map(|part| &part["id"]).collect();
    assert_eq!(ids, [&child["id"]]);
    assert_eq!(agent.get("/tickets?parent=INC9999999").await.items().len(), 0);
}

async fn parts_go_on_with_the_ticket_that_goes_on(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let (parent, target) = (acme.report("No network").await, acme.report("All is down").await);
    let child = part_of(&acme, &parent, "No mail").await;
    let over = part_of(&acme, &parent, "No phone").await;
    let _ = agent.act(&over, "cancel", json!({ "reason": "It rings" })).await.ok();
    let _ = agent.act(&target, "start", json!({})).await.ok();
    let its_child = agent.act(&parent, "merge_into", json!({ "target": child["number"] })).await;
    assert_eq!(its_child.faults(), [("/target", "its-child")]);
    assert!(its_child.text.contains("`parent`"), "{}", its_child.text);

    let into = json!({ "target": target["number"] });
    let _ = agent.act(&parent, "merge_into", into).await.ok();

    let moved = agent.again(&child).await;
    assert_eq!(moved["parent"]["id"], target["id"]);
    assert_eq!(moved["state"], "in_progress", "it follows the other one from now on");
    let events = agent.of(&child, "events").await.items();
    let left = events.iter().rfind(|event| event["action"] == "edit").unwrap();
    let (one, other) = (parent["number"].as_str().unwrap(), target["number"].as_str().unwrap());
    assert_eq!(left["reason"], format!("its parent {one} was merged into {other}"));
    assert_eq!(left["actor"]["kind"], "system");
    assert_eq!(agent.again(&over).await["parent"]["id"], parent["id"], "what is over stays");

    // A child of the incident that goes on brings nobody: its parent takes them.
    let (third, whole) = (acme.report("No lan").await, acme.report("The site is down").await);
    let part = part_of(&acme, &third, "No printer").await;
    let target = part_of(&acme, &whole, "No lan here").await;
    let into = json!({ "target": target["number"] });
    let _ = agent.act(&third, "merge_into", into).await.ok();
    assert_eq!(agent.again(&part).await["parent"]["id"], whole["id"]);
}

async fn parts_of_what_is_cancelled_or_converted_stand_alone(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    for (action, input) in [
        ("cancel", json!({ "reason": "A drill" })),
        ("convert", json!({ "to": "request", "reason": "A wish" })),
        ("convert", json!({ "to": "problem", "reason": "It comes every week" })),
    ] {
        let parent = acme.report("No network").await;
        let child = part_of(&acme, &parent, "No mail").await;
        let goes_on = agent.act(&parent, action, input).await.ok();

        let alone = agent.again(&child).await;
        assert_eq!((&alone["parent"], &alone["state"]), (&Value::Null, &json!("new")));
        let is_problem = goes_on["kind"] == "problem";
        let cause = if is_problem { goes_on["number"].clone() } else { Value::Null };
        assert_eq!(alone["caused_by_problem"]["number"], cause);
        let events = agent.of(&child, "events").await.items();
        let reason = events.last().unwrap()["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains(parent["number"].as_str().unwrap()), "{reason}");
    }
}

async fn a_wait_that_was_taken_over_ends_with_the_larger_incident(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    acme.bind("notify", "stakeholder-notifier", telling_the_requester()).await;
    let agent = &acme.agent.client;
    let parent = acme.report("No network").await;
    let child = part_of(&acme, &parent, "No mail").await;
    let vendor = json!({ "awaiting": "vendor", "vendor": "Dell" });
    let _ = agent.act(&parent, "hold", vendor).await.ok();
    assert_eq!(agent.again(&child).await["state"], "on_hold");
    let _ = desk.letters().await;

    let _ = agent.act(&parent, "cancel", json!({ "reason": "A drill" })).await.ok();

    let alone = agent.again(&child).await;
    assert_eq!((&alone["state"], &alone["hold"]), (&json!("in_progress"), &Value::Null));
    let waits = format!("requester@acme.example: waits {}", child["number"].as_str().unwrap());
    assert_eq!(desk.mailbox().await, [waits], "its caller hears that it is worked on again");
}

async fn a_question_to_the_caller_of_a_part_outlives_what_the_larger_incident_waits_for(
    desk: TestDesk,
) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let parent = acme.report("No network").await;
    let child = part_of(&acme, &parent, "No mail").await;
    let question = json!({ "awaiting": "caller", "comment": "Which mailbox?" });
    let _ = agent.act(&child, "hold", question).await.ok();

    let vendor = json!({ "awaiting": "vendor", "vendor": "Dell" });
    for (action, input) in [("start", json!({})), ("hold", vendor), ("resume", json!({}))] {
        let _ = agent.act(&parent, action, input).await.ok();
        let waiting = agent.again(&child).await;
        assert_eq!(waiting["hold"]["awaiting"], "caller", "after {action}");
        assert_eq!(waiting["waiting_on"]["what"], "caller");
    }
    let answered = acme.requester.client.comment(&child, "public", "My own").await.created();
    assert_eq!(answered["state"], "in_progress");

    let other = part_of(&acme, &parent, "No calendar").await;
    let question = json!({ "awaiting": "caller", "comment": "Which calendar?" });
    let _ = agent.act(&other, "hold", question).await.ok();
    let done = json!({ "resolution_code": "fixed", "resolution_notes": "a new switch" });
    let _ = agent.act(&parent, "resolve", done).await.ok();
    for one in [&child, &other] {
        assert_eq!(agent.again(one).await["state"], "resolved");
    }
}

async fn a_resolved_part_has_what_the_organization_demands(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let demands = json!({ "resolve_demands": ["category", "service_or_ci", "assignee"] });
    let _ = set(&acme, demands).await.ok();
    let parent = acme.report("No network").await;
    let known = json!({ "category": "network", "service": "revenue-portal" });
    let _ = agent.patch(&path(&parent), version(&parent), known).await.ok();
    let child = part_of(&acme, &parent, "No mail").await;
    let own = part_of(&acme, &parent, "No password").await;
    let _ = agent.patch(&path(&own), version(&own), json!({ "category": "access" })).await.ok();
    let _ = agent.act(&parent, "start", json!({})).await.ok();
    let done = json!({ "resolution_code": "fixed", "resolution_notes": "a new switch" });
    let _ = agent.act(&parent, "resolve", done).await.ok();

    for (part, category) in [(&child, "network"), (&own, "access")] {
        let resolved = agent.again(part).await;
        assert_eq!(
            (&resolved["state"], &resolved["category"]),
            (&json!("resolved"), &json!(category))
        );
        assert_eq!(resolved["service"]["key"], "revenue-portal");
        assert_eq!(resolved["assignee"]["id"], acme.agent.id);
        let events = agent.of(part, "events").await.items();
        let reason = events.last().unwrap()["reason"].as_str().unwrap().to_owned();
        assert!(!reason.contains("demanded"), "{reason}");
    }
}

async fn a_part_that_goes_its_own_way_is_left_alone(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let parent = acme.report("The network is down").await;
    let own = json!({
        "short_description": "No mail", "requester": acme.requester.id, "sync_with_parent": false,
    });
    let own = agent.post("/incidents", own).await.created();
    let own = agent.patch(&path(&own), version(&own), json!({ "parent": parent["number"] })).await;
    let (own, child) = (own.ok(), part_of(&acme, &parent, "No wifi").await);
    assert_eq!(
        (&own["sync_with_parent"], &child["sync_with_parent"]),
        (&json!(false), &json!(true))
    );

    let _ = agent.act(&parent, "start", json!({})).await.ok();
    assert_eq!(agent.get(&path(&own)).await.ok()["state"], "new");
    let child = agent.get(&path(&child)).await.ok();
    assert_eq!(child["state"], "in_progress");
    let alone = json!({ "sync_with_parent": false });
    let child = agent.patch(&path(&child), version(&child), alone).await.ok();
    let done = json!({ "resolution_code": "fixed", "resolution_notes": "a new switch" });
    let _ = agent.act(&parent, "resolve", done).await.ok();

    assert_eq!(agent.get(&path(&child)).await.ok()["state"], "in_progress");
    let events = agent.of(&child, "events").await.items();
    let edited = events.iter().rfind(|event| event["action"] == "edit").unwrap();
    let expected = json!([{ "field": "sync_with_parent", "before": "true", "after": "false" }]);
    assert_eq!(edited["changes"], expected);
}

async fn the_desk_says_how_many_people_are_affected(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let report = |count: i64| {
        json!({ "short_description": "No wifi", "requester": acme.requester.id,
                "affected_users": count })
    };
    let incident = agent.post("/incidents", report(40)).await.created();
    assert_eq!(incident["affected_users"], 40);
    let most = json!({ "affected_users": 1_000_000 });
    let incident = agent.patch(&path(&incident), version(&incident), most).await.ok();
    assert_eq!(incident["affected_users"], 1_000_000);
    let events = agent.of(&incident, "events").await.items();
    let expected = json!([{ "field": "affected_users", "before": "40", "after": "1000000" }]);
    assert_eq!(events.last().unwrap()["changes"], expected);

    let more = json!({ "affected_users": 1_000_001 });
    let refused = agent.patch(&path(&incident), version(&incident), more).await;
    assert_eq!(refused.faults(), [("/affected_users", "out-of-range")]);
    let refused = agent.post("/incidents", report(-1)).await;
    assert_eq!(refused.pointers(), ["/affected_users"], "{}", refused.text);
    let refused = acme.try_report(report(3)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    let request = acme.ask_for_laptop().await;
    let at = format!("/requests/{}", request["number"].as_str().unwrap());
    let refused = agent.patch(&at, version(&request), json!({ "affected_users": 3 })).await;
    assert_eq!(refused.faults(), [("/affected_users", "unknown")]);
}
