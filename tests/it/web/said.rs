//! What the desk refuses, and why, in the language of whoever reads it.

use axum::http::StatusCode;
use serde_json::{Value, json};
use waypost_test_support::{Org, TestDesk, Visitor, on_both_engines};

use crate::{
    approvals::asked,
    policies::{asking, stage},
};

on_both_engines! {
    a_guard_names_its_ticket_and_state_in_the_readers_words
    what_a_state_does_not_allow_is_told_in_the_readers_words
    what_is_missing_or_too_long_is_told_with_its_remedy
    a_preview_of_several_says_what_each_would_refuse
    nobody_votes_on_their_own_request_and_hears_it_in_their_words
    which_policy_failed_is_told_in_the_readers_words
    who_serves_no_more_is_named_in_the_readers_words
}

fn number(ticket: &Value) -> &str {
    ticket["number"].as_str().unwrap()
}

/// The desk's agent, who reads German.
async fn german(desk: &TestDesk, acme: &Org<'_>) -> Visitor {
    desk.signed_in(&acme.agent.email).await.speaking("de")
}

/// Whether a page says all of this, and nothing of it in English.
fn says(visitor: &Visitor, told: &[&str]) {
    let text = visitor.text();
    for told in told {
        assert!(text.contains(told), "{told}: {text}");
    }
    let html = visitor.html().replacen("<html lang=\"en\"", "<html", 1);
    assert!(!html.contains("lang=\"en\""), "{html}");
}

async fn a_guard_names_its_ticket_and_state_in_the_readers_words(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let (one, over) = (acme.report("Mail is slow").await, acme.report("Mail is away").await);
    let client = &acme.agent.client;
    let _ = client.act(&over, "cancel", json!({ "reason": "A drill" })).await.ok();
    let target = json!({ "target": number(&over) });
    let refused = client.act(&one, "merge_into", target).await.with(StatusCode::CONFLICT);
    let english = "INC0000002 is cancelled; name a ticket that is neither closed nor cancelled.";
    assert_eq!(refused["detail"], english);
    for (mut agent, field, button, told) in [
        (
            german(&desk, &acme).await,
            "Ticket",
            "Mit einem anderen zusammenführen",
            "INC0000002 hat den Status „Abgebrochen“; nennen Sie ein Ticket, das weder geschlossen \
             noch abgebrochen ist.",
        ),
        (
            desk.signed_in(&acme.agent.email).await,
            "Ticket",
            "Merge into another",
            "INC0000002 is Cancelled; name a ticket that is neither closed nor cancelled.",
        ),
    ] {
        agent.visit(&format!("/o/acme/desk/tickets/{}/do/merge_into", number(&one))).await;
        agent.fill(field, number(&over)).press(button).await;
        assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY);
        says(&agent, &[told]);
    }
}

async fn what_a_state_does_not_allow_is_told_in_the_readers_words(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("Mail is slow").await;
    let page = format!("/o/acme/desk/tickets/{}/do/resume", number(&incident));
    let mut agent = german(&desk, &acme).await;
    agent.visit(&page).await;
    assert_eq!(agent.status(), StatusCode::CONFLICT);
    let told = "„Fortsetzen“ ist für eine Störung nicht möglich, solange der Status „Neu“ ist.";
    says(&agent, &[told]);
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit(&page).await;
    says(&agent, &["“Resume” is not possible for an incident in state “New”."]);
    // Who is not of the desk hears what they lack.
    let mut ada = desk.signed_in(&acme.requester.email).await.speaking("de");
    ada.visit(&page).await;
    assert_eq!(ada.status(), StatusCode::FORBIDDEN);
    says(&ada, &["Diese Seite ist für die Mitarbeiter des Service Desk."]);
}

