//! Endings: how tickets are reopened, merged and converted, and what a reply does to them.

use chrono::Duration;

use crate::{
    fixture::{
        CALLER, COLLEAGUE, MANAGER, PAYROLL, SERVER, Scene, another, guard, hours, in_every_state,
        in_state, monday, nothing, opened, person, resolved_as, text, ticket_id, user, why, with,
    },
    ticket::{
        Action, AwaitingKind, CancelOutcome, Code, MAX_WATCHERS, Stage, State, Ticket, TicketKind,
        Value,
    },
};

use super::{incident, is_guard, named, said};

#[test]
fn what_is_converted_answers_for_its_own_times_and_tells_no_watcher_of_a_cause() {
    let mut incident = opened(TicketKind::Incident);
    incident.watchers.insert(COLLEAGUE);
    incident.eta = Some(monday() + hours(8));
    Scene::at(1).act(&mut incident, Action::Acknowledge, nothing()).unwrap();
    let mut scene = Scene::at(2);
    scene.beside.new_id = Some(ticket_id(9));
    let to = with("to", text("problem")).with("reason", text("it comes back"));
    let done = scene.act(&mut incident, Action::Convert, to).unwrap();
    let problem = done.left.opened.unwrap();
    assert!(problem.watchers.is_empty());
    assert_eq!((problem.eta, problem.acknowledged_at), (None, None));
}

#[test]
fn a_ticket_is_reopened_within_the_window_only() {
    for (kind, done) in
        [(TicketKind::Incident, State::Resolved), (TicketKind::Request, State::Fulfilled)]
    {
        let mut ticket = in_state(kind, done, AwaitingKind::Caller);
        let done_at = ticket.done_at().unwrap();
        let mut scene = Scene::at(0);
        scene.now = done_at + Duration::days(14) + Duration::seconds(1);
        assert!(is_guard(&scene.act(&mut ticket, Action::Reopen, why())));
        scene.now = done_at + Duration::days(14);
        scene.act(&mut ticket, Action::Reopen, why()).unwrap();
        assert_eq!((ticket.reopen_count, ticket.last_reopened_at), (1, Some(scene.now)));
        assert_eq!(ticket.state(), kind.rules().at_work);
    }
}

#[test]
fn a_reopened_incident_keeps_the_old_resolution_in_its_history() {
    let mut incident = incident(State::Resolved);
    let given = with("reason", text("still dark"));
    let done = Scene::at(2).act(&mut incident, Action::Reopen, given).unwrap();
    let notes = done.changes.iter().find(|change| change.field == "resolution_notes").unwrap();
    assert_eq!((notes.before.as_deref(), notes.after.as_deref()), (Some("a new cable"), None));
    assert_eq!(done.reason.as_deref(), Some("still dark"));
}

#[test]
fn a_reply_reopens_a_resolved_incident_unless_that_is_switched_off_or_too_late() {
    let mut objected = incident(State::Resolved);
    let mut scene = Scene::at(5).by(user(CALLER));
    let done = scene.act(&mut objected, Action::CallerReply, said("no")).unwrap();
    assert_eq!(done.left.caused, Some(Action::Reopen));
    assert_eq!((objected.state(), objected.reopen_count), (State::InProgress, 1));

    let mut kept = incident(State::Resolved);
    let mut quiet = Scene::at(5).by(user(CALLER));
    quiet.settings.caller_reply_reopens = false;
    let done = quiet.act(&mut kept, Action::CallerReply, said("thanks")).unwrap();
    assert_eq!((done.left.caused, kept.state()), (None, State::Resolved));

    let mut late = incident(State::Resolved);
    scene.now = monday() + Duration::days(20);
    scene.beside.new_id = Some(ticket_id(9));
    let done = scene.act(&mut late, Action::CallerReply, said("no")).unwrap();
    assert_eq!((done.left.is_elsewhere, late.state()), (true, State::Resolved));
    assert_eq!(late, incident(State::Resolved));
}

#[test]
fn a_reply_to_a_closed_ticket_opens_another_that_follows_it() {
    let mut closed = incident(State::Closed);
    closed.service = Some(PAYROLL);
    closed.ci = Some(SERVER);
    closed.category = "access".parse().ok();
    let before = closed.clone();
    let mut scene = Scene::at(50).by(user(CALLER));
    scene.beside.new_id = Some(ticket_id(9));
    let done = scene.act(&mut closed, Action::CallerReply, said("it is back")).unwrap();
    assert!(done.left.is_elsewhere && done.changes.is_empty());
    assert_eq!(closed, before);
    let next = done.left.opened.unwrap();
    assert_eq!((next.id, next.follows), (ticket_id(9), Some(closed.id)));
    assert_eq!((next.kind(), next.state()), (TicketKind::Incident, State::New));
    assert_eq!(
        (next.requester, next.service, next.ci),
        (Some(CALLER), Some(PAYROLL), Some(SERVER))
    );
    assert_eq!((&next.category, next.description.as_str()), (&closed.category, "it is back"));
}

