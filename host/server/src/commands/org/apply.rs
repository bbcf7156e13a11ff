//! `waypost org apply`: makes the installation as desk files say.
//!
//! Every step first looks at what is there, so a file that is applied again changes nothing, and
//! one that was stopped in the middle goes on.

mod bindings;
mod directory;
mod major_rules;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;
use waypost_app::organizations::{
    self, NewOrganization, OrganizationEdit, OrganizationView, PLATFORM_KEY,
};
use waypost_app::registers::{self, Applied as Outcome};
use waypost_app::tickets::PersonRef;
use waypost_app::{Caller, CommandError, Desk};
use waypost_domain::calendar::hours::{self, DayHours};
use waypost_domain::catalog::{CatalogItem, Category};
use waypost_domain::ci::Ci;
use waypost_domain::key::Key;
use waypost_domain::organization::OrgKind;
use waypost_domain::person::Person;
use waypost_domain::service::Service;
use waypost_domain::team::Team;

use super::{platform, settings};
use crate::desk_file::{DeskFile, Hours, Organization};
use crate::installation::Installation;
use crate::output::Output;

/// Create and change records as desk files describe them; can be repeated safely.
///
/// All organizations are created first, so files can refer to each other.
#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// Desk files, parent organizations first.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Folder of the components; defaults to that of the desk file.
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
}

/// Applies one file, and keeps what was done.
struct Applying<'a> {
    desk: &'a Desk,
    caller: Caller,
    org: String,
    output: &'a mut Output,
    done: &'a mut Done,
}

/// What was done.
#[derive(Debug, Default)]
struct Done {
    created: Vec<String>,
    changed: Vec<String>,
    unchanged: usize,
}

impl Apply {
    pub(crate) async fn run(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let mut files = Vec::with_capacity(self.files.len());
        for path in &self.files {
            let mut file = DeskFile::read(path)?;
            if let Some(folder) = &self.policies {
                // An absolute path stays what it is when it is joined.
                let folder = std::path::absolute(folder)
                    .with_context(|| format!("looking for the folder {}", folder.display()))?;
                file.policies
                    .values_mut()
                    .for_each(|component| *component = folder.join(&*component));
            }
            file.check_files().with_context(|| format!("the desk file {}", path.display()))?;
            files.push(file);
        }
        let mut done = Done::default();
        let operator = platform(installation).await?;
        for file in &files {
            let outcome = create(&installation.desk, &operator, &file.organization).await?;
            let what = format!("organization {}", file.organization.key);
            if outcome == Outcome::Created {
                done.note(output, what, outcome)?;
            }
        }
        for file in &files {
            let key = file.organization.key.parse().context("the organization's key")?;
            let mut applying = Applying {
                desk: &installation.desk,
                caller: installation.operator(&key).await?,
                org: file.organization.key.clone(),
                output,
                done: &mut done,
            };
            applying.apply(file).await?;
        }
        let Done { created, changed, unchanged } = &done;
        output.tell(
            || json!({ "created": created, "changed": changed, "unchanged": unchanged }),
            |to| {
                let (created, changed) = (created.len(), changed.len());
                writeln!(to, "{created} created, {changed} changed, {unchanged} unchanged.")
            },
        )
    }
}

impl Applying<'_> {
    async fn apply(&mut self, file: &DeskFile) -> Result<()> {
        self.people(&file.people).await?;
        self.records::<Team>(&file.teams).await?;
        self.records::<Service>(&file.services).await?;
        self.records::<Ci>(&file.cis).await?;
        self.records::<Category>(&file.categories).await?;
        self.records::<CatalogItem>(&file.catalog).await?;
        // Settings name teams and people, and policies may route to every team.
        self.settings(&file.organization).await?;
        self.bindings(file).await
    }

    async fn settings(&mut self, wanted: &Organization) -> Result<()> {
        let found = organizations::find(self.desk, &self.caller, &self.org).await?;
        let approver = match &wanted.fallback_approver {
            None => None,
            Some(email) => {
                let person = registers::find::<Person>(self.desk, &self.caller, email).await;
                Some(person.with_context(|| format!("fallback_approver {email}"))?.record.id)
            }
        };
        let edit = OrganizationEdit {
            fallback_approver: approver
                .filter(|id| found.organization.settings.fallback_approver != Some(*id))
                .map(|id| Some(PersonRef::Id(id))),
            major_rules: self.major_rules(wanted, &found).await?,
            ..difference(wanted, &found)
        };
        if settings::is_empty(&edit) {
            return self.note("settings", Ok(Outcome::Unchanged));
        }
        let updated = organizations::update(self.desk, &self.caller, &self.org, edit, None).await;
        self.note("settings", updated.map(|_| Outcome::Changed))
    }

    /// Keeps what became of a record, or says whose fault it is.
    fn note(&mut self, what: &str, outcome: Result<Outcome, CommandError>) -> Result<()> {
        let what = format!("{}: {what}", self.org);
        let outcome = outcome.with_context(|| what.clone())?;
        self.done.note(self.output, what, outcome)
    }
}

