//! Hints: a page that is looked at hears that something has changed, and looks for itself.

use axum::http::StatusCode;
use serde_json::Value;
use waypost_test_support::{Listening, TestDesk, on_both_engines};

on_both_engines! {
    whoever_looks_at_a_ticket_hears_that_somebody_has_changed_it
    whoever_looks_at_a_queue_hears_that_it_has_changed
    the_requester_hears_of_an_answer_and_of_nothing_internal
    nobody_hears_of_what_they_may_not_see
    a_sign_in_waits_in_four_windows
    nobody_waits_when_the_server_stops
    what_changed_before_the_line_was_open_is_told_at_once
    what_was_kept_after_a_queue_was_shown_is_told_however_early_it_began
    a_page_that_is_left_open_does_not_keep_anybody_signed_in
    the_second_page_of_a_list_is_compared_with_itself
}

fn number(ticket: &Value) -> &str {
    ticket["number"].as_str().unwrap()
}

async fn hint(line: &mut Listening) {
    for _ in 0..5 {
        let next = line.next().await.expect("the line is open");
        assert!(!next.contains("INC"), "{next}");
        // Between hints there are signs of life.
        if next.contains("event: hint") {
            return;
        }
    }
    panic!("no hint comes");
}

/// Waits for the hint on one line, before which none may come on the other.
async fn not_before(silent: &mut Listening, other: &mut Listening) {
    let heard = async { while !silent.next().await.unwrap().contains("event: hint") {} };
    tokio::select! {
        biased;
        () = heard => panic!("somebody hears of what they may not read"),
        () = hint(other) => {}
    }
}

async fn whoever_looks_at_a_ticket_hears_that_somebody_has_changed_it(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("Mail does not open").await;
    let page = format!("/o/acme/desk/tickets/{}", number(&incident));
    let mut agent = desk.signed_in(&acme.agent.email).await;
    let mut admin = desk.signed_in(&acme.admin.email).await;
    agent.visit(&page).await;
    assert_eq!(agent.part("#news"), "");
    let (hints, look) =
        (agent.attribute("#news", "data-live").unwrap(), agent.attribute("#news", "data-look"));
    let mut line = agent.listen(&hints).await;
    assert_eq!(line.status(), StatusCode::OK);
    assert!(line.next().await.unwrap().contains("retry: 3000"));
    admin.visit(&page).await.fill("Internal note", "I know this").press("Internal note").await;
    hint(&mut line).await;
    agent.visit(&look.unwrap()).await;
    assert_eq!(agent.part("#news"), "admin of acme has done something here. Show");
    agent.click("Show").await;
    assert_eq!((agent.path(), agent.part("#news").as_str()), (page.as_str(), ""));
    assert!(agent.text().contains("I know this"), "{}", agent.text());
    // What one did oneself is no news.
    let look = agent.attribute("#news", "data-look").unwrap();
    agent.fill("Internal note", "So do I").press("Internal note").await;
    hint(&mut line).await;
    agent.visit(&look).await;
    assert_eq!(agent.part("#news"), "");
}

async fn whoever_looks_at_a_queue_hears_that_it_has_changed(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let _ = acme.report("First").await;
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit("/o/acme/desk/queue/all?text=print").await;
    let look = agent.attribute("#news", "data-look").unwrap();
    let mut line = agent.listen(&agent.attribute("#news", "data-live").unwrap()).await;
    let _ = line.next().await;
    // By whichever door it comes in.
    let _ = acme.report("Mail does not open").await;
    hint(&mut line).await;
    agent.visit(&look).await;
    assert_eq!(agent.part("#news"), "", "what the filter leaves out has changed nothing here");
    let _ = acme.report("Nothing prints").await;
    hint(&mut line).await;
    agent.visit(&look).await;
    assert_eq!(agent.part("#news"), "This list has changed. Show");
    agent.click("Show").await;
    assert_eq!(agent.path(), "/o/acme/desk/queue/all?text=print");
    assert!(agent.text().contains("Nothing prints"), "{}", agent.text());
}

async fn the_requester_hears_of_an_answer_and_of_nothing_internal(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("Mail does not open").await;
    let mut requester = desk.signed_in(&acme.requester.email).await;
    let mut agent = desk.signed_in(&acme.agent.email).await;
    requester.visit(&format!("/o/acme/my/{}", number(&incident))).await;
    let look = requester.attribute("#news", "data-look").unwrap();
    let mut line = requester.listen(&requester.attribute("#news", "data-live").unwrap()).await;
    agent.visit(&format!("/o/acme/desk/tickets/{}", number(&incident))).await;
    let mut desk_line = agent.listen(&agent.attribute("#news", "data-live").unwrap()).await;
    for waiting in [&mut line, &mut desk_line] {
        assert!(waiting.next().await.unwrap().contains("waiting"));
    }
    agent.fill("Internal note", "Not again").press("Internal note").await;
    not_before(&mut line, &mut desk_line).await;
    // What the first of two led to would have come before the second.
    agent.fill("Internal note", "And again").press("Internal note").await;
    not_before(&mut line, &mut desk_line).await;
    requester.visit(&look).await;
    assert_eq!(requester.part("#news"), "");
    agent.fill("Reply to the requester", "We look").press("Reply to the requester").await;
    hint(&mut line).await;
    hint(&mut desk_line).await;
    requester.visit(&look).await;
    assert_eq!(requester.part("#news"), "agent of acme has done something here. Show");
    // What came before the line was open is told at once, and what is internal is not.
    let late = format!("/o/acme/live?ticket={}&seen=", number(&incident));
    let entries = look.split_once("seen=").unwrap().1.parse::<usize>().unwrap();
    let mut late_line = requester.listen(&format!("{late}{entries}")).await;
    assert!(late_line.next().await.unwrap().contains("waiting"));
    hint(&mut late_line).await;
    let mut line = requester.listen(&format!("{late}{}", entries + 1)).await;
    assert!(line.next().await.unwrap().contains("waiting"));
    agent.fill("Internal note", "Still here").press("Internal note").await;
    not_before(&mut line, &mut desk_line).await;
    // What is done to it is heard of like what is said.
    let _ = acme.agent.client.act(&incident, "start", serde_json::json!({})).await.ok();
    hint(&mut line).await;
}

