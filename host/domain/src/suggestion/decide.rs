//! Deciding on a suggestion: a person takes it or turns it down. Until then it changes nothing.

use crate::{
    directory::{Lookup, References},
    ids::PersonId,
    priority::Matrix,
    refusal::{Faults, Refused},
    said,
    said::Part,
    suggestion::{SuggestedField, Suggestion, SuggestionState},
    text,
    ticket::{Given, MAX_WATCHERS, Notice, Ticket, TicketKind, Turn, Value},
};

/// Takes a suggestion: the field changes as if the person had changed it. A suggested kind is left
/// to the action `convert`. Refused when the field has moved on since, because the policy had not
/// seen that.
pub(crate) fn accept(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let (by, suggestion) = open(turn)?;
    let field = suggestion.field;
    if ticket.text_of(field, turn.directory) != suggestion.seen {
        return Err(Refused::guard(said!(
            "{field} has changed since it was suggested; dismiss the suggestion or set the field.",
            field
        )));
    }
    ticket.take(&suggestion, turn)?;
    if matches!(field, SuggestedField::Team | SuggestedField::Assignee) {
        turn.left.tells = Some(Some(Notice::Assigned));
    }
    decide(turn, suggestion, SuggestionState::Accepted { by, at: turn.now });
    Ok(())
}

/// Turns a suggestion down.
pub(crate) fn dismiss(_: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let (by, suggestion) = open(turn)?;
    decide(turn, suggestion, SuggestionState::Dismissed { by, at: turn.now });
    Ok(())
}

/// Who decides, and the suggestion, while nobody has decided on it.
fn open(turn: &mut Turn<'_>) -> Result<(PersonId, Suggestion), Refused> {
    turn.fields_are_right()?;
    let (Some(by), Some(suggestion)) = (turn.by.person, turn.beside.suggestion.clone()) else {
        return Err(Refused::guard(said!(
            "Only a person can decide on a suggestion; use a person's token."
        )));
    };
    match &suggestion.state {
        SuggestionState::Open => Ok((by, suggestion)),
        decided @ (SuggestionState::Accepted { .. } | SuggestionState::Dismissed { .. }) => {
            Err(Refused::guard(said!(
                "The suggestion is already {decided}.",
                decided = Part::word("suggestion", decided.as_str())
            )))
        }
    }
}

fn decide(turn: &mut Turn<'_>, suggestion: Suggestion, state: SuggestionState) {
    turn.left.reason = Some(suggestion.told());
    turn.beside.suggestion = Some(Suggestion { state, ..suggestion });
}

impl Suggestion {
    /// The kind of ticket that it suggests; none for every other field, and for a kind that the
    /// desk does not keep.
    #[must_use]
    pub fn kind(&self) -> Option<TicketKind> {
        self.value.parse().ok().filter(|_| self.field == SuggestedField::Kind)
    }

    /// What it suggests, as a reason of what follows from it.
    fn told(&self) -> String {
        said!("suggested {field}: {value}", field = self.field, value = self.value).into()
    }

    /// What the action `convert` is given to follow it.
    #[must_use]
    pub fn conversion(&self) -> Option<Given> {
        let reason = self.told();
        let given = |kind: TicketKind| {
            Given::default()
                .with("to", Value::Text(kind.to_string()))
                .with("reason", Value::Text(reason))
        };
        self.kind().map(given)
    }
}

impl Ticket {
    /// What a field holds, in the words in which suggestions are written.
    #[must_use]
    pub fn text_of(&self, field: SuggestedField, directory: &dyn Lookup) -> Option<String> {
        match field {
            // What is only added to is never outdated.
            SuggestedField::Tags | SuggestedField::Watchers => None,
            field => self.text_of_field(field.as_str(), directory),
        }
    }

    fn take(&mut self, suggestion: &Suggestion, turn: &Turn<'_>) -> Result<(), Refused> {
        let (value, settings) = (suggestion.value.as_str(), turn.settings);
        let mut faults = Faults::new();
        let mut find = References { directory: turn.directory, org: self.org, faults: &mut faults };
        let pointer = "/value";
        match suggestion.field {
            SuggestedField::Kind => {
                if suggestion.kind().is_none() {
                    return Err(Refused::guard(said!(
                        "`{value}` is not a valid kind of ticket; dismiss the suggestion.",
                        value
                    )));
                }
            }
            SuggestedField::Category => self.category = find.category(pointer, value),
            SuggestedField::Service => self.service = find.service(pointer, value),
            SuggestedField::Ci => self.ci = find.ci(pointer, value),
            SuggestedField::Impact => {
                self.impact = find.level(pointer, number(value), settings.matrix.impacts());
            }
            SuggestedField::Urgency => {
                self.urgency = find.level(pointer, number(value), settings.matrix.urgencies());
            }
            SuggestedField::Priority => {
                self.priority.policy = find.level(pointer, number(value), Matrix::LOWEST.0);
            }
            SuggestedField::Team => {
                if let Some(team) = find.team(pointer, value) {
                    self.set_owner(team, None);
                }
            }
            SuggestedField::Assignee => match value.parse() {
                Ok(person) => {
                    let (team, directory) = (self.team, turn.directory);
                    crate::directory::check_owner(
                        self.org,
                        team,
                        Some(person),
                        directory,
                        &mut faults,
                    );
                    self.set_owner(team, Some(person));
                }
                Err(_) => {
                    faults.wrong(
                        pointer,
                        "unknown",
                        said!("The suggested person has no valid id."),
                    );
                }
            },
            SuggestedField::Tags => {
                let all: Vec<&str> =
                    self.tags.iter().map(String::as_str).chain(several(value)).collect();
                self.tags = text::tags(&all, &mut faults);
            }
            SuggestedField::Watchers => {
                self.watchers.extend(several(value).filter_map(|id| id.parse::<PersonId>().ok()));
                if self.watchers.len() > MAX_WATCHERS {
                    let message =
                        said!("A ticket has at most {most} watchers.", most = MAX_WATCHERS);
                    faults.wrong(pointer, "too-many", message);
                }
            }
        }
        faults.finish()?;
        self.prioritize(&settings.matrix);
        Ok(())
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