#[test]
fn a_merged_ticket_hands_its_people_to_the_one_that_goes_on() {
    let mut source = opened(TicketKind::Incident);
    source.watchers.insert(COLLEAGUE);
    let target = Ticket { requester: Some(MANAGER), ..another(TicketKind::Incident) };
    let mut scene = Scene::at(1).beside(target);
    let given = with("target", Value::Tickets(vec![ticket_id(1)]));
    let done = scene.act(&mut source, Action::MergeInto, given).unwrap();
    let target = scene.beside.target.unwrap();
    assert!(target.watchers.contains(&COLLEAGUE) && target.watchers.contains(&CALLER));
    assert_eq!(done.left.target_changes.len(), 1);
    let Stage::Cancelled(end) = &source.stage else { panic!("goes on") };
    assert_eq!(end.outcome, CancelOutcome::MergedInto(target.id));
    assert_eq!(end.reason, "duplicate of T2");
    assert_eq!(done.left.text.as_deref(), Some("It goes on as T2."));
}

#[test]
fn what_was_known_of_a_merged_incident_is_known_of_the_one_that_goes_on() {
    let merged = |known: (u32, Option<u128>), of_target: (u32, Option<u128>)| {
        let incident = |mut ticket: Ticket, (users, problem): (u32, Option<u128>)| {
            let incident = ticket.incident_mut().unwrap();
            (incident.affected_users, incident.problem) = (users, problem.map(ticket_id));
            ticket
        };
        let mut source = incident(opened(TicketKind::Incident), known);
        let mut scene = Scene::at(1).beside(incident(another(TicketKind::Incident), of_target));
        let given = with("target", Value::Tickets(vec![ticket_id(1)]));
        scene.act(&mut source, Action::MergeInto, given).unwrap();
        let target = scene.beside.target.unwrap();
        let incident = target.incident().unwrap();
        (incident.affected_users, incident.problem)
    };
    assert_eq!(merged((7, Some(5)), (3, None)), (7, Some(ticket_id(5))));
    assert_eq!(merged((3, Some(5)), (7, Some(6))), (7, Some(ticket_id(6))));
}

#[test]
fn a_merger_that_would_leave_a_ticket_with_too_many_watchers_is_refused() {
    let merge = |already: usize| {
        let watchers = (0..already).map(|number| person(number.try_into().unwrap())).collect();
        let target = Ticket { watchers, ..another(TicketKind::Incident) };
        let mut source = opened(TicketKind::Incident);
        source.watchers.insert(COLLEAGUE);
        let given = with("target", Value::Tickets(vec![target.id]));
        Scene::at(1).beside(target).act(&mut source, Action::MergeInto, given)
    };
    assert!(guard(merge(MAX_WATCHERS)).contains("watchers"));
    assert!(merge(MAX_WATCHERS - 1).is_ok());
}

#[test]
fn a_ticket_that_ended_for_another_says_which_one_goes_on() {
    let mut withdrawn = opened(TicketKind::Incident);
    assert_eq!(withdrawn.goes_on_in(), None);
    Scene::at(1).act(&mut withdrawn, Action::Cancel, why()).unwrap();
    assert_eq!(withdrawn.goes_on_in(), None);

    let mut merged = opened(TicketKind::Incident);
    let given = with("target", Value::Tickets(vec![ticket_id(1)]));
    let mut scene = Scene::at(1).beside(another(TicketKind::Incident));
    scene.act(&mut merged, Action::MergeInto, given).unwrap();
    assert_eq!(merged.goes_on_in(), Some(ticket_id(1)));

    for kind in [TicketKind::Incident, TicketKind::Problem] {
        let mut converted = opened(kind);
        let mut scene = Scene::at(1);
        scene.beside.new_id = Some(ticket_id(9));
        let given = with("to", text("request")).with("reason", text("a wish"));
        scene.act(&mut converted, Action::Convert, given).unwrap();
        assert_eq!(converted.goes_on_in(), Some(ticket_id(9)), "{kind}");
    }

    let mut duplicate = opened(TicketKind::Problem);
    let given =
        resolved_as(Code::Duplicate).with("duplicate_of", Value::Tickets(vec![ticket_id(1)]));
    let mut scene = Scene::at(1).beside(another(TicketKind::Problem));
    scene.act(&mut duplicate, Action::Resolve, given).unwrap();
    assert_eq!(duplicate.goes_on_in(), Some(ticket_id(1)));
    Scene::at(2).act(&mut duplicate, Action::Reanalyze, why()).unwrap();
    assert_eq!(duplicate.goes_on_in(), None, "it is a problem of its own again");
}

