//! Passwords: signing in with one, proving again who somebody is, and setting one's own.
//!
//! Only where the operator allows them. A password belongs to one person, who alone sets it. An
//! address that nobody has is answered like one with another password, and costs the same: as many
//! queries, and as many hashes.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use waypost_domain::{
    ids::{MessageId, PersonId},
    message::{DeliveryChannel, Message, ToldAs},
    password::{COMPARED, Owner, Password, PasswordHash, Tries},
    person::Person,
    refusal::FieldFault,
    said, text,
};
use waypost_store::{CommitNote, StoreError, WriteTx, outbox, password, sign_in};

use crate::{
    CommandError, Desk, Missing, ToMicros,
    hashing::is_outdated,
    sign_ins::{self, Begun, Letter, MAX_ACCOUNTS, Receiver, SignedIn},
};

/// What somebody gives to sign in.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// An address.
    pub address: &'a str,
    /// A password.
    pub password: &'a Password,
    /// The key of the organization where they want to go, if they said so.
    pub org: Option<&'a str>,
    /// What their browser says of itself.
    pub device: &'a str,
}

/// Without the address, so that no log holds one.
impl std::fmt::Debug for Given<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Given").field("org", &self.org).finish_non_exhaustive()
    }
}

/// What came of a password that was given.
#[derive(Debug, Clone)]
pub enum Checked<T> {
    /// It is the password.
    Right(T),
    /// There is no such account, or it has another password, or none.
    Wrong(Wrong),
    /// There were too many tries at this address; whether it was right, nobody looked.
    TooOften {
        /// From when on it may be tried again.
        until: DateTime<Utc>,
        /// Who is to be told, see [`warn`].
        to_warn: Option<Warning>,
    },
}

/// A password that was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Who is to be told, see [`warn`]: the next try will not be looked at.
    pub to_warn: Option<Warning>,
}

/// Whom somebody tries to guess the password of.
#[derive(Clone, PartialEq, Eq)]
pub struct Warning {
    /// Whoever has this address,
    address: String,
    /// or only this one of them.
    person: Option<PersonId>,
    /// When the tries began.
    since: DateTime<Utc>,
}

/// Without the address, so that no log holds one.
impl std::fmt::Debug for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Warning").field("since", &self.since).finish_non_exhaustive()
    }
}

/// A new secret of a sign-in that goes on.
#[derive(Clone)]
pub struct Renewed {
    /// What the browser keeps from now on. This is the only time that it can be read.
    pub secret: String,
}

/// Without the secret, so that no log holds one.
impl std::fmt::Debug for Renewed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Renewed").finish_non_exhaustive()
    }
}

/// Signs somebody in. Of several accounts with this address and this password, it is the one in the
/// organization that was asked for, or else the first by its organization's key.
///
/// # Errors
/// [`CommandError::NotFound`] where there are no passwords, [`CommandError::Busy`] where too many
/// are looked at.
pub async fn sign_in(
    desk: &Desk,
    given: Given<'_>,
    commit: &CommitNote,
    now: DateTime<Utc>,
) -> Result<Checked<Begun>, CommandError> {
    must_be_on(desk)?;
    let now = now.to_micros();
    let address = given.address.trim();
    let place = Place::of(address);
    let tries = place.count(desk, now).await?;
    let to_warn = tries.warns().then(|| Warning {
        address: address.to_owned(),
        person: None,
        since: tries.since,
    });
    if let Some(until) = tries.refused_until() {
        return Ok(Checked::TooOften { until, to_warn });
    }
    let checked = enter(desk, given, commit, now).await;
    Ok(place
        .answered(desk, tries, checked)
        .await?
        .map_or(Checked::Wrong(Wrong { to_warn }), Checked::Right))
}

