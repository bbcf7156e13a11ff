//! Reads JSON and query strings into wire types, and says where it doesn't fit.
//!
//! serde's own error is one sentence. A client needs the place, a code, and at best every fault at
//! once; so this deserializer over [`Value`] keeps the path, and names all unknown fields of an
//! object together.

use std::fmt;

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, Visitor, value::StringDeserializer,
};
use serde_json::{Map, Value};
use waypost_domain::refusal::FieldFault;

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The way to it, from the inside out.
    path: Vec<String>,
    /// `missing`, `unknown-field`, `wrong-type`, `control-character` or `invalid`.
    pub(crate) code: &'static str,
    /// What is wrong and what would be right.
    pub(crate) message: String,
}

impl Fault {
    /// The place as a JSON pointer (RFC 6901).
    pub(crate) fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in self.path.iter().rev() {
            pointer.push('/');
            pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
        }
        pointer
    }

    /// The outermost step: the name of a query's parameter.
    pub(crate) fn parameter(&self) -> String {
        self.path.last().cloned().unwrap_or_default()
    }
}

/// Reads a JSON value.
pub(crate) fn from_json<T: DeserializeOwned>(value: Value) -> Result<T, Vec<Fault>> {
    T::deserialize(Node { value, notation: Notation::Json }).map_err(|Faults(faults)| faults)
}

/// Reads the parameters of a query. A repeated parameter, or one with commas, is a list.
pub(crate) fn from_query<T: DeserializeOwned>(
    pairs: impl IntoIterator<Item = (String, String)>,
) -> Result<T, Vec<Fault>> {
    let mut map = Map::new();
    for (name, text) in pairs {
        let earlier = map.remove(&name);
        let value = match earlier {
            None => Value::String(text),
            Some(Value::Array(mut texts)) => {
                texts.push(Value::String(text));
                Value::Array(texts)
            }
            Some(first) => Value::Array(vec![first, Value::String(text)]),
        };
        map.insert(name, value);
    }
    let node = Node { value: Value::Object(map), notation: Notation::Text };
    T::deserialize(node).map_err(|Faults(faults)| faults)
}

/// The character that no database keeps in a text: where it stands, nothing was ever stored nor can
/// be.
pub(crate) const UNKEPT: char = '\0';

fn kept(text: String) -> Result<String, Faults> {
    if text.contains(UNKEPT) {
        return Err(Faults::one("control-character", "Remove the control character U+0000."));
    }
    Ok(text)
}

/// Whether values have JSON's types, or are all text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notation {
    Json,
    Text,
}

/// A value on its way into a type.
struct Node {
    value: Value,
    notation: Notation,
}

impl Node {
    fn expected(&self, what: impl fmt::Display) -> Faults {
        let given = match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        Faults::one("wrong-type", format!("Must be {what}, not {given}."))
    }

    /// The whole number it is, if it is one.
    fn whole(&self) -> Option<i128> {
        match &self.value {
            Value::Number(number) => {
                number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
            }
            Value::String(text) if self.notation == Notation::Text => text.parse().ok(),
            _ => None,
        }
    }
}

macro_rules! whole_numbers {
    ($($method:ident, $visit:ident, $type:ident;)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Faults> {
            let expected = || {
                self.expected(format_args!("a whole number from {} to {}", $type::MIN, $type::MAX))
            };
            match self.whole().map($type::try_from) {
                Some(Ok(number)) => visitor.$visit(number),
                Some(Err(_)) => Err(Faults::one(
                    "invalid",
                    format!("Must be from {} to {}.", $type::MIN, $type::MAX),
                )),
                None => Err(expected()),
            }
        }
    )+};
}

