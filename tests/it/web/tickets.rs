//! What the page of a ticket says, in names instead of ids, and what it leads to.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_app::Clock;
use waypost_test_support::{TestDesk, on_both_engines};

use crate::{
    policies::{by_words, teams_by_words},
    problems::{analyzed, edit, effect_of, number, suspect},
};

on_both_engines! {
    a_problem_is_told_on_its_page_and_how_to_live_with_it_on_its_incidents
    who_watches_and_what_comes_before_is_told_by_name
    a_history_speaks_of_people_and_tickets_by_name_and_of_amounts_as_people_write_them
    a_history_is_read_in_parts_and_the_rest_of_the_page_stays
    a_suggestion_is_told_by_the_names_of_what_it_would_set
    all_children_are_counted_and_all_can_be_listed
    a_major_incident_stays_in_its_view_until_its_review_is_written
    a_ticket_that_has_ended_leads_to_the_one_that_goes_on
}

fn desk_page(ticket: &Value) -> String {
    format!("/o/acme/desk/tickets/{}", number(ticket))
}

async fn a_problem_is_told_on_its_page_and_how_to_live_with_it_on_its_incidents(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let agent = &acme.agent.client;
    let problem = analyzed(&acme, "The portal is slow on Mondays").await;
    let incident = effect_of(&acme, &problem, "The portal is white").await;
    let found = json!({
        "root_cause": "a leaking pool", "fix_notes": "a new driver", "risk_owner": acme.admin.id,
        "risk_review_at": desk.clock.now() + TimeDelta::days(30),
    });
    let _ = edit(agent, &problem, found).await;
    let mut visitor = desk.signed_in(&acme.agent.email).await;
    visitor.visit(&desk_page(&incident)).await;
    assert!(!visitor.text().contains("Known error"), "{}", visitor.text());
    let known = json!({ "symptom": "A white page", "workaround": "Use the old portal" });
    let _ = agent.act(&problem, "publish_known_error", known).await.ok();

    visitor.visit(&desk_page(&problem)).await;
    let facts = visitor.part(".facts");
    for said in [
        "Known error Yes",
        "Symptom A white page",
        "Root cause a leaking pool",
        "Workaround Use the old portal",
        "Fix notes a new driver",
        "Risk owner admin of acme",
        "Review the risk at",
    ] {
        assert!(facts.contains(said), "{said}: {facts}");
    }
    let remedy = "Known error: workaround Use the old portal";
    assert!(visitor.text().contains(remedy), "{}", visitor.text());

    visitor.visit(&desk_page(&incident)).await;
    let text = visitor.text();
    assert!(text.contains(&format!("{remedy} {}", number(&problem))), "{text}");
    assert!(text.contains("The portal is slow on Mondays Root cause analysis"), "{text}");
    visitor.click(number(&problem)).await;
    assert_eq!(visitor.path(), desk_page(&problem));
}

async fn who_watches_and_what_comes_before_is_told_by_name(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let agent = &acme.agent.client;
    let incident = acme.report("No wifi").await;
    let _ = edit(agent, &incident, json!({ "watchers": [acme.second_agent.id] })).await;
    let _ =
        agent.act(&incident, "escalate", json!({ "level": 2, "reason": "It lasts" })).await.ok();
    let follow_up = desk.clock.now() + TimeDelta::days(2);
    let hold = json!({ "awaiting": "vendor", "vendor": "Net & Co", "follow_up_at": follow_up });
    let _ = agent.act(&incident, "hold", hold).await.ok();
    let mut visitor = desk.signed_in(&acme.agent.email).await;
    visitor.visit(&desk_page(&incident)).await;
    let facts = visitor.part(".facts");
    for said in ["Watchers second of acme", "Escalation level 2", "Follow up at"] {
        assert!(facts.contains(said), "{said}: {facts}");
    }
    let _ = agent.act(&incident, "resume", json!({})).await.ok();
    let done = json!({ "resolution_code": "fixed", "resolution_notes": "a new switch" });
    let _ = agent.act(&incident, "resolve", done).await.ok();
    visitor.visit(&desk_page(&incident)).await;
    let facts = visitor.part(".facts");
    assert!(facts.contains("Code Fixed") && !facts.contains("Follow up at"), "{facts}");

    let problem = analyzed(&acme, "No wifi anywhere").await;
    let task = |text: &str| json!({ "parent": problem["number"], "short_description": text });
    let first = agent.post("/tasks", task("Order a switch")).await.created();
    let mut second = task("Build it in");
    second["depends_on"] = json!([first["number"]]);
    second["mandatory"] = json!(false);
    let second = agent.post("/tasks", second).await.created();
    visitor.visit(&desk_page(&second)).await;
    let facts = visitor.part(".facts");
    let before = format!("Depends on {}", number(&first));
    assert!(facts.contains(&before) && facts.contains("Mandatory No"), "{facts}");
    visitor.click(number(&first)).await;
    assert_eq!(visitor.path(), desk_page(&first));
}

