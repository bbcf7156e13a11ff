//! Settings: checked against the policy's JSON Schema before the policy itself sees them.

use std::collections::HashSet;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

use crate::SettingsError;

/// The most errors that are told at once.
const TOLD: usize = 20;

/// The most characters of one error's message, which may quote the settings.
const MESSAGE_CHARS: usize = 500;

/// A compiled settings schema.
pub(crate) struct SettingsSchema(Validator);

impl SettingsSchema {
    /// Compiles a schema. It is a stranger's: it fetches nothing, its patterns run in linear time,
    /// and it cannot refer to itself without going down into the settings.
    pub(crate) fn compile(schema: &Value) -> Result<Self, String> {
        if !(schema.is_object() || schema.is_boolean()) {
            return Err("a JSON Schema is an object".to_owned());
        }
        if let Some(place) = endless_reference(schema) {
            return Err(format!("`{place}` refers to itself without end"));
        }
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(PatternOptions::regex())
            .offline()
            .build(schema)
            .map(Self)
            .map_err(|error| short(&error.to_string()))
    }

    /// Parses and checks settings.
    pub(crate) fn check(&self, settings: &str) -> Result<(), Vec<SettingsError>> {
        let settings = serde_json::from_str::<Value>(settings).map_err(|error| {
            vec![SettingsError {
                path: String::new(),
                message: format!("this is not JSON: {error}"),
            }]
        })?;
        let errors: Vec<_> = self
            .0
            .iter_errors(&settings)
            .take(TOLD)
            .map(|error| SettingsError {
                path: error.instance_path().as_str().to_owned(),
                message: short(&error.to_string()),
            })
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

fn short(message: &str) -> String {
    match message.char_indices().nth(MESSAGE_CHARS) {
        None => message.to_owned(),
        Some((end, _)) => format!("{}…", &message[..end]),
    }
}

/// Finds a schema that applies itself to the same value again: checking would never end, and use up
/// our stack.
///
/// Only keywords that stay at the same value are followed; one that goes down into the settings
/// ends with them.
fn endless_reference(schema: &Value) -> Option<String> {
    let mut settled = HashSet::new();
    let mut pointers = vec![String::new()];
    collect_references(schema, &mut pointers);
    pointers.into_iter().find(|pointer| {
        let mut path = Vec::new();
        schema.pointer(pointer).is_some_and(|at| circles(schema, at, &mut path, &mut settled))
    })
}

/// The targets of all references, wherever they stand.
fn collect_references(schema: &Value, pointers: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            pointers.extend(references(object).map(str::to_owned));
            object.values().for_each(|inner| collect_references(inner, pointers));
        }
        Value::Array(items) => {
            for inner in items {
                collect_references(inner, pointers);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The references of one schema that are pointers within the document.
fn references(object: &serde_json::Map<String, Value>) -> impl Iterator<Item = &str> {
    ["$ref", "$dynamicRef"]
        .into_iter()
        .filter_map(|keyword| object.get(keyword)?.as_str()?.strip_prefix('#'))
        .filter(|pointer| pointer.is_empty() || pointer.starts_with('/'))
}

/// Whether a chain of schemas for the same value comes back to where it was. Nodes are told apart
/// by their address, which stands still while the document is borrowed.
fn circles(
    root: &Value,
    at: &Value,
    path: &mut Vec<*const Value>,
    settled: &mut HashSet<*const Value>,
) -> bool {
    let node: *const Value = at;
    if path.contains(&node) {
        return true;
    }
    if settled.contains(&node) {
        return false;
    }
    let Some(object) = at.as_object() else { return false };
    path.push(node);
    let found = references(object)
        .filter_map(|pointer| root.pointer(pointer))
        .chain(in_place(object))
        .any(|next| circles(root, next, path, settled));
    path.pop();
    settled.insert(node);
    found
}

/// The inner schemas that apply to the same value as the schema itself.
fn in_place(object: &serde_json::Map<String, Value>) -> impl Iterator<Item = &Value> {
    let lists = ["allOf", "anyOf", "oneOf"]
        .into_iter()
        .filter_map(|keyword| object.get(keyword)?.as_array())
        .flatten();
    let singles =
        ["not", "if", "then", "else"].into_iter().filter_map(|keyword| object.get(keyword));
    let dependent = object
        .get("dependentSchemas")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(serde_json::Map::values);
    lists.chain(singles).chain(dependent)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_errors_say_where_and_what() {
        let schema = SettingsSchema::compile(&json!({
            "type": "object",
            "properties": { "rules": { "items": { "required": ["team"] } }, "level": { "maximum": 5 } },
            "additionalProperties": false
        }))
        .unwrap();
        assert_eq!(schema.check(r#"{"rules": [{"team": "network"}], "level": 3}"#), Ok(()));

        let errors = schema.check(r#"{"rules": [{}], "level": 9}"#).unwrap_err();
        let paths: Vec<_> = errors.iter().map(|error| error.path.as_str()).collect();
        assert_eq!(paths.len(), 2);
        assert!(paths.contains(&"/rules/0") && paths.contains(&"/level"), "{paths:?}");
        assert!(errors.iter().any(|error| error.message.contains("team")), "{errors:?}");
        assert!(schema.check("{").unwrap_err()[0].message.contains("not JSON"));
    }

    #[test]
    fn a_schema_that_fetches_is_refused() {
        let schema = json!({ "$ref": "https://example.com/schema.json" });
        assert!(SettingsSchema::compile(&schema).is_err());
        let schema = json!({ "$ref": "file:///etc/passwd" });
        assert!(SettingsSchema::compile(&schema).is_err());
    }

    #[test]
    fn a_schema_that_is_none_is_refused() {
        for schema in [json!(3), json!({ "type": "cheese" }), json!({ "pattern": "(" })] {
            assert!(SettingsSchema::compile(&schema).is_err(), "{schema}");
        }
    }

    #[test]
    fn a_reference_that_never_goes_down_is_refused() {
        for schema in [
            json!({ "$ref": "#" }),
            json!({ "allOf": [{ "$ref": "#/$defs/a" }], "$defs": { "a": { "not": { "$ref": "#" } } } }),
            json!({ "properties": { "x": { "$ref": "#/$defs/a" } },
                "$defs": { "a": { "anyOf": [{ "$ref": "#/$defs/a" }] } } }),
        ] {
            let message = SettingsSchema::compile(&schema).err().unwrap();
            assert!(message.contains("without end"), "{message}");
        }
    }

    #[test]
    fn a_tree_may_refer_to_itself() {
        let tree = json!({
            "type": "object",
            "properties": { "children": { "items": { "$ref": "#" } } },
            "additionalProperties": false
        });
        let schema = SettingsSchema::compile(&tree).unwrap();
        assert_eq!(schema.check(r#"{"children": [{"children": []}]}"#), Ok(()));
        assert!(schema.check(r#"{"children": [{"kids": []}]}"#).is_err());
    }

    #[test]
    fn a_hostile_pattern_takes_linear_time() {
        let schema = SettingsSchema::compile(&json!({ "pattern": "^(a+)+$" })).unwrap();
        let settings = format!("\"{}!\"", "a".repeat(100_000));
        assert!(schema.check(&settings).is_err());
    }
}
