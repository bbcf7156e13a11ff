//! Who must agree, in which order, and how many.

use serde_json::{Value, json};
use waypost_test_support::{Answer, Client, Org, PersonOf, TestDesk, on_both_engines};

use crate::policies::{asking, stage, telling};

on_both_engines! {
    a3_stages_are_asked_in_order
    a3_a_rejecting_stage_stops_the_chain
    a3_steps_of_a_stage_are_asked_at_the_same_time
    a3_a_quorum_of_all_needs_every_vote
    a3_a_delegate_votes_for_the_seat
    a3_nobody_decides_on_their_own_request
    a3_a_plan_that_fails_is_never_taken_for_a_yes
    a3_what_was_approved_at_once_needs_nobody
    a_vote_names_the_content_that_it_was_cast_on
    a_rejection_says_why
    a_rejected_request_is_revised_and_begins_another_round
    a_cancelled_request_asks_nobody_any_more
    approvers_hear_of_it_when_their_stage_opens
    p4_who_approved_what_under_which_policy_can_be_proven
    p4_who_handed_a_request_in_and_which_policy_decided_it_are_two_events
    p4_a_cancelled_approval_says_whose_votes_are_not_needed_any_more
    texts_that_were_approved_cannot_be_changed_behind_the_approvers_backs
}

pub(crate) async fn bind(org: &Org<'_>, stages: &Value) -> Value {
    org.bind("plan", "approval-chain", asking(stages)).await
}

/// The votes that a person is asked for.
pub(crate) async fn asked(person: &PersonOf) -> Vec<Value> {
    person.client.get("/approvals/mine").await.items()
}

pub(crate) async fn vote(
    client: &Client,
    asked: &Value,
    how: &str,
    comment: Option<&str>,
) -> Answer {
    let path = format!("/approval-requests/{}/{how}", asked["id"].as_str().unwrap());
    let opinion = json!({ "content_digest": asked["content_digest"], "comment": comment });
    client.post(&path, opinion).await
}

/// The one vote that a person is asked for, cast.
pub(crate) async fn decide(person: &PersonOf, how: &str, comment: Option<&str>) -> Value {
    let asked = asked(person).await;
    assert_eq!(asked.len(), 1, "{asked:?}");
    vote(&person.client, &asked[0], how, comment).await.ok()
}

pub(crate) async fn state(org: &Org<'_>, request: &Value) -> Value {
    org.admin.client.again(request).await["state"].take()
}

