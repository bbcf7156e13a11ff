//! Idempotency keys: a request that is sent twice is carried out once, and answered the same.
//!
//! [`begin`] before the request is carried out; what it hands over for a fresh one is [`Begun`]
//! work, which ends with its answer or is given up. The commit that holds the request's changes
//! says that it was carried out, so a repeat is not, even if the process dies in between.
//!
//! Two servers that get the same request at the same moment both begin it, and one of them commits.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, watch};
use waypost_domain::{ids::OrgId, refusal::Faults, said};
use waypost_store::{
    Committed, WriteTx,
    idempotency::{self, Answered, CarriedOut, Known, RequestKey},
};

use crate::{Caller, CommandError, Desk, input::Reading};

/// A request with a key, as its sender repeats it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method: `POST`.
    pub method: String,
    /// The path, as it was sent.
    pub path: String,
    /// The key, without the quotes around it.
    pub key: String,
    /// The digest of the body: [`digest`].
    pub body_digest: [u8; 32],
    /// When it came in.
    pub at: DateTime<Utc>,
}

/// What is known about a request.
#[derive(Debug)]
pub enum Begun {
    /// Nothing: carry it out.
    Fresh(Carrying),
    /// It was carried out: answer the same.
    Replay {
        /// The status that was answered.
        status: u16,
        /// What the front end kept with [`Carrying::answered`].
        response: Vec<u8>,
    },
    /// It is being carried out.
    InProgress,
    /// It was carried out, but the process ended before its answer was kept.
    AnswerLost,
    /// The key was used for a request with another body.
    Reused,
}

/// Longer keys are no keys; the header has room for more.
const MAX_KEY_CHARS: usize = 255;

/// How long the answer of a request that was carried out may be on its way from another server.
/// Longer than any request takes.
const LEASE: Duration = Duration::minutes(5);

/// How many answers are kept in one commit.
const AT_ONCE: usize = 64;

/// The digest of a request's body.
#[must_use]
pub fn digest(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

/// Begins to carry a request out, unless it was or is already.
///
/// # Errors
/// [`CommandError::Invalid`] for a key that is too long or holds control characters.
pub async fn begin(desk: &Desk, caller: &Caller, request: &Request) -> Result<Begun, CommandError> {
    let mut faults = Faults::new();
    let is_plain = request.key.chars().all(|c| c.is_ascii() && !c.is_ascii_control());
    if request.key.is_empty() || request.key.len() > MAX_KEY_CHARS || !is_plain {
        let message = said!(
            "an idempotency key must have 1 to {most} printable ASCII characters",
            most = MAX_KEY_CHARS
        );
        faults.wrong("", "invalid", message);
    }
    faults.refuse_any()?;
    let key = key(caller, request);
    let repeatable = Some(Arc::new(request.clone()));
    let caller = &Caller { repeatable, ..caller.clone() };
    let carrying = loop {
        match desk.keys.take(desk, caller, &key) {
            Taken::Free(carrying) => break carrying,
            Taken::ByOther => return Ok(Begun::Reused),
            Taken::Carrying => return Ok(Begun::InProgress),
            // Its answer is there in a moment.
            Taken::Answering(mut over) => {
                let _: Result<(), _> = over.changed().await;
            }
        }
    };
    let is_lost = desk.keys.is_lost(caller.org, &key);
    let known = idempotency::find(&desk.store, caller.org, &key, caller.now).await?;
    Ok(match known {
        None => Begun::Fresh(carrying),
        Some(Known::Replay { status, response }) => Begun::Replay { status, response },
        // The answer is on its way, for as long as it can be.
        Some(Known::CarriedOut(at)) if caller.now < at + LEASE && !is_lost => Begun::InProgress,
        Some(Known::CarriedOut(_)) => Begun::AnswerLost,
        Some(Known::Mismatch) => Begun::Reused,
    })
}

/// Notes in the transaction of their changes that the callers' requests are carried out, as far as
/// they may be sent again.
pub(crate) async fn carry_out(
    desk: &Desk,
    callers: &[&Caller],
    tx: &mut WriteTx,
) -> Result<(), CommandError> {
    let requests = callers.iter().filter_map(|caller| {
        let request = caller.repeatable.as_ref()?;
        let (at, expires_at) = (request.at, expiry(desk, request.at));
        Some(CarriedOut { request: key(caller, request), at, expires_at })
    });
    Ok(idempotency::carry_out(tx, requests.collect()).await?)
}

/// A request that is being carried out. Dropped, it is given up: a repeat is carried out, unless
/// its changes were committed.
pub struct Carrying(Option<Box<Held>>);

struct Held {
    desk: Desk,
    caller: Caller,
    key: RequestKey,
}

impl Carrying {
    /// The caller, whose changes are noted to be this request's.
    ///
    /// # Panics
    /// Never: it holds one until it is over.
    #[must_use]
    pub fn caller(&self) -> Caller {
        self.0.as_ref().map(|held| held.caller.clone()).expect("it is not over yet")
    }

    /// Keeps the answer, for as long as the operator set. Nobody has to wait for that: a repeat
    /// does.
    pub fn answered(mut self, status: u16, response: Vec<u8>) {
        let Some(held) = self.0.take() else { return };
        let Held { desk, caller, key } = *held;
        let at = caller.repeatable.as_ref().map_or(caller.now, |request| request.at);
        let carried_out_at = (caller.commit.read() != Committed::No).then_some(at);
        let expires_at = expiry(&desk, at);
        let answered = Answered { request: key, carried_out_at, status, response, expires_at };
        if desk.keys.answer(caller.org, answered) {
            tokio::spawn(keep_answers(desk, caller.org));
        }
    }
}

impl std::fmt::Debug for Carrying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Carrying").field(&self.0.as_ref().map(|held| &held.key)).finish()
    }
}

