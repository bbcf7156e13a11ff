//! Forms: fields of the domain as inputs of a page, and what was filled in as JSON.
//!
//! The name of an input is its JSON pointer without the first slash, so each fault that the desk
//! finds finds its input by itself.

use std::{collections::BTreeMap, ops::Bound};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Request},
    http::{header, request::Parts},
};
use serde_json::{Map, Value as Json};
use waypost_app::{CommandError, idempotency, tickets::TicketView};
use waypost_domain::{
    refusal::{FieldFault, Refused},
    said::Said,
    ticket::{FieldType, Value},
};

use crate::{
    WebState, choices::Choices, error::PageError, people::Offer, text::Html, time::Clockwork,
    words::Words,
};

/// More fields than any form of ours has: a hundred tickets, or an item with a few hundred
/// questions.
const MOST_PAIRS: usize = 2_000;

/// What was filled in.
#[derive(Clone, Default)]
pub(crate) struct Form {
    pairs: Vec<(String, String)>,
    /// Where in it each name stands last: somebody else's form may have many names.
    last: BTreeMap<String, usize>,
    digest: [u8; 32],
}

/// Without what was filled in, which may be a password.
impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.pairs.iter().map(|(name, _)| name)).finish()
    }
}

impl FromRequest<WebState> for Form {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, PageError> {
        let media = request.headers().get(header::CONTENT_TYPE);
        let is_form = media.is_some_and(|media| {
            media.as_bytes().starts_with(b"application/x-www-form-urlencoded")
        });
        let bytes =
            Bytes::from_request(request, state).await.map_err(|_| PageError::bad_request())?;
        if !is_form && !bytes.is_empty() {
            return Err(PageError::bad_request());
        }
        let digest = idempotency::digest(&bytes);
        let whole = Request::post("/")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(bytes))
            .map_err(|_| PageError::bad_request())?;
        let read = axum::Form::<Vec<(String, String)>>::from_request(whole, &()).await;
        let axum::Form(pairs) = read.map_err(|_| PageError::bad_request())?;
        Ok(Self::of(keepable(pairs)?, digest))
    }
}

impl Form {
    fn of(pairs: Vec<(String, String)>, digest: [u8; 32]) -> Self {
        let mut last = BTreeMap::new();
        for (place, (name, _)) in pairs.iter().enumerate() {
            last.insert(name.clone(), place);
        }
        Self { pairs, last, digest }
    }

    /// What a field was filled in with; the last one where it is there more than once.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let place = *self.last.get(name)?;
        self.pairs.get(place).map(|(_, value)| value.as_str())
    }

    /// As [`Form::get`], without the blanks around it; none for nothing.
    pub(crate) fn said(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// Everything that a field was filled in with.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The digest of all of it.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// What was written by hand: nothing hidden, and nothing that is chosen in a moment.
    pub(crate) fn texts(&self) -> Vec<String> {
        let is_written = |(name, value): &&(String, String)| {
            !name.starts_with('_') && value.trim().contains([' ', '\n'])
        };
        self.pairs.iter().filter(is_written).map(|(_, value)| value.clone()).collect()
    }

    /// Whether a field was changed since it was shown. What was not shown was not changed.
    pub(crate) fn is_changed(&self, name: &str) -> bool {
        let was = self.get(&format!("_was/{name}"));
        self.get(name).is_some_and(|given| was.is_none_or(|was| !is_same(given, was)))
    }

    /// Whether any field of a group was changed since it was shown.
    pub(crate) fn is_any_changed(&self, group: &str) -> bool {
        let names = self.last.range::<str, _>((Bound::Included(group), Bound::Unbounded));
        let mut names = names.map(|(name, _)| name).take_while(|name| name.starts_with(group));
        names.any(|name| self.is_changed(name))
    }

    /// Fills a field in with something else.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let mut pairs = std::mem::take(&mut self.pairs);
        pairs.retain(|(known, _)| known != name);
        pairs.push((name.to_owned(), value.to_owned()));
        *self = Self::of(pairs, self.digest);
    }

    /// The version that the form was shown at.
    pub(crate) fn version(&self) -> Option<i64> {
        self.get("_version")?.parse().ok()
    }

    /// What was filled in for fields of these types, as JSON. What was left empty is left out, or
    /// null where that empties the field.
    pub(crate) fn json(
        &self,
        fields: impl IntoIterator<Item = (&'static str, FieldType)>,
        clock: &Clockwork,
        empties: bool,
    ) -> Map<String, Json> {
        let mut json = Map::new();
        for (name, takes) in fields {
            if let FieldType::Answers = takes {
                let prefix = format!("{name}/");
                if !self.pairs.iter().any(|(known, _)| known.starts_with(&prefix)) {
                    continue;
                }
                let answers = self.pairs.iter().filter_map(|(known, value)| {
                    let key = known.strip_prefix(&prefix)?;
                    (!value.trim().is_empty()).then(|| (key.to_owned(), Json::from(value.trim())))
                });
                json.insert(name.to_owned(), Json::Object(answers.collect()));
                continue;
            }
            let Some(given) = self.get(name) else { continue };
            match value(takes, given, clock) {
                Some(value) => {
                    json.insert(name.to_owned(), value);
                }
                None if empties => {
                    json.insert(name.to_owned(), Json::Null);
                }
                None => {}
            }
        }
        json
    }
}

