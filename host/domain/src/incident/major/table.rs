//! The table of major incidents, as the specification has it, against what the moves really do.

use std::fmt::Write;

use super::*;
use crate::{
    event::ActorKind,
    fields::Fields,
    fixture::{
        AGENT, CALLER, COLLEAGUE, ORG, PAYROLL, hours, in_state, monday, opened, settings,
        ticket_id, user, world,
    },
    incident::{AwaitingKind, ResolutionCode},
    priority::Level,
    service::Criticality,
    ticket::{Merged, TicketKind},
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

fn agent(id: PersonId) -> Person {
    Person {
        id,
        org: ORG,
        name: "Ada".to_owned(),
        email: None,
        role: Role::Agent,
        zone: None,
        manager: None,
        location: None,
        vip: false,
        language: None,
        fields: Fields::default(),
        active: true,
        version: 1,
    }
}

fn led_by() -> Leadership {
    Leadership { manager: AGENT, communication_owner: COLLEAGUE }
}

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
    Ticket { major, ..in_state(TicketKind::Incident, state, AwaitingKind::Caller) }
}

fn perform(action: Action, ticket: &mut Ticket) -> Result<Vec<Change>, Refused> {
    let (now, by, why) = (monday() + hours(24), user(AGENT), Some("because"));
    let (one, other) = (agent(AGENT), agent(COLLEAGUE));
    let next_update_at = Some(now + hours(1));
    match action {
        Action::ProposeMajor => ticket.propose_major(why, &by, now),
        Action::AcceptMajor => {
            let (manager, communication_owner) = (Some(&one), Some(&other));
            ticket.accept_major(Acceptance { manager, communication_owner, next_update_at }, now)
        }
        Action::RejectMajor => ticket.reject_major(why, now),
        Action::UpdateMajor => {
            let update = MajorUpdate { text: why, next_update_at, ..MajorUpdate::default() };
            ticket.update_major(update, &by, now)
        }
        Action::FinishMajor => ticket.finish_major(why, now),
        Action::Resolve => ticket.resolve(Some(ResolutionCode::Fixed), why, &settings(), &by, now),
        Action::Reopen => ticket.reopen(why, &settings(), now),
        Action::Close => ticket.close(&by, now),
        Action::Cancel => ticket.cancel(why, &by, now),
        Action::MergeInto => {
            let mut target = Ticket { id: ticket_id(1), ..opened(TicketKind::Incident) };
            ticket.merge_into(&mut target, &by, now).map(|Merged { source, .. }| source)
        }
        Action::Convert => ticket
            .convert(Some(TicketKind::Request), why, ticket_id(1), &by, now)
            .map(|(_, changes)| changes),
        other => panic!("{other} is not in the table"),
    }
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
                Ok(_) => ticket.major.state().as_str(),
                Err(refused) => {
                    assert_eq!(ticket, before, "a refused {action} changed the ticket");
                    match refused {
                        Refused::Guard { .. } => "guard",
                        Refused::InvalidTransition { .. }
                        | Refused::InvalidTaskTransition { .. }
                        | Refused::InvalidMajorTransition { .. } => "-",
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

fn pointers(refused: Result<Vec<Change>, Refused>) -> Vec<String> {
    match refused.unwrap_err() {
        Refused::MissingFields(faults) | Refused::Invalid(faults) => {
            faults.into_iter().map(|fault| fault.pointer).collect()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn accepting_names_each_thing_that_is_missing_or_wrong() {
    let mut ticket = Ticket { major: Major::Proposed, ..opened(TicketKind::Incident) };
    let nothing = ticket.accept_major(Acceptance::default(), monday());
    assert_eq!(pointers(nothing), ["/manager", "/communication_owner", "/next_update_at"]);

    let gone = Person { active: false, ..agent(AGENT) };
    let requester = Person { role: Role::Requester, ..agent(CALLER) };
    let wrong = Acceptance {
        manager: Some(&gone),
        communication_owner: Some(&requester),
        next_update_at: Some(monday()),
    };
    let wrong = ticket.accept_major(wrong, monday());
    assert_eq!(pointers(wrong), ["/manager", "/communication_owner", "/next_update_at"]);
    assert_eq!(ticket.major, Major::Proposed);
}

#[test]
fn reasons_texts_and_notes_are_never_empty() {
    let mut ticket = opened(TicketKind::Incident);
    assert_eq!(pointers(ticket.propose_major(Some(" "), &user(AGENT), monday())), ["/reason"]);
    ticket.major = Major::Proposed;
    assert_eq!(pointers(ticket.reject_major(None, monday())), ["/reason"]);
    ticket.major = accepted(monday() + hours(1));
    let untold = ticket.update_major(MajorUpdate::default(), &user(AGENT), monday());
    assert_eq!(pointers(untold), ["/text", "/next_update_at"]);
    let mut resolved = incident(MajorState::Review, Action::FinishMajor);
    assert_eq!(pointers(resolved.finish_major(Some(""), monday())), ["/review_note"]);
}

#[test]
fn only_a_person_proposes_again_what_was_rejected() {
    let program = Actor { kind: ActorKind::Api, person: None };
    let mut ticket = Ticket { major: Major::Rejected, ..opened(TicketKind::Incident) };
    let refused = ticket.propose_major(Some("still down"), &program, monday()).unwrap_err();
    assert!(matches!(refused, Refused::Guard { .. }), "{refused}");
    ticket.propose_major(Some("still down"), &user(AGENT), monday()).unwrap();
    assert_eq!(ticket.major, Major::Proposed);
}

#[test]
fn a_reopened_major_incident_owes_an_update_half_an_hour_later() {
    let mut ticket = incident(MajorState::Accepted, Action::Resolve);
    perform(Action::Resolve, &mut ticket).unwrap();
    assert_eq!(ticket.major, Major::Review { led_by: led_by() });
    assert_eq!(ticket.closes_at(&settings()), None, "it does not close before its review");
    let changes = perform(Action::Reopen, &mut ticket).unwrap();
    let at = monday() + hours(24) + TimeDelta::minutes(30);
    assert_eq!(ticket.major, accepted(at));
    let promised = changes.iter().find(|change| change.field == "next_update_at").unwrap();
    assert_eq!(
        (promised.before.as_deref(), promised.after.as_deref()),
        (None, Some("2026-06-02T08:30:00Z"))
    );
}

#[test]
fn a_missed_update_escalates_once_for_each_promise() {
    let mut ticket = incident(MajorState::Accepted, Action::UpdateMajor);
    let miss = |ticket: &mut Ticket, hour: i64| {
        let changes = ticket.miss_update("nothing was told", &world(), monday() + hours(hour));
        changes.unwrap().len()
    };
    assert_eq!(miss(&mut ticket, 39), 0);
    assert_eq!(miss(&mut ticket, 40), 2);
    assert_eq!((ticket.escalation_level, miss(&mut ticket, 41)), (1, 0));
    let soon = Some(monday() + hours(43));
    let update = MajorUpdate {
        text: Some("a part is coming"),
        next_update_at: soon,
        ..MajorUpdate::default()
    };
    ticket.update_major(update, &user(AGENT), monday() + hours(42)).unwrap();
    ticket.escalation_level = MAX_ESCALATION_LEVEL;
    assert_eq!(miss(&mut ticket, 43), 1, "that it was missed is noted at the highest level too");
    assert_eq!(ticket.escalation_level, MAX_ESCALATION_LEVEL);
}

#[test]
fn an_update_hands_over_to_the_next_shift() {
    let mut ticket = incident(MajorState::Accepted, Action::UpdateMajor);
    let (colleague, requester) =
        (agent(COLLEAGUE), Person { role: Role::Requester, ..agent(CALLER) });
    let update = MajorUpdate {
        text: Some("the night shift goes on"),
        next_update_at: Some(monday() + hours(40)),
        manager: Some(&requester),
        communication_owner: None,
    };
    let wrong = ticket.update_major(update, &user(AGENT), monday() + hours(9));
    assert_eq!(pointers(wrong), ["/manager"]);
    let update = MajorUpdate { manager: Some(&colleague), ..update };
    ticket.update_major(update, &user(AGENT), monday() + hours(9)).unwrap();
    let now = Leadership { manager: COLLEAGUE, ..led_by() };
    assert_eq!(ticket.major.led_by(), Some(now));
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
fn parts_requests_and_what_was_proposed_before_are_skipped() {
    let new = opened(TicketKind::Incident);
    assert!(new.may_become_major());
    assert!(!Ticket { parent: Some(ticket_id(1)), ..new.clone() }.may_become_major());
    assert!(!Ticket { major: Major::Rejected, ..new }.may_become_major());
    assert!(!opened(TicketKind::Request).may_become_major());
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
        let moves = ticket.trigger_major(&rule, signs, person, monday()).unwrap();
        (ticket.major, moves)
    };
    let (major, moves) = trigger(&[agent(AGENT), agent(COLLEAGUE)]);
    assert_eq!(major, accepted(monday() + TimeDelta::minutes(30)));
    let actions: Vec<_> = moves.iter().map(|one| one.action).collect();
    assert_eq!(actions, [Action::ProposeMajor, Action::AcceptMajor]);
    assert!(moves[1].reason.starts_with("rule `urgent`: priority "), "{}", moves[1].reason);

    let (major, moves) = trigger(&[agent(AGENT)]);
    assert_eq!((major, moves.len()), (Major::Proposed, 1));
    assert!(moves[0].reason.contains("no active agent"), "{}", moves[0].reason);
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
