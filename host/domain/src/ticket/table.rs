//! The tables of states and actions, as the specification has them, against what the moves really do.

use std::fmt::Write;

use crate::{
    fixture::{
        AGENT, COLLEAGUE, DESK, LAPTOP, NETWORK, hours, in_state, monday, opened, settings,
        ticket_id, user, world,
    },
    ids::{ReceiptId, SuggestionId},
    incident::{AwaitingKind, Leadership, Major, ResolutionCode},
    link::LinkType,
    priority::Level,
    refusal::Refused,
    request::{FulfilmentCode, Submission},
    suggestion::{SuggestedField, Suggestion, SuggestionState},
    task::Tasks,
    ticket::{Action, Edit, Holding, Reply, State, Ticket, TicketKind},
};

const INCIDENT: &str = "\
action              new              in_progress      on_hold (caller) on_hold (vendor) resolved         closed           cancelled
create              -                -                -                -                -                -                -
categorize          .                .                .                .                -                -                -
assign              .                .                .                .                -                -                -
reroute             .                .                .                .                -                -                -
triage              .                -                -                -                -                -                -
set_priority        .                .                .                .                -                -                -
edit                .                .                .                .                .                -                -
acknowledge         .                .                .                .                -                -                -
comment             .                .                .                .                .                -                -
note                .                .                .                .                .                .                .
caller_reply        .                .                in_progress      .                in_progress      another          another
escalate            .                .                .                .                -                -                -
set_eta             .                .                .                .                -                -                -
start               in_progress      -                -                -                -                -                -
hold                on_hold          on_hold          .                .                -                -                -
resume              -                -                in_progress      in_progress      -                -                -
resolve             resolved         resolved         resolved         resolved         -                -                -
reopen              -                -                -                -                in_progress      -                -
close               -                -                -                -                closed           -                -
cancel              cancelled        cancelled        cancelled        cancelled        -                -                -
merge_into          cancelled        cancelled        cancelled        cancelled        -                -                -
convert             cancelled        cancelled        cancelled        cancelled        -                -                -
submit              -                -                -                -                -                -                -
request_approval    -                -                -                -                -                -                -
approve             -                -                -                -                -                -                -
reject              -                -                -                -                -                -                -
revise              -                -                -                -                -                -                -
fulfill             -                -                -                -                -                -                -
accept_suggestion   .                .                .                .                -                -                -
dismiss_suggestion  .                .                .                .                -                -                -
vote                -                -                -                -                -                -                -
link                .                .                .                .                .                .                .
unlink              .                .                .                .                .                .                .
propose_major       .                .                .                .                -                -                -
accept_major        .                .                .                .                -                -                -
reject_major        .                .                .                .                .                -                -
update_major        .                .                .                .                -                -                -
finish_major        -                -                -                -                .                -                -
add_task            -                -                -                -                -                -                -
edit_task           -                -                -                -                -                -                -
assign_task         -                -                -                -                -                -                -
start_task          -                -                -                -                -                -                -
hold_task           -                -                -                -                -                -                -
resume_task         -                -                -                -                -                -                -
complete_task       -                -                -                -                -                -                -
incomplete_task     -                -                -                -                -                -                -
skip_task           -                -                -                -                -                -                -
cancel_task         -                -                -                -                -                -                -
";