/// What an input was filled in with, as the desk reads it; none for nothing. What cannot be
/// understood goes to the desk as it is, which says what would be right.
fn value(takes: FieldType, given: &str, clock: &Clockwork) -> Option<Json> {
    let trimmed = given.trim();
    if trimmed.is_empty() {
        return None;
    }
    Some(match takes {
        FieldType::Level | FieldType::Count { .. } => {
            trimmed.parse::<u32>().map_or_else(|_| Json::from(trimmed), Json::from)
        }
        FieldType::Flag => Json::from(trimmed == "true"),
        FieldType::Time => clock
            .given(trimmed)
            .map_or_else(|| Json::from(trimmed), |at| Json::from(at.to_rfc3339())),
        FieldType::Tags | FieldType::People | FieldType::Cis | FieldType::Tickets => {
            let parts = trimmed.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty());
            parts.map(Json::from).collect::<Vec<_>>().into()
        }
        FieldType::Text => Json::from(given.replace("\r\n", "\n")),
        FieldType::Line
        | FieldType::Key
        | FieldType::Email
        | FieldType::Reason
        | FieldType::Choice(_)
        | FieldType::Code
        | FieldType::Answers
        | FieldType::Category
        | FieldType::Service
        | FieldType::Ci
        | FieldType::Team
        | FieldType::Person
        | FieldType::Ticket
        | FieldType::CatalogItem
        | FieldType::ExternalRef
        | FieldType::Suggestion
        | FieldType::TeamKey
        | FieldType::Organization
        | FieldType::Organizations
        | FieldType::Facts
        | FieldType::Money
        | FieldType::Objects(_) => Json::from(trimmed),
    })
}

/// What the address of a page asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl FromRequestParts<WebState> for Query {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &WebState) -> Result<Self, PageError> {
        pairs(&parts.uri).map(Self)
    }
}

impl Query {
    /// What an address behind its question mark asks for.
    pub(crate) fn of(text: &str) -> Self {
        let uri = format!("/?{text}").parse::<axum::http::Uri>().ok();
        Self(uri.and_then(|uri| pairs(&uri).ok()).unwrap_or_default())
    }

    /// What is asked for under a name; none for nothing.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The same as what was filled in: a form that changes nothing is sent in the address.
    pub(crate) fn form(&self) -> Form {
        Form::of(self.0.clone(), [0; 32])
    }

