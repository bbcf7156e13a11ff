//! Deciding on a suggestion: a person takes it or turns it down. Until then it changes nothing.

use chrono::{DateTime, Utc};

use crate::{
    directory::{Lookup, References, ci_text, service_text, team_text},
    event::Change,
    ids::PersonId,
    organization::OrgSettings,
    priority::Matrix,
    refusal::{Faults, Refused},
    suggestion::{SuggestedField, Suggestion, SuggestionState},
    text,
    ticket::{Action, MAX_WATCHERS, Ticket, TicketKind},
};

/// What taking a suggestion did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// These fields changed.
    Changed(Vec<Change>),
    /// The ticket is to be converted; the caller does it with the action `convert`.
    Convert(TicketKind),
}

impl Ticket {
    /// Takes a suggestion. Refused when the field has moved on since, because the policy had not seen that.
    pub fn accept_suggestion(
        &mut self,
        suggestion: &mut Suggestion,
        by: PersonId,
        directory: &dyn Lookup,
        settings: &OrgSettings,
        now: DateTime<Utc>,
    ) -> Result<Accepted, Refused> {
        self.demand(Action::AcceptSuggestion)?;
        suggestion.demand_open()?;
        if self.text_of(suggestion.field, directory) != suggestion.seen {
            return Err(Refused::guard(format!(
                "{} has changed since it was suggested; dismiss the suggestion or set the field",
                suggestion.field
            )));
        }
        let accepted = self.take(suggestion, directory, settings, now)?;
        suggestion.state = SuggestionState::Accepted { by, at: now };
        Ok(accepted)
    }

    /// Turns a suggestion down.
    pub fn dismiss_suggestion(
        &mut self,
        suggestion: &mut Suggestion,
        by: PersonId,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::DismissSuggestion)?;
        suggestion.demand_open()?;
        suggestion.state = SuggestionState::Dismissed { by, at: now };
        Ok(Vec::new())
    }

    /// What a field holds, in the words in which suggestions are written.
    #[must_use]
    pub fn text_of(&self, field: SuggestedField, directory: &dyn Lookup) -> Option<String> {
        let directory = Some(directory);
        match field {
            SuggestedField::Kind => Some(self.kind().to_string()),
            SuggestedField::Category => self.category.as_ref().map(ToString::to_string),
            SuggestedField::Service => self.service.map(|id| service_text(directory, id)),
            SuggestedField::Ci => self.ci.map(|id| ci_text(directory, id)),
            SuggestedField::Impact => self.impact.map(|level| level.to_string()),
            SuggestedField::Urgency => self.urgency.map(|level| level.to_string()),
            SuggestedField::Priority => Some(self.priority.effective().0.to_string()),
            SuggestedField::Team => Some(team_text(directory, self.team)),
            SuggestedField::Assignee => self.assignee.map(|person| person.to_string()),
            // What is only added to is never outdated.
            SuggestedField::Tags | SuggestedField::Watchers => None,
        }
    }

    fn take(
        &mut self,
        suggestion: &Suggestion,
        directory: &dyn Lookup,
        settings: &OrgSettings,
        now: DateTime<Utc>,
    ) -> Result<Accepted, Refused> {
        let value = suggestion.value.as_str();
        if suggestion.field == SuggestedField::Kind {
            return value.parse().map(Accepted::Convert).map_err(|_| {
                Refused::guard(format!("the desk keeps no {value} records; dismiss the suggestion"))
            });
        }
        let mut after = self.clone();
        let mut faults = Faults::new();
        let mut find = References { directory, org: self.org, faults: &mut faults };
        let pointer = "/value";
        match suggestion.field {
            SuggestedField::Kind => {}
            SuggestedField::Category => after.category = find.category(pointer, value),
            SuggestedField::Service => after.service = find.service(pointer, value),
            SuggestedField::Ci => after.ci = find.ci(pointer, value),
            SuggestedField::Impact => {
                after.impact = find.level(pointer, number(value), settings.matrix.impacts());
            }
            SuggestedField::Urgency => {
                after.urgency = find.level(pointer, number(value), settings.matrix.urgencies());
            }
            SuggestedField::Priority => {
                after.priority.policy = find.level(pointer, number(value), Matrix::LOWEST.0);
            }
            SuggestedField::Team => {
                if let Some(team) = find.team(pointer, value) {
                    after.set_owner(team, None);
                }
            }
            SuggestedField::Assignee => match value.parse() {
                Ok(person) => {
                    self.check_owner(self.team, Some(person), directory, &mut faults);
                    after.set_owner(self.team, Some(person));
                }
                Err(_) => faults.wrong(pointer, "unknown", "the suggested person has no valid id"),
            },
            SuggestedField::Tags => {
                let all: Vec<&str> =
                    self.tags.iter().map(String::as_str).chain(several(value)).collect();
                after.tags = text::tags(&all, &mut faults);
            }
            SuggestedField::Watchers => {
                after.watchers.extend(several(value).filter_map(|id| id.parse::<PersonId>().ok()));
                if after.watchers.len() > MAX_WATCHERS {
                    let message = format!("a ticket has at most {MAX_WATCHERS} watchers");
                    faults.wrong(pointer, "too-many", message);
                }
            }
        }
        faults.finish()?;
        after.prioritize(&settings.matrix);
        let before = std::mem::replace(self, after);
        Ok(Accepted::Changed(self.settle(&before, Some(directory), now)))
    }
}

impl Suggestion {
    fn demand_open(&self) -> Result<(), Refused> {
        match &self.state {
            SuggestionState::Open => Ok(()),
            decided @ (SuggestionState::Accepted { .. } | SuggestionState::Dismissed { .. }) => {
                Err(Refused::guard(format!("the suggestion is {} already", decided.as_str())))
            }
        }
    }
}

/// The texts of a suggestion that has several.
fn several(value: &str) -> impl Iterator<Item = &str> {
    value.split(", ").filter(|text| !text.is_empty())
}

/// The level in a suggestion; 0, which is no level, for a text that is no number.
fn number(value: &str) -> u8 {
    value.parse().unwrap_or(0)
}
