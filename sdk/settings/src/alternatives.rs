//! Alternatives: a value that fits none of several schemas is told what is wrong with the one that
//! was meant.
//!
//! Which one was meant shows in what the value has in common with it: its type, the key or the word
//! that stands for it, a field that only it knows. An alternative whose errors all lie further down
//! was meant for sure.

use std::cmp::Reverse;

use jsonschema::{
    JsonType, ValidationError,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::Value;

use crate::{TOLD, Wrong, bounds, short};

/// The schema's bounds allow no more alternatives within each other.
const NESTED: usize = 16;

/// A value that is quoted to be found again needs no more.
const QUOTED_CHARS: usize = 60;

/// How badly a value fits an alternative, by the worst that is wrong with the value itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Misfit {
    /// Only something inside of it is wrong.
    Inside,
    /// It is too large, too short, or fits no alternative of the alternative.
    Bounds,
    /// A key is missing, or one is too many.
    Keys,
    /// It is another word than the one that stands for the alternative.
    Word,
    /// It is of another type.
    Type,
}

/// Says what is wrong; never only that nothing fits.
pub(super) fn explain(schema: &Value, errors: &[ValidationError<'_>]) -> Vec<Wrong> {
    let mut told = Vec::new();
    for error in errors {
        tell(schema, error, NESTED, &mut told);
    }
    told
}

fn tell(schema: &Value, error: &ValidationError<'_>, depth: usize, told: &mut Vec<Wrong>) {
    if told.len() >= TOLD {
        return;
    }
    let at = error.instance_path().as_str();
    let mut note = |path: &str, message: &str| {
        told.push(Wrong { path: path.to_owned(), message: short(message) });
    };
    let context = match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            context
        }
        // All of the words, where the library's own sentence has two of them.
        ValidationErrorKind::Enum { options } if !words(options).is_empty() => {
            let given = quoted(error.instance());
            return note(at, &not_known(&given, &words(options)));
        }
        _ => return note(at, &error.to_string()),
    };
    let value = error.instance();
    let branches = branches(at, context);
    let names = names(schema, schema.pointer(error.schema_path().as_str()));
    match meant(value, &branches, names.as_deref()) {
        Meant::One(branch) if depth > 0 => {
            branch.errors.iter().for_each(|error| tell(schema, error, depth - 1, told));
        }
        Meant::One(_) => note(at, &format!("{} is not valid here", quoted(value))),
        Meant::None(message) => note(at, &message),
        Meant::NoneByField(field, message) => note(&format!("{at}/{field}"), &message),
    }
}

/// The alternative that a value was meant for.
enum Meant<'b, 'a> {
    One(&'b Branch<'a>),
    /// None; what is wrong with the value.
    None(String),
    /// None; what is wrong with the field that should name it.
    NoneByField(&'a str, String),
}

fn meant<'b, 'a>(
    value: &Value,
    branches: &'b [Branch<'a>],
    names: Option<&[Name<'_>]>,
) -> Meant<'b, 'a> {
    if let Some((field, message)) = unknown_word_inside(value, branches) {
        return Meant::NoneByField(field, message);
    }
    let best = branches.iter().min_by_key(|branch| {
        (branch.misfit(branches), Reverse(branch.depth()), branch.errors.len())
    });
    let Some(best) = best else {
        return Meant::None(format!("{} is not valid here", quoted(value)));
    };
    let misfit = best.misfit(branches);
    if misfit < Misfit::Keys || branches.len() == 1 {
        return Meant::One(best);
    }
    if let Some(message) = names.and_then(|names| unknown_name(value, names)) {
        return Meant::None(message);
    }
    if misfit == Misfit::Type {
        let mut types: Vec<&str> = branches.iter().flat_map(Branch::types).collect();
        types.sort_unstable();
        types.dedup();
        return Meant::None(format!("{} is not of type {}", quoted(value), types.join(" or ")));
    }
    Meant::One(best)
}

/// One alternative, with everything that is wrong with a value for it.
struct Branch<'a> {
    /// Where the value is.
    at: &'a str,
    errors: &'a [ValidationError<'static>],
}

/// The alternatives. That a value may be missing is none for a value that is there.
fn branches<'a>(at: &'a str, context: &'a [Vec<ValidationError<'static>>]) -> Vec<Branch<'a>> {
    let wants_null = |errors: &[ValidationError<'_>]| {
        let kinds = errors.iter().map(ValidationError::kind);
        let mut others = kinds.filter(|kind| {
            !matches!(kind, ValidationErrorKind::Type { kind: TypeKind::Single(JsonType::Null) })
        });
        others.next().is_none()
    };
    let there = context.iter().filter(|errors| !wants_null(errors));
    there.map(|errors| Branch { at, errors }).collect()
}

