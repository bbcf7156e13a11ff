//! The desk's lists: whose tickets they show, in which order, and that one keeps one's place there.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_test_support::{TestDesk, on_both_engines};

use super::attacks::in_address;
use crate::problems::{analyzed, suspect};

on_both_engines! {
    a_task_is_added_on_a_page_of_its_ticket
    a_task_is_offered_only_where_one_can_be_added
    what_is_done_to_several_tickets_leads_back_to_their_list
    a_ticket_that_has_changed_since_it_was_looked_at_is_refused
    tasks_are_listed_by_who_has_them
    known_errors_are_listed_among_problems
    a_queue_is_filtered_by_what_it_waits_for_and_shown_in_another_order
    people_of_the_desk_keep_its_frame_where_they_vote_and_set_up
}

fn number(ticket: &Value) -> &str {
    ticket["number"].as_str().unwrap()
}

fn page(ticket: &Value) -> String {
    format!("/o/acme/desk/tickets/{}", number(ticket))
}

async fn a_task_is_added_on_a_page_of_its_ticket(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("Mail does not open").await;
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit(&page(&incident)).await.click("Add a task").await;
    assert_eq!(agent.path(), format!("{}/tasks/new", page(&incident)));
    agent.press("Add a task").await;
    assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY);
    agent.fill("Summary", "Ask the vendor").fill("Depends on", "TASK0000099");
    agent.press("Add a task").await;
    assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY);
    agent.fill("Depends on", "").fill("Team", "Network").press_twice("Add a task").await;
    assert_eq!(agent.path(), format!("{}?done=task", page(&incident)));
    for said in ["The task is added.", "Ask the vendor"] {
        assert!(agent.text().contains(said), "{said}: {}", agent.text());
    }
    let tasks = acme.agent.client.of(&incident, "tasks").await.items();
    assert_eq!(tasks.len(), 1, "sent twice, it is added once: {tasks:?}");
    assert_eq!(
        (&tasks[0]["short_description"], &tasks[0]["team"]["key"], &tasks[0]["task"]["mandatory"]),
        (&json!("Ask the vendor"), &json!("network"), &json!(true))
    );
}

async fn a_task_is_offered_only_where_one_can_be_added(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let client = &acme.agent.client;
    let (open, over) = (acme.report("Open").await, acme.report("Over").await);
    let path = format!("/incidents/{}/tasks", number(&open));
    let task = client.post(&path, json!({ "short_description": "A part" })).await.created();
    let _ = client.act(&over, "cancel", json!({ "reason": "A drill" })).await.ok();
    let people = format!("/people/{}", acme.manager.id);
    let version = acme.admin.client.get(&people).await.ok()["version"].as_i64().unwrap();
    let _ = acme.admin.client.patch(&people, version, json!({ "role": "auditor" })).await.ok();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    let mut auditor = desk.signed_in(&acme.manager.email).await;
    let offers = "Add a task".to_owned();
    for (ticket, is_offered) in [(&open, true), (&over, false), (&task, false)] {
        agent.visit(&page(ticket)).await;
        assert_eq!(agent.links().contains(&offers), is_offered, "{}", agent.path());
        auditor.visit(&page(ticket)).await;
        assert_eq!(auditor.status(), StatusCode::OK);
        assert!(!auditor.links().contains(&offers), "an auditor changes nothing");
        let form = format!("{}/tasks/new", page(ticket));
        agent.visit(&form).await;
        assert_eq!(agent.status() == StatusCode::OK, is_offered, "{}", agent.text());
        auditor.visit(&form).await;
        assert_eq!(auditor.status(), StatusCode::FORBIDDEN);
        let fields = [("short_description", "One more")];
        auditor.post(&form, &fields, &[]).await;
        assert_eq!(auditor.status(), StatusCode::FORBIDDEN);
        if !is_offered {
            agent.post(&form, &fields, &[]).await;
            assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY, "{}", agent.text());
        }
    }
    assert_eq!(client.of(&open, "tasks").await.items().len(), 1);
}

