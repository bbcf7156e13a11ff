//! Assignment: the team and the person that a policy proposes.

use chrono::{DateTime, Utc};

use crate::{
    ids::{PersonId, TeamId},
    proposal::{FieldsTaken, Judged, Proposed, Proposer, Strength},
    said,
    suggestion::SuggestedField,
    ticket::{MAX_WATCHERS, Ticket},
};

/// Who should get a ticket, as a policy proposes it. Each field stands for itself: a policy may set
/// the team and only suggest the person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssignmentProposal {
    /// The team, as policies name teams.
    pub team: Option<Proposed<String>>,
    /// A member of the team that is proposed with them, or else of the ticket's own.
    pub assignee: Option<Proposed<PersonId>>,
    /// People who are told of every change. Whether they exist, the caller has found out.
    pub watchers: Option<Proposed<Vec<PersonId>>>,
}

/// Judges an assignment and applies what is allowed, field by field.
///
/// A team that does not exist, is inactive or does not serve the organization changes nothing, and
/// takes the person that is proposed with it along. A person who is not a member of the team is
/// left out; the team still gets the ticket.
pub fn apply_assignment(
    ticket: &mut Ticket,
    proposal: &AssignmentProposal,
    proposer: Proposer<'_>,
    taken: &mut FieldsTaken,
    now: DateTime<Utc>,
) -> Judged {
    let mut judging = Judging { ticket, proposer, taken, judged: Judged::default() };
    let owner = judging.team(proposal.team.as_ref()).and_then(|team| {
        let assignee = judging.assignee(proposal.assignee.as_ref(), team);
        (team.set.is_some() || assignee.is_some()).then_some((team.set, assignee))
    });
    let watchers = judging.watchers(proposal.watchers.as_ref());
    let Judging { ticket, mut judged, .. } = judging;

    let before = ticket.clone();
    if let Some((team, assignee)) = owner {
        let team = team.unwrap_or(ticket.team);
        let stays = team == ticket.team;
        let assignee = assignee.or(ticket.assignee.filter(|_| stays));
        if ticket.is_arriving(now) {
            // The first assignment takes the ticket from nobody.
            ticket.team = team;
            ticket.assignee = assignee;
        } else {
            ticket.set_owner(team, assignee);
        }
    }
    let mut left_out: usize = 0;
    for watcher in watchers {
        if ticket.watchers.len() < MAX_WATCHERS {
            ticket.watchers.insert(watcher);
        } else if !ticket.watchers.contains(&watcher) {
            left_out += 1;
        }
    }
    if left_out > 0 {
        let most = MAX_WATCHERS;
        let why = said!("{left_out} more than the {most} that a ticket can have", left_out, most);
        judged.overrule(SuggestedField::Watchers, why);
    }
    if *ticket != before {
        judged.changes = ticket.record_changes(&before, Some(proposer.directory), now);
    }
    judged
}

/// What became of the proposed team.
#[derive(Clone, Copy)]
struct TeamJudged {
    /// The team that the ticket gets.
    set: Option<TeamId>,
    /// The team that is proposed, whether set or suggested.
    proposed: Option<TeamId>,
}

struct Judging<'a, 'b> {
    ticket: &'a mut Ticket,
    proposer: Proposer<'b>,
    taken: &'a mut FieldsTaken,
    judged: Judged,
}

impl Judging<'_, '_> {
    /// None if a team is proposed that cannot have the ticket.
    fn team(&mut self, proposed: Option<&Proposed<String>>) -> Option<TeamJudged> {
        let Some(proposed) = proposed else {
            return Some(TeamJudged { set: None, proposed: None });
        };
        let field = SuggestedField::Team;
        let team = match self.proposer.team(self.ticket.org, &proposed.value) {
            Ok(team) => team,
            Err(why) => {
                self.judged.overrule(field, why);
                return None;
            }
        };
        // Whoever takes a suggestion takes a key, which must then mean the same team.
        let named = self.proposer.directory.team_named(self.ticket.org, team.key.as_str());
        if proposed.strength == Strength::Suggested && named.map(|named| named.id) != Some(team.id)
        {
            let why = said!("another team has the same key here, so this one can only be set");
            self.judged.overrule(field, why);
            return None;
        }
        if !self.judged.may_give(field, self.taken, self.proposer.name) {
            return None;
        }
        match proposed.strength {
            Strength::Set => Some(TeamJudged { set: Some(team.id), proposed: Some(team.id) }),
            Strength::Suggested => {
                let (directory, confidence) = (self.proposer.directory, proposed.confidence);
                let seen = self.ticket.text_of(field, directory);
                self.judged.suggest(field, seen, team.key.to_string(), confidence);
                Some(TeamJudged { set: None, proposed: Some(team.id) })
            }
        }
    }

    /// The person who gets the ticket, if one is set.
    fn assignee(
        &mut self,
        proposed: Option<&Proposed<PersonId>>,
        team: TeamJudged,
    ) -> Option<PersonId> {
        let proposed = proposed?;
        let field = SuggestedField::Assignee;
        // Who is set works for the team that the ticket then has; a suggestion may wait for its
        // team, which is suggested with it.
        let of = match proposed.strength {
            Strength::Set => team.set,
            Strength::Suggested => team.proposed,
        };
        let of = of.unwrap_or(self.ticket.team);
        let found = self.proposer.directory.team(of);
        if !found.is_some_and(|found| found.has_member(proposed.value)) {
            let key = found.map(|found| found.key.as_str()).unwrap_or_default();
            let why = said!("this person is not a member of the team `{key}`", key);
            self.judged.overrule(field, why);
            return None;
        }
        if !self.judged.may_give(field, self.taken, self.proposer.name) {
            return None;
        }
        match proposed.strength {
            Strength::Set => Some(proposed.value),
            Strength::Suggested => {
                let seen = self.ticket.text_of(field, self.proposer.directory);
                let value = proposed.value.to_string();
                self.judged.suggest(field, seen, value, proposed.confidence);
                None
            }
        }
    }

    /// The people who are added.
    fn watchers(&mut self, proposed: Option<&Proposed<Vec<PersonId>>>) -> Vec<PersonId> {
        let Some(proposed) = proposed else { return Vec::new() };
        match proposed.strength {
            Strength::Set => proposed.value.clone(),
            Strength::Suggested => {
                let new = |id: &&PersonId| !self.ticket.watchers.contains(id);
                let new: Vec<String> =
                    proposed.value.iter().filter(new).map(ToString::to_string).collect();
                if !new.is_empty() {
                    let value = new.join(", ");
                    let field = SuggestedField::Watchers;
                    self.judged.suggest(field, None, value, proposed.confidence);
                }
                Vec::new()
            }
        }
    }
}
