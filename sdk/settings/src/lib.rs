//! Settings: checked against the policy's JSON Schema before the policy itself sees them.
//!
//! The host checks with this what administrators give, and the test kit of the SDK what authors
//! give in tests, so what passes a test is not refused by the host.

mod alternatives;
mod bounds;
mod references;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

pub use references::{Reference, references};

/// The most errors that are told at once.
const TOLD: usize = 20;

/// The most alternatives (`anyOf`, `oneOf`) that a value is compared with to say which was meant.
const COMPARED: usize = 2_000;

/// The most bytes that a compiled pattern may take.
const PATTERN_BYTES: usize = 1024 * 1024;

/// The most characters of one error's message, which may quote the settings.
const MESSAGE_CHARS: usize = 500;

/// What is wrong with one place of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// A JSON pointer into the settings (`/rules/3/team`), empty for the whole.
    pub path: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// A compiled settings schema.
pub struct SettingsSchema<'a> {
    schema: &'a Value,
    validator: Validator,
}

impl<'a> SettingsSchema<'a> {
    /// Compiles a schema. It is a stranger's: it fetches nothing, its patterns run in linear time,
    /// and what it makes us do is bounded.
    ///
    /// # Errors
    /// What is wrong with the schema.
    pub fn compile(schema: &'a Value) -> Result<Self, String> {
        if !(schema.is_object() || schema.is_boolean()) {
            return Err("a JSON Schema is an object".to_owned());
        }
        bounds::check_schema(schema)?;
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES))
            .offline()
            .build(schema)
            .map_err(|error| short(&error.to_string()))?;
        Ok(Self { schema, validator })
    }

    /// Parses and checks settings.
    ///
    /// # Errors
    /// What is wrong with them, up to a number that is read at once.
    pub fn check(&self, settings: &str) -> Result<(), Vec<Wrong>> {
        let whole = |message| vec![Wrong { path: String::new(), message }];
        let settings = serde_json::from_str::<Value>(settings)
            .map_err(|error| whole(format!("this is not valid JSON: {error}")))?;
        bounds::check_work(self.schema, &settings).map_err(whole)?;
        if self.validator.is_valid(&settings) {
            return Ok(());
        }
        let is_too_much = bounds::alternatives(self.schema) > COMPARED
            || !bounds::can_explain(self.schema, &settings);
        if is_too_much {
            let message = "these settings do not match the policy's schema, which has too many \
                           alternatives to say where";
            return Err(whole(message.to_owned()));
        }
        let errors: Vec<_> = self.validator.iter_errors(&settings).take(TOLD).collect();
        Err(alternatives::explain(self.schema, &errors))
    }
}

fn short(message: &str) -> String {
    match message.char_indices().nth(MESSAGE_CHARS) {
        None => message.to_owned(),
        Some((end, _)) => format!("{}…", &message[..end]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_errors_say_where_and_what() {
        let schema = json!({
            "type": "object",
            "properties": {
                "rules": { "items": { "required": ["team"] } },
                "level": { "maximum": 5 }
            },
            "additionalProperties": false
        });
        let schema = SettingsSchema::compile(&schema).unwrap();
        assert_eq!(schema.check(r#"{"rules": [{"team": "network"}], "level": 3}"#), Ok(()));

        let errors = schema.check(r#"{"rules": [{}], "level": 9}"#).unwrap_err();
        let paths: Vec<_> = errors.iter().map(|error| error.path.as_str()).collect();
        assert_eq!(paths.len(), 2);
        assert!(paths.contains(&"/rules/0") && paths.contains(&"/level"), "{paths:?}");
        assert!(errors.iter().any(|error| error.message.contains("team")), "{errors:?}");
        assert!(schema.check("{").unwrap_err()[0].message.contains("not valid JSON"));
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
    fn a_schema_that_never_ends_is_refused() {
        assert!(SettingsSchema::compile(&json!({ "$ref": "#" })).is_err());
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
    fn what_would_take_too_much_memory_to_explain_is_refused_without() {
        let alternatives: Vec<_> = (0..2_001).map(|number| json!({ "const": number })).collect();
        let schema = json!({ "anyOf": alternatives });
        let schema = SettingsSchema::compile(&schema).unwrap();
        assert_eq!(schema.check("1999"), Ok(()));
        let errors = schema.check("-1").unwrap_err();
        assert!(errors[0].message.contains("too many alternatives"), "{errors:?}");
    }

    #[test]
    fn a_hostile_pattern_takes_linear_time() {
        let schema = json!({ "pattern": "^(a+)+$" });
        let schema = SettingsSchema::compile(&schema).unwrap();
        let settings = format!("\"{}!\"", "a".repeat(100_000));
        assert!(schema.check(&settings).is_err());
    }
}