async fn a_history_speaks_of_people_and_tickets_by_name_and_of_amounts_as_people_write_them(
    desk: TestDesk,
) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let agent = &acme.agent.client;
    let problem = suspect(&acme, "Old driver").await;
    let target = acme.report("No network").await;
    let incident = acme.report("No wifi").await;
    let watchers = json!([acme.second_agent.id, acme.admin.id]);
    let fields = json!({ "watchers": watchers, "problem": problem["number"] });
    let _ = edit(agent, &incident, fields).await;
    let into = json!({ "target": target["number"] });
    let _ = agent.act(&incident, "merge_into", into).await.ok();
    let mut visitor = desk.signed_in(&acme.agent.email).await;
    visitor.visit(&desk_page(&incident)).await;
    let told = visitor.part("ol.entries");
    let names = ["second of acme", "admin of acme", number(&problem), number(&target)];
    for name in names {
        assert!(told.contains(name), "{name}: {told}");
    }
    let of = |ticket: &Value| ticket["id"].as_str().unwrap().to_owned();
    let people = [acme.admin.id.clone(), acme.second_agent.id.clone()];
    for id in people.into_iter().chain([of(&problem), of(&target)]) {
        assert!(!told.contains(&id), "{id}: {told}");
    }
    // Programs are told the ids.
    let events = agent.of(&incident, "events").await.items();
    let told = Value::from(events).to_string();
    assert!(told.contains(&of(&target)), "{told}");

    let draft = json!({
        "short_description": "A laptop", "catalog_item": "laptop",
        "answers": { "model": "light" }, "draft": true,
    });
    let request = acme.requester.client.post("/requests", draft).await.created();
    let _ = edit(&acme.requester.client, &request, json!({ "quantity": 2 })).await;
    visitor.visit(&desk_page(&request)).await;
    let told = visitor.part("ol.entries");
    for said in ["1,500.00 EUR", "3,000.00 EUR"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert!(!told.contains("300000"), "{told}");
}

async fn a_history_is_read_in_parts_and_the_rest_of_the_page_stays(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let words = by_words(&[("password", json!({ "category": ["access", "password"] }))]);
    let _ = acme.bind("categorize", "keyword-categorizer", words).await;
    let incident = acme.report("I forgot my password").await;
    let agent = &acme.agent.client;
    let _ = agent.act(&incident, "comment", json!({ "text": "We look at it." })).await.ok();
    let priority = json!({ "priority": 1, "reason": "The board waits" });
    let _ = agent.act(&incident, "set_priority", priority).await.ok();
    let mut visitor = desk.signed_in(&acme.agent.email).await;
    let page = desk_page(&incident);
    visitor.visit(&page).await;
    let all = ["We look at it.", "The board waits", "access/password"];
    let parts = [("Said", "said"), ("Done", "done"), ("Decided", "decided")];
    for (place, (label, part)) in parts.into_iter().enumerate() {
        visitor.click(label).await;
        assert_eq!(visitor.path(), format!("{page}?history={part}"));
        assert_eq!(visitor.part("[aria-current=page]:not(nav *)"), label);
        let told = visitor.part("ol.entries");
        for (other, text) in all.iter().enumerate() {
            assert_eq!(told.contains(text), other == place, "{text} in {part}: {told}");
        }
    }
    visitor.click("All of it").await;
    assert_eq!(visitor.path(), page);
    let told = visitor.part("ol.entries");
    assert!(all.iter().all(|text| told.contains(text)), "{told}");
    // What is new is new, whatever part is looked at.
    visitor.visit(&format!("{page}?history=said&seen=0")).await;
    assert!(!visitor.part("#news").is_empty());
    let plain = acme.report("No sound").await;
    visitor.visit(&format!("{}?history=said", desk_page(&plain))).await;
    assert!(visitor.text().contains("There is nothing of this kind."), "{}", visitor.text());
}

