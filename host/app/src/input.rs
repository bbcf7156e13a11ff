//! Input: what a front end sends as plain values, turned into the domain's own, with every fault
//! named at once.
//!
//! A check that fails notes a fault and answers none, so the checks after it still run.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use waypost_domain::{
    moment,
    refusal::{Faults, FieldFault, Refused},
    said,
    said::{Said, Sayable},
    text,
};

use crate::CommandError;

/// Readings of an input's fields, with the faults noted in the domain's list.
pub(crate) trait Reading {
    /// The value, or its error as a fault, which no page can say in another language.
    fn take<T, E: Display>(&mut self, pointer: &str, parsed: Result<T, E>) -> Option<T>;

    /// A text that must be understood as `T`.
    fn parse<T: FromStr<Err: Into<Said>>>(&mut self, pointer: &str, text: &str) -> Option<T>;

    /// A text that must be understood as `T`, where there is one. The outer none is a fault.
    #[expect(
        clippy::option_option,
        reason = "the outer level is a fault, the inner one an empty field"
    )]
    fn parse_if<T: FromStr<Err: Into<Said>>>(
        &mut self,
        pointer: &str,
        text: Option<&str>,
    ) -> Option<Option<T>>;

    /// A name that people read.
    fn name(&mut self, pointer: &str, text: &str) -> Option<String>;

    /// A text of several lines, possibly empty.
    fn text(&mut self, pointer: &str, text: &str) -> Option<String>;

    /// A time, cut to what is kept.
    fn moment(&mut self, pointer: &str, given: DateTime<Utc>) -> Option<DateTime<Utc>>;

    /// As [`Reading::moment`], where there is one. A fault answers none, too.
    fn moment_if(&mut self, pointer: &str, given: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        given.and_then(|given| self.moment(pointer, given))
    }

    /// A time zone; none for none. The outer none is a fault.
    #[expect(
        clippy::option_option,
        reason = "the outer level is a fault, the inner one an empty field"
    )]
    fn zone_if<T: FromStr>(&mut self, pointer: &str, text: Option<&str>) -> Option<Option<T>>;

    /// A number within bounds.
    fn within<T: PartialOrd + Sayable>(
        &mut self,
        pointer: &str,
        given: T,
        least: T,
        most: T,
    ) -> Option<T>;

    /// Ends the checks.
    ///
    /// # Errors
    /// The error of [`Reading::into_error`], if anything is wrong.
    fn refuse_any(self) -> Result<(), CommandError>;

    /// The error of the faults found: [`Refused::MissingFields`] if nothing else is wrong, or
    /// [`CommandError::Invalid`].
    fn into_error(self) -> CommandError;
}

impl Reading for Faults {
    fn take<T, E: Display>(&mut self, pointer: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.wrong(pointer, "invalid", Said::as_is(error.to_string()))).ok()
    }

    fn parse<T: FromStr<Err: Into<Said>>>(&mut self, pointer: &str, text: &str) -> Option<T> {
        let parsed = text.trim().parse::<T>();
        parsed.map_err(|error| self.wrong(pointer, "invalid", error.into())).ok()
    }

    fn parse_if<T: FromStr<Err: Into<Said>>>(
        &mut self,
        pointer: &str,
        text: Option<&str>,
    ) -> Option<Option<T>> {
        match text {
            None => Some(None),
            Some(text) => self.parse(pointer, text).map(Some),
        }
    }

    fn name(&mut self, pointer: &str, text: &str) -> Option<String> {
        checked_text(self, |faults| text::name(pointer, text, faults))
    }

    fn text(&mut self, pointer: &str, text: &str) -> Option<String> {
        checked_text(self, |faults| text::optional(pointer, text, faults))
    }

    fn moment(&mut self, pointer: &str, given: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let kept = moment::kept(given);
        kept.map_err(|invalid| self.wrong(pointer, invalid.code(), invalid.said())).ok()
    }

    fn zone_if<T: FromStr>(&mut self, pointer: &str, text: Option<&str>) -> Option<Option<T>> {
        let Some(text) = text else { return Some(None) };
        let zone = text.trim().parse::<T>().map_err(|_| {
            let message = said!(
                "`{text}` is not a valid time zone; use an IANA name such as Europe/Berlin",
                text
            );
            self.wrong(pointer, "invalid", message);
        });
        zone.ok().map(Some)
    }

    fn within<T: PartialOrd + Sayable>(
        &mut self,
        pointer: &str,
        given: T,
        least: T,
        most: T,
    ) -> Option<T> {
        if (&least..=&most).contains(&&given) {
            return Some(given);
        }
        self.wrong(
            pointer,
            "out-of-range",
            said!("{given} is not between {least} and {most}", given, least, most),
        );
        None
    }

    fn refuse_any(self) -> Result<(), CommandError> {
        if self.is_empty() { Ok(()) } else { Err(self.into_error()) }
    }

    fn into_error(self) -> CommandError {
        let faults = self.into_vec();
        if FieldFault::only_missing(faults.iter().map(|fault| fault.code)) {
            Refused::MissingFields(faults).into()
        } else {
            CommandError::Invalid(faults)
        }
    }
}

/// What a reading of the domain kept, if nothing is wrong with it.
pub(crate) fn checked_text(
    faults: &mut Faults,
    read: impl FnOnce(&mut Faults) -> String,
) -> Option<String> {
    let mut found = Faults::new();
    let text = read(&mut found);
    if found.is_empty() {
        return Some(text);
    }
    for fault in found.into_vec() {
        faults.wrong(&fault.pointer, fault.code, fault.message);
    }
    None
}