impl<'de> Deserializer<'de> for Node {
    type Error = Faults;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Faults> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), _, _) => visitor.visit_u64(number),
                (None, Some(number), _) => visitor.visit_i64(number),
                (None, None, Some(number)) => visitor.visit_f64(number),
                (None, None, None) => {
                    Err(Faults::one("invalid", "This number cannot be stored; use a smaller one."))
                }
            },
            Value::String(text) => visitor.visit_string(kept(text)?),
            Value::Array(values) => visitor.visit_seq(Items::new(values, self.notation)),
            Value::Object(map) => visitor.visit_map(Fields::new(map, self.notation)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Faults> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Faults> {
        let Value::Object(map) = self.value else {
            return Err(self.expected("an object"));
        };
        let mut unknown = map.keys().filter(|key| !fields.contains(&key.as_str()));
        let listed = unknown.by_ref().take(FieldFault::LISTED);
        let mut faults = listed.map(|key| Fault::unknown_field(key, fields)).collect::<Vec<_>>();
        let more = unknown.count();
        if more > 0 {
            let FieldFault { code, message, .. } = FieldFault::more(more);
            faults.push(Fault { path: Vec::new(), code, message: message.into() });
        }
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        visitor.visit_map(Fields::new(map, self.notation))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Faults> {
        let values = match self.value {
            Value::Array(values) => values,
            Value::String(text) if self.notation == Notation::Text => {
                text.split(',').map(|part| Value::String(part.to_owned())).collect()
            }
            _ => return Err(self.expected("a list")),
        };
        visitor.visit_seq(Items::new(values, self.notation))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Faults> {
        let Value::Object(map) = self.value else {
            return Err(self.expected("an object"));
        };
        visitor.visit_map(Fields::new(map, self.notation))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Faults> {
        match self.value {
            Value::String(text) => visitor.visit_string(kept(text)?),
            _ => Err(self.expected("a text")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Faults> {
        self.deserialize_string(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Faults> {
        match &self.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::String(text) if self.notation == Notation::Text => match text.parse() {
                Ok(value) => visitor.visit_bool(value),
                Err(_) => Err(Faults::one("invalid", "Must be true or false.")),
            },
            _ => Err(self.expected("true or false")),
        }
    }

    whole_numbers! {
        deserialize_u8, visit_u8, u8;
        deserialize_u16, visit_u16, u16;
        deserialize_u32, visit_u32, u32;
        deserialize_u64, visit_u64, u64;
        deserialize_i8, visit_i8, i8;
        deserialize_i16, visit_i16, i16;
        deserialize_i32, visit_i32, i32;
        deserialize_i64, visit_i64, i64;
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Faults> {
        match self.value {
            Value::String(text) => {
                let text: StringDeserializer<Faults> = text.into_deserializer();
                visitor.visit_enum(text)
            }
            _ => Err(self.expected(format_args!("one of {}", variants.join(", ")))),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Faults> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        f32 f64 i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// The values of a list.
struct Items {
    values: std::iter::Enumerate<std::vec::IntoIter<Value>>,
    notation: Notation,
}

impl Items {
    fn new(values: Vec<Value>, notation: Notation) -> Self {
        Self { values: values.into_iter().enumerate(), notation }
    }
}

impl<'de> SeqAccess<'de> for Items {
    type Error = Faults;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Faults> {
        let Some((index, value)) = self.values.next() else { return Ok(None) };
        let element = seed.deserialize(Node { value, notation: self.notation });
        element.map(Some).map_err(|faults| match self.notation {
            Notation::Json => faults.under(&index.to_string()),
            Notation::Text => faults,
        })
    }
}

/// The fields of an object.
struct Fields {
    entries: serde_json::map::IntoIter,
    notation: Notation,
    /// The field whose key was read last, and its value.
    current: Option<(String, Value)>,
}

impl Fields {
    fn new(map: Map<String, Value>, notation: Notation) -> Self {
        Self { entries: map.into_iter(), notation, current: None }
    }
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Faults;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Faults> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        let named = kept(key.clone()).map_err(|faults| faults.under(&key))?;
        let text: StringDeserializer<Faults> = named.into_deserializer();
        let read = seed.deserialize(text).map_err(|faults| faults.under(&key))?;
        self.current = Some((key, value));
        Ok(Some(read))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Faults> {
        let Some((key, value)) = self.current.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        let node = Node { value, notation: self.notation };
        seed.deserialize(node).map_err(|faults| faults.under(&key))
    }
}

/// Everything that was found, from the inside out. Never empty.
#[derive(Debug)]
struct Faults(Vec<Fault>);

impl Faults {
    fn one(code: &'static str, message: impl Into<String>) -> Self {
        Self(vec![Fault { path: Vec::new(), code, message: message.into() }])
    }

    /// The same, one step further out.
    fn under(mut self, step: &str) -> Self {
        for fault in &mut self.0 {
            fault.path.push(step.to_owned());
        }
        self
    }
}

impl Fault {
    fn unknown_field(field: &str, known: &[&str]) -> Self {
        let message = if known.is_empty() {
            "Unknown field; no fields are expected here.".to_owned()
        } else {
            format!("Unknown field; use one of: {}.", known.join(", "))
        };
        Self { path: vec![field.to_owned()], code: "unknown-field", message }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.0 {
            writeln!(f, "{}: {}", fault.pointer(), fault.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

impl de::Error for Faults {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::one("invalid", message.to_string())
    }

    fn invalid_type(given: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::one("wrong-type", format!("Must be {expected}, not {given}."))
    }

    fn invalid_value(given: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::one("invalid", format!("Must be {expected}, not {given}."))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self(vec![Fault::unknown_field(field, expected)])
    }

    fn missing_field(field: &'static str) -> Self {
        Self(vec![Fault {
            path: vec![field.to_owned()],
            code: "missing",
            message: "This field is required.".to_owned(),
        }])
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        name: String,
        #[serde(default)]
        levels: Vec<u8>,
        inner: Option<Inner>,
        #[serde(default)]
        active: Option<bool>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        at: chrono::DateTime<chrono::Utc>,
    }

    fn faults(value: Value) -> Vec<(String, &'static str)> {
        let faults = from_json::<Outer>(value).unwrap_err();
        faults.iter().map(|fault| (fault.pointer(), fault.code)).collect()
    }

    fn pairs(query: &[(&str, &str)]) -> Vec<(String, String)> {
        query.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn what_fits_is_read() {
        let value = json!({"name": "a", "levels": [1, 2], "inner": {"at": "2026-06-01T08:00:00Z"}});
        let outer: Outer = from_json(value).unwrap();
        assert_eq!(outer.levels, [1, 2]);
        assert_eq!(outer.inner.unwrap().at.to_rfc3339(), "2026-06-01T08:00:00+00:00");
    }

    #[test]
    fn every_unknown_field_is_named() {
        let value = json!({"name": "a", "nmae": "b", "a/b": 1});
        assert_eq!(
            faults(value),
            [("/a~1b".to_owned(), "unknown-field"), ("/nmae".to_owned(), "unknown-field")]
        );
    }

    #[test]
    fn a_fault_has_its_place() {
        assert_eq!(faults(json!({})), [("/name".to_owned(), "missing")]);
        assert_eq!(faults(json!({"name": 3})), [("/name".to_owned(), "wrong-type")]);
        assert_eq!(
            faults(json!({"name": "a", "levels": [1, 256]})),
            [("/levels/1".to_owned(), "invalid")]
        );
        assert_eq!(
            faults(json!({"name": "a", "inner": {"at": "tomorrow"}})),
            [("/inner/at".to_owned(), "invalid")]
        );
        assert_eq!(
            faults(json!({"name": "a", "inner": {}})),
            [("/inner/at".to_owned(), "missing")]
        );
        assert_eq!(faults(json!([])), [(String::new(), "wrong-type")]);
    }

    #[test]
    fn a_query_is_text_that_stands_for_its_type() {
        let query = pairs(&[("name", "a"), ("levels", "1,2"), ("active", "true")]);
        let outer: Outer = from_query(query).unwrap();
        assert_eq!((outer.levels, outer.active), (vec![1, 2], Some(true)));

        let query = pairs(&[("name", "a"), ("levels", "1"), ("levels", "2")]);
        assert_eq!(from_query::<Outer>(query).unwrap().levels, [1, 2]);

        let query = pairs(&[("name", "a"), ("levels", "1,high")]);
        assert_eq!(from_query::<Outer>(query).unwrap_err()[0].parameter(), "levels");
    }
}
