//! Major incidents as everybody of the organization may know of them: what is down, since when,
//! and what was last told. Also for whoever may not read the incidents themselves, so that nobody
//! reports what is known already.

use waypost_domain::{ids::TicketId, incident::PublicMajor};
use waypost_store::major;

use crate::{Caller, CommandError, Desk};

/// So many are told of. Of more at once, nobody looks for theirs.
pub const MOST: u32 = 5;

/// The accepted major incidents of the caller's organization that are worked on, the latest first.
///
/// # Errors
/// [`CommandError::Internal`] and its like: everybody who is known may ask.
pub async fn in_public(desk: &Desk, caller: &Caller) -> Result<Vec<PublicMajor>, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    Ok(major::in_public(&mut tx, None, MOST).await?)
}

/// The major incident of this id, if it is one that everybody may know of.
///
/// # Errors
/// As [`in_public`].
pub async fn one_in_public(
    desk: &Desk,
    caller: &Caller,
    id: TicketId,
) -> Result<Option<PublicMajor>, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    Ok(major::in_public(&mut tx, Some(id), 1).await?.pop())
}
