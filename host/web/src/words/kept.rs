//! What the desk itself has written and kept in English: found again among its sentences, so that
//! a page says it in its reader's language.
//!
//! Events and receipts keep texts, and what is kept never changes. The sentences that the desk can
//! have written are a closed list, the templates of `said!`. What none of them gives was written by
//! somebody else, and stays as it is.

use std::{cmp::Reverse, collections::HashMap};

use super::Words;
use crate::text::Html;

/// A sentence of the desk, taken apart.
pub(super) struct Pattern {
    /// What stands before, between and behind its values.
    literals: Vec<String>,
    values: Vec<Value>,
    /// How the language says it.
    said: String,
}

struct Value {
    name: String,
    /// Whether it stands in quotes, and so may be several words.
    is_quoted: bool,
}

/// Values that are sentences of the desk themselves, or several of them.
const SENTENCES: [&str; 5] = ["by", "otherwise", "policy", "signs", "why"];
/// Values that may be several words, beside those in quotes. All others are one: a number, a key.
const TEXTS: [&str; 9] =
    ["delegations", "failures", "lacking", "layer", "reason", "step", "valid", "value", "what"];
/// The steps of approvals that the desk itself plans.
const STEPS: [&str; 2] = ["fallback approval", "risk acceptance"];
/// With fewer letters of its own a template gives texts that are not the desk's.
const FEWEST_LETTERS: usize = 4;
/// The desk writes no longer sentence, and a policy's text may be as long as it wants.
const LONGEST_BYTES: usize = 2_000;

/// The sentences by which texts are found again: first those that lead another one in, such as
/// "category: …", then the one that says most of a text.
pub(super) fn patterns(sentences: &HashMap<String, String>) -> Vec<Pattern> {
    let patterns = sentences.iter().map(|(english, said)| Pattern::of(english, said));
    let mut patterns: Vec<Pattern> = patterns.filter(Pattern::says_enough).collect();
    patterns.sort_by_cached_key(|one| {
        let letters = one.letters();
        (letters > 0, Reverse(letters), one.literals.concat())
    });
    patterns
}

impl Pattern {
    fn of(english: &str, said: &str) -> Self {
        let mut parts = english.split('{');
        let mut literals = vec![parts.next().unwrap_or_default().to_owned()];
        let mut values = Vec::new();
        for part in parts {
            let (name, behind) = part.split_once('}').unwrap_or((part, ""));
            let is_quoted = literals.last().is_some_and(|before| before.ends_with('`'));
            values.push(Value {
                name: name.to_owned(),
                is_quoted: is_quoted && behind.starts_with('`'),
            });
            literals.push(behind.to_owned());
        }
        Self { literals, values, said: said.to_owned() }
    }

    fn letters(&self) -> usize {
        self.literals.iter().flat_map(|text| text.chars()).filter(|c| c.is_alphabetic()).count()
    }

    /// Whether not just any text is one of these sentences.
    fn says_enough(&self) -> bool {
        let is_of_sentences =
            self.values.iter().any(|value| SENTENCES.contains(&value.name.as_str()));
        let has_literal = self.literals.iter().any(|text| !text.is_empty());
        self.letters() >= FEWEST_LETTERS || is_of_sentences && has_literal
    }

    /// The values with which it gives a text; none if it does not.
    fn values_in<'a>(&'a self, text: &'a str) -> Option<Vec<(&'a Value, &'a str)>> {
        let (first, literals) = self.literals.split_first()?;
        let mut rest = text.strip_prefix(first.as_str())?;
        let mut found = Vec::with_capacity(self.values.len());
        for (value, behind) in self.values.iter().zip(literals) {
            let is_last = found.len() + 1 == self.values.len();
            let (given, after) = if is_last {
                (rest.strip_suffix(behind.as_str())?, "")
            } else {
                rest.split_once(behind.as_str())?
            };
            if given.is_empty() {
                return None;
            }
            found.push((value, given));
            rest = after;
        }
        rest.is_empty().then_some(found)
    }
}

/// An English sentence with what it quotes between marks that people read, not programs.
fn quoted(text: &str) -> String {
    let marks = ["“", "”"].into_iter().cycle();
    let mut parts = text.split('`');
    let mut told = parts.next().unwrap_or_default().to_owned();
    for (part, mark) in parts.zip(marks) {
        told.push_str(mark);
        told.push_str(part);
    }
    told
}

impl Words {
    /// What the desk wrote, in this language; none if it is no sentence of the desk, and in
    /// English, which is how it was written.
    pub(crate) fn retold(&self, text: &str) -> Option<String> {
        if text.len() > LONGEST_BYTES {
            return None;
        }
        self.kept.iter().find_map(|pattern| self.retold_by(pattern, text))
    }

