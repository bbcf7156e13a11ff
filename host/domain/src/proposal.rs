//! Proposals: what policies propose, judged by the rules and applied as far as they allow.
//!
//! A policy writes nothing. What it may not do is overruled with a sentence that says why, and the
//! rest of its proposal stands. What it only suggests waits for a person (requirement A7).

mod assignment;
mod categorization;
mod plan;
mod proposer;
#[cfg(test)]
mod rules;

use std::collections::BTreeMap;

use crate::{event::FieldChange, said, said::Sayable, suggestion::SuggestedField};

pub use self::{
    assignment::{AssignmentProposal, apply_assignment},
    categorization::{CategorizationProposal, apply_categorization},
    plan::{Approver, ApproverFacts, ResolvedApprovers, cannot_vote, resolve_approvers},
    proposer::Proposer,
};

/// How strongly a policy means a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// It is applied.
    Set,
    /// A person sees it, and takes it or not.
    Suggested,
}

/// A value that a policy proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed<T> {
    /// The value.
    pub value: T,
    /// How strongly it is meant.
    pub strength: Strength,
    /// In percent.
    pub confidence: u8,
}

/// The fields that somebody has given already in this round, and who. Per field, the first one
/// counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldsTaken(BTreeMap<SuggestedField, String>);

/// A value that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSuggestion {
    /// For which field.
    pub field: SuggestedField,
    /// What the field held.
    pub seen: Option<String>,
    /// The value, in the words of the contract.
    pub value: String,
    /// In percent.
    pub confidence: u8,
}

/// What became of a proposal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// What it changed.
    pub changes: Vec<FieldChange>,
    /// What waits for a person.
    pub suggestions: Vec<NewSuggestion>,
    /// What stood against parts of it, as sentences.
    pub overruled: Vec<String>,
}

impl FieldsTaken {
    /// Notes that `by` has given a field.
    pub fn take(&mut self, field: SuggestedField, by: &str) {
        self.0.entry(field).or_insert_with(|| by.to_owned());
    }

    /// Who has given a field.
    #[must_use]
    pub fn by(&self, field: SuggestedField) -> Option<&str> {
        self.0.get(&field).map(String::as_str)
    }
}

/// The field that a sentence of [`Judged::overruled`] is about; none where it is about all.
#[must_use]
pub fn field_overruled(sentence: &str) -> Option<SuggestedField> {
    sentence.split_once(": ").and_then(|(field, _)| field.parse().ok())
}

impl Judged {
    fn overrule(&mut self, field: SuggestedField, why: impl Sayable) {
        self.overruled.push(said!("{field}: {why}", field, why).into());
    }

    /// Whether the proposal may speak about a field; if it may, nobody after it does.
    fn may_give(&mut self, field: SuggestedField, taken: &mut FieldsTaken, by: &str) -> bool {
        if let Some(other) = taken.by(field) {
            let why = said!("{by} has given it already", by = other);
            self.overrule(field, why);
            return false;
        }
        taken.take(field, by);
        true
    }

    fn suggest(
        &mut self,
        field: SuggestedField,
        seen: Option<String>,
        value: String,
        confidence: u8,
    ) {
        // A suggestion of what is there already would only cost a person's time.
        if seen.as_ref() != Some(&value) {
            let confidence = confidence.min(100);
            self.suggestions.push(NewSuggestion { field, seen, value, confidence });
        }
    }
}
