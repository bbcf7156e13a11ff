//! Plans: no statement about tickets reads all that an organization has, whether or not the
//! database has statistics. SQLite's plans are looked at: PostgreSQL's are costed anew for each
//! database, and have the same indexes.
//!
//! The statements are recorded while the store's functions are called, so a new one is judged as
//! soon as it is called here.
#![expect(clippy::unwrap_used, reason = "a test may stop where it fails")]

#[expect(dead_code, reason = "the other tests use the rest of it")]
#[path = "../it/fixture.rs"]
mod fixture;
mod reads;
mod recorder;
mod sample;

use waypost_store::{Store, StoreOptions, testing};

use crate::{reads::read_all, sample::filled};

/// What may be read whole: what there is once for each organization or less often, what the program
/// writes there itself, and what a statement puts together.
const SMALL: [&str; 12] = [
    "organizations",
    "o",
    "components",
    "c",
    "json_each",
    "CONSTANT",
    "found",
    "walk",
    "asked",
    "changed",
    "owned",
    "bindings",
];

/// Indexes that hold little of an organization, so that all of it may be read: what is open, what
/// waits, what failed, and registers, which are read whole.
const FEW: [&str; 16] = [
    "tickets_open",
    "tickets_failures",
    "team_open_key",
    "team_open",
    "approvals_pending",
    "approval_requests_waiting",
    "incidents_major",
    "problems_risk_review",
    "delegations_open",
    "teams_key_key",
    "services_key_key",
    "services_key",
    "categories_path_key",
    "catalog_items_key_key",
    "cis_key_key",
    "organization_lines",
];

#[tokio::test]
async fn no_statement_about_tickets_reads_all_that_an_organization_has() {
    let recorder = recorder::install();
    let options = StoreOptions { log_statements: true, ..StoreOptions::default() };
    let test = "no_statement_about_tickets_reads_all_that_an_organization_has";
    drop(testing::sqlite_file(test).await);
    let mut faults = Vec::new();
    let url = testing::sqlite_url(test);
    let store = Store::connect(&url, &options).await.unwrap();
    let sample = filled(&store).await;
    recorder.forget();
    read_all(&store, &sample).await;
    let mut statements = recorder.statements();
    statements.retain(|statement| statement.contains(" tickets"));
    assert!(statements.len() > 50, "{} statements", statements.len());
    faults.extend(faults_of(&store, &statements, "without statistics").await);
    let mut tx = store.system().await.unwrap();
    testing::analyze(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    // Connections that are open read the statistics no more.
    store.close().await;
    let store = Store::connect(&url, &options).await.unwrap();
    faults.extend(faults_of(&store, &statements, "with statistics").await);
    store.close().await;
    assert!(faults.is_empty(), "{} faults:\n\n{}", faults.len(), faults.join("\n\n"));
}

async fn faults_of(store: &Store, statements: &[String], when: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for statement in statements {
        let mut tx = store.system().await.unwrap();
        let plan = testing::plan(&mut tx, statement).await;
        let plan = plan.unwrap_or_else(|error| panic!("{error:?}: {statement}"));
        if let Some(step) = fault(&plan) {
            let plan = plan.join("\n    ");
            faults.push(format!("{when}: {step}\n{statement}\n    {plan}"));
        }
    }
    faults
}

/// The step of a plan that reads too much.
fn fault(plan: &[String]) -> Option<&String> {
    plan.iter().find(|step| {
        let words: Vec<&str> = step.split_whitespace().collect();
        let table = words.get(1).copied().unwrap_or_default();
        let reads_whole = words[0] == "SCAN" && !SMALL.contains(&table) && !table.starts_with('(');
        let named = words.iter().position(|word| *word == "INDEX");
        let index = named.and_then(|at| words.get(at + 1)).copied().unwrap_or(table);
        let is_few = FEW.contains(&index) || FEW.contains(&table);
        reads_whole || step.contains("AUTOMATIC") || step.ends_with("(org_id=?)") && !is_few
    })
}
