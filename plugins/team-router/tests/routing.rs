//! Who gets a ticket.

#![expect(clippy::unwrap_used, reason = "a test that cannot configure the policy fails")]

use serde_json::{Value, json};
use team_router::{Settings, TeamRouter};
use waypost_sdk::testing::{Harness, ci, context, head, incident, person, service, team, ticket};
use waypost_sdk::{
    Assignment, Ci, Context, Decline, Head, Person, Service, Strength, Team, TeamRef, TextProposal,
    Ticket,
};

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
    Context { teams: Some(teams()), ..context() }
}

fn of_acme(key: &str) -> TeamRef {
    TeamRef { organization: "acme".to_owned(), key: key.to_owned() }
}

fn team_of(answer: &Assignment) -> &str {
    answer.team.as_ref().unwrap().value.as_str()
}

fn person_of(answer: &Assignment) -> Option<&str> {
    Some(answer.assignee.as_ref()?.value.as_str())
}

/// The teams, one of them closed and with somebody on call or not.
fn closed(key: &str, people: &[&str]) -> Context {
    let mut desk = desk();
    let team = desk.teams.as_mut().unwrap().iter_mut().find(|team| team.key == key).unwrap();
    team.open_now = false;
    team.on_call = Some(people.iter().map(|person| (*person).to_owned()).collect());
    desk
}

fn ask(settings: &Value, ticket: &Ticket, context: &Context) -> Result<Assignment, Decline> {
    Harness::<TeamRouter>::new(settings).unwrap().route(ticket, context)
}

fn about(category: &str) -> Ticket {
    incident(Head { category: vec![category.to_owned(), "other".to_owned()], ..head("") })
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
    assert_eq!(answer.team, Some(TextProposal::set("network")));
    assert_eq!((answer.assignee, answer.watchers), (None, None));
    assert_eq!(answer.reasons, ["rule “network”"]);
}

#[test]
fn words_are_named_in_the_reasons() {
    let answer = ask(&example(), &ticket("No WLAN on floor 3"), &desk()).unwrap();
    assert_eq!(answer.team, Some(TextProposal::suggested("network").confidence(70)));
    assert_eq!(answer.reasons, ["rule “Wi-Fi”: the text contains “wlan”"]);
}

/// The revenue portal is down, and its support team has somebody on call.
fn portal_down() -> (Ticket, Context) {
    let portal = incident(Head {
        service: Some("revenue-portal".to_owned()),
        priority: Some(1),
        ..head("The revenue portal is down")
    });
    let supported = Context {
        service: Some(Service {
            support_team: Some(of_acme("field-east")),
            ..service("revenue-portal")
        }),
        teams: Some(vec![Team { on_call: Some(vec!["otto".to_owned()]), ..team("field-east") }]),
        ..context()
    };
    (portal, supported)
}

#[test]
fn a_rule_may_set_the_team_and_suggest_the_person() {
    let (portal, supported) = portal_down();
    let answer = ask(&example(), &portal, &supported).unwrap();
    assert_eq!(answer.team, Some(TextProposal::set("acme/field-east")));
    assert_eq!(answer.assignee, Some(TextProposal::suggested("otto")));
}

#[test]
fn one_strength_holds_for_every_field_of_a_rule() {
    let (portal, supported) = portal_down();
    let rule = json!({ "name": "a", "to": { "team": "field-east" }, "assign": "on_call",
        "watchers": ["olga"], "strength": "suggested", "confidence": 60 });
    let answer = ask(&json!({ "rules": [rule] }), &portal, &supported).unwrap();
    let [team, person] = [answer.team.unwrap(), answer.assignee.unwrap()];
    let watchers = answer.watchers.unwrap();
    assert_eq!(watchers.value, ["olga"]);
    for (strength, confidence) in [
        (team.strength, team.confidence),
        (person.strength, person.confidence),
        (watchers.strength, watchers.confidence),
    ] {
        assert_eq!((strength, confidence), (Strength::Suggested, 60));
    }
}

