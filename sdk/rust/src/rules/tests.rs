//! The conditions of rules, each alone and together.

use serde_json::{Value, json};

use super::*;
use crate::testing::{context, head, incident, person, request, request_details, ticket};
use crate::{
    Channel, Context, Details, Field, FieldValue, Head, Person, Phase, RequestDetails,
    SettingsError, Ticket,
};

fn indexed(whens: &[Value]) -> (Rules, Vec<SettingsError>) {
    let mut rules = Rules::default();
    let mut errors = Vec::new();
    for (place, when) in whens.iter().enumerate() {
        let when: When = serde_json::from_value(when.clone()).expect("the conditions can be read");
        rules.add(&when, &format!("/rules/{place}/when"), &mut errors);
    }
    (rules, errors)
}

fn matching_in(whens: &[Value], ticket: &Ticket, context: &Context) -> Vec<usize> {
    let (rules, errors) = indexed(whens);
    assert_eq!(errors, []);
    rules.of(ticket, context).iter().collect()
}

fn matching(whens: &[Value], ticket: &Ticket) -> Vec<usize> {
    matching_in(whens, ticket, &context())
}

fn said(short_description: &str, description: &str) -> Ticket {
    incident(Head { description: description.to_owned(), ..head(short_description) })
}

fn words(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_owned()).collect()
}

#[test]
fn any_all_and_none_are_told_apart() {
    let rules = [
        json!({ "words": { "any": ["printer", "toner"] } }),
        json!({ "words": { "all": ["printer", "floor 3"] } }),
        json!({ "words": { "any": ["printer"], "none": ["3d"] } }),
        json!({ "words": { "none": ["printer"] } }),
        json!({}),
    ];
    assert_eq!(matching(&rules, &said("Printer on floor 3", "")), [0, 1, 2, 4]);
    assert_eq!(matching(&rules, &said("Toner", "for the 3D printer")), [0, 4]);
    assert_eq!(matching(&rules, &said("no sound", "")), [3, 4]);
}

#[test]
fn words_are_looked_for_only_where_the_rule_says() {
    let rules = [
        json!({ "words": { "any": ["vpn"], "in": "short_description" } }),
        json!({ "words": { "any": ["vpn"], "in": "description" } }),
        json!({ "words": { "all": ["vpn", "slow"] } }),
    ];
    assert_eq!(matching(&rules, &said("VPN", "is slow")), [0, 2]);
    assert_eq!(matching(&rules, &said("slow", "the VPN")), [1, 2]);
}

#[test]
fn a_category_stands_for_those_below_it() {
    let rules = [
        json!({ "categories": [["network"]] }),
        json!({ "categories": [["network", "wifi"], ["hardware"]] }),
        json!({ "categories": [["net"]] }),
    ];
    let of = |path: &[&str]| incident(Head { category: words(path), ..head("") });
    assert_eq!(matching(&rules, &of(&["network", "wifi", "guest"])), [0, 1]);
    assert_eq!(matching(&rules, &of(&["network"])), [0]);
    assert_eq!(matching(&rules, &of(&["hardware", "laptop"])), [1]);
    assert_eq!(matching(&rules, &of(&[])), [0; 0]);
}

#[test]
fn every_condition_of_a_rule_must_hold() {
    let laptop = || {
        Details::Request(RequestDetails {
            catalog_item: Some("laptop".to_owned()),
            ..request_details()
        })
    };
    let whole = Head {
        phase: Phase::Rejected,
        channel: Channel::Mail,
        category: words(&["hardware"]),
        service: Some("workplace".to_owned()),
        ci: Some("lap-1".to_owned()),
        tags: words(&["urgent", "new-hire"]),
        priority: Some(2),
        fields: vec![field("cost-center", FieldValue::Text("4711".to_owned()))],
        ..head("A laptop")
    };
    let whole_context = Context {
        requester: Some(Person {
            vip: true,
            location: Some("Köln".to_owned()),
            fields: vec![field("contractor", FieldValue::Flag(false))],
            ..person("requester")
        }),
        ..context()
    };
    let when = json!({
        "kinds": ["problem", "request"], "phases": ["rejected"], "channels": ["mail"],
        "categories": [["hardware"]],
        "services": ["workplace"], "cis": ["lap-1", "lap-2"], "catalog_items": ["laptop"],
        "tags": ["new-hire"], "priority": { "from": 1, "to": 2 }, "vip": true,
        "locations": ["KÖLN"], "words": { "any": ["laptop"] },
        "fields": { "cost-center": ["4700", "4711"] }, "requester_fields": { "contractor": [false] }
    });
    let rules = [when];
    let of = |head: &Head| Ticket { head: head.clone(), details: laptop() };
    assert_eq!(matching_in(&rules, &of(&whole), &whole_context), [0]);
    let others = [
        Head { phase: Phase::Open, ..whole.clone() },
        Head { channel: Channel::Portal, ..whole.clone() },
        Head { category: words(&["software"]), ..whole.clone() },
        Head { service: None, ..whole.clone() },
        Head { ci: Some("lap-3".to_owned()), ..whole.clone() },
        Head { tags: words(&["urgent"]), ..whole.clone() },
        Head { priority: Some(3), ..whole.clone() },
        Head { priority: None, ..whole.clone() },
        Head { short_description: "A phone".to_owned(), ..whole.clone() },
        Head { fields: Vec::new(), ..whole.clone() },
    ];
    for other in others {
        assert_eq!(matching_in(&rules, &of(&other), &whole_context), [0; 0], "{other:?}");
    }
    for ticket in [incident(whole.clone()), request(whole.clone())] {
        assert_eq!(matching_in(&rules, &ticket, &whole_context), [0; 0], "{ticket:?}");
    }
    assert_eq!(matching_in(&rules, &of(&whole), &context()), [0; 0]);
    let known = Context { requester: Some(person("requester")), ..context() };
    assert_eq!(matching_in(&rules, &of(&whole), &known), [0; 0]);
}

