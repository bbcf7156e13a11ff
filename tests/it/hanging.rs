//! Approvals do not hang: whatever becomes of a voter, somebody is asked, or administrators are
//! told that they have to name somebody.

use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_app::upkeep::Upkept;
use waypost_store::testing;
use waypost_test_support::{Org, PersonOf, TestDesk, on_both_engines};

use crate::{
    approvals::{asked, bind, decide, state, vote},
    delegations::at,
    policies::{asking, stage, telling},
    problems::analyzed,
    risks::risk,
    upkeep::sweep,
};

on_both_engines! {
    a_voter_who_leaves_is_replaced_by_the_fallback_approver_at_the_next_upkeep
    without_a_fallback_approver_the_vote_is_vacant_told_of_daily_and_appointed_by_hand
    of_a_team_those_who_are_left_decide
    a_delegate_who_leaves_gives_the_vote_back
    whoever_is_assigned_the_work_is_replaced
    a_request_of_the_fallback_approver_s_own_is_cured_by_an_administrator
    a_provider_that_stops_serving_is_not_waited_for
    a_person_of_a_provider_who_leaves_its_desk_is_not_waited_for
    a_vote_on_a_risk_is_not_waited_for_when_its_owner_left
    a_step_that_nobody_is_asked_for_is_cared_for_beside_one_that_somebody_is
    a_client_without_administrators_is_told_of_above
    one_damaged_round_keeps_no_other_from_its_voter
    only_administrators_appoint_voters_and_each_fault_is_named
    a_running_vote_is_reassigned_by_an_administrator
    who_cannot_vote_is_not_asked
    a_requester_of_a_provider_is_not_asked_at_its_client
    a_fallback_approver_can_vote
    no_request_waits_for_somebody_who_cannot_vote
}

async fn patch(org: &Org<'_>, path: &str, fields: Value) {
    let version = org.admin.client.get(path).await.ok()["version"].as_i64().unwrap();
    let _ = org.admin.client.patch(path, version, fields).await.ok();
}

async fn change(org: &Org<'_>, person: &PersonOf, fields: Value) {
    patch(org, &format!("/people/{}", person.id), fields).await;
}

async fn leaves(org: &Org<'_>, person: &PersonOf) {
    change(org, person, json!({ "active": false })).await;
}

async fn falls_back_to(org: &Org<'_>, approver: Value) {
    let path = format!("/organizations/{}", org.key);
    patch(org, &path, json!({ "fallback_approver": approver })).await;
}

fn person(one: &PersonOf) -> Value {
    json!({ "person": one.id })
}

/// One question to all of these.
async fn ask_all(org: &Org<'_>, approvers: Value) {
    let step = json!({ "name": "budget", "approvers": approvers, "quorum": "all" });
    bind(org, &json!([{ "steps": [step] }])).await;
}

async fn waits_for(org: &Org<'_>, request: &Value) -> (Value, Value) {
    let mut now = org.admin.client.again(request).await;
    let waiting = &mut now["waiting_on"];
    (waiting["what"].take(), waiting["people"].take())
}

fn voters(people: &[&PersonOf]) -> (Value, Value) {
    (json!("approvers"), people.iter().map(|one| json!(one.id)).collect())
}

async fn seats(org: &Org<'_>, request: &Value) -> Vec<Value> {
    let mut rounds = org.admin.client.of(request, "approvals").await.items();
    let requests = rounds.pop().unwrap()["stages"][0]["steps"][0]["requests"].take();
    requests.as_array().unwrap().clone()
}

async fn seat_states(org: &Org<'_>, request: &Value) -> Vec<Value> {
    seats(org, request).await.into_iter().map(|mut seat| seat["state"].take()).collect()
}

