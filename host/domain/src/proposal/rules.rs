//! The rules of proposals and of the suggestions that come of them.

use crate::{
    fixture::{
        AGENT, CALLER, COLLEAGUE, DESK, MANAGER, NETWORK, OWNER, PAYROLL, SERVER, Scene, answers,
        asked_for, hours, monday, opened, settings, suggestion, text, with, world,
    },
    priority::{Level, PrioritySource},
    proposal::{
        Approver, ApproverFacts, AssignmentProposal, CategorizationProposal, FieldsTaken, Judged,
        NewSuggestion, Proposed, Strength, apply_assignment, apply_categorization,
        resolve_approvers,
    },
    refusal::Refused,
    suggestion::{Suggestion, SuggestionState},
    ticket::{Action, Done, State, Ticket, TicketKind},
};

fn set<T>(value: T) -> Proposed<T> {
    Proposed { value, strength: Strength::Set, confidence: 90 }
}

fn suggest<T>(value: T) -> Proposed<T> {
    Proposed { value, strength: Strength::Suggested, confidence: 60 }
}

fn categorize(
    ticket: &mut Ticket,
    proposal: &CategorizationProposal,
    by: &str,
    taken: &mut FieldsTaken,
) -> Judged {
    apply_categorization(ticket, proposal, by, &world(), &settings(), taken, monday())
}

fn judge(proposal: &CategorizationProposal) -> (Ticket, Judged) {
    let mut ticket = opened(TicketKind::Incident);
    let judged = categorize(&mut ticket, proposal, "intake", &mut FieldsTaken::default());
    (ticket, judged)
}

fn assignment(team: &str) -> AssignmentProposal {
    AssignmentProposal {
        team: team.to_owned(),
        assignee: None,
        watchers: vec![MANAGER],
        strength: Strength::Set,
        confidence: 100,
    }
}

fn stored(new: &NewSuggestion) -> Suggestion {
    suggestion(new.field, new.seen.as_deref(), &new.value)
}

/// A person decides on a suggestion, an hour after the ticket came in.
fn decide(
    ticket: &mut Ticket,
    suggestion: &mut Suggestion,
    action: Action,
) -> Result<Done, Refused> {
    let mut scene = Scene::at(1);
    scene.beside.suggestion = Some(suggestion.clone());
    let given = with("suggestion", text(&suggestion.id.to_string()));
    let done = scene.act(ticket, action, given);
    *suggestion = scene.beside.suggestion.unwrap();
    done
}

fn accept(ticket: &mut Ticket, suggestion: &mut Suggestion) -> Result<Done, Refused> {
    decide(ticket, suggestion, Action::AcceptSuggestion)
}

#[test]
fn a1_what_a_policy_sets_is_applied_and_told() {
    let (ticket, judged) = judge(&CategorizationProposal {
        category: Some(set("access/password".to_owned())),
        service: Some(set("payroll".to_owned())),
        ci: Some(set("srv-1".to_owned())),
        impact: Some(set(1)),
        urgency: Some(set(1)),
        tags: vec!["VIP ".to_owned()],
        ..CategorizationProposal::default()
    });
    assert_eq!(judged.overruled, Vec::<String>::new());
    assert_eq!(
        ticket.category.as_ref().map(ToString::to_string).as_deref(),
        Some("access/password")
    );
    assert_eq!((ticket.service, ticket.ci), (Some(PAYROLL), Some(SERVER)));
    assert_eq!(ticket.priority.effective(), (Level(1), PrioritySource::Matrix));
    assert!(ticket.tags.contains("vip"));
    let fields = judged.changes.iter().map(|change| change.field.as_str()).collect::<Vec<_>>();
    assert_eq!(fields, ["tags", "category", "service", "ci", "impact", "urgency", "priority"]);
}

#[test]
fn a7_a_suggestion_changes_nothing_until_a_person_accepts_it() {
    let (mut ticket, judged) = judge(&CategorizationProposal {
        category: Some(suggest("access".to_owned())),
        impact: Some(suggest(1)),
        ..CategorizationProposal::default()
    });
    assert_eq!(ticket, opened(TicketKind::Incident));
    assert_eq!((judged.changes.len(), judged.suggestions.len()), (0, 2));
    let mut impact = stored(&judged.suggestions[1]);
    let done = accept(&mut ticket, &mut impact).unwrap();
    assert_eq!(done.reason.as_deref(), Some("suggested impact: 1"));
    let fields = done.changes.iter().map(|change| change.field.as_str()).collect::<Vec<_>>();
    assert_eq!(fields, ["impact", "priority"]);
    assert_eq!(impact.state, SuggestionState::Accepted { by: AGENT, at: monday() + hours(1) });
    assert!(accept(&mut ticket, &mut impact).is_err());
}

