//! Children of a larger incident: what a child does when its parent moves or ends.
//!
//! A child is an incident of its own: what only concerns the parent's caller leaves it alone, what
//! is asked of its own caller is waited for, and it is closed by its own caller or its own
//! auto-close.

use chrono::{DateTime, Utc};

use super::lacks;
use crate::{
    directory::Lookup,
    event::{Actor, FieldChange},
    organization::{OrgSettings, ResolveDemand},
    refusal::Faults,
    said, text,
    ticket::{Awaiting, Code, Hold, Outcome, Phase, Stage, State, Ticket, TicketKind},
};

/// So many children follow in one commit; a larger outage is told in one incident, with watchers.
pub const MAX_CHILDREN: u32 = 200;

/// What an incident that follows another ticket is moved by.
pub struct Following<'a> {
    /// What the organization demands.
    pub settings: &'a OrgSettings,
    /// Where its teams, services and the like are looked up.
    pub directory: &'a dyn Lookup,
    /// Who moves it.
    pub by: &'a Actor,
    /// When.
    pub now: DateTime<Utc>,
}

impl Ticket {
    /// Notes why it can't be a child of that parent: both are incidents, the parent is active and
    /// no child itself, and the child has no children of its own.
    pub fn check_parent(&self, parent: &Self, has_children: bool, faults: &mut Faults) {
        let is_incident = |ticket: &Self| ticket.kind() == TicketKind::Incident;
        let why = if !is_incident(self) || !is_incident(parent) {
            said!("Only an incident can be a child of an incident.")
        } else if !parent.phase().is_active() {
            said!("The parent is no longer active; name an active incident.")
        } else if parent.parent.is_some() {
            said!("The parent is itself a child; name its parent instead.")
        } else if has_children {
            said!("It has children itself; move them to the parent first.")
        } else {
            return;
        };
        faults.wrong("/parent", "not-allowed", why);
    }

    /// Where the children of an incident that is merged into this one go: to this one, or to its
    /// parent, if it is a child itself. To none where that parent is over.
    #[must_use]
    pub fn takes_children<'t>(&'t self, its_parent: Option<&'t Self>) -> Option<&'t Self> {
        match self.parent {
            Some(_) => its_parent.filter(|parent| !parent.phase().is_over()),
            None => Some(self),
        }
    }

    /// Follows the parent's stage. Returns what changed: nothing for a child that is done or goes
    /// its own way, and for a move of the parent that does not concern it.
    pub fn follow_parent(&mut self, parent: &Self, with: &Following<'_>) -> Vec<FieldChange> {
        if !self.incident().is_some_and(|incident| incident.sync_with_parent) {
            return Vec::new();
        }
        let Some(next) = following(&self.stage, &parent.stage, with.by, with.now) else {
            return Vec::new();
        };
        let before = self.clone();
        self.stage = next;
        // Whatever becomes of its parent, the problem that it waits for ends its hold.
        let awaited = self.stage.hold().and_then(|hold| hold.awaiting.problem());
        if let (Some(incident), Some(problem)) = (self.incident_mut(), awaited) {
            incident.problem = Some(problem);
        }
        if self.phase() == Phase::Done {
            self.take_over(parent, with);
        }
        self.record_changes(&before, Some(with.directory), with.now)
    }

    /// Leaves a parent that was cancelled, merged or converted, and becomes a child of the incident
    /// that goes on, if one does. `was` is the parent's last stage: a wait that was taken over from
    /// there ends with it, unless the other one waits for the same. What a problem ends is waited
    /// for all the same.
    pub fn leave_parent(
        &mut self,
        was: &Stage,
        goes_on: Option<&Self>,
        now: DateTime<Utc>,
    ) -> Vec<FieldChange> {
        let before = self.clone();
        self.parent = goes_on.map(|it| it.id);
        let awaits = |stage: &Stage| stage.hold().map(|hold| hold.awaiting.clone());
        let own = awaits(&self.stage);
        let is_taken_over = match &own {
            Some(Awaiting::Vendor(_) | Awaiting::Other(_)) => {
                let is_synced = self.incident().is_some_and(|it| it.sync_with_parent);
                is_synced && awaits(was) == own
            }
            Some(Awaiting::Caller | Awaiting::Evidence(_) | Awaiting::Problem(_)) | None => false,
        };
        if is_taken_over && goes_on.and_then(|it| awaits(&it.stage)) != own {
            self.stage = Stage::Open(self.rules().at_work);
        }
        self.record_changes(&before, None, now)
    }