#[test]
fn a_rule_without_a_team_that_can_take_it_is_passed_over() {
    let portal = incident(Head {
        service: Some("revenue-portal".to_owned()),
        priority: Some(2),
        ..about("network").head
    });
    let unsupported = Context { service: Some(service("revenue-portal")), ..desk() };
    let answer = ask(&example(), &portal, &unsupported).unwrap();
    assert_eq!(team_of(&answer), "network");
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
    let settings = json!({
        "rules": [{ "name": "ci", "to": { "support_team_of": "ci" } }], "fallback": "network"
    });
    let supported = Ci { support_team: Some(of_acme("field-north")), ..ci("db-1") };
    let known = Context { ci: Some(supported), ..desk() };
    assert_eq!(team_of(&ask(&settings, &ticket(""), &known).unwrap()), "acme/field-north");
    assert_eq!(team_of(&ask(&settings, &ticket(""), &desk()).unwrap()), "network");
}

#[test]
fn a_team_that_a_client_made_does_not_answer_for_one_of_the_provider() {
    let of = |organization: &str, name: &str| Team {
        organization: organization.to_owned(),
        name: name.to_owned(),
        open_now: false,
        on_call: Some(vec![format!("{name}-on-call")]),
        ..team("network")
    };
    let rule = |team: &str| json!({ "rules": [{ "name": "a", "to": { "team": team }, "when_closed": "on_call" }] });
    let client = of("acme", "client");
    let only_ours = Context { teams: Some(vec![client.clone()]), ..desk() };
    let both = Context { teams: Some(vec![client, of("harbor-it", "provider")]), ..desk() };
    let lineage = vec!["acme".to_owned(), "harbor-it".to_owned()];
    let from = |layer: &str, desk: &Context| Context {
        layer: layer.to_owned(),
        lineage: lineage.clone(),
        ..desk.clone()
    };

    let theirs = ask(&rule("network"), &ticket(""), &from("harbor-it", &only_ours));
    assert!(matches!(theirs, Err(Decline::NoOpinion(_))));
    for (layer, name, person) in [
        ("harbor-it", "network", "provider-on-call"),
        ("harbor-it", "acme/network", "client-on-call"),
        ("acme", "network", "client-on-call"),
        ("acme", "harbor-it/network", "provider-on-call"),
    ] {
        let answer = ask(&rule(name), &ticket(""), &from(layer, &both)).unwrap();
        assert_eq!((team_of(&answer), person_of(&answer)), (name, Some(person)), "{layer}");
    }
}

#[test]
fn of_several_teams_the_least_loaded_gets_it() {
    let somewhere = Context {
        requester: Some(Person { location: Some("berlin".to_owned()), ..person("requester") }),
        teams: Some(vec![
            Team { load: Some(210), ..team("field-east") },
            Team { load: Some(205), ..team("field-north") },
            Team { load: Some(1), ..team("network") },
        ]),
        ..context()
    };
    let answer = ask(&example(), &about("hardware"), &somewhere).unwrap();
    assert_eq!(team_of(&answer), "field-north");
    assert_eq!(answer.reasons[1], "“field-north” has the least open work per head: 2.05 tickets");
}

/// Where a rule for the least loaded of `first` and `second` sends a ticket.
fn least_loaded(first: Team, second: Team) -> Result<Assignment, Decline> {
    let settings = json!({ "rules": [{
        "name": "a", "to": { "least_loaded": ["first", "gone", "second"] }
    }] });
    let desk = Context { teams: Some(vec![first, second]), ..context() };
    ask(&settings, &ticket(""), &desk)
}

#[test]
fn a_load_that_is_not_known_is_not_no_load() {
    let known = |key, load| Team { load: Some(load), ..team(key) };
    let unknown = |key| Team { load: None, ..team(key) };

    let answer = least_loaded(unknown("first"), known("second", 900)).unwrap();
    assert_eq!(team_of(&answer), "second");

    // Without any load, as for a router that does not ask for them, nothing goes to the first team.
    let declined = least_loaded(unknown("first"), unknown("second")).unwrap_err();
    let Decline::NoOpinion(reasons) = declined else { panic!("{declined:?}") };
    assert_eq!(reasons[0], "rule “a” was passed over: the loads of its teams are not known");

    let closed = Team { open_now: false, ..unknown("first") };
    let answer = least_loaded(closed, unknown("second")).unwrap();
    assert_eq!(team_of(&answer), "second");
    assert_eq!(answer.reasons[1], "“second” is the only choice");
}

