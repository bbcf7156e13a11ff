//! Bringing a policy to the desk, binding it, changing it while tickets come in, and taking it
//! back.

use axum::{body::Body, http::Method};
use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_test_support::{Answer, Client, Guest, Org, TestDesk, on_both_engines, policy};

use crate::{
    policies::{stage, teams_by_words},
    upkeep::sweep,
};

on_both_engines! {
    a_component_that_is_none_is_refused_with_the_reason
    a_component_that_wants_more_than_it_may_have_is_refused_by_the_name_of_the_import
    an_upload_has_a_type_and_a_size
    the_same_bytes_are_one_policy
    only_an_administrator_brings_and_binds_policies
    settings_are_checked_by_schema_and_by_the_policy_before_anything_changes
    wrong_settings_of_the_shipped_policies_are_told_by_what_was_meant
    settings_may_name_their_schema
    a_position_is_taken_once
    a_hook_that_the_policy_does_not_serve_is_refused_by_name
    a_fallback_team_is_for_route_only
    one_binding_serves_several_hooks_with_one_set_of_settings
    revising_or_rolling_back_switches_all_hooks_at_once
    a_disabled_binding_is_asked_at_none_of_its_hooks
    a_breaker_that_opens_at_one_hook_leaves_the_others_working
    a_changed_binding_decides_the_next_ticket
    a_binding_is_rolled_back_in_one_call
    a_disabled_binding_is_not_asked
    a_revision_that_is_refused_leaves_the_old_one_in_force
    a_revision_is_made_from_the_version_that_was_read
    tickets_come_in_while_a_binding_changes
    limits_above_the_installations_are_refused
}

pub(crate) async fn upload(client: &Client, bytes: Vec<u8>) -> Answer {
    let wasm = [("content-type", "application/wasm")];
    client.send(Method::POST, "/policies", &wasm, Body::from(bytes)).await
}

async fn a_component_that_is_none_is_refused_with_the_reason(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let whole = policy("team-router");
    let cut = whole[..whole.len() / 2].to_vec();

    for bytes in [b"hello".to_vec(), Vec::new(), cut, b"\0asm\x01\0\0\0".to_vec()] {
        let refused = upload(&acme.admin.client, bytes).await;
        assert_eq!(refused.status.as_u16(), 422, "{}", refused.text);
        assert_eq!(refused.pointers(), ["/component"]);
        let message = refused.json["errors"][0]["message"].as_str().unwrap();
        assert!(message.len() > 20, "{message}");
    }
    assert!(acme.admin.client.get("/policies").await.items().is_empty());
}

async fn a_component_that_wants_more_than_it_may_have_is_refused_by_the_name_of_the_import(
    desk: TestDesk,
) {
    let acme = desk.organization("acme").await;
    let curious = Guest::new().import(
        "wasi:http/outgoing-handler@0.2.6",
        r#"(import "wasi:http/outgoing-handler@0.2.6" "handle" (func $handle))"#,
    );

    let refused = upload(&acme.admin.client, curious.build()).await;

    let error = &refused.json["errors"][0];
    assert_eq!(error["code"], "forbidden_import", "{}", refused.text);
    assert!(error["message"].as_str().unwrap().contains("wasi:http/outgoing-handler"), "{error}");
}

async fn an_upload_has_a_type_and_a_size(desk: TestDesk) {
    let acme = desk.organization("acme").await;

    let json = [("content-type", "application/json")];
    let mistyped = acme.admin.client.send(Method::POST, "/policies", &json, Body::from("{}")).await;
    assert_eq!((mistyped.status.as_u16(), mistyped.slug()), (415, "unsupported-media-type"));
    let huge = upload(&acme.admin.client, vec![0; 64 * 1024 * 1024]).await;

    assert_eq!((huge.status.as_u16(), huge.slug()), (413, "too-large"));
}

