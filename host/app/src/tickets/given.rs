//! Reading what was given: JSON becomes the domain's values, by the types that fields and inputs
//! declare, with every reference looked up. All that cannot be understood, or leads nowhere, is
//! noted at its place.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json};
use waypost_domain::{
    catalog::CatalogItem,
    ci::Ci,
    directory::References,
    ids::{PersonId, SuggestionId, TicketId},
    key::Key,
    person::Person,
    refusal::Faults,
    suggestion::Suggestion,
    ticket::{Code, FieldType, Given, Kind, OwnField, OwnValue, Ticket, Value},
};
use waypost_store::{ReadTx, StoreError, catalog, ci, suggestion};

use super::{PersonRef, TicketRef, facts::Facts, read};
use crate::{Caller, CommandError, Missing, input::Reading, refs};

/// What is looked up once for a whole batch.
#[derive(Default)]
pub(crate) struct LookUps {
    pub(super) people: HashMap<String, Option<Person>>,
    pub(super) managers: HashMap<PersonId, Option<Person>>,
    cis: HashMap<String, Option<Ci>>,
}

/// What reading what was given found.
#[derive(Default)]
pub(crate) struct Found {
    /// The values.
    pub(crate) given: Given,
    /// The people that were named.
    pub(crate) people: BTreeMap<PersonId, Person>,
    /// The ticket that was named, the last one of several.
    pub(crate) target: Option<Ticket>,
    /// The catalog item that was named.
    pub(crate) item: Option<CatalogItem>,
    /// The suggestion that was named.
    pub(crate) suggestion: Option<Suggestion>,
}

/// Reads values of one command.
pub(crate) struct Reader<'a> {
    pub(crate) tx: &'a mut ReadTx,
    pub(crate) caller: &'a Caller,
    pub(crate) facts: &'a mut Facts,
    pub(crate) look_ups: &'a mut LookUps,
    pub(crate) faults: Faults,
    pub(crate) found: Found,
    /// The rules of the ticket's kind.
    pub(crate) rules: &'static Kind,
    /// The ticket, once it is stored.
    pub(crate) subject: Option<TicketId>,
    /// Whether a text of nothing but spaces is none.
    pub(crate) drops_blanks: bool,
}

