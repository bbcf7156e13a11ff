//! Links of a ticket: what it has to do with others, for the desk.

use waypost_domain::{
    ids::TicketId,
    link::{Link, LinkType},
    ticket::Ticket,
};
use waypost_store::{ReadTx, link};

use super::{TicketRef, names, read};
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
    let seen = |link: Link| {
        let (link_type, other) = link.seen_from(of.id)?;
        Some((link_type, other.ticket()?, link))
    };
    let links: Vec<(LinkType, TicketId, Link)> =
        link::of(tx, &[of.id.into()]).await?.into_iter().filter_map(seen).collect();
    let ids: Vec<TicketId> = links.iter().map(|(_, other, _)| *other).collect();
    let others = names::tickets_by_id(tx, &ids).await?;
    let view = |(link_type, other, link): (LinkType, TicketId, Link)| {
        // Two links may lead to the same ticket.
        let other = others.get(&other)?.clone();
        Some(LinkView { link_type, other, link })
    };
    Ok(links.into_iter().filter_map(view).collect())
}
