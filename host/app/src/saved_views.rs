//! Views of the queue that people of the desk save for themselves.

use waypost_domain::{
    ids::{PersonId, SavedViewId},
    refusal::{FieldFault, Refused},
    said,
    saved_view::{SavedView, check_room},
};
use waypost_store::{StoreError, saved_view};

use crate::{Caller, CommandError, Desk, Missing};

/// The caller's views, the oldest first.
///
/// # Errors
/// [`CommandError::Forbidden`] for a requester, and for a caller who is no person.
pub async fn mine(desk: &Desk, caller: &Caller) -> Result<Vec<SavedView>, CommandError> {
    let person = person(caller)?;
    let mut tx = desk.store.read(caller.org).await?;
    Ok(saved_view::of_person(&mut tx, person).await?)
}

/// Saves a view for the caller.
///
/// # Errors
/// As [`mine`]; [`CommandError::Refused`] for one that is not right or one too many, and for a name
/// or a query that another view of theirs has.
pub async fn save(
    desk: &Desk,
    caller: &Caller,
    name: &str,
    query: &str,
) -> Result<SavedView, CommandError> {
    let person = person(caller)?;
    let view = SavedView {
        id: SavedViewId(desk.id(caller)),
        org: caller.org,
        person,
        name: name.to_owned(),
        query: query.to_owned(),
        created_at: caller.now,
    };
    let view = view.checked()?;
    let mut tx = desk.write(caller).await?;
    saved_view::lock(&mut tx, person).await?;
    let saved = saved_view::of_person(&mut tx, person).await?;
    check_room(saved.len())?;
    if let Some(same) = saved.iter().find(|one| one.shows_same(&view)) {
        let message = said!("You have this view already, as `{name}`.", name = same.name);
        let fault = FieldFault { pointer: "/query".to_owned(), code: "same", message };
        return Err(Refused::of_fields(vec![fault]).into());
    }
    match saved_view::insert(&mut tx, &view).await {
        Err(StoreError::Taken(_)) => {
            let message =
                said!("You have a view `{name}` already; choose another name.", name = view.name);
            let fault = FieldFault { pointer: "/name".to_owned(), code: "taken", message };
            return Err(Refused::of_fields(vec![fault]).into());
        }
        done => done?,
    }
    tx.commit().await?;
    Ok(view)
}

/// Removes a view of the caller's.
///
/// # Errors
/// [`CommandError::NotFound`], also for somebody else's.
pub async fn remove(desk: &Desk, caller: &Caller, id: SavedViewId) -> Result<(), CommandError> {
    let person = person(caller)?;
    let mut tx = desk.write(caller).await?;
    if !saved_view::remove(&mut tx, person, id).await? {
        return Err(CommandError::NotFound(Missing::View));
    }
    Ok(tx.commit().await?)
}

/// Whose views they are. An auditor has some, too: they are a setting of their own, and change
/// nothing of the organization.
fn person(caller: &Caller) -> Result<PersonId, CommandError> {
    caller.must_be_desk()?;
    let message = said!("Views belong to a person: use a token that acts for one.");
    caller.person().ok_or_else(|| CommandError::Forbidden(message))
}
