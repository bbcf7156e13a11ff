//! The table of major incidents, as the specification has it, against what the moves really do.

use std::fmt::Write;

use super::*;
use crate::{
    event::{Actor, ActorKind},
    fixture::{
        AGENT, CALLER, COLLEAGUE, PAYROLL, Scene, agent, all_inputs, hours, in_state, led_by,
        monday, nothing, opened, pointers, settings, text, ticket_id, why, with, world,
    },
    priority::Level,
    service::Criticality,
    ticket::{AwaitingKind, Given, TicketKind, Value},
};

const TABLE: &str = "\
action          none      proposed  accepted  review    done      rejected
propose_major   proposed  -         -         -         -         proposed
accept_major    -         accepted  -         -         -         -
reject_major    -         rejected  -         -         -         -
update_major    -         -         accepted  -         -         -
resolve         none      proposed  review    -         done      rejected
reopen          none      -         -         accepted  done      -
finish_major    -         -         -         done      -         -
close           none      -         -         guard     done      -
cancel          none      proposed  guard     -         done      rejected
merge_into      none      proposed  guard     -         done      rejected
convert         none      proposed  guard     -         done      rejected
";

fn accepted(next_update_at: DateTime<Utc>) -> Major {
    Major::Accepted { led_by: led_by(), next_update_at, update_missed: false }
}

/// An incident that stands there, in a state in which the action is possible if any.
fn incident(major: MajorState, action: Action) -> Ticket {
    let is_after_resolution =
        matches!(action, Action::Reopen | Action::Close | Action::FinishMajor);
    let state = match major {
        MajorState::Review => State::Resolved,
        MajorState::None | MajorState::Done if is_after_resolution => State::Resolved,
        _ => State::InProgress,
    };
    let major = match major {
        MajorState::None => Major::None,
        MajorState::Proposed => Major::Proposed,
        MajorState::Rejected => Major::Rejected,
        MajorState::Accepted => accepted(monday() + hours(40)),
        MajorState::Review => Major::Review { led_by: led_by() },
        MajorState::Done => {
            Major::Done { led_by: led_by(), review_note: "two power supplies".to_owned() }
        }
    };
    standing(in_state(TicketKind::Incident, state, AwaitingKind::Caller), major)
}

fn standing(mut ticket: Ticket, major: Major) -> Ticket {
    ticket.set_major(major);
    ticket
}

fn new(major: Major) -> Ticket {
    standing(opened(TicketKind::Incident), major)
}

fn major(ticket: &Ticket) -> &Major {
    &ticket.incident().unwrap().major
}

/// What happens, a day after Monday morning, with all that the action takes; those who lead stay.
fn perform(action: Action, ticket: &mut Ticket) -> Result<Vec<FieldChange>, Refused> {
    let mut scene = Scene::with_all(24, action, ticket);
    let row = ticket.rules().row(action).unwrap();
    let mut given = all_inputs(ticket, row, scene.now);
    if action == Action::AcceptMajor {
        given = given.with("communication_owner", Value::Person(COLLEAGUE));
    }
    if action == Action::UpdateMajor {
        given = update("because", 25);
    }
    scene.act(ticket, action, given).map(|done| done.changes)
}

fn update(words: &str, hour: i64) -> Given {
    with("text", text(words)).with("next_update_at", Value::Time(monday() + hours(hour)))
}

/// Takes an action at an hour, with these people in the directory.
fn at(
    hour: i64,
    people: &[Person],
    ticket: &mut Ticket,
    action: Action,
    given: Given,
) -> Result<Vec<FieldChange>, Refused> {
    let mut scene = Scene::at(hour);
    scene.beside.people = people.iter().map(|person| (person.id, person.clone())).collect();
    scene.act(ticket, action, given).map(|done| done.changes)
}