/// The actions of the last so many events, with what the last of them is because of.
async fn last_events(org: &Org<'_>, request: &Value, count: usize) -> (Vec<Value>, Value) {
    let events = org.admin.client.of(request, "events").await.items();
    let last = &events[events.len() - count..];
    let by_system = last.iter().all(|event| event["actor"]["kind"] == "system");
    assert!(by_system, "{last:?}");
    let reason = last[count - 1]["reason"].clone();
    (last.iter().map(|event| event["action"].clone()).collect(), reason)
}

async fn a_voter_who_leaves_is_replaced_by_the_fallback_approver_at_the_next_upkeep(
    desk: TestDesk,
) {
    let acme = desk.organization("acme").await;
    // The finance team is the manager and the administrator.
    ask_all(&acme, json!([{ "team": "finance" }])).await;
    falls_back_to(&acme, json!(acme.second_agent.id)).await;
    let please =
        json!({ "rules": [telling("please", "approval_requested", &json!(["approvers"]))] });
    acme.bind("notify", "stakeholder-notifier", please).await;
    let request = acme.ask_for_laptop().await;
    let _ = desk.letters().await;
    assert_eq!(sweep(&desk).await, Upkept::default());

    leaves(&acme, &acme.manager).await;
    assert_eq!(sweep(&desk).await, Upkept { appointed: 1, ..Upkept::default() });
    assert_eq!(sweep(&desk).await, Upkept::default());

    let number = request["number"].as_str().unwrap();
    assert_eq!(desk.mailbox().await, [format!("second@acme.example: please {number}")]);
    let (what, people) = waits_for(&acme, &request).await;
    assert_eq!((what, people.as_array().unwrap().len()), (json!("approvers"), 2));
    let (actions, reason) = last_events(&acme, &request, 2).await;
    assert_eq!(actions, ["vacate_vote", "appoint_voter"]);
    assert_eq!(reason, "a voter cannot vote any more; the fallback approver decides");
    // They vote for the seat of the one who left.
    let round = decide(&acme.second_agent, "approve", None).await;
    let seats = round["stages"][0]["steps"][0]["requests"].as_array().unwrap();
    let replaced = seats.iter().find(|seat| seat["voter"]["id"] == acme.second_agent.id).unwrap();
    assert_eq!(replaced["seat"]["id"], acme.manager.id);
    let _ = decide(&acme.admin, "approve", None).await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
    desk.ignore_mail();
}

