//! Examples of bodies, made from their schemas: what has to be there, with a value as somebody
//! would write it.

use serde_json::{Map, Value, json};
use utoipa::{
    Number,
    openapi::{
        Components, RefOr,
        path::Operation,
        schema::{ArrayItems, KnownFormat, Object, Schema, SchemaFormat, SchemaType, Type},
    },
};

/// What stands in a field of this name, for texts whose type does not say it. Bodies that need
/// nothing show the first of these that they can have.
const TEXTS: &[(&str, &str)] = &[
    ("short_description", "Card reader at counter 2 is offline"),
    ("text", "The card reader was replaced."),
    ("note", "Routes network tickets to the new team."),
    ("reason", "On leave until Monday."),
    ("comment", "Within budget."),
    ("resolution_notes", "Replaced the card reader."),
    ("fulfillment_notes", "Handed over at the front desk."),
    ("review_note", "Keep a spare card reader at each site."),
    ("workaround", "Type the card number by hand."),
    ("root_cause", "A power supply that ages early."),
    ("symptom", "The card reader restarts."),
    ("no_article_reason", "The model is no longer in use."),
    ("label", "Which counter is it for?"),
    ("to", "18:00"),
    ("fix_notes", "All power supplies of that batch were replaced."),
    ("vendor", "Reader Supplies"),
    ("name", "Field Support"),
    ("key", "field-support"),
    ("path", "hardware/card-readers"),
    ("class", "card-reader"),
    ("team", "field-support"),
    ("service", "payments"),
    ("ci", "card-reader-2"),
    ("category", "hardware/card-readers"),
    ("catalog_item", "card-reader"),
    ("ticket", "INC0000042"),
    ("number", "INC0000042"),
    ("target", "INC0000042"),
    ("parent", "INC0000042"),
    ("problem", "PRB0000007"),
    ("component", "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    ("content_digest", "sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"),
    ("kind", "client"),
    ("zone", "Europe/Berlin"),
    ("day", "mon"),
    ("from", "08:00"),
];
/// Deeper than any body.
const DEEPEST: usize = 8;

/// Gives the JSON body of an operation its example, if it takes one.
pub(super) fn complete(operation: &mut Operation, components: &Components) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    let Some(RefOr::T(content)) = body.content.get_mut("application/json") else { return };
    if let Some(schema) = &content.schema {
        content.example = Some(Making { components, depth: 0 }.of("", schema));
    }
}

/// An example on its way from the outside in.
#[derive(Clone, Copy)]
struct Making<'a> {
    components: &'a Components,
    depth: usize,
}

impl Making<'_> {
    /// What stands in a field.
    fn of(self, field: &str, schema: &RefOr<Schema>) -> Value {
        let inner = Self { depth: self.depth + 1, ..self };
        let schema = match schema {
            RefOr::Ref(_) if self.depth > DEEPEST => return Value::Null,
            RefOr::Ref(to) => {
                let name = to.ref_location.trim_start_matches("#/components/schemas/");
                let schema = self.components.schemas.get(name);
                return schema.map_or(Value::Null, |schema| inner.of(field, schema));
            }
            RefOr::T(schema) => schema,
        };
        if let Schema::Object(object) = schema {
            return inner.object(field, object);
        }
        if let Schema::Array(array) = schema {
            let items = match &array.items {
                ArrayItems::RefOrSchema(items) => vec![inner.of(field, items)],
                ArrayItems::False => Vec::new(),
            };
            return items.into();
        }
        // Of several, the last that is something.
        let several = if let Schema::OneOf(several) = schema {
            several.items.as_slice()
        } else if let Schema::AnyOf(several) = schema {
            several.items.as_slice()
        } else {
            &[]
        };
        let mut examples = several.iter().rev().map(|one| inner.of(field, one));
        examples.find(|example| !example.is_null()).unwrap_or_default()
    }

    fn object(self, field: &str, object: &Object) -> Value {
        if let Some(given) = object.example.as_ref().or(object.examples.first()) {
            return given.clone();
        }
        if let Some(first) = object.enum_values.iter().flatten().next() {
            return first.clone();
        }
        let is = match &object.schema_type {
            SchemaType::Type(is) => is,
            SchemaType::Array(several) => {
                several.iter().find(|one| **one != Type::Null).unwrap_or(&Type::Null)
            }
            SchemaType::AnyValue => return json!({}),
        };
        match is {
            Type::Object => self.properties(object),
            Type::String => text(field, object.format.as_ref()).into(),
            Type::Integer | Type::Number => number(object.minimum.as_ref()),
            Type::Boolean => true.into(),
            Type::Array => json!([]),
            Type::Null => Value::Null,
        }
    }

    /// What has to be there; where nothing has to, the first that has a text.
    fn properties(self, object: &Object) -> Value {
        let mut shown = object.required.iter().map(String::as_str).collect::<Vec<_>>();
        if shown.is_empty() {
            let names = TEXTS.iter().map(|(name, _)| *name);
            shown.extend(names.filter(|name| object.properties.contains_key(*name)).take(1));
        }
        let value = |name: &str| {
            let schema = object.properties.get(name)?;
            Some((name.to_owned(), self.of(name, schema)))
        };
        Value::Object(shown.into_iter().filter_map(value).collect::<Map<_, _>>())
    }
}

fn text(field: &str, format: Option<&SchemaFormat>) -> &'static str {
    match format {
        Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)) => "2026-06-01T08:00:00Z",
        Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)) => {
            "0197a3c5-0000-7000-8000-00000000002a"
        }
        Some(SchemaFormat::KnownFormat(KnownFormat::Email)) => "ada@example.org",
        Some(SchemaFormat::KnownFormat(_) | SchemaFormat::Custom(_)) | None => {
            let known = TEXTS.iter().find(|(name, _)| *name == field);
            known.map_or("as agreed", |(_, text)| *text)
        }
    }
}

/// The least that is allowed, and not nothing.
fn number(least: Option<&Number>) -> Value {
    match least {
        Some(Number::Int(least)) if *least > 1 => json!(least),
        Some(Number::UInt(least)) if *least > 1 => json!(least),
        Some(Number::Float(least)) if *least > 1.0 => json!(least),
        Some(Number::Int(_) | Number::UInt(_) | Number::Float(_)) | None => json!(1),
    }
}