#[test]
fn what_a_watcher_says_is_kept_and_moves_nothing() {
    for before in in_every_state(TicketKind::Incident) {
        let mut ticket = before.clone();
        let mut scene = Scene::at(50).by(user(COLLEAGUE));
        scene.beside.new_id = Some(ticket_id(9));
        let done = scene.act(&mut ticket, Action::CallerReply, said("for me, too"));
        assert_eq!((ticket.state(), ticket.reopen_count), (before.state(), before.reopen_count));
        assert_eq!(ticket.first_response_at, before.first_response_at);
        if before.phase().is_over() {
            assert!(guard(done).contains("open a ticket of your own"));
        } else {
            let left = done.unwrap().left;
            assert_eq!(left.text.as_deref(), Some("for me, too"));
            assert!(left.opened.is_none() && left.caused.is_none() && !left.is_elsewhere);
        }
    }
}

#[test]
fn a_reply_to_what_goes_on_as_a_problem_is_said_there() {
    let mut converted = incident(State::Cancelled);
    let before = converted.clone();
    let mut scene = Scene::at(50).by(user(CALLER));
    scene.beside.goes_on = Some(another(TicketKind::Problem));
    let done = scene.act(&mut converted, Action::CallerReply, said("any news?")).unwrap();
    assert_eq!(converted, before);
    assert!(done.left.is_elsewhere && done.left.opened.is_none());
    assert_eq!(done.left.said.unwrap().text, "any news?");
}

#[test]
fn a_reply_to_what_went_on_elsewhere_and_is_over_there_opens_another_that_follows_the_last() {
    let mut merged = incident(State::Cancelled);
    let mut scene = Scene::at(50).by(user(CALLER));
    scene.beside.new_id = Some(ticket_id(9));
    let over = Ticket { id: ticket_id(1), ..incident(State::Closed) };
    scene.beside.goes_on = Some(over);
    let done = scene.act(&mut merged, Action::CallerReply, said("it is back")).unwrap();
    let next = done.left.opened.unwrap();
    assert_eq!((next.follows, next.requester), (Some(ticket_id(1)), Some(CALLER)));
}

#[test]
fn a_ticket_is_merged_into_another_open_one_of_its_kind_only() {
    let merge = |target: Ticket| {
        let mut source = opened(TicketKind::Incident);
        let given = with("target", Value::Tickets(vec![target.id]));
        let merged = Scene::at(1).beside(target).act(&mut source, Action::MergeInto, given);
        assert_eq!(source, opened(TicketKind::Incident));
        merged
    };
    assert_eq!(named(merge(opened(TicketKind::Incident))), ["/target"]);
    assert_eq!(named(merge(another(TicketKind::Request))), ["/target"]);
    assert!(is_guard(&merge(Ticket { id: ticket_id(1), ..incident(State::Closed) })));
}

#[test]
fn w1_a_converted_ticket_leads_to_one_of_the_other_kind_with_the_same_facts() {
    let mut source = incident(State::InProgress);
    source.category = "access".parse().ok();
    let mut scene = Scene::at(4);
    scene.beside.new_id = Some(ticket_id(7));
    let given = with("to", text("request")).with("reason", text("nothing is broken"));
    let done = scene.act(&mut source, Action::Convert, given).unwrap();
    let converted = done.left.opened.unwrap();
    assert_eq!((converted.kind(), converted.state()), (TicketKind::Request, State::New));
    assert_eq!((converted.id, converted.number.as_str()), (ticket_id(7), ""));
    assert_eq!(converted.category, source.category);
    assert_eq!((converted.opened_at, converted.requester), (source.opened_at, Some(CALLER)));
    assert_eq!(source.state(), State::Cancelled);
    let link = done.changes.iter().find(|change| change.field == "converted_to").unwrap();
    assert_eq!(link.after, Some(ticket_id(7).to_string()));
    let mut same = opened(TicketKind::Incident);
    let refused = scene.act(&mut same, Action::Convert, with("to", text("incident")));
    let mut named = named(refused);
    named.sort_unstable();
    assert_eq!(named, ["/reason", "/to"]);
}

#[test]
fn nothing_is_converted_while_an_approval_is_open() {
    let mut scene = Scene::at(4);
    scene.beside.new_id = Some(ticket_id(7));
    scene.beside.round = Some(crate::fixture::round(&[MANAGER]));
    let given = with("to", text("incident")).with("reason", text("it is broken"));
    let refused = scene.act(&mut opened(TicketKind::Request), Action::Convert, given);
    assert!(guard(refused).contains("approval"));
}
