//! Who hears what: messages, and what never leaves the desk.

use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_delivery::{Delivered, Undelivered};
use waypost_test_support::{Org, PersonOf, TestDesk, on_both_engines};

use crate::policies::{asking, stage, telling, telling_the_requester};

on_both_engines! {
    w6_the_requester_is_told_on_create_assign_eta_and_resolve
    w6_no_door_shows_a_requester_an_internal_note
    w6_a_requester_does_not_read_what_policies_reason_nor_receipts
    a2_the_same_thing_is_told_once
    a2_quiet_hours_hold_messages_back
    a2_recipients_are_people_teams_and_watchers
    a_letter_that_is_not_taken_is_sent_again_with_the_same_id
    a_letter_that_nobody_can_take_is_given_up_and_says_why
    a_message_is_committed_with_what_it_tells_of
    a_policy_that_would_flood_people_is_overruled_and_says_so
    a_dedupe_key_of_any_length_is_kept
    a_letter_goes_to_the_address_of_the_moment_it_leaves
    who_is_not_to_be_told_any_more_gets_no_letter_and_the_outbox_says_why
    what_waits_about_a_ticket_that_ends_does_not_leave_except_the_news_of_it
    who_has_voted_is_not_asked_for_their_vote
    what_a_policy_has_decided_is_told_also_when_it_is_replaced
    what_is_written_arrives_as_it_was_written
}

async fn w6_the_requester_is_told_on_create_assign_eta_and_resolve(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    acme.bind("notify", "stakeholder-notifier", telling_the_requester()).await;
    let agent = &acme.agent.client;

    let incident = acme.report("The printer is on fire").await;
    let number = incident["number"].as_str().unwrap();
    let to_requester = |what: &str| vec![format!("requester@acme.example: {what} {number}")];
    assert_eq!(desk.mailbox().await, to_requester("received"));

    let _ = agent.act(&incident, "assign", json!({ "team": "network" })).await.ok();
    assert_eq!(desk.mailbox().await, to_requester("assigned"));

    let _ = agent.act(&incident, "set_eta", json!({ "eta": "2026-06-01T12:00:00Z" })).await.ok();
    assert_eq!(desk.mailbox().await, to_requester("expected"));
    assert_eq!(acme.requester.client.again(&incident).await["eta"], "2026-06-01T12:00:00Z");

    let done = json!({ "resolution_code": "fixed", "resolution_notes": "new toner" });
    let _ = agent.act(&incident, "resolve", done).await.ok();
    let letters = desk.letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].subject, format!("done {number}"));
    assert!(letters[0].body.contains("new toner"));
}

async fn w6_no_door_shows_a_requester_an_internal_note(desk: TestDesk) {
    const SECRET: &str = "the requester is known to shout";
    let acme = desk.organization("acme").await;
    acme.bind("notify", "stakeholder-notifier", telling_the_requester()).await;
    let incident = acme.report("The printer is on fire").await;
    let agent = &acme.agent.client;
    let _ = agent.comment(&incident, "internal", SECRET).await.created();
    let _ = agent.comment(&incident, "public", "We are on our way").await.created();

    let requester = &acme.requester.client;
    for part in ["", "comments", "events", "approvals"] {
        let path = format!("/tickets/{}/{part}", incident["number"].as_str().unwrap());
        let answer = requester.get(path.trim_end_matches('/')).await;
        assert!(!answer.text.contains(SECRET), "{part}: {}", answer.text);
    }
    let comments = requester.of(&incident, "comments").await.items();
    assert_eq!(comments.len(), 1);
    let events = requester.of(&incident, "events").await.items();
    assert!(events.iter().all(|event| event["action"] != "note"), "{events:?}");
    let letters = desk.letters().await;
    assert_eq!(letters.len(), 2);
    assert!(letters.iter().all(|letter| !letter.body.contains(SECRET)));
    let of_desk = agent.of(&incident, "comments").await;
    assert!(of_desk.text.contains(SECRET));
    let refused = requester.comment(&incident, "internal", "psst").await;
    assert_eq!(refused.slug(), "forbidden");
}

async fn w6_a_requester_does_not_read_what_policies_reason_nor_receipts(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("The printer is on fire").await;

    for part in ["explain", "suggestions", "receipts"] {
        let refused = acme.requester.client.of(&incident, part).await;
        assert_eq!(refused.slug(), "forbidden", "{part}");
    }
    for list in ["/receipts", "/policies", "/outbox", "/tokens"] {
        assert_eq!(acme.requester.client.get(list).await.slug(), "forbidden", "{list}");
    }
}