async fn without_a_fallback_approver_the_vote_is_vacant_told_of_daily_and_appointed_by_hand(
    desk: TestDesk,
) {
    let acme = desk.organization("acme").await;
    ask_all(&acme, json!(["manager"])).await;
    let request = acme.ask_for_laptop().await;
    falls_back_to(&acme, Value::Null).await;
    leaves(&acme, &acme.manager).await;

    assert_eq!(sweep(&desk).await, Upkept { vacated: 1, ..Upkept::default() });
    assert_eq!(sweep(&desk).await, Upkept::default());

    assert_eq!(waits_for(&acme, &request).await.0, "approver_missing");
    assert_eq!(seat_states(&acme, &request).await, ["vacant"]);
    let (actions, reason) = last_events(&acme, &request, 1).await;
    assert_eq!(
        (actions, reason),
        (vec![json!("vacate_vote")], json!("a voter cannot vote any more"))
    );
    let letters = desk.letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0].address.as_ref(), Some(&acme.admin.email));
    assert!(letters[0].subject.starts_with(request["number"].as_str().unwrap()));
    for remedy in ["fallback_approver", "appoint_voter"] {
        assert!(letters[0].body.contains(remedy), "{}", letters[0].body);
        let why = acme.admin.client.of(&request, "explain").await.text;
        assert!(why.contains(remedy), "{why}");
    }
    // As long as it lasts, once a day.
    desk.clock.advance(TimeDelta::days(1));
    assert_eq!(sweep(&desk).await, Upkept::default());
    assert_eq!(sweep(&desk).await, Upkept::default());
    assert_eq!(desk.letters().await.len(), 1);

    let hints = acme.admin.client.of(&request, "actions").await.text;
    assert!(hints.contains("appoint_voter"), "{hints}");
    let ada = json!({ "person": acme.agent.email, "reason": "The manager has left" });
    let appointed = acme.admin.client.act(&request, "appoint_voter", ada).await.ok();
    assert_eq!(appointed["waiting_on"]["people"], json!([acme.agent.id]));
    let events = acme.admin.client.of(&request, "events").await.items();
    let last = events.last().unwrap();
    assert_eq!(
        (&last["action"], &last["actor"]["person"], &last["reason"]),
        (&json!("appoint_voter"), &json!(acme.admin.id), &json!("The manager has left"))
    );
    assert_eq!(sweep(&desk).await, Upkept::default());
    let _ = decide(&acme.agent, "approve", None).await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn of_a_team_those_who_are_left_decide(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &json!([stage("budget", &json!([{ "team": "network" }]))])).await;
    let request = acme.ask_for_laptop().await;
    leaves(&acme, &acme.agent).await;

    assert_eq!(sweep(&desk).await, Upkept { vacated: 1, ..Upkept::default() });

    assert_eq!(waits_for(&acme, &request).await, voters(&[&acme.second_agent]));
    // Whoever comes back is asked again.
    change(&acme, &acme.agent, json!({ "active": true })).await;
    assert_eq!(sweep(&desk).await, Upkept { appointed: 1, ..Upkept::default() });
    leaves(&acme, &acme.agent).await;
    let _ = sweep(&desk).await;
    let _ = decide(&acme.second_agent, "approve", None).await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
    let states = seat_states(&acme, &request).await;
    assert!(!states.contains(&json!("vacant")), "{states:?}");
}

