//! Organizations are apart: what belongs to another is not there.

use axum::{body::Body, http::Method};
use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_test_support::{Client, Org, TestDesk, on_both_engines};

use crate::policies::teams_by_words;

on_both_engines! {
    no_read_shows_a_record_of_another_organization
    no_write_reaches_a_record_of_another_organization
    no_list_shows_a_record_of_another_organization
    what_a_ticket_names_is_looked_up_in_its_own_organization_only
    the_same_numbers_and_keys_are_free_in_every_organization
    a_token_reaches_its_organization_and_those_below
    a_token_expires
    a_revoked_token_opens_nothing
    a_token_is_never_above_its_holder
    a_stranger_learns_nothing
    the_secret_of_a_token_is_shown_once
    a_team_of_a_provider_works_for_its_client
    who_serves_no_more_is_a_former_member_of_a_former_team
}

/// Something of each kind, and where it is.
async fn one_of_each(org: &Org<'_>) -> Vec<(&'static str, String)> {
    let admin = &org.admin.client;
    let incident = org.report("No wifi").await;
    let request = org.ask_for_laptop().await;
    let binding = org.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;
    let routed = org.report("Still no wifi").await;
    let receipts = admin.of(&routed, "receipts").await.items();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    vec![
        ("incidents", text(&incident["id"])),
        ("tickets", text(&incident["id"])),
        ("requests", text(&request["id"])),
        ("people", org.requester.id.clone()),
        ("bindings", text(&binding["id"])),
        ("receipts", text(&receipts[0]["id"])),
        ("policies", text(&binding["active"]["component"])),
    ]
}

async fn no_read_shows_a_record_of_another_organization(desk: TestDesk) {
    let (acme, bolt) = (desk.organization("acme").await, desk.organization("bolt").await);

    for (collection, id) in one_of_each(&acme).await {
        let path = format!("/{collection}/{id}");
        assert_eq!(acme.admin.client.get(&path).await.status.as_u16(), 200, "{path}");
        let refused = bolt.admin.client.get(&path).await;
        assert_eq!((refused.status.as_u16(), refused.slug()), (404, "not-found"), "{path}");
        if ["incidents", "tickets", "requests"].contains(&collection) {
            let parts = [
                "events",
                "comments",
                "approvals",
                "suggestions",
                "explain",
                "receipts",
                "actions",
            ];
            for part in parts {
                let refused = bolt.admin.client.get(&format!("{path}/{part}")).await;
                assert_eq!(refused.slug(), "not-found", "{path}/{part}");
            }
        }
    }
    let other = bolt.admin.client.get("/organizations/acme").await;
    assert_eq!(other.slug(), "not-found");
}

async fn no_write_reaches_a_record_of_another_organization(desk: TestDesk) {
    let (acme, bolt) = (desk.organization("acme").await, desk.organization("bolt").await);
    let stranger = &bolt.admin.client;
    let own = one_of_each(&acme).await;
    let id = |kind: &str| own.iter().find(|(one, _)| *one == kind).unwrap().1.clone();
    let (incident, binding) = (id("incidents"), id("bindings"));

    let posts = [
        (format!("/tickets/{incident}/actions/start"), json!({})),
        (format!("/tickets/{incident}/actions/resolve"), json!({})),
        (
            format!("/tickets/{incident}/actions/accept_suggestion"),
            json!({ "suggestion": incident }),
        ),
        (format!("/tickets/{incident}/comments"), json!({ "text": "Hello" })),
        (format!("/bindings/{binding}/disable"), json!({})),
        (format!("/bindings/{binding}/revisions"), json!({ "note": "mine" })),
        (format!("/bindings/{binding}/roll-back"), json!({ "to": 1 })),
        (format!("/receipts/{}/re-execute", id("receipts")), json!({})),
        (format!("/approval-requests/{incident}/approve"), json!({})),
        (format!("/tokens/{incident}/revoke"), json!({})),
        (format!("/people/{}/sign-ins/end", id("people")), json!({})),
    ];
    for (path, body) in posts {
        assert_eq!(stranger.post(&path, body).await.slug(), "not-found", "{path}");
    }
    let patches = [
        (format!("/tickets/{incident}"), json!({ "urgency": 1 })),
        (format!("/people/{}", id("people")), json!({ "name": "Mine" })),
        ("/organizations/acme".to_owned(), json!({ "name": "Mine" })),
    ];
    for (path, body) in patches {
        assert_eq!(stranger.patch(&path, 1, body).await.slug(), "not-found", "{path}");
    }
    // Each organization has a team of this key; nobody can mean the other's.
    let version = stranger.get("/teams/network").await.ok()["version"].as_i64().unwrap();
    let _ =
        stranger.patch("/teams/network", version, json!({ "name": "Bolt's network" })).await.ok();
    assert_eq!(acme.admin.client.get("/teams/network").await.ok()["name"], "Network");
}

