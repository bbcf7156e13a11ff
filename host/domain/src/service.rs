//! Services of the catalog.

use uuid::Uuid;

use crate::{
    field::FieldType,
    fields::Fields,
    ids::{OrgId, PersonId, ServiceId, TeamId},
    key::Key,
    name::names,
    register::{CRITICALITY, FACTS, Head, KEY, Readers, Record, Register, field},
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

impl Record for Service {
    const REGISTER: Register<Self> = Register {
        noun: "service",
        plural: "services",
        schema: "Service",
        path: "services",
        summary: "A service that people use.",
        address: "key",
        named_by: "key",
        readers: Readers::All,
        fields: &[
            field!(key, FieldType::Key, KEY).needed().opening(),
            field!(name, FieldType::Line, "Display name.").needed(),
            field!(criticality, FieldType::Choice(Criticality::NAMES), CRITICALITY).kept(),
            field!(owner, FieldType::Person, "Service owner, by id or e-mail address."),
            field!(support_team, FieldType::Team, "Support team."),
            field!(active, FieldType::Flag, "Whether it can be selected on tickets.")
                .kept()
                .editing(),
            field!(fields, FieldType::Facts, FACTS).kept(),
        ],
    };

    fn blank(id: Uuid, org: OrgId) -> Self {
        Self {
            id: ServiceId(id),
            org,
            key: Key::unset(),
            name: String::new(),
            criticality: Criticality::Medium,
            owner: None,
            support_team: None,
            fields: Fields::default(),
            active: true,
            version: 1,
        }
    }

    fn head(&self) -> Head {
        Head { id: self.id.0, org: self.org, active: self.active, version: self.version }
    }
}
