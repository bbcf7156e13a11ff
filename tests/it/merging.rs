//! Tickets that end for another: who is told, where replies go, and what goes on with the ticket
//! that goes on.

use axum::http::StatusCode;
use serde_json::{Value, json};
use waypost_test_support::{Org, TestDesk, on_both_engines};

use crate::{
    effects::duplicate_of,
    links::{links, to},
    majors::set,
    policies::telling,
    problems::{analyzed, edit, last_event, number, suspect},
};

on_both_engines! {
    each_is_told_once_of_a_merger_with_the_number_that_goes_on
    whoever_asked_is_told_as_what_their_ticket_goes_on
    links_go_on_with_the_ticket_that_goes_on
    a_task_that_is_linked_to_its_ticket_ends_with_it_all_the_same
    a_reply_to_a_merged_ticket_is_a_comment_where_it_goes_on
    a_reply_to_a_converted_ticket_is_said_where_it_goes_on
    a_second_reply_to_a_closed_ticket_goes_to_the_one_that_the_first_has_opened
    a_watcher_answers_and_moves_nothing
    a_refused_comment_names_the_ticket_that_goes_on
    children_that_a_merger_brings_are_counted
}

/// An incident of the manager.
async fn of_manager(acme: &Org<'_>, short_description: &str) -> Value {
    let new = json!({ "short_description": short_description, "requester": acme.manager.id });
    acme.agent.client.post("/incidents", new).await.created()
}

async fn merge(acme: &Org<'_>, source: &Value, target: &Value) -> Value {
    let into = json!({ "target": target["number"] });
    acme.agent.client.act(source, "merge_into", into).await.ok()
}

async fn how_many(acme: &Org<'_>) -> i64 {
    let listed = acme.agent.client.get("/tickets?count=true").await.ok();
    listed["total"].as_i64().unwrap()
}

async fn close(acme: &Org<'_>, incident: &Value) {
    let done = json!({ "resolution_code": "fixed", "resolution_notes": "a new switch" });
    let _ = acme.agent.client.act(incident, "resolve", done).await.ok();
    let _ = acme.agent.client.act(incident, "close", json!({})).await.ok();
}

async fn each_is_told_once_of_a_merger_with_the_number_that_goes_on(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let (source, target) = (acme.report("No wifi").await, of_manager(&acme, "No network").await);
    let _ = edit(agent, &source, json!({ "watchers": [acme.second_agent.id] })).await;
    let to_second = json!({ "team": "network", "assignee": acme.second_agent.id });
    let _ = agent.act(&target, "assign", to_second).await.ok();
    let rules = [
        telling("ended", "closed", &json!(["requester", "watchers"])),
        telling("answer", "commented", &json!(["requester", "watchers", "assignee"])),
    ];
    acme.bind("notify", "stakeholder-notifier", json!({ "rules": rules })).await;

    let merged = merge(&acme, &source, &target).await;

    assert_eq!(merged["goes_on_in"], target["number"]);
    let mut letters = desk.letters().await;
    letters.sort_by(|one, other| one.address.cmp(&other.address));
    let told: Vec<_> = letters
        .iter()
        .map(|letter| (letter.address.as_deref().unwrap(), letter.subject.as_str()))
        .collect();
    let (ended, answer) =
        (format!("ended {}", number(&source)), format!("answer {}", number(&target)));
    assert_eq!(
        told,
        [
            ("manager@acme.example", answer.as_str()),
            ("requester@acme.example", ended.as_str()),
            ("second@acme.example", ended.as_str()),
        ]
    );
    let says = |place: usize, text: String| {
        assert!(letters[place].body.contains(&text), "{}", letters[place].body);
    };
    says(0, format!("{} was merged into it.", number(&source)));
    says(1, format!("It goes on as {}.", number(&target)));
    assert!(!letters[0].body.contains("No wifi"), "what others wrote is not theirs to read");
    let comments = acme.manager.client.of(&target, "comments").await.items();
    assert_eq!(comments.len(), 1);
    assert_eq!(comments[0]["text"], format!("{} was merged into it.", number(&source)));
    assert_eq!(comments[0]["actor"]["kind"], "system");
    assert_eq!(agent.again(&target).await["first_response_at"], Value::Null);
}

