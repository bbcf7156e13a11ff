//! Suggestions of policies, which a person takes or turns down (requirement A7).

use waypost_domain::{
    ids::{PersonId, SuggestionId},
    permission,
    suggestion::{Accepted, Suggestion},
    ticket::Action,
};
use waypost_policy::question::EventKind;
use waypost_store::{ci, suggestion};

use crate::{
    Caller, CommandError, Desk, Missing,
    tickets::{
        TicketRef, TicketView,
        conclude::conclude,
        decide::Deciding,
        facts::Facts,
        moves::{Mover, References},
        read,
    },
};

/// All suggestions for a ticket, the oldest first.
pub async fn of_ticket(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
) -> Result<Vec<Suggestion>, CommandError> {
    caller.must_be_desk()?;
    let mut tx = desk.store.read(caller.org).await?;
    let seen = read::seen(&mut tx, caller, named).await?;
    Ok(suggestion::of_ticket(&mut tx, seen.ticket.id).await?)
}

/// Takes a suggestion: the field changes as if the person had changed it. A suggested kind converts the ticket; the new
/// ticket is returned then.
///
/// # Errors
/// Refused when it is decided already, or when the field has moved on since.
pub async fn accept(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
    id: SuggestionId,
) -> Result<TicketView, CommandError> {
    Box::pin(decide_on(desk, caller, named, id, Action::AcceptSuggestion)).await
}

/// Turns a suggestion down. Nothing changes, and it is counted.
pub async fn dismiss(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
    id: SuggestionId,
) -> Result<TicketView, CommandError> {
    Box::pin(decide_on(desk, caller, named, id, Action::DismissSuggestion)).await
}

async fn decide_on(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
    id: SuggestionId,
    action: Action,
) -> Result<TicketView, CommandError> {
    let (mut tx, mut facts) = Facts::open(desk, caller).await?;
    let seen = read::seen(&mut tx, caller, named).await?;
    permission::allows(caller.role, seen.relation, action, &seen.ticket)?;
    let by = person(caller)?;
    let mut suggested = suggestion::find(&mut tx, seen.ticket.id, id)
        .await?
        .ok_or(CommandError::NotFound(Missing::Suggestion))?;
    seen.ticket.demand(action)?;
    facts.around(&mut tx, &seen.ticket).await?;
    if let Some(found) = ci::find_by_key(&mut tx, &suggested.value).await? {
        facts.add_ci(&mut tx, found).await?;
    }
    drop(tx);

    let settings = facts.directory.org.settings.clone();
    let lookup = facts.clone();
    let mut it = Deciding::of_stored(desk, facts, seen.ticket, action.as_str(), caller);
    let was = it.write.ticket.state();
    let mut decided = Vec::new();
    if action == Action::DismissSuggestion {
        let changes = it.write.ticket.dismiss_suggestion(&mut suggested, by, caller.now)?;
        it.did_because(action, &caller.actor, changes, Some(said(&suggested)));
    } else {
        match it.write.ticket.accept_suggestion(
            &mut suggested,
            by,
            &lookup,
            &settings,
            caller.now,
        )? {
            Accepted::Changed(changes) => {
                if changes.iter().any(|change| change.field == "team" || change.field == "assignee")
                {
                    it.happened(EventKind::Assigned, &caller.actor, was);
                }
                it.did_because(action, &caller.actor, changes, Some(said(&suggested)));
            }
            Accepted::Convert(kind) => {
                it.did_because(action, &caller.actor, Vec::new(), Some(said(&suggested)));
                let mover = Mover {
                    desk,
                    caller,
                    facts: lookup,
                    open_approval: seen.open_approval,
                    references: References::default(),
                };
                let reason = Some(said(&suggested));
                it.write.decided.push(suggested.clone());
                decided = mover.convert(it, Some(kind), reason).await?;
                return conclude(desk, caller, decided).await;
            }
        }
    }
    it.write.decided.push(suggested);
    decided.push(it);
    conclude(desk, caller, decided).await
}

fn said(suggestion: &Suggestion) -> String {
    format!("suggested {}: {}", suggestion.field, suggestion.value)
}

fn person(caller: &Caller) -> Result<PersonId, CommandError> {
    caller.person().ok_or_else(|| {
        CommandError::Forbidden(
            "only a person decides on a suggestion; use a token that names one".to_owned(),
        )
    })
}
