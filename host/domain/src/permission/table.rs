//! The table of who may do what, as the specification has it, against what permission really says.

use std::fmt::Write;

use crate::{
    fixture::{
        AGENT, CALLER, COLLEAGUE, MANAGER, in_state, monday, number, opened, round, task, text,
        with,
    },
    key::CategoryPath,
    permission::{Relation, allows, allows_edit, allows_opening, sees, sees_internals},
    role::Role,
    ticket::{Action, AwaitingKind, Given, State, Ticket, TicketKind, Value, Who},
};

const OTHER: Relation = Relation { owns: false, watches: false, holds_seat: false, works: false };
const OWN: Relation = Relation { owns: true, ..OTHER };
const WATCHER: Relation = Relation { watches: true, ..OTHER };
const SEAT: Relation = Relation { holds_seat: true, ..OTHER };

/// Of a new request; what changes with the state stands in tests of its own. What a request does
/// not have, its state refuses to the desk.
const TABLE: &str = "\
action              requester own    requester other  requester seat   agent own        agent other      agent seat       admin other      auditor seat
create              -                -                -                -                -                -                -                -
categorize          -                -                -                -                -                -                -                -
assign              -                -                -                yes              yes              yes              yes              -
reroute             -                -                -                yes              yes              yes              yes              -
triage              -                -                -                yes              yes              yes              yes              -
set_priority        -                -                -                yes              yes              yes              yes              -
edit                yes              -                -                yes              yes              yes              yes              -
acknowledge         -                -                -                yes              yes              yes              yes              -
comment             -                -                -                yes              yes              yes              yes              -
note                -                -                -                yes              yes              yes              yes              -
caller_reply        yes              -                -                yes              -                -                -                -
escalate            -                -                -                yes              yes              yes              yes              -
set_eta             -                -                -                yes              yes              yes              yes              -
start               -                -                -                yes              yes              yes              yes              -
hold                -                -                -                yes              yes              yes              yes              -
resume              -                -                -                yes              yes              yes              yes              -
resolve             -                -                -                yes              yes              yes              yes              -
reopen              yes              -                -                yes              yes              yes              yes              -
close               yes              -                -                yes              yes              yes              yes              -
cancel              yes              -                -                yes              yes              yes              yes              -
merge_into          -                -                -                yes              yes              yes              yes              -
convert             -                -                -                yes              yes              yes              yes              -
submit              yes              -                -                yes              yes              yes              yes              -
revise              yes              -                -                yes              yes              yes              yes              -
fulfill             -                -                -                yes              yes              yes              yes              -
assess              -                -                -                yes              yes              yes              yes              -
confirm             -                -                -                yes              yes              yes              yes              -
start_fix           -                -                -                yes              yes              yes              yes              -
reanalyze           -                -                -                yes              yes              yes              yes              -
publish_known_error -                -                -                yes              yes              yes              yes              -
communicate         -                -                -                yes              yes              yes              yes              -
release             -                -                -                yes              yes              yes              yes              -
complete            -                -                -                yes              yes              yes              yes              -
incomplete          -                -                -                yes              yes              yes              yes              -
skip                -                -                -                yes              yes              yes              yes              -
link                -                -                -                yes              yes              yes              yes              -
unlink              -                -                -                yes              yes              yes              yes              -
propose_major       -                -                -                yes              yes              yes              yes              -
accept_major        -                -                -                yes              yes              yes              yes              -
reject_major        -                -                -                yes              yes              yes              yes              -
update_major        -                -                -                yes              yes              yes              yes              -
finish_major        -                -                -                yes              yes              yes              yes              -
accept_suggestion   -                -                -                yes              yes              yes              yes              -
dismiss_suggestion  -                -                -                yes              yes              yes              yes              -
request_approval    -                -                -                -                -                -                -                -
vote                -                -                yes              -                -                yes              -                -
remind_voter        -                -                -                -                -                -                -                -
delegate_vote       -                -                -                -                -                -                -                -
expire_vote         -                -                -                -                -                -                -                -
vacate_vote         -                -                -                -                -                -                -                -
appoint_voter       -                -                -                -                -                -                yes              -
void_approval       -                -                -                -                -                -                -                -
approve             -                -                -                -                -                -                -                -
reject              -                -                -                -                -                -                -                -
";

#[test]
fn roles_and_relations_may_do_what_is_specified() {
    let columns = [
        ("requester own", Role::Requester, OWN),
        ("requester other", Role::Requester, OTHER),
        ("requester seat", Role::Requester, SEAT),
        ("agent own", Role::Agent, OWN),
        ("agent other", Role::Agent, OTHER),
        ("agent seat", Role::Agent, SEAT),
        ("admin other", Role::Admin, OTHER),
        ("auditor seat", Role::Auditor, SEAT),
    ];
    let ticket = opened(TicketKind::Request);
    let mut table = line("action", columns.iter().map(|(heading, ..)| *heading));
    for action in Action::ALL {
        let cells = columns.iter().map(|(_, role, relation)| {
            let allowed = allows(*role, *relation, *action, &ticket).is_ok();
            if allowed { "yes" } else { "-" }
        });
        table.push_str(&line(action.as_str(), cells));
    }
    assert!(table == TABLE, "expected\n{TABLE}\nbut permission says\n{table}");
}