async fn a3_stages_are_asked_in_order(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let finance = json!([{ "team_lead": "network" }]);
    bind(&acme, &json!([stage("manager", &json!(["manager"])), stage("budget", &finance)])).await;
    let request = acme.ask_for_laptop().await;
    assert!(asked(&acme.second_agent).await.is_empty());

    let _ = decide(&acme.manager, "approve", None).await;
    assert_eq!(state(&acme, &request).await, "awaiting_approval");
    let round = decide(&acme.second_agent, "approve", Some("cheap enough")).await;

    assert_eq!(round["outcome"], "approved");
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn a3_a_rejecting_stage_stops_the_chain(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let finance = json!([{ "team_lead": "network" }]);
    bind(&acme, &json!([stage("manager", &json!(["manager"])), stage("budget", &finance)])).await;
    let request = acme.ask_for_laptop().await;

    let round = decide(&acme.manager, "reject", Some("There are enough laptops")).await;

    assert_eq!(round["outcome"], "rejected");
    assert!(asked(&acme.second_agent).await.is_empty());
    let rejected = acme.requester.client.again(&request).await;
    assert_eq!(rejected["state"], "rejected");
    let why = rejected["rejection"]["reason"].as_str().unwrap();
    assert!(why.contains("There are enough laptops"), "{why}");
}

async fn a3_steps_of_a_stage_are_asked_at_the_same_time(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let step = |name: &str, who: Value| json!({ "name": name, "approvers": [who] });
    let parallel = json!([{ "steps": [
        step("manager", json!("manager")), step("network", json!({ "team_lead": "network" })),
    ] }]);
    bind(&acme, &parallel).await;
    let request = acme.ask_for_laptop().await;

    let _ = decide(&acme.second_agent, "approve", None).await;
    assert_eq!(state(&acme, &request).await, "awaiting_approval");
    let _ = decide(&acme.manager, "approve", None).await;

    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn a3_a_quorum_of_all_needs_every_vote(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let all = json!([{ "steps": [
        { "name": "network", "approvers": [{ "team": "network" }], "quorum": "all" },
    ] }]);
    bind(&acme, &all).await;
    let request = acme.ask_for_laptop().await;

    let _ = decide(&acme.agent, "approve", None).await;
    assert_eq!(state(&acme, &request).await, "awaiting_approval");
    let round = decide(&acme.second_agent, "reject", Some("No")).await;

    assert_eq!(round["outcome"], "rejected");
    assert_eq!(state(&acme, &request).await, "rejected");
}

async fn a3_a_delegate_votes_for_the_seat(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &json!([stage("manager", &json!(["manager"]))])).await;
    let request = acme.ask_for_laptop().await;
    let asked = asked(&acme.manager).await;
    let path = format!("/approval-requests/{}/delegate", asked[0]["id"].as_str().unwrap());
    let to = json!({ "to": acme.admin.id, "reason": "On holiday" });
    let _ = acme.manager.client.post(&path, to).await.ok();

    let round = decide(&acme.admin, "approve", None).await;

    assert_eq!(round["outcome"], "approved");
    let seats = round["stages"][0]["steps"][0]["requests"].as_array().unwrap();
    let delegate = seats.iter().find(|seat| seat["voter"]["id"] == acme.admin.id).unwrap();
    assert_eq!(delegate["seat"]["id"], acme.manager.id);
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn a3_nobody_decides_on_their_own_request(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &json!([stage("self", &json!([{ "person": acme.requester.id }]))])).await;

    let request = acme.ask_for_laptop().await;

    // The requester has no seat; the fallback approver has it instead.
    assert!(asked(&acme.requester).await.is_empty());
    let _ = decide(&acme.admin, "approve", None).await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn a3_a_plan_that_fails_is_never_taken_for_a_yes(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let binding = bind(&acme, &json!([stage("manager", &json!(["manager"]))])).await;
    // So little fuel that the policy cannot even begin.
    let starved = json!({ "limits": { "fuel": 10_000 } });
    let path = format!("/bindings/{}/revisions", binding["id"].as_str().unwrap());
    let _ = acme.admin.client.post(&path, starved).await.created();

    let request = acme.ask_for_laptop().await;

    assert_eq!(request["state"], "awaiting_approval");
    assert_eq!(request["waiting_on"]["people"], json!([acme.admin.id]));
    assert_eq!(request["policy_failures"], "plan: out_of_fuel");
}

async fn a3_what_was_approved_at_once_needs_nobody(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let standard = json!({ "rules": [
        { "name": "standard", "when": { "catalog_items": ["laptop"] }, "then": "approve" },
    ] });
    acme.bind("plan", "approval-chain", standard).await;

    let request = acme.ask_for_laptop().await;

    assert_eq!(request["state"], "in_fulfilment");
    assert!(acme.agent.client.of(&request, "approvals").await.items().is_empty());
}

async fn a_vote_names_the_content_that_it_was_cast_on(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &json!([stage("manager", &json!(["manager"]))])).await;
    let request = acme.ask_for_laptop().await;
    let mut shown = asked(&acme.manager).await.remove(0);

    let path = format!("/approval-requests/{}/approve", shown["id"].as_str().unwrap());
    let blind = acme.manager.client.post(&path, json!({})).await;
    assert_eq!(blind.slug(), "missing-fields");
    assert_eq!(blind.pointers(), ["/content_digest"]);
    shown["content_digest"] = json!(format!("sha256:{}", "0".repeat(64)));
    let outdated = vote(&acme.manager.client, &shown, "approve", None).await;

    assert_eq!(outdated.slug(), "content-changed");
    assert_eq!(state(&acme, &request).await, "awaiting_approval");
}

async fn a_rejection_says_why(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &json!([stage("manager", &json!(["manager"]))])).await;
    let _ = acme.ask_for_laptop().await;
    let shown = asked(&acme.manager).await.remove(0);

    let silent = vote(&acme.manager.client, &shown, "reject", None).await;

    assert_eq!((silent.slug(), silent.pointers()), ("missing-fields", vec!["/comment"]));
    let stranger = vote(&acme.agent.client, &shown, "approve", None).await;
    assert_eq!(stranger.slug(), "forbidden");
}