async fn whoever_asked_is_told_as_what_their_ticket_goes_on(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let (wish, cause) = (acme.report("A second screen").await, acme.report("It flickers").await);
    let rules = [
        telling("received", "created", &json!(["requester"])),
        telling("ended", "closed", &json!(["requester"])),
    ];
    acme.bind("notify", "stakeholder-notifier", json!({ "rules": rules })).await;

    let as_wish = json!({ "to": "request", "reason": "Nothing is broken" });
    let request = agent.act(&wish, "convert", as_wish).await.ok();
    let received = format!("requester@acme.example: received {}", number(&request));
    assert_eq!(desk.mailbox().await, [received], "they hear of the one that goes on");

    let as_cause = json!({ "to": "problem", "reason": "All of them do" });
    let problem = agent.act(&cause, "convert", as_cause).await.ok();
    let letters = desk.letters().await;
    assert_eq!(letters.len(), 1, "nobody else tells them: {letters:?}");
    assert_eq!(letters[0].subject, format!("ended {}", number(&cause)));
    let goes_on = format!("It goes on as {}.", number(&problem));
    assert!(letters[0].body.contains(&goes_on), "{}", letters[0].body);
    for (old, new) in [(&wish, &request), (&cause, &problem)] {
        let seen = acme.requester.client.again(old).await;
        assert_eq!(seen["goes_on_in"], new["number"]);
    }
}

async fn links_go_on_with_the_ticket_that_goes_on(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let (source, target) = (acme.report("No wifi").await, acme.report("No network").await);
    let (far, both) = (acme.report("No mail").await, acme.report("A switch died").await);
    for (one, other) in [(&source, "blocks"), (&target, "related_to")] {
        let _ = agent.act(one, "link", to(other, &far)).await.ok();
    }
    for one in [&source, &target] {
        let _ = agent.act(one, "link", to("caused_by", &both)).await.ok();
    }
    let _ = agent.act(&source, "link", to("related_to", &target)).await.ok();
    let told = |link_type: &str, other: &Value| (link_type.to_owned(), number(other).to_owned());

    let _ = merge(&acme, &source, &target).await;

    assert_eq!(links(agent, &source).await, []);
    let mut now = links(agent, &target).await;
    now.sort();
    let expected = [told("blocks", &far), told("caused_by", &both), told("related_to", &far)];
    assert_eq!(now, expected);
    assert_eq!(links(agent, &both).await, [told("causes", &target)]);
    let events = agent.of(&far, "events").await.items();
    let last: Vec<_> = events.iter().rev().take(2).collect();
    assert_eq!((&last[1]["action"], &last[0]["action"]), (&json!("unlink"), &json!("link")));
    assert_eq!(last[1]["changes"][0]["before"], format!("blocked_by {}", number(&source)));
    assert_eq!(last[0]["changes"][0]["after"], format!("blocked_by {}", number(&target)));
    let why = format!("{} goes on as {}", number(&source), number(&target));
    assert_eq!((&last[0]["reason"], &last[0]["actor"]["kind"]), (&json!(why), &json!("system")));

    let as_wish = json!({ "to": "request", "reason": "Nothing is broken" });
    let request = agent.act(&far, "convert", as_wish).await.ok();
    assert_eq!(links(agent, &far).await, []);
    let mut now = links(agent, &request).await;
    now.sort();
    assert_eq!(now, [told("blocked_by", &target), told("related_to", &target)]);

    let (same, goes_on) = (suspect(&acme, "Slow").await, analyzed(&acme, "Slower").await);
    let _ = agent.act(&same, "link", to("causes", &both)).await.ok();
    let _ = agent.act(&same, "resolve", duplicate_of(&goes_on)).await.ok();
    assert_eq!(links(agent, &same).await, []);
    assert_eq!(links(agent, &goes_on).await, [told("causes", &both)]);
    assert_eq!(agent.again(&same).await["goes_on_in"], goes_on["number"]);
}