async fn a_delegate_who_leaves_gives_the_vote_back(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    ask_all(&acme, json!(["manager"])).await;
    let request = acme.ask_for_laptop().await;
    let shown = asked(&acme.manager).await.remove(0);
    let path = format!("/approval-requests/{}/delegate", shown["id"].as_str().unwrap());
    let to = json!({ "to": acme.agent.id, "reason": "On holiday" });
    let _ = acme.manager.client.post(&path, to).await.ok();
    // An auditor sees everything and changes nothing.
    change(&acme, &acme.agent, json!({ "role": "auditor" })).await;

    assert_eq!(sweep(&desk).await, Upkept { appointed: 1, ..Upkept::default() });

    assert_eq!(waits_for(&acme, &request).await, voters(&[&acme.manager]));
    let _ = decide(&acme.manager, "approve", None).await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn whoever_is_assigned_the_work_is_replaced(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    ask_all(&acme, json!([person(&acme.agent)])).await;
    let request = acme.ask_for_laptop().await;
    let agent = json!({ "team": "network", "assignee": acme.agent.id });
    let _ = acme.admin.client.act(&request, "assign", agent).await.ok();

    assert_eq!(sweep(&desk).await, Upkept { appointed: 1, ..Upkept::default() });

    assert_eq!(waits_for(&acme, &request).await, voters(&[&acme.admin]));
    assert_eq!(vote_of(&acme.agent, &request).await, None);
}

/// The vote on a request that a person may cast.
async fn vote_of(person: &PersonOf, request: &Value) -> Option<Value> {
    asked(person)
        .await
        .into_iter()
        .find(|one| one["ticket"] == request["number"] && one["voter"]["id"] == json!(person.id))
}

async fn a_request_of_the_fallback_approver_s_own_is_cured_by_an_administrator(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    ask_all(&acme, json!(["manager"])).await;
    // Without a manager, their request falls back to themselves, and nobody decides on their own.
    falls_back_to(&acme, json!(acme.second_agent.id)).await;
    let wish = json!({ "short_description": "A laptop", "requester": acme.second_agent.id });
    let request = acme.agent.client.post("/requests", wish).await.created();
    assert_eq!(waits_for(&acme, &request).await.0, "approver_missing");
    assert_eq!(sweep(&desk).await, Upkept::default());

    let manager = json!({ "person": acme.manager.id, "reason": "Who else" });
    let _ = acme.admin.client.act(&request, "appoint_voter", manager).await.ok();

    let _ = decide(&acme.manager, "approve", None).await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
    desk.ignore_mail();
}

/// A team of a provider that serves acme, and a request that its agent is asked for.
async fn asked_above(msp: &Org<'_>, acme: &Org<'_>) -> Value {
    let field = json!({
        "key": "field", "name": "Field", "members": [msp.agent.id], "serves": ["acme"],
    });
    let _ = msp.admin.client.post("/teams", field).await.created();
    ask_all(acme, json!([person(&msp.agent)])).await;
    let request = acme.ask_for_laptop().await;
    assert_eq!(waits_for(acme, &request).await, voters(&[&msp.agent]));
    request
}

async fn a_provider_that_stops_serving_is_not_waited_for(desk: TestDesk) {
    let msp = desk.provider("msp").await;
    let acme = desk.client_of("msp", "acme").await;
    let request = asked_above(&msp, &acme).await;
    patch(&msp, "/teams/field", json!({ "active": false })).await;

    assert_eq!(sweep(&desk).await, Upkept { appointed: 1, ..Upkept::default() });
    assert_eq!(waits_for(&acme, &request).await, voters(&[&acme.admin]));

    let other = acme.ask_for_laptop().await;
    assert_eq!(waits_for(&acme, &other).await, voters(&[&acme.admin]), "nor asked anew");
    patch(&msp, "/teams/field", json!({ "active": true })).await;
    let third = acme.ask_for_laptop().await;
    patch(&msp, "/teams/field", json!({ "serves": [] })).await;
    assert_eq!(sweep(&desk).await, Upkept { appointed: 1, ..Upkept::default() });
    assert_eq!(waits_for(&acme, &third).await, voters(&[&acme.admin]));
}

async fn a_person_of_a_provider_who_leaves_its_desk_is_not_waited_for(desk: TestDesk) {
    let msp = desk.provider("msp").await;
    let acme = desk.client_of("msp", "acme").await;
    let request = asked_above(&msp, &acme).await;
    // A requester of the provider cannot act at its clients.
    change(&msp, &msp.agent, json!({ "role": "requester" })).await;

    assert_eq!(sweep(&desk).await, Upkept { appointed: 1, ..Upkept::default() });
    assert_eq!(waits_for(&acme, &request).await, voters(&[&acme.admin]));
}

async fn a_vote_on_a_risk_is_not_waited_for_when_its_owner_left(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let problem = analyzed(&acme, "The portal is slow").await;
    let _ = acme.agent.client.act(&problem, "request_approval", risk(&acme, 90)).await.ok();
    assert_eq!(waits_for(&acme, &problem).await, voters(&[&acme.manager]));
    leaves(&acme, &acme.manager).await;

    assert_eq!(sweep(&desk).await, Upkept { appointed: 1, ..Upkept::default() });

    assert_eq!(waits_for(&acme, &problem).await, voters(&[&acme.admin]));
    let round = decide(&acme.admin, "approve", None).await;
    assert_eq!(round["outcome"], "approved");
}

async fn a_step_that_nobody_is_asked_for_is_cared_for_beside_one_that_somebody_is(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    falls_back_to(&acme, Value::Null).await;
    let steps = json!([{ "steps": [
        { "name": "manager", "approvers": ["manager"] },
        { "name": "owner", "approvers": ["service_owner"] },
    ] }]);
    bind(&acme, &steps).await;
    let request = acme.ask_for_laptop().await;
    assert_eq!(waits_for(&acme, &request).await, voters(&[&acme.manager]));
    let letters = desk.letters().await;
    assert_eq!(letters.len(), 1, "they are told, although somebody is asked: {letters:?}");

    falls_back_to(&acme, json!(acme.admin.id)).await;
    assert_eq!(sweep(&desk).await, Upkept { appointed: 1, ..Upkept::default() });

    let both = voters(&[&acme.manager, &acme.admin]);
    assert_eq!(waits_for(&acme, &request).await, both);
}

async fn a_client_without_administrators_is_told_of_above(desk: TestDesk) {
    let msp = desk.provider("msp").await;
    let acme = desk.client_of("msp", "acme").await;
    ask_all(&acme, json!(["manager"])).await;
    let request = acme.ask_for_laptop().await;
    falls_back_to(&acme, Value::Null).await;
    leaves(&acme, &acme.manager).await;
    // Its provider keeps it from now on.
    let keeper = msp.admin.client.in_organization("acme");
    let path = format!("/people/{}", acme.admin.id);
    let version = keeper.get(&path).await.ok()["version"].as_i64().unwrap();
    let _ = keeper.patch(&path, version, json!({ "role": "agent" })).await.ok();

    let _ = sweep(&desk).await;

    let letters = desk.letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0].address.as_ref(), Some(&msp.admin.email));
    assert!(letters[0].body.contains("`acme`"), "{}", letters[0].body);
    let agent = json!({ "person": acme.agent.id, "reason": "The manager has left" });
    let appointed = keeper.act(&request, "appoint_voter", agent).await.ok();
    assert_eq!(appointed["waiting_on"]["people"], json!([acme.agent.id]));
}

