//! The example policy in Rust, TypeScript and Python: all three load, and give the same answers.
//!
//! `cargo xtask languages` builds them and runs these tests; without it there is nothing to test.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use waypost_policy::answer::Assignment;
use waypost_policy::question::{Context, Details, Ticket};
use waypost_policy::{
    Answer, ArtifactKey, Decline, Digest, Failure, Hook, Limits, PolicyRuntime, PrepareRefused,
    Prepared, Question, RuntimeConfig, Seed, SettingsError, open_dir,
};

/// What every twin answers; see the file.
#[derive(Deserialize)]
struct Shared {
    base: Base,
    cases: Vec<Case>,
    refused: Vec<Refused>,
}

/// What a case leaves out.
#[derive(Deserialize)]
struct Base {
    ticket: BaseTicket,
    context: Map<String, Value>,
    team: Map<String, Value>,
}

#[derive(Deserialize)]
struct BaseTicket {
    head: Map<String, Value>,
    details: Details,
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

impl Case {
    fn question(&self, base: &Base) -> Question {
        let head = serde_json::from_value(lay(&self.ticket, &base.ticket.head)).unwrap();
        let ticket = Ticket { head, details: base.ticket.details.clone() };
        let teams = self.teams.iter().map(|team| lay(team, &base.team)).collect();
        let teams = Map::from_iter([("teams".to_owned(), Value::Array(teams))]);
        let context: Context = serde_json::from_value(lay(&teams, &base.context)).unwrap();
        Question::Route { ticket, context }
    }
}

/// The base with the members of `over` instead of its own.
fn lay(over: &Map<String, Value>, base: &Map<String, Value>) -> Value {
    let mut whole = base.clone();
    whole.extend(over.clone());
    Value::Object(whole)
}

fn shared() -> Shared {
    serde_json::from_str(include_str!("../../../sdk/cases/example-router.json")).unwrap()
}

/// A twin, and a runtime for it.
struct Twin {
    runtime: Arc<PolicyRuntime>,
    bytes: Vec<u8>,
    _artifacts: tempfile::TempDir,
}

impl Twin {
    fn load(name: &str) -> Self {
        let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/policies");
        let bytes = open_dir(&policies)
            .and_then(|dir| dir.read(format!("{name}.wasm")))
            .unwrap_or_else(|error| panic!("{name}: {error}; `cargo xtask languages` builds it"));
        let artifacts = tempfile::tempdir().unwrap();
        let config = RuntimeConfig {
            artifact_key: Some(ArtifactKey::from([1; 32])),
            ..RuntimeConfig::default()
        };
        let runtime = PolicyRuntime::open(config, open_dir(artifacts.path()).unwrap()).unwrap();
        Self { runtime, bytes, _artifacts: artifacts }
    }

    fn prepare(&self, settings: &Value) -> Result<Arc<Prepared>, PrepareRefused> {
        let digest = Digest::of(&self.bytes);
        self.runtime.prepare(
            &|_| Ok(self.bytes.clone()),
            digest,
            &settings.to_string(),
            &[],
            &[Hook::Route],
        )
    }
}

/// An unoptimized host on a busy machine is slow; what an interpreter may use is measured in fuel.
fn limits() -> Limits {
    Limits { deadline: Duration::from_secs(10), ..Limits::of(Hook::Route) }
}

/// Loads a twin, asks it every case and gives it every bad settings document.
fn check(name: &str) {
    let twin = Twin::load(name);
    let description = twin.runtime.inspect(&twin.bytes).unwrap().description;
    let served: Vec<_> = description.hooks.iter().map(|served| served.hook).collect();
    assert_eq!(served, [Hook::Route]);

    let Shared { base, cases, refused } = shared();
    for case in cases {
        let policy = twin.prepare(&case.settings).unwrap();
        assert_eq!(policy.not_snapshotted_because(), None, "every language's memory can be kept");
        let question = case.question(&base);
        let decision = twin.runtime.decide(&policy, question, &limits(), Seed([7; 16]));
        let answer = decision.outcome.unwrap_or_else(|failure| panic!("{}: {failure}", case.name));
        assert_eq!(answer, case.answer.map(Answer::Assignment), "{}", case.name);
    }
    for case in refused {
        let refusal = twin.prepare(&case.settings).err();
        let Some(PrepareRefused::Settings(errors)) = refusal else {
            panic!("{}: {refusal:?}", case.name)
        };
        assert_eq!(errors, case.errors, "{}", case.name);
    }
}

#[test]
#[ignore = "`cargo xtask languages` builds the component and runs it"]
fn the_rust_twin_answers_the_cases() {
    check("example-router-rs");
}

#[test]
#[ignore = "`cargo xtask languages` builds the component and runs it"]
fn the_typescript_twin_answers_the_cases() {
    check("example-router-ts");
}

#[test]
#[ignore = "`cargo xtask languages` builds the component and runs it"]
fn the_python_twin_answers_the_cases() {
    check("example-router-py");
}

/// Asks a policy that raises an exception at a marked ticket.
fn fail(name: &str) -> Failure {
    let twin = Twin::load(name);
    let Shared { base, mut cases, .. } = shared();
    let case = &mut cases[0];
    case.ticket.insert("short_description".to_owned(), "boom".into());
    let policy = twin.prepare(&case.settings).unwrap();
    let decision = twin.runtime.decide(&policy, case.question(&base), &limits(), Seed([7; 16]));
    decision.outcome.expect_err("the hook raises an exception")
}

#[test]
#[ignore = "`cargo xtask languages` builds the components and runs it"]
fn an_exception_is_told_with_its_text_and_line() {
    for (name, file) in [("faulty-router-ts", "policy.js:"), ("faulty-router-py", "policy.py:")] {
        let failure = fail(name);
        assert_eq!(failure.code(), "trap", "{name}: {failure}");
        let told = failure.to_string();
        for expected in ["TypeError: the rule is gone", file] {
            assert!(told.contains(expected), "{name}: {expected} is not in {told}");
        }
    }
}
