//! JSON: what is given becomes the domain's values, by the types that fields and inputs declare.
//!
//! Only values that stand for themselves are read here; what names another record is looked up by
//! whoever reads it. A value that cannot be understood is a fault at its place.

use std::{borrow::Cow, collections::BTreeMap};

use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use waypost_domain::{
    catalog::Money,
    fields::{FieldValue, Number},
    key::Key,
    moment,
    refusal::Faults,
    said,
    said::{Part, Said},
    text::line_ends,
    ticket::{FieldType, Value},
};

use crate::input::checked_text;

/// The value that is given, if it stands for itself.
pub(crate) fn value(
    faults: &mut Faults,
    pointer: &str,
    takes: FieldType,
    json: &Json,
) -> Option<Value> {
    match takes {
        FieldType::Text => {
            written(faults, pointer, json).map(|text| Value::Text(text.into_owned()))
        }
        FieldType::Line => text(faults, pointer, json)
            .map(|text| Value::Text(text.split_whitespace().collect::<Vec<_>>().join(" "))),
        FieldType::Reason => {
            written(faults, pointer, json).map(|text| Value::Text(text.trim().to_owned()))
        }
        FieldType::Key | FieldType::Email => {
            text(faults, pointer, json).map(|text| Value::Text(text.trim().to_owned()))
        }
        FieldType::Level => number(faults, pointer, json, u32::from(u8::MAX)).map(Value::Number),
        FieldType::Count { most, .. } => {
            number(faults, pointer, json, most.max(u32::from(u16::MAX))).map(Value::Number)
        }
        FieldType::Flag => {
            expect(faults, pointer, json.as_bool(), &said!("true or false")).map(Value::Flag)
        }
        FieldType::Time => time(faults, pointer, json).map(Value::Time),
        FieldType::Choice(names) => choice(faults, pointer, json, names),
        FieldType::Tags => texts(faults, pointer, json).map(Value::Texts),
        FieldType::Answers => answers(faults, pointer, json).map(Value::Answers),
        FieldType::ExternalRef => external_ref(faults, pointer, json),
        FieldType::Facts => facts(faults, pointer, json).map(Value::Facts),
        FieldType::Money => money(faults, pointer, json).map(Value::Money),
        FieldType::Code
        | FieldType::Category
        | FieldType::Service
        | FieldType::Ci
        | FieldType::Cis
        | FieldType::Team
        | FieldType::TeamKey
        | FieldType::Person
        | FieldType::People
        | FieldType::Ticket
        | FieldType::Tickets
        | FieldType::CatalogItem
        | FieldType::Suggestion
        | FieldType::Organization
        | FieldType::Organizations
        | FieldType::Objects(_) => None,
    }
}

/// Refuses a name below the pointer that is not taken; says what `what` takes.
pub(crate) fn refuse_unknown<'a>(
    faults: &mut Faults,
    pointer: &str,
    name: &str,
    accepted: impl Iterator<Item = &'a str>,
    what: &str,
) {
    let names = accepted.collect::<Vec<_>>();
    // No page names a field that there is not.
    let message = Said::as_is(if names.is_empty() {
        format!("{what} has no fields; leave it out.")
    } else {
        format!("{what} has no field `{name}`; use one of: {}.", names.join(", "))
    });
    faults.wrong(&at(pointer, name), "unknown", message);
}

pub(crate) fn expect<T>(
    faults: &mut Faults,
    pointer: &str,
    value: Option<T>,
    what: &Said,
) -> Option<T> {
    if value.is_none() {
        faults.wrong(pointer, "invalid", said!("Must be {what}.", what));
    }
    value
}

fn text<'j>(faults: &mut Faults, pointer: &str, json: &'j Json) -> Option<&'j str> {
    expect(faults, pointer, json.as_str(), &said!("a text"))
}

/// A text of several lines, with one kind of line end.
pub(crate) fn written<'j>(
    faults: &mut Faults,
    pointer: &str,
    json: &'j Json,
) -> Option<Cow<'j, str>> {
    text(faults, pointer, json).map(line_ends)
}

