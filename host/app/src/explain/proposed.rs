//! What an answer proposed, field by field, in the words in which a ticket tells its fields.

use waypost_domain::{
    directory::Lookup,
    ids::PersonId,
    receipt::Receipt,
    suggestion::SuggestedField,
    ticket::{Ticket, TicketKind},
};
use waypost_policy::{
    Answer, Reply,
    answer::{Kind, Proposal, Strength},
};

use crate::same_cases::same_cases;

/// What separates several values of a field.
const SEPARATOR: &str = ", ";

/// A value that an answer proposed for a field.
pub(super) struct Proposed {
    /// The field.
    pub(super) field: SuggestedField,
    /// The value; people are named by their ids.
    value: String,
    strength: Strength,
}

impl Proposed {
    /// What a policy proposed. Nothing where it declined or failed, or where a newer host wrote its
    /// answer.
    pub(super) fn by(receipt: &Receipt) -> Vec<Self> {
        let Ok(Reply::Answer(answer)) = Reply::from_json(&receipt.answer) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        match answer {
            Answer::Categorization(it) => {
                let as_is = |value: String| value;
                let level = |level: u8| level.to_string();
                all.extend(one(SuggestedField::Kind, it.kind, |it| kind(it).as_str().to_owned()));
                all.extend(one(SuggestedField::Category, it.category, |path| path.join("/")));
                all.extend(one(SuggestedField::Service, it.service, as_is));
                all.extend(one(SuggestedField::Ci, it.ci, as_is));
                all.extend(one(SuggestedField::Impact, it.impact, level));
                all.extend(one(SuggestedField::Urgency, it.urgency, level));
                all.extend(one(SuggestedField::Priority, it.priority, level));
                all.extend(one(SuggestedField::Tags, it.tags, |tags| tags.join(SEPARATOR)));
            }
            Answer::Assignment(it) => {
                let as_is = |value: String| value;
                all.extend(one(SuggestedField::Team, it.team, as_is));
                all.extend(one(SuggestedField::Assignee, it.assignee, as_is));
                all.extend(one(SuggestedField::Watchers, it.watchers, |ids| ids.join(SEPARATOR)));
            }
            Answer::Plan(_) | Answer::Nudge(_) | Answer::Notifications(_) => {}
        }
        all
    }

    /// Whether it was set, and is what the ticket holds still.
    pub(super) fn stands(&self, ticket: &Ticket, around: &dyn Lookup) -> bool {
        let value = match self.field {
            // A team may be named with its organization; the ticket tells its key.
            SuggestedField::Team => self.value.rsplit('/').next().unwrap_or_default(),
            _ => self.value.as_str(),
        };
        let now = ticket.text_of_field(self.field.as_str(), around);
        self.strength == Strength::Set && now.as_deref() == Some(value)
    }

    /// The people whom it names.
    pub(super) fn people(&self) -> Vec<PersonId> {
        let is_of_people =
            matches!(self.field, SuggestedField::Assignee | SuggestedField::Watchers);
        let named = self.value.split(SEPARATOR).filter(|_| is_of_people);
        named.filter_map(|id| id.parse().ok()).collect()
    }

    /// The value, with the names of people.
    pub(super) fn shown(&self, name_of: &dyn Fn(PersonId) -> String) -> String {
        let people = self.people();
        if people.is_empty() {
            return self.value.clone();
        }
        people.into_iter().map(name_of).collect::<Vec<_>>().join(SEPARATOR)
    }
}

same_cases! {
    fn kind(Kind) -> TicketKind { Incident, Request, Problem }
}

fn one<T>(
    field: SuggestedField,
    proposed: Option<Proposal<T>>,
    text: impl FnOnce(T) -> String,
) -> Option<Proposed> {
    let Proposal { value, strength, .. } = proposed?;
    Some(Proposed { field, value: text(value), strength })
}
