//! Approvers: the people behind what an approval policy calls them.

use crate::{directory::Lookup, ids::PersonId, ticket::Ticket};

/// Somebody who may vote, as a policy names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approver {
    /// One person.
    Person(PersonId),
    /// The requester's manager.
    Manager,
    /// The owner of the ticket's service.
    ServiceOwner,
    /// Every member of a team, by its key.
    Team(String),
    /// The lead of a team, by its key.
    TeamLead(String),
}

/// What is known about people while approvers are resolved.
pub struct ApproverFacts<'a> {
    /// Where teams and services are looked up.
    pub directory: &'a dyn Lookup,
    /// The requester's manager.
    pub manager: Option<PersonId>,
    /// Whether a person is there and can vote: of the organization or a team that serves it, and active.
    pub can_vote: &'a dyn Fn(PersonId) -> bool,
}

/// The people behind approvers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResolvedApprovers {
    /// Who votes, each once, in the order in which they were named.
    pub voters: Vec<PersonId>,
    /// Who could not be found, as sentences.
    pub notes: Vec<String>,
}

/// Finds the people behind the approvers of a step.
#[must_use]
pub fn resolve_approvers(
    approvers: &[Approver],
    ticket: &Ticket,
    facts: &ApproverFacts<'_>,
) -> ResolvedApprovers {
    let mut resolved = ResolvedApprovers::default();
    for approver in approvers {
        let found = match approver {
            Approver::Person(person) => Ok(vec![*person]),
            Approver::Manager => {
                facts.manager.map(|p| vec![p]).ok_or("the requester has no manager".to_owned())
            }
            Approver::ServiceOwner => ticket
                .service
                .and_then(|service| facts.directory.service(service))
                .and_then(|service| service.owner)
                .map(|owner| vec![owner])
                .ok_or("the ticket has no service with an owner".to_owned()),
            Approver::Team(key) => facts
                .directory
                .team_named(ticket.org, key)
                .filter(|team| team.serves(ticket.org))
                .map(|team| team.members.iter().copied().collect())
                .ok_or(format!("there is no active team `{key}`")),
            Approver::TeamLead(key) => facts
                .directory
                .team_named(ticket.org, key)
                .filter(|team| team.serves(ticket.org))
                .and_then(|team| team.lead)
                .map(|lead| vec![lead])
                .ok_or(format!("there is no active team `{key}` with a lead")),
        };
        match found {
            Ok(people) => {
                for person in people {
                    resolved.add(person, facts);
                }
            }
            Err(why) => resolved.notes.push(why),
        }
    }
    resolved
}

impl ResolvedApprovers {
    fn add(&mut self, person: PersonId, facts: &ApproverFacts<'_>) {
        if self.voters.contains(&person) {
            return;
        }
        if (facts.can_vote)(person) {
            self.voters.push(person);
        } else {
            self.notes.push(format!("{person} is not in the directory any more"));
        }
    }
}
