#![doc = include_str!("../README.md")]

mod settings;

use waypost_sdk::rules::Rules;
use waypost_sdk::{
    Binding, Categorization, Categorize, Context, Decline, Head, KindProposal, LevelProposal, Need,
    Policy, SettingsError, Strength, TextProposal, TextsProposal, Ticket, vocabulary,
};

pub use settings::{FieldStrengths, Fields, Rule, Settings, Strengths};

/// Rules, indexed by the words that they look for.
#[derive(Debug)]
pub struct KeywordCategorizer {
    index: Rules,
    rules: Vec<Rule>,
    overwrite: bool,
}

impl Policy for KeywordCategorizer {
    type Settings = Settings;

    fn new(settings: Settings, _binding: &Binding) -> Result<Self, Vec<SettingsError>> {
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
    // For rules about the requester: VIP, location, fields.
    fn needs() -> Vec<Need> {
        vec![Need::Requester]
    }

    fn categorize(&self, ticket: &Ticket, context: &Context) -> Result<Categorization, Decline> {
        let matches = self.index.of(ticket, context);
        let mut answer = Categorization::default();
        for place in matches.iter() {
            let rule = &self.rules[place];
            if self.apply(rule, &ticket.head, &mut answer) {
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
    fn apply(&self, rule: &Rule, head: &Head, answer: &mut Categorization) -> bool {
        let (is, confidence) = (rule.strength.each(), rule.confidence);
        let text = |value: &String, strength: vocabulary::Strength| TextProposal {
            value: value.clone(),
            strength: strength.into(),
            confidence,
        };
        let level = |value: u8, strength: vocabulary::Strength| LevelProposal {
            value,
            strength: strength.into(),
            confidence,
        };
        let open = |given: bool| self.overwrite || !given;
        let set = &rule.set;
        let mut added = false;

        let kind = set.kind.map(|kind| kind_proposal(kind, is.kind.into(), confidence));
        added |= fill(&mut answer.kind, kind);
        if open(!head.category.is_empty()) {
            let path = set.category.as_ref().map(|path| TextsProposal {
                value: path.clone(),
                strength: is.category.into(),
                confidence,
            });
            added |= fill(&mut answer.category, path);
        }
        if open(head.service.is_some()) {
            let service = set.service.as_ref().map(|key| text(key, is.service));
            added |= fill(&mut answer.service, service);
        }
        if open(head.ci.is_some()) {
            added |= fill(&mut answer.ci, set.ci.as_ref().map(|key| text(key, is.ci)));
        }
        if open(head.impact.is_some()) {
            added |= fill(&mut answer.impact, set.impact.map(|value| level(value, is.impact)));
        }
        if open(head.urgency.is_some()) {
            added |= fill(&mut answer.urgency, set.urgency.map(|value| level(value, is.urgency)));
        }
        let labels = set.tags.iter().filter(|tag| !head.tags.contains(tag)).cloned().collect();
        added | add_labels(&mut answer.tags, labels, is.tags.into(), confidence)
    }
}

/// The contract's limit for one answer.
const MOST_LABELS: usize = 20;

/// Adds a rule's labels to those of the rules before it, and says whether there were any. They have
/// one strength together: labels that are set take the place of labels that were only suggested,
/// and none is suggested beside them. They are as sure as the least sure of them.
fn add_labels(
    labels: &mut Option<TextsProposal>,
    new: Vec<String>,
    strength: Strength,
    confidence: u8,
) -> bool {
    if new.is_empty() {
        return false;
    }
    match labels {
        Some(known) if known.strength == strength => {
            let before = known.value.len();
            for label in new {
                if known.value.len() < MOST_LABELS && !known.value.contains(&label) {
                    known.value.push(label);
                    known.confidence = known.confidence.min(confidence);
                }
            }
            known.value.len() > before
        }
        Some(known) if known.strength == Strength::Set => false,
        Some(_) | None => {
            let mut value: Vec<String> = Vec::with_capacity(new.len());
            for label in new {
                if value.len() < MOST_LABELS && !value.contains(&label) {
                    value.push(label);
                }
            }
            *labels = Some(TextsProposal { value, strength, confidence });
            true
        }
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

/// Problems are opened by people, so a rule can only suggest them.
fn kind_proposal(kind: vocabulary::Kind, strength: Strength, confidence: u8) -> KindProposal {
    let strength = match kind {
        vocabulary::Kind::Problem => Strength::Suggested,
        vocabulary::Kind::Incident | vocabulary::Kind::Request => strength,
    };
    KindProposal { value: kind.into(), strength, confidence }
}

fn reason(rule: &str, words: &str) -> String {
    if words.is_empty() {
        format!("rule “{rule}”")
    } else {
        format!("rule “{rule}”: the text contains {words}")
    }
}

waypost_sdk::export!(KeywordCategorizer: categorize);