async fn a_task_that_is_linked_to_its_ticket_ends_with_it_all_the_same(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let (source, target) = (acme.report("No wifi").await, acme.report("No network").await);
    let tasks = format!("/incidents/{}/tasks", number(&source));
    let task = agent.post(&tasks, json!({ "short_description": "Look at the switch" })).await;
    let task = task.created();
    let _ = agent.act(&source, "link", to("blocked_by", &task)).await.ok();

    let _ = merge(&acme, &source, &target).await;

    assert_eq!(agent.again(&task).await["state"], "cancelled");
    let told = ("blocked_by".to_owned(), number(&task).to_owned());
    assert_eq!(links(agent, &target).await, [told]);
}

async fn a_reply_to_a_merged_ticket_is_a_comment_where_it_goes_on(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let first = acme.report("No wifi").await;
    let (second, third) =
        (of_manager(&acme, "No network").await, of_manager(&acme, "All is down").await);
    let _ = merge(&acme, &first, &second).await;
    let _ = merge(&acme, &second, &third).await;
    let question = json!({ "awaiting": "caller", "comment": "Which floor?" });
    let _ = agent.act(&third, "hold", question).await.ok();
    let before = how_many(&acme).await;
    let rules = json!([telling("answer", "commented", &json!(["requester", "watchers"]))]);
    acme.bind("notify", "stakeholder-notifier", json!({ "rules": rules })).await;

    let requester = &acme.requester.client;
    let answer = requester.comment(&first, "public", "On mine, too").await;
    let location = answer.header("location").unwrap().to_owned();
    let there = answer.created();

    assert!(location.contains(number(&third)), "{location}");
    assert_eq!((&there["number"], &there["state"]), (&third["number"], &json!("on_hold")));
    let comments = agent.of(&third, "comments").await.items();
    let said = comments.last().unwrap();
    assert_eq!(
        (&said["text"], &said["author"]["id"]),
        (&json!("On mine, too"), &json!(acme.requester.id))
    );
    let event = last_event(agent, &third).await;
    assert_eq!(event["action"], "caller_reply");
    assert_eq!(event["reason"], format!("reply to {}", number(&first)));
    let subject = format!("answer {}", number(&third));
    let expected = ["manager", "requester"].map(|who| format!("{who}@acme.example: {subject}"));
    assert_eq!(desk.mailbox().await, expected);
    assert_eq!(how_many(&acme).await, before);

    // Whom it is for has been asked, whichever of their tickets they answer.
    let reply = json!({ "text": "The second one" });
    let there = acme.manager.client.act(&second, "caller_reply", reply).await.ok();
    assert_eq!((&there["number"], &there["state"]), (&third["number"], &json!("in_progress")));
    assert_eq!(how_many(&acme).await, before);
    desk.ignore_mail();

    // Where the work is over, whoever replies gets a ticket of their own, once.
    close(&acme, &third).await;
    let another = requester.comment(&first, "public", "It is back").await.created();
    assert_eq!((&another["state"], &another["follows"]), (&json!("new"), &third["id"]));
    assert_eq!(another["requester"]["id"], acme.requester.id);
    assert_eq!(another["short_description"], "No wifi");
    let again = requester.comment(&first, "public", "Still").await.created();
    assert_eq!(again["number"], another["number"]);
    assert_eq!(how_many(&acme).await, before + 1);
}

async fn a_reply_to_a_converted_ticket_is_said_where_it_goes_on(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let requester = &acme.requester.client;
    let (wish, cause) = (acme.report("A second screen").await, acme.report("It flickers").await);
    let as_wish = json!({ "to": "request", "reason": "Nothing is broken" });
    let request = agent.act(&wish, "convert", as_wish).await.ok();
    let as_cause = json!({ "to": "problem", "reason": "All of them do" });
    let problem = agent.act(&cause, "convert", as_cause).await.ok();
    let same = analyzed(&acme, "They all flicker").await;
    let _ = agent.act(&problem, "resolve", duplicate_of(&same)).await.ok();
    let before = how_many(&acme).await;

    let there = requester.comment(&wish, "public", "A large one").await.created();
    assert_eq!(there["number"], request["number"]);
    let comments = requester.of(&request, "comments").await.items();
    assert_eq!(comments.last().unwrap()["text"], "A large one");

    // A problem is the desk's: whoever reported what it causes gets back what is theirs.
    let version = agent.again(&cause).await["version"].clone();
    let there = requester.comment(&cause, "public", "Mostly in the morning").await.created();
    assert_eq!((&there["number"], &there["version"]), (&cause["number"], &version));
    assert!(requester.of(&cause, "comments").await.items().is_empty());
    let comments = agent.of(&same, "comments").await.items();
    assert_eq!(comments.last().unwrap()["text"], "Mostly in the morning");
    let event = last_event(agent, &same).await;
    assert_eq!(event["action"], "comment");
    assert_eq!(event["reason"], format!("reply to {}", number(&cause)));
    assert_eq!(agent.again(&same).await["first_response_at"], Value::Null);
    assert_eq!(requester.get(&format!("/tickets/{}", number(&same))).await.slug(), "not-found");
    assert_eq!(how_many(&acme).await, before);
}