async fn a_rejected_request_is_revised_and_begins_another_round(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &json!([stage("manager", &json!(["manager"]))])).await;
    let request = acme.ask_for_laptop().await;
    let _ = decide(&acme.manager, "reject", Some("Which one?")).await;
    let requester = &acme.requester.client;

    let revised = requester.act(&request, "revise", json!({})).await.ok();
    assert_eq!(revised["state"], "new");
    let _ = requester.act(&request, "submit", json!({})).await.ok();
    let _ = decide(&acme.manager, "approve", None).await;

    let rounds = acme.agent.client.of(&request, "approvals").await.items();
    let outcomes: Vec<_> =
        rounds.iter().map(|round| (round["round"].clone(), round["outcome"].clone())).collect();
    assert_eq!(outcomes, [(json!(1), json!("rejected")), (json!(2), json!("approved"))]);
}

async fn a_cancelled_request_asks_nobody_any_more(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &json!([stage("manager", &json!(["manager"]))])).await;
    let request = acme.ask_for_laptop().await;
    let shown = asked(&acme.manager).await.remove(0);

    let _ =
        acme.requester.client.act(&request, "cancel", json!({ "reason": "Found one" })).await.ok();

    assert!(asked(&acme.manager).await.is_empty());
    let late = vote(&acme.manager.client, &shown, "approve", None).await;
    assert!(late.status.is_client_error(), "{}", late.text);
    assert_eq!(state(&acme, &request).await, "cancelled");
}

async fn approvers_hear_of_it_when_their_stage_opens(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let finance = json!([{ "team_lead": "network" }]);
    bind(&acme, &json!([stage("manager", &json!(["manager"])), stage("budget", &finance)])).await;
    let rules =
        json!({ "rules": [telling("please", "approval_requested", &json!(["approvers"]))] });
    acme.bind("notify", "stakeholder-notifier", rules).await;

    let request = acme.ask_for_laptop().await;
    let number = request["number"].as_str().unwrap();
    assert_eq!(desk.mailbox().await, [format!("manager@acme.example: please {number}")]);
    let _ = decide(&acme.manager, "approve", None).await;

    assert_eq!(desk.mailbox().await, [format!("second@acme.example: please {number}")]);
}

async fn p4_who_approved_what_under_which_policy_can_be_proven(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let binding = bind(&acme, &json!([stage("manager", &json!(["manager"]))])).await;
    let request = acme.ask_for_laptop().await;
    let shown = asked(&acme.manager).await.remove(0);
    let _ = vote(&acme.manager.client, &shown, "approve", Some("Needed")).await.ok();
    let auditor = json!({ "name": "audit", "role": "auditor" });
    let secret = acme.admin.client.post("/tokens", auditor).await.created()["secret"].take();
    let auditor = desk.client(secret.as_str().unwrap());

    let rounds = auditor.of(&request, "approvals").await.items();
    let seat = &rounds[0]["stages"][0]["steps"][0]["requests"][0];
    assert_eq!(
        (&seat["voter"]["id"], &seat["state"]),
        (&json!(acme.manager.id), &json!("approved"))
    );
    assert_eq!(rounds[0]["content_digest"], shown["content_digest"]);
    let receipt = format!("/receipts/{}", rounds[0]["receipt"].as_str().unwrap());
    let receipt = auditor.get(&receipt).await.ok();
    assert_eq!(receipt["component"], binding["active"]["component"]);
    assert_eq!(receipt["settings_digest"], binding["active"]["settings_digest"]);
    assert_eq!((&receipt["hook"], &receipt["revision"]), (&json!("plan"), &json!(1)));
    let events = auditor.of(&request, "events").await.items();
    let vote = events.iter().find(|event| event["action"] == "vote").unwrap();
    assert_eq!(vote["actor"], json!({ "kind": "user", "person": acme.manager.id }));
    assert_eq!(vote["reason"], "Needed");
    // Who audits changes nothing.
    assert_eq!(auditor.comment(&request, "internal", "hm").await.slug(), "forbidden");
}

