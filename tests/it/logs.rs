//! Logs: what happened, by ids and codes. No secret and no word of a ticket gets into them.

use std::{
    io,
    sync::{Mutex, OnceLock, PoisonError},
};

use axum::{body::Body, http::Method};
use chrono::TimeDelta;
use serde_json::json;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};
use waypost_delivery::Undelivered;
use waypost_test_support::{Guest, TestDesk, on_both_engines};

use crate::policies::{asking, by_words, stage, telling, telling_the_requester};

on_both_engines! {
    no_secret_and_no_word_of_a_ticket_gets_into_the_logs
    no_link_to_vote_with_gets_into_the_logs
}

/// What all stories of this process have logged since it is looked at.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct ToLog;

impl io::Write for ToLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for ToLog {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

/// Collects everything that the host's crates say, at every level.
fn listen() {
    static LISTENING: OnceLock<()> = OnceLock::new();
    LISTENING.get_or_init(|| {
        // The last one as the program has it, whatever its own filter says.
        let filter = "info,waypost_api=trace,waypost_app=trace,waypost_delivery=trace,waypost_domain=trace,\
                      waypost_edge=trace,waypost_policy=trace,waypost_store=trace,tower_http=trace,waypost_web=trace,\
                      tower_http::csrf=off";
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_env_filter(EnvFilter::new(filter))
            .with_writer(ToLog)
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

async fn no_secret_and_no_word_of_a_ticket_gets_into_the_logs(desk: TestDesk) {
    listen();
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    let words = by_words(&[("zebracross", json!({ "category": ["network"] }))]);
    acme.bind("categorize", "keyword-categorizer", words).await;
    acme.bind("notify", "stakeholder-notifier", telling_the_requester()).await;
    let trap = acme.admin.client.upload(Guest::new().before_answer("unreachable").build()).await;
    acme.bind_component("broken", 1, "route", &trap, json!({})).await;

    let ticket = json!({
        "short_description": "zebracross in the cellar", "description": "yellowgiraffe",
        "tags": ["purpleotter"],
    });
    let headers = [("content-type", "application/json"), ("x-request-id", "logged-1")];
    let client = &acme.requester.client;
    let body = Body::from(ticket.to_string());
    let incident = client.send(Method::POST, "/incidents", &headers, body).await.created();
    let agent = &acme.agent.client;
    let _ = agent.comment(&incident, "internal", "silentpanther").await.created();
    let _ = agent.comment(&incident, "public", "loudparrot").await.created();
    let refused = json!({ "resolution_notes": "slyfox" });
    assert_eq!(agent.act(&incident, "resolve", refused).await.slug(), "missing-fields");
    let _ = agent.get("/tickets?text=zebracross").await.ok();
    let token = json!({ "name": "script", "role": "agent" });
    let secret = acme.admin.client.post("/tokens", token).await.created()["secret"].take();
    let secret = secret.as_str().unwrap();
    let _ = desk.client(secret).get("/me").await.ok();
    assert_eq!(desk.client("wp_guessedbadger").get("/me").await.slug(), "unauthenticated");
    let broken = r#"{"short_description": "brokenotter"#;
    let json = [("content-type", "application/json")];
    let _ = client.send(Method::POST, "/incidents", &json, Body::from(broken)).await;
    desk.refuse_letters(vec![
        Undelivered::Temporary("not now".to_owned()),
        Undelivered::Permanent("never".to_owned()),
    ]);
    let _ = desk.letters().await;
    desk.ignore_mail();
    let password = "tealkettle hums at dusk";
    let mut visitor = desk.signed_in(&acme.requester.email).await;
    visitor.visit("/o/acme/me/password").await;
    visitor.fill("New password", password).fill("New password again", password);
    visitor.press("Set a password").await;
    for given in ["redkettle is wrong", password] {
        let mut visitor = desk.visitor();
        visitor.visit("/sign-in").await.fill("E-mail address", &acme.requester.email);
        visitor.fill("Password", given).press("Sign in").await;
    }

    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let log = String::from_utf8_lossy(&log);
    for expected in ["logged-1", "policy bound", "token issued", "set their password"] {
        assert!(log.contains(expected), "{expected} is not logged");
    }
    for secret in [
        "zebracross",
        "yellowgiraffe",
        "purpleotter",
        "silentpanther",
        "loudparrot",
        "slyfox",
        "brokenotter",
        "guessedbadger",
        "tealkettle",
        "redkettle",
        "argon2",
        secret,
    ] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is logged");
    }
}

async fn no_link_to_vote_with_gets_into_the_logs(desk: TestDesk) {
    listen();
    let acme = desk.organization("acme").await;
    let stages = json!([stage("manager", &json!(["manager"]))]);
    let _ = acme.bind("plan", "approval-chain", asking(&stages)).await;
    let rules =
        json!({ "rules": [telling("please", "approval_requested", &json!(["approvers"]))] });
    let _ = acme.bind("notify", "stakeholder-notifier", rules).await;
    let _ = acme.ask_for_laptop().await;
    desk.refuse_letters(vec![Undelivered::Temporary("not now".to_owned())]);
    let _ = desk.letters().await;
    desk.clock.advance(TimeDelta::hours(1));
    let letter = desk.letters().await.remove(0);
    let path = letter.body.lines().find_map(|line| line.split_once("/s/")).unwrap().1.to_owned();
    let mut manager = desk.visitor();
    manager.visit(&format!("/s/{path}")).await.press("Do not agree").await;
    manager.fill("Comment", "sillywalrus").press("Do not agree").await;
    manager.visit(&format!("/s/{path}")).await;
    manager.visit("/s/guessedferret").await;

    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let log = String::from_utf8_lossy(&log);
    assert!(log.contains("somebody voted by a link") && log.contains("/s/{secret}"));
    for secret in [path.as_str(), "sillywalrus", "guessedferret"] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is logged");
    }
}
