//! Bearer tokens: how a front end learns who calls.
//!
//! A secret is shown once, when it is made; only its SHA-256 is kept. It is 32 random bytes, so a
//! fast hash is enough: there is nothing to guess.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use waypost_domain::{
    event::{Actor, ActorKind},
    ids::{OrgId, PersonId, TokenId},
    key::Key,
    refusal::Faults,
    role::Role,
    said::Said,
};
use waypost_store::{
    CommitNote, person, token,
    token::{Shown, Token},
};

use crate::{
    Caller, CommandError, Desk, Missing, ToMicros, Unauthenticated,
    input::{Reading, checked},
    labels::{people_names, person_name},
    refs,
    tickets::{PersonName, PersonRef},
};

/// A token to be made.
#[derive(Debug, Clone, Default)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// What its bearer may do: `requester`, `agent`, `admin` or `auditor`.
    pub role: String,
    /// The person it stands for; a requester's token must have one.
    pub person: Option<PersonRef>,
    /// From when it is refused; none for never.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenView {
    /// Its id.
    pub id: TokenId,
    /// The organization whose records it opens.
    pub org: OrgId,
    /// What it is for.
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// The person it stands for.
    pub person: Option<PersonName>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when it is refused.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A token that was just made.
#[derive(Clone)]
pub struct IssuedToken {
    /// The token.
    pub token: TokenView,
    /// What its bearer shows. This is the only time that it can be read.
    pub secret: String,
}

/// Without the secret, so that no log holds one.
impl std::fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedToken").field("token", &self.token).finish_non_exhaustive()
    }
}

/// Tells our secrets from others', for people who find one and for scanners.
const PREFIX: &str = "wp_";

/// Makes a token for the caller's organization. For administrators.
///
/// # Errors
/// [`CommandError::Invalid`] with every wrong field.
pub async fn issue(
    desk: &Desk,
    caller: &Caller,
    new: NewToken,
) -> Result<IssuedToken, CommandError> {
    // Nobody but an administrator makes tokens, and there is no higher role, so none is ever above
    // its maker's.
    caller.must_be_admin()?;
    let mut faults = Faults::new();
    let name = faults.name("/name", &new.name);
    let role = faults.parse::<Role>("/role", &new.role);
    let expires_at = faults.moment_if("/expires_at", new.expires_at);
    if expires_at.is_some_and(|at| at <= caller.now) {
        faults.wrong("/expires_at", "out-of-range", Said::as_is("Give a time in the future."));
    }
    if role == Some(Role::Requester) && new.person.is_none() {
        let message = Said::as_is("A requester's token requires a person.");
        faults.missing("/person", message);
    }
    let mut tx = desk.write(caller).await?;
    let person = refs::person_if(&mut tx, &mut faults, "/person", new.person.as_ref()).await?;
    if let (Some(role), Some(Some(id))) = (role, person)
        && let Some(holder) = person::find(&mut tx, id).await?
        && !includes(holder.role, role)
    {
        let message = Said::as_is(format!(
            "{} has the role {}, so the token cannot have the role {role}.",
            holder.name, holder.role
        ));
        faults.wrong("/role", "not-allowed", message);
    }
    let (name, role, person) = checked!(faults; name, role, person);

    let secret = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(desk.entropy.secret()));
    let token = Token {
        id: TokenId(desk.id(caller)),
        org: caller.org,
        hash: hash(&secret),
        name,
        role,
        person,
        created_at: caller.now,
        expires_at,
        revoked_at: None,
    };
    token::insert(&mut tx, &token).await?;
    let names = people_names(&mut tx, token.person).await?;
    tx.commit().await?;
    tracing::info!(org.id = %caller.org, token.id = %token.id, token.role = %token.role, "token issued");
    Ok(IssuedToken { token: view(token, &names), secret })
}

/// Lists the organization's tokens in the order they were made. For administrators and auditors.
///
/// # Errors
/// [`CommandError::Forbidden`] for anybody else.
pub async fn list(desk: &Desk, caller: &Caller) -> Result<Vec<TokenView>, CommandError> {
    caller.must_be(&[Role::Admin, Role::Auditor])?;
    let mut tx = desk.store.read(caller.org).await?;
    let tokens = token::list(&mut tx).await?;
    let names = people_names(&mut tx, tokens.iter().filter_map(|token| token.person)).await?;
    Ok(tokens.into_iter().map(|token| view(token, &names)).collect())
}

/// Revokes a token: from now on it is refused. Revoking it again changes nothing. For
/// administrators.
///
/// # Errors
/// [`CommandError::NotFound`].
pub async fn revoke(desk: &Desk, caller: &Caller, id: TokenId) -> Result<(), CommandError> {
    caller.must_be_admin()?;
    let mut tx = desk.write(caller).await?;
    let all = token::list(&mut tx).await?;
    let token = all.into_iter().find(|token| token.id == id);
    let token = token.ok_or(CommandError::NotFound(Missing::Token))?;
    if token.revoked_at.is_some() {
        // Whoever did so may not be committed yet; the answer waits for that.
        return Ok(tx.commit().await?);
    }
    token::revoke(&mut tx, id, caller.now).await?;
    tx.commit().await?;
    tracing::info!(org.id = %caller.org, token.id = %id, "token revoked");
    Ok(())
}

