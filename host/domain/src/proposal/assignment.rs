//! Assignment: the team and the person that a policy proposes.

use chrono::{DateTime, Utc};

use crate::{
    directory::{Lookup, References},
    ids::PersonId,
    proposal::{FieldsTaken, Judged, Strength},
    refusal::Faults,
    suggestion::SuggestedField,
    ticket::{MAX_WATCHERS, Ticket},
};

/// Who should get a ticket, as a policy proposes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentProposal {
    /// The team's key.
    pub team: String,
    /// A member of it.
    pub assignee: Option<PersonId>,
    /// People who hear of every change. Whether they exist, the caller has found out.
    pub watchers: Vec<PersonId>,
    /// How strongly it is meant.
    pub strength: Strength,
    /// In percent.
    pub confidence: u8,
}

/// Judges an assignment by `by` and applies what is allowed.
///
/// A team that does not exist, is inactive or does not serve the organization changes nothing. A person who is no
/// member of the team is left out; the team still gets the ticket.
pub fn apply_assignment(
    ticket: &mut Ticket,
    proposal: &AssignmentProposal,
    by: &str,
    directory: &dyn Lookup,
    taken: &mut FieldsTaken,
    now: DateTime<Utc>,
) -> Judged {
    let mut judged = Judged::default();
    let mut faults = Faults::new();
    let mut references = References { directory, org: ticket.org, faults: &mut faults };
    let Some(team) = references.team("", &proposal.team) else {
        for fault in faults.into_vec() {
            judged.overrule(SuggestedField::Team, fault.message);
        }
        return judged;
    };
    if !judged.may_give(SuggestedField::Team, taken, by) {
        return judged;
    }
    let is_member =
        |person: &PersonId| directory.team(team).is_some_and(|found| found.has_member(*person));
    let assignee = proposal.assignee.filter(is_member);
    if proposal.assignee.is_some() && assignee.is_none() {
        let why = format!("this person is no member of the team `{}`", proposal.team);
        judged.overrule(SuggestedField::Assignee, why);
    }
    match proposal.strength {
        Strength::Suggested => {
            let seen = ticket.text_of_field(SuggestedField::Team.as_str(), directory);
            judged.suggest(SuggestedField::Team, seen, proposal.team.clone(), proposal.confidence);
            if let Some(person) = assignee {
                let seen = ticket.text_of_field(SuggestedField::Assignee.as_str(), directory);
                let value = person.to_string();
                judged.suggest(SuggestedField::Assignee, seen, value, proposal.confidence);
            }
        }
        Strength::Set => {
            let before = ticket.clone();
            if ticket.is_arriving(now) {
                // The first assignment takes the ticket from nobody.
                ticket.team = team;
                ticket.assignee = assignee;
            } else {
                ticket.set_owner(team, assignee);
            }
            for watcher in &proposal.watchers {
                if ticket.watchers.len() < MAX_WATCHERS {
                    ticket.watchers.insert(*watcher);
                }
            }
            if *ticket != before {
                judged.changes = ticket.settle(&before, Some(directory), now);
            }
        }
    }
    judged
}