    /// A text that the desk itself wrote, in a sentence around it. What was written by another
    /// version of it, and is not found, is marked as English.
    pub(crate) fn retell_in(&self, text: &str, around: impl FnOnce(&str) -> String) -> Html {
        match self.told(text) {
            Some(told) => Html::plain(&around(&told)),
            None => Html::english(text),
        }
    }

    /// As [`Words::retold`], in English as people quote; none for what is marked as English.
    fn told(&self, text: &str) -> Option<String> {
        self.retold(text).or_else(|| self.is_english().then(|| quoted(text)))
    }

    /// What the desk wrote of several fields, `field: why`, with those together that say the same.
    pub(crate) fn retell_by_field(&self, texts: &[String]) -> Vec<Html> {
        let mut told: Vec<(Vec<String>, String)> = Vec::new();
        let mut others = Vec::new();
        for text in texts {
            let Some(sentence) = self.told(text) else {
                others.push(Html::english(text));
                continue;
            };
            let (field, why) = sentence.split_once(": ").unwrap_or(("", &sentence));
            match told.iter_mut().find(|(_, known)| known == why) {
                Some((fields, _)) => fields.push(field.to_owned()),
                None => told.push((vec![field.to_owned()], why.to_owned())),
            }
        }
        let lines = told.into_iter().map(|(mut fields, why)| {
            fields.retain(|field| !field.is_empty());
            let before = if fields.is_empty() { "" } else { ": " };
            Html::plain(&format!("{}{before}{why}", fields.join(", ")))
        });
        lines.chain(others).collect()
    }

    /// A text that the desk may have written, or a person, or a policy.
    pub(crate) fn retell_ours(&self, text: &str) -> Html {
        Html::plain(self.retold(text).as_deref().unwrap_or(text))
    }

    /// What a step of an approval is called. Those that the desk plans itself have names in each
    /// language.
    pub(crate) fn step(&self, name: &str) -> String {
        let own = self.sentences.get(name).filter(|_| STEPS.contains(&name));
        own.map_or(name, String::as_str).to_owned()
    }

    fn retold_by(&self, pattern: &Pattern, text: &str) -> Option<String> {
        let found = pattern.values_in(text)?.into_iter();
        let said =
            found.map(|(value, given)| Some((value.name.as_str(), self.value(value, given)?)));
        let said = said.collect::<Option<Vec<_>>>()?;
        Some(filled(&pattern.said, &said))
    }

    /// A value in this language; none if it can't be one.
    fn value(&self, value: &Value, given: &str) -> Option<String> {
        let name = value.name.as_str();
        if SENTENCES.contains(&name) {
            return self.sentences_in(given);
        }
        if name == "failures" {
            return Some(self.failures(given));
        }
        if name == "lacking" {
            return Some(self.fields_in(given));
        }
        if name == "field" && !value.is_quoted {
            return self.named("field", given);
        }
        let is_text = TEXTS.contains(&name);
        if !is_text && !value.is_quoted && given.contains(char::is_whitespace) {
            return None;
        }
        // Votes and tickets have states.
        let seat = || self.named("seat", given).filter(|_| name == "state");
        let word = self.named(name, given).or_else(seat);
        let word = word.or_else(|| self.retold(given).filter(|_| is_text));
        Some(word.unwrap_or_else(|| given.to_owned()))
    }

    /// A sentence, which may have lost its full stop within another, or several with commas.
    fn sentences_in(&self, text: &str) -> Option<String> {
        let one = self.retold(text).or_else(|| self.retold(&format!("{text}.")));
        one.or_else(|| {
            let all = text.split(", ").map(|one| self.retold(one)).collect::<Option<Vec<_>>>();
            all.map(|all| all.join(", "))
        })
    }

    /// Names of fields: `category, service or ci`.
    fn fields_in(&self, text: &str) -> String {
        let or = format!(" {} ", self.text.or());
        let any = |names: &str| {
            names.split(" or ").map(|name| self.name("field", name)).collect::<Vec<_>>().join(&or)
        };
        text.split(", ").map(any).collect::<Vec<_>>().join(", ")
    }
}

