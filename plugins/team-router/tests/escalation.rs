//! When a ticket moves up.

#![expect(clippy::unwrap_used, reason = "a test that cannot configure the policy fails")]

use serde_json::{Value, json};
use team_router::TeamRouter;
use waypost_sdk::testing::{Harness, clocks, context, team, ticket};
use waypost_sdk::{Clocks, Context, Decline, Escalation, Team, Ticket};

fn steps() -> Value {
    json!({ "escalation": [
        { "level": 1, "when": { "priority": { "to": 2 } }, "after_minutes": 15,
          "counting": "unassigned", "inform": ["lead", { "person": "duty" }] },
        { "level": 1, "when": { "priority": { "from": 3 } }, "after_minutes": 480,
          "counting": "idle", "inform": ["lead"] },
        { "level": 2, "when": { "priority": { "to": 1 } }, "after_minutes": 60,
          "team": "major-incidents", "inform": ["on_call", "lead"] }
    ] })
}

fn urgent(priority: u8) -> Ticket {
    Ticket { priority: Some(priority), team: Some("network".to_owned()), ..ticket("down") }
}

fn ask(ticket: &Ticket, clocks: &Clocks) -> Option<Escalation> {
    let desk = Context {
        teams: vec![
            Team { on_call: Some("mia".to_owned()), ..team("major-incidents") },
            Team {
                lead: Some("lea".to_owned()),
                on_call: Some("nora".to_owned()),
                ..team("network")
            },
        ],
        ..context()
    };
    Harness::<TeamRouter>::new(&steps()).unwrap().escalate(ticket, clocks, &desk).unwrap()
}

#[test]
fn nothing_moves_before_its_time() {
    let waited = Clocks { age_minutes: 59, unassigned_minutes: 14, ..clocks() };
    assert_eq!(ask(&urgent(1), &waited), None);
    let waited = Clocks { age_minutes: 479, idle_minutes: 479, unassigned_minutes: 479, level: 0 };
    assert_eq!(ask(&urgent(3), &waited), None);
}

#[test]
fn the_step_of_its_priority_is_taken() {
    let waited = Clocks { age_minutes: 20, unassigned_minutes: 15, ..clocks() };
    let escalation = ask(&urgent(2), &waited).unwrap();
    assert_eq!((escalation.level, escalation.team), (1, None));
    assert_eq!(escalation.inform, ["lea", "duty"]);
    assert_eq!(
        escalation.reasons,
        ["level 1: without an assignee for 15 minutes, the limit is 15"]
    );

    let waited = Clocks { age_minutes: 900, idle_minutes: 500, ..clocks() };
    assert_eq!(ask(&urgent(4), &waited).unwrap().inform, ["lea"]);
}

#[test]
fn a_level_is_reached_once() {
    let waited = Clocks { age_minutes: 59, unassigned_minutes: 59, level: 1, ..clocks() };
    assert_eq!(ask(&urgent(1), &waited), None);
    let waited = Clocks { age_minutes: 600, unassigned_minutes: 600, level: 2, ..clocks() };
    assert_eq!(ask(&urgent(1), &waited), None);
}

#[test]
fn the_next_level_hands_over_and_tells_the_new_team() {
    let waited = Clocks { age_minutes: 60, level: 1, ..clocks() };
    let escalation = ask(&urgent(1), &waited).unwrap();
    assert_eq!((escalation.level, escalation.team.as_deref()), (2, Some("major-incidents")));
    assert_eq!(escalation.inform, ["mia", "lea"]);
}

#[test]
fn of_several_due_levels_the_highest_moves_the_ticket_and_all_are_told() {
    let waited = Clocks { age_minutes: 61, unassigned_minutes: 61, ..clocks() };
    let escalation = ask(&urgent(1), &waited).unwrap();
    assert_eq!((escalation.level, escalation.team.as_deref()), (2, Some("major-incidents")));
    assert_eq!(escalation.inform, ["lea", "duty", "mia"]);
}

#[test]
fn without_steps_there_is_no_opinion() {
    let router = Harness::<TeamRouter>::new(&json!({ "fallback": "service-desk" })).unwrap();
    let declined = router.escalate(&urgent(1), &clocks(), &context()).unwrap_err();
    assert!(matches!(declined, Decline::NoOpinion(_)));
}
