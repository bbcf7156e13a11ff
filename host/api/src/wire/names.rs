//! Names of values: the domain's enums under their identifiers, with all of them listed in the OpenAPI document.

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
    /// Where a ticket stands.
    StateName(domain::ticket::State), "State";
    /// Whom or what a ticket waits for.
    WaitingKindName(domain::waiting::WaitingKind), "WaitingKind";
    /// Where an incident stands as a major one.
    MajorStateName(domain::incident::MajorState), "MajorState";
    /// Which kind of ticket it is.
    KindName(domain::ticket::TicketKind), "Kind";
    /// How a ticket came in.
    ChannelName(domain::ticket::Channel), "Channel";
    /// What can be done to a ticket.
    ActionName(domain::ticket::Action), "Action";
    /// Where a task stands.
    TaskStateName(domain::task::TaskState), "TaskState";
    /// What can be done to a task.
    TaskActionName(domain::task::TaskAction), "TaskAction";
    /// The outcome of an incident.
    ResolutionCodeName(domain::incident::ResolutionCode), "ResolutionCode";
    /// The outcome of a request.
    FulfilmentCodeName(domain::request::FulfilmentCode), "FulfilmentCode";
    /// Which value of a priority won.
    PrioritySourceName(domain::priority::PrioritySource), "PrioritySource";
    /// Who may read a comment.
    VisibilityName(domain::comment::Visibility), "Visibility";
    /// What a caller may do.
    RoleName(domain::role::Role), "Role";
    /// A question that the desk asks policies.
    HookName(domain::binding::Hook), "Hook";
    /// Where an organization stands in the tree.
    OrgKindName(domain::organization::OrgKind), "OrganizationKind";
    /// A field that an organization can demand at resolution.
    ResolveDemandName(domain::organization::ResolveDemand), "ResolveDemand";
    /// How much depends on it.
    CriticalityName(domain::service::Criticality), "Criticality";
    /// What kind of actor acted.
    ActorKindName(domain::event::ActorKind), "ActorKind";
    /// What came of a round, a stage or a step of an approval.
    ApprovalOutcomeName(domain::approval::Outcome), "ApprovalOutcome";
    /// When a stage of an approval is approved.
    StageRuleName(domain::approval::StageRule), "StageRule";
    /// Where a seat's request for a vote stands.
    SeatStateName(domain::approval::SeatState), "SeatState";
    /// What a voter does.
    VoteName(domain::approval::VoteKind), "Vote";
    /// A field that a policy can suggest a value for.
    SuggestedFieldName(domain::suggestion::SuggestedField), "SuggestedField";
    /// What a ticket has to do with another.
    LinkTypeName(domain::link::LinkType), "LinkType";
    /// By which way a message leaves.
    WayName(domain::message::Way), "Way";
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_name_is_read_and_written_as_the_domain_has_it() {
        let read = |text: &str| crate::reader::from_json::<StateName>(json!(text));
        assert_eq!(serde_json::to_value(read("on_hold").unwrap()).unwrap(), json!("on_hold"));
        assert!(read("onhold").unwrap_err()[0].message.contains("valid: new, awaiting_approval"));
    }

    #[test]
    fn the_document_lists_all_names() {
        let schema: Value = serde_json::to_value(HookName::schema()).unwrap();
        assert_eq!(schema["enum"], json!(["categorize", "route", "plan", "stalled", "notify"]));
    }
}