async fn the_same_bytes_are_one_policy(desk: TestDesk) {
    let acme = desk.organization("acme").await;

    let first = upload(&acme.admin.client, policy("team-router")).await.created();
    desk.clock.advance(chrono::TimeDelta::days(1));
    let again = upload(&acme.admin.client, policy("team-router")).await.created();

    assert_eq!(first, again);
    assert_eq!(
        (&first["name"], &first["hooks"][0]["hook"]),
        (&json!("team-router"), &json!("route"))
    );
    assert!(first["settings_schema"]["properties"]["rules"].is_object());
    let listed = acme.admin.client.get("/policies").await.items();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0]["summary"], &listed[0]["hooks"]),
        (&first["summary"], &first["hooks"]),
        "a list shows a summary"
    );
    assert!(listed[0].get("settings_schema").is_none(), "what may be large is read alone");
    let read = format!("/policies/{}", first["digest"].as_str().unwrap());
    assert_eq!(acme.admin.client.get(&read).await.ok(), first);
}

async fn only_an_administrator_brings_and_binds_policies(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let binding = acme.bind("route", "team-router", json!({})).await;
    let id = binding["id"].as_str().unwrap();

    for person in [&acme.agent, &acme.requester] {
        let client = &person.client;
        assert_eq!(upload(client, policy("team-router")).await.slug(), "forbidden");
        let new =
            json!({ "hooks": ["route"], "name": "n", "position": 1, "component": "sha256:00" });
        assert_eq!(client.post("/bindings", new).await.slug(), "forbidden");
        for verb in ["disable", "enable", "roll-back", "revisions"] {
            let path = format!("/bindings/{id}/{verb}");
            assert_eq!(client.post(&path, json!({ "to": 1 })).await.status.as_u16() / 100, 4);
        }
    }
    assert_eq!(acme.admin.client.get("/bindings").await.items()[0]["enabled"], true);
}

async fn try_bind(org: &Org<'_>, change: Value) -> Answer {
    let mut binding = json!({
        "hooks": ["route"], "name": "router", "position": 10,
        "component": org.desk.upload(&org.admin.client, &org.key, "team-router").await,
        "settings": teams_by_words(&[("wifi", "network")]),
    });
    for (field, value) in change.as_object().unwrap() {
        binding[field] = value.clone();
    }
    org.admin.client.post("/bindings", binding).await
}

async fn settings_are_checked_by_schema_and_by_the_policy_before_anything_changes(desk: TestDesk) {
    let acme = desk.organization("acme").await;

    let wrong_type =
        json!({ "settings": { "rules": [{ "name": 7, "to": { "team": "network" } }] } });
    let by_schema = try_bind(&acme, wrong_type).await;
    assert_eq!(by_schema.pointers(), ["/settings/rules/0/name"], "{}", by_schema.text);
    let unknown = json!({ "settings": { "rulez": [] } });
    assert_eq!(try_bind(&acme, unknown).await.pointers().len(), 1);
    // The schema allows it, the policy does not: words must be words.
    let empty = json!({ "settings": { "rules": [
        { "name": "n", "when": { "words": { "any": ["", "?"] } }, "to": { "team": "network" } },
    ] } });
    let by_policy = try_bind(&acme, empty).await;
    assert_eq!(by_policy.status.as_u16(), 422, "{}", by_policy.text);
    assert!(
        by_policy.pointers()[0].starts_with("/settings/rules/0/when/words"),
        "{}",
        by_policy.text
    );

    let several =
        try_bind(&acme, json!({ "name": "No Key", "hooks": ["guess"], "position": -1 })).await;
    assert_eq!(several.pointers(), ["/hooks/0", "/name", "/position"]);
    assert!(acme.admin.client.get("/bindings").await.items().is_empty());
}

