//! The index of rules, and the rules that a ticket matches.

use super::bits::Bits;
use super::check::Check;
use super::{Place, When, Words};
use crate::map::Map;
use crate::text::{NoWords, PhraseId, Phrases};
use crate::{Context, SettingsError, Ticket};

/// Rules, counted from zero in the order in which they were added.
///
/// Each rule has one condition by which it is found, the one that the fewest tickets fulfill: its
/// configuration items, catalog items, services, words or categories. Only rules without any of
/// these are looked at for every ticket.
#[derive(Debug, Default)]
pub struct Rules {
    listed: Vec<Rule>,
    by_ci: Map<Box<str>, Vec<usize>>,
    by_catalog_item: Map<Box<str>, Vec<usize>>,
    by_service: Map<Box<str>, Vec<usize>>,
    by_category: Map<Vec<String>, Vec<usize>>,
    /// For each phrase the rules that are found by it.
    by_phrase: Vec<Vec<usize>>,
    always: Vec<usize>,
    phrases: Phrases,
    /// Each phrase as it was first written, for reasons.
    written: Vec<Box<str>>,
}

#[derive(Debug)]
struct Rule {
    check: Check,
    words: Option<WordIds>,
}

/// A rule's words.
#[derive(Debug)]
struct WordIds {
    any: Box<[PhraseId]>,
    all: Box<[PhraseId]>,
    none: Box<[PhraseId]>,
    place: Place,
}

impl Rules {
    /// Adds a rule. `pointer` is where its conditions are in the settings; what is wrong with them
    /// is added to `errors`.
    pub fn add(&mut self, when: &When, pointer: &str, errors: &mut Vec<SettingsError>) {
        if let Some(range) = when.priority
            && range.from > range.to
        {
            let message = format!(
                "`from` {} is a lower priority than `to` {}; 1 is the highest, so swap them",
                range.from, range.to
            );
            errors.push(SettingsError::at(format!("{pointer}/priority"), message));
        }
        if let Some(place) = when.categories.iter().position(Vec::is_empty) {
            let message = "name at least the category's first part";
            errors.push(SettingsError::at(format!("{pointer}/categories/{place}"), message));
        }
        let words = when
            .words
            .as_ref()
            .map(|words| self.read_words(words, &format!("{pointer}/words"), errors));
        self.file(when, words.as_ref());
        self.listed.push(Rule { check: Check::new(when), words });
    }

    /// The rules that a ticket matches.
    #[must_use]
    pub fn of<'a>(&'a self, ticket: &'a Ticket, context: &'a Context) -> Matches<'a> {
        let mut matches = Matches {
            rules: self,
            ticket,
            context,
            short_description: Bits::new(self.phrases.len()),
            description: Bits::new(self.phrases.len()),
            candidates: Bits::new(self.listed.len()),
        };
        matches.find();
        matches
    }

    /// Files the rule that is about to be added under its rarest condition.
    fn file(&mut self, when: &When, words: Option<&WordIds>) {
        let rule = self.listed.len();
        let anchors = words.map(WordIds::anchors).unwrap_or_default();
        if !when.cis.is_empty() {
            file_under(&mut self.by_ci, &when.cis, rule);
        } else if !when.catalog_items.is_empty() {
            file_under(&mut self.by_catalog_item, &when.catalog_items, rule);
        } else if !when.services.is_empty() {
            file_under(&mut self.by_service, &when.services, rule);
        } else if !anchors.is_empty() {
            for anchor in anchors {
                self.by_phrase[anchor.index()].push(rule);
            }
        } else if !when.categories.is_empty() {
            for path in &when.categories {
                self.by_category.entry(path.clone()).or_default().push(rule);
            }
        } else {
            self.always.push(rule);
        }
    }

    fn read_words(
        &mut self,
        words: &Words,
        pointer: &str,
        errors: &mut Vec<SettingsError>,
    ) -> WordIds {
        if words.any.is_empty() && words.all.is_empty() && words.none.is_empty() {
            errors.push(SettingsError::at(pointer, "name a word in `any`, `all` or `none`"));
        }
        WordIds {
            any: self.read_phrases(&words.any, &format!("{pointer}/any"), errors),
            all: self.read_phrases(&words.all, &format!("{pointer}/all"), errors),
            none: self.read_phrases(&words.none, &format!("{pointer}/none"), errors),
            place: words.place,
        }
    }

    fn read_phrases(
        &mut self,
        phrases: &[String],
        pointer: &str,
        errors: &mut Vec<SettingsError>,
    ) -> Box<[PhraseId]> {
        let mut ids = Vec::with_capacity(phrases.len());
        for (place, phrase) in phrases.iter().enumerate() {
            match self.phrases.add(phrase) {
                Ok(id) => {
                    if id.index() == self.written.len() {
                        self.written.push(phrase.as_str().into());
                        self.by_phrase.push(Vec::new());
                    }
                    ids.push(id);
                }
                Err(NoWords) => errors.push(SettingsError::at(
                    format!("{pointer}/{place}"),
                    format!("`{phrase}` has no letter and no digit; write a word"),
                )),
            }
        }
        ids.into()
    }
}

