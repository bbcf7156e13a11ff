//! The rules by which an organization's desk finds major incidents, as its settings take and show
//! them.

use std::collections::BTreeSet;

use waypost_domain::{
    ids::PersonId,
    incident::{Leadership, MajorOutcome, MajorRule, MajorWhen},
    person::Person,
    priority::Level,
    refusal::Faults,
    role::Role,
    said::Said,
    service::Criticality,
};
use waypost_store::{ReadTx, StoreError, person, team};

use crate::{
    input::Reading,
    labels::Labels,
    refs,
    tickets::{PersonName, PersonRef},
};

/// A rule that finds major incidents, as a front end gives it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MajorRuleEdit {
    /// Its name, for the event that says which one it was.
    pub name: String,
    /// This priority or a higher one; 1 is the highest.
    pub priority_at_most: Option<u8>,
    /// The service or the configuration item is that critical, or more: `low`, `medium`, `high`.
    pub criticality_at_least: Option<String>,
    /// It has more parts than this.
    pub children_more_than: Option<u32>,
    /// Who leads what the rule accepts at once; none for a rule that only proposes.
    pub promote: Option<PromotionEdit>,
}

/// Who leads what a rule accepts at once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PromotionEdit {
    /// Who decides what is done.
    pub manager: Option<PersonRef>,
    /// Who tells everybody concerned.
    pub communication_owner: Option<PersonRef>,
    /// In how many minutes everybody concerned hears of it first.
    pub update_minutes: Option<u32>,
}

/// Who leads what a rule accepts at once, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadersView {
    /// Who decides what is done.
    pub manager: PersonName,
    /// Who tells everybody concerned.
    pub communication_owner: PersonName,
}

/// Who leads what each rule accepts at once, in the order of the rules; none of a rule that only
/// proposes.
pub(super) fn leaders(rules: &[MajorRule], labels: &Labels) -> Vec<Option<LeadersView>> {
    let view = |led_by: Leadership| LeadersView {
        manager: labels.person(led_by.manager),
        communication_owner: labels.person(led_by.communication_owner),
    };
    rules.iter().map(|rule| rule.then.led_by().map(view)).collect()
}

impl From<&MajorRule> for MajorRuleEdit {
    fn from(rule: &MajorRule) -> Self {
        Self {
            name: rule.name.clone(),
            priority_at_most: rule.when.priority_at_most.map(|level| level.0),
            criticality_at_least: rule.when.criticality_at_least.map(|least| least.to_string()),
            children_more_than: rule.when.children_more_than,
            promote: match rule.then {
                MajorOutcome::Propose => None,
                MajorOutcome::Promote { led_by, update_minutes } => Some(PromotionEdit {
                    manager: Some(PersonRef::Id(led_by.manager)),
                    communication_owner: Some(PersonRef::Id(led_by.communication_owner)),
                    update_minutes: Some(update_minutes),
                }),
            },
        }
    }
}

/// The rules with everything that they name looked up. What is faulted is stood in for, so that the
/// checks of the domain still find all else; nothing is stored then.
pub(super) async fn read(
    tx: &mut ReadTx,
    faults: &mut Faults,
    given: &[MajorRuleEdit],
) -> Result<Vec<MajorRule>, StoreError> {
    let mut rules = Vec::with_capacity(given.len());
    for (place, rule) in given.iter().enumerate() {
        let at = format!("/major_rules/{place}");
        let criticality = rule.criticality_at_least.as_deref().map(|name| {
            let pointer = format!("{at}/criticality_at_least");
            faults.parse::<Criticality>(&pointer, name).unwrap_or(Criticality::Low)
        });
        let then = match &rule.promote {
            None => MajorOutcome::Propose,
            Some(promotion) => {
                promote(tx, faults, &at, promotion).await?.unwrap_or(MajorOutcome::Propose)
            }
        };
        rules.push(MajorRule {
            name: rule.name.split_whitespace().collect::<Vec<_>>().join(" "),
            when: MajorWhen {
                priority_at_most: rule.priority_at_most.map(Level),
                criticality_at_least: criticality,
                children_more_than: rule.children_more_than,
            },
            then,
        });
    }
    Ok(rules)
}

async fn promote(
    tx: &mut ReadTx,
    faults: &mut Faults,
    at: &str,
    given: &PromotionEdit,
) -> Result<Option<MajorOutcome>, StoreError> {
    let PromotionEdit { manager, communication_owner, update_minutes } = given;
    let pointer = format!("{at}/promote/manager");
    let manager = leader(tx, faults, &pointer, manager.as_ref()).await?;
    let pointer = format!("{at}/promote/communication_owner");
    let communication_owner = leader(tx, faults, &pointer, communication_owner.as_ref()).await?;
    if update_minutes.is_none() {
        let message = Said::as_is("Give the number of minutes until the first update is due.");
        faults.missing(&format!("{at}/promote/update_minutes"), message);
    }
    let given = manager.zip(communication_owner).zip(*update_minutes);
    Ok(given.map(|((manager, communication_owner), update_minutes)| MajorOutcome::Promote {
        led_by: Leadership { manager, communication_owner },
        update_minutes,
    }))
}

/// An active agent of the organization, or of a team that serves it.
async fn leader(
    tx: &mut ReadTx,
    faults: &mut Faults,
    pointer: &str,
    named: Option<&PersonRef>,
) -> Result<Option<PersonId>, StoreError> {
    let Some(named) = named else {
        faults.missing(pointer, Said::as_is("Name an agent by id or e-mail address."));
        return Ok(None);
    };
    let Some(shown) = refs::shown(faults, pointer, named) else { return Ok(None) };
    let found = match refs::find_person(tx, named).await? {
        Some(own) => Some(own),
        None => of_serving_team(tx, named).await?,
    };
    match found {
        Some(person) if person.active && matches!(person.role, Role::Agent | Role::Admin) => {
            Ok(Some(person.id))
        }
        Some(_) => {
            let message = Said::as_is(format!(
                "`{shown}` is not an active agent; name an active person with the role agent or \
                 admin."
            ));
            faults.wrong(pointer, "not-an-agent", message);
            Ok(None)
        }
        None => {
            let message = Said::as_is(format!(
                "There is no person `{shown}`; give the id or e-mail address of an agent."
            ));
            faults.wrong(pointer, "unknown", message);
            Ok(None)
        }
    }
}

/// Somebody of a team that serves the organization: its provider's people may lead, too.
async fn of_serving_team(tx: &mut ReadTx, named: &PersonRef) -> Result<Option<Person>, StoreError> {
    let teams = team::serving(tx).await?;
    let members: BTreeSet<PersonId> =
        teams.iter().flat_map(|team| team.members.iter().copied()).collect();
    let members: Vec<PersonId> = members.into_iter().collect();
    let people = person::find_many(tx, &members).await?;
    Ok(people.into_iter().find(|person| match named {
        PersonRef::Id(id) => person.id == *id,
        PersonRef::Email(email) => person.is_at(email),
    }))
}
