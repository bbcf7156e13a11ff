//! Who gets a ticket.

#![expect(clippy::unwrap_used, reason = "a test that cannot configure the policy fails")]

use serde_json::{Value, json};
use team_router::{Settings, TeamRouter};
use waypost_sdk::testing::{Harness, ci, context, person, service, team, ticket};
use waypost_sdk::{Assignment, Ci, Context, Decline, Person, Service, Strength, Team, Ticket};

/// The settings in the README.
fn example() -> Value {
    let readme = include_str!("../README.md");
    let (_, example) = readme.split_once("```json\n").unwrap();
    serde_json::from_str(example.split_once("```").unwrap().0).unwrap()
}

fn teams() -> Vec<Team> {
    ["field-east", "field-north", "network", "service-desk", "vip-desk"].map(team).to_vec()
}

fn desk() -> Context {
    Context { teams: teams(), ..context() }
}

/// The teams, one of them closed and with somebody on call or not.
fn closed(key: &str, on_call: Option<&str>) -> Context {
    let mut desk = desk();
    let team = desk.teams.iter_mut().find(|team| team.key == key).unwrap();
    team.open_now = false;
    team.on_call = on_call.map(str::to_owned);
    desk
}

fn ask(settings: &Value, ticket: &Ticket, context: &Context) -> Result<Assignment, Decline> {
    Harness::<TeamRouter>::new(settings).unwrap().route(ticket, context)
}

fn about(category: &str) -> Ticket {
    Ticket { category: vec![category.to_owned(), "other".to_owned()], ..ticket("") }
}