impl<'a> Branch<'a> {
    /// What is wrong with the value itself.
    fn here(&self) -> impl Iterator<Item = &'a ValidationErrorKind> {
        let at = self.at;
        let here = self.errors.iter().filter(move |error| error.instance_path().as_str() == at);
        here.map(ValidationError::kind)
    }

    fn misfit(&self, branches: &[Branch<'_>]) -> Misfit {
        let worst = self.here().map(|kind| match kind {
            ValidationErrorKind::Type { .. } => Misfit::Type,
            ValidationErrorKind::Enum { .. } | ValidationErrorKind::Constant { .. } => Misfit::Word,
            ValidationErrorKind::Required { .. }
            | ValidationErrorKind::AdditionalProperties { .. } => Misfit::Keys,
            ValidationErrorKind::AnyOf { context }
            | ValidationErrorKind::OneOfNotValid { context } => {
                let nested = self::branches(self.at, context);
                let least = nested.iter().map(|branch| branch.misfit(&nested)).min();
                least.unwrap_or(Misfit::Bounds)
            }
            _ => Misfit::Bounds,
        });
        let worst = worst.max().unwrap_or(Misfit::Inside);
        let is_another =
            |(field, _): (&str, Vec<String>)| branches.iter().any(|other| other.takes(field));
        if self.words_inside().any(is_another) { worst.max(Misfit::Word) } else { worst }
    }

    /// The value's fields with another word than the alternative asks for, and the words that it
    /// asks for.
    fn words_inside(&self) -> impl Iterator<Item = (&'a str, Vec<String>)> {
        let at = self.at;
        self.errors.iter().filter_map(move |error| {
            let field = error.instance_path().as_str().strip_prefix(at)?.strip_prefix('/')?;
            let words = match error.kind() {
                ValidationErrorKind::Constant { expected_value } => word(expected_value),
                ValidationErrorKind::Enum { options } => words(options),
                _ => Vec::new(),
            };
            (!field.contains('/') && !words.is_empty()).then_some((field, words))
        })
    }

    /// Whether nothing is wrong with a field for this alternative.
    fn takes(&self, field: &str) -> bool {
        let is_wrong = self.errors.iter().any(|error| {
            let inside = error.instance_path().as_str().strip_prefix(self.at);
            inside.and_then(|inside| inside.strip_prefix('/')) == Some(field)
        });
        let is_refused = |kind: &ValidationErrorKind| match kind {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                unexpected.iter().any(|key| key == field)
            }
            ValidationErrorKind::Type { .. } => true,
            _ => false,
        };
        !is_wrong && !self.here().any(is_refused)
    }

    /// How deep the deepest error lies.
    fn depth(&self) -> usize {
        let paths = self.errors.iter().map(|error| error.instance_path().as_str());
        paths.map(|path| path.matches('/').count()).max().unwrap_or(0)
    }

    /// The types that the value should be of.
    fn types(&self) -> Vec<&'static str> {
        let types = self.here().flat_map(|kind| match kind {
            ValidationErrorKind::Type { kind: TypeKind::Single(one) } => vec![one.as_str()],
            ValidationErrorKind::Type { kind: TypeKind::Multiple(types) } => {
                types.iter().map(JsonType::as_str).collect()
            }
            ValidationErrorKind::AnyOf { context }
            | ValidationErrorKind::OneOfNotValid { context } => {
                branches(self.at, context).iter().flat_map(Branch::types).collect()
            }
            _ => Vec::new(),
        });
        types.collect()
    }
}

/// A field whose word stands for the alternative, where it stands for none of them.
fn unknown_word_inside<'a>(value: &Value, branches: &[Branch<'a>]) -> Option<(&'a str, String)> {
    let (field, _) = branches.first()?.words_inside().next()?;
    let mut known = Vec::new();
    for branch in branches {
        known.extend(branch.words_inside().find(|(other, _)| *other == field)?.1);
    }
    let given = value.pointer(&format!("/{field}"))?;
    (known.len() > 1).then(|| (field, not_known(&quoted(given), &known)))
}

/// What stands for an alternative.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name<'a> {
    /// The value is this word.
    Word(&'a str),
    /// The value is an object with this key.
    Key(&'a str),
}

impl<'a> Name<'a> {
    fn text(&self) -> &'a str {
        match self {
            Self::Word(text) | Self::Key(text) => text,
        }
    }
}

