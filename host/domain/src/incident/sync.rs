//! Children of a larger incident: what a child does when its parent moves.
//!
//! A child is an incident of its own: what only concerns the parent's caller leaves it alone, and
//! it is closed by its own caller or its own auto-close.

use chrono::{DateTime, Utc};

use crate::{
    event::{Actor, FieldChange},
    refusal::Faults,
    text,
    ticket::{Awaiting, Code, Hold, Outcome, Phase, Stage, State, Ticket, TicketKind},
};

/// So many children follow in one commit; a larger outage is told in one incident, with watchers.
pub const MAX_CHILDREN: u32 = 200;

impl Ticket {
    /// Notes why it can't be a child of that parent: both are incidents, the parent is active and
    /// no child itself, and the child has no children of its own.
    pub fn check_parent(&self, parent: &Self, has_children: bool, faults: &mut Faults) {
        let is_incident = |ticket: &Self| ticket.kind() == TicketKind::Incident;
        let why = if !is_incident(self) || !is_incident(parent) {
            "Only an incident can be a child of an incident."
        } else if !parent.phase().is_active() {
            "The parent is no longer active; name an active incident."
        } else if parent.parent.is_some() {
            "The parent is itself a child; name its parent instead."
        } else if has_children {
            "It has children itself; move them to the parent first."
        } else {
            return;
        };
        faults.wrong("/parent", "not-allowed", why);
    }