async fn nobody_hears_of_what_they_may_not_see(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let _ = desk.organization("initech").await;
    desk.ignore_mail();
    let incident = acme.agent.client.post(
        "/incidents",
        serde_json::json!({ "requester": acme.admin.id, "short_description": "A secret" }),
    );
    let incident = incident.await.created();
    let live = format!("/o/acme/live?ticket={}", number(&incident));
    let requester = desk.signed_in(&acme.requester.email).await;
    for (path, status) in [
        (live.as_str(), StatusCode::NOT_FOUND),
        ("/o/acme/live?ticket=nonsense", StatusCode::NOT_FOUND),
        ("/o/acme/live", StatusCode::FORBIDDEN),
        ("/o/initech/live", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(requester.listen(path).await.status(), status, "{path}");
    }
    assert_eq!(desk.visitor().listen(&live).await.status(), StatusCode::SEE_OTHER);
}

async fn a_sign_in_waits_in_four_windows(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let agent = desk.signed_in(&acme.agent.email).await;
    let mut lines = Vec::new();
    for _ in 0..4 {
        lines.push(agent.listen("/o/acme/live").await);
    }
    assert!(lines.iter().all(|line| line.status() == StatusCode::OK));
    assert_eq!(agent.listen("/o/acme/live").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    let admin = desk.signed_in(&acme.admin.email).await;
    assert_eq!(admin.listen("/o/acme/live").await.status(), StatusCode::OK);
    drop(lines.pop());
    assert_eq!(agent.listen("/o/acme/live").await.status(), StatusCode::OK);
}

async fn nobody_waits_when_the_server_stops(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let agent = desk.signed_in(&acme.agent.email).await;
    let mut line = agent.listen("/o/acme/live").await;
    let _ = line.next().await;
    desk.end_hints();
    assert_eq!(line.next().await, None);
    assert_eq!(agent.listen("/o/acme/live").await.status(), StatusCode::SERVICE_UNAVAILABLE);
}

async fn what_changed_before_the_line_was_open_is_told_at_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let incident = acme.report("Mail does not open").await;
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit(&format!("/o/acme/desk/tickets/{}", number(&incident))).await;
    let ticket = agent.attribute("#news", "data-live").unwrap();
    agent.visit("/o/acme/desk/queue/all").await;
    let queue = agent.attribute("#news", "data-live").unwrap();
    desk.clock.advance(chrono::TimeDelta::seconds(1));
    let note = serde_json::json!({ "text": "Too early" });
    let _ = acme.admin.client.act(&incident, "note", note).await.ok();
    for live in [ticket, format!("{queue}&age=2000")] {
        let mut line = agent.listen(&live).await;
        let _ = line.next().await;
        hint(&mut line).await;
    }
}

async fn what_was_kept_after_a_queue_was_shown_is_told_however_early_it_began(desk: TestDesk) {
    let (acme, bolt) = (desk.organization("acme").await, desk.organization("bolt").await);
    desk.ignore_mail();
    let _ = bolt.report("Nothing prints").await;
    let agent = desk.signed_in(&acme.agent.email).await;
    // It began two seconds before the page was asked for, and nobody knows when it was kept.
    let _ = acme.report("Mail does not open").await;
    desk.clock.advance(chrono::TimeDelta::seconds(3));
    let mut line = agent.listen("/o/acme/live?of=list&age=1000").await;
    let _ = line.next().await;
    hint(&mut line).await;
    // Nobody has looked out while the page was out of sight for long.
    desk.clock.advance(chrono::TimeDelta::hours(1));
    let agent = desk.signed_in(&bolt.agent.email).await;
    let mut line = agent.listen("/o/bolt/live?of=list&age=3610000").await;
    let _ = line.next().await;
    hint(&mut line).await;
}

async fn a_page_that_is_left_open_does_not_keep_anybody_signed_in(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    for _ in 0..3 {
        desk.clock.advance(chrono::TimeDelta::hours(5));
        drop(agent.listen("/o/acme/live").await);
        agent.visit("/o/acme/desk/queue/all?seen=0").await;
    }
    assert_eq!(agent.path().split('?').next(), Some("/sign-in"));
}

async fn the_second_page_of_a_list_is_compared_with_itself(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    for place in 0..51 {
        let _ = acme.report(&format!("Ticket {place}")).await;
    }
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit("/o/acme/desk/queue/all").await.click("Next page").await;
    let second = agent.path().to_owned();
    let look = agent.attribute("#news", "data-look").unwrap();
    agent.visit(&look).await;
    assert_eq!(agent.part("#news"), "");
    let _ = acme.report("Ticket 51").await;
    agent.visit(&look).await.click("Show").await;
    assert_eq!(agent.path(), second);
}
