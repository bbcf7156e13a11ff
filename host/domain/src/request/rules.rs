//! The rules of requests, one test each.

use crate::{
    catalog::{CatalogItem, MAX_MINOR_UNITS, Money},
    fixture::{AGENT, answers, blank, hours, in_state, key, laptop, monday, settings, user, world},
    incident::AwaitingKind,
    refusal::Refused,
    request::{FulfilmentCode, Submission},
    task::Tasks,
    ticket::{Body, Edit, NewTicket, State, Ticket, TicketKind},
};

fn pointers(refused: &Refused) -> Vec<&str> {
    match refused {
        Refused::MissingFields(faults) | Refused::Invalid(faults) => {
            faults.iter().map(|fault| fault.pointer.as_str()).collect()
        }
        Refused::InvalidTransition { .. }
        | Refused::InvalidMajorTransition { .. }
        | Refused::InvalidTaskTransition { .. }
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
    let refused = request
        .fulfill(None, None, &Tasks::default(), &user(AGENT), monday() + hours(9))
        .unwrap_err();
    assert_eq!(pointers(&refused), ["/fulfillment_code", "/fulfillment_notes"]);
}

#[test]
fn an_answered_request_can_be_submitted_and_a_faulty_one_names_each_answer() {
    let item = laptop();
    let good = answers();
    let new = NewTicket { item: Some(&item), answers: &good, ..blank(TicketKind::Request) };
    let mut request = Ticket::new(new, &settings(), monday()).unwrap();
    request.submit(Some(&item), Submission::Asks, &settings(), monday()).unwrap();
    assert_eq!(request.state(), State::AwaitingApproval);

    let bad = [("model", "huge"), ("screens", "two"), ("color", "red"), ("from", "2026-02-30")]
        .map(|(field, answer)| (key(field), answer.to_owned()));
    let new = NewTicket { item: Some(&item), answers: &bad, ..blank(TicketKind::Request) };
    let mut request = Ticket::new(new, &settings(), monday()).unwrap();
    let refused = request.submit(Some(&item), Submission::Asks, &settings(), monday()).unwrap_err();
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
    let (done, by) = (Some("one screen only"), user(AGENT));
    request.fulfill(code, done, &Tasks::default(), &by, monday() + hours(8)).unwrap();
    assert_eq!(request.state(), State::Fulfilled);
}

#[test]
fn what_an_item_promises_is_counted_in_working_hours_and_anew_at_approval() {
    let item = laptop();
    let good = answers();
    let new = NewTicket { item: Some(&item), answers: &good, ..blank(TicketKind::Request) };
    let mut request = Ticket::new(new, &settings(), monday()).unwrap();
    let expected = |request: &Ticket| match &request.body {
        Body::Request(request) => request.expected_at,
        Body::Incident(_) => panic!("it is a request"),
    };
    assert_eq!(expected(&request), None);
    // 16 hours of days of 10: Monday, and six hours of Tuesday.
    request.submit(Some(&item), Submission::Asks, &settings(), monday()).unwrap();
    assert_eq!(expected(&request), Some(monday() + hours(24 + 6)));
    let changes = request.approve(Some(&item), &settings(), monday() + hours(26)).unwrap();
    assert_eq!(expected(&request), Some(monday() + hours(48 + 8)));
    assert!(changes.iter().any(|change| change.field == "expected_at"));

    let told = Edit { expected_at: Some(Some(monday())), ..Edit::default() };
    request.edit(told, &world(), &settings(), monday() + hours(27)).unwrap();
    assert_eq!(expected(&request), Some(monday()));
}

#[test]
fn a_request_for_several_costs_as_many_times_as_much_and_is_voted_on_so() {
    let item = laptop();
    let good = answers();
    let new = |quantity| NewTicket {
        item: Some(&item),
        answers: &good,
        quantity,
        ..blank(TicketKind::Request)
    };
    let one = Ticket::new(new(1), &settings(), monday()).unwrap();
    let mut three = Ticket::new(new(3), &settings(), monday()).unwrap();
    let cost = |request: &Ticket| match &request.body {
        Body::Request(request) => request.cost.as_ref().unwrap().minor_units,
        Body::Incident(_) => panic!("it is a request"),
    };
    assert_eq!(cost(&three), 3 * cost(&one));
    assert_ne!(one.approval_content(), three.approval_content());
    let two = || Edit { quantity: Some(2), ..Edit::default() };
    three.edit(two(), &world(), &settings(), monday()).unwrap();
    assert_eq!(cost(&three), 2 * cost(&one));
    for quantity in [0, 1_001] {
        let refused = Ticket::new(new(quantity), &settings(), monday()).unwrap_err();
        assert_eq!(pointers(&refused), ["/quantity"]);
    }
    // Handed in, it is counted.
    three.submit(Some(&item), Submission::Asks, &settings(), monday()).unwrap();
    let four = Edit { quantity: Some(4), ..Edit::default() };
    assert!(is_guard(&three.edit(four, &world(), &settings(), monday()).unwrap_err()));
    three.edit(two(), &world(), &settings(), monday()).unwrap();

    let free_text = NewTicket { quantity: 2, ..blank(TicketKind::Request) };
    assert_eq!(
        pointers(&Ticket::new(free_text, &settings(), monday()).unwrap_err()),
        ["/quantity"]
    );
    let dear = CatalogItem {
        cost: Some(Money { minor_units: MAX_MINOR_UNITS, currency: "EUR".to_owned() }),
        ..laptop()
    };
    let two = NewTicket { item: Some(&dear), ..new(2) };
    assert_eq!(pointers(&Ticket::new(two, &settings(), monday()).unwrap_err()), ["/quantity"]);
}
