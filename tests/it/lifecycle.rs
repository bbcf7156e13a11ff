//! From new to closed, and back.

use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_test_support::{Client, Org, TestDesk, on_both_engines};

on_both_engines! {
    a_resolved_incident_is_reopened_within_its_window
    a_reopening_after_the_window_is_refused
    a_reply_to_a_question_ends_the_waiting
    a_reply_to_a_resolution_reopens_the_incident
    a_reply_to_a_resolution_is_kept_where_replies_do_not_reopen
    a_reply_to_a_closed_incident_opens_another_that_follows_it
    a_held_ticket_is_resumed_and_held_for_the_same_reason_only_once
    a_merged_incident_ends_and_the_other_keeps_its_people
    a_ticket_is_not_merged_into_one_that_is_over_nor_into_itself
    an_incident_becomes_a_request_that_is_routed_again
    r12_resolving_names_every_missing_field
    r12_an_organization_can_demand_more
    r12_fulfilling_names_every_missing_field
    a_requester_cancels_only_while_nobody_works_on_it
    an_assignment_counts_and_needs_a_member
    the_allowed_actions_say_what_each_still_lacks
    a_requester_is_offered_only_what_they_can_complete
    what_a_program_starts_stays_with_whom_it_has
    many_who_comment_at_once_are_all_heard
    a_repeated_report_is_found_by_its_text_and_tags
}

async fn done(org: &Org<'_>, incident: &Value) -> Value {
    let done = json!({ "resolution_code": "fixed", "resolution_notes": "new toner" });
    org.agent.client.act(incident, "resolve", done).await.ok()
}

async fn a_resolved_incident_is_reopened_within_its_window(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("The printer is on fire").await;
    let _ = done(&acme, &incident).await;
    desk.clock.advance(TimeDelta::days(13));

    let requester = &acme.requester.client;
    let reopened =
        requester.act(&incident, "reopen", json!({ "reason": "It burns again" })).await.ok();

    assert_eq!((&reopened["state"], &reopened["reopen_count"]), (&json!("in_progress"), &json!(1)));
    assert_eq!(reopened["resolution"], Value::Null);
    // The old resolution stays in the history.
    let events = acme.agent.client.of(&incident, "events").await;
    assert!(events.text.contains("new toner"));
    let silent = requester.act(&done(&acme, &incident).await, "reopen", json!({})).await;
    assert_eq!((silent.slug(), silent.pointers()), ("missing-fields", vec!["/reason"]));
}

async fn a_reopening_after_the_window_is_refused(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("The printer is on fire").await;
    let _ = done(&acme, &incident).await;
    desk.clock.advance(TimeDelta::days(15));

    let late = acme.requester.client.act(&incident, "reopen", json!({ "reason": "Again" })).await;

    assert_eq!(late.slug(), "guard-failed");
    assert!(late.json["detail"].as_str().unwrap().contains("14 days"), "{}", late.text);
}

async fn a_reply_to_a_question_ends_the_waiting(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("The printer is on fire").await;
    let question = json!({ "awaiting": "caller", "comment": "Which printer?" });
    let held = acme.agent.client.act(&incident, "hold", question).await.ok();
    assert_eq!((&held["state"], &held["hold"]["awaiting"]), (&json!("on_hold"), &json!("caller")));

    // A requester's public comment is the same as the action `caller_reply`.
    let answered =
        acme.requester.client.comment(&incident, "public", "The red one").await.created();

    assert_eq!((&answered["state"], &answered["hold"]), (&json!("in_progress"), &Value::Null));
    let comments = acme.agent.client.of(&incident, "comments").await.items();
    let texts: Vec<_> = comments.iter().map(|one| one["text"].clone()).collect();
    assert_eq!(texts, ["Which printer?", "The red one"]);
}

async fn a_reply_to_a_resolution_reopens_the_incident(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("The printer is on fire").await;
    let _ = done(&acme, &incident).await;

    let reply = json!({ "text": "It burns again" });
    let reopened = acme.requester.client.act(&incident, "caller_reply", reply).await.ok();

    assert_eq!((&reopened["state"], &reopened["reopen_count"]), (&json!("in_progress"), &json!(1)));
    let comments = acme.agent.client.of(&incident, "comments").await.items();
    let said = comments.iter().find(|one| one["text"] == "It burns again").unwrap();
    assert_eq!(said["author"]["id"], acme.requester.id, "{said}");
}

