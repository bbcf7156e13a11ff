//! Acting on a ticket: one command, one move of the domain, one commit.

use waypost_domain::{permission, ticket::Action};

use super::{
    TicketAction, TicketRef, TicketView,
    conclude::{conclude, start_over_if_stale},
    decide::Deciding,
    facts::Facts,
    moves::{Mover, References},
    names,
    parts::Children,
    read,
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
    let references = References::read(&mut tx, caller, &facts, seen.ticket.id, action).await?;
    let children = Children::read(&mut tx, &facts, &seen.ticket).await?;
    facts.around(&mut tx, &seen.ticket).await?;
    drop(tx);

    let before = seen.ticket.clone();
    let mover = Mover { desk, caller, facts, open_approval: seen.open_approval, references };
    let mut decided = Box::pin(mover.carry_out(seen.ticket, action)).await?;
    let following = children.follow(desk, caller, action.name(), &before, &decided);
    decided.extend(following);
    if decided.iter().all(Deciding::is_idle) {
        return names::view_now(desk, caller.org, decided.swap_remove(0).write.ticket).await;
    }
    conclude(desk, caller, decided).await
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
            | Self::ProposeMajor { reason }
            | Self::RejectMajor { reason }
            | Self::Convert { reason, .. } => trim(reason),
            Self::SetEta { eta } => *eta = eta.map(ToMicros::to_micros),
            Self::Hold { vendor, comment, follow_up_at, .. } => {
                trim(vendor);
                trim(comment);
                *follow_up_at = follow_up_at.map(ToMicros::to_micros);
            }
            Self::CallerReply { text } => trim(text),
            Self::AcceptMajor { next_update_at, .. } => {
                *next_update_at = next_update_at.map(ToMicros::to_micros);
            }
            Self::UpdateMajor { text, next_update_at, .. } => {
                trim(text);
                *next_update_at = next_update_at.map(ToMicros::to_micros);
            }
            Self::FinishMajor { review_note } => trim(review_note),
            Self::Resolve { notes, .. } | Self::Fulfill { notes, .. } => trim(notes),
            Self::Assign { .. }
            | Self::Reroute
            | Self::Triage { .. }
            | Self::Acknowledge
            | Self::Start { .. }
            | Self::Resume
            | Self::Close
            | Self::MergeInto { .. }
            | Self::Link { .. }
            | Self::Unlink { .. }
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
            Self::Link { .. } => Action::Link,
            Self::Unlink { .. } => Action::Unlink,
            Self::Convert { .. } => Action::Convert,
            Self::Submit => Action::Submit,
            Self::Revise => Action::Revise,
            Self::Fulfill { .. } => Action::Fulfill,
            Self::ProposeMajor { .. } => Action::ProposeMajor,
            Self::AcceptMajor { .. } => Action::AcceptMajor,
            Self::RejectMajor { .. } => Action::RejectMajor,
            Self::UpdateMajor { .. } => Action::UpdateMajor,
            Self::FinishMajor { .. } => Action::FinishMajor,
        }
    }
}

fn trim(text: &mut Option<String>) {
    *text = text.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
}
