//! What voters decide on: the parts of a ticket that an approval is about.

use waypost_domain::ticket::Ticket;
use waypost_policy::Digest;

/// The digest of what voters decide on. A vote names it; when it changes, votes on the old content
/// do not count.
pub(crate) fn content_digest(ticket: &Ticket) -> String {
    Digest::of(ticket.approval_content().as_bytes()).to_string()
}
