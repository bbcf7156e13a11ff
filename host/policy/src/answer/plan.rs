//! Plans of approval, what to do about votes that are awaited, and messages.

use serde::{Deserialize, Serialize};

/// The answer of `plan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalPlan {
    /// What happens.
    pub verdict: Verdict,
    /// Short sentences for the person who asks why.
    pub reasons: Vec<String>,
}

/// What the approval asks of the desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nobody needs to be asked.
    Approve,
    /// It cannot be approved; the reason is shown to the requester.
    Refuse(String),
    /// These stages, in order.
    Ask(Vec<Stage>),
}

/// Steps that are asked at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Its steps.
    pub steps: Vec<Step>,
    /// When it is approved.
    pub rule: StageRule,
}

/// One question to a group of voters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What is asked, in a few words.
    pub name: String,
    /// Who may vote.
    pub approvers: Vec<Approver>,
    /// Without whose yes the step is not approved.
    pub mandatory: Vec<Approver>,
    /// How many must approve.
    pub quorum: Quorum,
    /// Whether one rejection rejects the step at once.
    pub veto: bool,
    /// When it should be decided, in hours from its opening.
    pub due_hours: Option<u16>,
}

/// Somebody who may vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approver {
    /// One person.
    Person(String),
    /// The requester's manager.
    Manager,
    /// The manager of this person.
    ManagerOf(String),
    /// The owner of the ticket's service.
    ServiceOwner,
    /// The owner of the main configuration item's service, or the lead of its support team.
    CiOwner,
    /// The lead of the team that owns the ticket.
    AssigneeLead,
    /// Every member of a team.
    Team(String),
    /// The lead of a team.
    TeamLead(String),
}

/// How many of n voters must approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quorum {
    /// One.
    Any,
    /// Each.
    All,
    /// This many, at least 1, at most n.
    Count(u16),
    /// More than half.
    Majority,
    /// At least this share in percent, rounded up.
    Percent(u8),
}

/// When a stage with several steps is approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageRule {
    /// When all steps are.
    All,
    /// When one step is.
    Any,
    /// When more than half of its steps are.
    Majority,
    /// As the step that is decided first.
    FirstDecided,
}

/// The answer of `stalled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nudge {
    /// Nothing yet.
    Wait,
    /// Remind the voter.
    Remind,
    /// Ask this person to vote in the voter's place.
    Delegate(String),
    /// Do without this vote.
    Expire,
}

/// The answer of `notify`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notifications {
    /// The messages.
    pub messages: Vec<Message>,
    /// Short sentences for the person who asks why.
    pub reasons: Vec<String>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who receives it.
    pub recipients: Vec<Recipient>,
    /// People who do not receive it.
    pub except: Vec<String>,
    /// How it is delivered.
    pub channel: DeliveryChannel,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// The earliest time at which it is sent.
    pub not_before: Option<String>,
    /// Messages with the same key to the same person about the same ticket are sent once.
    pub dedupe_key: String,
}

/// Who receives a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// One person.
    Person(String),
    /// The requester.
    Requester,
    /// The assignee.
    Assignee,
    /// Every member of a team.
    Team(String),
    /// Everybody who watches the ticket.
    Watchers,
    /// The approvers that the event names.
    Approvers,
}

/// How a message is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryChannel {
    /// E-mail.
    Mail,
}
