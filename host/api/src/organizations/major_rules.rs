//! The rules that find major incidents, as an organization's settings take and show them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use waypost_app::organizations::{LeadersView, MajorRuleEdit, PromotionEdit};
use waypost_domain::incident::{MajorOutcome, MajorRule};

use crate::wire::{CriticalityName, PersonIn, PersonOut};

/// A rule that detects major incidents. All given conditions must be met; at least one is
/// required.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = MajorRuleEdit)]
pub(super) struct MajorRuleIn {
    /// Its name, which the event shows.
    #[schema(required = true, example = "core service down")]
    name: String,
    /// This priority or a higher one; 1 is the highest.
    #[schema(minimum = 1, maximum = 5)]
    priority_at_most: Option<u8>,
    /// The service or the configuration item has this criticality or a higher one.
    #[schema(value_type = Option<CriticalityName>)]
    criticality_at_least: Option<String>,
    /// It has more child incidents than this.
    #[schema(maximum = 199)]
    children_more_than: Option<u32>,
    /// Who leads the incidents that the rule accepts as major; if omitted, it only proposes them.
    promote: Option<PromotionIn>,
}

/// Who leads the incidents that a rule accepts as major.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = PromotionEdit)]
pub(super) struct PromotionIn {
    /// Id or e-mail address of the major incident manager, an agent.
    #[schema(required = true)]
    manager: Option<PersonIn>,
    /// Id or e-mail address of the communication owner, an agent.
    #[schema(required = true)]
    communication_owner: Option<PersonIn>,
    /// Number of minutes until the first update is due.
    #[schema(required = true, minimum = 5, maximum = 10_080)]
    update_minutes: Option<u32>,
}

/// A rule that detects major incidents.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MajorRule)]
pub(super) struct MajorRuleOut {
    /// Its name.
    name: String,
    /// This priority or a higher one.
    priority_at_most: Option<u8>,
    /// The service or the configuration item has this criticality or a higher one.
    criticality_at_least: Option<CriticalityName>,
    /// It has more child incidents than this.
    children_more_than: Option<u32>,
    /// Who leads the incidents that the rule accepts as major; null if it only proposes them.
    promote: Option<PromotionOut>,
}

/// Who leads the incidents that a rule accepts as major.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Promotion)]
pub(super) struct PromotionOut {
    /// The major incident manager.
    manager: PersonOut,
    /// The communication owner.
    communication_owner: PersonOut,
    /// Number of minutes until the first update is due.
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
