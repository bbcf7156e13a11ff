//! Who is asked for the votes of people who are away.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use waypost_app::{
    Clock,
    upkeep::{self, Upkept},
};
use waypost_test_support::{Org, PersonOf, TestDesk, on_both_engines};

use crate::{
    approvals::{asked, bind, decide, state, vote},
    policies::{asking, stage, telling},
};

on_both_engines! {
    a_vote_is_asked_of_whom_the_absent_person_named
    whoever_is_away_may_vote_first_all_the_same
    a_delegation_covers_what_it_is_about
    a_delegation_is_followed_from_its_start_until_it_ends
    what_one_may_vote_on_is_in_ones_list
    whose_delegation_has_ended_is_asked_again_before_anybody_is_reminded
    a_later_stage_is_asked_of_those_who_stand_in_when_it_opens
    an_appointed_approver_who_is_away_has_somebody_who_stands_in
    whoever_went_away_since_is_not_reminded_but_stood_in_for
    nobody_stands_in_on_their_own_request
    a_stand_in_who_left_is_not_asked
    people_delegate_their_own_votes_and_administrators_anybody_s
    every_fault_of_a_delegation_is_named
    a_delegation_ends_early_once_by_whom_it_belongs_to
    a_requester_sees_the_delegations_that_concern_them
    delegations_of_organizations_are_apart
    a_person_of_a_provider_s_team_stands_in_at_its_client
}

