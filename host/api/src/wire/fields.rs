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
    Number(f64),
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
