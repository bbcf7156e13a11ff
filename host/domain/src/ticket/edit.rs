//! Editing: the fields that people correct, and the priority that follows from them.

use chrono::{DateTime, Utc};

use crate::{
    directory::Lookup,
    event::FieldChange,
    organization::OrgSettings,
    refusal::{Faults, Refused},
    request::Request,
    said,
    ticket::{Action, Given, Row, State, Ticket, Turn, assign::check_levels},
};

impl Ticket {
    /// Changes fields; what was not given stays. The matrix's priority follows impact and urgency;
    /// an override stays. `siblings` are the tasks beside a task, or those of the ticket.
    pub fn edit(
        &mut self,
        given: &Given,
        siblings: &[Self],
        directory: &dyn Lookup,
        settings: &OrgSettings,
        now: DateTime<Utc>,
    ) -> Result<Vec<FieldChange>, Refused> {
        self.admit(Action::Edit)?;
        let mut faults = Faults::new();
        let mut after = self.clone();
        for (name, value) in given.iter() {
            let Some(field) = self.rules().field(name).filter(|field| field.edits) else {
                continue;
            };
            if let Some(value) = value {
                field.takes.check(&field.pointer(), value, &mut faults);
            }
            (field.set)(&mut after, value, &mut faults);
        }
        check_levels(settings, given.level("impact"), given.level("urgency"), &mut faults);
        if after.request().is_some_and(|it| it.item.is_none() && it.quantity > 1) {
            Request::refuse_count(&mut faults);
        }
        if after.task() != self.task() {
            after.check_dependencies(siblings, &mut faults);
        }
        if let Some(problem) = after.problem() {
            problem.check_known_error(&mut faults);
        }
        faults.finish()?;
        self.check_submitted(&after)?;
        self.check_started(&after)?;
        after.prioritize(&settings.matrix);
        let before = std::mem::replace(self, after);
        Ok(self.record_changes(&before, Some(directory), now))
    }

    /// Fills in the fields that an action takes to fill them. A text of blanks fills nothing in.
    pub(crate) fn fill(&mut self, row: &Row, turn: &mut Turn<'_>) {
        for input in row.inputs.iter().filter(|input| input.fills && turn.given.says(input.name)) {
            if let Some(field) = self.rules().field(input.name) {
                (field.set)(self, turn.given.get(input.name), &mut turn.faults);
            }
        }
    }

    /// What was submitted can't change without the approvers' knowledge.
    fn check_submitted(&self, after: &Self) -> Result<(), Refused> {
        let (Some(was), Some(is)) = (self.request(), after.request()) else { return Ok(()) };
        if self.is_draft() {
            return Ok(());
        }
        if was.answers != is.answers || was.quantity != is.quantity {
            return Err(Refused::guard(said!(
                "Submitted answers and quantities cannot be changed without the approvers' \
                 knowledge; revise the request while it is awaiting approval or rejected, \
                 otherwise cancel it and open a new one."
            )));
        }
        if self.approval_content() != after.approval_content() {
            return Err(Refused::guard(said!(
                "Submitted texts cannot be changed, because the approval covers exactly them; \
                 revise the request while it is awaiting approval or rejected, which starts a new \
                 round, otherwise add a comment, or cancel it and open a new one."
            )));
        }
        Ok(())
    }

    /// What comes before a task can't change once it has been started.
    fn check_started(&self, after: &Self) -> Result<(), Refused> {
        let (Some(was), Some(is)) = (self.task(), after.task()) else { return Ok(()) };
        let is_started = !matches!(self.state(), State::Waiting | State::Open);
        if is_started && was.depends_on != is.depends_on {
            return Err(Refused::guard(said!(
                "{number} is {state}, so its dependencies can no longer be changed.",
                number = self.number,
                state = self.state()
            )));
        }
        Ok(())
    }
}