/// Signs somebody in, if it is their password.
async fn enter(
    desk: &Desk,
    given: Given<'_>,
    commit: &CommitNote,
    now: DateTime<Utc>,
) -> Result<Option<Begun>, CommandError> {
    let address = given.address.trim();
    let known = password::at_address(&desk.store, address, given.org, most_compared()).await?;
    let hashes: Vec<PasswordHash> = known.iter().map(|(hash, _)| hash.clone()).collect();
    let fits = desk.hashing.compare(given.password, &hashes).await?;
    let fitting = known.iter().zip(fits).filter(|(_, fits)| *fits).map(|(one, _)| one);
    let Some((known, member)) = fitting.min_by_key(|(_, member)| {
        (given.org != Some(member.org_key.as_str()), member.org_key.clone())
    }) else {
        return Ok(None);
    };
    let phc = renewed(desk, given.password, known).await?;
    let (begun, secret) =
        sign_ins::new_sign_in(desk, (member.person.org, member.person.id), given.device, now);
    let mut tx = desk.store.write(member.person.org).await?.noted_in(commit);
    // Until this commit nobody changes the password, and whoever does it then ends this sign-in.
    if !password::renew(&mut tx, known, &phc).await? {
        return Ok(None);
    }
    sign_in::insert(&mut tx, &begun).await?;
    tx.commit().await?;
    tracing::info!(org.id = %begun.org, person.id = %begun.person, "somebody signed in");
    Ok(Some(Begun { secret, home: member.org_key.clone(), role: member.person.role }))
}

/// Notes that somebody who is signed in proved again who they are, by their password. Their browser
/// gets a new secret, and the old one is good for nothing.
///
/// # Errors
/// As [`sign_in()`].
pub async fn prove(
    desk: &Desk,
    who: &SignedIn,
    given: &Password,
) -> Result<Checked<Renewed>, CommandError> {
    must_be_on(desk)?;
    let now = who.caller.now;
    let person = sign_ins::own_member(desk, who).await?.person;
    let place = Place::of_proofs(person.id);
    let tries = place.count(desk, now).await?;
    let (id, since) = (person.id, tries.since);
    let address = person.email.clone().filter(|_| tries.warns());
    let to_warn = address.map(|address| Warning { address, person: Some(id), since });
    if let Some(until) = tries.refused_until() {
        return Ok(Checked::TooOften { until, to_warn });
    }
    let checked = prove_for(desk, who, &person, given).await;
    Ok(place
        .answered(desk, tries, checked)
        .await?
        .map_or(Checked::Wrong(Wrong { to_warn }), Checked::Right))
}

/// Notes the proof, if it is the password of this person.
async fn prove_for(
    desk: &Desk,
    who: &SignedIn,
    person: &Person,
    given: &Password,
) -> Result<Option<Renewed>, CommandError> {
    let mut tx = desk.store.read(person.org).await?;
    let known = password::of_person(&mut tx, person.id).await?;
    drop(tx);
    let fits = desk.hashing.compare(given, known.as_slice()).await?;
    let Some(known) = known.filter(|_| fits[0]) else { return Ok(None) };
    let phc = renewed(desk, given, &known).await?;
    let (secret, hash) = sign_ins::new_secret(desk);
    let mut tx = desk.store.write(person.org).await?.noted_in(&who.caller.commit);
    if !password::renew(&mut tx, &known, &phc).await? {
        return Ok(None);
    }
    match sign_in::prove(&mut tx, who.sign_in, &hash, who.caller.now).await {
        Err(StoreError::Stale) => return Ok(None),
        proven => proven?,
    }
    tx.commit().await?;
    Ok(Some(Renewed { secret }))
}

/// Tells them that somebody tries to guess their password; `letter` writes it. Once for the tries
/// of a quarter of an hour, however often it is asked for.
///
/// # Errors
/// The database failed.
pub async fn warn(
    desk: &Desk,
    warning: &Warning,
    letter: impl Fn(&Receiver) -> Letter,
    now: DateTime<Utc>,
) -> Result<(), CommandError> {
    let now = now.to_micros();
    let Warning { address, person, since } = warning;
    // Without a password, there is nothing to guess.
    for (_, member) in password::at_address(&desk.store, address, None, MAX_ACCOUNTS).await? {
        if person.is_some_and(|person| person != member.person.id) {
            continue;
        }
        let mut tx = desk.store.write(member.person.org).await?;
        let letter = letter(&sign_ins::receiver(&member));
        let key = format!("password-tries:{}", since.timestamp_micros());
        tell(desk, &mut tx, member.person.id, letter, key, now).await?;
        tx.commit().await?;
        tracing::info!(
            org.id = %member.person.org,
            person.id = %member.person.id,
            "a password was tried too often"
        );
    }
    Ok(())
}