#[test]
fn every_action_moves_a_major_incident_as_specified() {
    let states = [
        MajorState::None,
        MajorState::Proposed,
        MajorState::Accepted,
        MajorState::Review,
        MajorState::Done,
        MajorState::Rejected,
    ];
    let mut table = line("action", states.iter().map(|state| state.as_str()));
    for row in TABLE.lines().skip(1) {
        let action: Action = row.split_whitespace().next().unwrap().parse().unwrap();
        let cells = states.map(|major| {
            let mut ticket = incident(major, action);
            let before = ticket.clone();
            match perform(action, &mut ticket) {
                Ok(_) => ticket.major_state().as_str(),
                Err(refused) => {
                    assert_eq!(ticket, before, "a refused {action} changed the ticket");
                    match refused {
                        Refused::Guard { .. } => "guard",
                        Refused::InvalidTransition { .. } => "-",
                        Refused::MissingFields(_) | Refused::Invalid(_) => panic!("{refused}"),
                    }
                }
            }
        });
        table.push_str(&line(action.as_str(), cells.into_iter()));
    }
    assert!(table == TABLE, "expected\n{TABLE}\nbut the moves do\n{table}");
}

fn line<'a>(heading: &str, cells: impl Iterator<Item = &'a str>) -> String {
    let mut line = format!("{heading:<16}");
    for cell in cells {
        write!(line, "{cell:<10}").unwrap();
    }
    format!("{}\n", line.trim_end())
}

fn named(refused: Result<Vec<FieldChange>, Refused>) -> Vec<String> {
    pointers(&refused.unwrap_err()).into_iter().map(str::to_owned).collect()
}

#[test]
fn a_refusal_says_where_it_stands_as_a_major_incident() {
    let refused = perform(Action::AcceptMajor, &mut new(Major::None)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`accept_major` is not possible for an incident whose `major_state` is `none`"
    );
    let refused = perform(Action::FinishMajor, &mut new(Major::None)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`finish_major` is not possible for an incident in state `new`"
    );
}

#[test]
fn accepting_names_each_thing_that_is_missing_or_wrong() {
    let mut ticket = new(Major::Proposed);
    let missing = at(0, &[], &mut ticket, Action::AcceptMajor, nothing());
    assert_eq!(named(missing), ["/manager", "/communication_owner", "/next_update_at"]);

    let gone = Person { active: false, ..agent(AGENT) };
    let requester = Person { role: Role::Requester, ..agent(CALLER) };
    let wrong = with("manager", Value::Person(AGENT))
        .with("communication_owner", Value::Person(CALLER))
        .with("next_update_at", Value::Time(monday()));
    let wrong = at(0, &[gone, requester], &mut ticket, Action::AcceptMajor, wrong);
    assert_eq!(named(wrong), ["/manager", "/communication_owner", "/next_update_at"]);
    assert_eq!(*major(&ticket), Major::Proposed);
}

#[test]
fn reasons_texts_and_notes_are_never_empty() {
    let refused = |major: Major, action, given| {
        let mut ticket = standing(incident(MajorState::Review, action), major.clone());
        if action != Action::FinishMajor {
            ticket = new(major);
        }
        named(at(0, &[], &mut ticket, action, given))
    };
    let blank = |name| with(name, text(" "));
    assert_eq!(refused(Major::None, Action::ProposeMajor, blank("reason")), ["/reason"]);
    assert_eq!(refused(Major::Proposed, Action::RejectMajor, nothing()), ["/reason"]);
    let untold = refused(accepted(monday() + hours(1)), Action::UpdateMajor, nothing());
    assert_eq!(untold, ["/text", "/next_update_at"]);
    let review = Major::Review { led_by: led_by() };
    assert_eq!(refused(review, Action::FinishMajor, blank("review_note")), ["/review_note"]);
}

#[test]
fn only_a_person_proposes_again_what_was_rejected() {
    let mut ticket = new(Major::Rejected);
    let mut program = Scene::at(0).by(Actor { kind: ActorKind::Api, person: None });
    let refused = program.act(&mut ticket, Action::ProposeMajor, why()).unwrap_err();
    assert!(matches!(refused, Refused::Guard { .. }), "{refused}");
    at(0, &[], &mut ticket, Action::ProposeMajor, why()).unwrap();
    assert_eq!(*major(&ticket), Major::Proposed);
}

