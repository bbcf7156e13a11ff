//! Idempotency keys: a request that is sent twice is carried out once, and answered the same.
//!
//! [`begin`] before the request is carried out, then [`complete`] or [`abandon`] with the same
//! [`Request`]. Should a process die in between, a repeat may take over after a while, unless the
//! request's changes are there already: the commit that holds them says so.

use std::{
    collections::HashSet,
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};
use waypost_domain::{ids::OrgId, refusal::Faults};
use waypost_store::{
    StoreError, WriteTx,
    idempotency::{self, Known, RequestKey},
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
}

/// What is known about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Nothing: carry it out.
    Fresh,
    /// It was carried out: answer the same.
    Replay {
        /// The status that was answered.
        status: u16,
        /// What the front end kept with [`complete`].
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

/// How long a repeat waits before it may take over from a process that died. Longer than any
/// request takes.
const LEASE: Duration = Duration::minutes(5);

/// The digest of a request's body.
#[must_use]
pub fn digest(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

/// Notes that a request is being carried out, unless it was or is already.
///
/// # Errors
/// [`CommandError::Invalid`] for a key that is too long or holds control characters.
pub async fn begin(desk: &Desk, caller: &Caller, request: &Request) -> Result<Begun, CommandError> {
    let mut faults = Faults::new();
    let is_plain = request.key.chars().all(|c| c.is_ascii() && !c.is_ascii_control());
    if request.key.is_empty() || request.key.len() > MAX_KEY_CHARS || !is_plain {
        let message =
            format!("an idempotency key must have 1 to {MAX_KEY_CHARS} printable ASCII characters");
        faults.wrong("", "invalid", message);
    }
    faults.refuse_any()?;
    let key = key(caller, request);
    let is_lost = desk.lost_keys.contains(caller.org, &key);
    let begun = desk.lost_keys.unless_done(caller.org, &key, async {
        let mut tx = desk.store.write(caller.org).await?;
        if is_lost {
            idempotency::abandon(&mut tx, &key).await?;
        }
        let (digest, lease_until) = (&request.body_digest, caller.now + LEASE);
        let known = idempotency::begin(&mut tx, &key, digest, caller.now, lease_until).await?;
        tx.commit().await.map_err(StoreError::of_preparation)?;
        Ok(known)
    });
    Ok(match begun.await? {
        Known::Fresh => Begun::Fresh,
        Known::Replay { status, response } => Begun::Replay { status, response },
        Known::InProgress => Begun::InProgress,
        // The answer is on its way, for as long as it can be.
        Known::CarriedOut(at) if caller.now < at + LEASE && !is_lost => Begun::InProgress,
        Known::CarriedOut(_) => Begun::AnswerLost,
        Known::Mismatch => Begun::Reused,
    })
}

/// Notes in the transaction of its changes that the caller's request is carried out, if it may be
/// sent again.
pub(crate) async fn carry_out(
    desk: &Desk,
    caller: &Caller,
    tx: &mut WriteTx,
) -> Result<(), CommandError> {
    let Some(request) = &caller.repeatable else { return Ok(()) };
    let key = key(caller, request);
    Ok(idempotency::carry_out(tx, &key, caller.now, expiry(desk, caller)).await?)
}

/// Keeps the answer of a request that was carried out, for as long as the operator set.
///
/// # Errors
/// [`CommandError::Stale`] if somebody else took the request over meanwhile.
pub async fn complete(
    desk: &Desk,
    caller: &Caller,
    request: &Request,
    status: u16,
    response: &[u8],
) -> Result<(), CommandError> {
    let key = key(caller, request);
    let completed = desk.lost_keys.unless_done(caller.org, &key, async {
        let mut tx = desk.store.write(caller.org).await?;
        idempotency::complete(&mut tx, &key, status, response, expiry(desk, caller)).await?;
        Ok(tx.commit().await?)
    });
    completed.await
}

/// Forgets a request that was not carried out, so that a repeat is.
///
/// # Errors
/// [`CommandError::Internal`] if the database fails.
pub async fn abandon(desk: &Desk, caller: &Caller, request: &Request) -> Result<(), CommandError> {
    let key = key(caller, request);
    let abandoned = desk.lost_keys.unless_done(caller.org, &key, async {
        let mut tx = desk.store.write(caller.org).await?;
        idempotency::abandon(&mut tx, &key).await?;
        Ok(tx.commit().await?)
    });
    abandoned.await
}

/// Keys of requests that this process has ended without being able to say so in the database: it
/// was away. The rows still say that they are being carried out, and nothing carries them out.
#[derive(Debug, Default)]
pub(crate) struct LostKeys(Mutex<HashSet<(OrgId, RequestKey)>>);

/// More than any outage leaves behind; the others wait for their lease to end.
const MAX_LOST_KEYS: usize = 10_000;

impl LostKeys {
    fn contains(&self, org: OrgId, key: &RequestKey) -> bool {
        self.keys().contains(&(org, key.clone()))
    }

    /// Notes the key as lost unless what is done with it is done.
    async fn unless_done<T>(
        &self,
        org: OrgId,
        key: &RequestKey,
        work: impl Future<Output = Result<T, CommandError>>,
    ) -> Result<T, CommandError> {
        let done = work.await;
        let lost = (org, key.clone());
        let mut keys = self.keys();
        match &done {
            Ok(_) => {
                keys.remove(&lost);
            }
            Err(_) if keys.len() < MAX_LOST_KEYS => {
                keys.insert(lost);
            }
            Err(_) => {}
        }
        done
    }

    fn keys(&self) -> MutexGuard<'_, HashSet<(OrgId, RequestKey)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn expiry(desk: &Desk, caller: &Caller) -> DateTime<Utc> {
    caller.now + Duration::hours(desk.options.idempotency_hours.into())
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
        };
        let operator = Caller::operator(OrgId(Uuid::nil()), DateTime::UNIX_EPOCH);
        let token = |id| Caller { token: Some(TokenId(Uuid::from_u128(id))), ..operator.clone() };
        assert_ne!(key(&token(1), &request), key(&token(2), &request));
        assert_ne!(key(&token(1), &request), key(&operator, &request));
        assert_eq!(key(&token(1), &request), key(&token(1), &request));
    }
}
