//! Forms: what is sent twice, too late or in too many fields.

use axum::http::StatusCode;
use serde_json::json;
use waypost_test_support::{TestDesk, on_both_engines};

on_both_engines! {
    a_form_with_more_fields_than_any_of_ours_is_refused
    an_answer_that_somebody_else_changed_is_not_put_back
    a_corrected_form_for_several_tickets_is_carried_out_and_a_repeat_is_not
}

const SAME: [(&str, &str); 1] = [("sec-fetch-site", "same-origin")];

async fn a_form_with_more_fields_than_any_of_ours_is_refused(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("Mail does not open").await;
    let number = incident["number"].as_str().unwrap();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    let path = format!("/o/acme/desk/tickets/{number}/do/edit");
    let mut fields = vec![("answers/", ""); 2_000];
    agent.post(&path, &fields, &SAME).await;
    assert_ne!(agent.status(), StatusCode::PAYLOAD_TOO_LARGE);
    fields.push(("answers/", ""));
    agent.post(&path, &fields, &SAME).await;
    assert_eq!(agent.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(agent.text().contains("Nothing was changed. Send less at once."), "{}", agent.text());
}

async fn an_answer_that_somebody_else_changed_is_not_put_back(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let draft = json!({ "short_description": "A laptop", "catalog_item": "laptop",
                        "answers": { "model": "light" }, "draft": true });
    let request = acme.requester.client.post("/requests", draft).await.created();
    let number = request["number"].as_str().unwrap();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit(&format!("/o/acme/desk/tickets/{number}/do/edit")).await;
    let version = request["version"].as_i64().unwrap();
    let strong = json!({ "answers": { "model": "strong" } });
    let path = format!("/requests/{number}");
    let _ = acme.requester.client.patch(&path, version, strong).await.ok();

    agent.fill("Summary", "A laptop for the road").press("Save").await;

    assert_eq!(agent.status(), StatusCode::CONFLICT);
    let chosen = agent.attribute("input[name=\"answers/model\"][checked]", "value");
    assert_eq!(chosen.as_deref(), Some("strong"));
    agent.press("Save").await;
    assert_eq!(agent.status(), StatusCode::OK, "{}", agent.text());
    let now = acme.agent.client.again(&request).await;
    assert_eq!(now["short_description"], "A laptop for the road");
    assert_eq!(now["request"]["answers"]["model"], "strong");
}

async fn a_corrected_form_for_several_tickets_is_carried_out_and_a_repeat_is_not(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("Mail does not open").await;
    let number = incident["number"].as_str().unwrap();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit(&format!("/o/acme/desk/bulk?action=note&ticket={number}")).await;
    let once = agent.attribute("[name=_once]", "value").unwrap();
    let notes = async || acme.agent.client.of(&incident, "comments").await.items().len();
    let of = |text: &'static str| [("action", "note"), ("ticket", number), ("text", text)];
    for text in ["Looked at it", "Looked at it again", "Looked at it again"] {
        let mut fields = of(text).to_vec();
        fields.push(("_once", once.as_str()));
        agent.post("/o/acme/desk/bulk", &fields, &SAME).await;
        assert_eq!(agent.status(), StatusCode::OK, "{}", agent.text());
    }
    assert_eq!(notes().await, 2);
    // Where nothing tells forms apart, each is a new one.
    for _ in 0..2 {
        agent.post("/o/acme/desk/bulk", &of("And once more"), &SAME).await;
        assert_eq!(agent.status(), StatusCode::OK, "{}", agent.text());
    }
    assert_eq!(notes().await, 4);
    // What was written is shown, whatever it was refused for.
    let mut fields = of("A long story").to_vec();
    fields[0] = ("action", "dance");
    agent.post("/o/acme/desk/bulk", &fields, &SAME).await;
    assert_eq!(agent.status(), StatusCode::BAD_REQUEST);
    assert!(agent.html().contains("A long story"), "{}", agent.html());
}