async fn what_is_done_to_several_tickets_leads_back_to_their_list(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("Nothing prints").await;
    let mut agent = desk.signed_in(&acme.agent.email).await;
    let list = "/o/acme/desk/queue/team-service-desk?text=print";
    agent.visit(list).await;
    assert_eq!(agent.attribute("#bulk [name=back]", "value").as_deref(), Some(list));
    let bulk = |back: &str| format!("/o/acme/desk/bulk?action=assign&back={}", in_address(back));
    agent.visit(&bulk(list)).await;
    assert_eq!(agent.path(), format!("{list}&done=nothing"));
    assert!(agent.text().contains("Nothing was chosen"), "{}", agent.text());
    let chosen = format!("{}&ticket={}", bulk(list), number(&incident));
    agent.visit(&chosen).await;
    assert!(agent.text().contains("1 of the 1 selected tickets"), "{}", agent.text());
    agent.click("Back without changes").await;
    assert_eq!(agent.path(), list);
    agent.visit(&chosen).await.press("Do it to one ticket").await;
    assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY);
    agent.fill("Team", "Network").press("Do it to one ticket").await;
    assert!(agent.text().contains("It was done to 1 of 1 tickets."), "{}", agent.text());
    agent.click("Back to the list").await;
    assert_eq!(agent.path(), list);
    agent.visit(&chosen).await.fill("Team", "Finance").press_twice("Do it to one ticket").await;
    assert_eq!(agent.path(), list, "sent twice");
    for (back, leads_to) in [
        ("/o/acme/desk/queue/all?text=a&evil=b", "/o/acme/desk/queue/all?text=a&done=nothing"),
        ("//evil.example", "/o/acme/desk/queue/all?done=nothing"),
        ("https://evil.example/o/acme/desk/queue/all", "/o/acme/desk/queue/all?done=nothing"),
        ("/o/bolt/desk/queue/all", "/o/acme/desk/queue/all?done=nothing"),
        ("/o/acme/desk/queue/..", "/o/acme/desk/queue/all?done=nothing"),
        ("/o/acme/home", "/o/acme/desk/queue/all?done=nothing"),
    ] {
        agent.visit(&bulk(back)).await;
        assert_eq!(agent.path(), leads_to, "{back}");
    }
}

async fn a_ticket_that_has_changed_since_it_was_looked_at_is_refused(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let (first, second) = (acme.report("First").await, acme.report("Second").await);
    let mut agent = desk.signed_in(&acme.agent.email).await;
    let chosen = [&first, &second].map(|ticket| format!("&ticket={}", number(ticket)));
    agent.visit(&format!("/o/acme/desk/bulk?action=assign{}", chosen.concat())).await;
    assert!(agent.text().contains("2 of the 2 selected tickets"), "{}", agent.text());
    let priority = json!({ "priority": 1, "reason": "The board waits" });
    let _ = acme.second_agent.client.act(&first, "set_priority", priority).await.ok();
    agent.fill("Team", "Network").press("Do it to 2 tickets").await;
    for said in ["It was done to 1 of 2 tickets.", "Somebody has changed it meanwhile"] {
        assert!(agent.text().contains(said), "{said}: {}", agent.text());
    }
    let client = &acme.agent.client;
    assert_eq!(client.again(&first).await["team"]["key"], "service-desk");
    assert_eq!(client.again(&second).await["team"]["key"], "network");
}

async fn tasks_are_listed_by_who_has_them(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("Mail does not open").await;
    let path = format!("/incidents/{}/tasks", number(&incident));
    for (title, team, assignee) in [
        ("Look at the cable", "network", json!(acme.agent.id)),
        ("Look at the switch", "network", Value::Null),
        ("Pay for it", "finance", Value::Null),
    ] {
        let mut task = json!({ "short_description": title, "team": team });
        if !assignee.is_null() {
            task["assignee"] = assignee;
        }
        let _ = acme.agent.client.post(&path, task).await.created();
    }
    let mut agent = desk.signed_in(&acme.agent.email).await;
    for (tab, query, found) in [
        ("Mine", "?of=mine", vec!["Look at the cable"]),
        ("Network", "?of=team-network", vec!["Look at the cable", "Look at the switch"]),
        ("All open", "", vec!["Look at the cable", "Look at the switch", "Pay for it"]),
    ] {
        agent.visit("/o/acme/desk/tasks").await.click(tab).await;
        assert_eq!(agent.path(), format!("/o/acme/desk/tasks{query}"));
        assert_eq!(agent.part("[aria-current=page]:not(nav *)"), tab);
        let rows = agent.html().matches("<th scope=\"row\">").count();
        assert_eq!(rows, found.len(), "{tab}: {}", agent.text());
        for title in found {
            assert!(agent.text().contains(title), "{title} in {tab}: {}", agent.text());
        }
    }
    // Teams of others are not among the tabs, and words are looked for where one is.
    assert!(!agent.links().contains(&"Finance".to_owned()), "{:?}", agent.links());
    agent.visit("/o/acme/desk/tasks?of=team-network&text=pay").await;
    assert!(agent.text().contains("No ticket matches the filter."), "{}", agent.text());
    assert_eq!(agent.attribute("[name=of]", "value").as_deref(), Some("team-network"));
    agent.visit("/o/acme/desk/tasks?of=nonsense").await;
    assert_eq!(agent.status(), StatusCode::NOT_FOUND);
}

