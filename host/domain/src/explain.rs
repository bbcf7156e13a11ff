//! Explaining: why a ticket is where it is, as facts, at most one screen of them (requirement Q1).
//!
//! A fact holds what there is to say, and no words: a front end says it in its reader's language.
//! In English, [`Fact::sentence`] does.

mod english;
#[cfg(test)]
mod rules;

use chrono::{DateTime, Utc};

use crate::{
    approval::{Approval, Outcome, Step, quorum::Tally},
    binding::Hook,
    ids::{EvaluationId, PersonId},
    incident::Major,
    key::CategoryPath,
    organization::OrgSettings,
    priority::{Level, PrioritySource},
    proposal, receipt,
    suggestion::SuggestedField,
    ticket::{State, Ticket, TicketKind},
    waiting::WaitingFor,
};

/// What an explanation needs beside the ticket: names that people read, and what policies decided.
pub struct Surroundings<'a> {
    /// The team's name.
    pub team: &'a str,
    /// The service's name.
    pub service: Option<&'a str>,
    /// The configuration item's name.
    pub ci: Option<&'a str>,
    /// The catalog item's name.
    pub item: Option<&'a str>,
    /// What policies decided, in the order in which they were asked.
    pub decisions: &'a [Decided],
    /// The policies that were not asked, because a lower layer replaces them.
    pub not_asked: &'a [NotAsked],
    /// What became of the messages about it.
    pub messages: Messages,
    /// How many suggestions wait for a person.
    pub open_suggestions: usize,
    /// The ticket's latest round of approval.
    pub approval: Option<&'a Approval>,
    /// The name of a person.
    pub name_of: &'a dyn Fn(PersonId) -> String,
    /// The organization's settings.
    pub settings: &'a OrgSettings,
}

/// What a policy decided about the ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The round that it belongs to.
    pub evaluation: EvaluationId,
    /// What it was asked.
    pub hook: Hook,
    /// Its name, and whose it is.
    pub policy: PolicyName,
    /// What became of it.
    pub outcome: receipt::Outcome,
    /// The fields that it set and that it still decides.
    pub gave: Vec<SuggestedField>,
    /// What it proposed, by field, in the words in which people read it.
    pub proposed: Vec<(SuggestedField, String)>,
    /// Its reasons.
    pub reasons: Vec<String>,
}

/// Policies that are not asked at a hook, because a lower layer has one that replaces them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAsked {
    /// The hook.
    pub hook: Hook,
    /// The policies.
    pub policies: Vec<PolicyName>,
    /// The name of the organization that replaces them.
    pub by: String,
}

/// How many messages there are about a ticket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Messages {
    /// They were handed over.
    pub sent: u64,
    /// They leave as soon as it is their turn.
    pub waiting: u64,
    /// They leave at a later time, which their policy named.
    pub delayed: u64,
}

/// A screen has 24 lines, and some of them are needed for the question.
pub const MAX_FACTS: usize = 18;

