//! Many tickets from a file: none lost, none doubled, whatever happens in between.

use std::{ops::RangeInclusive, time::Duration};

use serde_json::{Map, Value, json};
use waypost_app::{
    Caller, CommandError, Desk,
    import::{self, BatchReport, ImportRow, ImportStart},
    tickets::OpenTicket,
};
use waypost_domain::ids::OrgId;
use waypost_test_support::{Org, TestDesk, on_both_engines};

use crate::policies::{by_words, teams_by_words};

on_both_engines! {
    every_row_is_accounted_for
    refused_rows_are_named_with_every_fault
    every_imported_ticket_has_a_team_receipts_and_an_explanation
    a_killed_import_goes_on_where_it_was_and_loses_or_doubles_nothing
    the_same_file_under_another_name_is_already_there
    an_import_goes_on_with_the_same_file_only
    two_processes_with_the_same_job_do_not_store_a_row_twice
    a_row_that_stands_twice_in_the_file_is_one_ticket
    a_batch_is_decided_on_while_the_one_before_is_stored
    a_batch_is_not_stored_before_the_one_before
    a_refused_row_leaves_its_id_to_a_later_one
}

/// Rows of a file, as tickets of the requester.
fn rows(org: &Org<'_>, numbers: RangeInclusive<u64>) -> Vec<ImportRow> {
    let row = |row: u64| ImportRow {
        row,
        ticket: Ok(OpenTicket {
            fields: object(json!({
                "short_description": format!("No wifi in room {row}"),
                "requester": org.requester.email,
                "external_ref": { "source": "old-desk", "id": format!("T{row}") },
            })),
            ..OpenTicket::default()
        }),
    };
    numbers.map(row).collect()
}

fn object(json: Value) -> Map<String, Value> {
    let Value::Object(fields) = json else { panic!("an object, not {json}") };
    fields
}

async fn caller(org: &Org<'_>) -> Caller {
    let path = format!("/organizations/{}", org.key);
    let id = org.admin.client.get(&path).await.ok()["id"].as_str().unwrap().parse().unwrap();
    Caller::operator(OrgId(id), waypost_app::Clock::now(&org.desk.clock))
}

async fn begin(desk: &Desk, caller: &Caller, name: &str, file: &str) -> Result<u64, CommandError> {
    let job = ImportStart { name: name.to_owned(), file_digest: digest(file) };
    import::start(desk, caller, &job).await.map(|state| state.next_row)
}

fn digest(file: &str) -> String {
    waypost_policy::Digest::of(file.as_bytes()).to_string()
}

/// Imports these rows under a name, in one batch.
pub(crate) async fn import(org: &Org<'_>, name: &str, numbers: RangeInclusive<u64>) -> BatchReport {
    let caller = caller(org).await;
    let desk = &org.desk.desk;
    begin(desk, &caller, name, "file").await.unwrap();
    import::batch(desk, &caller, name, rows(org, numbers)).await.unwrap()
}

async fn total(org: &Org<'_>) -> serde_json::Value {
    org.agent.client.get("/tickets?count=true&limit=1").await.ok()["total"].take()
}

async fn every_row_is_accounted_for(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let caller = caller(&acme).await;
    begin(&desk.desk, &caller, "all", "file").await.unwrap();
    let mut first = rows(&acme, 1..=20);
    first[4].ticket = Ok(OpenTicket::default());

    let report = import::batch(&desk.desk, &caller, "all", first).await.unwrap();
    let rest = import::batch(&desk.desk, &caller, "all", rows(&acme, 21..=30)).await.unwrap();
    let done = import::finish(&desk.desk, &caller, "all").await.unwrap();

    assert_eq!((report.stored, report.already_there, report.refused.len()), (19, 0, 1));
    assert_eq!(rest.stored, 10);
    assert_eq!((done.accepted, done.refused, done.next_row, done.finished), (29, 1, 31, true));
    assert_eq!(total(&acme).await, 29);
}

async fn refused_rows_are_named_with_every_fault(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let caller = caller(&acme).await;
    begin(&desk.desk, &caller, "all", "file").await.unwrap();
    let mut some = rows(&acme, 1..=3);
    some[1].ticket = Ok(OpenTicket {
        fields: object(json!({
            "requester": "nobody@acme.example",
            "category": "no/such",
        })),
        ..OpenTicket::default()
    });

    let report = import::batch(&desk.desk, &caller, "all", some).await.unwrap();

    let (row, faults) = &report.refused[0];
    let mut pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    pointers.sort_unstable();
    assert_eq!((*row, pointers), (2, vec!["/category", "/requester", "/short_description"]));
    let about = faults.iter().find(|fault| fault.pointer == "/requester").unwrap();
    assert!(about.message.contains("nobody@acme.example"), "{}", about.message);
}

async fn every_imported_ticket_has_a_team_receipts_and_an_explanation(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let words = by_words(&[("wifi", json!({ "category": ["network"] }))]);
    acme.bind("categorize", "keyword-categorizer", words).await;
    acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;

    let report = import(&acme, "all", 1..=15).await;

    assert_eq!(report.stored, 15);
    let tickets = acme.agent.client.get("/tickets").await.items();
    assert_eq!(tickets.len(), 15);
    for ticket in &tickets {
        assert_eq!(ticket["team"]["key"], "network");
        let mut hooks: Vec<_> = acme.agent.client.of(ticket, "receipts").await.items();
        hooks.sort_by_key(|one| one["seq"].as_i64());
        let hooks: Vec<_> = hooks.iter().map(|one| one["hook"].clone()).collect();
        assert_eq!(hooks, ["categorize", "route"]);
        let told = acme.agent.client.of(ticket, "explain").await.ok();
        assert!(told["sentences"].as_array().unwrap().len() >= 4);
    }
}