#[test]
fn the_example_fits_the_schema() {
    let schema: Value = serde_json::from_str(&waypost_sdk::schema_of::<Settings>()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    assert!(schema.is_valid(&example()));
    assert!(schema.is_valid(&json!({ "fallback": "service-desk" })));
    assert!(!schema.is_valid(&json!({ "rules": [{ "name": "a", "to": "network" }] })));
}

#[test]
fn a_category_goes_to_its_team() {
    let answer = ask(&example(), &about("network"), &desk()).unwrap();
    assert_eq!((answer.team.as_str(), answer.confidence), ("network", 100));
    assert_eq!(answer.reasons, ["rule “network”"]);
}

#[test]
fn words_are_named_in_the_reasons() {
    let answer = ask(&example(), &ticket("No WLAN on floor 3"), &desk()).unwrap();
    assert_eq!((answer.team.as_str(), answer.strength), ("network", Strength::Suggested));
    assert_eq!(answer.reasons, ["rule “Wi-Fi”: the text holds “wlan”"]);
}

#[test]
fn a_service_in_trouble_goes_to_whoever_is_on_call_in_its_support_team() {
    let portal = Ticket {
        service: Some("revenue-portal".to_owned()),
        priority: Some(1),
        ..ticket("The revenue portal is down")
    };
    let supported = Context {
        service: Some(Service {
            support_team: Some("field-east".to_owned()),
            ..service("revenue-portal")
        }),
        teams: vec![Team { on_call: Some("otto".to_owned()), ..team("field-east") }],
        ..context()
    };
    let answer = ask(&example(), &portal, &supported).unwrap();
    assert_eq!(answer.team, "field-east");
    assert_eq!(answer.assignee.as_deref(), Some("otto"));
    assert_eq!(answer.agreement.as_deref(), Some("gold"));
}

#[test]
fn a_rule_without_a_team_that_can_take_it_is_passed_over() {
    let portal = Ticket {
        service: Some("revenue-portal".to_owned()),
        priority: Some(2),
        ..about("network")
    };
    let unsupported = Context { service: Some(service("revenue-portal")), ..desk() };
    let answer = ask(&example(), &portal, &unsupported).unwrap();
    assert_eq!(answer.team, "network");
    assert_eq!(
        answer.reasons,
        [
            "rule “the revenue portal is down” was passed over: \
         the ticket has no service with a support team",
            "rule “network”"
        ]
    );
}

#[test]
fn a_configuration_items_support_team_can_be_meant() {
    let settings = json!({ "rules": [{ "name": "ci", "to": { "support_team_of": "ci" } }], "fallback": "network" });
    let supported = Ci { support_team: Some("field-north".to_owned()), ..ci("db-1") };
    let known = Context { ci: Some(supported), ..desk() };
    assert_eq!(ask(&settings, &ticket(""), &known).unwrap().team, "field-north");
    assert_eq!(ask(&settings, &ticket(""), &desk()).unwrap().team, "network");
}

#[test]
fn of_several_teams_the_least_loaded_gets_it() {
    let somewhere = Context {
        requester: Some(Person { location: Some("berlin".to_owned()), ..person("requester") }),
        teams: vec![
            Team { load: 210, ..team("field-east") },
            Team { load: 205, ..team("field-north") },
            Team { load: 1, ..team("network") },
        ],
        ..context()
    };
    let answer = ask(&example(), &about("hardware"), &somewhere).unwrap();
    assert_eq!(answer.team, "field-north");
    assert_eq!(answer.reasons[1], "“field-north” has the least open work per head: 2.05 tickets");
}

#[test]
fn a_team_at_work_comes_before_an_idle_one_that_is_closed() {
    let settings =
        json!({ "rules": [{ "name": "a", "to": { "least_loaded": ["x", "night", "day"] } }] });
    let mut desk = Context {
        teams: vec![Team { load: 900, ..team("day") }, Team { open_now: false, ..team("night") }],
        ..context()
    };
    assert_eq!(ask(&settings, &ticket(""), &desk).unwrap().team, "day");
    desk.teams[0].open_now = false;
    assert_eq!(ask(&settings, &ticket(""), &desk).unwrap().team, "night");
}

#[test]
fn a_closed_team_is_reached_through_whoever_is_on_call() {
    let answer = ask(&example(), &about("network"), &closed("network", Some("nora"))).unwrap();
    assert_eq!(answer.team, "network");
    assert_eq!(answer.assignee.as_deref(), Some("nora"));
    assert_eq!(answer.reasons[1], "“network” is closed now, so whoever is on call gets it");

    let answer = ask(&example(), &about("network"), &closed("network", None)).unwrap();
    assert_eq!((answer.team.as_str(), answer.assignee), ("network", None));
    assert_eq!(answer.reasons[1], "“network” is closed now, and nobody is on call");
}

#[test]
fn a_closed_team_may_hand_over_to_another() {
    let vip = Some(Person { vip: true, ..person("requester") });
    let open = Context { requester: vip.clone(), ..desk() };
    assert_eq!(ask(&example(), &ticket(""), &open).unwrap().team, "vip-desk");

    let night = Context { requester: vip, ..closed("vip-desk", Some("vera")) };
    let answer = ask(&example(), &ticket(""), &night).unwrap();
    assert_eq!((answer.team.as_str(), answer.assignee), ("service-desk", None));
    assert_eq!(answer.reasons[1], "“vip-desk” is closed now, so “service-desk” gets it");
}

#[test]
fn what_no_rule_takes_goes_to_the_fallback() {
    let answer = ask(&example(), &ticket("The coffee machine leaks"), &desk()).unwrap();
    assert_eq!((answer.team.as_str(), answer.confidence), ("service-desk", 50));
}

#[test]
fn without_a_fallback_there_is_no_opinion() {
    let declined = ask(&json!({}), &ticket(""), &desk()).unwrap_err();
    assert_eq!(declined, Decline::no_opinion("no rule takes the ticket, and there is no fallback"));

    let gone = json!({ "fallback": "gone" });
    assert!(matches!(ask(&gone, &ticket(""), &desk()), Err(Decline::NoOpinion(_))));
}

#[test]
fn settings_that_cannot_work_are_refused_where_they_stand() {
    let settings = json!({
        "rules": [
            { "name": "a", "when": { "priority": { "from": 4, "to": 3 } }, "to": { "team": "x" } },
            { "name": "b", "to": { "least_loaded": [] } }
        ],
        "escalation": [{ "level": 1, "after_minutes": 5 }]
    });
    let errors = Harness::<TeamRouter>::new(&settings).unwrap_err();
    let paths: Vec<_> = errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(paths, ["/rules/0/when/priority", "/rules/1/to/least_loaded", "/escalation/0"]);
}

#[test]
fn a_wrong_target_is_pointed_at() {
    let settings = json!({ "rules": [{ "name": "a", "to": { "team": 5 } }] });
    let errors = Harness::<TeamRouter>::new(&settings).unwrap_err();
    assert_eq!(errors[0].path, "/rules/0/to/team");
}
