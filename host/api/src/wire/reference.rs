//! References: keys and ids with the names people read.

use std::{convert::Infallible, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use waypost_app::{
    bindings::PolicyName,
    tickets::{Named, PersonName, PersonRef},
};
use waypost_domain::{catalog::Money, event::Actor, ids::PersonId};

use super::ActorKindName;

/// A key and a display name.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Named)]
pub(crate) struct NamedOut {
    /// The key.
    #[schema(example = "revenue-portal")]
    key: String,
    /// Display name.
    name: String,
}

impl From<Named> for NamedOut {
    fn from(named: Named) -> Self {
        Self { key: named.key, name: named.name }
    }
}

/// A person, by name.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PersonName)]
pub(crate) struct PersonOut {
    /// Their id.
    id: Uuid,
    /// Their name.
    name: String,
}

impl From<PersonName> for PersonOut {
    fn from(person: PersonName) -> Self {
        Self { id: person.id.0, name: person.name }
    }
}

/// A person, named by id or by e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PersonReference, example = "ada@example.org")]
pub(crate) struct PersonIn(String);

impl FromStr for PersonIn {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl From<PersonIn> for PersonRef {
    fn from(PersonIn(text): PersonIn) -> Self {
        match Uuid::try_parse(&text) {
            Ok(id) => Self::Id(PersonId(id)),
            Err(_) => Self::Email(text),
        }
    }
}

/// Who or what acted.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Actor)]
pub(crate) struct ActorOut {
    /// Kind of actor.
    kind: ActorKindName,
    /// Id of the person, if it was one.
    person: Option<Uuid>,
}

impl From<Actor> for ActorOut {
    fn from(actor: Actor) -> Self {
        Self { kind: actor.kind.into(), person: actor.person.map(|person| person.0) }
    }
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Money)]
pub(crate) struct MoneyWire {
    /// Amount in minor units, such as cents.
    #[schema(example = 149_900)]
    pub(crate) minor_units: i64,
    /// ISO 4217 code.
    #[schema(example = "EUR")]
    pub(crate) currency: String,
}

impl From<Money> for MoneyWire {
    fn from(money: Money) -> Self {
        Self { minor_units: money.minor_units, currency: money.currency }
    }
}

/// Name and version of a policy.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PolicyName)]
pub(crate) struct PolicyNameOut {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
}

impl From<PolicyName> for PolicyNameOut {
    fn from(policy: PolicyName) -> Self {
        Self { name: policy.name, version: policy.version }
    }
}

/// No fields are required.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = Nothing)]
pub(crate) struct NothingIn {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_named_by_id_or_address() {
        let id = Uuid::from_u128(7);
        assert_eq!(PersonRef::from(PersonIn(id.to_string())), PersonRef::Id(PersonId(id)));
        let address = "ada@example.org".to_owned();
        assert_eq!(PersonRef::from(PersonIn(address.clone())), PersonRef::Email(address));
    }
}
