//! Rules that ask for words in a ticket's text, all of them looked up in one walk.

use schemars::JsonSchema;
use serde::Deserialize;

use super::phrases::{NoWords, PhraseId, Phrases};
use crate::{SettingsError, Ticket};

/// Words and phrases that a ticket's text must hold, or must not. At least one of the lists is filled.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Words {
    /// At least one of these.
    pub any: Vec<String>,
    /// Each of these.
    pub all: Vec<String>,
    /// None of these.
    pub none: Vec<String>,
    /// Where they are looked for.
    #[serde(rename = "in")]
    pub place: Place,
}

/// A part of a ticket's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The one line.
    ShortDescription,
    /// The full text.
    Description,
    /// Both.
    #[default]
    Anywhere,
}

/// A list of rules of which some ask for words. Rules are counted from zero, in the order in which they were added.
#[derive(Debug, Default)]
pub struct Rules {
    phrases: Phrases,
    /// Each phrase as its rule wrote it, for reasons.
    written: Vec<Box<str>>,
    words: Vec<Option<Rule>>,
    /// For each phrase the rules that it may make hold.
    woken_by: Vec<Vec<usize>>,
    /// The rules that hold though none of their words was found.
    without_words: Vec<usize>,
}

/// A rule's words.
#[derive(Debug)]
struct Rule {
    any: Box<[PhraseId]>,
    all: Box<[PhraseId]>,
    none: Box<[PhraseId]>,
    place: Place,
}

impl Rules {
    /// Adds a rule; without words it holds for every text. `pointer` is where its words are in the settings; what is
    /// wrong with them is added to `errors`.
    pub fn add(&mut self, words: Option<&Words>, pointer: &str, errors: &mut Vec<SettingsError>) {
        let number = self.words.len();
        let Some(words) = words else {
            self.without_words.push(number);
            self.words.push(None);
            return;
        };
        if words.any.is_empty() && words.all.is_empty() && words.none.is_empty() {
            errors.push(SettingsError::at(pointer, "name a word in `any`, `all` or `none`"));
        }
        let rule = Rule {
            any: self.phrases(&words.any, &format!("{pointer}/any"), errors),
            all: self.phrases(&words.all, &format!("{pointer}/all"), errors),
            none: self.phrases(&words.none, &format!("{pointer}/none"), errors),
            place: words.place,
        };
        // The rule can hold only if one of these was found.
        let anchors =
            if rule.any.is_empty() { &rule.all[..rule.all.len().min(1)] } else { &rule.any };
        for anchor in anchors {
            self.woken_by[anchor.index()].push(number);
        }
        if anchors.is_empty() {
            self.without_words.push(number);
        }
        self.words.push(Some(rule));
    }

    /// Looks for the words of all rules in a ticket's text.
    #[must_use]
    pub fn look(&self, ticket: &Ticket) -> Found<'_> {
        let mut found = Found {
            rules: self,
            short_description: Bits::new(self.phrases.len()),
            description: Bits::new(self.phrases.len()),
            holding: Bits::new(self.words.len()),
        };
        let mut candidates = Bits::new(self.words.len());
        for &rule in &self.without_words {
            candidates.set(rule);
        }
        let texts = [
            (&ticket.short_description, &mut found.short_description),
            (&ticket.description, &mut found.description),
        ];
        for (text, seen) in texts {
            self.phrases.scan(text, |phrase| {
                if !seen.replace(phrase.index()) {
                    for &rule in &self.woken_by[phrase.index()] {
                        candidates.set(rule);
                    }
                }
            });
        }
        for rule in candidates.iter() {
            if self.words[rule].as_ref().is_none_or(|words| found.satisfies(words)) {
                found.holding.set(rule);
            }
        }
        found
    }

    /// Adds phrases to the index.
    fn phrases(
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
                        self.woken_by.push(Vec::new());
                    }
                    ids.push(id);
                }
                Err(NoWords) => errors.push(SettingsError::at(
                    format!("{pointer}/{place}"),
                    format!("`{phrase}` holds no letter and no digit"),
                )),
            }
        }
        ids.into()
    }
}

/// Which rules' words a ticket's text holds.
#[derive(Debug)]
pub struct Found<'a> {
    rules: &'a Rules,
    short_description: Bits,
    description: Bits,
    holding: Bits,
}

