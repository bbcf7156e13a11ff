//! Major incidents: found by a person or a rule, led by somebody, told of at promised times, and
//! reviewed.

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use waypost_app::{
    Clock,
    upkeep::{self, Upkept},
};
use waypost_test_support::{Answer, Org, TestDesk, on_both_engines};

use crate::policies::telling;

on_both_engines! {
    a_major_incident_goes_from_proposal_to_review
    accepting_names_everything_that_is_missing_and_who_can_not_lead
    a_major_incident_neither_ends_nor_closes_itself_before_its_review
    a_reopened_major_incident_owes_an_update
    an_update_hands_over_to_the_next_shift
    what_was_rejected_is_proposed_again_by_a_person_only
    only_the_desk_makes_major_incidents_and_only_of_incidents
    hints_say_what_a_major_incident_allows
    a_missed_update_escalates_once_and_tells_who_leads
    policies_hear_of_major_incidents
    major_incidents_are_listed_by_where_they_stand
    everybody_may_know_what_is_down_and_no_more_of_it
}

async fn sweep(desk: &TestDesk) -> Upkept {
    upkeep::sweep(&desk.desk, desk.clock.now()).await.unwrap()
}

pub(crate) fn in_minutes(desk: &TestDesk, minutes: i64) -> DateTime<Utc> {
    desk.clock.now() + TimeDelta::minutes(minutes)
}

fn acceptance(acme: &Org<'_>, next_update_at: DateTime<Utc>) -> Value {
    json!({
        "manager": acme.agent.email,
        "communication_owner": acme.second_agent.id,
        "next_update_at": next_update_at,
    })
}

/// An incident that was accepted as a major one; its next update is due in an hour.
pub(crate) async fn accepted(acme: &Org<'_>, text: &str) -> Value {
    let incident = acme.report(text).await;
    let agent = &acme.agent.client;
    let _ = agent.act(&incident, "propose_major", json!({ "reason": "all are down" })).await.ok();
    let input = acceptance(acme, in_minutes(acme.desk, 60));
    agent.act(&incident, "accept_major", input).await.ok()
}

async fn resolve(acme: &Org<'_>, incident: &Value) -> Value {
    let done = json!({ "resolution_code": "fixed", "resolution_notes": "a new switch" });
    acme.agent.client.act(incident, "resolve", done).await.ok()
}

pub(crate) async fn set(acme: &Org<'_>, settings: Value) -> Answer {
    let path = format!("/organizations/{}", acme.key);
    let version = acme.admin.client.get(&path).await.ok()["version"].as_i64().unwrap();
    acme.admin.client.patch(&path, version, settings).await
}

pub(crate) async fn events(acme: &Org<'_>, incident: &Value) -> Vec<Value> {
    acme.agent.client.of(incident, "events").await.items()
}

fn change<'a>(event: &'a Value, field: &str) -> &'a Value {
    let changes = event["changes"].as_array().unwrap();
    changes.iter().find(|change| change["field"] == field).unwrap()
}

pub(crate) fn promoting(acme: &Org<'_>) -> Value {
    json!({
        "manager": acme.agent.id, "communication_owner": acme.second_agent.email,
        "update_minutes": 30,
    })
}