/// One thing that an explanation says. Names are those that people read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// What the ticket is, whose it is, what it is about, and its state.
    Subject {
        /// Its number; empty where it has none yet.
        number: String,
        /// Its kind.
        kind: TicketKind,
        /// Who asked for it.
        requester: Option<String>,
        /// Its state.
        state: State,
        /// Since when it is in that state.
        since: DateTime<Utc>,
        /// The catalog item that it asks for.
        catalog_item: Option<String>,
        /// The service that it is about.
        service: Option<String>,
        /// The configuration item that it is about.
        ci: Option<String>,
    },
    /// Its priority.
    Priority {
        /// The level that counts.
        level: Level,
        /// Who set it; the default is what the matrix gives.
        set_by: Setter,
        /// What the organization's matrix gives.
        matrix: Level,
        /// For this impact; where it is not known, it counts as 3.
        impact: Option<Level>,
        /// And this urgency; as above.
        urgency: Option<Level>,
        /// The policy that set one of these two, where the matrix decides.
        rated_by: Option<Policy>,
    },
    /// Its category.
    Category {
        /// The category.
        category: CategoryPath,
        /// Who set it.
        set_by: Setter,
    },
    /// It has no category: neither a person nor a policy has set one.
    NoCategory,
    /// Its team, and who works on it.
    Team {
        /// The team.
        team: String,
        /// Who set it; the default is the organization's fallback team.
        set_by: Setter,
        /// Who works on it.
        assignee: Option<String>,
    },
    /// Where an incident stands as a major one.
    Major(MajorFact),
    /// Its latest round of approval.
    Approval(ApprovalFact),
    /// A policy had no opinion.
    Declined {
        /// What it was asked.
        hook: Hook,
        /// The policy, with its reasons.
        policy: Policy,
    },
    /// Something stood against what a policy decided.
    Overruled {
        /// What it was asked.
        hook: Hook,
        /// The policy, with its reasons.
        policy: Policy,
        /// What it wanted and did not get, by field.
        wanted: Vec<(SuggestedField, String)>,
        /// What stood against it.
        by: Vec<String>,
    },
    /// A policy failed.
    Failed {
        /// What it was asked.
        hook: Hook,
        /// The policy; it gave no reasons.
        policy: Policy,
        /// The failure's code.
        code: String,
        /// What decided instead.
        fallback: String,
    },
    /// Policies were not asked, because a lower layer replaces them.
    NotAsked(NotAsked),
    /// People were told of it, or will be.
    Messages(Messages),
    /// Policies have suggested something, and nobody has said yes or no.
    Suggestions {
        /// How many suggestions there are.
        open: usize,
    },
    /// There were more decisions than fit on a screen; the receipts tell them.
    MoreDecisions {
        /// How many were left out.
        count: usize,
    },
    /// What it waits for.
    Waiting {
        /// Whom or what.
        on: AwaitedFact,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// It waits for nobody.
    NotWaiting,
}

/// Who or what set a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setter {
    /// A policy; none where it is no longer known which.
    Policy(Option<Policy>),
    /// A person, with their reason where one was asked for.
    Person(Option<String>),
    /// Nobody did.
    Default,
}

/// What a policy is called: `team-router r2 of Acme`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyName {
    /// The name of its binding.
    pub binding: String,
    /// The revision of the binding.
    pub revision: i64,
    /// The name of the organization whose it is.
    pub layer: String,
}

impl std::fmt::Display for PolicyName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} r{} of {}", self.binding, self.revision, self.layer)
    }
}

/// A policy, and why it decided as it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name, and whose it is.
    pub name: PolicyName,
    /// Its reasons.
    pub reasons: Vec<String>,
}

/// Where an incident stands as a major one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MajorFact {
    /// Somebody has to decide whether it is one.
    Proposed,
    /// It was proposed, and is none.
    Rejected,
    /// It is one.
    Accepted {
        /// Who leads it.
        manager: String,
        /// Who tells everybody.
        communication_owner: String,
        /// When the next update is due.
        next_update_at: DateTime<Utc>,
        /// Whether that time passed without one.
        update_missed: bool,
    },
    /// It was one, and its review is not complete.
    Review,
    /// It was one, and its review is complete.
    Done,
}

/// A round of approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalFact {
    /// Which round it is.
    pub round: i64,
    /// What came of it.
    pub outcome: Outcome,
    /// The steps of the open stage.
    pub steps: Vec<StepFact>,
    /// The vote that decided against it.
    pub rejection: Option<VoteAgainst>,
}

/// How far a step of an approval is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepFact {
    /// Its name.
    pub name: String,
    /// How many have approved.
    pub approved: usize,
    /// How many have to.
    pub needed: usize,
}

/// A vote against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoteAgainst {
    /// Whose.
    pub voter: String,
    /// In which step.
    pub step: String,
    /// Why.
    pub comment: Option<String>,
}

/// Whom or what a ticket waits for, by the names that people read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwaitedFact {
    /// The votes of these people.
    Approvers(Vec<String>),
    /// An approval that nobody can give.
    ApproverMissing,
    /// The requester's reply.
    Caller,
    /// A vendor.
    Vendor(String),
    /// Evidence from a person.
    Evidence(String),
    /// A problem to be fixed.
    Problem,
    /// Something else, in a person's words.
    Other(String),
    /// Other tasks.
    Tasks,
    /// Who works on it.
    Assignee(String),
    /// Its team, to take it.
    Team(String),
    /// The requester's word that all is well.
    Confirmation {
        /// When it closes by itself; none for never.
        closes_at: Option<DateTime<Utc>>,
    },
}

