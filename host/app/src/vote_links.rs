//! Voting by a letter: the letter that asks for a vote carries a link with which its receiver casts
//! it, once, without signing in.
//!
//! The secret is made when the letter leaves, and only its SHA-256 is kept. A later letter about
//! the same vote carries a link of its own, and the earlier ones stay good until one is used: mail
//! may come twice, late and out of order, and programs keep the first of two letters with one id.
//! Whoever has one of the letters has the mailbox.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use waypost_domain::{
    event::{Actor, ActorKind},
    ids::{ApprovalRequestId, OrgId, PersonId, VoteLinkId},
    message::{Message, NotSent},
    role::Role,
    text::uncased,
    vote_link::{LIFETIME, MAX_IN_LETTER, VoteLink},
};
use waypost_store::{CommitNote, Store, StoreError, WriteTx, organization, person, vote_link};

use crate::{
    Caller, Code, CommandError, Desk, Entropy, Missing, ToMicros,
    approvals::{self, ApprovalView, Vote},
    outbox::Leaving,
    tickets::Named,
};

/// A vote that a letter asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedVote {
    /// The request to answer.
    pub request: ApprovalRequestId,
    /// What is asked.
    pub step: String,
}

/// The link with which a vote is cast, as a letter names it.
#[derive(Clone, PartialEq, Eq)]
pub struct VotePath {
    /// What is asked.
    pub step: String,
    /// The path of the link: it holds the secret.
    pub path: String,
}

/// Without the path, so that no log holds a secret.
impl std::fmt::Debug for VotePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VotePath").field("step", &self.step).finish_non_exhaustive()
    }
}

/// Who votes by a link, and on what. They are not signed in.
#[derive(Debug, Clone)]
pub struct ByLink {
    /// Who asks, as every use case knows it: the person as they are now.
    pub caller: Caller,
    /// The link.
    pub link: VoteLinkId,
    /// The request that the link answers.
    pub request: ApprovalRequestId,
    /// Their name.
    pub name: String,
    /// The language they read, where it is known.
    pub language: Option<String>,
    /// Their zone; the organization's where they have none of their own.
    pub zone: Tz,
    /// Their organization.
    pub organization: Named,
}

/// Makes the links of letters that leave now, for the votes that each asks for. Each attempt to
/// send a letter makes new ones.
///
/// # Errors
/// The database failed.
pub async fn make(
    store: &Store,
    entropy: &dyn Entropy,
    messages: &[&Message],
    leaving: &mut [Result<Leaving, NotSent>],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let now = now.to_micros();
    let mut new: BTreeMap<OrgId, Vec<New>> = BTreeMap::new();
    for (place, (message, leaving)) in messages.iter().zip(leaving.iter()).enumerate() {
        let Ok(Leaving { asked, address, .. }) = leaving else { continue };
        if asked.len() > MAX_IN_LETTER {
            continue;
        }
        for AskedVote { request, step } in asked {
            let secret = URL_SAFE_NO_PAD.encode(entropy.secret());
            let link = VoteLink {
                id: VoteLinkId(entropy.id(now)),
                org: message.org,
                person: message.person,
                request: *request,
                message: message.id,
                hash: hash(&secret),
                created_at: now,
                expires_at: now + LIFETIME,
                used_at: None,
            };
            let path = VotePath { step: step.clone(), path: format!("/s/{secret}") };
            let address = uncased(address);
            new.entry(message.org).or_default().push(New { link, address, path, place });
        }
    }
    for (org, mut new) in new {
        let people: BTreeSet<PersonId> = new.iter().map(|one| one.link.person).collect();
        let mut tx = store.write(org).await?;
        let addresses = vote_link::addresses(&mut tx, &Vec::from_iter(people)).await?;
        // Who left or got another address since it was looked up votes by no letter to the old one.
        new.retain(|one| addresses.get(&one.link.person) == Some(&one.address));
        let links: Vec<VoteLink> = new.iter().map(|one| one.link.clone()).collect();
        vote_link::insert(&mut tx, &links).await?;
        tx.commit().await?;
        for New { path, place, .. } in new {
            if let Some(Ok(leaving)) = leaving.get_mut(place) {
                leaving.votes.push(path);
            }
        }
    }
    Ok(())
}