    /// Follows the parent's stage. Returns what changed: nothing for a child that is done or goes
    /// its own way, and for a move of the parent that does not concern it.
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
        // Whatever becomes of its parent, the problem that it waits for ends its hold.
        let awaited = self.stage.hold().and_then(|hold| hold.awaiting.problem());
        if let (Some(incident), Some(problem)) = (self.incident_mut(), awaited) {
            incident.problem = Some(problem);
        }
        self.record_changes(&before, None, now)
    }

    /// Is resolved with its problem. What the organization demands of an incident that somebody
    /// resolves is not asked for: nobody is there to fill it in. Returns what changed.
    pub fn resolve_with(
        &mut self,
        problem: &Self,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Vec<FieldChange> {
        let before = self.clone();
        let notes = problem.stage.outcome().map_or("", |outcome| outcome.notes.as_str());
        let notes = format!("{}: {notes}", problem.number);
        let notes = text::cut_bytes(&notes, text::MAX_TEXT_BYTES).to_owned();
        let code = Some(Code::ResolvedByProblem);
        let outcome = Outcome { code, notes, at: now, by: by.clone() };
        self.stage = Stage::Done(self.rules().done(), outcome);
        self.record_changes(&before, None, now)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::ActorKind,
        fixture::{another, hours, in_state, monday, ticket_id},
        ticket::AwaitingKind,
    };

    const CALLER: AwaitingKind = AwaitingKind::Caller;
    const VENDOR: AwaitingKind = AwaitingKind::Vendor;
    const PROBLEM: AwaitingKind = AwaitingKind::Problem;

    fn incident(state: State, awaiting: AwaitingKind) -> Ticket {
        in_state(TicketKind::Incident, state, awaiting)
    }

    fn system() -> Actor {
        Actor { kind: ActorKind::System, person: None }
    }

    /// The child's state after the parent's, and whether anything changed.
    fn after(child: (State, AwaitingKind), parent: (State, AwaitingKind)) -> (State, bool) {
        let mut child = incident(child.0, child.1);
        let parent = incident(parent.0, parent.1);
        let changes = child.follow_parent(&parent.stage, &system(), monday() + hours(9));
        (child.state(), !changes.is_empty())
    }

    #[test]
    fn children_are_incidents_one_level_deep_of_an_active_parent() {
        let refused = |child: &Ticket, parent: &Ticket, has_children| {
            let mut faults = Faults::new();
            child.check_parent(parent, has_children, &mut faults);
            faults.finish().is_err()
        };
        let at = |state| incident(state, CALLER);
        let (child, parent) = (at(State::New), at(State::InProgress));
        let grandchild_of = Ticket { parent: Some(child.id), ..parent.clone() };
        assert!(!refused(&child, &parent, false));
        assert!(refused(&child, &parent, true));
        assert!(refused(&child, &at(State::Resolved), false));
        assert!(refused(&child, &grandchild_of, false));
        for kind in [TicketKind::Request, TicketKind::Problem, TicketKind::Task] {
            assert!(
                refused(&another(kind), &parent, false) && refused(&child, &another(kind), false)
            );
        }
    }

    #[test]
    fn a_child_works_waits_for_the_vendor_or_the_problem_and_is_resolved_with_its_parent() {
        let new = (State::New, CALLER);
        assert_eq!(after(new, (State::InProgress, CALLER)), (State::InProgress, true));
        assert_eq!(after(new, (State::OnHold, VENDOR)), (State::OnHold, true));
        assert_eq!(after(new, (State::OnHold, PROBLEM)), (State::OnHold, true));
        assert_eq!(after(new, (State::Resolved, CALLER)), (State::Resolved, true));
        let waiting = (State::OnHold, CALLER);
        assert_eq!(after(waiting, (State::Resolved, CALLER)), (State::Resolved, true));
        assert_eq!(after(waiting, (State::OnHold, VENDOR)), (State::OnHold, true));
    }

    #[test]
    fn a_child_on_hold_for_a_problem_is_linked_to_it_whatever_becomes_of_its_parent() {
        let mut child = incident(State::InProgress, CALLER);
        let parent = incident(State::OnHold, PROBLEM);
        child.follow_parent(&parent.stage, &system(), monday() + hours(9));
        let awaited = parent.stage.hold().unwrap().awaiting.problem();
        assert!(awaited.is_some());
        assert_eq!(child.incident().unwrap().problem, awaited);
    }

    #[test]
    fn what_is_asked_of_the_parents_caller_leaves_the_child_alone() {
        for awaiting in [CALLER, AwaitingKind::Evidence] {
            let child = (State::InProgress, CALLER);
            assert_eq!(after(child, (State::OnHold, awaiting)), (State::InProgress, false));
        }
    }

    #[test]
    fn a_child_is_neither_closed_nor_cancelled_with_its_parent() {
        for end in [State::Closed, State::Cancelled] {
            assert_eq!(after((State::New, CALLER), (end, CALLER)), (State::New, false));
        }
    }

    #[test]
    fn a_child_that_is_done_or_waits_for_the_same_stays_as_it_is() {
        for done in [State::Resolved, State::Closed, State::Cancelled] {
            assert_eq!(after((done, CALLER), (State::InProgress, CALLER)), (done, false));
        }
        for same in [VENDOR, PROBLEM] {
            let waiting = (State::OnHold, same);
            assert_eq!(after(waiting, waiting), (State::OnHold, false));
        }
    }

    #[test]
    fn a_child_that_goes_its_own_way_is_left_alone() {
        let mut child = incident(State::New, CALLER);
        child.incident_mut().unwrap().sync_with_parent = false;
        let parent = incident(State::Resolved, CALLER).stage;
        assert!(child.follow_parent(&parent, &system(), monday() + hours(9)).is_empty());
        assert_eq!(child.state(), State::New);
    }

    #[test]
    fn a_child_is_resolved_with_the_parents_code_and_notes() {
        let parent = incident(State::Resolved, CALLER);
        let mut child = incident(State::New, CALLER);
        child.follow_parent(&parent.stage, &system(), monday() + hours(9));
        let (of_parent, of_child) =
            (parent.stage.outcome().unwrap(), child.stage.outcome().unwrap());
        assert_eq!((of_child.code, &of_child.notes), (of_parent.code, &of_parent.notes));
        assert_eq!((of_child.at, &of_child.by), (monday() + hours(9), &system()));
    }

    #[test]
    fn a_child_waits_from_when_it_followed() {
        let mut child = incident(State::OnHold, CALLER);
        let parent = incident(State::OnHold, VENDOR).stage;
        child.follow_parent(&parent, &system(), monday() + hours(9));
        assert_eq!(child.stage.hold().unwrap().since, monday() + hours(9));
        assert_eq!(
            (child.state_since, child.waiting_since),
            (monday() + hours(9), monday() + hours(9))
        );
        assert_ne!(child.id, ticket_id(1));
    }
}
