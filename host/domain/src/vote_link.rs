//! Vote links: with the link in the letter that asks for it, a person votes once, on one request,
//! without signing in.
//!
//! A link is good for nothing else, and ends with what it is for: with the vote, whoever casts it,
//! with the round, when its person leaves or gets another address.

use chrono::{DateTime, TimeDelta, Utc};

use crate::ids::{ApprovalRequestId, MessageId, OrgId, PersonId, VoteLinkId};

/// How long a link is good, if it is not over before.
pub const LIFETIME: TimeDelta = TimeDelta::days(7);
/// Who is asked for more votes on one ticket than this finds them all behind signing in.
pub const MAX_IN_LETTER: usize = 5;

/// A link with which a person votes on one request, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoteLink {
    /// Its id.
    pub id: VoteLinkId,
    /// The organization of the person and of the request.
    pub org: OrgId,
    /// Who votes with it.
    pub person: PersonId,
    /// The request that it answers.
    pub request: ApprovalRequestId,
    /// The letter that carries it.
    pub message: MessageId,
    /// SHA-256 of its secret.
    pub hash: [u8; 32],
    /// When it was made: when the letter left.
    pub created_at: DateTime<Utc>,
    /// From when it is refused.
    pub expires_at: DateTime<Utc>,
    /// When its person voted, with this one or another one, or all of theirs were ended.
    pub used_at: Option<DateTime<Utc>>,
}

impl VoteLink {
    /// Whether it can be used at this time.
    #[must_use]
    pub fn holds(&self, now: DateTime<Utc>) -> bool {
        self.used_at.is_none() && now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_vote_link_holds_once_and_for_a_week_at_most() {
        let made = DateTime::UNIX_EPOCH;
        let link = VoteLink {
            id: VoteLinkId(Uuid::from_u128(1)),
            org: OrgId(Uuid::from_u128(2)),
            person: PersonId(Uuid::from_u128(3)),
            request: ApprovalRequestId(Uuid::from_u128(4)),
            message: MessageId(Uuid::from_u128(5)),
            hash: [0; 32],
            created_at: made,
            expires_at: made + LIFETIME,
            used_at: None,
        };
        assert!(link.holds(made + TimeDelta::days(7) - TimeDelta::seconds(1)));
        assert!(!link.holds(made + TimeDelta::days(7)));
        assert!(!VoteLink { used_at: Some(made), ..link }.holds(made));
    }
}