async fn wrong_settings_of_the_shipped_policies_are_told_by_what_was_meant(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let refused = async |policy: &str, hook: &str, settings: Value| {
        let component = desk.upload(&acme.admin.client, "acme", policy).await;
        let binding = json!({
            "hooks": [hook], "name": "wrong", "position": 1, "component": component,
            "settings": settings,
        });
        let refused = acme.admin.client.post("/bindings", binding).await;
        assert_eq!(refused.status.as_u16(), 422, "{}", refused.text);
        let error = &refused.json["errors"][0];
        let text = |field: &str| error[field].as_str().unwrap().to_owned();
        (text("pointer"), text("message"))
    };
    let ask = |step: Value| json!({ "rules": [{ "name": "a", "then": { "ask": [{ "steps": [step] }] } }] });
    let to = |target: Value| json!({ "rules": [{ "name": "a", "to": target }] });
    let tell = |who: Value| json!({ "rules": [{ "name": "a", "on": ["created"], "to": who, "subject": "s", "body": "b" }] });
    let strength = |strength: Value| json!({ "rules": [{ "name": "a", "to": { "team": "network" }, "strength": strength }] });
    let closed = |when: Value| json!({ "rules": [{ "name": "a", "to": { "team": "network" }, "when_closed": when }] });
    let step = "/settings/rules/0/then/ask/0/steps/0";
    let unknown = |word: &str| format!("`{word}` is not known here; use one of: ");
    let (chain, router, notifier) =
        (("approval-chain", "plan"), ("team-router", "route"), ("stakeholder-notifier", "notify"));
    let cases = [
        (
            chain,
            ask(json!({ "name": "s", "approvers": [{ "taem": "x" }] })),
            format!("{step}/approvers/0"),
            unknown("taem"),
        ),
        (
            chain,
            ask(json!({ "name": "s", "approvers": ["manger"] })),
            format!("{step}/approvers/0"),
            unknown("manger"),
        ),
        (
            chain,
            ask(json!({ "name": "s", "approvers": ["team"] })),
            format!("{step}/approvers/0"),
            "`team` needs a value".to_owned(),
        ),
        (
            chain,
            ask(json!({ "name": "s", "quorum": { "count": 0 } })),
            format!("{step}/quorum/count"),
            "0 is less than the minimum of 1".to_owned(),
        ),
        (
            chain,
            ask(json!({ "name": "s", "quorum": { "percent": 101 } })),
            format!("{step}/quorum/percent"),
            "101 is greater than the maximum of 100".to_owned(),
        ),
        (chain, ask(json!({})), step.to_owned(), "\"name\" is a required property".to_owned()),
        (
            chain,
            json!({ "otherwise": "ask_manger" }),
            "/settings/otherwise".to_owned(),
            unknown("ask_manger"),
        ),
        (
            router,
            to(json!({ "least_loaded": "network" })),
            "/settings/rules/0/to/least_loaded".to_owned(),
            "is not of type \"array\"".to_owned(),
        ),
        (
            router,
            to(json!({ "support_team_of": "services" })),
            "/settings/rules/0/to/support_team_of".to_owned(),
            unknown("services"),
        ),
        (
            router,
            closed(json!({ "team": 5 })),
            "/settings/rules/0/when_closed/team".to_owned(),
            "5 is not of type \"string\"".to_owned(),
        ),
        (
            router,
            closed(json!("oncall")),
            "/settings/rules/0/when_closed".to_owned(),
            unknown("oncall"),
        ),
        (router, strength(json!("sett")), "/settings/rules/0/strength".to_owned(), unknown("sett")),
        (
            router,
            strength(json!({ "teem": "set" })),
            "/settings/rules/0/strength".to_owned(),
            "'teem' was unexpected".to_owned(),
        ),
        (
            router,
            strength(json!({ "team": "sett" })),
            "/settings/rules/0/strength/team".to_owned(),
            unknown("sett"),
        ),
        (
            notifier,
            tell(json!(["requestor"])),
            "/settings/rules/0/to/0".to_owned(),
            unknown("requestor"),
        ),
        (
            notifier,
            tell(json!([{ "person": 5 }])),
            "/settings/rules/0/to/0/person".to_owned(),
            "5 is not of type \"string\"".to_owned(),
        ),
    ];
    for ((policy, hook), settings, pointer, message) in cases {
        let told = refused(policy, hook, settings.clone()).await;
        assert_eq!(told.0, pointer, "{settings}: {}", told.1);
        assert!(told.1.contains(&message), "{settings}: {} lacks {message}", told.1);
        assert!(!told.1.contains("any of the schemas"), "{}", told.1);
    }
}

