//! Organizations and the tree they form: platform, then providers, then clients.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::{
    calendar::WorkingHours,
    ids::{OrgId, PersonId, TeamId},
    key::Key,
    name::names,
    priority::Matrix,
};

/// Where an organization stands in the tree. A policy layer is an organization on the way up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrgKind {
    /// The installation itself; the root, exactly one.
    Platform,
    /// A managed service provider, below the platform.
    Provider,
    /// An organization whose desk is run here; below the platform or a provider.
    Client,
}

names!("kind of organization", OrgKind {
    Platform => "platform",
    Provider => "provider",
    Client => "client",
});

/// An organization: the owner of records, and the wall between tenants.
#[derive(Debug, Clone, PartialEq)]
pub struct Organization {
    /// Its id.
    pub id: OrgId,
    /// The organization above; none for the platform only.
    pub parent: Option<OrgId>,
    /// Where it stands in the tree.
    pub kind: OrgKind,
    /// Its key, unique on the installation.
    pub key: Key,
    /// The name people read.
    pub name: String,
    /// What can be set.
    pub settings: OrgSettings,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Rises by one with every change.
    pub version: i64,
}

/// What an organization can set. Every default works without any setting (requirement Q7).
#[derive(Debug, Clone, PartialEq)]
pub struct OrgSettings {
    /// The zone of its days and working hours.
    pub zone: Tz,
    /// When it works.
    pub working_hours: WorkingHours,
    /// Impact × urgency → priority.
    pub matrix: Matrix,
    /// Owns what no policy routes; created with the organization, so no ticket is ever without a team.
    pub fallback_team: TeamId,
    /// Votes where an approval has no voter left.
    pub fallback_approver: Option<PersonId>,
    /// How long after its resolution a ticket can be reopened, in days.
    pub reopen_window_days: u16,
    /// How long after its resolution a ticket closes by itself, in days; 0 for never.
    pub auto_close_days: u16,
    /// Whether a caller's reply to a resolved incident reopens it.
    pub caller_reply_reopens: bool,
    /// How long receipts are kept, in days.
    pub receipt_retention_days: u16,
    /// Fields that resolving demands beside code and notes (requirement R12).
    pub resolve_demands: Vec<ResolveDemand>,
}

/// A field that an organization can demand at resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResolveDemand {
    /// The category.
    Category,
    /// The service or the configuration item.
    ServiceOrCi,
    /// The person who worked on it.
    Assignee,
}

names!("demand", ResolveDemand {
    Category => "category",
    ServiceOrCi => "service_or_ci",
    Assignee => "assignee",
});

impl OrgSettings {
    /// What a new organization starts with; only the team has to be named.
    #[must_use]
    pub fn new(fallback_team: TeamId) -> Self {
        Self {
            zone: Tz::UTC,
            working_hours: WorkingHours::default(),
            matrix: Matrix::default(),
            fallback_team,
            fallback_approver: None,
            reopen_window_days: 14,
            auto_close_days: 5,
            caller_reply_reopens: true,
            receipt_retention_days: 400,
            resolve_demands: Vec::new(),
        }
    }
}
