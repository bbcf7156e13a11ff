//! Fields: facts that an organization defined for itself, on tickets, people, services and
//! configuration items.
//!
//! The desk keeps them and shows them to policies; it draws no conclusions from them.

use std::collections::BTreeMap;

use crate::{key::Key, refusal::Faults, text};

/// More facts than this about one record are a table of their own.
pub const MAX_FIELDS: usize = 50;
/// The longest text of a field.
pub const MAX_FIELD_CHARS: usize = 1_000;
/// The most texts of one field.
pub const MAX_FIELD_TEXTS: usize = 50;

/// The fields of a record, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(BTreeMap<Key, FieldValue>);

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldValue {
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(String),
    /// Several texts.
    Texts(Vec<String>),
}

/// A finite number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(f64);

/// Every finite number equals itself.
impl Eq for Number {}

impl Number {
    /// The number, unless it is infinite or none at all.
    #[must_use]
    pub fn new(number: f64) -> Option<Self> {
        number.is_finite().then_some(Self(number))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl Fields {
    /// Checks fields that somebody sends; each fault is noted at its place below `/fields`.
    pub fn checked(given: BTreeMap<String, FieldValue>, faults: &mut Faults) -> Self {
        if given.len() > MAX_FIELDS {
            let message = format!(
                "{} fields are too many; a record can have at most {MAX_FIELDS}.",
                given.len()
            );
            faults.wrong("/fields", "too-many", message);
            return Self::default();
        }
        let mut fields = BTreeMap::new();
        for (name, value) in given {
            let pointer = format!("/fields/{}", name.replace('~', "~0").replace('/', "~1"));
            let key = name.parse::<Key>();
            if let Err(error) = &key {
                faults.wrong(
                    &pointer,
                    "invalid",
                    format!("The name of the field is not valid: {error}."),
                );
            }
            check_value(&pointer, &value, faults);
            if let Ok(key) = key {
                fields.insert(key, value);
            }
        }
        Self(fields)
    }

    /// Fields that were checked before they were kept.
    #[must_use]
    pub const fn kept(fields: BTreeMap<Key, FieldValue>) -> Self {
        Self(fields)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &FieldValue)> {
        self.0.iter()
    }
}

fn check_value(pointer: &str, value: &FieldValue, faults: &mut Faults) {
    match value {
        FieldValue::Flag(_) | FieldValue::Number(_) => {}
        FieldValue::Text(text) => check_text(pointer, text, faults),
        FieldValue::Texts(texts) => {
            if texts.len() > MAX_FIELD_TEXTS {
                let message = format!(
                    "{} texts are too many; a field can have at most {MAX_FIELD_TEXTS}.",
                    texts.len()
                );
                faults.wrong(pointer, "too-many", message);
            }
            for (place, text) in texts.iter().enumerate() {
                check_text(&format!("{pointer}/{place}"), text, faults);
            }
        }
    }
}

fn check_text(pointer: &str, text: &str, faults: &mut Faults) {
    text::at_most_chars(pointer, text, MAX_FIELD_CHARS, faults);
    text::plain(pointer, text, faults);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(given: Vec<(&str, FieldValue)>) -> Vec<(String, &'static str)> {
        let mut faults = Faults::new();
        let given = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Fields::checked(given, &mut faults);
        faults.into_vec().into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn fields_have_names_like_keys_and_bounded_values() {
        let text = |text: &str| FieldValue::Text(text.to_owned());
        assert_eq!(
            faults_of(vec![("cost-center", text("4711")), ("vpn", FieldValue::Flag(true))]),
            []
        );
        let pointers =
            |given| faults_of(given).into_iter().map(|(pointer, _)| pointer).collect::<Vec<_>>();
        assert_eq!(pointers(vec![("Cost Center", text("1"))]), ["/fields/Cost Center"]);
        let long = "x".repeat(MAX_FIELD_CHARS + 1);
        assert_eq!(pointers(vec![("a", text(&long))]), ["/fields/a"]);
        assert_eq!(
            pointers(vec![("a", FieldValue::Texts(vec![String::new(), long]))]),
            ["/fields/a/1"]
        );
        let names: Vec<String> = (0..=MAX_FIELDS).map(|number| format!("f{number}")).collect();
        let many = names.iter().map(|name| (name.as_str(), FieldValue::Flag(true))).collect();
        assert_eq!(pointers(many), ["/fields"]);
    }

    #[test]
    fn a_number_is_finite() {
        assert_eq!(Number::new(1.5).map(Number::get), Some(1.5));
        assert_eq!(Number::new(f64::NAN), None);
        assert_eq!(Number::new(f64::INFINITY), None);
    }
}
