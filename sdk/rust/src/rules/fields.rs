//! Conditions on the fields that an organization defined for itself.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Field, FieldValue, value_of};

/// A value that a field may have: text, a number, or yes or no.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Wanted {
    /// The field is this text, or has it among its texts. Case matters.
    Text(String),
    /// The field is this number.
    Number(f64),
    /// The field is yes or no.
    Flag(bool),
}

impl Wanted {
    #[expect(clippy::float_cmp, reason = "both sides are numbers that somebody wrote down")]
    fn is(&self, value: &FieldValue) -> bool {
        match (self, value) {
            (Self::Text(wanted), FieldValue::Text(text)) => wanted == text,
            (Self::Text(wanted), FieldValue::Texts(texts)) => texts.contains(wanted),
            (Self::Number(wanted), FieldValue::Number(number)) => wanted == number,
            (Self::Flag(wanted), FieldValue::Flag(flag)) => wanted == flag,
            (
                Self::Text(_) | Self::Number(_) | Self::Flag(_),
                FieldValue::Text(_)
                | FieldValue::Number(_)
                | FieldValue::Flag(_)
                | FieldValue::Texts(_),
            ) => false,
        }
    }
}

/// Whether each field that is asked for has one of the values that are wanted of it.
pub(super) fn all_are(wanted: &BTreeMap<String, Vec<Wanted>>, fields: &[Field]) -> bool {
    wanted.iter().all(|(name, wanted)| {
        value_of(fields, name).is_some_and(|value| wanted.iter().any(|one| one.is(value)))
    })
}
