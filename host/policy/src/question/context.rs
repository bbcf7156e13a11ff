//! The facts around the ticket of a question.

use serde::{Deserialize, Serialize};

use super::{Field, TeamRef};

/// The facts around a ticket. What the policy did not declare to need is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// The decision's time.
    pub now: Moment,
    /// The key of the organization that the ticket belongs to.
    pub organization: String,
    /// The key of the organization whose binding asks.
    pub layer: String,
    /// The keys of the ticket's organization and of those above it, its own first.
    pub lineage: Vec<String>,
    /// The person who carries approvals that nobody else can.
    pub fallback_approver: Option<String>,
    /// The requester.
    pub requester: Option<Person>,
    /// The requester's manager.
    pub manager: Option<Person>,
    /// The teams that the ticket may go to, ordered by key; none unless asked for.
    pub teams: Option<Vec<Team>>,
    /// The ticket's service.
    pub service: Option<Service>,
    /// The ticket's main configuration item.
    pub ci: Option<Ci>,
    /// The organization's services, ordered by key; none unless asked for.
    pub services: Option<Vec<Service>>,
}

/// A moment, with what a rule about working time asks of it, in the organization's zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The moment in UTC.
    pub utc: String,
    /// The local date.
    pub local_date: String,
    /// 1 (Monday) to 7 (Sunday), local.
    pub weekday: u8,
    /// Minutes since local midnight by the wall clock.
    pub minute_of_day: u16,
    /// Minutes that local time is ahead of UTC at this moment.
    pub utc_offset: i16,
    /// The IANA name of the zone.
    pub zone: String,
    /// Whether the organization works now.
    pub working_time: bool,
}

/// A person of the directory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// Opaque id.
    pub id: String,
    /// The name people read.
    pub name: String,
    /// The address mail goes to.
    pub email: Option<String>,
    /// Whether the person is a VIP.
    pub vip: bool,
    /// Where the person works.
    pub location: Option<String>,
    /// The person's manager.
    pub manager: Option<String>,
    /// The IANA name of the person's time zone; none means the organization's.
    pub zone: Option<String>,
    /// The person's language as a BCP 47 tag.
    pub language: Option<String>,
    /// Fields that the organization defined for its people.
    pub fields: Vec<Field>,
}

/// A team. What is none was not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// The key of the organization that it belongs to.
    pub organization: String,
    /// Its key.
    pub key: String,
    /// The name people read.
    pub name: String,
    /// Whether it works right now.
    pub open_now: bool,
    /// Who leads it.
    pub lead: Option<String>,
    /// Open tickets per member times 100, rounded down.
    pub load: Option<u32>,
    /// How many open tickets it owns.
    pub open_tickets: Option<u32>,
    /// Who is on call right now; empty when nobody is.
    pub on_call: Option<Vec<String>>,
    /// Its members, ordered by id.
    pub members: Option<Vec<String>>,
}

/// How much depends on a service or a configuration item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criticality {
    /// Little.
    Low,
    /// Normal.
    #[default]
    Medium,
    /// The business stops without it.
    High,
}

/// A service of the organization.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Its key.
    pub key: String,
    /// The name people read.
    pub name: String,
    /// How much depends on it.
    pub criticality: Criticality,
    /// The service owner.
    pub owner: Option<String>,
    /// The team that supports it.
    pub support_team: Option<TeamRef>,
    /// Fields that the organization defined for its services.
    pub fields: Vec<Field>,
}

/// A configuration item.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ci {
    /// Its key.
    pub key: String,
    /// The name people read.
    pub name: String,
    /// Its class.
    pub class: String,
    /// How much depends on it.
    pub criticality: Criticality,
    /// The key of the service that it belongs to.
    pub service: Option<String>,
    /// The team that supports it.
    pub support_team: Option<TeamRef>,
    /// How many other tickets are open on it; none unless asked for.
    pub open_tickets: Option<u32>,
    /// Fields that the organization defined for its configuration items.
    pub fields: Vec<Field>,
}