#[test]
fn a_reopened_major_incident_owes_an_update_half_an_hour_later() {
    let mut ticket = incident(MajorState::Accepted, Action::Resolve);
    perform(Action::Resolve, &mut ticket).unwrap();
    assert_eq!(*major(&ticket), Major::Review { led_by: led_by() });
    assert_eq!(ticket.closes_at(&settings()), None, "it does not close before its review");
    let changes = perform(Action::Reopen, &mut ticket).unwrap();
    let at = monday() + hours(24) + TimeDelta::minutes(30);
    assert_eq!(*major(&ticket), accepted(at));
    let promised = changes.iter().find(|change| change.field == "next_update_at").unwrap();
    assert_eq!(
        (promised.before.as_deref(), promised.after.as_deref()),
        (None, Some("2026-06-02T08:30:00Z"))
    );
}

#[test]
fn a_missed_update_escalates_once_for_each_promise() {
    let mut ticket = incident(MajorState::Accepted, Action::UpdateMajor);
    let miss = |ticket: &mut Ticket, hour: i64| ticket.miss_update(monday() + hours(hour)).len();
    assert_eq!(miss(&mut ticket, 39), 0);
    assert_eq!(miss(&mut ticket, 40), 2);
    assert_eq!((ticket.escalation_level, miss(&mut ticket, 41)), (1, 0));
    let given = update("a part is coming", 43);
    at(42, &[], &mut ticket, Action::UpdateMajor, given).unwrap();
    ticket.escalation_level = MAX_ESCALATION_LEVEL;
    assert_eq!(miss(&mut ticket, 43), 1, "that it was missed is noted at the highest level too");
    assert_eq!(ticket.escalation_level, MAX_ESCALATION_LEVEL);
}

#[test]
fn an_update_hands_over_to_the_next_shift() {
    let mut ticket = incident(MajorState::Accepted, Action::UpdateMajor);
    let people = [agent(COLLEAGUE), Person { role: Role::Requester, ..agent(CALLER) }];
    let mut hand_over = |to| {
        let given = update("the night shift goes on", 40).with("manager", Value::Person(to));
        at(9, &people, &mut ticket, Action::UpdateMajor, given)
    };
    assert_eq!(named(hand_over(CALLER)), ["/manager"]);
    hand_over(COLLEAGUE).unwrap();
    assert_eq!(ticket.led_by(), Some(Leadership { manager: COLLEAGUE, ..led_by() }));
}

fn rule(name: &str, when: MajorWhen, then: MajorOutcome) -> MajorRule {
    MajorRule { name: name.to_owned(), when, then }
}

fn promote() -> MajorOutcome {
    MajorOutcome::Promote { led_by: led_by(), update_minutes: 30 }
}

#[test]
fn the_first_rule_whose_signs_are_all_there_wins() {
    let priority = MajorWhen { priority_at_most: Some(Level(1)), ..MajorWhen::default() };
    let critical = MajorWhen { criticality_at_least: Some(Criticality::High), ..priority };
    let many = MajorWhen { children_more_than: Some(20), ..MajorWhen::default() };
    let rules = [
        rule("critical", critical, promote()),
        rule("urgent", priority, MajorOutcome::Propose),
        rule("many", many, MajorOutcome::Propose),
    ];
    let found = |priority, criticality, children| {
        let signs = MajorSigns { priority: Level(priority), criticality, children };
        MajorRule::first(&rules, signs).map(|rule| rule.name.as_str())
    };
    assert_eq!(found(1, Some(Criticality::High), 30), Some("critical"));
    assert_eq!(found(1, Some(Criticality::Medium), 30), Some("urgent"));
    assert_eq!(found(1, None, 0), Some("urgent"));
    assert_eq!(found(2, Some(Criticality::High), 21), Some("many"));
    assert_eq!(found(2, Some(Criticality::High), 20), None);
}

#[test]
fn signs_are_the_priority_in_force_and_the_more_critical_of_service_and_item() {
    let mut ticket = opened(TicketKind::Incident);
    ticket.priority.manual = Some((Level(2), "the board".to_owned()));
    let signs = ticket.major_signs(3, &world());
    assert_eq!(signs, MajorSigns { priority: Level(2), criticality: None, children: 3 });
    ticket.service = Some(PAYROLL);
    let signs = ticket.major_signs(0, &world());
    assert_eq!(signs.criticality, Some(Criticality::High));
}

