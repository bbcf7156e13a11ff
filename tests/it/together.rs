//! What comes in at the same moment: decided on together, and each as if it were alone.

use std::{future::poll_fn, task::Poll};

use serde_json::{Value, json};
use waypost_test_support::{Answer, Client, TestDesk, on_both_engines};

use crate::{links::to, tasks::tasks_of};

on_both_engines! {
    tickets_that_come_together_share_commits_and_each_sender_hears_of_their_own
    a_ticket_that_is_wrong_harms_no_other_that_comes_with_it
    a_reference_that_comes_twice_at_the_same_moment_is_one_ticket
    requests_with_keys_that_come_together_are_each_carried_out_once
    tasks_and_comments_at_the_same_moment_are_all_there
    links_both_ways_at_the_same_moment_wait_for_each_other_in_no_circle
    a_conflict_is_not_kept_as_the_answer_of_a_key
}

/// Waits for all of them, which go on at the same time.
pub(crate) async fn join_all<F: Future>(all: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.into_iter().map(|one| (Box::pin(one), None)).collect();
    poll_fn(|context| {
        let mut told = Poll::Ready(());
        for (one, output) in all.iter_mut().filter(|(_, output)| output.is_none()) {
            match one.as_mut().poll(context) {
                Poll::Ready(ready) => *output = Some(ready),
                Poll::Pending => told = Poll::Pending,
            }
        }
        told
    })
    .await;
    all.into_iter().filter_map(|(_, output)| output).collect()
}

fn about(line: &str) -> Value {
    json!({ "short_description": line, "requester": "requester@acme.example" })
}

async fn open(client: &Client, ticket: Value) -> Answer {
    client.post("/incidents", ticket).await
}

async fn tickets(client: &Client) -> Vec<Value> {
    client.get("/tickets?limit=100").await.items()
}

async fn tickets_that_come_together_share_commits_and_each_sender_hears_of_their_own(
    desk: TestDesk,
) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    // Blocks of numbers double: seven use up the first three, the rest take two.
    for n in 0..7 {
        let _ = acme.report(&format!("Before {n}")).await;
    }
    let before = desk.store.stats();

    let lines: Vec<String> = (0..24).map(|n| format!("Ticket {n}")).collect();
    let opened = join_all(lines.iter().map(|line| open(agent, about(line)))).await;

    let spent = desk.store.stats().since(before);
    // How many share one is up to the machine. One each, and the blocks, would be 26.
    assert!(spent.commits < 24, "{spent:?} for 24");
    let mut numbers = Vec::new();
    for (line, opened) in lines.iter().zip(opened) {
        let opened = opened.created();
        assert_eq!(opened["short_description"], *line);
        let again = agent.again(&opened).await;
        assert_eq!(again["short_description"], *line);
        numbers.push(opened["number"].as_str().unwrap().to_owned());
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 24);
}

async fn a_ticket_that_is_wrong_harms_no_other_that_comes_with_it(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let all = vec![
        about("One"),
        about(""),
        about("Two"),
        json!({ "short_description": "Three", "requester": "nobody@elsewhere.example" }),
        json!({ "short_description": "Four", "requester": 7 }),
        json!({ "short_description": "Five\u{0}", "requester": "requester@acme.example" }),
        about("Six"),
    ];

    let opened = join_all(all.into_iter().map(|ticket| open(agent, ticket))).await;

    let statuses: Vec<u16> = opened.iter().map(|one| one.status.as_u16()).collect();
    assert_eq!(statuses, [201, 422, 201, 422, 422, 422, 201]);
    assert_eq!(opened[1].pointers(), ["/short_description"]);
    assert_eq!(opened[3].pointers(), ["/requester"]);
    assert_eq!(opened[4].pointers(), ["/requester"]);
    assert_eq!(tickets(agent).await.len(), 3);
}

async fn a_reference_that_comes_twice_at_the_same_moment_is_one_ticket(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let alert = |id: &str| {
        let mut ticket = about("A switch died");
        ticket["external_ref"] = json!({ "source": "monitoring", "id": id });
        open(agent, ticket)
    };
    let _ = alert("known").await.created();

    let ids = ["a", "b", "a", "known", "a", "b", "known", "c"];
    let opened = join_all(ids.map(alert)).await;

    let mut by_id: Vec<(&str, Value)> = Vec::new();
    for (id, opened) in ids.into_iter().zip(opened) {
        assert!(opened.status.is_success(), "{id}: {}", opened.text);
        by_id.push((id, opened.json["number"].clone()));
    }
    by_id.sort_by_key(|(id, number)| (*id, number.to_string()));
    by_id.dedup();
    assert_eq!(by_id.len(), 4, "{by_id:?}");
    assert_eq!(tickets(agent).await.len(), 4);
}

async fn requests_with_keys_that_come_together_are_each_carried_out_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let send = |n: usize| async move {
        let key = format!("\"key-{n}\"");
        let ticket = about(&format!("Ticket {n}"));
        agent.post_with("/incidents", &[("idempotency-key", &key)], ticket).await
    };

    let first = join_all((0..10).map(send)).await;
    let again = join_all((0..10).map(send)).await;

    for (n, (first, again)) in first.iter().zip(&again).enumerate() {
        assert_eq!(first.json["short_description"], format!("Ticket {n}"), "{}", first.text);
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(first.text, again.text);
    }
    assert_eq!(tickets(agent).await.len(), 10);
}

async fn tasks_and_comments_at_the_same_moment_are_all_there(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let request = acme.ask_for_laptop().await;
    let before = tasks_of(agent, &request).await.len();
    let tasks = format!("/requests/{}/tasks", request["number"].as_str().unwrap());

    let added = join_all((0..6).map(|n| {
        let task = json!({ "short_description": format!("Task {n}") });
        agent.post(&tasks, task)
    }));
    let notes: Vec<String> = (0..6).map(|n| format!("Note {n}")).collect();
    let said = join_all(notes.iter().map(|note| agent.comment(&request, "internal", note)));
    let (added, said) = tokio::join!(added, said);

    for answer in added.into_iter().chain(said) {
        assert!(answer.status.is_success(), "{}", answer.text);
    }
    assert_eq!(tasks_of(agent, &request).await.len(), before + 6);
}

async fn links_both_ways_at_the_same_moment_wait_for_each_other_in_no_circle(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    for round in 0..5 {
        let (one, other) = (acme.report("No wifi").await, acme.report("No lan").await);
        let linked = tokio::join!(
            agent.act(&one, "link", to("blocks", &other)),
            agent.act(&other, "link", to("related_to", &one)),
        );
        for linked in [linked.0, linked.1] {
            assert!(linked.status.is_success(), "round {round}: {}", linked.text);
        }
    }
}

async fn a_conflict_is_not_kept_as_the_answer_of_a_key(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let ticket = acme.report("No wifi").await;
    let escalate = format!("/incidents/{}/actions/escalate", ticket["number"].as_str().unwrap());
    let act = |version: &'static str| {
        let headers = [("idempotency-key", "\"k\""), ("if-match", version)];
        let (path, input) = (escalate.clone(), json!({ "level": 1, "reason": "slow" }));
        async move { agent.post_with(&path, &headers, input).await }
    };

    assert_eq!(act("\"7\"").await.slug(), "stale-version");
    let done = act("\"1\"").await;

    assert!(done.status.is_success(), "{}", done.text);
    assert_eq!(done.header("idempotency-replayed"), None);
    assert_eq!(act("\"1\"").await.header("idempotency-replayed"), Some("true"));
}
