//! The caller themselves: where they act, and who they are.

use waypost_store::{organization, person};

use crate::{
    Caller, CommandError, Desk,
    tickets::{Named, PersonName},
};

/// Where the caller acts, and who they are.
#[derive(Debug, Clone)]
pub struct Me {
    /// The organization whose records are asked for.
    pub organization: Named,
    /// The person whom the token stands for, wherever in the lineage they belong.
    pub person: Option<PersonName>,
}

/// Where the caller acts, and who they are.
///
/// Who acts in an organization below their own is no person of it, so they are looked for upwards.
pub async fn me(desk: &Desk, caller: &Caller) -> Result<Me, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    let here = organization::load(&mut tx).await?;
    let lineage = organization::lineage(&mut tx).await?;
    drop(tx);
    let mut name = None;
    if let Some(id) = caller.person() {
        for layer in lineage.iter().rev() {
            let mut tx = desk.store.read(layer.id).await?;
            if let Some(found) = person::find(&mut tx, id).await? {
                name = Some(PersonName { id, name: found.name });
                break;
            }
        }
    }
    let organization = Named { key: here.key.to_string(), name: here.name };
    Ok(Me { organization, person: name })
}
