//! The template is what the README shows, and answers the cases that its twins in other languages
//! answer.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its cases fails")]

#[path = "../template/src/lib.rs"]
#[expect(unreachable_pub, reason = "the template is the root of a crate of its own")]
mod template;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use template::ExampleRouter;
use waypost_sdk::testing::{Harness, context, head, incident, team};
use waypost_sdk::{
    Assignment, Binding, Context, Decline, Head, Policy, SettingsError, Strength, Team,
    TextProposal, TextsProposal, schema_of,
};
use waypost_settings::SettingsSchema;

/// The cases in the form of receipts. Only what the router reads is read here.
#[derive(Deserialize)]
struct Shared {
    base: Base,
    cases: Vec<Case>,
    refused: Vec<Refused>,
}

/// What a case leaves out.
#[derive(Deserialize)]
struct Base {
    context: Around,
    team: Map<String, Value>,
}

#[derive(Deserialize)]
struct Around {
    organization: String,
    layer: String,
    lineage: Vec<String>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    settings: Value,
    ticket: Words,
    teams: Vec<Map<String, Value>>,
    answer: Result<Assigned, Declined>,
}

#[derive(Deserialize)]
struct Words {
    short_description: String,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
struct Known {
    organization: String,
    key: String,
    open_now: bool,
    on_call: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Assigned {
    team: Option<Proposed<String>>,
    assignee: Option<Proposed<String>>,
    watchers: Option<Proposed<Vec<String>>>,
    reasons: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proposed<T> {
    value: T,
    strength: Meant,
    confidence: u8,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Meant {
    Set,
    Suggested,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Declined {
    NoOpinion(Vec<String>),
}

#[derive(Deserialize)]
struct Refused {
    name: String,
    settings: Value,
    errors: Vec<Wrong>,
}

#[derive(Deserialize)]
struct Wrong {
    path: String,
    message: String,
}

impl From<Meant> for Strength {
    fn from(meant: Meant) -> Self {
        match meant {
            Meant::Set => Self::Set,
            Meant::Suggested => Self::Suggested,
        }
    }
}

impl From<Proposed<String>> for TextProposal {
    fn from(Proposed { value, strength, confidence }: Proposed<String>) -> Self {
        Self { value, strength: strength.into(), confidence }
    }
}

impl From<Proposed<Vec<String>>> for TextsProposal {
    fn from(Proposed { value, strength, confidence }: Proposed<Vec<String>>) -> Self {
        Self { value, strength: strength.into(), confidence }
    }
}

impl From<Assigned> for Assignment {
    fn from(Assigned { team, assignee, watchers, reasons }: Assigned) -> Self {
        Self {
            team: team.map(Into::into),
            assignee: assignee.map(Into::into),
            watchers: watchers.map(Into::into),
            reasons,
        }
    }
}

impl From<Declined> for Decline {
    fn from(Declined::NoOpinion(reasons): Declined) -> Self {
        Self::NoOpinion(reasons)
    }
}

fn shared() -> Shared {
    serde_json::from_str(include_str!("../../cases/example-router.json")).unwrap()
}

/// A team of a case, laid over the one in the base.
fn known(over: Map<String, Value>, base: &Map<String, Value>) -> Team {
    let mut whole = base.clone();
    whole.extend(over);
    let Known { organization, key, open_now, on_call } =
        serde_json::from_value(Value::Object(whole)).unwrap();
    Team { organization, open_now, on_call: Some(on_call), ..team(&key) }
}

#[test]
fn the_template_answers_the_cases_of_its_twins() {
    let Shared { base, cases, .. } = shared();
    for Case { name, settings, ticket, teams, answer } in cases {
        let ticket =
            incident(Head { description: ticket.description, ..head(&ticket.short_description) });
        let context = Context {
            organization: base.context.organization.clone(),
            layer: base.context.layer.clone(),
            lineage: base.context.lineage.clone(),
            teams: Some(teams.into_iter().map(|team| known(team, &base.team)).collect()),
            ..context()
        };
        let router = Harness::<ExampleRouter>::new(&settings).unwrap();
        let expected = answer.map(Into::into).map_err(Into::into);
        assert_eq!(router.route(&ticket, &context), expected, "{name}");
    }
}

#[test]
fn the_template_refuses_the_settings_that_its_twins_refuse() {
    for refused in shared().refused {
        let errors = Harness::<ExampleRouter>::new(&refused.settings).err().unwrap();
        let expected: Vec<_> = refused
            .errors
            .into_iter()
            .map(|Wrong { path, message }| SettingsError { path, message })
            .collect();
        assert_eq!(errors, expected, "{}", refused.name);
    }
}

#[test]
fn the_templates_own_settings_fit() {
    let settings = serde_json::from_str(include_str!("../template/settings.json")).unwrap();
    assert!(Harness::<ExampleRouter>::new(&settings).is_ok());
}

#[test]
fn what_the_host_refuses_the_harness_refuses_with_the_same_words() {
    let schema = serde_json::from_str(&schema_of::<template::Settings>()).unwrap();
    let host = SettingsSchema::compile(&schema).unwrap();
    for settings in [
        json!({}),
        json!({ "rules": 5 }),
        json!({ "rules": [{ "keyword": "vpn" }] }),
        json!({ "rules": [{ "keyword": "vpn", "taem": "network" }], "fallback": 7 }),
    ] {
        let told = host.check(&settings.to_string()).unwrap_err().into_iter();
        let told = told.map(|wrong| SettingsError::at(wrong.path, wrong.message));
        let harness = Harness::<ExampleRouter>::new(&settings).err().unwrap();
        assert_eq!(harness, told.collect::<Vec<_>>(), "{settings}");
    }
}

/// A policy with a bound that only its schema has.
struct Bounded;

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only whether it can be read is tested")]
struct Bounds {
    #[schemars(range(max = 5))]
    level: u8,
}

impl Policy for Bounded {
    type Settings = Bounds;

    fn new(_: Bounds, _: &Binding) -> Result<Self, Vec<SettingsError>> {
        Ok(Self)
    }
}

#[test]
fn the_harness_keeps_the_bounds_of_the_schema() {
    assert!(Harness::<Bounded>::new(&json!({ "level": 5 })).is_ok());
    let errors = Harness::<Bounded>::new(&json!({ "level": 6 })).err().unwrap();
    assert_eq!(errors, [SettingsError::at("/level", "6 is greater than the maximum of 5")]);
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
