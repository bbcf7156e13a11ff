//! Queues: which tickets are asked for, and in which order.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_test_support::{Client, Org, TestDesk, on_both_engines};

use crate::policies::{asking, stage};

on_both_engines! {
    a_list_of_assigned_tickets_leaves_out_those_that_are_not
    w10_tickets_are_found_by_what_they_wait_for
    w10_tickets_are_found_by_how_long_they_wait
    w10_a_wait_for_votes_began_when_they_were_asked_for
    w3_the_queue_goes_by_priority_then_by_age
    the_queue_holds_what_is_active
    times_closer_than_a_microsecond_hide_nothing_from_a_page
    a_time_out_of_all_calendars_is_refused_by_name
}

async fn texts(client: &Client, list: &str) -> Vec<String> {
    let rows = client.get(list).await.items();
    rows.iter().map(|row| row["short_description"].as_str().unwrap().to_owned()).collect()
}

async fn set_of(client: &Client, list: &str) -> BTreeSet<String> {
    texts(client, list).await.into_iter().collect()
}

async fn a_list_of_assigned_tickets_leaves_out_those_that_are_not(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let taken = acme.report("Taken").await;
    let _ = agent.act(&taken, "start", json!({})).await.ok();
    let _ = acme.report("Free").await;

    assert_eq!(texts(agent, "/tickets?assigned=true").await, ["Taken"]);
    assert_eq!(texts(agent, "/tickets?assigned=false").await, ["Free"]);
    let mine = format!("/tickets?assignee={}", acme.agent.id);
    assert_eq!(texts(agent, &format!("{mine}&assigned=true")).await, ["Taken"]);
    assert!(texts(agent, &format!("{mine}&assigned=false")).await.is_empty());
}

async fn the_queue_holds_what_is_active(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    one_of_each(&acme).await;

    let queue = set_of(agent, "/tickets?order=queue").await;

    let active = ["assignee", "caller", "evidence", "team", "vendor"].map(str::to_owned);
    assert_eq!(queue, active.into());
    assert!(texts(agent, "/tickets?order=queue&active=false").await.is_empty());
}

/// One ticket for each thing that a ticket can wait for, named after it, and one that is over.
async fn one_of_each(acme: &Org<'_>) {
    let agent = &acme.agent.client;
    let holds = [
        ("caller", json!({ "awaiting": "caller", "comment": "Which printer?" })),
        ("vendor", json!({ "awaiting": "vendor", "vendor": "Toner & Sons" })),
        ("evidence", json!({ "awaiting": "evidence", "person": acme.manager.id })),
    ];
    for (name, hold) in holds {
        let held = acme.report(name).await;
        let _ = agent.act(&held, "hold", hold).await.ok();
    }
    let _ = acme.report("team").await;
    let taken = acme.report("assignee").await;
    let _ = agent.act(&taken, "start", json!({})).await.ok();
    let done = json!({ "resolution_code": "fixed", "resolution_notes": "new toner" });
    let resolved = acme.report("confirmation").await;
    let _ = agent.act(&resolved, "resolve", done).await.ok();
    let over = acme.report("over").await;
    let _ = agent.act(&over, "cancel", json!({ "reason": "A drill" })).await.ok();
}

async fn w10_tickets_are_found_by_what_they_wait_for(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    one_of_each(&acme).await;
    let stages = json!([stage("manager", &json!(["manager"]))]);
    acme.bind("plan", "approval-chain", asking(&stages)).await;
    let _ = acme.ask_for_laptop().await;

    for what in ["caller", "vendor", "evidence", "team", "assignee", "confirmation"] {
        let found = agent.get(&format!("/tickets?waiting_on={what}")).await.items();
        assert_eq!(found.len(), 1, "{what}");
        assert_eq!(found[0]["short_description"], what);
        assert_eq!(found[0]["waiting_on"]["what"], what);
    }
    let asked = agent.get("/tickets?waiting_on=approvers").await.items();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0]["waiting_on"]["what"], "approvers");
    assert!(agent.get("/tickets?waiting_on=approver_missing").await.items().is_empty());
    let unknown = agent.get("/tickets?waiting_on=godot").await;
    assert_eq!(unknown.slug(), "validation-failed");
    assert_eq!(unknown.json["errors"][0]["parameter"], "waiting_on");
}

