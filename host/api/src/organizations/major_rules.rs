//! The rules that find major incidents, as an organization's settings take and show them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use waypost_app::organizations::{LeadersView, MajorRuleEdit, PromotionEdit};
use waypost_domain::incident::{MajorOutcome, MajorRule};

use crate::wire::{CriticalityName, PersonIn, PersonOut};

/// A rule that finds major incidents. Every sign that is given must be there; one at least is
/// needed.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = MajorRuleEdit)]
pub(super) struct MajorRuleIn {
    /// Its name, which the event tells.
    #[schema(required = true, example = "core service down")]
    name: String,
    /// This priority or a higher one; 1 is the highest.
    #[schema(minimum = 1, maximum = 5)]
    priority_at_most: Option<u8>,
    /// The service or the configuration item is that critical, or more.
    #[schema(value_type = Option<CriticalityName>)]
    criticality_at_least: Option<String>,
    /// It has more parts than this.
    #[schema(maximum = 199)]
    children_more_than: Option<u32>,
    /// Who leads what the rule accepts at once; a rule without only proposes.
    promote: Option<PromotionIn>,
}

/// Who leads what a rule accepts at once.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = PromotionEdit)]
pub(super) struct PromotionIn {
    /// Who decides what is done, by id or e-mail address: an agent of the desk.
    #[schema(required = true)]
    manager: Option<PersonIn>,
    /// Who tells everybody concerned, by id or e-mail address: an agent of the desk.
    #[schema(required = true)]
    communication_owner: Option<PersonIn>,
    /// In how many minutes everybody concerned hears of it first.
    #[schema(required = true, minimum = 5, maximum = 10_080)]
    update_minutes: Option<u32>,
}

/// A rule that finds major incidents.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MajorRule)]
pub(super) struct MajorRuleOut {
    /// Its name.
    name: String,
    /// This priority or a higher one.
    priority_at_most: Option<u8>,
    /// The service or the configuration item is that critical, or more.
    criticality_at_least: Option<CriticalityName>,
    /// It has more parts than this.
    children_more_than: Option<u32>,
    /// Who leads what the rule accepts at once; null for one that only proposes.
    promote: Option<PromotionOut>,
}

/// Who leads what a rule accepts at once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Promotion)]
pub(super) struct PromotionOut {
    /// Who decides what is done.
    manager: PersonOut,
    /// Who tells everybody concerned.
    communication_owner: PersonOut,
    /// In how many minutes everybody concerned hears of it first.
    update_minutes: u32,
}

impl From<MajorRuleIn> for MajorRuleEdit {
    fn from(rule: MajorRuleIn) -> Self {
        Self {
            name: rule.name,
            priority_at_most: rule.priority_at_most,
            criticality_at_least: rule.criticality_at_least,
            children_more_than: rule.children_more_than,
            promote: rule.promote.map(|promotion| PromotionEdit {
                manager: promotion.manager.map(Into::into),
                communication_owner: promotion.communication_owner.map(Into::into),
                update_minutes: promotion.update_minutes,
            }),
        }
    }
}

impl MajorRuleOut {
    /// A rule, with the names of who leads what it accepts.
    pub(super) fn new(rule: MajorRule, leaders: Option<LeadersView>) -> Self {
        let update_minutes = match rule.then {
            MajorOutcome::Propose => None,
            MajorOutcome::Promote { update_minutes, .. } => Some(update_minutes),
        };
        Self {
            name: rule.name,
            priority_at_most: rule.when.priority_at_most.map(|level| level.0),
            criticality_at_least: rule.when.criticality_at_least.map(Into::into),
            children_more_than: rule.when.children_more_than,
            promote: leaders.zip(update_minutes).map(|(leaders, update_minutes)| PromotionOut {
                manager: leaders.manager.into(),
                communication_owner: leaders.communication_owner.into(),
                update_minutes,
            }),
        }
    }
}
