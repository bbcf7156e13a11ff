//! Proposals: the contract's answers in the domain's words.

use waypost_domain::{
    approval::{Quorum, StageRule},
    ids::PersonId,
    proposal::{
        Approver, AssignmentProposal, CategorizationProposal, Proposed, Strength,
    },
    ticket::TicketKind,
};
use waypost_policy::contract;

/// A categorization in the domain's words.
pub(super) fn categorization(answer: &contract::Categorization) -> CategorizationProposal {
    CategorizationProposal {
        kind: answer
            .kind
            .as_ref()
            .and_then(|it| Some(proposed(kind(it.value)?, it.strength, it.confidence))),
        category: answer
            .category
            .as_ref()
            .map(|it| proposed(it.value.join("/"), it.strength, it.confidence)),
        service: answer
            .service
            .as_ref()
            .map(|it| proposed(it.value.clone(), it.strength, it.confidence)),
        ci: answer.ci.as_ref().map(|it| proposed(it.value.clone(), it.strength, it.confidence)),
        impact: answer.impact.as_ref().map(|it| proposed(it.value, it.strength, it.confidence)),
        urgency: answer.urgency.as_ref().map(|it| proposed(it.value, it.strength, it.confidence)),
        priority: answer.priority.as_ref().map(|it| proposed(it.value, it.strength, it.confidence)),
        tags: answer.tags.clone(),
    }
}

/// An assignment in the domain's words, and what of it made no sense.
pub(super) fn assignment(answer: &contract::Assignment) -> (AssignmentProposal, Vec<String>) {
    let mut notes = Vec::new();
    let assignee = answer.assignee.as_deref().and_then(|id| person(id, "assignee", &mut notes));
    let watchers =
        answer.watchers.iter().filter_map(|id| person(id, "watchers", &mut notes)).collect();
    if let Some(agreement) = &answer.agreement {
        notes.push(format!("agreement: `{agreement}` is not known to this desk"));
    }
    let proposal = AssignmentProposal {
        team: answer.team.clone(),
        assignee,
        watchers,
        strength: strength(answer.strength),
        confidence: answer.confidence,
    };
    (proposal, notes)
}

/// Approvers in the domain's words, and those that made no sense.
pub(super) fn approvers(named: &[contract::Approver]) -> (Vec<Approver>, Vec<String>) {
    let mut notes = Vec::new();
    let approvers = named
        .iter()
        .filter_map(|approver| match approver {
            contract::Approver::Person(id) => {
                person(id, "approvers", &mut notes).map(Approver::Person)
            }
            contract::Approver::Manager => Some(Approver::Manager),
            contract::Approver::ServiceOwner => Some(Approver::ServiceOwner),
            contract::Approver::Team(key) => Some(Approver::Team(key.clone())),
            contract::Approver::TeamLead(key) => Some(Approver::TeamLead(key.clone())),
        })
        .collect();
    (approvers, notes)
}

/// The people that a plan names by id, who are to be looked up.
pub(super) fn people_named(stages: &[contract::Stage]) -> Vec<PersonId> {
    stages
        .iter()
        .flat_map(|stage| &stage.steps)
        .flat_map(|step| step.approvers.iter().chain(&step.mandatory))
        .filter_map(|approver| match approver {
            contract::Approver::Person(id) => id.parse().ok(),
            contract::Approver::Manager
            | contract::Approver::ServiceOwner
            | contract::Approver::Team(_)
            | contract::Approver::TeamLead(_) => None,
        })
        .collect()
}

/// A quorum in the domain's words.
pub(super) fn quorum(quorum: contract::Quorum) -> Quorum {
    match quorum {
        contract::Quorum::Any => Quorum::Any,
        contract::Quorum::All => Quorum::All,
        contract::Quorum::Count(count) => Quorum::Count(count),
        contract::Quorum::Majority => Quorum::Majority,
        contract::Quorum::Percent(percent) => Quorum::Percent(percent),
    }
}

/// A stage's rule in the domain's words.
pub(super) fn stage_rule(rule: contract::StageRule) -> StageRule {
    match rule {
        contract::StageRule::All => StageRule::All,
        contract::StageRule::Any => StageRule::Any,
        contract::StageRule::Majority => StageRule::Majority,
        contract::StageRule::FirstDecided => StageRule::FirstDecided,
    }
}

fn proposed<T>(value: T, meant: contract::Strength, confidence: u8) -> Proposed<T> {
    Proposed { value, strength: strength(meant), confidence }
}

fn strength(strength: contract::Strength) -> Strength {
    match strength {
        contract::Strength::Set => Strength::Set,
        contract::Strength::Suggested => Strength::Suggested,
    }
}

/// The kind in the domain's words; none for one that the desk does not keep.
fn kind(kind: contract::Kind) -> Option<TicketKind> {
    match kind {
        contract::Kind::Incident => Some(TicketKind::Incident),
        contract::Kind::Request => Some(TicketKind::Request),
        contract::Kind::Problem => Some(TicketKind::Problem),
        contract::Kind::Change => None,
    }
}

fn person(id: &str, field: &str, notes: &mut Vec<String>) -> Option<PersonId> {
    let parsed = id.parse().ok();
    if parsed.is_none() {
        notes.push(format!("{field}: `{id}` is no person's id"));
    }
    parsed
}