async fn a_second_reply_to_a_closed_ticket_goes_to_the_one_that_the_first_has_opened(
    desk: TestDesk,
) {
    let acme = desk.organization("acme").await;
    let requester = &acme.requester.client;
    let incident = acme.report("No wifi").await;
    close(&acme, &incident).await;
    let another = requester.comment(&incident, "public", "It is back").await.created();
    assert_eq!(another["follows"], incident["id"]);

    let again = requester.comment(&incident, "public", "And worse").await.created();
    assert_eq!(again["number"], another["number"]);
    let comments = requester.of(&another, "comments").await.items();
    assert_eq!(comments.last().unwrap()["text"], "And worse");

    close(&acme, &another).await;
    let third = requester.comment(&incident, "public", "Once more").await.created();
    assert_eq!((&third["state"], &third["follows"]), (&json!("new"), &another["id"]));
    assert_eq!(how_many(&acme).await, 3);
}

async fn a_watcher_answers_and_moves_nothing(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let incident = acme.report("No wifi").await;
    let _ = edit(agent, &incident, json!({ "watchers": [acme.manager.id] })).await;
    let question = json!({ "awaiting": "caller", "comment": "Which floor?" });
    let _ = agent.act(&incident, "hold", question).await.ok();
    let watcher = &acme.manager.client;

    let said = watcher.comment(&incident, "public", "Mine, too").await.created();
    assert_eq!((&said["number"], &said["state"]), (&incident["number"], &json!("on_hold")));
    let comments = acme.requester.client.of(&incident, "comments").await.items();
    assert_eq!(comments.last().unwrap()["author"]["id"], acme.manager.id);
    let hints = watcher.of(&incident, "actions").await.items();
    let actions: Vec<_> = hints.iter().map(|hint| hint["action"].clone()).collect();
    assert_eq!(actions, ["caller_reply"]);

    close(&acme, &incident).await;
    let late = watcher.comment(&incident, "public", "Still mine").await;
    assert_eq!((late.status, late.slug()), (StatusCode::CONFLICT, "guard-failed"));
    assert!(late.text.contains("open a ticket of your own"), "{}", late.text);
    assert_eq!(how_many(&acme).await, 1);
}

async fn a_refused_comment_names_the_ticket_that_goes_on(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let (source, target) = (acme.report("No wifi").await, acme.report("No network").await);
    let _ = merge(&acme, &source, &target).await;

    let refused = acme.agent.client.comment(&source, "public", "On our way").await;

    assert_eq!((refused.status, refused.slug()), (StatusCode::CONFLICT, "invalid-transition"));
    assert!(refused.text.contains(number(&target)), "{}", refused.text);
}

async fn children_that_a_merger_brings_are_counted(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let (source, target) = (acme.report("No wifi").await, acme.report("No network").await);
    for text in ["No mail", "No phone"] {
        let child = acme.report(text).await;
        let _ = edit(agent, &child, json!({ "parent": source["number"] })).await;
    }
    let rules = json!({ "major_rules": [{ "name": "many children", "children_more_than": 1 }] });
    let _ = set(&acme, rules).await.ok();

    let _ = merge(&acme, &source, &target).await;

    assert_eq!(agent.again(&target).await["major_state"], "proposed");
    let listed = format!("/incidents?parent={}", number(&target));
    assert_eq!(agent.get(&listed).await.items().len(), 2);
}
