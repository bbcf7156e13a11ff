//! What the desk does by itself as time passes.

use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_app::{
    Clock,
    upkeep::{self, Upkept},
};
use waypost_store::testing;
use waypost_test_support::{Org, TestDesk, on_both_engines};

use crate::policies::{asking, stage, telling};

on_both_engines! {
    a_resolved_incident_closes_itself_when_nobody_objects
    an_organization_that_wants_it_keeps_resolved_incidents_open
    a4_a_voter_is_reminded_after_working_hours_of_waiting_and_only_once
    a4_an_approval_that_waits_too_long_goes_to_the_voters_manager
    a4_a_policy_that_fails_to_look_after_approvals_leaves_receipts_and_is_told_of
    w10_a_missing_approver_is_told_of_once_and_cured_by_the_setting
    tickets_of_who_left_go_back_to_their_team
    tickets_of_a_team_that_ended_go_to_the_fallback_team
    the_upkeep_of_one_organization_does_not_hinder_the_next
    only_a_hook_of_the_contract_can_be_bound
}

pub(crate) async fn sweep(desk: &TestDesk) -> Upkept {
    upkeep::sweep(&desk.desk, desk.clock.now()).await.unwrap()
}

async fn resolved(org: &Org<'_>) -> Value {
    let incident = org.report("The printer is on fire").await;
    let done = json!({ "resolution_code": "fixed", "resolution_notes": "new toner" });
    org.agent.client.act(&incident, "resolve", done).await.ok()
}

async fn a_resolved_incident_closes_itself_when_nobody_objects(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = resolved(&acme).await;
    desk.clock.advance(TimeDelta::days(4));
    assert_eq!(sweep(&desk).await, Upkept::default());
    desk.clock.advance(TimeDelta::days(1));

    assert_eq!(sweep(&desk).await, Upkept { closed: 1, ..Upkept::default() });
    assert_eq!(sweep(&desk).await, Upkept::default());

    let closed = acme.requester.client.again(&incident).await;
    assert_eq!(
        (&closed["state"], &closed["closing"]["by"]["kind"]),
        (&json!("closed"), &json!("system"))
    );
    let events = acme.agent.client.of(&incident, "events").await.items();
    let last = events.last().unwrap();
    assert_eq!((&last["action"], &last["actor"]["kind"]), (&json!("close"), &json!("system")));
}

async fn an_organization_that_wants_it_keeps_resolved_incidents_open(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let path = "/organizations/acme";
    let version = acme.admin.client.get(path).await.ok()["version"].as_i64().unwrap();
    let _ = acme.admin.client.patch(path, version, json!({ "auto_close_days": 0 })).await.ok();
    let _ = resolved(&acme).await;
    desk.clock.advance(TimeDelta::days(400));

    assert_eq!(sweep(&desk).await, Upkept::default());
}

/// A request that the manager has to approve, and somebody above the manager.
async fn waiting(acme: &Org<'_>) -> Value {
    let settings = asking(&json!([stage("manager", &json!(["manager"]))]));
    acme.bind("plan", "approval-chain", settings.clone()).await;
    acme.bind("stalled", "approval-chain", settings).await;
    let rules = json!({ "rules": [
        telling("please", "approval_requested", &json!(["approvers"])),
        telling("still", "vote_late", &json!(["approvers"])),
    ] });
    acme.bind("notify", "stakeholder-notifier", rules).await;
    let path = format!("/people/{}", acme.manager.id);
    let version = acme.admin.client.get(&path).await.ok()["version"].as_i64().unwrap();
    let above = json!({ "manager": acme.admin.id });
    let _ = acme.admin.client.patch(&path, version, above).await.ok();
    acme.ask_for_laptop().await
}

async fn a4_a_voter_is_reminded_after_working_hours_of_waiting_and_only_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    // Friday at 16:00: two hours are left until Monday.
    desk.clock.advance(TimeDelta::days(4) + TimeDelta::hours(7));
    let request = waiting(&acme).await;
    let number = request["number"].as_str().unwrap();
    assert_eq!(desk.mailbox().await, [format!("manager@acme.example: please {number}")]);

    desk.clock.advance(TimeDelta::days(2));
    assert_eq!(sweep(&desk).await, Upkept::default());
    // Monday at 14:00: the eighth working hour.
    desk.clock.advance(TimeDelta::hours(22));
    assert_eq!(sweep(&desk).await, Upkept { nudged: 1, ..Upkept::default() });
    assert_eq!(sweep(&desk).await, Upkept::default());

    assert_eq!(desk.mailbox().await, [format!("manager@acme.example: still {number}")]);
    let rounds = acme.agent.client.of(&request, "approvals").await.items();
    assert_eq!(rounds[0]["stages"][0]["steps"][0]["requests"][0]["reminder_count"], 1);
}