#[test]
fn children_other_kinds_and_what_was_proposed_before_are_skipped() {
    let new = opened(TicketKind::Incident);
    assert!(new.may_become_major());
    assert!(!Ticket { parent: Some(ticket_id(1)), ..new.clone() }.may_become_major());
    assert!(!standing(new, Major::Rejected).may_become_major());
    assert!(!opened(TicketKind::Request).may_become_major());
    assert!(!opened(TicketKind::Problem).may_become_major());
    let done = in_state(TicketKind::Incident, State::Resolved, AwaitingKind::Caller);
    assert!(!done.may_become_major());
}

#[test]
fn a_rule_says_by_which_signs_and_promotes_only_to_those_who_can_lead() {
    let when = MajorWhen { priority_at_most: Some(Level(4)), ..MajorWhen::default() };
    let rule = rule("urgent", when, promote());
    let trigger = |people: &[Person]| {
        let mut ticket = opened(TicketKind::Incident);
        let signs = ticket.major_signs(0, &world());
        let person = |id| people.iter().find(|person| person.id == id);
        let moves = ticket.trigger_major(&rule, signs, person, monday());
        (major(&ticket).clone(), moves)
    };
    let (stands, moves) = trigger(&[agent(AGENT), agent(COLLEAGUE)]);
    assert_eq!(stands, accepted(monday() + TimeDelta::minutes(30)));
    let actions: Vec<_> = moves.iter().map(|one| one.action).collect();
    assert_eq!(actions, [Action::ProposeMajor, Action::AcceptMajor]);
    assert!(moves[1].reason.starts_with("rule `urgent`: priority "), "{}", moves[1].reason);

    let (stands, moves) = trigger(&[agent(AGENT)]);
    assert_eq!((stands, moves.len()), (Major::Proposed, 1));
    assert!(moves[0].reason.contains("no longer an active agent"), "{}", moves[0].reason);
}

#[test]
fn each_fault_of_a_rule_is_named_by_its_place() {
    let wild = MajorWhen {
        priority_at_most: Some(Level(6)),
        criticality_at_least: None,
        children_more_than: Some(200),
    };
    let never = MajorOutcome::Promote { led_by: led_by(), update_minutes: 1 };
    let rules = [
        rule("", MajorWhen::default(), MajorOutcome::Propose),
        rule("wild", wild, never),
        rule("wild", MajorWhen { children_more_than: Some(1), ..MajorWhen::default() }, promote()),
    ];
    let mut faults = Faults::new();
    MajorRule::check(&rules, &mut faults);
    let pointers: Vec<_> = faults.into_vec().into_iter().map(|fault| fault.pointer).collect();
    assert_eq!(
        pointers,
        [
            "/major_rules/0/name",
            "/major_rules/0",
            "/major_rules/1/priority_at_most",
            "/major_rules/1/children_more_than",
            "/major_rules/1/promote/update_minutes",
            "/major_rules/2/name",
        ]
    );
}

#[test]
fn a_refused_merger_leaves_the_other_ticket_as_it_was() {
    let mut ticket = incident(MajorState::Accepted, Action::MergeInto);
    let mut scene = Scene::with_all(24, Action::MergeInto, &ticket);
    let target = Ticket { requester: Some(COLLEAGUE), ..scene.beside.target.unwrap() };
    scene.beside.target = Some(target.clone());
    let given = with("target", Value::Tickets(vec![target.id]));
    scene.act(&mut ticket, Action::MergeInto, given).unwrap_err();
    assert_eq!(scene.beside.target, Some(target));
    // Fields come before guards.
    let itself = Ticket { id: ticket.id, ..opened(TicketKind::Incident) };
    let given = with("target", Value::Tickets(vec![itself.id]));
    let refused = Scene::at(24).beside(itself).act(&mut ticket, Action::MergeInto, given);
    assert_eq!(pointers(&refused.unwrap_err()), ["/target"]);
}
