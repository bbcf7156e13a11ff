//! Suggestions of policies (requirement A7). Accepting and dismissing one are actions on its
//! ticket.

use waypost_domain::suggestion::Suggestion;
use waypost_store::suggestion;

use crate::{
    Caller, CommandError, Desk,
    tickets::{TicketRef, read},
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
