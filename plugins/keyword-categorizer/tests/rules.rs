//! What the categorizer answers.

#![expect(clippy::unwrap_used, reason = "a test that cannot configure the policy fails")]

use keyword_categorizer::{KeywordCategorizer, Settings};
use serde_json::{Value, json};
use waypost_sdk::testing::{Harness, context, head, incident, ticket};
use waypost_sdk::{Categorization, Channel, Decline, Head, Kind, Strength, Ticket};

fn categorizer(settings: &Value) -> Harness<KeywordCategorizer> {
    Harness::new(settings).unwrap()
}

fn ask(settings: &Value, ticket: &Ticket) -> Categorization {
    categorizer(settings).categorize(ticket, &context()).unwrap()
}

/// The settings in the README.
fn example() -> Value {
    let readme = include_str!("../README.md");
    let (_, example) = readme.split_once("```json\n").unwrap();
    serde_json::from_str(example.split_once("```").unwrap().0).unwrap()
}

#[test]
fn the_example_fits_the_schema() {
    let schema: Value = serde_json::from_str(&waypost_sdk::schema_of::<Settings>()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    assert!(schema.is_valid(&example()));
    assert!(!schema.is_valid(&json!({ "rules": [{ "name": "a", "set": { "impact": 6 } }] })));
    assert!(!schema.is_valid(&json!({ "rules": [{ "name": "a", "confidence": 101 }] })));
}

#[test]
fn the_first_match_wins_field_by_field() {
    let answer = ask(&example(), &ticket("Passwort für den Drucker vergessen"));
    assert_eq!(answer.category.unwrap().value, ["access", "password"]);
    assert_eq!(answer.service.unwrap().value, "identity");
    let (impact, urgency) = (answer.impact.unwrap(), answer.urgency.unwrap());
    assert_eq!((impact.value, impact.confidence), (3, 95));
    assert_eq!((urgency.value, urgency.strength), (2, Strength::Set));
    assert_eq!(answer.kind.unwrap().value, Kind::Request);
    assert_eq!(answer.tags.unwrap().value, ["self-service"]);
    assert_eq!(answer.reasons, ["rule “password”: the text contains “passwort”"]);
}

#[test]
fn a_later_rule_completes_what_earlier_ones_left_open() {
    let answer = ask(&example(), &ticket("Toner is empty"));
    let category = answer.category.unwrap();
    assert_eq!(category.value, ["hardware", "printer"]);
    assert_eq!((category.strength, category.confidence), (Strength::Suggested, 70));
    assert_eq!(answer.impact.unwrap().confidence, 50);
    assert_eq!(
        answer.reasons,
        ["rule “printing”: the text contains “toner”", "rule “everything else”"]
    );
}

#[test]
fn a_rule_that_stops_hides_the_later_ones() {
    let alert = incident(Head { channel: Channel::Monitoring, ..head("printer hub UNREACHABLE") });
    let answer = ask(&example(), &alert);
    assert_eq!(answer.impact.unwrap().value, 1);
    assert_eq!(answer.category, None);
}

#[test]
fn what_a_person_chose_stays_unless_the_settings_say_otherwise() {
    let mut settings = json!({ "rules": [
        { "name": "vpn", "when": { "words": { "any": ["vpn"] } },
          "set": { "category": ["network"], "service": "vpn", "ci": "gw-1", "impact": 2 } }
    ] });
    let chosen = incident(Head {
        category: vec!["access".to_owned()],
        service: Some("identity".to_owned()),
        impact: Some(3),
        ..head("VPN")
    });

    let answer = ask(&settings, &chosen);
    assert_eq!((answer.category, answer.service, answer.impact), (None, None, None));
    assert_eq!(answer.ci.unwrap().value, "gw-1");

    settings["overwrite"] = json!(true);
    let answer = ask(&settings, &chosen);
    assert_eq!(answer.category.unwrap().value, ["network"]);
    assert_eq!(answer.impact.unwrap().value, 2);
}

#[test]
fn labels_are_collected_without_repeats() {
    let settings = json!({ "rules": [
        { "name": "a", "set": { "tags": ["x", "y"] } },
        { "name": "b", "set": { "tags": ["y", "z"] } },
        { "name": "c", "set": { "tags": ["z"] } }
    ] });
    let labelled = incident(Head { tags: vec!["x".to_owned()], ..head("") });
    let answer = ask(&settings, &labelled);
    assert_eq!(answer.tags.unwrap().value, ["y", "z"]);
    assert_eq!(answer.reasons, ["rule “a”", "rule “b”"]);
}

#[test]
fn labels_that_are_set_are_not_mixed_with_suggested_ones() {
    let rule = |tag: &str, strength: &str, confidence: u8| {
        json!({
            "name": tag, "set": { "tags": [tag] },
            "strength": strength, "confidence": confidence
        })
    };
    for (rules, labels, strength, confidence) in [
        (json!([rule("a", "suggested", 60), rule("b", "set", 90)]), vec!["b"], Strength::Set, 90),
        (json!([rule("a", "set", 90), rule("b", "suggested", 60)]), vec!["a"], Strength::Set, 90),
        (json!([rule("a", "set", 90), rule("b", "set", 70)]), vec!["a", "b"], Strength::Set, 70),
        (
            json!([rule("a", "suggested", 60), rule("b", "suggested", 70)]),
            vec!["a", "b"],
            Strength::Suggested,
            60,
        ),
    ] {
        let tags = ask(&json!({ "rules": rules }), &ticket("")).tags.unwrap();
        assert_eq!(
            (tags.value, tags.strength, tags.confidence),
            (owned(&labels), strength, confidence)
        );
    }
}

#[test]
fn no_more_labels_are_added_than_an_answer_may_hold() {
    let rule = |name: &str, labels: std::ops::Range<u8>| {
        let tags: Vec<_> = labels.map(|label| format!("label-{label}")).collect();
        json!({ "name": name, "set": { "tags": tags } })
    };
    for rules in [json!([rule("a", 0..30)]), json!([rule("a", 0..15), rule("b", 10..30)])] {
        let labels = ask(&json!({ "rules": rules }), &ticket("")).tags.unwrap().value;
        assert_eq!((labels.len(), labels[19].as_str()), (20, "label-19"));
    }
}

fn owned(labels: &[&str]) -> Vec<String> {
    labels.iter().map(|label| (*label).to_owned()).collect()
}

#[test]
fn a_rule_may_set_one_field_and_suggest_another() {
    let answer = ask(
        &json!({ "rules": [{
            "name": "a",
            "set": { "category": ["network"], "service": "vpn", "impact": 2, "tags": ["remote"] },
            "strength": { "service": "suggested", "tags": "suggested" }
        }] }),
        &ticket(""),
    );
    assert_eq!(answer.category.unwrap().strength, Strength::Set);
    assert_eq!(answer.impact.unwrap().strength, Strength::Set);
    assert_eq!(answer.service.unwrap().strength, Strength::Suggested);
    assert_eq!(answer.tags.unwrap().strength, Strength::Suggested);
}

#[test]
fn problems_are_only_suggested() {
    for (kind, strength) in [("problem", Strength::Suggested), ("request", Strength::Set)] {
        let settings = json!({ "rules": [{ "name": "a", "set": { "kind": kind } }] });
        assert_eq!(ask(&settings, &ticket("")).kind.unwrap().strength, strength, "{kind}");
    }
}

#[test]
fn without_a_match_there_is_no_opinion() {
    let settings = json!({ "rules": [
        { "name": "vpn", "when": { "words": { "any": ["vpn"] } }, "set": { "tags": ["vpn"] } }
    ] });
    let declined = categorizer(&settings).categorize(&ticket("hello"), &context()).unwrap_err();
    assert_eq!(declined, Decline::no_opinion("no rule has anything to add"));
}

#[test]
fn settings_that_cannot_work_are_refused_where_they_stand() {
    let settings = json!({ "rules": [
        { "name": "a", "when": { "words": { "any": ["..."] } }, "set": { "tags": ["x"] } },
        { "name": "b", "set": {} },
        { "name": "c", "set": { "category": [] } }
    ] });
    let errors = Harness::<KeywordCategorizer>::new(&settings).unwrap_err();
    let paths: Vec<_> = errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(paths, ["/rules/0/when/words/any/0", "/rules/1/set", "/rules/2/set/category"]);
}
