//! The explanation of a ticket, as it is told.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use waypost_app::explain::{ExplainedDecision, Explanation};
use waypost_domain::{
    explain::{
        ApprovalFact, AwaitedFact, Fact, MajorFact, Messages, NotAsked, Policy, PolicyName, Setter,
        StepFact, VoteAgainst,
    },
    incident::MajorState,
    receipt::Outcome,
    suggestion::SuggestedField,
    waiting::WaitingKind,
};

use crate::{
    receipts::OutcomeOut,
    wire::{
        ApprovalOutcomeName, HookName, KindName, MajorStateName, StateName, SuggestedFieldName,
        WaitingKindName,
    },
};

/// Why a ticket has its priority, team and state.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Explanation)]
pub(super) struct ExplanationOut {
    /// The ticket's number.
    number: String,
    /// What there is to say, at most one screen of it.
    facts: Vec<FactOut>,
    /// What policies decided, in the order in which they were asked.
    decisions: Vec<ExplainedDecisionOut>,
}

/// One thing that an explanation says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedFact)]
struct FactOut {
    /// The fact as an English sentence.
    text: String,
    #[serde(flatten)]
    fact: FactKindOut,
}

/// What the fact is about, and what it says. Names are those that people read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedFactKind)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum FactKindOut {
    /// What the ticket is, whose it is, what it is about, and its state.
    Subject {
        /// Its number.
        number: String,
        /// Its kind.
        ticket_kind: KindName,
        /// Who asked for it.
        requester: Option<String>,
        /// Its state.
        state: StateName,
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
        /// The effective priority.
        priority: u8,
        /// Who set it; the default is what the matrix gives.
        set_by: SetterOut,
        /// Value of the organization's matrix.
        matrix: u8,
        /// Its impact; an unknown one counts as 3.
        impact: Option<u8>,
        /// Its urgency; an unknown one counts as 3.
        urgency: Option<u8>,
        /// The policy that set one of these two, where the matrix decides.
        rated_by: Option<PolicyOut>,
    },
    /// Its category.
    Category {
        /// The path of the category.
        category: String,
        /// Who set it.
        set_by: SetterOut,
    },
    /// It has no category: neither a person nor a policy has set one.
    NoCategory,
    /// Its team, and who works on it.
    Team {
        /// The team.
        team: String,
        /// Who set it; the default is the organization's fallback team.
        set_by: SetterOut,
        /// The assignee.
        assignee: Option<String>,
    },
    /// Where an incident stands as a major one.
    Major {
        /// Where it stands.
        state: MajorStateName,
        /// The major incident manager.
        manager: Option<String>,
        /// The communication owner.
        communication_owner: Option<String>,
        /// When the next update is due.
        next_update_at: Option<DateTime<Utc>>,
        /// Whether that time passed without an update.
        update_missed: bool,
    },
    /// Its latest round of approval.
    Approval {
        /// The number of the round.
        round: i64,
        /// What came of it.
        outcome: ApprovalOutcomeName,
        /// The steps of the open stage.
        steps: Vec<StepFactOut>,
        /// The vote that decided against it.
        rejection: Option<RejectionFactOut>,
    },
    /// A policy had no opinion.
    Declined {
        /// What it was asked.
        hook: HookName,
        /// The policy, with its reasons.
        policy: PolicyOut,
    },
    /// Something stood against what a policy decided.
    Overruled {
        /// What it was asked.
        hook: HookName,
        /// The policy, with its reasons.
        policy: PolicyOut,
        /// What it wanted and did not get.
        wanted: Vec<WantedOut>,
        /// What stood against it.
        by: Vec<String>,
    },
    /// A policy failed.
    Failed {
        /// What it was asked.
        hook: HookName,
        /// The policy.
        policy: PolicyOut,
        /// The code of the failure.
        code: String,
        /// What decided instead.
        fallback: String,
    },
    /// Policies were not asked, because a lower layer replaces them.
    NotAsked {
        /// What they would have been asked.
        hook: HookName,
        /// The policies.
        policies: Vec<PolicyNameOut>,
        /// The name of the organization that replaces them.
        replaced_by: String,
    },
    /// People were told of it, or will be.
    Messages {
        /// How many messages were sent.
        sent: u64,
        /// How many are about to be sent.
        waiting: u64,
        /// How many leave at a later time, which their policy named.
        delayed: u64,
    },
    /// Suggestions of policies wait for a person.
    Suggestions {
        /// How many are open.
        open: usize,
    },
    /// There were more decisions than fit on a screen; the receipts tell them.
    MoreDecisions {
        /// How many are left out.
        count: usize,
    },
    /// What it is waiting for.
    Waiting {
        /// Whom or what.
        on: WaitingKindName,
        /// The people or the team waited for.
        names: Vec<String>,
        /// The vendor, or what else is waited for, in a person's words.
        what: Option<String>,
        /// When it closes automatically, if it is waiting for the requester's confirmation.
        closes_at: Option<DateTime<Utc>>,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// It is waiting for nobody.
    NotWaiting,
}

