//! Fields: what a record holds that people fill in, and what actions take, as data.
//!
//! A front end reads each by its type; references are looked up before a rule sees them. So a new
//! plain field is a row of its record and a column in the store.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::{
    catalog::Money,
    fields::FieldValue,
    ids::{CatalogItemId, CiId, OrgId, PersonId, ServiceId, TeamId, TicketId},
    key::{CategoryPath, Key},
    priority::Level,
    refusal::Faults,
    said,
    said::Part,
    text,
    ticket::Ticket,
};

/// More people than this are a distribution list, which has an address of its own.
pub const MAX_WATCHERS: usize = 100;
/// More configuration items than this are a service.
pub(crate) const MAX_CIS: usize = 100;

/// What a field or an input holds, as a front end has to read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// One line.
    Line,
    /// A key: lower case letters, digits, dots, underscores and dashes.
    Key,
    /// An e-mail address.
    Email,
    /// A text of several lines.
    Text,
    /// Why; a sentence or two.
    Reason,
    /// A level: 1 is the highest.
    Level,
    /// A whole number from 0 (or 1) to so many.
    Count {
        /// The least.
        least: u32,
        /// The most.
        most: u32,
    },
    /// Yes or no.
    Flag,
    /// A time.
    Time,
    /// One of these names.
    Choice(&'static [&'static str]),
    /// An outcome code of the ticket's kind.
    Code,
    /// Free labels.
    Tags,
    /// The answers of a form: a text for each field of it.
    Answers,
    /// A category, by its path.
    Category,
    /// A service, by its key.
    Service,
    /// A configuration item, by its key.
    Ci,
    /// Configuration items, by their keys.
    Cis,
    /// A team, by its key.
    Team,
    /// A person, by id or e-mail address.
    Person,
    /// People, by id or e-mail address.
    People,
    /// A ticket, by id or number.
    Ticket,
    /// Tickets, by id or number.
    Tickets,
    /// A catalog item, by its key.
    CatalogItem,
    /// Another system's name and its number.
    ExternalRef,
    /// A suggestion, by its id.
    Suggestion,
    /// A team by its key, which is kept as it is.
    TeamKey,
    /// Whose record it is, which nobody fills in.
    Organization,
    /// Organizations below the caller's own, by their keys.
    Organizations,
    /// Facts that the organization defined for itself: numbers, texts, yes or no.
    Facts,
    /// An amount of money.
    Money,
    /// A list of objects.
    Objects(&'static Shape),
}

/// What the objects of a list consist of.
#[derive(Debug, PartialEq, Eq)]
pub struct Shape {
    /// What one is called, as schemas of the API are named: `FormField`.
    pub name: &'static str,
    /// What one is.
    pub doc: &'static str,
    /// Its parts.
    pub parts: &'static [Input],
}

/// A value that was given, with its references looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, a reason, a name of a choice.
    Text(String),
    /// A count or a level.
    Number(u32),
    /// Yes or no.
    Flag(bool),
    /// A time.
    Time(DateTime<Utc>),
    /// Labels.
    Texts(Vec<String>),
    /// Answers of a form.
    Answers(Vec<(Key, String)>),
    /// A category.
    Category(CategoryPath),
    /// A service.
    Service(ServiceId),
    /// Configuration items.
    Cis(Vec<CiId>),
    /// A team.
    Team(TeamId),
    /// A person.
    Person(PersonId),
    /// People.
    People(BTreeSet<PersonId>),
    /// Tickets.
    Tickets(Vec<TicketId>),
    /// A catalog item.
    CatalogItem(CatalogItemId),
    /// Another system's name and its number.
    ExternalRef(String, String),
    /// Whose record it is.
    Organization(OrgId),
    /// Organizations.
    Organizations(BTreeSet<OrgId>),
    /// Facts that an organization defined for itself, by their names.
    Facts(BTreeMap<String, FieldValue>),
    /// An amount of money.
    Money(Money),
    /// Objects.
    Objects(Vec<Given>),
}

