//! People in forms: whoever fills one in writes names, and is asked where a name is not enough.

use axum::http::StatusCode;
use serde_json::json;
use waypost_test_support::{TestDesk, on_both_engines};

on_both_engines! {
    a_caller_is_found_by_a_part_of_their_name
    a_name_of_several_is_asked_about_and_what_was_written_stays
    several_people_are_named_in_one_field
    who_is_not_of_the_desk_names_people_by_their_whole_names_only
    people_of_other_organizations_and_who_has_left_are_not_found
}

const NEW: &str = "/o/acme/desk/new/incident";

async fn a_caller_is_found_by_a_part_of_their_name(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit(NEW).await.fill("Requester", "Carla").fill("Summary", "No sound");
    agent.press("Open the ticket").await;
    assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(agent.text().contains("There is nobody called “Carla” here"), "{}", agent.text());
    agent.fill("Requester", "REQUEST").press("Open the ticket").await;
    assert!(agent.path().starts_with("/o/acme/desk/tickets/INC"), "{}", agent.text());
    let incident = acme.agent.client.get("/incidents").await.items().remove(0);
    assert_eq!(incident["requester"]["id"], acme.requester.id.as_str());
}

async fn a_name_of_several_is_asked_about_and_what_was_written_stays(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit(NEW).await.fill("Requester", "of acme").fill("Summary", "No sound");
    agent.press("Open the ticket").await;
    assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY);
    for told in ["“of acme” can be several people", "Who is “of acme”?"] {
        assert!(agent.text().contains(told), "{told}: {}", agent.text());
    }
    // Who was chosen stays chosen while something else is wrong.
    agent.fill("manager of acme (manager@acme.example)", "").fill("Summary", "");
    agent.press("Open the ticket").await;
    assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!agent.text().contains("can be several people"), "{}", agent.text());
    agent.fill("Summary", "No sound").press("Open the ticket").await;
    assert!(agent.path().starts_with("/o/acme/desk/tickets/INC"), "{}", agent.text());
    let incident = acme.agent.client.get("/incidents").await.items().remove(0);
    assert_eq!(incident["requester"]["id"], acme.manager.id.as_str());

    // A choice is for the name that it was made for.
    agent.visit(NEW).await.fill("Requester", "of acme").fill("Summary", "No picture");
    agent.press("Open the ticket").await;
    agent.fill("manager of acme (manager@acme.example)", "").fill("Requester", "second");
    agent.press("Open the ticket").await;
    assert!(agent.path().starts_with("/o/acme/desk/tickets/INC"), "{}", agent.text());
    let incident = acme.agent.client.get("/incidents").await.items().remove(0);
    assert_eq!(incident["requester"]["id"], acme.second_agent.id.as_str());
}

async fn several_people_are_named_in_one_field(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("No sound").await;
    let number = incident["number"].as_str().unwrap();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit(&format!("/o/acme/desk/tickets/{number}/do/edit")).await;
    agent.fill("Watchers", &format!("second, manager, {}", acme.admin.email)).press("Save").await;
    assert_eq!(agent.status(), StatusCode::OK, "{}", agent.text());
    let watchers = acme.agent.client.again(&incident).await["watchers"].take();
    let watchers = watchers.as_array().unwrap();
    assert_eq!(watchers.len(), 3);
    for person in [&acme.second_agent, &acme.manager, &acme.admin] {
        assert!(watchers.contains(&json!(person.id)), "{watchers:?}");
    }
}

async fn who_is_not_of_the_desk_names_people_by_their_whole_names_only(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut manager = desk.signed_in(&acme.manager.email).await;
    manager.visit("/o/acme/me").await.fill("Who votes for you", "admin");
    manager.fill("Until", "2026-06-08T12:00").fill("Why", "Holidays");
    manager.press("Appoint the stand-in").await;
    assert_eq!(manager.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(manager.text().contains("There is nobody called “admin” here"), "{}", manager.text());
    assert!(!manager.text().contains("admin of acme"), "{}", manager.text());
    manager.fill("Who votes for you", "Admin of Acme").press("Appoint the stand-in").await;
    assert!(manager.text().contains("manager of acme → admin of acme"), "{}", manager.text());
}

async fn people_of_other_organizations_and_who_has_left_are_not_found(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let _ = desk.organization("bolt").await;
    desk.ignore_mail();
    let admin = &acme.admin.client;
    let left = json!({ "name": "Carla Left", "email": "carla@acme.example", "role": "requester" });
    let left = admin.post("/people", left).await.created();
    let path = format!("/people/{}", left["id"].as_str().unwrap());
    let version = left["version"].as_i64().unwrap();
    let _ = admin.patch(&path, version, json!({ "active": false })).await.ok();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    for name in ["Carla", "requester of bolt"] {
        agent.visit(NEW).await.fill("Requester", name).fill("Summary", "No sound");
        agent.press("Open the ticket").await;
        assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        let told = format!("There is nobody called “{name}” here");
        assert!(agent.text().contains(&told), "{}", agent.text());
    }
}
