//! A ticket's state in columns: facts that are true only in one state are empty in the others.

use waypost_domain::{
    event::Actor,
    ids::{CatalogItemId, OrderId, PersonId, TicketId},
    incident::{Awaiting, CancelOutcome, Cancellation, Hold, IncidentState, Resolution},
    request::{Fulfilment, Request, RequestState},
    ticket::{Body, TicketKind},
};

use super::row::{TABLE, TicketRow};
use crate::{StoreError, catalog};

/// Fills the columns of the state.
pub(super) fn write(body: &Body, row: &mut TicketRow) {
    match body {
        Body::Incident(state) => write_incident(state, row),
        Body::Request(request) => write_request(request, row),
    }
}

/// Reads the state back; a row whose columns do not fit its state is reported.
pub(super) fn read(row: &TicketRow) -> Result<Body, StoreError> {
    Ok(match TABLE.parse("kind", &row.kind)? {
        TicketKind::Incident => Body::Incident(read_incident(row)?),
        TicketKind::Request => Body::Request(read_request(row)?),
    })
}

fn write_incident(state: &IncidentState, row: &mut TicketRow) {
    match state {
        IncidentState::New | IncidentState::InProgress => {}
        IncidentState::OnHold(hold) => write_hold(hold, row),
        IncidentState::Resolved(resolution) => write_resolution(resolution, row),
        IncidentState::Closed { resolution, at, by } => {
            write_resolution(resolution, row);
            row.closed_at = Some(*at);
            (row.closed_by, row.closed_by_id) = actor(by);
        }
        IncidentState::Cancelled(cancellation) => write_cancellation(cancellation, row),
    }
}

fn write_request(request: &Request, row: &mut TicketRow) {
    let answers = request.answers.iter();
    row.item_id = request.item.map(|item| item.0);
    row.answers = Some(sqlx::types::Json(
        answers.map(|(field, answer)| (field.to_string(), answer.clone())).collect(),
    ));
    row.cost_minor = request.cost.as_ref().map(|cost| cost.minor_units);
    row.cost_currency = request.cost.as_ref().map(|cost| cost.currency.clone());
    row.expected_at = request.expected_at;
    row.quantity = Some(request.quantity.into());
    row.order_id = request.order.map(|order| order.0);
    match &request.state {
        RequestState::New | RequestState::AwaitingApproval | RequestState::InFulfilment => {}
        RequestState::OnHold(hold) => write_hold(hold, row),
        RequestState::Fulfilled(fulfilment) => write_fulfilment(fulfilment, row),
        RequestState::Rejected { reason, at } => {
            row.rejected_reason = Some(reason.clone());
            row.rejected_at = Some(*at);
        }
        RequestState::Closed { fulfilment, at, by } => {
            write_fulfilment(fulfilment, row);
            row.closed_at = Some(*at);
            (row.closed_by, row.closed_by_id) = actor(by);
        }
        RequestState::Cancelled(cancellation) => write_cancellation(cancellation, row),
    }
}

fn write_hold(hold: &Hold, row: &mut TicketRow) {
    let (awaiting, vendor, person) = match &hold.awaiting {
        Awaiting::Caller => ("caller", None, None),
        Awaiting::Vendor(vendor) => ("vendor", Some(vendor.clone()), None),
        Awaiting::Evidence(person) => ("evidence", None, Some(person.0)),
    };
    row.hold_awaiting = Some(awaiting.to_owned());
    row.hold_vendor = vendor;
    row.hold_person_id = person;
    row.hold_since = Some(hold.since);
    row.hold_follow_up_at = hold.follow_up_at;
}

fn write_resolution(resolution: &Resolution, row: &mut TicketRow) {
    row.outcome_code = Some(resolution.code.as_str().to_owned());
    row.outcome_notes = Some(resolution.notes.clone());
    row.outcome_at = Some(resolution.at);
    (row.outcome_by, row.outcome_by_id) = actor(&resolution.by);
}

fn write_fulfilment(fulfilment: &Fulfilment, row: &mut TicketRow) {
    row.outcome_code = Some(fulfilment.code.as_str().to_owned());
    row.outcome_notes = Some(fulfilment.notes.clone());
    row.outcome_at = Some(fulfilment.at);
    (row.outcome_by, row.outcome_by_id) = actor(&fulfilment.by);
}

fn write_cancellation(cancellation: &Cancellation, row: &mut TicketRow) {
    let (outcome, ticket) = match &cancellation.outcome {
        CancelOutcome::Withdrawn => ("withdrawn", None),
        CancelOutcome::MergedInto(ticket) => ("merged_into", Some(ticket.0)),
        CancelOutcome::ConvertedTo(ticket) => ("converted_to", Some(ticket.0)),
    };
    row.cancel_outcome = Some(outcome.to_owned());
    row.cancel_ticket_id = ticket;
    row.cancel_reason = Some(cancellation.reason.clone());
    row.cancelled_at = Some(cancellation.at);
    (row.cancelled_by, row.cancelled_by_id) = actor(&cancellation.by);
}

