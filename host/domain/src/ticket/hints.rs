//! Hints: what a caller can do to a ticket now, and what each action still lacks.

use crate::{
    field::Needed,
    ids::PersonId,
    organization::OrgSettings,
    permission::{Relation, allows},
    role::Role,
    team::Team,
    ticket::{Action, Row, Ticket, Who},
};

/// An action that is allowed, with the fields that it needs and that are not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionHint {
    /// The action.
    pub action: Action,
    /// JSON pointers: fields that the action must be given, and fields of the ticket that must be
    /// filled before.
    pub lacks: Vec<String>,
}

impl Ticket {
    /// What this caller can do now. Actions that only policies and approvals do are not among them,
    /// nor, for a requester, those that wait for fields which only the desk can fill in.
    #[must_use]
    pub fn allowed_actions(
        &self,
        role: Role,
        relation: Relation,
        settings: &OrgSettings,
    ) -> Vec<ActionHint> {
        self.rules()
            .rows()
            .filter(|row| row.who != Who::System && row.allows(self.state(), self.phase()))
            .filter(|row| row.against.is_none_or(|against| against(self, row.action).is_none()))
            .filter(|row| !(row.action == Action::Acknowledge && self.acknowledged_at.is_some()))
            .filter(|row| allows(role, relation, row.action, self).is_ok())
            .filter(|row| role != Role::Requester || !self.lacks_what_is_edited(row, settings))
            .map(|row| ActionHint { action: row.action, lacks: self.lacks(row, settings) })
            .collect()
    }

    /// The same hints as this person can follow them, who may work in the owning team or not: what
    /// its team has nobody for lacks another team, and who is not of the team says who does it.
    #[must_use]
    pub fn as_followed_by(
        &self,
        person: Option<PersonId>,
        team: Option<&Team>,
        mut hints: Vec<ActionHint>,
    ) -> Vec<ActionHint> {
        let team = team.filter(|team| team.serves(self.org) && !team.members.is_empty());
        let works = |person: Option<PersonId>| {
            team.zip(person).is_some_and(|(team, person)| team.has_member(person))
        };
        let is_said = works(person) || works(self.assignee);
        for hint in &mut hints {
            let row = self.rules().row(hint.action);
            let inputs = row.into_iter().flat_map(|row| row.inputs);
            for input in inputs.filter(|input| input.needed == Needed::UnlessOfTeam) {
                if team.is_none() {
                    hint.lacks.push("/team".to_owned());
                } else if !is_said {
                    hint.lacks.push(format!("/{}", input.name));
                }
            }
        }
        hints
    }

    /// Whether it lacks fields that must be edited before, because the action does not take them.
    fn lacks_what_is_edited(&self, row: &Row, settings: &OrgSettings) -> bool {
        let lacks = row.lacks.map(|lacks| lacks(self, settings)).unwrap_or_default();
        let takes = |name: &&str| row.inputs.iter().any(|input| input.name == *name);
        lacks.iter().any(|lack| !lack.fields.iter().any(&takes))
    }

    fn lacks(&self, row: &Row, settings: &OrgSettings) -> Vec<String> {
        let needed = row.inputs.iter().filter(|input| input.is_needed(self));
        let filled = row.lacks.map(|lacks| lacks(self, settings)).unwrap_or_default();
        let names = needed.map(|input| input.name).chain(filled.iter().map(|lack| lack.fields[0]));
        names.map(|name| format!("/{name}")).collect()
    }
}
