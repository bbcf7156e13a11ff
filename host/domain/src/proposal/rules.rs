//! The rules of proposals and of the suggestions that come of them.

use uuid::Uuid;

use crate::{
    fixture::{
        AGENT, CALLER, COLLEAGUE, DESK, MANAGER, NETWORK, ORG, OWNER, PAYROLL, PLATFORM, PROVIDER,
        PROVIDERS, SERVER, Scene, World, answers, asked_for, hours, key, lineage, monday, opened,
        settings, suggestion, text, with, world,
    },
    ids::{OrgId, PersonId, TeamId},
    priority::{Level, PrioritySource},
    proposal::{
        Approver, ApproverFacts, AssignmentProposal, CategorizationProposal, FieldsTaken, Judged,
        NewSuggestion, Proposed, Proposer, Strength, apply_assignment, apply_categorization,
        resolve_approvers,
    },
    refusal::Refused,
    suggestion::{Suggestion, SuggestionState},
    ticket::{Action, Done, MAX_WATCHERS, State, Ticket, TicketKind},
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
        team: Some(set(team.to_owned())),
        assignee: None,
        watchers: Some(set(vec![MANAGER])),
    }
}

/// Judges an assignment by a binding of this layer.
fn assign_in(
    world: &World,
    layer: OrgId,
    ticket: &mut Ticket,
    proposal: &AssignmentProposal,
    hour: i64,
) -> Judged {
    let lineage = lineage();
    let proposer = Proposer { name: "router", layer, lineage: &lineage, directory: world };
    let now = monday() + hours(hour);
    apply_assignment(ticket, proposal, proposer, &mut FieldsTaken::default(), now)
}

fn assign(ticket: &mut Ticket, proposal: &AssignmentProposal, hour: i64) -> Judged {
    assign_in(&world(), ORG, ticket, proposal, hour)
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
        tags: Some(set(vec!["VIP ".to_owned()])),
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
        team: Some(suggest("network".to_owned())),
        assignee: Some(suggest(COLLEAGUE)),
        watchers: Some(suggest(vec![MANAGER, OWNER])),
    };
    let judged = assign(&mut ticket, &proposal, 0);
    assert_eq!((ticket.team, judged.suggestions.len()), (DESK, 3));
    for suggestion in judged.suggestions {
        accept(&mut ticket, &mut stored(&suggestion)).unwrap();
    }
    assert_eq!((ticket.team, ticket.assignee), (NETWORK, Some(COLLEAGUE)));
    assert!(ticket.watchers.contains(&MANAGER) && ticket.watchers.contains(&OWNER));
}

#[test]
fn a7_a_policy_can_set_the_team_and_only_suggest_the_person() {
    let mut ticket = opened(TicketKind::Incident);
    let proposal = AssignmentProposal {
        team: Some(set("network".to_owned())),
        assignee: Some(suggest(COLLEAGUE)),
        watchers: None,
    };
    let judged = assign(&mut ticket, &proposal, 0);
    assert_eq!((ticket.team, ticket.assignee), (NETWORK, None));
    accept(&mut ticket, &mut stored(&judged.suggestions[0])).unwrap();
    assert_eq!((ticket.team, ticket.assignee), (NETWORK, Some(COLLEAGUE)));

    // A team that is only suggested does not have its people yet.
    let mut ticket = opened(TicketKind::Incident);
    let proposal = AssignmentProposal {
        team: Some(suggest("network".to_owned())),
        assignee: Some(set(COLLEAGUE)),
        watchers: None,
    };
    let judged = assign(&mut ticket, &proposal, 0);
    assert_eq!((ticket.assignee, judged.overruled.len()), (None, 1));
}

#[test]
fn a7_suggested_labels_are_added_when_they_are_taken() {
    let (mut ticket, judged) = judge(&CategorizationProposal {
        tags: Some(suggest(vec!["VIP".to_owned(), "branch".to_owned()])),
        ..CategorizationProposal::default()
    });
    assert!(ticket.tags.is_empty());
    ticket.tags.insert("own".to_owned());
    accept(&mut ticket, &mut stored(&judged.suggestions[0])).unwrap();
    assert_eq!(ticket.tags.iter().collect::<Vec<_>>(), ["branch", "own", "vip"]);
}

/// The world with two more teams `finance`: one of the client, one of its provider.
fn two_finances() -> (World, TeamId, TeamId) {
    let mut world = world();
    let (clients, providers) = (TeamId(Uuid::from_u128(70)), TeamId(Uuid::from_u128(71)));
    let named = |id: TeamId, like: TeamId, world: &World| {
        let mut team = world.teams.iter().find(|team| team.id == like).unwrap().clone();
        team.id = id;
        team.key = key("finance");
        team
    };
    let added = [named(clients, NETWORK, &world), named(providers, PROVIDERS, &world)];
    world.teams.extend(added);
    (world, clients, providers)
}