/// Explains a ticket: what it is, its priority, category, team and approvals, what went wrong, what
/// it waits for.
#[must_use]
pub fn explain(ticket: &Ticket, facts: &Surroundings<'_>) -> Vec<Fact> {
    let mut told = vec![
        subject(ticket, facts),
        priority(ticket, facts),
        category(ticket, facts),
        team(ticket, facts),
    ];
    told.extend(major(ticket, facts));
    told.extend(facts.approval.map(|approval| approvals(approval, facts)));
    if facts.messages != Messages::default() {
        told.push(Fact::Messages(facts.messages));
    }
    let mut troubles: Vec<Fact> = facts.decisions.iter().filter_map(trouble).collect();
    if facts.open_suggestions > 0 {
        troubles.push(Fact::Suggestions { open: facts.open_suggestions });
    }
    // The last ones are who was not asked, once for a hook, and what it waits for.
    let room = MAX_FACTS - told.len() - facts.not_asked.len().min(Hook::ALL.len()) - 1;
    if troubles.len() > room {
        let count = troubles.len() - (room - 1);
        troubles.truncate(room - 1);
        troubles.push(Fact::MoreDecisions { count });
    }
    told.extend(troubles);
    told.extend(facts.not_asked.iter().take(Hook::ALL.len()).cloned().map(Fact::NotAsked));
    told.push(waiting(ticket, facts));
    told
}

fn subject(ticket: &Ticket, facts: &Surroundings<'_>) -> Fact {
    Fact::Subject {
        number: ticket.number.clone(),
        kind: ticket.kind(),
        requester: ticket.requester.map(facts.name_of),
        state: ticket.state(),
        since: ticket.state_since,
        catalog_item: facts.item.map(str::to_owned),
        service: facts.service.map(str::to_owned),
        ci: facts.ci.map(str::to_owned),
    }
}

fn priority(ticket: &Ticket, facts: &Surroundings<'_>) -> Fact {
    let (level, source) = ticket.priority.effective();
    let (set_by, rated_by) = match (source, &ticket.priority.manual) {
        (PrioritySource::Override, Some((_, reason))) => {
            (Setter::Person(Some(reason.clone())), None)
        }
        (PrioritySource::Policy, _) => {
            (Setter::Policy(by(facts, &[SuggestedField::Priority])), None)
        }
        (PrioritySource::Override | PrioritySource::Matrix, _) => {
            (Setter::Default, by(facts, &[SuggestedField::Impact, SuggestedField::Urgency]))
        }
    };
    let (impact, urgency) = (ticket.impact, ticket.urgency);
    Fact::Priority { level, set_by, matrix: ticket.priority.matrix, impact, urgency, rated_by }
}

fn category(ticket: &Ticket, facts: &Surroundings<'_>) -> Fact {
    let Some(category) = ticket.category.clone() else { return Fact::NoCategory };
    let set_by = match by(facts, &[SuggestedField::Category]) {
        Some(policy) => Setter::Policy(Some(policy)),
        None => Setter::Person(None),
    };
    Fact::Category { category, set_by }
}

fn team(ticket: &Ticket, facts: &Surroundings<'_>) -> Fact {
    let set_by = match by(facts, &[SuggestedField::Team]) {
        Some(policy) => Setter::Policy(Some(policy)),
        None if ticket.team == facts.settings.fallback_team => Setter::Default,
        None => Setter::Person(None),
    };
    let assignee = ticket.assignee.map(facts.name_of);
    Fact::Team { team: facts.team.to_owned(), set_by, assignee }
}

/// Where an incident stands as a major one; nothing for all others.
fn major(ticket: &Ticket, facts: &Surroundings<'_>) -> Option<Fact> {
    Some(Fact::Major(match &ticket.incident()?.major {
        Major::None => return None,
        Major::Proposed => MajorFact::Proposed,
        Major::Rejected => MajorFact::Rejected,
        Major::Accepted { led_by, next_update_at, update_missed } => MajorFact::Accepted {
            manager: (facts.name_of)(led_by.manager),
            communication_owner: (facts.name_of)(led_by.communication_owner),
            next_update_at: *next_update_at,
            update_missed: *update_missed,
        },
        Major::Review { .. } => MajorFact::Review,
        Major::Done { .. } => MajorFact::Done,
    }))
}