impl Drop for Carrying {
    fn drop(&mut self) {
        let Some(held) = self.0.take() else { return };
        let Held { desk, caller, key } = *held;
        // Nobody knows better than this process that there is no answer.
        let is_kept = (caller.commit.read() != Committed::No).then_some(false);
        desk.keys.end(caller.org, &[key], is_kept);
    }
}

/// Keeps the answers of an organization that wait for it, all that have come together at once.
async fn keep_answers(desk: Desk, org: OrgId) {
    loop {
        let answers = desk.keys.answers(org);
        if answers.is_empty() {
            desk.keys.kept.notify_waiters();
            return;
        }
        let keys: Vec<RequestKey> = answers.iter().map(|one| one.request.clone()).collect();
        let kept = async {
            let mut tx = desk.store.write(org).await?;
            idempotency::keep_answers(&mut tx, answers).await?;
            tx.commit().await
        };
        let kept = kept.await;
        if let Err(error) = &kept {
            // The requests were carried out or not, and are answered so; only repeats do not hear
            // it.
            tracing::error!(
                error = error as &dyn std::error::Error,
                org.id = %org,
                "answers of requests with an idempotency key were not kept"
            );
        }
        desk.keys.end(org, &keys, Some(kept.is_ok()));
    }
}

/// The requests with a key that this process carries out.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    all: Mutex<AllKeys>,
    /// Told whenever the answers of an organization are kept.
    kept: Notify,
}

#[derive(Debug, Default)]
struct AllKeys {
    /// Those under way, by what names a request.
    under_way: HashMap<(OrgId, Name), UnderWay>,
    /// Answers that wait to be kept; there while somebody keeps those of the organization.
    waiting: HashMap<OrgId, VecDeque<Answered>>,
    /// Those that may have been carried out and will have no answer.
    lost: HashSet<(OrgId, Name)>,
}

/// A request but for its body.
type Name = [String; 4];

#[derive(Debug)]
struct UnderWay {
    digest: [u8; 32],
    /// Told when it is over.
    over: watch::Sender<()>,
    is_answered: bool,
}

/// What became of trying to begin a request.
enum Taken {
    Free(Carrying),
    /// Its first one is being carried out.
    Carrying,
    /// Its answer is being kept; this tells when it is.
    Answering(watch::Receiver<()>),
    /// One with another body has the key.
    ByOther,
}

/// More than any outage leaves behind; the others wait for their lease to end.
const MAX_LOST_KEYS: usize = 10_000;

