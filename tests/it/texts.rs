//! Texts and what becomes of them: checked, kept, told, sent. What no database keeps is refused by
//! name.

use axum::http::StatusCode;
use serde_json::{Value, json};
use waypost_test_support::{TestDesk, on_both_engines};

use crate::policies::{asking, stage, telling_the_requester};

on_both_engines! {
    the_character_that_no_database_keeps_is_refused_in_every_body_by_name
    what_no_record_can_be_called_is_not_there
    a_filter_that_no_record_can_fit_is_refused_by_name
    what_the_desk_writes_beside_a_hold_is_checked
    what_a_voter_says_is_checked
    what_identifies_a_ticket_elsewhere_is_checked
    answers_without_a_form_are_checked
    what_is_said_is_kept_told_and_sent_without_the_spaces_around_it
    a_time_zone_that_is_none_says_what_is_wanted
    a_time_that_is_none_says_what_is_wanted
    every_text_is_kept_with_one_kind_of_line_end
    what_nobody_sees_is_no_text_and_no_part_of_an_address
    no_time_is_another_moment_on_the_other_database
    what_reads_alike_is_found_however_it_was_typed
}

async fn the_character_that_no_database_keeps_is_refused_in_every_body_by_name(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let (admin, agent) = (&acme.admin.client, &acme.agent.client);
    let incident = acme.report("No wifi").await;
    let number = incident["number"].as_str().unwrap();
    let bodies = [
        ("/incidents".to_owned(), json!({ "short_description": "a\0b" }), "/short_description"),
        ("/incidents".to_owned(), json!({ "tags": ["a", "b\0"] }), "/tags/1"),
        ("/requests".to_owned(), json!({ "answers": { "why": "\0" } }), "/answers/why"),
        (format!("/tickets/{number}/comments"), json!({ "text": "\0" }), "/text"),
        (format!("/tickets/{number}/actions/cancel"), json!({ "reason": "x\0" }), "/reason"),
        ("/teams".to_owned(), json!({ "key": "a", "name": "\0" }), "/name"),
        ("/tokens".to_owned(), json!({ "name": "\0", "role": "agent" }), "/name"),
        (
            "/bindings".to_owned(),
            json!({ "hooks": ["route"], "name": "a", "position": 1, "component": "b",
                    "settings": { "rules": [{ "name": "\0" }] } }),
            "/settings/rules/0/name",
        ),
    ];
    for (path, body, pointer) in bodies {
        let client = if path.starts_with("/tickets") { agent } else { admin };
        let refused = client.post(&path, body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {}", refused.text);
        assert_eq!(refused.pointers(), [pointer], "{path}");
        assert_eq!(refused.json["errors"][0]["code"], "control-character");
    }
}

async fn what_no_record_can_be_called_is_not_there(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    for path in ["/incidents/INC%00", "/tickets/%00", "/teams/%00", "/people/a%00b", "/cis/%00"] {
        let lost = acme.admin.client.get(path).await;
        assert_eq!((lost.status, lost.slug()), (StatusCode::NOT_FOUND, "not-found"), "{path}");
    }
}

async fn a_filter_that_no_record_can_fit_is_refused_by_name(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    for parameter in ["text", "tag", "team", "requester", "category"] {
        let refused = acme.agent.client.get(&format!("/tickets?{parameter}=a%00")).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        assert_eq!(refused.json["errors"][0]["parameter"], parameter);
    }
}

async fn what_the_desk_writes_beside_a_hold_is_checked(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("No wifi").await;
    let hold = async |comment: &str| {
        let vendor = json!({ "awaiting": "vendor", "vendor": "Toner & Sons", "comment": comment });
        acme.agent.client.act(&incident, "hold", vendor).await
    };

    let bell = hold("ring\u{7}").await;
    let long = hold(&"x".repeat(40_000)).await;
    assert_eq!((bell.status.as_u16(), bell.pointers()), (422, vec!["/comment"]));
    assert_eq!((long.status.as_u16(), long.pointers()), (422, vec!["/comment"]));
    let _ = hold("  ").await.ok();

    assert!(acme.agent.client.of(&incident, "comments").await.items().is_empty());
}

async fn what_a_voter_says_is_checked(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let stages = json!([stage("manager", &json!(["manager"]))]);
    acme.bind("plan", "approval-chain", asking(&stages)).await;
    let request = acme.ask_for_laptop().await;
    let vote = acme.manager.client.get("/approvals/mine").await.items().swap_remove(0);
    let path = format!("/approval-requests/{}/reject", vote["id"].as_str().unwrap());
    let reject = async |comment: &str| {
        let opinion = json!({ "content_digest": vote["content_digest"], "comment": comment });
        acme.manager.client.post(&path, opinion).await
    };

    assert_eq!(reject("No\u{1b}[31m").await.pointers(), ["/comment"]);
    let _ = reject("  too dear  ").await.ok();

    let events = acme.agent.client.of(&request, "events").await.items();
    let voted = events.iter().find(|event| event["action"] == "vote").unwrap();
    assert_eq!(voted["reason"], "too dear");
}

async fn what_identifies_a_ticket_elsewhere_is_checked(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let referring = json!({
        "short_description": "Disk full", "external_ref": { "source": "mon\u{7}", "id": " 7\u{1}1 " },
    });

    let refused = acme.agent.client.post("/incidents", referring).await;

    assert_eq!(refused.pointers(), ["/external_ref/id", "/external_ref/source"]);
}

async fn answers_without_a_form_are_checked(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let ask = async |answers: Value, item: Option<&str>| {
        let request = json!({
            "short_description": "A desk", "answers": answers, "catalog_item": item, "draft": true,
        });
        acme.requester.client.post("/requests", request).await
    };

    for item in [None, Some("laptop")] {
        assert_eq!(ask(json!({ "model": "\u{1}" }), item).await.pointers(), ["/answers/model"]);
        let long = json!({ "model": "x".repeat(2_001) });
        assert_eq!(ask(long, item).await.pointers(), ["/answers/model"]);
    }
    let draft = ask(json!({ "model": " light " }), Some("laptop")).await.created();
    assert_eq!(draft["request"]["answers"]["model"], "light");
    let path = format!("/tickets/{}", draft["number"].as_str().unwrap());
    let bell = json!({ "answers": { "model": "\u{7}" } });
    let version = draft["version"].as_i64().unwrap();
    let edited = acme.requester.client.patch(&path, version, bell).await;
    assert_eq!(edited.pointers(), ["/answers/model"]);
}

async fn what_is_said_is_kept_told_and_sent_without_the_spaces_around_it(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    acme.bind("notify", "stakeholder-notifier", telling_the_requester()).await;
    let agent = &acme.agent.client;
    let incident = acme.report("No wifi").await;
    let _ = desk.letters().await;

    let _ = agent.comment(&incident, "public", "\n  We are coming \n").await.created();
    let priority = json!({ "priority": 1, "reason": "  the boss  " });
    let _ = agent.act(&incident, "set_priority", priority).await.ok();
    let _ = acme.requester.client.comment(&incident, "public", "  Thanks ").await.created();

    let comments = agent.of(&incident, "comments").await.items();
    let said: Vec<_> = comments.iter().map(|one| one["text"].as_str().unwrap()).collect();
    assert_eq!(said, ["We are coming", "Thanks"]);
    let events = agent.of(&incident, "events").await.items();
    let raised = events.iter().find(|event| event["action"] == "set_priority").unwrap();
    assert_eq!(raised["reason"], "the boss");
    let letters = desk.letters().await;
    assert!(letters.iter().any(|one| one.body.contains("No wifi We are coming")), "{letters:?}");
}

async fn a_time_zone_that_is_none_says_what_is_wanted(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let team = json!({ "key": "field", "name": "Field", "zone": "Berlin time" });

    let refused = acme.admin.client.post("/teams", team).await;

    assert_eq!(refused.pointers(), ["/zone"]);
    let message = refused.json["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("Europe/Berlin"), "{message}");
}

async fn a_time_that_is_none_says_what_is_wanted(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let opened = json!({ "short_description": "No wifi", "opened_at": "yesterday" });

    let body = acme.try_report(opened).await;
    let query = agent.get("/tickets?opened_from=yesterday").await;

    assert_eq!(body.pointers(), ["/opened_at"]);
    for refused in [&body, &query] {
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        let message = refused.json["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("2026-06-01T08:00:00Z"), "{message}");
    }
}

async fn every_text_is_kept_with_one_kind_of_line_end(desk: TestDesk) {
    const GIVEN: &str = "one\rtwo\r\nthree\n.\rfour";
    const KEPT: &str = "one\ntwo\nthree\n.\nfour";
    let acme = desk.organization("acme").await;
    acme.bind("notify", "stakeholder-notifier", telling_the_requester()).await;
    let agent = &acme.agent.client;

    let new = json!({
        "short_description": GIVEN, "description": GIVEN, "fields": { "note": GIVEN, "all": [GIVEN] },
    });
    let incident = agent.post("/incidents", new).await.created();
    assert_eq!(incident["short_description"], "one two three . four");
    assert_eq!(incident["description"], KEPT);
    assert_eq!(incident["fields"], json!({ "note": KEPT, "all": [KEPT] }));

    let incident = acme.report("No wifi").await;
    let _ = desk.letters().await;
    let _ = agent.comment(&incident, "public", GIVEN).await.created();
    let waits = json!({ "awaiting": "vendor", "vendor": GIVEN });
    let held = agent.act(&incident, "hold", waits).await.ok();
    assert_eq!(held["hold"]["vendor"], "one two three . four");
    let why = json!({ "priority": 1, "reason": GIVEN });
    let _ = agent.act(&incident, "set_priority", why).await.ok();
    let comments = agent.of(&incident, "comments").await.items();
    assert_eq!(comments[0]["text"], KEPT);
    let events = agent.of(&incident, "events").await.items();
    let raised = events.iter().find(|event| event["action"] == "set_priority").unwrap();
    assert_eq!(raised["reason"], KEPT);
    for letter in desk.letters().await {
        assert!(!letter.body.contains('\r') && !letter.subject.contains('\r'), "{letter:?}");
    }

    let wish = json!({ "short_description": "A desk", "answers": { "why": GIVEN } });
    let request = acme.requester.client.post("/requests", wish).await.created();
    assert_eq!(request["request"]["answers"]["why"], KEPT);
    let _ = desk.letters().await;
}

async fn what_nobody_sees_is_no_text_and_no_part_of_an_address(desk: TestDesk) {
    const NOTHING: &str = "\u{200b}\u{2060} \u{feff}";
    let acme = desk.organization("acme").await;
    let (admin, agent) = (&acme.admin.client, &acme.agent.client);
    let incident = acme.report("No wifi").await;
    let title = acme.try_report(json!({ "short_description": NOTHING })).await;
    assert_eq!(title.pointers(), ["/short_description"], "{}", title.text);
    assert_eq!(agent.comment(&incident, "public", NOTHING).await.pointers(), ["/text"]);
    let cancel = agent.act(&incident, "cancel", json!({ "reason": NOTHING })).await;
    assert_eq!(cancel.pointers(), ["/reason"], "{}", cancel.text);
    let tagged = json!({ "short_description": "No wifi", "tags": [NOTHING] });
    assert_eq!(acme.try_report(tagged).await.pointers(), ["/tags/0"]);
    let team = admin.post("/teams", json!({ "key": "ghosts", "name": NOTHING })).await;
    assert_eq!(team.pointers(), ["/name"], "{}", team.text);

    for address in
        ["<a@b.example>", "a\u{202e}@b.example", "a@b\u{200b}.example", "Ada a@b.example"]
    {
        let ada = json!({ "name": "Ada", "email": address });
        let refused = admin.post("/people", ada).await;
        assert_eq!(refused.pointers(), ["/email"], "{address}: {}", refused.text);
    }
}

async fn no_time_is_another_moment_on_the_other_database(desk: TestDesk) {
    const LEAP: &str = "2016-12-31T23:59:60Z";
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let incident = acme.report("No wifi").await;

    let opened = json!({ "short_description": "No wifi", "opened_at": LEAP });
    let opened = acme.try_report(opened).await;
    let eta = agent.act(&incident, "set_eta", json!({ "eta": LEAP })).await;
    let query = agent.get(&format!("/tickets?opened_from={LEAP}")).await;

    assert_eq!(opened.pointers(), ["/opened_at"], "{}", opened.text);
    assert_eq!(eta.pointers(), ["/eta"], "{}", eta.text);
    for refused in [&opened, &eta, &query] {
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        let message = refused.json["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("leap second"), "{message}");
    }
}

async fn what_reads_alike_is_found_however_it_was_typed(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let (admin, agent) = (&acme.admin.client, &acme.agent.client);
    let new = json!({ "short_description": "Caf\u{e9} wifi is slow", "tags": ["Caf\u{e9}"] });
    let incident = acme.try_report(new).await.created();
    assert_eq!(
        incident["short_description"], "Caf\u{e9} wifi is slow",
        "it is kept as it was typed"
    );

    for query in ["text=cafe%CC%81", "text=CAF%C3%89", "tag=Cafe%CC%81", "tag=caf%C3%A9"] {
        let found = agent.get(&format!("/tickets?{query}")).await.items();
        assert_eq!(found.len(), 1, "{query}");
    }

    let jose = json!({ "name": "Jos\u{e9}", "email": "jos\u{e9}@acme.example" });
    let _ = admin.post("/people", jose).await.created();
    let again = json!({ "name": "Jos\u{e9}", "email": "JOSE\u{301}@acme.example" });
    assert_eq!(admin.post("/people", again).await.status, StatusCode::CONFLICT);
    let for_jose =
        json!({ "short_description": "No wifi", "requester": "jose\u{301}@acme.example" });
    let incident = agent.post("/incidents", for_jose).await.created();
    assert_eq!(incident["requester"]["name"], "Jos\u{e9}");
}
