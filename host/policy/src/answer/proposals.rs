//! Proposals for the fields of a ticket: the answers of `categorize` and `route`.

use serde::{Deserialize, Serialize};

/// How strongly a policy means a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// The host applies it.
    Set,
    /// The host shows it to a person, who accepts or dismisses it.
    Suggested,
}

/// A value that a policy proposes for one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal<T> {
    /// The value.
    pub value: T,
    /// Whether it is applied or suggested.
    pub strength: Strength,
    /// In percent.
    pub confidence: u8,
}

/// What kind of record a ticket should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An incident.
    Incident,
    /// A service request.
    Request,
    /// A problem.
    Problem,
}

/// The answer of `categorize`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Categorization {
    /// The kind of record.
    pub kind: Option<Proposal<Kind>>,
    /// The category, from the general to the specific.
    pub category: Option<Proposal<Vec<String>>>,
    /// The key of the service.
    pub service: Option<Proposal<String>>,
    /// The key of the main configuration item.
    pub ci: Option<Proposal<String>>,
    /// The impact.
    pub impact: Option<Proposal<u8>>,
    /// The urgency.
    pub urgency: Option<Proposal<u8>>,
    /// The priority, against the matrix.
    pub priority: Option<Proposal<u8>>,
    /// Labels to add.
    pub tags: Option<Proposal<Vec<String>>>,
    /// Short sentences for the person who asks why.
    pub reasons: Vec<String>,
}

/// The answer of `route`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The owning team: a key, or `organization/key`.
    pub team: Option<Proposal<String>>,
    /// The id of the person who works on it.
    pub assignee: Option<Proposal<String>>,
    /// The ids of people to add to the watchers.
    pub watchers: Option<Proposal<Vec<String>>>,
    /// Short sentences for the person who asks why.
    pub reasons: Vec<String>,
}
