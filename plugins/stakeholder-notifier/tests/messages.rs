//! Who hears what, and when.

#![expect(clippy::unwrap_used, reason = "a test that cannot configure the policy fails")]

use serde_json::{Value, json};
use stakeholder_notifier::{Settings, StakeholderNotifier};
use waypost_sdk::testing::{Harness, context, event, person, ticket};
use waypost_sdk::{Context, Decline, Event, EventKind, Notifications, Recipient, Ticket, Way};

/// The settings in the README.
fn example() -> Value {
    let readme = include_str!("../README.md");
    let (_, example) = readme.split_once("```json\n").unwrap();
    serde_json::from_str(example.split_once("```").unwrap().0).unwrap()
}

fn notify(settings: &Value, event: &Event, ticket: &Ticket, context: &Context) -> Notifications {
    Harness::<StakeholderNotifier>::new(settings).unwrap().notify(event, ticket, context).unwrap()
}

fn tell(event: &Event, ticket: &Ticket) -> Notifications {
    let context = Context { requester: Some(person("Ada")), ..context() };
    notify(&example(), event, ticket, &context)
}

fn owned() -> Ticket {
    Ticket { team: Some("network".to_owned()), priority: Some(3), ..ticket("VPN down") }
}

/// One rule for comments, with some members changed.
fn comments(changed: &Value) -> Value {
    let mut rule = json!({ "name": "a", "on": ["commented"], "to": ["requester"], "subject": "s", "body": "b" });
    for (member, value) in changed.as_object().unwrap() {
        rule[member] = value.clone();
    }
    json!({ "rules": [rule] })
}

