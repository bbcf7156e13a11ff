//! Registers: the records that tickets refer to (people, teams, services, configuration items,
//! categories, catalog items), as data.
//!
//! A register is rows, as a kind of ticket is: what a record has, who fills it in and when.
//! Creating, listing, reading and changing records, the API's document and desk files read it from
//! there. Rules that look at other records stand beside the rows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

use chrono_tz::Tz;
use uuid::Uuid;

use crate::{
    field::{Field, Value, flag, text_of},
    fields::Fields,
    ids::{OrgId, PersonId, ServiceId, TeamId},
    key::{CategoryPath, Key},
    person::Language,
    refusal::Faults,
    role::Role,
    said::Said,
    service::Criticality,
    text,
};

/// A record of a register.
pub trait Record: Clone + PartialEq + Debug + Send + Sync + 'static {
    /// What such records are.
    const REGISTER: Register<Self>;

    /// A record that nobody has filled in.
    fn blank(id: Uuid, org: OrgId) -> Self;

    /// What every record has.
    fn head(&self) -> Head;

    /// Its name in addresses: its key, or its id.
    fn address(&self) -> String {
        let named = Self::REGISTER.fields.iter().find(|field| field.name == Self::REGISTER.address);
        let text = named.and_then(|field| (field.get)(self));
        text_of(text.as_ref()).map_or_else(|| self.head().id.to_string(), str::to_owned)
    }
}

/// What every record of a register has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its id.
    pub id: Uuid,
    /// The organization it belongs to.
    pub org: OrgId,
    /// Whether it is in use.
    pub active: bool,
    /// Rises by one with every change.
    pub version: i64,
}

/// What the records of a register are.
pub struct Register<R: 'static> {
    /// What one is called: `service`.
    pub noun: &'static str,
    /// What several are called.
    pub plural: &'static str,
    /// What one is called in the names of the API's schemas: `Service`.
    pub schema: &'static str,
    /// Where they are in the API: `services`.
    pub path: &'static str,
    /// What one is, for the API's docs.
    pub summary: &'static str,
    /// By which field one is named in addresses; `id` for its id.
    pub address: &'static str,
    /// By which field one is named in a desk file.
    pub named_by: &'static str,
    /// Who reads them.
    pub readers: Readers,
    /// What one has, in the order of the docs.
    pub fields: &'static [Field<R>],
}

/// Who reads the records of a register. Administrators change them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Everybody.
    All,
    /// Everybody; a requester those that are active.
    AllActive,
    /// The desk.
    Desk,
    /// The desk; a requester themselves.
    DeskAndThemselves,
}

impl<R> Register<R> {
    /// The field with this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field<R>> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// What a field of a record holds: how it is read and filled in.
pub(crate) trait Holds {
    /// What it holds; none where it is empty.
    fn value(&self) -> Option<Value>;