async fn one_damaged_round_keeps_no_other_from_its_voter(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    ask_all(&acme, json!([person(&acme.second_agent)])).await;
    let requests = [acme.ask_for_laptop().await, acme.ask_for_laptop().await];
    let incident = acme.report("The printer is on fire").await;
    let done = json!({ "resolution_code": "fixed", "resolution_notes": "new toner" });
    let _ = acme.agent.client.act(&incident, "resolve", done).await.ok();
    let mut tx = desk.store.system().await.unwrap();
    let damage = "update approval_requests set stage = 9 where id = \
        (select id from approval_requests order by id limit 1)";
    assert_eq!(testing::execute(&mut tx, damage).await.unwrap(), 1);
    tx.commit().await.unwrap();
    leaves(&acme, &acme.second_agent).await;
    desk.clock.advance(TimeDelta::days(6));

    let upkept = sweep(&desk).await;

    assert_eq!(upkept, Upkept { closed: 1, appointed: 1, ..Upkept::default() });
    let mine = asked(&acme.admin).await;
    assert_eq!(mine.len(), 1, "{mine:?}");
    let number = &mine[0]["ticket"];
    assert!(requests.iter().any(|request| request["number"] == *number));
    // Whoever looks over the records of this story would stumble over the damage.
    let mut tx = desk.store.system().await.unwrap();
    let mended = "update approval_requests set stage = 0 where stage = 9";
    assert_eq!(testing::execute(&mut tx, mended).await.unwrap(), 1);
    tx.commit().await.unwrap();
    desk.ignore_mail();
}

