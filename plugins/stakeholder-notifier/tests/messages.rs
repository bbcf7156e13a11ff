//! Who hears what, and when.

#![expect(clippy::unwrap_used, reason = "a test that cannot configure the policy fails")]

use chrono::{DateTime, NaiveDate, Offset as _, SecondsFormat, TimeZone as _, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use serde_json::{Value, json};
use stakeholder_notifier::{Settings, StakeholderNotifier};
use waypost_sdk::testing::{
    Harness, context, event, head, incident, incident_details, person, problem,
};
use waypost_sdk::{
    Context, Decline, DeliveryChannel, Details, Event, EventKind, FieldChange, Head,
    IncidentDetails, Message, Moment, Notifications, Person, Recipient, TeamRef, Ticket,
};

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

fn owned() -> Head {
    let team = TeamRef { organization: "acme".to_owned(), key: "network".to_owned() };
    Head { team: Some(team), priority: Some(3), ..head("VPN down") }
}

fn ticket() -> Ticket {
    incident(owned())
}

fn changed(kind: EventKind, before: &str, after: &str) -> Event {
    let change = FieldChange {
        field: "state".to_owned(),
        before: Some(before.to_owned()),
        after: Some(after.to_owned()),
    };
    Event { changes: vec![change], ..event(kind) }
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
    let quiet = |from: &str| json!({ "rules": [], "quiet_hours": { "from": from, "to": "07:00" } });
    assert!(schema.is_valid(&quiet("20:00")) && !schema.is_valid(&quiet("8pm")));
    assert!(!schema.is_valid(&comments(&json!({ "delay_minutes": 33_121 }))));
}

#[test]
fn a_major_incident_is_told_of_when_it_is_accepted_and_not_before() {
    let at = |major_state: &str| {
        let major_state = Some(major_state.to_owned());
        let details = IncidentDetails { major_state, ..incident_details() };
        Ticket { head: owned(), details: Details::Incident(details) }
    };
    let happened = event(EventKind::MajorChanged);
    let answer = tell(&happened, &at("accepted"));
    assert_eq!(answer.messages[0].subject, "Major incident INC0000042: VPN down");
    assert_eq!(answer.messages.len(), 1);
    let harness = Harness::<StakeholderNotifier>::new(&example()).unwrap();
    for quiet in [at("proposed"), ticket()] {
        let declined = harness.notify(&happened, &quiet, &context()).unwrap_err();
        assert_eq!(declined, Decline::no_opinion("no rule tells anybody of this"));
    }
}

#[test]
fn the_requester_hears_that_the_ticket_was_received() {
    let answer = tell(&event(EventKind::Created), &ticket());
    let [message] = answer.messages.as_slice() else { panic!("{answer:?}") };
    assert_eq!(message.recipients, [Recipient::Requester]);
    assert_eq!(message.channel, DeliveryChannel::Mail);
    assert_eq!(message.subject, "INC0000042: VPN down");
    assert_eq!(message.body, "Hello Ada,\n\nwe have your incident and gave it to network.");
    assert_eq!((message.not_before.as_deref(), message.dedupe_key.as_str()), (None, "received"));
    assert_eq!(answer.reasons, ["rule “received”"]);
}

#[test]
fn a_ticket_without_a_requester_has_no_requester_to_tell() {
    let answer = tell(&event(EventKind::Created), &problem(owned()));
    assert_eq!(answer.messages, []);
    assert_eq!(answer.reasons, ["rule “received” has nobody to tell"]);
}

#[test]
fn every_rule_that_matches_sends_its_message() {
    let urgent = incident(Head { priority: Some(1), ..owned() });
    let answer = tell(&event(EventKind::Created), &urgent);
    assert_eq!(answer.messages.len(), 2);
    assert_eq!(
        answer.messages[1].recipients,
        [Recipient::Team("acme/network".to_owned()), Recipient::Team("major-incidents".to_owned())]
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
    let worked_on = incident(Head { assignee: Some("agent".to_owned()), ..owned() });

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
    let answer = notify(&comments(&json!({})), &own, &ticket(), &context());
    assert_eq!(answer.messages, []);
    assert_eq!(answer.reasons, ["rule “a” has nobody to tell"]);

    let answer = notify(&comments(&json!({ "to_actor": true })), &own, &ticket(), &context());
    assert_eq!(answer.messages[0].except, [""; 0]);
}

#[test]
fn a_rule_may_ask_for_a_state() {
    let held = incident(Head { state: "on_hold".to_owned(), ..owned() });
    let change = changed(EventKind::StateChanged, "in_progress", "on_hold");
    let answer = tell(&change, &held);
    assert_eq!(answer.messages[0].body, "It was in progress and is on hold now.\n\n");
    assert_eq!(answer.messages[0].not_before.as_deref(), Some("2026-06-01T08:15:00Z"));
    assert_eq!(answer.reasons, ["rule “waiting for you”"]);
    assert_eq!(answer.messages[0].dedupe_key, "waiting for you/on_hold");

    let resumed = incident(Head { state: "in_progress".to_owned(), ..owned() });
    let notifier = Harness::<StakeholderNotifier>::new(&example()).unwrap();
    let declined = notifier.notify(&change, &resumed, &context()).unwrap_err();
    assert_eq!(declined, Decline::no_opinion("no rule tells anybody of this"));
}

#[test]
fn approvers_hear_when_the_event_names_them() {
    for (kind, subject) in [
        (EventKind::ApprovalRequested, "Please decide: INC0000042 VPN down"),
        (EventKind::VoteLate, "Reminder, please decide: INC0000042 VPN down"),
    ] {
        let asked = Event { approvers: vec!["boss".to_owned()], ..event(kind) };
        let answer = tell(&asked, &ticket());
        assert_eq!(answer.messages[0].recipients, [Recipient::Approvers]);
        assert_eq!(answer.messages[0].subject, subject);
        assert_eq!(tell(&event(kind), &ticket()).messages, []);
    }
}

#[test]
fn a_late_vote_and_an_escalated_ticket_are_two_things() {
    let rule = |name: &str, on: &str| {
        json!({
            "name": name, "on": [on], "to": ["assignee"],
            "subject": "s", "body": "b"
        })
    };
    let settings = json!({ "rules": [rule("late", "vote_late"), rule("up", "escalated")] });
    let worked_on = incident(Head { assignee: Some("nora".to_owned()), ..owned() });
    for (kind, told) in [(EventKind::VoteLate, "rule “late”"), (EventKind::Escalated, "rule “up”")]
    {
        assert_eq!(notify(&settings, &event(kind), &worked_on, &context()).reasons, [told]);
    }
}

#[test]
fn messages_wait_for_the_end_of_quiet_hours_unless_they_are_urgent() {
    let night = at("2026-06-01T21:00:00Z", 120);
    let comment = event(EventKind::Commented);

    let answer = notify(&example(), &comment, &ticket(), &night);
    assert_eq!(answer.messages[0].not_before.as_deref(), Some("2026-06-02T05:00:00Z"));
    assert_eq!(answer.reasons, ["rule “answer”, after the quiet hours"]);

    let urgent = incident(Head { priority: Some(2), ..owned() });
    assert_eq!(notify(&example(), &comment, &urgent, &night).messages[0].not_before, None);
}

/// A decision at a moment in Berlin, whose clock is that many minutes ahead of UTC then.
fn at(utc: &str, utc_offset: i16) -> Context {
    Context { now: Moment { utc: utc.to_owned(), utc_offset, ..context().now }, ..context() }
}

/// Quiet from 22:00 to 07:00, and one rule for comments with some members changed.
fn nightly(changed: &Value) -> Value {
    let mut settings = comments(changed);
    settings["quiet_hours"] = json!({ "from": "22:00", "to": "07:00" });
    settings
}

fn messages(settings: &Value, context: &Context) -> Vec<Message> {
    notify(settings, &event(EventKind::Commented), &ticket(), context).messages
}

#[test]
fn in_the_nights_in_which_clocks_change_messages_leave_at_seven_all_the_same() {
    for (night, now, utc_offset, seven) in [
        ("an ordinary night in winter", "2026-03-27T22:30:00Z", 60, "2026-03-28T06:00:00Z"),
        // At 02:00 the clock is put forward to 03:00.
        ("spring, before the change", "2026-03-28T22:30:00Z", 60, "2026-03-29T05:00:00Z"),
        ("spring, after the change", "2026-03-29T01:30:00Z", 120, "2026-03-29T05:00:00Z"),
        ("an ordinary night in summer", "2026-10-23T21:30:00Z", 120, "2026-10-24T05:00:00Z"),
        // At 03:00 the clock is put back to 02:00.
        ("autumn, before the change", "2026-10-24T21:30:00Z", 120, "2026-10-25T06:00:00Z"),
        ("autumn, 02:30 for the first time", "2026-10-25T00:30:00Z", 120, "2026-10-25T06:00:00Z"),
        ("autumn, 02:30 for the second time", "2026-10-25T01:30:00Z", 60, "2026-10-25T06:00:00Z"),
    ] {
        let [message] = messages(&nightly(&json!({})), &at(now, utc_offset)).try_into().unwrap();
        assert_eq!(message.not_before.as_deref(), Some(seven), "{night}");
    }
}

/// A decision of an organization in a zone at a moment.
fn in_zone(zone: Tz, utc: DateTime<Utc>) -> Context {
    let ahead = utc.with_timezone(&zone).offset().fix().local_minus_utc() / 60;
    let utc_offset = i16::try_from(ahead).unwrap();
    let utc = utc.to_rfc3339_opts(SecondsFormat::Secs, true);
    let zone = zone.name().to_owned();
    Context { now: Moment { utc, utc_offset, zone, ..context().now }, ..context() }
}

#[test]
fn quiet_hours_end_at_seven_where_clocks_change_at_midnight_or_by_half_an_hour() {
    for (zone, now, seven) in [
        // At 24:00 the clock is put back to 23:00.
        (Tz::America__Santiago, "2026-04-05T01:30:00Z", "2026-04-05T11:00:00Z"),
        // At 24:00 the clock is put forward to 01:00.
        (Tz::America__Santiago, "2026-09-06T02:30:00Z", "2026-09-06T10:00:00Z"),
        // By half an hour, back and forward.
        (Tz::Australia__Lord_Howe, "2026-04-04T11:30:00Z", "2026-04-04T20:30:00Z"),
        (Tz::Australia__Lord_Howe, "2026-10-03T12:00:00Z", "2026-10-03T20:00:00Z"),
    ] {
        let context = in_zone(zone, now.parse().unwrap());
        let [message] = messages(&nightly(&json!({})), &context).try_into().unwrap();
        assert_eq!(message.not_before.as_deref(), Some(seven), "{zone} {now}");
    }
}

#[test]
fn in_every_zone_every_night_in_which_the_clock_changes_ends_at_seven() {
    let notifier = Harness::<StakeholderNotifier>::new(&nightly(&json!({}))).unwrap();
    let comment = event(EventKind::Commented);
    let at = |zone: Tz, day: NaiveDate, hour: u32, minute: u32| {
        let local = day.and_hms_opt(hour, minute, 0).unwrap();
        zone.from_local_datetime(&local).earliest()
    };
    let first = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
    let mut nights = 0;
    for zone in TZ_VARIANTS {
        for evening in first.iter_days().take(5 * 365) {
            let Some(morning) = evening.succ_opt() else { continue };
            let (Some(late), Some(seven)) = (at(zone, evening, 22, 30), at(zone, morning, 7, 0))
            else {
                continue;
            };
            if late.offset().fix() == seven.offset().fix() {
                continue;
            }
            nights += 1;
            let context = in_zone(zone, late.to_utc());
            let answer = notifier.notify(&comment, &ticket(), &context).unwrap();
            let seven = seven.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true);
            let told = answer.messages[0].not_before.as_deref();
            assert_eq!(told, Some(seven.as_str()), "{zone} {evening}");
        }
    }
    assert!(nights > 1_000, "{nights}");
}

#[test]
fn a_delay_is_of_real_minutes_also_when_the_clock_changes_in_between() {
    let settings = comments(&json!({ "delay_minutes": 120 }));
    let [message] = messages(&settings, &at("2026-03-28T23:30:00Z", 60)).try_into().unwrap();
    assert_eq!(message.not_before.as_deref(), Some("2026-03-29T01:30:00Z"));
}

#[test]
fn a_zone_that_the_policy_does_not_know_is_as_far_ahead_as_the_host_says() {
    let mut night = at("2026-03-28T22:30:00Z", 60);
    night.now.zone = "Europe/Atlantis".to_owned();
    let [message] = messages(&nightly(&json!({})), &night).try_into().unwrap();
    assert_eq!(message.not_before.as_deref(), Some("2026-03-29T06:00:00Z"));
}

/// The same moment for a requester who lives in a zone.
fn seen_from(zone: &str, context: Context) -> Context {
    let zone = Some(zone.to_owned());
    Context { requester: Some(Person { zone, ..person("requester") }), ..context }
}

#[test]
fn the_requester_is_told_by_their_own_clock() {
    let settings = nightly(&json!({}));
    for (zone, now, utc_offset, not_before) in [
        // 23:30 in Berlin is 17:30 in New York, and 06:30 of the next day in Tokyo.
        ("America/New_York", "2026-06-01T21:30:00Z", 120, None),
        ("Asia/Tokyo", "2026-06-01T21:30:00Z", 120, Some("2026-06-01T22:00:00Z")),
        // America puts its clock back a week later: 06:00 in Berlin is 01:00 in New York.
        ("America/New_York", "2026-10-26T05:00:00Z", 60, Some("2026-10-26T11:00:00Z")),
        ("America/New_York", "2026-11-01T04:30:00Z", 60, Some("2026-11-01T12:00:00Z")),
        ("Europe/Berlin", "2026-06-01T21:30:00Z", 120, Some("2026-06-02T05:00:00Z")),
        ("Moon/Tycho", "2026-06-01T21:30:00Z", 120, Some("2026-06-02T05:00:00Z")),
    ] {
        let context = seen_from(zone, at(now, utc_offset));
        let [message] = messages(&settings, &context).try_into().unwrap();
        assert_eq!(message.not_before.as_deref(), not_before, "{now} in {zone}");
    }
}

#[test]
fn a_requester_elsewhere_is_told_apart_from_the_others_and_once() {
    let settings = nightly(&json!({ "to": ["requester", "watchers"] }));
    let night = at("2026-06-01T21:30:00Z", 120);
    let [theirs, others] =
        messages(&settings, &seen_from("Asia/Tokyo", night.clone())).try_into().unwrap();
    assert_eq!(theirs.recipients, [Recipient::Requester]);
    assert_eq!(theirs.not_before.as_deref(), Some("2026-06-01T22:00:00Z"));
    assert_eq!(others.recipients, [Recipient::Watchers]);
    assert_eq!(others.not_before.as_deref(), Some("2026-06-02T05:00:00Z"));
    assert_eq!(others.except, ["agent", "requester"]);
    assert_eq!(theirs.dedupe_key, others.dedupe_key);

    let noon = at("2026-06-01T10:00:00Z", 120);
    assert_eq!(messages(&settings, &seen_from("Asia/Tokyo", noon)).len(), 1);
    assert_eq!(messages(&settings, &seen_from("Europe/Berlin", night)).len(), 1);
}

#[test]
fn two_comments_are_two_messages() {
    let key = |id: &str| {
        let comment = Event { id: id.to_owned(), ..event(EventKind::Commented) };
        notify(&comments(&json!({})), &comment, &ticket(), &context()).messages[0]
            .dedupe_key
            .clone()
    };
    assert_ne!(key("event-1"), key("event-2"));
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
