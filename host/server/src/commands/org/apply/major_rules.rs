//! The rules of a desk file that find major incidents.

use anyhow::{Context, Result};
use waypost_app::organizations::{MajorRuleEdit, OrganizationView, PromotionEdit};
use waypost_app::registers;
use waypost_app::tickets::PersonRef;
use waypost_domain::person::Person;

use super::{Applying, differs};
use crate::desk_file::{MajorRule, Organization};

impl Applying<'_> {
    /// The rules that the file wants, if they are not so yet.
    pub(super) async fn major_rules(
        &self,
        wanted: &Organization,
        found: &OrganizationView,
    ) -> Result<Option<Vec<MajorRuleEdit>>> {
        let Some(rules) = &wanted.major_rules else { return Ok(None) };
        let mut edits = Vec::with_capacity(rules.len());
        for rule in rules {
            edits.push(self.major_rule(rule).await?);
        }
        let there: Vec<MajorRuleEdit> =
            found.organization.settings.major_rules.iter().map(Into::into).collect();
        Ok(differs(Some(&edits), &there))
    }

    async fn major_rule(&self, rule: &MajorRule) -> Result<MajorRuleEdit> {
        let promote = match &rule.promote {
            None => None,
            Some(promotion) => Some(PromotionEdit {
                manager: self.leader(&rule.name, promotion.manager.as_deref()).await?,
                communication_owner: self
                    .leader(&rule.name, promotion.communication_owner.as_deref())
                    .await?,
                update_minutes: promotion.update_minutes,
            }),
        };
        Ok(MajorRuleEdit {
            name: rule.name.clone(),
            priority_at_most: rule.priority_at_most,
            criticality_at_least: rule.criticality_at_least.clone(),
            children_more_than: rule.children_more_than,
            promote,
        })
    }

    /// Who is named, by id, as the settings keep them; a missing one is told of with all else that
    /// is wrong.
    async fn leader(&self, rule: &str, email: Option<&str>) -> Result<Option<PersonRef>> {
        let Some(email) = email else { return Ok(None) };
        let person = registers::find::<Person>(self.desk, &self.caller, email)
            .await
            .with_context(|| format!("the major rule `{rule}` names {email}"))?;
        Ok(Some(PersonRef::Id(person.record.id)))
    }
}
