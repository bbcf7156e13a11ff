//! Teams: who owns tickets.

use std::collections::BTreeSet;

use chrono_tz::Tz;

use crate::{
    calendar::WorkingHours,
    ids::{OrgId, PersonId, TeamId},
    key::Key,
};

/// A team that owns tickets (ITIL: assignment group).
#[derive(Debug, Clone, PartialEq)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// The organization it belongs to: the client's own, or its provider.
    pub org: OrgId,
    /// Its key, unique in its organization.
    pub key: Key,
    /// The name people read.
    pub name: String,
    /// Its zone, where it differs from the organization's.
    pub zone: Option<Tz>,
    /// Its working hours, where they differ from the organization's.
    pub working_hours: Option<WorkingHours>,
    /// Who leads it.
    pub lead: Option<PersonId>,
    /// Who is on call now.
    pub on_call: Option<PersonId>,
    /// Who works in it.
    pub members: BTreeSet<PersonId>,
    /// The client organizations below its own that it also serves (an MSP's delivery model).
    pub serves: BTreeSet<OrgId>,
    /// An inactive team gets no tickets.
    pub active: bool,
    /// Rises by one with every change.
    pub version: i64,
}