#[test]
fn the_example_fits_the_schema() {
    let schema: Value = serde_json::from_str(&waypost_sdk::schema_of::<Settings>()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    assert!(schema.is_valid(&example()));
    assert!(
        !schema.is_valid(&json!({ "rules": [], "quiet_hours": { "from": "8pm", "to": "07:00" } }))
    );
}

#[test]
fn a_major_incident_is_told_of_when_it_is_accepted_and_not_before() {
    let at = |major_state: &str| Ticket { major_state: Some(major_state.to_owned()), ..owned() };
    let happened = event(EventKind::MajorChanged);
    let answer = tell(&happened, &at("accepted"));
    assert_eq!(answer.messages[0].subject, "Major incident INC0000042: VPN down");
    assert_eq!(answer.messages.len(), 1);
    let harness = Harness::<StakeholderNotifier>::new(&example()).unwrap();
    for quiet in [at("proposed"), owned()] {
        let declined = harness.notify(&happened, &quiet, &context()).unwrap_err();
        assert_eq!(declined, Decline::no_opinion("no rule tells anybody of this"));
    }
}

#[test]
fn the_requester_hears_that_the_ticket_was_received() {
    let answer = tell(&event(EventKind::Created), &owned());
    let [message] = answer.messages.as_slice() else { panic!("{answer:?}") };
    assert_eq!(message.recipients, [Recipient::Requester]);
    assert_eq!(message.way, Way::Mail);
    assert_eq!(message.subject, "INC0000042: VPN down");
    assert_eq!(message.body, "Hello Ada,\n\nwe have your incident and gave it to network.");
    assert_eq!((message.delay_seconds, message.dedupe_key.as_str()), (0, "received"));
    assert_eq!(answer.reasons, ["rule “received”"]);
}

#[test]
fn every_rule_that_matches_sends_its_message() {
    let urgent = Ticket { priority: Some(1), ..owned() };
    let answer = tell(&event(EventKind::Created), &urgent);
    assert_eq!(answer.messages.len(), 2);
    assert_eq!(
        answer.messages[1].recipients,
        [Recipient::Team("network".to_owned()), Recipient::Team("major-incidents".to_owned())]
    );
    assert_eq!(answer.messages[1].dedupe_key, "urgent/2026-06-01");
}

#[test]
fn nobody_is_told_of_what_they_did_themselves() {
    let by = |actor: &str| Event {
        actor_person: Some(actor.to_owned()),
        text: Some("Any news?".to_owned()),
        ..event(EventKind::Commented)
    };
    let worked_on = Ticket { assignee: Some("agent".to_owned()), ..owned() };

    let answer = tell(&by("requester"), &worked_on);
    assert_eq!(answer.messages[0].recipients, [Recipient::Assignee, Recipient::Watchers]);
    assert_eq!(answer.messages[0].except, ["requester"]);
    assert_eq!(answer.messages[0].body, "Any news?");

    let answer = tell(&by("agent"), &worked_on);
    assert_eq!(answer.messages[0].recipients, [Recipient::Requester, Recipient::Watchers]);
    assert_eq!(answer.messages[0].except, ["agent"]);
}

#[test]
fn a_rule_without_anybody_to_tell_sends_nothing() {
    let own = Event { actor_person: Some("requester".to_owned()), ..event(EventKind::Commented) };
    let answer = notify(&comments(&json!({})), &own, &owned(), &context());
    assert_eq!(answer.messages, []);
    assert_eq!(answer.reasons, ["rule “a” has nobody to tell"]);

    let answer = notify(&comments(&json!({ "to_actor": true })), &own, &owned(), &context());
    assert_eq!(answer.messages[0].except, [""; 0]);
}

#[test]
fn a_rule_may_ask_for_a_state() {
    let held = Ticket { state: "on_hold".to_owned(), ..owned() };
    let change =
        Event { before_state: Some("in_progress".to_owned()), ..event(EventKind::StateChanged) };
    let answer = tell(&change, &held);
    assert_eq!(answer.messages[0].body, "It was in progress and is on hold now.\n\n");
    assert_eq!(answer.messages[0].delay_seconds, 15 * 60);
    assert_eq!(answer.messages[0].dedupe_key, "waiting for you/on_hold");

    let resumed = Ticket { state: "in_progress".to_owned(), ..owned() };
    let notifier = Harness::<StakeholderNotifier>::new(&example()).unwrap();
    let declined = notifier.notify(&change, &resumed, &context()).unwrap_err();
    assert_eq!(declined, Decline::no_opinion("no rule tells anybody of this"));
}

#[test]
fn approvers_hear_when_the_event_names_them() {
    let asked = Event { approvers: vec!["boss".to_owned()], ..event(EventKind::ApprovalRequested) };
    assert_eq!(tell(&asked, &owned()).messages[0].recipients, [Recipient::Approvers]);
    let nobody = event(EventKind::ApprovalRequested);
    assert_eq!(tell(&nobody, &owned()).messages, []);
}

#[test]
fn messages_wait_for_the_end_of_quiet_hours_unless_they_are_urgent() {
    let mut night = context();
    night.now.minute_of_day = 23 * 60;
    let comment = event(EventKind::Commented);

    let answer = notify(&example(), &comment, &owned(), &night);
    assert_eq!(answer.messages[0].delay_seconds, 8 * 3600);
    assert_eq!(answer.reasons, ["rule “answer”, after the quiet hours"]);

    let urgent = Ticket { priority: Some(2), ..owned() };
    assert_eq!(notify(&example(), &comment, &urgent, &night).messages[0].delay_seconds, 0);
}

#[test]
fn two_comments_are_two_messages() {
    let key = |utc: &str| {
        let mut later = context();
        later.now.utc = utc.to_owned();
        let comment = event(EventKind::Commented);
        notify(&comments(&json!({})), &comment, &owned(), &later).messages[0].dedupe_key.clone()
    };
    assert_ne!(key("2026-06-01T08:00:00Z"), key("2026-06-01T08:00:00.000001Z"));
}

#[test]
fn settings_that_cannot_work_are_refused_where_they_stand() {
    let settings = json!({
        "rules": [{ "name": "a", "on": [], "to": [], "subject": "{what}", "body": "{" }],
        "quiet_hours": {
            "from": "22:00", "to": "06:00",
            "days": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        }
    });
    let errors = Harness::<StakeholderNotifier>::new(&settings).unwrap_err();
    let paths: Vec<_> = errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(
        paths,
        ["/rules/0/on", "/rules/0/to", "/rules/0/subject", "/rules/0/body", "/quiet_hours/days"]
    );
}
