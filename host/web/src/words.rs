//! Words: everything that pages say, in each language.
//!
//! Messages are functions made from `words/*/pages.ftl`: one that a language lacks does not
//! compile. Names of what the domain has (actions, states, fields, codes) are looked up by the
//! domain's own identifiers in `names.ftl`, and a test goes through all of them. What the desk
//! refuses is said by the sentences of `refusals.de.json`, found by the English one; so is what the
//! desk has written into events and receipts (`kept`).

mod kept;
#[cfg(test)]
mod refusals;

#[expect(
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    unreachable_pub,
    dead_code,
    reason = "generated"
)]
mod messages {
    include!(concat!(env!("OUT_DIR"), "/words.rs"));
}

use std::{collections::HashMap, sync::LazyLock};

use chrono::Locale;
use fluent_typed::prelude::L10nBundle;
use waypost_app::{
    FORMER_MEMBER, FORMER_TEAM,
    tickets::{PersonName, TicketView},
};
use waypost_domain::said::{Part, Said};

use crate::text::Html;

pub(crate) use messages::{L10n, L10nLanguage};

/// The words of one language.
pub(crate) struct Words {
    /// Which language.
    pub(crate) language: L10n,
    /// Its messages.
    pub(crate) text: L10nLanguage,
    names: L10nBundle,
    /// The desk's sentences by their English templates; in English, those that programs read
    /// otherwise.
    sentences: HashMap<String, String>,
    /// The same, to find texts again that were kept; none in English, in which they are kept.
    kept: Vec<kept::Pattern>,
}

static ALL: LazyLock<[Words; 2]> = LazyLock::new(|| {
    let names = |language: &str, text: &str| {
        L10nBundle::new_without_isolation(language, text.as_bytes())
            .expect("the names of a language are read by a test")
    };
    let sentences = |text: &str| -> HashMap<String, String> {
        serde_json::from_str(text).expect("the sentences of a language are read by a test")
    };
    let german = sentences(include_str!("../names/refusals.de.json"));
    [
        Words {
            language: L10n::En,
            text: L10n::En.load(),
            names: names("en", include_str!("../names/en.ftl")),
            sentences: sentences(include_str!("../names/refusals.en.json")),
            kept: Vec::new(),
        },
        Words {
            language: L10n::De,
            text: L10n::De.load(),
            names: names("de", include_str!("../names/de.ftl")),
            kept: kept::patterns(&german),
            sentences: german,
        },
    ]
});

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Words").field(&self.language).finish()
    }
}

impl Words {
    /// All languages, the first of which is spoken where nothing else is known.
    pub(crate) fn all() -> &'static [Self] {
        &*ALL
    }

    /// The language of a BCP 47 tag, if it is spoken here: `de` for `de-AT`.
    pub(crate) fn of_tag(tag: &str) -> Option<&'static Self> {
        let language = tag.split(['-', '_']).next().unwrap_or_default().trim().to_ascii_lowercase();
        Self::all().iter().find(|words| *words.tag() == *language)
    }

    /// The first language that a browser accepts and that is spoken here; it lists the best first.
    pub(crate) fn accepted(header: Option<&str>) -> &'static Self {
        let mut tags: Vec<(&str, f32)> = header
            .unwrap_or_default()
            .split(',')
            .map(|part| {
                let (tag, weight) = part.split_once(';').unwrap_or((part, "q=1"));
                let weight = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok());
                (tag.trim(), weight.unwrap_or(0.0))
            })
            .filter(|(_, weight)| *weight > 0.0)
            .collect();
        tags.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        tags.into_iter().find_map(|(tag, _)| Self::of_tag(tag)).unwrap_or(&Self::all()[0])
    }

    /// The language's tag.
    pub(crate) fn tag(&self) -> &str {
        &self.language
    }

    /// Its names of months and days.
    pub(crate) fn locale(&self) -> Locale {
        match self.language {
            L10n::En => Locale::en_GB,
            L10n::De => Locale::de_DE,
        }
    }

    /// What something of the domain is called: the group `action`, the key `resolve`. What has no
    /// name is shown by its identifier.
    pub(crate) fn name(&self, group: &str, key: &str) -> String {
        self.named(group, key).unwrap_or_else(|| key.replace('_', " "))
    }

    /// As [`Words::name`]; none where it has none.
    pub(crate) fn named(&self, group: &str, key: &str) -> Option<String> {
        self.names.msg(&format!("{group}-{}", key.replace('/', "-").replace(' ', "_")), None).ok()
    }

    /// What a person is called, also where that is not for the organization to know any more.
    pub(crate) fn person(&self, person: &PersonName) -> String {
        if person.is_former { self.text.former_member() } else { person.name.clone() }
    }

    /// What the team of a ticket is called, also where it serves the organization no more.
    pub(crate) fn team(&self, view: &TicketView) -> String {
        if view.has_former_team() { self.text.former_team() } else { view.team.name.clone() }
    }

    /// As [`Words::person`] and [`Words::team`], where only the name is told.
    pub(crate) fn called(&self, name: &str) -> String {
        match name {
            FORMER_MEMBER => self.text.former_member(),
            FORMER_TEAM => self.text.former_team(),
            name => name.to_owned(),
        }
    }

    fn is_english(&self) -> bool {
        self.language == L10n::En
    }

    /// What the desk says. What has no words in this language is marked as English.
    pub(crate) fn say(&self, said: &Said) -> Html {
        match self.sentence(said) {
            Some(text) => Html::plain(&text),
            None if self.is_english() => Html::plain(said),
            None => Html::english(said),
        }
    }

    /// Which policies failed, and how, in words: `route: deadline, plan: trap`.
    pub(crate) fn failures(&self, mark: &str) -> String {
        let one = |failure: &str| match failure.split_once(": ") {
            Some((hook, code)) => {
                format!("{}: {}", self.name("hook", hook), self.name("failure", code))
            }
            None => failure.to_owned(),
        };
        mark.split(", ").map(one).collect::<Vec<_>>().join("; ")
    }

    /// Several sentences, one after the other.
    pub(crate) fn say_all<'a>(&self, said: impl IntoIterator<Item = &'a Said>) -> Html {
        Html::joined(&said.into_iter().map(|one| self.say(one)).collect::<Vec<_>>())
    }

    /// A sentence in this language; none if it is not known in it.
    fn sentence(&self, said: &Said) -> Option<String> {
        let english = said.template()?;
        let or = format!(" {} ", self.text.or());
        let say = |part: &Part| self.part(part);
        Some(match self.sentences.get(english) {
            Some(template) => said.filled(template, &or, &say),
            None if self.is_english() => said.filled(&quoted(english), &or, &say),
            None => return None,
        })
    }

    fn part(&self, part: &Part) -> String {
        match part {
            Part::Word { group, key, text } => {
                self.named(group, key).unwrap_or_else(|| text.replace('_', " "))
            }
            Part::Said(said) => self.sentence(said).unwrap_or_else(|| said.to_string()),
            Part::Data(_) | Part::List { .. } => part.to_string(),
        }
    }
}

