//! Fields that an organization defined for itself.

use serde::Serialize;
use utoipa::ToSchema;
use waypost_domain::fields::{FieldValue, Number};

/// The value of a custom field: a Boolean, a number, a string of at most 1,000 characters, or a
/// list of at most 50 strings.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = FieldValue)]
pub(crate) enum FieldWire {
    /// A Boolean.
    Flag(bool),
    /// A number.
    #[schema(value_type = f64)]
    Number(serde_json::Number),
    /// A string.
    Text(String),
    /// A list of strings.
    Texts(Vec<String>),
}

impl From<&FieldValue> for FieldWire {
    fn from(value: &FieldValue) -> Self {
        match value {
            FieldValue::Flag(flag) => Self::Flag(*flag),
            FieldValue::Number(number) => Self::Number(json_number(*number)),
            FieldValue::Text(text) => Self::Text(text.clone()),
            FieldValue::Texts(texts) => Self::Texts(texts.clone()),
        }
    }
}

/// A whole number is written as one: 7, not 7.0.
fn json_number(number: Number) -> serde_json::Number {
    match number.as_whole() {
        Some(whole) => whole.into(),
        None => serde_json::Number::from_f64(number.get()).expect("a `Number` is finite"),
    }
}
