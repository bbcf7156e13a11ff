//! The rules of requests, one test each.

use crate::{
    fixture::{AGENT, answers, blank, hours, in_state, key, laptop, monday, settings, user, world},
    incident::AwaitingKind,
    refusal::Refused,
    request::{FulfilmentCode, Submission},
    ticket::{Edit, NewTicket, State, Ticket, TicketKind},
};

fn pointers(refused: &Refused) -> Vec<&str> {
    match refused {
        Refused::MissingFields(faults) | Refused::Invalid(faults) => {
            faults.iter().map(|fault| fault.pointer.as_str()).collect()
        }
        Refused::InvalidTransition { .. }
        | Refused::InvalidMajorTransition { .. }
        | Refused::Guard { .. } => panic!("{refused}"),
    }
}

fn is_guard(refused: &Refused) -> bool {
    matches!(refused, Refused::Guard { .. })
}

fn request(state: State) -> Ticket {
    in_state(TicketKind::Request, state, AwaitingKind::Caller)
}

#[test]
fn r12_a_request_is_fulfilled_with_code_and_notes_only() {
    let mut request = request(State::InFulfilment);
    let refused = request.fulfill(None, None, &user(AGENT), monday() + hours(9)).unwrap_err();
    assert_eq!(pointers(&refused), ["/fulfillment_code", "/fulfillment_notes"]);
}

#[test]
fn an_answered_request_can_be_submitted_and_a_faulty_one_names_each_answer() {
    let item = laptop();
    let good = answers();
    let new = NewTicket { item: Some(&item), answers: &good, ..blank(TicketKind::Request) };
    let mut request = Ticket::new(new, &settings(), monday()).unwrap();
    request.submit(Some(&item), Submission::Asks, monday()).unwrap();
    assert_eq!(request.state(), State::AwaitingApproval);

    let bad = [("model", "huge"), ("screens", "two"), ("color", "red"), ("from", "2026-02-30")]
        .map(|(field, answer)| (key(field), answer.to_owned()));
    let new = NewTicket { item: Some(&item), answers: &bad, ..blank(TicketKind::Request) };
    let mut request = Ticket::new(new, &settings(), monday()).unwrap();
    let refused = request.submit(Some(&item), Submission::Asks, monday()).unwrap_err();
    let expected =
        ["/answers/model", "/answers/screens", "/answers/from", "/answers/why", "/answers/color"];
    assert_eq!(pointers(&refused), expected);
    assert_eq!(request.state(), State::New);
}

#[test]
fn what_approvers_vote_on_does_not_change_behind_their_backs() {
    let mut waiting = request(State::AwaitingApproval);
    let edit = || Edit { description: Some("a bigger one".to_owned()), ..Edit::default() };
    let world = world();
    assert!(is_guard(&waiting.edit(edit(), &world, &settings(), monday()).unwrap_err()));
    let answers = Edit { answers: Some(answers()), ..Edit::default() };
    assert!(is_guard(&waiting.edit(answers, &world, &settings(), monday()).unwrap_err()));
    let tags = Edit { tags: Some(vec!["VIP".to_owned()]), ..Edit::default() };
    waiting.edit(tags, &world, &settings(), monday()).unwrap();
    assert!(waiting.tags.contains("vip"));
    waiting.revise(monday()).unwrap();
    waiting.edit(edit(), &world, &settings(), monday()).unwrap();
}

#[test]
fn a_fulfilled_request_can_be_partial() {
    let mut request = request(State::InFulfilment);
    let code = Some(FulfilmentCode::Partial);
    request.fulfill(code, Some("one screen only"), &user(AGENT), monday() + hours(8)).unwrap();
    assert_eq!(request.state(), State::Fulfilled);
}
