//! One action on several tickets: each is acted on or refused for itself.

use std::{sync::Mutex, time::Duration};

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use waypost_app::{
    Caller, Clock,
    tickets::bulk::{self, Acted, BulkAction, BulkTicket},
};
use waypost_domain::ticket::Action;
use waypost_test_support::{Org, TestDesk, on_both_engines};

on_both_engines! {
    each_ticket_is_acted_on_or_refused_for_itself
    a_preview_says_what_each_ticket_would_refuse_and_changes_nothing
    a_preview_shows_nobody_what_they_may_not_see
    what_is_wrong_with_a_bulk_action_is_said_before_any_ticket_is_touched
    a_repeated_bulk_action_is_carried_out_once
    what_the_time_does_not_suffice_for_is_not_tried
    each_ticket_is_acted_on_at_a_time_of_its_own
    nobody_does_in_bulk_what_they_may_not_do_alone
}

fn resolving(tickets: &[Value]) -> Value {
    json!({
        "action": "resolve", "tickets": tickets,
        "input": { "resolution_code": "fixed", "resolution_notes": "Restarted" },
    })
}

fn number(ticket: &Value) -> &str {
    ticket["number"].as_str().unwrap()
}

async fn each_ticket_is_acted_on_or_refused_for_itself(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let (first, second, changed, over) = (
        acme.report("First").await,
        acme.report("Second").await,
        acme.report("Changed meanwhile").await,
        acme.report("Over").await,
    );
    let _ = agent.act(&changed, "note", json!({ "text": "It is the switch." })).await.ok();
    let _ = agent.act(&over, "cancel", json!({ "reason": "A drill" })).await.ok();
    let other = desk.organization("other").await;
    let foreign = other.report("Elsewhere").await;

    let answer = agent.post(
        "/bulk-actions",
        resolving(&[
            json!({ "number": number(&first), "version": first["version"] }),
            json!({ "number": number(&over) }),
            json!({ "number": number(&changed), "version": changed["version"] }),
            json!({ "number": "INC0009999" }),
            json!({ "number": "PRB0000001" }),
            json!({ "number": "7" }),
            json!({ "number": number(&second) }),
        ]),
    );
    let items = answer.await.ok()["items"].as_array().unwrap().clone();
    let told: Vec<_> = items
        .iter()
        .map(|item| {
            let error = item["error"]["type"].as_str().unwrap_or_default();
            (item["outcome"].as_str().unwrap(), error.trim_start_matches("/errors/"))
        })
        .collect();
    // A problem has no such code, and whether it is there is said only to whom may ask.
    assert_eq!(
        told,
        [
            ("done", ""),
            ("refused", "invalid-transition"),
            ("refused", "stale-version"),
            ("refused", "not-found"),
            ("refused", "not-found"),
            ("refused", "not-found"),
            ("done", ""),
        ]
    );
    assert_eq!(items[0]["state"], "resolved");
    let stored = agent.again(&first).await;
    assert_eq!((&stored["state"], &stored["version"]), (&json!("resolved"), &items[0]["version"]));
    assert_eq!(agent.again(&second).await["state"], "resolved");
    assert_eq!(agent.again(&changed).await["state"], "new");
    // Numbers of different organizations are alike; the other one's ticket is not touched.
    assert_eq!(number(&foreign), number(&first));
    assert_eq!(other.agent.client.again(&foreign).await["state"], "new");
    // What goes on elsewhere is told with its number.
    let converting = json!({
        "action": "convert", "input": { "to": "request", "reason": "Nothing is broken" },
        "tickets": [{ "number": number(&changed).to_lowercase() }],
    });
    let items = agent.post("/bulk-actions", converting).await.ok()["items"].clone();
    assert_eq!(items[0]["outcome"], "done", "{items}");
    let goes_on = items[0]["state_of"].as_str().unwrap();
    assert!(goes_on.starts_with("REQ"), "{items}");
    let new = agent.get(&format!("/requests/{goes_on}")).await.ok();
    assert_eq!((&new["version"], &new["state"]), (&items[0]["version"], &items[0]["state"]));
}

