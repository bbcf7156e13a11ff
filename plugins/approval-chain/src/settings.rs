//! What an administrator may set.

use schemars::JsonSchema;
use serde::Deserialize;
use waypost_sdk::names;
use waypost_sdk::rules::When;

/// Who must approve a request before it is fulfilled.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The rules, in order. The first that matches wins.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// What happens to tickets that no rule matches.
    #[serde(default)]
    pub otherwise: Otherwise,
    /// What happens to outstanding votes.
    #[serde(default)]
    pub waiting: Waiting,
}

/// When it matches, and who must approve.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The name of the rule in explanations.
    pub name: String,
    /// When it matches; without conditions always.
    #[serde(default)]
    pub when: When,
    /// The range of costs in which the rule matches.
    pub cost: Option<Cost>,
    /// What happens.
    pub then: Then,
}

/// A range of costs. A ticket without a cost costs nothing.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// ISO 4217: `EUR`.
    pub currency: String,
    /// The lowest cost that counts, in whole minor units (cents).
    #[serde(default)]
    pub at_least: u64,
    /// The cost from which the rule no longer matches, in whole minor units (cents).
    pub below: Option<u64>,
}

/// What a rule decides.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// It is approved at once: a pre-approved standard item.
    Approve,
    /// It is refused, for this reason; the requester reads it.
    Refuse(String),
    /// These stages are asked, one after the other.
    Ask(Vec<Stage>),
}

/// Questions that are asked at the same time.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// The questions.
    pub steps: Vec<Step>,
    /// How many of them must be approved.
    #[serde(default)]
    pub rule: StageRule,
}

/// When a stage with several questions is approved.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StageRule {
    /// When all of them are.
    #[default]
    All,
    /// When one of them is.
    Any,
    /// When more than half of them are.
    Majority,
    /// With the first one that is decided: approved if it is approved, rejected if not.
    FirstDecided,
}

/// One question to a group of people.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What is asked, in a few words: `budget`.
    pub name: String,
    /// Who may vote.
    #[serde(default)]
    pub approvers: Vec<Approver>,
    /// Who must approve, whatever the others say. They vote too, without being named among the
    /// approvers again.
    #[serde(default)]
    pub mandatory: Vec<Approver>,
    /// How many of them must approve.
    #[serde(default)]
    pub quorum: Quorum,
    /// Whether one rejection is enough to reject.
    #[serde(default)]
    pub veto: bool,
    /// The due time, in elapsed hours after the step opens; without it, none.
    #[schemars(range(min = 1))]
    pub due_hours: Option<u16>,
}

/// Somebody who may vote. A team is named by its key, which is looked up in the organization that
/// the binding belongs to and then above it; or as `organization/key`, which is exactly that team.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Approver {
    /// The requester's manager.
    Manager,
    /// The manager of the person with this id.
    ManagerOf(#[schemars(with = "names::Person")] String),
    /// The owner of the ticket's service.
    ServiceOwner,
    /// The owner of the main configuration item's service; without one, the lead of the
    /// configuration item's support team.
    CiOwner,
    /// The lead of the team that owns the ticket.
    AssigneeLead,
    /// Every member of this team.
    Team(#[schemars(with = "names::Team")] String),
    /// The lead of this team.
    TeamLead(#[schemars(with = "names::Team")] String),
    /// The person with this id.
    Person(#[schemars(with = "names::Person")] String),
}

/// How many must approve.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quorum {
    /// One.
    #[default]
    Any,
    /// Each.
    All,
    /// More than half.
    Majority,
    /// This many.
    Count(#[schemars(range(min = 1))] u16),
    /// At least this share in percent, rounded up.
    Percent(#[schemars(range(min = 1, max = 100))] u8),
}

/// What happens to a ticket that no rule matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// The next policy is asked.
    #[default]
    NextPolicy,
    /// It is approved at once.
    Approve,
    /// The requester's manager is asked.
    AskManager,
}

/// What happens to outstanding votes. Hours are working hours of the organization.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Waiting {
    /// After how many hours the voter is reminded for the first time.
    #[schemars(range(min = 1))]
    pub remind_after_hours: u16,
    /// After how many hours each further reminder follows.
    #[schemars(range(min = 1))]
    pub repeat_hours: u16,
    /// After how many hours the voter's manager is asked instead; without it never.
    #[schemars(range(min = 1))]
    pub delegate_after_hours: Option<u16>,
    /// After how many hours the vote expires and counts as an abstention;
    /// without it never. They are counted anew for whoever is asked instead.
    #[schemars(range(min = 1))]
    pub expire_after_hours: Option<u16>,
}

/// The defaults: a working day, each working day, three working days, never.
impl Default for Waiting {
    fn default() -> Self {
        Self {
            remind_after_hours: 8,
            repeat_hours: 8,
            delegate_after_hours: Some(24),
            expire_after_hours: None,
        }
    }
}
