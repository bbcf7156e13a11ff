//! Fields that an organization defined for itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use waypost_domain::fields::{FieldValue, Fields, Number};

/// The value of a custom field: a Boolean, a number, a string of at most 1,000 characters, or a
/// list of at most 50 strings.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected true or false, a number, a text or a list of texts")]
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

/// Custom fields by name; at most 50. The names have the format of keys.
pub(crate) type FieldsWire = BTreeMap<String, FieldWire>;

/// The fields that came in, to be checked.
pub(crate) fn fields_in(fields: FieldsWire) -> BTreeMap<String, FieldValue> {
    fields.into_iter().map(|(name, value)| (name, value.into())).collect()
}

/// The fields that go out.
pub(crate) fn fields_out(fields: &Fields) -> FieldsWire {
    fields.iter().map(|(name, value)| (name.to_string(), value.into())).collect()
}

impl From<FieldWire> for FieldValue {
    fn from(value: FieldWire) -> Self {
        match value {
            FieldWire::Flag(flag) => Self::Flag(flag),
            // JSON knows finite numbers only.
            FieldWire::Number(number) => {
                Number::new(number).map_or_else(|| Self::Text(number.to_string()), Self::Number)
            }
            FieldWire::Text(text) => Self::Text(text),
            FieldWire::Texts(texts) => Self::Texts(texts),
        }
    }
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
