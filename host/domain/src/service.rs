//! Services of the catalog.

use crate::{
    fields::Fields,
    ids::{OrgId, PersonId, ServiceId, TeamId},
    key::Key,
    name::names,
};

/// How much depends on a service or a configuration item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Criticality {
    /// Little.
    Low,
    /// Normal.
    Medium,
    /// The business stops without it.
    High,
}

names!("criticality", Criticality {
    Low => "low",
    Medium => "medium",
    High => "high",
});

/// A service that people use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its id.
    pub id: ServiceId,
    /// The organization it is for.
    pub org: OrgId,
    /// Its key, unique in its organization.
    pub key: Key,
    /// The name people read.
    pub name: String,
    /// How much depends on it.
    pub criticality: Criticality,
    /// Who answers for it.
    pub owner: Option<PersonId>,
    /// The team that supports it.
    pub support_team: Option<TeamId>,
    /// Facts that the organization defined for its services.
    pub fields: Fields,
    /// Whether tickets may name it.
    pub active: bool,
    /// Rises by one with every change.
    pub version: i64,
}