/// What another record is called. No record's name holds a control character, and not every
/// database can even be asked about one: it is a fault before anything is looked up.
pub(crate) fn name<'j>(faults: &mut Faults, pointer: &str, json: &'j Json) -> Option<&'j str> {
    text(faults, pointer, json).filter(|named| is_plain(faults, pointer, named))
}

/// As [`name()`], for a list of them: those that records can have, with their pointers.
pub(crate) fn names<'j>(
    faults: &mut Faults,
    pointer: &str,
    json: &'j Json,
) -> Option<Vec<(String, &'j str)>> {
    let all = json.as_array().map(|items| {
        let places = items.iter().enumerate();
        places.map(|(place, item)| Some((format!("{pointer}/{place}"), item.as_str()?))).collect()
    });
    let mut all: Vec<_> = expect(faults, pointer, all.flatten(), &said!("a list of texts"))?;
    all.retain(|(pointer, named)| is_plain(faults, pointer, named));
    Some(all)
}

/// Whether a record can be called so. If not, that is a fault.
pub(crate) fn is_plain(faults: &mut Faults, pointer: &str, named: &str) -> bool {
    let read = |faults: &mut Faults| {
        waypost_domain::text::plain(pointer, named, faults);
        String::new()
    };
    checked_text(faults, read).is_some()
}

fn number(faults: &mut Faults, pointer: &str, json: &Json, most: u32) -> Option<u32> {
    let what = said!("a whole number from 0 to {most}", most);
    let whole = json.as_f64().filter(|given| given.fract() == 0.0);
    let given = json.as_u64().and_then(|given| u32::try_from(given).ok());
    if whole.is_some() && given.is_none_or(|given| given > most) {
        faults.wrong(pointer, "out-of-range", said!("Must be {what}.", what));
        return None;
    }
    expect(faults, pointer, given, &what)
}

fn time(faults: &mut Faults, pointer: &str, json: &Json) -> Option<DateTime<Utc>> {
    let text = text(faults, pointer, json)?;
    let read = moment::parse(text);
    read.map_err(|invalid| faults.wrong(pointer, invalid.code(), invalid.said())).ok()
}

pub(crate) fn choice(
    faults: &mut Faults,
    pointer: &str,
    json: &Json,
    names: &[&str],
) -> Option<Value> {
    let text = text(faults, pointer, json)?;
    if names.contains(&text) {
        return Some(Value::Text(text.to_owned()));
    }
    // Nothing is as good as left out: the domain says what belongs there.
    if !text.trim().is_empty() {
        let message = said!(
            "`{text}` is not valid; use one of: {names}.",
            text,
            names = Part::all(
                names.iter().map(|name| Part::option(pointer.trim_start_matches('/'), name))
            )
        );
        faults.wrong(pointer, "invalid", message);
    }
    None
}

pub(crate) fn texts(faults: &mut Faults, pointer: &str, json: &Json) -> Option<Vec<String>> {
    let all = json.as_array().map(|items| {
        items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    });
    expect(faults, pointer, all.flatten(), &said!("a list of texts"))
}

/// Forms are answered in texts; JSON's other plain values are as good.
fn answers(faults: &mut Faults, pointer: &str, json: &Json) -> Option<Vec<(Key, String)>> {
    let object = expect(faults, pointer, json.as_object(), &said!("an object of answers"))?;
    let mut answers = Vec::with_capacity(object.len());
    for (field, value) in object {
        let at = at(pointer, field);
        let text = match value {
            Json::String(text) => line_ends(text).into_owned(),
            Json::Number(number) => number.to_string(),
            Json::Bool(value) => value.to_string(),
            Json::Null | Json::Array(_) | Json::Object(_) => {
                faults.wrong(&at, "invalid", said!("Must be a text, a number, true or false."));
                continue;
            }
        };
        match field.parse::<Key>() {
            Ok(key) => answers.push((key, text)),
            Err(invalid) => faults.wrong(&at, "unknown", invalid.into()),
        }
    }
    Some(answers)
}

