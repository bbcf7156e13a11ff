//! The desk: queues, tickets, and everything that can be done to one.

use axum::http::StatusCode;
use serde_json::{Value, json};
use waypost_app::Clock;
use waypost_test_support::{Client, Guest, TestDesk, Visitor, on_both_engines};

use crate::policies::{asking, by_words, stage, suggesting};

on_both_engines! {
    a_ticket_is_taken_from_the_queue_answered_and_resolved
    why_a_ticket_is_here_is_what_the_api_explains
    what_the_desk_decided_by_itself_is_said_in_the_readers_language
    what_somebody_else_changed_is_shown_before_anything_is_lost
    what_was_written_is_shown_again_where_it_cannot_be_kept
    a_vote_is_cast_where_what_is_decided_is_shown
    what_is_not_edited_stays_as_it_is
    a_suggestion_is_taken
    a_ticket_is_opened_for_a_caller
    a_filter_that_finds_nothing_and_a_view_that_is_none_say_so
    several_tickets_are_acted_on_after_it_is_seen_what_each_would_refuse
    a_ticket_is_found_by_its_number_and_its_words
    a_search_says_how_many_it_found_as_far_as_they_are_listed
    a_history_calls_teams_and_services_by_their_names
    nobody_is_replied_to_where_a_ticket_is_for_nobody
    a_requester_sees_nothing_of_the_desk
    a_provider_works_at_its_clients_and_nowhere_else
    a_view_is_saved_counted_and_removed
    a_view_is_its_owners_alone
    a_view_that_a_program_saves_is_on_the_page_and_the_other_way_round
    who_is_not_of_the_team_says_who_begins
    the_room_of_a_major_incident_tells_who_leads_it_and_what_was_promised
    keys_and_colors_are_kept_in_the_browser
    what_if_says_what_an_edit_and_routing_again_would_come_to
    what_if_changes_nothing
}

async fn a_ticket_is_taken_from_the_queue_answered_and_resolved(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("Mail does not open").await;
    let mut agent = desk.signed_in(&acme.agent.email).await;
    assert_eq!(agent.path(), "/o/acme/desk/queue/unassigned");
    agent.click("Mail does not open").await.click("Start work").await;
    agent.press("Start work").await;
    assert!(agent.text().contains("Work has started."), "{}", agent.text());
    agent.fill("Reply to the requester", "We look at it.").press("Reply to the requester").await;
    assert!(agent.text().contains("Your reply is sent."), "{}", agent.text());
    agent.click("Resolve").await.fill("Code", "Fixed").press("Resolve").await;
    assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY);
    agent.fill("What was done", "Restarted the server").press("Resolve").await;
    assert!(agent.text().contains("It is resolved."), "{}", agent.text());
    let now = acme.agent.client.again(&incident).await;
    assert_eq!((&now["state"], &now["resolution"]["code"]), (&json!("resolved"), &json!("fixed")));
    assert_eq!(now["assignee"]["id"], acme.agent.id.as_str());
}

async fn why_a_ticket_is_here_is_what_the_api_explains(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let words = by_words(&[("password", json!({ "category": ["access", "password"] }))]);
    let _ = acme.bind("categorize", "keyword-categorizer", words).await;
    let incident = acme.report("I forgot my password").await;
    let explained = acme.agent.client.of(&incident, "explain").await.ok();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    let number = incident["number"].as_str().unwrap();
    agent.visit(&format!("/o/acme/desk/tickets/{number}")).await;
    let why = agent.part("#why");
    assert!(why.contains("Why here?"), "{why}");
    let said = |text: &str| assert!(why.contains(text), "{text}: {why}");
    for fact in explained["facts"].as_array().unwrap() {
        match fact["kind"].as_str().unwrap() {
            // The head of the page says it.
            "subject" => {}
            "team" => said(fact["team"].as_str().unwrap()),
            "priority" => said(&format!("P{}", fact["priority"])),
            "category" => said(fact["category"].as_str().unwrap()),
            "waiting" => said(fact["names"][0].as_str().unwrap()),
            other => panic!("{other} is not looked for"),
        }
        for reason in reasons(&fact["set_by"]) {
            said(&reason);
        }
    }
    said("categorize-keyword-categorizer r1 of acme");
    let decided = explained["decisions"].as_array().unwrap().len();
    said(if decided == 1 { "One decision" } else { "decisions" });
    // Nobody but the desk.
    let mut ada = desk.signed_in(&acme.requester.email).await;
    ada.visit(&format!("/o/acme/my/{number}")).await;
    assert!(!ada.text().contains("Why here?"), "{}", ada.text());
}

