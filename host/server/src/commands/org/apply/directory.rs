//! The teams, services, configuration items, categories and catalog of a desk file.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use waypost_app::catalog::{self, CatalogItemEdit, NewCatalogItem, NewFormField, NewPlannedTask};
use waypost_app::categories::{self, CategoryEdit, NewCategory};
use waypost_app::cis::{self, CiEdit, NewCi};
use waypost_app::services::{self, NewService, ServiceEdit};
use waypost_app::teams::{self, NewTeam, TeamEdit};
use waypost_app::tickets::PersonRef;
use waypost_app::{CommandError, hours, people};
use waypost_domain::catalog::FieldKind;
use waypost_domain::ids::PersonId;
use waypost_domain::key::Key;

use super::people::by_email;
use super::{Applying, Outcome, differs, differs_from, lines};
use crate::desk_file::{CatalogItem, Category, Ci, FormField, PlannedTask, Service, Team};

/// Creates a record if it is missing, changes it if it differs.
macro_rules! settle {
    ($find:expr, create $create:expr, edit |$found:ident| $edit:expr, update |$change:ident| $update:expr) => {
        match $find.await {
            Err(CommandError::NotFound(_)) => $create.await.map(|_| Outcome::Created),
            Err(error) => Err(error),
            Ok($found) => match $edit {
                None => Ok(Outcome::Unchanged),
                Some($change) => $update.await.map(|_| Outcome::Changed),
            },
        }
    };
}

impl Applying<'_> {
    pub(super) async fn teams(&mut self, wanted: &[Team]) -> Result<()> {
        for team in wanted {
            let what = format!("team {}", team.key);
            let told = || format!("{}: {what}", self.org);
            let lead = self.person_id(team.lead.as_deref()).await.with_context(told)?;
            let on_call = self.person_id(team.on_call.as_deref()).await.with_context(told)?;
            let mut members = None;
            for email in team.members.iter().flatten() {
                let member = self.person_id(Some(email)).await.with_context(told)?;
                members.get_or_insert_with(BTreeSet::new).extend(member);
            }
            if team.members.is_some() {
                members.get_or_insert_default();
            }
            let outcome = settle!(
                teams::find(self.desk, &self.caller, &team.key),
                create teams::create(self.desk, &self.caller, NewTeam {
                    key: team.key.clone(),
                    name: team.name.clone(),
                    zone: team.zone.clone(),
                    working_hours: team.working_hours.as_deref().map(lines),
                    lead: lead.map(PersonRef::Id),
                    on_call: on_call.map(PersonRef::Id),
                    members: members.iter().flatten().copied().map(PersonRef::Id).collect(),
                    serves: team.serves.clone().unwrap_or_default(),
                }),
                edit |found| team_edit(team, (lead, on_call, members.as_ref()), &found),
                update |edit| teams::update(self.desk, &self.caller, &team.key, edit, None)
            );
            self.note(&what, outcome)?;
        }
        Ok(())
    }

    pub(super) async fn services(&mut self, wanted: &[Service]) -> Result<()> {
        for service in wanted {
            let what = format!("service {}", service.key);
            let owner = self.person_id(service.owner.as_deref()).await;
            let owner = owner.with_context(|| format!("{}: {what}", self.org))?;
            let outcome = settle!(
                services::find(self.desk, &self.caller, &service.key),
                create services::create(self.desk, &self.caller, NewService {
                    key: service.key.clone(),
                    name: service.name.clone(),
                    criticality: service.criticality.clone(),
                    owner: owner.map(PersonRef::Id),
                    support_team: service.support_team.clone(),
                    ..NewService::default()
                }),
                edit |found| service_edit(service, owner, &found),
                update |edit| services::update(self.desk, &self.caller, &service.key, edit, None)
            );
            self.note(&what, outcome)?;
        }
        Ok(())
    }

    pub(super) async fn cis(&mut self, wanted: &[Ci]) -> Result<()> {
        for ci in wanted {
            let outcome = settle!(
                cis::find(self.desk, &self.caller, &ci.key),
                create cis::create(self.desk, &self.caller, NewCi {
                    key: ci.key.clone(),
                    name: ci.name.clone(),
                    class: ci.class.clone(),
                    criticality: ci.criticality.clone(),
                    service: ci.service.clone(),
                    support_team: ci.support_team.clone(),
                    ..NewCi::default()
                }),
                edit |found| ci_edit(ci, &found),
                update |edit| cis::update(self.desk, &self.caller, &ci.key, edit, None)
            );
            self.note(&format!("configuration item {}", ci.key), outcome)?;
        }
        Ok(())
    }

    pub(super) async fn categories(&mut self, wanted: &[Category]) -> Result<()> {
        for category in wanted {
            let outcome = settle!(
                categories::find(self.desk, &self.caller, &category.path),
                create categories::create(self.desk, &self.caller, NewCategory {
                    path: category.path.clone(),
                    name: category.name.clone(),
                }),
                edit |found| {
                    let name = differs(Some(&category.name), &found.name);
                    let active = (!found.active).then_some(true);
                    (name.is_some() || active.is_some()).then_some(CategoryEdit { name, active })
                },
                update |edit| categories::update(self.desk, &self.caller, &category.path, edit, None)
            );
            self.note(&format!("category {}", category.path), outcome)?;
        }
        Ok(())
    }

    pub(super) async fn catalog(&mut self, wanted: &[CatalogItem]) -> Result<()> {
        for item in wanted {
            let outcome = settle!(
                catalog::find(self.desk, &self.caller, &item.key),
                create catalog::create(self.desk, &self.caller, NewCatalogItem {
                    key: item.key.clone(),
                    name: item.name.clone(),
                    description: item.description.clone().unwrap_or_default(),
                    cost: cost(item),
                    form: item.form.iter().flatten().map(field).collect(),
                    delivery_hours: item.delivery_hours,
                    tasks: item.tasks.iter().flatten().map(planned).collect(),
                }),
                edit |found| item_edit(item, &found),
                update |edit| catalog::update(self.desk, &self.caller, &item.key, edit, None)
            );
            self.note(&format!("catalog item {}", item.key), outcome)?;
        }
        Ok(())
    }

    async fn person_id(&self, email: Option<&str>) -> Result<Option<PersonId>> {
        let Some(email) = email else { return Ok(None) };
        let found = people::find(self.desk, &self.caller, &by_email(email)).await;
        Ok(Some(found.with_context(|| format!("the person {email}"))?.person.id))
    }
}