async fn a_major_incident_goes_from_proposal_to_review(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.second_agent.client;
    let incident = acme.report("The network is down").await;
    assert_eq!((&incident["major_state"], &incident["major"]), (&json!("none"), &Value::Null));

    let why = json!({ "reason": "all sites are down" });
    let proposed = agent.act(&incident, "propose_major", why).await.ok();
    assert_eq!((&proposed["major_state"], &proposed["major"]), (&json!("proposed"), &Value::Null));
    let first = in_minutes(&desk, 60);
    let accepted = agent.act(&incident, "accept_major", acceptance(&acme, first)).await.ok();
    assert_eq!(accepted["major_state"], "accepted");
    assert_eq!(accepted["major"]["manager"]["name"], "agent of acme");
    assert_eq!(accepted["major"]["communication_owner"]["id"], json!(acme.second_agent.id));
    assert_eq!(accepted["major"]["next_update_at"], json!(first));
    // Who accepted it knows; the other one is told.
    let number = incident["number"].as_str().unwrap();
    let letter = format!("agent@acme.example: {number} is a major incident, and you are in charge");
    assert_eq!(desk.mailbox().await, [letter]);

    desk.clock.advance(TimeDelta::minutes(30));
    let second = in_minutes(&desk, 60);
    let update = json!({ "text": "A switch is being replaced.", "next_update_at": second });
    let updated = agent.act(&incident, "update_major", update).await.ok();
    assert_eq!(updated["major"]["next_update_at"], json!(second));
    let comments = acme.requester.client.of(&incident, "comments").await.items();
    assert_eq!(comments[0]["text"], "A switch is being replaced.");

    let resolved = resolve(&acme, &incident).await;
    assert_eq!(resolved["major_state"], "review");
    assert_eq!(resolved["major"]["next_update_at"], Value::Null);
    let note = json!({ "review_note": "Buy a second switch." });
    let done = agent.act(&incident, "finish_major", note).await.ok();
    assert_eq!((&done["major_state"], &done["state"]), (&json!("done"), &json!("resolved")));
    assert_eq!(done["major"]["review_note"], "Buy a second switch.");
    let _ = agent.act(&incident, "close", json!({})).await.ok();

    let events = events(&acme, &incident).await;
    let told: Vec<_> = events.iter().map(|event| event["action"].as_str().unwrap()).collect();
    let majors: Vec<_> = told.iter().filter(|action| action.ends_with("_major")).collect();
    assert_eq!(majors, [&"propose_major", &"accept_major", &"update_major", &"finish_major"]);
    let by_name = |action: &str| events.iter().find(|event| event["action"] == action).unwrap();
    assert_eq!(by_name("propose_major")["reason"], "all sites are down");
    let state = change(by_name("accept_major"), "major_state");
    assert_eq!((&state["before"], &state["after"]), (&json!("proposed"), &json!("accepted")));
    assert_eq!(change(by_name("accept_major"), "manager")["after"], json!(acme.agent.id));
    assert_eq!(change(by_name("resolve"), "major_state")["after"], "review");
    let why = acme.agent.client.of(&incident, "explain").await.text;
    assert!(why.contains("It was a major incident; its review is complete."), "{why}");
}

async fn accepting_names_everything_that_is_missing_and_who_can_not_lead(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let incident = acme.report("The network is down").await;
    let early = agent.act(&incident, "accept_major", json!({})).await;
    assert_eq!((early.status, early.slug()), (StatusCode::CONFLICT, "invalid-transition"));
    let _ = agent.act(&incident, "propose_major", json!({ "reason": "all" })).await.ok();

    let nothing = agent.act(&incident, "accept_major", json!({})).await;
    assert_eq!(nothing.slug(), "missing-fields");
    assert_eq!(nothing.pointers(), ["/communication_owner", "/manager", "/next_update_at"]);
    let wrong = json!({
        "manager": acme.requester.id, "communication_owner": "nobody@acme.example",
        "next_update_at": "2020-01-01T00:00:00Z",
    });
    let wrong = agent.act(&incident, "accept_major", wrong).await;
    assert_eq!(wrong.faults(), [("/communication_owner", "unknown")]);
    let wrong = json!({
        "manager": acme.requester.id, "communication_owner": acme.second_agent.id,
        "next_update_at": "2020-01-01T00:00:00Z",
    });
    let wrong = agent.act(&incident, "accept_major", wrong).await;
    assert_eq!(wrong.faults(), [("/manager", "not-an-agent"), ("/next_update_at", "in-the-past")]);
    let empty = agent.act(&incident, "reject_major", json!({})).await;
    assert_eq!(empty.pointers(), ["/reason"]);
    assert_eq!(agent.again(&incident).await["major_state"], "proposed");
}

