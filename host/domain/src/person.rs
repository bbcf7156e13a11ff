//! People of an organization's directory.

use chrono_tz::Tz;

use crate::{
    ids::{OrgId, PersonId},
    role::Role,
};

/// A person who has troubles and wishes, works on them, or approves them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their id.
    pub id: PersonId,
    /// The organization whose directory holds them.
    pub org: OrgId,
    /// The name people read.
    pub name: String,
    /// The address mail goes to; unique in the organization.
    pub email: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Their zone, where it differs from the organization's.
    pub zone: Option<Tz>,
    /// Who decides for them.
    pub manager: Option<PersonId>,
    /// Where they work.
    pub location: Option<String>,
    /// Whose tickets get special care.
    pub vip: bool,
    /// People who left stay in the directory, because records name them.
    pub active: bool,
    /// Rises by one with every change.
    pub version: i64,
}
