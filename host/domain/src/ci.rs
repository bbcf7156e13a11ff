//! Configuration items: what services are made of.

use crate::{
    fields::Fields,
    ids::{CiId, OrgId, ServiceId, TeamId},
    key::Key,
    service::Criticality,
};

/// A configuration item (CI).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ci {
    /// Its id.
    pub id: CiId,
    /// The organization it belongs to.
    pub org: OrgId,
    /// Its key, unique in its organization.
    pub key: Key,
    /// The name people read.
    pub name: String,
    /// Its class: `server`, `database`, `endpoint`, ...
    pub class: Key,
    /// How much depends on it.
    pub criticality: Criticality,
    /// The service it belongs to.
    pub service: Option<ServiceId>,
    /// The team that supports it.
    pub support_team: Option<TeamId>,
    /// Facts that the organization defined for its configuration items.
    pub fields: Fields,
    /// A retired item is named by no new ticket.
    pub active: bool,
    /// Rises by one with every change.
    pub version: i64,
}
