//! Who holds a seat of an approval, who must agree, how stages are decided, and votes that are
//! refused or given up.

use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_app::{
    Clock,
    upkeep::{self, Upkept},
};
use waypost_test_support::{Client, Org, PersonOf, TestDesk, on_both_engines};

use crate::approvals::{asked, bind, decide, state, vote};

on_both_engines! {
    a3_a_stage_is_decided_by_the_majority_of_its_steps
    a3_the_first_decided_step_decides_its_stage
    a3_the_yes_of_others_is_not_enough_where_somebody_must_agree
    a3_of_a_team_that_must_agree_everybody_must
    a3_where_nobody_is_found_who_must_agree_the_fallback_approver_must
    a3_nobody_decides_on_work_of_their_own
    a3_whoever_gets_the_work_while_asked_passes_the_vote_on
    a4_votes_that_nobody_casts_are_given_up_and_the_quorum_is_judged
    a4_a_vote_that_is_given_up_counts_as_an_abstention
    p4_a_refused_vote_is_kept_for_auditors_and_changes_nothing
    a_token_of_role_auditor_casts_no_vote_and_each_try_is_kept
    a_refused_vote_has_one_code_for_its_sender_and_for_auditors
    p4_nobody_fills_the_desk_with_refused_votes
}

async fn sweep(desk: &TestDesk) -> Upkept {
    upkeep::sweep(&desk.desk, desk.clock.now()).await.unwrap()
}

fn person(one: &PersonOf) -> Value {
    json!({ "person": one.id })
}

/// Three questions at the same time: to an agent, the other one, the manager.
fn three(acme: &Org<'_>, rule: &str) -> Value {
    let step = |name: &str, who: &PersonOf| json!({ "name": name, "approvers": [person(who)] });
    json!([{ "rule": rule, "steps": [
        step("data", &acme.agent), step("network", &acme.second_agent), step("budget", &acme.manager),
    ] }])
}

async fn a3_a_stage_is_decided_by_the_majority_of_its_steps(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &three(&acme, "majority")).await;
    let request = acme.ask_for_laptop().await;

    let _ = decide(&acme.agent, "reject", Some("No")).await;
    let _ = decide(&acme.manager, "approve", None).await;
    assert_eq!(state(&acme, &request).await, "awaiting_approval");
    let round = decide(&acme.second_agent, "approve", None).await;

    assert_eq!(round["stages"][0]["rule"], "majority");
    assert_eq!(round["outcome"], "approved");
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn a3_the_first_decided_step_decides_its_stage(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &three(&acme, "first_decided")).await;

    let request = acme.ask_for_laptop().await;
    let round = decide(&acme.second_agent, "approve", None).await;
    assert_eq!(round["stages"][0]["rule"], "first_decided");
    assert_eq!(round["stages"][0]["steps"][0]["outcome"], "cancelled");
    assert!(asked(&acme.agent).await.is_empty() && asked(&acme.manager).await.is_empty());
    assert_eq!(state(&acme, &request).await, "in_fulfilment");

    let request = acme.ask_for_laptop().await;
    let _ = decide(&acme.manager, "reject", Some("Too dear")).await;
    assert_eq!(state(&acme, &request).await, "rejected");
}

/// Any of the team `network` is enough, but the manager must agree.
fn network_and_manager() -> Value {
    json!([{ "steps": [{
        "name": "network", "approvers": [{ "team": "network" }], "mandatory": ["manager"],
    }] }])
}