async fn a_preview_says_what_each_ticket_would_refuse_and_changes_nothing(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let (open, over) = (acme.report("Open").await, acme.report("Over").await);
    let _ = agent.act(&over, "cancel", json!({ "reason": "A drill" })).await.ok();
    let tickets = [json!({ "number": number(&open) }), json!({ "number": number(&over) })];
    let before = (agent.again(&open).await, agent.again(&over).await);

    let mut asked = resolving(&tickets);
    asked["preview"] = json!(true);
    let items = agent.post("/bulk-actions", asked).await.ok()["items"].clone();
    assert_eq!(items[0]["outcome"], "possible");
    assert_eq!(items[0]["state"], "resolved");
    assert_eq!(items[0]["version"], json!(null));
    assert_eq!(items[1]["error"]["type"], "/errors/invalid-transition");
    assert_eq!((agent.again(&open).await, agent.again(&over).await), before);

    assert_eq!(agent.of(&open, "comments").await.items().len(), 0);

    // Inputs that are wrong are said of each, by the names that the action has.
    let wrong = json!({
        "action": "assign", "tickets": [{ "number": number(&open) }],
        "input": { "assignee": "nobody@acme.example" }, "preview": true,
    });
    let items = agent.post("/bulk-actions", wrong).await.ok()["items"].clone();
    assert_eq!(items[0]["error"]["errors"][0]["pointer"], "/assignee");

    // What is said is what then happens.
    let items = agent.post("/bulk-actions", resolving(&tickets)).await.ok()["items"].clone();
    assert_eq!(items[0]["state"], "resolved");
    assert_eq!(items[1]["error"]["type"], "/errors/invalid-transition");
}

async fn a_preview_shows_nobody_what_they_may_not_see(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let own = acme.report("Mine").await;
    let theirs = agent
        .post(
            "/incidents",
            json!({ "short_description": "Theirs", "requester": "agent@acme.example" }),
        )
        .await
        .created();
    let _ = agent.act(&theirs, "start", json!({ "assignee": "agent@acme.example" })).await.ok();
    let _ = agent.act(&own, "merge_into", json!({ "target": number(&theirs) })).await.ok();
    // Whoever asked for what was merged watches what goes on, until somebody says otherwise.
    let path = format!("/incidents/{}", number(&theirs));
    let version = agent.again(&theirs).await["version"].as_i64().unwrap();
    let _ = agent.patch(&path, version, json!({ "watchers": [] })).await.ok();
    let requester = &acme.requester.client;
    assert_eq!(requester.get(&path).await.status, StatusCode::NOT_FOUND);
    let merged = requester.again(&own).await;

    let asking = |preview: bool| {
        json!({
            "action": "comment", "input": { "text": "Any news?" }, "preview": preview,
            "tickets": [{ "number": number(&own) }],
        })
    };
    for preview in [true, false] {
        let items = requester.post("/bulk-actions", asking(preview)).await.ok();
        assert_eq!(items["items"][0]["state"], merged["state"], "{items}");
        assert_eq!(items["items"][0]["state_of"], json!(null), "{items}");
    }
}

async fn what_is_wrong_with_a_bulk_action_is_said_before_any_ticket_is_touched(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let open = acme.report("Open").await;
    let one = json!({ "number": number(&open) });
    let many: Vec<Value> =
        (0..101).map(|place| json!({ "number": format!("INC{place:07}") })).collect();
    for (tickets, pointer) in [
        (vec![], "/tickets"),
        (many, "/tickets"),
        (vec![one.clone(), one.clone()], "/tickets/1/number"),
    ] {
        let refused = agent.post("/bulk-actions", resolving(&tickets)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        assert_eq!(refused.pointers(), [pointer]);
    }
    let dance = json!({ "action": "dance", "tickets": [one] });
    let refused = agent.post("/bulk-actions", dance).await;
    assert_eq!(refused.pointers(), ["/action"], "{}", refused.text);
    // What only the desk's clock does is nobody's action, and a request is fulfilled.
    for action in ["fulfill", "edit", "vote"] {
        let asked = json!({ "action": action, "tickets": [{ "number": number(&open) }] });
        let items = agent.post("/bulk-actions", asked).await.ok()["items"].clone();
        let error = &items[0]["error"];
        assert_eq!(error["type"], "/errors/guard-failed", "{items}");
        assert!(error["detail"].as_str().unwrap().contains("use one of:"), "{items}");
    }
    assert_eq!(agent.again(&open).await["version"], open["version"]);
}

async fn a_repeated_bulk_action_is_carried_out_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let (first, second) = (acme.report("First").await, acme.report("Second").await);
    let noting = json!({
        "action": "note", "input": { "text": "We look at it." },
        "tickets": [
            { "number": "INC0009999" }, { "number": number(&first) }, { "number": number(&second) },
        ],
    });
    let key = [("idempotency-key", "\"bulk\"")];
    let answer = agent.post_with("/bulk-actions", &key, noting.clone()).await.ok();
    let again = agent.post_with("/bulk-actions", &key, noting).await.ok();
    assert_eq!(answer, again);
    for ticket in [&first, &second] {
        assert_eq!(agent.of(ticket, "comments").await.items().len(), 1);
    }
}

