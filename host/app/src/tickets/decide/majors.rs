//! Looking for major incidents: an organization's trigger rules, judged in the commit of what shows
//! the signs.
//!
//! An organization without rules pays nothing for them. The number of children is counted only
//! where a rule asks for it, and never for a ticket that has just come in: it has none. It is read
//! before the commit, as every fact: of two children that are added at the same moment neither sees
//! the other, and a rule that needed both finds the incident with the next one.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, SecondsFormat, Utc};
use waypost_domain::{
    event::{Actor, ActorKind},
    ids::{PersonId, TicketId},
    incident::{Leadership, Major, MajorRule},
    message::ToldAs,
    ticket::{Action, Notice, Ticket},
};
use waypost_store::{ReadTx, ticket};

use super::{TicketDraft, system};
use crate::{
    Caller, CommandError, Desk,
    tickets::{messages::Draft, reactions::children_of},
};

/// Lets the rules look at stored tickets that show other signs than before, and at those that got
/// another child.
pub(crate) async fn evaluate_major_rules(
    desk: &Desk,
    caller: &Caller,
    decided: &mut Vec<TicketDraft>,
) -> Result<(), CommandError> {
    let Some(rules) =
        decided.first().map(|one| one.facts.directory.org.settings.major_rules.clone())
    else {
        return Ok(());
    };
    let counts = MajorRule::any_counts_children(&rules);
    // How many children each of them gets by this command, and the place of one.
    let mut larger: BTreeMap<TicketId, (u32, usize)> = BTreeMap::new();
    for (place, one) in decided.iter().enumerate().filter(|_| counts) {
        if let Some(parent) = one.joined() {
            larger.entry(parent).or_insert((0, place)).0 += 1;
        }
    }
    let is_any_to_look_at =
        decided.iter().any(TicketDraft::shows_other_signs) || !larger.is_empty();
    if rules.is_empty() || !is_any_to_look_at {
        return Ok(());
    }
    let mut tx = desk.store.read(caller.org).await?;
    for one in decided.iter_mut().filter(|one| one.shows_other_signs()) {
        // What has just come in has no children.
        let is_counted = counts && !one.write.is_new;
        let children = if is_counted { children(&mut tx, one.write.ticket.id).await? } else { 0 };
        one.find_major(children);
    }
    for (id, (joined, place)) in larger {
        // Not counted yet: that it is a child is written together with what the rules find.
        let children = children(&mut tx, id).await?.saturating_add(joined);
        if let Some(parent) = decided.iter_mut().find(|one| one.write.ticket.id == id) {
            parent.find_major(children);
            continue;
        }
        let Some(parent) = ticket::find(&mut tx, id).await? else { continue };
        let mut facts = decided[place].facts.clone();
        facts.around(&mut tx, &parent).await?;
        let mut parent = TicketDraft::of_stored(desk, facts, parent, "child", caller);
        if parent.find_major(children) {
            decided.push(parent);
        }
    }
    Ok(())
}

async fn children(tx: &mut ReadTx, of: TicketId) -> Result<u32, CommandError> {
    let count = ticket::count(tx, &children_of(of)).await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// What of a ticket the rules look at.
fn looked_at(ticket: &Ticket) -> impl PartialEq + use<> {
    (ticket.priority.effective().0, ticket.service, ticket.ci, ticket.parent)
}

impl TicketDraft {
    fn shows_other_signs(&self) -> bool {
        let ticket = &self.write.ticket;
        self.before.as_ref().is_none_or(|before| looked_at(before) != looked_at(ticket))
            && ticket.may_become_major()
    }

    /// The incident that it has become a part of by this command.
    fn joined(&self) -> Option<TicketId> {
        let ticket = &self.write.ticket;
        let parent = ticket.parent.filter(|_| ticket.incident().is_some())?;
        self.before.as_ref().is_some_and(|it| it.parent != Some(parent)).then_some(parent)
    }

    /// Does what the first rule says that the ticket matches. Whether there was one.
    fn find_major(&mut self, children: u32) -> bool {
        let directory = Arc::clone(&self.facts.directory);
        let rules = &directory.org.settings.major_rules;
        if rules.is_empty() || !self.write.ticket.may_become_major() {
            return false;
        }
        let signs = self.write.ticket.major_signs(children, &self.facts);
        let Some(rule) = MajorRule::first(rules, signs) else { return false };
        let people = Arc::clone(&self.facts.desk_people);
        let person = |id: PersonId| people.get(&id);
        let was = self.write.ticket.state();
        for made in self.write.ticket.trigger_major(rule, signs, person, self.now) {
            self.did_because(made.action, &system(), made.changes, Some(made.reason));
            if made.action == Action::AcceptMajor {
                self.tell_leaders(None, &system());
            }
        }
        self.happened(Notice::MajorChanged, &system(), was);
        true
    }

    /// Tells who leads a major incident, and did not before, what they have to do; but not the one
    /// who said so.
    pub(crate) fn tell_leaders(&mut self, before: Option<Leadership>, by: &Actor) {
        let Some(Major::Accepted { led_by, next_update_at, .. }) = self.major() else {
            return;
        };
        let (number, at) = (&self.write.ticket.number, minute(next_update_at));
        let who = match by.kind {
            ActorKind::System => "A rule of the organization",
            ActorKind::User
            | ActorKind::Mail
            | ActorKind::Api
            | ActorKind::Alert
            | ActorKind::Policy => "The desk",
        };
        let subject = format!("{number} is a major incident, and you are in charge");
        let tasks = [
            (
                "manager",
                led_by.manager,
                before.map(|it| it.manager),
                "You are the major incident manager.",
            ),
            (
                "communication_owner",
                led_by.communication_owner,
                before.map(|it| it.communication_owner),
                "You are the communication owner.",
            ),
        ];
        let is_news = |person, before| Some(person) != before && by.person != Some(person);
        for (role, person, before, task) in tasks {
            if !is_news(person, before) {
                continue;
            }
            let body = format!(
                "{who} has put you in charge of the major incident {number}: {}\n\n{task} The next \
                 update is due at {at}; post it with `update_major`.",
                self.write.ticket.short_description
            );
            let key = format!("major {role} {at}");
            self.write.drafts.push(Draft::of_desk(
                [person],
                ToldAs::Leader,
                &subject,
                body,
                key,
                self.now,
            ));
        }
    }

    fn major(&self) -> Option<Major> {
        self.write.ticket.incident().map(|incident| incident.major.clone())
    }

    /// Tells who leads a major incident that the promised update was not given.
    pub(crate) fn tell_of_silence(&mut self) {
        let Some(Major::Accepted { led_by, next_update_at, .. }) = self.major() else {
            return;
        };
        let (number, at) = (&self.write.ticket.number, minute(next_update_at));
        let subject = format!("{number}: update overdue");
        let body = format!(
            "The update of the major incident {number} that was due at {at} is missing: {}\n\n\
             The incident was escalated to level {}. Post the update with `update_major`.",
            self.write.ticket.short_description, self.write.ticket.escalation_level
        );
        let key = format!("major update missed {at}");
        let people = [led_by.manager, led_by.communication_owner];
        self.write.drafts.push(Draft::of_desk(
            people,
            ToldAs::Leader,
            &subject,
            body,
            key,
            self.now,
        ));
    }
}

/// A time as the desk's letters give it. To the second, because the key that keeps a letter from
/// being sent twice holds it.
fn minute(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
