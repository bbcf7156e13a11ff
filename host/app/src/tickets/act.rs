//! Acting on a ticket: one command, one move of the domain, one commit.

use waypost_domain::{permission, ticket::Action};

use super::{
    TicketAction, TicketRef, TicketView,
    decide::{self, Deciding},
    facts::Facts,
    moves::{Mover, References},
    names, read, write,
};
use crate::{Caller, CommandError, Desk};

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
    let mut left = desk.options.stale_retries;
    loop {
        match Box::pin(try_act(desk, caller, named, &action, expected_version)).await {
            Err(CommandError::Stale) if expected_version.is_none() && left > 0 => left -= 1,
            other => return other,
        }
    }
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
    let (mut tx, mut facts) = Facts::open(desk, caller.org).await?;
    let seen = read::seen(&mut tx, caller, named).await?;
    permission::allows(caller.role, seen.relation, action.name(), &seen.ticket)?;
    if expected_version.is_some_and(|expected| expected != seen.ticket.version) {
        return Err(CommandError::Stale);
    }
    seen.ticket.demand(action.name())?;
    let references = References::read(&mut tx, caller, &facts, action).await?;
    facts.around(&mut tx, &seen.ticket).await?;
    drop(tx);

    let mover = Mover { desk, caller, facts, open_approval: seen.open_approval, references };
    let mut decided = Box::pin(mover.carry_out(seen.ticket, action)).await?;
    if decided.iter().all(Deciding::is_idle) {
        return names::view_now(desk, caller.org, decided.swap_remove(0).write.ticket).await;
    }
    decide::tell(desk, caller, &mut decided).await?;
    let mut writes = Deciding::finish_all(decided)?;
    write::commit(desk, caller.org, &mut writes, caller.now).await?;
    let ticket = writes.swap_remove(0).ticket;
    names::view_now(desk, caller.org, ticket).await
}

impl TicketAction {
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
