//! Parts of a larger incident: what a child does when its parent moves.
//!
//! A child is an incident of its own: what only concerns the parent's caller leaves it alone, and it is closed by its
//! own caller or its own auto-close.

use chrono::{DateTime, Utc};

use crate::{
    event::{Actor, Change},
    incident::{Awaiting, Hold, IncidentState, Resolution},
    refusal::Faults,
    ticket::{Body, Ticket, TicketKind},
};

/// So many parts follow in one commit; a larger outage is told in one incident, with watchers.
pub const MAX_CHILDREN: u32 = 200;

impl Ticket {
    /// Notes why it can't be a part of that parent: both are incidents, the parent is active and no part itself, and the
    /// child has no parts of its own.
    pub fn check_parent(&self, parent: &Self, has_children: bool, faults: &mut Faults) {
        let why = if self.kind() != TicketKind::Incident || parent.kind() != TicketKind::Incident {
            "only an incident is a part of an incident"
        } else if !parent.state().is_active() {
            "the parent is not active any more; name one that is worked on"
        } else if parent.parent.is_some() {
            "the parent is a part itself; name the incident that it is a part of"
        } else if has_children {
            "it has parts itself; move those to the parent first"
        } else {
            return;
        };
        faults.wrong("/parent", "not-allowed", why);
    }

    /// Follows the parent's state. Returns what changed: nothing for a child that is done or goes its own way, for a request,
    /// and for a move of the parent that does not concern it.
    pub fn follow_parent(
        &mut self,
        parent: &IncidentState,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Vec<Change> {
        let Body::Incident(state) = &self.body else { return Vec::new() };
        if !self.sync_with_parent {
            return Vec::new();
        }
        let Some(next) = following(state, parent, by, now) else { return Vec::new() };
        let before = self.clone();
        let is_other_hold = matches!(next, IncidentState::OnHold(_));
        self.body = Body::Incident(next);
        if is_other_hold {
            self.state_since = now;
        }
        self.settle(&before, None, now)
    }
}

/// The child's next state, if it has one.
fn following(
    child: &IncidentState,
    parent: &IncidentState,
    by: &Actor,
    now: DateTime<Utc>,
) -> Option<IncidentState> {
    if !child.name().is_active() {
        return None;
    }
    match parent {
        IncidentState::InProgress => {
            (*child != IncidentState::InProgress).then_some(IncidentState::InProgress)
        }
        IncidentState::OnHold(hold) => match (&hold.awaiting, child) {
            // An answer or evidence is asked of one person, about the parent.
            (Awaiting::Caller | Awaiting::Evidence(_), _) => None,
            (Awaiting::Vendor(_), IncidentState::OnHold(own)) if own.awaiting == hold.awaiting => {
                None
            }
            (Awaiting::Vendor(_), _) => {
                Some(IncidentState::OnHold(Hold { since: now, ..hold.clone() }))
            }
        },
        IncidentState::Resolved(resolution) => Some(IncidentState::Resolved(Resolution {
            at: now,
            by: by.clone(),
            ..resolution.clone()
        })),
        IncidentState::New | IncidentState::Closed { .. } | IncidentState::Cancelled(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::ActorKind,
        fixture::{hours, in_state, monday},
        incident::AwaitingKind,
        ticket::{State, TicketKind},
    };

    const CALLER: AwaitingKind = AwaitingKind::Caller;
    const VENDOR: AwaitingKind = AwaitingKind::Vendor;

    fn incident(state: State, awaiting: AwaitingKind) -> Ticket {
        in_state(TicketKind::Incident, state, awaiting)
    }

    /// The child's state after the parent's, and whether anything changed.
    fn after(child: (State, AwaitingKind), parent: (State, AwaitingKind)) -> (State, bool) {
        let mut child = incident(child.0, child.1);
        let Body::Incident(parent) = incident(parent.0, parent.1).body else {
            panic!("the parent is an incident")
        };
        let system = Actor { kind: ActorKind::System, person: None };
        let changes = child.follow_parent(&parent, &system, monday() + hours(9));
        (child.state(), !changes.is_empty())
    }

    #[test]
    fn parts_are_incidents_one_level_deep_of_an_active_parent() {
        let refused = |child: &Ticket, parent: &Ticket, has_children| {
            let mut faults = Faults::new();
            child.check_parent(parent, has_children, &mut faults);
            faults.finish().is_err()
        };
        let at = |state| in_state(TicketKind::Incident, state, CALLER);
        let (child, parent) = (at(State::New), at(State::InProgress));
        let grandchild_of = Ticket { parent: Some(child.id), ..parent.clone() };
        assert!(!refused(&child, &parent, false));
        assert!(refused(&child, &parent, true));
        assert!(refused(&child, &at(State::Resolved), false));
        assert!(refused(&child, &grandchild_of, false));
        assert!(refused(&in_state(TicketKind::Request, State::New, CALLER), &parent, false));
    }

    #[test]
    fn a_child_works_waits_for_the_vendor_and_is_resolved_with_its_parent() {
        let new = (State::New, CALLER);
        assert_eq!(after(new, (State::InProgress, CALLER)), (State::InProgress, true));
        assert_eq!(after(new, (State::OnHold, VENDOR)), (State::OnHold, true));
        assert_eq!(after(new, (State::Resolved, CALLER)), (State::Resolved, true));
        let waiting = (State::OnHold, CALLER);
        assert_eq!(after(waiting, (State::Resolved, CALLER)), (State::Resolved, true));
        assert_eq!(after(waiting, (State::OnHold, VENDOR)), (State::OnHold, true));
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
    fn a_child_that_is_done_or_waits_for_the_same_vendor_stays_as_it_is() {
        for done in [State::Resolved, State::Closed, State::Cancelled] {
            assert_eq!(after((done, CALLER), (State::InProgress, CALLER)), (done, false));
        }
        let waiting = (State::OnHold, VENDOR);
        assert_eq!(after(waiting, (State::OnHold, VENDOR)), (State::OnHold, false));
    }

    #[test]
    fn a_child_that_goes_its_own_way_is_left_alone() {
        let mut child = Ticket { sync_with_parent: false, ..incident(State::New, CALLER) };
        let Body::Incident(parent) = incident(State::Resolved, CALLER).body else {
            panic!("the parent is an incident")
        };
        let system = Actor { kind: ActorKind::System, person: None };
        assert!(child.follow_parent(&parent, &system, monday() + hours(9)).is_empty());
        assert_eq!(child.state(), State::New);
    }

    #[test]
    fn a_child_is_resolved_with_the_parents_code_and_notes() {
        let parent = incident(State::Resolved, CALLER);
        let (Body::Incident(IncidentState::Resolved(of_parent)), mut child) =
            (&parent.body, incident(State::New, CALLER))
        else {
            panic!("the parent is resolved")
        };
        let system = Actor { kind: ActorKind::System, person: None };
        let Body::Incident(state) = &parent.body else { panic!("the parent is an incident") };
        child.follow_parent(state, &system, monday() + hours(9));
        let Body::Incident(IncidentState::Resolved(of_child)) = &child.body else {
            panic!("the child is not resolved")
        };
        assert_eq!((of_child.code, &of_child.notes), (of_parent.code, &of_parent.notes));
        assert_eq!((of_child.at, &of_child.by), (monday() + hours(9), &system));
    }
}
