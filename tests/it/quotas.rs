//! How much an organization may keep of policies, and removing what it does not need.

use axum::http::StatusCode;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use waypost_test_support::{Answer, Client, Guest, Org, TestDesk, on_both_engines};

use crate::bindings::upload;

on_both_engines! {
    an_organization_keeps_so_many_policies_and_makes_room_by_removing
    an_organization_keeps_so_many_bytes_of_policies
    an_organization_keeps_so_many_bytes_of_revisions
    a_policy_is_removed_when_no_binding_uses_it_or_its_past_is_given_up
    what_a_provider_removes_goes_on_deciding_where_it_is_bound
    only_an_administrator_removes_and_only_what_is_there
}

fn guest(number: usize) -> Guest {
    Guest::new().named(&format!("guest-{number}"))
}

async fn remove(client: &Client, digest: &str, removal: Value) -> Answer {
    client.post(&format!("/policies/{digest}/remove"), removal).await
}

fn message(refused: &Answer) -> &str {
    refused.json["errors"][0]["message"].as_str().unwrap()
}

async fn an_organization_keeps_so_many_policies_and_makes_room_by_removing(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let admin = &acme.admin.client;
    let mut kept = Vec::new();
    for number in 1..=20 {
        kept.push(admin.upload(guest(number).build()).await);
    }

    let refused = upload(admin, guest(21).build()).await;

    assert_eq!(refused.faults(), [("/component", "quota-exceeded")], "{}", refused.text);
    let told = message(&refused);
    assert!(told.contains("would have 21 policies of its own; the limit is 20"), "{told}");
    // What it has already is not one more.
    assert_eq!(admin.upload(guest(7).build()).await, kept[6]);
    assert_eq!(remove(admin, &kept[3], json!({})).await.status, StatusCode::NO_CONTENT);
    let _ = admin.upload(guest(21).build()).await;
    assert_eq!(admin.get("/policies?limit=100").await.items().len(), 20);
    // Nobody else has less for it.
    let globex = desk.organization("globex").await;
    let _ = globex.admin.client.upload(guest(4).build()).await;
}

/// The component, made larger by what nobody reads.
fn padded(mut component: Vec<u8>, bytes: u32) -> Vec<u8> {
    let name = b"\x07padding";
    let length = bytes + u32::try_from(name.len()).unwrap();
    component.push(0);
    // The length in LEB128, in five bytes.
    for shift in [0, 7, 14, 21] {
        component.push(u8::try_from((length >> shift) & 0x7f).unwrap() | 0x80);
    }
    component.push(u8::try_from(length >> 28).unwrap());
    component.extend(name);
    component.resize(component.len() + usize::try_from(bytes).unwrap(), 0);
    component
}

async fn an_organization_keeps_so_many_bytes_of_policies(desk: TestDesk) {
    const MIB: u32 = 1024 * 1024;
    let acme = desk.organization("acme").await;
    let admin = &acme.admin.client;
    let first = admin.upload(padded(guest(1).build(), 3 * MIB)).await;
    let _ = admin.upload(padded(guest(2).build(), 3 * MIB)).await;

    let refused = upload(admin, padded(guest(3).build(), 3 * MIB)).await;

    assert_eq!(refused.faults(), [("/component", "quota-exceeded")], "{}", refused.text);
    let message = message(&refused);
    assert!(message.contains("would have 10 MiB; the limit is 8 MiB"), "{message}");
    let _ = remove(admin, &first, json!({})).await.with(StatusCode::NO_CONTENT);
    let _ = admin.upload(padded(guest(3).build(), 3 * MIB)).await;
}