/// Puts a checked value in its place. A fault leaves what is there; the command ends with the fault
/// later.
pub(crate) fn set<T>(place: &mut T, checked: Option<T>) {
    if let Some(value) = checked {
        *place = value;
    }
}

/// Refuses to change what is not at the expected version any more.
///
/// # Errors
/// [`CommandError::Stale`].
pub(crate) fn must_be_at(version: i64, expected: Option<i64>) -> Result<(), CommandError> {
    if expected.is_none_or(|expected| expected == version) {
        Ok(())
    } else {
        Err(CommandError::Stale)
    }
}

/// Settings without the member `$schema`, by which editors find what may be set. It sets nothing,
/// so a policy neither sees it nor has to allow it. What else there is stays as it was given.
///
/// # Errors
/// What is wrong with the text, if it is not JSON.
pub fn without_schema(settings: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    serde_json::from_str::<IgnoredAny>(settings)?;
    // Something else than an object is refused by the policy's schema, or means something to it.
    let Ok(Members(members)) = serde_json::from_str::<Members<'_>>(settings) else {
        return Ok(Cow::Borrowed(settings));
    };
    if members.iter().all(|(name, _)| name != "$schema") {
        return Ok(Cow::Borrowed(settings));
    }
    let kept = members.iter().filter(|(name, _)| name != "$schema");
    let kept = kept.map(|(name, value)| Ok(format!("{}:{value}", serde_json::to_string(name)?)));
    let kept = kept.collect::<Result<Vec<_>, serde_json::Error>>()?;
    Ok(Cow::Owned(format!("{{{}}}", kept.join(","))))
}

/// The members of a JSON object in their order, those that stand there twice too.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// Takes every value out of its option, or ends with all faults: `let (name, zone) =
/// checked!(faults; name, zone);`.
///
/// A reading answers none only after it has noted a fault, so the values are all there when no
/// fault is.
macro_rules! checked {
    ($faults:ident; $($value:ident),+ $(,)?) => {
        match ($($value,)+) {
            ($(Some($value),)+) if $faults.is_empty() => ($($value,)+),
            _ => return Err($crate::input::Reading::into_error($faults)),
        }
    };
}

pub(crate) use checked;

#[cfg(test)]
mod tests {
    use waypost_domain::key::Key;

    use super::*;

    #[test]
    fn every_fault_is_told_at_once() {
        let mut faults = Faults::new();
        assert_eq!(faults.name("/name", " \t"), None);
        assert_eq!(faults.parse::<Key>("/key", "Not A Key"), None);
        assert_eq!(faults.text("/text", "\0"), None);
        assert_eq!(faults.within("/days", 400, 0, 365), None);

        let Err(CommandError::Invalid(found)) = faults.refuse_any() else {
            panic!("the faults are an error");
        };
        let pointers = found.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>();
        assert_eq!(pointers, ["/name", "/key", "/text", "/days"]);
    }

    #[test]
    fn a_time_is_cut_to_microseconds_and_lies_in_a_year_of_four_digits() {
        let read = |text: &str| {
            let mut faults = Faults::new();
            let given = DateTime::parse_from_rfc3339(text).expect("a time").to_utc();
            faults.moment("/eta", given).map(|at| at.to_rfc3339())
        };
        let cut = Some("2026-06-01T09:00:00.123456+00:00".to_owned());
        assert_eq!(read("2026-06-01T09:00:00.123456789Z"), cut);
        assert_eq!(read("1969-12-31T23:59:59Z"), None);
        assert_eq!(read("0001-01-01T00:00:00Z"), None);
        assert!(read("9999-12-31T23:59:59Z").is_some());
        assert_eq!(read("9999-12-31T23:59:59-01:00"), None);
        assert_eq!(read("2016-12-31T23:59:60Z"), None);
    }

    #[test]
    fn settings_lose_the_name_of_their_schema_and_nothing_else() {
        let kept = |settings: &str| without_schema(settings).map(Cow::into_owned).ok();
        for untouched in ["{ \"b\": 1.50, \"a\": 2 }", "[\"$schema\"]", "{}", "3"] {
            assert_eq!(kept(untouched).as_deref(), Some(untouched));
        }
        let named = r#"{ "b": 1.50, "$schema": "./s.json", "a": { "$schema": "x" } }"#;
        assert_eq!(kept(named).as_deref(), Some(r#"{"b":1.50,"a":{ "$schema": "x" }}"#));
        assert_eq!(kept(r#"{ "$schema": "./s.json" }"#).as_deref(), Some("{}"));
        assert_eq!(kept("{rules"), None);
    }

    #[test]
    fn missing_fields_alone_are_told_apart() {
        let mut faults = Faults::new();
        faults.name("/name", "");
        let error = faults.into_error();
        assert!(matches!(error, CommandError::Refused(Refused::MissingFields(_))), "{error:?}");
    }

    #[test]
    fn what_is_right_comes_out_trimmed() {
        let mut faults = Faults::new();
        assert_eq!(faults.name("/name", " Network ").as_deref(), Some("Network"));
        assert_eq!(faults.parse_if::<Key>("/team", None), Some(None));
        assert_eq!(faults.within("/days", 5, 0, 5), Some(5));
        assert!(faults.refuse_any().is_ok());
    }
}