/// Who or what set a value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedSetter)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum SetterOut {
    /// A policy did.
    Policy {
        /// Which one, where that is known.
        policy: Option<PolicyOut>,
    },
    /// A person did.
    Person {
        /// Their reason.
        reason: Option<String>,
    },
    /// Nobody did.
    Default,
}

/// A policy, and why it decided as it did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedPolicy)]
struct PolicyOut {
    /// The name of the binding, and whose it is.
    #[schema(example = "team-router of Acme")]
    name: String,
    /// The revision of the binding.
    revision: i64,
    /// Its reasons.
    reasons: Vec<String>,
}

/// What a policy is called.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedPolicyName)]
struct PolicyNameOut {
    /// The name of the binding, and whose it is.
    #[schema(example = "team-router of Acme")]
    name: String,
    /// The revision of the binding.
    revision: i64,
}

/// A value that a policy wanted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedWish)]
struct WantedOut {
    /// The field.
    field: SuggestedFieldName,
    /// The value; people by their names.
    #[schema(example = "service/outage")]
    value: String,
}

/// How far a step of an approval is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedStep)]
struct StepFactOut {
    /// Its name.
    name: String,
    /// How many have approved.
    approved: usize,
    /// How many have to.
    needed: usize,
}

/// A vote against.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedRejection)]
struct RejectionFactOut {
    /// Whose.
    voter: String,
    /// In which step.
    step: String,
    /// Why.
    comment: Option<String>,
}

/// One decision of a policy.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedDecision)]
struct ExplainedDecisionOut {
    /// The id of the receipt, which holds the rest.
    receipt: Uuid,
    /// What was asked.
    hook: HookName,
    /// The key of the organization whose binding it was.
    layer: String,
    /// The binding's name.
    binding: String,
    /// Its revision.
    revision: i64,
    /// The outcome of the answer.
    outcome: OutcomeOut,
    /// The policy's reasons.
    reasons: Vec<String>,
    /// The instructions used, as wasmtime counts fuel.
    fuel: u64,
    /// Duration in microseconds.
    duration_us: u64,
}

