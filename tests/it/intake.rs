//! A ticket arrives.

use serde_json::json;
use waypost_test_support::{TestDesk, on_both_engines};

on_both_engines! {
    q7_an_organization_without_policies_works
    w4_a_ticket_is_routed_in_the_transaction_that_creates_it
}

async fn q7_an_organization_without_policies_works(desk: TestDesk) {
    let acme = desk.organization("acme").await;

    let incident = acme.report("The printer is on fire").await;

    assert_eq!(incident["team"]["key"], "service-desk");
    assert_eq!(incident["priority"]["value"], 5);
    assert_eq!(incident["state"], "new");
}

async fn w4_a_ticket_is_routed_in_the_transaction_that_creates_it(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let settings = json!({
        "rules": [{ "name": "network", "when": { "words": { "any": ["wifi"] } }, "to": { "team": "network" } }],
    });
    acme.bind("route", "team-router", settings).await;

    let incident = acme.report("No wifi on the third floor").await;

    assert_eq!(incident["team"]["key"], "network");
}