fn filled(template: &str, values: &[(&str, String)]) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, after)) = behind.split_once('}') else { break };
        let value = values.iter().find(|(known, _)| *known == name);
        text.push_str(value.map_or("", |(_, value)| value.as_str()));
        rest = after;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn german() -> &'static Words {
        Words::of_tag("de").unwrap()
    }

    fn retold(text: &str) -> Option<String> {
        german().retold(text)
    }

    #[test]
    fn what_is_the_same_for_several_fields_is_told_once() {
        let by = ["impact: policy `a` of acme has given it already", "it was late"];
        let again = "urgency: policy `a` of acme has given it already";
        let texts = [by[0], by[1], again].map(str::to_owned);
        let told = Words::of_tag("en").unwrap().retell_by_field(&texts);
        let same = "impact, urgency: policy “a” of acme has given it already";
        assert_eq!(told, [Html::plain(same), Html::plain("it was late")]);
        // What is not found again is marked as English elsewhere.
        let told = german().retell_by_field(&texts);
        assert_eq!(told.len(), 2);
        assert_eq!(told[1], Html::english("it was late"));
    }

    #[test]
    fn what_the_desk_wrote_is_found_again_with_its_values() {
        for (kept, told) in [
            (
                "no policy set a team; assigned to the fallback team",
                "keine Regel hat ein Team gesetzt; es geht an das Team für alles, was sonst nichts \
                 zuteilt",
            ),
            (
                "its parent INC0000001 was merged into INC0000002",
                "das übergeordnete Ticket INC0000001 wurde mit INC0000002 zusammengeführt",
            ),
            (
                "first-words of acme was asked next",
                "first-words von acme wurde als Nächstes gefragt",
            ),
            ("suggested impact: 1", "vorgeschlagen für Auswirkung: 1"),
        ] {
            assert_eq!(retold(kept).as_deref(), Some(told), "{kept}");
        }
    }

    #[test]
    fn a_sentence_in_a_sentence_is_found_too() {
        for (kept, told) in [
            (
                "category: policy `store-words` of fennel has given it already",
                "Kategorie: den Wert gab schon vorher: Regel „store-words“ von fennel",
            ),
            (
                "category: There is no active category `x y`; use one of: access, rooms.",
                "Kategorie: Kategorie „x y“ gibt es nicht, oder nicht mehr; möglich sind: access, \
                 rooms.",
            ),
            (
                "impact: the sender has given it already",
                "Auswirkung: den Wert gab schon vorher: wer es gemeldet hat",
            ),
            (
                "rule `many`: priority 1, 12 children",
                "Vorgabe „many“: Priorität 1, 12 untergeordnete",
            ),
            (
                "the organization's fallback team; the binding's own fallback team does not serve \
                 the organization",
                "das Team der Organisation für alles, was sonst nichts zuteilt; das Ersatzteam der \
                 Regel arbeitet nicht für die Organisation",
            ),
        ] {
            assert_eq!(retold(kept).as_deref(), Some(told), "{kept}");
        }
    }

    #[test]
    fn what_others_wrote_stays_as_it_is() {
        for text in [
            "",
            "The account was closed",
            "budget: the account was closed",
            "rule “outage”: the text contains “is down”",
            "rule `outage`: the text contains it",
            "somebody reminded a voter",
            "priority is what counts",
        ] {
            assert_eq!(retold(text), None, "{text}");
            assert_eq!(german().retell_ours(text), Html::plain(text));
        }
        assert_eq!(
            german().retell_in("in older words <b>", str::to_owned).to_string(),
            "<span lang=\"en\">in older words &lt;b&gt;</span>"
        );
    }

    #[test]
    fn in_english_it_is_said_as_it_is_kept() {
        let english = Words::of_tag("en").unwrap();
        assert_eq!(english.retold("nobody is reminded"), None);
        assert_eq!(
            english.retell_in("nobody is reminded", str::to_owned).to_string(),
            "nobody is reminded"
        );
        assert_eq!(english.step("risk acceptance"), "risk acceptance");
        assert_eq!(german().step("risk acceptance"), "Annahme des Risikos");
        assert_eq!(german().step("Budget"), "Budget");
    }

    #[test]
    fn every_sentence_of_the_desk_is_found_again() {
        for (english, said) in &german().sentences {
            let pattern = Pattern::of(english, said);
            let values: Vec<String> = pattern.values.iter().map(sample).collect();
            let values: Vec<(&str, String)> =
                pattern.values.iter().map(|value| value.name.as_str()).zip(values).collect();
            let kept = filled(english, &values);
            if pattern.says_enough() && kept.len() < LONGEST_BYTES {
                assert!(retold(&kept).is_some(), "{kept}");
            }
        }
    }

    /// What a value may be.
    fn sample(value: &Value) -> String {
        match value.name.as_str() {
            "field" => "category",
            name if SENTENCES.contains(&name) => "nobody is reminded",
            _ => "x1",
        }
        .to_owned()
    }
}
