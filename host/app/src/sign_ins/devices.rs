//! The browsers in which a person is signed in: they list and end them, at the pages or by a token,
//! and so does an administrator of their organization.

use chrono::{DateTime, Utc};
use waypost_domain::{
    ids::{OrgId, PersonId, SignInId},
    person::Person,
    said,
};
use waypost_store::{ReadTx, WriteTx, sign_in, vote_link};

use super::{SignedIn, own};
use crate::{Caller, CommandError, Desk, Missing, me, refs, tickets::PersonRef};

/// A browser in which somebody is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The sign-in.
    pub id: SignInId,
    /// Which browser it is, as it describes itself.
    pub device: String,
    /// When they signed in.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to a few minutes.
    pub used_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    pub is_this: bool,
}

/// Ends the sign-in that asks.
///
/// # Errors
/// The database failed.
pub async fn sign_out(desk: &Desk, who: &SignedIn) -> Result<(), CommandError> {
    end(desk, who, who.sign_in).await
}

/// Ends a sign-in of the person who asks. One that is not theirs stays as it is.
///
/// # Errors
/// The database failed.
pub async fn end(desk: &Desk, who: &SignedIn, id: SignInId) -> Result<(), CommandError> {
    let (org, person) = own(desk, who).await?;
    let mut tx = desk.store.write(org).await?.noted_in(&who.caller.commit);
    sign_in::end(&mut tx, person, id, who.caller.now).await?;
    Ok(tx.commit().await?)
}

/// Ends all sign-ins of the person who asks but this one.
///
/// # Errors
/// The database failed.
pub async fn end_others(desk: &Desk, who: &SignedIn) -> Result<(), CommandError> {
    let (org, person) = own(desk, who).await?;
    let mut tx = desk.store.write(org).await?.noted_in(&who.caller.commit);
    sign_in::end_others(&mut tx, person, Some(who.sign_in), who.caller.now).await?;
    Ok(tx.commit().await?)
}

/// The browsers in which the person who asks is signed in, the latest first.
///
/// # Errors
/// The database failed.
pub async fn devices(desk: &Desk, who: &SignedIn) -> Result<Vec<Device>, CommandError> {
    devices_of(desk, own(desk, who).await?, Some(who.sign_in), who.caller.now).await
}

async fn devices_of(
    desk: &Desk,
    (org, person): (OrgId, PersonId),
    this: Option<SignInId>,
    now: DateTime<Utc>,
) -> Result<Vec<Device>, CommandError> {
    let mut tx = desk.store.read(org).await?;
    let all = sign_in::of_person(&mut tx, person).await?;
    let good = all.into_iter().filter(|one| one.holds(now));
    Ok(good
        .map(|one| Device {
            is_this: Some(one.id) == this,
            id: one.id,
            device: one.device,
            created_at: one.created_at,
            used_at: one.used_at,
        })
        .collect())
}

/// As [`devices`], for the person whom a token stands for: none of them is the one that asks.
///
/// # Errors
/// [`CommandError::Forbidden`] for a caller who is no person.
pub async fn devices_of_caller(desk: &Desk, caller: &Caller) -> Result<Vec<Device>, CommandError> {
    devices_of(desk, home_of(desk, caller).await?, None, caller.now).await
}

/// Ends a sign-in of the person whom a token stands for.
///
/// # Errors
/// [`CommandError::Forbidden`] for a caller who is no person, [`CommandError::NotFound`] for a
/// sign-in that is not theirs or was ended before.
pub async fn end_of_caller(desk: &Desk, caller: &Caller, id: SignInId) -> Result<(), CommandError> {
    let (org, person) = home_of(desk, caller).await?;
    let mut tx = write_at(desk, caller, org).await?;
    if !sign_in::end(&mut tx, person, id, caller.now).await? {
        return Err(CommandError::NotFound(Missing::SignIn));
    }
    Ok(tx.commit().await?)
}

