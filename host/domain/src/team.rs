//! Teams: who owns tickets.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use uuid::Uuid;

use crate::{
    calendar::{WorkingHours, hours::HOURS},
    field::{Field, FieldType, Value},
    ids::{OrgId, PersonId, TeamId},
    key::Key,
    register::{Head, KEY, Readers, Record, Register, field},
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

impl Record for Team {
    const REGISTER: Register<Self> = Register {
        noun: "team",
        plural: "teams",
        schema: "Team",
        path: "teams",
        summary: "A team that owns tickets.",
        address: "key",
        named_by: "key",
        readers: Readers::Desk,
        fields: &[
            field!(key, FieldType::Key, KEY).needed().opening(),
            Field::<Self>::new(
                "organization",
                FieldType::Organization,
                "The key of the organization it belongs to: the caller's, or its provider's.",
                |team| Some(Value::Organization(team.org)),
                |_, _, _| {},
            )
            .shown(),
            field!(name, FieldType::Line, "Display name.").needed(),
            field!(
                zone,
                FieldType::Line,
                "Its IANA zone, such as Europe/Berlin, where it differs from the organization's."
            ),
            field!(
                working_hours,
                FieldType::Objects(&HOURS),
                "Its working hours, where they differ from the organization's."
            ),
            field!(lead, FieldType::Person, "Team lead, by id or e-mail address."),
            field!(on_call, FieldType::Person, "Who is on call now, by id or e-mail address."),
            field!(members, FieldType::People, "Members, by id or e-mail address.").kept(),
            field!(
                serves,
                FieldType::Organizations,
                "The organizations below that it also serves."
            )
            .kept(),
            field!(active, FieldType::Flag, "Whether tickets can be assigned to it.")
                .kept()
                .editing(),
        ],
    };

    fn blank(id: Uuid, org: OrgId) -> Self {
        Self {
            id: TeamId(id),
            org,
            key: Key::unset(),
            name: String::new(),
            zone: None,
            working_hours: None,
            lead: None,
            on_call: None,
            members: BTreeSet::new(),
            serves: BTreeSet::new(),
            active: true,
            version: 1,
        }
    }

    fn head(&self) -> Head {
        Head { id: self.id.0, org: self.org, active: self.active, version: self.version }
    }
}