/// Who may fill a field in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// Whoever may open or edit the ticket.
    Anybody,
    /// Whoever opens it; the desk later.
    Opener,
    /// The desk only.
    Desk,
}

/// A field of a record that people fill in.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the field")]
pub struct Field<R: 'static> {
    /// Its name in the API.
    pub name: &'static str,
    /// What it holds.
    pub takes: FieldType,
    /// What it means, for the API's docs.
    pub doc: &'static str,
    /// Who may fill it in.
    pub writer: Writer,
    /// Whether it is given when the record is made.
    pub opens: bool,
    /// Whether it is edited later.
    pub edits: bool,
    /// Whether null empties it.
    pub nullable: bool,
    /// Whether no record is made without it.
    pub needed: bool,
    /// Reads it; none where it is empty, or what a ticket has when nobody filled it in.
    pub get: fn(&R) -> Option<Value>,
    /// Fills it in, or empties it; notes what is wrong with the value.
    pub set: fn(&mut R, Option<&Value>, &mut Faults),
}

/// Something that an action takes, or an object consists of.
#[derive(Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name in the API.
    pub name: &'static str,
    /// What it holds.
    pub takes: FieldType,
    /// What it means, for the API's docs; what to do, where it is missing.
    pub doc: &'static str,
    /// Whether the action, or the object, is refused without it.
    pub needed: Needed,
    /// Whether it fills in the ticket's field of the same name.
    pub fills: bool,
}

/// Whether an action, or an object, is refused without an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// It may be left out.
    No,
    /// Always.
    Always,
    /// Unless the ticket's field of the same name is filled in already.
    UnlessFilled,
    /// Unless whoever acts works in the owning team, or the ticket's assignee does: it is them.
    UnlessOfTeam,
}

/// An input that may be left out.
pub(crate) const fn input(name: &'static str, takes: FieldType, doc: &'static str) -> Input {
    Input { name, takes, doc, needed: Needed::No, fills: false }
}

/// An input that is needed.
pub(crate) const fn need(name: &'static str, takes: FieldType, doc: &'static str) -> Input {
    Input { needed: Needed::Always, ..input(name, takes, doc) }
}

/// An input that is whoever acts, if they are of the owning team.
pub(crate) const fn own(name: &'static str, takes: FieldType, doc: &'static str) -> Input {
    Input { needed: Needed::UnlessOfTeam, ..input(name, takes, doc) }
}

/// An input that fills in the field of the same name, and is needed unless that is filled already.
pub(crate) const fn fill(name: &'static str, takes: FieldType, doc: &'static str) -> Input {
    Input { needed: Needed::UnlessFilled, ..input(name, takes, doc) }.filling()
}

impl Input {
    /// The same input, which fills in the field of the same name.
    pub(crate) const fn filling(self) -> Self {
        Self { fills: true, ..self }
    }

    /// Whether an action on this ticket is refused without it.
    #[must_use]
    pub fn is_needed(&self, ticket: &Ticket) -> bool {
        match self.needed {
            // Who acts, and in which teams they work, the ticket does not say.
            Needed::No | Needed::UnlessOfTeam => false,
            Needed::Always => true,
            Needed::UnlessFilled => {
                let field = ticket.rules().field(self.name);
                field.is_none_or(|field| (field.get)(ticket).is_none())
            }
        }
    }
}

impl<R> Field<R> {
    /// Which writers it is for: the desk only.
    pub(crate) const fn of_desk(self) -> Self {
        Self { writer: Writer::Desk, ..self }
    }

    /// The same field, which only the desk edits later.
    pub(crate) const fn of_desk_later(self) -> Self {
        Self { writer: Writer::Opener, ..self }
    }

    /// The same field, which is not edited later.
    pub(crate) const fn opening(self) -> Self {
        Self { edits: false, ..self }
    }

    /// The same field, which is not given at the beginning.
    pub(crate) const fn editing(self) -> Self {
        Self { opens: false, ..self }
    }

