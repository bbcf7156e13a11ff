//! Bounds on a settings schema: checking settings must end, soon, and within our stack.
//!
//! A schema is a stranger's program. References make it a graph, in which some edges stay at the
//! same value (`$ref`, `allOf`, ..) and some go down into it (`properties`, `items`, ..). A circle
//! of edges that stay never ends. A few layers of two references each double the work at every
//! layer. So the graph is walked before it is used.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// How many edges may stay at the same value in a row, and how deep settings may be nested. Each
/// step takes some of our stack, and the steps multiply.
pub(crate) const CHAIN: usize = 16;
const NESTED: usize = 32;

/// How many schemas may be applied to all of the settings. Real ones need some thousands.
const APPLIED: u64 = 100_000_000;

/// How many bytes may be copied to say which alternatives do not fit: each of `anyOf` and `oneOf`
/// keeps a copy of the value that it refused.
const COPIED: u64 = 256 * 1024 * 1024;

/// What one value takes beside its text.
const VALUE_BYTES: u64 = 64;

/// How many patterns a schema may have. Each is a machine of its own.
const PATTERNS: usize = 256;

/// Edges that stay at the same value.
const STAYING_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const STAYING: [&str; 4] = ["not", "if", "then", "else"];
const STAYING_MAPS: [&str; 2] = ["dependentSchemas", "dependencies"];

/// Edges that go down into the value.
const DESCENDING_LISTS: [&str; 2] = ["prefixItems", "items"];
const DESCENDING: [&str; 7] = [
    "items",
    "additionalItems",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
];
const DESCENDING_MAPS: [&str; 2] = ["properties", "patternProperties"];

/// Checks that every reference points into the schema itself, and that no chain of them is endless.
pub(crate) fn check_schema(schema: &Value) -> Result<(), String> {
    check_references(schema, schema)?;
    let mut patterns = 0;
    each_object(schema, &mut |object| {
        patterns += usize::from(object.get("pattern").is_some_and(Value::is_string));
        let named = object.get("patternProperties").and_then(Value::as_object);
        patterns += named.map_or(0, Map::len);
        if patterns > PATTERNS {
            return Err(format!("it has more than {PATTERNS} patterns"));
        }
        Ok(())
    })?;
    let mut chains = HashMap::new();
    each_object(schema, &mut |object| longest_chain(schema, object, 0, &mut chains).map(|_| ()))
}

/// Checks that these settings are little enough work for the schema, which was checked before.
pub(crate) fn check_work(schema: &Value, settings: &Value) -> Result<(), String> {
    let (values, depth) = measure(settings);
    if depth > NESTED {
        return Err(format!("the settings are nested {depth} levels deep; the limit is {NESTED}"));
    }
    let Some(root) = schema.as_object() else { return Ok(()) };
    let paths = ways(schema, root, depth, &|_| 1, &mut HashMap::new());
    if paths.saturating_mul(values) > APPLIED {
        return Err("checking these settings against the policy's schema takes too long".to_owned());
    }
    Ok(())
}

/// How many alternatives the schema has, over all places.
pub(crate) fn alternatives(schema: &Value) -> usize {
    let mut found = 0;
    let counted = each_object(schema, &mut |object| {
        let lists = ["anyOf", "oneOf"].iter().filter_map(|keyword| object.get(*keyword));
        found += lists.filter_map(Value::as_array).map(Vec::len).sum::<usize>();
        Ok(())
    });
    debug_assert!(counted.is_ok(), "counting refuses nothing");
    found
}

/// The schema itself, behind the references that it consists of.
pub(crate) fn resolved<'a>(root: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    let mut schema = schema;
    for _ in 0..CHAIN {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else {
            return Some(schema);
        };
        schema = target(root, reference)?;
    }
    None
}

/// Whether it is little enough work to say what is wrong with settings that are not valid.
pub(crate) fn can_explain(schema: &Value, settings: &Value) -> bool {
    let Some(root) = schema.as_object() else { return true };
    let alternatives = |schema: &Map<String, Value>| {
        let lists = ["anyOf", "oneOf"].into_iter().filter_map(|list| schema.get(list)?.as_array());
        lists.map(|list| list.len() as u64).sum::<u64>()
    };
    let (_, depth) = measure(settings);
    let alternatives = ways(schema, root, depth, &alternatives, &mut HashMap::new());
    alternatives.saturating_mul(bytes(settings)) <= COPIED
}