#[test]
fn a_clients_team_cannot_answer_for_a_key_that_a_providers_plan_names() {
    let (world, clients, providers) = two_finances();
    let lineage = lineage();
    let found = |layer: OrgId, name: &str| {
        let proposer = Proposer { name: "plan", layer, lineage: &lineage, directory: &world };
        proposer.team(ORG, name).map(|team| team.id).ok()
    };
    let cases = [
        (ORG, "finance", Some(clients)),
        (PROVIDER, "finance", Some(providers)),
        (PLATFORM, "finance", None),
        // Above its own layer, but never below.
        (ORG, "night-shift", Some(PROVIDERS)),
        (PROVIDER, "network", None),
        // Exactly that one, from everywhere.
        (PROVIDER, "acme/network", Some(NETWORK)),
        (ORG, "northwind/finance", Some(providers)),
        (PLATFORM, "acme/finance", Some(clients)),
        (ORG, "elsewhere/finance", None),
        (ORG, "acme/night-shift", None),
        // Inactive, and serving somebody else.
        (ORG, "fax", None),
        (ORG, "elsewhere", None),
    ];
    for (layer, name, team) in cases {
        assert_eq!(found(layer, name), team, "`{name}` in {layer}");
    }

    let mut ticket = opened(TicketKind::Incident);
    let judged = assign_in(&world, PROVIDER, &mut ticket, &assignment("network"), 0);
    assert_eq!(ticket.team, DESK);
    assert!(judged.overruled[0].contains("`northwind` or a layer above"), "{judged:?}");
    assign_in(&world, PROVIDER, &mut ticket, &assignment("finance"), 0);
    assert_eq!(ticket.team, providers);
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
        tags: Some(set(vec!["x".repeat(60)])),
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
fn watchers_beyond_the_most_that_a_ticket_can_have_are_told() {
    let mut ticket = opened(TicketKind::Incident);
    let watchers = (0..MAX_WATCHERS as u128 + 3).map(|id| PersonId(Uuid::from_u128(0xffff + id)));
    let watchers = Some(set(watchers.collect()));
    let judged = assign(&mut ticket, &AssignmentProposal { watchers, ..assignment("network") }, 0);
    assert_eq!(ticket.watchers.len(), MAX_WATCHERS);
    let [why] = judged.overruled.as_slice() else { panic!("{judged:?}") };
    assert!(why.starts_with("watchers: ") && why.contains("more than the 100"), "{why}");
}

#[test]
fn w4_a_ticket_keeps_its_team_when_a_policy_names_one_that_can_not_have_it() {
    for team in ["nowhere", "elsewhere", "fax"] {
        let mut ticket = opened(TicketKind::Incident);
        let judged = assign(&mut ticket, &assignment(team), 0);
        assert_eq!((ticket.team, judged.overruled.len()), (DESK, 1));
    }
}

#[test]
fn a1_the_first_assignment_is_no_reassignment_and_a_stranger_to_the_team_is_left_out() {
    let mut ticket = opened(TicketKind::Incident);
    let proposal = AssignmentProposal { assignee: Some(set(CALLER)), ..assignment("network") };
    let judged = assign(&mut ticket, &proposal, 0);
    assert_eq!((ticket.team, ticket.assignee), (NETWORK, None));
    assert_eq!((ticket.reassignment_count, judged.overruled.len()), (0, 1));
    assert!(ticket.watchers.contains(&MANAGER));
    assign(&mut ticket, &assignment("desk"), 1);
    assert_eq!(ticket.reassignment_count, 1);
}

#[test]
fn a_team_that_stays_keeps_its_person_unless_another_is_named() {
    let mut ticket = opened(TicketKind::Incident);
    let person = AssignmentProposal { assignee: Some(set(AGENT)), ..AssignmentProposal::default() };
    assign(&mut ticket, &person, 0);
    assert_eq!((ticket.team, ticket.assignee), (DESK, Some(AGENT)));
    assign(&mut ticket, &assignment("desk"), 1);
    assert_eq!(ticket.assignee, Some(AGENT));
    assign(&mut ticket, &assignment("network"), 1);
    assert_eq!((ticket.team, ticket.assignee), (NETWORK, None));
}

#[test]
fn a3_approvers_are_resolved_to_people_each_once() {
    let mut ticket = opened(TicketKind::Request);
    ticket.service = Some(PAYROLL);
    let (world, lineage) = (world(), lineage());
    let can_vote = |person| person != COLLEAGUE;
    let facts = ApproverFacts {
        proposer: Proposer { name: "plan", layer: ORG, lineage: &lineage, directory: &world },
        manager: Some(MANAGER),
        manager_of: &|_| None,
        can_vote: &can_vote,
    };
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

#[test]
fn a3_each_approver_is_found_by_its_rule_or_noted() {
    let (mut world, lineage) = (world(), lineage());
    let manager_of = |person| (person == AGENT).then_some(MANAGER);
    let mut ticket = opened(TicketKind::Request);
    ticket.ci = Some(SERVER);
    let found = |world: &World, ticket: &Ticket, approver: Approver| {
        let facts = ApproverFacts {
            proposer: Proposer { name: "plan", layer: ORG, lineage: &lineage, directory: world },
            manager: None,
            manager_of: &manager_of,
            can_vote: &|_| true,
        };
        let resolved = resolve_approvers(&[approver], ticket, &facts);
        assert_eq!(resolved.voters.is_empty(), !resolved.notes.is_empty());
        resolved.voters
    };
    assert_eq!(found(&world, &ticket, Approver::ManagerOf(AGENT)), [MANAGER]);
    assert_eq!(found(&world, &ticket, Approver::ManagerOf(OWNER)), []);
    assert_eq!(found(&world, &ticket, Approver::Manager), []);
    assert_eq!(found(&world, &ticket, Approver::AssigneeLead), [AGENT]);
    assert_eq!(found(&world, &ticket, Approver::CiOwner), [OWNER]);
    // Without an owner of its service, the lead of the team that supports the item.
    world.services[0].owner = None;
    assert_eq!(found(&world, &ticket, Approver::CiOwner), [AGENT]);
    world.cis[0].support_team = None;
    assert_eq!(found(&world, &ticket, Approver::CiOwner), []);
    ticket.ci = None;
    assert_eq!(found(&world, &ticket, Approver::CiOwner), []);
}
