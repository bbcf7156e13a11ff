//! Plans: no statement that `reads.rs` causes reads all that an organization has on SQLite, whether
//! or not the database has statistics; and on PostgreSQL none has to read the whole of a table that
//! grows, its walls included, nor finds parts of tickets by their organization alone. What may be
//! read whole is listed below.
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

use crate::{reads::read_all, recorder::Recorder, sample::filled};

/// What may be read whole: what there is once for each organization or less often, what the program
/// writes there itself, and what a statement puts together.
const SMALL: [&str; 15] = [
    "organizations",
    "o",
    "components",
    "c",
    "json_each",
    "CONSTANT",
    "found",
    "walk",
    "below",
    "v",
    "l",
    "asked",
    "changed",
    "owned",
    "bindings",
];

/// Indexes that hold little of an organization, so that all of it may be read: what is open, what
/// waits, what failed, what nobody took, and registers, which are read whole.
const FEW: [&str; 24] = [
    "tickets_open",
    "tickets_failures",
    "tickets_past_unassigned",
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
    "outbox_due",
    "sqlite_autoindex_teams_3",
    "sqlite_autoindex_services_2",
    "sqlite_autoindex_categories_2",
    "snapshot_parts",
    "l",
    "g",
];

/// What PostgreSQL may read whole: what there is once for each organization or less often, and the
/// revisions of bindings, which only lists of components are compared with.
const READ_WHOLE: [&str; 4] =
    ["organizations", "components", "component_bytes", "binding_revisions"];

/// Tables with rows for each ticket, of which PostgreSQL never reads all that an organization has.
/// It would where an index is asked by something of which its walls don't know whether it tells
/// what it is given, such as `coalesce`.
const PARTS_OF_TICKETS: [&str; 5] = ["outbox", "events", "comments", "evaluations", "receipts"];

#[tokio::test]
async fn no_statement_reads_all_that_an_organization_has() {
    let recorder = recorder::install();
    let options = StoreOptions { log_statements: true, ..StoreOptions::default() };
    let test = "no_statement_reads_all_that_an_organization_has";
    drop(testing::sqlite_file(test).await);
    let mut faults = Vec::new();
    let url = testing::sqlite_url(test);
    let store = Store::connect(&url, &options).await.unwrap();
    let sample = filled(&store).await;
    recorder.forget();
    read_all(&store, &sample).await;
    let statements = recorder.statements();
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
    faults.extend(faults_on_postgres(&recorder, test, &options).await);
    assert!(faults.is_empty(), "{} faults:\n\n{}", faults.len(), faults.join("\n\n"));
}

/// What PostgreSQL would read whole though it does all it can to avoid that.
async fn faults_on_postgres(
    recorder: &Recorder,
    test: &str,
    options: &StoreOptions,
) -> Vec<String> {
    let store = Store::connect(&testing::postgres_url(test).await, options).await.unwrap();
    let sample = filled(&store).await;
    let mut tx = store.system().await.unwrap();
    testing::analyze(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    recorder.forget();
    read_all(&store, &sample).await;
    let mut faults = Vec::new();
    for statement in recorder.statements() {
        let mut tx = store.system().await.unwrap();
        let plan = testing::plan(&mut tx, &statement).await;
        let plan = plan.unwrap_or_else(|error| panic!("{error:?}: {statement}"));
        let whole = plan.iter().find(|step| {
            let table = step.split("Seq Scan on ").nth(1).and_then(|on| on.split(' ').next());
            table.is_some_and(|table| !READ_WHOLE.contains(&table))
        });
        // Parts of tickets, by the place of their organization in an index alone.
        let many = plan.iter().zip(&plan[1..]).find(|(step, next)| {
            let by_org = next.contains("Cond: (org_id = ") && !next.contains(" AND ");
            let is_page = !statement.contains(" tickets") && statement.contains(" limit ");
            let of_tickets = |name: &str| {
                step.contains(&format!("Scan using {name}_"))
                    || step.contains(&format!("Index Scan on {name}_"))
            };
            by_org && !is_page && PARTS_OF_TICKETS.iter().any(|name| of_tickets(name))
        });
        if let Some(step) = whole.or(many.map(|(step, _)| step)) {
            faults.push(format!("on PostgreSQL: {step}\n{statement}\n    {}", plan.join("\n    ")));
        }
    }
    store.close().await;
    faults
}

async fn faults_of(store: &Store, statements: &[String], when: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for statement in statements {
        let mut tx = store.system().await.unwrap();
        let plan = testing::plan(&mut tx, statement).await;
        let plan = plan.unwrap_or_else(|error| panic!("{error:?}: {statement}"));
        if let Some(step) = fault(statement, &plan) {
            let plan = plan.join("\n    ");
            faults.push(format!("{when}: {step}\n{statement}\n    {plan}"));
        }
    }
    faults
}

/// The step of a plan that reads too much. What a person has is read by its phase, for their past
/// grows. Of what is not about tickets, a page may be read in the order of a key.
fn fault<'p>(statement: &str, plan: &'p [String]) -> Option<&'p String> {
    let is_page = !statement.contains(" tickets")
        && statement.contains(" limit ")
        && !plan.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER BY"));
    // The tasks of all that somebody ever asked for are found by all of that; open ones are not.
    let is_of_all = statement.contains("parent_id in (select id from tickets")
        && !statement.contains("phase in ('open', 'on_hold')");
    plan.iter().find(|step| {
        let words: Vec<&str> = step.split_whitespace().collect();
        let table = words.get(1).copied().unwrap_or_default();
        let reads_whole = words[0] == "SCAN"
            && !SMALL.contains(&table)
            && !table.starts_with('(')
            && !step.contains("CONSTANT ROW")
            && !step.contains("outbox_due");
        let named = words.iter().position(|word| *word == "INDEX");
        let index = named.and_then(|at| words.get(at + 1)).copied().unwrap_or(table);
        let is_few = FEW.contains(&index) || FEW.contains(&table);
        let is_of_person = ["tickets_requester", "tickets_assignee"].contains(&index);
        reads_whole
            || is_of_person && !step.contains("phase=?") && !is_of_all
            || step.contains("AUTOMATIC")
            || step.ends_with("(org_id=?)") && !is_few && !is_page
    })
}