async fn what_the_desk_decided_by_itself_is_said_in_the_readers_language(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    for (name, position, set) in
        [("first", 10, json!({ "impact": 2 })), ("second", 20, json!({ "impact": 3 }))]
    {
        let words = by_words(&[("password", set)]);
        let _ = acme.bind_as(name, position, "categorize", "keyword-categorizer", words).await;
    }
    let trap = acme.admin.client.upload(Guest::new().before_answer("unreachable").build()).await;
    let _ = acme.bind_component("broken", 10, "route", &trap, json!({})).await;
    let incident = acme.report("I forgot my password").await;
    let mut agent = desk.signed_in(&acme.agent.email).await;
    let mut german = agent.clone().speaking("de");
    let page = format!("/o/acme/desk/tickets/{}", incident["number"].as_str().unwrap());
    for (reader, said) in [
        (
            &mut agent,
            [
                "wanted Impact: 3",
                "impact: policy “first” of acme has given it already",
                "instead: the organization's fallback team",
                "no policy set a team; assigned to the fallback team",
            ],
        ),
        (
            &mut german,
            [
                "wollte Auswirkung: 3",
                "Auswirkung: den Wert gab schon vorher: Regel „first“ von acme",
                "stattdessen: das Team der Organisation für alles, was sonst nichts zuteilt",
                "keine Regel hat ein Team gesetzt; es geht an das Team für alles",
            ],
        ),
    ] {
        reader.visit(&page).await;
        for text in said {
            assert!(reader.text().contains(text), "{text}: {}", reader.text());
        }
    }
}

/// The reasons of whoever set something.
fn reasons(set_by: &Value) -> Vec<String> {
    let all = set_by["policy"]["reasons"].as_array();
    all.into_iter().flatten().filter_map(|it| it.as_str().map(str::to_owned)).collect()
}

async fn what_somebody_else_changed_is_shown_before_anything_is_lost(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("Mail does not open").await;
    let number = incident["number"].as_str().unwrap();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit(&format!("/o/acme/desk/tickets/{number}/do/edit")).await;
    let priority = json!({ "priority": 1, "reason": "The board waits" });
    let _ = acme.second_agent.client.act(&incident, "set_priority", priority).await.ok();
    let edit = json!({ "short_description": "Mail does not open since ten" });
    let now = acme.agent.client.again(&incident).await;
    let path = format!("/incidents/{number}");
    let version = now["version"].as_i64().unwrap();
    let _ = acme.second_agent.client.patch(&path, version, edit).await.ok();
    agent.fill("Description", "My long text").press("Save").await;
    assert_eq!(agent.status(), StatusCode::CONFLICT);
    let text = agent.text();
    assert!(text.contains("Somebody else changed the ticket"), "{text}");
    assert!(text.contains("The board waits"), "{text}");
    assert!(agent.html().contains("My long text"), "{}", agent.html());
    agent.press("Save").await;
    assert_eq!(agent.status(), StatusCode::OK, "{}", agent.text());
    let now = acme.agent.client.again(&incident).await;
    assert_eq!(
        (&now["description"], &now["priority"]["value"]),
        (&json!("My long text"), &json!(1))
    );
}

async fn what_was_written_is_shown_again_where_it_cannot_be_kept(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("Mail does not open").await;
    let number = incident["number"].as_str().unwrap();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    let _ = acme.agent.client.act(&incident, "start", json!({})).await.ok();
    agent.visit(&format!("/o/acme/desk/tickets/{number}/do/resolve")).await;
    agent.fill("Code", "Fixed").fill("What was done", "A long story\nof two lines");
    let _ = acme.agent.client.act(&incident, "cancel", json!({ "reason": "A drill" })).await.ok();
    agent.press("Resolve").await;
    assert!(agent.status().is_client_error(), "{}", agent.status());
    assert!(agent.text().contains("What you wrote"), "{}", agent.text());
    assert!(agent.html().contains("A long story\r\nof two lines"), "{}", agent.html());
}

async fn a_vote_is_cast_where_what_is_decided_is_shown(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let chain = asking(&json!([stage("desk", &json!([{ "team_lead": "network" }]))]));
    let _ = acme.bind("plan", "approval-chain", chain).await;
    let request = acme.ask_for_laptop().await;
    let number = request["number"].as_str().unwrap();
    let mut agent = desk.signed_in(&acme.second_agent.email).await;
    agent.visit(&format!("/o/acme/desk/tickets/{number}/do/vote")).await;
    assert_eq!(agent.status(), StatusCode::NOT_FOUND);
    let same = [("sec-fetch-site", "same-origin")];
    agent.post(&format!("/o/acme/desk/tickets/{number}/do/vote"), &[], &same).await;
    assert_eq!(agent.status(), StatusCode::NOT_FOUND);
    agent.visit(&format!("/o/acme/desk/tickets/{number}")).await.click("Vote").await;
    agent.press("Agree").await;
    assert!(agent.text().contains("Your vote is cast."), "{}", agent.text());
    assert_eq!(acme.agent.client.again(&request).await["state"], "in_fulfilment");
}

