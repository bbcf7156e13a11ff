//! The rules that find major incidents, as an organization's settings keep them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use waypost_domain::{
    ids::PersonId,
    incident::{Leadership, MajorOutcome, MajorRule, MajorWhen},
    priority::Level,
};

use super::TABLE;
use crate::StoreError;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct MajorRuleJson {
    name: String,
    priority_at_most: Option<u8>,
    criticality_at_least: Option<String>,
    children_more_than: Option<u32>,
    /// None for a rule that proposes.
    promote: Option<PromoteJson>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct PromoteJson {
    manager: Uuid,
    communication_owner: Uuid,
    update_minutes: u32,
}

pub(super) fn to_json(rules: &[MajorRule]) -> Vec<MajorRuleJson> {
    let rule = |rule: &MajorRule| MajorRuleJson {
        name: rule.name.clone(),
        priority_at_most: rule.when.priority_at_most.map(|level| level.0),
        criticality_at_least: rule.when.criticality_at_least.map(|least| least.to_string()),
        children_more_than: rule.when.children_more_than,
        promote: match rule.then {
            MajorOutcome::Propose => None,
            MajorOutcome::Promote { led_by, update_minutes } => Some(PromoteJson {
                manager: led_by.manager.0,
                communication_owner: led_by.communication_owner.0,
                update_minutes,
            }),
        },
    };
    rules.iter().map(rule).collect()
}

pub(super) fn from_json(rules: Vec<MajorRuleJson>) -> Result<Vec<MajorRule>, StoreError> {
    let rule = |rule: MajorRuleJson| {
        Ok(MajorRule {
            name: rule.name,
            when: MajorWhen {
                priority_at_most: rule.priority_at_most.map(Level),
                criticality_at_least: TABLE
                    .parse_some("settings", rule.criticality_at_least.as_deref())?,
                children_more_than: rule.children_more_than,
            },
            then: match rule.promote {
                None => MajorOutcome::Propose,
                Some(promote) => MajorOutcome::Promote {
                    led_by: Leadership {
                        manager: PersonId(promote.manager),
                        communication_owner: PersonId(promote.communication_owner),
                    },
                    update_minutes: promote.update_minutes,
                },
            },
        })
    };
    rules.into_iter().map(rule).collect()
}