    /// Everything that is asked for under a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The same, unless it is more than any form of ours has, or holds what no database keeps.
fn keepable(pairs: Vec<(String, String)>) -> Result<Vec<(String, String)>, PageError> {
    if pairs.len() > MOST_PAIRS {
        return Err(PageError::too_large());
    }
    let is_bad = |text: &String| text.contains('\0');
    let has_bad = pairs.iter().any(|(name, value)| is_bad(name) || is_bad(value));
    if has_bad { Err(PageError::bad_request()) } else { Ok(pairs) }
}

fn pairs(uri: &axum::http::Uri) -> Result<Vec<(String, String)>, PageError> {
    axum::extract::Query::try_from_uri(uri)
        .map_err(|_| PageError::bad_request())
        .and_then(|axum::extract::Query(pairs)| keepable(pairs))
}

/// An input of a form, with its label and what is wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// Its name, a JSON pointer without the first slash.
    pub(crate) name: String,
    /// Its id in the page.
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) hint: Option<String>,
    pub(crate) error: Option<Html>,
    pub(crate) is_required: bool,
    pub(crate) widget: Widget,
    /// What it held when the form was shown, where only what was changed is to be sent.
    pub(crate) was: Option<String>,
    /// Whom names in it can mean that are several people's.
    pub(crate) picks: Vec<Pick>,
}

/// A choice of whom a name means that was filled in.
#[derive(Debug, Clone)]
pub(crate) struct Pick {
    /// The name of its input.
    pub(crate) name: String,
    /// Its id in the page.
    pub(crate) id: String,
    /// The name of the hidden input with what was filled in.
    pub(crate) told: String,
    /// What was filled in.
    pub(crate) said: String,
    pub(crate) options: Vec<Choice>,
}

/// How something is filled in.
#[derive(Debug, Clone)]
pub(crate) enum Widget {
    /// One line, as a browser knows it: `text`, `email`, `number`, `date`, `datetime-local`.
    Line { kind: &'static str, value: String },
    /// Several lines.
    Area { value: String },
    /// One of many.
    Select { options: Vec<Choice> },
    /// One of a few, all of which are seen.
    Radios { options: Vec<Choice> },
    /// Yes or no; neither where nobody has said it.
    Flag { is_set: Option<bool> },
}

/// One that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) is_chosen: bool,
}

/// What makes fields of a form.
pub(crate) struct Fields<'a> {
    /// The words of the viewer.
    pub(crate) words: &'static Words,
    /// What can be chosen from.
    pub(crate) choices: &'a Choices,
    /// What was filled in before, if the form is shown again.
    pub(crate) form: Option<&'a Form>,
    /// What is wrong with that.
    pub(crate) faults: &'a Faults,
    /// What the ids of the inputs begin with: two forms of a page have different ones.
    pub(crate) prefix: &'static str,
}