async fn only_administrators_appoint_voters_and_each_fault_is_named(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    ask_all(&acme, json!(["manager"])).await;
    let request = acme.ask_for_laptop().await;
    let ask = async |client: &waypost_test_support::Client, input: Value| {
        client.act(&request, "appoint_voter", input).await
    };
    let shown = asked(&acme.manager).await.remove(0);
    let agent = json!({ "person": acme.agent.id, "reason": "Because", "request": shown["id"] });
    for one in [&acme.agent, &acme.requester, &acme.manager] {
        let refused = ask(&one.client, agent.clone()).await;
        assert_eq!((refused.status.as_u16(), refused.slug()), (403, "forbidden"), "{}", one.email);
    }
    let admin = &acme.admin.client;
    assert_eq!(ask(admin, json!({})).await.pointers(), ["/person", "/reason"]);
    let with = |field: &str, value: Value| {
        let mut changed = agent.clone();
        changed[field] = value;
        changed
    };
    change(&acme, &acme.second_agent, json!({ "role": "auditor" })).await;
    for (changed, fault) in [
        (with("person", json!(acme.second_agent.id)), ("/person", "cannot-vote")),
        (with("person", json!(acme.requester.id)), ("/person", "separation-of-duties")),
        (with("person", json!(acme.manager.id)), ("/person", "repeated")),
        (with("person", json!("nobody@acme.example")), ("/person", "unknown")),
        (with("request", json!("soon")), ("/request", "unknown")),
        (with("request", json!(acme.agent.id)), ("/request", "unknown")),
    ] {
        let refused = ask(admin, changed).await;
        assert_eq!(refused.faults(), [fault], "{}", refused.text);
    }
    let unnamed = with("request", Value::Null);
    let refused = ask(admin, unnamed).await;
    assert_eq!((refused.status.as_u16(), refused.slug()), (409, "guard-failed"));
    assert!(refused.text.contains("`request`"), "{}", refused.text);

    let _ = ask(admin, agent.clone()).await.ok();
    let again = ask(admin, with("person", json!(acme.admin.id))).await;
    assert_eq!((again.status.as_u16(), again.slug()), (409, "invalid-transition"));
    assert_eq!(again.json["state"], "awaiting_approval");
    let _ = decide(&acme.agent, "approve", None).await;
    let late = ask(admin, agent).await;
    assert_eq!((late.status.as_u16(), late.slug()), (409, "invalid-transition"));
}

async fn a_running_vote_is_reassigned_by_an_administrator(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    ask_all(&acme, json!(["manager"])).await;
    let please =
        json!({ "rules": [telling("please", "approval_requested", &json!(["approvers"]))] });
    acme.bind("notify", "stakeholder-notifier", please).await;
    let week = at(&desk, 7 * 24);
    let away = json!({ "to": acme.second_agent.id, "ends_at": week, "reason": "On holiday" });
    let _ = acme.agent.client.post("/delegations", away).await.created();
    let request = acme.ask_for_laptop().await;
    let shown = asked(&acme.manager).await.remove(0);
    let _ = desk.letters().await;

    let agent = json!({ "person": acme.agent.id, "reason": "Urgent", "request": shown["id"] });
    let _ = acme.admin.client.act(&request, "appoint_voter", agent).await.ok();

    // Whoever is appointed may be away, too.
    assert_eq!(waits_for(&acme, &request).await, voters(&[&acme.second_agent]));
    let number = request["number"].as_str().unwrap();
    assert_eq!(desk.mailbox().await, [format!("second@acme.example: please {number}")]);
    assert_eq!(vote_of(&acme.manager, &request).await, None);
    // It is still the manager's vote, who may cast it first.
    let mine = asked(&acme.manager).await.remove(0);
    let _ = vote(&acme.manager.client, &mine, "approve", None).await.ok();
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
    desk.ignore_mail();
}

