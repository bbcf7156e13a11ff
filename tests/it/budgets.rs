//! Budgets: how often each main command asks the database at most, in trips and commits. A change
//! that costs more says so here; one that costs less lowers the budget.

use serde_json::json;
use waypost_store::StoreStats;
use waypost_test_support::{Answer, TestDesk};

use crate::policies::telling;

#[tokio::test]
async fn commands_keep_their_budgets_on_sqlite() {
    keep_their_budgets(TestDesk::sqlite_to_count("budgets::sqlite").await, &BUDGETS).await;
}

#[tokio::test]
async fn commands_keep_their_budgets_on_postgres() {
    keep_their_budgets(TestDesk::postgres_to_count("budgets::postgres").await, &BUDGETS).await;
}

/// At most so many trips, transactions and commits.
type Budget = (u64, u64, u64);

/// What each command may cost.
struct Budgets {
    open: Budget,
    open_again: Budget,
    repeat: Budget,
    comment: Budget,
    resolve: Budget,
    read: Budget,
    list: Budget,
}

/// The same on both databases: SQLite's savepoints are begun and released together with its
/// transactions.
const BUDGETS: Budgets = Budgets {
    open: (9, 2, 1),
    open_again: (9, 1, 0),
    repeat: (2, 0, 0),
    comment: (14, 2, 1),
    resolve: (18, 4, 1),
    read: (6, 1, 0),
    list: (6, 1, 0),
};

/// What is over its budget.
#[derive(Default)]
struct Overdrawn(Vec<String>);

impl Overdrawn {
    async fn count(
        &mut self,
        desk: &TestDesk,
        what: &str,
        (trips, transactions, commits): Budget,
        command: impl Future<Output = Answer>,
    ) -> Answer {
        let before = desk.store.stats();
        let answer = command.await;
        assert!(answer.status.is_success(), "{what}: {}", answer.text);
        let spent = desk.store.stats().since(before);
        let budget = StoreStats { trips, transactions, commits };
        if spent.trips > trips || spent.transactions > transactions || spent.commits > commits {
            self.0.push(format!("{what}: {spent:?}, budget {budget:?}"));
        }
        answer
    }
}

async fn keep_their_budgets(desk: TestDesk, budgets: &Budgets) {
    let acme = desk.organization("acme").await;
    let words = json!({ "rules": [
        { "name": "wifi", "when": { "words": { "any": ["wifi"] } },
          "set": { "impact": 3, "urgency": 2 } },
    ] });
    acme.bind("categorize", "keyword-categorizer", words).await;
    let teams = json!({ "rules": [
        { "name": "all", "when": { "words": { "any": ["wifi"] } }, "to": { "team": "service-desk" } },
    ] });
    acme.bind("route", "team-router", teams).await;
    let letters = json!({ "rules": [telling("received", "created", &json!(["requester"]))] });
    acme.bind("notify", "stakeholder-notifier", letters).await;
    let (agent, requester) = (&acme.agent.client, &acme.requester.client);
    let ticket = |id: &str| {
        json!({ "short_description": "No wifi", "requester": "requester@acme.example",
                "external_ref": { "source": "bench", "id": id } })
    };
    // The first ones take numbers, read the configuration, and make connections.
    for id in ["warm-1", "warm-2", "warm-3", "warm-4", "warm-5"] {
        let _ = agent.post("/incidents", ticket(id)).await.created();
    }

    let mut over = Overdrawn::default();
    let opened = agent.post("/incidents", ticket("one"));
    let opened = over.count(&desk, "open", budgets.open, opened).await.created();
    let again = agent.post("/incidents", ticket("one"));
    let _ = over.count(&desk, "open what is there", budgets.open_again, again).await;
    let key = [("idempotency-key", "\"k-1\"")];
    let _ = agent.post_with("/incidents", &key, ticket("two")).await.created();
    // A repeat waits until the answer is kept.
    let _ = agent.post_with("/incidents", &key, ticket("two")).await.created();
    let repeat = agent.post_with("/incidents", &key, ticket("two"));
    let _ = over.count(&desk, "repeat", budgets.repeat, repeat).await;
    let comment = agent.act(&opened, "comment", json!({ "text": "We look at it." }));
    let _ = over.count(&desk, "comment", budgets.comment, comment).await;
    let done = json!({ "resolution_code": "fixed", "resolution_notes": "restarted" });
    let resolve = agent.act(&opened, "resolve", done);
    let _ = over.count(&desk, "resolve", budgets.resolve, resolve).await;
    let path = format!("/incidents/{}", opened["number"].as_str().expect("it has a number"));
    let read = requester.get(&path);
    let _ = over.count(&desk, "read", budgets.read, read).await;
    let list = agent.get("/incidents?order=queue");
    let _ = over.count(&desk, "list", budgets.list, list).await;
    assert!(over.0.is_empty(), "over the budget:\n{}", over.0.join("\n"));
    desk.ignore_mail();
}
