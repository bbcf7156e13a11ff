//! Sign-ins: how a page learns who asks.
//!
//! A person asks for a link by mail, or is invited with one. Who follows it, and presses the button
//! there, is signed in: their browser keeps a secret, of which only the SHA-256 is kept here. What
//! they may do is looked up at each request.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use waypost_domain::{
    event::{Actor, ActorKind},
    ids::{MessageId, OrgId, PersonId, SignInId, SignInLinkId},
    key::Key,
    message::{DeliveryChannel, Message, MessageLink, NotSent, ToldAs},
    organization::OrgKind,
    person::Person,
    role::Role,
    said,
    sign_in::{
        LinkPurpose, MAX_ASKED, MAX_DEVICE_CHARS, SignIn, SignInLink, quarter_of, recently_proven,
    },
    text,
};
use waypost_store::{
    CommitNote, Store, StoreError, organization, outbox, password, person,
    sign_in::{self, Member, Shown},
    vote_link,
};

use crate::{
    Caller, CommandError, Desk, Entropy, Missing, ToMicros, Unauthenticated, passwords, registers,
    tickets::Named,
};

mod devices;

pub use self::devices::{
    Device, devices, devices_of_caller, devices_of_person, end, end_all_of_caller,
    end_all_of_person, end_of_caller, end_of_person, end_others, sign_out,
};

/// Somebody who is signed in, and where they are.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who asks, as every use case knows it.
    pub caller: Caller,
    /// Their sign-in.
    pub sign_in: SignInId,
    /// When they last proved who they are.
    pub proven_at: DateTime<Utc>,
    /// Their name.
    pub name: String,
    /// The language they read, where it is known.
    pub language: Option<String>,
    /// Their zone; the organization's where they have none of their own.
    pub zone: Tz,
    /// The zone of their own.
    pub own_zone: Option<Tz>,
    /// The organization that they are in now.
    pub organization: Named,
    /// Whether it is one that has others below it: a provider, or the platform.
    pub has_clients: bool,
    /// How many levels of impact and of urgency it has.
    pub levels: (u8, u8),
    /// The key of their own organization.
    pub home: String,
}

impl SignedIn {
    /// Whether they proved so short a time ago who they are that they may do what gives power.
    #[must_use]
    pub fn has_recently_proven(&self) -> bool {
        recently_proven(self.proven_at, self.caller.now)
    }
}

/// Somebody whom a link would sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// Their name.
    pub name: String,
    /// The language they read, where it is known.
    pub language: Option<String>,
    /// Their organization.
    pub organization: Named,
}

/// A letter: its subject, and its text, with [`LINK_PLACE`] in it where it carries a link.
///
/// [`LINK_PLACE`]: waypost_domain::message::LINK_PLACE
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// A sign-in that has begun.
#[derive(Clone)]
pub struct Begun {
    /// What the browser keeps. This is the only time that it can be read.
    pub secret: String,
    /// The key of the person's organization.
    pub home: String,
    /// What they may do there.
    pub role: Role,
}

/// Without the secret, so that no log holds one.
impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Begun").field("home", &self.home).finish_non_exhaustive()
    }
}

/// What was ended of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// How many sign-ins.
    pub sign_ins: u64,
    /// Whether there was a password.
    pub password: bool,
}

/// Somebody who is to be able to sign in.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Their address.
    pub email: String,
    /// Their name; needed where they are not in the directory yet.
    pub name: Option<String>,
    /// What they may do, where they are not in the directory yet; a requester's if left out.
    pub role: Option<Role>,
}

/// An invitation that was made.
#[derive(Clone)]
pub struct Invited {
    /// The secret of the link. This is the only time that it can be read.
    pub secret: String,
    /// Whom it signs in.
    pub person: PersonId,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// Without the secret, so that no log holds one.
impl std::fmt::Debug for Invited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invited").field("person", &self.person).finish_non_exhaustive()
    }
}

/// In more organizations than this nobody has an account; an address that is, is a mailing list.
pub(crate) const MAX_ACCOUNTS: u32 = 10;

