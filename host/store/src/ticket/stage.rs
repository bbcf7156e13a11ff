//! Where a ticket stands, in columns: facts that are true only in one phase are empty in the
//! others.

use uuid::Uuid;
use waypost_domain::{
    event::Actor,
    ids::{PersonId, TicketId},
    ticket::{
        Awaiting, AwaitingKind, CancelOutcome, Cancellation, Closing, Hold, Outcome, Phase,
        Rejection, Stage,
    },
};

use super::row::{TABLE, TicketRow};
use crate::StoreError;

/// Fills the columns of the phase.
pub(super) fn write(stage: &Stage, row: &mut TicketRow) {
    match stage {
        Stage::Open(_) => {}
        Stage::OnHold(hold) => write_hold(hold, row),
        Stage::Done(_, outcome) => write_outcome(outcome, row),
        Stage::Rejected(rejection) => {
            row.rejected_reason = Some(rejection.reason.clone());
            row.rejected_at = Some(rejection.at);
        }
        Stage::Closed(_, outcome, closing) => {
            write_outcome(outcome, row);
            row.closed_at = Some(closing.at);
            (row.closed_by, row.closed_by_id) = actor(&closing.by);
        }
        Stage::Cancelled(cancellation) => {
            row.cancel_outcome = Some(cancellation.outcome.as_str().to_owned());
            row.cancel_ticket_id = cancellation.outcome.ticket().map(|ticket| ticket.0);
            row.cancel_reason = Some(cancellation.reason.clone());
            row.cancelled_at = Some(cancellation.at);
            (row.cancelled_by, row.cancelled_by_id) = actor(&cancellation.by);
        }
    }
}

/// Reads it back; a row whose columns do not fit its phase is reported.
pub(super) fn read(row: &TicketRow) -> Result<Stage, StoreError> {
    let state = TABLE.parse("state", &row.state)?;
    let read = match TABLE.parse("phase", &row.phase)? {
        Phase::Open => Stage::Open(state),
        Phase::OnHold => Stage::OnHold(read_hold(row)?),
        Phase::Done => Stage::Done(state, read_outcome(row)?),
        Phase::Rejected => Stage::Rejected(Rejection {
            reason: TABLE.need("rejected_reason", row.rejected_reason.clone())?,
            at: TABLE.need("rejected_at", row.rejected_at)?,
        }),
        Phase::Closed => Stage::Closed(
            state,
            read_outcome(row)?,
            Closing {
                at: TABLE.need("closed_at", row.closed_at)?,
                by: read_actor("closed_by", row.closed_by.as_deref(), row.closed_by_id)?,
            },
        ),
        Phase::Cancelled => Stage::Cancelled(read_cancellation(row)?),
    };
    if read.state() == state { Ok(read) } else { Err(TABLE.corrupt("state")) }
}

fn write_hold(hold: &Hold, row: &mut TicketRow) {
    row.hold_awaiting = Some(hold.awaiting.as_str().to_owned());
    match &hold.awaiting {
        Awaiting::Caller => {}
        Awaiting::Vendor(vendor) => row.hold_vendor = Some(vendor.clone()),
        Awaiting::Evidence(person) => row.hold_person_id = Some(person.0),
        Awaiting::Problem(problem) => row.hold_problem_id = Some(problem.0),
        Awaiting::Other(what) => row.hold_other = Some(what.clone()),
    }
    row.hold_since = Some(hold.since);
    row.hold_follow_up_at = hold.follow_up_at;
}

fn write_outcome(outcome: &Outcome, row: &mut TicketRow) {
    row.outcome_code = outcome.code.map(|code| code.as_str().to_owned());
    row.outcome_notes = Some(outcome.notes.clone());
    row.outcome_at = Some(outcome.at);
    (row.outcome_by, row.outcome_by_id) = actor(&outcome.by);
}

fn actor(by: &Actor) -> (Option<String>, Option<Uuid>) {
    (Some(by.kind.as_str().to_owned()), by.person.map(|person| person.0))
}

fn read_hold(row: &TicketRow) -> Result<Hold, StoreError> {
    let awaiting = TABLE.need("hold_awaiting", row.hold_awaiting.as_deref())?;
    let awaiting = match TABLE.parse("hold_awaiting", awaiting)? {
        AwaitingKind::Caller => Awaiting::Caller,
        AwaitingKind::Vendor => {
            Awaiting::Vendor(TABLE.need("hold_vendor", row.hold_vendor.clone())?)
        }
        AwaitingKind::Evidence => {
            Awaiting::Evidence(PersonId(TABLE.need("hold_person_id", row.hold_person_id)?))
        }
        AwaitingKind::Problem => {
            Awaiting::Problem(TicketId(TABLE.need("hold_problem_id", row.hold_problem_id)?))
        }
        AwaitingKind::Other => Awaiting::Other(TABLE.need("hold_other", row.hold_other.clone())?),
    };
    Ok(Hold {
        awaiting,
        since: TABLE.need("hold_since", row.hold_since)?,
        follow_up_at: row.hold_follow_up_at,
    })
}

fn read_outcome(row: &TicketRow) -> Result<Outcome, StoreError> {
    Ok(Outcome {
        code: TABLE.parse_some("outcome_code", row.outcome_code.as_deref())?,
        notes: TABLE.need("outcome_notes", row.outcome_notes.clone())?,
        at: TABLE.need("outcome_at", row.outcome_at)?,
        by: read_actor("outcome_by", row.outcome_by.as_deref(), row.outcome_by_id)?,
    })
}

fn read_cancellation(row: &TicketRow) -> Result<Cancellation, StoreError> {
    let ticket =
        || Ok::<_, StoreError>(TicketId(TABLE.need("cancel_ticket_id", row.cancel_ticket_id)?));
    let outcome = match row.cancel_outcome.as_deref() {
        Some("withdrawn") => CancelOutcome::Withdrawn,
        Some("merged_into") => CancelOutcome::MergedInto(ticket()?),
        Some("converted_to") => CancelOutcome::ConvertedTo(ticket()?),
        _ => return Err(TABLE.corrupt("cancel_outcome")),
    };
    Ok(Cancellation {
        outcome,
        reason: TABLE.need("cancel_reason", row.cancel_reason.clone())?,
        at: TABLE.need("cancelled_at", row.cancelled_at)?,
        by: read_actor("cancelled_by", row.cancelled_by.as_deref(), row.cancelled_by_id)?,
    })
}

fn read_actor(
    column: &'static str,
    kind: Option<&str>,
    person: Option<Uuid>,
) -> Result<Actor, StoreError> {
    TABLE.actor(column, TABLE.need(column, kind)?, person)
}
