//! The command line: the same desk, from a shell.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use waypost_test_support::{Guest, Program, costly, policy};

use crate::policies::teams_by_words;

macro_rules! by_command_line {
    ($($story:ident)*) => {
        mod sqlite {
            $(
                #[test]
                fn $story() {
                    super::$story(&waypost_test_support::Program::sqlite().sharing_policies());
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    let path = concat!(module_path!(), "::", stringify!($story));
                    let program = waypost_test_support::Program::postgres(path).await;
                    let program = program.sharing_policies();
                    tokio::task::block_in_place(|| super::$story(&program));
                }
            )*
        }
    };
}

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
    the_server_finishes_what_it_began_and_keeps_what_it_answered
    a_wrong_word_is_told_with_its_remedy
    showing_a_file_or_a_refused_bind_leaves_nothing
    a_test_run_tells_by_its_exit_code_how_it_ended
    a_policy_is_named_by_its_version_or_the_beginning_of_its_digest
    the_same_version_with_other_code_is_warned_about
    history_says_what_each_revision_changed
    the_settings_in_force_are_printed_as_they_were_given
    a_paused_binding_is_told_by_bindings_and_order
    a_dry_run_warns_of_names_that_nobody_has_and_changes_nothing
    a_server_that_starts_prepares_the_policies_in_force
    a_component_that_costs_too_much_is_refused_and_the_next_is_taken_in
    while_one_organization_uploads_what_is_costly_another_binds_and_is_served
    a_reason_forges_no_line
    p4_the_audit_trail_is_exported_as_json_lines
    records_are_looked_over_for_what_must_be_true
    receipts_are_listed_to_their_end
    major_rules_are_applied_from_a_desk_file
    a_desk_file_s_plan_of_tasks_is_applied_once
    a_policy_is_bound_to_the_hooks_that_are_named_or_to_all_that_it_serves
    a_desk_file_s_binding_of_several_hooks_is_applied_once
    a_problem_is_opened_shown_worked_on_and_listed
}

const DESK: &str = r#"
[organization]
key = "acme"
name = "Acme"
kind = "client"
zone = "Europe/Berlin"

[[people]]
name = "Ada"
email = "ada@acme.example"
role = "admin"

[[people]]
name = "Rita"
email = "rita@acme.example"
role = "requester"

[[teams]]
key = "network"
name = "Network"
members = ["ada@acme.example"]
"#;

fn furnish(program: &Program) {
    let _ = program.json(["migrate"]);
    let _ = program.json(["org", "apply", &program.file("desk.toml", DESK)]);
    let router = program.file("team-router.wasm", policy("team-router"));
    let settings = teams_by_words(&[("wifi", "network")]).to_string();
    let settings = program.file("settings.json", settings);
    let words =
        ["policy", "bind", &router, "--org", "acme", "--hook", "route", "--settings", &settings];
    let _ = program.json(words);
}

fn a_policy_is_bound_to_the_hooks_that_are_named_or_to_all_that_it_serves(program: &Program) {
    furnish(program);
    let chain = program.file("approval-chain.wasm", policy("approval-chain"));
    let settings = program.file("chain.json", json!({ "otherwise": "ask_manager" }).to_string());
    let bind = ["policy", "bind", &chain, "--org", "acme", "--settings", &settings];
    let all = program.json(bind);
    assert_eq!((&all["name"], &all["active"]["position"]), (&json!("approval-chain"), &json!(10)));
    assert_eq!(all["active"]["hooks"], json!(["plan", "stalled"]));
    let twice = ["--hook", "stalled", "--hook", "plan"];
    let second = program.json(bind.into_iter().chain(twice));
    assert_eq!(second["name"], "approval-chain-stalled-plan");
    assert_eq!(second["active"]["position"], 20, "after the other one at both hooks");
    let wrong = program.run(bind.into_iter().chain(["--hook", "route"]));
    assert!(!wrong.is_ok && wrong.said.contains("it serves plan, stalled"), "{wrong:?}");

    let revise = ["policy", "revise", "approval-chain", "--org", "acme", "--hook", "plan"];
    assert_eq!(program.json(revise)["active"]["hooks"], json!(["plan"]));
    let order = program.json(["policy", "order", "--org", "acme", "--hook", "stalled"]);
    assert_eq!(order[0]["asked"].as_array().unwrap().len(), 1, "{order}");
    let back = program.json(["policy", "rollback", "approval-chain", "--org", "acme"]);
    assert_eq!(back["active"]["hooks"], json!(["plan", "stalled"]));

    let lines = audited(program, &[]);
    let of = |kind: &str| lines.iter().find(|line| line["record"] == kind).unwrap();
    assert_eq!(of("binding_switch")["hooks"], json!(["plan", "stalled"]));
    let bound = program.run(["policy", "bindings", "--org", "acme"]);
    assert!(bound.printed.contains("plan, stalled"), "{bound:?}");
}