async fn no_list_shows_a_record_of_another_organization(desk: TestDesk) {
    let (acme, bolt) = (desk.organization("acme").await, desk.organization("bolt").await);
    let _ = one_of_each(&acme).await;

    for list in ["tickets", "incidents", "requests", "policies", "bindings", "receipts", "outbox"] {
        let items = bolt.admin.client.get(&format!("/{list}")).await.items();
        assert!(items.is_empty(), "{list}: {items:?}");
    }
    for list in ["people", "tokens", "teams", "services", "cis", "categories", "catalog-items"] {
        let answer = bolt.admin.client.get(&format!("/{list}?")).await;
        assert!(!answer.text.contains("acme"), "{list}: {}", answer.text);
    }
    let count = bolt.admin.client.get("/tickets?count=true").await.ok();
    assert_eq!(count["total"], 0);
    let organizations = bolt.admin.client.get("/organizations").await.items();
    assert_eq!(organizations.len(), 1);
}

async fn what_a_ticket_names_is_looked_up_in_its_own_organization_only(desk: TestDesk) {
    let (acme, bolt) = (desk.organization("acme").await, desk.organization("bolt").await);
    let service = json!({ "key": "only-at-bolt", "name": "Bolt's own", "support_team": "network" });
    let _ = bolt.admin.client.post("/services", service).await.created();

    let named = json!({
        "short_description": "Slow", "service": "only-at-bolt", "requester": bolt.requester.email,
    });
    let refused = acme.agent.client.post("/incidents", named).await;
    assert_eq!(refused.pointers(), ["/requester", "/service"]);

    let theirs = bolt.report("No wifi").await;
    let ours = acme.report("No wifi").await;
    let merged =
        acme.agent.client.act(&ours, "merge_into", json!({ "target": theirs["id"] })).await;
    assert_eq!(merged.pointers(), ["/target"]);
    let stranger = json!({ "assignee": bolt.agent.id });
    assert_eq!(acme.agent.client.act(&ours, "assign", stranger).await.pointers()[0], "/assignee");
}

async fn the_same_numbers_and_keys_are_free_in_every_organization(desk: TestDesk) {
    let (acme, bolt) = (desk.organization("acme").await, desk.organization("bolt").await);

    let (ours, theirs) = (acme.report("No wifi").await, bolt.report("No lan").await);

    assert_eq!(ours["number"], theirs["number"]);
    assert_eq!(acme.agent.client.again(&ours).await["short_description"], "No wifi");
    assert_eq!(bolt.agent.client.again(&theirs).await["short_description"], "No lan");
}