async fn what_is_not_edited_stays_as_it_is(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let new = json!({
        "requester": acme.requester.id, "short_description": "Slow", "description": "a\nb",
        "category": "access/password", "service": "revenue-portal", "ci": "portal-web-1",
        "tags": ["vpn", "office"], "fields": { "floor": 3 }, "affected_users": 4,
    });
    let incident = acme.agent.client.post("/incidents", new).await.created();
    let number = incident["number"].as_str().unwrap();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit(&format!("/o/acme/desk/tickets/{number}/do/edit")).await.press("Save").await;
    assert_eq!(agent.status(), StatusCode::OK, "{}", agent.text());
    let same = acme.agent.client.again(&incident).await;
    assert_eq!(same["version"], incident["version"]);
    agent.visit(&format!("/o/acme/desk/tickets/{number}/do/edit")).await;
    agent.fill("Summary", "Slow again").press("Save").await;
    let now = acme.agent.client.again(&incident).await;
    assert_eq!(now["short_description"], "Slow again");
    for field in ["description", "category", "service", "ci", "tags", "fields", "affected_users"] {
        assert_eq!(now[field], incident[field], "{field}");
    }
}

async fn a_suggestion_is_taken(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let set = json!({ "category": ["access", "password"] });
    let _ = acme.bind("categorize", "keyword-categorizer", suggesting("password", &set)).await;
    let incident = acme.report("I forgot my password").await;
    let other = acme.report("My password, too").await;
    let mut agent = desk.signed_in(&acme.agent.email).await;
    let page =
        |ticket: &Value| format!("/o/acme/desk/tickets/{}", ticket["number"].as_str().unwrap());
    agent.visit(&page(&incident)).await;
    assert!(agent.text().contains("Category → access/password"), "{}", agent.text());
    agent.press("Accept Category").await;
    assert!(!agent.buttons().contains(&"Accept Category".to_owned()), "{:?}", agent.buttons());
    assert_eq!(acme.agent.client.again(&incident).await["category"], "access/password");
    agent.visit(&page(&other)).await.press("Dismiss Category").await;
    assert!(!agent.buttons().contains(&"Dismiss Category".to_owned()), "{:?}", agent.buttons());
    assert!(acme.agent.client.again(&other).await["category"].is_null());
}

async fn a_ticket_is_opened_for_a_caller(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit("/o/acme/desk/new").await;
    assert_eq!(agent.path(), "/o/acme/desk/new/incident");
    agent.fill("Requester", "nobody@acme.example").fill("Summary", "No sound");
    agent.press("Open the ticket").await;
    assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(agent.text().contains("is not in the organization"), "{}", agent.text());
    agent.fill("Requester", &acme.requester.email).fill("Category", "hardware");
    agent.fill("Impact", "3").press("Open the ticket").await;
    assert!(agent.path().starts_with("/o/acme/desk/tickets/INC"), "{}", agent.path());
    assert!(agent.text().contains("The ticket is open."), "{}", agent.text());
    let incident = acme.agent.client.get("/incidents").await.ok()["items"][0].clone();
    assert_eq!((&incident["channel"], &incident["impact"]), (&json!("phone"), &json!(3)));
    assert_eq!(incident["category"], "hardware");
    agent.visit("/o/acme/desk/new/problem").await.fill("Summary", "Sound cards break");
    agent.press("Open the ticket").await;
    assert!(agent.path().starts_with("/o/acme/desk/tickets/PRB"), "{}", agent.path());
}

async fn a_filter_that_finds_nothing_and_a_view_that_is_none_say_so(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    for title in ["First", "Second", "Third"] {
        let _ = acme.report(title).await;
    }
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit("/o/acme/desk/queue/all?text=second").await;
    assert!(agent.text().contains("1 found"), "{}", agent.text());
    agent.visit("/o/acme/desk/queue/all?text=nothing").await;
    assert!(agent.text().contains("No ticket matches the filter."), "{}", agent.text());
    agent.visit("/o/acme/desk/queue/team-network").await;
    assert_eq!(agent.status(), StatusCode::OK);
    agent.visit("/o/acme/desk/queue/nonsense").await;
    assert_eq!(agent.status(), StatusCode::NOT_FOUND);
    agent.visit("/o/acme/desk/queue/all?after=nonsense").await;
    assert_eq!(agent.status(), StatusCode::BAD_REQUEST);
}

async fn a_ticket_is_found_by_its_number_and_its_words(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("Mail does not open").await;
    let number = incident["number"].as_str().unwrap();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit(&format!("/o/acme/desk/search?text={}", number.to_lowercase())).await;
    assert_eq!(agent.path(), format!("/o/acme/desk/tickets/{number}"));
    agent.visit("/o/acme/desk/search?text=mail+does").await;
    assert!(agent.text().contains("Mail does not open"), "{}", agent.text());
    agent.visit("/o/acme/desk/search?text=INC0009999").await;
    assert!(agent.text().contains("Nothing was found."), "{}", agent.text());
}

