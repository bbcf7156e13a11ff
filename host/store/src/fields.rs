//! Fields that an organization defined, as the JSON text of one column.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use waypost_domain::{
    fields::{FieldValue, Fields, Number},
    key::Key,
};

use crate::StoreError;

/// A value, in JSON as it is.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Kept {
    Flag(bool),
    Number(f64),
    Text(String),
    Texts(Vec<String>),
}

/// The column's text.
pub(crate) fn to_json(fields: &Fields) -> String {
    let kept: BTreeMap<String, Kept> = fields
        .iter()
        .map(|(name, value)| {
            let value = match value {
                FieldValue::Flag(flag) => Kept::Flag(*flag),
                FieldValue::Number(number) => Kept::Number(number.get()),
                FieldValue::Text(text) => Kept::Text(text.clone()),
                FieldValue::Texts(texts) => Kept::Texts(texts.clone()),
            };
            (name.to_string(), value)
        })
        .collect();
    serde_json::to_string(&kept).expect("finite numbers, texts and lists of them have JSON")
}

/// The fields of a column's text.
pub(crate) fn from_json(table: &'static str, text: &str) -> Result<Fields, StoreError> {
    let corrupt = || StoreError::Corrupt { table, column: "fields" };
    let kept: BTreeMap<String, Kept> = serde_json::from_str(text).map_err(|_| corrupt())?;
    let read = |(name, value): (String, Kept)| {
        let name: Key = name.parse().map_err(|_| corrupt())?;
        let value = match value {
            Kept::Flag(flag) => FieldValue::Flag(flag),
            Kept::Number(number) => FieldValue::Number(Number::new(number).ok_or_else(corrupt)?),
            Kept::Text(text) => FieldValue::Text(text),
            Kept::Texts(texts) => FieldValue::Texts(texts),
        };
        Ok((name, value))
    };
    kept.into_iter().map(read).collect::<Result<_, _>>().map(Fields::kept)
}
