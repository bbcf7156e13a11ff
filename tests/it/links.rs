//! Links between tickets: told once, seen from both ends.

use serde_json::{Value, json};
use waypost_test_support::{Client, TestDesk, on_both_engines};

on_both_engines! {
    a_link_is_told_once_and_seen_from_both_ends
    both_tickets_tell_a_link_in_their_history
    what_cannot_be_linked_is_refused_by_name
    links_are_the_desks
    links_stay_within_an_organization
}

pub(crate) fn to(link_type: &str, target: &Value) -> Value {
    json!({ "link_type": link_type, "target": target["number"] })
}

/// What a ticket has to do with which others, as its list says.
pub(crate) async fn links(client: &Client, ticket: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let listed = client.of(ticket, "links").await;
    let one = |link: &Value| (text(&link["link_type"]), text(&link["target"]["number"]));
    listed.items().iter().map(one).collect()
}

fn number(ticket: &Value) -> String {
    ticket["number"].as_str().unwrap().to_owned()
}

async fn a_link_is_told_once_and_seen_from_both_ends(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let (cause, effect) = (acme.report("A switch died").await, acme.report("No mail").await);
    let linked = agent.act(&effect, "link", to("caused_by", &cause)).await.ok();
    assert_eq!((number(&linked), linked["state"].clone()), (number(&effect), json!("new")));
    assert_eq!(links(agent, &effect).await, [("caused_by".to_owned(), number(&cause))]);
    assert_eq!(links(agent, &cause).await, [("causes".to_owned(), number(&effect))]);

    let again = agent.act(&cause, "link", to("causes", &effect)).await;
    assert_eq!(again.faults(), [("/target", "repeated")]);
    let contrary = agent.act(&cause, "link", to("caused_by", &effect)).await;
    assert_eq!(contrary.faults(), [("/link_type", "contradiction")]);

    let _ = agent.act(&cause, "unlink", to("causes", &effect)).await.ok();
    assert_eq!(links(agent, &effect).await, []);
    let gone = agent.act(&effect, "unlink", to("caused_by", &cause)).await;
    assert_eq!(gone.faults(), [("/target", "unknown")]);
}

async fn both_tickets_tell_a_link_in_their_history(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let (one, other) = (acme.report("A switch died").await, acme.report("No mail").await);
    let _ = agent.act(&one, "link", to("blocks", &other)).await.ok();
    for (ticket, told) in [(&one, "blocks"), (&other, "blocked_by")] {
        let events = agent.of(ticket, "events").await;
        let last = events.items().last().unwrap().clone();
        let at_the_other_end = if told == "blocks" { &other } else { &one };
        assert_eq!(last["action"], "link");
        assert_eq!(last["changes"][0]["after"], format!("{told} {}", number(at_the_other_end)));
        // Its caller does not learn of other people's tickets.
        let seen = acme.requester.client.of(ticket, "events").await;
        assert!(seen.items().iter().all(|event| event["action"] != "link"));
    }
}

async fn what_cannot_be_linked_is_refused_by_name(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let one = acme.report("A switch died").await;
    let refused = |body: Value| agent.act(&one, "link", body);
    let missing = [("/link_type", "missing"), ("/target", "missing")];
    assert_eq!(refused(json!({})).await.faults(), missing);
    let itself = refused(to("related_to", &one)).await;
    assert_eq!(itself.faults(), [("/target", "itself")]);
    let nowhere = refused(json!({ "link_type": "blocks", "target": "INC9999999" })).await;
    assert_eq!(nowhere.faults(), [("/target", "unknown")]);
    let odd = refused(json!({ "link_type": "likes", "target": "INC9999999" })).await;
    assert!(odd.text.contains("use one of: related_to, blocks"), "{}", odd.text);
}

async fn links_are_the_desks(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let (one, other) = (acme.report("A switch died").await, acme.report("No mail").await);
    let requester = &acme.requester.client;
    assert_eq!(requester.act(&one, "link", to("blocks", &other)).await.slug(), "forbidden");
    assert_eq!(requester.of(&one, "links").await.slug(), "forbidden");
}

async fn links_stay_within_an_organization(desk: TestDesk) {
    let (acme, umbrella) = (desk.organization("acme").await, desk.organization("umbrella").await);
    let ours = acme.report("A switch died").await;
    let theirs = umbrella.report("A switch died").await;
    let target = json!({ "link_type": "related_to", "target": theirs["id"] });
    let refused = acme.agent.client.act(&ours, "link", target).await;
    assert_eq!(refused.faults(), [("/target", "unknown")]);
}