async fn a_token_reaches_its_organization_and_those_below(desk: TestDesk) {
    let harbor = desk.provider("harbor").await;
    let (acme, bolt) = (desk.client_of("harbor", "acme").await, desk.organization("bolt").await);
    let incident = acme.report("No wifi").await;
    let in_organization = |client: &Client, key: &str| client.in_organization(key);

    let seen = in_organization(&harbor.admin.client, "acme").again(&incident).await;
    assert_eq!(seen["id"], incident["id"]);
    // Without the header it acts at home, where there is no such ticket.
    let path = format!("/tickets/{}", incident["id"].as_str().unwrap());
    assert_eq!(harbor.admin.client.get(&path).await.slug(), "not-found");
    for (client, key) in [
        (&harbor.admin.client, "bolt"),
        (&acme.admin.client, "harbor"),
        (&bolt.admin.client, "acme"),
    ] {
        assert_eq!(in_organization(client, key).get("/tickets").await.slug(), "not-found", "{key}");
    }
}

async fn token(org: &Org<'_>, new: Value) -> (Client, Value) {
    let issued = org.admin.client.post("/tokens", new).await.created();
    (org.desk.client(issued["secret"].as_str().unwrap()), issued["token"].clone())
}

async fn a_token_expires(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let new = json!({ "name": "week", "role": "agent", "expires_at": "2026-06-08T09:00:00Z" });
    let (client, _) = token(&acme, new).await;
    let _ = client.get("/me").await.ok();
    desk.clock.advance(TimeDelta::days(7));

    assert_eq!(client.get("/me").await.slug(), "unauthenticated");
    let past = json!({ "name": "old", "role": "agent", "expires_at": "2026-06-07T09:00:00Z" });
    assert_eq!(acme.admin.client.post("/tokens", past).await.pointers(), ["/expires_at"]);
}

async fn a_revoked_token_opens_nothing(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let (client, issued) = token(&acme, json!({ "name": "script", "role": "agent" })).await;
    let _ = client.get("/tickets").await.ok();

    let path = format!("/tokens/{}/revoke", issued["id"].as_str().unwrap());
    let revoked = acme.admin.client.post(&path, json!({})).await;

    assert_eq!(revoked.status.as_u16(), 204, "{}", revoked.text);
    let refused = client.get("/tickets").await;
    assert_eq!(refused.slug(), "unauthenticated");
    assert!(refused.header("www-authenticate").unwrap().starts_with("Bearer"));
}

async fn a_token_is_never_above_its_holder(desk: TestDesk) {
    let acme = desk.organization("acme").await;

    let above = json!({ "name": "up", "role": "admin", "person": acme.agent.id });
    assert_eq!(acme.admin.client.post("/tokens", above).await.pointers(), ["/role"]);
    let nobody = json!({ "name": "who", "role": "requester" });
    assert_eq!(acme.admin.client.post("/tokens", nobody).await.pointers(), ["/person"]);
    let by_agent = json!({ "name": "mine", "role": "agent" });
    assert_eq!(acme.agent.client.post("/tokens", by_agent).await.slug(), "forbidden");
}