async fn a4_an_approval_that_waits_too_long_goes_to_the_voters_manager(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let request = waiting(&acme).await;
    desk.clock.advance(TimeDelta::hours(8));
    let _ = sweep(&desk).await;
    desk.clock.advance(TimeDelta::days(1));
    let _ = sweep(&desk).await;
    assert!(acme.admin.client.get("/approvals/mine").await.items().is_empty());

    // Wednesday at 17:00: 28 working hours.
    desk.clock.advance(TimeDelta::days(1));
    assert_eq!(sweep(&desk).await, Upkept { nudged: 1, ..Upkept::default() });

    let asked = acme.admin.client.get("/approvals/mine").await.items();
    assert_eq!(asked[0]["ticket"], request["number"]);
    let events = acme.agent.client.of(&request, "events").await.items();
    let passed_on = events.last().unwrap()["changes"].as_array().unwrap();
    let became = |person: &str| {
        let seat = passed_on.iter().find(|one| one["field"].as_str().unwrap().ends_with(person));
        seat.unwrap()["after"].clone()
    };
    assert_eq!(became(&acme.manager.id), "delegated");
    assert_eq!(became(&acme.admin.id), "requested");
    let path = format!("/approval-requests/{}/approve", asked[0]["id"].as_str().unwrap());
    let opinion = json!({ "content_digest": asked[0]["content_digest"] });
    let _ = acme.admin.client.post(&path, opinion).await.ok();
    assert_eq!(acme.agent.client.again(&request).await["state"], "in_fulfilment");
    desk.ignore_mail();
}

async fn a4_a_policy_that_fails_to_look_after_approvals_leaves_receipts_and_is_told_of(
    desk: TestDesk,
) {
    let acme = desk.organization("acme").await;
    let settings = asking(&json!([stage("manager", &json!(["manager"]))]));
    acme.bind("plan", "approval-chain", settings.clone()).await;
    let binding = acme.bind("stalled", "approval-chain", settings).await;
    let starved = json!({ "limits": { "fuel": 10_000 } });
    let path = format!("/bindings/{}/revisions", binding["id"].as_str().unwrap());
    let _ = acme.admin.client.post(&path, starved).await.created();
    for _ in 0..6 {
        // Reading so many tags alone takes more fuel than there is.
        let tags: Vec<String> = (0..20).map(|tag| format!("tag number {tag}")).collect();
        let wish = json!({ "short_description": "A laptop", "tags": tags });
        let _ = acme.requester.client.post("/requests", wish).await.created();
    }
    desk.clock.advance(TimeDelta::hours(2));

    // Five failures open the breaker; a second sweep finds nothing that is not known.
    assert_eq!(sweep(&desk).await, Upkept::default());
    assert_eq!(sweep(&desk).await, Upkept::default());

    let letters = desk.letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert!(letters[0].body.contains("`stalled`"), "{}", letters[0].body);
    let failed = acme.agent.client.get("/receipts?outcome=failed").await.items();
    assert_eq!(failed.len(), 5, "{failed:?}");
    assert_eq!(failed[0]["hook"], "stalled");
    let marked = acme.agent.client.get("/tickets?policy_failures=true").await.items();
    assert_eq!(marked.len(), 5);
    assert_eq!(marked[0]["policy_failures"], "stalled: out_of_fuel");
    let events = acme.agent.client.of(&marked[0], "events").await.items();
    let last = events.last().unwrap();
    assert_eq!(last["reason"], "nobody was reminded: stalled: out_of_fuel");
    assert_eq!(last["action"], "edit", "no reminder was sent, so none is counted");
}

async fn name_fallback_approver(acme: &Org<'_>, approver: Value) {
    let path = "/organizations/acme";
    let version = acme.admin.client.get(path).await.ok()["version"].as_i64().unwrap();
    let setting = json!({ "fallback_approver": approver });
    let _ = acme.admin.client.patch(path, version, setting).await.ok();
}

async fn w10_a_missing_approver_is_told_of_once_and_cured_by_the_setting(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    name_fallback_approver(&acme, Value::Null).await;
    let owner = json!([stage("owner", &json!(["service_owner"]))]);
    acme.bind("plan", "approval-chain", asking(&owner)).await;
    let first = acme.ask_for_laptop().await;
    let second = acme.ask_for_laptop().await;
    let letters = desk.letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0].address.as_deref(), Some(acme.admin.email.as_str()));
    assert!(letters[0].subject.starts_with(first["number"].as_str().unwrap()));
    let why = acme.agent.client.of(&first, "explain").await.text;
    assert!(why.contains("fallback_approver"), "{why}");
    assert_eq!(sweep(&desk).await, Upkept::default());

    // Nobody decides on their own wish, not even as the fallback.
    name_fallback_approver(&acme, json!(acme.requester.id)).await;
    assert_eq!(sweep(&desk).await, Upkept::default());
    let please =
        json!({ "rules": [telling("please", "approval_requested", &json!(["approvers"]))] });
    acme.bind("notify", "stakeholder-notifier", please).await;
    name_fallback_approver(&acme, json!(acme.admin.id)).await;
    assert_eq!(sweep(&desk).await, Upkept { appointed: 2, ..Upkept::default() });
    assert_eq!(sweep(&desk).await, Upkept::default());

    let told = desk.mailbox().await;
    let number = |request: &Value| request["number"].as_str().unwrap().to_owned();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.contains(&format!("admin@acme.example: please {}", number(&first))), "{told:?}");
    let request = acme.agent.client.again(&second).await;
    assert_eq!(request["waiting_on"]["people"], json!([acme.admin.id]));
    let events = acme.agent.client.of(&second, "events").await.items();
    let appointed = events.last().unwrap();
    assert_eq!(appointed["actor"]["kind"], "system");
    let seat = appointed["changes"][0]["field"].as_str().unwrap();
    assert!(seat.ends_with(&acme.admin.id), "{appointed}");
}

