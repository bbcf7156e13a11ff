//! The rule policy that is measured, its settings with so many rules, and the tickets that it is
//! asked about.

use std::path::Path;
use std::sync::Arc;

use waypost_policy::question::{
    Channel, Context, Details, Head, IncidentDetails, Moment, Phase, Team, Ticket,
};
use waypost_policy::{Digest, Hook, PolicyRuntime, Prepared, Question, RuntimeConfig, open_dir};

/// The component that is measured.
pub(crate) const POLICY: &str = "team-router.wasm";

/// The bytes of a built policy, or a word on how to build them.
pub(crate) fn component(name: &str) -> Vec<u8> {
    #[expect(clippy::disallowed_methods, reason = "a benchmark has no configuration of its own")]
    let folder = std::env::var("WAYPOST_TEST_POLICIES").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/policies").to_owned()
    });
    let found = open_dir(Path::new(&folder)).and_then(|dir| dir.read(name));
    found.unwrap_or_else(|error| {
        panic!(
            "{folder}/{name}: {error}. Run `cargo xtask plugins` first, or set WAYPOST_TEST_POLICIES to the folder that holds \
             the built policies."
        )
    })
}

/// Settings of the router: rules that look for two words each, of which the last fits the ticket.
pub(crate) fn settings(rules: usize) -> String {
    let rules: Vec<_> = words(rules)
        .into_iter()
        .enumerate()
        .map(|(place, [first, second])| {
            serde_json::json!({
                "name": format!("rule {place}"),
                "when": { "words": { "any": [first, second] } },
                "to": { "team": format!("team-{}", place % TEAMS) },
            })
        })
        .collect();
    serde_json::json!({ "rules": rules, "fallback": "team-0" }).to_string()
}

/// The words of each rule. Only the last rule's are in the ticket.
pub(crate) fn words(rules: usize) -> Vec<[String; 2]> {
    (0..rules)
        .map(|place| {
            if place + 1 == rules {
                ["revenue".to_owned(), "portal".to_owned()]
            } else {
                [format!("word{place}"), format!("other{place}")]
            }
        })
        .collect()
}

const TEAMS: usize = 8;

/// A ticket of ordinary length among eight teams.
pub(crate) fn question() -> Question {
    let head = Head {
        id: "0197f3c0-0000-7000-8000-000000000001".to_owned(),
        number: Some("INC0000042".to_owned()),
        state: "new".to_owned(),
        phase: Phase::Open,
        state_since: "2026-06-01T08:30:00Z".to_owned(),
        outcome: None,
        channel: Channel::Portal,
        short_description: "The revenue portal shows an error since this morning".to_owned(),
        description: "When I open the page of the monthly figures, I get a white screen and the \
            message that the service is not available. My colleagues on the same floor see it \
            too. It worked yesterday evening. We have to close the books by Friday, so please \
            have a look soon. I tried two browsers and a restart of the laptop."
            .to_owned(),
        requester: Some("0197f3c0-0000-7000-8000-000000000002".to_owned()),
        opened_by: None,
        opened_at: "2026-06-01T08:30:00Z".to_owned(),
        category: vec!["software".to_owned(), "error".to_owned()],
        service: None,
        ci: None,
        cis: vec![],
        impact: Some(2),
        urgency: Some(2),
        priority: Some(2),
        team: None,
        assignee: None,
        watchers: vec![],
        tags: vec![],
        parent: None,
        reopen_count: 0,
        waiting_on: None,
        comments: vec![],
        fields: vec![],
    };
    let ticket = Ticket { head, details: Details::Incident(IncidentDetails::default()) };
    let team = |number: usize| Team {
        organization: "acme".to_owned(),
        key: format!("team-{number}"),
        name: format!("Team {number}"),
        open_now: true,
        lead: None,
        load: Some(100),
        open_tickets: Some(5),
        on_call: None,
        members: None,
    };
    let context = Context {
        now: Moment {
            utc: "2026-06-01T08:30:00Z".to_owned(),
            local_date: "2026-06-01".to_owned(),
            weekday: 1,
            minute_of_day: 630,
            utc_offset: 120,
            zone: "Europe/Berlin".to_owned(),
            working_time: true,
        },
        organization: "acme".to_owned(),
        layer: "acme".to_owned(),
        lineage: vec!["acme".to_owned()],
        fallback_approver: None,
        requester: None,
        manager: None,
        teams: Some((0..TEAMS).map(team).collect()),
        service: None,
        ci: None,
        services: None,
    };
    Question::Route { ticket, context }
}

/// A runtime whose artifacts are in a folder that goes with it.
pub(crate) fn runtime(config: RuntimeConfig) -> (Arc<PolicyRuntime>, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let dir = open_dir(folder.path()).expect("it was made just now");
    (PolicyRuntime::open(config, dir).expect("the engine starts"), folder)
}

/// The measured policy with so many rules.
pub(crate) fn prepare(runtime: &PolicyRuntime, component: &[u8], rules: usize) -> Arc<Prepared> {
    runtime
        .prepare(
            &|_| Ok(component.to_vec()),
            Digest::of(component),
            &settings(rules),
            &[],
            &[Hook::Route],
        )
        .expect("the policy takes its settings")
}