impl From<Explanation> for ExplanationOut {
    fn from(explanation: Explanation) -> Self {
        Self {
            facts: explanation
                .facts
                .into_iter()
                .map(|fact| FactOut { text: fact.sentence(explanation.now), fact: fact.into() })
                .collect(),
            number: explanation.number,
            decisions: explanation.decisions.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<ExplainedDecision> for ExplainedDecisionOut {
    fn from(decision: ExplainedDecision) -> Self {
        Self {
            receipt: decision.receipt.0,
            hook: decision.hook.into(),
            layer: decision.layer,
            binding: decision.binding,
            revision: decision.revision,
            outcome: decision.outcome.into(),
            reasons: decision.reasons,
            fuel: decision.fuel,
            duration_us: decision.duration_us,
        }
    }
}

impl From<Fact> for FactKindOut {
    fn from(fact: Fact) -> Self {
        match fact {
            Fact::Subject { number, kind, requester, state, since, catalog_item, service, ci } => {
                let (ticket_kind, state) = (kind.into(), state.into());
                Self::Subject {
                    number,
                    ticket_kind,
                    requester,
                    state,
                    since,
                    catalog_item,
                    service,
                    ci,
                }
            }
            Fact::Priority { level, set_by, matrix, impact, urgency, rated_by } => Self::Priority {
                priority: level.0,
                set_by: set_by.into(),
                matrix: matrix.0,
                impact: impact.map(|level| level.0),
                urgency: urgency.map(|level| level.0),
                rated_by: rated_by.map(Into::into),
            },
            Fact::Category { category, set_by } => {
                Self::Category { category: category.to_string(), set_by: set_by.into() }
            }
            Fact::NoCategory => Self::NoCategory,
            Fact::Team { team, set_by, assignee } => {
                Self::Team { team, set_by: set_by.into(), assignee }
            }
            Fact::Major(major) => major.into(),
            Fact::Approval(ApprovalFact { round, outcome, steps, rejection }) => Self::Approval {
                round,
                outcome: outcome.into(),
                steps: steps.into_iter().map(Into::into).collect(),
                rejection: rejection.map(Into::into),
            },
            Fact::Declined { hook, policy } => {
                Self::Declined { hook: hook.into(), policy: policy.into() }
            }
            Fact::Overruled { hook, policy, wanted, by } => Self::Overruled {
                hook: hook.into(),
                policy: policy.into(),
                wanted: wanted.into_iter().map(Into::into).collect(),
                by,
            },
            Fact::Failed { hook, policy, code, fallback } => {
                Self::Failed { hook: hook.into(), policy: policy.into(), code, fallback }
            }
            Fact::NotAsked(NotAsked { hook, policies, by }) => Self::NotAsked {
                hook: hook.into(),
                policies: policies.into_iter().map(Into::into).collect(),
                replaced_by: by,
            },
            Fact::Messages(Messages { sent, waiting, delayed }) => {
                Self::Messages { sent, waiting, delayed }
            }
            Fact::Suggestions { open } => Self::Suggestions { open },
            Fact::MoreDecisions { count } => Self::MoreDecisions { count },
            Fact::Waiting { on, since } => Self::waiting(on, since),
            Fact::NotWaiting => Self::NotWaiting,
        }
    }
}

impl From<MajorFact> for FactKindOut {
    fn from(major: MajorFact) -> Self {
        let bare = |state: MajorState| Self::Major {
            state: state.into(),
            manager: None,
            communication_owner: None,
            next_update_at: None,
            update_missed: false,
        };
        match major {
            MajorFact::Proposed => bare(MajorState::Proposed),
            MajorFact::Rejected => bare(MajorState::Rejected),
            MajorFact::Review => bare(MajorState::Review),
            MajorFact::Done => bare(MajorState::Done),
            MajorFact::Accepted { manager, communication_owner, next_update_at, update_missed } => {
                Self::Major {
                    state: MajorState::Accepted.into(),
                    manager: Some(manager),
                    communication_owner: Some(communication_owner),
                    next_update_at: Some(next_update_at),
                    update_missed,
                }
            }
        }
    }
}

impl FactKindOut {
    fn waiting(on: AwaitedFact, since: DateTime<Utc>) -> Self {
        let of = |on: WaitingKind, names: Vec<String>, what, closes_at| Self::Waiting {
            on: on.into(),
            names,
            what,
            closes_at,
            since,
        };
        let none = Vec::new();
        match on {
            AwaitedFact::Approvers(people) => of(WaitingKind::Approvers, people, None, None),
            AwaitedFact::ApproverMissing => of(WaitingKind::ApproverMissing, none, None, None),
            AwaitedFact::Caller => of(WaitingKind::Caller, none, None, None),
            AwaitedFact::Vendor(what) => of(WaitingKind::Vendor, none, Some(what), None),
            AwaitedFact::Evidence(name) => of(WaitingKind::Evidence, vec![name], None, None),
            AwaitedFact::Problem => of(WaitingKind::Problem, none, None, None),
            AwaitedFact::Other(what) => of(WaitingKind::Other, none, Some(what), None),
            AwaitedFact::Tasks => of(WaitingKind::Tasks, none, None, None),
            AwaitedFact::Assignee(name) => of(WaitingKind::Assignee, vec![name], None, None),
            AwaitedFact::Team(name) => of(WaitingKind::Team, vec![name], None, None),
            AwaitedFact::Confirmation { closes_at } => {
                of(WaitingKind::Confirmation, none, None, closes_at)
            }
        }
    }
}

impl From<Setter> for SetterOut {
    fn from(setter: Setter) -> Self {
        match setter {
            Setter::Policy(policy) => Self::Policy { policy: policy.map(Into::into) },
            Setter::Person(reason) => Self::Person { reason },
            Setter::Default => Self::Default,
        }
    }
}

impl From<Policy> for PolicyOut {
    fn from(Policy { name, reasons }: Policy) -> Self {
        let PolicyNameOut { name, revision } = name.into();
        Self { name, revision, reasons }
    }
}

impl From<PolicyName> for PolicyNameOut {
    fn from(PolicyName { binding, revision, layer }: PolicyName) -> Self {
        Self { name: format!("{binding} of {layer}"), revision }
    }
}

impl From<(SuggestedField, String)> for WantedOut {
    fn from((field, value): (SuggestedField, String)) -> Self {
        Self { field: field.into(), value }
    }
}

impl From<StepFact> for StepFactOut {
    fn from(StepFact { name, approved, needed }: StepFact) -> Self {
        Self { name, approved, needed }
    }
}

impl From<VoteAgainst> for RejectionFactOut {
    fn from(VoteAgainst { voter, step, comment }: VoteAgainst) -> Self {
        Self { voter, step, comment }
    }
}

/// An explanation as the API tells it, for front ends that print JSON.
#[must_use]
pub fn explanation_json(explanation: Explanation) -> serde_json::Value {
    // Every name is a text and every number finite, so that nothing here can fail.
    serde_json::to_value(ExplanationOut::from(explanation)).unwrap_or_default()
}

/// What became of a decision, as the API tells it, for front ends that print JSON.
#[must_use]
pub fn outcome_json(outcome: Outcome) -> serde_json::Value {
    serde_json::to_value(OutcomeOut::from(outcome)).unwrap_or_default()
}
