//! Who must agree, and what happens while they do not answer.

#![expect(clippy::unwrap_used, reason = "a test that cannot configure the policy fails")]

use approval_chain::{ApprovalChain, Settings};
use serde_json::{Value, json};
use waypost_sdk::testing::{Harness, context, head, request_details, ticket, waiting_approval};
use waypost_sdk::{
    ApprovalPlan, Approver, Binding, Decline, Details, Head, Hook, Money, Nudge, Quorum,
    RequestDetails, Stage, StageRule, Step, Ticket, Verdict, WaitingApproval,
};

/// The settings in the README.
fn example() -> Value {
    let readme = include_str!("../README.md");
    let (_, example) = readme.split_once("```json\n").unwrap();
    serde_json::from_str(example.split_once("```").unwrap().0).unwrap()
}

fn chain(settings: &Value) -> Harness<ApprovalChain> {
    Harness::new(settings).unwrap()
}

fn request(item: &str, minor_units: f64, currency: &str) -> Ticket {
    let cost = Some(Money { minor_units, currency: currency.to_owned() });
    let catalog_item = Some(item.to_owned());
    let details = RequestDetails { catalog_item, cost, ..request_details() };
    Ticket { head: head("Please"), details: Details::Request(details) }
}

fn ask(ticket: &Ticket) -> ApprovalPlan {
    chain(&example()).plan(ticket, &context()).unwrap()
}

fn only_the_manager() -> Verdict {
    Verdict::Ask(vec![Stage::all(vec![Step::any("manager", vec![Approver::Manager])])])
}

