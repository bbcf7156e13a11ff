//! Roles: what a caller may do in an organization.

use crate::name::names;

/// What a caller may do. Each includes what is said of it, not what the others may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Opens tickets, sees their own, replies, reopens, closes, votes on approvals they hold a seat
    /// of.
    Requester,
    /// Works on all tickets of the organization; sees internal notes and decisions.
    Agent,
    /// Also keeps the directory and changes policies and settings.
    Admin,
    /// Sees everything, changes nothing.
    Auditor,
}

names!("role", Role {
    Requester => "requester",
    Agent => "agent",
    Admin => "admin",
    Auditor => "auditor",
});
