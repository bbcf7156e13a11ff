//! Reading what was given: JSON becomes the domain's values, by the types that fields and inputs
//! declare, with every reference looked up. All that cannot be understood, or leads nowhere, is
//! noted at its place.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value as Json};
use waypost_domain::{
    catalog::CatalogItem,
    ci::Ci,
    directory::References,
    ids::{PersonId, SuggestionId, TicketId},
    person::Person,
    refusal::Faults,
    said,
    suggestion::Suggestion,
    text,
    ticket::{Code, FieldType, Given, Kind, Ticket, Value},
};
use waypost_store::{ReadTx, StoreError, catalog, ci, person, suggestion};

use super::{PersonRef, TicketRef, facts::Facts, read};
use crate::{Caller, CommandError, Missing, json, refs};

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
                let names = accepted.iter().map(|(name, _)| *name);
                json::refuse_unknown(&mut self.faults, "", name, names, what);
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

    async fn value(
        &mut self,
        pointer: &str,
        takes: FieldType,
        json: &Json,
    ) -> Result<Option<Value>, CommandError> {
        Ok(match takes {
            FieldType::Text => json::written(&mut self.faults, pointer, json).map(|text| {
                Value::Text(if self.drops_blanks {
                    text.trim().to_owned()
                } else {
                    text.into_owned()
                })
            }),
            FieldType::Code => {
                let names = self.rules.codes.iter().map(|code: &Code| code.as_str());
                json::choice(&mut self.faults, pointer, json, &names.collect::<Vec<_>>())
            }
            FieldType::Category => self
                .name(pointer, json)
                .and_then(|key| self.references().category(pointer, key))
                .map(Value::Category),
            FieldType::Service => self
                .name(pointer, json)
                .and_then(|key| self.references().service(pointer, key))
                .map(Value::Service),
            FieldType::Team => self
                .name(pointer, json)
                .and_then(|key| self.references().team(pointer, key))
                .map(Value::Team),
            FieldType::Ci => match self.name(pointer, json) {
                Some(key) => self.ci(pointer, key).await?.map(|ci| Value::Cis(vec![ci.id])),
                None => None,
            },
            FieldType::Cis => {
                let Some(keys) = self.names(pointer, json) else { return Ok(None) };
                let mut ids = Vec::with_capacity(keys.len());
                for (pointer, key) in keys {
                    ids.extend(self.ci(&pointer, key).await?.map(|ci| ci.id));
                }
                Some(Value::Cis(ids))
            }
            FieldType::Person => match self.name(pointer, json) {
                Some(text) => self.person(pointer, text).await?.map(Value::Person),
                None => None,
            },
            FieldType::People => {
                let Some(named) = self.names(pointer, json) else { return Ok(None) };
                let mut people = std::collections::BTreeSet::new();
                for (pointer, text) in named {
                    people.extend(self.person(&pointer, text).await?);
                }
                Some(Value::People(people))
            }
            FieldType::Ticket => match self.name(pointer, json) {
                Some(text) => self.ticket(pointer, text).await?.map(|id| Value::Tickets(vec![id])),
                None => None,
            },
            FieldType::Tickets => {
                let Some(named) = self.names(pointer, json) else { return Ok(None) };
                let mut ids = Vec::with_capacity(named.len());
                for (pointer, text) in named {
                    ids.extend(self.ticket(&pointer, text).await?);
                }
                Some(Value::Tickets(ids))
            }
            FieldType::CatalogItem => match self.name(pointer, json) {
                Some(key) => self.item(pointer, key).await?,
                None => None,
            },
            FieldType::Suggestion => {
                let Some(text) = self.name(pointer, json) else { return Ok(None) };
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
            FieldType::Line
            | FieldType::Key
            | FieldType::Email
            | FieldType::Reason
            | FieldType::Level
            | FieldType::Count { .. }
            | FieldType::Flag
            | FieldType::Time
            | FieldType::Choice(_)
            | FieldType::Tags
            | FieldType::Answers
            | FieldType::ExternalRef
            | FieldType::Facts
            | FieldType::Money
            | FieldType::TeamKey
            | FieldType::Organization
            | FieldType::Organizations
            | FieldType::Objects(_) => json::value(&mut self.faults, pointer, takes, json),
        })
    }

    fn references(&mut self) -> References<'_> {
        References { directory: &*self.facts, org: self.caller.org, faults: &mut self.faults }
    }

    fn name<'j>(&mut self, pointer: &str, json: &'j Json) -> Option<&'j str> {
        json::name(&mut self.faults, pointer, json)
    }

    fn names<'j>(&mut self, pointer: &str, json: &'j Json) -> Option<Vec<(String, &'j str)>> {
        json::names(&mut self.faults, pointer, json)
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
            let message = said!("There is no active configuration item `{key}`.", key);
            self.faults.wrong(pointer, "unknown", message);
        }
        Ok(found)
    }

    async fn item(&mut self, pointer: &str, key: &str) -> Result<Option<Value>, CommandError> {
        let found = catalog::find_by_key(self.tx, key).await?;
        if found.is_none() {
            let message = said!("There is no catalog item `{key}`.", key);
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
                said!(
                    "There is no active person `{text}` in this organization; create the person \
                     first.",
                    text
                )
            } else {
                said!(
                    "There is no active person `{text}` in the directory; give another id or \
                     e-mail address.",
                    text
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
                let message = said!("There is no such ticket; give its id or number.");
                self.faults.wrong(pointer, "unknown", message);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl LookUps {
    /// Looks up many people and their managers at once, so that no ticket asks for its own. Who is
    /// not found is looked up again, and told to whom it concerns.
    pub(super) async fn look_ahead(
        &mut self,
        tx: &mut ReadTx,
        named: &[PersonRef],
    ) -> Result<(), StoreError> {
        // A text that no database keeps is a fault of its own sender.
        let is_plain = |text: &&str| !text.contains(char::is_control);
        let emails = named.iter().filter_map(|one| match one {
            PersonRef::Email(email) => Some(email.as_str()).filter(is_plain),
            PersonRef::Id(_) => None,
        });
        let ids = named.iter().filter_map(|one| match one {
            PersonRef::Id(id) => Some(*id),
            PersonRef::Email(_) => None,
        });
        let (emails, ids): (BTreeSet<_>, BTreeSet<_>) = (emails.collect(), ids.collect());
        let (emails, ids): (Vec<&str>, Vec<PersonId>) =
            (emails.into_iter().collect(), ids.into_iter().collect());
        let found = person::find_with_managers(tx, &emails, &ids).await?;
        let is_named = |person: &&Person| {
            person.org == tx.org()
                && (ids.contains(&person.id) || emails.iter().any(|email| person.is_at(email)))
        };
        for person in found.iter().filter(is_named) {
            self.people.insert(person.id.to_string(), Some(person.clone()));
            if let Some(email) = &person.email {
                self.people.insert(text::uncased(email), Some(person.clone()));
            }
            let Some(id) = person.manager else { continue };
            let manager = found.iter().find(|other| other.id == id && other.active);
            self.managers.insert(id, manager.cloned());
        }
        Ok(())
    }

    /// A person of the organization.
    pub(super) async fn person(
        &mut self,
        tx: &mut ReadTx,
        named: &PersonRef,
    ) -> Result<Option<Person>, StoreError> {
        let key = match named {
            PersonRef::Id(id) => id.to_string(),
            PersonRef::Email(email) => text::uncased(email),
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
        let found = person::find(tx, id).await?.filter(|manager| manager.active);
        self.managers.insert(id, found.clone());
        Ok(found)
    }
}
