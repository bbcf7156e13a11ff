//! The caller: who asks, for which organization, when.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use thiserror::Error;
use waypost_domain::{
    event::{Actor, ActorKind},
    ids::{OrgId, PersonId, TokenId},
    key::Key,
    role::Role,
    said,
    said::Part,
};

use waypost_store::CommitNote;

use crate::{CommandError, Desk, idempotency::Request};

/// Who asks, for which organization, when. Made by a front end for each request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The organization whose records are asked for.
    pub org: OrgId,
    /// What the caller may do there.
    pub role: Role,
    /// Who acts, as events will say.
    pub actor: Actor,
    /// The token that was shown; none on the command line.
    pub token: Option<TokenId>,
    /// The time of the request.
    pub now: DateTime<Utc>,
    /// The key under which the request may be sent again.
    pub repeatable: Option<Arc<Request>>,
    /// How far its changes are committed.
    pub commit: CommitNote,
}

impl Caller {
    /// The person who acts, if it is one.
    #[must_use]
    pub fn person(&self) -> Option<PersonId> {
        self.actor.person
    }

    /// The operator at the command line: may do everything in the named organization.
    #[must_use]
    pub fn operator(org: OrgId, now: DateTime<Utc>) -> Self {
        let actor = Actor { kind: ActorKind::System, person: None };
        let commit = CommitNote::default();
        Self { org, role: Role::Admin, actor, token: None, now, repeatable: None, commit }
    }

    /// Refuses a caller who does not keep the organization.
    ///
    /// # Errors
    /// [`CommandError::Forbidden`] for anybody but an administrator.
    pub(crate) fn must_be_admin(&self) -> Result<(), CommandError> {
        self.must_be(&[Role::Admin])
    }

    /// Refuses a caller who is not of the desk.
    pub(crate) fn must_be_desk(&self) -> Result<(), CommandError> {
        self.must_be(&[Role::Agent, Role::Admin, Role::Auditor])
    }

    /// Refuses a caller who has none of these roles.
    pub(crate) fn must_be(&self, roles: &[Role]) -> Result<(), CommandError> {
        if roles.contains(&self.role) {
            return Ok(());
        }
        let needed = Part::any(roles);
        Err(CommandError::Forbidden(said!("This requires the role {needed}.", needed)))
    }
}

/// Nobody is known by that token.
#[derive(Debug, Error)]
pub enum Unauthenticated {
    /// Unknown, expired or revoked; the three look the same from outside.
    #[error("the token is unknown, expired or revoked")]
    Token,
    /// The organization asked for is not the token's, nor below it.
    #[error("the token has no access to that organization")]
    OutOfReach,
    /// Not the caller's doing.
    #[error(transparent)]
    Failed(CommandError),
}

impl Unauthenticated {
    pub(crate) fn failed(error: waypost_store::StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// Finds who shows a bearer token.
///
/// `asked` names the organization to act in: the token's own (the default), or one below it. `now`
/// is the time of the request; an expired token is as good as none.
///
/// # Errors
/// [`Unauthenticated`], which says no more than a stranger may know.
pub async fn authenticate(
    desk: &Desk,
    secret: &str,
    asked: Option<&Key>,
    now: DateTime<Utc>,
) -> Result<Caller, Unauthenticated> {
    crate::tokens::authenticate(desk, secret, asked, now).await
}