const REQUEST: &str = "\
action              new              awaiting_approva in_fulfilment    on_hold (caller) on_hold (vendor) fulfilled        rejected         closed           cancelled
create              -                -                -                -                -                -                -                -                -
categorize          .                .                .                .                .                -                -                -                -
assign              .                .                .                .                .                -                -                -                -
reroute             .                .                .                .                .                -                -                -                -
triage              .                -                -                -                -                -                -                -                -
set_priority        .                .                .                .                .                -                -                -                -
edit                .                .                .                .                .                .                .                -                -
acknowledge         .                .                .                .                .                -                -                -                -
comment             .                .                .                .                .                .                .                -                -
note                .                .                .                .                .                .                .                .                .
caller_reply        .                .                .                in_fulfilment    .                .                .                another          another
escalate            .                .                .                .                .                -                -                -                -
set_eta             .                .                .                .                .                -                -                -                -
start               -                -                -                -                -                -                -                -                -
hold                -                -                on_hold          .                .                -                -                -                -
resume              -                -                -                in_fulfilment    in_fulfilment    -                -                -                -
resolve             -                -                -                -                -                -                -                -                -
reopen              -                -                -                -                -                in_fulfilment    -                -                -
close               -                -                -                -                -                closed           -                -                -
cancel              cancelled        cancelled        cancelled        cancelled        cancelled        -                -                -                -
merge_into          cancelled        cancelled        cancelled        cancelled        cancelled        -                -                -                -
convert             cancelled        -                -                -                -                -                -                -                -
submit              awaiting_approva -                -                -                -                -                -                -                -
request_approval    -                .                -                -                -                -                -                -                -
approve             -                in_fulfilment    -                -                -                -                -                -                -
reject              -                rejected         -                -                -                -                -                -                -
revise              -                new              -                -                -                -                new              -                -
fulfill             -                -                fulfilled        -                -                -                -                -                -
accept_suggestion   .                .                .                .                .                -                -                -                -
dismiss_suggestion  .                .                .                .                .                -                -                -                -
vote                -                .                -                -                -                -                -                -                -
link                .                .                .                .                .                .                .                .                .
unlink              .                .                .                .                .                .                .                .                .
propose_major       -                -                -                -                -                -                -                -                -
accept_major        -                -                -                -                -                -                -                -                -
reject_major        -                -                -                -                -                -                -                -                -
update_major        -                -                -                -                -                -                -                -                -
finish_major        -                -                -                -                -                -                -                -                -
add_task            .                .                .                .                .                -                -                -                -
edit_task           .                .                .                .                .                -                -                -                -
assign_task         .                .                .                .                .                -                -                -                -
start_task          -                -                .                .                .                -                -                -                -
hold_task           -                -                .                .                .                -                -                -                -
resume_task         -                -                .                .                .                -                -                -                -
complete_task       -                -                .                .                .                -                -                -                -
incomplete_task     -                -                .                .                .                -                -                -                -
skip_task           .                .                .                .                .                -                -                -                -
cancel_task         .                .                .                .                .                -                -                -                -
";

#[test]
fn every_action_on_an_incident_moves_as_specified() {
    assert_table(TicketKind::Incident, INCIDENT);
}

#[test]
fn every_action_on_a_request_moves_as_specified() {
    assert_table(TicketKind::Request, REQUEST);
}

#[test]
fn a_submission_goes_where_the_approval_policy_says() {
    let submit = |submission| {
        let mut request = opened(TicketKind::Request);
        request.submit(None, submission, &settings(), monday() + hours(1)).unwrap();
        request.state()
    };
    assert_eq!(submit(Submission::Asks), State::AwaitingApproval);
    assert_eq!(submit(Submission::Approved), State::InFulfilment);
    assert_eq!(submit(Submission::Refused { reason: "no budget".to_owned() }), State::Rejected);
}

#[test]
fn a_refused_transition_says_what_is_allowed_instead() {
    let mut incident = opened(TicketKind::Incident);
    let refused = incident.close(&user(AGENT), monday()).unwrap_err();
    assert_eq!(refused.to_string(), "cannot close an incident that is new");
    let Refused::InvalidTransition { allowed, .. } = refused else { panic!("wrong refusal") };
    assert!(allowed.contains(&Action::Resolve) && !allowed.contains(&Action::Close));
}

#[test]
fn a_refused_step_of_a_task_says_whose_state_stands_against_it() {
    let waiting = in_state(TicketKind::Request, State::AwaitingApproval, AwaitingKind::Caller);
    let refused = waiting.demand(Action::StartTask).unwrap_err();
    assert_eq!(refused.to_string(), "cannot start a task of a request that is awaiting_approval");
}