/// What a copy takes.
fn bytes(value: &Value) -> u64 {
    let inner = match value {
        Value::Array(items) => items.iter().map(bytes).sum(),
        Value::Object(object) => {
            object.iter().map(|(name, value)| name.len() as u64 + bytes(value)).sum()
        }
        Value::String(text) => text.len() as u64,
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    inner + VALUE_BYTES
}

/// How many values there are, and how deep they are nested.
fn measure(value: &Value) -> (u64, usize) {
    let inner: Vec<_> = match value {
        Value::Array(items) => items.iter().map(measure).collect(),
        Value::Object(object) => object.values().map(measure).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return (1, 1),
    };
    let values = inner.iter().map(|(values, _)| values).sum::<u64>() + 1;
    let depth = inner.iter().map(|(_, depth)| *depth).max().unwrap_or(0) + 1;
    (values, depth)
}

/// Calls a function with every object of the document, whether it is a schema or not.
fn each_object<'a>(
    value: &'a Value,
    check: &mut impl FnMut(&'a Map<String, Value>) -> Result<(), String>,
) -> Result<(), String> {
    match value {
        Value::Object(object) => {
            check(object)?;
            object.values().try_for_each(|inner| each_object(inner, check))
        }
        Value::Array(items) => items.iter().try_for_each(|inner| each_object(inner, check)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// Only references that are plain pointers can be followed here, so no others are let in.
fn check_references(root: &Value, schema: &Value) -> Result<(), String> {
    let top = root.as_object().map(std::ptr::from_ref);
    each_object(schema, &mut |object| {
        for keyword in ["$dynamicRef", "$recursiveRef", "$dynamicAnchor", "$anchor"] {
            if object.get(keyword).is_some_and(Value::is_string) {
                return Err(format!(
                    "`{keyword}` is not supported; use `$ref` with a JSON pointer"
                ));
            }
        }
        if object.get("$id").is_some_and(Value::is_string)
            && Some(std::ptr::from_ref(object)) != top
        {
            return Err("`$id` is not supported inside a schema".to_owned());
        }
        match object.get("$ref") {
            Some(Value::String(reference)) if target(root, reference).is_none() => {
                Err(format!("`$ref` is `{reference}`, which is not a JSON pointer into the schema"))
            }
            _ => Ok(()),
        }
    })
}

/// What a reference points to. None for what is not a plain pointer within the document.
pub(crate) fn target<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    let pointer = reference.strip_prefix('#')?;
    if pointer.contains('%') { None } else { root.pointer(pointer) }
}

/// The schemas that are applied to the same value as this one.
fn staying<'a>(
    root: &'a Value,
    schema: &'a Map<String, Value>,
) -> impl Iterator<Item = &'a Map<String, Value>> {
    let referenced = schema.get("$ref").and_then(Value::as_str).and_then(|to| target(root, to));
    edges(schema, &STAYING_LISTS, &STAYING, &STAYING_MAPS)
        .chain(referenced.and_then(Value::as_object))
}

/// The schemas that are applied to what is inside the value.
fn descending(schema: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    edges(schema, &DESCENDING_LISTS, &DESCENDING, &DESCENDING_MAPS)
}

fn edges<'a>(
    schema: &'a Map<String, Value>,
    lists: &'static [&str],
    singles: &'static [&str],
    maps: &'static [&str],
) -> impl Iterator<Item = &'a Map<String, Value>> {
    let lists = lists.iter().filter_map(|keyword| schema.get(*keyword)?.as_array()).flatten();
    let singles = singles.iter().filter_map(|keyword| schema.get(*keyword));
    let maps = maps.iter().filter_map(|keyword| schema.get(*keyword)?.as_object());
    lists.chain(singles).chain(maps.flat_map(Map::values)).filter_map(Value::as_object)
}

/// A schema's place in memory, which stands still while the document is borrowed.
type Place = *const Map<String, Value>;

/// The longest chain of schemas for the same value. An endless one is longer than any.
fn longest_chain(
    root: &Value,
    schema: &Map<String, Value>,
    above: usize,
    known: &mut HashMap<Place, usize>,
) -> Result<usize, String> {
    if above > CHAIN {
        return Err(format!(
            "more than {CHAIN} schemas in a row apply to the same value, or one applies to itself"
        ));
    }
    if let Some(length) = known.get(&std::ptr::from_ref(schema)) {
        return Ok(*length);
    }
    let mut longest = 0;
    for next in staying(root, schema) {
        longest = longest.max(longest_chain(root, next, above + 1, known)?);
    }
    let length = longest + 1;
    if length > CHAIN {
        return Err(format!("more than {CHAIN} schemas in a row apply to the same value"));
    }
    known.insert(std::ptr::from_ref(schema), length);
    Ok(length)
}