fn line<'a>(heading: &str, cells: impl Iterator<Item = &'a str>) -> String {
    let mut line = format!("{heading:<20}");
    for cell in cells {
        write!(line, "{cell:<17}").unwrap();
    }
    format!("{}\n", line.trim_end())
}

#[test]
fn an_auditor_opens_nothing_and_only_the_desk_names_another_systems_ticket() {
    let foreign =
        with("external_ref", Value::ExternalRef("tickets.csv".to_owned(), "7".to_owned()));
    for kind in [TicketKind::Incident, TicketKind::Request] {
        let opens = |role| {
            [&Given::default(), &foreign].map(|given| allows_opening(role, kind, given).is_ok())
        };
        assert_eq!(opens(Role::Requester), [true, false]);
        assert_eq!(opens(Role::Agent), [true, true]);
        assert_eq!(opens(Role::Admin), [true, true]);
        assert_eq!(opens(Role::Auditor), [false, false]);
    }
}

#[test]
fn only_the_desk_opens_problems_and_tasks() {
    for kind in [TicketKind::Problem, TicketKind::Task] {
        let refused = allows_opening(Role::Requester, kind, &Given::default()).unwrap_err();
        assert!(refused.message.contains(kind.with_article()), "{}", refused.message);
        assert!(allows_opening(Role::Agent, kind, &Given::default()).is_ok());
    }
}

#[test]
fn what_the_desk_knows_is_the_desks_to_tell_from_the_beginning() {
    let of_desk = [
        with("watchers", Value::People([AGENT].into())),
        with("fields", Value::Facts(std::collections::BTreeMap::new())),
        with("affected_users", number(3)),
        with("sync_with_parent", Value::Flag(false)),
    ];
    for given in of_desk {
        assert!(
            allows_opening(Role::Requester, TicketKind::Incident, &given).is_err(),
            "{given:?}"
        );
    }
    let category: CategoryPath = "access".parse().unwrap();
    let of_opener = with("category", Value::Category(category)).with("impact", number(1));
    let of_opener = of_opener.with("tags", Value::Texts(vec!["vip".to_owned()]));
    assert!(allows_opening(Role::Requester, TicketKind::Incident, &of_opener).is_ok());
}

#[test]
fn a_watcher_reads_and_answers_and_does_nothing_else() {
    let ticket = opened(TicketKind::Request);
    for action in Action::ALL {
        let may = allows(Role::Requester, WATCHER, *action, &ticket).is_ok();
        assert_eq!(may, *action == Action::CallerReply, "{action}");
    }
}

#[test]
fn a_requester_cancels_an_incident_only_while_it_is_new() {
    let cancels = |role, state| {
        let incident = in_state(TicketKind::Incident, state, AwaitingKind::Caller);
        allows(role, OWN, Action::Cancel, &incident).is_ok()
    };
    assert!(cancels(Role::Requester, State::New));
    assert!(!cancels(Role::Requester, State::InProgress));
    assert!(!cancels(Role::Requester, State::OnHold));
    assert!(cancels(Role::Agent, State::OnHold));
    // Nobody cancels what is over: that is the state's refusal, which says what is allowed.
    assert!(cancels(Role::Requester, State::Closed));
}

#[test]
fn a_requester_cancels_a_request_until_it_is_worked_on() {
    let cancels = |state| {
        let request = in_state(TicketKind::Request, state, AwaitingKind::Caller);
        allows(Role::Requester, OWN, Action::Cancel, &request).is_ok()
    };
    let states = [State::New, State::AwaitingApproval, State::InFulfilment, State::OnHold];
    assert_eq!(states.map(cancels), [true, true, false, false]);
}

#[test]
fn a_requester_edits_the_texts_of_a_draft_and_nothing_else() {
    let may = |given: &Given, ticket: &Ticket| {
        allows(Role::Requester, OWN, Action::Edit, ticket).is_ok()
            && allows_edit(Role::Requester, given, ticket).is_ok()
    };
    let description = with("description", text("more"));
    let of_desk = [
        with("urgency", number(1)),
        with("tags", Value::Texts(Vec::new())),
        with("expected_at", Value::Time(monday())),
        description.clone().with("service", Value::Service(crate::fixture::PAYROLL)),
    ];
    let draft = opened(TicketKind::Request);
    assert!(may(&description, &draft));
    assert!(
        may(&with("quantity", number(2)), &draft)
            && may(&with("answers", Value::Answers(Vec::new())), &draft)
    );
    for given in of_desk {
        assert!(!may(&given, &draft), "{given:?}");
        assert!(allows_edit(Role::Agent, &given, &draft).is_ok());
    }
    let submitted = in_state(TicketKind::Request, State::AwaitingApproval, AwaitingKind::Caller);
    assert!(!may(&description, &submitted));
    for kind in [TicketKind::Incident, TicketKind::Problem, TicketKind::Task] {
        assert!(!may(&description, &opened(kind)), "{kind}");
    }
}

