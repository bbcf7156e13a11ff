//! Fields that an organization defined for itself.

use serde::Serialize;
use utoipa::ToSchema;
use waypost_domain::fields::FieldValue;

/// The value of a custom field: a Boolean, a number, a string of at most 1,000 characters, or a
/// list of at most 50 strings.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = FieldValue)]
pub(crate) enum FieldWire {
    /// A Boolean.
    Flag(bool),
    /// A number.
    Number(#[serde(serialize_with = "number")] f64),
    /// A string.
    Text(String),
    /// A list of strings.
    Texts(Vec<String>),
}

impl From<&FieldValue> for FieldWire {
    fn from(value: &FieldValue) -> Self {
        match value {
            FieldValue::Flag(flag) => Self::Flag(*flag),
            FieldValue::Number(number) => Self::Number(number.get()),
            FieldValue::Text(text) => Self::Text(text.clone()),
            FieldValue::Texts(texts) => Self::Texts(texts.clone()),
        }
    }
}

/// A whole number is written as one: 7, not 7.0.
#[expect(clippy::cast_possible_truncation, reason = "whole numbers up to 2^53 are exact in both")]
fn number<S: serde::Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 {
        serializer.serialize_i64(*number as i64)
    } else {
        serializer.serialize_f64(*number)
    }
}