async fn a_stranger_learns_nothing(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let incident = acme.report("No wifi").await;
    let path = format!("/tickets/{}", incident["id"].as_str().unwrap());

    for secret in ["", "wp_guess", "x"] {
        let stranger = desk.client(secret);
        for path in [path.as_str(), "/tickets/nothing", "/organizations/acme", "/nowhere/at/all"] {
            let answer = stranger.get(path).await;
            assert!([401, 404].contains(&answer.status.as_u16()), "{path}: {}", answer.text);
            assert!(!answer.text.contains("No wifi"));
        }
        let body = Body::from(r#"{"short_description":"x"}"#);
        let json = [("content-type", "application/json")];
        let refused = stranger.send(Method::POST, "/incidents", &json, body).await;
        assert_eq!(refused.slug(), "unauthenticated");
    }
}

async fn the_secret_of_a_token_is_shown_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let new = json!({ "name": "script", "role": "agent" });
    let key = [("idempotency-key", "\"once\"")];

    let first = acme.admin.client.post_with("/tokens", &key, new.clone()).await;
    let again = acme.admin.client.post_with("/tokens", &key, new).await;

    let secret = first.json["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("wp_"));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.created()["secret"], Value::Null);
    let listed = acme.admin.client.get("/tokens").await;
    assert!(!listed.text.contains(&secret));
}

async fn a_team_of_a_provider_works_for_its_client(desk: TestDesk) {
    let harbor = desk.provider("harbor").await;
    let acme = desk.client_of("harbor", "acme").await;
    let team = json!({
        "key": "harbor-network", "name": "Harbor network", "members": [harbor.agent.id], "serves": ["acme"],
    });
    let _ = harbor.admin.client.post("/teams", team).await.created();
    acme.bind("route", "team-router", teams_by_words(&[("wifi", "harbor-network")])).await;

    let incident = acme.report("No wifi").await;
    assert_eq!(incident["team"]["key"], "harbor-network");
    let member = json!({ "team": "harbor-network", "assignee": harbor.agent.id });
    let assigned = acme.agent.client.act(&incident, "assign", member).await.ok();

    assert_eq!(assigned["assignee"]["id"], harbor.agent.id);
    let at_acme = harbor.agent.client.in_organization("acme");
    let started = at_acme.act(&incident, "start", json!({})).await.ok();
    assert_eq!(started["state"], "in_progress");
    // A team of the provider that does not serve the client is not there for it.
    let stranger = json!({ "team": "finance-of-harbor" });
    assert_eq!(acme.agent.client.act(&incident, "assign", stranger).await.pointers(), ["/team"]);
}

async fn who_serves_no_more_is_a_former_member_of_a_former_team(desk: TestDesk) {
    let harbor = desk.provider("harbor").await;
    let acme = desk.client_of("harbor", "acme").await;
    let team = json!({
        "key": "harbor-network", "name": "Harbor network", "members": [harbor.agent.id], "serves": ["acme"],
    });
    let team = harbor.admin.client.post("/teams", team).await.created();
    let at_acme = harbor.agent.client.in_organization("acme");
    let agent = &acme.agent.client;
    let incident = acme.report("No wifi").await;
    let member = json!({ "team": "harbor-network", "assignee": harbor.agent.id });
    let incident = agent.act(&incident, "assign", member).await.ok();
    let _ = at_acme.act(&incident, "start", json!({})).await.ok();
    let _ = at_acme.comment(&incident, "public", "On my way").await.created();
    let name = agent.again(&incident).await["assignee"]["name"].clone();
    let path = "/teams/harbor-network";
    let version = team["version"].as_i64().unwrap();
    let _ = harbor.admin.client.patch(path, version, json!({ "serves": [] })).await.ok();

    // Whoever reads it is told no name that is not theirs to know, and no id in the place of one.
    for client in [agent, &acme.requester.client, &acme.admin.client] {
        let shown = client.again(&incident).await;
        let (assignee, team) = (&shown["assignee"], &shown["team"]);
        assert_eq!(
            (&assignee["name"], &team["name"]),
            (&json!("a former member"), &json!("a former team"))
        );
        let comments = client.of(&incident, "comments").await;
        let events = client.of(&incident, "events").await;
        for told in [&comments.text, &events.text] {
            assert!(!told.contains(name.as_str().unwrap()), "{told}");
        }
        assert_eq!(comments.items()[0]["author"]["name"], "a former member");
        let explained = client.of(&incident, "explain").await.text;
        assert!(!explained.contains(name.as_str().unwrap()), "{explained}");
    }
    // They are there again with their names when they serve again.
    let version = harbor.admin.client.get(path).await.ok()["version"].as_i64().unwrap();
    let _ = harbor.admin.client.patch(path, version, json!({ "serves": ["acme"] })).await.ok();
    let shown = agent.again(&incident).await;
    assert_eq!(
        (&shown["assignee"]["name"], &shown["team"]["name"]),
        (&name, &json!("Harbor network"))
    );
    desk.ignore_mail();
}