async fn an_organization_keeps_so_many_bytes_of_revisions(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let admin = &acme.admin.client;
    let component = admin.upload(guest(1).build()).await;
    let data = |of: u8| json!([{ "name": "words", "content": STANDARD.encode(vec![of; 700_000]) }]);
    let binding = json!({
        "name": "words", "position": 10, "component": component, "data": data(1),
    });
    let binding = admin.post("/bindings", binding).await.created();
    let path = format!("/bindings/{}/revisions", binding["id"].as_str().unwrap());
    // The same file is kept once, however often it is in force.
    for _ in 0..3 {
        let _ = admin.post(&path, json!({ "note": "nothing new" })).await.created();
    }
    let _ = admin.post(&path, json!({ "data": data(2) })).await.created();

    let refused = admin.post(&path, json!({ "data": data(3) })).await;

    assert_eq!(refused.faults(), [("/settings", "quota-exceeded")], "{}", refused.text);
    assert!(message(&refused).contains("`policy_revisions_per_org_mib`"), "{}", refused.text);
    let now = admin.get(&format!("/bindings/{}", binding["id"].as_str().unwrap())).await.ok();
    assert_eq!(now["active"]["number"], 5, "nothing changed");
}

/// A binding whose second revision has another policy than its first.
async fn revised(org: &Org<'_>) -> (Value, [String; 2]) {
    let admin = &org.admin.client;
    let first = admin.upload(guest(1).reason(b"first").build()).await;
    let second = admin.upload(guest(2).reason(b"second").build()).await;
    let binding = org.bind_component("bound", 10, "route", &first, json!({})).await;
    let _ = org.report("Decided by the first").await;
    let path = format!("/bindings/{}/revisions", binding["id"].as_str().unwrap());
    let _ = admin.post(&path, json!({ "component": second })).await.created();
    (binding, [first, second])
}

async fn uses(client: &Client) -> Vec<(String, String, bool)> {
    let listed = client.get("/policies").await.items().into_iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    listed
        .map(|one| (text(&one["name"]), text(&one["used"]), one["inherited"].as_bool().unwrap()))
        .collect()
}

async fn a_policy_is_removed_when_no_binding_uses_it_or_its_past_is_given_up(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let admin = &acme.admin.client;
    let (binding, [first, second]) = revised(&acme).await;
    let unused = admin.upload(guest(3).build()).await;
    let used = |name: &str, used: &str| (name.to_owned(), used.to_owned(), false);
    assert_eq!(
        uses(admin).await,
        [used("guest-1", "superseded"), used("guest-2", "active"), used("guest-3", "unused")]
    );

    let active = remove(admin, &second, json!({ "superseded": true })).await;
    assert_eq!((active.status, active.slug()), (StatusCode::CONFLICT, "guard-failed"));
    assert!(active.text.contains("The active revision of `bound`"), "{}", active.text);
    let past = remove(admin, &first, json!({})).await;
    assert_eq!((past.status, past.slug()), (StatusCode::CONFLICT, "guard-failed"));
    assert!(past.text.contains("Earlier revisions of `bound`"), "{}", past.text);
    assert_eq!(remove(admin, &unused, json!({})).await.status, StatusCode::NO_CONTENT);
    let given_up = remove(admin, &first, json!({ "superseded": true })).await;
    assert_eq!(given_up.status, StatusCode::NO_CONTENT, "{}", given_up.text);
    assert_eq!(uses(admin).await, [used("guest-2", "active")]);

    // It cannot be taken back, and says so; what it decided is still told by its name.
    let id = binding["id"].as_str().unwrap();
    let back = admin.post(&format!("/bindings/{id}/roll-back"), json!({ "to": 1 })).await;
    assert_eq!(back.faults(), [("/to", "removed")], "{}", back.text);
    let history = admin.get(&format!("/bindings/{id}")).await.ok();
    let last = history["switches"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["what"], &last["revision"]), (&json!("policy_removed"), &json!(1)));
    assert_eq!(history["revisions"][0]["policy"]["name"], "guest-1", "{history}");
    let receipt = admin.get("/receipts").await.items().remove(0);
    assert_eq!(receipt["policy"]["name"], "guest-1", "{receipt}");
    // The bytes go with the next sweep.
    let swept = desk.sweep_housekeeping().await;
    assert_eq!(swept.policies, 2);

    let _ = admin.upload(guest(1).reason(b"first").build()).await;
    let back = admin.post(&format!("/bindings/{id}/roll-back"), json!({ "to": 1 })).await.ok();
    assert_eq!(back["active"]["number"], 1);
    let again = format!("/receipts/{}/re-execute", receipt["id"].as_str().unwrap());
    assert_eq!(admin.post(&again, json!({})).await.ok()["verdict"], "same");
}

