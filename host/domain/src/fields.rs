//! Fields: facts that an organization defined for itself, on tickets, people, services and
//! configuration items.
//!
//! The desk keeps them and shows them to policies; it draws no conclusions from them.

use std::{collections::BTreeMap, fmt};

use crate::{key::Key, refusal::Faults, said, said::Said, text};

/// More facts than this about one record are a table of their own.
pub const MAX_FIELDS: usize = 50;
/// The longest text of a field.
pub const MAX_FIELD_CHARS: usize = 1_000;
/// The most texts of one field.
pub const MAX_FIELD_TEXTS: usize = 50;
/// The longest texts of all fields together: every policy that is asked about a ticket is handed
/// them.
pub const MAX_FIELDS_CHARS: usize = 20_000;

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
    /// Whole numbers up to this one, and down to its negative, are kept exactly: 2^53.
    pub const MAX_WHOLE: i64 = 1 << 53;

    /// The number, unless it is infinite or none at all.
    #[must_use]
    pub fn new(number: f64) -> Option<Self> {
        number.is_finite().then_some(Self(number))
    }

    /// A whole number, unless it is too large to be kept exactly.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact up to `MAX_WHOLE`")]
    pub fn whole(number: i64) -> Option<Self> {
        (-Self::MAX_WHOLE..=Self::MAX_WHOLE).contains(&number).then_some(Self(number as f64))
    }

    /// The number as a whole one, if it is one that is kept exactly.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "exact up to `MAX_WHOLE`"
    )]
    pub fn as_whole(self) -> Option<i64> {
        let is_exact = self.0.fract() == 0.0 && self.0.abs() <= Self::MAX_WHOLE as f64;
        is_exact.then_some(self.0 as i64)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// As JSON, so that values of different types never read the same: `7` and `"7"`.
impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => match number.as_whole() {
                Some(whole) => write!(f, "{whole}"),
                None => write!(f, "{}", number.get()),
            },
            Self::Text(text) => quote(f, text),
            Self::Texts(texts) => {
                f.write_str("[")?;
                for (place, text) in texts.iter().enumerate() {
                    f.write_str(if place == 0 { "" } else { ", " })?;
                    quote(f, text)?;
                }
                f.write_str("]")
            }
        }
    }
}

fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(f, "\\{character}")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            _ => write!(f, "{character}")?,
        }
    }
    f.write_str("\"")
}

impl Fields {
    /// Checks fields that somebody sends; each fault is noted at its place below `/fields`.
    pub fn checked(given: BTreeMap<String, FieldValue>, faults: &mut Faults) -> Self {
        if given.len() > MAX_FIELDS {
            let message = said!(
                "{count} fields are too many; a record can have at most {most}.",
                count = given.len(),
                most = MAX_FIELDS
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
                    said!(
                        "The name of the field is not valid: {error}.",
                        error = Said::from(error.clone())
                    ),
                );
            }
            let value = checked_value(&pointer, value, faults);
            if let Ok(key) = key {
                fields.insert(key, value);
            }
        }
        let chars: usize = fields.values().map(chars).sum();
        if chars > MAX_FIELDS_CHARS {
            let message = said!(
                "The fields have {chars} characters together; at most {most} are kept.",
                chars,
                most = MAX_FIELDS_CHARS
            );
            faults.wrong("/fields", "too-long", message);
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

fn chars(value: &FieldValue) -> usize {
    match value {
        FieldValue::Flag(_) | FieldValue::Number(_) => 0,
        FieldValue::Text(text) => text.chars().count(),
        FieldValue::Texts(texts) => texts.iter().map(|text| text.chars().count()).sum(),
    }
}

fn checked_value(pointer: &str, value: FieldValue, faults: &mut Faults) -> FieldValue {
    match value {
        FieldValue::Flag(_) | FieldValue::Number(_) => value,
        FieldValue::Text(text) => FieldValue::Text(checked_text(pointer, &text, faults)),
        FieldValue::Texts(texts) => {
            if texts.len() > MAX_FIELD_TEXTS {
                let message = said!(
                    "{count} texts are too many; a field can have at most {most}.",
                    count = texts.len(),
                    most = MAX_FIELD_TEXTS
                );
                faults.wrong(pointer, "too-many", message);
            }
            let texts = texts.iter().enumerate();
            let checked = texts
                .map(|(place, text)| checked_text(&format!("{pointer}/{place}"), text, faults));
            FieldValue::Texts(checked.collect())
        }
    }
}

fn checked_text(pointer: &str, text: &str, faults: &mut Faults) -> String {
    let text = text::line_ends(text);
    text::at_most_chars(pointer, &text, MAX_FIELD_CHARS, faults);
    text::plain(pointer, &text, faults);
    text.into_owned()
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
        assert_eq!(pointers(vec![("a", text("a\u{1b}[31m"))]), ["/fields/a"]);
        let most = || FieldValue::Texts(vec!["x".repeat(MAX_FIELD_CHARS); 20]);
        assert_eq!(pointers(vec![("a", most())]), Vec::<String>::new());
        assert_eq!(pointers(vec![("a", most()), ("b", text("x"))]), ["/fields"]);
        let names: Vec<String> = (0..=MAX_FIELDS).map(|number| format!("f{number}")).collect();
        let many = names.iter().map(|name| (name.as_str(), FieldValue::Flag(true))).collect();
        assert_eq!(pointers(many), ["/fields"]);
    }

    #[test]
    fn values_of_different_types_never_read_the_same() {
        let texts = |texts: &[&str]| {
            FieldValue::Texts(texts.iter().map(|text| (*text).to_owned()).collect())
        };
        let text = |text: &str| FieldValue::Text(text.to_owned());
        let read = [
            (FieldValue::Number(Number(7.0)), "7"),
            (FieldValue::Number(Number(7.5)), "7.5"),
            (text("7"), "\"7\""),
            (FieldValue::Flag(true), "true"),
            (text("true"), "\"true\""),
            (texts(&[]), "[]"),
            (texts(&["a", "b"]), r#"["a", "b"]"#),
            (texts(&["a, b"]), r#"["a, b"]"#),
            (text("a, b"), r#""a, b""#),
            (texts(&[r#"a", "b"#]), r#"["a\", \"b"]"#),
            (text("two\nlines\tand a \\"), r#""two\nlines\tand a \\""#),
        ];
        for (value, expected) in read {
            assert_eq!(value.to_string(), expected);
        }
    }

    #[test]
    fn a_whole_number_is_kept_exactly_or_refused() {
        let most = Number::MAX_WHOLE;
        for whole in [0, -3, most, -most] {
            assert_eq!(Number::whole(whole).and_then(Number::as_whole), Some(whole));
        }
        assert_eq!(Number::whole(most + 1), None);
        assert_eq!(Number(0.5).as_whole(), None);
        assert_eq!(Number(1e300).as_whole(), None);
    }

    #[test]
    fn a_number_is_finite() {
        assert_eq!(Number::new(1.5).map(Number::get), Some(1.5));
        assert_eq!(Number::new(f64::NAN), None);
        assert_eq!(Number::new(f64::INFINITY), None);
    }
}