fn assert_table(kind: TicketKind, expected: &str) {
    let actual = table(kind);
    assert!(actual == expected, "expected\n{expected}\nbut the moves do\n{actual}");
}

fn table(kind: TicketKind) -> String {
    let columns = State::of_kind(kind)
        .iter()
        .flat_map(|state| match state {
            State::OnHold => {
                vec![(*state, AwaitingKind::Caller), (*state, AwaitingKind::Vendor)]
            }
            _ => vec![(*state, AwaitingKind::Caller)],
        })
        .collect::<Vec<_>>();
    let headings = columns.iter().map(|(state, awaiting)| match state {
        State::OnHold => format!("on_hold ({awaiting})"),
        _ => state.to_string(),
    });
    let mut table = line("action", headings);
    for action in Action::ALL {
        let cells = columns.iter().map(|(state, awaiting)| {
            let mut ticket = in_state(kind, *state, *awaiting);
            ticket.major = major_before(*action);
            let before = ticket.clone();
            let done = perform(*action, &mut ticket, *awaiting);
            let is_allowed = action.is_allowed(kind, *state);
            match done {
                Ok(Done::OpensAnother) => "another".to_owned(),
                Ok(Done::Moved) if ticket.state() == before.state() => ".".to_owned(),
                Ok(Done::Moved) => ticket.state().to_string(),
                Err(Refused::InvalidTransition { .. }) => {
                    assert!(!is_allowed, "{action} is refused in {state} but announced");
                    assert_eq!(ticket, before, "a refused {action} changed the ticket");
                    "-".to_owned()
                }
                Err(other) => panic!("{action} in {state}: {other}"),
            }
        });
        table.push_str(&line(action.as_str(), cells));
    }
    table
}

fn line(heading: &str, cells: impl Iterator<Item = String>) -> String {
    let mut line = format!("{heading:<20}");
    for cell in cells {
        write!(line, "{:<17}", cell.get(..16).unwrap_or(&cell)).unwrap();
    }
    format!("{}\n", line.trim_end())
}

enum Done {
    Moved,
    OpensAnother,
}