#[test]
fn a_requester_who_watches_may_answer_and_one_of_the_desk_has_the_desks_own_ways() {
    for kind in [TicketKind::Incident, TicketKind::Request] {
        let ticket = opened(kind);
        let may = |role, relation| allows(role, relation, Action::CallerReply, &ticket).is_ok();
        assert!(may(Role::Requester, WATCHER) && may(Role::Requester, OWN));
        for refused in [(Role::Agent, WATCHER), (Role::Auditor, WATCHER), (Role::Requester, SEAT)] {
            assert!(!may(refused.0, refused.1), "{refused:?}");
        }
        assert!(allows(Role::Requester, WATCHER, Action::Comment, &ticket).is_err());
    }
}

#[test]
fn what_a_kind_does_not_have_is_its_states_refusal_and_of_no_use_to_a_requester() {
    let incident = opened(TicketKind::Incident);
    assert!(allows(Role::Agent, OTHER, Action::Submit, &incident).is_ok());
    assert!(allows(Role::Requester, OWN, Action::Submit, &incident).is_err());
}

#[test]
fn whoever_wrote_a_problem_down_does_with_it_what_the_desk_does_and_no_requester_does_anything() {
    let problem = opened(TicketKind::Problem);
    for row in TicketKind::Problem.rules().rows() {
        let may = |role, relation| allows(role, relation, row.action, &problem).is_ok();
        let is_vote = row.who == Who::SeatHolder;
        let is_desk_s = !matches!(row.who, Who::SeatHolder | Who::Admin | Who::System);
        assert_eq!(may(Role::Agent, OTHER), is_desk_s, "{}", row.action);
        assert_eq!(may(Role::Admin, OTHER), is_desk_s || row.who == Who::Admin, "{}", row.action);
        assert!(!may(Role::Requester, OWN), "{}", row.action);
        assert_eq!(may(Role::Requester, SEAT), is_vote, "{}", row.action);
    }
}

#[test]
fn w6_a_requester_never_sees_internals_nor_the_tickets_of_others() {
    assert!(!sees_internals(Role::Requester));
    assert!(!sees(Role::Requester, OTHER));
    for relation in [OWN, WATCHER, SEAT] {
        assert!(sees(Role::Requester, relation));
    }
    for role in [Role::Agent, Role::Admin, Role::Auditor] {
        assert!(sees_internals(role) && sees(role, OTHER));
    }
}

#[test]
fn a_relation_follows_from_the_ticket_and_its_open_approval() {
    let mut ticket = opened(TicketKind::Request);
    ticket.opened_by = Some(AGENT);
    let mut approval = round(&[MANAGER]);
    let of = |person, approval: &_| Relation::of(person, &ticket, None, Some(approval));
    assert_eq!(of(Some(CALLER), &approval), OWN);
    assert_eq!(of(Some(AGENT), &approval), OWN);
    assert_eq!(of(Some(COLLEAGUE), &approval), OTHER);
    assert_eq!(of(None, &approval), OTHER);
    let mut watched = ticket.clone();
    watched.watchers.insert(COLLEAGUE);
    assert_eq!(Relation::of(Some(COLLEAGUE), &watched, None, Some(&approval)), WATCHER);
    assert_eq!(of(Some(MANAGER), &approval), SEAT);
    approval.cancel(monday());
    assert_eq!(of(Some(MANAGER), &approval), OTHER);
}

#[test]
fn people_stand_to_a_task_as_to_its_ticket_and_as_those_who_work_on_it() {
    let mut parent = opened(TicketKind::Request);
    parent.watchers.insert(MANAGER);
    let mut task = task(1);
    task.assignee = Some(COLLEAGUE);
    let of = |person| Relation::of(Some(person), &task, Some(&parent), None);
    assert_eq!(of(CALLER), OWN);
    assert_eq!(of(MANAGER), WATCHER);
    assert_eq!(of(COLLEAGUE), Relation { works: true, ..OTHER });
    // Whoever works on another kind of ticket is of the desk, and needs no standing.
    parent.assignee = Some(COLLEAGUE);
    assert_eq!(Relation::of(Some(COLLEAGUE), &parent, None, None), OTHER);
}
