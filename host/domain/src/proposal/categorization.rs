//! Categorization: the kind, category, service, levels and tags that a policy proposes.

use chrono::{DateTime, Utc};

use crate::{
    directory::{Lookup, References},
    organization::OrgSettings,
    priority::Matrix,
    proposal::{FieldsTaken, Judged, Proposed, Strength},
    refusal::Faults,
    said,
    suggestion::SuggestedField,
    text,
    ticket::{Ticket, TicketKind},
};

/// What a policy proposes about a ticket that has come in. Keys and paths are as the policy wrote
/// them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CategorizationProposal {
    /// What kind of record it should be.
    pub kind: Option<Proposed<TicketKind>>,
    /// The category path.
    pub category: Option<Proposed<String>>,
    /// The service's key.
    pub service: Option<Proposed<String>>,
    /// The configuration item's key.
    pub ci: Option<Proposed<String>>,
    /// The impact.
    pub impact: Option<Proposed<u8>>,
    /// The urgency.
    pub urgency: Option<Proposed<u8>>,
    /// The priority, against the matrix.
    pub priority: Option<Proposed<u8>>,
    /// Labels to add.
    pub tags: Option<Proposed<Vec<String>>>,
}

/// Judges a categorization by `by` and applies what is allowed.
///
/// Per field, the first policy that gives it counts, whether it sets or suggests. A new ticket
/// becomes an incident or a request as the policy says (requirement W1); later, that is the action
/// `convert`.
pub fn apply_categorization(
    ticket: &mut Ticket,
    proposal: &CategorizationProposal,
    by: &str,
    directory: &dyn Lookup,
    settings: &OrgSettings,
    taken: &mut FieldsTaken,
    now: DateTime<Utc>,
) -> Judged {
    let before = ticket.clone();
    let mut judging = Judging { ticket, by, directory, now, taken, judged: Judged::default() };
    if let Some(kind) = &proposal.kind {
        judging.kind(kind);
    }
    if let Some(category) = &proposal.category {
        judging.category(category);
    }
    if let Some(service) = &proposal.service {
        judging.service(service);
    }
    if let Some(ci) = &proposal.ci {
        judging.ci(ci);
    }
    let levels = [
        (SuggestedField::Impact, &proposal.impact, settings.matrix.impacts()),
        (SuggestedField::Urgency, &proposal.urgency, settings.matrix.urgencies()),
        (SuggestedField::Priority, &proposal.priority, Matrix::LOWEST.0),
    ];
    for (field, level, most) in levels {
        if let Some(level) = level {
            judging.level(field, level, most);
        }
    }
    if let Some(tags) = &proposal.tags {
        judging.tags(tags);
    }
    let mut judged = judging.judged;
    ticket.prioritize(&settings.matrix);
    if *ticket != before {
        judged.changes = ticket.record_changes(&before, Some(directory), now);
    }
    judged
}

struct Judging<'a> {
    ticket: &'a mut Ticket,
    by: &'a str,
    directory: &'a dyn Lookup,
    now: DateTime<Utc>,
    taken: &'a mut FieldsTaken,
    judged: Judged,
}