async fn a3_the_yes_of_others_is_not_enough_where_somebody_must_agree(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &network_and_manager()).await;

    for (how, outcome) in
        [("approve", "in_fulfilment"), ("reject", "rejected"), ("abstain", "rejected")]
    {
        let request = acme.ask_for_laptop().await;
        let round = decide(&acme.agent, "approve", None).await;
        assert_eq!(round["outcome"], "pending");
        let seats = round["stages"][0]["steps"][0]["requests"].as_array().unwrap();
        let mandatory = seats.iter().filter(|seat| seat["mandatory"] == true);
        let mandatory: Vec<_> = mandatory.map(|seat| &seat["seat"]["id"]).collect();
        assert_eq!(mandatory, [&json!(acme.manager.id)]);

        let _ = decide(&acme.manager, how, Some("Because")).await;

        assert_eq!(state(&acme, &request).await, outcome, "{how}");
    }
}

async fn a3_of_a_team_that_must_agree_everybody_must(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let all = json!([{ "steps": [{ "name": "network", "mandatory": [{ "team": "network" }] }] }]);
    bind(&acme, &all).await;
    let request = acme.ask_for_laptop().await;

    let _ = decide(&acme.agent, "approve", None).await;
    assert_eq!(state(&acme, &request).await, "awaiting_approval");
    let _ = decide(&acme.second_agent, "approve", None).await;

    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn a3_where_nobody_is_found_who_must_agree_the_fallback_approver_must(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let owner = json!([{ "steps": [{
        "name": "owner", "approvers": [{ "team": "network" }], "mandatory": ["service_owner"],
    }] }]);
    bind(&acme, &owner).await;

    // Without a service there is no owner.
    let request = acme.ask_for_laptop().await;

    let _ = decide(&acme.agent, "approve", None).await;
    assert_eq!(state(&acme, &request).await, "awaiting_approval");
    let _ = decide(&acme.admin, "approve", None).await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
    let receipts = acme.agent.client.of(&request, "receipts").await.items();
    let told = receipts[0]["notes"].to_string() + &receipts[0].to_string();
    assert!(told.contains("no service with an owner"), "{told}");
}

/// A request that is not handed in yet and that an agent works on.
async fn begun(acme: &Org<'_>) -> Value {
    let draft = json!({ "short_description": "A laptop", "draft": true });
    let request = acme.requester.client.post("/requests", draft).await.created();
    let agent = json!({ "team": "network", "assignee": acme.agent.id });
    acme.admin.client.act(&request, "assign", agent).await.ok()
}

async fn a3_nobody_decides_on_work_of_their_own(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let all = json!([{ "steps": [
        { "name": "network", "approvers": [{ "team": "network" }], "quorum": "all" },
    ] }]);
    bind(&acme, &all).await;
    let request = begun(&acme).await;

    let _ = acme.requester.client.act(&request, "submit", json!({})).await.ok();

    assert!(asked(&acme.agent).await.is_empty());
    let _ = decide(&acme.second_agent, "approve", None).await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn a3_whoever_gets_the_work_while_asked_passes_the_vote_on(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &json!([{ "steps": [{ "name": "data", "approvers": [person(&acme.agent)] }] }]))
        .await;
    let request = acme.ask_for_laptop().await;
    let agent = json!({ "team": "network", "assignee": acme.agent.id });
    let _ = acme.admin.client.act(&request, "assign", agent).await.ok();
    let shown = asked(&acme.agent).await.remove(0);

    let own = vote(&acme.agent.client, &shown, "approve", None).await;

    assert_eq!((own.status.as_u16(), own.slug()), (403, "separation-of-duties"));
    let path = format!("/approval-requests/{}/delegate", shown["id"].as_str().unwrap());
    let to = json!({ "to": acme.second_agent.id, "reason": "I work on it" });
    let _ = acme.agent.client.post(&path, to).await.ok();
    let _ = decide(&acme.second_agent, "approve", None).await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

/// One question to the team `network`, of which so many must agree; votes are given up after 16
/// working hours.
async fn impatient(acme: &Org<'_>, quorum: Value) -> Value {
    let settings = json!({
        "rules": [{ "name": "always", "then": { "ask": [{ "steps": [
            { "name": "network", "approvers": [{ "team": "network" }], "quorum": quorum },
        ] }] } }],
        "waiting": {
            "remind_after_hours": 100, "delegate_after_hours": null, "expire_after_hours": 16,
        },
    });
    acme.bind("plan", "approval-chain", settings.clone()).await;
    acme.bind("stalled", "approval-chain", settings).await
}

async fn a4_votes_that_nobody_casts_are_given_up_and_the_quorum_is_judged(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let binding = impatient(&acme, json!("all")).await;
    let request = acme.ask_for_laptop().await;
    let _ = decide(&acme.agent, "approve", None).await;

    // Tuesday at 14:00: fifteen working hours.
    desk.clock.advance(TimeDelta::hours(29));
    assert_eq!(sweep(&desk).await, Upkept::default());
    desk.clock.advance(TimeDelta::hours(1));
    assert_eq!(sweep(&desk).await, Upkept { expired: 1, ..Upkept::default() });
    assert_eq!(sweep(&desk).await, Upkept::default());

    let rejected = acme.requester.client.again(&request).await;
    assert_eq!(rejected["state"], "rejected");
    assert_eq!(rejected["rejection"]["reason"], "network: too few voted in time");
    let round = acme.agent.client.of(&request, "approvals").await.items().remove(0);
    let seats = round["stages"][0]["steps"][0]["requests"].as_array().unwrap();
    let states: Vec<_> = seats.iter().map(|seat| &seat["state"]).collect();
    assert_eq!(states, ["approved", "expired"]);
    let events = acme.agent.client.of(&request, "events").await.items();
    let (given_up, decided) = (&events[events.len() - 2], &events[events.len() - 1]);
    assert_eq!(given_up["actor"]["kind"], "policy");
    assert_eq!(given_up["policy_digest"], binding["active"]["component"]);
    let seat = &given_up["changes"][0];
    assert!(seat["field"].as_str().unwrap().ends_with(&acme.second_agent.id), "{given_up}");
    assert_eq!((&seat["before"], &seat["after"]), (&json!("requested"), &json!("expired")));
    assert_eq!(
        (&decided["action"], &decided["actor"]["kind"]),
        (&json!("reject"), &json!("system"))
    );
    let late =
        vote(&acme.second_agent.client, &json!({ "id": seats[1]["id"] }), "approve", None).await;
    assert!(late.status.is_client_error(), "{}", late.text);
}

async fn a4_a_vote_that_is_given_up_counts_as_an_abstention(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    impatient(&acme, json!("any")).await;
    let request = acme.ask_for_laptop().await;
    desk.clock.advance(TimeDelta::hours(8));
    let shown = asked(&acme.agent).await.remove(0);
    let path = format!("/approval-requests/{}/delegate", shown["id"].as_str().unwrap());
    let to = json!({ "to": acme.admin.id, "reason": "On holiday" });
    let _ = acme.agent.client.post(&path, to).await.ok();

    // Tuesday at 15:00: sixteen working hours for the one who was asked on Monday, eight fewer for
    // the other.
    desk.clock.advance(TimeDelta::hours(22));
    assert_eq!(sweep(&desk).await, Upkept { expired: 1, ..Upkept::default() });

    assert!(asked(&acme.second_agent).await.is_empty());
    assert_eq!(state(&acme, &request).await, "awaiting_approval");
    let round = decide(&acme.admin, "approve", None).await;
    assert_eq!(round["outcome"], "approved");
}

async fn auditor(desk: &TestDesk, acme: &Org<'_>) -> Client {
    let auditor = json!({ "name": "audit", "role": "auditor" });
    let secret = acme.admin.client.post("/tokens", auditor).await.created()["secret"].take();
    desk.client(secret.as_str().unwrap())
}

async fn p4_a_refused_vote_is_kept_for_auditors_and_changes_nothing(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &json!([{ "steps": [{ "name": "manager", "approvers": ["manager"] }] }])).await;
    let request = acme.ask_for_laptop().await;
    let shown = asked(&acme.manager).await.remove(0);
    let before = (
        acme.agent.client.again(&request).await,
        acme.agent.client.of(&request, "events").await.text,
        acme.agent.client.of(&request, "approvals").await.text,
    );

    let stranger = vote(&acme.agent.client, &shown, "approve", Some("Let me")).await;
    assert_eq!(stranger.status.as_u16(), 403);
    let own = vote(&acme.requester.client, &shown, "approve", None).await;
    assert_eq!(own.slug(), "separation-of-duties");
    let mut outdated = shown.clone();
    outdated["content_digest"] = json!("sha256:older");
    let changed = vote(&acme.manager.client, &outdated, "approve", None).await;
    assert_eq!(changed.status.as_u16(), 409);
    let silent = vote(&acme.manager.client, &shown, "reject", None).await;
    assert_eq!(silent.status.as_u16(), 422);
    let path = format!("/approval-requests/{}/delegate", shown["id"].as_str().unwrap());
    let nobody = json!({ "to": "nobody@acme.example", "reason": "On holiday" });
    let delegated = acme.manager.client.post(&path, nobody).await;
    assert_eq!(delegated.status.as_u16(), 422);
    // What is not there leaves no trace.
    let other = json!({ "id": acme.agent.id, "content_digest": "sha256:older" });
    assert_eq!(vote(&acme.agent.client, &other, "approve", None).await.status.as_u16(), 404);

    let auditor = auditor(&desk, &acme).await;
    let kept = auditor.get("/refused-votes").await.items();
    let told: Vec<_> = kept
        .iter()
        .map(|one| {
            (
                one["actor"]["person"].as_str().unwrap(),
                one["vote"].as_str().unwrap(),
                one["code"].as_str().unwrap(),
            )
        })
        .collect();
    let (agent, manager) = (acme.agent.id.as_str(), acme.manager.id.as_str());
    assert_eq!(
        told,
        [
            (agent, "approve", "forbidden"),
            (acme.requester.id.as_str(), "approve", "separation-of-duties"),
            (manager, "approve", "content-changed"),
            (manager, "reject", "missing-fields"),
            (manager, "delegate", "validation-failed"),
        ]
    );
    assert_eq!(kept[0]["comment"], "Let me");
    assert_eq!((&kept[0]["number"], &kept[0]["request"]), (&request["number"], &shown["id"]));
    assert!(kept[4]["message"].as_str().unwrap().starts_with("/to: "), "{}", kept[4]);
    let later = auditor.get("/refused-votes?from=2100-01-01T00:00:00Z").await.items();
    assert!(later.is_empty());
    for person in [&acme.requester, &acme.agent] {
        assert_eq!(person.client.get("/refused-votes").await.slug(), "forbidden");
    }
    let after = (
        acme.agent.client.again(&request).await,
        acme.agent.client.of(&request, "events").await.text,
        acme.agent.client.of(&request, "approvals").await.text,
    );
    assert_eq!(after, before);
    let bolt = desk.organization("bolt").await;
    assert!(bolt.admin.client.get("/refused-votes").await.items().is_empty());
}

async fn a_token_of_role_auditor_casts_no_vote_and_each_try_is_kept(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &json!([{ "steps": [{ "name": "data", "approvers": [person(&acme.admin)] }] }]))
        .await;
    let request = acme.ask_for_laptop().await;
    let shown = asked(&acme.admin).await.remove(0);
    // An administrator may have one, and a seat.
    let token = json!({ "name": "audit", "role": "auditor", "person": acme.admin.id });
    let secret = acme.admin.client.post("/tokens", token).await.created()["secret"].take();
    let auditing = desk.client(secret.as_str().unwrap());
    let before = acme.admin.client.of(&request, "approvals").await.text;

    for how in ["approve", "reject", "abstain"] {
        let refused = vote(&auditing, &shown, how, Some("As an auditor")).await;
        assert_eq!((refused.status.as_u16(), refused.slug()), (403, "forbidden"), "{how}");
    }
    let path = format!("/approval-requests/{}/delegate", shown["id"].as_str().unwrap());
    let to = json!({ "to": acme.manager.id, "reason": "As an auditor" });
    assert_eq!(auditing.post(&path, to).await.slug(), "forbidden");
    assert_eq!(auditing.get("/approvals/mine").await.slug(), "forbidden");

    let kept = acme.admin.client.get("/refused-votes").await.items();
    let codes: Vec<_> = kept.iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, ["forbidden"; 4]);
    assert_eq!(acme.admin.client.of(&request, "approvals").await.text, before);
}

