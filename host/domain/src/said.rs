//! Sentences for people: in English, together with what they are made of, so that a page can say
//! them in another language.
//!
//! A sentence has a template, with names in braces where its values belong. A value is data (a
//! number, a title), or a word of the domain (a state, an action), which each language has its own
//! for. [`said!`](crate::said!) is the only way to a template; a test finds each of them in the
//! sources, and sees to it that there is a translation.

use std::{borrow::Cow, fmt, ops::Deref};

use crate::{
    approval::SeatState,
    ids::PersonId,
    incident::MajorState,
    key::{CategoryPath, Key},
    link::LinkType,
    priority::Level,
    role::Role,
    suggestion::SuggestedField,
    ticket::{Action, AwaitingKind, Code, State, TicketKind},
};

/// A sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    template: Option<&'static str>,
    parts: Vec<(&'static str, Part)>,
    text: Cow<'static, str>,
}

/// A value in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The same in every language: a number, a title, a key.
    Data(String),
    /// A word of the domain.
    Word {
        /// What kind of word: `state`, `action`, `field`.
        group: &'static str,
        /// Which of them.
        key: Cow<'static, str>,
        /// How programs know it, as it stands in the English sentence.
        text: Cow<'static, str>,
    },
    /// Several, one of which may be meant, or all.
    List {
        /// Which.
        parts: Vec<Part>,
        /// Whether there is an "or" between them; a comma otherwise.
        is_choice: bool,
    },
    /// A sentence, or a part of one.
    Said(Box<Said>),
}

/// Makes a sentence: `said!("{number} is {state}; name an active ticket.", number, state)`.
///
/// The value of a name is the variable of that name, or what follows it: `most = MAX_TAGS`.
#[macro_export]
macro_rules! said {
    ($template:literal) => {
        $crate::said::Said::fixed($template)
    };
    ($template:literal, $($name:ident $(= $value:expr)?),+ $(,)?) => {
        $crate::said::Said::of(
            $template,
            vec![$((
                stringify!($name),
                $crate::said::Sayable::part(&$crate::said!(@ $name $(= $value)?)),
            )),+],
        )
    };
    (@ $name:ident) => { $name };
    (@ $name:ident = $value:expr) => { $value };
}

impl Said {
    /// A sentence without values. It is made by `said!`, or stands in a table of the domain whose
    /// translations a test looks for.
    #[must_use]
    pub const fn fixed(template: &'static str) -> Self {
        Self { template: Some(template), parts: Vec::new(), text: Cow::Borrowed(template) }
    }

    /// A sentence that `said!` makes.
    #[must_use]
    pub fn of(template: &'static str, parts: Vec<(&'static str, Part)>) -> Self {
        let mut said = Self { template: Some(template), parts, text: Cow::Borrowed("") };
        said.text = Cow::Owned(said.filled(template, " or ", &Part::to_string));
        said
    }

    /// A text from elsewhere, which no page can say in another language: a library's, or one of the
    /// registers and bindings, which have no pages.
    #[must_use]
    pub fn as_is(text: impl Into<String>) -> Self {
        Self { template: None, parts: Vec::new(), text: Cow::Owned(text.into()) }
    }

    /// Its template; none if it is a text from elsewhere.
    #[must_use]
    pub const fn template(&self) -> Option<&'static str> {
        self.template
    }

    /// The same said by another template, with its values as they are said there.
    #[must_use]
    pub fn filled(&self, template: &str, or: &str, say: &dyn Fn(&Part) -> String) -> String {
        let mut text = String::with_capacity(template.len() + 32);
        let mut rest = template;
        while let Some((before, behind)) = rest.split_once('{') {
            text.push_str(before);
            let Some((name, after)) = behind.split_once('}') else { break };
            let part = self.parts.iter().find(|(known, _)| *known == name).map(|(_, part)| part);
            debug_assert!(part.is_some(), "`{name}` is not given in: {template}");
            match part {
                Some(Part::List { parts, is_choice }) => {
                    let said = parts.iter().map(say).collect::<Vec<_>>();
                    // What is quoted is quoted one by one.
                    let quotes = text.chars().last().zip(after.chars().next());
                    let quotes = quotes.filter(|quotes| QUOTES.contains(quotes));
                    let between = if *is_choice { or } else { ", " };
                    text.push_str(&said.join(&quotes.map_or_else(
                        || between.to_owned(),
                        |(open, close)| format!("{close}{between}{open}"),
                    )));
                }
                Some(part) => text.push_str(&say(part)),
                None => {}
            }
            rest = after;
        }
        text.push_str(rest);
        text
    }
}

const QUOTES: [(char, char); 3] = [('`', '`'), ('“', '”'), ('„', '“')];

impl Deref for Said {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl PartialEq<str> for Said {
    fn eq(&self, other: &str) -> bool {
        *self.text == *other
    }
}

impl PartialEq<&str> for Said {
    fn eq(&self, other: &&str) -> bool {
        *self.text == **other
    }
}

impl From<Said> for String {
    fn from(said: Said) -> Self {
        said.text.into_owned()
    }
}

impl Part {
    /// A field of a record, by its name.
    #[must_use]
    pub fn field(name: impl Into<Cow<'static, str>>) -> Self {
        Self::word("field", name)
    }

