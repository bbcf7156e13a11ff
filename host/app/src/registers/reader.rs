//! Reading what is given of a record: JSON becomes values by the types of its fields, with every
//! reference looked up.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};
use waypost_domain::{
    directory::{Lookup, References},
    field::{Field, FieldType, Given, Needed, Shape, Value},
    ids::{OrgId, PersonId},
    refusal::Faults,
    register::Record,
    said::Said,
};
use waypost_store::{ReadTx, organization};

use crate::{
    CommandError,
    json::{self, at},
    refs::{self, Known},
    tickets::PersonRef,
};

/// Reads values of one record.
pub(super) struct Reader<'a> {
    tx: &'a mut ReadTx,
    known: Option<Known>,
    pub(super) faults: Faults,
}

impl<'a> Reader<'a> {
    pub(super) fn new(tx: &'a mut ReadTx) -> Self {
        Self { tx, known: None, faults: Faults::new() }
    }

    /// Fills in everything that was given. Every fault is noted, in the order of the fields.
    pub(super) async fn fill<R: Record>(
        &mut self,
        record: &mut R,
        given: &Map<String, Json>,
        is_new: bool,
    ) -> Result<(), CommandError> {
        let noun = R::REGISTER.noun;
        let fields = R::REGISTER.fields.iter();
        let fields = fields.filter(|field| if is_new { field.opens } else { field.edits });
        let fields = fields.collect::<Vec<_>>();
        for name in given.keys().filter(|name| fields.iter().all(|field| field.name != **name)) {
            let names = fields.iter().map(|field| field.name);
            let what =
                if is_new { format!("A new {noun}") } else { format!("An edit of a {noun}") };
            json::refuse_unknown(&mut self.faults, "", name, names, &what);
        }
        for field in fields {
            let pointer = field.pointer();
            match given.get(field.name) {
                None | Some(Json::Null) if is_new && field.needed => {
                    self.faults.missing(&pointer, Said::as_is(field.doc));
                }
                Some(Json::Null) if !is_new && !field.nullable => {
                    let message = Said::as_is("Cannot be emptied; leave it out to keep it.");
                    self.faults.wrong(&pointer, "invalid", message);
                }
                Some(Json::Null) if !is_new => (field.set)(record, None, &mut self.faults),
                None | Some(Json::Null) => {}
                Some(json) => {
                    if let Some(value) = self.value(&pointer, field.takes, json).await? {
                        (field.set)(record, Some(&value), &mut self.faults);
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a record holds this already. What it holds may be named although nothing else could
    /// name it any more.
    pub(super) async fn holds<R: Record>(
        &mut self,
        record: &R,
        field: &Field<R>,
        json: &Json,
    ) -> Result<bool, CommandError> {
        let read = self.value(&field.pointer(), field.takes, json).await?;
        let Some(value) = read else { return Ok(false) };
        let (mut after, mut faults) = (record.clone(), Faults::new());
        (field.set)(&mut after, Some(&value), &mut faults);
        Ok(after == *record && faults.is_empty())
    }

    /// The value that is given. Who or what is not in use any more is a value with a fault.
    async fn value(
        &mut self,
        pointer: &str,
        takes: FieldType,
        json: &Json,
    ) -> Result<Option<Value>, CommandError> {
        Ok(match takes {
            FieldType::Person => match json::name(&mut self.faults, pointer, json) {
                Some(text) => self.person(pointer, text).await?.map(Value::Person),
                None => None,
            },
            FieldType::People => {
                let Some(named) = json::names(&mut self.faults, pointer, json) else {
                    return Ok(None);
                };
                let mut people = BTreeSet::new();
                for (pointer, text) in named {
                    people.extend(self.person(&pointer, text).await?);
                }
                Some(Value::People(people))
            }
            FieldType::Organizations => {
                let Some(keys) = json::names(&mut self.faults, pointer, json) else {
                    return Ok(None);
                };
                let mut organizations = BTreeSet::new();
                for (pointer, key) in keys {
                    organizations.extend(self.below(&pointer, key).await?);
                }
                Some(Value::Organizations(organizations))
            }
            FieldType::Team | FieldType::TeamKey | FieldType::Service | FieldType::Objects(_) => {
                if self.known.is_none() {
                    self.known = Some(Known::read(self.tx).await?);
                }
                self.known_value(pointer, takes, json)
            }
            FieldType::Line
            | FieldType::Key
            | FieldType::Email
            | FieldType::Text
            | FieldType::Reason
            | FieldType::Level
            | FieldType::Count { .. }
            | FieldType::Flag
            | FieldType::Time
            | FieldType::Choice(_)
            | FieldType::Code
            | FieldType::Tags
            | FieldType::Answers
            | FieldType::Category
            | FieldType::Ci
            | FieldType::Cis
            | FieldType::Ticket
            | FieldType::Tickets
            | FieldType::CatalogItem
            | FieldType::ExternalRef
            | FieldType::Suggestion
            | FieldType::Organization
            | FieldType::Facts
            | FieldType::Money => self.plain(pointer, takes, json),
        })
    }

    /// A value that stands for itself. A record has no choice that says nothing.
    fn plain(&mut self, pointer: &str, takes: FieldType, json: &Json) -> Option<Value> {
        if let FieldType::Choice(names) = takes
            && json.as_str().is_some_and(|text| text.trim().is_empty())
        {
            let message = Said::as_is(format!("Use one of: {}.", names.join(", ")));
            self.faults.wrong(pointer, "invalid", message);
            return None;
        }
        json::value(&mut self.faults, pointer, takes, json)
    }

    /// An active person of the organization.
    async fn person(
        &mut self,
        pointer: &str,
        text: &str,
    ) -> Result<Option<PersonId>, CommandError> {
        let named = PersonRef::parse(text);
        Ok(refs::person(self.tx, &mut self.faults, pointer, &named).await?)
    }

    /// An organization below this one. One that is elsewhere looks like one that is nowhere.
    async fn below(&mut self, pointer: &str, key: &str) -> Result<Option<OrgId>, CommandError> {
        // What no organization can be called is not looked for: PostgreSQL keeps no U+0000.
        let is_sane = !key.chars().any(char::is_control);
        let found = if is_sane { organization::find_below(self.tx, key).await? } else { None };
        if let Some(found) = found.filter(|found| found.id != self.tx.org()) {
            return Ok(Some(found.id));
        }
        let message = Said::as_is(format!("There is no organization `{key}` below this one."));
        self.faults.wrong(pointer, "unknown", message);
        Ok(None)
    }

    /// What names a team or a service, or consists of what may.
    fn known_value(&mut self, pointer: &str, takes: FieldType, json: &Json) -> Option<Value> {
        if let FieldType::Objects(shape) = takes {
            let what = Said::as_is(format!("a list of objects: {}", shape.doc));
            let items = json::expect(&mut self.faults, pointer, json.as_array(), &what)?;
            let items = items.iter().enumerate();
            let objects =
                items.map(|(place, item)| self.object(&format!("{pointer}/{place}"), shape, item));
            return Some(Value::Objects(objects.collect()));
        }
        if !matches!(takes, FieldType::Team | FieldType::TeamKey | FieldType::Service) {
            return self.plain(pointer, takes, json);
        }
        let known = self.known.as_ref()?;
        let key = json::name(&mut self.faults, pointer, json)?;
        let org = self.tx.org();
        let mut find = References { directory: known, org, faults: &mut self.faults };
        if takes == FieldType::Service {
            find.service(pointer, key);
            return known.service_named(key).map(|service| Value::Service(service.id));
        }
        find.team(pointer, key);
        let team = known.team_named(org, key)?;
        Some(if takes == FieldType::Team {
            Value::Team(team.id)
        } else {
            Value::Text(team.key.to_string())
        })
    }

    fn object(&mut self, pointer: &str, shape: &'static Shape, json: &Json) -> Given {
        let mut given = Given::default();
        let what = Said::as_is(format!("an object: {}", shape.doc));
        let Some(object) = json::expect(&mut self.faults, pointer, json.as_object(), &what) else {
            return given;
        };
        for name in object.keys().filter(|name| shape.parts.iter().all(|part| part.name != **name))
        {
            let names = shape.parts.iter().map(|part| part.name);
            json::refuse_unknown(&mut self.faults, pointer, name, names, shape.name);
        }
        for part in shape.parts {
            let pointer = at(pointer, part.name);
            match object.get(part.name) {
                None | Some(Json::Null) if part.needed != Needed::No => {
                    self.faults.missing(&pointer, Said::as_is(part.doc));
                }
                None | Some(Json::Null) => {}
                Some(json) => {
                    let value = self.known_value(&pointer, part.takes, json);
                    given.put(part.name, value);
                }
            }
        }
        given
    }
}