/// Ends all sign-ins of the person whom a token stands for. The token stays, and so does their
/// password.
///
/// # Errors
/// [`CommandError::Forbidden`] for a caller who is no person.
pub async fn end_all_of_caller(desk: &Desk, caller: &Caller) -> Result<(), CommandError> {
    let (org, person) = home_of(desk, caller).await?;
    let mut tx = write_at(desk, caller, org).await?;
    sign_in::end_others(&mut tx, person, None, caller.now).await?;
    Ok(tx.commit().await?)
}

/// The organization in which the person of a caller is signed in, and that person.
async fn home_of(desk: &Desk, caller: &Caller) -> Result<(OrgId, PersonId), CommandError> {
    let message = said!("Sign-ins belong to a person: use a token that acts for one.");
    let id = caller.person().ok_or_else(|| CommandError::Forbidden(message))?;
    let person = me::at_home(desk, caller, id).await?;
    let person = person.ok_or(CommandError::NotFound(Missing::Person))?;
    Ok((person.org, person.id))
}

/// The browsers in which a person of the organization is signed in, the latest first. For
/// administrators.
///
/// # Errors
/// [`CommandError::NotFound`] for somebody who is not of the organization.
pub async fn devices_of_person(
    desk: &Desk,
    caller: &Caller,
    named: &PersonRef,
) -> Result<Vec<Device>, CommandError> {
    caller.must_be_admin()?;
    let mut tx = desk.store.read(caller.org).await?;
    let person = person_of(&mut tx, named).await?;
    drop(tx);
    devices_of(desk, (caller.org, person.id), None, caller.now).await
}

/// Ends a sign-in of a person of the organization. For administrators.
///
/// # Errors
/// [`CommandError::NotFound`] for somebody who is not of the organization, and for a sign-in that
/// is not theirs or was ended before.
pub async fn end_of_person(
    desk: &Desk,
    caller: &Caller,
    named: &PersonRef,
    id: SignInId,
) -> Result<(), CommandError> {
    caller.must_be_admin()?;
    let mut tx = desk.write(caller).await?;
    let person = person_of(&mut tx, named).await?;
    if !sign_in::end(&mut tx, person.id, id, caller.now).await? {
        return Err(CommandError::NotFound(Missing::SignIn));
    }
    tx.commit().await?;
    tracing::info!(
        org.id = %caller.org,
        person.id = %person.id,
        sign_in.id = %id,
        "a sign-in was ended by an administrator"
    );
    Ok(())
}

/// Ends all sign-ins of a person of the organization, and all links that could begin one or vote.
/// Their password stays, and so do their tokens. For administrators.
///
/// # Errors
/// [`CommandError::NotFound`] for somebody who is not of the organization.
pub async fn end_all_of_person(
    desk: &Desk,
    caller: &Caller,
    named: &PersonRef,
) -> Result<(), CommandError> {
    caller.must_be_admin()?;
    let mut tx = desk.write(caller).await?;
    let person = person_of(&mut tx, named).await?;
    let sign_ins = sign_in::end_all(&mut tx, person.id, caller.now).await?;
    vote_link::end_all(&mut tx, person.id, caller.now).await?;
    tx.commit().await?;
    tracing::info!(
        org.id = %caller.org,
        person.id = %person.id,
        sign_ins,
        "all sign-ins of a person were ended by an administrator"
    );
    Ok(())
}

/// A person of the transaction's organization. Those of a provider who work here are the provider's
/// to sign out.
async fn person_of(tx: &mut ReadTx, named: &PersonRef) -> Result<Person, CommandError> {
    refs::find_person(tx, named).await?.ok_or(CommandError::NotFound(Missing::Person))
}

/// The transaction of what changes for a person at home. A request that may be sent again is noted
/// in it, unless it acts in another organization: what is known of requests is kept where they act,
/// and a commit is of one organization. Ending what was ended does no harm.
async fn write_at(desk: &Desk, caller: &Caller, home: OrgId) -> Result<WriteTx, CommandError> {
    if home == caller.org {
        return desk.write(caller).await;
    }
    Ok(desk.store.write(home).await?.noted_in(&caller.commit))
}
