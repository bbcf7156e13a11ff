//! Suggestions of policies (requirement A7). Accepting and dismissing one are actions on its
//! ticket.

use std::collections::BTreeMap;

use waypost_domain::{
    ids::PersonId,
    suggestion::{SuggestedField, Suggestion, SuggestionState},
};
use waypost_store::{ReadTx, StoreError, ci, service, team};

use crate::{CommandError, labels::people_names, tickets::Look};

/// A suggestion, with its value as people read it.
#[derive(Debug, Clone)]
pub struct SuggestionView {
    /// The suggestion.
    pub suggestion: Suggestion,
    /// Its value: the names of what it names by keys or ids, and anything else as it is.
    pub shown: String,
}

impl Look<'_> {
    /// All suggestions for the ticket, the oldest first. For the desk.
    ///
    /// # Errors
    /// [`CommandError::Forbidden`] for a requester.
    pub async fn suggestions(&mut self) -> Result<Vec<Suggestion>, CommandError> {
        self.caller.must_be_desk()?;
        Ok(self.stored_suggestions().await?.to_vec())
    }

    /// The suggestions for the ticket that wait for a person, the oldest first. For the desk.
    ///
    /// # Errors
    /// As [`Look::suggestions`].
    pub async fn open_suggestions(&mut self) -> Result<Vec<SuggestionView>, CommandError> {
        let mut open = self.suggestions().await?;
        open.retain(|one| one.state == SuggestionState::Open);
        let stand_for = names(&mut self.tx, &open).await?;
        let view = |suggestion: Suggestion| {
            let shown = shown(&suggestion, &stand_for);
            SuggestionView { suggestion, shown }
        };
        Ok(open.into_iter().map(view).collect())
    }
}

/// What parts the values of a list.
const BETWEEN: &str = ", ";

/// What the keys and ids that fields would be set to stand for.
type Names = BTreeMap<(SuggestedField, String), String>;

async fn names(tx: &mut ReadTx, open: &[Suggestion]) -> Result<Names, StoreError> {
    let values = |field: SuggestedField| -> Vec<&str> {
        let all = open.iter().filter(|one| one.field == field);
        all.flat_map(|one| one.value.split(BETWEEN)).collect()
    };
    let mut names = Names::new();
    if !values(SuggestedField::Team).is_empty() {
        for (_, key, name) in team::names(tx).await? {
            names.insert((SuggestedField::Team, key.to_string()), name);
        }
    }
    if !values(SuggestedField::Service).is_empty() {
        for service in service::list(tx).await? {
            names.insert((SuggestedField::Service, service.key.to_string()), service.name);
        }
    }
    // There is one for each policy that suggests one at most.
    for key in values(SuggestedField::Ci) {
        if let Some(ci) = ci::find_by_key(tx, key).await? {
            names.insert((SuggestedField::Ci, key.to_owned()), ci.name);
        }
    }
    let of_people = [SuggestedField::Assignee, SuggestedField::Watchers];
    let ids = of_people.into_iter().flat_map(&values);
    let ids: Vec<PersonId> = ids.filter_map(|id| id.parse::<PersonId>().ok()).collect();
    for (id, name) in people_names(tx, ids).await? {
        for field in of_people {
            names.insert((field, id.to_string()), name.clone());
        }
    }
    Ok(names)
}

fn shown(suggestion: &Suggestion, names: &Names) -> String {
    let name = |value: &str| {
        let known = names.get(&(suggestion.field, value.to_owned()));
        known.cloned().unwrap_or_else(|| value.to_owned())
    };
    suggestion.value.split(BETWEEN).map(name).collect::<Vec<_>>().join(BETWEEN)
}