#[test]
fn a7_a_dismissed_suggestion_changes_nothing_and_is_counted() {
    let (mut ticket, judged) = judge(&CategorizationProposal {
        impact: Some(suggest(1)),
        ..CategorizationProposal::default()
    });
    let mut suggestion = stored(&judged.suggestions[0]);
    let done = decide(&mut ticket, &mut suggestion, Action::DismissSuggestion).unwrap();
    let dismissed = SuggestionState::Dismissed { by: AGENT, at: monday() + hours(1) };
    assert_eq!((suggestion.state, done.changes), (dismissed, vec![]));
    assert_eq!((ticket.impact, ticket.version), (None, 1));
}

#[test]
fn a7_a_suggestion_is_outdated_when_its_field_has_moved_on() {
    let (mut ticket, judged) = judge(&CategorizationProposal {
        impact: Some(suggest(1)),
        ..CategorizationProposal::default()
    });
    let mut suggestion = stored(&judged.suggestions[0]);
    ticket.impact = Some(Level(2));
    let refused = accept(&mut ticket, &mut suggestion).unwrap_err();
    assert!(matches!(refused, Refused::Guard { .. }));
    assert_eq!(suggestion.state, SuggestionState::Open);
    // Another field may move; it was not what the policy spoke about.
    ticket.impact = None;
    ticket.urgency = Some(Level(1));
    accept(&mut ticket, &mut suggestion).unwrap();
}

#[test]
fn a7_a_suggested_team_and_person_can_be_taken() {
    let mut ticket = opened(TicketKind::Incident);
    let proposal = AssignmentProposal {
        assignee: Some(COLLEAGUE),
        strength: Strength::Suggested,
        ..assignment("network")
    };
    let mut taken = FieldsTaken::default();
    let judged = apply_assignment(&mut ticket, &proposal, "router", &world(), &mut taken, monday());
    assert_eq!((ticket.team, judged.suggestions.len()), (DESK, 2));
    for suggestion in judged.suggestions {
        accept(&mut ticket, &mut stored(&suggestion)).unwrap();
    }
    assert_eq!((ticket.team, ticket.assignee), (NETWORK, Some(COLLEAGUE)));
}

#[test]
fn a_field_belongs_to_the_first_policy_that_gives_it() {
    let mut ticket = opened(TicketKind::Incident);
    let mut taken = FieldsTaken::default();
    let first =
        CategorizationProposal { impact: Some(suggest(2)), ..CategorizationProposal::default() };
    let second = CategorizationProposal {
        impact: Some(set(1)),
        urgency: Some(set(1)),
        ..CategorizationProposal::default()
    };
    categorize(&mut ticket, &first, "house-rules", &mut taken);
    let judged = categorize(&mut ticket, &second, "intake", &mut taken);
    assert_eq!(judged.overruled, ["impact: house-rules has given it already"]);
    assert_eq!((ticket.impact, ticket.urgency), (None, Some(Level(1))));
}

#[test]
fn what_a_policy_may_not_do_is_overruled_and_the_rest_stands() {
    let (ticket, judged) = judge(&CategorizationProposal {
        kind: Some(set(TicketKind::Problem)),
        category: Some(set("access/unheard-of".to_owned())),
        service: Some(set("telex".to_owned())),
        impact: Some(set(4)),
        urgency: Some(set(2)),
        tags: vec!["x".repeat(60)],
        ..CategorizationProposal::default()
    });
    assert_eq!(judged.overruled.len(), 5, "{:#?}", judged.overruled);
    assert_eq!((ticket.urgency, ticket.impact, &ticket.category), (Some(Level(2)), None, &None));
    assert!(ticket.tags.is_empty() && ticket.service.is_none());
}

#[test]
fn an_unknown_value_leaves_the_field_to_the_next_policy() {
    let mut ticket = opened(TicketKind::Incident);
    let mut taken = FieldsTaken::default();
    let unknown = CategorizationProposal {
        ci: Some(set("gone".to_owned())),
        ..CategorizationProposal::default()
    };
    let known = CategorizationProposal {
        ci: Some(set("srv-1".to_owned())),
        ..CategorizationProposal::default()
    };
    categorize(&mut ticket, &unknown, "first", &mut taken);
    categorize(&mut ticket, &known, "second", &mut taken);
    assert_eq!(ticket.ci, Some(SERVER));
}

#[test]
fn w2_a_policy_says_what_kind_of_work_has_arrived() {
    let proposal = CategorizationProposal {
        kind: Some(set(TicketKind::Request)),
        ..CategorizationProposal::default()
    };
    let (ticket, judged) = judge(&proposal);
    assert_eq!((ticket.kind(), ticket.state()), (TicketKind::Request, State::New));
    assert_eq!(judged.changes[0].field, "kind");
    // Once it has come in, only a person makes it another kind.
    let mut later = opened(TicketKind::Incident);
    let (world, settings) = (world(), settings());
    let mut taken = FieldsTaken::default();
    let judged = apply_categorization(
        &mut later,
        &proposal,
        "intake",
        &world,
        &settings,
        &mut taken,
        monday() + hours(1),
    );
    assert_eq!((later.kind(), judged.overruled.len()), (TicketKind::Incident, 1));
}

