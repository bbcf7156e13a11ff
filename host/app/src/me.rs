//! The caller themselves: where they act, and who they are.

use waypost_domain::{ids::PersonId, person::Person, refusal::Faults};
use waypost_store::{organization, person};

use crate::{
    Caller, CommandError, Desk, Missing,
    input::Reading,
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
    drop(tx);
    let person = match caller.person() {
        Some(id) => at_home(desk, caller, id).await?,
        None => None,
    };
    let name =
        person.map(|person| PersonName { id: person.id, name: person.name, is_former: false });
    let organization = Named { key: here.key.to_string(), name: here.name };
    Ok(Me { organization, person: name })
}

/// The person who acts, wherever in the lineage they belong.
pub(crate) async fn at_home(
    desk: &Desk,
    caller: &Caller,
    id: PersonId,
) -> Result<Option<Person>, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    let lineage = organization::lineage(&mut tx).await?;
    drop(tx);
    for layer in lineage.iter().rev() {
        let mut tx = desk.store.read(layer.id).await?;
        if let Some(found) = person::find(&mut tx, id).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// What a person sets for themselves. What is not given stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Preferences {
    /// The language they read, as a BCP 47 tag.
    pub language: Option<String>,
    /// Their IANA zone; an empty one for the organization's.
    pub zone: Option<String>,
}

/// Sets what a person sets for themselves.
///
/// # Errors
/// [`CommandError::NotFound`] for a caller who is no person of the organization,
/// [`CommandError::Invalid`] with every wrong field.
pub async fn prefer(
    desk: &Desk,
    caller: &Caller,
    preferences: Preferences,
) -> Result<(), CommandError> {
    let missing = || CommandError::NotFound(Missing::Person);
    let id = caller.person().ok_or_else(missing)?;
    let mut tx = desk.write(caller).await?;
    let found = person::find(&mut tx, id).await?.filter(|person| person.org == caller.org);
    let mut person = found.ok_or_else(missing)?;
    let mut faults = Faults::new();
    if let Some(language) = &preferences.language {
        person.language = faults.parse("/language", language);
    }
    if let Some(zone) = &preferences.zone {
        let zone = Some(zone.trim()).filter(|zone| !zone.is_empty());
        person.zone = faults.zone_if("/zone", zone).flatten();
    }
    faults.refuse_any()?;
    person::update(&mut tx, &mut person).await?;
    Ok(tx.commit().await?)
}