impl Found<'_> {
    /// Whether the text holds what the rule asks for.
    #[must_use]
    pub fn holds(&self, rule: usize) -> bool {
        self.holding.has(rule)
    }

    /// The rules whose words the text holds, in order.
    pub fn holding(&self) -> impl Iterator<Item = usize> {
        self.holding.iter()
    }

    /// The words that made a rule hold, as a sentence's part: `“wlan” and “down”`. Empty for a rule that asks for none.
    #[must_use]
    pub fn words_of(&self, rule: usize) -> String {
        let Some(words) = &self.rules.words[rule] else { return String::new() };
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

    fn satisfies(&self, words: &Rule) -> bool {
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

/// A set of small numbers.
#[derive(Debug)]
struct Bits(Vec<u64>);

impl Bits {
    fn new(size: usize) -> Self {
        Self(vec![0; size.div_ceil(64)])
    }

    fn has(&self, number: usize) -> bool {
        self.0[number / 64] & (1 << (number % 64)) != 0
    }

    fn set(&mut self, number: usize) {
        self.0[number / 64] |= 1 << (number % 64);
    }

    /// Adds the number and says whether it was there.
    fn replace(&mut self, number: usize) -> bool {
        let was_there = self.has(number);
        self.set(number);
        was_there
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(place, &word)| {
            std::iter::successors((word != 0).then_some(word), |rest| {
                let rest = rest & (rest - 1);
                (rest != 0).then_some(rest)
            })
            .map(move |rest| place * 64 + rest.trailing_zeros() as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ticket;

    fn rules(words: &[serde_json::Value]) -> (Rules, Vec<SettingsError>) {
        let mut rules = Rules::default();
        let mut errors = Vec::new();
        for (place, words) in words.iter().enumerate() {
            let words: Option<Words> = serde_json::from_value(words.clone()).expect("valid words");
            rules.add(words.as_ref(), &format!("/rules/{place}/words"), &mut errors);
        }
        (rules, errors)
    }

    fn holding(words: &[serde_json::Value], short_description: &str, text: &str) -> Vec<usize> {
        let (rules, errors) = rules(words);
        assert_eq!(errors, []);
        let ticket = Ticket { description: text.to_owned(), ..ticket(short_description) };
        rules.look(&ticket).holding().collect()
    }

    #[test]
    fn any_all_and_none_are_told_apart() {
        let words = [
            serde_json::json!({ "any": ["printer", "toner"] }),
            serde_json::json!({ "all": ["printer", "floor 3"] }),
            serde_json::json!({ "any": ["printer"], "none": ["3d"] }),
            serde_json::json!({ "none": ["printer"] }),
            serde_json::json!(null),
        ];
        assert_eq!(holding(&words, "Printer on floor 3", ""), [0, 1, 2, 4]);
        assert_eq!(holding(&words, "Toner", "for the 3D printer"), [0, 4]);
        assert_eq!(holding(&words, "no sound", ""), [3, 4]);
    }

    #[test]
    fn a_rule_looks_only_where_it_says() {
        let words = [
            serde_json::json!({ "any": ["vpn"], "in": "short_description" }),
            serde_json::json!({ "any": ["vpn"], "in": "description" }),
            serde_json::json!({ "all": ["vpn", "slow"] }),
        ];
        assert_eq!(holding(&words, "VPN", "is slow"), [0, 2]);
        assert_eq!(holding(&words, "slow", "the VPN"), [1, 2]);
    }

    #[test]
    fn two_hundred_rules_are_told_apart() {
        let words: Vec<_> =
            (0..200).map(|rule| serde_json::json!({ "any": [format!("word{rule}")] })).collect();
        assert_eq!(holding(&words, "word199 word0", "word63 and word64"), [0, 63, 64, 199]);
    }

    #[test]
    fn the_words_that_were_found_are_named_as_they_were_written() {
        let (rules, _) = rules(&[serde_json::json!({ "any": ["Wi-Fi", "WLAN"], "all": ["down"] })]);
        assert_eq!(rules.look(&ticket("wlan is DOWN")).words_of(0), "“WLAN” and “down”");
    }

    #[test]
    fn words_without_a_letter_are_refused_where_they_stand() {
        let (_, errors) = rules(&[
            serde_json::json!({ "any": ["vpn", "??"] }),
            serde_json::json!({ "in": "description" }),
        ]);
        let paths: Vec<_> = errors.iter().map(|error| error.path.as_str()).collect();
        assert_eq!(paths, ["/rules/0/words/any/1", "/rules/1/words"]);
    }
}