async fn a_major_incident_neither_ends_nor_closes_itself_before_its_review(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let incident = accepted(&acme, "The network is down").await;
    let other = acme.report("No wifi").await;
    for (action, input) in [
        ("cancel", json!({ "reason": "a mistake" })),
        ("merge_into", json!({ "target": other["number"] })),
        ("convert", json!({ "to": "request", "reason": "a wish" })),
    ] {
        let refused = agent.act(&incident, action, input).await;
        assert_eq!((refused.status, refused.slug()), (StatusCode::CONFLICT, "guard-failed"));
        assert!(refused.text.contains("resolve it"), "{}", refused.text);
    }
    let resolved = resolve(&acme, &incident).await;
    assert_eq!(resolved["waiting_on"]["closes_at"], Value::Null);
    let refused = acme.requester.client.act(&incident, "close", json!({})).await;
    assert_eq!((refused.status, refused.slug()), (StatusCode::CONFLICT, "guard-failed"));
    assert!(refused.text.contains("finish_major"), "{}", refused.text);
    desk.clock.advance(TimeDelta::days(30));
    assert_eq!(sweep(&desk).await, Upkept::default());

    let _ = agent.act(&incident, "finish_major", json!({ "review_note": "spares" })).await.ok();
    assert_eq!(sweep(&desk).await, Upkept { closed: 1, ..Upkept::default() });
    assert_eq!(agent.again(&incident).await["state"], "closed");
    desk.ignore_mail();
}

async fn a_reopened_major_incident_owes_an_update(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = accepted(&acme, "The network is down").await;
    let _ = resolve(&acme, &incident).await;
    desk.clock.advance(TimeDelta::hours(3));
    assert_eq!(sweep(&desk).await, Upkept::default(), "nothing is owed while it is resolved");

    // A reply of the caller reopens it, too.
    let _ = acme.requester.client.comment(&incident, "public", "It is down again").await;

    let again = acme.agent.client.again(&incident).await;
    assert_eq!(
        (&again["state"], &again["major_state"]),
        (&json!("in_progress"), &json!("accepted"))
    );
    assert_eq!(again["major"]["next_update_at"], json!(in_minutes(&desk, 30)));
    assert_eq!(again["major"]["manager"]["id"], json!(acme.agent.id));
    let reopened = events(&acme, &incident).await.pop().unwrap();
    assert_eq!(change(&reopened, "major_state")["before"], "review");
    desk.ignore_mail();
}

async fn an_update_hands_over_to_the_next_shift(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = accepted(&acme, "The network is down").await;
    let _ = desk.letters().await;
    let next = in_minutes(&desk, 120);
    let update = json!({
        "text": "The night shift goes on.", "next_update_at": next, "manager": acme.admin.email,
    });

    let updated = acme.agent.client.act(&incident, "update_major", update).await.ok();

    assert_eq!(updated["major"]["manager"]["id"], json!(acme.admin.id));
    assert_eq!(updated["major"]["communication_owner"]["id"], json!(acme.second_agent.id));
    let number = incident["number"].as_str().unwrap();
    let letter = format!("admin@acme.example: {number} is a major incident, and you are in charge");
    assert_eq!(desk.mailbox().await, [letter]);
}

async fn what_was_rejected_is_proposed_again_by_a_person_only(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let incident = acme.report("The network is down").await;
    let why = || json!({ "reason": "all sites are down" });
    let _ = agent.act(&incident, "propose_major", why()).await.ok();
    let rejected = agent.act(&incident, "reject_major", json!({ "reason": "one room" })).await.ok();
    assert_eq!(rejected["major_state"], "rejected");

    let token = json!({ "name": "monitoring", "role": "agent" });
    let issued = acme.admin.client.post("/tokens", token).await.created();
    let program = desk.client(issued["secret"].as_str().unwrap());
    let refused = program.act(&incident, "propose_major", why()).await;
    assert_eq!((refused.status, refused.slug()), (StatusCode::CONFLICT, "guard-failed"));
    let proposed = agent.act(&incident, "propose_major", why()).await.ok();
    assert_eq!(proposed["major_state"], "proposed");
}

