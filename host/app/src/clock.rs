//! Time, ids and secrets, which come from outside: the server's real ones, or a test's.

use chrono::{DateTime, SubsecRound, Utc};
use uuid::Uuid;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Now, to the microsecond (the databases keep no more).
    fn now(&self) -> DateTime<Utc>;
}

/// Makes ids and secrets.
pub trait Entropy: Send + Sync + 'static {
    /// A new id, later ones sorting after earlier ones (UUID version 7).
    fn id(&self, now: DateTime<Utc>) -> Uuid;
    /// 32 bytes nobody can guess.
    fn secret(&self) -> [u8; 32];
}

/// Cuts a time to what is kept.
pub trait ToMicros {
    /// The same time to the microsecond.
    #[must_use]
    fn to_micros(self) -> Self;
}

impl ToMicros for DateTime<Utc> {
    fn to_micros(self) -> Self {
        self.trunc_subsecs(6)
    }
}