#[test]
fn the_example_fits_the_schema() {
    let schema: Value = serde_json::from_str(&waypost_sdk::schema_of::<Settings>()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    assert!(schema.is_valid(&example()));
    assert!(schema.is_valid(&json!({})));
    assert!(!schema.is_valid(&json!({ "waiting": { "repeat_hours": 0 } })));
    let percent = json!({ "rules": [{ "name": "a", "then": { "ask": [{ "steps": [{
        "name": "a", "approvers": ["manager"], "quorum": { "percent": 101 } }] }] } }] });
    assert!(!schema.is_valid(&percent));
}

#[test]
fn a_standard_item_is_approved_at_once() {
    let plan = ask(&request("mouse", 2_500.0, "EUR"));
    assert_eq!(plan.verdict, Verdict::Approve);
    assert_eq!(plan.reasons, ["rule “standard equipment”"]);
}

#[test]
fn a_standard_item_that_costs_too_much_is_asked_about() {
    assert_eq!(ask(&request("mouse", 10_000.0, "EUR")).verdict, only_the_manager());
    assert_eq!(ask(&request("mouse", 9_999.0, "EUR")).verdict, Verdict::Approve);
}

#[test]
fn a_cost_in_another_currency_is_answered_with_care() {
    let plan = ask(&request("mouse", 1.0, "JPY"));
    assert_eq!(plan.verdict, only_the_manager());
    assert_eq!(
        plan.reasons,
        ["rule “requests with a cost”, to be careful: its limit is in EUR, the cost in JPY"]
    );
}

#[test]
fn a_refusal_tells_the_requester_why() {
    let phone = Ticket {
        head: Head { description: "Also for private use.".to_owned(), ..head("Please") },
        ..request("phone", 50_000.0, "EUR")
    };
    let reason = "Phones for private use are not provided.".to_owned();
    assert_eq!(ask(&phone).verdict, Verdict::Refuse(reason));
}

#[test]
fn stages_are_asked_in_order_with_their_steps() {
    let plan = ask(&request("laptop", 200_000.0, "EUR"));
    let Verdict::Ask(stages) = plan.verdict else { panic!("{plan:?}") };
    assert_eq!(stages.len(), 2);
    assert_eq!(stages[0].steps[0].due_hours, Some(16));
    assert_eq!(
        stages[1],
        Stage {
            steps: vec![
                Step {
                    name: "budget".to_owned(),
                    approvers: vec![Approver::Team("finance".to_owned())],
                    mandatory: vec![Approver::TeamLead("finance".to_owned())],
                    quorum: Quorum::Count(2),
                    veto: false,
                    due_hours: None,
                },
                Step {
                    name: "workplace".to_owned(),
                    approvers: vec![
                        Approver::ServiceOwner,
                        Approver::TeamLead("workplace".to_owned())
                    ],
                    mandatory: Vec::new(),
                    quorum: Quorum::Any,
                    veto: true,
                    due_hours: None,
                },
            ],
            rule: StageRule::All,
        }
    );
}

#[test]
fn a_ticket_without_a_cost_costs_nothing() {
    let incident = ask(&ticket("The printer is broken"));
    assert_eq!(incident.verdict, Verdict::Approve);
    assert_eq!(incident.reasons, ["no rule asks for approval"]);
    let catalog_item = Some("mouse".to_owned());
    let details = RequestDetails { catalog_item, ..request_details() };
    let mouse = Ticket { head: head("Please"), details: Details::Request(details) };
    assert_eq!(ask(&mouse).verdict, Verdict::Approve);
}

#[test]
fn what_no_rule_matches_is_as_the_settings_say() {
    let plan =
        |otherwise: &str| chain(&json!({ "otherwise": otherwise })).plan(&ticket(""), &context());
    assert_eq!(plan("next_policy").unwrap_err(), Decline::no_opinion("no rule matches"));
    assert_eq!(plan("approve").unwrap().verdict, Verdict::Approve);
    assert_eq!(plan("ask_manager").unwrap().verdict, only_the_manager());
}

#[test]
fn a_waiting_approval_is_reminded_repeatedly_moves_on_once_and_is_given_up_in_the_end() {
    let chain = chain(&example());
    let nudge = |waiting_hours, reminders, delegated| {
        let approval =
            WaitingApproval { waiting_hours, reminders, delegated, ..waiting_approval("budget") };
        chain.stalled(&ticket(""), &approval, &context()).unwrap()
    };
    let boss = Nudge::Delegate("boss".to_owned());
    assert_eq!(nudge(3, 0, false), Nudge::Wait);
    assert_eq!(nudge(4, 0, false), Nudge::Remind);
    assert_eq!(nudge(4, 1, false), Nudge::Wait);
    assert_eq!(nudge(11, 1, false), Nudge::Wait);
    assert_eq!(nudge(12, 1, false), Nudge::Remind);
    assert_eq!(nudge(16, 2, false), boss);
    assert_eq!(nudge(19, 2, true), Nudge::Wait);
    assert_eq!(nudge(20, 2, true), Nudge::Remind);
    assert_eq!(nudge(39, 5, true), Nudge::Wait);
    assert_eq!(nudge(40, 5, true), Nudge::Expire);
    // Whoever could be asked instead is asked first, however late it is.
    assert_eq!(nudge(40, 5, false), Nudge::Delegate("boss".to_owned()));
}

#[test]
fn without_a_limit_a_vote_is_never_given_up() {
    let long =
        WaitingApproval { waiting_hours: u32::MAX, delegated: true, ..waiting_approval("budget") };
    let nudge = chain(&json!({})).stalled(&ticket(""), &long, &context());
    assert_eq!(nudge, Ok(Nudge::Remind));
}

#[test]
fn every_rule_of_a_stage_can_be_set() {
    let rule = |name: &str| {
        let step = json!({ "name": "a", "mandatory": ["manager"] });
        let ask = json!([{ "steps": [step], "rule": name }]);
        let settings = json!({ "rules": [{ "name": "a", "then": { "ask": ask } }] });
        let plan = chain(&settings).plan(&ticket(""), &context()).unwrap();
        let Verdict::Ask(stages) = plan.verdict else { panic!("{plan:?}") };
        assert_eq!(stages[0].steps[0].mandatory, [Approver::Manager]);
        stages[0].rule
    };
    assert_eq!(
        ["all", "any", "majority", "first_decided"].map(rule),
        [StageRule::All, StageRule::Any, StageRule::Majority, StageRule::FirstDecided]
    );
}

#[test]
fn every_approver_can_be_named() {
    let step = json!({
        "name": "a",
        "approvers": [
            "manager", { "manager_of": "p-1" }, "service_owner", "ci_owner", "assignee_lead"
        ],
        "mandatory": [
            { "team": "finance" }, { "team_lead": "harbor-it/network" }, { "person": "p-2" }
        ]
    });
    let settings = json!({ "rules": [{ "name": "a", "then": { "ask": [{ "steps": [step] }] } }] });
    let plan = chain(&settings).plan(&ticket(""), &context()).unwrap();
    let Verdict::Ask(stages) = plan.verdict else { panic!("{plan:?}") };
    let Step { approvers, mandatory, .. } = &stages[0].steps[0];
    assert_eq!(
        *approvers,
        [
            Approver::Manager,
            Approver::ManagerOf("p-1".to_owned()),
            Approver::ServiceOwner,
            Approver::CiOwner,
            Approver::AssigneeLead,
        ]
    );
    assert_eq!(
        *mandatory,
        [
            Approver::Team("finance".to_owned()),
            Approver::TeamLead("harbor-it/network".to_owned()),
            Approver::Person("p-2".to_owned()),
        ]
    );
}

#[test]
fn settings_that_leave_every_plan_to_others_are_refused_where_plans_are_asked_for() {
    let bound = |settings: &Value, hook| {
        let binding = Binding { hooks: vec![hook], ..Binding::default() };
        Harness::<ApprovalChain>::bound(settings, &binding)
    };
    let silent = json!({ "waiting": { "remind_after_hours": 4 } });
    assert!(bound(&silent, Hook::Stalled).is_ok());
    assert_eq!(bound(&silent, Hook::Plan).unwrap_err()[0].path, "/rules");
    assert!(bound(&json!({ "otherwise": "ask_manager" }), Hook::Plan).is_ok());
    assert!(bound(&example(), Hook::Plan).is_ok());
}

#[test]
fn without_a_manager_the_approver_is_reminded() {
    let approval = WaitingApproval {
        waiting_hours: 39,
        reminders: 1,
        voter_manager: None,
        ..waiting_approval("budget")
    };
    let nudge = chain(&example()).stalled(&ticket(""), &approval, &context());
    assert_eq!(nudge, Ok(Nudge::Remind));
}

#[test]
fn settings_that_cannot_work_are_refused_where_they_stand() {
    let settings = json!({ "rules": [
        { "name": "a", "cost": { "currency": "EUR", "at_least": 5, "below": 5 }, "then": "approve" },
        { "name": "b", "then": { "ask": [] } },
        { "name": "c", "then": { "ask": [{ "steps": [] }, { "steps": [
            { "name": "x", "approvers": [] }
        ] }] } }
    ], "waiting": { "delegate_after_hours": 24, "expire_after_hours": 24 } });
    let errors = Harness::<ApprovalChain>::new(&settings).unwrap_err();
    let paths: Vec<_> = errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/rules/0/cost/below",
            "/rules/1/then/ask",
            "/rules/2/then/ask/0/steps",
            "/rules/2/then/ask/1/steps/0/approvers",
            "/waiting/expire_after_hours",
        ]
    );
}

#[test]
fn a_quorum_is_within_what_its_schema_says() {
    let wrong = |quorum: &Value| {
        let step = json!({ "name": "x", "approvers": ["manager"], "quorum": quorum });
        let settings =
            json!({ "rules": [{ "name": "a", "then": { "ask": [{ "steps": [step] }] } }] });
        Harness::<ApprovalChain>::new(&settings).unwrap_err().remove(0).path
    };
    let quorum = "/rules/0/then/ask/0/steps/0/quorum";
    assert_eq!(wrong(&json!({ "count": 0 })), format!("{quorum}/count"));
    assert_eq!(wrong(&json!({ "percent": 0 })), format!("{quorum}/percent"));
    assert_eq!(wrong(&json!({ "percent": 101 })), format!("{quorum}/percent"));
    assert_eq!(wrong(&json!("most")), quorum);
}