async fn p4_who_handed_a_request_in_and_which_policy_decided_it_are_two_events(desk: TestDesk) {
    for (key, then, action) in [
        ("acme", json!("approve"), "approve"),
        ("bolt", json!({ "refuse": "No laptops this year" }), "reject"),
    ] {
        let org = desk.organization(key).await;
        let rule = json!({ "rules": [{ "name": "always", "then": then }] });
        let binding = org.bind("plan", "approval-chain", rule).await;

        let request = org.ask_for_laptop().await;

        let events = org.agent.client.of(&request, "events").await.items();
        let one = |action: &str| events.iter().find(|event| event["action"] == action).unwrap();
        let requester = json!({ "kind": "user", "person": org.requester.id });
        assert_eq!(one("submit")["actor"], requester);
        let verdict = one(action);
        assert_eq!(verdict["actor"]["kind"], "policy", "{verdict}");
        assert_eq!(verdict["policy_digest"], binding["active"]["component"]);
        assert_eq!(verdict["changes"][0]["field"], "state", "{verdict}");
        assert!(!verdict["reason"].is_null(), "{verdict}");
    }
    let crab = desk.organization("crab").await;
    let binding = bind(&crab, &json!([stage("manager", &json!(["manager"]))])).await;
    let request = crab.ask_for_laptop().await;
    let events = crab.agent.client.of(&request, "events").await.items();
    let asked = events.iter().find(|event| event["action"] == "request_approval").unwrap();
    assert_eq!(asked["policy_digest"], binding["active"]["component"]);
    let seat = &asked["changes"][0];
    assert!(seat["field"].as_str().unwrap().ends_with(&crab.manager.id), "{asked}");
    assert_eq!(seat["after"], "requested");
}

async fn p4_a_cancelled_approval_says_whose_votes_are_not_needed_any_more(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &json!([stage("manager", &json!(["manager"]))])).await;
    for action in ["cancel", "revise"] {
        let request = acme.ask_for_laptop().await;
        let input = if action == "cancel" { json!({ "reason": "Found one" }) } else { json!({}) };
        let _ = acme.requester.client.act(&request, action, input).await.ok();

        let events = acme.agent.client.of(&request, "events").await.items();
        let done = events.iter().find(|event| event["action"] == action).unwrap();
        // The end of the approval is an event of its own, which that one caused.
        let ended = events.iter().find(|event| event["action"] == "void_approval").unwrap();
        assert_eq!(ended["cause"], done["id"]);
        let changes = ended["changes"].as_array().unwrap();
        let seat = |one: &&Value| one["field"].as_str().unwrap().ends_with(&acme.manager.id);
        let seat = changes.iter().find(seat).unwrap_or_else(|| panic!("no seat in {ended}"));
        assert_eq!((&seat["before"], &seat["after"]), (&json!("requested"), &json!("cancelled")));
    }
}

async fn texts_that_were_approved_cannot_be_changed_behind_the_approvers_backs(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &json!([stage("manager", &json!(["manager"]))])).await;
    let wish = json!({ "short_description": "A plant for the office" });
    let request = acme.requester.client.post("/requests", wish).await.created();
    let _ = decide(&acme.manager, "approve", None).await;
    let request = acme.agent.client.again(&request).await;
    assert_eq!(request["state"], "in_fulfilment");
    let path = format!("/requests/{}", request["id"].as_str().unwrap());
    let version = request["version"].as_i64().unwrap();

    let texts = json!({ "short_description": "A car for the office" });
    let refused = acme.agent.client.patch(&path, version, texts).await;

    assert_eq!(refused.slug(), "guard-failed", "{}", refused.text);
    assert!(refused.text.contains("starts a new round"), "{}", refused.text);
    let other = json!({ "tags": ["green"] });
    let _ = acme.agent.client.patch(&path, version, other).await.ok();
}