#[test]
fn a_team_at_work_comes_before_an_idle_one_that_is_closed() {
    let busy = Team { load: Some(900), ..team("first") };
    let idle = Team { open_now: false, ..team("second") };
    assert_eq!(team_of(&least_loaded(busy.clone(), idle.clone()).unwrap()), "first");
    let busy = Team { open_now: false, ..busy };
    assert_eq!(team_of(&least_loaded(busy, idle).unwrap()), "second");
}

#[test]
fn a_closed_team_is_reached_through_whoever_is_on_call() {
    let night = closed("network", &["nora", "otto"]);
    let answer = ask(&example(), &about("network"), &night).unwrap();
    assert_eq!((team_of(&answer), person_of(&answer)), ("network", Some("nora")));
    assert_eq!(answer.reasons[1], "“network” is closed now, so whoever is on call gets it");

    let answer = ask(&example(), &about("network"), &closed("network", &[])).unwrap();
    assert_eq!((team_of(&answer), person_of(&answer)), ("network", None));
    assert_eq!(answer.reasons[1], "“network” is closed now, and nobody is on call");
}

#[test]
fn a_closed_team_may_hand_over_to_another() {
    let vip = Some(Person { vip: true, ..person("requester") });
    let open = Context { requester: vip.clone(), ..desk() };
    assert_eq!(team_of(&ask(&example(), &ticket(""), &open).unwrap()), "vip-desk");

    let night = Context { requester: vip, ..closed("vip-desk", &["vera"]) };
    let answer = ask(&example(), &ticket(""), &night).unwrap();
    assert_eq!((team_of(&answer), person_of(&answer)), ("service-desk", None));
    assert_eq!(answer.reasons[1], "“vip-desk” is closed now, so “service-desk” gets it");
}

#[test]
fn what_no_rule_takes_goes_to_the_fallback() {
    let answer = ask(&example(), &ticket("The coffee machine leaks"), &desk()).unwrap();
    assert_eq!(answer.team, Some(TextProposal::set("service-desk").confidence(50)));
}

#[test]
fn without_a_fallback_there_is_no_opinion() {
    let declined = ask(&json!({}), &ticket(""), &desk()).unwrap_err();
    assert_eq!(declined, Decline::no_opinion("no rule takes the ticket, and there is no fallback"));

    let gone = json!({ "fallback": "gone" });
    assert!(matches!(ask(&gone, &ticket(""), &desk()), Err(Decline::NoOpinion(_))));
}

#[test]
fn without_the_teams_nothing_can_be_decided() {
    let unknown = Context { teams: None, ..context() };
    let declined = ask(&example(), &ticket(""), &unknown).unwrap_err();
    assert_eq!(declined, Decline::Incomplete("teams".to_owned()));
}

#[test]
fn settings_that_cannot_work_are_refused_where_they_stand() {
    let settings = json!({
        "rules": [
            { "name": "a", "when": { "priority": { "from": 4, "to": 3 } }, "to": { "team": "x" } },
            { "name": "b", "to": { "least_loaded": [] } }
        ]
    });
    let errors = Harness::<TeamRouter>::new(&settings).unwrap_err();
    let paths: Vec<_> = errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(paths, ["/rules/0/when/priority", "/rules/1/to/least_loaded"]);
}

#[test]
fn a_wrong_target_is_pointed_at() {
    let settings = json!({ "rules": [{ "name": "a", "to": { "team": 5 } }] });
    let errors = Harness::<TeamRouter>::new(&settings).unwrap_err();
    assert_eq!(errors[0].path, "/rules/0/to/team");
}