#[test]
fn w2_a_request_for_a_catalog_item_stays_a_request() {
    let mut ticket = asked_for(1, answers()).unwrap();
    let proposal = CategorizationProposal {
        kind: Some(set(TicketKind::Incident)),
        ..CategorizationProposal::default()
    };
    let judged = categorize(&mut ticket, &proposal, "intake", &mut FieldsTaken::default());
    assert_eq!((ticket.kind(), judged.overruled.len()), (TicketKind::Request, 1));
}

#[test]
fn a_policy_makes_no_problems_and_no_tasks_of_what_arrives_but_may_suggest_them() {
    for kind in [TicketKind::Problem, TicketKind::Task] {
        let (ticket, judged) = judge(&CategorizationProposal {
            kind: Some(set(kind)),
            ..CategorizationProposal::default()
        });
        let why = format!("kind: a {kind} can only be suggested");
        assert_eq!((ticket.kind(), judged.overruled), (TicketKind::Incident, vec![why]));
    }
}

#[test]
fn a_suggested_kind_is_what_a_conversion_is_given_and_an_unheard_of_one_is_not_taken() {
    let (mut ticket, judged) = judge(&CategorizationProposal {
        kind: Some(suggest(TicketKind::Problem)),
        ..CategorizationProposal::default()
    });
    let mut suggestion = stored(&judged.suggestions[0]);
    let conversion = suggestion.conversion().unwrap();
    assert_eq!(conversion.text("to"), Some("problem"));
    assert_eq!(conversion.text("reason"), Some("suggested kind: problem"));
    let mut scene = Scene::at(2);
    scene.beside.new_id = Some(crate::fixture::ticket_id(7));
    let done = scene.act(&mut ticket.clone(), Action::Convert, conversion).unwrap();
    assert_eq!(done.left.opened.unwrap().kind(), TicketKind::Problem);

    suggestion.value = "rumour".to_owned();
    assert_eq!(suggestion.conversion(), None);
    assert!(matches!(accept(&mut ticket, &mut suggestion), Err(Refused::Guard { .. })));
    assert_eq!(suggestion.state, SuggestionState::Open);
}

#[test]
fn only_a_person_decides_on_a_suggestion() {
    let mut scene =
        Scene::at(1).by(crate::event::Actor { kind: crate::event::ActorKind::Api, person: None });
    scene.beside.suggestion =
        Some(suggestion(crate::suggestion::SuggestedField::Impact, None, "1"));
    for action in [Action::AcceptSuggestion, Action::DismissSuggestion] {
        let mut ticket = opened(TicketKind::Incident);
        let refused = scene.act(&mut ticket, action, with("suggestion", text("1")));
        assert!(matches!(refused, Err(Refused::Guard { .. })));
    }
}

#[test]
fn w4_a_ticket_keeps_its_team_when_a_policy_names_one_that_can_not_have_it() {
    for team in ["nowhere", "elsewhere", "fax"] {
        let mut ticket = opened(TicketKind::Incident);
        let mut taken = FieldsTaken::default();
        let judged = apply_assignment(
            &mut ticket,
            &assignment(team),
            "router",
            &world(),
            &mut taken,
            monday(),
        );
        assert_eq!((ticket.team, judged.overruled.len()), (DESK, 1));
    }
}

#[test]
fn a1_the_first_assignment_is_no_reassignment_and_a_stranger_to_the_team_is_left_out() {
    let mut ticket = opened(TicketKind::Incident);
    let proposal = AssignmentProposal { assignee: Some(CALLER), ..assignment("network") };
    let mut taken = FieldsTaken::default();
    let judged = apply_assignment(&mut ticket, &proposal, "router", &world(), &mut taken, monday());
    assert_eq!((ticket.team, ticket.assignee), (NETWORK, None));
    assert_eq!((ticket.reassignment_count, judged.overruled.len()), (0, 1));
    assert!(ticket.watchers.contains(&MANAGER));
    let mut taken = FieldsTaken::default();
    let later = monday() + hours(1);
    apply_assignment(&mut ticket, &assignment("desk"), "router", &world(), &mut taken, later);
    assert_eq!(ticket.reassignment_count, 1);
}

#[test]
fn a3_approvers_are_resolved_to_people_each_once() {
    let mut ticket = opened(TicketKind::Request);
    ticket.service = Some(PAYROLL);
    let world = world();
    let can_vote = |person| person != COLLEAGUE;
    let facts = ApproverFacts { directory: &world, manager: Some(MANAGER), can_vote: &can_vote };
    let approvers = [
        Approver::Manager,
        Approver::ServiceOwner,
        Approver::Team("network".to_owned()),
        Approver::TeamLead("desk".to_owned()),
        Approver::Person(MANAGER),
        Approver::Team("nowhere".to_owned()),
    ];
    let resolved = resolve_approvers(&approvers, &ticket, &facts);
    assert_eq!(resolved.voters, [MANAGER, OWNER, AGENT]);
    assert_eq!(resolved.notes.len(), 2);
}
