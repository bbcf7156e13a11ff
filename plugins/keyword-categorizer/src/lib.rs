#![doc = include_str!("../README.md")]

mod settings;

use waypost_sdk::rules::Rules;
use waypost_sdk::{
    Categorization, Categorize, CategoryProposal, Context, DataFile, Decline, KeyProposal,
    KindProposal, LevelProposal, Need, Policy, SettingsError, Strength, Ticket, vocabulary,
};

pub use settings::{Fields, Rule, Settings};

/// Rules, indexed by the words that they look for.
#[derive(Debug)]
pub struct KeywordCategorizer {
    index: Rules,
    rules: Vec<Rule>,
    overwrite: bool,
}

impl Policy for KeywordCategorizer {
    type Settings = Settings;

    fn new(settings: Settings, _data: &[DataFile]) -> Result<Self, Vec<SettingsError>> {
        let mut index = Rules::default();
        let mut errors = Vec::new();
        for (place, rule) in settings.rules.iter().enumerate() {
            let pointer = format!("/rules/{place}");
            index.add(&rule.when, &format!("{pointer}/when"), &mut errors);
            check(&rule.set, &format!("{pointer}/set"), &mut errors);
        }
        if errors.is_empty() {
            Ok(Self { index, rules: settings.rules, overwrite: settings.overwrite })
        } else {
            Err(errors)
        }
    }
}

/// Finds what a schema cannot say.
fn check(fields: &Fields, pointer: &str, errors: &mut Vec<SettingsError>) {
    let Fields { kind, category, service, ci, impact, urgency, tags } = fields;
    if category.as_ref().is_some_and(Vec::is_empty) {
        let message = "name at least the category's first part";
        errors.push(SettingsError::at(format!("{pointer}/category"), message));
    }
    let names_a_field = kind.is_some() || category.is_some() || service.is_some() || ci.is_some();
    if !names_a_field && impact.is_none() && urgency.is_none() && tags.is_empty() {
        errors.push(SettingsError::at(pointer, "the rule sets nothing; name at least one field"));
    }
}

impl Categorize for KeywordCategorizer {
    // For rules about the requester: special care, location.
    fn needs() -> Vec<Need> {
        vec![Need::Requester]
    }

    fn categorize(&self, ticket: &Ticket, context: &Context) -> Result<Categorization, Decline> {
        let matches = self.index.of(ticket, context);
        let mut answer = Categorization::default();
        for place in matches.iter() {
            let rule = &self.rules[place];
            if self.apply(rule, ticket, &mut answer) {
                answer.reasons.push(reason(&rule.name, &matches.words_of(place)));
            }
            if rule.stop {
                break;
            }
        }
        if answer.reasons.is_empty() {
            return Err(Decline::no_opinion("no rule has anything to add"));
        }
        Ok(answer)
    }
}

impl KeywordCategorizer {
    /// Takes from a rule what no rule before it has set, and says whether there was anything.
    fn apply(&self, rule: &Rule, ticket: &Ticket, answer: &mut Categorization) -> bool {
        let (strength, confidence) = (Strength::from(rule.strength), rule.confidence);
        let path =
            |value: &Vec<String>| CategoryProposal { value: value.clone(), strength, confidence };
        let key = |value: &String| KeyProposal { value: value.clone(), strength, confidence };
        let level = |value: u8| LevelProposal { value, strength, confidence };
        let open = |given: bool| self.overwrite || !given;
        let set = &rule.set;
        let mut added = false;

        added |=
            fill(&mut answer.kind, set.kind.map(|kind| kind_proposal(kind, strength, confidence)));
        if open(!ticket.category.is_empty()) {
            added |= fill(&mut answer.category, set.category.as_ref().map(path));
        }
        if open(ticket.service.is_some()) {
            added |= fill(&mut answer.service, set.service.as_ref().map(key));
        }
        if open(ticket.ci.is_some()) {
            added |= fill(&mut answer.ci, set.ci.as_ref().map(key));
        }
        if open(ticket.impact.is_some()) {
            added |= fill(&mut answer.impact, set.impact.map(level));
        }
        if open(ticket.urgency.is_some()) {
            added |= fill(&mut answer.urgency, set.urgency.map(level));
        }
        for tag in &set.tags {
            if !ticket.tags.contains(tag) && !answer.tags.contains(tag) {
                answer.tags.push(tag.clone());
                added = true;
            }
        }
        added
    }
}

/// Fills a field that is empty, and says whether it did.
fn fill<T>(field: &mut Option<T>, value: Option<T>) -> bool {
    let fills = field.is_none() && value.is_some();
    if fills {
        *field = value;
    }
    fills
}

/// Problems and changes are opened by people, so a rule can only suggest them.
fn kind_proposal(kind: vocabulary::Kind, strength: Strength, confidence: u8) -> KindProposal {
    let opened_by_people = matches!(kind, vocabulary::Kind::Problem | vocabulary::Kind::Change);
    let strength = if opened_by_people { Strength::Suggested } else { strength };
    KindProposal { value: kind.into(), strength, confidence }
}

fn reason(rule: &str, words: &str) -> String {
    if words.is_empty() {
        format!("rule “{rule}”")
    } else {
        format!("rule “{rule}”: the text holds {words}")
    }
}

waypost_sdk::export!(KeywordCategorizer: categorize);
