//! When a ticket moves up, and to whom.

use waypost_sdk::{Clocks, Context, Decline, Escalation, Team, Ticket};

use crate::settings::{Clock, Inform, Step};
use crate::{TeamRouter, find};

impl TeamRouter {
    /// The highest step that is due. Steps below it that were never taken count as taken with it: whom they inform is
    /// informed, but only the highest moves the ticket.
    pub(crate) fn step_up(
        &self,
        ticket: &Ticket,
        clocks: &Clocks,
        context: &Context,
    ) -> Result<Option<Escalation>, Decline> {
        if self.steps.is_empty() {
            return Err(Decline::no_opinion("the settings name no step up"));
        }
        let matches = self.step_index.of(ticket, context);
        let due: Vec<&Step> = matches
            .iter()
            .map(|place| &self.steps[place])
            .filter(|step| step.level > clocks.level && minutes(step, clocks) >= step.after_minutes)
            .collect();
        let Some(level) = due.iter().map(|step| step.level).max() else { return Ok(None) };

        let mut escalation = Escalation::to_level(level);
        let before = ticket.team.as_deref().and_then(|key| find(context, key));
        let mut after = before;
        for step in due.iter().filter(|step| step.level == level) {
            escalation.reasons.push(reason(step, clocks));
            let Some(key) = step.team.as_ref().filter(|_| escalation.team.is_none()) else {
                continue;
            };
            if let Some(team) = find(context, key) {
                escalation.team = Some(team.key.clone());
                after = Some(team);
            } else {
                escalation.reasons.push(format!("“{key}” is not a team that takes tickets"));
            }
        }
        for somebody in due.iter().flat_map(|step| &step.inform) {
            let person = person(somebody, before, after);
            if let Some(person) = person.filter(|person| !escalation.inform.contains(*person)) {
                escalation.inform.push(person.clone());
            }
        }
        Ok(Some(escalation))
    }
}

fn minutes(step: &Step, clocks: &Clocks) -> u32 {
    match step.counting {
        Clock::Age => clocks.age_minutes,
        Clock::Unassigned => clocks.unassigned_minutes,
        Clock::Idle => clocks.idle_minutes,
    }
}

fn person<'a>(
    somebody: &'a Inform,
    before: Option<&'a Team>,
    after: Option<&'a Team>,
) -> Option<&'a String> {
    match somebody {
        Inform::Lead => before?.lead.as_ref(),
        Inform::OnCall => after?.on_call.as_ref(),
        Inform::Person(id) => Some(id),
    }
}

fn reason(step: &Step, clocks: &Clocks) -> String {
    let since = match step.counting {
        Clock::Age => "open",
        Clock::Unassigned => "without an assignee",
        Clock::Idle => "untouched",
    };
    let (passed, limit) = (minutes(step, clocks), step.after_minutes);
    format!("level {}: {since} for {passed} minutes, the limit is {limit}", step.level)
}
