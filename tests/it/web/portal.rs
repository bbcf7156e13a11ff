//! The portal: reporting, asking, following what becomes of it, deciding.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::json;
use waypost_test_support::{TestDesk, link_in, on_both_engines};

use crate::{
    majors::{accepted, in_minutes},
    policies::{asking, stage, telling},
};

on_both_engines! {
    a_trouble_is_reported_followed_and_confirmed_to_be_solved
    what_is_not_solved_is_reopened
    a_report_like_an_open_ticket_of_ones_own_is_asked_about_before_it_is_sent
    what_is_down_is_told_of_to_whoever_is_about_to_report_it
    a_form_that_is_refused_keeps_what_was_written
    a_form_that_is_sent_twice_is_carried_out_once
    a_laptop_is_ordered_and_its_order_decided
    a_basket_of_three_is_sent_together
    what_the_desk_refuses_of_a_basket_stays_in_it_and_says_why
    a_letter_leads_to_the_ticket_or_to_the_votes_it_is_about
    a_voter_reads_what_is_done_at_yes_and_the_ticket_itself
    ones_own_tickets_are_told_apart_by_where_they_stand
    a_stand_in_is_appointed_and_decides
    ones_own_stand_in_is_shown_however_many_others_there_were
    a_person_reads_pages_in_their_language_and_zone
    a_page_that_has_not_changed_is_not_sent_again
    a_request_is_revised_with_other_answers
    a_text_as_long_as_any_may_be_arrives
}