fn team_edit(
    wanted: &Team,
    (lead, on_call, members): (Option<PersonId>, Option<PersonId>, Option<&BTreeSet<PersonId>>),
    found: &teams::TeamView,
) -> Option<TeamEdit> {
    let team = &found.team;
    let zone = team.zone.map(|zone| zone.name().to_owned());
    let found_hours = team.working_hours.as_ref().map(hours::lines);
    let wanted_hours = wanted.working_hours.as_deref().map(lines);
    let mut serves: Vec<String> = found.serves.iter().map(ToString::to_string).collect();
    serves.sort();
    let wanted_serves = wanted.serves.clone().map(|mut keys| {
        keys.sort();
        keys
    });
    let edit = TeamEdit {
        name: differs(Some(&wanted.name), &team.name),
        zone: differs_from(wanted.zone.as_ref(), zone.as_ref()),
        working_hours: differs_from(wanted_hours.as_ref(), found_hours.as_ref()),
        lead: differs_from(lead.as_ref(), team.lead.as_ref()).map(person),
        on_call: differs_from(on_call.as_ref(), team.on_call.as_ref()).map(person),
        members: differs(members, &team.members)
            .map(|members| members.into_iter().map(PersonRef::Id).collect()),
        serves: differs(wanted_serves.as_ref(), &serves),
        active: (!team.active).then_some(true),
    };
    let changes = edit.name.is_some()
        || edit.zone.is_some()
        || edit.working_hours.is_some()
        || edit.lead.is_some()
        || edit.on_call.is_some()
        || edit.members.is_some()
        || edit.serves.is_some()
        || edit.active.is_some();
    changes.then_some(edit)
}

fn service_edit(
    wanted: &Service,
    owner: Option<PersonId>,
    found: &services::ServiceView,
) -> Option<ServiceEdit> {
    let service = &found.service;
    let support_team = found.support_team.as_ref().map(|team| &team.key);
    let edit = ServiceEdit {
        name: differs(Some(&wanted.name), &service.name),
        criticality: differs(wanted.criticality.as_ref(), &service.criticality.to_string()),
        owner: differs_from(owner.as_ref(), service.owner.as_ref()).map(person),
        support_team: differs_from(wanted.support_team.as_ref(), support_team),
        active: (!service.active).then_some(true),
        // Fields are kept up by whoever sends them.
        fields: None,
    };
    let changes = edit.name.is_some()
        || edit.criticality.is_some()
        || edit.owner.is_some()
        || edit.support_team.is_some()
        || edit.active.is_some();
    changes.then_some(edit)
}