async fn a_killed_import_goes_on_where_it_was_and_loses_or_doubles_nothing(desk: TestDesk) {
    const LAST: u64 = 60;
    let acme = desk.organization("acme").await;
    acme.bind("route", "team-router", teams_by_words(&[("wifi", "network")])).await;
    let caller = caller(&acme).await;
    let mut kills = 0;
    // Each batch is dropped wherever it is after this time, which grows until it comes through.
    let mut patience = Duration::from_millis(1);

    loop {
        let next = begin(&desk.desk, &caller, "all", "file").await.unwrap();
        if next > LAST {
            break;
        }
        let batch = rows(&acme, next..=LAST.min(next + 14));
        let stored = import::batch(&desk.desk, &caller, "all", batch);
        if let Ok(report) = tokio::time::timeout(patience, stored).await {
            assert_eq!(report.unwrap().already_there, 0);
            patience = Duration::from_millis(1);
        } else {
            kills += 1;
            patience = patience * 3 / 2 + Duration::from_millis(1);
        }
    }

    assert!(kills > 0, "nothing was killed");
    assert_eq!(total(&acme).await, LAST);
    let tickets = acme.agent.client.get("/tickets?limit=200").await.items();
    let mut refs: Vec<_> =
        tickets.iter().map(|one| one["external_ref"]["id"].as_str().unwrap().to_owned()).collect();
    refs.sort_unstable();
    refs.dedup();
    assert_eq!(refs.len() as u64, LAST);
    let receipts = acme.agent.client.get("/receipts?limit=200").await.items();
    assert_eq!(receipts.len() as u64, LAST);
}

async fn the_same_file_under_another_name_is_already_there(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    assert_eq!(import(&acme, "monday", 1..=10).await.stored, 10);

    let again = import(&acme, "tuesday", 1..=12).await;

    assert_eq!((again.stored, again.already_there), (2, 10));
    assert_eq!(total(&acme).await, 12);
}

async fn an_import_goes_on_with_the_same_file_only(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let caller = caller(&acme).await;
    begin(&desk.desk, &caller, "all", "file").await.unwrap();

    let refused = begin(&desk.desk, &caller, "all", "another file").await;

    let Err(CommandError::Invalid(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!(faults[0].pointer, "/name");
}

async fn two_processes_with_the_same_job_do_not_store_a_row_twice(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let caller = caller(&acme).await;
    begin(&desk.desk, &caller, "all", "file").await.unwrap();
    let batch = || import::batch(&desk.desk, &caller, "all", rows(&acme, 1..=10));

    let (one, other) = tokio::join!(batch(), batch());

    let stored = [one, other].into_iter().filter_map(Result::ok).map(|report| report.stored);
    assert_eq!(stored.sum::<u64>(), 10);
    assert_eq!(total(&acme).await, 10);
}

async fn a_row_that_stands_twice_in_the_file_is_one_ticket(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let caller = caller(&acme).await;
    begin(&desk.desk, &caller, "all", "file").await.unwrap();
    let mut twice = rows(&acme, 1..=1);
    twice.push(ImportRow { row: 2, ..twice[0].clone() });

    let report = import::batch(&desk.desk, &caller, "all", twice).await.unwrap();

    assert_eq!((report.stored, report.already_there), (1, 1));
}

async fn a_batch_is_decided_on_while_the_one_before_is_stored(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let caller = caller(&acme).await;
    begin(&desk.desk, &caller, "all", "file").await.unwrap();
    let first = rows(&acme, 1..=10);
    let mut second = rows(&acme, 11..=20);
    second[3].ticket.clone_from(&first[0].ticket);

    let first = import::read(&desk.desk, &caller, first, &[]).await.unwrap();
    let second = import::read(&desk.desk, &caller, second, &[first.origins()]).await.unwrap();
    let second = import::decide(&desk.desk, &caller, second).await.unwrap();
    let first = import::decide(&desk.desk, &caller, first).await.unwrap();
    let first = import::store(&desk.desk, &caller, "all", first).await.unwrap();
    let second = import::store(&desk.desk, &caller, "all", second).await.unwrap();

    assert_eq!((first.stored, first.already_there), (10, 0));
    assert_eq!((second.stored, second.already_there), (9, 1));
    assert_eq!(total(&acme).await, 19);
}

async fn a_batch_is_not_stored_before_the_one_before(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let caller = caller(&acme).await;
    begin(&desk.desk, &caller, "all", "file").await.unwrap();
    let batch = rows(&acme, 11..=20);

    let early = import::read(&desk.desk, &caller, batch, &[]).await.unwrap();
    let early = import::decide(&desk.desk, &caller, early).await.unwrap();
    let refused = import::store(&desk.desk, &caller, "all", early).await;

    assert!(matches!(refused, Err(CommandError::Stale)), "{refused:?}");
    assert_eq!(total(&acme).await, 0);
}

async fn a_refused_row_leaves_its_id_to_a_later_one(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let caller = caller(&acme).await;
    begin(&desk.desk, &caller, "all", "file").await.unwrap();
    let mut twice = rows(&acme, 1..=1);
    twice.push(ImportRow { row: 2, ..twice[0].clone() });
    let fields = &mut twice[0].ticket.as_mut().unwrap().fields;
    fields.insert("requester".to_owned(), json!("nobody@acme.example"));

    let report = import::batch(&desk.desk, &caller, "all", twice).await.unwrap();

    assert_eq!((report.refused.len(), report.stored, report.already_there), (1, 1, 0));
}