async fn only_the_desk_makes_major_incidents_and_only_of_incidents(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("The network is down").await;
    for action in ["propose_major", "accept_major", "reject_major", "update_major", "finish_major"]
    {
        let refused = acme.requester.client.act(&incident, action, json!({})).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{action}: {}", refused.text);
    }
    let request = acme.ask_for_laptop().await;
    let why = json!({ "reason": "urgent" });
    let refused = acme.agent.client.act(&request, "propose_major", why).await;
    // Requests have no such action.
    assert_eq!((refused.status, refused.slug()), (StatusCode::NOT_FOUND, "not-found"));
    assert!(refused.text.contains("is not an action of a request"), "{}", refused.text);
}

async fn hints_say_what_a_major_incident_allows(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let hints = async |incident: &Value| {
        let allowed = acme.agent.client.of(incident, "actions").await.items();
        allowed
            .into_iter()
            .map(|one| (one["action"].as_str().unwrap().to_owned(), one["lacks"].clone()))
            .collect::<Vec<_>>()
    };
    let named =
        |hints: &[(String, Value)], action: &str| hints.iter().any(|(one, _)| one == action);
    let incident = acme.report("The network is down").await;
    let plain = hints(&incident).await;
    assert!(named(&plain, "propose_major") && named(&plain, "cancel"));
    assert!(!named(&plain, "accept_major") && !named(&plain, "update_major"));

    let incident = accepted(&acme, "The mail is down").await;
    let major = hints(&incident).await;
    let update = major.iter().find(|(action, _)| action == "update_major").unwrap();
    assert_eq!(update.1, json!(["/text", "/next_update_at"]));
    for refused in ["propose_major", "cancel", "merge_into", "convert"] {
        assert!(!named(&major, refused), "{refused}");
    }
    let _ = resolve(&acme, &incident).await;
    let review = hints(&incident).await;
    assert!(named(&review, "finish_major") && !named(&review, "close"));
    desk.ignore_mail();
}

async fn a_missed_update_escalates_once_and_tells_who_leads(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = accepted(&acme, "The network is down").await;
    let number = incident["number"].as_str().unwrap().to_owned();
    let _ = desk.letters().await;
    desk.clock.advance(TimeDelta::minutes(59));
    assert_eq!(sweep(&desk).await, Upkept::default());
    desk.clock.advance(TimeDelta::minutes(1));

    assert_eq!(sweep(&desk).await, Upkept { silent: 1, ..Upkept::default() });
    assert_eq!(sweep(&desk).await, Upkept::default());

    let overdue = format!("{number}: update overdue");
    let both =
        [format!("agent@acme.example: {overdue}"), format!("second@acme.example: {overdue}")];
    assert_eq!(desk.mailbox().await, both);
    let late = acme.agent.client.again(&incident).await;
    assert_eq!(
        (&late["escalation_level"], &late["major"]["update_missed"]),
        (&json!(1), &json!(true))
    );
    let last = events(&acme, &incident).await.pop().unwrap();
    assert_eq!((&last["action"], &last["actor"]["kind"]), (&json!("escalate"), &json!("system")));
    assert!(last["reason"].as_str().unwrap().contains("was missed"), "{last}");

    let next = in_minutes(&desk, 10);
    let update = json!({ "text": "A switch is being replaced.", "next_update_at": next });
    let told = acme.agent.client.act(&incident, "update_major", update).await.ok();
    assert_eq!(told["major"]["update_missed"], false);
    desk.clock.advance(TimeDelta::minutes(11));
    assert_eq!(sweep(&desk).await, Upkept { silent: 1, ..Upkept::default() });
    assert_eq!(desk.mailbox().await, both);
    assert_eq!(acme.agent.client.again(&incident).await["escalation_level"], 2);
}

