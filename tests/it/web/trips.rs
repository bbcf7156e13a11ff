//! How often pages ask the database: no more often for a long list than for a short one.

use serde_json::{Value, json};
use waypost_store::StoreStats;
use waypost_test_support::{TestDesk, Visitor, on_both_engines};

use crate::{
    links::to,
    policies::{asking, stage},
};

on_both_engines! {
    what_a_page_tells_of_a_ticket_is_of_one_moment
    the_tabs_of_a_queue_are_counted_in_one_transaction
    all_that_a_ticket_is_linked_to_is_read_at_once
    all_that_waits_for_a_vote_is_read_at_once
    the_questions_of_a_basket_are_read_at_once
}

/// What a page costs that was looked at before.
async fn cost(desk: &TestDesk, visitor: &mut Visitor, page: &str) -> StoreStats {
    visitor.visit(page).await;
    let before = desk.store.stats();
    visitor.visit(page).await;
    assert!(visitor.status().is_success(), "{page}");
    desk.store.stats().since(before)
}

/// Whether a page asks no more often for what is longer by `more` rows. On PostgreSQL, the end of a
/// transaction may be counted with what comes after it.
fn is_read_at_once(short: StoreStats, long: StoreStats, more: u64) {
    assert_eq!(long.transactions, short.transactions);
    assert!(long.trips < short.trips + more, "{long:?}, and with {more} fewer {short:?}");
}

async fn what_a_page_tells_of_a_ticket_is_of_one_moment(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let ticket = acme.report("No mail").await;
    let number = ticket["number"].as_str().unwrap();
    let other = acme.report("The server is dead").await;
    let _ = acme.agent.client.act(&ticket, "link", to("caused_by", &other)).await.ok();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    let mut requester = desk.signed_in(&acme.requester.email).await;
    let costs = [
        cost(&desk, &mut agent, &format!("/o/acme/desk/tickets/{number}")).await,
        cost(&desk, &mut requester, &format!("/o/acme/my/{number}")).await,
    ];
    // The other one finds out who asks.
    assert_eq!(costs.map(|cost| cost.transactions), [2, 2], "{costs:?}");
}

async fn the_tabs_of_a_queue_are_counted_in_one_transaction(desk: TestDesk) {
    const VIEWS: u64 = 20;
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    for place in 0..3 {
        let _ = acme.report(&format!("Printer {place} is dead")).await;
    }
    let mut agent = desk.signed_in(&acme.agent.email).await;
    let page = "/o/acme/desk/queue/all";
    let few = cost(&desk, &mut agent, page).await;
    for place in 0..VIEWS {
        let name = format!("View {place}");
        let view = json!({ "name": name, "query": format!("all?text=printer%20{place}") });
        let _ = acme.agent.client.post("/saved-views", view).await.created();
    }
    let many = cost(&desk, &mut agent, page).await;
    assert_eq!(many.transactions, few.transactions);
    assert!(many.trips <= few.trips + VIEWS, "{many:?}, and without saved views {few:?}");
    // They are the numbers of what is listed.
    for (place, count) in [(2, 1), (3, 0)] {
        let label = format!("View {place} {count}");
        assert!(agent.links().contains(&label), "{:?}", agent.links());
        agent.click(&label).await;
        assert_eq!(agent.html().matches("<th scope=\"row\">").count(), count);
    }
}

async fn all_that_a_ticket_is_linked_to_is_read_at_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let ticket = acme.report("No mail").await;
    let page = format!("/o/acme/desk/tickets/{}", ticket["number"].as_str().unwrap());
    let mut agent = desk.signed_in(&acme.agent.email).await;
    let mut costs = Vec::new();
    for links in 1..=4 {
        let other = acme.report(&format!("Switch {links} died")).await;
        let _ = acme.agent.client.act(&ticket, "link", to("caused_by", &other)).await.ok();
        costs.push(cost(&desk, &mut agent, &page).await);
        assert!(agent.text().contains(&format!("Switch {links} died")), "{}", agent.text());
    }
    is_read_at_once(costs[0], costs[3], 3);
}

async fn all_that_waits_for_a_vote_is_read_at_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let chain = asking(&json!([stage("manager", &json!(["manager"]))]));
    let _ = acme.bind("plan", "approval-chain", chain).await;
    let mut manager = desk.signed_in(&acme.manager.email).await;
    let mut costs = Vec::new();
    for _ in 0..3 {
        let request: Value = acme.ask_for_laptop().await;
        costs.push(cost(&desk, &mut manager, "/o/acme/approvals").await);
        assert!(manager.text().contains(request["number"].as_str().unwrap()), "{}", manager.text());
    }
    is_read_at_once(costs[0], costs[2], 2);
}

async fn the_questions_of_a_basket_are_read_at_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut requester = desk.signed_in(&acme.requester.email).await;
    let mut costs = Vec::new();
    for drafts in 1..=3 {
        requester.visit("/o/acme/catalog/laptop").await.fill("light", "").fill("Quantity", "1");
        requester.press("Put into the basket").await;
        costs.push(cost(&desk, &mut requester, "/o/acme/basket").await.transactions);
        assert_eq!(requester.text().matches("Which model?").count(), drafts);
    }
    assert_eq!(costs[0], costs[2]);
}