/// When the person who asks set their password; none where they have none.
///
/// # Errors
/// The database failed.
pub async fn set_at(desk: &Desk, who: &SignedIn) -> Result<Option<DateTime<Utc>>, CommandError> {
    if !desk.takes_passwords() {
        return Ok(None);
    }
    let (org, person) = sign_ins::own(desk, who).await?;
    let mut tx = desk.store.read(org).await?;
    Ok(password::of_person(&mut tx, person).await?.map(|known| known.set_at))
}

/// Sets the password of the person who asks, ends all their other sign-ins and links that could
/// begin one, and tells them of it.
///
/// # Errors
/// [`CommandError::Forbidden`] for who has not proven lately who they are or was signed out
/// meanwhile, and [`CommandError::Invalid`] for a bad password.
pub async fn set(
    desk: &Desk,
    who: &SignedIn,
    given: &Password,
    letter: impl FnOnce(&Receiver) -> Letter,
) -> Result<(), CommandError> {
    must_be_on(desk)?;
    sign_ins::must_have_proven(who)?;
    let now = who.caller.now;
    let member = sign_ins::own_member(desk, who).await?;
    let (org, id) = (member.person.org, member.person.id);
    let owner = Owner {
        name: &member.person.name,
        email: member.person.email.as_deref(),
        org_key: &member.org_key,
        org_name: &member.org_name,
    };
    if let Some(weakness) = given.weakness(&owner) {
        return Err(CommandError::Invalid(vec![weakness.fault("/password")]));
    }
    let phc = desk.hashing.hash(given, salt(desk)).await?;
    let mut tx = desk.store.write(org).await?.noted_in(&who.caller.commit);
    // Before sign-ins are ended: whoever signs in with the old one right now waits for this, or
    // this for them.
    password::put(&mut tx, &PasswordHash { org, person: id, phc, set_at: now }).await?;
    changed(desk, &mut tx, who, id, letter(&sign_ins::receiver(&member))).await?;
    tx.commit().await?;
    tracing::info!(org.id = %org, person.id = %id, "somebody set their password");
    Ok(())
}

/// Removes the password of the person who asks, ends all their other sign-ins and links that could
/// begin one, and tells them of it. Where there is none, nothing happens.
///
/// # Errors
/// [`CommandError::Forbidden`] for who has not proven lately who they are or was signed out
/// meanwhile.
pub async fn remove(
    desk: &Desk,
    who: &SignedIn,
    letter: impl FnOnce(&Receiver) -> Letter,
) -> Result<(), CommandError> {
    must_be_on(desk)?;
    sign_ins::must_have_proven(who)?;
    let member = sign_ins::own_member(desk, who).await?;
    let (org, id) = (member.person.org, member.person.id);
    let mut tx = desk.store.write(org).await?.noted_in(&who.caller.commit);
    if !password::remove(&mut tx, id).await? {
        return Ok(());
    }
    changed(desk, &mut tx, who, id, letter(&sign_ins::receiver(&member))).await?;
    tx.commit().await?;
    tracing::info!(org.id = %org, person.id = %id, "somebody removed their password");
    Ok(())
}

/// That two passwords which were to be the same are not.
#[must_use]
pub fn differs(pointer: &str) -> CommandError {
    CommandError::Invalid(vec![FieldFault {
        pointer: pointer.to_owned(),
        code: "differs",
        message: said!("It is not the same; type the password again."),
    }])
}

fn must_be_on(desk: &Desk) -> Result<(), CommandError> {
    if desk.takes_passwords() { Ok(()) } else { Err(CommandError::NotFound(Missing::Password)) }
}

/// What follows from another password: other browsers are signed out, links that were sent are used
/// up, and its owner hears of it.
///
/// # Errors
/// [`CommandError::Forbidden`] where the sign-in that asks was ended meanwhile.
async fn changed(
    desk: &Desk,
    tx: &mut WriteTx,
    who: &SignedIn,
    person: PersonId,
    letter: Letter,
) -> Result<(), CommandError> {
    let now = who.caller.now;
    sign_in::end_links(tx, person, now).await?;
    // Whoever signed this browser out meanwhile took from it what it could do.
    match sign_in::must_hold(tx, person, who.sign_in).await {
        Err(StoreError::Stale) => {
            let why = said!("This browser was signed out meanwhile; sign in again.");
            return Err(CommandError::Forbidden(why));
        }
        held => held?,
    }
    sign_in::end_others(tx, person, Some(who.sign_in), now).await?;
    let key = format!("password:{}", desk.entropy.id(now));
    tell(desk, tx, person, letter, key, now).await
}