async fn policies_hear_of_major_incidents(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut rule = telling("major", "major_changed", &json!(["requester"]));
    rule["major_states"] = json!(["accepted"]);
    rule["subject"] = json!("{number} {major_state}");
    let update = telling("update", "commented", &json!(["requester"]));
    acme.bind("notify", "stakeholder-notifier", json!({ "rules": [rule, update] })).await;
    let incident = accepted(&acme, "The network is down").await;
    let number = incident["number"].as_str().unwrap();
    let mailbox = desk.mailbox().await;
    let heard = format!("requester@acme.example: {number} accepted");
    assert!(mailbox.contains(&heard) && mailbox.len() == 2, "{mailbox:?}");

    let text = json!({ "text": "Soon.", "next_update_at": in_minutes(&desk, 90) });
    let _ = acme.agent.client.act(&incident, "update_major", text).await.ok();
    assert_eq!(desk.mailbox().await, [format!("requester@acme.example: update {number}")]);

    // What a rule found while the incident was opened is in the question, and asked again it is the
    // same.
    let top = json!({ "name": "top", "priority_at_most": 1, "promote": promoting(&acme) });
    let _ = set(&acme, json!({ "major_rules": [top] })).await.ok();
    let urgent = json!({ "short_description": "All phones ring", "impact": 1, "urgency": 1 });
    let urgent = acme.try_report(urgent).await.created();
    let number = urgent["number"].as_str().unwrap();
    let heard = format!("requester@acme.example: {number} accepted");
    assert!(desk.mailbox().await.contains(&heard));
    let receipts = acme.agent.client.get(&format!("/receipts?ticket={number}")).await.items();
    assert_eq!(receipts.len(), 2, "that it came in, and that it is a major incident");
    for receipt in receipts {
        let path = format!("/receipts/{}/re-execute", receipt["id"].as_str().unwrap());
        let again = acme.admin.client.post(&path, json!({})).await.ok();
        assert_eq!(again["verdict"], "same", "{again}");
    }
}

async fn major_incidents_are_listed_by_where_they_stand(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let major = accepted(&acme, "The network is down").await;
    let plain = acme.report("A mouse").await;
    let list = async |filter: &str| {
        let found =
            acme.agent.client.get(&format!("/incidents?major_state={filter}")).await.items();
        found.into_iter().map(|one| one["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(list("accepted,review").await, [major["id"].clone()]);
    assert_eq!(list("none").await, [plain["id"].clone()]);
    let wrong = acme.agent.client.get("/incidents?major_state=huge").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text);
    desk.ignore_mail();
}

async fn everybody_may_know_what_is_down_and_no_more_of_it(desk: TestDesk) {
    let (acme, bolt) = (desk.organization("acme").await, desk.organization("bolt").await);
    desk.ignore_mail();
    let agent = &acme.agent.client;
    let proposed = acme.report("The mail is slow").await;
    let _ = agent.act(&proposed, "propose_major", json!({ "reason": "all are slow" })).await.ok();
    let _ = accepted(&bolt, "The lift is stuck").await;
    let down = accepted(&acme, "The network is down").await;
    let stranger = &acme.manager.client;
    let shown = async || stranger.get("/major-incidents").await.items();
    let number = down["number"].as_str().unwrap();
    assert_eq!(stranger.get(&format!("/incidents/{number}")).await.slug(), "not-found");

    let comment = json!({ "text": "Your telephone number, please?" });
    let _ = agent.act(&down, "comment", comment.clone()).await.ok();
    let before = json!({
        "number": number, "short_description": "The network is down", "state": down["state"],
        "opened_at": down["opened_at"], "last_update": null,
    });
    assert_eq!(shown().await, std::slice::from_ref(&before));

    desk.clock.advance(TimeDelta::minutes(5));
    let told_at = desk.clock.now();
    for text in ["A switch is broken.", "A switch is being replaced."] {
        let update = json!({ "text": text, "next_update_at": in_minutes(&desk, 60) });
        let _ = agent.act(&down, "update_major", update).await.ok();
        desk.clock.advance(TimeDelta::minutes(5));
    }
    // What is said to whoever reported it is not for everybody.
    let _ = agent.act(&down, "comment", comment).await.ok();
    let _ = agent.act(&down, "note", json!({ "text": "Again!" })).await.ok();
    let mut after = before;
    after["last_update"] = json!({
        "text": "A switch is being replaced.", "at": told_at + TimeDelta::minutes(5),
    });
    assert_eq!(shown().await, [after]);
    assert_eq!(bolt.requester.client.get("/major-incidents").await.items().len(), 1);

    let _ = resolve(&acme, &down).await;
    assert_eq!(shown().await, Vec::<Value>::new());
}
