//! Editing the fields of a ticket.

use std::collections::BTreeSet;

use waypost_domain::{
    directory::References,
    key::Key,
    permission,
    priority::Level,
    refusal::Faults,
    ticket::{Action, Edit, Ticket},
};
use waypost_policy::question::EventKind;
use waypost_store::{ReadTx, ci};

use super::{
    TicketEdit, TicketRef, TicketView, conclude::conclude, decide::Deciding, facts::Facts, moves,
    names, parts, read,
};
use crate::{Caller, CommandError, Desk, input::Reading};

/// Changes fields. `expected_version` is the version that the caller read.
///
/// # Errors
/// In this order: not there or not visible, role, version, state, fields.
pub async fn edit(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
    changes: TicketEdit,
    expected_version: Option<i64>,
) -> Result<TicketView, CommandError> {
    let (mut tx, mut facts) = Facts::open(desk, caller).await?;
    let seen = read::seen(&mut tx, caller, named).await?;
    permission::allows(caller.role, seen.relation, Action::Edit, &seen.ticket)?;
    if expected_version.is_some_and(|expected| expected != seen.ticket.version) {
        return Err(CommandError::Stale);
    }
    seen.ticket.demand(Action::Edit)?;
    facts.around(&mut tx, &seen.ticket).await?;
    let edit = resolved(&mut tx, caller, &mut facts, &seen.ticket, changes).await?;
    permission::allows_edit(caller.role, seen.relation, &edit, &seen.ticket)?;
    drop(tx);

    let settings = facts.directory.org.settings.clone();
    let lookup = facts.clone();
    let mut it = Deciding::of_stored(desk, facts, seen.ticket, Action::Edit.as_str(), caller);
    let (was, before) = (it.write.ticket.state(), it.write.ticket.priority.effective().0);
    let done = it.write.ticket.edit(edit, &lookup, &settings, caller.now)?;
    if done.is_empty() {
        return names::view_now(desk, caller.org, it.write.ticket).await;
    }
    it.did(Action::Edit, &caller.actor, done);
    if it.write.ticket.priority.effective().0 != before {
        it.happened(EventKind::PriorityChanged, &caller.actor, was);
    }
    conclude(desk, caller, vec![it]).await
}

/// The edit with everything that it names looked up; all that leads nowhere is refused at once.
async fn resolved(
    tx: &mut ReadTx,
    caller: &Caller,
    facts: &mut Facts,
    ticket: &Ticket,
    changes: TicketEdit,
) -> Result<Edit, CommandError> {
    let mut faults = Faults::new();
    let parent = match &changes.parent {
        Some(Some(named)) => parts::parent(tx, caller, ticket, named, &mut faults).await?.map(Some),
        Some(None) => Some(None),
        None => None,
    };
    if let Some(Some(key)) = &changes.ci {
        // Only the database knows all of them; the check below then finds it.
        if let Some(found) = ci::find_by_key(tx, key).await? {
            facts.add_ci(tx, found).await?;
        }
    }
    let mut watchers = None;
    if let Some(named) = &changes.watchers {
        let mut people = BTreeSet::new();
        for (place, one) in named.iter().enumerate() {
            let pointer = format!("/watchers/{place}");
            people.extend(moves::person(tx, facts, &mut faults, &pointer, one).await?);
        }
        watchers = Some(people);
    }
    let mut answers = None;
    if let Some(given) = &changes.answers {
        let mut parsed = Vec::with_capacity(given.len());
        for (field, value) in given {
            match field.parse::<Key>() {
                Ok(key) => parsed.push((key, value.clone())),
                Err(invalid) => {
                    faults.wrong(&format!("/answers/{field}"), "unknown", invalid.to_string());
                }
            }
        }
        answers = Some(parsed);
    }
    let expected_at = match changes.expected_at {
        Some(Some(given)) => faults.moment("/expected_at", given).map(Some),
        Some(None) => Some(None),
        None => None,
    };
    let mut found = References { directory: facts, org: caller.org, faults: &mut faults };
    let edit = Edit {
        category: changes
            .category
            .map(|path| path.and_then(|path| found.category("/category", &path))),
        service: changes.service.map(|key| key.and_then(|key| found.service("/service", &key))),
        ci: changes.ci.map(|key| key.and_then(|key| found.ci("/ci", &key))),
        short_description: changes.short_description,
        description: changes.description,
        impact: changes.impact.map(|level| level.map(Level)),
        urgency: changes.urgency.map(|level| level.map(Level)),
        tags: changes.tags,
        answers,
        quantity: changes.quantity,
        expected_at,
        watchers,
        parent,
        sync_with_parent: changes.sync_with_parent,
        affected_users: changes.affected_users,
    };
    faults.finish()?;
    Ok(edit)
}