/// Does an action with everything that it needs.
fn perform(action: Action, ticket: &mut Ticket, awaiting: AwaitingKind) -> Result<Done, Refused> {
    let (world, settings, now) = (world(), settings(), monday() + hours(24));
    let by = user(AGENT);
    let other_reason = match awaiting {
        AwaitingKind::Caller => AwaitingKind::Vendor,
        AwaitingKind::Vendor | AwaitingKind::Evidence => AwaitingKind::Caller,
    };
    let holding = Holding {
        awaiting: Some(other_reason),
        vendor: Some("Dell"),
        comment: Some("which one?"),
        ..Holding::default()
    };
    let other_kind = match ticket.kind() {
        TicketKind::Incident => TicketKind::Request,
        TicketKind::Request => TicketKind::Incident,
    };
    let why = Some("because");
    let changes = match action {
        Action::Create
        | Action::Categorize
        | Action::Reroute
        | Action::RequestApproval
        | Action::Vote
        | Action::AddTask
        | Action::EditTask
        | Action::AssignTask
        | Action::StartTask
        | Action::HoldTask
        | Action::ResumeTask
        | Action::CompleteTask
        | Action::IncompleteTask
        | Action::SkipTask
        | Action::CancelTask => ticket.demand(action).map(|()| Vec::new()),
        Action::Assign => ticket.assign(Some(NETWORK), Some(COLLEAGUE), &world, now),
        Action::Triage => {
            ticket.triage("access".parse().ok(), Some(Level(1)), Some(Level(1)), &settings, now)
        }
        Action::SetPriority => ticket.set_priority(Some(Level(1)), why, now),
        Action::Edit => {
            let edit = Edit { impact: Some(Some(Level(1))), ..Edit::default() };
            ticket.edit(edit, &world, &settings, now)
        }
        Action::Acknowledge => ticket.acknowledge(now),
        Action::Comment => ticket.comment(why, &by, now),
        Action::Note => ticket.note(why, now),
        Action::CallerReply => {
            return ticket.caller_reply(why, &settings, now).map(|reply| match reply {
                Reply::OpensAnother => Done::OpensAnother,
                Reply::Kept | Reply::Resumed(_) | Reply::Reopened(_) => Done::Moved,
            });
        }
        Action::Escalate => ticket.escalate(Some(1), why, None, &world, now),
        Action::SetEta => ticket.set_eta(Some(now + hours(1)), now),
        Action::Start => ticket.start(Some(AGENT), &world, now),
        Action::Hold => ticket.hold(holding, now),
        Action::Resume => ticket.resume(now),
        Action::Resolve => ticket.resolve(Some(ResolutionCode::Fixed), why, &settings, &by, now),
        Action::Reopen => ticket.reopen(why, &settings, now),
        Action::Close => ticket.close(&by, now),
        Action::Cancel => ticket.cancel(why, &by, now),
        Action::MergeInto => {
            let mut target = opened(ticket.kind());
            target.id = ticket_id(1);
            ticket.merge_into(&mut target, &by, now).map(|merged| merged.source)
        }
        Action::Link | Action::Unlink => {
            let mut target = opened(ticket.kind());
            target.id = ticket_id(1);
            let (related, target) = (Some(LinkType::RelatedTo), Some(&mut target));
            if action == Action::Link {
                ticket.link(related, target, &[], &by, now).map(|linked| linked.source)
            } else {
                let (mut one, mut other) = (ticket.clone(), opened(ticket.kind()));
                other.id = ticket_id(1);
                let linked = one.link(related, Some(&mut other), &[], &by, now)?;
                ticket.unlink(related, target, &[linked.link], &by, now).map(|one| one.source)
            }
        }
        Action::Convert => ticket
            .convert(Some(other_kind), why, ticket_id(1), &by, now)
            .map(|(_, changes)| changes),
        Action::Submit => ticket.submit(None, Submission::Asks, &settings, now),
        Action::Approve => ticket.approve(None, &settings, now),
        Action::Reject => ticket.reject("no", now),
        Action::Revise => ticket.revise(now),
        Action::Fulfill => {
            ticket.fulfill(Some(FulfilmentCode::Complete), why, &Tasks::default(), &by, now)
        }
        Action::AcceptSuggestion => {
            let mut suggestion = suggestion(ticket);
            ticket
                .accept_suggestion(&mut suggestion, AGENT, &world, &settings, now)
                .map(|_| Vec::new())
        }
        Action::DismissSuggestion => {
            let mut suggestion = suggestion(ticket);
            ticket.dismiss_suggestion(&mut suggestion, AGENT, now)
        }
        // Which major states allow them stands in a table of its own.
        Action::ProposeMajor
        | Action::AcceptMajor
        | Action::RejectMajor
        | Action::UpdateMajor
        | Action::FinishMajor => ticket.demand(action).map(|()| Vec::new()),
    }?;
    let before_state = changes.iter().find(|change| change.field == "state");
    if let Some(change) = before_state {
        assert_eq!(change.after.as_deref(), Some(ticket.state().as_str()));
    }
    Ok(Done::Moved)
}

/// Where an incident stands as a major one when an action is possible.
fn major_before(action: Action) -> Major {
    let led_by = Leadership { manager: AGENT, communication_owner: COLLEAGUE };
    match action {
        Action::AcceptMajor | Action::RejectMajor => Major::Proposed,
        Action::UpdateMajor => {
            Major::Accepted { led_by, next_update_at: monday(), update_missed: false }
        }
        Action::FinishMajor => Major::Review { led_by },
        _ => Major::None,
    }
}

fn suggestion(ticket: &Ticket) -> Suggestion {
    Suggestion {
        id: SuggestionId(DESK.0),
        ticket: ticket.id,
        receipt: ReceiptId(LAPTOP.0),
        field: SuggestedField::Impact,
        seen: None,
        value: "1".to_owned(),
        confidence: 80,
        reasons: Vec::new(),
        state: SuggestionState::Open,
        created_at: monday(),
    }
}
