//! Work on an incident: it is started, and ends with a resolution that says what was done.

use chrono::{DateTime, Utc};

use crate::{
    directory::Lookup,
    event::{Actor, Change},
    ids::PersonId,
    incident::{IncidentState, Resolution, ResolutionCode},
    organization::{OrgSettings, ResolveDemand},
    refusal::{Faults, Refused},
    text,
    ticket::{Action, Body, Ticket},
};

impl Ticket {
    /// Starts the work on an incident. The assignee must be a member of the owning team.
    pub fn start(
        &mut self,
        assignee: Option<PersonId>,
        directory: &dyn Lookup,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::Start)?;
        let mut faults = Faults::new();
        match assignee {
            Some(_) => self.check_owner(self.team, assignee, directory, &mut faults),
            None => faults.missing("/assignee", "name the person who works on it"),
        }
        faults.finish()?;
        let before = self.clone();
        self.set_owner(self.team, assignee);
        self.body = Body::Incident(IncidentState::InProgress);
        Ok(self.settle(&before, Some(directory), now))
    }

    /// Records that service is restored, from every active state. Code and notes are never empty, and the
    /// organization can demand more (requirement R12).
    pub fn resolve(
        &mut self,
        code: Option<ResolutionCode>,
        notes: Option<&str>,
        settings: &OrgSettings,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::Resolve)?;
        let mut faults = Faults::new();
        if code.is_none() {
            let message = format!("say how it ended: {}", ResolutionCode::NAMES.join(", "));
            faults.missing("/resolution_code", message);
        }
        let notes = text::body("/resolution_notes", notes, "say what was done", &mut faults);
        for (pointer, message) in self.lacks_for_resolution(settings) {
            faults.missing(pointer, message);
        }
        let code = faults.finish_with(code)?;
        let before = self.clone();
        let resolution = Resolution { code, notes, at: now, by: by.clone() };
        self.body = Body::Incident(IncidentState::Resolved(resolution));
        Ok(self.settle(&before, None, now))
    }

    /// The fields of the record that the organization demands before an incident is resolved, and that are empty.
    pub(crate) fn lacks_for_resolution(
        &self,
        settings: &OrgSettings,
    ) -> Vec<(&'static str, &'static str)> {
        settings
            .resolve_demands
            .iter()
            .filter_map(|demand| match demand {
                ResolveDemand::Category => self
                    .category
                    .is_none()
                    .then_some(("/category", "the organization demands a category; edit it in")),
                ResolveDemand::ServiceOrCi => (self.service.is_none() && self.ci.is_none())
                    .then_some((
                        "/service",
                        "the organization demands a service or a configuration item; edit it in",
                    )),
                ResolveDemand::Assignee => self
                    .assignee
                    .is_none()
                    .then_some(("/assignee", "the organization demands an assignee; assign it")),
            })
            .collect()
    }
}