async fn a_search_says_how_many_it_found_as_far_as_they_are_listed(desk: TestDesk) {
    // As a queue shows.
    const ON_A_PAGE: usize = 50;
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    for place in 0..=ON_A_PAGE {
        let _ = acme.report(&format!("Printer {place:02} is dead")).await;
    }
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit("/o/acme/desk/search?text=printer+0").await;
    assert!(agent.text().contains("10 found"), "{}", agent.text());
    agent.visit("/o/acme/desk/search?text=printer").await;
    assert!(agent.text().contains("50+ found"), "{}", agent.text());
    agent.click("Next page").await;
    assert_eq!(agent.html().matches("<th scope=\"row\">").count(), 1);
    assert!(!agent.text().contains("found"), "{}", agent.text());
}

async fn a_history_calls_teams_and_services_by_their_names(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("Mail does not open").await;
    let moved = acme.agent.client.act(&incident, "assign", json!({ "team": "network" })).await.ok();
    let number = incident["number"].as_str().unwrap();
    let (path, version) = (format!("/incidents/{number}"), moved["version"].as_i64().unwrap());
    let served = json!({ "service": "revenue-portal" });
    let _ = acme.agent.client.patch(&path, version, served).await.ok();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    let moved = acme.agent.client.again(&incident).await;
    let _ = acme.agent.client.act(&moved, "assign", json!({ "team": "finance" })).await.ok();
    // What has been stays told when the team works no more.
    let version = acme.admin.client.get("/teams/network").await.ok()["version"].as_i64().unwrap();
    let over = json!({ "active": false });
    let _ = acme.admin.client.patch("/teams/network", version, over).await.ok();
    let history = agent.visit(&format!("/o/acme/desk/tickets/{number}")).await.part("ol.entries");
    assert!(history.contains("Network") && history.contains("Revenue portal"), "{history}");
    assert!(!history.contains("network") && !history.contains("revenue-portal"), "{history}");
}

async fn nobody_is_replied_to_where_a_ticket_is_for_nobody(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("Mail does not open").await;
    let problem = json!({ "short_description": "Mail fails each Monday" });
    let problem = acme.agent.client.post("/problems", problem).await.created();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    for (ticket, label) in [(incident, "Reply to the requester"), (problem, "Comment")] {
        agent.visit(&format!("/o/acme/desk/tickets/{}", ticket["number"].as_str().unwrap())).await;
        agent.fill(label, "We look into it.").press(label).await;
        assert!(agent.text().contains("We look into it."), "{}", agent.text());
    }
}

async fn a_requester_sees_nothing_of_the_desk(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("Mail does not open").await;
    let number = incident["number"].as_str().unwrap();
    let mut ada = desk.signed_in(&acme.requester.email).await;
    for path in [
        "queue/all".to_owned(),
        "problems".to_owned(),
        "tasks".to_owned(),
        "search?text=mail".to_owned(),
        "new/incident".to_owned(),
        format!("tickets/{number}"),
        format!("tickets/{number}/do/assign"),
    ] {
        ada.visit(&format!("/o/acme/desk/{path}")).await;
        assert_eq!(ada.status(), StatusCode::FORBIDDEN, "{path}");
        assert!(ada.text().contains("for the people of the desk"), "{}", ada.text());
    }
    let fields = [("text", "I am the desk")];
    let same = [("sec-fetch-site", "same-origin")];
    ada.post(&format!("/o/acme/desk/tickets/{number}/do/note"), &fields, &same).await;
    assert_eq!(ada.status(), StatusCode::FORBIDDEN);
    ada.post(&format!("/o/acme/my/{number}/do/note"), &fields, &same).await;
    assert_eq!(ada.status(), StatusCode::FORBIDDEN);
    assert_eq!(acme.agent.client.again(&incident).await["version"], incident["version"]);
}

