//! `waypost import`: what becomes of files, good and bad.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use waypost_test_support::Program;

use super::{DESK, furnish, rows};

by_command_line! {
    a_killed_import_is_gone_on_with_and_loses_or_doubles_nothing
    an_import_tells_which_rows_it_refused_and_why
    what_no_record_can_be_called_refuses_its_row_and_no_other
    what_no_record_can_be_called_is_refused_by_field_at_every_door
    a_file_s_name_is_no_source_of_ids
    invisible_differences_are_no_other_id
    a_quote_that_is_not_closed_stores_nothing_and_names_its_line
    a_corrected_sheet_without_ids_brings_in_what_is_missing
    a_person_who_is_created_lets_their_rows_in
    a_corrected_map_says_what_it_cannot_change
    exit_codes_say_what_became_of_the_rows
    a_column_that_is_there_twice_is_told
    separator_and_encoding_are_named
    plain_times_are_of_the_zone_that_is_named
    a_dry_run_tells_what_would_be_and_stores_nothing
}

fn a_killed_import_is_gone_on_with_and_loses_or_doubles_nothing(program: &Program) {
    const ROWS: u32 = 400;
    furnish(program);
    let file = program.file("tickets.csv", rows(ROWS));
    let words = ["import", "tickets", &file, "--org", "acme", "--source", "old", "--batch", "10"];
    let mut kills = 0;
    // Killed a little later each time, wherever it is then, until it comes to its end.
    let mut patience = Duration::from_millis(120);

    loop {
        let mut child = program.command(words).stderr(std::process::Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        let ended = loop {
            match child.try_wait().unwrap() {
                Some(status) => break Some(status),
                None if began.elapsed() > patience => break None,
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        if let Some(status) = ended {
            assert!(status.success());
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        patience += Duration::from_millis(60);
    }

    assert!(kills > 0, "nothing was killed");
    let verified = program.json(["receipts", "verify", "--org", "acme"]);
    assert_eq!(
        (&verified["same"], &verified["different"]),
        (&json!(ROWS), &json!(0)),
        "{verified}"
    );
    // The same rows from another file: each is there already, once.
    let copy = program.file("copy.csv", rows(ROWS + 1));
    let again = ["import", "tickets", &copy, "--org", "acme", "--source", "old"];
    let again = program.json(again);
    assert_eq!((&again["stored"], &again["already_there"]), (&json!(1), &json!(ROWS)), "{again}");
}

/// The words of an import of this file from `old`.
fn import<'w>(file: &'w str, more: &[&'w str]) -> Vec<&'w str> {
    let words = ["import", "tickets", file, "--org", "acme", "--source", "old"];
    words.into_iter().chain(more.iter().copied()).collect()
}

/// What became of the rows: stored, already there, refused.
fn counts(done: &Value) -> [u64; 3] {
    ["stored", "already_there", "refused"].map(|name| done[name].as_u64().unwrap())
}

fn tickets(program: &Program) -> Vec<Value> {
    let listed = program.json(["ticket", "list", "--org", "acme", "--limit", "0"]);
    listed.as_array().unwrap().clone()
}

fn an_import_tells_which_rows_it_refused_and_why(program: &Program) {
    furnish(program);
    let mut file = rows(3);
    file.push_str("T4,No lan,nobody@acme.example\nT5,,rita@acme.example\n");
    let file = program.file("tickets.csv", file);
    let report = program.file("refused.csv", "");

    let done = program.json_of(3, import(&file, &["--report", &report]));

    assert_eq!((counts(&done), &done["complete"]), ([3, 0, 2], &json!(true)));
    let first = &done["first_refusals"][0];
    assert_eq!((&first["line"], &first["row"]), (&json!(5), &json!(4)), "{done}");
    assert_eq!((&first["field"], &first["column"]), (&json!("requester"), &json!("requester")));
    assert!(first["message"].as_str().unwrap().contains("nobody@acme.example"));
    assert!(first["remedy"].as_str().unwrap().contains("Create the person"));
    let refused = std::fs::read_to_string(report).unwrap();
    assert!(refused.starts_with("line,row,outcome,id,ticket,field,column,code,"), "{refused}");
    assert!(refused.contains("5,4,refused,T4,,requester,requester,unknown,"), "{refused}");
    assert!(refused.contains("6,5,refused,T5,,short_description,title,missing,"), "{refused}");
    let explained = program.json(["explain", "INC0000001", "--org", "acme"]);
    assert!(explained["facts"].to_string().contains("Its team is Network"), "{explained}");
}

fn what_no_record_can_be_called_refuses_its_row_and_no_other(program: &Program) {
    furnish(program);
    let file = "id,title,requester,ci,catalog_item\n\
        N1,ok before,rita@acme.example,,\n\
        N\u{0}2,bad id,rita@acme.example,,\n\
        N3,bad requester,ri\u{0}ta@acme.example,,\n\
        N4,bad\u{0}title,rita@acme.example,,\n\
        N5,bad ci,rita@acme.example,srv\u{0}1,\n\
        N6,bad item,rita@acme.example,,lap\u{0}top\n\
        N7,ok after,rita@acme.example,,\n";
    let file = program.file("nul.csv", file);

    let done = program.json_of(3, import(&file, &[]));

    assert_eq!((counts(&done), &done["complete"]), ([2, 0, 5], &json!(true)), "{done}");
    let refusals = done["first_refusals"].as_array().unwrap();
    let fields: Vec<_> = refusals.iter().map(|one| one["field"].as_str().unwrap()).collect();
    for field in ["external_id", "requester", "short_description", "ci", "catalog_item"] {
        assert!(fields.contains(&field), "{field}: {done}");
    }
    assert!(refusals[0]["message"].as_str().unwrap().contains("U+0000"), "{done}");
    // Far behind the first batch, too.
    let late = rows(30).replace("T25,", "T25\u{0},");
    let late = program.file("late.csv", late);
    let done = program.json_of(3, import(&late, &["--batch", "10"]));
    assert_eq!(counts(&done), [29, 0, 1], "{done}");
}

fn what_no_record_can_be_called_is_refused_by_field_at_every_door(program: &Program) {
    furnish(program);
    let open = ["ticket", "open", "--org", "acme", "--field", "short_description=No wifi"];
    let open = [&open[..], &["--field", "requester=rita@acme.example", "--field"]].concat();
    let opened = program.json([&open[..], &["tags=[\"wifi\"]"]].concat());
    let edit = ["ticket", "edit", opened["number"].as_str().unwrap(), "--org", "acme", "--field"];
    for (words, field, pointer) in [
        (&edit[..], r#"watchers=["ada@acme.example","a\u0000"]"#, "watchers/1: "),
        (&open[..], r#"external_ref={"source":"s\u0000","id":"1"}"#, "external_ref/source: "),
    ] {
        let refused = program.run([words, &[field]].concat());
        let told = format!("{pointer}Remove the control character U+0000.");
        assert!(!refused.is_ok && refused.said.contains(&told), "{field}: {refused:?}");
    }
    for (find, bad, pointer) in [
        ("members = [\"ada@acme.example\"]", "members = [\"ada\\u0000\"]", "members/0"),
        ("email = \"rita@acme.example\"", "email = \"ri\\u0000ta@acme.example\"", "email"),
    ] {
        let file = program.file("desk.toml", DESK.replace(find, bad));
        let refused = program.run(["org", "apply", &file]);
        assert!(!refused.is_ok && refused.said.contains(pointer), "{bad}: {refused:?}");
    }
}

fn a_file_s_name_is_no_source_of_ids(program: &Program) {
    furnish(program);
    let first = "id,title,requester\n1,Till down,rita@acme.example\n2,No wifi,rita@acme.example\n";
    let first = program.file("export-2026-06-01.csv", first);
    let without = ["import", "tickets", &first, "--org", "acme"];
    let refused = program.run(without);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.said.contains("--source NAME"), "{refused:?}");

    let done = program.json(import(&first, &[]));
    assert_eq!(counts(&done), [2, 0, 0]);
    // The next day's export, under a name of that day.
    let next = "id,title,requester\n1,Till down,rita@acme.example\n2,No wifi,rita@acme.example\n\
        3,New today,rita@acme.example\n";
    let next = program.file("export-2026-06-02.csv", next);
    assert_eq!(counts(&program.json(import(&next, &[]))), [1, 2, 0]);
    // Another system's file of the same name has ids of its own.
    let other = "id,title,requester\n1,Payroll wrong,ada@acme.example\n";
    let other = program.file("export-2026-06-01.csv", other);
    let words = ["import", "tickets", &other, "--org", "acme", "--source", "payroll"];
    assert_eq!(counts(&program.json(words)), [1, 0, 0]);
    // Under the same source, what is dropped is named with the ticket that has its id.
    let done = program.json(import(&other, &[]));
    let there = &done["first_already_there"][0];
    assert_eq!((counts(&done), &there["id"]), ([0, 1, 0], &json!("1")), "{done}");
    assert_eq!(
        (&there["ticket"], &there["another_text"]),
        (&json!("INC0000001"), &json!("Till down"))
    );
    let said = program.run(import(&other, &[])).printed;
    assert!(said.contains("1 is INC0000001 already, with another text (`Till down`)"), "{said}");
    let listed = program.json(["import", "list", "--org", "acme"]);
    let sources: Vec<_> = listed.as_array().unwrap().iter().map(|job| &job["source"]).collect();
    assert_eq!(sources, ["old", "payroll", "old", "old"], "{listed}");
}

fn invisible_differences_are_no_other_id(program: &Program) {
    furnish(program);
    let file = "id,title,requester\nT-1,one,rita@acme.example\nT-1 ,blank,rita@acme.example\n\
        T-1\u{a0},no-break space,rita@acme.example\nT-1\u{200b},zero width,rita@acme.example\n\
        t-1,lower case,rita@acme.example\nCaf\u{e9},composed,rita@acme.example\n\
        Cafe\u{301},decomposed,rita@acme.example\nT-1,other text,rita@acme.example\n";
    let file = program.file("ids.csv", file);

    let done = program.json_of(3, import(&file, &[]));

    assert_eq!(counts(&done), [2, 5, 1], "{done}");
    let refused = &done["first_refusals"][0];
    assert_eq!((&refused["row"], &refused["code"]), (&json!(5), &json!("similar")), "{done}");
    assert!(refused["remedy"].as_str().unwrap().contains("--ids exact"));
    let there = done["first_already_there"].as_array().unwrap();
    let repeats: Vec<_> = there.iter().map(|row| row["repeats_row"].as_u64().unwrap()).collect();
    assert_eq!(repeats, [1, 1, 1, 6, 1], "{done}");
    let exact = program.json(import(&file, &["--ids", "exact"]));
    assert_eq!(counts(&exact), [1, 7, 0], "{exact}");
}

fn a_quote_that_is_not_closed_stores_nothing_and_names_its_line(program: &Program) {
    const HEAD: &str = "id,title,requester\n1,Mouse dead,rita@acme.example\n\
        2,\"Monitor flickers,rita@acme.example\n3,Salary slip of March is wrong,ada@acme.example\n";
    furnish(program);
    let ends_inside = "the quote opened here ends on line 5 in the middle of a cell";
    for (rest, told) in [
        ("4,\"Toner,ada@acme.example\n5,last,rita@acme.example\n", ends_inside),
        ("", "a quote is opened here and never closed"),
        ("4,24\" screen wanted,ada@acme.example\n5,last,rita@acme.example\n", ends_inside),
        ("4,Toner\",ada@acme.example\n", "line 4 reads as a row of its own"),
    ] {
        let file = program.file("quotes.csv", format!("{HEAD}{rest}"));
        let refused = program.run(import(&file, &[]));
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.said.contains(told), "{told}: {refused:?}");
        let place = "line 3 (row 2, column title)";
        assert!(refused.said.contains(place) || refused.said.contains("row 2 "), "{refused:?}");
    }
    assert!(tickets(program).is_empty());
    assert_eq!(program.json(["import", "list", "--org", "acme"]), json!([]));
    let long = "id,title,requester\n1,\"a,b\n3,c,d@e\nf\",rita@acme.example\n";
    let long = program.file("long.csv", long);
    assert_eq!(program.run(import(&long, &[])).code, Some(1));
    assert_eq!(counts(&program.json(import(&long, &["--long-cells"]))), [1, 0, 0]);
}

fn a_corrected_sheet_without_ids_brings_in_what_is_missing(program: &Program) {
    furnish(program);
    let before = "title,requester\nNo lan,rita@acme.example\nNo wan,nobody@acme.example\n\
        No pan,ada@acme.example\n";
    let file = program.file("fix.csv", before);
    assert_eq!(counts(&program.json_of(3, import(&file, &[]))), [2, 0, 1]);

    let file = program.file("fix.csv", before.replace("nobody", "rita"));
    let done = program.json(import(&file, &[]));

    assert_eq!(counts(&done), [1, 2, 0], "{done}");
    assert_eq!(tickets(program).len(), 3);
    // Two rows that say the same are two tickets, and stay two.
    let twice = program
        .file("twice.csv", "title,requester\nNo tan,rita@acme.example\nNo tan,rita@acme.example\n");
    assert_eq!(counts(&program.json(import(&twice, &[]))), [2, 0, 0]);
    assert_eq!(counts(&program.json(import(&twice, &[]))), [0, 2, 0]);
}

fn a_person_who_is_created_lets_their_rows_in(program: &Program) {
    furnish(program);
    let file = "id,title,email\n1,New joiner,zoe@acme.example\n2,Rita again,rita@acme.example\n";
    let file = program.file("people.csv", file);
    let refused = program.run(import(&file, &[]));
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.printed.contains("line 2, row 1, requester (column email): "), "{refused:?}");
    assert!(refused.printed.contains("Create the person"), "{refused:?}");

    let zoe = "\n[[people]]\nname = \"Zoe\"\nemail = \"zoe@acme.example\"\nrole = \"requester\"\n";
    let desk = program.file("desk.toml", format!("{DESK}{zoe}"));
    let _ = program.json(["org", "apply", &desk]);

    assert_eq!(counts(&program.json(import(&file, &[]))), [1, 1, 0]);
    assert_eq!(counts(&program.json(import(&file, &[]))), [0, 2, 0]);
}

fn a_corrected_map_says_what_it_cannot_change(program: &Program) {
    furnish(program);
    let file = "id,title,text,body,requester\n1,No wifi,wrong,right,rita@acme.example\n";
    let file = program.file("map.csv", file);
    let _ = program.json(import(&file, &["--map", "description=text"]));

    let again = program.run(import(&file, &["--map", "description=body"]));

    assert_eq!(again.code, Some(0), "{again:?}");
    let told = "description was read from `text`, now from `body`";
    assert!(again.printed.contains("were not changed"), "{again:?}");
    assert!(again.printed.contains(told), "{again:?}");
}

fn exit_codes_say_what_became_of_the_rows(program: &Program) {
    furnish(program);
    let bad = "id,title,requester\n1,a,nobody@acme.example\n2,b,nobody@acme.example\n";
    let bad = program.file("allbad.csv", bad);
    let all = program.json_of(3, import(&bad, &[]));
    assert_eq!((counts(&all), &all["exit"]), ([0, 0, 2], &json!(3)));
    let good = program.file("good.csv", rows(2));
    assert_eq!(program.run(import(&good, &[])).code, Some(0));
    assert_eq!(program.run(import("nowhere.csv", &[])).code, Some(1));
    assert_eq!(program.run(import(&good, &["--zone", "Berlin"])).code, Some(2));
    let help = program.run(["import", "tickets", "--help"]);
    assert!(help.printed.contains("Exit codes") && help.printed.contains("--zone"), "{help:?}");
}

fn a_column_that_is_there_twice_is_told(program: &Program) {
    furnish(program);
    let file = "id,title,title,requester,priority\n1,first,second,rita@acme.example,2\n";
    let file = program.file("twice.csv", file);
    let refused = program.run(import(&file, &[]));
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let told = "the column `title` is there twice (columns 2 and 3); rename one";
    assert!(refused.said.contains(told), "{refused:?}");

    let file = "id,title,subject,requester,priority\n1,first,second,rita@acme.example,2\n";
    let file = program.file("unused.csv", file);
    let done = program.run(import(&file, &[]));
    assert!(done.is_ok && done.printed.contains("Not imported: subject, priority"), "{done:?}");
}

fn separator_and_encoding_are_named(program: &Program) {
    furnish(program);
    let latin = b"Nummer;Titel;Kunde\n1;Drucker hei\xdf;rita@acme.example\n";
    let file = program.file("semi.csv", latin);
    let maps = ["--map", "short_description=Titel", "--map", "external_id=Nummer"];
    let maps = [maps, ["--map", "requester=Kunde", "--encoding", "windows-1252"]].concat();
    let guessed = program.run(import(&file, &maps[..6]));
    assert_eq!(guessed.code, Some(1), "{guessed:?}");
    assert!(guessed.said.contains("is not UTF-8: line 2 holds the byte 0xDF"), "{guessed:?}");
    assert!(guessed.said.contains("--encoding "), "{guessed:?}");
    let unmapped = program.run(import(&file, &["--encoding", "windows-1252"]));
    assert_eq!(unmapped.code, Some(1), "{unmapped:?}");
    for told in ["separated by semicolons", "Nummer, Titel, Kunde", "--map description=COLUMN"] {
        assert!(unmapped.said.contains(told), "{told}: {unmapped:?}");
    }

    let done = program.run(import(&file, &maps));

    assert!(done.is_ok, "{done:?}");
    let told = "semi.csv: windows-1252, separated by semicolons, 3 columns, 1 row on 2 lines";
    assert!(done.printed.contains(told), "{done:?}");
    assert_eq!(tickets(program)[0]["short_description"], "Drucker hei\u{df}");
    let tabbed: Vec<u8> =
        rows(2).replace(',', "\t").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let tabbed = program.json(import(&program.file("tabbed.csv", tabbed), &[]));
    assert_eq!((&tabbed["encoding"], &tabbed["separator"]), (&json!("UTF-16LE"), &json!("tabs")));
    assert_eq!(counts(&tabbed), [2, 0, 0]);
}

fn plain_times_are_of_the_zone_that_is_named(program: &Program) {
    furnish(program);
    let file = "id,title,opened,requester\n\
        1,plain,2022-07-01 00:30,rita@acme.example\n\
        2,offset,2022-07-01T21:34:00+0200,rita@acme.example\n\
        3,gap,2026-03-29 02:30,rita@acme.example\n\
        4,leap,2016-12-31T23:59:60Z,rita@acme.example\n\
        5,german,01.07.2022 12:00,rita@acme.example\n";
    let file = program.file("dates.csv", file);
    let told = program.run(import(&file, &["--dry-run"]));
    assert!(told.printed.contains("Times without an offset are read in UTC (--zone)"), "{told:?}");

    let zone = ["--zone", "Europe/Berlin", "--time-format", "%d.%m.%Y %H:%M"];
    let done = program.json_of(3, import(&file, &zone));

    assert_eq!(counts(&done), [3, 0, 2], "{done}");
    let refused: Vec<_> =
        (0..2).map(|at| done["first_refusals"][at]["message"].as_str().unwrap()).collect();
    assert_eq!(refused[0], "02:30 on 2026-03-29 does not exist in Europe/Berlin.");
    assert!(refused[1].contains("the second :60 is not kept"), "{refused:?}");
    let opened = |title: &str| {
        let tickets = tickets(program);
        let found = tickets.iter().find(|ticket| ticket["short_description"] == title).unwrap();
        found["opened_at"].as_str().unwrap().to_owned()
    };
    assert!(opened("plain").starts_with("2022-06-30T22:30:00"), "{}", opened("plain"));
    assert!(opened("offset").starts_with("2022-07-01T19:34:00"), "{}", opened("offset"));
    assert!(opened("german").starts_with("2022-07-01T10:00:00"), "{}", opened("german"));
}

fn a_dry_run_tells_what_would_be_and_stores_nothing(program: &Program) {
    furnish(program);
    let file = format!("{}T1,again,rita@acme.example\nT3,bad,nobody@acme.example\n", rows(2));
    let file = program.file("tickets.csv", file);

    let dry = program.json_of(3, import(&file, &["--dry-run", "--batch", "1"]));

    assert_eq!((counts(&dry), &dry["dry_run"]), ([2, 1, 1], &json!(true)), "{dry}");
    assert!(tickets(program).is_empty());
    assert_eq!(program.json(["import", "list", "--org", "acme"]), json!([]));
    assert_eq!(counts(&program.json_of(3, import(&file, &[]))), [2, 1, 1]);
}
