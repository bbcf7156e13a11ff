//! Policies of several layers: the platform's, the provider's, the client's.

use serde_json::{Value, json};
use waypost_test_support::{Guest, Org, TestDesk, on_both_engines};

use crate::policies::{asking, by_words, stage, teams_by_words};

on_both_engines! {
    two_organizations_bind_the_same_component_with_different_settings
    two_organizations_bind_different_components
    a_provider_decides_what_its_client_leaves_open
    a_clients_own_policy_comes_before_its_providers
    a_locked_policy_of_the_provider_comes_first
    a_policy_that_replaces_hides_the_unlocked_ones_above
    each_field_is_given_by_the_first_layer_that_gives_it
    a_client_neither_sees_nor_changes_more_of_its_provider_than_it_needs
    a_client_binds_a_policy_that_its_provider_brought
    a_clients_team_cannot_answer_for_a_key_that_a_providers_locked_plan_names
    a_fallback_team_is_the_one_that_its_binding_named
}

async fn team_of(org: &Org<'_>, line: &str) -> Value {
    org.report(line).await["team"]["key"].take()
}

async fn two_organizations_bind_the_same_component_with_different_settings(desk: TestDesk) {
    let (acme, bolt) = (desk.organization("acme").await, desk.organization("bolt").await);
    let ours = acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;
    let theirs = bolt.bind("route", "team-router", teams_by_words(&[("wifi", "finance")])).await;

    assert_eq!(ours["active"]["component"], theirs["active"]["component"]);
    assert_ne!(ours["active"]["settings_digest"], theirs["active"]["settings_digest"]);
    assert_eq!(team_of(&acme, "No wifi").await, "network");
    assert_eq!(team_of(&bolt, "No wifi").await, "finance");
}

async fn two_organizations_bind_different_components(desk: TestDesk) {
    let (acme, bolt) = (desk.organization("acme").await, desk.organization("bolt").await);
    acme.bind("route", "team-router", teams_by_words(&[("wifi", "finance")])).await;
    let guest = bolt.admin.client.upload(Guest::new().named("everything").build()).await;
    bolt.bind_component("everything", 1, "route", &guest, json!({})).await;

    let (ours, theirs) = (acme.report("No wifi").await, bolt.report("No wifi").await);

    assert_eq!(
        (&ours["team"]["key"], &theirs["team"]["key"]),
        (&json!("finance"), &json!("network"))
    );
    let component = |receipts: &[Value]| receipts[0]["component"].clone();
    let of_ours = component(&acme.agent.client.of(&ours, "receipts").await.items());
    let of_theirs = component(&bolt.agent.client.of(&theirs, "receipts").await.items());
    assert_ne!(of_ours, of_theirs);
}

async fn a_provider_decides_what_its_client_leaves_open(desk: TestDesk) {
    let harbor = desk.provider("harbor").await;
    let acme = desk.client_of("harbor", "acme").await;
    let rules = teams_by_words(&[("wifi", "acme/network"), ("lan", "network")]);
    harbor.bind("route", "team-router", rules).await;

    assert_eq!(team_of(&acme, "No wifi").await, "network");
    // A bare key is looked up where the binding is, and never below: the provider's `network` does
    // not serve this client, and the client's own `network` was not meant.
    assert_eq!(team_of(&acme, "No lan").await, "service-desk");
}

async fn a_clients_own_policy_comes_before_its_providers(desk: TestDesk) {
    let harbor = desk.provider("harbor").await;
    let acme = desk.client_of("harbor", "acme").await;
    let rules = teams_by_words(&[("wifi", "acme/network"), ("lan", "acme/network")]);
    harbor.bind("route", "team-router", rules).await;
    acme.bind("route", "team-router", teams_by_words(&[("wifi", "finance")])).await;

    assert_eq!(team_of(&acme, "No wifi").await, "finance");
    assert_eq!(team_of(&acme, "No lan").await, "network");
}