async fn who_cannot_vote_is_not_asked(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    change(&acme, &acme.second_agent, json!({ "role": "auditor" })).await;
    let auditor = &acme.second_agent;
    // As a member of a team, its lead, and a person.
    for (position, approvers) in (1..).zip([
        json!([{ "team": "network" }, "manager"]),
        json!([{ "team_lead": "network" }, "manager"]),
        json!([person(auditor), "manager"]),
    ]) {
        let settings = asking(&json!([stage("budget", &approvers)]));
        let name = format!("plan-{position}");
        let binding = acme.bind_as(&name, position, "plan", "approval-chain", settings).await;
        let request = acme.ask_for_laptop().await;
        let (_, people) = waits_for(&acme, &request).await;
        assert!(!people.to_string().contains(&auditor.id), "{approvers}: {people}");
        let path = format!("/bindings/{}/disable", binding["id"].as_str().unwrap());
        let _ = acme.admin.client.post(&path, json!({})).await.ok();
    }
    // As a stand-in, now and planned ahead.
    ask_all(&acme, json!(["manager"])).await;
    let week = at(&desk, 7 * 24);
    let away = json!({ "to": auditor.email, "ends_at": week, "reason": "On holiday" });
    let refused = acme.manager.client.post("/delegations", away.clone()).await;
    assert_eq!(refused.faults(), [("/to", "cannot-vote")], "{}", refused.text);
    let request = acme.ask_for_laptop().await;
    let shown = vote_of(&acme.manager, &request).await.unwrap();
    let path = format!("/approval-requests/{}/delegate", shown["id"].as_str().unwrap());
    let by_hand = json!({ "to": auditor.id, "reason": "On holiday" });
    let refused = acme.manager.client.post(&path, by_hand).await;
    assert_eq!(refused.faults(), [("/to", "cannot-vote")], "{}", refused.text);
    change(&acme, auditor, json!({ "role": "agent" })).await;
    let _ = acme.manager.client.post("/delegations", away).await.created();
    change(&acme, auditor, json!({ "role": "auditor" })).await;
    let request = acme.ask_for_laptop().await;
    assert_eq!(waits_for(&acme, &request).await, voters(&[&acme.manager]));
}

async fn a_requester_of_a_provider_is_not_asked_at_its_client(desk: TestDesk) {
    let msp = desk.provider("msp").await;
    let acme = desk.client_of("msp", "acme").await;
    // The manager of the provider is one of its requesters.
    let field = json!({
        "key": "field", "name": "Field", "lead": msp.manager.id, "serves": ["acme"],
        "members": [msp.manager.id, msp.agent.id],
    });
    let _ = msp.admin.client.post("/teams", field).await.created();
    let lead = json!([{ "team": "msp/field" }, { "team_lead": "msp/field" }, person(&msp.manager)]);
    bind(&acme, &json!([stage("field", &lead)])).await;

    let request = acme.ask_for_laptop().await;

    assert_eq!(waits_for(&acme, &request).await, voters(&[&msp.agent]));
    let there = msp.agent.client.in_organization("acme");
    let mine = there.get("/approvals/mine").await.items().remove(0);
    let path = format!("/approval-requests/{}/delegate", mine["id"].as_str().unwrap());
    let by_hand = json!({ "to": msp.manager.id, "reason": "On holiday" });
    let refused = there.post(&path, by_hand).await;
    assert_eq!(refused.faults(), [("/to", "cannot-vote")], "{}", refused.text);
    let week = at(&desk, 7 * 24);
    let away = json!({ "to": msp.manager.id, "ends_at": week, "reason": "On holiday" });
    let refused = acme.manager.client.post("/delegations", away).await;
    assert_eq!(refused.faults(), [("/to", "cannot-vote")], "{}", refused.text);
}

async fn a_fallback_approver_can_vote(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    change(&acme, &acme.second_agent, json!({ "role": "auditor" })).await;
    let path = "/organizations/acme";
    let version = acme.admin.client.get(path).await.ok()["version"].as_i64().unwrap();
    let auditor = json!({ "fallback_approver": acme.second_agent.id });
    let refused = acme.admin.client.patch(path, version, auditor).await;
    assert_eq!(refused.faults(), [("/fallback_approver", "cannot-vote")], "{}", refused.text);

    falls_back_to(&acme, json!(acme.agent.id)).await;
    let path = format!("/people/{}", acme.agent.id);
    let version = acme.admin.client.get(&path).await.ok()["version"].as_i64().unwrap();
    for (field, value) in [("role", json!("auditor")), ("active", json!(false))] {
        let refused = acme.admin.client.patch(&path, version, json!({ field: value })).await;
        let pointer = format!("/{field}");
        assert_eq!(refused.faults(), [(pointer.as_str(), "in-use")], "{}", refused.text);
    }
}

