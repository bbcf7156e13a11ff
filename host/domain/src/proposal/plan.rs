//! Approvers: the people behind what an approval policy calls them.

use crate::{
    ids::{PersonId, TeamId},
    proposal::Proposer,
    said,
    said::Said,
    ticket::Ticket,
};

/// Somebody who may vote, as a policy names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approver {
    /// One person.
    Person(PersonId),
    /// The requester's manager.
    Manager,
    /// The manager of this person.
    ManagerOf(PersonId),
    /// The owner of the ticket's service.
    ServiceOwner,
    /// The owner of the configuration item's service, or else the lead of its support team.
    CiOwner,
    /// The lead of the team that owns the ticket.
    AssigneeLead,
    /// Every member of a team, as policies name teams.
    Team(String),
    /// The lead of a team, as policies name teams.
    TeamLead(String),
}

/// What is known about people while approvers are resolved.
pub struct ApproverFacts<'a> {
    /// Whose plan it is, and where teams and services are looked up.
    pub proposer: Proposer<'a>,
    /// The requester's manager.
    pub manager: Option<PersonId>,
    /// The manager of a person whom the plan names.
    pub manager_of: &'a dyn Fn(PersonId) -> Option<PersonId>,
    /// Whether a person is there and can vote: of the organization or a team that serves it.
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
            Approver::Manager => one(facts.manager, || said!("the requester has no manager")),
            Approver::ManagerOf(person) => {
                one((facts.manager_of)(*person), || said!("{person} has no manager", person))
            }
            Approver::ServiceOwner => one(facts.service_owner(ticket), || {
                said!("the ticket has no service with an owner")
            }),
            Approver::CiOwner => one(facts.ci_owner(ticket), || {
                said!(
                    "the ticket has no configuration item whose service has an owner, or whose \
                     support team has a lead"
                )
            }),
            Approver::AssigneeLead => one(facts.lead_of(ticket.team), || {
                said!("the team that owns the ticket has no lead")
            }),
            Approver::Team(name) => facts
                .proposer
                .team(ticket.org, name)
                .map(|team| team.members.iter().copied().collect()),
            Approver::TeamLead(name) => facts
                .proposer
                .team(ticket.org, name)
                .and_then(|team| one(team.lead, || said!("the team `{name}` has no lead", name))),
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

fn one(person: Option<PersonId>, why: impl FnOnce() -> Said) -> Result<Vec<PersonId>, String> {
    person.map(|person| vec![person]).ok_or_else(|| why().into())
}

/// Why a person whom a policy names cannot be asked for a vote.
#[must_use]
pub fn cannot_vote(person: PersonId) -> String {
    said!(
        "{person} cannot vote here: not active, an auditor, or a requester of another organization",
        person
    )
    .into()
}

impl ApproverFacts<'_> {
    fn service_owner(&self, ticket: &Ticket) -> Option<PersonId> {
        ticket.service.and_then(|service| self.proposer.directory.service(service)?.owner)
    }

    fn ci_owner(&self, ticket: &Ticket) -> Option<PersonId> {
        let directory = self.proposer.directory;
        let ci = directory.ci(ticket.ci?)?;
        let owner = ci.service.and_then(|service| directory.service(service)?.owner);
        owner.or_else(|| self.lead_of(ci.support_team?))
    }

    fn lead_of(&self, team: TeamId) -> Option<PersonId> {
        self.proposer.directory.team(team)?.lead
    }
}

impl ResolvedApprovers {
    fn add(&mut self, person: PersonId, facts: &ApproverFacts<'_>) {
        if self.voters.contains(&person) {
            return;
        }
        if (facts.can_vote)(person) {
            self.voters.push(person);
        } else {
            self.notes.push(cannot_vote(person));
        }
    }
}
