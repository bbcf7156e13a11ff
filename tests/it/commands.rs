//! The command line: the same desk, from a shell.

use std::fmt::Write as _;

use serde_json::{Value, json};
use waypost_test_support::{Program, policy};

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

mod imports;
mod policies;

by_command_line! {
    the_server_finishes_what_it_began_and_keeps_what_it_answered
    a_wrong_word_is_told_with_its_remedy
    p4_the_audit_trail_is_exported_as_json_lines
    records_are_looked_over_for_what_must_be_true
    receipts_are_listed_to_their_end
    major_rules_are_applied_from_a_desk_file
    a_desk_file_s_plan_of_tasks_is_applied_once
    a_problem_is_opened_shown_worked_on_and_listed
    what_if_says_where_a_ticket_would_be_and_changes_nothing
    votes_by_mail_are_switched_off_and_on
    sign_ins_of_a_person_are_listed_and_ended
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
    let secret = ["--set", "mail_password=hushhush", "config"];
    let config = program.run(secret);
    assert!(config.is_ok && config.printed.contains("mail_password"), "{config:?}");
    assert!(!config.printed.contains("hushhush"));

    let unknown = program.run(["--set", "listne=127.0.0.1:1", "config"]);
    assert!(!unknown.is_ok && unknown.said.contains("listne"), "{unknown:?}");
    // Of two places, one would be lost.
    let twice = program.run(["config", "--set", "listen=127.0.0.1:1"]);
    assert!(!twice.is_ok && twice.said.contains("--set"), "{twice:?}");
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

fn what_if_says_where_a_ticket_would_be_and_changes_nothing(program: &Program) {
    furnish(program);
    let opened = program.json([
        "ticket",
        "open",
        "--org",
        "acme",
        "--kind",
        "incident",
        "--field",
        "short_description=Nothing prints",
        "--field",
        "requester=rita@acme.example",
    ]);
    let number = opened["number"].as_str().unwrap();
    let asked = ["--field", "short_description=No wifi", "--field", "impact=1"];
    let words = [&["ticket", "what-if", number, "--org", "acme"][..], &asked].concat();

    let told = program.json(&words);

    assert_eq!(told["before"]["team"]["key"], opened["team"]["key"]);
    assert_eq!(told["after"]["team"]["key"], "network", "{told}");
    let (before, after) = (&told["before"]["priority"], &told["after"]["priority"]);
    assert_eq!(before, &opened["priority"]["value"]);
    assert!(after.as_i64() < before.as_i64(), "{told}");
    let text = program.run(&words);
    assert!(text.is_ok && text.printed.contains("nothing was changed"), "{text:?}");
    assert!(text.printed.contains("would be  priority"), "{text:?}");
    assert!(text.printed.contains("team network"), "{text:?}");
    let shown = program.json(["ticket", "show", number, "--org", "acme"]);
    assert_eq!(shown["ticket"], opened);
    let wrong = program.run(["ticket", "what-if", number, "--org", "acme", "--field", "impact=9"]);
    assert!(!wrong.is_ok && wrong.said.contains("impact"), "{wrong:?}");
    let nothing = program.run(["ticket", "what-if", "INC0009999", "--org", "acme"]);
    assert!(!nothing.is_ok && nothing.said.contains("INC0009999"), "{nothing:?}");
}

fn votes_by_mail_are_switched_off_and_on(program: &Program) {
    let _ = program.json(["migrate"]);
    let _ = program.json(["org", "apply", &program.file("desk.toml", DESK)]);
    let shown = || program.json(["org", "show", "acme"])["settings"]["votes_by_mail"].take();
    assert_eq!(shown(), true);
    for (said, is_on) in [("false", false), ("true", true)] {
        let set = program.json(["org", "set", "acme", "--votes-by-mail", said]);
        assert_eq!(set["settings"]["votes_by_mail"], is_on, "{set}");
        assert_eq!(shown(), is_on);
    }
    let wrong = program.run(["org", "set", "acme", "--votes-by-mail", "perhaps"]);
    assert!(!wrong.is_ok && wrong.said.contains("--votes-by-mail"), "{wrong:?}");
    assert_eq!(shown(), true);
}

fn sign_ins_of_a_person_are_listed_and_ended(program: &Program) {
    let _ = program.json(["migrate"]);
    let _ = program.json(["org", "apply", &program.file("desk.toml", DESK)]);
    let invited =
        program.json(["person", "invite", "--org", "acme", "--email", "rita@acme.example"]);
    let rita = invited["person"].as_str().unwrap();
    assert_eq!(program.json(["person", "sign-ins", "--org", "acme", rita]), json!([]));
    let none = "00000000-0000-7000-8000-000000000000";
    let gone = program.run(["person", "sign-out", "--org", "acme", "--only", none, rita]);
    assert!(!gone.is_ok, "{gone:?}");
    let elsewhere = program.run(["person", "sign-ins", "--org", "platform", rita]);
    assert!(!elsewhere.is_ok, "{elsewhere:?}");
    let all = program.json(["person", "sign-out", "--org", "acme", rita]);
    assert_eq!((&all["ended"], &all["removed"]), (&json!(0), &json!(false)));
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