/// Numbers that look random and are always the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % sides
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let place = self.roll(all.len() as u64);
        all[usize::try_from(place).unwrap()]
    }
}

async fn no_request_waits_for_somebody_who_cannot_vote(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let step = |name: &str, approvers: Value, quorum: &str| json!({ "name": name, "approvers": approvers, "quorum": quorum });
    let team = || json!([{ "team": "network" }, person(&acme.manager)]);
    let stages = json!([
        { "rule": "all", "steps": [step("one", team(), "all"), step("two", json!(["manager"]), "any")] },
        { "rule": "majority", "steps": [step("three", team(), "majority")] },
    ]);
    bind(&acme, &stages).await;
    let people = [&acme.agent, &acme.second_agent, &acme.manager];
    for life in 0..4_u64 {
        let mut dice = Dice(life);
        let request = acme.ask_for_laptop().await;
        for _ in 0..12 {
            let who = dice.one_of(&people);
            match dice.roll(6) {
                0 => drop(try_change(&acme, who, json!({ "active": false })).await),
                1 => drop(try_change(&acme, who, json!({ "active": true })).await),
                2 => {
                    let role = dice.one_of(&["auditor", "agent", "requester"]);
                    drop(try_change(&acme, who, json!({ "role": role })).await);
                }
                3 => {
                    let approver = dice.one_of(&[&acme.admin, &acme.agent, &acme.requester]);
                    let path = "/organizations/acme";
                    let version = acme.admin.client.get(path).await.ok()["version"].as_i64();
                    let setting = json!({ "fallback_approver": approver.id });
                    drop(acme.admin.client.patch(path, version.unwrap(), setting).await);
                }
                4 => {
                    let assignee = json!({ "team": "network", "assignee": acme.agent.id });
                    drop(acme.admin.client.act(&request, "assign", assignee).await);
                }
                _ => {
                    let waiting = who.client.get("/approvals/mine").await;
                    let mine = waiting.json["items"].as_array().cloned().unwrap_or_default();
                    if let Some(shown) =
                        mine.iter().find(|shown| shown["ticket"] == request["number"])
                    {
                        drop(vote(&who.client, shown, "abstain", None).await);
                    }
                }
            }
            let _ = sweep(&desk).await;
            hangs_nowhere(&acme, &request).await;
        }
        // The next life begins with everybody there.
        for person in people {
            let role = if person.id == acme.manager.id { "requester" } else { "agent" };
            change(&acme, person, json!({ "active": true, "role": role })).await;
        }
        falls_back_to(&acme, json!(acme.admin.id)).await;
    }
    desk.ignore_mail();
}

async fn try_change(
    org: &Org<'_>,
    person: &PersonOf,
    fields: Value,
) -> waypost_test_support::Answer {
    let path = format!("/people/{}", person.id);
    let version = org.admin.client.get(&path).await.ok()["version"].as_i64().unwrap();
    org.admin.client.patch(&path, version, fields).await
}

/// Everybody who is waited for can vote; where nobody is, an administrator can ask somebody.
async fn hangs_nowhere(acme: &Org<'_>, request: &Value) {
    let now = acme.admin.client.again(request).await;
    if now["state"] != "awaiting_approval" {
        return;
    }
    let waiting = &now["waiting_on"];
    if waiting["what"] == "approver_missing" {
        let hints = acme.admin.client.of(request, "actions").await.text;
        assert!(hints.contains("appoint_voter"), "{hints}");
        return;
    }
    let people = waiting["people"].as_array().unwrap();
    assert!(!people.is_empty(), "{now}");
    for id in people {
        let path = format!("/people/{}", id.as_str().unwrap());
        let person = acme.admin.client.get(&path).await.ok();
        assert!(person["active"] == true && person["role"] != "auditor", "{person} in {now}");
        assert!(*id != now["assignee"]["id"] && *id != now["requester"]["id"], "{now}");
    }
}