async fn a_locked_policy_of_the_provider_comes_first(desk: TestDesk) {
    let harbor = desk.provider("harbor").await;
    let acme = desk.client_of("harbor", "acme").await;
    let component = desk.upload(&harbor.admin.client, "harbor", "team-router").await;
    let locked = json!({
        "hooks": ["route"], "name": "by-law", "position": 1, "component": component, "locked": true,
        "settings": teams_by_words(&[("fire", "acme/network")]),
    });
    let _ = harbor.admin.client.post("/bindings", locked).await.created();
    let own = json!({
        "hooks": ["route"], "name": "own", "position": 1, "replaces_above": true,
        "component": desk.upload(&acme.admin.client, "acme", "team-router").await,
        "settings": teams_by_words(&[("fire", "finance"), ("wifi", "finance")]),
    });
    let _ = acme.admin.client.post("/bindings", own).await.created();

    let incident = acme.report("The printer is on fire").await;

    assert_eq!(incident["team"]["key"], "network");
    assert_eq!(team_of(&acme, "No wifi").await, "finance");
    let receipts = acme.agent.client.of(&incident, "receipts").await.items();
    assert_eq!(receipts.len(), 1, "later ones are not asked");
    assert_eq!(receipts[0]["layer"], "harbor");
}

async fn a_policy_that_replaces_hides_the_unlocked_ones_above(desk: TestDesk) {
    let harbor = desk.provider("harbor").await;
    let acme = desk.client_of("harbor", "acme").await;
    harbor.bind("route", "team-router", teams_by_words(&[("wifi", "acme/network")])).await;
    let own = json!({
        "hooks": ["route"], "name": "own", "position": 1, "replaces_above": true,
        "component": desk.upload(&acme.admin.client, "acme", "team-router").await,
        "settings": teams_by_words(&[("lan", "finance")]),
    });
    let own = acme.admin.client.post("/bindings", own).await.created();

    assert_eq!(team_of(&acme, "No wifi").await, "service-desk");
    let orders = acme.admin.client.get("/bindings/in-force?hook=route").await.items();
    let names = |list: &Value| -> Vec<Value> {
        list.as_array().unwrap().iter().map(|one| one["name"].clone()).collect()
    };
    assert_eq!(names(&orders[0]["asked"]), ["own"]);
    assert_eq!(names(&orders[0]["replaced"]), ["route-team-router"]);
    let path = format!("/bindings/{}/disable", own["id"].as_str().unwrap());
    let _ = acme.admin.client.post(&path, json!({})).await.ok();
    assert_eq!(team_of(&acme, "No wifi").await, "network");
}

async fn each_field_is_given_by_the_first_layer_that_gives_it(desk: TestDesk) {
    let harbor = desk.provider("harbor").await;
    let acme = desk.client_of("harbor", "acme").await;
    let above = json!({ "category": ["hardware"], "impact": 1, "urgency": 1 });
    harbor.bind("categorize", "keyword-categorizer", by_words(&[("wifi", above)])).await;
    let own = json!({ "category": ["network"], "urgency": 3 });
    acme.bind("categorize", "keyword-categorizer", by_words(&[("wifi", own)])).await;

    let incident = acme.report("No wifi").await;

    assert_eq!(incident["category"], "network");
    assert_eq!((&incident["urgency"], &incident["impact"]), (&json!(3), &json!(1)));
}

async fn a_client_neither_sees_nor_changes_more_of_its_provider_than_it_needs(desk: TestDesk) {
    let harbor = desk.provider("harbor").await;
    let acme = desk.client_of("harbor", "acme").await;
    let binding = harbor.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;
    let ticket = harbor.report("A secret of the harbor").await;

    assert!(acme.admin.client.get("/bindings").await.items().is_empty());
    let path = format!("/bindings/{}/disable", binding["id"].as_str().unwrap());
    assert_eq!(acme.admin.client.post(&path, json!({})).await.slug(), "not-found");
    let path = format!("/tickets/{}", ticket["id"].as_str().unwrap());
    assert_eq!(acme.admin.client.get(&path).await.slug(), "not-found");
    let people = acme.admin.client.get("/people").await;
    assert!(!people.text.contains("harbor"), "{}", people.text);
}

