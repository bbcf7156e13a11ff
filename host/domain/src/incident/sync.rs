//! Children of a larger incident: what a child does when its parent moves.
//!
//! A child is an incident of its own: what only concerns the parent's caller leaves it alone, and it is closed by its
//! own caller or its own auto-close.

use chrono::{DateTime, Utc};

use crate::{
    event::{Actor, FieldChange},
    refusal::Faults,
    ticket::{Awaiting, Hold, Outcome, Phase, Stage, State, Ticket, TicketKind},
};

/// So many children follow in one commit; a larger outage is told in one incident, with watchers.
pub const MAX_CHILDREN: u32 = 200;

impl Ticket {
    /// Notes why it can't be a child of that parent: both are incidents, the parent is active and no child itself, and the
    /// child has no children of its own.
    pub fn check_parent(&self, parent: &Self, has_children: bool, faults: &mut Faults) {
        let is_incident = |ticket: &Self| ticket.kind() == TicketKind::Incident;
        let why = if !is_incident(self) || !is_incident(parent) {
            "Only an incident can be the child of an incident."
        } else if !parent.phase().is_active() {
            "The parent is not active any more; name one that is worked on."
        } else if parent.parent.is_some() {
            "The parent is a child itself; name its own parent."
        } else if has_children {
            "It has children itself; give those to the parent first."
        } else {
            return;
        };
        faults.wrong("/parent", "not-allowed", why);
    }

    /// Follows the parent's stage. Returns what changed: nothing for a child that is done or goes its own way, and for a
    /// move of the parent that does not concern it.
    pub fn follow_parent(
        &mut self,
        parent: &Stage,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Vec<FieldChange> {
        if !self.incident().is_some_and(|incident| incident.sync_with_parent) {
            return Vec::new();
        }
        let Some(next) = following(&self.stage, parent, by, now) else { return Vec::new() };
        let before = self.clone();
        self.stage = next;
        self.settle(&before, None, now)
    }
}

/// The child's next stage, if it has one.
fn following(child: &Stage, parent: &Stage, by: &Actor, now: DateTime<Utc>) -> Option<Stage> {
    if !child.phase().is_active() {
        return None;
    }
    match parent {
        Stage::Open(State::InProgress) => {
            (child.state() != State::InProgress).then_some(Stage::Open(State::InProgress))
        }
        Stage::OnHold(hold) => match &hold.awaiting {
            // An answer or evidence is asked of one person, about the parent.
            Awaiting::Caller | Awaiting::Evidence(_) => None,
            Awaiting::Vendor(_) | Awaiting::Problem(_) | Awaiting::Other(_) => {
                let waits_for_it = child.hold().is_some_and(|own| own.awaiting == hold.awaiting);
                (!waits_for_it).then(|| Stage::OnHold(Hold { since: now, ..hold.clone() }))
            }
        },
        Stage::Done(state, outcome) => {
            let outcome = Outcome { at: now, by: by.clone(), ..outcome.clone() };
            Some(Stage::Done(*state, outcome))
        }
        Stage::Open(_) | Stage::Rejected(_) | Stage::Closed(..) | Stage::Cancelled(_) => {
            debug_assert!(parent.phase() != Phase::Done, "a parent that is done is followed");
            None
        }
    }
}
