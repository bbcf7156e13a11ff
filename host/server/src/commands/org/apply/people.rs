//! The people of a desk file.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use waypost_app::CommandError;
use waypost_app::people::{self, NewPerson, PersonEdit, PersonView};
use waypost_app::tickets::PersonRef;
use waypost_domain::ids::PersonId;

use super::{Applying, Outcome, differs, differs_from};
use crate::desk_file::Person;

impl Applying<'_> {
    /// Creates everybody first: a manager may stand behind those who have one.
    pub(super) async fn people(&mut self, wanted: &[Person]) -> Result<()> {
        let mut outcomes = Vec::with_capacity(wanted.len());
        for person in wanted {
            let outcome = self.person(person).await;
            outcomes
                .push(outcome.with_context(|| format!("{}: person {}", self.org, person.email))?);
        }
        let mut managers = BTreeMap::new();
        for (person, outcome) in wanted.iter().zip(outcomes) {
            let what = format!("person {}", person.email);
            let managed = self.manager(person, &mut managers).await;
            self.note(
                &what,
                managed.map(|changes| match outcome {
                    Outcome::Unchanged if changes => Outcome::Changed,
                    outcome => outcome,
                }),
            )?;
        }
        Ok(())
    }

    async fn person(&self, wanted: &Person) -> Result<Outcome, CommandError> {
        let named = by_email(&wanted.email);
        let found = match people::find(self.desk, &self.caller, &named).await {
            Ok(found) => found,
            Err(CommandError::NotFound(_)) => {
                let new = NewPerson {
                    name: wanted.name.clone(),
                    email: Some(wanted.email.clone()),
                    role: wanted.role.clone(),
                    zone: wanted.zone.clone(),
                    manager: None,
                    location: wanted.location.clone(),
                    vip: wanted.vip.unwrap_or_default(),
                    ..NewPerson::default()
                };
                people::create(self.desk, &self.caller, new).await?;
                return Ok(Outcome::Created);
            }
            Err(error) => return Err(error),
        };
        let Some(edit) = difference(wanted, &found) else { return Ok(Outcome::Unchanged) };
        people::update(self.desk, &self.caller, &named, edit, None).await?;
        Ok(Outcome::Changed)
    }

    /// Sets the manager, if the file names another; says whether that changed something.
    async fn manager(
        &self,
        wanted: &Person,
        known: &mut BTreeMap<String, PersonId>,
    ) -> Result<bool, CommandError> {
        let Some(email) = &wanted.manager else { return Ok(false) };
        let manager = match known.get(email) {
            Some(id) => *id,
            None => people::find(self.desk, &self.caller, &by_email(email)).await?.person.id,
        };
        known.insert(email.clone(), manager);
        let named = by_email(&wanted.email);
        let found = people::find(self.desk, &self.caller, &named).await?;
        if found.person.manager == Some(manager) {
            return Ok(false);
        }
        let edit =
            PersonEdit { manager: Some(Some(PersonRef::Id(manager))), ..PersonEdit::default() };
        people::update(self.desk, &self.caller, &named, edit, None).await?;
        Ok(true)
    }
}

pub(super) fn by_email(email: &str) -> PersonRef {
    PersonRef::Email(email.to_owned())
}

/// What has to change, if something has.
fn difference(wanted: &Person, found: &PersonView) -> Option<PersonEdit> {
    let person = &found.person;
    let zone = person.zone.map(|zone| zone.name().to_owned());
    let edit = PersonEdit {
        name: differs(Some(&wanted.name), &person.name),
        email: None,
        role: differs(wanted.role.as_ref(), &person.role.to_string()),
        zone: differs_from(wanted.zone.as_ref(), zone.as_ref()),
        manager: None,
        location: differs_from(wanted.location.as_ref(), person.location.as_ref()),
        vip: differs(wanted.vip.as_ref(), &person.vip),
        // Whoever is in the file is there again.
        active: (!person.active).then_some(true),
        language: None,
        fields: None,
    };
    let changes = edit.name.is_some()
        || edit.role.is_some()
        || edit.zone.is_some()
        || edit.location.is_some()
        || edit.vip.is_some()
        || edit.active.is_some();
    changes.then_some(edit)
}
