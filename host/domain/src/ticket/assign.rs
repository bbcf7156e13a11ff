//! Assigning: which team owns a ticket, and who works on it.

use chrono::{DateTime, Utc};

use crate::{
    directory::{Lookup, check_owner},
    event::Change,
    ids::{PersonId, TeamId},
    refusal::{Faults, Refused},
    text,
    ticket::{Action, Ticket},
};

/// Higher levels are not told apart by people.
pub const MAX_ESCALATION_LEVEL: u8 = 9;

impl Ticket {
    /// Gives it to a team, and to a person of that team if one is named.
    ///
    /// The team must be active and serve the organization, so no ticket lands where nobody works.
    pub fn assign(
        &mut self,
        team: Option<TeamId>,
        assignee: Option<PersonId>,
        directory: &dyn Lookup,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::Assign)?;
        let mut faults = Faults::new();
        match team {
            Some(team) => self.check_owner(team, assignee, directory, &mut faults),
            None => faults.missing("/team", "name the team that gets it, by its key"),
        }
        let team = faults.finish_with(team)?;
        let before = self.clone();
        self.set_owner(team, assignee);
        Ok(self.settle(&before, Some(directory), now))
    }

    /// Takes it a step up: to a level above the present one, to another team if one is named.
    pub fn escalate(
        &mut self,
        level: Option<u8>,
        reason: Option<&str>,
        team: Option<TeamId>,
        directory: &dyn Lookup,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Refused> {
        self.demand(Action::Escalate)?;
        let mut faults = Faults::new();
        let next = self.escalation_level + 1;
        match level {
            None => faults.missing("/level", "say to which level it goes"),
            Some(level) if !(next..=MAX_ESCALATION_LEVEL).contains(&level) => {
                let message = format!(
                    "{level} is not above level {}, which it has reached; the highest is \
                     {MAX_ESCALATION_LEVEL}",
                    self.escalation_level
                );
                faults.wrong("/level", "out-of-range", message);
            }
            Some(_) => {}
        }
        text::reason(reason, "say why it has to go a step up", &mut faults);
        if let Some(team) = team {
            self.check_owner(team, None, directory, &mut faults);
        }
        let level = faults.finish_with(level)?;
        let before = self.clone();
        self.escalation_level = level;
        if let Some(team) = team {
            self.set_owner(team, None);
        }
        Ok(self.settle(&before, Some(directory), now))
    }

    /// Notes what is wrong with an owner: the team, or a person who does not work in it.
    pub(crate) fn check_owner(
        &self,
        team: TeamId,
        assignee: Option<PersonId>,
        directory: &dyn Lookup,
        faults: &mut Faults,
    ) {
        check_owner(self.org, team, assignee, directory, faults);
    }

    /// Changes the owner and counts it, unless it is the first assignment to a person.
    pub(crate) fn set_owner(&mut self, team: TeamId, assignee: Option<PersonId>) {
        let moves_team = team != self.team;
        let moves_person = self.assignee.is_some() && assignee != self.assignee;
        if moves_team || moves_person {
            self.reassignment_count += 1;
        }
        self.team = team;
        self.assignee = assignee;
    }
}