fn external_ref(faults: &mut Faults, pointer: &str, json: &Json) -> Option<Value> {
    let parts = parts(faults, pointer, json, ["source", "id"])?;
    let [source, id] = parts.map(|part| part.and_then(Json::as_str).map(str::to_owned));
    let source = expect(faults, &at(pointer, "source"), source, &said!("a text"));
    let id = expect(faults, &at(pointer, "id"), id, &said!("a text"));
    Some(Value::ExternalRef(source?, id?))
}

/// Money as it is given; whether there is such an amount, the domain says.
fn money(faults: &mut Faults, pointer: &str, json: &Json) -> Option<Money> {
    let [amount, currency] = parts(faults, pointer, json, ["minor_units", "currency"])?;
    let amount = amount.and_then(Json::as_i64);
    let amount =
        expect(faults, &at(pointer, "minor_units"), amount, &said!("a whole number of cents"));
    let currency = currency.and_then(Json::as_str);
    let currency = expect(faults, &at(pointer, "currency"), currency, &said!("a text such as EUR"));
    Some(Money { minor_units: amount?, currency: currency?.to_owned() })
}

fn facts(faults: &mut Faults, pointer: &str, json: &Json) -> Option<BTreeMap<String, FieldValue>> {
    let object = expect(faults, pointer, json.as_object(), &said!("an object of fields"))?;
    let mut facts = BTreeMap::new();
    for (name, json) in object {
        let value = match json {
            Json::Bool(flag) => Some(FieldValue::Flag(*flag)),
            Json::Number(number) if number.is_f64() => {
                number.as_f64().and_then(Number::new).map(FieldValue::Number)
            }
            Json::Number(number) => {
                let whole = number.as_i64().and_then(Number::whole);
                if whole.is_none() {
                    let most = Number::MAX_WHOLE;
                    let message = said!(
                        "A whole number must be {least} to {most}; send a larger one as a text.",
                        least = -most,
                        most
                    );
                    faults.wrong(&at(pointer, name), "out-of-range", message);
                    continue;
                }
                whole.map(FieldValue::Number)
            }
            Json::String(text) => Some(FieldValue::Text(line_ends(text).into_owned())),
            Json::Array(items) => {
                let texts = items.iter().map(|item| Some(line_ends(item.as_str()?).into_owned()));
                texts.collect::<Option<_>>().map(FieldValue::Texts)
            }
            Json::Null | Json::Object(_) => None,
        };
        let what = said!("a text, a number, true, false or a list of texts");
        let value = expect(faults, &at(pointer, name), value, &what);
        facts.extend(value.map(|value| (name.clone(), value)));
    }
    Some(facts)
}

/// The parts of an object that has no others.
fn parts<'j, const N: usize>(
    faults: &mut Faults,
    pointer: &str,
    json: &'j Json,
    names: [&str; N],
) -> Option<[Option<&'j Json>; N]> {
    let listed = names.join(" and ");
    // What has such parts has no inputs on pages.
    let what = Said::as_is(format!("an object with {listed}"));
    let object = expect(faults, pointer, json.as_object(), &what)?;
    for name in object.keys().filter(|name| !names.contains(&name.as_str())) {
        let message = Said::as_is(format!("There is no field `{name}`; give {listed}."));
        faults.wrong(&at(pointer, name), "unknown", message);
    }
    Some(names.map(|name| object.get(name)))
}

/// A pointer to a name below another, as RFC 6901 writes it.
pub(crate) fn at(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_that_no_record_can_have_is_not_looked_up() {
        let mut faults = Faults::new();
        assert_eq!(name(&mut faults, "/requester", &json!("ri\0ta@acme.example")), None);
        assert_eq!(name(&mut faults, "/ci", &json!("srv1")), Some("srv1"));
        let watchers = json!(["a\u{7}", "b"]);
        let kept = names(&mut faults, "/watchers", &watchers);
        assert_eq!(kept, Some(vec![("/watchers/1".to_owned(), "b")]));
        let found = faults.into_vec();
        let found: Vec<_> = found.iter().map(|it| (it.pointer.as_str(), it.code)).collect();
        assert_eq!(
            found,
            [("/requester", "control-character"), ("/watchers/0", "control-character")]
        );
    }
}