fn field(name: &str, value: FieldValue) -> Field {
    Field { name: name.to_owned(), value }
}

#[test]
fn a_field_has_one_of_the_wanted_values_in_the_form_in_which_it_is_kept() {
    let rules = [
        json!({ "fields": { "floor": [3, "third"] } }),
        json!({ "fields": { "floor": ["3"] } }),
        json!({ "fields": { "floor": [true] } }),
        json!({ "fields": { "floor": [3], "wing": ["east"] } }),
        json!({ "fields": { "floor": [] } }),
    ];
    for (value, found) in [
        (FieldValue::Number(3.0), vec![0]),
        (FieldValue::Text("3".to_owned()), vec![1]),
        (FieldValue::Text("third".to_owned()), vec![0]),
        (FieldValue::Texts(words(&["first", "third"])), vec![0]),
        (FieldValue::Flag(true), vec![2]),
        (FieldValue::Flag(false), vec![]),
    ] {
        let ticket = incident(Head { fields: vec![field("floor", value.clone())], ..head("") });
        assert_eq!(matching(&rules, &ticket), found, "{value:?}");
    }
    assert_eq!(matching(&rules, &ticket("")), [0; 0]);
}

#[test]
fn a_further_configuration_item_counts_like_the_main_one() {
    let rules =
        [json!({ "cis": ["db-1"] }), json!({ "cis": ["db-2"] }), json!({ "cis": ["db-3"] })];
    let ticket =
        incident(Head { ci: Some("db-1".to_owned()), cis: words(&["db-2", "db-4"]), ..head("") });
    assert_eq!(matching(&rules, &ticket), [0, 1]);
}

#[test]
fn a_rule_is_found_by_each_of_its_kinds_of_anchors() {
    let rules = [
        json!({ "cis": ["db-1"] }),
        json!({ "catalog_items": ["laptop"] }),
        json!({ "services": ["shop"], "categories": [["sales"]] }),
        json!({ "priority": { "to": 1 } }),
        json!({ "vip": false }),
    ];
    let ticket = Ticket {
        head: Head {
            ci: Some("db-1".to_owned()),
            service: Some("shop".to_owned()),
            category: words(&["sales"]),
            priority: Some(1),
            ..head("")
        },
        details: Details::Request(RequestDetails {
            catalog_item: Some("laptop".to_owned()),
            ..request_details()
        }),
    };
    let context = Context { requester: Some(person("requester")), ..context() };
    assert_eq!(matching_in(&rules, &ticket, &context), [0, 1, 2, 3, 4]);
}

#[test]
fn two_hundred_rules_are_told_apart() {
    let rules: Vec<_> =
        (0..200).map(|rule| json!({ "words": { "any": [format!("word{rule}")] } })).collect();
    assert_eq!(matching(&rules, &said("word199 word0", "word63 and word64")), [0, 63, 64, 199]);
}

#[test]
fn the_words_that_were_found_are_named_as_they_were_written() {
    let (rules, _) = indexed(&[json!({ "words": { "any": ["Wi-Fi", "WLAN"], "all": ["down"] } })]);
    assert_eq!(rules.of(&ticket("wlan is DOWN"), &context()).words_of(0), "“WLAN” and “down”");
}

#[test]
fn conditions_that_cannot_hold_are_refused_where_they_stand() {
    let (_, errors) = indexed(&[
        json!({ "words": { "any": ["vpn", "??"] } }),
        json!({ "words": { "in": "description" } }),
        json!({ "priority": { "from": 3, "to": 2 } }),
        json!({ "categories": [["network"], []] }),
    ]);
    let paths: Vec<_> = errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/rules/0/when/words/any/1",
            "/rules/1/when/words",
            "/rules/2/when/priority",
            "/rules/3/when/categories/1",
        ]
    );
}