fn actor(by: &Actor) -> (Option<String>, Option<uuid::Uuid>) {
    (Some(by.kind.as_str().to_owned()), by.person.map(|person| person.0))
}

fn read_incident(row: &TicketRow) -> Result<IncidentState, StoreError> {
    Ok(match row.state.as_str() {
        "new" => IncidentState::New,
        "in_progress" => IncidentState::InProgress,
        "on_hold" => IncidentState::OnHold(read_hold(row)?),
        "resolved" => IncidentState::Resolved(read_resolution(row)?),
        "closed" => IncidentState::Closed {
            resolution: read_resolution(row)?,
            at: TABLE.need("closed_at", row.closed_at)?,
            by: read_closer(row)?,
        },
        "cancelled" => IncidentState::Cancelled(read_cancellation(row)?),
        _ => return Err(TABLE.corrupt("state")),
    })
}

fn read_request(row: &TicketRow) -> Result<Request, StoreError> {
    let state = match row.state.as_str() {
        "new" => RequestState::New,
        "awaiting_approval" => RequestState::AwaitingApproval,
        "in_fulfilment" => RequestState::InFulfilment,
        "on_hold" => RequestState::OnHold(read_hold(row)?),
        "fulfilled" => RequestState::Fulfilled(read_fulfilment(row)?),
        "rejected" => RequestState::Rejected {
            reason: TABLE.need("rejected_reason", row.rejected_reason.clone())?,
            at: TABLE.need("rejected_at", row.rejected_at)?,
        },
        "closed" => RequestState::Closed {
            fulfilment: read_fulfilment(row)?,
            at: TABLE.need("closed_at", row.closed_at)?,
            by: read_closer(row)?,
        },
        "cancelled" => RequestState::Cancelled(read_cancellation(row)?),
        _ => return Err(TABLE.corrupt("state")),
    };
    let answers = TABLE.need("answers", row.answers.as_ref())?.0.iter();
    let answers = answers
        .map(|(field, answer)| Ok((TABLE.parse("answers", field)?, answer.clone())))
        .collect::<Result<_, StoreError>>()?;
    Ok(Request {
        item: row.item_id.map(CatalogItemId),
        answers,
        // An older release wrote none, and counted none.
        quantity: TABLE.fit("quantity", row.quantity.unwrap_or(1))?,
        order: row.order_id.map(OrderId),
        cost: catalog::money(TABLE, row.cost_minor, row.cost_currency.clone())?,
        expected_at: row.expected_at,
        state,
    })
}

fn read_hold(row: &TicketRow) -> Result<Hold, StoreError> {
    let awaiting = match row.hold_awaiting.as_deref() {
        Some("caller") => Awaiting::Caller,
        Some("vendor") => Awaiting::Vendor(TABLE.need("hold_vendor", row.hold_vendor.clone())?),
        Some("evidence") => {
            Awaiting::Evidence(PersonId(TABLE.need("hold_person_id", row.hold_person_id)?))
        }
        _ => return Err(TABLE.corrupt("hold_awaiting")),
    };
    Ok(Hold {
        awaiting,
        since: TABLE.need("hold_since", row.hold_since)?,
        follow_up_at: row.hold_follow_up_at,
    })
}

fn read_resolution(row: &TicketRow) -> Result<Resolution, StoreError> {
    let code = TABLE.need("outcome_code", row.outcome_code.as_deref())?;
    Ok(Resolution {
        code: TABLE.parse("outcome_code", code)?,
        notes: TABLE.need("outcome_notes", row.outcome_notes.clone())?,
        at: TABLE.need("outcome_at", row.outcome_at)?,
        by: read_solver(row)?,
    })
}

fn read_fulfilment(row: &TicketRow) -> Result<Fulfilment, StoreError> {
    let code = TABLE.need("outcome_code", row.outcome_code.as_deref())?;
    Ok(Fulfilment {
        code: TABLE.parse("outcome_code", code)?,
        notes: TABLE.need("outcome_notes", row.outcome_notes.clone())?,
        at: TABLE.need("outcome_at", row.outcome_at)?,
        by: read_solver(row)?,
    })
}

fn read_solver(row: &TicketRow) -> Result<Actor, StoreError> {
    let kind = TABLE.need("outcome_by", row.outcome_by.as_deref())?;
    TABLE.actor("outcome_by", kind, row.outcome_by_id)
}

fn read_closer(row: &TicketRow) -> Result<Actor, StoreError> {
    let kind = TABLE.need("closed_by", row.closed_by.as_deref())?;
    TABLE.actor("closed_by", kind, row.closed_by_id)
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
    let by = TABLE.need("cancelled_by", row.cancelled_by.as_deref())?;
    Ok(Cancellation {
        outcome,
        reason: TABLE.need("cancel_reason", row.cancel_reason.clone())?,
        at: TABLE.need("cancelled_at", row.cancelled_at)?,
        by: TABLE.actor("cancelled_by", by, row.cancelled_by_id)?,
    })
}