async fn a_provider_works_at_its_clients_and_nowhere_else(desk: TestDesk) {
    let harbor = desk.provider("harbor").await;
    let acme = desk.client_of("harbor", "acme").await;
    let other = desk.organization("other").await;
    desk.ignore_mail();
    let incident = acme.report("Mail does not open").await;
    let _ = other.report("Not theirs").await;
    let mut agent = desk.signed_in(&harbor.agent.email).await;
    assert_eq!(agent.path(), "/o/harbor/desk/queue/unassigned");
    // Nobody has to type the address of a client, and each has its color.
    let color = |visitor: &Visitor| visitor.attribute("header.top", "data-hue").unwrap();
    let own_color = color(&agent);
    agent.click("Organizations").await;
    assert!(!agent.links().iter().any(|words| words.contains("other")), "{:?}", agent.links());
    agent.click("acme").await;
    assert_eq!(agent.path(), "/o/acme/desk/queue/all");
    assert_ne!(color(&agent), own_color);
    agent.click("Organizations").await.click("harbor").await;
    assert_eq!(agent.path(), "/o/harbor/desk/queue/all");
    assert_eq!(color(&agent), own_color);
    let local = desk.signed_in(&acme.agent.email).await;
    assert!(!local.links().contains(&"Organizations".to_owned()), "there is one only");
    agent.visit("/o/acme/desk/queue/all").await.click("Mail does not open").await;
    agent.fill("Internal note", "Looked at it").press("Internal note").await;
    assert!(agent.text().contains("Looked at it"), "{}", agent.text());
    let comments = acme.agent.client.of(&incident, "comments").await.items();
    assert_eq!(comments[0]["visibility"], "internal", "{comments:?}");
    let number = incident["number"].as_str().unwrap();
    agent.visit(&format!("/o/harbor/desk/tickets/{number}")).await;
    assert_eq!(agent.status(), StatusCode::NOT_FOUND);
    agent.visit("/o/other/desk/queue/all").await;
    assert_eq!(agent.status(), StatusCode::NOT_FOUND);
    // A provider's requester is nobody at its clients.
    let mut requester = desk.signed_in(&harbor.requester.email).await;
    requester.visit("/o/acme/home").await;
    assert_eq!(requester.status(), StatusCode::NOT_FOUND);
    requester.visit("/o/harbor/home").await;
    assert!(!requester.links().contains(&"Organizations".to_owned()), "they work nowhere");
    requester.visit("/o/harbor/desk/organizations").await;
    assert_eq!(requester.status(), StatusCode::FORBIDDEN);
}

async fn several_tickets_are_acted_on_after_it_is_seen_what_each_would_refuse(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let (first, second, over) =
        (acme.report("First").await, acme.report("Second").await, acme.report("Over").await);
    let client = &acme.agent.client;
    let _ = client.act(&over, "cancel", json!({ "reason": "A drill" })).await.ok();
    let number = |ticket: &Value| ticket["number"].as_str().unwrap().to_owned();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit("/o/acme/desk/queue/all").await;
    assert!(agent.text().contains("With the chosen tickets:"), "{}", agent.text());
    let chosen = [&first, &second, &over].map(|ticket| format!("&ticket={}", number(ticket)));
    agent.visit(&format!("/o/acme/desk/bulk?action=assign{}", chosen.concat())).await;
    assert!(agent.text().contains("possible for 2 of the 3 selected tickets"), "{}", agent.text());
    assert_eq!(client.again(&first).await["version"], first["version"]);
    agent.press("Do it to 2 tickets").await;
    assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        agent.text().contains("Choose the team; it is needed even if only the assignee changes."),
        "{}",
        agent.text()
    );
    agent.fill("Team", "Network").press_twice("Do it to 2 tickets").await;
    // Sent twice, it leads back to the queue.
    assert_eq!(agent.path(), "/o/acme/desk/queue/all");
    for ticket in [&first, &second] {
        let now = client.again(ticket).await;
        assert_eq!(now["team"]["key"], "network");
        assert_eq!(now["version"], ticket["version"].as_i64().unwrap() + 1);
    }
    assert_eq!(client.again(&over).await["state"], "cancelled");
    agent.visit("/o/acme/desk/bulk?action=assign").await;
    assert!(agent.text().contains("Nothing was chosen"), "{}", agent.text());
    agent.visit(&format!("/o/acme/desk/bulk?action=dance&ticket={}", number(&first))).await;
    assert_eq!(agent.status(), StatusCode::BAD_REQUEST);
}

