//! Fields that an organization defined for itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use waypost_domain::fields::{FieldValue, Fields, Number};

/// The value of a field that an organization defined for itself: yes or no, a number, a text of at
/// most 1,000 characters, or at most 50 texts.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = FieldValue)]
pub(crate) enum FieldWire {
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(f64),
    /// Text.
    Text(String),
    /// Several texts.
    Texts(Vec<String>),
}

/// Fields by their names, which have the form of keys; at most 50.
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
