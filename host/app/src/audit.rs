//! Auditing: everything that happened in an organization, in pages. For auditors and administrators
//! (requirement P4).
//!
//! Events come ticket by ticket, in the order the tickets came in, and each ticket's history in its
//! order. Receipts come in the order they were made. Neither ever changes, so pages read at
//! different times fit together. Votes that were refused, and delegations of votes, are no events
//! of a ticket and have lists of their own.

use waypost_domain::{
    approval::RefusedVote,
    binding::{Binding, Revision, Switch},
    delegation::Delegation,
    event::Event,
    ids::{DelegationId, ReceiptId, RefusedVoteId},
    invariant::{Invariant, Violation},
    role::Role,
};
use waypost_store::{
    binding, binding_switch, delegation,
    event::{self, EventPlace},
    invariant, receipt, refused_vote,
};

use crate::{
    Caller, CommandError, Desk, InvalidCursor, Page, PageRequest,
    page::ListTag,
    receipts::{Names, ReceiptView},
};

pub use waypost_store::event::Period;

/// An event with its ticket's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedEvent {
    /// The ticket's number.
    pub number: String,
    /// The event.
    pub event: Event,
}

/// A refused vote with its ticket's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedRefusal {
    /// The ticket's number.
    pub number: String,
    /// The refused vote.
    pub refused: RefusedVote,
}

/// What happened to a binding: each of its revisions says who made it, each switch who put it into
/// force.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditedBinding {
    /// The binding.
    pub binding: Binding,
    /// Its revisions, the first one first.
    pub revisions: Vec<Revision>,
    /// Who enabled, disabled or rolled it back, the first one first.
    pub switches: Vec<Switch>,
}

/// So many broken records of each invariant are named; who has more has one cause for them.
pub const MAX_NAMED: u32 = 100;

/// Looks over the organization's records, and lists where an invariant is not true: nowhere, unless
/// somebody wrote past Waypost. For auditors and administrators.
///
/// # Errors
/// [`CommandError::Forbidden`] for anybody else.
pub async fn check(desk: &Desk, caller: &Caller) -> Result<Vec<Violation>, CommandError> {
    must_audit(caller)?;
    let mut tx = desk.store.read(caller.org).await?;
    let mut broken = Vec::new();
    for one in Invariant::ALL {
        broken.extend(invariant::violations(&mut tx, *one, MAX_NAMED).await?);
    }
    Ok(broken)
}

/// Lists the organization's events. For auditors and administrators.
///
/// # Errors
/// [`CommandError::Forbidden`] for anybody else, [`CommandError::Cursor`] for a cursor of another
/// list.
pub async fn events(
    desk: &Desk,
    caller: &Caller,
    period: Period,
    request: &PageRequest,
) -> Result<Page<AuditedEvent>, CommandError> {
    must_audit(caller)?;
    let tag = ListTag::of(caller, "events", &period);
    let after = tag.place(request.after.as_ref())?;
    let after = after.map(|place| event_place(&place).ok_or(InvalidCursor)).transpose()?;
    let mut tx = desk.store.read(caller.org).await?;
    let rows = event::page(&mut tx, period, after, request.rows_to_read()).await?;
    let place = |(_, event): &(String, Event)| format!("{}/{}", event.subject.id(), event.seq);
    let page = Page::cut(rows, request, tag, place);
    Ok(page.map(|(number, event)| AuditedEvent { number, event }))
}

/// Lists the organization's refused votes in the order in which they were tried. For auditors and
/// administrators.
///
/// # Errors
/// As [`events`].
pub async fn refused_votes(
    desk: &Desk,
    caller: &Caller,
    period: Period,
    request: &PageRequest,
) -> Result<Page<AuditedRefusal>, CommandError> {
    must_audit(caller)?;
    let tag = ListTag::of(caller, "refused votes", &period);
    let after = tag.place(request.after.as_ref())?;
    let after =
        after.map(|id| id.parse::<RefusedVoteId>().map_err(|_| InvalidCursor)).transpose()?;
    let mut tx = desk.store.read(caller.org).await?;
    let rows = refused_vote::page(&mut tx, period, after, request.rows_to_read()).await?;
    let page = Page::cut(rows, request, tag, |(_, refused)| refused.id.to_string());
    Ok(page.map(|(number, refused)| AuditedRefusal { number, refused }))
}

/// Lists the organization's delegations in the order in which they were planned. For auditors and
/// administrators.
///
/// # Errors
/// As [`events`].
pub async fn delegations(
    desk: &Desk,
    caller: &Caller,
    request: &PageRequest,
) -> Result<Page<Delegation>, CommandError> {
    must_audit(caller)?;
    let tag = ListTag::of(caller, "audited delegations", &());
    let after = tag.place(request.after.as_ref())?;
    let after =
        after.map(|id| id.parse::<DelegationId>().map_err(|_| InvalidCursor)).transpose()?;
    let mut tx = desk.store.read(caller.org).await?;
    let rows = delegation::list(&mut tx, None, after, request.rows_to_read()).await?;
    Ok(Page::cut(rows, request, tag, |one| one.id.to_string()))
}

/// Lists the organization's receipts, the first one first. For auditors and administrators.
///
/// # Errors
/// As [`events`].
pub async fn receipts(
    desk: &Desk,
    caller: &Caller,
    period: Period,
    request: &PageRequest,
) -> Result<Page<ReceiptView>, CommandError> {
    must_audit(caller)?;
    let tag = ListTag::of(caller, "audited receipts", &period);
    let after = tag.place(request.after.as_ref())?;
    let after = after.map(|id| id.parse::<ReceiptId>().map_err(|_| InvalidCursor)).transpose()?;
    let mut tx = desk.store.read(caller.org).await?;
    let rows = receipt::page(&mut tx, period, after, request.rows_to_read()).await?;
    let page = Page::cut(rows, request, tag, |receipt| receipt.id.to_string());
    let names = Names::read(&mut tx, &page.rows).await?;
    Ok(page.map(|receipt| names.view(receipt)))
}

/// All of the organization's own bindings with what happened to them. For auditors and
/// administrators.
///
/// # Errors
/// [`CommandError::Forbidden`] for anybody else.
pub async fn bindings(desk: &Desk, caller: &Caller) -> Result<Vec<AuditedBinding>, CommandError> {
    must_audit(caller)?;
    let mut tx = desk.store.read(caller.org).await?;
    let mut audited = Vec::new();
    for (binding, _) in binding::list(&mut tx).await? {
        let revisions = binding::revisions(&mut tx, binding.id).await?;
        let switches = binding_switch::of_binding(&mut tx, binding.id).await?;
        audited.push(AuditedBinding { binding, revisions, switches });
    }
    Ok(audited)
}

fn must_audit(caller: &Caller) -> Result<(), CommandError> {
    caller.must_be(&[Role::Admin, Role::Auditor])
}

fn event_place(place: &str) -> Option<EventPlace> {
    let (subject, seq) = place.split_once('/')?;
    Some(EventPlace { subject: subject.parse().ok()?, seq: seq.parse().ok()? })
}
