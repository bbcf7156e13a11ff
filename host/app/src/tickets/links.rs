//! Links of a ticket: what it has to do with others, for the desk.

use waypost_domain::{
    ids::TicketId,
    link::{Link, LinkType},
    ticket::Ticket,
};
use waypost_store::{ReadTx, link};

use super::{Look, names};
use crate::CommandError;

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

impl Look<'_> {
    /// What the ticket has to do with others, the oldest link first. For the desk.
    ///
    /// # Errors
    /// [`CommandError::Forbidden`] for a requester.
    pub async fn links(&mut self) -> Result<Vec<LinkView>, CommandError> {
        self.caller.must_be_desk()?;
        views(&mut self.tx, &self.seen.ticket).await
    }
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
