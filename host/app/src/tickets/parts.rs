//! Parts of a larger incident: what may be one, and how they follow it.

use waypost_domain::{
    ids::TicketId,
    incident::MAX_CHILDREN,
    refusal::Faults,
    ticket::{Action, Body, Ticket, TicketKind},
};
use waypost_store::{
    ReadTx,
    ticket::{self, TicketFilter, TicketSort},
};

use super::{TicketRef, decide::Deciding, facts::Facts, read};
use crate::{Caller, CommandError, Desk};

/// The incident that a ticket shall be a part of; what stands against it is noted.
pub(super) async fn parent(
    tx: &mut ReadTx,
    caller: &Caller,
    child: &Ticket,
    named: &TicketRef,
    faults: &mut Faults,
) -> Result<Option<TicketId>, CommandError> {
    let parent = match read::seen(tx, caller, named).await {
        Ok(seen) => seen.ticket,
        Err(CommandError::NotFound(_)) => {
            faults.wrong("/parent", "unknown", "there is no such ticket; give its id or number");
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let has_children = ticket::count(tx, &parts_of(child.id)).await? > 0;
    child.check_parent(&parent, has_children, faults);
    if child.parent != Some(parent.id)
        && ticket::count(tx, &parts_of(parent.id)).await? >= u64::from(MAX_CHILDREN)
    {
        let message = format!("the parent has {MAX_CHILDREN} parts, which is the most");
        faults.wrong("/parent", "too-many", message);
    }
    Ok(Some(parent.id))
}

/// The parts of an incident that may have to follow it, each with what stands around it.
pub(super) struct Children(Vec<(Facts, Ticket)>);

impl Children {
    /// Reads the active parts of a ticket that do not go their own way. A request has none.
    pub(super) async fn read(
        tx: &mut ReadTx,
        facts: &Facts,
        parent: &Ticket,
    ) -> Result<Self, CommandError> {
        let mut children = Vec::new();
        if parent.kind() != TicketKind::Incident {
            return Ok(Self(children));
        }
        let active = TicketFilter { active: Some(true), ..parts_of(parent.id) };
        for child in ticket::list(tx, &active, TicketSort::Opened, None, MAX_CHILDREN).await? {
            if child.sync_with_parent {
                let mut facts = facts.clone();
                facts.around(tx, &child).await?;
                children.push((facts, child));
            }
        }
        Ok(Self(children))
    }

    /// Those that move because their parent, which was as it was before, did.
    pub(super) fn follow(
        self,
        desk: &Desk,
        caller: &Caller,
        action: Action,
        before: &Ticket,
        decided: &[Deciding],
    ) -> Vec<Deciding> {
        let parent = decided.iter().map(|one| &one.write.ticket).find(|one| one.id == before.id);
        let Some(Ticket { number, body, .. }) = parent.filter(|after| after.body != before.body)
        else {
            return Vec::new();
        };
        let Body::Incident(state) = body else { return Vec::new() };
        let follow = |(facts, child)| {
            let it = Deciding::of_stored(desk, facts, child, action.as_str(), caller);
            it.following(number, state, action)
        };
        self.0.into_iter().filter_map(follow).collect()
    }
}

/// All parts of an incident, whatever became of them.
pub(super) fn parts_of(parent: TicketId) -> TicketFilter {
    TicketFilter { parent: Some(parent), ..TicketFilter::default() }
}
