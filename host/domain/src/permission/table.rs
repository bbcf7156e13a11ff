//! The table of who may do what, as the specification has it, against what permission really says.

use std::fmt::Write;

use crate::{
    approval::{Approval, Duties, NewRound, Quorum, StagePlan, StageRule, StepPlan},
    fixture::{AGENT, CALLER, COLLEAGUE, MANAGER, ORG, in_state, monday, opened, ticket_id},
    ids::{ApprovalId, ApprovalRequestId},
    incident::AwaitingKind,
    permission::{Relation, allows, allows_edit, allows_opening, sees, sees_internals},
    role::Role,
    ticket::{Action, Edit, State, Ticket, TicketKind},
};

const OTHER: Relation = Relation { owns: false, watches: false, holds_seat: false };
const OWN: Relation = Relation { owns: true, ..OTHER };
const WATCHER: Relation = Relation { watches: true, ..OTHER };
const SEAT: Relation = Relation { holds_seat: true, ..OTHER };

/// Of a new ticket; what changes with the state stands in tests of its own.
const TABLE: &str = "\
action              requester own    requester other  requester seat   agent own        agent other      agent seat       admin other      auditor seat
create              yes              -                -                yes              yes              yes              yes              -
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
resolve             yes              -                -                yes              yes              yes              yes              -
reopen              yes              -                -                yes              yes              yes              yes              -
close               yes              -                -                yes              yes              yes              yes              -
cancel              yes              -                -                yes              yes              yes              yes              -
merge_into          -                -                -                yes              yes              yes              yes              -
convert             -                -                -                yes              yes              yes              yes              -
submit              yes              -                -                yes              yes              yes              yes              -
request_approval    -                -                -                -                -                -                -                -
approve             -                -                -                -                -                -                -                -
reject              -                -                -                -                -                -                -                -
revise              yes              -                -                yes              yes              yes              yes              -
fulfill             -                -                -                yes              yes              yes              yes              -
accept_suggestion   -                -                -                yes              yes              yes              yes              -
dismiss_suggestion  -                -                -                yes              yes              yes              yes              -
vote                -                -                yes              -                -                yes              -                -
link                -                -                -                yes              yes              yes              yes              -
unlink              -                -                -                yes              yes              yes              yes              -
propose_major       -                -                -                yes              yes              yes              yes              -
accept_major        -                -                -                yes              yes              yes              yes              -
reject_major        -                -                -                yes              yes              yes              yes              -
update_major        -                -                -                yes              yes              yes              yes              -
finish_major        -                -                -                yes              yes              yes              yes              -
add_task            -                -                -                yes              yes              yes              yes              -
edit_task           -                -                -                yes              yes              yes              yes              -
assign_task         -                -                -                yes              yes              yes              yes              -
start_task          -                -                -                yes              yes              yes              yes              -
hold_task           -                -                -                yes              yes              yes              yes              -
resume_task         -                -                -                yes              yes              yes              yes              -
complete_task       -                -                -                yes              yes              yes              yes              -
incomplete_task     -                -                -                yes              yes              yes              yes              -
skip_task           -                -                -                yes              yes              yes              yes              -
cancel_task         -                -                -                yes              yes              yes              yes              -
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
    let opens =
        |role| [&[][..], &["external_ref"]].map(|fields| allows_opening(role, fields).is_ok());
    assert_eq!(opens(Role::Requester), [true, false]);
    assert_eq!(opens(Role::Agent), [true, true]);
    assert_eq!(opens(Role::Admin), [true, true]);
    assert_eq!(opens(Role::Auditor), [false, false]);
}

#[test]
fn a_watcher_reads_and_does_nothing_else() {
    let ticket = opened(TicketKind::Request);
    for action in Action::ALL {
        assert!(allows(Role::Requester, WATCHER, *action, &ticket).is_err(), "{action}");
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
    let may =
        |edit: &Edit, ticket: &Ticket| allows_edit(Role::Requester, OWN, edit, ticket).is_ok();
    let text = Edit { description: Some("more".to_owned()), ..Edit::default() };
    let urgency = Edit { urgency: Some(None), ..Edit::default() };
    let draft = opened(TicketKind::Request);
    assert!(may(&text, &draft) && !may(&urgency, &draft));
    assert!(allows_edit(Role::Agent, OTHER, &urgency, &draft).is_ok());
    let handed_in = in_state(TicketKind::Request, State::AwaitingApproval, AwaitingKind::Caller);
    assert!(!may(&text, &handed_in) && !may(&text, &opened(TicketKind::Incident)));
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
    let new = NewRound {
        id: ApprovalId(ORG.0),
        org: ORG,
        ticket: ticket_id(0),
        round: 1,
        content_digest: String::new(),
        receipt: None,
        duties: Duties { requester: CALLER, implementer: None },
        fallback_approver: None,
    };
    let step = StepPlan {
        name: "budget".to_owned(),
        quorum: Quorum::Any,
        veto: false,
        due_hours: None,
        voters: vec![MANAGER],
        mandatory: Vec::new(),
    };
    let stages = vec![StagePlan { rule: StageRule::All, steps: vec![step] }];
    let mut next_id = || ApprovalRequestId(ORG.0);
    let mut approval = Approval::plan(new, stages, &mut next_id, monday()).unwrap().approval;
    let of = |person, approval: &Approval| Relation::of(person, &ticket, Some(approval));
    assert_eq!(of(Some(CALLER), &approval), OWN);
    assert_eq!(of(Some(AGENT), &approval), OWN);
    assert_eq!(of(Some(COLLEAGUE), &approval), OTHER);
    assert_eq!(of(None, &approval), OTHER);
    let mut watched = ticket.clone();
    watched.watchers.insert(COLLEAGUE);
    assert_eq!(Relation::of(Some(COLLEAGUE), &watched, Some(&approval)), WATCHER);
    assert_eq!(of(Some(MANAGER), &approval), SEAT);
    approval.cancel(monday());
    assert_eq!(of(Some(MANAGER), &approval), OTHER);
}
