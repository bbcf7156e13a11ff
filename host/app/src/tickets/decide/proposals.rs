//! Proposals: the contract's answers in the domain's words.

use waypost_domain::{
    approval::{Quorum, StageRule},
    ids::PersonId,
    proposal::{Approver, AssignmentProposal, CategorizationProposal, Proposed, Strength},
    said,
    suggestion::SuggestedField,
    ticket::TicketKind,
};
use waypost_policy::answer;

use crate::same_cases::same_cases;

/// A categorization in the domain's words.
pub(super) fn categorization(answer: &answer::Categorization) -> CategorizationProposal {
    CategorizationProposal {
        kind: answer.kind.as_ref().map(|it| proposed(it, |value| kind(*value))),
        category: answer.category.as_ref().map(|it| proposed(it, |value| value.join("/"))),
        service: answer.service.as_ref().map(same),
        ci: answer.ci.as_ref().map(same),
        impact: answer.impact.as_ref().map(same),
        urgency: answer.urgency.as_ref().map(same),
        priority: answer.priority.as_ref().map(same),
        tags: answer.tags.as_ref().map(same),
    }
}

/// An assignment in the domain's words, and what of it made no sense. Watchers whom nobody knows
/// are left out, and named.
pub(super) fn assignment(
    answer: &answer::Assignment,
    is_known: impl Fn(PersonId) -> bool,
) -> (AssignmentProposal, Vec<String>) {
    let mut notes = Vec::new();
    let assignee = answer.assignee.as_ref().and_then(|it| {
        let value = person(&it.value, "assignee", &mut notes)?;
        Some(proposed(it, |_| value))
    });
    let watchers = answer.watchers.as_ref().map(|it| {
        proposed(it, |ids| {
            let read = ids.iter().filter_map(|id| person(id, "watchers", &mut notes));
            let (known, unknown) = read.partition::<Vec<_>, _>(|id| is_known(*id));
            notes.extend(unknown.iter().map(|id| {
                let field = SuggestedField::Watchers;
                let why = said!("`{id}` is neither the requester nor somebody of the desk", id);
                String::from(said!("{field}: {why}", field, why))
            }));
            known
        })
    });
    let team = answer.team.as_ref().map(same);
    (AssignmentProposal { team, assignee, watchers }, notes)
}

/// Approvers in the domain's words, and those that made no sense.
pub(super) fn approvers(named: &[answer::Approver]) -> (Vec<Approver>, Vec<String>) {
    let mut notes = Vec::new();
    let approvers = named
        .iter()
        .filter_map(|approver| match approver {
            answer::Approver::Person(id) => {
                person(id, "approvers", &mut notes).map(Approver::Person)
            }
            answer::Approver::Manager => Some(Approver::Manager),
            answer::Approver::ManagerOf(id) => {
                person(id, "approvers", &mut notes).map(Approver::ManagerOf)
            }
            answer::Approver::ServiceOwner => Some(Approver::ServiceOwner),
            answer::Approver::CiOwner => Some(Approver::CiOwner),
            answer::Approver::AssigneeLead => Some(Approver::AssigneeLead),
            answer::Approver::Team(name) => Some(Approver::Team(name.clone())),
            answer::Approver::TeamLead(name) => Some(Approver::TeamLead(name.clone())),
        })
        .collect();
    (approvers, notes)
}

/// The people that a plan names by id, who are to be looked up.
pub(super) fn people_named(stages: &[answer::Stage]) -> Vec<PersonId> {
    stages
        .iter()
        .flat_map(|stage| &stage.steps)
        .flat_map(|step| step.approvers.iter().chain(&step.mandatory))
        .filter_map(|approver| match approver {
            answer::Approver::Person(id) | answer::Approver::ManagerOf(id) => id.parse().ok(),
            answer::Approver::Manager
            | answer::Approver::ServiceOwner
            | answer::Approver::CiOwner
            | answer::Approver::AssigneeLead
            | answer::Approver::Team(_)
            | answer::Approver::TeamLead(_) => None,
        })
        .collect()
}

/// A quorum in the domain's words.
pub(super) fn quorum(quorum: answer::Quorum) -> Quorum {
    match quorum {
        answer::Quorum::Any => Quorum::Any,
        answer::Quorum::All => Quorum::All,
        answer::Quorum::Count(count) => Quorum::Count(count),
        answer::Quorum::Majority => Quorum::Majority,
        answer::Quorum::Percent(percent) => Quorum::Percent(percent),
    }
}

same_cases! {
    /// A stage's rule in the domain's words.
    pub(super) fn stage_rule(answer::StageRule) -> StageRule { All, Any, Majority, FirstDecided }
}

fn proposed<T, U>(given: &answer::Proposal<T>, read: impl FnOnce(&T) -> U) -> Proposed<U> {
    Proposed {
        value: read(&given.value),
        strength: strength(given.strength),
        confidence: given.confidence,
    }
}

fn same<T: Clone>(given: &answer::Proposal<T>) -> Proposed<T> {
    proposed(given, T::clone)
}

same_cases! {
    fn strength(answer::Strength) -> Strength { Set, Suggested }
}

same_cases! {
    fn kind(answer::Kind) -> TicketKind { Incident, Request, Problem }
}

fn person(id: &str, field: &str, notes: &mut Vec<String>) -> Option<PersonId> {
    let parsed = id.parse().ok();
    if parsed.is_none() {
        let why = said!("`{id}` is not a person's id", id);
        notes.push(said!("{field}: {why}", field, why).into());
    }
    parsed
}