async fn a_trouble_is_reported_followed_and_confirmed_to_be_solved(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut ada = desk.signed_in(&acme.requester.email).await;
    assert_eq!(ada.path(), "/o/acme/home");
    ada.click("Report a problem").await;
    ada.fill("What is wrong?", "Mail does not open");
    ada.fill("What happens", "A white window.\nSince this morning.");
    ada.fill("Which service", "Revenue portal").press("Send").await;
    assert!(ada.path().starts_with("/o/acme/my/INC"), "{}", ada.path());
    assert!(ada.text().contains("Thank you, we have received it."), "{}", ada.text());
    assert!(ada.text().contains("Mail does not open"), "{}", ada.text());
    let incident = acme.agent.client.get("/incidents").await.ok()["items"][0].clone();
    assert_eq!(incident["channel"], "portal");
    assert_eq!(incident["service"]["key"], "revenue-portal");
    assert_eq!(incident["description"], "A white window.\nSince this morning.");
    assert_eq!(incident["requester"]["id"], acme.requester.id.as_str());

    ada.fill("Your message", "It is urgent").press("Send").await;
    assert!(ada.text().contains("Your message is sent"), "{}", ada.text());
    let agent = &acme.agent.client;
    let _ = agent.act(&incident, "start", json!({})).await.ok();
    let _ = agent.act(&incident, "comment", json!({ "text": "We restart it." })).await.ok();
    let _ = agent.act(&incident, "note", json!({ "text": "Always this server." })).await.ok();
    let resolving = json!({ "resolution_code": "fixed", "resolution_notes": "Restarted" });
    let _ = agent.act(&incident, "resolve", resolving).await.ok();

    ada.visit("/o/acme/home").await;
    assert!(ada.text().contains("Waiting for you"), "{}", ada.text());
    ada.click("Mail does not open").await;
    let text = ada.text();
    for told in ["We restart it.", "It is urgent", "Solved", "Restarted"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(!text.contains("Always this server"), "{text}");
    ada.press("Yes, it works").await;
    assert!(ada.text().contains("It is closed. Thank you."), "{}", ada.text());
    assert_eq!(agent.again(&incident).await["state"], "closed");
}

async fn what_is_not_solved_is_reopened(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("The printer jams").await;
    let agent = &acme.agent.client;
    let resolving = json!({ "resolution_code": "fixed", "resolution_notes": "Cleaned" });
    let _ = agent.act(&incident, "start", json!({})).await.ok();
    let _ = agent.act(&incident, "resolve", resolving).await.ok();
    let mut ada = desk.signed_in(&acme.requester.email).await;
    ada.click("The printer jams").await.click("No, it is not solved").await;
    // Without a reason it is asked again, at its field.
    ada.press("No, it is not solved").await;
    assert_eq!(ada.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(ada.text().contains("Give the reason for reopening it."), "{}", ada.text());
    ada.fill("Reason", "It jams again").press("No, it is not solved").await;
    assert!(ada.text().contains("It is open again."), "{}", ada.text());
    assert_eq!(agent.again(&incident).await["state"], "in_progress");
}

async fn a_report_like_an_open_ticket_of_ones_own_is_asked_about_before_it_is_sent(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let before = acme.report("The warehouse scanner is slow").await;
    let mut ada = desk.signed_in(&acme.requester.email).await;
    ada.visit("/o/acme/report").await.fill("What is wrong?", "Scanner broken in the warehouse");
    ada.fill("What happens", "Nothing at all").press("Send").await;
    assert!(ada.text().contains("Is it one of these?"), "{}", ada.text());
    assert!(ada.text().contains("The warehouse scanner is slow"), "{}", ada.text());
    assert!(ada.text().contains("Nothing at all"), "{}", ada.text());
    let all = acme.agent.client.get("/incidents").await.ok()["items"].as_array().unwrap().len();
    assert_eq!(all, 1);
    ada.press("No, send it as a new ticket").await;
    assert!(ada.path().starts_with("/o/acme/my/INC"), "{}", ada.path());
    let all = acme.agent.client.get("/incidents").await.ok()["items"].clone();
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(all[0]["description"], "Nothing at all");
    assert_ne!(all[0]["number"], before["number"]);
}

async fn what_is_down_is_told_of_to_whoever_is_about_to_report_it(desk: TestDesk) {
    let (acme, bolt) = (desk.organization("acme").await, desk.organization("bolt").await);
    desk.ignore_mail();
    let known = accepted(&acme, "The warehouse scanner is slow").await;
    let number = known["number"].as_str().unwrap();
    let _ = accepted(&bolt, "Every warehouse scanner melts").await;
    let proposed = acme.report("A warehouse scanner smells").await;
    let agent = &acme.agent.client;
    let why = json!({ "reason": "all of them" });
    let _ = agent.act(&proposed, "propose_major", why).await.ok();
    let next_update_at = in_minutes(&desk, 60);
    let update = json!({ "text": "A switch is replaced.", "next_update_at": next_update_at });
    let _ = agent.act(&known, "update_major", update).await.ok();

    // Whoever did not report it may not read it.
    let mut ben = desk.signed_in(&acme.manager.email).await;
    ben.visit(&format!("/o/acme/my/{number}")).await;
    assert_eq!(ben.status(), StatusCode::NOT_FOUND);
    for page in ["/o/acme/home", "/o/acme/report"] {
        let text = ben.visit(page).await.text();
        for told in ["What is down now", "The warehouse scanner is slow", "A switch is replaced."] {
            assert!(text.contains(told), "{told} on {page}: {text}");
        }
        for hidden in ["melts", "smells"] {
            assert!(!text.contains(hidden), "{hidden} on {page}: {text}");
        }
    }
    ben.fill("What is wrong?", "Scanner broken in the warehouse").press("Send").await;
    let text = ben.text();
    for told in ["Is it one of these?", "you need not send anything", "The warehouse scanner"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(!text.contains("melts") && !text.contains("smells"), "{text}");
    ben.press("No, send it as a new ticket").await;
    assert!(ben.path().starts_with("/o/acme/my/INC"), "{} {}", ben.path(), ben.text());
    assert!(!ben.text().contains("Part of a major incident"), "{}", ben.text());

    let own = acme.manager.client.get("/incidents").await.items().remove(0);
    let path = format!("/incidents/{}", own["number"].as_str().unwrap());
    let parent = json!({ "parent": number });
    let _ = agent.patch(&path, own["version"].as_i64().unwrap(), parent).await.ok();
    ben.visit(&format!("/o/acme/my/{}", own["number"].as_str().unwrap())).await;
    let text = ben.text();
    for told in ["Part of a major incident", number, "A switch is replaced."] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

async fn a_form_that_is_refused_keeps_what_was_written(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut ada = desk.signed_in(&acme.requester.email).await;
    ada.visit("/o/acme/report").await.fill("What happens", "It smokes & \"burns\" <here>");
    ada.press("Send").await;
    assert_eq!(ada.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(ada.text().contains("Please correct this"), "{}", ada.text());
    assert!(ada.links().contains(&"What is wrong?".to_owned()), "{:?}", ada.links());
    assert!(ada.html().contains("<title>Not sent: Report a problem"), "{}", ada.html());
    assert!(
        ada.html().contains("It smokes &#38; &#34;burns&#34; &#60;here&#62;"),
        "{}",
        ada.html()
    );
    assert!(acme.agent.client.get("/incidents").await.ok()["items"].as_array().unwrap().is_empty());
}

async fn a_form_that_is_sent_twice_is_carried_out_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut ada = desk.signed_in(&acme.requester.email).await;
    ada.visit("/o/acme/report").await.fill("What is wrong?", "The printer smokes");
    ada.press_twice("Send").await;
    assert!(ada.path().starts_with("/o/acme/my/INC"), "{}", ada.path());
    let all = acme.agent.client.get("/incidents").await.ok()["items"].as_array().unwrap().len();
    assert_eq!(all, 1);
    // Another text from the same page is another message.
    let page = ada.clone();
    ada.fill("Your message", "First").press("Send").await;
    let mut back = page;
    back.fill("Your message", "Second").press("Send").await;
    assert!(back.text().contains("First") && back.text().contains("Second"), "{}", back.text());
}

async fn a_laptop_is_ordered_and_its_order_decided(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut ada = desk.signed_in(&acme.requester.email).await;
    ada.visit("/o/acme/search?q=dock").await.click("Laptop").await;
    assert!(ada.text().contains("1,500.00 EUR"), "{}", ada.text());
    ada.press("Send the request").await;
    assert_eq!(ada.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(ada.links().contains(&"Which model?".to_owned()), "{:?}", ada.links());
    ada.fill("strong", "").fill("Quantity", "2").press("Send the request").await;
    assert!(ada.path().starts_with("/o/acme/my/REQ"), "{} {}", ada.path(), ada.text());
    assert!(ada.text().contains("3,000.00 EUR"), "{}", ada.text());
    let request = acme.agent.client.get("/requests").await.ok()["items"][0].clone();
    assert_eq!(request["request"]["answers"]["model"], "strong");
    assert_eq!(request["request"]["quantity"], 2);
}

async fn a_basket_of_three_is_sent_together(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let chain = asking(&json!([stage("manager", &json!(["manager"]))]));
    let _ = acme.bind("plan", "approval-chain", chain).await;
    let mut ada = desk.signed_in(&acme.requester.email).await;
    ada.visit("/o/acme/basket").await;
    assert!(ada.text().contains("Your basket is empty."), "{}", ada.text());
    // What is asked for is asked before anything is put into it.
    ada.visit("/o/acme/catalog/laptop").await.press("Put into the basket").await;
    assert_eq!(ada.status(), StatusCode::UNPROCESSABLE_ENTITY, "{}", ada.text());
    assert!(ada.text().contains("Which model? : Answer"), "{}", ada.text());
    for (model, quantity) in [("light", "1"), ("strong", "2"), ("light", "1")] {
        ada.visit("/o/acme/catalog/laptop").await.fill(model, "").fill("Quantity", quantity);
        ada.press("Put into the basket").await;
        assert_eq!(ada.status(), StatusCode::OK, "{}", ada.text());
    }
    assert!(ada.text().contains("6,000.00 EUR"), "{}", ada.text());
    // One is taken out again.
    ada.click("Remove REQ0000003").await.fill("Reason", "One is enough");
    ada.press("Not needed any more").await;
    ada.visit("/o/acme/basket").await;
    assert!(ada.text().contains("4,500.00 EUR"), "{}", ada.text());
    ada.press_twice("Send all requests").await;
    let requests = acme.agent.client.get("/requests").await.ok()["items"].clone();
    let states: Vec<&str> =
        requests.as_array().unwrap().iter().map(|it| it["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["cancelled", "awaiting_approval", "awaiting_approval"]);
    ada.visit("/o/acme/basket").await;
    assert!(ada.text().contains("Your basket is empty."), "{}", ada.text());
}

async fn a_letter_leads_to_the_ticket_or_to_the_votes_it_is_about(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let chain = asking(&json!([stage("manager", &json!(["manager"]))]));
    let _ = acme.bind("plan", "approval-chain", chain).await;
    let rules = json!({ "rules": [
        telling("received", "created", &json!(["requester"])),
        telling("please", "approval_requested", &json!(["approvers"])),
    ] });
    let _ = acme.bind("notify", "stakeholder-notifier", rules).await;
    let asked = acme.ask_for_laptop().await;
    let number = asked["number"].as_str().unwrap();
    let letters = desk.letters().await;
    let link_of = |subject: &str| {
        let named = format!("{subject} {number}");
        let letter = letters.iter().find(|letter| letter.subject == named);
        link_in(&letter.unwrap_or_else(|| panic!("{named}: {letters:?}")).body).to_owned()
    };
    assert_eq!(link_of("please"), "/o/acme/approvals");
    let link = link_of("received");
    assert_eq!(link, format!("/o/acme/tickets/{number}"));

    desk.ignore_mail();
    for (person, page) in [(&acme.requester, "my"), (&acme.agent, "desk/tickets")] {
        let mut visitor = desk.signed_in(&person.email).await;
        visitor.visit(&link).await;
        assert_eq!(visitor.path(), format!("/o/acme/{page}/{number}"));
        assert_eq!(visitor.status(), StatusCode::OK, "{}", visitor.text());
        let text = visitor.text();
        assert!(!text.contains("approval/"), "{text}");
        assert_eq!(text.contains("manager: manager of acme asked"), page != "my", "{text}");
    }
    // Whoever is not signed in comes there behind signing in.
    let mut visitor = desk.visitor();
    visitor.visit(&link).await;
    let next = format!("/sign-in?next={link}");
    assert_eq!(visitor.path(), next);
}

async fn what_the_desk_refuses_of_a_basket_stays_in_it_and_says_why(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let chain = asking(&json!([stage("manager", &json!(["manager"]))]));
    let _ = acme.bind("plan", "approval-chain", chain).await;
    let admin = &acme.admin.client;
    let mouse = json!({ "key": "mouse", "name": "Mouse", "description": "A mouse" });
    let _ = admin.post("/catalog-items", mouse).await.created();
    let mut ada = desk.signed_in(&acme.requester.email).await;
    ada.visit("/o/acme/catalog/laptop").await.fill("light", "").press("Put into the basket").await;
    ada.visit("/o/acme/catalog/mouse").await.press("Put into the basket").await;
    // Meanwhile the laptop's form asks for more.
    let laptop = admin.get("/catalog-items/laptop").await.ok();
    let mut form = laptop["form"].clone();
    form.as_array_mut().unwrap().push(json!({
        "field": "why", "label": "What is it for?", "kind": "text", "required": true,
    }));
    let version = laptop["version"].as_i64().unwrap();
    let _ = admin.patch("/catalog-items/laptop", version, json!({ "form": form })).await.ok();
    ada.press("Send all requests").await;
    assert_eq!(ada.status(), StatusCode::UNPROCESSABLE_ENTITY, "{}", ada.text());
    for told in ["Not everything was sent", "Answer \"What is it for?\" with", "Sent: REQ0000002"] {
        assert!(ada.text().contains(told), "{told}: {}", ada.text());
    }
    let states = acme.agent.client.get("/requests").await.ok()["items"].clone();
    let states = states.as_array().unwrap().iter().map(|it| it["state"].clone());
    assert_eq!(states.collect::<Vec<_>>(), ["awaiting_approval", "new"]);

    // What is for somebody else is nobody's basket.
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit("/o/acme/catalog/mouse").await.fill("For somebody else", &acme.requester.email);
    agent.press("Put into the basket").await;
    assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY, "{}", agent.text());
}

async fn a_voter_reads_what_is_done_at_yes_and_the_ticket_itself(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let admin = &acme.admin.client;
    let version = admin.get("/catalog-items/laptop").await.ok()["version"].as_i64().unwrap();
    let tasks = json!({ "tasks": [
        { "key": "image", "short_description": "Install the system", "team": "network" },
    ] });
    let _ = admin.patch("/catalog-items/laptop", version, tasks).await.ok();
    let chain = asking(&json!([stage("manager", &json!(["manager"]))]));
    let _ = acme.bind("plan", "approval-chain", chain).await;
    let asked = acme.ask_for_laptop().await;
    let number = asked["number"].as_str().unwrap();
    let mut manager = desk.signed_in(&acme.manager.email).await;
    manager.visit("/o/acme/approvals").await.click("A laptop for the road").await;
    let text = manager.text();
    for told in ["What is done once it is approved", "Install the system"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    manager.click(number).await;
    assert_eq!(manager.path(), format!("/o/acme/my/{number}"));
    assert_eq!(manager.status(), StatusCode::OK);
}

async fn ones_own_tickets_are_told_apart_by_where_they_stand(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let agent = &acme.agent.client;
    let open = acme.report("The printer jams").await;
    let _ = agent.act(&open, "set_eta", json!({ "eta": in_minutes(&desk, 300) })).await.ok();
    let asked = acme.report("The door squeaks").await;
    let hold = json!({ "awaiting": "caller", "comment": "Which one?" });
    let _ = agent.act(&asked, "hold", hold).await.ok();
    let solved = acme.report("The lamp flickers").await;
    let resolving = json!({ "resolution_code": "fixed", "resolution_notes": "A new one" });
    let _ = agent.act(&solved, "resolve", resolving).await.ok();
    let withdrawn = acme.report("The chair creaks").await;
    let why = json!({ "reason": "It does not" });
    let _ = agent.act(&withdrawn, "cancel", why).await.ok();

    let all = ["The printer jams", "The door squeaks", "The lamp flickers", "The chair creaks"];
    let mut ada = desk.signed_in(&acme.requester.email).await;
    for (group, listed) in [
        ("my", vec![all[0], all[1]]),
        ("my?show=waiting", vec![all[1], all[2]]),
        ("my?show=done", vec![all[2], all[3]]),
        ("my?show=all", all.to_vec()),
    ] {
        let text = ada.visit(&format!("/o/acme/{group}")).await.text();
        let found: Vec<&str> = all.into_iter().filter(|title| text.contains(title)).collect();
        assert_eq!(found, listed, "{group}: {text}");
    }
    // When it should work again is said wherever one's own are listed.
    for page in ["home", "my"] {
        let text = ada.visit(&format!("/o/acme/{page}")).await.text();
        assert!(text.contains("expected"), "{page}: {text}");
    }
}

async fn a_stand_in_is_appointed_and_decides(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let chain = asking(&json!([stage("manager", &json!(["manager"]))]));
    let _ = acme.bind("plan", "approval-chain", chain).await;
    let mut manager = desk.signed_in(&acme.manager.email).await;
    manager.visit("/o/acme/me").await;
    manager.fill("Who votes for you", "nobody@acme.example");
    manager.fill("Until", "2026-06-08T12:00").press("Appoint the stand-in").await;
    assert_eq!(manager.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(manager.text().contains("nobody with the address"), "{}", manager.text());
    manager.fill("Who votes for you", &acme.admin.email).fill("Why", "Holidays");
    manager.press("Appoint the stand-in").await;
    assert!(manager.text().contains("manager of acme → admin of acme"), "{}", manager.text());

    let mut ada = desk.signed_in(&acme.requester.email).await;
    ada.visit("/o/acme/catalog/laptop").await.fill("light", "").press("Send the request").await;
    assert!(ada.text().contains("Awaiting approval"), "{}", ada.text());

    let mut admin = desk.signed_in(&acme.admin.email).await;
    admin.visit("/o/acme/approvals").await;
    assert!(admin.text().contains("instead of manager of acme"), "{}", admin.text());
    admin.click("Laptop").await;
    assert!(admin.text().contains("1,500.00 EUR"), "{}", admin.text());
    admin.press("Do not agree").await;
    assert_eq!(admin.status(), StatusCode::UNPROCESSABLE_ENTITY);
    admin.fill("Comment", "Have it").press("Agree").await;
    assert!(admin.text().contains("Your vote is cast."), "{}", admin.text());
    let request = acme.agent.client.get("/requests").await.ok()["items"][0].clone();
    assert_eq!(request["state"], "in_fulfilment");
    manager.visit("/o/acme/me").await.press("End it now").await;
    assert!(manager.text().contains("does not vote for you any more"), "{}", manager.text());
}

async fn ones_own_stand_in_is_shown_however_many_others_there_were(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let week =
        |to: &str| json!({ "to": to, "ends_at": "2026-06-08T12:00:00Z", "reason": "Holidays" });
    let manager = &acme.manager.client;
    for _ in 0..50 {
        let planned = manager.post("/delegations", week(&acme.second_agent.email)).await.created();
        let end = format!("/delegations/{}/end", planned["id"].as_str().unwrap());
        let _ = manager.post(&end, json!({})).await.ok();
    }
    let _ = acme.agent.client.post("/delegations", week(&acme.admin.email)).await.created();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit("/o/acme/me").await;
    assert!(agent.text().contains("agent of acme → admin of acme"), "{}", agent.text());
    assert!(!agent.text().contains("→ second of acme"), "{}", agent.text());
}

async fn a_person_reads_pages_in_their_language_and_zone(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut ada = desk.signed_in(&acme.requester.email).await;
    ada.visit("/o/acme/me").await.fill("Language", "Deutsch").fill("Time zone", "Europe/Nowhere");
    ada.press("Save").await;
    assert_eq!(ada.status(), StatusCode::UNPROCESSABLE_ENTITY);
    ada.fill("Time zone", "Europe/Berlin").press("Save").await;
    assert!(ada.text().contains("Gespeichert."), "{}", ada.text());
    assert!(ada.html().contains("<html lang=\"de\""), "{}", ada.html());
    // So does what the footer leads to, with the way back.
    ada.click("Barrierefreiheit").await;
    assert_eq!(ada.path(), "/o/acme/accessibility");
    assert!(ada.text().contains("WCAG 2.2"), "{}", ada.text());
    assert!(ada.html().contains("<html lang=\"de\""), "{}", ada.html());
    assert!(ada.buttons().contains(&"Abmelden".to_owned()), "{:?}", ada.buttons());
    ada.visit("/o/acme/report").await.fill("Was funktioniert nicht?", "Drucker klemmt");
    ada.press("Senden").await;
    // Nine o'clock UTC is eleven in Berlin.
    for _ in 0..3 {
        desk.clock.advance(TimeDelta::hours(10));
        ada.visit("/o/acme/my").await;
    }
    ada.click("Drucker klemmt").await;
    assert!(ada.text().contains("1. Jun, 11:00"), "{}", ada.text());

    let mut stranger = desk.visitor().speaking("de-AT,de;q=0.9");
    stranger.visit("/o/acme/home").await;
    assert!(stranger.text().contains("E-Mail-Adresse"), "{}", stranger.text());
    stranger.click("Barrierefreiheit").await;
    assert_eq!(stranger.path(), "/accessibility");
}

async fn a_page_that_has_not_changed_is_not_sent_again(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut ada = desk.signed_in(&acme.requester.email).await;
    ada.visit("/o/acme/my").await;
    let tag = ada.header("etag").unwrap().to_owned();
    assert_eq!(ada.header("cache-control"), Some("private, no-cache"));
    assert_eq!(ada.revisit(&tag).await, StatusCode::NOT_MODIFIED);
    let _ = acme.report("Something new").await;
    assert_eq!(ada.revisit(&tag).await, StatusCode::OK);
}

async fn a_request_is_revised_with_other_answers(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let chain = asking(&json!([stage("manager", &json!(["manager"]))]));
    let _ = acme.bind("plan", "approval-chain", chain).await;
    let mut ada = desk.signed_in(&acme.requester.email).await;
    ada.visit("/o/acme/catalog/laptop").await.fill("light", "").press("Send the request").await;
    ada.click("Revise").await.press("Revise").await;
    ada.click("Edit").await.fill("strong", "").press("Edit").await;
    assert!(ada.text().contains("Which model? strong"), "{}", ada.text());
    ada.press("Submit").await;
    let request = acme.agent.client.get("/requests").await.ok()["items"][0].clone();
    assert_eq!(request["request"]["answers"]["model"], "strong");
    assert_eq!(request["state"], "awaiting_approval");
}

async fn a_text_as_long_as_any_may_be_arrives(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut ada = desk.signed_in(&acme.requester.email).await;
    // Each letter has two bytes, and six on its way.
    let long = "\u{44f} ".repeat(10_900);
    ada.visit("/o/acme/report").await.fill("What is wrong?", "Long").fill("What happens", &long);
    ada.press("Send").await;
    assert!(ada.path().starts_with("/o/acme/my/INC"), "{}", ada.path());
    let longer = "\u{44f} ".repeat(11_500);
    ada.visit("/o/acme/report").await.fill("What is wrong?", "Long").fill("What happens", &longer);
    ada.press("Send").await;
    assert_eq!(ada.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(ada.html().contains(longer.trim()), "it is still there");
}
