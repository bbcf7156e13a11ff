//! A hostile machine: a disk that is full, a log that cannot be written.

use std::{
    fs::File,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;
use waypost_test_support::{Program, Server};

fn desk() -> (Program, String) {
    let program = Program::sqlite();
    let _ = program.json(["migrate"]);
    let _ = program.json(["org", "create", "acme", "--name", "Acme", "--kind", "client"]);
    let words = ["token", "create", "--org", "acme", "--name", "t", "--role", "agent"];
    let secret = program.json(words)["secret"].as_str().unwrap().to_owned();
    (program, secret)
}

fn open(server: &Server, secret: &str) -> u16 {
    let incident = json!({ "short_description": "No wifi", "description": "x".repeat(9000) });
    server.send("POST", "/api/v1/problems", secret, &incident.to_string()).unwrap().0
}

/// Bounds the size of every file that the server writes from now on.
fn bound_files(server: &Server, bytes: &str) {
    let process = server.process().to_string();
    let limit = format!("--fsize={bytes}:unlimited");
    let done = Command::new("prlimit").args(["--pid", &process, &limit]).status().unwrap();
    assert!(done.success(), "`prlimit` of util-linux is needed for this test");
}

#[test]
fn a_disk_that_is_full_for_a_moment_heals_without_a_restart() {
    let (program, secret) = desk();
    let server = program.serve();
    assert_eq!(open(&server, &secret), 201);

    bound_files(&server, "1000");
    let (status, answer) = {
        let incident = json!({ "short_description": "No wifi" }).to_string();
        server.send("POST", "/api/v1/problems", &secret, &incident).unwrap()
    };
    assert_eq!((status, &answer["type"]), (503, &json!("/errors/unavailable")), "{answer}");
    // It was ready a moment ago, and says so for a second.
    let began = Instant::now();
    while server.get("/health/ready", "").unwrap().0 == 200 {
        assert!(began.elapsed() < Duration::from_secs(30), "it says that it is ready");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(server.get("/health/live", "").unwrap().0, 200);
    assert_eq!(server.get("/api/v1/problems", &secret).unwrap().0, 200);

    bound_files(&server, "unlimited");
    let began = Instant::now();
    while open(&server, &secret) != 201 {
        assert!(began.elapsed() < Duration::from_secs(30), "it does not heal: {}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(server.get("/health/ready", "").unwrap().0, 200);
    assert!(!server.log().contains("panicked"), "{}", server.log());
    assert!(server.stop());
    assert_eq!(program.json(["audit", "check", "--org", "acme"])["broken"], json!([]));
}

/// How many notes a problem has.
fn notes(server: &Server, secret: &str, number: &str) -> usize {
    let path = format!("/api/v1/problems/{number}/comments");
    server.get(&path, secret).unwrap().1["items"].as_array().unwrap().len()
}

#[test]
fn a_disk_that_fills_up_midway_ends_a_bulk_action_and_what_it_tells_is_true() {
    let (program, secret) = desk();
    let server = program.serve();
    let problem = json!({ "short_description": "No wifi" }).to_string();
    let numbers: Vec<String> = (0..20)
        .map(|_| {
            let opened = server.send("POST", "/api/v1/problems", &secret, &problem).unwrap().1;
            opened["number"].as_str().unwrap().to_owned()
        })
        .collect();
    let tickets: Vec<_> = numbers.iter().map(|number| json!({ "number": number })).collect();
    let noting =
        json!({ "action": "note", "tickets": tickets, "input": { "text": "x".repeat(9000) } });
    let log = program.data_folder().join("waypost.db-wal");
    let mut kept = vec![0; numbers.len()];
    let mut cut = 0;
    // A log that was restarted meanwhile has more room than this.
    for room in (0..10).map(|round| round * 60_000) {
        let size = std::fs::metadata(&log).map_or(0, |log| log.len());
        bound_files(&server, &(size + room).to_string());
        let (status, answer) =
            server.send("POST", "/api/v1/bulk-actions", &secret, &noting.to_string()).unwrap();
        bound_files(&server, "unlimited");
        let began = Instant::now();
        while open(&server, &secret) != 201 {
            assert!(began.elapsed() < Duration::from_secs(30), "it does not heal");
            std::thread::sleep(Duration::from_millis(50));
        }
        let Some(items) = answer["items"].as_array() else {
            // With 500, nobody knows of the first one.
            assert!([500, 503].contains(&status), "{answer}");
            let found = notes(&server, &secret, &numbers[0]);
            assert!(found == kept[0] || status == 500 && found == kept[0] + 1, "{answer}");
            kept[0] = found;
            continue;
        };
        let outcomes: Vec<_> = items.iter().map(|item| item["outcome"].as_str().unwrap()).collect();
        let after = outcomes.iter().skip_while(|one| **one == "done");
        let mut after = after.skip_while(|one| ["unknown", "failed"].contains(one));
        assert!(after.all(|one| *one == "not_tried"), "{answer}");
        cut += usize::from(outcomes[0] == "done" && outcomes.ends_with(&["not_tried"]));
        for (place, outcome) in outcomes.iter().enumerate() {
            let found = notes(&server, &secret, &numbers[place]);
            match *outcome {
                "done" => assert_eq!(found, kept[place] + 1, "{answer}"),
                "not_tried" | "failed" => assert_eq!(found, kept[place], "{answer}"),
                "unknown" => assert!([kept[place], kept[place] + 1].contains(&found), "{answer}"),
                other => panic!("{other}: {answer}"),
            }
            kept[place] = found;
        }
    }
    let found: Vec<_> = numbers.iter().map(|number| notes(&server, &secret, number)).collect();
    assert_eq!(found, kept, "nothing was carried out but what was told");
    assert!(cut > 0, "it was never cut midway");
}

#[test]
fn a_log_that_cannot_be_written_ends_nothing() {
    let (program, secret) = desk();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (reader, unread) = std::io::pipe().unwrap();
    let (closed, broken) = std::io::pipe().unwrap();
    drop(closed);
    for errors in [Stdio::from(full), Stdio::from(broken), Stdio::from(unread)] {
        let server = program.serve_with(&["log_filter=trace"], Some(errors));
        for _ in 0..100 {
            assert_eq!(server.get("/api/v1/me", &secret).unwrap().0, 200);
        }
        assert_eq!(open(&server, &secret), 201);
        drop(server);
    }
    drop(reader);
}