fn approvals(approval: &Approval, facts: &Surroundings<'_>) -> Fact {
    let is_open = matches!(approval.outcome, Outcome::Waiting | Outcome::Pending);
    let steps = approval.open_stage().filter(|_| is_open).map(|stage| &stage.steps);
    let mut rejections = approval.rejections();
    let rejection = rejections.next().filter(|_| approval.outcome == Outcome::Rejected);
    Fact::Approval(ApprovalFact {
        round: approval.round,
        outcome: approval.outcome,
        steps: steps.into_iter().flatten().map(step).collect(),
        rejection: rejection.map(|(step, request)| VoteAgainst {
            voter: (facts.name_of)(request.voter),
            step: step.name.clone(),
            comment: request.comment.clone(),
        }),
    })
}

fn step(step: &Step) -> StepFact {
    let tally = Tally::of(step);
    let needed = step.quorum.needed(tally.seats);
    StepFact { name: step.name.clone(), approved: tally.approved, needed }
}

/// What a policy could not do, or did not want to.
fn trouble(decided: &Decided) -> Option<Fact> {
    let (hook, name) = (decided.hook, decided.policy.clone());
    let policy = Policy { name, reasons: decided.reasons.clone() };
    match &decided.outcome {
        receipt::Outcome::Applied | receipt::Outcome::Suggested => None,
        receipt::Outcome::Declined => Some(Fact::Declined { hook, policy }),
        receipt::Outcome::Overruled(by) => {
            let lost: Vec<SuggestedField> =
                by.iter().filter_map(|why| proposal::field_overruled(why)).collect();
            let wanted = decided.proposed.iter().filter(|(field, _)| lost.contains(field));
            let wanted = wanted.cloned().collect();
            Some(Fact::Overruled { hook, policy, wanted, by: by.clone() })
        }
        receipt::Outcome::Failed { code, fallback, .. } => {
            let (code, fallback) = (code.clone(), fallback.clone());
            Some(Fact::Failed { hook, policy, code, fallback })
        }
    }
}

fn waiting(ticket: &Ticket, facts: &Surroundings<'_>) -> Fact {
    let open = facts.approval.filter(|approval| approval.outcome == Outcome::Pending);
    let Some(waiting) = ticket.waiting_on(open, facts.settings) else { return Fact::NotWaiting };
    let name = facts.name_of;
    let on = match waiting.what {
        WaitingFor::Approvers(people) => {
            AwaitedFact::Approvers(people.into_iter().map(name).collect())
        }
        WaitingFor::ApproverMissing => AwaitedFact::ApproverMissing,
        WaitingFor::Caller => AwaitedFact::Caller,
        WaitingFor::Vendor(vendor) => AwaitedFact::Vendor(vendor),
        WaitingFor::Evidence(person) => AwaitedFact::Evidence(name(person)),
        WaitingFor::Problem(_) => AwaitedFact::Problem,
        WaitingFor::Other(what) => AwaitedFact::Other(what),
        WaitingFor::Tasks => AwaitedFact::Tasks,
        WaitingFor::Assignee(person) => AwaitedFact::Assignee(name(person)),
        WaitingFor::Team(_) => AwaitedFact::Team(facts.team.to_owned()),
        WaitingFor::Confirmation { closes_at } => AwaitedFact::Confirmation { closes_at },
    };
    Fact::Waiting { on, since: waiting.since }
}

/// The policy that gave one of these fields, with its reasons.
fn by(facts: &Surroundings<'_>, fields: &[SuggestedField]) -> Option<Policy> {
    let gave = |decision: &&Decided| fields.iter().any(|field| decision.gave.contains(field));
    // The latest round stands, and in it the policy that was asked first: those after it may have
    // said the same, but were overruled.
    let latest = facts.decisions.iter().rev().find(gave)?.evaluation;
    let decision = facts.decisions.iter().filter(|one| one.evaluation == latest).find(gave)?;
    Some(Policy { name: decision.policy.clone(), reasons: decision.reasons.clone() })
}
