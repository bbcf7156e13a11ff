//! The rules of explanations.

use uuid::Uuid;

use crate::{
    binding::Hook,
    explain::{self, Decided, MAX_FACTS, Messages, NotAsked, Surroundings},
    fixture::{
        AGENT, CALLER, act, hours, in_every_state, in_state, monday, number, opened, settings,
        text, with,
    },
    ids::{EvaluationId, PersonId},
    incident::{Leadership, Major},
    organization::OrgSettings,
    priority::Level,
    receipt::Outcome,
    suggestion::SuggestedField,
    ticket::{Action, AwaitingKind, State, Ticket, TicketKind},
};

fn name_of(person: PersonId) -> String {
    if person == CALLER {
        "Ada".to_owned()
    } else if person == AGENT {
        "Grace".to_owned()
    } else {
        "somebody".to_owned()
    }
}

fn called(binding: &str) -> explain::PolicyName {
    explain::PolicyName { binding: binding.to_owned(), revision: 2, layer: "Acme".to_owned() }
}

fn decision(hook: Hook, outcome: Outcome, gave: &[SuggestedField]) -> Decided {
    Decided {
        evaluation: EvaluationId(Uuid::from_u128(1)),
        hook,
        policy: called("team-router"),
        outcome,
        gave: gave.to_vec(),
        proposed: Vec::new(),
        reasons: vec!["the text names a printer.".to_owned()],
    }
}

fn explain(ticket: &Ticket, decisions: &[Decided], settings: &OrgSettings) -> Vec<String> {
    let facts = Surroundings {
        team: "Service Desk",
        service: None,
        ci: None,
        item: None,
        decisions,
        not_asked: &[],
        messages: Messages::default(),
        open_suggestions: 0,
        approval: None,
        name_of: &name_of,
        settings,
    };
    let told = explain::explain(ticket, &facts);
    told.iter().map(|fact| fact.sentence(monday() + hours(26))).collect()
}

#[test]
fn q1_of_two_policies_that_said_the_same_the_first_of_the_latest_round_is_named() {
    let team = [SuggestedField::Team];
    let said = |policy: &str, round: u128, outcome| Decided {
        policy: called(policy),
        evaluation: EvaluationId(Uuid::from_u128(round)),
        ..decision(Hook::Route, outcome, &team)
    };
    let overruled = || Outcome::Overruled(vec!["team: given by another".to_owned()]);
    let decisions = [
        said("long ago", 1, Outcome::Applied),
        said("asked first", 2, Outcome::Applied),
        said("asked second", 2, overruled()),
    ];
    let told = explain(&opened(TicketKind::Incident), &decisions, &settings()).join(" ");
    assert!(told.contains("set by asked first"), "{told}");
}

#[test]
fn q1_a_ticket_is_explained_in_plain_sentences() {
    let mut ticket = opened(TicketKind::Incident);
    ticket.impact = Some(Level(2));
    let decisions = [
        decision(Hook::Categorize, Outcome::Declined, &[]),
        decision(Hook::Route, Outcome::Applied, &[SuggestedField::Team]),
    ];
    assert_eq!(
        explain(&ticket, &decisions, &settings()),
        [
            "T1 is an incident from Ada, new since 2026-06-01 08:00 UTC.",
            "It has priority 5, because the organization's matrix gives 5 for impact 2 and urgency \
             unknown (treated as 3).",
            "It has no category, because neither a person nor a policy has set one.",
            "Its team is Service Desk, set by team-router r2 of Acme: the text names a printer.",
            "team-router r2 of Acme gave no opinion when asked to categorize it: the text names a \
             printer.",
            "It has been waiting for the team Service Desk to pick it up since 2026-06-01 08:00 \
             UTC (1 day).",
        ]
    );
}

#[test]
fn q1_what_was_overruled_says_what_the_policy_wanted_and_did_not_get() {
    let why = |field: &str| format!("{field}: policy `store-words` of fennel has given it already");
    let overruled = Decided {
        proposed: vec![
            (SuggestedField::Category, "service/outage".to_owned()),
            (SuggestedField::Impact, "1".to_owned()),
            (SuggestedField::Urgency, "2".to_owned()),
        ],
        ..decision(
            Hook::Categorize,
            Outcome::Overruled(vec![why("category"), why("urgency")]),
            &[SuggestedField::Impact],
        )
    };
    let told = explain(&opened(TicketKind::Incident), &[overruled], &settings());
    let wanted = "team-router r2 of Acme wanted category service/outage, urgency 2, and was \
                  overruled: category: policy `store-words` of fennel has given it already; \
                  urgency: policy `store-words` of fennel has given it already.";
    assert!(told.iter().any(|sentence| sentence == wanted), "{told:?}");
}

