//! The template is what the README shows, and answers the cases that its twins in other languages answer.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its cases fails")]

#[path = "../template/src/lib.rs"]
#[expect(unreachable_pub, reason = "the template is the root of a crate of its own")]
mod template;

use serde::Deserialize;
use serde_json::{Map, Value};
use template::ExampleRouter;
use waypost_sdk::testing::Harness;
use waypost_sdk::{Assignment, Context, Decline, SettingsError, Ticket};

#[derive(Deserialize)]
struct Shared {
    base: Base,
    cases: Vec<Case>,
    refused: Vec<Refused>,
}

/// What a case leaves out.
#[derive(Deserialize)]
struct Base {
    ticket: Map<String, Value>,
    context: Map<String, Value>,
    team: Map<String, Value>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    settings: Value,
    ticket: Map<String, Value>,
    teams: Vec<Map<String, Value>>,
    answer: Result<Assignment, Decline>,
}

#[derive(Deserialize)]
struct Refused {
    name: String,
    settings: Value,
    errors: Vec<SettingsError>,
}

fn shared() -> Shared {
    serde_json::from_str(include_str!("../../cases/example-router.json")).unwrap()
}

/// The base with the members of `over` instead of its own.
fn lay(over: Map<String, Value>, base: &Map<String, Value>) -> Value {
    let mut whole = base.clone();
    whole.extend(over);
    Value::Object(whole)
}

#[test]
fn the_template_answers_the_cases_of_its_twins() {
    let Shared { base, cases, .. } = shared();
    for case in cases {
        let ticket: Ticket = serde_json::from_value(lay(case.ticket, &base.ticket)).unwrap();
        let teams = case.teams.into_iter().map(|team| lay(team, &base.team)).collect();
        let teams = Map::from_iter([("teams".to_owned(), Value::Array(teams))]);
        let context: Context = serde_json::from_value(lay(teams, &base.context)).unwrap();

        let router = Harness::<ExampleRouter>::new(&case.settings).unwrap();
        assert_eq!(router.route(&ticket, &context), case.answer, "{}", case.name);
    }
}

#[test]
fn the_template_refuses_the_settings_that_its_twins_refuse() {
    for refused in shared().refused {
        let errors = Harness::<ExampleRouter>::new(&refused.settings).err().unwrap();
        assert_eq!(errors, refused.errors, "{}", refused.name);
    }
}

#[test]
fn the_templates_own_settings_fit() {
    let settings = serde_json::from_str(include_str!("../template/settings.json")).unwrap();
    assert!(Harness::<ExampleRouter>::new(&settings).is_ok());
}

#[test]
fn the_readme_shows_the_template() {
    let readme = include_str!("../../README.md");
    let source = include_str!("../template/src/lib.rs");
    let (policy, tests) = source.split_once("\n#[cfg(test)]\n").unwrap();
    let policy = policy.strip_prefix("//! Routes tickets by keywords.\n\n").unwrap();
    assert!(readme.contains(policy), "the policy in the README differs from the template's");
    assert!(
        readme.contains(tests.trim_end()),
        "the tests in the README differ from the template's"
    );
}
