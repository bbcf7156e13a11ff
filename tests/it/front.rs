//! The front of the server: slow, greedy and confused clients harm nobody but themselves.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::json;
use waypost_test_support::{Program, Server};

/// An installation with an organization, and the secret of an agent of it.
fn desk() -> (Program, String) {
    let program = Program::sqlite();
    let _ = program.json(["migrate"]);
    let _ = program.json(["org", "create", "acme", "--name", "Acme", "--kind", "client"]);
    let token = |name: &str| {
        let words = ["token", "create", "--org", "acme", "--name", name, "--role", "agent"];
        program.json(words)["secret"].as_str().unwrap().to_owned()
    };
    let secret = token("first");
    (program, secret)
}

/// The head of a request whose body comes later.
fn head(secret: &str, length: usize) -> String {
    format!(
        "POST /api/v1/problems HTTP/1.1\r\nhost: desk\r\nauthorization: Bearer {secret}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
}

fn health(server: &Server) -> Duration {
    let began = Instant::now();
    let (status, _) = server.get("/health/live", "").unwrap();
    assert_eq!(status, 200);
    began.elapsed()
}

fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn slow_bodies_take_nobodys_turn_and_health_goes_on() {
    let (program, secret) = desk();
    let server = program.serve_with(&["requests_at_once=4"], None);
    let mut slow = (0..16).map(|_| server.connect()).collect::<Vec<_>>();
    for stream in &mut slow {
        stream.write_all(head(&secret, 100).as_bytes()).unwrap();
        stream.write_all(b"{").unwrap();
    }
    let created = server.send(
        "POST",
        "/api/v1/problems",
        &secret,
        &json!({ "short_description": "No wifi" }).to_string(),
    );
    assert_eq!(created.unwrap().0, 201);
    health(&server);
}

#[test]
fn a_body_that_does_not_arrive_is_told_as_the_clients_doing() {
    let (program, secret) = desk();
    let server = program.serve_with(&["request_timeout_ms=300"], None);
    let answer = server.exchange(format!("{}{{", head(&secret, 100)).as_bytes());
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("/errors/request-timeout"), "{answer}");
    assert!(answer.contains("nothing was changed"), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
}

#[test]
fn half_a_head_is_given_up_and_does_not_stretch_a_stop() {
    let (program, _) = desk();
    let server = program.serve_with(&["connection_head_ms=200"], None);
    let mut half = server.connect();
    half.write_all(b"GET /health/live HTTP/1.1\r\nhost: ").unwrap();
    // Ends only because the server closes it.
    assert!(!rest(half).contains("200 OK"));
    let mut second = server.connect();
    second.write_all(b"GET /health").unwrap();
    let began = Instant::now();
    assert!(server.stop());
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn an_early_refusal_says_that_it_ends_the_connection() {
    let (program, secret) = desk();
    let server = program.serve();
    let unknown = server.exchange(format!("{}{{", head("wp_nobody", 100)).as_bytes());
    assert!(unknown.starts_with("HTTP/1.1 401"), "{unknown}");
    assert!(unknown.to_lowercase().contains("connection: close"), "{unknown}");
    let large = server.exchange(head(&secret, 100_000_000).as_bytes());
    assert!(large.starts_with("HTTP/1.1 413"), "{large}");
    assert!(large.to_lowercase().contains("connection: close"), "{large}");
    // A request whose body was read leaves the connection open for the next.
    let two = format!(
        "{}{{}}GET /health/live HTTP/1.1\r\nhost: desk\r\nconnection: close\r\n\r\n",
        head(&secret, 2)
    );
    let answers = server.exchange(two.as_bytes());
    assert!(answers.starts_with("HTTP/1.1 422"), "{answers}");
    assert!(answers.contains("HTTP/1.1 200 OK"), "{answers}");
}

#[test]
fn a_request_that_contradicts_itself_is_refused() {
    let (program, secret) = desk();
    let server = program.serve();
    let bearer = format!("authorization: Bearer {secret}\r\n");
    let ask = |head: &str| server.exchange(format!("{head}connection: close\r\n\r\n").as_bytes());
    let good = ask(&format!("GET /api/v1/me HTTP/1.1\r\nhost: desk\r\n{bearer}"));
    assert!(good.starts_with("HTTP/1.1 200"), "{good}");
    for (bad, name) in [
        (format!("GET /api/v1/me HTTP/1.1\r\n{bearer}"), "Host"),
        (format!("GET /api/v1/me HTTP/1.1\r\nhost: a\r\nhost: b\r\n{bearer}"), "host"),
        (format!("GET /api/v1/me HTTP/1.1\r\nhost: a\r\n{bearer}{bearer}"), "authorization"),
        (
            format!(
                "GET /api/v1/me HTTP/1.1\r\nhost: a\r\n{bearer}if-match: \"1\"\r\nif-match: \"2\"\r\n"
            ),
            "if-match",
        ),
        (
            format!(
                "GET /api/v1/me HTTP/1.1\r\nhost: a\r\n{bearer}idempotency-key: a\r\nidempotency-key: b\r\n"
            ),
            "idempotency-key",
        ),
    ] {
        let answer = ask(&bad);
        assert!(answer.starts_with("HTTP/1.1 400"), "{bad}: {answer}");
        assert!(answer.contains("/errors/malformed-request"), "{answer}");
        assert!(answer.contains(&format!("`{name}`")), "{answer}");
    }
}

#[test]
fn whoever_guesses_tokens_is_slowed_down_and_others_are_not() {
    let (program, secret) = desk();
    let server = program.serve();
    assert_eq!(server.get("/api/v1/me", &secret).unwrap().0, 200);
    let statuses = (0..60)
        .map(|number| server.get("/api/v1/me", &format!("wp_guess{number}")).unwrap().0)
        .collect::<Vec<_>>();
    assert_eq!(statuses[0], 401);
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(server.get("/api/v1/me", &secret).unwrap().0, 200);
}

#[test]
fn a_body_full_of_faults_is_answered_with_fifty_of_them() {
    let (program, secret) = desk();
    let server = program.serve();
    let unknown = (0..60_000).map(|number| format!("\"f{number}\":1"));
    let body = format!("{{{}}}", unknown.collect::<Vec<_>>().join(","));
    for path in ["/api/v1/problems", "/api/v1/tokens", "/api/v1/orders"] {
        let (status, answer) = server.send("POST", path, &secret, &body).unwrap();
        assert!(status == 422 || status == 403, "{path}: {answer}");
        if status == 422 {
            assert_eq!(answer["errors"].as_array().unwrap().len(), 51, "{path}");
        }
        assert!(answer.to_string().len() < 100_000, "{path}");
    }
}

#[test]
fn what_is_kept_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let (program, secret) = desk();
    let server = program.serve();
    let incident = json!({ "short_description": "No wifi" }).to_string();
    assert_eq!(server.send("POST", "/api/v1/problems", &secret, &incident).unwrap().0, 201);
    assert!(server.stop());
    let mut folders = vec![program.data_folder()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            let mode = metadata.permissions().mode() & 0o777;
            assert_eq!(mode & 0o077, 0, "{} is {mode:o}", entry.path().display());
            seen += 1;
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    assert!(seen > 2, "only {seen} files");
}