impl Fields<'_> {
    /// An input for a field of the domain; none for what pages can't fill in. `now` is what it
    /// holds now, as an input shows it.
    pub(crate) fn field(
        &self,
        name: &str,
        takes: FieldType,
        is_required: bool,
        now: Option<String>,
    ) -> Option<Field> {
        let label = self.words.name("field", name);
        let value = self.value(name, now);
        let widget = self.widget(name, takes, is_required, value)?;
        let hint = self.words.named("hint", name);
        Some(self.of(name, label, hint, is_required, widget))
    }

    /// What makes a field of an edit: what was filled in counts where it was changed.
    pub(crate) fn of_changed(&self, name: &str) -> Self {
        Self { form: self.form.filter(|form| form.is_changed(name)), ..*self }
    }

    /// An input with a label of its own.
    pub(crate) fn of(
        &self,
        name: &str,
        label: String,
        hint: Option<String>,
        is_required: bool,
        widget: Widget,
    ) -> Field {
        Field {
            name: name.to_owned(),
            id: format!("{}-{}", self.prefix, name.replace('/', "-")),
            label,
            hint,
            error: self.faults.of(name, self.words),
            is_required,
            widget,
            was: None,
            picks: self.picks(name),
        }
    }

    /// Whom the names in a field can mean that are several people's.
    fn picks(&self, field: &str) -> Vec<Pick> {
        let offers = self.choices.offers.get(field).into_iter().flatten().enumerate();
        let pick = |(place, offer): (usize, &Offer)| {
            let name = format!("_pick/{field}/{place}");
            let chosen = self.form.and_then(|form| form.get(&name)).unwrap_or_default();
            let options = offer.people.iter().map(|(id, label)| Choice {
                is_chosen: id == chosen,
                value: id.clone(),
                label: label.clone(),
            });
            Pick {
                id: format!("{}-pick-{}-{place}", self.prefix, field.replace('/', "-")),
                told: format!("_said/{field}/{place}"),
                said: offer.said.clone(),
                options: options.collect(),
                name,
            }
        };
        offers.map(pick).collect()
    }

    /// What an input shows: what was filled in, or what it holds now.
    pub(crate) fn value(&self, name: &str, now: Option<String>) -> String {
        match self.form {
            Some(form) => form.get(name).unwrap_or_default().to_owned(),
            None => now.unwrap_or_default(),
        }
    }

    fn widget(
        &self,
        name: &str,
        takes: FieldType,
        is_required: bool,
        value: String,
    ) -> Option<Widget> {
        let line = |kind, value| Widget::Line { kind, value };
        Some(match takes {
            // A summary is one line, though its type may have several.
            FieldType::Text if name == "short_description" => line("text", value),
            FieldType::Line
            | FieldType::Key
            | FieldType::Tags
            | FieldType::Ticket
            | FieldType::Tickets
            | FieldType::Ci
            | FieldType::Cis
            | FieldType::People => line("text", value),
            FieldType::Email => line("email", value),
            FieldType::Text | FieldType::Reason => Widget::Area { value },
            FieldType::Count { .. } => line("number", value),
            FieldType::Time => line("datetime-local", value),
            FieldType::Flag => Widget::Flag { is_set: value.parse().ok() },
            FieldType::Level => {
                let most = match name {
                    "impact" => self.choices.levels.0,
                    "urgency" => self.choices.levels.1,
                    _ => 5,
                };
                // Three levels are what most have, and what there are words for.
                let is_usual = most == 3;
                let label = |level: u8| {
                    let named = self.words.named("level", &format!("{name}-{level}"));
                    named.filter(|_| is_usual).unwrap_or_else(|| level.to_string())
                };
                let levels = (1..=most).map(|level| (level.to_string(), label(level)));
                self.select(levels, is_required, &value)
            }
            FieldType::Choice(names) => {
                let label = |option: &str| self.words.name("option", &format!("{name}-{option}"));
                let options = names.iter().map(|option| ((*option).to_owned(), label(option)));
                self.select(options, is_required, &value)
            }
            FieldType::Code => {
                let codes = self.choices.codes.iter();
                let named = codes.map(|code| ((*code).to_owned(), self.words.name("code", code)));
                self.select(named, is_required, &value)
            }
            FieldType::Category => {
                self.select(self.choices.categories.clone(), is_required, &value)
            }
            FieldType::Service => self.select(self.choices.services.clone(), is_required, &value),
            FieldType::Team | FieldType::TeamKey => {
                self.select(self.choices.teams.clone(), is_required, &value)
            }
            FieldType::CatalogItem => self.select(self.choices.items.clone(), is_required, &value),
            FieldType::Person if is_written_as_address(name) => line("text", value),
            FieldType::Person => self.select(self.choices.people.clone(), is_required, &value),
            FieldType::Suggestion
            | FieldType::Answers
            | FieldType::ExternalRef
            | FieldType::Organization
            | FieldType::Organizations
            | FieldType::Facts
            | FieldType::Money
            | FieldType::Objects(_) => return None,
        })
    }

    /// A choice of one; of none, too, where it may be left out or nothing is chosen yet.
    #[expect(clippy::unused_self, reason = "it reads as the others do")]
    pub(crate) fn select(
        &self,
        options: impl IntoIterator<Item = (String, String)>,
        is_required: bool,
        chosen: &str,
    ) -> Widget {
        let mut options: Vec<Choice> = options
            .into_iter()
            .map(|(value, label)| Choice { is_chosen: value == chosen, value, label })
            .collect();
        let is_known = options.iter().any(|option| option.is_chosen);
        if !is_known && !chosen.is_empty() {
            // What is not offered any more is kept as it is.
            let (value, label) = (chosen.to_owned(), chosen.to_owned());
            options.insert(0, Choice { value, label, is_chosen: true });
        }
        if !is_required || chosen.is_empty() {
            let none = Choice { value: String::new(), label: String::new(), is_chosen: false };
            options.insert(0, none);
        }
        Widget::Select { options }
    }
}

