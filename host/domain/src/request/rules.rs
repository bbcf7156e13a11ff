//! The rules of requests, one test each.

use crate::{
    catalog::{CatalogItem, MAX_MINOR_UNITS, Money},
    fixture::{
        LAPTOP, Scene, act, another, answers, asked_for, blank, edit, guard, hours, in_state, key,
        laptop, monday, nothing, number, open, pointers, settings, text, with,
    },
    request::Submission,
    ticket::{Action, AwaitingKind, Code, Given, State, Ticket, TicketKind, Value},
};

fn request(state: State) -> Ticket {
    in_state(TicketKind::Request, state, AwaitingKind::Caller)
}

fn laptop_submitted(request: &mut Ticket) -> Result<(), crate::refusal::Refused> {
    request.submit(Some(&laptop()), Submission::Asks, &settings(), monday()).map(|_| ())
}

fn description() -> Given {
    with("description", text("a bigger one"))
}

#[test]
fn r12_a_request_is_fulfilled_with_code_and_notes_only() {
    let mut request = request(State::InFulfilment);
    for given in [nothing(), with("fulfillment_notes", text(" \n"))] {
        let refused = act(&mut request, Action::Fulfill, given).unwrap_err();
        assert_eq!(pointers(&refused), ["/fulfillment_code", "/fulfillment_notes"]);
    }
}

#[test]
fn an_answered_request_can_be_submitted_and_a_faulty_one_names_each_answer() {
    let mut request = asked_for(1, answers()).unwrap();
    laptop_submitted(&mut request).unwrap();
    assert_eq!(request.state(), State::AwaitingApproval);

    let bad = [("model", "huge"), ("screens", "two"), ("color", "red"), ("from", "2026-02-30")]
        .map(|(field, answer)| (key(field), answer.to_owned()));
    let mut request = asked_for(1, bad.to_vec()).unwrap();
    let refused = laptop_submitted(&mut request).unwrap_err();
    let expected =
        ["/answers/model", "/answers/screens", "/answers/from", "/answers/why", "/answers/color"];
    assert_eq!(pointers(&refused), expected);
    assert_eq!(request.state(), State::New);
}

#[test]
fn what_approvers_vote_on_does_not_change_behind_their_backs() {
    let mut waiting = request(State::AwaitingApproval);
    guard(edit(&mut waiting, &description()));
    guard(edit(&mut waiting, &with("answers", Value::Answers(answers()))));
    edit(&mut waiting, &with("tags", Value::Texts(vec!["VIP".to_owned()]))).unwrap();
    assert!(waiting.tags.contains("vip"));
    act(&mut waiting, Action::Revise, nothing()).unwrap();
    edit(&mut waiting, &description()).unwrap();
}

#[test]
fn the_text_beside_an_item_is_not_what_is_voted_on() {
    let mut waiting = asked_for(1, answers()).unwrap();
    laptop_submitted(&mut waiting).unwrap();
    let content = waiting.approval_content();
    edit(&mut waiting, &description()).unwrap();
    assert_eq!(waiting.approval_content(), content);
}

#[test]
fn what_is_voted_on_is_the_same_in_whichever_order_answers_are_kept() {
    let mut asked = asked_for(1, answers()).unwrap();
    assert!(answers().len() > 1);
    let content = asked.approval_content();
    asked.request_mut().unwrap().answers.reverse();
    assert_eq!(asked.approval_content(), content);
}

#[test]
fn a_fulfilled_request_can_be_partial() {
    let mut request = request(State::InFulfilment);
    let given = with("fulfillment_code", text("partial"))
        .with("fulfillment_notes", text("one screen only"));
    act(&mut request, Action::Fulfill, given).unwrap();
    assert_eq!(request.state(), State::Fulfilled);
    assert_eq!(request.stage.outcome().unwrap().code, Some(Code::Partial));
}

#[test]
fn a_rejection_keeps_its_reason_and_a_revision_starts_over() {
    let mut request = request(State::AwaitingApproval);
    let given = with("reason", text("too dear"));
    let done = act(&mut request, Action::Reject, given).unwrap();
    assert!(done.changes.iter().any(|change| change.field == "rejection_reason"));
    assert_eq!((request.state(), request.is_draft()), (State::Rejected, false));
    act(&mut request, Action::Revise, nothing()).unwrap();
    assert!(request.is_draft());
}

#[test]
fn what_an_item_promises_is_counted_in_working_hours_and_anew_at_approval() {
    let mut request = asked_for(1, answers()).unwrap();
    let expected = |request: &Ticket| request.request().unwrap().expected_at;
    assert_eq!(expected(&request), None);
    // 16 hours of days of 10: Monday, and six hours of Tuesday.
    laptop_submitted(&mut request).unwrap();
    assert_eq!(expected(&request), Some(monday() + hours(24 + 6)));
    let mut scene = Scene::at(26);
    scene.beside.item = Some(laptop());
    let done = scene.act(&mut request, Action::Approve, nothing()).unwrap();
    assert_eq!(expected(&request), Some(monday() + hours(48 + 8)));
    assert!(done.changes.iter().any(|change| change.field == "expected_at"));

    edit(&mut request, &with("expected_at", Value::Time(monday()))).unwrap();
    assert_eq!(expected(&request), Some(monday()));
}

#[test]
fn a_request_for_several_costs_as_many_times_as_much_and_is_voted_on_so() {
    let one = asked_for(1, answers()).unwrap();
    let mut three = asked_for(3, answers()).unwrap();
    let cost = |ticket: &Ticket| ticket.request().unwrap().cost.as_ref().unwrap().minor_units;
    let several = |count| with("quantity", number(count));
    assert_eq!(cost(&three), 3 * cost(&one));
    assert_ne!(one.approval_content(), three.approval_content());
    edit(&mut three, &several(2)).unwrap();
    assert_eq!(cost(&three), 2 * cost(&one));
    for quantity in [0, 1_001] {
        assert_eq!(pointers(&asked_for(quantity, answers()).unwrap_err()), ["/quantity"]);
        assert_eq!(pointers(&edit(&mut three, &several(quantity)).unwrap_err()), ["/quantity"]);
    }
    // Submitted, it is counted.
    laptop_submitted(&mut three).unwrap();
    guard(edit(&mut three, &several(4)));
    edit(&mut three, &several(2)).unwrap();

    let free_text = blank(TicketKind::Request).with("quantity", number(2));
    let refused = open(TicketKind::Request, &free_text, None).unwrap_err();
    assert_eq!(pointers(&refused), ["/quantity"]);
    let refused = edit(&mut another(TicketKind::Request), &several(2)).unwrap_err();
    assert_eq!(pointers(&refused), ["/quantity"]);
    let dear = CatalogItem {
        cost: Some(Money { minor_units: MAX_MINOR_UNITS, currency: "EUR".to_owned() }),
        ..laptop()
    };
    let two = blank(TicketKind::Request)
        .with("catalog_item", Value::CatalogItem(LAPTOP))
        .with("quantity", number(2));
    let refused = open(TicketKind::Request, &two, Some(&dear)).unwrap_err();
    assert_eq!(pointers(&refused), ["/quantity"]);
}

#[test]
fn what_is_not_offered_any_more_is_not_asked_for() {
    let retired = CatalogItem { active: false, ..laptop() };
    let given = blank(TicketKind::Request).with("catalog_item", Value::CatalogItem(LAPTOP));
    let refused = open(TicketKind::Request, &given, Some(&retired)).unwrap_err();
    assert_eq!(pointers(&refused), ["/catalog_item"]);
}
