//! Editing: the fields that people correct, and the priority that follows from them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::{
    directory::Lookup,
    event::Change,
    ids::{CiId, PersonId, ServiceId},
    key::{CategoryPath, Key},
    organization::OrgSettings,
    priority::{Level, Matrix},
    refusal::{Faults, Refused},
    request::{RequestState, answers, check_quantity},
    text,
    ticket::{Action, Body, State, Ticket, TicketKind, open::check_levels},
};

/// Which fields change. None leaves a field as it is; `Some(None)` empties it.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// One line.
    pub short_description: Option<String>,
    /// The full text.
    pub description: Option<String>,
    /// The category.
    pub category: Option<Option<CategoryPath>>,
    /// The service.
    pub service: Option<Option<ServiceId>>,
    /// The configuration item.
    pub ci: Option<Option<CiId>>,
    /// How much is affected.
    pub impact: Option<Option<Level>>,
    /// How soon it hurts.
    pub urgency: Option<Option<Level>>,
    /// Free labels, all of them.
    pub tags: Option<Vec<String>>,
    /// The form's answers, all of them.
    pub answers: Option<Vec<(Key, String)>>,
    /// How many of the item are asked for.
    pub quantity: Option<u16>,
    /// When what is asked for should be there.
    pub expected_at: Option<Option<DateTime<Utc>>>,
    /// The people who hear of every change, all of them.
    pub watchers: Option<BTreeSet<PersonId>>,
    /// A ticket it is a part of.
    pub parent: Option<Option<crate::ids::TicketId>>,
    /// Whether an incident follows the one that it is a part of.
    pub sync_with_parent: Option<bool>,
    /// How many people an incident keeps from their work.
    pub affected_users: Option<u32>,
}

/// More people than this are a distribution list, which has an address of its own.
pub const MAX_WATCHERS: usize = 100;

/// More people than the largest organizations have are a slip of the keyboard.
pub const MAX_AFFECTED_USERS: u32 = 1_000_000;

