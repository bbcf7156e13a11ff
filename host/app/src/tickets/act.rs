//! Acting on a ticket: one command, one move of the domain, one commit.

use waypost_domain::{
    incident::{IncidentState, MAX_CHILDREN},
    permission,
    ticket::{Action, Body, Ticket, TicketKind},
};
use waypost_store::{
    ReadTx,
    ticket::{self, TicketFilter, TicketSort},
};

use super::{
    TicketAction, TicketRef, TicketView,
    conclude::{conclude, start_over_if_stale},
    decide::Deciding,
    facts::Facts,
    moves::{Mover, References},
    names, read,
};
use crate::{Caller, CommandError, Desk, clock::ToMicros};

pub use waypost_domain::ticket::ActionHint;

/// Carries out an action on a ticket.
///
/// With `expected_version`, somebody else's change in between is [`CommandError::Stale`]; without, the action starts over
/// on what is there then.
///
/// # Errors
/// In this order: not there or not visible, role, version, state, fields, what stands around it.
pub async fn act(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
    action: TicketAction,
    expected_version: Option<i64>,
) -> Result<TicketView, CommandError> {
    let action = action.tidied();
    let retries = if expected_version.is_none() { desk.options.stale_retries } else { 0 };
    let attempt = || Box::pin(try_act(desk, caller, named, &action, expected_version));
    start_over_if_stale(retries, attempt).await
}

/// The actions that the caller may take now, with the fields that each still lacks.
pub async fn actions(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
) -> Result<Vec<ActionHint>, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    let seen = read::seen(&mut tx, caller, named).await?;
    let settings = waypost_store::organization::load(&mut tx).await?.settings;
    Ok(seen.ticket.allowed_actions(caller.role, seen.relation, &settings))
}

async fn try_act(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
    action: &TicketAction,
    expected_version: Option<i64>,
) -> Result<TicketView, CommandError> {
    let (mut tx, mut facts) = Facts::open(desk, caller).await?;
    let seen = read::seen(&mut tx, caller, named).await?;
    permission::allows(caller.role, seen.relation, action.name(), &seen.ticket)?;
    if expected_version.is_some_and(|expected| expected != seen.ticket.version) {
        return Err(CommandError::Stale);
    }
    seen.ticket.demand(action.name())?;
    let references = References::read(&mut tx, caller, &facts, action).await?;
    let children = children(&mut tx, &facts, &seen.ticket).await?;
    facts.around(&mut tx, &seen.ticket).await?;
    drop(tx);

    let before = seen.ticket.clone();
    let mover = Mover { desk, caller, facts, open_approval: seen.open_approval, references };
    let mut decided = Box::pin(mover.carry_out(seen.ticket, action)).await?;
    let after = decided.iter().map(|one| &one.write.ticket).find(|one| one.id == before.id);
    let following = match after {
        Some(Ticket { number, body: Body::Incident(state), .. }) if state_moved(&before, state) => {
            let follow = |(facts, child)| {
                let it = Deciding::of_stored(desk, facts, child, action.name().as_str(), caller);
                it.following(number, state, action.name())
            };
            children.into_iter().filter_map(follow).collect()
        }
        _ => Vec::new(),
    };
    decided.extend(following);
    if decided.iter().all(Deciding::is_idle) {
        return names::view_now(desk, caller.org, decided.swap_remove(0).write.ticket).await;
    }
    conclude(desk, caller, decided).await
}

fn state_moved(before: &Ticket, after: &IncidentState) -> bool {
    !matches!(&before.body, Body::Incident(state) if state == after)
}

/// The parts of an incident that may have to follow it, with what stands around each.
async fn children(
    tx: &mut ReadTx,
    facts: &Facts,
    parent: &Ticket,
) -> Result<Vec<(Facts, Ticket)>, CommandError> {
    if parent.kind() != TicketKind::Incident {
        return Ok(Vec::new());
    }
    let parts =
        TicketFilter { parent: Some(parent.id), active: Some(true), ..TicketFilter::default() };
    let mut children = Vec::new();
    for child in ticket::list(tx, &parts, TicketSort::Opened, None, MAX_CHILDREN).await? {
        let mut facts = facts.clone();
        facts.around(tx, &child).await?;
        children.push((facts, child));
    }
    Ok(children)
}

impl TicketAction {
    /// The same with its texts and times as they are kept, so that what is checked is what is stored, told and sent. A text
    /// of nothing but spaces is none.
    fn tidied(mut self) -> Self {
        match &mut self {
            Self::SetPriority { reason, .. }
            | Self::Escalate { reason, .. }
            | Self::Reopen { reason }
            | Self::Cancel { reason }
            | Self::Convert { reason, .. } => trim(reason),
            Self::SetEta { eta } => *eta = eta.map(ToMicros::to_micros),
            Self::Hold { vendor, comment, follow_up_at, .. } => {
                trim(vendor);
                trim(comment);
                *follow_up_at = follow_up_at.map(ToMicros::to_micros);
            }
            Self::CallerReply { text } => trim(text),
            Self::Resolve { notes, .. } | Self::Fulfill { notes, .. } => trim(notes),
            Self::Assign { .. }
            | Self::Reroute
            | Self::Triage { .. }
            | Self::Acknowledge
            | Self::Start { .. }
            | Self::Resume
            | Self::Close
            | Self::MergeInto { .. }
            | Self::Submit
            | Self::Revise => {}
        }
        self
    }

    /// The action's name.
    #[must_use]
    pub const fn name(&self) -> Action {
        match self {
            Self::Assign { .. } => Action::Assign,
            Self::Reroute => Action::Reroute,
            Self::Triage { .. } => Action::Triage,
            Self::SetPriority { .. } => Action::SetPriority,
            Self::Acknowledge => Action::Acknowledge,
            Self::SetEta { .. } => Action::SetEta,
            Self::Escalate { .. } => Action::Escalate,
            Self::Start { .. } => Action::Start,
            Self::Hold { .. } => Action::Hold,
            Self::Resume => Action::Resume,
            Self::CallerReply { .. } => Action::CallerReply,
            Self::Resolve { .. } => Action::Resolve,
            Self::Reopen { .. } => Action::Reopen,
            Self::Close => Action::Close,
            Self::Cancel { .. } => Action::Cancel,
            Self::MergeInto { .. } => Action::MergeInto,
            Self::Convert { .. } => Action::Convert,
            Self::Submit => Action::Submit,
            Self::Revise => Action::Revise,
            Self::Fulfill { .. } => Action::Fulfill,
        }
    }
}

fn trim(text: &mut Option<String>) {
    *text = text.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
}