async fn a_refused_vote_has_one_code_for_its_sender_and_for_auditors(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let two = json!([
        { "steps": [{ "name": "data", "approvers": [person(&acme.agent)] }] },
        { "steps": [{ "name": "network", "approvers": [person(&acme.second_agent)] }] },
    ]);
    bind(&acme, &two).await;
    let request = acme.ask_for_laptop().await;
    let shown = asked(&acme.agent).await.remove(0);
    let mut round = acme.agent.client.of(&request, "approvals").await.items().remove(0);
    let mut later = shown.clone();
    later["id"] = round["stages"][1]["steps"][0]["requests"][0]["id"].take();
    let mut outdated = shown.clone();
    outdated["content_digest"] = json!("sha256:older");
    let delegate = format!("/approval-requests/{}/delegate", shown["id"].as_str().unwrap());
    let nobody = json!({ "to": "nobody@acme.example", "reason": "On holiday" });

    let (agent, other) = (&acme.agent.client, &acme.second_agent.client);
    let mut refused = vec![
        vote(other, &shown, "approve", None).await,
        vote(&acme.requester.client, &shown, "approve", None).await,
        vote(other, &later, "approve", None).await,
        vote(agent, &outdated, "approve", None).await,
        vote(agent, &shown, "reject", None).await,
        agent.post(&delegate, json!({})).await,
        agent.post(&delegate, nobody).await,
    ];
    let _ = vote(agent, &shown, "approve", None).await.ok();
    let decided = vote(agent, &shown, "approve", None).await;
    assert_eq!((decided.status.as_u16(), decided.slug()), (409, "invalid-transition"));
    assert_eq!(decided.json["state"], "awaiting_approval");
    assert!(decided.json["allowed_actions"].is_array(), "{}", decided.text);
    refused.push(decided);

    let told: Vec<&str> = refused.iter().map(waypost_test_support::Answer::slug).collect();
    let kept = acme.admin.client.get("/refused-votes").await.items();
    let codes: Vec<_> = kept.iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, told);
    assert_eq!(
        told,
        [
            "forbidden",
            "separation-of-duties",
            "invalid-transition",
            "content-changed",
            "missing-fields",
            "missing-fields",
            "validation-failed",
            "invalid-transition",
        ]
    );
}

async fn p4_nobody_fills_the_desk_with_refused_votes(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &json!([{ "steps": [{ "name": "manager", "approvers": ["manager"] }] }])).await;
    let _ = acme.ask_for_laptop().await;
    let shown = asked(&acme.manager).await.remove(0);
    let long = "a\u{7}".repeat(1_000);
    for _ in 0..12 {
        let refused = vote(&acme.agent.client, &shown, "reject", Some(&long)).await;
        assert_eq!(refused.status.as_u16(), 403);
    }
    let _ = vote(&acme.second_agent.client, &shown, "approve", None).await;

    let kept = acme.admin.client.get("/refused-votes").await.items();
    assert_eq!(kept.len(), 11);
    let comment = kept[0]["comment"].as_str().unwrap();
    assert_eq!((comment.chars().count(), comment.contains('\u{7}')), (500, false));
}