impl Ticket {
    /// Changes fields. The matrix's priority follows impact and urgency; an override stays.
    pub fn edit(
        &mut self,
        edit: Edit,
        directory: &dyn Lookup,
        settings: &OrgSettings,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::Edit)?;
        let mut faults = Faults::new();
        let short_description =
            edit.short_description.map(|text| text::short_description(&text, &mut faults));
        let description = edit.description.map(|text| text::description(&text, &mut faults));
        let tags = edit.tags.map(|tags| text::tags(&tags, &mut faults));
        check_levels(settings, edit.impact.flatten(), edit.urgency.flatten(), &mut faults);
        if edit.watchers.as_ref().is_some_and(|watchers| watchers.len() > MAX_WATCHERS) {
            let message = format!("a ticket has at most {MAX_WATCHERS} watchers");
            faults.wrong("/watchers", "too-many", message);
        }
        if edit.answers.is_some() && matches!(self.body, Body::Incident(_)) {
            faults.wrong("/answers", "not-a-request", "an incident has no form; leave them out");
        }
        let answers = edit.answers.map(|given| answers(&given, &mut faults));
        if edit.expected_at.is_some() && matches!(self.body, Body::Incident(_)) {
            let message = "an incident has an `eta` (action set_eta); leave this out";
            faults.wrong("/expected_at", "not-a-request", message);
        }
        let mut body = self.body.clone();
        if let Some(quantity) = edit.quantity {
            self.check_quantity(quantity, &mut faults);
            if let (Body::Request(request), true) = (&mut body, faults.is_empty()) {
                request.set_quantity(quantity, &mut faults);
            }
        }
        if edit.parent == Some(Some(self.id)) {
            faults.wrong("/parent", "itself", "a ticket is no part of itself");
        }
        check_incident_fields(self.kind(), edit.affected_users, edit.sync_with_parent, &mut faults);
        faults.finish()?;
        let is_recounted = body != self.body;
        if (answers.is_some() || is_recounted) && self.state() != State::New {
            return Err(Refused::guard(
                "the answers and the quantity were handed in and can't change behind the approvers' backs; \
                 revise the request while it waits for approval or is rejected, else cancel it \
                 and ask anew",
            ));
        }
        let before = self.clone();
        let mut after = before.clone();
        replace(&mut after.short_description, short_description);
        replace(&mut after.description, description);
        replace(&mut after.category, edit.category);
        replace(&mut after.service, edit.service);
        replace(&mut after.ci, edit.ci);
        replace(&mut after.impact, edit.impact);
        replace(&mut after.urgency, edit.urgency);
        replace(&mut after.tags, tags);
        replace(&mut after.watchers, edit.watchers);
        replace(&mut after.parent, edit.parent);
        replace(&mut after.sync_with_parent, edit.sync_with_parent);
        replace(&mut after.affected_users, edit.affected_users);
        after.body = body;
        if let Body::Request(request) = &mut after.body {
            replace(&mut request.answers, answers);
            replace(&mut request.expected_at, edit.expected_at);
        }
        let is_handed_in = self.state() != State::New;
        if is_handed_in && after.approval_content() != self.approval_content() {
            return Err(Refused::guard(
                "the texts were handed in, and an approval is about exactly them; revise the request while it waits \
                 for approval or is rejected, which begins a new round, else add a comment, or cancel it and ask anew",
            ));
        }
        after.prioritize(&settings.matrix);
        *self = after;
        Ok(self.settle(&before, Some(directory), now))
    }

    /// Notes that a person has confirmed category, impact and urgency. Once; later corrections are edits.
    pub fn triage(
        &mut self,
        category: Option<CategoryPath>,
        impact: Option<Level>,
        urgency: Option<Level>,
        settings: &OrgSettings,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::Triage)?;
        let mut faults = Faults::new();
        if category.is_none() {
            faults.missing("/category", "say what it is about, as a category path");
        }
        if impact.is_none() {
            faults.missing("/impact", "say how much is affected; 1 is high");
        }
        if urgency.is_none() {
            faults.missing("/urgency", "say how soon it hurts; 1 is high");
        }
        check_levels(settings, impact, urgency, &mut faults);
        faults.finish()?;
        if self.triaged_at.is_some() {
            return Err(Refused::guard("it is triaged already; edit the fields instead"));
        }
        let before = self.clone();
        self.category = category;
        self.impact = impact;
        self.urgency = urgency;
        self.triaged_at = Some(now);
        self.prioritize(&settings.matrix);
        Ok(self.settle(&before, None, now))
    }

    /// Overrides the priority, with a reason. It holds until a person overrides it again.
    pub fn set_priority(
        &mut self,
        priority: Option<Level>,
        reason: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::SetPriority)?;
        let mut faults = Faults::new();
        let lowest = Matrix::LOWEST;
        match priority {
            None => faults.missing("/priority", "say which priority it gets; 1 is the highest"),
            Some(level) if !(1..=lowest.0).contains(&level.0) => {
                let message = format!("{level} is no priority; valid are 1 (highest) to {lowest}");
                faults.wrong("/priority", "out-of-range", message);
            }
            Some(_) => {}
        }
        let reason = text::reason(reason, "say why the priority is overridden", &mut faults);
        let level = faults.finish_with(priority)?;
        let before = self.clone();
        self.priority.manual = Some((level, reason));
        Ok(self.settle(&before, None, now))
    }

    fn check_quantity(&self, quantity: u16, faults: &mut Faults) {
        match &self.body {
            Body::Request(request) => check_quantity(quantity, request.item.is_some(), faults),
            Body::Incident(_) => {
                let message = "an incident asks for nothing; leave it out";
                faults.wrong("/quantity", "not-a-request", message);
            }
        }
    }

    /// What the matrix says for the present impact and urgency. Never touches an override or a policy's value.
    pub(crate) fn prioritize(&mut self, matrix: &Matrix) {
        self.priority.matrix = matrix.lookup(self.impact, self.urgency);
    }

    /// Whether the form's answers can still be changed.
    #[must_use]
    pub fn is_draft(&self) -> bool {
        matches!(&self.body, Body::Request(request) if request.state == RequestState::New)
    }
}

/// Refuses what only an incident has, and a count that can't be one.
pub(crate) fn check_incident_fields(
    kind: TicketKind,
    affected_users: Option<u32>,
    sync_with_parent: Option<bool>,
    faults: &mut Faults,
) {
    let given = [
        ("/affected_users", affected_users.is_some()),
        ("/sync_with_parent", sync_with_parent.is_some()),
    ];
    if kind != TicketKind::Incident {
        for (pointer, _) in given.iter().filter(|(_, is_given)| *is_given) {
            faults.wrong(pointer, "not-an-incident", "only an incident has it; leave it out");
        }
    }
    if let Some(given) = affected_users.filter(|given| *given > MAX_AFFECTED_USERS) {
        let message = format!("must be 0 to {MAX_AFFECTED_USERS}, not {given}");
        faults.wrong("/affected_users", "out-of-range", message);
    }
}

fn replace<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}