fn a_desk_file_s_binding_of_several_hooks_is_applied_once(program: &Program) {
    let _ = program.json(["migrate"]);
    let _ = program.file("approval-chain.wasm", policy("approval-chain"));
    let _ = program.file("chain.json", json!({ "otherwise": "ask_manager" }).to_string());
    let desk = format!(
        "{DESK}
[policies]
approval-chain = \"approval-chain.wasm\"

[[bindings]]
name = \"approvals\"
policy = \"approval-chain\"
settings_file = \"chain.json\"
"
    );
    let apply = |text: &str| {
        let file = program.file("desk.toml", text);
        program.json(["org", "apply", &file])
    };
    let hooks = || {
        let bound = program.json(["policy", "bindings", "--org", "acme"]);
        bound[0]["active"]["hooks"].clone()
    };

    let _ = apply(&desk);
    assert_eq!(hooks(), json!(["plan", "stalled"]));
    assert_eq!(apply(&desk)["changed"], json!([]));
    let named = format!("{desk}hooks = [\"stalled\", \"plan\"]\n");
    assert_eq!(apply(&named)["changed"], json!([]));
    let fewer = format!("{desk}hooks = [\"plan\"]\n");
    assert_eq!(apply(&fewer)["changed"], json!(["acme: binding approvals"]));
    assert_eq!(hooks(), json!(["plan"]));
}

fn major_rules_are_applied_from_a_desk_file(program: &Program) {
    let _ = program.json(["migrate"]);
    let rules = r#"
[[organization.major_rules]]
name = "core service down"
priority_at_most = 1
criticality_at_least = "high"
promote = { manager = "ada@acme.example", communication_owner = "ada@acme.example", update_minutes = 30 }

[[organization.major_rules]]
name = "many parts"
children_more_than = 20
"#;
    let desk = DESK.replacen("\n[[people]]", &format!("{rules}\n[[people]]"), 1);
    let file = program.file("desk.toml", &desk);
    let _ = program.json(["org", "apply", &file]);

    let again = program.json(["org", "apply", &file]);

    assert_eq!(again["changed"], json!([]), "{again}");
    let shown = program.json(["org", "show", "acme"]);
    let stored = &shown["settings"]["major_rules"];
    assert_eq!(
        (&stored[0]["priority_at_most"], &stored[0]["promote"]["update_minutes"]),
        (&json!(1), &json!(30))
    );
    assert_eq!((&stored[1]["name"], &stored[1]["promote"]), (&json!("many parts"), &Value::Null));
    let wrong = desk.replace("children_more_than = 20", "children_more_than = 500");
    let refused = program.run(["org", "apply", &program.file("wrong.toml", wrong)]);
    let pointer = "major_rules/1/children_more_than";
    assert!(!refused.is_ok && refused.said.contains(pointer), "{refused:?}");
}

fn a_desk_file_s_plan_of_tasks_is_applied_once(program: &Program) {
    const LAPTOP: &str = r#"
[[catalog]]
key = "laptop"
name = "Laptop"
delivery_hours = 40
tasks = [
    { key = "buy", short_description = "Buy it", team = "network" },
    { key = "hand-over", short_description = "Hand it over", depends_on = ["buy"], mandatory = false },
]
"#;
    let _ = program.json(["migrate"]);
    let apply = |text: &str| {
        program.json(["org", "apply", &program.file("desk.toml", format!("{DESK}{text}"))])
    };
    let item = json!(["acme: catalog item laptop"]);

    let _ = apply("");
    assert_eq!(apply(LAPTOP)["created"], item);
    let again = apply(LAPTOP);
    assert_eq!((&again["created"], &again["changed"]), (&json!([]), &json!([])));
    assert_eq!(apply(&LAPTOP.replace("Buy it", "Buy a light one"))["changed"], item);
    assert_eq!(apply(&LAPTOP.replace("40", "16"))["changed"], item);
    let wrong =
        program.file("desk.toml", format!("{DESK}{}", LAPTOP.replace("\"buy\"]", "\"sell\"]")));
    let refused = program.run(["org", "apply", &wrong]);
    assert!(!refused.is_ok && refused.said.contains("sell"), "{}", refused.said);
}

