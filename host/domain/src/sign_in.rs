//! Sign-ins: how a person is known to the pages, and the links that begin one.
//!
//! A sign-in is a secret that a browser keeps. It ends when it is not used for half a day, after a
//! week, or when somebody ends it. What its person may do is never in it: that is looked up at each
//! request.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    ids::{OrgId, PersonId, SignInId, SignInLinkId},
    name::names,
};

/// How long a sign-in holds without being used.
pub const IDLE: TimeDelta = TimeDelta::hours(12);
/// How long a sign-in holds in all.
pub const LIFETIME: TimeDelta = TimeDelta::days(7);
/// How often a use is noted; more often would be a write for every page.
const NOTED: TimeDelta = TimeDelta::minutes(5);
/// For how long after somebody proved who they are power is theirs: see [`recently_proven`].
pub const PROVEN: TimeDelta = TimeDelta::minutes(30);
/// How many links are sent to one account in a quarter of an hour.
pub const MAX_ASKED: u32 = 5;

/// The quarter of an hour in which links are counted.
#[must_use]
pub fn quarter_of(now: DateTime<Utc>) -> i64 {
    now.timestamp().div_euclid(15 * 60)
}
/// The longest description of a browser that is kept.
pub const MAX_DEVICE_CHARS: usize = 200;

/// A browser in which a person is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Its id.
    pub id: SignInId,
    /// The organization of the person.
    pub org: OrgId,
    /// Who is signed in.
    pub person: PersonId,
    /// SHA-256 of the secret that the browser keeps.
    pub hash: [u8; 32],
    /// Which browser it is, as it describes itself.
    pub device: String,
    /// When they signed in.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to a few minutes.
    pub used_at: DateTime<Utc>,
    /// When its person last proved who they are: as they signed in, or again after that.
    pub proven_at: DateTime<Utc>,
    /// When it was ended.
    pub ended_at: Option<DateTime<Utc>>,
}

impl SignIn {
    /// Whether it is good at this time.
    #[must_use]
    pub fn holds(&self, now: DateTime<Utc>) -> bool {
        self.ended_at.is_none() && now < self.used_at + IDLE && now < self.created_at + LIFETIME
    }

    /// Whether this use is so much later than the last one that it is noted.
    #[must_use]
    pub fn notes_use(&self, now: DateTime<Utc>) -> bool {
        now >= self.used_at + NOTED
    }
}

/// Whether somebody proved who they are so short a time ago that they may do what gives power:
/// whoever finds a browser that was left open does not.
#[must_use]
pub fn recently_proven(proven_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now < proven_at + PROVEN
}

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkPurpose {
    /// Signs somebody in who asked for it, by mail.
    SignIn,
    /// Signs somebody in for the first time, by whoever invited them.
    Setup,
}

names!("purpose", LinkPurpose {
    SignIn => "sign_in",
    Setup => "setup",
});

impl LinkPurpose {
    /// How long such a link is good.
    #[must_use]
    pub const fn lifetime(self) -> TimeDelta {
        match self {
            Self::SignIn => TimeDelta::minutes(15),
            Self::Setup => TimeDelta::hours(24),
        }
    }
}

/// A link that signs a person in, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInLink {
    /// Its id.
    pub id: SignInLinkId,
    /// The organization of the person.
    pub org: OrgId,
    /// Whom it signs in.
    pub person: PersonId,
    /// What it is for.
    pub purpose: LinkPurpose,
    /// SHA-256 of its secret.
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when it is refused.
    pub expires_at: DateTime<Utc>,
    /// When it was used, or another one of the person instead.
    pub used_at: Option<DateTime<Utc>>,
}

impl SignInLink {
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

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn sign_in() -> SignIn {
        SignIn {
            id: SignInId(Uuid::from_u128(1)),
            org: OrgId(Uuid::from_u128(2)),
            person: PersonId(Uuid::from_u128(3)),
            hash: [0; 32],
            device: String::new(),
            created_at: at(0),
            used_at: at(0),
            proven_at: at(0),
            ended_at: None,
        }
    }

    #[test]
    fn a_sign_in_holds_for_half_a_day_without_use_and_for_a_week_in_all() {
        let fresh = sign_in();
        assert!(fresh.holds(at(12 * 60 - 1)));
        assert!(!fresh.holds(at(12 * 60)));
        let used = SignIn { used_at: at(7 * 24 * 60 - 5), ..sign_in() };
        assert!(used.holds(at(7 * 24 * 60 - 1)));
        assert!(!used.holds(at(7 * 24 * 60)));
        assert!(!SignIn { ended_at: Some(at(1)), ..sign_in() }.holds(at(1)));
    }

    #[test]
    fn a_use_is_noted_every_few_minutes_only() {
        assert!(!sign_in().notes_use(at(4)));
        assert!(sign_in().notes_use(at(5)));
    }

    #[test]
    fn who_proved_who_they_are_has_power_for_half_an_hour() {
        assert!(recently_proven(at(0), at(29)));
        assert!(!recently_proven(at(0), at(30)));
    }

    #[test]
    fn a_link_holds_once_until_it_expires() {
        let link = SignInLink {
            id: SignInLinkId(Uuid::from_u128(1)),
            org: OrgId(Uuid::from_u128(2)),
            person: PersonId(Uuid::from_u128(3)),
            purpose: LinkPurpose::SignIn,
            hash: [0; 32],
            created_at: at(0),
            expires_at: at(0) + LinkPurpose::SignIn.lifetime(),
            used_at: None,
        };
        assert!(link.holds(at(14)));
        assert!(!link.holds(at(15)));
        assert!(!SignInLink { used_at: Some(at(1)), ..link }.holds(at(2)));
    }
}
