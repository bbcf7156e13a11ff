//! Assigning: which team owns a ticket and who works on it; and how it is weighed: triage,
//! priority, escalation.

use chrono::{DateTime, Utc};

use crate::{
    directory::{Lookup, check_owner},
    event::FieldChange,
    ids::{OrgId, PersonId, TeamId},
    organization::OrgSettings,
    priority::{Level, Matrix},
    refusal::{Faults, Refused},
    said,
    ticket::{Action, Notice, Obstacle, Ticket, Turn},
};

/// Higher levels are not told apart by people.
pub const MAX_ESCALATION_LEVEL: u8 = 9;

/// Gives it to a team, and to a person of that team if one is named.
///
/// The team must be active and serve the organization, so no ticket lands where nobody works.
pub(crate) fn assign(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let (team, assignee) = (turn.given.team("team"), turn.given.person("assignee"));
    if let Some(team) = team {
        check_owner(ticket.org, team, assignee, turn.directory, &mut turn.faults);
    }
    turn.fields_are_right()?;
    ticket.set_owner(team.unwrap_or(ticket.team), assignee);
    Ok(())
}

/// Who of a ticket's owner works on it: the team if it serves the organization, and the assignee if
/// they are in that team and `is_at_work`.
pub fn at_work(
    org: OrgId,
    (team, assignee): (TeamId, Option<PersonId>),
    is_at_work: &dyn Fn(PersonId) -> bool,
    directory: &dyn Lookup,
) -> (Option<TeamId>, Option<PersonId>) {
    let serving = directory.team(team).filter(|team| team.serves(org));
    let works = |person: &PersonId| {
        serving.is_some_and(|team| team.has_member(*person)) && is_at_work(*person)
    };
    (serving.map(|team| team.id), assignee.filter(works))
}

/// Takes it to a level above the present one.
pub(crate) fn escalate(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let reached = ticket.escalation_level;
    let level = turn.given.count("level").and_then(|level| u8::try_from(level).ok());
    if level.is_some_and(|level| (1..=reached).contains(&level)) {
        let message = said!(
            "It is already at level {reached}; give a higher one, at most {most}.",
            reached,
            most = MAX_ESCALATION_LEVEL
        );
        turn.faults.wrong("/level", "out-of-range", message);
    }
    turn.fields_are_right()?;
    ticket.escalation_level = level.unwrap_or(reached);
    Ok(())
}

/// Notes that a person has confirmed category, impact and urgency. Once; later corrections are
/// edits.
pub(crate) fn triage(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let (impact, urgency) = (turn.given.level("impact"), turn.given.level("urgency"));
    check_levels(turn.settings, impact, urgency, &mut turn.faults);
    turn.fields_are_right()?;
    let before = ticket.priority.effective().0;
    ticket.triaged_at = Some(turn.now);
    ticket.prioritize(&turn.settings.matrix);
    if ticket.priority.effective().0 != before {
        turn.left.tells = Some(Some(Notice::PriorityChanged));
    }
    Ok(())
}

pub(crate) fn is_triaged(ticket: &Ticket, _: Action) -> Option<Obstacle> {
    let is_triaged = ticket.triaged_at.is_some();
    is_triaged.then_some(Obstacle::Guard(said!("It is already triaged; edit the fields instead.")))
}

/// Overrides the priority, with a reason. It holds until a person overrides it again.
pub(crate) fn set_priority(ticket: &mut Ticket, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let lowest = Matrix::LOWEST;
    let level = turn.given.level("priority");
    if let Some(level) = level.filter(|level| !(1..=lowest.0).contains(&level.0)) {
        let message = said!(
            "{level} is not a valid priority; use 1 (highest) to {lowest} (lowest).",
            level,
            lowest
        );
        turn.faults.wrong("/priority", "out-of-range", message);
    }
    turn.fields_are_right()?;
    let reason = turn.given.text("reason").unwrap_or_default().to_owned();
    ticket.priority.manual = level.map(|level| (level, reason));
    Ok(())
}

/// Refuses levels that the organization's matrix does not know.
pub(crate) fn check_levels(
    settings: &OrgSettings,
    impact: Option<Level>,
    urgency: Option<Level>,
    faults: &mut Faults,
) {
    let sizes = [
        ("/impact", impact, settings.matrix.impacts()),
        ("/urgency", urgency, settings.matrix.urgencies()),
    ];
    for (pointer, level, most) in sizes {
        if let Some(level) = level.filter(|level| !(1..=most).contains(&level.0)) {
            let message = said!(
                "{level} is not a valid level; use 1 (highest) to {most} (lowest).",
                level,
                most
            );
            faults.wrong(pointer, "out-of-range", message);
        }
    }
}

impl Ticket {
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

    /// Takes it from who does not work on it any more (see [`at_work`]). It waits for the team
    /// then, or for the fallback team. Returns what changed, and why; nothing where its owner is at
    /// work.
    pub fn give_back(
        &mut self,
        is_at_work: &dyn Fn(PersonId) -> bool,
        settings: &OrgSettings,
        directory: &dyn Lookup,
        now: DateTime<Utc>,
    ) -> Option<(Vec<FieldChange>, &'static str)> {
        let owner = (self.team, self.assignee);
        let (team, assignee) = at_work(self.org, owner, is_at_work, directory);
        let why = if team.is_some() {
            "its assignee no longer works in the team"
        } else {
            "its team no longer serves the organization"
        };
        let left = (team.unwrap_or(settings.fallback_team), assignee);
        if left == owner {
            return None;
        }
        let before = self.clone();
        self.set_owner(left.0, left.1);
        Some((self.record_changes(&before, Some(directory), now), why))
    }

    /// What the matrix says for the present impact and urgency. Never touches an override or a
    /// policy's value.
    pub(crate) fn prioritize(&mut self, matrix: &Matrix) {
        self.priority.matrix = matrix.lookup(self.impact, self.urgency);
    }
}