async fn the_upkeep_of_one_organization_does_not_hinder_the_next(desk: TestDesk) {
    let (acme, bolt) = (desk.organization("acme").await, desk.organization("bolt").await);
    let _ = waiting(&acme).await;
    let _ = resolved(&bolt).await;
    let mut tx = desk.store.system().await.unwrap();
    let damage = "update approval_requests set stage = 9";
    assert_eq!(testing::execute(&mut tx, damage).await.unwrap(), 1);
    tx.commit().await.unwrap();
    desk.clock.advance(TimeDelta::days(6));

    assert_eq!(sweep(&desk).await, Upkept { closed: 1, ..Upkept::default() });
    desk.ignore_mail();
}

async fn only_a_hook_of_the_contract_can_be_bound(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let component = desk.upload(&acme.admin.client, "acme", "team-router").await;

    let binding = json!({
        "hooks": ["escalate"], "name": "up", "position": 1, "component": component, "settings": {},
    });
    let refused = acme.admin.client.post("/bindings", binding).await;

    assert_eq!(refused.pointers(), ["/hooks/0"], "{}", refused.text);
}

async fn change(org: &Org<'_>, path: &str, change: Value) {
    let admin = &org.admin.client;
    let version = admin.get(path).await.ok()["version"].as_i64().unwrap();
    let _ = admin.patch(path, version, change).await.ok();
}

async fn tickets_of_who_left_go_back_to_their_team(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let to = |person: &str| json!({ "team": "network", "assignee": person });
    let incident = acme.report("No wifi").await;
    let _ = agent.act(&incident, "assign", to(&acme.second_agent.id)).await.ok();
    let stays = acme.report("No lan").await;
    let stays = agent.act(&stays, "assign", to(&acme.agent.id)).await.ok();
    assert_eq!(sweep(&desk).await, Upkept::default());

    change(&acme, "/teams/network", json!({ "members": [acme.agent.id], "lead": null })).await;
    assert_eq!(sweep(&desk).await, Upkept { given_back: 1, ..Upkept::default() });
    assert_eq!(sweep(&desk).await, Upkept::default());

    let now = agent.again(&incident).await;
    assert_eq!((&now["assignee"], &now["team"]["key"]), (&Value::Null, &json!("network")));
    let event = agent.of(&incident, "events").await.items().pop().unwrap();
    assert_eq!((&event["action"], &event["actor"]["kind"]), (&json!("assign"), &json!("system")));
    assert_eq!(event["reason"], "its assignee no longer works in the team");

    // So it is with who leaves the desk without leaving the team.
    let path = format!("/people/{}", acme.agent.id);
    change(&acme, &path, json!({ "active": false })).await;
    assert_eq!(sweep(&desk).await.given_back, 1);
    let now = acme.admin.client.again(&stays).await;
    assert_eq!((&now["assignee"], &now["waiting_on"]["what"]), (&Value::Null, &json!("team")));
    let unassigned = acme.admin.client.get("/tickets?assigned=false").await.items();
    assert_eq!(unassigned.len(), 2);
    desk.ignore_mail();
}

async fn tickets_of_a_team_that_ended_go_to_the_fallback_team(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let incident = acme.report("No wifi").await;
    let to = json!({ "team": "network", "assignee": acme.second_agent.id });
    let _ = agent.act(&incident, "assign", to).await.ok();
    change(&acme, "/teams/network", json!({ "active": false })).await;

    let upkept = sweep(&desk).await;

    let now = agent.again(&incident).await;
    assert_eq!((&now["assignee"], &now["team"]["key"]), (&Value::Null, &json!("service-desk")));
    assert_eq!(upkept, Upkept { given_back: 1, ..Upkept::default() });
    let event = agent.of(&incident, "events").await.items().pop().unwrap();
    assert_eq!(event["reason"], "its team no longer serves the organization");
    let changes = event["changes"].as_array().unwrap().iter();
    let team = changes.into_iter().find(|change| change["field"] == "team").unwrap();
    assert_eq!((&team["before"], &team["after"]), (&json!("network"), &json!("service-desk")));
    desk.ignore_mail();
}
