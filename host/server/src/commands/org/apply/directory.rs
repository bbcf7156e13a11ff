//! The people, teams, services, configuration items, categories and catalog of a desk file.

use anyhow::{Context, Result};
use waypost_app::CommandError;
use waypost_app::registers::{self, Kept};
use waypost_domain::person::Person;

use super::{Applying, Outcome};
use crate::desk_file::{Fields, name_of};

impl Applying<'_> {
    /// Creates what is missing and changes what differs.
    pub(super) async fn records<R: Kept>(&mut self, wanted: &[Fields]) -> Result<()> {
        for fields in wanted {
            let outcome = self.apply_one::<R>(fields).await;
            self.note(&what::<R>(fields), outcome)?;
        }
        Ok(())
    }

    /// Creates everybody first: a manager may stand behind those who have one.
    pub(super) async fn people(&mut self, wanted: &[Fields]) -> Result<()> {
        let mut outcomes = Vec::with_capacity(wanted.len());
        for person in wanted {
            let mut alone = person.clone();
            alone.remove("manager");
            let outcome = self.apply_one::<Person>(&alone).await;
            let told = || format!("{}: {}", self.org, what::<Person>(person));
            outcomes.push(outcome.with_context(told)?);
        }
        for (person, outcome) in wanted.iter().zip(outcomes) {
            let managed = match self.apply_one::<Person>(person).await {
                Ok(_) if outcome != Outcome::Unchanged => Ok(outcome),
                managed => managed,
            };
            self.note(&what::<Person>(person), managed)?;
        }
        Ok(())
    }

    async fn apply_one<R: Kept>(&self, fields: &Fields) -> Result<Outcome, CommandError> {
        registers::apply::<R>(self.desk, &self.caller, name_of::<R>(fields), fields).await
    }
}

fn what<R: Kept>(fields: &Fields) -> String {
    format!("{} {}", R::REGISTER.noun, name_of::<R>(fields))
}