async fn a_reply_to_a_resolution_is_kept_where_replies_do_not_reopen(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    set(&acme, json!({ "caller_reply_reopens": false })).await;
    let incident = acme.report("The printer is on fire").await;
    let _ = done(&acme, &incident).await;

    let kept = acme
        .requester
        .client
        .act(&incident, "caller_reply", json!({ "text": "Thanks" }))
        .await
        .ok();

    assert_eq!((&kept["state"], &kept["reopen_count"]), (&json!("resolved"), &json!(0)));
}

async fn set(org: &Org<'_>, settings: Value) {
    let path = format!("/organizations/{}", org.key);
    let version = org.admin.client.get(&path).await.ok()["version"].as_i64().unwrap();
    let _ = org.admin.client.patch(&path, version, settings).await.ok();
}

async fn a_reply_to_a_closed_incident_opens_another_that_follows_it(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("The printer is on fire").await;
    let _ = done(&acme, &incident).await;
    let requester = &acme.requester.client;
    let closed = requester.act(&incident, "close", json!({})).await.ok();

    let another =
        requester.act(&incident, "caller_reply", json!({ "text": "It burns again" })).await.ok();

    assert_ne!(another["number"], closed["number"]);
    assert_eq!((&another["state"], &another["follows"]), (&json!("new"), &closed["id"]));
    assert_eq!(another["team"]["key"], "service-desk");
    let old = requester.again(&incident).await;
    assert_eq!((&old["state"], &old["version"]), (&json!("closed"), &closed["version"]));
}

async fn a_held_ticket_is_resumed_and_held_for_the_same_reason_only_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let incident = acme.report("The printer is on fire").await;
    let vendor = json!({ "awaiting": "vendor", "vendor": "Toner & Sons" });
    let _ = agent.act(&incident, "hold", vendor.clone()).await.ok();

    let again = agent.act(&incident, "hold", vendor).await;
    assert_eq!(again.status.as_u16(), 409, "{}", again.text);
    let resumed = agent.act(&incident, "resume", json!({})).await.ok();
    assert_eq!(resumed["state"], "in_progress");

    let nothing = agent.act(&incident, "hold", json!({})).await;
    assert_eq!((nothing.slug(), nothing.pointers()), ("missing-fields", vec!["/awaiting"]));
    let unasked = agent.act(&incident, "hold", json!({ "awaiting": "caller" })).await;
    assert_eq!((unasked.slug(), unasked.pointers()), ("missing-fields", vec!["/comment"]));
    let unknown = agent.act(&incident, "hold", json!({ "awaiting": "weather" })).await;
    assert_eq!(unknown.pointers(), ["/awaiting"]);
}

async fn a_merged_incident_ends_and_the_other_keeps_its_people(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let (first, second) = (acme.report("No wifi").await, acme.report("Still no wifi").await);
    let by_manager = json!({ "short_description": "No wifi here", "requester": acme.manager.id });
    let third = acme.agent.client.post("/incidents", by_manager).await.created();
    let into = json!({ "target": first["number"] });

    let merged = acme.agent.client.act(&second, "merge_into", into.clone()).await.ok();
    let _ = acme.agent.client.act(&third, "merge_into", into).await.ok();

    assert_eq!(merged["state"], "cancelled");
    assert_eq!(merged["cancellation"]["outcome"], "merged_into");
    assert_eq!(merged["cancellation"]["ticket"], first["id"]);
    let goes_on = acme.agent.client.again(&first).await;
    assert_eq!(goes_on["watchers"], json!([acme.manager.id]));
}

