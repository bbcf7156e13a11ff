//! What the desk does by itself as time passes.

use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_app::{
    Clock,
    upkeep::{self, Upkept},
};
use waypost_test_support::{Org, TestDesk, on_both_engines};

use crate::policies::{asking, stage, telling};

on_both_engines! {
    a_resolved_incident_closes_itself_when_nobody_objects
    an_organization_that_wants_it_keeps_resolved_incidents_open
    a4_a_voter_is_reminded_after_working_hours_of_waiting_and_only_once
    a4_an_approval_that_waits_too_long_goes_to_the_voters_manager
    a_hook_that_is_not_asked_yet_cannot_be_bound
}

async fn sweep(desk: &TestDesk) -> Upkept {
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
        telling("still", "escalated", &json!(["approvers"])),
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
    let path = format!("/approval-requests/{}/approve", asked[0]["id"].as_str().unwrap());
    let opinion = json!({ "content_digest": asked[0]["content_digest"] });
    let _ = acme.admin.client.post(&path, opinion).await.ok();
    assert_eq!(acme.agent.client.again(&request).await["state"], "in_fulfilment");
    desk.ignore_mail();
}

async fn a_hook_that_is_not_asked_yet_cannot_be_bound(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let component = desk.upload(&acme.admin.client, "acme", "team-router").await;

    let binding = json!({
        "hook": "escalate", "name": "up", "position": 1, "component": component, "settings": {},
    });
    let refused = acme.admin.client.post("/bindings", binding).await;

    assert_eq!(refused.pointers(), ["/hook"], "{}", refused.text);
    assert_eq!(refused.json["errors"][0]["code"], "not-asked");
}
