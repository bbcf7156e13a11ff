//! Configuration items: what services are made of.

use uuid::Uuid;

use crate::{
    field::FieldType,
    fields::Fields,
    ids::{CiId, OrgId, ServiceId, TeamId},
    key::Key,
    register::{CRITICALITY, FACTS, Head, KEY, Readers, Record, Register, field},
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

impl Record for Ci {
    const REGISTER: Register<Self> = Register {
        noun: "configuration item",
        plural: "configuration items",
        schema: "Ci",
        path: "cis",
        summary: "A configuration item.",
        address: "key",
        named_by: "key",
        readers: Readers::All,
        fields: &[
            field!(key, FieldType::Key, KEY).needed().opening(),
            field!(name, FieldType::Line, "Display name.").needed(),
            field!(class, FieldType::Key, "Class, such as `server` or `database`.").needed(),
            field!(criticality, FieldType::Choice(Criticality::NAMES), CRITICALITY).kept(),
            field!(service, FieldType::Service, "Service that it belongs to."),
            field!(support_team, FieldType::Team, "Support team."),
            field!(active, FieldType::Flag, "Whether it can be selected on new tickets.")
                .kept()
                .editing(),
            field!(fields, FieldType::Facts, FACTS).kept(),
        ],
    };

    fn blank(id: Uuid, org: OrgId) -> Self {
        Self {
            id: CiId(id),
            org,
            key: Key::unset(),
            name: String::new(),
            class: Key::unset(),
            criticality: Criticality::Medium,
            service: None,
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