async fn a_ticket_is_not_merged_into_one_that_is_over_nor_into_itself(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let (first, second) = (acme.report("No wifi").await, acme.report("Still no wifi").await);
    let _ = agent.act(&first, "cancel", json!({ "reason": "A drill" })).await.ok();

    let over = agent.act(&second, "merge_into", json!({ "target": first["number"] })).await;
    let itself = agent.act(&second, "merge_into", json!({ "target": second["id"] })).await;
    let unknown = agent.act(&second, "merge_into", json!({ "target": "INC9999999" })).await;

    assert_eq!(over.slug(), "guard-failed");
    assert_eq!(itself.pointers(), ["/target"]);
    assert_eq!(unknown.pointers(), ["/target"]);
    assert_eq!(agent.again(&second).await["state"], "new");
}

async fn an_incident_becomes_a_request_that_is_routed_again(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let routes = json!({ "rules": [
        { "name": "wishes", "when": { "kinds": ["request"] }, "to": { "team": "finance" } },
    ] });
    acme.bind("route", "team-router", routes).await;
    let incident = acme.report("I want a second screen").await;
    let agent = &acme.agent.client;

    let convert = json!({ "to": "request", "reason": "Nothing is broken" });
    let request = agent.act(&incident, "convert", convert).await.ok();

    assert_eq!((&request["kind"], &request["state"]), (&json!("request"), &json!("new")));
    assert_eq!(request["team"]["key"], "finance");
    assert_eq!(request["short_description"], incident["short_description"]);
    let old = agent.again(&incident).await;
    assert_eq!(old["cancellation"]["ticket"], request["id"]);
    let same = agent.act(&request, "convert", json!({ "to": "request", "reason": "?" })).await;
    assert_eq!(same.pointers(), ["/to"]);
}

async fn r12_resolving_names_every_missing_field(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("The printer is on fire").await;

    let refused = acme.agent.client.act(&incident, "resolve", json!({})).await;

    assert_eq!(refused.slug(), "missing-fields");
    assert_eq!(refused.pointers(), ["/resolution_code", "/resolution_notes"]);
    assert_eq!(acme.agent.client.again(&incident).await["version"], incident["version"]);
}

async fn r12_an_organization_can_demand_more(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    set(&acme, json!({ "resolve_demands": ["category", "service_or_ci", "assignee"] })).await;
    let incident = acme.report("The printer is on fire").await;

    let refused = acme.agent.client.act(&incident, "resolve", json!({})).await;

    assert_eq!(refused.slug(), "missing-fields");
    assert_eq!(
        refused.pointers(),
        ["/assignee", "/category", "/resolution_code", "/resolution_notes", "/service"]
    );
}

async fn r12_fulfilling_names_every_missing_field(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let request = acme.ask_for_laptop().await;

    let refused = acme.agent.client.act(&request, "fulfill", json!({})).await;

    assert_eq!(refused.slug(), "missing-fields");
    assert_eq!(refused.pointers(), ["/fulfillment_code", "/fulfillment_notes"]);
}

async fn a_requester_cancels_only_while_nobody_works_on_it(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let requester = &acme.requester.client;
    let (first, second) = (acme.report("No wifi").await, acme.report("No lan").await);
    let _ = acme.agent.client.act(&second, "start", json!({})).await.ok();

    let cancelled = requester.act(&first, "cancel", json!({ "reason": "It is back" })).await.ok();
    let late = requester.act(&second, "cancel", json!({ "reason": "It is back" })).await;

    assert_eq!(cancelled["cancellation"]["outcome"], "withdrawn");
    assert_eq!(late.slug(), "forbidden");
}

async fn an_assignment_counts_and_needs_a_member(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let incident = acme.report("No wifi").await;

    let stranger = json!({ "team": "finance", "assignee": acme.agent.id });
    let refused = agent.act(&incident, "assign", stranger).await;
    assert_eq!(refused.pointers(), ["/assignee"]);
    let unknown = agent.act(&incident, "assign", json!({ "team": "plumbers" })).await;
    assert_eq!(unknown.pointers(), ["/team"]);
    let member = json!({ "team": "network", "assignee": acme.second_agent.email });
    let assigned = agent.act(&incident, "assign", member).await.ok();

    assert_eq!(assigned["assignee"]["id"], acme.second_agent.id);
    assert_eq!(assigned["reassignment_count"], 1);
}