pub(crate) async fn tell(
    desk: &Desk,
    tx: &mut WriteTx,
    person: PersonId,
    letter: Letter,
    dedupe_key: String,
    now: DateTime<Utc>,
) -> Result<(), CommandError> {
    let message = Message {
        id: MessageId(desk.entropy.id(now)),
        org: tx.org(),
        ticket: None,
        person,
        told_as: [ToldAs::Named].into(),
        after_end: false,
        channel: DeliveryChannel::Mail,
        address: None,
        subject: letter.subject,
        body: letter.body,
        link: None,
        dedupe_key,
        send_at: now,
        created_at: now,
    };
    outbox::enqueue_many(tx, &[message]).await?;
    Ok(())
}

/// How the password is kept from now on: as it is, or hashed anew where that was cheaper once.
async fn renewed(
    desk: &Desk,
    given: &Password,
    known: &PasswordHash,
) -> Result<String, CommandError> {
    if is_outdated(&known.phc) {
        desk.hashing.hash(given, salt(desk)).await
    } else {
        Ok(known.phc.clone())
    }
}

fn salt(desk: &Desk) -> [u8; 16] {
    let secret = desk.entropy.secret();
    std::array::from_fn(|index| secret[index])
}

fn most_compared() -> u32 {
    u32::try_from(COMPARED).unwrap_or(u32::MAX)
}

/// Where tries are counted: an address, whoever has it.
struct Place([u8; 32]);

impl Place {
    fn of(address: &str) -> Self {
        Self(Sha256::digest(text::uncased(address.trim())).into())
    }

    /// Where somebody proves again who they are: strangers who try their address are not to keep
    /// them from it. No address looks like this.
    fn of_proofs(person: PersonId) -> Self {
        Self::of(&format!("proofs of {person}"))
    }

    async fn count(&self, desk: &Desk, now: DateTime<Utc>) -> Result<Tries, CommandError> {
        let mut tx = desk.store.system().await?;
        let tries = password::count_try(&mut tx, &self.0, now).await?;
        tx.commit().await?;
        Ok(tries)
    }

    /// What came of a try. One that was right is taken back, and one that nobody looked at: only
    /// that one, for others with the address may be guessing.
    async fn answered<T>(
        &self,
        desk: &Desk,
        tries: Tries,
        checked: Result<Option<T>, CommandError>,
    ) -> Result<Option<T>, CommandError> {
        if !matches!(checked, Ok(Some(_)) | Err(CommandError::Busy)) {
            return checked;
        }
        let taken_back = async {
            let mut tx = desk.store.system().await?;
            password::take_try_back(&mut tx, &self.0, tries.since).await?;
            tx.commit().await
        };
        // Whoever got in is in all the same.
        if let Err(error) = taken_back.await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "a try of a password was not taken back");
        }
        checked
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::Leaving;

    #[test]
    fn nothing_that_is_printed_shows_an_address_or_a_link() {
        let (address, password) = ("ada@acme.example", Password::of("four blue teapots"));
        let given = Given { address, password: &password, org: Some("acme"), device: "Firefox" };
        let since = DateTime::UNIX_EPOCH;
        let to_warn = Some(Warning { address: address.to_owned(), person: None, since });
        let wrong = Checked::<Begun>::Wrong(Wrong { to_warn: to_warn.clone() });
        let often = Checked::<Begun>::TooOften { until: since, to_warn };
        let leaving = Leaving {
            address: address.to_owned(),
            link: Some("/sign-in/link/secret".to_owned()),
            page: None,
            asked: Vec::new(),
            votes: Vec::new(),
        };
        let printed = format!("{given:?} {wrong:?} {often:?} {leaving:?}");
        for hidden in [address, "teapots", "secret"] {
            assert!(!printed.contains(hidden), "{printed}");
        }
    }
}