    /// One of the values that a field can be chosen from, by its name.
    #[must_use]
    pub fn option(field: &str, name: &str) -> Self {
        let key = format!("{field}-{name}").into();
        Self::Word { group: "option", key, text: name.to_owned().into() }
    }

    /// A word that programs know by the same key.
    #[must_use]
    pub fn word(group: &'static str, key: impl Into<Cow<'static, str>>) -> Self {
        let key = key.into();
        Self::Word { group, text: key.clone(), key }
    }

    /// All of several.
    #[must_use]
    pub fn all(parts: impl IntoIterator<Item = impl Sayable>) -> Self {
        let parts = parts.into_iter().map(|part| part.part()).collect();
        Self::List { parts, is_choice: false }
    }

    /// One of several.
    #[must_use]
    pub fn any(parts: impl IntoIterator<Item = impl Sayable>) -> Self {
        let parts = parts.into_iter().map(|part| part.part()).collect();
        Self::List { parts, is_choice: true }
    }
}

/// As it stands in the English sentence.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(text) => f.write_str(text),
            Self::Word { text, .. } => f.write_str(text),
            Self::Said(said) => f.write_str(said),
            Self::List { parts, is_choice } => {
                let said = parts.iter().map(Self::to_string).collect::<Vec<_>>();
                f.write_str(&said.join(if *is_choice { " or " } else { ", " }))
            }
        }
    }
}

/// What can be said in a sentence.
pub trait Sayable {
    /// It, as a value of a sentence.
    fn part(&self) -> Part;
}

impl<T: Sayable + ?Sized> Sayable for &T {
    fn part(&self) -> Part {
        (**self).part()
    }
}

impl Sayable for Part {
    fn part(&self) -> Part {
        self.clone()
    }
}

impl Sayable for Said {
    fn part(&self) -> Part {
        Part::Said(Box::new(self.clone()))
    }
}

/// As it stands in a sentence: `an incident`.
impl Sayable for TicketKind {
    fn part(&self) -> Part {
        let text = self.with_article().into();
        Part::Word { group: "one", key: self.as_str().into(), text }
    }
}

/// As it stands after "waits for".
impl Sayable for AwaitingKind {
    fn part(&self) -> Part {
        Part::option("awaiting", self.as_str())
    }
}

macro_rules! data {
    ($($type:ty),+ $(,)?) => {
        $(impl Sayable for $type {
            fn part(&self) -> Part {
                Part::Data(self.to_string())
            }
        })+
    };
}

data!(
    str,
    String,
    u8,
    u16,
    u32,
    u64,
    usize,
    i32,
    i64,
    Cow<'_, str>,
    Key,
    CategoryPath,
    Level,
    PersonId
);

macro_rules! words {
    ($($type:ty => $group:literal),+ $(,)?) => {
        $(impl Sayable for $type {
            fn part(&self) -> Part {
                Part::word($group, self.as_str())
            }
        })+
    };
}

words! {
    Action => "action",
    Code => "code",
    LinkType => "link",
    MajorState => "major",
    Role => "role",
    SeatState => "seat",
    State => "state",
    SuggestedField => "field",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_said_in_english_and_by_any_other_template() {
        let (number, state) = ("INC0000001", State::Resolved);
        let said =
            said!("{number} is `{state}`; use {action}.", number, state, action = Action::Reopen);
        assert_eq!(said, "INC0000001 is `resolved`; use reopen.");
        let shout = |part: &Part| match part {
            Part::Word { group, key, .. } => format!("{group}/{key}"),
            other => other.to_string(),
        };
        assert_eq!(
            said.filled("{action}: {number} („{state}“)", " oder ", &shout),
            "action/reopen: INC0000001 („state/resolved“)"
        );
    }

    #[test]
    fn values_in_braces_are_no_names() {
        assert_eq!(said!("`{given}` is not valid.", given = "{most}"), "`{most}` is not valid.");
    }

    #[test]
    fn what_is_quoted_in_a_list_is_quoted_one_by_one() {
        let said = said!(
            "Use `{names}` or {codes}.",
            names = Part::all(["a", "b"]),
            codes = Part::any(["c", "d"])
        );
        assert_eq!(said, "Use `a`, `b` or c or d.");
        assert_eq!(
            said.filled("„{names}“, {codes}", " oder ", &Part::to_string),
            "„a“, „b“, c oder d"
        );
    }

    #[test]
    fn a_sentence_may_hold_another() {
        let why = said!("it is {state}", state = State::New);
        assert_eq!(said!("Not now: {why}.", why), "Not now: it is new.");
        assert_eq!(said!("Not now: {why}.", why = Said::as_is("{x}")), "Not now: {x}.");
    }

    #[test]
    fn only_what_is_from_elsewhere_has_no_template() {
        assert_eq!(said!("Give a name.").template(), Some("Give a name."));
        assert_eq!(Said::as_is("expected a comma").template(), None);
    }
}