impl Judging<'_> {
    fn kind(&mut self, proposed: &Proposed<TicketKind>) {
        let field = SuggestedField::Kind;
        let present = self.ticket.kind();
        if !self.judged.may_give(field, self.taken, self.by) {
            return;
        }
        match (proposed.strength, proposed.value) {
            (Strength::Suggested, kind) => {
                let value = kind.as_str().to_owned();
                let seen = Some(present.as_str().to_owned());
                self.judged.suggest(field, seen, value, proposed.confidence);
            }
            (Strength::Set, kind) if kind == present => {}
            (Strength::Set, kind) if kind.rules().has_requester() => {
                if !self.ticket.is_arriving(self.now) || !self.ticket.retype(kind) {
                    let why = said!(
                        "only a ticket that has just come in, without a catalog item, changes its \
                         kind; a person can convert it"
                    );
                    self.judged.overrule(field, why);
                }
            }
            (Strength::Set, kind) => {
                let why = said!("a {kind} can only be suggested", kind = kind.as_str());
                self.judged.overrule(field, why);
            }
        }
    }

    fn category(&mut self, proposed: &Proposed<String>) {
        let found = self.find(|references| references.category("", &proposed.value));
        let seen = self.ticket.category.as_ref().map(ToString::to_string);
        if let Some(value) = self.given(SuggestedField::Category, proposed, found, seen) {
            self.ticket.category = Some(value);
        }
    }

    fn service(&mut self, proposed: &Proposed<String>) {
        let found = self.find(|references| references.service("", &proposed.value));
        let seen = self.ticket.text_of(SuggestedField::Service, self.directory);
        if let Some(value) = self.given(SuggestedField::Service, proposed, found, seen) {
            self.ticket.service = Some(value);
        }
    }

    fn ci(&mut self, proposed: &Proposed<String>) {
        let found = self.find(|references| references.ci("", &proposed.value));
        let seen = self.ticket.text_of(SuggestedField::Ci, self.directory);
        if let Some(value) = self.given(SuggestedField::Ci, proposed, found, seen) {
            self.ticket.ci = Some(value);
        }
    }

    fn level(&mut self, field: SuggestedField, proposed: &Proposed<u8>, most: u8) {
        let found = self.find(|references| references.level("", proposed.value, most));
        let seen = self.ticket.text_of(field, self.directory);
        let Some(level) = self.given(field, proposed, found, seen) else { return };
        match field {
            SuggestedField::Impact => self.ticket.impact = Some(level),
            SuggestedField::Urgency => self.ticket.urgency = Some(level),
            SuggestedField::Priority => self.ticket.priority.policy = Some(level),
            SuggestedField::Kind
            | SuggestedField::Category
            | SuggestedField::Service
            | SuggestedField::Ci
            | SuggestedField::Team
            | SuggestedField::Assignee
            | SuggestedField::Tags
            | SuggestedField::Watchers => {}
        }
    }

    /// Labels are added, and several policies may add some.
    fn tags(&mut self, proposed: &Proposed<Vec<String>>) {
        let mut new = Vec::new();
        for tag in &proposed.value {
            let mut faults = Faults::new();
            let read = text::tags(&[tag], &mut faults);
            for fault in faults.into_vec() {
                let why = fault.message.trim_end_matches('.');
                self.judged.overrule(SuggestedField::Tags, said!("`{tag}`: {why}", tag, why));
            }
            new.extend(read.into_iter().filter(|tag| !self.ticket.tags.contains(tag)));
        }
        for tag in new.split_off(new.len().min(text::MAX_TAGS - self.ticket.tags.len())) {
            let most = text::MAX_TAGS;
            let why = said!("`{tag}` exceeds the maximum of {most}", tag, most);
            self.judged.overrule(SuggestedField::Tags, why);
        }
        match proposed.strength {
            Strength::Set => self.ticket.tags.extend(new),
            Strength::Suggested if new.is_empty() => {}
            Strength::Suggested => {
                let (field, confidence) = (SuggestedField::Tags, proposed.confidence);
                self.judged.suggest(field, None, new.join(", "), confidence);
            }
        }
    }

    /// Looks something up; an unknown value is what was wrong with it, as a sentence.
    fn find<T>(
        &self,
        look: impl FnOnce(&mut References<'_>) -> Option<T>,
    ) -> Result<T, Vec<String>> {
        let mut faults = Faults::new();
        let found = look(&mut References {
            directory: self.directory,
            org: self.ticket.org,
            faults: &mut faults,
        });
        let messages = || faults.into_vec().into_iter().map(|fault| fault.message.into()).collect();
        found.ok_or_else(messages)
    }

    /// The value to set, if it is known, the field is free, and it is meant to be set.
    fn given<T, V: ToString>(
        &mut self,
        field: SuggestedField,
        proposed: &Proposed<V>,
        found: Result<T, Vec<String>>,
        seen: Option<String>,
    ) -> Option<T> {
        let value = match found {
            Ok(value) => value,
            Err(messages) => {
                for message in messages {
                    self.judged.overrule(field, message);
                }
                return None;
            }
        };
        if !self.judged.may_give(field, self.taken, self.by) {
            return None;
        }
        match proposed.strength {
            Strength::Set => Some(value),
            Strength::Suggested => {
                let text = proposed.value.to_string();
                self.judged.suggest(field, seen, text, proposed.confidence);
                None
            }
        }
    }
}