/// An English template, in which what programs read as code is quoted.
fn quoted(template: &str) -> String {
    let quotes = ["“", "”"].into_iter().cycle();
    let mut parts = template.split('`');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.zip(quotes).fold(first, |text, (part, quote)| text + quote + part)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use waypost_app::Missing;
    use waypost_domain::{
        approval,
        binding::Hook,
        event::ActorKind,
        incident::MajorState,
        link::LinkType,
        priority::PrioritySource,
        role::Role,
        ticket::{Action, FieldType, Phase, State, TicketKind},
        waiting::WaitingKind,
    };

    use super::*;

    /// Everything of the domain that pages name.
    fn names() -> BTreeSet<(&'static str, String)> {
        let mut names = BTreeSet::new();
        let mut add = |group, all: &[&str]| {
            names.extend(all.iter().map(|name| (group, (*name).to_owned())));
        };
        add("action", Action::NAMES);
        add("done", Action::NAMES);
        add("state", State::NAMES);
        add("phase", Phase::NAMES);
        add("kind", TicketKind::NAMES);
        add("kinds", TicketKind::NAMES);
        add("waiting", WaitingKind::NAMES);
        add("major", MajorState::NAMES);
        add("role", Role::NAMES);
        add("link", LinkType::NAMES);
        add("actor", ActorKind::NAMES);
        add("outcome", approval::Outcome::NAMES);
        add("seat", approval::SeatState::NAMES);
        // What events say was changed, beside the fields.
        add("field", &["links", "priority_source"]);
        let sources = PrioritySource::NAMES.iter().map(|one| format!("priority_source-{one}"));
        let sources: Vec<String> = sources.collect();
        add("option", &sources.iter().map(String::as_str).collect::<Vec<_>>());
        add("one", TicketKind::NAMES);
        add("hook", Hook::NAMES);
        add("missing", &Missing::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>());
        for kind in TicketKind::ALL {
            let rules = kind.rules();
            let codes: Vec<&str> = rules.codes.iter().map(|code| code.as_str()).collect();
            add("code", &codes);
            let inputs = rules.rows().flat_map(|row| row.inputs).map(|it| (it.name, it.takes));
            let fields = rules.fields().map(|field| (field.name, field.takes));
            for (name, takes) in inputs.chain(fields) {
                add("field", &[name]);
                if let FieldType::Choice(options) = takes {
                    let all: Vec<String> =
                        options.iter().map(|option| format!("{name}-{option}")).collect();
                    add("option", &all.iter().map(String::as_str).collect::<Vec<_>>());
                }
            }
        }
        names
    }

    #[test]
    fn everything_of_the_domain_has_a_name_in_each_language() {
        for words in Words::all() {
            let missing: Vec<String> = names()
                .into_iter()
                .filter(|(group, key)| words.named(group, key).is_none())
                .map(|(group, key)| format!("{group}-{key} = "))
                .collect();
            assert!(missing.is_empty(), "{}:\n{}", words.tag(), missing.join("\n"));
        }
    }

    #[test]
    fn a_browser_gets_the_best_language_that_is_spoken() {
        let of = |header: &str| Words::accepted(Some(header)).tag().to_owned();
        assert_eq!(of("de-AT,de;q=0.9,en;q=0.8"), "de");
        assert_eq!(of("fr-FR,fr;q=0.9,en;q=0.5,de;q=0.7"), "de");
        assert_eq!(of("fr"), "en");
        assert_eq!(of("de;q=0, en"), "en");
        assert_eq!(Words::accepted(None).tag(), "en");
    }
}