async fn settings_may_name_their_schema(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let settings = teams_by_words(&[("wifi", "network")]);
    let plain = acme.bind_as("plain", 10, "route", "team-router", settings.clone()).await;
    let mut named = settings;
    named["$schema"] = json!("./team-router.schema.json");

    let bound = acme.bind_as("named", 20, "route", "team-router", named).await;

    let digest = |binding: &Value| binding["active"]["settings_digest"].clone();
    assert!(digest(&plain).is_string(), "{plain}");
    assert_eq!(digest(&bound), digest(&plain));
}

async fn a_position_is_taken_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let _ = try_bind(&acme, json!({})).await.created();

    assert_eq!(try_bind(&acme, json!({ "name": "other" })).await.pointers(), ["/position"]);
    assert_eq!(try_bind(&acme, json!({ "position": 20 })).await.pointers(), ["/name"]);
    let _ = try_bind(&acme, json!({ "name": "other", "position": 20 })).await.created();
    let elsewhere = json!({ "name": "third", "disabled": true });
    let third = try_bind(&acme, elsewhere).await.created();
    let enable = format!("/bindings/{}/enable", third["id"].as_str().unwrap());
    assert!(acme.admin.client.post(&enable, json!({})).await.status.is_client_error());
}

async fn a_hook_that_the_policy_does_not_serve_is_refused_by_name(desk: TestDesk) {
    let acme = desk.organization("acme").await;

    let refused = try_bind(&acme, json!({ "hooks": ["notify", "route", "plan"] })).await;

    assert_eq!(refused.pointers(), ["/hooks/0", "/hooks/2"], "{}", refused.text);
    for (error, hook) in [(0, "notify"), (1, "plan")] {
        let message = refused.json["errors"][error]["message"].as_str().unwrap();
        let expected = format!("`team-router` does not serve `{hook}`; it serves route");
        assert!(message.starts_with(&expected), "{message}");
    }
    assert_eq!(try_bind(&acme, json!({ "hooks": [] })).await.pointers(), ["/hooks"]);
    let twice = json!({ "hooks": ["route", "route"] });
    assert_eq!(try_bind(&acme, twice).await.pointers(), ["/hooks/1"]);

    // Another component has to serve the hooks that the binding has.
    let router = try_bind(&acme, json!({})).await.created();
    let chain = desk.upload(&acme.admin.client, "acme", "approval-chain").await;
    let change = json!({ "component": chain, "settings": {} });
    let refused = revise(&acme, &router, change).await;
    assert_eq!(refused.pointers(), ["/component"], "{}", refused.text);
    let message = refused.json["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("does not serve `route`; it serves plan, stalled"), "{message}");
}

async fn a_fallback_team_is_for_route_only(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let refused = json!({
        "hooks": ["plan"], "name": "chain", "position": 1, "fallback_team": "finance",
        "component": desk.upload(&acme.admin.client, "acme", "approval-chain").await,
        "settings": { "otherwise": "ask_manager" },
    });

    let refused = acme.admin.client.post("/bindings", refused).await;

    assert_eq!(refused.pointers(), ["/fallback_team"], "{}", refused.text);
    let message = refused.json["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("the hook `route` only"), "{message}");
}

/// The manager is asked for everything about a laptop, and reminded after so many working hours.
fn approvals(remind_after_hours: u16) -> Value {
    json!({
        "rules": [{
            "name": "laptops", "when": { "words": { "any": ["laptop"] } },
            "then": { "ask": [stage("manager", &json!(["manager"]))] },
        }],
        "waiting": { "remind_after_hours": remind_after_hours, "repeat_hours": 100 },
    })
}

/// Binds the approval chain at both of its hooks.
async fn bind_both(org: &Org<'_>, change: Value) -> Value {
    let mut binding = json!({
        "name": "approvals", "position": 10, "settings": approvals(2),
        "component": org.desk.upload(&org.admin.client, &org.key, "approval-chain").await,
    });
    for (field, value) in change.as_object().unwrap() {
        binding[field] = value.clone();
    }
    org.admin.client.post("/bindings", binding).await.created()
}

/// Asks for a laptop, has the vote looked after two working hours later, and returns who answered
/// at which hook.
async fn asked_at(desk: &TestDesk, org: &Org<'_>) -> Vec<(String, i64)> {
    let request = org.ask_for_laptop().await;
    desk.clock.advance(TimeDelta::hours(2));
    let _ = sweep(desk).await;
    let receipts = org.agent.client.of(&request, "receipts").await.items();
    let asked = receipts.iter().map(|receipt| {
        assert_eq!(receipt["binding_name"], "approvals");
        (receipt["hook"].as_str().unwrap().to_owned(), receipt["revision"].as_i64().unwrap())
    });
    let mut asked = asked.collect::<Vec<_>>();
    asked.sort();
    asked
}

fn at(hook: &str, revision: i64) -> (String, i64) {
    (hook.to_owned(), revision)
}

async fn one_binding_serves_several_hooks_with_one_set_of_settings(desk: TestDesk) {
    let acme = desk.organization("acme").await;

    // Without hooks it is bound at all that the component serves.
    let binding = bind_both(&acme, json!({})).await;

    assert_eq!(binding["active"]["hooks"], json!(["plan", "stalled"]));
    assert_eq!(asked_at(&desk, &acme).await, [at("plan", 1), at("stalled", 1)]);
    let receipts = acme.agent.client.get("/receipts").await.items();
    assert_eq!(receipts[0]["settings_digest"], receipts[1]["settings_digest"]);
    for hook in ["plan", "stalled"] {
        let list = acme.admin.client.get(&format!("/bindings?hook={hook}")).await.items();
        assert_eq!(list[0]["id"], binding["id"], "{hook}");
        let path = format!("/bindings/in-force?hook={hook}");
        let orders = acme.admin.client.get(&path).await.items();
        assert_eq!(orders[0]["asked"][0]["id"], binding["id"], "{hook}");
    }
    assert!(acme.admin.client.get("/bindings?hook=notify").await.items().is_empty());

    // It has its position at each of them.
    let chain = binding["active"]["component"].as_str().unwrap();
    let second = json!({
        "hooks": ["stalled"], "name": "second", "position": 10, "component": chain, "settings": {},
    });
    let refused = acme.admin.client.post("/bindings", second).await;
    assert_eq!(refused.pointers(), ["/position"], "{}", refused.text);
    let message = refused.json["errors"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("Position 10 is taken by the binding `approvals` at stalled"),
        "{message}"
    );
    desk.ignore_mail();
}

async fn revising_or_rolling_back_switches_all_hooks_at_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let binding = bind_both(&acme, json!({})).await;
    assert_eq!(asked_at(&desk, &acme).await, [at("plan", 1), at("stalled", 1)]);

    let change = json!({ "settings": approvals(3) });
    let revised = revise(&acme, &binding, change).await.created();
    assert_eq!(revised["active"]["hooks"], json!(["plan", "stalled"]));
    // By the new settings, nobody is reminded after two hours; that, too, is an answer of revision
    // 2.
    assert_eq!(asked_at(&desk, &acme).await, [at("plan", 2)]);

    let fewer = revise(&acme, &binding, json!({ "hooks": ["plan"] })).await.created();
    assert_eq!(fewer["active"]["hooks"], json!(["plan"]));
    let at_stalled = acme.admin.client.get("/bindings/in-force?hook=stalled").await.items();
    assert_eq!(at_stalled[0]["asked"], json!([]));

    // Rolling back takes back settings and hooks.
    let path = format!("/bindings/{}/roll-back", binding["id"].as_str().unwrap());
    let back = acme.admin.client.post(&path, json!({ "to": 1 })).await.ok();
    assert_eq!(back["active"]["hooks"], json!(["plan", "stalled"]));
    assert_eq!(asked_at(&desk, &acme).await, [at("plan", 1), at("stalled", 1)]);
    desk.ignore_mail();
}

async fn a_disabled_binding_is_asked_at_none_of_its_hooks(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let binding = bind_both(&acme, json!({})).await;
    let path = |verb: &str| format!("/bindings/{}/{verb}", binding["id"].as_str().unwrap());

    let _ = acme.admin.client.post(&path("disable"), json!({})).await.ok();
    assert_eq!(asked_at(&desk, &acme).await, []);
    for order in acme.admin.client.get("/bindings/in-force").await.items() {
        assert_eq!(order["asked"], json!([]), "{order}");
    }
    let _ = acme.admin.client.post(&path("enable"), json!({})).await.ok();

    assert_eq!(asked_at(&desk, &acme).await, [at("plan", 1), at("stalled", 1)]);
    desk.ignore_mail();
}

async fn a_breaker_that_opens_at_one_hook_leaves_the_others_working(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    // Enough fuel for a wish in a few words, and for a look at a vote.
    let binding = bind_both(&acme, json!({ "limits": { "fuel": 400_000 } })).await;
    let request = acme.ask_for_laptop().await;
    assert_eq!(request["policy_failures"], Value::Null);

    // Looking for words in a long text takes more than there is.
    let long = json!({ "short_description": "A laptop", "description": "why not ".repeat(2_000) });
    for wanted in ["out_of_fuel"; 5].into_iter().chain(["breaker_open"]) {
        let request = acme.requester.client.post("/requests", long.clone()).await.created();
        assert_eq!(request["policy_failures"], format!("plan: {wanted}"));
    }

    let path = format!("/bindings/{}", binding["id"].as_str().unwrap());
    let paused = acme.admin.client.get(&path).await.ok()["paused"].clone();
    assert_eq!(paused.as_array().unwrap().len(), 1, "{paused}");
    assert_eq!(paused[0]["hook"], "plan");
    let letters = desk.letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert!(letters[0].body.contains("`plan`"), "{}", letters[0].body);
    desk.clock.advance(TimeDelta::hours(2));
    let _ = sweep(&desk).await;
    let receipts = acme.agent.client.of(&request, "receipts").await.items();
    let stalled = receipts.iter().find(|receipt| receipt["hook"] == "stalled").unwrap();
    assert_eq!(stalled["outcome"]["kind"], "applied", "{stalled}");
    desk.ignore_mail();
}

async fn revise(org: &Org<'_>, binding: &Value, change: Value) -> Answer {
    let path = format!("/bindings/{}/revisions", binding["id"].as_str().unwrap());
    org.admin.client.post(&path, change).await
}

async fn team(org: &Org<'_>) -> Value {
    org.report("No wifi").await["team"]["key"].take()
}

async fn a_changed_binding_decides_the_next_ticket(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let binding = acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;
    assert_eq!(team(&acme).await, "network");

    let change =
        json!({ "settings": teams_by_words(&[("wifi", "finance")]), "note": "they asked" });
    let revised = revise(&acme, &binding, change).await.created();

    assert_eq!(
        (&revised["active"]["number"], &revised["active"]["note"]),
        (&json!(2), &json!("they asked"))
    );
    assert_eq!(team(&acme).await, "finance");
    let receipts = acme.agent.client.get("/receipts").await.items();
    let revisions: Vec<_> = receipts.iter().map(|one| one["revision"].clone()).collect();
    assert_eq!(revisions, [2, 1]);
}

async fn a_binding_is_rolled_back_in_one_call(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let binding = acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;
    let change = json!({ "settings": teams_by_words(&[("wifi", "finance")]) });
    let _ = revise(&acme, &binding, change).await.created();
    let path = format!("/bindings/{}/roll-back", binding["id"].as_str().unwrap());

    let back = acme.admin.client.post(&path, json!({ "to": 1 })).await.ok();

    assert_eq!(back["active"]["number"], 1);
    assert_eq!(team(&acme).await, "network");
    let nowhere = acme.admin.client.post(&path, json!({ "to": 9 })).await;
    assert_eq!(nowhere.pointers(), ["/to"], "{}", nowhere.text);
    // The history keeps both, and the next revision is the third.
    let detail =
        acme.admin.client.get(&format!("/bindings/{}", binding["id"].as_str().unwrap())).await.ok();
    assert_eq!(detail["revisions"].as_array().unwrap().len(), 2);
    let third = revise(&acme, &binding, json!({ "position": 11 })).await.created();
    assert_eq!(third["active"]["number"], 3);
}

async fn a_disabled_binding_is_not_asked(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let binding = acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;
    let path = |verb: &str| format!("/bindings/{}/{verb}", binding["id"].as_str().unwrap());

    let _ = acme.admin.client.post(&path("disable"), json!({})).await.ok();
    assert_eq!(team(&acme).await, "service-desk");
    assert!(acme.agent.client.get("/receipts").await.items().is_empty());
    let _ = acme.admin.client.post(&path("enable"), json!({})).await.ok();

    assert_eq!(team(&acme).await, "network");
}

async fn a_revision_that_is_refused_leaves_the_old_one_in_force(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let binding = acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;

    let refused = revise(&acme, &binding, json!({ "settings": { "rules": "none" } })).await;

    assert_eq!(refused.pointers(), ["/settings/rules"]);
    assert_eq!(team(&acme).await, "network");
    assert_eq!(acme.admin.client.get("/bindings").await.items()[0]["version"], binding["version"]);
}

async fn a_revision_is_made_from_the_version_that_was_read(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let binding = acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;
    let path = format!("/bindings/{}/revisions", binding["id"].as_str().unwrap());
    let first = [("if-match", "\"1\"")];
    let change = json!({ "position": 11 });

    let _ = acme.admin.client.post_with(&path, &first, change.clone()).await.created();
    let late = acme.admin.client.post_with(&path, &first, change).await;

    assert_eq!(late.slug(), "stale-version");
}

async fn tickets_come_in_while_a_binding_changes(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let binding = acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;
    let change = json!({ "settings": teams_by_words(&[("wifi", "finance")]) });

    let reports = async {
        let mut teams = Vec::new();
        for _ in 0..12 {
            teams.push(team(&acme).await);
        }
        teams
    };
    let (teams, revised) = tokio::join!(reports, revise(&acme, &binding, change));

    let _ = revised.created();
    let changed = teams.iter().position(|team| team == "finance").unwrap_or(teams.len());
    assert!(teams[..changed].iter().all(|team| team == "network"), "{teams:?}");
    assert!(teams[changed..].iter().all(|team| team == "finance"), "{teams:?}");
    assert_eq!(team(&acme).await, "finance");
}

async fn limits_above_the_installations_are_refused(desk: TestDesk) {
    let acme = desk.organization("acme").await;

    let greedy = json!({ "limits": { "fuel": u64::from(u32::MAX) * 10, "deadline_ms": 60_000 } });
    let refused = try_bind(&acme, greedy).await;

    assert_eq!(refused.pointers(), ["/limits/deadline_ms", "/limits/fuel"], "{}", refused.text);
}
