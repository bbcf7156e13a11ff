//! Settings: checked against the policy's JSON Schema before the policy itself sees them.

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

use crate::{SettingsError, schema_bounds};

/// The most errors that are told at once.
const TOLD: usize = 20;

/// The most characters of one error's message or place, which may quote the settings.
const MESSAGE_CHARS: usize = 500;

/// The most bytes that a compiled pattern may take.
const PATTERN_BYTES: usize = 1024 * 1024;

/// A compiled settings schema.
pub(crate) struct SettingsSchema<'a> {
    schema: &'a Value,
    validator: Validator,
}

impl<'a> SettingsSchema<'a> {
    /// Compiles a schema. It is a stranger's: it fetches nothing, its patterns run in linear time,
    /// and what it makes us do is bounded.
    pub(crate) fn compile(schema: &'a Value) -> Result<Self, String> {
        if !(schema.is_object() || schema.is_boolean()) {
            return Err("a JSON Schema is an object".to_owned());
        }
        schema_bounds::check_schema(schema)?;
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES))
            .offline()
            .build(schema)
            .map_err(|error| short(&error.to_string()))?;
        Ok(Self { schema, validator })
    }

    /// Parses and checks settings. Whether they are valid is found out first, which copies nothing;
    /// what is wrong with them only if saying so is little enough work.
    pub(crate) fn check(&self, settings: &str) -> Result<(), Vec<SettingsError>> {
        let whole = |message| vec![SettingsError { path: String::new(), message }];
        let settings = serde_json::from_str::<Value>(settings)
            .map_err(|error| whole(format!("this is not valid JSON: {error}")))?;
        schema_bounds::check_work(self.schema, &settings).map_err(whole)?;
        if self.validator.is_valid(&settings) {
            return Ok(());
        }
        if !schema_bounds::can_explain(self.schema, &settings) {
            let message = "they do not fit the policy's schema, and are too large for it to say \
                           where; try them in parts";
            return Err(whole(message.to_owned()));
        }
        let errors = self.validator.iter_errors(&settings).take(TOLD).map(|error| SettingsError {
            path: short(error.instance_path().as_str()),
            message: short(&error.to_string()),
        });
        Err(errors.collect())
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
    fn a_valid_document_is_valid_however_much_there_would_be_to_explain() {
        let numbers = (0..9_000).map(|number| json!({ "const": number }));
        let alternatives: Vec<_> = numbers.chain([json!({ "type": "string" })]).collect();
        let schema = json!({ "anyOf": alternatives });
        let schema = SettingsSchema::compile(&schema).unwrap();
        assert_eq!(schema.check(&format!("\"{}\"", "a".repeat(100_000))), Ok(()));
        let errors = schema.check(&format!("[\"{}\"]", "a".repeat(100_000))).unwrap_err();
        assert_eq!(errors.len(), 1);
        assert!(errors[0].message.contains("too large"), "{errors:?}");
    }

    #[test]
    fn a_pattern_that_compiles_large_is_refused() {
        let schema = json!({ "pattern": "(\\w{100}){100}" });
        assert!(SettingsSchema::compile(&schema).is_err());
    }

    #[test]
    fn a_hostile_pattern_takes_linear_time() {
        let schema = json!({ "pattern": "^(a+)+$" });
        let schema = SettingsSchema::compile(&schema).unwrap();
        let settings = format!("\"{}!\"", "a".repeat(100_000));
        assert!(schema.check(&settings).is_err());
    }
}