fn ci_edit(wanted: &Ci, found: &cis::CiView) -> Option<CiEdit> {
    let ci = &found.ci;
    let service = found.service.as_ref().map(|service| &service.key);
    let support_team = found.support_team.as_ref().map(|team| &team.key);
    let edit = CiEdit {
        name: differs(Some(&wanted.name), &ci.name),
        class: differs(Some(&wanted.class), &ci.class.to_string()),
        criticality: differs(wanted.criticality.as_ref(), &ci.criticality.to_string()),
        service: differs_from(wanted.service.as_ref(), service),
        support_team: differs_from(wanted.support_team.as_ref(), support_team),
        active: (!ci.active).then_some(true),
        fields: None,
    };
    let changes = edit.name.is_some()
        || edit.class.is_some()
        || edit.criticality.is_some()
        || edit.service.is_some()
        || edit.support_team.is_some()
        || edit.active.is_some();
    changes.then_some(edit)
}

fn item_edit(
    wanted: &CatalogItem,
    found: &waypost_domain::catalog::CatalogItem,
) -> Option<CatalogItemEdit> {
    let found_cost = found.cost.as_ref().map(|cost| (cost.minor_units, cost.currency.clone()));
    let form = wanted.form.as_ref().filter(|form| !is_same_form(form, &found.form));
    let tasks = wanted.tasks.as_ref().filter(|tasks| !is_same_plan(tasks, &found.tasks));
    let edit = CatalogItemEdit {
        name: differs(Some(&wanted.name), &found.name),
        description: differs(wanted.description.as_ref(), &found.description),
        cost: differs_from(cost(wanted).as_ref(), found_cost.as_ref()),
        form: form.map(|form| form.iter().map(field).collect()),
        delivery_hours: differs_from(wanted.delivery_hours.as_ref(), found.delivery_hours.as_ref()),
        tasks: tasks.map(|tasks| tasks.iter().map(planned).collect()),
        active: (!found.active).then_some(true),
    };
    let changes = edit.name.is_some()
        || edit.description.is_some()
        || edit.cost.is_some()
        || edit.form.is_some()
        || edit.delivery_hours.is_some()
        || edit.tasks.is_some()
        || edit.active.is_some();
    changes.then_some(edit)
}

fn is_same_form(wanted: &[FormField], found: &[waypost_domain::catalog::FormField]) -> bool {
    wanted.len() == found.len()
        && wanted.iter().zip(found).all(|(wanted, found)| {
            let choices: &[String] = match &found.kind {
                FieldKind::Choice(choices) => choices,
                FieldKind::Text | FieldKind::Number | FieldKind::YesNo | FieldKind::Date => &[],
            };
            wanted.field == found.field.as_str()
                && wanted.label == found.label
                && wanted.kind == found.kind.as_str()
                && wanted.choices == choices
                && wanted.required == found.required
        })
}

fn is_same_plan(wanted: &[PlannedTask], found: &[waypost_domain::task::PlannedTask]) -> bool {
    wanted.len() == found.len()
        && wanted.iter().zip(found).enumerate().all(|(place, (wanted, found))| {
            let wanted = planned(wanted);
            let before: BTreeSet<&str> = wanted.depends_on.iter().map(String::as_str).collect();
            wanted.key == found.key.as_str()
                && wanted.short_description == found.short_description
                && wanted.description == found.description
                && wanted.team.as_deref() == found.team.as_ref().map(Key::as_str)
                && wanted.position.map_or(place, usize::from) == usize::from(found.position)
                && wanted.mandatory == found.mandatory
                && before == found.depends_on.iter().map(Key::as_str).collect()
        })
}

fn person(id: Option<PersonId>) -> Option<PersonRef> {
    id.map(PersonRef::Id)
}

fn cost(item: &CatalogItem) -> Option<(i64, String)> {
    item.cost.as_ref().map(|cost| (cost.minor_units, cost.currency.clone()))
}

/// Whoever plans a task wants it done, unless they say otherwise.
fn planned(task: &PlannedTask) -> NewPlannedTask {
    NewPlannedTask {
        key: task.key.clone(),
        short_description: task.short_description.clone(),
        description: task.description.clone(),
        team: task.team.clone(),
        position: task.position,
        mandatory: task.mandatory.unwrap_or(true),
        depends_on: task.depends_on.clone(),
    }
}

fn field(field: &FormField) -> NewFormField {
    NewFormField {
        field: field.field.clone(),
        label: field.label.clone(),
        kind: field.kind.clone(),
        choices: field.choices.clone(),
        required: field.required,
    }
}