async fn what_is_missing_or_too_long_is_told_with_its_remedy(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut ada = desk.signed_in(&acme.requester.email).await.speaking("de");
    ada.visit("/o/acme/report").await.press("Senden").await;
    assert_eq!(ada.status(), StatusCode::UNPROCESSABLE_ENTITY);
    says(&ada, &["Schreiben Sie in einer Zeile, worum es geht."]);
    ada.fill("Was funktioniert nicht?", &"x".repeat(251)).press("Senden").await;
    says(&ada, &["251 Zeichen sind zu viele; möglich sind höchstens 250."]);
    ada.visit("/o/acme/catalog/laptop").await.press("Anforderung senden").await;
    let told = "Beantworten Sie „Which model?“ mit einer dieser Antworten: light, strong.";
    says(&ada, &[told]);

    let incident = acme.report("Mail is slow").await;
    let mut agent = german(&desk, &acme).await;
    agent.visit(&format!("/o/acme/desk/tickets/{}/do/start", number(&incident))).await;
    agent.press("Arbeit beginnen").await;
    agent.click("Lösen").await.press("Lösen").await;
    assert_eq!(agent.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let code = "Wählen Sie einen Code. Möglich sind: Behoben, ";
    says(&agent, &[code, "Schreiben Sie, was getan wurde."]);
}

async fn a_preview_of_several_says_what_each_would_refuse(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let client = &acme.agent.client;
    let (one, over) = (acme.report("Mail is slow").await, acme.report("Mail is away").await);
    let _ = client.act(&over, "cancel", json!({ "reason": "A drill" })).await.ok();
    let problem = json!({ "short_description": "Disks fill up" });
    let problem = client.post("/problems", problem).await.created();
    let chosen = [&one, &over, &problem].map(|ticket| format!("&ticket={}", number(ticket)));
    let mut agent = german(&desk, &acme).await;
    agent.visit(&format!("/o/acme/desk/bulk?action=start{}", chosen.concat())).await;
    says(
        &agent,
        &[
            "Es ist bei 1 der 3 ausgewählten Tickets möglich.",
            "„Arbeit beginnen“ ist für eine Störung nicht möglich, solange der Status \
             „Abgebrochen“ ist.",
            "„Arbeit beginnen“ gibt es für ein Problem nicht; möglich sind: Bewerten, ",
        ],
    );
}

async fn nobody_votes_on_their_own_request_and_hears_it_in_their_words(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let chain = asking(&json!([stage("manager", &json!(["manager"]))]));
    let _ = acme.bind("plan", "approval-chain", chain).await;
    let request = acme.ask_for_laptop().await;
    assert_eq!(request["state"], "awaiting_approval");
    let asked = asked(&acme.manager).await;
    let path = format!("/o/acme/approvals/{}", asked[0]["id"].as_str().unwrap());
    let mut ada = desk.signed_in(&acme.requester.email).await.speaking("de");
    ada.post(&path, &[("vote", "approve"), ("_shown", "sha256:x")], &[]).await;
    assert_eq!(ada.status(), StatusCode::FORBIDDEN, "{}", ada.text());
    says(&ada, &["Über Ihre eigene Anforderung können Sie nicht abstimmen."]);
    // And whose vote it is says why they do not agree.
    let mut manager = desk.signed_in(&acme.manager.email).await.speaking("de");
    manager.visit(&path).await.press("Nicht zustimmen").await;
    assert_eq!(manager.status(), StatusCode::UNPROCESSABLE_ENTITY, "{}", manager.text());
    says(&manager, &["Begründen Sie, warum Sie nicht zustimmen."]);
}

async fn which_policy_failed_is_told_in_the_readers_words(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let binding = acme.bind("route", "team-router", json!({})).await;
    let path = format!("/bindings/{}/revisions", binding["id"].as_str().unwrap());
    let starved = json!({ "limits": { "fuel": 10_000 } });
    let _ = acme.admin.client.post(&path, starved).await.created();
    let incident = acme.report("Mail is slow").await;
    let mut agent = german(&desk, &acme).await;
    agent.visit(&format!("/o/acme/desk/tickets/{}/what-if?impact=1", number(&incident))).await;
    says(&agent, &["Eine Regel ist gescheitert", "Zuteilen: sie hat zu viel gerechnet"]);
}

async fn who_serves_no_more_is_named_in_the_readers_words(desk: TestDesk) {
    let harbor = desk.provider("harbor").await;
    let acme = desk.client_of("harbor", "acme").await;
    desk.ignore_mail();
    let team = json!({
        "key": "harbor-network", "name": "Harbor network", "members": [harbor.agent.id],
        "serves": ["acme"],
    });
    let team = harbor.admin.client.post("/teams", team).await.created();
    let incident = acme.report("No wifi").await;
    let member = json!({ "team": "harbor-network", "assignee": harbor.agent.id });
    let incident = acme.agent.client.act(&incident, "assign", member).await.ok();
    let at_acme = harbor.agent.client.in_organization("acme");
    let _ = at_acme.act(&incident, "start", json!({})).await.ok();
    let _ = at_acme.comment(&incident, "public", "On my way").await.created();
    let version = team["version"].as_i64().unwrap();
    let no_more = json!({ "serves": [] });
    let _ = harbor.admin.client.patch("/teams/harbor-network", version, no_more).await.ok();

    let mut agent = german(&desk, &acme).await;
    let mut requester = desk.signed_in(&acme.requester.email).await.speaking("de");
    let page = |place: &str| format!("/o/acme/{place}/{}", number(&incident));
    let (team, member) = ("ein ehemaliges Team", "ein ehemaliges Mitglied");
    let id = harbor.agent.id.as_str();
    for (is_of_desk, page, told) in [
        (true, page("desk/tickets"), vec![team, member]),
        (true, "/o/acme/desk/queue/all".to_owned(), vec![team, member]),
        (false, page("my"), vec![member]),
    ] {
        let visitor = if is_of_desk { &mut agent } else { &mut requester };
        visitor.visit(&page).await;
        says(visitor, &told);
        for other in ["a former", id] {
            assert!(!visitor.text().contains(other), "{other}: {}", visitor.text());
        }
    }
}