/// What stands for each of the alternatives; none where one of them has no name, or all have the
/// same. That a value may be missing needs no name.
fn names<'a>(root: &'a Value, alternatives: Option<&'a Value>) -> Option<Vec<Name<'a>>> {
    let mut names = Vec::new();
    for schema in alternatives?.as_array()? {
        let schema = bounds::resolved(root, schema)?;
        let words = schema.get("const").and_then(Value::as_str).into_iter();
        let options = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
        let words = words.chain(options.filter_map(Value::as_str)).map(Name::Word);
        let keys = schema.get("required").and_then(Value::as_array).map(Vec::as_slice);
        let key = match keys {
            Some([key]) => key.as_str().map(Name::Key),
            Some(_) | None => None,
        };
        let found = words.chain(key).collect::<Vec<_>>();
        if found.is_empty() && schema.get("type").and_then(Value::as_str) != Some("null") {
            return None;
        }
        names.extend(found);
    }
    let is_one_of_several = |name: &Name<'_>| names.iter().any(|other| other != name);
    names.first().is_some_and(is_one_of_several).then_some(names)
}

/// What is wrong with a value that stands for no alternative; nothing if it does.
fn unknown_name(value: &Value, names: &[Name<'_>]) -> Option<String> {
    let known = names.iter().map(|name| name.text().to_owned()).collect::<Vec<_>>();
    match value {
        Value::String(text) if names.contains(&Name::Word(text)) => None,
        Value::String(text) if names.contains(&Name::Key(text)) => {
            Some(format!("`{text}` needs a value: {{\"{text}\": …}}"))
        }
        Value::Object(fields) => {
            if names.iter().any(|name| matches!(name, Name::Key(key) if fields.contains_key(*key)))
            {
                return None;
            }
            Some(match fields.keys().next() {
                Some(key) if names.contains(&Name::Word(key)) => {
                    format!("`{key}` takes no value: \"{key}\"")
                }
                Some(key) => not_known(&format!("`{}`", cut(key)), &known),
                None => format!("a key is missing; use one of: {}", known.join(", ")),
            })
        }
        other => Some(not_known(&quoted(other), &known)),
    }
}

fn not_known(given: &str, known: &[String]) -> String {
    format!("{given} is not known here; use one of: {}", known.join(", "))
}

fn word(value: &Value) -> Vec<String> {
    value.as_str().map(str::to_owned).into_iter().collect()
}

fn words(options: &Value) -> Vec<String> {
    options.as_array().into_iter().flatten().flat_map(word).collect()
}

/// A value as it was given, cut to what shows which one it is.
fn quoted(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{}`", cut(text)),
        other => cut(&other.to_string()),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::SettingsSchema;

    /// Each wrong document with its errors: where and what.
    fn check(schema: &serde_json::Value, cases: &[(serde_json::Value, &[(&str, &str)])]) {
        let schema = SettingsSchema::compile(schema).unwrap();
        for (settings, expected) in cases {
            let errors = schema.check(&settings.to_string()).unwrap_err();
            let told = errors.iter().map(|error| (error.path.as_str(), error.message.as_str()));
            assert_eq!(told.collect::<Vec<_>>(), *expected, "{settings}");
        }
    }

    fn approver() -> serde_json::Value {
        json!({
            "oneOf": [
                { "const": "ask_manager", "type": "string" },
                { "type": "string", "enum": ["approve", "reject"] },
                {
                    "type": "object", "required": ["team"], "additionalProperties": false,
                    "properties": { "team": { "type": "string", "minLength": 2 } }
                },
                {
                    "type": "object", "required": ["least_loaded"], "additionalProperties": false,
                    "properties": { "least_loaded": { "$ref": "#/$defs/teams" } }
                }
            ]
        })
    }

    #[test]
    fn an_alternative_is_meant_by_its_key_or_word() {
        let schema = json!({
            "properties": { "then": { "$ref": "#/$defs/approver" } },
            "$defs": {
                "approver": approver(),
                "teams": { "type": "array", "items": { "type": "string" } }
            }
        });
        let all = "use one of: ask_manager, approve, reject, team, least_loaded";
        let unknown = |what: &str| format!("{what} is not known here; {all}");
        let missing = format!("a key is missing; {all}");
        check(
            &schema,
            &[
                (
                    json!({ "then": { "team": 5 } }),
                    &[("/then/team", r#"5 is not of type "string""#)],
                ),
                (
                    json!({ "then": { "least_loaded": ["a", 1, 2] } }),
                    &[
                        ("/then/least_loaded/1", r#"1 is not of type "string""#),
                        ("/then/least_loaded/2", r#"2 is not of type "string""#),
                    ],
                ),
                (
                    json!({ "then": { "team": "net", "more": 1 } }),
                    &[("/then", "Additional properties are not allowed ('more' was unexpected)")],
                ),
                (json!({ "then": { "taem": "net" } }), &[("/then", &unknown("`taem`"))]),
                (json!({ "then": "ask_manger" }), &[("/then", &unknown("`ask_manger`"))]),
                (json!({ "then": 7 }), &[("/then", &unknown("7"))]),
                (json!({ "then": {} }), &[("/then", &missing)]),
                (json!({ "then": "team" }), &[("/then", "`team` needs a value: {\"team\": …}")]),
                (
                    json!({ "then": { "approve": {} } }),
                    &[("/then", "`approve` takes no value: \"approve\"")],
                ),
            ],
        );
    }

    #[test]
    fn an_alternative_is_meant_by_a_field_that_names_it() {
        let one = |kind: &str, field: &str| {
            json!({
                "type": "object", "required": ["kind", field], "additionalProperties": false,
                "properties": { "kind": { "const": kind }, (field): { "type": "integer" } }
            })
        };
        let schema = json!({ "items": { "oneOf": [one("after", "hours"), one("at", "day")] } });
        check(
            &schema,
            &[
                (
                    json!([{ "kind": "at", "day": "x" }]),
                    &[("/0/day", r#""x" is not of type "integer""#)],
                ),
                (json!([{ "kind": "at" }]), &[("/0", r#""day" is a required property"#)]),
                (
                    json!([{ "kind": "until", "day": 1 }]),
                    &[("/0/kind", "`until` is not known here; use one of: after, at")],
                ),
            ],
        );
    }

    #[test]
    fn an_alternative_without_a_name_is_meant_by_what_is_right_about_the_value() {
        let schema = json!({
            "properties": {
                "strength": {
                    "anyOf": [
                        { "type": "string", "enum": ["set", "suggested"] },
                        {
                            "type": "object", "additionalProperties": false,
                            "properties": { "team": { "type": "string", "enum": ["set"] } }
                        }
                    ]
                },
                "strengths": {
                    "anyOf": [
                        { "$ref": "#/$defs/strength" },
                        {
                            "type": "object", "additionalProperties": false,
                            "properties": { "team": { "$ref": "#/$defs/strength" } }
                        }
                    ]
                },
                "maybe": { "anyOf": [{ "$ref": "#/$defs/level" }, { "type": "null" }] },
                "either": { "anyOf": [{ "type": "string" }, { "type": "array" }] }
            },
            "$defs": {
                "level": { "type": "integer", "maximum": 5 },
                "strength": {
                    "oneOf": [
                        { "type": "string", "const": "set" },
                        { "type": "string", "const": "suggested" }
                    ]
                }
            }
        });
        check(
            &schema,
            &[
                (
                    json!({ "strength": "sett" }),
                    &[("/strength", "`sett` is not known here; use one of: set, suggested")],
                ),
                (
                    json!({ "strengths": "sett" }),
                    &[("/strengths", "`sett` is not known here; use one of: set, suggested")],
                ),
                (json!({ "strengths": 7 }), &[("/strengths", "7 is not of type object or string")]),
                (
                    json!({ "strengths": { "teem": "set" } }),
                    &[(
                        "/strengths",
                        "Additional properties are not allowed ('teem' was unexpected)",
                    )],
                ),
                (
                    json!({ "strengths": { "team": "sett" } }),
                    &[("/strengths/team", "`sett` is not known here; use one of: set, suggested")],
                ),
                (
                    json!({ "strength": { "teem": "set" } }),
                    &[(
                        "/strength",
                        "Additional properties are not allowed ('teem' was unexpected)",
                    )],
                ),
                (json!({ "maybe": 9 }), &[("/maybe", "9 is greater than the maximum of 5")]),
                (json!({ "maybe": "x" }), &[("/maybe", r#""x" is not of type "integer""#)]),
                (json!({ "either": 1 }), &[("/either", "1 is not of type array or string")]),
            ],
        );
    }

    #[test]
    fn alternatives_within_alternatives_are_followed() {
        let schema = json!({
            "properties": { "step": { "anyOf": [{ "$ref": "#/$defs/a" }, { "type": "null" }] } },
            "$defs": { "a": approver(), "teams": { "type": "array", "items": { "$ref": "#/$defs/a" } } }
        });
        check(
            &schema,
            &[(
                json!({ "step": { "least_loaded": ["reject", { "least_loaded": [{ "team": "x" }] }] } }),
                &[(
                    "/step/least_loaded/1/least_loaded/0/team",
                    r#""x" is shorter than 2 characters"#,
                )],
            )],
        );
    }
}