async fn w10_tickets_are_found_by_how_long_they_wait(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    one_of_each(&acme).await;
    desk.clock.advance(TimeDelta::hours(2));
    let late = acme.report("late").await;

    let before = "/tickets?waiting_before=2026-06-01T10:00:00Z";
    let waiting = ["assignee", "caller", "confirmation", "evidence", "team", "vendor"];
    assert_eq!(set_of(agent, before).await, BTreeSet::from(waiting.map(str::to_owned)));
    assert_eq!(texts(agent, &format!("{before}&waiting_on=vendor")).await, ["vendor"]);
    assert!(late["waiting_on"]["since"].as_str().unwrap() > "2026-06-01T10:00:00Z");

    // Who gets it makes it wait for somebody else, from now on.
    let _ = agent.act(&late, "start", json!({})).await.ok();
    assert!(!set_of(agent, before).await.contains("late"));
}

async fn w10_a_wait_for_votes_began_when_they_were_asked_for(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let second = json!([{ "team_lead": "network" }]);
    let stages = json!([stage("manager", &json!(["manager"])), stage("budget", &second)]);
    acme.bind("plan", "approval-chain", asking(&stages)).await;
    let request = acme.ask_for_laptop().await;
    desk.clock.advance(TimeDelta::hours(2));
    let vote = acme.manager.client.get("/approvals/mine").await.items().swap_remove(0);
    let path = format!("/approval-requests/{}/approve", vote["id"].as_str().unwrap());
    let shown = json!({ "content_digest": vote["content_digest"] });
    let _ = acme.manager.client.post(&path, shown).await.ok();

    let since = acme.agent.client.again(&request).await["waiting_on"]["since"].take();
    assert_eq!(since, "2026-06-01T11:00:00Z");
    let found = async |before: &str| {
        let list = format!("/tickets?waiting_on=approvers&waiting_before={before}");
        acme.agent.client.get(&list).await.items().len()
    };
    assert_eq!(found("2026-06-01T11:00:00Z").await, 0);
    assert_eq!(found("2026-06-01T11:00:01Z").await, 1);
}

async fn w3_the_queue_goes_by_priority_then_by_age(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    for (text, impact, opened) in [
        ("third", 2, "2026-06-01T08:30:00Z"),
        ("first", 1, "2026-06-01T08:45:00Z"),
        ("second", 2, "2026-06-01T08:15:00Z"),
    ] {
        let ticket = json!({
            "short_description": text, "impact": impact, "urgency": 1, "opened_at": opened,
        });
        let _ = acme.try_report(ticket).await.created();
    }

    let queue = texts(&acme.agent.client, "/tickets?order=queue").await;

    assert_eq!(queue, ["first", "second", "third"]);
}

async fn times_closer_than_a_microsecond_hide_nothing_from_a_page(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    for nanos in ["100", "900", "500"] {
        let opened = format!("2026-06-01T08:00:00.123456{nanos}Z");
        let ticket = json!({ "short_description": nanos, "opened_at": opened });
        let stored = acme.try_report(ticket).await.created();
        assert_eq!(stored["opened_at"], "2026-06-01T08:00:00.123456Z");
    }

    for order in ["opened", "queue"] {
        let mut found = BTreeSet::new();
        let mut list = format!("/tickets?order={order}&limit=1");
        loop {
            let page = acme.agent.client.get(&list).await.ok();
            found.insert(page["items"][0]["short_description"].as_str().unwrap().to_owned());
            let Some(next) = page["next"].as_str() else { break };
            list = format!("/tickets?order={order}&limit=1&after={next}");
        }
        assert_eq!(found.len(), 3, "{order}");
    }
}

async fn a_time_out_of_all_calendars_is_refused_by_name(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let incident = acme.report("The printer is on fire").await;

    let opened = json!({ "short_description": "Old", "opened_at": "0001-01-01T00:00:00Z" });
    assert_eq!(acme.try_report(opened).await.pointers(), ["/opened_at"]);
    let far = "+29999-01-01T00:00:00Z";
    let eta = agent.act(&incident, "set_eta", json!({ "eta": far })).await;
    assert_eq!(eta.pointers(), ["/eta"], "{}", eta.text);
    let hold = json!({ "awaiting": "vendor", "vendor": "Toner & Sons", "follow_up_at": far });
    assert_eq!(agent.act(&incident, "hold", hold).await.pointers(), ["/follow_up_at"]);
    for parameter in ["opened_from", "opened_to", "waiting_before"] {
        let refused = agent.get(&format!("/tickets?{parameter}=-0044-03-15T00:00:00Z")).await;
        assert_eq!(refused.status.as_u16(), 422, "{}", refused.text);
        assert_eq!(refused.json["errors"][0]["parameter"], parameter);
    }

    let soon = json!({ "eta": "2026-06-01T12:00:00.000000999Z" });
    let told: Value = agent.act(&incident, "set_eta", soon).await.ok();
    assert_eq!(told["eta"], "2026-06-01T12:00:00Z");
}