/// Something that can be given: its name and type.
pub(crate) type Accepted = (&'static str, FieldType);

impl Reader<'_> {
    /// Reads everything that was given. What is not accepted is a fault, which says what `what`
    /// takes.
    pub(crate) async fn read(
        &mut self,
        input: &Map<String, Json>,
        accepted: &[Accepted],
        what: &str,
    ) -> Result<(), CommandError> {
        for (name, json) in input {
            let Some((name, takes)) = accepted.iter().find(|(known, _)| known == name) else {
                self.refuse(name, accepted, what);
                continue;
            };
            let pointer = format!("/{name}");
            if json.is_null() {
                self.found.given.put(name, None);
                continue;
            }
            let value = self.value(&pointer, *takes, json).await?;
            match value {
                Some(Value::Text(text)) if self.drops_blanks && text.trim().is_empty() => {}
                Some(value) => self.found.given.put(name, Some(value)),
                None => {}
            }
        }
        Ok(())
    }

    fn refuse(&mut self, name: &str, accepted: &[Accepted], what: &str) {
        let names = accepted.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        let message = if names.is_empty() {
            format!("{what} has no fields; leave it out.")
        } else {
            format!("{what} has no field `{name}`; use one of: {}.", names.join(", "))
        };
        let name = name.replace('~', "~0").replace('/', "~1");
        self.faults.wrong(&format!("/{name}"), "unknown", message);
    }

    async fn value(
        &mut self,
        pointer: &str,
        takes: FieldType,
        json: &Json,
    ) -> Result<Option<Value>, CommandError> {
        Ok(match takes {
            FieldType::Text => self.text(pointer, json).map(|text| {
                Value::Text(if self.drops_blanks {
                    text.trim().to_owned()
                } else {
                    text.to_owned()
                })
            }),
            FieldType::Line | FieldType::Reason => {
                self.text(pointer, json).map(|text| Value::Text(text.trim().to_owned()))
            }
            FieldType::Level => self.number(pointer, json, u32::from(u8::MAX)).map(Value::Number),
            FieldType::Count { most, .. } => {
                self.number(pointer, json, most.max(u32::from(u16::MAX))).map(Value::Number)
            }
            FieldType::Flag => {
                self.expect(pointer, json.as_bool(), "true or false").map(Value::Flag)
            }
            FieldType::Time => self.time(pointer, json).map(Value::Time),
            FieldType::Choice(names) => self.choice(pointer, json, names),
            FieldType::Code => {
                let names = self.rules.codes.iter().map(|code: &Code| code.as_str());
                self.choice(pointer, json, &names.collect::<Vec<_>>())
            }
            FieldType::Tags => self.texts(pointer, json).map(Value::Texts),
            FieldType::Answers => self.answers(pointer, json).map(Value::Answers),
            FieldType::OwnFields => self.own_fields(pointer, json).map(Value::OwnFields),
            FieldType::Category => self
                .text(pointer, json)
                .and_then(|key| self.references().category(pointer, key))
                .map(Value::Category),
            FieldType::Service => self
                .text(pointer, json)
                .and_then(|key| self.references().service(pointer, key))
                .map(Value::Service),
            FieldType::Team => self
                .text(pointer, json)
                .and_then(|key| self.references().team(pointer, key))
                .map(Value::Team),
            FieldType::Ci => match self.text(pointer, json) {
                Some(key) => self.ci(pointer, key).await?.map(|ci| Value::Cis(vec![ci.id])),
                None => None,
            },
            FieldType::Cis => {
                let Some(keys) = self.texts(pointer, json) else { return Ok(None) };
                let mut ids = Vec::with_capacity(keys.len());
                for (place, key) in keys.iter().enumerate() {
                    ids.extend(self.ci(&format!("{pointer}/{place}"), key).await?.map(|ci| ci.id));
                }
                Some(Value::Cis(ids))
            }
            FieldType::Person => match self.text(pointer, json) {
                Some(text) => self.person(pointer, text).await?.map(Value::Person),
                None => None,
            },
            FieldType::People => {
                let Some(named) = self.texts(pointer, json) else { return Ok(None) };
                let mut people = std::collections::BTreeSet::new();
                for (place, text) in named.iter().enumerate() {
                    people.extend(self.person(&format!("{pointer}/{place}"), text).await?);
                }
                Some(Value::People(people))
            }
            FieldType::Ticket => match self.text(pointer, json) {
                Some(text) => self.ticket(pointer, text).await?.map(|id| Value::Tickets(vec![id])),
                None => None,
            },
            FieldType::Tickets => {
                let Some(named) = self.texts(pointer, json) else { return Ok(None) };
                let mut ids = Vec::with_capacity(named.len());
                for (place, text) in named.iter().enumerate() {
                    ids.extend(self.ticket(&format!("{pointer}/{place}"), text).await?);
                }
                Some(Value::Tickets(ids))
            }
            FieldType::CatalogItem => match self.text(pointer, json) {
                Some(key) => self.item(pointer, key).await?,
                None => None,
            },
            FieldType::ExternalRef => self.external_ref(pointer, json),
            FieldType::Suggestion => {
                let Some(text) = self.text(pointer, json) else { return Ok(None) };
                let missing = || CommandError::NotFound(Missing::Suggestion);
                let id: SuggestionId = text.parse().map_err(|_| missing())?;
                let subject = self.subject.ok_or_else(missing)?;
                let found = suggestion::find(self.tx, subject, id).await?.ok_or_else(missing)?;
                // A suggested configuration item is looked up like one that a person names.
                if let Some(ci) = ci::find_by_key(self.tx, &found.value).await? {
                    self.facts.add_ci(self.tx, ci).await?;
                }
                self.found.suggestion = Some(found);
                Some(Value::Text(text.to_owned()))
            }
        })
    }

    fn references(&mut self) -> References<'_> {
        References { directory: &*self.facts, org: self.caller.org, faults: &mut self.faults }
    }

    fn expect<T>(&mut self, pointer: &str, value: Option<T>, what: &str) -> Option<T> {
        if value.is_none() {
            self.faults.wrong(pointer, "invalid", format!("Must be {what}."));
        }
        value
    }

    fn text<'j>(&mut self, pointer: &str, json: &'j Json) -> Option<&'j str> {
        self.expect(pointer, json.as_str(), "a text")
    }

    fn number(&mut self, pointer: &str, json: &Json, most: u32) -> Option<u32> {
        let what = format!("a whole number from 0 to {most}");
        let whole = json.as_f64().filter(|given| given.fract() == 0.0);
        let given = json.as_u64().and_then(|given| u32::try_from(given).ok());
        if whole.is_some() && given.is_none_or(|given| given > most) {
            self.faults.wrong(pointer, "out-of-range", format!("Must be {what}."));
            return None;
        }
        self.expect(pointer, given, &what)
    }

    fn time(&mut self, pointer: &str, json: &Json) -> Option<DateTime<Utc>> {
        let text = self.text(pointer, json)?;
        let parsed = DateTime::parse_from_rfc3339(text.trim()).ok().map(|at| at.to_utc());
        let at = self.expect(pointer, parsed, "a time such as 2026-06-01T08:00:00Z")?;
        self.faults.moment(pointer, at)
    }

    fn choice(&mut self, pointer: &str, json: &Json, names: &[&str]) -> Option<Value> {
        let text = self.text(pointer, json)?;
        if names.contains(&text) {
            return Some(Value::Text(text.to_owned()));
        }
        // Nothing is as good as left out: the domain says what belongs there.
        if !text.trim().is_empty() {
            let message = format!("`{text}` is not valid; use one of: {}.", names.join(", "));
            self.faults.wrong(pointer, "invalid", message);
        }
        None
    }

    fn texts(&mut self, pointer: &str, json: &Json) -> Option<Vec<String>> {
        let all = json.as_array().map(|items| {
            items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        self.expect(pointer, all.flatten(), "a list of texts")
    }

    /// Forms are answered in texts; JSON's other plain values are as good.
    fn answers(&mut self, pointer: &str, json: &Json) -> Option<Vec<(Key, String)>> {
        let object = self.expect(pointer, json.as_object(), "an object of answers")?;
        let mut answers = Vec::with_capacity(object.len());
        for (field, value) in object {
            let at = at(pointer, field);
            let text = match value {
                Json::String(text) => text.clone(),
                Json::Number(number) => number.to_string(),
                Json::Bool(value) => value.to_string(),
                Json::Null | Json::Array(_) | Json::Object(_) => {
                    self.faults.wrong(&at, "invalid", "Must be a text, a number, true or false.");
                    continue;
                }
            };
            match field.parse::<Key>() {
                Ok(key) => answers.push((key, text)),
                Err(invalid) => self.faults.wrong(&at, "unknown", invalid.to_string()),
            }
        }
        Some(answers)
    }

    fn own_fields(&mut self, pointer: &str, json: &Json) -> Option<Vec<OwnField>> {
        let object = self.expect(pointer, json.as_object(), "an object of fields")?;
        let mut fields = Vec::with_capacity(object.len());
        for (field, value) in object {
            let at = at(pointer, field);
            let value = match value {
                Json::String(text) => Some(OwnValue::Text(text.clone())),
                Json::Bool(flag) => Some(OwnValue::Flag(*flag)),
                Json::Number(number) => number.as_i64().map(OwnValue::Number),
                Json::Null | Json::Array(_) | Json::Object(_) => None,
            };
            let value = self.expect(&at, value, "a text, a whole number, true or false");
            match (field.parse::<Key>(), value) {
                (Ok(name), Some(value)) => fields.push(OwnField { name, value }),
                (Ok(_), None) => {}
                (Err(invalid), _) => self.faults.wrong(&at, "invalid", invalid.to_string()),
            }
        }
        Some(fields)
    }

    fn external_ref(&mut self, pointer: &str, json: &Json) -> Option<Value> {
        let object = self.expect(pointer, json.as_object(), "an object with source and id")?;
        for name in object.keys().filter(|name| !matches!(name.as_str(), "source" | "id")) {
            let message = format!("There is no field `{name}`; give `source` and `id`.");
            self.faults.wrong(&at(pointer, name), "unknown", message);
        }
        let part = |name: &str| object.get(name).and_then(Json::as_str).map(str::to_owned);
        match (part("source"), part("id")) {
            (Some(source), Some(id)) => Some(Value::ExternalRef(source, id)),
            (source, id) => {
                for (name, part) in [("source", source), ("id", id)] {
                    self.expect(&at(pointer, name), part, "a text");
                }
                None
            }
        }
    }

    async fn ci(&mut self, pointer: &str, key: &str) -> Result<Option<Ci>, CommandError> {
        if !self.look_ups.cis.contains_key(key) {
            let found = ci::find_by_key(self.tx, key).await?.filter(|ci| ci.active);
            self.look_ups.cis.insert(key.to_owned(), found);
        }
        let found = self.look_ups.cis.get(key).cloned().flatten();
        if let Some(ci) = &found {
            self.facts.add_ci(self.tx, ci.clone()).await?;
        } else {
            let message = format!("There is no active configuration item `{key}`.");
            self.faults.wrong(pointer, "unknown", message);
        }
        Ok(found)
    }

    async fn item(&mut self, pointer: &str, key: &str) -> Result<Option<Value>, CommandError> {
        let found = catalog::find_by_key(self.tx, key).await?;
        if found.is_none() {
            let message = format!("There is no catalog item `{key}`.");
            self.faults.wrong(pointer, "unknown", message);
        }
        self.found.item = found;
        Ok(self.found.item.as_ref().map(|item| Value::CatalogItem(item.id)))
    }

    /// An active person: of the organization, or of a team that serves it.
    async fn person(
        &mut self,
        pointer: &str,
        text: &str,
    ) -> Result<Option<PersonId>, CommandError> {
        let named = PersonRef::parse(text);
        let own = self.look_ups.person(self.tx, &named).await?;
        // Whom a ticket is for is a person of the organization itself.
        let of_desk =
            || self.facts.desk_person(&named).filter(|_| pointer != "/requester").cloned();
        let Some(person) = own.or_else(of_desk).filter(|person| person.active) else {
            let text = text.trim();
            let message = if pointer == "/requester" {
                format!(
                    "There is no active person `{text}` in this organization; create the person \
                     first."
                )
            } else {
                format!(
                    "There is no active person `{text}` in the directory; give another id or \
                     e-mail address."
                )
            };
            self.faults.wrong(pointer, "unknown", message);
            return Ok(None);
        };
        let id = person.id;
        self.found.people.insert(id, person);
        Ok(Some(id))
    }

    /// A ticket that the caller may see.
    async fn ticket(
        &mut self,
        pointer: &str,
        text: &str,
    ) -> Result<Option<TicketId>, CommandError> {
        match read::seen(self.tx, self.caller, &TicketRef::parse(text)).await {
            Ok(seen) => {
                let id = seen.ticket.id;
                self.found.target = Some(seen.ticket);
                Ok(Some(id))
            }
            Err(CommandError::NotFound(_)) => {
                let message = "There is no such ticket; give its id or number.";
                self.faults.wrong(pointer, "unknown", message);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl LookUps {
    /// A person of the organization.
    pub(super) async fn person(
        &mut self,
        tx: &mut ReadTx,
        named: &PersonRef,
    ) -> Result<Option<Person>, StoreError> {
        let key = match named {
            PersonRef::Id(id) => id.to_string(),
            PersonRef::Email(email) => email.to_lowercase(),
        };
        if let Some(known) = self.people.get(&key) {
            return Ok(known.clone());
        }
        let found = refs::find_person(tx, named).await?;
        self.people.insert(key, found.clone());
        Ok(found)
    }

    /// A person's manager, while they are active.
    pub(super) async fn manager(
        &mut self,
        tx: &mut ReadTx,
        person: &Person,
    ) -> Result<Option<Person>, StoreError> {
        let Some(id) = person.manager else { return Ok(None) };
        if let Some(known) = self.managers.get(&id) {
            return Ok(known.clone());
        }
        let found = waypost_store::person::find(tx, id).await?.filter(|manager| manager.active);
        self.managers.insert(id, found.clone());
        Ok(found)
    }
}

/// A pointer to a name below another, as RFC 6901 writes it.
fn at(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}
