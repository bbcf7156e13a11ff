//! What if: where a ticket would be if something about it was different. Nothing is kept.

use serde_json::{Map, Value as Json};
use waypost_domain::ticket::Action;

use super::{
    TicketRef, TicketView,
    decide::{self, TicketDraft},
    facts::Facts,
    names, read,
    scene::performed,
};
use crate::{Caller, CommandError, Desk};

/// Where a ticket is, and where it would be.
#[derive(Debug, Clone)]
pub struct WhatIf {
    /// The ticket as it is.
    pub before: TicketView,
    /// As it would be.
    pub after: TicketView,
    /// Why policies, or the host in their place, would decide so.
    pub reasons: Vec<(Action, String)>,
    /// The mark of policies that failed, so that its team stays as it is.
    pub policy_failures: Option<String>,
}

/// Finds out where a ticket would be with other fields: they are edited, the matrix gives the
/// priority, and the policies are asked again who should get it. Nothing is kept, and no policy is
/// the worse for failing.
///
/// # Errors
/// As [`super::edit`]; [`CommandError::Forbidden`] for a requester.
pub async fn what_if(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
    fields: &Map<String, Json>,
) -> Result<WhatIf, CommandError> {
    caller.must_be_desk()?;
    let before = read::find(desk, caller, named).await?;
    before.ticket.admit(Action::Reroute)?;
    let performed = performed(desk, caller, named, Action::Edit, fields, None);
    let (scene, _) = Box::pin(performed).await?;
    let edited = scene.drafts.into_iter().next().map(|draft| draft.write.ticket);
    let edited = edited.unwrap_or_else(|| before.ticket.clone());
    // What stands around it may be something else now.
    let (mut tx, mut facts) = Facts::open(desk, caller).await?;
    facts.around(&mut tx, &edited).await?;
    drop(tx);
    let occasion = Action::Reroute.as_str();
    let mut drafts = vec![TicketDraft::of_stored(desk, facts, edited, occasion, caller)];
    decide::foresee_routing(desk, caller, &mut drafts).await?;
    let draft = drafts.pop().ok_or(CommandError::Busy)?;
    let mut tx = desk.store.read(caller.org).await?;
    Ok(WhatIf {
        before,
        after: names::view(&mut tx, draft.write.ticket.clone()).await?,
        reasons: draft.reasons(),
        policy_failures: draft.failures_so_far(),
    })
}
