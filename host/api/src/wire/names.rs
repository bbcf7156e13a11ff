//! Names of values: the domain's enums under their identifiers, with all of them listed in the
//! OpenAPI document.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};
use waypost_domain as domain;

macro_rules! names {
    ($($(#[doc = $doc:literal])+ $name:ident($type:path), $schema:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) struct $name(pub(crate) $type);

        impl From<$type> for $name {
            fn from(value: $type) -> Self {
                Self(value)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map(Self).map_err(D::Error::custom)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .enum_values(Some(<$type>::NAMES.iter().copied()))
                    .description(Some(concat!($($doc),+).trim()))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($schema)
            }
        }
    )+};
}

names! {
    /// The state of a ticket. Which ones it can have depends on its kind.
    StateName(domain::ticket::State), "State";
    /// The phase of a ticket: the general meaning of its state, the same for all kinds.
    PhaseName(domain::ticket::Phase), "Phase";
    /// Whom or what a ticket is waiting for.
    WaitingKindName(domain::waiting::WaitingKind), "WaitingKind";
    /// Whom or what a ticket on hold is waiting for.
    AwaitingName(domain::ticket::AwaitingKind), "Awaiting";
    /// The state of an incident as a major incident.
    MajorStateName(domain::incident::MajorState), "MajorState";
    /// The kind of a ticket.
    KindName(domain::ticket::TicketKind), "Kind";
    /// Channel through which a ticket was reported.
    ChannelName(domain::ticket::Channel), "Channel";
    /// An action on a ticket.
    ActionName(domain::ticket::Action), "Action";
    /// An outcome code. Which ones are valid depends on the kind of the ticket.
    CodeName(domain::ticket::Code), "OutcomeCode";
    /// Source of the priority.
    PrioritySourceName(domain::priority::PrioritySource), "PrioritySource";
    /// Who may read a comment.
    VisibilityName(domain::comment::Visibility), "Visibility";
    /// Role of a caller.
    RoleName(domain::role::Role), "Role";
    /// A hook: a question that the desk asks policies.
    HookName(domain::binding::Hook), "Hook";
    /// Whether bindings use a policy.
    UseName(domain::binding::Use), "PolicyUse";
    /// The place of an organization in the tree.
    OrgKindName(domain::organization::OrgKind), "OrganizationKind";
    /// A field that an organization can require at resolution.
    ResolveDemandName(domain::organization::ResolveDemand), "ResolveDemand";
    /// Criticality to the business.
    CriticalityName(domain::service::Criticality), "Criticality";
    /// Kind of actor.
    ActorKindName(domain::event::ActorKind), "ActorKind";
    /// The outcome of a round, a stage or a step of an approval.
    ApprovalOutcomeName(domain::approval::Outcome), "ApprovalOutcome";
    /// When a stage of an approval is approved.
    StageRuleName(domain::approval::StageRule), "StageRule";
    /// The state of an approval request.
    SeatStateName(domain::approval::SeatState), "SeatState";
    /// A vote.
    VoteName(domain::approval::VoteKind), "Vote";
    /// A field that a policy can suggest a value for.
    SuggestedFieldName(domain::suggestion::SuggestedField), "SuggestedField";
    /// The type of a link, as seen from the ticket whose link it is.
    LinkTypeName(domain::link::LinkType), "LinkType";
    /// Channel through which a message is sent.
    DeliveryChannelName(domain::message::DeliveryChannel), "DeliveryChannel";
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_name_is_read_and_written_as_the_domain_has_it() {
        let read = |text: &str| crate::reader::from_json::<StateName>(json!(text));
        assert_eq!(serde_json::to_value(read("on_hold").unwrap()).unwrap(), json!("on_hold"));
        assert!(
            read("onhold").unwrap_err()[0].message.contains("not a valid state; use one of: new,")
        );
    }

    #[test]
    fn the_document_lists_all_names() {
        let schema: Value = serde_json::to_value(HookName::schema()).unwrap();
        assert_eq!(schema["enum"], json!(["categorize", "route", "plan", "stalled", "notify"]));
    }
}