async fn a2_the_same_thing_is_told_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut once = telling("answer", "commented", &json!(["requester"]));
    once["once_per"] = json!("ticket");
    acme.bind("notify", "stakeholder-notifier", json!({ "rules": [once] })).await;
    let incident = acme.report("The printer is on fire").await;

    for text in ["On our way", "In the lift", "Almost there"] {
        let _ = acme.agent.client.comment(&incident, "public", text).await.created();
    }

    assert_eq!(desk.mailbox().await.len(), 1);
}

async fn a2_quiet_hours_hold_messages_back(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut settings = json!({ "rules": [telling("received", "created", &json!(["requester"]))] });
    settings["quiet_hours"] = json!({ "from": "20:00", "to": "07:00", "except_priority": 1 });
    acme.bind("notify", "stakeholder-notifier", settings).await;
    // 23:00.
    desk.clock.advance(TimeDelta::hours(14));

    let _ = acme.report("My chair squeaks").await;
    let urgent = json!({ "short_description": "All is dark", "impact": 1, "urgency": 1 });
    let urgent = acme.try_report(urgent).await.created();

    let line = |ticket: &Value| {
        format!("requester@acme.example: received {}", ticket["number"].as_str().unwrap())
    };
    assert_eq!(desk.mailbox().await, [line(&urgent)]);
    desk.clock.advance(TimeDelta::hours(7));
    assert_eq!(desk.mailbox().await, [""; 0]);
    desk.clock.advance(TimeDelta::hours(1));
    assert_eq!(desk.mailbox().await.len(), 1);
}

async fn a2_recipients_are_people_teams_and_watchers(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let to = json!([{ "team": "network" }, { "person": acme.manager.id }, "watchers", "assignee"]);
    let settings = json!({ "rules": [telling("answer", "commented", &to)] });
    acme.bind("notify", "stakeholder-notifier", settings).await;
    let incident = acme.report("The printer is on fire").await;
    let version = incident["version"].as_i64().unwrap();
    let path = format!("/tickets/{}", incident["number"].as_str().unwrap());
    let watchers = json!({ "watchers": [acme.requester.id] });
    let _ = acme.agent.client.patch(&path, version, watchers).await.ok();

    let _ = acme.admin.client.comment(&incident, "public", "On our way").await.created();

    let heard: Vec<String> =
        desk.letters().await.into_iter().filter_map(|letter| letter.address).collect();
    for name in ["agent", "second", "manager", "requester"] {
        let address = format!("{name}@acme.example");
        assert_eq!(heard.iter().filter(|one| **one == address).count(), 1, "{heard:?}");
    }
    assert_eq!(heard.len(), 4);
}

async fn a_letter_that_is_not_taken_is_sent_again_with_the_same_id(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    acme.bind("notify", "stakeholder-notifier", telling_the_requester()).await;
    let _ = acme.report("The printer is on fire").await;
    desk.refuse_letters(vec![Undelivered::Temporary("the mailbox is full".to_owned())]);

    assert_eq!(desk.run_outbox().await, Delivered { put_off: 1, ..Delivered::default() });
    let waiting = only(&acme).await;
    assert_eq!((&waiting["state"], &waiting["attempts"]), (&json!("pending"), &json!(1)));
    assert!(waiting["last_error"].as_str().unwrap().contains("the mailbox is full"));
    desk.clock.advance(TimeDelta::hours(24));

    let letters = desk.letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(json!(letters[0].id.0), waiting["id"]);
    assert_eq!(only(&acme).await["state"], "sent");
}

async fn a_letter_that_nobody_can_take_is_given_up_and_says_why(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    acme.bind("notify", "stakeholder-notifier", telling_the_requester()).await;
    let _ = acme.report("The printer is on fire").await;
    desk.refuse_letters(vec![Undelivered::Permanent("there is no such mailbox".to_owned())]);

    assert_eq!(desk.run_outbox().await, Delivered { dead: 1, ..Delivered::default() });

    let dead = only(&acme).await;
    assert_eq!(dead["state"], "dead");
    assert!(dead["last_error"].as_str().unwrap().contains("there is no such mailbox"));
}

async fn only(org: &Org<'_>) -> Value {
    let mut messages = org.admin.client.get("/outbox").await.items();
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.remove(0)
}

async fn a_message_is_committed_with_what_it_tells_of(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    acme.bind("notify", "stakeholder-notifier", telling_the_requester()).await;
    let incident = acme.report("The printer is on fire").await;
    assert_eq!(desk.letters().await.len(), 1);

    // Refused for its missing notes: nothing of it is there, no mail either.
    let refused =
        acme.agent.client.act(&incident, "resolve", json!({ "resolution_code": "fixed" })).await;

    assert_eq!(refused.slug(), "missing-fields");
    assert_eq!(desk.mailbox().await, [""; 0]);
    assert_eq!(acme.agent.client.again(&incident).await["state"], "new");
}

