//! Links of a ticket: what it has to do with others, for the desk.

use waypost_domain::{
    link::{Link, LinkType},
    ticket::Ticket,
};
use waypost_store::{ReadTx, link, ticket};

use super::{TicketRef, read};
use crate::{Caller, CommandError, Desk};

/// A link as seen from one of its tickets.
#[derive(Debug, Clone)]
pub struct LinkView {
    /// What that ticket has to do with the other.
    pub link_type: LinkType,
    /// The other.
    pub other: Ticket,
    /// The link.
    pub link: Link,
}

/// What a ticket has to do with others, the oldest link first.
///
/// # Errors
/// [`CommandError::NotFound`] for a ticket that the caller may not see.
pub async fn links(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
) -> Result<Vec<LinkView>, CommandError> {
    caller.must_be_desk()?;
    let mut tx = desk.store.read(caller.org).await?;
    let seen = read::seen(&mut tx, caller, named).await?;
    views(&mut tx, &seen.ticket).await
}

async fn views(tx: &mut ReadTx, of: &Ticket) -> Result<Vec<LinkView>, CommandError> {
    let mut views = Vec::new();
    for link in link::of(tx, &[of.id.into()]).await? {
        let Some((link_type, other)) = link.seen_from(of.id) else { continue };
        let Some(other) = other.ticket() else { continue };
        if let Some(other) = ticket::find(tx, other).await? {
            views.push(LinkView { link_type, other, link });
        }
    }
    Ok(views)
}
