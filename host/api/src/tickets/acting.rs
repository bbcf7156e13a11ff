//! What each action on a ticket takes: one schema per action.
//!
//! A field that an action needs is optional here all the same: the domain names every missing one at once.

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use waypost_app::tickets::TicketAction;
use waypost_domain::{ids::SuggestionId, refusal::FieldFault};

use super::named;
use crate::{
    problem::Problem,
    wire::{FulfilmentCodeName, KindName, LinkTypeName, PersonIn, ResolutionCodeName, TimeIn},
};

macro_rules! inputs {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident as $schema:ident {
            $($(#[doc = $field_doc:literal])+ $(#[schema($($attribute:tt)*)])? $field:ident: $type:ty,)*
        }
    )+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Default, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields, default)]
        #[schema(as = $schema)]
        pub(super) struct $name {
            $($(#[doc = $field_doc])+ $(#[schema($($attribute)*)])? pub(super) $field: Option<$type>,)*
        }
    )+};
}

inputs! {
    /// Another team or person gets it.
    AssignIn as Assign {
        /// The team's key; needed, also if only the assignee changes.
        team: String,
        /// A member of it, by id or e-mail address; nobody in particular if left out.
        assignee: PersonIn,
    }

    /// A person confirms category, impact and urgency.
    TriageIn as Triage {
        /// The category's path.
        category: String,
        /// How much is affected; 1 is the most.
        impact: u8,
        /// How soon it hurts; 1 is the soonest.
        urgency: u8,
    }

    /// A person overrides the priority.
    SetPriorityIn as SetPriority {
        /// 1 is the highest.
        priority: u8,
        /// Why.
        reason: String,
    }

    /// The expected time of restoration is told.
    SetEtaIn as SetEta {
        /// When; null withdraws it.
        eta: TimeIn,
    }

    /// A step up.
    EscalateIn as Escalate {
        /// To which level.
        level: u8,
        /// Why.
        reason: String,
    }

    /// Work on an incident starts.
    StartIn as Start {
        /// By whom, by id or e-mail address; the caller if left out.
        assignee: PersonIn,
    }

    /// It has to wait.
    HoldIn as PutOnHold {
        /// `caller`, `vendor` or `evidence`.
        awaiting: String,
        /// The vendor's name.
        vendor: String,
        /// Who must supply the evidence, by id or e-mail address.
        person: PersonIn,
        /// The public question to the caller.
        comment: String,
        /// When somebody should look again.
        follow_up_at: TimeIn,
    }

    /// Somebody says something.
    TextIn as Text {
        /// What they say.
        text: String,
    }

    /// Service is restored.
    ResolveIn as Resolve {
        /// The outcome.
        resolution_code: ResolutionCodeName,
        /// What was done.
        resolution_notes: String,
    }

    /// An action that needs a reason.
    ReasonIn as Reason {
        /// Why.
        reason: String,
    }

    /// It is the same as another.
    MergeIntoIn as MergeInto {
        /// The one that goes on, by id or number.
        target: String,
    }

    /// What it has to do with another.
    LinkIn as LinkTo {
        /// What, told from this ticket.
        link_type: LinkTypeName,
        /// With which, by id or number.
        target: String,
    }

    /// It becomes another kind of ticket.
    ConvertIn as Convert {
        /// Which kind.
        to: KindName,
        /// Why.
        reason: String,
    }

    /// A request is fulfilled.
    FulfillIn as Fulfill {
        /// The outcome.
        fulfillment_code: FulfilmentCodeName,
        /// What was done.
        fulfillment_notes: String,
    }

    /// It is accepted as a major incident.
    AcceptMajorIn as AcceptMajor {
        /// Who decides what is done, by id or e-mail address: an agent of the desk.
        manager: PersonIn,
        /// Who tells everybody concerned, by id or e-mail address: an agent of the desk.
        communication_owner: PersonIn,
        /// When everybody concerned hears of it next.
        next_update_at: TimeIn,
    }

    /// Everybody concerned hears where a major incident stands.
    UpdateMajorIn as UpdateMajor {
        /// What they hear: a public comment.
        text: String,
        /// When they hear of it next.
        next_update_at: TimeIn,
        /// Who decides from now on what is done, by id or e-mail address; who does if left out.
        manager: PersonIn,
        /// Who tells from now on, by id or e-mail address; who does if left out.
        communication_owner: PersonIn,
    }

    /// The review of a major incident.
    FinishMajorIn as FinishMajor {
        /// What was learned. Who sees the incident reads it.
        review_note: String,
    }

    /// A policy's suggestion.
    SuggestionIn as SuggestionChoice {
        /// Its id.
        suggestion: Uuid,
    }
}