#[test]
fn q1_who_was_not_asked_and_how_many_were_told_are_facts() {
    let settings = settings();
    let not_asked = [NotAsked {
        hook: Hook::Route,
        policies: vec![called("harbor-teams"), called("night-teams")],
        by: "Fennel Foods".to_owned(),
    }];
    let facts = Surroundings {
        team: "Service Desk",
        service: None,
        ci: None,
        item: None,
        decisions: &[],
        not_asked: &not_asked,
        messages: Messages { sent: 2, waiting: 0, delayed: 1 },
        open_suggestions: 0,
        approval: None,
        name_of: &name_of,
        settings: &settings,
    };
    let told = explain::explain(&opened(TicketKind::Incident), &facts);
    let told: Vec<String> = told.iter().map(|fact| fact.sentence(monday())).collect();
    assert_eq!(
        told[4..6],
        [
            "Messages about it: 2 sent, 1 delayed to a later time.",
            "Not asked to choose its team: harbor-teams r2 of Acme, night-teams r2 of Acme, \
             replaced by Fennel Foods.",
        ]
    );
}

#[test]
fn q1_an_explanation_fits_on_one_screen_whatever_policies_do() {
    let failed = Outcome::Failed {
        code: "trap".to_owned(),
        message: "unreachable".to_owned(),
        fallback: "the team Service Desk".to_owned(),
    };
    let mut decisions = vec![decision(Hook::Route, failed, &[]); 40];
    decisions[0].outcome = Outcome::Overruled(vec!["x".repeat(4_000)]);
    let told = explain(&opened(TicketKind::Incident), &decisions, &settings());
    assert_eq!(told.len(), MAX_FACTS);
    assert!(told.iter().all(|sentence| sentence.chars().count() <= 300));
    assert!(told[MAX_FACTS - 2].ends_with("more decisions, see the receipts."));
    assert!(told[MAX_FACTS - 1].starts_with("It has been waiting for"));
}

#[test]
fn q1_an_override_is_explained_with_its_reason_and_what_the_matrix_says() {
    let mut ticket = opened(TicketKind::Incident);
    let given = with("priority", number(1)).with("reason", text("the board is waiting"));
    act(&mut ticket, Action::SetPriority, given).unwrap();
    let told = explain(&ticket, &[], &settings());
    assert!(told[1].starts_with("It has priority 1, set by a person: the board is waiting;"));
    assert!(told[1].contains("matrix gives 5"));
}

#[test]
fn w4_a_ticket_that_nobody_routed_says_that_its_team_is_the_fallback() {
    let told = explain(&opened(TicketKind::Incident), &[], &settings());
    assert!(told[3].contains("the organization's fallback"));
}

#[test]
fn w10_every_state_is_explained_with_whom_it_waits_for() {
    for kind in TicketKind::ALL {
        for ticket in in_every_state(*kind) {
            let told = explain(&ticket, &[], &settings());
            let last = told.last().map(String::as_str).unwrap_or_default();
            let waits = last.starts_with("It has been waiting for ");
            assert_eq!(
                waits,
                !ticket.phase().is_over() && ticket.state() != State::Rejected,
                "{last}"
            );
        }
    }
}

#[test]
fn a_problem_is_nobodys_and_explained_so() {
    let problem = in_state(TicketKind::Problem, State::RootCauseAnalysis, AwaitingKind::Caller);
    let told = explain(&problem, &[], &settings());
    assert_eq!(told[0], "T1 is a problem, root cause analysis since 2026-06-01 10:00 UTC.");
    assert!(told.last().unwrap().starts_with("It has been waiting for Grace since "));
}

#[test]
fn a_major_incident_names_who_leads_it_and_what_was_promised() {
    let led_by = Leadership { manager: AGENT, communication_owner: CALLER };
    let mut ticket = in_state(TicketKind::Incident, State::InProgress, AwaitingKind::Caller);
    let told = |ticket: &Ticket| explain(ticket, &[], &settings()).join(" ");
    assert!(!told(&ticket).contains("major"));
    ticket.incident_mut().unwrap().major =
        Major::Accepted { led_by, next_update_at: monday(), update_missed: true };
    let wanted = "It is a major incident: its manager is Grace, its communication owner is Ada; \
                  the next update was due at 2026-06-01 08:00 UTC and was missed.";
    assert!(told(&ticket).contains(wanted), "{}", told(&ticket));
}