    /// The same field, which null does not empty.
    pub(crate) const fn kept(self) -> Self {
        Self { nullable: false, ..self }
    }

    /// The same field, without which no record is made.
    pub(crate) const fn needed(self) -> Self {
        Self { needed: true, nullable: false, ..self }
    }

    /// The same field, which is shown only.
    pub(crate) const fn shown(self) -> Self {
        Self { opens: false, edits: false, ..self }
    }

    /// A field with its reading and writing.
    pub(crate) const fn new(
        name: &'static str,
        takes: FieldType,
        doc: &'static str,
        get: fn(&R) -> Option<Value>,
        set: fn(&mut R, Option<&Value>, &mut Faults),
    ) -> Self {
        let (writer, opens, edits, nullable, needed) = (Writer::Anybody, true, true, true, false);
        Self { name, takes, doc, writer, opens, edits, nullable, needed, get, set }
    }

    /// A JSON pointer to it.
    #[must_use]
    pub fn pointer(&self) -> String {
        format!("/{}", self.name)
    }
}

/// What was given, by name. A name that was given as null is there without a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given(BTreeMap<&'static str, Option<Value>>);

impl Given {
    /// Adds a value.
    pub fn put(&mut self, name: &'static str, value: Option<Value>) {
        self.0.insert(name, value);
    }

    /// The same with another value; for callers that are programs.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Value) -> Self {
        self.put(name, Some(value));
        self
    }

    /// What was given, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Option<&Value>)> {
        self.0.iter().map(|(name, value)| (*name, value.as_ref()))
    }

    /// Whether nothing was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it was given, be it as null.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The value, where there is one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).and_then(Option::as_ref)
    }

    /// A text, without the blanks around it. A text of blanks says nothing, so it is none.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        text_of(self.get(name)).map(str::trim).filter(|text| !text::is_blank(text))
    }

    /// Whether there is a value that says something.
    pub(crate) fn says(&self, name: &str) -> bool {
        match self.get(name) {
            Some(Value::Text(_)) => self.text(name).is_some(),
            Some(_) => true,
            None => false,
        }
    }

    /// A level.
    #[must_use]
    pub fn level(&self, name: &str) -> Option<Level> {
        level(self.get(name))
    }

    /// A count.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<u32> {
        count(self.get(name))
    }

    /// Yes or no.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        flag(self.get(name))
    }

    /// A time.
    #[must_use]
    pub fn time(&self, name: &str) -> Option<DateTime<Utc>> {
        time_of(self.get(name))
    }

    /// A team.
    #[must_use]
    pub fn team(&self, name: &str) -> Option<TeamId> {
        if let Some(Value::Team(id)) = self.get(name) { Some(*id) } else { None }
    }

    /// A person.
    #[must_use]
    pub fn person(&self, name: &str) -> Option<PersonId> {
        person_of(self.get(name))
    }

    /// A ticket.
    #[must_use]
    pub fn ticket(&self, name: &str) -> Option<TicketId> {
        ticket_of(self.get(name))
    }

    /// Labels; none is as good as no label.
    pub(crate) fn texts(&self, name: &str) -> &[String] {
        if let Some(Value::Texts(texts)) = self.get(name) { texts } else { &[] }
    }

    /// A name of an enum; one of a [`FieldType::Choice`] is always understood.
    #[must_use]
    pub fn choice<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        choice(self.get(name))
    }
}

/// The text of a value.
pub(crate) fn text_of(value: Option<&Value>) -> Option<&str> {
    if let Some(Value::Text(text)) = value { Some(text) } else { None }
}

/// The person of a value.
pub(crate) fn person_of(value: Option<&Value>) -> Option<PersonId> {
    if let Some(Value::Person(id)) = value { Some(*id) } else { None }
}

/// The ticket of a value; of several, the first.
pub(crate) fn ticket_of(value: Option<&Value>) -> Option<TicketId> {
    tickets_of(value).first().copied()
}