async fn a_view_is_saved_counted_and_removed(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    for title in ["Nothing prints", "Printer & fax = dead", "Mail does not open"] {
        let _ = acme.report(title).await;
    }
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit("/o/acme/desk/queue/all").await;
    assert!(!agent.buttons().contains(&"Save".to_owned()), "there is nothing to save yet");
    agent.visit("/o/acme/desk/queue/all?text=print").await;
    agent.press("Save").await;
    assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(agent.text().contains("Give the view a name."), "{}", agent.text());
    agent.fill("Name of the view", "Printers").press("Save").await;
    assert!(agent.links().contains(&"Printers 2".to_owned()), "{:?}", agent.links());
    assert_eq!(agent.part("[aria-current=page]:not(nav *)"), "Printers 2");
    agent.visit("/o/acme/desk/queue/all?text=%26%20fax%20%3D").await;
    agent.fill("Name of the view", "Printers").press("Save").await;
    assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(agent.text().contains("choose another name"), "{}", agent.text());
    agent.fill("Name of the view", "Odd").press("Save").await;
    assert!(agent.links().contains(&"Odd 1".to_owned()), "{:?}", agent.links());
    agent.click("Printers 2").await;
    assert_eq!(agent.html().matches("<th scope=\"row\">").count(), 2);
    agent.press("Remove this view from my tabs").await;
    assert!(agent.text().contains("The view is removed from your tabs."), "{}", agent.text());
    let links = agent.links();
    assert!(links.contains(&"Odd 1".to_owned()) && !links.contains(&"Printers 2".to_owned()));
    agent.visit("/o/acme/desk/queue/all?text=%00").await;
    assert_eq!(agent.status(), StatusCode::BAD_REQUEST);
    for path in ["team-x%2F..%2F..", "team-"] {
        agent.visit(&format!("/o/acme/desk/queue/{path}")).await;
        assert_eq!(agent.status(), StatusCode::NOT_FOUND, "{path}");
    }
    for (query, status) in [
        ("nonsense?text=a", StatusCode::BAD_REQUEST),
        ("//evil.example", StatusCode::BAD_REQUEST),
        ("", StatusCode::BAD_REQUEST),
    ] {
        let fields = [("query", query), ("name", "x")];
        agent.post("/o/acme/desk/views", &fields, &[]).await;
        assert_eq!(agent.status(), status, "{query}");
    }
}

async fn a_view_is_its_owners_alone(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    let mut admin = desk.signed_in(&acme.admin.email).await;
    agent.visit("/o/acme/desk/queue/all?priority=1").await;
    agent.fill("Name of the view", "Mine alone").press("Save").await;
    let form = agent.attribute("form[action*=views]", "action").unwrap();
    admin.visit("/o/acme/desk/queue/all?priority=1").await;
    assert!(!admin.text().contains("Mine alone"), "{}", admin.text());
    admin.post(&form, &[], &[]).await;
    assert_eq!(admin.status(), StatusCode::NOT_FOUND);
    let mut requester = desk.signed_in(&acme.requester.email).await;
    let fields = [("query", "all?priority=1"), ("name", "x")];
    requester.post("/o/acme/desk/views", &fields, &[]).await;
    assert_eq!(requester.status(), StatusCode::FORBIDDEN);
    for name in 1..20 {
        let name = name.to_string();
        agent
            .post(
                "/o/acme/desk/views",
                &[("query", &format!("all?text={name}")), ("name", &format!("View {name}"))],
                &[],
            )
            .await;
        assert_eq!(agent.status(), StatusCode::OK, "{name}");
    }
    agent
        .post("/o/acme/desk/views", &[("query", "all?priority=3"), ("name", "One more")], &[])
        .await;
    assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(agent.text().contains("remove one of them first"), "{}", agent.text());
}

async fn a_view_that_a_program_saves_is_on_the_page_and_the_other_way_round(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let _ = acme.report("Nothing prints").await;
    let client = &acme.agent.client;
    // Written in another way than the page does.
    let new = json!({ "name": "Printers", "query": "all?priority=5&text=print" });
    let saved = client.post("/saved-views", new.clone()).await.created();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit("/o/acme/desk/queue/all").await.click("Printers 1").await;
    assert_eq!(agent.part("[aria-current=page]:not(nav *)"), "Printers 1");
    assert!(agent.buttons().contains(&"Remove this view from my tabs".to_owned()));
    agent.visit("/o/acme/desk/queue/all?state=new").await;
    agent.fill("Name of the view", "Fresh").press("Save").await;
    let listed = client.get("/saved-views").await.items();
    assert_eq!(listed[0], saved);
    assert_eq!(
        (&listed[1]["name"], &listed[1]["query"]),
        (&json!("Fresh"), &json!("all?state=new"))
    );
    // What the page refuses is refused.
    assert_eq!(client.post("/saved-views", new).await.pointers(), ["/query"]);
    // However it is written.
    let same = json!({ "name": "Again", "query": "all?state=&text=%70rint&priority=5" });
    assert_eq!(client.post("/saved-views", same).await.pointers(), ["/query"]);
    for query in ["nonsense", "all?colour=red", "all?state=asleep"] {
        let wrong = json!({ "name": "Wrong", "query": query });
        assert_eq!(client.post("/saved-views", wrong).await.pointers(), ["/query"], "{query}");
    }
    let removed = |id: &Value| format!("/saved-views/{}/remove", id.as_str().unwrap());
    let path = removed(&listed[1]["id"]);
    assert_eq!(acme.second_agent.client.post(&path, json!({})).await.slug(), "not-found");
    assert!(acme.second_agent.client.get("/saved-views").await.items().is_empty());
    assert_eq!(acme.requester.client.get("/saved-views").await.slug(), "forbidden");
    let token = json!({ "name": "monitoring", "role": "agent" });
    let secret = acme.admin.client.post("/tokens", token).await.created()["secret"].take();
    let program = desk.client(secret.as_str().unwrap());
    let refused = program.get("/saved-views").await;
    assert_eq!(refused.slug(), "forbidden");
    assert!(refused.text.contains("use a token that acts for one"), "{}", refused.text);
    let _ = client.post(&path, json!({})).await.with(StatusCode::NO_CONTENT);
    agent.visit("/o/acme/desk/queue/all").await;
    assert!(!agent.text().contains("Fresh"), "{}", agent.text());
}