impl Keys {
    fn all(&self) -> MutexGuard<'_, AllKeys> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, desk: &Desk, caller: &Caller, key: &RequestKey) -> Taken {
        let mut all = self.all();
        let name = (caller.org, name(key));
        if let Some(other) = all.under_way.get(&name) {
            return match other {
                UnderWay { digest, .. } if *digest != key.digest => Taken::ByOther,
                UnderWay { is_answered: true, over, .. } => Taken::Answering(over.subscribe()),
                UnderWay { .. } => Taken::Carrying,
            };
        }
        let (over, _) = watch::channel(());
        all.under_way.insert(name, UnderWay { digest: key.digest, over, is_answered: false });
        let held = Held { desk: desk.clone(), caller: caller.clone(), key: key.clone() };
        Taken::Free(Carrying(Some(Box::new(held))))
    }

    fn is_lost(&self, org: OrgId, key: &RequestKey) -> bool {
        self.all().lost.contains(&(org, name(key)))
    }

    /// Lets an answer wait to be kept. Answers whether whoever asks has to see to it.
    fn answer(&self, org: OrgId, answered: Answered) -> bool {
        let mut all = self.all();
        if let Some(under_way) = all.under_way.get_mut(&(org, name(&answered.request))) {
            under_way.is_answered = true;
        }
        let is_first = !all.waiting.contains_key(&org);
        all.waiting.entry(org).or_default().push_back(answered);
        is_first
    }

    /// The next answers of an organization to be kept; without any, nobody keeps them any more.
    fn answers(&self, org: OrgId) -> Vec<Answered> {
        let mut all = self.all();
        let Some(waiting) = all.waiting.get_mut(&org) else { return Vec::new() };
        let many = waiting.len().min(AT_ONCE);
        let next: Vec<Answered> = waiting.drain(..many).collect();
        if next.is_empty() {
            all.waiting.remove(&org);
        }
        next
    }

    /// Notes that these are over, and whether their answers were kept or lost; neither where
    /// nothing was carried out.
    fn end(&self, org: OrgId, keys: &[RequestKey], are_kept: Option<bool>) {
        let mut all = self.all();
        for key in keys {
            let name = (org, name(key));
            // Whoever waits for it hears so by its end.
            all.under_way.remove(&name);
            match are_kept {
                Some(true) => {
                    all.lost.remove(&name);
                }
                Some(false) if all.lost.len() < MAX_LOST_KEYS => {
                    all.lost.insert(name);
                }
                Some(false) | None => {}
            }
        }
    }

    /// Waits until every answer is kept that is to be.
    pub(crate) async fn are_kept(&self) {
        loop {
            let told = self.kept.notified();
            if self.all().waiting.is_empty() {
                return;
            }
            told.await;
        }
    }
}

fn name(key: &RequestKey) -> Name {
    [&key.caller, &key.method, &key.path, &key.key].map(String::clone)
}

fn expiry(desk: &Desk, at: DateTime<Utc>) -> DateTime<Utc> {
    at + Duration::hours(desk.options.idempotency_hours.into())
}

/// A key belongs to who used it: the token, the person, or the operator at the command line.
fn key(caller: &Caller, request: &Request) -> RequestKey {
    let who = match (caller.token, caller.person()) {
        (Some(token), _) => format!("token:{token}"),
        (None, Some(person)) => format!("person:{person}"),
        (None, None) => "operator".to_owned(),
    };
    RequestKey {
        caller: who,
        method: request.method.clone(),
        path: request.path.clone(),
        key: request.key.clone(),
        digest: request.body_digest,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;
    use waypost_domain::ids::{OrgId, TokenId};

    use super::*;

    #[test]
    fn the_same_key_of_another_token_is_another_request() {
        let request = Request {
            method: "POST".to_owned(),
            path: "/api/v1/tickets".to_owned(),
            key: "k-1".to_owned(),
            body_digest: digest(b"{}"),
            at: DateTime::UNIX_EPOCH,
        };
        let operator = Caller::operator(OrgId(Uuid::nil()), DateTime::UNIX_EPOCH);
        let token = |id| Caller { token: Some(TokenId(Uuid::from_u128(id))), ..operator.clone() };
        assert_ne!(key(&token(1), &request), key(&token(2), &request));
        assert_ne!(key(&token(1), &request), key(&operator, &request));
        assert_eq!(key(&token(1), &request), key(&token(1), &request));
    }
}