pub(crate) fn at(desk: &TestDesk, hours: i64) -> String {
    let at: DateTime<Utc> = desk.clock.now() + TimeDelta::hours(hours);
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A week from now on, for everything.
fn week(desk: &TestDesk, to: &PersonOf) -> Value {
    json!({ "to": to.email, "ends_at": at(desk, 7 * 24), "reason": "On holiday" })
}

async fn away(desk: &TestDesk, from: &PersonOf, to: &PersonOf) -> Value {
    from.client.post("/delegations", week(desk, to)).await.created()
}

async fn ask_manager(acme: &Org<'_>) {
    bind(acme, &json!([stage("manager", &json!(["manager"]))])).await;
}

/// Whose votes a request waits for.
async fn waits_for(acme: &Org<'_>, request: &Value) -> Value {
    acme.agent.client.again(request).await["waiting_on"]["people"].take()
}

async fn a_vote_is_asked_of_whom_the_absent_person_named(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let binding = bind(&acme, &json!([stage("manager", &json!(["manager"]))])).await;
    let rules =
        json!({ "rules": [telling("please", "approval_requested", &json!(["approvers"]))] });
    acme.bind("notify", "stakeholder-notifier", rules).await;
    let holiday = away(&desk, &acme.manager, &acme.agent).await;
    assert_eq!(
        (&holiday["from"]["id"], &holiday["in_force"]),
        (&json!(acme.manager.id), &json!(true))
    );

    let request = acme.ask_for_laptop().await;

    let number = request["number"].as_str().unwrap();
    assert_eq!(desk.mailbox().await, [format!("agent@acme.example: please {number}")]);
    // Both find it: who is asked, and who may vote first.
    for person in [&acme.manager, &acme.agent] {
        let mine = asked(person).await;
        assert_eq!(mine.len(), 1, "{mine:?}");
        assert_eq!(mine[0]["seat"]["id"], acme.manager.id);
        assert_eq!(mine[0]["voter"]["id"], acme.agent.id);
    }
    assert_eq!(waits_for(&acme, &request).await, json!([acme.agent.id]));
    let events = acme.agent.client.of(&request, "events").await.items();
    let planned = events.iter().find(|one| one["policy_digest"] == binding["active"]["component"]);
    assert_eq!(planned.unwrap()["changes"][0]["after"], "requested");
    let followed = events.last().unwrap();
    assert_eq!(followed["actor"]["kind"], "system");
    let became: Vec<_> =
        followed["changes"].as_array().unwrap().iter().map(|one| &one["after"]).collect();
    let (seat, under) = (json!(acme.manager.id), &holiday["id"]);
    assert_eq!(became, [&json!("delegated"), &json!("requested"), &seat, under]);
    assert!(followed["reason"].as_str().unwrap().contains(holiday["id"].as_str().unwrap()));

    let round = decide(&acme.agent, "approve", None).await;

    let seats = &round["stages"][0]["steps"][0]["requests"];
    let seat = |place: usize, field: &str| seats[place][field]["id"].clone();
    assert_eq!(
        (&seats[0]["state"], &seats[0]["comment"]),
        (&json!("delegated"), &json!("On holiday"))
    );
    assert_eq!((seat(1, "seat"), seat(1, "voter")), (json!(acme.manager.id), json!(acme.agent.id)));
    assert_eq!((&seats[1]["state"], &seats[1]["delegation"]), (&json!("approved"), &holiday["id"]));
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn whoever_is_away_may_vote_first_all_the_same(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    ask_manager(&acme).await;
    away(&desk, &acme.manager, &acme.agent).await;
    let request = acme.ask_for_laptop().await;
    let shown = asked(&acme.agent).await.remove(0);

    let _ = vote(&acme.manager.client, &shown, "approve", None).await.ok();

    assert!(asked(&acme.agent).await.is_empty());
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn a_delegation_covers_what_it_is_about(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    ask_manager(&acme).await;
    let plan = async |to: &PersonOf, field: &str, value: &str| {
        let mut new = week(&desk, to);
        new[field] = json!(value);
        acme.manager.client.post("/delegations", new).await.created()
    };
    let laptops = plan(&acme.agent, "catalog_item", "laptop").await;
    assert_eq!(laptops["catalog_item"], json!({ "key": "laptop", "name": "Laptop" }));
    let access = plan(&acme.second_agent, "category", "access").await;
    assert_eq!(access["category"], "access");
    let portal = plan(&acme.admin, "service", "revenue-portal").await;
    assert_eq!(portal["service"]["key"], "revenue-portal");

    let voters = async |fields: Value| {
        let mut new = json!({ "short_description": "Please", "requester": acme.requester.id });
        for (field, value) in fields.as_object().unwrap() {
            new[field] = value.clone();
        }
        let request = acme.agent.client.post("/requests", new).await.created();
        waits_for(&acme, &request).await
    };
    let laptop = acme.ask_for_laptop().await;
    assert_eq!(waits_for(&acme, &laptop).await, json!([acme.agent.id]));
    let below = json!({ "category": "access/password" });
    assert_eq!(voters(below).await, json!([acme.second_agent.id]));
    assert_eq!(voters(json!({ "service": "revenue-portal" })).await, json!([acme.admin.id]));
    assert_eq!(voters(json!({ "category": "hardware" })).await, json!([acme.manager.id]));
    assert_eq!(voters(json!({})).await, json!([acme.manager.id]));
    let both = json!({ "category": "access", "service": "revenue-portal" });
    assert_eq!(voters(both).await, json!([acme.admin.id]), "a service is closer than a category");
}

async fn a_delegation_is_followed_from_its_start_until_it_ends(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    ask_manager(&acme).await;
    let mut tomorrow = week(&desk, &acme.agent);
    tomorrow["starts_at"] = json!(at(&desk, 24));
    tomorrow["ends_at"] = json!(at(&desk, 72));
    let planned = acme.manager.client.post("/delegations", tomorrow).await.created();
    assert_eq!(planned["in_force"], false);
    let voters = async || {
        let request = acme.ask_for_laptop().await;
        waits_for(&acme, &request).await
    };

    assert_eq!(voters().await, json!([acme.manager.id]));
    desk.clock.advance(TimeDelta::hours(24));
    assert_eq!(voters().await, json!([acme.agent.id]));
    desk.clock.advance(TimeDelta::hours(48));
    assert_eq!(voters().await, json!([acme.manager.id]));

    let again = away(&desk, &acme.manager, &acme.agent).await;
    assert_eq!(voters().await, json!([acme.agent.id]));
    let path = format!("/delegations/{}/end", again["id"].as_str().unwrap());
    let _ = acme.manager.client.post(&path, json!({})).await.ok();
    assert_eq!(voters().await, json!([acme.manager.id]));
    // What was asked under it stays asked.
    assert_eq!(asked(&acme.agent).await.len(), 2);
}

async fn what_one_may_vote_on_is_in_ones_list(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    ask_manager(&acme).await;
    let holiday = away(&desk, &acme.manager, &acme.agent).await;
    let request = acme.ask_for_laptop().await;
    let both_find = async |whose: &str| {
        for person in [&acme.manager, &acme.agent] {
            let mine = asked(person).await;
            let voters: Vec<_> = mine.iter().map(|one| &one["voter"]["id"]).collect();
            assert_eq!(voters, [whose], "{}", person.email);
        }
    };

    both_find(&acme.agent.id).await;
    // The delegation ends; what was asked under it stays asked, and is its owner's all the same.
    let path = format!("/delegations/{}/end", holiday["id"].as_str().unwrap());
    let _ = acme.manager.client.post(&path, json!({})).await.ok();
    both_find(&acme.agent.id).await;

    let _ = decide(&acme.manager, "approve", None).await;

    assert!(asked(&acme.manager).await.is_empty() && asked(&acme.agent).await.is_empty());
    // The vote is nobody else's then.
    let round = acme.agent.client.of(&request, "approvals").await.items().remove(0);
    let cast = &round["stages"][0]["steps"][0]["requests"][1];
    assert_eq!(
        (&cast["state"], &cast["voter"]["id"], &cast["delegation"]),
        (&json!("approved"), &json!(acme.manager.id), &Value::Null)
    );
}

async fn whose_delegation_has_ended_is_asked_again_before_anybody_is_reminded(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let settings = asking(&json!([stage("manager", &json!(["manager"]))]));
    acme.bind("plan", "approval-chain", settings.clone()).await;
    acme.bind("stalled", "approval-chain", settings).await;
    let holiday = away(&desk, &acme.manager, &acme.agent).await;
    let request = acme.ask_for_laptop().await;
    let path = format!("/delegations/{}/end", holiday["id"].as_str().unwrap());
    let _ = acme.manager.client.post(&path, json!({})).await.ok();
    assert_eq!(waits_for(&acme, &request).await, json!([acme.agent.id]));

    desk.clock.advance(TimeDelta::hours(9));
    let upkept = upkeep::sweep(&desk.desk, desk.clock.now()).await.unwrap();

    assert_eq!(upkept, Upkept { nudged: 1, ..Upkept::default() });
    assert_eq!(waits_for(&acme, &request).await, json!([acme.manager.id]));
    let events = acme.agent.client.of(&request, "events").await.items();
    let last = events.last().unwrap();
    assert_eq!(last["action"], "appoint_voter", "{last}");
    assert!(asked(&acme.agent).await.is_empty());
}

async fn a_later_stage_is_asked_of_those_who_stand_in_when_it_opens(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let lead = json!([{ "team_lead": "network" }]);
    bind(&acme, &json!([stage("manager", &json!(["manager"])), stage("network", &lead)])).await;
    let request = acme.ask_for_laptop().await;
    away(&desk, &acme.second_agent, &acme.admin).await;

    let _ = decide(&acme.manager, "approve", None).await;

    assert_eq!(waits_for(&acme, &request).await, json!([acme.admin.id]));
    let _ = decide(&acme.admin, "approve", None).await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn an_appointed_approver_who_is_away_has_somebody_who_stands_in(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &json!([stage("owner", &json!(["service_owner"]))])).await;
    away(&desk, &acme.admin, &acme.agent).await;

    let request = acme.ask_for_laptop().await;

    assert_eq!(waits_for(&acme, &request).await, json!([acme.agent.id]));
}

async fn whoever_went_away_since_is_not_reminded_but_stood_in_for(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let settings = asking(&json!([stage("manager", &json!(["manager"]))]));
    acme.bind("plan", "approval-chain", settings.clone()).await;
    acme.bind("stalled", "approval-chain", settings).await;
    let rules = json!({ "rules": [
        telling("please", "approval_requested", &json!(["approvers"])),
        telling("still", "vote_late", &json!(["approvers"])),
    ] });
    acme.bind("notify", "stakeholder-notifier", rules).await;
    let request = acme.ask_for_laptop().await;
    let number = request["number"].as_str().unwrap();
    assert_eq!(desk.mailbox().await, [format!("manager@acme.example: please {number}")]);
    away(&desk, &acme.manager, &acme.agent).await;
    let sweep = async || upkeep::sweep(&desk.desk, desk.clock.now()).await.unwrap();
    desk.clock.advance(TimeDelta::hours(7));
    assert_eq!(sweep().await, Upkept::default());

    desk.clock.advance(TimeDelta::hours(2));
    assert_eq!(sweep().await, Upkept { nudged: 1, ..Upkept::default() });
    assert_eq!(sweep().await, Upkept::default());

    assert_eq!(desk.mailbox().await, [format!("agent@acme.example: please {number}")]);
    let round = acme.agent.client.of(&request, "approvals").await.items().remove(0);
    let seats = round["stages"][0]["steps"][0]["requests"].as_array().unwrap();
    let reminded: Vec<_> = seats.iter().map(|seat| seat["reminder_count"].clone()).collect();
    assert_eq!(reminded, [json!(0), json!(0)]);
    let _ = decide(&acme.agent, "approve", None).await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn nobody_stands_in_on_their_own_request(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    ask_manager(&acme).await;
    away(&desk, &acme.manager, &acme.requester).await;

    let request = acme.ask_for_laptop().await;

    assert_eq!(waits_for(&acme, &request).await, json!([acme.manager.id]));
}

async fn a_stand_in_who_left_is_not_asked(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    ask_manager(&acme).await;
    away(&desk, &acme.manager, &acme.agent).await;
    let path = format!("/people/{}", acme.agent.id);
    let version = acme.admin.client.get(&path).await.ok()["version"].as_i64().unwrap();
    let _ = acme.admin.client.patch(&path, version, json!({ "active": false })).await.ok();

    let request = acme.ask_for_laptop().await;

    let waiting = acme.admin.client.again(&request).await["waiting_on"]["people"].take();
    assert_eq!(waiting, json!([acme.manager.id]));
}

async fn people_delegate_their_own_votes_and_administrators_anybody_s(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut managers = week(&desk, &acme.agent);
    managers["from"] = json!(acme.manager.id);

    for stranger in [&acme.agent, &acme.requester] {
        let refused = stranger.client.post("/delegations", managers.clone()).await;
        assert_eq!((refused.status.as_u16(), refused.slug()), (403, "forbidden"));
        // Not even whether there is such a person is told.
        let mut unknown = managers.clone();
        unknown["from"] = json!("nobody@acme.example");
        assert_eq!(stranger.client.post("/delegations", unknown).await.slug(), "forbidden");
    }
    let auditor = json!({ "name": "audit", "role": "auditor" });
    let secret = acme.admin.client.post("/tokens", auditor).await.created()["secret"].take();
    let auditor = desk.client(secret.as_str().unwrap());
    assert_eq!(auditor.post("/delegations", managers.clone()).await.slug(), "forbidden");
    let _ = acme.manager.client.post("/delegations", managers.clone()).await.created();
    let planned = acme.admin.client.post("/delegations", managers).await.created();
    assert_eq!(planned["created_by"]["person"], json!(acme.admin.id));
    assert_eq!(auditor.get("/delegations").await.items().len(), 2);
}

async fn every_fault_of_a_delegation_is_named(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let manager = &acme.manager.client;
    let plan = async |changed: Value| {
        let mut new = week(&desk, &acme.agent);
        for (field, value) in changed.as_object().unwrap() {
            new[field] = value.clone();
        }
        manager.post("/delegations", new).await
    };
    let nobody = plan(json!({
        "to": "nobody@acme.example", "category": "Not A Path", "ends_at": "1969-01-01T00:00:00Z",
    }))
    .await;
    assert_eq!(nobody.pointers(), ["/category", "/ends_at", "/to"], "{}", nobody.text);
    for (field, value) in
        [("category", "unknown"), ("service", "unknown"), ("catalog_item", "unknown")]
    {
        let unknown = plan(json!({ field: value })).await;
        assert_eq!(unknown.pointers(), [format!("/{field}")], "{}", unknown.text);
    }
    let two = plan(json!({ "category": "access", "service": "revenue-portal" })).await;
    assert_eq!(two.status.as_u16(), 422, "{}", two.text);
    let own = plan(json!({
        "to": acme.manager.id, "reason": " ", "ends_at": at(&desk, -1), "starts_at": at(&desk, -2),
    }))
    .await;
    assert_eq!(own.pointers(), ["/ends_at", "/reason", "/to"], "{}", own.text);
    assert_eq!(plan(json!({ "ends_at": at(&desk, 367 * 24) })).await.pointers(), ["/ends_at"]);
    let unnamed = manager.post("/delegations", json!({ "reason": "On holiday" })).await;
    assert_eq!(unnamed.status.as_u16(), 422, "{}", unnamed.text);
    assert!(manager.get("/delegations").await.items().is_empty());
    for _ in 0..20 {
        let _ = plan(json!({})).await.created();
    }
    let many = plan(json!({})).await;
    assert_eq!((many.status.as_u16(), many.slug()), (409, "guard-failed"));
}

async fn a_delegation_ends_early_once_by_whom_it_belongs_to(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let planned = away(&desk, &acme.manager, &acme.agent).await;
    let path = format!("/delegations/{}", planned["id"].as_str().unwrap());
    let end = format!("{path}/end");

    // Who stands in sees it, and does not end it.
    assert_eq!(acme.agent.client.post(&end, json!({})).await.slug(), "forbidden");
    assert_eq!(acme.requester.client.post(&end, json!({})).await.slug(), "not-found");
    let ended = acme.manager.client.post(&end, json!({})).await.ok();
    assert_eq!((&ended["in_force"], &ended["version"]), (&json!(false), &json!(2)));
    assert_eq!(ended["ended_by"]["person"], json!(acme.manager.id));
    assert_eq!(acme.manager.client.post(&end, json!({})).await.slug(), "guard-failed");
    assert_eq!(acme.agent.client.get(&path).await.ok(), ended);

    let other = away(&desk, &acme.manager, &acme.agent).await;
    let end = format!("/delegations/{}/end", other["id"].as_str().unwrap());
    let ended = acme.admin.client.post(&end, json!({})).await.ok();
    assert_eq!(ended["ended_by"]["person"], json!(acme.admin.id));
}

async fn a_requester_sees_the_delegations_that_concern_them(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let first = away(&desk, &acme.manager, &acme.requester).await;
    let second = away(&desk, &acme.agent, &acme.second_agent).await;
    let seen = async |person: &PersonOf| {
        let items = person.client.get("/delegations").await.items();
        items.iter().map(|one| one["id"].clone()).collect::<Vec<_>>()
    };

    assert_eq!(seen(&acme.requester).await, [first["id"].clone()]);
    assert_eq!(seen(&acme.manager).await, [first["id"].clone()]);
    let all = [first["id"].clone(), second["id"].clone()];
    assert_eq!(seen(&acme.admin).await, all);
    assert_eq!(seen(&acme.agent).await, all);
    let path = format!("/delegations/{}", second["id"].as_str().unwrap());
    assert_eq!(acme.requester.client.get(&path).await.slug(), "not-found");
    let page = acme.admin.client.get("/delegations?limit=1").await;
    let next = page.json["next"].as_str().unwrap().to_owned();
    let rest = acme.admin.client.get(&format!("/delegations?limit=1&after={next}")).await.items();
    assert_eq!(rest[0]["id"], second["id"]);
}

async fn delegations_of_organizations_are_apart(desk: TestDesk) {
    let (acme, bolt) = (desk.organization("acme").await, desk.organization("bolt").await);
    let planned = away(&desk, &acme.manager, &acme.agent).await;
    let path = format!("/delegations/{}", planned["id"].as_str().unwrap());

    assert_eq!(bolt.admin.client.get(&path).await.slug(), "not-found");
    let end = bolt.admin.client.post(&format!("{path}/end"), json!({})).await;
    assert_eq!(end.slug(), "not-found");
    assert!(bolt.admin.client.get("/delegations").await.items().is_empty());
    for stranger in [json!(acme.agent.id), json!(acme.agent.email)] {
        let mut new = week(&desk, &acme.agent);
        new["to"] = stranger;
        let refused = bolt.manager.client.post("/delegations", new).await;
        assert_eq!(refused.pointers(), ["/to"], "{}", refused.text);
    }
}

async fn a_person_of_a_provider_s_team_stands_in_at_its_client(desk: TestDesk) {
    let msp = desk.provider("msp").await;
    let acme = desk.client_of("msp", "acme").await;
    ask_manager(&acme).await;
    // Nobody of the provider is to be named until a team of theirs serves the client.
    let early = acme.manager.client.post("/delegations", week(&desk, &msp.agent)).await;
    assert_eq!(early.pointers(), ["/to"], "{}", early.text);
    let field = json!({
        "key": "field", "name": "Field", "members": [msp.agent.id], "serves": ["acme"],
    });
    let _ = msp.admin.client.post("/teams", field).await.created();
    away(&desk, &acme.manager, &msp.agent).await;

    let request = acme.ask_for_laptop().await;

    assert_eq!(waits_for(&acme, &request).await, json!([msp.agent.id]));
    let there = PersonOf { client: msp.agent.client.in_organization("acme"), ..msp.agent.clone() };
    let _ = decide(&there, "approve", None).await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}