/// The tickets of a value.
pub(crate) fn tickets_of(value: Option<&Value>) -> &[TicketId] {
    if let Some(Value::Tickets(ids)) = value { ids } else { &[] }
}

/// The time of a value.
pub(crate) fn time_of(value: Option<&Value>) -> Option<DateTime<Utc>> {
    if let Some(Value::Time(at)) = value { Some(*at) } else { None }
}

/// The level of a value. A number that is no level is level 0, which every check refuses.
pub(crate) fn level(value: Option<&Value>) -> Option<Level> {
    count(value).map(|number| Level(u8::try_from(number).unwrap_or(0)))
}

/// The count of a value.
pub(crate) fn count(value: Option<&Value>) -> Option<u32> {
    if let Some(Value::Number(number)) = value { Some(*number) } else { None }
}

/// The yes or no of a value.
pub(crate) fn flag(value: Option<&Value>) -> Option<bool> {
    if let Some(Value::Flag(flag)) = value { Some(*flag) } else { None }
}

/// The enum that a value names.
pub(crate) fn choice<T: std::str::FromStr>(value: Option<&Value>) -> Option<T> {
    text_of(value).and_then(|name| name.parse().ok())
}

impl FieldType {
    /// Notes what of a value is too long, too many or not plain, as far as the type alone tells.
    pub(crate) fn check(self, pointer: &str, value: &Value, faults: &mut Faults) {
        match self {
            Self::Line => {
                let line = text_of(Some(value)).unwrap_or_default();
                text::at_most_chars(pointer, line, text::MAX_NAME_CHARS, faults);
                text::plain(pointer, line, faults);
            }
            Self::Text => {
                text::optional(pointer, text_of(Some(value)).unwrap_or_default(), faults);
            }
            Self::Reason => {
                let reason = text_of(Some(value)).unwrap_or_default();
                text::at_most_chars(pointer, reason, text::MAX_REASON_CHARS, faults);
                text::plain(pointer, reason, faults);
            }
            Self::Count { least, most } => {
                let given = count(Some(value)).filter(|given| !(least..=most).contains(given));
                if let Some(given) = given {
                    let message =
                        said!("Must be {least} to {most}, not {given}.", least, most, given);
                    faults.wrong(pointer, "out-of-range", message);
                }
            }
            Self::Choice(names) => {
                let given = text_of(Some(value)).filter(|given| !names.contains(given));
                if let Some(given) = given {
                    let message = said!(
                        "`{given}` is not valid; use one of: {names}.",
                        given,
                        names = Part::all(
                            names
                                .iter()
                                .map(|name| Part::option(pointer.trim_start_matches('/'), name))
                        )
                    );
                    faults.wrong(pointer, "unknown", message);
                }
            }
            Self::People => {
                let given = if let Value::People(people) = value { people.len() } else { 0 };
                at_most(pointer, given, MAX_WATCHERS, faults);
            }
            Self::Cis => {
                let given = if let Value::Cis(cis) = value { cis.len() } else { 0 };
                at_most(pointer, given, MAX_CIS, faults);
            }
            // The rest is checked where it is looked up, or by the field itself.
            Self::Key
            | Self::Email
            | Self::Level
            | Self::Flag
            | Self::Time
            | Self::Code
            | Self::Tags
            | Self::Answers
            | Self::Category
            | Self::Service
            | Self::Ci
            | Self::Team
            | Self::Person
            | Self::Ticket
            | Self::Tickets
            | Self::CatalogItem
            | Self::ExternalRef
            | Self::Suggestion
            | Self::TeamKey
            | Self::Organization
            | Self::Organizations
            | Self::Facts
            | Self::Money
            | Self::Objects(_) => {}
        }
    }
}

fn at_most(pointer: &str, given: usize, most: usize, faults: &mut Faults) {
    if given > most {
        let message = said!("{given} are named; name at most {most}.", given, most);
        faults.wrong(pointer, "too-many", message);
    }
}
