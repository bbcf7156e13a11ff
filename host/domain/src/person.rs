//! People of an organization's directory.

use std::{fmt, str::FromStr};

use chrono_tz::Tz;
use thiserror::Error;
use uuid::Uuid;

use crate::{
    field::{Field, FieldType, text_of},
    fields::Fields,
    ids::{OrgId, PersonId},
    register::{FACTS, Head, Holds, Readers, Record, Register, field},
    role::Role,
    said,
    said::Said,
    text,
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
    /// The language they read, where it is known.
    pub language: Option<Language>,
    /// Facts that the organization defined for its people.
    pub fields: Fields,
    /// People who left stay in the directory, because records name them.
    pub active: bool,
    /// Rises by one with every change.
    pub version: i64,
}

impl Person {
    /// Whether they can be asked for their vote in an organization. An auditor sees everything and
    /// changes nothing; of a provider's people, those of its desk act at its clients.
    #[must_use]
    pub fn can_vote_in(&self, org: OrgId) -> bool {
        self.active
            && match self.role {
                Role::Auditor => false,
                Role::Requester => self.org == org,
                Role::Agent | Role::Admin => true,
            }
    }

    /// Whether the address is theirs, in whatever case and composition it is written.
    #[must_use]
    pub fn is_at(&self, address: &str) -> bool {
        self.email.as_deref().is_some_and(|own| text::uncased(own) == text::uncased(address))
    }
}

/// A language as a BCP 47 tag: `de`, `pt-BR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language(String);

/// A text is not a language tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{}", Said::from(*self))]
pub struct InvalidLanguage;

impl From<InvalidLanguage> for Said {
    fn from(_: InvalidLanguage) -> Self {
        said!("not a valid language tag; use BCP 47, such as de, en-GB or pt-BR")
    }
}

/// What RFC 5646 asks software to have room for.
const MAX_LANGUAGE_CHARS: usize = 35;

impl FromStr for Language {
    type Err = InvalidLanguage;

    fn from_str(text: &str) -> Result<Self, InvalidLanguage> {
        let is_subtag = |part: &str| {
            (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        let mut parts = text.split('-');
        let is_language = parts.next().is_some_and(|part| {
            (2..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic())
        });
        if is_language && parts.all(is_subtag) && text.len() <= MAX_LANGUAGE_CHARS {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidLanguage)
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Record for Person {
    const REGISTER: Register<Self> = Register {
        noun: "person",
        plural: "people",
        schema: "Person",
        path: "people",
        summary: "A person of the directory.",
        address: "id",
        named_by: "email",
        readers: Readers::DeskAndThemselves,
        fields: &[
            field!(name, FieldType::Line, "Display name.").needed(),
            Field::<Self>::new(
                "email",
                FieldType::Email,
                "The address mail goes to; unique in the organization.",
                |person| person.email.value(),
                |person, value, faults| {
                    let read = |address| text::email("/email", address, faults);
                    person.email = text_of(value).map(read);
                },
            ),
            field!(role, FieldType::Choice(Role::NAMES), "Role; defaults to `requester`.")
                .kept(),
            field!(
                zone,
                FieldType::Line,
                "Their IANA zone, such as Europe/Berlin, where it differs from the organization's."
            ),
            field!(manager, FieldType::Person, "Manager, by id or e-mail address."),
            field!(location, FieldType::Line, "Location."),
            field!(vip, FieldType::Flag, "Whether the person is a VIP.").kept(),
            field!(
                active,
                FieldType::Flag,
                "Whether they are active. People who leave are not deleted, because records name them."
            )
            .kept()
            .editing(),
            field!(
                language,
                FieldType::Line,
                "The language they read, as a BCP 47 tag such as pt-BR."
            ),
            field!(fields, FieldType::Facts, FACTS).kept(),
        ],
    };

    fn blank(id: Uuid, org: OrgId) -> Self {
        Self {
            id: PersonId(id),
            org,
            name: String::new(),
            email: None,
            role: Role::Requester,
            zone: None,
            manager: None,
            location: None,
            vip: false,
            language: None,
            fields: Fields::default(),
            active: true,
            version: 1,
        }
    }

    fn head(&self) -> Head {
        Head { id: self.id.0, org: self.org, active: self.active, version: self.version }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_act_in_an_organization_can_vote_there_unless_they_are_an_auditor() {
        let own = OrgId(Uuid::from_u128(1));
        for role in Role::ALL {
            for home in [own, OrgId(Uuid::from_u128(2))] {
                for active in [true, false] {
                    let blank = Person::blank(Uuid::from_u128(3), home);
                    let person = Person { role: *role, active, ..blank };
                    let can = match (role, home == own) {
                        (Role::Agent | Role::Admin, _) | (Role::Requester, true) => active,
                        (Role::Requester, false) | (Role::Auditor, _) => false,
                    };
                    assert_eq!(person.can_vote_in(own), can, "{role} of {home}, active: {active}");
                }
            }
        }
    }

    #[test]
    fn a_language_is_a_tag() {
        for good in ["de", "en-GB", "zh-Hant-TW", "pt-BR"] {
            assert_eq!(good.parse::<Language>().unwrap().to_string(), good);
        }
        for bad in ["", "d", "german", "de_DE", "de-", "de-überall"] {
            assert_eq!(bad.parse::<Language>(), Err(InvalidLanguage), "{bad}");
        }
    }
}