async fn known_errors_are_listed_among_problems(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let client = &acme.agent.client;
    let known = analyzed(&acme, "Sound cards break").await;
    let texts = json!({ "symptom": "No sound", "workaround": "Use another card" });
    let _ = client.act(&known, "publish_known_error", texts).await.ok();
    let _ = suspect(&acme, "Screens flicker").await;
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit("/o/acme/desk/problems").await;
    assert!(agent.text().contains("Screens flicker"), "{}", agent.text());
    agent.click("Known errors").await;
    let text = agent.text();
    assert!(text.contains("Sound cards break") && !text.contains("Screens flicker"), "{text}");
    for (list, found) in [
        ("/problems?known_error=true", vec!["Sound cards break"]),
        ("/problems?known_error=false", vec!["Screens flicker"]),
        ("/tickets?kind=problem&kind=incident&known_error=true", vec!["Sound cards break"]),
        ("/incidents?known_error=true", vec![]),
    ] {
        let items = client.get(list).await.items();
        let titles = items.iter().map(|item| item["short_description"].as_str().unwrap());
        assert_eq!(titles.collect::<Vec<_>>(), found, "{list}");
    }
}

async fn a_queue_is_filtered_by_what_it_waits_for_and_shown_in_another_order(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let first = acme.report("The first report").await;
    desk.clock.advance(TimeDelta::minutes(1));
    let last = acme.report("The last report").await;
    desk.clock.advance(TimeDelta::minutes(1));
    let client = &acme.agent.client;
    let wait = json!({ "awaiting": "vendor", "vendor": "Print and Sons" });
    let _ = client.act(&last, "hold", wait).await.ok();
    desk.clock.advance(TimeDelta::minutes(1));
    let path = format!("/incidents/{}", number(&first));
    let edit = json!({ "description": "It smells, too" });
    let _ = client.patch(&path, first["version"].as_i64().unwrap(), edit).await.ok();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    for (query, is_first_first) in
        [("", true), ("?order=queue", true), ("?order=opened", false), ("?order=updated", true)]
    {
        agent.visit(&format!("/o/acme/desk/queue/all{query}")).await;
        let text = agent.text();
        let (first, last) = (text.find("The first report"), text.find("The last report"));
        assert_eq!(first < last, is_first_first, "{query}: {text}");
    }
    agent.visit("/o/acme/desk/queue/all?waiting_on=vendor").await;
    let text = agent.text();
    assert!(text.contains("The last report") && !text.contains("The first report"), "{text}");
    agent.fill("Name of the view", "Vendors").press("Save").await;
    assert!(agent.links().contains(&"Vendors 1".to_owned()), "{:?}", agent.links());
    let saved = client.get("/saved-views").await.items();
    assert_eq!(saved[0]["query"], "all?waiting_on=vendor");
    let newest = json!({ "name": "Newest", "query": "all?order=opened" });
    let _ = client.post("/saved-views", newest).await.created();
    for query in ["all?waiting_on=godot", "all?order=sideways"] {
        let wrong = json!({ "name": "Wrong", "query": query });
        assert_eq!(client.post("/saved-views", wrong).await.pointers(), ["/query"], "{query}");
    }
    agent.visit("/o/acme/desk/queue/all").await.click("Newest 2").await;
    assert_eq!(agent.path(), "/o/acme/desk/queue/all?order=opened");
}

async fn people_of_the_desk_keep_its_frame_where_they_vote_and_set_up(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    let mut requester = desk.signed_in(&acme.requester.email).await;
    for path in ["/o/acme/approvals", "/o/acme/approvals/nonsense", "/o/acme/me"] {
        agent.visit(path).await;
        assert_eq!(agent.attribute("body", "class").as_deref(), Some("desk"), "{path}");
        assert!(agent.html().contains("/assets/desk."), "{path} has keys");
        assert!(agent.links().contains(&"Queue".to_owned()), "{:?}", agent.links());
        requester.visit(path).await;
        assert_eq!(requester.attribute("body", "class").as_deref(), Some("portal"), "{path}");
        assert!(!requester.html().contains("/assets/desk."), "{path}");
    }
}