/// What is wrong with what was filled in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults(Vec<FieldFault>);

/// A fault in the summary of a form.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    /// The input it is about; none for the form as a whole.
    pub(crate) id: Option<String>,
    pub(crate) label: String,
    pub(crate) message: Html,
}

impl Faults {
    /// The faults of a command that was refused for them; the error itself otherwise.
    pub(crate) fn of_error(error: CommandError) -> Result<Self, CommandError> {
        match error {
            CommandError::Invalid(faults)
            | CommandError::Refused(Refused::Invalid(faults) | Refused::MissingFields(faults)) => {
                Ok(Self(faults))
            }
            // What stands against it may be mended in the same form.
            CommandError::Refused(Refused::Guard { message, .. }) => {
                Ok(Self(vec![FieldFault { pointer: String::new(), code: "guard", message }]))
            }
            other => Err(other),
        }
    }

    /// Fields that are missing, each with what belongs there.
    pub(crate) fn missing(fields: Vec<(&str, Said)>) -> Self {
        let fault = |(name, message): (&str, Said)| FieldFault {
            pointer: format!("/{name}"),
            code: FieldFault::MISSING,
            message,
        };
        Self(fields.into_iter().map(fault).collect())
    }

    /// The same faults, of which those behind a pointer lose it: a form shows one item of several.
    pub(crate) fn behind(self, pointer: &str) -> Self {
        let cut = |fault: FieldFault| FieldFault {
            pointer: fault
                .pointer
                .strip_prefix(pointer)
                .map_or(fault.pointer.clone(), str::to_owned),
            ..fault
        };
        Self(self.0.into_iter().map(cut).collect())
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with an input, or with a part of it.
    fn of(&self, name: &str, words: &Words) -> Option<Html> {
        let is_about = |fault: &&FieldFault| {
            let pointer = fault.pointer.strip_prefix('/').unwrap_or(&fault.pointer);
            pointer == name || pointer.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'))
        };
        let found: Vec<Html> =
            self.0.iter().filter(is_about).map(|fault| words.say(&fault.message)).collect();
        (!found.is_empty()).then(|| Html::joined(&found))
    }

    /// All of them for the summary, each with its input. What has none stands for itself.
    pub(crate) fn summary(&self, fields: &[Field], words: &Words) -> Vec<Problem> {
        let about = |fault: &FieldFault| {
            let pointer = fault.pointer.strip_prefix('/').unwrap_or(&fault.pointer);
            fields.iter().find(|field| {
                let rest = pointer.strip_prefix(field.name.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        self.0
            .iter()
            .map(|fault| {
                let field = about(fault);
                let name = fault.pointer.trim_start_matches('/');
                let label = match field {
                    Some(field) => field.label.clone(),
                    None if name.is_empty() => String::new(),
                    None => words.name("field", name),
                };
                Problem {
                    id: field.map(|field| field.id.clone()),
                    label,
                    message: words.say(&fault.message),
                }
            })
            .collect()
    }
}

/// The value of a field of a ticket as an input shows it.
pub(crate) fn shown(
    view: &TicketView,
    name: &str,
    choices: &Choices,
    clock: &Clockwork,
) -> Option<String> {
    let ticket = &view.ticket;
    // What refers to records is named as people name them.
    match name {
        "ci" => return view.ci.as_ref().map(|ci| ci.key.clone()),
        "parent" => return view.parent.as_ref().map(|parent| parent.number.clone()),
        "problem" => return view.problem.as_ref().map(|problem| problem.name.number.clone()),
        "depends_on" => {
            return (!view.depends_on.is_empty()).then(|| view.depends_on.join(", "));
        }
        "catalog_item" => return view.catalog_item.as_ref().map(|item| item.key.clone()),
        "cis" => {
            let keys: Vec<&str> = view.cis.iter().map(|ci| ci.key.as_str()).collect();
            return (!keys.is_empty()).then(|| keys.join(", "));
        }
        _ => {}
    }
    let field = ticket.rules().field(name)?;
    let joined = |all: Vec<String>| all.join(", ");
    Some(match (field.get)(ticket)? {
        Value::Text(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Time(at) => clock.input(at),
        Value::Texts(texts) => joined(texts),
        Value::Category(path) => path.to_string(),
        Value::Service(id) => choices.service_key(id)?,
        Value::Team(id) => choices.team_key(id)?,
        // One of a list is named by what the list has.
        Value::Person(id) if is_written_as_address(name) => choices.address_of(id),
        Value::Person(id) => id.to_string(),
        Value::People(people) => joined(people.iter().map(|id| choices.address_of(*id)).collect()),
        Value::Tickets(ids) => joined(ids.iter().map(ToString::to_string).collect()),
        Value::CatalogItem(_)
        | Value::Answers(_)
        | Value::Cis(_)
        | Value::ExternalRef(..)
        | Value::Organization(_)
        | Value::Organizations(_)
        | Value::Facts(_)
        | Value::Money(_)
        | Value::Objects(_) => return None,
    })
}

/// Whether a person is written, by their name or address: whom a ticket is for can be anybody,
/// while the desk's own people are few.
fn is_written_as_address(name: &str) -> bool {
    matches!(name, "requester" | "person" | "risk_owner")
}

/// Whether an input was left as it was shown; browsers send other line ends.
fn is_same(given: &str, shown: &str) -> bool {
    given.replace("\r\n", "\n").trim() == shown.replace("\r\n", "\n").trim()
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    fn pairs(given: &[(&str, &str)]) -> Vec<(String, String)> {
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_last_of_several_counts_and_what_was_left_as_it_was_is_not_changed() {
        let form = Form::of(
            pairs(&[
                ("_was/answers/size", "S"),
                ("answers/size", "M"),
                ("answers/size", "S "),
                ("_was/answers/color", "red"),
                ("answers/color", "red"),
                ("answersheet", "new"),
                ("note", ""),
            ]),
            [0; 32],
        );
        assert_eq!(form.get("answers/size"), Some("S "));
        assert_eq!(form.all("answers/size").collect::<Vec<_>>(), ["M", "S "]);
        assert_eq!((form.get("nothing"), form.get("note")), (None, Some("")));
        assert!(!form.is_changed("answers/size") && !form.is_changed("nothing"));
        assert!(!form.is_any_changed("answers/") && form.is_any_changed("answers"));
        let form = Form::of(pairs(&[("_was/answers/a", "x"), ("answers/a", "y")]), [0; 32]);
        assert!(form.is_changed("answers/a") && form.is_any_changed("answers/"));
        assert!(!form.is_any_changed("tasks/"));
        let mut form = form;
        form.set("answers/b", "z");
        form.set("answers/a", "x");
        assert_eq!((form.get("answers/a"), form.get("answers/b")), (Some("x"), Some("z")));
        assert!(!form.is_changed("answers/a"));
    }

    #[test]
    fn a_form_with_more_fields_than_any_of_ours_is_refused() {
        let some = |count: usize| keepable(vec![("answers/".to_owned(), String::new()); count]);
        assert_eq!(some(MOST_PAIRS).map(|pairs| pairs.len()).ok(), Some(MOST_PAIRS));
        let refused = some(MOST_PAIRS + 1).map_err(|error| error.status());
        assert_eq!(refused, Err(StatusCode::PAYLOAD_TOO_LARGE));
        assert!(keepable(pairs(&[("note", "a\0b")])).is_err());
    }
}
