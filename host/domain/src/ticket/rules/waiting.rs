//! Waiting: what puts a ticket on hold, and what ends the hold.

use crate::{
    fixture::{
        CALLER, Scene, act, another, edit, fault, guard, holding, hours, in_state, monday, nothing,
        opened, text, ticket_id, user, with,
    },
    ticket::{Action, AwaitingKind, Given, State, Ticket, TicketKind, Value},
};

use super::{FOR_SOMEBODY, hold, is_guard, is_missing, named, said};

#[test]
fn holding_for_the_same_reason_again_is_refused_and_another_reason_starts_a_new_wait() {
    let mut incident = opened(TicketKind::Incident);
    let mut hold_at = |hour, vendor: &str| {
        let given = holding(AwaitingKind::Vendor).with("vendor", text(vendor));
        let held = Scene::at(hour).act(&mut incident, Action::Hold, given);
        (held, hold(&incident).since, incident.state_since)
    };
    hold_at(1, "Dell").0.unwrap();
    let (refused, since, _) = hold_at(2, " Dell ");
    assert!(is_guard(&refused));
    assert_eq!(since, monday() + hours(1));
    let (done, since, state_since) = hold_at(3, "Lenovo");
    assert_eq!(done.unwrap().changes.len(), 1);
    assert_eq!((since, state_since), (monday() + hours(3), monday() + hours(3)));
}

#[test]
fn a_hold_says_what_is_missing_for_its_reason() {
    let mut incident = opened(TicketKind::Incident);
    let awaiting = |kind: AwaitingKind| with("awaiting", text(kind.as_str()));
    let cases = [
        (nothing(), "/awaiting"),
        (awaiting(AwaitingKind::Caller), "/comment"),
        (awaiting(AwaitingKind::Vendor), "/vendor"),
        (awaiting(AwaitingKind::Evidence), "/person"),
        (awaiting(AwaitingKind::Problem), "/problem"),
    ];
    for (given, missing) in cases {
        let refused = act(&mut incident, Action::Hold, given);
        assert!(is_missing(&refused));
        assert_eq!(named(refused), [missing]);
    }
    for blank in ["comment", "vendor"] {
        let kind = if blank == "comment" { AwaitingKind::Caller } else { AwaitingKind::Vendor };
        let refused = act(&mut incident, Action::Hold, holding(kind).with(blank, text(" ")));
        assert_eq!(named(refused), [format!("/{blank}")]);
    }
    let past = holding(AwaitingKind::Evidence).with("follow_up_at", Value::Time(monday()));
    assert_eq!(named(Scene::at(0).act(&mut incident, Action::Hold, past)), ["/follow_up_at"]);
}

#[test]
fn the_question_to_the_caller_is_a_public_comment() {
    let mut incident = opened(TicketKind::Incident);
    let done = act(&mut incident, Action::Hold, holding(AwaitingKind::Caller)).unwrap();
    let said = done.left.said.unwrap();
    assert_eq!(
        (said.visibility, said.text.as_str()),
        (crate::comment::Visibility::Public, "which one?")
    );
    assert_eq!(done.left.text.as_deref(), Some("which one?"));
}

#[test]
fn an_incident_waits_for_a_problem_that_is_worked_on_and_is_linked_to_it() {
    let mut waiting = opened(TicketKind::Incident);
    let given = || holding(AwaitingKind::Problem);
    let problem = another(TicketKind::Problem);
    Scene::at(1).beside(problem.clone()).act(&mut waiting, Action::Hold, given()).unwrap();
    assert_eq!(waiting.incident().unwrap().problem, Some(problem.id));
    assert_eq!(hold(&waiting).awaiting.kind(), AwaitingKind::Problem);
    let again = Scene::at(2).beside(problem.clone()).act(&mut waiting, Action::Hold, given());
    assert!(guard(again).contains("already on hold for this problem"));
    // It waits for the problem that it is linked to, whichever that is.
    let mut unlinked = Given::default();
    unlinked.put("problem", None);
    let refused = edit(&mut waiting, &unlinked);
    assert_eq!(fault(refused), ("/problem".to_owned(), "awaited"));
    let linked = with("problem", Value::Tickets(vec![ticket_id(5)]));
    edit(&mut waiting, &linked).unwrap();
    assert!(waiting.awaits_problem(ticket_id(5)));

    let settled = in_state(TicketKind::Problem, State::Resolved, AwaitingKind::Caller);
    let settled = Ticket { id: problem.id, ..settled };
    let held = |target| {
        let mut incident = opened(TicketKind::Incident);
        Scene::at(1).beside(target).act(&mut incident, Action::Hold, given())
    };
    assert!(guard(held(settled)).contains("name an active ticket"));
    let incident = another(TicketKind::Incident);
    assert_eq!(fault(held(incident)), ("/problem".to_owned(), "other-kind"));
}

#[test]
fn the_question_of_a_hold_is_the_first_response_as_a_comment_is() {
    let mut asked = opened(TicketKind::Incident);
    Scene::at(1).act(&mut asked, Action::Hold, holding(AwaitingKind::Caller)).unwrap();
    assert_eq!(asked.first_response_at, Some(monday() + hours(1)));
    let mut waiting = opened(TicketKind::Incident);
    Scene::at(1).act(&mut waiting, Action::Hold, holding(AwaitingKind::Vendor)).unwrap();
    assert_eq!(waiting.first_response_at, None);
}

#[test]
fn a_reply_ends_the_wait_for_the_caller_and_no_other() {
    let reply = |ticket: &mut Ticket| {
        let mut scene = Scene::at(5).by(user(CALLER));
        scene.act(ticket, Action::CallerReply, said("the left one")).unwrap()
    };
    for kind in FOR_SOMEBODY {
        let mut waits_for_caller = in_state(kind, State::OnHold, AwaitingKind::Caller);
        let done = reply(&mut waits_for_caller);
        assert_eq!(waits_for_caller.state(), kind.rules().at_work);
        assert_eq!((done.left.caused, done.left.is_elsewhere), (None, false));
        let mut waits_for_vendor = in_state(kind, State::OnHold, AwaitingKind::Vendor);
        assert_eq!(reply(&mut waits_for_vendor).changes, []);
        assert_eq!(waits_for_vendor.state(), State::OnHold);
    }
}