async fn a_policy_that_would_flood_people_is_overruled_and_says_so(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let rules: Vec<Value> = (0..60)
        .map(|number| telling(&format!("rule-{number}"), "created", &json!(["requester"])))
        .collect();
    acme.bind("notify", "stakeholder-notifier", json!({ "rules": rules })).await;

    let incident = acme.report("The printer is on fire").await;

    assert_eq!(desk.letters().await.len(), 50);
    let receipts = acme.agent.client.of(&incident, "receipts").await.items();
    assert_eq!(receipts[0]["outcome"]["kind"], "overruled");
    let why = receipts[0]["outcome"]["overruled_by"].to_string();
    assert!(why.contains("60 messages are too many; only the first 50 are sent"), "{why}");
}

async fn a_dedupe_key_of_any_length_is_kept(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    // The rule's name is part of the key, and does not compress: PostgreSQL would store a
    // compressible one.
    let mut random = 1_u32;
    let letters = std::iter::repeat_with(|| {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        char::from(b"abcdefghijklmnop"[random as usize % 16])
    });
    let name: String = letters.take(6_000).collect();
    let mut rule = telling("long", "created", &json!(["requester"]));
    rule["name"] = json!(name);
    rule["subject"] = json!("It is here");
    acme.bind("notify", "stakeholder-notifier", json!({ "rules": [rule] })).await;

    let incident = acme.report("The printer is on fire").await;

    assert_eq!(incident["policy_failures"], Value::Null);
    assert_eq!(desk.letters().await.len(), 1);
}

/// Binds a notifier whose letters leave two hours later.
async fn tell_later(org: &Org<'_>, rules: &[(&str, &str, Value)]) -> Value {
    let later = |(name, on, to): &(&str, &str, Value)| {
        let mut rule = telling(name, on, to);
        rule["delay_minutes"] = json!(120);
        rule
    };
    let rules: Vec<Value> = rules.iter().map(later).collect();
    org.bind("notify", "stakeholder-notifier", json!({ "rules": rules })).await
}

/// Changes what the desk knows of somebody.
async fn change(org: &Org<'_>, person: &PersonOf, changes: Value) {
    let path = format!("/people/{}", person.id);
    let version = org.admin.client.get(&path).await.ok()["version"].as_i64().unwrap();
    let _ = org.admin.client.patch(&path, version, changes).await.ok();
}

/// The reasons of what was not sent, sorted.
async fn dropped(org: &Org<'_>) -> Vec<String> {
    let messages = org.admin.client.get("/outbox").await.items();
    let dropped = messages.iter().filter(|one| one["state"] == "dropped");
    let mut reasons: Vec<String> =
        dropped.map(|one| one["last_error"].as_str().unwrap().to_owned()).collect();
    reasons.sort();
    reasons
}

async fn a_letter_goes_to_the_address_of_the_moment_it_leaves(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    tell_later(&acme, &[("received", "created", json!(["requester"]))]).await;
    let incident = acme.report("The printer is on fire").await;
    let number = incident["number"].as_str().unwrap();
    assert_eq!(only(&acme).await["address"], Value::Null);

    change(&acme, &acme.requester, json!({ "email": "ada@acme.example" })).await;
    desk.clock.advance(TimeDelta::hours(2));
    desk.refuse_letters(vec![Undelivered::Temporary("451 not now".to_owned())]);
    assert_eq!(desk.run_outbox().await, Delivered { put_off: 1, ..Delivered::default() });
    assert_eq!(only(&acme).await["address"], "ada@acme.example");
    change(&acme, &acme.requester, json!({ "email": "ada.lovelace@acme.example" })).await;
    desk.clock.advance(TimeDelta::hours(24));

    assert_eq!(desk.mailbox().await, [format!("ada.lovelace@acme.example: received {number}")]);
    let sent = only(&acme).await;
    assert_eq!((&sent["state"], &sent["told_as"]), (&json!("sent"), &json!(["requester"])));
    assert_eq!(sent["address"], "ada.lovelace@acme.example");
}