/// A link that is about to be kept.
struct New {
    link: VoteLink,
    /// Where its letter goes, as addresses are compared.
    address: String,
    path: VotePath,
    /// The place of the letter.
    place: usize,
}

/// The use of a link, which is part of the commit of its vote: what ends a link meanwhile stops the
/// vote as well.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinkUse {
    link: VoteLinkId,
    person: PersonId,
    request: ApprovalRequestId,
    now: DateTime<Utc>,
}

impl LinkUse {
    /// Uses up the link, and with it all others of its person for the request.
    pub(crate) async fn carry_out(&self, tx: &mut WriteTx) -> Result<(), CommandError> {
        let over = CommandError::NotFound(Missing::Link);
        let Self { link, person, request, now } = *self;
        // Where its person has left or got another address, there is no such link any more.
        if !vote_link::use_one(tx, link, now).await? {
            return Err(over);
        }
        vote_link::use_up(tx, person, request, now).await?;
        let voter = person::find(tx, person).await?;
        let may_vote = voter.is_some_and(|voter| voter.role != Role::Auditor);
        if !may_vote || !organization::load(tx).await?.settings.votes_by_mail {
            return Err(over);
        }
        Ok(())
    }
}

/// Who votes by the link with this secret, and on what. None where it was used, has expired or
/// never was; where the vote is not asked of them any more; and where their organization does not
/// have votes by mail.
///
/// # Errors
/// The database failed.
pub async fn look_at(
    desk: &Desk,
    secret: &str,
    commit: &CommitNote,
    now: DateTime<Utc>,
) -> Result<Option<ByLink>, CommandError> {
    let now = now.to_micros();
    let secret = hash(secret);
    let found = vote_link::find(&desk.store, &secret).await?.filter(|(link, person)| {
        // An index may answer for a hash that is only alike; this comparison decides.
        bool::from(link.hash.ct_eq(&secret)) && link.holds(now) && person.role != Role::Auditor
    });
    let Some((link, person)) = found else { return Ok(None) };
    let mut tx = desk.store.read(link.org).await?;
    let here = organization::load(&mut tx).await?;
    if !here.settings.votes_by_mail {
        return Ok(None);
    }
    let actor = Actor { kind: ActorKind::Mail, person: Some(person.id) };
    let (org, role, commit) = (link.org, person.role, commit.clone());
    Ok(Some(ByLink {
        caller: Caller { org, role, actor, token: None, now, repeatable: None, commit },
        link: link.id,
        request: link.request,
        zone: person.zone.unwrap_or(here.settings.zone),
        language: person.language.map(|language| language.to_string()),
        name: person.name,
        organization: Named { key: here.key.to_string(), name: here.name },
    }))
}

/// Casts the vote of a link, and uses the link up. `shown` is the digest of the content that the
/// voter decided on. A vote that is refused leaves the link as it was.
///
/// # Errors
/// [`CommandError::NotFound`] where the vote was cast or the link ended meanwhile; as
/// [`approvals::vote`] otherwise.
pub async fn vote(
    desk: &Desk,
    voter: &ByLink,
    vote: Vote,
    shown: Option<String>,
) -> Result<ApprovalView, CommandError> {
    let ByLink { caller, request, .. } = voter;
    let person = caller.person().ok_or(CommandError::NotFound(Missing::Link))?;
    let used = LinkUse { link: voter.link, person, request: *request, now: caller.now };
    let cast = approvals::vote_by(desk, caller, *request, vote, shown, Some(used));
    let view = Box::pin(cast).await.map_err(|error| match error.code() {
        Code::NotFound | Code::InvalidTransition => CommandError::NotFound(Missing::Link),
        _ => error,
    })?;
    tracing::info!(org.id = %caller.org, request.id = %request, "somebody voted by a link");
    Ok(view)
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}
