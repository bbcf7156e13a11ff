//! Plans: no statement of the store reads a large table whole, nor all that an organization has of
//! one, whether or not the database has statistics.
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

use waypost_store::{Engine, Store, StoreOptions, testing};

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
async fn no_statement_reads_all_that_an_organization_has() {
    let recorder = recorder::install();
    let options = StoreOptions { log_statements: true, ..StoreOptions::default() };
    let test = "no_statement_reads_all_that_an_organization_has";
    drop(testing::sqlite_file(test).await);
    let mut faults = Vec::new();
    for url in [testing::sqlite_url(test), testing::postgres_url(test).await] {
        let store = Store::connect(&url, &options).await.unwrap();
        let sample = filled(&store).await;
        recorder.forget();
        read_all(&store, &sample).await;
        let statements = recorder.statements();
        assert!(statements.len() > 100, "{} statements", statements.len());
        faults.extend(faults_of(&store, &statements, "without statistics").await);
        let mut tx = store.system().await.unwrap();
        testing::analyze(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        // Connections that are open read the statistics no more.
        store.close().await;
        let store = Store::connect(&url, &options).await.unwrap();
        faults.extend(faults_of(&store, &statements, "with statistics").await);
        store.close().await;
    }
    assert!(faults.is_empty(), "{} faults:\n\n{}", faults.len(), faults.join("\n\n"));
}

async fn faults_of(store: &Store, statements: &[String], when: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for statement in statements {
        let mut tx = store.system().await.unwrap();
        let plan = testing::plan(&mut tx, statement).await;
        let plan = plan.unwrap_or_else(|error| panic!("{error:?}: {statement}"));
        let found = match store.engine() {
            Engine::Sqlite => sqlite_fault(&plan),
            Engine::Postgres => postgres_fault(&plan),
        };
        if let Some(step) = found {
            let plan = plan.join("\n    ");
            let engine = store.engine();
            faults.push(format!("{engine:?} {when}: {step}\n{statement}\n    {plan}"));
        }
    }
    faults
}

/// The step of a plan that reads too much.
fn sqlite_fault(plan: &[String]) -> Option<&String> {
    plan.iter().find(|step| {
        let words: Vec<&str> = step.split_whitespace().collect();
        let reads_whole =
            words[0] == "SCAN" && !SMALL.contains(&words[1]) && !words[1].starts_with('(');
        let index =
            words.iter().position(|word| *word == "INDEX").map_or(words[1], |at| words[at + 1]);
        let is_few = FEW.iter().any(|few| index == *few) || FEW.contains(&words[1]);
        reads_whole || step.contains("AUTOMATIC") || step.ends_with("(org_id=?)") && !is_few
    })
}

fn postgres_fault(plan: &[String]) -> Option<&String> {
    plan.iter()
        .enumerate()
        .find(|(place, step)| {
            if let Some((_, of)) = step.split_once("Seq Scan on ") {
                let table = of.split_whitespace().next().unwrap_or_default();
                return !SMALL.contains(&table);
            }
            let Some((_, condition)) = step.split_once("Index Cond: ") else { return false };
            let scan = plan[..*place]
                .iter()
                .rev()
                .find(|step| step.contains(" using ") || step.contains("Index Scan on "));
            let name = |step: &str| {
                let (_, name) = step.split_once(" using ").or_else(|| step.split_once(" on "))?;
                name.split_whitespace().next().map(str::to_owned)
            };
            let index = scan.and_then(|step| name(step)).unwrap_or_default();
            let of_org_only = condition.contains("org_id = ") && !condition.contains(" AND ");
            of_org_only && !FEW.contains(&index.as_str())
        })
        .map(|(_, step)| step)
}