async fn who_is_not_to_be_told_any_more_gets_no_letter_and_the_outbox_says_why(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let rules = [
        ("theirs", "commented", json!(["assignee"])),
        ("followed", "commented", json!(["watchers"])),
        ("ours", "commented", json!([{ "team": "network" }])),
        ("yours", "commented", json!(["requester"])),
    ];
    tell_later(&acme, &rules).await;
    let (admin, agent) = (&acme.admin.client, &acme.agent.client);
    let incident = acme.report("The printer is on fire").await;
    let path = format!("/tickets/{}", incident["number"].as_str().unwrap());
    let to_second = json!({ "team": "network", "assignee": acme.second_agent.id });
    let assigned = agent.act(&incident, "assign", to_second).await.ok();
    let version = assigned["version"].as_i64().unwrap();
    let watched = json!({ "watchers": [acme.manager.id] });
    let _ = agent.patch(&path, version, watched).await.ok();
    let _ = admin.comment(&incident, "public", "On our way").await.created();

    let to_agent = json!({ "team": "network", "assignee": acme.agent.id });
    let assigned = agent.act(&incident, "assign", to_agent).await.ok();
    let version = assigned["version"].as_i64().unwrap();
    let _ = agent.patch(&path, version, json!({ "watchers": [] })).await.ok();
    let team = admin.get("/teams/network").await.ok();
    let left = json!({ "lead": null, "members": [acme.agent.id] });
    let _ = admin.patch("/teams/network", team["version"].as_i64().unwrap(), left).await.ok();
    change(&acme, &acme.requester, json!({ "active": false })).await;
    desk.clock.advance(TimeDelta::hours(2));

    let number = incident["number"].as_str().unwrap();
    assert_eq!(desk.mailbox().await, [format!("agent@acme.example: ours {number}")]);
    assert_eq!(
        dropped(&acme).await,
        [
            "not sent: the person does not watch the ticket any more",
            "not sent: the person does not work here any more",
            "not sent: the person is not a member of the team any more",
            "not sent: the person is not the assignee any more",
        ]
    );
}

async fn what_waits_about_a_ticket_that_ends_does_not_leave_except_the_news_of_it(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let to = json!(["requester"]);
    tell_later(&acme, &[("received", "created", to.clone()), ("over", "closed", to)]).await;
    let agent = &acme.agent.client;
    let goes_on = acme.report("The printer is on fire").await;
    let merged = acme.report("The printer burns").await;
    let withdrawn = acme.report("My chair squeaks").await;

    let into = json!({ "target": goes_on["number"] });
    let _ = agent.act(&merged, "merge_into", into).await.ok();
    let _ = agent.act(&withdrawn, "cancel", json!({ "reason": "it stopped" })).await.ok();
    desk.clock.advance(TimeDelta::hours(2));

    let line = |what: &str, ticket: &Value| {
        format!("requester@acme.example: {what} {}", ticket["number"].as_str().unwrap())
    };
    assert_eq!(
        desk.mailbox().await,
        [line("over", &merged), line("over", &withdrawn), line("received", &goes_on)]
    );
    let number = |ticket: &Value| ticket["number"].as_str().unwrap().to_owned();
    assert_eq!(
        dropped(&acme).await,
        [
            format!("not sent: {} was merged before it left", number(&merged)),
            format!("not sent: {} was cancelled before it left", number(&withdrawn)),
        ]
    );
}

async fn who_has_voted_is_not_asked_for_their_vote(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let stages = json!([stage("manager", &json!(["manager"]))]);
    acme.bind("plan", "approval-chain", asking(&stages)).await;
    tell_later(&acme, &[("please", "approval_requested", json!(["approvers"]))]).await;
    let _ = acme.ask_for_laptop().await;

    let _ = crate::approvals::decide(&acme.manager, "approve", None).await;
    desk.clock.advance(TimeDelta::hours(2));

    assert_eq!(desk.mailbox().await, [""; 0]);
    assert_eq!(dropped(&acme).await, ["not sent: the person's vote is not asked for any more"]);
}

async fn what_a_policy_has_decided_is_told_also_when_it_is_replaced(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let rules = [("received", "created", json!(["requester"]))];
    let binding = tell_later(&acme, &rules).await;
    let incident = acme.report("The printer is on fire").await;

    let path = format!("/bindings/{}/revisions", binding["id"].as_str().unwrap());
    let silent = json!({ "settings": { "rules": [] } });
    let _ = acme.admin.client.post(&path, silent).await.created();
    desk.clock.advance(TimeDelta::hours(2));

    let number = incident["number"].as_str().unwrap();
    assert_eq!(desk.mailbox().await, [format!("requester@acme.example: received {number}")]);
}

async fn what_is_written_arrives_as_it_was_written(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut rule = telling("received", "created", &json!(["requester"]));
    rule["subject"] = json!("{short_description}");
    acme.bind("notify", "stakeholder-notifier", json!({ "rules": [rule] })).await;

    for said in ["=?utf-8?q?=46ree_money?=", &"x".repeat(250), "cafe\u{301} \u{1f525}"] {
        let _ = acme.report(said).await;
        let letters = desk.letters().await;
        assert_eq!(letters[0].subject, said);
    }
}