async fn who_is_not_of_the_team_says_who_begins(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("Mail does not open").await;
    assert_eq!(incident["team"]["key"], "service-desk");
    let outsider = &acme.second_agent;
    let lacks = async |who: &Client| {
        let actions = who.of(&incident, "actions").await.items();
        let start = actions.into_iter().find(|one| one["action"] == "start");
        start.map(|start| start["lacks"].clone())
    };
    assert_eq!(lacks(&acme.agent.client).await, Some(json!([])));
    assert_eq!(lacks(&outsider.client).await, Some(json!(["/assignee"])));
    let refused = outsider.client.act(&incident, "start", json!({})).await;
    assert_eq!((refused.slug(), refused.pointers()), ("missing-fields", vec!["/assignee"]));
    let mut visitor = desk.signed_in(&outsider.email).await;
    let page = format!("/o/acme/desk/tickets/{}", incident["number"].as_str().unwrap());
    visitor.visit(&page).await.click("Start work").await.press("Start work").await;
    assert_eq!(visitor.status(), StatusCode::UNPROCESSABLE_ENTITY, "{}", visitor.text());
    let offered = visitor.part("select[name=assignee]");
    assert_eq!(offered, "Please choose agent of acme", "nobody else works in the team");
    visitor.fill("Assignee", "agent of acme").press("Start work").await;
    let begun = outsider.client.again(&incident).await;
    assert_eq!(
        (&begun["state"], &begun["assignee"]["id"]),
        (&json!("in_progress"), &json!(acme.agent.id))
    );
    // What is assigned stays with whom it has.
    let second = acme.report("Nothing prints").await;
    let input = json!({ "team": "service-desk", "assignee": acme.agent.id });
    let _ = acme.admin.client.act(&second, "assign", input).await.ok();
    let begun = outsider.client.act(&second, "start", json!({})).await.ok();
    assert_eq!(begun["assignee"]["id"], acme.agent.id.as_str());
    // What its team has nobody for goes to another team first.
    let third = acme.report("No sound").await;
    let version = acme.admin.client.get("/teams/service-desk").await.ok()["version"].as_i64();
    let nobody = json!({ "members": [] });
    let _ = acme.admin.client.patch("/teams/service-desk", version.unwrap(), nobody).await.ok();
    let actions = acme.agent.client.of(&third, "actions").await.items();
    let start = actions.iter().find(|one| one["action"] == "start").unwrap();
    assert_eq!(start["lacks"], json!(["/team"]));
    visitor.visit(&format!("/o/acme/desk/tickets/{}", third["number"].as_str().unwrap())).await;
    visitor.click("Start work").await;
    assert_eq!(visitor.status(), StatusCode::OK, "{}", visitor.text());
}

async fn the_room_of_a_major_incident_tells_who_leads_it_and_what_was_promised(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("Nothing works").await;
    let number = incident["number"].as_str().unwrap();
    let room = format!("/o/acme/desk/major/{number}");
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit(&room).await;
    assert_eq!(agent.status(), StatusCode::NOT_FOUND, "it is an incident as any other");
    let client = &acme.agent.client;
    let _ =
        client.act(&incident, "propose_major", json!({ "reason": "All stand still" })).await.ok();
    let child = acme.report("Nothing works here either").await;
    let edit = json!({ "parent": number });
    let path = format!("/incidents/{}", child["number"].as_str().unwrap());
    let _ = client.patch(&path, child["version"].as_i64().unwrap(), edit).await.ok();
    agent.visit(&format!("/o/acme/desk/tickets/{number}")).await;
    agent.click("Major: proposed").await;
    assert_eq!(agent.path(), room);
    assert!(agent.text().contains("Nothing works here either"), "{}", agent.text());
    let next = desk.clock.now() + chrono::TimeDelta::minutes(30);
    let leaders = json!({
        "manager": acme.agent.id, "communication_owner": acme.admin.id,
        "next_update_at": next.to_rfc3339(),
    });
    let _ = acme.admin.client.act(&incident, "accept_major", leaders).await.ok();
    agent.visit(&room).await;
    let told = agent.part(".room");
    for said in ["agent of acme", "admin of acme", "in 30 min"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    desk.clock.advance(chrono::TimeDelta::hours(1));
    agent.visit(&room).await;
    assert!(agent.part(".room").contains("overdue"), "{}", agent.part(".room"));
    agent.press("Send the update").await;
    assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY);
    agent.visit(&room).await;
    agent.fill("Text", "We found the cause.").fill("Next update", "2100-01-01T10:00");
    agent.press("Send the update").await;
    assert_eq!(agent.path().split('?').next(), Some(room.as_str()), "{}", agent.text());
    assert!(agent.text().contains("We found the cause."), "{}", agent.text());
    assert!(!agent.part(".room").contains("overdue"), "{}", agent.part(".room"));
}