async fn a_client_binds_a_policy_that_its_provider_brought(desk: TestDesk) {
    let harbor = desk.provider("harbor").await;
    let (acme, bolt) = (desk.client_of("harbor", "acme").await, desk.organization("bolt").await);
    let component = desk.upload(&harbor.admin.client, "harbor", "team-router").await;

    let settings = teams_by_words(&[("wifi", "network")]);
    acme.bind_component("from-above", 1, "route", &component, settings.clone()).await;

    assert_eq!(team_of(&acme, "No wifi").await, "network");
    let foreign = json!({
        "hooks": ["route"], "name": "stolen", "position": 1, "component": component, "settings": settings,
    });
    assert_eq!(bolt.admin.client.post("/bindings", foreign).await.pointers(), ["/component"]);
}

async fn a_clients_team_cannot_answer_for_a_key_that_a_providers_locked_plan_names(desk: TestDesk) {
    let harbor = desk.provider("harbor").await;
    let acme = desk.client_of("harbor", "acme").await;
    let version = harbor.admin.client.get("/teams/finance").await.ok()["version"].as_i64();
    let serves = json!({ "serves": ["acme"] });
    let _ = harbor.admin.client.patch("/teams/finance", version.unwrap(), serves).await.ok();
    let component = desk.upload(&harbor.admin.client, "harbor", "approval-chain").await;
    let stages = json!([stage("budget", &json!([{ "team": "finance" }]))]);
    let locked = json!({
        "hooks": ["plan"], "name": "by-law", "position": 1, "component": component, "locked": true,
        "settings": asking(&stages),
    });
    let _ = harbor.admin.client.post("/bindings", locked).await.created();

    // A provider's people vote at its clients as agents or administrators.
    let path = format!("/people/{}", harbor.manager.id);
    let version = harbor.admin.client.get(&path).await.ok()["version"].as_i64();
    let agent = json!({ "role": "agent" });
    let _ = harbor.admin.client.patch(&path, version.unwrap(), agent).await.ok();
    // The client has a team `finance` too, and its administrator fills it at will.
    let request = acme.ask_for_laptop().await;

    let round = acme.agent.client.of(&request, "approvals").await.items().remove(0);
    let requests = round["stages"][0]["steps"][0]["requests"].as_array().unwrap();
    let voters: Vec<&Value> = requests.iter().map(|one| &one["voter"]["id"]).collect();
    assert_eq!(voters.len(), 2, "{voters:?}");
    for person in [&harbor.manager, &harbor.admin] {
        assert!(voters.contains(&&json!(person.id)), "the provider's finance is asked");
    }
    desk.ignore_mail();
}

async fn a_fallback_team_is_the_one_that_its_binding_named(desk: TestDesk) {
    let harbor = desk.provider("harbor").await;
    let acme = desk.client_of("harbor", "acme").await;
    let version = harbor.admin.client.get("/teams/finance").await.ok()["version"].as_i64();
    let serves = json!({ "serves": ["acme"], "name": "Finance of the harbor" });
    let _ = harbor.admin.client.patch("/teams/finance", version.unwrap(), serves).await.ok();
    let broken = Guest::new().before_answer("unreachable").build();
    let binding = json!({
        "hooks": ["route"], "name": "broken", "position": 1, "settings": {},
        "component": harbor.admin.client.upload(broken).await, "fallback_team": "finance",
    });
    let _ = harbor.admin.client.post("/bindings", binding).await.created();

    // The client has a team `finance` too.
    let incident = acme.report("No wifi").await;

    assert_eq!(incident["team"]["name"], "Finance of the harbor");
}
