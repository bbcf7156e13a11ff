//! References: the names in settings of what a desk has: teams, categories, services, people.
//!
//! A schema says so with a `format` of its own: `waypost-team`. It refuses nothing, for a policy
//! may be bound before what it names is there.

use serde_json::{Map, Value};

use crate::bounds;

/// What formats of ours begin with.
const PREFIX: &str = "waypost-";

/// So many values are looked at in all their schemas. Real settings have some thousands.
const VISITS: usize = 100_000;

/// A name in settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// A JSON pointer to it.
    pub pointer: String,
    /// What it names: `team`, `category`, `service`, `ci`, `person`.
    pub kind: String,
    /// The name; the parts of a category are joined by slashes.
    pub name: String,
}

/// The names in settings that fit their schema. Where the schema leaves open what a text names, it
/// is none.
#[must_use]
pub fn references(schema: &Value, settings: &Value) -> Vec<Reference> {
    let mut walk = Walk { root: schema, left: VISITS, found: Vec::new() };
    walk.visit(schema, settings, "", 0);
    let all = walk.found;
    let is_clear = |one: &&Reference| {
        all.iter().all(|other| other.pointer != one.pointer || other.kind == one.kind)
    };
    let mut clear: Vec<Reference> = all.iter().filter(is_clear).cloned().collect();
    clear.dedup();
    clear
}

struct Walk<'a> {
    root: &'a Value,
    left: usize,
    found: Vec<Reference>,
}

impl Walk<'_> {
    fn visit(&mut self, schema: &Value, value: &Value, pointer: &str, stayed: usize) {
        let Some(schema) = schema.as_object() else { return };
        if self.left == 0 || stayed > bounds::CHAIN {
            return;
        }
        self.left -= 1;
        self.note(schema, value, pointer);
        let target = schema.get("$ref").and_then(Value::as_str);
        let target = target.and_then(|reference| bounds::target(self.root, reference));
        let lists = ["allOf", "anyOf", "oneOf"].iter().filter_map(|keyword| schema.get(*keyword));
        let nested = lists.filter_map(Value::as_array).flatten();
        for same in target.into_iter().chain(nested) {
            self.visit(same, value, pointer, stayed + 1);
        }
        match value {
            Value::Object(fields) => self.fields(schema, fields, pointer),
            Value::Array(items) => {
                let Some(each) = schema.get("items") else { return };
                for (place, item) in items.iter().enumerate() {
                    self.visit(each, item, &format!("{pointer}/{place}"), 0);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn fields(&mut self, schema: &Map<String, Value>, fields: &Map<String, Value>, pointer: &str) {
        let known = schema.get("properties").and_then(Value::as_object);
        for (name, value) in fields {
            let own = known.and_then(|known| known.get(name));
            let Some(schema) = own.or_else(|| schema.get("additionalProperties")) else { continue };
            let name = name.replace('~', "~0").replace('/', "~1");
            self.visit(schema, value, &format!("{pointer}/{name}"), 0);
        }
    }

    fn note(&mut self, schema: &Map<String, Value>, value: &Value, pointer: &str) {
        let format = schema.get("format").and_then(Value::as_str);
        let Some(kind) = format.and_then(|format| format.strip_prefix(PREFIX)) else { return };
        let name = match value {
            Value::String(name) => name.clone(),
            Value::Array(parts) if !parts.is_empty() => {
                let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
                parts.join("/")
            }
            _ => return,
        };
        let (pointer, kind) = (pointer.to_owned(), kind.to_owned());
        self.found.push(Reference { pointer, kind, name });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_name_is_found_where_it_stands() {
        let schema = json!({
            "properties": {
                "fallback": { "anyOf": [{ "$ref": "#/$defs/team" }, { "type": "null" }] },
                "rules": { "items": { "oneOf": [
                    { "const": "nobody" },
                    { "required": ["team"], "properties": { "team": { "$ref": "#/$defs/team" } } },
                    { "required": ["some"], "properties": {
                        "some": { "items": { "$ref": "#/$defs/team" } }
                    } }
                ] } },
                "category": { "type": "array", "format": "waypost-category" },
                "who": { "anyOf": [{ "format": "waypost-team" }, { "format": "waypost-person" }] },
                "at": { "format": "date-time" }
            },
            "$defs": { "team": { "type": "string", "format": "waypost-team" } }
        });
        let settings = json!({
            "fallback": "desk",
            "rules": ["nobody", { "team": "network" }, { "some": ["a", "b"] }],
            "category": ["access", "password"],
            "who": "either",
            "at": "2026-06-01T08:00:00Z"
        });
        let found = references(&schema, &settings).into_iter();
        let mut found: Vec<_> =
            found.map(|one| format!("{} {} {}", one.pointer, one.kind, one.name)).collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [
                "/category category access/password",
                "/fallback team desk",
                "/rules/1/team team network",
                "/rules/2/some/0 team a",
                "/rules/2/some/1 team b",
            ]
        );
        assert!(references(&schema, &json!({ "fallback": null })).is_empty());
    }
}
