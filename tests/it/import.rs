//! Many tickets from a file: none lost, none doubled, whatever happens in between.

use std::{ops::RangeInclusive, time::Duration};

use serde_json::{Map, Value, json};
use waypost_app::{
    Caller, CommandError, Desk,
    import::{self, Alike, BatchReport, IdCase, ImportRow, ImportStart, ImportState, Place},
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
    a_row_that_is_there_is_named_with_the_ticket_that_has_its_id
    ids_that_look_alike_are_one_ticket
    an_id_in_another_case_is_refused_unless_it_is_said_to_be_another
    what_no_id_can_hold_refuses_its_row_and_no_other
    refused_rows_are_tried_again_by_the_same_job
    other_options_begin_at_the_first_row
    a_dry_run_finds_what_an_import_finds_and_stores_nothing
}

/// Where a row of one line stands.
fn place(row: u64) -> Place {
    Place { row, line: row + 1 }
}

/// A row of a file with this id.
fn with_id(org: &Org<'_>, row: u64, id: &str) -> ImportRow {
    let mut one = rows(org, row..=row).remove(0);
    let external_ref = json!({ "source": "old-desk", "id": id });
    one.ticket.as_mut().unwrap().fields.insert("external_ref".to_owned(), external_ref);
    one
}

/// Rows of a file, as tickets of the requester.
fn rows(org: &Org<'_>, numbers: RangeInclusive<u64>) -> Vec<ImportRow> {
    let row = |row: u64| ImportRow {
        place: place(row),
        id: None,
        alike: None,
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
    begin_with(desk, caller, name, file, "{}").await.map(|(state, _)| state.next_row)
}

async fn begin_with(
    desk: &Desk,
    caller: &Caller,
    name: &str,
    file: &str,
    options: &str,
) -> Result<(ImportState, Option<String>), CommandError> {
    let job = ImportStart {
        name: name.to_owned(),
        file_digest: digest(file),
        kind: "tickets",
        source: "old-desk".to_owned(),
        options: options.to_owned(),
    };
    import::start(desk, caller, &job).await
}

async fn batch(
    desk: &Desk,
    caller: &Caller,
    name: &str,
    rows: Vec<ImportRow>,
) -> Result<BatchReport, CommandError> {
    import::batch(desk, caller, name, rows, IdCase::Careful).await
}

fn digest(file: &str) -> String {
    waypost_policy::Digest::of(file.as_bytes()).to_string()
}

/// Imports these rows under a name, in one batch.
pub(crate) async fn import(org: &Org<'_>, name: &str, numbers: RangeInclusive<u64>) -> BatchReport {
    let caller = caller(org).await;
    let desk = &org.desk.desk;
    begin(desk, &caller, name, "file").await.unwrap();
    batch(desk, &caller, name, rows(org, numbers)).await.unwrap()
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

    let report = batch(&desk.desk, &caller, "all", first).await.unwrap();
    let rest = batch(&desk.desk, &caller, "all", rows(&acme, 21..=30)).await.unwrap();
    let done = import::finish(&desk.desk, &caller, "all").await.unwrap();

    assert_eq!((report.stored, report.already_there.len(), report.refused.len()), (19, 0, 1));
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

    let report = batch(&desk.desk, &caller, "all", some).await.unwrap();

    let refused = &report.refused[0];
    let mut pointers: Vec<_> = refused.faults.iter().map(|fault| fault.pointer.as_str()).collect();
    pointers.sort_unstable();
    assert_eq!(
        (refused.place, pointers),
        (place(2), vec!["/category", "/requester", "/short_description"])
    );
    let about = refused.faults.iter().find(|fault| fault.pointer == "/requester").unwrap();
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
        assert!(told["facts"].as_array().unwrap().len() >= 4);
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
        let some = rows(&acme, next..=LAST.min(next + 14));
        let stored = batch(&desk.desk, &caller, "all", some);
        if let Ok(report) = tokio::time::timeout(patience, stored).await {
            assert_eq!(report.unwrap().already_there, []);
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

    assert_eq!((again.stored, again.already_there.len()), (2, 10));
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
    let all = || batch(&desk.desk, &caller, "all", rows(&acme, 1..=10));

    let (one, other) = tokio::join!(all(), all());

    let stored = [one, other].into_iter().filter_map(Result::ok).map(|report| report.stored);
    assert_eq!(stored.sum::<u64>(), 10);
    assert_eq!(total(&acme).await, 10);
}

async fn a_row_that_stands_twice_in_the_file_is_one_ticket(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let caller = caller(&acme).await;
    begin(&desk.desk, &caller, "all", "file").await.unwrap();
    let mut twice = rows(&acme, 1..=1);
    twice.push(ImportRow { place: place(2), ..twice[0].clone() });

    let report = batch(&desk.desk, &caller, "all", twice).await.unwrap();

    assert_eq!((report.stored, report.already_there.len()), (1, 1));
}

async fn a_batch_is_decided_on_while_the_one_before_is_stored(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let caller = caller(&acme).await;
    begin(&desk.desk, &caller, "all", "file").await.unwrap();
    let first = rows(&acme, 1..=10);
    let mut second = rows(&acme, 11..=20);
    second[3].ticket.clone_from(&first[0].ticket);

    let first = import::read(&desk.desk, &caller, first, &[], IdCase::Careful).await.unwrap();
    let second = import::read(&desk.desk, &caller, second, &[first.origins()], IdCase::Careful)
        .await
        .unwrap();
    let second = import::decide(&desk.desk, &caller, second).await.unwrap();
    let first = import::decide(&desk.desk, &caller, first).await.unwrap();
    let first = import::store(&desk.desk, &caller, "all", first).await.unwrap();
    let second = import::store(&desk.desk, &caller, "all", second).await.unwrap();

    assert_eq!((first.stored, first.already_there.len()), (10, 0));
    assert_eq!((second.stored, second.already_there.len()), (9, 1));
    assert_eq!(total(&acme).await, 19);
}

async fn a_batch_is_not_stored_before_the_one_before(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let caller = caller(&acme).await;
    begin(&desk.desk, &caller, "all", "file").await.unwrap();
    let batch = rows(&acme, 11..=20);

    let early = import::read(&desk.desk, &caller, batch, &[], IdCase::Careful).await.unwrap();
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
    twice.push(ImportRow { place: place(2), ..twice[0].clone() });
    let fields = &mut twice[0].ticket.as_mut().unwrap().fields;
    fields.insert("requester".to_owned(), json!("nobody@acme.example"));

    let report = batch(&desk.desk, &caller, "all", twice).await.unwrap();

    assert_eq!((report.refused.len(), report.stored, report.already_there.len()), (1, 1, 0));
}

async fn a_row_that_is_there_is_named_with_the_ticket_that_has_its_id(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let caller = caller(&acme).await;
    begin(&desk.desk, &caller, "all", "file").await.unwrap();
    let mut some = rows(&acme, 1..=2);
    some.push(ImportRow { place: place(3), ..with_id(&acme, 3, "T1") });

    let report = batch(&desk.desk, &caller, "all", some).await.unwrap();
    let again = import(&acme, "again", 1..=2).await;

    let first = acme.agent.client.get("/tickets?text=room%201").await.items();
    let number = first[0]["number"].as_str().unwrap();
    let [twice] = report.already_there.as_slice() else { panic!("{report:?}") };
    assert_eq!((twice.place, twice.repeats), (place(3), Some(1)));
    assert_eq!((twice.origin.id.as_str(), twice.number.as_deref()), ("T1", Some(number)));
    assert_eq!(twice.differs.as_deref(), Some("No wifi in room 1"), "row 3 says room 3");
    let [_, known] = again.already_there.as_slice() else { panic!("{again:?}") };
    assert_eq!((known.origin.id.as_str(), known.repeats, &known.differs), ("T2", None, &None));
    assert!(known.number.is_some());
}

async fn ids_that_look_alike_are_one_ticket(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let caller = caller(&acme).await;
    begin(&desk.desk, &caller, "all", "file").await.unwrap();
    let ids = ["T-1", "T-1 ", "T-1\u{a0}", "T-1\u{200b}", "Caf\u{e9}", "Cafe\u{301}"];
    let some = ids.iter().zip(1..).map(|(id, row)| with_id(&acme, row, id)).collect();

    let report = batch(&desk.desk, &caller, "all", some).await.unwrap();

    assert_eq!((report.stored, report.already_there.len()), (2, 4));
    let repeats: Vec<_> = report.already_there.iter().map(|row| row.repeats).collect();
    assert_eq!(repeats, [Some(1), Some(1), Some(1), Some(5)]);
    // The same holds at the other doors.
    let sent = json!({
        "short_description": "No wifi in room 1", "requester": acme.requester.email,
        "external_ref": { "source": "old\u{200b}-desk", "id": " T-1" },
    });
    let answered = acme.agent.client.post("/incidents", sent).await;
    assert_eq!(answered.json["external_ref"]["id"], "T-1", "{}", answered.text);
    assert_eq!(total(&acme).await, 2);
}

async fn an_id_in_another_case_is_refused_unless_it_is_said_to_be_another(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let caller = caller(&acme).await;
    begin(&desk.desk, &caller, "all", "file").await.unwrap();
    let alike = Some(Alike { row: 1, id: "T-1".to_owned() });
    let some = vec![
        with_id(&acme, 1, "T-1"),
        ImportRow { alike, ..with_id(&acme, 2, "t-1") },
        with_id(&acme, 3, "t-2"),
    ];

    let report = batch(&desk.desk, &caller, "all", some.clone()).await.unwrap();
    begin(&desk.desk, &caller, "later", "another file").await.unwrap();
    let later = vec![with_id(&acme, 1, "t-1"), with_id(&acme, 2, "T-2")];
    let later = batch(&desk.desk, &caller, "later", later).await.unwrap();
    begin(&desk.desk, &caller, "exact", "file").await.unwrap();
    let exact = import::batch(&desk.desk, &caller, "exact", some, IdCase::Exact).await.unwrap();

    assert_eq!((report.stored, report.refused.len()), (2, 1));
    let fault = &report.refused[0].faults[0];
    assert_eq!((fault.pointer.as_str(), fault.code), ("/external_ref/id", "similar"));
    let expected = "`t-1` differs from `T-1` (row 1) only in upper and lower case.";
    assert_eq!(fault.message, expected);
    assert_eq!((later.stored, later.refused.len()), (0, 2));
    let fault = &later.refused[0].faults[0];
    assert!(fault.message.contains("(INC0000001)"), "{}", fault.message);
    assert_eq!((exact.stored, exact.already_there.len()), (1, 2));
}

async fn what_no_id_can_hold_refuses_its_row_and_no_other(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let caller = caller(&acme).await;
    begin(&desk.desk, &caller, "all", "file").await.unwrap();
    let mut some = rows(&acme, 1..=5);
    some[1] = with_id(&acme, 2, "N\u{0}2");
    for (row, field, value) in [(2, "requester", "ri\0ta@acme.example"), (3, "ci", "srv\u{0}1")] {
        some[row].ticket.as_mut().unwrap().fields.insert(field.to_owned(), json!(value));
    }

    let report = batch(&desk.desk, &caller, "all", some).await.unwrap();

    assert_eq!(report.stored, 2);
    let refused: Vec<_> = report
        .refused
        .iter()
        .map(|row| (row.place.row, row.faults[0].pointer.as_str(), row.faults[0].code))
        .collect();
    let code = "control-character";
    assert_eq!(refused, [(2, "/external_ref/id", code), (3, "/requester", code), (4, "/ci", code)]);
}

async fn refused_rows_are_tried_again_by_the_same_job(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let caller = caller(&acme).await;
    begin(&desk.desk, &caller, "all", "file").await.unwrap();
    let mut some = rows(&acme, 1..=3);
    let zoe = json!("zoe@acme.example");
    some[1].ticket.as_mut().unwrap().fields.insert("requester".to_owned(), zoe);
    let first = batch(&desk.desk, &caller, "all", some.clone()).await.unwrap();
    import::finish(&desk.desk, &caller, "all").await.unwrap();
    let zoe = json!({ "name": "Zoe", "email": "zoe@acme.example", "role": "requester" });
    let _ = acme.admin.client.post("/people", zoe).await.created();

    let (state, before) = begin_with(&desk.desk, &caller, "all", "file", "{}").await.unwrap();
    let second = batch(&desk.desk, &caller, "all", some).await.unwrap();

    assert_eq!((first.stored, first.refused.len()), (2, 1));
    assert_eq!((state.next_row, state.runs, state.refused, state.finished), (1, 2, 0, false));
    assert_eq!(before.as_deref(), Some("{}"));
    assert_eq!((second.stored, second.already_there.len(), second.refused.len()), (1, 2, 0));
    assert_eq!(total(&acme).await, 3);
}

async fn other_options_begin_at_the_first_row(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let caller = caller(&acme).await;
    let begin = async |options| {
        let begun = begin_with(&desk.desk, &caller, "all", "file", options).await.unwrap();
        (begun.0.next_row, begun.0.runs, begun.1)
    };
    let text = r#"{"columns":{"description":"Text"}}"#;

    assert_eq!(begin(text).await, (1, 1, None));
    let _ = batch(&desk.desk, &caller, "all", rows(&acme, 1..=10)).await.unwrap();
    assert_eq!(begin(text).await, (11, 1, Some(text.to_owned())), "it goes on");
    let body = r#"{"columns":{"description":"Body"}}"#;
    assert_eq!(begin(body).await, (1, 2, Some(text.to_owned())), "it begins again");

    let jobs = import::list(&desk.desk, &caller).await.unwrap();
    assert_eq!(jobs.len(), 1);
    assert_eq!((jobs[0].source.as_str(), jobs[0].options.as_str()), ("old-desk", body));
}

async fn a_dry_run_finds_what_an_import_finds_and_stores_nothing(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let caller = caller(&acme).await;
    let mut first = rows(&acme, 1..=10);
    first[4].ticket = Ok(OpenTicket::default());
    let mut second = rows(&acme, 11..=20);
    second[3].ticket.clone_from(&first[0].ticket);
    let careful = IdCase::Careful;

    let read = import::read(&desk.desk, &caller, first, &[], careful).await.unwrap();
    let origins = [read.origins()];
    let first = read.into_report();
    let read = import::read(&desk.desk, &caller, second, &origins, careful).await.unwrap();
    let second = read.into_report();

    assert_eq!((first.stored, first.refused.len()), (9, 1));
    assert_eq!((second.stored, second.already_there.len()), (9, 1));
    assert_eq!(
        (second.already_there[0].repeats, &second.already_there[0].number),
        (Some(1), &None)
    );
    assert_eq!(total(&acme).await, 0);
    assert!(import::list(&desk.desk, &caller).await.unwrap().is_empty());
}