impl SuggestionIn {
    /// The suggestion that is named.
    pub(super) fn id(&self) -> Result<SuggestionId, Problem> {
        self.suggestion.map(SuggestionId).ok_or_else(|| {
            let (pointer, message) = ("/suggestion".to_owned(), "name it by its id".to_owned());
            Problem::faults(vec![FieldFault { pointer, code: FieldFault::MISSING, message }.into()])
        })
    }
}

impl From<AssignIn> for TicketAction {
    fn from(input: AssignIn) -> Self {
        Self::Assign { team: input.team, assignee: input.assignee.map(Into::into) }
    }
}

impl From<TriageIn> for TicketAction {
    fn from(input: TriageIn) -> Self {
        Self::Triage { category: input.category, impact: input.impact, urgency: input.urgency }
    }
}

impl From<SetPriorityIn> for TicketAction {
    fn from(input: SetPriorityIn) -> Self {
        Self::SetPriority { priority: input.priority, reason: input.reason }
    }
}

impl From<SetEtaIn> for TicketAction {
    fn from(input: SetEtaIn) -> Self {
        Self::SetEta { eta: input.eta.map(Into::into) }
    }
}

impl From<EscalateIn> for TicketAction {
    fn from(input: EscalateIn) -> Self {
        Self::Escalate { level: input.level, reason: input.reason }
    }
}

impl From<StartIn> for TicketAction {
    fn from(input: StartIn) -> Self {
        Self::Start { assignee: input.assignee.map(Into::into) }
    }
}

impl From<HoldIn> for TicketAction {
    fn from(input: HoldIn) -> Self {
        Self::Hold {
            awaiting: input.awaiting,
            vendor: input.vendor,
            person: input.person.map(Into::into),
            comment: input.comment,
            follow_up_at: input.follow_up_at.map(Into::into),
        }
    }
}

impl From<ResolveIn> for TicketAction {
    fn from(input: ResolveIn) -> Self {
        Self::Resolve {
            code: input.resolution_code.map(|code| code.0),
            notes: input.resolution_notes,
        }
    }
}

impl From<MergeIntoIn> for TicketAction {
    fn from(input: MergeIntoIn) -> Self {
        Self::MergeInto { target: input.target.as_deref().map(named) }
    }
}

impl From<ConvertIn> for TicketAction {
    fn from(input: ConvertIn) -> Self {
        Self::Convert { to: input.to.map(|kind| kind.0), reason: input.reason }
    }
}

impl From<FulfillIn> for TicketAction {
    fn from(input: FulfillIn) -> Self {
        Self::Fulfill {
            code: input.fulfillment_code.map(|code| code.0),
            notes: input.fulfillment_notes,
        }
    }
}

impl From<AcceptMajorIn> for TicketAction {
    fn from(input: AcceptMajorIn) -> Self {
        Self::AcceptMajor {
            manager: input.manager.map(Into::into),
            communication_owner: input.communication_owner.map(Into::into),
            next_update_at: input.next_update_at.map(Into::into),
        }
    }
}

impl From<UpdateMajorIn> for TicketAction {
    fn from(input: UpdateMajorIn) -> Self {
        Self::UpdateMajor {
            text: input.text,
            next_update_at: input.next_update_at.map(Into::into),
            manager: input.manager.map(Into::into),
            communication_owner: input.communication_owner.map(Into::into),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reader;

    #[test]
    fn r12_missing_fields_are_left_to_the_domain_which_names_them_all() {
        let input: ResolveIn = reader::from_json(json!({})).unwrap();
        let TicketAction::Resolve { code, notes } = input.into() else {
            panic!("not a resolution")
        };
        assert_eq!((code, notes), (None, None));
    }

    #[test]
    fn an_unknown_field_of_an_action_is_refused() {
        let faults =
            reader::from_json::<crate::wire::NothingIn>(json!({"reason": "x"})).unwrap_err();
        assert_eq!(faults[0].pointer(), "/reason");
    }
}