impl Done {
    fn note(&mut self, output: &mut Output, what: String, outcome: Outcome) -> Result<()> {
        match outcome {
            Outcome::Created => {
                output.step(format_args!("created  {what}"))?;
                self.created.push(what);
            }
            Outcome::Changed => {
                output.step(format_args!("changed  {what}"))?;
                self.changed.push(what);
            }
            Outcome::Unchanged => self.unchanged += 1,
        }
        Ok(())
    }
}

/// Creates the organization if it is missing. One that is there must be of the same kind, in the
/// same place.
async fn create(desk: &Desk, operator: &Caller, wanted: &Organization) -> Result<Outcome> {
    let told = || format!("organization {}", wanted.key);
    match organizations::find(desk, operator, &wanted.key).await {
        Ok(found) => {
            must_match(wanted, &found).with_context(told)?;
            return Ok(Outcome::Unchanged);
        }
        Err(CommandError::NotFound(_)) => {}
        Err(error) => return Err(error).with_context(told),
    }
    let new = NewOrganization {
        kind: wanted.kind.clone().unwrap_or_else(|| OrgKind::Client.to_string()),
        key: wanted.key.clone(),
        name: wanted.name.clone().unwrap_or_else(|| wanted.key.clone()),
        parent: Some(wanted.parent.clone().unwrap_or_else(|| PLATFORM_KEY.to_owned())),
        zone: wanted.zone.clone(),
    };
    organizations::create(desk, operator, new).await.with_context(told)?;
    Ok(Outcome::Created)
}

fn must_match(wanted: &Organization, found: &OrganizationView) -> Result<()> {
    let kind = found.organization.kind;
    if wanted.kind.as_deref().is_some_and(|wanted| wanted != kind.as_str()) {
        bail!("it exists as a {kind}, which cannot be changed; correct the file");
    }
    let parent = found.parent.as_ref().map(Key::as_str);
    if wanted.parent.is_some() && wanted.parent.as_deref() != parent {
        bail!(
            "it exists below {}, which cannot be changed; correct the file",
            parent.unwrap_or("nothing")
        );
    }
    Ok(())
}

/// The settings that the file names and that are not so yet. The approver and the rules, which name
/// people, are looked at elsewhere.
fn difference(wanted: &Organization, found: &OrganizationView) -> OrganizationEdit {
    let settings = &found.organization.settings;
    let matrix: Vec<Vec<u8>> = settings
        .matrix
        .rows()
        .iter()
        .map(|row| row.iter().map(|level| level.0).collect())
        .collect();
    let demands: Vec<String> = settings.resolve_demands.iter().map(ToString::to_string).collect();
    OrganizationEdit {
        name: differs(wanted.name.as_ref(), &found.organization.name),
        zone: differs(wanted.zone.as_ref(), &settings.zone.name().to_owned()),
        working_hours: differs(
            wanted.working_hours.as_deref().map(lines).as_ref(),
            &hours::lines(&settings.working_hours),
        ),
        matrix: differs(wanted.matrix.as_ref(), &matrix),
        fallback_team: differs(wanted.fallback_team.as_ref(), &found.fallback_team.key),
        fallback_approver: None,
        reopen_window_days: differs(
            wanted.reopen_window_days.as_ref(),
            &settings.reopen_window_days,
        ),
        auto_close_days: differs(wanted.auto_close_days.as_ref(), &settings.auto_close_days),
        caller_reply_reopens: differs(
            wanted.caller_reply_reopens.as_ref(),
            &settings.caller_reply_reopens,
        ),
        votes_by_mail: differs(wanted.votes_by_mail.as_ref(), &settings.votes_by_mail),
        receipt_retention_days: differs(
            wanted.receipt_retention_days.as_ref(),
            &settings.receipt_retention_days,
        ),
        resolve_demands: differs(wanted.resolve_demands.as_ref(), &demands),
        major_rules: None,
    }
}

/// What the file says, if it says something else than what is there.
fn differs<T: PartialEq + Clone>(wanted: Option<&T>, found: &T) -> Option<T> {
    wanted.filter(|wanted| *wanted != found).cloned()
}

fn lines(hours: &[Hours]) -> Vec<DayHours> {
    let line = |hours: &Hours| DayHours {
        day: hours.day.clone(),
        from: hours.from.clone(),
        to: hours.to.clone(),
    };
    hours.iter().map(line).collect()
}
