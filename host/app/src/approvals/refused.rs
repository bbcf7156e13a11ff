//! Refused votes, kept for whoever audits them.
//!
//! In a small transaction of their own, so that the round and its ticket stay as they were. What is
//! not there, and what somebody else changed meanwhile, leaves no trace: nothing was refused then.

use waypost_domain::{
    approval::{MAX_REFUSED, RefusedVote, VoteKind},
    ids::{ApprovalRequestId, RefusedVoteId},
    refusal::{FieldFault, Refused},
};
use waypost_store::{approval, refused_vote};

use super::Vote;
use crate::{
    Caller, Code, CommandError, Desk,
    tickets::{TicketRef, read},
};

/// Keeps a vote that was refused, as far as anything was. A failure to do so is logged: the caller
/// gets to hear of the refusal in any case.
pub(super) async fn note(
    desk: &Desk,
    caller: &Caller,
    request: ApprovalRequestId,
    vote: &Vote,
    error: &CommandError,
) {
    let Some(code) = code(error) else { return };
    if let Err(fault) = keep(desk, caller, request, vote, code, message(error)).await {
        tracing::error!(
            org.id = %caller.org,
            request.id = %request,
            error = &fault as &dyn std::error::Error,
            "a refused vote was not recorded"
        );
    }
}

async fn keep(
    desk: &Desk,
    caller: &Caller,
    request: ApprovalRequestId,
    vote: &Vote,
    code: Code,
    message: String,
) -> Result<(), CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    let Some(round) = approval::find_request(&mut tx, request).await? else { return Ok(()) };
    let Some(subject) = round.subject.ticket() else { return Ok(()) };
    match read::seen(&mut tx, caller, &TicketRef::Id(subject)).await {
        Ok(_) => {}
        // Who may not see the ticket was told that there is no such request.
        Err(CommandError::NotFound(_)) => return Ok(()),
        Err(error) => return Err(error),
    }
    if refused_vote::count(&mut tx, request, caller.person()).await? >= MAX_REFUSED {
        return Ok(());
    }
    drop(tx);
    let (vote, comment) = match vote {
        Vote::Approve { comment } => (VoteKind::Approve, comment),
        Vote::Reject { comment } => (VoteKind::Reject, comment),
        Vote::Abstain { comment } => (VoteKind::Abstain, comment),
        Vote::Delegate { reason, .. } => (VoteKind::Delegate, reason),
    };
    let refused = RefusedVote {
        id: RefusedVoteId(desk.id(caller)),
        org: caller.org,
        subject: round.subject,
        approval: round.id,
        request,
        at: caller.now,
        by: caller.actor.clone(),
        vote,
        code: code.as_str().to_owned(),
        message,
        comment: comment.clone(),
    };
    // Not `Desk::write`: nothing was carried out, so a repeat of the request is tried anew.
    let mut tx = desk.store.write(caller.org).await?;
    refused_vote::append(&mut tx, &refused.bounded()).await?;
    Ok(tx.commit().await?)
}

/// The word for a refusal, the same as its sender reads; none where nothing was refused.
fn code(error: &CommandError) -> Option<Code> {
    let code = error.code();
    let is_refused = match code {
        Code::Forbidden
        | Code::SeparationOfDuties
        | Code::InvalidTransition
        | Code::MissingFields
        | Code::ValidationFailed
        | Code::GuardFailed
        | Code::ApprovalRequired
        | Code::ContentChanged => true,
        Code::NotFound
        | Code::StaleVersion
        | Code::Duplicate
        | Code::CursorInvalid
        | Code::Unavailable
        | Code::OutcomeUnknown
        | Code::Internal => false,
    };
    is_refused.then_some(code)
}

fn message(error: &CommandError) -> String {
    let told = |fault: &FieldFault| format!("{}: {}", fault.pointer, fault.message);
    match error {
        CommandError::Refused(Refused::MissingFields(faults) | Refused::Invalid(faults))
        | CommandError::Invalid(faults) => faults.iter().map(told).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}