async fn a_suggestion_is_told_by_the_names_of_what_it_would_set(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut settings = teams_by_words(&[("wifi", "network")]);
    settings["rules"][0]["strength"] = json!("suggested");
    settings["rules"][0]["watchers"] = json!([acme.second_agent.id]);
    acme.bind("route", "team-router", settings).await;
    let incident = acme.report("No wifi").await;
    let mut visitor = desk.signed_in(&acme.agent.email).await;
    visitor.visit(&desk_page(&incident)).await;
    let told = visitor.part(".suggestions");
    for said in ["Team → Network", "Watchers → second of acme"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    visitor.press("Accept Team").await;
    assert_eq!(acme.agent.client.again(&incident).await["team"]["key"], "network");
}

async fn all_children_are_counted_and_all_can_be_listed(desk: TestDesk) {
    const CHILDREN: usize = 51;
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let agent = &acme.agent.client;
    let incident = acme.report("Nothing works").await;
    let why = json!({ "reason": "All stand still" });
    let _ = agent.act(&incident, "propose_major", why).await.ok();
    for place in 0..CHILDREN {
        let child = acme.report(&format!("Down at {place}")).await;
        let _ = edit(agent, &child, json!({ "parent": incident["number"] })).await;
    }
    let mut visitor = desk.signed_in(&acme.agent.email).await;
    let room = format!("/o/acme/desk/major/{}", number(&incident));
    for page in [&desk_page(&incident), &room] {
        visitor.visit(page).await;
        let text = visitor.text();
        assert!(text.contains("Incidents that belong to it 51"), "{text}");
        assert_eq!(visitor.html().matches("Down at ").count(), CHILDREN - 1, "{page}");
        visitor.click("List all of them").await;
        assert_eq!(visitor.path(), format!("{page}?children=all"));
        assert_eq!(visitor.html().matches("Down at ").count(), CHILDREN, "{page}");
        assert!(!visitor.links().contains(&"List all of them".to_owned()), "all are here");
    }
    visitor.visit(&format!("{}?children=all", desk_page(&incident))).await.click("Said").await;
    assert!(visitor.path().ends_with("?history=said&children=all"), "{}", visitor.path());
}

async fn a_major_incident_stays_in_its_view_until_its_review_is_written(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let agent = &acme.agent.client;
    let incident = acme.report("All tills stand still").await;
    let suspected = acme.report("One till stands still").await;
    let why = json!({ "reason": "Nobody can pay" });
    for one in [&incident, &suspected] {
        let _ = agent.act(one, "propose_major", why.clone()).await.ok();
    }
    let leaders = json!({
        "manager": acme.agent.id, "communication_owner": acme.admin.id,
        "next_update_at": desk.clock.now() + TimeDelta::minutes(30),
    });
    let _ = agent.act(&incident, "accept_major", leaders).await.ok();
    let done = json!({ "resolution_code": "fixed", "resolution_notes": "a new switch" });
    for one in [&incident, &suspected] {
        let _ = agent.act(one, "resolve", done.clone()).await.ok();
    }
    let mut visitor = desk.signed_in(&acme.agent.email).await;
    visitor.visit("/o/acme/desk/queue/major").await;
    assert!(visitor.links().contains(&"Major 1".to_owned()), "{:?}", visitor.links());
    assert!(visitor.text().contains("All tills stand still"), "{}", visitor.text());
    // The API lists the same.
    let queue = "/incidents?order=queue&major_state=proposed,accepted,review";
    let listed = agent.get(queue).await.items();
    assert_eq!(listed.iter().map(number).collect::<Vec<_>>(), [number(&incident)]);
    assert!(agent.get(&format!("{queue}&active=true")).await.items().is_empty());
    assert!(agent.get("/incidents?order=queue").await.items().is_empty());

    let note = json!({ "review_note": "Buy a second switch." });
    let _ = agent.act(&incident, "finish_major", note).await.ok();
    visitor.visit("/o/acme/desk/queue/major").await;
    assert!(visitor.text().contains("There is no major incident."), "{}", visitor.text());
    assert!(agent.get(queue).await.items().is_empty());
}

async fn a_ticket_that_has_ended_leads_to_the_one_that_goes_on(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let agent = &acme.agent.client;
    let of_manager = json!({ "short_description": "No network", "requester": acme.manager.id });
    let target = agent.post("/incidents", of_manager).await.created();
    let source = acme.report("No wifi").await;
    let into = json!({ "target": target["number"] });
    let _ = agent.act(&source, "merge_into", into).await.ok();
    let mine = |ticket: &Value| format!("/o/acme/my/{}", number(ticket));
    let mut ada = desk.signed_in(&acme.requester.email).await;
    ada.visit(&mine(&source)).await;
    let told = format!("It goes on in {}", number(&target));
    assert!(ada.text().contains(&told), "{}", ada.text());
    ada.click(number(&target)).await;
    assert_eq!((ada.status(), ada.path()), (StatusCode::OK, mine(&target).as_str()));
    let mut visitor = desk.signed_in(&acme.agent.email).await;
    visitor.visit(&desk_page(&source)).await.click(number(&target)).await;
    assert_eq!(visitor.path(), desk_page(&target));
    // A problem is the desk's: nothing leads there.
    let weekly = acme.report("No wifi on Mondays").await;
    let _ = edit(agent, &weekly, json!({ "service": "revenue-portal" })).await;
    let why = json!({ "to": "problem", "reason": "it comes every week" });
    let problem = agent.act(&weekly, "convert", why).await.ok();
    ada.visit(&mine(&weekly)).await;
    let told = format!("It goes on in {}", number(&problem));
    assert!(ada.text().contains(&told), "{}", ada.text());
    assert!(!ada.links().contains(&number(&problem).to_owned()), "{:?}", ada.links());
}
