//! JSON of our own plain types.

use serde::Serialize;

/// The JSON text of a value that always has one: a struct or enum of strings, numbers and lists.
pub(crate) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain structs, enums, strings and numbers always have JSON")
}