async fn the_allowed_actions_say_what_each_still_lacks(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("No wifi").await;

    let of =
        |hints: Vec<Value>, action: &str| hints.into_iter().find(|hint| hint["action"] == action);
    let agents = acme.agent.client.of(&incident, "actions").await.items();
    let requesters = acme.requester.client.of(&incident, "actions").await.items();

    let resolve = of(agents.clone(), "resolve").unwrap();
    assert_eq!(resolve["lacks"], json!(["/resolution_code", "/resolution_notes"]));
    assert!(of(agents, "reopen").is_none());
    assert!(of(requesters.clone(), "assign").is_none());
    assert!(of(requesters, "cancel").is_some());
}

async fn a_repeated_report_is_found_by_its_text_and_tags(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let tagged = json!({ "short_description": "No wifi in room 12", "tags": ["wifi"] });
    let first = acme.try_report(tagged).await.created();
    let _ = acme.report("The printer is on fire").await;

    for query in ["text=room", "tag=wifi", "state=new&text=wifi"] {
        let found = acme.agent.client.get(&format!("/tickets?{query}")).await.items();
        assert_eq!(found.len(), 1, "{query}");
        assert_eq!(found[0]["id"], first["id"]);
    }
    assert_eq!(acme.agent.client.get("/requests").await.items().len(), 0);
}

async fn a_requester_is_offered_only_what_they_can_complete(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let path = "/organizations/acme";
    let version = acme.admin.client.get(path).await.ok()["version"].as_i64().unwrap();
    let demands = json!({ "resolve_demands": ["category", "assignee"] });
    let _ = acme.admin.client.patch(path, version, demands).await.ok();
    let incident = acme.report("No wifi").await;
    let offered = async |client: &Client| {
        let hints = client.of(&incident, "actions").await.items();
        hints.into_iter().find(|hint| hint["action"] == "resolve").map(|hint| hint["lacks"].clone())
    };
    let lacks = json!(["/resolution_code", "/resolution_notes", "/category", "/assignee"]);
    assert_eq!(offered(&acme.agent.client).await, Some(lacks));
    assert_eq!(offered(&acme.requester.client).await, None);

    let to = json!({ "team": "network", "assignee": acme.agent.id });
    let incident = acme.agent.client.act(&incident, "assign", to).await.ok();
    let at = format!("/tickets/{}", incident["number"].as_str().unwrap());
    let version = incident["version"].as_i64().unwrap();
    let _ = acme.agent.client.patch(&at, version, json!({ "category": "network" })).await.ok();
    assert!(offered(&acme.requester.client).await.is_some());
}

async fn what_a_program_starts_stays_with_whom_it_has(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let token = json!({ "name": "robot", "role": "agent" });
    let token = acme.admin.client.post("/tokens", token).await.created();
    let robot = desk.client(token["secret"].as_str().unwrap());
    let incident = acme.report("No wifi").await;
    assert_eq!(robot.act(&incident, "start", json!({})).await.pointers(), ["/assignee"]);
    let to = json!({ "team": "network", "assignee": acme.second_agent.id });
    let _ = acme.agent.client.act(&incident, "assign", to).await.ok();

    let started = robot.act(&incident, "start", json!({})).await.ok();

    assert_eq!(started["state"], "in_progress");
    assert_eq!(started["assignee"]["id"], acme.second_agent.id);
}

async fn many_who_comment_at_once_are_all_heard(desk: TestDesk) {
    const AT_ONCE: usize = 12;
    let acme = desk.organization("acme").await;
    let incident = acme.report("No wifi").await;
    let mut commenting = tokio::task::JoinSet::new();
    for number in 0..AT_ONCE {
        let (client, incident) = (acme.agent.client.clone(), incident.clone());
        commenting.spawn(async move {
            let text = format!("Note {number}");
            client.comment(&incident, "internal", &text).await.created()
        });
    }
    while let Some(told) = commenting.join_next().await {
        let _ = told.unwrap();
    }
    let comments = acme.agent.client.of(&incident, "comments").await.items();
    assert_eq!(comments.len(), AT_ONCE);
    let events = acme.agent.client.of(&incident, "events").await.items();
    let numbers: Vec<_> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    desk.ignore_mail();
}