/// How many ways there are through the graph, so many levels down, each schema counted by what it
/// has of its own.
fn ways(
    root: &Value,
    schema: &Map<String, Value>,
    depth: usize,
    own: &impl Fn(&Map<String, Value>) -> u64,
    known: &mut HashMap<(Place, usize), u64>,
) -> u64 {
    let place = (std::ptr::from_ref(schema), depth);
    if let Some(ways) = known.get(&place) {
        return *ways;
    }
    let mut sum = own(schema);
    for next in staying(root, schema) {
        sum = sum.saturating_add(ways(root, next, depth, own, known));
    }
    if depth > 1 {
        for next in descending(schema) {
            sum = sum.saturating_add(ways(root, next, depth - 1, own, known));
        }
    }
    known.insert(place, sum);
    sum
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_that_applies_to_itself_is_refused() {
        for schema in [
            json!({ "$ref": "#" }),
            json!({
                "allOf": [{ "$ref": "#/$defs/a" }],
                "$defs": { "a": { "not": { "$ref": "#" } } }
            }),
            json!({
                "properties": { "x": { "$ref": "#/$defs/a" } },
                "$defs": { "a": { "anyOf": [{ "$ref": "#/$defs/a" }] } }
            }),
            json!({ "$defs": { "a": { "dependentSchemas": { "x": { "$ref": "#/$defs/a" } } } } }),
        ] {
            let message = check_schema(&schema).unwrap_err();
            assert!(message.contains("in a row"), "{message}");
        }
    }

    #[test]
    fn a_reference_that_cannot_be_followed_is_refused() {
        for schema in [
            json!({ "$ref": "https://example.com/schema.json" }),
            json!({ "$ref": "#/$defs/missing" }),
            json!({ "$ref": "#/$defs/a%62", "$defs": { "ab": {} } }),
            json!({ "$ref": "#here", "properties": { "x": { "$anchor": "here" } } }),
            json!({ "$dynamicAnchor": "here", "$dynamicRef": "#here" }),
            json!({ "properties": { "x": { "$id": "urn:x", "$ref": "#" } } }),
        ] {
            assert!(check_schema(&schema).is_err(), "{schema}");
        }
    }

    #[test]
    fn ordinary_schemas_pass() {
        for schema in [
            json!({}),
            json!(true),
            json!({ "$id": "urn:settings", "properties": { "$ref": { "type": "string" } } }),
            json!({ "properties": { "children": { "items": { "$ref": "#" } } } }),
        ] {
            check_schema(&schema).unwrap();
            check_work(&schema, &json!({ "children": [{ "children": [] }] })).unwrap();
        }
    }

    #[test]
    fn doubling_at_every_layer_is_too_much_work() {
        // Two references to the next layer, twelve layers in a row, and then down again.
        let mut definitions = Map::new();
        for layer in 0..12 {
            let next = json!({ "$ref": format!("#/$defs/l{}", layer + 1) });
            definitions.insert(format!("l{layer}"), json!({ "allOf": [next, next] }));
        }
        definitions.insert("l12".to_owned(), json!({ "items": { "$ref": "#/$defs/l0" } }));
        let schema = json!({ "$ref": "#/$defs/l0", "$defs": definitions });
        // Each layer is two schemas in a row: the list's and the reference's.
        assert!(check_schema(&schema).is_err());

        let bomb = json!({
            "$ref": "#/$defs/a",
            "$defs": { "a": { "allOf": [{ "items": { "$ref": "#" } }, { "items": { "$ref": "#" } }] } }
        });
        check_schema(&bomb).unwrap();
        let mut settings = json!([]);
        for _ in 0..28 {
            settings = json!([settings]);
        }
        assert!(check_work(&bomb, &settings).is_err());
        check_work(&bomb, &json!([[1, 2], [3]])).unwrap();
    }

    #[test]
    fn alternatives_times_bytes_are_bounded() {
        let alternatives: Vec<_> = (0..5_000).map(|number| json!({ "const": number })).collect();
        let schema = json!({ "properties": { "text": { "anyOf": alternatives } } });
        let settings = |length| json!({ "text": "a".repeat(length) });
        assert!(can_explain(&schema, &settings(10_000)));
        assert!(!can_explain(&schema, &settings(100_000)));
        assert!(can_explain(&json!({ "anyOf": [{}, {}] }), &settings(1_000_000)));
    }

    #[test]
    fn patterns_are_bounded_in_number() {
        let patterns = |count: usize| {
            let all = (0..count).map(|number| json!({ "pattern": format!("a{number}") }));
            json!({ "allOf": all.collect::<Vec<_>>() })
        };
        check_schema(&patterns(PATTERNS)).unwrap();
        assert!(check_schema(&patterns(PATTERNS + 1)).unwrap_err().contains("256 patterns"));
    }

    #[test]
    fn settings_may_not_be_nested_too_deep() {
        let mut settings = json!(1);
        for _ in 0..NESTED {
            settings = json!([settings]);
        }
        assert!(check_work(&json!({}), &settings).unwrap_err().contains("nested 33 levels deep"));
    }
}
