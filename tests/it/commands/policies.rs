//! `waypost policy`: components and bindings, from a shell.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use waypost_test_support::{Guest, Program, costly, policy};

use super::{DESK, audited, furnish};
use crate::policies::teams_by_words;

by_command_line! {
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
    a_policy_is_bound_to_the_hooks_that_are_named_or_to_all_that_it_serves
    a_desk_file_s_binding_of_several_hooks_is_applied_once
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