async fn what_a_provider_removes_goes_on_deciding_where_it_is_bound(desk: TestDesk) {
    let harbor = desk.provider("harbor").await;
    let acme = desk.client_of("harbor", "acme").await;
    let globex = desk.client_of("harbor", "globex").await;
    let component = harbor.admin.client.upload(guest(1).build()).await;
    let inherited = ("guest-1".to_owned(), "unused".to_owned(), true);
    assert_eq!(uses(&acme.admin.client).await, [inherited]);
    let refused = remove(&acme.admin.client, &component, json!({})).await;
    assert_eq!((refused.status, refused.slug()), (StatusCode::CONFLICT, "guard-failed"));
    assert!(refused.text.contains("an organization above"), "{}", refused.text);
    let binding = acme.bind_component("bound", 10, "route", &component, json!({})).await;

    let removed = remove(&harbor.admin.client, &component, json!({})).await;

    assert_eq!(removed.status, StatusCode::NO_CONTENT, "{}", removed.text);
    let own = ("guest-1".to_owned(), "active".to_owned(), false);
    assert_eq!(uses(&acme.admin.client).await, [own]);
    assert_eq!(desk.sweep_housekeeping().await.policies, 0);
    let _ = acme.report("No wifi").await;
    assert_eq!(acme.agent.client.get("/receipts").await.items()[0]["outcome"]["kind"], "applied");
    let id = binding["id"].as_str().unwrap();
    let path = format!("/bindings/{id}/revisions");
    let _ = acme.admin.client.post(&path, json!({ "note": "goes on" })).await.created();
    // Rolling back to what is inherited makes it one's own, too.
    let other = guest(2).build();
    let second = harbor.admin.client.upload(other).await;
    let bound = globex.bind_component("bound", 10, "route", &second, json!({})).await;
    let at = format!("/bindings/{}", bound["id"].as_str().unwrap());
    let third = globex.admin.client.upload(guest(3).build()).await;
    let change = json!({ "component": third });
    let _ = globex.admin.client.post(&format!("{at}/revisions"), change).await.created();
    let removed = remove(&globex.admin.client, &second, json!({ "superseded": true })).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT, "{}", removed.text);
    let back = json!({ "to": 1 });
    let _ = globex.admin.client.post(&format!("{at}/roll-back"), back).await.ok();
    let _ = remove(&harbor.admin.client, &second, json!({})).await.with(StatusCode::NO_CONTENT);
    assert_eq!(desk.sweep_housekeeping().await.policies, 0);
    let gone = globex.admin.client.get(&format!("/policies/{component}")).await;
    assert_eq!(gone.slug(), "not-found");
}

async fn only_an_administrator_removes_and_only_what_is_there(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let globex = desk.organization("globex").await;
    let component = acme.admin.client.upload(guest(1).build()).await;
    for client in [&acme.agent.client, &acme.requester.client] {
        assert_eq!(remove(client, &component, json!({})).await.slug(), "forbidden");
    }
    let admin = &globex.admin.client;
    assert_eq!(remove(admin, &component, json!({})).await.slug(), "not-found");
    assert_eq!(remove(admin, "sha256:00", json!({})).await.slug(), "not-found");
    let misspelt = remove(&acme.admin.client, &component, json!({ "supersede": true })).await;
    assert_eq!(misspelt.pointers(), ["/supersede"], "{}", misspelt.text);
    assert_eq!(uses(&acme.admin.client).await.len(), 1);
}