fn file_under(map: &mut Map<Box<str>, Vec<usize>>, keys: &[String], rule: usize) {
    for key in keys {
        map.entry(key.as_str().into()).or_default().push(rule);
    }
}

impl WordIds {
    /// The phrases of which one must be in the text if the rule is to hold.
    fn anchors(&self) -> &[PhraseId] {
        if self.any.is_empty() { &self.all[..self.all.len().min(1)] } else { &self.any }
    }
}

/// The rules that a ticket matches.
#[derive(Debug)]
pub struct Matches<'a> {
    rules: &'a Rules,
    ticket: &'a Ticket,
    context: &'a Context,
    /// The phrases that were found in the one line.
    short_description: Bits,
    /// The phrases that were found in the full text.
    description: Bits,
    /// The rules that are worth checking.
    candidates: Bits,
}

impl Matches<'_> {
    /// The rules that hold, in order. Each is checked when the iterator comes to it, so taking the
    /// first is cheap.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.candidates.iter().filter(|&rule| {
            let Rule { check, words } = &self.rules.listed[rule];
            words.as_ref().is_none_or(|words| self.reads(words))
                && check.holds(self.ticket, self.context)
        })
    }

    /// The words that a rule asked for and the text holds, as a sentence's part: `“wlan” and
    /// “down”`. Empty for a rule that asks for none.
    #[must_use]
    pub fn words_of(&self, rule: usize) -> String {
        let Some(words) = &self.rules.listed[rule].words else { return String::new() };
        let any = words.any.iter().filter(|phrase| self.sees(words.place, **phrase)).take(3);
        let mut text = String::new();
        for (place, phrase) in any.chain(&words.all).enumerate() {
            if place > 0 {
                text.push_str(" and ");
            }
            text.push('“');
            text.push_str(&self.rules.written[phrase.index()]);
            text.push('”');
        }
        text
    }

    /// Reads the ticket and collects the rules that are worth checking.
    fn find(&mut self) {
        let Self { rules, ticket, candidates, .. } = self;
        let mut found = |rules: &[usize]| {
            for &rule in rules {
                candidates.insert(rule);
            }
        };
        found(&rules.always);
        let head = &ticket.head;
        let mut found_by = |map: &Map<Box<str>, Vec<usize>>, key: Option<&str>| {
            if let Some(rules) = key.and_then(|key| map.get(key)) {
                found(rules);
            }
        };
        for ci in head.all_cis() {
            found_by(&rules.by_ci, Some(ci));
        }
        let item = ticket.request().and_then(|request| request.catalog_item.as_deref());
        found_by(&rules.by_catalog_item, item);
        found_by(&rules.by_service, head.service.as_deref());
        if !rules.by_category.is_empty() {
            for length in 1..=head.category.len() {
                if let Some(rules) = rules.by_category.get(&head.category[..length]) {
                    found(rules);
                }
            }
        }
        let texts = [
            (&head.short_description, &mut self.short_description),
            (&head.description, &mut self.description),
        ];
        for (text, seen) in texts {
            rules.phrases.scan(text, |phrase| {
                if !seen.has(phrase.index()) {
                    seen.insert(phrase.index());
                    found(&rules.by_phrase[phrase.index()]);
                }
            });
        }
    }

    /// Whether the text holds what the words ask for.
    fn reads(&self, words: &WordIds) -> bool {
        let sees = |phrase: &PhraseId| self.sees(words.place, *phrase);
        (words.any.is_empty() || words.any.iter().any(sees))
            && words.all.iter().all(sees)
            && !words.none.iter().any(sees)
    }

    fn sees(&self, place: Place, phrase: PhraseId) -> bool {
        let phrase = phrase.index();
        match place {
            Place::ShortDescription => self.short_description.has(phrase),
            Place::Description => self.description.has(phrase),
            Place::Anywhere => self.short_description.has(phrase) || self.description.has(phrase),
        }
    }
}