/// Finds who shows a secret, and in which organization they act. See [`crate::authenticate`].
pub(crate) async fn authenticate(
    desk: &Desk,
    secret: &str,
    asked: Option<&Key>,
    now: DateTime<Utc>,
) -> Result<Caller, Unauthenticated> {
    let now = now.to_micros();
    let secret = hash(secret);
    let shown = token::shown(&desk.store, &secret, asked.map(Key::as_str)).await;
    // An index may answer for a hash that is only alike, under whatever collation; this comparison
    // decides, and takes as long for a near miss as for a far one.
    let shown = shown
        .map_err(Unauthenticated::failed)?
        .filter(|shown| bool::from(shown.token.hash.ct_eq(&secret)) && holds(&shown.token, now));
    let Shown { token, person, reached } = shown.ok_or(Unauthenticated::Token)?;
    let role = match token.person {
        Some(_) => role_of(&token, person)?,
        None => token.role,
    };
    let org = match asked {
        None => token.org,
        Some(_) => reach(&token, role, reached)?,
    };
    let actor = match token.person {
        Some(person) => Actor { kind: ActorKind::User, person: Some(person) },
        None => Actor { kind: ActorKind::Api, person: None },
    };
    let commit = CommitNote::default();
    Ok(Caller { org, role, actor, token: Some(token.id), now, repeatable: None, commit })
}

/// Whether a token is neither revoked nor expired.
fn holds(token: &Token, now: DateTime<Utc>) -> bool {
    token.revoked_at.is_none() && token.expires_at.is_none_or(|at| now < at)
}

/// What a person may do with their token. Who left the organization can't call any more, whatever
/// tokens they still have, and who may do less than before does no more with an older one.
fn role_of(token: &Token, now: Option<Role>) -> Result<Role, Unauthenticated> {
    let now = now.ok_or(Unauthenticated::Token)?;
    Ok(if includes(now, token.role) { token.role } else { now })
}

/// Whether somebody of a role may also act as another.
fn includes(role: Role, other: Role) -> bool {
    match other {
        Role::Requester => true,
        Role::Agent | Role::Auditor => role == other || role == Role::Admin,
        Role::Admin => role == Role::Admin,
    }
}

/// The organization asked for, if the token reaches it: its own, and those below for the roles of a
/// desk.
fn reach(token: &Token, role: Role, found: Option<OrgId>) -> Result<OrgId, Unauthenticated> {
    found
        .filter(|found| *found == token.org || role != Role::Requester)
        .ok_or(Unauthenticated::OutOfReach)
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn view(token: Token, names: &BTreeMap<PersonId, String>) -> TokenView {
    TokenView {
        id: token.id,
        org: token.org,
        name: token.name,
        role: token.role,
        person: token.person.map(|id| person_name(names, id)),
        created_at: token.created_at,
        expires_at: token.expires_at,
        revoked_at: token.revoked_at,
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use uuid::Uuid;

    use super::*;

    fn token(expires_at: Option<i64>, revoked: bool) -> Token {
        let at = |seconds| DateTime::UNIX_EPOCH + Duration::seconds(seconds);
        Token {
            id: TokenId(Uuid::from_u128(1)),
            org: OrgId(Uuid::from_u128(2)),
            hash: hash("wp_secret"),
            name: "a script".to_owned(),
            role: Role::Agent,
            person: None,
            created_at: at(0),
            expires_at: expires_at.map(at),
            revoked_at: revoked.then(|| at(5)),
        }
    }

    #[test]
    fn a_token_holds_until_it_expires_or_is_revoked() {
        let now = DateTime::UNIX_EPOCH + Duration::seconds(10);
        assert!(holds(&token(None, false), now));
        assert!(holds(&token(Some(11), false), now));
        assert!(!holds(&token(Some(10), false), now));
        assert!(!holds(&token(None, true), now));
    }

    #[test]
    fn an_administrator_may_be_everything_and_everybody_a_requester() {
        for role in Role::ALL {
            assert!(includes(Role::Admin, *role) && includes(*role, Role::Requester), "{role}");
            assert!(includes(*role, *role), "{role}");
        }
        assert!(!includes(Role::Agent, Role::Auditor) && !includes(Role::Auditor, Role::Agent));
        assert!(!includes(Role::Requester, Role::Agent) && !includes(Role::Agent, Role::Admin));
    }

    #[test]
    fn a_secret_is_not_printed() {
        let issued = IssuedToken {
            token: view(token(None, false), &BTreeMap::new()),
            secret: "wp_secret".to_owned(),
        };
        assert!(!format!("{issued:?}").contains("wp_secret"));
    }
}