    /// Fills it in, or empties it; notes what is wrong with the value.
    fn take(&mut self, pointer: &str, value: Option<&Value>, faults: &mut Faults);
}

/// A field that the struct of the record has under the same name.
macro_rules! field {
    ($name:ident, $takes:expr, $doc:expr) => {
        $crate::field::Field::<Self>::new(
            stringify!($name),
            $takes,
            $doc,
            |record| $crate::register::Holds::value(&record.$name),
            |record, value, faults| {
                let pointer = concat!("/", stringify!($name));
                $crate::register::Holds::take(&mut record.$name, pointer, value, faults);
            },
        )
    };
}

pub(crate) use field;

/// The docs of a key.
pub(crate) const KEY: &str = "Key, unique within the organization. It cannot be changed.";
/// The docs of a criticality.
pub(crate) const CRITICALITY: &str = "Criticality; defaults to `medium`.";
/// The docs of facts that an organization defined for itself.
pub(crate) const FACTS: &str =
    "Custom fields by name: a Boolean, a number, a string or a list of strings.";

/// Reads a text as what it must be; a fault leaves what is there.
fn parse<T: std::str::FromStr<Err: ToString>>(
    place: &mut T,
    pointer: &str,
    text: &str,
    faults: &mut Faults,
) {
    match text.parse() {
        Ok(value) => *place = value,
        Err(error) => faults.wrong(pointer, "invalid", Said::as_is(error.to_string())),
    }
}

/// A text that is read as the type, and shown as it.
macro_rules! texts {
    ($($type:ty),+) => {$(
        impl Holds for $type {
            fn value(&self) -> Option<Value> {
                Some(Value::Text(self.to_string()))
            }

            fn take(&mut self, pointer: &str, value: Option<&Value>, faults: &mut Faults) {
                parse(self, pointer, text_of(value).unwrap_or_default(), faults);
            }
        }
    )+};
}

texts!(Key, CategoryPath, Role, Criticality);

/// A value that is kept as it was looked up.
macro_rules! values {
    ($($variant:ident($type:ty)),+) => {$(
        impl Holds for Option<$type> {
            fn value(&self) -> Option<Value> {
                self.clone().map(Value::$variant)
            }

            fn take(&mut self, _: &str, value: Option<&Value>, _: &mut Faults) {
                *self = if let Some(Value::$variant(value)) = value { Some(value.clone()) } else { None };
            }
        }
    )+};
}

values!(Person(PersonId), Team(TeamId), Service(ServiceId));

/// Several values that are kept as they were looked up.
macro_rules! sets {
    ($($variant:ident($type:ty)),+) => {$(
        impl Holds for BTreeSet<$type> {
            fn value(&self) -> Option<Value> {
                Some(Value::$variant(self.clone()))
            }

            fn take(&mut self, _: &str, value: Option<&Value>, _: &mut Faults) {
                *self = if let Some(Value::$variant(all)) = value { all.clone() } else { Self::new() };
            }
        }
    )+};
}

sets!(People(PersonId), Organizations(OrgId));

impl Holds for bool {
    fn value(&self) -> Option<Value> {
        Some(Value::Flag(*self))
    }

    fn take(&mut self, _: &str, value: Option<&Value>, _: &mut Faults) {
        *self = flag(value).unwrap_or_default();
    }
}

/// A name that must be given.
impl Holds for String {
    fn value(&self) -> Option<Value> {
        Some(Value::Text(self.clone()))
    }

    fn take(&mut self, pointer: &str, value: Option<&Value>, faults: &mut Faults) {
        *self = text::name(pointer, text_of(value).unwrap_or_default(), faults);
    }
}

/// A name that may be missing.
impl Holds for Option<String> {
    fn value(&self) -> Option<Value> {
        self.clone().map(Value::Text)
    }

    fn take(&mut self, pointer: &str, value: Option<&Value>, faults: &mut Faults) {
        *self = text_of(value).map(|name| text::name(pointer, name, faults));
    }
}

impl Holds for Option<Tz> {
    fn value(&self) -> Option<Value> {
        self.map(|zone| Value::Text(zone.name().to_owned()))
    }

    fn take(&mut self, pointer: &str, value: Option<&Value>, faults: &mut Faults) {
        let read = text_of(value).map(|name| (name, name.parse()));
        if let Some((name, Err(_))) = read {
            let remedy = "use an IANA name such as Europe/Berlin.";
            let message = Said::as_is(format!("`{name}` is not a valid time zone; {remedy}"));
            faults.wrong(pointer, "invalid", message);
        } else {
            *self = read.and_then(|(_, zone)| zone.ok());
        }
    }
}

impl Holds for Option<Language> {
    fn value(&self) -> Option<Value> {
        self.as_ref().map(|language| Value::Text(language.to_string()))
    }

    fn take(&mut self, pointer: &str, value: Option<&Value>, faults: &mut Faults) {
        match text_of(value).map(str::parse).transpose() {
            Ok(language) => *self = language,
            Err(invalid) => faults.wrong(pointer, "invalid", Said::as_is(invalid.to_string())),
        }
    }
}

impl Holds for Fields {
    fn value(&self) -> Option<Value> {
        let facts = self.iter().map(|(name, value)| (name.to_string(), value.clone()));
        Some(Value::Facts(facts.collect()))
    }

    fn take(&mut self, _: &str, value: Option<&Value>, faults: &mut Faults) {
        let facts = if let Some(Value::Facts(facts)) = value { facts } else { &BTreeMap::new() };
        *self = Self::checked(facts.clone(), faults);
    }
}