    /// Is resolved with its problem. Returns what changed.
    pub fn resolve_with(&mut self, problem: &Self, with: &Following<'_>) -> Vec<FieldChange> {
        let before = self.clone();
        let notes = problem.stage.outcome().map_or("", |outcome| outcome.notes.as_str());
        let notes = format!("{}: {notes}", problem.number);
        let notes = text::cut_bytes(&notes, text::MAX_TEXT_BYTES).to_owned();
        let code = Some(Code::ResolvedByProblem);
        let outcome = Outcome { code, notes, at: with.now, by: with.by.clone() };
        self.stage = Stage::Done(self.rules().done(), outcome);
        self.take_over(problem, with);
        self.record_changes(&before, Some(with.directory), with.now)
    }

    /// Fills in what the organization demands of a resolved incident, and is empty, from the ticket
    /// that it is resolved with: nobody is there to be asked for it. What that one lacks too stays
    /// empty.
    fn take_over(&mut self, from: &Self, with: &Following<'_>) {
        for demand in &with.settings.resolve_demands {
            match demand {
                ResolveDemand::Category if self.category.is_none() => {
                    self.category.clone_from(&from.category);
                }
                ResolveDemand::ServiceOrCi if self.service.is_none() && self.ci.is_none() => {
                    (self.service, self.ci) = (from.service, from.ci);
                }
                ResolveDemand::Assignee if self.assignee.is_none() => {
                    let Some(person) = from.assignee else { continue };
                    let team = with.directory.team(self.team);
                    let works_there = team.is_some_and(|team| team.has_member(person));
                    let team = if works_there { self.team } else { from.team };
                    self.set_owner(team, Some(person));
                }
                ResolveDemand::Category | ResolveDemand::ServiceOrCi | ResolveDemand::Assignee => {}
            }
        }
    }

    /// What the organization demands of a resolved incident and this one lacks all the same, as it
    /// stands in a sentence. None if nothing is lacking.
    #[must_use]
    pub fn resolved_without(&self, settings: &OrgSettings) -> Option<String> {
        let lacking = lacks(self, settings);
        let names = lacking.iter().map(|lack| lack.fields.join(" or ")).collect::<Vec<_>>();
        let is_resolved = self.incident().is_some() && self.phase() == Phase::Done;
        (is_resolved && !names.is_empty()).then(|| names.join(", "))
    }
}

