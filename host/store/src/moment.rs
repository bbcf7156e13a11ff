//! Ids as moments: every id begins with the millisecond that it was made for, so what came before
//! or after a moment is found by key, without an index of its own.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// No command takes so long.
pub(crate) const LONGER_THAN_A_COMMAND: TimeDelta = TimeDelta::days(1);

/// The lowest id that can have been made for a moment. An id is never earlier than its record, so
/// whatever has a lower one is from before the moment; but not the other way round: see
/// [`past_ids_of`].
pub(crate) fn first_id_of(moment: DateTime<Utc>) -> Uuid {
    // Before 1970, and after the year 10889, there is no id.
    let millis = u128::try_from(moment.timestamp_millis()).unwrap_or_default();
    Uuid::from_u128(millis.min((1 << 48) - 1) << 80)
}

/// An id above those of everything from before a moment.
///
/// Ids go up also where a long command gives its records the time at which it began, and others
/// have had theirs meanwhile; so an id may be later than its record, by as long as a command takes.
pub(crate) fn past_ids_of(moment: DateTime<Utc>) -> Uuid {
    first_id_of(
        moment.checked_add_signed(LONGER_THAN_A_COMMAND).unwrap_or(DateTime::<Utc>::MAX_UTC),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_moment_are_between_those_before_and_after() {
        let moment = DateTime::from_timestamp_millis(1_780_000_000_123).unwrap();
        let made = |moment: DateTime<Utc>| {
            let nanos = moment.timestamp_subsec_nanos();
            let seconds = u64::try_from(moment.timestamp()).unwrap();
            Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos))
        };
        let step = TimeDelta::milliseconds(1);
        assert!(made(moment - step) < first_id_of(moment));
        assert!(first_id_of(moment) < made(moment));
        assert!(made(moment + TimeDelta::hours(23)) < past_ids_of(moment));
        assert!(first_id_of(DateTime::<Utc>::MIN_UTC).is_nil());
        assert!(past_ids_of(DateTime::<Utc>::MAX_UTC) < Uuid::max());
    }
}