fn noting(tickets: &[&Value]) -> BulkAction {
    let tickets = tickets
        .iter()
        .map(|ticket| BulkTicket { number: number(ticket).to_owned(), version: None });
    BulkAction {
        action: Action::Note,
        input: Map::from_iter([("text".to_owned(), json!("We look at it."))]),
        tickets: tickets.collect(),
        is_preview: false,
    }
}

async fn operator(desk: &TestDesk, acme: &Org<'_>) -> Caller {
    let me = acme.agent.client.get("/me").await.ok();
    let org = me["organization"]["id"].as_str().unwrap().parse().unwrap();
    Caller::operator(org, desk.clock.now())
}

async fn what_the_time_does_not_suffice_for_is_not_tried(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let (first, second) = (acme.report("First").await, acme.report("Second").await);
    let caller = operator(&desk, &acme).await;
    let bulk = noting(&[&first, &second]);

    let acted = bulk::act_on_each(&desk.desk, &caller, &desk.clock, &bulk, Duration::ZERO).await;

    assert!(acted.unwrap().iter().all(|one| matches!(one, Acted::NotTried)));
    assert_eq!(acme.agent.client.again(&first).await, first);
}

/// Each time it is asked, a second has gone by.
struct Stepping(Mutex<DateTime<Utc>>);

impl Clock for Stepping {
    fn now(&self) -> DateTime<Utc> {
        let mut now = self.0.lock().unwrap();
        *now += TimeDelta::seconds(1);
        *now
    }
}

async fn each_ticket_is_acted_on_at_a_time_of_its_own(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let (first, second) = (acme.report("First").await, acme.report("Second").await);
    let caller = operator(&desk, &acme).await;
    let began = caller.now;
    let (bulk, clock) = (noting(&[&first, &second]), Stepping(Mutex::new(began)));

    let acted = bulk::act_on_each(&desk.desk, &caller, &clock, &bulk, Duration::from_mins(1));

    assert!(acted.await.unwrap().iter().all(|one| matches!(one, Acted::Done(Some(_)))));
    for (ticket, seconds) in [(&first, 1), (&second, 2)] {
        let events = acme.agent.client.of(ticket, "events").await.items();
        let at: DateTime<Utc> = events.last().unwrap()["at"].as_str().unwrap().parse().unwrap();
        assert_eq!(at, began + TimeDelta::seconds(seconds));
    }
}

async fn nobody_does_in_bulk_what_they_may_not_do_alone(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let own = acme.report("Mine").await;
    let agents = acme.agent.client.post("/incidents", json!({ "short_description": "Theirs" }));
    let agents = agents.await.created();
    let asked = |action: &str, input: Value| {
        json!({
            "action": action, "input": input,
            "tickets": [{ "number": number(&own) }, { "number": number(&agents) }],
        })
    };
    let requester = &acme.requester.client;
    let items =
        requester.post("/bulk-actions", asked("note", json!({ "text": "Psst" }))).await.ok();
    assert_eq!(items["items"][0]["error"]["type"], "/errors/forbidden");
    assert_eq!(items["items"][1]["error"]["type"], "/errors/not-found");
    let cancel = asked("cancel", json!({ "reason": "It is back" }));
    let items = requester.post("/bulk-actions", cancel).await.ok();
    assert_eq!(items["items"][0]["outcome"], "done");
    assert_eq!(items["items"][1]["error"]["type"], "/errors/not-found");
}