fn rows(count: u32) -> String {
    (1..=count).fold("number,title,requester\n".to_owned(), |mut file, row| {
        let _ = writeln!(file, "T{row},No wifi in room {row},rita@acme.example");
        file
    })
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
    assert!(refused.contains("5,4,refused,,,requester,requester,unknown,"), "{refused}");
    assert!(refused.contains("6,5,refused,,,short_description,title,missing,"), "{refused}");
    let explained = program.json(["explain", "INC0000001", "--org", "acme"]);
    assert!(explained["sentences"].to_string().contains("Its team is Network"), "{explained}");
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

fn the_server_finishes_what_it_began_and_keeps_what_it_answered(program: &Program) {
    furnish(program);
    let words = ["token", "create", "--org", "acme", "--name", "t", "--role", "agent"];
    let token = program.json(words)["secret"].as_str().unwrap().to_owned();
    let server = program.serve();
    let ticket = json!({ "short_description": "No wifi, says zebracross", "requester": "rita@acme.example" });

    let (status, created) =
        server.send("POST", "/api/v1/incidents", &token, &ticket.to_string()).unwrap();
    assert_eq!((status, &created["team"]["key"]), (201, &json!("network")), "{created}");
    let (refused, _) = server.get("/api/v1/tickets", "wp_none").unwrap();
    assert_eq!(refused, 401);
    let log = server.log();
    assert!(log.contains("INFO"), "{log}");
    assert!(!log.contains(&token) && !log.contains("zebracross"), "{log}");
    assert!(server.stop(), "it ends well");

    let server = program.serve();
    let path = format!("/api/v1/tickets/{}", created["number"].as_str().unwrap());
    assert_eq!(server.get(&path, &token), Some((200, created)));
}

fn a_wrong_word_is_told_with_its_remedy(program: &Program) {
    let secret = ["config", "--set", "mail_password=hushhush"];
    let config = program.run(secret);
    assert!(config.is_ok && config.printed.contains("mail_password"), "{config:?}");
    assert!(!config.printed.contains("hushhush"));

    let unknown = program.run(["config", "--set", "listne=127.0.0.1:1"]);
    assert!(!unknown.is_ok && unknown.said.contains("listne"), "{unknown:?}");
    let _ = program.run(["migrate"]);
    let nowhere = program.run(["org", "show", "nowhere"]);
    assert!(!nowhere.is_ok && nowhere.said.contains("nowhere"), "{nowhere:?}");
    let nobody = program.run(["token", "list", "--org", "nowhere"]);
    assert!(nobody.said.contains("there is no organization `nowhere` in "), "{nobody:?}");
    assert!(nobody.said.contains("waypost org list"), "{nobody:?}");
    let wasm = program.file("broken.wasm", "hello");
    let refused = program.run(["policy", "upload", &wasm, "--org", "platform"]);
    assert!(!refused.is_ok && refused.said.contains("component"), "{refused:?}");
    let bind = ["policy", "bind", "p", "--org", "platform", "--hook", "route", "--memory-mib"];
    let endless = program.run(bind.into_iter().chain(["18446744073709551615"]));
    assert!(!endless.is_ok && endless.said.contains("--memory-mib"), "{endless:?}");
    let help = program.run(["policy", "bind", "--help"]);
    assert!(help.is_ok && !help.printed.contains("escalate"), "{help:?}");
}

/// Commands that read or change what is there, each of another group.
const COMMANDS: [&[&str]; 8] = [
    &["org", "list"],
    &["token", "list", "--org", "acme"],
    &["policy", "list", "--org", "acme"],
    &["policy", "test-run", "a", "--org", "acme", "--hook", "route", "--ticket", "ticket.json"],
    &["ticket", "list", "--org", "acme"],
    &["explain", "INC0000001", "--org", "acme"],
    &["receipts", "list", "--org", "acme"],
    &["audit", "check", "--org", "acme"],
];

#[test]
fn a_command_in_an_empty_folder_makes_nothing_and_says_where_it_looked() {
    let folder = tempfile::tempdir().unwrap();
    for words in COMMANDS {
        let ran = Program::run_in(folder.path(), words);
        assert!(!ran.is_ok, "{ran:?}");
        let place = folder.path().canonicalize().unwrap().join("waypost-data/waypost.db");
        for expected in [place.to_str().unwrap(), "--data DIR", "waypost org create"] {
            assert!(ran.said.contains(expected), "{expected}: {}", ran.said);
        }
        assert_eq!(folder.path().read_dir().unwrap().count(), 0, "{words:?} made something");
    }
}

/// A PostgreSQL server's databases are made by other means, so only SQLite has such a story.
#[test]
fn a_command_without_a_database_makes_none_and_creating_an_organization_does() {
    let program = Program::sqlite();
    for words in COMMANDS {
        let ran = program.run(words);
        assert!(!ran.is_ok && ran.said.contains("there is no Waypost database in"), "{ran:?}");
    }
    let _ = program.json(["org", "create", "acme", "--name", "Acme"]);
    let listed = program.json(["org", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 2, "{listed}");
}

fn showing_a_file_or_a_refused_bind_leaves_nothing(program: &Program) {
    let _ = program.json(["migrate"]);
    let _ = program.json(["org", "apply", &program.file("desk.toml", DESK)]);
    let router = program.file("team-router.wasm", policy("team-router"));
    let policies = || program.json(["policy", "list", "--org", "acme"]);

    let shown = program.json(["policy", "show", &router, "--org", "acme"]);
    assert_eq!((&shown["name"], &shown["uploaded_at"]), (&json!("team-router"), &Value::Null));
    assert_eq!(policies(), json!([]));

    let wrong = program.file("wrong.json", json!({ "nonsense": true }).to_string());
    let bind = ["policy", "bind", &router, "--org", "acme", "--settings"];
    let refused = program.run(bind.into_iter().chain([wrong.as_str()]));
    assert!(!refused.is_ok && refused.said.contains("nonsense"), "{refused:?}");
    let desk = format!(
        "{DESK}
[policies]
team-router = \"team-router.wasm\"

[[bindings]]
name = \"routing\"
policy = \"team-router\"
settings_file = \"wrong.json\"
"
    );
    let refused = program.run(["org", "apply", &program.file("desk.toml", &desk)]);
    assert!(!refused.is_ok && refused.said.contains("nonsense"), "{refused:?}");
    assert_eq!(policies(), json!([]));

    let fine = teams_by_words(&[("wifi", "network")]).to_string();
    let _ = program.file("fine.json", fine);
    let fine = desk.replace("wrong.json", "fine.json");
    let applied = program.json(["org", "apply", &program.file("desk.toml", fine)]);
    let created = json!(["acme: policy team-router", "acme: binding routing"]);
    assert_eq!(applied["created"], created);
    assert_eq!(policies().as_array().unwrap().len(), 1);
}

fn a_test_run_tells_by_its_exit_code_how_it_ended(program: &Program) {
    const GROW: &str = "(loop $more
        (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
        (br $more))";
    let ticket = program.file("ticket.json", "{}");
    let settings = program.file("settings.json", r#"{ "team": 5 }"#);
    let run = |guest: Guest| {
        let file = program.file("guest.wasm", guest.build());
        let words = ["policy", "test-run", &file, "--hook", "route", "--ticket", &ticket];
        program.run(words.into_iter().chain(["--settings", &settings]))
    };
    let forever = "(loop $forever (br $forever))";
    let strict = r#"{ "properties": { "team": { "type": "string" } } }"#;
    for (guest, code, said) in [
        (Guest::new(), 0, ""),
        (Guest::new().before_answer("unreachable"), 10, "failed (trap)"),
        (Guest::new().before_answer(forever), 11, "failed (out_of_fuel)"),
        (Guest::new().before_answer(GROW), 13, "failed (memory)"),
        (Guest::new().route("i32.const -65536"), 14, "failed (bad_answer)"),
        (Guest::new().schema(strict), 1, "5 is not of type"),
    ] {
        let ran = run(guest);
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(format!("{}{}", ran.printed, ran.said).contains(said), "{ran:?}");
    }
    let usage = program.run(["policy", "test-run"]);
    assert_eq!(usage.code, Some(2), "{usage:?}");
}

fn a_policy_is_named_by_its_version_or_the_beginning_of_its_digest(program: &Program) {
    furnish(program);
    let policies = program.json(["policy", "list", "--org", "acme"]);
    let (digest, version) =
        (policies[0]["digest"].as_str().unwrap(), policies[0]["version"].as_str().unwrap());
    let hex = digest.strip_prefix("sha256:").unwrap();
    let named = format!("team-router@{version}");
    for name in ["team-router", &named, digest, &hex[..7], &digest[..20]] {
        let shown = program.json(["policy", "show", name, "--org", "acme"]);
        assert_eq!(shown["digest"], digest, "{name}");
    }
    for unknown in ["team-router@0.0.0-none", "fffffff", &hex[..6]] {
        let ran = program.run(["policy", "show", unknown, "--org", "acme"]);
        assert!(!ran.is_ok && ran.said.contains("waypost policy list"), "{unknown}: {ran:?}");
    }
    let table = program.run(["policy", "list", "--org", "acme"]);
    assert!(table.printed.contains(&hex[..12]) && !table.printed.contains(digest), "{table:?}");
}

fn the_same_version_with_other_code_is_warned_about(program: &Program) {
    let _ = program.json(["migrate"]);
    let _ = program.json(["org", "apply", &program.file("desk.toml", DESK)]);
    let upload = |guest: Guest| {
        let file = program.file("guest.wasm", guest.build());
        program.run(["policy", "upload", &file, "--org", "acme", "--json"])
    };
    let first = upload(Guest::new());
    assert!(first.is_ok && !first.said.contains("other code"), "{first:?}");
    let first: Value = serde_json::from_str(&first.printed).unwrap();
    assert_eq!(first["same_version_as"], json!([]));

    let second = upload(Guest::new().before_answer("nop"));

    assert!(second.is_ok && second.said.contains("other code"), "{second:?}");
    let second: Value = serde_json::from_str(&second.printed).unwrap();
    assert_eq!(second["same_version_as"], json!([first["digest"]]));
    let name = first["name"].as_str().unwrap();
    let several = program.run(["policy", "show", name, "--org", "acme"]);
    let digest = &first["digest"].as_str().unwrap()["sha256:".len()..][..12];
    assert!(!several.is_ok && several.said.contains(digest), "{several:?}");
}

fn history_says_what_each_revision_changed(program: &Program) {
    furnish(program);
    let bound = program.json(["policy", "bindings", "--org", "acme"]);
    let name = bound[0]["name"].as_str().unwrap();
    let settings = teams_by_words(&[("lan", "network")]).to_string();
    let settings = program.file("settings.json", settings);
    let words = ["policy", "revise", name, "--org", "acme", "--position", "30", "--settings"];
    let _ = program.json(words.into_iter().chain([settings.as_str()]));

    let history = program.json(["policy", "history", name, "--org", "acme"]);

    assert_eq!(history["revisions"][0]["changes"], json!([]));
    let changes = history["revisions"][1]["changes"].to_string();
    for expected in ["position: was 10, is 30", "settings /rules/0/name: was "] {
        assert!(changes.contains(expected), "{expected}: {changes}");
    }
    let table = program.run(["policy", "history", name, "--org", "acme"]);
    assert!(table.printed.contains("position: was 10, is 30"), "{table:?}");
}

fn the_settings_in_force_are_printed_as_they_were_given(program: &Program) {
    let _ = program.json(["migrate"]);
    let _ = program.json(["org", "apply", &program.file("desk.toml", DESK)]);
    let strict = r#"{ "properties": { "a": {} }, "additionalProperties": false }"#;
    let guest = program.file("guest.wasm", Guest::new().schema(strict).build());
    let bind = |settings: &str| {
        let settings = program.file("settings.json", settings);
        let data = program.file("rooms.csv", "room\n1\n");
        let words = ["policy", "bind", &guest, "--org", "acme", "--name", "guest"];
        program.json(words.into_iter().chain(["--data-file", &data, "--settings", &settings]))
    };
    let printed = |words: &[&str]| {
        let all = [&["policy", "settings", "guest", "--org", "acme"], words].concat();
        program.run(all).printed
    };
    let _ = bind(r#"{ "a": 1.50 }"#);
    assert_eq!(printed(&[]), "{ \"a\": 1.50 }\n");
    assert_eq!(printed(&["--data-file", "rooms.csv"]), "room\n1\n");

    let named = program.file("named.json", r#"{ "$schema": "./s.json", "a": 2.50 }"#);
    let _ =
        program.json(["policy", "revise", "guest", "--org", "acme", "--settings", named.as_str()]);
    assert_eq!(printed(&[]), "{\"a\":2.50}\n");
    assert_eq!(printed(&["--revision", "1"]), "{ \"a\": 1.50 }\n");

    for org in [&[][..], &["--org", "acme"]] {
        let ran = program.run(["policy", "schema", &guest].iter().chain(org));
        let schema: Value = serde_json::from_str(&ran.printed).unwrap();
        assert_eq!(schema["properties"]["$schema"]["type"], "string", "{ran:?}");
    }
}

fn a_dry_run_warns_of_names_that_nobody_has_and_changes_nothing(program: &Program) {
    let _ = program.json(["migrate"]);
    let _ = program.json(["org", "apply", &program.file("desk.toml", DESK)]);
    let router = program.file("team-router.wasm", policy("team-router"));
    let settings = teams_by_words(&[("wifi", "netwrok"), ("lan", "network")]).to_string();
    let settings = program.file("settings.json", settings);
    let bind = ["policy", "bind", &router, "--org", "acme", "--settings", &settings];

    let tried = program.run(bind.into_iter().chain(["--dry-run"]));

    assert!(tried.is_ok, "{tried:?}");
    assert!(tried.said.contains("Warning: settings/rules/0/to/team: "), "{tried:?}");
    assert!(tried.said.contains("netwrok") && !tried.said.contains("rules/1"), "{tried:?}");
    assert!(tried.printed.contains("Would bind"), "{tried:?}");
    for list in ["bindings", "list"] {
        assert_eq!(program.json(["policy", list, "--org", "acme"]), json!([]), "{list}");
    }

    let bound = program.json(bind);
    let pointers = |binding: &Value| {
        let warnings = binding["warnings"].as_array().unwrap().iter();
        warnings.map(|warning| warning["pointer"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(pointers(&bound), ["/settings/rules/0/to/team"]);
    let fine = program.file("fine.json", teams_by_words(&[("wifi", "network")]).to_string());
    let name = bound["name"].as_str().unwrap();
    let revised =
        program.json(["policy", "revise", name, "--org", "acme", "--settings", fine.as_str()]);
    assert!(pointers(&revised).is_empty(), "{revised}");
}

fn a_paused_binding_is_told_by_bindings_and_order(program: &Program) {
    let _ = program.json(["migrate"]);
    let _ = program.json(["org", "apply", &program.file("desk.toml", DESK)]);
    let broken = Guest::new().before_answer("unreachable").build();
    let broken = program.file("broken.wasm", broken);
    let bind = ["policy", "bind", &broken, "--org", "acme", "--name", "broken"];
    let _ = program.json(bind);
    let words = ["token", "create", "--org", "acme", "--name", "t", "--role", "agent"];
    let token = program.json(words)["secret"].as_str().unwrap().to_owned();
    let server = program.serve();
    let report = || {
        let ticket = json!({ "short_description": "No wifi", "requester": "rita@acme.example" });
        let path = "/api/v1/incidents";
        let (status, made) = server.send("POST", path, &token, &ticket.to_string()).unwrap();
        assert_eq!(status, 201, "{made}");
        made["policy_failures"].clone()
    };
    for _ in 0..5 {
        assert_eq!(report(), "route: trap");
    }
    assert_eq!(report(), "route: breaker_open");

    let bound = program.json(["policy", "bindings", "--org", "acme"]);
    assert_eq!(bound[0]["paused"][0]["hook"], "route", "{bound}");
    let order = program.json(["policy", "order", "--org", "acme", "--hook", "route"]);
    assert_eq!(order[0]["asked"][0]["paused"], bound[0]["paused"], "{order}");
    let table = program.run(["policy", "bindings", "--org", "acme"]).printed;
    assert!(table.contains("paused after failures at route until "), "{table}");
    let told = program.run(["policy", "order", "--org", "acme", "--hook", "route"]).printed;
    assert!(told.contains("(paused until "), "{told}");

    let enabled = program.json(["policy", "enable", "broken", "--org", "acme"]);
    assert_eq!(enabled["paused"], json!([]));
    assert_eq!(report(), "route: trap", "the server asks it again");
    assert!(server.stop(), "it ends well");
}

fn a_server_that_starts_prepares_the_policies_in_force(program: &Program) {
    // A folder of its own, of which it can take everything away.
    let artifacts = program.data_folder().join("artifacts");
    std::fs::remove_file(&artifacts).unwrap();
    furnish(program);
    let kept = || {
        let files = std::fs::read_dir(&artifacts).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| file.extension() == Some("artifact".as_ref())).collect::<Vec<_>>()
    };
    let before = kept();
    assert!(!before.is_empty());
    for artifact in &before {
        std::fs::remove_file(artifact).unwrap();
    }

    let server = program.serve();

    let began = Instant::now();
    while !server.log().contains("prepared the active policies") {
        assert!(began.elapsed() < Duration::from_mins(2), "{}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(server.log().contains("ready=1 broken=0"), "{}", server.log());
    assert!(!kept().is_empty(), "what was compiled is kept");
    assert!(server.stop(), "it ends well");
}

fn a_component_that_costs_too_much_is_refused_and_the_next_is_taken_in(program: &Program) {
    let _ = program.run(["migrate"]);
    let file = program.file("costly.wasm", costly(60));
    let upload = ["policy", "upload", &file, "--org", "platform"];
    // Behind the command it would replace the settings before it.
    let refused = program.run(["--set", "policy_compile_seconds=2"].into_iter().chain(upload));
    assert!(!refused.is_ok && refused.said.contains("takes more than 2 s"), "{refused:?}");

    let good = program.file("good.wasm", Guest::new().build());
    let taken = program.run(["policy", "upload", &good, "--org", "platform"]);
    assert!(taken.is_ok, "{taken:?}");
}

fn while_one_organization_uploads_what_is_costly_another_binds_and_is_served(program: &Program) {
    furnish(program);
    let greedy = DESK.replace("acme", "greedy").replace("Acme", "Greedy");
    let _ = program.json(["org", "apply", &program.file("greedy.toml", greedy)]);
    let token = |org: &str, role: &str| {
        let words = ["token", "create", "--org", org, "--name", role, "--role", role];
        program.json(words)["secret"].as_str().unwrap().to_owned()
    };
    let (greedy, admin, agent) =
        (token("greedy", "admin"), token("acme", "admin"), token("acme", "agent"));
    let server = program.serve();
    // Each would take longer than this test.
    let uploads = [60, 61, 62].map(|functions| server.begin_upload(&greedy, &costly(functions)));
    std::thread::sleep(Duration::from_millis(500));

    let began = Instant::now();
    let (status, policy) = server.upload(&admin, &Guest::new().build()).unwrap();
    assert_eq!(status, 201, "{policy}");
    let binding = json!({
        "hooks": ["route"], "name": "all-to-network", "position": 5, "component": policy["digest"], "settings": {},
    });
    let (status, bound) =
        server.send("POST", "/api/v1/bindings", &admin, &binding.to_string()).unwrap();
    assert_eq!(status, 201, "{bound}");
    let ticket = json!({ "short_description": "No mouse", "requester": "rita@acme.example" });
    let (status, ticket) =
        server.send("POST", "/api/v1/incidents", &agent, &ticket.to_string()).unwrap();
    assert_eq!((status, &ticket["team"]["key"]), (201, &json!("network")), "{ticket}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());

    drop(uploads);
    assert!(server.stop(), "it ends well, though it was compiling");
}

fn a_reason_forges_no_line(program: &Program) {
    let _ = program.json(["migrate"]);
    let _ = program.json(["org", "apply", &program.file("desk.toml", DESK)]);
    let forger = Guest::new().reason(b"x\n  route: other of acme, revision 9: applied");
    let forger = program.file("forger.wasm", forger.build());
    let settings = program.file("settings.json", "{}");
    let bind = ["policy", "bind", &forger, "--org", "acme", "--hook", "route"];
    let _ = program.json(bind.into_iter().chain(["--settings", &settings]));
    let open = ["ticket", "open", "--kind", "incident", "--org", "acme", "--field"];
    let fields = ["short_description=No wifi", "--field", "requester=rita@acme.example"];
    let opened = program.json(open.into_iter().chain(fields));

    let number = opened["number"].as_str().unwrap();
    let told = program.run(["explain", number, "--org", "acme"]);

    let decisions = told.printed.lines().filter(|line| line.starts_with("  route:")).count();
    assert_eq!(decisions, 1, "{told:?}");
    assert!(told.printed.contains("because: x"), "{told:?}");
}

fn audited(program: &Program, words: &[&str]) -> Vec<Value> {
    let ran = program.run([&["audit", "export", "--org", "acme"], words].concat());
    assert!(ran.is_ok, "{ran:?}");
    ran.printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn p4_the_audit_trail_is_exported_as_json_lines(program: &Program) {
    furnish(program);
    // More than a page of events and of receipts.
    let file = program.file("tickets.csv", rows(210));
    let _ = program.json(["import", "tickets", &file, "--org", "acme", "--source", "old"]);
    let bound = program.json(["policy", "bindings", "--org", "acme"]);
    let name = bound[0]["name"].as_str().unwrap();
    let _ = program.json(["policy", "disable", name, "--org", "acme"]);

    let lines = audited(program, &[]);

    let of = |kind: &str| lines.iter().filter(|line| line["record"] == kind).collect::<Vec<_>>();
    assert_eq!(of("receipt").len(), 210);
    assert_eq!((of("binding_revision").len(), of("binding_switch").len()), (1, 1));
    let events = of("event");
    let created = events.iter().filter(|event| event["action"] == "create");
    assert_eq!(created.count(), 210);
    let assigned = events.iter().find(|event| event["actor"]["kind"] == "policy").unwrap();
    assert_eq!(assigned["policy_digest"], of("binding_revision")[0]["component"]);
    assert_eq!(assigned["policy_digest"], of("receipt")[0]["component"]);
    let switch = of("binding_switch")[0];
    assert_eq!((&switch["what"], &switch["by"]["kind"]), (&json!("disabled"), &json!("system")));
    assert!(audited(program, &["--to", "2020-01-01T00:00:00Z"]).is_empty());

    let file = program.file("audit.jsonl", "");
    let told = program.json(["audit", "export", "--org", "acme", &file]);
    assert_eq!((&told["receipts"], &told["bindings"]), (&json!(210), &json!(2)), "{told}");
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), lines.len());
}

fn records_are_looked_over_for_what_must_be_true(program: &Program) {
    furnish(program);
    let file = program.file("tickets.csv", rows(10));
    let _ = program.json(["import", "tickets", &file, "--org", "acme", "--source", "old"]);
    let checked = program.json(["audit", "check", "--org", "acme"]);
    assert_eq!(checked["broken"], json!([]));
    assert!(checked["checked"].as_array().unwrap().contains(&json!("history_is_whole")));
    assert!(!program.run(["audit", "check", "--org", "nobody"]).is_ok);
}

fn receipts_are_listed_to_their_end(program: &Program) {
    furnish(program);
    let file = program.file("tickets.csv", rows(210));
    let _ = program.json(["import", "tickets", &file, "--org", "acme", "--source", "old"]);
    for (limit, expected) in [("3", 3), ("205", 205), ("0", 210)] {
        let listed = program.json(["receipts", "list", "--org", "acme", "--limit", limit]);
        assert_eq!(listed.as_array().unwrap().len(), expected);
    }
}

fn a_problem_is_opened_shown_worked_on_and_listed(program: &Program) {
    const SERVICE: &str = r#"
[[services]]
key = "wifi"
name = "Wifi"
support_team = "network"
"#;
    let _ = program.json(["migrate"]);
    let desk = program.file("desk.toml", format!("{DESK}{SERVICE}"));
    let _ = program.json(["org", "apply", &desk]);
    let ticket = |words: &[&str], fields: &[&str]| {
        let fields = fields.iter().flat_map(|field| ["--field", field]);
        let words = ["ticket"].into_iter().chain(words.iter().copied());
        words.chain(["--org", "acme"]).chain(fields).map(str::to_owned).collect::<Vec<_>>()
    };
    let act = |action: &str, fields: &[&str]| {
        program.json(ticket(&["act", "PRB0000001", action], fields))
    };

    let opened = program
        .json(ticket(&["open", "--kind", "problem"], &["short_description=Wifi drops at noon"]));
    assert_eq!((&opened["number"], &opened["state"]), (&json!("PRB0000001"), &json!("new")));
    let assessed = act("assess", &["team=network", "assignee=ada@acme.example"]);
    assert_eq!(assessed["assignee"]["name"], "Ada");
    let lacking = program.run(ticket(&["act", "PRB0000001", "confirm"], &["impact=2"]));
    assert!(!lacking.is_ok, "{lacking:?}");
    for missing in ["urgency", "service"] {
        assert!(lacking.said.contains(missing), "{missing}: {}", lacking.said);
    }
    let confirmed = act("confirm", &["impact=2", "urgency=2", "service=wifi"]);
    assert_eq!(confirmed["state"], "root_cause_analysis");
    let known = act("publish_known_error", &["symptom=No wifi", "workaround=Use a cable"]);
    assert_eq!(known["problem"]["known_error"], true);

    let shown = program.json(ticket(&["show", "PRB0000001"], &[]));
    assert_eq!(shown["ticket"]["problem"]["workaround"], "Use a cable");
    let actions = shown["actions"].as_array().unwrap();
    let start = actions.iter().find(|one| one["action"] == "start_fix").unwrap();
    assert_eq!(start["lacks"], json!(["/root_cause", "/fix_notes"]));
    let text = program.run(ticket(&["show", "PRB0000001"], &[]));
    assert!(text.is_ok && text.printed.contains("start_fix root_cause, fix_notes"), "{text:?}");
    let incident = ["short_description=No wifi", "requester=rita@acme.example"];
    let incident = program.json(ticket(&["open", "--kind", "incident"], &incident));
    let number = incident["number"].as_str().unwrap();
    let _ = program.json(ticket(&["edit", number], &["problem=PRB0000001"]));
    let caused = program.run(ticket(&["show", number], &[]));
    assert!(caused.printed.contains("known error PRB0000001"), "{caused:?}");
    assert!(caused.printed.contains("workaround: Use a cable"), "{caused:?}");

    let listed = |words: &[&str]| {
        let listed = program.json(ticket(&[&["list", "--kind", "problem"], words].concat(), &[]));
        listed.as_array().unwrap().iter().map(|one| one["number"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(listed(&["--active"]), ["PRB0000001"]);
    let outcome = ["resolution_code=cancelled", "resolution_notes=It was the microwave"];
    assert_eq!(act("resolve", &outcome)["state"], "resolved");
    assert!(listed(&["--active"]).is_empty());
    assert_eq!(listed(&[]), ["PRB0000001"]);
    let early = program.run(ticket(&["act", "PRB0000001", "assess"], &["team=network"]));
    assert!(!early.is_ok && early.said.contains("resolved"), "{early:?}");
    let possible = early.said.lines().find(|line| line.contains("possible actions: ")).unwrap();
    assert!(possible.contains("close") && !possible.contains("vote"), "{possible}");
    let voted = program.run(ticket(&["act", "PRB0000001", "vote"], &[]));
    assert!(voted.said.contains("`vote` is not a valid action; use one of: edit, "), "{voted:?}");

    // Without a kind, what people report: incidents and requests.
    let usual = program.run(ticket(&["list"], &[]));
    assert!(usual.printed.contains(number) && !usual.printed.contains("PRB"), "{usual:?}");
    let two = ["short_description=No wifi again", "requester=rita@acme.example"];
    let _ = program.json(ticket(&["open", "--kind", "incident"], &two));
    let first = program.run(ticket(&["list", "--limit", "1"], &[]));
    assert!(first.printed.contains("No wifi again"), "{first:?}");
    assert!(first.printed.contains("the newest 1; use --limit 0"), "{first:?}");
    let all = program.run(ticket(&["list", "--limit", "0"], &[]));
    assert!(all.printed.contains(number) && !all.printed.contains("newest"), "{all:?}");
}
