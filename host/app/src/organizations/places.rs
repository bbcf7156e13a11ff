//! Where somebody may work: their own organization, and for people of a desk those below it.

use waypost_store::organization;

use crate::{
    CommandError, Desk,
    sign_ins::{self, SignedIn},
    tickets::Named,
};

/// So many are listed: one page shows them.
const MAX_LISTED: u32 = 500;

/// The organizations in which somebody may work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Their own, then those below it, each level by key.
    pub listed: Vec<Named>,
    /// Whether there are more.
    pub has_more: bool,
}

/// Lists the organizations in which the person who is signed in may work, wherever they are now.
/// For the desk.
///
/// # Errors
/// [`CommandError::Forbidden`] for a requester, who is nobody below their own organization.
pub async fn places(desk: &Desk, who: &SignedIn) -> Result<Places, CommandError> {
    who.caller.must_be_desk()?;
    let (home, _) = sign_ins::own(desk, who).await?;
    let mut tx = desk.store.read(home).await?;
    let mut found = organization::at_or_below(&mut tx, MAX_LISTED + 1).await?;
    let has_more = found.len() > MAX_LISTED as usize;
    found.truncate(MAX_LISTED as usize);
    let listed = found.into_iter().map(|one| Named { key: one.key, name: one.name });
    Ok(Places { listed: listed.collect(), has_more })
}