/// Finds who is signed in with the secret that a browser shows.
///
/// `asked` names the organization to act in: the person's own (the default), or one below it for
/// people of a desk.
///
/// # Errors
/// [`Unauthenticated`], which says no more than a stranger may know.
pub async fn authenticate(
    desk: &Desk,
    secret: &str,
    asked: Option<&Key>,
    now: DateTime<Utc>,
) -> Result<SignedIn, Unauthenticated> {
    known_by(desk, secret, asked, now, true).await
}

/// As [`authenticate`], for what a page asks by itself: that is no use that keeps a sign-in alive.
///
/// # Errors
/// As [`authenticate`].
pub async fn authenticate_unused(
    desk: &Desk,
    secret: &str,
    asked: Option<&Key>,
    now: DateTime<Utc>,
) -> Result<SignedIn, Unauthenticated> {
    known_by(desk, secret, asked, now, false).await
}

async fn known_by(
    desk: &Desk,
    secret: &str,
    asked: Option<&Key>,
    now: DateTime<Utc>,
    is_used: bool,
) -> Result<SignedIn, Unauthenticated> {
    let now = now.to_micros();
    let secret = hash(secret);
    let shown = sign_in::shown(&desk.store, &secret, asked.map(Key::as_str)).await;
    let shown = shown.map_err(Unauthenticated::failed)?.filter(|shown| {
        // An index may answer for a hash that is only alike; this comparison decides.
        bool::from(shown.sign_in.hash.ct_eq(&secret))
            && shown.sign_in.holds(now)
            && shown.person.active
    });
    let Shown { sign_in, person, home, reached } = shown.ok_or(Unauthenticated::Token)?;
    let org = match asked {
        None => person.org,
        Some(_) => reached
            .filter(|found| *found == person.org || person.role != Role::Requester)
            .ok_or(Unauthenticated::OutOfReach)?,
    };
    if is_used && sign_in.notes_use(now) {
        // Who only reads is not to wait for a database that cannot write.
        if let Err(error) = note_use(&desk.store, &sign_in, now).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the use of a sign-in was not noted");
        }
    }
    let mut tx = desk.store.read(org).await.map_err(Unauthenticated::failed)?;
    let here = organization::load(&mut tx).await.map_err(Unauthenticated::failed)?;
    let actor = Actor { kind: ActorKind::User, person: Some(person.id) };
    let commit = CommitNote::default();
    let role = person.role;
    Ok(SignedIn {
        caller: Caller { org, role, actor, token: None, now, repeatable: None, commit },
        sign_in: sign_in.id,
        proven_at: sign_in.proven_at,
        zone: person.zone.unwrap_or(here.settings.zone),
        own_zone: person.zone,
        language: person.language.map(|language| language.to_string()),
        name: person.name,
        has_clients: here.kind != OrgKind::Client,
        levels: (here.settings.matrix.impacts(), here.settings.matrix.urgencies()),
        organization: Named { key: here.key.to_string(), name: here.name },
        home,
    })
}

async fn note_use(store: &Store, sign_in: &SignIn, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut tx = store.write(sign_in.org).await?;
    sign_in::note_use(&mut tx, sign_in.id, now).await?;
    tx.commit().await
}

/// Whether there is anybody who could sign in, in any organization. Where there is nobody, the
/// operator invites the first one.
///
/// # Errors
/// The database failed.
pub async fn is_anybody_there(desk: &Desk) -> Result<bool, CommandError> {
    Ok(sign_in::is_anybody_there(&desk.store).await?)
}

/// Sends a link to everybody who has this address, whichever organization they belong to; `letter`
/// writes it. Where too many have it, the account of the organization where `next` leads is one of
/// those that are written to. Whoever asks does not learn whether there is anybody: there is no
/// answer, and an address that nobody has costs a write as well.
///
/// # Errors
/// The database failed.
pub async fn ask(
    desk: &Desk,
    address: &str,
    next: Option<&str>,
    letter: impl Fn(&Receiver) -> Letter,
    now: DateTime<Utc>,
) -> Result<(), CommandError> {
    let now = now.to_micros();
    let mut sent = false;
    // The path of a page is `/o/`, the key of its organization, and the rest.
    let org = next.and_then(|path| path.strip_prefix("/o/")?.split('/').next());
    for member in sign_in::members_at(&desk.store, address.trim(), org, MAX_ACCOUNTS).await? {
        let letter = letter(&receiver(&member));
        send_link(desk, &member.person, "sign-in", letter, next, now).await?;
        sent = true;
    }
    if !sent {
        desk.store.try_to_write().await?;
    }
    Ok(())
}