async fn keys_and_colors_are_kept_in_the_browser(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit("/o/acme/desk/queue/all").await;
    assert!(agent.html().contains("data-theme=\"system\"") && agent.html().contains("/desk."));
    agent.visit("/o/acme/me").await.fill("Dark", "").fill("No", "").press("Save").await;
    agent.visit("/o/acme/desk/queue/all").await;
    assert!(agent.html().contains("data-theme=\"dark\""), "{}", agent.html());
    assert!(!agent.html().contains("/assets/desk."), "keys are off");
    agent.visit("/o/acme/me").await.fill("More contrast", "").press("Save").await;
    assert!(agent.html().contains("data-theme=\"contrast\""), "{}", agent.html());
    let mut requester = desk.signed_in(&acme.requester.email).await;
    requester.visit("/o/acme/me").await;
    assert!(!requester.text().contains("Single keys"), "the portal has none");
}

/// What is most urgent goes to the network team.
fn big_ones_to_network() -> Value {
    json!({ "rules": [
        { "name": "big ones", "when": { "priority": { "to": 1 } }, "to": { "team": "network" } },
    ] })
}

async fn what_if_says_what_an_edit_and_routing_again_would_come_to(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let _ = acme.bind("route", "team-router", big_ones_to_network()).await;
    let incident = acme.report("Nothing works").await;
    let number = incident["number"].as_str().unwrap();
    let client = &acme.agent.client;
    let asked = json!({ "impact": 1, "urgency": 1 });
    let path = format!("/incidents/{number}/what-if");
    let told = client.post(&path, asked.clone()).await.ok();
    assert_eq!((&told["before"]["priority"], &told["after"]["priority"]), (&json!(5), &json!(1)));
    assert_eq!(told["before"]["team"]["key"], "service-desk");
    assert_eq!(told["after"]["team"]["key"], "network");
    let reasons = told["reasons"].to_string();
    assert!(reasons.contains("big ones"), "{reasons}");
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit(&format!("/o/acme/desk/tickets/{number}")).await.click("What if?").await;
    agent.visit(&format!("{}?impact=1&urgency=1&_was/impact=&_was/urgency=", agent.path())).await;
    let answer = agent.part("#answer");
    for said in ["Priority P5 P1", "Team Service desk Network", "big ones"] {
        assert!(answer.contains(said), "{said}: {answer}");
    }
    // And so it comes.
    let now = client.again(&incident).await;
    let path = format!("/incidents/{number}");
    let edited = client.patch(&path, now["version"].as_i64().unwrap(), asked).await.ok();
    assert_eq!(edited["priority"]["value"], told["after"]["priority"]);
    let routed = client.act(&incident, "reroute", json!({})).await.ok();
    assert_eq!(routed["team"], told["after"]["team"]);
    // What an edit would refuse is refused.
    let wrong = client.post(&format!("{path}/what-if"), json!({ "impact": 9 })).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    agent.visit(&format!("/o/acme/desk/tickets/{number}/what-if?category=nonsense")).await;
    assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let refused = acme.requester.client.post(&format!("{path}/what-if"), json!({})).await;
    assert_eq!(refused.status, 403);
}

async fn what_if_changes_nothing(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let _ = acme.bind("route", "team-router", big_ones_to_network()).await;
    let incident = acme.report("Nothing works").await;
    let number = incident["number"].as_str().unwrap();
    let before = (
        acme.agent.client.again(&incident).await,
        acme.agent.client.of(&incident, "receipts").await.ok(),
    );
    let mut agent = desk.signed_in(&acme.agent.email).await;
    desk.pages_settle().await;
    let commits = desk.store.stats();
    let asked = json!({ "impact": 1, "urgency": 1 });
    let _ = acme.agent.client.post(&format!("/incidents/{number}/what-if"), asked).await.ok();
    let page = format!("/o/acme/desk/tickets/{number}/what-if?impact=1&urgency=1");
    agent.visit(&page).await;
    assert_eq!(agent.status(), StatusCode::OK);
    desk.pages_settle().await;
    assert_eq!(desk.store.stats().since(commits).commits, 0);
    let after = (
        acme.agent.client.again(&incident).await,
        acme.agent.client.of(&incident, "receipts").await.ok(),
    );
    assert_eq!(before, after);
}