/// The child's next stage, if it has one.
fn following(child: &Stage, parent: &Stage, by: &Actor, now: DateTime<Utc>) -> Option<Stage> {
    if !child.phase().is_active() {
        return None;
    }
    // What is asked of somebody about the child is answered, whatever the parent waits for.
    let asks_its_own = child
        .hold()
        .is_some_and(|own| matches!(own.awaiting, Awaiting::Caller | Awaiting::Evidence(_)));
    match parent {
        Stage::Open(State::InProgress) => (!asks_its_own && child.state() != State::InProgress)
            .then_some(Stage::Open(State::InProgress)),
        Stage::OnHold(hold) => match &hold.awaiting {
            // An answer or evidence is asked of one person, about the parent.
            Awaiting::Caller | Awaiting::Evidence(_) => None,
            Awaiting::Vendor(_) | Awaiting::Problem(_) | Awaiting::Other(_) => {
                let waits_for_it = child.hold().is_some_and(|own| own.awaiting == hold.awaiting);
                (!asks_its_own && !waits_for_it)
                    .then(|| Stage::OnHold(Hold { since: now, ..hold.clone() }))
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
        fixture::{
            AGENT, COLLEAGUE, DESK, NETWORK, PAYROLL, SERVER, Scene, World, another, fault, guard,
            hours, in_state, monday, settings, ticket_id, with as given, world,
        },
        ticket::{Action, AwaitingKind, Value},
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

    /// Follows at five o'clock on Monday.
    fn follow(child: &mut Ticket, parent: &Ticket) -> Vec<FieldChange> {
        follow_under(child, parent, &settings())
    }

    fn follow_under(
        child: &mut Ticket,
        parent: &Ticket,
        settings: &OrgSettings,
    ) -> Vec<FieldChange> {
        let (directory, by): (World, _) = (world(), system());
        let now = monday() + hours(9);
        let with = Following { settings, directory: &directory, by: &by, now };
        child.follow_parent(parent, &with)
    }

    fn demanding() -> OrgSettings {
        OrgSettings { resolve_demands: ResolveDemand::ALL.to_vec(), ..settings() }
    }

    /// The child's state after the parent's, and whether anything changed.
    fn after(child: (State, AwaitingKind), parent: (State, AwaitingKind)) -> (State, bool) {
        let mut child = incident(child.0, child.1);
        let changes = follow(&mut child, &incident(parent.0, parent.1));
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
        for waits in [VENDOR, PROBLEM] {
            let waiting = (State::OnHold, waits);
            assert_eq!(after(waiting, (State::InProgress, CALLER)), (State::InProgress, true));
            assert_eq!(after(waiting, (State::Resolved, CALLER)), (State::Resolved, true));
        }
    }

    #[test]
    fn what_is_asked_about_a_child_is_waited_for_whatever_its_parent_does_until_it_is_resolved() {
        for asked in [CALLER, AwaitingKind::Evidence] {
            let waiting = (State::OnHold, asked);
            for parent in [
                (State::InProgress, CALLER),
                (State::OnHold, VENDOR),
                (State::OnHold, PROBLEM),
                (State::OnHold, CALLER),
                (State::OnHold, AwaitingKind::Evidence),
            ] {
                let mut child = incident(State::OnHold, asked);
                let before = child.clone();
                assert_eq!(follow(&mut child, &incident(parent.0, parent.1)), []);
                assert_eq!(child, before, "{asked} beside {parent:?}");
            }
            assert_eq!(after(waiting, (State::Resolved, CALLER)), (State::Resolved, true));
        }
    }

    #[test]
    fn what_a_resolved_child_is_demanded_to_have_and_lacks_is_taken_over_from_its_parent() {
        let parent = Ticket {
            category: "access".parse().ok(),
            service: Some(PAYROLL),
            ci: Some(SERVER),
            team: NETWORK,
            assignee: Some(COLLEAGUE),
            ..incident(State::Resolved, CALLER)
        };
        let bare = || Ticket { assignee: None, ..incident(State::New, CALLER) };
        let mut child = bare();
        let changes = follow_under(&mut child, &parent, &demanding());
        assert_eq!(child.category, parent.category);
        assert_eq!((child.service, child.ci), (Some(PAYROLL), Some(SERVER)));
        // Whoever is not of the child's team brings their own.
        assert_eq!((child.team, child.assignee), (NETWORK, Some(COLLEAGUE)));
        let service = changes.iter().find(|change| change.field == "service").unwrap();
        assert_eq!(service.after.as_deref(), Some("payroll"));
        assert_eq!(child.resolved_without(&demanding()), None);

        let mut child = Ticket { team: DESK, ..bare() };
        let by_agent = Ticket { assignee: Some(AGENT), ..parent.clone() };
        follow_under(&mut child, &by_agent, &demanding());
        assert_eq!((child.team, child.assignee), (DESK, Some(AGENT)));

        // What is there stays, and what is not demanded is not touched.
        let mut own = Ticket { ci: Some(SERVER), category: "hardware".parse().ok(), ..bare() };
        let category = own.category.clone();
        follow_under(&mut own, &parent, &demanding());
        assert_eq!((own.service, own.ci, own.category), (None, Some(SERVER), category));
        let mut child = bare();
        follow(&mut child, &parent);
        assert_eq!((child.category, child.service, child.assignee), (None, None, None));
    }

    #[test]
    fn what_is_demanded_and_lacking_there_too_is_named() {
        let parent = Ticket { assignee: None, ..incident(State::Resolved, CALLER) };
        let mut child = Ticket { assignee: None, ..incident(State::New, CALLER) };
        assert_eq!(child.resolved_without(&demanding()), None, "it is not resolved");
        follow_under(&mut child, &parent, &demanding());
        assert_eq!(child.state(), State::Resolved);
        let lacking = child.resolved_without(&demanding()).unwrap();
        assert_eq!(lacking, "category, service or ci, assignee");
        assert_eq!(child.resolved_without(&settings()), None);
    }

    #[test]
    fn a_child_of_a_parent_that_ended_goes_to_the_incident_that_goes_on_or_stands_alone() {
        let other = Ticket { id: ticket_id(7), ..incident(State::InProgress, CALLER) };
        for (goes_on, expected) in [(Some(&other), Some(other.id)), (None, None)] {
            let mut child = incident(State::New, CALLER);
            child.parent = Some(ticket_id(1));
            let was = incident(State::InProgress, CALLER).stage;
            let changes = child.leave_parent(&was, goes_on, monday() + hours(9));
            assert_eq!((child.parent, child.state()), (expected, State::New));
            assert!(changes.iter().any(|change| change.field == "parent"), "{changes:?}");
        }
    }

    #[test]
    fn a_wait_that_was_taken_over_from_a_parent_ends_with_it() {
        let vendor = incident(State::OnHold, VENDOR);
        let left = |child: &Ticket, was: &Ticket, goes_on: Option<&Ticket>| {
            let mut child = child.clone();
            child.leave_parent(&was.stage, goes_on, monday() + hours(9));
            child.state()
        };
        assert_eq!(left(&vendor, &vendor, None), State::InProgress);
        assert_eq!(left(&vendor, &vendor, Some(&vendor)), State::OnHold, "it waits for the same");
        let at_work = incident(State::InProgress, CALLER);
        assert_eq!(left(&vendor, &vendor, Some(&at_work)), State::InProgress);
        assert_eq!(left(&vendor, &at_work, None), State::OnHold, "the wait is its own");
        let mut alone = vendor.clone();
        alone.incident_mut().unwrap().sync_with_parent = false;
        assert_eq!(left(&alone, &vendor, None), State::OnHold, "it goes its own way");
        for own in [PROBLEM, CALLER, AwaitingKind::Evidence] {
            let waits = incident(State::OnHold, own);
            assert_eq!(left(&waits, &waits, None), State::OnHold, "{own}");
        }
    }

    #[test]
    fn children_go_to_the_incident_that_goes_on_or_to_its_parent() {
        let goes_on = another(TicketKind::Incident);
        assert_eq!(goes_on.takes_children(None).map(|it| it.id), Some(goes_on.id));
        let is_child = Ticket { parent: Some(ticket_id(5)), ..goes_on };
        let parent = Ticket { id: ticket_id(5), ..incident(State::InProgress, CALLER) };
        let takes = |parent: Option<&Ticket>| is_child.takes_children(parent).map(|it| it.id);
        assert_eq!(takes(Some(&parent)), Some(parent.id));
        let over = Ticket { id: ticket_id(5), ..incident(State::Closed, CALLER) };
        assert_eq!((takes(Some(&over)), takes(None)), (None, None));
    }

    #[test]
    fn nobody_is_merged_into_their_own_child_nor_brings_more_children_than_follow() {
        let mut parent = incident(State::InProgress, CALLER);
        let child = Ticket { parent: Some(parent.id), ..another(TicketKind::Incident) };
        let target = || given("target", Value::Tickets(vec![child.id]));
        let mut scene = Scene::at(20).beside(child.clone());
        let refused = fault(scene.act(&mut parent, Action::MergeInto, target()));
        assert_eq!(refused, ("/target".to_owned(), "its-child"));

        let mut scene = Scene::at(20).beside(another(TicketKind::Incident));
        (scene.beside.children, scene.beside.target_children) = (1, MAX_CHILDREN);
        let why = guard(scene.act(&mut parent, Action::MergeInto, target()));
        assert!(why.contains("200 children"), "{why}");
        scene.beside.target_children -= 1;
        scene.act(&mut parent, Action::MergeInto, target()).unwrap();
    }

    #[test]
    fn a_child_on_hold_for_a_problem_is_linked_to_it_whatever_becomes_of_its_parent() {
        let mut child = incident(State::InProgress, CALLER);
        let parent = incident(State::OnHold, PROBLEM);
        follow(&mut child, &parent);
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
        assert!(follow(&mut child, &incident(State::Resolved, CALLER)).is_empty());
        assert_eq!(child.state(), State::New);
    }

    #[test]
    fn a_child_is_resolved_with_the_parents_code_and_notes() {
        let parent = incident(State::Resolved, CALLER);
        let mut child = incident(State::New, CALLER);
        follow(&mut child, &parent);
        let (of_parent, of_child) =
            (parent.stage.outcome().unwrap(), child.stage.outcome().unwrap());
        assert_eq!((of_child.code, &of_child.notes), (of_parent.code, &of_parent.notes));
        assert_eq!((of_child.at, &of_child.by), (monday() + hours(9), &system()));
    }

    #[test]
    fn a_child_waits_from_when_it_followed() {
        let mut child = incident(State::New, CALLER);
        follow(&mut child, &incident(State::OnHold, VENDOR));
        assert_eq!(child.stage.hold().unwrap().since, monday() + hours(9));
        assert_eq!(
            (child.state_since, child.waiting_since),
            (monday() + hours(9), monday() + hours(9))
        );
        assert_ne!(child.id, ticket_id(1));
    }
}