/// Sends a link to the person who asks, with which they prove again who they are, and go on; says
/// whether it is on its way. None is where they were sent enough of them, whatever strangers asked
/// for.
///
/// # Errors
/// The database failed.
pub async fn ask_again(
    desk: &Desk,
    who: &SignedIn,
    next: &str,
    letter: impl FnOnce(&Receiver) -> Letter,
) -> Result<bool, CommandError> {
    let member = own_member(desk, who).await?;
    let letter = letter(&receiver(&member));
    send_link(desk, &member.person, "proof", letter, Some(next), who.caller.now).await
}

/// Queues a letter with a link, unless its receiver was sent enough of them that were asked for at
/// this door; says whether it did.
async fn send_link(
    desk: &Desk,
    to: &Person,
    door: &str,
    letter: Letter,
    next: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool, CommandError> {
    let mut tx = desk.store.write(to.org).await?;
    let mut message = Message {
        id: MessageId(desk.entropy.id(now)),
        org: to.org,
        ticket: None,
        person: to.id,
        told_as: [ToldAs::Named].into(),
        after_end: false,
        channel: DeliveryChannel::Mail,
        address: None,
        subject: letter.subject,
        body: letter.body,
        link: Some(MessageLink::SignIn { next: next.map(str::to_owned) }),
        dedupe_key: String::new(),
        send_at: now,
        created_at: now,
    };
    // Each of the few places of a quarter of an hour is taken once, whoever asks at the same
    // moment.
    let mut is_queued = false;
    for place in 0..MAX_ASKED {
        message.dedupe_key = format!("{door}:{}:{place}", quarter_of(now));
        if outbox::enqueue_many(&mut tx, std::slice::from_ref(&message)).await? > 0 {
            is_queued = true;
            break;
        }
    }
    if !is_queued {
        tracing::info!(org.id = %to.org, "too many links were asked for");
    }
    tx.commit().await?;
    Ok(is_queued)
}

/// Whom a link signs in; none where it was used, has expired or never was.
///
/// # Errors
/// The database failed.
pub async fn look_at(
    desk: &Desk,
    secret: &str,
    purpose: LinkPurpose,
    now: DateTime<Utc>,
) -> Result<Option<Receiver>, CommandError> {
    let found = find_link(desk, secret, purpose, now).await?;
    Ok(found.map(|(_, member)| receiver(&member)))
}

/// Signs somebody in who follows a link, and uses the link up.
///
/// # Errors
/// [`CommandError::NotFound`] for a link that was used, has expired or never was.
pub async fn begin(
    desk: &Desk,
    secret: &str,
    purpose: LinkPurpose,
    device: &str,
    commit: &CommitNote,
    now: DateTime<Utc>,
) -> Result<Begun, CommandError> {
    let now = now.to_micros();
    let missing = || CommandError::NotFound(Missing::Link);
    let (link, member) = find_link(desk, secret, purpose, now).await?.ok_or_else(missing)?;
    let (begun, secret) = new_sign_in(desk, (link.org, link.person), device, now);
    let mut tx = desk.store.write(link.org).await?.noted_in(commit);
    match sign_in::use_link(&mut tx, &link, now).await {
        Err(StoreError::Stale) => return Err(missing()),
        used => used?,
    }
    sign_in::insert(&mut tx, &begun).await?;
    tx.commit().await?;
    tracing::info!(org.id = %link.org, person.id = %link.person, "somebody signed in");
    Ok(Begun { secret, home: member.org_key, role: member.person.role })
}

/// A sign-in of a person that begins now, and the secret that their browser keeps.
pub(crate) fn new_sign_in(
    desk: &Desk,
    (org, person): (OrgId, PersonId),
    device: &str,
    now: DateTime<Utc>,
) -> (SignIn, String) {
    let (secret, hash) = new_secret(desk);
    let begun = SignIn {
        id: SignInId(desk.entropy.id(now)),
        org,
        person,
        hash,
        device: described(device),
        created_at: now,
        used_at: now,
        proven_at: now,
        ended_at: None,
    };
    (begun, secret)
}

/// What a browser keeps, and what is kept of it.
pub(crate) fn new_secret(desk: &Desk) -> (String, [u8; 32]) {
    let secret = URL_SAFE_NO_PAD.encode(desk.entropy.secret());
    let hash = hash(&secret);
    (secret, hash)
}

/// Refuses what gives power to who has not proven lately who they are.
pub(crate) fn must_have_proven(who: &SignedIn) -> Result<(), CommandError> {
    if who.has_recently_proven() {
        return Ok(());
    }
    Err(CommandError::Forbidden(said!("Sign in again first: this needs a recent proof.")))
}

/// Signs a person out for good: ends all their sign-ins and all links that could begin one or vote,
/// and removes their password, for whoever knows it would be back at once. Where there was one they
/// are told; `letter` writes it. For administrators.
///
/// # Errors
/// [`CommandError::NotFound`] for somebody who is not of the organization.
pub async fn end_all_of(
    desk: &Desk,
    caller: &Caller,
    person: PersonId,
    letter: impl FnOnce(&Receiver) -> Letter,
) -> Result<Ended, CommandError> {
    caller.must_be_admin()?;
    let mut tx = desk.write(caller).await?;
    let known = person::find(&mut tx, person).await?.filter(|known| known.org == caller.org);
    let known = known.ok_or(CommandError::NotFound(Missing::Person))?;
    // Before sign-ins are ended: whoever signs in with it right now waits for this, or this for
    // them.
    let password = password::remove(&mut tx, person).await?;
    let sign_ins = sign_in::end_all(&mut tx, person, caller.now).await?;
    // Whoever reads their mail is not to vote by it either.
    vote_link::end_all(&mut tx, person, caller.now).await?;
    if password {
        let here = organization::load(&mut tx).await?;
        let member = Member { person: known, org_key: here.key.to_string(), org_name: here.name };
        let key = format!("password:{}", desk.entropy.id(caller.now));
        let letter = letter(&receiver(&member));
        passwords::tell(desk, &mut tx, person, letter, key, caller.now).await?;
    }
    tx.commit().await?;
    tracing::info!(
        org.id = %caller.org,
        person.id = %person,
        sign_ins,
        password,
        "a person was signed out"
    );
    Ok(Ended { sign_ins, password })
}

/// Makes a link with which somebody signs in for the first time. Who is not in the directory yet is
/// added to it. For administrators.
///
/// # Errors
/// [`CommandError::Invalid`] with every wrong field.
pub async fn invite(
    desk: &Desk,
    caller: &Caller,
    invitation: Invitation,
) -> Result<Invited, CommandError> {
    caller.must_be_admin()?;
    let mut tx = desk.store.read(caller.org).await?;
    let known = person::find_by_email(&mut tx, &invitation.email).await?;
    drop(tx);
    let person = match known {
        Some(person) => must_fit(person, &invitation)?,
        None => added(desk, caller, &invitation).await?,
    };
    let secret = URL_SAFE_NO_PAD.encode(desk.entropy.secret());
    let link = link(desk.entropy.as_ref(), &person, LinkPurpose::Setup, &secret, caller.now);
    let mut tx = desk.write(caller).await?;
    sign_in::insert_link(&mut tx, &link).await?;
    tx.commit().await?;
    tracing::info!(org.id = %caller.org, person.id = %person.id, "somebody was invited");
    Ok(Invited { secret, person: person.id, expires_at: link.expires_at })
}

/// Who is in the directory is invited as they are: an invitation changes nobody's rights.
fn must_fit(person: Person, invitation: &Invitation) -> Result<Person, CommandError> {
    let mut faults = waypost_domain::refusal::Faults::new();
    if !person.active {
        let message = said!("{name} has left; make them active first.", name = person.name);
        faults.wrong("/email", "inactive", message);
    }
    if let Some(role) = invitation.role.filter(|role| *role != person.role) {
        let message = said!(
            "{name} is in the directory with the role {known}, not {role}; leave the role out, or \
             change it first.",
            name = person.name,
            known = person.role,
            role
        );
        faults.wrong("/role", "not-allowed", message);
    }
    faults.finish()?;
    Ok(person)
}

async fn added(
    desk: &Desk,
    caller: &Caller,
    invitation: &Invitation,
) -> Result<Person, CommandError> {
    let mut fields = Map::new();
    fields.insert("email".to_owned(), Value::from(invitation.email.trim()));
    if let Some(name) = &invitation.name {
        fields.insert("name".to_owned(), Value::from(name.as_str()));
    }
    if let Some(role) = invitation.role {
        fields.insert("role".to_owned(), Value::from(role.as_str()));
    }
    Ok(registers::create::<Person>(desk, caller, &fields).await?.record)
}

/// Makes the link that a message carries, and keeps the hash of its secret: what stands behind the
/// public address. Each attempt to send the message makes a new one. None is made for whoever left
/// or got another address since they were looked up: the message would go to the old one.
pub(crate) async fn link_of(
    store: &Store,
    entropy: &dyn Entropy,
    message: &Message,
    to: &Person,
    now: DateTime<Utc>,
) -> Result<Result<Option<String>, NotSent>, StoreError> {
    let Some(MessageLink::SignIn { next }) = &message.link else { return Ok(Ok(None)) };
    let secret = URL_SAFE_NO_PAD.encode(entropy.secret());
    let link = link(entropy, to, LinkPurpose::SignIn, &secret, now.to_micros());
    let address = to.email.as_deref().map(text::uncased);
    let mut tx = store.write(message.org).await?;
    let addresses = vote_link::addresses(&mut tx, &[to.id]).await?;
    if addresses.get(&to.id) != address.as_ref() {
        return Ok(Err(NotSent::OtherAddress));
    }
    sign_in::insert_link(&mut tx, &link).await?;
    tx.commit().await?;
    let next = next.as_ref().map_or_else(String::new, |next| format!("?next={next}"));
    Ok(Ok(Some(format!("/sign-in/link/{secret}{next}"))))
}

fn link(
    entropy: &dyn Entropy,
    to: &Person,
    purpose: LinkPurpose,
    secret: &str,
    now: DateTime<Utc>,
) -> SignInLink {
    SignInLink {
        id: SignInLinkId(entropy.id(now)),
        org: to.org,
        person: to.id,
        purpose,
        hash: hash(secret),
        created_at: now,
        expires_at: now + purpose.lifetime(),
        used_at: None,
    }
}

async fn find_link(
    desk: &Desk,
    secret: &str,
    purpose: LinkPurpose,
    now: DateTime<Utc>,
) -> Result<Option<(SignInLink, Member)>, CommandError> {
    let secret = hash(secret);
    let found = sign_in::find_link(&desk.store, &secret).await?;
    Ok(found.filter(|(link, _)| {
        bool::from(link.hash.ct_eq(&secret)) && link.purpose == purpose && link.holds(now)
    }))
}

/// The organization to which the sign-in belongs, and its person.
pub(crate) async fn own(desk: &Desk, who: &SignedIn) -> Result<(OrgId, PersonId), CommandError> {
    let missing = || CommandError::NotFound(Missing::Person);
    let person = who.caller.person().ok_or_else(missing)?;
    if who.home == who.organization.key {
        return Ok((who.caller.org, person));
    }
    let home = who.home.parse().map_err(|_| missing())?;
    Ok((crate::organizations::by_key(desk, &home).await?.id, person))
}

/// The person who asks, with their own organization.
pub(crate) async fn own_member(desk: &Desk, who: &SignedIn) -> Result<Member, CommandError> {
    let (org, id) = own(desk, who).await?;
    let mut tx = desk.store.read(org).await?;
    let found = person::find(&mut tx, id).await?.filter(|person| person.org == org);
    let person = found.ok_or(CommandError::NotFound(Missing::Person))?;
    let here = organization::load(&mut tx).await?;
    Ok(Member { person, org_key: here.key.to_string(), org_name: here.name })
}

pub(crate) fn receiver(member: &Member) -> Receiver {
    Receiver {
        name: member.person.name.clone(),
        language: member.person.language.as_ref().map(ToString::to_string),
        organization: Named { key: member.org_key.clone(), name: member.org_name.clone() },
    }
}

/// What a browser says of itself, as far as it is kept.
fn described(device: &str) -> String {
    let plain = device.chars().filter(|character| !text::is_refused(*character));
    plain.take(MAX_DEVICE_CHARS).collect()
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}
