//! Long lists, page by page.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_test_support::{Client, Org, TestDesk, on_both_engines};

on_both_engines! {
    rows_that_come_in_between_pages_skip_and_repeat_nothing
    every_order_shows_every_ticket_once
    a_cursor_continues_its_own_list_only
    a_page_says_where_the_next_one_is
    a_limit_and_a_filter_that_make_no_sense_are_named
    a_total_counts_what_the_caller_may_see
    every_list_has_pages
}

async fn reports(org: &Org<'_>, range: std::ops::Range<u8>) {
    for number in range {
        let ticket = json!({
            "short_description": format!("Number {number}"), "impact": number % 3 + 1, "urgency": 2,
        });
        let _ = org.try_report(ticket).await.created();
        org.desk.clock.advance(TimeDelta::seconds(i64::from(number % 2)));
    }
}

/// All pages of a list, with something done after the first one.
async fn read(client: &Client, list: &str, between: impl AsyncFnOnce()) -> Vec<Value> {
    let mut between = Some(between);
    let mut rows = Vec::new();
    let mut after = String::new();
    loop {
        let join = if list.contains('?') { '&' } else { '?' };
        let mut page = client.get(&format!("{list}{join}limit=4{after}")).await.ok();
        let Value::Array(items) = page["items"].take() else { panic!("{page}") };
        assert!(items.len() <= 4);
        rows.extend(items);
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return rows,
        }
        if let Some(between) = between.take() {
            between().await;
        }
    }
}

fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

async fn rows_that_come_in_between_pages_skip_and_repeat_nothing(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    reports(&acme, 0..11).await;
    let agent = &acme.agent.client;
    let before: BTreeSet<_> =
        ids(&agent.get("/tickets?limit=200").await.items()).into_iter().collect();

    for list in ["/tickets", "/tickets?order=queue"] {
        let rows = read(agent, list, async || reports(&acme, 20..23).await).await;
        let seen = ids(&rows);
        let once: BTreeSet<_> = seen.iter().cloned().collect();
        assert_eq!(seen.len(), once.len(), "{list}: repeated");
        assert!(before.is_subset(&once), "{list}: skipped");
    }
}

async fn every_order_shows_every_ticket_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    reports(&acme, 0..10).await;
    let agent = &acme.agent.client;
    // The oldest ticket is changed last, so that the two orders by time differ.
    let oldest = agent.get("/tickets?limit=200").await.items().pop().unwrap();
    desk.clock.advance(TimeDelta::seconds(1));
    let _ = agent.act(&oldest, "acknowledge", json!({})).await.ok();

    for order in ["opened", "updated", "queue"] {
        let rows = read(agent, &format!("/tickets?order={order}"), async || ()).await;
        assert_eq!(ids(&rows).into_iter().collect::<BTreeSet<_>>().len(), 10, "{order}");
        if order == "queue" {
            let priorities: Vec<_> =
                rows.iter().map(|row| row["priority"]["value"].as_u64()).collect();
            assert!(priorities.is_sorted(), "{priorities:?}");
        } else {
            let field = format!("{order}_at");
            let times: Vec<_> = rows.iter().map(|row| row[&field].as_str().unwrap()).collect();
            assert!(times.iter().rev().is_sorted(), "{order}: {times:?}");
            let first = if order == "updated" { &rows[0] } else { &rows[9] };
            assert_eq!(first["id"], oldest["id"], "{order}");
        }
    }
}

async fn a_cursor_continues_its_own_list_only(desk: TestDesk) {
    let (acme, bolt) = (desk.organization("acme").await, desk.organization("bolt").await);
    reports(&acme, 0..3).await;
    let agent = &acme.agent.client;
    let next = agent.get("/tickets?limit=2").await.ok()["next"].as_str().unwrap().to_owned();

    for (client, list) in [
        (agent, "/tickets?order=queue&limit=2"),
        (agent, "/tickets?state=new&limit=2"),
        (agent, "/people?limit=2"),
        (&bolt.agent.client, "/tickets?limit=2"),
    ] {
        let refused = client.get(&format!("{list}&after={next}")).await;
        assert_eq!((refused.status.as_u16(), refused.slug()), (400, "cursor-invalid"), "{list}");
    }
    assert_eq!(agent.get("/tickets?after=made-up").await.slug(), "cursor-invalid");
    assert_eq!(agent.get(&format!("/tickets?limit=2&after={next}")).await.items().len(), 1);
}

async fn a_page_says_where_the_next_one_is(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    reports(&acme, 0..3).await;
    let agent = &acme.agent.client;

    let first = agent.get("/tickets?limit=2&state=new").await;

    let link = first.header("link").unwrap().to_owned();
    let next = link.split(',').find(|one| one.contains("rel=\"next\"")).unwrap();
    let path = next.trim().trim_start_matches('<').split('>').next().unwrap();
    let rest = agent.get_at(path).await;
    assert_eq!(rest.header("link").filter(|link| link.contains("rel=\"next\"")), None);
    assert_eq!(rest.items().len(), 1);
}

async fn a_limit_and_a_filter_that_make_no_sense_are_named(desk: TestDesk) {
    let acme = desk.organization("acme").await;

    for (query, parameter) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("order=random", "order"),
        ("state=odd", "state"),
        ("colour=red", "colour"),
        ("opened_from=yesterday", "opened_from"),
        ("assigned=perhaps", "assigned"),
    ] {
        let refused = acme.agent.client.get(&format!("/tickets?{query}")).await;
        assert_eq!(refused.status.as_u16(), 422, "{query}: {}", refused.text);
        let named = refused.json["errors"][0]["parameter"].as_str().unwrap_or_default();
        assert!(named.starts_with(parameter), "{query}: {}", refused.text);
    }
}

async fn a_total_counts_what_the_caller_may_see(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    reports(&acme, 0..3).await;
    let own = json!({ "short_description": "Mine", "requester": acme.manager.id });
    let _ = acme.agent.client.post("/incidents", own).await.created();
    let total = async |client: &Client| {
        client.get("/tickets?count=true&limit=1").await.ok()["total"].take()
    };

    assert_eq!(total(&acme.agent.client).await, 4);
    assert_eq!(total(&acme.requester.client).await, 3);
    assert_eq!(total(&acme.manager.client).await, 1);
    let counted = acme.agent.client.get("/tickets?count=true").await.ok();
    assert_eq!(counted["total_is_minimum"], false);
    let uncounted = acme.agent.client.get("/tickets").await.ok();
    assert_eq!((uncounted.get("total"), uncounted.get("total_is_minimum")), (None, None));
}

async fn every_list_has_pages(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    for number in 0..7 {
        let team = json!({ "key": format!("team-{number}"), "name": "A team" });
        let _ = acme.admin.client.post("/teams", team).await.created();
        let category = json!({ "path": format!("category-{number}"), "name": "A category" });
        let _ = acme.admin.client.post("/categories", category).await.created();
    }
    let admin = &acme.admin.client;

    for (list, count) in [("/teams", 10), ("/people", 5), ("/categories", 11)] {
        let rows = read(admin, list, async || ()).await;
        let once: BTreeSet<String> = rows.iter().map(ToString::to_string).collect();
        assert_eq!((rows.len(), once.len()), (count, count), "{list}");
    }
}
